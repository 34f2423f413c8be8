"""In charge of showing that changes of the schema are alone, in all processes, and leave their connection as it was."""

from __future__ import annotations

import asyncio

import pytest

from core.db import errors
from core.db.gateway import Store
from tests.contract.gateway.support import count, rows


async def test_two_stores_alter_one_after_the_other(store: Store, database_url: str) -> None:
    other = await Store.open(database_url)
    order: list[str] = []

    async def alter(one: Store, name: str) -> None:
        async with one.alter() as connection:
            order.append(f"{name} begins")
            await connection.execute(f"CREATE TABLE made_{name} (id INTEGER)")
            await asyncio.sleep(0.05)
            order.append(f"{name} ends")

    try:
        await asyncio.gather(alter(store, "a"), alter(other, "b"), alter(store, "c"))
    finally:
        await other.close()
    assert len(order) == 6
    assert all(order[place][0] == order[place + 1][0] for place in (0, 2, 4))
    assert [await count(store, f"made_{name}") for name in "abc"] == [0, 0, 0]


async def test_who_does_not_get_the_turn_is_told(database_url: str) -> None:
    first, second = [await Store.open(database_url, options={"lock_timeout": 1}) for _ in range(2)]
    try:
        async with first.alter():
            with pytest.raises(errors.Locked):
                async with second.alter():
                    raise AssertionError("both are in")
        async with second.alter() as connection:
            assert connection.in_transaction
    finally:
        await first.close()
        await second.close()


async def test_what_fails_is_undone_where_the_database_can_and_gives_the_turn_back(store: Store, dialect: str) -> None:
    async def fail() -> None:
        async with store.alter() as connection:
            await connection.execute("CREATE TABLE made (id INTEGER)")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()
    if dialect == "mysql":
        assert await count(store, "made") == 0
    else:
        with pytest.raises(errors.MissingObject):
            await count(store, "made")
    async with store.alter() as connection:
        await connection.execute("CREATE TABLE other (id INTEGER)")
    assert await count(store, "other") == 0


@pytest.mark.backend("sqlite")
async def test_sqlite_enforces_foreign_keys_again_afterwards(store: Store, dialect: str) -> None:
    if dialect != "sqlite":
        pytest.skip("only SQLite has to be told")
    async with store.alter() as connection:
        await connection.execute("CREATE TABLE parents (id INTEGER PRIMARY KEY)")
        await connection.execute(
            "CREATE TABLE children (id INTEGER, p INTEGER REFERENCES parents (id) ON DELETE CASCADE)"
        )
        await connection.execute("INSERT INTO parents VALUES (1)")
        await connection.execute("INSERT INTO children VALUES (1, 1)")
    async with store.alter() as connection:
        await connection.execute("CREATE TABLE renewed (id INTEGER PRIMARY KEY)")
        await connection.execute("INSERT INTO renewed SELECT id FROM parents")
        await connection.execute("DROP TABLE parents")
        await connection.execute("ALTER TABLE renewed RENAME TO parents")
    async with store.read() as connection:
        assert await rows(connection, "SELECT * FROM children") == [(1, 1)]
    async with store.write() as connection:
        with pytest.raises(errors.ForeignKeyViolation):
            await connection.execute("INSERT INTO children VALUES (2, 9)")


COUNTED = (
    "SELECT count(*) FROM information_schema.columns a, information_schema.columns b"
    ", information_schema.columns c, information_schema.columns d"
)
NUMBERS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 4000000) SELECT count(*) FROM n"


async def written(store: Store, sql: str) -> None:
    async with store.write() as connection:
        await connection.rows(sql)


async def test_an_alteration_may_take_longer_than_a_request(database_url: str, dialect: str) -> None:
    allowed = {"sqlite": NUMBERS, "postgres": "SELECT pg_sleep(0.4)::text", "mysql": "SELECT sleep(0.4)"}[dialect]
    refused = NUMBERS if dialect == "sqlite" else COUNTED
    store = await Store.open(database_url, pool_size=1, options={"statement_timeout": 0.2})
    try:
        async with store.alter() as connection:
            await connection.rows(allowed)
        with pytest.raises(errors.StatementTimeout):  # the limit is there again
            await written(store, refused)
    finally:
        await store.close()
