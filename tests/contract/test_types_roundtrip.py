"""In charge of showing that values survive a real database: write, find and read them, on every dialect, exactly.

The columns are those that the database reports of itself, so reflection, casts and drivers are tested together.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from typing import Any

import pytest

from core.catalog.model import Column, Field
from core.db.gateway import Connection, Store
from core.db.reflect import reflect
from core.types.bind import binder
from core.types.cast import cast
from core.types.encode import encoder
from core.types.write import accept, same_as_read
from tests.contract.gateway.support import q

# name: type in SQLite, PostgreSQL, MySQL
COLUMNS = {
    "whole": ("INT", "INTEGER", "INT"),
    "tiny": ("TINYINT UNSIGNED", "SMALLINT", "TINYINT UNSIGNED"),
    "big": ("BIGINT", "BIGINT", "BIGINT"),
    "money": ("DECIMAL(10,2)", "NUMERIC(10,2)", "DECIMAL(10,2)"),
    "wide": ("DECIMAL(20,4)", "NUMERIC(20,4)", "DECIMAL(20,4)"),
    "single": ("FLOAT", "REAL", "FLOAT"),
    "twofold": ("DOUBLE", "DOUBLE PRECISION", "DOUBLE"),
    "truth": ("TINYINT(1)", "BOOLEAN", "TINYINT(1)"),
    "words": ("VARCHAR(40)", "VARCHAR(40)", "VARCHAR(40)"),
    "prose": ("TEXT", "TEXT", "TEXT"),
    "raw": ("BLOB", "BYTEA", "BLOB"),
    "flags": ("BIT(4)", "BIT(4)", "BIT(4)"),
    "day": ("DATE", "DATE", "DATE"),
    "clock": ("TIME", "TIME(0)", "TIME"),
    "moment": ("DATETIME", "TIMESTAMP(0)", "DATETIME"),
    "exact": ("DATETIME(6)", "TIMESTAMP", "DATETIME(6)"),
    "placed": ("TIMESTAMP", "TIMESTAMPTZ(0)", "TIMESTAMP NULL"),
    "document": ("JSON", "JSONB", "JSON"),
    "ident": ("CHAR(36)", "UUID", "CHAR(36)"),
}
DIALECTS = ("sqlite", "postgres", "mysql")
UNIQUE = "6f9619ff-8b86-d011-b42d-00c04fc964ff"

# column, Directus type, what is sent, what is read
CASES: tuple[tuple[str, str, Any, Any], ...] = (
    ("whole", "integer", "42", 42),
    ("whole", "integer", 2147483647, 2147483647),
    ("whole", "integer", -5, -5),
    ("whole", "status", "3", 3),
    ("whole", "sort", 0, 0),
    ("whole", "boolean", "true", True),
    ("tiny", "integer", 255, 255),
    ("big", "integer", 2**53 - 1, 2**53 - 1),
    ("big", "integer", 2**53, "9007199254740992"),
    ("big", "integer", "-999999999999999999", "-999999999999999999"),
    ("money", "decimal", "12345678.90", 12345678.9),
    ("money", "decimal", 0.1, 0.1),
    ("money", "decimal", "-4", -4),
    ("wide", "decimal", "1234567.125", {"sqlite": "1234567.125", "": "1234567.1250"}),
    ("single", "decimal", 0.1, 0.1),
    ("single", "decimal", "2.5", 2.5),
    ("twofold", "decimal", 0.1, 0.1),
    ("twofold", "decimal", 1e300, 1e300),
    ("truth", "boolean", True, True),
    ("truth", "boolean", "0", False),
    ("words", "string", "Ünïcode 🏛 \\ ' \" % _ ? $1 :a", "Ünïcode 🏛 \\ ' \" % _ ? $1 :a"),
    ("words", "string", "", ""),
    ("words", "string", 4.5, "4.5"),
    ("words", "array", ["", "a", "b", ""], ["", "a", "b", ""]),
    ("words", "array", [], []),
    ("words", "date", "2020-02-29", "2020-02-29"),
    ("words", "datetime", "2020-01-02T03:04:05-01:00", "2020-01-02 04:04:05"),
    ("words", "time", "23:59:59", "23:59:59"),
    ("words", "boolean", False, False),
    ("prose", "json", {"a": [1, None, "é", {"b": True}]}, {"a": [1, None, "é", {"b": True}]}),
    ("prose", "json", [], []),
    ("prose", "string", "x" * 10_000, "x" * 10_000),
    ("raw", "binary", "AAEC/w==", "AAEC/w=="),
    ("raw", "binary", "", ""),
    ("raw", "json", {"a": 1}, {"a": 1}),
    ("raw", "array", ["é", "b"], ["é", "b"]),
    ("flags", "binary", 5, 5),
    ("flags", "boolean", True, True),
    ("day", "date", "2020-02-29", "2020-02-29"),
    ("day", "date", "1000-01-01", "1000-01-01"),
    ("clock", "time", "00:00:00", "00:00:00"),
    ("clock", "time", "23:59:59", "23:59:59"),
    ("moment", "datetime", "2020-01-02 03:04:05", "2020-01-02 03:04:05"),
    ("moment", "datetime", "2020-01-02T03:04:05.999+02:00", "2020-01-02 01:04:05"),
    ("moment", "datetime_created", "2020-01-02 03:04:05", "2020-01-02T03:04:05+00:00"),
    ("moment", "date", "2020-01-02", "2020-01-02"),
    ("exact", "datetime", "2020-01-02T03:04:05.120Z", "2020-01-02 03:04:05.12"),
    ("exact", "datetime", "2020-01-02 03:04:05", "2020-01-02 03:04:05"),
    ("exact", "datetime_updated", "2020-01-02T03:04:05.5Z", "2020-01-02T03:04:05.5+00:00"),
    ("placed", "datetime", "2020-07-02T03:04:05+02:00", "2020-07-02 01:04:05"),
    ("placed", "datetime", "2020-07-02 01:04:05", "2020-07-02 01:04:05"),
    ("document", "json", {"a": [1, None]}, {"a": [1, None]}),
    ("document", "array", ["a", "b"], ["a", "b"]),
    ("ident", "uuid", UNIQUE, UNIQUE),
)
NULLS = [
    ("whole", "integer", None), ("money", "decimal", None), ("truth", "boolean", None), ("words", "string", None),
    ("words", "array", []), ("prose", "json", None), ("moment", "datetime", None), ("moment", "datetime_created", None),
    ("day", "date", None), ("raw", "binary", None), ("document", "json", None), ("ident", "uuid", None),
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Place:
    """A table v with a column of every family, and what the database says of it."""

    store: Store
    columns: dict[str, Column]

    def field(self, name: str, type_: str) -> Field:
        column = self.columns[name]
        if type_ == "boolean" and column.family == "integer" and column.native.lower() == "tinyint(1)":
            column = replace(column, family="boolean")  # as the catalog does for a field of type boolean
        return Field("v", name, type_, column)

    def parameter(self, column: Column) -> str:
        """A parameter for a column; PostgreSQL's driver must not look at what it has no text form for."""
        through_text = self.store.dialect == "postgres" and column.family in ("bit", "other", "json")
        return f"CAST(CAST(? AS TEXT) AS {column.native})" if through_text else "?"

    async def write(self, connection: Connection, key: int, one: Field, value: Any) -> None:
        assert one.column is not None
        convert = binder(one.column, connection.dialect)
        bound = convert(value) if convert else value
        sql = f"INSERT INTO v (id, {one.name}) VALUES (?, {self.parameter(one.column)})"
        await connection.execute(q(connection.dialect, sql), (key, bound))

    async def read(self, connection: Connection, key: int, one: Field) -> Any:
        return await connection.value(q(connection.dialect, f"SELECT {one.name} FROM v WHERE id = ?"), (key,))


