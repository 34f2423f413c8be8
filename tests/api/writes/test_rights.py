"""In charge of who may write what (spec 02 §12.5–12.11, spec 03 §10); a refused request changes nothing.

User 2 and 3 are Writers (role 3); user 2 owns articles 1 and 3, user 3 owns article 2.
"""

from __future__ import annotations

from typing import Any

import pytest

from core.errors import (
    CollectionDenied,
    CreateDenied,
    DeleteDenied,
    FieldWriteDenied,
    Forbidden,
    ItemNotFound,
    TabulariumError,
    UpdateDenied,
    ValidationFailed,
)
from tests.api.writes.world import House

READ = {"read": "full"}


async def refused(house: House, error: type[TabulariumError], *arguments: Any, **more: Any) -> Any:
    before = await house.everything()
    with pytest.raises(error) as caught:
        await house.write(*arguments, **{"user": 2, **more})
    assert await house.everything() == before
    return caught.value


@pytest.mark.parametrize("user", [2, None])
async def test_without_any_level(house: House, user: int | None) -> None:
    kinds: list[tuple[Any, type[CollectionDenied], dict[str, Any]]] = [
        ("create", CreateDenied, {}), ("update", UpdateDenied, {"keys": ("1",)}),
        ("delete", DeleteDenied, {"keys": ("1",)}),
    ]  # fmt: skip
    for action, error, more in kinds:
        payloads = () if action == "delete" else ({"title": "x", "nope": 1},)
        found = await refused(house, error, action, "articles", *payloads, user=user, **more)
        assert (found.level, found.public) == (False, user is None)


async def test_create_before_validation(house: House) -> None:
    await house.grant("articles", read="full")
    found = await refused(house, CreateDenied, "create", "articles", {"nope": 1})
    assert found.level is True
    await house.grant("comments", create="full", read="full")
    await refused(house, CreateDenied, "create", "comments", {"article": {"title": "x"}})
    await refused(house, ValidationFailed, "create", "comments", {"writer": "x"})
    assert (await house.create("comments", {"text": "mine"}, user=2))["text"] == "mine"


async def test_written_but_not_readable(house: House) -> None:
    await house.grant("comments", create="full")
    assert await house.create("comments", {"text": "blind"}, user=2) is None
    assert (await house.rows("comments", "id", "text"))[-1][1] == "blind"
    await house.grant("articles", status=None, create="full", read="mine")
    result = await house.write("create", "articles", {"title": "a"}, user=2)
    assert result.items[0] is not None
    assert await house.one("articles", "id", "owner", where="\"title\" = 'a'") == (result.keys[0], 2)


async def test_write_blacklist(house: House) -> None:
    await house.grant("articles", create="full", update="full", write_field_blacklist="rating,comments", **READ)
    found = await refused(house, FieldWriteDenied, "create", "articles", {"title": "x", "rating": 1, "nope": 2})
    assert found.message == 'Write access to "rating" field in "articles" collection was denied'
    await refused(house, FieldWriteDenied, "update", "articles", {"rating": None}, keys=("1",))
    await refused(house, FieldWriteDenied, "update", "articles", {"comments": []}, keys=("1",))
    assert (await house.update("articles", 1, {"id": 1, "title": "ok"}, user=2))["title"] == "ok"


async def test_links_count_as_written(house: House) -> None:
    """A blacklisted foreign key cannot be set from the other side."""
    await house.grant("articles", update="full", **READ)
    await house.grant("comments", create="full", update="full", write_field_blacklist="article", **READ)
    await refused(house, FieldWriteDenied, "update", "articles", {"comments": [{"id": 1}]}, keys=("2",))
    await refused(house, FieldWriteDenied, "update", "articles", {"comments": [{"text": "x"}]}, keys=("2",))


