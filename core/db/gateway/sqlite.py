"""In charge of SQLite: connections held open, several that read and one that writes; knows nothing of other dialects.

A read runs on the event loop as long as it is short: a hop to a thread and back costs fifteen times a point read.
When the loop's budget is used up, SQLite's progress handler stops the read, which is then run again in the
connection's own thread, and its text goes there at once for a while. Writes are never tried on the loop, because
stopping one rolls the whole transaction back.
"""

from __future__ import annotations

import asyncio
import sqlite3
import sys
import threading
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from queue import SimpleQueue
from typing import Any, TypeVar

from core.db import errors
from core.db.errors import DatabaseError, QueryRejected, Unavailable
from core.db.gateway.connection import Connection, Counter, Pool, Result, Rows, finish
from core.db.gateway.options import Options, Target

T = TypeVar("T")

# Steps of SQLite's machine between two looks at its limits: about 50 µs on the loop. In a thread each look needs the
# interpreter's lock, which a busy loop gives away only every 5 ms, so it looks seldom.
_FINE, _COARSE = 1_000, 200_000
# For what does a lot in few steps: seconds of this thread's own work, so that a busy machine stops nothing. The clock
# is asked from the third look on, because a run of the garbage collector would make any short read look slow.
_LOOP_SECONDS, _CLOCKLESS_LOOKS = 0.02, 3
_SLOW_SECONDS, _SLOW_TEXTS = 10.0, 1_000
_CACHED_STATEMENTS = 512


class Held:
    """One held connection, with a thread that is started when first needed. One call at a time, here or there."""

    def __init__(self, file: str, options: Options, *, writes: bool) -> None:
        self.db = sqlite3.connect(
            file, timeout=0, isolation_level=None, check_same_thread=False, cached_statements=_CACHED_STATEMENTS
        )
        self._options = options
        self._looks = self._clocked = 0
        self._clock = time.monotonic
        self._deadline = float("inf")
        self._abort = False
        self._jobs: SimpleQueue[tuple[asyncio.Future[Any], Callable[[], Any]] | None] = SimpleQueue()
        self._thread: threading.Thread | None = None
        try:
            self._patiently(lambda: self._prepare(writes))
        except BaseException:
            self.db.close()
            raise
        self.db.set_progress_handler(self._look, _FINE)

    def _prepare(self, writes: bool) -> None:
        if sys.version_info >= (3, 12):
            # A quoted name that is no column would be read as text; before 3.12 only a qualified name is safe.
            self.db.setconfig(sqlite3.SQLITE_DBCONFIG_DQS_DML, False)
        if writes:
            self.db.execute("PRAGMA journal_mode = WAL").close()
        self.db.execute("PRAGMA foreign_keys = ON").close()
        self.db.execute(f"PRAGMA synchronous = {self._options.synchronous}").close()
        if not writes:
            self.db.execute("PRAGMA query_only = ON").close()
        # The file is opened only now, and what is no database is refused only now.
        self.db.execute("SELECT count(*) FROM sqlite_master").close()

    def at_once(self, work: Callable[[], T]) -> T:
        """Run `work` here. Raises sqlite3.OperationalError (busy, interrupted) where a thread must do it."""
        self._abort = False
        self._looks = self._options.loop_steps // _FINE
        self._clocked = self._looks - _CLOCKLESS_LOOKS
        self._clock = time.thread_time
        self._deadline = time.thread_time() + _LOOP_SECONDS
        return work()

    async def in_thread(self, work: Callable[[], T]) -> T:
        """Run `work` in the connection's thread; a cancelled caller's work is stopped before this returns."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._serve, name="sqlite", daemon=True)
            self._thread.start()
        self._abort = False
        try:
            return await self._put(work)
        except asyncio.CancelledError:
            self._abort = True
            self.db.interrupt()
            await finish(self._drained())
            raise

    async def _drained(self) -> None:
        await self._put(lambda: None)

    def _put(self, work: Callable[[], T]) -> asyncio.Future[T]:
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._jobs.put((future, work))
        return future

    def _serve(self) -> None:
        while (job := self._jobs.get()) is not None:
            future, work = job
            if future.cancelled():
                continue
            try:
                outcome = self._patiently(work)
            except BaseException as error:
                _answer(future, error, failed=True)
                # A traceback would keep the job, and with it the connection, until the next one comes.
                del error
            else:
                _answer(future, outcome, failed=False)
                del outcome
            del job, future, work

    def _patiently(self, work: Callable[[], T]) -> T:
        """Run `work` until no other connection or process has the lock, within the limits of the options."""
        options = self._options
        self._looks = self._clocked = sys.maxsize
        self._clock = time.monotonic
        self._deadline = time.monotonic() + (options.statement_timeout or float("inf"))
        patience = time.monotonic() + options.lock_timeout
        pause = 0.001
        self.db.set_progress_handler(self._look, _COARSE)
        try:
            while True:
                try:
                    return work()
                except sqlite3.OperationalError as error:
                    if _code(error) != errors.SQLITE_BUSY or self._abort or time.monotonic() > patience:
                        raise
                time.sleep(pause)
                pause = min(pause * 2, 0.02)
        finally:
            self.db.set_progress_handler(self._look, _FINE)

    def _look(self) -> bool:
        self._looks -= 1
        if self._looks < 0 or self._abort:
            return True
        return self._looks < self._clocked and self._clock() > self._deadline

    def close(self) -> None:
        """Stop the thread after its last job and close the file; blocks for as long as that takes."""
        if self._thread is not None:
            self._jobs.put(None)
            self._thread.join()
        self.db.close()


class SqliteConnection(Connection):
    """A reader, or the writer."""

    dialect = "sqlite"

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
                if _code(error) == errors.SQLITE_INTERRUPT:
                    self._remember(sql)
                elif _code(error) != errors.SQLITE_BUSY:
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
            if _code(error) != errors.SQLITE_BUSY:
                raise
            await self.held.in_thread(work)

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

    def translate(self, error: Exception) -> DatabaseError:
        return _translate(error)

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


def _answer(future: asyncio.Future[Any], outcome: Any, *, failed: bool) -> None:
    def tell() -> None:
        if not future.done():
            (future.set_exception if failed else future.set_result)(outcome)

    try:
        future.get_loop().call_soon_threadsafe(tell)
    except RuntimeError:
        # The loop has been closed under us: nobody is waiting any more.
        return


def _code(error: BaseException) -> int:
    return (getattr(error, "sqlite_errorcode", None) or 0) & 0xFF


def _translate(error: Exception) -> DatabaseError:
    if isinstance(error, OverflowError):
        return errors.OutOfRange()
    if isinstance(error, UnicodeError):
        return errors.DataRejected()
    return errors.from_sqlite(getattr(error, "sqlite_errorcode", None), str(error))