@pytest.fixture
async def place(database_url: str) -> AsyncIterator[Place]:
    store = await Store.open(database_url)
    try:
        number = DIALECTS.index(store.dialect)
        columns = ", ".join(f"{name} {types[number]}" for name, types in COLUMNS.items())
        async with store.write() as connection:
            await connection.execute(f"CREATE TABLE v (id INTEGER PRIMARY KEY, {columns})")
            found = (await reflect(connection))["v"]
        yield Place(store, {column.name: column for column in found.columns})
    finally:
        await store.close()


def show(one: Field, stored: Any, dialect: str) -> Any:
    convert, null = encoder("row", one, dialect, system=False)
    return null if stored is None else stored if convert is None else convert(stored)


def expected_of(expected: Any, dialect: str) -> Any:
    return expected.get(dialect, expected[""]) if isinstance(expected, dict) and "" in expected else expected


async def test_what_is_written_is_read(place: Place) -> None:
    dialect = place.store.dialect
    async with place.store.write() as connection:
        for key, (name, type_, sent, expected) in enumerate(CASES):
            one = place.field(name, type_)
            if (name, type_) == ("document", "array") and one.column and one.column.family != "json":
                continue  # MariaDB's JSON is text that must be JSON, so it takes no CSV
            await place.write(connection, key, one, accept(one, sent, dialect=dialect))
            stored = await place.read(connection, key, one)
            shown, wanted = show(one, stored, dialect), expected_of(expected, dialect)
            assert (name, type_, shown, type(shown)) == (name, type_, wanted, type(wanted))
            assert same_as_read(one, stored, shown, dialect=dialect)


