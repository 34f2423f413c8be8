"""In charge of turning a selection into a plan (a tree of nodes and edges). Pure; checks names, never rights."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from itertools import count
from typing import Any

from core.catalog.model import Collection, Field, Snapshot, ToMany, ToOne
from core.errors import FieldNotFound, InvalidField, Unprocessable
from core.query import fields as paths
from core.query.fields import Branch
from core.query.filters import from_conditions, from_tree
from core.query.plan import ColumnOut, ConstantOut, Edge, EdgeOut, KeyOut, Node, Output, RowOut, VirtualOut
from core.query.predicate import EVERYTHING, In, Param, Predicate, all_of, parametrise
from core.query.selection import Constant, Entry, Leaf, Nested, Row, Selection, Window
from core.query.window import MAX_INT, order_of, split

MAX_DEPTH = 10
MAX_EDGES = 500
"""Each is a statement, compiled and run."""

# Computed fields of system collections: (collection, field) → (name of the computation, columns it reads).
VIRTUAL = {
    ("directus_files", "data"): (
        "file_data",
        ("id", "type", "private_hash", "filename_disk", "filename_download", "embed", "width", "height"),
    ),
}


@dataclass(frozen=True, slots=True)
class Planning:
    """What planning needs at every level: the snapshot, `lang`, and a count of the edges so far."""

    snapshot: Snapshot
    languages: tuple[str, ...] | None
    edges: Iterator[int] = field(default_factory=count, compare=False)


def hoist(
    snapshot: Snapshot, collection: Collection, selection: Selection, values: list[Any], now: datetime
) -> Selection:
    """The shape of a selection: values of its windows are moved to the end of `values` (they belong to the request).

    Raises as `core.query.filters.from_conditions`.
    """
    if not selection.windowed:
        return selection
    entries: list[Entry] = []
    for entry in selection:
        relation = collection.relations.get(entry.field) if isinstance(entry, Nested) else None
        if isinstance(entry, Nested) and relation is not None:
            target = snapshot.collections[relation.target]
            inner = hoist(snapshot, target, entry.selection, values, now)
            entry = Nested(entry.key, entry.field, inner, _hoist_window(snapshot, target, entry.window, values, now))
        entries.append(entry)
    return Selection(tuple(entries))


def _hoist_window(
    snapshot: Snapshot, target: Collection, window: Window | None, values: list[Any], now: datetime
) -> Window | None:
    if window is None:
        return None
    conditions = all_of(
        (from_conditions(snapshot, target, window.where, now), from_tree(snapshot, target, window.filter, now))
    )
    part = parametrise(conditions, values)
    if not isinstance(window.limit, int) or window.limit < 0:
        return Window(sort=window.sort, part=part)
    start = max(window.offset, 0) if isinstance(window.offset, int) else 0
    values += (min(window.limit, MAX_INT), min(start, MAX_INT))
    return Window(sort=window.sort, part=part, limit=Param(len(values) - 2), offset=Param(len(values) - 1))


def outputs_of(planning: Planning, collection: Collection, selection: Selection, depth: int = 0) -> tuple[Output, ...]:
    """Outputs of a selection over a collection. Raises InvalidField, Unprocessable (depth), FieldNotFound (lang)."""
    if depth > MAX_DEPTH:
        raise Unprocessable(f"Relations may be nested {MAX_DEPTH} levels at most.")
    outputs: list[Output] = []
    for entry in selection:
        match entry:
            case Leaf(key, name, encoder):
                outputs.append(_leaf(collection, key, name, encoder))
            case Constant(key, value):
                outputs.append(ConstantOut(key, value))
            case Row(key, tokens):
                branch = paths.parse(paths.tokens(tokens))
                outputs.append(RowOut(key, row_outputs(planning, collection, branch, depth)))
            case Nested(key, name, inner, window):
                relation = collection.relations.get(name)
                if relation is None:
                    raise InvalidField(name, collection.name)
                target = planning.snapshot.collections[relation.target]
                node = _target(planning, target, relation, outputs_of(planning, target, inner, depth + 1), window)
                outputs.append(EdgeOut(key, Edge(relation, node)))
    return tuple(outputs)


def _leaf(collection: Collection, key: str, name: str, encoder: str, row: bool = False) -> Output:
    virtual = VIRTUAL.get((collection.name, name))
    if virtual:
        return VirtualOut(key, name, *virtual, row=row)
    field = collection.fields.get(name)
    if field is None:
        raise InvalidField(name, collection.name)
    if field.is_alias:
        return ConstantOut(key, None)
    return ColumnOut(key, name, encoder, row)


def _target(
    planning: Planning, target: Collection, relation: ToOne | ToMany, outputs: tuple[Output, ...], window: Window | None
) -> Node:
    """The node at the far end of an edge, with the language rule and the window of a to-many field.

    Raises Unprocessable when there are too many: wildcards below wildcards grow without bound.
    """
    if next(planning.edges) >= MAX_EDGES:
        raise Unprocessable(f"Fields may expand {MAX_EDGES} relations at most.")
    where = _language(planning, relation)
    if window is None or not isinstance(relation, ToMany):
        return Node(target.name, outputs, where, order_of(target, None))
    return Node(
        target.name,
        outputs,
        all_of((where, window.part)),
        order_of(target, window.sort),
        limit=window.limit if isinstance(window.limit, Param) else None,
        offset=window.offset if isinstance(window.offset, Param) else None,
    )


def _language(planning: Planning, relation: ToOne | ToMany) -> Predicate:
    """`lang` restricts rows of translation fields (spec 03 §5.8). Raises FieldNotFound without a language field."""
    languages = planning.languages
    if languages is None or not isinstance(relation, ToMany):
        return EVERYTHING
    if planning.snapshot.collections[relation.collection].fields[relation.field].type != "translation":
        return EVERYTHING
    wanted = tuple(split(languages))
    if not wanted or "*" in wanted:
        return EVERYTHING
    if relation.language_field is None:
        raise FieldNotFound("lang")
    return In(relation.language_field, wanted)


def row_outputs(
    planning: Planning, collection: Collection, branch: Branch, depth: int, *, lenient: bool = False
) -> tuple[Output, ...]:
    """Outputs of the REST form: column order, then aliases by name, whatever the order of the paths.

    `lenient`: the branch came from a wildcard, so names that this collection does not have are passed over.
    """
    if not lenient:
        _check_names(collection, branch)
    expands = _expands(collection, branch)
    outputs: list[Output] = []
    for shown in collection.fields.values():
        output = _row_field(planning, collection, shown, branch, depth, expands)
        if output is not None:
            outputs.append(output)
    return tuple(outputs)


def _check_names(collection: Collection, branch: Branch) -> None:
    for name in (*branch.names, *branch.excluded):
        if name not in collection.fields and (collection.name, name) not in VIRTUAL:
            raise InvalidField(name, collection.name)


def _expands(collection: Collection, branch: Branch) -> bool:
    """Some relation of this level is expanded by the request."""
    return branch.rest is not None or any(name in collection.relations for name in branch.children)


def _row_field(
    planning: Planning, collection: Collection, field: Field, branch: Branch, depth: int, expands: bool
) -> Output | None:
    name = field.name
    if name in branch.excluded:
        return None
    named = name in branch.names
    relation = collection.relations.get(name)
    child = branch.children.get(name)
    virtual = VIRTUAL.get((collection.name, name))
    if virtual:
        return VirtualOut(name, name, *virtual, row=True) if named or branch.star else None
    if relation is not None and (child is not None or (branch.rest is not None and name not in branch.children)):
        # `a` named beside `*.*`: the wildcard subtree counts unless the field has a subtree of its own
        subtree = child if child is not None else branch.rest
        if subtree is not None and (child is not None or branch.star):
            return _row_edge(planning, relation, subtree, depth, lenient=child is None)
    if field.is_alias:
        if named and isinstance(relation, ToMany) and expands:
            only_key = (ColumnOut(relation.target_field, relation.target_field, "row", True),)
            target = planning.snapshot.collections[relation.target]
            return EdgeOut(name, Edge(relation, _target(planning, target, relation, only_key, None)), True)
        return None
    return ColumnOut(name, name, "row", True) if named or branch.star else None


def _row_edge(planning: Planning, relation: ToOne | ToMany, subtree: Branch, depth: int, *, lenient: bool) -> Output:
    if depth >= MAX_DEPTH:
        raise Unprocessable(f"Fields may be nested {MAX_DEPTH} levels at most.")
    target = planning.snapshot.collections[relation.target]
    outputs = row_outputs(planning, target, subtree, depth + 1, lenient=lenient)
    return EdgeOut(relation.field, Edge(relation, _target(planning, target, relation, outputs, None)), True)


def key_only(relation: ToOne, key: str) -> KeyOut:
    """What remains of a to-one relation whose collection may not be read (REST form)."""
    return KeyOut(key, relation.field, relation.target, relation.target_key)


def columns_needed(outputs: Iterable[Output]) -> list[str]:
    """The columns that the outputs read, in order of first use, without repetition."""
    needed: dict[str, None] = {}
    for output in outputs:
        match output:
            case ColumnOut(_, field) | KeyOut(_, field):
                needed[field] = None
            case VirtualOut(needs=needs):
                needed.update(dict.fromkeys(needs))
            case RowOut(outputs=inner):
                needed.update(dict.fromkeys(columns_needed(inner)))
    return list(needed)
