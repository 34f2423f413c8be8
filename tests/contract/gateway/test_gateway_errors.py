"""In charge of the class of each refusal, and that no driver text gets into it."""

# ruff: noqa: PT012  # it is the whole transaction that raises, at its end

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from core.db import errors
from core.db.gateway import Store
from tests.contract.gateway.support import assert_pool_intact, count, rows, run

TYPED = (
    "CREATE TABLE e (id INTEGER PRIMARY KEY, a INTEGER NOT NULL, b INTEGER, short VARCHAR(3), small SMALLINT, "
    "day DATE, CONSTRAINT a_positive CHECK (a > 0), CONSTRAINT a_b UNIQUE (a, b))"
)


@pytest.fixture
async def typed(store: Store) -> Store:
    await store.run_sync(lambda connection: connection.exec_driver_sql(TYPED))
    async with store.write() as connection:
        await run(connection, "INSERT INTO e (id, a, b) VALUES (1, 1, 1)")
    return store


async def refused(store: Store, sql: str, args: Sequence[Any] = ()) -> errors.DatabaseError:
    with pytest.raises(errors.DatabaseError) as caught:
        async with store.write() as connection:
            await run(connection, sql, args)
    error = caught.value
    assert error.__cause__ is not None, "the driver's error is kept for the log"
    said = str(error.__cause__)
    assert said not in (str(error), repr(error), error.message)
    assert (error.code, error.kind, str(error)) == (9, "QueryFailed", "Failed generating the SQL query.")
    assert (error.problems, error.details) == ((), {})
    return error


async def test_unique_violation(typed: Store, dialect: str) -> None:
    error = await refused(typed, "INSERT INTO e (id, a, b) VALUES (2, 1, 1)")
    assert type(error) is errors.UniqueViolation
    assert (error.constraint, error.columns, error.value) == {
        "sqlite": (None, ("a", "b"), None),
        "postgres": ("a_b", ("a", "b"), "1, 1"),
        "mysql": ("a_b", (), "1-1"),
    }[dialect]
    error = await refused(typed, "INSERT INTO t (id, name) VALUES (3, 'one')")
    assert type(error) is errors.UniqueViolation
    assert (error.constraint, error.columns, error.value) == {
        "sqlite": (None, ("name",), None),
        "postgres": ("t_name", ("name",), "one"),
        "mysql": ("t_name", (), "one"),
    }[dialect]
    error = await refused(typed, "INSERT INTO t (id, name) VALUES (1, 'x')")
    assert type(error) is errors.UniqueViolation
    assert (error.columns, error.value) == {
        "sqlite": (("id",), None), "postgres": (("id",), "1"), "mysql": ((), "1"),
    }[dialect]  # fmt: skip


async def test_not_null_violation(typed: Store) -> None:
    for sql in ("INSERT INTO e (id, a) VALUES (2, NULL)", "INSERT INTO e (id) VALUES (2)"):
        error = await refused(typed, sql)
        assert type(error) is errors.NotNullViolation
        assert error.column == "a"


async def test_foreign_key_violation(typed: Store, dialect: str) -> None:
    for sql in ("INSERT INTO r (id, t) VALUES (1, 99)",):
        error = await refused(typed, sql)
        assert type(error) is errors.ForeignKeyViolation
    async with typed.write() as connection:
        await run(connection, "INSERT INTO r (id, t) VALUES (1, 1)")
    assert type(await refused(typed, "DELETE FROM t WHERE id = 1")) is errors.ForeignKeyViolation
    assert await count(typed) == 2


async def test_check_violation(typed: Store) -> None:
    error = await refused(typed, "INSERT INTO e (id, a) VALUES (2, 0)")
    assert type(error) is errors.CheckViolation
    assert error.constraint == "a_positive"


@pytest.mark.parametrize("dialect", ["postgres", "mysql"], indirect=True)
async def test_data_too_long_and_out_of_range(typed: Store, dialect: str) -> None:
    """SQLite has no limits of this kind."""
    error = await refused(typed, "INSERT INTO e (id, a, short) VALUES (2, 1, 'four')")
    assert type(error) is errors.DataTooLong
    assert error.column == {"postgres": None, "mysql": "short"}[dialect]
    error = await refused(typed, "INSERT INTO e (id, a, small) VALUES (2, 1, 40000)")
    assert type(error) is errors.OutOfRange
    assert error.column == {"postgres": None, "mysql": "small"}[dialect]
    error = await refused(typed, "INSERT INTO e (id, a, day) VALUES (2, 1, '2020-02-31')")
    assert isinstance(error, errors.DataRejected)


