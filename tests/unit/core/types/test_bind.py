"""In charge of what the drivers get, and of the way there and back: encode(bind(cast(x))) is x, on every dialect."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.types.bind import binder
from core.types.cast import cast
from core.types.encode import encoder
from core.types.kinds import column_of
from core.types.write import accept
from tests.unit.core.types.fields import at, field

ON = ("sqlite", "postgres", "mysql")


def bound(family: str, value: Any, on: str, **attributes: Any) -> Any:
    convert = binder(column_of(field(family, **attributes)), on)
    return value if convert is None else convert(value)


@pytest.mark.parametrize(
    "family, value, sqlite, postgres, mysql",
    [
        ("integer", 5, 5, 5, 5),
        ("decimal", Decimal("4.5"), 4.5, Decimal("4.5"), Decimal("4.5")),
        ("decimal", Decimal("4.00"), 4, Decimal("4.00"), Decimal("4.00")),
        ("float", 0.1, 0.1, 0.1, 0.1),
        ("boolean", True, 1, True, 1),
        ("text", "x", "x", "x", "x"),
        ("text", date(2020, 1, 2), "2020-01-02", "2020-01-02", "2020-01-02"),
        ("text", time(1, 2, 3), "01:02:03", "01:02:03", "01:02:03"),
        ("text", at(2020, 1, 2, 3, 4, 5), *["2020-01-02 03:04:05"] * 3),
        ("text", 5, "5", "5", "5"),
        ("binary", b"\x00", b"\x00", b"\x00", b"\x00"),
        ("date", date(2020, 1, 2), "2020-01-02", date(2020, 1, 2), "2020-01-02"),
        ("time", time(1, 2, 3), "01:02:03", time(1, 2, 3), "01:02:03"),
        ("datetime", at(2020, 1, 2, 3, 4, 5), "2020-01-02 03:04:05", at(2020, 1, 2, 3, 4, 5), "2020-01-02 03:04:05"),
        (
            "datetimetz",
            at(2020, 1, 2, 3, 4, 5, 500000),
            "2020-01-02 03:04:05.5",
            datetime(2020, 1, 2, 3, 4, 5, 500000, tzinfo=UTC),
            "2020-01-02 03:04:05.5",
        ),
        ("uuid", "6f9619ff-8b86-d011-b42d-00c04fc964ff", *["6f9619ff-8b86-d011-b42d-00c04fc964ff"] * 3),
        ("json", "[1]", "[1]", "[1]", "[1]"),
    ],
)
def test_what_the_driver_gets(family: str, value: Any, sqlite: Any, postgres: Any, mysql: Any) -> None:
    for on, expected in zip(ON, (sqlite, postgres, mysql), strict=True):
        found = bound(family, value, on)
        assert (found, type(found)) == (expected, type(expected))
        assert bound(family, None, on) is None


def test_bits_are_text_on_postgres() -> None:
    assert bound("bit", 5, "postgres", length="4") == "0101"
    assert bound("bit", 5, "mysql", length="4") == 5


def stored(family: str, value: Any, on: str) -> Any:
    """What the driver gives back for what it got: bytes of MySQL's bits, aware times of PostgreSQL."""
    return value.to_bytes(8, "big") if family == "bit" and on == "mysql" else value


def there_and_back(family: str, value: Any, on: str, **attributes: Any) -> Any:
    one = field(family, **attributes)
    convert, null = encoder("row", one, on, system=False)
    given = stored(family, bound(family, accept(one, value, dialect=on), on, **attributes), on)
    return null if given is None else given if convert is None else convert(given)


moments = st.datetimes(min_value=at(1, 1, 1), max_value=at(9999, 12, 31)).map(
    lambda value: value.replace(microsecond=0)
)


@given(st.integers(min_value=-(2**52), max_value=2**52))
def test_integers(value: int) -> None:
    for on in ON:
        assert there_and_back("bigint", value, on) == value
        assert there_and_back("bigint", str(value), on) == value


@given(st.decimals(min_value=-99999999, max_value=99999999, places=2))
def test_decimals(value: Decimal) -> None:
    for on in ON:
        assert there_and_back("decimal", str(value), on, precision=10, scale=2) == float(value)


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_floats(value: float) -> None:
    for on in ON:
        assert there_and_back("float", value, on) == value


@given(st.booleans())
def test_truth(value: bool) -> None:
    for on in ON:
        assert there_and_back("boolean", value, on) is value


@given(st.integers(min_value=0, max_value=2**16 - 1))
def test_bits(value: int) -> None:
    for on in ON:
        assert there_and_back("bit", value, on, length="16") == value


@given(moments)
def test_moments(value: datetime) -> None:
    text = value.isoformat(" ")
    for on in ON:
        assert there_and_back("datetime", text, on) == text
        assert there_and_back("datetimetz", text, on) == text
        assert there_and_back("date", text[:10], on) == text[:10]
        assert there_and_back("time", text[11:], on) == text[11:]
        assert there_and_back("text", text, on, type_="datetime") == text


@given(moments, st.integers(min_value=-14 * 60, max_value=14 * 60))
def test_offsets_name_the_same_moment(value: datetime, minutes: int) -> None:
    sign, off = ("-" if minutes < 0 else "+"), divmod(abs(minutes), 60)
    for text in (
        f"{value:%Y-%m-%dT%H:%M:%S}{sign}{off[0]:02}:{off[1]:02}".rjust(25, "0"),
        f"{value:%Y-%m-%dT%H:%M:%S}{sign}{off[0]:02}{off[1]:02}".rjust(24, "0"),
    ):
        if 2 <= value.year <= 9998:
            placed = datetime.fromisoformat(text).astimezone(UTC).replace(tzinfo=None)
            assert cast(field("datetime"), text) == placed
            assert there_and_back("datetime", text, "postgres") == placed.isoformat(" ")


@given(st.binary(max_size=60))
def test_bytes(value: bytes) -> None:
    from base64 import b64encode

    text = b64encode(value).decode()
    for on in ON:
        assert there_and_back("binary", text, on) == text


words = st.text(st.characters(exclude_categories=["Cs"], exclude_characters=",\x00"), max_size=8)


@given(st.lists(words, max_size=6))
def test_lists_of_texts(value: list[str]) -> None:
    for on in ON:
        # A list of one empty text is stored as no text at all, which is the empty list.
        assert there_and_back("text", value, on, type_="array") == ([] if value == [""] else value)


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3),
    max_leaves=12,
)


@given(st.lists(json_values, max_size=4) | st.dictionaries(words, json_values, max_size=4))
def test_json(value: Any) -> None:
    for on in ON:
        assert there_and_back("text", value, on, type_="json") == value


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=30))
def test_text(value: str) -> None:
    for on in ON:
        assert there_and_back("text", value, on) == value
