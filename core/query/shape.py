"""In charge of building answers from fetched rows: once per plan into closures, then column by column. Pure.

A shaper takes all rows of a node at once. It zips the response keys with the row (fetched in response order, so this is
one C call a row) and then patches the columns that need it: encoders, related items, computed and hidden values.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Any, cast

from core.catalog.model import Collection, Snapshot, ToOne
from core.query.plan import ColumnOut, ConstantOut, Edge, EdgeOut, KeyOut, Output, Redaction, RowOut, VirtualOut
from core.query.revisions import NEEDS, PLAIN, redacted, redactor
from core.query.virtual import COMPUTED, MASKS, Scene, Shown
from core.types.encode import encoder, of_column

Row = Sequence[Any]
Item = dict[str, Any]
Lookups = Sequence[Mapping[Any, Any]]
Patch = Callable[[list[Item], Sequence[Row], Lookups, Scene], None]
Shaper = Callable[[Sequence[Row], Lookups, Scene], list[Item]]


@dataclass(frozen=True, slots=True)
class Layout:
    """Where things arrive: column → position in the row; edge → number of its lookup and key normaliser."""

    positions: Mapping[str, int]
    edges: Mapping[int, int]
    """id() of the Edge → its number (edges are compared by identity: equal edges are fetched once per output)."""


@dataclass(frozen=True, slots=True)
class Hiding:
    """What is hidden per row: `own_only` fields on rows of others, fields by status, contents of revisions."""

    key: str | None
    own_only: frozenset[str]
    status: str | None
    by_status: Mapping[str, frozenset[str]]
    redaction: Redaction = PLAIN


def edges_of(outputs: Sequence[Output]) -> list[Edge]:
    """Every edge of a node, also those inside its Row outputs, in order."""
    found: list[Edge] = []
    for output in outputs:
        if isinstance(output, EdgeOut):
            found.append(output.edge)
        elif isinstance(output, RowOut):
            found.extend(edges_of(output.outputs))
    return found


def link_field(collection: Collection, edge: Edge) -> str:
    """The field of the parent whose value leads over an edge: the foreign key, or the parent's own key."""
    if isinstance(edge.relation, ToOne):
        return edge.relation.field
    return collection.primary_key or collection.key_columns[0]


def wanted_columns(collection: Collection, outputs: Sequence[Output]) -> list[str]:
    """Columns to fetch, in response order, each once; what only patches read comes last."""
    first: dict[str, None] = {}
    later: dict[str, None] = {}
    for output in outputs:
        match output:
            case ColumnOut(_, field) | KeyOut(_, field):
                first[field] = None
                if redacted(collection.name, field):
                    later.update(dict.fromkeys(NEEDS))
            case EdgeOut(_, edge):
                first[link_field(collection, edge)] = None
            case RowOut(_, inner):
                first.update(dict.fromkeys(wanted_columns(collection, inner)))
            case VirtualOut(needs=needs):
                later.update(dict.fromkeys(name for name in needs if name in collection.fields))
            case _:
                pass
    return list(first | later)


def shown_by(collection: str, outputs: Sequence[Output]) -> Shown:
    """Which fields stand under which keys of an item."""
    fields: list[tuple[str, str]] = []
    rows: list[str] = []
    for output in outputs:
        match output:
            case ColumnOut(key, field) | KeyOut(key, field):
                fields.append((key, field))
            case EdgeOut(key, edge):
                fields.append((key, edge.relation.field))
            case RowOut(key, _):
                rows.append(key)
            case _:
                pass
    return Shown(collection, tuple(fields), tuple(rows))


