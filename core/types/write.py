"""In charge of one value of a write: what a column takes, and what it refuses (spec 03 §7, §8.2–8.4). Pure.

Knows one field at a time; which fields a payload must have is decided in `core.write.validate`. Hashing, slugs and the
values that the server fills in are other steps.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, tzinfo
from decimal import Decimal
from math import isfinite
from typing import Any, Literal
from uuid import UUID

import orjson

from core.catalog.model import Column, Field
from core.types import dates, numbers, structured
from core.types.cast import TRUTH
from core.types.encode import encoder
from core.types.kinds import DATETIME_TYPES, Kind, column_of, kind_of

Reason = Literal["invalid", "array", "unprocessable"]

BLANK = "This value should not be blank."
NULL = "This value should not be null."
INVALID = "This value is not valid."
NUMERIC = "This value should be of type numeric."
BOOL = "This value should be of type bool."
STRING = "This value should be of type string."
ARRAY = "This value should be of type array."
JSON = "This value should be of type json."
DATE = "This value is not a valid date."
TIME = "This value is not a valid time."
DATETIME = "This value is not a valid datetime."
EMAIL = "This value is not a valid email address."

RELATION_TYPES = frozenset({"m2o", "file", "user", "owner", "user_updated"})
# Bytes, on MySQL only: the other databases do not limit these types.
BYTE_LIMITS = {
    "TINYTEXT": 255, "TEXT": 65_535, "MEDIUMTEXT": 16_777_215, "LONGTEXT": 4_294_967_295,
    "TINYBLOB": 255, "BLOB": 65_535, "MEDIUMBLOB": 16_777_215, "LONGBLOB": 4_294_967_295,
}  # fmt: skip
SINGLE_MAX = 3.4028234663852886e38
MAX_HASHED = 4096
"""Bytes of a plaintext that is to be hashed (spec 02 §8.2)."""
SHOWN = 100
"""Characters of a refused value that its message repeats."""


class Refused(Exception):
    """A value that the column does not take.

    `reason`: "invalid" (422/4), "unprocessable" (422/12) or "array" (422/213).
    """

    def __init__(self, message: str, reason: Reason = "invalid") -> None:
        self.message, self.reason = message, reason
        super().__init__(message)


def accept(
    field: Field, value: Any, *, dialect: str, system: bool = False, zone: tzinfo = UTC, relation: bool = False
) -> Any:
    """The canonical value to store in the field's column; None is NULL. Raises Refused.

    `system`: of a system collection, whose plain date-times are meant in `zone` and stored in UTC. `relation`: the
    field holds keys of another collection (then lengths are not checked, spec 03 §7).
    """
    if value is None:
        return None
    if field.type == "json":
        return _json(field, value, dialect)
    if field.type == "array":
        return _array(field, value, dialect)
    if isinstance(value, (list, tuple, dict)):
        raise Refused(
            f'Attempting to write an array as the value for field "{field.name}" in "{field.collection}"', "array"
        )
    if field.type == "hash":
        return _plaintext(value)
    kind = kind_of(field)
    relation = relation or field.type in RELATION_TYPES
    match kind:
        case "integer":
            return _integer(field, value, dialect, relation)
        case "decimal" | "float":
            return _fraction(field, value, kind, dialect, relation)
        case "boolean":
            return _boolean(value)
        case "date" | "time" | "datetime":
            return _date(field, value, kind, dialect, zone if system else UTC)
        case "binary":
            return _binary(field, value, dialect)
        case "uuid":
            return _uuid(value)
        case "json":
            return _native_json(value)
    return _text(field, value, dialect, relation)


def same_as_read(field: Field, stored: Any, sent: Any, *, dialect: str, system: bool = False) -> bool:
    """Whether `sent` equals what a read of the field gives (spec 03 §8.2, round trip). `stored`: the driver's value.

    Then the column stays as it is and the value is not validated: NULL arrays and booleans, broken JSON, zero dates
    and old hashes survive a client that sends back what it got.
    """
    convert, null = encoder("row", field, dialect, system=system)
    shown = null if stored is None else stored if convert is None else convert(stored)
    return structured.same_json(shown, sent)


def too_long(field: Field, value: Any, length: object) -> Refused:
    """The refusal of a value beyond its column's length, in v8's words."""
    text = structured.scalar_text(value) if not isinstance(value, (list, dict)) else structured.json_text(value) or ""
    shown = text if len(text) <= SHOWN else text[:SHOWN] + "…"
    title = field.name.replace("_", " ").title()
    return Refused(
        f"The value submitted ({shown}) for '{title}' is longer than the field's supported length ({length}). "
        "Please submit a shorter value or ask an Admin to increase the length.",
        "unprocessable",
    )


def _out_of_range(field: Field, value: int | Decimal, low: object, high: object) -> Refused:
    title = field.name.replace("_", " ").title()
    shown = numbers.text_of(value)[:SHOWN]
    return Refused(f"The value submitted ({shown}) for '{title}' is not between {low} and {high}.", "unprocessable")


# --- numbers and truth -------------------------------------------------------------------------------------------


def _integer(field: Field, value: Any, dialect: str, relation: bool) -> int:
    column = column_of(field)
    if field.type == "boolean":
        return int(_boolean(value))
    found = numbers.integer(value)
    if found is None:
        raise Refused(NUMERIC)
    undeclared = column.family == "integer" and numbers.is_wide(column, dialect)
    if not relation and column.family != "bit" and not undeclared:
        # v8 counts characters, the sign among them, against the numeric precision that it reports as length.
        allowed = int(column.length) if column.length and column.length.isdecimal() else column.precision
        if allowed and len(str(found)) > allowed:
            raise too_long(field, found, column.length or allowed)
    low, high = numbers.integer_range(column, dialect)
    if not low <= found <= high:
        raise _out_of_range(field, found, low, high)
    return found


def _fraction(field: Field, value: Any, kind: Kind, dialect: str, relation: bool) -> Decimal | float | int:
    column = column_of(field)
    if field.type == "boolean":
        return int(_boolean(value))
    found = numbers.number(value)
    if found is None:
        raise Refused(NUMERIC)
    declared = numbers.precision_and_scale(column)
    if declared and not relation:
        whole, fraction = numbers.digits(found)
        if whole > declared[0] - declared[1] or fraction > declared[1]:
            raise too_long(field, found, column.length or f"{declared[0]},{declared[1]}")
    if kind == "decimal":
        if dialect == "sqlite" and sum(numbers.digits(found)) > numbers.EXACT_DIGITS:
            # SQLite would round it to a double without a word.
            raise too_long(field, found, numbers.EXACT_DIGITS)
        return Decimal(found)
    try:
        near = float(found)
    except OverflowError:
        near = float("inf")
    most = SINGLE_MAX if column.datatype == "FLOAT" and dialect != "sqlite" else 1.7976931348623157e308
    if not isfinite(near) or abs(near) > most:
        raise _out_of_range(field, found, -most, most)
    return near


def _boolean(value: Any) -> bool:
    if isinstance(value, str) and (truth := TRUTH.get(value.strip(numbers.BLANKS).lower())) is not None:
        return truth
    found = numbers.number(value)
    if found is None:
        raise Refused(NUMERIC)
    if found not in (0, 1):
        raise Refused(BOOL)
    return bool(found)


# --- dates -------------------------------------------------------------------------------------------------------


def _date(field: Field, value: Any, kind: Kind, dialect: str, zone: tzinfo) -> date | time | datetime | None:
    """Empty text is NULL; values that the server filled in (date, aware datetime) are taken as they are."""
    if value == "":
        return None
    places = dates.fraction_digits(column_of(field), dialect)
    if kind == "time":
        found = value if isinstance(value, time) else dates.clock(value) if isinstance(value, str) else None
        if found is None:
            raise Refused(TIME)
        return found.replace(microsecond=dates.cut(found.microsecond, places), tzinfo=None)
    message = DATE if field.type == "date" or kind == "date" else DATETIME
    at = _moment(field, value, kind, zone)
    if at is None:
        raise Refused(message)
    return at.date() if kind == "date" else at.replace(microsecond=dates.cut(at.microsecond, places))


def _moment(field: Field, value: Any, kind: Kind, zone: tzinfo) -> datetime | None:
    if isinstance(value, datetime):
        return dates.naive_utc(value)
    if isinstance(value, date):
        return datetime(value.year, value.month, value.day)  # noqa: DTZ001
    found = dates.moment(value) if isinstance(value, str) else None
    if found is None:
        return None
    if field.type == "date" or (kind == "date" and field.type not in DATETIME_TYPES):
        return found.at if found.dated_only else None
    if field.type in DATETIME_TYPES and not (found.listed or (kind == "date" and found.dated_only)):
        return None
    try:
        return found.at if found.placed or found.dated_only else dates.from_zone(found.at, zone)
    except OverflowError:
        return None


# --- text, bytes, structures -------------------------------------------------------------------------------------


def _text(field: Field, value: Any, dialect: str, relation: bool) -> str:
    if field.type == "boolean":
        return str(int(_boolean(value)))
    text = _plain(value)
    column = column_of(field)
    if not relation:
        _fits(field, column, text, text, dialect)
    return text


def _plain(value: Any) -> str:
    if isinstance(value, (datetime, date, time)):
        return dates.datetime_text(dates.naive_utc(value)) if isinstance(value, datetime) else value.isoformat()
    if isinstance(value, bytes):
        raise Refused(INVALID)
    text = structured.scalar_text(value)
    if not structured.storable(text):
        raise Refused(INVALID)
    return text


def _fits(field: Field, column: Column, text: str, measured: str, dialect: str) -> None:
    """Characters of `measured` (JSON text for lists) against the column; bytes of `text` for MySQL's *TEXT."""
    most = BYTE_LIMITS.get(column.datatype)
    if most is not None:
        if dialect == "mysql" and len(text) * 4 > most and len(text.encode()) > most:
            raise too_long(field, measured, most)
    elif column.characters is not None and len(measured) > column.characters:
        raise too_long(field, measured, column.length or column.characters)


