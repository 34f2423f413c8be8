"""In charge of hashes: which are made, which are recognised, and that hashing leaves the event loop alone."""

from __future__ import annotations

import asyncio
import hashlib
import os
import sys
import threading
import time
from typing import Any

import bcrypt
import pytest
from argon2 import PasswordHasher, extract_parameters
from argon2.low_level import Type

from core.auth import hashing
from core.auth.hashing import Cost
from core.errors import UnknownHasher
from tests.unit.core.types.fields import field

CHEAP = Cost(time=1, memory_kib=64, parallelism=1)


def php(secret: bytes) -> str:
    """A hash as PHP's password_hash writes it, at the least cost."""
    return "$2y$" + bcrypt.hashpw(secret, bcrypt.gensalt(4, prefix=b"2b")).decode().removeprefix("$2b$")


async def test_a_password_is_argon2id_with_the_configured_parameters() -> None:
    stored = await hashing.hash_password("pässwörd", CHEAP)
    found = extract_parameters(stored)
    assert (found.type, found.time_cost, found.memory_cost, found.parallelism) == (Type.ID, 1, 64, 1)
    assert len(stored) < 255
    assert await hashing.verify("pässwörd", stored, CHEAP)
    assert not await hashing.verify("passwörd", stored, CHEAP)
    assert not hashing.needs_rehash(stored, CHEAP)
    assert hashing.needs_rehash(stored)


async def test_the_default_parameters_are_those_of_the_specification() -> None:
    stored = await hashing.hash_password("x")
    assert stored.startswith("$argon2id$v=19$m=65536,t=3,p=4$")
    assert not hashing.needs_rehash(stored)


@pytest.mark.parametrize("prefix", ["$2y$", "$2b$", "$2a$"])
async def test_bcrypt_of_every_prefix(prefix: str) -> None:
    stored = prefix + php(b"secret")[4:]
    assert await hashing.verify("secret", stored)
    assert not await hashing.verify("Secret", stored)
    assert hashing.needs_rehash(stored)


async def test_a_hash_of_a_real_directus_database() -> None:
    stored = "$2y$10$t7OtqIP.p4N1qa0G9lH6FOoEejjFjP/TcB4jKg957Y80MjP72x4Ae"
    assert await hashing.verify("other", stored)
    assert not await hashing.verify("another", stored)


async def test_bcrypt_sees_72_bytes_up_to_the_first_nul() -> None:
    long = php(b"a" * 72)
    assert await hashing.verify("a" * 72, long)
    assert await hashing.verify("a" * 72 + "anything", long)
    assert not await hashing.verify("a" * 71, long)
    cut = php(b"abc")
    assert await hashing.verify("abc\0def", cut)
    assert not await hashing.verify("abcdef", cut)
    # 36 characters of two bytes each, and then one more
    assert await hashing.verify("é" * 37, php("é".encode() * 36))
    assert await hashing.verify("\0", php(b""))


async def test_argon2_sees_the_whole_password() -> None:
    stored = await hashing.hash_password("a" * 72 + "\0b", CHEAP)
    assert await hashing.verify("a" * 72 + "\0b", stored, CHEAP)
    assert not await hashing.verify("a" * 72, stored, CHEAP)


async def test_argon2i_of_other_php_builds() -> None:
    stored = PasswordHasher(1, 64, 1, type=Type.I).hash("secret")
    assert await hashing.verify("secret", stored, CHEAP)
    assert hashing.needs_rehash(stored, CHEAP)


@pytest.mark.parametrize(
    "stored",
    [None, "", "secret", hashlib.md5(b"secret").hexdigest(), "$2y$10$short", "$argon2id$broken", "$2y$", "$1$abc$def"],
)
async def test_what_is_no_hash_lets_nobody_in(stored: str | None) -> None:
    assert not await hashing.verify("secret", stored, CHEAP)
    if stored:
        assert hashing.needs_rehash(stored, CHEAP)


async def test_passwords_are_limited_to_4096_bytes() -> None:
    stored = await hashing.hash_password("x" * 4096, CHEAP)
    assert await hashing.verify("x" * 4096, stored, CHEAP)
    longer = await hashing.hash_password("x" * 4097, CHEAP)
    assert not await hashing.verify("x" * 4097, longer, CHEAP)


