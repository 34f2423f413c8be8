"""In charge of compiling a restricted plan: one statement a node, with the shaper for its rows. Pure.

Compiled once per shape of a request; the values of each request are bound to it by `Prepared.bind`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.sql.expression import ColumnElement

from core.catalog.model import Collection, Column, Snapshot, ToOne
from core.query.plan import Edge, Node, Order
from core.query.predicate import Bound, Predicate
from core.query.revisions import PLAIN
from core.query.shape import Hiding, Layout, Shaper, edges_of, link_field, normaliser, shaper, shown_by, wanted_columns
from core.query.virtual import Shown
from core.sql.compile import Binds, Prepared, prepare
from core.sql.predicates import Renderer
from core.sql.tables import readable

KEYS = Bound("keys")


@dataclass(frozen=True, slots=True)
class Branch:
    """A compiled edge. `parent`: position of the linking key in the parent's rows; `link`: in the child's rows."""

    fetch: Fetch
    parent: int
    link: int
    many: bool
    normalise: Callable[[Any], Any] | None
    convert: Callable[[Any], Any] | None
    """Makes a parent's key a canonical value of the child's column where their families differ."""


@dataclass(frozen=True, slots=True)
class Fetch:
    """A compiled node: its statement, its edges, and how its rows become items."""

    statement: Prepared
    branches: tuple[Branch, ...]
    shape: Shaper
    shown: Shown


def compile_node(snapshot: Snapshot, node: Node, edge: Edge | None = None, counted: Sequence[Predicate] = ()) -> Fetch:
    """Compiles a restricted node and everything below it; `edge` is the edge that leads to it.

    `counted`: what each row tells at its end as well, how many items of the collection match a (restricted) predicate.
    """
    collection = snapshot.collections[node.collection]
    columns = _columns(collection, node, edge)
    positions = {name: index for index, name in enumerate(columns)}
    edges = edges_of(node.outputs)
    layout = Layout(positions, {id(item): number for number, item in enumerate(edges)})
    hiding = Hiding(
        collection.primary_key,
        node.own_only,
        collection.status_field,
        dict(node.hidden_by_status),
        node.redaction or PLAIN,
    )
    return Fetch(
        _statement(snapshot, collection, node, columns, edge, counted),
        tuple(_branch(snapshot, collection, item, positions) for item in edges),
        shaper(snapshot, collection, node.outputs, layout, hiding),
        shown_by(collection.name, node.outputs),
    )


def _columns(collection: Collection, node: Node, edge: Edge | None) -> list[str]:
    wanted = dict.fromkeys(wanted_columns(collection, node.outputs))
    if edge is not None:
        wanted[_far_field(edge)] = None
    if node.own_only and collection.primary_key:
        wanted[collection.primary_key] = None
    if node.hidden_by_status and collection.status_field:
        wanted[collection.status_field] = None
    if not wanted:
        wanted[next(iter(collection.fields))] = None
    return [name for name in wanted if collection.fields[name].column is not None]


def _far_field(edge: Edge) -> str:
    relation = edge.relation
    return relation.target_key if isinstance(relation, ToOne) else relation.target_field


def _branch(snapshot: Snapshot, collection: Collection, edge: Edge, positions: dict[str, int]) -> Branch:
    target = snapshot.collections[edge.relation.target]
    fetch = compile_node(snapshot, edge.node, edge)
    link = _columns(target, edge.node, edge).index(_far_field(edge))
    own = link_field(collection, edge)
    here, there = collection.fields[own].column, target.fields[_far_field(edge)].column
    return Branch(
        fetch,
        positions[own],
        link,
        not isinstance(edge.relation, ToOne),
        normaliser(snapshot, collection, edge),
        _key_converter(here, there),
    )


def _key_converter(here: Column | None, there: Column | None) -> Callable[[Any], Any] | None:
    if here is None or there is None or here.family == there.family:
        return None
    if there.family in ("integer", "bigint"):
        return None if here.family in ("integer", "bigint") else _integer
    return str if there.family == "text" else None


def _integer(value: Any) -> int | None:
    """A key of another family as integer; None (matches nothing) when it is none."""
    try:
        return int(value)
    except (TypeError, ValueError):
        return None


# --- statements ---------------------------------------------------------------------------------------------------


def _statement(
    snapshot: Snapshot,
    collection: Collection,
    node: Node,
    columns: Sequence[str],
    edge: Edge | None,
    counted: Sequence[Predicate],
) -> Prepared:
    binds = Binds(snapshot.dialect)
    renderer = Renderer(snapshot, binds)
    source = renderer.alias(collection)
    condition = renderer.render(node.where, collection, source)
    if node.groups:
        condition = sa.and_(condition, _representatives(renderer, collection, node, source))
    if edge is not None:
        model = renderer.model(collection, _far_field(edge))
        condition = sa.and_(binds.member(source.c[_far_field(edge)], KEYS, model), condition)
    order = [item for one in node.order for item in order_by(renderer, collection, source, one)]
    selected = [
        readable(source.c[name], renderer.model(collection, name), snapshot.dialect).label(f"c{index}")
        for index, name in enumerate(columns)
    ]
    counts = _counts(renderer, collection, counted)
    if edge is None and _splits_nulls(renderer, collection, node):
        return prepare(_split_by_null(renderer, collection, node, columns).add_columns(*counts), binds)
    if edge is not None and node.limit is not None:
        return prepare(_windowed(binds, source, selected, condition, order, node, edge), binds)
    statement = sa.select(*selected, *counts).select_from(source).where(condition).order_by(*order)
    if node.limit is not None:
        statement = statement.limit(binds.plain(node.limit, sa.BigInteger()))
        if node.offset is not None:
            statement = statement.offset(binds.plain(node.offset, sa.BigInteger()))
    return prepare(statement, binds)


def _splits_nulls(renderer: Renderer, collection: Collection, node: Node) -> bool:
    """The order is `indexed column DESC NULLS LAST` with a limit, which no index of PostgreSQL serves as one piece."""
    if renderer.dialect != "postgres" or node.limit is None or node.groups or not node.order:
        return False
    first = node.order[0]
    if first.field is None or not first.descending:
        return False
    model = renderer.model(collection, first.field)
    return model.nullable and model.indexed and model.family not in ("text", "json", "bit", "other")


def _split_by_null(renderer: Renderer, collection: Collection, node: Node, columns: Sequence[str]) -> Any:
    """The rows with a value (by the index) and those without, each cut to the limit, put together in order."""
    first = node.order[0].field or ""
    parts = []
    for rank in (0, 1):
        source = renderer.alias(collection)
        missing = source.c[first].is_(None)
        condition = renderer.render(node.where, collection, source)
        cut: ColumnElement[Any] = renderer.binds.plain(node.limit, sa.BigInteger())
        if node.offset is not None:
            cut = cut + renderer.binds.plain(node.offset, sa.BigInteger())
        order = [item for one in node.order[rank:] for item in order_by(renderer, collection, source, one)]
        if rank == 0:
            order[0] = source.c[first].desc()  # no NULL is left, and so the index gives this order backwards
        selected = [
            readable(source.c[name], renderer.model(collection, name), "postgres").label(f"c{index}")
            for index, name in enumerate(columns)
        ]
        place = sa.func.row_number().over(order_by=order).label("n")
        inner = sa.select(*selected, sa.literal_column(str(rank)).label("r"), place).select_from(source)
        parts.append(inner.where(condition, missing if rank else sa.not_(missing)).order_by(*order).limit(cut))
    rows = sa.union_all(*(part.subquery(f"u{rank}").select() for rank, part in enumerate(parts))).subquery("u")
    statement = sa.select(*(column for column in rows.c if column.name not in ("r", "n"))).order_by(rows.c.r, rows.c.n)
    statement = statement.limit(renderer.binds.plain(node.limit, sa.BigInteger()))
    return (
        statement.offset(renderer.binds.plain(node.offset, sa.BigInteger())) if node.offset is not None else statement
    )


def _windowed(
    binds: Binds,
    source: Any,
    selected: Sequence[Any],
    condition: ColumnElement[bool],
    order: Sequence[Any],
    node: Node,
    edge: Edge,
) -> Any:
    """A limit per parent: rows numbered within their parent, then cut."""
    number = sa.func.row_number().over(partition_by=source.c[_far_field(edge)], order_by=list(order)).label("n")
    inner = sa.select(*selected, number).select_from(source).where(condition).subquery("w")
    offset, limit = binds.plain(node.offset, sa.BigInteger()), binds.plain(node.limit, sa.BigInteger())
    return (
        sa.select(*(column for column in inner.c if column.name != "n"))
        .where(inner.c.n > offset, inner.c.n <= offset + limit)
        .order_by(inner.c.n)
    )


def _representatives(renderer: Renderer, collection: Collection, node: Node, source: Any) -> ColumnElement[bool]:
    """`groups`: of each distinct combination the row with the lowest key (spec 03 §5.8)."""
    key = collection.primary_key or collection.key_columns[0]
    alias = renderer.alias(collection)
    lowest = (
        sa.select(sa.func.min(alias.c[key]))
        .select_from(alias)
        .where(renderer.render(node.where, collection, alias))
        .group_by(*(alias.c[name] for name in node.groups))
    )
    found: ColumnElement[bool] = source.c[key].in_(lowest)
    return found


def order_by(renderer: Renderer, collection: Collection, source: Any, order: Order) -> list[Any]:
    """One criterion as SQL: place of NULL by setting `sort_null_last`, text without case (spec 03 §5.3)."""
    dialect = renderer.binds.dialect
    if order.field is None:
        return [sa.func.rand() if dialect.name == "mysql" else sa.func.random()]
    model = renderer.model(collection, order.field)
    column = sortable(source.c[order.field], model, dialect.name)
    if not model.nullable:
        return [column.desc() if order.descending else column.asc()]
    return directed(renderer, column, descending=order.descending)


def directed(renderer: Renderer, column: ColumnElement[Any], *, descending: bool) -> list[Any]:
    """A nullable column as an ORDER BY criterion, NULL where the setting wants it."""
    dialect = renderer.binds.dialect
    found = column.desc() if descending else column.asc()
    last = (renderer.snapshot.setting("sort_null_last", "1") or "0") not in ("0", "")
    want_last = last or descending  # without the setting NULL is the lowest value, as on MySQL
    natural_last = descending if dialect.nulls_first_ascending else not descending
    if want_last == natural_last:
        return [found]
    if dialect.name == "mysql":
        missing = column.is_(None)
        return [missing.asc() if want_last else missing.desc(), found]
    return [found.nulls_last() if want_last else found.nulls_first()]


def sortable(column: ColumnElement[Any], model: Column, dialect: str) -> ColumnElement[Any]:
    if dialect == "postgres":
        if model.family in ("json", "bit", "other"):
            return sa.cast(column, sa.Text())
        if model.family == "text":
            return sa.func.upper(column).collate("C")
    if dialect == "sqlite" and model.family == "text":
        return sa.func.upper(column)
    return column


# --- counts and aggregates ----------------------------------------------------------------------------------------


def compile_counts(snapshot: Snapshot, collection: Collection, predicates: Sequence[Predicate]) -> Prepared:
    """One statement with one count for each (restricted) predicate."""
    binds = Binds(snapshot.dialect)
    return prepare(sa.select(*_counts(Renderer(snapshot, binds), collection, predicates)), binds)


def _counts(renderer: Renderer, collection: Collection, predicates: Sequence[Predicate]) -> list[Any]:
    """Columns that depend on no row: a database works each out once for a statement."""
    found = []
    for index, part in enumerate(predicates):
        source = renderer.alias(collection)
        counted = sa.select(sa.func.count()).select_from(source).where(renderer.render(part, collection, source))
        found.append(counted.scalar_subquery().label(f"n{index}"))
    return found


def compile_status_counts(snapshot: Snapshot, collection: Collection, predicate: Predicate) -> Prepared:
    """Rows (status, count) over the rows that the predicate lets through."""
    binds = Binds(snapshot.dialect)
    renderer = Renderer(snapshot, binds)
    source = renderer.alias(collection)
    status = source.c[collection.status_field or ""]
    statement = (
        sa.select(status.label("c0"), sa.func.count().label("c1"))
        .select_from(source)
        .where(renderer.render(predicate, collection, source))
        .group_by(status)
        .order_by(status)
    )
    return prepare(statement, binds)
