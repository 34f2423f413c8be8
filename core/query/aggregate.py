"""In charge of aggregates as data: what was asked, whether it may be, and how rows become groups. Pure; no SQL."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from core.catalog.model import Collection, Field, Snapshot
from core.errors import FieldAccessDenied, InvalidField, UnknownOperator, Unprocessable
from core.query.filters import ALIASES
from core.query.selection import Condition
from core.query.window import split
from core.types.encode import encoder

FUNCTIONS = ("count", "sum", "avg", "min", "max")
NUMERIC = ("integer", "bigint", "decimal", "float")
ORDERED = (*NUMERIC, "text", "date", "time", "datetime", "datetimetz")
COMPARISONS = {"eq": "__eq__", "neq": "__ne__", "lt": "__lt__", "lte": "__le__", "gt": "__gt__", "gte": "__ge__"}
MAX_FUNCTIONS = 50
MAX_HAVING = 100
WHOLE = 1e15
"""From here on a whole floating-point number is no longer written as one."""


@dataclass(frozen=True, slots=True)
class Measure:
    """One function under a response key: count (`field` None counts rows), sum, avg, min, max."""

    key: str
    function: str
    field: str | None = None
    distinct: bool = False


@dataclass(frozen=True, slots=True)
class AggregateRequest:
    """Groups of a collection. `groups`: (response key) of the group object, or None when it was not asked for.

    `sort`: names of grouped fields or keys of measures, `-` descending. `having`: conditions on keys of measures.
    """

    collection: str
    measures: tuple[Measure, ...] = ()
    group_by: tuple[str, ...] = ()
    group_keys: tuple[str, ...] = ()
    where: tuple[Condition, ...] = ()
    filter: tuple[Any, ...] = ()
    q: str | None = None
    sort: tuple[str, ...] = ()
    limit: int | None = None
    having: tuple[Condition, ...] = ()


def check(collection: Collection, request: AggregateRequest, hidden: frozenset[str]) -> None:
    """Names and rights of groups, measures, sort and having. `hidden`: fields that may not be named.

    Raises InvalidField (422/202), FieldAccessDenied (403/215), UnknownOperator (422/214), Unprocessable (422/12).
    """
    if len(request.measures) > MAX_FUNCTIONS:
        raise Unprocessable(f"An aggregate may have {MAX_FUNCTIONS} functions at most.")
    if len(request.having) > MAX_HAVING:
        raise Unprocessable(f"An aggregate may have {MAX_HAVING} conditions of `having` at most.")
    for name in (*request.group_by, *(item.field for item in request.measures if item.field is not None)):
        if name not in collection.fields or collection.fields[name].is_alias:
            raise InvalidField(name, collection.name)
    deny_hidden((*request.group_by, *(item.field for item in request.measures if item.field)), hidden)
    for item in request.measures:
        _check_measure(collection, item)
    keys = {item.key: item for item in request.measures}
    for token in split(request.sort):
        name = token.removeprefix("-")
        if name not in keys and name not in request.group_by:
            raise InvalidField(token, collection.name)
    for condition in request.having:
        if condition.field not in keys:
            raise InvalidField(condition.field, collection.name)
        _check_having(collection, keys[condition.field], condition)


def deny_hidden(names: Iterable[str], hidden: frozenset[str]) -> None:
    """Raises FieldAccessDenied at a name among `hidden`."""
    for name in names:
        if name in hidden:
            raise FieldAccessDenied(name)


def _check_measure(collection: Collection, item: Measure) -> None:
    if item.field is None:
        return
    column = collection.fields[item.field].column
    family = column.family if column is not None else ""
    allowed = NUMERIC if item.function in ("sum", "avg") else ORDERED
    if item.function != "count" and family not in allowed:
        raise Unprocessable(f'The function "{item.function}" does not work on "{item.field}".')


def _check_having(collection: Collection, item: Measure, condition: Condition) -> None:
    if ALIASES.get(condition.op, condition.op) not in COMPARISONS:
        raise UnknownOperator(condition.op)
    number(condition.value)
    column = collection.fields[item.field].column if item.field is not None else None
    if item.function in ("min", "max") and (column is None or column.family not in NUMERIC):
        raise Unprocessable("A condition of `having` works on numbers only.")


def number(value: Any) -> float:
    """The number that a measure is compared with. Raises Unprocessable for what is none, or is not finite."""
    try:
        found = float(value)
    except (TypeError, ValueError, OverflowError):
        found = math.nan
    if not math.isfinite(found):
        raise Unprocessable("A condition of `having` needs a number.")
    return found


def shape(
    snapshot: Snapshot, collection: Collection, request: AggregateRequest, rows: Sequence[Sequence[Any]]
) -> list[dict[str, Any]]:
    """Rows (grouped fields first, then measures) as items: keys of the group object and of each measure."""
    width = len(request.group_by)
    groups = [
        encoder("row", collection.fields[name], snapshot.dialect, system=collection.is_system)
        for name in request.group_by
    ]
    measures = [_decoder(snapshot, collection, item) for item in request.measures]
    found: list[dict[str, Any]] = []
    for row in rows:
        item: dict[str, Any] = {}
        if request.group_keys:
            group = {
                name: (null if row[index] is None else convert(row[index]) if convert else row[index])
                for index, (name, (convert, null)) in enumerate(zip(request.group_by, groups, strict=True))
            }
            item = dict.fromkeys(request.group_keys, group)
        rest = iter(row[width:])
        for measure, decode in zip(request.measures, measures, strict=True):
            value = next(rest)
            if measure.function == "avg":  # arrives as sum and count: databases round averages each in its own way
                count = next(rest)
                item[measure.key] = None if value is None or not count else _divide(decode(value), count)
            else:
                item[measure.key] = None if value is None else decode(value)
        found.append(item)
    return found


def _divide(total: int | float, count: Any) -> int | float:
    mean = total / int(count)
    return int(mean) if mean.is_integer() else mean


def _decoder(snapshot: Snapshot, collection: Collection, item: Measure) -> Any:
    if item.function == "count":
        return int
    field: Field = collection.fields[item.field or ""]
    if item.function in ("min", "max"):
        convert, _ = encoder("row", field, snapshot.dialect, system=collection.is_system)
        return convert or (lambda value: value)
    column = field.column
    scale = column.scale if column is not None and column.family == "decimal" else None
    return lambda value: _number(value, scale)


def _number(value: Any, scale: int | None) -> int | float:
    """Sums as JSON numbers; whole numbers without a fraction.

    SQLite adds decimals as floating point: the sum is rounded to the column's scale, as the others give it.
    """
    if isinstance(value, float) and scale is not None:
        value = round(value, scale)
    if isinstance(value, float):
        return int(value) if value.is_integer() and abs(value) < WHOLE else value
    exact = Decimal(value)
    return int(exact) if exact == exact.to_integral_value() else float(exact)
