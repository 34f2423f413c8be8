"""In charge of the doors for collections: create, update, delete (spec 01 §6.3–6.5)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from core.catalog import derive
from core.catalog.derive import thawed
from core.catalog.diff import COLLECTIONS, FIELDS
from core.catalog.model import Collection, Snapshot
from core.ddl.apply import Plan, alter
from core.ddl.draft import Draft, Wish
from core.ddl.payload import Payload, collection_name, one_each
from core.ddl.present import Present, is_system
from core.ddl.removal import removal
from core.ddl.rows import Change, Erase, creation, update
from core.errors import (
    AlterDenied,
    CollectionExists,
    CollectionNotFound,
    CollectionNotManaged,
    Problem,
    Unauthorized,
    Unprocessable,
    ValidationFailed,
)
from core.events.collect import SchemaEvent
from core.session import Session
from core.types.write import BLANK

STORED = ("managed", "hidden", "single", "icon", "note", "translation")
ATTRIBUTES = frozenset({*STORED, "collection", "fields"})

Object = dict[str, Any]


async def create_collection(session: Session, payload: Payload, *, comment: str | None = None) -> Object:
    """Make a collection, or take over a table that has no row; its row comes back, without fields (spec 01 §6.3).

    Raises Unauthorized, ValidationFailed, Unprocessable, UnknownType, LengthMissing, LengthNotSupported,
    CollectionExists, FieldExists, FieldRequired.
    """
    if not session.policy.admin:
        raise Unauthorized("Unauthorized to create collections")
    name = collection_name(payload.get("collection"))
    sent = payload.get("fields")
    if not isinstance(sent, list | tuple) or not sent or not all(isinstance(one, Mapping) for one in sent):
        raise ValidationFailed.of([Problem(("fields",), BLANK)])
    _known(payload)
    wishes = [Wish.of(one) for one in sent]
    one_each(wish.kind for wish in wishes)

    async def planning(present: Present) -> Plan:
        found = _free(present, name)
        _check_keys(wishes, found)
        if found is None:
            draft = Draft(present, name, None, comment)
            for wish in wishes:
                await draft.add(wish)
            stale = _stale(present, name)
        else:
            draft = Draft.of(present, found, comment)
            for wish in wishes:
                await _take_over(draft, found, wish)
            stale = ()
        changes = (*stale, *draft.rows(), _row(present, name, {"managed": True, **payload}, comment))
        return _plan(draft, changes, "create" if found is None else "update", payload)

    return _object(await alter(session, planning), name)


async def update_collection(session: Session, name: str, payload: Payload, *, comment: str | None = None) -> Object:
    """Change the row of a collection, and fields if sent: known names are changed, others added (spec 01 §6.4).

    Raises Unauthorized, ValidationFailed (system collections), CollectionNotFound, CollectionNotManaged,
    Unprocessable, and what fields raise.
    """
    if not session.policy.admin:
        raise Unauthorized("Permission denied")
    if is_system(name):
        raise ValidationFailed("Invalid collection name")
    _known(payload)
    sent = payload.get("fields") or ()
    if not isinstance(sent, list | tuple) or not all(isinstance(one, Mapping) for one in sent):
        raise ValidationFailed.of([Problem(("fields",), BLANK)])

    async def planning(present: Present) -> Plan:
        found = present.collection(name)
        if not found.managed and not derive.flag(payload.get("managed")):
            raise CollectionNotManaged(f'Collection "{name}" is not being managed by Directus')
        draft = Draft.of(present, found, comment)
        one_each(str(one["type"]).lower() for one in sent if isinstance(one.get("type"), str))
        _check_names(one.get("field") for one in sent)
        for one in sent:
            field = found.fields.get(str(one.get("field")))
            if field is None:
                wish = Wish.of(one)
                if wish.column is not None and wish.column.primary_key:
                    raise Unprocessable("The primary key of a collection cannot be moved")
                await draft.add(wish)
            else:
                await draft.change(field, one)
        return _plan(draft, (*draft.rows(), _row(present, name, payload, comment)), "update", payload)

    return _object(await alter(session, planning), name)


async def delete_collection(session: Session, name: str, *, comment: str | None = None) -> None:
    """Drop a collection with its rows of metadata (spec 01 §6.5).

    Raises CollectionNotFound, AlterDenied, ValidationFailed (system collections), Unprocessable when foreign keys of
    other tables refer to it.
    """
    if not session.policy.admin:
        # What is there is no secret to who is signed in (spec 01 §6.1).
        if not session.actor.public and name not in session.snapshot.collections:
            raise CollectionNotFound(name)
        raise AlterDenied(name, public=session.actor.public)

    async def planning(present: Present) -> Plan:
        found = present.collection(name)
        if found.is_system:
            raise ValidationFailed("System collections cannot be deleted")
        if referring := present.referring(name):
            raise Unprocessable(f'Foreign keys of {", ".join(referring)} refer to "{name}"')
        gone = removal(present, name)
        told = SchemaEvent("collection", "delete", name)
        return Plan({name: None}, changes=gone.changes, logs=gone.logs, events=(told,))

    await alter(session, planning)


# --- rules --------------------------------------------------------------------------------------------------------


def _known(payload: Payload) -> None:
    unknown = ", ".join(f'"{key}"' for key in payload if key not in ATTRIBUTES)
    if unknown:
        raise Unprocessable(f'Payload fields: {unknown} does not exist in "{COLLECTIONS}" collection.')


def _free(present: Present, name: str) -> Collection | None:
    """None for a name that nobody has; the table to take over. Raises CollectionExists."""
    if name not in present.tables:
        if present.spelling(name) is not None:
            raise CollectionExists(f'Collection "{name}" already exists')
        return None
    found = present.snapshot.collections.get(name)
    if found is None or found.is_view or found.managed:
        raise CollectionExists(f'Collection "{name}" already exists')
    return found


def _check_keys(wishes: list[Wish], found: Collection | None) -> None:
    """Check 5 of spec 01 §6.3; a table that is there has its key already."""
    columns = [wish.column for wish in wishes if wish.column is not None]
    keys = [column.name for column in columns if column.primary_key]
    if found is None and not keys:
        raise Unprocessable("Collection does not have a primary key field.")
    if len(keys) > 1:
        raise Unprocessable("Collection must only have one primary key field.")
    if sum(column.auto_increment for column in columns) > 1:
        raise Unprocessable("Collection must only have one auto increment field.")
    if found is not None and keys and tuple(keys) != found.key_columns:
        raise Unprocessable("The primary key of a collection cannot be moved")
    _check_names(wish.name for wish in wishes)


def _check_names(names: Any) -> None:
    found = [name.lower() for name in names if isinstance(name, str)]
    if len(set(found)) < len(found):
        raise Unprocessable("Collection fields name must be unique.")


async def _take_over(draft: Draft, found: Collection, wish: Wish) -> None:
    field = found.fields.get(wish.name)
    if field is None:
        await draft.add(wish)
    else:
        await draft.change(field, {**wish.payload, "type": wish.payload["type"]})


def _stale(present: Present, name: str) -> tuple[Change, ...]:
    """Rows that an older collection of that name has left behind."""
    found: list[Change] = []
    if any(present.field_rows(name)):
        found.append(Erase(FIELDS, "collection", (name,)))
    if present.collection_row(name) is not None:
        found.append(Erase(COLLECTIONS, "collection", (name,)))
    return tuple(found)


def _row(present: Present, name: str, payload: Payload, comment: str | None) -> Change:
    """The row of directus_collections."""
    row = {key: payload[key] for key in STORED if key in payload}
    for key in ("managed", "hidden", "single"):
        if key in row and row[key] is None:
            row[key] = False
    if present.collection_row(name) is not None and name in present.tables:
        return update(COLLECTIONS, name, row, comment)
    return creation(COLLECTIONS, {"collection": name, "managed": True, **row}, comment)


def _plan(draft: Draft, changes: tuple[Change, ...], action: str, payload: Payload) -> Plan:
    return Plan(
        {draft.name: draft.table},
        tuple(draft.forced),
        changes,
        (("schema", draft.name),),
        (SchemaEvent("collection", action, draft.name, data=payload),),
    )


def _object(snapshot: Snapshot, name: str) -> Object:
    found = snapshot.collections.get(name)
    if found is None:
        raise CollectionNotFound(name)
    return {
        "collection": found.name,
        "managed": found.managed,
        "hidden": found.hidden,
        "single": found.single,
        "icon": found.icon,
        "note": found.note,
        "translation": thawed(found.translation),
    }
