"""In charge of receiving what the server sends out: mails over SMTP, and webhooks over HTTP, on free ports.

It must not judge what arrives.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from email import message_from_bytes, policy
from html import unescape
from typing import Any

from tests.parity.recordings import Answer

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
LINK = re.compile(r"https?://[^\s\"'<>]*?token=([^\s\"'<>&]+)[^\s\"'<>]*")


class Sink:
    """What has arrived on one port and was not yet asked for."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.arrived: asyncio.Queue[Any] = asyncio.Queue()

    async def next(self, seconds: float) -> Any:
        """What arrived first; None when nothing comes in that time."""
        try:
            async with asyncio.timeout(seconds):
                return await self.arrived.get()
        except TimeoutError:
            return None


@asynccontextmanager
async def smtp() -> AsyncIterator[Sink]:
    """A mail server that takes everything, as (Answer as recorded, the token in its link or None)."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async def say(line: str) -> None:
            writer.write(line.encode() + b"\r\n")
            await writer.drain()

        await say("220 sink")
        while line := await reader.readline():
            command = line.decode(errors="replace").strip().upper()
            if command == "DATA":
                await say("354 go on")
                text = await reader.readuntil(b"\r\n.\r\n")
                sink.arrived.put_nowait(_mail(text[:-5].replace(b"\r\n..", b"\r\n.")))
            elif command == "QUIT":
                await say("221 bye")
                return
            await say("250 sink")

    async with _listening(serve) as sink:
        yield sink


@asynccontextmanager
async def webhooks() -> AsyncIterator[Sink]:
    """A web server that takes every POST, as Answer whose body is the JSON that came."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        length = re.search(r"(?im)^content-length:\s*(\d+)", head)
        body = await reader.readexactly(int(length[1])) if length else b""
        sink.arrived.put_nowait(Answer(200, {}, json.loads(body) if body else None))
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        await writer.drain()

    async with _listening(serve) as sink:
        yield sink


@asynccontextmanager
async def _listening(serve: Serve) -> AsyncIterator[Sink]:
    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # Whoever sends may hang up at any time.
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            await serve(reader, writer)
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()

    server = await asyncio.start_server(connected, "127.0.0.1", 0, limit=2**22)
    sink = Sink(server.sockets[0].getsockname()[1])
    async with server:
        yield sink


def _mail(text: bytes) -> tuple[Answer, str | None]:
    mail = message_from_bytes(text, policy=policy.default)
    part = mail.get_body(("html", "plain"))
    content = part.get_content() if part is not None else ""
    if part is not None and part.get_content_subtype() == "html":
        content = unescape(content)
    link = LINK.search(content)
    body: dict[str, Any] = {
        "subject": str(mail["subject"]),
        "from": ", ".join(one.addr_spec for one in mail["from"].addresses),
        "to": ", ".join(one.addr_spec for one in mail["to"].addresses),
        "content_type": part.get_content_type() if part is not None else mail.get_content_type(),
        "token_link": link and link[0].replace(link[1], "<token>"),
        "contains": [],
    }
    return Answer(250, {}, body), link and link[1]
