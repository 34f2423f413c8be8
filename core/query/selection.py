"""In charge of what a client wants to see, as data. Made from a GraphQL selection set or from field paths; no I/O.

A `Selection` is the shape of one item. Two forms live in it side by side: typed leaves (GraphQL) and `Row` entries, the
item as REST shows it (spec 03 §5.1). Both are filled by the same plan and the same statements.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from core.query.predicate import EVERYTHING, Param, Predicate


@dataclass(frozen=True, slots=True)
class Condition:
    """One condition of a filter as v8 writes it (spec 03 §5.2). `field` may be a dotted path; `value` is raw input."""

    field: str
    op: str = "eq"
    value: Any = None
    either: bool = False
    """Connected to the preceding condition by OR instead of AND."""


@dataclass(frozen=True, slots=True)
class Leaf:
    """A column under a response key. `encoder`: name in `core.types.encode.ENCODERS`; "row" is the REST form.

    A field the caller may not read is None.
    """

    key: str
    field: str
    encoder: str


@dataclass(frozen=True, slots=True)
class Constant:
    """A value that does not depend on the item (`__typename`)."""

    key: str
    value: Any


@dataclass(frozen=True, slots=True)
class Row:
    """The item in its REST form under a response key: field paths with wildcards and exclusions (spec 03 §5.1)."""

    key: str
    paths: tuple[str, ...] = ("*",)


@dataclass(frozen=True, slots=True)
class Window:
    """Arguments of a to-many relation field. `where` is raw; `filter` is the typed GraphQL input as a tuple tree.

    `limit` counts per parent; None or negative = all. `part`: both conditions as a predicate, once they are hoisted.
    """

    where: tuple[Condition, ...] = ()
    filter: tuple[Any, ...] = ()
    sort: tuple[str, ...] = ()
    limit: int | Param | None = None
    offset: int | Param = 0
    part: Predicate = EVERYTHING


@dataclass(frozen=True, slots=True)
class Nested:
    """A relation field and the selection of its items. For to-one relations `window` is None."""

    key: str
    field: str
    selection: Selection
    window: Window | None = None


Entry = Leaf | Constant | Row | Nested


@dataclass(frozen=True, slots=True)
class Selection:
    """The entries of one item, in response order. `windowed`: some relation below has arguments."""

    entries: tuple[Entry, ...] = ()
    windowed: bool = field(init=False, compare=False)

    def __post_init__(self) -> None:
        nested = (entry for entry in self.entries if isinstance(entry, Nested))
        object.__setattr__(
            self, "windowed", any(entry.window is not None or entry.selection.windowed for entry in nested)
        )

    def __iter__(self) -> Iterator[Entry]:
        return iter(self.entries)


KEY_ONLY = Selection()
ROW = Selection((Row("_row"),))


@dataclass(frozen=True, slots=True)
class ReadRequest:
    """What to read from one collection. Absent arguments are None, so that core tells them from given ones.

    `filter`: typed filter input as nested tuples (see `core.query.filters.from_flat`). `ids`/`id`: raw keys.
    `meta`: names asked for among collection, type, result_count, total_count, filter_count, status_count, page.
    """

    collection: str
    selection: Selection
    id: str | None = None
    ids: tuple[str, ...] | None = None
    where: tuple[Condition, ...] = ()
    filter: tuple[Any, ...] = ()
    q: str | None = None
    sort: tuple[str, ...] | None = None
    limit: int | None = None
    offset: int | None = None
    page: int | None = None
    status: tuple[str, ...] | None = None
    lang: tuple[str, ...] | None = None
    groups: tuple[str, ...] | None = None
    meta: frozenset[str] = frozenset()
    of: tuple[Condition, ...] = ()
    """What the list is of, beside the client's own conditions: all of these hold."""
    part: Predicate = EVERYTHING
    """A condition that is no filter of v8 or GraphQL (SCIM). It may name only what the caller may read, as those."""
    include_deleted: bool = False
    """An id read that finds soft-deleted items too (v8's GraphQL `id:` argument, spec 01 §15.4)."""


@dataclass(frozen=True, slots=True)
class Warning:
    """A relation that could not be expanded (code 18): shown in `messages` and `extensions.warnings`."""

    collection: str
    fields: tuple[str, ...]
    code: int = 18

    @property
    def message(self) -> str:
        return f"Can't read `{self.collection}`: read access to `{self.collection}` collection denied"


@dataclass(slots=True)
class ReadResult:
    """Items in order, each a dict by the selection's keys (an item without keys: its Row entries are None).

    `meta`: only the members asked for, in the order of spec 03 §5.7 without `links`.
    """

    items: list[dict[str, Any]]
    meta: dict[str, Any]
    warnings: tuple[Warning, ...] = ()
    tags: tuple[str, ...] = ()
    """All collections that decided about it."""
    lasting: bool = False
    """It stays right until one of them is written; told only where somebody asks (`Session.stamp`)."""
