"""In charge of hooks on items that are written: nodes → payloads → nodes, and the events of what was stored.

What a filter returns is no more trusted than what a client sends: rights are asked again and everything is validated.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from copy import deepcopy
from dataclasses import replace
from typing import Any

from core.catalog.model import ToOne
from core.db.gateway import Connection
from core.errors import Unprocessable
from core.events.collect import Event, SchemaEvent, Told
from core.hooks.live import Happening, LiveHooks
from core.hooks.names import AFTER, BEFORE, FILES, WITHIN, names
from core.hooks.payload import Payload
from core.session import Session
from core.write.autofill import stamped
from core.write.change import Node, Rows

FILE_ROWS = "directus_files"


async def before(session: Session, connection: Connection, nodes: tuple[Node, ...], rows: Rows) -> tuple[Node, ...]:
    """The nodes as filters leave them; the same tuple when none was called.

    In the order of the nodes, for each: on create actions, then filters; on update filters, then actions; on delete
    actions (spec 03 §14). Raises what a hook raises, HookFailed, and Unprocessable for what a filter may not set.
    """
    hooks = session.project.hooks
    if hooks is None:
        return nodes
    found = list(nodes)
    changed = False
    for node in nodes:
        name = node.collection.name
        event = f"item.{node.verb}"
        if node.empty or node.gone or not (hooks.wanted(event, name, BEFORE) or name == FILE_ROWS):
            continue
        kept = await _node(hooks, session, connection, node, event)
        if name == FILE_ROWS:
            await hooks.act(session, _of_file(kept, rows), WITHIN, connection)
        if kept is not node:
            found[node.index], changed = kept, True
    return tuple(found) if changed else nodes


async def _node(hooks: LiveHooks, session: Session, connection: Connection, node: Node, event: str) -> Node:
    name, key = node.collection.name, node.collection.primary_key or ""
    keys = () if node.key is None else (node.key,)

    async def act(shown: Mapping[str, Any]) -> None:
        await hooks.act(session, Happening(event, name, Payload(shown, name), keys), BEFORE, connection)

    if node.verb == "delete":
        await act({key: node.key})
        return node
    shown = _shown(node)
    if node.verb == "create":
        await act(shown)
    returned = await _filtered(hooks, session, connection, event, name, shown, keys)
    if returned is not None:
        node = _with(node, shown, returned)
    if node.verb == "update" and not node.empty:
        await act(_shown(node))
    return node


async def _filtered(
    hooks: LiveHooks,
    session: Session,
    connection: Connection,
    event: str,
    name: str,
    shown: Mapping[str, Any],
    keys: tuple[Any, ...],
) -> Mapping[str, Any] | None:
    """What the filters make of a payload; None when there are none."""
    if not any(one in hooks.registered.filters for one in names(event, name, BEFORE)):
        return None
    given = Payload(deepcopy(dict(shown)), name)
    found: Mapping[str, Any] = await hooks.filter(session, Happening(event, name, given, keys), BEFORE, connection)
    return found


async def row_before(
    session: Session, connection: Connection, verb: str, collection: str, row: Mapping[str, Any], keys: tuple[Any, ...]
) -> Mapping[str, Any]:
    """`before` for a row that is no node: what filters make of it. `verb`: create or update. Raises as `before`."""
    hooks, event = session.project.hooks, f"item.{verb}"
    if hooks is None or not hooks.wanted(event, collection, BEFORE):
        return row

    async def act(shown: Mapping[str, Any]) -> None:
        await hooks.act(session, Happening(event, collection, Payload(shown, collection), keys), BEFORE, connection)

    if verb == "create":
        await act(row)
    returned = await _filtered(hooks, session, connection, event, collection, row, keys)
    found = row if returned is None else returned
    if verb == "update":
        await act(found)
    return found


def _shown(node: Node) -> dict[str, Any]:
    """What hooks see of a node: the row's own fields, the key as well. Related rows have hooks of their own."""
    if node.verb == "create":
        return dict(node.payload)
    return {node.collection.primary_key or "": node.key, **node.payload}


