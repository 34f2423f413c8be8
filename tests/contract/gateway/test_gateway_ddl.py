"""In charge of DDL and introspection by SQLAlchemy beside the pools."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
import sqlalchemy as sa

from core.db import errors
from core.db.gateway import Store
from tests.contract.gateway.support import count, rows, run


async def test_ddl_is_committed_on_return(store: Store) -> None:
    def alter(connection: sa.Connection) -> list[str]:
        sa.Table("made", sa.MetaData(), sa.Column("id", sa.Integer, primary_key=True)).create(connection)
        return sorted(sa.inspect(connection).get_table_names())

    assert await store.run_sync(alter) == ["made", "r", "t"]
    assert await count(store, "made") == 0


async def test_ddl_that_raises_is_undone_where_the_database_can(store: Store, dialect: str) -> None:
    def alter(connection: sa.Connection) -> None:
        connection.exec_driver_sql("CREATE TABLE made (id INTEGER)")
        connection.exec_driver_sql("INSERT INTO t (id, name) VALUES (3, 'three')")
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await store.run_sync(alter)
    # MariaDB commits the table, and the row goes.
    assert await count(store) == 2
    assert ("made" in await store.run_sync(table_names, write=False)) == (dialect == "mysql")


def table_names(connection: sa.Connection) -> list[str]:
    return sa.inspect(connection).get_table_names()


async def test_errors_of_ddl_are_ours(store: Store) -> None:
    with pytest.raises(errors.ObjectExists) as caught:
        await store.run_sync(lambda connection: connection.exec_driver_sql("CREATE TABLE t (id INTEGER)"))
    assert str(caught.value) == "Failed generating the SQL query."
    with pytest.raises(errors.MissingObject):
        await store.run_sync(lambda connection: connection.exec_driver_sql("DROP TABLE nowhere"))
    with pytest.raises(errors.MissingObject):
        await store.run_sync(lambda connection: sa.inspect(connection).get_columns("nowhere"))


async def test_readers_see_a_changed_table(store: Store) -> None:
    """A statement that was prepared before the change must not fail or answer in the old shape."""
    async with store.read() as connection:
        assert await rows(connection, "SELECT * FROM t WHERE id = 1") == [(1, "one", 0)]
        await store.run_sync(lambda one: one.exec_driver_sql("ALTER TABLE t ADD COLUMN extra VARCHAR(9)"))
        assert await rows(connection, "SELECT * FROM t WHERE id = 1") == [(1, "one", 0, None)]


async def test_run_sync_and_writers_take_turns(store: Store) -> None:
    async def write(number: int) -> None:
        async with store.write() as connection:
            await run(connection, "INSERT INTO t (id, name) VALUES (?, ?)", (10 + number, f"n{number}"))

    def ddl(number: int) -> Any:
        return store.run_sync(lambda one: one.exec_driver_sql(f"CREATE TABLE made{number} (id INTEGER)"))

    await asyncio.gather(*[write(number) for number in range(10)], *[ddl(number) for number in range(3)])
    assert await count(store) == 12
