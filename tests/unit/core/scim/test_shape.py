"""What `attributes` and `excludedAttributes` leave of a representation."""

from __future__ import annotations

import pytest

from core.scim.rows import ENTERPRISE_SCHEMA, USER, USER_SCHEMA
from core.scim.shape import shape

SHOWN = {
    "schemas": [USER_SCHEMA],
    "id": "a",
    "userName": "a@example.org",
    "name": {"formatted": "A B", "givenName": "A", "familyName": "B"},
    "active": False,
    "locale": None,
    "emails": [{"value": "a@example.org", "type": "work"}],
    ENTERPRISE_SCHEMA: {"organization": "C"},
}
ALWAYS = {"schemas": [USER_SCHEMA], "id": "a"}


@pytest.mark.parametrize(
    ("only", "without", "expected"),
    [
        (["userName"], [], {"userName": "a@example.org"}),
        (["USERNAME, active"], [], {"userName": "a@example.org", "active": False}),
        ([f"{USER_SCHEMA}:userName"], [], {"userName": "a@example.org"}),
        (["name"], [], {"name": {"givenName": "A", "familyName": "B"}}),
        (["name.formatted"], [], {"name": {"formatted": "A B"}}),
        (["name", "name.formatted"], [], {"name": SHOWN["name"]}),
        (["name"], ["name.givenName"], {"name": {"familyName": "B"}}),
        (["emails.type"], [], {"emails": [{"type": "work"}]}),
        ([ENTERPRISE_SCHEMA], [], {ENTERPRISE_SCHEMA: {"organization": "C"}}),
        ([f"{ENTERPRISE_SCHEMA}:organization"], [], {ENTERPRISE_SCHEMA: {"organization": "C"}}),
        (["nope", "name.nope", ""], [], {}),
        (["locale"], [], {"locale": None}),
        (["userName"], ["userName"], {}),
    ],
)
def test_only_these(only: list[str], without: list[str], expected: dict[str, object]) -> None:
    assert shape(USER, only, without).of(SHOWN) == {**ALWAYS, **expected}


def test_all_but_these() -> None:
    left = shape(USER, None, ["id", "schemas", "emails.value", "name", "active", f"{ENTERPRISE_SCHEMA}:organization"])
    assert left.of(SHOWN) == {**ALWAYS, "userName": "a@example.org", "locale": None, "emails": [{"type": "work"}]}


def test_everything_but_what_must_be_asked_for() -> None:
    assert shape(USER, None, []).of(SHOWN) == {**SHOWN, "name": {"givenName": "A", "familyName": "B"}}
