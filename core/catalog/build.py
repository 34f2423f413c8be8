"""In charge of joining what a database reports with the rows of directus_* into one Snapshot. Pure; reads nothing.

Stale rows (of tables, columns or collections that are gone) are left out here, once, so that nobody after has to ask.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any

from core.catalog import derive
from core.catalog.model import (
    ALIAS_TYPES,
    SYSTEM_COLLECTIONS,
    SYSTEM_PREFIX,
    Collection,
    Column,
    Field,
    Snapshot,
    StatusMapping,
)
from core.catalog.relations import RelationRow, relate
from core.catalog.system import own_types
from core.catalog.tables import Table
from core.catalog.webhooks import webhooks
from core.context import ADMIN_ROLE
from core.frozen import EMPTY
from core.pace import Pause, paced, unpaced

Row = Mapping[str, Any]

COLLECTION_COLUMNS = ("collection", "managed", "hidden", "single", "icon", "note", "translation")
FIELD_COLUMNS = (
    "id", "collection", "field", "type", "interface", "options", "locked", "validation", "required", "readonly",
    "hidden_detail", "hidden_browse", "sort", "width", "group", "note", "translation",
)  # fmt: skip
RELATION_COLUMNS = ("id", "collection_many", "field_many", "collection_one", "field_one", "junction_field")
PERMISSION_COLUMNS = ("role", "collection", "read_field_blacklist")

_SPECIAL = {
    "status": "status_field",
    "owner": "owner_field",
    "sort": "sort_field",
    "lang": "language_field",
    "user_updated": "user_updated_field",
    "datetime_created": "created_field",
    "datetime_updated": "updated_field",
}


@dataclass(frozen=True, slots=True)
class Metadata:
    """Rows of the metadata tables as dicts, with the columns that are there; settings as key → stored text."""

    collections: tuple[Row, ...] = ()
    fields: tuple[Row, ...] = ()
    relations: tuple[Row, ...] = ()
    permissions: tuple[Row, ...] = ()
    settings: Mapping[str, str | None] = field(default_factory=lambda: EMPTY)
    webhooks: tuple[Row, ...] = ()


def build(
    tables: Mapping[str, Table],
    metadata: Metadata,
    *,
    dialect: str,
    version: int = 0,
    blacklist: frozenset[str] = frozenset(),
    pause: Pause = unpaced,
) -> Snapshot:
    """The snapshot of a project (spec 01 §3, 4, 6–8, 13).

    `blacklist` hides tables as if they were not there; system collections cannot be hidden, the server lives on them.
    `pause` is called between small steps.
    """
    shown = {name: table for name, table in tables.items() if _is_shown(name, table, blacklist)}
    field_rows: defaultdict[str, list[Row]] = defaultdict(list)
    for row in paced(metadata.fields, pause):
        field_rows[str(row.get("collection"))].append(row)
    fields = {name: _fields(table, field_rows[name]) for name, table in paced(shown.items(), pause)}
    related = relate(shown, fields, [_relation_row(row) for row in metadata.relations])
    collection_rows = {str(row.get("collection")): row for row in metadata.collections}
    fallback = metadata.settings.get("status_mapping")
    collections = {
        name: _collection(
            table,
            {**fields[name], **related.aliases.get(name, {})},
            related.relations.get(name, {}),
            collection_rows.get(name),
            fallback,
        )
        for name, table in paced(shown.items(), pause)
    }
    return Snapshot(
        version=version,
        dialect=dialect,
        collections=MappingProxyType(collections),
        settings=MappingProxyType(dict(metadata.settings)),
        blacklisted=blacklisted(metadata.permissions),
        webhooks=webhooks(metadata.webhooks),
    )


def blacklisted(permissions: Iterable[Row]) -> frozenset[tuple[str, str]]:
    """The (collection, field) pairs that the read blacklist of some role names; rows of administrators do not count."""
    return frozenset(
        (str(row.get("collection")), name)
        for row in permissions
        if row.get("role") != ADMIN_ROLE
        for name in str(row.get("read_field_blacklist") or "").split(",")
        if name
    )


def _is_shown(name: str, table: Table, blacklist: frozenset[str]) -> bool:
    if name.startswith(SYSTEM_PREFIX):
        return name in SYSTEM_COLLECTIONS and not table.is_view
    return name not in blacklist


def _fields(table: Table, rows: Iterable[Row]) -> dict[str, Field]:
    """Columns with and without a row, and the alias rows; a row that has lost its column is no field."""
    by_name: dict[str, Row] = {}
    for row in rows:
        by_name.setdefault(str(row.get("field")), row)
    found = {column.name: _field(table.name, column.name, by_name.get(column.name), column) for column in table.columns}
    for name, row in by_name.items():
        if name not in found and derive.known_type(row.get("type")) in ALIAS_TYPES:
            found[name] = _field(table.name, name, row, None)
    return found


def _field(collection: str, name: str, row: Row | None, column: Column | None) -> Field:
    known = derive.known_type(row.get("type")) if row else None
    if column is not None:
        if known is None or known in ALIAS_TYPES:
            known = own_types().get((collection, name)) or derive.column_type(column)
        if known == "boolean" and column.datatype == "TINYINT":
            column = replace(column, family="boolean")
    assert known is not None
    if row is None:
        return Field(collection, name, known, column)
    options = derive.decoded(row.get("options"))
    return Field(
        collection=collection,
        name=name,
        type=known,
        column=column,
        id=row.get("id"),
        stored_type=row.get("type"),
        interface=row.get("interface"),
        options=derive.frozen(options) if isinstance(options, dict) else None,
        locked=derive.flag(row.get("locked")),
        validation=row.get("validation"),
        required=derive.flag(row.get("required")),
        readonly=derive.flag(row.get("readonly")),
        hidden_detail=derive.flag(row.get("hidden_detail")),
        hidden_browse=derive.flag(row.get("hidden_browse")),
        sort=row.get("sort"),
        width=row.get("width"),
        group=row.get("group"),
        note=row.get("note"),
        translation=derive.frozen(derive.decoded(row.get("translation"))),
    )


def _relation_row(row: Row) -> RelationRow:
    return RelationRow(
        id=int(row.get("id") or 0),
        collection_many=str(row.get("collection_many") or ""),
        field_many=str(row.get("field_many") or ""),
        collection_one=row.get("collection_one") or None,
        field_one=row.get("field_one") or None,
        junction_field=row.get("junction_field") or None,
    )


def _collection(
    table: Table, fields: Mapping[str, Field], relations: Mapping[str, Any], row: Row | None, fallback: str | None
) -> Collection:
    columns = {name: found for name, found in fields.items() if found.column is not None}
    aliases = {name: fields[name] for name in sorted(fields.keys() - columns.keys(), key=by_name)}
    special: dict[str, str] = {}
    for found in columns.values():
        if found.type in _SPECIAL:
            special.setdefault(_SPECIAL[found.type], found.name)
    status = columns.get(special.get("status_field", ""))
    keys = table.primary_key
    row = row or {}
    return Collection(
        name=table.name,
        fields=MappingProxyType({**columns, **aliases}),
        relations=MappingProxyType({name: relations[name] for name in fields if name in relations}),
        primary_key=keys[0] if len(keys) == 1 else None,
        key_columns=keys or _comparable(table.columns),
        is_view=table.is_view,
        is_system=table.name.startswith(SYSTEM_PREFIX),
        managed=derive.flag(row.get("managed")),
        has_row=bool(row),
        hidden=derive.flag(row.get("hidden")),
        single=derive.flag(row.get("single")),
        icon=row.get("icon"),
        note=row.get("note"),
        translation=derive.frozen(derive.decoded(row.get("translation"))),
        statuses=_statuses(status, fallback),
        **special,
    )


def _statuses(status: Field | None, fallback: str | None) -> StatusMapping | None:
    if status is None or status.column is None:
        return None
    return derive.status_mapping(status.options, fallback, status.column)


def _comparable(columns: Iterable[Column]) -> tuple[str, ...]:
    """The columns that a database can sort by: they give a table without a key a stable order."""
    return tuple(column.name for column in columns if column.family not in ("json", "other", "binary"))


def by_name(name: str) -> tuple[str, str]:
    """The order of names that MySQL gives: whatever their case, letters before `_`."""
    return name.upper(), name
