"""In charge of what goes with a collection: rows of metadata, rights and presets (spec 01 §6.5)."""

from __future__ import annotations

from dataclasses import dataclass

from core.catalog.diff import COLLECTIONS, FIELDS, RELATIONS
from core.ddl.present import Present
from core.ddl.rows import Change, Erase
from core.write.statements import Statements


@dataclass(frozen=True, slots=True)
class Removal:
    """Rows that go, and what the change log tells."""

    changes: tuple[Change, ...]
    logs: tuple[tuple[str, str | None], ...]


def removal(present: Present, name: str) -> Removal:
    """What goes with the collection: relations where it is the many side only; those of the one side dangle."""
    rows = [row for row in present.metadata.relations if row["collection_many"] == name]
    others = {row["collection_one"] for row in rows if row.get("collection_one")} - {name}
    changes = (
        Erase("directus_permissions", "collection", (name,)),
        Erase(FIELDS, "collection", (name,)),
        Erase(RELATIONS, "collection_many", (name,)),
        Erase(COLLECTIONS, "collection", (name,)),
        Erase("directus_collection_presets", "collection", (name,)),
    )
    logs = [("schema", name), *(("schema", other) for other in sorted(others)), ("policy", name)]
    return Removal(changes, tuple(logs))


async def permissions_by_status(present: Present, name: str) -> tuple[int, ...]:
    """The ids of the permission rows of a collection that are for a status."""
    collection = present.snapshot.collections.get("directus_permissions")
    if collection is None:
        return ()
    statement = Statements(present.snapshot, {}).select_where(collection, ("id", "status"), "collection")
    rows = await present.connection.rows(*statement.bind([[name]], {}))
    return tuple(row[0] for row in rows if row[1])
