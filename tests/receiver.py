"""In charge of a web server for tests that takes what is sent to it, on a free port, and answers as a test wants.

It must not know who sends.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Received:
    """A request as it came. `headers`: names in lower case."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


Respond = Callable[[Received], Awaitable[bytes | None]]
"""The bytes of a whole answer; None hangs up without one."""
Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def answer(status: int = 200, body: bytes = b"", **headers: str) -> bytes:
    """An answer of HTTP/1.1."""
    named = {"Content-Length": str(len(body)), "Connection": "close", **headers}
    lines = [f"HTTP/1.1 {status} X", *(f"{name.replace('_', '-')}: {value}" for name, value in named.items())]
    return "\r\n".join([*lines, "", ""]).encode() + body


async def fine(request: Received) -> bytes:
    """200 and nothing to say."""
    return answer()


@dataclass
class Receiver:
    """What has arrived, in order. `respond` may be changed at any time."""

    port: int = 0
    respond: Respond = fine
    received: list[Received] = field(default_factory=list)
    connections: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def arrived(self, count: int, seconds: float = 20) -> list[Received]:
        """All requests, once there are so many."""
        async with asyncio.timeout(seconds):
            while len(self.received) < count:  # noqa: ASYNC110  # a server of another thread cannot set an event
                await asyncio.sleep(0.01)
        return self.received

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        self.connections += 1
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        first, *lines = head.split("\r\n")
        method, path, _ = first.split(" ")
        pairs = (line.partition(":") for line in lines if line)
        headers = {name.lower(): value.strip() for name, _, value in pairs}
        body = await reader.readexactly(int(headers.get("content-length", 0)))
        request = Received(method, path, headers, body)
        self.received.append(request)
        content = await self.respond(request)
        if content is not None:
            writer.write(content)
            await writer.drain()


@asynccontextmanager
async def receiver(respond: Respond = fine) -> AsyncIterator[Receiver]:
    """A server on a free port of this machine."""
    found = Receiver(respond=respond)
    async with listening(found.serve) as found.port:
        yield found


@asynccontextmanager
async def listening(serve: Serve) -> AsyncIterator[int]:
    """The port of a server that is gone afterwards, with all that it was doing."""
    tasks: set[asyncio.Task[None]] = set()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        try:
            with suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
                await serve(reader, writer)
        finally:
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()
            tasks.discard(task)

    server = await asyncio.start_server(connected, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for task in list(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
