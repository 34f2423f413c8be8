"""In charge of the outbox: what webhooks will be told is stored in the transaction of the change. It sends nothing.

What is sent, and when, is `core.events.deliver`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from core.catalog.model import Snapshot
from core.catalog.webhooks import TABLE as WEBHOOKS
from core.context import Context
from core.db.gateway import Connection
from core.events.collect import Event, Told
from core.sql.deliveries import put as putting
from core.sql.deliveries import withdraw as withdrawing
from core.types.structured import json_text
from core.write.change import Node
from core.write.load import chunks
from core.write.run import Run

# Characters of the column that holds keys as text.
ITEM = 255


def hooked(snapshot: Snapshot, collections: Iterable[str]) -> bool:
    """Whether a webhook is about one of these collections."""
    return bool(snapshot.webhooks) and not snapshot.webhooks.keys().isdisjoint(collections)


async def put(snapshot: Snapshot, context: Context, connection: Connection, told: Sequence[Told]) -> bool:
    """Store a delivery for each webhook of each event, in their order; whether there was one (spec 03 §13).

    No statement without a webhook that is told; one, however many there are. Raises DatabaseError.
    """
    if not snapshot.webhooks:
        return False
    now = _now(context)
    rows = [row for event in told if isinstance(event, Event) for row in _rows(snapshot, event, now)]
    if not rows:
        return False
    for text, arguments, _ in putting(connection.dialect).runs(rows):
        await connection.execute(text, arguments)
    return True


async def withdraw(context: Context, run: Run) -> None:
    """Give up what is still to be sent for webhooks that the change deletes or makes inactive. Raises DatabaseError."""
    ended = [run.keys[node.index] for node in run.nodes if node.collection.name == WEBHOOKS and _ends(run, node)]
    for chunk in chunks(ended, run.connection.dialect):
        text = withdrawing(run.connection.dialect, len(chunk))
        await run.connection.execute(text, (_now(context), *chunk))


def _ends(run: Run, node: Node) -> bool:
    if node.verb == "update":
        return bool(run.values[node.index].get("status", "active") != "active")
    return node.verb == "delete"


def _now(context: Context) -> int:
    return int(context.now.timestamp() * 1000)


def _rows(snapshot: Snapshot, event: Event, now: int) -> Iterable[tuple[Any, ...]]:
    wanted = [one for one in snapshot.webhooks.get(event.collection, ()) if one.action == event.action]
    if not wanted:
        return
    body = json_text(event.payload) or "{}" if any(one.method == "POST" for one in wanted) else None
    for one in wanted:
        text = body if one.method == "POST" else None
        item = str(event.key)[:ITEM]
        yield one.id, event.name, event.collection, item, one.method, one.url, text, now, now
