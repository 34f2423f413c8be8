"""In charge of where kept answers lie: in the memory of the process, or on a Redis server. It knows no rights.

What is stored says itself what it depends on; whether that still holds is asked by who takes it out. A store may lose
anything at any time.
"""

from __future__ import annotations

import asyncio
import time
from abc import ABC, abstractmethod
from collections import OrderedDict
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import orjson
import structlog

WITHIN = 0.25
"""Seconds in which Redis must answer; a request does not wait longer for what it can read itself."""
PAUSE = 5.0
"""Seconds in which a Redis that did not answer is not asked again."""
SHARE = 8
"""One body may take this part of the memory at most."""


@dataclass(frozen=True, slots=True)
class Kept:
    """A body, the versions it was read at (name of a row, version), and the moment (epoch) when it goes anyway."""

    body: bytes
    versions: tuple[tuple[str, int], ...]
    until: float


class Answers(ABC):
    """Kept answers by key."""

    shared = False
    """Other processes, and this one after a new start, find what is kept."""

    def peek(self, key: bytes) -> Kept | None:
        """What lies under a key in this process, found without waiting."""
        return None

    async def get(self, key: bytes) -> Kept | None:
        """What is kept under a key elsewhere; None as well when it cannot be found out."""
        return None

    @abstractmethod
    async def put(self, key: bytes, kept: Kept) -> None:
        """Keep something, unless it is too large. Never fails."""

    @abstractmethod
    def clear(self) -> None:
        """Forget what lies in memory."""

    @abstractmethod
    async def close(self) -> None:
        """Let go of connections."""


class InMemory(Answers):
    """Bounded by bytes; what was used longest ago goes first."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._entries: OrderedDict[bytes, Kept] = OrderedDict()
        self.bytes = 0

    def peek(self, key: bytes) -> Kept | None:
        found = self._entries.get(key)
        if found is not None:
            self._entries.move_to_end(key)
        return found

    async def put(self, key: bytes, kept: Kept) -> None:
        gone = self._entries.pop(key, None)
        if gone is not None:
            self.bytes -= _size(gone)
        if _size(kept) > self._most // SHARE:
            return
        self._entries[key] = kept
        self.bytes += _size(kept)
        while self.bytes > self._most:
            self.bytes -= _size(self._entries.popitem(last=False)[1])

    def clear(self) -> None:
        self._entries.clear()
        self.bytes = 0

    async def close(self) -> None:
        self.clear()


def _size(kept: Kept) -> int:
    """Bytes of an entry, with what surrounds a body."""
    return len(kept.body) + 500 + 100 * len(kept.versions)


class OnRedis(Answers):
    """On a Redis server, below a prefix of the project's own; Redis forgets by the time that entries live."""

    shared = True

    def __init__(self, url: str, prefix: str, most: int) -> None:
        # Half a second to import: only where it is configured.
        import redis.asyncio

        self._client: Any = redis.asyncio.from_url(  # type: ignore[no-untyped-call, unused-ignore]
            url, socket_connect_timeout=WITHIN
        )
        self._prefix = prefix.encode()
        self._most = most
        self._again = 0.0

    async def get(self, key: bytes) -> Kept | None:
        found = await self._ask(lambda: self._client.get(self._prefix + key))
        if not isinstance(found, bytes):
            return None
        with suppress(ValueError, TypeError, AttributeError):
            head, _, body = found.partition(b"\n")
            said = orjson.loads(head)
            return Kept(body, tuple((str(name), int(version)) for name, version in said["versions"]), said["until"])
        return None

    async def put(self, key: bytes, kept: Kept) -> None:
        seconds = int(kept.until - time.time())
        if seconds < 1 or len(kept.body) > self._most // SHARE:
            return
        head = orjson.dumps({"versions": kept.versions, "until": kept.until})
        await self._ask(lambda: self._client.set(self._prefix + key, head + b"\n" + kept.body, ex=seconds))

    async def _ask(self, ask: Any) -> Any:
        if time.monotonic() < self._again:
            return None
        try:
            async with asyncio.timeout(WITHIN):
                return await ask()
        except Exception as error:
            # The error's text may hold the address with its password.
            structlog.get_logger().warning("the cache does not answer", error=type(error).__name__)
            self._again = time.monotonic() + PAUSE
            return None

    def clear(self) -> None:
        """What is there is not found any more: the keys have changed."""

    async def close(self) -> None:
        with suppress(Exception):
            await self._client.aclose()
