"""In charge of what a column becomes when a request changes its field: the present one merged with the payload. Pure.

Spec 01 §7.4. What is sent as it was answered is no change, so that a client may send back whole definitions.
"""

from __future__ import annotations

from dataclasses import replace

from core.catalog import derive
from core.catalog.change import ColumnSpec
from core.catalog.describe import SINGLE, field_object
from core.catalog.model import Field
from core.catalog.settle import INTEGERS, same_type, settled
from core.ddl.payload import (
    LENGTH_REQUIRED,
    Payload,
    check_counting,
    check_default,
    comment_of,
    datatype_of,
    default_of,
    length_of,
)
from core.errors import Unprocessable

ALTERING = frozenset({"type", "datatype", "unique", "primary_key", "auto_increment", "length", "note", "signed"})
"""The attributes by which a column is altered at all; `required` and `default_value` follow them only."""


def changed(field: Field, present: ColumnSpec, payload: Payload, kind: str, dialect: str) -> ColumnSpec:
    """The column as the payload wants it. `kind`: the type that the field will have; no alias.

    Raises Unprocessable, LengthMissing, LengthNotSupported.
    """
    if not ALTERING & payload.keys():
        return present
    if "type" in payload:
        datatype_of(payload)
    spec = _typed(field, present, payload, kind, dialect)
    key = derive.flag(payload["primary_key"]) if "primary_key" in payload else present.primary_key
    if key != present.primary_key:
        raise Unprocessable("The primary key of a collection cannot be moved")
    automatic = derive.flag(payload["auto_increment"]) if "auto_increment" in payload else present.auto_increment
    if automatic != present.auto_increment or spec.datatype != present.datatype:
        check_counting(field.name, spec.datatype, key=key, automatic=automatic)
    required = derive.flag(payload["required"]) if "required" in payload else not present.nullable
    spec = replace(
        spec,
        nullable=not (required or key),
        auto_increment=automatic,
        unique=derive.flag(payload["unique"]) and not key if "unique" in payload else present.unique,
        comment=comment_of(payload["note"]) if "note" in payload else present.comment,
    )
    spec = _with_default(field, present, spec, payload, kind)
    if spec.native is None and (spec.default, spec.datatype) != (present.default, present.datatype):
        check_default(spec)
    if field.column is not None and field.column.generated and not present.auto_increment and spec != present:
        raise Unprocessable(f'Field "{field.name}" is computed by the database and cannot be changed')
    return spec


def _typed(field: Field, present: ColumnSpec, payload: Payload, kind: str, dialect: str) -> ColumnSpec:
    """Type, length and sign; the present ones as they are where nothing else is asked for."""
    datatype = datatype_of(payload) if "datatype" in payload else present.datatype
    signed = derive.flag(payload["signed"]) if "signed" in payload else present.signed
    reported = field.column.length if field.column is not None else None
    sent = payload.get("length")
    if datatype == present.datatype and (sent is None or str(sent) == reported):
        # A length that is not needed is dropped, so that sending it back changes nothing.
        length = present.length
    else:
        length = length_of(field.name, datatype, sent if datatype in LENGTH_REQUIRED or sent is not None else None)
        length = length if datatype in LENGTH_REQUIRED else None
    wish = ColumnSpec(
        name=field.name,
        datatype=datatype,
        length=length,
        type=kind,
        signed=signed or datatype not in INTEGERS,
        primary_key=present.primary_key,
        auto_increment=present.auto_increment,
    )
    same_words = (datatype, length) == (present.datatype, present.length)
    if same_words and (present.native is not None or same_type(settled(wish, dialect), settled(present, dialect))):
        return present
    if present.native is not None and datatype == present.datatype:
        return present
    length_of(field.name, datatype, length)
    return replace(wish, default=present.default, expression=present.expression)


def _with_default(field: Field, present: ColumnSpec, spec: ColumnSpec, payload: Payload, kind: str) -> ColumnSpec:
    if spec.auto_increment:
        return replace(spec, default=None, expression=False)
    if "default_value" not in payload:
        return replace(spec, default=present.default, expression=present.expression)
    sent = payload["default_value"]
    if sent is not None and sent == field_object(field, SINGLE)["default_value"]:
        return replace(spec, default=present.default, expression=present.expression)
    return replace(spec, default=default_of(sent, spec.datatype, kind), expression=False)
