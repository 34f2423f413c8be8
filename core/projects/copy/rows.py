"""In charge of carrying the rows of one table, in portions of bounded size, and of adding up both sides."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from core.catalog.model import Column
from core.db.errors import DatabaseError
from core.db.gateway import Connection
from core.errors import Unprocessable
from core.projects.copy.values import MODULUS, Unfit, as_it_is, checksum, fingerprints, pipes
from core.sql.ddl import quote
from core.sql.transfer import inserting, reading

MOST_ROWS = 500
PORTION = 4 * 1024 * 1024
"""Bytes of rows in memory at once, as long as a single row is smaller."""
STATEMENT = 1024 * 1024
"""Bytes of a statement that MySQL is sent, as long as a single row is smaller."""
UNBOUNDED = frozenset({"TEXT", "MEDIUMTEXT", "LONGTEXT", "BLOB", "MEDIUMBLOB", "LONGBLOB", "JSON"})

Carried = Callable[[int], None]
"""Told how many more rows are done."""


@dataclass(frozen=True, slots=True)
class Sum:
    """Of a table: how many rows, and a number that any other content would change."""

    rows: int = 0
    checksum: int = 0


@dataclass(frozen=True, slots=True)
class Pair:
    """A table on both sides: its columns in the same order, those left out that the target computes itself."""

    table: str
    key: tuple[str, ...]
    source: tuple[Column, ...]
    target: tuple[Column, ...]
    alike: bool
    """Both sides are of one kind: values go as the driver gives them, odd ones too."""


async def carry(pair: Pair, source: Connection, target: Connection, told: Carried) -> Sum:
    """Read every row of the source and insert it; the sum of what the target must hold now.

    Raises Unprocessable naming the place of a value that does not fit, DatabaseError.
    """
    into, out = pipes(pair.source, source.dialect, pair.target, target.dialect)
    prints = fingerprints(pair.target)
    if pair.alike:
        into, out, prints = [as_it_is] * len(into), [None] * len(out), [repr] * len(prints)
    count = total = 0
    size = await portion(source, pair.table, pair.source)
    async for rows in source.stream(reading(pair.table, pair.source, source.dialect), size=size):
        values: list[list[Any]] = []
        for row in rows:
            try:
                canonical = [convert(value) for convert, value in zip(into, row, strict=True)]
            except (Unfit, ValueError) as error:
                raise _refused(
                    pair, row, into, str(error) if isinstance(error, Unfit) else "no value of its type"
                ) from None
            total = (total + checksum(canonical, prints)) % MODULUS
            values.append([bind(one) if bind else one for bind, one in zip(out, canonical, strict=True)])
        try:
            await _insert(pair, target, values)
        except DatabaseError as error:
            # The driver's own words hold values.
            column = getattr(error, "column", None)
            where = f"{pair.table}.{column}" if column else pair.table
            raise Unprocessable(f"{where}: the target database refuses a row ({type(error).__name__})") from error
        count += len(rows)
        told(len(rows))
    return Sum(count, total)


async def add_up(pair: Pair, target: Connection) -> Sum:
    """The sum of what the target holds."""
    into, _ = pipes(pair.target, target.dialect, pair.target, target.dialect)
    prints = fingerprints(pair.target)
    if pair.alike:
        into, prints = [as_it_is] * len(into), [repr] * len(prints)
    count = total = 0
    size = await portion(target, pair.table, pair.target)
    async for rows in target.stream(reading(pair.table, pair.target, target.dialect), size=size):
        for row in rows:
            canonical = [convert(value) for convert, value in zip(into, row, strict=True)]
            total = (total + checksum(canonical, prints)) % MODULUS
        count += len(rows)
    return Sum(count, total)


def _refused(pair: Pair, row: Sequence[Any], into: Sequence[Callable[[Any], Any]], why: str) -> Unprocessable:
    names = [column.name for column in pair.source]
    for name, convert, value in zip(names, into, row, strict=True):
        try:
            convert(value)
        except ValueError:
            key = ", ".join(str(row[names.index(one)]) for one in pair.key if one in names)
            return Unprocessable(f"{pair.table}.{name}{f' of row {key}' if key else ''}: {why}")
    return Unprocessable(f"{pair.table}: {why}")


async def _insert(pair: Pair, target: Connection, rows: list[list[Any]]) -> None:
    if target.dialect != "mysql":
        await target.execute_many(inserting(pair.table, pair.target, target.dialect), rows)
        return
    for group in _groups(rows):
        sql = inserting(pair.table, pair.target, "mysql", len(group))
        await target.execute(sql, [value for row in group for value in row])


def _groups(rows: list[list[Any]]) -> Iterator[list[list[Any]]]:
    """Rows in groups that make statements of bounded size."""
    group: list[list[Any]] = []
    size = 0
    for row in rows:
        # A byte may need two characters to be written.
        own = sum(2 * len(value) if isinstance(value, str | bytes) else 24 for value in row)
        if group and size + own > STATEMENT:
            yield group
            group, size = [], 0
        group.append(row)
        size += own
    if group:
        yield group


async def portion(connection: Connection, table: str, columns: Sequence[Column]) -> int:
    """How many rows of a table are read at once."""
    dialect = connection.dialect
    lengths = []
    for column in columns:
        if column.datatype in UNBOUNDED or column.family in ("json", "other"):
            name = quote(column.name, dialect)
            if dialect == "postgres":
                name = f"octet_length({name})" if column.family == "binary" else f"octet_length({name}::text)"
            else:
                name = f"LENGTH({name})" if dialect == "mysql" else f"length(CAST({name} AS BLOB))"
            lengths.append(f"COALESCE({name}, 0)")
    if not lengths:
        return MOST_ROWS
    longest = await connection.value(f"SELECT MAX({' + '.join(lengths)}) FROM {quote(table, dialect)}")  # noqa: S608
    return max(1, min(MOST_ROWS, PORTION // max(1, int(longest or 0))))