async def test_an_account_that_is_not_there_costs_as_much(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Cost] = []
    monkeypatch.setattr(hashing, "_waste", asked.append)
    assert not await hashing.verify("x", None, CHEAP)
    assert not await hashing.verify("x", "no hash", CHEAP)
    await hashing.waste(CHEAP)
    assert asked == [CHEAP] * 3


@pytest.mark.parametrize("hasher", ["core", "bcrypt"])
async def test_core_and_bcrypt_write_what_php_writes(hasher: str) -> None:
    stored = await hashing.hash_text("secret", hasher, rounds=4)
    assert stored.startswith("$2y$04$")
    assert len(stored) == 60
    assert await hashing.matches("secret", stored)
    assert not await hashing.matches("other", stored)
    assert (await hashing.hash_text("secret")).startswith("$2y$10$")


@pytest.mark.parametrize("hasher", ["md5", "sha1", "sha224", "sha256", "sha384", "sha512"])
async def test_digests(hasher: str) -> None:
    stored = await hashing.hash_text("sécret", hasher)
    assert stored == hashlib.new(hasher, "sécret".encode()).hexdigest()
    assert await hashing.matches("sécret", stored, hasher)
    assert await hashing.matches("sécret", stored.upper(), hasher)
    assert not await hashing.matches("secret", stored, hasher)
    assert not await hashing.matches("sécret", "é", hasher)
    assert not await hashing.matches("sécret", stored, "core")


async def test_an_unknown_hasher() -> None:
    for call in (hashing.hash_text("x", "zzz"), hashing.matches("x", "y", "zzz")):
        with pytest.raises(UnknownHasher) as unknown:
            await call
        assert (unknown.value.code, unknown.value.message) == (1000, 'Hasher "zzz" not found')


@pytest.mark.parametrize(
    "options, begins",
    [
        (None, "$2y$10$"),
        ({}, "$2y$10$"),
        ({"hasher": "core", "cost": 4}, "$2y$04$"),
        ({"hasher": "bcrypt", "cost": "5"}, "$2y$05$"),
        ({"cost": 1}, "$2y$04$"),
        ({"cost": "many"}, "$2y$10$"),
        ({"hasher": "sha256", "cost": 4}, hashlib.sha256(b"x").hexdigest()),
    ],
)
async def test_a_field_says_how(options: Any, begins: str) -> None:
    one = field("text", "hash", options=options)
    assert (await hashing.hash_field(one, "x", CHEAP)).startswith(begins)


async def test_passwords_of_users_are_argon2id_whatever_the_options_say() -> None:
    one = field("text", "hash", name="password", collection="directus_users", options={"hasher": "md5"})
    assert hashing.is_password(one)
    assert (await hashing.hash_field(one, "x", CHEAP)).startswith("$argon2id$")
    assert not hashing.is_password(field("text", "hash", name="password", collection="members"))


async def test_text_that_is_no_unicode_matches_nothing() -> None:
    assert not await hashing.verify("\ud800", await hashing.hash_password("x", CHEAP), CHEAP)
    assert len(await hashing.hash_text("\ud800", "md5")) == 32


async def test_the_event_loop_goes_on_while_passwords_are_hashed() -> None:
    work = asyncio.gather(*(hashing.hash_text("x", rounds=8) for _ in range(8)))
    longest = 0.0
    while not work.done():
        begun = time.monotonic()
        await asyncio.sleep(0.001)
        longest = max(longest, time.monotonic() - begun)
    assert len(set(await work)) == 8
    # One computation takes tens of milliseconds, all eight in the loop would take eight times that.
    assert longest < 0.5


@pytest.mark.skipif(sys.platform != "linux", reason="a thread has no priority of its own")
async def test_hashing_gives_way_to_requests() -> None:
    def priority() -> int:
        return os.getpriority(os.PRIO_PROCESS, threading.get_native_id())

    own = priority()
    assert await hashing._in_pool(priority) == min(19, own + hashing.NICE)
    assert priority() == own


@pytest.mark.parametrize(("cores", "workers"), [(None, 1), (1, 1), (2, 1), (4, 1), (8, 2), (64, 4)])
def test_how_many_hashes_are_made_at_a_time(cores: int | None, workers: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: cores)
    pool = hashing._pool.__wrapped__()
    assert pool._max_workers == workers
    pool.shutdown()
