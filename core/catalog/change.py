"""In charge of schema changes as data: columns and tables as they should be, and the steps from one to the other. Pure.

A specification speaks the vocabulary of requests (MySQL type names, spec 01 §4.2); what a database makes of it is
`core.catalog.settle`, how two of them differ `core.catalog.diff`, and the text of a step `core.sql.alter`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from core.frozen import EMPTY


@dataclass(frozen=True, slots=True)
class ColumnSpec:
    """A column as it should be, in the words of a request (spec 01 §4.2). `length`: "255", "10,2", or list values."""

    name: str
    datatype: str
    length: str | None = None
    type: str | None = None
    """The Directus type: TINYINT is a boolean column only for type boolean."""
    signed: bool = True
    nullable: bool = True
    default: str | None = None
    primary_key: bool = False
    auto_increment: bool = False
    unique: bool = False
    comment: str = ""
    native: str | None = None
    """The type as the database itself names it, for a column whose type no request can name. It is never changed to."""
    expression: bool = False
    """`default` is SQL that the database itself reported; never what a client sent."""


@dataclass(frozen=True, slots=True)
class UniqueKey:
    """A unique key over some columns; PostgreSQL has one name space for the keys of all tables."""

    name: str
    columns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TableSpec:
    """A table as it should be. `uniques`: the unique keys over more than one column; single ones are on the column."""

    name: str
    columns: tuple[ColumnSpec, ...]
    uniques: tuple[tuple[str, ...], ...] = ()

    def column(self, name: str) -> ColumnSpec | None:
        """The column of that name."""
        return next((column for column in self.columns if column.name == name), None)

    @property
    def primary_key(self) -> tuple[str, ...]:
        """The names of the key columns."""
        return tuple(column.name for column in self.columns if column.primary_key)


Row = Mapping[str, Any]
RowKey = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Model:
    """Tables, and the rows of metadata by what identifies them whatever their ids.

    `collections`: (collection,); `fields`: (collection, field); `relations`: (collection_many, field_many). Values are
    decoded: flags are booleans, JSON is JSON.
    """

    tables: Mapping[str, TableSpec] = field(default_factory=lambda: EMPTY)
    collections: Mapping[RowKey, Row] = field(default_factory=lambda: EMPTY)
    fields: Mapping[RowKey, Row] = field(default_factory=lambda: EMPTY)
    relations: Mapping[RowKey, Row] = field(default_factory=lambda: EMPTY)


# --- steps on tables ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class CreateTable:
    """Make a table with its columns and unique keys."""

    spec: TableSpec

    @property
    def table(self) -> str:
        return self.spec.name


@dataclass(frozen=True, slots=True)
class DropTable:
    """Drop a table with its rows."""

    spec: TableSpec

    @property
    def table(self) -> str:
        return self.spec.name


@dataclass(frozen=True, slots=True)
class AddColumn:
    """Add a column behind the others. Its unique key, if any, is a step of its own."""

    table: str
    column: ColumnSpec


@dataclass(frozen=True, slots=True)
class AlterColumn:
    """Change type, nullability, default, counting or comment; unique keys are steps of their own."""

    table: str
    old: ColumnSpec
    new: ColumnSpec


@dataclass(frozen=True, slots=True)
class DropColumn:
    """Drop a column with its values; indexes and keys that contain it go with it."""

    table: str
    column: ColumnSpec


@dataclass(frozen=True, slots=True)
class AddUnique:
    """Make the values of some columns unique."""

    table: str
    columns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DropUnique:
    """Drop every unique key over exactly these columns."""

    table: str
    columns: tuple[str, ...]


TableStep = CreateTable | DropTable | AddColumn | AlterColumn | DropColumn | AddUnique | DropUnique


def destroys(step: TableStep) -> bool:
    """Whether values are lost, so that no other step brings back what was there."""
    return isinstance(step, DropTable | DropColumn)


def inverse(step: TableStep) -> TableStep | None:
    """The step that takes this one back; None for steps that destroy."""
    match step:
        case CreateTable(spec):
            return DropTable(spec)
        case AddColumn(table, column):
            return DropColumn(table, column)
        case AlterColumn(table, old, new):
            return AlterColumn(table, new, old)
        case AddUnique(table, columns):
            return DropUnique(table, columns)
        case DropUnique(table, columns):
            return AddUnique(table, columns)
    return None


# --- steps on rows of metadata ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class InsertRow:
    """A new row of directus_collections, directus_fields or directus_relations."""

    collection: str
    key: RowKey
    values: Row


@dataclass(frozen=True, slots=True)
class UpdateRow:
    """Columns of a row that take other values."""

    collection: str
    key: RowKey
    values: Row


@dataclass(frozen=True, slots=True)
class DeleteRow:
    """A row that goes."""

    collection: str
    key: RowKey


RowStep = InsertRow | UpdateRow | DeleteRow
Step = TableStep | RowStep
