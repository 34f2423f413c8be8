"""In charge of writes into tables as databases really have them: constraints, odd names, types of one database only."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest

from core.errors import DuplicateItem, TabulariumError, Unprocessable, ValidationFailed
from tests.api.writes.world import House


@asynccontextmanager
async def tables(house: House, *sql: str, drop: Sequence[str], after: Sequence[str] = ()) -> AsyncIterator[None]:
    """Tables made and dropped behind the project's back, which takes notice. `after`: statements after the drops."""
    async with house.store.write() as connection:
        for statement in sql:
            text = house.text(statement)
            await connection.execute(text.replace("%", "%%") if house.dialect == "mysql" else text)
    await house.log("schema")
    try:
        yield
    finally:
        async with house.store.write() as connection:
            for name in drop:
                await connection.execute(house.text(f'DROP TABLE "{name}"'))
            for statement in after:
                await connection.execute(statement)
        await house.log("schema")


KEY = {
    "sqlite": "INTEGER PRIMARY KEY",
    "postgres": "INTEGER GENERATED ALWAYS AS IDENTITY PRIMARY KEY",
    "mysql": "INT AUTO_INCREMENT PRIMARY KEY",
}


async def refused(house: House, error: type[TabulariumError], *arguments: Any, **more: Any) -> Any:
    with pytest.raises(error) as caught:
        await house.write(*arguments, **more)
    return caught.value


async def test_foreign_keys(house: House) -> None:
    """Relations that only the database knows of: parents are written first, children last, and refusals have names."""
    key = KEY[house.dialect]
    refers = 'FOREIGN KEY ("parent_id") REFERENCES fk_parent (id)'
    child = f'CREATE TABLE fk_child (id {key}, "parent_id" INT NOT NULL, "name" VARCHAR(20), {refers})'
    async with tables(
        house, f'CREATE TABLE fk_parent (id {key}, "name" VARCHAR(20))', child, drop=("fk_child", "fk_parent")
    ):
        made = await house.create("fk_child", {"name": "c", "parent_id": {"name": "p"}})
        assert made == {"id": 1, "parent_id": 1, "name": "c"}
        error = await refused(house, ValidationFailed, "create", "fk_child", {"parent_id": 99})
        assert error.message == "parent_id: This value is not valid."
        error = await refused(house, ValidationFailed, "update", "fk_child", {"parent_id": 99}, keys=("1",))
        assert [problem.path for problem in error.problems] == [("parent_id",)]
        await refused(house, Unprocessable, "delete", "fk_parent", keys=("1",))
        error = await refused(house, ValidationFailed, "create", "fk_child", {"name": "x"})
        assert error.message == "parent_id: This value should not be blank."
        assert await house.rows("fk_child", "id", "parent_id") == [(1, 1)]
        await house.delete("fk_child", 1)
        await house.delete("fk_parent", 1)


async def test_odd_names(house: House) -> None:
    names = ["a b", "order", "100%", "it's", "q:x", "semi;--", "ünï", "(%s)", "$1", "?"]
    columns = ", ".join(f'"{name}" VARCHAR(20)' for name in names)
    async with tables(house, f'CREATE TABLE "odd table" (id {KEY[house.dialect]}, {columns})', drop=("odd table",)):
        row = {name: f"1 {name}"[:20] for name in names}
        other = {name: f"2 {name}"[:20] for name in names}
        assert await house.create("odd table", row) == {"id": 1, **row}
        result = await house.write("create", "odd table", row, other, batch=True)
        assert [item["_row"] for item in result.items if item] == [{"id": 2, **row}, {"id": 3, **other}]
        result = await house.write("update", "odd table", {"id": 1, **other}, {"id": 2, **other}, batch=True)
        assert [item["_row"] for item in result.items if item] == [{"id": 1, **other}, {"id": 2, **other}]
        result = await house.write("update", "odd table", {"id": 1, **row}, {"id": 2, **other}, batch=True)
        assert [item["_row"] for item in result.items if item] == [{"id": 1, **row}, {"id": 2, **other}]
        await house.delete("odd table", 1, 2, 3)


