"""In charge of request bodies: read within the limit, decoded by content type into an object or a list, or refused.

What the members mean is core's business.
"""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator
from typing import Any

import orjson
from starlette.datastructures import Headers
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import ClientDisconnect

from core.errors import BadRequest, InvalidPayload, PayloadTooLarge
from rest_adapter import params
from rest_adapter.request import Request

LIMIT = 10 * 1024 * 1024
"""Bytes of a body that is no upload (spec 04 §13)."""

Payload = dict[str, Any] | list[Any]


async def read(request: Request, *, limit: int = LIMIT) -> Payload:
    """The body as an object or a list of the right nesting; `{"0": …, "1": …}` of a form is a list (spec 04 §1.2).

    Raises InvalidPayload for an absent, empty, undecodable or scalar body, PayloadTooLarge, BadRequest (too deep, too
    many parameters), ClientDisconnect.
    """
    kind, _, _ = (request.header(b"content-type") or "").partition(";")
    kind = kind.strip().lower()
    if kind == "multipart/form-data":
        return await _multipart(request, limit)
    raw = await _whole(request, limit)
    if kind == "application/x-www-form-urlencoded":
        return _form(params.parse(raw.decode("utf-8", "replace")))
    if kind == "application/json" or not kind or (kind.startswith("application/") and kind.endswith("+json")):
        return _json(raw)
    raise InvalidPayload


async def chunks(request: Request, limit: int) -> AsyncGenerator[bytes, None]:
    """The bytes of a body as they come. Raises PayloadTooLarge, ClientDisconnect."""
    declared = request.header(b"content-length")
    if declared is not None and declared.isdecimal() and int(declared[:20]) > limit:
        raise PayloadTooLarge
    seen, more = 0, True
    while more:
        message = await request.receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        chunk: bytes = message.get("body", b"")
        seen += len(chunk)
        if seen > limit:
            raise PayloadTooLarge
        yield chunk
        more = message.get("more_body", False)


async def _whole(request: Request, limit: int) -> bytes:
    return b"".join([chunk async for chunk in chunks(request, limit)])


def _json(raw: bytes) -> Payload:
    try:
        found = orjson.loads(raw)
    except orjson.JSONDecodeError:
        found = _json_with_lone_surrogates(raw)
    if not isinstance(found, dict | list):
        raise InvalidPayload
    if raw.count(b"[") + raw.count(b"{") > params.DEEPEST and params.too_deep(found):
        raise BadRequest(f"A body of more than {params.DEEPEST} levels")
    return found


def _json_with_lone_surrogates(raw: bytes) -> Any:
    """The body read once more, if it may hold a lone surrogate: such a text is a wrong value of one field, which core
    names, and not a body that cannot be read."""
    if b"\\ud" not in raw and b"\\uD" not in raw:
        raise InvalidPayload
    try:
        return json.loads(raw, parse_constant=_refuse)
    except (ValueError, RecursionError):
        raise InvalidPayload from None


def _refuse(name: str) -> Any:
    raise ValueError(name)


def _form(found: dict[str, Any]) -> Payload:
    if not found:
        raise InvalidPayload
    if all(name == str(index) for index, name in enumerate(found)):
        return list(found.values())
    return found


async def _multipart(request: Request, limit: int) -> Payload:
    """The text parts of a multipart body; files are another route's business and left out."""
    parser = MultiPartParser(
        Headers(raw=request.scope["headers"]),
        chunks(request, limit),
        max_files=params.MOST_PARAMETERS,
        max_fields=params.MOST_PARAMETERS,
        max_part_size=limit,
    )
    try:
        form = await parser.parse()
    except MultiPartException as error:
        if "Too many" in error.message:
            raise BadRequest(f"More than {params.MOST_PARAMETERS} parameters") from None
        raise InvalidPayload from None
    try:
        return _form(params.assemble((name, value) for name, value in form.multi_items() if isinstance(value, str)))
    finally:
        await form.close()