@pytest.mark.parametrize(
    "level, own, colleague",
    [("none", False, False), ("mine", True, False), ("role", True, True), ("full", True, True)],
)
async def test_owners(house: House, level: str, own: bool, colleague: bool) -> None:
    await house.grant("articles", update=level, delete=level, **READ)
    for key, allowed in (("1", own), ("2", colleague)):
        if allowed:
            assert (await house.update("articles", key, {"rating": 1}, user=2))["rating"] == 1
        else:
            await refused(house, UpdateDenied, "update", "articles", {"rating": 1}, keys=(key,))
    for key, allowed in (("1", own), ("2", colleague)):
        if allowed:
            await house.delete("articles", key, user=2)
        else:
            await refused(house, DeleteDenied, "delete", "articles", keys=(key,))


async def test_rows_without_owner_need_full(house: House) -> None:
    await house.run('UPDATE articles SET owner = NULL WHERE "id" = 1')
    await house.run('UPDATE articles SET owner = 1 WHERE "id" = 2')
    await house.grant("articles", update="role", **READ)
    await refused(house, UpdateDenied, "update", "articles", {"rating": 1}, keys=("1",))
    await refused(house, UpdateDenied, "update", "articles", {"rating": 1}, keys=("2",))
    await house.grant("comments", update="role", delete="mine", **READ)
    await refused(house, UpdateDenied, "update", "comments", {"text": "x"}, keys=("1",))
    await refused(house, DeleteDenied, "delete", "comments", keys=("1",))


async def test_not_readable_is_not_there(house: House) -> None:
    await house.grant("articles", read="mine", update="full", delete="mine")
    found = await refused(house, ItemNotFound, "update", "articles", {"rating": 1}, keys=("2",))
    assert found.message == 'Item with id "2" not found'
    await refused(house, ItemNotFound, "update", "articles", {"rating": 1}, keys=("3",))  # soft-deleted
    await refused(house, ItemNotFound, "update", "articles", {"rating": 1}, keys=("99",))
    await refused(house, DeleteDenied, "delete", "articles", keys=("2",))
    await refused(house, ItemNotFound, "delete", "articles", keys=("99",))
    await refused(house, ItemNotFound, "update", "articles", {"rating": 1}, keys=("1", "2"))


async def test_status_rows(house: House) -> None:
    """What counts is the stored status; the new one is limited by `status_blacklist` alone."""
    await house.grant("articles", status="draft", create="full", update="full", status_blacklist="published", **READ)
    await house.grant("articles", status="published", update="none", **READ)
    await refused(house, UpdateDenied, "update", "articles", {"rating": 1}, keys=("1",))
    await refused(house, CreateDenied, "create", "articles", {"title": "x", "status": "published"})
    await refused(house, CreateDenied, "create", "articles", {"title": "x", "status": "odd"})
    found = await refused(house, FieldWriteDenied, "update", "articles", {"status": "published"}, keys=("2",))
    assert found.message == 'Write access to "status" field in "articles" collection was denied'
    assert (await house.update("articles", 2, {"status": "draft", "rating": 1}, user=2))["rating"] == 1
    assert (await house.create("articles", {"title": "x"}, user=2))["status"] == "draft"
    await house.grant("articles", status="$create", status_blacklist="draft")
    await refused(house, FieldWriteDenied, "create", "articles", {"title": "x", "status": "draft"})


async def test_moving_on_needs_no_right_on_the_new_status(house: House) -> None:
    await house.grant("articles", status="draft", update="mine", **READ)
    await house.grant("articles", status="published", **READ)
    assert (await house.update("articles", 2, {"status": "published"}, user=3))["status"] == "published"
    await refused(house, UpdateDenied, "update", "articles", {"status": "draft"}, keys=("2",), user=3)


async def test_soft_deletion_needs_delete(house: House) -> None:
    await house.grant("articles", update="full", delete="mine", **READ)
    assert await house.update("articles", 1, {"status": "deleted"}, user=2) is None
    await refused(house, DeleteDenied, "update", "articles", {"status": "deleted"}, keys=("2",))
    await reset_rights(house)
    await house.grant("articles", update="none", delete="full", **READ)
    assert await house.update("articles", 2, {"status": "deleted"}, user=2) is None
    await house.run("UPDATE articles SET status = 'draft'")
    await refused(house, UpdateDenied, "update", "articles", {"status": "deleted", "rating": 1}, keys=("2",))


