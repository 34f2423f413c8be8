"""In charge of lists that are too long to be held: one cursor, chunk by chunk, under the plan and the rights of `read`.

Which lists are long is found out by reading no more of them than one item too many. What is long is not begun before
somebody opens it, so nothing has to be given up when nobody does. The number of statements grows with the data here and
nowhere else: for each chunk one a level below the root.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AsyncExitStack, aclosing, asynccontextmanager, nullcontext
from dataclasses import dataclass, replace
from typing import Any

from core import engine
from core.counts import meta_of
from core.db.errors import DatabaseError, StalePlan, Unavailable
from core.db.run import assemble, fetch_rows
from core.engine import Ready
from core.enter import renewed
from core.query.selection import ReadRequest, ReadResult, Warning
from core.query.shape import Item
from core.reading import bound_of, scene_of
from core.session import Session
from core.sql.read import Fetch

LONG = 5_000
"""Items of the longest list that is read and answered as a whole."""
CHUNK, CHUNK_OF_MANY = 1_000, 200
"""Items of a chunk; fewer where each brings others along, of which all are held together."""


@dataclass(frozen=True, slots=True)
class LongList:
    """A list that has not been begun. `meta`: as a read answers it. `uneven`: an item may hide what others show."""

    session: Session
    request: ReadRequest
    meta: dict[str, Any]
    warnings: tuple[Warning, ...] = ()
    tags: tuple[str, ...] = ()
    uneven: bool = False

    async def count(self) -> int:
        """How many items there are, from a count of what matches. Raises what `engine.read` does."""
        return await _count(self.session, self.request)

    @asynccontextmanager
    async def open(self) -> AsyncIterator[AsyncIterator[list[Item]]]:
        """The items in chunks, none of them empty. The first one is there when this returns: what can be refused is
        refused before. Raises what `engine.read` does, and while chunks are taken what a database raises."""
        async with AsyncExitStack() as stack:
            yield await _begun(stack, self.session, self.request)


async def read(session: Session, request: ReadRequest) -> ReadResult | LongList:
    """As `engine.read` for all but long lists. Raises the same."""
    found = await engine.read_within(session, request, LONG)
    return found if found is not None else await longer(session, request)


async def longer(session: Session, request: ReadRequest) -> LongList:
    """The list as a long one, however long it is. Raises what `engine.read` does."""
    ready = engine.prepare(session, request)
    meta: dict[str, Any] = {}
    if request.meta:
        results = 0 if request.meta.isdisjoint(("result_count", "page")) else await _count(session, request)
        store = await session.project.store()
        async with store.read() as held:
            meta = await meta_of(session, request, held, ready, (), results, bound_of(session))
    planned = ready.planned
    return LongList(
        session, replace(request, meta=frozenset()), meta, planned.warnings, planned.reach.collections, planned.uneven
    )


async def _count(session: Session, request: ReadRequest) -> int:
    if request.groups:  # one of each group: only the list itself knows how many
        total = 0
        async with aclosing(_rows(session, engine.prepare(session, request), CHUNK)) as chunks:
            async for rows, _ in chunks:
                total += len(rows)
        return total
    ready = engine.prepare(session, replace(request, meta=frozenset(("filter_count",))))
    counts = ready.planned.counts
    assert counts is not None
    store = await session.project.store()
    async with store.read() as held:
        matching: int = (await fetch_rows(held, counts, ready.values, bound_of(session)))[0][0]
    cut = ready.cut
    left = max(0, matching - cut.offset)
    return left if cut.limit is None else min(cut.limit, left)


async def _begun(stack: AsyncExitStack, session: Session, request: ReadRequest) -> AsyncIterator[list[Item]]:
    """The chunks, the first one fetched; begun anew when the schema has changed under the first statement."""
    for attempt in (0, 1):
        feed = await stack.enter_async_context(aclosing(_chunks(session, engine.prepare(session, request))))
        try:
            first = await anext(feed, None)
        except StalePlan:  # of this one connection; its next plan is of the present
            if attempt:
                raise
        except Unavailable:
            raise
        except DatabaseError:
            present = None if attempt else await renewed(session)
            if present is None:
                raise
            session = present
        else:
            return _joined(first, feed)
    raise AssertionError("unreachable")


async def _joined(first: list[Item] | None, rest: AsyncIterator[list[Item]]) -> AsyncIterator[list[Item]]:
    if first is not None:
        yield first
        async for chunk in rest:
            yield chunk


async def _chunks(session: Session, ready: Ready) -> AsyncGenerator[list[Item], None]:
    fetch, scene, bound = ready.planned.fetch, scene_of(session), bound_of(session)
    size = CHUNK_OF_MANY if _brings_many(fetch) else CHUNK
    async with aclosing(_rows(session, ready, size)) as chunks:
        async for rows, view in chunks:
            store = await session.project.store()
            async with nullcontext(view) if view.interleaves or not fetch.branches else store.read() as held:
                items = await assemble(held, fetch, rows, ready.values, bound, scene)
            yield items


def _brings_many(fetch: Fetch) -> bool:
    return any(branch.many or _brings_many(branch.fetch) for branch in fetch.branches)


async def _rows(session: Session, ready: Ready, size: int) -> AsyncGenerator[Any, None]:
    """Rows of the root in chunks, each with the connection that they come from."""
    text, arguments = ready.planned.fetch.statement.bind(ready.values, bound_of(session))
    store = await session.project.store()
    async with (
        store.view() as view,
        aclosing(view.stream(text, arguments, size=size, shared=True)) as stream,
    ):
        async for rows in stream:
            yield rows, view
