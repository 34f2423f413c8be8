"""In charge of showing how tables and metadata rows become collections and fields, whatever state the rows are in."""

from __future__ import annotations

import json

import pytest

from core.catalog.model import Collection, StatusMapping
from tests.unit.core.catalog.making import FILES, USERS, row, snapshot, table

ARTICLES = table(
    "articles",
    "id INT; status VARCHAR(20); state VARCHAR(20); sort INT; owner INT; by INT; made DATETIME; changed DATETIME;"
    " flag TINYINT(1); title VARCHAR(255)",
)


def types(collection: Collection) -> dict[str, str]:
    return {name: field.type for name, field in collection.fields.items()}


def test_a_table_without_rows_is_a_collection_of_derived_fields() -> None:
    found = snapshot(table("things", "id INTEGER; price DECIMAL(10,2); at DATETIME; flag TINYINT(1)")).collections[
        "things"
    ]
    assert types(found) == {"id": "integer", "price": "decimal", "at": "datetime", "flag": "integer"}
    assert {field.id for field in found.fields.values()} == {None}
    assert (found.managed, found.has_row, found.is_view, found.is_system) == (False, False, False, False)
    assert (found.primary_key, found.key_columns, found.writable) == ("id", ("id",), True)
    assert found.statuses is None


def test_a_row_says_what_a_field_is() -> None:
    options = {"hasher": "bcrypt", "nested": {"a": [1]}}
    found = snapshot(
        ARTICLES,
        fields=[
            row(
                "articles", "title", "Hash", interface="password", options=json.dumps(options), locked=1, required="0",
                readonly=True, hidden_detail=1, hidden_browse=0, sort=4, width="half", group=9, note="A note",
                validation="/x/", translation='[{"locale":"de-DE","translation":"Titel"}]',
            ),
        ],
    ).collections["articles"].fields["title"]  # fmt: skip
    assert (found.type, found.stored_type, found.id, found.interface) == ("hash", "Hash", 1, "password")
    assert (found.locked, found.required, found.readonly) == (True, False, True)
    assert (found.hidden_detail, found.hidden_browse) == (True, False)
    assert (found.sort, found.width, found.group, found.note, found.validation) == (4, "half", 9, "A note", "/x/")
    assert found.options is not None
    assert found.options["hasher"] == "bcrypt"
    assert found.translation[0]["translation"] == "Titel"
    assert found.column is not None


def test_rows_that_lost_their_column_are_no_fields() -> None:
    found = snapshot(
        ARTICLES, fields=[row("articles", "gone", "string"), row("nowhere", "x", "string"), row("articles", "x", None)]
    )
    assert set(found.collections) == {"articles"}
    assert set(found.collections["articles"].fields) == {column.name for column in ARTICLES.columns}


def test_alias_rows_are_fields_without_a_column_in_the_order_of_their_names() -> None:
    found = snapshot(
        table("t", "id INT"),
        fields=[
            row("t", "z_line", "alias"),
            row("t", "Group", "GROUP"),
            row("t", "list", "o2m"),
            row("t", "a", "translation"),
        ],
    ).collections["t"]
    assert types(found) == {"id": "integer", "a": "translation", "Group": "group", "list": "o2m", "z_line": "alias"}
    assert [name for name, field in found.fields.items() if field.is_alias] == ["a", "Group", "list", "z_line"]
    assert found.relations == {}


@pytest.mark.parametrize("stored", ["alias", "o2m", "wat", None, ""])
def test_a_column_whose_row_makes_no_sense_keeps_its_derived_type(stored: str | None) -> None:
    found = snapshot(ARTICLES, fields=[row("articles", "title", stored)]).collections["articles"].fields["title"]
    assert (found.type, found.stored_type, found.is_alias) == ("string", stored, False)


def test_old_names_of_types_are_understood() -> None:
    found = snapshot(USERS, ARTICLES, fields=[row("articles", "owner", "user_created")]).collections["articles"]
    assert (found.fields["owner"].type, found.owner_field) == ("owner", "owner")


def test_special_fields_are_the_first_of_their_type_in_column_order() -> None:
    found = snapshot(
        USERS,
        ARTICLES,
        fields=[
            row("articles", "state", "status"),
            row("articles", "status", "status"),
            row("articles", "sort", "sort"),
            row("articles", "by", "user_updated"),
            row("articles", "owner", "owner"),
            row("articles", "changed", "datetime_updated"),
            row("articles", "made", "datetime_created"),
            row("articles", "title", "lang"),
        ],
    ).collections["articles"]
    assert found.status_field == "status"
    assert (found.sort_field, found.owner_field, found.user_updated_field) == ("sort", "owner", "by")
    assert (found.created_field, found.updated_field, found.language_field) == ("made", "changed", "title")


