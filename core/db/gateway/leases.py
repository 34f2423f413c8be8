"""In charge of connections borrowed from a pool of `databases`: kept at hand between two holders, given back when idle.

Acquiring from asyncpg's pool and releasing to it costs half a point read, so a connection that comes back clean is lent
again from here. The driver's pool stays in charge of how many there are, of opening and of closing them.
"""

from __future__ import annotations

import asyncio
from abc import abstractmethod
from collections import deque
from contextlib import suppress
from typing import Any

from databases import Database

from core.db.gateway.connection import Connection, Counter, Pool

_IDLE_SECONDS = 60.0


class LeasePool(Pool):
    """The leases of one Database. A dialect says how a lease becomes a connection, and whether it still is one."""

    def __init__(self, database: Database, counter: Counter) -> None:
        self._database = database
        self._counter = counter
        self._idle: deque[tuple[float, Any]] = deque()
        self._waiting = 0
        self._sweep: asyncio.TimerHandle | None = None
        self._endings: set[asyncio.Task[None]] = set()
        self._closed = False

    def take_now(self, *, write: bool) -> Connection | None:
        while self._idle:
            lease = self._idle.pop()[1]
            if self._usable(lease):
                return self._lend(lease)
            self._end(lease)
        return None

    async def take(self, *, write: bool) -> Connection:
        # Not Database.connection(): that one belongs to the current task.
        lease = self._database._backend.connection()
        self._waiting += 1
        try:
            await lease.acquire()
        finally:
            self._waiting -= 1
        try:
            await self._prepare(lease)
        except BaseException:
            self._discard(lease)
            self._end(lease)
            raise
        return self._lend(lease)

    async def give(self, connection: Connection) -> None:
        lease = self._lease_of(connection)
        if connection.broken:
            self._discard(lease)
        elif not self._waiting and not self._closed:
            loop = asyncio.get_running_loop()
            self._idle.append((loop.time(), lease))
            if self._sweep is None:
                self._sweep = loop.call_later(_IDLE_SECONDS, self._give_back_idle)
            return
        await self._release(lease)

    async def close(self) -> None:
        self._closed = True
        if self._sweep is not None:
            self._sweep.cancel()
        while self._idle:
            await self._release(self._idle.pop()[1])
        while self._endings:
            await asyncio.wait(self._endings)
        await self._database.disconnect()

    def _give_back_idle(self) -> None:
        loop = asyncio.get_running_loop()
        self._sweep = None
        while self._idle and self._idle[0][0] + _IDLE_SECONDS <= loop.time():
            self._end(self._idle.popleft()[1])
        if self._idle:
            self._sweep = loop.call_at(self._idle[0][0] + _IDLE_SECONDS, self._give_back_idle)

    def _end(self, lease: Any) -> None:
        task = asyncio.ensure_future(self._release(lease))
        self._endings.add(task)
        task.add_done_callback(self._endings.discard)

    async def _release(self, lease: Any) -> None:
        # What cannot be given back clean is closed by the driver's pool; there is nothing else to do about it.
        with suppress(*self.driver_errors, OSError):
            await lease.release()

    driver_errors: tuple[type[Exception], ...]

    async def _prepare(self, lease: Any) -> None:
        """Set up a connection that was just acquired, if it has not been set up before."""

    @abstractmethod
    def _lend(self, lease: Any) -> Connection: ...

    @abstractmethod
    def _lease_of(self, connection: Connection) -> Any: ...

    @abstractmethod
    def _usable(self, lease: Any) -> bool:
        """Whether the connection is still open, as far as can be told without asking the server."""

    @abstractmethod
    def _discard(self, lease: Any) -> None:
        """Close the connection, so that it is not pooled when it is released."""
