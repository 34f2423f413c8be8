"""In charge of the REST form of stored values: driver value → JSON value, one closure per column (spec 03 §8.2). Pure.

It runs for every cell of every answer, so everything that can be decided by the column is decided once. A stored value
that is broken becomes null, never an error: one bad row must not spoil a list.
"""

from __future__ import annotations

import struct
from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, time
from decimal import Decimal
from math import isfinite
from typing import Any

import orjson

from core.catalog.model import Field
from core.types import dates, numbers, structured
from core.types.kinds import column_of

Encode = Callable[[Any], Any]

SAFE = 2**53
"""From here on a JSON number is no longer exact in JavaScript (spec 01 §3)."""
WHOLE = 1e15


def row(field: Field, dialect: str, system: bool) -> Encode | None:
    """The REST form, first by Directus type, then by column (spec 03 §8.2); None where the driver's value is it."""
    family = column_of(field).family
    match field.type:
        case "boolean":
            return boolean(field, dialect, system)
        case "json":
            return json_value
        case "array":
            return json_list if family == "json" else csv_list
        case "datetime_created" | "datetime_updated" if not system:
            return _iso(family, dialect)
        case "date" if family in ("datetime", "datetimetz"):
            return _native_date if dialect == "postgres" else _text_date
        case "date" | "time" | "datetime" | "datetime_created" | "datetime_updated" if family == "text":
            return _text_date if field.type == "date" else _text_time if field.type == "time" else _text_datetime
        case "integer" | "sort" | "decimal" if family == "text":
            return text_number
        case "integer" | "sort" if family == "boolean":
            return int
    return by_family(field, dialect)


def by_family(field: Field, dialect: str) -> Encode | None:
    """The form that follows from the column alone."""
    column = column_of(field)
    native = dialect == "postgres"
    match column.family:
        case "integer" | "bigint":
            return big if numbers.is_wide(column, dialect) else None
        case "decimal":
            return _decimal(field)
        case "float":
            return _single if native and column.datatype == "FLOAT" else _number
        case "boolean":
            return None if native else bool
        case "binary":
            return b64encode_text
        case "bit":
            return bits
        case "date":
            return _native_date if native else _text_date
        case "time":
            return _native_time if native else _text_time
        case "datetime":
            return _native_datetime if native else _text_datetime
        case "datetimetz":
            return _aware if native else _text_datetime
        case "uuid":
            return str
        case "other":
            return other
    return None  # text, json: as the driver gives them


# --- numbers -----------------------------------------------------------------------------------------------------


def big(value: Any) -> Any:
    """A 64 bit integer: a number while JavaScript can hold it, else decimal text (spec 01 §3)."""
    return value if type(value) is not int or -SAFE < value < SAFE else str(value)


def _number(value: Any) -> Any:
    # Whole numbers without a fraction, as PHP prints them: 4, not 4.0.
    try:
        near = value if type(value) is float else float(value)
    except ValueError:
        return None
    if near.is_integer():
        return int(near) if -WHOLE < near < WHOLE else near
    return near if isfinite(near) else None


def _single(value: Any) -> Any:
    """PostgreSQL's real comes as a double: 0.1 would be shown as 0.10000000149011612."""
    for digits in range(6, 9):
        near = float(f"{value:.{digits}g}")
        if near == value or struct.unpack("f", struct.pack("f", near))[0] == value:
            return _number(near)
    return _number(value)


def exact(value: Any) -> str | None:
    """Decimal text, never in exponent form."""
    if isinstance(value, float):
        value = Decimal(repr(value))
    if isinstance(value, Decimal):
        return format(value, "f") if value.is_finite() else None
    return str(value)


def _decimal(field: Field) -> Encode:
    declared = numbers.precision_and_scale(column_of(field))
    if declared is None:
        return _number_or_exact
    return _number if declared[0] <= numbers.EXACT_DIGITS else exact


def _number_or_exact(value: Any) -> Any:
    """A decimal column without limits: a number as long as a double keeps it, as with big integers."""
    # Counting digits is slow: only for values whose text is long enough to have too many.
    long = isinstance(value, Decimal) and len(str(value)) > numbers.EXACT_DIGITS and value.is_finite()
    return exact(value) if long and sum(numbers.digits(value)) > numbers.EXACT_DIGITS else _number(value)


def text_number(value: Any) -> Any:
    """A number kept as text: the number, null when it is none."""
    found = numbers.number(value)
    return _number_or_exact(found) if isinstance(found, Decimal) else found if found is None else big(found)


def bits(value: Any) -> int | None:
    """A bit column: bytes (MySQL), text of 0 and 1 or the driver's bit string (PostgreSQL), a number (SQLite)."""
    if isinstance(value, bytes):
        return int.from_bytes(value, "big")
    if isinstance(value, int):
        return int(value)
    text = value if isinstance(value, str) else value.as_string()
    try:
        return int(text.replace(" ", "") or "0", 2)  # the driver writes its bits in groups of four
    except ValueError:
        return None


