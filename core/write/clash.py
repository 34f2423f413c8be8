"""In charge of telling which row of a statement met a value that is there already. It decides nothing, and only helps.

Databases say what clashed, not where: PostgreSQL the columns and the value, MySQL the value, SQLite the columns.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from core.catalog.model import Collection
from core.db.errors import UniqueViolation
from core.db.gateway import Connection
from core.write.load import chunks
from core.write.statements import Statements

Rows = Sequence[Mapping[str, Any]]


async def clashing(
    connection: Connection, statements: Statements, collection: Collection, rows: Rows, error: UniqueViolation
) -> int | None:
    """The position of the row, None when it cannot be told. `rows`: values of the statement by column."""
    if len(rows) < 2:
        return 0 if rows else None
    if error.value is not None:
        wanted = error.value.casefold()
        sets = (error.columns,) if error.columns else _unique(collection)
        places = [
            place
            for place, row in enumerate(rows)
            if any(all(name in row for name in names) and _text(row, names) == wanted for names in sets)
        ]
        # Two of the same statement: the second is one too many
        return places[1] if len(places) > 1 else places[0] if places else None
    if not error.columns or any(name not in collection.fields for name in error.columns):
        return None
    return _repeated(rows, error.columns) or await _stored(connection, statements, collection, rows, error.columns)


def _unique(collection: Collection) -> list[tuple[str, ...]]:
    return [
        (field.name,)
        for field in collection.columns
        if field.column and (field.column.unique or field.column.primary_key)
    ]


def _repeated(rows: Rows, names: Sequence[str]) -> int | None:
    """The first row whose values another one has had."""
    seen: set[str] = set()
    for place, row in enumerate(rows):
        if any(row.get(name) is None for name in names):
            continue
        text = _text(row, names)
        if text in seen:
            return place
        seen.add(text)
    return None


async def _stored(
    connection: Connection, statements: Statements, collection: Collection, rows: Rows, names: Sequence[str]
) -> int | None:
    """The first row whose values are in the table: SQLite keeps its transaction after a refusal."""
    if connection.dialect != "sqlite":
        return None
    statement = statements.select_where(collection, tuple(names), names[0])
    there: set[str] = set()
    for chunk in chunks([row[names[0]] for row in rows if row.get(names[0]) is not None], connection.dialect):
        for found in await connection.rows(*statement.bind([chunk], {})):
            there.add(_text(dict(zip(names, found, strict=True)), names))
    return next((place for place, row in enumerate(rows) if _text(row, names) in there), None)


def _text(row: Mapping[str, Any], names: Sequence[str]) -> str:
    return ", ".join(str(row.get(name)) for name in names).casefold()
