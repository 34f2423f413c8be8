"""In charge of the doors for fields, on each database: what they make, what they refuse (spec 01 §7.3–7.5)."""

from __future__ import annotations

from typing import Any

import pytest

from core import errors
from core.catalog.changes import log_change
from core.ddl.collections import create_collection
from core.ddl.fields import create_field, delete_field, update_field, update_fields
from tests.contract.ddl.world import ID, TITLE, World

NUMBER = {"field": "number", "type": "integer", "datatype": "INT"}


async def fresh(world: World, name: str, *fields: dict[str, Any]) -> None:
    """A collection with a key, a title and these fields."""
    await create_collection(world.admin(), {"collection": name, "fields": [ID, TITLE, *fields]})


def column(world: World, collection: str, field: str) -> Any:
    return world.project.snapshot.collections[collection].fields[field].column


async def refused(world: World, kind: type[errors.TabulariumError], message: str, doing: Any) -> Any:
    before = await world.state()
    with pytest.raises(kind) as caught:
        await doing()
    assert (type(caught.value), str(caught.value)) == (kind, message)
    assert await world.state() == before
    return caught.value


# --- create -------------------------------------------------------------------------------------------------------


async def test_a_field_is_made_and_answered_in_single_form(world: World) -> None:
    await fresh(world, "authors")
    await world.run("INSERT INTO \"authors\" (title) VALUES ('Ann')")
    before = (await world.rows("SELECT MAX(id) FROM directus_activity"))[0][0]
    answer = await create_field(
        world.admin(),
        "authors",
        {
            "field": "nickname",
            "type": "string",
            "datatype": "VARCHAR",
            "length": 50,
            "interface": "text-input",
            "note": "Alias",
            "default_value": "anon",
            "options": {"trim": True},
            "width": "half",
            "translation": [{"locale": "en-US", "translation": "Nick"}],
        },
    )
    row = (await world.rows("SELECT MAX(id) FROM directus_fields"))[0][0]
    assert answer == {
        "collection": "authors",
        "field": "nickname",
        "datatype": "VARCHAR",
        "unique": False,
        "primary_key": False,
        "auto_increment": False,
        "default_value": "anon",
        "note": "Alias",
        "signed": True,
        "id": row,
        "type": "string",
        "sort": 0,
        "interface": "text-input",
        "hidden_detail": False,
        "hidden_browse": False,
        "required": False,
        "options": {"trim": True},
        "locked": False,
        "translation": [{"locale": "en-US", "translation": "Nick"}],
        "readonly": False,
        "width": "half",
        "validation": None,
        "group": None,
        "length": "50",
    }
    assert await world.rows('SELECT nickname FROM "authors"') == [("anon",)]
    told = await world.rows(f"SELECT action, collection, item FROM directus_activity WHERE id > {before}")
    assert told == [("create", "directus_fields", str(row))]


async def test_every_type_can_be_made(world: World) -> None:
    await fresh(world, "typed")
    made = {
        "a": {"type": "alias"},
        "o": {"type": "O2M"},
        "u": {"type": "user_created", "datatype": "INT"},
        "e": {"type": "string", "datatype": "ENUM", "length": ["x", "y'z"], "default_value": "y'z"},
        "j": {"type": "json", "datatype": "TEXT"},
        "t": {"type": "datetime_created", "datatype": "DATETIME"},
        "d": {"type": "decimal", "datatype": "decimal", "length": [10, 2]},
        "b": {"type": "binary", "datatype": "BLOB"},
        "w": {"type": "datetime", "datatype": "DATETIME", "default_value": "2020-01-02T03:04:05+00:00"},
        "n": {"type": "datetime", "datatype": "DATETIME", "default_value": "CURRENT_TIMESTAMP"},
    }
    types = {}
    for name, payload in made.items():
        types[name] = (await create_field(world.admin(), "typed", {"field": name, **payload}))["type"]
    assert types == {
        "a": "alias",
        "o": "o2m",
        "u": "owner",
        "e": "string",
        "j": "json",
        "t": "datetime_created",
        "d": "decimal",
        "b": "binary",
        "w": "datetime",
        "n": "datetime",
    }
    stored = {name: kind for name, kind, *_ in await world.fields("typed")}
    assert (stored["o"], stored["u"]) == ("O2M", "owner")
    assert column(world, "typed", "w").default == "2020-01-02 03:04:05"
    assert column(world, "typed", "d").length == "10,2"
    await world.run("INSERT INTO \"typed\" (title) VALUES ('x')")
    assert await world.rows('SELECT e FROM "typed"') == [("y'z",)]