async def test_keys_of_every_kind(house: House) -> None:
    """Big keys, text keys, keys by default."""
    big = {"sqlite": "INTEGER", "postgres": "BIGINT", "mysql": "BIGINT"}[house.dialect]
    async with tables(
        house,
        f'CREATE TABLE k_big (id {big} PRIMARY KEY, "name" VARCHAR(20))',
        'CREATE TABLE k_text (id VARCHAR(20) PRIMARY KEY, "name" VARCHAR(20))',
        "CREATE TABLE k_default (id VARCHAR(20) DEFAULT 'first' PRIMARY KEY, \"name\" VARCHAR(20))",
        drop=("k_big", "k_text", "k_default"),
    ):
        huge = 2**62 + 1
        assert (await house.create("k_big", {"id": str(huge), "name": "x"}))["id"] == str(huge)
        assert (await house.update("k_big", huge, {"name": "y"}))["name"] == "y"
        rows = [{"id": name, "name": name} for name in ("b", "007", "a,b", "Ä", "%")]
        result = await house.write("create", "k_text", *rows, batch=True)
        assert [item["_row"] for item in result.items if item] == rows
        changed = [{"id": row["id"], "name": row["name"] * 2} for row in reversed(rows)]
        result = await house.write("update", "k_text", *changed, batch=True)
        assert [item["_row"] for item in result.items if item] == changed
        await house.delete("k_text", "a,b", "007")
        assert sorted(row[0] for row in await house.rows("k_text", "id")) == ["%", "b", "Ä"]
        # The server requires keys that it does not make, whatever the default says
        await refused(house, ValidationFailed, "create", "k_default", {"name": "x"})


@pytest.mark.parametrize("dialect", ["postgres"], indirect=True)
async def test_types_of_postgres(house: House) -> None:
    async with tables(
        house,
        "CREATE TYPE mood AS ENUM ('sad', 'glad')",
        "CREATE SEQUENCE own_numbers START 10",
        """CREATE TABLE pg (
            id INT DEFAULT nextval('own_numbers') PRIMARY KEY, m mood, j JSONB, jj JSON, t TIMESTAMPTZ, d DATE, tm TIME,
            b BYTEA, bits BIT(4), n NUMERIC(30, 10), i INTERVAL, ip INET, a INT[], u UUID, f REAL, dp DOUBLE PRECISION,
            s SMALLINT, big BIGINT, bo BOOLEAN, c CHAR(5), x XML)""",
        "CREATE TABLE pg_uuid (id UUID DEFAULT gen_random_uuid() PRIMARY KEY, name TEXT)",
        drop=("pg", "pg_uuid"),
        after=("DROP SEQUENCE own_numbers", "DROP TYPE mood"),
    ):
        first = {
            "m": "sad", "j": {"a": 1}, "jj": [1, "x"], "t": "2020-01-02 03:04:05", "d": "2020-01-02",
            "tm": "03:04:05", "b": "AAEC", "bits": 5, "n": "12345678901234567890.0123456789", "i": "01:00:00",
            "ip": "10.0.0.0/8",
            "a": "{1,2}", "u": "00000000-0000-4000-8000-000000000001", "f": 1.5, "dp": 2.25, "s": 7, "big": 2**40,
            "bo": True, "c": "abcde", "x": "<a/>",
        }  # fmt: skip
        second = {**dict.fromkeys(first), "m": "glad", "a": "{}", "j": {}, "bo": False, "bits": 0}
        shown = await house.create("pg", first)
        assert shown == {"id": 10, **first}
        result = await house.write("create", "pg", first, second, batch=True)
        assert [item["_row"] for item in result.items if item] == [{"id": 11, **first}, {"id": 12, **second}]
        result = await house.write("update", "pg", {"id": 10, **second}, {"id": 11, **second}, batch=True)
        assert [item["_row"] for item in result.items if item] == [{"id": 10, **second}, {"id": 11, **second}]
        result = await house.write("update", "pg", {"id": 10, **first}, {"id": 11, **second}, batch=True)
        assert [item["_row"] for item in result.items if item] == [{"id": 10, **first}, {"id": 11, **second}]
        error = await refused(house, Unprocessable, "create", "pg", {"m": "angry"})
        assert "angry" not in error.message
        await refused(house, Unprocessable, "create", "pg", {"ip": "nowhere"})
        result = await house.write("create", "pg_uuid", {"name": "a"}, {"name": "b"}, batch=True)
        assert [item["_row"]["name"] for item in result.items if item] == ["a", "b"]
        made = await house.update("pg_uuid", str(result.keys[0]).upper(), {"name": "c"})
        assert made == {"id": result.keys[0], "name": "c"}


