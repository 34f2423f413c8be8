"""In charge of the generated operations, the same for every collection: arguments → request → one call on the engine.

Every resolver takes the collection's `Root`, GraphQL's info and the arguments; what it answers is spliced. No column,
no permission and no SQL is known here.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from secrets import token_hex
from typing import Any, TypeVar

from core import configuration, engine, stream
from core.errors import ItemNotFound, Unprocessable
from core.query.aggregate import AggregateRequest, Measure
from core.query.change import Action, WriteRequest, WriteResult
from core.query.selection import KEY_ONLY, ReadRequest, ReadResult
from core.query.window import within
from core.session import Session
from core.stream import LongList
from resolvers.binding import Root
from resolvers.context import Call, Info, Spliced, Streamed
from resolvers.selection import Caller, Entries, ItemShape, ListShape, Repair, item_shape, list_shape, measures

Arguments = Mapping[str, Any]
R = TypeVar("R", ReadResult, LongList, ReadResult | LongList)


Door = Callable[[Session, ReadRequest], Awaitable[ReadResult]]
"""Who answers a read."""


async def read(root: Root, info: Info, arguments: Arguments, door: Door | None = None) -> Spliced:
    """`C`: a list with counts, or with `id` one element without (spec 01 §15.4). `door`: other than the usual one."""
    call: Call = info.context
    shape = list_shape(info)
    key = arguments.get("id")
    lists = [entry for entry in shape.entries if entry.items is not None]
    request = list_request(root, arguments, shape, lists[0].items if lists else None, key)
    if not lists and not request.meta and key is None:
        return Spliced({entry.key: {} if entry.meta is not None else entry.value for entry in shape.entries})
    result = await _list(call, request, door, alone=len(lists) == 1)
    if isinstance(result, LongList):
        found: dict[str, Any] = {lists[0].key: _streamed(call, result, lists[0].items)}
    else:
        found = {lists[0].key: _repaired(call, result.items, lists[0].items)} if lists else {}
    for entry in lists[1:]:  # the same list under a second response key
        again = list_request(root, arguments, ListShape((), frozenset()), entry.items, key)
        found[entry.key] = _repaired(call, (await _bounded(call, again, door)).items, entry.items)
    return Spliced({entry.key: entry_of(entry, found, result, single=key is not None) for entry in shape.entries})


def entry_of(entry: Entries, found: Mapping[str, Any], result: ReadResult | LongList, *, single: bool) -> Any:
    """What stands under one response key of a wrapper. `found`: key → items."""
    if entry.items is not None:
        return found[entry.key]
    if entry.meta is not None:
        if single:
            return None
        return {key: value if member is None else result.meta.get(member) for key, member, value in entry.meta}
    return entry.value


def list_request(root: Root, arguments: Arguments, shape: ListShape, items: ItemShape | None, key: Any) -> ReadRequest:
    """The request of a wrapper's arguments; with `key` the one of a single item."""
    selection = items.selection if items is not None else KEY_ONLY
    if key is not None:
        return ReadRequest(root.collection, selection, id=_text(key), lang=_csv(arguments), include_deleted=True)
    ids = arguments.get("ids")
    return ReadRequest(
        root.collection,
        selection,
        ids=None if ids is None else tuple(ids),
        where=tuple(arguments.get("where") or ()),
        filter=arguments.get("filter") or (),
        q=arguments.get("q"),
        sort=_strings(arguments, "sort"),
        limit=arguments.get("limit"),
        offset=arguments.get("offset"),
        page=arguments.get("page"),
        status=_strings(arguments, "status"),
        lang=_csv(arguments),
        groups=_strings(arguments, "groups"),
        meta=shape.meta,
    )


async def by_id(root: Root, info: Info, arguments: Arguments) -> Spliced:
    """`C_by_id`: one item. Raises ItemNotFound (203), which leaves null in its place."""
    call: Call = info.context
    shape = item_shape(info)
    request = ReadRequest(root.collection, shape.selection, id=_text(arguments["id"]), lang=_csv(arguments))
    result = await _read(call, request)
    if not result.items:
        raise ItemNotFound.with_id(arguments["id"])
    return Spliced(_repaired(call, result.items, shape)[0])


