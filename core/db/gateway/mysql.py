"""In charge of MySQL and MariaDB on asyncmy's raw connections; pooled by `databases`. Knows no other dialect.

Dates and times arrive as the text that the server prints, because Python has no value for 0000-00-00; decimals as
Decimal, BIT and binary columns as bytes, JSON as text.
"""

from __future__ import annotations

import asyncio
import math
import weakref
from collections.abc import Sequence
from typing import Any

import asyncmy
from asyncmy.constants import FIELD_TYPE
from asyncmy.converters import conversions
from asyncmy.cursors import Cursor, SSCursor
from databases import Database

from core.db import errors
from core.db.errors import ConnectionLost, DatabaseError, DataRejected, QueryRejected, Unavailable
from core.db.gateway.connection import Connection, Counter, Result, Rows
from core.db.gateway.leases import LeasePool
from core.db.gateway.options import Options, Target

_AS_TEXT = (FIELD_TYPE.DATE, FIELD_TYPE.NEWDATE, FIELD_TYPE.TIME, FIELD_TYPE.DATETIME, FIELD_TYPE.TIMESTAMP)
CONVERSIONS = {kind: convert for kind, convert in conversions.items() if kind not in _AS_TEXT}
# The driver would render these as SQL lists.
_NO_VALUES = (list, tuple, dict, set, frozenset)
_ALTERING = "CONCAT('tabularium.', MD5(DATABASE()))"
_SIP = 16 * 1024
_COM_SET_OPTION, _MULTI_STATEMENTS_OFF = 0x1B, b"\x01\x00"


Levels = weakref.WeakKeyDictionary[Any, str]
"""Which isolation level the session of a connection has."""


class _QuietCursor(Cursor):
    async def _show_warnings(self, conn: Any) -> None:
        """They hold values, and reading them costs a round trip."""


class _QuietStream(SSCursor):
    async def _show_warnings(self, conn: Any) -> None:
        """As above."""


class MysqlConnection(Connection):
    dialect = "mysql"

    def __init__(self, lease: Any, counter: Counter, levels: Levels, patience: float = 10.0) -> None:
        super().__init__(counter)
        self.lease = lease
        self._levels = levels
        self._patience = patience
        self._raw = lease.raw_connection
        self._cursor: Any = None

    async def _rows(self, sql: str, args: Sequence[Any]) -> Rows:
        return (await self._query(sql, args)).rows or ()

    async def _execute(self, sql: str, args: Sequence[Any]) -> Result:
        result = await self._query(sql, args)
        return Result(result.affected_rows, result.insert_id or None)

    async def _query(self, sql: str, args: Sequence[Any]) -> Any:
        # Not by a cursor: it would ask for the warnings of a statement and log them, values included.
        raw = self._raw
        await raw.query(sql % tuple([raw.literal(value) for value in _bound(args)]))
        return raw._result

    async def _execute_many(self, sql: str, args_list: Sequence[Sequence[Any]]) -> int:
        cursor = self._raw.cursor(_QuietCursor)
        await cursor.executemany(sql, [_bound(args) for args in args_list])
        touched: int = cursor.rowcount
        return max(touched, 0)

    async def _open_stream(self, sql: str, args: Sequence[Any], size: int) -> None:
        self._cursor = self._raw.cursor(_QuietStream)
        _sip(self._raw)
        try:
            await self._cursor.execute(sql, _bound(args))
        except BaseException:
            _gulp(self._raw)
            raise

    async def _fetch(self, size: int) -> Rows:
        # The driver takes whatever the server sends, faster than anybody takes it from the driver.
        if self._raw._transport is not None:
            self._raw._transport.resume_reading()
        rows: Rows = await self._cursor.fetchmany(size)
        if not rows:
            self._cursor = None
            _gulp(self._raw)
        elif self._raw._transport is not None:
            self._raw._transport.pause_reading()
        return rows

    async def _close_stream(self) -> None:
        if self._cursor is not None:
            # The rest would have to be read before anything else; another connection costs less.
            self._cursor = None
            self.broken = True
            self._raw.close()

    async def _command(self, sql: str) -> None:
        await self._raw.query(sql)

    async def _begin(self) -> None:
        await self._at("READ COMMITTED")
        await self._raw.begin()

    async def _begin_view(self) -> None:
        # A write reads what is committed at each statement; only this level keeps one state.
        await self._at("REPEATABLE READ")
        await self._raw.query("START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY")

    async def _at(self, level: str) -> None:
        """Set the session's level, if it is another; outside of transactions it makes no difference."""
        raw = self._raw
        if self._levels.get(raw) != level:
            self._levels.pop(raw, None)  # unknown until it is answered
            await raw.query(f"SET SESSION TRANSACTION ISOLATION LEVEL {level}")
            self._levels[raw] = level

    async def _enter_alone(self) -> None:
        # The names of locks are the server's; a dead process loses its connection and with it the lock.
        patience = max(1, round(self._patience))
        # DDL waits for the transactions that have read its table: by default for a day.
        await self._raw.query(f"SET SESSION lock_wait_timeout = {patience}")
        # To rebuild a large table may take longer than a request is given.
        await self._raw.query("/*M!100000 SET @limit = @@SESSION.max_statement_time, SESSION max_statement_time = 0 */")
        rows = await self._rows(f"SELECT GET_LOCK({_ALTERING}, {patience})", ())
        if rows[0][0] != 1:
            raise errors.Locked

    async def _leave_alone(self) -> None:
        await self._rows(f"SELECT RELEASE_LOCK({_ALTERING})", ())
        await self._raw.query("SET SESSION lock_wait_timeout = DEFAULT")
        await self._raw.query("/*M!100000 SET SESSION max_statement_time = @limit */")

    async def _commit(self) -> None:
        await self._raw.commit()

    async def _rollback(self) -> None:
        await self._raw.rollback()

    def _translate(self, error: Exception) -> DatabaseError:
        return translate(error) if self._raw.connected else ConnectionLost()


