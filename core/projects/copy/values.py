"""In charge of values on their way between databases: out of one driver, into another, and what both must agree on.

Pure. A value that the target's column cannot hold raises Unfit; nothing is rounded or cut without being told.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, datetime, time
from decimal import Decimal, InvalidOperation
from hashlib import blake2b
from typing import Any
from uuid import UUID

from core.catalog.model import Column
from core.types import dates
from core.types.bind import binder

Convert = Callable[[Any], Any]
TEXTS = frozenset({"text", "other", "json", "uuid"})
MODULUS = 1 << 128


class Unfit(ValueError):
    """A value that the column cannot hold; the text says why, never the value."""


def pipes(
    source: Sequence[Column], dialect: str, target: Sequence[Column], other: str
) -> tuple[list[Convert], list[Convert | None]]:
    """For each pair of columns: from the source's driver to what the target holds, and from there to its driver."""
    into = [_into(_reader(here, dialect, there), there, other) for here, there in zip(source, target, strict=True)]
    return into, [binder(there, other) for there in target]


def _reader(column: Column, dialect: str, target: Column) -> Convert:
    # MySQL's times need not be those of a day; such a column becomes text.
    return _text if column.family == "time" and target.family in TEXTS else reader(column, dialect)


def reader(column: Column, dialect: str) -> Convert:
    """From a driver's value (not None) to the canonical one; None for a date that there is not."""
    family = column.family
    if family in TEXTS:
        if dialect == "postgres" and column.datatype == "CHAR" and family == "text":
            return _unpadded
        return _text
    return _READERS[family]


def fingerprints(columns: Sequence[Column]) -> list[Convert]:
    """For each column, from the canonical value to a text that is the same on every database."""
    return [_PRINTS.get(column.family if column.datatype != "FLOAT" else "single", str) for column in columns]


def as_it_is(value: Any) -> Any:
    """The value itself: between databases of one kind nothing has to be understood."""
    return value


def checksum(row: Sequence[Any], prints: Sequence[Convert]) -> int:
    """A number for a row of canonical values; sums of them do not depend on the order of rows."""
    digest = blake2b(digest_size=16)
    for value, shown in zip(row, prints, strict=True):
        if value is None:
            digest.update(b"\x00")
        else:
            text = shown(value)
            raw = text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass")
            digest.update(b"\x01" + len(raw).to_bytes(8, "big") + raw)
    return int.from_bytes(digest.digest(), "big")


# From a driver


def _text(value: Any) -> str:
    if type(value) is str:
        return value
    if isinstance(value, bytes):
        try:
            return value.decode()
        except UnicodeDecodeError:
            raise Unfit("bytes that are no text") from None
    if isinstance(value, datetime):
        return dates.datetime_text(value)
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, bool):
        return str(int(value))
    if isinstance(value, Decimal):
        return format(value, "f")
    return str(value)


def _unpadded(value: Any) -> str:
    return _text(value).rstrip(" ")


def _integer(value: Any) -> int:
    if type(value) is int:
        return value
    if isinstance(value, bool):
        return int(value)
    try:
        number = Decimal(value.decode() if isinstance(value, bytes) else str(value).strip())
        if number == number.to_integral_value():
            return int(number)
    except (InvalidOperation, UnicodeDecodeError, OverflowError, ValueError):
        pass
    raise Unfit("no whole number")


def _decimal(value: Any) -> Decimal:
    if isinstance(value, Decimal):
        return value
    try:
        return Decimal(repr(value) if isinstance(value, float) else _text(value).strip())
    except InvalidOperation:
        raise Unfit("no number") from None


def _float(value: Any) -> float:
    try:
        return float(value if isinstance(value, float | int | Decimal) else _text(value))
    except ValueError:
        raise Unfit("no number") from None


def _boolean(value: Any) -> bool:
    if isinstance(value, str | bytes):
        word = _text(value).strip().lower()
        return word in ("true", "t", "yes", "on") or (
            word not in ("false", "f", "no", "off", "") and bool(_decimal(word))
        )
    return bool(value)


def _binary(value: Any) -> bytes:
    return value.encode() if isinstance(value, str) else bytes(value)


def _bits(value: Any) -> int:
    if isinstance(value, bytes):
        return int.from_bytes(value, "big")
    return int(value, 2) if isinstance(value, str) else int(value)


def _datetime(value: Any) -> datetime | None:
    if isinstance(value, datetime):
        return dates.naive_utc(value)
    text = _text(value).strip()
    found = dates.moment(text)
    if found is not None:
        return found.at
    if _is_no_date(text):
        return None
    raise Unfit("no date")


def _date(value: Any) -> date | None:
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    found = _datetime(value)
    return None if found is None else found.date()


def _time(value: Any) -> time:
    if isinstance(value, time):
        return value.replace(tzinfo=None)
    found = dates.clock(_text(value).strip())
    if found is None:
        raise Unfit("no time of a day")
    return found


def _is_no_date(text: str) -> bool:
    """Zero dates of MySQL, which are read as null everywhere."""
    return text[4:5] == "-" and (text[5:7] == "00" or text[8:10] == "00")


_READERS: dict[str, Convert] = {
    "integer": _integer,
    "bigint": _integer,
    "decimal": _decimal,
    "float": _float,
    "boolean": _boolean,
    "binary": _binary,
    "bit": _bits,
    "date": _date,
    "time": _time,
    "datetime": _datetime,
    "datetimetz": _datetime,
}


# Into what the target holds


def _into(read: Convert, target: Column, dialect: str) -> Convert:
    fits: Convert = _without_nul if target.family in TEXTS and dialect == "postgres" else _FITS[target.family]

    def into(value: Any) -> Any:
        if value is None:
            return None
        canonical = read(value)
        return None if canonical is None else fits(canonical)

    return into


def _without_nul(value: Any) -> str:
    text = _text(value)
    if "\x00" in text:
        raise Unfit("a NUL character")
    return text


def _finite(value: Any) -> Decimal:
    number = _decimal(value)
    if not number.is_finite():
        raise Unfit("no finite number")
    return number


def _uuid(value: Any) -> str:
    try:
        return str(UUID(_text(value)))
    except ValueError:
        raise Unfit("no UUID") from None


_FITS: dict[str, Convert] = {
    "integer": _integer,
    "bigint": _integer,
    "decimal": _finite,
    "float": _float,
    "boolean": _boolean,
    "binary": _binary,
    "bit": _integer,
    "date": _date,
    "time": _time,
    "datetime": _datetime,
    "datetimetz": _datetime,
    "text": _text,
    "other": _text,
    "json": _text,
    "uuid": _uuid,
}


# What both must agree on


def _print_decimal(value: Decimal) -> str:
    return format(value.normalize(), "f") if value else "0"


def _print_float(value: float) -> str:
    return f"{value:.14g}" if value else "0"


def _print_single(value: Any) -> str:
    return f"{value:.5g}" if value else "0"


_PRINTS: dict[str, Convert] = {
    "text": as_it_is,
    "other": as_it_is,
    "json": as_it_is,
    "uuid": as_it_is,
    "binary": as_it_is,
    "decimal": _print_decimal,
    "float": _print_float,
    "single": _print_single,
    "boolean": lambda value: str(int(value)),
}
