"""In charge of sending an answer while it is made: piece by piece, no faster than it is taken, no longer than wanted.

It is given what to send and knows no routes. Whatever can be refused is refused before the first byte; a fault after it
cuts the connection, so that no client takes a part for the whole.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, aclosing
from typing import Any, Protocol
from urllib.parse import quote

import orjson
import structlog

from rest_adapter.reply import UNKEPT

PATIENCE = 45.0
"""Seconds that a client may take for a piece: it holds a connection of the database. MySQL's server waits 60."""

TURNS = 5
"""Turns of the event loop between two pieces: other requests take several, and need not wait a piece for each."""

Headers = list[tuple[bytes, bytes]]
Pieces = AsyncGenerator[bytes, None]


class Chunked(Protocol):
    """What comes in chunks, once it is opened: items, or bytes."""

    def open(self) -> AbstractAsyncContextManager[AsyncIterator[Any]]: ...


class Cut(Exception):
    """An answer was cut off after it had begun; the log says why."""


class Streaming:
    """An answer whose first piece is there. An ASGI application, to be called once; that ends it."""

    def __init__(
        self, headers: Headers, stack: AsyncExitStack, first: bytes, rest: AsyncIterator[bytes], status: int = 200
    ) -> None:
        self.headers = headers
        self.status = status
        self._stack = stack
        self._first = first
        self._rest = rest

    @property
    def raw_headers(self) -> Headers:
        """The headers, by the name that they have in answers of Starlette."""
        return self.headers

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Send it. Raises Cut when it could not be sent to its end."""
        async with self._stack:
            limit = asyncio.timeout(None)
            try:
                async with limit:
                    await self._watched(scope, receive, send, limit)
            except Exception as error:
                if limit.expired():
                    return  # the client has gone, and with it whoever would want to know
                structlog.get_logger().error("an answer was cut off", exc_info=error, path=scope.get("path"))
                raise Cut from None

    async def _watched(self, scope: Any, receive: Any, send: Any, limit: asyncio.Timeout) -> None:
        def stop(_: object) -> None:
            limit.reschedule(asyncio.get_running_loop().time())

        gone = asyncio.ensure_future(_gone(receive))
        gone.add_done_callback(stop)
        try:
            await send({"type": "http.response.start", "status": self.status, "headers": self.headers})
            if not scope.get("tabularium.bodiless"):
                await _send(send, self._first)
                async for piece in self._rest:
                    await _send(send, piece)
                    for _ in range(TURNS):
                        await asyncio.sleep(0)
            await send({"type": "http.response.body", "body": b""})
        finally:
            gone.remove_done_callback(stop)
            gone.cancel()


async def begun(
    stream: Chunked,
    headers: Headers,
    pieces: Callable[[AsyncIterator[Any]], Pieces] | None = None,
    *,
    status: int = 200,
) -> Streaming:
    """The answer of a stream, begun. `pieces`: makes bytes of its chunks. Raises what opening it raises."""
    async with AsyncExitStack() as stack:
        chunks = await stack.enter_async_context(stream.open())
        found = chunks if pieces is None else await stack.enter_async_context(aclosing(pieces(chunks)))
        first = await anext(found, b"")
        return Streaming(headers, stack.pop_all(), first, found, status)
    raise AssertionError("unreachable")


def of_file(media: str, filename: str) -> Headers:
    """The headers of a file that is to be saved (RFC 6266): a plain name for old clients, the real one beside it."""
    plain = "".join(one if one.isascii() and one.isprintable() and one not in '"\\%' else "_" for one in filename)
    saved = f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(filename, safe='')}"
    return [
        (b"content-type", media.encode()),
        (b"content-disposition", saved.encode()),
        (b"x-content-type-options", b"nosniff"),
        UNKEPT,
    ]


async def begun_list(stream: Any, body: bytes, headers: Headers) -> Streaming:
    """The answer of the GraphQL door, in whose body the items stand as they are. Raises what opening it raises."""
    return await begun(stream, headers, spliced(body, stream.mark))


def spliced(body: bytes, mark: str, shown: Callable[[list[Any]], list[Any]] = list) -> Callable[[Any], Pieces]:
    """How chunks become a body of JSON in which `mark` stands for the list of all their items, as `shown`."""

    async def pieces(chunks: AsyncIterator[list[Any]]) -> Pieces:
        head, _, tail = body.partition(b'"%s"' % mark.encode())
        lead = head + b"["
        async for chunk in chunks:
            if items := shown(chunk):
                yield lead + orjson.dumps(items)[1:-1]
                lead = b","
        yield (b"" if lead == b"," else lead) + b"]" + tail

    return pieces


async def _send(send: Any, piece: bytes) -> None:
    try:
        async with asyncio.timeout(PATIENCE):
            await send({"type": "http.response.body", "body": piece, "more_body": True})
    except TimeoutError:
        raise ConnectionError("the client is too slow") from None


async def _gone(receive: Any) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
