"""In charge of the endpoints of one open project: finding the one that is meant, calling it, the bytes of its answer.

Who calls, and the body, have been found out before; a failure of a handler is contained here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import orjson
import structlog

from core.access.policy import NONE
from core.endpoints.data import Context, GraphQL, Request, Response
from core.endpoints.table import Endpoint, Entry
from core.errors import HookFailed, MethodNotAllowed, NotFound
from core.hooks.call import Threads, call
from core.hooks.live import Doors

if TYPE_CHECKING:
    from core.session import Session

JSON, TEXT, BYTES = "application/json", "text/plain; charset=utf-8", "application/octet-stream"
SERVERS = frozenset({"content-length", "content-type", "transfer-encoding", "connection", "date", "server"})
"""Headers that are not the handler's to set."""
ACTIONS = ("create", "read", "update", "delete")


class LiveEndpoints:
    """The endpoints of a project from its opening to its end. `seconds`: how long a handler may take."""

    def __init__(self, project: str, endpoints: Iterable[Endpoint], doors: Doors, seconds: float) -> None:
        self._project = project
        self._by_mount = {one.mount: one for one in endpoints}
        self._doors = doors
        self._seconds = seconds
        self._threads = Threads()

    def find(self, method: str, path: tuple[str, ...]) -> tuple[Entry, Request]:
        """The entry for a path below the project, and the request as far as the path tells it.

        Raises NotFound, MethodNotAllowed.
        """
        endpoint = self._by_mount.get((path[0], path[1])) if len(path) > 1 else None
        below = "".join(f"/{segment}" for segment in path[2:])
        allowed: dict[str, None] = {}
        for entry, params in endpoint.find(below) if endpoint is not None else ():
            if method in entry.methods:
                return entry, Request(method, below or "/", params)
            allowed.update(dict.fromkeys(entry.methods))
        if not allowed:
            raise NotFound
        raise MethodNotAllowed(sorted(allowed))

    async def answer(self, session: Session, entry: Entry, request: Request, graphql: GraphQL) -> Response:
        """What the handler answers: its body as bytes or None. Raises core's errors as it does, HookFailed."""
        facts: Mapping[str, Any] = {"project": self._project, "endpoint": entry.source, "path": entry.path}
        found = await call(
            entry.handler, request, self._context(session, graphql), is_async=entry.is_async, seconds=self._seconds,
            threads=self._threads, **facts,
        )  # fmt: skip
        try:
            return _response(found)
        except (TypeError, ValueError, AttributeError) as error:
            structlog.get_logger().error("an endpoint has not answered what can be sent", exc_info=error, **facts)
            raise HookFailed from error

    def _context(self, session: Session, graphql: GraphQL) -> Context:
        actor, policy = session.actor, session.policy

        def may(collection: str, action: str, status: Any = None) -> bool:
            if action not in ACTIONS:
                raise ValueError(f"{action!r} is no action: {', '.join(ACTIONS)} are")
            if policy.admin:
                return True
            if status is None:
                return policy.any_level(collection, action) > NONE
            return int(getattr(policy.grant(collection, status), action)) > NONE

        deeper = replace(session, context=replace(session.context, depth=session.context.depth + 1))
        return Context(
            project=self._project,
            user=actor.user,
            role=actor.role,
            admin=actor.admin,
            now=session.context.now,
            items=self._doors(deeper, None, trusted=False),
            system=self._doors(deeper, None, trusted=True),
            graphql=graphql,
            may=may,
        )


def _response(found: Any) -> Response:
    """An answer ready to be sent. Raises TypeError, ValueError, AttributeError."""
    given = found if isinstance(found, Response) else Response(found, 204 if found is None else 200)
    if not 200 <= given.status <= 599:
        raise ValueError(f"{given.status} is no status")
    headers: dict[str, str] = {}
    for name, value in given.headers.items():
        low = name.lower()
        if any(not " " < sign <= "~" or sign in '()<>@,;:\\"/[]?={}' for sign in low) or not low:
            raise ValueError(f"{name!r} is no name of a header")
        if any(sign < " " and sign != "\t" for sign in value) or not value.isascii():
            raise ValueError(f"the header {name} has signs that it cannot have")
        if low not in SERVERS and not low.startswith("access-control-"):
            headers[low] = value
    body, media = given.body, given.media
    if isinstance(body, str):
        body, media = body.encode(), media or TEXT
    elif isinstance(body, bytes | bytearray | memoryview):
        body, media = bytes(body), media or BYTES
    elif body is not None:
        body, media = orjson.dumps(body, default=_plain, option=orjson.OPT_NON_STR_KEYS), media or JSON
    if media is not None and (not media.isascii() or any(sign < " " for sign in media)):
        raise ValueError(f"{media!r} is no media type")
    return Response(body if given.status not in (204, 304) else None, given.status, headers, media)


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"{type(value).__name__} cannot be sent")
