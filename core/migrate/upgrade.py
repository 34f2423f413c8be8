"""In charge of bringing the system tables of an older Directus 8 up to 8.8.1 (spec 01 §2.17). Tables of users stay.

`directus_migrations` says which of the numbered steps a database has seen. What the missing ones would have added is
added where it is absent (tables, columns, rows that describe system fields, settings keys), nothing is taken away;
the few that convert values are the functions in STEPS. Every step may run twice: what a crash interrupts, the next
opening ends.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import structlog

from core.catalog.change import AddColumn, AlterColumn, ColumnSpec, TableStep
from core.catalog.changes import TABLE as CHANGES
from core.catalog.changes import log_change
from core.catalog.model import SYSTEM_COLLECTIONS
from core.catalog.settle import spec_of
from core.catalog.system import SystemColumn, SystemTable, seed_rows, system_tables
from core.catalog.tables import Table
from core.db.gateway import Connection, Store
from core.db.reflect import reflect, table_names
from core.ddl.run import run
from core.migrate.install import column_spec, insert_into, make_table, stored
from core.sql.ddl import quote

MIGRATIONS = "directus_migrations"
LEGACY_TARGETS = frozenset({"directus_collections_presets", "directus_groups"})
"""Tables that stale rows of a new installation name; old databases need not be given them."""

# What a column that was missing takes its first values from, where the older one is still there.
FILLED_FROM = {
    ("directus_files", "filename_disk"): "filename",
    ("directus_files", "filename_download"): "filename",
}


async def pending(store: Store) -> tuple[int, ...]:
    """The numbers of the steps that the database has not seen, in order."""
    async with store.read() as connection:
        return await pending_on(connection)


async def upgrade(store: Store) -> tuple[str, ...]:
    """Run the steps that the database has not seen, one process at a time; their names.

    Raises DatabaseError, Locked when another process upgrades for too long.
    """
    if not await pending(store):
        return ()
    async with store.alter() as connection:
        wanted = await pending_on(connection)
        if not wanted:
            return ()
        await complete(connection)
        if CHANGES in await table_names(connection):
            await log_change(connection, "settings")
            await log_change(connection, "schema")
    names = {int(row["version"]): str(row["migration_name"]) for row in seed_rows(MIGRATIONS)}
    structlog.get_logger().info("system tables upgraded", steps=len(wanted), last=names[wanted[-1]])
    return tuple(names[version] for version in wanted)


async def complete(connection: Connection) -> int:
    """Bring the tables to 8.8.1 on a connection of `Store.alter`, whatever steps are noted; how many were not."""
    wanted = await pending_on(connection)
    tables = await reflect(connection)
    await _complete_tables(connection, tables)
    await _complete_rows(connection)
    for version in wanted:
        if version in STEPS:
            await STEPS[version](connection)
    await _note(connection, wanted)
    return len(wanted)


async def pending_on(connection: Connection) -> tuple[int, ...]:
    """The numbers of the steps that the database of a connection has not seen, in order."""
    known = [int(row["version"]) for row in seed_rows(MIGRATIONS)]
    if MIGRATIONS not in await table_names(connection):
        return tuple(known)
    seen = {int(version) for (version,) in await connection.rows(f"SELECT version FROM {MIGRATIONS}")}  # noqa: S608
    return tuple(version for version in known if version not in seen)


async def _note(connection: Connection, versions: Sequence[int]) -> None:
    """Write down that the steps have run."""
    now = datetime.now(UTC).replace(tzinfo=None, microsecond=0)
    types = {column.name: column for table in system_tables() if table.name == MIGRATIONS for column in table.columns}
    names = {int(row["version"]): str(row["migration_name"]) for row in seed_rows(MIGRATIONS)}
    columns = ("version", "migration_name", "start_time", "end_time", "breakpoint")
    rows = [dict(zip(columns, (version, names[version], now, now, False), strict=True)) for version in versions]
    await _insert(connection, MIGRATIONS, columns, types, rows)


# Tables and columns


async def _complete_tables(connection: Connection, tables: Mapping[str, Table]) -> None:
    for table in system_tables():
        found = tables.get(table.name)
        if found is None:
            await make_table(connection, table, () if table.name == MIGRATIONS else seed_rows(table.name))
            continue
        missing = [column for column in table.columns if found.column(column.name) is None]
        await run(connection, [AddColumn(table.name, _addable(column, connection.dialect)) for column in missing])
        await run(connection, _widened(table, found, connection.dialect))
        for column in missing:
            await _fill(connection, table.name, column.name, tables)


def _addable(column: SystemColumn, dialect: str) -> ColumnSpec:
    """The column as it can be added to rows that are there."""
    spec = column_spec(column)
    if spec.nullable or spec.default is not None or dialect == "mysql":
        return spec  # MySQL gives such rows the empty value of the type
    return ColumnSpec(spec.name, spec.datatype, spec.length, spec.type, spec.signed)


def _widened(table: SystemTable, found: Table, dialect: str) -> list[TableStep]:
    """Text columns that were shorter, columns that had to have a value."""
    steps: list[TableStep] = []
    for column in table.columns:
        present = found.column(column.name)
        if present is None or column.datatype != "VARCHAR" or present.datatype != "VARCHAR":
            continue
        old, wanted = spec_of(present, dialect), int(column.length or 0)
        short = present.characters is not None and present.characters < wanted
        if not short and (present.nullable or not column.nullable):
            continue
        new = ColumnSpec(
            old.name,
            "VARCHAR",
            str(max(wanted, present.characters or 0)),
            nullable=old.nullable or column.nullable,
            default=old.default,
            unique=old.unique,
            comment=old.comment,
            expression=old.expression,
        )
        steps.append(AlterColumn(table.name, old, new))
    if table.name == "directus_settings" and (value := found.column("value")) is not None and not value.nullable:
        old = spec_of(value, dialect)
        steps.append(AlterColumn(table.name, old, ColumnSpec(old.name, old.datatype, old.length)))
    return steps


async def _fill(connection: Connection, table: str, column: str, tables: Mapping[str, Table]) -> None:
    """The first values of a column that was added."""
    dialect = connection.dialect
    source = FILLED_FROM.get((table, column))
    if source is not None and tables[table].column(source) is not None:
        names = quote(table, dialect), quote(column, dialect), quote(source, dialect)
        await connection.execute(f"UPDATE {names[0]} SET {names[1]} = {names[2]}")  # noqa: S608
    if (table, column) == ("directus_users", "role") and "directus_user_roles" in tables:
        user, role = quote("user", dialect), quote("role", dialect)
        await connection.execute(
            f"UPDATE directus_users SET {role} = (SELECT MAX(r.{role}) FROM directus_user_roles r"  # noqa: S608
            f" WHERE r.{user} = directus_users.id)"
        )


# Rows


async def _complete_rows(connection: Connection) -> None:
    """Rows that describe system fields and relations, and settings, by what names them; ids are the database's."""
    await add_rows(connection, "directus_fields", ("collection", "field"), seed_rows("directus_fields"))
    relations = [
        row
        for row in seed_rows("directus_relations")
        if not LEGACY_TARGETS & {row["collection_many"], row["collection_one"]}
    ]
    await add_rows(connection, "directus_relations", ("collection_many", "field_many"), relations)
    await add_rows(connection, "directus_settings", ("key",), seed_rows("directus_settings"))