REFUSED: list[tuple[dict[str, Any], type[errors.TabulariumError], str]] = [
    (
        {},
        errors.ValidationFailed,
        "field: This value should not be blank. type: This value should not be blank.",
    ),
    ({"field": "x"}, errors.ValidationFailed, "type: This value should not be blank."),
    ({"field": "x1", "type": "string", "datatype": "VARCHAR"}, errors.LengthMissing, "Missing length for: x1"),
    ({"field": "x2", "type": "string"}, errors.Unprocessable, "datatype is required"),
    ({"field": "x3", "type": "wat", "datatype": "VARCHAR"}, errors.UnknownType, "Unknown type: wat"),
    (
        {"field": "x4", "type": "string", "datatype": "WATCHAR", "length": 10},
        errors.LengthNotSupported,
        'field "x4" does not support length',
    ),
    (
        {"field": "x5", "type": "string", "datatype": "JSON"},
        errors.Unprocessable,
        '"JSON" is not a datatype that a field can have',
    ),
    ({**TITLE}, errors.FieldExists, 'Field "title" already exists'),
    ({**TITLE, "field": "TITLE"}, errors.FieldExists, 'Field "TITLE" already exists'),
    ({**TITLE, "field": "a.b"}, errors.ValidationFailed, "Invalid field name"),
    (
        {**TITLE, "field": "x", "nullable": True},
        errors.Unprocessable,
        'Payload fields: "nullable" does not exist in "directus_fields" collection.',
    ),
    ({**NUMBER, "default_value": "abc"}, errors.Unprocessable, '"abc" is not a default value for field "number"'),
    (
        {**NUMBER, "default_value": "0); DROP TABLE x; --"},
        errors.Unprocessable,
        '"0); DROP TABLE x; --" is not a default value for field "number"',
    ),
    (
        {**NUMBER, "auto_increment": True},
        errors.Unprocessable,
        'Field "number" must be an integer and the primary key to be auto incremented',
    ),
    ({**NUMBER, "primary_key": True}, errors.Unprocessable, "The primary key of a collection cannot be moved"),
    (
        {**TITLE, "field": "s", "type": "status", "options": {"status_mapping": {"a": {}}}},
        errors.Unprocessable,
        'The status "a" needs a name',
    ),
    (
        {**NUMBER, "type": "status", "options": {"status_mapping": {"a": {"name": "A"}}}},
        errors.Unprocessable,
        'The status "a" is no number, as the field is',
    ),
]


async def test_what_cannot_be_a_field_is_refused_and_nothing_changes(world: World) -> None:
    await fresh(world, "plain")
    before = await world.state()
    for payload, kind, message in REFUSED:
        with pytest.raises(kind) as caught:
            await create_field(world.admin(), "plain", payload)
        assert (type(caught.value), str(caught.value)) == (kind, message)
    assert await world.state() == before


async def test_a_required_field_needs_something_for_the_rows_that_are_there(world: World) -> None:
    await fresh(world, "filled")
    await world.run("INSERT INTO \"filled\" (title) VALUES ('a'), ('b')")

    async def make() -> Any:
        return await create_field(world.admin(), "filled", {**NUMBER, "required": True})

    if world.dialect == "mysql":
        await make()
        assert await world.rows('SELECT number FROM "filled"') == [(0,), (0,)]
    else:
        message = 'Field "number" needs a default value: 2 rows have none of their own.'
        error = await refused(world, errors.FieldRequired, message, make)
        assert error.details == {"rows": 2}
    await create_field(world.admin(), "filled", {**NUMBER, "field": "other", "required": True, "default_value": 5})
    assert await world.rows('SELECT other FROM "filled"') == [(5,), (5,)]


