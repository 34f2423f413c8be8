"""In charge of our own tables beside those of Directus 8, which it ignores: the change log, deliveries of webhooks,
how fresh collections are.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from types import MappingProxyType

from core.catalog.change import ColumnSpec
from core.catalog.changes import TABLE as CHANGES
from core.catalog.changes import log_change
from core.db.gateway import Connection
from core.db.reflect import table_names
from core.sql import deliveries, freshness
from core.sql.ddl import create_table

CHANGE_COLUMNS = (
    ColumnSpec("id", "INT", "11", signed=False, nullable=False, primary_key=True, auto_increment=True),
    ColumnSpec("kind", "VARCHAR", "16", nullable=False),
    ColumnSpec("collection", "VARCHAR", "64"),
    ColumnSpec("created_on", "DATETIME", nullable=False),
)


async def _make_change_log(connection: Connection) -> None:
    for statement in create_table(CHANGES, CHANGE_COLUMNS, connection.dialect):
        await connection.execute(statement)
    if connection.dialect == "mysql":
        # The row that later entries lock.
        await connection.execute(f"INSERT INTO {CHANGES} (kind, created_on) VALUES ('schema', UTC_TIMESTAMP())")  # noqa: S608
    else:
        await log_change(connection, "schema")


async def _make_deliveries(connection: Connection) -> None:
    for statement in deliveries.make(connection.dialect):
        await connection.execute(statement)


async def _make_freshness(connection: Connection) -> None:
    for statement in freshness.make(connection.dialect):
        await connection.execute(statement)


OWN: Mapping[str, Callable[[Connection], Awaitable[None]]] = MappingProxyType(
    {CHANGES: _make_change_log, deliveries.TABLE: _make_deliveries, freshness.TABLE: _make_freshness}
)
"""Our tables, and how each is made."""


async def missing(connection: Connection) -> tuple[str, ...]:
    """Which of them the database lacks."""
    present = await table_names(connection)
    return tuple(name for name in OWN if name not in present)


async def add(connection: Connection, *names: str) -> int:
    """Make those of our tables (all when none is named) that the database lacks; how many were made."""
    wanted = [name for name in await missing(connection) if not names or name in names]
    for name in wanted:
        await OWN[name](connection)
    return len(wanted)
