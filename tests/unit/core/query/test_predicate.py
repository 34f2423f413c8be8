"""In charge of showing that predicates are simplified without a change of meaning, and what LIKE patterns mean."""

from __future__ import annotations

import pytest

from core.query.predicate import (
    EVERYTHING,
    NOTHING,
    And,
    Between,
    Bound,
    Compare,
    In,
    IsNull,
    Like,
    Not,
    Or,
    Param,
    Predicate,
    Related,
    RelatedCount,
    Search,
    all_of,
    any_of,
    hops,
    negate,
    parametrise,
    pattern,
    substring,
)

A, B, C = Compare("a", "eq", 1), IsNull("b"), Like("c", "%c%")


@pytest.mark.parametrize(
    ("parts", "conjunction", "disjunction"),
    (
        ((), EVERYTHING, NOTHING),
        ((A,), A, A),
        ((A, B), And((A, B)), Or((A, B))),
        ((A, EVERYTHING), A, EVERYTHING),
        ((A, NOTHING), NOTHING, A),
        ((EVERYTHING, NOTHING), NOTHING, EVERYTHING),
        ((And((A, B)), C), And((A, B, C)), Or((And((A, B)), C))),
        ((Or((A, B)), C), And((Or((A, B)), C)), Or((A, B, C))),
    ),
)
def test_joining(parts: tuple[Predicate, ...], conjunction: Predicate, disjunction: Predicate) -> None:
    assert all_of(parts) == conjunction
    assert any_of(parts) == disjunction


def test_negation() -> None:
    assert negate(A) == Not(A)
    assert negate(negate(A)) == A
    assert negate(EVERYTHING) == NOTHING
    assert negate(NOTHING) == EVERYTHING


@pytest.mark.parametrize(
    ("text", "found"),
    (("a", "%a%"), ("50%", "%50!%%"), ("_", "%!_%"), ("!", "%!!%"), ("\\", "%\\%"), ("!%_", "%!!!%!_%"), (" ", "% %")),
)
def test_substrings_are_literal(text: str, found: str) -> None:
    assert substring(text) == found


@pytest.mark.parametrize(
    ("text", "found"),
    (
        ("a%", "a%"), ("_b", "_b"), ("\\%", "!%"), ("\\_", "!_"), ("a\\b", "ab"), ("\\\\", "\\"), ("a!", "a!!"),
        ("\\!", "!!"), ("a\\", "a\\"), ("\\\\%", "\\%"),
    ),
)  # fmt: skip
def test_patterns_escape_with_a_backslash(text: str, found: str) -> None:
    assert pattern(text) == found


def test_values_leave_the_shape() -> None:
    values: list[object] = ["before"]
    part = And(
        (
            Compare("a", "gt", 5),
            In("a", (1, 2)),
            Or((Between("b", 1, 9), Not(Like("c", "x%")))),
            Related("d", Compare("e", "eq", Bound("user"))),
            RelatedCount("f", Search("%q%", deep=True), 2),
            IsNull("g"),
        )
    )
    assert parametrise(part, values) == And(
        (
            Compare("a", "gt", Param(1)),
            In("a", Param(2)),
            Or((Between("b", Param(3), Param(4)), Not(Like("c", Param(5))))),
            Related("d", Compare("e", "eq", Bound("user"))),
            RelatedCount("f", Search(Param(6), deep=True), 2),
            IsNull("g"),
        )
    )
    assert values == ["before", 5, (1, 2), 1, 9, "x%", "%q%"]


def test_hops_are_semi_joins() -> None:
    inner = Related("d", And((A, Related("e", B))))
    assert [hops(part) for part in (A, EVERYTHING, inner, Not(inner), Or((inner, A, inner)))] == [0, 0, 2, 2, 4]
    assert hops(RelatedCount("f", inner, 3)) == 3


def test_requests_that_differ_in_values_have_one_shape() -> None:
    shapes = {
        parametrise(all_of((Compare("a", "eq", value), In("b", tuple(range(value))), Like("c", str(value)))), [])
        for value in (0, 1, 2, 3)
    }
    assert len(shapes) == 1