def _with(node: Node, shown: Mapping[str, Any], returned: Mapping[str, Any]) -> Node:
    """The node with another payload. Raises Unprocessable for related rows: those are nodes, or none."""
    collection = node.collection
    own: dict[str, Any] = {}
    unknown = dict.fromkeys(node.unknown)
    for name, value in returned.items():
        field = collection.fields.get(name)
        if field is None:
            unknown[name] = None
        elif name == collection.primary_key and node.verb == "update":
            continue  # the request decides which row it is
        elif name == node.link:
            continue
        elif field.column is None or name in node.refers or _is_object(node, name, value):
            raise Unprocessable(f'A hook cannot set "{name}": related items have hooks of their own.')
        else:
            own[name] = value
    for name in node.removes:
        own[name] = None
    gone = shown.keys() - returned.keys()
    named = [name for name in node.named if name not in gone]
    said = [*own, *unknown]
    kept = {name for name in node.preset if name in own and own[name] == shown[name]}
    said = [name for name in said if name not in kept]
    named += [name for name in said if name not in named and (name not in shown or name in node.payload)]
    found = replace(
        node,
        payload=own,
        named=tuple(named),
        unknown=tuple(unknown),
        fixed=frozenset(own) & stamped(node.verb, collection),
        preset=frozenset(kept),
    )
    says = own or unknown or node.refers or node.to_many or node.malformed or node.link or node.content is not None
    return replace(found, empty=node.verb == "update" and not says and not node.reverts)


def _is_object(node: Node, name: str, value: Any) -> bool:
    return isinstance(value, Mapping) and isinstance(node.collection.relations.get(name), ToOne)


def _of_file(node: Node, rows: Rows) -> Happening:
    """A row of a file that is about to change: its name and size, of a deletion the row."""
    stored = rows.get(node.collection, node.key)
    values = {**(stored.values if stored is not None else {}), **node.payload}
    payload = values if node.verb == "delete" else {"name": values.get("filename_disk"), "size": values.get("filesize")}
    keys = () if node.key is None else (node.key,)
    return Happening(FILES[node.verb], None, Payload(payload, FILE_ROWS), keys, named=FILE_ROWS)


async def stored(session: Session, connection: Connection, told: Sequence[Told]) -> None:
    """Call the actions that run once everything is written and nothing is stored yet. Raises as `before`."""
    hooks = session.project.hooks
    if hooks is None:
        return
    for happening in _happenings(told, files=False):
        await hooks.act(session, happening, WITHIN, connection)


async def publish(session: Session, told: Sequence[Told]) -> None:
    """Queue the actions of what is stored."""
    hooks = session.project.hooks
    if hooks is not None:
        await hooks.tell(session, _happenings(told, files=True), AFTER)


async def publish_schema(session: Session, told: Sequence[Told]) -> None:
    """Queue the actions of a change of the schema, those under the bare name first.

    What they raise undoes nothing: some databases cannot take a change of the schema back.
    """
    hooks = session.project.hooks
    if hooks is not None:
        happenings = _happenings(told, files=True)
        await hooks.tell(session, happenings, WITHIN)
        await hooks.tell(session, happenings, AFTER)


async def schema_before(session: Session, connection: Connection, told: Iterable[SchemaEvent]) -> None:
    """Call the actions that run before a change of the schema. Raises as `before`."""
    hooks = session.project.hooks
    if hooks is None:
        return
    for happening in _happenings(tuple(told), files=False):
        await hooks.act(session, happening, BEFORE, connection)


def _happenings(told: Sequence[Told], *, files: bool) -> list[Happening]:
    """Events as hooks know them. `files`: what is told of files after the commit beside their events as items."""
    found: list[Happening] = []
    for one in told:
        if isinstance(one, SchemaEvent):
            found.append(_of_schema(one))
            continue
        payload = Payload(one.payload, one.collection)
        found.append(Happening(f"item.{one.action}", one.collection, payload, (one.key,)))
        if files and one.collection == FILE_ROWS:
            row = _row_of_file(one)
            found.append(Happening(FILES[one.action], None, Payload(row, FILE_ROWS), (one.key,), named=FILE_ROWS))
    return found


def _of_schema(one: SchemaEvent) -> Happening:
    event = f"{one.subject}.{one.action}"
    data = Payload(one.data, one.collection)
    if one.subject == "field":
        return Happening(event, one.collection, data, field=one.field)
    return Happening(event, None, data, named=one.collection)


def _row_of_file(one: Event) -> Mapping[str, Any]:
    row = one.after or one.before or {}
    if one.action == "delete":
        return one.payload
    return {"name": row.get("filename_disk"), "size": row.get("filesize")}
