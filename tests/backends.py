"""In charge of the databases and services that tests run against: which answer, and fresh empty ones on demand.

It must not know anything of Tabularium: it speaks to the servers through their bare drivers, so that a fault of the
gateway cannot hide here.

Where the servers are (a default is used when the variable is unset, and an absent server is then only skipped):

    TABULARIUM_TEST_POSTGRES     postgresql://root@127.0.0.1:5432/postgres   a role that may create databases
    TABULARIUM_TEST_MYSQL        mysql://root@127.0.0.1:3306/mysql
    TABULARIUM_TEST_REDIS        redis://127.0.0.1:6379/0
    TABULARIUM_REQUIRE_BACKENDS  names, comma separated, whose absence is an error; `sqlite,postgres,mysql,redis` in CI
"""

from __future__ import annotations

import asyncio
import itertools
import os
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import SplitResult, unquote, urlsplit, urlunsplit

import asyncmy
import asyncpg
import redis.asyncio

T = TypeVar("T")

DIALECTS = ("sqlite", "postgres", "mysql")
BACKENDS = (*DIALECTS, "redis")

CONNECT_SECONDS = 3
DEFAULT_URLS = {
    "postgres": "postgresql://root@127.0.0.1:5432/postgres",
    "mysql": "mysql://root@127.0.0.1:3306/mysql",
    "redis": "redis://127.0.0.1:6379/0",
}

_numbers = itertools.count(1)


@dataclass(frozen=True, slots=True)
class Backend:
    """One database or service as found at the start of the run; `reason` says why it cannot be used, or is empty."""

    name: str
    url: str
    server: str = ""
    reason: str = ""

    @property
    def available(self) -> bool:
        return not self.reason


def backends() -> tuple[Backend, ...]:
    """All four, in the order of BACKENDS, each asked once per process."""
    return tuple(backend(name) for name in BACKENDS)


@cache
def backend(name: str) -> Backend:
    """The backend of that name, asked for its version at the first call."""
    if name == "sqlite":
        import sqlite3

        return Backend(name, "", server=f"SQLite {sqlite3.sqlite_version}")
    variable = f"TABULARIUM_TEST_{name.upper()}"
    url = os.environ.get(variable) or DEFAULT_URLS[name]
    try:
        return Backend(name, url, server=in_thread(lambda: _version(name, urlsplit(url))))
    except Exception as error:
        said = str(error) or type(error).__name__
        place = urlsplit(url)
        return Backend(name, url, reason=f"{place.hostname}:{place.port} does not answer ({said}); set {variable}")


def missing_required() -> list[Backend]:
    """The backends named in TABULARIUM_REQUIRE_BACKENDS that cannot be used. Raises ValueError for an unknown name."""
    names = [name.strip() for name in os.environ.get("TABULARIUM_REQUIRE_BACKENDS", "").split(",") if name.strip()]
    unknown = sorted(set(names) - set(BACKENDS))
    if unknown:
        raise ValueError(f"TABULARIUM_REQUIRE_BACKENDS names {', '.join(unknown)}; known are {', '.join(BACKENDS)}")
    return [found for name in names if not (found := backend(name)).available]


@contextmanager
def fresh_database(dialect: str, folder: Path) -> Iterator[str]:
    """The URL of a new, empty database, in the form that the `databases` package takes; dropped at the end.

    `folder` holds the file of an SQLite database. A server's database is dropped by force: a connection that a test
    has leaked must not make every later run fail.
    """
    name = f"tab_test_{os.getpid()}_{next(_numbers)}"
    if dialect == "sqlite":
        yield f"sqlite:///{folder.resolve() / name}.db"
        return
    place = urlsplit(backend(dialect).url)
    create, drop = {"postgres": (_create_postgres, _drop_postgres), "mysql": (_create_mysql, _drop_mysql)}[dialect]
    in_thread(lambda: create(place, name))
    try:
        yield urlunsplit(place._replace(path=f"/{name}"))
    finally:
        in_thread(lambda: drop(place, name))


