"""In charge of settings as stored, of rows in revisions and events, and of what a refusal of the database says."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from core.catalog.model import Collection, Column, Field, ToOne
from core.db.errors import (
    CheckViolation,
    DataRejected,
    ForeignKeyViolation,
    NotNullViolation,
    QueryRejected,
    UniqueViolation,
)
from core.errors import DuplicateItem, Unprocessable, ValidationFailed
from core.write.forms import event_form, revision_form
from core.write.refusals import refusal
from core.write.settings import stored_value


@pytest.mark.parametrize(
    "sent, kind, stored",
    [
        ("x", "string", "x"), (5, "integer", "5"), (1.5, "", "1.5"), (True, "boolean", "1"),
        *((empty, kind, None) for empty in ("", 0, False, None, [], {}) for kind in ("", "json", "file", "array")),
        ({"id": 4}, "file", "4"), ({"title": "x"}, "file", None), (7, "file", "7"), ({"a": 1}, "string", {"a": 1}),
        (["a", 1], "array", "a,1"), ("a,b", "array", "a,b"), (["a,b"], "array", ["a,b"]), ([[1]], "array", [[1]]),
        ([1], "json", "[1]"), ({"a": None}, "json", '{"a":null}'), ("[1]", "json", "[1]"), ('"t"', "json", '"\\"t\\""'),
        ("text", "json", '"text"'), (3, "json", "3"),
        (True, None, "1"), (False, None, ""), (200, None, "200"), (None, None, None), ("", None, ""), ([1], None, [1]),
    ],
)  # fmt: skip
def test_settings(sent: Any, kind: str | None, stored: Any) -> None:
    assert stored_value(sent, kind) == stored


def field(name: str, kind: str, family: str = "text", collection: str = "t") -> Field:
    return Field(collection, name, kind, Column(name, family.upper(), family, family))


TABLE = Collection(
    "t",
    {
        item.name: item
        for item in (
            field("id", "integer", "integer"), field("price", "decimal", "decimal"), field("on", "boolean", "integer"),
            field("data", "json"), field("list", "array"), field("made", "datetime_created", "datetime"),
            field("hash", "hash"), field("title", "string"), field("other", "m2o", "integer"),
        )
    },
    relations={"other": ToOne("t", "other", "t", "id")},
    primary_key="id",
)  # fmt: skip
ROW = {
    "id": 4, "price": Decimal("1.50"), "on": 1, "data": '{"a": [1]}', "list": "a,b", "made": "2020-01-01 00:00:00",
    "hash": "h", "title": "T", "other": None,
}  # fmt: skip


def test_rows_in_revisions() -> None:
    assert revision_form(TABLE, "mysql").row(ROW) == {
        "id": "4", "price": "1.50", "on": True, "data": {"a": [1]}, "list": ["a", "b"], "made": "2020-01-01 00:00:00",
        "hash": "h", "title": "T", "other": None,
    }  # fmt: skip
    empty = dict.fromkeys(ROW)
    assert revision_form(TABLE, "mysql").row(empty) == {**empty, "list": []}


def test_nulls_and_odd_columns_in_revisions() -> None:
    fields = {"width": field("width", "integer"), "flag": field("flag", "boolean", "integer")}
    system = Collection("directus_fields", fields, primary_key="width", is_system=True)
    assert revision_form(system, "sqlite").row({"width": "full", "flag": None}) == {"width": "full", "flag": False}
    assert revision_form(Collection("t", fields, primary_key="width"), "sqlite").row({"flag": None}) == {"flag": None}


def test_rows_in_events() -> None:
    told = {
        "id": 4, "price": 1.5, "on": 1, "data": '{"a": [1]}', "list": "a,b", "made": "2020-01-01 00:00:00",
        "title": "T", "other": None,
    }  # fmt: skip
    assert event_form(TABLE, "mysql").row(ROW) == told
    assert event_form(TABLE, "mysql", text=True).row(ROW) == {**told, "id": "4", "price": "1.50"}
    assert event_form(TABLE, "mysql").row(ROW, {"title", "hash"}) == {"title": "T"}


def test_users_keep_their_secrets() -> None:
    users = Collection(
        "directus_users",
        {
            name: field(name, "string", collection="directus_users")
            for name in ("id", "email", "password", "token", "2fa_secret", "password_reset_token")
        },
        primary_key="id",
    )
    row = dict.fromkeys(users.fields, "x")
    shown = {"id": "x", "email": "x", "token": None, "2fa_secret": None, "password_reset_token": None}
    assert revision_form(users, "sqlite").row(row) == shown
    assert event_form(users, "sqlite").row(row) == shown


def test_refusals() -> None:
    error = refusal(UniqueViolation(None, ("title",)), TABLE, [{"title": "T"}])
    assert (type(error), error.message) == (DuplicateItem, 'Duplicate key "T" for collection "t"')
    error = refusal(UniqueViolation("k", (), "a-b"), TABLE, [{}, {}])
    assert error.message == 'Duplicate key "a-b" for collection "t"'
    assert refusal(UniqueViolation("k", ("title",)), TABLE, [{"title": "A"}, {"title": "B"}]).message.count("A") == 0
    error = refusal(NotNullViolation("title"), TABLE, [{}], (3,))
    assert (type(error), error.message) == (ValidationFailed, "title: This value should not be blank.")
    assert error.problems[0].path == (3, "title")
    error = refusal(ForeignKeyViolation(), TABLE, [{"other": 9, "title": "x"}])
    assert (type(error), error.message) == (ValidationFailed, "other: This value is not valid.")
    assert type(refusal(ForeignKeyViolation(), TABLE, [])) is Unprocessable
    assert type(refusal(CheckViolation("secret_rule"), TABLE, [{}])) is Unprocessable
    assert "secret_rule" not in refusal(CheckViolation("secret_rule"), TABLE, [{}]).message
    assert refusal(DataRejected("title"), TABLE, [{}]).problems[0].path == ("title",)
    assert type(refusal(DataRejected(None), TABLE, [{}])) is Unprocessable
    rejected = QueryRejected()
    assert refusal(rejected, TABLE, [{}]) is rejected
