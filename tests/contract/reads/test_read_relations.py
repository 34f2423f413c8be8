"""In charge of showing what is read and found through relations: paths, counts, expansion, windows, dangling keys.

Of `people`, 3 is soft-deleted and 5 has no status: neither is seen through a relation (items spec §5.1, 5.2, 5.5).
"""

from __future__ import annotations

from typing import Any

import pytest

from core import engine
from core.query.selection import Condition, Leaf, Nested, ReadRequest, Selection, Window
from tests.contract.reads.plain import Base

# Ordered by key: collection, conditions, keys
CASES: tuple[tuple[str, tuple[tuple[Any, ...], ...], list[Any]], ...] = (
    ("posts", (("author.name", "eq", "Ada"),), [1, 6]),
    ("posts", (("author.name", "neq", "Ada"),), [2]),  # a related row whose name differs
    ("posts", (("author.name", "null", ""),), []),
    ("posts", (("author.name", "nnull", ""),), [1, 2, 6]),
    ("posts", (("author.name", "in", "Ada,Cyd"),), [1, 6]),
    ("posts", (("author.id", "gt", "0"),), [1, 2, 6]),
    ("posts", (("author", "null", ""),), [4]),
    ("posts", (("author", "eq", "3"),), [3]),  # the key itself is data of the post
    ("posts", (("author", "in", "3,99"),), [3, 5]),
    ("posts", (("author", "neq", "1"),), [2, 3, 5]),
    ("posts", (("author.boss.name", "eq", "Ada"),), [2]),
    ("posts", (("author.boss", "eq", "1"),), [2]),
    ("posts", (("author.boss.team.id", "eq", "2"),), [2]),
    ("posts", (("author.boss", "null", ""),), [1, 6]),
    ("posts", (("author", "contains", "ADA"),), [1, 6]),
    ("posts", (("author", "contains", "2"),), [2]),  # number columns of the related collection are searched as well
    ("posts", (("author", "ncontains", "ada"),), [2, 3, 4, 5]),
    ("posts", (("editor", "contains", "ada"),), [3, 5, 6]),
    ("posts", (("editor", "rlike", "1"),), [3, 5]),  # a raw pattern is for the key
    ("posts", (("author.name", "eq", "Ada"), ("title", "eq", "two", True)), [1, 2, 6]),
    ("people", (("posts", "empty", ""),), [4]),
    ("people", (("posts", "nempty", "0"),), [1, 2]),
    ("people", (("posts", "has", "1"),), [1, 2]),
    ("people", (("posts", "has", ""),), [1, 2]),
    ("people", (("posts", "has", 2),), [1]),
    ("people", (("posts", "has", "3"),), []),
    ("people", (("posts", "has", "0"),), [4]),
    ("people", (("posts", "nhas", "1"),), [4]),
    ("people", (("posts", "nhas", ""),), [4]),
    ("people", (("posts", "nhas", "2"),), [2, 4]),
    ("people", (("posts", "nhas", "0"),), [1, 2]),
    ("people", (("posts", "eq", "2"),), [2]),
    ("people", (("posts", "in", "1,2"),), [1, 2]),
    ("people", (("posts", "all", "1, 6"),), [1]),
    ("people", (("posts", "all", ["1", 2]),), []),
    ("people", (("posts.title", "contains", "o"),), [1, 2]),
    ("people", (("posts.title", "neq", "one"),), [1, 2]),  # 1 has another one
    ("people", (("posts.labels.label.title", "eq", "seven"),), [1]),
    ("people", (("team", "has", "1"),), [1, 4]),
    ("people", (("team", "has", "2"),), []),  # the soft-deleted member does not count
    ("people", (("team.name", "eq", "Cyd"),), []),
    ("people", (("boss.boss.boss.name", "eq", "ada"),), [4]),
    ("posts", (("labels", "eq", "7"),), [1, 2, 6]),
    ("posts", (("labels", "eq", "007"),), [1]),
    ("posts", (("labels", "in", "007,x%"),), [1, 3, 6]),
    ("posts", (("labels", "all", "7,x%"),), [6]),
    ("posts", (("labels", "all", "7, x%"),), [6]),
    ("posts", (("labels", "eq", "gone"),), [5]),  # the key in the junction
    ("posts", (("labels", "all", ""),), []),
    ("posts", (("labels", "has", "2"),), [1, 6]),
    ("posts", (("labels", "empty", ""),), [4]),
    ("posts", (("labels.label.title", "eq", "lucky"),), [1, 2, 6]),
    ("posts", (("labels.label.title", "neq", "lucky"),), [1, 3, 6]),
    ("posts", (("labels.label", "contains", "PERCENT"),), [3, 6]),
    ("posts", (("labels.label.title", "null", ""),), []),
    ("posts", (("labels.id", "gte", "5"),), [5, 6]),
)  # fmt: skip


