"""In charge of what a write of items leaves: rows, answer, activity, revisions (spec 03 §6–9, 11, 12)."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest

from core import engine
from core.errors import (
    ArrayForScalar,
    CollectionNotFound,
    DuplicateItem,
    InvalidField,
    ItemNotFound,
    TabulariumError,
    Unprocessable,
    ValidationFailed,
)
from core.query.change import WriteRequest
from tests.api.writes.world import AT, House, select

NEW = {
    "id": 4, "status": "draft", "title": "New", "slug": "new", "rating": None, "featured": None, "meta": None,
    "tags_list": [], "author": None, "owner": 1, "editor": 1, "created": "2026-03-01T12:30:45+00:00",
    "modified": "2026-03-01T12:30:45+00:00", "secret": None,
}  # fmt: skip


async def refused(house: House, error: type[TabulariumError], *arguments: Any, **more: Any) -> TabulariumError:
    """The error of a write that must leave everything as it was."""
    before = await house.everything()
    with pytest.raises(error) as caught:
        await house.write(*arguments, **more)
    assert await house.everything() == before
    return caught.value


# --- create -------------------------------------------------------------------------------------------------------


async def test_create(house: House) -> None:
    assert await house.create("articles", {"title": "New"}) == NEW
    assert house.statements == (5 if house.dialect == "mysql" else 4)
    names = ("action", "action_by", "action_on", "ip", "user_agent", "collection", "item", "edited_on", "comment")
    assert await house.rows("directus_activity", *names, "comment_deleted_on") == [
        ("create", 1, AT, "localhost", "tests", "articles", "4", None, None, None)
    ]
    assert await house.revisions() == [
        {
            "collection": "articles", "item": "4",
            "data": {
                "id": "4", "status": "draft", "title": "New", "slug": "new", "rating": None, "featured": None,
                "meta": None, "tags_list": [], "author": None, "owner": "1", "editor": "1", "created": AT,
                "modified": AT, "secret": None,
            },
            "delta": {"title": "New"}, "parent_collection": None, "parent_item": None, "parent_changed": None,
        }
    ]  # fmt: skip
    [(revision,)] = await house.rows("directus_revisions", "activity")
    assert [(revision,)] == await house.rows("directus_activity", "id")


async def test_create_every_kind_of_value(house: House) -> None:
    sent = {
        "title": "T", "status": "published", "rating": "1.5", "featured": True, "meta": {"a": [1, None]},
        "tags_list": ["x", "y"], "author": 2, "owner": 99, "created": "2001-01-01 00:00:00",
    }  # fmt: skip
    shown = await house.create("articles", sent)
    assert shown == {
        **NEW, "title": "T", "slug": "t", "status": "published", "rating": 1.5, "featured": True,
        "meta": {"a": [1, None]}, "tags_list": ["x", "y"], "author": 2,
    }  # fmt: skip
    [revision] = await house.revisions()
    assert revision["delta"] == {name: value for name, value in sent.items() if name not in ("owner", "created")}
    rating = "1.5" if house.dialect == "sqlite" else "1.50"
    expected = {
        "rating": rating, "featured": True, "meta": {"a": [1, None]}, "tags_list": ["x", "y"], "author": "2",
        "owner": "1",
    }  # fmt: skip
    assert {name: revision["data"][name] for name in expected} == expected


async def test_create_of_defaults(house: House) -> None:
    assert await house.create("authors", {}) == {"id": 3, "name": None, "age": None}
    assert (await house.revisions())[0]["delta"] == []


async def test_create_batch_of_defaults(house: House) -> None:
    result = await house.write("create", "authors", {}, {}, {}, batch=True)
    assert result.keys == [3, 4, 5]
    assert await house.rows("authors", "id", "name", where='"id" > 2') == [(3, None), (4, None), (5, None)]


async def test_create_with_a_key(house: House) -> None:
    assert (await house.create("authors", {"id": 70, "name": "X"}))["id"] == 70
    assert (await house.revisions())[0]["delta"] == {"id": 70, "name": "X"}
    error = await refused(house, DuplicateItem, "create", "authors", {"id": 70})
    assert error.message == 'Duplicate key "70" for collection "authors"'
    for key in (71, 72):  # the generated keys go on from there
        assert (await house.create("authors", {}))["id"] == key
    assert (await house.create("authors", {"id": 60}))["id"] == 60
    assert (await house.create("authors", {}))["id"] == 73


async def test_zero_is_a_key_and_null_is_none(house: House) -> None:
    """MySQL would take 0 for "generate one", unlike the others."""
    assert (await house.create("authors", {"id": 0, "name": "zero"}))["id"] == 0
    assert (await house.create("authors", {"id": None}))["id"] == 3
    assert (await house.update("authors", 0, {"age": 1}))["age"] == 1
    assert await house.rows("authors", "id", "age") == [(0, 1), (1, 36), (2, None), (3, None)]


async def test_create_batch_keeps_the_order(house: House) -> None:
    names = [f"n{number}" for number in (5, 3, 9, 1)]
    result = await house.write("create", "authors", *({"name": name} for name in names), batch=True)
    assert [item["_row"]["name"] for item in result.items if item] == names
    assert result.keys == [3, 4, 5, 6]
    assert result.meta == {}


async def test_uuid_and_manual_keys(house: House) -> None:
    made = await house.create("codes", {"name": "n"})
    assert len(made["id"]) == 36
    assert made["id"][14] == "4"
    assert await house.one("codes", "id", "name") == (made["id"], "n")
    assert (await house.create("codes", {"id": "mine", "name": "m"}))["id"] == "mine"
    error = await refused(house, ValidationFailed, "create", "tags", {"label": "L"})
    assert error.message == "code: This value should not be blank."
    assert await house.create("tags", {"code": "green"}) == {"code": "green", "label": None}
    error = await refused(house, DuplicateItem, "create", "tags", {"code": "green"})
    assert error.message == 'Duplicate key "green" for collection "tags"'


async def test_create_with_everything_below(house: House) -> None:
    await house.create(
        "articles",
        {
            "title": "Deep",
            "author": {"name": "Eve"},
            "comments": [
                {"text": "a", "writer": {"name": "Fay"}, "marks": [{"mark": "m1"}, {"mark": "m2"}]},
                {"text": "b", "marks": [{"mark": "m3"}]},
            ],
            "tags": [{"tag": {"code": "new", "label": "New"}, "sort": 1}, {"tag": "red"}, {"tag": {"code": "blue"}}],
        },
    )
    assert await house.rows("authors", "id", "name", where='"id" > 2') == [(3, "Eve"), (4, "Fay")]
    assert await house.one("articles", "id", "author", where='"id" > 3') == (4, 3)
    comments = await house.rows("comments", "id", "article", "text", "writer", where='"id" > 2')
    assert comments == [(3, 4, "a", 4), (4, 4, "b", None)]
    assert await house.rows("marks", "id", "comment", "mark") == [(1, 3, "m1"), (2, 3, "m2"), (3, 4, "m3")]
    assert await house.rows("tags", "code", "label") == [("blue", "Blue"), ("new", "New"), ("red", "Red")]
    links = [(4, "new", 1), (4, "red", None), (4, "blue", None)]
    found = await house.rows("articles_tags", "id", "article", "tag", "sort", where='"id" > 1')
    assert sorted(row[1:] for row in found) == sorted(links)
    assert [(action, name) for action, _, name, _, _ in await house.activity()] == [
        ("create", "authors"), ("create", "articles"),
        ("create", "authors"), ("create", "comments"), ("create", "marks"), ("create", "marks"),
        ("create", "comments"), ("create", "marks"),
        ("create", "tags"), ("create", "articles_tags"), ("create", "articles_tags"), ("create", "articles_tags"),
    ]  # fmt: skip
    parents = [
        (one["collection"], one["parent_collection"], one["parent_item"], one["parent_changed"])
        for one in await house.revisions()
    ]
    assert parents[1:6] == [
        ("articles", None, None, None), ("authors", None, None, None), ("comments", "articles", "4", 1),
        ("marks", "comments", "3", 1), ("marks", "comments", "3", 1),
    ]  # fmt: skip
    assert (await house.revisions())[3]["delta"] == {"text": "a", "writer": 4, "article": "4"}


async def test_deepest(house: House) -> None:
    def nested(levels: int) -> Any:
        if not levels:
            return {"name": "last"}
        return {"name": "x", "articles": [{"title": "x", "comments": [{"writer": nested(levels - 1)}]}]}

    await house.write("create", "authors", nested(3))
    assert len(await house.rows("authors", "id", where='"id" > 2')) == 4
    assert len(await house.rows("comments", "id", where='"id" > 2')) == 3
    error = await refused(house, Unprocessable, "create", "authors", nested(4))
    assert error.message == "Relations may be nested 10 levels at most."


# --- update -------------------------------------------------------------------------------------------------------


async def test_update(house: House) -> None:
    shown = await house.update("articles", "2", {"title": "Zwei", "rating": 3}, comment="because")
    assert house.statements == (6 if house.dialect == "mysql" else 5)
    assert shown["title"] == "Zwei"
    row = await house.one(
        "articles", "id", "title", "slug", "rating", "owner", "editor", "created", "modified", where='"id" = 2'
    )
    assert row == (2, "Zwei", "zwei", 3, 3, 1, None, AT)
    assert await house.activity() == [("update", 1, "articles", "2", "because")]
    [revision] = await house.revisions()
    assert revision["delta"] == {"title": "Zwei", "rating": 3}
    assert (revision["data"]["title"], revision["data"]["owner"]) == ("Zwei", "3")


async def test_nothing_to_update(house: House) -> None:
    for payload in ({}, {"id": 2}, {"comments": [], "tags": [None, {}]}, {"author": {}}):
        before = await house.everything()
        assert (await house.update("articles", "2", payload))["title"] == "Two"
        assert await house.everything() == before


async def test_key_in_the_payload_counts_for_nothing(house: House) -> None:
    assert (await house.update("authors", "2", {"id": 99, "name": "B"}))["id"] == 2
    assert await house.rows("authors", "id", "name") == [(1, "Ada"), (2, "B")]
    assert (await house.revisions())[0]["delta"] == {"name": "B"}


async def test_children_only(house: House) -> None:
    """The parent has its own update, with an empty delta (spec 03 §11.1)."""
    await house.update("authors", "2", {"articles": [{"id": 1}]})
    assert await house.activity() == [("update", 1, "authors", "2", None), ("update", 1, "articles", "1", None)]
    first, second = await house.revisions()
    assert first["delta"] == []
    assert second["delta"] == {"author": "2"}
    assert (second["parent_collection"], second["parent_item"], second["parent_changed"]) == ("authors", "2", 0)
    assert await house.one("articles", "id", "author", where='"id" = 1') == (1, 2)


@pytest.mark.parametrize(
    "key, found", [("02", 2), ("2.0", 2), (" 2", 2), ("1abc", None), ("99", None), ("", None), ("99999999999", None)]
)
async def test_keys_as_they_stand_in_a_path(house: House, key: str, found: int | None) -> None:
    if found is None:
        error = await refused(house, ItemNotFound, "update", "authors", {"name": "x"}, keys=(key,))
        assert error.message == f'Item with id "{key}" not found'
    else:
        assert (await house.update("authors", key, {"name": "x"}))["id"] == found


async def test_patch_list(house: House) -> None:
    await house.put("comments", {"id": 10, "article": 2, "text": "other"}, {"id": 11, "article": 1, "text": "third"})
    payload = [
        {"text": "new"}, {"id": 1, "text": "changed"}, {"id": 10}, {"id": 2, "article": None},
        {"id": 11, "$delete": True}, None, {},
    ]  # fmt: skip
    await house.update("articles", "1", {"comments": payload})
    rows = await house.rows("comments", "id", "article", "text")
    [new] = {row[0] for row in rows} - {1, 2, 10}
    expected = [(1, 1, "changed"), (2, None, "second"), (10, 1, "other"), (new, 1, "new")]
    assert rows == sorted(expected, key=lambda row: row[0] or 0)
    assert [row[:1] + row[2:4] for row in await house.activity()] == [
        ("update", "articles", "1"), ("create", "comments", str(new)), ("update", "comments", "1"),
        ("update", "comments", "10"), ("update", "comments", "2"), ("delete", "comments", "11"),
    ]  # fmt: skip
    changed = [(one["item"], one["parent_changed"], one["delta"]) for one in await house.revisions()][2:]
    assert changed == [
        ("1", 1, {"text": "changed", "article": "1"}), ("10", 0, {"article": "1"}), ("2", 0, {"article": None}),
    ]  # fmt: skip


async def test_scalars_link_children(house: House) -> None:
    await house.update("articles", "2", {"comments": [1, "2"]})
    assert await house.rows("comments", "id", "article") == [(1, 2), (2, 2)]


async def test_children_that_are_not_there(house: House) -> None:
    error = await refused(
        house, ItemNotFound, "update", "articles", {"comments": [{"id": 9, "text": "x"}]}, keys=("1",)
    )
    assert error.message == 'Item with id "9" not found'
    await refused(house, ItemNotFound, "update", "articles", {"comments": [{"id": 9, "$delete": True}]}, keys=("1",))
    error = await refused(house, Unprocessable, "update", "articles", {"comments": [{"$delete": True}]}, keys=("1",))
    assert error.message == "Payload must include the primary key: id"


async def test_deleted_for_true_alone(house: House) -> None:
    for value in (1, "true", None, [True]):
        payload = {"comments": [{"id": 1, "$delete": value}]}
        error = await refused(house, Unprocessable, "update", "articles", payload, keys=("1",))
        assert error.message == 'Payload fields: "$delete" does not exist in "comments" collection.'


@pytest.mark.parametrize(
    "sent, key, authors",
    [
        (2, 2, [(1, "Ada"), (2, "Bob")]),
        ("2", 2, [(1, "Ada"), (2, "Bob")]),
        (None, None, [(1, "Ada"), (2, "Bob")]),
        (77, 77, [(1, "Ada"), (2, "Bob")]),
        ({"id": 2}, 2, [(1, "Ada"), (2, "Bob")]),
        ({"id": 2, "name": "B"}, 2, [(1, "Ada"), (2, "B")]),
        ({"id": 77, "name": "X"}, 77, [(1, "Ada"), (2, "Bob"), (77, "X")]),
        ({"name": "X"}, 3, [(1, "Ada"), (2, "Bob"), (3, "X")]),
        ({"id": 1, "$delete": True}, None, [(2, "Bob")]),
        ({}, 1, [(1, "Ada"), (2, "Bob")]),
    ],
)
async def test_forms_of_a_to_one_field(house: House, sent: Any, key: int | None, authors: list[Any]) -> None:
    shown = await house.update("articles", "1", {"author": sent, "rating": 1})
    assert shown["author"] == key
    assert await house.rows("authors", "id", "name") == authors


async def test_join_rows_of_both_forms(house: House) -> None:
    await house.update(
        "articles", "1", {"tags": [{"id": 1, "tag": {"code": "red", "label": "Rot"}}, {"tag": "blue"}, {"sort": 7}]}
    )
    rows = await house.rows("articles_tags", "id", "article", "tag", "sort")
    assert rows == [(1, 1, "red", None), (2, 1, "blue", None), (3, 1, None, 7)]
    assert await house.one("tags", "code", "label", where="\"code\" = 'red'") == ("red", "Rot")


async def test_a_freed_unique_value_can_be_taken(house: House) -> None:
    """Deletions of a place run before its creations."""
    await house.update("articles", "1", {"tags": [{"tag": "red", "sort": 2}, {"id": 1, "$delete": True}]})
    [row] = await house.rows("articles_tags", "id", "article", "tag", "sort")
    assert row[1:] == (1, "red", 2)


async def test_required_children_may_not_all_go(house: House) -> None:
    lost = {"lines": [{"id": 1, "$delete": True}, {"id": 2, "$delete": True}]}
    error = await refused(house, Unprocessable, "update", "pages", lost, keys=("1",))
    assert [problem.path for problem in error.problems] == [("lines",)]
    await house.update("pages", "1", {"lines": [*lost["lines"], {"text": "c"}]})
    assert await house.rows("lines", "id", "page", "text") == [(3, 1, "c")]
    await house.update("pages", "1", {"lines": [{"text": "d"}, {"id": 3, "$delete": True}]})
    error = await refused(house, ValidationFailed, "create", "pages", {"path": "/new"})
    assert error.message == "lines: This value should not be blank."
    assert (await house.create("pages", {"path": "/new", "lines": [{"text": "x"}]}))["path"] == "/new"


async def test_batch_of_updates(house: House) -> None:
    result = await house.write(
        "update", "articles", {"id": 2, "title": "B"}, {"id": "1", "title": "A"}, {"id": 2, "rating": 4}, batch=True
    )
    assert result.keys == [2, 1, 2]
    assert [item["_row"]["title"] for item in result.items if item] == ["B", "A", "B"]
    assert await house.rows("articles", "id", "title", "rating", where='"id" < 3') == [(1, "A", None), (2, "B", 4)]
    assert [row[3] for row in await house.activity()] == ["2", "1", "2"]
    error = await refused(house, Unprocessable, "update", "articles", {"title": "x"}, batch=True)
    assert error.message == "Payload must include the primary key: id"


async def test_one_payload_for_several_keys(house: House) -> None:
    result = await house.write("update", "articles", {"rating": 5}, keys=("2", "1"))
    assert result.keys == [2, 1]
    assert await house.rows("articles", "id", "rating") == [(1, 5), (2, 5), (3, None)]
    await refused(house, ItemNotFound, "update", "articles", {"rating": 1}, keys=("1", "99"))


async def test_a_row_named_twice_is_one_row(house: House) -> None:
    """Clients send expanded objects back: many articles, one author."""
    payloads = [{"title": f"t{n}", "author": {"id": 1, "name": f"Ada {n}"}} for n in range(5)]
    await house.write("create", "articles", *payloads, batch=True)
    assert house.statements == (10 if house.dialect == "mysql" else 6)
    assert await house.rows("authors", "id", "name") == [(1, "Ada 4"), (2, "Bob")]
    created = [{"title": "x", "author": {"id": 50, "name": f"New {n}"}} for n in range(3)]
    await house.write("create", "articles", *created, batch=True)
    assert await house.one("authors", "id", "name", where='"id" > 2') == (50, "New 2")


# --- values -------------------------------------------------------------------------------------------------------


async def test_a_row_named_in_two_places_is_made_before_it_is_changed(house: House) -> None:
    """Whatever the order of the members: statements run by their places in the tree."""
    other = {"id": 2, "tags": [{"tag": {"code": "new", "label": "of the other"}}]}
    payload = {"tags": [{"tag": {"code": "new", "label": "own"}}], "comments": [{"id": 1, "article": other}]}
    await house.update("articles", 1, payload)
    assert await house.rows("tags", "code", "label", where="code = 'new'") == [("new", "own")]
    assert await house.rows("articles_tags", "article", "tag", where="tag = 'new'") == [(1, "new"), (2, "new")]
    tags = [row for row in await house.activity() if row[2] == "tags"]
    assert sorted(row[0] for row in tags) == ["create", "update"]


async def test_what_is_deleted_is_let_go_of_first(house: House) -> None:
    payload = [{"id": 1, "tag": {"code": "red", "$delete": True}}, {"id": 2, "tag": {"code": "red", "label": "Anew"}}]
    await house.put("articles_tags", {"id": 2, "article": 1, "tag": "blue"})
    await house.write("update", "articles_tags", *payload, batch=True)
    # The order of places: changed for the second, let go of by the first, then deleted
    assert await house.rows("tags", "code", "label") == [("blue", "Blue")]
    assert await house.rows("articles_tags", "id", "tag") == [(1, None), (2, "red")]


async def test_all_problems_come_together(house: House) -> None:
    payload = {"rating": "x", "author": {"age": "old"}, "comments": [{"id": 1, "text": "ok"}, {"writer": "w"}]}
    error = await refused(house, ValidationFailed, "create", "articles", payload, {"title": None}, batch=True)
    assert [(problem.path, problem.message) for problem in error.problems] == [
        ((0, "author", "age"), "This value should be of type numeric."),
        ((0, "title"), "This value should not be blank."),
        ((0, "rating"), "This value should be of type numeric."),
        ((0, "comments", 1, "writer"), "This value should be of type numeric."),
        ((1, "title"), "This value should not be blank."),
    ]


async def test_malformed_values(house: House) -> None:
    error = await refused(house, Unprocessable, "create", "articles", {"title": "x", "nope": 1, "no2": 2})
    assert error.message == 'Payload fields: "nope", "no2" does not exist in "articles" collection.'
    await refused(house, ArrayForScalar, "create", "articles", {"title": ["x"]})
    error = await refused(house, ValidationFailed, "create", "articles", {"title": "x", "comments": "all"})
    assert error.message == "comments: This value should be of type array."
    error = await refused(house, Unprocessable, "create", "articles", {"title": "x" * 101})
    assert error.problems[0].path == ("title",)
    await refused(house, CollectionNotFound, "create", "nothing", {})


async def test_unique_values(house: House) -> None:
    await house.create("pages", {"path": "/b", "lines": [{"text": "x"}]})
    error = await refused(house, DuplicateItem, "update", "pages", {"path": "/"}, keys=("2",))
    assert error.message == 'Duplicate key "/" for collection "pages"'


async def test_a_failure_in_the_middle_leaves_nothing(house: House) -> None:
    """The parent, its author and its comments are written before the join row fails."""
    payload = {
        "title": "x", "author": {"name": "New"}, "comments": [{"text": "c", "marks": [{"mark": "m"}]}],
        "tags": [{"tag": "red"}, {"tag": "red"}],
    }  # fmt: skip
    error = await refused(house, DuplicateItem, "create", "articles", payload)
    assert error.code == 204
    shown = await house.create("articles", {**payload, "tags": [{"tag": "red"}]})
    assert shown["title"] == "x"


async def test_hashes(house: House) -> None:
    digest = hashlib.sha1(b"open", usedforsecurity=False).hexdigest()
    assert (await house.create("articles", {"title": "x", "secret": "open"}))["secret"] == digest
    [revision] = await house.revisions()
    assert revision["delta"] == {"title": "x"}
    assert revision["data"]["secret"] == digest
    assert (await house.update("articles", "4", {"secret": digest}))["secret"] == digest
    assert (await house.update("articles", "4", {"secret": ""}))["secret"] is None
    everything = str(await house.rows("directus_revisions", "id", "data", "delta"))
    assert "open" not in everything


async def test_slugs(house: House) -> None:
    assert (await house.create("articles", {"title": "Süße Grüße!"}))["slug"] == "suesse-gruesse"
    assert (await house.update("articles", "4", {"title": "Neu", "slug": "kept"}))["slug"] == "kept"
    assert (await house.update("articles", "4", {"title": "Neuer"}))["slug"] == "neuer"


# --- delete -------------------------------------------------------------------------------------------------------


async def test_delete(house: House) -> None:
    await house.update("articles", "1", {"rating": 1})
    await house.delete("articles", 1)
    assert house.statements == 3
    assert await house.rows("articles", "id") == [(2,), (3,)]
    assert await house.rows("comments", "id", "article") == [(1, 1), (2, 1)]
    assert [row[:1] + row[2:4] for row in await house.activity()] == [
        ("update", "articles", "1"), ("delete", "articles", "1")
    ]  # fmt: skip
    assert len(await house.revisions()) == 1
    error = await refused(house, ItemNotFound, "delete", "articles", keys=("1",))
    assert error.message == "Item not found"


async def test_delete_several(house: House) -> None:
    await house.delete("articles", 3, 1, 3)
    assert await house.rows("articles", "id") == [(2,)]
    assert [row[3] for row in await house.activity()] == ["3", "1"]
    await refused(house, ItemNotFound, "delete", "articles", keys=("2", "1"))


async def test_soft_delete(house: House) -> None:
    assert await house.update("articles", "1", {"status": "deleted"}) is None
    assert await house.activity() == [("soft-delete", 1, "articles", "1", None)]
    assert (await house.revisions())[0]["delta"] == {"status": "deleted", "id": "1"}
    await refused(house, ItemNotFound, "update", "articles", {"status": "draft"}, keys=("1",))
    await house.delete("articles", 1)
    assert await house.rows("articles", "id") == [(2,), (3,)]


# --- around -------------------------------------------------------------------------------------------------------


async def test_answers_by_selection(house: House) -> None:
    selection = select("title", "author.name", "comments.text")
    payload = {"title": "x", "author": 1, "comments": [{"text": "c"}]}
    result = await house.write("create", "articles", payload, selection=selection)
    assert result.items == [{"_row": {"title": "x", "author": {"name": "Ada"}, "comments": [{"text": "c"}]}}]
    await refused(house, InvalidField, "create", "articles", payload, selection=select("title", "nope"))


async def test_meta_of_a_single_write(house: House) -> None:
    result = await house.write("update", "articles", {"rating": 1}, keys=("1",), meta=frozenset({"collection", "type"}))
    assert result.meta == {"collection": "articles", "type": "item"}


async def test_without_activity(house: House) -> None:
    await house.create("articles", {"title": "x", "author": {"name": "y"}}, activity_skip=True)
    assert await house.activity() == []
    assert await house.revisions() == []


async def test_upsert(house: House) -> None:
    result = await house.write(
        "upsert", "authors", {"id": 1, "age": 37}, {"id": 9, "name": "Nine"}, {"name": "New"}, batch=True
    )
    assert result.keys[:2] == [1, 9]
    found = await house.rows("authors", "id", "name", "age")
    assert found[0] == (1, "Ada", 37)
    assert {row[1] for row in found} == {"Ada", "Bob", "Nine", "New"}
    result = await house.write(
        "upsert", "authors", {"name": "Bob", "age": 5}, {"name": "Zoe"}, match="name", batch=True
    )
    assert result.keys[0] == 2
    assert await house.one("authors", "id", "age", where='"id" = 2') == (2, 5)
    await house.put("authors", {"id": 90, "name": "Bob"})
    await refused(house, Unprocessable, "upsert", "authors", {"name": "Bob"}, match="name")


async def test_long_addresses_and_agents_are_cut(house: House) -> None:
    session = await house.session(1, address="x" * 60, user_agent="a\x00" + "b" * 300)
    await engine.write(session, WriteRequest("authors", "create", ({"name": "x"},)))
    assert await house.one("directus_activity", "ip", "user_agent") == ("x" * 50, "a" + "b" * 254)
