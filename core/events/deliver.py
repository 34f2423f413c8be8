"""In charge of sending what is due: one courier per project and process, from outbox to receiver (spec 03 §13).

A delivery is sent at least once, and by one courier at a time: a claim is a lease, which ends by itself when its holder
dies. Nothing is kept here that the database does not know.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import structlog

from core.db.errors import DatabaseError
from core.db.gateway import Store
from core.events import deliveries
from core.events.addresses import Allowed
from core.events.deliveries import Claim, Outcome
from core.events.signing import headers, secret_of
from core.settings import ProjectConfig

if TYPE_CHECKING:
    from core.events.fetch import Limits

SLOTS = 16
"""Requests of one project under way at once, in one process."""
SHARE = 4
"""Requests to one webhook after which it has to wait for others: a slow receiver shall not hold up the rest."""
POLL = 20.0
"""Seconds after which the outbox is looked at without being told: other processes write to it as well."""
AFTER_FAULT = 5.0
LEASE = 30.0
"""Seconds that a claim lasts beyond the time that its request may take."""
FIRST_PAUSE, LONGEST_PAUSE = 10.0, 6 * 3600.0
GRACE = 3.0
"""Seconds that requests under way may take when the server stops."""
CLEAN_EVERY = 3600.0
FORGOTTEN = 1000
"""Rows of the log deleted at once: others want to write as well."""
RESPONSE = 4000
"""Bytes of an answer that are read."""
DAY = 86400.0


class Sent(Protocol):
    """What a receiver has answered."""

    @property
    def status(self) -> int: ...

    @property
    def content(self) -> bytes: ...


class Fetching(Protocol):
    """What sends: `core.events.fetch.Fetcher`, and what stands for it in tests. Raises FetchFailed."""

    async def fetch(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str],
        content: bytes | None,
        limits: Limits,
        beginning: bool,
    ) -> Sent: ...

    async def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Terms:
    """What the configuration says of deliveries: most attempts, seconds a request may take, days in the log."""

    attempts: int
    timeout: float
    days: int
    allowed: Allowed

    @classmethod
    def of(cls, config: ProjectConfig) -> Terms:
        """Terms within sane bounds, whatever the configuration says."""
        return cls(
            attempts=min(max(config.get("webhooks.attempts", 8), 1), 50),
            timeout=float(min(max(config.get("webhooks.timeout", 10), 1), 120)),
            days=max(config.get("webhooks.log_days", 30), 0),
            allowed=Allowed.of(config.get("webhooks.allow_hosts", ())),
        )


class Courier:
    """Sends a project's deliveries while it runs. It belongs to the event loop that started it."""

    def __init__(
        self,
        config: ProjectConfig,
        *,
        clock: Callable[[], float] = time.time,
        chance: Callable[[], float] = random.random,
        fetcher: Fetching | None = None,
    ) -> None:
        self.terms = Terms.of(config)
        self._config = config
        self._clock = clock
        self._chance = chance
        self._fetcher = fetcher
        self._store: Store | None = None
        self._awake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._sending: dict[asyncio.Task[None], Claim] = {}
        self._held_back = False
        self._count = 0
        """Requests that have ended."""
        self._clean_at = float("-inf")

    def start(self, store: Store) -> None:
        """Begin to send what is due in a database."""
        self._store = store
        self._task = asyncio.get_running_loop().create_task(self._run(), name=f"{self._config.key}: deliveries")

    def wake(self) -> None:
        """There is something to send."""
        self._awake.set()

    async def stop(self) -> None:
        """Send nothing more. What is under way gets a moment to end; what does not is given back."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        if self._sending:
            await asyncio.wait(self._sending, timeout=GRACE)
        left = {task: one for task, one in self._sending.items() if not task.done()}
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)
        for token in {one.token for one in left.values()}:
            await self._guarded(deliveries.release(self._opened, token, now=self._clock()))
        if self._fetcher is not None:
            await self._fetcher.close()

    @property
    def _opened(self) -> Store:
        assert self._store is not None
        return self._store

    async def _run(self) -> None:
        while True:
            self._awake.clear()
            pause = AFTER_FAULT
            try:
                pause = await self.round()
            except DatabaseError as error:
                self._log("deliveries not looked at", error)
            except Exception as error:
                # A fault of ours must not end all sending.
                self._log("deliveries not sent", error)
            try:
                async with asyncio.timeout(pause):
                    await self._awake.wait()
            except TimeoutError:
                continue

    async def round(self) -> float:
        """Begin to send all that is due and finds a slot; seconds until it should be looked at again.

        Raises DatabaseError.
        """
        await self._clean()
        self._held_back = False
        while True:
            ended = self._count
            due, now = await deliveries.next_due(self._opened), self._clock()
            if due is None or due > now:
                return POLL if due is None else min(POLL, due - now)
            if not await self._claim(now):
                break
        # What is due waits for a slot, its own webhook's or any; or it is just being claimed by somebody else.
        self._held_back = True
        return POLL if ended == self._count else 0.0

    async def _claim(self, now: float) -> int:
        """Claim some of what is due and begin to send it; how many."""
        free = SLOTS - len(self._sending)
        if free <= 0:
            return 0
        busy = [webhook for webhook, count in self._under_way().items() if count >= SHARE]
        until = now + self.terms.timeout + LEASE
        claimed = await deliveries.claim(self._opened, now=now, until=until, most=min(free, SHARE), busy=busy)
        if claimed and self._fetcher is None:
            # Modules and certificates take a while to load: requests shall not wait for it.
            self._fetcher = await asyncio.to_thread(_fetcher, self.terms.allowed)
        for one in claimed:
            self._begin(one)
        return len(claimed)

    async def settled(self) -> None:
        """Wait until nothing is under way."""
        while self._sending:
            await asyncio.wait(list(self._sending))

    def _under_way(self) -> Mapping[int, int]:
        return Counter(one.webhook for one in self._sending.values())

    def _begin(self, one: Claim) -> None:
        task = asyncio.get_running_loop().create_task(self._deliver(one), name=f"delivery {one.id}")
        self._sending[task] = one
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._sending.pop(task, None)
        self._count += 1
        if not task.cancelled() and (error := task.exception()) is not None:
            self._log("delivery not noted", error)
        if self._held_back:
            self.wake()

    async def _deliver(self, one: Claim) -> None:
        outcome = await self._tried(one)
        log = structlog.get_logger().bind(project=self._config.key, delivery=one.id, webhook=one.webhook)
        if not await deliveries.note(self._opened, one, outcome):
            log.info("delivery was withdrawn or taken over")
        elif not outcome.delivered and outcome.again is None:
            log.warning("delivery given up", error=outcome.error)

    async def _tried(self, one: Claim) -> Outcome:
        """Send one delivery once."""
        now = self._clock()
        if one.attempt > self.terms.attempts:
            # The last attempts ended with the process that made them.
            return Outcome(delivered=False, at=now, error="Interrupted")
        from core.events.fetch import FetchFailed, Limits

        assert self._fetcher is not None
        body = None if one.body is None else one.body.encode()
        signed = headers(
            secret_of(self._config, one.webhook),
            delivery=one.id,
            event=one.event,
            collection=one.collection,
            attempt=one.attempt,
            timestamp=int(now),
            body=body,
        )
        limits = Limits(connect=min(5.0, self.terms.timeout), total=self.terms.timeout, most_bytes=RESPONSE)
        began = time.monotonic()
        try:
            answer = await self._fetcher.fetch(
                one.method, one.url, headers=signed, content=body, limits=limits, beginning=True
            )
        except FetchFailed as error:
            took = int((time.monotonic() - began) * 1000)
            again = None if error.lasting else self._again(one.attempt)
            return Outcome(delivered=False, at=self._clock(), again=again, duration=took, error=error.kind)
        delivered = 200 <= answer.status < 300
        return Outcome(
            delivered=delivered,
            at=self._clock(),
            again=None if delivered else self._again(one.attempt),
            status=answer.status,
            duration=int((time.monotonic() - began) * 1000),
            error=None if delivered else "Status",
            response=answer.content.decode(errors="replace").replace("\x00", "\ufffd"),
        )

    def _again(self, attempt: int) -> float | None:
        """When to try again after so many attempts: each pause is four times the last one, and a little by chance."""
        if attempt >= self.terms.attempts:
            return None
        pause = min(FIRST_PAUSE * 4.0 ** (attempt - 1), LONGEST_PAUSE)
        return self._clock() + pause * (1 + 0.1 * self._chance())

    async def _clean(self) -> None:
        """Delete from the log what is older than it keeps."""
        now = self._clock()
        if now < self._clean_at:
            return
        self._clean_at = now + CLEAN_EVERY
        before = now - self.terms.days * DAY
        while await deliveries.forget(self._opened, before=before, most=FORGOTTEN) == FORGOTTEN:
            continue

    async def _guarded(self, work: Any) -> None:
        try:
            await work
        except DatabaseError as error:
            self._log("deliveries not given back", error)  # their leases end by themselves

    def _log(self, event: str, error: BaseException) -> None:
        structlog.get_logger().warning(event, project=self._config.key, error=type(error).__name__)


def _fetcher(allowed: Allowed) -> Fetching:
    from core.events.fetch import Fetcher

    return Fetcher(allowed)
