"""Kill −9 in the middle of nested writes with history, on each database: all of a write is there, or nothing.

TABULARIUM_KILLS: how often the server is killed (2).
"""

from __future__ import annotations

import asyncio
import os
import random
import socket
import struct
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
import orjson
import pytest

from tests import journal
from tests.projects import ADMIN_TOKEN, body, projects
from tests.servers import Served, served

KILLS = int(os.environ.get("TABULARIUM_KILLS") or 2)
HEADERS = {"Authorization": f"Bearer {ADMIN_TOKEN}"}
WRITING = 3


@dataclass(slots=True)
class Sent:
    """What became of the writes. `answered`: article → its mark, as the server has confirmed it."""

    answered: dict[int, str] = field(default_factory=dict)
    possible: dict[int, set[str]] = field(default_factory=dict)
    """Marks that an article may have as well: their write was sent, and not answered."""
    started: int = 0
    """Writes that were sent, whatever became of them."""
    dropped: int = 0
    """Connections that a client ended in the middle."""


async def write(client: httpx2.AsyncClient, sent: Sent, rng: random.Random) -> None:
    """Create and change articles until nobody answers any more."""
    own: list[dict[str, Any]] = []
    while True:
        sent.started += 1
        mark = f"m{sent.started}"
        if own and rng.random() < 0.6:
            item = own.pop(rng.randrange(len(own)))
            sent.possible.setdefault(item["id"], set()).add(mark)
            answer = await client.patch(
                f"/main/items/articles/{item['id']}?fields={journal.SELECTION}", json=journal.changed(item, mark)
            )
        else:
            answer = await client.post(f"/main/items/articles?fields={journal.SELECTION}", json=journal.fresh(mark))
        assert answer.status_code == 200, answer.text
        item = answer.json()["data"]
        assert journal.mark_of(item) == mark
        sent.answered[item["id"]] = mark
        sent.possible.pop(item["id"], None)
        own.append(item)


async def hang_up(served: Served, sent: Sent, rng: random.Random) -> None:
    """Send writes, and end the connection before they are answered, some of them before they are sent completely."""
    loop = asyncio.get_running_loop()
    while True:
        sent.started += 1
        sent.dropped += 1
        content = orjson.dumps(journal.fresh(f"m{sent.started}"))
        head = (
            f"POST /main/items/articles HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {ADMIN_TOKEN}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(content)}\r\n\r\n"
        )
        whole = head.encode() + content
        with socket.socket() as connection:
            connection.setblocking(False)
            # Closed by a reset, as a client that crashes does it.
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            await loop.sock_connect(connection, ("127.0.0.1", served.port))
            await loop.sock_sendall(connection, whole if rng.random() < 0.8 else whole[: rng.randrange(len(whole))])
            await asyncio.sleep(rng.random() * 0.02)


async def until_dead(work: Callable[[], Awaitable[None]]) -> None:
    try:
        await work()
    except (httpx2.TransportError, OSError):
        return


@pytest.mark.slow
async def test_a_killed_server_leaves_nothing_half_written(database_url: str, tmp_path: Path) -> None:
    rng, sent = random.Random(0), Sent()
    async with projects(tmp_path / "data") as found:
        made = await found.create(body(database_url), trusted=True)
        await journal.build(made)
    for _ in range(KILLS):
        before = len(sent.answered)
        with served(tmp_path / "data") as server:
            async with httpx2.AsyncClient(base_url=server.address, headers=HEADERS, timeout=60) as client:
                await client.get("/main/items/articles")  # the project opens at its first request
                writing = [asyncio.ensure_future(until_dead(lambda: write(client, sent, rng))) for _ in range(WRITING)]
                writing.append(asyncio.ensure_future(until_dead(lambda: hang_up(server, sent, rng))))
                while len(sent.answered) < before + 2 * WRITING:  # the server is in the middle of it
                    await asyncio.wait(writing, timeout=0.02, return_when=asyncio.FIRST_EXCEPTION)
                    assert not any(task.done() for task in writing), [task for task in writing if task.done()]
                await asyncio.sleep(rng.random() * 0.3)
                server.kill()
                await asyncio.gather(*writing)
        async with projects(tmp_path / "data") as found:
            store = await found.get("main").store()
            marks = await journal.judge(store)
        for key, mark in sent.answered.items():
            assert marks[key] in {mark, *sent.possible.get(key, ())}
            sent.answered[key] = marks[key]
        assert sent.dropped > 0
    with served(tmp_path / "data") as server, httpx2.Client(base_url=server.address, headers=HEADERS) as last:
        answer = last.post(f"/main/items/articles?fields={journal.SELECTION}", json=journal.fresh("last"), timeout=60)
        assert journal.mark_of(answer.json()["data"]) == "last"
        listed = last.get(f"/main/items/articles?limit=-1&fields={journal.SELECTION}", timeout=60).json()["data"]
        assert {item["id"]: journal.mark_of(item) for item in listed} == {**marks, answer.json()["data"]["id"]: "last"}
    print(f"{KILLS} kills, {sent.started} writes, {sent.dropped} of them cut off by the client, {len(marks)} articles")


@pytest.mark.slow
async def test_a_client_that_hangs_up_leaves_nothing_half_written(database_url: str, tmp_path: Path) -> None:
    rng, sent = random.Random(1), Sent()
    async with projects(tmp_path / "data") as found:
        made = await found.create(body(database_url), trusted=True)
        await journal.build(made)
        with served(tmp_path / "data") as server:
            hanging = [asyncio.ensure_future(hang_up(server, sent, rng)) for _ in range(WRITING)]
            while sent.dropped < 60:
                await asyncio.wait(hanging, timeout=0.05, return_when=asyncio.FIRST_EXCEPTION)
                assert not any(task.done() for task in hanging), hanging
            for task in hanging:
                task.cancel()
            await asyncio.wait(hanging)
            with httpx2.Client(base_url=server.address, headers=HEADERS, timeout=60) as client:
                answer = client.post(f"/main/items/articles?fields={journal.SELECTION}", json=journal.fresh("last"))
                assert journal.mark_of(answer.json()["data"]) == "last"
        assert "last" in (await journal.judge(await made.store())).values()