@pytest.mark.parametrize(("collection", "conditions", "keys"), CASES)
async def test_paths_find_exactly(
    base: Base, collection: str, conditions: tuple[tuple[Any, ...], ...], keys: list[Any]
) -> None:
    assert await base.find(collection, *conditions) == keys
    where = tuple(Condition(*condition) for condition in conditions)
    found = await base.read(collection, where=where, limit=1, meta=frozenset(("filter_count",)))
    assert found.meta == {"filter_count": len(keys)}  # no row is counted twice


async def test_keys_of_text_through_a_junction(base: Base) -> None:
    assert await base.find("labels", ("posts", "has", "4"), key="code") == ["7"]
    assert await base.find("labels", ("posts.post.title", "eq", "six"), key="code") == ["7", "x%"]
    assert await base.find("labels", ("posts", "eq", "1"), key="code") == ["007", "7"]
    assert await base.find("labels", ("posts", "empty", ""), key="code") == ["a b"]


async def test_related_filters_of_typed_input(base: Base) -> None:
    everything = ("rel", "author", ("and", ()))
    assert sorted(await base.keys("posts", filter=everything)) == [1, 2, 6]  # there is an author that can be seen
    tree = ("rel", "posts", ("and", (("cond", "title", "eq", "one"), ("cond", "place", "gt", 3))))
    assert await base.keys("people", filter=tree) == []  # both conditions on the same row
    tree = ("and", (("rel", "posts", ("cond", "title", "eq", "one")), ("rel", "posts", ("cond", "place", "lt", 3))))
    assert await base.keys("people", filter=tree) == [1]


async def test_a_to_one_field_expands_to_what_can_be_seen(base: Base) -> None:
    ada, bob = (
        {"id": 1, "status": "in", "name": "Ada", "boss": None},
        {"id": 2, "status": "in", "name": "Bob", "boss": 1},
    )
    assert await base.rows("posts", "id,author.*", sort=("id",)) == [
        {"id": 1, "author": ada},
        {"id": 2, "author": bob},
        {"id": 3, "author": None},  # soft-deleted
        {"id": 4, "author": None},
        {"id": 5, "author": None},  # not there
        {"id": 6, "author": ada},
    ]
    assert await base.rows("posts", "id,author", sort=("id",), limit=5) == [
        {"id": number, "author": author} for number, author in enumerate((1, 2, 3, None, 99), 1)
    ]


async def test_wildcards_expand_everything_in_order(base: Base) -> None:
    (one,) = await base.rows("posts", "*.*", id="1")
    assert list(one) == ["id", "title", "author", "editor", "place", "labels"]
    assert one["editor"] == {"id": 2, "status": "in", "name": "Bob", "boss": 1}
    assert one["labels"] == [{"id": 1, "post": 1, "label": "7"}, {"id": 2, "post": 1, "label": "007"}]
    assert await base.rows("posts", "labels.*.*,-id", id="5") == [
        {
            "labels": [
                {"id": 5, "post": {"id": 5, "title": "five", "author": 99, "editor": 1, "place": 1}, "label": None}
            ]
        }
    ]


@pytest.mark.parametrize(
    ("paths", "row"),
    (
        ("id,labels", {"id": 1}),
        ("id,labels,author.id", {"id": 1, "author": {"id": 1}, "labels": [{"post": 1}, {"post": 1}]}),
        ("labels.label.title,id", {"id": 1, "labels": [{"label": {"title": "lucky"}}, {"label": {"title": "seven"}}]}),
        ("title.*,id.*", {"id": 1, "title": "one"}),
        ("*,-author,-labels", {"id": 1, "title": "one", "editor": 2, "place": 3}),
        ("author.*,author.-status", {"author": {"id": 1, "name": "Ada", "boss": None}}),
        ("note,id", {"id": 1}),
        ("id, title ,0,", {"id": 1, "title": "one"}),
        ("author.posts.author.posts.id", {"author": {"posts": [{"author": {"posts": [{"id": 6}, {"id": 1}]}}] * 2}}),
        ("author.team.boss.name", {"author": {"team": [{"boss": {"name": "Ada"}}]}}),
        ("*.id,title", {
            "id": 1, "title": "one", "author": {"id": 1}, "editor": {"id": 2}, "place": 3,
            "labels": [{"id": 1}, {"id": 2}],
        }),
    ),
)  # fmt: skip
async def test_field_paths(base: Base, paths: str, row: dict[str, Any]) -> None:
    (found,) = await base.rows("posts", paths, id="1")
    assert found == row


async def test_rows_without_keys(base: Base) -> None:
    assert await base.rows("posts", "note", limit=2) == [None, None]
    assert await base.rows("people", "posts.note", id="1") == [{"posts": []}]


async def test_a_cycle_ends_where_the_request_does(base: Base) -> None:
    (row,) = await base.rows("people", "boss.boss.boss.id,boss.name", id="4")
    assert row == {"boss": {"name": "ada", "boss": {"boss": {"id": 4}}}}


def _labels(window: Window | None) -> Selection:
    inner = Selection(
        (Leaf("key", "id", "id"), Nested("label", "label", Selection((Leaf("title", "title", "string"),))))
    )
    return Selection((Leaf("id", "id", "int"), Nested("few", "labels", inner, window)))


