"""In charge of showing the figures of aggregates, alike on three databases: whole numbers as such, NULL left out."""

from __future__ import annotations

import json
from typing import Any

import pytest

from core.query.aggregate import AggregateRequest, Measure
from core.query.selection import Condition
from tests.contract.reads.plain import Base

FIGURES: tuple[tuple[str, str | None, bool, Any], ...] = (
    ("count", None, False, 5), ("count", "whole", False, 4), ("count", "order", False, 4), ("count", "order", True, 3),
    ("count", "words", True, 4), ("count", "truth", True, 2), ("count", "ident", False, 2),
    ("sum", "whole", False, 13), ("sum", "order", True, 6), ("sum", "money", False, 8.25),
    ("sum", "twofold", False, 5.25),
    ("sum", "big", False, 9007199254740987),
    ("avg", "whole", False, 3.25), ("avg", "order", False, 2.25), ("avg", "order", True, 2),
    ("avg", "money", False, 2.0625),
    ("avg", "twofold", False, 1.3125),
    ("min", "whole", False, 0), ("max", "whole", False, 10), ("min", "money", False, -3.25),
    ("max", "money", False, 10),
    ("max", "twofold", False, 4), ("max", "big", False, "9007199254740993"), ("min", "words", False, ""),
    ("max", "words", False, "ant"), ("min", "day", False, "1999-12-31"),
    ("max", "moment", False, "2026-03-01 09:30:00"),
    ("max", "placed", False, "2026-03-01 09:30:00"), ("max", "clock", False, "23:59:59"),
)  # fmt: skip


@pytest.mark.parametrize(("function", "field", "distinct", "figure"), FIGURES)
async def test_figures(base: Base, function: str, field: str | None, distinct: bool, figure: Any) -> None:
    found = await base.aggregate(AggregateRequest("things", (Measure("n", function, field, distinct),)))
    assert json.dumps(found) == json.dumps([{"n": figure}])  # 4 is not 4.0


async def test_figures_of_nothing(base: Base) -> None:
    measures = (Measure("n", "count"), *(Measure(name, name, "whole") for name in ("sum", "avg", "min", "max")))
    request = AggregateRequest("things", measures, where=(Condition("whole", "gt", "99"),))
    assert await base.aggregate(request) == [{"n": 0, "sum": None, "avg": None, "min": None, "max": None}]
    assert await base.aggregate(AggregateRequest("things", measures, ("truth",), ("g",), request.where)) == []


async def test_groups(base: Base) -> None:
    request = AggregateRequest("things", (Measure("n", "count"), Measure("s", "sum", "whole")), ("order",), ("of",))
    assert await base.aggregate(request) == [
        {"of": {"order": 1}, "n": 1, "s": 0},
        {"of": {"order": 2}, "n": 1, "s": 10},
        {"of": {"order": 3}, "n": 2, "s": 3},
        {"of": {"order": None}, "n": 1, "s": None},
    ]
    found = await base.aggregate(request, sort_null_last="0")
    assert [item["of"]["order"] for item in found] == [None, 1, 2, 3]


@pytest.mark.parametrize(
    ("more", "orders"),
    (
        ({"sort": ("-order",)}, [3, 2, 1, None]),
        ({"sort": ("-n", "-order")}, [3, 2, 1, None]),
        ({"sort": ("s",)}, [1, 3, 2, None]),
        ({"sort": ("-s",), "limit": 2}, [2, 3]),
        ({"limit": 0}, []),
        ({"limit": -1}, [1, 2, 3, None]),
        ({"having": (Condition("n", "gt", 1),)}, [3]),
        ({"having": (Condition("n", "=", "1"), Condition("s", "gte", "1"))}, [2]),
        ({"having": (Condition("s", "<>", 10),)}, [1, 3]),
        ({"where": (Condition("truth", "eq", "1"),)}, [2, 3]),
        ({"filter": ("cond", "whole", "in", "1,2")}, [3]),
        ({"q": "ant"}, [3]),
    ),
)
async def test_groups_are_chosen_and_ordered(base: Base, more: dict[str, Any], orders: list[Any]) -> None:
    measures = (Measure("n", "count"), Measure("s", "sum", "whole"))
    request = AggregateRequest("things", measures, ("order",), ("of",), **more)
    assert [item["of"]["order"] for item in await base.aggregate(request)] == orders


async def test_groups_of_several_fields_have_their_answers_form(base: Base) -> None:
    request = AggregateRequest("things", (Measure("n", "count"),), ("truth", "day", "odd name"), ("of",), limit=2)
    assert await base.aggregate(request) == [
        {"of": {"truth": False, "day": "1999-12-31", "odd name": 0}, "n": 1},
        {"of": {"truth": False, "day": "2020-01-02", "odd name": 2}, "n": 1},
    ]


async def test_soft_deleted_items_do_not_count(base: Base) -> None:
    assert await base.aggregate(AggregateRequest("people", (Measure("n", "count"),))) == [{"n": 3}]


async def test_an_average_is_the_same_everywhere(base: Base) -> None:
    request = AggregateRequest("posts", (Measure("a", "avg", "place"), Measure("b", "avg", "id", True)))
    assert await base.aggregate(request) == [{"a": 1.8, "b": 3.5}]