async def reset_rights(house: House) -> None:
    await house.run("DELETE FROM directus_permissions")
    house.project._policies.clear()


async def test_explain(house: House) -> None:
    await house.grant("articles", create="full", update="none", delete="full", explain="always", **READ)
    found = await refused(house, Forbidden, "create", "articles", {"title": "x"})
    assert found.message == "Activity comment required for collection: articles"
    await refused(house, Forbidden, "update", "articles", {"title": "x"}, keys=("1",))
    await refused(house, UpdateDenied, "update", "articles", {"title": "x"}, keys=("1",), comment="why")
    await refused(house, Forbidden, "delete", "articles", keys=("1",), comment="")
    await house.delete("articles", 1, user=2, comment="gone")
    await house.create("articles", {"title": "x"}, user=2, comment="new")
    assert [row[4] for row in await house.activity()] == ["gone", "new"]


async def test_explain_by_the_stored_status(house: House) -> None:
    await house.grant("articles", status="draft", update="full", explain="update", **READ)
    await house.grant("articles", status="published", update="full", create="full", explain="create", **READ)
    await refused(house, Forbidden, "update", "articles", {"rating": 1}, keys=("2",))
    assert (await house.update("articles", 1, {"status": "draft"}, user=2))["status"] == "draft"
    await refused(house, Forbidden, "create", "articles", {"title": "x", "status": "published"})


async def test_each_collection_counts(house: House) -> None:
    await house.grant("articles", create="full", update="full", **READ)
    payloads: list[tuple[type[TabulariumError], dict[str, Any]]] = [
        (CreateDenied, {"author": {"name": "x"}}), (UpdateDenied, {"author": {"id": 1, "name": "x"}}),
        (DeleteDenied, {"author": {"id": 1, "$delete": True}}), (CreateDenied, {"comments": [{"text": "x"}]}),
        (UpdateDenied, {"comments": [{"id": 1}]}), (DeleteDenied, {"comments": [{"id": 1, "$delete": True}]}),
    ]  # fmt: skip
    for error, payload in payloads:
        await refused(house, error, "update", "articles", payload, keys=("1",))
    assert (await house.update("articles", 1, {"author": 2}, user=2))["author"] == 2
    assert (await house.update("articles", 1, {"author": {"id": 1}}, user=2))["author"] == 1


async def test_a_batch_is_refused_as_a_whole(house: House) -> None:
    await house.grant("articles", update="mine", **READ)
    payloads = ({"id": 1, "rating": 1}, {"id": 2, "rating": 1})
    await refused(house, UpdateDenied, "update", "articles", *payloads, batch=True)


async def test_activity_cannot_be_skipped_by_others(house: House) -> None:
    await house.grant("articles", update="full", **READ)
    await house.update("articles", 1, {"rating": 1}, user=2, activity_skip=True)
    assert await house.activity() == [("update", 2, "articles", "1", None)]


async def test_public(house: House) -> None:
    await house.grant("articles", role=2, create="full", read="full")
    shown = await house.create("articles", {"title": "by nobody"}, user=None)
    assert (shown["owner"], shown["editor"]) == (0, 0)
    assert (await house.activity())[0][:2] == ("create", 0)


async def test_hidden_key(house: House) -> None:
    await house.grant("comments", create="full", read="full", update="full", read_field_blacklist="id")
    result = await house.write("create", "comments", {"text": "a"}, {"text": "b"}, batch=True, user=2)
    assert [item["_row"] for item in result.items if item] == [
        {"article": None, "text": "a", "writer": None}, {"article": None, "text": "b", "writer": None}
    ]  # fmt: skip
