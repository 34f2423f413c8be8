"""In charge of saying why a role may do something or may not: each question that rights ask, and its answer. Pure.

It decides nothing: the answers are those of `core.access.authorize` and the policy, asked one by one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from core.access.authorize import Caller, Row, deciding, owns, soft_deleted
from core.access.hidden import ADMIN_ONLY, OWN_ONLY, SECRET
from core.access.policy import FULL, LEVELS, NONE, Grant, Policy
from core.catalog.model import Collection

NAMES = {number: name for name, number in LEVELS.items()}
USERS = "directus_users"


@dataclass(frozen=True, slots=True)
class Reason:
    """One question. `passed` None: it depends on the item. `permission`, `member`: the row and column that answer."""

    step: str
    passed: bool | None
    told: str
    permission: int | None = None
    member: str | None = None


def reasons(
    caller: Caller, collection: Collection, action: str, row: Row | None, field: str | None = None
) -> list[Reason]:
    """The questions of an action (create, read, update, delete) in their order.

    `row`: the item that is asked about; for create, its status alone counts. None: the collection as a whole.
    """
    policy, name = caller.policy, collection.name
    if policy.admin:
        found = [Reason("role", True, "Admins may do everything; rows of permissions do not concern them.")]
        return [*found, *_secret(caller, collection, action, row, field)]
    if policy.role is None:
        return [Reason("role", False, "Without a role there are no permissions.")]
    found = [Reason("role", True, f"The permissions of role {policy.role} count.")]
    if row is None and policy.has_workflow(name):
        return [*found, _any(policy, name, action), *_secret(caller, collection, action, row, field)]
    if action in ("update", "delete") and row is not None and soft_deleted(collection, row.status):
        found.append(Reason("status", False, f'The status "{row.status}" means that the item is deleted.'))
    if action == "update":
        found += _grant(caller, collection, "read", row)
    if action == "delete":
        found += _rule(caller, collection, "read", row)
    found += _grant(caller, collection, action, row)
    if field is not None:
        found += _field(caller, collection, action, row, field)
        found += _secret(caller, collection, action, row, field)
    return found


def allowed(found: list[Reason]) -> bool | None:
    """Whether all questions are answered well; None when it depends on the item."""
    if any(one.passed is False for one in found):
        return False
    return None if any(one.passed is None for one in found) else True


def decider(found: list[Reason]) -> Reason:
    """The question that decided: the first that failed, else the first that depends, else the last."""
    return next((one for wanted in (False, None) for one in found if one.passed is wanted), found[-1])


def _grants(caller: Caller, collection: Collection, action: str, row: Row | None) -> tuple[Grant, ...]:
    return deciding(caller.policy, collection, action, row.status if row is not None else None)


def _any(policy: Policy, name: str, action: str) -> Reason:
    """Of a collection whose permissions go by status, without an item."""
    some = {status for status, grant in policy.workflow[name].items() if grant.level(action) > NONE}
    if not some:
        return Reason("level", False, f'No status of "{name}" grants {action}.', member=action)
    return Reason("level", None, f"It depends on the status: {', '.join(sorted(some))} may grant it.", member=action)


def _grant(caller: Caller, collection: Collection, action: str, row: Row | None) -> Iterator[Reason]:
    """The row of permissions, its level, the owner, the row rule, what comes after."""
    name, actor = collection.name, caller.actor
    grant = _grants(caller, collection, action, row)[0]
    if grant.id is None:
        about = f'items of status "{row.status}"' if row is not None and caller.policy.has_workflow(name) else "it"
        yield Reason(
            "permission", False, f'Role {caller.policy.role} has no row of permissions for "{name}" and {about}.'
        )
        return
    level = grant.level(action)
    yield Reason("level", level > NONE, f"The level of {action} is {NAMES[level]}.", grant.id, action)
    if level == NONE:
        return
    if level < FULL and action != "create":
        whose = f"user {actor.user}" + ("" if NAMES[level] == "mine" else f" or of role {actor.role}")
        reached = None if row is None else owns(caller, collection, level, row)
        if action == "delete" and name == USERS:
            reached = False
        yield Reason("owner", reached, f"The level reaches items of {whose} only.", grant.id, action)
    yield from _rule(caller, collection, action, row)
    if grant.check(action) is not None:
        told = "The item is checked after the write; what it will be like decides."
        yield Reason("check", None, told, grant.id, f"checks.{action}")
    if grant.explain == "always" or grant.explain == action:
        yield Reason("explain", None, "The request needs a comment.", grant.id, "explain")


def _rule(caller: Caller, collection: Collection, action: str, row: Row | None) -> Iterator[Reason]:
    grant = _grants(caller, collection, action, row)[0]
    if grant.rule(action) is not None:
        held = None if row is None else action not in row.fails
        yield Reason("rule", held, f"The row rule of {action} has to be fulfilled.", grant.id, f"rules.{action}")


def _field(caller: Caller, collection: Collection, action: str, row: Row | None, field: str) -> Iterator[Reason]:
    grant = _grants(caller, collection, action, row)[0]
    member = "read_field_blacklist" if action == "read" else "write_field_blacklist"
    names = grant.read_blacklist if action == "read" else grant.write_blacklist
    if field in names:
        yield Reason(
            "field", False, f'"{field}" is on the list of what this role may not {_verb(action)}.', grant.id, member
        )
    else:
        yield Reason("field", True, f'No list keeps "{field}" from this role.', grant.id)


def _verb(action: str) -> str:
    return "read" if action == "read" else "write"


def _secret(
    caller: Caller, collection: Collection, action: str, row: Row | None, field: str | None
) -> Iterator[Reason]:
    """What nobody is shown, or only the user himself."""
    if collection.name != USERS or action != "read" or field is None:
        return
    if field in SECRET:
        yield Reason("secret", False, f'"{field}" is never shown to anybody.')
    elif not caller.policy.admin and field in OWN_ONLY | ADMIN_ONLY:
        own = None if row is None else row.owner == caller.actor.user
        yield Reason("secret", own, f'"{field}" is shown to the user himself only.')