@pytest.mark.parametrize("dialect", ["mysql"], indirect=True)
async def test_types_of_mysql(house: House) -> None:
    async with tables(
        house,
        """CREATE TABLE my (
            id BIGINT UNSIGNED AUTO_INCREMENT PRIMARY KEY, e ENUM('a', 'b'), st SET('x', 'y'), j JSON,
            ts TIMESTAMP NULL, dt DATETIME, d DATE, tm TIME, y YEAR, b BLOB,
            vb VARBINARY(10), bits BIT(9), n DECIMAL(30, 10), f FLOAT,
            dbl DOUBLE, t TINYINT, m MEDIUMINT, big BIGINT UNSIGNED, c CHAR(5), lt LONGTEXT)""",
        drop=("my",),
    ):
        first = {
            "e": "a", "st": "x,y", "j": '{"a": [1]}', "ts": "2020-01-02 03:04:05", "dt": "2020-01-02 03:04:05",
            "d": "2020-01-02", "tm": "03:04:05", "y": 2020, "b": "AAEC", "vb": "/w==", "bits": 300,
            "n": "12345678901234567890.0123456789", "f": 1.5, "dbl": 2.25, "t": 7, "m": 70000, "big": 2**40,
            "c": "abcde", "lt": "ä%s'\\\"",
        }  # fmt: skip
        second = {**dict.fromkeys(first), "e": "b", "b": "", "bits": 0, "lt": ""}
        assert await house.create("my", first) == {"id": 1, **first}
        result = await house.write("create", "my", first, second, batch=True)
        assert [item["_row"] for item in result.items if item] == [{"id": 2, **first}, {"id": 3, **second}]
        result = await house.write("update", "my", {"id": 1, **second}, {"id": 2, **first}, batch=True)
        assert [item["_row"] for item in result.items if item] == [{"id": 1, **second}, {"id": 2, **first}]
        await refused(house, Unprocessable, "create", "my", {"e": "c"})


@pytest.mark.parametrize("dialect", ["sqlite"], indirect=True)
async def test_tables_of_sqlite(house: House) -> None:
    async with tables(
        house,
        "CREATE TABLE plain (id INTEGER PRIMARY KEY, n NUMERIC, b BLOB, x)",
        "CREATE TABLE no_rowid (id TEXT PRIMARY KEY COLLATE NOCASE, v INT UNIQUE) WITHOUT ROWID",
        drop=("plain", "no_rowid"),
    ):
        rows = [{"n": 1, "b": "AAEC", "x": "t"}, {"n": 2.5, "b": None, "x": None}]
        result = await house.write("create", "plain", *rows, batch=True)
        assert [item["_row"] for item in result.items if item] == [{"id": 1, **rows[0]}, {"id": 2, **rows[1]}]
        changed = [{"id": 2, "n": 0, "b": "", "x": "u"}, {"id": 1, "n": -1, "b": "AQ==", "x": "v"}]
        result = await house.write("update", "plain", *changed, batch=True)
        assert [item["_row"] for item in result.items if item] == changed
        assert await house.create("no_rowid", {"id": "Key", "v": 1}) == {"id": "Key", "v": 1}
        result = await house.write("update", "no_rowid", {"id": "KEY", "v": 2}, batch=True)
        assert result.keys == ["Key"]
        error = await refused(house, DuplicateItem, "create", "no_rowid", {"id": "kEY", "v": 3})
        assert error.message == 'Duplicate key "kEY" for collection "no_rowid"'
