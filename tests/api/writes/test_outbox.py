"""In charge of the outbox of webhooks: which changes are stored for sending, in what form, and what it costs (§13)."""

from __future__ import annotations

import json
from typing import Any

import pytest

from core import history
from core.errors import CommentNotFound, DuplicateItem, ValidationFailed
from tests.api.writes.world import AT, House

VERBS = ("create", "update", "delete")


async def hook(house: House, *hooks: tuple[str, str], method: str = "post", status: str = "active") -> None:
    """Webhooks on (collection, verb), written through the door as an admin does."""
    for collection, verb in hooks:
        row = {
            "status": status, "http_action": method, "url": f"https://hooks.example/{collection}/{verb}",
            "collection": collection, "directus_action": f"item.{verb}:after",
        }  # fmt: skip
        await house.create("directus_webhooks", row)


async def stored(house: House) -> list[tuple[Any, ...]]:
    """(collection, event, item, body) of the deliveries in their order."""
    rows = await house.rows("directus_deliveries", "id", "collection", "event", "item", "body")
    return [(*row[1:4], None if row[4] is None else json.loads(row[4])) for row in rows]


@pytest.fixture(autouse=True)
async def none_at_first(house: House) -> None:
    for table in ("directus_webhooks", "directus_deliveries"):
        await house.run(f"DELETE FROM {table}")
    await house.log("webhooks")


async def test_creations_tell_the_whole_row(house: House) -> None:
    await hook(house, ("articles", "create"), ("authors", "create"))
    await house.create(
        "articles", {"title": "x", "featured": True, "meta": [1], "rating": 2, "author": {"name": "New"}}
    )
    assert await stored(house) == [
        ("authors", "item.create:after", "3", {"id": 3, "name": "New", "age": None}),
        ("articles", "item.create:after", "4", {
            "id": 4, "status": "draft", "title": "x", "slug": "x", "rating": 2, "featured": 1, "meta": "[1]",
            "tags_list": None, "author": 3, "owner": 1, "editor": 1, "created": AT, "modified": AT,
        }),
    ]  # fmt: skip


async def test_updates_tell_what_was_set_and_the_key_as_text(house: House) -> None:
    await hook(house, ("articles", "update"), ("comments", "update"))
    await house.update("articles", 2, {"rating": 3, "comments": [{"id": 1}]})
    assert await stored(house) == [
        ("articles", "item.update:after", "2", {"id": "2", "rating": 3, "editor": 1, "modified": AT}),
        ("comments", "item.update:after", "1", {"id": "1", "article": 2}),
    ]


async def test_a_soft_deletion_is_an_update(house: House) -> None:
    await hook(house, *(("articles", verb) for verb in VERBS))
    await house.update("articles", 1, {"status": "deleted"})
    [(*place, body)] = await stored(house)
    assert place == ["articles", "item.update:after", "1"]
    assert body == {"id": "1", "status": "deleted", "editor": 1, "modified": AT}


async def test_comments_are_rows_of_activity(house: House) -> None:
    await hook(house, *(("directus_activity", verb) for verb in VERBS), ("articles", "update"))
    session = await house.session()
    said = {"collection": "articles", "item": 1, "comment": "Hm."}
    key = (await history.create_comment(session, said)).keys[0]
    await history.update_comment(session, str(key), {"comment": "Well."})
    await history.delete_comment(session, str(key))
    with pytest.raises(CommentNotFound):
        await history.delete_comment(session, str(key))
    row = {
        "id": key, "action": "comment", "action_by": 1, "action_on": AT, "ip": "localhost", "user_agent": "tests",
        "collection": "articles", "item": "1", "edited_on": None, "comment": "Hm.", "comment_deleted_on": None,
    }  # fmt: skip
    assert await stored(house) == [
        ("directus_activity", "item.create:after", str(key), row),
        ("directus_activity", "item.update:after", str(key), {"id": str(key), "comment": "Well.", "edited_on": AT}),
        ("directus_activity", "item.update:after", str(key), {"id": str(key), "comment_deleted_on": AT}),
    ]


async def test_other_activity_tells_nothing(house: House) -> None:
    await hook(house, *(("directus_activity", verb) for verb in VERBS))
    await house.update("articles", 1, {"title": "x"})
    assert await stored(house) == []


async def test_a_revert_is_an_update(house: House) -> None:
    await house.update("comments", 1, {"text": "changed"})
    [revision] = await house.rows("directus_revisions", "id")
    await house.update("comments", 1, {"text": "again"})
    await hook(house, *(("comments", verb) for verb in VERBS))
    await house.write("revert", "comments", keys=("1",), revision=revision[0])
    [(*place, body)] = await stored(house)
    assert place == ["comments", "item.update:after", "1"]
    assert (body["id"], body["text"]) == ("1", "changed")


