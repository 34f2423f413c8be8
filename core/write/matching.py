"""In charge of upserts that are matched by another field than the key: which rows are meant (operations of GraphQL)."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from core.access.hidden import hidden_somewhere
from core.access.policy import Policy
from core.catalog.model import Collection, Field
from core.db.gateway import Connection
from core.errors import FieldAccessDenied, InvalidField, Problem, Unprocessable
from core.query.change import WriteRequest
from core.types.cast import Uncastable, cast
from core.write.autofill import stamped
from core.write.change import Node
from core.write.load import chunks
from core.write.run import plain_key
from core.write.statements import Statements


async def match(
    connection: Connection, statements: Statements, policy: Policy, request: WriteRequest, nodes: tuple[Node, ...]
) -> tuple[Node, ...]:
    """The roots of an upsert with the key of the row whose `match` field has their value; others are created.

    The rows are locked, so that what is found is still there when it is changed. A key in the payload of a row that is
    found says nothing, as in a path. Raises InvalidField; FieldAccessDenied for a field that the caller does not see
    in every item, which could be guessed otherwise; Unprocessable when a value was not sent, names several rows, or
    is that of several new items.
    """
    collection = statements.snapshot.collections[request.collection]
    if request.action != "upsert" or request.match in (None, collection.primary_key):
        return nodes
    field = collection.fields.get(request.match or "")
    if field is None or field.column is None:
        raise InvalidField(request.match or "", collection.name)
    if field.name in hidden_somewhere(policy, collection):
        raise FieldAccessDenied(field.name)
    wanted = {node.index: _wanted(collection, field, node) for node in nodes if node.root}
    found = await _found(connection, statements, collection, field, list(wanted.values()))
    new: set[object] = set()
    matched: list[Node] = []
    for node in nodes:
        if not node.root:
            matched.append(node)
            continue
        value = _comparable(field, wanted[node.index])
        keys = found.get(value, [])
        if len(keys) > 1:
            raise _refused(node, f'Several items have this value of "{field.name}".')
        if keys:
            sent = node.payload[field.name]  # and never the key of a row that the caller may not see
            payload = {name: one for name, one in node.payload.items() if name != collection.primary_key}
            matched.append(replace(node, verb="save", key=keys[0], sent_key=sent, strict=True, payload=payload))
            continue
        if value in new:
            raise _refused(node, f'Several new items have this value of "{field.name}".')
        new.add(value)
        matched.append(_created(collection, node))
    return tuple(matched)


def _wanted(collection: Collection, field: Field, node: Node) -> Any:
    try:
        sent = node.payload[field.name]
        if sent is None:
            raise Uncastable(field.name)
        return cast(field, sent, system=collection.is_system)
    except (KeyError, Uncastable, TypeError):
        raise _refused(node, f'Payload must include a value of "{field.name}".') from None


async def _found(
    connection: Connection, statements: Statements, collection: Collection, field: Field, values: list[Any]
) -> dict[object, list[Any]]:
    """Value → keys of the rows that have it."""
    statement = statements.select_where(collection, (collection.primary_key or "", field.name), field.name, lock=True)
    found: dict[object, list[Any]] = {}
    for chunk in chunks(values, statements.dialect):
        for key, value in await connection.rows(*statement.bind([chunk], {})):
            keys = found.setdefault(_comparable(field, value), [])
            if (plain := plain_key(key)) not in keys:  # values of two chunks
                keys.append(plain)
    return found


def _created(collection: Collection, node: Node) -> Node:
    """The node as a creation, under the key that it brings."""
    if node.verb == "create":
        return node
    kept = {name: value for name, value in node.payload.items() if name not in stamped("create", collection)}
    payload = {collection.primary_key or "": node.sent_key, **kept}
    return replace(node, verb="create", key=None, payload=payload)


def _comparable(field: Field, value: Any) -> object:
    """A value in the form in which equal ones are equal, whether it was sent or came from the driver."""
    if isinstance(value, str):
        column = field.column
        return value.casefold() if column is not None and (column.nocase or column.family == "uuid") else value
    if isinstance(value, int | float | Decimal):
        return Decimal(str(int(value) if isinstance(value, bool) else value))
    if isinstance(value, datetime) and value.tzinfo is not None:
        return str(value.astimezone(UTC).replace(tzinfo=None))
    return value if isinstance(value, bytes) else str(value)


def _refused(node: Node, message: str) -> Unprocessable:
    return Unprocessable(message, problems=[Problem(node.path, message)] if node.path else ())
