"""In charge of what a table becomes on another kind of database: types, defaults, keys. Pure.

System tables become what a new installation has; others the nearest type that holds every stored value. What cannot
be carried over is noted in words for the operator.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from core.catalog.change import ColumnSpec
from core.catalog.model import Column
from core.catalog.settle import BINARIES, BLOBS, CHARACTERS, LISTS, TEXTS, is_now, spec_of, values_of
from core.catalog.system import SystemColumn, system_tables
from core.catalog.tables import Table
from core.projects.copy.facts import EXACT, Facts
from core.types.dates import fraction_digits

KEY_LENGTH = 255
MOST_KEY = 768
"""Characters of a key on MySQL."""
ROW_ROOM = 60_000
"""Bytes of a row on MySQL that its VARCHAR columns may take."""
_NUMBER = re.compile(r"[+-]?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?")
_BITS = {"TINYINT": 7, "SMALLINT": 15, "MEDIUMINT": 23, "INT": 31, "BIGINT": 63}
_POSTGRES_BITS = {**_BITS, "TINYINT": 15, "MEDIUMINT": 31}
_NUMBERS = frozenset({"integer", "bigint", "decimal", "float", "bit", "boolean"})


@dataclass(frozen=True, slots=True)
class Shape:
    """A table as it is to be made, and what of it is not carried over."""

    columns: tuple[ColumnSpec, ...]
    notes: tuple[str, ...] = ()


def shape(table: Table, source: str, target: str, facts: Facts) -> Shape:
    """The columns of a table on the target's dialect; on the same dialect they stay what they are."""
    notes: list[str] = []
    system = {one.name: one for one in _system_columns(table.name)}
    columns = []
    for column in table.columns:
        if column.generated and not column.auto_increment:
            notes.append(f"{table.name}.{column.name}: computed by the database; the values stay, no longer computed")
        if source == target:
            columns.append(_same(column, source))
        elif column.name in system:
            columns.append(_system(system[column.name], column, table.name, target, facts))
        else:
            columns.append(_other(table.name, column, source, target, facts, notes))
    if source != target and target == "mysql":
        columns = _with_room(columns)
    if len(table.primary_key) > 1 and target == "sqlite":
        columns = [replace(one, auto_increment=False) for one in columns]
    return Shape(tuple(columns), tuple(notes))


def _system_columns(table: str) -> tuple[SystemColumn, ...]:
    return next((one.columns for one in system_tables() if one.name == table), ())


def _system(column: SystemColumn, present: Column, table: str, target: str, facts: Facts) -> ColumnSpec:
    """As an installation makes it, but large enough for what is stored."""
    place = (table, column.name)
    datatype = column.datatype
    if datatype in _BITS and not column.is_flag:
        datatype = _wide_enough(datatype, facts.highest.get(place, 0), target, signed=column.signed) or "BIGINT"
    length = column.length
    if datatype == "VARCHAR" and length is not None:
        length = str(max(int(length), facts.longest.get(place, 0), present.characters or 0))
    return ColumnSpec(
        name=column.name,
        datatype=datatype,
        length=length,
        type="boolean" if column.is_flag else None,
        signed=column.signed,
        nullable=(column.nullable or present.nullable or place in facts.emptied) and not column.primary_key,
        default=column.default,
        primary_key=present.primary_key,
        auto_increment=column.auto_increment,
        unique=present.unique,
        comment=present.comment,
    )


def _same(column: Column, dialect: str) -> ColumnSpec:
    """With the type as the database itself names it."""
    return replace(spec_of(column, dialect), native=column.native)


def _other(table: str, column: Column, source: str, target: str, facts: Facts, notes: list[str]) -> ColumnSpec:
    place = (table, column.name)
    datatype, length, kind, native = _type(table, column, source, target, facts, notes)
    default, expression = _default(column, datatype, target, notes, f"{table}.{column.name}")
    if native is not None and default is not None and is_now(default):
        default, expression = f"CURRENT_TIMESTAMP({native[-2]})", True
    return ColumnSpec(
        name=column.name,
        datatype=datatype,
        length=length,
        type=kind,
        signed=column.signed or target != "mysql" or not _is_integer(datatype),
        nullable=(column.nullable or place in facts.emptied) and not column.primary_key,
        default=default,
        primary_key=column.primary_key,
        auto_increment=column.auto_increment,
        unique=column.unique,
        comment=column.comment,
        native=native,
        expression=expression,
    )


def _is_integer(datatype: str) -> bool:
    return datatype in ("TINYINT", "SMALLINT", "MEDIUMINT", "INT", "BIGINT")


Type = tuple[str, str | None, str | None, str | None]


def _type(table: str, column: Column, source: str, target: str, facts: Facts, notes: list[str]) -> Type:
    """Datatype, length, Directus type, native type."""
    place, datatype = (table, column.name), column.datatype
    match column.family:
        case "boolean":
            return "TINYINT", "1", "boolean", None
        case "integer" | "bigint":
            if place in facts.booleans and datatype == "TINYINT":
                return "TINYINT", "1", "boolean", None
            return _integer_type(table, column, target, facts, notes)
        case "decimal":
            return _decimal_type(table, column, target, facts, notes)
        case "float":
            return datatype, None, None, None
        case "bit":
            return ("BIT", column.length, None, None) if target != "sqlite" else ("BIGINT", None, None, None)
        case "date":
            return "DATE", None, None, None
        case "time" | "datetime" | "datetimetz":
            if place in facts.spans:
                notes.append(f"{table}.{column.name}: times that are none of a day; becomes text")
                return "VARCHAR", "20", None, None
            return _moment_type(column, source, target, facts.longest.get(place, 0))
        case "binary":
            if place in facts.keyed and target == "mysql":
                return "VARBINARY", str(KEY_LENGTH), None, None
            return "LONGBLOB", None, None, None
        case "uuid":
            return "VARCHAR", "36", None, None
    return _text_type(table, column, source, target, facts)


