"""In charge of what history tells to whom: nobody sees through a revision or an activity what he may not read.

Spec 03 §11.2, 12.2, access spec 8.4, 9.1. Every answer is exact, on every database; the number of statements is one.
"""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from core import engine, history
from core.errors import CollectionNotFound, FieldAccessDenied, ItemNotFound, ReadDenied
from core.query.aggregate import AggregateRequest, Measure
from core.query.selection import Condition, Leaf, ReadRequest, Selection
from tests.api.writes.world import House, select

REVISIONS = "directus_revisions"
ACTIVITY = "directus_activity"
WRITER = 2


def eq(**values: Any) -> tuple[Condition, ...]:
    return tuple(Condition(name, "eq", value) for name, value in values.items())


async def read(house: House, collection: str, *fields: str, user: int | None = WRITER, **more: Any) -> list[Any]:
    """The items in their REST form; one statement, whatever the rights and rows are."""
    session = await house.session(user)
    before = house.store.statements_total
    result = await engine.read(session, ReadRequest(collection, select(*fields), **{"limit": -1, **more}))
    house.statements = house.store.statements_total - before
    assert house.statements == 1
    return [item["_row"] for item in result.items]


async def items(house: House, user: int | None = WRITER, **more: Any) -> list[tuple[str, str]]:
    """(collection, item) of the revisions that are seen, by id."""
    return [(row["collection"], row["item"]) for row in await read(house, REVISIONS, "*", user=user, **more)]


async def write_all(house: House) -> None:
    """A revision of each article (1 published of user 2, 2 draft of user 3, 3 deleted of user 2), author 1, tag red."""
    revision = {"activity": 1, "data": '{"id": "1"}', "delta": "[]"}
    rows = [("articles", "1"), ("articles", "2"), ("articles", "3"), ("authors", "1"), ("tags", "red")]
    await house.put(REVISIONS, *({**revision, "collection": name, "item": item} for name, item in rows))


# --- rows ---------------------------------------------------------------------------------------------------------


async def test_admins_see_all_revisions(house: House) -> None:
    await write_all(house)
    await house.run("DELETE FROM articles")
    assert await items(house, user=1) == [
        ("articles", "1"), ("articles", "2"), ("articles", "3"), ("authors", "1"), ("tags", "red")
    ]  # fmt: skip


async def test_revisions_need_full_read(house: House) -> None:
    await write_all(house)
    await house.grant("articles", read="full")
    with pytest.raises(ReadDenied) as none:
        await read(house, REVISIONS, "*")
    assert none.value.level is False
    for level in ("mine", "role"):
        await house.run(f"DELETE FROM directus_permissions WHERE collection = '{REVISIONS}'")
        await house.grant(REVISIONS, read=level)
        with pytest.raises(ReadDenied) as owned:
            await read(house, REVISIONS, "*")
        assert (owned.value.collection, owned.value.level) == (REVISIONS, True)


async def test_revisions_of_what_is_not_readable_are_not_there(house: House) -> None:
    await write_all(house)
    await house.grant(REVISIONS, read="full")
    assert await items(house) == []
    await house.grant("tags", read="full")
    assert await items(house) == [("tags", "red")]
    await house.grant("articles", create="full", update="full", delete="full")
    assert await items(house) == [("tags", "red")]


async def test_rows_by_owner(house: House) -> None:
    await write_all(house)
    await house.grant(REVISIONS, read="full")
    await house.grant("articles", read="mine")
    assert await items(house) == [("articles", "1")]  # 3 is his as well, but deleted by its status
    assert await items(house, user=3) == [("articles", "2")]
    await house.run("UPDATE directus_permissions SET \"read\" = 'role' WHERE collection = 'articles'")
    house.project._policies.clear()
    assert await items(house) == [("articles", "1"), ("articles", "2")]


async def test_rows_by_status(house: House) -> None:
    await write_all(house)
    await house.grant(REVISIONS, read="full")
    await house.grant("articles", status="draft", read="full")
    assert await items(house) == [("articles", "2")]
    await house.grant("articles", status="published", read="mine")
    assert await items(house) == [("articles", "1"), ("articles", "2")]
    assert await items(house, user=3) == [("articles", "2")]
    await house.grant("articles", status="deleted", read="full")
    assert await items(house, user=3) == [("articles", "2"), ("articles", "3")]
    # The status that counts is that of the item now, not the one of the revision
    await house.run("UPDATE articles SET status = 'published', owner = 2 WHERE id = 2")
    assert await items(house, user=3) == [("articles", "3")]


