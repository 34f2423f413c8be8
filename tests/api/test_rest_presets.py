"""Collection presets over REST and GraphQL, on the whole stack and three databases (schema spec 9)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.api.newsroom import Newsroom, newsroom
from tests.backends import fresh_database

KEYS = [
    "id", "title", "user", "role", "collection", "search_query", "filters", "view_type", "view_query", "view_options",
    "translation",
]  # fmt: skip


@pytest.fixture(scope="module")
async def server(dialect: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Newsroom]:
    folder = tmp_path_factory.mktemp("presets")
    with fresh_database(dialect, folder) as url:
        async with newsroom(url, folder / "data") as found:
            yield found


@pytest.fixture(scope="module")
async def me(server: Newsroom) -> int:
    """A user of a new role; the token is `member-token`."""
    return await server.hire()


@pytest.fixture
async def api(server: Newsroom, me: int) -> Newsroom:
    await server.rows_away("directus_collection_presets", "id > 4")
    return server


async def make(api: Newsroom, token: str = "admin-token", **preset: Any) -> dict[str, Any]:
    answer = await api.ask("POST", "/collection_presets", token, json={"collection": "articles", **preset})
    assert answer.status_code == 200, answer.text
    data: dict[str, Any] = answer.json()["data"]
    return data


async def test_the_life_of_a_bookmark(api: Newsroom) -> None:
    body = {
        "title": "Best rated",
        "collection": "articles",
        "user": 1,
        "filters": [{"field": "rating", "operator": "gte", "value": 4}],
        "view_query": {"tabular": {"sort": "-rating", "fields": ["id", "title"]}},
        "search_query": "x",
    }
    answer = await api.ask("POST", "/collection_presets", json=body)
    made = answer.json()["data"]
    assert (answer.status_code, list(made)) == (200, KEYS)
    key = made.pop("id")
    expected = {**dict.fromkeys(KEYS), **body, "view_type": "tabular"}
    del expected["id"]
    assert made == expected

    assert await api.get(f"/collection_presets/{key}") == {"data": {"id": key, **expected}}
    assert await api.get(f"/collection_presets/{key}?fields=title&meta=*&filter[id][eq]=0&lang=de") == {
        "meta": {"collection": "directus_collection_presets", "type": "item"},
        "data": {"title": "Best rated"},
    }
    listed = await api.get("/collection_presets?filter[title][nnull]=1&filter[user][eq]=1&fields=id,title&meta=*")
    assert listed["data"] == [{"id": key, "title": "Best rated"}]
    assert listed["meta"]["total_count"] == 5
    assert listed["meta"]["filter_count"] == 1
    assert await api.get(f"/collection_presets/1,{key}?fields=id") == {"data": [{"id": 1}, {"id": key}]}

    answer = await api.ask("PATCH", f"/collection_presets/{key}?fields=title,view_query", json={"title": "Top"})
    assert (answer.status_code, answer.json()) == (200, {"data": {"title": "Top", "view_query": body["view_query"]}})
    gone = await api.ask("DELETE", f"/collection_presets/{key}")
    assert (gone.status_code, gone.content) == (204, b"")
    missing = await api.ask("GET", f"/collection_presets/{key}")
    assert (missing.status_code, missing.json()) == (
        404,
        {"error": {"code": 203, "message": f'Item with id "{key}" not found'}},
    )
    assert await api.refusal("PATCH", f"/collection_presets/{key}", json={"title": "x"}) == (404, 203)
    assert await api.refusal("DELETE", f"/collection_presets/{key}") == (404, 203)
    history = "SELECT count(*) FROM {} WHERE collection = 'directus_collection_presets'"
    assert await api.rows(history.format("directus_activity")) == [(0,)]
    assert await api.rows(history.format("directus_revisions")) == [(0,)]


async def test_what_a_body_must_be(api: Newsroom) -> None:
    answer = await api.ask("POST", "/collection_presets", json={})
    assert (answer.status_code, answer.json()) == (
        422,
        {"error": {"code": 4, "message": "collection: This value should not be blank."}},
    )
    assert await api.refusal("POST", "/collection_presets") == (400, 13)
    assert await api.refusal("PATCH", "/collection_presets/1") == (400, 13)
    assert await api.refusal("POST", "/collection_presets", json={"collection": "a", "x": 1}) == (422, 12)
    # There are no batch forms.
    assert await api.refusal("POST", "/collection_presets", json=[{"collection": "articles"}]) == (422, 12)
    assert await api.refusal("PATCH", "/collection_presets/1", json=[{"title": "x"}]) == (422, 12)
    assert await api.refusal("PATCH", "/collection_presets/1,2", json={"title": "x"}) == (404, 203)
    assert await api.refusal("DELETE", "/collection_presets/1,2") == (404, 203)
    assert await api.refusal("PATCH", "/collection_presets", json=[{"id": 1, "title": "x"}]) == (405, 6)


async def test_the_lists_that_clients_fall_back_on(api: Newsroom, me: int) -> None:
    mine = await make(api, "member-token", user=me, view_type="cards")
    role = (await api.rows(f"SELECT role FROM directus_users WHERE id = {me}"))[0][0]
    of_role = await make(api, role=role)
    of_all = await make(api)
    base = "/collection_presets?filter[collection][eq]=articles&filter[title][null]=1&limit=1&sort=-id&fields=id"
    for filters, found in (
        (f"&filter[user][eq]={me}", mine),
        (f"&filter[role][eq]={role}&filter[user][null]=1", of_role),
        ("&filter[role][null]=1&filter[user][null]=1", of_all),
    ):
        assert await api.get(base + filters, "member-token") == {"data": [{"id": found["id"]}]}


async def test_a_user_writes_the_own_presets_only(api: Newsroom, me: int) -> None:
    mine = await make(api, "member-token", user=me, title="Mine")
    others = await make(api, user=1, title="Theirs")
    role = (await api.rows(f"SELECT role FROM directus_users WHERE id = {me}"))[0][0]
    shared = await make(api, role=role, title="Ours")
    path, new = "/collection_presets", {"collection": "articles"}

    answer = await api.ask("PATCH", f"{path}/{mine['id']}", "member-token", json={"search_query": "y", "user": me})
    assert (answer.status_code, answer.json()["data"]["search_query"]) == (200, "y")
    for body in ({}, {"user": 1}, {"user": None}, {"user": me, "role": role}):
        assert await api.refusal("POST", path, "member-token", json={**new, **body}) == (403, 301)
    for body in ({"user": 1}, {"role": role}, {"user": None}):
        assert await api.refusal("PATCH", f"{path}/{mine['id']}", "member-token", json=body) == (403, 302)
    for one in (others, shared):
        assert await api.refusal("PATCH", f"{path}/{one['id']}", "member-token", json={"title": "x"}) == (403, 302)
    assert await api.refusal("DELETE", f"{path}/{others['id']}", "member-token") == (403, 303)
    assert await api.refusal("DELETE", f"{path}/{shared['id']}", "member-token") == (403, 303)
    assert await api.refusal("DELETE", f"{path}/1", "member-token") == (403, 303)  # a global one

    both = await make(api, user=me, role=role, title="Of me and my role")
    assert await api.refusal("DELETE", f"{path}/{both['id']}", "member-token") == (403, 10)
    assert (await api.ask("DELETE", f"{path}/{both['id']}")).status_code == 204
    assert (await api.ask("DELETE", f"{path}/{mine['id']}", "member-token")).status_code == 204


@pytest.mark.parametrize(("token", "listed"), [(None, (401, 3)), ("nobody-token", (403, 300))])
async def test_callers_without_a_level(api: Newsroom, token: str | None, listed: tuple[int, int]) -> None:
    path = "/collection_presets"
    assert await api.refusal("GET", path, token) == listed
    assert await api.refusal("GET", f"{path}?single=1", token) == ((401, 3) if token is None else (404, 203))
    assert await api.refusal("GET", f"{path}/1", token) == (403, 300)
    assert await api.refusal("GET", f"{path}/1,2", token) == (403, 300)
    assert await api.refusal("POST", path, token, json={"collection": "articles"}) == (403, 301)
    assert await api.refusal("PATCH", f"{path}/1", token, json={"title": "x"}) == (404, 203)
    assert await api.refusal("DELETE", f"{path}/1", token) == (403, 303)


async def test_the_same_over_graphql(api: Newsroom, me: int) -> None:
    create = """
        mutation($data: DirectusCollectionPresetsInput) {
          create_directus_collection_presets_item(data: $data) { collection user title filters view_type }
        }"""
    data = {"collection": "articles", "title": "Best", "user": me, "filters": [{"field": "a"}]}
    found = await api.graphql(create, "member-token", data=data)
    assert found == {
        "data": {
            "create_directus_collection_presets_item": {
                "collection": "articles",
                "user": me,
                "title": "Best",
                "filters": [{"field": "a"}],
                "view_type": "tabular",
            }
        }
    }
    before = await api.everything()
    refused = await api.graphql(create, "member-token", data={"collection": "articles"})
    assert refused["errors"][0]["extensions"]["code"] == 301
    assert await api.everything() == before
