"""In charge of who holds which connection when many tasks work at once."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from core.db import errors
from core.db.gateway import Connection, Store
from tests.contract.gateway.support import assert_pool_intact, count, q, run


async def test_many_parallel_queries_on_a_small_pool(store: Store) -> None:
    async def one(number: int) -> Any:
        async with store.read() as connection:
            return await connection.value(q(store.dialect, "SELECT n + ? FROM t WHERE id = 1"), (number,))

    assert await asyncio.gather(*[one(number) for number in range(200)]) == list(range(200))
    await assert_pool_intact(store)


async def test_sibling_tasks_have_their_own_connections(store: Store) -> None:
    both = asyncio.Barrier(2)

    async def one() -> Connection:
        async with store.read() as connection:
            await both.wait()
            assert await connection.value("SELECT COUNT(*) FROM t") == 2
            await both.wait()
        return connection

    first, second = await asyncio.gather(one(), one())
    assert first is not second


async def test_child_tasks_work_in_the_parents_transaction(store: Store) -> None:
    async with store.write() as connection:
        await run(connection, "INSERT INTO t (id, name, n) VALUES (3, 'three', 7)")

        async def child(number: int) -> int:
            await run(connection, "INSERT INTO t (id, name, n) VALUES (?, ?, 7)", (10 + number, f"child {number}"))
            return await connection.value("SELECT n FROM t WHERE id = 3")  # type: ignore[no-any-return]

        assert await asyncio.gather(*[child(number) for number in range(8)]) == [7] * 8
        assert await connection.value("SELECT COUNT(*) FROM t") == 11
        assert await count(store) == 2
    assert await count(store) == 11


async def test_a_connection_refuses_to_outlive_its_block(store: Store) -> None:
    async with store.read() as connection:
        pass
    with pytest.raises(errors.QueryRejected):
        await connection.rows("SELECT 1")
    with pytest.raises(errors.QueryRejected):
        await run(connection, "DELETE FROM t")
    assert await count(store) == 2
