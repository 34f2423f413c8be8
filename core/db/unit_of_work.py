"""In charge of what belongs to one transaction: its connection, and what happens only after its commit. Runs no SQL.

Events, webhooks and cache purges are collected while the transaction runs and published after COMMIT was answered;
a rollback forgets them.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TypeVar

from core.db.errors import Retryable
from core.db.gateway import Connection, Store
from core.db.gateway.connection import finish

T = TypeVar("T")
Action = Callable[[], Awaitable[None]]
OnFailure = Callable[[Exception], None]


class UnitOfWork:
    """One transaction's connection and the actions that wait for its commit."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self._actions: list[Action] = []
        self.written: set[str] = set()
        """Collections whose items were written; some may have been undone again."""

    def after_commit(self, action: Action) -> None:
        """Run `action` once the transaction is stored, in the order of asking; never if it is rolled back."""
        self._actions.append(action)

    @asynccontextmanager
    async def savepoint(self) -> AsyncIterator[None]:
        """A part that is undone alone when the block raises, and with it the actions asked for in the block."""
        before = len(self._actions)
        try:
            async with self.connection.savepoint():
                yield
        except BaseException:
            del self._actions[before:]
            raise

    async def _publish(self, on_failure: OnFailure) -> None:
        for action in self._actions:
            try:
                await action()
            except Exception as error:
                # The transaction is stored: one listener's fault is no reason to keep it from the others.
                on_failure(error)


@asynccontextmanager
async def unit_of_work(store: Store, on_failure: OnFailure | None = None) -> AsyncIterator[UnitOfWork]:
    """One transaction as `store.write()`, then the actions that were asked for.

    An action that raises is reported to `on_failure` (by default to the event loop's exception handler) and changes
    nothing. A cancellation that comes once COMMIT was sent is raised after the actions have run.
    """
    unit: UnitOfWork | None = None
    try:
        async with store.write() as connection:
            unit = UnitOfWork(connection)
            yield unit
    finally:
        if unit is not None and unit.connection.committed:
            await finish(unit._publish(on_failure or _report))


async def in_transaction(
    store: Store,
    work: Callable[[UnitOfWork], Awaitable[T]],
    *,
    attempts: int = 3,
    on_failure: OnFailure | None = None,
) -> T:
    """Run `work` in one transaction, again from its beginning when it lost to another one.

    `work` must be free of effects outside the database; what it asks for after the commit is that of the last try
    only. Raises Retryable when all attempts lost.
    """
    for attempt in range(1, attempts + 1):
        try:
            async with unit_of_work(store, on_failure) as unit:
                return await work(unit)
        except Retryable:
            if attempt == attempts:
                raise
            # Both sides of a deadlock come back at once; the later one lets the other pass.
            await asyncio.sleep(0.005 * attempt)
    raise AssertionError("attempts must be positive")


def _report(error: Exception) -> None:
    asyncio.get_running_loop().call_exception_handler({"message": "An action after commit failed", "exception": error})
