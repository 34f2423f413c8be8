"""In charge of rendering predicates as SQL conditions. Pure; sees no permissions, only what restriction left in.

Relations are semi-joins, never joins of the outer statement: no row appears twice and counts stay right.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.sql.expression import ColumnElement

from core.catalog.model import Collection, Column, Snapshot, ToOne
from core.query.predicate import (
    And,
    Between,
    Compare,
    Everything,
    In,
    IsEmpty,
    IsNull,
    Like,
    Names,
    Not,
    Nothing,
    Or,
    Predicate,
    Related,
    RelatedCount,
)
from core.sql import naming
from core.sql.compile import Binds
from core.sql.tables import is_geometry, table
from core.types.numbers import EXACT_DIGITS

NUMBERS = ("integer", "bigint", "decimal", "float", "bit")
ZERO: ColumnElement[Any] = sa.literal_column("0")
DEEP = 4
JOINED = 8
DATES = ("date", "time", "datetime", "datetimetz")


class Renderer:
    """Renders predicates of one statement: parameters go into `binds`, subqueries get aliases of their own."""

    def __init__(self, snapshot: Snapshot, binds: Binds) -> None:
        self.snapshot = snapshot
        self.binds = binds
        self.aliases = 0
        self.depth = 0
        self.semi_joins = 0

    @property
    def dialect(self) -> str:
        return self.binds.dialect.name

    def alias(self, collection: Collection) -> Any:
        """A fresh alias of a collection's table."""
        self.aliases += 1
        return table(collection, self.dialect, alias=f"t{self.aliases}")

    def render(self, part: Predicate, collection: Collection, source: Any) -> ColumnElement[bool]:
        """The condition on `source`, an alias of the collection's table."""
        match part:
            case Everything():
                return sa.true()
            case Nothing():
                return sa.false()
            case And(parts):
                return sa.and_(*(self.render(item, collection, source) for item in parts))
            case Or(parts):
                return sa.or_(*(self.render(item, collection, source) for item in parts))
            case Not(inner):
                return sa.not_(self.render(inner, collection, source).self_group())
            case IsNull(name):
                return self.column(source, name).is_(None)
            case IsEmpty(name):
                return self._empty(self.column(source, name), self.model(collection, name))
            case Compare(name, op, value):
                return self._compare(collection, source, name, op, value)
            case In(name, values):
                model = self.model(collection, name)
                return self.binds.member(
                    self._comparable(source, name, model), values, model, as_text=self._as_text(model)
                )
            case Between(name, low, high):
                model = self.model(collection, name)
                as_text = self._as_text(model)
                return self._comparable(source, name, model).between(
                    self.binds.value(low, model, as_text=as_text), self.binds.value(high, model, as_text=as_text)
                )
            case Like(name, text):
                return self._like(self.column(source, name), self.model(collection, name), text)
            case Related(name, inner):
                return self._related(collection, source, name, inner)
            case RelatedCount(name, inner, count):
                return self._related_count(collection, source, name, inner, count)
            case Names(name, inner):
                return naming.named(self, source, self.snapshot.collections[name], inner)
        raise TypeError(f"{type(part).__name__} cannot be rendered")  # Search is expanded by restriction

    def model(self, collection: Collection, name: str) -> Column:
        """The column behind a field."""
        column = collection.fields[name].column
        if column is None:
            raise TypeError(f"{collection.name}.{name} has no column")
        return column

    def column(self, source: Any, name: str) -> ColumnElement[Any]:
        """The column of an aliased table, by field name."""
        found: ColumnElement[Any] = source.c[name]
        return found

    def _as_text(self, model: Column) -> bool:
        """Native types that the driver cannot bind compare by their text."""
        return self.dialect == "postgres" and model.family in ("json", "bit", "other")

    def _comparable(self, source: Any, name: str, model: Column) -> ColumnElement[Any]:
        column = self.column(source, name)
        return sa.cast(column, sa.Text()) if self._as_text(model) else column

    def _compare(self, collection: Collection, source: Any, name: str, op: str, value: Any) -> ColumnElement[bool]:
        model = self.model(collection, name)
        column = self._comparable(source, name, model)
        bound = self.binds.value(value, model, as_text=self._as_text(model))
        match op:
            case "eq":
                return column == bound
            case "neq":
                return column != bound
            case "lt":
                return column < bound
            case "lte":
                return column <= bound
            case "gt":
                return column > bound
        return column >= bound

    def _empty(self, column: ColumnElement[Any], model: Column) -> ColumnElement[bool]:
        """NULL or '' — also 0 and false — on every database (spec 03 §5.2)."""
        missing = column.is_(None)
        if model.family == "bit" and self.dialect == "postgres":
            return sa.or_(missing, sa.func.strpos(sa.cast(column, sa.Text()), sa.literal_column("'1'")) == ZERO)
        if model.family in NUMBERS:
            return sa.or_(missing, column == ZERO)
        if model.family == "boolean":
            return sa.or_(missing, column == sa.literal_column("false" if self.dialect == "postgres" else "0"))
        if model.family in DATES or model.family == "uuid":
            return missing
        if model.family == "binary":
            return sa.or_(missing, sa.func.length(column) == ZERO)
        text = sa.cast(column, sa.Text()) if model.family != "text" and self.dialect == "postgres" else column
        return sa.or_(missing, text == sa.literal_column("''"))

    def _like(self, column: ColumnElement[Any], model: Column, text: Any) -> ColumnElement[bool]:
        bound = self.binds.plain(text, sa.Text())
        if model.family != "text":
            column = shown(column, model, self.dialect)
        if self.dialect == "postgres":
            return column.ilike(bound, escape="!")
        if self.dialect == "mysql" and not model.nocase:
            return sa.func.lower(column).like(sa.func.lower(bound), escape="!")
        return column.like(bound, escape="!")

    def _related(self, collection: Collection, source: Any, name: str, inner: Predicate) -> ColumnElement[bool]:
        relation = collection.relations[name]
        target = self.snapshot.collections[relation.target]
        alias = self.alias(target)
        own, far = self._link(collection, name)
        self.depth += 1
        condition = self.render(inner, target, alias)
        self.depth -= 1
        here, there = self._linked(collection, source, own, target, alias, far)
        if isinstance(relation, ToOne) and isinstance(inner, Everything):
            return self._exists(alias, here == there)
        if self.binds.dialect.name == "sqlite" and not isinstance(inner, Everything):
            # A subquery that stands alone is run once; NULL keys are taken out so that NOT IN stays a negation.
            # SQLite's parser has a small stack, where everything before a subquery stays: what nests comes first,
            # and what nests deeper is moved to the front of the statement.
            found = sa.select(there.label("k")).select_from(alias).where(condition, there.is_not(None))
            if self.depth % DEEP == DEEP - 1:
                found = sa.select(found.cte(f"s{self.aliases}_{self.depth}").c.k)
            return sa.and_(here.in_(found), here.is_not(None))
        return self._exists(alias, here == there, condition)

    def _exists(self, alias: Any, *conditions: ColumnElement[bool]) -> ColumnElement[bool]:
        self.semi_joins += 1
        found: Any = sa.select(sa.literal_column("1")).select_from(alias).where(*conditions)
        if self.dialect == "postgres" and self.semi_joins > JOINED:
            # PostgreSQL turns EXISTS into a join and tries orders of joining: seconds for 30, a minute for 100.
            # It leaves a subquery with OFFSET alone.
            found = found.offset(ZERO)
        return sa.exists(found)

    def _related_count(
        self, collection: Collection, source: Any, name: str, inner: Predicate, count: int
    ) -> ColumnElement[bool]:
        relation = collection.relations[name]
        target = self.snapshot.collections[relation.target]
        alias = self.alias(target)
        own, far = self._link(collection, name)
        here, there = self._linked(collection, source, own, target, alias, far)
        counted = sa.select(sa.func.count()).select_from(alias).where(here == there, self.render(inner, target, alias))
        return counted.scalar_subquery() >= self.binds.plain(count, sa.BigInteger())

    def _link(self, collection: Collection, name: str) -> tuple[str, str]:
        """The two fields that a relation joins: own key and far key."""
        relation = collection.relations[name]
        if isinstance(relation, ToOne):
            return relation.field, relation.target_key
        return collection.primary_key or collection.key_columns[0], relation.target_field

    def _linked(
        self, collection: Collection, source: Any, own: str, target: Collection, alias: Any, far: str
    ) -> tuple[ColumnElement[Any], ColumnElement[Any]]:
        """Both keys in a comparable form: text and numbers by their text, as expanded relations are joined.

        PostgreSQL compares them not at all, the others guess: "x" would be 0 (MySQL), "02" would be 2.
        """
        here, there = self.column(source, own), self.column(alias, far)
        if compatible(self.model(collection, own), self.model(target, far)):
            return here, there
        kind: Any = sa.LargeBinary() if self.dialect == "mysql" else sa.Text()  # MySQL: bytes, for collations clash
        return sa.cast(here, kind), sa.cast(there, kind)


