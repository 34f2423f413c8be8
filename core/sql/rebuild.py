"""In charge of changing a table of SQLite: by ALTER where it can, else by making it anew from its own text. Pure.

The new table takes over rows, indexes, triggers, foreign keys and the counter of AUTOINCREMENT. It must run where
foreign keys are not enforced and old names are not followed up (`Store.alter`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from core.catalog import sqlite_ddl
from core.catalog.change import AddColumn, AddUnique, AlterColumn, ColumnSpec, DropColumn, DropUnique, TableStep
from core.catalog.settle import BINARIES, BLOBS, CHARACTERS, LISTS, NUMERIC, TEXTS, is_now, same_type, settled
from core.catalog.sqlite_ddl import Clause, Definition, Statement, joined
from core.sql.ddl import column_definition, column_type, default_clause, literal, quote
from core.sql.details import Details, Index

NEW_TABLE = "_tabularium_new"
Naming = Callable[[str, Sequence[str]], str]


def statements(steps: Sequence[TableStep], details: Details, naming: Naming) -> list[str]:
    """The statements for all steps on one table, its creation and end aside."""
    table = steps[0].table
    dropped = {
        index.name for step in steps if isinstance(step, DropUnique) for index in details.unique_over(step.columns)
    }
    added = [
        f"CREATE UNIQUE INDEX {_quote(naming(table, step.columns))} ON {_quote(table)} ({_list(step.columns)})"
        for step in steps
        if isinstance(step, AddUnique)
    ]
    if all(_is_simple(step, details) for step in steps):
        plain = [
            f"ALTER TABLE {_quote(table)} ADD COLUMN {column_definition(step.column, 'sqlite')}"
            for step in steps
            if isinstance(step, AddColumn)
        ]
        return [*(f"DROP INDEX {_quote(name)}" for name in sorted(dropped)), *plain, *added]
    return [*_rebuilt(table, steps, details, dropped), *added]


def _is_simple(step: TableStep, details: Details) -> bool:
    """Whether no new table is needed for it."""
    match step:
        case AddUnique():
            return True
        case DropUnique(_, columns):
            return all(index.sql for index in details.unique_over(columns))
        case AddColumn(_, column):
            value = column.default
            constant = value is not None and not column.expression and not is_now(value)
            return not column.primary_key and (constant if not column.nullable else value is None or constant)
    return False


def _rebuilt(table: str, steps: Sequence[TableStep], details: Details, dropped: set[str]) -> list[str]:
    parsed = sqlite_ddl.parse(details.sql)
    values = {
        one.column: _quote(one.column)
        for one in parsed.definitions
        if one.column is not None and one.column not in details.computed
    }
    gone: set[str] = set()
    for step in steps:
        match step:
            case AddColumn(_, column):
                parsed = parsed.added(sqlite_ddl.definition(column_definition(column, "sqlite")))
            case DropColumn(_, column):
                parsed = _without_column(parsed, column.name)
                values.pop(column.name, None)
                gone.add(column.name)
            case DropUnique(_, columns):
                parsed = _without_unique(parsed, columns)
            case AlterColumn(_, old, new):
                parsed = _altered(parsed, old, new)
                values[new.name] = _copied(_quote(new.name), settled(old, "sqlite"), settled(new, "sqlite"))
    old_name, new_name = _quote(table), _quote(NEW_TABLE)
    kept = [index.sql for index in details.indexes if index.sql and index.name not in dropped | _of(gone, details)]
    text = parsed.text(new_name)
    return [
        text,
        f"INSERT INTO {new_name} ({_list(list(values))}) SELECT {', '.join(values.values())} FROM {old_name}",  # noqa: S608
        *_counter(details, text),
        f"DROP TABLE {old_name}",
        f"ALTER TABLE {new_name} RENAME TO {old_name}",
        *kept,
        *details.triggers,
    ]


def _of(gone: set[str], details: Details) -> set[str]:
    """The indexes that cannot be without the columns that are gone."""
    return {index.name for index in details.indexes if any(_mentions(index, name) for name in gone)}


def _mentions(index: Index, name: str) -> bool:
    if name in index.columns:
        return True
    # An index on an expression, or on some rows only.
    odd = index.sql is not None and (None in index.columns or " WHERE " in index.sql.upper())
    return odd and sqlite_ddl.definition(index.sql or "").mentions(name)


def _counter(details: Details, text: str) -> list[str]:
    """Keys that were given out once are not given out again."""
    if details.sequence is None or "AUTOINCREMENT" not in text.upper():
        return []
    name = literal(NEW_TABLE, "sqlite")
    return [
        f"DELETE FROM sqlite_sequence WHERE name = {name}",  # noqa: S608
        f"INSERT INTO sqlite_sequence (name, seq) VALUES ({name}, {int(details.sequence)})",  # noqa: S608
    ]


def _without_column(parsed: Statement, name: str) -> Statement:
    found = parsed.column(name)
    if found is not None:
        parsed = parsed.replaced(found, None)
    for one in parsed.definitions:
        keyed = one.column is None and one.kind != "CHECK" and name in one.columns
        checked = one.column is None and one.kind == "CHECK" and one.mentions(name)
        if keyed or checked:
            parsed = parsed.replaced(one, None)
    return parsed


def _without_unique(parsed: Statement, columns: tuple[str, ...]) -> Statement:
    for one in parsed.definitions:
        if one.column is None and one.kind == "UNIQUE" and one.columns == columns:
            parsed = parsed.replaced(one, None)
    found = parsed.column(columns[0]) if len(columns) == 1 else None
    if found is None:
        return parsed
    return parsed.replaced(found, _composed(found, found.type, [one for one in found.clauses if one.kind != "UNIQUE"]))


def _composed(old: Definition, kind: Sequence[str], clauses: Sequence[Clause]) -> Definition:
    text = " ".join(
        part for part in (joined(old.words[:1]), joined(kind), *(clause.text for clause in clauses)) if part
    )
    return replace(sqlite_ddl.definition(text), column=old.column)


def _altered(parsed: Statement, old: ColumnSpec, new: ColumnSpec) -> Statement:
    """The statement with one column changed; what the change does not concern stays word for word."""
    found = parsed.column(new.name)
    assert found is not None
    before, after = settled(old, "sqlite"), settled(new, "sqlite")
    kind, clauses = found.type, list(found.clauses)
    fresh = sqlite_ddl.definition(column_definition(replace(new, unique=False, primary_key=False), "sqlite"))
    counting = before.auto_increment != after.auto_increment
    # What ENUM allows is a check here, which only its wish tells.
    if not same_type(before, after) or counting or new.datatype.strip().upper() == "ENUM":
        kind = ("INTEGER",) if after.auto_increment else sqlite_ddl.definition(f"x {_type(new)}").type
        clauses = [one for one in clauses if one.kind != "COLLATE" and not _is_list(one, new.name)]
        clauses += [one for one in fresh.clauses if one.kind in ("COLLATE", "CHECK")]
    if before.nullable != after.nullable:
        clauses = [one for one in clauses if one.kind not in ("NOT", "NULL")]
        clauses += [one for one in fresh.clauses if one.kind == "NOT"]
    if (before.default, before.expression) != (after.default, after.expression):
        clauses = [one for one in clauses if one.kind != "DEFAULT"]
        if default := default_clause(new, "sqlite"):
            clauses += sqlite_ddl.definition(f"x y {default}").clauses
    if counting:
        clauses = [one for one in clauses if one.kind != "PRIMARY"]
        word = "PRIMARY KEY AUTOINCREMENT" if after.auto_increment else "PRIMARY KEY"
        clauses = [*sqlite_ddl.definition(f"x y {word}").clauses, *clauses]
        for one in parsed.definitions:
            if one.column is None and one.kind == "PRIMARY":
                parsed = parsed.replaced(one, None)
    return parsed.replaced(found, _composed(found, kind, clauses))


def _type(column: ColumnSpec) -> str:
    kind = column_type(column, "sqlite")
    return _quote(kind) if ") " in kind else kind


def _is_list(clause: Clause, name: str) -> bool:
    """Whether it is the check that stands for ENUM."""
    words = [word.strip() for word in clause.words]
    return clause.kind == "CHECK" and len(words) > 3 and words[3].upper() == "IN" and words[2].strip('"') == name


def _copied(column: str, old: ColumnSpec, new: ColumnSpec) -> str:
    """The value as the new column stores it. SQLite converts texts and numbers by itself where the type says so."""
    if same_type(old, new):
        return column
    match _kind(old), _kind(new):
        case ("binary", "binary"):
            return column
        case (_, "binary"):
            return f"CAST(CAST({column} AS TEXT) AS BLOB)"
        case ("binary", _):
            return f"CAST({column} AS TEXT)"
        case ("number", "text"):
            return f"CAST({column} AS TEXT)"
        case ("text", "number"):
            return f"CAST({column} AS NUMERIC)"
        case ("datetime", "date"):
            return f"substr({column}, 1, 10)"
        case ("date", "datetime"):
            return f"{column} || ' 00:00:00'"
    return column


def _kind(spec: ColumnSpec) -> str:
    datatype = spec.datatype
    if datatype in NUMERIC:
        return "number"
    if datatype in BLOBS | BINARIES:
        return "binary"
    if datatype in TEXTS | CHARACTERS | LISTS:
        return "text"
    return "datetime" if datatype == "TIMESTAMP" else datatype.lower()


def _quote(name: str) -> str:
    return quote(name, "sqlite")


def _list(columns: Sequence[str]) -> str:
    return ", ".join(_quote(column) for column in columns)
