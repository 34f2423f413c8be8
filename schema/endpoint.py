"""In charge of GraphQL over HTTP: `/:project/gql`, `/gql`, the explorer for browsers. Runs nothing by itself.

The rules are those of the GraphQL-over-HTTP specification where v8 said nothing, and v8's where it did (spec 01 §15.1):
answers are 200 with `errors` first, a body without `query` is a syntax error of an empty document.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from html import escape
from pathlib import Path
from typing import Any, Protocol

import orjson
import structlog
from graphql import GraphQLError, OperationType
from starlette.datastructures import Headers, QueryParams
from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse, Response
from starlette.staticfiles import StaticFiles
from starlette.types import Receive, Scope, Send

from core.errors import BadRequest, PayloadTooLarge, TabulariumError, Unauthorized
from core.files.upload import Upload
from schema import files, socket
from schema.arrival import Arrival, Arrive
from schema.documents import Document
from schema.execute import Outcome, Visit, enter, failed, may_upload, refused, server_visit
from schema.operation import (
    EMPTY_DOCUMENT,
    Asked,
    Malformed,
    NoDocument,
    asked_of,
    document_of,
    from_body,
    kind_of,
    members,
    run_asked,
)

GRAPHQL_JSON = "application/graphql-response+json"
JSON = "application/json"
ASSETS = Path(__file__).parent / "assets" / "graphiql"
ASSETS_PATH = "/gql/assets"
MAX_BODY = 10 * 1024 * 1024
"""Bytes of a body that is no form (spec 04 §13)."""
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


class Begun(Protocol):
    """An answer that is made while it is sent: an ASGI application."""

    @property
    def raw_headers(self) -> list[tuple[bytes, bytes]]: ...

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None: ...


class Refusal(Protocol):
    """How an error that has no place in a GraphQL answer looks over HTTP."""

    @property
    def status(self) -> int: ...

    @property
    def code(self) -> int | None: ...

    @property
    def message(self) -> str: ...


Refuse = Callable[[Exception], Refusal]
Tell = Callable[[Any, Sequence[Any]], list[tuple[bytes, bytes]]]
"""Takes a session of core (or None) and the effects of an outcome; gives headers."""
Begin = Callable[[Any, bytes, list[tuple[bytes, bytes]]], Awaitable[Begun]]
"""Makes an answer of a stream, the body in which its mark stands, and headers. Raises what the stream does."""


class Parts(Protocol):
    """A body of parts: texts and files, in their order. Whoever asks for it closes it."""

    @property
    def texts(self) -> list[tuple[str, str]]: ...

    @property
    def files(self) -> list[tuple[str, Upload]]: ...

    def close(self) -> None: ...


Take = Callable[[Scope, Receive, int, int], Awaitable[Parts]]
"""Takes a body of parts in: at most so many bytes of files, and so many files. Raises core's errors."""


