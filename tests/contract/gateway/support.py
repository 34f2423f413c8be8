"""In charge of what the tests of the gateway share: SQL for three dialects, two tables, and a look at the pool."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from core.db.gateway import Connection, Result, Store

POOL = 4


def q(dialect: str, sql: str) -> str:
    """SQL written with `?` in the dialect's own style."""
    if dialect == "mysql":
        return sql.replace("%", "%%").replace("?", "%s")
    if dialect == "postgres":
        numbers = iter(range(1, 100))
        return re.sub(r"\?", lambda _: f"${next(numbers)}", sql)
    return sql


async def run(connection: Connection, sql: str, args: Sequence[Any] = ()) -> Result:
    return await connection.execute(q(connection.dialect, sql), args)


async def rows(connection: Connection, sql: str, args: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
    return [tuple(row) for row in await connection.rows(q(connection.dialect, sql), args)]


def create(connection: sa.Connection) -> None:
    deferred = "" if connection.dialect.name == "mysql" else " DEFERRABLE INITIALLY DEFERRED"
    key = "BIGINT AUTO_INCREMENT" if connection.dialect.name == "mysql" else "INTEGER"
    for statement in (
        f"CREATE TABLE t (id {key} PRIMARY KEY, name VARCHAR(20) NOT NULL, n INTEGER)",
        "CREATE UNIQUE INDEX t_name ON t (name)",
        f"CREATE TABLE r (id INTEGER PRIMARY KEY, t {key.split()[0]} REFERENCES t (id){deferred})"
        if connection.dialect.name != "mysql"
        else "CREATE TABLE r (id INTEGER PRIMARY KEY, t BIGINT, CONSTRAINT r_t FOREIGN KEY (t) REFERENCES t (id))",
        "INSERT INTO t (id, name, n) VALUES (1, 'one', 0), (2, 'two', 0)",
    ):
        connection.exec_driver_sql(statement)


async def count(store: Store, table: str = "t") -> int:
    async with store.read() as connection:
        found = await connection.value(f"SELECT COUNT(*) FROM {table}")
    assert isinstance(found, int)
    return found


async def assert_pool_intact(store: Store) -> None:
    """All connections can be held at once, and the writer is free."""
    everybody = asyncio.Barrier(POOL)

    async def hold() -> int:
        async with store.read() as connection:
            await everybody.wait()
            return await connection.value("SELECT 1")  # type: ignore[no-any-return]

    async with asyncio.timeout(10):
        assert await asyncio.gather(*[hold() for _ in range(POOL)]) == [1] * POOL
        async with store.write() as connection:
            assert await connection.value("SELECT 1") == 1


SLOW = {
    "sqlite": (
        "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c WHERE x < 300000000) SELECT COUNT(*) FROM c"
    ),
    "postgres": "SELECT pg_sleep(30)",
    "mysql": "SELECT SLEEP(30)",
}
