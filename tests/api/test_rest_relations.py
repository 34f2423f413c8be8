"""Relations written over REST and GraphQL, and seen at once, on the whole stack and three databases (schema spec 8)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from core.catalog.changes import log_change
from tests.api.newsroom import Newsroom, newsroom
from tests.backends import fresh_database

KEYS = ["id", "collection_many", "field_many", "collection_one", "field_one", "junction_field"]
TAGGED = {"collection_many": "comments", "field_many": "text", "collection_one": "tokens"}


@pytest.fixture(scope="module")
async def server(dialect: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Newsroom]:
    folder = tmp_path_factory.mktemp("relations")
    with fresh_database(dialect, folder) as url:
        async with newsroom(url, folder / "data") as found:
            await found.hire()
            yield found


@pytest.fixture
async def api(server: Newsroom) -> Newsroom:
    await server.rows_away("directus_relations", "field_many IN ('text', 'name')")
    async with server.store.write() as connection:
        await log_change(connection, "schema", "comments")
    await server.refill()
    return server


async def test_a_relation_is_there_with_the_next_request(api: Newsroom) -> None:
    await api.ask("PATCH", "/items/comments/1", json={"text": "007"})
    assert await api.get("/items/comments/1?fields=*.*") == {
        "data": {
            "id": 1,
            "article": (await api.get("/items/comments/1?fields=article.*"))["data"]["article"],
            "text": "007",
        }
    }
    made = await api.ask("POST", "/relations", json=TAGGED)
    data = made.json()["data"]
    assert (made.status_code, list(data)) == (200, KEYS)
    assert data == {"id": data["id"], **TAGGED, "field_one": None, "junction_field": None}
    key = data["id"]
    assert await api.get("/items/comments/1?fields=text.*") == {"data": {"text": {"code": "007", "label": "Bond"}}}
    query = "{ comments(id: 1) { data { text { label } } } }"
    assert await api.graphql(query) == {"data": {"comments": {"data": [{"text": {"label": "Bond"}}]}}}

    # The root collection of a request may be another one than those of the relation.
    assert (await api.get("/items/articles/1?fields=comments.text.label"))["data"]["comments"][0] == {
        "text": {"label": "Bond"}
    }
    changed = await api.ask("PATCH", f"/relations/{key}", json={"collection_one": "categories"})
    assert changed.json()["data"]["collection_one"] == "categories"
    assert (await api.get("/items/comments/1?fields=text.*")) == {"data": {"text": None}}
    gone = await api.ask("DELETE", f"/relations/{key}")
    assert (gone.status_code, gone.content) == (204, b"")
    assert await api.get("/items/comments/1?fields=text.*") == {"data": {"text": "007"}}
    assert (await api.graphql("{ comments(id: 1) { data { text } } }"))["data"]["comments"]["data"] == [{"text": "007"}]


async def test_history_is_kept(api: Newsroom) -> None:
    key = (await api.ask("POST", "/relations", json=TAGGED)).json()["data"]["id"]
    await api.ask("PATCH", f"/relations/{key}", json={"field_one": None})
    await api.ask("DELETE", f"/relations/{key}")
    where = f"collection = 'directus_relations' AND item = '{key}'"
    found = await api.rows(f"SELECT action FROM directus_activity WHERE {where} ORDER BY id")
    assert found == [("create",), ("update",), ("delete",)]
    assert await api.rows(f"SELECT count(*) FROM directus_revisions WHERE {where}") == [(2,)]


async def test_several_at_once(api: Newsroom) -> None:
    other = {"collection_many": "people", "field_many": "name", "collection_one": "tokens"}
    made = await api.ask("POST", "/relations", json=[TAGGED, other])
    first, second = made.json()["data"]
    assert (made.status_code, first["field_many"], second["field_many"]) == (200, "text", "name")
    path = f"/relations/{first['id']},{second['id']}"
    assert [one["id"] for one in (await api.get(path))["data"]] == [first["id"], second["id"]]
    changed = await api.ask("PATCH", f"{path}?fields=id,field_one", json={"field_one": "x"})
    assert changed.json() == {"data": [{"id": first["id"], "field_one": "x"}, {"id": second["id"], "field_one": "x"}]}
    assert (await api.ask("DELETE", path)).status_code == 204
    assert await api.get(path) == {"data": []}


async def test_reading(api: Newsroom) -> None:
    found = await api.get("/relations?filter[collection_many][eq]=articles&meta=result_count&fields=field_many")
    assert found == {"meta": {"result_count": 1}, "data": [{"field_many": "author"}]}
    missing = await api.ask("GET", "/relations/9999")
    assert (missing.status_code, missing.json()["error"]["message"]) == (404, 'Item with id "9999" not found')


@pytest.mark.parametrize(
    ("body", "answer"),
    [
        ({"collection_many": "articles"}, (422, 4)),
        ({"field_many": "author"}, (422, 4)),
        ({}, (422, 4)),
        ({**TAGGED, "collection": "x"}, (422, 12)),
        ({**TAGGED, "collection_one": "directus_activity"}, (401, 201)),
        ({**TAGGED, "collection_one": "directus_collections"}, (401, 201)),
        ({**TAGGED, "collection_one": "directus_fields"}, (401, 201)),
        ([{**TAGGED, "collection_one": "directus_relations"}], (401, 201)),
        ([TAGGED, {"collection_many": "people"}], (422, 4)),
        ({**TAGGED, "field_many": "x" * 46}, (422, 12)),
    ],
)
async def test_what_is_refused(api: Newsroom, body: Any, answer: tuple[int, int]) -> None:
    assert await api.refusal("POST", "/relations", json=body) == answer


async def test_odd_requests(api: Newsroom) -> None:
    assert await api.refusal("POST", "/relations") == (400, 13)
    assert await api.refusal("PATCH", "/relations/1") == (400, 13)
    assert await api.refusal("PATCH", "/relations/9999", json={"field_one": "x"}) == (404, 203)
    assert await api.refusal("DELETE", "/relations/9999") == (404, 203)
    assert await api.refusal("PATCH", "/relations/1,2", json=[{"field_one": "x"}]) == (422, 12)
    assert await api.refusal("PATCH", "/relations/1", json=[{"field_one": "x"}]) == (422, 12)
    assert await api.refusal("PATCH", "/relations/1", json={"collection_one": "directus_fields"}) == (401, 201)
    assert await api.refusal("PATCH", "/relations", json=[{"id": 1}]) == (405, 6)


@pytest.mark.parametrize("token", [None, "nobody-token"])
async def test_callers_without_a_level(api: Newsroom, token: str | None) -> None:
    assert await api.refusal("GET", "/relations", token) == ((401, 3) if token is None else (403, 300))
    assert await api.refusal("GET", "/relations/1", token) == (404, 203)
    assert await api.refusal("GET", "/relations/1,4", token) == (403, 300)
    assert await api.refusal("POST", "/relations", token, json=TAGGED) == (403, 301)
    assert await api.refusal("PATCH", "/relations/1", token, json={"field_one": "x"}) == (404, 203)
    assert await api.refusal("DELETE", "/relations/1", token) == (403, 303)


async def test_only_admins_write(api: Newsroom) -> None:
    assert len((await api.get("/relations?limit=-1", "member-token"))["data"]) > 11
    assert await api.refusal("POST", "/relations", "member-token", json=TAGGED) == (403, 301)
    assert await api.refusal("PATCH", "/relations/1", "member-token", json={"field_one": "x"}) == (403, 302)
    assert await api.refusal("DELETE", "/relations/1", "member-token") == (403, 303)
    # Rights on the rows do not help: it is the schema that would change.
    role = (await api.rows("SELECT role FROM directus_users WHERE email = 'member@example.org'"))[0][0]
    update = """mutation($id: ID!) {
      update_directus_permissions_item(id: $id, data: {create: "full", update: "full", delete: "full"}) { id } }"""
    where = f"role = {role} AND collection = 'directus_relations'"
    (row,) = await api.rows(f"SELECT id FROM directus_permissions WHERE {where}")
    assert "errors" not in await api.graphql(update, id=row[0])
    assert await api.refusal("POST", "/relations", "member-token", json=TAGGED) == (403, 301)
    assert await api.refusal("PATCH", "/relations/1", "member-token", json={"field_one": "x"}) == (403, 302)
    assert await api.refusal("DELETE", "/relations/1", "member-token") == (403, 303)
