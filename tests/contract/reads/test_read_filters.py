"""In charge of showing what every filter operator finds in every kind of column, the same on three databases.

Items of `things`: 1 to 3 have values, 4 what counts as empty, 5 is NULL in every column (items spec §5.2).
"""

from __future__ import annotations

from typing import Any

import pytest

from core.query.selection import Condition
from tests.contract.reads.plain import COLUMNS, KINDS, OTHER, UNIQUE, Base

NUMBERS = ("whole", "big", "money", "twofold")
NOT_NULL = [1, 2, 3, 4]
HAS_NULL_MORE = {"document": [1, 2, 3], "ident": [1, 2]}

# column, operator, value, ids
CASES: tuple[tuple[str, str, Any, list[int]], ...] = (
    # numbers
    ("whole", "eq", "2", [2]), ("whole", "=", 2, [2]), ("whole", "eq", " 2", [2]), ("whole", "eq", "2.0", [2]),
    ("whole", "neq", "2", [1, 3, 4]), ("whole", "!=", "2", [1, 3, 4]), ("whole", "<>", 2, [1, 3, 4]),
    ("whole", "lt", "2", [1, 4]), ("whole", "<", "2", [1, 4]), ("whole", "lte", "2", [1, 2, 4]),
    ("whole", "<=", 2, [1, 2, 4]), ("whole", "gt", "1", [2, 3]), ("whole", ">", "1.5", [2, 3]),
    ("whole", "gte", "2", [2, 3]), ("whole", ">=", 10, [3]),
    ("whole", "in", "1,10,77", [1, 3]), ("whole", "in", ["1", 10], [1, 3]), ("whole", "in", "1, 10 ", [1, 3]),
    ("whole", "in", "", []), ("whole", "in", [], []), ("whole", "in", [None, 1], [1]),
    ("whole", "nin", "1,10", [2, 4]), ("whole", "nin", [None, 1], [2, 3, 4]), ("whole", "nin", "", NOT_NULL),
    ("whole", "between", "1,2", [1, 2]), ("whole", "between", ["0", "5", "1"], [1, 4]), ("whole", "between", "2", []),
    ("whole", "between", "2,1", []), ("whole", "nbetween", "1,2", [3, 4]), ("whole", "nbetween", "2", []),
    ("whole", "contains", "1", [1, 3]), ("whole", "like", "0", [3, 4]), ("whole", "ncontains", "1", [2, 4]),
    ("whole", "rlike", "1%", [1, 3]), ("whole", "rlike", "1_", [3]), ("whole", "nrlike", "1%", [2, 4]),
    ("whole", "contains", "", [1, 2, 3, 4, 5]), ("whole", "contains", None, [1, 2, 3, 4, 5]),
    ("big", "eq", "9007199254740993", [2]), ("big", "eq", "9007199254740992", []), ("big", "lt", "-6", [3]),
    ("big", "gt", "9007199254740992", [2]), ("big", "in", "-7,0", [3, 4]),
    ("big", "eq", "99999999999999999999", []), ("big", "neq", "99999999999999999999", NOT_NULL),
    ("money", "eq", "1.5", [1]), ("money", "eq", 1.5, [1]), ("money", "eq", "1.50", [1]), ("money", "eq", "10", [2]),
    ("money", "lt", "1.5", [3, 4]), ("money", "gte", "1.50", [1, 2]), ("money", "in", "-3.25,10.00", [2, 3]),
    ("money", "between", "-3.25,0", [3, 4]), ("money", "nin", "0", [1, 2, 3]),
    ("money", "contains", "1.5", [1]), ("money", "contains", "1.50", []), ("money", "contains", "0", [2, 4]),
    ("money", "rlike", "10", [2]), ("money", "rlike", "0", [4]), ("money", "contains", ".", [1, 3]),
    ("twofold", "eq", "1.5", [1]), ("twofold", "eq", "4", [2]), ("twofold", "neq", "-0.25", [1, 2, 4]),
    ("twofold", "lt", "0", [3]), ("twofold", "between", "0,1.5", [1, 4]), ("twofold", "in", "4.0,1.5", [1, 2]),
    ("twofold", "rlike", "4", [2]), ("twofold", "contains", "0.25", [3]), ("twofold", "contains", ".", [1, 3]),
    # truth
    ("truth", "eq", "1", [1, 3]), ("truth", "eq", "true", [1, 3]), ("truth", "eq", "TRUE", [1, 3]),
    ("truth", "eq", True, [1, 3]), ("truth", "eq", "0", [2, 4]), ("truth", "eq", "False", [2, 4]),
    ("truth", "neq", "true", [2, 4]), ("truth", "in", "1,0", NOT_NULL), ("truth", "in", "true", [1, 3]),
    ("truth", "nin", "true", [2, 4]), ("truth", "eq", "yes", []), ("truth", "neq", "yes", NOT_NULL),
    ("truth", "contains", "1", [1, 3]),
    # text
    ("words", "eq", "Ant", [1]), ("words", "eq", "ANT", []), ("words", "neq", "Ant", [2, 3, 4]),
    ("words", "eq", "", [4]),
    ("words", "lt", "a", [1, 4]), ("words", "gte", "ant", [2]), ("words", "in", "Ant,ant", [1, 2]),
    ("words", "in", "Ant, ant", [1]), ("words", "in", "", [4]), ("words", "nin", "Ant,", [2, 3]),
    ("words", "between", "A,Z", [1]), ("words", "nbetween", "A,Z", [2, 3, 4]),
    ("words", "contains", "AN", [1, 2]), ("words", "ncontains", "an", [3, 4]), ("words", "contains", "!", [3]),
    ("words", "contains", "\\", [3]), ("words", "contains", "!b\\c", [3]), ("words", "contains", "!b", [3]),
    ("words", "contains", "%", []), ("words", "contains", "0", []), ("words", "ncontains", "%", NOT_NULL),
    ("words", "rlike", "a_t", [1, 2]), ("words", "rlike", "a%", [1, 2, 3]), ("words", "rlike", "%!%", [3]),
    ("words", "rlike", "ant", [1, 2]), ("words", "rlike", "an", []), ("words", "nrlike", "a%", [4]),
    ("words", "rlike", "%\\\\%", [3]), ("words", "eq", 7, []), ("words", "in", [True, "ant"], [2]),
    ("prose", "contains", "%", [1]), ("prose", "contains", "_", [2]), ("prose", "contains", "a%b", [1]),
    ("prose", "rlike", "a%b", [1, 2, 3]), ("prose", "rlike", "a_b", [1, 2, 3]), ("prose", "rlike", "a\\%b", [1]),
    ("prose", "rlike", "a\\_b", [2]), ("prose", "nrlike", "a\\_b", [1, 3, 4]), ("prose", "contains", "X", [3]),
    ("prose", "rlike", "", [1, 2, 3, 4, 5]), ("prose", "nlike", "", [1, 2, 3, 4, 5]),
    # dates and times
    ("day", "eq", "2020-01-01", [1]), ("day", "neq", "2020-01-01", [2, 3, 4]), ("day", "gt", "2020-01-01", [2, 3]),
    ("day", "in", "2020-01-01,1999-12-31", [1, 4]), ("day", "between", "2020-01-01,2020-12-31", [1, 2]),
    ("day", "eq", "now", [3]), ("day", "lt", "NOW", [1, 2, 4]), ("day", "in", ["now", "2020-01-02"], [2, 3]),
    ("day", "eq", "2020-01-01 00:00:00", [1]), ("day", "contains", "2020-01", [1, 2]), ("day", "rlike", "%-31", [4]),
    ("day", "eq", "2020-02-30", []), ("day", "neq", "soon", NOT_NULL), ("day", "eq", "", []),
    ("moment", "eq", "2020-01-01", [1]), ("moment", "eq", "2020-01-01 12:00:00", [2]),
    ("moment", "gt", "2020-01-01", [2, 3]), ("moment", "lte", "2020-01-01", [1, 4]),
    ("moment", "eq", "2020-01-01T14:00:00+02:00", [2]), ("moment", "eq", "20200101T120000Z", [2]),
    ("moment", "eq", "2020-01-01T12:00:00.000Z", [2]), ("moment", "eq", "now", [3]), ("moment", "gte", "now", [3]),
    ("moment", "between", "2020-01-01,now", [1, 2, 3]), ("moment", "in", "2020-01-01,now", [1, 3]),
    ("moment", "nin", "2020-01-01", [2, 3, 4]), ("moment", "contains", "12:00", [2]),
    ("moment", "rlike", "2020%", [1, 2]),
    ("moment", "lt", "tomorrow", []),
    ("placed", "eq", "2020-01-01", [1]), ("placed", "eq", "2020-01-01T13:00:00+01:00", [2]),
    ("placed", "gt", "now", []),
    ("placed", "eq", "now", [3]), ("placed", "rlike", "2020-01-01 12:00:00", [2]), ("placed", "contains", "12:00", [2]),
    ("clock", "eq", "10:00:00", [1]), ("clock", "gt", "10:00:00", [2]), ("clock", "in", "00:00:00,09:30:00", [3, 4]),
    ("clock", "between", "09:00:00,10:00:00", [1, 3]), ("clock", "contains", "59", [2]),
    ("clock", "eq", "25:00:00", []),
    # the rest
    ("flags", "eq", "5", [2]), ("flags", "gt", "1", [2, 3]), ("flags", "in", "1,8", [1, 3]),
    ("flags", "neq", "1", [2, 3, 4]),
    ("flags", "eq", "16", []), ("flags", "rlike", "5", [2]),
    ("ident", "eq", UNIQUE, [1]), ("ident", "neq", UNIQUE, [2]),
    ("ident", "in", f"{UNIQUE},{OTHER}", [1, 2]), ("ident", "eq", "no uuid", []), ("ident", "neq", "no uuid", [1, 2]),
    ("ident", "contains", "2222", [2]),
    ("list", "eq", "a,b", [1]), ("list", "eq", ["a", "b"], [1]), ("list", "contains", "b", [1, 2]),
    ("list", "eq", "b", [2]),
    ("raw", "eq", "AQ==", [1]), ("raw", "neq", "AQ==", [2, 3, 4]), ("raw", "eq", "%%%", []),
    ("document", "contains", "a", [1, 2]), ("document", "rlike", "[1]", [3]),
    ("odd name", "gt", "1", [2, 3]), ("odd name", "contains", "1", [1, 3]), ("order", "eq", "3", [1, 2]),
    ("order", "nin", "3", [3, 4]),
    # equality with nothing (GraphQL)
    ("whole", "eq", None, [5]), ("whole", "neq", None, NOT_NULL), ("words", "gt", None, []),
    ("moment", "eq", None, [5]),
)  # fmt: skip

