"""In charge of going back to a revision (spec 03 §11.3): what it holds becomes the values of an update.

Nothing is validated, and what a revision does not hold, or the caller may not write, stays as it is. The rest of the
way is that of any update.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import orjson

from core.access.policy import Policy
from core.catalog.model import Collection, Field, ToOne
from core.db.gateway import Connection
from core.errors import Problem, RevisionNotFound, RevisionUnusable, TabulariumError
from core.query.change import WriteRequest
from core.query.revisions import REVISIONS
from core.types.structured import json_text
from core.types.write import Refused, accept, same_as_read
from core.write.autofill import stamped, stamps
from core.write.change import Node, Rows, Stored
from core.write.guard import access_row
from core.write.history import ITEM
from core.write.normalize import key_of
from core.write.rules import FILE_CONTENT
from core.write.run import plain_key
from core.write.statements import Statements
from core.write.validate import Finding, failure

# What is not gone back on: secrets and ids of users, what a file is.
KEPT: Mapping[str, frozenset[str]] = {
    "directus_users": frozenset(
        {
            "password", "token", "2fa_secret", "password_reset_token", "external_id", "last_access_on", "last_page",
        }
    ),
    "directus_files": frozenset((*FILE_CONTENT, "private_hash")),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Found:
    """The update that leads back, or why there is none; who may not update is told that first."""

    node: Node
    error: TabulariumError | None = None


async def find(
    connection: Connection, statements: Statements, policy: Policy, request: WriteRequest, node: Node, rows: Rows
) -> Found:
    """The revision that is asked for, as an update of its item. `node`: the update, still without a payload."""
    stored = rows.get(node.collection, node.key)
    if stored is None:
        return Found(node)  # the guard says what this means
    data = await _data(connection, statements, request, node.collection, stored)
    if data is None:
        return Found(node, RevisionNotFound.with_id(request.revision))
    held = _decoded(data)
    if not held:
        return Found(node, RevisionUnusable())
    payload = _payload(policy, node.collection, stored, held)
    return Found(replace(node, payload=payload, named=tuple(payload), reverts=True))


async def _data(
    connection: Connection, statements: Statements, request: WriteRequest, collection: Collection, stored: Stored
) -> Any:
    """What the revision holds, as stored; None when it is not one of this item."""
    revisions = statements.snapshot.collections.get(REVISIONS)
    key = None if revisions is None else key_of(revisions, request.revision)
    if revisions is None or key is None:
        return None
    item = str(plain_key(stored.values[collection.primary_key or ""]))[:ITEM]
    statement = statements.select_where(revisions, ("collection", "item", "data"), revisions.primary_key or "id")
    for name, of, data in await connection.rows(*statement.bind([[key]], {})):
        if (name, of) == (collection.name, item):
            return data if data is not None else ""
    return None


def _decoded(data: Any) -> Mapping[str, Any]:
    try:
        found = orjson.loads(data)
    except (orjson.JSONDecodeError, TypeError):
        return {}
    return found if isinstance(found, dict) else {}


def _payload(policy: Policy, collection: Collection, stored: Stored, held: Mapping[str, Any]) -> dict[str, Any]:
    """Of what the revision holds, what is written: columns that are there, which the caller sets, not the server."""
    row = access_row(collection, stored)
    grant = policy.grant(collection.name, row.status if row else None)
    left = grant.write_blacklist | stamped("update", collection) | KEPT.get(collection.name, frozenset())
    return {
        field.name: held[field.name]
        for field in collection.columns
        if field.name in held and field.name not in left and _writable(field)
    }


def _writable(field: Field) -> bool:
    return field.column is not None and not field.column.primary_key and not field.column.generated


def values(node: Node, stored: Stored | None, *, dialect: str, user: int, now: datetime) -> dict[str, Any]:
    """Column → canonical value to store. Raises the error of all values that a column no longer takes."""
    before = stored.values if stored is not None else {}
    found: dict[str, Any] = {}
    findings = []
    for name, value in {**node.payload, **stamps(node, user, now)}.items():
        field = node.collection.fields[name]
        if before.get(name) is None and value == _shown_null(field, node.collection):
            continue  # it looks like that in a revision as well
        try:
            found[name] = _canonical(node.collection, field, value, dialect)
        except Refused as refused:
            if not same_as_read(field, before.get(name), value, dialect=dialect, system=True):
                findings.append(Finding(refused.reason, Problem((name,), refused.message)))
    error = failure(node.collection, dict.fromkeys(findings))
    if error is not None:
        raise error
    return found


def _shown_null(field: Field, collection: Collection) -> Any:
    """What a revision shows in the place of NULL."""
    if field.type == "boolean" and collection.is_system:
        return False
    return [] if field.type == "array" else None


def _canonical(collection: Collection, field: Field, value: Any, dialect: str) -> Any:
    if value is None:
        return None
    if field.type == "hash" and isinstance(value, str):
        return value  # the hash itself, which is what revisions hold
    if field.type == "json":
        return json_text(value)
    relation = isinstance(collection.relations.get(field.name), ToOne)
    return accept(field, value, dialect=dialect, system=collection.is_system, relation=relation)
