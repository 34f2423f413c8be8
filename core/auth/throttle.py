"""In charge of slowing down who guesses: failures counted in this process, and one attempt at a time per account."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from core.errors import TooManyRequests

MOST_KEYS = 10_000
"""Keys remembered; beyond it the one longest without failure is forgotten, so a flood cannot fill the memory."""


class Throttle:
    """At most `limit` failures per key within `seconds`."""

    def __init__(self, limit: int, seconds: float) -> None:
        self.limit, self.seconds = limit, seconds
        self._failures: dict[str, deque[float]] = {}

    def check(self, key: str, now: float) -> None:
        """Raises TooManyRequests when the key has failed too often lately."""
        times = self._failures.get(key)
        if times is None:
            return
        while times and times[0] <= now - self.seconds:
            times.popleft()
        if not times:
            del self._failures[key]
        elif len(times) >= self.limit:
            raise TooManyRequests

    def fail(self, key: str, now: float) -> None:
        """Count a failure."""
        times = self._failures.pop(key, None)
        if times is None:
            times = deque(maxlen=self.limit)
            while len(self._failures) >= MOST_KEYS:
                del self._failures[next(iter(self._failures))]
        times.append(now)
        self._failures[key] = times  # put last: order of the dict is the order of the latest failure


class Quota:
    """So many times per key within so many seconds, in this process."""

    def __init__(self) -> None:
        self._times: dict[str, deque[float]] = {}

    def admit(self, key: str, limit: int, seconds: float) -> bool:
        """Whether it may happen once more; then it counts."""
        now = time.monotonic()
        times = self._times.pop(key, None) or deque()
        while times and times[0] <= now - seconds:
            times.popleft()
        admitted = len(times) < limit
        if admitted:
            times.append(now)
        while len(self._times) >= MOST_KEYS:
            del self._times[next(iter(self._times))]
        self._times[key] = times
        return admitted


class Turns:
    """One at a time per key, so that a burst of parallel guesses is counted one by one; few may wait."""

    def __init__(self, waiting: int = 8) -> None:
        self.waiting = waiting
        self._held: dict[str, tuple[asyncio.Lock, int]] = {}

    @asynccontextmanager
    async def take(self, key: str) -> AsyncIterator[None]:
        """Hold the turn of a key. Raises TooManyRequests when too many wait for it already."""
        lock, users = self._held.get(key, (None, 0))
        if users > self.waiting:
            raise TooManyRequests
        lock = lock or asyncio.Lock()
        self._held[key] = (lock, users + 1)
        try:
            async with lock:
                yield
        finally:
            _, users = self._held[key]
            if users == 1:
                del self._held[key]
            else:
                self._held[key] = (lock, users - 1)