async def test_a_column_without_a_row_becomes_what_is_sent(world: World) -> None:
    await fresh(world, "adopted")
    await world.run(
        'ALTER TABLE "adopted" ADD COLUMN "wild" VARCHAR(10)', "INSERT INTO \"adopted\" (wild) VALUES ('12')"
    )
    store = await world.project.store()
    async with store.write() as connection:
        await log_change(connection, "schema", "adopted")
    answer = await create_field(world.admin(), "adopted", {**NUMBER, "field": "wild", "sort": 3})
    assert (answer["datatype"], answer["sort"], answer["id"] is None) == ("INT", 3, False)
    assert [str(row[0]) for row in await world.rows('SELECT wild FROM "adopted"')] == ["12"]


async def test_only_admins_alter_fields(world: World) -> None:
    if "plain" not in world.project.snapshot.collections:
        await fresh(world, "plain")
    before = await world.state()
    for session in (world.user(), world.public()):
        for kind, doing in (
            (errors.CreateDenied, create_field(session, "plain", NUMBER)),
            (errors.UpdateDenied, update_field(session, "plain", "title", {"note": "x"})),
            (errors.UpdateDenied, update_fields(session, "plain", [{"field": "title", "note": "x"}])),
            (errors.DeleteDenied, delete_field(session, "plain", "title")),
        ):
            with pytest.raises(kind):
                await doing
    assert await world.state() == before


# --- update -------------------------------------------------------------------------------------------------------


async def test_a_full_definition_sent_back_changes_nothing_but_what_differs(world: World) -> None:
    await fresh(
        world,
        "round",
        {**NUMBER, "default_value": 7, "unique": True, "signed": False},
        {"field": "moment", "type": "datetime", "datatype": "DATETIME", "default_value": "CURRENT_TIMESTAMP"},
        {"field": "flag", "type": "boolean", "datatype": "TINYINT", "length": 1, "default_value": True},
        {"field": "price", "type": "decimal", "datatype": "DECIMAL", "length": "10,2"},
        {"field": "text", "type": "string", "datatype": "TEXT", "note": "It's 100% 'quoted'"},
    )
    before = {name: one.column for name, one in world.project.snapshot.collections["round"].fields.items()}
    for name in before:
        answer = (await update_fields(world.admin(), "round", [{"field": name, "sort": 1}]))[0]
        again = await update_field(world.admin(), "round", name, answer)
        assert again == {**answer}
    assert {name: one.column for name, one in world.project.snapshot.collections["round"].fields.items()} == before


async def test_a_type_is_changed_and_the_values_stay(world: World) -> None:
    await fresh(world, "kept", {**TITLE, "field": "code", "length": 20, "note": "Code"})
    await world.run("INSERT INTO \"kept\" (title, code) VALUES ('a', '12'), ('b', NULL), ('c', '-3')")
    change = {"type": "integer", "datatype": "INT", "signed": True}
    answer = await update_field(world.admin(), "kept", "code", change)
    assert (answer["type"], answer["datatype"], answer["note"]) == ("integer", "INT", "Code")
    assert await world.rows('SELECT code FROM "kept" ORDER BY id') == [(12,), (None,), (-3,)]
    await update_field(world.admin(), "kept", "code", {"type": "decimal", "datatype": "DECIMAL", "length": "5,2"})
    assert column(world, "kept", "code").length == "5,2"
    answer = await update_field(world.admin(), "kept", "code", {"type": "string", "datatype": "VARCHAR", "length": 30})
    assert answer["length"] == "30"
    texts = [row[0] for row in await world.rows('SELECT code FROM "kept" ORDER BY id')]
    assert texts == (["12", None, "-3"] if world.dialect == "sqlite" else ["12.00", None, "-3.00"])


