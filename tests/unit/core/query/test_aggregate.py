"""In charge of showing what an aggregate may ask for, and how its rows become figures."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

from core.errors import FieldAccessDenied, InvalidField, TabulariumError, Unprocessable
from core.query.aggregate import AggregateRequest, Measure, check, deny_hidden, shape
from core.query.selection import Condition
from tests.shop import shop

SHOP = shop()
ARTICLES = SHOP.collections["articles"]
COUNT = Measure("n", "count")


def test_what_may_be_asked() -> None:
    measures = (COUNT, Measure("s", "sum", "price"), Measure("m", "max", "day"), Measure("c", "count", "data", True))
    request = AggregateRequest(
        "articles", measures, ("author", "active"), ("g",), sort=("-s, author",), having=(Condition("n", "gt", 1),)
    )
    check(ARTICLES, request, frozenset(("title",)))


@pytest.mark.parametrize(
    ("request_", "error"),
    (
        (AggregateRequest("articles", (Measure("a", "sum", "nothing"),)), InvalidField),
        (AggregateRequest("articles", (), ("comments",)), InvalidField),
        (AggregateRequest("articles", (COUNT,), sort=("title",)), InvalidField),
        (AggregateRequest("articles", (COUNT,), having=(Condition("m"),)), InvalidField),
        (AggregateRequest("articles", (Measure("a", "sum", "title"),)), Unprocessable),
        (AggregateRequest("articles", (Measure("a", "min", "active"),)), Unprocessable),
        (AggregateRequest("articles", (COUNT,) * 51), Unprocessable),
        (AggregateRequest("articles", (), ("price",)), FieldAccessDenied),
        (AggregateRequest("articles", (Measure("a", "count", "price"),)), FieldAccessDenied),
    ),
)
def test_what_may_not(request_: AggregateRequest, error: type[TabulariumError]) -> None:
    with pytest.raises(error):
        check(ARTICLES, request_, frozenset(("price",)))


def test_hidden_names() -> None:
    deny_hidden(("a", "b"), frozenset(("c",)))
    with pytest.raises(FieldAccessDenied) as caught:
        deny_hidden(("a", "b"), frozenset(("b",)))
    assert (caught.value.code, caught.value.message) == (215, 'Unable to access "b" related data')


def test_rows_become_items() -> None:
    measures = (COUNT, Measure("s", "sum", "price"), Measure("a", "avg", "place"), Measure("m", "min", "title"))
    request = AggregateRequest("articles", measures, ("active", "author"), ("g", "h"))
    rows = [(1, 5, 3, Decimal("4.50"), Decimal("7"), 2, "x"), (None, None, 1, None, None, 0, None)]
    group: dict[str, Any] = {"active": True, "author": 5}
    nothing: dict[str, Any] = {"active": None, "author": None}
    found = shape(SHOP, ARTICLES, request, rows)
    assert found == [
        {"g": group, "h": group, "n": 3, "s": 4.5, "a": 3.5, "m": "x"},
        {"g": nothing, "h": nothing, "n": 1, "s": None, "a": None, "m": None},
    ]


@pytest.mark.parametrize(
    ("function", "row", "figure"),
    (
        ("sum", (Decimal("4.00"),), "4"),
        ("sum", (4,), "4"),
        ("sum", (4.0,), "4"),
        ("sum", (4.25,), "4.25"),
        ("avg", (Decimal("10"), 4), "2.5"),
        ("avg", (8, 4), "2"),
        ("count", (Decimal("4"),), "4"),
    ),
)
def test_whole_numbers_have_no_fraction(function: str, row: tuple[Any, ...], figure: str) -> None:
    request = AggregateRequest("articles", (Measure("n", function, "price"),))
    (item,) = shape(SHOP, ARTICLES, request, [row])
    assert json.dumps(item["n"]) == figure
