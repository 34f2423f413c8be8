"""In charge of GraphQL over WebSocket: the protocol graphql-transport-ws, its limits and its close codes. No HTTP.

Queries, mutations and subscriptions run over one socket, each under the rights that its caller has at that moment. A
client that does not read is not waited for: what it is told queues up to a bound, then the socket is closed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import replace
from typing import Any

import orjson
import structlog
from graphql import GraphQLError, OperationType

from core.errors import TabulariumError, Unauthorized
from resolvers.errors import formatted
from schema.arrival import Arrival
from schema.documents import Document
from schema.execute import Ended, Subscriber, Visit, entrance, still_valid, unsubscribe
from schema.operation import Malformed, NoDocument, asked_of, begin, document_of, errors_of, kind_of, members, run_asked

PROTOCOL = "graphql-transport-ws"
MOST_BYTES = 1024 * 1024
INIT_WITHIN = 10.0
IDLE = 300.0
"""Seconds without any operation after which a socket is closed."""
CHECK_EVERY = 30.0
"""Seconds between two looks whether the caller may still be here."""
MOST_UNSENT = 500
"""Messages that wait for a client that does not read."""
GIVE_UP = 2.0
"""Seconds in which a client that is told good-bye must read it."""

AWAY, INTERNAL, TOO_BIG, LATER = 1001, 1011, 1009, 1013
BAD, UNAUTHORIZED, FORBIDDEN, NO_PROTOCOL, INIT_TIMEOUT, TAKEN, INIT_AGAIN = 4400, 4401, 4403, 4406, 4408, 4409, 4429

Enter = Callable[[Arrival], Awaitable[Visit]]
Message = dict[str, Any]


class Closing(Exception):
    """The socket ends with this code."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code, self.reason = code, reason


async def serve(scope: Any, receive: Any, send: Any, arrival: Arrival, enter: Enter) -> None:
    """Serve one socket from its handshake to its end. `enter`: lets the arrival in, raises what the door does."""
    await receive()
    if PROTOCOL not in scope.get("subprotocols", ()):
        await send({"type": "websocket.accept"})
        await send({"type": "websocket.close", "code": NO_PROTOCOL, "reason": "Subprotocol not acceptable"})
        return
    await send({"type": "websocket.accept", "subprotocol": PROTOCOL})
    await _Socket(receive, send, arrival, enter).run()


