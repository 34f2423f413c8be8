"""In charge of GraphQL over HTTP: `/:project/gql`, `/gql`, the explorer for browsers. Runs nothing by itself.

The rules are those of the GraphQL-over-HTTP specification where v8 said nothing, and v8's where it did (spec 01 §15.1):
answers are 200 with `errors` first, a body without `query` is a syntax error of an empty document.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any, Protocol

import orjson
import structlog
from graphql import GraphQLError, OperationType, Source
from starlette.datastructures import Headers, QueryParams
from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse, Response
from starlette.staticfiles import StaticFiles
from starlette.types import Receive, Scope, Send

from core.errors import BadRequest, PayloadTooLarge, TabulariumError, Unauthorized
from schema.documents import Document
from schema.execute import Outcome, Visit, again, enter, refused, renewed, run_document, server_visit

GRAPHQL_JSON = "application/graphql-response+json"
JSON = "application/json"
ASSETS = Path(__file__).parent / "assets" / "graphiql"
ASSETS_PATH = "/gql/assets"
MAX_BODY = 4 * 1024 * 1024
MEMBERS = frozenset({"query", "variables", "operationName", "extensions", "id"})
EMPTY_DOCUMENT = GraphQLError("Syntax Error: Unexpected <EOF>", source=Source(""), positions=[0])
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


@dataclass(frozen=True, slots=True)
class Arrival:
    """What HTTP tells of a request: for which Project of core (None: unknown), with which credentials, from where.

    `server`: the request is for the schema that needs no project.
    """

    project: Any
    server: bool
    credentials: Any
    address: str = ""
    user_agent: str = ""
    base_url: str = ""


class Refusal(Protocol):
    """How an error that has no place in a GraphQL answer looks over HTTP."""

    @property
    def status(self) -> int: ...

    @property
    def code(self) -> int | None: ...

    @property
    def message(self) -> str: ...


Arrive = Callable[[Scope], Awaitable[Arrival]]
Refuse = Callable[[Exception], Refusal]
Tell = Callable[[Any, Sequence[Any]], list[tuple[bytes, bytes]]]
"""Takes a session of core (or None) and the effects of an outcome; gives headers."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One operation as a client sent it."""

    query: str
    variables: Mapping[str, Any]
    operation_name: str | None = None


class Malformed(Exception):
    """The request is no GraphQL request: 400 whatever is accepted, 415 for a media type that is not taken."""

    def __init__(self, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.message, self.status = message, status


class NoDocument(Exception):
    """There is nothing to parse, which v8 answers as a syntax error."""


class Endpoint:
    """The ASGI application of the GraphQL door to core's Projects.

    `arrive` reads credentials, project and address off the scope; `refuse` is the table of statuses; `tell` turns what
    an answer is beside its body into headers. They belong to the other door, and are given so that the two agree.
    """

    def __init__(self, projects: Any, arrive: Arrive, refuse: Refuse, tell: Tell) -> None:
        self._projects = projects
        self._arrive = arrive
        self._refuse = refuse
        self._tell = tell
        self._page = (ASSETS / "index.html").read_text("utf-8")
        self._files = StaticFiles(directory=ASSETS)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await _close(scope, receive, send)
            return
        path = scope["path"].removeprefix(scope.get("root_path", ""))
        if path.startswith(ASSETS_PATH + "/"):
            await self._asset(scope, receive, send)
            return
        response = await self._respond(scope, receive)
        await response(scope, receive, send)

    async def _asset(self, scope: Scope, receive: Receive, send: Send) -> None:
        below = {**scope, "root_path": scope.get("root_path", "") + ASSETS_PATH}
        try:
            await self._files(below, receive, send)
        except HTTPException:
            await _json({"error": {"code": 1, "message": "Not Found"}}, 404)(scope, receive, send)

    async def _respond(self, scope: Scope, receive: Receive) -> Response:
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
            try:
                if method == "GET":
                    response = await self._one(visit, _from_query(query), headers, effects, get=True)
                elif isinstance(body := await _read(receive, headers), list):
                    response = await self._several(visit, body, headers, effects)
                else:
                    response = await self._one(visit, _from_body(body), headers, effects)
            except NoDocument:
                response = _answer(refused([EMPTY_DOCUMENT]), headers)
            response.raw_headers += self._tell(visit.session, effects)
            return response
        except Malformed as error:
            return _json({"errors": [{"message": error.message, "extensions": {"category": "graphql"}}]}, error.status)
        except Exception as error:
            if not isinstance(error, TabulariumError):
                structlog.get_logger().error("GraphQL request failed", exc_info=error)
            found = self._refuse(error)
            return _json({"error": {"code": found.code, "message": found.message}}, found.status)

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
        )

    async def _one(
        self, visit: Visit, asked: Asked, headers: Headers, effects: list[Any], *, get: bool = False
    ) -> Response:
        visit, found = await _document(visit, asked)
        if not isinstance(found, Document):
            return _answer(refused(found), headers)
        if get and _kind(found, asked) is not OperationType.QUERY:
            message = "Only queries are run by GET; send this by POST."
            return _json({"errors": [{"message": message, "extensions": {"category": "graphql"}}]}, 405, allow="POST")
        visit, outcome = await _run(visit, found, asked)
        effects += outcome.effects
        return _answer(outcome, headers)

    async def _several(self, visit: Visit, body: list[Any], headers: Headers, effects: list[Any]) -> Response:
        """A list of requests, run one after the other."""
        most = visit.edition.documents.limits.batch
        if not body or len(body) > most:
            raise Malformed(f"A batch has from 1 to {most} operations.")
        answers: list[dict[str, Any]] = []
        for one in body:
            try:
                asked = _from_body(one)
                visit, found = await _document(visit, asked)
            except NoDocument:
                found = [EMPTY_DOCUMENT]
            if isinstance(found, Document):
                visit, outcome = await _run(visit, found, asked)
            else:
                outcome = refused(found)
            effects += outcome.effects
            answers.append(_members(outcome))
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


