"""In charge of running a planned read: on which connection, in which state of the database, and what its rows become.

A read of one statement sees one state by itself. One of several sees it in a view (`core.db.view`), so that nobody is
shown half of a write: parents of before and children of after, a list of before and a count of after.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from core.counts import meta_of
from core.db.gateway import Connection
from core.db.run import Rows, assemble, fetch_rows
from core.db.view import in_view
from core.errors import ItemNotFound
from core.hooks.reads import seen
from core.query.lasting import lasting
from core.query.selection import ReadRequest, ReadResult
from core.query.virtual import Scene
from core.session import Session

if TYPE_CHECKING:
    from core.engine import Ready


async def run(
    session: Session, request: ReadRequest, ready: Ready, connection: Connection | None, most: int | None
) -> ReadResult | None:
    """The answer of a plan, on `connection` if given. None when there are more than `most` items. Raises ItemNotFound
    (with `id`) and what a database raises."""
    if connection is not None:
        return await _whole(session, request, ready, most, connection)
    planned, store = ready.planned, await session.project.store()
    if planned.single:
        async with store.read() as held:
            rows = await fetch_rows(held, planned.fetch.statement, ready.values, bound_of(session))
            if rows or planned.counts is None:  # else there is no row that tells the counts
                return await _made(session, request, ready, most, held, rows)
    return await in_view(store, partial(_whole, session, request, ready, most))


async def _whole(
    session: Session, request: ReadRequest, ready: Ready, most: int | None, connection: Connection
) -> ReadResult | None:
    rows = await fetch_rows(connection, ready.planned.fetch.statement, ready.values, bound_of(session))
    return await _made(session, request, ready, most, connection, rows)


async def _made(
    session: Session, request: ReadRequest, ready: Ready, most: int | None, connection: Connection, rows: Rows
) -> ReadResult | None:
    """The answer of the root's rows, with what is below them."""
    if most is not None and len(rows) > most:
        return None
    planned, bound = ready.planned, bound_of(session)
    items = await assemble(connection, planned.fetch, rows, ready.values, bound, scene_of(session))
    if request.id is not None and not items:
        raise ItemNotFound.with_id(request.id)
    meta = await meta_of(session, request, connection, ready, rows, len(items), bound) if request.meta else {}
    kept = session.stamp is not None and lasting(planned.reach, request)
    return ReadResult(items, meta, planned.warnings, planned.reach.collections, kept)


def bound_of(session: Session) -> dict[str, Any]:
    """The values of `Bound`s: who calls, and when."""
    return session.bound


def scene_of(session: Session) -> Scene:
    """What items show that no column holds depends on this."""
    base = session.context.base_url
    hooks = session.project.hooks
    return Scene(
        user=session.actor.user,
        project=session.project.key,
        base_url=base,
        mount=session.context.mount,
        root_url=session.project.root_url,
        snapshot=session.snapshot,
        seen=partial(seen, session) if hooks is not None and hooks.filters_reads else None,
    )
