"""In charge of which stored values would not outlive a change of their column's type (spec 01 §7.4).

A value outlives it when it comes back from the new column as what it was: nothing cut, rounded or reinterpreted. The
judgement is pure; `lost` reads the values of one column as a stream and counts.
"""

from __future__ import annotations

import re
import struct
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

from core.catalog.change import ColumnSpec
from core.catalog.settle import BINARIES, BLOBS, CHARACTERS, DECIMALS, FLOATS, INTEGERS, LISTS, TEXTS, values_of
from core.db.gateway import Connection
from core.sql.ddl import quote

CHUNK = 5000
BITS = {"TINYINT": 8, "SMALLINT": 16, "MEDIUMINT": 24, "INT": 32, "BIGINT": 64}
BYTES = {"TINYTEXT": 255, "TEXT": 65_535, "MEDIUMTEXT": 16_777_215, "TINYBLOB": 255, "BLOB": 65_535,
         "MEDIUMBLOB": 16_777_215}  # fmt: skip
_WHOLE = re.compile(r"0|-?[1-9][0-9]*")
_FRACTION = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_TIME = re.compile(r"[0-9]{2}:[0-9]{2}:[0-9]{2}")


@dataclass(frozen=True, slots=True)
class Kind:
    """What matters of a column's type. `most`: characters, bytes, bits or digits; `low`, `high`: of whole numbers."""

    name: str
    datatype: str
    most: int | None = None
    scale: int = 0
    low: int = 0
    high: int = 0
    values: frozenset[str] = frozenset()


def kind_of(spec: ColumnSpec, dialect: str) -> Kind:
    """The kind of a settled column."""
    datatype = spec.datatype
    if spec.native is not None:
        return Kind("native", datatype)
    if spec.type == "boolean":
        return Kind("boolean", datatype)
    if datatype == "YEAR":
        return Kind("integer", datatype, low=0, high=2155)
    if datatype in INTEGERS:
        bits = BITS[datatype]
        low = -(2 ** (bits - 1)) if spec.signed else 0
        return Kind("integer", datatype, low=low, high=2 ** (bits - 1 if spec.signed else bits) - 1)
    digits = [int(part) for part in (spec.length or "").split(",") if part.isdigit()]
    if datatype in DECIMALS:
        return Kind("decimal", datatype, most=digits[0] if digits else None, scale=digits[1] if len(digits) > 1 else 0)
    if datatype in FLOATS:
        return Kind("float", datatype)
    if datatype == "BIT":
        return Kind("bit", datatype, high=2 ** (digits[0] if digits else 1) - 1)
    if datatype in BLOBS | BINARIES:
        limit = digits[0] if digits else BYTES.get(datatype) if dialect == "mysql" else None
        return Kind("binary", datatype, most=limit)
    if datatype in LISTS:
        return Kind("text", datatype, values=frozenset(values_of(spec.length or "")))
    if datatype in TEXTS | CHARACTERS:
        return Kind("text", datatype, most=digits[0] if digits and datatype in CHARACTERS else None)
    return Kind("datetime" if datatype == "TIMESTAMP" else datatype.lower(), datatype)


def widens(old: Kind, new: Kind, dialect: str) -> bool:
    """Whether no value at all can be lost, so that none has to be looked at."""
    if old.name == "native" or new.name != old.name:
        return False
    match old.name:
        case "integer":
            # What SQLite holds need not be what the type says.
            return dialect != "sqlite" and new.low <= old.low and old.high <= new.high and new.datatype != "YEAR"
        case "decimal":
            return (
                dialect != "sqlite"
                and old.most is not None
                and new.most is not None
                and new.scale >= old.scale
                and new.most - new.scale >= old.most - old.scale
            )
        case "text":
            if new.values or dialect == "sqlite" or (new.datatype == "CHAR" and dialect == "mysql"):
                return False
            if new.datatype == "VARCHAR":
                return old.most is not None and new.most is not None and new.most >= old.most
            room = BYTES.get(new.datatype) if dialect == "mysql" else None
            return room is None or (old.most is not None and old.most * 4 <= room)
    return False


