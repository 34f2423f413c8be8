"""In charge of the bytes of an answer: JSON, `ETag` and 304, the headers of an error. It knows no routes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

import orjson
from xxhash import xxh3_128_hexdigest

from rest_adapter.errors import Answer
from rest_adapter.request import Request

Headers = list[tuple[bytes, bytes]]

JSON_TYPE = (b"content-type", b"application/json")
TEXT_TYPE = (b"content-type", b"text/html; charset=UTF-8")
# An answer depends on the caller, so no shared cache may keep it; a browser asks again with the tag.
PRIVATE = (b"cache-control", b"private, no-cache")
UNKEPT = (b"cache-control", b"private, no-store")


@dataclass(slots=True)
class Reply:
    """What is sent: `body` None is an answer without a body and without a content type."""

    status: int
    body: bytes | None = None
    headers: Headers = field(default_factory=list)
    content: bytes | None = None
    """What the answer to a request without conditions would have as its body, where that may be kept."""

    async def send(self, send: Any) -> None:
        """Hand it to the server."""
        body = self.body
        if body is not None:
            self.headers.append((b"content-length", b"%d" % len(body)))
        await send({"type": "http.response.start", "status": self.status, "headers": self.headers})
        await send({"type": "http.response.body", "body": body or b""})


def json_reply(request: Request, members: dict[str, Any]) -> Reply:
    """200 with the members, 204 when there are none."""
    return body_reply(request, orjson.dumps(members)) if members else Reply(204)


def body_reply(request: Request, body: bytes) -> Reply:
    """200 with JSON that is ready. A GET gets an `ETag`, and 304 when the client has that body."""
    if request.method != "GET":
        return Reply(200, body, [JSON_TYPE])
    tag = b'"%s"' % xxh3_128_hexdigest(body).encode()  # a large list takes longer to digest than to send, by SHA-256
    known = request.headers.get(b"if-none-match")
    if known is not None and matches(known, tag):
        return Reply(304, None, [(b"etag", tag), PRIVATE], body)
    return Reply(200, body, [JSON_TYPE, (b"etag", tag), PRIVATE], body)


def led_reply(members: dict[str, Any], location: str | None) -> Reply:
    """Where the browser is sent, with the members beside it; 200 where it is sent nowhere. Nobody may keep either."""
    headers = [JSON_TYPE, UNKEPT, (b"referrer-policy", b"no-referrer")]
    if location is None:
        return Reply(200, orjson.dumps(members), headers)
    url = quote(location, safe="%/:?#[]@!$&'()*+,;=~")
    return Reply(302, orjson.dumps(members), [*headers, (b"location", url.encode())])


def text_reply(text: str) -> Reply:
    """200 with text that is no JSON (`pong`)."""
    return Reply(200, text.encode(), [TEXT_TYPE])


def error_reply(answer: Answer, headers: Headers | None = None, named: str | None = None) -> Reply:
    """The error envelope (spec 04 §1.4); where a list was sent, with the places in it. `named`: its member `class`."""
    error: dict[str, Any] = {"code": answer.code, "message": _sendable(answer.message)}
    if answer.problems:
        error["problems"] = [
            {"path": [_sendable(step) for step in one.path], "message": _sendable(one.message)}
            for one in answer.problems
        ]
        error["problem_count"] = answer.count
    if named is not None:
        error["class"] = named
    body = orjson.dumps({"error": error})
    return Reply(answer.status, body, [JSON_TYPE, *(headers or ())])


def _sendable(text: Any) -> Any:
    """It may quote a lone surrogate of the request."""
    return text.encode("utf-8", "replace").decode() if isinstance(text, str) else text


def matches(known: bytes, tag: bytes) -> bool:
    """Whether `If-None-Match` names the tag; weak ones count as well (RFC 9110 §13.1.2)."""
    return any(part.strip().removeprefix(b"W/") in (tag, b"*") for part in known.split(b","))
