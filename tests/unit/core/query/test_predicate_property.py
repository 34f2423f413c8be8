"""Predicates mean the same before and after they are simplified, on rows with NULL, by SQL's three-valued logic.

The judge is a plain evaluator: it knows no rule of simplification.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from core.query import alone
from core.query.predicate import (
    EVERYTHING,
    NOTHING,
    And,
    Between,
    Compare,
    Everything,
    In,
    IsEmpty,
    IsNull,
    Not,
    Nothing,
    Or,
    Param,
    Predicate,
    Related,
    RelatedCount,
    all_of,
    any_of,
    hops,
    negate,
    parametrise,
)

Row = dict[str, Any]
"""Numbers under `a` and `b`, a row or None under `one`, a list of rows under `many`."""

COMPARISONS = {
    "eq": lambda one, other: one == other, "neq": lambda one, other: one != other,
    "lt": lambda one, other: one < other, "lte": lambda one, other: one <= other,
    "gt": lambda one, other: one > other, "gte": lambda one, other: one >= other,
}  # fmt: skip


def truth(part: Predicate, row: Row) -> bool | None:
    """True, False, or None for what SQL calls unknown."""
    match part:
        case Everything():
            return True
        case Nothing():
            return False
        case And(parts):
            return every(truth(one, row) for one in parts)
        case Or(parts):
            return opposite(every(opposite(truth(one, row)) for one in parts))
        case Not(inner):
            return opposite(truth(inner, row))
        case Compare(field, op, value):
            return None if row[field] is None else COMPARISONS[op](row[field], value)
        case In(field, values):
            assert isinstance(values, tuple)
            return False if not values else None if row[field] is None else row[field] in values
        case Between(field, low, high):
            return None if row[field] is None else low <= row[field] <= high
        case IsNull(field):
            return row[field] is None
        case IsEmpty(field):
            return row[field] in (None, 0)
        case Related(field, inner):
            related = row[field]
            if not isinstance(related, list):
                related = [] if related is None else [related]
            return any(truth(inner, one) is True for one in related)  # EXISTS is never unknown
        case RelatedCount(field, inner, count):
            return sum(truth(inner, one) is True for one in row[field]) >= count
    raise AssertionError(part)


def every(found: Iterable[bool | None]) -> bool | None:
    known = list(found)
    return False if False in known else None if None in known else True


def opposite(found: bool | None) -> bool | None:
    return None if found is None else not found


def simplified(part: Predicate) -> Predicate:
    """The same, built by the functions that simplify."""
    match part:
        case And(parts):
            return all_of(simplified(one) for one in parts)
        case Or(parts):
            return any_of(simplified(one) for one in parts)
        case Not(inner):
            return negate(simplified(inner))
        case Related(field, inner, trusted):
            return Related(field, simplified(inner), trusted)
        case RelatedCount(field, inner, count):
            return RelatedCount(field, simplified(inner), count)
    return part


def below(part: Predicate) -> tuple[Predicate, ...]:
    match part:
        case And(parts) | Or(parts):
            return parts
        case Not(inner) | Related(_, inner) | RelatedCount(_, inner):
            return (inner,)
    return ()


def inside(part: Predicate) -> Iterable[Predicate]:
    yield part
    for one in below(part):
        yield from inside(one)


NUMBERS = st.integers(-1, 2)
FIELDS = st.sampled_from("ab")
LEAVES = st.one_of(
    st.just(EVERYTHING),
    st.just(NOTHING),
    st.builds(Compare, FIELDS, st.sampled_from(sorted(COMPARISONS)), NUMBERS),
    st.builds(In, FIELDS, st.lists(NUMBERS, max_size=3).map(tuple)),
    st.builds(Between, FIELDS, NUMBERS, NUMBERS),
    st.builds(IsNull, FIELDS),
    st.builds(IsEmpty, FIELDS),
)
JOINED = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.builds(And, st.lists(inner, max_size=3).map(tuple)),
        st.builds(Or, st.lists(inner, max_size=3).map(tuple)),
        st.builds(Not, inner),
    ),
    max_leaves=8,
)
# A related row has no relations of its own, so they are stepped into once
PREDICATES = st.recursive(
    st.one_of(
        JOINED,
        st.builds(Related, st.sampled_from(["one", "many"]), JOINED),
        st.builds(RelatedCount, st.just("many"), JOINED, st.integers(1, 3)),
    ),
    lambda inner: st.one_of(
        st.builds(And, st.lists(inner, max_size=3).map(tuple)),
        st.builds(Or, st.lists(inner, max_size=3).map(tuple)),
        st.builds(Not, inner),
    ),
    max_leaves=5,
)
PLAIN = st.fixed_dictionaries({"a": st.none() | NUMBERS, "b": st.none() | NUMBERS})
ROWS = st.builds(
    lambda row, one, many: {**row, "one": one, "many": many},
    PLAIN, st.none() | PLAIN, st.lists(PLAIN, max_size=3),
)  # fmt: skip


@settings(max_examples=200)
@given(PREDICATES, st.lists(ROWS, min_size=1, max_size=6))
def test_a_simplified_predicate_is_true_false_and_unknown_of_the_same_rows(part: Predicate, rows: list[Row]) -> None:
    simple = simplified(part)
    assert [truth(simple, row) for row in rows] == [truth(part, row) for row in rows]
    assert simplified(simple) == simple


@settings(max_examples=200)
@given(PREDICATES)
def test_nothing_is_left_that_could_be_simplified(part: Predicate) -> None:
    for one in inside(simplified(part)):
        if isinstance(one, And | Or):
            assert len(one.parts) > 1
            assert not any(isinstance(item, Everything | Nothing | type(one)) for item in one.parts)
        if isinstance(one, Not):
            assert not isinstance(one.part, Everything | Nothing | Not)


@given(PREDICATES, ROWS)
def test_joining_is_joining(part: Predicate, row: Row) -> None:
    """Of parts that were not simplified before."""
    parts = below(part) or (part,)
    if isinstance(part, And | Or):
        assert truth(all_of(parts), row) == truth(And(parts), row)
        assert truth(any_of(parts), row) == truth(Or(parts), row)
    assert truth(negate(part), row) == opposite(truth(part, row))
    assert negate(negate(simplified(part))) == simplified(part)
    assert hops(simplified(part)) <= hops(part)


@given(PREDICATES)
def test_a_shape_and_its_values_are_the_predicate(part: Predicate) -> None:
    values: list[Any] = []
    shape = parametrise(part, values)
    assert filled(shape, values) == part
    assert hops(shape) == hops(part)
    other: list[Any] = []
    assert parametrise(shifted(part), other) == shape  # other values of the same number have the same shape
    assert len(other) == len(values)


def filled(part: Predicate, values: list[Any]) -> Predicate:
    """A shape with its values back in place."""

    def value(one: Any) -> Any:
        return values[one.index] if isinstance(one, Param) else one

    return rebuilt(part, value)


def shifted(part: Predicate) -> Predicate:
    def value(one: Any) -> Any:
        return (*(item + 1 for item in one), 7) if isinstance(one, tuple) else one + 1

    return rebuilt(part, value)


def rebuilt(part: Predicate, value: Any) -> Predicate:
    match part:
        case Compare(field, op, one):
            return Compare(field, op, value(one))
        case In(field, items):
            return In(field, value(items))
        case Between(field, low, high):
            return Between(field, value(low), value(high))
        case And(parts):
            return And(tuple(rebuilt(one, value) for one in parts))
        case Or(parts):
            return Or(tuple(rebuilt(one, value) for one in parts))
        case Not(inner):
            return Not(rebuilt(inner, value))
        case Related(field, inner, trusted):
            return Related(field, rebuilt(inner, value), trusted)
        case RelatedCount(field, inner, count):
            return RelatedCount(field, rebuilt(inner, value), count)
    return part


@settings(max_examples=200)
@given(JOINED, PLAIN)
def test_what_a_row_tells_alone_is_the_truth(part: Predicate, row: Row) -> None:
    """A row that is gone is judged by itself; of numbers it knows everything that a database would."""
    assert alone.holds(part, row, {}) == truth(part, row)
