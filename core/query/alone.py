"""In charge of whether a predicate holds of one row, told from the row alone. Pure; what needs a database is unknown.

For rows that are gone: nobody can be asked any more. Three-valued like SQL, with None for everything that a database
might see differently (collations, relations, values of other types), so that True is true on every database.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from core.query.predicate import And, Between, Bound, Compare, Everything, In, IsEmpty, IsNull, Not, Nothing, Or
from core.query.predicate import Predicate as Condition

NUMBERS = (int, float)
Row = Mapping[str, Any]


def holds(part: Condition, row: Row, bound: Mapping[str, Any]) -> bool | None:
    """True, False, or None where the row does not tell. `bound`: values of `Bound`s (`user`, `role`)."""
    match part:
        case Everything():
            return True
        case Nothing():
            return False
        case And(parts):
            return _every(holds(one, row, bound) for one in parts)
        case Or(parts):
            return _not(_every(_not(holds(one, row, bound)) for one in parts))
        case Not(inner):
            return _not(holds(inner, row, bound))
        case Compare(field, op, value):
            return _compare(row, field, op, _value(value, bound))
        case In(field, values) if isinstance(values, tuple):
            found = [_compare(row, field, "eq", _value(value, bound)) for value in values]
            return _not(_every(_not(one) for one in found))
        case Between(field, low, high):
            pair = (("gte", low), ("lte", high))
            return _every(_compare(row, field, op, _value(value, bound)) for op, value in pair)
        case IsNull(field):
            return row[field] is None if field in row else None
        case IsEmpty(field):
            return row[field] in (None, "", 0) if field in row else None
    return None


def _every(found: Iterable[bool | None]) -> bool | None:
    known = list(found)
    if False in known:
        return False
    return None if None in known else True


def _not(found: bool | None) -> bool | None:
    return None if found is None else not found


def _value(value: Any, bound: Mapping[str, Any]) -> Any:
    return bound.get(value.name) if isinstance(value, Bound) else value


def _compare(row: Row, field: str, op: str, value: Any) -> bool | None:
    mine = row.get(field)
    if mine is None or value is None:
        return None
    if isinstance(mine, NUMBERS) and isinstance(value, NUMBERS):
        return {
            "eq": mine == value, "neq": mine != value, "lt": mine < value,
            "lte": mine <= value, "gt": mine > value, "gte": mine >= value,
        }[op]  # fmt: skip
    if op not in ("eq", "neq") or not isinstance(mine, str) or not isinstance(value, str):
        return None
    same = _same(mine, value)
    return same if op == "eq" else _not(same)


def _same(one: str, other: str) -> bool | None:
    """Whether two texts are equal for every collation: case, accents and spaces at the end may or may not count."""
    if one == other:
        return True
    plain = one.isascii() and other.isascii() and one.rstrip().casefold() != other.rstrip().casefold()
    return False if plain else None