async def test_deletions_tell_the_row_with_numbers_as_text(house: House) -> None:
    await hook(house, ("comments", "delete"))
    await house.delete("comments", 1, 2)
    assert await stored(house) == [
        ("comments", "item.delete:after", "1", {"id": "1", "article": "1", "text": "first", "writer": None}),
        ("comments", "item.delete:after", "2", {"id": "2", "article": "1", "text": "second", "writer": None}),
    ]


async def test_every_webhook_is_told_in_the_order_of_its_id(house: House) -> None:
    await hook(house, ("authors", "create"))
    await hook(house, ("authors", "create"), method="GET")
    await hook(house, ("authors", "create"), status="inactive")
    await hook(house, ("authors", "update"))
    await house.write("create", "authors", {"name": "a"}, {"name": "b"}, batch=True)
    rows = await house.rows("directus_deliveries", "id", "item", "method", "body")
    assert [row[1:] for row in rows] == [
        ("3", "POST", '{"id":3,"name":"a","age":null}'), ("3", "GET", None),
        ("4", "POST", '{"id":4,"name":"b","age":null}'), ("4", "GET", None),
    ]  # fmt: skip


async def test_system_collections_without_their_secrets(house: House) -> None:
    await hook(house, ("directus_users", "create"), ("articles", "create"))
    await house.create("directus_users", {"email": "x@example.org", "password": "open sesame", "token": "secret"})
    await house.create("articles", {"title": "x", "secret": "plain"})
    user, article = (body for *_, body in await stored(house))
    assert "password" not in user
    assert (user["token"], user["email"]) == (None, "x@example.org")
    assert "secret" not in article


async def test_history_may_be_skipped_and_webhooks_are_told(house: House) -> None:
    await hook(house, ("authors", "create"))
    await house.create("authors", {"name": "quiet"}, activity_skip=True)
    assert await stored(house) == [("authors", "item.create:after", "3", {"id": 3, "name": "quiet", "age": None})]


async def test_a_rollback_leaves_nothing_to_send(house: House) -> None:
    await hook(house, ("articles", "create"), ("articles_tags", "create"))
    with pytest.raises(DuplicateItem):
        await house.create("articles", {"title": "x", "tags": [{"tag": "red"}, {"tag": "red"}]})
    await house.update("articles", 1, {})
    assert await stored(house) == []


async def test_a_change_of_the_table_counts_from_the_next_write_on(house: House) -> None:
    await hook(house, ("authors", "create"))
    [(key,)] = await house.rows("directus_webhooks", "id")
    await house.update("directus_webhooks", key, {"status": "inactive"})
    await house.create("authors", {"name": "a"})
    assert await stored(house) == []
    await house.update("directus_webhooks", key, {"status": "active"})
    await house.create("authors", {"name": "b"})
    await house.delete("directus_webhooks", key)
    await house.create("authors", {"name": "c"})
    assert [item for _, _, item, _ in await stored(house)] == ["4"]


async def test_what_it_costs(house: House) -> None:
    """No statement where no webhook is told, one where some are, whatever their number and that of the rows."""

    async def cost(*names: str) -> int:
        await house.write("create", "authors", *({"name": name} for name in names), batch=True)
        return house.statements

    one, some = await cost("a"), await cost(*"abc")
    await hook(house, ("articles", "create"), ("authors", "update"))
    assert (await cost("a"), await cost(*"abc")) == (one, some)
    await hook(house, ("authors", "create"))
    assert (await cost("a"), await cost(*"abc")) == (one + 1, some + 1)
    await hook(house, ("authors", "create"))
    assert (await cost("a"), await cost(*"abc")) == (one + 1, some + 1)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("url", "ftp://hooks.example/"), ("url", "hooks.example"), ("url", "https://"), ("url", "http://a b/"),
        ("url", "http://[::1"), ("url", "http://a:99999/"), ("url", "javascript:alert(1)"), ("url", "http://a\\@b/"),
        ("http_action", "put"), ("directus_action", "item.read:after"),
    ],
)  # fmt: skip
async def test_what_can_never_be_sent_is_refused(house: House, field: str, value: str) -> None:
    row = {"status": "active", "http_action": "post", "url": "http://127.0.0.1:1/hook", "collection": "authors"}
    before = await house.everything()
    with pytest.raises(ValidationFailed) as refused:
        await house.create("directus_webhooks", {**row, field: value})
    assert (refused.value.code, refused.value.message) == (4, f"{field}: This value is not valid.")
    assert await house.rows("directus_webhooks", "id") == []
    assert await house.everything() == before


async def test_nothing_is_required(house: House) -> None:
    made = await house.create("directus_webhooks", {"status": "active"})
    del made["id"]
    assert made == {
        "status": "active", "http_action": None, "url": None, "collection": None, "directus_action": None
    }  # fmt: skip
    assert house.project.snapshot.webhooks == {}
