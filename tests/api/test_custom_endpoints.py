"""Endpoints of extensions: the example of the documentation, rights, errors, limits; on three databases."""

from __future__ import annotations

import re
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from core.extend.items import doors
from core.hooks import Hooks
from core.hooks.live import Limits, LiveHooks
from core.hooks.registry import Registered
from core.projects import maintenance
from tests.api.newsroom import Newsroom, newsroom
from tests.backends import fresh_database
from tests.projects import ADMIN_EMAIL, ADMIN_PASSWORD

DOCS = Path(__file__).resolve().parents[2] / "docs" / "endpoints.md"
ODD = """
import asyncio, datetime, decimal, time
from core.endpoints import Response

async def hang(request, context):
    await asyncio.Event().wait()

def slow(request, context):
    time.sleep(1.5)

def broken(request, context):
    raise RuntimeError("the password is 1234")

async def ends(request, context):
    raise SystemExit(3)

async def greedy(request, context):
    return "fits"

async def echo(request, context):
    return {"method": request.method, "path": request.path, "params": dict(request.params),
            "query": dict(request.query), "json": request.json() if request.body else None,
            "me": [context.user, context.role, context.admin], "project": context.project,
            "agent": request.headers.get("x-agent")}

async def write(request, context):
    await context.items.create("articles", {"title": "by an endpoint", "status": "draft"})

async def mutate(request, context):
    return await context.graphql(request.json()["query"], {})

async def subscribe(request, context):
    return await context.graphql("subscription { articles_live { data { id } } }", {})

async def rights(request, context):
    return [context.may("articles", action) for action in ("create", "read", "update", "delete")] + [
        context.may("tokens", "read", "draft"), context.may("categories", "read")]

answers = {
    "text": "héllo", "bytes": b"\\x00\\xff", "none": None, "list": [1], "date": {"at": datetime.date(2020, 1, 2)},
    "decimal": decimal.Decimal("1.50"), "status": Response({"a": 1}, 201), "empty": Response(None, 304),
    "cors": Response("x", headers={"Access-Control-Allow-Origin": "*", "Content-Length": "99", "X-Own": "1"}),
    "cookie": Response("x", headers={"Set-Cookie": "a=b"}, media="text/html"),
    "split": Response("x", headers={"X-Own": "a\\r\\nX-Evil: 1"}), "name": Response("x", headers={"X Own": "1"}),
    "object": object(), "mad": Response("x", 99), "big": Response("x", 1000), "type": Response("x", media="a\\r\\nb"),
    "number": Response("x", headers={"X-Own": 1}),
}

async def give(request, context):
    return answers[request.params["what"]]

endpoints = {
    "/": echo, "/hang": hang, "/slow": slow, "/broken": broken, "/ends": ends,
    "/write": {"method": "POST", "handler": write},
    "/mutate": {"method": "post", "handler": mutate}, "/rights": rights, "/subscribe": subscribe, "/give/{what}": give,
    "/echo": {"method": ["GET", "PATCH", "POST", "DELETE", "PUT"], "handler": echo},
    "/greedy/{a:(?:[a-z]+)+}": greedy,
    "/echo/{a:[a-z]{2,3}}[/{b}[/{c}]]": echo,
}
"""


def example() -> str:
    """The module that the documentation shows."""
    [found] = re.findall(r"```python\n# extensions/custom/endpoints/shelf\.py\n(.*?)```", DOCS.read_text(), re.DOTALL)
    return str(found)


def put(data: Path, path: str, text: str) -> None:
    place = data / "extensions" / path
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(text)


