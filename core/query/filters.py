"""In charge of turning filter input into predicates (spec 03 §5.2, 01 §15.6). Pure; checks names, values, no rights.

Two inputs, one meaning: `Condition`s (REST's flat list with connectors) and nested tuples of the typed GraphQL filter:
("and", parts), ("or", parts), ("cond", field, operator, value), ("rel", field, subtree).

Conditions are those of a client, at the time `now`; or with `now` None those of a rule of permissions: variables count
and the time is left to the statement. What a client's condition only means nothing by (a value that the column cannot
have, a text that is empty) is an error in a rule, because a rule that nobody understands must not let anything through.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any

from core.catalog.model import Collection, Field, Snapshot, ToMany, ToOne
from core.errors import FieldNotFound, InvalidField, UnknownOperator, Unprocessable
from core.query.predicate import (
    EVERYTHING,
    NOTHING,
    Bound,
    Compare,
    In,
    IsEmpty,
    IsNull,
    Like,
    Predicate,
    Related,
    RelatedCount,
    Search,
    all_of,
    any_of,
    hops,
    negate,
    pattern,
    substring,
)
from core.query.selection import Condition
from core.query.variables import PRESENT, UnknownVariable, Variable, bound, variable
from core.query.window import MAX_INT
from core.types.cast import Uncastable, cast, is_now, now_value, ordered
from core.types.structured import storable

ALIASES = {
    "=": "eq", "!=": "neq", "<>": "neq", "<": "lt", "<=": "lte", ">": "gt", ">=": "gte",
    "like": "contains", "nlike": "ncontains",
}  # fmt: skip
ORDERING = ("lt", "lte", "gt", "gte")
LIKES = ("contains", "ncontains", "rlike", "nrlike")
OPERATORS = frozenset(
    (
        *("eq", "neq", "in", "nin", "between", "nbetween", "null", "nnull", "empty", "nempty", "has", "nhas", "all"),
        *ORDERING,
        *LIKES,
    )
)
MAX_CONDITIONS = 500
MAX_HOPS = 50
MAX_DEPTH = 10
SHOWN = 100
"""Characters of a wrong value of a rule that its message repeats."""
MAX_TEXT = 10_000
"""Characters to search for: SQLite's LIKE takes 50 000 bytes, a character has up to four."""


def from_conditions(
    snapshot: Snapshot, collection: Collection, conditions: Sequence[Condition], now: datetime | None
) -> Predicate:
    """A flat list of conditions with connectors; AND binds tighter than OR, the first connector means nothing.

    Raises InvalidField (422/202), FieldNotFound (404/202, dotted), UnknownOperator (422/214), Unprocessable (422/12).
    """
    if len(conditions) > MAX_CONDITIONS:
        raise Unprocessable(f"A filter may have {MAX_CONDITIONS} conditions at most.")
    groups: list[list[Predicate]] = [[]]
    for position, item in enumerate(conditions):
        part = _path(snapshot, collection, item.field, item.op, item.value, now)
        if part is None:
            if now is None:
                raise Unprocessable(f'The condition on "{item.field}" needs a text.')
            continue
        if item.either and position and groups[-1]:
            groups.append([])
        groups[-1].append(part)
    return _affordable(any_of(all_of(group) for group in groups) if groups[0] else EVERYTHING)


def _affordable(part: Predicate) -> Predicate:
    """Raises Unprocessable when a filter goes through too many relations: planning them alone stalls a database."""
    if hops(part) > MAX_HOPS:
        raise Unprocessable(f"A filter may go through {MAX_HOPS} relations at most.")
    return part


def from_tree(
    snapshot: Snapshot, collection: Collection, tree: Sequence[Any], now: datetime | None, depth: int = 0
) -> Predicate:
    """The nested tuples of a typed filter. Raises as `from_conditions`."""
    if not tree:
        return EVERYTHING
    found = _tree(snapshot, collection, tree, now, depth)
    if _size(tree) > MAX_CONDITIONS:
        raise Unprocessable(f"A filter may have {MAX_CONDITIONS} conditions at most.")
    return EVERYTHING if found is None else _affordable(found)


def _size(tree: Sequence[Any]) -> int:
    """How many conditions a typed filter has."""
    match tree:
        case ("and" | "or", parts):
            return sum(_size(part) for part in parts)
        case ("rel", _, inner):
            return _size(inner)
    return 1


