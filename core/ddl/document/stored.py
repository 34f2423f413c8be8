"""In charge of reading the rows that a document tells of and no snapshot holds: four statements. Judges none."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from core.catalog.load import rows_of
from core.ddl.document.describe import Stored
from core.ddl.document.model import PERMISSION, PRESET
from core.ddl.present import Present

_ROLES = ("id", "name", "description", "ip_whitelist", "module_listing", "collection_listing", "enforce_2fa")
_PERMISSIONS = ("id", "role", "collection", "status", *(one.name for one in PERMISSION))
_PRESETS = ("id", "collection", "role", "user", "title", *(one.name for one in PRESET))


async def read(present: Present) -> Stored:
    """The rows, ordered by id; of columns that are there."""

    async def rows(table: str, wanted: Sequence[str]) -> tuple[Any, ...]:
        found = present.tables.get(table)
        if found is None:
            return ()
        names = [name for name in wanted if found.column(name) is not None]
        return await rows_of(present.connection, table, names)

    return Stored(
        roles=await rows("directus_roles", _ROLES),
        permissions=await rows("directus_permissions", _PERMISSIONS),
        settings=await rows("directus_settings", ("id", "key", "value")),
        presets=await rows("directus_collection_presets", _PRESETS),
    )
