"""Field types and the caller's own permissions over REST (schema spec 12, access spec 11)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from core.catalog.derive import FIELD_TYPES
from tests.api.newsroom import Newsroom, newsroom
from tests.backends import fresh_database

HERE = {"X-Directus-Project": "main"}


@pytest.fixture(scope="module")
async def api(dialect: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Newsroom]:
    folder = tmp_path_factory.mktemp("types")
    with fresh_database(dialect, folder) as url:
        async with newsroom(url, folder / "data") as found:
            await found.hire()
            yield found


async def test_types(api: Newsroom) -> None:
    found = await api.ask("GET", "//types", headers=HERE)
    assert (found.status_code, found.json()) == (200, {"data": [{"name": name} for name in FIELD_TYPES]})
    assert (len(FIELD_TYPES), FIELD_TYPES[0], FIELD_TYPES[-1]) == (27, "alias", "user")
    assert (await api.ask("GET", "//types?project=main")).json() == found.json()
    assert (await api.ask("GET", "//types/?project=main", "member-token")).json() == found.json()
    assert await api.graphql("{ server_types { name } }") == {"data": {"server_types": found.json()["data"]}}


@pytest.mark.parametrize("path", ["//types", "//interfaces", "//layouts", "//modules"])
async def test_these_need_a_project_and_a_user(api: Newsroom, path: str) -> None:
    assert await api.refusal("GET", path) == (401, 3)
    assert await api.refusal("GET", f"{path}?project=other") == (401, 3)
    assert await api.refusal("GET", path, None, headers=HERE) == (401, 108)
    assert await api.refusal("GET", path, "wrong-token", headers=HERE) == (401, 108)
    assert await api.refusal("POST", path, headers=HERE) == (405, 6)
    assert await api.refusal("GET", path.replace("//", "/")) == (404, 1)
    assert (await api.ask("GET", path, "nobody-token", headers=HERE)).status_code == 200
    login = {"email": "admin@example.com", "password": "an Admin's pass-phrase"}
    token = (await api.ask("POST", "/auth/authenticate", None, json=login)).json()["data"]["token"]
    assert (await api.ask("GET", path, token)).status_code == 200  # a JWT names its project


async def test_own_permissions(api: Newsroom) -> None:
    found = (await api.get("/permissions/me", "member-token"))["data"]
    assert len(found) == 16
    first = found[0]
    assert first == {
        "id": first["id"], "collection": "directus_activity", "role": first["role"], "status": None, "create": "full",
        "read": "mine", "update": "none", "delete": "none", "comment": "update", "explain": "none",
        "read_field_blacklist": [], "write_field_blacklist": [], "status_blacklist": None,
        "rules": None, "presets": None, "checks": None,
    }  # fmt: skip
    assert [row["collection"] for row in found[10:]] == ["directus_settings", *["directus_users"] * 5]
    one = await api.get("/permissions/me/directus_settings", "member-token")
    assert one["data"] == found[10]
    users = await api.get("/permissions/me/directus_users", "member-token")
    assert users["data"] == found[11:]
    assert await api.get("/permissions/me/articles", "member-token") == {"data": []}
    assert await api.get("/permissions/me/nosuch", "member-token") == {"data": []}


async def test_own_permissions_of_others(api: Newsroom) -> None:
    keys = list((await api.get("/permissions/me", "member-token"))["data"][0])
    nothing = dict.fromkeys(keys) | {"role": 1, "read_field_blacklist": [], "write_field_blacklist": []}
    found = await api.get("/permissions/me")
    assert (found, list(found["data"][0])) == ({"data": [nothing]}, keys)
    assert await api.get("/permissions/me/articles") == {"data": []}
    assert await api.get("/permissions/me", "nobody-token") == {"data": []}
    public = await api.get("/permissions/me", None)
    assert public["public"] is True
    assert [(row["collection"], row["read"]) for row in public["data"]] == [("categories", "full")]
    one = await api.get("/permissions/me/categories", None)
    assert one == {"data": public["data"][0], "public": True}


async def test_which_rows_are_shown(api: Newsroom) -> None:
    role = (await api.rows("SELECT role FROM directus_users WHERE email = 'member@example.org'"))[0][0]
    rows: list[dict[str, Any]] = [
        {"collection": "articles", "status": "$create", "create": "full", "status_blacklist": ["published", "deleted"]},
        {"collection": "articles", "status": "draft", "read": "mine"},
        {"collection": "articles", "status": "draft", "read": "full"},  # the first row counts
        {"collection": "articles", "status": "nosuch", "read": "full"},
        {"collection": "articles", "read": "role", "read_field_blacklist": ["secret"]},
        {"collection": "people", "status": "draft", "read": "full"},  # has no status field
        {"collection": "vanished", "read": "full"},
    ]
    create = "mutation($rows: JSON) { create_directus_permissions_items(payload: $rows) { id } }"
    made = await api.graphql(create, rows=[{"role": role, **row} for row in rows])
    assert "errors" not in made
    found = (await api.get("/permissions/me", "member-token"))["data"][16 - 5 :]
    shown = [(row["collection"], row["status"], row["read"], row["status_blacklist"]) for row in found]
    assert shown == [
        ("articles", None, "role", None),
        *[("directus_users", status, "full" if status == "active" else "none", None) for status in
          ("active", "deleted", "draft", "invited", "suspended")],
        ("articles", "draft", "mine", None),
        ("articles", "$create", "none", "published,deleted"),
    ]  # fmt: skip
    workflow = (await api.get("/permissions/me/articles", "member-token"))["data"]
    assert [row["status"] for row in workflow] == ["draft"]
    query = """{ permissions_me_by_collection(collection: "articles") { status read read_field_blacklist }
      permissions_me { collection } }"""
    typed = (await api.graphql(query, "member-token"))["data"]
    assert typed["permissions_me_by_collection"] == [{"status": "draft", "read": "mine", "read_field_blacklist": []}]
    assert len(typed["permissions_me"]) == 19
    await api.rows_away("directus_permissions", f"role = {role} AND collection IN ('articles', 'people', 'vanished')")
