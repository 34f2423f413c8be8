"""In charge of telling the other processes of a project at once that its change log has moved, and what happened.

No request depends on it: every one compares the head of the log anyway. With a broker the others begin to read what is
new before anybody asks them, and their subscribers hear of items that were written here. What is heard is a hint only;
the database says what is true. What is said while the broker is away is lost.
"""

from __future__ import annotations

import asyncio
import hmac
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any
from urllib.parse import quote
from uuid import uuid4

import structlog

if TYPE_CHECKING:
    from core.settings import ProjectConfig

Hear = Callable[[int], Awaitable[None]]
"""Told the head that another process has seen. What it raises is logged and forgotten."""

HearNotes = Callable[[bytes], None]
"""Told what happened to items in another process, in the form of `core.events.notes`."""

FIRST_PAUSE, LONGEST_PAUSE = 0.5, 30.0
SEND_WITHIN = 2.0
"""Seconds that a message may take to send; then it is dropped."""
MOST_UNSENT = 1000
"""Messages about items that wait to be sent; while there are as many, further ones are dropped."""


class Broker(ABC):
    """The way of one project's processes to tell each other the head of the change log."""

    @abstractmethod
    def announce(self, head: int) -> None:
        """Tell the others, soon. Never fails and never waits."""

    @abstractmethod
    def tell(self, notes: bytes) -> None:
        """Tell the others what happened to items, soon and in the order of telling. Never fails and never waits."""

    @abstractmethod
    async def close(self) -> None:
        """Stop listening; nothing is told any more."""


class Silent(Broker):
    """For a single process, and for several that find out with their next requests."""

    def announce(self, head: int) -> None:
        """There is nobody to tell."""

    def tell(self, notes: bytes) -> None:
        """There is nobody to tell."""

    async def close(self) -> None:
        """Nothing was opened."""


class Exchange:
    """What brokers of one process meet on: several servers in one process, as tests have them."""

    def __init__(self) -> None:
        self._members: dict[str, list[InProcess]] = {}

    def join(self, channel: str, hear: Hear, hear_notes: HearNotes | None = None) -> InProcess:
        """A broker that tells the others of the same channel, and hears them."""
        member = InProcess(self._members.setdefault(channel, []), hear, hear_notes)
        self._members[channel].append(member)
        return member


class InProcess(Broker):
    """Tells the other members of an Exchange."""

    def __init__(self, members: list[InProcess], hear: Hear, hear_notes: HearNotes | None = None) -> None:
        self._members = members
        self._hear = hear
        self._hear_notes = hear_notes
        self._tasks: set[asyncio.Task[None]] = set()

    def announce(self, head: int) -> None:
        for member in self._members:
            if member is not self:
                member._tell(head)

    def tell(self, notes: bytes) -> None:
        for member in self._members:
            if member is not self and member._hear_notes is not None:
                member._hear_notes(notes)

    def _tell(self, head: int) -> None:
        task = asyncio.get_running_loop().create_task(_heard(self._hear, head))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        if self in self._members:
            self._members.remove(self)
        await _cancelled(self._tasks)


