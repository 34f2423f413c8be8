"""In charge of the words of rules that stand for the caller and the time: `$CURRENT_USER`, `$CURRENT_ROLE`, `$NOW`.

A variable in a condition becomes a `Bound`, which the statement gets with each request; in a preset it becomes a value.
Filters of clients hold none: there the same words are plain text. Pure.
"""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from core.catalog.model import Field
from core.query.predicate import Bound
from core.types import dates
from core.types.cast import Uncastable
from core.types.kinds import DATE_TYPES, kind_of

USER, ROLE, NOW = "user", "role", "now"
WORDS = {"$CURRENT_USER": USER, "$CURRENT_ROLE": ROLE, "$NOW": NOW}
_SHIFTED = re.compile(r"\$NOW\(\s*([+-]?\d{1,6})\s+(second|minute|hour|day|week|month|year)s?\s*\)", re.ASCII)
_LIKE_ONE = re.compile(r"\$[A-Z][A-Z_]*(\(.*\))?", re.ASCII | re.DOTALL)
_SECONDS = {"second": 1, "minute": 60, "hour": 3600, "day": 86_400, "week": 604_800}
_MONTHS = {"month": 1, "year": 12}
_NUMBERS = ("integer", "bigint", "decimal", "float")
_FORMS = ("date", "time", "datetime", "midnight")


@dataclass(frozen=True, slots=True)
class Variable:
    """`name`: user, role or now; `months` and `seconds`: how far from now, in whole units of the calendar."""

    name: str
    months: int = 0
    seconds: int = 0


PRESENT = Variable(NOW)


class UnknownVariable(ValueError):
    """A word that looks like a variable and is none: somebody has misspelled one."""


def variable(value: Any) -> Variable | None:
    """The variable that a value of a rule names: `$NOW(-1 day)`, `$CURRENT_USER`; None: it is a value.

    Raises UnknownVariable.
    """
    if not isinstance(value, str) or not value.startswith("$"):
        return None
    if value in WORDS:
        return Variable(WORDS[value])
    found = _SHIFTED.fullmatch(value)
    if found is None:
        if _LIKE_ONE.fullmatch(value):
            raise UnknownVariable(value)
        return None
    count, unit = int(found[1]), found[2]
    return Variable(NOW, count * _MONTHS.get(unit, 0), count * _SECONDS.get(unit, 0))


def bound(part: Variable, field: Field) -> Bound:
    """The variable as a value to compare a field with. Raises Uncastable: no value of the field is of its kind."""
    if part.name != NOW:
        column = field.column
        if column is None or (column.family not in _NUMBERS and column.family != "text"):
            raise Uncastable(part.name)
        return Bound(part.name)
    return Bound(_key(part, _form(field)))


def written(part: Variable, field: Field, user: int, role: int | None, now: datetime) -> Any:
    """The variable as a value that a client would send for a field. Raises Uncastable as `bound`."""
    bound(part, field)
    if part.name != NOW:
        found = user if part.name == USER else role
        return str(found) if kind_of(field) == "text" and found is not None else found
    value = _value(_shifted(part, now), _form(field))
    if isinstance(value, datetime):
        return dates.datetime_text(value)
    return dates.date_text(value) if isinstance(value, date) else dates.time_text(value)


def moments(parts: Iterable[Variable], now: datetime) -> dict[str, Any]:
    """The values of all `Bound`s that variables of time may have become."""
    return {_key(part, form): _value(_shifted(part, now), form) for part in parts for form in _FORMS}


def is_time(name: str) -> bool:
    """Whether a `Bound` of that name is the time."""
    return name.startswith(f"{NOW}:")


def inside(value: Any) -> Iterator[Variable]:
    """The variables of time in a value of a rule; the word `now` is one of them."""
    if isinstance(value, str):
        for text in value.split(","):
            with suppress(UnknownVariable):
                found = PRESENT if text.lower() == NOW else variable(text)
                if found is not None and found.name == NOW:
                    yield found
    elif isinstance(value, Mapping | list | tuple):
        for one in value.values() if isinstance(value, Mapping) else value:
            yield from inside(one)


def _key(part: Variable, form: str) -> str:
    return f"{NOW}:{form}:{part.months}:{part.seconds}"


def _form(field: Field) -> str:
    kind = kind_of(field) if field.column is not None else None
    if field.type not in DATE_TYPES and kind not in ("date", "time", "datetime"):
        raise Uncastable(NOW)
    if kind == "time":
        return "time"
    if kind == "date":
        return "date"
    if kind != "datetime":
        raise Uncastable(NOW)
    return "midnight" if field.type == "date" else "datetime"


def _value(there: datetime, form: str) -> date | time | datetime:
    if form == "date":
        return there.date()
    if form == "time":
        return there.time()
    return there.replace(hour=0, minute=0, second=0) if form == "midnight" else there


def _shifted(part: Variable, now: datetime) -> datetime:
    """The moment that is meant, naive UTC in whole seconds; at the ends of the calendar, its end."""
    there = now.astimezone(UTC).replace(microsecond=0, tzinfo=None)
    try:
        if part.months:
            year, month = divmod(there.year * 12 + there.month - 1 + part.months, 12)
            there = there.replace(year=year, month=month + 1, day=min(there.day, monthrange(year, month + 1)[1]))
        return there + timedelta(seconds=part.seconds)
    except (ValueError, OverflowError):
        last = part.months > 0 or part.seconds > 0
        return datetime(9999, 12, 31, 23, 59, 59) if last else datetime(1, 1, 1)  # noqa: DTZ001
