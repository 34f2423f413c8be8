"""In charge of what a statement gives and what it takes, on every database."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack

import pytest

from core.db import errors
from core.db.gateway import Store
from tests.contract.gateway.support import POOL, assert_pool_intact, count, q, rows, run


async def test_reads_come_by_position(store: Store, dialect: str) -> None:
    assert store.dialect == dialect
    async with store.read() as connection:
        assert connection.dialect == dialect
        assert await rows(connection, "SELECT id, name FROM t ORDER BY id") == [(1, "one"), (2, "two")]
        row = await connection.row(q(dialect, "SELECT id, name FROM t WHERE id = ?"), (2,))
        assert row is not None
        assert tuple(row) == (2, "two")
        assert await connection.row(q(dialect, "SELECT id FROM t WHERE id = ?"), (9,)) is None
        assert await connection.value(q(dialect, "SELECT id FROM t WHERE id = ?"), (9,)) is None
        assert await connection.value("SELECT COUNT(*) FROM t") == 2


async def test_duplicate_column_names_keep_their_values(store: Store) -> None:
    async with store.read() as connection:
        assert await rows(
            connection, "SELECT a.id, b.id, a.name, b.name FROM t a, t b WHERE a.id = 1 AND b.id = 2"
        ) == [(1, 2, "one", "two")]


async def test_a_percent_sign_in_the_text_is_a_percent_sign(store: Store) -> None:
    async with store.read() as connection:
        assert await rows(connection, "SELECT id FROM t WHERE name LIKE 'o%'") == [(1,)]
        assert await rows(connection, "SELECT id, '100%' FROM t WHERE name LIKE ?", ("t%",)) == [(2, "100%")]


@pytest.mark.parametrize(
    "text", ["it's", 'a "b" \\', "%s %(x)s $1 ?", "emoji 😀 ß", "line\nbreak\r\ttab", "' OR 1=1 -- "]
)
async def test_values_are_data(store: Store, text: str) -> None:
    async with store.write() as connection:
        await run(connection, "UPDATE t SET name = ? WHERE id = ?", (text, 1))
    async with store.read() as connection:
        assert await rows(connection, "SELECT id, name FROM t WHERE name = ?", (text,)) == [(1, text)]
        assert await rows(connection, "SELECT name FROM t WHERE id = 2") == [("two",)]


async def test_a_write_tells_rows_and_key(store: Store, dialect: str) -> None:
    async with store.write() as connection:
        if dialect == "postgres":
            assert await run(connection, "INSERT INTO t (id, name) VALUES (3, ?)", ("three",)) == (1, None)
        else:
            assert await run(connection, "INSERT INTO t (name) VALUES (?)", ("three",)) == (1, 3)
        assert await run(connection, "UPDATE t SET n = n + 1 WHERE id < ?", (3,)) == (2, None)
        assert await run(connection, "DELETE FROM t WHERE id = ?", (99,)) == (0, None)
        assert await run(connection, "DELETE FROM t") == (3, None)
    assert await count(store) == 0


async def test_a_batch_is_one_statement_and_tells_its_rows(store: Store, dialect: str) -> None:
    async with store.write() as connection:
        insert = q(dialect, "INSERT INTO t (id, name, n) VALUES (?, ?, ?)")
        assert await connection.execute_many(insert, [(i, f"n{i}", 0) for i in range(10, 210)]) == 200
        update = q(dialect, "UPDATE t SET n = ? WHERE id >= ? AND id < ?")
        assert await connection.execute_many(update, [(5, 10, 13), (6, 13, 14)]) == 4
        assert await connection.execute_many(insert, []) == 0
        assert connection.statements == 2
        assert await rows(connection, "SELECT n, COUNT(*) FROM t GROUP BY n ORDER BY n") == [(0, 198), (5, 3), (6, 1)]


async def test_statements_are_counted(store: Store) -> None:
    before = store.statements_total
    async with store.write() as connection:
        await connection.rows("SELECT 1")
        async with connection.savepoint():
            await run(connection, "UPDATE t SET n = 1")
        assert connection.statements == 2
    async with store.read() as connection:
        assert connection.statements == 0
        with pytest.raises(errors.MissingObject):
            await connection.rows("SELECT * FROM nowhere")
        assert connection.statements == 1
    assert store.statements_total == before + 3


async def test_a_stream_comes_in_chunks(store: Store, dialect: str) -> None:
    async with store.write() as connection:
        insert = q(dialect, "INSERT INTO t (id, name, n) VALUES (?, ?, ?)")
        await connection.execute_many(insert, [(i, f"n{i}", 0) for i in range(10, 1010)])
    for scope in (store.read, store.write):
        async with scope() as connection:
            sizes = []
            keys = []
            async for chunk in connection.stream(
                q(dialect, "SELECT id FROM t WHERE id >= ? ORDER BY id"), (10,), size=300
            ):
                sizes.append(len(chunk))
                keys += [row[0] for row in chunk]
            assert sizes == [300, 300, 300, 100]
            assert keys == list(range(10, 1010))
            assert connection.statements == 1
            assert await connection.value("SELECT COUNT(*) FROM t") == 1002


async def test_an_abandoned_stream_harms_nobody(store: Store, dialect: str) -> None:
    async with store.write() as connection:
        insert = q(dialect, "INSERT INTO t (id, name, n) VALUES (?, ?, ?)")
        await connection.execute_many(insert, [(i, f"n{i}", 0) for i in range(10, 1010)])
    for _ in range(POOL + 1):
        async with store.read() as connection:
            stream = connection.stream("SELECT id, name FROM t ORDER BY id", size=10)
            assert len(await anext(stream)) == 10
            with pytest.raises(errors.QueryRejected):
                await connection.rows("SELECT 1")
        with pytest.raises(errors.QueryRejected):
            await anext(stream)
    await assert_pool_intact(store)


async def test_a_refused_stream_leaves_the_connection_usable(store: Store) -> None:
    async with store.read() as connection:
        with pytest.raises(errors.MissingObject):
            await anext(connection.stream("SELECT * FROM nowhere"))
        assert await connection.value("SELECT 1") == 1
    await assert_pool_intact(store)


async def test_a_view_sees_one_state_and_shares_its_stream_where_the_dialect_can(store: Store, dialect: str) -> None:
    insert = q(dialect, "INSERT INTO t (id, name, n) VALUES (?, ?, ?)")
    async with store.write() as connection:
        await connection.execute_many(insert, [(i, f"n{i}", 0) for i in range(10, 1010)])
    async with store.view() as view:
        stream = view.stream("SELECT id FROM t ORDER BY id", size=600, shared=True)
        keys = [row[0] for row in await anext(stream)]
        async with store.write() as connection:
            await connection.execute_many(insert, [(i, f"n{i}", 0) for i in range(2000, 2010)])
        assert view.interleaves == (dialect != "mysql")
        if view.interleaves:
            assert await view.value("SELECT COUNT(*) FROM t") == 1002
        else:
            with pytest.raises(errors.QueryRejected):
                await view.value("SELECT COUNT(*) FROM t")
        with pytest.raises(errors.QueryRejected):
            await anext(view.stream("SELECT 1", shared=True))
        async for rows_ in stream:
            keys += [row[0] for row in rows_]
        assert len(keys) == 1002
        assert await view.value("SELECT COUNT(*) FROM t") == 1002
    await assert_pool_intact(store)
    async with store.read() as connection:
        assert await connection.value("SELECT COUNT(*) FROM t") == 1012


async def test_a_view_writes_nothing(store: Store, dialect: str) -> None:
    async with store.view() as view:
        with pytest.raises(errors.DatabaseError):
            await view.execute(q(dialect, "UPDATE t SET n = ?"), (77,))
    async with store.read() as connection:
        assert await connection.value("SELECT COUNT(*) FROM t WHERE n = 77") == 0


async def test_views_leave_half_of_the_connections_to_others(store: Store) -> None:
    async with AsyncExitStack() as stack:
        for _ in range(POOL // 2):
            await stack.enter_async_context(store.view())
        waiting = asyncio.ensure_future(stack.enter_async_context(store.view()))
        await asyncio.sleep(0.05)
        assert not waiting.done()
        async with store.read() as connection:
            assert await connection.value("SELECT COUNT(*) FROM t") == 2
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
    await assert_pool_intact(store)
