"""In charge of what happens after a commit, and only then."""
# ruff: noqa: PT012  # it is the whole transaction that raises, at its end

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from core.db import errors
from core.db.gateway import Store
from core.db.unit_of_work import UnitOfWork, in_transaction, unit_of_work


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    opened = await Store.open(f"sqlite:///{tmp_path / 'unit.db'}")
    try:
        async with opened.write() as connection:
            await connection.execute(
                "CREATE TABLE t (id INTEGER PRIMARY KEY, r INTEGER REFERENCES t DEFERRABLE INITIALLY DEFERRED)"
            )
        yield opened
    finally:
        await opened.close()


async def keys(store: Store) -> list[int]:
    async with store.read() as connection:
        return [row[0] for row in await connection.rows("SELECT id FROM t ORDER BY id")]


class Log:
    """Records what ran, and what the database held at that moment."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.seen: list[tuple[str, list[int]]] = []

    def action(self, name: str) -> Any:
        async def run() -> None:
            self.seen.append((name, await keys(self.store)))

        return run


async def insert(unit: UnitOfWork, key: int, r: int | None = None) -> None:
    await unit.connection.execute("INSERT INTO t VALUES (?, ?)", (key, r))


async def test_actions_run_after_the_commit_in_order(store: Store) -> None:
    log = Log(store)
    async with unit_of_work(store) as unit:
        unit.after_commit(log.action("first"))
        await insert(unit, 1)
        unit.after_commit(log.action("second"))
        assert log.seen == []
    assert log.seen == [("first", [1]), ("second", [1])]


async def test_a_rollback_forgets_them(store: Store) -> None:
    log = Log(store)
    with pytest.raises(ZeroDivisionError):
        async with unit_of_work(store) as unit:
            await insert(unit, 1)
            unit.after_commit(log.action("never"))
            raise ZeroDivisionError
    assert (log.seen, await keys(store)) == ([], [])


async def test_a_refused_commit_forgets_them(store: Store) -> None:
    log = Log(store)
    with pytest.raises(errors.ForeignKeyViolation):
        async with unit_of_work(store) as unit:
            await insert(unit, 1, 99)
            unit.after_commit(log.action("never"))
    assert (log.seen, await keys(store)) == ([], [])


async def test_a_savepoint_forgets_its_own(store: Store) -> None:
    log = Log(store)
    async with unit_of_work(store) as unit:
        await insert(unit, 1)
        unit.after_commit(log.action("kept"))
        with pytest.raises(ZeroDivisionError):
            async with unit.savepoint():
                await insert(unit, 2)
                unit.after_commit(log.action("forgotten"))
                raise ZeroDivisionError
        async with unit.savepoint():
            await insert(unit, 3)
            unit.after_commit(log.action("also kept"))
    assert log.seen == [("kept", [1, 3]), ("also kept", [1, 3])]


async def test_one_failing_action_does_not_stop_the_others(store: Store) -> None:
    log = Log(store)
    failures: list[Exception] = []

    async def fail() -> None:
        raise ZeroDivisionError

    async with unit_of_work(store, failures.append) as unit:
        await insert(unit, 1)
        unit.after_commit(fail)
        unit.after_commit(log.action("next"))
    assert [type(one) for one in failures] == [ZeroDivisionError]
    assert log.seen == [("next", [1])]


async def test_a_failing_action_is_told_to_the_loop(store: Store) -> None:
    told: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda loop, context: told.append(context))

    async def fail() -> None:
        raise ZeroDivisionError

    async with unit_of_work(store) as unit:
        unit.after_commit(fail)
    assert [type(one["exception"]) for one in told] == [ZeroDivisionError]


async def test_a_cancellation_during_commit_does_not_lose_the_actions(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = Log(store)
    began = asyncio.Event()

    async def work() -> None:
        async with unit_of_work(store) as unit:
            await insert(unit, 1)
            unit.after_commit(log.action("published"))
            commit = unit.connection._commit

            async def slow_commit() -> None:
                began.set()
                await asyncio.sleep(0.05)
                await commit()

            monkeypatch.setattr(unit.connection, "_commit", slow_commit)

    task = asyncio.create_task(work())
    await began.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert log.seen == [("published", [1])]


async def test_a_transaction_that_lost_is_run_again(store: Store) -> None:
    log = Log(store)
    tries: list[int] = []

    async def work(unit: UnitOfWork) -> str:
        tries.append(len(tries) + 1)
        await insert(unit, tries[-1])
        unit.after_commit(log.action(f"try {tries[-1]}"))
        if len(tries) < 3:
            raise errors.Deadlock
        return "done"

    assert await in_transaction(store, work) == "done"
    assert tries == [1, 2, 3]
    assert log.seen == [("try 3", [3])]


async def test_it_is_not_run_again_for_ever_nor_for_other_faults(store: Store) -> None:
    tries: list[int] = []

    async def lose(unit: UnitOfWork) -> None:
        tries.append(1)
        raise errors.Locked

    with pytest.raises(errors.Locked):
        await in_transaction(store, lose, attempts=2)
    assert len(tries) == 2

    async def fail(unit: UnitOfWork) -> None:
        tries.append(1)
        await insert(unit, 1)
        await insert(unit, 1)

    with pytest.raises(errors.UniqueViolation):
        await in_transaction(store, fail)
    assert len(tries) == 3
    assert await keys(store) == []