class MysqlPool(LeasePool):
    driver_errors = (asyncmy.errors.MySQLError,)

    def __init__(self, database: Database, counter: Counter, patience: float) -> None:
        super().__init__(database, counter)
        self._patience = patience
        self._prepared: weakref.WeakSet[Any] = weakref.WeakSet()
        self._levels: Levels = weakref.WeakKeyDictionary()

    async def _prepare(self, lease: Any) -> None:
        raw = lease.raw_connection
        if raw not in self._prepared:
            await _one_statement_only(raw)
            self._prepared.add(raw)
            self._levels[raw] = "READ COMMITTED"  # as `connect_arguments` says

    def _lend(self, lease: Any) -> Connection:
        return MysqlConnection(lease, self._counter, self._levels, self._patience)

    def _lease_of(self, connection: Connection) -> Any:
        assert isinstance(connection, MysqlConnection)
        return connection.lease

    def _usable(self, lease: Any) -> bool:
        # The property by which asyncmy's own pool judges; `connected` stays true when the server has hung up.
        return not lease.raw_connection._stream_broken

    def _discard(self, lease: Any) -> None:
        lease.raw_connection.close()


async def open_pool(place: Target, counter: Counter) -> MysqlPool:
    """Connect `min_size` connections. Raises Unavailable."""
    options = place.options
    database = Database(
        place.place,
        min_size=min(options.min_size, options.pool_size),
        max_size=options.pool_size,
        **connect_arguments(options),
        conv=CONVERSIONS,
    )
    try:
        # The driver's own limit ends with the TCP handshake, before the login.
        async with asyncio.timeout(options.connect_timeout):
            await database.connect()
    except Exception as error:
        raise Unavailable from error
    return MysqlPool(database, counter, options.lock_timeout)


def connect_arguments(options: Options) -> dict[str, Any]:
    """What asyncmy is given beside the address, here and by SQLAlchemy's engine."""
    # Each server reads the comment that is meant for it: the variables have different names.
    mariadb, mysql = ["tx_isolation = 'READ-COMMITTED'"], ["transaction_isolation = 'READ-COMMITTED'"]
    if options.statement_timeout is not None:
        mariadb.append(f"max_statement_time = {options.statement_timeout:.3f}")
        mysql.append(f"max_execution_time = {round(options.statement_timeout * 1000)}")
    arguments: dict[str, Any] = {
        "charset": "utf8mb4",
        "connect_timeout": options.connect_timeout,
        "init_command": (
            # Strict, but old databases hold zero dates (spec 03 §17); and 0 is a key like any other.
            "SET SESSION sql_mode = 'STRICT_TRANS_TABLES,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION"
            ",NO_AUTO_VALUE_ON_ZERO'"
            f", time_zone = '+00:00', innodb_lock_wait_timeout = {max(1, round(options.lock_timeout))}"
            f" /*M!100000 , {', '.join(mariadb)} */ /*!80000 , {', '.join(mysql)} */"
        ),
    }
    if options.ssl is not None:
        arguments["ssl"] = options.ssl
    if options.unix_socket is not None:
        arguments["unix_socket"] = options.unix_socket
    return arguments


def translate(error: BaseException) -> DatabaseError:
    """The error of what asyncmy or the network raised."""
    if isinstance(error, asyncmy.errors.MySQLError):
        number = error.args[0] if error.args and isinstance(error.args[0], int) else None
        if number == 0:
            return ConnectionLost()
        if number is None and isinstance(error, asyncmy.errors.InternalError):
            # The protocol is out of step; whatever comes next would be somebody else's answer.
            return ConnectionLost()
        return errors.from_mysql(number, str(error.args[1]) if len(error.args) > 1 else "")
    if isinstance(error, DataRejected):
        return error
    if isinstance(error, OSError | asyncio.TimeoutError | EOFError):
        return ConnectionLost()
    return QueryRejected()


def _bound(args: Sequence[Any]) -> tuple[Any, ...]:
    """Refuse what the driver would write into the statement as something else than one value."""
    for value in args:
        kind = type(value)
        if kind is str:
            if not value.isascii():
                try:
                    value.encode()
                except UnicodeEncodeError as error:
                    # A lone surrogate would go out as a bare byte.
                    raise DataRejected from error
        elif kind is float:
            if not math.isfinite(value):
                raise errors.OutOfRange
        elif isinstance(value, _NO_VALUES):
            raise DataRejected
    return tuple(args)


def _sip(raw: Any) -> None:
    """Read a large answer in small pieces: the driver makes rows of all that has come, at once."""
    whole = raw._proto.get_buffer
    raw._proto.get_buffer = lambda hint: whole(hint)[:_SIP]
    raw._transport.set_protocol(raw._proto)  # a transport may have remembered the method


def _gulp(raw: Any) -> None:
    """Read in pieces of any size again, if the connection is still there."""
    if raw._proto is None:
        return
    vars(raw._proto).pop("get_buffer", None)
    if raw._transport is not None:
        raw._transport.set_protocol(raw._proto)


async def _one_statement_only(raw: Any) -> None:
    """Take back the driver's permission to send several statements in one text."""
    await raw._execute_command(_COM_SET_OPTION, _MULTI_STATEMENTS_OFF)
    await raw.read_packet()
