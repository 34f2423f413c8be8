"""In charge of collections and fields as API objects, key by key as spec 01 §6.1 and §7.1 show them. Pure.

It decides nothing about who may see them: `core.metadata` does.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from core.catalog.build import by_name
from core.catalog.derive import thawed
from core.catalog.model import Collection, Field

LIST, SINGLE = "list", "single"

_DATE_TIMES = frozenset({"datetime", "datetime_created", "datetime_updated"})


def field_object(field: Field, form: str = LIST) -> dict[str, Any]:
    """A field with its 24 keys. `form`: LIST for lists and collections, SINGLE for a field asked for by name.

    The forms differ in `type` (aliases upper case in lists), `required`, `locked` and `note`.
    """
    column, managed = field.column, field.id is not None
    listed = form == LIST
    kind = (field.stored_type or field.type).lower() if managed else field.type
    if column is None and listed:
        kind = kind.upper()
    required = field.required
    if listed and column is not None:
        required = not column.nullable or column.primary_key
    return {
        "collection": field.collection,
        "field": field.name,
        "datatype": column.datatype if column else None,
        "unique": bool(column and column.unique),
        "primary_key": bool(column and column.primary_key),
        "auto_increment": bool(column and column.auto_increment),
        "default_value": _default(field),
        "note": _note(field, listed=listed),
        "signed": bool(column and column.signed),
        "id": field.id,
        "type": kind,
        "sort": field.sort,
        "interface": field.interface,
        "hidden_detail": field.hidden_detail,
        "hidden_browse": field.hidden_browse,
        "required": required,
        "options": thawed(field.options),
        "locked": _locked(field, listed=listed),
        "translation": thawed(field.translation),
        "readonly": field.readonly,
        "width": field.width,
        "validation": field.validation,
        "group": field.group,
        "length": column.length if column else None,
    }


def _locked(field: Field, *, listed: bool) -> int | bool | None:
    if field.id is None:
        return None
    return int(field.locked) if listed else field.locked


def _note(field: Field, *, listed: bool) -> str | None:
    if field.note:
        return field.note
    if field.column is None:
        return None
    return field.column.comment or ("" if listed else None)


def _default(field: Field) -> str | None:
    """The text of the default; of date-times in ISO 8601, where it is one and no expression."""
    column = field.column
    if column is None or column.default is None or column.default_is_expression:
        return column.default if column else None
    if field.type in _DATE_TIMES:
        try:
            return datetime.fromisoformat(column.default).replace(microsecond=0, tzinfo=None).isoformat() + "+00:00"
        except ValueError:
            return column.default
    return column.default


def collection_object(collection: Collection, *, hidden_fields: Iterable[str] = ()) -> dict[str, Any]:
    """A collection with its eight keys; `fields` is an object keyed by name, without the `hidden_fields`.

    Who needs a list takes the values: their order is that of the table, then the aliases by name.
    """
    hidden = frozenset(hidden_fields)
    return {
        "collection": collection.name,
        "note": collection.note,
        "hidden": collection.hidden,
        "single": collection.single,
        "managed": collection.managed,
        "fields": {name: field_object(field) for name, field in collection.fields.items() if name not in hidden},
        "translation": thawed(collection.translation),
        "icon": collection.icon,
    }


def listed(collections: Iterable[Collection]) -> list[Collection]:
    """The collections that a listing shows, in its order: those with a row by name, then the other tables; no views."""
    tables = [collection for collection in collections if not collection.is_view]
    return sorted(tables, key=lambda collection: (not collection.has_row, by_name(collection.name)))


def all_fields(collections: Iterable[Collection]) -> list[Field]:
    """The fields of all tables: by collection, in it the columns in table order, then the aliases by id."""
    tables = sorted((one for one in collections if not one.is_view), key=lambda one: by_name(one.name))
    found: list[Field] = []
    for table in tables:
        aliases = [field for field in table.fields.values() if field.is_alias]
        found += [field for field in table.fields.values() if not field.is_alias]
        found += sorted(aliases, key=lambda field: (field.id is None, field.id or 0))
    return found
