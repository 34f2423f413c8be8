"""In charge of the merge of a column with a payload: what is asked for, what stays, what is refused (spec 01 §7.4)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from core.catalog.change import ColumnSpec
from core.catalog.model import Column, Field
from core.catalog.settle import spec_of
from core.ddl.columns import changed
from core.errors import LengthMissing, LengthNotSupported, Unprocessable

TITLE = Column(
    "title", "VARCHAR", "text", "varchar(255)", length="255", characters=255, default="x", has_default=True, comment="C"
)
MOMENT = Column(
    "at", "DATETIME", "datetime", "timestamp", default="timezone('UTC'::text, now())", default_is_expression=True
)
NATIVE = Column("doc", "JSON", "json", "jsonb")
KEY = Column("id", "INT", "integer", "int", length="10", nullable=False, primary_key=True, auto_increment=True)


def merged(column: Column, payload: dict[str, Any], kind: str = "string", dialect: str = "postgres") -> ColumnSpec:
    field = Field("t", column.name, kind, column)
    return changed(field, spec_of(column, dialect), payload, kind, dialect)


def test_what_is_not_about_the_column_leaves_it() -> None:
    present = spec_of(TITLE, "postgres")
    for payload in ({"required": True}, {"default_value": "y"}, {"sort": 1, "interface": "x"}, {}):
        assert merged(TITLE, payload) == present


def test_what_is_sent_as_it_was_answered_is_no_change() -> None:
    answers: list[tuple[Column, dict[str, Any], str]] = [
        (TITLE, {"type": "string", "datatype": "varchar", "length": 255, "default_value": "x", "note": "C"}, "string"),
        (MOMENT, {"type": "datetime", "datatype": "DATETIME", "default_value": MOMENT.default}, "datetime"),
        (NATIVE, {"type": "json", "datatype": "JSON", "length": None, "default_value": None}, "json"),
        (
            KEY,
            {"type": "integer", "datatype": "INT", "length": "10", "primary_key": True, "auto_increment": True},
            "integer",
        ),
    ]
    for column, payload, kind in answers:
        assert merged(column, payload, kind) == spec_of(column, "postgres"), column.name


def test_the_rest_of_the_definition_stays() -> None:
    present = spec_of(TITLE, "postgres")
    assert merged(TITLE, {"length": 80}) == replace(present, length="80", type="string")
    assert merged(TITLE, {"note": None}) == replace(present, comment="")
    assert merged(TITLE, {"unique": 1, "required": 1}) == replace(present, unique=True, nullable=False)
    assert merged(TITLE, {"note": "C", "default_value": None}).default is None


def test_a_length_is_dropped_where_none_is_needed() -> None:
    found = merged(TITLE, {"type": "integer", "datatype": "INT", "length": 11, "default_value": 5}, "integer", "mysql")
    assert (found.datatype, found.length, found.default, found.signed) == ("INT", None, "5", True)


@pytest.mark.parametrize(
    "column, payload, kind",
    [
        (TITLE, {"type": "string"}, Unprocessable),
        (TITLE, {"type": "string", "datatype": "CHAR", "default_value": "x" * 300, "length": 20}, Unprocessable),
        (TITLE, {"type": "integer", "datatype": "INT"}, Unprocessable),  # the default is no number
        (TITLE, {"type": "decimal", "datatype": "DECIMAL", "default_value": None}, LengthMissing),
        (TITLE, {"type": "string", "datatype": "TEXT", "length": 5}, LengthNotSupported),
        (TITLE, {"type": "string", "datatype": "JSON"}, Unprocessable),
        (TITLE, {"primary_key": True}, Unprocessable),
        (TITLE, {"auto_increment": True}, Unprocessable),
        (KEY, {"primary_key": False}, Unprocessable),
        (KEY, {"type": "string", "datatype": "VARCHAR", "length": 5, "auto_increment": True}, Unprocessable),
    ],
)
def test_what_no_column_can_become_is_refused(column: Column, payload: dict[str, Any], kind: Any) -> None:
    with pytest.raises(kind):
        merged(column, payload)
