"""In charge of what one column takes of a write, what it refuses and in which words, and what it leaves alone."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from core.catalog.model import Field
from core.types.write import (
    ARRAY,
    BOOL,
    DATE,
    DATETIME,
    INVALID,
    JSON,
    NUMERIC,
    TIME,
    Refused,
    accept,
    same_as_read,
)
from tests.unit.core.types.fields import at, field

INT = field("integer", length="10", precision=10)
RATING = field("decimal", name="rating", length="10,2", precision=10, scale=2)
TITLE = field("text", length="5", characters=5)
MOMENT = field("datetime")
DAY = field("date")


@pytest.mark.parametrize(
    "one, value, expected",
    [
        (INT, None, None),
        (INT, 5, 5),
        (INT, "42", 42),
        (INT, " 42 ", 42),
        (INT, 2.0, 2),
        (INT, True, 1),
        (field("integer", datatype="TINYINT", signed=False), 255, 255),
        (field("bigint"), "9223372036854775807", 2**63 - 1),
        (field("bigint", signed=False), 2**64 - 1, 2**64 - 1),
        (RATING, 3.14, Decimal("3.14")),
        (RATING, "3.10", Decimal("3.10")),
        (RATING, "12345678.9000", Decimal("12345678.9000")),
        (field("decimal"), "12345678901234567890.5", Decimal("12345678901234567890.5")),
        (field("float"), "1.5", 1.5),
        (field("boolean"), True, True),
        (field("boolean"), "1", True),
        (field("boolean"), "false", False),
        (field("boolean"), 0, False),
        (field("integer", "boolean"), "true", 1),
        (field("text", "boolean"), False, "0"),
        (field("bit", length="3"), 7, 7),
        (TITLE, "Tide", "Tide"),
        (TITLE, "", ""),
        (TITLE, 42, "42"),
        (TITLE, 4.5, "4.5"),
        (TITLE, True, "1"),
        (TITLE, "🏛🏛🏛🏛🏛", "🏛🏛🏛🏛🏛"),
        (field("text", "m2o", characters=3), "longer", "longer"),
        (field("text", "hash", characters=10), "a plaintext longer than that", "a plaintext longer than that"),
        (field("text", "hash"), "", None),
        (field("text", "json"), {"a": [1, None, "é"]}, '{"a":[1,null,"é"]}'),
        (field("text", "json"), [], "[]"),
        (field("text", "json"), {"n": 2**70}, '{"n":1180591620717411303424}'),
        (field("text", "json"), {"n": "\x00"}, '{"n":"\\u0000"}'),
        (field("json"), {"n": "\\u0000"}, '{"n":"\\\\u0000"}'),
        (field("json", "string"), '{"a": 1}', '{"a": 1}'),
        (field("text", "array"), ["a", "b", 1, None, True], "a,b,1,,1"),
        (field("text", "array"), [], ""),
        (field("json", "array"), ["a", 1], '["a",1]'),
        (DAY, "2020-02-29", date(2020, 2, 29)),
        (DAY, "", None),
        (field("datetime", "date"), "2020-01-02", at(2020, 1, 2)),
        (field("text", "date"), "2020-01-02", date(2020, 1, 2)),
        (field("time"), "23:59:59", time(23, 59, 59)),
        (MOMENT, "2020-01-02 03:04:05", at(2020, 1, 2, 3, 4, 5)),
        (MOMENT, "2020-01-02T03:04:05", at(2020, 1, 2, 3, 4, 5)),
        (MOMENT, "2020-05-06T07:08:09+02:00", at(2020, 5, 6, 5, 8, 9)),
        (MOMENT, "20190104T161205Z", at(2019, 1, 4, 16, 12, 5)),
        (MOMENT, "2019-01-04T16:12:05.999Z", at(2019, 1, 4, 16, 12, 5)),
        (field("datetime", native="datetime(2)"), "2019-01-04T16:12:05.999Z", at(2019, 1, 4, 16, 12, 5, 990000)),
        (MOMENT, datetime(2020, 1, 1, tzinfo=UTC), at(2020, 1, 1)),
        (field("datetime", "string"), "2020-01-02", at(2020, 1, 2)),
        (field("datetimetz"), "2020-01-02 03:04:05", at(2020, 1, 2, 3, 4, 5)),
        (field("binary"), "AAEC", b"\x00\x01\x02"),
        (field("binary"), "", b""),
        (field("text", "binary"), "anything", "anything"),
        (field("uuid"), "6F9619FF-8B86-D011-B42D-00C04FC964FF", "6f9619ff-8b86-d011-b42d-00c04fc964ff"),
        (field("text", "uuid", characters=36), "not-a-uuid", "not-a-uuid"),
        (field("other"), "10.0.0.1", "10.0.0.1"),
    ],
)
def test_taken(one: Field, value: Any, expected: Any) -> None:
    found = accept(one, value, dialect="mysql")
    assert (found, type(found)) == (expected, type(expected))


@pytest.mark.parametrize(
    "one, value, message",
    [
        (INT, "abc", NUMERIC),
        (INT, "", NUMERIC),
        (INT, "2.5", NUMERIC),
        (RATING, "x", NUMERIC),
        (field("float"), "NaN", NUMERIC),
        (field("boolean"), "yes", NUMERIC),
        (field("boolean"), "", NUMERIC),
        (field("boolean"), 2, BOOL),
        (TITLE, "a\x00", INVALID),
        (TITLE, "\udc00", INVALID),
        (field("text", "hash"), "x" * 4097, INVALID),
        (field("text", "json"), '{"a":1}', JSON),
        (field("text", "json"), 5, JSON),
        (field("text", "json"), "", JSON),
        (field("text", "json"), {"a": "\ud800"}, INVALID),
        (field("json"), {"a": "\x00"}, INVALID),
        (field("json", "string"), "{broken", INVALID),
        (field("text", "array"), "a,b", ARRAY),
        (field("text", "array"), {"0": "a"}, ARRAY),
        (field("text", "array"), ["a,b"], INVALID),
        (field("text", "array"), [["a"]], INVALID),
        (field("text", "array"), ["a\x00"], INVALID),
        (DAY, "2020-02-30", DATE),
        (DAY, "2020-01-02 00:00:00", DATE),
        (DAY, "0000-00-00", DATE),
        (DAY, 20200102, DATE),
        (field("time"), "24:00:00", TIME),
        (field("time"), "12:30", TIME),
        (MOMENT, "2020-01-02", DATETIME),
        (MOMENT, "2020-01-02 03:04:05Z", DATETIME),
        (MOMENT, "2020-01-02 03:04:60", DATETIME),
        (MOMENT, "0000-00-00 00:00:00", DATETIME),
        (MOMENT, "now", DATETIME),
        (field("binary"), "%%%", INVALID),
        (field("binary"), 5, INVALID),
        (field("uuid"), "not-a-uuid", INVALID),
    ],
)
def test_refused_as_invalid(one: Field, value: Any, message: str) -> None:
    with pytest.raises(Refused) as refused:
        accept(one, value, dialect="mysql")
    assert (refused.value.reason, refused.value.message) == ("invalid", message)


def too_long(value: str, length: str, title: str = "F") -> str:
    return (
        f"The value submitted ({value}) for '{title}' is longer than the field's supported length ({length}). "
        "Please submit a shorter value or ask an Admin to increase the length."
    )


SHORT: dict[str, Any] = {"length": "5", "characters": 5}


@pytest.mark.parametrize(
    "one, value, message",
    [
        (RATING, "3.14159", too_long("3.14159", "10,2", "Rating")),
        (RATING, 123456789, too_long("123456789", "10,2", "Rating")),
        (field("text", name="short_title", **SHORT), "longer", too_long("longer", "5", "Short Title")),
        (field("text", "json", **SHORT), {"a": 10}, too_long('{"a":10}', "5")),
        (field("text", "array", **SHORT), ["a", "b"], too_long('["a","b"]', "5")),
        (INT, 12345678901, too_long("12345678901", "10")),
        (INT, -2147483648, too_long("-2147483648", "10")),
        (INT, 2147483648, "The value submitted (2147483648) for 'F' is not between -2147483648 and 2147483647."),
        (
            field("integer", datatype="TINYINT", signed=False),
            -1,
            "The value submitted (-1) for 'F' is not between 0 and 255.",
        ),
        (field("bit", length="2"), 4, "The value submitted (4) for 'F' is not between 0 and 3."),
        (field("text", datatype="TINYTEXT", characters=255), "é" * 128, too_long("é" * 100 + "…", "255")),
        (field("binary", datatype="VARBINARY", length="2"), "AAEC", too_long("AAEC", "2")),
    ],
)
def test_refused_as_too_long_or_out_of_range(one: Field, value: Any, message: str) -> None:
    with pytest.raises(Refused) as refused:
        accept(one, value, dialect="mysql")
    assert (refused.value.reason, refused.value.message) == ("unprocessable", message)


@pytest.mark.parametrize("value", [["x"], {"id": 1}, [], {}])
@pytest.mark.parametrize("family", ["text", "integer", "date", "boolean"])
def test_a_list_is_no_scalar(family: str, value: Any) -> None:
    with pytest.raises(Refused) as refused:
        accept(field(family, name="title", collection="movies"), value, dialect="mysql")
    assert refused.value.reason == "array"
    assert refused.value.message == 'Attempting to write an array as the value for field "title" in "movies"'


def test_numbers_of_absurd_length_are_refused_at_once() -> None:
    for value in ("1e999999", "-1e-999999", "9" * 1_000_000, 10**5000):
        with pytest.raises(Refused):
            accept(field("float"), value, dialect="mysql")


def test_sqlite_keeps_no_more_than_fifteen_digits() -> None:
    wide = field("decimal", length="20,4", precision=20, scale=4)
    assert accept(wide, "1234567890.1234", dialect="sqlite") == Decimal("1234567890.1234")
    with pytest.raises(Refused) as refused:
        accept(wide, "123456789012.1234", dialect="sqlite")
    assert refused.value.reason == "unprocessable"
    assert accept(wide, "123456789012.1234", dialect="postgres") == Decimal("123456789012.1234")


def test_an_integer_of_sqlite_has_64_bits() -> None:
    foreign = field("integer", native="INTEGER", length="10", precision=10)
    assert accept(foreign, 1_600_000_000_000, dialect="sqlite") == 1_600_000_000_000
    with pytest.raises(Refused):
        accept(foreign, 2**63, dialect="sqlite")
    with pytest.raises(Refused):
        accept(field("integer", native="INT", length="10", precision=10), 1_600_000_000_000, dialect="sqlite")


def test_long_text_is_limited_on_mysql_only() -> None:
    text = field("text", datatype="TEXT", characters=65535)
    assert len(accept(text, "x" * 65_535, dialect="mysql")) == 65_535
    with pytest.raises(Refused):
        accept(text, "x" * 65_536, dialect="mysql")
    assert len(accept(text, "x" * 65_536, dialect="sqlite")) == 65_536


def test_plain_times_of_system_collections_are_meant_in_the_servers_zone() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    plain, placed = "2020-06-01 12:00:00", "2020-06-01T12:00:00Z"
    assert accept(MOMENT, plain, dialect="mysql", system=True, zone=berlin) == at(2020, 6, 1, 10)
    assert accept(MOMENT, plain, dialect="mysql", system=False, zone=berlin) == at(2020, 6, 1, 12)
    assert accept(MOMENT, placed, dialect="mysql", system=True, zone=berlin) == at(2020, 6, 1, 12)


def test_postgres_keeps_microseconds_where_the_column_does() -> None:
    text = "2019-01-04T16:12:05.999Z"
    native = "timestamp without time zone"
    assert accept(field("datetime", native=native), text, dialect="postgres") == at(2019, 1, 4, 16, 12, 5, 999000)
    native = "timestamp(0) without time zone"
    assert accept(field("datetime", native=native), text, dialect="postgres") == at(2019, 1, 4, 16, 12, 5)


@pytest.mark.parametrize(
    "one, stored, sent, system, same",
    [
        (field("text", "array"), None, [], False, True),
        (field("text", "array"), "a,b", ["a", "b"], False, True),
        (field("text", "array"), "a,b", ["a"], False, False),
        (field("boolean"), None, False, True, True),
        (field("boolean"), None, False, False, False),
        (field("boolean"), None, None, False, True),
        (field("boolean"), 1, True, False, True),
        (field("text", "json"), "{broken", None, False, True),
        (field("text", "json"), "5", 5, False, True),
        (field("text", "json"), '{"a": 1}', {"a": 1}, False, True),
        (field("text", "json"), '{"a": 1}', {"a": True}, False, False),
        (field("text", "json"), "[1]", [1, 2], False, False),
        (field("datetime"), "0000-00-00 00:00:00", None, False, True),
        (field("datetime", "datetime_created"), "2020-01-01 00:00:00", "2020-01-01T00:00:00+00:00", False, True),
        (field("text", "hash"), "$2y$10$abc", "$2y$10$abc", False, True),
        (field("text", "hash"), "$2y$10$abc", "abc", False, False),
        (field("decimal", precision=10, scale=2), Decimal("4.50"), 4.5, False, True),
        (field("bigint"), 2**60, str(2**60), False, True),
        (field("binary"), b"\x00", "AA==", False, True),
        (field("text"), "x", "x", False, True),
        (field("text"), "1", 1, False, False),
    ],
)
def test_what_was_read_may_be_sent_back(one: Field, stored: Any, sent: Any, system: bool, same: bool) -> None:
    assert same_as_read(one, stored, sent, dialect="mysql", system=system) is same
