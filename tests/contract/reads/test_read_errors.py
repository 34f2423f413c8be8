"""In charge of showing which error a wrong name, operator, value or depth raises, and that nothing ran before it."""

from __future__ import annotations

import time
from typing import Any

import pytest

from core import engine
from core.errors import (
    CollectionNotFound,
    FieldNotFound,
    InvalidField,
    TabulariumError,
    UnknownOperator,
    Unprocessable,
)
from core.query.aggregate import AggregateRequest, Measure
from core.query.selection import Condition, Leaf, Nested, ReadRequest, Row, Selection, Window
from tests.contract.reads.plain import Base

INJECTION = 'id" FROM things; DROP TABLE things; --'
NESTED: Any = ("cond", "name", "eq", "Ada")
for _ in range(11):
    NESTED = ("rel", "boss", NESTED)


@pytest.mark.parametrize(
    ("arguments", "error", "code", "message"),
    (
        ({"where": (Condition("nothing"),)}, InvalidField, 202, 'Invalid field "nothing" in "posts"'),
        ({"where": (Condition("note"),)}, InvalidField, 202, 'Invalid field "note" in "posts"'),
        ({"where": (Condition(""),)}, InvalidField, 202, 'Invalid field "" in "posts"'),
        ({"where": (Condition(INJECTION),)}, InvalidField, 202, f'Invalid field "{INJECTION}" in "posts"'),
        ({"where": (Condition("author.nothing"),)}, FieldNotFound, 202, 'Unable to find field "nothing"'),
        ({"where": (Condition("title.name"),)}, FieldNotFound, 202, 'Unable to find field "title"'),
        ({"where": (Condition("author.name.x"),)}, FieldNotFound, 202, 'Unable to find field "name"'),
        ({"where": (Condition("author.posts.nothing"),)}, FieldNotFound, 202, 'Unable to find field "nothing"'),
        ({"where": (Condition("author."),)}, FieldNotFound, 202, 'Unable to find field ""'),
        ({"where": (Condition(".author"),)}, FieldNotFound, 202, 'Unable to find field ""'),
        ({"where": (Condition("title", "starts_with", "a"),)}, UnknownOperator, 214, "Unknown filter: starts_with"),
        ({"where": (Condition("title", "EQ", "a"),)}, UnknownOperator, 214, "Unknown filter: EQ"),
        ({"where": (Condition("author", "name", "a"),)}, UnknownOperator, 214, "Unknown filter: name"),
        ({"where": (Condition("title", "has", "1"),)}, Unprocessable, 12, None),
        ({"where": (Condition("author", "nhas", "1"),)}, Unprocessable, 12, None),
        ({"where": (Condition("title", "all", "1"),)}, Unprocessable, 12, None),
        ({"where": (Condition("labels", "gt", "1"),)}, Unprocessable, 12, None),
        ({"where": (Condition("labels", "contains", "1"),)}, Unprocessable, 12, None),
        ({"where": (Condition("labels", "null", ""),)}, Unprocessable, 12, None),
        ({"where": (Condition("labels", "has", "some"),)}, Unprocessable, 12, None),
        ({"where": (Condition("author." + "boss." * 11 + "id"),)}, Unprocessable, 12, None),
        ({"where": (Condition("id"),) * 501}, Unprocessable, 12, None),
        ({"where": (Condition("author.boss.id"),) * 26}, Unprocessable, 12, None),
        ({"where": (Condition("labels", "all", "7," * 51),)}, Unprocessable, 12, None),
        ({"filter": ("or", (("cond", "id", "eq", 1),) * 501)}, Unprocessable, 12, None),
        ({"filter": ("or", (("rel", "author", ("rel", "boss", ("and", ()))),) * 26)}, Unprocessable, 12, None),
        ({"filter": ("cond", "nothing", "eq", 1)}, InvalidField, 202, 'Invalid field "nothing" in "posts"'),
        ({"filter": ("rel", "title", ("and", ()))}, FieldNotFound, 202, 'Unable to find field "title"'),
        ({"filter": ("rel", "author", NESTED)}, Unprocessable, 12, None),
        ({"filter": ("not", ())}, Unprocessable, 12, None),
        ({"sort": ("nothing",)}, InvalidField, 202, 'Invalid field "nothing" in "posts"'),
        ({"sort": ("title,-nothing",)}, InvalidField, 202, 'Invalid field "-nothing" in "posts"'),
        ({"sort": ("author.name",)}, InvalidField, 202, 'Invalid field "author.name" in "posts"'),
        ({"sort": (INJECTION,)}, InvalidField, 202, f'Invalid field "{INJECTION}" in "posts"'),
        ({"sort": ("labels",)}, Unprocessable, 12, None),
        ({"sort": ("-note",)}, Unprocessable, 12, None),
        ({"groups": ("nothing",)}, InvalidField, 202, 'Invalid field "nothing" in "posts"'),
        ({"groups": ("labels",)}, InvalidField, 202, 'Invalid field "labels" in "posts"'),
        ({"paths": "nothing"}, InvalidField, 202, 'Invalid field "nothing" in "posts"'),
        ({"paths": "-nothing"}, InvalidField, 202, 'Invalid field "nothing" in "posts"'),
        ({"paths": "nothing.id"}, InvalidField, 202, 'Invalid field "nothing" in "posts"'),
        ({"paths": "author.nothing"}, InvalidField, 202, 'Invalid field "nothing" in "people"'),
        ({"paths": "author.posts.labels.label.nothing"}, InvalidField, 202, 'Invalid field "nothing" in "labels"'),
        ({"paths": "author." + "boss." * 10 + "id"}, Unprocessable, 12, None),
        ({"paths": ".".join("*" * 12)}, Unprocessable, 12, None),
        ({"paths": ".".join("*" * 10)}, Unprocessable, 12, "Fields may expand 500 relations at most."),
    ),
)  # fmt: skip
async def test_wrong_requests(
    base: Base, arguments: dict[str, Any], error: type[TabulariumError], code: int, message: str | None
) -> None:
    before = base.store.statements_total
    with pytest.raises(error) as caught:
        await base.read("posts", **arguments)
    assert type(caught.value) is error
    assert caught.value.code == code
    assert message is None or caught.value.message == message
    assert base.store.statements_total == before


