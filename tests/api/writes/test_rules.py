"""In charge of row rules, presets and checks of permissions: what they let through, and that a refusal changes nothing.

User 2 and 3 are Writers (role 3); user 2 owns articles 1 and 3, user 3 owns article 2.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from core import engine
from core.errors import (
    CommentCreateDenied,
    CreateDenied,
    DeleteDenied,
    ItemNotFound,
    UpdateDenied,
    ValidationFailed,
)
from core.query.selection import ROW, ReadRequest
from core.write import comments
from tests.api.writes.test_rights import refused
from tests.api.writes.world import AT, NOW, House, select

FULL = {"create": "full", "read": "full", "update": "full", "delete": "full"}


async def grant(house: House, collection: str, *, status: str | None = None, **more: Any) -> None:
    """A row of permissions of the Writers; maps are stored as JSON."""
    values = {name: json.dumps(value) if isinstance(value, dict) else value for name, value in more.items()}
    await house.grant(collection, status=status, **{**FULL, **values})


async def keys(house: House, collection: str = "articles", *, user: int | None = 2, **request: Any) -> list[Any]:
    wanted = ReadRequest(collection, select("id"), **request)
    session = await house.session(user)
    return [item["_row"]["id"] for item in (await engine.read(session, wanted)).items]


# Rows that are read


async def test_rules_limit_what_is_read(house: House) -> None:
    rules = {"read": {"author.name": {"eq": "Ada"}, "title": {"contains": "two", "logical": "or"}}}
    await grant(house, "articles", rules=rules)
    await house.put("articles", {"id": 9, "title": "Nine", "status": "published"})
    assert await keys(house) == [1, 2]
    assert await keys(house, q="nine") == []
    assert await keys(house, ids=("1", "9")) == [1]
    with pytest.raises(ItemNotFound):
        await keys(house, id="9")
    found = await engine.read(
        await house.session(2), ReadRequest("articles", select("id"), meta=frozenset({"total_count", "filter_count"}))
    )
    assert (found.meta["total_count"], found.meta["filter_count"]) == (2, 2)


async def test_rules_hold_behind_relations(house: House) -> None:
    """In filters and in expanded relations; those inside a rule look at all there is."""
    await grant(house, "articles", rules={"read": {"comments.writer.age": {"gte": 30}}})
    await grant(house, "authors", rules={"read": {"id": {"nin": "1"}}})
    await grant(house, "comments")
    await house.run('UPDATE comments SET writer = 1 WHERE "id" = 1')
    await house.put("comments", {"id": 5, "article": 2, "text": "hidden", "writer": 2})
    session = await house.session(2)
    found = await engine.read(session, ReadRequest("articles", select("id", "author.name")))
    assert [item["_row"] for item in found.items] == [{"id": 1, "author": None}]
    assert await keys(house, "comments", filter=("rel", "article", ("cond", "id", "gt", 0))) == [1, 2]
    found = await engine.read(session, ReadRequest("comments", select("id", "article.id"), sort=("id",)))
    assert [item["_row"]["article"] for item in found.items] == [{"id": 1}, {"id": 1}, None]


async def test_variables(house: House) -> None:
    await grant(house, "articles", rules={"read": {"owner": "$CURRENT_USER"}})
    assert (await keys(house, user=2), await keys(house, user=3)) == ([1], [2])
    await house.run("UPDATE articles SET slug = '3' WHERE \"id\" = 1")
    await house.run("DELETE FROM directus_permissions")
    await grant(house, "articles", rules={"read": {"slug": {"in": "$CURRENT_USER,x"}}})
    assert (await keys(house, user=2), await keys(house, user=3)) == ([], [1])
    await house.run("DELETE FROM directus_permissions")
    await grant(house, "articles", rules={"read": {"owner.role": {"eq": "$CURRENT_ROLE"}}})
    assert await keys(house) == [1, 2]


@pytest.mark.parametrize(
    "test, found",
    [
        ({"lte": "$NOW"}, [1, 2]),
        ({"lt": "now"}, [2]),
        ({"lt": "$NOW(-1 day)"}, []),
        ({"lte": "$NOW(-1 day)"}, [2]),
        ({"between": ["$NOW(-2 days)", "$NOW(-1 second)"]}, [2]),
        ({"gt": "$NOW(-1 month)"}, [1, 2]),
        ({"lt": "$NOW(999999 years)"}, [1, 2]),
    ],
)
async def test_times(house: House, test: dict[str, Any], found: list[int]) -> None:
    """Each request has its own time, although the plan is kept."""
    await house.set(
        "articles", "created", 1, AT if house.dialect != "postgres" else NOW.replace(microsecond=0, tzinfo=None)
    )
    earlier = NOW.replace(day=28, month=2, microsecond=0, tzinfo=None)
    await house.set("articles", "created", 2, earlier if house.dialect == "postgres" else str(earlier))
    await grant(house, "articles", rules={"read": {"created": test}})
    assert await keys(house) == found
    session = await house.session(2)
    later = replace(session, context=replace(session.context, now=NOW.replace(year=2020)))
    past = await engine.read(later, ReadRequest("articles", select("id")))
    assert [item["_row"]["id"] for item in past.items] == (found if "999999" in str(test) or "gt" in test else [])


async def test_each_status_has_its_own_rule(house: House) -> None:
    await grant(house, "articles", status="published", rules={"read": {"author": {"nnull": ""}}})
    await grant(house, "articles", status="draft", rules={"read": {"title": "None"}})
    assert await keys(house) == [1]
    await house.put(
        "articles", {"id": 8, "title": "None", "status": "draft"}, {"id": 9, "title": "None", "status": "published"}
    )
    assert await keys(house) == [1, 8]


# Rows that are written


async def test_rules_limit_what_is_written(house: House) -> None:
    rules = {"update": {"title": {"neq": "Two"}}, "delete": {"comments": {"empty": ""}}}
    await grant(house, "articles", rules=rules)
    assert (await house.update("articles", 1, {"rating": 1}, user=2))["rating"] == 1
    await refused(house, UpdateDenied, "update", "articles", {"rating": 1}, keys=("2",))
    await refused(house, UpdateDenied, "update", "articles", {"rating": 1}, keys=("1", "2"))
    await refused(house, DeleteDenied, "delete", "articles", keys=("1",))
    await refused(house, DeleteDenied, "update", "articles", {"status": "deleted"}, keys=("1",))
    await house.update("articles", 2, {"status": "deleted"}, user=2)


async def test_what_a_rule_hides_is_not_there(house: House) -> None:
    await grant(house, "articles", rules={"read": {"title": "One"}})
    await refused(house, ItemNotFound, "update", "articles", {"rating": 1}, keys=("2",))
    await refused(house, ItemNotFound, "upsert", "articles", {"id": 2, "title": "x"}, batch=True)
    session = await house.session(2)
    with pytest.raises(ItemNotFound):
        await comments.create(session, {"collection": "articles", "item": "2", "comment": "x"}, engine.READING, ROW)


async def test_nested_rows_have_their_rules(house: House) -> None:
    await grant(house, "articles")
    await grant(house, "comments", rules={"update": {"text": "first"}, "delete": {"text": "first"}})
    await refused(house, UpdateDenied, "update", "articles", {"comments": [{"id": 2, "text": "x"}]}, keys=("1",))
    await refused(house, UpdateDenied, "create", "articles", {"title": "x", "comments": [{"id": 2}]})
    await refused(
        house, DeleteDenied, "update", "articles", {"title": "y", "comments": [{"id": 2, "$delete": True}]}, keys=("1",)
    )
    await house.update("articles", 1, {"comments": [{"id": 1, "text": "x"}]}, user=2)
    assert await house.rows("comments", "id", "text") == [(1, "x"), (2, "second")]


async def test_a_broken_rule_is_closed(house: House) -> None:
    for broken in ('{"read": {"nope": 1}}', '{"read": {"title": {"near": 1}}}', "{", '["read"]', '{"read": 5}',
                   '{"peek": {"id": 1}}', '{"read": {"rating": {"neq": "x"}}}', '{"read": {"title": {"contains": ""}}}',
                   '{"read": {"owner.password": {"nnull": ""}}}', '{"read": {"title": "$CURRENT_MOOD"}}'):  # fmt: skip
        await house.run("DELETE FROM directus_permissions")
        await house.grant("articles", **FULL, rules=broken)
        assert await keys(house) == [], broken
        await refused(house, ItemNotFound, "update", "articles", {"rating": 1}, keys=("1",))


# Presets


async def test_presets_fill_in(house: House) -> None:
    presets = {
        "create": {"rating": 3, "slug": "$CURRENT_USER", "meta": {"a": [1]}, "author": 1},
        "update": {"rating": 4, "tags_list": ["a", "b"]},
    }
    await grant(house, "articles", presets=presets, write_field_blacklist="rating")
    made = await house.create("articles", {"title": "New"}, user=3)
    assert (made["rating"], made["slug"], made["meta"], made["author"]) == (3, "3", {"a": [1]}, 1)
    made = await house.create("articles", {"title": "Own", "slug": "mine", "author": None}, user=3)
    assert (made["slug"], made["author"]) == ("mine", None)
    changed = await house.update("articles", made["id"], {"title": "Changed"}, user=3)
    assert (changed["rating"], changed["tags_list"], changed["slug"]) == (4, ["a", "b"], "changed")
    changed = await house.update("articles", made["id"], {"tags_list": []}, user=3)
    assert changed["tags_list"] == []
    assert [row[0] for row in await house.activity()] == ["create", "create", "update", "update"]


async def test_presets_of_nested_rows(house: House) -> None:
    await grant(house, "articles")
    await grant(house, "comments", presets={"create": {"text": "none", "article": 2, "writer": 1}})
    await house.create("articles", {"title": "New", "comments": [{}, {"writer": 2}, {"text": "said"}]}, user=2)
    assert await house.rows("comments", "id", "article", "text", "writer", where='"id" > 2') == [
        (3, 4, "none", 2), (4, 4, "said", 1),
    ]  # fmt: skip


async def test_a_broken_preset_is_closed(house: House) -> None:
    for broken in ('{"create": {"nope": 1}}', '{"create": 5}', "x", '{"create": {"secret": "x"}}',
                   '{"create": {"comments": []}}', '{"create": {"author": {"name": "x"}}}',
                   '{"create": {"title": "$CURRENT_MOOD"}}'):  # fmt: skip
        await house.run("DELETE FROM directus_permissions")
        await house.grant("articles", **FULL, presets=broken)
        await refused(house, CreateDenied, "create", "articles", {"title": "x"})


# Checks


async def test_rows_are_checked_as_they_are_stored(house: House) -> None:
    checks = {"create": {"author.age": {"gte": 18}}, "update": {"comments": {"has": 1}}}
    await grant(house, "articles", checks=checks)
    await grant(house, "comments")
    await grant(house, "authors")
    await refused(house, CreateDenied, "create", "articles", {"title": "x"})
    await refused(house, CreateDenied, "create", "articles", {"title": "x", "author": 2})
    await refused(house, CreateDenied, "create", "articles", {"title": "x", "author": {"name": "Kid", "age": 3}})
    assert (await house.create("articles", {"title": "x", "author": {"name": "New", "age": 18}}, user=2))["author"] > 2
    await refused(house, UpdateDenied, "update", "articles", {"title": "x"}, keys=("2",))
    await house.update("articles", 2, {"title": "x", "comments": [{"text": "first"}]}, user=2)
    deleting = {"comments": [{"id": 1, "$delete": True}, {"id": 2, "$delete": True}]}
    await refused(house, UpdateDenied, "update", "articles", deleting, keys=("1",))


async def test_a_check_refuses_the_whole_request(house: House) -> None:
    await grant(house, "comments", checks={"create": {"text": {"neq": "bad"}}})
    await grant(house, "articles")
    found = await refused(house, CreateDenied, "create", "comments", {"text": "good"}, {"text": "bad"}, batch=True)
    assert [problem.path for problem in found.problems] == [(1,)]
    nested = {"title": "x", "comments": [{"text": "good"}, {"text": "bad"}]}
    found = await refused(house, CreateDenied, "create", "articles", nested)
    assert [problem.path for problem in found.problems] == [("comments", 1)]
    await refused(house, CreateDenied, "upsert", "comments", {"id": 77, "text": "bad"}, batch=True)
    await house.write("upsert", "comments", {"id": 1, "text": "bad"}, user=2, batch=True)  # an update: no check


async def test_checks_are_those_of_the_status_before(house: House) -> None:
    await grant(house, "articles", status="draft", checks={"update": {"status": {"in": "draft,published"}}})
    await grant(house, "articles", status="published", checks={"update": {"status": "published"}})
    await grant(house, "articles", status="deleted")
    await refused(house, UpdateDenied, "update", "articles", {"status": "draft"}, keys=("1",))
    await house.update("articles", 2, {"status": "published"}, user=2)
    await house.update("articles", 1, {"status": "deleted"}, user=2)  # a deletion is no update
    assert [row[1] for row in await house.rows("articles", "id", "status")] == ["deleted", "published", "deleted"]


async def test_reverts_are_checked_and_get_no_presets(house: House) -> None:
    await house.update("articles", 1, {"title": "Then", "rating": 1})
    await house.update("articles", 1, {"title": "Now", "rating": 2})
    then, now = [row[0] for row in await house.rows("directus_revisions", "id")]
    await grant(house, "articles", checks={"update": {"title": "Now"}}, presets={"update": {"slug": "preset"}})
    await refused(house, UpdateDenied, "revert", "articles", keys=("1",), revision=str(then))
    await house.write("revert", "articles", keys=("1",), revision=str(now), user=2)
    assert await house.one("articles", "title", "slug", where='"id" = 1') == ("Now", "now")


async def test_checks_cost_one_statement_a_collection(house: House) -> None:
    await grant(house, "comments")
    for count in (2, 30):
        await house.write("create", "comments", *({"text": "a"} for _ in range(count)), user=2, batch=True)
        plain = house.statements
    await house.run("DELETE FROM directus_permissions")
    await grant(
        house, "comments", checks={"create": {"article.title": {"null": ""}, "text": {"eq": "a", "logical": "or"}}}
    )
    for count in (2, 30):
        await house.write("create", "comments", *({"text": "a"} for _ in range(count)), user=2, batch=True)
        assert house.statements == plain + 1


async def test_a_row_that_goes_again_is_not_checked(house: House) -> None:
    await grant(house, "comments", checks={"update": {"text": "none"}})
    await grant(house, "articles")
    both = {"comments": [{"id": 1, "text": "x"}, {"id": 1, "$delete": True}]}
    await house.update("articles", 1, both, user=2)
    assert await house.rows("comments", "id") == [(2,)]


# Rules as they are written


WRONG: tuple[tuple[dict[str, Any], tuple[str, ...]], ...] = (
    ({"rules": {"read": {"nope": 1}}}, ("rules", "read")),
    ({"rules": {"read": {"author.nope": 1}}}, ("rules", "read")),
    ({"rules": {"read": {"title": {"near": 1}}}}, ("rules", "read")),
    ({"rules": {"read": {"rating": "much"}}}, ("rules", "read")),
    ({"rules": {"read": {"rating": {"in": []}}}}, ("rules", "read")),
    ({"rules": {"read": {"title": {"contains": ""}}}}, ("rules", "read")),
    ({"rules": {"read": {"title": {"contains": "$CURRENT_USER"}}}}, ("rules", "read")),
    ({"rules": {"read": {"title": "$CURRENT_TEAM"}}}, ("rules", "read")),
    ({"rules": {"read": {"created": "$NOW(-1 moon)"}}}, ("rules", "read")),
    ({"rules": {"read": {"rating": "$NOW"}}}, ("rules", "read")),
    ({"rules": {"read": {"created": "$CURRENT_USER"}}}, ("rules", "read")),
    ({"rules": {"read": {"owner.password": {"nnull": ""}}}}, ("rules", "read")),
    ({"rules": {"read": [{"field": "title", "operator": "eq"}]}}, ("rules", "read")),
    ({"rules": {"read": "title"}}, ("rules", "read")),
    ({"rules": {"create": {"title": "x"}}}, ("rules",)),
    ({"rules": ["x"]}, ("rules",)),
    ({"rules": {"read": {"title": {"in": [[[[[[[[["x"]]]]]]]]]}}}}, ("rules",)),
    ({"checks": {"read": {"title": "x"}}}, ("checks",)),
    ({"checks": {"update": {"nope": "x"}}}, ("checks", "update")),
    ({"presets": {"create": {"nope": 1}}}, ("presets", "create", "nope")),
    ({"presets": {"create": {"id": 1}}}, ("presets", "create", "id")),
    ({"presets": {"create": {"secret": "x"}}}, ("presets", "create", "secret")),
    ({"presets": {"create": {"comments": []}}}, ("presets", "create", "comments")),
    ({"presets": {"create": {"author": {"name": "x"}}}}, ("presets", "create", "author")),
    ({"presets": {"create": {"rating": "x"}}}, ("presets", "create", "rating")),
    ({"presets": {"update": ["x"]}}, ("presets", "update")),
    ({"presets": {"create": {"status": "draft"}}, "status": "published"}, ("presets", "create", "status")),
    ({"rules": {"read": {"title": "x"}}, "status": "$create"}, ("rules",)),
    ({"rules": {"read": {"title": "x"}}, "collection": "nowhere"}, ("rules",)),
    ({"rules": {"read": {"field": "x"}}, "collection": "directus_fields"}, ("rules",)),
)


@pytest.mark.parametrize("payload, path", WRONG, ids=lambda one: str(one)[:60])
async def test_what_means_nothing_is_not_stored(house: House, payload: dict[str, Any], path: tuple[str, ...]) -> None:
    sent = {"collection": "articles", "role": 3, **payload}
    found = await refused(house, ValidationFailed, "create", "directus_permissions", sent, user=1)
    assert [problem.path for problem in found.problems] == [path]
    assert await house.rows("directus_permissions", "id") == []


async def test_rules_are_kept_as_they_were_sent(house: House) -> None:
    either = {"author.name": "Ada", "title": {"contains": "w", "logical": "or"}}
    rules = {"read": either, "update": {}, "delete": None}
    listed = {"update": [{"field": "title", "op": "neq", "value": "x"}, {"field": "id", "value": 1, "or": True}]}
    sent = {"collection": "articles", "role": 3, "read": "full", "rules": rules, "checks": listed}
    made = await house.create("directus_permissions", sent)
    assert (made["rules"], made["checks"], made["presets"]) == (rules, listed, None)
    assert await keys(house) == [1, 2]
    await house.update("directus_permissions", made["id"], {"rules": {"read": {"author.name": "Ada"}}})
    assert await keys(house) == [1]
    moved = {"collection": "comments"}
    found = await refused(
        house, ValidationFailed, "update", "directus_permissions", moved, keys=(str(made["id"]),), user=1
    )
    assert [problem.path for problem in found.problems] == [("rules", "read"), ("checks", "update")]
    await house.update("directus_permissions", made["id"], {"rules": None})
    assert await keys(house) == [1, 2]


async def test_who_may_not_comment(house: House) -> None:
    """A rule says nothing of comments but which items there are."""
    await grant(house, "articles", comment="none", rules={"read": {"title": "One"}})
    session = await house.session(2)
    with pytest.raises(CommentCreateDenied):
        await comments.create(session, {"collection": "articles", "item": "1", "comment": "x"}, engine.READING, ROW)
