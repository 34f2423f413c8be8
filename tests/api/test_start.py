"""In charge of the first start as a newcomer meets it: in process, over ASGI, and from the command line."""

from __future__ import annotations

import asyncio
import os
import stat
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest
from typer.testing import CliRunner

from app import Application
from core import cli, demo
from core.errors import ValidationFailed
from core.projects import Projects
from core.settings import ConfigurationError, Settings
from core.start import FirstStart, prepare
from tests import backends
from tests.projects import ADMIN_EMAIL, body

ENVIRONMENT = {
    "TABULARIUM_ADMIN_EMAIL": "ada@example.org",
    "TABULARIUM_ADMIN_PASSWORD": "correct horse",
    "TABULARIUM_ADMIN_TOKEN": "ada-token",
    "TABULARIUM_SUPER_ADMIN_TOKEN": "boss",
}


def environment(data: Path, **more: str) -> dict[str, str]:
    return {**ENVIRONMENT, "TABULARIUM_DATA": str(data), **more}


@asynccontextmanager
async def server(environ: dict[str, str]) -> AsyncIterator[httpx2.AsyncClient]:
    application = Application(environ)
    await application.start()
    try:
        transport = httpx2.ASGITransport(app=application)
        async with httpx2.AsyncClient(transport=transport, base_url="http://127.0.0.1:8055") as client:
            yield client
    finally:
        await application.stop()


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


# The first start


async def test_the_first_start_makes_a_project_and_the_second_changes_nothing(tmp_path: Path) -> None:
    data = tmp_path / "data"
    settings = Settings(data=data)
    steps: list[str] = []
    made = await prepare(settings, lambda step, _done, _of: steps.append(step))
    assert isinstance(made, FirstStart)
    assert (made.project, made.email, made.demo) == ("main", "admin@example.com", True)
    assert made.password is not None
    assert made.super_admin_token is not None
    assert (len(made.password), len(made.super_admin_token)) == (16, 32)
    assert made.password not in repr(made)
    assert steps[-1] == "comments"
    modes = {
        name: stat.S_IMODE((data / name).stat().st_mode) for name in (".", "main.db", "config", "config/main.json")
    }
    assert modes == {".": 0o700, "main.db": 0o600, "config": 0o700, "config/main.json": 0o600}
    before = contents(data)
    assert await prepare(settings) is None
    assert contents(data) == before


async def test_what_the_environment_gives_is_not_generated(tmp_path: Path) -> None:
    made = await prepare(Settings.read(environment(tmp_path / "data")))
    assert made == FirstStart("main", "ada@example.org", True, None, None)
    assert not (tmp_path / "data" / "config" / "__api.json").exists()


async def test_without_the_demo_there_are_no_tables_but_the_systems(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path, demo=False, default_project="shop")
    made = await prepare(settings)
    assert made is not None
    assert (made.project, made.demo) == ("shop", False)
    projects = await Projects.open(settings)
    project = projects.get("shop")
    await project.store()
    assert [one.name for one in project.snapshot.collections.values() if not one.is_system] == []
    await projects.close()


async def test_no_default_project_means_no_project(tmp_path: Path) -> None:
    assert await prepare(Settings(data=tmp_path / "data", default_project=None)) is None
    assert os.listdir(tmp_path) == []


async def test_a_server_that_has_projects_gets_no_other(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path)
    projects = await Projects.open(settings)
    await projects.create(body("sqlite:///shop.db", "shop"), trusted=True)
    await projects.close()
    assert await prepare(settings) is None
    projects = await Projects.open(settings)
    assert projects.keys() == ["shop"]
    await projects.close()


async def test_several_processes_that_start_at_once_make_one_project(tmp_path: Path) -> None:
    outcomes = await asyncio.gather(*(prepare(Settings(data=tmp_path, demo=False)) for _ in range(4)))
    assert sorted(outcome is not None for outcome in outcomes) == [False, False, False, True]


async def test_a_demo_that_fails_leaves_no_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def fail(*_: Any) -> None:
        raise RuntimeError("no demo today")

    monkeypatch.setattr(demo, "load", fail)
    settings = Settings(data=tmp_path)
    with pytest.raises(RuntimeError):
        await prepare(settings)
    projects = await Projects.open(settings)
    assert len(projects) == 0
    await projects.close()
    monkeypatch.undo()
    assert await prepare(settings) is not None


async def test_an_admin_who_is_no_email_address_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValidationFailed, match=r"user_email: This value is not a valid email address\."):
        await prepare(Settings(data=tmp_path, admin_email="root"))


