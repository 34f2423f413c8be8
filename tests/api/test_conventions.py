"""What all routes have in common: project, paths, methods, bodies, errors, CORS (files spec 1, 2, 9, 13)."""

from __future__ import annotations

import gzip
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from structlog.testing import capture_logs

from tests.api.newsroom import Newsroom, newsroom

ORIGIN = {"Origin": "https://shop.example"}
UNAUTHORIZED = {"error": {"code": 3, "message": "Unauthorized request"}}
NOT_FOUND = {"error": {"code": 1, "message": "Not Found"}}
BAD_METHOD = {"error": {"code": 6, "message": "Method Not Allowed"}}


@pytest.fixture(scope="module")
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Newsroom]:
    folder = tmp_path_factory.mktemp("conventions")
    async with newsroom(f"sqlite:///{folder}/x.db", folder / "data") as found:
        yield found


@pytest.fixture
async def api(server: Newsroom) -> AsyncIterator[Newsroom]:
    await server.refill()
    yield server
    set_config(server, env="production", cors=None)


def set_config(api: Newsroom, **branches: Any) -> None:
    """Change the configuration of the project, as its file would."""
    from core.settings import CorsConfig

    config = api.projects.get("main").config
    cors = branches.pop("cors", None)
    object.__setattr__(config, "cors", CorsConfig(**cors) if cors else CorsConfig())
    object.__setattr__(config, "tree", {**config.tree, **branches})


# --- projects and paths -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path", ["//MAIN/items/articles", "//nosuch/", "//nosuch", "//nosuch/gql", "//interfaces", "//types"]
)
async def test_nobody_learns_which_projects_exist(api: Newsroom, path: str) -> None:
    answer = await api.ask("GET" if "gql" not in path else "POST", path, json={"query": "{ __typename }"})
    assert (answer.status_code, answer.json()) == (401, UNAUTHORIZED)


async def test_listings_are_of_a_project_and_a_user(api: Newsroom) -> None:
    for kind in ("interfaces", "layouts", "modules", "types"):
        stranger = await api.ask("GET", f"//{kind}", None, headers={"X-Directus-Project": "main"})
        assert (stranger.status_code, stranger.json()["error"]["code"]) == (401, 108)
        for where in ({"headers": {"X-Directus-Project": "main"}}, {"params": {"project": "main"}}):
            assert (await api.ask("GET", f"//{kind}", **where)).status_code == 200
        if kind != "types":
            below = await api.ask("GET", f"/{kind}")
            assert (below.status_code, below.json()) == (404, NOT_FOUND)


@pytest.mark.parametrize(
    "path", ["/nosuch", "/items", "/items/articles/1/nosuch", "/auth", "/utils", "/utils/hash/nosuch/x"]
)
@pytest.mark.parametrize("token", ["admin-token", None])
async def test_unknown_routes(api: Newsroom, path: str, token: str | None) -> None:
    for accept in ("application/json", "text/html"):
        answer = await api.ask("GET", path, token, headers={"Accept": accept})
        assert (answer.status_code, answer.json()) == (404, NOT_FOUND)
        assert answer.headers["content-type"] == "application/json"


async def test_methods_that_a_route_does_not_know(api: Newsroom) -> None:
    answer = await api.ask("PUT", "/items/articles", json={})
    assert (answer.status_code, answer.json()) == (405, BAD_METHOD)
    assert answer.headers["allow"] == "GET, PATCH, POST, HEAD, OPTIONS"
    for method in ("TRACE", "PROPFIND", "QUERY"):
        assert (await api.ask(method, "/items/articles/1")).status_code == 405


async def test_head_and_slashes(api: Newsroom) -> None:
    for path in ("/items/articles/1", "/", "//server/ping", "//server/projects"):
        found, head = await api.ask("GET", path), await api.ask("HEAD", path)
        assert (head.status_code, head.content) == (found.status_code, b"")
        assert head.headers["content-length"] == str(len(found.content))
        assert head.headers["content-type"] == found.headers["content-type"]
        if path != "/":
            assert (await api.ask("GET", path + "/")).content == found.content


