"""In charge of the doors for collections, on each database: what they make, what they refuse (spec 01 §6.3–6.5)."""

from __future__ import annotations

from typing import Any

import pytest

from core import errors
from core.ddl.collections import create_collection, delete_collection, update_collection
from core.ddl.fields import delete_field, update_field
from tests.contract.ddl.world import ID, TITLE, World


async def test_a_collection_is_made_with_its_rows_and_its_history(world: World) -> None:
    before = (await world.rows("SELECT COALESCE(MAX(id), 0) FROM directus_activity"))[0][0]
    payload = {
        "collection": "movies",
        "icon": "movie",
        "translation": [{"locale": "de-DE", "translation": "Filme"}],
        "fields": [
            ID,
            {**TITLE, "required": True},
            {"field": "rating", "type": "decimal", "datatype": "DECIMAL", "length": "3,1", "sort": 4},
            {"field": "seen", "type": "boolean", "datatype": "TINYINT", "length": 1, "default_value": False},
            {"field": "genres", "type": "o2m", "interface": "many-to-many", "options": {"a": 1}},
        ],
    }
    assert await create_collection(world.admin(), payload) == {
        "collection": "movies",
        "managed": True,
        "hidden": False,
        "single": False,
        "icon": "movie",
        "note": None,
        "translation": [{"locale": "de-DE", "translation": "Filme"}],
    }
    collection = world.project.snapshot.collections["movies"]
    assert list(collection.fields) == ["id", "title", "rating", "seen", "genres"]
    assert collection.primary_key == "id"
    columns = {one.name: one for field in collection.columns if (one := field.column) is not None}
    assert (columns["title"].nullable, columns["title"].characters) == (False, 255)
    assert (columns["seen"].default, columns["seen"].family) == ("0", "boolean")
    assert columns["rating"].length == "3,1"
    assert await world.fields("movies") == [
        ("id", "integer", "primary-key", 0),
        ("title", "string", "text-input", 0),
        ("rating", "decimal", None, 4),
        ("seen", "boolean", None, 0),
        ("genres", "o2m", "many-to-many", 0),
    ]
    told = await world.rows(
        f"SELECT action, action_by, ip, collection, item FROM directus_activity WHERE id > {before} ORDER BY id"
    )
    ids = [row[0] for row in await world.rows("SELECT id FROM directus_fields WHERE collection = 'movies' ORDER BY id")]
    assert told == [
        *(("create", 1, "localhost", "directus_fields", str(number)) for number in ids),
        ("update", 1, "localhost", "directus_collections", "movies"),
    ]
    revisions = await world.rows(
        f"SELECT r.collection, r.item FROM directus_revisions AS r WHERE r.activity > {before} ORDER BY r.id"
    )
    assert revisions == [(name, item) for _, _, _, name, item in told]


REFUSED: list[tuple[dict[str, Any], type[errors.TabulariumError], str]] = [
    ({}, errors.ValidationFailed, "Invalid collection name"),
    ({"collection": "---", "fields": [ID]}, errors.ValidationFailed, "Invalid collection name"),
    ({"collection": "directus_mine", "fields": [ID]}, errors.ValidationFailed, "Invalid collection name"),
    ({"collection": "Directus_mine", "fields": [ID]}, errors.ValidationFailed, "Invalid collection name"),
    ({"collection": "a" * 65, "fields": [ID]}, errors.ValidationFailed, "Invalid collection name"),
    ({"collection": "ä" * 32, "fields": [ID]}, errors.ValidationFailed, "Invalid collection name"),
    ({"collection": "a'b", "fields": [ID]}, errors.ValidationFailed, "Invalid collection name"),
    ({"collection": "a,b", "fields": [ID]}, errors.ValidationFailed, "Invalid collection name"),
    ({"collection": "a\x00b", "fields": [ID]}, errors.ValidationFailed, "Invalid collection name"),
    ({"collection": "plain"}, errors.ValidationFailed, "fields: This value should not be blank."),
    ({"collection": "plain", "fields": []}, errors.ValidationFailed, "fields: This value should not be blank."),
    (
        {"collection": "plain", "fields": [ID], "odd": 1},
        errors.Unprocessable,
        'Payload fields: "odd" does not exist in "directus_collections" collection.',
    ),
    ({"collection": "plain", "fields": [TITLE]}, errors.Unprocessable, "Collection does not have a primary key field."),
    (
        {"collection": "plain", "fields": [ID, {**ID, "field": "other"}]},
        errors.Unprocessable,
        "Collection must only have one primary key field.",
    ),
    (
        {"collection": "plain", "fields": [ID, TITLE, TITLE]},
        errors.Unprocessable,
        "Collection fields name must be unique.",
    ),
    (
        {"collection": "plain", "fields": [ID, TITLE, {**TITLE, "field": "Title"}]},
        errors.Unprocessable,
        "Collection fields name must be unique.",
    ),
    ({"collection": "plain", "fields": [ID, {**TITLE, "type": "wat"}]}, errors.UnknownType, "Unknown type: wat"),
    (
        {"collection": "plain", "fields": [ID, {"field": "x", "type": "string", "datatype": "VARCHAR"}]},
        errors.LengthMissing,
        "Missing length for: x",
    ),
    (
        {"collection": "plain", "fields": [ID, {"field": "x", "type": "string", "datatype": "TEXT", "length": 3}]},
        errors.LengthNotSupported,
        'field "x" does not support length',
    ),
    (
        {"collection": "plain", "fields": [ID, {"field": "x", "type": "string"}]},
        errors.Unprocessable,
        "datatype is required",
    ),
    (
        {"collection": "plain", "fields": [ID, {"field": "x", "type": "string", "datatype": "INT; DROP TABLE movies"}]},
        errors.Unprocessable,
        '"INT; DROP TABLE MOVIES" is not a datatype that a field can have',
    ),
    (
        {"collection": "plain", "fields": [ID, {**TITLE, "managed": True}]},
        errors.Unprocessable,
        'Payload fields: "managed" does not exist in "directus_fields" collection.',
    ),
    (
        {
            "collection": "plain",
            "fields": [ID, *({"field": name, "type": "owner", "datatype": "INT"} for name in ("a", "b"))],
        },
        errors.ValidationFailed,
        "Only one system field permitted per table: owner",
    ),
    ({"collection": "Movies", "fields": [ID]}, errors.CollectionExists, 'Collection "Movies" already exists'),
    ({"collection": "movies", "fields": [ID]}, errors.CollectionExists, 'Collection "movies" already exists'),
    (
        {"collection": "plain", "icon": "x" * 31, "fields": [ID]},
        errors.Unprocessable,
        f"The value submitted ({'x' * 31}) for 'Icon' is longer than the field's supported length (30). "
        "Please submit a shorter value or ask an Admin to increase the length.",
    ),
]


