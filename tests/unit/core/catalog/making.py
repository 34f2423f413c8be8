"""In charge of making tables and metadata rows in few words for the tests of the catalog; holds no expectations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from core.catalog.build import Metadata, build
from core.catalog.datatypes import from_sqlite
from core.catalog.model import Snapshot
from core.catalog.tables import ForeignKey, Table


def table(
    name: str,
    columns: str,
    *,
    primary: Sequence[str] = ("id",),
    foreign: Mapping[str, str] | None = None,
    is_view: bool = False,
) -> Table:
    """A table from `id INT, title VARCHAR(9)`; `foreign`: column → `target.column`."""
    made = []
    for text in columns.split("; "):
        column, _, declared = text.partition(" ")
        found = from_sqlite(column, declared=declared)
        made.append(replace(found, primary_key=True, nullable=False) if column in primary else found)
    keys = []
    for column, reference in (foreign or {}).items():
        target, _, target_column = reference.partition(".")
        keys.append(ForeignKey((column,), target, (target_column,)))
    present = tuple(name for name in primary if name in {column.name for column in made})
    return Table(name, tuple(made), is_view, present, (), tuple(keys))


def row(collection: str, field: str, type_: str | None, **more: Any) -> dict[str, Any]:
    """A row of directus_fields."""
    return {"collection": collection, "field": field, "type": type_, **more}


def relation(number: int, many: str, one: str | None, junction: str | None = None) -> dict[str, Any]:
    """A row of directus_relations from `collection.field` pairs."""
    collection_many, _, field_many = many.partition(".")
    collection_one, _, field_one = (one or "").partition(".")
    return {
        "id": number,
        "collection_many": collection_many,
        "field_many": field_many,
        "collection_one": collection_one or None,
        "field_one": field_one or None,
        "junction_field": junction,
    }


def snapshot(
    *tables: Table,
    collections: Sequence[Mapping[str, Any]] = (),
    fields: Sequence[Mapping[str, Any]] = (),
    relations: Sequence[Mapping[str, Any]] = (),
    permissions: Sequence[Mapping[str, Any]] = (),
    settings: Mapping[str, str | None] | None = None,
    blacklist: frozenset[str] = frozenset(),
) -> Snapshot:
    """The snapshot of these tables and rows."""
    numbered = [{"id": number, **one} for number, one in enumerate(fields, 1)]
    metadata = Metadata(tuple(collections), tuple(numbered), tuple(relations), tuple(permissions), settings or {})
    return build({one.name: one for one in tables}, metadata, dialect="sqlite", version=7, blacklist=blacklist)


USERS = table("directus_users", "id INT; role INT; avatar INT")
FILES = table("directus_files", "id INT; title VARCHAR(9)")