class Endpoint:
    """The ASGI application of the GraphQL door to core's Projects.

    `arrive` reads credentials, project and address off the scope; `refuse` is the table of statuses; `tell` turns what
    an answer is beside its body into headers; `begin` sends lists while they are read, `take` takes files in. They
    belong to the other door, and are given so that the two agree.
    """

    def __init__(
        self,
        projects: Any,
        arrive: Arrive,
        refuse: Refuse,
        tell: Tell,
        begin: Begin | None = None,
        take: Take | None = None,
    ) -> None:
        self._projects = projects
        self._begin = begin
        self._take = take
        self._arrive = arrive
        self._refuse = refuse
        self._tell = tell
        self._sockets: Counter[str] = Counter()
        self._page = (ASSETS / "index.html").read_text("utf-8")
        self._files = StaticFiles(directory=ASSETS)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] == "websocket":
            await self._socket(scope, receive, send)
            return
        path = scope["path"].removeprefix(scope.get("root_path", ""))
        if path.startswith(ASSETS_PATH + "/"):
            await self._asset(scope, receive, send)
            return
        response = await self._respond(scope, receive)
        await response(scope, receive, send)

    async def _socket(self, scope: Scope, receive: Receive, send: Send) -> None:
        """A WebSocket; refused before it is accepted where there is no schema, or too many are open."""
        try:
            arrival = await self._arrive(scope)
        except TabulariumError:
            arrival = None
        project = arrival.project if arrival is not None else None
        if arrival is None or project is None or arrival.server:
            await send({"type": "websocket.close", "code": 4404, "reason": "Not Found"})
            return
        if self._sockets[project.key] >= project.config.get("graphql.max_sockets"):
            await send({"type": "websocket.close", "code": socket.LATER, "reason": "Too many sockets"})
            return
        self._sockets[project.key] += 1
        try:
            await socket.serve(scope, receive, send, arrival, self._enter)
        finally:
            self._sockets[project.key] -= 1

    async def _asset(self, scope: Scope, receive: Receive, send: Send) -> None:
        below = {**scope, "root_path": scope.get("root_path", "") + ASSETS_PATH}
        try:
            await self._files(below, receive, send)
        except HTTPException:
            await _json({"error": {"code": 1, "message": "Not Found"}}, 404)(scope, receive, send)

    async def _respond(self, scope: Scope, receive: Receive) -> Response | Begun:
        method = scope["method"]
        headers = Headers(scope=scope)
        query = QueryParams(scope["query_string"])
        try:
            if method == "GET" and "query" not in query:
                return self._explorer(scope) if _wants_page(headers) else _not_allowed()
            if method not in ("GET", "POST"):
                return _not_allowed()
            arrival = await self._arrive(scope)
            visit = await self._enter(arrival)
            effects: list[Any] = []
            response: Response | Begun
            parts: Parts | None = None
            try:
                if method == "GET":
                    response = await self._one(visit, _from_query(query), headers, effects, get=True)
                else:
                    if _is_multipart(headers) and self._take is not None:
                        parts = await self._parts(visit, scope, receive)
                    body = await _read(receive, headers) if parts is None else files.joined(parts.texts, parts.files)
                    if isinstance(body, list):
                        response = await self._several(visit, body, headers, effects)
                    else:
                        response = await self._one(visit, from_body(body), headers, effects)
            except NoDocument:
                response = _answer(refused([EMPTY_DOCUMENT]), headers)
            finally:
                if parts is not None:
                    parts.close()
            response.raw_headers.extend(self._tell(visit.session, effects))
            return response
        except Malformed as error:
            return _json({"errors": [{"message": error.message, "extensions": {"category": "graphql"}}]}, error.status)
        except Exception as error:
            if not isinstance(error, TabulariumError):
                structlog.get_logger().error("GraphQL request failed", exc_info=error)
            found = self._refuse(error)
            response = _json({"error": {"code": found.code, "message": found.message}}, found.status)
            if isinstance(error, TabulariumError):
                response.raw_headers.extend(self._tell(None, error.details.get("effects", ())))
            return response

    async def _parts(self, visit: Visit, scope: Scope, receive: Receive) -> Parts:
        """The parts of a request that brings files; not much of one whose caller may bring none."""
        assert self._take is not None
        most = MAX_BODY
        if visit.session is not None and may_upload(visit):
            most = max(most, visit.session.project.config.get("storage.max_upload_size"))
        return await self._take(scope, receive, most, visit.edition.documents.limits.batch)

    async def _enter(self, arrival: Arrival) -> Visit:
        if arrival.server:
            return server_visit(self._projects, address=arrival.address)
        if arrival.project is None:
            raise Unauthorized
        return await enter(
            arrival.project,
            arrival.credentials,
            address=arrival.address,
            user_agent=arrival.user_agent,
            base_url=arrival.base_url,
            remembered=arrival.remembered,
        )

    async def _one(
        self, visit: Visit, asked: Asked, headers: Headers, effects: list[Any], *, get: bool = False
    ) -> Response | Begun:
        visit, found = await document_of(visit, asked)
        if not isinstance(found, Document):
            return _answer(refused(found), headers)
        if kind_of(found, asked) is OperationType.SUBSCRIPTION:
            message = "Subscriptions are served over a WebSocket (graphql-transport-ws)."
            return _answer(refused([GraphQLError(message)]), headers)
        if get and kind_of(found, asked) is not OperationType.QUERY:
            message = "Only queries are run by GET; send this by POST."
            return _json({"errors": [{"message": message, "extensions": {"category": "graphql"}}]}, 405, allow="POST")
        visit, outcome = await run_asked(visit, found, asked, streams=self._begin is not None)
        effects += outcome.effects
        if outcome.stream is None or outcome.stream.mark is None:
            return _answer(outcome, headers)
        return await self._stream(outcome, headers)

    async def _stream(self, outcome: Outcome, headers: Headers) -> Response | Begun:
        """The answer whose list is sent while it is read."""
        assert self._begin is not None
        plain = _answer(outcome, headers)
        kept = [(name, value) for name, value in plain.raw_headers if name != b"content-length"]
        try:
            return await self._begin(outcome.stream, bytes(plain.body), kept)
        except TabulariumError as error:
            return _answer(failed(outcome, error), headers)

    async def _several(self, visit: Visit, body: list[Any], headers: Headers, effects: list[Any]) -> Response:
        """A list of requests, run one after the other."""
        most = visit.edition.documents.limits.batch
        if not body or len(body) > most:
            raise Malformed(f"A batch has from 1 to {most} operations.")
        answers: list[dict[str, Any]] = []
        for one in body:
            try:
                asked = from_body(one)
                visit, found = await document_of(visit, asked)
            except NoDocument:
                found = [EMPTY_DOCUMENT]
            if isinstance(found, Document):
                visit, outcome = await run_asked(visit, found, asked)
            else:
                outcome = refused(found)
            effects += outcome.effects
            answers.append(members(outcome))
        return _json(answers, 200, media=_media(headers))

    def _explorer(self, scope: Scope) -> Response:
        """GraphiQL, from our own files: no request leaves the machine."""
        root = scope.get("root_path", "")
        path = scope["path"] if scope["path"].startswith(root) else root + scope["path"]
        page = self._page.replace("{{assets}}", escape(root + ASSETS_PATH)).replace("{{endpoint}}", escape(path))
        return HTMLResponse(
            page,
            headers={
                "content-security-policy": POLICY,
                "x-content-type-options": "nosniff",
                "referrer-policy": "no-referrer",
                "cache-control": "no-cache",
                "vary": "Accept",
            },
        )