async def test_items_that_are_gone_are_history_of_who_reads_all(house: House) -> None:
    await write_all(house)
    await house.run("DELETE FROM articles")
    await house.run("DELETE FROM tags")
    await house.grant(REVISIONS, read="full")
    await house.grant("articles", read="role")
    await house.grant("tags", read="full")
    assert await items(house) == [("tags", "red")]
    await house.run("UPDATE directus_permissions SET \"read\" = 'full' WHERE collection = 'articles'")
    house.project._policies.clear()
    assert await items(house) == [("articles", "1"), ("articles", "2"), ("articles", "3"), ("tags", "red")]


async def test_keys_are_compared_as_they_are(house: House) -> None:
    revision = {"activity": 1, "data": "{}", "delta": "[]"}
    names = ["1", "01", "1.0", " 1", "1 ", "1abc", "", "999999999999999999999", "9999999999999999999"]
    await house.put(REVISIONS, *({**revision, "collection": "articles", "item": name} for name in names))
    await house.grant(REVISIONS, read="full")
    await house.grant("articles", read="mine")
    assert await items(house) == [("articles", "1")]
    await house.put(REVISIONS, {**revision, "collection": "codes", "item": "no uuid"})
    await house.grant("codes", status="x", read="mine")  # a status that no column has: nothing
    assert await items(house) == [("articles", "1")]


async def test_names_of_collections_are_exact(house: House) -> None:
    revision = {"activity": 1, "data": "{}", "delta": "[]"}
    await house.put(REVISIONS, *({**revision, "collection": name, "item": "1"} for name in ("ARTICLES", "articles")))
    await house.grant(REVISIONS, read="full")
    await house.grant("articles", read="full")
    assert await items(house) == [("articles", "1")]


async def test_the_public_role(house: House) -> None:
    await write_all(house)
    with pytest.raises(ReadDenied) as denied:
        await read(house, REVISIONS, "*", user=None)
    assert denied.value.public is True
    await house.grant(REVISIONS, role=2, read="full")
    await house.grant("articles", role=2, status="published", read="full")
    assert await items(house, user=None) == [("articles", "1")]


async def test_one_revision_by_id(house: House) -> None:
    await write_all(house)
    await house.grant(REVISIONS, read="full")
    await house.grant("articles", read="mine")
    ids = [row[0] for row in await house.rows(REVISIONS, "id")]
    assert [row["item"] for row in await read(house, REVISIONS, "*", id=str(ids[0]))] == ["1"]
    with pytest.raises(ItemNotFound):
        await read(house, REVISIONS, "*", id=str(ids[1]))
    assert await items(house, ids=tuple(map(str, ids))) == [("articles", "1")]


async def test_counts_see_the_same_rows(house: House) -> None:
    await write_all(house)
    await house.grant(REVISIONS, read="full")
    await house.grant("articles", read="mine")
    meta = frozenset({"result_count", "total_count", "filter_count"})
    session = await house.session(WRITER)
    request = ReadRequest(REVISIONS, select("id"), where=eq(collection="articles"), meta=meta)
    assert (await engine.read(session, request)).meta == {"result_count": 1, "total_count": 1, "filter_count": 1}
    counted = AggregateRequest(REVISIONS, (Measure("n", "count"),), group_by=("collection",), group_keys=("group",))
    assert await engine.aggregate(session, counted) == [{"group": {"collection": "articles"}, "n": 1}]


async def test_conditions_on_the_collection_do_not_widen(house: House) -> None:
    await write_all(house)
    await house.grant(REVISIONS, read="full")
    await house.grant("articles", read="mine")
    assert await items(house, where=eq(collection="articles")) == [("articles", "1")]
    assert await items(house, where=eq(collection="authors")) == []
    assert await items(house, where=eq(collection="nowhere")) == []
    either = (Condition("collection", "eq", "authors"), Condition("collection", "eq", "articles", either=True))
    assert await items(house, where=either) == [("articles", "1")]
    twice = (Condition("collection", "eq", "articles"), Condition("collection", "eq", "authors"))
    assert await items(house, where=twice) == []


# --- contents -----------------------------------------------------------------------------------------------------


async def contents(house: House, user: int | None = WRITER, **more: Any) -> list[tuple[Any, Any]]:
    return [(row["data"], row["delta"]) for row in await read(house, REVISIONS, "data,delta", user=user, **more)]