class _Socket:
    """One connection. Belongs to the task that serves it."""

    def __init__(self, receive: Any, send: Any, arrival: Arrival, enter: Enter) -> None:
        self._receive, self._send = receive, send
        self._arrival, self._enter = arrival, enter
        self._visit: Visit | None = None
        self._most = 1
        self._unsent: asyncio.Queue[Message | Closing] = asyncio.Queue(MOST_UNSENT)
        self._running: dict[str, asyncio.Task[None] | Subscriber | None] = {}
        self._tasks: set[asyncio.Task[Any]] = set()
        self._closing: asyncio.Future[Closing | None] = asyncio.get_running_loop().create_future()

    async def run(self) -> None:
        """Until the client goes or something closes the socket."""
        for work in (self._read(), self._write(), self._watch()):
            self._task(self._guarded(work))
        try:
            closing = await self._closing
        finally:
            for one in list(self._running.values()):
                if isinstance(one, Subscriber):
                    unsubscribe(one)
            tasks = list(self._tasks)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        if closing is not None:
            with suppress(Exception):
                async with asyncio.timeout(GIVE_UP):
                    await self._send({"type": "websocket.close", "code": closing.code, "reason": closing.reason})

    def _task(self, work: Any) -> asyncio.Task[Any]:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _guarded(self, work: Awaitable[None]) -> None:
        try:
            await work
        except Closing as closing:
            self._close(closing)
        except OSError:
            self._close(None)  # the client is gone
        except Exception as error:
            structlog.get_logger().error("GraphQL socket failed", exc_info=error)
            self._close(Closing(INTERNAL, "Internal server error"))

    def _close(self, closing: Closing | None) -> None:
        if not self._closing.done():
            self._closing.set_result(closing)

    # The three that run as long as the socket

    async def _read(self) -> None:
        while True:
            message = await self._receive()
            if message["type"] == "websocket.disconnect":
                self._close(None)
                return
            text = message.get("text")
            if text is None:
                raise Closing(BAD, "Messages are text")
            if len(text) > MOST_BYTES or len(text.encode()) > MOST_BYTES:
                raise Closing(TOO_BIG, "Message too big")
            try:
                found = orjson.loads(text)
            except orjson.JSONDecodeError:
                found = None
            if not isinstance(found, dict) or not isinstance(found.get("type"), str):
                raise Closing(BAD, "Invalid message received")
            await self._take(found)

    async def _write(self) -> None:
        while True:
            message = await self._unsent.get()
            if isinstance(message, Closing):
                raise message
            await self._send({"type": "websocket.send", "text": orjson.dumps(message).decode()})

    async def _watch(self) -> None:
        await asyncio.sleep(INIT_WITHIN)
        if self._visit is None:
            raise Closing(INIT_TIMEOUT, "Connection initialisation timeout")
        idle = 0.0
        while True:
            await asyncio.sleep(CHECK_EVERY)
            idle = 0.0 if self._running else idle + CHECK_EVERY
            if idle >= IDLE:
                raise Closing(AWAY, "Idle")
            await self._come_in()
            for one in list(self._running.values()):
                if isinstance(one, Subscriber):
                    await still_valid(one)

    # Messages

    async def _take(self, message: Message) -> None:
        match message["type"]:
            case "connection_init":
                await self._init(message.get("payload"))
            case "ping":
                payload = message.get("payload")
                self._put({"type": "pong", **({"payload": payload} if payload is not None else {})})
            case "pong":
                pass
            case "subscribe":
                await self._subscribe(message)
            case "complete":
                self._stop(message.get("id"))
            case _:
                raise Closing(BAD, "Invalid message received")

    async def _init(self, payload: Any) -> None:
        if self._visit is not None:
            raise Closing(INIT_AGAIN, "Too many initialisation requests")
        if payload is not None and not isinstance(payload, dict):
            raise Closing(BAD, "Invalid message received")
        token = (payload or {}).get("access_token")
        if token is not None and not isinstance(token, str):
            raise Closing(BAD, "Invalid message received")
        if token and self._arrival.present is not None:
            self._arrival = replace(self._arrival, credentials=self._arrival.present(token))
        self._visit = await self._come_in()
        self._most = self._visit.edition.documents.limits.operations
        self._put({"type": "connection_ack"})

    async def _come_in(self) -> Visit:
        """The caller's present visit. Closes the socket when he is not let in."""
        try:
            visit = await self._enter(self._arrival)
        except Unauthorized:
            raise Closing(UNAUTHORIZED, "Unauthorized") from None
        except TabulariumError as error:
            raise Closing(FORBIDDEN if error.code in (3, 19) else LATER, error.message[:100]) from None
        if visit.session is not None and visit.session.context.credential_rejected:
            raise Closing(FORBIDDEN, "Forbidden")
        return visit

    async def _subscribe(self, message: Message) -> None:
        if self._visit is None:
            raise Closing(UNAUTHORIZED, "Unauthorized")
        id_, payload = message.get("id"), message.get("payload")
        if not isinstance(id_, str) or not id_ or not isinstance(payload, dict):
            raise Closing(BAD, "Invalid message received")
        if id_ in self._running:
            raise Closing(TAKEN, f"Subscriber for {id_[:60]} already exists")
        if len(self._running) >= self._most:
            error = GraphQLError(f"A connection runs {self._most} operations at most.")
            self._put({"type": "error", "id": id_, "payload": [formatted(error)]})
            return
        self._running[id_] = None
        try:
            await self._begin(id_, payload)
        except (Malformed, NoDocument, TabulariumError) as error:
            text = error.message if isinstance(error, Malformed) else "There is no `query`."
            cause = error if isinstance(error, TabulariumError) else None
            self._fail(id_, [formatted(GraphQLError(text, original_error=cause))])

    async def _begin(self, id_: str, payload: Message) -> None:
        asked = asked_of(*map(payload.get, ("query", "variables", "operationName", "extensions")))
        visit, found = await document_of(await self._come_in(), asked)
        if not isinstance(found, Document):
            self._fail(id_, [formatted(one) for one in found])
        elif kind_of(found, asked) is not OperationType.SUBSCRIPTION:
            self._running[id_] = self._task(self._guarded(self._answer(id_, visit, found, asked)))
        else:
            way = entrance(visit, self._arrival.credentials)
            made = await begin(visit, found, asked, way, lambda told: self._tell(id_, told))
            if isinstance(made, Subscriber):
                if id_ in self._running and not made.ended:
                    self._running[id_] = made
            elif made.data is None or made.errors:
                self._fail(id_, [one.formatted() for one in made.errors])
            else:
                self._tell(id_, members(made))
                self._tell(id_, Ended())

    async def _answer(self, id_: str, visit: Visit, document: Document, asked: Any) -> None:
        _, outcome = await run_asked(visit, document, asked)
        if not outcome.executed:
            self._fail(id_, [one.formatted() for one in outcome.errors])
            return
        self._tell(id_, members(outcome))
        self._tell(id_, Ended())

    def _stop(self, id_: Any) -> None:
        """The client wants no more of an operation; one it does not know is already over."""
        one = self._running.pop(id_, None) if isinstance(id_, str) else None
        if isinstance(one, Subscriber):
            unsubscribe(one)
        elif one is not None:
            one.cancel()

    # What is told

    def _tell(self, id_: str, told: Message | Ended) -> None:
        if id_ not in self._running:
            return
        if not isinstance(told, Ended):
            self._put({"type": "next", "id": id_, "payload": told})
        elif told.entrance:
            self._put(Closing(FORBIDDEN, "Forbidden"))
        elif told.errors:
            self._fail(id_, errors_of(told))
        else:
            self._running.pop(id_, None)
            self._put({"type": "complete", "id": id_})

    def _fail(self, id_: str, errors: list[dict[str, Any]]) -> None:
        self._running.pop(id_, None)
        self._put({"type": "error", "id": id_, "payload": errors})

    def _put(self, message: Message | Closing) -> None:
        try:
            self._unsent.put_nowait(message)
        except asyncio.QueueFull:
            # Who does not read must not make the server remember for him.
            self._close(Closing(LATER, "Too slow"))
