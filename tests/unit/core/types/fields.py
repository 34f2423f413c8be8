"""In charge of building fields and collections for tests of values."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from core.catalog.model import Collection, Column, Field

DEFAULT_TYPES = {
    "integer": "integer", "bigint": "integer", "decimal": "decimal", "float": "decimal", "boolean": "boolean",
    "text": "string", "binary": "binary", "bit": "binary", "date": "date", "time": "time", "datetime": "datetime",
    "datetimetz": "datetime", "json": "json", "uuid": "uuid", "other": "string",
}  # fmt: skip
DATATYPES = {
    "integer": "INT", "bigint": "BIGINT", "decimal": "DECIMAL", "float": "DOUBLE", "boolean": "TINYINT",
    "text": "VARCHAR", "binary": "BLOB", "bit": "BIT", "date": "DATE", "time": "TIME", "datetime": "DATETIME",
    "datetimetz": "DATETIME", "json": "JSON", "uuid": "CHAR", "other": "TEXT",
}  # fmt: skip


def field(family: str = "text", type_: str | None = None, name: str = "f", **attributes: Any) -> Field:
    """A field over a column of a family; attributes of `Field` and of `Column` mixed."""
    own = {key: attributes.pop(key) for key in ("validation", "options", "required", "collection") if key in attributes}
    datatype = attributes.pop("datatype", DATATYPES[family])
    native = attributes.pop("native", datatype.lower())
    column = Column(name, datatype, family, native, **attributes)
    return Field(own.pop("collection", "things"), name, type_ or DEFAULT_TYPES[family], column, **own)


def alias(name: str, type_: str = "o2m", *, required: bool = False) -> Field:
    return Field("things", name, type_, None, required=required)


def collection(*fields: Field, name: str = "things", **attributes: Any) -> Collection:
    return Collection(name, {one.name: one for one in fields}, **attributes)


def at(*parts: int) -> datetime:
    """A naive date-time, as canonical values are."""
    return datetime(*parts)  # type: ignore[arg-type]  # noqa: DTZ001