def fill(data: Path) -> None:
    put(data, "custom/endpoints/shelf.py", example())
    put(data, "main/endpoints/odd/endpoints.py", "from .inner import endpoints\n")
    put(data, "main/endpoints/odd/inner.py", ODD)
    put(data, "other/endpoints/foreign.py", "endpoints = {'': lambda request, context: 1}")
    put(data, "custom/endpoints/_example.py", "endpoints = {'': lambda request, context: 1}")
    put(data, "main/endpoints/shelf.py", "endpoints = {'': lambda request, context: 'the second'}")
    put(
        data,
        "custom/endpoints/twice.py",
        "endpoints = {'': lambda request, context: 'first', '/': lambda request, context: 'second'}",
    )
    put(data, "custom/endpoints/old.php", "<?php return [];")
    put(data, "custom/endpoints/older/endpoints.php", "<?php return [];")
    put(data, "custom/endpoints/wrong.py", "endpoints = {'/{a': lambda request, context: 1}")
    put(data, "custom/endpoints/broken.py", "import nothing_of_this_name")
    put(data, "custom/endpoints/ending.py", "raise SystemExit")
    put(data, "custom/modules/board/endpoints.py", "endpoints = {'/{x}': lambda request, context: request.params}")
    put(data, "core/interfaces/stars/endpoints.py", "endpoints = {'': lambda request, context: 'stars'}")


@pytest.fixture(scope="module")
async def server(dialect: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Newsroom]:
    folder = tmp_path_factory.mktemp("endpoints")
    fill(folder / "data")
    with fresh_database(dialect, folder) as url:
        async with newsroom(url, folder / "data") as found:
            found.projects.get("main").config.tree["hooks"]
            with capture_logs():  # of what cannot be loaded
                await found.get("/custom/odd")
            yield found


@pytest.fixture
def logged() -> Iterator[list[dict[str, object]]]:
    with capture_logs() as found:
        yield found  # type: ignore[misc]


@pytest.fixture
async def api(server: Newsroom, logged: list[object]) -> Newsroom:
    await server.refill()
    return server


async def test_the_example_of_the_documentation(api: Newsroom) -> None:
    published = [{"id": 1, "title": "One"}, {"id": 2, "title": "Two"}, {"id": 4, "title": "Four"}]
    for path in ("/custom/shelf", "/custom/shelf/"):
        assert await api.get(path) == {"data": published, "user": 1}
    drafts = await api.get("/custom/shelf?status=draft", "writer-token")
    assert drafts == {"data": [{"id": 3, "title": "50% off"}], "user": 3}
    assert await api.refusal("GET", "/custom/shelf", None) == (403, 300)

    assert await api.refusal("POST", "/custom/shelf/articles/1/like", None) == (401, 4001)
    assert await api.refusal("POST", "/custom/shelf/articles/1/like", "writer-token") == (404, 203)  # not his
    for method, views in (("POST", 21), ("PUT", 22)):
        answer = await api.ask(method, "/custom/shelf/articles/2/like", "writer-token")
        assert (answer.status_code, answer.json()) == (200, {"data": {"views": views}})
    assert (await api.rows("SELECT action_by FROM directus_activity ORDER BY id"))[-2:] == [(3,), (3,)]

    answer = await api.ask("GET", "/custom/shelf/authors")
    assert answer.json() == {"data": {"people": {"data": [{"name": "Ada"}]}}}
    assert answer.headers["x-asked"] == "people"
    denied = (await api.ask("GET", "/custom/shelf/authors", "writer-token")).json()
    assert [error["extensions"]["code"] for error in denied["errors"]] == [300]

    answer = await api.ask("GET", "/custom/shelf/export/all", "writer-token")
    assert (answer.content, answer.headers["content-type"]) == (b"id;title\r\n", "text/csv")
    assert answer.headers["content-disposition"] == 'attachment; filename="all.csv"'
    assert 'filename="articles.csv"' in (await api.ask("GET", "/custom/shelf/export")).headers["content-disposition"]
    answer = await api.ask("GET", "/custom/shelf/export", "nobody-token")
    assert (answer.status_code, answer.text, answer.headers["content-type"]) == (
        403, "nothing for you", "text/plain; charset=utf-8"
    )  # fmt: skip


@pytest.mark.parametrize(
    "path",
    [
        "/custom/nothing", "/custom", "/custom/shelf/nothing", "/custom/shelf/articles/x/like", "/custom/foreign",
        "/custom/_example", "/custom/old", "/custom/wrong", "/custom/broken", "/custom/ending", "/custom/odd/echo/abcd",
        "/custom/odd/echo/ab/c/d/e", "/modules/board", "/modules/nothing/x", "/interfaces/shelf", "/custom/board/x",
    ],
)  # fmt: skip
async def test_not_there(api: Newsroom, path: str) -> None:
    assert await api.refusal("GET", path) == (404, 1)
    assert await api.refusal("GET", path, None) == (404, 1)


