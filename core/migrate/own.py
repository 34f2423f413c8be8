"""In charge of what is our own beside the tables of Directus 8, which it ignores: the change log, deliveries of
webhooks, how fresh collections are, and a few columns of its tables (rules of permissions).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping
from types import MappingProxyType

from core.catalog.change import ColumnSpec
from core.catalog.changes import TABLE as CHANGES
from core.catalog.changes import log_change
from core.catalog.system import own_types
from core.db.errors import DatabaseError
from core.db.gateway import Connection
from core.db.reflect import table_names
from core.sql import deliveries, freshness
from core.sql.ddl import create_table, quote

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
    """Which of them the database lacks: tables, and columns as `table.column`."""
    present = await table_names(connection)
    tables = [name for name in OWN if name not in present]
    return (*tables, *[f"{table}.{name}" for table, name in await _missing_columns(connection, present)])


async def _missing_columns(connection: Connection, tables: Collection[str]) -> list[tuple[str, str]]:
    """Our columns that are not there, of tables that are: others are made with them."""
    found: list[tuple[str, str]] = []
    wanted = [one for one in own_types() if one[0] in tables]
    for table in dict.fromkeys(table for table, _ in wanted):
        names = {str(name) for (name,) in await connection.rows(_COLUMNS[connection.dialect].format(table))}
        found += [one for one in wanted if one[0] == table and one[1] not in names]
    return found


_COLUMNS = {
    "sqlite": "SELECT name FROM pragma_table_info('{}')",
    "postgres": """
        SELECT column_name FROM information_schema.columns
        WHERE table_schema = current_schema() AND table_name = '{}'""",
    "mysql": """
        SELECT column_name FROM information_schema.columns
        WHERE table_schema = DATABASE() AND table_name = '{}'""",
}


async def add(connection: Connection, *names: str) -> int:
    """Make those of our tables and columns (all when none is named) that the database lacks; how many were made."""
    wanted = [name for name in await missing(connection) if not names or name in names]
    for name in wanted:
        table, _, column = name.partition(".")
        if column:
            await _add_column(connection, table, column)
        else:
            await OWN[name](connection)
    return len(wanted)


async def _add_column(connection: Connection, table: str, column: str) -> None:
    """Add a column for JSON text. MySQL takes no lock over DDL: another process may have been faster."""
    dialect = connection.dialect
    try:
        await connection.execute(f"ALTER TABLE {quote(table, dialect)} ADD COLUMN {quote(column, dialect)} TEXT")
    except DatabaseError:
        if dialect != "mysql" or await _missing_columns(connection, [table]):
            raise
