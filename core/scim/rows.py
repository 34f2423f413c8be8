"""In charge of users and roles as SCIM shows them: rows → representations, and ids that rows without one have. Pure.

It must not read anything, nor know what was asked for.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote
from uuid import UUID

import orjson

from core.query.predicate import NOTHING, Compare, IsNull, Predicate, all_of, any_of
from core.query.selection import Leaf, Nested, Selection, Window
from core.types.structured import storable

USERS, ROLES = "directus_users", "directus_roles"
USER_SCHEMA = "urn:ietf:params:scim:schemas:core:2.0:User"
GROUP_SCHEMA = "urn:ietf:params:scim:schemas:core:2.0:Group"
ENTERPRISE_SCHEMA = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
ACTIVE = "active"
PREFIXES: Mapping[str, int] = {USERS: 0x7AB0A001, ROLES: 0x7AB0A002}
"""How ids begin that are made of numbers. No version 4 UUID looks like these: the version is 8."""
KEY_BITS = 48


@dataclass(frozen=True, slots=True)
class Kind:
    """A type of resource: its collection, its name, its endpoint, its schema."""

    collection: str
    name: str
    endpoint: str
    schema: str


USER = Kind(USERS, "User", "Users", USER_SCHEMA)
GROUP = Kind(ROLES, "Group", "Groups", GROUP_SCHEMA)
KINDS: Mapping[str, Kind] = {USER.endpoint: USER, GROUP.endpoint: GROUP}


def leaves(*names: str) -> tuple[Leaf, ...]:
    """Columns in their REST form."""
    return tuple(Leaf(name, name, "row") for name in names)


IDENTITY = ("id", "external_id")
ROLE = Nested("role", "role", Selection(leaves(*IDENTITY, "name")))
MEMBERS = Nested("users", "users", Selection(leaves(*IDENTITY, "first_name", "last_name")), Window(sort=("id",)))
OF_USER = Selection(
    (
        *leaves(*IDENTITY, "status", "first_name", "last_name", "email", "locale", "timezone", "title", "company"),
        ROLE,
    )
)
OF_GROUP = Selection((*leaves(*IDENTITY, "name"), MEMBERS))
OF_GROUP_ALONE = Selection(leaves(*IDENTITY, "name"))


# --- ids ------------------------------------------------------------------------------------------------------------


def id_of(collection: str, row: Mapping[str, Any]) -> str | None:
    """The id of a row: its `external_id`, or a UUID made of its key, which stays the same and is stored nowhere."""
    if row.get("external_id"):
        return str(row["external_id"])
    key = row.get("id")
    return None if key is None else made_of(collection, int(key))


def made_of(collection: str, key: int) -> str:
    """The UUID (version 8) of a key."""
    return str(UUID(int=PREFIXES[collection] << 96 | 8 << 76 | 2 << 62 | key & (1 << KEY_BITS) - 1))


def key_in(collection: str, text: str) -> int | None:
    """The key of which a UUID was made; None for any other text."""
    try:
        key = UUID(text).int & (1 << KEY_BITS) - 1
    except ValueError:
        return None
    return key if text == made_of(collection, key) and key < 1 << 31 else None


def identified(collection: str, text: str) -> Predicate:
    """The row with this id."""
    if not storable(text):
        return NOTHING
    own = Compare("external_id", "eq", text)
    key = key_in(collection, text)
    if key is None:
        return own
    return any_of((own, all_of((IsNull("external_id"), Compare("id", "eq", key)))))


# --- representations ------------------------------------------------------------------------------------------------


def full_name(row: Mapping[str, Any]) -> str | None:
    """Given name and family name."""
    return " ".join(row[name] for name in ("first_name", "last_name") if row.get(name)) or None


def user(row: Mapping[str, Any], base: str, *, numbers: bool) -> dict[str, Any]:
    """A User. `base`: the address of all SCIM routes. `numbers`: `externalId` is the key, as in Directus 8."""
    shown = _head(USER, row, numbers)
    shown["userName"] = row["email"]
    name = {"familyName": row["last_name"], "givenName": row["first_name"]}
    shown["name"] = {"formatted": full_name(row), **name} if any(name.values()) else None
    shown["displayName"] = full_name(row)
    shown["title"] = row["title"]
    shown["preferredLanguage"] = shown["locale"] = row["locale"]
    shown["timezone"] = row["timezone"]
    shown["active"] = row["status"] == ACTIVE if row["status"] is not None else None
    if row["email"] is not None:
        shown["emails"] = [{"value": row["email"], "type": "work", "primary": True}]
    role = row["role"]
    if isinstance(role, Mapping) and (group := id_of(ROLES, role)) is not None:
        member = {"value": group, "$ref": location(base, GROUP, group), "display": role["name"], "type": "direct"}
        shown["groups"] = [_present(member)]
        shown["roles"] = [_present({"value": role["name"], "primary": True})]
    if row["company"] is not None:
        shown["schemas"] = [*shown["schemas"], ENTERPRISE_SCHEMA]
        shown[ENTERPRISE_SCHEMA] = {"organization": row["company"]}
    return {**_present(shown), "locale": row["locale"]}  # which Directus 8 shows in any case


def group(row: Mapping[str, Any], base: str, *, numbers: bool) -> dict[str, Any]:
    """A Group; without members where they were not read."""
    shown = _head(GROUP, row, numbers)
    shown["displayName"] = row["name"]
    if row.get("users") is not None:
        shown["members"] = [_member(one, base) for one in row["users"]]
    return _present(shown)


def _member(row: Mapping[str, Any], base: str) -> dict[str, Any]:
    own = id_of(USERS, row)
    ref = location(base, USER, own) if own is not None else None
    return _present({"value": own, "$ref": ref, "display": full_name(row), "type": USER.name})


def _head(kind: Kind, row: Mapping[str, Any], numbers: bool) -> dict[str, Any]:
    own = id_of(kind.collection, row)
    return {"schemas": [kind.schema], "id": own, "externalId": row["id"] if numbers else row["external_id"] or None}


def _present(members: dict[str, Any]) -> dict[str, Any]:
    """Without what is not assigned: to leave it out says the same (RFC 7643 §2.5)."""
    return {name: value for name, value in members.items() if value is not None}


def location(base: str, kind: Kind, own: str) -> str:
    """The address of a resource."""
    return f"{base}/{kind.endpoint}/{quote(own, safe='')}"


def version(shown: Mapping[str, Any]) -> str:
    """The weak entity tag of a whole representation without its `meta`."""
    text = orjson.dumps({name: value for name, value in shown.items() if name != "meta"}, option=orjson.OPT_SORT_KEYS)
    return f'W/"{hashlib.sha256(text).hexdigest()[:32]}"'
