"""In charge of DDL text per dialect: types, columns, tables; the way from MySQL type names to native ones. Pure.

Every identifier is quoted and every default and comment a literal; type names come from a closed list (spec 01 §4.3),
so that no text from outside becomes SQL. The way back is `core.catalog.datatypes`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any

import sqlalchemy as sa

from core.catalog.change import ColumnSpec, UniqueKey
from core.catalog.settle import (
    BINARIES,
    BLOBS,
    CHARACTERS,
    DATATYPES,
    DATES,
    DECIMALS,
    FLOATS,
    INTEGERS,
    LISTS,
    TEXTS,
    is_now,
    values_of,
)
from core.errors import Unprocessable
from core.sql.dialect import dialect as sql_dialect

__all__ = ["DATATYPES", "ColumnSpec", "UniqueKey"]

_INTEGERS = {
    "TINYINT": "SMALLINT", "SMALLINT": "SMALLINT", "MEDIUMINT": "INTEGER", "INT": "INTEGER", "INTEGER": "INTEGER",
    "YEAR": "INTEGER", "BIGINT": "BIGINT", "SERIAL": "BIGINT",
}  # fmt: skip
_FLOATS = {"FLOAT": "REAL", "DOUBLE": "DOUBLE PRECISION", "REAL": "DOUBLE PRECISION"}
_DATES = {"DATE": "DATE", "TIME": "TIME(0)", "DATETIME": "TIMESTAMP(0)", "TIMESTAMP": "TIMESTAMP(0)"}
_NUMBER = re.compile(r"[+-]?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?")


@cache
def _preparer(name: str) -> Any:
    return sql_dialect(name).sql.identifier_preparer


@cache
def _literals(name: str) -> Any:
    kind: Any = sa.String()
    return kind.literal_processor(sql_dialect(name).sql)


def quote(identifier: str, dialect: str) -> str:
    """An identifier in the dialect's quotes, whatever it contains."""
    if "\x00" in identifier:
        raise Unprocessable("A name cannot contain a NUL character")
    return str(_preparer(dialect).quote_identifier(identifier))


def literal(text: str, dialect: str) -> str:
    """A text as an SQL literal."""
    if "\x00" in text:
        raise Unprocessable("A text cannot contain a NUL character")
    # MySQL reads a backslash as an escape: one before the closing quote would let the text run on as SQL.
    return str(_literals(dialect)(text.replace("\\", "\\\\") if dialect == "mysql" else text))


def column_type(column: ColumnSpec, dialect: str) -> str:
    """The type of a column in the dialect's own words. Raises Unprocessable for a name or length that is none."""
    if column.native is not None:
        return column.native
    datatype = column.datatype.strip().upper()
    if datatype not in DATATYPES:
        raise Unprocessable(f'"{column.datatype}" is not a datatype that a column can have')
    if dialect == "postgres":
        return _postgres_type(column, datatype)
    if dialect == "sqlite":
        if column.auto_increment and column.primary_key:
            return "INTEGER"
        if datatype in BLOBS | BINARIES:
            return "BLOB"
        if datatype == "BIT":
            return "INTEGER"
        if datatype in LISTS:
            return "VARCHAR(255)"
        if datatype == "TINYINT" and column.type == "boolean":
            return "TINYINT(1)" if column.signed else "TINYINT(1) UNSIGNED"
    return _mysql_type(column, datatype, dialect)


def _mysql_type(column: ColumnSpec, datatype: str, dialect: str) -> str:
    length = _length(column, datatype)
    if datatype == "SERIAL":  # MySQL's own word makes it NOT NULL and a unique key as well
        return "BIGINT" if dialect == "sqlite" else "BIGINT UNSIGNED"
    if datatype in LISTS:
        return f"{datatype}({', '.join(literal(value, dialect) for value in _values(column))})"
    text = f"{datatype}({length})" if length and datatype not in TEXTS | BLOBS | DATES else datatype
    if not column.signed and datatype in INTEGERS and datatype != "YEAR":
        text += " UNSIGNED"
    return text


def _postgres_type(column: ColumnSpec, datatype: str) -> str:
    length = _length(column, datatype)
    if datatype == "TINYINT" and column.type == "boolean":
        return "BOOLEAN"
    if datatype in _INTEGERS:
        return _INTEGERS[datatype]
    if datatype in CHARACTERS:
        return f"VARCHAR({length})" if length else "VARCHAR"
    if datatype in LISTS:
        return "VARCHAR(255)"
    if datatype in DECIMALS:
        return f"NUMERIC({length})" if length else "NUMERIC"
    if datatype == "BIT":
        return f"BIT({length or 1})"
    if datatype in BLOBS | BINARIES:
        return "BYTEA"
    return {**_FLOATS, **_DATES}.get(datatype, "TEXT")


def _length(column: ColumnSpec, datatype: str) -> str | None:
    if column.length is None or datatype in LISTS:
        return None
    text = "".join(str(column.length).split())
    if not re.fullmatch(r"\d{1,5}(?:,\d{1,2})?", text):
        raise Unprocessable(f'"{column.length}" is not a length for field "{column.name}"')
    return text


def _values(column: ColumnSpec) -> list[str]:
    """The values of ENUM and SET: a list of literals, or plain CSV."""
    values = values_of(column.length or "")
    if not values:
        raise Unprocessable(f'Field "{column.name}" needs a list of values as its length')
    return values