def _tree(
    snapshot: Snapshot, collection: Collection, tree: Sequence[Any], now: datetime | None, depth: int
) -> Predicate | None:
    """A part of a typed filter; None when all its conditions disappear, so that an `or` has one part less."""
    if depth > MAX_DEPTH:
        raise Unprocessable(f"A filter may be nested {MAX_DEPTH} levels at most.")
    match tree[0] if tree else "":
        case "and" | "or" as word:
            parts = [_tree(snapshot, collection, part, now, depth + 1) for part in tree[1]]
            kept = [part for part in parts if part is not None]
            if parts and not kept:
                return None
            return all_of(kept) if word == "and" else any_of(kept)
        case "cond":
            return _condition(snapshot, collection, tree[1], tree[2], tree[3], now)
        case "rel":
            relation = collection.relations.get(tree[1])
            if relation is None:
                raise FieldNotFound(tree[1])
            target = snapshot.collections[relation.target]
            return Related(tree[1], from_tree(snapshot, target, tree[2], now, depth + 1))
    raise Unprocessable("This filter is not valid.")


def _path(
    snapshot: Snapshot, collection: Collection, path: str, op: str, value: Any, now: datetime | None
) -> Predicate | None:
    """One condition; a dotted path is a chain of semi-joins, each segment but the last a relation."""
    if "." not in path or path in collection.fields:
        if path not in collection.fields:
            raise InvalidField(path, collection.name)
        return _condition(snapshot, collection, path, op, value, now)
    head, rest = path.split(".", 1)
    if rest.count(".") >= MAX_DEPTH:
        raise Unprocessable(f"A filter path may have {MAX_DEPTH} levels at most.")
    chain: list[str] = []
    at = collection
    while True:
        relation = at.relations.get(head)
        if relation is None:
            raise FieldNotFound(head)
        chain.append(head)
        at = snapshot.collections[relation.target]
        if "." not in rest:
            break
        head, rest = rest.split(".", 1)
    if rest not in at.fields:
        raise FieldNotFound(rest)
    part = _condition(snapshot, at, rest, op, value, now)
    if part is None:
        return None
    for name in reversed(chain):
        part = Related(name, part)
    return part


def _condition(
    snapshot: Snapshot, collection: Collection, name: str, op: str, value: Any, now: datetime | None
) -> Predicate | None:
    """A condition on a field of `collection`; None when it disappears (an empty LIKE)."""
    op = ALIASES.get(op, op)
    if op not in OPERATORS:
        raise UnknownOperator(op)
    field = collection.fields.get(name)
    if field is None:
        raise InvalidField(name, collection.name)
    relation = collection.relations.get(name)
    if isinstance(relation, ToMany):
        return _to_many(snapshot, relation, op, value, now)
    if field.is_alias:
        raise InvalidField(name, collection.name)
    if op in ("has", "nhas", "all"):
        raise Unprocessable(f'The filter "{op}" works on fields with many related items only, not on "{name}".')
    if op in ("null", "nnull"):
        return IsNull(name) if op == "null" else negate(IsNull(name))
    if op in ("empty", "nempty"):
        return IsEmpty(name) if op == "empty" else negate(IsEmpty(name))
    if op in LIKES:
        return _like(name, op, value, relation, strict=now is None)
    if op in ("in", "nin"):
        return _membership(collection, field, elements(value), op, now)
    if op in ("between", "nbetween"):
        return _between(collection, field, elements(value), op, now)
    return _compare(collection, field, op, value, now)


def elements(value: Any) -> list[Any]:
    """Values of a list operator: a list (or PHP map) as it is, a scalar split at commas, untrimmed."""
    if isinstance(value, (list, tuple)):
        return list(value)
    if isinstance(value, dict):
        return list(value.values())
    return str(value).split(",") if isinstance(value, str) else [value]


def _caster(collection: Collection, field: Field, now: datetime | None) -> Callable[[Any], Any]:
    system = collection.is_system

    def convert(value: Any) -> Any:
        if now is None:
            part = PRESENT if is_now(field, value) else _variable(value)
            return cast(field, value, system=system) if part is None else bound(part, field)
        if is_now(field, value):
            return now_value(field, now, system)
        return cast(field, value, system=system)

    return convert


def _variable(value: Any) -> Variable | None:
    try:
        return variable(value)
    except UnknownVariable:
        raise Unprocessable(f'"{value}" is no variable.') from None


def _misfit(name: str, value: Any) -> Unprocessable:
    """Of a rule: a value that no item can have, or cannot be searched for."""
    return Unprocessable(f'"{str(value)[:SHOWN]}" is no value to compare "{name}" with.')


def _compare(collection: Collection, field: Field, op: str, value: Any, now: datetime | None) -> Predicate:
    """eq, neq and the orderings. A value that is none of the column's matches nothing (neq: everything not null)."""
    if value is None:
        if op == "eq":
            return IsNull(field.name)
        return negate(IsNull(field.name)) if op == "neq" else _none(field.name)
    try:
        if op in ORDERING and not is_now(field, value) and not (now is None and _variable(value)):
            return Compare(field.name, *ordered(field, op, value, system=collection.is_system))
        return Compare(field.name, op, _caster(collection, field, now)(value))
    except Uncastable:
        if now is None:
            raise _misfit(field.name, value) from None
        return negate(IsNull(field.name)) if op == "neq" else _none(field.name)


