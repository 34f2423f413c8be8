"""Maintenance: nothing of a project is answered, everything else is (schema spec 11.4)."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from core.projects import maintenance
from tests.api.newsroom import Newsroom, newsroom

REFUSED = (503, {"error": {"code": 21, "message": "This project is in maintenance"}})
ORIGIN = {"Origin": "https://shop.example"}


@pytest.fixture
async def api(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Newsroom]:
    folder = tmp_path_factory.mktemp("maintenance")
    async with newsroom(f"sqlite:///{folder}/x.db", folder / "data") as found:
        yield found


async def test_all_projects_are_paused_by_a_file(api: Newsroom) -> None:
    data = api.projects.settings.data
    assert not maintenance.is_on(data)
    maintenance.turn_on(data)
    maintenance.turn_on(data)
    assert maintenance.is_on(data)
    assert (data / "logs" / "maintenance").is_file()
    for method, path in (
        ("GET", "/"),
        ("GET", "/items/articles"),
        ("GET", "/nosuch"),
        ("POST", "/auth/authenticate"),
        ("POST", "/gql"),
        ("GET", "//types?project=main"),
        ("GET", "//server/ping?project=main"),
    ):
        answer = await api.ask(method, path, headers=ORIGIN)
        assert (answer.status_code, answer.json()) == REFUSED, path
        assert answer.headers["access-control-allow-origin"] == "https://shop.example"
    answer = await api.ask("PATCH", "/items/articles/1", json={"title": "x"})
    assert (answer.status_code, answer.json()) == REFUSED
    assert await api.rows("SELECT count(*) FROM articles WHERE title = 'x'") == [(0,)]

    preflight = await api.ask("OPTIONS", "/items/articles", headers=ORIGIN)
    assert (preflight.status_code, preflight.content) == (200, b"")
    assert "PATCH" in preflight.headers["access-control-allow-methods"]
    assert (await api.ask("GET", "//server/ping")).text == "pong"
    assert (await api.ask("GET", "//server/projects")).json() == {"data": ["main"], "public": True}
    assert (await api.ask("GET", "//")).status_code == 302
    assert (await api.ask("GET", "/nosuch", token=None)).status_code == 503
    assert (await api.ask("GET", "//other/items/x")).status_code == 401

    maintenance.turn_off(data)
    maintenance.turn_off(data)
    assert not maintenance.is_on(data)
    assert (await api.ask("GET", "/items/tokens?limit=0")).json() == {"data": []}


async def test_one_project_is_paused_by_its_configuration(api: Newsroom) -> None:
    from dataclasses import replace

    project = api.projects.get("main")
    assert not maintenance.is_paused(project)
    project.config = replace(project.config, tree={**project.config.tree, "maintenance": True})
    assert maintenance.is_paused(project)
    assert (await api.ask("GET", "/")).status_code == 503