# Values that no column of the kind can have: nothing equals them, everything that is there differs (never an error).
UNCASTABLE = {
    **dict.fromkeys((*NUMBERS, "flags"), "ant"), "truth": "perhaps", "day": "2020-13-01", "moment": "then",
    "placed": "then", "clock": "noon",
}  # fmt: skip
EMPTY = {name: [4, 5] for name in COLUMNS} | {name: [5] for name in ("day", "clock", "moment", "placed", "order")}
EMPTY |= {"ident": [3, 4, 5], "truth": [2, 4, 5]}


@pytest.mark.parametrize(("column", "op", "value", "ids"), CASES)
async def test_an_operator_finds_exactly(base: Base, column: str, op: str, value: Any, ids: list[int]) -> None:
    assert await base.find("things", (column, op, value)) == ids


@pytest.mark.parametrize("column", COLUMNS)
async def test_null_and_its_negation_whatever_the_value(base: Base, column: str) -> None:
    filled = HAS_NULL_MORE.get(column, NOT_NULL)
    for value in (None, "0", "", "1"):
        assert await base.find("things", (column, "null", value)) == sorted({1, 2, 3, 4, 5} - set(filled))
        assert await base.find("things", (column, "nnull", value)) == filled


@pytest.mark.parametrize("column", COLUMNS)
async def test_empty_and_its_negation(base: Base, column: str) -> None:
    assert await base.find("things", (column, "empty", "")) == EMPTY[column]
    assert await base.find("things", (column, "nempty", "1")) == sorted({1, 2, 3, 4, 5} - set(EMPTY[column]))


