"""In charge of which Python type stands for a field's values; converts nothing.

The column's family decides (spec 03 §8.2: a `string` field on a number column gives numbers); only text columns follow
the field's type, because a date kept as text must still compare and validate as a date.
"""

from __future__ import annotations

from typing import Literal

from core.catalog.model import Column, Field

Kind = Literal["integer", "decimal", "float", "boolean", "text", "binary", "date", "time", "datetime", "json", "uuid"]

DATETIME_TYPES = frozenset({"datetime", "datetime_created", "datetime_updated"})
DATE_TYPES = frozenset({"date", *DATETIME_TYPES})
AUTOMATIC_TYPES = frozenset({"datetime_created", "datetime_updated", "owner", "user_updated"})

FAMILY_KINDS: dict[str, Kind] = {
    "integer": "integer",
    "bigint": "integer",
    "bit": "integer",
    "decimal": "decimal",
    "float": "float",
    "boolean": "boolean",
    "text": "text",
    "other": "text",
    "binary": "binary",
    "date": "date",
    "time": "time",
    "datetime": "datetime",
    "datetimetz": "datetime",
    "json": "json",
    "uuid": "uuid",
}
TEXT_KINDS: dict[str, Kind] = {"date": "date", "time": "time", **dict.fromkeys(DATETIME_TYPES, "datetime")}


def column_of(field: Field) -> Column:
    """The column behind a field. Raises TypeError for an alias, which has no values of its own."""
    if field.column is None:
        raise TypeError(f"{field.collection}.{field.name} has no column")
    return field.column


def kind_of(field: Field) -> Kind:
    """The kind of the field's canonical values."""
    kind = FAMILY_KINDS.get(column_of(field).family, "text")
    return TEXT_KINDS.get(field.type, kind) if kind == "text" else kind
