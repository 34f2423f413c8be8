"""In charge of the outbox on every database: each delivery is claimed once, tried again in good time, and logged."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from core.db.gateway import Store
from core.events import deliveries
from core.events.deliver import LEASE, SHARE, SLOTS, Courier
from core.events.fetch import Answer, FetchFailed, Limits
from core.events.signing import secret_of, signature
from core.migrate import own
from core.settings import ProjectConfig
from core.sql import deliveries as sql
from tests import backends

START = 1_772_368_245.0
CONFIG = ProjectConfig.of("main", {"auth": {"secret_key": "a long secret of this test"}, "webhooks": {"attempts": 4}})


@pytest.fixture(scope="module")
def outbox_url(dialect: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with backends.fresh_database(dialect, tmp_path_factory.mktemp("outbox")) as url:
        yield url


@pytest.fixture
async def store(outbox_url: str) -> AsyncIterator[Store]:
    found = await Store.open(outbox_url)
    async with found.write() as connection:
        await own.add(connection)
        await connection.execute(f"DELETE FROM {sql.TABLE}")
    yield found
    await found.close()


@dataclass
class Clock:
    now: float = START

    def __call__(self) -> float:
        return self.now


@dataclass
class Post:
    """Stands for the network: what was sent, and what is answered to each webhook's URL, in turn."""

    answers: dict[str, list[Answer | Exception]] = field(default_factory=dict)
    sent: list[tuple[str, str, Mapping[str, str], bytes | None]] = field(default_factory=list)
    held: asyncio.Event | None = None
    closed: bool = False

    async def fetch(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str],
        content: bytes | None,
        limits: Limits,
        beginning: bool,
    ) -> Answer:
        self.sent.append((method, url, headers, content))
        if self.held is not None:
            await self.held.wait()
        turns = self.answers.get(url)
        found = turns.pop(0) if turns else Answer(200)
        if isinstance(found, Exception):
            raise found
        return found

    async def close(self) -> None:
        self.closed = True

    @property
    def ids(self) -> list[str]:
        return [headers["X-Tabularium-Delivery"] for _, _, headers, _ in self.sent]


async def put(store: Store, *webhooks: int, url: str = "http://a/", body: str | None = "{}") -> None:
    now = int(START * 1000)
    rows = [
        (one, "item.create:after", "things", "7", "POST" if body else "GET", url, body, now, now) for one in webhooks
    ]
    async with store.write() as connection:
        for text, arguments, _ in sql.put(store.dialect).runs(rows):
            await connection.execute(text, arguments)


def courier(store: Store, post: Post, clock: Clock) -> Courier:
    found = Courier(CONFIG, clock=clock, chance=lambda: 0.0, fetcher=post)
    found._store = store
    return found


async def turn(one: Courier) -> float:
    """One round, to its end; the pause after it."""
    pause = await one.round()
    await one.settled()
    return pause


async def log(store: Store) -> list[dict[str, Any]]:
    """The rows of the log, the earliest first."""
    return list(reversed(await deliveries.listed(store)))


async def states(store: Store) -> list[tuple[str, int, str | None]]:
    return [(row["state"], row["attempts"], row["error"]) for row in await log(store)]


async def test_delivered(store: Store) -> None:
    post, clock = Post({"http://a/": [Answer(202, content=b"thanks")]}), Clock()
    await put(store, 5, body='{"id":7}')
    await put(store, 6, url="http://b/", body=None)
    assert await turn(courier(store, post, clock)) > 0
    (method, url, headers, content), (other, *_) = sorted(post.sent, key=lambda sent: sent[1])
    first, second = await log(store)
    assert (method, url, content, other) == ("POST", "http://a/", b'{"id":7}', "GET")
    assert headers == {
        "Content-Type": "application/json",
        "X-Tabularium-Delivery": str(first["id"]),
        "X-Tabularium-Event": "item.create:after",
        "X-Tabularium-Collection": "things",
        "X-Tabularium-Attempt": "1",
        "X-Tabularium-Timestamp": str(int(START)),
        "X-Tabularium-Signature": signature(secret_of(CONFIG, 5), int(START), b'{"id":7}'),
    }
    assert isinstance(first.pop("duration"), int)
    at = int(START * 1000)
    assert first == {
        "id": first["id"], "webhook": 5, "event": "item.create:after", "collection": "things", "item": "7",
        "method": "POST", "url": "http://a/", "body": '{"id":7}', "state": "delivered", "attempts": 1, "claim": None,
        "created_at": at, "due_at": at, "ended_at": at, "response_status": 202, "error": None, "response": "thanks",
        "repeats": None,
    }  # fmt: skip
    assert (second["body"], second["state"]) == (None, "delivered")
    await turn(courier(store, post, clock))
    assert len(post.sent) == 2