@pytest.mark.parametrize("column", UNCASTABLE)
async def test_a_value_of_another_kind_equals_nothing(base: Base, column: str) -> None:
    wrong, filled = UNCASTABLE[column], HAS_NULL_MORE.get(column, NOT_NULL)
    for op in ("eq", "lt", "lte", "gt", "gte", "in"):
        assert await base.find("things", (column, op, wrong)) == []
    for op in ("neq", "nin"):
        assert await base.find("things", (column, op, wrong)) == filled
    assert await base.find("things", (column, "between", [wrong, wrong])) == []
    assert await base.find("things", (column, "nbetween", [wrong, wrong])) == filled


HOSTILE = (
    "'; DROP TABLE things; --", '"', "\\", "%s", "$1", "?", ":a", "{}", "\x00", "\ud800", "9" * 400, "1e9999",
    "-1e400", "NaN", "Infinity", "-inf", "0x10", "\u0661", "1_000", "2020-01-01T99:99:99Z", "0000-00-00",
    "9999-12-31 23:59:60", "0001-01-01T00:00:00+23:00", ["a", ["b"]], [{"a": 1}], 1e308, -(10**30), True, "\u202e",
    "\u00e9" * 5000,
)  # fmt: skip


@pytest.mark.parametrize("value", HOSTILE, ids=lambda value: ascii(value)[:30])
async def test_no_value_breaks_a_statement(base: Base, value: Any) -> None:
    for column in COLUMNS:
        for op in ("eq", "neq", "lt", "in", "nin", "between", "contains", "nrlike"):
            found = await base.keys("things", where=(Condition(column, op, value),), limit=-1)
            assert found == sorted(set(found) & {1, 2, 3, 4, 5}), (column, op)


