"""In charge of what a client wants to change, as data: the request of a write, before it is normalised. No I/O."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from core.query.selection import ROW, Selection, Warning

Action = Literal["create", "update", "upsert", "delete", "revert"]


@dataclass(frozen=True, slots=True)
class WriteRequest:
    """One write of one root field: one transaction (spec 03 §6–9).

    create: `payloads`. update: `keys` + one payload for all of them, or `keys` None and payloads that carry their key
    (batch). upsert: payloads, matched by field `match` (default: primary key). delete: `keys`.
    Payloads are in v8's free form ($delete, keys or objects); `keys` are raw text as they stand in paths.
    `selection`: what to read back of each item, in the same unit of work; None: nothing. `first`: the index of the
    first payload, where a request is a part of something longer.
    """

    collection: str
    action: Action
    payloads: tuple[Mapping[str, Any], ...] = ()
    keys: tuple[str, ...] | None = None
    batch: bool = False
    """The list form was used: problems carry the index, `meta` is not answered."""
    match: str | None = None
    revision: str | None = None
    selection: Selection | None = ROW
    first: int = 0
    lang: tuple[str, ...] | None = None
    meta: frozenset[str] = frozenset()
    comment: str | None = None
    activity_skip: bool = False
    revives: bool = False
    """An update may be of items that are deleted softly, which are there for nobody else."""


@dataclass(slots=True)
class WriteResult:
    """`keys`: of the root items, in input order. `items`: as read back, None where the caller may not read one.

    `created`: how many of the root items are new.
    """

    keys: list[Any]
    items: list[dict[str, Any] | None]
    meta: dict[str, Any]
    warnings: tuple[Warning, ...] = ()
    tags: tuple[str, ...] = ()
    created: int = 0