async def aggregate(root: Root, info: Info, arguments: Arguments) -> Spliced:
    """`C_aggregate`: groups and what was measured of them."""
    call: Call = info.context
    wanted = measures(info)
    request = AggregateRequest(
        root.collection,
        measures=tuple(
            Measure(entry.key, entry.function, entry.field, entry.distinct)
            for entry in wanted
            if entry.function not in (None, "group")
        ),
        group_by=_strings(arguments, "group_by") or (),
        group_keys=tuple(entry.key for entry in wanted if entry.function == "group"),
        where=tuple(arguments.get("where") or ()),
        filter=arguments.get("filter") or (),
        q=arguments.get("q"),
        sort=_strings(arguments, "sort") or (),
        limit=arguments.get("limit"),
        having=tuple(arguments.get("having") or ()),
    )
    rows = await engine.aggregate(_session(call), request)
    return Spliced([{entry.key: row[entry.key] if entry.function else entry.value for entry in wanted} for row in rows])


async def create_item(root: Root, info: Info, arguments: Arguments) -> Spliced:
    """`create_C_item`: the item as read back; null where the caller may not read it."""
    return Spliced((await _write(root, info, arguments, "create", payloads=(_one(arguments),)))[0])


async def create_items(root: Root, info: Info, arguments: Arguments) -> Spliced:
    """`create_C_items`: all or nothing, in the order given."""
    return Spliced(await _write(root, info, arguments, "create", payloads=_many(arguments), batch=True))


async def update_item(root: Root, info: Info, arguments: Arguments) -> Spliced:
    """`update_C_item`."""
    keys = (_text(arguments["id"]),)
    return Spliced((await _write(root, info, arguments, "update", payloads=(_one(arguments),), keys=keys))[0])


async def update_items(root: Root, info: Info, arguments: Arguments) -> Spliced:
    """`update_C_items`: the same change for several items."""
    keys, payloads = tuple(arguments["ids"]), (_one(arguments),)
    return Spliced(await _write(root, info, arguments, "update", payloads=payloads, keys=keys, batch=True))


async def update_batch(root: Root, info: Info, arguments: Arguments) -> Spliced:
    """`update_C_batch`: changes that carry their keys."""
    return Spliced(await _write(root, info, arguments, "update", payloads=_many(arguments), batch=True))


async def upsert_items(root: Root, info: Info, arguments: Arguments) -> Spliced:
    """`upsert_C_items`: found by `key` (default: primary key) and changed, else created."""
    payloads, field = _many(arguments), arguments.get("key")
    return Spliced(await _write(root, info, arguments, "upsert", payloads=payloads, batch=True, match=field))


async def revert_item(root: Root, info: Info, arguments: Arguments) -> Spliced:
    """`revert_C_item`: back to what a revision holds (spec 03 §11.3)."""
    keys, revision = (_text(arguments["id"]),), _text(arguments["revision"])
    return Spliced((await _write(root, info, arguments, "revert", payloads=(), keys=keys, revision=revision))[0])


async def delete_item(root: Root, info: Info, arguments: Arguments) -> Spliced:
    """`delete_C_item`: the id."""
    keys = await _delete(root, info, arguments, (_text(arguments["id"]),), batch=False)
    return Spliced(keys[0] if keys else None)


async def delete_items(root: Root, info: Info, arguments: Arguments) -> Spliced:
    """`delete_C_items`: the ids."""
    return Spliced(await _delete(root, info, arguments, tuple(arguments["ids"]), batch=True))


async def _write(
    root: Root,
    info: Info,
    arguments: Arguments,
    action: Action,
    *,
    payloads: tuple[Any, ...],
    keys: tuple[str, ...] | None = None,
    batch: bool = False,
    match: str | None = None,
    revision: str | None = None,
) -> list[dict[str, Any] | None]:
    call: Call = info.context
    shape = item_shape(info)
    result = await engine.write(
        _session(call),
        WriteRequest(
            root.collection,
            action,
            payloads,
            keys,
            batch=batch,
            match=match,
            revision=revision,
            selection=shape.selection,
            lang=_csv(arguments),
            comment=arguments.get("comment"),
            activity_skip=bool(arguments.get("activity_skip")),
        ),
    )
    return written(call, shape, result)


def written(call: Call, shape: ItemShape, result: WriteResult) -> list[dict[str, Any] | None]:
    """What a write answers: the items as read back, None where the caller may not read one."""
    call.warnings.extend(result.warnings)
    call.tags.extend(result.tags)
    if shape.repair is not None:
        _repair([item for item in result.items if item is not None], shape.repair, call)
    return result.items or [None]


