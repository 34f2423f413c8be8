"""In charge of comments on items: who may, what is stored, what is answered (spec 03 §12.3, access spec 12.10)."""

from __future__ import annotations

from typing import Any

import pytest

from core import engine, history
from core.errors import (
    CollectionNotFound,
    CommentCreateDenied,
    CommentDeleteDenied,
    CommentNotFound,
    CommentUpdateDenied,
    CreateDenied,
    ItemNotFound,
    TabulariumError,
    Unprocessable,
    ValidationFailed,
)
from core.query.selection import ReadRequest
from core.session import Session
from tests.api.writes.world import AT, House, select

WRITER, COLLEAGUE = 2, 3
ROW = (
    "action", "action_by", "action_on", "ip", "user_agent", "collection", "item", "edited_on", "comment",
    "comment_deleted_on",
)  # fmt: skip


async def say(house: House, text: str = "Hm.", item: Any = 1, user: int | None = WRITER, **more: Any) -> Any:
    session = await house.session(user)
    payload = {"collection": "articles", "item": item, "comment": text}
    before = house.store.statements_total
    result = await history.create_comment(session, payload, **more)
    house.statements = house.store.statements_total - before
    return result.items[0]["_row"]


async def refused(house: House, error: type[TabulariumError], door: Any, session: Session, *arguments: Any) -> Any:
    before = await house.rows("directus_activity", "id", *ROW)
    with pytest.raises(error) as caught:
        await door(session, *arguments)
    assert await house.rows("directus_activity", "id", *ROW) == before
    assert await house.rows("directus_revisions", "id") == []
    return caught.value


async def test_a_comment(house: House) -> None:
    await house.grant("articles", read="full", comment="create")
    row = await say(house, "Looks good")
    assert house.statements == 3  # the item, the row, the answer
    assert row == {
        "id": row["id"], "action": "comment", "action_by": 2, "action_on": AT, "ip": "localhost",
        "user_agent": "tests", "collection": "articles", "item": "1", "edited_on": None, "comment": "Looks good",
        "comment_deleted_on": None,
    }  # fmt: skip
    assert await house.rows("directus_activity", "id", *ROW) == [
        (row["id"], "comment", 2, AT, "localhost", "tests", "articles", "1", None, "Looks good", None)
    ]
    assert await house.rows("directus_revisions", "id") == []


async def test_the_answer_is_the_writers_but_not_what_hangs_on_it(house: House) -> None:
    await house.grant("articles", read="full", comment="create")
    chosen = {"selection": select("comment", "action_by.email"), "meta": frozenset({"collection", "type"})}
    session = await house.session(WRITER)
    payload = {"collection": "articles", "item": 1, "comment": "x"}
    result = await history.create_comment(session, payload, **chosen)
    assert [item["_row"] for item in result.items] == [{"action_by": {"id": 2}, "comment": "x"}]
    assert result.meta == {"collection": "directus_activity", "type": "item"}
    assert [warning.collection for warning in result.warnings] == ["directus_users"]
    await house.grant("directus_activity", status="x", read="mine")
    assert (await say(house))["action_by"] == 2
    await house.run("DELETE FROM directus_permissions WHERE collection = 'directus_activity'")
    await house.grant("directus_activity", read="mine", read_field_blacklist="ip")
    assert "ip" not in await say(house)


async def test_the_key_is_kept_as_the_item_has_it(house: House) -> None:
    await house.grant("articles", read="full", comment="create")
    assert (await say(house, item="01"))["item"] == "1"
    assert (await say(house, item=1))["item"] == "1"


async def test_what_the_server_sets_counts_for_nothing(house: House) -> None:
    session = await house.session(1)
    payload = {
        "id": 77, "action": "delete", "action_by": 3, "ip": "1.2.3.4", "user_agent": "x", "edited_on": AT,
        "comment_deleted_on": AT, "action_on": "2000-01-01 00:00:00", "collection": "articles", "item": 2,
        "comment": "x",
    }  # fmt: skip
    result = await history.create_comment(session, payload)
    row = result.items[0]["_row"] if result.items[0] else {}
    assert row["id"] != 77
    assert await house.rows("directus_activity", *ROW) == [
        ("comment", 1, AT, "localhost", "tests", "articles", "2", None, "x", None)
    ]


async def test_bad_payloads(house: House) -> None:
    session = await house.session(1)
    create = history.create_comment
    error = await refused(house, ValidationFailed, create, session, {})
    blank = "This value should not be blank."
    assert error.message == f"collection: {blank} item: {blank} comment: {blank}"
    good = {"collection": "articles", "item": 1, "comment": "x"}
    for bad in ({"comment": ""}, {"comment": None}, {"comment": 7}, {"comment": ["x"]}, {"comment": "\x00"},
                {"item": True}, {"item": [1]}, {"collection": {}}):  # fmt: skip
        await refused(house, ValidationFailed, create, session, {**good, **bad})
    error = await refused(house, Unprocessable, create, session, {**good, "id_": 1})
    assert (error.code, '"id_"' in error.message) == (12, True)
    assert (await refused(house, CollectionNotFound, create, session, {**good, "collection": "nowhere"})).code == 200
    for key in (99, "x", "1abc", "1,2", 3):
        await refused(house, ItemNotFound, create, session, {**good, "item": key})


