"""How often an address and a user may ask, at every door, in one process or in several (files spec 10)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx2
import pytest

from core.cache import rates as module
from core.cache.rates import InMemory, OnRedis, Rates, rates
from core.errors import TooManyRequests
from core.settings import ProjectConfig
from tests.api.newsroom import Newsroom, newsroom
from tests.conftest import RedisSpace

TOLD = {"error": {"code": 7, "message": "Too Many Requests"}}
NAMES = ("x-ratelimit-limit", "x-ratelimit-remaining", "retry-after")


@pytest.fixture(scope="module")
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Newsroom]:
    folder = tmp_path_factory.mktemp("rates")
    async with newsroom(f"sqlite:///{folder}/x.db", folder / "data") as found:
        extension = folder / "data" / "extensions" / "custom" / "endpoints"
        extension.mkdir(parents=True)
        (extension / "hello.py").write_text(
            "async def hello(request, context):\n    return {}\nendpoints = {'': {'handler': hello}}\n"
        )
        yield found


@pytest.fixture
async def api(server: Newsroom) -> AsyncIterator[Newsroom]:
    yield server
    server.projects.get("main").rates = None


def limit(api: Newsroom, most: int) -> None:
    api.projects.get("main").rates = Rates(most, InMemory(3600))


def told(answer: httpx2.Response) -> list[str | None]:
    return [answer.headers.get(name) for name in NAMES]


async def from_address(api: Newsroom, address: str, path: str = "/", **more: Any) -> httpx2.Response:
    transport = httpx2.ASGITransport(app=api.app, client=(address, 1))
    async with httpx2.AsyncClient(transport=transport, base_url="http://api.example.com") as client:
        return await client.get(f"/main{path}", **more)


async def test_nothing_is_limited_without_being_configured(api: Newsroom) -> None:
    assert rates(api.projects.get("main").config) is None
    answer = await api.ask("GET", "/")
    assert told(answer) == [None, None, None]
    assert "x-ratelimit-reset" not in answer.headers


async def test_an_address_has_so_many_requests(api: Newsroom) -> None:
    limit(api, 3)
    for remaining in ("2", "1", "0"):
        answer = await api.ask("GET", "/server/nosuch" if remaining == "1" else "/", None)
        assert told(answer) == ["3", remaining, None]
    for path in ("/", "/items/articles", "/nosuch", "//types?project=main", "/custom/hello"):
        answer = await api.ask("GET", path, None, headers={"Origin": "https://shop.example"})
        assert (answer.status_code, answer.json()) == (429, TOLD)
        assert told(answer)[:2] == ["3", "0"]
        assert 3500 < int(answer.headers["retry-after"]) <= 3600
        assert answer.headers["x-ratelimit-reset"].isdecimal()
        assert answer.headers["access-control-allow-origin"] == "https://shop.example"
    refused = await api.ask("POST", "/gql", None, json={"query": "{ project_info { json } }"})
    assert (refused.status_code, refused.json()) == (429, TOLD)
    assert await api.refusal("PATCH", "/items/articles/1", None, json={"title": "x"}) == (429, 7)
    preflight = await api.ask("OPTIONS", "/items/articles", None, headers={"Origin": "https://shop.example"})
    assert preflight.status_code == 200
    assert (await api.ask("GET", "//server/ping", None)).status_code == 200  # of no project


async def test_addresses_are_counted_apart(api: Newsroom) -> None:
    limit(api, 1)
    for address in ("192.0.2.1", "192.0.2.2", "2001:db8:0:1::1", "2001:db8:0:2::1"):
        assert (await from_address(api, address)).status_code == 200
    for address in ("192.0.2.1", "::ffff:192.0.2.2", "2001:db8:0:1:abcd::9", "2001:db8:0:2::1"):
        assert (await from_address(api, address)).status_code == 429
    spoofed = {"X-Forwarded-For": "198.51.100.7", "Client-IP": "198.51.100.8"}
    assert (await from_address(api, "192.0.2.1", headers=spoofed)).status_code == 429


async def test_a_user_is_counted_at_every_address(api: Newsroom) -> None:
    limit(api, 2)
    token = {"Authorization": "Bearer writer-token"}
    found = [await from_address(api, f"192.0.2.{number}", headers=token) for number in (1, 2, 3)]
    assert [answer.status_code for answer in found] == [200, 200, 429]
    assert [told(answer)[:2] for answer in found] == [["2", "1"], ["2", "0"], ["2", "0"]]
    assert found[2].json() == TOLD
    assert int(found[2].headers["retry-after"]) > 3500
    query = {"query": "{ auth_check { user } }"}
    answer = await api.ask("POST", "/gql", "writer-token", json=query)
    assert (answer.status_code, answer.json()) == (429, TOLD)
    assert told(answer)[:2] == ["2", "0"]
    other = {"Authorization": "Bearer editor-token"}
    assert (await from_address(api, "192.0.2.4", headers=other)).status_code == 200


async def test_strangers_and_the_routes_of_auth_and_endpoints_count_for_no_user(api: Newsroom) -> None:
    limit(api, 1)
    token = {"Authorization": "Bearer writer-token"}
    for number, path in enumerate(("/auth/check", "/auth/sessions", "/custom/hello", "/custom/hello")):
        answer = await from_address(api, f"192.0.2.{number}", path, headers=token)
        assert told(answer)[:2] == ["1", "0"], path
        assert answer.status_code == 200, answer.text
    assert (await from_address(api, "192.0.2.5", headers=token)).status_code == 200
    for number in (6, 7, 8):
        assert (await from_address(api, f"192.0.2.{number}")).status_code == 200


async def test_projects_are_counted_apart(tmp_path: Path, redis_space: RedisSpace) -> None:
    place = urlsplit(redis_space.url)
    limited = {"enabled": True, "limit": 1, "host": place.hostname, "port": place.port or 6379, "interval": 5}

    def of(secret: str) -> Rates:
        config = ProjectConfig.of("main", {"auth": {"secret_key": secret}, "rate_limit": limited})
        found = rates(config)
        assert found is not None
        return found

    secret = redis_space.prefix + "a secret"
    one, same, other = of(secret), of(secret), of(secret + "2")
    try:
        first = await one.of_address("192.0.2.1")
        assert (first.limit, first.remaining) == (1, 0)
        with pytest.raises(TooManyRequests):  # another process
            await same.of_address("192.0.2.1")
        await same.of_user(7)
        assert (await other.of_address("192.0.2.1")).remaining == 0
    finally:
        for found in (one, same, other):
            await found.close()


async def test_a_redis_that_is_away_leaves_each_process_to_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    counters = OnRedis("127.0.0.1", 1, "x", 60, 0.5)
    asked = 0

    async def refuse(*_: Any) -> Any:
        nonlocal asked
        asked += 1
        raise OSError

    monkeypatch.setattr(counters._client, "eval", refuse)
    assert [(await counters.hit("a"))[0] for _ in range(3)] == [1, 2, 3]
    assert asked == 1
    await counters.close()


async def test_a_window_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0
    monkeypatch.setattr(module.time, "monotonic", lambda: now)
    counters = InMemory(10)
    assert [await counters.hit("a") for _ in range(2)] == [(1, 10), (2, 10)]
    now = 9.0
    assert [await counters.hit("a"), await counters.hit("b")] == [(3, 1), (1, 10)]
    now = 10.0
    assert await counters.hit("a") == (1, 10)
    now = 25.0
    await counters.hit("c")
    assert list(counters._windows) == ["c"]


async def test_a_flood_of_addresses_does_not_fill_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_KEYS", 3)
    counters = InMemory(10)
    for key in "abcde":
        await counters.hit(key)
    assert list(counters._windows) == ["c", "d", "e"]


async def test_many_at_once_are_counted_one_by_one(api: Newsroom) -> None:
    limit(api, 5)
    answers = await asyncio.gather(*(api.ask("GET", "/", None) for _ in range(12)))
    assert sorted(answer.status_code for answer in answers) == [200] * 5 + [429] * 7