def _none(name: str) -> Predicate:
    """No item. The field stays in it, so that a hidden one is refused whatever it is compared with."""
    return In(name, ())


def searching(text: str | None) -> Predicate:
    """The predicate of `q` (spec 03 §5.6): literal, not split, not trimmed. Raises Unprocessable beyond MAX_TEXT."""
    if not text:
        return EVERYTHING
    _bounded(text)
    return Search(substring(text), deep=True, otherwise=True) if storable(text) else NOTHING


def _membership(
    collection: Collection, field: Field, values: Iterable[Any], op: str, now: datetime | None
) -> Predicate:
    convert = _caster(collection, field, now)
    found: list[Any] = []
    for value in values:
        if value is None:
            continue
        try:
            found.append(convert(value))
        except Uncastable:
            if now is None:
                raise _misfit(field.name, value) from None
            continue
    if not found:
        if now is None:
            raise _misfit(field.name, None)
        return _none(field.name) if op == "in" else negate(IsNull(field.name))
    # What the context fills in cannot be part of a list of constants
    parts: list[Predicate] = [Compare(field.name, "eq", value) for value in found if isinstance(value, Bound)]
    constants = tuple(value for value in found if not isinstance(value, Bound))
    part = any_of((*parts, In(field.name, constants)) if constants else parts)
    return part if op == "in" else negate(part)


def _between(collection: Collection, field: Field, values: Sequence[Any], op: str, now: datetime | None) -> Predicate:
    if len(values) < 2:
        if now is None:
            raise _misfit(field.name, values)
        return _none(field.name)
    low = _compare(collection, field, "gte", values[0], now)
    high = _compare(collection, field, "lte", values[-1], now)
    if _none(field.name) in (low, high):
        return _none(field.name) if op == "between" else negate(IsNull(field.name))
    part = all_of((low, high))
    return part if op == "between" else negate(part)


def _like(name: str, op: str, value: Any, relation: ToOne | ToMany | None, *, strict: bool) -> Predicate | None:
    if strict and (isinstance(value, list | tuple | dict) or _variable(value) is not None):
        raise _misfit(name, value)
    text = _text(value)
    if text == "":
        return None
    _bounded(text)
    if not storable(text):  # no database holds it, and the drivers refuse it
        return negate(IsNull(name)) if op.startswith("n") else _none(name)
    wanted = pattern(text) if op in ("rlike", "nrlike") else substring(text)
    part: Predicate
    if isinstance(relation, ToOne) and op in ("contains", "ncontains"):
        part = Related(name, Search(wanted))
    else:
        part = Like(name, wanted)
    return negate(part) if op.startswith("n") else part


def _bounded(text: str) -> None:
    if len(text) > MAX_TEXT:
        raise Unprocessable(f"A text to search for may have {MAX_TEXT} characters at most.")


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "1" if value else "0"
    return str(value)


def _to_many(snapshot: Snapshot, relation: ToMany, op: str, value: Any, now: datetime | None) -> Predicate:
    """Conditions on an O2M field itself: has, nhas, all, empty, nempty, eq, in (spec 03 §5.2, table of O2M fields)."""
    some = Related(relation.field, EVERYTHING)
    match op:
        case "empty":
            return negate(some)
        case "nempty":
            return some
        case "has" | "nhas":
            part = _at_least(relation.field, value)
            return negate(part) if op == "nhas" else part
        case "all":
            wanted = [item.strip() if isinstance(item, str) else item for item in elements(value)]
            return all_of(_holds(snapshot, relation, (item,), now) for item in wanted)
        case "eq":
            return _holds(snapshot, relation, (value,), now)
        case "in":
            return _holds(snapshot, relation, tuple(elements(value)), now)
    raise Unprocessable(f'The filter "{op}" does not work on "{relation.field}", which has many related items.')


def _at_least(name: str, value: Any) -> Predicate:
    try:
        count = int(str(value).strip() or 1)
    except ValueError:
        raise Unprocessable(f'The filter on "{name}" needs a number of items.') from None
    if count <= 0:  # has=0 means "no related rows"
        return negate(Related(name, EVERYTHING))
    if count == 1:
        return Related(name, EVERYTHING)
    return RelatedCount(name, EVERYTHING, min(count, MAX_INT))  # there are never more, and drivers refuse it


def _holds(snapshot: Snapshot, relation: ToMany, values: Sequence[Any], now: datetime | None) -> Predicate:
    """Related to one of the ids: child keys for O2M, values of the junction's far key for M2M."""
    target = snapshot.collections[relation.target]
    name = relation.junction_field or target.primary_key
    if name is None:
        raise Unprocessable(f'Items of "{target.name}" have no key to filter by.')
    return Related(relation.field, _membership(target, target.fields[name], values, "in", now))
