"""In charge of saying what an aggregate may tell a caller, by Python over the rows that `naive` lets him see."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from core.query.aggregate import AggregateRequest, Measure
from core.query.selection import Condition
from tests.security.naive import Denied, FieldDenied, Naive, encoded
from tests.security.rights import KIND, Record

COMPARE = {
    "eq": lambda one, other: one == other,
    "neq": lambda one, other: one != other,
    ">": lambda one, other: one > other,
    "lte": lambda one, other: one <= other,
}


def totals(naive: Naive, request: AggregateRequest) -> list[Record]:
    """The groups in order. Raises Denied, FieldDenied."""
    name, rights = request.collection, naive.rights
    if not rights.may_read(name):
        raise Denied
    named = {*request.group_by, *(measure.field for measure in request.measures if measure.field)}
    if named & rights.doubtful(name):
        raise FieldDenied
    tree = naive.tree(request.where, request.filter)
    naive.check(name, tree)
    rows = [
        row
        for row in naive.rows[name]
        if rights.sees(name, row)
        and naive.in_status(name, row, None)
        and naive.matches(name, row, tree)
        and (not request.q or naive.search(name, row, request.q, deep=True, otherwise=True))
    ]
    groups: dict[tuple[Any, ...], list[Record]] = {}
    for row in rows:
        groups.setdefault(tuple(naive.fold(row[field]) for field in request.group_by), []).append(row)
    if not request.group_by:
        groups.setdefault((), rows)
    found = [one(naive, request, members) for members in groups.values()]
    found = [item for item in found if all(_holds(item, condition) for condition in request.having)]
    ordered(naive, request, found)
    limit = 50 if request.limit is None else request.limit
    return [item["shown"] for item in found][:limit]


def one(naive: Naive, request: AggregateRequest, rows: Sequence[Record]) -> Record:
    name = request.collection
    stored = {field: rows[0][field] for field in request.group_by}
    values = {measure.key: _measure(naive, name, measure, rows) for measure in request.measures}
    shown: Record = {key: {f: encoded(name, f, stored[f], "row") for f in stored} for key in request.group_keys}
    for measure in request.measures:
        value = values[measure.key]
        whole = isinstance(value, (Decimal, float)) and value == int(value)
        shown[measure.key] = int(value) if whole else float(value) if isinstance(value, Decimal) else _text(value)
    return {"stored": stored, "values": values, "shown": shown}


def _text(value: Any) -> Any:
    return encoded("", "", value, "row")


def _measure(naive: Naive, name: str, measure: Measure, rows: Sequence[Record]) -> Any:
    if measure.field is None:
        return len(rows)
    values = [row[measure.field] for row in rows if row[measure.field] is not None]
    if measure.distinct:
        values = list({naive.fold(value): value for value in values}.values())
    if measure.function == "count":
        return len(values)
    if not values:
        return None
    if measure.function in ("min", "max"):
        return (min if measure.function == "min" else max)(values)
    total = sum(values)
    if measure.function == "sum":
        return total
    assert KIND[name, measure.field] in ("int", "decimal", "float")
    return float(total) / len(values)


def _holds(item: Record, condition: Condition) -> bool:
    return COMPARE[condition.op](item["values"][condition.field], float(condition.value))


def ordered(naive: Naive, request: AggregateRequest, found: list[Record]) -> None:
    """By `sort`, then by the grouped fields; NULL as in lists, case last."""
    if not naive.nocase:
        found.sort(key=lambda item: [str(item["stored"][field]) for field in request.group_by])

    def by(field: str, down: bool) -> None:
        def value(item: Record) -> Any:
            return item["stored"][field] if field in request.group_by else item["values"][field]

        filled = sorted(
            (item for item in found if value(item) is not None),
            key=lambda item: naive.sortable(value(item)),
            reverse=down,
        )
        missing = [item for item in found if value(item) is None]
        found[:] = [*filled, *missing] if naive.nulls_last or down else [*missing, *filled]

    for token in reversed([*request.sort, *request.group_by]):
        by(token.lstrip("-"), token.startswith("-"))
