"""In charge of grouping nodes into statements: how many there are depends on the shape of the payload, not on its rows.

Places come in their order: to-one parents, the row, deletions of what it referred to, children. In a place rows are
deleted first (a new row may take a unique value over), then created and updated, one group for each set of columns.
Pure.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from core.catalog.model import Collection
from core.write.change import Node, Place, same


@dataclass(frozen=True, slots=True)
class Target:
    """One row of a statement: the nodes that write it, the latest last."""

    nodes: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Group:
    """Rows of one collection that one statement writes."""

    verb: str
    """create, update, delete, or touch: nothing of the row itself is written."""
    collection: Collection
    columns: tuple[str, ...]
    targets: tuple[Target, ...]


def order(nodes: Sequence[Node], values: Sequence[dict[str, Any]]) -> list[Group]:
    """The groups of a change, in the order in which they have to run."""
    places: dict[Place, list[Node]] = {}
    for node in nodes:
        if not node.empty:
            places.setdefault(node.place, []).append(node)
    return [group for _, found in sorted(places.items()) for group in _groups(found, values)]


def columns_of(node: Node, values: dict[str, Any]) -> frozenset[str]:
    """The columns that a node writes."""
    return frozenset((*values, *node.refers, *((node.link,) if node.link else ())))


def _groups(nodes: list[Node], values: Sequence[dict[str, Any]]) -> list[Group]:
    """The groups of one place; several nodes for the same row become one row of one statement."""
    rows: dict[Any, list[Node]] = {}
    for node in nodes:
        rows.setdefault(_identity(node, values[node.index]), []).append(node)
    found: dict[tuple[str, tuple[str, ...]], list[Target]] = {}
    for chain in (part for whole in rows.values() for part in _lives(whole)):
        verb = _verb(chain)
        columns: frozenset[str] = frozenset()
        for node in chain:
            columns |= columns_of(node, values[node.index]) if verb != "delete" else frozenset()
        if verb == "update" and not columns:
            verb = "touch"
        ordered = tuple(name for name in nodes[0].collection.fields if name in columns)
        found.setdefault((verb, ordered), []).append(Target(tuple(node.index for node in chain)))
    rank = {"delete": 0, "create": 1, "update": 2, "touch": 3}
    return [
        Group(verb, nodes[0].collection, columns, tuple(targets))
        for (verb, columns), targets in sorted(found.items(), key=lambda item: rank[item[0][0]])
    ]


def _identity(node: Node, values: dict[str, Any]) -> Any:
    """What tells rows apart within a place: the key, or the node itself while the key is to be generated."""
    collection = node.collection
    key = values.get(collection.primary_key or "") if node.verb == "create" else node.key
    return ("new", node.index) if key is None else ("row", same(collection, key))


def _lives(chain: list[Node]) -> list[list[Node]]:
    """A row that is deleted and made anew is two rows of statements: what ends with the last deletion, what follows."""
    last = max((number for number, node in enumerate(chain, 1) if node.verb == "delete"), default=0)
    return [part for part in (chain[:last], chain[last:]) if part]


def _verb(chain: list[Node]) -> str:
    """What several nodes for one row come to: the last deletion, else the creation, else an update."""
    if chain[-1].verb == "delete":
        return "delete"
    return "create" if any(node.verb == "create" for node in chain) else "update"
