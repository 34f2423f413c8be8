"""Ids that are made of numbers, and what is shown of rows."""

from __future__ import annotations

from uuid import UUID

import pytest

from core.query.predicate import NOTHING, Compare
from core.scim.rows import GROUP, ROLES, USER, USERS, id_of, identified, key_in, location, made_of, version


@pytest.mark.parametrize("key", [1, 255, 2**31 - 1])
def test_an_id_holds_its_key(key: int) -> None:
    own = made_of(USERS, key)
    assert (UUID(own).version, str(UUID(own))) == (8, own)
    assert key_in(USERS, own) == key
    assert key_in(ROLES, own) is None
    assert made_of(ROLES, key) != own


@pytest.mark.parametrize(
    "text",
    [
        "", "1", "7ab0a001", "x" * 36, "7AB0A001-0000-8000-8000-000000000001", "7ab0a001-0000-8000-8000-ffffffffffff",
        "7ab0a001-0000-4000-8000-000000000001", "{7ab0a001-0000-8000-8000-000000000001}",
    ],
)  # fmt: skip
def test_other_texts_hold_none(text: str) -> None:
    assert key_in(USERS, text) is None
    assert identified(USERS, text) == Compare("external_id", "eq", text)


def test_nobody_has_an_id_that_cannot_be_stored() -> None:
    assert identified(USERS, "a\x00") == NOTHING
    assert identified(USERS, "\ud800") == NOTHING


def test_ids() -> None:
    assert id_of(USERS, {"id": 1, "external_id": "x"}) == "x"
    assert (
        id_of(USERS, {"id": 1, "external_id": None}) == id_of(USERS, {"id": 1, "external_id": ""}) == made_of(USERS, 1)
    )
    assert id_of(USERS, {"id": None, "external_id": None}) is None
    assert location("http://x", USER, "a/ü?") == "http://x/Users/a%2F%C3%BC%3F"
    assert location("http://x", GROUP, "a") == "http://x/Groups/a"


def test_a_version_is_of_all_but_meta() -> None:
    one = version({"id": "a", "title": "x", "meta": {"version": "1"}})
    assert one == version({"title": "x", "id": "a"})
    assert one != version({"id": "a", "title": "y"})
