"""In charge of the life of projects: making, finding, opening, losing and deleting them (spec 01 §11.3, §13)."""

from __future__ import annotations

import asyncio
import json
import os
import stat
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import pytest

from core.catalog.changes import log_change
from core.db.gateway import Store
from core.enter import enter
from core.errors import (
    DatabaseUnavailable,
    Forbidden,
    InvalidDatabaseConnection,
    NotInstalled,
    ProjectExists,
    TooManyRequests,
    Unauthorized,
    UnknownProject,
    ValidationFailed,
)
from core.projects import NewProject, Project, Projects
from core.settings import ConfigurationError, files
from tests.projects import ADMIN_EMAIL, body, project, projects

INVALID = "This value is not valid."
BLANK = "This value should not be blank."


async def statement(url: str, *statements: str) -> list[Any]:
    """The rows of the last of some statements, run on a connection of its own."""
    store = await Store.open(url)
    try:
        async with store.write() as connection:
            for sql in statements[:-1]:
                await connection.execute(sql)
            return [tuple(row) for row in await connection.rows(statements[-1])]
    finally:
        await store.close()


async def tables(url: str) -> set[str]:
    kind = urlsplit(url).scheme
    sql = {
        "sqlite": "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%'",
        "postgresql": "SELECT tablename FROM pg_tables WHERE schemaname = 'public'",
        "mysql": "SELECT table_name FROM information_schema.tables WHERE table_schema = database()",
    }[kind]
    return {row[0] for row in await statement(url, sql)}


# Making


async def test_a_new_project_has_system_tables_an_admin_and_a_file(database_url: str, tmp_path: Path) -> None:
    async with projects(tmp_path / "data") as found:
        made = await found.create(
            body(database_url, "shop", super_admin_token="boss", project_name="Shop", app_url="https://shop.example"),
            trusted=True,
        )
        assert found.keys() == ["shop"]
        assert found.get("shop") is made
        store = await made.store()
        async with store.read() as connection:
            users = await connection.rows("SELECT id, status, role, email FROM directus_users")
            assert [tuple(row) for row in users] == [(1, "active", 1, ADMIN_EMAIL)]
        assert made.snapshot.setting("project_name") == "Shop"
        assert made.snapshot.setting("app_url") == "https://shop.example"
    file = tmp_path / "data" / "config" / "shop.json"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    tree = json.loads(file.read_text())
    assert len(tree["auth"]["secret_key"]) == 43
    assert tree["cors"] == {"enabled": True, "max_age": 600, "credentials": True}
    assert tree["storage"]["root"] == "public/uploads/shop/originals"
    assert "boss" not in file.read_text()
    assert files.read_token(tmp_path / "data") == "boss"


async def test_secrets_differ_between_projects(tmp_path: Path) -> None:
    async with projects(tmp_path) as found:
        for key in ("a", "b"):
            await found.create(body(f"sqlite:///{tmp_path}/{key}.db", key), trusted=True)
        configs = [found.get(key).config for key in ("a", "b")]
    assert configs[0].secret_key != configs[1].secret_key
    assert configs[0].public_key != configs[1].public_key


async def test_user_tables_stay_as_they_are(database_url: str, tmp_path: Path) -> None:
    await statement(
        database_url,
        "CREATE TABLE artists (id INTEGER PRIMARY KEY, name VARCHAR(20))",
        "INSERT INTO artists VALUES (1, 'Ann'), (2, 'Bea')",
        "SELECT 1",
    )
    async with projects(tmp_path / "data") as found:
        made = await found.create(body(database_url), trusted=True)
        await made.store()
        assert "artists" in made.snapshot.collections
        assert await statement(database_url, "SELECT id, name FROM artists ORDER BY id") == [(1, "Ann"), (2, "Bea")]
        await found.delete("main", None, trusted=True)
    assert await tables(database_url) == {"artists"}
    assert await statement(database_url, "SELECT id, name FROM artists ORDER BY id") == [(1, "Ann"), (2, "Bea")]


