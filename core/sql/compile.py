"""In charge of compiling SQLAlchemy statements to text once, and of binding values to it many times. Pure.

The text runs on the raw driver connection, so SQLAlchemy's own parameter processing does not take place: values are
converted by `core.types.bind` to what the driver wants.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
import sqlalchemy as sa
from sqlalchemy.sql import ClauseElement
from sqlalchemy.sql.expression import BindParameter, ColumnElement

from core.catalog.model import Column
from core.query.predicate import Bound, Param
from core.sql.dialect import Dialect, array_type, dialect
from core.sql.tables import type_of
from core.types.bind import binder

EXPANDING = re.compile(r"__\[POSTCOMPILE_([A-Za-z0-9_]+)(?:~~.*?~~)?\]")


@dataclass(frozen=True, slots=True)
class Compiled:
    """Statement text in the driver's paramstyle and the names of its parameters in positional order."""

    text: str
    names: tuple[str, ...]
    constants: Mapping[str, Any]

    def bind(self, values: Mapping[str, Any]) -> tuple[Any, ...]:
        """The arguments by position; names not in `values` take the value that the statement was built with."""
        return tuple(values[name] if name in values else self.constants[name] for name in self.names)


def compile_statement(statement: ClauseElement, name: str) -> Compiled:
    """Text of a statement for the dialect `name`. Expanding parameters are left as marks in the text (see `Plan`)."""
    compiled = statement.compile(dialect=dialect(name).sql)
    order = getattr(compiled, "positiontup", None)
    if order is None:
        order = list(compiled.params)
    return Compiled(str(compiled), tuple(str(item) for item in order), dict(compiled.params))


@dataclass(frozen=True, slots=True)
class Slot:
    """Where an argument comes from (a Param, a Bound, or a constant) and how it becomes what the driver wants."""

    source: Any
    convert: Callable[[Any], Any] | None = None
    many: str | None = None
    """None for one value; how a list travels: "any", "json" or "expand"."""


class Binds:
    """Collects the parameters of one statement while it is built: name → Slot."""

    def __init__(self, name: str) -> None:
        self.dialect: Dialect = dialect(name)
        self.slots: dict[str, Slot] = {}

    def _new(self, slot: Slot) -> str:
        name = f"p{len(self.slots)}"
        self.slots[name] = slot
        return name

    def value(self, source: Any, column: Column, *, as_text: bool = False) -> BindParameter[Any]:
        """A parameter compared with, or written to, a column; `as_text`: with the column's text form."""
        kind = sa.Text() if as_text else type_of(column, self.dialect.name)
        return sa.bindparam(self._new(Slot(source, binder(column, self.dialect.name))), type_=kind)

    def plain(self, source: Any, kind: Any) -> BindParameter[Any]:
        """A parameter that is bound as it is."""
        return sa.bindparam(self._new(Slot(source)), type_=kind)

    def member(
        self, expression: ColumnElement[Any], source: Any, column: Column, *, as_text: bool = False
    ) -> ColumnElement[bool]:
        """`expression IN (values of source)` with as few different texts as possible."""
        convert = binder(column, self.dialect.name)
        name = self._new(Slot(source, convert, self.dialect.arrays))
        kind = sa.Text() if as_text else type_of(column, self.dialect.name)
        match self.dialect.arrays:
            case "any":
                return expression == sa.any_(sa.bindparam(name, type_=array_type(kind)))
            case "json":
                rows = sa.func.json_each(sa.bindparam(name, type_=sa.Text())).table_valued("value", name=f"j_{name}")
                return expression.in_(sa.select(rows.c.value))
        return expression.in_(sa.bindparam(name, type_=kind, expanding=True))


@dataclass(frozen=True, slots=True)
class Prepared:
    """A compiled statement with its slots: what is cached, by shape, and run with the values of each request."""

    text: str
    slots: tuple[Slot, ...]
    expanding: bool

    def bind(self, values: Sequence[Any], bound: Mapping[str, Any]) -> tuple[str, list[Any]]:
        """Text and arguments for the values of a request (Params by index) and of its context (Bounds by name)."""
        arguments: list[Any] = []
        counts: list[int] = []
        for slot in self.slots:
            source = slot.source
            kind = type(source)
            value = values[source.index] if kind is Param else bound[source.name] if kind is Bound else source
            if slot.many is None:
                arguments.append(value if value is None or slot.convert is None else slot.convert(value))
                continue
            items = [slot.convert(item) for item in value] if slot.convert else list(value)
            if slot.many == "any":
                arguments.append(items)
            elif slot.many == "json":
                arguments.append(orjson.dumps(items, default=str).decode())
            else:
                arguments.extend(items)
                counts.append(len(items))
        if not self.expanding:
            return self.text, arguments
        sizes = iter(counts)
        return EXPANDING.sub(lambda _: ", ".join(["%s"] * next(sizes)) or "NULL", self.text), arguments


def prepare(statement: ClauseElement, binds: Binds) -> Prepared:
    """Compiles a statement whose parameters were all made by `binds` (constants of SQLAlchemy's own aside)."""
    compiled = compile_statement(statement, binds.dialect.name)
    slots = tuple(
        binds.slots[name] if name in binds.slots else Slot(compiled.constants[name]) for name in compiled.names
    )
    return Prepared(compiled.text, slots, any(slot.many == "expand" for slot in slots))
