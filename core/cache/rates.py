"""In charge of how often somebody may ask within a while: counters in the memory of the process, or on a Redis server.

A window begins with the first request of it and ends as long after it as the configuration says (spec 04 §10). It knows
neither who asks nor what for; whoever counts names it by a key.
"""

from __future__ import annotations

import asyncio
import hmac
import math
import time
from collections import OrderedDict
from contextlib import suppress
from typing import Any

import structlog

from core.context import Allowance
from core.errors import TooManyRequests
from core.events.addresses import network
from core.settings import ProjectConfig

MOST_KEYS = 100_000
"""Counters in memory; beyond it the one that would end first is forgotten, so a flood cannot fill the memory."""
PAUSE = 5.0
"""Seconds in which a Redis that did not answer is not asked again."""
LONGEST = 1.0
"""Seconds that a request waits for Redis, whatever is configured."""
COUNT = """
local count = redis.call('INCR', KEYS[1])
if count == 1 then redis.call('PEXPIRE', KEYS[1], ARGV[1]) end
return {count, redis.call('PTTL', KEYS[1])}
"""


class InMemory:
    """Counters of one process, in the order in which their windows end."""

    def __init__(self, interval: float) -> None:
        self._interval = interval
        self._windows: OrderedDict[str, tuple[int, float]] = OrderedDict()

    async def hit(self, key: str) -> tuple[int, float]:
        """How many requests the window has with this one, and the seconds until it ends."""
        now = time.monotonic()
        while self._windows and next(iter(self._windows.values()))[1] <= now:
            self._windows.popitem(last=False)
        count, ends = self._windows.get(key, (0, now + self._interval))
        if count == 0 and len(self._windows) >= MOST_KEYS:
            self._windows.popitem(last=False)
        self._windows[key] = (count + 1, ends)
        return count + 1, ends - now

    async def close(self) -> None:
        """Nothing was opened."""


class OnRedis:
    """Counters of all processes. While the server does not answer, each process counts for itself."""

    def __init__(self, host: str, port: int, prefix: str, interval: float, within: float) -> None:
        # Half a second to import: only where it is configured.
        import redis.asyncio

        self._client: Any = redis.asyncio.Redis(host=host, port=port, socket_connect_timeout=within)
        self._prefix, self._interval, self._within = prefix, interval, within
        self._own = InMemory(interval)
        self._again = float("-inf")

    async def hit(self, key: str) -> tuple[int, float]:
        """How many requests the window has with this one, and the seconds until it ends."""
        if time.monotonic() >= self._again:
            try:
                async with asyncio.timeout(self._within):
                    count, left = await self._client.eval(COUNT, 1, self._prefix + key, int(self._interval * 1000))
                return count, max(0, left) / 1000
            except Exception as error:
                structlog.get_logger().warning("the counters of requests do not answer", error=type(error).__name__)
                self._again = time.monotonic() + PAUSE
        return await self._own.hit(key)

    async def close(self) -> None:
        """Let go of connections."""
        with suppress(Exception):
            await self._client.aclose()


class Rates:
    """The two limits of one project: by address, and by user."""

    def __init__(self, limit: int, counters: InMemory | OnRedis) -> None:
        self._limit = limit
        self._counters = counters

    async def of_address(self, address: str) -> Allowance:
        """Count a request from an address. Raises TooManyRequests."""
        return await self._hit(f"address:{network(address)}")

    async def of_user(self, user: int) -> Allowance:
        """Count a request of a user who is signed in. Raises TooManyRequests."""
        return await self._hit(f"user:{user}")

    async def _hit(self, key: str) -> Allowance:
        count, left = await self._counters.hit(key)
        remaining, exceeded = max(0, self._limit - count), count > self._limit
        found = Allowance(self._limit, remaining, math.ceil(time.time() + left), max(1, math.ceil(left)), exceeded)
        if exceeded:
            raise TooManyRequests(effects=(found,))
        return found

    async def close(self) -> None:
        """Let go of connections."""
        await self._counters.close()


def rates(config: ProjectConfig) -> Rates | None:
    """What a project is configured with; None while nothing is limited."""
    if not config.get("rate_limit.enabled"):
        return None
    limit, interval = max(1, config.get("rate_limit.limit")), max(1, config.get("rate_limit.interval"))
    if str(config.get("rate_limit.adapter")).lower() != "redis":
        return Rates(limit, InMemory(interval))
    mark = hmac.new(config.secret_key.encode(), f"rates {config.public_key}".encode(), "sha256").hexdigest()
    host, port = str(config.get("rate_limit.host")), config.get("rate_limit.port")
    within = min(LONGEST, max(0.05, config.get("rate_limit.timeout")))
    return Rates(limit, OnRedis(host, port, f"tabularium:rates:{mark[:32]}:", interval, within))
