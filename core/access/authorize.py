"""In charge of the questions of the write side: may this role create, change or delete this row (spec 02 §12.5–12.11).

Pure: it knows levels, blacklists, owners and statuses, and neither payload values nor SQL. Rules that depend on what is
written into a system collection are core.write's.
"""

from __future__ import annotations

from collections.abc import Collection as Names
from dataclasses import dataclass
from typing import Any

from core.access.owners import ROLE_SCOPED, owner_column
from core.access.policy import FULL, MINE, NO_GRANT, NONE, ROLE, Grant, Policy
from core.catalog.model import Collection
from core.context import Actor
from core.errors import CreateDenied, DeleteDenied, FieldWriteDenied, Forbidden, ItemNotFound, UpdateDenied

ACTIONS = ("create", "read", "update", "delete")


@dataclass(frozen=True, slots=True)
class Row:
    """What rights depend on in a stored row. `owner_role`: the role of the owner (roles, permissions: of the row).

    `fails`: the actions whose row rule it does not fulfil.
    """

    status: Any = None
    owner: int | None = None
    owner_role: int | None = None
    fails: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks: the policy of the role, the actor, and whether a comment came along (spec 02 §12.11).

    `revives`: what is deleted softly may be changed, to take it back.
    """

    policy: Policy
    actor: Actor
    comment: bool = False
    revives: bool = False


@dataclass(frozen=True, slots=True)
class Wish:
    """What a payload wants of one row: the names in it, and the status it sets (`sets_status`), as stored."""

    names: tuple[str, ...] = ()
    sets_status: bool = False
    status: Any = None


def owner_role_counts(policy: Policy, collection: Collection) -> bool:
    """Whether any level of the role on the collection depends on the role of a row's owner."""
    if policy.admin or collection.name in ROLE_SCOPED or owner_column(collection) in (None, "id"):
        return False
    return any(ROLE in (grant.read, grant.update, grant.delete) for grant in policy.grants(collection.name))


def create(caller: Caller, collection: Collection, wish: Wish) -> None:
    """May a row be created? `wish.status`: the submitted status, else the column's default (None: unknown).

    Raises, in this order: Forbidden (403/10), FieldWriteDenied (305), CreateDenied (301), FieldWriteDenied of the
    status field when `status_blacklist` forbids the status (spec 03 §6.1).
    """
    policy = caller.policy
    if policy.admin:
        return
    name = collection.name
    grants = _creation_grants(policy, collection, wish.status)
    for grant in grants:
        _explained(caller, name, grant, ("create", "always"))
        _writable(collection, grant, wish.names, exempt=None)
    if not any(grant.create >= MINE for grant in grants):
        raise CreateDenied(name, level=has_level(policy, name), public=caller.actor.public)
    if collection.status_field and wish.status is not None:
        limits = policy.creation.get(name) or grants[0]
        if str(wish.status) in limits.status_blacklist:
            raise FieldWriteDenied(collection.status_field, name)


def _creation_grants(policy: Policy, collection: Collection, status: Any) -> tuple[Grant, ...]:
    """The rows that decide on a creation: of the status, or of any status that allows it when it is unknown."""
    if status is not None or not policy.has_workflow(collection.name):
        return (policy.grant(collection.name, status),)
    return tuple(grant for grant in policy.grants(collection.name) if grant.create >= MINE) or (NO_GRANT,)


def update(caller: Caller, collection: Collection, row: Row | None, wish: Wish, key: object) -> None:
    """May a row be changed? `row` None: there is none of this key.

    Raises Forbidden, FieldWriteDenied, ItemNotFound (not there, not readable, or soft-deleted), DeleteDenied (a
    soft-delete status is set), UpdateDenied (spec 03 §6.2, 02 §12.7).
    """
    policy, name = caller.policy, collection.name
    if policy.admin:
        if row is None or (soft_deleted(collection, row.status) and not caller.revives):
            raise ItemNotFound.with_id(key)
        return
    if not has_level(policy, name):
        raise UpdateDenied(name, level=False, public=caller.actor.public)
    seen = row if row is not None and readable(caller, collection, row) else None
    # A row that the caller cannot see must not tell its status: only rules without status speak before the 404
    grant = policy.grant(name, seen.status if seen else None)
    _explained(caller, name, grant, ("update", "always"))
    _writable(collection, grant, wish.names, exempt=collection.primary_key)
    if seen is None or (soft_deleted(collection, seen.status) and not caller.revives):
        raise ItemNotFound.with_id(key)
    if wish.sets_status and not same_status(wish.status, seen.status):
        if str(wish.status) in grant.status_blacklist:
            raise FieldWriteDenied(collection.status_field or "", name)
        if soft_deleted(collection, wish.status):
            if not reaches(caller, collection, "delete", grant, seen):
                raise DeleteDenied(name, level=True, public=caller.actor.public)
            if only_retires(collection, wish):
                return
    if not reaches(caller, collection, "update", grant, seen):
        raise UpdateDenied(name, level=True, public=caller.actor.public)


