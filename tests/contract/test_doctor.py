"""In charge of the doctor on every database: what it finds, what it repairs, and that looking changes nothing."""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from core import demo
from core.db.gateway import Store
from core.doctor import Finding, examine, repair
from core.doctor.finding import SAMPLES
from core.migrate.install import install
from core.settings import ProjectConfig
from core.sql.alter import unique_name
from core.sql.ddl import quote

CONFIG = ProjectConfig.of("x", {"auth": {"secret_key": "a long secret of this test"}, "storage": {"root": "uploads"}})


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


async def look(store: Store, data: Path) -> dict[str, Finding]:
    return {one.name: one for one in await examine(store, CONFIG, data)}


async def test_a_new_project_is_well(store: Store, tmp_path: Path) -> None:
    assert await look(store, tmp_path) == {}


def spoiling(dialect: str) -> dict[str, tuple[list[str], int]]:
    """What makes each finding, and how many rows it has."""
    q = lambda name: quote(name, dialect)  # noqa: E731
    file = (
        "INSERT INTO directus_files (storage, private_hash, filename_disk, filename_download, uploaded_by, uploaded_on,"
        " filesize) VALUES"
    )
    permission = f"INSERT INTO directus_permissions (collection, {q('role')}, status, {q('read')}) VALUES"
    field = f"INSERT INTO directus_fields (collection, field, {q('type')}) VALUES"
    revision = f"INSERT INTO directus_revisions (activity, collection, item, {q('data')}, delta) VALUES"
    return {
        "schema.pending_steps": (["DELETE FROM directus_migrations WHERE version > 20200000000000"], 8),
        "schema.missing_columns": (["ALTER TABLE directus_users DROP COLUMN theme"], 1),
        "schema.no_change_log": (["DROP TABLE directus_changes"], 1),
        "schema.no_deliveries": (["DROP TABLE directus_deliveries"], 1),
        "schema.missing_indexes": (
            [
                f"DROP INDEX {q(index)} ON {table}" if dialect == "mysql" else f"DROP INDEX {q(index)}"
                for table, index in (
                    ("directus_revisions", unique_name("directus_revisions", ("collection", "item", "index"))),
                    ("directus_files", unique_name("directus_files", ("private_hash", "index"))),
                )
            ],
            2,
        ),
        "schema.leftovers": (["CREATE TABLE _tabularium_new (id INT)"], 1),
        "settings.missing_keys": (
            [f"DELETE FROM directus_settings WHERE {q('key')} IN ('project_url', 'telemetry')"],
            2,
        ),
        "orphans.collections": (
            ["INSERT INTO directus_collections (collection) VALUES ('gone'), ('directus_users')"],
            1,
        ),
        "orphans.fields": ([f"{field} ('gone', 'a', 'string'), ('gone', 'b', 'alias')"], 2),
        "orphans.columns": ([f"{field} ('directus_users', 'gone', 'string'), ('directus_users', 'x', 'alias')"], 1),
        "orphans.relations": (
            [
                "INSERT INTO directus_relations (collection_many, field_many, collection_one) VALUES"
                " ('gone', 'a', 'directus_users'), ('directus_users', 'b', 'gone'), ('directus_users', 'c', NULL)"
            ],
            2,
        ),
        "orphans.permissions": ([f"{permission} ('gone', 2, NULL, 'full')"], 1),
        "orphans.permission_roles": ([f"{permission} ('directus_users', 99, NULL, 'full')"], 1),
        "orphans.presets": (["INSERT INTO directus_collection_presets (collection) VALUES ('gone')"], 1),
        "permissions.duplicates": (
            [
                f"{permission} ('directus_users', 2, NULL, 'full'), ('directus_users', 2, '', 'none'),"
                " ('directus_users', 2, 'x', 'none')"
            ],
            1,
        ),
        "permissions.unknown_levels": (
            [f"{permission} ('directus_users', 2, NULL, 'all'), ('directus_files', 2, NULL, NULL)"],
            1,
        ),
        "users.dangling_role": (
            [
                f"INSERT INTO directus_users (email, {q('role')}, external_id)"
                " VALUES ('b@example.com', 99, 'b'), ('c@example.com', NULL, 'c')"
            ],
            1,
        ),
        "users.no_external_id": (
            ["INSERT INTO directus_users (email, external_id) VALUES ('b@example.com', NULL), ('c@example.com', '')"],
            2,
        ),
        "revisions.secrets": (
            [
                f"""{revision} (1, 'directus_users', '1', '{{"token":"t","a":1}}', NULL),"""
                """ (1, 'directus_users', '1', '{"token":null,"a":1}', '{"password":"é"}'),"""
                """ (1, 'directus_users', '1', '{"token":null,"a":1}', NULL),"""
                """ (1, 'articles', '1', '{"token":"t"}', NULL), (1, 'directus_users', '1', '[1]', '[]')"""
            ],
            2,
        ),
        "files.no_private_hash": (
            [
                f"{file} ('s3', NULL, 'a', 'a', 1, '2020-01-01 00:00:00', 0),"
                " ('s3', '', 'b', 'b', 1, '2020-01-01 00:00:00', 0), ('s3', 'h', 'c', 'c', 1, '2020-01-01 00:00:00', 0)"
            ],
            2,
        ),
        "files.no_download_name": ([f"{file} ('s3', 'h', 'a', '', 1, '2020-01-01 00:00:00', 0)"], 1),
    }


