"""In charge of SQLite: connections held open, several that read and one that writes; knows nothing of other dialects.

Reads are tried on the event loop first. One that is stopped there is run again in the connection's own thread, and its
text goes there at once for a while. Writes are never tried on the loop: stopping one rolls its transaction back.
"""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections import deque
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from core.db import errors
from core.db.errors import DatabaseError, QueryRejected, Unavailable
from core.db.gateway.connection import Connection, Counter, Pool, Result, Rows, finish
from core.db.gateway.held import Held, code_of
from core.db.gateway.options import Target

_SLOW_SECONDS, _SLOW_TEXTS = 10.0, 1_000


class SqliteConnection(Connection):
    """A reader, or the writer."""

    dialect = "sqlite"
    interleaves = True

    def __init__(self, held: Held, counter: Counter, slow: dict[str, float], *, tries_loop: bool) -> None:
        super().__init__(counter)
        self.held = held
        self._db = held.db
        self._slow = slow
        self._tries_loop = tries_loop
        self._cursor: sqlite3.Cursor | None = None

    async def _rows(self, sql: str, args: Sequence[Any]) -> Rows:
        def work() -> Rows:
            return self._db.execute(sql, args).fetchall()

        if self.in_transaction:
            self._check()
        # A stopped read leaves a transaction as it is; RETURNING and the like are writes.
        if self._tries_loop and (not self.in_transaction or sql.startswith("SELECT")) and not self._is_slow(sql):
            try:
                return self.held.at_once(work)
            except sqlite3.OperationalError as error:
                if code_of(error) == errors.SQLITE_INTERRUPT:
                    self._remember(sql)
                elif code_of(error) != errors.SQLITE_BUSY:
                    raise
        return await self.held.in_thread(work)

    async def _execute(self, sql: str, args: Sequence[Any]) -> Result:
        def work() -> Result:
            cursor = self._db.execute(sql, args)
            try:
                # lastrowid is the connection's last one, whatever this statement was.
                inserted = cursor.rowcount > 0 and sql[:7].upper() in ("INSERT ", "REPLACE")
                return Result(max(cursor.rowcount, 0), cursor.lastrowid if inserted else None)
            finally:
                cursor.close()

        self._check()
        return await self.held.in_thread(work)

    async def _execute_many(self, sql: str, args_list: Sequence[Sequence[Any]]) -> int:
        def work() -> int:
            cursor = self._db.executemany(sql, args_list)
            try:
                return max(cursor.rowcount, 0)
            finally:
                cursor.close()

        self._check()
        return await self.held.in_thread(work)

    async def _open_stream(self, sql: str, args: Sequence[Any], size: int) -> None:
        self._cursor = await self.held.in_thread(lambda: self._db.execute(sql, args))

    async def _fetch(self, size: int) -> Rows:
        cursor = self._cursor
        return [] if cursor is None else await self.held.in_thread(lambda: cursor.fetchmany(size))

    async def _close_stream(self) -> None:
        if self._cursor is not None:
            self._cursor.close()
            self._cursor = None

    def _check(self) -> None:
        # A full disk or a stopped write ends the transaction unasked: what followed would be stored at once.
        if self.in_transaction and not self._db.in_transaction:
            raise QueryRejected("The transaction has ended")

    async def _command(self, sql: str) -> None:
        self._check()
        await self.held.in_thread(lambda: self._db.execute(sql).close())

    async def _begin(self) -> None:
        def work() -> None:
            # IMMEDIATE: a read that turns into a write later could not wait for another process.
            self._db.execute("BEGIN IMMEDIATE").close()

        try:
            self.held.at_once(work)
        except sqlite3.OperationalError as error:
            if code_of(error) != errors.SQLITE_BUSY:
                raise
            await self.held.in_thread(work)

    async def _begin_view(self) -> None:
        self.held.at_once(lambda: self._db.execute("BEGIN").close())  # takes no lock before the first read

    async def _end_view(self) -> None:
        self._check()
        self.held.at_once(lambda: self._db.execute("COMMIT").close())  # nothing was written, so nothing is waited for

    async def _enter_alone(self) -> None:
        # Both are ignored inside a transaction. A table that is rebuilt is dropped, which must not delete what refers
        # to its rows, and takes its old name back, which must not be followed up in views and triggers.
        await self._command("PRAGMA foreign_keys = OFF")
        await self._command("PRAGMA legacy_alter_table = ON")
        self.held.bounded = False  # to rebuild a large table may take longer than a request is given

    async def _leave_alone(self) -> None:
        self.held.bounded = True
        await self._command("PRAGMA foreign_keys = ON")
        await self._command("PRAGMA legacy_alter_table = OFF")

    async def _commit(self) -> None:
        await self._command("COMMIT")

    async def _rollback(self) -> None:
        if self._db.in_transaction:
            await self.held.in_thread(lambda: self._db.execute("ROLLBACK").close())

    def _translate(self, error: Exception) -> DatabaseError:
        return _translate(error)

    def _is_slow(self, sql: str) -> bool:
        until = self._slow.get(sql)
        return until is not None and until > time.monotonic()

    def _remember(self, sql: str) -> None:
        if len(self._slow) >= _SLOW_TEXTS:
            self._slow.clear()
        self._slow[sql] = time.monotonic() + _SLOW_SECONDS


