"""In charge of one SQLite connection that is held open, and of where its work runs: on the event loop or in a thread.

A read runs on the loop as long as it is short: a hop to a thread and back costs fifteen times a point read. SQLite's
progress handler stops it when the loop's budget is used up, and somebody decides to run it again in the thread.
"""

from __future__ import annotations

import asyncio
import sqlite3
import sys
import threading
import time
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any, TypeVar

from core.db import errors
from core.db.gateway.connection import finish
from core.db.gateway.options import Options

T = TypeVar("T")

# Steps of SQLite's machine between two looks at its limits: about 50 µs on the loop. In a thread each look needs the
# interpreter's lock, which a busy loop gives away only every 5 ms, so it looks seldom.
_FINE, _COARSE = 1_000, 200_000
# For what does a lot in few steps: seconds of this thread's own work, so that a busy machine stops nothing. The clock
# is asked from the third look on, because a run of the garbage collector would make any short read look slow.
_LOOP_SECONDS, _CLOCKLESS_LOOKS = 0.02, 3
_CACHED_STATEMENTS = 512


class Held:
    """One held connection, with a thread that is started when first needed. One call at a time, here or there."""

    def __init__(self, file: str, options: Options, *, writes: bool) -> None:
        self.db = sqlite3.connect(
            file, timeout=0, isolation_level=None, check_same_thread=False, cached_statements=_CACHED_STATEMENTS
        )
        self._options = options
        self.bounded = True
        """Whether a statement may take no longer than the options say."""
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
        limit = options.statement_timeout if self.bounded else None
        self._deadline = time.monotonic() + (limit or float("inf"))
        patience = time.monotonic() + options.lock_timeout
        pause = 0.001
        self.db.set_progress_handler(self._look, _COARSE)
        try:
            while True:
                try:
                    return work()
                except sqlite3.OperationalError as error:
                    if code_of(error) != errors.SQLITE_BUSY or self._abort or time.monotonic() > patience:
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


def code_of(error: BaseException) -> int:
    """The primary result code of what the module raised; 0 if it has none."""
    return (getattr(error, "sqlite_errorcode", None) or 0) & 0xFF


def _answer(future: asyncio.Future[Any], outcome: Any, *, failed: bool) -> None:
    def tell() -> None:
        if not future.done():
            (future.set_exception if failed else future.set_result)(outcome)

    try:
        future.get_loop().call_soon_threadsafe(tell)
    except RuntimeError:
        # The loop has been closed under us: nobody is waiting any more.
        return
