"""In charge of what may be known of rights: by callers of their own (spec 02 §11), by admins of all, with reasons.

The rows of a role are shown to that role whatever its rights on directus_permissions are. Nothing is granted here.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, replace
from typing import Any

from core import engine
from core.access import authorize
from core.access.authorize import Caller
from core.access.authorize import Row as Stored
from core.access.explain import Reason, allowed, decider, reasons
from core.access.policy import ADMIN_POLICY
from core.catalog.model import Collection, Snapshot
from core.context import PUBLIC, Actor
from core.errors import (
    CollectionNotFound,
    InvalidField,
    ItemNotFound,
    Problem,
    ReadDenied,
    Unauthorized,
    ValidationFailed,
)
from core.query.selection import KEY_ONLY, Leaf, ReadRequest, Row, Selection
from core.session import Session
from core.types.write import INVALID
from core.write.guard import access_row
from core.write.load import Asking, by_keys
from core.write.normalize import key_of
from core.write.statements import Statements

PERMISSIONS = "directus_permissions"
CSV = "status_blacklist"
"""The one list that v8 shows as stored here: CSV, null when it is empty."""
LISTS = ("read_field_blacklist", "write_field_blacklist")

COLLECTION, STATUS = "\x00collection", "\x00status"
"""Response keys of what decides whether and where a row is shown."""

NOBODY = -1
"""A user that there is not: who is asked about by the role alone owns nothing."""

Items = list[dict[str, Any]]


async def mine(session: Session, selection: Selection) -> Items:
    """All rows of the caller's role: those without status, those of statuses, those of `$create`.

    The first row per collection and status counts; left out are rows of collections that do not exist, and of statuses
    that the collection does not have. An admin without rows gets one of nulls, as clients of v8 expect.
    """
    found = await _rows(session, selection)
    if not found and session.actor.admin:
        return [_nulls(session, selection)]
    return [item for _, _, item in found]


async def of_collection(session: Session, selection: Selection, collection: str) -> Items:
    """The rows that decide on one collection: of its statuses where there are such, else the one without status."""
    found = [row for row in await _rows(session, selection) if row[0] == collection]
    workflow = [item for _, status, item in found if status is not None and not status.startswith("$")]
    return workflow or [item for _, status, item in found if status is None]


async def _rows(session: Session, selection: Selection) -> list[tuple[str, str | None, dict[str, Any]]]:
    """Collection, status and item of each row that is shown, in their order."""
    role = session.actor.role
    if role is None:
        return []
    own = (Leaf(COLLECTION, "collection", "string"), Leaf(STATUS, "status", "string"))
    request = ReadRequest(
        PERMISSIONS,
        Selection((*selection.entries, *own)),
        filter=("cond", "role", "eq", role),
        sort=("id",),
        limit=-1,
    )
    result = await engine.read(replace(session, policy=ADMIN_POLICY), request)
    rows = [(item.pop(COLLECTION), item.pop(STATUS), item) for item in result.items]
    _as_stored(rows, selection)
    first: dict[tuple[str, str | None], tuple[str, str | None, dict[str, Any]]] = {}
    for row in rows:
        if _known(session.snapshot, row[0], row[1]):
            first.setdefault(row[:2], row)
    return sorted(first.values(), key=lambda row: _rank(row[1]))


async def explain(
    session: Session,
    collection: str,
    *,
    action: str = "read",
    role: str | None = None,
    user: str | None = None,
    item: str | None = None,
    field: str | None = None,
) -> dict[str, Any]:
    """Why a user or a role may do something in a collection, with an item or a field of it, or may not.

    Without `user` and `role`: the public. `allowed` is null where it depends on the item. Raises Unauthorized for all
    but admins; CollectionNotFound, InvalidField, ItemNotFound (no such user or item), ValidationFailed.
    """
    if not session.policy.admin:
        raise Unauthorized("Permission denied: Admin Only")
    about = session.snapshot.collections.get(collection)
    if about is None:
        raise CollectionNotFound(collection)
    if action not in authorize.ACTIONS:
        raise ValidationFailed.of([Problem(("action",), INVALID)])
    if field is not None and field not in about.fields:
        raise InvalidField(field, collection)
    asked, found = await _actor(session, role, user)
    theirs = replace(
        session,
        policy=await session.project.policy(asked.role),
        context=replace(session.context, actor=asked),
    )
    caller = Caller(theirs.policy, asked, comment=True)
    row = None if item is None else await _row(theirs, about, item)
    found += reasons(caller, about, action, row, field)
    if action == "read" and item is not None and allowed(found):
        found += await _shown(theirs, about, item)
    told = [asdict(one) for one in found]
    return {
        "collection": collection, "action": action, "role": asked.role, "user": asked.user or None, "item": item,
        "field": field, "allowed": allowed(found), "decided_by": asdict(decider(found)), "reasons": told,
    }  # fmt: skip


async def _actor(session: Session, role: str | None, user: str | None) -> tuple[Actor, list[Reason]]:
    """Who is asked about. A user who is not active is nobody, hence the public."""
    if user is None:
        if role is None:
            return PUBLIC, []
        key = _number(role)
        if key is None:
            raise ValidationFailed.of([Problem(("role",), INVALID)])
        return Actor(user=NOBODY, role=key, public=False), []
    users = Selection((Leaf("role", "role", "int"), Leaf("status", "status", "string"), Leaf("id", "id", "int")))
    [one] = (await engine.read(session, ReadRequest("directus_users", users, id=user, include_deleted=True))).items
    if one["status"] != "active":
        told = f'The user has the status "{one["status"]}": without being active, everybody is the public.'
        return PUBLIC, [Reason("user", None, told)]
    return Actor(user=one["id"], role=one["role"], public=False), []


async def _row(session: Session, collection: Collection, item: str) -> Stored:
    """What rights depend on in the item. Raises ItemNotFound."""
    key = key_of(collection, item) if collection.primary_key else None
    statements = Statements(session.snapshot, session.project.plans)
    async with (await session.project.store()).read() as connection:
        if key is not None:
            for stored in await by_keys(connection, statements, collection, [key], asking=Asking.of(session)):
                row = access_row(collection, stored)
                assert row is not None
                return row
    raise ItemNotFound.with_id(item)


async def _shown(session: Session, collection: Collection, item: str) -> list[Reason]:
    """Whether the item is shown in fact: statuses and system collections have rules of their own."""
    request = ReadRequest(collection.name, KEY_ONLY, id=item)
    try:
        await engine.read(session, request)
    except (ItemNotFound, ReadDenied):
        told = "Its status, or a rule of this system collection, keeps it from being shown."
        return [Reason("shown", False, told)]
    return []


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else None


def _rank(status: str | None) -> int:
    if status is None:
        return 0
    return 2 if status.startswith("$") else 1


def _known(snapshot: Snapshot, name: str, status: str | None) -> bool:
    collection = snapshot.collections.get(name)
    if collection is None:
        return False
    if status is None or status.startswith("$"):
        return True
    mapped = collection.statuses.values if collection.status_field and collection.statuses else ()
    return status in {str(value) for value in mapped}


def _as_stored(rows: Iterable[tuple[Any, Any, dict[str, Any]]], selection: Selection) -> None:
    shown = [entry.key for entry in selection if isinstance(entry, Row)]
    for _, _, item in rows:
        for key in shown:
            row = item[key]
            if isinstance(row, dict) and CSV in row:
                row[CSV] = ",".join(row[CSV]) or None


def _nulls(session: Session, selection: Selection) -> dict[str, Any]:
    """An item of nothing but the role."""
    columns = session.snapshot.collections[PERMISSIONS].columns
    role = session.actor.role
    row: dict[str, Any] = {column.name: [] if column.name in LISTS else None for column in columns} | {"role": role}
    found: dict[str, Any] = {}
    for entry in selection:
        if isinstance(entry, Row):
            found[entry.key] = dict(row)
        elif isinstance(entry, Leaf):
            found[entry.key] = row.get(entry.field)
        else:
            found[entry.key] = getattr(entry, "value", None)
    return found
