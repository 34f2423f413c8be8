"""In charge of actions that wait for their turn after a commit: in order, one at a time, in bounded number.

Nothing here is stored: what waits when a process is killed is lost. Who needs certainty uses a webhook.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress

import structlog

Work = Callable[[], Awaitable[None]]

PATIENCE = 5.0
"""Seconds that a writer waits for room in a full queue."""
DRAIN_WITHIN = 10.0


class ActionQueue:
    """The actions of one project that are still to run. `size`: how many may wait before writers wait for room."""

    def __init__(self, project: str, size: int) -> None:
        self._project = project
        self._size = max(1, size)
        self._waiting: deque[Work] = deque()
        self._worker: asyncio.Task[None] | None = None
        self._room = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self._closed = False

    async def put(self, works: Sequence[Work], *, patient: bool = True) -> None:
        """Add the actions of one happening. A full queue is waited for, then they are dropped, which is logged.

        `patient` False: no waiting, for what actions themselves have caused.
        """
        if not works:
            return
        if patient and len(self._waiting) >= self._size and not self._closed:
            with suppress(TimeoutError):
                async with asyncio.timeout(PATIENCE):
                    while len(self._waiting) >= self._size:
                        self._room.clear()
                        await self._room.wait()
        if len(self._waiting) >= self._size or self._closed:
            structlog.get_logger().error("actions dropped: too many wait", project=self._project, count=len(works))
            return
        self._waiting.extend(works)
        self._idle.clear()
        if self._worker is None or self._worker.done():
            self._worker = asyncio.get_running_loop().create_task(self._run(), name=f"{self._project}: actions")

    async def _run(self) -> None:
        try:
            while self._waiting:
                work = self._waiting.popleft()
                self._room.set()
                await work()
        finally:
            if not self._waiting:
                self._idle.set()

    async def settled(self) -> None:
        """Wait until nothing waits and nothing runs."""
        await self._idle.wait()

    async def close(self, within: float = DRAIN_WITHIN) -> None:
        """Let what waits run, at most `within` seconds; the rest is dropped, which is logged."""
        with suppress(TimeoutError):
            async with asyncio.timeout(within):
                await self._idle.wait()
        self._closed = True
        left = len(self._waiting)
        self._waiting.clear()
        if self._worker is not None and not self._worker.done():
            left += 1
            self._worker.cancel()
            await asyncio.gather(self._worker, return_exceptions=True)
        if left:
            structlog.get_logger().error("actions dropped: the server ends", project=self._project, count=left)