async def test_system_tables_are_not_overwritten_unless_asked_for(database_url: str, tmp_path: Path) -> None:
    rename = "UPDATE directus_users SET first_name = 'Kept'"
    name = "SELECT first_name FROM directus_users"
    async with projects(tmp_path / "data") as found:
        await found.create(body(database_url, "one"), trusted=True)
        await statement(database_url, rename, "SELECT 1")
        with pytest.raises(ProjectExists, match="already contains system tables") as caught:
            await found.create(body(database_url, "two"), trusted=True)
        assert caught.value.code == 18
        assert (found.keys(), await statement(database_url, name)) == (["one"], [("Kept",)])
        await found.create(body(database_url, "two", existing=True, force=True), trusted=True)
        assert (found.keys(), await statement(database_url, name)) == (["one", "two"], [("Kept",)])
        await found.create(body(database_url, "one", force=True), trusted=True)
        assert (found.keys(), await statement(database_url, name)) == (["one", "two"], [("Admin",)])


async def test_a_project_of_the_same_name_is_refused(tmp_path: Path) -> None:
    async with projects(tmp_path) as found:
        await found.create(body(f"sqlite:///{tmp_path}/a.db", "shop"), trusted=True)
        before = (tmp_path / "config" / "shop.json").read_text()
        with pytest.raises(ProjectExists, match=r'^A project named "shop" already exists\.$'):
            await found.create(body(f"sqlite:///{tmp_path}/b.db", "shop"), trusted=True)
        assert (tmp_path / "config" / "shop.json").read_text() == before
        assert not (tmp_path / "b.db").exists()


async def test_a_database_that_cannot_be_reached_makes_no_project(tmp_path: Path) -> None:
    unreachable = [
        body("postgresql://nobody:x@127.0.0.1:9/none"),
        body("mysql://nobody:x@127.0.0.1:9/none"),
    ]
    async with projects(tmp_path) as found:
        for wanted in unreachable:
            with pytest.raises(InvalidDatabaseConnection) as caught:
                await found.create({**wanted, "super_admin_token": "boss"})
            assert (caught.value.code, caught.value.message) == (19, "Invalid database connection")
        assert len(found) == 0
    assert files.read_token(tmp_path) is None


async def test_a_private_project_works_and_is_not_listed(tmp_path: Path) -> None:
    async with projects(tmp_path) as found:
        await found.create(body(f"sqlite:///{tmp_path}/a.db", "hr", private=True), trusted=True)
        assert (found.keys(), len(found)) == ([], 1)
        assert (await enter(found.get("hr"))).actor.public
    assert (tmp_path / "config" / "private.hr.json").exists()


async def test_the_branches_of_the_body_reach_the_configuration(tmp_path: Path) -> None:
    more = {
        "storage": {"rootUrl": "/files/{{project}}/o"},
        "cors": {"origin": ["https://a.example"], "maxAge": 5},
        "auth": {"socialProviders": {"github": {"client_id": "x"}}},
        "mail_from": "me@example.org",
        "cors_enabled": False,
    }
    async with projects(tmp_path) as found:
        config = (await found.create(body(f"sqlite:///{tmp_path}/a.db", "shop", **more), trusted=True)).config
    assert config.get("storage.root_url") == "/files/shop/o"
    assert (config.cors.enabled, config.cors.origin, config.cors.max_age) == (False, ("https://a.example",), 5)
    assert config.get("auth.social_providers.github.client_id") == "x"
    assert config.get("auth.hashing.time") == 1
    assert config.get("mail.default.from") == "me@example.org"
    assert len(config.secret_key) == 43


# What is refused


