"""In charge of the plain data of what a database reports of itself: tables, views, keys. Knows no metadata rows."""

from __future__ import annotations

from dataclasses import dataclass

from core.catalog.model import Column


@dataclass(frozen=True, slots=True)
class ForeignKey:
    """`columns` of the table refer to `target_columns` of `target`, in the same order."""

    columns: tuple[str, ...]
    target: str
    target_columns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """A table or view: its columns in table order, with the flags of single-column keys already set on them."""

    name: str
    columns: tuple[Column, ...]
    is_view: bool = False
    primary_key: tuple[str, ...] = ()
    uniques: tuple[tuple[str, ...], ...] = ()
    """Columns of each unique key but the primary one, single-column keys included."""
    foreign_keys: tuple[ForeignKey, ...] = ()
    """In the order of their first column."""

    def column(self, name: str) -> Column | None:
        """The column of that name."""
        return next((column for column in self.columns if column.name == name), None)
