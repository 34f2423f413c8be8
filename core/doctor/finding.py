"""In charge of the words of an examination: what is looked at, what is found, what a repair does. Looks at nothing."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.catalog.tables import Table
from core.db.gateway import Connection
from core.settings import ProjectConfig
from core.sql.ddl import quote

SAMPLES = 5
NOTHING = "nothing: it needs a person"


@dataclass(frozen=True, slots=True)
class Look:
    """What a check may use: a connection that reads, the tables as reflected, the project's configuration."""

    connection: Connection
    tables: Mapping[str, Table]
    config: ProjectConfig
    data: Path

    @property
    def dialect(self) -> str:
        return self.connection.dialect

    def q(self, name: str) -> str:
        """A name in quotes."""
        return quote(name, self.dialect)

    def has(self, table: str, *columns: str) -> bool:
        """Whether the table is there with these columns."""
        found = self.tables.get(table)
        return found is not None and all(found.column(column) is not None for column in columns)


Repair = Callable[[Connection], Awaitable[int]]
"""Given the connection of a transaction: repairs, and tells how many rows it changed."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Something odd. `name` is stable; `samples`: some keys; `remedy`: what `repair` would do, NOTHING without one.

    `alters`: the repair changes tables, so it has a transaction of its own after the others.
    """

    name: str
    told: str
    count: int
    samples: tuple[str, ...] = ()
    remedy: str = NOTHING
    repair: Repair | None = None
    alters: bool = False


Check = Callable[[Look], Awaitable[Finding | None]]


async def rows_where(
    look: Look, table: str, keys: Sequence[str], condition: str, args: Sequence[Any] = ()
) -> tuple[int, tuple[str, ...]]:
    """How many rows of a table meet a condition (SQL of ours), and the keys of the first few."""
    name = look.q(table)
    count = int(await look.connection.value(f"SELECT COUNT(*) FROM {name} WHERE {condition}", args))  # noqa: S608
    if not count or not keys:
        return count, ()
    listed = ", ".join(look.q(key) for key in keys)
    rows = await look.connection.rows(
        f"SELECT {listed} FROM {name} WHERE {condition} ORDER BY {listed} LIMIT {SAMPLES}",  # noqa: S608
        args,
    )
    return count, tuple(" ".join(str(part) for part in row) for row in rows)


def marks(dialect: str, count: int, first: int = 1) -> list[str]:
    """Placeholders for some values."""
    if dialect == "postgres":
        return [f"${number}" for number in range(first, first + count)]
    return ["%s" if dialect == "mysql" else "?"] * count


def updating(sql: str, args: Sequence[Any] = ()) -> Repair:
    """A repair that is one statement."""

    async def repair(connection: Connection) -> int:
        return (await connection.execute(sql, args)).rowcount

    return repair
