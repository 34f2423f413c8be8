"""In charge of databases that are down, connections that die, and limits of time."""

# ruff: noqa: PT012  # it is the whole transaction that raises, at its end

from __future__ import annotations

import asyncio
import re

import pytest

from core.db import errors
from core.db.gateway import Store
from core.errors import DatabaseUnavailable
from tests.contract.gateway.support import POOL, SLOW, assert_pool_intact, count, run


@pytest.mark.parametrize("dialect", ["postgres", "mysql"], indirect=True)
@pytest.mark.parametrize("scope", ["read", "write"])
async def test_a_killed_connection_is_discarded(store: Store, dialect: str, scope: str) -> None:
    whoami, kill = {
        "postgres": ("SELECT pg_backend_pid()", "SELECT pg_terminate_backend({})"),
        "mysql": ("SELECT CONNECTION_ID()", "KILL {}"),
    }[dialect]
    for _ in range(POOL + 1):
        with pytest.raises(errors.ConnectionLost):
            async with getattr(store, scope)() as connection:
                number = await connection.value(whoami)
                if scope == "write":
                    await run(connection, "INSERT INTO t (id, name) VALUES (3, 'three')")
                async with store.read() as killer:
                    await (killer.rows if dialect == "postgres" else killer.execute)(kill.format(number))
                await asyncio.sleep(0.02)
                await connection.rows("SELECT 1")
    assert await count(store) == 2
    await assert_pool_intact(store)


@pytest.mark.parametrize("dialect", ["postgres", "mysql"], indirect=True)
async def test_killed_idle_connections_are_replaced_unnoticed(store: Store, dialect: str) -> None:
    await assert_pool_intact(store)
    async with store.read() as killer:
        if dialect == "postgres":
            me = await killer.value("SELECT pg_backend_pid()")
            found = await killer.rows(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> $1",
                (me,),
            )
        else:
            found = await killer.rows(
                "SELECT id FROM information_schema.processlist WHERE db = DATABASE() AND id <> CONNECTION_ID()"
            )
            for row in found:
                await killer.execute(f"KILL {row[0]}")
        assert len(found) == POOL - 1
    await asyncio.sleep(0.1)
    await assert_pool_intact(store)


@pytest.mark.parametrize(
    "url",
    [
        "sqlite:////nowhere/at/all.db",
        "postgresql://root@127.0.0.1:1/nothing",
        "mysql://root@127.0.0.1:1/nothing",
        "postgresql://root@127.0.0.1:5432/tab_gw_no_such_database",
        "mysql://root@127.0.0.1:3306/tab_gw_no_such_database",
        "mysql://tab_gw_nobody:wrong@127.0.0.1:3306/mysql",
    ],
)
async def test_a_database_that_is_not_there_is_unavailable(url: str) -> None:
    async with asyncio.timeout(6):
        with pytest.raises(DatabaseUnavailable) as caught:
            await Store.open(url)
    assert (caught.value.code, caught.value.kind, str(caught.value)) == (
        11,
        "DatabaseUnavailable",
        "Failed to connect to the database",
    )


async def test_a_server_that_accepts_and_says_nothing_is_unavailable_in_time() -> None:
    left = asyncio.Semaphore(0)

    async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()
        left.release()

    server = await asyncio.start_server(listen, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    try:
        for scheme in ("postgresql", "mysql"):
            async with asyncio.timeout(3):
                with pytest.raises(DatabaseUnavailable):
                    await Store.open(f"{scheme}://root@127.0.0.1:{port}/x", options={"connect_timeout": 0.3})
                await left.acquire()
    finally:
        server.close()


@pytest.mark.parametrize("dialect", ["postgres", "mysql"], indirect=True)
async def test_a_database_that_went_away_is_used_again_when_it_is_back(database_url: str, dialect: str) -> None:
    proxy = Proxy(*{"postgres": ("127.0.0.1", 5432), "mysql": ("127.0.0.1", 3306)}[dialect])
    await proxy.up()
    url = re.sub(r"@[^/]+/", f"@127.0.0.1:{proxy.port}/", database_url)
    store = await Store.open(url, pool_size=POOL, options={"connect_timeout": 1})
    try:
        async with store.read() as connection:
            assert await connection.value("SELECT 1") == 1
        await proxy.down()
        for _ in range(POOL + 1):
            async with asyncio.timeout(3):
                with pytest.raises(DatabaseUnavailable):
                    async with store.read() as connection:
                        await connection.value("SELECT 1")
        await proxy.up()
        async with store.read() as connection:
            assert await connection.value("SELECT 1") == 1
    finally:
        await store.close()
        await proxy.down()


class Proxy:
    """A TCP relay that can be taken away and brought back at the same port."""

    def __init__(self, host: str, port: int) -> None:
        self.target = (host, port)
        self.port = 0
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._writers: set[asyncio.StreamWriter] = set()

    async def up(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def down(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None
        for writer in self._writers:
            writer.transport.abort()
        self._writers.clear()
        await asyncio.sleep(0.05)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection(*self.target)
        self._writers |= {writer, back}
        for one, other in ((reader, back), (there, writer)):
            task = asyncio.create_task(self._relay(one, other))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _relay(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()
        except OSError:
            pass
        writer.transport.abort()


async def test_waiting_for_a_connection_has_an_end(database_url: str) -> None:
    store = await Store.open(database_url, pool_size=1, options={"readers": 1, "acquire_timeout": 0.1})
    try:
        for scope in (store.read, store.write):
            async with scope() as connection:
                with pytest.raises(DatabaseUnavailable):
                    async with scope():
                        pass
                assert await connection.value("SELECT 1") == 1
        async with store.read() as connection:
            assert await connection.value("SELECT 1") == 1
    finally:
        await store.close()


async def test_a_statement_timeout_stops_a_statement(database_url: str, dialect: str) -> None:
    store = await Store.open(database_url, pool_size=1, options={"statement_timeout": 0.2, "readers": 1})
    try:
        for _ in range(2):
            async with store.read() as connection:
                async with asyncio.timeout(5):
                    # MariaDB's SLEEP answers 1 instead of failing, so it is given rows to count.
                    slow = (
                        SLOW[dialect]
                        if dialect != "mysql"
                        else (
                            "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c WHERE x < 1000) "
                            "SELECT COUNT(*) FROM c a, c b, c d WHERE a.x + b.x <> d.x"
                        )
                    )
                    with pytest.raises(errors.StatementTimeout):
                        await connection.rows(slow)
                assert await connection.value("SELECT 1") == 1
    finally:
        await store.close()
