"""In charge of the routes of SCIM (spec 02 §14): parameters and headers as arguments, bodies of its media type, errors.

It only translates: what a request means is core's, and so is the table of statuses, which SCIM has in its messages.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import orjson

from core.scim.refusals import InvalidValue, told
from rest_adapter.call import Call
from rest_adapter.reply import PRIVATE, UNKEPT, Headers, Reply, matches
from rest_adapter.request import Request
from rest_adapter.route import Answer

PREFIX = ("scim", "v2")
MEDIA_TYPE = (b"content-type", b"application/scim+json;charset=utf-8")
ERROR_TYPE = (b"content-type", b"application/scim+json")
LARGEST_BULK = 1_048_576
"""Bytes, as /ServiceProviderConfig tells."""
TEXTS: Mapping[str, str] = {"filter": "filter", "sortBy": "sort_by", "sortOrder": "sort_order"}
NUMBERS: Mapping[str, str] = {"startIndex": "start_index", "count": "count"}
LISTS: Mapping[str, str] = {"attributes": "attributes", "excludedAttributes": "excluded_attributes"}
"""Parameter of the query string → argument of the operation."""
MOST = 2**31 - 1


def concerns(request: Request) -> bool:
    """Whether a path is one of SCIM, known or not."""
    return request.path[:2] == PREFIX


# --- arguments --------------------------------------------------------------------------------------------------------


def listing(call: Call) -> dict[str, Any]:
    """The parameters of a list. Raises InvalidValue for a number that is none."""
    given = call.request.params if call.request.query else {}
    found: dict[str, Any] = {
        argument: given[name] for name, argument in TEXTS.items() if isinstance(given.get(name), str)
    }
    for name, argument in NUMBERS.items():
        if name in given:
            found[argument] = _number(name, given[name])
    return found | shaping(call)


def shaping(call: Call) -> dict[str, Any]:
    """Which attributes are shown."""
    given = call.request.params if call.request.query else {}
    found = {}
    for name, argument in LISTS.items():
        value = given.get(name)
        if isinstance(value, str):
            found[argument] = value.split(",")
        elif isinstance(value, list):
            found[argument] = [one for one in value if isinstance(one, str)]
    return found


def created(call: Call) -> dict[str, Any]:
    """The body as a resource."""
    return {"resource": call.payload, **shaping(call)}


def changed(call: Call) -> dict[str, Any]:
    """The body, and the version that it is about."""
    return created(call) | version(call)


def version(call: Call) -> dict[str, Any]:
    """`If-Match`."""
    condition = call.request.header(b"if-match")
    return {} if condition is None else {"if_match": condition}


def body(call: Call) -> dict[str, Any]:
    """The body, where it is a message."""
    return {"resource": call.payload}


def _number(name: str, value: Any) -> int:
    text = value.strip() if isinstance(value, str) else ""
    digits = text.removeprefix("-")
    if not (digits.isascii() and digits.isdecimal()):
        raise InvalidValue(f"{name} must be a whole number.")
    size = min(int(digits[:20]), MOST)
    return -size if text.startswith("-") else size


# --- answers ----------------------------------------------------------------------------------------------------------


def _body(call: Call, found: Any) -> dict[str, Any]:
    return found["json"] or {}


def _replies(status: int, empty: int = 204) -> Callable[[Call, Any, dict[str, Any]], Reply]:
    """What is sent: `empty` where there is nothing to show."""

    def reply(call: Call, found: Any, members: dict[str, Any]) -> Reply:
        headers: Headers = []
        if found["location"] is not None:
            headers.append((b"location", found["location"].encode()))
        if found["version"] is not None:
            tag = found["version"].encode()
            headers.append((b"etag", tag))
            known = call.request.headers.get(b"if-none-match")
            if call.request.method == "GET" and known is not None and matches(known, tag.removeprefix(b"W/")):
                return Reply(304, None, [*headers, PRIVATE])
        if not members:
            return Reply(empty, None, headers)
        headers += [MEDIA_TYPE, PRIVATE if call.request.method == "GET" else UNKEPT]
        return Reply(status, orjson.dumps(members), headers)

    return reply


SELECTION = "{ json location version }"
SHOWN = Answer(SELECTION, _body, reply=_replies(200))
CREATED = Answer(SELECTION, _body, reply=_replies(201, 201))


def refused(request: Request, error: BaseException, *, public: bool, headers: Headers | None = None) -> Reply:
    """The body of an error (RFC 7644 §3.12); `scim.compat: v8` has its status as a number (spec 02 §14.5)."""
    v8 = request.project is not None and request.project.config.get("scim.compat") == "v8"
    found = told(error, public=public, v8=v8)
    return Reply(int(found["status"]), orjson.dumps(found), [ERROR_TYPE, *(headers or ())])
