"""In charge of what is there when nobody else can alter: tables, rows of metadata, and the snapshot that they give."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from core.catalog import build
from core.catalog.change import TableSpec
from core.catalog.load import catalogue, head
from core.catalog.model import SYSTEM_COLLECTIONS, SYSTEM_PREFIX, Collection, Field, Snapshot
from core.catalog.settle import spec_of_table
from core.catalog.system import system_tables
from core.catalog.tables import Table
from core.db.gateway import Connection
from core.errors import CollectionNotFound
from core.session import Session

FIELDS, COLLECTIONS, RELATIONS = "directus_fields", "directus_collections", "directus_relations"
Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Present:
    """The project as its database has it now. `session`: of the request, with `snapshot` in the place of its own."""

    session: Session
    connection: Connection
    tables: Mapping[str, Table]
    metadata: build.Metadata
    snapshot: Snapshot

    @property
    def dialect(self) -> str:
        return self.snapshot.dialect

    def collection(self, name: str) -> Collection:
        """A collection that is to be altered; views are none. Raises CollectionNotFound."""
        found = self.snapshot.collections.get(name)
        if found is None or found.is_view:
            raise CollectionNotFound(name)
        return found

    def spec(self, name: str) -> TableSpec:
        """The table of a collection as a specification."""
        return spec_of_table(self.tables[name], self.dialect)

    def spelling(self, name: str) -> str | None:
        """The name of the table that a database would confuse with this one, itself included."""
        wanted = name.lower()
        return next((one for one in self.tables if one.lower() == wanted), None)

    def referring(self, name: str, column: str | None = None) -> tuple[str, ...]:
        """The other tables whose foreign keys refer to a table, or to one column of it."""
        return tuple(
            table.name
            for table in self.tables.values()
            if table.name != name
            and any(key.target == name and column in (None, *key.target_columns) for key in table.foreign_keys)
        )

    def field_rows(self, collection: str, field: str | None = None) -> Iterator[Row]:
        """The rows of directus_fields of a collection, stale ones too."""
        for row in self.metadata.fields:
            if row.get("collection") == collection and field in (None, row.get("field")):
                yield row

    def collection_row(self, name: str) -> Row | None:
        """The row of directus_collections."""
        return next((row for row in self.metadata.collections if row.get("collection") == name), None)


async def read(session: Session, connection: Connection) -> Present:
    """What is there now."""
    tables, metadata = await catalogue(connection)
    snapshot = build.build(
        tables,
        metadata,
        dialect=connection.dialect,
        version=await head(connection),
        blacklist=session.project.config.table_blacklist,
    )
    return Present(replace(session, snapshot=snapshot), connection, tables, metadata, snapshot)


def is_system(name: str) -> bool:
    """Whether the name is one of ours, in whatever case."""
    return name.lower().startswith(SYSTEM_PREFIX)


def is_core(field: Field) -> bool:
    """Whether the server cannot do without the field as it is: a column of the system tables, or a locked field."""
    if field.collection not in SYSTEM_COLLECTIONS:
        return False
    if field.locked:
        return True
    return any(
        table.name == field.collection and any(column.name == field.name for column in table.columns)
        for table in system_tables()
    )
