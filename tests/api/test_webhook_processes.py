"""Deliveries of real processes: what a killed one leaves is sent by the next, and several send each once (§13)."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest

from core.db.gateway import Store
from core.events.signing import secret_of, signature
from core.settings import ProjectConfig
from core.settings.files import read
from core.sql.ddl import ColumnSpec, create_table
from tests import backends
from tests.projects import ADMIN_TOKEN, body, configure, projects
from tests.receiver import Received, Receiver, answer, receiver
from tests.servers import CLEAN, ROOT, served

ADMIN = {"Authorization": f"Bearer {ADMIN_TOKEN}"}

# Stores an item as the server does, and dies by SIGKILL when it is told that the item is stored: its courier, which was
# woken a moment before, has had no time to do anything.
DYING = """
import asyncio, os, signal, sys
from pathlib import Path
from core import engine
from core.auth.credentials import Credentials
from core.enter import enter
from core.projects import Projects
from core.query.change import WriteRequest
from core.settings import Settings

async def main(data, token):
    projects = await Projects.open(Settings(data=Path(data)), deliver=True)
    project = projects.get("main")
    project.events.add(lambda told: os.kill(os.getpid(), signal.SIGKILL))
    session = await enter(project, Credentials("bearer", token))
    await engine.write(session, WriteRequest("notes", "create", ({"text": "last words"},)))