async def test_hidden_fields_are_hidden_in_revisions(house: House) -> None:
    await house.create("articles", {"title": "New", "rating": 2, "author": 1})
    [(data, delta)] = await contents(house, user=1)
    assert (data["rating"], delta) == ("2" if house.dialect == "sqlite" else "2.00", {
        "title": "New", "rating": 2, "author": 1
    })  # fmt: skip
    await house.grant(REVISIONS, read="full")
    await house.grant("articles", read="full", read_field_blacklist="rating,author")
    expected = {name: value for name, value in data.items() if name not in ("rating", "author")}
    assert await contents(house) == [(expected, {"title": "New"})]
    typed = Selection((Leaf("d", "data", "json"), Leaf("t", "delta", "json_text")))
    result = await engine.read(await house.session(WRITER), ReadRequest(REVISIONS, typed))
    assert [(item["d"], json.loads(item["t"])) for item in result.items] == [(expected, {"title": "New"})]


async def test_fields_hidden_in_some_status_are_hidden_in_all_revisions(house: House) -> None:
    await house.update("articles", 1, {"rating": 5})
    await house.grant(REVISIONS, read="full")
    await house.grant("articles", status="published", read="full")
    await house.grant("articles", status="draft", read="full", read_field_blacklist="rating")
    [(data, delta)] = await contents(house)
    assert "rating" not in data
    assert delta == {}


@pytest.mark.parametrize("broken", ['"text"', '[{"rating": 1}]', "{", "7"])
async def test_contents_that_cannot_be_looked_into_are_not_shown(house: House, broken: str) -> None:
    row = {"activity": 1, "collection": "articles", "item": "1", "data": broken, "delta": "[]"}
    await house.put(REVISIONS, row)
    await house.grant(REVISIONS, read="full")
    await house.grant("articles", read="full", read_field_blacklist="rating")
    assert await contents(house) == [(None, [])]


async def test_no_question_about_contents(house: House) -> None:
    await house.create("articles", {"title": "New", "rating": 2})
    await house.grant(REVISIONS, read="full")
    await house.grant("articles", read="full", read_field_blacklist="rating")
    session = await house.session(WRITER)
    for name in ("data", "delta", "parent_item", "parent_collection"):
        for op in ("contains", "eq", "null", "gt"):
            with pytest.raises(FieldAccessDenied):
                await engine.read(session, ReadRequest(REVISIONS, select("*"), where=(Condition(name, op, "a"),)))
        with pytest.raises(FieldAccessDenied):
            await engine.read(session, ReadRequest(REVISIONS, select("*"), groups=(name,)))
        with pytest.raises(FieldAccessDenied):
            await engine.aggregate(session, AggregateRequest(REVISIONS, (), group_by=(name,)))
    for name in ("data", "delta"):  # aggregates show values as they are stored
        largest = AggregateRequest(REVISIONS, (Measure("m", "max", name),))
        admin = await house.session(1)
        with pytest.raises(FieldAccessDenied):
            await engine.aggregate(admin, largest)
    assert len(await items(house, sort=("-data",))) == 1
    assert await items(house, q="rating") == []
    assert len(await items(house, user=1, where=(Condition("data", "contains", "rating"),))) == 1


async def test_a_hidden_foreign_key_hides_the_parent(house: House) -> None:
    await house.update("articles", 1, {"comments": [{"text": "third"}]})
    await house.grant(REVISIONS, read="full")
    await house.grant("comments", read="full")
    shown = ("collection", "parent_collection", "parent_item", "parent_changed")
    row = {"collection": "comments", "parent_collection": "articles", "parent_item": "1", "parent_changed": True}
    assert await read(house, REVISIONS, *shown) == [row]
    assert len(await items(house, where=eq(parent_item="1"))) == 1
    await house.run("DELETE FROM directus_permissions WHERE collection = 'comments'")
    await house.grant("comments", read="full", read_field_blacklist="article")
    hidden = {"parent_collection": None, "parent_item": None, "parent_changed": False}
    assert await read(house, REVISIONS, *shown) == [{**row, **hidden}]
    assert ["article" in delta for _, delta in await contents(house)] == [False]


SECRETS = {
    "id": "2", "email": "u2@example.org", "password": "open sesame", "token": "t", "2fa_secret": "s",
    "password_reset_token": "r", "last_page": "/x",
}  # fmt: skip


