"""The routes without a project, from an empty server to its first project and back (schema spec 11.2, 11.3)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from app import compose
from tests import projects as make

BODY = {
    "project": "films",
    "super_admin_token": "the super token",
    "db_type": "sqlite",
    "db_name": "films.db",
    "user_email": "admin@example.com",
    "user_password": "a pass-phrase of the admin",
    "user_token": "films-token",
    "project_name": "Films",
}


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[httpx2.AsyncClient]:
    """A client of a server that has no project."""
    async with make.projects(tmp_path / "data") as found:
        transport = httpx2.ASGITransport(app=compose(found))
        async with httpx2.AsyncClient(transport=transport, base_url="http://api.example.com") as one:
            yield one


def _error(answer: httpx2.Response) -> tuple[int, Any]:
    assert list(answer.json()) == ["error"]
    return answer.status_code, answer.json()["error"]["code"]


async def test_a_server_without_projects(client: httpx2.AsyncClient) -> None:
    ping = await client.get("/server/ping")
    assert (ping.status_code, ping.text, ping.headers["content-type"]) == (200, "pong", "text/html; charset=UTF-8")
    assert ping.headers["access-control-allow-origin"] == "*"
    assert _error(await client.get("/server/projects")) == (503, 14)
    assert _error(await client.get("/films/items/movies")) == (401, 3)
    assert _error(await client.get("/films/")) == (401, 3)
    assert _error(await client.get("/interfaces")) == (401, 3)


async def test_the_life_of_a_project(client: httpx2.AsyncClient) -> None:
    assert _error(await client.post("/server/projects")) == (400, 13)
    assert _error(await client.post("/server/projects", json={"project": "Bad Name!"})) == (422, 4)
    assert _error(await client.post("/server/projects", json={**BODY, "db_name": "../films.db"})) == (422, 4)
    assert _error(await client.get("/server/projects")) == (503, 14)

    made = await client.post("/server/projects", json=BODY)
    assert (made.status_code, made.json()) == (200, {"public": True})
    assert (await client.get("/server/projects")).json() == {"data": ["films"], "public": True}
    assert _error(await client.post("/server/projects", json=BODY)) == (409, 18)
    wrong = {**BODY, "project": "other", "db_name": "other.db", "super_admin_token": "wrong"}
    assert _error(await client.post("/server/projects", json=wrong)) == (401, 3)

    token = {"Authorization": "Bearer films-token"}
    own = await client.get("/films/users/me?fields=email", headers=token)
    assert own.json() == {"data": {"email": "admin@example.com"}}
    assert (await client.get("/films")).json()["data"]["api"]["project_name"] == "Films"
    assert _error(await client.get("/FILMS/users/me", headers=token)) == (401, 3)

    assert _error(await client.delete("/server/projects/films")) == (422, 4)
    assert _error(await client.delete("/server/projects/films?super_admin_token=wrong")) == (401, 3)
    assert _error(await client.delete("/server/projects/nosuch?super_admin_token=the%20super%20token")) == (404, 1)
    gone = await client.delete("/server/projects/films?super_admin_token=the%20super%20token")
    assert (gone.status_code, gone.json()) == (200, {"public": True})
    assert _error(await client.get("/films/users/me", headers=token)) == (401, 3)


async def test_private_projects_are_not_listed(client: httpx2.AsyncClient) -> None:
    assert (await client.post("/server/projects", json={**BODY, "private": True})).status_code == 200
    assert (await client.get("/server/projects")).json() == {"data": [], "public": True}
    assert (await client.get("/films/")).status_code == 200


async def test_the_root_leads_to_the_admin_app(client: httpx2.AsyncClient) -> None:
    found = await client.get("/")
    assert (found.status_code, found.json(), found.headers["location"]) == (302, {"public": True}, "./admin/")
    assert _error(await client.post("/")) == (405, 6)
    # The method `serverInfo` of the SDK calls it with a project.
    found = await client.get("/", headers={"X-Directus-Project": "nosuch"})
    assert found.status_code == 302


async def test_what_the_installer_reads(client: httpx2.AsyncClient) -> None:
    found = await client.get("/server/info")
    assert found.status_code == 200
    body = found.json()
    assert list(body) == ["data", "public"]
    data = body["data"]
    assert list(data) == ["directus", "server", "php", "permissions", "python"]
    assert (data["directus"], data["server"]["type"], data["server"]["rewrites"]) == ("8.8.1", "uvicorn", None)
    assert (data["php"]["version"], data["php"]["max_upload_size"]) == ("7.4.0", 104857600)
    assert data["php"]["extensions"] == dict.fromkeys(
        ("pdo", "mysqli", "curl", "gd", "fileinfo", "mbstring", "json"), True
    )
    assert data["permissions"] == {"public": "0755", "logs": "0755", "uploads": "0755"}
    assert (await client.get("/server/info?super_admin_token=")).json() == body

    await client.post("/server/projects", json=BODY)
    missing = await client.get("/server/info")
    assert (missing.status_code, missing.json()) == (
        422,
        {"error": {"code": 4, "message": "super_admin_token: This value should not be blank."}},
    )
    wrong = await client.get("/server/info?super_admin_token=wrong")
    assert (wrong.status_code, wrong.json()) == (
        401,
        {"error": {"code": 3, "message": "Permission denied: Superadmin Only"}},
    )
    assert (await client.get("/server/info?super_admin_token=the%20super%20token")).json() == body
    query = {"query": '{ server_info(super_admin_token: "the super token") { version json } }'}
    assert (await client.post("/gql", json=query)).json() == {
        "data": {"server_info": {"version": "8.8.1", "json": data}}
    }


async def test_projects_are_made_at_the_old_path_only_without_a_project(client: httpx2.AsyncClient) -> None:
    assert _error(await client.get("/projects")) == (405, 6)
    assert _error(await client.get("/projects/x")) == (401, 3)
    assert _error(await client.post("/projects")) == (400, 13)
    made = await client.post("/projects", json=BODY)
    assert (made.status_code, made.json()) == (200, {"public": True})
    other = {**BODY, "project": "other", "db_name": "other.db"}
    assert _error(await client.post("/projects", json=other, headers={"X-Directus-Project": "films"})) == (404, 1)
    assert (await client.get("/server/projects")).json() == {"data": ["films"], "public": True}
    assert (await client.post("/projects", json=other, headers={"X-Directus-Project": "nosuch"})).status_code == 200
    assert (await client.get("/server/projects")).json() == {"data": ["films", "other"], "public": True}


async def test_upgrading_a_project(client: httpx2.AsyncClient) -> None:
    await client.post("/server/projects", json=BODY)
    token = {"Authorization": "Bearer films-token"}
    done = await client.post("/films/update", headers=token)
    assert (done.status_code, done.content) == (204, b"")
    refused = await client.post("/films/update")
    assert (refused.status_code, refused.json()) == (
        401,
        {"error": {"code": 3, "message": "Permission denied: Admin Only"}},
    )
    assert _error(await client.get("/films/update", headers=token)) == (405, 6)
    found = await client.post("/films/gql", headers=token, json={"query": "mutation { update_project }"})
    assert found.json() == {"data": {"update_project": False}}
