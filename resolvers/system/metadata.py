"""In charge of `directus_collections` and `directus_fields`: what core.metadata says, in typed and in REST form.

Their items show more than their tables hold, so they do not go through the engine; graphql-core completes them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import orjson
from ariadne import ObjectType, QueryType

from core import engine, metadata
from core.errors import ReadDenied
from core.query.selection import Condition, Leaf, ReadRequest, Selection
from core.session import Session
from resolvers.context import Info

COLLECTIONS = "directus_collections"

Item = Mapping[str, Any]
ROW = "\x00row"
"""Key of an item's REST form, where that is not the item itself."""


async def collections(
    _source: Any,
    info: Info,
    *,
    name: str | None = None,
    ids: Sequence[str] | None = None,
    where: Sequence[Condition] | None = None,
    q: str | None = None,
    sort: Sequence[str] | None = None,
    limit: int | None = None,
    offset: int | None = None,
) -> dict[str, Any]:
    """`directus_collections` (spec 01 §6.1): all tables; `ids`: those that have a row, by name."""
    session = _session(info)
    if ids is not None:
        found = metadata.collection(session, ids)
        return {"data": found, "meta": _meta(COLLECTIONS, len(found))}
    if where or q or sort:
        listed = metadata.collections(session)
        order = await _rows(session, where, q, sort)
        others = [] if where or q else [item for item in listed if item["collection"] not in order]
        known = {item["collection"]: item for item in listed}
        found = [known[key] for key in order if key in known] + others
        if limit is not None and offset is not None:
            found = found[max(offset, 0) :][: limit if limit >= 0 else None]
        counts = metadata.counted(len(order), len(found), offset=offset, limit=limit)
        return {"data": found, "meta": {**_meta(COLLECTIONS, 0), **counts}}
    found = metadata.collections(session, offset=offset, limit=limit)
    if name is not None:
        found = [item for item in found if item["collection"] == name]
    counts = metadata.counts(session, offset=offset, limit=limit)
    return {"data": found, "meta": {**_meta(COLLECTIONS, 0), **counts}}


async def _rows(
    session: Session, where: Sequence[Condition] | None, q: str | None, sort: Sequence[str] | None
) -> dict[str, None]:
    """Names in directus_collections that match, in the order asked for."""
    request = ReadRequest(
        COLLECTIONS,
        Selection((Leaf("name", "collection", "string"),)),
        where=tuple(where or ()),
        q=q,
        sort=None if sort is None else tuple(sort),
        limit=-1,
    )
    result = await engine.read(session, request)
    return dict.fromkeys(item["name"] for item in result.items)


def collection(_source: Any, info: Info, *, collection: str) -> Item:
    """`directus_collections_by_id` (spec 01 §6.2). Raises ItemNotFound for tables without a row."""
    return metadata.collection(_session(info), (collection,))[0]


def fields(
    _source: Any,
    info: Info,
    *,
    collection: str | None = None,
    field: str | None = None,
    ids: Sequence[str] | None = None,
    sort: Sequence[str] | None = None,
    limit: int | None = None,
) -> dict[str, Any]:
    """`directus_fields` (spec 01 §7.2): of one collection or of all; `ids`: these, in the form of single reads."""
    session = _session(info)
    if collection is None:
        found = metadata.fields(session, sort=sort, limit=limit)
    elif ids is not None:
        found = metadata.field(session, collection, ids)
    else:
        found = metadata.fields_of(session, collection)
    if field is not None:
        found = [item for item in found if item["field"] == field]
    return {"data": found, "meta": _meta("directus_fields", len(found))}


def field(_source: Any, info: Info, *, collection: str, field: str) -> Item:
    """`directus_fields_by_id`, in the form of single reads. Raises FieldNotFound, FieldAccessDenied."""
    return metadata.field(_session(info), collection, (field,))[0]


def _meta(name: str, count: int) -> dict[str, Any]:
    return {
        "collection": name,
        "type": "collection",
        "result_count": count,
        "total_count": count,
        "filter_count": count,
    }


def _session(info: Info) -> Session:
    return info.context.visitor


# Items of collections


def _collection_fields(item: Item, _info: Info) -> list[Item]:
    return list(item["fields"].values())


def _json_text(item: Item, info: Info) -> str | None:
    value = item[info.field_name]
    return None if value is None else orjson.dumps(value).decode()


def _whole(item: Item, _info: Info, *, fields: Sequence[str] | None = None) -> Item:
    """The REST form of a collection: `fields` does not reduce it (spec 01 §6.1), as in v8 it only empties two keys."""
    found: Item = item.get(ROW, item)
    names = [part.strip() for text in fields or ("*",) for part in text.split(",")]
    if any(name.startswith("*") for name in names):
        return found
    return {key: None if key in ("icon", "translation") and key not in names else value for key, value in found.items()}


# Items of fields


def _picked(item: Item, _info: Info, *, fields: Sequence[str] | None = None) -> Item:
    """The REST form of a field: the keys that are named, in the object's order."""
    names = [part.strip() for text in fields or ("*",) for part in text.split(",") if part.strip()] or ["*"]
    without = {name[1:] for name in names if name.startswith("-")}
    if any(name.startswith("*") for name in names) or not set(names) - {"-" + name for name in without}:
        return {key: value for key, value in item.items() if key not in without}
    wanted = {name.partition(".")[0] for name in names} - without
    return {key: value for key, value in item.items() if key in wanted}


def _owner(item: Item, info: Info) -> Item | None:
    """The collection of a field as an object; null where the caller may not read collections."""
    known = info.context.memo.get("collections")
    if known is None:
        try:
            known = {one["collection"]: one for one in metadata.collections(_session(info))}
        except ReadDenied:
            known = {}
        info.context.memo["collections"] = known
    found: Item | None = known.get(item.get("collection"))
    return found


def _owner_key(item: Item, _info: Info) -> str | None:
    return item.get("collection")


def _nothing(_item: Item, _info: Info) -> None:
    """A leftover of v8 that never carries a value."""


def _flag(item: Item, info: Info) -> int:
    return int(bool(item.get(info.field_name)))


def _width(item: Item, _info: Info) -> int | None:
    width = item.get("width")
    return int(width) if width is not None and str(width).isdigit() else None


def _width_name(item: Item, _info: Info) -> str | None:
    return None if item.get("width") is None else str(item["width"])


def bindables() -> list[QueryType | ObjectType]:
    """The root fields of this module and the types of their items."""
    query, one, other = QueryType(), ObjectType("DirectusCollectionItem"), ObjectType("DirectusFieldItem")
    query.set_field("directus_collections", collections)
    query.set_field("directus_collections_by_id", collection)
    query.set_field("directus_fields", fields)
    query.set_field("directus_fields_by_id", field)
    one.set_field("fields", _collection_fields)
    one.set_field("translation", _json_text)
    one.set_field("_row", _whole)
    other.set_field("collection", _owner)
    other.set_field("collection__key", _owner_key)
    other.set_field("width", _width)
    other.set_field("width_name", _width_name)
    other.set_field("hidden_browse", _flag)
    other.set_field("hidden_detail", _flag)
    other.set_field("storage", _nothing)
    other.set_field("url", _nothing)
    other.set_field("_row", _picked)
    return [query, one, other]
