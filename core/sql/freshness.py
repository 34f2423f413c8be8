"""In charge of the statements about how fresh each collection is: a number that grows with every write. Runs nothing.

The row of a collection is written in the transaction that changes its items, so whoever sees the number sees the
items. `stamp`, the sum of all, tells in one value whether anything has changed; `core.sql.accounts` asks for it along
with the caller.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from core.catalog.change import ColumnSpec
from core.sql.ddl import create_table

TABLE = "directus_freshness"
VERSIONS = f"SELECT collection, version FROM {TABLE}"  # noqa: S608
EVERYTHING = ""
"""Stands for all collections: what depends on anything depends on it."""

_COLUMNS = (
    ColumnSpec("collection", "VARCHAR", "255", nullable=False, primary_key=True),
    ColumnSpec("version", "BIGINT", "20", nullable=False),
)
_AGAIN = {
    "sqlite": f"ON CONFLICT (collection) DO UPDATE SET version = {TABLE}.version + 1",
    "postgres": f"ON CONFLICT (collection) DO UPDATE SET version = {TABLE}.version + 1",
    "mysql": "ON DUPLICATE KEY UPDATE version = version + 1",
}
_MARKS = {"sqlite": "?", "postgres": "${}", "mysql": "%s"}


def make(dialect: str) -> Sequence[str]:
    """The statements that make the table."""
    return create_table(TABLE, _COLUMNS, dialect)


def key(collection: str) -> str:
    """The name of a collection's row: no collation takes two of them for one, or one for two."""
    return collection.lower().encode("ascii", "backslashreplace").decode()


def outdate(collections: Iterable[str], dialect: str) -> tuple[str, list[str]]:
    """One statement after which whatever was read of some collections is out of date; with its arguments.

    Rows are taken in one order, so that two transactions do not wait for each other.
    """
    keys = sorted({key(name) for name in collections})
    rows = ", ".join(f"({_MARKS[dialect].format(number)}, 1)" for number in range(1, len(keys) + 1))
    return f"INSERT INTO {TABLE} (collection, version) VALUES {rows} {_AGAIN[dialect]}", keys  # noqa: S608
