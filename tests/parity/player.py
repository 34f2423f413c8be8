"""In charge of sending recorded requests to a server of our own, once and in order, and of keeping what it answered.

The server runs in this process, on two empty databases, with a mail server and a web server that take what it sends.
It must not know which answers are right.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import httpx2

from app import Application
from tests import backends
from tests.parity import bodies, sinks
from tests.parity.comparison import Comparison, Exchange, compare
from tests.parity.recordings import Answer, Record
from tests.parity.repairs import REPAIRS, Forgotten, Repair
from tests.parity.translation import Translation
from tests.projects import configure

BASE_URL = "http://127.0.0.1"
SENT_OUT = {"SMTP": "smtp", "WEBHOOK": "webhooks"}
MADE = "server.projects.create"
"""The record that makes the project `main`."""
PATIENCE = 10.0
"""Seconds that mails and webhooks may take."""
NO_ANSWER = Answer(0, {}, None)


@dataclass(frozen=True, slots=True)
class Databases:
    """Two empty databases, and one that does not work, as members of a request for a project."""

    first: Mapping[str, Any]
    second: Mapping[str, Any]
    broken: Mapping[str, Any]

    @classmethod
    def of(cls, dialect: str, folder: Path, stack: ExitStack) -> Databases:
        """Fresh databases of a dialect, which live as long as the stack."""
        if dialect == "sqlite":
            (folder / "broken.db").write_text("This is no database. " * 100)
            files = ("parity.db", "parity2.db", "broken.db")
            first, second, broken = ({"db_type": "sqlite", "db_name": file} for file in files)
            return cls(first, second, broken)
        urls = [stack.enter_context(backends.fresh_database(dialect, folder)) for _ in range(2)]
        first, second = (_server(dialect, url) for url in urls)
        return cls(first, second, {**first, "db_name": "no_such_database", "db_user": "nobody"})


def _server(dialect: str, url: str) -> dict[str, Any]:
    place = urlsplit(url)
    return {
        "db_type": dialect,
        "db_host": place.hostname,
        "db_port": place.port,
        "db_name": place.path.removeprefix("/"),
        "db_user": unquote(place.username or ""),
        "db_password": unquote(place.password or ""),
    }


@dataclass(frozen=True, slots=True)
class Player:
    """One server, on its way through the recording."""

    client: httpx2.AsyncClient
    databases: Databases
    translation: Translation
    smtp: sinks.Sink
    webhooks: sinks.Sink
    config: Path
    """The file of the project `main`."""
    forget: Callable[[str], Awaitable[None]]
    """Runs a statement on the database of the project `main`."""

    async def play(self, records: Iterable[Record]) -> AsyncIterator[Exchange]:
        """Send every record in turn; what is answered to one changes how the next are sent."""
        before = NO_ANSWER
        for record in records:
            own = await self._answer(record, before)
            comparison = self._compared(record, own)
            if own.status < 300:
                for repair in REPAIRS.get(record.name, ()):
                    await self._repair(repair, own)
            if record.name == MADE and own.status < 300:
                configure(self.config, webhooks={"allow_hosts": ["127.0.0.1"]}, public_url=BASE_URL)
            before = own
            yield Exchange(record, own, comparison if record.compared else None)

    def _compared(self, record: Record, own: Answer) -> Comparison | None:
        self.translation.learn(record, own)
        if record.answer is None:
            return None
        comparison = compare(record, own, self.translation)
        # Ids are believed where all else agrees, and where something new was made: the next requests go on with it.
        made = record.method == "POST" and record.answer.status == own.status == 200
        if made or not comparison.differences:
            self.translation.bind(comparison.bindings)
        return comparison

    async def _answer(self, record: Record, before: Answer) -> Answer:
        if record.method == "SMTP":
            mail = await self.smtp.next(PATIENCE)  # it is sent while the next requests are answered
            answer, token = mail or (NO_ANSWER, None)
            self.translation.mailed = token or self.translation.mailed
            return answer
        if record.method == "WEBHOOK":
            return await self.webhooks.next(PATIENCE if before.status < 300 else 0.01) or NO_ANSWER
        return await self._send(self._here(self.translation.request(record)))

    async def _repair(self, repair: Repair | Forgotten, own: Answer) -> None:
        if isinstance(repair, Forgotten):
            await self.forget(repair.statement)
            if repair.first is not None:
                self.translation.ids[repair.first][0] = 1
            return
        headers = {"Authorization": f"Bearer {self.translation.tokens['main', 1]}", "Content-Type": "application/json"}
        request = Record("repair", repair.method, repair.path, headers, repair.body, None, setup=True)
        if "{" in repair.path:
            request = replace(request, path=repair.path.format(own.body))
        else:
            request = self.translation.request(request)
        await self._send(request)

    async def _send(self, request: Record) -> Answer:
        content = bodies.encode(request.body, request.headers.get("Content-Type"))
        self.client.cookies.clear()  # a request carries the cookie that was recorded with it, and no other
        headers = {"User-Agent": "", **request.headers}
        answer = await self.client.request(request.method, request.path, headers=headers, content=content)
        headers = {name.lower(): value for name, value in answer.headers.items()}
        return Answer(answer.status_code, headers, bodies.decode(answer.content, headers.get("content-type", "")))

    def _here(self, record: Record) -> Record:
        """The request with our databases and ports."""
        body = record.body
        if not isinstance(body, dict):
            return record
        if "db_name" in body:
            database = self.databases.second if body["db_name"] == "directus2" else self.databases.first
            database = self.databases.broken if body["db_password"] == "wrong" else database
            kept = {name: value for name, value in body.items() if not name.startswith("db_")}
            body = {**kept, **database, "mail": {**body["mail"], "port": self.smtp.port}}
        elif "http_action" in body:
            body = {**body, "url": f"{BASE_URL}:{self.webhooks.port}/hook"}
        return replace(record, body=body)


@asynccontextmanager
async def player(dialect: str, folder: Path) -> AsyncIterator[Player]:
    """A server without projects whose data lies in a folder, and two empty databases of the dialect."""
    data = folder / "data"
    data.mkdir()
    application = Application({"TABULARIUM_DATA": str(data), "TABULARIUM_DEFAULT_PROJECT": ""})

    async def forget(statement: str) -> None:
        assert application._projects is not None
        store = await application._projects.get("main").store()
        async with store.write() as connection:
            await connection.execute(statement)

    with ExitStack() as stack:
        databases = Databases.of(dialect, data, stack)
        async with sinks.smtp() as smtp, sinks.webhooks() as webhooks:
            await application.start()
            try:
                transport = httpx2.ASGITransport(app=application, raise_app_exceptions=False)
                async with httpx2.AsyncClient(transport=transport, base_url=BASE_URL) as client:
                    config = data / "config" / "main.json"
                    yield Player(client, databases, Translation(_secret(config)), smtp, webhooks, config, forget)
            finally:
                await application.stop()


def _secret(file: Path) -> Callable[[], str]:
    return lambda: str(json.loads(file.read_text())["auth"]["secret_key"])


async def replay(dialect: str, records: Iterable[Record], folder: Path) -> list[Exchange]:
    """Send all records to a server on this dialect. `folder` is empty and holds its data."""
    async with player(dialect, folder) as server:
        return [exchange async for exchange in server.play(records)]
