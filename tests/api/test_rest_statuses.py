"""Rights by status as both doors show them: lists per item, counts, required comments (spec 03 §5.2–5.7, §10)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.api.newsroom import Newsroom, newsroom
from tests.backends import fresh_database

MADE = "mutation($row: JSON) { create_directus_permissions_item(payload: $row) { id } }"
FULL = {"collection": "articles", "create": "full", "read": "full", "update": "full", "delete": "full"}
PUBLISHED = {
    **FULL, "status": "published", "create": "none", "delete": "none", "explain": "none",
    "read_field_blacklist": ["slug"], "write_field_blacklist": ["views"],
}  # fmt: skip
DRAFT = {**FULL, "status": "draft", "explain": "always", "status_blacklist": ["published"]}
TOKEN = "member-token"


@pytest.fixture(scope="module")
async def server(dialect: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Newsroom]:
    folder = tmp_path_factory.mktemp("statuses")
    with fresh_database(dialect, folder) as url:
        async with newsroom(url, folder / "data") as found:
            await found.hire()
            [(role,)] = await found.rows("SELECT id FROM directus_roles WHERE name = 'member'")
            for row in (PUBLISHED, DRAFT):
                assert "errors" not in await found.graphql(MADE, row={**row, "role": role})
            yield found


@pytest.fixture
async def api(server: Newsroom) -> Newsroom:
    await server.refill()
    return server


async def test_a_field_is_hidden_item_by_item(api: Newsroom) -> None:
    """Of the newsroom 1, 2 and 4 are published, 3 is a draft, 5 is deleted."""
    assert await api.get("/items/articles?fields=id,slug", TOKEN) == {
        "data": [{"id": 1}, {"id": 2}, {"id": 3, "slug": "a3"}, {"id": 4}]
    }
    assert await api.get("/items/articles?fields=slug", TOKEN) == {"data": [{"slug": "a3"}]}
    assert await api.get("/items/articles/1?fields=slug", TOKEN) == {"data": []}
    # What is hidden is neither found nor sorted by.
    assert await api.get("/items/articles?fields=id&filter[slug]=a1", TOKEN) == {"data": []}
    assert await api.get("/items/articles?fields=id&filter[slug]=a3", TOKEN) == {"data": [{"id": 3}]}
    sorted_by_it = await api.get("/items/articles?fields=id&sort=-slug", TOKEN)
    assert [row["id"] for row in sorted_by_it["data"]] == [1, 2, 3, 4]
    shown = await api.graphql("{ articles { data { id slug author { name } } } }", TOKEN)
    assert shown["data"]["articles"]["data"] == [
        {"id": str(key), "slug": "a3" if key == 3 else None, "author": None} for key in (1, 2, 3, 4)
    ]
    assert [one["fields"] for one in shown["extensions"]["warnings"]] == [["author"]]


async def test_statuses_and_counts_are_those_one_reads(api: Newsroom) -> None:
    found = await api.get("/items/articles?fields=id&status=*&meta=total_count,filter_count,status", TOKEN)
    assert found == {
        "meta": {"total_count": 4, "status_count": {"draft": 1, "published": 3, "deleted": 0}, "filter_count": 4},
        "data": [{"id": 1}, {"id": 2}, {"id": 3}, {"id": 4}],
    }
    assert await api.get("/items/articles?fields=id&status=deleted", TOKEN) == {"data": []}


async def test_what_is_not_read_is_told_in_messages(api: Newsroom) -> None:
    message = "Can't read `people`: read access to `people` collection denied"
    assert await api.get("/items/articles/1?fields=id,author.*,comments.*", TOKEN) == {
        "data": {"id": 1, "author": {"id": 1}},
        "messages": [
            {"type": "warning", "message": message, "code": 18, "fields": ["author"]},
            {"type": "warning", "message": message.replace("people", "comments"), "code": 18, "fields": ["comments"]},
        ],
    }
    for condition in ("filter[author.name]=Ada", "filter[comments][has]=1"):
        assert await api.refusal("GET", f"/items/articles?{condition}", TOKEN) == (403, 215)


@pytest.mark.parametrize(
    ("method", "path", "body", "answer"),
    [
        ("PATCH", "/1", {"views": 4}, (403, 305)),
        ("PATCH", "/3", {"title": "x"}, (403, 10)),
        ("PATCH", "/3?comment=x", {"status": "published"}, (403, 305)),
        ("POST", "", {"title": "x", "status": "draft"}, (403, 10)),
        ("POST", "?comment=x", {"title": "x", "status": "published"}, (403, 301)),
        ("DELETE", "/3", None, (403, 10)),
        ("DELETE", "/1?comment=x", None, (403, 303)),
    ],
)
async def test_writes_that_a_status_refuses(
    api: Newsroom, method: str, path: str, body: Any, answer: tuple[int, int]
) -> None:
    more = {"json": body} if body is not None else {}
    assert await api.refusal(method, f"/items/articles{path}", TOKEN, **more) == answer


async def test_writes_that_a_status_allows_leave_a_trace(api: Newsroom) -> None:
    changed = await api.ask("PATCH", "/items/articles/3?comment=because&fields=title", TOKEN, json={"title": "New"})
    assert changed.json() == {"data": {"title": "New"}}
    # Only admins write without a trace.
    skipped = await api.ask("PATCH", "/items/articles/1?activity_skip=1&fields=id", TOKEN, json={"title": "Newer"})
    assert skipped.json() == {"data": {"id": 1}}
    gone = await api.ask("PATCH", "/items/articles/3?comment=x", TOKEN, json={"status": "deleted"})
    assert (gone.status_code, gone.content) == (204, b"")
    assert await api.rows("SELECT action, item, comment FROM directus_activity ORDER BY id") == [
        ("update", "3", "because"), ("update", "1", None), ("soft-delete", "3", "x")
    ]  # fmt: skip