async def _document(visit: Visit, asked: Asked) -> tuple[Visit, Document | list[GraphQLError]]:
    """The document on the visit's edition; when a name is missing while the schema changes, on the next one."""
    hide = not visit.admin
    found = await visit.edition.documents.find(asked.query, hide_suggestions=hide)
    session = visit.session
    if session is None or not _touches_change(visit, found, asked):
        return visit, found
    fresh = await renewed(visit)
    if fresh is visit:
        return visit, found
    return fresh, await fresh.edition.documents.find(asked.query, hide_suggestions=hide)


def _touches_change(visit: Visit, found: Document | list[GraphQLError], asked: Asked) -> bool:
    session, names = visit.session, visit.edition.names
    if session is None or names is None:
        return False
    if not isinstance(found, Document):
        return True  # waits only while something changes
    try:
        roots = found.operation(asked.operation_name).roots
    except GraphQLError:
        return False
    return any(session.project.changing(names.roots[root]) for root in roots if root in names.roots)


async def _run(visit: Visit, document: Document, asked: Asked) -> tuple[Visit, Outcome]:
    """Run it, once more on the next edition when the schema has changed under it (never what was written before)."""
    outcome = await run_document(visit, document, asked.variables, asked.operation_name)
    if not outcome.errors or not _repeatable(document, asked, outcome):
        return visit, outcome
    fresh = await again(visit, outcome)
    if fresh is visit:
        return visit, outcome
    found = await fresh.edition.documents.find(asked.query, hide_suggestions=not fresh.admin)
    if not isinstance(found, Document):
        return fresh, refused(found)
    return fresh, await run_document(fresh, found, asked.variables, asked.operation_name)


def _repeatable(document: Document, asked: Asked, outcome: Outcome) -> bool:
    """Whether nothing was written by it: a query, or a mutation whose one field failed."""
    if _kind(document, asked) is OperationType.QUERY:
        return True
    return outcome.data is not None and len(outcome.data) == 1


def _kind(document: Document, asked: Asked) -> OperationType:
    try:
        return document.operation(asked.operation_name).kind
    except GraphQLError:
        return OperationType.QUERY  # running it will say what is wrong


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


def _from_body(body: Any) -> Asked:
    if not isinstance(body, dict):
        raise NoDocument
    query = body.get("query")
    if query is None and body and not body.keys() & MEMBERS:
        raise Malformed("The body has no `query`.")
    return _asked(query, body.get("variables"), body.get("operationName"), body.get("extensions"))


def _from_query(query: QueryParams) -> Asked:
    return _asked(
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


def _asked(query: Any, variables: Any, operation_name: Any, extensions: Any) -> Asked:
    if query is not None and not isinstance(query, str):
        raise Malformed("`query` must be a string.")
    if operation_name is not None and not isinstance(operation_name, str):
        raise Malformed("`operationName` must be a string.")
    if variables == []:  # what PHP makes of an empty map
        variables = None
    if variables is not None and not isinstance(variables, dict):
        raise Malformed("`variables` must be an object.")
    if extensions is not None and not isinstance(extensions, dict):
        raise Malformed("`extensions` must be an object.")
    if not query or not query.strip():
        raise NoDocument
    return Asked(query, variables or {}, operation_name or None)


# What is answered


def _members(outcome: Outcome) -> dict[str, Any]:
    """The answer's members, `errors` first as in v8."""
    found: dict[str, Any] = {}
    if outcome.errors:
        found["errors"] = [error.formatted() for error in outcome.errors]
    if outcome.executed:
        found["data"] = outcome.data
    if outcome.warnings:
        found["extensions"] = {
            "warnings": [
                {"code": one.code, "message": one.message, "collection": one.collection, "fields": list(one.fields)}
                for one in dict.fromkeys(outcome.warnings)
            ]
        }
    return found


def _answer(outcome: Outcome, headers: Headers) -> Response:
    media = _media(headers)
    status = 400 if media == GRAPHQL_JSON and not outcome.executed else 200
    return _json(_members(outcome), status, media=media)


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


async def _close(scope: Scope, receive: Receive, send: Send) -> None:
    """Refuse a WebSocket; ignore everything else that is no request."""
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.close", "code": 4400, "reason": "WebSockets are not served here"})