async def test_a_project_of_the_environment_gets_its_tables_once(database_url: str, tmp_path: Path) -> None:
    place = body(database_url)
    variables = {
        "DIRECTUS_USE_ENV": "1",
        "DIRECTUS_AUTH_SECRETKEY": "a-secret-that-is-long-enough",
        "DIRECTUS_AUTH_HASHING_TIME": "1",
        "DIRECTUS_AUTH_HASHING_MEMORY": "64",
        "DIRECTUS_AUTH_HASHING_PARALLELISM": "1",
        "DIRECTUS_DATABASE_TYPE": place["db_type"],
        "DIRECTUS_DATABASE_NAME": place["db_name"],
        "DIRECTUS_DATABASE_HOST": str(place.get("db_host") or ""),
        "DIRECTUS_DATABASE_PORT": str(place.get("db_port") or ""),
        "DIRECTUS_DATABASE_USERNAME": str(place.get("db_user") or ""),
        "DIRECTUS_DATABASE_PASSWORD": str(place.get("db_password") or ""),
    }
    settings = Settings.read(environment(tmp_path, **variables))
    assert await prepare(settings) == FirstStart("_", "ada@example.org", False, None, None)
    assert await prepare(settings) is None
    async with server(environment(tmp_path, **variables)) as client:
        assert (await client.get("/server/projects")).json() == {"data": ["_"], "public": True}
        me = await client.get("/_/users/me", params={"access_token": "ada-token", "fields": "email"})
        assert me.json() == {"data": {"email": "ada@example.org"}}


# The application


async def test_a_newcomer_asks_over_both_doors(tmp_path: Path) -> None:
    async with server(environment(tmp_path)) as client:
        assert (await client.get("/server/ping")).text == "pong"
        rest = await client.get(
            "/main/items/articles", params={"fields": "title,author.name", "limit": 1, "sort": "id"}
        )
        assert (rest.status_code, rest.json()) == (
            200, {"data": [{"title": "The harbour at dawn", "author": {"name": "Ada Brandt"}}], "public": True},
        )  # fmt: skip
        query = '{ articles(limit: 1, sort: ["id"]) { data { title author { name } } } }'
        graphql = await client.post("/main/gql", json={"query": query})
        assert graphql.json() == {
            "data": {"articles": {"data": [{"title": "The harbour at dawn", "author": {"name": "Ada Brandt"}}]}}
        }
        login = await client.post(
            "/main/auth/authenticate", json={"email": "ada@example.org", "password": "correct horse"}
        )
        token = login.json()["data"]["token"]
        headers = {"authorization": f"Bearer {token}"}
        made = await client.post("/main/items/tags", json={"name": "tea"}, headers=headers)
        assert (made.status_code, made.json()) == (200, {"data": {"id": 17, "name": "tea", "color": None}})
        assert (await client.post("/main/items/tags", json={"name": "milk"})).status_code == 403
        found = await client.get("/main/items/tags", params={"filter[name][eq]": "tea", "fields": "id"})
        assert found.json()["data"] == [{"id": 17}]


async def test_the_explorer_and_its_files_come_from_here(tmp_path: Path) -> None:
    async with server(environment(tmp_path, TABULARIUM_DEMO="0")) as client:
        page = await client.get("/main/gql", headers={"accept": "text/html"})
        assert page.status_code == 200
        assert "/gql/assets/explorer.js" in page.text
        assert (await client.get("/gql/assets/explorer.js")).status_code == 200
        assert (await client.get("/gql/assets/../../../app.py")).status_code in (401, 404)


async def test_a_server_without_projects_says_so(tmp_path: Path) -> None:
    async with server(environment(tmp_path, TABULARIUM_DEFAULT_PROJECT="")) as client:
        answer = await client.get("/server/projects")
        assert (answer.status_code, answer.json()["error"]["code"]) == (503, 14)
        assert (await client.get("/main/items/x")).json() == {"error": {"code": 3, "message": "Unauthorized request"}}


async def test_a_start_that_fails_is_reported_to_the_server(tmp_path: Path) -> None:
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "lifespan.startup"}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    application = Application({"TABULARIUM_DATA": str(tmp_path), "TABULARIUM_PORT": "many"})
    await application({"type": "lifespan"}, receive, send)
    assert sent == [{"type": "lifespan.startup.failed", "message": "TABULARIUM_PORT must be a number from 0 to 65535"}]
    with pytest.raises(ConfigurationError):
        await application.start()


