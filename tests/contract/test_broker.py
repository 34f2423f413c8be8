"""In charge of announcements between the processes of a project: heard without a request, and needed by nobody."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from core.catalog.changes import log_change
from core.enter import enter
from core.events.broker import Exchange, OverRedis, Silent, broker, channel_of, redis_url
from core.projects import Project
from core.settings import ProjectConfig
from tests.conftest import RedisSpace
from tests.projects import body, projects

SECRET = {"secret_key": "a long secret of this test", "public_key": "p"}


def config(**more: Any) -> ProjectConfig:
    return ProjectConfig.of("x", {"auth": SECRET, **more})


async def until(true: Callable[[], bool], seconds: float = 5.0) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "nothing was heard"
        await asyncio.sleep(0.01)


@asynccontextmanager
async def two(url: str, data: Path, **more: Any) -> AsyncIterator[tuple[Project, Project]]:
    """The same project in two servers, both opened."""
    async with projects(data) as one, projects(data) as other:
        first = await one.create(body(url, auth=SECRET, **more), trusted=True)
        second = other.get(first.key)
        await first.store()
        await second.store()
        yield first, second


async def change(project: Project, kind: str) -> None:
    store = await project.store()
    async with store.write() as connection:
        await log_change(connection, kind)


# What is configured


def test_where_the_broker_is() -> None:
    assert redis_url(config()) is None
    assert redis_url(config(events={"url": "redis://r:1/2"})) == "redis://r:1/2"
    pool = {"adapter": "redis", "host": "r", "port": 7, "auth": "a:/@"}
    assert redis_url(config(cache={"enabled": False, "pool": pool})) is None
    assert redis_url(config(cache={"enabled": True, "pool": pool})) == "redis://:a%3A%2F%40@r:7"
    assert redis_url(config(cache={"enabled": True, "pool": {**pool, "url": "rediss://z"}})) == "rediss://z"
    assert redis_url(config(cache={"enabled": True, "pool": {"adapter": "filesystem"}})) is None


def test_only_servers_of_a_project_share_its_channel() -> None:
    name = channel_of(config())
    assert name == channel_of(config(database={"host": "elsewhere"}))
    assert name != channel_of(ProjectConfig.of("x", {"auth": {**SECRET, "secret_key": "another long secret"}}))
    assert name != channel_of(ProjectConfig.of("x", {"auth": {**SECRET, "public_key": "q"}}))
    assert SECRET["secret_key"] not in name


async def test_without_one_nothing_is_opened() -> None:
    async def hear(_: int) -> None:
        raise AssertionError

    silent = broker(config(), hear)
    assert isinstance(silent, Silent)
    silent.announce(7)
    await silent.close()


# In one process


async def test_members_of_an_exchange_hear_each_other(tmp_path: Path) -> None:
    heard: dict[str, list[int]] = {"a": [], "b": [], "c": []}
    exchange = Exchange()

    def hearer(name: str) -> Any:
        async def hear(head: int) -> None:
            heard[name].append(head)
            if head == 1:
                raise RuntimeError("not heard")

        return hear

    one, other, apart = (exchange.join(channel, hearer(name)) for channel, name in (("x", "a"), ("x", "b"), ("y", "c")))
    one.announce(1)
    one.announce(2)
    await until(lambda: len(heard["b"]) == 2)
    await other.close()
    one.announce(3)
    await asyncio.sleep(0)
    assert heard == {"a": [], "b": [1, 2], "c": []}
    await one.close()
    await apart.close()


async def test_projects_hear_of_changes_without_a_request(database_url: str, tmp_path: Path) -> None:
    exchange = Exchange()
    async with two(database_url, tmp_path) as (one, other):
        one.broker, other.broker = exchange.join("x", one.hear), exchange.join("x", other.hear)
        store = await one.store()
        async with store.write() as connection:
            await connection.execute("CREATE TABLE notes (id INT PRIMARY KEY)")
            await log_change(connection, "schema", "notes")
        assert "notes" not in other.snapshot.collections
        await one.notice()
        await until(lambda: "notes" in other.snapshot.collections)
        assert one.head == other.head


# Over Redis


async def test_a_change_is_announced_over_redis(redis_space: RedisSpace, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/shop.db"
    async with two(
        url, tmp_path, cache={"enabled": True, "pool": {"adapter": "redis", "url": redis_space.url}}
    ) as found:
        one, other = found
        assert isinstance(one.broker, OverRedis)
        before = other.head
        heard: list[int] = []
        hear = other.hear

        async def listening(head: int) -> None:
            heard.append(head)
            await hear(head)

        other.broker._hear = listening  # type: ignore[attr-defined]
        await asyncio.sleep(0.2)
        await change(one, "policy")
        await one.notice()
        await until(lambda: other.head == before + 1)
        # A request that finds out announces it as well, once.
        await change(other, "settings")
        await enter(other)
        await until(lambda: one.head == before + 2)
        assert heard[-1] == before + 1


async def test_what_is_said_on_the_channel_is_only_a_hint(redis_space: RedisSpace, tmp_path: Path) -> None:
    import redis.asyncio

    url = f"sqlite:///{tmp_path}/shop.db"
    client = redis.asyncio.from_url(redis_space.url)
    async with two(
        url, tmp_path, cache={"enabled": True, "pool": {"adapter": "redis", "url": redis_space.url}}
    ) as found:
        one = found[0]
        await asyncio.sleep(0.2)
        before = one.head
        for said in ("999999 x", "-1 x", "nonsense", b"\xff\xfe", "\u0661 x", ""):
            await client.publish(channel_of(one.config), said)
        await asyncio.sleep(0.2)
        assert one.head == before
        await change(found[1], "policy")
        await client.publish(channel_of(one.config), "999999 x")
        await until(lambda: one.head == before + 1)
    await client.aclose()


async def test_a_broker_that_is_down_is_missed_by_nobody(database_url: str, tmp_path: Path) -> None:
    async with two(database_url, tmp_path, cache={"enabled": True, "pool": {"adapter": "redis", "port": 1}}) as (
        one,
        other,
    ):
        before = other.head
        await change(one, "policy")
        await one.notice()
        assert one.head == before + 1
        await enter(other)
        assert other.head == before + 1


async def test_a_broker_that_comes_back_is_heard_again(redis_space: RedisSpace) -> None:
    import redis.asyncio

    heard: list[int] = []

    async def hear(head: int) -> None:
        heard.append(head)

    channel = redis_space.prefix + "changes"
    one = OverRedis(redis_space.url, channel, hear)
    client = redis.asyncio.from_url(redis_space.url)
    try:
        await until(lambda: heard == [0])  # it looks once it listens
        await client.publish(channel, "5 x")
        await until(lambda: heard == [0, 5])
        for found in await client.client_list():
            if found["name"] == one._name:
                await client.client_kill_filter(_id=found["id"])
        await until(lambda: heard[2:3] == [0], 10)
        await client.publish(channel, "6 x")
        await until(lambda: heard[-1] == 6)
    finally:
        await one.close()
        await client.aclose()
