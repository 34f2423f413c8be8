"""Hooks as files of extensions: the example of the documentation over REST and GraphQL, on three databases."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from core.hooks.live import LiveHooks
from core.hooks.names import is_action, is_filter
from tests.api.newsroom import Newsroom, newsroom
from tests.backends import fresh_database

DOCS = Path(__file__).resolve().parents[2] / "docs"
BOOT = """
from pathlib import Path
HERE = Path(__file__).parent

async def boot(payload, context):
    await context.system.create("comments", {"text": "booted " + payload["project"]})

def register(hooks):
    hooks.action("application.boot")(boot)
"""


def example() -> str:
    """The module that the documentation shows."""
    text = (DOCS / "hooks.md").read_text()
    [found] = re.findall(r"```python\n# extensions/custom/hooks/articles\.py\n(.*?)```", text, re.DOTALL)
    return str(found)


@pytest.fixture(scope="module")
async def server(dialect: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Newsroom]:
    folder = tmp_path_factory.mktemp("hook_files")
    hooks = folder / "data" / "extensions" / "custom" / "hooks"
    hooks.mkdir(parents=True)
    (hooks / "articles.py").write_text(example())
    (hooks / "broken.py").write_text("import nothing_of_this_name")
    (hooks / "old.php").write_text("<?php return [];")
    with fresh_database(dialect, folder) as url:
        async with newsroom(url, folder / "data") as found:
            with capture_logs() as logged:
                await found.get("/items/articles")
            assert [(line["event"], line["log_level"]) for line in logged] == [
                ("extension not loaded", "error"), ("PHP extensions are not run", "warning")
            ]  # fmt: skip
            yield found


@pytest.fixture
async def api(server: Newsroom) -> Newsroom:
    await server.refill()
    return server


async def settled(api: Newsroom) -> None:
    hooks = api.projects.get("main").hooks
    assert hooks is not None
    await hooks.queue.settled()


async def write(api: Newsroom, door: str, payload: dict[str, Any], key: int | None = None) -> Any:
    """The title that was stored, or the code of the refusal."""
    if door == "rest":
        path = "/items/articles" if key is None else f"/items/articles/{key}"
        answer = await api.ask("POST" if key is None else "PATCH", path, json=payload)
        found = answer.json()
        return found["data"]["title"] if answer.status_code == 200 else (answer.status_code, found["error"]["code"])
    name, more = ("create_articles_item", "") if key is None else ("update_articles_item", f"id: {key}, ")
    answer = await api.graphql(f"mutation($p: JSON) {{ {name}({more}payload: $p) {{ title }} }}", p=payload)
    if "errors" in answer:
        return [error["extensions"]["code"] for error in answer["errors"]]
    return answer["data"][name]["title"]


@pytest.mark.parametrize("door", ["rest", "graphql"])
async def test_the_example_of_the_documentation(api: Newsroom, door: str) -> None:
    before = await api.everything()
    assert await write(api, door, {"title": " Untitled", "status": "draft"}) == (
        (409, 1201) if door == "rest" else [1201]
    )
    assert await write(api, door, {"title": "One ", "status": "draft"}) == ((422, 1202) if door == "rest" else [1202])
    assert await write(api, door, {"title": "Two"}, key=1) == ((422, 1202) if door == "rest" else [1202])
    assert await api.everything() == before
    assert await write(api, door, {"title": " One "}, key=1) == "One"
    assert await write(api, door, {"title": "  New ", "status": "draft"}) == "New"
    await settled(api)
    [(made,)] = await api.rows("SELECT id FROM articles WHERE title = 'New'")
    assert await api.rows("SELECT article, text FROM comments WHERE id > 3") == [(made, "New: New")]

    if door == "rest":
        assert await api.refusal("DELETE", "/items/articles/1") == (422, 12)
        assert (await api.ask("DELETE", "/items/articles/2")).status_code == 204
    else:
        kept = await api.graphql('mutation { delete_articles_item(id: "1") }')
        assert [error["message"] for error in kept["errors"]] == ["Featured articles stay"]
        assert "errors" not in await api.graphql('mutation { delete_articles_item(id: "2") }')
    assert await api.rows("SELECT id FROM articles WHERE id < 3") == [(1,)]


async def test_what_is_read_is_filtered(api: Newsroom) -> None:
    assert (await api.get("/items/people?fields=name,email"))["data"][0] == {"name": "Ada", "email": "ada@example.com"}
    found = await api.graphql("{ articles_by_id(id: 1) { author { email } } }")
    assert found["data"]["articles_by_id"]["author"] == {"email": "ada@example.com"}


async def test_opening_is_told_and_closing_waits(
    dialect: str, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    hooks = tmp_path / "data" / "extensions" / "main" / "hooks" / "boot"
    hooks.mkdir(parents=True)
    (hooks / "hooks.py").write_text("from .inner import register\n")
    (hooks / "inner.py").write_text(BOOT)
    with fresh_database(dialect, tmp_path) as url:
        async with newsroom(url, tmp_path / "data") as found:
            await asyncio.gather(*(found.get("/items/comments") for _ in range(3)))
            project = found.projects.get("main")
            assert isinstance(project.hooks, LiveHooks)
            await found.projects.close()
            assert await found.rows("SELECT text FROM comments WHERE text LIKE 'booted%'") == [("booted main",)]


async def test_no_extensions_no_hooks(tmp_path: Path) -> None:
    async with newsroom(f"sqlite:///{tmp_path}/x.db", tmp_path / "data") as found:
        await found.get("/items/articles")
        project = found.projects.get("main")
        assert (project.hooks, project.endpoints) == (None, None)


def test_every_event_of_the_documentation_is_one() -> None:
    text = (DOCS / "hooks.md").read_text()
    subjects = "item|collection|field|file|auth|response|application"
    names = set(re.findall(rf"`((?:{subjects})[.:][^`\s/]*|response)`", text))
    spelled = {one.replace("[.<c>]", ".articles").replace("<METHOD>", "GET") for one in names} - {"response.md"}
    assert {one for one in spelled if not is_filter(one) and not is_action(one)} == set()
    assert len(spelled) > 20