async def test_methods(api: Newsroom) -> None:
    answer = await api.ask("PATCH", "/custom/shelf/articles/1/like")
    assert (answer.status_code, answer.json()) == (405, {"error": {"code": 6, "message": "Method Not Allowed"}})
    assert answer.headers["allow"] == "POST, PUT, OPTIONS"
    assert (await api.ask("DELETE", "/custom/shelf")).headers["allow"] == "GET, HEAD, OPTIONS"
    head = await api.ask("HEAD", "/custom/shelf/authors")
    assert (head.status_code, head.content, head.headers["x-asked"]) == (200, b"", "people")
    override = await api.ask("POST", "/custom/odd/echo", headers={"X-HTTP-Method-Override": "PATCH"})
    assert override.json()["method"] == "PATCH"
    assert (await api.ask("OPTIONS", "/custom/shelf")).status_code == 200


async def test_what_a_handler_is_told(api: Newsroom) -> None:
    answer = await api.ask(
        "POST", "/custom/odd/echo?a[b]=1&c=%C3%A9", "editor-token", json={"x": [1]}, headers={"X-Agent": "tests"}
    )
    assert answer.json() == {
        "method": "POST", "path": "/echo", "params": {}, "query": {"a": {"b": "1"}, "c": "é"}, "json": {"x": [1]},
        "me": [2, 3, False], "project": "main", "agent": "tests",
    }  # fmt: skip
    assert (await api.get("/custom/odd/echo/ab/c%20d"))["params"] == {"a": "ab", "b": "c d"}
    assert (await api.get("/custom/odd/echo/abc/x/y"))["params"] == {"a": "abc", "b": "x", "c": "y"}
    assert (await api.get("/custom/odd", None))["me"] == [0, 2, False]
    assert (await api.get("/custom/odd"))["path"] == "/"
    assert await api.get("/modules/board/seven") == {"x": "seven"}
    assert (await api.ask("GET", "/interfaces/stars")).text == "stars"
    rejected = await api.ask("GET", "/custom/odd/echo", "nobody's token")
    assert (rejected.json()["me"], "invalid_token" in rejected.headers["www-authenticate"]) == ([0, 2, False], True)


async def test_the_empty_path_and_a_slash_are_one(api: Newsroom) -> None:
    for path in ("/custom/twice", "/custom/twice/"):
        assert (await api.ask("GET", path)).text == "first"


async def signed_in(api: Newsroom) -> str:
    """The header of a browser that has signed in."""
    body = {"email": ADMIN_EMAIL, "password": ADMIN_PASSWORD, "mode": "cookie"}
    answer = await api.ask("POST", "/auth/authenticate", None, json=body)
    assert answer.status_code == 200, answer.text
    return answer.headers["set-cookie"].partition(";")[0]


async def test_a_cookie_signs_in_at_endpoints_as_everywhere(api: Newsroom) -> None:
    cookie = {"Cookie": await signed_in(api)}
    assert (await api.ask("GET", "/custom/odd", None, headers=cookie)).json()["me"] == [1, 1, True]
    assert (await api.ask("GET", "/custom/odd", "writer-token", headers=cookie)).json()["me"] == [3, 4, False]
    own = {**cookie, "Origin": "http://api.example.com", "Sec-Fetch-Site": "same-origin"}
    assert (await api.ask("POST", "/custom/odd/write", None, headers=own)).status_code == 204
    assert await api.rows("SELECT owner FROM articles WHERE id > 5") == [(1,)]


