"""In charge of the counts of a read: the meta members that it asks for, from its plan. Plans and restricts nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from core.catalog.model import Collection
from core.db.gateway import Connection
from core.db.run import Rows, fetch_rows
from core.query.selection import ReadRequest
from core.query.window import page_meta
from core.session import Session

if TYPE_CHECKING:
    from core.engine import Ready


async def meta_of(
    session: Session,
    request: ReadRequest,
    connection: Connection,
    ready: Ready,
    rows: Rows,
    results: int,
    bound: Mapping[str, Any],
) -> dict[str, Any]:
    """The meta members asked for, in their order (spec 03 §5.7). `rows`: of the list, of which each tells the counts;
    without one, one statement tells them. `results`: number of items."""
    wanted, planned = request.meta, ready.planned
    single = request.id is not None
    found: dict[str, Any] = {}
    if "collection" in wanted:
        found["collection"] = request.collection
    if "type" in wanted:
        found["type"] = "item" if single else "collection"
    if single:
        return found
    if "result_count" in wanted:
        found["result_count"] = results
    counts: dict[str, int] = {}
    if planned.counts is not None:
        row = rows[0] if rows else (await fetch_rows(connection, planned.counts, ready.values, bound))[0]
        counts = dict(zip(planned.counted, row[-len(planned.counted) :], strict=True))
    if "total_count" in wanted:
        found["total_count"] = counts["total"]
    if planned.status_counts is not None:
        each = await fetch_rows(connection, planned.status_counts, ready.values, bound)
        found["status_count"] = _status_count(session.snapshot.collections[request.collection], each)
    matching = counts.get("matching", counts.get("total", 0))
    if "filter_count" in wanted:
        found["filter_count"] = matching
    if "page" in wanted:
        found |= page_meta(ready.cut, request.offset, results, matching)
    return found


def _status_count(collection: Collection, rows: Any) -> dict[str, int]:
    """Stored values in alphabetical order, then the other mapped statuses with 0 in mapping order."""
    stored = {("" if value is None else str(value)): count for value, count in rows}
    found = dict(sorted(stored.items()))
    for value in collection.statuses.values if collection.statuses else ():
        found.setdefault(str(value), 0)
    return found
