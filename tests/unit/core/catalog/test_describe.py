"""In charge of showing the API objects of collections and fields key by key, in both forms."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from core.catalog import describe
from core.catalog.datatypes import from_sqlite
from core.catalog.model import Column, Field
from tests.unit.core.catalog.making import row, snapshot, table

KEYS = [
    "collection", "field", "datatype", "unique", "primary_key", "auto_increment", "default_value", "note", "signed",
    "id", "type", "sort", "interface", "hidden_detail", "hidden_browse", "required", "options", "locked", "translation",
    "readonly", "width", "validation", "group", "length",
]  # fmt: skip

TITLE = Field(
    collection="movies",
    name="title",
    type="string",
    column=replace(from_sqlite("title", declared="VARCHAR(255)", nullable=False), comment="From the column"),
    id=12,
    stored_type="String",
    interface="text-input",
    locked=True,
    width="full",
    sort=3,
)


def values(field: Field, form: str, *keys: str) -> list[Any]:
    described = describe.field_object(field, form)
    return [described[key] for key in keys]


@pytest.mark.parametrize("form", [describe.LIST, describe.SINGLE])
def test_always_the_same_24_keys_in_the_same_order(form: str) -> None:
    alias = Field("movies", "line", "alias")
    for field in (TITLE, alias, replace(TITLE, id=None)):
        assert list(describe.field_object(field, form)) == KEYS


def test_the_list_form_of_a_column() -> None:
    assert describe.field_object(TITLE) == {
        "collection": "movies", "field": "title", "datatype": "VARCHAR", "unique": False, "primary_key": False,
        "auto_increment": False, "default_value": None, "note": "From the column", "signed": True, "id": 12,
        "type": "string", "sort": 3, "interface": "text-input", "hidden_detail": False, "hidden_browse": False,
        "required": True, "options": None, "locked": 1, "translation": None, "readonly": False, "width": "full",
        "validation": None, "group": None, "length": "255",
    }  # fmt: skip


def test_the_single_form_gives_the_stored_flags() -> None:
    assert values(TITLE, describe.SINGLE, "required", "locked", "type") == [False, True, "string"]
    assert describe.field_object(TITLE, describe.SINGLE)["locked"] is True
    assert describe.field_object(TITLE, describe.LIST)["locked"] == 1


def test_notes() -> None:
    plain = replace(TITLE, column=from_sqlite("title", declared="TEXT"))
    alias = Field("movies", "line", "alias", id=4)
    noted = replace(TITLE, note="From the row")
    assert [values(one, describe.LIST, "note")[0] for one in (noted, TITLE, plain, alias)] == [
        "From the row", "From the column", "", None,
    ]  # fmt: skip
    assert [values(one, describe.SINGLE, "note")[0] for one in (noted, TITLE, plain, alias)] == [
        "From the row", "From the column", None, None,
    ]  # fmt: skip


def test_aliases_have_nothing_of_a_column_and_are_upper_case_in_lists() -> None:
    alias = Field("movies", "list", "o2m", id=4, stored_type="o2m", required=True)
    keys = ("datatype", "length", "default_value", "unique", "primary_key", "auto_increment", "signed")
    assert values(alias, describe.LIST, *keys) == [None, None, None, False, False, False, False]
    assert values(alias, describe.LIST, "type", "required") == ["O2M", True]
    assert values(alias, describe.SINGLE, "type", "required") == ["o2m", True]


def test_a_column_without_a_row() -> None:
    bare = Field("movies", "title", "string", column=from_sqlite("title", declared="TEXT"))
    keys = ("id", "sort", "interface", "options", "locked", "translation", "width", "validation", "group")
    assert values(bare, describe.LIST, *keys) == [None] * 9
    assert values(bare, describe.LIST, "readonly", "hidden_detail", "hidden_browse", "type") == [
        False, False, False, "string",
    ]  # fmt: skip


def test_a_type_that_we_do_not_know_is_given_as_stored() -> None:
    assert values(replace(TITLE, stored_type="Wat", type="string"), describe.LIST, "type") == ["wat"]


@pytest.mark.parametrize(
    "type_, column, expected",
    [
        ("status", from_sqlite("c", declared="VARCHAR(9)", default="'draft'"), "draft"),
        ("integer", from_sqlite("c", declared="INT", default="0"), "0"),
        ("boolean", from_sqlite("c", declared="TINYINT(1)", default="1"), "1"),
        ("boolean", from_sqlite("c", declared="BOOLEAN", default="FALSE"), "0"),
        (
            "datetime",
            from_sqlite("c", declared="DATETIME", default="'2020-01-02 03:04:05'"),
            "2020-01-02T03:04:05+00:00",
        ),
        ("datetime", from_sqlite("c", declared="DATETIME", default="CURRENT_TIMESTAMP"), "CURRENT_TIMESTAMP"),
        ("datetime", from_sqlite("c", declared="DATETIME", default="'soon'"), "soon"),
        ("date", from_sqlite("c", declared="DATE", default="'2020-01-02'"), "2020-01-02"),
        ("string", from_sqlite("c", declared="TEXT", default="NULL"), None),
    ],
)
def test_defaults_are_text(type_: str, column: Column, expected: str | None) -> None:
    assert values(Field("movies", "c", type_, column=column), describe.LIST, "default_value") == [expected]


def test_a_collection_has_eight_keys_and_its_fields_by_name() -> None:
    found = snapshot(
        table("movies", "id INT; title VARCHAR(9)"),
        collections=[{"collection": "movies", "managed": 1, "icon": "movie", "translation": '[{"locale":"de-DE"}]'}],
        fields=[
            row("movies", "zz", "alias"),
            row("movies", "aa", "alias"),
            row("movies", "title", "string", options=json.dumps({"a": [1, {"b": 2}]})),
        ],
    )
    described = describe.collection_object(found.collections["movies"])
    assert list(described) == ["collection", "note", "hidden", "single", "managed", "fields", "translation", "icon"]
    assert {key: described[key] for key in described if key != "fields"} == {
        "collection": "movies", "note": None, "hidden": False, "single": False, "managed": True,
        "translation": [{"locale": "de-DE"}], "icon": "movie",
    }  # fmt: skip
    assert list(described["fields"]) == ["id", "title", "aa", "zz"]
    assert described["fields"]["title"]["options"] == {"a": [1, {"b": 2}]}
    assert json.loads(json.dumps(described)) == described
    hidden = describe.collection_object(found.collections["movies"], hidden_fields={"title"})
    assert list(hidden["fields"]) == ["id", "aa", "zz"]
