"""In charge of what a caller may know of the own rights: the permission rows of the role (spec 02 §11).

These rows are shown to their role whatever its rights on directus_permissions are. It grants nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from core import engine
from core.access.policy import ADMIN_POLICY
from core.catalog.model import Snapshot
from core.query.selection import Leaf, ReadRequest, Row, Selection
from core.session import Session

PERMISSIONS = "directus_permissions"
CSV = "status_blacklist"
"""The one list that v8 shows as stored here: CSV, null when it is empty."""
LISTS = ("read_field_blacklist", "write_field_blacklist")

COLLECTION, STATUS = "\x00collection", "\x00status"
"""Response keys of what decides whether and where a row is shown."""

Items = list[dict[str, Any]]


async def mine(session: Session, selection: Selection) -> Items:
    """All rows of the caller's role: those without status, those of statuses, those of `$create`.

    The first row per collection and status counts; left out are rows of collections that do not exist, and of statuses
    that the collection does not have. An admin without rows gets one of nulls, as clients of v8 expect.
    """
    found = await _rows(session, selection)
    if not found and session.actor.admin:
        return [_nulls(session, selection)]
    return [item for _, _, item in found]


async def of_collection(session: Session, selection: Selection, collection: str) -> Items:
    """The rows that decide on one collection: of its statuses where there are such, else the one without status."""
    found = [row for row in await _rows(session, selection) if row[0] == collection]
    workflow = [item for _, status, item in found if status is not None and not status.startswith("$")]
    return workflow or [item for _, status, item in found if status is None]


async def _rows(session: Session, selection: Selection) -> list[tuple[str, str | None, dict[str, Any]]]:
    """Collection, status and item of each row that is shown, in their order."""
    role = session.actor.role
    if role is None:
        return []
    own = (Leaf(COLLECTION, "collection", "string"), Leaf(STATUS, "status", "string"))
    request = ReadRequest(
        PERMISSIONS,
        Selection((*selection.entries, *own)),
        filter=("cond", "role", "eq", role),
        sort=("id",),
        limit=-1,
    )
    result = await engine.read(replace(session, policy=ADMIN_POLICY), request)
    rows = [(item.pop(COLLECTION), item.pop(STATUS), item) for item in result.items]
    _as_stored(rows, selection)
    first: dict[tuple[str, str | None], tuple[str, str | None, dict[str, Any]]] = {}
    for row in rows:
        if _known(session.snapshot, row[0], row[1]):
            first.setdefault(row[:2], row)
    return sorted(first.values(), key=lambda row: _rank(row[1]))


def _rank(status: str | None) -> int:
    if status is None:
        return 0
    return 2 if status.startswith("$") else 1


def _known(snapshot: Snapshot, name: str, status: str | None) -> bool:
    collection = snapshot.collections.get(name)
    if collection is None:
        return False
    if status is None or status.startswith("$"):
        return True
    mapped = collection.statuses.values if collection.status_field and collection.statuses else ()
    return status in {str(value) for value in mapped}


def _as_stored(rows: Iterable[tuple[Any, Any, dict[str, Any]]], selection: Selection) -> None:
    shown = [entry.key for entry in selection if isinstance(entry, Row)]
    for _, _, item in rows:
        for key in shown:
            row = item[key]
            if isinstance(row, dict) and CSV in row:
                row[CSV] = ",".join(row[CSV]) or None


def _nulls(session: Session, selection: Selection) -> dict[str, Any]:
    """An item of nothing but the role."""
    columns = session.snapshot.collections[PERMISSIONS].columns
    role = session.actor.role
    row: dict[str, Any] = {column.name: [] if column.name in LISTS else None for column in columns} | {"role": role}
    found: dict[str, Any] = {}
    for entry in selection:
        if isinstance(entry, Row):
            found[entry.key] = dict(row)
        elif isinstance(entry, Leaf):
            found[entry.key] = row.get(entry.field)
        else:
            found[entry.key] = getattr(entry, "value", None)
    return found