async def test_a_value_that_cannot_be_bound(typed: Store, dialect: str) -> None:
    update = "UPDATE e SET a = ? WHERE id = 1"
    assert isinstance(await refused_value(typed, update, [1, 2]), errors.DataRejected)
    assert isinstance(await refused_value(typed, update, {"a": 1}), errors.DataRejected)
    assert isinstance(await refused_value(typed, update, 2**70), errors.DataRejected)
    surrogate = "UPDATE e SET short = ? WHERE id = 1"
    assert isinstance(await refused_value(typed, surrogate, "\ud800"), errors.DataRejected)
    if dialect == "postgres":
        assert isinstance(await refused_value(typed, surrogate, "\0"), errors.DataRejected)
    async with typed.read() as connection:
        assert await rows(connection, "SELECT a, short FROM e") == [(1, None)]


async def refused_value(store: Store, sql: str, value: Any) -> errors.DatabaseError:
    with pytest.raises(errors.DatabaseError) as caught:
        async with store.write() as connection:
            await run(connection, sql, (value,))
    return caught.value


async def test_missing_objects(typed: Store, dialect: str) -> None:
    for sql, name in (
        ("SELECT * FROM nowhere", "nowhere"),
        ("UPDATE t SET absent = 1", "absent"),
        ("SELECT absent FROM t", "absent"),
        ("INSERT INTO t (absent) VALUES (1)", "absent"),
    ):
        error = await refused(typed, sql)
        assert type(error) is errors.MissingObject, sql
        assert error.name == (None if dialect == "postgres" else name)


async def test_anything_else_is_rejected(typed: Store) -> None:
    assert type(await refused(typed, "SELEKT 1")) is errors.QueryRejected


@pytest.mark.parametrize("dialect", ["postgres", "mysql"], indirect=True)
async def test_deadlock(store: Store) -> None:
    both = asyncio.Barrier(2)

    async def cross(first: int, second: int) -> None:
        async with store.write() as connection:
            await run(connection, "UPDATE t SET n = 1 WHERE id = ?", (first,))
            await both.wait()
            try:
                await run(connection, "UPDATE t SET n = 1 WHERE id = ?", (second,))
            except errors.Deadlock:
                # MySQL has rolled back: what came now would be stored for good.
                with pytest.raises(errors.DatabaseError):
                    await run(connection, "INSERT INTO t (id, name) VALUES (3, 'three')")
                raise

    found = await asyncio.gather(cross(1, 2), cross(2, 1), return_exceptions=True)
    assert sorted(type(one) for one in found if one is not None) == [errors.Deadlock]
    assert await count(store) == 2
    await assert_pool_intact(store)


async def test_a_lock_that_is_not_granted(database_url: str, store: Store, dialect: str) -> None:
    other = await Store.open(database_url, pool_size=2, options={"lock_timeout": 1 if dialect == "mysql" else 0.1})
    try:
        async with store.write() as holder:
            await run(holder, "UPDATE t SET n = 1 WHERE id = 1")
            with pytest.raises(errors.Locked):
                async with other.write() as connection:
                    await run(connection, "UPDATE t SET n = 2 WHERE id = 1")
        async with other.write() as connection:
            await run(connection, "UPDATE t SET n = 3 WHERE id = 1")
            assert await connection.value("SELECT n FROM t WHERE id = 1") == 3
    finally:
        await other.close()


@pytest.mark.parametrize("dialect", ["postgres"], indirect=True)
async def test_a_serialization_failure(store: Store) -> None:
    with pytest.raises(errors.Serialization):
        async with store.write() as connection:
            await connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            await connection.rows("SELECT * FROM t")
            async with store.write() as other:
                await run(other, "UPDATE t SET n = 1 WHERE id = 1")
            await run(connection, "UPDATE t SET n = n + 1 WHERE id = 1")
    async with store.read() as connection:
        assert await connection.value("SELECT n FROM t WHERE id = 1") == 1


@pytest.mark.parametrize("dialect", ["postgres"], indirect=True)
async def test_a_plan_that_the_schema_has_overtaken_may_be_tried_again(store: Store) -> None:
    with pytest.raises(errors.StalePlan):
        async with store.write() as connection:
            await connection.rows("SELECT * FROM r")
            async with store.write() as other:
                await other.execute("ALTER TABLE t ADD COLUMN extra INTEGER")
            await connection.rows("SELECT * FROM t WHERE id = 1")
            await connection.execute("ALTER TABLE t ADD COLUMN more INTEGER")
            await connection.rows("SELECT * FROM t WHERE id = 1")
    async with store.write() as connection:
        assert len(await connection.rows("SELECT * FROM t WHERE id = 1")) == 1
