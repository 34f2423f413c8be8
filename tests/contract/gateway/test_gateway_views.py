"""In charge of reads of several statements that see one state of the database: `store.read(still=True)`."""

from __future__ import annotations

import asyncio
import random
import threading

import pytest

from core.db import errors
from core.db.gateway import Connection, Store
from core.db.view import REPEATS, in_view
from tests.contract.gateway.support import POOL, assert_pool_intact, count, q, run


async def add(store: Store, name: str) -> None:
    async with store.write() as connection:
        await run(connection, "INSERT INTO t (id, name, n) VALUES (?, ?, 0)", (100 + await _count(connection), name))


async def _count(connection: Connection) -> int:
    found = await connection.value("SELECT COUNT(*) FROM t")
    assert isinstance(found, int)
    return found


async def assert_nobody_looks_back(store: Store) -> None:
    """Every connection sees what has just been committed."""
    await add(store, "news")
    everybody = asyncio.Barrier(POOL)

    async def look() -> int:
        async with store.read() as connection:
            await everybody.wait()
            return await _count(connection)

    wanted = await count(store)
    assert await asyncio.gather(*[look() for _ in range(POOL)]) == [wanted] * POOL


async def test_statements_of_a_still_read_see_one_state(store: Store) -> None:
    async with store.read(still=True) as reader:
        assert await _count(reader) == 2
        await add(store, "three")
        assert await _count(reader) == 2
        assert await reader.value("SELECT COUNT(*) FROM r") == 0
    async with store.read() as reader:
        assert await _count(reader) == 3
        await add(store, "four")
        assert await _count(reader) == 4
    await assert_nobody_looks_back(store)


async def test_beginning_and_ending_it_are_no_statements(store: Store) -> None:
    before = store.statements_total
    async with store.read(still=True) as reader:
        assert await _count(reader) == 2
        assert await reader.value("SELECT COUNT(*) FROM r") == 0
        assert reader.statements == 2
    assert store.statements_total - before == 2


async def test_a_still_read_writes_nothing(store: Store, dialect: str) -> None:
    with pytest.raises(errors.DatabaseError):
        async with store.read(still=True) as reader:
            await reader.execute(q(dialect, "UPDATE t SET n = ?"), (77,))
    async with store.read() as reader:
        assert await reader.value("SELECT COUNT(*) FROM t WHERE n = 77") == 0
    await assert_pool_intact(store)


async def test_writers_go_on_meanwhile(store: Store) -> None:
    async with store.read(still=True) as reader:
        assert await _count(reader) == 2
        async with store.write() as writer:
            await run(writer, "UPDATE t SET n = 1 WHERE id = 1")
            await run(writer, "DELETE FROM t WHERE id = 2")
        assert await reader.value("SELECT SUM(n) FROM t") == 0
        assert await _count(reader) == 2
    assert await count(store) == 1


async def test_what_a_still_read_raises_ends_it(store: Store) -> None:
    async def refused() -> None:
        async with store.read(still=True) as reader:
            assert await _count(reader) == 2
            await reader.rows("SELECT * FROM nowhere")

    async def failing() -> None:
        async with store.read(still=True) as reader:
            assert await _count(reader) == 2
            raise ZeroDivisionError

    for _ in range(POOL + 1):
        with pytest.raises(errors.MissingObject):
            await refused()
        with pytest.raises(ZeroDivisionError):
            await failing()
    await assert_nobody_looks_back(store)
    await assert_pool_intact(store)


async def test_a_stream_that_was_left_open_does_not_hold_the_state(store: Store) -> None:
    async with store.read(still=True) as reader:
        stream = reader.stream("SELECT id FROM t ORDER BY id", size=1)
        assert [row[0] for row in await anext(stream)] == [1]
    await stream.aclose()
    await assert_nobody_looks_back(store)
    await assert_pool_intact(store)


async def test_cancelled_at_any_moment_it_leaves_no_transaction_behind(store: Store) -> None:
    rng = random.Random(0)

    async def read() -> None:
        async with store.read(still=True) as reader:
            assert await _count(reader) == 2
            assert await reader.value("SELECT COUNT(*) FROM r") == 0

    async def write() -> None:
        async with store.write() as writer:
            assert await _count(writer) == 2

    for number in range(60):
        task = asyncio.ensure_future(read() if number % 4 else write())
        await asyncio.sleep(rng.random() * 0.003)
        task.cancel()
        await asyncio.wait([task])
    await assert_nobody_looks_back(store)
    await assert_pool_intact(store)


async def test_the_next_write_reads_what_is_committed(store: Store, dialect: str) -> None:
    for _ in range(2):
        async with store.read(still=True) as reader:
            assert await _count(reader) == 2
        async with store.write() as writer:
            if dialect == "postgres":
                assert await writer.value("SHOW transaction_isolation") == "read committed"
            elif dialect == "mysql":
                assert await writer.value("SELECT @@tx_isolation") == "READ-COMMITTED"
            await run(writer, "UPDATE t SET n = n + 1 WHERE id = 1")
    assert await in_view(store, lambda reader: reader.value("SELECT n FROM t WHERE id = 1")) == 2


@pytest.mark.parametrize("dialect", ["sqlite"], indirect=True)
async def test_on_sqlite_short_ones_need_no_thread(store: Store) -> None:
    before = threading.active_count()
    for _ in range(3):
        async with store.read(still=True) as reader:
            assert await _count(reader) == 2
    assert threading.active_count() == before


async def test_a_change_of_the_schema_in_between_is_read_anew(store: Store, dialect: str) -> None:
    for _ in range(2):  # prepared, where the dialect prepares
        assert await in_view(store, lambda reader: reader.rows("SELECT * FROM r")) in ([], ())
    tries = 0

    async def work(reader: Connection) -> int:
        nonlocal tries
        tries += 1
        assert await _count(reader) == 2
        if tries == 1:
            async with store.alter() as writer:
                await writer.execute(f"ALTER TABLE r ADD COLUMN more INTEGER{', FORCE' if dialect == 'mysql' else ''}")
                await run(writer, "INSERT INTO r (id, t, more) VALUES (?, ?, ?)", (1, 1, 5))
        return len(await reader.rows("SELECT * FROM r"))

    assert await in_view(store, work) == (0 if dialect == "sqlite" else 1)
    assert tries == (1 if dialect == "sqlite" else 2)
    await assert_pool_intact(store)


async def test_what_loses_every_time_is_refused_in_the_end(store: Store) -> None:
    tries = 0

    async def work(reader: Connection) -> None:
        nonlocal tries
        tries += 1
        raise errors.Serialization

    with pytest.raises(errors.Serialization):
        await in_view(store, work)
    assert tries == 1 + REPEATS
    await assert_pool_intact(store)