@pytest.mark.parametrize(
    ("window", "few"),
    (
        (None, {1: ["1", "2"], 2: ["3"], 3: ["4"], 4: [], 5: ["5"], 6: ["6", "7"]}),
        (Window(limit=1), {1: ["1"], 2: ["3"], 3: ["4"], 4: [], 5: ["5"], 6: ["6"]}),
        (Window(limit=1, offset=1), {1: ["2"], 2: [], 3: [], 4: [], 5: [], 6: ["7"]}),
        (Window(limit=1, sort=("-id",)), {1: ["2"], 2: ["3"], 3: ["4"], 4: [], 5: ["5"], 6: ["7"]}),
        (Window(limit=0), {1: [], 2: [], 3: [], 4: [], 5: [], 6: []}),
        (Window(limit=-1, offset=1), {1: ["1", "2"], 2: ["3"], 3: ["4"], 4: [], 5: ["5"], 6: ["6", "7"]}),
        (Window(sort=("-label", "id")), {1: ["1", "2"], 2: ["3"], 3: ["4"], 4: [], 5: ["5"], 6: ["7", "6"]}),
        (
            Window(where=(Condition("label.title", "contains", "e"),), limit=1),
            {1: ["2"], 2: [], 3: ["4"], 4: [], 5: [], 6: ["7"]},
        ),
        (
            Window(filter=("rel", "label", ("cond", "code", "eq", "7"))),
            {1: ["1"], 2: ["3"], 3: [], 4: [], 5: [], 6: ["6"]},
        ),
    ),
)  # fmt: skip
async def test_windows_count_per_parent(base: Base, window: Window | None, few: dict[int, list[str]]) -> None:
    request = ReadRequest("posts", _labels(window), sort=("id",))
    found = (await engine.read(base.session(), request)).items
    assert {item["id"]: [label["key"] for label in item["few"]] for item in found} == few


async def test_one_relation_asked_for_twice(base: Base) -> None:
    inner = Selection((Leaf("key", "id", "int"),))
    selection = Selection(
        (
            Nested("first", "labels", inner, Window(limit=1)),
            Nested("last", "labels", inner, Window(limit=1, sort=("-id",))),
            Nested("author", "author", Selection((Leaf("name", "name", "string"),))),
            Nested("again", "author", Selection((Nested("boss", "boss", Selection((Leaf("id", "id", "id"),))),))),
            Leaf("raw", "author", "id"),
        )
    )
    found = await engine.read(base.session(), ReadRequest("posts", selection, ids=("1", "2"), sort=("id",)))
    assert found.items == [
        {"first": [{"key": 1}], "last": [{"key": 2}], "author": {"name": "Ada"}, "again": {"boss": None}, "raw": "1"},
        {
            "first": [{"key": 3}], "last": [{"key": 3}], "author": {"name": "Bob"}, "again": {"boss": {"id": "1"}},
            "raw": "2",
        },
    ]  # fmt: skip
    assert [list(item) for item in found.items] == [["first", "last", "author", "again", "raw"]] * 2


@pytest.mark.parametrize(
    ("q", "ids"),
    (
        ("ada", [5, 3, 6]),  # the editor's name: an integer field with a relation is searched there; m2o fields are not
        ("five", [5]),
        ("cyd", []),  # soft-deleted
        ("7", [6]),  # the id of a junction row, not its keys
        ("lucky", []),  # one hop only
    ),
)
async def test_search_through_relations(base: Base, q: str, ids: list[int]) -> None:
    assert await base.keys("posts", q=q) == ids


async def test_keys_of_another_type_are_compared_as_text(base: Base) -> None:
    """A text column may point to numbers, and the other way round; what SQL would guess of "02" or "x" is no link."""
    assert await base.rows("cards", "id,box.title,label.title") == [
        {"id": 1, "box": {"title": "one"}, "label": {"title": "lucky"}},
        {"id": 2, "box": None, "label": {"title": "lucky"}},
        {"id": 3, "box": None, "label": None},
        {"id": 4, "box": None, "label": None},
        {"id": 5, "box": None, "label": {"title": "lucky"}},
        {"id": 6, "box": {"title": "two"}, "label": None},
        {"id": 7, "box": None, "label": None},
    ]
    assert await base.rows("boxes", "title,cards.id") == [
        {"title": "zero", "cards": []},
        {"title": "one", "cards": [{"id": 1}]},
        {"title": "two", "cards": [{"id": 6}]},
    ]
    assert await base.find("cards", ("box.title", "nnull", "")) == [1, 6]
    assert await base.find("cards", ("label.title", "eq", "lucky")) == [1, 2, 5]
    assert await base.find("boxes", ("cards", "nempty", "")) == [1, 2]
    assert await base.find("boxes", ("cards", "has", "2")) == []
    assert await base.find("boxes", ("cards.id", "in", "2,5,6")) == [2]
