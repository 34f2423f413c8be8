"""In charge of a real server and of clients that speak graphql-transport-ws to it, for tests. It asserts nothing."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count
from typing import Any

import uvicorn
from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Subprotocol

PROTOCOL = "graphql-transport-ws"
WITHIN = 20.0


@asynccontextmanager
async def served(app: Any) -> AsyncIterator[str]:
    """The address (`127.0.0.1:port`) of a server of this application, on the test's own loop."""
    config = uvicorn.Config(app, host="127.0.0.1", port=0, lifespan="off", log_config=None, access_log=False)
    server = uvicorn.Server(config)
    running = asyncio.get_running_loop().create_task(server.serve())
    try:
        while not server.started:  # noqa: ASYNC110 - a server has no event for it
            await asyncio.sleep(0.005)
        yield f"127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = server.force_exit = True
        await asyncio.wait_for(running, WITHIN)


class Client:
    """One socket after its handshake. `tell` sends a message, `hear` gives the next one that is no pong."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self._ids = count(1)

    async def tell(self, **message: Any) -> None:
        await self.socket.send(json.dumps(message))

    async def hear(self) -> dict[str, Any]:
        async with asyncio.timeout(WITHIN):
            found: dict[str, Any] = json.loads(await self.socket.recv())
        return found

    async def init(self, token: str | None = None) -> None:
        """Sign in. Raises ConnectionClosed when nobody is let in."""
        await self.tell(type="connection_init", **({"payload": {"access_token": token}} if token else {}))
        assert await self.hear() == {"type": "connection_ack"}

    async def subscribe(self, query: str, **variables: Any) -> str:
        """Begin an operation; its id. A subscription has begun when this is over."""
        id_ = str(next(self._ids))
        await self.tell(id=id_, type="subscribe", payload={"query": query, "variables": variables})
        return id_

    async def settled(self) -> list[dict[str, Any]]:
        """What has arrived until the server answers a ping: everything before it was taken by then."""
        await self.tell(type="ping", payload={"settle": 1})
        found = []
        while (message := await self.hear())["type"] != "pong":
            found.append(message)
        return found

    async def next(self, id_: str | None = None) -> Any:
        """The `data` of the next answer."""
        message = await self.hear()
        assert message["type"] == "next", message
        assert id_ is None or message["id"] == id_
        assert "errors" not in message["payload"], message
        return message["payload"]["data"]

    async def closed(self) -> tuple[int, str]:
        """Code and reason of the end, which must come now."""
        async with asyncio.timeout(WITHIN):
            await self.socket.wait_closed()
        assert self.socket.close_code is not None
        return self.socket.close_code, self.socket.close_reason or ""


@asynccontextmanager
async def opened(address: str, path: str = "/main/gql", protocol: str = PROTOCOL, **more: Any) -> AsyncIterator[Client]:
    """A client before it signs in."""
    async with connect(f"ws://{address}{path}", subprotocols=[Subprotocol(protocol)], proxy=None, **more) as socket:
        yield Client(socket)


@asynccontextmanager
async def client(address: str, token: str | None = "admin-token", **more: Any) -> AsyncIterator[Client]:
    """A client that has signed in."""
    async with opened(address, **more) as found:
        await found.init(token)
        yield found
