"""In charge of endpoints of extensions: `/:project/custom/<name>/…` in, what their handler answers out (spec 04 §8.3).

They are no operations: a handler is given a session and asks itself. Everything else is as for every request: project,
CORS, maintenance, who calls, the size of a body, how errors look.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any, Protocol

import structlog
from starlette.requests import ClientDisconnect

from core.endpoints.data import Request as Asked
from core.errors import HookFailed, MethodNotAllowed, NotFound, TabulariumError
from rest_adapter import body, effects, errors, session
from rest_adapter.adapter import Execute
from rest_adapter.reply import PRIVATE, Headers, Reply, error_reply
from rest_adapter.request import Request

MOUNTS = frozenset({"custom", "modules", "interfaces"})
"""First segments below a project (spec 04 §8.3)."""
NOSNIFF = (b"x-content-type-options", b"nosniff")


class Answer(Protocol):
    """Runs a GraphQL document for a visit: its members `data` and `errors`."""

    async def __call__(self, visit: Any, query: str, variables: Mapping[str, Any]) -> dict[str, Any]: ...


class Custom:
    """The endpoints of all projects. A plain ASGI application for requests that middleware has located."""

    def __init__(self, execute: Execute, answer: Answer) -> None:
        self._execute = execute
        self._answer = answer

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer one request, always."""
        request: Request = scope["tabularium.request"]
        request.receive = receive
        try:
            reply = await self._reply(request)
        except ClientDisconnect:
            return
        except MethodNotAllowed as error:
            allowed = [*error.allowed, *(["HEAD"] if "GET" in error.allowed else []), "OPTIONS"]
            reply = error_reply(errors.METHOD_NOT_ALLOWED, [(b"allow", ", ".join(allowed).encode())])
        except Exception as error:
            if not isinstance(error, TabulariumError):
                structlog.get_logger().error("error at an endpoint", exc_info=error, path=request.path[:2])
            named = errors.name_of(error, request.config)
            reply = error_reply(errors.answer(error), effects.of_error(error), named)
        await reply.send(send)

    async def _reply(self, request: Request) -> Reply:
        project: Any = request.project
        if not project.opened:
            await project.store()
        if project.endpoints is None:
            raise NotFound
        entry, asked = project.endpoints.find(request.method, request.path)
        where, base = await session.address(request), await session.base_url(request)
        visit = await self._execute.enter(
            project,
            await session.credentials(request),
            address=where,
            user_agent=request.header(b"user-agent") or "",
            base_url=base,
            counted=False,
        )
        sent = b"".join([chunk async for chunk in body.chunks(request, body.LIMIT)])
        try:
            found = await project.endpoints.answer(
                visit.session,
                entry,
                Asked(asked.method, asked.path, asked.params, request.params, _texts(request), sent, where, base),
                partial(self._graphql, visit),
            )
        except TabulariumError as error:
            if isinstance(error, HookFailed):
                await self._execute.reported(visit, error.__cause__ or error)
            look = errors.answer(error, public=visit.session.actor.public)
            reply = error_reply(look, named=errors.name_of(error, request.config))
            reply.headers += effects.headers(visit.session)
            return reply
        headers: Headers = [(name.encode(), value.encode()) for name, value in found.headers.items()]
        if found.media is not None and found.body is not None:
            headers.append((b"content-type", found.media.encode()))
        if "cache-control" not in found.headers:
            headers.append(PRIVATE)
        return Reply(found.status, found.body, [*headers, NOSNIFF, *effects.headers(visit.session)])

    async def _graphql(self, visit: Any, query: str, variables: Mapping[str, Any] | None = None) -> dict[str, Any]:
        return await self._answer(visit, query, variables or {})


def _texts(request: Request) -> dict[str, str]:
    return {name.decode("latin-1"): value.decode("latin-1") for name, value in request.headers.items()}
