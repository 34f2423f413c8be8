"""In charge of sending a stored file as HTTP has it: conditions, ranges, headers that keep browsers from running it.

Which file it is, and who may have it, was decided before (`core.files.handle.Stored`).
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime
from typing import Any

from rest_adapter.call import Call
from rest_adapter.errors import Answer as Look
from rest_adapter.reply import Headers, Reply, error_reply
from rest_adapter.request import Request
from rest_adapter.streams import Streaming, begun

WHOLE = 256 * 1024
"""Bytes that are sent at once; more are sent while they are read."""
NO_SCRIPTS = (b"content-security-policy", b"default-src 'none'; style-src 'unsafe-inline'; sandbox")
NOT_SATISFIABLE = Look(416, 2, "Range Not Satisfiable")
_RANGE = re.compile(r"bytes=(?:(\d{1,18})-(\d{0,18})|-(\d{1,18}))", re.ASCII)

Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class _Part:
    """A part of a stored file, as what comes in chunks."""

    stored: Any
    span: Span

    @asynccontextmanager
    async def open(self) -> AsyncIterator[AsyncIterator[bytes]]:
        async with self.stored.open(*self.span) as chunks:
            yield chunks


async def sent(call: Call, stored: Any) -> Reply | Streaming:
    """The answer that a stored file makes to a request. Raises what opening it does."""
    request, headers = call.request, _headers(stored)
    if _is_known(request, stored):
        return Reply(304, None, headers)
    status, span = 200, (0, stored.size)
    asked = _range(request, stored)
    if asked is not None:
        if asked[0] >= asked[1]:
            return error_reply(NOT_SATISFIABLE, [(b"content-range", b"bytes */%d" % stored.size)])
        status, span = 206, asked
        headers.append((b"content-range", b"bytes %d-%d/%d" % (span[0], span[1] - 1, stored.size)))
    headers += _of_content(stored)
    length = span[1] - span[0]
    if request.scope.get("tabularium.bodiless"):
        return Reply(status, None, [*headers, (b"content-length", b"%d" % length)])
    if length <= WHOLE:
        async with stored.open(*span) as chunks:
            return Reply(status, b"".join([chunk async for chunk in chunks]), headers)
    return await begun(_Part(stored, span), [*headers, (b"content-length", b"%d" % length)], status=status)


def _headers(stored: Any) -> Headers:
    """What is said with and without a body."""
    found = [
        (b"etag", b'"%s"' % stored.tag.encode()),
        (b"last-modified", format_datetime(stored.modified.astimezone(UTC), usegmt=True).encode()),
        (b"cache-control", stored.cache.encode()),
    ]
    return [*found, (b"vary", stored.vary.encode())] if stored.vary else found


def _of_content(stored: Any) -> Headers:
    found = [
        (b"content-type", stored.media.encode()),
        (b"content-disposition", stored.disposition.encode()),
        (b"accept-ranges", b"bytes"),
        (b"x-content-type-options", b"nosniff"),
    ]
    return [*found, NO_SCRIPTS] if stored.active else found


def _is_known(request: Request, stored: Any) -> bool:
    """Whether the client has these bytes (RFC 9110 §13.2.2): tags count before dates."""
    tags = request.header(b"if-none-match")
    if tags is not None:
        return any(part.strip().removeprefix("W/") in (f'"{stored.tag}"', "*") for part in tags.split(","))
    since = _date(request.header(b"if-modified-since"))
    return since is not None and stored.modified <= since


def _range(request: Request, stored: Any) -> Span | None:
    """The part that is asked for, empty when there is none such; None for the whole. Several parts are the whole."""
    found = _RANGE.fullmatch((request.header(b"range") or "").replace(" ", ""))
    if found is None or not _is_same(request.header(b"if-range"), stored):
        return None
    first, last, suffix = found.groups()
    if suffix is not None:
        return max(0, stored.size - int(suffix)), stored.size
    end = int(last) + 1 if last else stored.size
    if last and end <= int(first):
        return None  # a range that is none is passed over
    return int(first), min(end, stored.size)


def _is_same(condition: str | None, stored: Any) -> bool:
    """Whether the rest of what the client has is still the rest of the file."""
    if condition is None:
        return True
    if condition.strip().endswith('"'):
        return condition.strip() == f'"{stored.tag}"'
    date = _date(condition)
    return date is not None and stored.modified == date


def _date(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        found = parsedate_to_datetime(text)
    except (ValueError, IndexError, TypeError):
        return None
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC)


def asked(call: Call) -> dict[str, Any]:
    """What of a request for a file is no parameter: what the client can show."""
    accept = call.request.header(b"accept")
    return {"accept": accept} if accept else {}
