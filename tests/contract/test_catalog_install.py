"""In charge of showing that an installation makes, on each database, exactly the tables and rows that it should."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from core.catalog import changes
from core.catalog.load import head, load_snapshot
from core.catalog.model import SYSTEM_COLLECTIONS
from core.catalog.system import SystemColumn, system_tables
from core.db.errors import UniqueViolation
from core.db.gateway import Connection, Store
from core.db.reflect import reflect, table_names
from core.errors import ProjectExists
from core.migrate import install as installing
from core.migrate.install import drop_system_tables, ensure, install, is_installed, new_role_permissions
from core.sql.ddl import quote

# Read by itself: the tests must not take the product's word for what the file says.
SCHEMA = json.loads((Path(installing.__file__).parents[1] / "catalog" / "system_schema.json").read_text("utf-8"))

INTEGERS = {"INT": "10", "TINYINT": "3", "BIGINT": "19"}


@asynccontextmanager
async def opened(url: str) -> AsyncIterator[Store]:
    store = await Store.open(url)
    try:
        yield store
    finally:
        await store.close()


@pytest.fixture
async def store(database_url: str) -> AsyncIterator[Store]:
    async with opened(database_url) as found:
        yield found


@pytest.fixture
async def installed(store: Store) -> Store:
    await install(
        store,
        admin_email="ann@example.com",
        admin_password_hash="a-hash",
        admin_token="a-token",
        project_name="Films",
        app_url="https://example.com/admin",
        timezone="Europe/Berlin",
        locale="de-DE",
    )
    return store


async def rows(connection: Connection, table: str, columns: list[str]) -> list[dict[str, Any]]:
    names = ", ".join(quote(column, connection.dialect) for column in columns)
    key = quote("version" if table == "directus_migrations" else "id", connection.dialect)
    found = await connection.rows(f"SELECT {names} FROM {table} ORDER BY {key}")
    return [dict(zip(columns, row, strict=True)) for row in found]


def test_there_are_15_tables_in_the_model_and_in_the_file() -> None:
    assert tuple(SCHEMA["tables"]) == SYSTEM_COLLECTIONS
    assert tuple(table.name for table in system_tables()) == SYSTEM_COLLECTIONS


def expected(column: dict[str, Any], dialect: str) -> dict[str, Any]:
    """What the file says of a column, in the words that the API has for it on a database (spec 01 §2, §4.3)."""
    datatype, flag = column["sql_type"], column["sql_type"] == "TINYINT" and column["length"] == 1
    automatic = column["auto_increment"]
    found = {
        "name": column["name"],
        "datatype": datatype,
        "nullable": column["nullable"],
        "primary_key": column["key"] == "PRI",
        "unique": column["key"] == "UNI",
        "auto_increment": automatic,
        "default": None if column["default"] is None else str(column["default"]),
        "signed": not column["unsigned"],
    }
    length = None if column["length"] is None else str(column["length"])
    if datatype in INTEGERS:
        length = INTEGERS[datatype]
    if dialect == "postgres":
        found["signed"] = True
        found["datatype"] = {"LONGTEXT": "TEXT", "TIMESTAMP": "DATETIME"}.get(datatype, datatype)
        length = "20" if datatype == "BIGINT" else length
    if dialect == "sqlite" and automatic:
        found["signed"] = True
    family = {
        "INT": "integer", "TINYINT": "integer", "BIGINT": "bigint", "VARCHAR": "text", "TEXT": "text",
        "LONGTEXT": "text", "DATETIME": "datetime", "TIMESTAMP": "datetime",
    }[datatype]  # fmt: skip
    if flag and dialect == "postgres":
        family = "boolean"
    if datatype == "TIMESTAMP" and dialect == "mysql":
        family = "datetimetz"
    return {**found, "length": length if family != "datetime" else None, "family": family}


async def test_tables_and_columns_are_exactly_those_of_the_file(installed: Store) -> None:
    async with installed.read() as connection:
        tables = await reflect(connection)
    assert set(tables) == {*SYSTEM_COLLECTIONS, "directus_changes", "directus_deliveries", "directus_freshness"}
    for name, table in SCHEMA["tables"].items():
        wanted = [expected(column, installed.dialect) for column in table["columns"]]
        if len(table["primary_key"]) == 1:
            for column in wanted:
                column["unique"] = column["unique"] and not column["primary_key"]
        found = [{key: getattr(column, key) for key in wanted[0]} for column in tables[name].columns]
        assert found == wanted, name
        assert list(tables[name].primary_key) == table["primary_key"]
        assert sorted(tables[name].uniques) == sorted(tuple(key["columns"]) for key in table["unique_keys"])
        assert tables[name].foreign_keys == ()


@pytest.mark.parametrize("table", SYSTEM_COLLECTIONS)
async def test_sqlite_keeps_the_type_text(tmp_path: Path, table: str) -> None:
    async with opened(f"sqlite:///{tmp_path}/types.db") as store:
        await install(store, admin_email="a@b.c", admin_password_hash="x")
        async with store.read() as connection:
            found = await connection.rows(f"SELECT name, type FROM pragma_table_info('{table}')")
            ddl = await connection.value("SELECT sql FROM sqlite_master WHERE name = ?", (table,))
    for column, (name, declared) in zip(SCHEMA["tables"][table]["columns"], found, strict=True):
        length = f"({column['length']})" if column["length"] else ""
        text = f"{column['sql_type']}{length}{' UNSIGNED' if column['unsigned'] else ''}"
        assert (name, declared) == (column["name"], "INTEGER" if column["auto_increment"] else text)
    texts = [c for c in SCHEMA["tables"][table]["columns"] if c["sql_type"] in ("VARCHAR", "TEXT", "LONGTEXT")]
    assert ddl.count("COLLATE NOCASE") == len(texts)


def stored(value: Any) -> Any:
    """A seeded value as the database holds it, booleans as numbers, structures as text."""
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return int(value) if isinstance(value, bool) else value


async def test_rows_are_exactly_those_of_the_file(installed: Store) -> None:
    seed = dict(SCHEMA["seed"])
    seed["directus_settings"] = [
        {
            **row,
            "value": {"project_name": "Films", "app_url": "https://example.com/admin"}.get(row["key"], row["value"]),
        }
        for row in seed["directus_settings"]
    ]
    seed["directus_migrations"] = [
        {"version": row["version"], "migration_name": row["name"], "breakpoint": 0}
        for row in seed["directus_migrations"]
    ]
    counts = {}
    async with installed.read() as connection:
        for table, wanted in seed.items():
            found = await rows(connection, table, list(wanted[0])) if wanted else []
            assert [{key: stored(value) for key, value in row.items()} for row in found] == [
                {key: stored(value) for key, value in row.items()} for row in wanted
            ], table
        for table in SYSTEM_COLLECTIONS:
            counts[table] = await connection.value(f"SELECT COUNT(*) FROM {table}")
    assert {table: count for table, count in counts.items() if count} == {
        "directus_collection_presets": 4,
        "directus_fields": 169,
        "directus_migrations": 79,
        "directus_relations": 11,
        "directus_roles": 2,
        "directus_settings": 23,
        "directus_users": 1,
    }


async def test_the_first_administrator(installed: Store) -> None:
    columns = [column["name"] for column in SCHEMA["tables"]["directus_users"]["columns"]]
    async with installed.read() as connection:
        (found,) = await rows(connection, "directus_users", columns)
    assert found == {
        **dict.fromkeys(columns),
        "id": 1, "status": "active", "role": 1, "first_name": "Admin", "last_name": "User",
        "email": "ann@example.com", "password": "a-hash", "token": "a-token", "timezone": "Europe/Berlin",
        "locale": "de-DE", "email_notifications": 1, "theme": "auto",
    }  # fmt: skip


async def test_steps_are_marked_as_applied_now(installed: Store) -> None:
    async with installed.read() as connection:
        found = await connection.rows("SELECT DISTINCT start_time, end_time FROM directus_migrations")
    ((start, end),) = found
    assert start == end
    when = start if isinstance(start, datetime) else datetime.fromisoformat(start)
    assert when.tzinfo is None
    assert abs((when.replace(tzinfo=UTC) - datetime.now(UTC)).total_seconds()) < 60


NEW_ROWS: dict[str, dict[str, Any]] = {
    "directus_activity": {"action": "x", "ip": "", "user_agent": "", "collection": "c", "item": "1"},
    "directus_collection_presets": {"collection": "c"},
    "directus_fields": {"collection": "c", "field": "f", "type": "string"},
    "directus_folders": {"name": "n"},
    "directus_permissions": {"collection": "c", "role": 3},
    "directus_relations": {"collection_many": "c", "field_many": "f"},
    "directus_revisions": {"activity": 1, "collection": "c", "item": "1", "data": "{}"},
    "directus_roles": {"name": "n"},
    "directus_settings": {"key": "k"},
    "directus_user_sessions": {"user": 1},
    "directus_users": {"email": "new@example.com"},
    "directus_webhooks": {"url": "u"},
}


async def test_the_next_ids_are_those_that_clients_expect(installed: Store) -> None:
    found = {}
    async with installed.write() as connection:
        for table, values in NEW_ROWS.items():
            if table == "directus_activity":
                moment = datetime.fromisoformat("2026-01-01")
                values = {**values, "action_on": moment if installed.dialect == "postgres" else str(moment)}
            sql = installing.insert_into(table, list(values), installed.dialect)
            await connection.execute(sql, list(values.values()))
            found[table] = await connection.value(f"SELECT MAX(id) FROM {table}")
    wanted = {**SCHEMA["next_ids"]}
    del wanted["directus_files"]
    assert found == wanted


async def insert(store: Store, table: str, values: dict[str, Any]) -> None:
    async with store.write() as connection:
        sql = installing.insert_into(table, list(values), store.dialect)
        await connection.execute(sql, list(values.values()))


TAKEN: list[tuple[str, dict[str, Any]]] = [
    ("directus_settings", {"key": "project_name"}),
    ("directus_roles", {"name": "Public"}),
    ("directus_users", {"email": "ann@example.com"}),
    ("directus_users", {"email": "b@example.com", "token": "a-token"}),
    ("directus_fields", {"collection": "directus_fields", "field": "id", "type": "integer"}),
]


async def test_unique_keys_hold(installed: Store) -> None:
    for table, values in TAKEN:
        with pytest.raises(UniqueViolation):
            await insert(installed, table, values)


async def test_the_snapshot_of_a_new_project(installed: Store) -> None:
    found = await load_snapshot(installed)
    assert tuple(found.collections) == SYSTEM_COLLECTIONS
    assert (found.version, found.setting("project_name"), len(found.settings)) == (1, "Films", 23)
    users = found.collections["directus_users"]
    assert (users.is_system, users.managed, users.has_row, users.status_field) == (True, False, False, "status")
    assert users.statuses is not None
    assert users.statuses.soft_deleted == {"deleted"}
    assert {name: relation.target for name, relation in users.relations.items()} == {
        "role": "directus_roles",
        "avatar": "directus_files",
    }
    assert set(found.collections["directus_roles"].relations) == {"users"}
    assert found.collections["directus_files"].owner_field == "uploaded_by"
    flags = found.collections["directus_fields"].fields
    assert {name for name, field in flags.items() if field.column and field.column.family == "boolean"} == {
        "locked", "required", "readonly", "hidden_detail", "hidden_browse",
    }  # fmt: skip
    assert all(type(name) is str for name in (*found.collections, *users.fields))


async def test_user_tables_are_left_alone(store: Store) -> None:
    async with store.write() as connection:
        await connection.execute("CREATE TABLE mine (id INTEGER PRIMARY KEY, idx_key VARCHAR(9))")
        await connection.execute("CREATE UNIQUE INDEX idx_key ON mine (idx_key)")
        await connection.execute("INSERT INTO mine VALUES (1, 'x')")
    assert not await is_installed(store)
    await install(store, admin_email="a@b.c", admin_password_hash="x")
    assert await is_installed(store)
    await drop_system_tables(store)
    async with store.read() as connection:
        assert await table_names(connection) - {"sqlite_sequence"} == {"mine"}
        assert [tuple(row) for row in await connection.rows("SELECT * FROM mine")] == [(1, "x")]


async def test_a_second_installation_is_refused_and_changes_nothing(installed: Store) -> None:
    with pytest.raises(ProjectExists) as caught:
        await install(installed, admin_email="other@example.com", admin_password_hash="y")
    assert (caught.value.code, "already contains system tables" in caught.value.message) == (18, True)
    async with installed.read() as connection:
        assert await connection.value("SELECT email FROM directus_users") == "ann@example.com"
        assert await head(connection) == 1


async def test_one_foreign_system_table_is_enough_to_refuse(store: Store) -> None:
    async with store.write() as connection:
        await connection.execute("CREATE TABLE directus_webhooks (id INTEGER)")
    with pytest.raises(ProjectExists):
        await install(store, admin_email="a@b.c", admin_password_hash="x")
    async with store.read() as connection:
        assert await table_names(connection) == {"directus_webhooks"}


async def test_a_failure_half_way_leaves_nothing(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    made = installing.make_table

    async def fail(connection: Connection, table: Any, given: Any) -> None:
        await made(connection, table, given)
        if table.name == "directus_settings":
            raise RuntimeError("half way")

    monkeypatch.setattr(installing, "make_table", fail)
    async with store.write() as connection:
        await connection.execute("CREATE TABLE mine (id INTEGER PRIMARY KEY)")
    with pytest.raises(RuntimeError, match="half way"):
        await install(store, admin_email="a@b.c", admin_password_hash="x")
    async with store.read() as connection:
        assert await table_names(connection) - {"sqlite_sequence"} == {"mine"}
    monkeypatch.undo()
    await install(store, admin_email="a@b.c", admin_password_hash="x")
    assert await is_installed(store)


async def test_tables_that_user_tables_refer_to_are_dropped_too(installed: Store) -> None:
    key = "INT UNSIGNED" if installed.dialect == "mysql" else "INTEGER"
    async with installed.write() as connection:
        await connection.execute(
            f"CREATE TABLE posts (id INTEGER PRIMARY KEY, author {key},"
            " FOREIGN KEY (author) REFERENCES directus_users(id))"
        )
        await connection.execute("CREATE TABLE directus_own (id INTEGER PRIMARY KEY)")
        await connection.execute("INSERT INTO posts VALUES (1, NULL)")
    await drop_system_tables(installed)
    async with installed.read() as connection:
        assert await table_names(connection) - {"sqlite_sequence"} == {"posts"}
        assert await connection.value("SELECT COUNT(*) FROM posts") == 1


async def test_ensure_adds_the_change_log_once(installed: Store) -> None:
    assert await ensure(installed) is False
    async with installed.write() as connection:
        await connection.execute("DROP TABLE directus_changes")
    assert (await load_snapshot(installed)).version == 0
    assert await ensure(installed) is True
    assert await ensure(installed) is False
    async with installed.write() as connection:
        assert await head(connection) == 1
        await changes.log_change(connection, "schema", "x")
        assert await head(connection) == 2


def test_rows_of_a_new_role() -> None:
    found = new_role_permissions(7)
    assert [(row["collection"], row["status"]) for row in found] == [
        (row["collection"], row["status"]) for row in SCHEMA["new_role_permissions"]
    ]
    assert len(found) == 16
    assert {row["role"] for row in found} == {7}
    assert found[0] == {
        "collection": "directus_activity", "role": 7, "status": None, "create": "full", "read": "mine",
        "update": "none", "delete": "none", "comment": "update", "explain": "none", "read_field_blacklist": None,
        "write_field_blacklist": None, "status_blacklist": None,
    }  # fmt: skip
    assert [row["status"] for row in found[-5:]] == ["active", "deleted", "draft", "invited", "suspended"]


def test_flags_are_known_by_their_width() -> None:
    flags = {f"{table.name}.{column.name}" for table in system_tables() for column in table.columns if column.is_flag}
    assert len(flags) == 11
    assert "directus_users.email_notifications" not in flags
    assert SystemColumn("x", "TINYINT", "4", True, True, None, False, False).is_flag is False
