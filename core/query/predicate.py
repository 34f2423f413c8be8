"""In charge of conditions on the items of one collection, as data. Pure; knows no SQL and no permissions.

Semantics are those of SQL's three-valued logic; an item matches when the predicate is true. Field names are those of
the collection at hand; `Related` and `RelatedCount` step into the target of the relation. Values are canonical Python
values (see `core.types.cast`), or a `Bound` that the context fills in when the statement runs, so that plans of one
role can be shared by its users.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Bound:
    """A value of the request's context: "user" (id of the caller) or "role" (his role)."""

    name: str


@dataclass(frozen=True, slots=True)
class Param:
    """A value of the request, by its place in the request's list of values: what makes a plan reusable."""

    index: int


@dataclass(frozen=True, slots=True)
class Everything:
    """True for every item."""


@dataclass(frozen=True, slots=True)
class Nothing:
    """True for no item."""


@dataclass(frozen=True, slots=True)
class And:
    parts: tuple[Predicate, ...]


@dataclass(frozen=True, slots=True)
class Or:
    parts: tuple[Predicate, ...]


@dataclass(frozen=True, slots=True)
class Not:
    part: Predicate


@dataclass(frozen=True, slots=True)
class Compare:
    """`op` is one of eq neq lt lte gt gte."""

    field: str
    op: str
    value: Any


@dataclass(frozen=True, slots=True)
class In:
    """`values` are canonical and without None (or a Param for all of them); an empty tuple matches nothing."""

    field: str
    values: tuple[Any, ...] | Param


@dataclass(frozen=True, slots=True)
class Between:
    """Inclusive."""

    field: str
    low: Any
    high: Any


@dataclass(frozen=True, slots=True)
class IsNull:
    field: str


@dataclass(frozen=True, slots=True)
class IsEmpty:
    """NULL or '' (text), 0 (numbers), false (booleans); dates: NULL only (spec 03 §5.2)."""

    field: str


@dataclass(frozen=True, slots=True)
class Like:
    """Case-insensitive LIKE; `pattern` escapes with `!` (see `substring`, `pattern`).

    Numbers and dates are compared by their text as answered.
    """

    field: str
    pattern: str | Param


@dataclass(frozen=True, slots=True)
class Search:
    """Some text or number column of the collection is LIKE `pattern`. Restriction expands it to what may be read.

    `deep`: also through relations, as `q` does (spec 03 §5.6). Without any searchable column: `otherwise`.
    """

    pattern: str | Param
    deep: bool = False
    otherwise: bool = False


@dataclass(frozen=True, slots=True)
class Related:
    """To-one: the target item matches; to-many: at least one target item does (a semi-join).

    `trusted`: added by the server itself (owner rules), so restriction does not rewrite what is inside.
    """

    field: str
    part: Predicate
    trusted: bool = False


@dataclass(frozen=True, slots=True)
class RelatedCount:
    """To-many: at least `count` (≥ 1) target items match `part`."""

    field: str
    part: Predicate
    count: int


@dataclass(frozen=True, slots=True)
class Names:
    """A row of history (columns `collection` and `item`) names an item of `collection` that matches `part`.

    Everything: whatever item, also one that is gone. Only restriction makes these; clients' filters hold none.
    """

    collection: str
    part: Predicate


Predicate = (
    Everything
    | Nothing
    | And
    | Or
    | Not
    | Compare
    | In
    | Between
    | IsNull
    | IsEmpty
    | Like
    | Search
    | Related
    | RelatedCount
    | Names
)

EVERYTHING = Everything()
NOTHING = Nothing()


def all_of(parts: Iterable[Predicate]) -> Predicate:
    """Conjunction, simplified: no Everything inside, Nothing absorbs, nested Ands are flattened."""
    flat: list[Predicate] = []
    for part in parts:
        if isinstance(part, Nothing):
            return NOTHING
        if isinstance(part, And):
            flat.extend(part.parts)
        elif not isinstance(part, Everything):
            flat.append(part)
    if not flat:
        return EVERYTHING
    return flat[0] if len(flat) == 1 else And(tuple(flat))


def any_of(parts: Iterable[Predicate]) -> Predicate:
    """Disjunction, simplified: no Nothing inside, Everything absorbs, nested Ors are flattened."""
    flat: list[Predicate] = []
    for part in parts:
        if isinstance(part, Everything):
            return EVERYTHING
        if isinstance(part, Or):
            flat.extend(part.parts)
        elif not isinstance(part, Nothing):
            flat.append(part)
    if not flat:
        return NOTHING
    return flat[0] if len(flat) == 1 else Or(tuple(flat))


def negate(part: Predicate) -> Predicate:
    """Negation in three-valued logic (NULL stays unknown), simplified where that is exact."""
    if isinstance(part, Everything):
        return NOTHING
    if isinstance(part, Nothing):
        return EVERYTHING
    if isinstance(part, Not):
        return part.part
    return Not(part)


def hops(part: Predicate) -> int:
    """How many semi-joins a predicate is made of: what it costs a database most."""
    match part:
        case And(parts) | Or(parts):
            return sum(hops(item) for item in parts)
        case Not(inner):
            return hops(inner)
        case Related(_, inner) | RelatedCount(_, inner):
            return 1 + hops(inner)
    return 0


def substring(text: str) -> str:
    """LIKE pattern that finds `text` literally, anywhere; escape character `!`."""
    return "%" + text.replace("!", "!!").replace("%", "!%").replace("_", "!_") + "%"


def pattern(text: str) -> str:
    """A raw LIKE pattern (backslash escapes, as in MySQL) with the escape character `!`."""
    out: list[str] = []
    escaped = False
    for char in text:
        if escaped:
            out.append("!" + char if char in "%_!" else ("!!" if char == "!" else char))
            escaped = False
        elif char == "\\":
            escaped = True
        else:
            out.append("!!" if char == "!" else char)
    return "".join(out) + ("\\" if escaped else "")


def parametrise(
    part: Predicate, values: list[Any], stays: Callable[[str, Any], bool] = lambda field, value: False
) -> Predicate:
    """The predicate's shape: every constant value is moved to the end of `values` and replaced by its Param.

    `stays`: comparisons of a field with a value that remain as they are, because the plan depends on them.
    """
    match part:
        case Compare(field, "eq", value) if stays(field, value):
            return part
        case Compare(field, op, value):
            return Compare(field, op, _param(value, values))
        case In(field, items) if not isinstance(items, Param):
            return In(field, _param(items, values))
        case Between(field, low, high):
            return Between(field, _param(low, values), _param(high, values))
        case Like(field, text):
            return Like(field, _param(text, values))
        case Search(text, deep, otherwise):
            return Search(_param(text, values), deep, otherwise)
        case And(parts):
            return And(tuple(parametrise(item, values, stays) for item in parts))
        case Or(parts):
            return Or(tuple(parametrise(item, values, stays) for item in parts))
        case Not(inner):
            return Not(parametrise(inner, values, stays))
        case Related(field, inner, trusted):
            return Related(field, parametrise(inner, values), trusted)
        case RelatedCount(field, inner, count):
            return RelatedCount(field, parametrise(inner, values), count)
    return part


def _param(value: Any, values: list[Any]) -> Any:
    if isinstance(value, (Param, Bound)):
        return value
    values.append(value)
    return Param(len(values) - 1)