@pytest.mark.parametrize("wrong, problems", [
    ({"project": ""}, [("project", BLANK)]),
    ({"project": "a b"}, [("project", INVALID)]),
    ({"project": "private.x"}, [("project", INVALID)]),
    ({"project": "../x"}, [("project", INVALID)]),
    ({"project": "x" * 65}, [("project", INVALID)]),
    ({"project": "_x"}, [("project", INVALID)]),
    ({"project": "__api"}, [("project", INVALID)]),
    *(({"project": name}, [("project", INVALID)]) for name in (
        "server", "interfaces", "modules", "layouts", "types", "projects", "admin", "uploads", "downloads",
        "extensions", "gql", "graphql", "GraphQL",
    )),
    ({"project": 7}, [("project", INVALID)]),
    ({"super_admin_token": None}, [("super_admin_token", BLANK)]),
    ({"db_name": " "}, [("db_name", BLANK)]),
    ({"user_email": "nobody"}, [("user_email", "This value is not a valid email address.")]),
    ({"user_password": ""}, [("user_password", BLANK)]),
    ({"user_password": "x" * 4097}, [("user_password", INVALID)]),
    ({"user_token": ["x"]}, [("user_token", INVALID)]),
    ({"db_type": "oracle", "db_user": "x"}, [("db_type", INVALID)]),
    ({"db_type": "mysql"}, [("db_user", BLANK)]),
    ({"db_type": "mysql", "db_user": "x", "db_port": "many"}, [("db_port", INVALID)]),
    ({"storage": "s3"}, [("storage", INVALID)]),
    ({"project": None, "db_name": None, "user_email": ""}, [(n, BLANK) for n in ("project", "db_name", "user_email")]),
    # paths and commands
    ({"db_name": "/etc/x.db"}, [("db_name", INVALID)]),
    ({"db_name": "../x.db"}, [("db_name", INVALID)]),
    ({"db_name": "a/../../x.db"}, [("db_name", INVALID)]),
    ({"db_name": "config/shop.json"}, [("db_name", INVALID)]),
    ({"db_name": "link/x.db"}, [("db_name", INVALID)]),
    ({"db_name": "x.db?mode=ro"}, [("db_name", INVALID)]),
    ({"db_name": "x\x00.db"}, [("db_name", INVALID)]),
    ({"db_name": "file:x.db"}, [("db_name", INVALID)]),
    ({"db_name": "."}, [("db_name", INVALID)]),
    ({"logs_path": "/var/log"}, [("logs_path", INVALID)]),
    ({"storage": {"root": "/srv"}}, [("storage.root", INVALID)]),
    ({"storage": {"Thumb-Root": "../x"}}, [("storage.thumb_root", INVALID)]),
    ({"cache": {"pool": {"path": "/tmp"}}}, [("cache.pool.path", INVALID)]),
    ({"mail": {"default": {"sendMail": "/bin/sh"}}}, [("mail.sendmail", INVALID)]),
    ({"mail": {"send_mail": "/bin/sh"}}, [("mail.sendmail", INVALID)]),
    ({"mail": {"transport": "file", "path": "/etc"}}, [("mail.path", INVALID)]),
    ({"mail": {"other": {"transport": "file", "path": "../mail"}}}, [("mail.path", INVALID)]),
])  # fmt: skip
async def test_a_wrong_body_is_refused_and_nothing_is_made(
    tmp_path: Path, wrong: dict[str, Any], problems: list[tuple[str, str]]
) -> None:
    (tmp_path / "elsewhere").mkdir()
    data = tmp_path / "data"
    data.mkdir()
    (data / "link").symlink_to(tmp_path / "elsewhere")
    given = {**body("sqlite:///shop.db", "shop", super_admin_token="boss"), **wrong}
    async with projects(data) as found:
        with pytest.raises(ValidationFailed) as caught:
            await found.create(given)
        assert len(found) == 0
    assert [(problem.path[-1], problem.message) for problem in caught.value.problems] == problems
    assert os.listdir(data) == ["link"]