@pytest.mark.parametrize("name", ("nothing", "", INJECTION, "Posts", "directus_nothing"))
async def test_unknown_collections(base: Base, name: str) -> None:
    with pytest.raises(CollectionNotFound) as caught:
        await base.read(name, where=(Condition("nothing"),))
    assert (caught.value.code, caught.value.message) == (200, f"Unable to find collection: {name}")
    with pytest.raises(CollectionNotFound):
        await base.aggregate(AggregateRequest(name))


async def test_the_depth_that_is_allowed(base: Base) -> None:
    assert (await base.rows("people", "boss." * 9 + "id", id="1")) == [{"boss": None}]
    assert await base.keys("people", where=(Condition("boss." * 10 + "id", "eq", "4"),)) == [4]
    tree: Any = ("cond", "id", "eq", 4)
    for _ in range(10):
        tree = ("rel", "boss", tree)
    assert await base.keys("people", filter=tree) == [4]


@pytest.mark.parametrize(
    ("selection", "error"),
    (
        (Selection((Leaf("a", "nothing", "int"),)), InvalidField),
        (Selection((Nested("a", "title", Selection()),)), InvalidField),
        (Selection((Nested("a", "labels", Selection(), Window(sort=("nothing",))),)), InvalidField),
        (Selection((Nested("a", "labels", Selection(), Window(where=(Condition("nothing"),))),)), InvalidField),
        (Selection((Nested("a", "labels", Selection((Row("b", ("nothing",)),))),)), InvalidField),
    ),
)
async def test_wrong_selections(base: Base, selection: Selection, error: type[TabulariumError]) -> None:
    with pytest.raises(error):
        await engine.read(base.session(), ReadRequest("posts", selection))


async def test_a_language_needs_a_language_field(base: Base) -> None:
    assert await base.rows("posts", "id,labels.*", lang=("en",), id="4") == [{"id": 4, "labels": []}]  # no translation


@pytest.mark.parametrize(
    ("request_", "error", "code"),
    (
        (AggregateRequest("things", (Measure("n", "sum", "nothing"),)), InvalidField, 202),
        (AggregateRequest("things", (), ("nothing",)), InvalidField, 202),
        (AggregateRequest("posts", (Measure("n", "count", "labels"),)), InvalidField, 202),
        (AggregateRequest("things", (Measure("n", "sum", "words"),)), Unprocessable, 12),
        (AggregateRequest("things", (Measure("n", "avg", "day"),)), Unprocessable, 12),
        (AggregateRequest("things", (Measure("n", "min", "raw"),)), Unprocessable, 12),
        (AggregateRequest("things", (Measure("n", "count"),), sort=("m",)), InvalidField, 202),
        (AggregateRequest("things", (Measure("n", "count"),), sort=("whole",)), InvalidField, 202),
        (AggregateRequest("things", (Measure("n", "count"),), having=(Condition("m", "eq", 1),)), InvalidField, 202),
        (AggregateRequest("things", (Measure("n", "count"),), having=(Condition("n", "contains", 1),)),
        UnknownOperator, 214),
        (AggregateRequest("things", (Measure("n", "count"),), having=(Condition("n", "eq", "x"),)), Unprocessable, 12),
        (AggregateRequest("things", tuple(Measure(f"n{n}", "count") for n in range(51))), Unprocessable, 12),
        (AggregateRequest("things", (Measure("n", "count"),), where=(Condition("nothing"),)), InvalidField, 202),
    ),
)  # fmt: skip
async def test_wrong_aggregates(
    base: Base, request_: AggregateRequest, error: type[TabulariumError], code: int
) -> None:
    with pytest.raises(error) as caught:
        await base.aggregate(request_)
    assert type(caught.value) is error
    assert caught.value.code == code


@pytest.mark.parametrize("either", (False, True))
async def test_the_most_that_a_filter_may_be_takes_no_time(base: Base, either: bool) -> None:
    """Fifty semi-joins: PostgreSQL must not try out in which order to join them (17 seconds)."""
    started = time.perf_counter()
    where = (*(Condition("author", "contains", "a", either) for _ in range(50)), *(Condition("id", "gt", "0"),) * 450)
    assert await base.keys("posts", where=where, limit=-1, sort=("id",)) == [1, 6]
    assert time.perf_counter() - started < 5