async def test_null_is_written_and_read(place: Place) -> None:
    dialect = place.store.dialect
    async with place.store.write() as connection:
        for key, (name, type_, expected) in enumerate(NULLS):
            one = place.field(name, type_)
            await place.write(connection, key, one, accept(one, None, dialect=dialect))
            stored = await place.read(connection, key, one)
            assert stored is None
            assert (name, show(one, stored, dialect)) == (name, expected)


# Columns whose equality is exact, with the texts that a client may search for.
SOUGHT = (
    ("whole", "integer", " 042.0 "), ("tiny", "integer", "7"), ("big", "integer", "9007199254740993"),
    ("money", "decimal", "4.50"), ("twofold", "decimal", "0.1"), ("truth", "boolean", "TRUE"),
    ("words", "string", "a'b\\c%"), ("words", "date", "2020-02-29"), ("prose", "array", "a,b"),
    ("raw", "binary", "AAEC"), ("day", "date", "2020-02-29"), ("clock", "time", "01:02:03"),
    ("moment", "datetime", "2020-01-02T03:04:05+01:00"),
    ("moment", "datetime", "2020-01-02"), ("exact", "datetime", "2020-01-02T03:04:05.12Z"),
    ("placed", "datetime", "20200102T030405Z"), ("ident", "uuid", UNIQUE.upper()),
)  # fmt: skip


async def test_what_is_sought_is_found(place: Place) -> None:
    dialect = place.store.dialect
    async with place.store.write() as connection:
        for key, (name, type_, sought) in enumerate(SOUGHT):
            one = place.field(name, type_)
            if name == "ident" and dialect != "postgres":
                sought = UNIQUE  # text there, and case counts on SQLite
            value = cast(one, sought)
            await place.write(connection, key, one, value)
            assert one.column is not None
            convert = binder(one.column, dialect)
            sql = f"SELECT id FROM v WHERE {name} = ? AND id = ?"
            found = await connection.value(q(dialect, sql), (convert(value) if convert else value, key))
            assert (name, found) == (name, key)


@pytest.mark.parametrize("dialect", ["mysql"], indirect=True)
async def test_zero_dates_of_old_databases_are_null(place: Place) -> None:
    async with place.store.write() as connection:
        # Rows as they are where the server was not strict when they were written.
        await connection.execute("SET SESSION sql_mode = ''")
        await connection.execute(
            "INSERT INTO v (id, day, moment, exact, placed) "
            "VALUES (1, '0000-00-00', '0000-00-00 00:00:00', '2019-00-00 00:00:00', '0000-00-00 00:00:00')"
        )
        for name, type_ in (("day", "date"), ("moment", "datetime"), ("exact", "datetime"), ("placed", "datetime")):
            for kind in {type_, "datetime_created" if type_ == "datetime" else type_}:
                one = place.field(name, kind)
                stored = await place.read(connection, 1, one)
                assert (name, show(one, stored, "mysql")) == (name, None)
                assert same_as_read(one, stored, None, dialect="mysql")


@pytest.mark.parametrize("dialect", ["sqlite"], indirect=True)
async def test_sqlite_holds_anything_in_any_column(place: Place) -> None:
    async with place.store.write() as connection:
        await connection.execute(
            "INSERT INTO v (id, money, truth, day, moment, raw, flags) VALUES (1, 'none', 1, '', 'long ago', 'text', 9)"
        )
        shown = {}
        for name, type_ in (
            ("money", "decimal"), ("truth", "boolean"), ("day", "date"), ("moment", "datetime"), ("raw", "binary"),
            ("flags", "binary"),
        ):  # fmt: skip
            one = place.field(name, type_)
            shown[name] = show(one, await place.read(connection, 1, one), "sqlite")
        assert shown == {
            "money": None, "truth": True, "day": None, "moment": "long ago", "raw": "dGV4dA==", "flags": 9,
        }  # fmt: skip
