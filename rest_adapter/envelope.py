"""In charge of the envelope: how a result becomes `meta`, `data`, `messages` and `public` (spec 03 §3).

It counts and reads nothing that the operation has not answered.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from core.errors import ItemNotFound, Unauthorized
from core.query.selection import Warning
from rest_adapter import params
from rest_adapter.call import Call
from rest_adapter.route import Answer

Members = dict[str, Any]

COUNTS: Mapping[str, tuple[str, ...]] = {
    "total_count": ("total_count",),
    "status_count": ("status_count",),
    "filter_count": ("filter_count",),
    "page": ("limit", "offset", "page", "page_count"),
}
"""What `meta` may ask for → the members that the operation counts for it, in the order of the answer."""


def complete(members: Members, warnings: Iterable[Warning], *, public: bool) -> Members:
    """The members with `messages` and `public` in their places; nothing to say to a user stays nothing (204)."""
    messages = [
        {"type": "warning", "message": one.message, "code": one.code, "fields": list(one.fields)} for one in warnings
    ]
    if messages and members:
        members["messages"] = messages
    if public:
        members["public"] = True
    return members


def shown(items: list[Any]) -> list[Any]:
    """The REST form of items; what has no key left is no item."""
    return [row for item in items if (row := item["_row"]) is not None]


def _page(call: Call, found: Any) -> Members:
    """A list; with `single` its first item (spec 03 §5.4). Rows without any key are left out."""
    items = found["data"]
    if isinstance(items, str):  # the mark of a list that is sent while it is read
        return _with_meta(_page_meta(call, found.get("meta"), call.results), items)
    if not items and call.single is not None:
        raise ItemNotFound
    rows = shown(items)
    if call.single:
        return _with_meta(_item_meta(call), rows[0] if rows else [])
    return _with_meta(_page_meta(call, found.get("meta"), len(rows)), rows)


def _first(call: Call, found: Any) -> Members:
    """The one item of a list of at most one."""
    if not found["data"]:
        raise ItemNotFound
    return _with_meta(_item_meta(call), _row(found["data"][0]))


def _catalogue(call: Call, found: Any) -> Members:
    """The list of collections: counts are of another list than the one shown (spec 01 §6.1), so none is made here."""
    rows = [row for item in found["data"] if (row := item["_row"]) is not None]
    if call.single:
        if not rows:
            raise ItemNotFound
        return _with_meta(_item_meta(call), rows[0])
    counted = found.get("meta") or {}
    return _with_meta(_page_meta(call, counted, counted.get("result_count", len(rows))), rows)


def _item(call: Call, found: Any) -> Members:
    """One item that is read."""
    if found is None:
        raise ItemNotFound
    return _with_meta(_item_meta(call), _row(found))


def _own(call: Call, found: Any) -> Members:
    """The caller's own record; nobody has none."""
    if found is None:
        raise Unauthorized
    return _item(call, found)


def _written(call: Call, found: Any) -> Members:
    """One item that was written; nothing when the caller may not read it."""
    return {} if found is None else _with_meta(_item_meta(call), _row(found))


def _written_list(call: Call, found: Any) -> Members:
    """Several items that were written, in their order; the readable ones."""
    return {"data": [row for item in found if item is not None and (row := item["_row"]) is not None]}


def _written_one(call: Call, found: Any) -> Members:
    """One file that was changed, as a list of one (spec 04 §3.3)."""
    members = _written(call, found)
    return {**members, "data": [members["data"]]} if "data" in members else members


def _written_nested(call: Call, found: Any) -> Members:
    """Several files that were changed: a list of lists of one."""
    return {"data": [[row] for row in _written_list(call, found)["data"]]}


def _nothing(call: Call, found: Any) -> Members:
    return {}


def _data(call: Call, found: Any) -> Members:
    return {"data": found}


def _named(name: str) -> Callable[[Call, Any], Members]:
    """A single value under a name of its own."""
    return lambda call, found: {"data": {name: found}}


def _json(call: Call, found: Any) -> Members:
    return {"data": found["json"]}


