"""In charge of the text of schema changes: a step becomes statements of a dialect. Pure; it decides no step.

SQLite changes little of a table that is there: what it cannot do is `core.sql.rebuild`. Whether stored values outlive
a change of type has been looked at before; here they are only converted.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256

from core.catalog.change import (
    AddColumn,
    AddUnique,
    AlterColumn,
    ColumnSpec,
    CreateTable,
    DropColumn,
    DropTable,
    DropUnique,
    TableSpec,
    TableStep,
    UniqueKey,
)
from core.catalog.settle import (
    BINARIES,
    BLOBS,
    CHARACTERS,
    LISTS,
    NUMERIC,
    TEXTS,
    same_type,
    settled,
    values_of,
)
from core.sql import rebuild
from core.sql.ddl import column_definition, column_type, create_table, default_clause, literal, quote
from core.sql.details import Details

MOST_NAME = 63


def batches(steps: Sequence[TableStep], dialect: str) -> list[tuple[TableStep, ...]]:
    """The steps in the portions in which they become statements: on SQLite all of one table are one."""
    if dialect != "sqlite":
        return [(step,) for step in steps]
    tables: dict[str, list[TableStep]] = {}
    for step in steps:
        tables.setdefault(step.table, []).append(step)
    return [tuple(found) for found in tables.values()]


def statements(batch: Sequence[TableStep], details: Details, dialect: str, *, charset: str = "utf8mb4") -> list[str]:
    """The statements of a portion. `details`: of its table as it is. Raises Unprocessable for what no column can be."""
    found: list[str] = []
    rest: list[TableStep] = []
    for step in batch:
        match step:
            case CreateTable(spec):
                found.extend(_create(spec, dialect, charset))
            case DropTable(spec):
                found.append(f"DROP TABLE {quote(spec.name, dialect)}")
            case _:
                rest.append(step)
    if rest and dialect == "sqlite":
        return [*found, *rebuild.statements(rest, details, unique_name)]
    render = _postgres if dialect == "postgres" else _mysql
    for step in rest:
        found.extend(render(step, details))
    return found


def unique_name(table: str, columns: Sequence[str]) -> str:
    """The name of a unique key: readable, and the same for the same key on every database."""
    told = "_".join((table, *columns))
    mark = sha256("\0".join((table, *columns)).encode()).hexdigest()[:8]
    room = MOST_NAME - len(mark) - 1
    return f"{told.encode()[:room].decode(errors='ignore')}_{mark}"


def _create(spec: TableSpec, dialect: str, charset: str) -> list[str]:
    uniques = [UniqueKey(unique_name(spec.name, key), key) for key in spec.uniques]
    return create_table(spec.name, spec.columns, dialect, uniques=uniques, charset=charset)


def _list(columns: Sequence[str], dialect: str) -> str:
    return ", ".join(quote(column, dialect) for column in columns)


# --- PostgreSQL ---------------------------------------------------------------------------------------------------


def _postgres(step: TableStep, details: Details) -> list[str]:
    table = quote(step.table, "postgres")
    match step:
        case AddColumn(_, column):
            added = f"ALTER TABLE {table} ADD COLUMN {column_definition(column, 'postgres')}"
            return [added, *([_comment(step.table, column)] if column.comment else [])]
        case DropColumn(_, column):
            return [f"ALTER TABLE {table} DROP COLUMN {quote(column.name, 'postgres')}"]
        case AddUnique(name, columns):
            key = quote(unique_name(name, columns), "postgres")
            return [f"ALTER TABLE {table} ADD CONSTRAINT {key} UNIQUE ({_list(columns, 'postgres')})"]
        case DropUnique(_, columns):
            return [
                f"ALTER TABLE {table} DROP CONSTRAINT {quote(index.name, 'postgres')}"
                if index.constraint
                else f"DROP INDEX {quote(index.name, 'postgres')}"
                for index in details.unique_over(columns)
            ]
        case AlterColumn(_, old, new):
            return _alter_postgres(step.table, old, new, details)
    raise AssertionError(step)


def _comment(table: str, column: ColumnSpec) -> str:
    place = f"{quote(table, 'postgres')}.{quote(column.name, 'postgres')}"
    return f"COMMENT ON COLUMN {place} IS {literal(column.comment, 'postgres') if column.comment else 'NULL'}"


def _alter_postgres(table: str, old: ColumnSpec, new: ColumnSpec, details: Details) -> list[str]:
    name, column = quote(table, "postgres"), quote(new.name, "postgres")
    before, after = settled(old, "postgres"), settled(new, "postgres")
    alter = f"ALTER TABLE {name} ALTER COLUMN {column}"
    found: list[str] = []
    # What ENUM allows is a check here, which only its wish tells.
    changed = not same_type(before, after) or new.datatype.strip().upper() == "ENUM"
    if changed:
        found.extend(
            f"ALTER TABLE {name} DROP CONSTRAINT {quote(one, 'postgres')}" for one in _lists(details, new.name)
        )
        # The old default need not be a value of the new type.
        if before.default is not None:
            found.append(f"{alter} DROP DEFAULT")
        found.append(f"{alter} TYPE {column_type(new, 'postgres')} USING {_using(column, before, after, new)}")
        if new.datatype.strip().upper() == "ENUM":
            values = ", ".join(literal(value, "postgres") for value in values_of(new.length or ""))
            found.append(f"ALTER TABLE {name} ADD CHECK ({column} IN ({values}))")
    if before.auto_increment and not after.auto_increment:
        found += [f"{alter} DROP IDENTITY IF EXISTS", f"{alter} DROP DEFAULT"]
    if before.nullable != after.nullable:
        found.append(f"{alter} {'DROP' if after.nullable else 'SET'} NOT NULL")
    if after.default is not None and (changed or _default(before) != _default(after)):
        found.append(f"{alter} SET {default_clause(new, 'postgres')}")
    elif before.default is not None and after.default is None and not changed:
        found.append(f"{alter} DROP DEFAULT")
    if after.auto_increment and not before.auto_increment:
        place = f"pg_get_serial_sequence({literal(name, 'postgres')}, {literal(new.name, 'postgres')})"
        found += [
            f"{alter} ADD GENERATED BY DEFAULT AS IDENTITY",
            f"SELECT setval({place}, COALESCE(MAX({column}), 0) + 1, false) FROM {name}",  # noqa: S608
        ]
    if before.comment != after.comment:
        found.append(_comment(table, new))
    return found


def _lists(details: Details, column: str) -> tuple[str, ...]:
    return details.lists.get(column, ())


def _default(spec: ColumnSpec) -> tuple[str | None, bool]:
    return spec.default, spec.expression


def _using(column: str, old: ColumnSpec, new: ColumnSpec, wish: ColumnSpec) -> str:
    """The value in the new type. `old`, `new`: settled."""
    kind = column_type(wish, "postgres")
    match _kind(old), _kind(new):
        case ("native", "datetime") if (old.native or "").startswith("timestamp with"):
            return f"timezone('UTC', {column})::{kind}"
        case ("boolean", "number"):
            return f"{column}::integer::{kind}"
        case ("boolean", "text"):
            return f"{column}::integer::text"
        case ("boolean", "binary"):
            return f"convert_to({column}::integer::text, 'UTF8')"
        case ("number", "boolean"):
            return f"{column} <> 0"
        case ("bit", "number"):
            return f"{column}::bigint::{kind}"
        case ("bit", "bit"):
            # Shorter or longer, the number stays.
            return f"{column}::bigint::{kind}"
        case (_, "bit"):
            return f"{column}::text::bigint::{kind}"
        case ("bit", "text"):
            return f"{column}::bigint::text"
        case ("binary", "text"):
            return f"convert_from({column}, 'UTF8')"
        case ("binary", "binary"):
            return column
        case (_, "binary"):
            return f"convert_to({column}::text, 'UTF8')"
        case (one, other) if one == other or {one, other} <= {"date", "datetime"}:
            return f"{column}::{kind}"
    return f"{column}::text::{kind}"


def _kind(spec: ColumnSpec) -> str:
    if spec.native is not None:
        return "native"
    datatype = spec.datatype
    if datatype == "BIT":
        return "bit"
    if datatype in NUMERIC:
        return "boolean" if spec.type == "boolean" else "number"
    if datatype in BLOBS | BINARIES:
        return "binary"
    return "text" if datatype in TEXTS | CHARACTERS | LISTS else datatype.lower()


# --- MySQL and MariaDB --------------------------------------------------------------------------------------------


def _mysql(step: TableStep, details: Details) -> list[str]:
    table = f"ALTER TABLE {quote(step.table, 'mysql')}"
    match step:
        case AddColumn(_, column):
            return [f"{table} ADD COLUMN {column_definition(column, 'mysql')}"]
        case AddUnique(name, columns):
            return [f"{table} ADD UNIQUE KEY {quote(unique_name(name, columns), 'mysql')} ({_list(columns, 'mysql')})"]
        case DropUnique(name, columns):
            return [_drop_unique(table, name, columns, details)] if details.unique_over(columns) else []
        case DropColumn(_, column):
            return _drop_column(table, column.name, details)
        case AlterColumn(_, old, new):
            return [f"{table} MODIFY COLUMN {_modified(old, new, details)}"]
    raise AssertionError(step)


def _drop_unique(table: str, name: str, columns: tuple[str, ...], details: Details) -> str:
    dropped = details.unique_over(columns)
    parts = [f"DROP INDEX {quote(index.name, 'mysql')}" for index in dropped]
    others = [index.columns[:1] for index in details.indexes if index not in dropped]
    if any(key[0] == columns[0] for key in details.foreign_keys.values()) and columns[:1] not in others:
        # A foreign key needs an index of its own.
        plain = quote(unique_name(name, (*columns, "index")), "mysql")
        parts.append(f"ADD INDEX {plain} ({_list(columns, 'mysql')})")
    return f"{table} {', '.join(parts)}"


def _drop_column(table: str, name: str, details: Details) -> list[str]:
    keys = [quote(key, "mysql") for key, columns in details.foreign_keys.items() if name in columns]
    # Of an index over several columns the rest would stay, and as a unique one it would mean something else.
    indexes = [quote(index.name, "mysql") for index in details.with_column(name) if len(index.columns) > 1]
    dropped = [*(f"DROP INDEX {index}" for index in indexes), f"DROP COLUMN {quote(name, 'mysql')}"]
    return [*(f"{table} DROP FOREIGN KEY {key}" for key in keys), f"{table} {', '.join(dropped)}"]


def _modified(old: ColumnSpec, new: ColumnSpec, details: Details) -> str:
    """A whole definition, in which all that is not to change is said again as it stands."""
    before, after = settled(old, "mysql"), settled(new, "mysql")
    present = details.columns[new.name]
    parts = [quote(new.name, "mysql")]
    datatype = new.datatype.strip().upper()
    same = same_type(before, after)
    parts.append(present.type.replace("%", "%%") if same else column_type(new, "mysql"))
    if present.charset and (same or datatype in CHARACTERS | TEXTS | LISTS):
        parts.append(f"CHARACTER SET {present.charset} COLLATE {present.collation}")
    if not after.nullable:
        parts.append("NOT NULL")
    elif datatype == "TIMESTAMP":
        parts.append("NULL")
    if same and _default(before) == _default(after):
        # MariaDB says NULL of a column that may be null and has no default of its own.
        implicit = present.default == "NULL" and not after.nullable
        if present.default is not None and not implicit and not after.auto_increment:
            parts.append(f"DEFAULT {present.default.replace('%', '%%')}")
        if present.on_update:
            parts.append(f"ON UPDATE {present.on_update}")
    elif clause := default_clause(new, "mysql"):
        parts.append(clause)
    if after.auto_increment:
        parts.append("AUTO_INCREMENT")
    if after.comment:
        parts.append(f"COMMENT {literal(after.comment, 'mysql')}")
    return " ".join(parts)