class OverRedis(Broker):
    """Tells and hears through a channel of a Redis server; one that cannot be reached is tried again for ever."""

    def __init__(self, url: str, channel: str, hear: Hear, hear_notes: HearNotes | None = None) -> None:
        # Half a second to import: only where it is configured.
        import redis.asyncio

        self._name = f"tabularium-{uuid4().hex}"
        self._client: Any = redis.asyncio.from_url(  # type: ignore[no-untyped-call, unused-ignore]
            url, client_name=self._name, socket_connect_timeout=SEND_WITHIN, health_check_interval=30
        )
        self._channel = channel
        self._hear = hear
        self._hear_notes = hear_notes
        self._tasks: set[asyncio.Task[None]] = set()
        self._unsent: deque[bytes] = deque()
        self._sending = False
        self._down = False
        self._run(self._listen())

    def announce(self, head: int) -> None:
        self._run(self._send(head))

    def tell(self, notes: bytes) -> None:
        if len(self._unsent) >= MOST_UNSENT:
            self._report(OverflowError())
            return
        self._unsent.append(f"{self._name} ".encode() + notes)
        if not self._sending:
            self._sending = True
            self._run(self._send_notes())

    async def _send_notes(self) -> None:
        try:
            while self._unsent:
                async with asyncio.timeout(SEND_WITHIN):
                    await self._client.publish(_of_notes(self._channel), self._unsent.popleft())
        except Exception as error:
            self._unsent.clear()
            self._report(error)
        finally:
            self._sending = False

    def _run(self, work: Any) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _send(self, head: int) -> None:
        try:
            async with asyncio.timeout(SEND_WITHIN):
                await self._client.publish(self._channel, f"{head} {self._name}")
        except Exception as error:
            self._report(error)

    async def _listen(self) -> None:
        pause = FIRST_PAUSE
        while True:
            try:
                async with self._client.pubsub() as channel:
                    await channel.subscribe(self._channel, _of_notes(self._channel))
                    # What was said before is lost: look now. 0 is no head, so it is never taken for a known one.
                    await _heard(self._hear, 0)
                    self._down, pause = False, FIRST_PAUSE
                    async for message in channel.listen():
                        await self._take(message)
            except Exception as error:
                self._report(error)
            await asyncio.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE)

    async def _take(self, message: Any) -> None:
        data = message.get("data")
        if message.get("type") != "message" or not isinstance(data, bytes):
            return
        if message.get("channel") == _of_notes(self._channel).encode():
            name_of, _, notes = data.partition(b" ")
            if self._hear_notes is not None and name_of != self._name.encode():
                self._hear_notes(notes)
            return
        head, _, name = data.decode(errors="replace").partition(" ")
        if name != self._name and head.isascii() and head.isdecimal():
            await _heard(self._hear, int(head))

    def _report(self, error: Exception) -> None:
        # Once for each time it goes down; the error's text may hold the address with its password.
        if not self._down:
            structlog.get_logger().warning("the events broker does not answer", error=type(error).__name__)
        self._down = True

    async def close(self) -> None:
        await _cancelled(self._tasks)
        with suppress(Exception):
            await self._client.aclose()


def _of_notes(channel: str) -> str:
    """The channel beside the one of heads on which items are told of."""
    return f"{channel}:items"


async def _heard(hear: Hear, head: int) -> None:
    try:
        await hear(head)
    except Exception as error:
        structlog.get_logger().warning("a change that was announced was not read", error=type(error).__name__)


async def _cancelled(tasks: set[asyncio.Task[None]]) -> None:
    running = list(tasks)
    for task in running:
        task.cancel()
    await asyncio.gather(*running, return_exceptions=True)


def broker(config: ProjectConfig, hear: Hear, hear_notes: HearNotes | None = None) -> Broker:
    """The broker that a project is configured with (`events.url`, or the Redis of its cache)."""
    url = redis_url(config)
    return Silent() if url is None else OverRedis(url, channel_of(config), hear, hear_notes)


def redis_url(config: ProjectConfig, *, own: bool = False) -> str | None:
    """The Redis server of a project; None where none is configured. `own`: the cache's, not the one for events."""
    url: str | None = config.get("events.url")
    if url and not own:
        return url
    if not config.get("cache.enabled") or config.get("cache.pool.adapter") != "redis":
        return None
    given: str | None = config.get("cache.pool.url")
    if given:
        return given
    secret = config.get("cache.pool.auth")
    login = f":{quote(str(secret), safe='')}@" if secret else ""
    host = str(config.get("cache.pool.host"))
    return f"redis://{login}{f'[{host}]' if ':' in host else host}:{config.get('cache.pool.port')}"


def channel_of(config: ProjectConfig) -> str:
    """A name that only servers of the project know: they share its secret, whatever they call its database."""
    mark = hmac.new(config.secret_key.encode(), f"changes {config.public_key}".encode(), "sha256").hexdigest()
    return f"tabularium:changes:{mark[:32]}"
