"""In charge of the stored rows that a change touches: read and locked, one statement a collection. Judges nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from core.access.authorize import owner_role_counts
from core.access.policy import Policy
from core.access.restrict import owner_column
from core.catalog.model import Collection
from core.db.gateway import Connection
from core.sql.dialect import dialect
from core.sql.write import columns_of
from core.write.change import Node, Rows, Stored, same
from core.write.statements import Statements


async def load(connection: Connection, statements: Statements, policy: Policy, nodes: tuple[Node, ...]) -> Rows:
    """The rows of all keys that nodes name, locked until the transaction ends (SQLite's writer is alone anyway)."""
    wanted: dict[str, tuple[Collection, dict[Any, Any]]] = {}
    for node in nodes:
        if node.key is not None:
            keys = wanted.setdefault(node.collection.name, (node.collection, {}))[1]
            keys[same(node.collection, node.key)] = node.key
    rows = Rows()
    for _, (collection, keys) in sorted(wanted.items()):
        owner = owner_column(collection) if owner_role_counts(policy, collection) else None
        for row in await by_keys(connection, statements, collection, list(keys.values()), lock=True, owner=owner):
            rows.put(collection, row)
    return rows


async def by_keys(
    connection: Connection,
    statements: Statements,
    collection: Collection,
    keys: Sequence[Any],
    *,
    lock: bool = False,
    owner: str | None = None,
) -> list[Stored]:
    """The rows of some keys, in no particular order. The driver's values, whole rows."""
    one = len(keys) == 1
    statement = statements.select(collection, one=one, lock=lock, owner=owner)
    names = [column.name for column in columns_of(collection)]
    found: list[Stored] = []
    for chunk in chunks(keys, statements.dialect):
        text, arguments = statement.bind([chunk[0] if one else chunk], {})
        for row in await connection.rows(text, arguments):
            values = dict(zip(names, row, strict=False))
            found.append(Stored(values, row[len(names)] if owner is not None else None))
    return found


def chunks(keys: Sequence[Any], name: str) -> list[Sequence[Any]]:
    """Keys cut at the limit of parameters, where each is one."""
    limit = dialect(name).max_parameters if dialect(name).arrays == "expand" else len(keys) or 1
    return [keys[start : start + limit] for start in range(0, len(keys), limit)]


async def setting_types(
    connection: Connection, statements: Statements, nodes: tuple[Node, ...], rows: Rows
) -> dict[str, str]:
    """The types of the settings that nodes write, by key; keys without a row in directus_fields are left out."""
    keys: set[str] = set()
    for node in nodes:
        if node.collection.name == "directus_settings" and "value" in node.payload:
            stored = rows.get(node.collection, node.key)
            keys.add(str(node.payload.get("key") or (stored.values["key"] if stored else "")))
    fields = statements.snapshot.collections.get("directus_fields")
    if not keys or fields is None:
        return {}
    text, arguments = statements.select_where(fields, ("collection", "field", "type"), "field").bind([sorted(keys)], {})
    found = await connection.rows(text, arguments)
    return {field: str(kind).lower() for collection, field, kind in found if collection == "directus_settings"}