async def test_secrets_of_users_are_shown_to_nobody(house: House) -> None:
    """As a database of Directus 8 holds them (access spec 8.4)."""
    row = {"activity": 1, "collection": "directus_users", "data": json.dumps(SECRETS), "delta": json.dumps(SECRETS)}
    await house.put(REVISIONS, {**row, "item": "2"}, {**row, "item": "3"})
    safe = {
        "id": "2", "email": "u2@example.org", "token": None, "2fa_secret": None, "password_reset_token": None,
        "last_page": "/x",
    }  # fmt: skip
    assert await contents(house, user=1) == [(safe, safe), (safe, safe)]
    await house.grant(REVISIONS, read="full")
    await house.grant("directus_users", status="active", read="full")
    of_others = {"id": "2", "email": "u2@example.org", "password_reset_token": None}
    assert await contents(house) == [(safe, safe), (of_others, of_others)]
    assert await contents(house, user=3) == [(of_others, of_others), (safe, safe)]


async def test_plaintexts_of_old_deltas_are_shown_to_nobody(house: House) -> None:
    kept, sent = {"id": "1", "secret": "a hash"}, {"title": "x", "secret": "plaintext"}
    row = {"activity": 1, "collection": "articles", "item": "1", "data": json.dumps(kept), "delta": json.dumps(sent)}
    await house.put(REVISIONS, row)
    assert await contents(house, user=1) == [(kept, {"title": "x"})]


# --- of one item --------------------------------------------------------------------------------------------------


async def of(house: House, collection: str, item: str, user: int = 1, **more: Any) -> list[Any]:
    session = await house.session(user)
    request = more.pop("request", ReadRequest(REVISIONS, select("*")))
    before = house.store.statements_total
    result = await history.revisions(session, collection, item, request, **more)
    assert house.store.statements_total - before == 1
    return [item["_row"] for item in result.items]


async def test_revisions_of_an_item(house: House) -> None:
    for title in ("a", "b", "c"):
        await house.update("articles", 1, {"title": title})
    await house.update("articles", 2, {"title": "other"})
    assert [row["delta"] for row in await of(house, "articles", "1")] == [
        {"title": "a"}, {"title": "b"}, {"title": "c"}
    ]  # fmt: skip
    assert [row["delta"] for row in await of(house, "articles", "01")] == [
        {"title": "a"}, {"title": "b"}, {"title": "c"}
    ]  # fmt: skip
    request = ReadRequest(REVISIONS, select("delta"), sort=("-id",), limit=2)
    assert await of(house, "articles", "1", request=request) == [{"delta": {"title": "c"}}, {"delta": {"title": "b"}}]
    request = ReadRequest(REVISIONS, select("delta"), limit=1, offset=1)
    assert await of(house, "articles", "1", request=request) == [{"delta": {"title": "b"}}]
    # Further conditions narrow the list, and none leads out of it.
    assert await of(house, "articles", "1", request=replace(request, where=eq(item="2"), offset=None)) == []
    either = (Condition("item", "eq", "1"), Condition("item", "eq", "2", either=True))
    assert len(await of(house, "articles", "1", request=ReadRequest(REVISIONS, select("delta"), where=either))) == 3
    for unknown in ("99", "1,2", "x", "1abc"):
        assert await of(house, "articles", unknown) == []
    with pytest.raises(CollectionNotFound):
        await history.revisions(await house.session(), "nowhere", "1", request)


async def test_revisions_of_an_item_need_both_rights(house: House) -> None:
    await house.update("articles", 1, {"title": "a"})
    request = ReadRequest(REVISIONS, select("*"))

    async def denied() -> ReadDenied:
        with pytest.raises(ReadDenied) as caught:
            await history.revisions(await house.session(WRITER), "articles", "1", request)
        return caught.value

    await house.grant(REVISIONS, read="full")
    assert (await denied()).collection == "articles"
    await house.run("DELETE FROM directus_permissions")
    await house.grant("articles", read="full")
    assert (await denied()).collection == REVISIONS
    await house.grant(REVISIONS, read="full")
    assert len(await of(house, "articles", "1", user=WRITER)) == 1
    await house.run("DELETE FROM directus_permissions WHERE collection = 'articles'")
    await house.grant("articles", read="mine")
    assert len(await of(house, "articles", "1", user=WRITER)) == 1
    assert await of(house, "articles", "1", user=3) == []