def _integer_type(table: str, column: Column, target: str, facts: Facts, notes: list[str]) -> Type:
    if column.datatype not in _BITS:  # YEAR
        return (column.datatype if target == "mysql" else "SMALLINT"), None, None, None
    highest = facts.highest.get((table, column.name), 0)
    datatype = _wide_enough(column.datatype, highest, target, signed=column.signed)
    if datatype is None:
        kind = "text" if target == "sqlite" else "decimal"
        notes.append(f"{table}.{column.name}: larger than 63 bits; becomes {kind}")
        return ("VARCHAR", "20", None, None) if target == "sqlite" else ("DECIMAL", "20,0", None, None)
    return datatype, None, None, None


def _wide_enough(datatype: str, highest: int, target: str, *, signed: bool) -> str | None:
    """The narrowest type from the given one on that holds a number; None when none does."""
    bits = {"sqlite": dict.fromkeys(_BITS, 63), "postgres": _POSTGRES_BITS, "mysql": _BITS}[target]
    names = list(_BITS)
    for name in names[names.index(datatype) :]:
        if highest < 2 ** (bits[name] + (target == "mysql" and not signed)):
            return name
    return None


def _decimal_type(table: str, column: Column, target: str, facts: Facts, notes: list[str]) -> Type:
    if target == "sqlite" and facts.digits.get((table, column.name), 0) > EXACT:
        notes.append(f"{table}.{column.name}: more digits than SQLite keeps; becomes text")
        return "VARCHAR", "80", None, None
    precision, scale = column.precision, column.scale or 0
    if target == "mysql" and (precision is None or precision > 65 or not 0 <= scale <= 30):
        precision, scale = 65, 30
    return "DECIMAL", None if precision is None else f"{precision},{scale}", None, None


def _moment_type(column: Column, source: str, target: str, longest: int) -> Type:
    """Date-times and times keep as many digits of a second as they have."""
    datatype = "TIME" if column.family == "time" else "DATETIME"
    digits = fraction_digits(column, source)
    if source == "sqlite" and longest > len("00:00:00" if datatype == "TIME" else "2000-01-01 00:00:00"):
        digits = 6
    if not digits or target == "sqlite":
        return datatype, None, None, None
    if target == "mysql":
        return datatype, None, None, f"{datatype.lower()}({digits})"
    return datatype, None, None, f"{'time' if datatype == 'TIME' else 'timestamp'}({digits})"


def _text_type(table: str, column: Column, source: str, target: str, facts: Facts) -> Type:
    place, datatype = (table, column.name), column.datatype
    longest = facts.longest.get(place, 0)
    if datatype in LISTS and column.family == "text":
        allowed = ",".join(values_of(column.native))
        return ("TEXT", None, None, None) if len(allowed) > KEY_LENGTH else ("VARCHAR", str(KEY_LENGTH), None, None)
    if datatype in CHARACTERS and column.characters:
        # Shorter than what is stored only on SQLite, which does not look at lengths.
        return "VARCHAR", str(max(column.characters, longest)), None, None
    if place in facts.keyed and target == "mysql":
        return "VARCHAR", str(min(max(KEY_LENGTH, longest), MOST_KEY)), None, None
    if source == "mysql" and datatype in TEXTS:
        return datatype, None, None, None
    return "LONGTEXT" if target == "mysql" else "TEXT", None, None, None


def _default(column: Column, datatype: str, target: str, notes: list[str], name: str) -> tuple[str | None, bool]:
    value = column.default
    if value is None or column.auto_increment or (column.generated and not column.auto_increment):
        return None, False
    if column.default_is_expression or is_now(value):
        if is_now(value) and datatype == "DATETIME":
            return "CURRENT_TIMESTAMP", False
        notes.append(f"{name}: the default is computed in a way that only its database knows; left out")
        return None, False
    if column.family in _NUMBERS and not _NUMBER.fullmatch(value.strip()):
        return None, False
    if column.family in ("date", "datetime", "datetimetz") and (value[5:7] == "00" or value[8:10] == "00"):
        return None, False
    if datatype in BLOBS | BINARIES | {"BIT"} and target != "sqlite":
        return None, False
    if datatype in TEXTS and target == "mysql":
        quoted = value.replace("\\", "\\\\").replace("'", "''").replace("%", "%%")
        return f"'{quoted}'", True  # MySQL 8 takes no other default for a text
    return value, False


def _with_room(columns: list[ColumnSpec]) -> list[ColumnSpec]:
    """A row of MySQL has 65,535 bytes: the longest texts are kept outside of it where they would not fit."""
    sizes = {one.name: int(one.length or 0) * 4 for one in columns if one.datatype == "VARCHAR"}
    total = sum(sizes.values())
    found = list(columns)
    for name in sorted(sizes, key=lambda one: -sizes[one]):
        if total <= ROW_ROOM and sizes[name] <= ROW_ROOM:
            break
        place = next(index for index, one in enumerate(found) if one.name == name)
        if not found[place].primary_key and not found[place].unique:
            found[place] = replace(found[place], datatype="LONGTEXT", length=None, default=None)
            total -= sizes[name]
    return found
