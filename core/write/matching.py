"""In charge of upserts that are matched by another field than the key: which rows are meant (operations of GraphQL)."""

from __future__ import annotations

from dataclasses import replace

from core.db.gateway import Connection
from core.errors import InvalidField, Unprocessable
from core.query.change import WriteRequest
from core.types.cast import Uncastable, cast
from core.write.change import Node
from core.write.load import chunks
from core.write.run import plain_key
from core.write.statements import Statements


async def match(
    connection: Connection, statements: Statements, request: WriteRequest, nodes: tuple[Node, ...]
) -> tuple[Node, ...]:
    """The roots of an upsert with the key of the row whose `match` field has their value; others as they are.

    Raises InvalidField, Unprocessable when a value names several rows or none was sent.
    """
    collection = statements.snapshot.collections[request.collection]
    if request.action != "upsert" or request.match in (None, collection.primary_key):
        return nodes
    field = collection.fields.get(request.match or "")
    if field is None or field.column is None:
        raise InvalidField(request.match or "", collection.name)
    wanted: dict[int, object] = {}
    for node in nodes:
        if node.root:
            try:
                wanted[node.index] = cast(field, node.payload[field.name], system=collection.is_system)
            except (KeyError, Uncastable, TypeError):
                raise Unprocessable(f'Payload must include a value of "{field.name}".') from None
    key = collection.primary_key or ""
    statement = statements.select_where(collection, (key, field.name), field.name)
    found: dict[object, list[object]] = {}
    for chunk in chunks(list(wanted.values()), statements.dialect):
        text, arguments = statement.bind([chunk], {})
        for row in await connection.rows(text, arguments):
            found.setdefault(_text(row[1]), []).append(plain_key(row[0]))
    matched: list[Node] = []
    for node in nodes:
        keys = found.get(_text(wanted[node.index]), []) if node.index in wanted else []
        if len(keys) > 1:
            raise Unprocessable(f'Several items have this value of "{field.name}".')
        matched.append(replace(node, verb="save", key=keys[0], sent_key=keys[0]) if keys else node)
    return tuple(matched)


def _text(value: object) -> str:
    return str(value).casefold() if isinstance(value, str) else str(value)
