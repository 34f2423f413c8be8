"""In charge of the last step of a value: from canonical to what the driver of a dialect wants. Pure; refuses nothing.

PostgreSQL's driver takes Python values of exactly the parameter's type; MySQL and SQLite keep dates as text and truth
as 0 and 1.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

from core.catalog.model import Column
from core.types import dates, numbers, structured

Bind = Callable[[Any], Any]


def binder(column: Column, dialect: str) -> Bind | None:
    """The function from a canonical value (None stays None) to the driver's, or None where they are the same."""
    if column.family in ("text", "other"):
        return _text
    if dialect == "postgres":
        if column.family == "bit":
            return _bit_text(numbers.bits(column))
        return POSTGRES.get(column.family)
    return (SQLITE if dialect == "sqlite" else MYSQL).get(column.family)


def _text(value: Any) -> Any:
    # A text column may hold dates by its field's type, and keys of another table's family.
    if value is None or type(value) is str:
        return value
    if isinstance(value, datetime):
        return dates.datetime_text(value)
    if isinstance(value, date):
        return dates.date_text(value)
    if isinstance(value, time):
        return dates.time_text(value)
    return structured.scalar_text(value)


def _datetime_text(value: datetime | None) -> str | None:
    return None if value is None else dates.datetime_text(value)


def _date_text(value: date | None) -> str | None:
    return None if value is None else dates.date_text(value)


def _time_text(value: time | None) -> str | None:
    return None if value is None else dates.time_text(value)


def _truth(value: Any) -> int | None:
    return None if value is None else int(value)


def _aware(value: datetime | None) -> datetime | None:
    return None if value is None else value.replace(tzinfo=UTC)


def _sqlite_number(value: Any) -> Any:
    # SQLite has no decimals: whole numbers that fit stay exact, the others become the nearest double.
    if not isinstance(value, Decimal):
        return value
    whole = int(value) if value == value.to_integral_value() else None
    return whole if whole is not None and whole in numbers.INT64 else float(value)


def _bit_text(size: int) -> Bind:
    def bit_text(value: Any) -> str | None:
        return None if value is None else format(int(value), f"0{size}b")

    return bit_text


POSTGRES: dict[str, Bind] = {"datetimetz": _aware}
MYSQL: dict[str, Bind] = {
    "boolean": _truth,
    "date": _date_text,
    "time": _time_text,
    "datetime": _datetime_text,
    "datetimetz": _datetime_text,
}
SQLITE: dict[str, Bind] = {**MYSQL, "decimal": _sqlite_number}
