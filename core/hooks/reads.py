"""In charge of filters on items that are read: what they are shown, and that they answer item for item.

They see what the caller would see, related items at every depth included, and may change it; they cannot take items
out, because lists, counts and relations are settled by then.
"""

from __future__ import annotations

from copy import deepcopy
from typing import TYPE_CHECKING, Any

import structlog

from core.errors import HookFailed
from core.hooks.live import DEEPEST, Happening, LiveHooks
from core.hooks.names import BEFORE, WITHIN
from core.hooks.payload import Payload
from core.query.virtual import Shown

if TYPE_CHECKING:
    from core.session import Session

EVENT = "item.read"


async def seen(session: Session, shown: Shown, items: list[dict[str, Any]]) -> None:
    """Put what filters make of items in their place. Raises what a filter raises, and HookFailed."""
    hooks = session.project.hooks
    if hooks is None:
        return
    columns, rows = hooks.wanted(EVENT, shown.collection, BEFORE), hooks.wanted(EVENT, shown.collection, WITHIN)
    if not columns and not rows:
        return
    if session.context.depth >= DEEPEST:
        structlog.get_logger().error("filters of items that are read read each other's items", hook=EVENT)
        raise HookFailed
    for key in shown.rows:
        held = [item for item in items if item[key] is not None]
        found = [item[key] for item in held]
        for item, row in zip(held, await _filtered(hooks, session, shown, found, columns, rows), strict=True):
            item[key] = dict(row)
    if shown.fields:
        found = [{field: item[key] for key, field in shown.fields} for item in items]
        for item, row in zip(items, await _filtered(hooks, session, shown, found, columns, rows), strict=True):
            item.update({key: row.get(field) for key, field in shown.fields})


async def _filtered(
    hooks: LiveHooks, session: Session, shown: Shown, found: list[dict[str, Any]], columns: bool, rows: bool
) -> list[Any]:
    if columns and found:
        names = list(dict.fromkeys(name for row in found for name in row))
        asked = Happening(EVENT, shown.collection, Payload({"columns": names}, shown.collection))
        kept = (await hooks.filter(session, asked, BEFORE)).get("columns")
        if not isinstance(kept, list | tuple | set):
            raise HookFailed
        found = [{name: value for name, value in row.items() if name in kept} for row in found]
    if rows and found:
        given = Happening(EVENT, shown.collection, deepcopy(found))
        answer = await hooks.filter(session, given, WITHIN)
        if len(answer) != len(found):
            structlog.get_logger().error("a filter has not returned every item it was given", hook=EVENT)
            raise HookFailed
        return list(answer)
    return found