async def test_each_finding_is_found_and_repaired(store: Store, tmp_path: Path) -> None:
    for name, (statements, count) in spoiling(store.dialect).items():
        await run(store, *statements)
        found = await look(store, tmp_path)
        assert {one: finding.count for one, finding in found.items()} == {name: count}
        assert {one: finding.count for one, finding in (await look(store, tmp_path)).items()} == {name: count}
        assert len(found[name].samples) == min(count, 5), name
        report = await repair(store, tuple(found.values()))
        assert [(one.name, report.left) for one, _ in report.repaired] == [(name, ())]
        assert await look(store, tmp_path) == {}
        if name != "schema.no_change_log":
            log = await rows(store, "SELECT kind FROM directus_changes ORDER BY id DESC LIMIT 4")
            assert sorted(kind for (kind,) in log) == ["policy", "schema", "settings", "webhooks"], name
        await run(
            store,
            *(f"DELETE FROM directus_{one}" for one in ("permissions", "files", "revisions", "collections")),
            "DELETE FROM directus_users WHERE id > 1",
        )


async def test_what_a_repair_leaves_as_it_is(store: Store, tmp_path: Path) -> None:
    made = spoiling(store.dialect)
    await run(store, *made["revisions.secrets"][0], *made["permissions.duplicates"][0])
    await repair(store, tuple((await look(store, tmp_path)).values()))
    data = quote("data", store.dialect)
    revisions = await rows(store, f"SELECT collection, {data}, delta FROM directus_revisions ORDER BY id")
    assert [json.loads(text) for _, text, _ in revisions] == [
        {"a": 1}, {"token": None, "a": 1}, {"token": None, "a": 1}, {"token": "t"}, [1],
    ]  # fmt: skip
    assert [delta for _, _, delta in revisions] == [None, "{}", None, None, "[]"]
    read = quote("read", store.dialect)
    kept = await rows(store, f"SELECT status, {read} FROM directus_permissions ORDER BY id")
    assert kept == [(None, "full"), ("x", "none")]


async def test_a_repair_that_fails_changes_nothing(store: Store, tmp_path: Path) -> None:
    made = spoiling(store.dialect)
    await run(store, *made["users.no_external_id"][0], *made["files.no_download_name"][0])
    found = await look(store, tmp_path)

    async def fail(_: Any) -> int:
        raise RuntimeError("the power went out")

    broken = Finding("x", "x", 1, (), "x", fail)
    before = await rows(store, "SELECT id, external_id FROM directus_users ORDER BY id")
    with pytest.raises(RuntimeError):
        await repair(store, (*found.values(), broken))
    assert await rows(store, "SELECT id, external_id FROM directus_users ORDER BY id") == before
    assert sorted(await look(store, tmp_path)) == ["files.no_download_name", "users.no_external_id"]


async def test_rules_that_mean_nothing(store: Store, tmp_path: Path) -> None:
    """Their field may have gone after they were written."""
    await run(
        store,
        "INSERT INTO directus_permissions (collection, role, status, rules, presets, checks) VALUES"
        """ ('directus_users', 2, NULL, '{"read": {"first_name": "Ada"}}', NULL, '{"update": {"role.name": "x"}}'),"""
        """ ('directus_users', 2, 'draft', '{"read": {"gone": "A"}}', '{"create": {"title": 1, "gone": 2}}', '{'),"""
        """ ('directus_files', 2, NULL, NULL, NULL, NULL)""",
    )
    found = (await look(store, tmp_path))["permissions.meaningless_rules"]
    [(key,)] = await rows(store, "SELECT id FROM directus_permissions WHERE status = 'draft'")
    assert (found.count, found.repair, found.samples) == (
        3,
        None,
        (
            f'{key} rules.read: Invalid field "gone" in "directus_users"',
            f'{key} presets.create.gone: There is no field "gone" in "directus_users".',
            f"{key} checks: This is not JSON.",
        ),
    )


