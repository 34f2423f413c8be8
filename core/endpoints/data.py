"""In charge of what a handler of an endpoint is given and what it gives, as data."""

from __future__ import annotations

import dataclasses
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson

from core.errors import InvalidPayload
from core.frozen import EMPTY
from core.hooks.context import Items
from core.types.structured import deeper_than

MOST_LEVELS = 64
"""Of nesting in a body (spec 04 §13)."""

GraphQL = Callable[[str, Mapping[str, Any]], Awaitable[dict[str, Any]]]
May = Callable[[str, str, Any], bool]


@dataclass(frozen=True, slots=True)
class Request:
    """A request for an endpoint.

    `path`: below the mount point, "/" at least. `params`: what the placeholders of the path matched. `query`: the
    query string, nested as everywhere (`a[b]=1`). `headers`: by lower-case name. `body`: as sent, at most 10 MiB.
    """

    method: str
    path: str
    params: Mapping[str, str] = dataclasses.field(default_factory=lambda: EMPTY)
    query: Mapping[str, Any] = dataclasses.field(default_factory=lambda: EMPTY)
    headers: Mapping[str, str] = dataclasses.field(default_factory=lambda: EMPTY)
    body: bytes = b""
    address: str = ""
    base_url: str = ""

    def json(self) -> Any:
        """The body as JSON, of at most 64 levels. Raises InvalidPayload (400/13)."""
        try:
            found = orjson.loads(self.body)
        except orjson.JSONDecodeError:
            raise InvalidPayload from None
        if deeper_than(MOST_LEVELS, found):
            raise InvalidPayload
        return found


@dataclass(frozen=True, slots=True)
class Response:
    """What a handler answers where a bare body is not enough.

    `body`: bytes and text are sent as they are, None is no body, everything else becomes JSON. `headers` of CORS and of
    the connection are the server's and left out. `media`: the content type; without it that follows from the body.
    """

    body: Any = None
    status: int = 200
    headers: Mapping[str, str] = dataclasses.field(default_factory=lambda: EMPTY)
    media: str | None = None


@dataclass(frozen=True, slots=True)
class Context:
    """Who calls, and what a handler may do for him.

    `user`: id, 0 the public; `role`: id or None. `items`: with the rights of the caller; `system`: with all rights,
    signed by the caller. `graphql(query, variables)`: runs a document as the caller would; the answer's `data` and
    `errors` come back. `may(collection, action, status)`: whether he has any right to create, read, update or delete.
    """

    project: str
    user: int
    role: int | None
    admin: bool
    now: datetime
    items: Items
    system: Items
    graphql: GraphQL
    may: May

    @property
    def public(self) -> bool:
        """Whether nobody is signed in."""
        return self.user == 0