def test_the_setting_is_the_fallback_of_the_status_mapping() -> None:
    mapping = json.dumps({"on": {"name": "On"}, "gone": {"name": "Gone", "soft_delete": True}})
    expected = StatusMapping(("on", "gone"), frozenset({"gone"}), frozenset())
    fields = [row("articles", "status", "status")]
    assert snapshot(ARTICLES, fields=fields).collections["articles"].statuses is None
    fallback = snapshot(ARTICLES, fields=fields, settings={"status_mapping": mapping})
    assert fallback.collections["articles"].statuses == expected
    own = [row("articles", "status", "status", options=json.dumps({"status_mapping": json.loads(mapping)}))]
    assert snapshot(ARTICLES, fields=own).collections["articles"].statuses == expected


def test_tinyint_is_boolean_by_its_field() -> None:
    column = (
        snapshot(ARTICLES, fields=[row("articles", "flag", "boolean")]).collections["articles"].fields["flag"].column
    )
    assert column is not None
    assert (column.family, column.datatype, column.length) == ("boolean", "TINYINT", "3")
    plain = snapshot(ARTICLES).collections["articles"].fields["flag"].column
    assert plain is not None
    assert plain.family == "integer"
    number = (
        snapshot(ARTICLES, fields=[row("articles", "sort", "boolean")]).collections["articles"].fields["sort"].column
    )
    assert number is not None
    assert number.family == "integer"


def test_rows_of_collections() -> None:
    found = snapshot(
        ARTICLES,
        table("other", "id INT"),
        collections=[
            {
                "collection": "articles", "managed": 1, "hidden": True, "single": "1", "icon": "face", "note": "N",
                "translation": '[{"locale":"de-DE","translation":"Artikel"}]',
            },
            {"collection": "gone", "managed": 1},
            {"collection": "other", "managed": 0},
        ],
    ).collections  # fmt: skip
    articles, other = found["articles"], found["other"]
    assert (articles.managed, articles.hidden, articles.single, articles.icon, articles.note) == (
        True, True, True, "face", "N",
    )  # fmt: skip
    assert articles.translation[0]["locale"] == "de-DE"
    assert (other.managed, other.has_row) == (False, True)
    assert "gone" not in found


def test_metadata_with_missing_columns_is_taken_as_it_is() -> None:
    found = snapshot(
        ARTICLES,
        collections=[{"collection": "articles"}],
        fields=[{"collection": "articles", "field": "title", "type": "string"}],
    ).collections["articles"]
    assert (found.has_row, found.managed, found.fields["title"].type) == (True, False, "string")


def test_composite_and_missing_keys() -> None:
    composite = table("composite", "a INT; b INT; c TEXT", primary=("b", "a"))
    keyless = table("keyless", "a INT; blob BLOB; doc JSON; b TEXT", primary=())
    view = table("view", "a INT; b TEXT", primary=(), is_view=True)
    found = snapshot(composite, keyless, view).collections
    assert (found["composite"].primary_key, found["composite"].key_columns) == (None, ("b", "a"))
    assert (found["keyless"].primary_key, found["keyless"].key_columns) == (None, ("a", "b"))
    assert (found["view"].is_view, found["view"].key_columns) == (True, ("a", "b"))
    assert [one.writable for one in found.values()] == [False, False, False]


def test_own_tables_and_the_blacklist_are_not_shown() -> None:
    found = snapshot(
        USERS,
        FILES,
        table("directus_changes", "id INT"),
        table("directus_something", "id INT"),
        table("secret", "id INT; file INT"),
        table("shown", "id INT; secret INT", foreign={"secret": "secret.id"}),
        blacklist=frozenset({"secret", "directus_users"}),
    ).collections
    assert set(found) == {"directus_users", "directus_files", "shown"}
    assert found["directus_users"].is_system
    assert found["shown"].relations == {}


def test_fields_that_some_role_may_not_read_are_known() -> None:
    found = snapshot(
        ARTICLES,
        permissions=[
            {"role": 1, "collection": "articles", "read_field_blacklist": "title"},
            {"role": 2, "collection": "articles", "read_field_blacklist": "status,,owner"},
            {"role": 3, "collection": "articles", "read_field_blacklist": None},
            {"role": 4, "collection": "gone", "read_field_blacklist": "x"},
            {"role": 5, "collection": "articles"},
        ],
    )
    assert found.blacklisted == {("articles", "status"), ("articles", "owner"), ("gone", "x")}


def test_the_snapshot_cannot_be_changed() -> None:
    found = snapshot(ARTICLES, settings={"a": "b"})
    assert (found.version, found.dialect, found.setting("a"), found.setting("x", "y")) == (7, "sqlite", "b", "y")
    with pytest.raises(TypeError):
        found.collections["x"] = found.collections["articles"]  # type: ignore[index]
    with pytest.raises(TypeError):
        found.collections["articles"].fields["x"] = None  # type: ignore[index]
