"""In charge of what filters and orders may name: attributes of SCIM → tests on columns. Pure.

Filters of SCIM know two truth values, those of SQL three: each test is false, not unknown, where there is no value.
Texts are compared without regard to case; what is less or more is up to the database's collation.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from core.query.predicate import (
    EVERYTHING,
    NOTHING,
    Compare,
    IsEmpty,
    IsNull,
    Like,
    Predicate,
    Related,
    all_of,
    any_of,
    negate,
)
from core.scim import rows
from core.scim.refusals import InvalidFilter
from core.scim.rows import ENTERPRISE_SCHEMA, GROUP, ROLES, USER, USERS, Kind
from core.types.structured import storable

ORDER = {"gt": "gt", "ge": "gte", "lt": "lt", "le": "lte"}
MOMENTS = ("meta.created", "meta.lastmodified")
VISIBLE = negate(Compare("status", "eq", "deleted"))
"""Deleted users are members of nothing."""
MOST_SPACES = 8

Test = Callable[[str, Any], Predicate]
"""(operator, or "pr"; value) → predicate."""


def plain_text(value: Any) -> str:
    """A text, or a number as its digits; "" for anything else."""
    if isinstance(value, str):
        return value
    return "" if value is None or isinstance(value, bool) else str(value)


def storable_text(value: Any) -> str:
    """The text that an attribute is compared with. Raises InvalidFilter."""
    if value is None or isinstance(value, bool):
        raise InvalidFilter("A text can be compared with a text only.")
    text = plain_text(value)
    if not storable(text):
        raise InvalidFilter("The filter holds text that cannot be stored.")
    return text


def _escaped(text: str) -> str:
    return text.replace("!", "!!").replace("%", "!%").replace("_", "!_")


def _like(name: str, op: str, text: str) -> Predicate:
    before, after = {"eq": ("", ""), "co": ("%", "%"), "sw": ("", "%"), "ew": ("%", "")}[op]
    return all_of((negate(IsNull(name)), Like(name, before + _escaped(text) + after)))


def column(name: str) -> Test:
    """An attribute that is a column of text, compared without regard to case."""

    def test(op: str, value: Any) -> Predicate:
        if op == "pr":
            return negate(IsEmpty(name))
        if value is None and op in ("eq", "ne"):
            return IsNull(name) if op == "eq" else negate(IsNull(name))
        text = storable_text(value)
        if op == "ne":
            return negate(_like(name, "eq", text))
        if op in ORDER:
            return all_of((negate(IsNull(name)), Compare(name, ORDER[op], text)))
        return _like(name, op, text)

    return test


def external(op: str, value: Any) -> Predicate:
    """`externalId`, which is compared with its case."""
    if op in ("eq", "ne") and value is not None:
        part = all_of((negate(IsNull("external_id")), Compare("external_id", "eq", storable_text(value))))
        return part if op == "eq" else negate(part)
    return column("external_id")(op, value)


def same_id(collection: str, text: str) -> Predicate:
    """The row with this id, in two truth values."""
    own = all_of((negate(IsNull("external_id")), Compare("external_id", "eq", text)))
    key = rows.key_in(collection, text)
    if key is None:
        return own
    return any_of((own, all_of((IsNull("external_id"), Compare("id", "eq", key)))))


def constant(always: Any) -> Test:
    """An attribute that has the same value in all resources."""

    def test(op: str, value: Any) -> Predicate:
        if op == "pr":
            return EVERYTHING
        return EVERYTHING if _holds(always, op, value) else NOTHING

    return test


def _holds(one: Any, op: str, other: Any) -> bool:
    if isinstance(one, bool) or isinstance(other, bool):
        if op not in ("eq", "ne"):
            raise InvalidFilter(f'Unsupported operator "{op}"')
        return bool((one is other) == (op == "eq"))
    one, other = one.lower(), storable_text(other).lower()
    return bool({
        "eq": one == other, "ne": one != other, "co": other in one, "sw": one.startswith(other),
        "ew": one.endswith(other), "gt": one > other, "ge": one >= other, "lt": one < other, "le": one <= other,
    }[op])  # fmt: skip


def _active(op: str, value: Any) -> Predicate:
    if op == "pr":
        return EVERYTHING
    if isinstance(value, str) and value.lower() in ("true", "false"):
        value = value.lower() == "true"
    if op not in ("eq", "ne") or not isinstance(value, bool):
        raise InvalidFilter('"active" is compared with true or false, by eq or ne.')
    part = Compare("status", "eq", rows.ACTIVE)
    return part if value == (op == "eq") else negate(part)


def _full(op: str, value: Any) -> Predicate:
    """The full name: given name and family name with a space between, or the one that there is."""
    first, last = column("first_name"), column("last_name")
    if op == "pr":
        return any_of((first("pr", None), last("pr", None)))
    if value is None or op in ORDER:
        raise InvalidFilter(f'Unsupported operator "{op}"')
    text = storable_text(value)
    if op == "ne":
        return negate(_full("eq", text))
    places = [place for place, sign in enumerate(text) if sign == " "]
    if len(places) > MOST_SPACES:
        raise InvalidFilter(f"A full name may have {MOST_SPACES} spaces at most.")
    left, right = {"eq": ("eq", "eq"), "sw": ("eq", "sw"), "ew": ("ew", "eq"), "co": ("ew", "sw")}[op]
    both = (first("pr", None), last("pr", None))
    parts = [all_of((*both, first(left, text[:place]), last(right, text[place + 1 :]))) for place in places]
    parts.append(all_of((first(op, text), IsEmpty("last_name"))))
    parts.append(all_of((last(op, text), IsEmpty("first_name"))))
    if op in ("sw", "co"):
        parts.append(first(op, text))
    if op in ("ew", "co"):
        parts.append(last(op, text))
    return any_of(parts)


def _located(kind: Kind) -> Test:
    def test(op: str, value: Any) -> Predicate:
        if op == "pr":
            return EVERYTHING
        if op not in ("eq", "ne"):
            raise InvalidFilter(f'Unsupported operator "{op}"')
        _, _, own = storable_text(value).rpartition(f"/{kind.endpoint}/")
        part = same_id(kind.collection, own)
        return part if op == "eq" else negate(part)

    return test


def _of(link: str, test: Test, also: Predicate = EVERYTHING) -> Test:
    """An attribute of related rows: some of them have it. `ne`: some have another one."""

    def found(op: str, value: Any) -> Predicate:
        part = all_of((also, test(op, value)))
        return NOTHING if part == NOTHING else Related(link, part)

    return found


def _identity(collection: str) -> Test:
    def test(op: str, value: Any) -> Predicate:
        if op == "pr":
            return EVERYTHING
        if op not in ("eq", "ne"):
            return external(op, value)
        part = same_id(collection, storable_text(value))
        return part if op == "eq" else negate(part)

    return test


MEMBER: Mapping[str, Test] = {
    "value": _identity(USERS), "$ref": _located(USER), "display": _full, "type": constant("User"),
}  # fmt: skip
MEMBERSHIP: Mapping[str, Test] = {
    "value": _identity(ROLES), "$ref": _located(GROUP), "display": column("name"), "type": constant("direct"),
}  # fmt: skip
OF_ROLES: Mapping[str, Test] = {"value": column("name"), "primary": constant(True)}
MANY: Mapping[tuple[str, str], tuple[Kind, str, Mapping[str, Test], Predicate]] = {
    ("Group", "members"): (USER, "users", MEMBER, VISIBLE),
    ("User", "groups"): (GROUP, "role", MEMBERSHIP, EVERYTHING),
    ("User", "roles"): (GROUP, "role", OF_ROLES, EVERYTHING),
}


def _through(kind: str) -> dict[str, Test]:
    """`members`, `members.value` and so on: the same as in brackets, one by one."""
    found: dict[str, Test] = {}
    for (owner, name), (_, link, tests, also) in MANY.items():
        if owner == kind:
            found |= {f"{name}.{sub}": _of(link, test, also) for sub, test in tests.items()}
            found[name] = found[f"{name}.value"]
    return found


_COMMON: Mapping[str, Test] = {"id": constant(""), "externalid": external, **dict.fromkeys(MOMENTS, constant(""))}
ATTRIBUTES: Mapping[str, Mapping[str, Test]] = {
    "User": {
        **_COMMON,
        "username": column("email"),
        "emails": column("email"),
        "emails.value": column("email"),
        "emails.type": constant("work"),
        "emails.primary": constant(True),
        "name.givenname": column("first_name"),
        "name.familyname": column("last_name"),
        "name.formatted": _full,
        "displayname": _full,
        "title": column("title"),
        "locale": column("locale"),
        "preferredlanguage": column("locale"),
        "timezone": column("timezone"),
        "active": _active,
        f"{ENTERPRISE_SCHEMA}:organization".lower(): column("company"),
        "meta.resourcetype": constant("User"),
        "meta.location": _located(USER),
        **_through("User"),
    },
    "Group": {
        **_COMMON,
        "displayname": column("name"),
        "meta.resourcetype": constant("Group"),
        "meta.location": _located(GROUP),
        **_through("Group"),
    },
}
"""Attributes that filters may name, by their paths in lower case."""

_SORTED: Mapping[str, tuple[str, ...]] = {
    "id": ("external_id",),
    "externalid": ("external_id",),
    "meta.created": ("id",),
}
ORDERS: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "User": {
        **_SORTED,
        "username": ("email",),
        "emails": ("email",),
        "emails.value": ("email",),
        "name.givenname": ("first_name",),
        "name.familyname": ("last_name",),
        "name.formatted": ("first_name", "last_name"),
        "displayname": ("first_name", "last_name"),
        "title": ("title",),
        "locale": ("locale",),
        "preferredlanguage": ("locale",),
        "timezone": ("timezone",),
        # false comes before true; of all statuses `active` is the first
        "active": ("-status",),
        f"{ENTERPRISE_SCHEMA}:organization".lower(): ("company",),
    },
    "Group": {**_SORTED, "displayname": ("name",)},
}
"""Attributes that lists may be sorted by, and the columns behind them."""