async def _delete(root: Root, info: Info, arguments: Arguments, keys: tuple[str, ...], *, batch: bool) -> list[str]:
    call: Call = info.context
    result = await engine.write(
        _session(call),
        WriteRequest(
            root.collection,
            "delete",
            keys=keys,
            batch=batch,
            comment=arguments.get("comment"),
            activity_skip=bool(arguments.get("activity_skip")),
        ),
    )
    call.tags.extend(result.tags)
    return [str(key) for key in result.keys]


async def _read(call: Call, request: ReadRequest, door: Door | None = None) -> ReadResult:
    if door is None:
        door = configuration.read if request.collection == configuration.SETTINGS else engine.read
    return _noted(call, await door(_session(call), request))


async def _list(call: Call, request: ReadRequest, door: Door | None, *, alone: bool) -> ReadResult | LongList:
    """A list; a long one is left to the door that can send it while it is read, if it is the only one of the root."""
    if alone and call.streams and door is None and _may_be_long(call, request, stream.LONG):
        return _noted(call, await stream.read(_session(call), request))
    return await _bounded(call, request, door)


async def _bounded(call: Call, request: ReadRequest, door: Door | None) -> ReadResult:
    """A list that is answered as a whole, within what the document may have. Raises Unprocessable."""
    if call.rows is None or request.id is not None:
        return await _read(call, request, door)
    if door is None and _may_be_long(call, request, call.rows):
        found = await engine.read_within(_session(call), request, call.rows)
        result = None if found is None else _noted(call, found)
    else:
        result = await _read(call, request, door)
    if result is None or len(result.items) > call.rows:  # other lists may have been read meanwhile
        raise Unprocessable("The lists of this document are too long. Limit them, or ask for one list alone.")
    call.rows -= len(result.items)
    return result


def _may_be_long(call: Call, request: ReadRequest, most: int) -> bool:
    """Whether a list may have more items than that. Settings are few, and have a door of their own."""
    if request.id is not None or request.collection == configuration.SETTINGS:
        return False
    return not within(_session(call).snapshot, request.limit, most)


def _noted(call: Call, result: R) -> R:
    if result.warnings:
        call.warnings.extend(result.warnings)
    call.tags.extend(result.tags)
    call.lasting = getattr(result, "lasting", False) and call.lasting is not False  # a long list is never kept
    return result


def _streamed(call: Call, found: LongList, shape: ItemShape | None) -> str:
    """Leave a list to the door, and its mark in its place."""
    repair = shape.repair if shape is not None else None
    mark = token_hex(16)  # nobody can write it into his items
    call.stream = Streamed(mark, found, partial(_repair, repair=repair, call=call) if repair is not None else None)
    return mark


def _repaired(call: Call, items: list[dict[str, Any]], shape: ItemShape | None) -> list[dict[str, Any]]:
    if shape is not None and shape.repair is not None:
        _repair(items, shape.repair, call)
    return items


def _repair(items: Sequence[dict[str, Any]], repair: Repair, call: Call) -> None:
    caller = Caller(_session(call).actor.user, set())
    for item in items:
        repair(item, caller)


def _session(call: Call) -> Any:
    assert call.session is not None
    return call.session


# Arguments


def _one(arguments: Arguments) -> Any:
    """The one payload of a write: exactly one of `data` and `payload`."""
    return _payload(arguments)


def _many(arguments: Arguments) -> tuple[Any, ...]:
    """The payloads of a batch: a list."""
    found = _payload(arguments)
    if not isinstance(found, (list, tuple)):
        raise Unprocessable("This mutation needs a list of items.")
    return tuple(found)


def _payload(arguments: Arguments) -> Any:
    data, payload = arguments.get("data"), arguments.get("payload")
    if (data is None) == (payload is None):
        raise Unprocessable("A mutation needs either `data` or `payload`.")
    return payload if data is None else data


def _text(key: Any) -> str:
    return key if isinstance(key, str) else str(key)


def _strings(arguments: Arguments, name: str) -> tuple[str, ...] | None:
    value = arguments.get(name)
    return None if value is None else tuple(value)


def _csv(arguments: Arguments) -> tuple[str, ...] | None:
    """`lang` is CSV text, as in v8."""
    value = arguments.get("lang")
    return tuple(part.strip() for part in value.split(",") if part.strip()) if value else None
