"""Project, address and base URL of a request, as far as HTTP tells them."""

from __future__ import annotations

import base64
from types import SimpleNamespace
from typing import Any

import orjson
import pytest

from core.errors import UnknownProject
from rest_adapter import session
from rest_adapter.request import Request, segments

pytestmark = pytest.mark.anyio


class Projects:
    def get(self, key: str) -> Any:
        if key not in ("main", "shop"):
            raise UnknownProject
        return SimpleNamespace(key=key)


def _request(path: str = "/", *headers: tuple[str, str], query: str = "", **scope: Any) -> Request:
    return Request(
        {
            "method": "GET",
            "path": path,
            "raw_path": path.encode(),
            "query_string": query.encode(),
            "headers": [(name.lower().encode(), value.encode()) for name, value in headers],
            "client": ("192.0.2.7", 1),
            "scheme": "http",
            **scope,
        }
    )


def _jwt(**claims: Any) -> str:
    parts = [base64.urlsafe_b64encode(orjson.dumps(part)).decode().rstrip("=") for part in ({"typ": "JWT"}, claims)]
    return ".".join([*parts, "sig"])


@pytest.mark.parametrize(
    ("path", "root", "found"),
    [
        ("/", "", ()),
        ("", "", ()),
        ("/main", "", ("main",)),
        ("/main/items/a/", "", ("main", "items", "a")),
        ("/main/items/a//", "", ("main", "items", "a", "")),
        ("//main", "", ("", "main")),
        ("/api/main/items/a", "/api", ("main", "items", "a")),
        ("/api/main/items/a%2Fb", "/api", ("main", "items", "a/b")),
    ],
)
async def test_segments(path: str, root: str, found: tuple[str, ...]) -> None:
    scope = {"path": path.replace("%2F", "/"), "raw_path": path.encode(), "root_path": root}
    assert segments(scope) == found


@pytest.mark.parametrize(
    ("path", "headers", "query", "project", "rest", "is_global"),
    [
        ("/main/items/a", [], "", "main", ("items", "a"), False),
        ("/nosuch/items/a", [], "", None, ("items", "a"), False),
        ("/Main/items/a", [], "", None, ("items", "a"), False),
        ("/main/items/a", [("X-Directus-Project", "shop")], "project=shop", "main", ("items", "a"), False),
        ("/", [], "", None, (), True),
        ("/server/ping", [], "", None, ("server", "ping"), True),
        ("/server/ping", [("X-Directus-Project", "main")], "", "main", ("server", "ping"), True),
        ("/types", [("X-Directus-Project", "main")], "project=shop", "shop", ("types",), True),
        ("/types", [("Authorization", f"Bearer {_jwt(project='main')}")], "project=shop", "main", ("types",), True),
        ("/types", [("Authorization", f"Bearer {_jwt(id=1)}")], "project=shop", "shop", ("types",), True),
        ("/types", [("Authorization", "Bearer static")], "project=shop", "shop", ("types",), True),
        ("/types", [("Authorization", f"Bearer {_jwt(project='nosuch')}")], "project=shop", None, ("types",), True),
    ],
)
async def test_which_project(
    path: str, headers: list[tuple[str, str]], query: str, project: str | None, rest: tuple[str, ...], is_global: bool
) -> None:
    request = _request(path, *headers, query=query)
    session.locate(request, Projects())
    assert (request.project.key if request.project else None) == project
    assert request.path == rest
    assert request.is_global is is_global


def _behind(trusted: str, *headers: tuple[str, str], public_url: str | None = None, **scope: Any) -> Request:
    request = _request("/main", *headers, **scope)
    snapshot = SimpleNamespace(setting=lambda key, default=None: {"trusted_proxies": trusted}.get(key, default))
    config = SimpleNamespace(tree={"public_url": public_url})
    request.project = SimpleNamespace(opened=True, snapshot=snapshot, config=config)  # type: ignore[assignment]
    return request


@pytest.mark.parametrize(
    ("trusted", "forwarded", "peer", "address"),
    [
        ("", "198.51.100.9", "192.0.2.7", "192.0.2.7"),
        ("", "198.51.100.9", "127.0.0.1", "127.0.0.1"),
        ("192.0.2.7", "198.51.100.9", "192.0.2.7", "198.51.100.9"),
        ("192.0.2.7", "198.51.100.9", "192.0.2.8", "192.0.2.8"),
        ("192.0.2.0/24, 10.0.0.0/8", "1.1.1.1, 198.51.100.9, 10.1.2.3", "192.0.2.7", "198.51.100.9"),
        ("192.0.2.0/24", "192.0.2.1, 192.0.2.2", "192.0.2.7", "192.0.2.1"),
        ("192.0.2.7", "[2001:db8::1]:443", "192.0.2.7", "2001:db8::1"),
        ("192.0.2.7", "198.51.100.9:5123", "192.0.2.7", "198.51.100.9"),
        ("nonsense", "198.51.100.9", "192.0.2.7", "192.0.2.7"),
        ("192.0.2.7", " , ", "::ffff:192.0.2.7", "::ffff:192.0.2.7"),
    ],
)
async def test_the_caller_s_address(trusted: str, forwarded: str, peer: str, address: str) -> None:
    request = _behind(trusted, ("X-Forwarded-For", forwarded), client=(peer, 1))
    assert await session.address(request) == address


async def test_several_forwarded_headers_are_one_list() -> None:
    hops = (("X-Forwarded-For", "198.51.100.9"), ("X-Forwarded-For", "192.0.2.8"))
    assert await session.address(_behind("192.0.2.0/24", *hops)) == "198.51.100.9"


FORWARDED = (("Host", "inner:8055"), ("X-Forwarded-Host", "api.example.com"), ("X-Forwarded-Proto", "https"))


@pytest.mark.parametrize(
    ("trusted", "headers", "scope", "url"),
    [
        ("", (("Host", "api.example.com:8055"),), {}, "http://api.example.com:8055"),
        ("", (("Host", "a.example"),), {"scheme": "https", "root_path": "/api"}, "https://a.example/api"),
        ("", FORWARDED, {"client": ("8.8.8.8", 1)}, "http://inner:8055"),
        ("", FORWARDED, {"client": ("10.0.0.1", 1)}, "https://api.example.com"),
        ("", FORWARDED, {"client": ("127.0.0.1", 1)}, "https://api.example.com"),
        ("192.0.2.7", FORWARDED, {}, "https://api.example.com"),
        ("192.0.2.8", FORWARDED, {"client": ("127.0.0.1", 1)}, "http://inner:8055"),
        ("192.0.2.7", (*FORWARDED, ("X-Forwarded-Port", "8443")), {}, "https://api.example.com:8443"),
        ("192.0.2.7", (*FORWARDED, ("X-Forwarded-Port", "443")), {}, "https://api.example.com"),
        ("192.0.2.7", (("Host", "a"), ("X-Forwarded-Proto", "javascript")), {}, "http://a"),
        ("", (), {"server": ("127.0.0.1", 8055)}, "http://127.0.0.1:8055"),
    ],
)
async def test_base_url(trusted: str, headers: Any, scope: Any, url: str) -> None:
    assert await session.base_url(_behind(trusted, *headers, **scope)) == url


async def test_a_configured_url_wins() -> None:
    request = _behind("", *FORWARDED, public_url="https://cms.example.com/api/", root_path="/x")
    assert await session.base_url(request) == "https://cms.example.com/api"
