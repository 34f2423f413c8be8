"""In charge of showing that the fixtures hand out what they promise: fresh, empty, reachable and dropped afterwards."""

from __future__ import annotations

from pathlib import Path

import pytest
import redis.asyncio
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool

from tests import backends
from tests.conftest import RedisSpace

DRIVERS = {"sqlite": "sqlite+aiosqlite", "postgresql": "postgresql+asyncpg", "mysql": "mysql+asyncmy"}


def engine(url: str) -> AsyncEngine:
    scheme, rest = url.split(":", 1)
    return create_async_engine(f"{DRIVERS[scheme]}:{rest}", poolclass=NullPool)


@pytest.mark.parametrize("turn", [1, 2])
async def test_each_test_has_an_empty_database_of_its_own(database_url: str, turn: int) -> None:
    async with engine(database_url).begin() as connection:
        await connection.execute(text("CREATE TABLE t (id INTEGER)"))
        await connection.execute(text("INSERT INTO t VALUES (:turn)"), {"turn": turn})
        assert (await connection.execute(text("SELECT id FROM t"))).scalars().all() == [turn]


async def test_four_byte_characters_are_kept(database_url: str) -> None:
    async with engine(database_url).begin() as connection:
        await connection.execute(text("CREATE TABLE t (s VARCHAR(10))"))
        await connection.execute(text("INSERT INTO t VALUES (:s)"), {"s": "🏛é"})
        assert (await connection.execute(text("SELECT s FROM t"))).scalar_one() == "🏛é"


async def test_an_open_transaction_does_not_hold_back_the_drop(dialect: str, tmp_path: Path) -> None:
    if dialect == "sqlite":
        pytest.skip("an SQLite file is not dropped: it goes with its folder")
    with backends.fresh_database(dialect, tmp_path) as url:
        connection = await engine(url).connect()
        await connection.execute(text("CREATE TABLE t (id INTEGER)"))
        await connection.commit()
        await connection.execute(text("INSERT INTO t VALUES (1)"))
    await connection.invalidate()
    await connection.close()
    with pytest.raises(Exception, match=url.rsplit("/", 1)[1]):
        await engine(url).connect()


async def test_redis_keys_are_deleted_at_the_end(redis_space: RedisSpace) -> None:
    client = redis.asyncio.from_url(redis_space.url)
    try:
        with backends.fresh_redis_prefix() as prefix:
            assert prefix != redis_space.prefix
            await client.set(prefix + "a", "1")
            await client.set(redis_space.prefix + "b", "2")
        assert await client.get(prefix + "a") is None
        assert await client.get(redis_space.prefix + "b") == b"2"
    finally:
        await client.aclose()


def test_a_required_backend_that_is_absent_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TABULARIUM_REQUIRE_BACKENDS", "sqlite, redis")
    monkeypatch.setenv("TABULARIUM_TEST_REDIS", "redis://127.0.0.1:1/0")
    backends.backend.cache_clear()
    try:
        assert [one.name for one in backends.missing_required()] == ["redis"]
        assert "TABULARIUM_TEST_REDIS" in backends.missing_required()[0].reason
    finally:
        monkeypatch.undo()
        backends.backend.cache_clear()


def test_an_unknown_required_backend_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TABULARIUM_REQUIRE_BACKENDS", "sqlite,oracle")
    with pytest.raises(ValueError, match="oracle"):
        backends.missing_required()
