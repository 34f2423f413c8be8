"""In charge of where SQLite's work runs: short reads on the loop, long ones and all writes in a thread."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from core.db import errors
from core.db.gateway import Store
from core.db.gateway.held import Held
from core.db.gateway.sqlite import SqliteConnection, SqlitePool

LONG = "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c WHERE x < {}) SELECT COUNT(*) FROM c"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "held.db"


@pytest.fixture
async def store(file: Path) -> AsyncIterator[Store]:
    opened = await Store.open(f"sqlite:///{file}", options={"readers": 2, "lock_timeout": 0.2})
    try:
        async with opened.write() as connection:
            await connection.execute("CREATE TABLE t (id INTEGER PRIMARY KEY)")
        yield opened
    finally:
        await opened.close()


@pytest.fixture
def hops(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """One entry for each call that went to a thread."""
    made: list[int] = []
    in_thread = Held.in_thread

    async def counted(self: Held, work):  # type: ignore[no-untyped-def]
        made.append(1)
        return await in_thread(self, work)

    monkeypatch.setattr(Held, "in_thread", counted)
    return made


async def test_a_short_read_stays_on_the_loop(store: Store, hops: list[int]) -> None:
    async with store.read() as connection:
        for _ in range(1000):
            assert await connection.value("SELECT COUNT(*) FROM t") == 0
        assert await connection.value(LONG.format(3000)) == 3000
    assert hops == []


async def test_a_long_read_moves_to_the_thread_and_is_remembered(store: Store, hops: list[int]) -> None:
    async with store.read() as connection:
        assert await connection.value(LONG.format(300_000)) == 300_000
        assert hops == [1]
        assert isinstance(connection, SqliteConnection)
        connection.held.at_once = None  # type: ignore[assignment]  # it is not even tried
        assert await connection.value(LONG.format(300_000)) == 300_000
    assert hops == [1, 1]


async def test_the_memory_of_long_reads_is_bounded(store: Store) -> None:
    async with store.read() as connection:
        assert isinstance(connection, SqliteConnection)
        for number in range(2500):
            connection._remember(str(number))
        assert len(connection._slow) == 500


async def test_the_loop_runs_on_during_a_long_read(store: Store) -> None:
    async with store.read() as connection:
        ticks = 0
        task = asyncio.create_task(connection.value(LONG.format(3_000_000)))
        while not task.done():
            await asyncio.sleep(0.005)
            ticks += 1
        assert await task == 3_000_000
        assert ticks > 10


async def test_writes_never_run_on_the_loop(store: Store) -> None:
    """A write that is stopped rolls its whole transaction back, so it must not be tried where it may be stopped."""
    threads: set[str] = set()
    async with store.write() as connection:
        assert isinstance(connection, SqliteConnection)
        connection._db.set_trace_callback(
            lambda sql: threads.add(threading.current_thread().name) if "t" in sql.split()[:3] else None
        )
        await connection.execute("INSERT INTO t (id) VALUES (1)")
        await connection.rows("INSERT INTO t (id) VALUES (2) RETURNING id")
        await connection.execute_many("INSERT INTO t (id) VALUES (?)", [(3,), (4,)])
        connection._db.set_trace_callback(None)
        assert await connection.value("SELECT COUNT(*) FROM t") == 4
    assert threads == {"sqlite"}


async def test_a_long_read_in_a_transaction_leaves_the_transaction_alone(store: Store) -> None:
    async with store.write() as connection:
        await connection.execute("INSERT INTO t (id) VALUES (1)")
        assert await connection.value("SELECT 1; ".rstrip("; ")) == 1
        assert await connection.value(f"SELECT * FROM ({LONG.format(300_000)})") == 300_000
        assert await connection.value("SELECT COUNT(*) FROM t") == 1
    async with store.read() as connection:
        assert await connection.value("SELECT COUNT(*) FROM t") == 1


async def test_another_process_that_writes_is_waited_for(store: Store, file: Path) -> None:
    other = sqlite3.connect(file, isolation_level=None, check_same_thread=False)
    try:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(errors.Locked):
            async with store.write():
                pass
        asyncio.get_running_loop().call_later(0.05, other.execute, "COMMIT")
        async with store.write() as connection:
            await connection.execute("INSERT INTO t (id) VALUES (1)")
    finally:
        other.close()


async def test_a_broken_connection_is_replaced(store: Store) -> None:
    for _ in range(3):
        async with store.read() as connection:
            connection.broken = True
        async with store.write() as connection:
            connection.broken = True
    async with store.read() as one, store.read() as two, store.write() as three:
        assert [await each.value("SELECT COUNT(*) FROM t") for each in (one, two, three)] == [0, 0, 0]


async def test_readers_are_handed_out_in_the_order_of_asking(store: Store) -> None:
    order: list[int] = []
    async with store.read(), store.read():
        pass

    async def read(number: int) -> None:
        async with store.read():
            order.append(number)
            await asyncio.sleep(0.001)

    await asyncio.gather(*[read(number) for number in range(20)])
    assert order == list(range(20))


async def test_a_cancelled_waiter_takes_no_reader_along(store: Store) -> None:
    async def read() -> None:
        async with store.read():
            pass

    async with store.read(), store.read():
        waiters = [asyncio.create_task(read()) for _ in range(3)]
        await asyncio.sleep(0.01)
        waiters[0].cancel()
    # The readers have been handed on just now; who got one is cancelled before it can take it.
    waiters[1].cancel()
    found = await asyncio.gather(*waiters, return_exceptions=True)
    assert [type(one) for one in found] == [asyncio.CancelledError, asyncio.CancelledError, type(None)]
    async with asyncio.timeout(1):
        async with store.read() as one, store.read() as two:
            assert one is not two


async def test_closing_ends_all_threads(file: Path) -> None:
    before = threading.active_count()
    store = await Store.open(f"sqlite:///{file}", options={"loop_steps": 0})
    assert isinstance(store._pool, SqlitePool)
    async with store.read() as connection, store.write() as writer:
        assert await connection.value("SELECT 1") == await writer.value("SELECT 1") == 1
        assert sum(one.name == "sqlite" for one in threading.enumerate()) == 2
    await store.close()
    assert sum(one.name == "sqlite" for one in threading.enumerate()) == 0
    assert threading.active_count() <= before + 4, "only the default executor's threads stay"


async def test_a_file_that_is_no_database_is_unavailable(file: Path) -> None:
    await asyncio.to_thread(file.write_bytes, b"this is no database at all" * 100)
    with pytest.raises(errors.Unavailable):
        await Store.open(f"sqlite:///{file}")