async def test_tried_again_ever_more_rarely_and_given_up(store: Store) -> None:
    failures: list[Answer | Exception] = [
        Answer(500, content=b"oops \x00"), FetchFailed("Timeout"), Answer(302), FetchFailed("Unreachable"),
    ]  # fmt: skip
    post, clock = Post({"http://a/": failures}), Clock()
    one = courier(store, post, clock)
    await put(store, 1)
    seen = []
    for pause in (10, 40, 160, None):
        assert await turn(one) > 0
        [row] = await log(store)
        seen.append((row["state"], row["attempts"], row["response_status"], row["error"], row["response"]))
        assert await one.round() > 0  # nothing is due
        if pause is None:
            break
        assert row["due_at"] == int((clock.now + pause) * 1000)
        clock.now += pause - 0.1
        await turn(one)
        assert len(post.sent) == len(seen)
        clock.now += 0.1
    assert seen == [
        ("pending", 1, 500, "Status", "oops \ufffd"),
        ("pending", 2, None, "Timeout", None),
        ("pending", 3, 302, "Status", ""),
        ("failed", 4, None, "Unreachable", None),
    ]
    assert [headers["X-Tabularium-Attempt"] for *_, headers, _ in post.sent] == ["1", "2", "3", "4"]
    clock.now += 10 * 86400
    await turn(one)
    assert len(post.sent) == 4


async def test_a_pause_has_an_end(store: Store) -> None:
    one = Courier(ProjectConfig.of("main", {"auth": {"secret_key": "long enough"}, "webhooks": {"attempts": 50}}))
    one._clock, one._chance = Clock(0.0), lambda: 1.0
    pauses = [one._again(attempt) for attempt in range(1, 51)]
    assert pauses[:3] == [11.0, 44.0, 176.0]
    assert pauses[-2:] == [6 * 3600 * 1.1, None]


async def test_what_is_refused_is_not_tried_again(store: Store) -> None:
    post = Post({"http://a/": [FetchFailed("Refused", lasting=True)]})
    await put(store, 1)
    await turn(courier(store, post, Clock()))
    assert await states(store) == [("failed", 1, "Refused")]


async def test_of_many_couriers_each_delivery_is_sent_by_one(store: Store) -> None:
    """Four couriers on two connections pools, as in two processes, and writers beside them."""
    other = await Store.open(store.url)
    try:
        clock, posts = Clock(), [Post() for _ in range(4)]
        couriers = [courier(store if number % 2 else other, post, clock) for number, post in enumerate(posts)]
        for start in range(0, 200, 50):
            await put(store, *(key % 7 for key in range(start, start + 50)))

        async def work(one: Courier) -> None:
            while await deliveries.next_due(store) is not None:
                await one.round()
                await asyncio.sleep(0.001)
            await one.settled()

        await asyncio.gather(*(work(one) for one in couriers), put(other, *range(20)))
        sent = Counter(key for post in posts for key in post.ids)
        assert len(sent) == 220
        assert set(sent.values()) == {1}
        assert Counter(await states(store)) == {("delivered", 1, None): 100}  # as much as the log shows at once
        async with store.read() as connection:
            assert await connection.value(f"SELECT COUNT(*) FROM {sql.TABLE} WHERE state = 'delivered'") == 220
    finally:
        await other.close()


async def test_what_a_dead_process_had_claimed_is_sent_by_another(store: Store) -> None:
    clock, post = Clock(), Post()
    await put(store, 1, 2)
    until = START + 10 + LEASE
    claimed = await deliveries.claim(store, now=START, until=until, most=10)
    assert [one.attempt for one in claimed] == [1, 1]
    one = courier(store, post, clock)
    await turn(one)
    assert post.sent == []
    clock.now = until
    await turn(one)
    assert len(post.sent) == 2
    assert await states(store) == [("delivered", 2, None)] * 2
    # The dead one was only slow: what it has to say comes too late.
    outcome = deliveries.Outcome(delivered=False, at=clock.now)
    assert [await deliveries.note(store, late, outcome) for late in claimed] == [False, False]
    assert await states(store) == [("delivered", 2, None)] * 2


async def test_a_delivery_that_kills_its_senders_is_given_up(store: Store) -> None:
    clock, post = Clock(), Post()
    await put(store, 1)
    for _ in range(4):
        [_] = await deliveries.claim(store, now=clock.now, until=clock.now + 1, most=10)
        clock.now += 1
    await turn(courier(store, post, clock))
    assert (post.sent, await states(store)) == ([], [("failed", 5, "Interrupted")])


async def test_a_slow_receiver_does_not_hold_up_the_others(store: Store) -> None:
    clock, post = Clock(), Post(held=asyncio.Event())
    one = courier(store, post, clock)
    await put(store, *[1] * 40)
    await one.round()
    under_way = len(post.sent)
    assert SHARE <= under_way < SLOTS
    await put(store, 2, 2)
    await one.round()
    await asyncio.sleep(0)
    assert len(one._sending) == under_way + 2
    assert post.held is not None
    post.held.set()
    while await deliveries.next_due(store) is not None:
        await turn(one)
    assert len(set(post.ids)) == len(post.ids) == 42


