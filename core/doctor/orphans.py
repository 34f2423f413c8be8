"""In charge of looking for rows of metadata that belong to nothing any more: collection, column or role is gone."""

from __future__ import annotations

from collections.abc import Sequence

from core.catalog.model import ALIAS_TYPES, SYSTEM_PREFIX
from core.catalog.system import seed_rows, system_tables
from core.db.gateway import Connection
from core.doctor.finding import SAMPLES, Check, Finding, Look, marks, rows_where, updating
from core.sql.ddl import quote

BATCH = 500
# A slip of Directus 8: a row that no column belongs to, in every database of it (spec 01 §2.16).
SLIPS = frozenset({("directus_fields", "auth_token_ttl")})
OURS = frozenset((table.name, column.name) for table in system_tables() for column in table.columns)
"""Where one of these columns is gone it is the column that has to come back."""
SEEDED = frozenset(
    (row["collection_many"], row["field_many"], row["collection_one"]) for row in seed_rows("directus_relations")
)
"""Rows that every installation has, the stale ones among them: clients know their ids."""


def _of_gone_collections(name: str, table: str, key: str, told: str) -> Check:
    async def check(look: Look) -> Finding | None:
        if not look.has(table, key, "collection"):
            return None
        column = look.q("collection")
        rows = await look.connection.rows(f"SELECT {look.q(key)}, {column} FROM {table} ORDER BY {look.q(key)}")  # noqa: S608
        return _rows(name, told, table, key, [row[0] for row in rows if row[1] not in look.tables])

    return check


def _rows(name: str, told: str, table: str, key: str, keys: Sequence[object]) -> Finding | None:
    """A finding about rows that are to be deleted."""
    if not keys:
        return None

    async def delete(connection: Connection) -> int:
        column = quote(key, connection.dialect)
        for start in range(0, len(keys), BATCH):
            batch = keys[start : start + BATCH]
            listed = ", ".join(marks(connection.dialect, len(batch)))
            await connection.execute(f"DELETE FROM {table} WHERE {column} IN ({listed})", batch)  # noqa: S608
        return len(keys)

    return Finding(name, told, len(keys), tuple(str(one) for one in keys[:SAMPLES]), "deletes them", delete)


async def relations(look: Look) -> Finding | None:
    if not look.has("directus_relations", "id", "collection_many", "field_many", "collection_one"):
        return None
    rows = await look.connection.rows(
        "SELECT id, collection_many, field_many, collection_one FROM directus_relations ORDER BY id"
    )
    gone = [
        row[0]
        for row in rows
        if (row[1] not in look.tables or (row[3] and row[3] not in look.tables)) and tuple(row[1:]) not in SEEDED
    ]
    told = "relations whose collections are gone"
    return _rows("orphans.relations", told, "directus_relations", "id", gone)


async def columns(look: Look) -> Finding | None:
    if not look.has("directus_fields", "id", "collection", "field", "type"):
        return None
    rows = await look.connection.rows(
        f"SELECT id, collection, field, {look.q('type')} FROM directus_fields ORDER BY id"  # noqa: S608
    )
    gone = [
        row[0]
        for row in rows
        if row[1] in look.tables
        and row[1] != "directus_settings"
        and str(row[3]).lower() not in ALIAS_TYPES
        and (row[1], row[2]) not in SLIPS
        and (row[1], row[2]) not in OURS
        and look.tables[row[1]].column(row[2]) is None
    ]
    return _rows("orphans.columns", "rows of fields whose column is gone", "directus_fields", "id", gone)


async def unknown_columns(look: Look) -> Finding | None:
    """What a change leaves that was broken off before it wrote its rows, where the database ends no DDL with them."""
    if not look.has("directus_fields", "collection", "field") or not look.has("directus_collections", "managed"):
        return None
    managed = await look.connection.rows("SELECT collection, managed FROM directus_collections ORDER BY collection")
    known = {tuple(row) for row in await look.connection.rows("SELECT collection, field FROM directus_fields")}
    found = [
        f"{name}.{column.name}"
        for name, flag in managed
        if flag and name in look.tables and not look.tables[name].is_view and not name.startswith(SYSTEM_PREFIX)
        for column in look.tables[name].columns
        if (name, column.name) not in known
    ]
    if not found:
        return None
    told = "columns of managed collections that no field describes: made by hand, or by a change that was broken off"
    remedy = "nothing: do the change again, or describe the column by PATCH /fields"
    return Finding("schema.unknown_columns", told, len(found), tuple(found[:SAMPLES]), remedy)


async def permission_roles(look: Look) -> Finding | None:
    if not look.has("directus_permissions", "role") or not look.has("directus_roles", "id"):
        return None
    condition = f"{look.q('role')} NOT IN (SELECT id FROM directus_roles)"  # noqa: S608
    count, samples = await rows_where(look, "directus_permissions", ["id"], condition)
    if not count:
        return None
    return Finding(
        "orphans.permission_roles",
        "permissions of roles that are gone",
        count,
        samples,
        "deletes them",
        updating(f"DELETE FROM directus_permissions WHERE {condition}"),  # noqa: S608
    )


CHECKS: tuple[Check, ...] = (
    _of_gone_collections(
        "orphans.collections", "directus_collections", "collection", "rows of collections whose table is gone"
    ),
    _of_gone_collections("orphans.fields", "directus_fields", "id", "rows of fields whose collection is gone"),
    columns,
    unknown_columns,
    relations,
    _of_gone_collections(
        "orphans.permissions", "directus_permissions", "id", "permissions on collections that are gone"
    ),
    permission_roles,
    _of_gone_collections(
        "orphans.presets", "directus_collection_presets", "id", "presets of collections that are gone"
    ),
)
