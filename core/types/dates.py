"""In charge of dates and times in text: the forms that are read, and the one that is written (spec 03 §8.3). Pure."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import NamedTuple

from core.catalog.model import Column

_CLOCK = r"(?P<hour>\d\d):(?P<minute>\d\d):(?P<second>\d\d)(?:\.(?P<fraction>\d{1,9}))?"
_OFFSET = r"(?P<offset>Z|[+-]\d\d:?\d\d)"
EXTENDED = re.compile(
    rf"(?P<year>\d{{4}})-(?P<month>\d\d)-(?P<day>\d\d)(?:(?P<mark>[ T]){_CLOCK}{_OFFSET}?)?", re.ASCII
)
BASIC = re.compile(
    r"(?P<year>\d{4})(?P<month>\d\d)(?P<day>\d\d)(?P<mark>T)(?P<hour>\d\d)(?P<minute>\d\d)(?P<second>\d\d)"
    rf"(?:\.(?P<fraction>\d{{1,9}}))?{_OFFSET}",
    re.ASCII,
)
CLOCK = re.compile(_CLOCK, re.ASCII)
DECLARED_PRECISION = re.compile(r"\(\s*(\d)\s*\)")


class Moment(NamedTuple):
    """A point in time as it was written: `at` is naive, UTC when `placed` (the text named an offset)."""

    at: datetime
    placed: bool
    dated_only: bool
    """Only a date was given; `at` is its midnight."""
    listed: bool
    """Written in one of the forms that spec 03 §8.3 lists for writes."""


def moment(text: str) -> Moment | None:
    """A date, a date-time or an ISO 8601 form; None when it is none or no real date."""
    found = EXTENDED.fullmatch(text) or BASIC.fullmatch(text)
    if found is None:
        return None
    part = found.groupdict()
    try:
        day = date(int(part["year"]), int(part["month"]), int(part["day"]))
        if part["mark"] is None:
            return Moment(datetime(day.year, day.month, day.day), False, True, False)  # noqa: DTZ001
        at = datetime.combine(day, _clock(part))
        offset = part["offset"]
        if offset:
            at -= _offset(offset)
    except (ValueError, OverflowError):
        return None
    # A blank goes with stored text, so an offset after one is read in filters only. What has a T and no offset is taken
    # as plain text: HTML inputs and most languages' serialisers write dates so.
    return Moment(at, bool(offset), False, part["mark"] == "T" or not offset)


def clock(text: str) -> time | None:
    """A time of day `HH:MM:SS`, with or without a fraction; None when it is none."""
    found = CLOCK.fullmatch(text)
    if found is None:
        return None
    try:
        return _clock(found.groupdict())
    except ValueError:
        return None


def _clock(part: dict[str, str | None]) -> time:
    fraction = (part["fraction"] or "")[:6].ljust(6, "0")
    return time(int(part["hour"] or 0), int(part["minute"] or 0), int(part["second"] or 0), int(fraction))


def _offset(text: str) -> timedelta:
    if text == "Z":
        return timedelta()
    hours, minutes = int(text[1:3]), int(text[-2:])
    if hours > 23 or minutes > 59:
        raise ValueError(text)
    return timedelta(hours=hours, minutes=minutes) * (-1 if text[0] == "-" else 1)


def naive_utc(value: datetime) -> datetime:
    """An aware date-time as naive UTC; a naive one as it is."""
    return value if value.tzinfo is None else value.astimezone(UTC).replace(tzinfo=None)


def from_zone(value: datetime, zone: tzinfo) -> datetime:
    """A naive date-time that was meant in a zone, as naive UTC. Raises OverflowError at the ends of the calendar."""
    return naive_utc(value.replace(tzinfo=zone))


def trimmed(text: str) -> str:
    """A text of a time without the zeros at the end of its fraction."""
    return text.rstrip("0").rstrip(".") if "." in text else text


def date_text(value: date) -> str:
    """`YYYY-MM-DD`; of a date-time, its date."""
    return date.isoformat(value)


def datetime_text(value: datetime) -> str:
    """`YYYY-MM-DD HH:MM:SS`, with a fraction unless it is zero; the zone is left out."""
    text = value.replace(tzinfo=None).isoformat(" ")
    return text if value.microsecond == 0 else text.rstrip("0")


def time_text(value: time) -> str:
    """`HH:MM:SS`, with a fraction unless it is zero."""
    text = value.replace(tzinfo=None).isoformat()
    return text if value.microsecond == 0 else text.rstrip("0")


def fraction_digits(column: Column, dialect: str) -> int:
    """How many digits of a second the column keeps; 0 for columns made here."""
    declared = DECLARED_PRECISION.search(column.native) or DECLARED_PRECISION.search(column.length or "")
    if declared:
        return min(int(declared[1]), 6)
    if column.precision is not None and column.precision <= 6:
        return column.precision
    return 6 if dialect == "postgres" and column.family != "text" else 0


def cut(microsecond: int, digits: int) -> int:
    """Microseconds cut, not rounded, to a number of digits: rounding would move 23:59:59.9 into the next day."""
    step = int(10 ** (6 - digits))
    return microsecond - microsecond % step
