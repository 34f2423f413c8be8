"""In charge of what happened to items, as short notes that also travel to other processes. Pure.

A note names an item and does not show it: it is read anew for everybody who is told. Only of what is gone some facts
go along, from which the rules can tell who saw it: plain values, no hashes, and of the system's own tables no more than
key, status, owner and role.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from core.access.owners import owner_column
from core.catalog.model import Collection, Snapshot
from core.events.collect import Event, SchemaEvent
from core.events.collect import Told as Happened
from core.frozen import EMPTY

SCHEMA = "schema"
LONGEST = 255
PLAIN = (str, int, float, bool, type(None))


@dataclass(frozen=True, slots=True)
class Note:
    """`action`: create, update, delete, or schema (the collection itself has changed). `facts`: of what is gone."""

    action: str
    collection: str
    key: str = ""
    facts: Mapping[str, Any] = field(default_factory=lambda: EMPTY)


def notes_of(snapshot: Snapshot, happened: Iterable[Happened]) -> list[Note]:
    """The notes of one transaction. An item that got a soft-deleted status is gone for whoever reads lists."""
    found: list[Note] = []
    for one in happened:
        if isinstance(one, SchemaEvent):
            found.append(Note(SCHEMA, one.collection))
        elif one.action == "delete" or (one.soft_deleted and one.before is not None):
            collection = snapshot.collections.get(one.collection)
            facts = facts_of(collection, one.before or {}) if collection is not None else {}
            found.append(Note("delete", one.collection, str(one.key), facts))
        elif isinstance(one, Event):
            found.append(Note(one.action, one.collection, str(one.key)))
    return found


def facts_of(collection: Collection, row: Mapping[str, Any]) -> dict[str, Any]:
    """What may be told of a row to decide who saw it."""
    if collection.is_system:
        named = {collection.primary_key, collection.status_field, owner_column(collection), "role"}
        names = [name for name in collection.fields if name in named]
    else:
        names = [one.name for one in collection.columns if one.type != "hash"]
    return {
        name: row[name]
        for name in names
        if name in row
        and isinstance(row[name], PLAIN)
        and not (isinstance(row[name], str) and len(row[name]) > LONGEST)
    }


def dump(notes: Iterable[Note]) -> bytes:
    """Notes as they travel. Raises TypeError for what is no JSON, which facts never are."""
    return orjson.dumps([(one.action, one.collection, one.key, dict(one.facts)) for one in notes])


def load(data: bytes) -> list[Note]:
    """Notes that have arrived; none when they are not in the form of `dump` (another version, a stranger)."""
    try:
        return [_note(*one) for one in orjson.loads(data)]
    except (TypeError, ValueError):
        return []


def _note(action: Any, collection: Any, key: Any, facts: Any) -> Note:
    if not (
        isinstance(action, str) and isinstance(collection, str) and isinstance(key, str) and isinstance(facts, dict)
    ):
        raise TypeError
    return Note(action, collection, key, facts)
