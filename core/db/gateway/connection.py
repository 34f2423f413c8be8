"""In charge of what a caller holds of a database, and of the rules for holding it; a dialect fills in the statements.

A connection is passed by argument and never looked up by task. Tasks may share one: its statements queue up. It is
the holder's until the `async with` that gave it ends, and refuses to work afterwards.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from typing import Any, ClassVar, NamedTuple, TypeVar

from core.db.errors import ConnectionLost, DatabaseError, Deadlock, QueryRejected, Serialization

T = TypeVar("T")
Row = Sequence[Any]
Rows = Sequence[Row]


class Result(NamedTuple):
    """What a write did: how many rows, and the key that SQLite or MySQL generated (None on PostgreSQL: RETURNING)."""

    rowcount: int
    key: int | None


class Counter:
    """How many statements a store has run."""

    __slots__ = ("total",)

    def __init__(self) -> None:
        self.total = 0


class Connection(ABC):
    """One connection, for the time of one `async with store.read()` or `store.write()`.

    SQL comes in the dialect's own parameter style: `?` (SQLite), `$1` (PostgreSQL), `%s` (MySQL, where a literal
    percent sign is always `%%`). Rows are read by position only. Every method raises DatabaseError's subclasses.
    """

    dialect: ClassVar[str]
    interleaves: ClassVar[bool] = False
    """Whether other statements may run between two chunks of a shared stream."""

    def __init__(self, counter: Counter) -> None:
        self.statements = 0
        """Statements run on this connection since it was handed out; BEGIN, COMMIT and savepoints do not count."""
        self.committed = False
        """Whether the transaction of `store.write()` has been committed."""
        self.in_transaction = False
        self.broken = False
        """Whether the connection must not be used again by anybody."""
        self._counter = counter
        self._lock = asyncio.Lock()
        self._held = True
        self._streaming = self._shared = False
        self._savepoints = 0
        self._doom: DatabaseError | None = None

    # What a caller does with it

    async def rows(self, sql: str, args: Sequence[Any] = ()) -> Rows:
        """All rows of a statement."""
        return await self._guarded(self._rows, sql, args)

    async def row(self, sql: str, args: Sequence[Any] = ()) -> Row | None:
        """The first row, or None."""
        rows = await self._guarded(self._rows, sql, args)
        return rows[0] if rows else None

    async def value(self, sql: str, args: Sequence[Any] = ()) -> Any:
        """The first column of the first row; None if there is no row."""
        row = await self.row(sql, args)
        return None if row is None else row[0]

    async def execute(self, sql: str, args: Sequence[Any] = ()) -> Result:
        """Run a write that returns no rows."""
        return await self._guarded(self._execute, sql, args)

    async def execute_many(self, sql: str, args_list: Sequence[Sequence[Any]]) -> int:
        """Run a write once for each argument list, as one batch; the number of rows it touched in all."""
        if not args_list:
            return 0
        return await self._guarded(self._execute_many, sql, args_list)

    async def stream(
        self, sql: str, args: Sequence[Any] = (), *, size: int = 500, shared: bool = False
    ) -> AsyncGenerator[Rows, None]:
        """The rows of a statement in chunks of `size`, by a cursor of the driver.

        Until the stream has ended or its iterator is closed, the connection refuses other statements; a `shared` one
        lets them run between two chunks where the dialect can (`interleaves`), but no second stream.
        """
        async with self._lock:
            if self._streaming:
                raise QueryRejected("A stream was opened while another one is open")
            self._admit()
            self._streaming, self._shared = True, shared and self.interleaves
            try:
                await self._translated(self._open_stream(sql, args, size))
            except BaseException:
                self._streaming = False
                raise
        try:
            while chunk := await self._next_chunk(size):
                yield chunk
        finally:
            # After the connection's end there is nothing to close any more, and it is somebody else's.
            if self._held and self._streaming:
                await finish(self._end_stream())

    @asynccontextmanager
    async def savepoint(self) -> AsyncIterator[None]:
        """A part of the transaction that is undone alone when the block raises. Not for sibling tasks to interleave."""
        self._savepoints += 1
        name = f"s{self._savepoints}"
        await self._guarded(self._command, f"SAVEPOINT {name}", count=False)
        try:
            yield
            await self._guarded(self._command, f"RELEASE SAVEPOINT {name}", count=False)
        except BaseException:
            if self._doom is None and not self.broken:
                await finish(self._undo(name))
            raise
        finally:
            self._savepoints -= 1

    # How the store settles it

    async def begin(self) -> None:
        """Begin the transaction of `store.write()`."""
        self.in_transaction = True  # even if nobody waits for the answer any more
        await self._translated(self._begin())

    async def begin_view(self) -> None:
        """Begin the transaction of `store.view()`: it only reads, and sees one state."""
        self.in_transaction = True
        await self._translated(self._begin_view())

    async def end_view(self) -> None:
        """End it: the next statements see what is committed by then."""
        async with self._lock:
            if self._doom is not None or self._streaming:
                return  # `settle` ends it
            await self._translated(self._end_view())
            self.in_transaction = False

    async def begin_alone(self) -> None:
        """Begin the transaction of `store.alter()`: nobody else alters, in whatever process."""
        await self._translated(self._enter_alone())
        await self.begin()
        await self._translated(self._wait_alone())

    async def leave_alone(self) -> None:
        """Let others alter, and be what the next holder expects; a connection that cannot is broken."""
        if not self.broken:
            try:
                await self._translated(self._leave_alone())
            except DatabaseError:
                self.broken = True

    async def commit(self) -> None:
        """Commit it. Raises what the database refuses it for; then nothing of it is stored."""
        async with self._lock:
            if self._doom is not None:
                raise self._doom
            if self._streaming:
                raise QueryRejected("A transaction was ended while a stream is open in it")
            await self._translated(self._commit())
            self.in_transaction = False
            self.committed = True

    async def settle(self) -> None:
        """Make the connection clean for the next holder, or mark it broken; raises nothing that a database causes."""
        try:
            if self._streaming:
                await self._end_stream()
            async with self._lock:
                if self.in_transaction and not self.broken:
                    await self._translated(self._rollback())
        except DatabaseError:
            self.broken = True
        except BaseException:
            self.broken = True
            raise
        finally:
            self.in_transaction = False

    @property
    def idle(self) -> bool:
        """Whether it can go to the next holder as it is."""
        return not (self.in_transaction or self._streaming or self.broken or self._lock.locked())

    def retire(self) -> None:
        """End the holder's use of it: later calls raise."""
        self._held = False

    # Between the two

    def _admit(self) -> None:
        if not self._held:
            raise QueryRejected("A connection was used after it was given back")
        if self._streaming and not self._shared:
            raise QueryRejected("A connection was used while a stream is open on it")
        if self._doom is not None:
            raise self._doom
        self.statements += 1
        self._counter.total += 1

    async def _guarded(self, run: Callable[..., Awaitable[T]], *args: Any, count: bool = True) -> T:
        async with self._lock:
            self._admit()
            if not count:
                self.statements -= 1
                self._counter.total -= 1
            try:
                return await run(*args)
            except DatabaseError:
                raise
            except Exception as error:
                raise self._told(error) from error

    async def _translated(self, work: Awaitable[T]) -> T:
        try:
            return await work
        except DatabaseError:
            raise
        except Exception as error:
            raise self._told(error) from error

    def _told(self, error: Exception) -> DatabaseError:
        found = self._translate(error)
        if isinstance(found, ConnectionLost):
            self.broken = True
        # The server has rolled back: what followed would run, and stay, outside the transaction.
        if self.in_transaction and isinstance(found, ConnectionLost | Deadlock | Serialization):
            self._doom = found
        return found

    async def _next_chunk(self, size: int) -> Rows:
        # The lock makes the connection's end wait for a fetch that is under way in another task.
        async with self._lock:
            if not self._held:
                raise QueryRejected("A stream was read after its connection was given back")
            return await self._translated(self._fetch(size))

    async def _end_stream(self) -> None:
        async with self._lock:
            try:
                await self._translated(self._close_stream())
            except DatabaseError:
                self.broken = True
            finally:
                self._streaming = False

    async def _undo(self, name: str) -> None:
        if self._streaming:
            await self._end_stream()
        async with self._lock:
            try:
                await self._translated(self._command(f"ROLLBACK TO SAVEPOINT {name}"))
                await self._translated(self._command(f"RELEASE SAVEPOINT {name}"))
            except DatabaseError as error:
                # Without its savepoint the transaction holds what was to be undone.
                self._doom = error

    # What a dialect fills in; these raise the driver's own errors

    @abstractmethod
    async def _rows(self, sql: str, args: Sequence[Any]) -> Rows: ...

    @abstractmethod
    async def _execute(self, sql: str, args: Sequence[Any]) -> Result: ...

    @abstractmethod
    async def _execute_many(self, sql: str, args_list: Sequence[Sequence[Any]]) -> int: ...

    @abstractmethod
    async def _open_stream(self, sql: str, args: Sequence[Any], size: int) -> None: ...

    @abstractmethod
    async def _fetch(self, size: int) -> Rows:
        """The next chunk of the open stream, empty at its end."""

    @abstractmethod
    async def _close_stream(self) -> None:
        """Give up the open stream, read to its end or not."""

    @abstractmethod
    async def _command(self, sql: str) -> None:
        """Run transaction control."""

    @abstractmethod
    async def _begin(self) -> None: ...

    @abstractmethod
    async def _begin_view(self) -> None: ...

    async def _end_view(self) -> None:
        await self._commit()

    @abstractmethod
    async def _commit(self) -> None: ...

    @abstractmethod
    async def _rollback(self) -> None: ...

    async def _enter_alone(self) -> None:  # noqa: B027  # not every dialect has to
        """What has to be said before the transaction of `store.alter()` begins."""

    async def _wait_alone(self) -> None:  # noqa: B027  # not every dialect has to
        """What has to be said once it has begun."""

    async def _leave_alone(self) -> None:  # noqa: B027  # not every dialect has to
        """Take back what was said, after its end."""

    @abstractmethod
    def _translate(self, error: Exception) -> DatabaseError: ...


class Pool(ABC):
    """What a dialect gives the store; `take` raises Unavailable or a driver's error, `give` raises nothing."""

    def take_now(self, *, write: bool) -> Connection | None:
        """A connection that can be had without waiting, or None."""
        return None

    @abstractmethod
    async def take(self, *, write: bool) -> Connection: ...

    @abstractmethod
    async def give(self, connection: Connection) -> None: ...

    @abstractmethod
    async def close(self) -> None: ...


async def finish(work: Coroutine[Any, Any, T]) -> T:
    """Wait for `work` to its end even when the caller is cancelled meanwhile; the cancellation is raised afterwards.

    A COMMIT that has been sent is answered, and a connection is clean before its next holder gets it.
    """
    task = asyncio.ensure_future(work)
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.shield(task)
        except asyncio.CancelledError as error:
            cancelled = error
        except BaseException:  # noqa: S110  # raised below, from the task
            pass
    if cancelled is not None:
        if not task.cancelled():
            task.exception()
        raise cancelled
    return task.result()