async def test_the_operator_may_name_any_file(tmp_path: Path) -> None:
    wanted = NewProject.of(body(f"sqlite:///{tmp_path}/x.db"), tmp_path / "data", trusted=True)
    assert (wanted.tree["database"]["name"], wanted.super_admin_token) == (f"{tmp_path}/x.db", "")


async def test_a_lock_file_and_environment_configuration_forbid_changes(tmp_path: Path) -> None:
    variables = {"DIRECTUS_AUTH_SECRETKEY": "a-secret-that-is-long", "DIRECTUS_DATABASE_TYPE": "sqlite"}
    async with projects(tmp_path, use_environment=True, project_variables=variables) as found:
        assert (found.keys(), found.get("_").config.database.dialect) == (["_"], "sqlite")
        for change in (found.create(body("sqlite:///a.db")), found.delete("_", "boss")):
            with pytest.raises(Forbidden):
                await change
    (tmp_path / ".lock").touch()
    async with projects(tmp_path) as found:
        with pytest.raises(Forbidden):
            await found.create(body("sqlite:///a.db", super_admin_token="boss"))
        with pytest.raises(Forbidden):
            await found.delete("main", "boss")
    assert os.listdir(tmp_path) == [".lock"]


# The super admin token


async def test_the_first_project_sets_the_token_and_the_next_ones_need_it(tmp_path: Path) -> None:
    async with projects(tmp_path) as found:
        await found.create(body("sqlite:///a.db", "a", super_admin_token="boss"))
        with pytest.raises(Unauthorized) as caught:
            await found.create(body("sqlite:///b.db", "b", super_admin_token="Boss"))
        assert (caught.value.code, caught.value.message) == (3, "Permission denied: Superadmin Only")
        assert found.keys() == ["a"]
        assert not (tmp_path / "b.db").exists()
        await found.create(body("sqlite:///b.db", "b", super_admin_token="boss"))
        for token, error in (("Boss", Unauthorized), (None, ValidationFailed), ("", ValidationFailed)):
            with pytest.raises(error):
                await found.delete("a", token)
        assert found.keys() == ["a", "b"]
        await found.delete("a", "boss")
        await found.delete("b", "boss")
        assert found.keys() == []
        with pytest.raises(Unauthorized):  # an emptied server stays claimed
            await found.create(body("sqlite:///a.db", "a", super_admin_token="mine"))


async def test_a_token_of_the_operator_must_match_from_the_start(tmp_path: Path) -> None:
    async with projects(tmp_path, super_admin_token="operator") as found:
        with pytest.raises(Unauthorized):
            await found.create(body("sqlite:///a.db", "a", super_admin_token="mine"))
        assert len(found) == 0
        await found.create(body("sqlite:///a.db", "a", super_admin_token="operator"))
    assert files.read_token(tmp_path) is None


async def test_guessing_the_token_is_slowed_down_per_address(tmp_path: Path) -> None:
    async with projects(tmp_path, super_admin_token="operator") as found:
        for _ in range(10):
            with pytest.raises(Unauthorized):
                found.check_super_admin("guess", address="10.0.0.9")
        with pytest.raises(TooManyRequests):
            found.check_super_admin("operator", address="10.0.0.9")
        found.check_super_admin("operator", address="10.0.0.8")


# Finding


async def test_unknown_projects(tmp_path: Path) -> None:
    async with projects(tmp_path) as found:
        await found.create(body("sqlite:///a.db", "shop", super_admin_token="boss"))
        for key in ("Shop", "SHOP", "other", "", "private.shop", "__api"):
            with pytest.raises(UnknownProject):
                found.get(key)
        with pytest.raises(UnknownProject, match=r"^Unknown Project: other$"):
            await found.delete("other", "boss")


async def test_projects_of_another_process_appear_and_go(tmp_path: Path) -> None:
    async with projects(tmp_path) as here, projects(tmp_path) as there:
        await there.create(body("sqlite:///a.db", "shop"), trusted=True)
        assert (await enter(here.get("shop"))).actor.public
        await there.delete("shop", None, trusted=True)
        assert here.keys() == []
        with pytest.raises(UnknownProject):
            here.get("shop")


