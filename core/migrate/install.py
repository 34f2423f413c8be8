"""In charge of the system tables of a project: making them with their first rows, adding our own, dropping them.

User tables are never touched. On SQLite and PostgreSQL all of it is one transaction; MySQL commits every DDL statement,
so there a failure is followed by dropping what was made.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from core.catalog.changes import LOCK
from core.catalog.model import SYSTEM_COLLECTIONS, SYSTEM_PREFIX
from core.catalog.system import (
    ADMINISTRATION_TABLES,
    SystemColumn,
    SystemTable,
    new_role_permissions,
    seed_rows,
    system_tables,
)
from core.db.gateway import Connection, Store
from core.db.reflect import table_names
from core.errors import ProjectExists
from core.migrate import own
from core.sql.ddl import ColumnSpec, UniqueKey, create_table, drop_table, quote, restart_key
from core.sql.transfer import index

__all__ = ["drop_system_tables", "ensure", "install", "is_installed", "new_role_permissions"]

INDEXED: Mapping[str, tuple[tuple[str, ...], ...]] = {
    "directus_activity": (("collection", "item"),),
    "directus_files": (("private_hash",), ("filename_download",)),
    "directus_revisions": (("collection", "item"),),
}
"""What the history of an item and assets are looked up by, as plain indexes (spec 04 §3.1). Databases of Directus 8
have none of them: they get them from the doctor, at a time that suits, since large tables take a while."""


async def is_installed(store: Store) -> bool:
    """Whether the database holds a project: the tables that no request can do without."""
    async with store.read() as connection:
        return await table_names(connection) >= set(ADMINISTRATION_TABLES)


async def install(
    store: Store,
    *,
    admin_email: str | None = None,
    admin_password_hash: str | None = None,
    admin_token: str | None = None,
    project_name: str = "Directus",
    app_url: str = "",
    timezone: str = "UTC",
    locale: str = "en-US",
) -> None:
    """Make the system tables with their first rows and the first administrator (spec 01 §2, §11.3 step 6).

    Without `admin_email` there are neither a user nor the project's name and address (`install:database`, §14).
    Raises ProjectExists when one of the tables is there already (nothing is changed then), DatabaseError.
    """
    values = {"project_name": project_name, "app_url": app_url}
    settings = [{**row, "value": values.get(row["key"], row["value"])} for row in seed_rows("directus_settings")]
    administrator = {
        "id": 1, "status": "active", "role": 1, "first_name": "Admin", "last_name": "User", "email": admin_email,
        "password": admin_password_hash, "token": admin_token, "timezone": timezone, "locale": locale,
    }  # fmt: skip
    applied = datetime.now(UTC).replace(tzinfo=None, microsecond=0)
    migrations = [{**row, "start_time": applied, "end_time": applied} for row in seed_rows("directus_migrations")]
    if admin_email is None:
        settings = [row for row in settings if row["key"] not in values]
    users = [administrator] if admin_email is not None else []
    given = {"directus_settings": settings, "directus_users": users, "directus_migrations": migrations}
    made: list[str] = []
    try:
        async with store.write() as connection:
            await _alone(connection)
            if await table_names(connection) & {*SYSTEM_COLLECTIONS, *own.OWN}:
                raise ProjectExists("The database already contains system tables.")
            for table in system_tables():
                made.append(table.name)
                rows = given.get(table.name, seed_rows(table.name))
                # Where a row of an installation is left out, its id is for the one that comes later.
                highest = max((row["id"] for row in rows if "id" in row), default=0)
                await make_table(connection, replace(table, next_id=table.next_id and highest + 1), rows)
            made += own.OWN
            await own.add(connection)
    except ProjectExists:
        raise
    except BaseException:
        if store.dialect == "mysql":
            await asyncio.shield(_drop(store, made))
        raise


async def ensure(store: Store) -> bool:
    """Add what this server needs beside the tables of Directus 8; whether anything had to be added. Repeatable."""
    async with store.read() as connection:
        if not await own.missing(connection):
            return False
    async with store.write() as connection:
        await _alone(connection)
        return bool(await own.add(connection))


async def drop_system_tables(store: Store) -> None:
    """Drop every table named directus_…, whoever made it; user tables stay (spec 01 §11.3)."""
    await _drop(store, None)


async def _drop(store: Store, names: Sequence[str] | None) -> None:
    """`names`: None for all of them; what is not there is passed over."""
    async with store.write() as connection:
        present = {name for name in await table_names(connection) if name.startswith(SYSTEM_PREFIX)}
        # A user table may refer to one of them.
        if store.dialect == "sqlite":
            await connection.execute("PRAGMA defer_foreign_keys = ON")
        if store.dialect == "mysql":
            await connection.execute("SET SESSION foreign_key_checks = 0")
        try:
            for name in sorted(present if names is None else present.intersection(names)):
                await connection.execute(drop_table(name, store.dialect))
        finally:
            if store.dialect == "mysql":
                await connection.execute("SET SESSION foreign_key_checks = 1")


async def _alone(connection: Connection) -> None:
    """Let one process at a time make tables. SQLite's writer is alone anyway; MySQL takes no lock over DDL."""
    if connection.dialect == "postgres":
        await connection.rows(f"SELECT pg_advisory_xact_lock({LOCK + 1})")


async def make_table(connection: Connection, table: SystemTable, rows: Iterable[Mapping[str, Any]]) -> None:
    """Make a system table with its first rows."""
    dialect = connection.dialect
    columns = [column_spec(column) for column in table.columns]
    uniques = [UniqueKey(name, names) for name, names in table.uniques.items()]
    for statement in create_table(table.name, columns, dialect, uniques=uniques, next_id=table.next_id):
        await connection.execute(statement)
    for names in INDEXED.get(table.name, ()):
        await connection.execute(index(table.name, names, dialect))
    types = {column.name: column for column in table.columns}
    found = list(rows)
    if found:
        names = tuple(found[0])
        await connection.execute_many(
            insert_into(table.name, names, dialect),
            [[stored(row[name], types[name], dialect) for name in names] for row in found],
        )
    if table.next_id and (restart := restart_key(table.name, "id", table.next_id, dialect)):
        await connection.execute(restart)


def column_spec(column: SystemColumn) -> ColumnSpec:
    """A column of a system table as DDL takes it."""
    return ColumnSpec(
        name=column.name,
        datatype=column.datatype,
        length=column.length,
        type="boolean" if column.is_flag else None,
        signed=column.signed,
        nullable=column.nullable,
        default=column.default,
        primary_key=column.primary_key,
        auto_increment=column.auto_increment,
    )


def insert_into(table: str, columns: Sequence[str], dialect: str) -> str:
    """An INSERT of one row, with the dialect's placeholders."""
    names = ", ".join(quote(column, dialect) for column in columns)
    marks = {
        "sqlite": ["?"] * len(columns),
        "postgres": [f"${number}" for number in range(1, len(columns) + 1)],
        "mysql": ["%s"] * len(columns),
    }[dialect]
    return f"INSERT INTO {quote(table, dialect)} ({names}) VALUES ({', '.join(marks)})"  # noqa: S608


def stored(value: Any, column: SystemColumn, dialect: str) -> Any:
    """A seeded value as the driver takes it."""
    if value is None:
        return None
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    if isinstance(value, bool):
        return value if dialect == "postgres" else int(value)
    if isinstance(value, datetime) and dialect != "postgres":
        return value.isoformat(" ")
    return value