def default_clause(column: ColumnSpec, dialect: str) -> str:
    """`DEFAULT …`, or nothing. Raises Unprocessable where a number is needed and none is given."""
    if column.default is None or column.auto_increment:
        return ""
    datatype, value = column.datatype.strip().upper(), column.default
    if column.expression:
        return f"DEFAULT ({value})"
    if datatype in ("DATETIME", "TIMESTAMP") and is_now(value):
        return {
            "postgres": "DEFAULT (timezone('UTC', now()))",
            "sqlite": "DEFAULT CURRENT_TIMESTAMP",
            "mysql": "DEFAULT CURRENT_TIMESTAMP",
        }[dialect]
    if datatype in INTEGERS | DECIMALS | FLOATS or datatype == "BIT":
        if dialect == "postgres" and datatype == "TINYINT" and column.type == "boolean":
            return "DEFAULT FALSE" if value.strip().lower() in ("0", "false", "") else "DEFAULT TRUE"
        number = {"true": "1", "false": "0"}.get(value.strip().lower(), value.strip())
        if not _NUMBER.fullmatch(number):
            raise Unprocessable(f'"{value}" is not a default value for field "{column.name}"')
        if datatype == "BIT" and dialect == "postgres":
            return f"DEFAULT {int(number)}::bit({_length(column, datatype) or 1})"
        return f"DEFAULT {number}"
    return f"DEFAULT {literal(value, dialect)}"


def column_definition(column: ColumnSpec, dialect: str) -> str:
    """A column as it stands in CREATE TABLE and ALTER TABLE ADD, without the keys over several columns."""
    kind, datatype = column_type(column, dialect), column.datatype.strip().upper()
    # SQLite's grammar has no word behind the parentheses, but keeps the text of a quoted type as it is.
    parts = [quote(column.name, dialect), quote(kind, dialect) if dialect == "sqlite" and ") " in kind else kind]
    if dialect == "sqlite" and column.primary_key and column.auto_increment:
        return " ".join([*parts, "PRIMARY KEY AUTOINCREMENT", "NOT NULL"])
    if dialect == "postgres" and column.auto_increment:
        parts.append("GENERATED BY DEFAULT AS IDENTITY")
    if dialect == "sqlite" and (datatype in CHARACTERS | TEXTS | LISTS):
        parts.append("COLLATE NOCASE")
    if not column.nullable or column.primary_key:
        parts.append("NOT NULL")
    elif dialect == "mysql" and datatype == "TIMESTAMP":
        parts.append("NULL")  # else it would be NOT NULL and filled in by itself
    if default := default_clause(column, dialect):
        parts.append(default)
    if dialect != "mysql" and datatype == "ENUM":
        values = ", ".join(literal(value, dialect) for value in _values(column))
        parts.append(f"CHECK ({quote(column.name, dialect)} IN ({values}))")
    if dialect == "mysql" and column.auto_increment:
        parts.append("AUTO_INCREMENT")
    if column.unique and not column.primary_key:
        parts.append("UNIQUE")
    if dialect == "mysql" and column.comment:
        parts.append(f"COMMENT {literal(column.comment, dialect)}")
    return " ".join(parts)


def create_table(
    name: str,
    columns: Sequence[ColumnSpec],
    dialect: str,
    *,
    uniques: Iterable[UniqueKey] = (),
    constraints: Iterable[str] = (),
    charset: str = "utf8mb4",
    next_id: int | None = None,
) -> list[str]:
    """The statements that make a table. `next_id`: the first value of its automatic key, where rows precede.

    `constraints`: further lines, as `core.sql.transfer.foreign_key` renders them.
    """
    lines = [column_definition(column, dialect) for column in columns]
    keys = [column for column in columns if column.primary_key]
    if keys and not (dialect == "sqlite" and any(column.auto_increment for column in keys)):
        lines.append(f"PRIMARY KEY ({', '.join(quote(column.name, dialect) for column in keys)})")
    for unique in uniques:
        inside = ", ".join(quote(column, dialect) for column in unique.columns)
        word = f"UNIQUE KEY {quote(unique.name, dialect)}" if dialect == "mysql" else "UNIQUE"
        lines.append(f"{word} ({inside})")
    lines += constraints
    text = f"CREATE TABLE {quote(name, dialect)} (\n  " + ",\n  ".join(lines) + "\n)"
    if dialect == "mysql":
        text += f" ENGINE=InnoDB DEFAULT CHARSET={_charset(charset)} ROW_FORMAT=DYNAMIC"
        text += f" AUTO_INCREMENT={int(next_id)}" if next_id else ""
    comments = [
        f"COMMENT ON COLUMN {quote(name, dialect)}.{quote(column.name, dialect)} IS {literal(column.comment, dialect)}"
        for column in columns
        if column.comment and dialect == "postgres"
    ]
    return [text, *comments]


def _charset(name: str) -> str:
    if not re.fullmatch(r"[a-z0-9_]+", name):
        raise Unprocessable(f'"{name}" is not a character set')
    return name


def drop_table(name: str, dialect: str) -> str:
    """The statement that drops a table; on PostgreSQL with the foreign keys and views that refer to it."""
    return f"DROP TABLE {quote(name, dialect)}" + (" CASCADE" if dialect == "postgres" else "")


def restart_key(table: str, column: str, value: int, dialect: str) -> str | None:
    """The statement after which an automatic key goes on at `value`; None where rows themselves push it on."""
    if dialect != "postgres":
        return None
    name, key = quote(table, dialect), quote(column, dialect)
    return f"ALTER TABLE {name} ALTER COLUMN {key} RESTART WITH {int(value)}"
