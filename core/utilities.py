"""In charge of what clients may have computed: hashes, their comparison, random strings (spec 04 §8.2). Stores nothing.

Open to everybody, so every cost has a bound.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping
from typing import Any

from core.auth import hashing
from core.errors import Problem, ValidationFailed
from core.session import Session
from core.types.numbers import number
from core.types.write import BLANK, INVALID, NUMERIC, STRING

POOL = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ!@#$%^&*()_+}{;?>.<,"
DEFAULT_LENGTH = 32
LONGEST_STRING = 1024
PUBLIC_ROUNDS = 10
"""Cost of bcrypt that a stranger may ask for; signed-in users are bound by `core.auth.hashing`."""

Arguments = Mapping[str, Any]


async def hashed(session: Session, arguments: Arguments) -> str:
    """The hash of `string` by `hasher` (`core` when absent); `options.cost` counts for bcrypt.

    Raises ValidationFailed, UnknownHasher.
    """
    _check(arguments, ("string",))
    options = arguments.get("options")
    cost = options.get("cost") if isinstance(options, Mapping) else None
    rounds = hashing.rounds_of(cost, _most_rounds(session))
    return await hashing.hash_text(arguments["string"], _hasher(arguments), rounds=rounds)


async def matched(session: Session, arguments: Arguments) -> bool:
    """Whether `string` belongs to `hash`. A hash that costs too much to verify is not looked at.

    Raises ValidationFailed, UnknownHasher.
    """
    _check(arguments, ("string", "hash"))
    hasher, stored = _hasher(arguments), arguments["hash"]
    hashing.check_hasher(hasher)
    if hasher in hashing.BCRYPTS and not hashing.is_affordable(stored, _most_rounds(session)):
        return False
    return await hashing.matches(arguments["string"], stored, hasher)


def random_string(arguments: Arguments) -> str:
    """A random string of `length` characters, 32 when it is absent. Raises ValidationFailed."""
    sent = arguments.get("length")
    sent = DEFAULT_LENGTH if sent is None else sent
    length = None if isinstance(sent, bool) else number(sent)
    if length is None:
        raise _refused("length", NUMERIC)
    if not 1 <= length <= LONGEST_STRING:
        raise _refused("length", INVALID)
    return "".join(secrets.choice(POOL) for _ in range(int(length)))


def _most_rounds(session: Session) -> int:
    return PUBLIC_ROUNDS if session.actor.public else hashing.BCRYPT_MOST_ROUNDS


def _hasher(arguments: Arguments) -> str:
    return str(arguments.get("hasher") or "core")


def _check(arguments: Arguments, names: Iterable[str]) -> None:
    problems = []
    for name in names:
        value = arguments.get(name)
        if value is None or value == "":
            problems.append(Problem((name,), BLANK))
        elif not isinstance(value, str):
            problems.append(Problem((name,), STRING))
        elif len(value.encode(errors="surrogatepass")) > hashing.LONGEST:
            problems.append(Problem((name,), INVALID))
    if problems:
        raise ValidationFailed.of(problems)


def _refused(name: str, message: str) -> ValidationFailed:
    return ValidationFailed.of([Problem((name,), message)])