# --- truth -------------------------------------------------------------------------------------------------------


def boolean(field: Field, dialect: str, system: bool) -> Encode | None:
    """true or false, whatever the column holds (0 and 1 in MySQL and SQLite)."""
    family = column_of(field).family
    if family == "boolean" and dialect == "postgres":
        return None
    if family == "bit":
        return lambda value: bool(bits(value))
    return bool if family in ("boolean", "integer", "bigint", "decimal", "float") else _truth


def _truth(value: Any) -> bool:
    return value not in ("", "0", "false", "FALSE", "False", "f", b"", 0)


# --- dates -------------------------------------------------------------------------------------------------------


_native_date = date.isoformat


def _native_datetime(value: datetime) -> str:
    text = value.isoformat(" ")
    return text if len(text) == 19 else dates.trimmed(text)


def _aware(value: datetime) -> str:
    return dates.trimmed(value.isoformat(" ")[:-6])  # the driver gives UTC: cut +00:00


def _native_dates(values: Sequence[date | None]) -> list[str | None]:
    found: list[str | None] = orjson.loads(orjson.dumps(values))
    return found


def _native_datetimes(values: Sequence[datetime | None]) -> list[str | None]:
    found = orjson.loads(orjson.dumps(values).replace(b"T", b" "))
    return [text if text is None or len(text) == 19 else dates.trimmed(text) for text in found]


def _awares(values: Sequence[datetime | None]) -> list[str | None]:
    found = orjson.loads(orjson.dumps(values).replace(b"T", b" "))
    return [None if text is None else dates.trimmed(text[:-6]) for text in found]


COLUMNS: Mapping[Encode, Callable[[Sequence[Any]], list[Any]]] = {
    _native_date: _native_dates,
    _native_datetime: _native_datetimes,
    _aware: _awares,
}
"""What shows all values of a column at once: to print dates one by one costs more than all else of a long list."""


def _native_time(value: time) -> str:
    return dates.trimmed(value.isoformat())


def _text_datetime(value: Any) -> str | None:
    """Stored text (MySQL, SQLite). Zero dates and the empty text are null; a fraction is shown unless it is zero."""
    if type(value) is not str:
        return str(value)
    if "-00" in value[:10] or not value:
        return None
    return value if len(value) == 19 else dates.trimmed(value)


def _text_date(value: Any) -> str | None:
    text = str(value)[:10]
    return None if "-00" in text or not text else text


def _text_time(value: Any) -> str | None:
    return dates.trimmed(str(value)) or None


def _iso(family: str, dialect: str) -> Encode:
    """ISO 8601 in UTC, the form of datetime_created and datetime_updated in user collections (spec 03 §8.3)."""
    if dialect == "postgres" and family in ("datetime", "datetimetz"):
        return _iso_native
    return _iso_text


def _iso_native(value: datetime) -> str:
    text = value.isoformat()[:26].removesuffix("+00:00")
    return (text if len(text) == 19 else dates.trimmed(text)) + "+00:00"


def _iso_text(value: Any) -> str | None:
    text = str(value)
    if len(text) == 19 and text[10] == " " and "-00" not in text:
        return f"{text[:10]}T{text[11:]}+00:00"
    found = dates.moment(text)
    return _iso_native(found.at) if found else None


# --- structures, bytes, the rest ---------------------------------------------------------------------------------


def json_value(value: Any) -> Any:
    """Decoded JSON text; empty or invalid text is null."""
    try:
        return orjson.loads(value)
    except orjson.JSONDecodeError:
        # SQLite turns the JSON text `5` into a number of its own in a column declared JSON.
        return value if isinstance(value, (int, float)) else None


def csv_list(value: Any) -> list[str]:
    """The texts between the commas, empty ones too; "" is the empty list (spec 03 §8.2)."""
    if not isinstance(value, str):
        value = value.decode(errors="replace") if isinstance(value, bytes) else str(value)
    return value.split(",") if value else []


def json_list(value: Any) -> list[str]:
    """A list kept in a native JSON column, as texts."""
    found = json_value(value)
    if not isinstance(found, list):
        return []
    return [_element(item) for item in found]


def _element(item: Any) -> str:
    return structured.json_text(item) or "" if isinstance(item, (list, dict)) else structured.scalar_text(item)


def b64encode_text(value: Any) -> str:
    """Bytes as base64 text (text in a BLOB of SQLite: its UTF-8 bytes)."""
    return b64encode(value.encode() if isinstance(value, str) else value).decode("ascii")


def other(value: Any) -> str:
    """The database's own text form."""
    return value if type(value) is str else value.decode(errors="replace") if isinstance(value, bytes) else str(value)