class SqlitePool(Pool):
    """The readers, handed out in the order of asking, and the writer behind a lock."""

    def __init__(self, place: Target, counter: Counter, writer: Held, reader: Held) -> None:
        self._place = place
        self._counter = counter
        self._writer: Held | None = writer
        self._turn = asyncio.Lock()
        self._free = [reader]
        self._readers = 1
        self._waiting: deque[asyncio.Future[Held | None]] = deque()
        self._slow: dict[str, float] = {}

    @asynccontextmanager
    async def alone(self) -> AsyncIterator[None]:
        """The writer's turn, for someone who brings a connection of their own. Raises Unavailable."""
        try:
            async with asyncio.timeout(self._place.options.acquire_timeout):
                await self._turn.acquire()
        except TimeoutError as error:
            raise Unavailable from error
        try:
            yield
        finally:
            self._turn.release()

    def take_now(self, *, write: bool) -> Connection | None:
        return None if write or not self._free else self._lend(self._free.pop())

    async def take(self, *, write: bool) -> Connection:
        return self._lend(await self._take_writer() if write else await self._take_reader())

    def _lend(self, held: Held) -> Connection:
        return SqliteConnection(held, self._counter, self._slow, tries_loop=self._place.options.loop_steps > 0)

    async def give(self, connection: Connection) -> None:
        assert isinstance(connection, SqliteConnection)
        held = connection.held
        if connection.broken:
            # Closing waits for the thread; there may be no one left to wait for it.
            await finish(asyncio.to_thread(held.close))
        if held is self._writer:
            if connection.broken:
                self._writer = None
            self._turn.release()
            return
        if connection.broken:
            self._readers -= 1
        self._pass_on(None if connection.broken else held)

    async def close(self) -> None:
        async with self._turn:
            held = [self._writer] if self._writer else []
            while self._readers:
                held.append(await self._take_reader())
                self._readers -= 1
            for one in held:
                await asyncio.to_thread(one.close)
            self._writer = None

    async def _take_writer(self) -> Held:
        await self._turn.acquire()
        try:
            if self._writer is None:
                self._writer = await self._open(writes=True)
            return self._writer
        except BaseException:
            self._turn.release()
            raise

    async def _take_reader(self) -> Held:
        if self._free:
            return self._free.pop()
        if self._readers >= self._place.options.readers:
            handed = await self._wait()
            if handed is not None:
                return handed
        self._readers += 1
        try:
            return await self._open(writes=False)
        except BaseException:
            self._readers -= 1
            self._pass_on(None)
            raise

    async def _wait(self) -> Held | None:
        turn: asyncio.Future[Held | None] = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            return await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                # Served and cancelled at once: the next in line gets what was meant for this one.
                self._pass_on(turn.result())
            raise

    def _pass_on(self, held: Held | None) -> None:
        """Hand a reader, or with None the room to open one, to whoever has waited longest."""
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(held)
                return
        if held is not None:
            self._free.append(held)

    async def _open(self, *, writes: bool) -> Held:
        opening = asyncio.ensure_future(asyncio.to_thread(Held, self._place.file, self._place.options, writes=writes))
        try:
            return await asyncio.shield(opening)
        except asyncio.CancelledError:
            opening.add_done_callback(_close_unwanted)
            raise


async def open_pool(place: Target, counter: Counter) -> SqlitePool:
    """Open the file (made if it is not there) and its first two connections. Raises Unavailable."""

    def both() -> tuple[Held, Held]:
        writer = Held(place.file, place.options, writes=True)
        try:
            return writer, Held(place.file, place.options, writes=False)
        except BaseException:
            writer.close()
            raise

    try:
        writer, reader = await asyncio.to_thread(both)
    except sqlite3.Error as error:
        raise Unavailable from error
    return SqlitePool(place, counter, writer, reader)


def _close_unwanted(opening: asyncio.Future[Held]) -> None:
    if not opening.cancelled() and opening.exception() is None:
        opening.result().close()


def _translate(error: Exception) -> DatabaseError:
    if isinstance(error, OverflowError):
        return errors.OutOfRange()
    if isinstance(error, UnicodeError):
        return errors.DataRejected()
    return errors.from_sqlite(getattr(error, "sqlite_errorcode", None), str(error))
