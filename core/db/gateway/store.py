"""In charge of one project's database over its lifetime: opens it, hands out connections, ends transactions, closes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from importlib import import_module
from typing import Any, TypeVar

import sqlalchemy

from core.db.errors import Unavailable
from core.db.gateway.connection import Connection, Counter, Pool, finish
from core.db.gateway.engine import Engine
from core.db.gateway.options import Options, Target, target

T = TypeVar("T")


def _opener(dialect: str) -> Callable[..., Any]:
    """What opens a pool of the dialect; its driver is imported for it alone, so that a server starts sooner."""
    opener: Callable[..., Any] = import_module(f"core.db.gateway.{dialect}").open_pool
    return opener


class Store:
    """The pools of one project's database. It belongs to the event loop that opened it."""

    def __init__(self, place: Target, url: str, pool: Pool, engine: Engine, counter: Counter) -> None:
        self.dialect = place.dialect
        """sqlite, postgres or mysql (which is also MariaDB)."""
        self.url = url
        self.options = place.options
        self._pool = pool
        self._engine = engine
        self._counter = counter
        self._altering = asyncio.Lock()
        size = place.options.readers if place.dialect == "sqlite" else place.options.pool_size
        self._views = asyncio.Semaphore(max(1, size // 2))

    @classmethod
    async def open(cls, url: str, *, pool_size: int = 10, options: Mapping[str, Any] | None = None) -> Store:
        """Open the pools and try one connection.

        `options` are the fields of Options; they may also be the URL's query. Raises DatabaseUnavailable, within
        about `connect_timeout`, and InvalidDatabaseConnection for a URL or option that is none.
        """
        place = target(url, Options(pool_size=pool_size), options or {})
        counter = Counter()
        pool = await _opener(place.dialect)(place, counter)
        return cls(place, url, pool, Engine(place), counter)

    async def close(self) -> None:
        """Close all connections; those in use end first. No call may follow."""
        await self._engine.close()
        await self._pool.close()

    @property
    def statements_total(self) -> int:
        """Statements that ran on all connections since the store was opened, without those of `run_sync`."""
        return self._counter.total

    @asynccontextmanager
    async def read(self, *, still: bool = False) -> AsyncIterator[Connection]:
        """One connection for several reads, each on its own: no transaction. On SQLite it refuses to write.

        `still`: all of them see the same state of the database, and nothing can be written; for reads that follow each
        other at once. Their transaction is begun and ended by statements that do not count, and only reads: it may
        lose to a change of the schema (Retryable), and then is to be read anew.
        """
        connection = await self._take(write=False)
        try:
            if still:
                await connection.begin_view()
            yield connection
            if still:
                await connection.end_view()
        finally:
            await self._give(connection)

    @asynccontextmanager
    async def view(self) -> AsyncIterator[Connection]:
        """One connection whose statements all see the same state of the database, for reads that take their time.

        A reader may be as slow as the network of a client, so half of the connections at most are lent like this;
        the others stay for everybody else. Raises Unavailable when none comes free within `acquire_timeout`.
        """
        try:
            async with asyncio.timeout(self.options.acquire_timeout):
                await self._views.acquire()
        except TimeoutError as error:
            raise Unavailable from error
        try:
            connection = await self._take(write=False)
            try:
                await connection.begin_view()
                yield connection
            finally:
                await self._give(connection)
        finally:
            self._views.release()

    @asynccontextmanager
    async def write(self) -> AsyncIterator[Connection]:
        """One transaction: committed when the block ends, rolled back when it raises or is cancelled.

        On SQLite it is the only one at a time. A refused COMMIT raises, and nothing is stored. Once COMMIT is sent,
        its answer is waited for; a cancellation that comes meanwhile is raised afterwards, and `committed` tells.
        """
        connection = await self._take(write=True)
        try:
            await connection.begin()
            yield connection
            await finish(connection.commit())
        finally:
            await self._give(connection)

    @asynccontextmanager
    async def alter(self) -> AsyncIterator[Connection]:
        """One transaction as `write()`, for changes of the schema: the only one of its kind in all processes.

        On SQLite and PostgreSQL DDL is part of it. MySQL commits at each DDL statement; the turn is kept all the same.
        On SQLite foreign keys are not enforced meanwhile, because a table is rebuilt by dropping it. Raises Locked
        when the turn does not come within `lock_timeout`.
        """
        async with self._altering:  # who waits for one of this process needs no connection meanwhile
            connection = await self._take(write=True)
            try:
                await connection.begin_alone()
                yield connection
                await finish(connection.commit())
            finally:
                connection.retire()
                await finish(self._settle(connection, alone=True))

    async def run_sync(self, fn: Callable[[sqlalchemy.Connection], T], *, write: bool = True) -> T:
        """Run `fn` with a SQLAlchemy connection in a transaction that is committed on return.

        For DDL and the Inspector. On SQLite the DDL is part of the transaction, foreign keys
        are not enforced (a table is rebuilt by dropping it), and `write=False` leaves the writer to others. Raises
        what `fn` raises, database errors as ours.
        """
        if write and self.dialect == "sqlite":
            from core.db.gateway.sqlite import SqlitePool

            assert isinstance(self._pool, SqlitePool)
            async with self._pool.alone():
                return await self._engine.run(fn, write=True)
        return await self._engine.run(fn, write=write)

    async def _take(self, *, write: bool) -> Connection:
        if (connection := self._pool.take_now(write=write)) is not None:
            return connection
        try:
            async with asyncio.timeout(self.options.acquire_timeout):
                return await self._pool.take(write=write)
        except Unavailable:
            raise
        except Exception as error:
            # Whatever it was, here it only means that there is no connection to be had.
            raise Unavailable from error

    async def _give(self, connection: Connection) -> None:
        connection.retire()
        if connection.idle:
            await self._pool.give(connection)
        else:
            await finish(self._settle(connection))

    async def _settle(self, connection: Connection, *, alone: bool = False) -> None:
        try:
            await connection.settle()
            if alone:
                await connection.leave_alone()
        finally:
            await self._pool.give(connection)
