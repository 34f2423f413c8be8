"""In charge of what filters and keys become: canonical values, or none."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.types.cast import Uncastable, cast, is_now, key, now_value, ordered
from tests.unit.core.types.fields import alias, at, field

NOW = datetime(2020, 6, 1, 22, 30, 15, 123456, tzinfo=UTC)


@pytest.mark.parametrize(
    "family, value, expected",
    [
        ("integer", "5", 5),
        ("integer", " 05\t", 5),
        ("integer", "2.0", 2),
        ("integer", "1e2", 100),
        ("integer", "-7", -7),
        ("integer", 5.0, 5),
        ("integer", True, 1),
        ("integer", "true", 1),
        ("integer", "FALSE", 0),
        ("bigint", "9223372036854775807", 2**63 - 1),
        ("bigint", str(-(2**63)), -(2**63)),
        ("bit", "3", 3),
        ("decimal", "4.50", Decimal("4.50")),
        ("decimal", 0.1, Decimal("0.1")),
        ("decimal", ".5", Decimal("0.5")),
        ("float", "1e3", 1000.0),
        ("boolean", "TRUE", True),
        ("boolean", " 0 ", False),
        ("boolean", 1, True),
        ("text", "x", "x"),
        ("text", "", ""),
        ("text", 42, "42"),
        ("text", 4.0, "4"),
        ("text", 0.5, "0.5"),
        ("text", 1e25, "1.0E+25"),
        ("text", 1.5e-7, "1.5E-7"),
        ("text", True, "1"),
        ("text", False, "0"),
        ("other", "10.0.0.1", "10.0.0.1"),
        ("json", '{"a": 1}', '{"a": 1}'),
        ("binary", "AAEC", b"\x00\x01\x02"),
        ("uuid", "6F9619FF-8B86-D011-B42D-00C04FC964FF", "6f9619ff-8b86-d011-b42d-00c04fc964ff"),
        ("date", "2020-02-29", date(2020, 2, 29)),
        ("date", "2020-01-01T23:30:00-02:00", date(2020, 1, 2)),
        ("time", "12:30:00", time(12, 30)),
        ("time", "12:30:00.5", time(12, 30, 0, 500000)),
        ("datetime", "2020-01-02", at(2020, 1, 2)),
        ("datetime", "2020-01-02 03:04:05", at(2020, 1, 2, 3, 4, 5)),
        ("datetime", "2019-01-04T16:12:05+00:00", at(2019, 1, 4, 16, 12, 5)),
        ("datetime", "2019-01-04T16:12:05Z", at(2019, 1, 4, 16, 12, 5)),
        ("datetime", "20190104T161205Z", at(2019, 1, 4, 16, 12, 5)),
        ("datetime", "2019-01-04T16:12:05-0500", at(2019, 1, 4, 21, 12, 5)),
        ("datetime", "2019-01-04T16:12:05.123Z", at(2019, 1, 4, 16, 12, 5, 123000)),
        ("datetimetz", "2019-01-04T16:12:05+05:30", at(2019, 1, 4, 10, 42, 5)),
        ("datetimetz", "2019-01-04 16:12:05", at(2019, 1, 4, 16, 12, 5)),
    ],
)
def test_values_of_a_family(family: str, value: Any, expected: Any) -> None:
    found = cast(field(family), value)
    assert (found, type(found)) == (expected, type(expected))


@pytest.mark.parametrize(
    "family, value",
    [
        ("integer", "abc"),
        ("integer", ""),
        ("integer", "1abc"),
        ("integer", "2.5"),
        ("integer", "٣"),
        ("integer", [1]),
        ("bigint", str(2**63)),
        ("bigint", "1e999999"),
        ("bigint", "9" * 100_000),
        ("decimal", "x"),
        ("decimal", "NaN"),
        ("decimal", "1e-999999"),
        ("float", "1e400"),
        ("float", float("inf")),
        ("boolean", "2"),
        ("boolean", "yes"),
        ("text", "a\x00b"),
        ("text", "\ud800"),
        ("text", ["a"]),
        ("binary", "%%%"),
        ("binary", "é"),
        ("uuid", "not-a-uuid"),
        ("date", "2020-02-30"),
        ("date", "yesterday"),
        ("time", "25:00:00"),
        ("datetime", "2020-13-01"),
        ("datetime", "0001-01-01T00:00:00+01:00"),
        ("datetime", "2020-01-01T00:00:00+25:00"),
    ],
)
def test_what_no_value_of_the_column_can_equal(family: str, value: Any) -> None:
    with pytest.raises(Uncastable):
        cast(field(family), value)


def test_an_alias_has_no_value() -> None:
    with pytest.raises(Uncastable):
        cast(alias("comments"), "1")


def test_dates_in_text_columns_are_dates() -> None:
    assert cast(field("text", "datetime"), "2020-01-02") == at(2020, 1, 2)
    assert cast(field("text", "date"), "2020-01-02T00:00:00Z") == date(2020, 1, 2)
    assert cast(field("text", "time"), "01:02:03") == time(1, 2, 3)


def test_truth_in_text_columns_is_kept_as_digits() -> None:
    assert [cast(field("text", "boolean"), value) for value in ("TRUE", False, "0", 1)] == ["1", "0", "0", "1"]


def test_lists_compare_as_they_are_stored() -> None:
    assert cast(field("text", "array"), ["a", 1]) == "a,1"
    assert cast(field("text", "json"), {"a": [1, None]}) == '{"a":[1,null]}'
    assert cast(field("text", "array"), "a,b") == "a,b"
    with pytest.raises(Uncastable):
        cast(field("text", "array"), ["a,b"])


@pytest.mark.parametrize("text, expected", [("02", 2), ("2.0", 2), (" 2", 2), ("2", 2), (2, 2)])
def test_keys_of_numbers(text: Any, expected: int) -> None:
    assert key(field("integer"), text) == expected


@pytest.mark.parametrize("text", ["1abc", "", "true ish", True, None, "1,2", "2.5"])
def test_keys_that_no_number_has(text: Any) -> None:
    with pytest.raises(Uncastable):
        key(field("integer"), text)


def test_keys_of_text_are_text() -> None:
    assert [key(field("text"), text) for text in ("7", "007", " 7", "")] == ["7", "007", " 7", ""]


@pytest.mark.parametrize(
    "op, value, expected",
    [
        ("lt", "2", ("lt", 2)),
        ("gte", "2.0", ("gte", 2)),
        ("lt", "2.5", ("lte", 2)),
        ("lte", "2.5", ("lte", 2)),
        ("gt", "2.5", ("gt", 2)),
        ("gte", "-2.5", ("gt", -3)),
        ("lt", "1e30", ("lte", 2**63 - 1)),
        ("gte", str(2**63), ("gt", 2**63 - 1)),
        ("lte", "-1e30", ("lt", -(2**63))),
        ("gt", "-1e30", ("gte", -(2**63))),
    ],
)
def test_order_among_integers(op: str, value: str, expected: tuple[str, int]) -> None:
    assert ordered(field("integer"), op, value) == expected


def test_order_elsewhere() -> None:
    assert ordered(field("decimal"), "lt", "2.5") == ("lt", Decimal("2.5"))
    assert ordered(field("date"), "gte", "2020-01-01") == ("gte", date(2020, 1, 1))
    for one, value in ((field("integer"), "abc"), (field("integer"), [1]), (alias("o"), "1")):
        with pytest.raises(Uncastable):
            ordered(one, "lt", value)


@given(
    st.integers(min_value=-(2**65), max_value=2**65) | st.decimals(allow_nan=False, allow_infinity=False, places=1),
    st.integers(min_value=-(2**63), max_value=2**63 - 1),
    st.sampled_from(["lt", "lte", "gt", "gte"]),
)
def test_order_is_kept(limit: int | Decimal, stored: int, op: str) -> None:
    tests = {"lt": int.__lt__, "lte": int.__le__, "gt": int.__gt__, "gte": int.__ge__}
    truth = {"lt": stored < limit, "lte": stored <= limit, "gt": stored > limit, "gte": stored >= limit}[op]
    found, value = ordered(field("bigint"), op, limit)
    assert tests[found](stored, value) is truth


def test_now() -> None:
    assert now_value(field("datetime"), NOW, False) == at(2020, 6, 1, 22, 30, 15)
    berlin = ZoneInfo("Europe/Berlin")
    assert now_value(field("datetime"), NOW, False, berlin) == at(2020, 6, 2, 0, 30, 15)
    assert now_value(field("datetime"), NOW, True, berlin) == at(2020, 6, 1, 22, 30, 15)
    assert now_value(field("datetime", "datetime_created"), NOW, False, berlin) == at(2020, 6, 1, 22, 30, 15)
    assert now_value(field("datetimetz"), NOW, False, berlin) == at(2020, 6, 1, 22, 30, 15)
    assert now_value(field("date"), NOW, False, berlin) == date(2020, 6, 2)
    assert now_value(field("datetime", "date"), NOW, False) == at(2020, 6, 1)
    assert now_value(field("text", "date"), NOW, False) == date(2020, 6, 1)


def test_now_is_a_word_on_dates_only() -> None:
    assert is_now(field("datetime"), "NOW")
    assert not is_now(field("text"), "now")
    assert not is_now(field("time"), "now")
    assert not is_now(field("date"), 5)


@given(st.integers(min_value=-(2**63), max_value=2**63 - 1), st.sampled_from(["", " ", "0", "00"]))
def test_every_integer_is_found_by_its_texts(number: int, prefix: str) -> None:
    padded = f"-{prefix.strip()}{-number}" if number < 0 else f"{prefix}{number}"
    assert key(field("bigint"), padded) == number
    assert key(field("bigint"), f"{number}.00 ") == number


@given(st.text(max_size=40))
def test_no_text_breaks_a_cast(text: str) -> None:
    for family in ("integer", "decimal", "float", "boolean", "text", "binary", "date", "time", "datetime", "uuid"):
        with suppress(Uncastable):
            assert cast(field(family), text) is not None
