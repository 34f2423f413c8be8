"""Databases of Directus 8 behind both doors: a real one at 8.8.1, an older one, and one in which everything is odd."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx2
import pytest

import app
from core.catalog.system import own_types
from core.db.gateway import Store
from core.doctor import examine, repair
from core.migrate.own import OWN
from core.migrate.upgrade import pending
from core.projects import Project
from core.settings import ProjectConfig
from tests import backends, v8
from tests.projects import body, projects
from tests.samples import load_directus8

pytestmark = pytest.mark.backend("mysql")

ADMIN = {"Authorization": f"Bearer {v8.TOKEN}"}
EDITOR = {"Authorization": f"Bearer {v8.EDITOR}"}


@asynccontextmanager
async def served(url: str, data: Path) -> AsyncIterator[tuple[Project, httpx2.AsyncClient]]:
    """The database as project `old`, opened as an operator opens it, and a client of the whole server."""
    async with projects(data) as found:
        made = await found.create(body(url, "old", existing=True), trusted=True)
        transport = httpx2.ASGITransport(app=app.compose(found))
        async with httpx2.AsyncClient(transport=transport, base_url="http://api.example.com/old") as client:
            yield made, client


async def ask(url: str, *statements: str) -> list[tuple[Any, ...]]:
    """The rows of the last of some statements."""
    store = await Store.open(url)
    try:
        async with store.write() as connection:
            for sql in statements[:-1]:
                await connection.execute(sql)
            return [tuple(row) for row in await connection.rows(statements[-1])]
    finally:
        await store.close()


async def definitions(url: str) -> dict[str, str]:
    """The text of every table, without our own columns in it; where a counter stands is no part of it."""
    found = {}
    for (name,) in await ask(url, "SELECT table_name FROM information_schema.tables WHERE table_schema = DATABASE()"
                                  " AND table_type = 'BASE TABLE'"):  # fmt: skip
        text = (await ask(url, f"SHOW CREATE TABLE `{name}`"))[0][1]
        for table, column in own_types():
            if table == name:
                text = text.replace(f"  `{column}` text DEFAULT NULL,\n", "")
        found[name] = re.sub(r" AUTO_INCREMENT=\d+", "", text)
    return found


async def contents(url: str) -> dict[str, dict[str, Any]]:
    """Every row of every table as text, by the first column, without what stands in our own columns."""
    found: dict[str, dict[str, Any]] = {}
    for name in await definitions(url):
        columns = [row[0] for row in await ask(url, f"SHOW COLUMNS FROM `{name}`")]
        kept = [at for at, column in enumerate(columns) if (name, column) not in own_types()]
        rows = [tuple(row[at] for at in kept) for row in await ask(url, f"SELECT * FROM `{name}`")]
        found[name] = {repr(row[0]): repr(row) for row in rows}
    return found


# A real database


@pytest.fixture
def left_behind(tmp_path: Path, shared: Path) -> Iterator[str]:
    server = backends.backend("mysql")
    if not server.available:
        pytest.skip(server.reason)
    with backends.fresh_database("mysql", tmp_path) as url:
        load_directus8(url, shared)
        yield url


@pytest.mark.shared
async def test_directus_8_could_read_it_afterwards(left_behind: str, tmp_path: Path) -> None:
    tables, rows = await definitions(left_behind), await contents(left_behind)
    async with served(left_behind, tmp_path) as (_, client):
        login = {"email": "admin@example.com", "password": "password"}
        signed_in = await client.post("/auth/authenticate", json=login)
        assert signed_in.status_code == 200
        me = {"Authorization": f"Bearer {signed_in.json()['data']['token']}"}
        assert (await client.get("/items/articles?limit=-1&fields=*.*&status=*", headers=me)).status_code == 200
        assert await contents(left_behind) != rows
        made = await client.post("/items/authors", json={"name": "New"}, headers=me)
        assert made.status_code == 200
        key = made.json()["data"]["id"]
        assert (await client.delete(f"/items/authors/{key}", headers=me)).status_code == 204
    assert {name: text for name, text in (await definitions(left_behind)).items() if name not in OWN} == tables
    after = await contents(left_behind)
    changed = {
        name: sorted({*rows[name].items()} ^ {*found.items()})
        for name, found in after.items()
        if name in rows and found != rows[name]
    }
    # History and a session were added; of what was there only the hash of who signed in is another one.
    assert sorted(changed) == ["directus_activity", "directus_revisions", "directus_user_sessions", "directus_users"]
    for name in ("directus_activity", "directus_revisions", "directus_user_sessions"):
        assert all(after[name][key] == row for key, row in rows[name].items())
    assert [key for key, _ in changed["directus_users"]] == ["1", "1"]
    old, new = sorted(changed["directus_users"], key=lambda one: "argon2id" in one[1])
    stored = (await ask(left_behind, "SELECT password FROM directus_users WHERE id = 1"))[0][0]
    assert stored.startswith("$argon2id$v=19$")  # PHP's password_verify knows these as well
    assert new[1] == old[1].replace(_hash_in(old[1]), stored)


def _hash_in(row: str) -> str:
    return "$2y$" + row.partition("$2y$")[2].partition("'")[0]


@pytest.mark.shared
async def test_its_permissions_are_in_force(left_behind: str, tmp_path: Path) -> None:
    token = {"Authorization": "Bearer static-token-1"}
    async with served(left_behind, tmp_path) as (_, client):
        mine = (await client.get("/permissions/me", headers=token)).json()["data"]
        stored = await ask(left_behind, "SELECT DISTINCT collection FROM directus_permissions WHERE role = 3")
        assert {row["collection"] for row in mine} == {row[0] for row in stored}
        for name, expected in (("articles", 200), ("authors", 200), ("pkless", 403)):
            answer = await client.get(f"/items/{name}?fields=*.*", headers=token)
            assert (name, answer.status_code) == (name, expected)
        assert (await client.get("/items/articles")).status_code in (200, 401)
        assert (await client.get("/collections", headers=token)).status_code in (200, 403)


@pytest.mark.shared
async def test_an_older_database_is_upgraded_when_it_is_opened(left_behind: str, tmp_path: Path) -> None:
    whole = await definitions(left_behind)
    await ask(
        left_behind,
        "ALTER TABLE directus_users DROP COLUMN password_reset_token, DROP COLUMN theme, DROP COLUMN `2fa_secret`",
        "ALTER TABLE directus_roles DROP COLUMN enforce_2fa, DROP COLUMN module_listing",
        "ALTER TABLE directus_files DROP COLUMN filename_download, MODIFY storage VARCHAR(20) NOT NULL DEFAULT 'local'",
        "UPDATE directus_settings SET value = '' WHERE value IS NULL",
        "ALTER TABLE directus_settings MODIFY value TEXT NOT NULL",
        "DELETE FROM directus_migrations WHERE version > 20191200000000",
        "UPDATE directus_fields SET interface = 'toggle' WHERE collection = 'articles' AND field = 'featured'",
        "SELECT 1",
    )
    async with served(left_behind, tmp_path) as (made, client):
        login = {"email": "admin@example.com", "password": "password"}
        assert (await client.post("/auth/authenticate", json=login)).status_code == 200
        assert await pending(await made.store()) == ()
        assert made.snapshot.collections["articles"].fields["featured"].interface == "switch"
    upgraded = await definitions(left_behind)
    assert upgraded.keys() - whole.keys() == {"directus_changes", "directus_deliveries", "directus_freshness"}
    for name, text in whole.items():
        assert _lines(upgraded[name]) == _lines(text), name


def _lines(text: str) -> list[str]:
    """The columns and keys of a table; where a new column stands does not matter."""
    return sorted(line.strip(" ,") for line in text.split("\n"))


# A database in which everything is odd


@pytest.fixture(scope="module")
def odd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    server = backends.backend("mysql")
    if not server.available:
        pytest.skip(server.reason)
    with backends.fresh_database("mysql", tmp_path_factory.mktemp("odd")) as url:
        v8.load(url)
        yield url


async def test_opening_it_changes_no_row(odd: str, tmp_path: Path) -> None:
    before, rows = await definitions(odd), await contents(odd)
    async with served(odd, tmp_path) as (made, _):
        await made.store()
    after = await definitions(odd)
    found = await contents(odd)
    for name in OWN:
        after.pop(name)
        found.pop(name)
        rows.pop(name, None)
    assert after == before
    assert found == rows


async def test_every_collection_and_field_can_be_read(odd: str, tmp_path: Path) -> None:
    failed: list[tuple[str, int]] = []
    async with served(odd, tmp_path) as (made, client):
        await made.store()

        async def get(path: str, who: Any) -> None:
            answer = await client.get(path, headers=who)
            if answer.status_code >= 500:
                failed.append((path, answer.status_code))

        for path in (
            "/", "/collections?limit=-1", "/fields?limit=-1", "/relations?limit=-1", "/settings?limit=-1",
            "/settings/fields", "/users/me?fields=*.*", "/permissions/me", "/collection_presets?limit=-1",
        ):  # fmt: skip
            for who in (ADMIN, EDITOR, {}):
                await get(path, who)
        for name, collection in made.snapshot.collections.items():
            if collection.is_system:
                continue
            for query in ("limit=-1&fields=*.*.*&meta=*&status=*", "q=a", "q=1", "sort=?", "limit=0"):
                for who in (ADMIN, EDITOR, {}):
                    await get(f"/items/{quote(name, safe='')}?{query}", who)
            for field in collection.fields:
                part = quote(field, safe="")
                for operator in ("eq", "contains", "null", "gt", "in", "nempty"):
                    await get(f"/items/{quote(name, safe='')}?filter[{part}][{operator}]=1,2", ADMIN)
                await get(f"/items/{quote(name, safe='')}?sort=-{part}&groups={part}", ADMIN)
    assert failed == []


async def test_system_collections_can_be_read_over_graphql(odd: str, tmp_path: Path) -> None:
    async with served(odd, tmp_path) as (made, client):
        await made.store()
        for name in (
            "directus_users", "directus_files", "directus_folders", "directus_roles", "directus_permissions",
            "directus_activity", "directus_revisions", "directus_collection_presets", "directus_relations",
            "directus_webhooks", "directus_settings", "directus_fields", "directus_collections",
        ):  # fmt: skip
            query = f'{{ {name}(limit: -1) {{ data {{ _row(fields: ["*.*"]) }} }} }}'
            answer = await client.post("/gql", json={"query": query}, headers=ADMIN)
            assert (answer.status_code, answer.json().get("errors")) == (200, None), name
            stored = (await ask(odd, f"SELECT COUNT(*) FROM {name}"))[0][0]
            # Lists leave out what has a status that there is not; the others have rules of their own.
            if name not in ("directus_settings", "directus_fields", "directus_collections", "directus_users",
                            "directus_webhooks"):  # fmt: skip
                assert len(answer.json()["data"][name]["data"]) == stored, name


async def test_odd_values_come_out_as_the_specification_says(odd: str, tmp_path: Path) -> None:
    async with served(odd, tmp_path) as (_, client):
        listed = (await client.get("/items/odd%20values?limit=-1", headers=ADMIN)).json()["data"]
        assert [row["tags"] for row in listed] == [["a", "b"], ["", "", "a", " b ", ""], [], ["[1]"]]
        assert [row["data"] for row in listed] == [{"k": [1, {"x": None}]}, None, None, "text"]
        assert [row["flag"] for row in listed] == [True, True, None, False]
        assert [row["born"] for row in listed] == ["2020-02-29", None, None, None]
        assert [row["seen"] for row in listed] == ["2020-02-29 12:00:00", None, None, None]
        assert [row["western"] for row in listed] == ["café", "", None, None]
        assert [row["wide"] for row in listed] == ["😀", "", None, None]
        assert listed[0]["huge"] == "18446744073709551615"
        assert listed[0]["exact"] == "1234567890.12345678901234567890"
        assert (listed[0]["bits"], listed[0]["place"], listed[0]["doubled"]) == (5, "POINT(1 2)", 2)
        assert (listed[0]['a`b"c%d[e]'], listed[0]["Füße"]) == (7, 8)
        assert "gone_column" not in listed[0]
        expanded = (await client.get("/items/odd%20values?fields=person.*,picture.id&limit=-1", headers=ADMIN)).json()
        assert expanded["data"] == [
            {"person": {"id": 1, "name": "Zoé", "email": "zoe@example.com"}, "picture": {"id": 1}},
            {"person": None, "picture": None},
            {"person": None, "picture": None},
            {"person": None, "picture": None},
        ]
        people = (await client.get("/items/people?fields=id,odd.id", headers=ADMIN)).json()["data"]
        assert people == [{"id": 0, "odd": []}, {"id": 1, "odd": [{"id": 1}]}, {"id": 2, "odd": []}]
        stations = (await client.get("/items/stations?limit=-1&status=*", headers=ADMIN)).json()["data"]
        assert [row["code"] for row in stations] == ["", "1", "a,b", "c d/e"]
        query = "{ directus_files(limit: -1) { data { _row } } }"
        files = (await client.post("/gql", json={"query": query}, headers=ADMIN)).json()["data"]["directus_files"][
            "data"
        ]
        first = files[0]["_row"]
        assert (first["private_hash"], first["uploaded_on"], first["metadata"]) == (None, None, None)
        assert (first["filename_download"], first["rights"]) == ("", "café")


async def test_its_rows_of_permissions_grant_what_they_say(odd: str, tmp_path: Path) -> None:
    async with served(odd, tmp_path) as (_, client):
        # The first of two rows is in force, with its blacklist.
        answer = await client.get("/items/odd%20values?limit=1", headers=EDITOR)
        assert answer.status_code == 200
        assert "secret" not in answer.json()["data"][0]
        assert (await client.get("/items/people", headers=EDITOR)).status_code == 403  # a level that there is not
        assert (await client.get("/items/people/1")).json()["data"] == {"id": 1, "name": "Zoé"}
        stations = (await client.get("/items/stations?limit=-1", headers=EDITOR)).json()["data"]
        assert [row["code"] for row in stations] == [""]
        assert (await client.get("/items/no_key", headers=EDITOR)).status_code == 403


async def test_its_users_sign_in_or_not(odd: str, tmp_path: Path) -> None:
    async with served(odd, tmp_path) as (_, client):

        async def status(email: str, password: str) -> int:
            answer = await client.post("/auth/authenticate", json={"email": email, "password": password})
            return answer.status_code

        assert await status("admin@example.com", "password") == 200
        assert await status("ed@example.com", "password") == 404  # has none
        assert await status("lost@example.com", "x") == 404
        assert await status("lost@example.com", "plain") == 404


@pytest.fixture
def untouched(tmp_path: Path) -> Iterator[str]:
    server = backends.backend("mysql")
    if not server.available:
        pytest.skip(server.reason)
    with backends.fresh_database("mysql", tmp_path) as url:
        v8.load(url)
        yield url


async def test_the_doctor_finds_and_repairs_what_is_odd(untouched: str, tmp_path: Path) -> None:
    odd = untouched
    config = ProjectConfig.of(
        "old", {"auth": {"secret_key": "a long secret of this test", "ttl": 33}, "storage": {"root": "uploads"}}
    )
    (tmp_path / "uploads").mkdir()
    (tmp_path / "uploads" / "b.txt").write_text("b")
    (tmp_path / "uploads" / "stray.txt").write_text("s")
    store = await Store.open(odd)
    try:
        before = await contents(odd)
        found = {one.name: one for one in await examine(store, config, tmp_path)}
        assert await contents(odd) == before  # looking changes nothing
        assert {name: (one.count, one.repair is not None) for name, one in found.items()} == {
            "schema.no_change_log": (1, True),
            "schema.no_deliveries": (1, True),
            "schema.missing_indexes": (4, True),
            "settings.missing_keys": (3, True),
            "orphans.collections": (1, True),
            "orphans.fields": (1, True),
            "orphans.columns": (1, True),
            "schema.unknown_columns": (23, False),
            "orphans.relations": (3, True),
            "orphans.permissions": (1, True),
            "orphans.permission_roles": (1, True),
            "orphans.presets": (1, True),
            "permissions.duplicates": (1, True),
            "permissions.unknown_levels": (1, True),
            "users.dangling_role": (2, True),
            "users.no_external_id": (2, True),
            "revisions.secrets": (1, True),
            "values.zero_dates": (7, True),
            "values.required_zero_dates": (3, False),
            "values.broken_json": (9, False),
            "files.no_private_hash": (2, True),
            "files.no_download_name": (1, True),
            "files.missing_on_disk": (1, False),
            "files.without_row": (1, False),
        }
        assert found["values.zero_dates"].samples[-1].startswith("odd values.")
        assert found["files.without_row"].samples == ("stray.txt",)
        report = await repair(store, list(found.values()))
        assert {one.name: count for one, count in report.repaired} == {
            name: one.count for name, one in found.items() if one.repair is not None
        }
        left = {one.name for one in await examine(store, config, tmp_path)}
        assert left == {
            "schema.unknown_columns",
            "values.required_zero_dates", "values.broken_json", "files.missing_on_disk", "files.without_row",
        }  # fmt: skip
    finally:
        await store.close()
    hashes = await ask(odd, "SELECT private_hash, filename_download FROM directus_files ORDER BY id")
    assert [name for _, name in hashes] == ["a.png", "b.txt", "c.txt"]
    assert len({made for made, _ in hashes}) == 3
    assert all(re.fullmatch("[0-9a-z]{16}", made) for made, _ in hashes[:2])
    ttl = await ask(odd, "SELECT value FROM directus_settings WHERE `key` = 'auth_token_ttl'")
    assert ttl == [("33",)]
    data, delta = (await ask(odd, "SELECT `data`, delta FROM directus_revisions WHERE id = 3"))[0]
    assert (json.loads(data), json.loads(delta)) == ({"id": 2, "email": "ed@example.com"}, {})
    assert await ask(odd, "SELECT role FROM directus_users ORDER BY id") == [(1,), (3,), (None,), (None,)]
    relations = await ask(odd, "SELECT id FROM directus_relations WHERE id IN (2, 3, 8) ORDER BY id")
    assert relations == [(2,), (3,), (8,)]  # stale in every installation, and known to clients
    assert (tmp_path / "uploads" / "stray.txt").exists()
