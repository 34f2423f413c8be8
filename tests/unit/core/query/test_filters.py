"""In charge of showing which predicate a filter means; what it finds is shown on databases (tests/contract/reads)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from core.query.filters import elements, from_conditions, from_tree, searching
from core.query.predicate import (
    EVERYTHING,
    NOTHING,
    And,
    Compare,
    In,
    IsEmpty,
    IsNull,
    Like,
    Not,
    Or,
    Predicate,
    Related,
    RelatedCount,
    Search,
)
from core.query.selection import Condition
from tests.shop import shop

NOW = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)
SHOP = shop()
SOME = Related("comments", EVERYTHING)


def read(*conditions: Condition, collection: str = "articles") -> Predicate:
    return from_conditions(SHOP, SHOP.collections[collection], conditions, NOW)


@pytest.mark.parametrize(
    ("field", "op", "value", "found"),
    (
        ("title", "eq", "a", Compare("title", "eq", "a")),
        ("title", "=", "a", Compare("title", "eq", "a")),
        ("title", "<>", "a", Compare("title", "neq", "a")),
        ("place", "lte", "7", Compare("place", "lte", 7)),
        ("title", "eq", None, IsNull("title")),
        ("title", "neq", None, Not(IsNull("title"))),
        ("title", "null", "0", IsNull("title")),
        ("title", "nnull", None, Not(IsNull("title"))),
        ("title", "nempty", "", Not(IsEmpty("title"))),
        ("place", "eq", "x", In("place", ())),  # nothing, but the field is still named
        ("place", "gt", "x", In("place", ())),
        ("place", "neq", "x", Not(IsNull("place"))),
        ("place", "in", "1,x,2", In("place", (1, 2))),
        ("place", "in", "x", In("place", ())),
        ("place", "nin", [None, 3], Not(In("place", (3,)))),
        ("place", "nin", "x", Not(IsNull("place"))),
        ("place", "between", "1,5,9", And((Compare("place", "gte", 1), Compare("place", "lte", 9)))),
        ("place", "between", "1", In("place", ())),
        ("place", "between", "1,x", In("place", ())),
        ("place", "nbetween", "x,1", Not(IsNull("place"))),
        ("title", "like", "a_", Like("title", "%a!_%")),
        ("title", "nrlike", "a_", Not(Like("title", "a_"))),
        ("title", "contains", "\x00", In("title", ())),
        ("title", "ncontains", "\x00", Not(IsNull("title"))),
        ("author", "contains", "ann", Related("author", Search("%ann%"))),
        ("author", "ncontains", "ann", Not(Related("author", Search("%ann%")))),
        ("author", "rlike", "1%", Like("author", "1%")),
        ("author.name", "eq", "ann", Related("author", Compare("name", "eq", "ann"))),
        ("comments.article.author.name", "null", "", Related(
            "comments", Related("article", Related("author", IsNull("name")))
        )),
        ("comments", "has", "1", SOME),
        ("comments", "has", "", SOME),
        ("comments", "has", "3", RelatedCount("comments", EVERYTHING, 3)),
        ("comments", "has", "0", Not(SOME)),
        ("comments", "has", "-2", Not(SOME)),
        ("comments", "nhas", "3", Not(RelatedCount("comments", EVERYTHING, 3))),
        ("comments", "nempty", "", SOME),
        ("comments", "eq", "x", Related("comments", In("code", ("x",)))),
        ("comments", "in", "x,y", Related("comments", In("code", ("x", "y")))),
        ("comments", "all", "x, y", And((Related("comments", In("code", ("x",))),
        Related("comments", In("code", ("y",)))))),
    ),
)  # fmt: skip
def test_conditions(field: str, op: str, value: Any, found: Predicate) -> None:
    assert read(Condition(field, op, value)) == found


def test_connectors() -> None:
    one, two, three = (Condition("place", "eq", number) for number in (1, 2, 3))
    either = Condition("place", "eq", 2, either=True)
    a, b, c = (Compare("place", "eq", number) for number in (1, 2, 3))
    gone = Condition("title", "contains", "", either=True)
    assert read() == EVERYTHING
    assert read(one, two, three) == And((a, b, c))
    assert read(one, either, three) == Or((a, And((b, c))))
    assert read(either, one) == And((b, a))
    assert read(gone, either) == b
    assert read(one, gone, three) == And((a, c))
    assert read(gone) == EVERYTHING


def test_trees() -> None:
    articles = SHOP.collections["articles"]
    one, gone = ("cond", "place", "eq", 1), ("cond", "title", "contains", "")
    a = Compare("place", "eq", 1)
    for tree, found in (
        ((), EVERYTHING),
        (("and", ()), EVERYTHING),
        (("or", ()), NOTHING),
        (("or", (one, gone)), a),
        (("and", (one, gone)), a),
        (("or", (gone,)), EVERYTHING),
        (gone, EVERYTHING),
        (("rel", "author", ("and", ())), Related("author", EVERYTHING)),
        (("rel", "author", ("cond", "name", "eq", "x")), Related("author", Compare("name", "eq", "x"))),
        (("or", (one, ("and", (one, one)))), Or((a, And((a, a))))),
    ):
        assert from_tree(SHOP, articles, tree, NOW) == found


def test_now() -> None:
    assert read(Condition("day", "eq", "NOW")) == Compare("day", "eq", NOW.date())
    assert read(Condition("created", "in", "now")) == In("created", (NOW.replace(tzinfo=None),))
    assert read(Condition("title", "eq", "now")) == Compare("title", "eq", "now")


@pytest.mark.parametrize(
    ("value", "found"),
    (("a,b", ["a", "b"]), ("", [""]), (" a", [" a"]), (["a,b"], ["a,b"]), ({"0": "a", "1": "b"}, ["a", "b"]), (7, [7])),
)
def test_elements(value: Any, found: list[Any]) -> None:
    assert elements(value) == found


def test_search() -> None:
    assert searching(None) == EVERYTHING
    assert searching("") == EVERYTHING
    assert searching("50%") == Search("%50!%%", deep=True, otherwise=True)
    assert searching("\ud800") == NOTHING