async def test_a_change_that_would_lose_values_is_refused_with_their_number(world: World) -> None:
    await fresh(world, "lossy", {**TITLE, "field": "code", "length": 20})
    await world.run(
        "INSERT INTO \"lossy\" (title, code) VALUES ('long title', '12'), ('b', 'x1'), (NULL, '007'), ('d', '2.5'), "
        "('d', NULL)"
    )
    for field, change, count in (
        ("code", {"type": "integer", "datatype": "INT"}, 3),
        ("code", {"type": "decimal", "datatype": "DECIMAL", "length": "5,2"}, 2),
        ("code", {"type": "date", "datatype": "DATE"}, 4),
        ("code", {"length": 2}, 2),
        ("title", {"type": "string", "datatype": "ENUM", "length": "b,d"}, 1),
        ("title", {"length": 3}, 1),
    ):
        message = f'This change would lose or alter the values of "{field}" in {count} rows.'
        error = await refused(
            world,
            errors.FieldRequired,
            message,
            lambda: update_field(world.admin(), "lossy", field, change),  # noqa: B023
        )
        assert error.details == {"rows": count}
    message = "Can't make this field required. 1 rows have no value."
    change = {"required": True, **{key: TITLE[key] for key in ("type", "datatype", "length")}}
    await refused(world, errors.FieldRequired, message, lambda: update_field(world.admin(), "lossy", "title", change))
    message = 'The values of "title" are not unique: 2 rows share theirs.'
    await refused(
        world, errors.FieldRequired, message, lambda: update_field(world.admin(), "lossy", "title", {"unique": True})
    )


async def test_attributes_change_the_column_only_where_the_spec_says(world: World) -> None:
    await fresh(world, "some")
    answer = await update_field(world.admin(), "some", "title", {"required": True})
    assert (answer["required"], column(world, "some", "title").nullable) == (True, True)
    answer = await update_field(world.admin(), "some", "title", {"default_value": "x"})
    assert answer["default_value"] is None
    answer = await update_field(world.admin(), "some", "title", {"default_value": "x", "note": "N", "required": True})
    assert (answer["default_value"], answer["note"]) == ("x", "N")
    assert not column(world, "some", "title").nullable
    answer = await update_field(world.admin(), "some", "title", {"field": "renamed", "length": 80, "required": False})
    assert (answer["field"], answer["length"], answer["default_value"]) == ("title", "80", "x")
    assert column(world, "some", "title").nullable


async def test_unique_keys_come_and_go(world: World) -> None:
    await fresh(world, "only", {**NUMBER, "unique": True}, {**TITLE, "field": "code", "length": 40})
    assert (await update_field(world.admin(), "only", "number", {"unique": False}))["unique"] is False
    assert (await update_field(world.admin(), "only", "code", {"unique": True}))["unique"] is True
    await world.run("INSERT INTO \"only\" (number, code) VALUES (1, 'a'), (1, 'b')")
    assert (await update_field(world.admin(), "only", "code", {"length": 50}))["unique"] is True
    assert (await update_field(world.admin(), "only", "code", {"unique": False}))["unique"] is False
    await world.run("INSERT INTO \"only\" (number, code) VALUES (1, 'a')")


async def test_columns_become_aliases_and_back(world: World) -> None:
    await fresh(world, "turned")
    answer = await update_field(world.admin(), "turned", "title", {"type": "alias"})
    assert (answer["datatype"], answer["type"]) == (None, "alias")
    assert column(world, "turned", "title") is None
    assert len(await world.rows('SELECT * FROM "turned"')) == 0
    message = "datatype is required"
    await refused(
        world, errors.Unprocessable, message, lambda: update_field(world.admin(), "turned", "title", {"type": "string"})
    )
    answer = await update_field(world.admin(), "turned", "title", {"type": "string", "datatype": "TEXT"})
    assert answer["datatype"] == "TEXT"
    await refused(
        world,
        errors.Unprocessable,
        'Field "id" needs its column',
        lambda: update_field(world.admin(), "turned", "id", {"type": "alias"}),
    )


