"""In charge of going back to a revision (spec 03 §11.3): what is restored, what stays, who may, what it leaves."""

from __future__ import annotations

import json
from typing import Any

import pytest

from core.errors import (
    BadRequest,
    FieldWriteDenied,
    Forbidden,
    ItemNotFound,
    LastAdmin,
    RevisionNotFound,
    RevisionUnusable,
    TabulariumError,
    UpdateDenied,
    ValidationFailed,
)
from core.events.collect import Event
from tests.api.writes.world import AT, House

OLD = "2020-01-02 03:04:05"
WRITER = 2


async def revision(house: House, data: Any, collection: str = "articles", item: Any = 1) -> str:
    """The id of a revision that holds this."""
    text = data if isinstance(data, str) else json.dumps(data)
    row = {"activity": 0, "collection": collection, "item": str(item), "data": text, "delta": "[]"}
    await house.put("directus_revisions", row)
    [*_, (last,)] = await house.rows("directus_revisions", "id")
    return str(last)


async def back(house: House, to: str, collection: str = "articles", key: Any = 1, **more: Any) -> Any:
    result = await house.write("revert", collection, keys=(str(key),), revision=to, **more)
    return result.items[0]["_row"] if result.items[0] else None


async def refused(house: House, error: type[TabulariumError], to: str, *arguments: Any, **more: Any) -> TabulariumError:
    before = await house.everything()
    with pytest.raises(error) as caught:
        await back(house, to, *arguments, **more)
    assert await house.everything() == before
    return caught.value


async def test_back_and_forth(house: House) -> None:
    first = await house.update("articles", 1, {
        "title": "First", "slug": "kept", "rating": "1.5", "featured": True, "meta": {"a": [1, None]},
        "tags_list": ["x", "y"], "author": 2, "secret": "plain", "created": OLD,
    })  # fmt: skip
    [(to,)] = await house.rows("directus_revisions", "id")
    changed = {
        "title": "Second", "slug": "other", "rating": None, "featured": None, "meta": None, "tags_list": None,
        "author": None, "secret": None, "created": "2021-01-01 00:00:00", "owner": 3, "status": "draft",
    }  # fmt: skip
    await house.update("articles", 1, changed)
    assert await back(house, str(to)) == first
    # The revision, the item locked, the update (read back on MySQL), activity, revision, the answer
    assert house.statements == (7 if house.dialect == "mysql" else 6)
    _, _, last = await house.revisions()
    [before, _, now] = [row["data"] for row in await house.revisions()]
    assert now == before
    assert last["delta"] == {name: value for name, value in now.items() if name != "secret"}
    assert (last["collection"], last["item"], last["parent_collection"]) == ("articles", "1", None)
    assert (await house.activity())[-1] == ("revert", 1, "articles", "1", None)
    assert await house.rows("directus_activity", "action_on", where="\"action\" = 'revert'") == [(AT,)]


async def test_an_empty_list_leaves_null_as_it_is(house: House) -> None:
    to = await revision(house, {"id": "1", "title": "Old", "tags_list": []})
    assert (await back(house, to))["tags_list"] == []
    assert await house.rows("articles", "tags_list", where="id = 1") == [(None,)]
    await house.update("articles", 1, {"tags_list": ["x"]})
    assert (await back(house, to))["tags_list"] == []
    assert await house.rows("articles", "tags_list", where="id = 1") == [("",)]


async def test_what_the_server_sets_is_set_anew(house: House) -> None:
    to = await revision(house, {"id": "1", "title": "Old", "editor": "99", "modified": OLD, "owner": "3"})
    row = await back(house, to)
    assert (row["title"], row["editor"], row["owner"]) == ("Old", 1, 3)
    assert row["modified"] == "2026-03-01T12:30:45+00:00"
    [last] = (await house.revisions())[1:]
    assert last["delta"] == {"id": "1", "title": "Old", "owner": "3", "editor": "1", "modified": AT}


async def test_what_no_longer_fits_is_left_out(house: House) -> None:
    before = await house.one("articles", "id", "title", "status", "slug", "author", where='"id" = 1')
    to = await revision(house, {"id": "7", "gone": "column", "comments": [1], "title": "Old"})
    assert (await back(house, to))["title"] == "Old"
    assert await house.one("articles", "id", "title", "status", "slug", "author", where='"id" = 1') == (
        1, "Old", *before[2:]
    )  # fmt: skip


async def test_hashes_are_written_as_they_are(house: House) -> None:
    to = await revision(house, {"id": "1", "secret": "any old hash"})
    assert (await back(house, to))["secret"] == "any old hash"
    assert await house.rows("articles", "secret", where='"id" = 1') == [("any old hash",)]
    assert "secret" not in (await house.revisions())[-1]["delta"]


async def test_nothing_is_validated_but_what_a_column_takes(house: House) -> None:
    to = await revision(house, {"id": "1", "title": "", "status": "unheard of"})
    assert await back(house, to) is None  # its status is not in the mapping, so lists do not show it
    assert await house.one("articles", "title", "status", where='"id" = 1') == ("", "unheard of")
    wrong = await revision(house, {"id": "2", "rating": "many", "author": "x"}, item=2)
    error = await refused(house, ValidationFailed, wrong, "articles", 2)
    assert [problem.path for problem in error.problems] == [("rating",), ("author",)]
    nothing = await revision(house, {"id": "2", "title": None}, item=2)
    await refused(house, ValidationFailed, nothing, "articles", 2)