async def test_me_is_the_caller(house: House) -> None:
    await house.update("directus_users", 2, {"first_name": "Ada"})
    await house.update("directus_users", 3, {"first_name": "Bob"})
    await house.grant(REVISIONS, read="full")
    await house.grant("directus_users", status="active", read="full")
    assert [row["delta"] for row in await of(house, "directus_users", "me", user=WRITER)] == [{"first_name": "Ada"}]
    assert [row["delta"] for row in await of(house, "directus_users", "3", user=WRITER)] == [{"first_name": "Bob"}]


# --- activity -----------------------------------------------------------------------------------------------------


def entry(action: str, by: int, item: str, **more: Any) -> dict[str, Any]:
    return {
        "action": action, "action_by": by, "action_on": more.pop("on", "2026-01-01 00:00:00"), "ip": "",
        "user_agent": "", "collection": "articles", "item": item, "comment": None, "comment_deleted_on": None, **more,
    }  # fmt: skip


async def activities(house: House, user: int | None = WRITER, **more: Any) -> list[str]:
    return [row["user_agent"] for row in await read(house, ACTIVITY, "user_agent", user=user, **more)]


async def tell(house: House) -> None:
    """What happened, named by `user_agent`."""
    moment: Any = datetime.fromisoformat("2026-01-01") if house.dialect == "postgres" else "2026-01-01 00:00:00"
    rows = [
        ("own", entry("update", 2, "1")), ("colleague's", entry("update", 3, "2")),
        ("admin's", entry("update", 1, "1")),
        ("on his", entry("comment", 1, "1", comment="c")), ("on another's", entry("comment", 1, "2", comment="c")),
        ("own on another's", entry("comment", 2, "2", comment="c")),
        ("deleted", entry("comment", 2, "1", comment="c", comment_deleted_on=moment)),
        ("on a tag", entry("comment", 1, "red", collection="tags", comment="c")),
    ]  # fmt: skip
    await house.put(ACTIVITY, *({**row, "user_agent": name, "action_on": moment} for name, row in rows))


async def test_activity_by_level(house: House) -> None:
    await tell(house)
    everything = ["own", "colleague's", "admin's", "on his", "on another's", "own on another's", "deleted", "on a tag"]
    assert await activities(house, user=1) == everything
    with pytest.raises(ReadDenied):
        await activities(house)
    await house.grant(ACTIVITY, read="full")
    assert await activities(house) == [name for name in everything if name != "deleted"]
    await house.run("DELETE FROM directus_permissions")
    await house.grant(ACTIVITY, read="mine")
    assert await activities(house) == ["own", "own on another's"]
    await house.grant("articles", read="mine")
    assert await activities(house) == ["own", "on his", "own on another's"]
    assert await activities(house, user=3) == ["colleague's", "on another's", "own on another's"]
    await house.grant("tags", read="full")
    assert await activities(house) == ["own", "on his", "own on another's", "on a tag"]
    await house.run("UPDATE directus_permissions SET \"read\" = 'role' WHERE collection = 'directus_activity'")
    house.project._policies.clear()
    assert await activities(house) == ["own", "colleague's", "on his", "own on another's", "on a tag"]


async def test_comments_of_an_item(house: House) -> None:
    """What the app asks for beside every item."""
    await tell(house)
    await house.grant(ACTIVITY, read="mine")
    await house.grant("articles", read="mine")
    assert await activities(house, where=eq(collection="articles", item="1")) == ["own", "on his"]
    assert await activities(house, where=eq(collection="articles", item="2")) == ["own on another's"]
    assert await activities(house, where=eq(collection="tags", item="red")) == []
    assert await activities(house, where=(Condition("item", "in", "1,2"),)) == ["own", "on his", "own on another's"]


async def test_activity_through_revisions(house: House) -> None:
    """A relation into activity is restricted as activity is, and so is a filter on it."""
    await house.update("articles", 1, {"title": "x"}, comment="for a reason")
    await house.grant(REVISIONS, read="full")
    await house.grant("articles", read="full")
    session = await house.session(WRITER)
    expanded = ReadRequest(REVISIONS, select("item", "activity.comment"))
    [activity] = await house.one("directus_activity", "id")
    assert (await engine.read(session, expanded)).items == [{"_row": {"item": "1", "activity": {"id": activity}}}]
    asked = ReadRequest(REVISIONS, select("item"), where=eq(**{"activity.comment": "for a reason"}))
    with pytest.raises(FieldAccessDenied):
        await engine.read(session, asked)
    await house.grant(ACTIVITY, read="mine")
    session = await house.session(WRITER)
    assert (await engine.read(session, expanded)).items == [{"_row": {"activity": None, "item": "1"}}]
    assert (await engine.read(session, asked)).items == []
