"""In charge of events: what is told, in which order, and never before it is stored (spec 03 §13, 14)."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from core.errors import DuplicateItem
from core.events.collect import Event
from tests.api.writes.world import AT, House


@pytest.fixture
def heard(house: House) -> Iterator[list[Event]]:
    """What a subscriber is told; he looks for the row from another connection when he hears of it."""
    found: list[Event] = []

    async def listen(events: Sequence[Event]) -> None:
        for event in events:
            if event.action == "create" and event.collection == "authors":
                assert await house.one("authors", "id", "name", where=f'"id" = {event.key}')
            found.append(event)

    remove = house.project.events.add(listen)
    yield found
    remove()


async def test_told_after_the_commit(house: House, heard: list[Event]) -> None:
    await house.create(
        "articles", {"title": "x", "featured": True, "meta": [1], "rating": 2, "author": {"name": "New"}}
    )
    assert [(event.name, event.collection, event.key) for event in heard] == [
        ("item.create:after", "authors", 3), ("item.create:after", "articles", 4)
    ]  # fmt: skip
    assert heard[0].names == ("item.create:after", "item.create.authors:after")
    assert heard[0].payload == {"id": 3, "name": "New", "age": None}
    assert heard[1].payload == {
        "id": 4, "status": "draft", "title": "x", "slug": "x", "rating": 2, "featured": 1, "meta": "[1]",
        "tags_list": None, "author": 3, "owner": 1, "editor": 1, "created": AT, "modified": AT,
    }  # fmt: skip


async def test_updates_tell_what_was_set(house: House, heard: list[Event]) -> None:
    await house.update("articles", 2, {"rating": 3, "comments": [{"id": 1}]})
    assert [dict(event.payload) for event in heard] == [
        {"id": "2", "rating": 3, "editor": 1, "modified": AT}, {"id": "1", "article": 2}
    ]  # fmt: skip
    before, after = heard[0].before, heard[0].after
    assert before is not None
    assert after is not None
    assert (before["editor"], after["editor"], after["title"]) == (None, 1, "Two")
    await house.update("articles", 2, {"status": "deleted"})
    assert (heard[2].action, heard[2].soft_deleted) == ("update", True)


async def test_deletions_tell_the_row(house: House, heard: list[Event]) -> None:
    await house.delete("comments", 1)
    assert [dict(event.payload) for event in heard] == [{"id": "1", "article": "1", "text": "first", "writer": None}]


async def test_nothing_happened(house: House, heard: list[Event]) -> None:
    with pytest.raises(DuplicateItem):
        await house.create("articles", {"title": "x", "tags": [{"tag": "red"}, {"tag": "red"}]})
    await house.update("articles", 1, {})
    assert heard == []


async def test_secrets_stay_inside(house: House, heard: list[Event]) -> None:
    await house.create("directus_users", {"email": "x@example.org", "password": "open sesame", "token": "secret"})
    await house.create("articles", {"title": "x", "secret": "plain"})
    user, article = (dict(event.payload) for event in heard)
    assert "password" not in user
    assert (user["token"], user["email"]) == (None, "x@example.org")
    assert "secret" not in article


async def test_a_subscriber_that_fails_is_alone(house: House, heard: list[Event]) -> None:
    reported: list[Any] = []
    asyncio.get_running_loop().set_exception_handler(lambda loop, context: reported.append(context["exception"]))

    def fail(events: Sequence[Event]) -> None:
        raise RuntimeError("broken")

    remove = house.project.events.add(fail)
    late: list[Event] = []
    stop = house.project.events.add(late.extend)
    try:
        assert (await house.create("authors", {"name": "y"}))["name"] == "y"
    finally:
        remove()
        stop()
        asyncio.get_running_loop().set_exception_handler(None)
    assert [str(error) for error in reported] == ["broken"]
    assert len(heard) == len(late) == 1
