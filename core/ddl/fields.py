"""In charge of the doors for fields: create, update, delete (spec 01 §7.3–7.5).

The precise errors are raised; that REST wraps those of two of its routes is not known here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from core.catalog.describe import SINGLE, field_object
from core.catalog.diff import FIELDS, RELATIONS
from core.catalog.model import Collection, Field, Snapshot
from core.ddl.apply import Plan, alter
from core.ddl.draft import Draft, Wish
from core.ddl.payload import Payload, one_each
from core.ddl.present import Present, is_system
from core.ddl.removal import permissions_by_status, removal
from core.ddl.rows import Change, Erase, Set
from core.errors import (
    CollectionNotFound,
    CreateDenied,
    DeleteDenied,
    FieldNotFound,
    Problem,
    SystemCollectionAccess,
    Unprocessable,
    UpdateDenied,
    ValidationFailed,
)
from core.events.collect import SchemaEvent
from core.query.change import WriteRequest
from core.session import Session
from core.types.write import BLANK

BUILT_IN = frozenset({"file", "user", "owner", "user_updated"})
"""Types whose relation needs no row, so that none goes with the field."""

Object = dict[str, Any]


async def create_field(
    session: Session,
    collection: str,
    payload: Payload,
    *,
    comment: str | None = None,
    activity_skip: bool = False,
) -> Object:
    """Add a field; the field object in single form comes back (spec 01 §7.3).

    A column of that name without a row in directus_fields becomes what is sent. Raises CreateDenied,
    CollectionNotFound, FieldExists, ValidationFailed, Unprocessable, UnknownType, LengthMissing, LengthNotSupported,
    FieldRequired.
    """
    if not session.policy.admin:
        raise CreateDenied(FIELDS, public=session.actor.public)
    name = payload.get("field")

    async def planning(present: Present) -> Plan:
        found = present.collection(collection)
        wish = Wish.of(payload)
        draft = Draft.of(present, found, comment)
        column = found.fields.get(wish.name)
        if column is not None and column.id is None and column.column is not None:
            await draft.change(column, payload)
        else:
            if wish.column is not None and wish.column.primary_key:
                raise Unprocessable("The primary key of a collection cannot be moved")
            await draft.add(wish)
        return plan_of(draft, "create", {wish.name: payload}, activity_skip=activity_skip)

    return _object(await alter(session, planning), collection, str(name))


async def update_field(
    session: Session,
    collection: str,
    field: str,
    payload: Payload,
    *,
    comment: str | None = None,
    activity_skip: bool = False,
) -> Object:
    """Change a field; the field object in single form comes back. A `field` in the payload is ignored (no rename).

    Raises UpdateDenied, CollectionNotFound, FieldNotFound, ValidationFailed, Unprocessable, UnknownType,
    LengthMissing, LengthNotSupported, FieldRequired (spec 01 §7.4).
    """
    wanted = {field: {**payload, "field": field}}
    return (await _update(session, collection, wanted, comment, activity_skip=activity_skip))[0]


async def update_fields(
    session: Session,
    collection: str,
    payloads: Sequence[Payload],
    *,
    comment: str | None = None,
    activity_skip: bool = False,
) -> list[Object]:
    """Change several fields in one transaction; each payload names its `field`. The objects in the order of payloads.

    Raises as `update_field`, and SystemCollectionAccess for system collections.
    """
    if not session.policy.admin:
        raise UpdateDenied(FIELDS, public=session.actor.public)
    if is_system(collection):
        raise SystemCollectionAccess()
    wanted: dict[str, dict[str, Any]] = {}
    for number, payload in enumerate(payloads):
        name = payload.get("field")
        if not isinstance(name, str) or not name:
            raise ValidationFailed.of([Problem((number, "field"), BLANK)])
        wanted.setdefault(name, {}).update(payload)
    if not wanted:
        return []
    return await _update(session, collection, wanted, comment, activity_skip=activity_skip)


async def _update(
    session: Session, collection: str, wanted: Mapping[str, Payload], comment: str | None, *, activity_skip: bool
) -> list[Object]:
    if not session.policy.admin:
        raise UpdateDenied(FIELDS, public=session.actor.public)

    async def planning(present: Present) -> Plan:
        found = present.collection(collection)
        draft = Draft.of(present, found, comment)
        missing = next((name for name in wanted if name not in found.fields), None)
        if missing is not None:
            raise FieldNotFound(missing)
        for name, payload in wanted.items():
            await draft.change(found.fields[name], payload)
        one_each(str(payload["type"]).lower() for payload in wanted.values() if isinstance(payload.get("type"), str))
        return plan_of(draft, "update", wanted, activity_skip=activity_skip)

    snapshot = await alter(session, planning)
    return [_object(snapshot, collection, name) for name in wanted]


async def delete_field(
    session: Session, collection: str, field: str, *, delete_junction: bool = False, comment: str | None = None
) -> None:
    """Drop a field with its column and relations (spec 01 §7.5). `delete_junction`: of an M2M the junction as well.

    Raises DeleteDenied, CollectionNotFound, FieldNotFound, Unprocessable.
    """
    if not session.policy.admin:
        raise DeleteDenied(FIELDS, public=session.actor.public)

    async def planning(present: Present) -> Plan:
        found = present.collection(collection)
        if field not in found.fields:
            raise FieldNotFound(field)
        model = found.fields[field]
        draft = Draft.of(present, found, comment)
        draft.drop(model)
        changes, touched, junctions = _relations(present, found, model)
        logs: list[tuple[str, str | None]] = [("schema", name) for name in sorted(touched)]
        tables: dict[str, Any] = {}
        if delete_junction:
            for name in junctions:
                if name not in present.tables or name == collection or is_system(name):
                    continue
                if present.referring(name):
                    raise Unprocessable(f'Other tables refer to "{name}" by foreign keys')
                gone = removal(present, name)
                tables[name] = None
                changes.extend(gone.changes)
                logs.extend(gone.logs)
        if model.type == "status":
            statuses = await permissions_by_status(present, collection)
            if statuses:
                changes.append(Erase("directus_permissions", "id", statuses))
                logs.append(("policy", collection))
        plan = plan_of(draft, "delete", {field: {}})
        return replace(
            plan, tables={**tables, **plan.tables}, changes=(*plan.changes, *changes), logs=(*logs, *plan.logs)
        )

    await alter(session, planning)


def _relations(present: Present, collection: Collection, field: Field) -> tuple[list[Change], set[str], list[str]]:
    """What becomes of the relations of a field that goes; the collections concerned; the junctions behind it."""
    changes: list[Change] = []
    touched: set[str] = set()
    junctions: list[str] = []
    if field.type in BUILT_IN:
        return changes, touched, junctions
    rows = present.metadata.relations
    many = [row for row in rows if (row["collection_many"], row["field_many"]) == (collection.name, field.name)]
    one = [row for row in rows if (row.get("collection_one"), row.get("field_one")) == (collection.name, field.name)]
    gone: dict[int, None] = {}
    for row in many:
        gone[row["id"]] = None
        touched |= {name for name in (row.get("collection_one"),) if name}
        if row.get("collection_one") and row.get("field_one"):
            alias = [
                stored["id"]
                for stored in present.field_rows(row["collection_one"], row["field_one"])
                if _is_alias(present, row["collection_one"], row["field_one"])
            ]
            changes.append(Erase(FIELDS, "id", tuple(alias)))
    for row in one:
        touched.add(row["collection_many"])
        others = [
            other
            for other in rows
            if other["collection_many"] == row["collection_many"]
            and other.get("junction_field") == row["field_many"]
            and other["id"] != row["id"]
        ]
        if not others:
            if row["id"] not in gone:
                changes.append(Set(RELATIONS, (row["id"],), "field_one", None))
            continue
        junctions.append(row["collection_many"])
        for other in (row, *others):
            gone[other["id"]] = None
            touched |= {name for name in (other.get("collection_one"),) if name}
    if gone:
        changes.append(Erase(RELATIONS, "id", tuple(gone)))
    return changes, touched, list(dict.fromkeys(junctions))


def _is_alias(present: Present, collection: str, field: str) -> bool:
    """Whether there is no column behind the name: its row is all there is."""
    table = present.tables.get(collection)
    return table is None or table.column(field) is None


def plan_of(draft: Draft, action: str, sent: Mapping[str, Payload], *, activity_skip: bool = False) -> Plan:
    """What a draft comes to. The table is told first, where its columns change, then each field.

    `activity_skip`: without history; an app sends it with the order of fields.
    """
    rows = draft.rows()
    if activity_skip:
        rows = tuple(replace(one, activity_skip=True) if isinstance(one, WriteRequest) else one for one in rows)
    told = [SchemaEvent("field", action, draft.name, name, payload) for name, payload in sent.items()]
    table = [SchemaEvent("collection", "update", draft.name)] if draft.altered else []
    return Plan({draft.name: draft.table}, tuple(draft.forced), rows, (("schema", draft.name),), (*table, *told))


def _object(snapshot: Snapshot, collection: str, field: str) -> Object:
    """The answer; what somebody else has dropped meanwhile is not there."""
    owner = snapshot.collections.get(collection)
    if owner is None:
        raise CollectionNotFound(collection)
    if field not in owner.fields:
        raise FieldNotFound(field)
    return field_object(owner.fields[field], SINGLE)
