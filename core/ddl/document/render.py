"""In charge of a document as plain data, ready to be written as YAML or JSON: sorted, without defaults. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from core.ddl.document.model import (
    COLLECTION,
    COLLECTIONS,
    COLUMN,
    FIELD,
    PERMISSION,
    PERMISSIONS,
    PRESET,
    PRESETS,
    RELATION,
    RELATIONS,
    ROLE,
    ROLES,
    SETTINGS,
    VERSION,
    VERSION_KEY,
    Attribute,
    Attributes,
    Document,
    Key,
    named_order,
)


def rendered(document: Document) -> dict[str, Any]:
    """The data of a document. Equal documents give equal data, in equal order: `core.ddl.document.admit` reads it."""
    makers = {
        COLLECTIONS: _collections,
        RELATIONS: _relations,
        ROLES: _roles,
        PERMISSIONS: _permissions,
        SETTINGS: _settings,
        PRESETS: _presets,
    }
    return {
        VERSION_KEY: VERSION,
        **{name: make(document) for name, make in makers.items() if name in document.sections},
    }


def _shown(told: Attributes, wanted: Sequence[Attribute]) -> dict[str, Any]:
    return {one.name: _plain(told[one.name]) for one in wanted if told[one.name] != one.default}


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def _sorted(keys: Iterable[Key]) -> list[Key]:
    return sorted(keys, key=named_order)


def _collections(document: Document) -> dict[str, Any]:
    found: dict[str, Any] = {name: _shown(told, COLLECTION) for (name,), told in document.collections.items()}
    for owner, _ in (*document.columns, *document.fields):
        found.setdefault(owner, {})
    for name, one in found.items():
        one["fields"] = {field: _field(document, (name, field)) for field in _in_order(document, name)}
        keys = document.uniques.get((name,), {}).get("keys", ())
        if keys:
            one["uniques"] = [list(key) for key in keys]
    return {name: found[name] for name in sorted(found)}


def _in_order(document: Document, collection: str) -> list[str]:
    """Keys first, then as forms show them: no database changes the order of columns, so theirs says nothing."""

    def place(name: str) -> tuple[Any, ...]:
        column = document.columns.get((collection, name), {})
        sort = document.fields.get((collection, name), {}).get("sort")
        return not column.get("primary_key"), sort is None, sort or 0, name

    return sorted(set(document.fields_of(collection)), key=place)


def _field(document: Document, key: Key) -> dict[str, Any]:
    row, column = document.fields.get(key), document.columns.get(key)
    found = _shown(row, FIELD) if row is not None else {}
    if column is not None:
        told = _shown(column, COLUMN)
        if str(told.get("length", "")).isdigit():
            told["length"] = int(told["length"])
        found["column"] = told
    return found


def _relations(document: Document) -> dict[str, Any]:
    found: dict[str, dict[str, Any]] = {}
    for collection, field in _sorted(document.relations):
        found.setdefault(collection, {})[field] = _shown(document.relations[collection, field], RELATION)
    return found


def _roles(document: Document) -> dict[str, Any]:
    return {key[0]: _shown(document.roles[key], ROLE) for key in _sorted(document.roles)}


def _permissions(document: Document) -> dict[str, Any]:
    found: dict[str, dict[str, list[Any]]] = {}
    for key in _sorted(document.permissions):
        role, collection, status = key
        row = _shown(document.permissions[key], PERMISSION)
        rows = found.setdefault(role, {}).setdefault(collection, [])
        rows.append(row if status is None else {"status": status, **row})
    return found


def _settings(document: Document) -> dict[str, Any]:
    return {key[0]: document.settings[key]["value"] for key in _sorted(document.settings)}


def _presets(document: Document) -> list[Mapping[str, Any]]:
    found: list[Mapping[str, Any]] = []
    for key in _sorted(document.presets):
        named = dict(zip(("collection", "role", "title"), key, strict=True))
        shown = {name: value for name, value in named.items() if value is not None}
        found.append({**shown, **_shown(document.presets[key], PRESET)})
    return found