async def test_what_cannot_be_a_collection_is_refused_and_nothing_changes(world: World) -> None:
    if "movies" not in world.project.snapshot.collections:
        await create_collection(world.admin(), {"collection": "movies", "fields": [ID]})
    before = await world.state()
    for payload, kind, message in REFUSED:
        with pytest.raises(kind) as caught:
            await create_collection(world.admin(), payload)
        assert (type(caught.value), str(caught.value)) == (kind, message)
    assert await world.state() == before


async def test_only_admins_make_collections(world: World) -> None:
    before = await world.state()
    for session in (world.user(), world.public()):
        with pytest.raises(errors.Unauthorized) as caught:
            await create_collection(session, {"collection": "theirs", "fields": [ID]})
        assert str(caught.value) == "Unauthorized to create collections"
        with pytest.raises(errors.Unauthorized):
            await update_collection(session, "movies", {"note": "x"})
        with pytest.raises(errors.AlterDenied):
            await delete_collection(session, "movies")
    with pytest.raises(errors.CollectionNotFound):
        await delete_collection(world.user(), "nowhere")
    with pytest.raises(errors.AlterDenied):
        await delete_collection(world.public(), "nowhere")
    assert await world.state() == before


async def test_a_table_without_a_row_is_taken_over(world: World) -> None:
    await world.run(
        'CREATE TABLE "found" ("id" INTEGER NOT NULL PRIMARY KEY, "name" VARCHAR(20), "extra" INTEGER)',
        "INSERT INTO \"found\" VALUES (1, 'Ann', 5)",
    )
    payload = {
        "collection": "found",
        "fields": [
            {"field": "id", "type": "integer", "datatype": "INT", "signed": True, "primary_key": True},
            {**TITLE, "field": "name", "length": 50},
            {**TITLE, "field": "more"},
        ],
    }
    await create_collection(world.admin(), payload)
    found = world.project.snapshot.collections["found"]
    assert found.managed
    assert {name: one.id is not None for name, one in found.fields.items()} == {
        "id": True,
        "name": True,
        "extra": False,
        "more": True,
    }
    assert found.fields["name"].column.length == "50"  # type: ignore[union-attr]
    assert await world.rows('SELECT * FROM "found"') == [(1, "Ann", 5, None)]


async def test_an_unmanaged_table_becomes_managed_without_field_rows(world: World) -> None:
    await world.run('CREATE TABLE "loose" ("id" INTEGER NOT NULL PRIMARY KEY, "name" VARCHAR(20))')
    store = await world.project.store()
    async with store.write() as connection:
        from core.catalog.changes import log_change

        await log_change(connection, "schema", "loose")
    with pytest.raises(errors.CollectionNotManaged):
        await update_collection(world.admin(), "loose", {"note": "x"})
    answer = await update_collection(world.admin(), "loose", {"managed": True, "note": "Loose"})
    assert (answer["managed"], answer["note"]) == (True, "Loose")
    assert await world.fields("loose") == []
    answer = await update_collection(world.admin(), "loose", {"managed": False})
    assert not answer["managed"]
    with pytest.raises(errors.CollectionNotManaged):
        await update_collection(world.admin(), "loose", {"hidden": True})
    assert (await update_collection(world.admin(), "loose", {"managed": True}))["note"] == "Loose"