# The command line


class Shell:
    """The command line with a data folder of its own."""

    def __init__(self, data: Path) -> None:
        self.data = data
        self._runner = CliRunner()

    def __call__(self, *arguments: str, typed: str | None = None) -> tuple[int, str]:
        """Status and everything printed, blanks pressed together."""
        settings = {"TABULARIUM_DATA": str(self.data), "COLUMNS": "200"}
        result = self._runner.invoke(cli.cli, list(arguments), input=typed, env=settings)
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
        return result.exit_code, " ".join(result.output.split())


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    return Shell(tmp_path / "data")


def test_the_version(shell: Shell) -> None:
    assert shell("--version") == (0, "tabularium 0.1.0")


def test_projects_are_made_listed_and_deleted(shell: Shell) -> None:
    status, said = shell("project", "create", "shop", "--password", "pass phrase")
    assert (status, said) == (0, "Project shop serves 0 tables and 0 views of its database. Admin: admin@example.com")
    status, said = shell("project", "create", "hr", "--private")
    assert status == 0
    assert "(shown only now)" in said
    assert shell("project", "list") == (
        0, "Project Database Private hr sqlite: hr.db yes shop sqlite: shop.db",
    )  # fmt: skip
    assert shell("project", "create", "shop") == (1, 'A project named "shop" already exists.')
    assert shell("project", "create", "admin") == (1, "project: This value is not valid.")
    assert shell("project", "delete", "shop", typed="n\n")[0] == 1
    assert shell("project", "delete", "shop", "--yes") == (0, "Project shop is gone; its own tables are still there.")
    assert shell("project", "delete", "shop", "--yes") == (1, "Unknown Project: shop")
    assert (shell.data / "shop.db").exists()


def test_an_existing_database_is_opened(dialect: str, tmp_path: Path, shell: Shell) -> None:
    with backends.fresh_database(dialect, tmp_path) as url:
        from tests.api.test_projects import statement

        tables = ("CREATE TABLE artists (id INTEGER PRIMARY KEY)", "CREATE VIEW names AS SELECT id FROM artists")
        asyncio.run(statement(url, *tables, "SELECT 1"))
        status, said = shell("project", "create", "music", "--database", url, "--password", "pass phrase")
        assert (status, said.partition(" Admin")[0]) == (
            0, "Project music serves 1 tables and 1 views of its database.",
        )  # fmt: skip
        again = shell("project", "create", "other", "--database", url)
        assert again == (1, "The database already contains system tables.")
        assert shell("project", "create", "other", "--database", url, "--existing") == (
            0, "Project other serves 1 tables and 1 views of its database.",
        )  # fmt: skip


@pytest.mark.parametrize("place", ["postgresql://nobody@127.0.0.1:9/none", "mysql://nobody@127.0.0.1:9/none"])
def test_a_database_that_is_not_there(shell: Shell, place: str) -> None:
    assert shell("project", "create", "music", "--database", place) == (1, "Invalid database connection")
    assert shell("project", "list") == (0, "Project Database Private")


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    status, said = Shell(tmp_path / "file" / "data")("serve")
    assert (status, said.endswith("Not a directory")) == (1, True)


def test_users_are_made_and_get_passwords(shell: Shell) -> None:
    shell("project", "create", "shop")
    made = shell("user", "create", "bea@example.org", "-k", "shop", "--password", "first one", "--role", "3")
    assert made == (0, "User bea@example.org has id 2.")
    again = shell("user", "create", "bea@example.org", "-k", "shop", "--password", "first one")
    assert again == (1, 'Duplicate key "bea@example.org" for collection "directus_users"')
    changed = shell("user", "password", "BEA@example.org", "-k", "shop", typed="second one\nsecond one\n")
    assert (changed[0], "has a new password" in changed[1]) == (0, True)
    assert asyncio.run(_signs_in(shell.data, "bea@example.org", "first one")) == 404
    assert asyncio.run(_signs_in(shell.data, "bea@example.org", "second one")) == 200
    assert shell("user", "password", "nobody@example.org", "-k", "shop", "--password", "x") == (1, "User not found")
    assert shell("user", "password", ADMIN_EMAIL, "-k", "none", "--password", "x") == (1, "Unknown Project: none")


async def _signs_in(data: Path, email: str, password: str) -> int:
    async with server({"TABULARIUM_DATA": str(data)}) as client:
        answer = await client.post("/shop/auth/authenticate", json={"email": email, "password": password})
        status: int = answer.status_code
        return status
