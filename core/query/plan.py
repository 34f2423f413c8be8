"""In charge of the plan: what to fetch and how the answer is built from it, as frozen data. Knows no SQL, no rights.

A `Node` becomes one statement, an `Edge` one more for all parents together. Outputs name fields; the SQL room decides
in which column of the statement each arrives.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from core.catalog.model import Relation
from core.query.predicate import EVERYTHING, Param, Predicate


@dataclass(frozen=True, slots=True)
class ColumnOut:
    """A column of the node under a response key. `row`: REST form, where a hidden field is absent and not null."""

    key: str
    field: str
    encoder: str
    row: bool = False


@dataclass(frozen=True, slots=True)
class ConstantOut:
    key: str
    value: Any


@dataclass(frozen=True, slots=True)
class VirtualOut:
    """A value computed from columns of the row and the request (`data` of a file). `needs`: the columns it reads."""

    key: str
    field: str
    name: str
    needs: tuple[str, ...]
    row: bool = False


@dataclass(frozen=True, slots=True)
class KeyOut:
    """A to-one relation into a collection that may not be read: `{target_key: key}`, null stays null (REST form)."""

    key: str
    field: str
    target: str
    target_key: str


@dataclass(frozen=True, slots=True)
class EdgeOut:
    """The related item or items under a response key."""

    key: str
    edge: Edge
    row: bool = False


@dataclass(frozen=True, slots=True)
class RowOut:
    """The item itself in REST form under a response key; None when no output remains."""

    key: str
    outputs: tuple[Output, ...]


Output = ColumnOut | ConstantOut | VirtualOut | KeyOut | EdgeOut | RowOut


@dataclass(frozen=True, slots=True)
class Order:
    """One criterion. `field` None is random."""

    field: str | None
    descending: bool = False


@dataclass(frozen=True, slots=True)
class Redaction:
    """What a role does not see in the contents of revisions, beside what nobody sees (`core.query.revisions`).

    `hidden`: (collection, fields) pairs. `own_only`: fields of directus_users, shown of the caller's own row only.
    """

    hidden: tuple[tuple[str, frozenset[str]], ...] = ()
    own_only: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Node:
    """Items of one collection.

    `status`: None = the default set (mapped, not soft-deleted), ("*",) = all, else exactly these values.
    `limit`, `offset`: places of the values; on an edge they count per parent. `groups`: columns of `groups`.
    `languages`: restriction of nested translations, None = all.
    `own_only`: fields shown on the caller's own row only (secrets of directus_users); set by restriction.
    `hidden_by_status`: (status, field names) pairs hidden per row; set by restriction.
    """

    collection: str
    outputs: tuple[Output, ...]
    where: Predicate = EVERYTHING
    order: tuple[Order, ...] = ()
    status: tuple[Any, ...] | None = None
    limit: Param | None = None
    offset: Param | None = None
    groups: tuple[str, ...] = ()
    own_only: frozenset[str] = frozenset()
    hidden_by_status: tuple[tuple[str, frozenset[str]], ...] = ()
    redaction: Redaction | None = None
    """What revisions do not show; set by restriction."""


@dataclass(frozen=True, slots=True)
class Edge:
    """From the items of a node to related items: one statement for all parents together."""

    relation: Relation
    node: Node