def shaper(
    snapshot: Snapshot, collection: Collection, outputs: Sequence[Output], layout: Layout, hiding: Hiding
) -> Shaper:
    """The function that turns fetched rows of a node into items by its outputs."""
    keys: list[str] = []
    positions: list[int] = []
    patches: list[Patch] = []
    for output in outputs:
        keys.append(output.key)
        positions.append(_position(collection, output, layout))
        if isinstance(output, ColumnOut) and redacted(collection.name, output.field):
            patches.append(_redact(snapshot, output, layout, hiding.redaction))
        patch = _patch(snapshot, collection, output, layout, hiding)
        if patch is not None:
            patches.append(patch)
    patches.extend(_hiding(outputs, layout, hiding))
    if len(outputs) == 1 and isinstance(outputs[0], RowOut):
        return _rows_alone(keys[0], shaper(snapshot, collection, outputs[0].outputs, layout, hiding))
    names, direct = tuple(keys), positions == list(range(len(positions)))
    pick = cast("Callable[[Row], Row]", itemgetter(*positions) if len(positions) > 1 else _single(positions))

    def shape(rows: Sequence[Row], lookups: Lookups, scene: Scene) -> list[Item]:
        if direct:
            items = [dict(zip(names, row)) for row in rows]  # noqa: B905 - a row may be longer than its keys
        else:
            items = [dict(zip(names, pick(row), strict=True)) for row in rows]
        for patch in patches:
            patch(items, rows, lookups, scene)
        return items

    return shape


def _rows_alone(key: str, inner: Shaper) -> Shaper:
    """Items that are shown in their REST form and in no other."""

    def shape(rows: Sequence[Row], lookups: Lookups, scene: Scene) -> list[Item]:
        return [{key: row or None} for row in inner(rows, lookups, scene)]

    return shape


def _single(positions: Sequence[int]) -> Callable[[Row], Row]:
    if not positions:
        return lambda _: ()
    at = positions[0]
    return lambda row: (row[at],)


def _position(collection: Collection, output: Output, layout: Layout) -> int:
    """A column whose value stands at the output's key before it is patched."""
    match output:
        case ColumnOut(_, field) | KeyOut(_, field):
            return layout.positions[field]
        case EdgeOut(_, edge):
            return layout.positions[link_field(collection, edge)]
    return 0


def _patch(snapshot: Snapshot, collection: Collection, output: Output, layout: Layout, hiding: Hiding) -> Patch | None:
    key = output.key
    match output:
        case ColumnOut(_, field, name):
            return _convert(snapshot, collection, key, field, name)
        case ConstantOut(_, value):
            return _constant(key, value)
        case KeyOut(_, field, _, target_key):
            inner = _convert(snapshot, collection, key, field, "row")
            return _key_object(key, target_key, inner)
        case VirtualOut(_, _, name, needs):
            return _virtual(key, name, {need: layout.positions[need] for need in needs if need in layout.positions})
        case EdgeOut(_, edge):
            return _edge(collection, key, edge, layout.edges[id(edge)], snapshot)
        case RowOut(_, inner_outputs):
            return _row(key, shaper(snapshot, collection, inner_outputs, layout, hiding))


def _redact(snapshot: Snapshot, output: ColumnOut, layout: Layout, redaction: Redaction) -> Patch:
    key, redact = output.key, redactor(snapshot, redaction, output.field)
    collection, item, parent = (layout.positions[name] for name in NEEDS)

    def patch(items: list[Item], rows: Sequence[Row], lookups: Lookups, scene: Scene) -> None:
        for found, row in zip(items, rows, strict=True):
            found[key] = redact(found[key], row[collection], row[item], row[parent], scene.user)

    return patch


def _convert(snapshot: Snapshot, collection: Collection, key: str, field: str, name: str) -> Patch | None:
    encode: Callable[[Any], Any] | None = MASKS.get((collection.name, field))
    null: Any = None
    if encode is None:
        encode, null = encoder(name, collection.fields[field], snapshot.dialect, system=collection.is_system)
    if encode is None and null is None:
        return None
    together = of_column(encode) if null is None else None
    if together is not None:
        return _converted_together(key, together)

    def patch(items: list[Item], rows: Sequence[Row], lookups: Lookups, scene: Scene) -> None:
        for item in items:
            value = item[key]
            if value is None:
                item[key] = list(null) if isinstance(null, list) else null
            elif encode is not None:
                item[key] = encode(value)

    return patch


def _converted_together(key: str, encode: Callable[[Sequence[Any]], list[Any]]) -> Patch:
    def patch(items: list[Item], rows: Sequence[Row], lookups: Lookups, scene: Scene) -> None:
        for item, value in zip(items, encode([item[key] for item in items]), strict=True):
            item[key] = value

    return patch


