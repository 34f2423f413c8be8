"""In charge of one-way hashes: passwords of users, values of `hash` fields (spec 02 §8, 03 §8.6). It stores nothing.

Every computation runs in a small pool of threads of its own: hashing is slow on purpose, and must starve neither the
event loop nor the other requests. The pool belongs to the process, because what it shares out is the processor.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import os
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from typing import Any, TypeVar

import bcrypt
from argon2 import Parameters, PasswordHasher, Type, extract_parameters
from argon2.exceptions import Argon2Error, InvalidHashError, VerificationError
from argon2.low_level import hash_secret_raw

from core.catalog.model import Field
from core.errors import UnknownHasher

T = TypeVar("T")

DIGESTS = ("md5", "sha1", "sha224", "sha256", "sha384", "sha512")
BCRYPTS = ("core", "bcrypt")
HASHERS = (*BCRYPTS, *DIGESTS)
BCRYPT_PREFIXES = ("$2y$", "$2b$", "$2a$")
ARGON2_PREFIXES = ("$argon2id$", "$argon2i$")
BCRYPT_ROUNDS = 10
BCRYPT_LEAST_ROUNDS = 4
BCRYPT_MOST_ROUNDS = 14
"""One second; the option of a field must not be a way to stop the server."""
BCRYPT_BYTES = 72
NOBODYS = b"$2b$10$IjmwEzWreTvoExGcXDFI.eGnfdw.h6r192QtzaagOCvFwfm8TuvP."
"""A hash to compare with for nothing."""
LONGEST = 4096
"""Bytes of a password (spec 02 §8.2); a longer one is refused without being hashed."""
CORES_OF_ONE, MOST_WORKERS = 4, 4
"""Cores that the lanes of one hash keep busy, and hashes at a time on a large machine: each takes 64 MiB."""
NICE = 5
"""How much later than requests hashing gets a core: a third of their weight. Not the last, for it must get on as well,
and now and then it holds the interpreter."""


@dataclass(frozen=True, slots=True)
class Cost:
    """Parameters of argon2id for new passwords (spec 02 §8.2)."""

    time: int = 3
    memory_kib: int = 65536
    parallelism: int = 4


DEFAULT_COST = Cost()


async def hash_password(password: str, cost: Cost = DEFAULT_COST) -> str:
    """The argon2id PHC string of a whole password, for directus_users.password."""
    return await _in_pool(lambda: _hasher(cost).hash(_bytes(password)))


async def verify(password: str, stored: str | None, cost: Cost = DEFAULT_COST) -> bool:
    """Whether a password belongs to a stored bcrypt or argon2 hash.

    Without one, or with anything else, the same work is done for nothing, so that the time does not tell whether the
    account exists.
    """
    return await _in_pool(lambda: _verify(password, stored, cost))


async def waste(cost: Cost = DEFAULT_COST) -> None:
    """The work of a verification, for answers that must take as long as one."""
    await _in_pool(lambda: _waste(cost))


def needs_rehash(stored: str, cost: Cost = DEFAULT_COST) -> bool:
    """Whether a stored hash is other than argon2id with these parameters (spec 02 §8.2, step 3)."""
    if not stored.startswith("$argon2id$"):
        return True
    try:
        found = extract_parameters(stored)
    except InvalidHashError:
        return True
    return _argon2(found) != (cost.time, cost.memory_kib, cost.parallelism)


async def hash_text(text: str, hasher: str = "core", *, rounds: int = BCRYPT_ROUNDS) -> str:
    """The hash of a text by a named hasher: `core` and `bcrypt` give `$2y$`, the others hexadecimal digests.

    Raises UnknownHasher (422/1000).
    """
    check_hasher(hasher)
    return await _in_pool(lambda: _bcrypt(text, rounds) if hasher in BCRYPTS else _digest(hasher, text))


async def matches(text: str, stored: str, hasher: str = "core") -> bool:
    """Whether a text belongs to a hash, as `utils/hash/match` asks: bcrypt and argon2 by prefix, digests by name.

    Raises UnknownHasher (422/1000).
    """
    check_hasher(hasher)
    if hasher in DIGESTS:
        # In constant time, and on bytes: what is compared comes from the client and may hold any character.
        return hmac.compare_digest(_digest(hasher, text).encode(), stored.lower().encode(errors="replace"))
    return await verify(text, stored)


def is_affordable(stored: str, rounds: int = BCRYPT_MOST_ROUNDS, cost: Cost = DEFAULT_COST) -> bool:
    """Whether a hash that somebody sent is bcrypt or argon2, and to verify it costs no more than that."""
    if stored.startswith(BCRYPT_PREFIXES):
        asked = stored[4:6]
        return asked.isascii() and asked.isdecimal() and int(asked) <= rounds
    if not stored.startswith(ARGON2_PREFIXES):
        return False
    try:
        found = extract_parameters(stored)
    except InvalidHashError:
        return False
    most = (cost.time, cost.memory_kib, cost.parallelism)
    return all(one <= limit for one, limit in zip(_argon2(found), most, strict=True))


def _argon2(found: Parameters) -> tuple[int, int, int]:
    return found.time_cost, found.memory_cost, found.parallelism


async def hash_field(field: Field, text: str, cost: Cost = DEFAULT_COST) -> str:
    """The hash to store for the plaintext of a `hash` field, by its options `hasher` and `cost`.

    Passwords of users are argon2id whatever the options say. Raises UnknownHasher (422/1000).
    """
    if is_password(field):
        return await hash_password(text, cost)
    options = field.options or {}
    return await hash_text(text, hasher_of(field), rounds=rounds_of(options.get("cost")))


def is_password(field: Field) -> bool:
    """Whether the field is the password of a user, which has rules of its own."""
    return field.collection == "directus_users" and field.name == "password"


def hasher_of(field: Field) -> str:
    """The name of the field's hasher; not checked."""
    return str((field.options or {}).get("hasher") or "core")