async def test_dates_that_there_are_not(store: Store, tmp_path: Path) -> None:
    if store.dialect == "postgres":
        pytest.skip("PostgreSQL has none")
    await run(
        store,
        "CREATE TABLE days (id INT PRIMARY KEY, a DATE, b DATETIME NOT NULL)",
        "INSERT INTO days VALUES (1, '0000-00-00', '2020-01-01 00:00:00'), (2, '2020-00-10', '0000-00-00 00:00:00'),"
        " (3, '2020-10-00', '2020-10-10 00:00:00'), (4, '2020-10-10', '2020-10-10 10:00:00'), (5, NULL, '2000-01-01')",
    )
    found = await look(store, tmp_path)
    assert {name: (one.count, one.samples, one.repair is None) for name, one in found.items()} == {
        "values.zero_dates": (3, ("days.a: 1", "days.a: 2", "days.a: 3"), False),
        "values.required_zero_dates": (1, ("days.b: 2",), True),
    }
    report = await repair(store, tuple(found.values()))
    assert [one.name for one in report.left] == ["values.required_zero_dates"]
    assert [str(a) for (a,) in await rows(store, "SELECT a FROM days ORDER BY id")] == [
        "None", "None", "None", "2020-10-10", "None",
    ]  # fmt: skip


async def test_broken_json_and_the_store_are_left_to_a_person(store: Store, tmp_path: Path) -> None:
    kind = quote("type", store.dialect)
    await run(
        store,
        "CREATE TABLE notes (id INT PRIMARY KEY, extra TEXT)",
        f"INSERT INTO directus_fields (collection, field, {kind}) VALUES ('notes', 'extra', 'json')",
        "INSERT INTO notes VALUES (1, '{}'), (2, 'broken {'), (3, ''), (4, NULL), (5, 'null'), (6, '\"x')",
        "INSERT INTO directus_files (storage, private_hash, filename_disk, filename_download, uploaded_by, uploaded_on,"
        " filesize) VALUES ('local', 'h1', 'a.png', 'a', 1, '2020-01-01 00:00:00', 0),"
        " ('local', 'h2', 'b.png', 'b', 1, '2020-01-01 00:00:00', 0)",
    )
    uploads = tmp_path / "uploads"
    uploads.mkdir()
    for name in ("b.png", "stray", ".htaccess", "index.html"):
        (uploads / name).write_text("x")
    found = await look(store, tmp_path)
    assert {name: (one.count, one.samples, one.repair) for name, one in found.items()} == {
        "values.broken_json": (2, ("notes.extra: 2", "notes.extra: 6"), None),
        "files.missing_on_disk": (1, ("1",), None),
        "files.without_row": (1, ("stray",), None),
    }
    report = await repair(store, tuple(found.values()))
    assert (report.repaired, len(report.left)) == ((), 3)
    assert (uploads / "stray").exists()


