"""In charge of PostgreSQL on asyncpg's raw connections, pooled by `databases`. Knows nothing of other dialects.

Values arrive as asyncpg decodes them: numeric as Decimal, json and jsonb as text, dates and times as datetime's.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import asyncpg
from databases import Database

from core.db import errors
from core.db.errors import ConnectionLost, DatabaseError, DataRejected, QueryRejected, StalePlan, Unavailable
from core.db.gateway.connection import Connection, Counter, Result, Rows
from core.db.gateway.leases import LeasePool
from core.db.gateway.options import Options, Target

# An INSERT of rows given one by one touches one row for each list of arguments.
_ROW_BY_ROW = re.compile(r"\s*INSERT\b(?!.*\b(?:SELECT|CONFLICT)\b)", re.IGNORECASE | re.DOTALL)


# Of the advisory lock that changes of the schema take; only has to differ from the others of this server.
ALTERING = 7164020043


class PostgresConnection(Connection):
    dialect = "postgres"
    interleaves = True

    def __init__(self, lease: Any, counter: Counter) -> None:
        super().__init__(counter)
        self.lease = lease
        self._raw = lease.raw_connection
        self._cursor: Any = None

    async def _rows(self, sql: str, args: Sequence[Any]) -> Rows:
        rows: Rows = await self._raw.fetch(sql, *args)
        return rows

    async def _execute(self, sql: str, args: Sequence[Any]) -> Result:
        return Result(_touched(await self._raw.execute(sql, *args)), None)

    async def _execute_many(self, sql: str, args_list: Sequence[Sequence[Any]]) -> int:
        if _ROW_BY_ROW.match(sql):
            await self._raw.executemany(sql, args_list)
            return len(args_list)
        return sum([_touched(await self._raw.execute(sql, *args)) for args in args_list])

    async def _open_stream(self, sql: str, args: Sequence[Any], size: int) -> None:
        # A cursor lives in a transaction only; a read has none of its own.
        if not self.in_transaction:
            await self._raw.execute("BEGIN READ ONLY")
        try:
            self._cursor = await self._raw.cursor(sql, *args)
        except BaseException:
            await self._close_stream()
            raise

    async def _fetch(self, size: int) -> Rows:
        rows: Rows = await self._cursor.fetch(size)
        return rows

    async def _close_stream(self) -> None:
        # In a transaction the portal is left to its end; outside there is only the cursor's own one.
        self._cursor = None
        if not self.in_transaction and self._raw.is_in_transaction():
            await self._raw.execute("ROLLBACK")

    async def _command(self, sql: str) -> None:
        await self._raw.execute(sql)

    async def _begin(self) -> None:
        await self._raw.execute("BEGIN")

    async def _begin_view(self) -> None:
        await self._raw.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")

    async def _wait_alone(self) -> None:
        await self._raw.execute(f"SET LOCAL statement_timeout = 0; SELECT pg_advisory_xact_lock({ALTERING})")

    async def _commit(self) -> None:
        # After a failed statement COMMIT is answered with ROLLBACK, and that is no error to the driver.
        if await self._raw.execute("COMMIT") != "COMMIT":
            raise QueryRejected("The transaction had failed and was rolled back")

    async def _rollback(self) -> None:
        if self._raw.is_in_transaction():
            await self._raw.execute("ROLLBACK")

    def _translate(self, error: Exception) -> DatabaseError:
        return ConnectionLost() if _is_closed(self._raw) else translate(error)


class PostgresPool(LeasePool):
    driver_errors = (asyncpg.PostgresError, asyncpg.InterfaceError)

    def _lend(self, lease: Any) -> Connection:
        return PostgresConnection(lease, self._counter)

    def _lease_of(self, connection: Connection) -> Any:
        assert isinstance(connection, PostgresConnection)
        return connection.lease

    def _usable(self, lease: Any) -> bool:
        return not _is_closed(lease.raw_connection)

    def _discard(self, lease: Any) -> None:
        with suppress(asyncpg.InterfaceError):
            lease.raw_connection.terminate()


async def open_pool(place: Target, counter: Counter) -> PostgresPool:
    """Connect `min_size` connections. Raises Unavailable."""
    options = place.options
    database = Database(
        place.place,
        min_size=min(options.min_size, options.pool_size),
        max_size=options.pool_size,
        timeout=options.connect_timeout,
        reset=_leave,
        statement_cache_size=options.statement_cache_size,
        server_settings=server_settings(options),
        **ssl_argument(options),
    )
    try:
        await database.connect()
    except Exception as error:
        raise Unavailable from error
    return PostgresPool(database, counter)


def server_settings(options: Options) -> dict[str, str]:
    """The session's settings, sent with the login."""
    settings = {
        "application_name": "tabularium",
        "TimeZone": "UTC",
        # Compiling costs more than it brings on short statements, and on asyncpg's look-ups of types.
        "jit": "off",
        "lock_timeout": str(round(options.lock_timeout * 1000)),
    }
    if options.statement_timeout is not None:
        settings["statement_timeout"] = str(round(options.statement_timeout * 1000))
    return settings


def ssl_argument(options: Options) -> dict[str, Any]:
    return {} if options.ssl is None else {"ssl": options.ssl}


def translate(error: BaseException) -> DatabaseError:
    """The error of what asyncpg or the network raised."""
    if isinstance(error, asyncpg.InvalidCachedStatementError | asyncpg.exceptions.OutdatedSchemaCacheError):
        return StalePlan()
    if isinstance(error, asyncpg.PostgresError):
        return errors.from_postgres(error)
    # The driver refuses a value of the wrong Python type before it is sent.
    if isinstance(error, asyncpg.exceptions._base.DataError | ValueError | OverflowError):
        return DataRejected()
    if isinstance(error, OSError | asyncio.TimeoutError | EOFError):
        return ConnectionLost()
    return QueryRejected()


async def _leave(_: Any) -> None:
    """Instead of asyncpg's RESET ALL, which costs a round trip: nobody sets anything, and transactions are settled."""


def _touched(status: str) -> int:
    last = status.rpartition(" ")[2]
    return int(last) if last.isdigit() else 0


def _is_closed(raw: Any) -> bool:
    try:
        closed: bool = raw.is_closed()
    except asyncpg.InterfaceError:
        # The pool has taken a lost connection back already, and with it all that can be asked of it.
        return True
    return closed