def _plaintext(value: Any) -> str | None:
    """What is to be hashed; the empty text is NULL (spec 03 §8.6). A PHP server would cut it at U+0000."""
    text = _plain(value)
    if len(text.encode()) > MAX_HASHED:
        raise Refused(INVALID)
    return text or None


def _json(field: Field, value: Any, dialect: str) -> Any:
    if not isinstance(value, (list, tuple, dict)):
        raise Refused(JSON)
    text = structured.json_text(value)
    column = column_of(field)
    if text is None or (column.family == "json" and structured.has_nul(text)):
        raise Refused(INVALID)
    _fits(field, column, text, text, dialect)
    return text.encode() if column.family == "binary" else text


def _array(field: Field, value: Any, dialect: str) -> Any:
    if not isinstance(value, (list, tuple)):
        raise Refused(ARRAY)
    column = column_of(field)
    text, csv = structured.json_text(value), structured.csv_text(list(value))
    if text is None or csv is None or not structured.storable(csv):
        raise Refused(INVALID)
    if column.family == "json":
        return text
    _fits(field, column, csv, text, dialect)
    return csv.encode() if column.family == "binary" else csv


def _native_json(value: Any) -> str:
    """Text for a JSON column whose field is of another type: it must be JSON."""
    text = _plain(value)
    try:
        orjson.loads(text)
    except orjson.JSONDecodeError:
        raise Refused(INVALID) from None
    if structured.has_nul(text):
        raise Refused(INVALID)
    return text


def _binary(field: Field, value: Any, dialect: str) -> bytes:
    found = value if isinstance(value, bytes) else None
    if isinstance(value, str):
        found = structured.base64_bytes(value)
    if found is None:
        raise Refused(INVALID)
    column = column_of(field)
    most = int(column.length) if column.length and column.length.isdecimal() else None
    if most is None and dialect == "mysql":
        most = BYTE_LIMITS.get(column.datatype)
    if most is not None and len(found) > most:
        raise too_long(field, structured.base64_text(found), most)
    return found


def _uuid(value: Any) -> str:
    try:
        return str(value if isinstance(value, UUID) else UUID(str(value)))
    except ValueError:
        raise Refused(INVALID) from None