async def test_a_broken_file_stops_the_start_but_not_a_running_server(tmp_path: Path) -> None:
    async with projects(tmp_path) as found:
        await found.create(body("sqlite:///a.db", "shop"), trusted=True)
        (tmp_path / "config" / "blog.json").write_text('{"auth": {"secret_key": "<placeholder>"}}')
        assert found.keys() == ["shop"]
        with pytest.raises(ConfigurationError, match=r"blog\.json: auth\.secret_key is a placeholder"):
            await Projects.open(found.settings)


# Opening, losing, coming back


async def test_a_project_is_opened_once_however_many_ask(database_url: str, tmp_path: Path) -> None:
    async with project(database_url, tmp_path) as made:
        assert not made.opened
        stores = await asyncio.gather(*(made.store() for _ in range(20)))
        assert len({id(store) for store in stores}) == 1
        assert made.opened


async def test_a_caller_that_gives_up_does_not_stop_the_others(tmp_path: Path) -> None:
    async with project(f"sqlite:///{tmp_path}/a.db", tmp_path) as made:
        impatient, patient = asyncio.create_task(made.store()), asyncio.create_task(made.store())
        await asyncio.sleep(0)
        impatient.cancel()
        assert (await patient).dialect == "sqlite"


async def test_a_database_without_system_tables_is_no_project(tmp_path: Path) -> None:
    async with project(f"sqlite:///{tmp_path}/a.db", tmp_path) as made:
        await statement(f"sqlite:///{tmp_path}/a.db", "DROP TABLE directus_users", "SELECT 1")
        for _ in range(2):
            with pytest.raises(NotInstalled):
                await made.store()


async def test_a_closed_project_stays_closed(tmp_path: Path) -> None:
    async with project(f"sqlite:///{tmp_path}/a.db", tmp_path) as made:
        await made.store()
    with pytest.raises(DatabaseUnavailable):
        await made.store()


