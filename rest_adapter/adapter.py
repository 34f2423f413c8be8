"""In charge of answering a request of the route table: find the row, read the body, enter, run one operation, wrap.

What any of these means is told elsewhere; nothing here knows a family of routes but the check of collection names.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from time import perf_counter
from typing import Any, Protocol

import orjson
import structlog
from graphql import GraphQLError
from starlette.requests import ClientDisconnect

from core.auth.credentials import NONE, Credentials
from core.errors import (
    DatabaseUnavailable,
    InvalidPayload,
    MethodNotAllowed,
    NotFound,
    QueryFailed,
    TabulariumError,
    Unauthorized,
    Unprocessable,
)
from rest_adapter import body, effects, envelope, errors, items, kept, multipart, scim, session, streams, uploads
from rest_adapter.call import Call
from rest_adapter.operation import Operation, operation
from rest_adapter.reply import JSON_TYPE, UNKEPT, Reply, body_reply, error_reply, json_reply, text_reply
from rest_adapter.request import Request
from rest_adapter.route import EXPORT, FILE, PROJECTS, Route, Router, Variants, without_project
from rest_adapter.session import Projects
from rest_adapter.streams import Streaming
from schema.execute import REPEATS

DIGITS = re.compile(r"[0-9]+(,[0-9]+)*")
NUMBER = re.compile(r"[0-9]+")
FILES = "directus_files"
MOST_DOCUMENTS = 2000
"""Documents kept per edition: routes times collections times sets of parameters."""


class Execute(Protocol):
    """The door of the schema, as `schema.execute` offers it."""

    async def enter(self, project: Any, credentials: Credentials, **facts: Any) -> Any: ...

    async def renewed(self, visit: Any) -> Any: ...

    async def again(self, visit: Any, outcome: Any) -> Any: ...

    async def answered(self, visit: Any, members: dict[str, Any], request: Mapping[str, Any]) -> dict[str, Any]: ...

    async def heard(self, visit: Any, answer: Mapping[str, Any], data: Any) -> None: ...

    def looked_at(self, visit: Any) -> bool: ...

    def may_upload(self, visit: Any) -> bool: ...

    async def reported(self, visit: Any, error: BaseException) -> None: ...

    async def kept(self, visit: Any, words: Any, *, refresh: bool = False) -> Any: ...

    def server_visit(self, projects: Any, *, address: str = "") -> Any: ...

    async def run(self, visit: Any, document: Any, variables: Mapping[str, Any], *, streams: bool) -> Any: ...


class Adapter:
    """The REST door of all projects. A plain ASGI application for requests that middleware has located."""

    def __init__(self, routes: Iterable[Route], projects: Projects, execute: Execute) -> None:
        rows = tuple(routes)
        self._global = Router(row for row in rows if row.steps[:1] and row.steps[0] in session.GLOBAL)
        self._below_project = Router(row for row in rows if not row.steps[:1] or row.steps[0] not in session.GLOBAL)
        self._projects = projects
        self._execute = execute

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer one request, always."""
        request: Request = scope["tabularium.request"]
        request.receive = receive
        try:
            reply = await self._answer(request)
        except ClientDisconnect:
            return
        if isinstance(reply, Streaming):
            await reply(request.scope, receive, send)
        else:
            await reply.send(send)

    async def _answer(self, request: Request) -> Reply | Streaming:
        try:
            methods, values = self._find(request)
            variants = methods.get(request.method)
            if variants is None:
                allow = [(b"allow", _allowed(methods))]
                if scim.concerns(request):
                    return scim.refused(request, MethodNotAllowed(methods), public=True, headers=allow)
                return error_reply(errors.METHOD_NOT_ALLOWED, allow)
        except TabulariumError as error:
            if scim.concerns(request):
                return scim.refused(request, error, public=True)
            return error_reply(errors.answer(error), named=errors.name_of(error, request.config))
        return await self._run(request, variants, values)

    def _find(self, request: Request) -> tuple[Mapping[str, Variants], list[str]]:
        """The rows of the path (spec 04 §1.1, 1.2). Raises Unauthorized where there is no project to ask, NotFound."""
        if request.is_global:
            methods, values = self._global.find(request.called)
            if request.project is None and not without_project(request.called):
                raise Unauthorized
            if request.project is not None and request.called == PROJECTS:
                raise NotFound
        else:
            methods, values = self._below_project.find(request.path)
            if request.project is None:
                raise Unauthorized
            if methods and request.method not in methods:
                other, of_other = self._below_project.find_for(request.path, request.method)
                methods, values = (other, of_other) if other else (methods, values)
        if not methods:
            raise NotFound
        return methods, values

    async def _run(self, request: Request, variants: Variants, values: list[str]) -> Reply | Streaming:
        call = Call(variants.some, request)
        reply = await self._called(call, variants, values)
        if call.visit is not None and self._execute.looked_at(call.visit):
            await self._execute.heard(call.visit, _facts(call, reply), call.members)
        return reply

    async def _called(self, call: Call, variants: Variants, values: list[str]) -> Reply | Streaming:
        request = call.request
        began = perf_counter()
        visit: Any = None
        turn: Any = None
        try:
            body_token = await self._choose(call, variants, values)
            visit = first = await self._enter(call, body_token)
            call.visit = visit
            entered = perf_counter()
            turn = await kept.find(self._execute, visit, call)
            if isinstance(turn, bytes):
                ready = body_reply(request, turn)
                ready.headers += effects.headers(visit.session, ())
                ready.headers.append(_timing(began, entered, perf_counter()))
                return ready
            call.read_parameters()
            if call.route.body == FILE and request.project is not None:
                await self._receive(call, request.project)
            arguments = call.arguments()
            if "page" in call.counts:
                call.base_url = await session.base_url(request)
            root, outcome = await self._perform(visit, call, arguments)
            for _ in range(REPEATS):
                if not outcome.errors or (fresh := await self._execute.again(visit, outcome)) is visit:
                    break
                visit = fresh
                root, outcome = await self._perform(visit, call, arguments)
            ran = perf_counter()
            if outcome.errors:
                error = outcome.errors[0].error
                if isinstance(error, GraphQLError):
                    raise error  # a document of ours is wrong
                return self._refused(error, call, visit, outcome.effects, wrapped=call.route.wrapped)
            reply, plain = await self._reply(call, visit, outcome, outcome.data[root])
            if turn is not None and not outcome.lasting:
                turn.pass_by()
            elif turn is not None and visit is first and isinstance(reply, Reply) and reply.content is not None:
                await turn.keep(reply.content, outcome.tags)
            if not plain:
                reply.headers += effects.headers(visit.session, outcome.effects)
                reply.headers.append(_timing(began, entered, ran))
            return reply
        except ClientDisconnect:
            raise
        except Exception as error:
            if not isinstance(error, TabulariumError):
                _log("error in the REST adapter", error, call)
                await self._execute.reported(visit, error)
            return self._refused(error, call, visit)
        finally:
            if call.upload is not None:
                call.upload.close()
            if turn is not None and not isinstance(turn, bytes):
                turn.leave()

    async def _choose(self, call: Call, variants: Variants, values: list[str]) -> str | None:
        """Set the row that fits the ids and the body, and what they say. Answers the body's `access_token`.

        Raises what is wrong with a body, SystemCollectionAccess, or the error of a form that the route does not know.
        """
        several = variants.named and "," in values[-1]
        token, form = None, None
        if variants.some.digits and not (DIGITS if variants.named else NUMBER).fullmatch(values[-1]):
            raise NotFound
        with_file = variants.with_body and (several, FILE) in variants.rows
        if with_file and multipart.is_multipart(call.request):
            form = FILE
        elif variants.with_body:
            limit = variants.some.limit or body.LIMIT
            if with_file and uploads.is_large(call.request):
                limit = await self._most(call)
            call.payload = await _body(call.request, limit, lenient=variants.some.lenient)
            if isinstance(call.payload, dict) and call.request.method == "POST" and not variants.some.anonymous:
                token = await _taken(call)
            form, call.payload = items.form(call.payload, variants.some.of or (values[0] if values else None))
        elif variants.some.body == FILE:
            form = FILE
        elif variants.with_export and call.request.query and EXPORT in call.request.params:
            form = EXPORT
        route = variants.rows.get((several, form))
        if route is None:
            raise Unprocessable("The form of the body does not fit the ids of the path")
        call.route = route
        call.collection = route.of
        named = zip(route.placeholders, values, strict=True)
        call.values = {name: value for name, value in named if not name.startswith("_")}
        if route.of_path:
            call.collection = call.values.pop("collection")
            items.refuse_system(call.collection or "")
        if several and "ids" in call.values:
            call.values["ids"] = call.values["ids"].split(",")
        return token

    async def _most(self, call: Call) -> int:
        """Bytes of a body in which a file may stand as text: more than of others, for those who may bring files."""
        visit = await self._enter(call, None)
        project = call.request.project
        if project is None or not self._execute.may_upload(visit):
            return body.LIMIT
        return max(body.LIMIT, uploads.text_limit(project.config.get("storage.max_upload_size")))

    async def _receive(self, call: Call, project: Any) -> None:
        """Take the body in: a file to import, or one to keep with what is said of it."""
        if call.route.of != FILES:
            call.upload = await uploads.received(call.request, project.config.get("imports.max_size"))
            return
        limit = project.config.get("storage.max_upload_size")
        if not self._execute.may_upload(call.visit):
            limit = min(limit, body.LIMIT)  # what is refused anyway need not be taken in
        call.attributes, call.upload = await uploads.file_of(call.request, limit)

    async def _enter(self, call: Call, body_token: str | None) -> Any:
        """The visit: who calls, on which edition. Raises what the door does, CollectionNotFound, the row's `refuse`."""
        request, route = call.request, call.route
        if route.of_server or request.project is None:
            return self._execute.server_visit(self._projects, address=await session.address(request))
        presented = await session.credentials(request, body_token)
        visit = await self._execute.enter(
            request.project,
            NONE if route.anonymous else presented,
            presented=presented,
            address=await session.address(request),
            user_agent=request.header(b"user-agent") or "",
            base_url=await session.base_url(request),
            remembered=await session.remembered(request) if route.anonymous else None,
            collection=call.collection,
            check_address=not route.anonymous,
            stamped=kept.may_be(route, request),
        )
        if route.of_path:
            if call.collection not in visit.session.snapshot.collections:
                visit = await self._execute.renewed(visit)
            items.require(call.collection or "", visit.session.snapshot)
        if route.refuse is not None:
            raise route.refuse()
        return visit

    async def _perform(self, visit: Any, call: Call, arguments: Mapping[str, Any]) -> tuple[str, Any]:
        """Run the call's operation on the edition of the visit: the key of its result, and what came of it."""
        ready = self._operation(visit.edition, call, arguments)
        assert call.route.answer is not None
        streams = call.route.answer.streams and not call.single
        return ready.root, await self._execute.run(visit, ready.document, arguments, streams=streams)

    async def _reply(self, call: Call, visit: Any, outcome: Any, found: Any) -> tuple[Reply | Streaming, bool]:
        """The answer that the result of an operation makes, and whether it is plain text. Raises what a stream does
        that cannot begin."""
        stream = outcome.stream
        assert call.route.answer is not None
        if stream is not None and call.route.answer.sent is not None:
            return await call.route.answer.sent(call, stream), False
        if stream is not None and stream.mark is None:
            return await streams.begun(stream, streams.of_file(stream.media, stream.filename)), False
        if stream is not None and call.meta and "result_count" in call.meta:
            call.results = await (_counted(stream) if stream.uneven else stream.count())
        members = call.route.answer.wrap(call, found)
        if isinstance(members, str):
            return text_reply(members), True
        if call.route.answer.reply is not None:
            if members and self._execute.looked_at(visit):
                asked = {"method": call.request.method, "path": call.path}
                call.members = members = await self._execute.answered(visit, members, asked)
            return call.route.answer.reply(call, found, members), False
        public = call.route.anonymous or visit.session.actor.public
        members = envelope.complete(members, outcome.warnings, public=public)
        if stream is None:
            if self._execute.looked_at(visit):
                asked = {"method": call.request.method, "path": call.path}
                call.members = members = await self._execute.answered(visit, members, asked)
            return json_reply(call.request, members), False
        body = orjson.dumps(members)
        pieces = streams.spliced(body, stream.mark, envelope.shown)
        return await streams.begun(stream, [JSON_TYPE, UNKEPT], pieces), False

    @staticmethod
    def _operation(edition: Any, call: Call, arguments: Mapping[str, Any]) -> Operation:
        """The document of the call, remembered with the edition."""
        known: dict[Any, Operation] = edition.adapter
        counts = call.counts
        key = (call.route, call.collection, counts, *arguments)
        found = known.get(key)
        if found is None:
            if len(known) >= MOST_DOCUMENTS:
                known.clear()
            found = known[key] = operation(
                edition.schema, edition.names, call.route, call.collection, tuple(arguments), counts
            )
        return found

    @staticmethod
    def _refused(error: Exception, call: Call, visit: Any, told: Iterable[Any] = (), *, wrapped: bool = False) -> Reply:
        here = visit.session if visit is not None else None
        public = here is None or here.actor.public
        if isinstance(error, QueryFailed) and not isinstance(error, DatabaseUnavailable):
            _log("statement refused by the database", error, call)  # the client is told no more than that
        if scim.concerns(call.request):
            reply = scim.refused(call.request, error, public=public)
            reply.headers += effects.headers(here)
            return reply
        look = errors.answer(error, call.route.denied, public=public, single=bool(call.single))
        named = errors.name_of(error, call.request.config)
        reply = error_reply(errors.wrapped(look, error) if wrapped else look, named=named)
        reply.headers += effects.headers(here, told) if here is not None else effects.of_error(error)
        return reply


