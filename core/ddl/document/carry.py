"""In charge of what an alteration has to do for the steps of a document: tables, rows, what is logged and told.

Stored values are looked at here, as for every change of a field (spec 01 §7.3, 7.4); nothing is changed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from core.catalog.change import TableSpec
from core.catalog.diff import COLLECTIONS, FIELDS, RELATIONS
from core.ddl.apply import Plan
from core.ddl.document import model
from core.ddl.document.describe import Described, Stored
from core.ddl.document.model import FIXED_ROLES, Attributes, Document, Key
from core.ddl.document.steps import CREATE, DELETE, UPDATE, Step
from core.ddl.draft import Draft
from core.ddl.present import Present
from core.ddl.rows import Change, Clear, Erase, ForRoles, Grouped
from core.events.collect import SchemaEvent
from core.query.change import WriteRequest
from core.types.structured import json_text

ROLES, PERMISSIONS, SETTINGS = "directus_roles", "directus_permissions", "directus_settings"
PRESETS, USERS = "directus_collection_presets", "directus_users"


@dataclass(slots=True)
class _Load:
    """What is on its way. `first`: rows in their order; `last`: those that go at the very end."""

    present: Present
    there: Described
    stored: Stored
    document: Document
    steps: Sequence[Step]
    comment: str | None
    tables: dict[str, TableSpec | None] = field(default_factory=dict)
    forced: list[Any] = field(default_factory=list)
    first: list[Change] = field(default_factory=list)
    last: list[Change] = field(default_factory=list)
    logs: dict[tuple[str, str | None], None] = field(default_factory=dict)
    events: list[SchemaEvent] = field(default_factory=list)

    def of(self, kind: str, *actions: str) -> list[Step]:
        return [step for step in self.steps if step.kind == kind and step.action in actions]

    def ids(self, section: str, key: Key) -> tuple[int, ...]:
        return self.there.ids[section].get(key, ())

    def schema(self, *names: str) -> None:
        self.logs.update({("schema", name): None for name in names})

    def delete(self, collection: str, ids: Iterable[int], *, silent: bool = False) -> None:
        """Rows that go, with history."""
        keys = tuple(str(number) for number in ids)
        if keys:
            self.first.append(self.request(collection, "delete", keys=keys, activity_skip=silent))

    def update(self, collection: str, payloads: Iterable[Mapping[str, Any]], *, silent: bool = False) -> None:
        """Rows that change, each with its key."""
        found = tuple(payloads)
        if found:
            self.first.append(self.request(collection, "update", payloads=found, batch=True, activity_skip=silent))

    def create(self, collection: str, payloads: Iterable[Mapping[str, Any]]) -> None:
        """Rows that are new."""
        found = tuple(payloads)
        if found:
            self.first.append(self.request(collection, "create", payloads=found, batch=True))

    def request(self, collection: str, action: Any, **more: Any) -> WriteRequest:
        return WriteRequest(collection, action, comment=self.comment, **more)


async def carry(
    present: Present,
    there: Described,
    stored: Stored,
    document: Document,
    steps: Sequence[Step],
    comment: str | None = None,
) -> Plan:
    """The plan of the steps. Raises FieldRequired when stored values would be lost, or a new rule broken."""
    load = _Load(present, there, stored, document, steps, comment)
    for name in dict.fromkeys(step.key[0] for step in steps if step.kind in ("collection", "field", "unique")):
        await _table(load, name)
    _collection_rows(load)
    _field_rows(load)
    _relation_rows(load)
    _role_rows(load)
    _permission_rows(load)
    _setting_rows(load)
    _preset_rows(load)
    return Plan(
        tables=load.tables,
        forced=tuple(load.forced),
        changes=tuple(load.first),
        logs=tuple(load.logs),
        events=tuple(load.events),
        last=tuple(load.last),
    )


# --- tables -------------------------------------------------------------------------------------------------------


async def _table(load: _Load, name: str) -> None:
    """The table of a collection as it will be."""
    present, document = load.present, load.document
    load.schema(name)
    own = [step for step in load.of("collection", CREATE, UPDATE, DELETE) if step.key == (name,)]
    if own and own[0].action == DELETE:
        load.tables[name] = None
        load.events.append(SchemaEvent("collection", "delete", name))
        return
    steps = {step.key[1]: step for step in load.of("field", CREATE, UPDATE, DELETE) if step.key[0] == name}
    uniques = document.uniques.get((name,), {}).get("keys", ())
    collection = present.snapshot.collections.get(name)
    if collection is None:
        columns = [steps[key].column for owner, key in document.columns if owner == name]
        load.tables[name] = TableSpec(name, tuple(each for each in columns if each is not None), uniques)
    else:
        draft = Draft.of(present, collection, None)
        for step in steps.values():
            await _column(draft, step)
        if not collection.is_system:
            draft.uniques = uniques
        load.tables[name] = draft.table
        load.forced.extend(draft.forced)
    action = "create" if collection is None else "update"
    told = {attribute: after for step in own for attribute, (_, after) in step.changes.items()}
    load.events.append(SchemaEvent("collection", action, name, data=told))
    for one, step in steps.items():
        data = {attribute: after for attribute, (_, after) in step.changes.items() if "." not in attribute}
        load.events.append(SchemaEvent("field", step.action, name, one, data if step.action != DELETE else {}))


async def _column(draft: Draft, step: Step) -> None:
    """One column, put in its place or taken out."""
    name = step.key[1]
    present = next((one for one in draft.columns if one.name == name), None)
    if step.column is not None and present is not None:
        if present.unique and not step.column.unique:
            draft.check_references(name)
        await draft.check_values(present, step.column)
        draft.columns[draft.columns.index(present)] = step.column
    elif step.column is not None:
        await draft.check_room(step.column)
        draft.columns.append(step.column)
    elif present is not None and (step.action == DELETE or "column" in step.changes):
        draft.columns = [one for one in draft.columns if one.name != name]
        draft.uniques = tuple(key for key in draft.uniques if name not in key)


# --- rows of collections and fields -------------------------------------------------------------------------------


def _collection_rows(load: _Load) -> None:
    gone = tuple(step.key[0] for step in load.of("collection", DELETE))
    made = [step.key for step in load.of("collection", CREATE)]
    stale = tuple(name for (name,) in made if load.present.collection_row(name) is not None)
    if stale:
        load.first.append(Erase(COLLECTIONS, "collection", stale))
    load.create(COLLECTIONS, ({"collection": key[0], **load.document.collections[key]} for key in made))
    load.update(COLLECTIONS, ({"collection": step.key[0], **_after(step)} for step in load.of("collection", UPDATE)))
    if not gone:
        return
    load.first.append(Erase(FIELDS, "collection", gone))
    load.first.append(Erase(RELATIONS, "collection_many", gone))
    _rows_about(load, gone)
    # While its row is there, an alteration that was cut off knows that the table is still to be dropped.
    load.last.append(Erase(COLLECTIONS, "collection", gone))


def _rows_about(load: _Load, gone: tuple[str, ...]) -> None:
    """Rights and presets of collections that go: what the document tells of is its own affair."""
    sections = load.document.sections
    if model.PERMISSIONS not in sections:
        load.first.append(Erase(PERMISSIONS, "collection", gone))
        load.logs["policy", PERMISSIONS] = None
    if model.PRESETS not in sections:
        load.first.append(Erase(PRESETS, "collection", gone))
    else:
        told = {number for ids in load.there.ids[model.PRESETS].values() for number in ids}
        others = [row["id"] for row in load.stored.presets if row["collection"] in gone and row["id"] not in told]
        load.first.append(Erase(PRESETS, "id", tuple(others)))


def _field_rows(load: _Load) -> None:
    """Rows go before others of their name come; groups are named when all are there."""
    document, there, present = load.document, load.there.document, load.present
    stale: list[int] = []
    made: list[dict[str, Any]] = []
    changed: list[dict[str, Any]] = []
    grouped: list[tuple[str, str, str | None]] = []
    gone = {step.key[0] for step in load.of("collection", DELETE)}
    fresh = {step.key[0] for step in load.of("collection", CREATE)}
    if leftovers := tuple(name for name in fresh if name not in present.tables and any(present.field_rows(name))):
        load.first.append(Erase(FIELDS, "collection", leftovers))
    for step in load.of("field", CREATE, UPDATE, DELETE):
        collection, name = step.key
        if collection in gone:
            continue
        row, before = document.fields.get(step.key), there.fields.get(step.key)
        ids = [one["id"] for one in present.field_rows(collection, name) if collection not in leftovers]
        if row is not None and before is not None:
            told = {key: value for key, value in _after(step).items() if key in row and key != "group"}
            if told:
                number = present.snapshot.collections[collection].fields[name].id
                changed.append({"id": number, **told})
        else:
            stale.extend(ids)
            if row is not None:
                rest = {key: value for key, value in row.items() if key != "group"}
                made.append({"collection": collection, "field": name, **rest})
        if row is not None and row["group"] != (before or {}).get("group"):
            grouped.append((collection, name, row["group"]))
    if stale:
        load.first.append(Erase(FIELDS, "id", tuple(stale)))
    load.create(FIELDS, made)
    load.update(FIELDS, changed)
    if grouped:
        load.first.append(Grouped(tuple(grouped)))


def _after(step: Step) -> dict[str, Any]:
    return {name: _sent(after) for name, (_, after) in step.changes.items()}


def _sent(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


# --- relations ----------------------------------------------------------------------------------------------------


def _relation_rows(load: _Load) -> None:
    steps = load.of("relation", CREATE, UPDATE, DELETE)
    for step in steps:
        told = (load.there.document.relations.get(step.key), load.document.relations.get(step.key))
        load.schema(step.key[0], *(one["collection_one"] for one in told if one is not None))
    gone = {step.key[0] for step in load.of("collection", DELETE)}
    ids = [number for step in steps if step.action == DELETE for number in load.ids(model.RELATIONS, step.key)]
    lost = {row["id"] for row in load.present.metadata.relations if row["collection_many"] in gone}
    load.delete(RELATIONS, (number for number in ids if number not in lost))
    stale = [number for step in steps if step.action == CREATE for number in load.ids(model.RELATIONS, step.key)]
    if stale:
        load.first.append(Erase(RELATIONS, "id", tuple(stale)))
    load.update(RELATIONS, ({"id": load.ids(model.RELATIONS, one.key)[0], **_after(one)} for one in _updates(steps)))
    made = (step.key for step in steps if step.action == CREATE)
    load.create(
        RELATIONS,
        ({"collection_many": key[0], "field_many": key[1], **load.document.relations[key]} for key in made),
    )


def _updates(steps: Iterable[Step]) -> list[Step]:
    return [step for step in steps if step.action == UPDATE]


# --- roles, permissions, settings, presets ------------------------------------------------------------------------


def _role_rows(load: _Load) -> None:
    spelled = {key[0].lower(): ids[0] for key, ids in load.there.ids[model.ROLES].items()}
    load.update(ROLES, (_role(step, spelled[step.key[0].lower()]) for step in load.of("role", UPDATE)))
    made = [step.key for step in load.of("role", CREATE)]
    load.create(ROLES, ({**_listed(load.document.roles[key]), "name": key[0]} for key in made))
    gone = tuple(load.ids(model.ROLES, step.key)[0] for step in load.of("role", DELETE))
    if gone:
        load.last += [
            Erase(PERMISSIONS, "role", gone),
            Erase(PRESETS, "role", gone),
            Clear(USERS, "role", gone),
            load.request(ROLES, "delete", keys=tuple(map(str, gone))),
        ]
    if load.of("role", CREATE, UPDATE, DELETE):
        load.logs["policy", ROLES] = None


def _role(step: Step, number: int) -> dict[str, Any]:
    told = _after(step)
    if "name" in told:
        told["name"] = told["name"] or FIXED_ROLES[step.key[0]][1]
    return {"id": number, **told}


def _listed(attributes: Attributes) -> dict[str, Any]:
    return {name: _sent(value) for name, value in attributes.items()}


def _role_of(key: str | None) -> Any:
    """The id of a role, or the name whose id is known when the roles are written."""
    return FIXED_ROLES[key][0] if key is not None and key in FIXED_ROLES else key


def _found(load: _Load, section: str, key: Key, place: int) -> tuple[int, ...]:
    """The ids behind a key whose role may have been spelled in another way."""
    named = load.ids(section, key)
    if named or key[place] is None:
        return named
    wanted = (*key[:place], key[place].lower(), *key[place + 1 :])
    for other, ids in load.there.ids[section].items():
        if other[place] is not None and (*other[:place], other[place].lower(), *other[place + 1 :]) == wanted:
            return ids
    return ()


def _permission_rows(load: _Load) -> None:
    steps = load.of("permission", CREATE, UPDATE, DELETE)
    if not steps:
        return
    load.logs["policy", PERMISSIONS] = None
    # Those of a role that goes are told, and go with it.
    going = {step.key[0] for step in load.of("role", DELETE)}
    gone = [step for step in steps if step.action == DELETE and step.key[0] not in going]
    load.delete(PERMISSIONS, (number for one in gone for number in _found(load, model.PERMISSIONS, one.key, 0)))
    load.update(
        PERMISSIONS,
        ({"id": _found(load, model.PERMISSIONS, one.key, 0)[0], **_after(one)} for one in _updates(steps)),
    )
    made = [
        {"role": _role_of(role), "collection": collection, "status": status, **_listed(load.document.permissions[key])}
        for key in (step.key for step in steps if step.action == CREATE)
        for role, collection, status in [key]
    ]
    if made:
        load.first.append(ForRoles(load.request(PERMISSIONS, "create", payloads=tuple(made), batch=True)))


def _setting_rows(load: _Load) -> None:
    """In the list form, which stores a text as it is: the other one takes "" and 0 for nothing (spec 01 §10.2)."""
    steps = load.of("setting", CREATE, UPDATE, DELETE)
    if not steps:
        return
    load.logs["settings", SETTINGS] = None
    ids = load.there.ids[model.SETTINGS]
    load.delete(SETTINGS, (ids[step.key][0] for step in steps if step.action == DELETE))
    load.update(SETTINGS, ({"id": ids[one.key][0], "value": one.changes["value"][1]} for one in _updates(steps)))
    made = (step.key for step in steps if step.action == CREATE)
    load.create(SETTINGS, ({"key": key[0], **load.document.settings[key]} for key in made))


def _preset_rows(load: _Load) -> None:
    """Presets have no history (spec 01 §9)."""
    steps = load.of("preset", CREATE, UPDATE, DELETE)
    going = {step.key[0] for step in load.of("role", DELETE)}
    gone = [step for step in steps if step.action == DELETE and step.key[1] not in going]
    ids = (number for one in gone for number in _found(load, model.PRESETS, one.key, 1))
    load.delete(PRESETS, ids, silent=True)
    load.update(
        PRESETS,
        ({"id": _found(load, model.PRESETS, one.key, 1)[0], **_preset(_after(one))} for one in _updates(steps)),
        silent=True,
    )
    made = [
        {"collection": collection, "role": _role_of(role), "title": title, **_preset(load.document.presets[key])}
        for key in (step.key for step in steps if step.action == CREATE)
        for collection, role, title in [key]
    ]
    if made:
        request = load.request(PRESETS, "create", payloads=tuple(made), batch=True)
        load.first.append(ForRoles(replace(request, activity_skip=True)))


def _preset(attributes: Attributes) -> dict[str, Any]:
    """`translation` is JSON in a column that no field describes."""
    found = dict(attributes)
    if found.get("translation") is not None:
        found["translation"] = json_text(found["translation"])
    return found
