"""In charge of what is concluded about fields: the type of a column without a row, the meaning of statuses. Pure.

Input is what stands in the rows of directus_fields and directus_settings, which older versions and hands may have left
in any state: what cannot be understood counts as absent (spec 01 §4.4) and never breaks a project.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from core.catalog.model import Column, StatusMapping

FIELD_TYPES = (
    "alias", "array", "binary", "boolean", "datetime", "date", "time", "file", "hash", "group", "integer", "decimal",
    "json", "lang", "m2o", "o2m", "slug", "sort", "status", "string", "translation", "uuid", "datetime_created",
    "datetime_updated", "owner", "user_updated", "user",
)  # fmt: skip
"""All of them, in the order of `GET /types`."""
_SYNONYMS = {"user_created": "owner"}
_BY_DATATYPE = {
    "TINYINT": "integer", "SMALLINT": "integer", "MEDIUMINT": "integer", "INT": "integer", "BIGINT": "integer",
    "SERIAL": "integer", "YEAR": "integer", "DECIMAL": "decimal", "FLOAT": "decimal", "DOUBLE": "decimal",
    "TINYBLOB": "binary", "BLOB": "binary", "MEDIUMBLOB": "binary", "LONGBLOB": "binary", "BIT": "binary",
    "BINARY": "binary", "VARBINARY": "binary", "DATETIME": "datetime", "TIMESTAMP": "datetime", "DATE": "date",
    "TIME": "time", "JSON": "json",
}  # fmt: skip


def column_type(column: Column) -> str:
    """The Directus type of a column without a row in directus_fields (spec 01 §4.1)."""
    if column.family == "boolean":
        return "boolean"
    return "string" if column.family in ("other", "uuid") else _BY_DATATYPE.get(column.datatype, "string")


def known_type(stored: str | None) -> str | None:
    """A stored type as the server acts on it: lower case, old names translated; None when it means nothing to us."""
    name = (stored or "").strip().lower()
    name = _SYNONYMS.get(name, name)
    return name if name in FIELD_TYPES else None


def decoded(text: Any) -> Any:
    """The value of JSON text; None for NULL, invalid and empty ones (`{}`, `[]`, `""`), and for scalars."""
    if isinstance(text, str | bytes):
        try:
            text = json.loads(text)
        except ValueError:
            return None
    return text if isinstance(text, dict | list) and text else None


def frozen(value: Any) -> Any:
    """Decoded JSON that nobody can change: read-only mappings, and tuples for lists."""
    if isinstance(value, Mapping):
        return MappingProxyType({key: frozen(inner) for key, inner in value.items()})
    return tuple(frozen(inner) for inner in value) if isinstance(value, list | tuple) else value


def thawed(value: Any) -> Any:
    """The plain dicts and lists behind `frozen`, as answers need them."""
    if isinstance(value, Mapping):
        return {key: thawed(inner) for key, inner in value.items()}
    return [thawed(inner) for inner in value] if isinstance(value, list | tuple) else value


def flag(value: Any) -> bool:
    """A stored or typed flag: a boolean, a number, or text of either."""
    if isinstance(value, str):
        return value.strip().lower() not in ("", "0", "false", "off", "no")
    return bool(value)


def status_mapping(options: Mapping[str, Any] | None, fallback: str | None, column: Column) -> StatusMapping | None:
    """The mapping of a status field from its options, else from the setting `status_mapping` (spec 01 §4.4).

    None when there is neither, or when the one that counts is broken: then nothing is soft-deleted.
    """
    mapping = decoded(thawed((options or {}).get("status_mapping"))) or decoded(fallback)
    if not isinstance(mapping, dict):
        return None
    numeric = column.family in ("integer", "bigint", "decimal", "float", "bit")
    values: list[str | int] = []
    deleted: set[str | int] = set()
    required: set[str | int] = set()
    for key, entry in mapping.items():
        if not isinstance(entry, dict):
            return None
        try:
            value: str | int = int(key) if numeric else str(key)
        except ValueError:
            return None
        values.append(value)
        if flag(entry.get("soft_delete")):
            deleted.add(value)
        if flag(entry.get("required_fields")):
            required.add(value)
    return StatusMapping(tuple(values), frozenset(deleted), frozenset(required))
