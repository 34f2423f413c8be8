"""In charge of what is stored and what is not, also when COMMIT is refused."""

# ruff: noqa: PT012  # it is the whole transaction that raises, at its end

from __future__ import annotations

import asyncio

import pytest

from core.db import errors
from core.db.gateway import Store
from tests.contract.gateway.support import POOL, assert_pool_intact, count, create, rows, run


async def test_a_transaction_is_stored_when_the_block_ends(store: Store) -> None:
    async with store.write() as connection:
        await run(connection, "INSERT INTO t (id, name) VALUES (3, 'three')")
        assert await count(store) == 2, "nobody else sees it yet"
        assert not connection.committed
    assert connection.committed
    assert await count(store) == 3


async def test_an_exception_rolls_back(store: Store) -> None:
    with pytest.raises(ZeroDivisionError):
        async with store.write() as connection:
            await run(connection, "INSERT INTO t (id, name) VALUES (3, 'three')")
            raise ZeroDivisionError
    assert not connection.committed
    assert await count(store) == 2
    await assert_pool_intact(store)


async def test_a_savepoint_is_undone_alone(store: Store) -> None:
    async with store.write() as connection:
        await run(connection, "UPDATE t SET n = 1 WHERE id = 1")
        with pytest.raises(errors.UniqueViolation):
            async with connection.savepoint():
                await run(connection, "INSERT INTO t (id, name) VALUES (3, 'three')")
                async with connection.savepoint():
                    await run(connection, "INSERT INTO t (id, name) VALUES (4, 'four')")
                await run(connection, "INSERT INTO t (id, name) VALUES (5, 'one')")
        async with connection.savepoint():
            await run(connection, "INSERT INTO t (id, name) VALUES (6, 'six')")
    async with store.read() as connection:
        assert await rows(connection, "SELECT id, n FROM t ORDER BY id") == [(1, 1), (2, 0), (6, None)]


@pytest.mark.parametrize("dialect", ["sqlite", "postgres"], indirect=True)
async def test_a_refused_commit_leaks_nothing(store: Store) -> None:
    """More often than the pool has connections: each refusal gives its connection back, clean."""
    for number in range(POOL + 2):
        with pytest.raises(errors.ForeignKeyViolation):
            async with store.write() as connection:
                await run(connection, "INSERT INTO r (id, t) VALUES (?, ?)", (number, 99))
        assert not connection.committed
    assert await count(store, "r") == 0
    await assert_pool_intact(store)
    async with store.write() as connection:
        await run(connection, "INSERT INTO r (id, t) VALUES (1, 2)")
    assert await count(store, "r") == 1


async def test_a_failed_transaction_is_not_committed_in_part(store: Store, dialect: str) -> None:
    """PostgreSQL answers COMMIT of a failed transaction with a rollback and no error; the others commit what passed."""

    async def swallow() -> None:
        async with store.write() as connection:
            await run(connection, "INSERT INTO t (id, name) VALUES (3, 'three')")
            with pytest.raises(errors.UniqueViolation):
                await run(connection, "INSERT INTO t (id, name) VALUES (4, 'one')")

    if dialect == "postgres":
        with pytest.raises(errors.QueryRejected):
            await swallow()
        assert await count(store) == 2
    else:
        await swallow()
        assert await count(store) == 3
    await assert_pool_intact(store)


async def test_parallel_read_then_write_transactions_all_pass(store: Store, dialect: str) -> None:
    async def add() -> None:
        async with store.write() as connection:
            lock = "" if dialect == "sqlite" else " FOR UPDATE"
            seen = await connection.value(f"SELECT n FROM t WHERE id = 1{lock}")
            await asyncio.sleep(0)
            await run(connection, "UPDATE t SET n = ? WHERE id = 1", (seen + 1,))

    await asyncio.gather(*[add() for _ in range(50)])
    async with store.read() as connection:
        assert await connection.value("SELECT n FROM t WHERE id = 1") == 50


async def test_a_reader_of_sqlite_cannot_write(database_url: str, dialect: str) -> None:
    if dialect != "sqlite":
        pytest.skip("a read connection of a server is in autocommit")
    store = await Store.open(database_url)
    try:
        await store.run_sync(create)
        async with store.read() as connection:
            with pytest.raises(errors.QueryRejected):
                await run(connection, "DELETE FROM t")
        assert await count(store) == 2
    finally:
        await store.close()
