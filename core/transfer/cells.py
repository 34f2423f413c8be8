"""In charge of what a cell of a CSV file means for a field: the way back from `core.transfer.csv`. Pure.

Cells are text. What a field cannot take stays as it is, so that validation names it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from core.catalog.model import Collection, Field, ToMany, ToOne
from core.transfer.csv import undefuse

Meaning = Callable[[str], Any]
ABSENT = object()


def payload(collection: Collection, cells: Mapping[str, str | None]) -> dict[str, Any]:
    """A row by the names of its header → the item that it says. Names that are no fields stay what they are."""
    found: dict[str, Any] = {}
    for name, text in cells.items():
        value = _value(collection, collection.fields.get(name), text)
        if value is not ABSENT:
            found[name] = value
    return found


def header(name: str) -> str:
    """A name of the header as it was before it was made safe."""
    return undefuse(name.strip())


def _value(collection: Collection, field: Field | None, text: str | None) -> Any:
    """Nothing at all is null where a column may be null, else it says nothing: the column's default stands."""
    if field is None:
        return text
    column = field.column
    if text is None or (text == "" and (column is None or column.family != "text" or field.type in LISTS)):
        return None if column is not None and column.nullable and not column.auto_increment else ABSENT
    relation = collection.relations.get(field.name)
    text = undefuse(text)
    if isinstance(relation, ToMany):
        return _json(text, list, lambda: [one.strip() for one in text.split(",")])
    if isinstance(relation, ToOne):
        return _json(text, dict, lambda: text)
    if field.type == "json":
        return _json(text, (dict, list), lambda: text)
    if field.type == "array":
        return _json(text, list, lambda: text.split(","))
    return text


LISTS = ("json", "array")


def _json(text: str, kinds: type | tuple[type, ...], other: Callable[[], Any]) -> Any:
    if text.lstrip()[:1] not in ("[", "{"):
        return other()
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return other()
    return found if isinstance(found, kinds) else other()
