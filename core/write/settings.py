"""In charge of what a setting's value becomes in the text column that holds it (spec 01 §10.2). Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from core.types.structured import csv_text, json_text, scalar_text


def stored_value(value: Any, field_type: str | None) -> Any:
    """The value to write. `field_type`: of the field that describes the key, "" without one; None: the list form.

    Lists and objects that a text cannot hold are given back, for validation to refuse them (422/213).
    """
    if field_type is None:
        return _plain(value)
    if value in ("", 0, None, [], {}) or value is False:
        return None
    match field_type:
        case "file" if isinstance(value, Mapping):
            return _plain(value.get("id"))
        case "array" if _is_list(value):
            joined = csv_text(list(value))
            return value if joined is None else joined
        case "json":
            return value if isinstance(value, str) and _is_structure(value) else json_text(value)
    return _plain(value)


def _plain(value: Any) -> Any:
    """Scalars as PHP casts them to text: true is 1, false and null are nothing."""
    if value is None or isinstance(value, str | Mapping) or _is_list(value):
        return value
    if isinstance(value, bool):
        return "1" if value else ""
    return scalar_text(value)


def _is_list(value: Any) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str | bytes)


def _is_structure(text: str) -> bool:
    try:
        return isinstance(orjson.loads(text), list | dict)
    except orjson.JSONDecodeError:
        return False
