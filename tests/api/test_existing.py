"""In charge of opening databases that others left: their tables stay, a Directus 8 project goes on where it stopped."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from core.auth.credentials import Credentials
from core.auth.login import authenticate, gate_of, refresh
from core.auth.tokens import TokenKeys, sign
from core.catalog.system import own_types
from core.db.gateway import Store
from core.enter import enter
from core.errors import CredentialsError
from core.sql.ddl import quote
from tests import backends
from tests.projects import body, projects
from tests.samples import load_chinook, load_directus8


async def rows_of(url: str, tables: list[str]) -> dict[str, list[str]]:
    """Every row of some tables, as text, in an order that does not depend on the database."""
    store = await Store.open(url)
    try:
        found = {}
        async with store.read() as connection:
            for table in tables:
                rows = await connection.rows(f"SELECT * FROM {quote(table, store.dialect)}")
                found[table] = sorted(repr(tuple(row)) for row in rows)
        return found
    finally:
        await store.close()


async def tables_of(url: str) -> list[str]:
    sql = {
        "sqlite": "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%'",
        "postgresql": "SELECT tablename FROM pg_tables WHERE schemaname = 'public'",
        "mysql": "SELECT table_name FROM information_schema.tables WHERE table_schema = database()",
    }[urlsplit(url).scheme]
    store = await Store.open(url)
    try:
        async with store.read() as connection:
            return sorted(str(row[0]) for row in await connection.rows(sql))
    finally:
        await store.close()


@pytest.mark.shared
async def test_the_tables_of_a_music_store_stay_as_they_are(database_url: str, tmp_path: Path, shared: Path) -> None:
    load_chinook(database_url, shared)
    tables = await tables_of(database_url)
    before = await rows_of(database_url, tables)
    assert (len(tables), sum(len(rows) for rows in before.values())) == (11, 15607)
    async with projects(tmp_path / "data") as found:
        made = await found.create(body(database_url, "music"), trusted=True)
        session = await enter(made, Credentials("bearer", "admin-token"))
        own = [one for one in session.snapshot.collections.values() if not one.is_system]
        assert [one.name for one in own] == sorted(tables)
        assert all(one.writable is (one.primary_key is not None) for one in own)
        assert await rows_of(database_url, tables) == before
        await found.delete("music", None, trusted=True)
    assert await tables_of(database_url) == tables
    assert await rows_of(database_url, tables) == before


# A database of Directus 8


@pytest.fixture
def left_behind(tmp_path: Path, shared: Path) -> Iterator[str]:
    server = backends.backend("mysql")
    if not server.available:
        pytest.skip(server.reason)
    with backends.fresh_database("mysql", tmp_path) as url:
        load_directus8(url, shared)
        yield url


@pytest.mark.shared
@pytest.mark.backend("mysql")
async def test_a_project_of_directus_8_is_opened_without_a_change(left_behind: str, tmp_path: Path) -> None:
    tables = await tables_of(left_behind)
    assert len(tables) == 23
    before = await rows_of(left_behind, tables)
    async with projects(tmp_path) as found:
        made = await found.create(body(left_behind, "old", existing=True), trusted=True)
        session = await enter(made)
        assert session.actor.public
        added = ", ".join(["None"] * sum(table == "directus_permissions" for table, _ in own_types()))
        before["directus_permissions"] = [f"{row[:-1]}, {added})" for row in before["directus_permissions"]]
        assert await rows_of(left_behind, tables) == before
        assert sorted(await tables_of(left_behind)) == sorted(
            [*tables, "directus_changes", "directus_deliveries", "directus_freshness"]
        )


@pytest.mark.shared
@pytest.mark.backend("mysql")
async def test_its_users_and_tokens_stay_valid(left_behind: str, tmp_path: Path) -> None:
    keys = {"secret_key": "the-secret-of-the-old-server", "public_key": "the-public-key"}
    async with projects(tmp_path) as found:
        made = await found.create(body(left_behind, "old", existing=True, auth=keys), trusted=True)

        async def who(token: str) -> tuple[int, int | None]:
            actor = (await enter(made, Credentials("bearer", token))).actor
            return actor.user, actor.role

        assert await who("static-token-1") == (5, 3)
        gate = await gate_of(await enter(made))
        soon = int(gate.now.timestamp()) + 1200
        old = sign(
            TokenKeys.of("old", "the-public-key", "the-secret-of-the-old-server"),
            "auth",
            {"id": 2},
            expires=soon,
            ttl=20,
        )
        assert await who(old) == (2, 3)
        assert await who(await refresh(gate, old)) == (2, 3)

        result = await authenticate(gate, email="admin@example.com", password="password")
        assert (result.user["id"], result.user["role"]) == ("1", "1")
        assert (await authenticate(gate, email="ED@example.com", password="edpass2")).user["id"] == "2"
        for email, password in (("admin@example.com", "Password"), ("nobody@example.com", "password")):
            with pytest.raises(CredentialsError):
                await authenticate(gate, email=email, password=password)
    hashes: list[Any] = (await rows_of(left_behind, ["directus_users"]))["directus_users"]
    assert sum("$argon2id$" in row for row in hashes) == 2  # those who signed in; the others when they do


@pytest.mark.shared
@pytest.mark.backend("mysql")
async def test_a_user_with_an_eighty_bit_second_factor_signs_in(left_behind: str, tmp_path: Path) -> None:
    from core.auth.otp import password_at

    async with projects(tmp_path) as found:
        made = await found.create(body(left_behind, "old", existing=True), trusted=True)
        store = await made.store()
        async with store.write() as connection:
            await connection.execute("UPDATE directus_users SET 2fa_secret = 'HXCR4G6SOTNA7M2I' WHERE id = 2")
        gate = await gate_of(await enter(made))
        now = password_at("HXCR4G6SOTNA7M2I", int(gate.now.timestamp()) // 30)
        assert (await authenticate(gate, email="ed@example.com", password="edpass2", one_time=now)).token is not None