async def test_back_to_a_deleted_status(house: House) -> None:
    to = await revision(house, {"id": "1", "status": "deleted"})
    assert await back(house, to) is None
    assert await house.one("articles", "status", where='"id" = 1') == ("deleted",)
    assert (await house.activity())[-1][0] == "revert"


async def test_items_and_revisions_that_are_not_there(house: House) -> None:
    to = await revision(house, {"id": "1", "title": "Old"})
    assert (await refused(house, ItemNotFound, to, "articles", 99)).message == 'Item with id "99" not found'
    assert (await refused(house, ItemNotFound, to, "articles", 3)).message == 'Item with id "3" not found'
    for other in ("99999", "x", "", "1,2", "99999999999999999999"):
        error = await refused(house, RevisionNotFound, other)
        assert (error.code, error.message) == (207, f'Revision with Id "{other}" not found')
    await refused(house, RevisionNotFound, to, "articles", 2)
    await refused(house, RevisionNotFound, to, "authors", 1)


@pytest.mark.parametrize("data", ["", "{}", "[]", "{", "null", '"text"', "7"])
async def test_revisions_that_hold_no_item(house: House, data: str) -> None:
    error = await refused(house, RevisionUnusable, await revision(house, data))
    assert (error.code, error.message) == (208, "Revision has an invalid delta")


async def test_rights(house: House) -> None:
    to = await revision(house, {"id": "1", "title": "Old", "rating": "5.00"})
    missing = "99999"
    await refused(house, UpdateDenied, to, user=WRITER)
    await house.grant("articles", read="full", update="none")
    assert (await refused(house, UpdateDenied, to, user=WRITER)).code == 302
    await refused(house, UpdateDenied, missing, user=WRITER)
    await house.run("DELETE FROM directus_permissions")
    await house.grant("articles", read="mine", update="mine", write_field_blacklist="rating", explain="update")
    assert (await refused(house, Forbidden, to, user=WRITER)).code == 10
    await refused(house, ItemNotFound, to, "articles", 2, user=WRITER, comment="why")
    assert (await back(house, to, user=WRITER, comment="why"))["title"] == "Old"
    assert await house.rows("articles", "rating", where='"id" = 1') == [(None,)]
    assert (await house.activity())[-1] == ("revert", 2, "articles", "1", "why")
    assert "rating" not in (await house.revisions())[-1]["delta"]


async def test_no_revert_without_a_trace(house: House) -> None:
    await back(house, await revision(house, {"id": "1", "title": "Old"}), activity_skip=True)
    assert [row[0] for row in await house.activity()] == ["revert"]


async def test_deleting_by_status_needs_the_right_to_delete(house: House) -> None:
    to = await revision(house, {"id": "1", "status": "deleted", "title": "Old"})
    await house.grant("articles", read="full", update="full")
    assert (await refused(house, TabulariumError, to, user=WRITER)).code == 303


async def test_one_item_at_a_time(house: House) -> None:
    to = await revision(house, {"id": "1", "title": "Old"})
    for keys in (None, (), ("1", "2")):
        with pytest.raises(BadRequest):
            await house.write("revert", "articles", keys=keys, revision=to)


async def test_users(house: House) -> None:
    held = {
        "id": "2", "status": "active", "role": "1", "first_name": "Old", "email": "u2@example.org", "token": None,
        "external_id": "x", "last_page": "/x", "password": "p", "2fa_secret": None, "password_reset_token": None,
    }  # fmt: skip
    to = await revision(house, held, "directus_users", 2)
    await house.grant("directus_users", status="active", read="full", update="mine")
    error = await refused(house, FieldWriteDenied, to, "directus_users", 2, user=WRITER)
    assert error.details["field"] == "role"
    kept = ("token", "external_id", "last_page", "password")
    before = await house.one("directus_users", *kept, where='"id" = 2')
    shown = await back(house, to, "directus_users", 2)
    assert (shown["first_name"], shown["role"]) == ("Old", 1)
    assert await house.one("directus_users", *kept, where='"id" = 2') == before
    assert set((await house.revisions())[-1]["delta"]) == {"id", "status", "role", "first_name", "email"}
    retired = await revision(house, {"id": "2", "status": "suspended", "role": "1"}, "directus_users", 2)
    await back(house, retired, "directus_users", 2)
    alone = await revision(house, {"id": "1", "status": "active", "role": "3"}, "directus_users", 1)
    await refused(house, LastAdmin, alone, "directus_users", 1)


async def test_others_are_told_of_an_update(house: House) -> None:
    heard: list[Event] = []
    stop = house.project.events.add(heard.extend)
    try:
        await back(house, await revision(house, {"id": "1", "title": "Old"}))
    finally:
        stop()
    [event] = heard
    assert event.names == ("item.update:after", "item.update.articles:after")
    assert event.payload == {"id": "1", "title": "Old", "editor": 1, "modified": AT}