async def test_who_may_comment(house: House) -> None:
    payload = {"collection": "articles", "item": 1, "comment": "x"}

    async def denied(error: type[TabulariumError], user: int | None = WRITER) -> Any:
        return await refused(house, error, history.create_comment, await house.session(user), payload)

    await house.grant("articles", role=2, read="full", comment="full")
    public = await denied(CreateDenied, user=None)
    assert (public.code, public.level, public.public) == (301, True, True)
    await denied(ItemNotFound)  # a missing row is none, of reading as well
    for level in ("none", "read"):
        await house.run("DELETE FROM directus_permissions WHERE role = 3")
        await house.grant("articles", read="full", comment=level)
        error = await denied(CommentCreateDenied)
        assert (error.code, error.message) == (210, 'Adding a comment to "articles" collection was denied')
    await house.run("DELETE FROM directus_permissions WHERE role = 3")
    await house.grant("articles", read="mine", comment=None)  # NULL means update
    await say(house)
    assert (await denied(ItemNotFound, COLLEAGUE)).message == 'Item with id "1" not found'


async def test_the_stored_status_decides(house: House) -> None:
    await house.grant("articles", status="draft", read="full", comment="none")
    await house.grant("articles", status="published", read="full", comment="create")
    await say(house, item=1)
    payload = {"collection": "articles", "item": 2, "comment": "x"}
    await refused(house, CommentCreateDenied, history.create_comment, await house.session(WRITER), payload)


async def test_editing(house: House) -> None:
    await house.grant("articles", read="full", comment="update")
    comment = str((await say(house, "frist"))["id"])
    session = await house.session(WRITER)
    before = house.store.statements_total
    result = await history.update_comment(session, comment, {"comment": "first", "action_by": 9, "item": "2"})
    assert house.store.statements_total - before == 4  # the comment, its item, the change, the answer
    row = result.items[0]["_row"] if result.items[0] else {}
    assert (row["comment"], row["edited_on"], row["action_by"], row["item"]) == ("first", AT, 2, "1")
    assert await house.rows("directus_activity", *ROW) == [
        ("comment", 2, AT, "localhost", "tests", "articles", "1", AT, "first", None)
    ]
    for bad in ({}, {"comment": ""}, {"comment": None}):
        await refused(house, ValidationFailed, history.update_comment, session, comment, bad)
    await refused(house, Unprocessable, history.update_comment, session, comment, {"comment": "x", "nothing": 1})


async def test_deleting(house: House) -> None:
    await house.grant("articles", read="full", comment="update")
    await house.grant("directus_activity", read="full")
    comment = str((await say(house))["id"])
    await history.delete_comment(await house.session(WRITER), comment)
    assert await house.rows("directus_activity", "comment", "comment_deleted_on") == [("Hm.", AT)]
    request = ReadRequest("directus_activity", select("id"))
    assert (await engine.read(await house.session(WRITER), request)).items == []
    assert len((await engine.read(await house.session(1), request)).items) == 1
    for user in (1, WRITER):
        session = await house.session(user)
        assert (await refused(house, CommentNotFound, history.delete_comment, session, comment)).code == 203
        await refused(house, CommentNotFound, history.update_comment, session, comment, {"comment": "x"})


async def test_comments_of_others(house: House) -> None:
    await house.grant("articles", read="full", comment="update")
    comment = str((await say(house))["id"])
    session = await house.session(COLLEAGUE)
    text = {"comment": "x"}
    error = await refused(house, CommentUpdateDenied, history.update_comment, session, comment, text)
    assert (error.code, error.level) == (211, True)
    assert (await refused(house, CommentDeleteDenied, history.delete_comment, session, comment)).code == 212
    await house.run("UPDATE directus_permissions SET \"comment\" = 'full'")
    house.project._policies.clear()
    session = await house.session(COLLEAGUE)
    await history.update_comment(session, comment, text)
    assert await house.rows("directus_activity", "comment", "action_by") == [("x", 2)]
    await house.run("UPDATE directus_permissions SET \"comment\" = 'create'")
    house.project._policies.clear()
    session = await house.session(WRITER)
    await refused(house, CommentUpdateDenied, history.update_comment, session, comment, text)
    await refused(house, CommentDeleteDenied, history.delete_comment, session, comment)
    await house.run("UPDATE directus_permissions SET role = 2, \"comment\" = 'full'")
    house.project._policies.clear()
    session = await house.session(None)
    await refused(house, CommentUpdateDenied, history.update_comment, session, comment, text)
    await refused(house, CommentDeleteDenied, history.delete_comment, session, comment)


async def test_what_is_no_comment(house: House) -> None:
    await house.update("articles", 1, {"title": "x"})
    [(activity,)] = await house.rows("directus_activity", "id")
    session = await house.session(1)
    for key in (str(activity), "99", "x", "", "99999999999999999999"):
        before = await house.rows("directus_activity", "id", *ROW)
        with pytest.raises(CommentNotFound) as caught:
            await history.update_comment(session, key, {"comment": "x"})
        assert (caught.value.code, caught.value.message) == (203, f'Comment "{key}" not found')
        with pytest.raises(CommentNotFound):
            await history.delete_comment(session, key)
        assert await house.rows("directus_activity", "id", *ROW) == before


async def test_items_that_are_gone(house: House) -> None:
    comment = str((await say(house, user=1))["id"])
    for sql in ("UPDATE articles SET status = 'deleted' WHERE id = 1", "DELETE FROM articles WHERE id = 1"):
        await house.run(sql)
        session = await house.session(1)
        await refused(house, ItemNotFound, history.update_comment, session, comment, {"comment": "x"})
        await refused(house, ItemNotFound, history.delete_comment, session, comment)