def _constant(key: str, value: Any) -> Patch:
    def patch(items: list[Item], rows: Sequence[Row], lookups: Lookups, scene: Scene) -> None:
        for item in items:
            item[key] = value

    return patch


def _key_object(key: str, target_key: str, inner: Patch | None) -> Patch:
    def patch(items: list[Item], rows: Sequence[Row], lookups: Lookups, scene: Scene) -> None:
        if inner is not None:
            inner(items, rows, lookups, scene)
        for item in items:
            if item[key] is not None:
                item[key] = {target_key: item[key]}

    return patch


def _virtual(key: str, name: str, needs: Mapping[str, int]) -> Patch:
    compute = COMPUTED[name]

    def patch(items: list[Item], rows: Sequence[Row], lookups: Lookups, scene: Scene) -> None:
        for item, row in zip(items, rows, strict=True):
            item[key] = compute({need: row[at] for need, at in needs.items()}, scene)

    return patch


def normaliser(snapshot: Snapshot, collection: Collection, edge: Edge) -> Callable[[Any], Any] | None:
    """How both keys of an edge become comparable in Python; None when they are already."""
    relation = edge.relation
    here = collection.fields[link_field(collection, edge)].column
    target = snapshot.collections[relation.target]
    there = target.fields[relation.target_key if isinstance(relation, ToOne) else relation.target_field].column
    if here is None or there is None:
        return str
    if here.family in ("integer", "bigint") and there.family in ("integer", "bigint"):
        return None
    if here.nocase or there.nocase:
        return lambda value: str(value).casefold()
    return None if here.family == there.family else str


def _edge(collection: Collection, key: str, edge: Edge, number: int, snapshot: Snapshot) -> Patch:
    normalise = normaliser(snapshot, collection, edge)
    many = not isinstance(edge.relation, ToOne)

    def patch(items: list[Item], rows: Sequence[Row], lookups: Lookups, scene: Scene) -> None:
        find = lookups[number].get
        for item in items:
            value = item[key]
            if normalise is not None and value is not None:
                value = normalise(value)
            item[key] = (find(value) or []) if many else find(value)

    return patch


def _row(key: str, inner: Shaper) -> Patch:
    def patch(items: list[Item], rows: Sequence[Row], lookups: Lookups, scene: Scene) -> None:
        for item, row in zip(items, inner(rows, lookups, scene), strict=True):
            item[key] = row or None

    return patch


def _hiding(outputs: Sequence[Output], layout: Layout, hiding: Hiding) -> list[Patch]:
    """Patches that hide fields row by row; in REST form the key is absent, in typed form it is null."""
    shown = [(output.key, _field(output), getattr(output, "row", isinstance(output, KeyOut))) for output in outputs]
    patches: list[Patch] = []
    secret = [(key, row) for key, field, row in shown if field in hiding.own_only]
    if secret and hiding.key is not None:
        at = layout.positions[hiding.key]

        def own(items: list[Item], rows: Sequence[Row], lookups: Lookups, scene: Scene) -> None:
            for item, row in zip(items, rows, strict=True):
                if row[at] != scene.user:
                    _hide(item, secret)

        patches.append(own)
    by_status = {
        status: [(key, row) for key, field, row in shown if field in names]
        for status, names in hiding.by_status.items()
    }
    if any(by_status.values()) and hiding.status is not None:
        place = layout.positions[hiding.status]

        def status(items: list[Item], rows: Sequence[Row], lookups: Lookups, scene: Scene) -> None:
            for item, row in zip(items, rows, strict=True):
                hidden = by_status.get(str(row[place]))
                if hidden:
                    _hide(item, hidden)

        patches.append(status)
    return patches


def _field(output: Output) -> str | None:
    match output:
        case ColumnOut(_, field) | KeyOut(_, field) | VirtualOut(_, field):
            return field
        case EdgeOut(_, edge):
            return edge.relation.field
    return None


def _hide(item: Item, keys: Sequence[tuple[str, bool]]) -> None:
    for key, row in keys:
        if row:
            item.pop(key, None)
        else:
            item[key] = None