async def test_a_post_may_stand_for_another_method(api: Newsroom) -> None:
    headers = {"X-HTTP-Method-Override": "patch"}
    answer = await api.ask("POST", "/items/people/1?fields=name", json={"name": "Ada B"}, headers=headers)
    assert answer.json() == {"data": {"name": "Ada B"}}
    for method, override in (("GET", "DELETE"), ("PATCH", "DELETE"), ("POST", "TRACE")):
        answer = await api.ask(
            method, "/items/people/1", json={"name": "x"}, headers={"X-HTTP-Method-Override": override}
        )
        assert answer.status_code in (200, 405)
    answer = await api.ask("POST", "/items/people", json={"name": "y", "_METHOD": "DELETE"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (422, 12)
    assert await api.rows("SELECT count(*) FROM people") == [(2,)]
    answer = await api.ask("POST", "/items/people/2", headers={"X-HTTP-Method-Override": "DELETE"})
    assert (answer.status_code, answer.content) == (204, b"")
    assert "content-type" not in answer.headers


# --- bodies -------------------------------------------------------------------------------------------------------

NAME = json.dumps({"name": "New"}).encode()


@pytest.mark.parametrize(
    ("kind", "content"),
    [
        ("application/json", NAME),
        ("application/json; charset=utf-8", NAME),
        ("APPLICATION/JSON", NAME),
        ("application/vnd.api+json", NAME),
        ("application/x-www-form-urlencoded", b"name=New"),
        (None, NAME),
    ],
)
async def test_bodies_that_are_read(api: Newsroom, kind: str | None, content: bytes) -> None:
    headers = {} if kind is None else {"Content-Type": kind}
    answer = await api.ask("POST", "/items/people?fields=name", content=content, headers=headers)
    assert (answer.status_code, answer.json()) == (200, {"data": {"name": "New"}})
    assert answer.headers["content-type"] == "application/json"


@pytest.mark.parametrize(
    ("kind", "content"),
    [
        ("application/json", b""),
        ("application/json", b"{"),
        ("application/json", b"5"),
        ("application/json", b'"text"'),
        ("application/json", b"null"),
        ("application/json", b'\xff\xfe{"name":"x"}'),
        ("application/json", gzip.compress(NAME, mtime=0)),
        ("application/xml", b"<name>New</name>"),
        ("text/xml", b"<name>New</name>"),
        ("text/plain", NAME),
        ("application/octet-stream", NAME),
        ("application/x-www-form-urlencoded", b""),
        ("multipart/form-data", NAME),
        ("multipart/form-data; boundary=x", b"--x\r\nnonsense"),
        (None, b""),
        (None, b"name=New"),
    ],
)
async def test_bodies_that_are_none(api: Newsroom, kind: str | None, content: bytes) -> None:
    headers = {} if kind is None else {"Content-Type": kind}
    for method, path in (
        ("POST", "/items/people"),
        ("PATCH", "/items/people/1"),
        ("POST", "/utils/hash"),
        ("POST", "/mail"),
    ):
        assert await api.refusal(method, path, content=content, headers=headers) == (400, 13), path


async def test_bodies_have_a_size_and_a_depth(api: Newsroom) -> None:
    large = b'{"name": "' + b"x" * (10 * 1024 * 1024) + b'"}'
    assert await api.refusal("POST", "/items/people", content=large) == (413, 601)
    deep = b'{"name":' * 65 + b"1" + b"}" * 65
    assert await api.refusal("POST", "/items/people", content=deep) == (400, 2)


# --- errors -------------------------------------------------------------------------------------------------------


async def test_errors_name_their_class_outside_production_only(api: Newsroom) -> None:
    for path, name in (
        ("/nosuch", "NotFound"),
        ("/items/articles/99", "ItemNotFound"),
        ("/items/nosuch", "CollectionNotFound"),
    ):
        set_config(api, env="production")
        plain = (await api.ask("GET", path)).json()
        assert list(plain["error"]) == ["code", "message"]
        set_config(api, env="development")
        told = (await api.ask("GET", path)).json()
        assert told == {"error": {**plain["error"], "class": name}}


async def test_internal_errors_say_nothing_outside_production_either(
    api: Newsroom, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(*_: Any, **__: Any) -> Any:
        raise RuntimeError("a secret of the server")

    monkeypatch.setattr("core.engine.read", fail)
    for env, told in (("production", {}), ("development", {"class": "RuntimeError"})):
        set_config(api, env=env)
        with capture_logs() as logs:
            answer = await api.ask("GET", "/items/articles")
        assert [log["log_level"] for log in logs] == ["error"]
        assert (answer.status_code, answer.json()) == (
            500, {"error": {"code": None, "message": "Internal Server Error", **told}},
        )  # fmt: skip


# --- CORS at every door -------------------------------------------------------------------------------------------

DOORS = (
    ("GET", "/items/articles"),
    ("GET", "/nosuch"),
    ("PUT", "/items/articles"),
    ("POST", "/gql"),
    ("GET", "//nosuch/items/x"),
    ("GET", "//server/projects"),
    ("GET", "//server/nosuch"),
    ("GET", "//extensions/custom/interfaces/x/input.js"),
    ("GET", "//admin/"),
    ("GET", "/custom/nosuch"),
    ("GET", "//"),
)


@pytest.mark.parametrize(("method", "path"), DOORS)
async def test_cors_at_every_door(api: Newsroom, method: str, path: str) -> None:
    preflight = await api.ask("OPTIONS", path, None, headers={**ORIGIN, "Access-Control-Request-Method": method})
    assert (preflight.status_code, preflight.content) == (200, b"")
    assert preflight.headers["content-type"] == "text/html; charset=UTF-8"
    assert preflight.headers["access-control-allow-methods"] == "GET,POST,PUT,PATCH,DELETE,HEAD"
    assert "access-control-allow-credentials" not in preflight.headers
    answer = await api.ask(method, path, None, headers=ORIGIN)
    assert answer.headers["access-control-allow-origin"] == ORIGIN["Origin"]
    assert "Origin" in answer.headers["vary"]
    nobody = await api.ask(method, path, None)
    assert nobody.headers["access-control-allow-origin"] == "*"


@pytest.mark.parametrize(("method", "path"), [one for one in DOORS if not one[1].startswith("//")])
async def test_cors_as_configured(api: Newsroom, method: str, path: str) -> None:
    set_config(api, cors={
        "origin": ("https://shop.example",), "methods": ("GET",), "headers": ("X-Own",), "exposed_headers": ("ETag",),
        "max_age": 600, "credentials": True,
    })  # fmt: skip
    preflight = await api.ask("OPTIONS", path, None, headers=ORIGIN)
    assert {name: value for name, value in preflight.headers.items() if name.startswith("access-control")} == {
        "access-control-allow-origin": "https://shop.example",
        "access-control-allow-credentials": "true",
        "access-control-expose-headers": "ETag",
        "access-control-allow-methods": "GET",
        "access-control-allow-headers": "X-Directus-Project, Content-Type, Authorization, X-Own",
        "access-control-max-age": "600",
    }
    answer = await api.ask(method, path, None, headers=ORIGIN)
    assert answer.headers["access-control-allow-credentials"] == "true"
    assert answer.headers["access-control-expose-headers"] == "ETag"
    for origin in ("https://evil.example", "https://shop.example.evil.example", "http://shop.example", "null"):
        foreign = await api.ask(method, path, None, headers={"Origin": origin})
        assert "access-control-allow-origin" not in foreign.headers
        assert "Origin" in foreign.headers["vary"]
    set_config(api, cors={"enabled": False})
    for answer in (await api.ask("OPTIONS", path, headers=ORIGIN), await api.ask(method, path, headers=ORIGIN)):
        assert not [name for name in answer.headers if name.startswith("access-control")]
