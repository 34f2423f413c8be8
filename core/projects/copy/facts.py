"""In charge of what has to be known of the stored data before tables are made for it elsewhere. It only reads.

One statement per table at most: how long texts are, how large unsigned numbers, how many digits, and where dates are
stored that there are not.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from core.catalog.model import Column
from core.catalog.tables import Table
from core.db.gateway import Connection
from core.frozen import EMPTY
from core.sql.ddl import quote
from core.sql.details import Details
from core.sql.transfer import Link

Place = tuple[str, str]
EXACT = 15
"""Digits of a decimal that SQLite keeps."""


@dataclass(frozen=True, slots=True)
class Facts:
    """By (table, column). `emptied`: columns that must take NULL where the source has no date there is."""

    longest: Mapping[Place, int] = field(default_factory=lambda: EMPTY)
    highest: Mapping[Place, int] = field(default_factory=lambda: EMPTY)
    digits: Mapping[Place, int] = field(default_factory=lambda: EMPTY)
    emptied: frozenset[Place] = frozenset()
    booleans: frozenset[Place] = frozenset()
    keyed: frozenset[Place] = frozenset()
    """Columns in a key or an index."""
    spans: frozenset[Place] = frozenset()
    """Times of MySQL that are no times of a day."""


async def gather(
    connection: Connection,
    tables: Sequence[Table],
    details: Mapping[str, Details],
    links: Sequence[Link],
    target: str,
) -> Facts:
    """The facts that tables on the `target` dialect need."""
    keyed = _keyed(tables, details, links)
    measured: dict[str, dict[Place, int]] = {name: {} for name in ("longest", "highest", "digits", "emptied", "spans")}
    for table in tables:
        asked = [
            (kind, column.name, sql)
            for column in table.columns
            for kind, sql in _measures(column, connection.dialect, target, (table.name, column.name) in keyed)
        ]
        if asked:
            listed = ", ".join(sql for _, _, sql in asked)
            row = await connection.row(f"SELECT {listed} FROM {quote(table.name, connection.dialect)}")  # noqa: S608
            for (kind, column, _), value in zip(asked, row or (), strict=True):
                measured[kind][table.name, column] = int(value or 0)
    return Facts(
        measured["longest"],
        measured["highest"],
        measured["digits"],
        frozenset(place for place, count in measured["emptied"].items() if count),
        await _booleans(connection, tables),
        keyed,
        frozenset(place for place, count in measured["spans"].items() if count),
    )


def _keyed(tables: Sequence[Table], details: Mapping[str, Details], links: Sequence[Link]) -> frozenset[Place]:
    found = {(table.name, column) for table in tables for key in (table.primary_key, *table.uniques) for column in key}
    for name, one in details.items():
        found |= {(name, column) for index in one.indexes for column in index.columns if column is not None}
    for link in links:
        found |= {(link.table, column) for column in link.columns}
        found |= {(link.target, column) for column in link.target_columns}
    return frozenset(found)


def _measures(column: Column, dialect: str, target: str, keyed: bool) -> list[tuple[str, str]]:
    name = quote(column.name, dialect)
    found = []
    if (column.family in ("text", "json") and (keyed or dialect == "sqlite")) or (
        column.family in ("time", "datetime", "datetimetz") and dialect == "sqlite"
    ):
        text = f"{name}::text" if dialect == "postgres" else name
        found.append(("longest", f"MAX({'CHAR_LENGTH' if dialect == 'mysql' else 'LENGTH'}({text}))"))
    if column.family in ("integer", "bigint") and dialect != target:
        if dialect == "sqlite":  # which looks at no type
            found.append(("highest", f"MAX(CASE WHEN typeof({name}) = 'integer' THEN {name} END)"))
        elif not column.signed:
            found.append(("highest", f"MAX({name})"))
    if column.family == "decimal" and dialect != target == "sqlite" and not 0 < (column.precision or 0) <= EXACT:
        whole = f"trim_scale({name})::text"
        if dialect == "mysql":
            whole = f"TRIM(TRAILING '.' FROM TRIM(TRAILING '0' FROM CAST({name} AS CHAR)))"
        found.append(("digits", f"MAX(LENGTH({whole}))"))
    if column.family == "time" and dialect == "mysql" != target:
        found.append(("spans", f"SUM({name} < '00:00:00' OR {name} >= '24:00:00')"))
    if column.family in ("date", "datetime", "datetimetz") and target != dialect:
        if dialect == "mysql":
            found.append(("emptied", f"SUM(MONTH({name}) = 0 OR DAYOFMONTH({name}) = 0)"))
        elif dialect == "sqlite":
            found.append(("emptied", f"SUM(substr({name}, 6, 2) = '00' OR substr({name}, 9, 2) = '00')"))
    return found


async def _booleans(connection: Connection, tables: Sequence[Table]) -> frozenset[Place]:
    """Columns whose field is a boolean."""
    fields = next((table for table in tables if table.name == "directus_fields"), None)
    if fields is None or any(fields.column(name) is None for name in ("collection", "field", "type")):
        return frozenset()
    kind = quote("type", connection.dialect)
    rows = await connection.rows(f"SELECT collection, field FROM directus_fields WHERE lower({kind}) = 'boolean'")  # noqa: S608
    return frozenset((str(collection), str(name)) for collection, name in rows)