# What was sent


async def _read(receive: Receive, headers: Headers) -> Any:
    """The body as JSON. v8 did not look at the content type; text/plain, which any page may post, is not taken."""
    media = headers.get("content-type", "").partition(";")[0].strip().lower()
    if media in ("text/plain", "multipart/form-data"):
        raise Malformed("The body must be JSON.", 415)
    chunks: list[bytes] = []
    size = 0
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise BadRequest
        chunks.append(message.get("body", b""))
        size += len(chunks[-1])
        if size > MAX_BODY:
            raise PayloadTooLarge
        more = message.get("more_body", False)
    try:
        return orjson.loads(b"".join(chunks))
    except orjson.JSONDecodeError:
        if media == JSON or media.endswith("+json"):
            raise Malformed("The body is not valid JSON.") from None
        raise NoDocument from None


def _is_multipart(headers: Headers) -> bool:
    return headers.get("content-type", "").lower().lstrip().startswith("multipart/form-data")


def _from_query(query: QueryParams) -> Asked:
    return asked_of(
        query["query"], _loads(query, "variables"), query.get("operationName") or None, _loads(query, "extensions")
    )


def _loads(query: QueryParams, name: str) -> Any:
    text = query.get(name)
    if not text:
        return None
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        raise Malformed(f"`{name}` is not valid JSON.") from None


# What is answered


def _answer(outcome: Outcome, headers: Headers) -> Response:
    media = _media(headers)
    status = 400 if media == GRAPHQL_JSON and not outcome.executed else 200
    return _json(members(outcome), status, media=media)


def _json(content: Any, status: int, *, media: str = JSON, **headers: str) -> Response:
    return Response(
        orjson.dumps(content),
        status,
        headers={"cache-control": "private, no-store", "vary": "Accept", **headers},
        media_type=media,
    )


def _not_allowed() -> Response:
    return _json({"error": {"code": 6, "message": "Method Not Allowed"}}, 405, allow="GET, POST, OPTIONS")


def _media(headers: Headers) -> str:
    """The media type of the answer: the new one only for who names it before the old one."""
    weights = _accepted(headers)
    new, old = weights.get(GRAPHQL_JSON, 0.0), max(weights.get(JSON, 0.0), weights.get("*/*", 0.0) / 2)
    return GRAPHQL_JSON if new > 0 and new >= old else JSON


def _wants_page(headers: Headers) -> bool:
    return _accepted(headers).get("text/html", 0.0) > 0


def _accepted(headers: Headers) -> dict[str, float]:
    found: dict[str, float] = {}
    for part in headers.get("accept", "").split(","):
        name, *parameters = (piece.strip().lower() for piece in part.split(";"))
        weight = 1.0
        for parameter in parameters:
            if parameter.startswith("q="):
                try:
                    weight = float(parameter[2:])
                except ValueError:
                    weight = 0.0
        found[name] = weight
    return found
