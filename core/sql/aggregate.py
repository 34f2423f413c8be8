"""In charge of the statement of an aggregate: GROUP BY, HAVING and functions over the rows a predicate lets through."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.sql.expression import ColumnElement

from core.catalog.model import Collection, Snapshot
from core.query.aggregate import COMPARISONS, AggregateRequest, Measure, number
from core.query.filters import ALIASES
from core.query.plan import Order
from core.query.predicate import Param, Predicate
from core.query.window import split
from core.sql.compile import Binds, Prepared, prepare
from core.sql.predicates import Renderer
from core.sql.read import directed, order_by


def compile_aggregate(
    snapshot: Snapshot, collection: Collection, request: AggregateRequest, where: Predicate, limit: Param | None
) -> Prepared:
    """Rows: the grouped fields, then the measures, in the order of the request; stable order by the groups."""
    binds = Binds(snapshot.dialect)
    renderer = Renderer(snapshot, binds)
    source = renderer.alias(collection)
    groups = [source.c[name] for name in request.group_by]
    measures = {item.key: _measure(collection, source, item, snapshot.dialect) for item in request.measures}
    columns: list[Any] = [*groups, *_columns(source, request, measures)] or [sa.func.count()]
    statement = sa.select(*(column.label(f"c{index}") for index, column in enumerate(columns))).select_from(source)
    statement = statement.where(renderer.render(where, collection, source))
    if groups:
        statement = statement.group_by(*groups)
    for condition in request.having:
        statement = statement.having(_having(measures[condition.field], condition.op, condition.value))
    statement = statement.order_by(*_order(renderer, collection, request, source, measures))
    if limit is not None:
        statement = statement.limit(binds.plain(limit, sa.BigInteger()))
    return prepare(statement, binds)


def _columns(source: Any, request: AggregateRequest, measures: dict[str, ColumnElement[Any]]) -> list[Any]:
    """The measures as selected: an average travels as its sum and its count."""
    found: list[Any] = []
    for item in request.measures:
        if item.function == "avg":
            column = sa.distinct(source.c[item.field]) if item.distinct else source.c[item.field]
            found += (sa.func.sum(column), sa.func.count(column))
        else:
            found.append(measures[item.key])
    return found


def _measure(collection: Collection, source: Any, item: Measure, dialect: str) -> ColumnElement[Any]:
    if item.field is None:
        return sa.func.count()
    column = source.c[item.field]
    described = collection.fields[item.field].column
    scale = described.scale if described is not None and described.family == "decimal" else None
    if item.distinct:
        column = sa.distinct(column)
    function: ColumnElement[Any] = getattr(sa.func, item.function)(column)
    if dialect == "sqlite" and scale is not None and item.function in ("sum", "avg"):
        # It adds decimals as floating point: sums that are equal would be ordered and compared by their last bits.
        function = sa.func.round(sa.func.sum(column), scale)
        if item.function == "avg":
            function = function / sa.func.count(column)
    return function


def _having(measure: ColumnElement[Any], op: str, value: Any) -> ColumnElement[bool]:
    compare = getattr(measure, COMPARISONS[ALIASES.get(op, op)])
    found: ColumnElement[bool] = compare(sa.literal(number(value), sa.Double()))
    return found


def _order(
    renderer: Renderer, collection: Collection, request: AggregateRequest, source: Any, measures: dict[str, Any]
) -> list[Any]:
    """The criteria of `sort`, then the groups, so that the order is the same on every database and at every call."""
    found: list[Any] = []
    criteria = [(token.removeprefix("-"), token.startswith("-")) for token in split(request.sort)]
    for name, descending in (*criteria, *((group, False) for group in request.group_by)):
        if name in measures:
            found += directed(renderer, measures[name], descending=descending)
        else:
            found += order_by(renderer, collection, source, Order(name, descending))
    if renderer.dialect != "mysql":  # groups that differ by case alone, which order_by passes over
        texts = [name for name in request.group_by if renderer.model(collection, name).family == "text"]
        exact = {"postgres": "C", "sqlite": "BINARY"}[renderer.dialect]
        found += [source.c[name].collate(exact) for name in texts]
    return found
