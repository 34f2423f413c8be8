"""In charge of rendering that a row of history names an item: by text, whatever type the key has. Pure.

The key is compared in its own type, so that its index is used; then its text, so that "02" names no item 2.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.sql.expression import ColumnElement

from core.catalog.model import Collection, Column
from core.query.predicate import Everything, Predicate

if TYPE_CHECKING:
    from core.sql.predicates import Renderer

WHOLE = "^-?[0-9]{1,18}$"
LONG = "^-?[0-9]{19}$"
UUID = "^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$"


def named(renderer: Renderer, source: Any, target: Collection, part: Predicate) -> ColumnElement[bool]:
    """`source` names an item of `target` that matches `part`; Everything: of that collection, there or not."""
    dialect = renderer.dialect
    name = renderer.binds.plain(target.name, sa.Text())
    collection = exact(source.c["collection"], dialect) == _same(name, dialect)
    if isinstance(part, Everything):
        return collection
    alias = renderer.alias(target)
    condition = renderer.render(part, target, alias)
    model = renderer.model(target, target.primary_key or "")
    link = _link(alias.c[model.name], source.c["item"], model, dialect)
    return sa.and_(collection, sa.exists(sa.select(sa.literal_column("1")).select_from(alias).where(link, condition)))


def exact(column: ColumnElement[Any], dialect: str) -> ColumnElement[Any]:
    """A text column that tells upper from lower case: tables whose names differ in case are two."""
    match dialect:
        case "mysql":
            return sa.cast(column, sa.BINARY())
        case "sqlite":
            return column.collate("BINARY")
    return column


def _same(value: ColumnElement[Any], dialect: str) -> ColumnElement[Any]:
    return sa.cast(value, sa.BINARY()) if dialect == "mysql" else value


def _link(key: ColumnElement[Any], item: ColumnElement[Any], model: Column, dialect: str) -> ColumnElement[bool]:
    whole = model.family in ("integer", "bigint")
    if dialect == "postgres":
        if whole:
            return sa.and_(key == _integer(item), sa.cast(key, sa.Text()) == item)
        if model.family == "uuid":
            typed = sa.case((item.op("~")(sa.literal_column(f"'{UUID}'")), sa.cast(item, sa.Uuid())))
            return key == typed
        return key == item if model.family == "text" else sa.cast(key, sa.Text()) == item
    if dialect == "mysql":
        # As bytes: two text columns may have collations that MySQL does not compare.
        text = sa.cast(sa.func.convert(sa.cast(key, sa.CHAR()).op("USING")(sa.literal_column("utf8mb4"))), sa.BINARY())
        same = text == sa.cast(sa.func.convert(item.op("USING")(sa.literal_column("utf8mb4"))), sa.BINARY())
        return sa.and_(key == sa.cast(item, sa.Integer()), same) if whole else same
    if whole:
        return sa.and_(key == sa.cast(item, sa.BigInteger()), sa.cast(key, sa.Text()) == item)
    return key == item if model.family == "text" else sa.cast(key, sa.Text()) == item


def _integer(item: ColumnElement[Any]) -> ColumnElement[Any]:
    """The text as a number, NULL when it is none: PostgreSQL fails where it cannot cast."""
    low: ColumnElement[Any] = sa.literal_column("-9223372036854775808")
    number = sa.cast(item, sa.BigInteger())
    long = sa.case((sa.cast(item, sa.Numeric()).between(low, sa.literal_column("9223372036854775807")), number))
    return sa.case(
        (item.op("~")(sa.literal_column(f"'{WHOLE}'")), number),
        (item.op("~")(sa.literal_column(f"'{LONG}'")), long),
    )