async def add_rows(
    connection: Connection, table: str, naming: tuple[str, ...], rows: Sequence[Mapping[str, Any]]
) -> int:
    """Insert those rows of a system table that are not there by what names them; how many."""
    dialect = connection.dialect
    listed = ", ".join(quote(name, dialect) for name in naming)
    present = {
        tuple(str(part).lower() for part in row)
        for row in await connection.rows(f"SELECT {listed} FROM {table}")  # noqa: S608
    }
    missing = [row for row in rows if tuple(str(row[name]).lower() for name in naming) not in present]
    if missing:
        types = {column.name: column for one in system_tables() if one.name == table for column in one.columns}
        await _insert(connection, table, [name for name in missing[0] if name != "id"], types, missing)
    return len(missing)


async def _insert(
    connection: Connection,
    table: str,
    columns: Sequence[str],
    types: Mapping[str, SystemColumn],
    rows: Sequence[Mapping[str, Any]],
) -> None:
    dialect = connection.dialect
    values = [[stored(row[name], types[name], dialect) for name in columns] for row in rows]
    await connection.execute_many(insert_into(table, columns, dialect), values)


# Steps that convert values


async def _replace(connection: Connection, column: str, old: str, new: str) -> None:
    """Put another word in the place of one in the field rows of user tables."""
    marks = {"sqlite": ("?", "?"), "postgres": ("$1", "$2"), "mysql": ("%s", "%s")}[connection.dialect]
    name = quote(column, connection.dialect)
    statement = f"UPDATE directus_fields SET {name} = {marks[0]} WHERE {name} = {marks[1]}"  # noqa: S608
    await connection.execute(statement, (new, old))


async def _owners(connection: Connection) -> None:
    await _replace(connection, "type", "user_created", "owner")


async def _owner_interfaces(connection: Connection) -> None:
    await _replace(connection, "interface", "user-created", "owner")


async def _switches(connection: Connection) -> None:
    await _replace(connection, "interface", "toggle", "switch")


async def _slugs(connection: Connection) -> None:
    names = ", ".join(f"'{name}'" for name in SYSTEM_COLLECTIONS)
    kind = quote("type", connection.dialect)
    await connection.execute(
        f"UPDATE directus_fields SET {kind} = 'slug' WHERE interface = 'slug' AND {kind} = 'string'"  # noqa: S608
        f" AND collection NOT IN ({names})"
    )


async def _translations(connection: Connection) -> None:
    """`{"en-US": "Title"}` becomes `[{"locale": "en-US", "translation": "Title"}]`."""
    dialect = connection.dialect
    marks = {"sqlite": ("?", "?"), "postgres": ("$1", "$2"), "mysql": ("%s", "%s")}[dialect]
    for table, key in (("directus_fields", "id"), ("directus_collections", "collection")):
        rows = await connection.rows(f"SELECT {key}, translation FROM {table} WHERE translation IS NOT NULL")  # noqa: S608
        changed = [(new, row) for row, text in rows if (new := _as_list(text)) is not None]
        statement = f"UPDATE {table} SET translation = {marks[0]} WHERE {key} = {marks[1]}"  # noqa: S608
        await connection.execute_many(statement, changed)


def _as_list(text: Any) -> str | None:
    """The new form of a translation, None for what is in it already or in none."""
    try:
        value = json.loads(text)
    except (TypeError, ValueError):
        return None
    if not isinstance(value, dict) or not value or not all(isinstance(one, str) for one in value.values()):
        return None
    listed = [{"locale": locale, "translation": one} for locale, one in value.items()]
    return json.dumps(listed, ensure_ascii=False, separators=(",", ":"))


STEPS: Mapping[int, Callable[[Connection], Awaitable[None]]] = {
    20191213160000: _translations,
    20191220102232: _owners,
    20191223121542: _slugs,
    20200121134200: _switches,
    20200121134353: _owner_interfaces,
}
"""By the number of the step in `directus_migrations`. The other steps add, which `upgrade` does for all of them."""
