"""In charge of what a database makes of a column: the specification that reading it back gives. Pure.

`settled` foretells for a wish what `spec_of` says of the column once it is there, so that a wish and a fact can be
compared. It is the way there of `core.catalog.datatypes`, which knows the way back (spec 01 §4.3).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal, InvalidOperation

from core.catalog.change import ColumnSpec, TableSpec
from core.catalog.model import Column
from core.catalog.tables import Table

INTEGERS = frozenset({"TINYINT", "SMALLINT", "MEDIUMINT", "INT", "INTEGER", "YEAR", "BIGINT", "SERIAL"})
TEXTS = frozenset({"TINYTEXT", "TEXT", "MEDIUMTEXT", "LONGTEXT"})
BLOBS = frozenset({"TINYBLOB", "BLOB", "MEDIUMBLOB", "LONGBLOB"})
BINARIES = frozenset({"BINARY", "VARBINARY"})
DECIMALS = frozenset({"DECIMAL", "NUMERIC"})
FLOATS = frozenset({"FLOAT", "DOUBLE", "REAL"})
DATES = frozenset({"DATE", "TIME", "DATETIME", "TIMESTAMP"})
LISTS = frozenset({"ENUM", "SET"})
CHARACTERS = frozenset({"CHAR", "VARCHAR"})
DATATYPES = INTEGERS | TEXTS | BLOBS | BINARIES | DECIMALS | FLOATS | DATES | LISTS | CHARACTERS | {"BIT"}
"""The MySQL type names that columns can be made of."""

NUMERIC = INTEGERS | DECIMALS | FLOATS | {"BIT"}
NOW = "CURRENT_TIMESTAMP"

_SYNONYMS = {"INTEGER": "INT", "NUMERIC": "DECIMAL", "REAL": "DOUBLE"}
_NOW = re.compile(
    r"current_timestamp(?:\(\d?\))?|now\(\)|timezone\('UTC'(?:::text)?, (?:now\(\)|CURRENT_TIMESTAMP)\)", re.IGNORECASE
)
_LITERAL = re.compile(r"'((?:[^']|'')*)'")


def spec_of(column: Column, dialect: str) -> ColumnSpec:
    """The specification of a column that is there."""
    spec = ColumnSpec(
        name=column.name,
        datatype=column.datatype,
        length=column.length,
        type="boolean" if dialect == "postgres" and column.family == "boolean" else None,
        signed=column.signed,
        nullable=column.nullable,
        default=column.default,
        primary_key=column.primary_key,
        auto_increment=column.auto_increment,
        unique=column.unique,
        comment=column.comment,
        native=None if _has_name(column, dialect) else column.native,
        expression=column.default_is_expression,
    )
    if column.datatype in LISTS:
        spec = replace(spec, length=",".join(quoted(value) for value in values_of(column.native)))
    if _is_width(spec):
        spec = replace(spec, length=None)
    return _with_default(spec)


def spec_of_table(table: Table, dialect: str) -> TableSpec:
    """The specification of a table that is there."""
    return TableSpec(
        table.name,
        tuple(spec_of(column, dialect) for column in table.columns),
        tuple(dict.fromkeys(tuple(key) for key in table.uniques if len(key) > 1)),
    )


def _has_name(column: Column, dialect: str) -> bool:
    """Whether a request could have made the type."""
    if column.generated and not column.auto_increment:
        return False
    if dialect == "postgres" and column.family == "datetimetz":
        return False
    return column.datatype in DATATYPES and column.family not in ("json", "uuid", "other")


def settled(spec: ColumnSpec, dialect: str) -> ColumnSpec:
    """What is reported of a column made to this specification. What is reported already comes back as it is."""
    datatype = _SYNONYMS.get(spec.datatype.strip().upper(), spec.datatype.strip().upper())
    spec = replace(
        spec,
        datatype=datatype,
        nullable=spec.nullable and not spec.primary_key,
        unique=spec.unique and not spec.primary_key,
        comment="" if dialect == "sqlite" else spec.comment,
    )
    if spec.native is None:
        spec = _TYPES[dialect](spec)
    if _is_width(spec):
        spec = replace(spec, length=None)
    if dialect == "mysql" and spec.datatype == "CHAR" and spec.default is not None and not spec.expression:
        spec = replace(spec, default=spec.default.rstrip(" "))  # it keeps no blanks at the end of a CHAR
    return _with_default(spec)


def _is_width(spec: ColumnSpec) -> bool:
    """Whether the length says nothing but how wide numbers of the type are: databases differ in how they count."""
    return spec.datatype in INTEGERS or (spec.datatype in FLOATS and "," not in (spec.length or ""))


def settled_table(table: TableSpec, dialect: str) -> TableSpec:
    """A table with its columns settled."""
    return replace(table, columns=tuple(settled(column, dialect) for column in table.columns))


def same_type(one: ColumnSpec, other: ColumnSpec) -> bool:
    """Whether two settled columns are of one type, length and sign included."""
    return _type_of(one) == _type_of(other)


def _type_of(spec: ColumnSpec) -> tuple[object, ...]:
    if spec.native is not None:
        return (spec.native,)
    return spec.datatype, spec.length, spec.signed, spec.type


# --- types --------------------------------------------------------------------------------------------------------


def _sqlite(spec: ColumnSpec) -> ColumnSpec:
    datatype = spec.datatype
    spec = replace(spec, type=None, signed=spec.signed or datatype not in INTEGERS)
    if spec.auto_increment and spec.primary_key:
        return replace(spec, datatype="INT", signed=True, default=None)
    if datatype == "SERIAL":
        return replace(spec, datatype="BIGINT", signed=True)
    if datatype in BLOBS | BINARIES:
        return replace(spec, datatype="BLOB", length=None)
    if datatype == "BIT":
        return replace(spec, datatype="INT", signed=True)
    if datatype in LISTS:
        return replace(spec, datatype="VARCHAR", length="255")
    if datatype in INTEGERS:
        return replace(spec, signed=spec.signed or datatype == "YEAR")
    return replace(spec, length=_length(spec, floats=True))


def _postgres(spec: ColumnSpec) -> ColumnSpec:
    datatype = spec.datatype
    boolean = datatype == "TINYINT" and (spec.type or "").lower() == "boolean"
    spec = replace(spec, signed=True, type="boolean" if boolean else None)
    if boolean:
        return spec
    if datatype in ("TINYINT", "SMALLINT"):
        return replace(spec, datatype="SMALLINT")
    if datatype in ("MEDIUMINT", "INT", "YEAR"):
        return replace(spec, datatype="INT")
    if datatype in ("BIGINT", "SERIAL"):
        return replace(spec, datatype="BIGINT")
    if datatype in BLOBS | BINARIES:
        return replace(spec, datatype="BLOB", length=None)
    if datatype in TEXTS:
        return replace(spec, datatype="TEXT", length=None)
    if datatype == "TIMESTAMP":
        return replace(spec, datatype="DATETIME", length=None)
    if datatype in LISTS:
        return replace(spec, datatype="VARCHAR", length="255")
    if datatype in CHARACTERS:
        length = _length(spec)
        return replace(spec, datatype="VARCHAR" if length else "TEXT", length=length)
    if datatype == "BIT":
        return replace(spec, length=_length(spec) or "1")
    return replace(spec, length=_length(spec))


def _mysql(spec: ColumnSpec) -> ColumnSpec:
    datatype = spec.datatype
    spec = replace(spec, type=None, signed=spec.signed or datatype not in INTEGERS)
    if datatype == "SERIAL":
        return replace(spec, datatype="BIGINT", signed=False)
    if datatype == "YEAR":
        return replace(spec, signed=True)
    if datatype in INTEGERS:
        return spec
    if datatype in LISTS:
        return replace(spec, length=",".join(quoted(value) for value in values_of(spec.length or "")))
    if datatype in BINARIES | {"BIT", "CHAR"}:
        return replace(spec, length=_length(spec) or "1")
    if datatype in FLOATS:
        length = _length(spec, floats=True)
        if length is None or "," not in length:
            wide = datatype == "DOUBLE" or int(length or 0) > 24
            return replace(spec, datatype="DOUBLE" if wide else "FLOAT", length=None)
        return replace(spec, length=length)
    return replace(spec, length=_length(spec))


_TYPES: dict[str, Callable[[ColumnSpec], ColumnSpec]] = {"sqlite": _sqlite, "postgres": _postgres, "mysql": _mysql}


def _length(spec: ColumnSpec, *, floats: bool = False) -> str | None:
    """The length as reported, of the types that keep one."""
    datatype = spec.datatype
    text = "".join((spec.length or "").split())
    if datatype in DECIMALS:
        precision, _, scale = (text or "10").partition(",")
        return f"{int(precision)},{int(scale or 0)}" if precision.isdigit() else text
    if datatype in CHARACTERS | BINARIES | {"BIT"} or (floats and datatype in FLOATS):
        return text or None
    return None


def values_of(text: str) -> list[str]:
    """The values of ENUM and SET: a list of literals, alone or in `enum(…)`, or plain CSV."""
    found = [value.replace("''", "'") for value in _LITERAL.findall(text)]
    return found or [part.strip() for part in text.split(",") if part.strip()]


def quoted(value: str) -> str:
    """A value in a list of literals."""
    return "'" + value.replace("'", "''") + "'"


# --- defaults -----------------------------------------------------------------------------------------------------


def _with_default(spec: ColumnSpec) -> ColumnSpec:
    """The specification with its default in the form that compares."""
    text, datatype = spec.default, spec.datatype
    if text is None or spec.auto_increment:
        return replace(spec, default=None, expression=False)
    if datatype in ("DATETIME", "TIMESTAMP") and _NOW.fullmatch(text.strip()):
        return replace(spec, default=NOW, expression=False)
    if not spec.expression and datatype in NUMERIC:
        value = number(text)
        # PostgreSQL has a real boolean: everything but 0 is true.
        return replace(spec, default=value if spec.type != "boolean" or value == "0" else "1")
    return spec


def number(text: str) -> str:
    """A number in its shortest plain form, so that 0 and 0.00 are one; other text as it is."""
    word = {"true": "1", "false": "0"}.get(text.strip().lower(), text.strip())
    try:
        value = Decimal(word)
    except InvalidOperation:
        return text
    if not value.is_finite():
        return text
    if value == value.to_integral_value():
        return str(int(value))
    return format(value.normalize(), "f")


def is_now(text: str) -> bool:
    """Whether a default of a date-time is the present moment, in the words of any database."""
    return bool(_NOW.fullmatch(text.strip()))
