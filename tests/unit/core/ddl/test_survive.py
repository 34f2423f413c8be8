"""In charge of the judgement which values outlive a change of type, case by case."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pytest

from core.catalog.change import ColumnSpec
from core.catalog.settle import settled
from core.ddl.survive import survivor


def spec(text: str) -> ColumnSpec:
    """ "DECIMAL 10,2" → a column."""
    datatype, _, length = text.partition(" ")
    unsigned = length == "unsigned"
    return ColumnSpec("x", datatype, None if unsigned else length or None, signed=not unsigned)


def survives(old: str, new: str, value: Any, dialect: str = "mysql") -> bool:
    one, other = spec(old), spec(new)
    judge = survivor(settled(one, dialect), settled(other, dialect), other, dialect)
    return judge is None or judge(value)


@pytest.mark.parametrize(
    "old, new, good, bad",
    [
        (
            "VARCHAR 20",
            "INT",
            ["0", "-12", "2147483647"],
            ["", "007", "1.5", " 1", "1e3", "x", "2147483648", "-0", "+1"],
        ),
        ("VARCHAR 20", "INT unsigned", ["4294967295"], ["-1"]),
        ("VARCHAR 20", "DECIMAL 5,2", ["1", "1.5", "999.99", "-0.5"], ["1000", "1.234", ".5", "01.5", "nan"]),
        ("VARCHAR 20", "DATE", ["2020-02-29"], ["2021-02-29", "2020-2-9", "20200229", "2020-02-29x"]),
        ("VARCHAR 20", "DATETIME", ["2020-02-29 10:11:12"], ["2020-02-29T10:11:12", "2020-02-29 25:00:00"]),
        ("VARCHAR 20", "TIME", ["10:11:12"], ["10:11", "25:00:00", "-01:00:00"]),
        ("VARCHAR 20", "VARCHAR 3", ["abc", "äöü"], ["abcd"]),
        ("VARCHAR 20", "CHAR 20", ["ab"], ["ab "]),
        ("VARCHAR 20", "ENUM a,b", ["a", "b"], ["A", "", "c"]),
        ("VARCHAR 20", "BINARY 3", ["abc"], ["ab", "abcd"]),
        ("TEXT", "TINYTEXT", ["x" * 255], ["x" * 256, "ä" * 128]),
        ("DECIMAL 10,2", "INT", [Decimal("12.00")], [Decimal("12.50"), Decimal("99999999.99")]),
        ("DECIMAL 10,2", "DECIMAL 4,1", [Decimal("12.50")], [Decimal("12.55"), Decimal("1000.00")]),
        ("DOUBLE", "INT", [3.0], [3.5, 1e12]),
        ("DOUBLE", "DECIMAL 5,2", [1.1, 0.25], [0.125, 1234.5]),
        ("DOUBLE", "FLOAT", [1.5], [1.1]),
        ("INT", "TINYINT", [127, -128], [128]),
        ("INT", "YEAR", [0, 1999], [5, 3000]),
        ("BIGINT", "INT", [2**31 - 1], [2**31]),
        ("DATETIME", "DATE", ["2020-01-02 00:00:00"], ["2020-01-02 00:00:01"]),
        ("DATE", "TIMESTAMP", ["1999-01-01"], ["1960-01-01"]),
        ("INT", "DATE", [], [20200101]),
        ("BLOB", "TEXT", [b"abc"], [b"\xff"]),
        ("BIT 8", "INT", [b"\x05"], []),
        ("BIT 8", "VARCHAR 9", [], [b"\x05"]),
    ],
)
def test_values_on_mysql(old: str, new: str, good: list[Any], bad: list[Any]) -> None:
    assert [value for value in good if not survives(old, new, value)] == []
    assert [value for value in bad if survives(old, new, value)] == []


def test_values_come_as_each_driver_gives_them() -> None:
    assert survives("DATETIME", "DATE", datetime.fromisoformat("2020-01-02"), "postgres")
    assert not survives("DATETIME", "DATE", datetime.fromisoformat("2020-01-02 03:00"), "postgres")
    assert survives("DATE", "VARCHAR 10", date(2020, 1, 2), "postgres")
    assert not survives("BLOB", "TEXT", b"a\x00b", "postgres")
    assert survives("INT", "TINYINT", 5, "sqlite")
    # SQLite keeps what does not fit its type.
    assert not survives("INT", "BIGINT", "not a number", "sqlite")


@pytest.mark.parametrize(
    "old, new",
    [
        ("INT", "BIGINT"),
        ("TINYINT unsigned", "SMALLINT"),
        ("DECIMAL 5,2", "DECIMAL 8,3"),
        ("VARCHAR 20", "VARCHAR 50"),
        ("VARCHAR 20", "TEXT"),
        ("TINYTEXT", "LONGTEXT"),
    ],
)
def test_what_widens_is_not_looked_at(old: str, new: str) -> None:
    one, other = spec(old), spec(new)
    for dialect, expected in (("mysql", True), ("postgres", True), ("sqlite", False)):
        judge = survivor(settled(one, dialect), settled(other, dialect), other, dialect)
        assert (judge is None) == expected
