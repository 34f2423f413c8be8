"""Cross-origin headers by configuration (files spec 9)."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from core.settings import CorsConfig
from rest_adapter import cors

ORIGIN = "https://app.example.com"


def _actual(config: CorsConfig, origin: str | None, *, known: bool = True) -> dict[str, str]:
    return {name.decode(): value.decode() for name, value in cors.actual(config, origin, known=known)}


def test_any_origin_is_echoed() -> None:
    assert _actual(CorsConfig(), ORIGIN) == {"access-control-allow-origin": ORIGIN, "vary": "Origin"}
    assert _actual(CorsConfig(), None) == {"access-control-allow-origin": "*", "vary": "Origin"}


def test_only_listed_origins_are_allowed() -> None:
    config = CorsConfig(origin=(ORIGIN,), credentials=True, exposed_headers=("ETag", "X-A"))
    assert _actual(config, ORIGIN) == {
        "access-control-allow-origin": ORIGIN,
        "vary": "Origin",
        "access-control-allow-credentials": "true",
        "access-control-expose-headers": "ETag,X-A",
    }
    assert "access-control-allow-origin" not in _actual(config, "https://evil.example.com")
    assert "access-control-allow-origin" not in _actual(config, None)


def test_without_a_project_only_the_origin_is_allowed() -> None:
    config = CorsConfig(credentials=True, exposed_headers=("ETag",))
    assert set(_actual(config, ORIGIN, known=False)) == {"access-control-allow-origin", "vary"}


def test_nothing_is_said_when_it_is_switched_off() -> None:
    assert cors.actual(CorsConfig(enabled=False), ORIGIN) == []
    assert cors.preflight(CorsConfig(enabled=False), ORIGIN) == []


@pytest.mark.anyio
async def test_preflight(door: Any) -> None:
    door.config.cors = CorsConfig(max_age=600, credentials=True, headers=("X-Own",), methods=("GET", "POST"))
    door.project.config = SimpleNamespace(cors=door.config.cors, tree={})
    answer = await door.ask("OPTIONS", "/main/items/articles", headers={"origin": ORIGIN})
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["content-type"] == "text/html; charset=UTF-8"
    assert {name: value for name, value in answer.headers.items() if name.startswith("access-control")} == {
        "access-control-allow-origin": ORIGIN,
        "access-control-allow-credentials": "true",
        "access-control-allow-methods": "GET,POST",
        "access-control-allow-headers": "X-Directus-Project, Content-Type, Authorization, X-Own",
        "access-control-max-age": "600",
    }
    assert door.entered == []


@pytest.mark.anyio
@pytest.mark.parametrize("path", ["/server/ping", "/nosuch/items/x", "/"])
async def test_preflight_without_a_project(door: Any, path: str) -> None:
    answer = await door.ask("OPTIONS", path, headers={"origin": ORIGIN})
    assert answer.status_code == 200
    assert answer.headers["access-control-allow-methods"] == "GET,POST,PUT,PATCH,DELETE,HEAD"
    assert answer.headers["access-control-allow-headers"] == "X-Directus-Project, Content-Type, Authorization"
    assert "access-control-max-age" not in answer.headers


@pytest.mark.anyio
async def test_errors_have_the_headers_as_well(door: Any) -> None:
    for path in ("/main/nosuch", "/nosuch/items/x", "/server/nosuch"):
        answer = await door.ask("GET", path, headers={"origin": ORIGIN})
        assert answer.headers["access-control-allow-origin"] == ORIGIN
