"""In charge of the 15 system tables of Directus 8 as data: columns, keys, rows of a new project (spec 01 §2). Pure.

The file beside it is the one source; nothing here is written twice. A few columns are our own: Directus 8 neither needs
nor minds them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any

ADMINISTRATION_TABLES = ("directus_users", "directus_roles", "directus_settings", "directus_fields")
"""Where these are, a project is installed."""


@dataclass(frozen=True, slots=True)
class SystemColumn:
    """A column as MySQL has it; the other databases take their types from it (spec 01 §2, §4.3)."""

    name: str
    datatype: str
    length: str | None
    signed: bool
    nullable: bool
    default: str | None
    primary_key: bool
    auto_increment: bool
    own: str | None = None
    """Ours, beyond Directus 8: the type of its field, which no row of directus_fields tells."""

    @property
    def is_flag(self) -> bool:
        """TINYINT(1): a boolean where the database has them."""
        return self.datatype == "TINYINT" and self.length == "1"


@dataclass(frozen=True, slots=True)
class SystemTable:
    """A system table. `uniques`: name → columns; `next_id`: where its automatic key begins after the seeded rows."""

    name: str
    columns: tuple[SystemColumn, ...]
    uniques: Mapping[str, tuple[str, ...]]
    next_id: int | None


@cache
def _document() -> Any:
    return json.loads(files("core.catalog").joinpath("system_schema.json").read_text("utf-8"))


@cache
def system_tables() -> tuple[SystemTable, ...]:
    """The 15 tables, in the order of their names."""
    document = _document()
    return tuple(
        SystemTable(
            name=name,
            columns=tuple(_column(column) for column in table["columns"]),
            uniques=MappingProxyType({key["name"]: tuple(key["columns"]) for key in table["unique_keys"]}),
            next_id=document["next_ids"].get(name),
        )
        for name, table in document["tables"].items()
    )


def _column(column: Mapping[str, Any]) -> SystemColumn:
    default = column["default"]
    return SystemColumn(
        name=column["name"],
        datatype=column["sql_type"],
        length=None if column["length"] is None else str(column["length"]),
        signed=not column["unsigned"],
        nullable=column["nullable"],
        default=None if default is None else str(default),
        primary_key=column["key"] == "PRI",
        auto_increment=column["auto_increment"],
        own=column.get("own"),
    )


@cache
def own_types() -> Mapping[tuple[str, str], str]:
    """The types of our own columns in these tables, by table and column."""
    return MappingProxyType(
        {(table.name, column.name): column.own for table in system_tables() for column in table.columns if column.own}
    )


def seed_rows(table: str) -> tuple[Mapping[str, Any], ...]:
    """The rows of a table after an installation, in order, with their ids; JSON as values, flags as booleans."""
    rows = _document()["seed"].get(table, ())
    if table == "directus_migrations":
        return tuple({"version": row["version"], "migration_name": row["name"]} for row in rows)
    return tuple(dict(row) for row in rows)


def new_role_permissions(role: int) -> tuple[dict[str, Any], ...]:
    """The rows of directus_permissions that a new role begins with, in order, without ids (spec 02 §12.9)."""
    return tuple(
        {"collection": row["collection"], "role": role, **{key: row[key] for key in row if key != "collection"}}
        for row in _document()["new_role_permissions"]
    )
