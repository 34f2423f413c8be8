"""In charge of SQLAlchemy's own connections, for DDL and introspection; the request path never comes here."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

import sqlalchemy
from sqlalchemy import URL, event
from sqlalchemy.exc import DBAPIError, NoSuchTableError
from sqlalchemy.pool import NullPool

from core.db import errors
from core.db.errors import DatabaseError, MissingObject, Retryable, Unavailable
from core.db.gateway.options import Target

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncEngine

T = TypeVar("T")


class Engine:
    """Opens a connection for each call; one that is never called opens nothing."""

    def __init__(self, place: Target) -> None:
        self._place = place
        self._engine: AsyncEngine | None = None

    async def run(self, fn: Callable[[sqlalchemy.Connection], T], *, write: bool) -> T:
        """Run `fn` in one transaction. Raises what `fn` raises, the database's errors as DatabaseError."""
        if self._engine is None:
            self._engine = _create(self._place)
        engine = self._engine.execution_options(tabularium_write=write)
        reached = False

        def work(connection: sqlalchemy.Connection) -> T:
            nonlocal reached
            reached = True
            return fn(connection)

        try:
            async with engine.begin() as connection:
                return await connection.run_sync(work)
        except DBAPIError as error:
            found = self._translate(error.orig or error)
            raise (found if reached or isinstance(found, Unavailable | Retryable) else Unavailable()) from error
        except NoSuchTableError as error:
            raise MissingObject(str(error)) from error
        except (OSError, TimeoutError) as error:
            # A refused connection reaches us bare; a file that `fn` could not read is its caller's.
            if reached:
                raise
            raise Unavailable from error

    async def close(self) -> None:
        if self._engine is not None:
            await self._engine.dispose()

    def _translate(self, error: BaseException) -> DatabaseError:
        match self._place.dialect:
            case "sqlite":
                code = error.sqlite_errorcode if isinstance(error, sqlite3.Error) else None
                return errors.from_sqlite(code, str(error))
            case "postgres":
                from core.db.gateway import postgres

                # SQLAlchemy wraps asyncpg's error in one of its adapter's.
                return postgres.translate(error.__cause__ or error)
            case _:
                from core.db.gateway import mysql

                return mysql.translate(error)


def _create(place: Target) -> AsyncEngine:
    # It brings the whole ORM along: a third of a second and ten megabytes that serving requests never needs.
    from sqlalchemy.ext.asyncio import create_async_engine

    options, address = place.options, place.place
    if place.dialect == "sqlite":
        engine = create_async_engine(
            URL.create("sqlite+aiosqlite", database=place.file),
            poolclass=NullPool,
            connect_args={"timeout": options.lock_timeout},
        )
        event.listen(engine.sync_engine, "connect", _let_us_begin)
        event.listen(engine.sync_engine, "begin", _begin)
        return engine
    drivers = {"postgres": "postgresql+asyncpg", "mysql": "mysql+asyncmy"}
    arguments: dict[str, Any]
    if place.dialect == "postgres":
        from core.db.gateway import postgres

        # Nobody limits a migration's statements; a lock is another matter.
        arguments = {
            "timeout": options.connect_timeout,
            "server_settings": postgres.server_settings(replace(options, statement_timeout=None)),
            **postgres.ssl_argument(options),
        }
    else:
        from core.db.gateway import mysql

        arguments = mysql.connect_arguments(replace(options, statement_timeout=None))
    url = URL.create(
        drivers[place.dialect],
        username=address.username,
        password=address.password,
        host=address.hostname,
        port=address.port,
        database=address.database,
    )
    return create_async_engine(url, poolclass=NullPool, connect_args=arguments)


def _let_us_begin(connection: Any, _: Any) -> None:
    # The module would begin by itself, and only before a write: DDL would be outside the transaction.
    connection.isolation_level = None


def _begin(connection: sqlalchemy.Connection) -> None:
    write = connection.get_execution_options().get("tabularium_write", True)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")
