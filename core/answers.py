"""In charge of answers that are kept (spec 04 §12): under which key, until when, and that one request makes each.

    answer = keep ∘ run ∘ take turn ∘ find

A kept body is served only to the same user under the same rules and schema, and only while no collection that it
depends on has been written since it was read, by whatever process: the request itself has learned that from the
database, with its caller. No time passes in which an answer is known to be old and served.
"""

from __future__ import annotations

import asyncio
import hmac
import time
from collections.abc import Iterable
from hashlib import sha256

from core.cache.freshness import Freshness, Versions, seen, still
from core.cache.lru import Lru
from core.cache.store import Answers, InMemory, Kept, OnRedis
from core.errors import InvalidCacheAdapter, InvalidCacheConfiguration
from core.events.broker import redis_url
from core.session import Session
from core.settings import ProjectConfig
from core.sql.freshness import EVERYTHING

FLEETING = 2000
IN_PROCESS = frozenset({"apc", "apcu", "array", "filesystem", "memcached", "memcache", "rediscluster"})
"""Adapters of Directus 8 whose place is the memory of the process."""


class KeptAnswers:
    """The kept answers of one project: hangs at `Project.answers`, where the cache is enabled."""

    def __init__(self, store: Answers, ttl: int) -> None:
        self.store = store
        self.ttl = ttl
        self.freshness = Freshness()
        self.flights: dict[tuple[bytes, int], asyncio.Future[bytes | None]] = {}
        self.fleeting: Lru[bytes, bool] = Lru(FLEETING)
        """Keys of answers that may not be kept, so that nobody waits for one."""


class Turn:
    """The turn of one request to make an answer that others may wait for. `leave` it in any case."""

    def __init__(self, answers: KeptAnswers, key: bytes, versions: Versions, stamp: int, *, alone: bool) -> None:
        self._answers, self._key, self._versions = answers, key, versions
        self._flight: asyncio.Future[bytes | None] | None = None
        if not alone:
            self._place = (key, stamp)
            self._flight = answers.flights[self._place] = asyncio.get_running_loop().create_future()

    async def keep(self, body: bytes, collections: Iterable[str]) -> None:
        """Keep the answer that was made after the turn was taken. `collections`: all that it depends on."""
        self.tell(body)
        versions = seen(self._versions, (EVERYTHING, *collections))
        await self._answers.store.put(self._key, Kept(body, versions, time.time() + self._answers.ttl))

    def tell(self, body: bytes) -> None:
        """Give the answer to who waits."""
        if self._flight is not None and not self._flight.done():
            self._flight.set_result(body)

    def pass_by(self) -> None:
        """The answer is none that may be kept, now and under these rules and this schema."""
        self._answers.fleeting[self._key] = True

    def leave(self) -> None:
        """Who waits goes on, by himself where nothing was kept."""
        if self._flight is None:
            return
        self._answers.flights.pop(self._place, None)
        if not self._flight.done():
            self._flight.set_result(None)


async def find(session: Session, words: Iterable[str], *, refresh: bool = False) -> bytes | Turn | None:
    """The kept body of a request, or the turn to make it; None where nothing is kept.

    `words`: what names the answer beside caller, rules and schema: path and query. `refresh`: do not look, make it
    anew. Raises DatabaseError.
    """
    answers: KeptAnswers | None = session.project.answers
    if answers is None or session.stamp is None or _watched(session):
        return None
    key = _key(session, words)
    if key in answers.fleeting:
        return None
    versions = await answers.freshness.at(await session.project.store(), session.stamp)
    if refresh:
        return Turn(answers, key, versions, session.stamp, alone=True)
    body = _right(answers.store.peek(key), versions)
    if body is not None:
        return body
    flight = answers.flights.get((key, session.stamp))
    if flight is not None:
        # Nothing was written since the other one came in, and he reads after that: his answer is right for this one.
        return await asyncio.shield(flight)
    turn = Turn(answers, key, versions, session.stamp, alone=False)
    try:
        body = _right(await answers.store.get(key), versions)
    except BaseException:
        turn.leave()
        raise
    if body is None:
        return turn
    turn.tell(body)
    turn.leave()
    return body


def _watched(session: Session) -> bool:
    """Whether extensions decide about answers, or hear of what is in them: nobody knows on what that depends."""
    hooks = session.project.hooks
    return hooks is not None and (hooks.filters_reads or hooks.filters_answers or hooks.hears_answers)


def _right(kept: Kept | None, versions: Versions) -> bytes | None:
    """The body of what was found, while it is right."""
    if kept is None or kept.until <= time.time() or not still(versions, kept.versions):
        return None
    return kept.body


def _key(session: Session, words: Iterable[str]) -> bytes:
    actor = session.actor
    parts = (
        session.project.key, str(actor.user), str(actor.role), session.policy.fingerprint,
        str(session.snapshot.version), session.context.base_url, *words,
    )  # fmt: skip
    digest = sha256()
    for part in parts:
        text = part.encode("utf-8", "surrogatepass")
        digest.update(b"%d:" % len(text) + text)  # with its length: no two lists of words are one text
    return digest.digest()


def kept_answers(config: ProjectConfig) -> KeptAnswers | None:
    """What a project is configured with; None while its cache is off.

    Raises InvalidCacheAdapter for an adapter that nobody knows, InvalidCacheConfiguration for a place that is none.
    """
    if not config.get("cache.enabled"):
        return None
    adapter = str(config.get("cache.pool.adapter")).lower()
    ttl, most = config.get("cache.response_ttl"), config.get("cache.max_bytes")
    if adapter == "void" or ttl < 1:
        return None
    if adapter in IN_PROCESS:
        return KeptAnswers(InMemory(most), ttl)
    if adapter != "redis":
        raise InvalidCacheAdapter
    mark = hmac.new(config.secret_key.encode(), f"answers {config.public_key}".encode(), "sha256").hexdigest()
    try:
        return KeptAnswers(OnRedis(redis_url(config, own=True) or "", f"tabularium:answers:{mark[:32]}:", most), ttl)
    except ValueError:
        raise InvalidCacheConfiguration from None