asyncio.run(main(*sys.argv[1:]))
"""


@asynccontextmanager
async def client(address: str) -> AsyncIterator[httpx2.AsyncClient]:
    """A client of a process that has started."""
    async with httpx2.AsyncClient(base_url=f"{address}/main", headers=ADMIN, timeout=30) as found:
        yield found


@pytest.fixture(scope="module")
async def made(dialect: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[tuple[Path, Store]]:
    """The data folder of a project with a table `notes`, and its database."""
    folder = tmp_path_factory.mktemp("processes")
    with backends.fresh_database(dialect, folder) as url:
        async with projects(folder / "data") as found:
            project = await found.create(body(url), trusted=True)
            columns = (
                ColumnSpec("id", "INT", "11", nullable=False, primary_key=True, auto_increment=True),
                ColumnSpec("text", "VARCHAR", "100"),
            )
            async with (await project.store()).write() as connection:
                for statement in create_table("notes", columns, dialect):
                    await connection.execute(statement)
        configure(folder / "data" / "config" / "main.json", webhooks={"allow_hosts": ["127.0.0.1"], "timeout": 5})
        store = await Store.open(url)
        yield folder / "data", store
        await store.close()


@pytest.fixture
async def place(made: tuple[Path, Store]) -> AsyncIterator[tuple[Path, Store, Receiver]]:
    """As `made`, empty, with one webhook on new notes and who receives it."""
    data, store = made
    async with receiver() as server:
        async with store.write() as connection:
            for table in ("notes", "directus_webhooks", "directus_deliveries"):
                await connection.execute(f"DELETE FROM {table}")
            await connection.execute(
                "INSERT INTO directus_webhooks (status, http_action, url, collection, directus_action) VALUES"
                f" ('active', 'post', '{server.url}/hook', 'notes', 'item.create:after')"
            )
        yield data, store, server


async def log(store: Store) -> list[tuple[Any, ...]]:
    async with store.read() as connection:
        return [tuple(row) for row in await connection.rows(
            "SELECT state, attempts FROM directus_deliveries ORDER BY id"
        )]  # fmt: skip


async def ended(store: Store, count: int) -> list[tuple[Any, ...]]:
    """The log, once nothing is pending in it."""
    async with asyncio.timeout(60):
        while True:
            found = await log(store)
            if len(found) == count and all(state != "pending" for state, _ in found):
                return found
            await asyncio.sleep(0.05)


async def test_killed_between_commit_and_delivery(place: tuple[Path, Store, Receiver]) -> None:
    data, store, server = place
    dying = await asyncio.create_subprocess_exec(
        sys.executable, "-c", DYING, str(data), ADMIN_TOKEN, cwd=ROOT, env=CLEAN
    )
    assert await dying.wait() == -signal.SIGKILL
    async with store.read() as connection:
        [(key, text)] = await connection.rows("SELECT id, text FROM notes")
        assert text == "last words"
        [(webhook,)] = await connection.rows("SELECT id FROM directus_webhooks")
    assert await log(store) == [("pending", 0)]
    assert server.received == []
    with served(data):  # nobody asks it for anything
        [request] = await server.arrived(1, 60)
        assert await ended(store, 1) == [("delivered", 1)]
    assert (request.method, request.path) == ("POST", "/hook")
    assert json.loads(request.body) == {"id": key, "text": "last words"}
    secret = secret_of(ProjectConfig.of("main", read(data / "config" / "main.json")), webhook)
    signed = signature(secret, int(request.headers["x-tabularium-timestamp"]), request.body)
    assert request.headers["x-tabularium-signature"] == signed
    assert len(server.received) == 1


async def test_killed_while_it_sends(place: tuple[Path, Store, Receiver]) -> None:
    data, store, server = place
    hold = asyncio.Event()

    async def silent(request: Received) -> bytes:
        await hold.wait()
        return answer()

    server.respond = silent
    with served(data) as running:
        async with client(running.address) as one:
            assert (await one.post("/items/notes", json={"text": "held"})).status_code == 200
            await server.arrived(1)
            running.kill()
    assert await log(store) == [("pending", 1)]
    # The lease of the dead ends by itself; this is only to wait less.
    async with store.write() as connection:
        await connection.execute("UPDATE directus_deliveries SET due_at = 0")
    hold.set()
    with served(data):
        first, second = await server.arrived(2, 60)
        assert await ended(store, 1) == [("delivered", 2)]
    assert first.body == second.body
    assert first.headers["x-tabularium-delivery"] == second.headers["x-tabularium-delivery"]
    assert [one.headers["x-tabularium-attempt"] for one in (first, second)] == ["1", "2"]


async def test_two_processes_send_each_delivery_once(place: tuple[Path, Store, Receiver]) -> None:
    data, store, server = place
    with served(data) as one, served(data) as other:
        async with client(one.address) as first, client(other.address) as second:

            async def write(to: httpx2.AsyncClient, number: int) -> None:
                items = [{"text": f"{number}.{item}"} for item in range(5)]
                assert (await to.post("/items/notes", json=items)).status_code == 200

            await asyncio.gather(*(write((first, second)[number % 2], number) for number in range(20)))
            assert await ended(store, 100) == [("delivered", 1)] * 100
    sent = Counter(request.headers["x-tabularium-delivery"] for request in server.received)
    assert (len(sent), set(sent.values())) == (100, {1})
    texts = {json.loads(request.body)["text"] for request in server.received}
    assert texts == {f"{number}.{item}" for number in range(20) for item in range(5)}


async def test_a_new_webhook_is_known_to_the_other_process_at_once(place: tuple[Path, Store, Receiver]) -> None:
    data, store, server = place
    with served(data) as one, served(data) as other:
        async with client(one.address) as first, client(other.address) as second:
            assert (await second.get("/items/notes")).status_code == 200
            hook = {
                "status": "active", "http_action": "post", "url": f"{server.url}/gone", "collection": "notes",
                "directus_action": "item.delete:after",
            }  # fmt: skip
            key = (await first.post("/webhooks", json=hook)).json()["data"]["id"]
            made = (await second.post("/items/notes", json={"text": "x"})).json()["data"]["id"]
            assert (await second.delete(f"/items/notes/{made}")).status_code == 204
            assert await ended(store, 2) == [("delivered", 1)] * 2
            assert (await first.patch(f"/webhooks/{key}", json={"status": "inactive"})).status_code == 200
            again = (await second.post("/items/notes", json={"text": "y"})).json()["data"]["id"]
            assert (await second.delete(f"/items/notes/{again}")).status_code == 204
            assert await ended(store, 3) == [("delivered", 1)] * 3
    found = Counter(request.path for request in server.received)
    assert found == {"/hook": 2, "/gone": 1}
