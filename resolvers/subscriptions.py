"""In charge of the root fields of subscriptions: arguments → what is to be told, left in the call. Tells nobody itself.

A subscription's document runs once, when it begins; what is told later is read and rendered by what it leaves here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from core import configuration, engine
from core.errors import FieldAccessDenied, Unprocessable
from core.query.selection import KEY_ONLY, Leaf, ReadRequest, Selection
from core.session import Session
from core.subscriptions import Wish, hides_key
from resolvers import items
from resolvers.binding import Root
from resolvers.context import Call, Info, Spliced
from resolvers.selection import Caller, ItemShape, list_shape, mutated_shape

ITEM_KEY = "\x00key"
"""Response key of an item's own key, which is taken out again."""
EVENTS = frozenset({"create", "update", "delete"})

Arguments = Mapping[str, Any]


def mutated(root: Root, info: Info, arguments: Arguments) -> Spliced:
    """`C_mutated`: each item that is created, updated or deleted. Raises what reading would, FieldAccessDenied."""
    call: Call = info.context
    shape = mutated_shape(info)
    selection = shape.data.selection if shape.data is not None else KEY_ONLY
    request = ReadRequest(
        root.collection,
        Selection((*selection.entries, Leaf(ITEM_KEY, root.key_field or "", "id"))),
        where=tuple(arguments.get("where") or ()),
        filter=arguments.get("filter") or (),
        lang=_csv(arguments),
        limit=-1,
    )
    if hides_key(call.visitor, root.collection):
        raise FieldAccessDenied(root.key_field or "")
    engine.check(call.visitor, request)
    chosen = arguments.get("event")

    async def read(session: Session, keys: Sequence[str]) -> Mapping[str, Any]:
        only = ("cond", root.key_field, "in", tuple(keys))
        wanted = replace(request, filter=("and", (only, request.filter)) if request.filter else only)
        found = (await _door(request)(session, wanted)).items
        keyed = {str(item.pop(ITEM_KEY)): item for item in found}
        _repair(session, list(keyed.values()), shape.data)
        return keyed

    def render(action: str, key: Any, item: Any) -> dict[str, Any]:
        known = {"event": action, "key": key, "data": item}
        return {entry: known[member] if member else value for entry, member, value in shape.entries}

    call.wish = Wish(
        request,
        shape,
        actions=EVENTS if chosen is None else frozenset({chosen}),
        items=read,
        render=render,
        own=shape.data is not None and shape.data.repair is not None,
    )
    return Spliced(None)


def live(root: Root, info: Info, arguments: Arguments) -> Spliced:
    """`C_live`: the list as it is, again after every change. Raises what reading would."""
    call: Call = info.context
    shape = list_shape(info)
    lists = [entry for entry in shape.entries if entry.items is not None]
    if len(lists) > 1:
        raise Unprocessable("A live list has `data` once.")
    request = items.list_request(root, arguments, shape, lists[0].items if lists else None, None)
    if request.sort is not None and any("?" in one for one in request.sort):
        raise Unprocessable("A live list is not sorted at random.")
    engine.check(call.visitor, request)

    async def read(session: Session) -> dict[str, Any]:
        result = await _door(request)(session, request)
        found = {}
        if lists:
            _repair(session, result.items, lists[0].items)
            found[lists[0].key] = result.items
        return {entry.key: items.entry_of(entry, found, result, single=False) for entry in shape.entries}

    own = any(entry.items is not None and entry.items.repair is not None for entry in lists)
    call.wish = Wish(request, shape, whole=read, own=own)
    return Spliced(None)


def _door(request: ReadRequest) -> Any:
    return configuration.read if request.collection == configuration.SETTINGS else engine.read


def _repair(session: Session, found: list[dict[str, Any]], shape: ItemShape | None) -> None:
    if shape is not None and shape.repair is not None:
        caller = Caller(session.actor.user, set())
        for item in found:
            shape.repair(item, caller)


def _csv(arguments: Arguments) -> tuple[str, ...] | None:
    value = arguments.get("lang")
    return tuple(value.split(",")) if value else None