class Line:
    """A line to a database server that can be cut and mended."""

    def __init__(self, url: str) -> None:
        self.place = urlsplit(url)
        self.port = 0
        self._server: asyncio.Server | None = None
        self._ends: set[asyncio.StreamWriter] = set()

    @property
    def url(self) -> str:
        login, _, _ = self.place.netloc.rpartition("@")
        return urlunsplit(self.place._replace(netloc=f"{login}@127.0.0.1:{self.port}"))

    async def mend(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def cut(self) -> None:
        assert self._server is not None
        self._server.close()
        for end in list(self._ends):
            end.close()
        await asyncio.sleep(0.05)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection(self.place.hostname, self.place.port)
        self._ends |= {writer, far_writer}
        await asyncio.gather(self._pump(reader, far_writer), self._pump(far_reader, writer))

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()
        except OSError:
            pass
        finally:
            writer.close()
            self._ends.discard(writer)


@asynccontextmanager
async def line(url: str) -> AsyncIterator[Line]:
    found = Line(url)
    await found.mend()
    try:
        yield found
    finally:
        await found.cut()


async def comes_back(made: Project) -> None:
    for _ in range(60):
        try:
            await enter(made)
        except DatabaseUnavailable:
            await asyncio.sleep(0.1)
        else:
            return
    pytest.fail("the project did not come back")


@pytest.fixture(params=["postgres", "mysql"])
def server_url(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    from tests import backends

    found = backends.backend(request.param)
    if not found.available:
        pytest.skip(found.reason)
    with backends.fresh_database(request.param, tmp_path) as url:
        yield url


async def test_a_lost_database_is_code_11_and_comes_back_while_others_go_on(server_url: str, tmp_path: Path) -> None:
    async with line(server_url) as wire, projects(tmp_path) as found:
        await found.create(body(f"sqlite:///{tmp_path}/a.db", "calm"), trusted=True)
        lost = await found.create(body(wire.url, "lost"), trusted=True)
        assert (await enter(lost)).actor.public
        await wire.cut()
        for _ in range(3):
            with pytest.raises(DatabaseUnavailable) as caught:
                await enter(lost)
            assert (caught.value.code, caught.value.message) == (11, "Failed to connect to the database")
            assert (await enter(found.get("calm"))).actor.public
        await wire.mend()
        await comes_back(lost)


async def test_a_database_that_is_down_at_first_is_opened_when_it_is_up(server_url: str, tmp_path: Path) -> None:
    async with line(server_url) as wire:
        async with projects(tmp_path) as found:
            await found.create(body(wire.url, "lost"), trusted=True)
        await wire.cut()
        async with projects(tmp_path) as found:
            made = found.get("lost")
            outcomes = await asyncio.gather(*(enter(made) for _ in range(20)), return_exceptions=True)
            assert [type(outcome).__name__ for outcome in outcomes] == ["Unavailable"] * 20
            await wire.mend()
            await comes_back(made)


# Changes made elsewhere


async def test_settings_of_another_process_count_at_once(database_url: str, tmp_path: Path) -> None:
    async with project(database_url, tmp_path) as made:
        await enter(made)
        before = made.snapshot
        store = await made.store()
        async with store.write() as connection:
            rename = {"sqlite": "value = 'New'", "postgres": "value = 'New'", "mysql": "value = 'New'"}[store.dialect]
            key = "`key`" if store.dialect == "mysql" else "key"
            await connection.execute(f"UPDATE directus_settings SET {rename} WHERE {key} = 'project_name'")
            await log_change(connection, "settings")
        session = await enter(made)
        assert session.snapshot.setting("project_name") == "New"
        assert session.snapshot.collections is before.collections
        assert made.snapshot is session.snapshot


async def test_rights_of_another_process_count_at_once(database_url: str, tmp_path: Path) -> None:
    async with project(database_url, tmp_path) as made:
        session = await enter(made)
        assert session.policy.any_level("directus_files", "read") == 0
        store = await made.store()
        columns = {"mysql": "collection, role, `read`"}.get(store.dialect, 'collection, role, "read"')
        async with store.write() as connection:
            await connection.execute(
                f"INSERT INTO directus_permissions ({columns}) VALUES ('directus_files', 2, 'full')"
            )
            await log_change(connection, "policy")
        changed = await enter(made)
        assert changed.policy.any_level("directus_files", "read") == 3
        assert changed.snapshot.collections is session.snapshot.collections  # no reason to read the schema


async def test_a_new_table_arrives_beside_the_requests(database_url: str, tmp_path: Path) -> None:
    async with project(database_url, tmp_path) as made:
        session = await enter(made)
        store = await made.store()
        async with store.write() as connection:
            await connection.execute("CREATE TABLE songs (id INTEGER PRIMARY KEY, title VARCHAR(20))")
            await log_change(connection, "schema", "songs")
        swapped: list[object] = []
        release = asyncio.Event()

        async def prepare(_: Project, snapshot: object) -> None:
            await release.wait()
            swapped.append(snapshot)

        made.prepare = prepare
        meanwhile = await enter(made)
        assert meanwhile.snapshot is session.snapshot
        assert (made.changing("songs"), made.changing("directus_users")) == (True, False)
        release.set()
        after = await made.settled()
        assert "songs" in after.collections
        assert "songs" not in session.snapshot.collections
        assert swapped == [after]
        assert made.changing("songs") is False
        assert (await enter(made)).snapshot is after


async def test_nothing_is_read_when_nothing_changed(database_url: str, tmp_path: Path) -> None:
    async with project(database_url, tmp_path) as made:
        await enter(made)
        store = await made.store()
        before = store.statements_total
        for _ in range(5):
            await enter(made)
        assert store.statements_total - before == 5
