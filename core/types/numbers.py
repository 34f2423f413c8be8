"""In charge of numbers in text: what counts as one, how it is written, what fits a column. Pure; names no field."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

from core.catalog.model import Column

NUMERIC = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,6})?", re.ASCII)
WHOLE = re.compile(r"[+-]?\d+", re.ASCII)
BLANKS = " \t\n\r\v\f"
# More digits than any column takes. `1e999999` is seven characters, and a million once it is written out.
MAX_DIGITS = 1000
MAX_BITS = 3400
INT64 = range(-(2**63), 2**63)
EXACT_DIGITS = 15
"""Decimal digits that a double keeps, and so a JSON number (spec 03 §8.2)."""

SIZES = {"TINYINT": 8, "SMALLINT": 16, "MEDIUMINT": 24, "INT": 32, "INTEGER": 32, "BIGINT": 64, "SERIAL": 64}


def number(value: Any) -> int | Decimal | None:
    """The finite number that a value is or spells (blanks around it allowed), else None. True is 1."""
    if isinstance(value, int):
        return int(value) if value.bit_length() <= MAX_BITS else None
    if isinstance(value, float):
        value = repr(value)  # the shortest text that gives the same float: 0.1 is 0.1
    if isinstance(value, Decimal):
        return value if value.is_finite() and _writable(value) else None
    if not isinstance(value, str) or len(value) > MAX_DIGITS:
        return None
    text = value.strip(BLANKS)
    if WHOLE.fullmatch(text):
        return int(text)
    if not NUMERIC.fullmatch(text):
        return None
    found = Decimal(text)
    return found if _writable(found) else None


def integer(value: Any) -> int | None:
    """The whole number that a value is or spells ("2.0" is 2), else None."""
    found = number(value)
    if isinstance(found, Decimal):
        return int(found) if found == found.to_integral_value() else None
    return found


def _writable(value: Decimal) -> bool:
    exponent = value.as_tuple().exponent
    return isinstance(exponent, int) and exponent >= -MAX_DIGITS and value.adjusted() <= MAX_DIGITS


def text_of(value: Any) -> str:
    """A number as PHP prints it: 42, 0.5, 1.0E+25, and whole floats without a point."""
    if isinstance(value, bool):
        return "1" if value else "0"
    if isinstance(value, Decimal):
        return format(value, "f")
    if not isinstance(value, float):
        # Python writes no integer of more than 4300 digits, so that nobody makes it work for hours.
        return str(value) if value.bit_length() <= MAX_BITS else f"{Decimal(value):e}"
    if value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    mantissa, mark, exponent = repr(value).partition("e")
    if not mark:
        return mantissa
    return f"{mantissa if '.' in mantissa else mantissa + '.0'}E{int(exponent):+d}"


def digits(value: int | Decimal) -> tuple[int, int]:
    """How many digits stand before and after the point, leading and trailing zeros not counted."""
    _, found, exponent = Decimal(value).as_tuple()
    text = "".join(map(str, found)).lstrip("0")
    if not text or not isinstance(exponent, int):
        return 0, 0
    kept = text.rstrip("0")
    exponent += len(text) - len(kept)
    return max(len(kept) + exponent, 0), max(-exponent, 0)


def is_wide(column: Column, dialect: str) -> bool:
    """Whether an integer column holds 64 bits: BIGINT, and what other programs declare INTEGER on SQLite."""
    return column.family == "bigint" or (
        dialect == "sqlite" and column.family == "integer" and column.native.upper() == "INTEGER"
    )


def integer_range(column: Column, dialect: str) -> tuple[int, int]:
    """Least and greatest value of an integer or bit column (spec 01 §4.3, `signed`: 7.1)."""
    if column.family == "bit":
        return 0, 2 ** bits(column) - 1
    if column.datatype == "YEAR":
        return 0, 2155
    size = 64 if is_wide(column, dialect) else SIZES.get(column.datatype, 32)
    if column.signed:
        return -(2 ** (size - 1)), 2 ** (size - 1) - 1
    # UNSIGNED is a word on SQLite: its integers end where signed ones do.
    return 0, 2 ** (63 if size == 64 and dialect == "sqlite" else size) - 1


def bits(column: Column) -> int:
    """How many bits a bit column has."""
    if column.length and column.length.isdecimal():
        return int(column.length)
    return column.precision or 1


def precision_and_scale(column: Column) -> tuple[int, int] | None:
    """Digits in all and after the point, as declared; None when the column names none."""
    if column.precision is not None and column.family == "decimal":
        return column.precision, column.scale or 0
    parts = (column.length or "").split(",")
    if len(parts) == 2 and all(part.strip().isdecimal() for part in parts):
        return int(parts[0]), int(parts[1])
    if column.family == "decimal" and len(parts) == 1 and parts[0].isdecimal():
        return int(parts[0]), 0
    return None