async def test_fields_are_sorted_in_a_batch_without_touching_columns(world: World) -> None:
    await fresh(world, "batch", {**TITLE, "field": "a"}, {**TITLE, "field": "b"})
    before = (await world.rows("SELECT MAX(id) FROM directus_activity"))[0][0]
    answer = await update_fields(
        world.admin(), "batch", [{"field": "b", "sort": 1}, {"field": "a", "sort": 2}, {"field": "title", "sort": 3}]
    )
    assert [(one["field"], one["sort"]) for one in answer] == [("b", 1), ("a", 2), ("title", 3)]
    told = await world.rows(f"SELECT action, collection FROM directus_activity WHERE id > {before}")
    assert told == [("update", "directus_fields")] * 3
    await refused(
        world,
        errors.FieldNotFound,
        'Unable to find field "zzz"',
        lambda: update_fields(world.admin(), "batch", [{"field": "a", "sort": 9}, {"field": "zzz", "sort": 1}]),
    )
    await refused(
        world,
        errors.ValidationFailed,
        "field: This value should not be blank.",
        lambda: update_fields(world.admin(), "batch", [{"sort": 9}]),
    )
    await refused(
        world,
        errors.SystemCollectionAccess,
        "Direct Access to System collections are not allowed",
        lambda: update_fields(world.admin(), "directus_users", [{"field": "email", "sort": 9}]),
    )
    await refused(
        world,
        errors.CollectionNotFound,
        "Unable to find collection: nowhere",
        lambda: update_field(world.admin(), "nowhere", "a", {"sort": 1}),
    )


async def test_system_collections_take_custom_columns_and_keep_their_own(world: World) -> None:
    await create_field(world.admin(), "directus_users", {**TITLE, "field": "nick"})
    assert (await update_field(world.admin(), "directus_users", "nick", {"length": 100}))["length"] == "100"
    answer = await update_field(world.admin(), "directus_users", "email", {"note": "Mail", "sort": 77})
    assert (answer["note"], answer["sort"]) == ("Mail", 77)
    again = await update_field(world.admin(), "directus_users", "email", {**answer, "required": not answer["required"]})
    assert again == {**answer, "required": not answer["required"]}
    for change in (
        {"type": "integer", "datatype": "INT"},
        {"length": 300},
        {"unique": False},
        {"datatype": "TEXT"},
    ):
        await refused(
            world,
            errors.Unprocessable,
            'Field "email" is locked',
            lambda: update_field(world.admin(), "directus_users", "email", change),  # noqa: B023
        )
    await refused(
        world,
        errors.Unprocessable,
        'Field "email" needs its column',
        lambda: update_field(world.admin(), "directus_users", "email", {"type": "alias"}),
    )
    await refused(
        world,
        errors.Unprocessable,
        'Field "email" cannot be deleted',
        lambda: delete_field(world.admin(), "directus_users", "email"),
    )
    await delete_field(world.admin(), "directus_users", "nick")
    assert "nick" not in world.project.snapshot.collections["directus_users"].fields
    await refused(
        world,
        errors.FieldExists,
        'Field "project_name" already exists',
        lambda: create_field(world.admin(), "directus_settings", {**TITLE, "field": "project_name"}),
    )
    for name in ("directus_changes", "directus_nothing"):
        await refused(
            world,
            errors.CollectionNotFound,
            f"Unable to find collection: {name}",
            lambda: create_field(world.admin(), name, NUMBER),  # noqa: B023
        )


# --- delete -------------------------------------------------------------------------------------------------------