@pytest.mark.parametrize(
    "foreign",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "http://api.example.com.evil.example"},
        {"Origin": "https://api.example.com"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
async def test_other_sites_do_not_act_at_endpoints(api: Newsroom, foreign: dict[str, str]) -> None:
    headers = {"Cookie": await signed_in(api), **foreign}
    before = await api.everything()
    answer = await api.ask("POST", "/custom/odd/write", None, headers=headers, content=b"{}")
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, 301)
    mutation = {"query": 'mutation { delete_articles_item(id: "1") }'}
    answer = await api.ask("POST", "/custom/odd/mutate", None, headers=headers, json=mutation)
    assert [error["extensions"]["code"] for error in answer.json()["errors"]] == [303]
    assert (await api.ask("PATCH", "/custom/odd/echo", None, headers=headers)).json()["me"] == [0, 2, False]
    assert await api.everything() == before


async def test_bodies(api: Newsroom) -> None:
    assert await api.refusal("POST", "/custom/odd/echo", content=b"{") == (400, 13)
    assert await api.refusal("POST", "/custom/odd/echo", content=b" " * (10 * 1024 * 1024 + 1)) == (413, 601)


async def test_rights_hold(api: Newsroom) -> None:
    assert await api.get("/custom/odd/rights") == [True] * 6
    assert await api.get("/custom/odd/rights", "editor-token") == [True, True, True, True, True, False]
    assert await api.get("/custom/odd/rights", "nobody-token") == [False] * 6
    assert await api.get("/custom/odd/rights", None) == [False, False, False, False, False, True]
    assert await api.refusal("POST", "/custom/odd/write", "nobody-token") == (403, 301)
    assert await api.refusal("POST", "/custom/odd/write", None) == (403, 301)
    mutation = {"query": 'mutation { delete_articles_item(id: "1") }'}
    answer = await api.ask("POST", "/custom/odd/mutate", "writer-token", json=mutation)
    assert [error["extensions"]["code"] for error in answer.json()["errors"]] == [303]
    assert len(await api.rows("SELECT id FROM articles")) == 5
    assert (await api.ask("POST", "/custom/odd/write", "writer-token")).status_code == 204
    assert await api.rows("SELECT title, owner FROM articles WHERE id > 5") == [("by an endpoint", 3)]
    assert (await api.ask("POST", "/custom/odd/mutate", json=mutation)).json() == {
        "data": {"delete_articles_item": "1"}
    }
    assert "errors" in (await api.ask("POST", "/custom/odd/mutate", json={"query": "{ nonsense }"})).json()
    assert "errors" in (await api.ask("POST", "/custom/odd/mutate", json={"query": ""})).json()
    assert "data" not in await api.get("/custom/odd/subscribe")


@pytest.mark.parametrize(
    ("what", "status", "body", "media"),
    [
        ("text", 200, "héllo".encode(), "text/plain; charset=utf-8"),
        ("bytes", 200, b"\x00\xff", "application/octet-stream"),
        ("none", 204, b"", None),
        ("list", 200, b"[1]", "application/json"),
        ("date", 200, b'{"at":"2020-01-02"}', "application/json"),
        ("decimal", 200, b'"1.50"', "application/json"),
        ("status", 201, b'{"a":1}', "application/json"),
        ("empty", 304, b"", None),
        ("cookie", 200, b"x", "text/html"),
        ("cors", 200, b"x", "text/plain; charset=utf-8"),
    ],
)
async def test_what_a_handler_gives(api: Newsroom, what: str, status: int, body: bytes, media: str | None) -> None:
    answer = await api.ask("GET", f"/custom/odd/give/{what}", headers={"Origin": "https://shop.example"})
    assert (answer.status_code, answer.content, answer.headers.get("content-type")) == (status, body, media)
    assert answer.headers.get_list("access-control-allow-origin") == ["https://shop.example"]
    assert answer.headers["cache-control"] == "private, no-cache"
    assert answer.headers.get("set-cookie") == ("a=b" if what == "cookie" else None)
    assert answer.headers.get("x-own") == ("1" if what == "cors" else None)


@pytest.mark.parametrize("what", ["split", "name", "object", "mad", "big", "type", "number"])
async def test_what_cannot_be_sent(api: Newsroom, logged: list[dict[str, object]], what: str) -> None:
    answer = await api.ask("GET", f"/custom/odd/give/{what}")
    assert (answer.status_code, answer.json()) == (500, FAILED)
    assert [line["event"] for line in logged] == ["an endpoint has not answered what can be sent"]


FAILED = {"error": {"code": None, "message": "An extension of this server failed."}}