Survives = Callable[[Any], bool]


def survivor(old: ColumnSpec, new: ColumnSpec, wish: ColumnSpec, dialect: str) -> Survives | None:
    """The judge of values as the driver gives them; None when all of them survive.

    `old`, `new`: settled; `wish`: the new column in the words of the request (of ENUM the values count everywhere).
    """
    before, after = kind_of(old, dialect), kind_of(new, dialect)
    if wish.datatype.strip().upper() in LISTS:
        after = Kind("text", "ENUM", values=frozenset(values_of(wish.length or "")))
    if widens(before, after, dialect):
        return None
    if dialect == "mysql" and before.name == "bit" and after.name in ("text", "binary"):
        return lambda _: False  # it would become the character of that number

    def survives(value: Any) -> bool:
        try:
            return _fits(_plain(value, before), after, dialect)
        except (ValueError, ArithmeticError, UnicodeError, struct.error):
            return False

    return survives


def _plain(value: Any, kind: Kind) -> Any:
    """A driver's value as int, Decimal, float, bool, bytes, or text; dates as text. Raises ValueError."""
    match kind.name:
        case "boolean":
            return int(value)
        case "bit" if isinstance(value, bytes):
            return int.from_bytes(value, "big")
        case "bit" if hasattr(value, "to_int"):
            return value.to_int()
        case "date" | "time" | "datetime":
            return _moment(value)
    if isinstance(value, datetime | date | time | timedelta):
        return _moment(value)
    if isinstance(value, bytes | memoryview) and kind.name == "native":
        return bytes(value).decode()
    return bytes(value) if isinstance(value, memoryview) else value


def _moment(value: Any) -> str:
    if isinstance(value, datetime):
        return value.replace(tzinfo=None).isoformat(" ")
    return value.isoformat() if isinstance(value, date | time) else str(value)


def _fits(value: Any, kind: Kind, dialect: str) -> bool:
    match kind.name:
        case "integer" | "bit" | "boolean":
            low, high = (0, 1) if kind.name == "boolean" else (kind.low, kind.high)
            found = _whole(value)
            known = kind.datatype != "YEAR" or dialect != "mysql" or found == 0 or found > 1900
            opaque = dialect == "mysql" and kind.name == "bit" and isinstance(value, str)
            return low <= found <= high and known and not opaque
        case "decimal":
            return _decimal_fits(_number(value), kind)
        case "float":
            number = _number(value)
            found_float = float(number)
            if kind.datatype == "FLOAT":
                found_float = struct.unpack("f", struct.pack("f", found_float))[0]
            return Decimal(repr(found_float)) == number
        case "text":
            return _text_fits(value, kind, dialect)
        case "binary":
            data = value if isinstance(value, bytes) else _told(value, dialect).encode()
            if kind.datatype == "BINARY" and dialect == "mysql":
                return len(data) == kind.most  # a shorter one is filled up
            return kind.most is None or len(data) <= kind.most
        case "date":
            return isinstance(value, str) and bool(_DATE.fullmatch(value.removesuffix(" 00:00:00"))) and _is_day(value)
        case "time":
            return isinstance(value, str) and bool(_TIME.fullmatch(value)) and value < "24"
        case "datetime":
            return isinstance(value, str) and _is_moment(value, kind, dialect)
    return False


def _whole(value: Any) -> int:
    if isinstance(value, str):
        if not _WHOLE.fullmatch(value):
            raise ValueError(value)
        return int(value)
    if isinstance(value, bytes):
        raise ValueError("bytes")
    found = int(value)
    if found != value:
        raise ValueError(value)
    return found


def _number(value: Any) -> Decimal:
    if isinstance(value, str):
        if not _FRACTION.fullmatch(value):
            raise ValueError(value)
        return Decimal(value)
    if isinstance(value, bytes):
        raise ValueError("bytes")
    return Decimal(repr(value)) if isinstance(value, float) else Decimal(value)


