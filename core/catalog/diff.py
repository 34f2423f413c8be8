"""In charge of what separates two models: an ordered list of steps that makes the one into the other. Pure.

Steps that can be taken back come first, then the rows of metadata, then what destroys values: so that a database which
cannot undo DDL has lost nothing when something before fails. The order of columns is no difference: no database can
change it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from core.catalog.change import (
    AddColumn,
    AddUnique,
    AlterColumn,
    ColumnSpec,
    CreateTable,
    DeleteRow,
    DropColumn,
    DropTable,
    DropUnique,
    InsertRow,
    Model,
    Row,
    RowKey,
    RowStep,
    Step,
    TableSpec,
    TableStep,
    UpdateRow,
    destroys,
)
from core.catalog.settle import same_type, settled, settled_table

COLLECTIONS, FIELDS, RELATIONS = "directus_collections", "directus_fields", "directus_relations"


def diff(old: Model, new: Model, dialect: str) -> tuple[Step, ...]:
    """The steps from `old` to `new`, in the order in which they are to run.

    Raises ValueError when a table has another primary key in each: no database moves one.
    """
    tables = table_steps(old.tables, new.tables, dialect)
    kept = [step for step in tables if not destroys(step)]
    lost = [step for step in tables if destroys(step)]
    return (*kept, *row_steps(old, new), *lost)


def table_steps(old: Mapping[str, TableSpec], new: Mapping[str, TableSpec], dialect: str) -> tuple[TableStep, ...]:
    """The steps for the tables alone; those that destroy come last."""
    steps: list[TableStep] = []
    for name in sorted(new.keys() | old.keys()):
        before, after = old.get(name), new.get(name)
        if before is None and after is not None:
            steps.append(CreateTable(after))
        elif before is not None and after is None:
            steps.append(DropTable(before))
        elif before is not None and after is not None:
            steps.extend(_table(before, after, dialect))
    return ranked(steps)


def ranked(steps: Iterable[TableStep]) -> tuple[TableStep, ...]:
    """Steps in an order in which they can run."""
    return tuple(sorted(steps, key=_rank))


def _rank(step: TableStep) -> int:
    """Keys go before the columns they would hinder, and come when the values are in place."""
    match step:
        case DropUnique():
            return 0
        case AddUnique():
            return 2
        case DropColumn() | DropTable():
            return 3
    return 1


def _table(before: TableSpec, after: TableSpec, dialect: str) -> list[TableStep]:
    one, other = settled_table(before, dialect), settled_table(after, dialect)
    if one.primary_key != other.primary_key:
        raise ValueError(f'the primary key of "{before.name}" cannot be moved')
    steps: list[TableStep] = []
    name = before.name
    wished = {column.name: column for column in after.columns}
    for column in other.columns:
        present = one.column(column.name)
        if present is None:
            steps.append(AddColumn(name, replace(wished[column.name], unique=False)))
        elif _altered(present, column):
            steps.append(AlterColumn(name, present, _kept_type(present, wished[column.name], column)))
    gone = frozenset(column.name for column in one.columns if other.column(column.name) is None)
    steps.extend(DropColumn(name, column) for column in one.columns if column.name in gone)
    had, wants = _uniques(one), _uniques(other)
    # A key that contains a dropped column goes with it.
    steps.extend(DropUnique(name, key) for key in had if key not in wants and not gone.intersection(key))
    steps.extend(AddUnique(name, key) for key in wants if key not in had)
    return steps


def _altered(one: ColumnSpec, other: ColumnSpec) -> bool:
    return not same_type(one, other) or (
        (one.nullable, one.default, one.expression, one.auto_increment, one.comment)
        != (other.nullable, other.default, other.expression, other.auto_increment, other.comment)
    )


def _kept_type(present: ColumnSpec, wished: ColumnSpec, settled_wish: ColumnSpec) -> ColumnSpec:
    """The wish in its own words; where its type is the present one, in the words in which that is reported."""
    if not same_type(present, settled_wish):
        return wished
    return replace(settled_wish, unique=wished.unique)


def _uniques(table: TableSpec) -> tuple[tuple[str, ...], ...]:
    single = [(column.name,) for column in table.columns if column.unique and not column.primary_key]
    return tuple(dict.fromkeys([*single, *table.uniques]))


def alters_type(step: AlterColumn, dialect: str) -> bool:
    """Whether the type is another one afterwards."""
    return not same_type(settled(step.old, dialect), settled(step.new, dialect))


# --- rows ---------------------------------------------------------------------------------------------------------


def row_steps(old: Model, new: Model) -> tuple[RowStep, ...]:
    """The steps for the rows of metadata alone: what goes, then collections, fields and relations."""
    found: list[RowStep] = []
    pairs = (
        (COLLECTIONS, old.collections, new.collections),
        (FIELDS, old.fields, new.fields),
        (RELATIONS, old.relations, new.relations),
    )
    for name, before, after in reversed(pairs):
        found.extend(DeleteRow(name, key) for key in sorted(before.keys() - after.keys()))
    for name, before, after in pairs:
        for key in sorted(after):
            found.extend(_row(name, key, before.get(key), after[key]))
    return tuple(found)


def _row(collection: str, key: RowKey, before: Row | None, after: Row) -> list[RowStep]:
    if before is None:
        return [InsertRow(collection, key, after)]
    changed = {name: value for name, value in after.items() if name not in before or before[name] != value}
    return [UpdateRow(collection, key, changed)] if changed else []