async def test_bytes_that_killed_servers_have_left(store: Store, tmp_path: Path) -> None:
    uploads = tmp_path / "uploads"
    uploads.mkdir()
    made = "0f6a2c4e-7b1d-4d0e-9a35-5f8c1b2d3e4f.png"
    now = int(time.time())
    staged, taken = f"tabularium-new-{'0' * 32}", f"tabularium-old-2-1-{'3' * 32}"
    first, second, young = (f"tabularium-old-{of}-{'0' * 32}" for of in ("1-1", "1-2", f"1-{now}"))
    of_v8, superfluous = f"tabularium-old-2-1-{'0' * 32}", f"tabularium-old-3-1-{'0' * 32}"
    content = {
        "a.png": "new", first: "old", second: "between", young: "young", staged: "new", made: "x", f"{made}#1": "x",
        "mine.png": "x", "b.png": "new", of_v8: "b", "c.png": "c", superfluous: "before c", taken: "somebody's",
    }  # fmt: skip
    for name, text in content.items():
        (uploads / name).write_text(text)
    digest, of_c = hashlib.md5(b"old").hexdigest(), hashlib.md5(b"c").hexdigest()
    await run(
        store,
        "INSERT INTO directus_files (storage, private_hash, filename_disk, filename_download, uploaded_by, uploaded_on,"
        f" filesize, checksum) VALUES ('local', 'h1', 'a.png', 'a', 1, '2020-01-01 00:00:00', 3, '{digest}'),"
        " ('local', 'h2', 'b.png', 'b', 1, '2020-01-01 00:00:00', 1, NULL),"
        f" ('local', 'h3', 'c.png', 'c', 1, '2020-01-01 00:00:00', 1, '{of_c}'),"
        f" ('local', 'h4', '{taken}', 'd', 1, '2020-01-01 00:00:00', 1, NULL)",
    )
    found = await look(store, tmp_path)
    left = sorted({first, second, young, of_v8, superfluous, staged, made, f"{made}#1", "mine.png"})
    assert {name: (one.count, one.samples) for name, one in found.items()} == {
        "files.replaced": (2, ("1", "2")),
        "files.without_row": (9, tuple(left[:SAMPLES])),
    }
    for name in left:
        os.utime(uploads / name, (0, 0))
    found = await look(store, tmp_path)
    report = await repair(store, tuple(found.values()))
    assert {one.name: count for one, count in report.repaired} == {"files.replaced": 2, "files.without_row": 4}
    assert {path.name: path.read_text() for path in uploads.iterdir()} == {
        "a.png": "old", "b.png": "b", "c.png": "c", "mine.png": "x", taken: "somebody's", young: "young",
    }  # fmt: skip
    assert {name: one.samples for name, one in (await look(store, tmp_path)).items()} == {
        "files.without_row": ("mine.png", young)
    }
    (uploads / "a.png").write_text("newer")  # by a change under way, with the bytes it keeps meanwhile
    assert "files.replaced" not in await look(store, tmp_path)


async def test_what_a_broken_change_of_the_schema_left_is_told(store: Store, tmp_path: Path) -> None:
    kind = quote("type", store.dialect)
    await run(
        store,
        "CREATE TABLE made (id INT PRIMARY KEY, title VARCHAR(20))",
        "CREATE TABLE plain (id INT PRIMARY KEY)",
        "CREATE VIEW seen AS SELECT id FROM plain",
        "INSERT INTO directus_collections (collection, managed) VALUES ('made', {0}), ('seen', {0})".format(
            "true" if store.dialect == "postgres" else 1
        ),
        f"INSERT INTO directus_fields (collection, field, {kind}) VALUES ('made', 'id', 'integer')",
    )
    found = await look(store, tmp_path)
    assert {name: (one.count, one.samples, one.repair) for name, one in found.items()} == {
        "schema.unknown_columns": (1, ("made.title",), None)
    }
    assert "do the change again" in found["schema.unknown_columns"].remedy


async def test_the_demo_is_well(store: Store, tmp_path: Path) -> None:
    await demo.load(store, None)
    assert await look(store, tmp_path) == {}


async def test_a_database_without_any_system_table_is_looked_at_as_well(database_url: str, tmp_path: Path) -> None:
    store = await Store.open(database_url)
    try:
        found = await look(store, tmp_path)
        assert sorted(found) == ["schema.no_change_log", "schema.no_deliveries", "schema.pending_steps"]
    finally:
        await store.close()


async def test_webhooks_that_are_never_told_and_deliveries_that_nobody_sends(store: Store, tmp_path: Path) -> None:
    hook = "('active', 'post', 'https://hooks.example/', 'directus_users', 'item.create:after')"
    now = int(time.time() * 1000)
    row = "(1, 'item.create:after', 'directus_users', '1', 'GET', 'https://hooks.example/', {}, {}, '{}')"
    await run(
        store,
        "INSERT INTO directus_webhooks (status, http_action, url, collection, directus_action) VALUES"
        f" {hook}, {hook.replace('post', 'put')}, {hook.replace('https', 'ftp')}, {hook.replace('users', 'gone')},"
        f" {hook.replace('create', 'read')}, ('active', NULL, NULL, NULL, NULL), {hook.replace('active', 'inactive')}",
        "INSERT INTO directus_deliveries (webhook, event, collection, item, method, url, created_at, due_at, state)"
        f" VALUES {row.format(0, now - 600_000, 'pending')}, {row.format(0, now - 1_000_000, 'pending')},"
        f" {row.format(0, now + 1_000_000, 'pending')}, {row.format(0, 0, 'failed')}, {row.format(0, 0, 'delivered')}",
    )
    found = await look(store, tmp_path)
    assert {name: (one.count, one.samples, one.repair) for name, one in found.items()} == {
        "webhooks.unusable": (5, ("2", "3", "4", "5", "6"), None),
        "webhooks.stuck": (1, ("2",), None),
    }
    report = await repair(store, tuple(found.values()))
    assert (report.repaired, len(report.left)) == ((), 2)
