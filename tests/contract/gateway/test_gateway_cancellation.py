"""In charge of what a cancelled task leaves behind: no rows and no hole in the pool."""

# ruff: noqa: PT012  # it is the whole transaction that raises, at its end

from __future__ import annotations

import asyncio

import anyio
import pytest

from core.db import errors
from core.db.gateway import Connection, Store
from tests.contract.gateway.support import SLOW, assert_pool_intact, count, run


@pytest.mark.parametrize("statement", ["read", "write"])
async def test_cancelled_transactions_leave_no_rows_and_no_holes(store: Store, dialect: str, statement: str) -> None:
    slow = SLOW[dialect]
    if statement == "write":
        slow = (
            f"INSERT INTO t (id, name) SELECT 1000, 'slow' FROM ({slow}) s"
            if dialect != "sqlite"
            else (
                "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c WHERE x < 300000000) "
                "INSERT INTO t (id, name) SELECT 1000, 'slow' FROM c WHERE x = 300000000"
            )
        )

    async def work(number: int) -> None:
        async with store.write() as connection:
            await run(connection, "INSERT INTO t (id, name) VALUES (?, ?)", (100 + number, f"n{number}"))
            if statement == "read":
                await connection.rows(slow)
            else:
                await connection.execute(slow)

    async with asyncio.timeout(20):
        for number in range(10):
            task = asyncio.create_task(work(number))
            await asyncio.sleep(0.05)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
    assert await count(store) == 2
    await assert_pool_intact(store)


async def test_cancelled_reads_give_their_connections_back(store: Store, dialect: str) -> None:
    async def work() -> None:
        async with store.read() as connection:
            await connection.rows(SLOW[dialect])

    async with asyncio.timeout(20):
        tasks = [asyncio.create_task(work()) for _ in range(10)]
        await asyncio.sleep(0.2)
        for task in tasks:
            task.cancel()
        found = await asyncio.gather(*tasks, return_exceptions=True)
    assert [type(one) for one in found] == [asyncio.CancelledError] * 10
    await assert_pool_intact(store)


async def test_a_cancelled_scope_still_rolls_back(store: Store, dialect: str) -> None:
    """anyio cancels again at every await, also in the middle of the rollback."""
    with anyio.move_on_after(0.1) as scope:
        async with store.write() as connection:
            await run(connection, "INSERT INTO t (id, name) VALUES (3, 'three')")
            await connection.rows(SLOW[dialect])
    assert scope.cancelled_caught
    assert await count(store) == 2
    await assert_pool_intact(store)


async def test_a_swallowed_cancellation_does_not_commit_what_followed_a_lost_transaction(
    store: Store, dialect: str
) -> None:
    """The write that was stopped took its transaction along; nothing after it may be stored on its own."""
    slow = (
        SLOW[dialect]
        if dialect != "sqlite"
        else (
            "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c WHERE x < 300000000) "
            "UPDATE t SET n = 5 WHERE (SELECT COUNT(*) FROM c) > 0"
        )
    )
    with pytest.raises(errors.DatabaseError):
        async with store.write() as connection:
            await run(connection, "INSERT INTO t (id, name) VALUES (3, 'three')")
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.1):
                    await connection.execute(slow)
            await run(connection, "INSERT INTO t (id, name) VALUES (4, 'four')")
    assert await count(store) == 2
    await assert_pool_intact(store)


async def test_a_commit_that_was_sent_is_waited_for(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    began = asyncio.Event()

    async def work() -> None:
        async with store.write() as connection:
            await run(connection, "INSERT INTO t (id, name) VALUES (3, 'three')")
            commit = connection._commit

            async def slow_commit() -> None:
                began.set()
                await asyncio.sleep(0.05)
                await commit()

            monkeypatch.setattr(connection, "_commit", slow_commit)
            seen.append(connection)

    seen: list[Connection] = []
    task = asyncio.create_task(work())
    await began.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert seen[0].committed
    assert await count(store) == 3
    await assert_pool_intact(store)