def check_hasher(hasher: str) -> None:
    """Raises UnknownHasher unless there is one of that name."""
    if hasher not in HASHERS:
        raise UnknownHasher(hasher)


async def _in_pool(work: Callable[[], T]) -> T:
    return await asyncio.get_running_loop().run_in_executor(_pool(), work)


@cache
def _pool() -> ThreadPoolExecutor:
    workers = max(1, min(MOST_WORKERS, (os.cpu_count() or 1) // CORES_OF_ONE))
    return ThreadPoolExecutor(workers, thread_name_prefix="hashing", initializer=_give_way)


def _give_way() -> None:
    """Let whoever wants to compute go first. On Linux a thread has a priority of its own, which argon2's lanes inherit;
    elsewhere it would be that of the process."""
    if sys.platform == "linux":
        here = threading.get_native_id()
        with suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, here, min(19, os.getpriority(os.PRIO_PROCESS, here) + NICE))


@cache
def _hasher(cost: Cost) -> PasswordHasher:
    return PasswordHasher(time_cost=cost.time, memory_cost=cost.memory_kib, parallelism=cost.parallelism, type=Type.ID)


def _verify(password: str, stored: str | None, cost: Cost) -> bool:
    secret = _bytes(password)
    if stored is None or len(secret) > LONGEST:
        _waste(cost)
        return False
    if stored.startswith(BCRYPT_PREFIXES):
        try:
            if bcrypt.checkpw(_cut(secret), stored.encode()):
                return True
        except ValueError:
            pass
        _waste_argon2(cost)
        return False
    if stored.startswith(ARGON2_PREFIXES):
        try:
            return _hasher(cost).verify(stored, secret)
        except VerificationError:
            _waste_bcrypt()
            return False
        except (Argon2Error, InvalidHashError):
            pass
    _waste(cost)
    return False


def _waste(cost: Cost) -> None:
    """What a wrong password costs, whether the hash is an old one or not: each kind does the other's work as well."""
    _waste_argon2(cost)
    _waste_bcrypt()


def _waste_bcrypt() -> None:
    bcrypt.checkpw(b"", NOBODYS)


def _waste_argon2(cost: Cost) -> None:
    hash_secret_raw(b"", b"\0" * 16, cost.time, cost.memory_kib, cost.parallelism, 32, Type.ID)


def _bytes(text: str) -> bytes:
    return text.encode(errors="surrogatepass")  # what is no UTF-8 matches nothing, it is no reason to fail


def _cut(secret: bytes) -> bytes:
    """What PHP's bcrypt sees: a C string of at most 72 bytes. The library here refuses the others instead."""
    return secret.split(b"\0", 1)[0][:BCRYPT_BYTES]


def _bcrypt(text: str, rounds: int) -> str:
    made = bcrypt.hashpw(_cut(_bytes(text)), bcrypt.gensalt(rounds, prefix=b"2b")).decode()
    return "$2y$" + made.removeprefix("$2b$")  # the same algorithm, under the name that PHP writes


def rounds_of(option: Any, most: int = BCRYPT_MOST_ROUNDS) -> int:
    """The cost of bcrypt that an option asks for, within bounds; without a number the usual one."""
    text = str(option)
    if isinstance(option, bool) or not (text.isascii() and text.isdecimal()):
        return BCRYPT_ROUNDS
    return min(max(int(text[:9]), BCRYPT_LEAST_ROUNDS), most)


def _digest(hasher: str, text: str) -> str:
    # These are the schema owner's choice for his own field, never for passwords.
    return hashlib.new(hasher, _bytes(text), usedforsecurity=False).hexdigest()