def delete(caller: Caller, collection: Collection, row: Row | None) -> None:
    """May a row be deleted? Raises Forbidden, DeleteDenied, ItemNotFound, in this order (spec 03 §6.3)."""
    policy, name = caller.policy, collection.name
    if policy.admin:
        if row is None:
            raise ItemNotFound()
        return
    public = caller.actor.public
    if policy.any_level(name, "delete") == NONE:
        _explained(caller, name, policy.grant(name, row.status if row else None), ("always",))
        raise DeleteDenied(name, level=has_level(policy, name), public=public)
    # What a row rule hides is not there, and must not tell its status either
    seen = row if row is not None and "read" not in row.fails else None
    grant = policy.grant(name, seen.status if seen else None)
    _explained(caller, name, grant, ("always",))
    if seen is None:
        raise ItemNotFound()
    if not reaches(caller, collection, "delete", grant, seen):
        raise DeleteDenied(name, level=True, public=public)


def readable(caller: Caller, collection: Collection, row: Row) -> bool:
    """The scope of `core.access.restrict.read_scope`, asked of one row that is at hand."""
    policy = caller.policy
    if policy.admin:
        return True
    if "read" in row.fails:
        return False
    name = collection.name
    if name in ROLE_SCOPED or name == "directus_collection_presets":
        level = policy.any_level(name, "read")
        if level < FULL:
            shared = name not in ROLE_SCOPED and level == ROLE
            own_role = row.owner_role is not None and row.owner_role == caller.actor.role
            return (shared and own_role) or owns(caller, collection, level, row)
    if policy.has_workflow(name) and collection.status_field is None:
        return False
    return reaches(caller, collection, "read", policy.grant(name, row.status), row)


def reaches(caller: Caller, collection: Collection, action: str, grant: Grant, row: Row) -> bool:
    """Whether a grant reaches a row for an action: by its owner, and by its row rule."""
    if action in row.fails:
        return False
    if action == "delete" and collection.name == "directus_users":
        return grant.delete >= FULL  # nobody owns a user who goes
    return owns(caller, collection, grant.level(action), row)


def owns(caller: Caller, collection: Collection, level: int, row: Row) -> bool:
    """Whether a level reaches a row by its owner (spec 02 §12.7)."""
    if level >= FULL:
        return True
    if level == NONE:
        return False
    actor = caller.actor
    if collection.name in ROLE_SCOPED:
        return row.owner_role is not None and row.owner_role == actor.role
    if owner_column(collection) is None or row.owner is None:
        return False
    if row.owner == actor.user:
        return True
    # Writing a preset is the user's own affair (spec 01 §9)
    shared = level >= ROLE and collection.name != "directus_collection_presets"
    return shared and row.owner_role is not None and row.owner_role == actor.role


def deciding(policy: Policy, collection: Collection, verb: str, status: Any) -> tuple[Grant, ...]:
    """The rows of permissions that decide on a write: of the status that a new item gets or a stored one has.

    Several only for a new item of unknown status: any of them will do.
    """
    if verb == "create":
        return _creation_grants(policy, collection, status)
    return (policy.grant(collection.name, status),)


def has_level(policy: Policy, name: str) -> bool:
    """The role has some level of some action on the collection."""
    return any(policy.any_level(name, action) > NONE for action in ACTIONS)


def soft_deleted(collection: Collection, status: Any) -> bool:
    """Whether the status means that the item counts as deleted."""
    mapping = collection.statuses
    return mapping is not None and status is not None and str(status) in {str(value) for value in mapping.soft_deleted}


def only_retires(collection: Collection, wish: Wish) -> bool:
    """Whether an update is a soft deletion and nothing else: then it asks for the right to delete alone."""
    others = any(name not in (collection.status_field, collection.primary_key) for name in wish.names)
    return wish.sets_status and not others and soft_deleted(collection, wish.status)


def same_status(one: Any, other: Any) -> bool:
    """Statuses are text or numbers; rows of permissions name them as text."""
    return one is not None and other is not None and str(one) == str(other)


def _explained(caller: Caller, name: str, grant: Grant, asked: Names[str]) -> None:
    if grant.explain in asked and not caller.comment:
        raise Forbidden(f"Activity comment required for collection: {name}")


def _writable(collection: Collection, grant: Grant, names: tuple[str, ...], exempt: str | None) -> None:
    for item in names:
        if item in grant.write_blacklist and item != exempt:
            raise FieldWriteDenied(item, collection.name)