def _facts(call: Call, reply: Reply | Streaming) -> dict[str, Any]:
    """What hooks are told of an answer; the size of what is sent while it is read is not known."""
    facts = {"path": call.path, "query": call.request.query, "method": call.request.method}
    if isinstance(reply, Reply):
        return {**facts, "status": reply.status, "size": len(reply.body or b"")}
    return {**facts, "status": reply.status, "size": None}


async def _counted(stream: Any) -> int:
    """How many items of a list are shown, where only the items themselves tell: it is read once for this alone."""
    async with stream.open() as chunks:
        return sum([len(envelope.shown(chunk)) async for chunk in chunks])


async def _body(request: Request, limit: int, *, lenient: bool) -> body.Payload:
    try:
        return await body.read(request, limit=limit)
    except InvalidPayload:
        if lenient:
            return {}
        raise


def _log(event: str, error: Exception, call: Call) -> None:
    structlog.get_logger().error(event, exc_info=error, method=call.route.method, route=call.route.path)


async def _taken(call: Call) -> str | None:
    """`access_token` of a body, taken out of it, where no other credential is there (spec 02 §4.1)."""
    assert isinstance(call.payload, dict)
    request = call.request
    if b"authorization" in request.headers or request.params.get("access_token"):
        return None
    value = call.payload.get("access_token")
    if not isinstance(value, str) or not value:
        return None
    if b"cookie" in request.headers and await session.own_cookie(request) is not None:
        return None
    del call.payload["access_token"]
    return value


def _allowed(methods: Mapping[str, Variants]) -> bytes:
    names = sorted(methods)
    return ", ".join([*names, *(["HEAD"] if "GET" in names else []), "OPTIONS"]).encode()


def _timing(began: float, entered: float, ran: float) -> tuple[bytes, bytes]:
    """Milliseconds of the three steps, as browsers show them (`Server-Timing`)."""
    ended = perf_counter()
    return (
        b"server-timing",
        b"enter;dur=%.2f, run;dur=%.2f, json;dur=%.2f"
        % ((entered - began) * 1e3, (ran - entered) * 1e3, (ended - ran) * 1e3),
    )