def _jsons(call: Call, found: Any) -> Members:
    return {"data": [one["json"] for one in found]}


def _own_rights(call: Call, found: Any) -> Members:
    """The caller's permissions on a collection: those of its statuses as a list, the one without as an object."""
    rows = [item["_row"] for item in found]
    return {"data": rows[0] if rows and rows[0]["status"] is None else rows}


def _text(call: Call, found: Any) -> str:
    return str(found)


PAGE = Answer("{ data { $row } $meta }", _page, COUNTS, first=True, streams=True)
CATALOGUE = Answer("{ data { $row } $meta }", _catalogue, {"result_count": ("result_count",), **COUNTS})
FIRST = Answer("{ data { $row } }", _first)
FIELD_LIST = Answer("{ data { $row } }", _page)
ITEM = Answer("{ $row }", _item)
OWN = Answer("{ $row }", _own)
WRITTEN = Answer("{ $row }", _written)
WRITTEN_LIST = Answer("{ $row }", _written_list)
WRITTEN_ONE = Answer("{ $row }", _written_one)
WRITTEN_NESTED = Answer("{ $row }", _written_nested)
GONE = Answer("", _nothing)
DATA = Answer("", _data)
HASH = Answer("", _named("hash"))
VALID = Answer("", _named("valid"))
SECRET = Answer("", _named("secret"))
RANDOM = Answer("", _named("random"))
TFA_SECRET = Answer("", _named("2fa_secret"))
NAMES = Answer("{ name }", _data)
JSON = Answer("{ json }", _json)
JSON_LIST = Answer("{ json }", _jsons)
RIGHTS = Answer("{ $row }", _written_list)
OWN_RIGHTS = Answer("{ $row }", _own_rights)
TEXT = Answer("", _text)
EXPORTED = Answer("{ filename }", _data)
SIGNED = Answer("{ url expires_on }", _data)
REPORT = Answer("{ created updated failed errors { row code message problems } }", _data)


def _row(item: Any) -> Any:
    """The REST form; an item without any key is shown as an empty list (spec 03 §3)."""
    row = item["_row"]
    return [] if row is None else row


def _with_meta(meta: Members | list[Any] | None, data: Any) -> Members:
    return {"data": data} if meta is None else {"meta": meta, "data": data}


def _item_meta(call: Call) -> Members | list[Any] | None:
    if call.meta is None:
        return None
    known = {"collection": call.collection, "type": "item"}
    return {name: value for name, value in known.items() if name in call.meta} or []


def _page_meta(call: Call, counted: Mapping[str, Any] | None, results: int) -> Members | list[Any] | None:
    asked = call.meta
    if asked is None:
        return None
    found: Members = {}
    if "collection" in asked:
        found["collection"] = call.collection
    if "type" in asked:
        found["type"] = "collection"
    if "result_count" in asked:
        found["result_count"] = results
    for name, members in COUNTS.items():
        if name in asked and counted is not None:
            found |= {member: counted[member] for member in members if counted.get(member) is not None}
    if "page" in found:
        found["links"] = links(call, found)
    return found or []


def links(call: Call, counted: Mapping[str, Any]) -> Members:
    """URLs of this page and its neighbours (spec 03 §5.7).

    They carry the request's parameters, not encoded, with `offset` and `page` set where they stand, or appended.
    """
    request = call.request
    here = call.base_url + "/".join(["", *request.called])
    page, pages, limit = counted["page"], counted["page_count"], counted["limit"]

    def at(number: int) -> str:
        return _url(here, request.params, {"offset": (number - 1) * limit, "page": number})

    several = pages > 1
    return {
        "self": here,
        "current": _url(here, request.params, {"page": page}),
        "next": at(max(page, 1) + 1) if several and page < pages else None,
        "previous": at(page - 1) if several and page > 1 else None,
        "first": at(1) if several else None,
        "last": at(pages) if several else None,
    }


def _url(here: str, given: Mapping[str, Any], changes: Mapping[str, int]) -> str:
    merged = {**given, **{name: str(value) for name, value in changes.items()}}
    return f"{here}?{'&'.join(params.flatten(merged))}"
