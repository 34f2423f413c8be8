"""In charge of showing real databases as snapshots: Chinook on three databases, and what Directus 8.8.1 left behind."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import pytest

from core import metadata
from core.access.policy import ADMIN_POLICY
from core.catalog.load import load_snapshot
from core.catalog.model import SYSTEM_COLLECTIONS, Snapshot, StatusMapping, ToMany, ToOne
from core.catalog.system import own_types
from core.context import Actor, Context
from core.db.gateway import Store
from core.db.reflect import table_names
from core.migrate.install import ensure, install, is_installed
from core.session import Session
from tests.backends import backend, fresh_database
from tests.samples import load_chinook, load_directus8


@pytest.fixture(scope="module")
async def chinook(dialect: str, shared: Path, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Store]:
    with fresh_database(dialect, tmp_path_factory.mktemp("chinook")) as url:
        load_chinook(url, shared)
        store = await Store.open(url)
        yield store
        await store.close()


@pytest.fixture(scope="module")
async def directus8(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Store]:
    found = backend("mysql")
    if not found.available:
        pytest.skip(f"mysql: {found.reason}")
    with fresh_database("mysql", tmp_path_factory.mktemp("directus8")) as url:
        load_directus8(url, shared)
        store = await Store.open(url)
        yield store
        await store.close()


def snake(name: str) -> str:
    """The name that the PostgreSQL script has for it."""
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name).removeprefix("_")


# Table → columns: (name, type, datatype, length, NOT NULL)
N, T = "INT", "VARCHAR"
CHINOOK: dict[str, list[tuple[str, str, str, str | None, bool]]] = {
    "Album": [("AlbumId", "integer", N, "10", True), ("Title", "string", T, "160", True),
              ("ArtistId", "integer", N, "10", True)],
    "Artist": [("ArtistId", "integer", N, "10", True), ("Name", "string", T, "120", False)],
    "Customer": [("CustomerId", "integer", N, "10", True), ("FirstName", "string", T, "40", True),
                 ("LastName", "string", T, "20", True), ("Company", "string", T, "80", False),
                 ("Address", "string", T, "70", False), ("City", "string", T, "40", False),
                 ("State", "string", T, "40", False), ("Country", "string", T, "40", False),
                 ("PostalCode", "string", T, "10", False), ("Phone", "string", T, "24", False),
                 ("Fax", "string", T, "24", False), ("Email", "string", T, "60", True),
                 ("SupportRepId", "integer", N, "10", False)],
    "Employee": [("EmployeeId", "integer", N, "10", True), ("LastName", "string", T, "20", True),
                 ("FirstName", "string", T, "20", True), ("Title", "string", T, "30", False),
                 ("ReportsTo", "integer", N, "10", False), ("BirthDate", "datetime", "DATETIME", None, False),
                 ("HireDate", "datetime", "DATETIME", None, False), ("Address", "string", T, "70", False),
                 ("City", "string", T, "40", False), ("State", "string", T, "40", False),
                 ("Country", "string", T, "40", False), ("PostalCode", "string", T, "10", False),
                 ("Phone", "string", T, "24", False), ("Fax", "string", T, "24", False),
                 ("Email", "string", T, "60", False)],
    "Genre": [("GenreId", "integer", N, "10", True), ("Name", "string", T, "120", False)],
    "Invoice": [("InvoiceId", "integer", N, "10", True), ("CustomerId", "integer", N, "10", True),
                ("InvoiceDate", "datetime", "DATETIME", None, True), ("BillingAddress", "string", T, "70", False),
                ("BillingCity", "string", T, "40", False), ("BillingState", "string", T, "40", False),
                ("BillingCountry", "string", T, "40", False), ("BillingPostalCode", "string", T, "10", False),
                ("Total", "decimal", "DECIMAL", "10,2", True)],
    "InvoiceLine": [("InvoiceLineId", "integer", N, "10", True), ("InvoiceId", "integer", N, "10", True),
                    ("TrackId", "integer", N, "10", True), ("UnitPrice", "decimal", "DECIMAL", "10,2", True),
                    ("Quantity", "integer", N, "10", True)],
    "MediaType": [("MediaTypeId", "integer", N, "10", True), ("Name", "string", T, "120", False)],
    "Playlist": [("PlaylistId", "integer", N, "10", True), ("Name", "string", T, "120", False)],
    "PlaylistTrack": [("PlaylistId", "integer", N, "10", True), ("TrackId", "integer", N, "10", True)],
    "Track": [("TrackId", "integer", N, "10", True), ("Name", "string", T, "200", True),
              ("AlbumId", "integer", N, "10", False), ("MediaTypeId", "integer", N, "10", True),
              ("GenreId", "integer", N, "10", False), ("Composer", "string", T, "220", False),
              ("Milliseconds", "integer", N, "10", True), ("Bytes", "integer", N, "10", False),
              ("UnitPrice", "decimal", "DECIMAL", "10,2", True)],
}  # fmt: skip

# (child, foreign key, parent): what the database declares.
FOREIGN_KEYS = [
    ("Album", "ArtistId", "Artist"),
    ("Customer", "SupportRepId", "Employee"),
    ("Employee", "ReportsTo", "Employee"),
    ("Invoice", "CustomerId", "Customer"),
    ("InvoiceLine", "InvoiceId", "Invoice"),
    ("InvoiceLine", "TrackId", "Track"),
    ("PlaylistTrack", "PlaylistId", "Playlist"),
    ("PlaylistTrack", "TrackId", "Track"),
    ("Track", "AlbumId", "Album"),
    ("Track", "GenreId", "Genre"),
    ("Track", "MediaTypeId", "MediaType"),
]


async def test_chinook_has_all_tables_columns_and_types(chinook: Store) -> None:
    found = (await load_snapshot(chinook)).collections
    spell = snake if chinook.dialect == "postgres" else str
    assert list(found) == sorted(spell(name) for name in CHINOOK)
    for table, columns in CHINOOK.items():
        collection = found[spell(table)]
        assert [
            (field.name, field.type, field.column.datatype, field.column.length, not field.column.nullable)
            for field in collection.columns
            if field.column
        ] == [(spell(name), *rest) for name, *rest in columns]
        key = () if table == "PlaylistTrack" else (spell(columns[0][0]),)
        assert collection.primary_key == (key[0] if key else None)
        assert collection.key_columns == (key or (spell("PlaylistId"), spell("TrackId")))
        automatic = [field.name for field in collection.columns if field.column and field.column.auto_increment]
        assert automatic == list(key)


async def test_chinook_has_all_relations_both_ways(chinook: Store) -> None:
    found = (await load_snapshot(chinook)).collections
    spell = snake if chinook.dialect == "postgres" else str
    expected: dict[str, dict[str, Any]] = {spell(name): {} for name in CHINOOK}
    other = {spell("PlaylistId"): spell("TrackId"), spell("TrackId"): spell("PlaylistId")}
    for child, key, parent in FOREIGN_KEYS:
        one, many, column = spell(parent), spell(child), spell(key)
        expected[many][column] = ToOne(many, column, one, spell(f"{parent}Id"), inverse=many)
        junction = other[column] if child == "PlaylistTrack" else None
        expected[one][many] = ToMany(one, many, many, column, junction_field=junction)
    assert {name: dict(collection.relations) for name, collection in found.items()} == expected
    assert [field.name for field in found[spell("Track")].fields.values() if field.is_alias] == [
        spell("InvoiceLine"),
        spell("PlaylistTrack"),
    ]


async def test_chinook_is_the_same_after_an_installation(chinook: Store) -> None:
    before = await load_snapshot(chinook)
    await install(chinook, admin_email="a@b.c", admin_password_hash="x")
    after = await load_snapshot(chinook)
    assert {name: one for name, one in after.collections.items() if not one.is_system} == dict(before.collections)
    assert set(after.collections) - set(before.collections) == set(SYSTEM_COLLECTIONS)


# Directus 8.8.1

TABLES = {
    "articles", "articles_categories", "authors", "bad name", "categories", "comments", "pkless", "tokens",
    *SYSTEM_COLLECTIONS,
}  # fmt: skip


async def test_nothing_of_directus_8_is_lost(directus8: Store) -> None:
    assert await is_installed(directus8)
    found = (await load_snapshot(directus8)).collections
    assert set(found) == TABLES
    async with directus8.read() as connection:
        columns = await connection.rows(
            "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = DATABASE()"
            " AND table_name <> 'directus_changes' ORDER BY table_name, ordinal_position"
        )
        fields = await connection.rows("SELECT id, collection, field FROM directus_fields ORDER BY id")
        collections = await connection.rows("SELECT collection FROM directus_collections")
    by_table: dict[str, list[str]] = {}
    for table, column in columns:
        by_table.setdefault(table, []).append(column)
    assert {name: [field.name for field in one.columns] for name, one in found.items()} == by_table
    shown = {(one.name, field.name): field.id for one in found.values() for field in one.fields.values()}
    lost = [(collection, field) for number, collection, field in fields if shown.get((collection, field)) != number]
    # Rows that describe keys of settings, which are read by their own route, and one that never had a column.
    assert [collection for collection, _ in lost].count("directus_settings") == 21
    assert [one for one in lost if one[0] != "directus_settings"] == [("directus_fields", "auth_token_ttl")]
    assert {name for name, one in found.items() if one.has_row} == {row[0] for row in collections} & set(found)


async def test_collections_of_directus_8_mean_what_they_meant(directus8: Store) -> None:
    found = (await load_snapshot(directus8)).collections
    articles = found["articles"]
    assert articles.managed
    assert (articles.status_field, articles.owner_field, articles.sort_field) == ("status", "owner", "sort")
    assert (articles.created_field, articles.updated_field) == ("created_on", "modified_on")
    assert (articles.user_updated_field, articles.language_field) == ("modified_by", "country")
    assert articles.statuses == StatusMapping(
        ("published", "draft", "deleted"), frozenset({"deleted"}), frozenset({"published"})
    )
    assert dict(articles.relations) == {
        "owner": ToOne("articles", "owner", "directus_users", "id"),
        "modified_by": ToOne("articles", "modified_by", "directus_users", "id"),
        "author": ToOne("articles", "author", "authors", "id", relation=12),
        "cover": ToOne("articles", "cover", "directus_files", "id", relation=13),
        "categories": ToMany(
            "articles", "categories", "articles_categories", "articles_id", "categories_id",
            relation=16,
        ),
    }  # fmt: skip
    assert found["tokens"].primary_key == "code"
    assert (found["pkless"].primary_key, found["pkless"].key_columns) == (None, ("name",))
    assert found["directus_users"].fields["role"].type == "m2o"
    flag = articles.fields["featured"].column
    assert flag is not None
    assert (flag.family, flag.datatype, flag.signed) == ("boolean", "TINYINT", False)


def admin(snapshot: Snapshot) -> Session:
    actor = Actor(user=1, role=1, public=False)
    return Session(cast(Any, None), snapshot, ADMIN_POLICY, Context(actor, datetime(2026, 11, 24, tzinfo=UTC)))


def recorded(shared: Path, path: str) -> list[Any]:
    """The data that Directus 8.8.1 gave for a GET, from the recording of the session that left the database behind."""
    file = shared / "parity" / "recordings.jsonl"
    if not file.exists():
        pytest.skip("there is no recording in the folder of shared material")
    for line in file.read_text("utf-8").splitlines():
        record = json.loads(line)
        if record["request"]["path"] == path and record["request"]["method"] == "GET" and record["response"]:
            return cast(list[Any], record["response"]["body"]["data"])
    raise AssertionError(f"no answer to {path} was recorded")


def comparable(field: dict[str, Any]) -> list[tuple[str, Any]]:
    """A field in the order of its keys. Texts were blanked in the recording, translations in the database as well."""
    kinds = {"note": lambda value: value is None, "options": type, "translation": lambda value: None}
    return [(key, kinds[key](value) if key in kinds else value) for key, value in field.items()]


async def test_all_fields_are_answered_as_directus_8_did(directus8: Store, shared: Path) -> None:
    wanted = recorded(shared, "/main/fields?filter[x]=y")
    found = metadata.fields(admin(await load_snapshot(directus8)))
    # The table of users had its columns in another order then.
    mine, their = ([(one["collection"], one["field"]) for one in answer] for answer in (found, wanted))
    assert sorted(mine) == sorted(their)
    assert [one for one in mine if one[0] != "directus_users"] == [one for one in their if one[0] != "directus_users"]
    theirs = {(one["collection"], one["field"]): comparable(one) for one in wanted}
    for one in found:
        path = (one["collection"], one["field"])
        other = theirs[path]
        if one["id"] is None and dict(other)["type"] is None:
            other = [(key, one["type"] if key == "type" else value) for key, value in other]
        assert comparable(one) == other, path


async def test_all_collections_are_answered_as_directus_8_did(directus8: Store, shared: Path) -> None:
    wanted = {
        one["collection"]: one
        for one in recorded(shared, "/main/collections?fields=collection,managed,hidden&single=0")
    }
    session = admin(await load_snapshot(directus8))
    found = metadata.collections(session)
    names = [one["collection"] for one in found]
    managed = [one["collection"] for one in found if one["managed"]]
    assert names == [*managed, *sorted((name for name in wanted if name not in managed), key=str.upper)]
    for one in found:
        other = wanted[one["collection"]]
        assert list(one) == list(other)
        assert [one[key] for key in ("managed", "hidden", "single")] == [
            other[key] for key in ("managed", "hidden", "single")
        ]
        # The table of users had its columns in another order then.
        tidy = sorted if one["collection"] == "directus_users" else list
        assert tidy(one["fields"]) == tidy(other["fields"])
        for name, field in one["fields"].items():
            answered = other["fields"][name]
            if answered["type"] is None:
                answered = {**answered, "type": field["type"]}
            assert comparable(field) == comparable(answered), (one["collection"], name)
    counts = metadata.counts(session)
    assert counts == {
        **dict.fromkeys(("result_count", "total_count", "filter_count", "limit"), len(managed)),
        "offset": 0,
        "page": 1,
        "page_count": 1,
    }


async def test_directus_8_gets_a_change_log_and_keeps_the_rest(directus8: Store) -> None:
    before = await load_snapshot(directus8)
    assert before.version == 0
    assert await ensure(directus8)
    after = await load_snapshot(directus8)
    assert after.version == 1
    own = {name for table, name in own_types() if table == "directus_permissions"}
    rights = after.collections["directus_permissions"]
    assert set(rights.fields) - set(before.collections["directus_permissions"].fields) == own
    others = {name: one for name, one in after.collections.items() if name != rights.name}
    assert others == {name: one for name, one in before.collections.items() if name != rights.name}
    async with directus8.read() as connection:
        assert await table_names(connection) == {
            *TABLES,
            "directus_changes",
            "directus_deliveries",
            "directus_freshness",
        }
