"""In charge of SQLAlchemy tables for collections: names quoted, types by column family. Pure."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.sql.expression import ColumnElement, TableClause
from sqlalchemy.types import UserDefinedType

from core.catalog.model import Collection, Column


class Native(UserDefinedType[Any]):
    """A type of the database that SQLAlchemy has no class for, by the name that the database itself reported."""

    cache_ok = True

    def __init__(self, name: str) -> None:
        self.name = name

    def get_col_spec(self, **_: Any) -> str:
        return self.name


TYPES: dict[str, Any] = {
    "integer": sa.BigInteger(),  # of a parameter: a number too large for the column is compared, not refused
    "bigint": sa.BigInteger(),
    "decimal": sa.Numeric(),
    "float": sa.Double(),
    "boolean": sa.Boolean(create_constraint=False),
    "text": sa.Text(),
    "binary": sa.LargeBinary(),
    "date": sa.Date(),
    "time": sa.Time(),
    "datetime": sa.DateTime(),
    "datetimetz": sa.DateTime(timezone=True),
    "uuid": sa.Uuid(as_uuid=False, native_uuid=True),
}


def type_of(column: Column, dialect: str) -> Any:
    """The SQLAlchemy type that a parameter for this column is cast to."""
    if dialect == "postgres" and column.family in ("json", "bit", "other"):
        return Native(column.native)
    if dialect == "postgres" and column.native.lower() in ("json", "jsonb"):
        return Native(column.native)
    return TYPES.get(column.family, sa.Text())


def table(collection: Collection, dialect: str = "sqlite", alias: str | None = None) -> Any:
    """The table of a collection, with its columns typed; `alias` for use in a subquery on itself."""
    columns: list[Any] = [
        sa.column(field.column.name, type_of(field.column, dialect))
        for field in collection.fields.values()
        if field.column is not None
    ]
    found: TableClause = sa.table(sa.sql.quoted_name(collection.name, quote=True), *columns)
    return found.alias(alias) if alias else found


GEOMETRIES = frozenset({
    "geometry", "point", "linestring", "polygon", "multipoint", "multilinestring", "multipolygon", "geometrycollection",
    "geomcollection",
})  # fmt: skip


def is_geometry(model: Column, dialect: str) -> bool:
    """A spatial value of MySQL, which no cast makes text of."""
    return dialect == "mysql" and model.family == "other" and model.native.lower() in GEOMETRIES


def readable(column: ColumnElement[Any], model: Column, dialect: str) -> ColumnElement[Any]:
    """The column as it is selected: types the driver would not give as text are cast to it."""
    if dialect == "postgres" and model.family == "other":
        return sa.cast(column, sa.Text())
    if is_geometry(model, dialect):
        return sa.func.ST_AsText(column)
    return column
