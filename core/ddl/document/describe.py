"""In charge of what is there as a document, and of the ids behind its entries. Pure.

What has no effect is left out: rows of what is gone, second rows of the same, what belongs to one user or one
installation. Reading it is `core.ddl.document.stored`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from core.access.policy import COMMENT_LEVELS, LEVELS
from core.catalog import derive
from core.catalog.model import Collection, Field
from core.catalog.settle import spec_of_table
from core.ddl.document.columns import described
from core.ddl.document.core_fields import core_fields, core_relations
from core.ddl.document.model import FIXED_ROLES, Attributes, Document, Key, is_left_out
from core.ddl.present import Present, is_core
from core.errors import Unprocessable

Row = Mapping[str, Any]
_EXPLAIN = ("none", "create", "update", "always")


@dataclass(frozen=True, slots=True)
class Stored:
    """Rows of the collections that no snapshot holds, each ordered by id."""

    roles: tuple[Row, ...] = ()
    permissions: tuple[Row, ...] = ()
    settings: tuple[Row, ...] = ()
    presets: tuple[Row, ...] = ()


@dataclass(frozen=True, slots=True)
class Described:
    """What is there. `ids`: section → key → ids of its rows, the one that counts first."""

    document: Document
    ids: Mapping[str, Mapping[Key, tuple[int, ...]]] = field(default_factory=dict)


def describe(present: Present, stored: Stored, *, besides: Iterable[str] = ()) -> Described:
    """The document of what is there. `besides`: tables that are described though they have no row.

    Raises Unprocessable when a role has a name that means another one here.
    """
    shown = [
        one
        for one in present.snapshot.collections.values()
        if not one.is_view and (one.is_system or one.has_row or one.name in frozenset(besides))
    ]
    fields: dict[Key, Attributes] = {}
    columns: dict[Key, Attributes] = {}
    for collection in shown:
        _fields(present, collection, fields, columns)
    own = [one for one in shown if not one.is_system]
    role_keys = _role_keys(stored.roles)
    relations, relation_ids = _relations(present)
    permissions, permission_ids = _permissions(stored.permissions, role_keys)
    presets, preset_ids = _presets(stored.presets, role_keys)
    settings = [row for row in stored.settings if not _is_left_out(present, str(row["key"]))]
    document = Document(
        collections={(one.name,): _collection(one) for one in own if one.has_row},
        fields=fields,
        columns=columns,
        uniques={(one.name,): {"keys": keys} for one in own if (keys := _uniques(present, one.name))},
        relations=relations,
        roles={(role_keys[row["id"]],): _role(row, role_keys[row["id"]]) for row in stored.roles},
        permissions=permissions,
        settings={(str(row["key"]),): {"value": _text(row["value"])} for row in settings},
        presets=presets,
    )
    ids: dict[str, dict[Key, tuple[int, ...]]] = {
        "relations": relation_ids,
        "roles": {(role_keys[row["id"]],): (row["id"],) for row in stored.roles},
        "permissions": permission_ids,
        "settings": {(str(row["key"]),): (row["id"],) for row in settings},
        "presets": preset_ids,
    }
    return Described(document, ids)


def only(document: Document, sections: frozenset[str]) -> Document:
    """The document reduced to some sections."""
    return replace(document, sections=document.sections & sections)


def _text(value: Any) -> str | None:
    return None if value is None else str(value)


# --- collections and fields ---------------------------------------------------------------------------------------


def _collection(one: Collection) -> dict[str, Any]:
    return {
        "managed": one.managed,
        "hidden": one.hidden,
        "single": one.single,
        "icon": one.icon,
        "note": one.note,
        "translation": derive.thawed(one.translation),
    }


def _uniques(present: Present, name: str) -> tuple[tuple[str, ...], ...]:
    return tuple(sorted(present.spec(name).uniques))


def _fields(
    present: Present, collection: Collection, fields: dict[Key, Attributes], columns: dict[Key, Attributes]
) -> None:
    specs = {one.name: one for one in spec_of_table(present.tables[collection.name], present.dialect).columns}
    groups = {one.id: one.name for one in collection.fields.values() if one.id is not None}
    for name, one in collection.fields.items():
        key = (collection.name, name)
        if collection.is_system and (key in core_fields() or is_core(one)):
            continue
        if one.id is not None:
            fields[key] = _field(one, groups)
        if name in specs:
            columns[key] = described(specs[name], kind_of(one), one.note)


def kind_of(one: Field) -> str:
    """The type that decides on the column; none of a column without a row."""
    return one.type if one.id is not None else ""


def _field(one: Field, groups: Mapping[int, str]) -> dict[str, Any]:
    return {
        "type": one.type,
        "interface": one.interface,
        "options": derive.thawed(one.options) or None,
        "locked": one.locked,
        "validation": one.validation,
        "required": one.required,
        "readonly": one.readonly,
        "hidden_detail": one.hidden_detail,
        "hidden_browse": one.hidden_browse,
        "sort": None if one.sort is None else max(one.sort, 0),
        "width": one.width or "full",
        "group": groups.get(one.group) if one.group is not None else None,
        "note": one.note,
        "translation": derive.thawed(one.translation),
    }


def _relations(present: Present) -> tuple[dict[Key, Attributes], dict[Key, tuple[int, ...]]]:
    """Of several rows for one field the lowest id counts, among those whose collections exist."""
    found: dict[Key, Attributes] = {}
    ids: dict[Key, tuple[int, ...]] = {}
    collections = present.snapshot.collections
    for row in present.metadata.relations:  # ordered by id
        many, name, one = row["collection_many"], row["field_many"], row.get("collection_one")
        key = (many, name)
        if key in core_relations():
            continue
        owner = collections.get(many)
        dangles = owner is None or name not in owner.fields or one not in collections
        if not dangles and key not in found:
            found[key] = {
                "collection_one": one,
                "field_one": row.get("field_one") or None,
                "junction_field": row.get("junction_field") or None,
            }
            ids[key] = (row["id"], *ids.get(key, ()))
        else:
            ids[key] = (*ids.get(key, ()), row["id"])
    return found, ids


# --- roles, permissions, presets, settings ------------------------------------------------------------------------


def _role_keys(rows: Iterable[Row]) -> dict[int, str]:
    fixed = {number: key for key, (number, _) in FIXED_ROLES.items()}
    found = {row["id"]: fixed.get(row["id"], str(row["name"])) for row in rows}
    odd = next((name for number, name in found.items() if number not in fixed and name.startswith("$")), None)
    if odd is not None:
        raise Unprocessable(f'The role "{odd}" has a name that stands for another one in a document')
    return found


def _role(row: Row, key: str) -> dict[str, Any]:
    usual = FIXED_ROLES.get(key, (0, None))[1]
    return {
        "name": None if usual is None or row["name"] == usual else row["name"],
        "description": row.get("description"),
        "ip_whitelist": _csv(row.get("ip_whitelist")),
        "module_listing": derive.decoded(row.get("module_listing")),
        "collection_listing": derive.decoded(row.get("collection_listing")),
        "enforce_2fa": derive.flag(row.get("enforce_2fa")),
    }


def _csv(text: Any) -> tuple[str, ...]:
    return tuple(part for part in str(text or "").split(",") if part)


def _permissions(
    rows: Iterable[Row], roles: Mapping[int, str]
) -> tuple[dict[Key, Attributes], dict[Key, tuple[int, ...]]]:
    """The first row of a role, collection and status counts; what no level says, none or `update` of comments does."""
    found: dict[Key, Attributes] = {}
    ids: dict[Key, tuple[int, ...]] = {}
    for row in rows:
        if row["role"] not in roles:
            continue
        key = (roles[row["role"]], row["collection"], row.get("status") or None)
        ids[key] = (*ids.get(key, ()), row["id"])
        if key not in found:
            found[key] = {
                "create": "none" if _level(row.get("create"), LEVELS) == "none" else "full",
                **{name: _level(row.get(name), LEVELS) for name in ("read", "update", "delete")},
                "comment": _level(row.get("comment") or "update", COMMENT_LEVELS),
                "explain": _level(row.get("explain"), _EXPLAIN),
                **{name: _csv(row.get(name)) for name in _LISTS},
                **{name: derive.decoded(row.get(name)) for name in _EXTRAS},
            }
    return found, ids


_EXTRAS = ("rules", "presets", "checks")
_LISTS = ("read_field_blacklist", "write_field_blacklist", "status_blacklist")


def _level(stored: Any, known: Iterable[str]) -> str:
    return stored if stored in known else "none"


def _presets(rows: Iterable[Row], roles: Mapping[int, str]) -> tuple[dict[Key, Attributes], dict[Key, tuple[int, ...]]]:
    """Those of roles and of everybody; clients take the latest of several (spec 01 §9)."""
    found: dict[Key, Attributes] = {}
    ids: dict[Key, tuple[int, ...]] = {}
    for row in rows:
        role = row.get("role")
        if row.get("user") is not None or (role is not None and role not in roles):
            continue
        key = (row["collection"], None if role is None else roles[role], row.get("title"))
        ids[key] = (row["id"], *ids.get(key, ()))
        found[key] = {
            "search_query": row.get("search_query"),
            "view_type": row.get("view_type") or "tabular",
            **{
                name: derive.decoded(row.get(name)) for name in ("filters", "view_query", "view_options", "translation")
            },
        }
    return found, ids


def _is_left_out(present: Present, key: str) -> bool:
    """Besides those known by name: settings whose field is a file or a hash."""
    if is_left_out(key):
        return True
    return any(
        derive.known_type(row.get("type")) in ("file", "hash") for row in present.field_rows("directus_settings", key)
    )


__all__ = ["Described", "Stored", "describe", "kind_of", "only"]