async def test_a_field_goes_with_its_column_and_row(world: World) -> None:
    await fresh(world, "less", NUMBER, {"field": "line", "type": "alias"})
    await world.run("INSERT INTO \"less\" (title, number) VALUES ('a', 1)")
    activity = await world.rows("SELECT COUNT(*) FROM directus_activity")
    await delete_field(world.admin(), "less", "number")
    await delete_field(world.admin(), "less", "line")
    assert list(world.project.snapshot.collections["less"].fields) == ["id", "title"]
    assert [row[0] for row in await world.fields("less")] == ["id", "title"]
    assert await world.rows('SELECT * FROM "less"') == [(1, "a")]
    assert await world.rows("SELECT COUNT(*) FROM directus_activity") == activity
    for name, kind, message in (
        ("number", errors.FieldNotFound, 'Unable to find field "number"'),
        ("id", errors.Unprocessable, 'Field "id" cannot be deleted'),
    ):
        await refused(world, kind, message, lambda: delete_field(world.admin(), "less", name))  # noqa: B023


async def relations(world: World) -> list[tuple[Any, ...]]:
    return await world.rows(
        "SELECT collection_many, field_many, collection_one, field_one FROM directus_relations"
        " WHERE id > 11 ORDER BY id"
    )


async def relate(world: World, *rows: tuple[str, ...]) -> None:
    values = ", ".join("(" + ", ".join("NULL" if one is None else f"'{one}'" for one in row) + ")" for row in rows)
    await world.run(
        "DELETE FROM directus_relations WHERE id > 11",
        "INSERT INTO directus_relations (collection_many, field_many, collection_one, field_one, junction_field)"
        f" VALUES {values}",
    )


async def test_relations_go_with_the_field_that_is_their_end(world: World) -> None:
    await fresh(world, "ones", {"field": "manies", "type": "o2m"}, {"field": "others", "type": "o2m"})
    await fresh(world, "manies", {"field": "one", "type": "m2o", "datatype": "INT"})
    await fresh(world, "others", {"field": "one", "type": "m2o", "datatype": "INT"})
    await relate(world, ("manies", "one", "ones", "manies", None), ("others", "one", "ones", "others", None))
    # The one side alone: the relation stays without it.
    await delete_field(world.admin(), "ones", "others")
    assert await relations(world) == [("manies", "one", "ones", "manies"), ("others", "one", "ones", None)]
    # The many side: the relation and the alias of the other side go.
    await delete_field(world.admin(), "manies", "one")
    assert await relations(world) == [("others", "one", "ones", None)]
    assert list(world.project.snapshot.collections["ones"].fields) == ["id", "title"]


@pytest.mark.parametrize("drops", [False, True])
async def test_a_many_to_many_field_goes_with_both_relations_and_its_junction_if_asked(
    world: World, drops: bool
) -> None:
    names = [f"{name}_{drops}".lower() for name in ("films", "genres", "films_genres")]
    films, genres, junction = names
    await fresh(world, films, {"field": "genres", "type": "o2m"})
    await fresh(world, genres)
    await fresh(world, junction, *({"field": name, "type": "integer", "datatype": "INT"} for name in ("f", "g")))
    await relate(world, (junction, "f", films, "genres", "g"), (junction, "g", genres, None, "f"))  # type: ignore[arg-type]
    await delete_field(world.admin(), films, "genres", delete_junction=drops)
    assert await relations(world) == []
    assert (junction in world.project.snapshot.collections) == (not drops)
    assert len(await world.fields(junction)) == (0 if drops else 4)
    assert list(world.project.snapshot.collections[films].fields) == ["id", "title"]


async def test_rights_by_status_go_with_the_status_field(world: World) -> None:
    await fresh(world, "staged", {**TITLE, "field": "status", "type": "status"})
    await world.run(
        "INSERT INTO directus_permissions (collection, role, status) VALUES"
        " ('staged', 9, NULL), ('staged', 9, ''), ('staged', 9, 'draft'), ('other', 9, 'draft')"
    )
    await delete_field(world.admin(), "staged", "status")
    left = await world.rows("SELECT collection, status FROM directus_permissions WHERE role = 9 ORDER BY id")
    assert left == [("staged", None), ("staged", ""), ("other", "draft")]
