"""In charge of hooks on items: which fire, in which order, with what, and that what they return is not trusted."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any

import pytest
from structlog.testing import capture_logs

from core import history
from core.errors import (
    DuplicateItem,
    FieldWriteDenied,
    HookFailed,
    ItemNotFound,
    Unprocessable,
    UpdateDenied,
    ValidationFailed,
    Veto,
)
from core.extend.items import doors
from core.hooks import Context, Hooks
from core.hooks.live import Limits, LiveHooks
from core.hooks.registry import Registered
from tests.api.writes.world import AT, House

VERBS = ("create", "update", "delete")


@dataclass
class Hooked:
    """A house, and a way to give it hooks for one test."""

    house: House
    logged: list[Any]

    def use(self, register: Callable[[Hooks], None], **limits: Any) -> None:
        hooks = Hooks("test")
        register(hooks)
        self.house.project.hooks = LiveHooks("main", Registered.of([hooks]), doors, Limits(**limits))

    async def settled(self) -> None:
        """Until all queued actions have run."""
        assert self.house.project.hooks is not None
        await self.house.project.hooks.queue.settled()


@pytest.fixture
async def hooked(house: House) -> AsyncIterator[Hooked]:
    with capture_logs() as logged:
        yield Hooked(house, logged)
    if house.project.hooks is not None:
        await house.project.hooks.queue.close(within=1)
    house.project.hooks = None


def everything(told: list[Any], collections: tuple[str, ...]) -> Callable[[Hooks], None]:
    """Registers for every event of items: (event, payload, collection, keys) are noted."""

    def register(hooks: Hooks) -> None:
        def note(payload: Any, context: Context) -> None:
            told.append((context.event, dict(payload), context.collection, context.keys))

        def noting_filter(payload: Any, context: Context) -> Any:
            told.append((f"filter {context.event}", dict(payload), context.collection, context.keys))
            return payload

        for verb in VERBS:
            for name in (f"item.{verb}", *(f"item.{verb}.{one}" for one in collections)):
                for when in (":before", "", ":after"):
                    hooks.action(name + when)(note)
                if verb != "delete":
                    hooks.filter(name + ":before")(noting_filter)

    return register


async def test_the_order_of_a_creation(hooked: Hooked) -> None:
    told: list[Any] = []
    hooked.use(everything(told, ("authors",)))
    await hooked.house.create("authors", {"name": "Cid"})
    await hooked.settled()
    sent, row = {"name": "Cid"}, {"id": 3, "name": "Cid", "age": None}
    assert told == [
        ("item.create:before", sent, "authors", ()),
        ("item.create.authors:before", sent, "authors", ()),
        ("filter item.create:before", sent, "authors", ()),
        ("filter item.create.authors:before", sent, "authors", ()),
        ("item.create", row, "authors", (3,)),
        ("item.create.authors", row, "authors", (3,)),
        ("item.create:after", row, "authors", (3,)),
        ("item.create.authors:after", row, "authors", (3,)),
    ]


async def test_the_order_of_an_update(hooked: Hooked) -> None:
    told: list[Any] = []
    hooked.use(everything(told, ("articles",)))
    await hooked.house.update("articles", 2, {"rating": 3})
    await hooked.settled()
    sent, row = {"id": 2, "rating": 3}, {"id": "2", "rating": 3, "editor": 1, "modified": AT}
    assert told == [
        ("filter item.update:before", sent, "articles", (2,)),
        ("filter item.update.articles:before", sent, "articles", (2,)),
        ("item.update:before", sent, "articles", (2,)),
        ("item.update.articles:before", sent, "articles", (2,)),
        ("item.update", row, "articles", (2,)),
        ("item.update.articles", row, "articles", (2,)),
        ("item.update:after", row, "articles", (2,)),
        ("item.update.articles:after", row, "articles", (2,)),
    ]


async def test_the_order_of_a_deletion(hooked: Hooked) -> None:
    told: list[Any] = []
    hooked.use(everything(told, ("comments",)))
    await hooked.house.delete("comments", 1)
    await hooked.settled()
    row = {"id": "1", "article": "1", "text": "first", "writer": None}
    assert told == [
        ("item.delete:before", {"id": 1}, "comments", (1,)),
        ("item.delete.comments:before", {"id": 1}, "comments", (1,)),
        ("item.delete", row, "comments", (1,)),
        ("item.delete.comments", row, "comments", (1,)),
        ("item.delete:after", row, "comments", (1,)),
        ("item.delete.comments:after", row, "comments", (1,)),
    ]


async def test_every_node_of_a_change_has_its_own(hooked: Hooked) -> None:
    told: list[Any] = []
    hooked.use(everything(told, ()))
    payload = {"title": "x", "author": {"name": "New"}, "comments": [{"text": "c"}, {"id": 1, "$delete": True}]}
    await hooked.house.create("articles", payload)
    await hooked.settled()
    assert [(event, collection) for event, _, collection, _ in told if event.endswith(":after")] == [
        ("item.create:after", "authors"), ("item.create:after", "articles"), ("item.create:after", "comments"),
        ("item.delete:after", "comments"),
    ]  # fmt: skip
    assert [(payload, collection) for event, payload, collection, _ in told if event.startswith("filter")] == [
        ({"name": "New"}, "authors"), ({"title": "x"}, "articles"), ({"text": "c"}, "comments"),
    ]  # fmt: skip


async def test_a_batch_has_each_item_once(hooked: Hooked) -> None:
    told: list[Any] = []
    hooked.use(everything(told, ()))
    await hooked.house.write("create", "authors", {"name": "a"}, {"name": "b"}, batch=True)
    await hooked.settled()
    await hooked.house.write("upsert", "codes", {"id": "k", "name": "new"}, batch=True)
    await hooked.settled()
    await hooked.house.write("upsert", "codes", {"id": "k", "name": "old"}, batch=True)
    await hooked.settled()
    assert [(event, payload["name"]) for event, payload, _, _ in told if not event.startswith("filter")] == [
        ("item.create:before", "a"), ("item.create:before", "b"), ("item.create", "a"), ("item.create", "b"),
        ("item.create:after", "a"), ("item.create:after", "b"),
        ("item.create:before", "new"), ("item.create", "new"), ("item.create:after", "new"),
        ("item.update:before", "old"), ("item.update", "old"), ("item.update:after", "old"),
    ]  # fmt: skip


async def test_what_asks_for_nothing_tells_nothing(hooked: Hooked) -> None:
    told: list[Any] = []
    hooked.use(everything(told, ("articles",)))
    await hooked.house.update("articles", 1, {})
    with pytest.raises(ItemNotFound):
        await hooked.house.update("articles", 99, {"title": "x"})
    await hooked.settled()
    assert told == []


async def test_a_filter_changes_what_is_stored(hooked: Hooked) -> None:
    def register(hooks: Hooks) -> None:
        @hooks.filter("item.create.articles:before", priority=-100)
        def last(payload: Any, context: Context) -> Any:
            return {**payload, "title": payload["title"] + "!"}

        @hooks.filter("item.create:before")
        async def first(payload: Any, context: Context) -> None:
            payload.set("title", payload.get("title").upper())
            payload.remove("rating")
            assert payload.collection_name == "articles"
            assert payload.get("meta.deep.down") == 7
            assert not payload.has("meta.other")

    hooked.use(register)
    item = await hooked.house.create("articles", {"title": "x", "rating": 4, "meta": {"deep": {"down": 7}}})
    assert (item["title"], item["slug"], item["rating"], item["meta"]) == ("X!", "x", None, {"deep": {"down": 7}})
    [revision] = await hooked.house.revisions()
    assert revision["data"]["title"] == "X!"


async def test_a_filter_may_decide_what_the_server_sets(hooked: Hooked) -> None:
    def register(hooks: Hooks) -> None:
        @hooks.filter("item.create.articles:before")
        def owned(payload: Any, context: Context) -> Any:
            return {**payload, "owner": 3}

    hooked.use(register)
    item = await hooked.house.create("articles", {"title": "x"})
    assert (item["owner"], item["editor"]) == (3, 1)


async def test_hashes_of_a_filter_are_made(hooked: Hooked) -> None:
    def register(hooks: Hooks) -> None:
        @hooks.filter("item.create.articles:before")
        def secret(payload: Any, context: Context) -> Any:
            return {**payload, "secret": "abc"}

    hooked.use(register)
    await hooked.house.create("articles", {"title": "x"})
    found = await hooked.house.one("articles", "secret", where='"id" = 4')
    assert found == ("a9993e364706816aba3e25717850c26c9cd0d89d",)


@pytest.mark.parametrize(
    ("wrong", "error"),
    [
        ({"title": None}, ValidationFailed),
        ({"title": "x" * 101}, Unprocessable),
        ({"title": "x", "nonsense": 1}, Unprocessable),
        ({"title": "x", "rating": "many"}, ValidationFailed),
        ({"title": "x", "comments": [{"text": "a"}]}, Unprocessable),
        ({"title": "x", "author": {"name": "a"}}, Unprocessable),
        ("text", HookFailed),
        ([1], HookFailed),
    ],
)
async def test_what_a_filter_returns_is_validated(hooked: Hooked, wrong: Any, error: type[Exception]) -> None:
    def register(hooks: Hooks) -> None:
        hooks.filter("item.create.articles:before")(lambda payload, context: wrong)

    hooked.use(register)
    before = await hooked.house.everything()
    with pytest.raises(error):
        await hooked.house.create("articles", {"title": "x"})
    assert await hooked.house.everything() == before


async def test_rights_are_asked_of_both_payloads(hooked: Hooked) -> None:
    house = hooked.house
    await house.grant("articles", read="full", create="full", update="mine", write_field_blacklist="rating")
    asked: list[str] = []

    def register(hooks: Hooks) -> None:
        @hooks.filter("item.create.articles:before", "item.update.articles:before")
        def change(payload: Any, context: Context) -> Any:
            asked.append(context.event)
            return {"rating": 1, **payload} if payload.get("title") == "rate" else {"title": payload["title"]}

    hooked.use(register)
    before = await house.everything()
    with pytest.raises(FieldWriteDenied):  # by what the filter puts in
        await house.create("articles", {"title": "rate"}, user=2)
    assert asked == ["item.create.articles:before"]
    with pytest.raises(FieldWriteDenied):  # by what the client sends, though the filter would take it out
        await house.create("articles", {"title": "y", "rating": 1}, user=2)
    with pytest.raises(UpdateDenied):
        await house.update("articles", 2, {"title": "y"}, user=2)
    assert asked == ["item.create.articles:before"]
    assert await house.everything() == before
    assert (await house.create("articles", {"title": "y"}, user=2))["title"] == "y"


async def test_a_filter_gives_nobody_a_status(hooked: Hooked) -> None:
    house = hooked.house
    await house.grant("articles", status="draft", read="full", create="full")
    await house.grant("articles", status="published", read="full", create="none")

    def register(hooks: Hooks) -> None:
        hooks.filter("item.create.articles:before")(lambda payload, context: {**payload, "status": "published"})

    hooked.use(register)
    before = await house.everything()
    with pytest.raises(Exception, match="denied"):
        await house.create("articles", {"title": "y", "status": "draft"}, user=2)
    assert await house.everything() == before


@pytest.mark.parametrize("kind", ["filter", "action"])
@pytest.mark.parametrize("event", ["item.update:before", "item.update.comments:before"])
async def test_a_veto_leaves_nothing(hooked: Hooked, kind: str, event: str) -> None:
    def register(hooks: Hooks) -> None:
        @getattr(hooks, kind)(event)
        async def refuse(payload: Any, context: Context) -> Any:
            if context.collection == "comments":
                raise Veto("Not on a Sunday", code=4711, status=409)

    hooked.use(register)
    before = await hooked.house.everything()
    with pytest.raises(Veto, match="Not on a Sunday") as caught:
        await hooked.house.update("articles", 1, {"title": "x", "comments": [{"id": 1, "text": "y"}]})
    assert (caught.value.code, caught.value.status) == (4711, 409)
    assert await hooked.house.everything() == before


@pytest.mark.parametrize("verb", VERBS)
async def test_a_veto_after_the_write_takes_it_back(hooked: Hooked, verb: str) -> None:
    told: list[str] = []

    def register(hooks: Hooks) -> None:
        @hooks.action(f"item.{verb}.comments")
        async def refuse(payload: Any, context: Context) -> None:
            found = await context.system.get("comments", context.keys[0])
            assert (found is None) == (verb == "delete")  # the transaction is seen from within
            raise Veto("too late")

        hooks.action(f"item.{verb}:after")(lambda payload, context: told.append(context.event))

    hooked.use(register)
    before = await hooked.house.everything()
    payloads = () if verb == "delete" else ({"text": "x"},)
    with pytest.raises(Veto):
        await hooked.house.write(verb, "comments", *payloads, keys=None if verb == "create" else ("1",))
    await hooked.settled()
    assert told == []
    assert await hooked.house.everything() == before


async def test_a_filter_that_fails_tells_nobody_why(hooked: Hooked) -> None:
    def register(hooks: Hooks) -> None:
        @hooks.filter("item.create.authors:before")
        def broken(payload: Any, context: Context) -> Any:
            raise RuntimeError("the password is 1234")

    hooked.use(register)
    before = await hooked.house.everything()
    with pytest.raises(HookFailed) as caught:
        await hooked.house.create("authors", {"name": "x"})
    assert str(caught.value) == "An extension of this server failed."
    [line] = hooked.logged
    assert line["hook"].endswith("register.<locals>.broken")
    assert (line["event"], str(line["exc_info"])) == ("an extension raised an error", "the password is 1234")
    assert await hooked.house.everything() == before


@pytest.mark.parametrize("kind", ["async", "sync"])
async def test_a_filter_that_hangs_is_given_up(hooked: Hooked, kind: str) -> None:
    released = asyncio.Event()

    def register(hooks: Hooks) -> None:
        if kind == "async":

            @hooks.filter("item.create.authors:before")
            async def hang(payload: Any, context: Context) -> Any:
                await released.wait()
        else:

            @hooks.filter("item.create.authors:before")
            def wait(payload: Any, context: Context) -> Any:
                time.sleep(0.4)

    hooked.use(register, within=0.1)
    before = await hooked.house.everything()
    with pytest.raises(HookFailed):
        await hooked.house.create("authors", {"name": "x"})
    assert await hooked.house.everything() == before
    hooked.house.project.hooks = None
    assert (await hooked.house.create("authors", {"name": "x"}))["name"] == "x"


async def test_a_hook_within_the_transaction_cannot_write(hooked: Hooked) -> None:
    def register(hooks: Hooks) -> None:
        @hooks.filter("item.create.authors:before")
        async def write(payload: Any, context: Context) -> None:
            await context.system.create("tags", {"code": "x"})

    hooked.use(register)
    before = await hooked.house.everything()
    with pytest.raises(HookFailed):
        await hooked.house.create("authors", {"name": "x"})
    assert await hooked.house.everything() == before


async def test_actions_do_not_hold_the_answer(hooked: Hooked) -> None:
    go, done = asyncio.Event(), asyncio.Event()

    def register(hooks: Hooks) -> None:
        @hooks.action("item.create.authors:after")
        async def slow(payload: Any, context: Context) -> None:
            await go.wait()
            done.set()

    hooked.use(register)
    await hooked.house.create("authors", {"name": "x"})
    assert not done.is_set()
    go.set()
    await hooked.settled()
    assert done.is_set()


async def test_an_action_that_fails_is_alone(hooked: Hooked) -> None:
    told: list[str] = []

    def register(hooks: Hooks) -> None:
        @hooks.action("item.create:after", priority=100)
        async def broken(payload: Any, context: Context) -> None:
            payload.clear()
            raise RuntimeError("broken")

        @hooks.action("item.create:after")
        async def refused(payload: Any, context: Context) -> None:
            told.append(payload["name"])
            raise Veto("nobody minds")

        @hooks.action("item.create:after")
        async def hangs(payload: Any, context: Context) -> None:
            await asyncio.Event().wait()

        @hooks.action("item.create:after")
        async def cancelled(payload: Any, context: Context) -> None:
            raise asyncio.CancelledError

        @hooks.action("item.create.authors:after")
        def fine(payload: Any, context: Context) -> None:
            told.append(payload["name"] + "!")

    hooked.use(register, after=0.05)
    assert (await hooked.house.create("authors", {"name": "x"}))["id"] == 3
    await hooked.settled()
    assert told == ["x", "x!"]
    assert [line["event"] for line in hooked.logged] == [
        "an extension raised an error", "an action was refused", "an extension did not end within 0.05 seconds",
        "an extension raised an error",
    ]  # fmt: skip
    assert await hooked.house.one("authors", "name", where='"id" = 3') == ("x",)


async def test_actions_write_as_the_caller_or_as_the_system(hooked: Hooked) -> None:
    house = hooked.house
    await house.grant("articles", read="full", create="full")
    refused: list[Exception] = []

    def register(hooks: Hooks) -> None:
        @hooks.action("item.create.articles:after")
        async def follow(payload: Any, context: Context) -> None:
            assert (context.user, context.role, context.project) == (2, 3, "main")
            try:
                await context.items.create("comments", {"article": context.keys[0], "text": "mine"})
            except Exception as error:
                refused.append(error)
            key = await context.system.create("comments", {"article": context.keys[0], "text": "system"})
            await context.system.update("comments", key, {"text": "changed"})
            await context.system.delete("comments", 1)

    hooked.use(register)
    await house.create("articles", {"title": "x"}, user=2)
    await hooked.settled()
    assert [type(error).__name__ for error in refused] == ["CreateDenied"]
    assert await house.rows("comments", "id", "article", "text") == [(2, 1, "second"), (3, 4, "changed")]
    assert [row[:3] for row in await house.activity()] == [
        ("create", 2, "articles"), ("create", 2, "comments"), ("update", 2, "comments"), ("delete", 2, "comments"),
    ]  # fmt: skip


async def test_reading_by_hooks(hooked: Hooked) -> None:
    house = hooked.house
    await house.grant("articles", read="mine", create="full")
    found: list[Any] = []

    def register(hooks: Hooks) -> None:
        @hooks.filter("item.create.articles:before")
        async def look(payload: Any, context: Context) -> None:
            for door in (context.items, context.system):
                found.append(await door.read("articles", fields=("id",), sort=("-id",)))
            found.append(await context.system.read("articles", fields=("id",), where={"rating": None, "id": {"gt": 1}}))
            found.append(await context.items.get("articles", 2))
            found.append(await context.system.get("articles", 1, fields=("title", "author.name")))

    hooked.use(register)
    await house.create("articles", {"title": "x"}, user=2)
    assert found == [
        [{"id": 1}], [{"id": 2}, {"id": 1}], [{"id": 2}], None, {"title": "One", "author": {"name": "Ada"}}
    ]  # fmt: skip


async def test_actions_that_cause_each_other_come_to_an_end(hooked: Hooked) -> None:
    told: list[int] = []

    def register(hooks: Hooks) -> None:
        @hooks.action("item.update.authors:after")
        async def again(payload: Any, context: Context) -> None:
            told.append(payload["age"])
            await context.system.update("authors", 1, {"age": payload["age"] + 1})

    hooked.use(register)
    await hooked.house.update("authors", 1, {"age": 1})
    await hooked.settled()
    assert told == [1, 2, 3, 4, 5]
    assert [line["event"] for line in hooked.logged] == ["actions dropped: hooks cause each other"]
    assert await hooked.house.one("authors", "age", where='"id" = 1') == (6,)


async def test_a_full_queue_is_no_end_of_the_world(hooked: Hooked, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.hooks.queue.PATIENCE", 0.05)
    go = asyncio.Event()
    told: list[str] = []

    def register(hooks: Hooks) -> None:
        @hooks.action("item.create.authors:after")
        async def slow(payload: Any, context: Context) -> None:
            await go.wait()
            told.append(payload["name"])

    hooked.use(register, queue=1)
    for name in "abc":
        await hooked.house.create("authors", {"name": name})
        await asyncio.sleep(0)
    go.set()
    await hooked.settled()
    assert told == ["a", "b"]
    assert [(line["event"], line["count"]) for line in hooked.logged] == [("actions dropped: too many wait", 1)]
    assert await hooked.house.rows("authors", "name", where='"id" > 2') == [("a",), ("b",), ("c",)]


async def test_closing_waits_for_actions(hooked: Hooked) -> None:
    told: list[str] = []

    def register(hooks: Hooks) -> None:
        @hooks.action("item.create.authors:after")
        async def slow(payload: Any, context: Context) -> None:
            await asyncio.sleep(0.05)
            told.append(payload["name"])

    hooked.use(register)
    await hooked.house.create("authors", {"name": "a"})
    await hooked.house.create("authors", {"name": "b"})
    hooks = hooked.house.project.hooks
    assert hooks is not None
    await hooks.close()
    assert told == ["a", "b"]
    await hooked.house.create("authors", {"name": "c"})
    assert told == ["a", "b"]


async def test_nothing_is_told_of_what_was_refused(hooked: Hooked) -> None:
    told: list[Any] = []
    hooked.use(everything(told, ()))
    with pytest.raises(DuplicateItem):
        await hooked.house.create("articles", {"title": "x", "tags": [{"tag": "red"}, {"tag": "red"}]})
    await hooked.settled()
    assert [event for event, *_ in told if "before" not in event] == []


async def test_revert_is_an_update(hooked: Hooked) -> None:
    house = hooked.house
    await house.create("authors", {"name": "first"})
    [(key,)] = await house.rows("directus_revisions", "id")
    await house.update("authors", 3, {"name": "second"})
    told: list[Any] = []
    hooked.use(everything(told, ("authors",)))
    await house.write("revert", "authors", keys=("3",), revision=str(key))
    await hooked.settled()
    assert [event for event, *_ in told] == [
        "filter item.update:before", "filter item.update.authors:before", "item.update:before",
        "item.update.authors:before", "item.update", "item.update.authors", "item.update:after",
        "item.update.authors:after",
    ]  # fmt: skip
    assert (await house.one("authors", "name", where='"id" = 3')) == ("first",)


async def test_no_hooks_no_statements(hooked: Hooked) -> None:
    house = hooked.house
    counts: list[int] = []
    for _ in range(2):
        await house.create("articles", {"title": "x", "author": {"name": "n"}, "comments": [{"text": "a"}]})
        counts.append(house.statements)
        hooked.use(lambda hooks: hooks.filter("item.create:before")(lambda payload, context: payload) and None)
    assert counts[0] == counts[1]


async def test_comments_are_items_of_activity(hooked: Hooked) -> None:
    house, told = hooked.house, []
    session = await house.session()

    def register(hooks: Hooks) -> None:
        everything(told, ("directus_activity",))(hooks)

        @hooks.filter("item.create.directus_activity:before", "item.update.directus_activity:before")
        def polite(payload: Any, context: Context) -> Any:
            if payload.get("comment") == "Damn":
                raise Veto("Please")
            return {**payload, "comment": ""} if payload.get("comment") == "blank" else payload

    hooked.use(register)
    said = {"collection": "articles", "item": 1, "comment": "Hm"}
    result = await history.create_comment(session, said)
    [key] = result.keys
    await history.update_comment(session, str(key), {"comment": "Hm!"})
    await history.delete_comment(session, str(key))
    await hooked.settled()
    about = {"collection": "articles", "item": "1", "comment": "Hm"}
    assert [(event, payload) for event, payload, _, _ in told if event.endswith("create:before")] == [
        ("item.create:before", about), ("filter item.create:before", about)
    ]  # fmt: skip
    after = [(event, payload, keys) for event, payload, _, keys in told if event.endswith("directus_activity:after")]
    assert [(event, payload.get("comment"), keys) for event, payload, keys in after] == [
        ("item.create.directus_activity:after", "Hm", (key,)),
        ("item.update.directus_activity:after", "Hm!", (key,)),
        ("item.update.directus_activity:after", None, (key,)),
    ]
    assert set(after[1][1]) == {"id", "edited_on", "comment"}
    assert set(after[2][1]) == {"id", "comment_deleted_on"}
    before = await house.rows("directus_activity", "id", "comment")
    for text, error in (("Damn", Veto), ("blank", ValidationFailed)):
        with pytest.raises(error):
            await history.create_comment(session, {**said, "comment": text})
    assert await house.rows("directus_activity", "id", "comment") == before
