"""In charge of showing that whatever a database holds arrives in the snapshot as it is: types, keys, views, names."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from core.catalog.changes import log_change
from core.catalog.load import head, load_snapshot, refresh
from core.catalog.model import Collection, Column, ToMany, ToOne
from core.db.errors import MissingObject
from core.db.gateway import Store
from core.db.reflect import reflect
from core.migrate.install import ensure, install
from core.sql.ddl import ColumnSpec, create_table, quote
from tests.backends import backend, fresh_database

ODD_NAMES = [
    "with space",
    "with-dash",
    "1digit",
    "2fa_secret",
    "select",
    "Group",
    "ünïcödé 漢字 🏛",
    "quo\"te'`back",
    "per%cent %s $1 ?",
    "semi;colon -- comment",
    "back\\slash",
    "(paren,[brackets])",
]


@pytest.fixture
async def store(database_url: str) -> AsyncIterator[Store]:
    found = await Store.open(database_url)
    yield found
    await found.close()


async def run(store: Store, *statements: str) -> None:
    async with store.write() as connection:
        for statement in statements:
            await connection.execute(statement)


async def collection(store: Store, name: str) -> Collection:
    return (await load_snapshot(store)).collections[name]


def columns(found: Collection) -> dict[str, Column]:
    return {field.name: field.column for field in found.columns if field.column is not None}


# Names


async def test_odd_names_arrive_as_they_are(store: Store) -> None:
    dialect = store.dialect
    # MySQL keeps its names in three bytes a character: no emoji there.
    names = [name.replace("🏛", "") if dialect == "mysql" else name for name in ODD_NAMES]
    names = [name.rstrip() for name in names]
    for name in names:
        key = ColumnSpec("id", "INT", primary_key=True, auto_increment=True)
        made = [key, *(ColumnSpec(one, "VARCHAR", "40") for one in names)]
        await run(store, *create_table(name, made, dialect))
    await run(store, f"CREATE VIEW {quote('a view', dialect)} AS SELECT * FROM {quote(names[0], dialect)}")
    found = (await load_snapshot(store)).collections
    assert set(found) == {*names, "a view"}
    for name in names:
        assert list(found[name].fields) == ["id", *names], name
        assert {field.type for field in found[name].fields.values()} == {"integer", "string"}
        assert all(type(one) is str for one in (found[name].name, *found[name].fields))
    assert found["a view"].is_view


async def test_an_empty_database(store: Store) -> None:
    found = await load_snapshot(store)
    assert (dict(found.collections), found.version, dict(found.settings)) == ({}, 0, {})
    async with store.read() as connection:
        with pytest.raises(MissingObject):
            await head(connection)


# Types: what `core.sql.ddl` makes, `core.catalog.datatypes` finds again (spec 01 §4.3, column "Reported back")

MADE = [
    ColumnSpec("id", "INT", primary_key=True, auto_increment=True),
    ColumnSpec("char", "CHAR", "3"),
    ColumnSpec("varchar", "VARCHAR", "255", nullable=False, default="dr'aft\\ 5%", comment="It's 5% \\ more"),
    ColumnSpec("tinytext", "TINYTEXT"),
    ColumnSpec("longtext", "LONGTEXT"),
    ColumnSpec("flag", "TINYINT", "1", type="boolean", default="1"),
    ColumnSpec("tinyint", "TINYINT", default="-1"),
    ColumnSpec("smallint", "SMALLINT", signed=False),
    ColumnSpec("mediumint", "MEDIUMINT"),
    ColumnSpec("int", "INT", unique=True),
    ColumnSpec("bigint", "BIGINT"),
    ColumnSpec("decimal", "DECIMAL", "10,2", default="1.50"),
    ColumnSpec("float", "FLOAT"),
    ColumnSpec("double", "DOUBLE"),
    ColumnSpec("date", "DATE", default="2020-01-02"),
    ColumnSpec("time", "TIME"),
    ColumnSpec("datetime", "DATETIME", default="2020-01-02 03:04:05"),
    ColumnSpec("now", "DATETIME", default="CURRENT_TIMESTAMP"),
    ColumnSpec("timestamp", "TIMESTAMP"),
    ColumnSpec("blob", "BLOB"),
    ColumnSpec("bit", "BIT", "4"),
    ColumnSpec("enum", "ENUM", "'a','b'", default="a"),
]

Seen = dict[str, tuple[str, str, str | None]]
EVERYWHERE: Seen = {
    "id": ("INT", "integer", "10"),
    "varchar": ("VARCHAR", "text", "255"),
    "smallint": ("SMALLINT", "integer", "5"),
    "int": ("INT", "integer", "10"),
    "decimal": ("DECIMAL", "decimal", "10,2"),
    "date": ("DATE", "date", None),
    "time": ("TIME", "time", None),
    "datetime": ("DATETIME", "datetime", None),
    "now": ("DATETIME", "datetime", None),
    "blob": ("BLOB", "binary", None),
}
REPORTED: dict[str, Seen] = {
    "sqlite": {
        "char": ("CHAR", "text", "3"), "tinytext": ("TINYTEXT", "text", None), "longtext": ("LONGTEXT", "text", None),
        "flag": ("TINYINT", "integer", "3"), "tinyint": ("TINYINT", "integer", "3"),
        "mediumint": ("MEDIUMINT", "integer", "7"), "bigint": ("BIGINT", "bigint", "19"),
        "float": ("FLOAT", "float", None), "double": ("DOUBLE", "float", None),
        "timestamp": ("TIMESTAMP", "datetime", None), "bit": ("INT", "integer", "10"),
        "enum": ("VARCHAR", "text", "255"),
    },
    "postgres": {
        "char": ("VARCHAR", "text", "3"), "tinytext": ("TEXT", "text", None), "longtext": ("TEXT", "text", None),
        "flag": ("TINYINT", "boolean", "3"), "tinyint": ("SMALLINT", "integer", "5"),
        "mediumint": ("INT", "integer", "10"), "bigint": ("BIGINT", "bigint", "20"),
        "float": ("FLOAT", "float", None), "double": ("DOUBLE", "float", None),
        "timestamp": ("DATETIME", "datetime", None), "bit": ("BIT", "bit", "4"),
        "enum": ("VARCHAR", "text", "255"),
    },
    "mysql": {
        "char": ("CHAR", "text", "3"), "tinytext": ("TINYTEXT", "text", None), "longtext": ("LONGTEXT", "text", None),
        "flag": ("TINYINT", "integer", "3"), "tinyint": ("TINYINT", "integer", "3"),
        "mediumint": ("MEDIUMINT", "integer", "7"), "bigint": ("BIGINT", "bigint", "19"),
        "float": ("FLOAT", "float", "12"), "double": ("DOUBLE", "float", "22"),
        "timestamp": ("TIMESTAMP", "datetimetz", None), "bit": ("BIT", "bit", "4"),
        "enum": ("ENUM", "text", None),
    },
}  # fmt: skip


async def test_types_are_found_again(store: Store) -> None:
    await run(store, *create_table("types", MADE, store.dialect))
    found = columns(await collection(store, "types"))
    assert list(found) == [spec.name for spec in MADE]
    seen = {name: (column.datatype, column.family, column.length) for name, column in found.items()}
    assert seen == {name: {**EVERYWHERE, **REPORTED[store.dialect]}[name] for name in seen}
    assert {name for name, column in found.items() if not column.nullable} == {"id", "varchar"}
    assert {name for name, column in found.items() if column.unique} == {"int"}
    assert {name for name, column in found.items() if column.primary_key} == {"id"}
    assert {name for name, column in found.items() if column.auto_increment} == {"id"}
    assert found["smallint"].signed is (store.dialect == "postgres")
    assert found["varchar"].comment == ("" if store.dialect == "sqlite" else "It's 5% \\ more")
    defaults = {name: column.default for name, column in found.items() if column.default is not None}
    now = defaults.pop("now").lower()
    assert defaults == {
        "varchar": "dr'aft\\ 5%", "flag": "1", "tinyint": "-1", "decimal": "1.50", "date": "2020-01-02",
        "datetime": "2020-01-02 03:04:05", "enum": "a",
    }  # fmt: skip
    assert "current_timestamp" in now or "now()" in now
    assert {name for name, column in found.items() if column.default_is_expression} == {"now"}
    assert {name for name, column in found.items() if column.has_default} == {*defaults, "now", "id"}
    assert found["varchar"].nocase is (store.dialect != "postgres")
    assert (found["decimal"].precision, found["decimal"].scale) == (10, 2)
    assert (found["varchar"].characters, found["longtext"].characters) == (255, None)


EXISTING = {
    "sqlite": (
        "CREATE TABLE existing (id INTEGER PRIMARY KEY, doc JSON, ok BOOLEAN DEFAULT FALSE, n NVARCHAR(60), x, "
        "up TEXT GENERATED ALWAYS AS (upper(n)) VIRTUAL, st TEXT GENERATED ALWAYS AS (n) STORED, t TEXT COLLATE NOCASE)"
    ),
    "postgres": (
        "CREATE TYPE mood AS ENUM ('sad', 'ok')",
        "CREATE DOMAIN short AS varchar(7) NOT NULL",
        "CREATE TABLE existing (id bigserial PRIMARY KEY, doc jsonb DEFAULT '{}', old json, ok boolean DEFAULT false, "
        "u uuid DEFAULT gen_random_uuid(), zone timestamptz, mood mood DEFAULT 'ok', short short, tags text[], "
        "ip inet, up text GENERATED ALWAYS AS (upper(doc::text)) STORED, alw int GENERATED ALWAYS AS IDENTITY)",
    ),
    "mysql": (
        "CREATE TABLE existing (id BIGINT UNSIGNED AUTO_INCREMENT PRIMARY KEY, doc JSON, ok BOOLEAN DEFAULT FALSE, "
        "s SET('a','b') DEFAULT 'a,b', y YEAR, p POINT, up VARCHAR(9) AS (upper(s)) VIRTUAL, "
        "b VARCHAR(9) COLLATE utf8mb4_bin)"
    ),
}
Whole = dict[str, tuple[str, str, str | None, str | None, bool]]
FOUND: dict[str, Whole] = {
    "sqlite": {
        "id": ("INT", "integer", "10", None, False),
        "doc": ("JSON", "json", None, None, False),
        "ok": ("TINYINT", "boolean", "3", "0", False),
        "n": ("VARCHAR", "text", "60", None, False),
        "x": ("TEXT", "text", None, None, False),
        "up": ("TEXT", "text", None, None, True),
        "st": ("TEXT", "text", None, None, True),
        "t": ("TEXT", "text", None, None, False),
    },
    "postgres": {
        "id": ("BIGINT", "bigint", "20", None, False),
        "doc": ("JSON", "json", None, "{}", False),
        "old": ("JSON", "json", None, None, False),
        "ok": ("TINYINT", "boolean", "3", "0", False),
        "u": ("CHAR", "uuid", "36", "gen_random_uuid()", False),
        "zone": ("DATETIME", "datetimetz", None, None, False),
        "mood": ("VARCHAR", "other", "255", "ok", False),
        "short": ("VARCHAR", "text", "7", None, False),
        "tags": ("TEXT", "other", None, None, False),
        "ip": ("TEXT", "other", None, None, False),
        "up": ("TEXT", "text", None, None, True),
        "alw": ("INT", "integer", "10", None, True),
    },
    "mysql": {
        "id": ("BIGINT", "bigint", "20", None, False),
        "doc": ("LONGTEXT", "text", None, None, False),
        "ok": ("TINYINT", "integer", "3", "0", False),
        "s": ("SET", "text", None, "a,b", False),
        "y": ("YEAR", "integer", None, None, False),
        "p": ("POINT", "other", None, None, False),
        "up": ("VARCHAR", "text", "9", None, True),
        "b": ("VARCHAR", "text", "9", None, False),
    },
}


async def test_existing_types(store: Store) -> None:
    statements = EXISTING[store.dialect]
    await run(store, *((statements,) if isinstance(statements, str) else statements))
    found = columns(await collection(store, "existing"))
    seen = {
        name: (column.datatype, column.family, column.length, column.default, column.generated)
        for name, column in found.items()
    }
    wanted = dict(FOUND[store.dialect])
    if store.dialect == "mysql" and "MariaDB" not in backend("mysql").server:
        wanted["doc"] = ("JSON", "json", None, None, False)
    assert seen == wanted
    assert found["id"].auto_increment
    if store.dialect == "postgres":
        assert (found["mood"].native, found["short"].nullable, found["tags"].native) == ("mood", False, "text[]")
        assert found["u"].default_is_expression
        assert (await collection(store, "existing")).fields["ok"].type == "boolean"
    else:
        assert {name for name, column in found.items() if column.nocase} == (
            {"t"} if store.dialect == "sqlite" else {"s", "up"}
        )


# Keys and views


async def test_keys_of_all_kinds(store: Store) -> None:
    await run(
        store,
        "CREATE TABLE people (id INTEGER PRIMARY KEY, code INTEGER UNIQUE, boss INTEGER, "
        "FOREIGN KEY (boss) REFERENCES people(id))",
        "CREATE TABLE pairs (b INTEGER NOT NULL, a INTEGER NOT NULL, note VARCHAR(9), PRIMARY KEY (a, b), "
        "UNIQUE (note, a))",
        "CREATE TABLE points (x INTEGER, pa INTEGER, pb INTEGER, c INTEGER, "
        "FOREIGN KEY (pa, pb) REFERENCES pairs(a, b), FOREIGN KEY (c) REFERENCES people(code))",
        "CREATE TABLE named (code VARCHAR(9) PRIMARY KEY)",
        "CREATE VIEW seen AS SELECT id, code FROM people",
    )
    async with store.read() as connection:
        tables = await reflect(connection)
    assert list(tables) == ["named", "pairs", "people", "points", "seen"]
    assert (tables["pairs"].primary_key, tables["pairs"].uniques) == (("a", "b"), (("note", "a"),))
    assert [(key.columns, key.target, key.target_columns) for key in tables["points"].foreign_keys] == [
        (("pa", "pb"), "pairs", ("a", "b")),
        (("c",), "people", ("code",)),
    ]
    found = (await load_snapshot(store)).collections
    assert {name: (one.primary_key, one.key_columns, one.is_view) for name, one in found.items()} == {
        "named": ("code", ("code",), False),
        "pairs": (None, ("a", "b"), False),
        "people": ("id", ("id",), False),
        "points": (None, ("x", "pa", "pb", "c"), False),
        "seen": (None, ("id", "code"), True),
    }
    assert dict(found["people"].relations) == {
        "boss": ToOne("people", "boss", "people", "id", "people"),
        "people": ToMany("people", "people", "people", "boss"),
    }
    assert dict(found["points"].relations) == {}
    assert [column.name for column in columns(found["pairs"]).values() if column.primary_key] == ["b", "a"]
    assert [column.nullable for column in columns(found["pairs"]).values()] == [False, False, True]


@pytest.mark.backend("sqlite")
async def test_sqlite_finds_names_whatever_their_case_and_survives_a_broken_view(tmp_path: Path) -> None:
    store = await Store.open(f"sqlite:///{tmp_path}/case.db")
    try:
        await run(
            store,
            "CREATE TABLE Artist (Id INTEGER PRIMARY KEY)",
            "CREATE TABLE gone (a INTEGER)",
            "CREATE VIEW broken AS SELECT a FROM gone",
            "DROP TABLE gone",
            "CREATE TABLE album (id INT PRIMARY KEY, ARTIST int REFERENCES artist(ID), other INT REFERENCES ARTIST, "
            "lost INT REFERENCES nowhere(id))",
            "CREATE VIRTUAL TABLE texts USING fts5(body)",
            "CREATE TABLE bare (k TEXT PRIMARY KEY, v) WITHOUT ROWID",
        )
        found = (await load_snapshot(store)).collections
        assert set(found) == {"Artist", "album", "texts", "bare"}
        assert {name: relation.target for name, relation in found["album"].relations.items()} == {
            "ARTIST": "Artist",
            "other": "Artist",
        }
        # Only INTEGER PRIMARY KEY is filled in by SQLite.
        assert columns(found["Artist"])["Id"].auto_increment
        assert not columns(found["album"])["id"].auto_increment
        assert not columns(found["bare"])["k"].auto_increment
    finally:
        await store.close()


@pytest.mark.backend("postgres")
async def test_postgres_shows_one_schema_and_whole_partitioned_tables(tmp_path: Path) -> None:
    with fresh_database("postgres", tmp_path) as url:
        store = await Store.open(url)
        await run(
            store,
            "CREATE SCHEMA other",
            "CREATE TABLE other.hidden (id int PRIMARY KEY)",
            "CREATE TABLE parts (id int, day date, PRIMARY KEY (id, day)) PARTITION BY RANGE (day)",
            "CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM ('2020-01-01') TO ('2021-01-01')",
            "CREATE MATERIALIZED VIEW kept AS SELECT id FROM parts",
            "CREATE TABLE refers (id int PRIMARY KEY, h int REFERENCES other.hidden(id))",
            "CREATE UNIQUE INDEX ON refers (h) WHERE h > 5",
            "CREATE UNIQUE INDEX ON refers ((h + 1))",
            "CREATE TABLE nothing ()",
        )
        found = (await load_snapshot(store)).collections
        assert {name: one.is_view for name, one in found.items()} == {
            "kept": True, "nothing": False, "parts": False, "refers": False,
        }  # fmt: skip
        assert found["parts"].key_columns == ("id", "day")
        assert dict(found["refers"].relations) == {}
        assert columns(found["refers"])["h"].unique is False
        assert dict(found["nothing"].fields) == {}
        await store.close()


# The change log


async def test_heads_become_visible_in_order(store: Store) -> None:
    """No reader may see a head while a lower number is still on its way: it would never notice that change."""
    await ensure(store)
    committed: list[int] = []

    async def change(number: int) -> None:
        async with store.write() as connection:
            await log_change(connection, "schema", f"c{number}")
            own = int(await connection.value("SELECT MAX(id) FROM directus_changes"))
            await asyncio.sleep(0.005 * (number % 4))
        committed.append(own)

    async def watch() -> None:
        while len(committed) < 8:
            async with store.read() as connection:
                before = set(committed)
                seen = await head(connection)
                below = await connection.value(f"SELECT COUNT(*) FROM directus_changes WHERE id <= {seen}")
            assert seen >= max(before, default=0)
            assert below == seen - first + 1
            await asyncio.sleep(0)

    async with store.read() as connection:
        first = int(await connection.value("SELECT MIN(id) FROM directus_changes"))
    await asyncio.gather(watch(), *(change(number) for number in range(8)))
    async with store.read() as connection:
        rows = await connection.rows("SELECT id, kind, collection FROM directus_changes ORDER BY id")
    assert {row[2] for row in rows[1:]} == {f"c{number}" for number in range(8)}
    assert [row[0] for row in rows] == list(range(rows[0][0], rows[0][0] + 9))


async def test_a_change_that_is_rolled_back_is_not_logged(store: Store) -> None:
    await ensure(store)
    with pytest.raises(RuntimeError):
        await _change_and_fail(store)
    async with store.read() as connection:
        assert await head(connection) == 1
    async with store.write() as connection:
        with pytest.raises(ValueError, match="schema, policy, settings"):
            log_change(connection, "something")


async def _change_and_fail(store: Store) -> None:
    async with store.write() as connection:
        await log_change(connection, "schema", "x")
        raise RuntimeError


async def test_only_what_changed_is_read_anew(store: Store) -> None:
    await install(store, admin_email="a@b.c", admin_password_hash="x")
    first = await load_snapshot(store)
    before = store.statements_total
    assert await refresh(store, first) is first
    assert store.statements_total - before == 2

    async with store.write() as connection:
        await connection.execute("UPDATE directus_settings SET value = '7' WHERE id = 9")
        await log_change(connection, "settings", "directus_settings")
    second = await refresh(store, first)
    assert (second.version, second.setting("default_limit"), first.setting("default_limit")) == (2, "7", "200")
    assert second.collections is first.collections

    async with store.write() as connection:
        await connection.execute(
            "INSERT INTO directus_permissions (collection, role, read_field_blacklist)"
            " VALUES ('directus_users', 3, 'email')"
        )
        await log_change(connection, "policy", "directus_permissions")
    third = await refresh(store, second)
    assert (third.version, third.blacklisted, second.blacklisted) == (3, {("directus_users", "email")}, frozenset())
    assert third.collections is first.collections

    async with store.write() as connection:
        await connection.execute("CREATE TABLE things (id INTEGER PRIMARY KEY)")
        await log_change(connection, "schema", "things")
    fourth = await refresh(store, third)
    assert (fourth.version, set(fourth.collections) - set(third.collections)) == (4, {"things"})
    assert fourth.blacklisted == third.blacklisted

    async with store.write() as connection:
        key = quote("key", store.dialect)
        await connection.execute(f"UPDATE directus_settings SET {key} = 'status_mapping' WHERE id = 9")
        await log_change(connection, "settings", "directus_settings")
    fifth = await refresh(store, fourth)
    assert fifth.setting("status_mapping") == "7"
    assert fifth.collections is not fourth.collections


async def test_older_metadata_tables_are_read_as_they_are(store: Store) -> None:
    await run(
        store,
        "CREATE TABLE directus_collections (collection VARCHAR(64) PRIMARY KEY, managed SMALLINT)",
        f"CREATE TABLE directus_fields (collection VARCHAR(64), field VARCHAR(64), type VARCHAR(64), "
        f"{quote('options', store.dialect)} VARCHAR(255))",
        "CREATE TABLE things (id INTEGER PRIMARY KEY, at VARCHAR(9))",
        "INSERT INTO directus_collections VALUES ('things', 1)",
        "INSERT INTO directus_fields VALUES"
        " ('things', 'at', 'status', '{\"status_mapping\":{\"a\":{\"soft_delete\":true}}}')",
    )
    found = (await load_snapshot(store, blacklist=frozenset({"directus_fields"}))).collections
    assert set(found) == {"directus_collections", "directus_fields", "things"}
    assert (found["things"].managed, found["things"].status_field) == (True, "at")
    assert found["things"].statuses is not None
    assert found["things"].statuses.soft_deleted == {"a"}
    hidden = (await load_snapshot(store, blacklist=frozenset({"things"}))).collections
    assert set(hidden) == {"directus_collections", "directus_fields"}
