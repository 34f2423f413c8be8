"""Hooks on what is no item: the schema, signing in, answers, errors; over REST and GraphQL, on three databases."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from core.extend.items import doors
from core.hooks import Hooks, Veto
from core.hooks.live import Limits, LiveHooks
from core.hooks.registry import Registered
from tests.api.newsroom import Newsroom, newsroom
from tests.api.test_response_cache import ON, cached
from tests.backends import fresh_database
from tests.projects import ADMIN_EMAIL, ADMIN_PASSWORD

LOGIN = {"email": ADMIN_EMAIL, "password": ADMIN_PASSWORD}
SCHEMA = tuple(
    f"{subject}.{action}{when}"
    for subject in ("collection", "field")
    for action in ("create", "update", "delete")
    for when in (":before", "", ":after")
)
ID = {
    "field": "id", "type": "integer", "datatype": "INT", "interface": "primary-key", "primary_key": True,
    "auto_increment": True, "length": 10,
}  # fmt: skip
TITLE = {"field": "title", "type": "string", "datatype": "VARCHAR", "length": 50, "interface": "text-input"}


@pytest.fixture(scope="module")
async def server(dialect: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Newsroom]:
    folder = tmp_path_factory.mktemp("hooked")
    with fresh_database(dialect, folder) as url:
        async with newsroom(url, folder / "data") as found:
            yield found


@pytest.fixture
async def api(server: Newsroom) -> AsyncIterator[Newsroom]:
    yield server
    project = server.projects.get("main")
    if project.hooks is not None:
        await project.hooks.close()
    project.hooks = None


def use(api: Newsroom, register: Callable[[Hooks], None], **limits: Any) -> None:
    hooks = Hooks("test")
    register(hooks)
    api.projects.get("main").hooks = LiveHooks("main", Registered.of([hooks]), doors, Limits(**limits))


async def settled(api: Newsroom) -> None:
    hooks = api.projects.get("main").hooks
    assert hooks is not None
    await hooks.queue.settled()


async def test_changes_of_the_schema_are_told_before_and_after(api: Newsroom) -> None:
    told: list[Any] = []

    def register(hooks: Hooks) -> None:
        @hooks.action(*SCHEMA, "field.create.planets", "field.delete.planets:after")
        async def hear(payload: Any, context: Any) -> None:
            told.append((context.event, context.collection, context.field, dict(payload).get("note")))

    use(api, register)
    await api.ask("POST", "/collections", json={"collection": "planets", "note": "far", "fields": [ID]})
    await settled(api)
    names = [one for one in told if one[0].startswith("collection")]
    assert names == [
        ("collection.create:before", "planets", None, "far"),
        ("collection.create", "planets", None, "far"),
        ("collection.create:after", "planets", None, "far"),
    ]
    told.clear()
    assert (await api.ask("POST", "/fields/planets", json=TITLE)).status_code == 200
    await settled(api)
    assert [(event, field) for event, _, field, _ in told if field is not None] == [
        ("field.create:before", "title"), ("field.create", "title"), ("field.create.planets", "title"),
        ("field.create:after", "title"),
    ]  # fmt: skip
    told.clear()
    text = (
        'mutation { update_directus_fields_item(collection: "planets", field: "title", data: {note: "n"}) { field } }'
    )
    assert "errors" not in await api.graphql(text)
    assert (await api.ask("DELETE", "/fields/planets/title")).status_code == 204
    assert (await api.ask("DELETE", "/collections/planets")).status_code == 204
    await settled(api)
    # A field that has a column changes its table as well.
    assert [event for event, *_ in told if not event.startswith("collection.update")] == [
        "field.update:before", "field.update", "field.update:after",
        "field.delete:before", "field.delete", "field.delete:after", "field.delete.planets:after",
        "collection.delete:before", "collection.delete", "collection.delete:after",
    ]  # fmt: skip


async def test_a_hook_refuses_a_change_of_the_schema(api: Newsroom) -> None:
    def register(hooks: Hooks) -> None:
        @hooks.action("collection.create:before", "field.delete:before")
        def refuse(payload: Any, context: Any) -> None:
            raise Veto("The schema is frozen.")

    use(api, register)
    body = {"collection": "planets", "fields": [ID]}
    assert await api.refusal("POST", "/collections", json=body) == (422, 12)
    assert await api.refusal("DELETE", "/fields/comments/text") == (422, 12)
    text = 'mutation { delete_directus_fields_item(collection: "comments", field: "text") }'
    told = await api.graphql(text)
    assert told["errors"][0]["message"] == "The schema is frozen."
    assert (await api.get("/fields/comments/text"))["data"]["field"] == "text"


async def test_signing_in_is_told_and_may_be_refused(api: Newsroom) -> None:
    told: list[Any] = []

    def register(hooks: Hooks) -> None:
        @hooks.action("auth.request:credentials")
        async def ask(payload: Any, context: Any) -> None:
            told.append((context.event, payload["email"], "password" in payload))
            if payload.get("title") == "No entry":
                raise Veto("Not today.", code=1001, status=403)

        @hooks.action("auth.success")
        async def hear(payload: Any, context: Any) -> None:
            told.append((context.event, payload["id"]))

        @hooks.action("auth.fail")
        async def fail(payload: Any, context: Any) -> None:
            told.append((context.event, type(payload).__name__))

    use(api, register)
    assert (await api.ask("POST", "/auth/authenticate", None, json=LOGIN)).status_code == 200
    wrong = {**LOGIN, "password": "wrong"}
    assert (await api.ask("POST", "/auth/authenticate", None, json=wrong)).json()["error"]["code"] == 100
    text = "mutation($e: String, $p: String) { auth_authenticate(email: $e, password: $p) { token } }"
    assert "errors" not in await api.graphql(text, None, e=ADMIN_EMAIL, p=ADMIN_PASSWORD)
    await settled(api)
    asked = ("auth.request:credentials", ADMIN_EMAIL, False)
    assert told == [
        asked, ("auth.success", "1"), ("auth.fail", "InvalidCredentials"), asked, ("auth.success", "1"),
    ]  # fmt: skip
    await api.ask("PATCH", "/users/1", json={"title": "No entry"})
    before = await api.rows("SELECT count(*) FROM directus_user_sessions")
    answer = await api.ask("POST", "/auth/authenticate", None, json=LOGIN)
    assert (answer.status_code, answer.json()["error"]) == (403, {"code": 1001, "message": "Not today."})
    assert await api.rows("SELECT count(*) FROM directus_user_sessions") == before
    await api.ask("PATCH", "/users/1", json={"title": None})


async def test_answers_are_filtered_and_told(api: Newsroom) -> None:
    told: list[Any] = []

    def register(hooks: Hooks) -> None:
        @hooks.filter("response")
        def sign(payload: Any, context: Any) -> Any:
            payload["by"] = context.request["path"]
            return payload

        @hooks.filter("response.GET")
        def count(payload: Any, context: Any) -> Any:
            return {**payload, "got": len(payload["data"])}

        @hooks.action("response")
        async def hear(payload: Any, context: Any) -> None:
            told.append((dict(context.request), None if payload is None else sorted(payload)))

    await api.refill()
    use(api, register)
    answer = await api.ask("GET", "/items/people?fields=id")
    assert answer.json() == {"data": [{"id": 1}, {"id": 2}], "by": "/items/people", "got": 2}
    assert (await api.ask("GET", "/items/nothing")).status_code == 404
    await settled(api)
    size = len(answer.content)
    assert told == [
        (
            {"path": "/items/people", "query": "fields=id", "method": "GET", "status": 200, "size": size},
            ["by", "data", "got"],
        ),
    ]
    told.clear()
    assert (await api.ask("GET", "/items/people/9")).status_code == 404
    await settled(api)
    assert [(one["status"], payload) for one, payload in told] == [(404, None)]


async def test_a_filter_of_answers_that_fails_gives_nothing_away(api: Newsroom) -> None:
    def register(hooks: Hooks) -> None:
        @hooks.filter("response.GET")
        def fail(payload: Any, context: Any) -> Any:
            raise KeyError("inner secret")

    await api.refill()
    use(api, register)
    answer = await api.ask("GET", "/items/people")
    assert answer.status_code == 500
    assert "secret" not in answer.text
    assert "Ada" not in answer.text


async def test_unexpected_errors_are_told(api: Newsroom, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []

    def register(hooks: Hooks) -> None:
        @hooks.action("application.error")
        async def hear(payload: Any, context: Any) -> None:
            told.append(type(payload).__name__)

    async def broken(*_: Any) -> Any:
        raise ZeroDivisionError

    use(api, register)
    monkeypatch.setattr("core.engine.read", broken)
    with capture_logs():  # which would be written with all that was at hand
        assert (await api.ask("GET", "/items/people")).status_code == 500
        answer = await api.graphql("{ people { data { id } } }")
    assert answer["errors"]
    await settled(api)
    assert set(told) == {"ZeroDivisionError"}


async def test_items_that_are_read_are_filtered_at_every_depth_over_both_doors(api: Newsroom) -> None:
    told: list[Any] = []

    def register(hooks: Hooks) -> None:
        @hooks.filter("item.read.people")
        def mask(rows: Any, context: Any) -> Any:
            told.append((context.collection, len(rows)))
            return [{**row, "name": "***"} if "name" in row else row for row in rows]

        @hooks.filter("item.read.comments:before")
        def narrow(payload: Any, context: Any) -> Any:
            payload["columns"] = [name for name in payload["columns"] if name != "text"]
            return payload

    await api.refill()
    use(api, register)
    assert (await api.get("/items/people?fields=id,name"))["data"] == [
        {"id": 1, "name": "***"}, {"id": 2, "name": "***"},
    ]  # fmt: skip
    assert (await api.get("/items/people/1?fields=name"))["data"] == {"name": "***"}
    found = await api.get("/items/articles/1?fields=id,author.name,comments.text,comments.id")
    # A field of a related item that a filter takes out is null.
    comments = [{"id": 1, "text": None}, {"id": 2, "text": None}]
    assert found["data"] == {"id": 1, "author": {"name": "***"}, "comments": comments}
    assert (await api.get("/items/comments/1"))["data"] == {"id": 1, "article": 1}
    text = (
        "{ articles_by_id(id: 1) { author { who: name } comments { id text } } people(limit: 1) { data { name id } } }"
    )
    assert (await api.graphql(text))["data"] == {
        "articles_by_id": {
            "author": {"who": "***"},
            "comments": [{"id": "1", "text": None}, {"id": "2", "text": None}],
        },
        "people": {"data": [{"name": "***", "id": "1"}]},
    }
    assert told == [("people", 2), ("people", 1), ("people", 1), ("people", 1), ("people", 1)]
    assert await api.rows("SELECT name FROM people ORDER BY id") == [("Ada",), ("Bob",)]


@pytest.mark.parametrize("answer", [[], None, 5, [{"id": 1}]])
async def test_a_filter_of_items_answers_item_for_item(api: Newsroom, answer: Any) -> None:
    def register(hooks: Hooks) -> None:
        @hooks.filter("item.read")
        def wrong(rows: Any, context: Any) -> Any:
            return answer

    await api.refill()
    use(api, register)
    found = await api.ask("GET", "/items/people?fields=id")
    assert found.status_code == (200 if answer is None else 500)  # nothing returned: as it was given


@pytest.mark.parametrize("event", ["item.read.people", "response.GET"])
async def test_filtered_answers_are_not_kept(event: str, tmp_path: Path) -> None:
    asked: list[str] = []

    def register(hooks: Hooks) -> None:
        hooks.filter(event)(lambda payload, context: asked.append(context.event))

    async with cached(f"sqlite:///{tmp_path}/x.db", tmp_path, ON) as cache:
        await cache.plain.refill()
        await cache.spent("/items/people")
        assert (await cache.spent("/items/people"))[0] == 1
        use(cache.one, register)
        for number in (1, 2):
            assert (await cache.spent("/items/people"))[0] > 1
            assert asked == [event] * number
