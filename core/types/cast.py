"""In charge of turning what a client compares with (filters, keys) into canonical values. Validates no writes.

Canonical values: int, Decimal, float, bool, str, bytes, date, time, naive datetime (UTC where the column has a zone);
uuid and JSON columns as text (spec 03 §5.2 "Value rules", §8).
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, time, tzinfo
from decimal import Decimal
from math import floor, isfinite
from typing import Any
from uuid import UUID

from core.catalog.model import Field
from core.types import dates, numbers, structured
from core.types.kinds import DATE_TYPES, Kind, kind_of

TRUTH = {"1": True, "true": True, "0": False, "false": False}


class Uncastable(ValueError):
    """A value that no value of the column can equal."""


def cast(field: Field, value: Any, *, system: bool = False) -> Any:
    """The canonical value to compare the field's column with. `value` is not None.

    Raises Uncastable when the value is none of the column's: it equals nothing. `system`: the field belongs to a
    system collection (nothing in filters depends on it today; it is part of every signature of this room).
    """
    if field.column is None:
        raise Uncastable("an alias has no value")
    kind = kind_of(field)
    if isinstance(value, (list, tuple, dict)):
        value = _stored_text(field, kind, value)
    found = CASTS[kind](value)
    if found is None:
        raise Uncastable(kind)
    if kind == "text" and field.type == "boolean":
        return _truth_text(found)
    return found


def key(field: Field, text: Any) -> Any:
    """A key as it stands in a path (spec 03 §1): on numbers "02", "2.0" and " 2" are 2, "1abc" is none; text is text.

    Raises Uncastable when no item can have that key.
    """
    if text is None or isinstance(text, (bool, list, tuple, dict)):
        raise Uncastable("no key")
    return cast(field, text)


def ordered(field: Field, op: str, value: Any, *, system: bool = False) -> tuple[str, Any]:
    """The comparison lt, lte, gt or gte that gives the same answer with a canonical value.

    Integers are between fractions and within 64 bits: `lt 2.5` is `lte 2`, `lt 1e30` is `lte` of the greatest one.
    Raises Uncastable as `cast`.
    """
    number = None
    if field.column is not None and kind_of(field) == "integer" and not isinstance(value, (list, tuple, dict)):
        number = numbers.number(value)
    if number is None:
        return op, cast(field, value, system=system)
    below, less = floor(number), op in ("lt", "lte")
    if below > numbers.INT64[-1]:
        return ("lte" if less else "gt"), numbers.INT64[-1]
    if below < numbers.INT64[0]:
        return ("lt" if less else "gte"), numbers.INT64[0]
    if below == number:
        return op, below
    return ("lte", below) if less else ("gt", below)


def is_now(field: Field, value: Any) -> bool:
    """Whether a filter value is the word `now` on a field of a date type."""
    return isinstance(value, str) and field.type in DATE_TYPES and value.lower() == "now"


def now_value(field: Field, now: datetime, system: bool, zone: tzinfo = UTC) -> Any:
    """The canonical value of the word `now`. `now`: aware. `zone`: the server's time zone (app.timezone).

    Dates and date-times of user collections are in the server's zone; what is stored in UTC is compared in UTC.
    """
    stored_utc = system or field.type in ("datetime_created", "datetime_updated")
    if field.column is not None and field.column.family == "datetimetz":
        stored_utc = True
    there = now.astimezone(UTC if stored_utc else zone).replace(microsecond=0, tzinfo=None)
    kind: Kind | None = kind_of(field) if field.column is not None else None
    if kind == "time":
        return there.time()
    # A date kept in a date-time column is compared as midnight, as if the client had written the date.
    if field.type == "date":
        return there.date() if kind == "date" else there.replace(hour=0, minute=0, second=0)
    return there.date() if kind == "date" else there


def _stored_text(field: Field, kind: Kind, value: Any) -> str:
    """Lists and objects compare as they are stored."""
    text: str | None = None
    if field.type == "array" and kind == "text" and isinstance(value, (list, tuple)):
        text = structured.csv_text(list(value))
    elif field.type in ("json", "array") and kind in ("text", "json"):
        text = structured.json_text(value)
    if text is None:
        raise Uncastable("a list is no value of one column")
    return text


def _integer(value: Any) -> int | None:
    found = numbers.integer(value)
    if found is None and isinstance(value, str):
        truth = TRUTH.get(value.strip(numbers.BLANKS).lower())
        found = None if truth is None else int(truth)
    return found if found is not None and found in numbers.INT64 else None


def _decimal(value: Any) -> Decimal | None:
    found = numbers.number(value)
    return None if found is None else Decimal(found)


def _float(value: Any) -> float | None:
    found = numbers.number(value)
    if found is None:
        return None
    try:
        near = float(found)
    except OverflowError:
        return None
    return near if isfinite(near) else None


def _boolean(value: Any) -> bool | None:
    if isinstance(value, str):
        truth = TRUTH.get(value.strip(numbers.BLANKS).lower())
        if truth is not None:
            return truth
    found = numbers.integer(value)
    return bool(found) if found in (0, 1) else None


def _truth_text(text: str) -> str:
    truth = TRUTH.get(text.lower())
    return text if truth is None else str(int(truth))


def _text(value: Any) -> str | None:
    if isinstance(value, datetime):
        return dates.datetime_text(dates.naive_utc(value))
    if isinstance(value, (date, time)):
        return value.isoformat()
    if isinstance(value, bytes):
        return None
    text = structured.scalar_text(value)
    return text if structured.storable(text) else None


def _binary(value: Any) -> bytes | None:
    if isinstance(value, bytes):
        return value
    return structured.base64_bytes(value) if isinstance(value, str) else None


def _datetime(value: Any) -> datetime | None:
    if isinstance(value, datetime):
        return dates.naive_utc(value)
    if isinstance(value, date):
        return datetime(value.year, value.month, value.day)  # noqa: DTZ001
    found = dates.moment(value.strip()) if isinstance(value, str) else None
    return found.at if found else None


def _date(value: Any) -> date | None:
    found = _datetime(value)
    return found.date() if found else None


def _time(value: Any) -> time | None:
    if isinstance(value, time):
        return value.replace(tzinfo=None)
    if isinstance(value, datetime):
        return dates.naive_utc(value).time()
    return dates.clock(value.strip()) if isinstance(value, str) else None


def _uuid(value: Any) -> str | None:
    try:
        return str(value if isinstance(value, UUID) else UUID(str(value).strip()))
    except ValueError:
        return None


CASTS: dict[Kind, Callable[[Any], Any]] = {
    "integer": _integer,
    "decimal": _decimal,
    "float": _float,
    "boolean": _boolean,
    "text": _text,
    "json": _text,
    "binary": _binary,
    "date": _date,
    "time": _time,
    "datetime": _datetime,
    "uuid": _uuid,
}
