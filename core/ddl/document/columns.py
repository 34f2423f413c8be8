"""In charge of a column and its description in a document, both ways. Pure.

What only the database itself can say (a type that no request can name, an expression as default) is described, and
kept where it is; it is never made from a description, since it would become SQL.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from core.catalog.change import ColumnSpec
from core.catalog.settle import INTEGERS, settled
from core.ddl.document.model import COLUMN, Attributes
from core.ddl.payload import check_counting, check_default, comment_of, datatype_of, default_of, length_of
from core.errors import Unprocessable

DEFAULTS: Mapping[str, Any] = {one.name: one.default for one in COLUMN}


def described(spec: ColumnSpec, kind: str, note: str | None) -> dict[str, Any]:
    """A column that is there. `kind`, `note`: of its field."""
    datatype = spec.datatype.strip().upper()
    found = {
        **DEFAULTS,
        "datatype": datatype,
        "length": spec.length,
        "unsigned": not spec.signed and datatype in INTEGERS,
        "boolean": spec.type == "boolean" and kind != "boolean",
        "nullable": spec.nullable and not spec.primary_key,
        "primary_key": spec.primary_key,
        "auto_increment": spec.auto_increment,
        "unique": spec.unique and not spec.primary_key,
        "comment": None if spec.comment in ("", comment_of(note)) else spec.comment,
        "native": spec.native,
    }
    found["default_expression" if spec.expression else "default"] = spec.default
    return found


def wanted(name: str, told: Attributes, kind: str, note: str | None, present: ColumnSpec | None) -> ColumnSpec:
    """The column that a description asks for. `present`: the column of that name, None while there is none.

    Raises Unprocessable, LengthMissing, LengthNotSupported.
    """
    comment = comment_of(note) if told["comment"] is None else comment_of(told["comment"])
    key = told["primary_key"]
    if told["native"] is not None:
        if present is None or present.native != told["native"]:
            raise Unprocessable(f'The type "{told["native"]}" is the database\'s own; no column can be made of it')
        spec = replace(present, nullable=told["nullable"] and not key, unique=told["unique"], comment=comment)
        if told["default_expression"] is None and told["default"] != (None if present.expression else present.default):
            raise Unprocessable("The default of a column of the database's own type stays as it is")
        return _with_expression(spec, told, present)
    datatype = datatype_of(told)
    length = length_of(name, datatype, told["length"])
    check_counting(name, datatype, key=key, automatic=told["auto_increment"])
    spec = ColumnSpec(
        name=name,
        datatype=datatype,
        length=length,
        type="boolean" if told["boolean"] else kind,
        signed=not told["unsigned"] or datatype not in INTEGERS,
        nullable=told["nullable"] and not key,
        primary_key=key,
        auto_increment=told["auto_increment"],
        unique=told["unique"] and not key,
        comment=comment,
    )
    if told["default_expression"] is not None:
        return _with_expression(spec, told, present)
    if not spec.auto_increment:
        spec = replace(spec, default=default_of(told["default"], datatype, kind))
        check_default(spec)
    return spec


def _with_expression(spec: ColumnSpec, told: Attributes, present: ColumnSpec | None) -> ColumnSpec:
    """The default of the present column where it is the one described: its text comes from the database alone."""
    if told["default_expression"] is None:
        return spec
    if present is None or not present.expression or present.default != told["default_expression"]:
        raise Unprocessable("A default that is an expression is the database's own and cannot be made")
    return replace(spec, default=present.default, expression=True)


def altered(present: ColumnSpec, wish: ColumnSpec, dialect: str) -> dict[str, tuple[Any, Any]]:
    """What differs between two columns once the database has made of them what it can: attribute → (before, after)."""
    one, other = (described(settled(each, dialect), "", None) for each in (present, wish))
    return {name: (one[name], other[name]) for name in one if one[name] != other[name]}
