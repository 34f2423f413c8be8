"""In charge of the data that travels through a write: nodes, one for each row to touch, and the rows as stored. No I/O.

A change is a flat tuple of nodes in the order of their effects (to-one parents, the row, its children), which is also
the order of the activity. A node names others by their index, so every step can add its findings in a list beside it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from core.catalog.model import Collection, ToMany
from core.errors import Path
from core.frozen import EMPTY

Verb = Literal["create", "update", "save", "delete"]
"""`save`: update when the row exists, else create it under the key that was sent."""

Place = tuple[tuple[int, str], ...]
"""Where in the tree: compares as parents before (0), the row itself (1), deletions of what it no longer refers to (2),
children (3)."""


@dataclass(frozen=True, slots=True)
class Parent:
    """The node above in a to-many field. `linked`: the foreign key is set to the parent's key by the server."""

    index: int
    relation: ToMany
    linked: bool


@dataclass(frozen=True, slots=True)
class Node:
    """One row to write, as the client asked for it.

    `key`: canonical, None when the database or nobody has given one; `sent_key`: as sent, for messages.
    `payload`: the fields of the row itself, raw; to-one objects have become keys, or are in `refers`.
    `named`: every name of the payload, for the blacklists. `refers`: field → index of the node whose key it gets.
    """

    index: int
    collection: Collection
    verb: Verb
    place: Place
    path: Path
    key: Any = None
    sent_key: Any = None
    payload: Mapping[str, Any] = field(default_factory=lambda: EMPTY)
    named: tuple[str, ...] = ()
    refers: Mapping[str, int] = field(default_factory=lambda: EMPTY)
    removes: tuple[str, ...] = ()
    """Fields set to NULL because the row they refer to is deleted."""
    to_many: Mapping[str, int] = field(default_factory=lambda: EMPTY)
    """To-many fields of the payload and how many elements of each count."""
    unknown: tuple[str, ...] = ()
    malformed: tuple[str, ...] = ()
    """To-many fields whose value is no list."""
    keyless: bool = False
    """An element that needs its key and has none."""
    parent: Parent | None = None
    strict: bool = False
    """A `save` of a row that is not there is an error, not a creation (its keys are generated)."""
    fresh: bool = False
    """An update of a row that an earlier node of the same change creates."""
    gone: bool = False
    """The row is not there, or an earlier node of the same change deletes it."""
    empty: bool = False
    """An update that asks for nothing: no statement, no activity, no event."""
    reverts: bool = False
    """The payload is what a revision holds."""
    content: Any = None
    """Of a file: the bytes that it shall have, as they were sent."""
    fixed: frozenset[str] = frozenset()
    """Fields that a hook has decided, so that the server does not set them."""
    preset: frozenset[str] = frozenset()
    """Fields of the payload that a preset of the permissions has filled in."""

    @property
    def root(self) -> bool:
        """Named by the request itself, not by a relation."""
        return len(self.place) == 1

    @property
    def link(self) -> str | None:
        """The foreign key that the server sets to the parent's key, if it does."""
        return self.parent.relation.target_field if self.parent is not None and self.parent.linked else None

    @property
    def own_data(self) -> bool:
        """The payload says something of the row itself, besides its key and its link to the parent."""
        link = self.parent.relation.target_field if self.parent else None
        return any(name not in (link, self.collection.primary_key) for name in self.named)


@dataclass(frozen=True, slots=True)
class Stored:
    """A row as the database has it: column → what the driver gave. `owner_role`: role of its owner, where it counts.

    `fails`: the actions whose row rule it does not fulfil.
    """

    values: Mapping[str, Any]
    owner_role: int | None = None
    fails: frozenset[str] = frozenset()


class Rows:
    """The stored rows that a change touches, found by collection and key as the database compares keys."""

    __slots__ = ("_rows",)

    def __init__(self) -> None:
        self._rows: dict[tuple[str, Any], Stored] = {}

    def put(self, collection: Collection, row: Stored) -> None:
        """Remember a row under its own key."""
        key = row.values[collection.primary_key or ""]
        self._rows[collection.name, same(collection, key)] = row

    def get(self, collection: Collection, key: Any) -> Stored | None:
        """The row of this key, or None."""
        return None if key is None else self._rows.get((collection.name, same(collection, key)))


def same(collection: Collection, key: Any) -> Any:
    """A key in the form in which equal keys are equal: as the key column compares."""
    if isinstance(key, str):
        column = collection.fields[collection.primary_key or ""].column
        return key.casefold() if column is not None and (column.nocase or column.family == "uuid") else key
    if key is None or isinstance(key, int | bytes):
        return key
    # uuid.UUID of one driver is text for another; a Decimal equals its int
    return key if hasattr(key, "as_tuple") else str(key)
