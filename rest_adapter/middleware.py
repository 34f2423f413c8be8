"""In charge of what is the same for every request of both doors: its project, CORS, HEAD, the overridden method.

A plain ASGI application in front of the two; it runs no operation.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

from core.context import Allowance
from core.errors import Maintenance, TabulariumError
from core.settings import CorsConfig
from rest_adapter import cors, effects, errors, session
from rest_adapter.admin import ADMIN
from rest_adapter.custom import MOUNTS
from rest_adapter.reply import JSON_TYPE, TEXT_TYPE, Reply, error_reply
from rest_adapter.request import Rates, Request
from rest_adapter.session import Projects

App = Callable[..., Any]
Paused = Callable[[Any], bool]
"""Takes a Project of core."""

WITHOUT_PROJECT = CorsConfig()
OVERRIDES = frozenset({"PATCH", "DELETE"})
GRAPHQL = "gql"
EXTENSIONS = "extensions"
NOT_HERE = 4404
"""Close code; before the handshake a server makes 403 of it, whatever it is."""


class Middleware:
    """`rest` answers what `graphql` (`/gql`, `/:project/gql`), `extensions` (`/extensions/…`) and `custom` do not.

    `custom`: the endpoints of extensions. `admin`: `/admin/…`.

    `paused`: a project is in maintenance.
    """

    def __init__(
        self,
        projects: Projects,
        rest: App,
        graphql: App | None = None,
        paused: Paused | None = None,
        extensions: App | None = None,
        custom: App | None = None,
        admin: App | None = None,
    ) -> None:
        self._projects = projects
        self._rest = rest
        self._graphql = graphql
        self._paused = paused
        self._extensions = extensions
        self._custom = custom
        self._admin = admin

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Pass a request on, with the facts of it in the scope under "tabularium.request"."""
        if scope["type"] == "websocket":
            await self._socket(dict(scope), receive, send)
            return
        if scope["type"] != "http":
            return
        method = scope["method"]
        scope = dict(scope)
        request = Request(scope)
        scope["tabularium.request"] = request
        try:
            session.locate(request, self._projects)
        except TabulariumError as error:
            await error_reply(errors.answer(error), cors.actual(WITHOUT_PROJECT, request.header(b"origin"))).send(send)
            return
        config = request.project.config.cors if request.project is not None else WITHOUT_PROJECT
        origin = request.header(b"origin")
        if method == "OPTIONS":
            await Reply(200, b"", [TEXT_TYPE, *cors.preflight(config, origin)]).send(send)
            return
        if method == "HEAD":
            scope["method"] = request.method = "GET"
            scope["tabularium.bodiless"] = True  # what is sent while it is made need not be made
        elif method == "POST":
            override = (request.header(b"x-http-method-override") or "").strip().upper()
            if override in OVERRIDES:
                scope["method"] = request.method = override
        extra = cors.actual(config, origin, known=request.project is not None)
        answer = _with_headers(send, extra, bodiless=method == "HEAD")
        if request.project is not None and request.project.rates is not None:
            try:
                allowance = await _counted(request, request.project.rates)
            except TabulariumError as error:
                await error_reply(errors.answer(error), effects.of_error(error)).send(answer)
                return
            answer = _limited(answer, allowance)
        await self._pass(request, receive, answer)

    async def _socket(self, scope: Any, receive: Any, send: Any) -> None:
        """A WebSocket: only GraphQL has some, and refuses what it does not know itself."""
        request = Request(scope)
        scope["tabularium.request"] = request
        with suppress(TabulariumError):
            session.locate(request, self._projects)
        project = request.project
        paused = project is not None and self._paused is not None and self._paused(project)
        if self._graphql is None or paused or not _for_graphql(request.called) or not await _may_open(request):
            await send({"type": "websocket.close", "code": NOT_HERE, "reason": "Not Found"})
            return
        await self._graphql(scope, receive, send)

    async def _pass(self, request: Request, receive: Any, send: Any) -> None:
        project = request.project
        if project is not None and self._paused is not None and self._paused(project):
            await error_reply(errors.answer(Maintenance())).send(send)
        elif self._graphql is not None and _for_graphql(request.called):
            await self._graphql(request.scope, receive, send)
        elif not request.called:
            await _root(request).send(send)
        elif self._admin is not None and request.called[0] == ADMIN:
            await self._admin(request.scope, receive, send)
        elif self._extensions is not None and request.called[0] == EXTENSIONS:
            await self._extensions(request.scope, receive, send)
        elif self._custom is not None and project is not None and _is_custom(request):
            await self._custom(request.scope, receive, send)
        else:
            await self._rest(request.scope, receive, send)


async def _counted(request: Request, rates: Rates) -> Allowance:
    """Count a request of its address (spec 04 §10). Raises TooManyRequests, DatabaseUnavailable."""
    return await rates.of_address(await session.address(request))


async def _may_open(request: Request) -> bool:
    """Whether the address may open one more WebSocket: that is a request as well."""
    if request.project is None or request.project.rates is None:
        return True
    try:
        await _counted(request, request.project.rates)
    except TabulariumError:
        return False
    return True


def _limited(send: App, allowance: Allowance) -> App:
    """`send` with the headers of the address's limit, where the answer has none of its user's."""

    async def answer(message: Any) -> None:
        if message["type"] == "http.response.start":
            headers = list(message.get("headers", ()))
            if all(name != effects.LIMIT for name, _ in headers):
                headers += effects.of_allowance(allowance)
            message["headers"] = headers
        await send(message)

    return answer


def _root(request: Request) -> Reply:
    """`/` leads to the admin app (spec 01 §11.4)."""
    if request.method != "GET":
        return error_reply(errors.METHOD_NOT_ALLOWED, [(b"allow", b"GET, HEAD, OPTIONS")])
    return Reply(302, b'{"public":true}', [JSON_TYPE, (b"location", b"./admin/")])


def _for_graphql(called: tuple[str, ...]) -> bool:
    """`/gql`, `/:project/gql`, and the files of the explorer."""
    return (called[-1:] == (GRAPHQL,) and len(called) <= 2) or called[:2] == (GRAPHQL, "assets")


def _is_custom(request: Request) -> bool:
    """An endpoint of an extension: `/:project/custom/<name>`, `/:project/modules/<id>` and the like."""
    return not request.is_global and len(request.path) > 1 and request.path[0] in MOUNTS


def _with_headers(send: Any, extra: cors.Headers, *, bodiless: bool) -> Any:
    async def answer(message: Any) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*message.get("headers", ()), *extra]
        elif bodiless and message["type"] == "http.response.body":
            message["body"] = b""
        await send(message)

    return answer
