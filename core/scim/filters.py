"""In charge of filters and orders of SCIM (RFC 7644 §3.4.2): the syntax tree of scim2-models → predicates. Pure.

What needs a look at other rows first is asked for by `wanted` and handed in as `Found`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any

from scim2_models import InvalidFilterException, ScimFilter
from scim2_models.path import (
    AttrPath,
    Comparison,
    FilterNode,
    LogicalExpr,
    LogicalOperator,
    Not,
    Present,
    ValuePath,
)

from core.query.predicate import EVERYTHING, NOTHING, Compare, In, Predicate, Related, all_of, any_of, negate
from core.scim.attributes import (
    ATTRIBUTES,
    MANY,
    MOMENTS,
    ORDER,
    ORDERS,
    Test,
    external,
    plain_text,
    same_id,
    storable_text,
)
from core.scim.refusals import InvalidFilter, InvalidPath
from core.scim.rows import ENTERPRISE_SCHEMA, GROUP, USER, Kind

LONGEST = 8000
"""Characters of a filter."""
MOST = 200
"""Comparisons of a filter."""


@dataclass(frozen=True, slots=True)
class Moment:
    """A comparison with the time at which rows were made or changed: `attribute` of MOMENTS."""

    attribute: str
    op: str
    value: datetime


@dataclass(frozen=True, slots=True)
class Wanted:
    """What must be known before a filter is a predicate: `ids`: are there rows with these? `moments`: which rows?"""

    ids: frozenset[str] = frozenset()
    moments: frozenset[Moment] = frozenset()


@dataclass(frozen=True, slots=True)
class Found:
    """The answers: ids that there are, and the keys of each moment."""

    ids: frozenset[str] = frozenset()
    keys: Mapping[Moment, tuple[Any, ...]] = field(default_factory=lambda: MappingProxyType({}))


def parsed(text: str | None) -> FilterNode | None:
    """The tree of a filter. Raises InvalidFilter."""
    if text is None or not text.strip():
        return None
    if len(text) > LONGEST:
        raise InvalidFilter(f"A filter may have {LONGEST} characters at most.")
    try:
        tree = ScimFilter(text).ast
    except InvalidFilterException as error:
        raise InvalidFilter(error.detail.splitlines()[0]) from None
    if sum(1 for _ in _tests(tree)) > MOST:
        raise InvalidFilter(f"A filter may have {MOST} comparisons at most.")
    return tree


def wanted(kind: Kind, tree: FilterNode) -> Wanted:
    """What `predicate` needs to know. Raises InvalidFilter."""
    ids: set[str] = set()
    moments: set[Moment] = set()
    for node in _tests(tree):
        name = _name(kind, node.attr_path)
        if not isinstance(node, Comparison):
            continue
        if name == "id" and node.op.value in ("eq", "ne") and plain_text(node.value).isdecimal():
            ids.add(plain_text(node.value))
        elif name in MOMENTS:
            moments.update(_moments(name, node.op.value, node.value))
    return Wanted(frozenset(ids), frozenset(moments))


def predicate(kind: Kind, tree: FilterNode | None, found: Found, *, lenient: bool = False) -> Predicate:
    """The rows of a kind that a filter finds. `lenient`: an attribute that the kind does not have is absent.

    Raises InvalidFilter.
    """
    if tree is None:
        return EVERYTHING
    return _Translation(kind, ATTRIBUTES[kind.name], found, lenient).of(tree)


def of_members(path: ValuePath) -> Predicate:
    """The users whom `members[…]` selects, of whatever group. Raises InvalidFilter."""
    user, _, tests, also = MANY[GROUP.name, "members"]
    return all_of((also, _Translation(user, tests, Found(), False).of(path.val_filter)))


def declared(tree: FilterNode | None) -> None:
    """Raises InvalidFilter for an attribute that no kind has."""
    for node in _tests(tree) if tree is not None else ():
        if all(_name(kind, node.attr_path) not in ATTRIBUTES[kind.name] for kind in (USER, GROUP)):
            raise InvalidFilter(f'Unknown attribute "{node.attr_path}"')


def order(kind: Kind, sort_by: str | None, sort_order: str | None, *, lenient: bool = False) -> tuple[str, ...]:
    """The criteria of a list. Raises InvalidPath, InvalidFilter (a direction that is none)."""
    direction = (sort_order or "ascending").lower()
    if direction not in ("ascending", "descending"):
        raise InvalidFilter("sortOrder must be ascending or descending.")
    if not sort_by:
        return ("id",)
    prefix = f"{kind.schema}:".lower()
    found = ORDERS[kind.name].get(sort_by.strip().lower().removeprefix(prefix))
    if found is None and not lenient:
        raise InvalidPath(f'Cannot sort by "{sort_by}".')
    signed = found or ("id",)
    if direction == "ascending" or found is None:
        return signed
    return tuple(one[1:] if one.startswith("-") else f"-{one}" for one in signed)


@dataclass(frozen=True, slots=True)
class _Translation:
    """One filter on its way. `tests`: the attributes that are known where it stands, by lower-case path."""

    kind: Kind
    tests: Mapping[str, Test]
    found: Found
    lenient: bool
    inside: str = ""
    """The attribute whose values are selected from, with a dot."""

    def of(self, node: FilterNode) -> Predicate:
        match node:
            case LogicalExpr(op, terms):
                parts = [self.of(term) for term in terms]
                return all_of(parts) if op == LogicalOperator.and_ else any_of(parts)
            case Not(inner):
                return negate(self.of(inner))
            case ValuePath(path, inner):
                return self._selected(path, inner)
            case Present(path):
                return self._test(path, "pr", None)
            case Comparison(path, op, value):
                return self._test(path, op.value, value)
        raise InvalidFilter("This filter is not valid.")

    def _test(self, path: AttrPath, op: str, value: Any) -> Predicate:
        name = self.inside + _name(self.kind, path)
        if name in MOMENTS:
            return self._moment(name, op, value)
        if name == "id":
            return self._id(op, value)
        test = self.tests.get(name)
        if test is None:
            if self.lenient:
                return NOTHING
            raise InvalidFilter(f'Unknown attribute "{path}"')
        return test(op, value)

    def _selected(self, path: AttrPath, inner: FilterNode) -> Predicate:
        """`members[…]`: one value must fit the whole of what stands in the brackets."""
        name = _name(self.kind, path)
        relation = MANY.get((self.kind.name, name))
        if relation is not None:
            other, link, tests, also = relation
            part = _Translation(other, tests, self.found, self.lenient).of(inner)
            return NOTHING if part == NOTHING else Related(link, all_of((also, part)))
        if self.kind is USER and name == "emails":
            return _Translation(self.kind, self.tests, self.found, self.lenient, "emails.").of(inner)
        if self.lenient and name not in self.tests:
            return NOTHING
        raise InvalidFilter(f'No values can be selected from "{path}"')

    def _id(self, op: str, value: Any) -> Predicate:
        if op == "pr":
            return EVERYTHING
        if op not in ("eq", "ne"):
            return external(op, value)
        text = storable_text(value)
        part = same_id(self.kind.collection, text)
        # Directus 8 took the number of the row for the id; ids that are given still come first.
        if text.isdecimal() and text not in self.found.ids and int(text[:20]) < 1 << 31:
            part = any_of((part, Compare("id", "eq", int(text))))
        return part if op == "eq" else negate(part)

    def _moment(self, name: str, op: str, value: Any) -> Predicate:
        if op == "pr":
            raise InvalidFilter(f'The operator "pr" does not work on "{name}".')
        [first, *others] = [In("id", self.found.keys.get(one, ())) for one in _moments(name, op, value)]
        base: Predicate = first if first.values else NOTHING
        without = any_of(one for one in others if one.values)
        return all_of((base, negate(without)))


# --- names and values -----------------------------------------------------------------------------------------------


def _tests(node: FilterNode | None) -> Iterator[Comparison | Present]:
    """The comparisons of a tree. Those in brackets are named as what they are selected from and their own."""
    match node:
        case LogicalExpr(_, terms):
            for term in terms:
                yield from _tests(term)
        case Not(inner):
            yield from _tests(inner)
        case ValuePath(path, inner):
            for one in _tests(inner):
                whole = AttrPath(path.attr, one.attr_path.attr, path.uri)
                yield Present(whole) if isinstance(one, Present) else Comparison(whole, one.op, one.value)
        case Comparison() | Present():
            yield node


def _name(kind: Kind, path: AttrPath) -> str:
    """The path in lower case, without the schema's own name before it."""
    plain = f"{path.attr}.{path.sub_attr}" if path.sub_attr else path.attr
    uri = (path.uri or "").lower()
    if uri == ENTERPRISE_SCHEMA.lower():
        return f"{uri}:{plain}".lower()
    return (f"{uri}:{plain}" if uri and uri != kind.schema.lower() else plain).lower()


def _moments(name: str, op: str, value: Any) -> tuple[Moment, ...]:
    """The rows of the first without those of the others: changed by then and not since is last changed then."""
    try:
        moment = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        raise InvalidFilter("A time is written like 2011-05-13T04:42:34Z.") from None
    moment = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    at = {one: Moment(name, one, moment) for one in ORDER.values()}
    if name == "meta.created" and op in ORDER:
        return (at[ORDER[op]],)
    pairs = {"gt": ("gt",), "ge": ("gte",), "lt": ("lt", "gte"), "le": ("lte", "gt"), "eq": ("gte", "gt")}
    if op not in pairs:
        raise InvalidFilter(f'Unsupported operator "{op}"')
    return tuple(at[one] for one in pairs[op])
