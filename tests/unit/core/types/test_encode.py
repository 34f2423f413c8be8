"""In charge of the forms that answers give: REST's, and those of GraphQL types."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from core.catalog.model import Field
from core.types.encode import ENCODERS, encoder, of_column
from tests.unit.core.types.fields import at, field


def shown(one: Field, value: Any, dialect: str = "mysql", name: str = "row", *, system: bool = False) -> Any:
    convert, null = encoder(name, one, dialect, system=system)
    return null if value is None else value if convert is None else convert(value)


def same(found: Any, expected: Any) -> None:
    assert (found, type(found)) == (expected, type(expected))


@pytest.mark.parametrize(
    "on, one, value, expected",
    [
        ("mysql", field("integer"), 5, 5),
        ("mysql", field("integer", "status"), 5, 5),
        ("mysql", field("bigint"), 2**53 - 1, 2**53 - 1),
        ("mysql", field("bigint"), 2**53, "9007199254740992"),
        ("mysql", field("bigint"), -(2**53), "-9007199254740992"),
        ("sqlite", field("integer", native="INTEGER"), 2**53, "9007199254740992"),
        ("mysql", field("decimal", precision=10, scale=2), Decimal("4.50"), 4.5),
        ("mysql", field("decimal", precision=10, scale=2), Decimal("4.00"), 4),
        ("sqlite", field("decimal", precision=10, scale=2), 4.5, 4.5),
        ("postgres", field("decimal", precision=20, scale=4), Decimal("12.5000"), "12.5000"),
        ("postgres", field("decimal", precision=20, scale=10), Decimal("1E-10"), "0.0000000001"),
        ("sqlite", field("decimal", precision=20, scale=4), 12.5, "12.5"),
        ("postgres", field("decimal"), Decimal("12.50"), 12.5),
        ("postgres", field("decimal"), Decimal("1234567890.1234567"), "1234567890.1234567"),
        ("postgres", field("decimal"), Decimal("NaN"), None),
        ("postgres", field("float"), 0.1, 0.1),
        ("postgres", field("float"), float("inf"), None),
        ("postgres", field("float", datatype="FLOAT"), 0.10000000149011612, 0.1),
        ("postgres", field("float", datatype="FLOAT"), 16777216.0, 16777216),
        ("mysql", field("text", "integer"), "42", 42),
        ("mysql", field("text", "decimal"), "4.5", 4.5),
        ("mysql", field("text", "integer"), "x", None),
        ("mysql", field("boolean"), 1, True),
        ("mysql", field("boolean"), 0, False),
        ("postgres", field("boolean"), True, True),
        ("postgres", field("integer", "boolean"), 1, True),
        ("mysql", field("text", "boolean"), "0", False),
        ("mysql", field("text", "boolean"), "1", True),
        ("mysql", field("bit", "boolean"), b"\x01", True),
        ("postgres", field("boolean", "integer"), True, 1),
        ("mysql", field("text"), "x", "x"),
        ("mysql", field("text", "hash"), "$2y$10$x", "$2y$10$x"),
        ("postgres", field("datetime"), at(2020, 1, 2, 3, 4, 5), "2020-01-02 03:04:05"),
        ("postgres", field("datetime"), at(2020, 1, 2, 3, 4, 5, 500000), "2020-01-02 03:04:05.5"),
        ("postgres", field("datetimetz"), datetime(2020, 1, 2, 3, 4, 5, tzinfo=UTC), "2020-01-02 03:04:05"),
        ("mysql", field("datetime"), "2020-01-02 03:04:05", "2020-01-02 03:04:05"),
        ("mysql", field("datetime"), "2020-01-02 03:04:05.000000", "2020-01-02 03:04:05"),
        ("mysql", field("datetime"), "2020-01-02 03:04:05.120", "2020-01-02 03:04:05.12"),
        ("mysql", field("datetime"), "0000-00-00 00:00:00", None),
        ("mysql", field("datetimetz"), "2020-01-02 03:04:05", "2020-01-02 03:04:05"),
        (
            "postgres",
            field("datetime", "datetime_created"),
            at(2020, 1, 10, 20, 37, 1),
            "2020-01-10T20:37:01+00:00",
        ),
        (
            "postgres",
            field("datetimetz", "datetime_updated"),
            datetime(2020, 1, 10, 20, 37, 1, 250000, tzinfo=UTC),
            "2020-01-10T20:37:01.25+00:00",
        ),
        ("mysql", field("datetime", "datetime_created"), "2020-01-10 20:37:01", "2020-01-10T20:37:01+00:00"),
        ("mysql", field("datetime", "datetime_created"), "2020-01-10 20:37:01.5", "2020-01-10T20:37:01.5+00:00"),
        ("mysql", field("datetime", "datetime_created"), "0000-00-00 00:00:00", None),
        ("sqlite", field("datetime", "datetime_created"), "rubbish", None),
        ("postgres", field("date"), date(2020, 1, 2), "2020-01-02"),
        ("mysql", field("date"), "2020-01-02", "2020-01-02"),
        ("mysql", field("date"), "0000-00-00", None),
        ("mysql", field("datetime", "date"), "2020-01-02 00:00:00", "2020-01-02"),
        ("postgres", field("datetime", "date"), at(2020, 1, 2), "2020-01-02"),
        ("sqlite", field("text", "date"), "2020-01-02", "2020-01-02"),
        ("sqlite", field("text", "datetime"), "", None),
        ("postgres", field("time"), time(1, 2, 3), "01:02:03"),
        ("postgres", field("time"), time(1, 2, 3, 500000), "01:02:03.5"),
        ("mysql", field("time"), "01:02:03.000", "01:02:03"),
        ("mysql", field("time"), "", None),
        ("mysql", field("text", "json"), '{"a":[1,null]}', {"a": [1, None]}),
        ("mysql", field("text", "json"), "{broken", None),
        ("mysql", field("text", "json"), "", None),
        ("postgres", field("json"), "[1, 2]", [1, 2]),
        ("mysql", field("binary", "json"), b'{"a":1}', {"a": 1}),
        ("sqlite", field("json"), 5, 5),
        ("mysql", field("text", "array"), ",a,b,", ["", "a", "b", ""]),
        ("mysql", field("text", "array"), "", []),
        ("postgres", field("json", "array"), '["a", 1, {"b": 2}]', ["a", "1", '{"b":2}']),
        ("mysql", field("binary"), b"\x00\x01\x02", "AAEC"),
        ("sqlite", field("binary"), "é", "w6k="),
        ("mysql", field("bit"), b"\x01\x02", 258),
        ("postgres", field("bit"), "0101", 5),
        ("sqlite", field("bit"), 5, 5),
        ("postgres", field("uuid"), UUID(int=1), "00000000-0000-0000-0000-000000000001"),
        ("postgres", field("other"), "10.0.0.1", "10.0.0.1"),
    ],
)
def test_the_rest_form(on: str, one: Field, value: Any, expected: Any) -> None:
    same(shown(one, value, on), expected)


def test_a_system_collection_gives_plain_times() -> None:
    one = field("datetime", "datetime_created")
    assert shown(one, "2020-01-10 20:37:01", system=True) == "2020-01-10 20:37:01"


def test_null() -> None:
    boolean = field("boolean")
    assert (shown(boolean, None), shown(boolean, None, system=True)) == (None, False)
    assert shown(field("text", "array"), None) == []
    assert shown(field("decimal"), None) is None
    assert shown(field("text", "json"), None) is None
    assert shown(field("text", "array"), None, name="list") == []
    assert shown(boolean, None, name="int01") is None
    assert shown(boolean, None, name="int01", system=True) == 0
    assert shown(field("text", "array"), None, name="csv_text") is None


@pytest.mark.parametrize(
    "name, one, value, expected",
    [
        ("id", field("integer"), 5, "5"),
        ("id", field("bigint"), 2**60, str(2**60)),
        ("id", field("text"), "007", "007"),
        ("id", field("uuid"), UUID(int=1), str(UUID(int=1))),
        ("int", field("integer"), 5, 5),
        ("int", field("bigint"), 2**53, str(2**53)),
        ("int", field("text"), "42", 42),
        ("int", field("text"), "half", None),
        ("int", field("decimal", precision=5, scale=2), Decimal("2.50"), None),
        ("int", field("boolean"), 1, 1),
        ("float", field("decimal", precision=5, scale=2), Decimal("2.50"), 2.5),
        ("float", field("decimal", precision=20, scale=2), Decimal("2.50"), "2.50"),
        ("float", field("integer"), 2, 2),
        ("float", field("text"), "1.5", 1.5),
        ("boolean", field("boolean"), 0, False),
        ("string", field("text"), "x", "x"),
        ("string", field("integer", "status"), 5, "5"),
        ("string", field("boolean"), 1, "true"),
        ("string", field("decimal", precision=5, scale=2), Decimal("2.50"), "2.50"),
        ("string", field("text", "json"), '{"a": 1}', '{"a":1}'),
        ("string", field("binary"), b"\x00", "AA=="),
        ("string", field("datetime"), "2020-01-02 03:04:05", "2020-01-02 03:04:05"),
        ("datetime", field("datetime"), "2020-01-02 03:04:05", "2020-01-02 03:04:05"),
        ("datetime", field("datetime", "datetime_created"), "2020-01-02 03:04:05", "2020-01-02T03:04:05+00:00"),
        ("date", field("date"), "2020-01-02", "2020-01-02"),
        ("time", field("time"), "03:04:05", "03:04:05"),
        ("json", field("text", "json"), "[1]", [1]),
        ("json", field("text"), '{"a":1}', {"a": 1}),
        ("json", field("text", "array"), "a,b", ["a", "b"]),
        ("list", field("text", "array"), "a,b", ["a", "b"]),
        ("list", field("text", "json"), '["a", 1]', ["a", "1"]),
        ("json_text", field("text", "json"), '{"a": 1}', '{"a": 1}'),
        ("json_text", field("text", "json"), "{broken", None),
        ("json_text", field("text", "json"), "null", "null"),
        ("csv_text", field("text", "array"), "a,b", "a,b"),
        ("csv_text", field("json", "array"), '["a", "b"]', "a,b"),
        ("number_text", field("integer"), 5, "5"),
        ("number_text", field("decimal"), Decimal("1E+3"), "1000"),
        ("number_text", field("boolean"), 1, "1"),
        ("int01", field("boolean"), 1, 1),
        ("int01", field("integer", "boolean"), 7, 1),
    ],
)
def test_the_typed_forms(name: str, one: Field, value: Any, expected: Any) -> None:
    same(shown(one, value, name=name), expected)


def test_values_that_need_no_step_cost_none() -> None:
    for dialect in ("sqlite", "postgres", "mysql"):
        assert encoder("row", field("integer"), dialect, system=False)[0] is None
        assert encoder("row", field("text"), dialect, system=False)[0] is None
        assert encoder("string", field("text"), dialect, system=False)[0] is None
        assert encoder("id", field("text"), dialect, system=False)[0] is None
    assert encoder("row", field("boolean"), "postgres", system=False)[0] is None


def test_every_form_can_be_had_of_every_column() -> None:
    for name in ENCODERS:
        for family in (
            "integer",
            "decimal",
            "boolean",
            "text",
            "binary",
            "bit",
            "date",
            "time",
            "datetime",
            "json",
            "uuid",
        ):
            for dialect in ("sqlite", "postgres", "mysql"):
                encoder(name, field(family), dialect, system=False)
    with pytest.raises(KeyError):
        encoder("other", field("text"), "mysql", system=False)


@pytest.mark.parametrize("family", ["date", "datetime", "datetimetz"])
def test_a_column_is_shown_at_once_as_one_by_one(family: str) -> None:
    one = field(family)
    convert, null = encoder("row", one, "postgres", system=False)
    together = of_column(convert)
    assert convert is not None
    assert together is not None
    assert null is None
    moments = [
        *(
            at(2020, 2, 29),
            at(1, 1, 1, 0, 0, 1),
            at(99, 12, 31, 23, 59, 59),
            at(9999, 12, 31, 23, 59, 59, 999_999),
            at(1, 1, 1),
        ),
        *(at(2020, 1, 1, 10, 20, 30, fraction) for fraction in (1, 10, 120_000, 999_999)),
    ]
    values: list[Any] = [
        moment.date() if family == "date" else moment.replace(tzinfo=UTC) if family == "datetimetz" else moment
        for moment in moments
    ]
    assert together([None, *values, None]) == [None, *map(convert, values), None]
    assert together([]) == []


def test_other_columns_are_shown_value_by_value() -> None:
    assert of_column(None) is None
    assert of_column(encoder("row", field("float"), "postgres", system=False)[0]) is None
    assert of_column(encoder("row", field("datetime"), "mysql", system=False)[0]) is None
