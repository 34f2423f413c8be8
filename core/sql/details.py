"""In charge of the plain data of what hangs on a table besides its columns, as far as altering it needs to know. Pure.

`core.db.details` reads it from the catalogues; `core.sql.alter` and `core.sql.rebuild` make statements of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from core.frozen import EMPTY


@dataclass(frozen=True, slots=True)
class Index:
    """An index, the primary key's left out. `columns`: None for an expression or a prefix.

    `constraint`: it belongs to a constraint (PostgreSQL), or to the text of its table (SQLite), and goes with that.
    """

    name: str
    columns: tuple[str | None, ...]
    unique: bool = False
    constraint: bool = False
    sql: str | None = None
    """SQLite: the statement that made it."""


@dataclass(frozen=True, slots=True)
class MysqlColumn:
    """What MODIFY has to say again so that it stays: `default` and `on_update` are SQL."""

    type: str
    charset: str | None = None
    collation: str | None = None
    default: str | None = None
    on_update: str | None = None
    nullable: bool = True
    text: bool = False


@dataclass(frozen=True, slots=True)
class Details:
    """Of one table. `sql`, `triggers`, `sequence` (of AUTOINCREMENT), `computed`: SQLite; `columns`: MySQL.

    `foreign_keys`: name → columns, MySQL; `lists`: column → names of the checks that allow it some values only,
    PostgreSQL.
    """

    sql: str = ""
    indexes: tuple[Index, ...] = ()
    triggers: tuple[str, ...] = ()
    sequence: int | None = None
    computed: frozenset[str] = frozenset()
    columns: Mapping[str, MysqlColumn] = field(default_factory=lambda: EMPTY)
    foreign_keys: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: EMPTY)
    lists: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: EMPTY)

    def unique_over(self, columns: tuple[str, ...]) -> tuple[Index, ...]:
        """The unique indexes over exactly these columns."""
        return tuple(index for index in self.indexes if index.unique and index.columns == columns)

    def with_column(self, name: str) -> tuple[Index, ...]:
        """The indexes that contain a column."""
        return tuple(index for index in self.indexes if name in index.columns)


NO_DETAILS = Details()
