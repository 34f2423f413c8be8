"""In charge of reads of several statements that must see one state of the database. Runs no SQL of its own."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

from core.db.errors import Retryable
from core.db.gateway import Connection, Store

T = TypeVar("T")

REPEATS = 3


async def in_view(store: Store, work: Callable[[Connection], Awaitable[T]]) -> T:
    """Run `work` on a connection whose statements see one state; anew, up to three times, when the database ends that.

    Nobody's writes do: what ends it is a change of the schema, which none of the databases keeps an old state of.
    Raises Retryable after the last time, and what `work` raises.
    """
    for left in reversed(range(REPEATS + 1)):
        try:
            async with store.read(still=True) as connection:
                return await work(connection)
        except Retryable:
            if not left:
                raise
    raise AssertionError("unreachable")