@contextmanager
def fresh_redis_prefix() -> Iterator[str]:
    """A key prefix that nobody else uses; its keys are deleted at the end."""
    prefix = f"tab_test_{os.getpid()}_{next(_numbers)}:"
    try:
        yield prefix
    finally:
        in_thread(lambda: _delete_keys(backend("redis").url, prefix))


def in_thread(make: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Run a coroutine to its end on a loop of its own in another thread.

    A fixture may be set up while the test's own loop is running, or while none is; this works in both.
    """
    outcome: list[T] = []
    failure: list[BaseException] = []

    def run() -> None:
        try:
            outcome.append(asyncio.run(make()))
        except BaseException as error:
            failure.append(error)

    thread = threading.Thread(target=run, name="tests.backends")
    thread.start()
    thread.join()
    if failure:
        raise failure[0]
    return outcome[0]


# Asking for the version


async def _version(name: str, place: SplitResult) -> str:
    async with asyncio.timeout(CONNECT_SECONDS):
        return await {"postgres": _postgres_version, "mysql": _mysql_version, "redis": _redis_version}[name](place)


async def _postgres_version(place: SplitResult) -> str:
    connection = await asyncpg.connect(urlunsplit(place))
    try:
        return "PostgreSQL " + str(await connection.fetchval("SHOW server_version")).split()[0]
    finally:
        await connection.close()


async def _mysql_version(place: SplitResult) -> str:
    rows = await _mysql(place, "SELECT VERSION()")
    return str(rows[0][0])


async def _redis_version(place: SplitResult) -> str:
    client = redis.asyncio.from_url(urlunsplit(place))
    try:
        return "Redis " + str((await client.info("server"))["redis_version"])
    finally:
        await client.aclose()


# PostgreSQL


async def _create_postgres(place: SplitResult, name: str) -> None:
    await _postgres(place, f"CREATE DATABASE \"{name}\" TEMPLATE template0 ENCODING 'UTF8'")


async def _drop_postgres(place: SplitResult, name: str) -> None:
    await _postgres(place, f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


async def _postgres(place: SplitResult, sql: str) -> None:
    connection = await asyncpg.connect(urlunsplit(place), timeout=CONNECT_SECONDS)
    try:
        await connection.execute(sql)
    finally:
        await connection.close()


# MySQL and MariaDB


async def _create_mysql(place: SplitResult, name: str) -> None:
    await _mysql(place, f"CREATE DATABASE `{name}` CHARACTER SET utf8mb4")


async def _drop_mysql(place: SplitResult, name: str) -> None:
    # MariaDB knows no DROP ... FORCE: a leaked transaction would hold the drop back for ever.
    for (connection,) in await _mysql(place, f"SELECT id FROM information_schema.processlist WHERE db = '{name}'"):
        try:
            await _mysql(place, f"KILL {int(connection)}")
        except asyncmy.errors.Error:
            continue  # it ended by itself in between
    await _mysql(place, f"DROP DATABASE IF EXISTS `{name}`")


async def _mysql(place: SplitResult, sql: str) -> list[tuple[Any, ...]]:
    connection = await asyncmy.connect(
        host=place.hostname or "127.0.0.1",
        port=place.port or 3306,
        user=unquote(place.username or "root"),
        password=unquote(place.password or ""),
        connect_timeout=CONNECT_SECONDS,
    )
    try:
        async with connection.cursor() as cursor:
            await cursor.execute(sql)
            return list(await cursor.fetchall())
    finally:
        await connection.ensure_closed()


# Redis


async def _delete_keys(url: str, prefix: str) -> None:
    client = redis.asyncio.from_url(url)
    try:
        async for key in client.scan_iter(match=prefix + "*", count=1000):
            await client.delete(key)
    finally:
        await client.aclose()