async def test_a_handler_that_fails(api: Newsroom, logged: list[dict[str, object]]) -> None:
    for path in ("broken", "ends"):
        answer = await api.ask("GET", f"/custom/odd/{path}")
        assert (answer.status_code, answer.json()) == (500, FAILED)
    assert [(line["event"], line["path"]) for line in logged] == [
        ("an extension raised an error", "/broken"), ("an extension raised an error", "/ends")
    ]  # fmt: skip
    assert (await api.ask("GET", "/custom/odd")).status_code == 200


async def test_a_handler_that_fails_is_told_to_hooks(api: Newsroom, logged: list[dict[str, object]]) -> None:
    told: list[str] = []
    hooks = Hooks("test")

    @hooks.action("application.error")
    async def hear(payload: object, context: object) -> None:
        told.append(repr(payload))

    await api.get("/custom/odd")
    project = api.projects.get("main")
    project.hooks = LiveHooks("main", Registered.of([hooks]), doors, Limits())
    try:
        for path in ("broken", "give/object"):
            assert (await api.ask("GET", f"/custom/odd/{path}")).status_code == 500
        await project.hooks.queue.settled()
    finally:
        await project.hooks.close()
        project.hooks = None
    assert told[0] == "RuntimeError('the password is 1234')"
    assert told[1].startswith("TypeError(")
    assert len(told) == 2


async def test_a_careless_pattern_holds_nobody_up(api: Newsroom) -> None:
    assert (await api.ask("GET", "/custom/odd/greedy/abc")).text == "fits"
    before = time.monotonic()
    answer = await api.ask("GET", f"/custom/odd/greedy/{'a' * 60}!", None)
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, 1)
    assert time.monotonic() - before < 20  # without a limit it would take years


async def test_a_body_is_not_nested_without_end(api: Newsroom) -> None:
    for levels, status in ((64, 200), (65, 400), (2000, 400)):
        content = "[" * levels + "]" * levels
        answer = await api.ask("POST", "/custom/odd/echo", content=content)
        assert answer.status_code == status, levels


@pytest.mark.parametrize("path", ["hang", "slow"])
async def test_a_handler_that_hangs(
    api: Newsroom, logged: list[dict[str, object]], monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    await api.get("/custom/odd")
    monkeypatch.setattr(api.projects.get("main").endpoints, "_seconds", 0.1)
    answer = await api.ask("GET", f"/custom/odd/{path}")
    assert (answer.status_code, answer.json()) == (500, FAILED)
    assert [line["event"] for line in logged] == ["an extension did not end within 0.1 seconds"]


async def test_maintenance_holds(api: Newsroom) -> None:
    data = api.projects.settings.data
    maintenance.turn_on(data)
    try:
        answer = await api.ask("GET", "/custom/shelf")
        assert (answer.status_code, answer.json()["error"]["code"]) == (503, 21)
    finally:
        maintenance.turn_off(data)


async def test_what_was_found_is_listed(api: Newsroom) -> None:
    await api.get("/custom/odd")
    found = api.projects.get("main").extensions
    assert found.foreign == (
        "extensions/custom/endpoints/old.php", "extensions/custom/endpoints/older/endpoints.php"
    )  # fmt: skip
    errors = {one.place.removeprefix("extensions/"): one.error for one in found.listed if one.error}
    assert errors == {
        "custom/endpoints/broken.py": "ModuleNotFoundError: No module named 'nothing_of_this_name' (broken.py, line 1)",
        "custom/endpoints/ending.py": "SystemExit:  (ending.py, line 1)",
        "custom/endpoints/wrong.py": "ValueError: '/{a': a brace is not closed",
        "main/endpoints/shelf.py": "ValueError: there is another endpoint of the name custom/shelf",
    }
    [shelf] = [one for one in found.listed if one.place.endswith("custom/endpoints/shelf.py")]
    assert shelf.holds == (
        "GET /custom/shelf", "POST PUT /custom/shelf/articles/{id:[0-9]+}/like", "GET /custom/shelf/authors",
        "GET /custom/shelf/export[/{name}]",
    )  # fmt: skip
