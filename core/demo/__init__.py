"""In charge of putting the demo, a small magazine, into a fresh project. What it consists of stands in its modules."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from core.catalog.changes import log_change
from core.db.gateway import Connection, Store
from core.demo import rows as content
from core.demo.structure import COLLECTIONS, EDITORS, PERMISSIONS, RELATIONS, DemoCollection
from core.migrate.install import insert_into, new_role_permissions
from core.sql.ddl import create_table, restart_key

Report = Callable[[str, int, int], None]
"""Told what was just done, how many steps are done, and of how many."""

USERS = (("Ada", "Brandt"), ("Ben", "Okoro"))


async def load(store: Store, report: Report | None = None) -> None:
    """Make the demo's tables, metadata, permissions and rows in one transaction; the project must be fresh.

    MySQL commits each table as it is made, so there a failure leaves tables behind. Raises DatabaseError.
    """
    found = content.rows()
    steps = len(COLLECTIONS) + 1
    async with store.write() as connection:
        await _people(connection)
        await _metadata(connection)
        _tell(report, "metadata", 1, steps)
        for number, collection in enumerate(COLLECTIONS, 2):
            await _collection(connection, collection, found[collection.name])
            _tell(report, collection.name, number, steps)
        await log_change(connection, "policy")
        await log_change(connection, "schema")


def _tell(report: Report | None, name: str, done: int, steps: int) -> None:
    if report is not None:
        report(name, done, steps)


async def _people(connection: Connection) -> None:
    """The role of editors with what every new role may do, and two users who have no password yet."""
    await _insert(
        connection,
        "directus_roles",
        [
            {
                "id": EDITORS,
                "name": "Editors",
                "description": "Write drafts.",
                "external_id": str(uuid5(NAMESPACE_URL, "Editors")),
            }
        ],
    )
    people = [
        {
            "id": number,
            "status": "active",
            "role": EDITORS,
            "first_name": first,
            "last_name": last,
            "email": f"{first.lower()}.{last.lower()}@example.org",
            "timezone": "UTC",
            "external_id": str(uuid5(NAMESPACE_URL, f"{first}.{last}")),
        }
        for number, (first, last) in zip(content.EDITORS, USERS, strict=True)
    ]
    await _insert(connection, "directus_users", people)
    await _insert(connection, "directus_permissions", [*new_role_permissions(EDITORS), *PERMISSIONS])
    for table, last in (("directus_roles", EDITORS), ("directus_users", content.EDITORS[-1])):
        await _restart(connection, table, last)


async def _metadata(connection: Connection) -> None:
    collections = [
        {"collection": one.name, "managed": True, "hidden": one.hidden, "icon": one.icon, "note": one.note}
        for one in COLLECTIONS
    ]
    fields = [
        {
            "collection": one.name,
            "field": field.name,
            "type": field.type,
            "interface": field.interface,
            "options": field.options,
            "required": field.required,
            "readonly": field.readonly,
            "hidden_detail": field.interface == "primary-key",
            "sort": position,
            "width": field.width,
            "note": field.note,
        }
        for one in COLLECTIONS
        for position, field in enumerate(one.fields, 1)
    ]
    relations = [
        {
            "collection_many": one.many,
            "field_many": one.field,
            "collection_one": one.one,
            "field_one": one.alias,
            "junction_field": one.junction,
        }
        for one in RELATIONS
    ]
    await _insert(connection, "directus_collections", collections)
    await _insert(connection, "directus_fields", fields)
    await _insert(connection, "directus_relations", relations)


async def _collection(connection: Connection, collection: DemoCollection, rows: Sequence[dict[str, Any]]) -> None:
    columns = [field.column for field in collection.fields if field.column is not None]
    for statement in create_table(collection.name, columns, connection.dialect):
        await connection.execute(statement)
    await _insert(connection, collection.name, rows)
    if any(column.auto_increment for column in columns):
        await _restart(connection, collection.name, len(rows))


async def _insert(connection: Connection, table: str, rows: Sequence[dict[str, Any]]) -> None:
    names = list(rows[0])
    statement = insert_into(table, names, connection.dialect)
    await connection.execute_many(
        statement, [[_stored(row[name], connection.dialect) for name in names] for row in rows]
    )


async def _restart(connection: Connection, table: str, last: int) -> None:
    """The keys that follow ours, where the database does not see them itself."""
    statement = restart_key(table, "id", last + 1, connection.dialect)
    if statement is not None:
        await connection.execute(statement)


def _stored(value: Any, dialect: str) -> Any:
    if isinstance(value, dict):
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    if dialect == "postgres":
        return value
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, datetime):
        return value.isoformat(" ")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return float(value) if dialect == "sqlite" else value
    return value
