"""In charge of older Directus 8 databases: what 8.8.1 has is added where it is absent, once; the rest stays."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from core.catalog.load import load_snapshot
from core.catalog.system import seed_rows, system_tables
from core.db.gateway import Store
from core.db.reflect import reflect
from core.migrate.install import ensure, install
from core.migrate.upgrade import pending, upgrade
from core.sql.alter import unique_name
from core.sql.ddl import quote
from tests.projects import body, projects

LATE = [int(row["version"]) for row in seed_rows("directus_migrations") if int(row["version"]) >= 20191211140300]
DROPPED = [
    ("directus_users", "password_reset_token"),
    ("directus_users", "theme"),
    ("directus_files", "filename_download"),
    ("directus_roles", "collection_listing"),
    ("directus_fields", "hidden_browse"),
]


@pytest.fixture
async def store(database_url: str) -> AsyncIterator[Store]:
    made = await Store.open(database_url, pool_size=4)
    await install(made, admin_email="a@example.com", admin_password_hash="$2y$10$none")
    yield made
    await made.close()


async def run(store: Store, *statements: str) -> None:
    async with store.write() as connection:
        for sql in statements:
            await connection.execute(sql)


async def rows(store: Store, sql: str) -> list[tuple[Any, ...]]:
    async with store.read() as connection:
        return [tuple(row) for row in await connection.rows(sql)]


async def age(store: Store) -> None:
    """Make of a database at 8.8.1 one that stopped in December 2019."""
    versions = ", ".join(str(version) for version in LATE)
    q = lambda name: quote(name, store.dialect)  # noqa: E731
    if store.dialect == "sqlite":  # which drops no column with an index
        await run(store, f"DROP INDEX {unique_name('directus_files', ('filename_download', 'index'))}")
    await run(
        store,
        *(f"ALTER TABLE {table} DROP COLUMN {q(column)}" for table, column in DROPPED),
        "DROP TABLE directus_webhooks",
        f"DELETE FROM directus_migrations WHERE version IN ({versions})",
        f"DELETE FROM directus_settings WHERE {q('key')} IN ('asset_url_naming', 'auth_token_ttl')",
        "DELETE FROM directus_fields WHERE collection = 'directus_settings' AND field = 'asset_url_naming'",
        "INSERT INTO directus_files (storage, filename_disk, uploaded_by, uploaded_on, filesize)"
        " VALUES ('local', 'a.png', 1, '2019-12-01 00:00:00', 1)",
        "INSERT INTO directus_fields (collection, field, type, interface, translation) VALUES"
        " ('posts', 'author', 'user_created', 'user-created', '{\"en-US\": \"Author\", \"nl-NL\": \"Auteur\"}'),"
        " ('posts', 'flag', 'boolean', 'toggle', '[{\"locale\":\"en-US\",\"translation\":\"Flag\"}]'),"
        " ('posts', 'path', 'string', 'slug', 'broken {')",
    )


async def test_nothing_is_pending_after_an_installation(store: Store) -> None:
    assert await pending(store) == ()
    assert await upgrade(store) == ()


async def test_an_older_database_gets_what_it_lacks(store: Store) -> None:
    async with store.read() as connection:
        fresh = await reflect(connection)
    await age(store)
    assert list(await pending(store)) == LATE
    names = await upgrade(store)
    assert len(names) == len(LATE)
    assert names[-1] == "AddAuthTtlField"
    async with store.read() as connection:
        found = await reflect(connection)
    assert sorted(found) == sorted(fresh)
    for table in system_tables():
        assert sorted(column.name for column in found[table.name].columns) == sorted(
            column.name for column in table.columns
        )
    for table, column in DROPPED:
        old, new = fresh[table].column(column), found[table].column(column)
        assert old is not None
        assert new is not None
        assert (new.datatype, new.length, new.default) == (old.datatype, old.length, old.default)
    settings = dict(await rows(store, f"SELECT {quote('key', store.dialect)}, value FROM directus_settings"))
    assert (settings["asset_url_naming"], settings["auth_token_ttl"], len(settings)) == ("private_hash", "20", 23)
    kind = quote("type", store.dialect)
    fields = await rows(
        store,
        f"SELECT field, {kind}, interface, translation FROM directus_fields WHERE collection = 'posts' ORDER BY field",
    )
    assert fields == [
        (
            "author",
            "owner",
            "owner",
            '[{"locale":"en-US","translation":"Author"},{"locale":"nl-NL","translation":"Auteur"}]',
        ),
        ("flag", "boolean", "switch", '[{"locale":"en-US","translation":"Flag"}]'),
        ("path", "slug", "slug", "broken {"),
    ]
    assert await rows(store, "SELECT count(*) FROM directus_fields WHERE collection = 'directus_settings'") == [(24,)]
    assert (await rows(store, "SELECT filename_disk FROM directus_files")) == [("a.png",)]
    assert await upgrade(store) == ()
    assert (await load_snapshot(store)).setting("auth_token_ttl") == "20"


async def test_many_processes_upgrade_once(store: Store, database_url: str) -> None:
    await age(store)
    others = [await Store.open(database_url) for _ in range(3)]
    try:
        done = await asyncio.gather(*(upgrade(one) for one in (store, *others)))
    finally:
        for one in others:
            await one.close()
    assert sorted(len(names) for names in done) == [0, 0, 0, len(LATE)]
    assert await rows(store, "SELECT count(*), count(DISTINCT version) FROM directus_migrations") == [(79, 79)]


async def test_a_step_may_run_again(store: Store) -> None:
    await age(store)
    await upgrade(store)
    before = await rows(store, "SELECT * FROM directus_fields ORDER BY id")
    await run(store, "DELETE FROM directus_migrations")
    assert len(await upgrade(store)) == 79
    assert await rows(store, "SELECT * FROM directus_fields ORDER BY id") == before


async def test_columns_that_were_narrower_are_widened(store: Store) -> None:
    if store.dialect == "sqlite":
        pytest.skip("SQLite does not change the type of a column in place; its databases are all at 8.8.1")
    alter = {
        "postgres": "ALTER TABLE directus_fields ALTER COLUMN validation TYPE VARCHAR(255)",
        "mysql": "ALTER TABLE directus_fields MODIFY validation VARCHAR(255) DEFAULT NULL",
    }[store.dialect]
    await run(store, alter, "DELETE FROM directus_migrations WHERE version = 20200123161848")
    assert await upgrade(store) == ("UpdateValidationSizeForDirectusField",)
    async with store.read() as connection:
        column = (await reflect(connection))["directus_fields"].column("validation")
    assert column is not None
    assert (column.length, column.nullable) == ("500", True)


async def test_opening_a_project_upgrades_it(database_url: str, tmp_path: Path) -> None:
    store = await Store.open(database_url)
    try:
        await install(store, admin_email="a@example.com", admin_password_hash="x")
        await ensure(store)
        await age(store)
        async with projects(tmp_path) as found:
            made = await found.create(body(database_url, existing=True), trusted=True)
            await made.store()
            assert "directus_webhooks" in made.snapshot.collections
            assert "theme" in made.snapshot.collections["directus_users"].fields
            assert await made.upgrade() == ()
        assert await pending(store) == ()
    finally:
        await store.close()