async def test_a_collection_is_changed_with_its_fields(world: World) -> None:
    await create_collection(world.admin(), {"collection": "books", "fields": [ID, TITLE]})
    before = (await world.rows("SELECT MAX(id) FROM directus_activity"))[0][0]
    answer = await update_collection(
        world.admin(),
        "books",
        {"collection": "other", "note": "Books", "fields": [{**TITLE, "length": 300}, {**TITLE, "field": "sub"}]},
    )
    assert (answer["collection"], answer["note"]) == ("books", "Books")
    fields = world.project.snapshot.collections["books"].fields
    assert [(name, one.column.length) for name, one in fields.items() if one.column and name != "id"] == [
        ("title", "300"),
        ("sub", "255"),
    ]
    told = await world.rows(f"SELECT action, collection FROM directus_activity WHERE id > {before} ORDER BY id")
    assert told == [("update", "directus_fields"), ("create", "directus_fields"), ("update", "directus_collections")]
    for name, kind in (("nowhere", errors.CollectionNotFound), ("directus_users", errors.ValidationFailed)):
        with pytest.raises(kind):
            await update_collection(world.admin(), name, {"note": "x"})


async def test_a_collection_goes_with_its_rows_and_leaves_the_rest(world: World) -> None:
    await create_collection(world.admin(), {"collection": "goes", "fields": [ID, TITLE]})
    await create_collection(world.admin(), {"collection": "stays", "fields": [ID, {"field": "things", "type": "o2m"}]})
    await world.run(
        "INSERT INTO directus_permissions (collection, role) VALUES ('goes', 9), ('stays', 9)",
        "INSERT INTO directus_collection_presets (collection, title) VALUES ('goes', 'x'), ('stays', 'x')",
        "INSERT INTO directus_relations (collection_many, field_many, collection_one, field_one)"
        " VALUES ('goes', 'title', 'stays', 'things'), ('stays', 'x', 'goes', NULL)",
    )
    activity = await world.rows("SELECT COUNT(*) FROM directus_activity")
    await delete_collection(world.admin(), "goes")
    assert "goes" not in world.project.snapshot.collections
    assert await world.rows("SELECT collection FROM directus_permissions WHERE role = 9") == [("stays",)]
    assert await world.rows("SELECT collection FROM directus_collection_presets WHERE title = 'x'") == [("stays",)]
    assert await world.rows("SELECT collection_many, collection_one FROM directus_relations WHERE id > 11") == [
        ("stays", "goes")
    ]
    assert await world.fields("goes") == []
    assert [row[0] for row in await world.fields("stays")] == ["id", "things"]
    assert await world.rows("SELECT COUNT(*) FROM directus_collections WHERE collection = 'goes'") == [(0,)]
    assert await world.rows("SELECT COUNT(*) FROM directus_activity") == activity
    with pytest.raises(errors.CollectionNotFound):
        await delete_collection(world.admin(), "goes")
    before = await world.state()
    with pytest.raises(errors.ValidationFailed):
        await delete_collection(world.admin(), "directus_users")
    assert await world.state() == before
    await create_collection(world.admin(), {"collection": "goes", "fields": [ID]})
    assert list(world.project.snapshot.collections["goes"].fields) == ["id"]


async def test_a_table_that_others_refer_to_stays(world: World) -> None:
    await create_collection(
        world.admin(),
        {"collection": "parents", "fields": [{**ID, "datatype": "BIGINT", "signed": True}, TITLE]},
    )
    kind = "INTEGER" if world.dialect == "sqlite" else "BIGINT"
    await world.run(
        f'CREATE TABLE "children" ("id" INTEGER PRIMARY KEY, "p" {kind}, FOREIGN KEY ("p") REFERENCES "parents" ("id"))'
    )
    before = await world.state()
    with pytest.raises(errors.Unprocessable) as caught:
        await delete_collection(world.admin(), "parents")
    assert str(caught.value) == 'Foreign keys of children refer to "parents"'
    assert await world.state() == before


async def test_a_column_that_others_refer_to_stays_and_stays_unique(world: World) -> None:
    await create_collection(
        world.admin(), {"collection": "coded", "fields": [ID, {**TITLE, "field": "code", "length": 9, "unique": True}]}
    )
    await world.run(
        'CREATE TABLE "users_of_codes" ("id" INTEGER PRIMARY KEY, "c" VARCHAR(9),'
        ' FOREIGN KEY ("c") REFERENCES "coded" ("code"))'
    )
    before = await world.state()
    for doing in (
        lambda: delete_field(world.admin(), "coded", "code"),
        lambda: update_field(world.admin(), "coded", "code", {"unique": False}),
    ):
        with pytest.raises(errors.Unprocessable) as caught:
            await doing()
        assert str(caught.value) == 'Foreign keys of users_of_codes refer to "code"'
        assert await world.state() == before