def _decimal_fits(number: Decimal, kind: Kind) -> bool:
    if not number.is_finite():
        return False
    if kind.most is None:
        return True
    _, digits, exponent = number.normalize().as_tuple()
    assert isinstance(exponent, int)
    whole = max(len(digits) + exponent, 0)
    return max(-exponent, 0) <= kind.scale and whole <= kind.most - kind.scale


def _text_fits(value: Any, kind: Kind, dialect: str) -> bool:
    text = _told(value, dialect)
    if dialect == "postgres" and "\x00" in text:
        return False
    if kind.values:
        return text in kind.values
    if dialect == "mysql":
        if kind.datatype == "CHAR" and text.endswith(" "):
            return False
        room = BYTES.get(kind.datatype)
        if room is not None and len(text.encode()) > room:
            return False
    return kind.most is None or len(text) <= kind.most


def _told(value: Any, dialect: str) -> str:
    if isinstance(value, bytes):
        return value.decode()
    if dialect == "mysql" and isinstance(value, bool):
        raise ValueError(value)
    return str(value)


def _is_day(value: str) -> bool:
    if value.startswith("0000-00-00"):
        return True  # MySQL keeps it in either type
    date.fromisoformat(value[:10])
    return True


def _is_moment(value: str, kind: Kind, dialect: str) -> bool:
    day, _, moment = value.partition(" ")
    if not _DATE.fullmatch(day) or (moment and not _TIME.fullmatch(moment)):
        return False
    if kind.datatype == "TIMESTAMP" and dialect == "mysql" and not "1970-01-01 00:00:01" <= value < "2038-01-19":
        return False
    return _is_day(value) and (not moment or time.fromisoformat(moment) is not None)


# --- asking the table ---------------------------------------------------------------------------------------------


async def lost(connection: Connection, table: str, column: str, old: ColumnSpec, survives: Survives) -> int:
    """How many rows hold a value of the column that does not survive."""
    dialect = connection.dialect
    name = quote(column, dialect)
    shown = f"{name}::text" if dialect == "postgres" and old.native is not None else name
    sql = f"SELECT {shown} FROM {quote(table, dialect)} WHERE {name} IS NOT NULL"  # noqa: S608
    count = 0
    async with aclosing(_chunks(connection, sql)) as chunks:
        async for rows in chunks:
            count += sum(not survives(row[0]) for row in rows)
    return count


async def _chunks(connection: Connection, sql: str) -> AsyncGenerator[Sequence[Sequence[Any]], None]:
    if connection.dialect != "postgres":
        async for rows in connection.stream(sql, size=CHUNK):
            yield rows
        return
    # The driver's own cursor stays open to the end of the transaction, and with it the table cannot be altered. The
    # name is new each time, because the driver keeps of every text the types that it gave.
    name = f"tabularium_{uuid4().hex}"
    await connection.execute(f"DECLARE {name} NO SCROLL CURSOR FOR {sql}")
    while rows := await connection.rows(f"FETCH {CHUNK} FROM {name}"):
        yield rows
    await connection.execute(f"CLOSE {name}")


async def nulls(connection: Connection, table: str, column: str) -> int:
    """How many rows hold no value of the column."""
    dialect = connection.dialect
    sql = f"SELECT COUNT(*) FROM {quote(table, dialect)} WHERE {quote(column, dialect)} IS NULL"  # noqa: S608
    return int(await connection.value(sql))


async def duplicates(connection: Connection, table: str, column: str) -> int:
    """How many rows share their value of the column with another one."""
    dialect = connection.dialect
    name, place = quote(column, dialect), quote(table, dialect)
    grouped = f"SELECT COUNT(*) AS n FROM {place} WHERE {name} IS NOT NULL GROUP BY {name} HAVING COUNT(*) > 1"  # noqa: S608
    return int(await connection.value(f"SELECT COALESCE(SUM(n), 0) FROM ({grouped}) AS found"))  # noqa: S608


async def filled(connection: Connection, table: str) -> int:
    """How many rows the table has."""
    return int(await connection.value(f"SELECT COUNT(*) FROM {quote(table, connection.dialect)}"))  # noqa: S608
