"""In charge of showing what is made of stored types, flags, JSON and status mappings, sound and broken ones."""

from __future__ import annotations

import json
from typing import Any

import pytest

from core.catalog import derive
from core.catalog.datatypes import from_sqlite
from core.catalog.model import StatusMapping

TEXT, NUMBER = from_sqlite("status", declared="VARCHAR(20)"), from_sqlite("status", declared="INT")

MAPPING = {
    "published": {"name": "Published", "soft_delete": False, "required_fields": True},
    "draft": {"name": "Draft", "soft_delete": "0"},
    "deleted": {"name": "Deleted", "soft_delete": True},
}
EXPECTED = StatusMapping(("published", "draft", "deleted"), frozenset({"deleted"}), frozenset({"published"}))


@pytest.mark.parametrize("given", [MAPPING, json.dumps(MAPPING)])
def test_a_mapping_is_an_object_or_its_text(given: Any) -> None:
    found = derive.status_mapping({"status_mapping": given}, None, TEXT)
    assert found == EXPECTED
    assert found is not None
    assert found.visible == ("published", "draft")


@pytest.mark.parametrize(
    "options", [None, {}, {"status_mapping": None}, {"status_mapping": {}}, {"status_mapping": "[]"}]
)
def test_without_a_mapping_the_setting_counts(options: dict[str, Any] | None) -> None:
    assert derive.status_mapping(options, json.dumps(MAPPING), TEXT) == EXPECTED
    assert derive.status_mapping(options, None, TEXT) is None
    assert derive.status_mapping(options, "", TEXT) is None
    assert derive.status_mapping(options, "{broken", TEXT) is None


def test_numeric_columns_have_numeric_values() -> None:
    mapping = {"status_mapping": {"0": {"name": "Off", "soft_delete": 1}, "1": {"name": "On"}}}
    assert derive.status_mapping(mapping, None, NUMBER) == StatusMapping((0, 1), frozenset({0}), frozenset())
    assert derive.status_mapping(mapping, None, TEXT) == StatusMapping(("0", "1"), frozenset({"0"}), frozenset())


@pytest.mark.parametrize("mapping", [{"a": "b"}, {"a": None}, [1, 2], "text", 5])
def test_a_broken_mapping_is_none(mapping: Any) -> None:
    assert derive.status_mapping({"status_mapping": mapping}, None, TEXT) is None


def test_words_as_keys_of_a_numeric_column_are_broken() -> None:
    assert derive.status_mapping({"status_mapping": MAPPING}, None, NUMBER) is None


@pytest.mark.parametrize(
    "stored, expected",
    [
        ("string", "string"),
        ("STRING", "string"),
        (" M2O ", "m2o"),
        ("user_created", "owner"),
        ("wat", None),
        ("", None),
        (None, None),
    ],
)
def test_stored_types(stored: str | None, expected: str | None) -> None:
    assert derive.known_type(stored) == expected


def test_there_are_27_types() -> None:
    assert len(derive.FIELD_TYPES) == len(set(derive.FIELD_TYPES)) == 27


@pytest.mark.parametrize("value", [True, 1, "1", "true", "on", "yes", 2])
def test_flags_that_are_set(value: Any) -> None:
    assert derive.flag(value) is True


@pytest.mark.parametrize("value", [False, 0, "0", "false", "off", "no", "", None])
def test_flags_that_are_not(value: Any) -> None:
    assert derive.flag(value) is False


@pytest.mark.parametrize(
    "text, expected",
    [
        ('{"a":1}', {"a": 1}),
        ("[1]", [1]),
        ("{}", None),
        ("[]", None),
        ("", None),
        ("{", None),
        ("5", None),
        (None, None),
    ],
)
def test_json_text(text: str | None, expected: Any) -> None:
    assert derive.decoded(text) == expected


def test_what_is_frozen_thaws_to_what_it_was() -> None:
    value = {"a": [1, {"b": [2, None]}], "c": "x"}
    frozen = derive.frozen(value)
    with pytest.raises(TypeError):
        frozen["a"] = 1
    assert frozen["a"][1]["b"] == (2, None)
    assert derive.thawed(frozen) == value
    assert json.loads(json.dumps(derive.thawed(frozen))) == value
