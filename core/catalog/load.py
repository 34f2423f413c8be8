"""In charge of reading a project's snapshot through a store: catalogue of the database, metadata rows, head of the log.

About ten statements, off the request path, whatever the number of tables. What they mean is decided in
`core.catalog.build`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from core.catalog import build as building
from core.catalog import webhooks as hooked
from core.catalog.changes import HEAD, TABLE
from core.catalog.model import Snapshot
from core.catalog.tables import Table
from core.db.gateway import Connection, Store
from core.db.reflect import in_portions, reflect, table_names
from core.pace import Pause, unpaced
from core.sql.ddl import quote


async def load_snapshot(store: Store, *, blacklist: frozenset[str] = frozenset(), pause: Pause = unpaced) -> Snapshot:
    """The present picture of a project's database, also of one without system tables (then of its tables alone).

    `blacklist`: tables to hide (configuration `tableBlacklist`). `pause` is called between small steps, in a thread.
    Raises DatabaseError.
    """
    async with store.read() as connection:
        # The head first: what is changed while we read makes the snapshot older than it says, never newer.
        version = await _head_if_any(connection)
        tables, metadata = await catalogue(connection, pause)
    return await asyncio.to_thread(
        building.build, tables, metadata, dialect=store.dialect, version=version, blacklist=blacklist, pause=pause
    )


async def catalogue(connection: Connection, pause: Pause = unpaced) -> tuple[dict[str, Table], building.Metadata]:
    """What the database reports of itself, and the rows of metadata: what a snapshot is built of."""
    tables = await reflect(connection, pause)
    return tables, await _metadata(connection, tables)


async def refresh(
    store: Store, snapshot: Snapshot, *, blacklist: frozenset[str] = frozenset(), pause: Pause = unpaced
) -> Snapshot:
    """The present picture, read anew as far as the change log says that it differs from `snapshot`.

    Changes of settings, policies and webhooks leave the schema alone and cost one statement each; when nothing was
    logged the same snapshot comes back.
    """
    async with store.read() as connection:
        version = await _head_if_any(connection)
        if version == snapshot.version:
            return snapshot
        kinds = {
            kind
            for (kind,) in await connection.rows(
                f"SELECT DISTINCT kind FROM {TABLE} WHERE id > {int(snapshot.version)}"  # noqa: S608
            )
        }
        if version > snapshot.version and kinds <= {"settings", "policy", "webhooks"}:
            changed = replace(snapshot, version=version)
            if "policy" in kinds:
                rows = await rows_of(connection, "directus_permissions", building.PERMISSION_COLUMNS)
                changed = replace(changed, blacklisted=building.blacklisted(rows))
            if "webhooks" in kinds:
                rows = await rows_of(connection, hooked.TABLE, hooked.COLUMNS)
                changed = replace(changed, webhooks=hooked.webhooks(rows))
            if "settings" in kinds:
                rows = await rows_of(connection, "directus_settings", ("key", "value"))
                changed = replace(changed, settings=_settings(rows))
            if changed.settings.get("status_mapping") == snapshot.settings.get("status_mapping"):
                return changed
    return await load_snapshot(store, blacklist=blacklist, pause=pause)


async def head(connection: Connection) -> int:
    """The number of the latest change; 0 when there is none. Raises MissingObject where there is no log."""
    return int(await connection.value(HEAD))


async def _head_if_any(connection: Connection) -> int:
    return await head(connection) if TABLE in await table_names(connection) else 0


async def _metadata(connection: Connection, tables: Mapping[str, Table]) -> building.Metadata:
    async def rows(name: str, wanted: Sequence[str]) -> tuple[Mapping[str, Any], ...]:
        table = tables.get(name)
        if table is None:
            return ()
        present = [column for column in wanted if table.column(column) is not None]
        return await rows_of(connection, name, present)

    return building.Metadata(
        collections=await rows("directus_collections", building.COLLECTION_COLUMNS),
        fields=await rows("directus_fields", building.FIELD_COLUMNS),
        relations=await rows("directus_relations", building.RELATION_COLUMNS),
        permissions=await rows("directus_permissions", building.PERMISSION_COLUMNS),
        webhooks=await rows(hooked.TABLE, hooked.COLUMNS),
        settings=_settings(await rows("directus_settings", ("key", "value"))),
    )


async def rows_of(connection: Connection, table: str, columns: Sequence[str]) -> tuple[Mapping[str, Any], ...]:
    """The rows of a system table as dicts, ordered by the first of the columns."""
    dialect = connection.dialect
    names = ", ".join(quote(column, dialect) for column in columns)
    sql = f"SELECT {names} FROM {table} ORDER BY {quote(columns[0], dialect)}"  # noqa: S608

    def take(rows: Iterable[Sequence[Any]]) -> list[Mapping[str, Any]]:
        return [dict(zip(columns, row, strict=True)) for row in rows]

    if table == "directus_fields":
        return tuple(await in_portions(connection, sql, take))
    return tuple(take(await connection.rows(sql)))


def _settings(rows: Sequence[Mapping[str, Any]]) -> Mapping[str, str | None]:
    values = {str(row["key"]): row.get("value") for row in rows}
    return MappingProxyType({key: value if value is None else str(value) for key, value in values.items()})