async def test_a_slot_that_is_free_again_is_taken_at_once(store: Store) -> None:
    """Also one that became free while the courier was looking for more."""
    post = Post()
    one = Courier(CONFIG, fetcher=post)
    await put(store, *[1] * 60)
    one.start(store)
    try:
        async with asyncio.timeout(15):  # less than the pause between two looks
            while await deliveries.next_due(store) is not None:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
    finally:
        await one.stop()
    assert len(set(post.ids)) == len(post.ids) == 60


@pytest.mark.backend("mysql")
async def test_a_server_without_skip_locked(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    if store.dialect != "mysql":
        pytest.skip("older MySQL and MariaDB only")
    known = sql.claim

    def older(dialect: str, busy: Any = (), *, skip: bool = True) -> tuple[str, ...]:
        first, *others = known(dialect, busy, skip=skip)
        return (first.replace("SKIP LOCKED", "SKIP THE LOCKED"), *others)

    monkeypatch.setattr(sql, "claim", older)
    post = Post()
    await put(store, 1, 2)
    await turn(courier(store, post, Clock()))
    assert await states(store) == [("delivered", 1, None)] * 2


async def test_stopping_gives_back_what_is_under_way(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.events.deliver.GRACE", 0.05)
    clock, post = Clock(), Post(held=asyncio.Event())
    await put(store, 1, 2)
    one = courier(store, post, clock)
    await one.round()
    await asyncio.sleep(0.01)
    assert len(post.sent) == 2
    await one.stop()
    assert post.closed
    assert await states(store) == [("pending", 0, None)] * 2
    again = Post()
    await turn(courier(store, again, clock))
    assert sorted(again.ids) == sorted(post.ids)


async def test_a_running_courier_wakes(store: Store) -> None:
    post = Post()
    one = Courier(CONFIG, fetcher=post)
    one.start(store)
    try:
        await asyncio.sleep(0.05)
        await put(store, *range(30))
        one.wake()
        async with asyncio.timeout(20):
            while len(post.sent) < 30 or await deliveries.next_due(store) is not None:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
    finally:
        await one.stop()
    assert len(set(post.ids)) == 30


async def test_the_database_may_be_away(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.events.deliver.AFTER_FAULT", 0.01)
    post = Post()
    one = Courier(CONFIG, fetcher=post)
    await put(store, 1)
    async with store.write() as connection:
        await connection.execute(f"ALTER TABLE {sql.TABLE} RENAME TO away")
    one.start(store)
    try:
        await asyncio.sleep(0.1)
        async with store.write() as connection:
            await connection.execute(f"ALTER TABLE away RENAME TO {sql.TABLE}")
        async with asyncio.timeout(20):
            while not post.sent:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
    finally:
        await one.stop()


async def test_the_log_forgets(store: Store) -> None:
    clock, post = Clock(), Post({"http://a/": [FetchFailed("Refused", lasting=True), Answer(500)]})
    await put(store, 1)
    await put(store, 2)
    await put(store, 3, url="http://b/")
    one = courier(store, post, clock)
    await turn(one)
    assert sorted(await states(store)) == [
        ("delivered", 1, None), ("failed", 1, "Refused"), ("pending", 1, "Status")
    ]  # fmt: skip
    assert await deliveries.forget(store, before=START) == 0
    assert await deliveries.forget(store, before=START + 1, most=1) == 1
    assert await deliveries.forget(store, before=START + 1) == 1
    assert [row["state"] for row in await log(store)] == ["pending"]
    clock.now += 29 * 86400
    await turn(one)  # delivered now, so it is in the log for 30 days from here on
    clock.now += 30 * 86400
    await turn(one)
    assert len(await log(store)) == 1
    clock.now += 3601
    await turn(one)
    assert await log(store) == []


async def test_the_log_in_portions(store: Store) -> None:
    await put(store, 1, 2, 1, 2, 1)
    keys = [row["id"] for row in await log(store)]
    assert [row["id"] for row in await deliveries.listed(store, limit=2, offset=1)] == [keys[3], keys[2]]
    assert [row["id"] for row in await deliveries.listed(store, webhook=1)] == [keys[4], keys[2], keys[0]]
    assert await deliveries.listed(store, webhook=1, states=("failed", "delivered")) == []
    assert len(await deliveries.listed(store, states=("pending", "failed"))) == 5


async def test_the_number_of_statements(store: Store) -> None:
    """An idle look is one question, which locks nothing; what is claimed at once is claimed together."""
    clock, post = Clock(), Post()
    one = courier(store, post, clock)
    await turn(one)  # cleans up

    async def cost() -> int:
        before = store.statements_total
        await turn(one)
        return store.statements_total - before

    claim = {"sqlite": 1, "postgres": 1, "mysql": 3}[store.dialect]
    assert await cost() == 1
    await put(store, 1, 2, 3)
    assert await cost() == 1 + claim + 1 + 3