def shown(column: ColumnElement[Any], model: Column, dialect: str) -> ColumnElement[Any]:
    """The text of a value as answers show it, where a plain cast would give another (spec 03 §5.2)."""
    text: Any = sa.CHAR() if dialect == "mysql" else sa.Text()
    match dialect, model.family:
        case "postgres", "boolean":  # 1 and 0, as on the others
            return sa.cast(sa.cast(column, sa.Integer()), text)
        case "postgres", "bit" if not model.native.lower().startswith(("bit varying", "varbit")):
            return sa.cast(sa.cast(column, sa.BigInteger()), text)
        case "postgres", "datetimetz":
            return sa.cast(sa.func.timezone(sa.literal_column("'UTC'"), column), text)
        case "postgres", "decimal" if not _exact(model):  # 4.50 is shown as 4.5, 4.00 as 4
            return sa.cast(sa.func.trim_scale(column), text)
        case "mysql", "other" if is_geometry(model, dialect):
            return sa.func.ST_AsText(column)
        case "mysql", "bit":
            return sa.cast(column.op("+")(ZERO), text)
        case "mysql", "decimal" if not _exact(model):
            return sa.cast(column.op("+")(sa.literal_column("0e0")), text)
        case "sqlite", "float":
            whole = sa.cast(column, sa.BigInteger())
            return sa.case((column == whole, sa.cast(whole, text)), else_=sa.cast(column, text))
    return sa.cast(column, text)


def _exact(model: Column) -> bool:
    """Shown with all its decimals: beyond what a JSON number keeps."""
    return (model.precision or 0) > EXACT_DIGITS


def compatible(one: Column, other: Column) -> bool:
    """Keys of these columns compare without a cast."""
    return one.family == other.family or {one.family, other.family} <= {"integer", "bigint", "decimal", "float"}
