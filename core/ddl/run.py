"""In charge of running steps on tables in their order, and of taking them back where DDL commits itself (MySQL).

It decides nothing: the steps come from `core.catalog.diff`, their text from `core.sql.alter`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import structlog

from core.catalog.change import CreateTable, TableStep, inverse
from core.db.details import details
from core.db.errors import DatabaseError
from core.db.gateway import Connection
from core.sql.alter import batches, statements
from core.sql.details import NO_DETAILS


async def run(connection: Connection, steps: Sequence[TableStep], *, charset: str = "utf8mb4") -> None:
    """Run the steps on a connection of `Store.alter`.

    On MySQL what has run when one fails is taken back, steps that destroy values excepted. Raises DatabaseError,
    Unprocessable.
    """
    done: list[TableStep] = []
    try:
        for batch in batches(steps, connection.dialect):
            fresh = all(isinstance(step, CreateTable) for step in batch)
            found = NO_DETAILS if fresh else await details(connection, batch[0].table)
            for text in statements(batch, found, connection.dialect, charset=charset):
                await connection.execute(text)
            done.extend(batch)
    except BaseException:
        if connection.dialect == "mysql":
            await undo(connection, done, charset=charset)
        raise


async def undo(connection: Connection, done: Iterable[TableStep], *, charset: str = "utf8mb4") -> None:
    """Take back steps that have run, the latest first; what cannot be taken back is logged and left."""
    for step in reversed(list(done)):
        back = inverse(step)
        if back is None:
            continue
        try:
            found = await details(connection, back.table)
            for text in statements((back,), found, connection.dialect, charset=charset):
                await connection.execute(text)
        except DatabaseError as error:
            log = structlog.get_logger()
            log.error("a change of the schema could not be taken back", table=back.table, error=type(error).__name__)
