"""The schema as a document at both doors and at the command line, on three databases; for admins only."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.api.newsroom import Newsroom, newsroom
from tests.backends import fresh_database

FORBIDDEN = (401, 3, "Permission denied: Admin Only")


@pytest.fixture(scope="module")
async def server(dialect: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Newsroom]:
    folder = tmp_path_factory.mktemp("schema")
    with fresh_database(dialect, folder) as url:
        async with newsroom(url, folder / "data") as found:
            await found.hire()
            yield found


@pytest.fixture
async def api(server: Newsroom) -> Newsroom:
    await server.refill()
    return server


async def refused(api: Newsroom, method: str, path: str, token: str | None, **more: Any) -> tuple[int, int, str]:
    answer = await api.ask(method, path, token, **more)
    error = answer.json()["error"]
    return answer.status_code, error["code"], error["message"]


async def test_the_snapshot_at_both_doors(api: Newsroom) -> None:
    answer = await api.ask("GET", "/schema/snapshot")
    assert answer.status_code == 200
    document = answer.json()["data"]
    assert list(document) == [
        "tabularium", "collections", "relations", "roles", "permissions", "settings", "presets",
    ]  # fmt: skip
    assert document["tabularium"] == 1
    assert document["relations"]["articles_categories"] == {
        "article": {"collection_one": "articles", "field_one": "categories", "junction_field": "category"},
        "category": {"collection_one": "categories", "junction_field": "article"},
    }
    assert document["permissions"]["Writer"]["articles"] == [
        {"create": "full", "read": "mine", "update": "mine", "delete": "mine"}
    ]
    assert document["roles"]["Writer"] == {}
    assert "youtube_api_key" not in document["settings"]
    assert document["settings"]["default_limit"] == "200"
    again = await api.graphql("{ schema_snapshot }")
    assert again["data"] == {"schema_snapshot": document}
    assert (await api.ask("GET", "/schema/snapshot")).content == answer.content


@pytest.mark.parametrize("token", ["editor-token", "nobody-token", None])
async def test_it_is_for_admins(api: Newsroom, token: str | None) -> None:
    before = await api.everything()
    assert await refused(api, "GET", "/schema/snapshot", token) == FORBIDDEN
    assert await api.everything() == before