async def test_case_and_equality_follow_the_column(base: Base) -> None:
    both = {"sqlite": [1, 2], "postgres": [2], "mysql": [1, 2]}[base.dialect]
    assert await base.find("things", ("folded", "eq", "ant")) == both
    assert await base.find("things", ("folded", "in", "ant,x")) == both
    assert await base.find("things", ("folded", "neq", "ant")) == sorted({1, 2, 3, 4} - set(both))
    assert await base.find("things", ("folded", "contains", "NT")) == [1, 2]


async def test_conditions_are_joined_as_sql_does(base: Base) -> None:
    assert await base.find("things", ("whole", "gte", "1"), ("whole", "lte", "2")) == [1, 2]
    assert await base.find("things", ("whole", "eq", "1"), ("words", "eq", "ant", True)) == [1, 2]
    # AND binds tighter: 1 OR (2 AND false)
    assert await base.find("things", ("whole", "eq", "1"), ("whole", "eq", "2", True), ("truth", "eq", "1")) == [1]
    # the first connector means nothing
    assert await base.find("things", ("whole", "eq", "1", True), ("truth", "eq", "0")) == []
    # a LIKE of nothing is no condition, and takes its connector with it
    assert await base.find("things", ("words", "contains", ""), ("whole", "eq", "1", True)) == [1]
    assert await base.find("things", ("whole", "eq", "1"), ("words", "contains", "", True)) == [1]
    assert await base.find("things", ("whole", "null", "", False), ("whole", "empty", "", True)) == [4, 5]
    assert await base.find("things") == [1, 2, 3, 4, 5]


@pytest.mark.parametrize(
    ("tree", "ids"),
    (
        ((), [1, 2, 3, 4, 5]),
        (("and", ()), [1, 2, 3, 4, 5]),
        (("or", ()), []),
        (("or", (("cond", "whole", "eq", 1), ("cond", "whole", "eq", 10))), [1, 3]),
        (("or", (("and", (("cond", "truth", "eq", True), ("cond", "whole", "gt", 1))),
        ("cond", "whole", "eq", 0))), [3, 4]),
        (("and", (("or", (("cond", "whole", "eq", 1), ("cond", "whole", "eq", 2))),
        ("cond", "truth", "eq", False))), [2]),
        (("or", (("cond", "words", "contains", ""), ("cond", "whole", "eq", 1))), [1]),
        (("and", (("cond", "words", "contains", ""), ("cond", "whole", "eq", 1))), [1]),
        (("or", (("cond", "words", "contains", ""),)), [1, 2, 3, 4, 5]),
    ),
)  # fmt: skip
async def test_boolean_trees(base: Base, tree: tuple[Any, ...], ids: list[int]) -> None:
    assert await base.keys("things", filter=tree) == ids


async def test_both_forms_of_a_filter_are_joined_by_and(base: Base) -> None:
    where = (Condition("whole", "gte", "1"),)
    assert await base.keys("things", where=where, filter=("cond", "truth", "eq", True), q="a") == [1, 3]


@pytest.mark.parametrize(
    ("q", "ids"),
    (
        ("ant", [1, 2]), ("ANT", [1, 2]), ("%", [1]), ("_", [2]), ("!", [3]), ("\\", [3]), ("1.5", [1]), ("-3.25", [3]),
        ("9007199254740993", [2]), ("nowhere", []), ("", [1, 2, 3, 4, 5]), (" ", []),
        ("2020", []),  # dates are not searched
        ("2222", []),  # nor uuids
        ("true", []),
    ),
)  # fmt: skip
async def test_search_looks_into_text_and_numbers(base: Base, q: str, ids: list[int]) -> None:
    assert await base.keys("things", q=q) == ids


def test_every_column_has_its_cases() -> None:
    assert {column for column, *_ in CASES} | {"folded"} == set(KINDS)
