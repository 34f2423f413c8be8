"""In charge of the JWTs that this server signs and accepts (spec 02 §3.1). It looks nobody up."""

from __future__ import annotations

import hashlib
import json
import warnings
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from core.errors import ExpiredToken, InvalidToken

if TYPE_CHECKING:
    from joserfc.jwk import OctKey  # imported by who needs it: with its cryptography it takes a seventh of a second

ALGORITHM = "HS256"
HEADER = {"typ": "JWT", "alg": ALGORITHM}
LONGEST = 4096
"""Characters of a token that are looked at; more is refused unseen."""
FOREVER = 2**53
"""No `exp` is as large: neither infinity nor what is no number at all is a moment."""


@dataclass(frozen=True, slots=True)
class RetiredKey:
    """A key that signs no more. What it has signed is taken before `until`, unix time."""

    secret: bytes = field(repr=False)
    until: float


@dataclass(frozen=True, slots=True)
class TokenKeys:
    """What ties tokens to a project: the key that signs, and the two claims that every token must repeat.

    `retired`: keys that were replaced, the latest first.
    """

    project: str
    public_key: str
    secret: bytes = field(repr=False)
    retired: tuple[RetiredKey, ...] = ()

    @classmethod
    def of(cls, project: str, public_key: str, secret_key: str, retired: Iterable[tuple[str, float]] = ()) -> TokenKeys:
        """Keys from a project's configuration; any length of secret is taken, as v8 does.

        `retired`: secrets and the unix times at which they end.
        """
        old = sorted((RetiredKey(secret.encode(), until) for secret, until in retired), key=lambda one: -one.until)
        return cls(project, public_key, secret_key.encode(), tuple(old))

    def secrets(self, now: float) -> tuple[bytes, ...]:
        """The secrets that count at a unix time: the one that signs, then those that have not ended."""
        return (self.secret, *(one.secret for one in self.retired if one.until > now))


def sign(keys: TokenKeys, kind: str, claims: Mapping[str, Any], *, expires: int, ttl: int | None = None) -> str:
    """A token of a kind (auth, request_token, reset_password, invitation).

    `expires`: unix time; `ttl`: minutes, told to the client. Claims in the order of the reference product.
    """
    payload: dict[str, Any] = {"id": claims["id"]} if "id" in claims else {}
    payload["exp"] = expires
    if ttl is not None:
        payload["ttl"] = ttl
    payload |= {"type": kind, "key": keys.public_key, "project": keys.project}
    payload |= {name: value for name, value in claims.items() if name not in payload}
    from joserfc import jwt

    return jwt.encode(HEADER, payload, _key(keys.secret), algorithms=[ALGORITHM])


def is_jwt(token: str) -> bool:
    """Three parts and a header whose `typ` is JWT. Anything else is a static token."""
    header = header_of(token) if len(token) <= LONGEST else None
    return header is not None and header.get("typ") == "JWT"


def header_of(token: str) -> dict[str, Any] | None:
    """The header of what has the form of a JWT, unverified."""
    parts = token.split(".")
    if len(parts) != 3:
        return None
    try:
        header = json.loads(_decode(parts[0]))
    except (ValueError, RecursionError):
        return None
    return header if isinstance(header, dict) else None


def verify(keys: TokenKeys, token: str, kind: str, *, now: float) -> dict[str, Any]:
    """The claims of a token of this kind.

    Raises InvalidToken (form, signature, algorithm, kind, key, project) or ExpiredToken. `now`: unix time.
    """
    return verify_with(keys, token, kind, now=now)[0]


def verify_with(keys: TokenKeys, token: str, kind: str, *, now: float) -> tuple[dict[str, Any], bool]:
    """As `verify`, and whether the key that signs today has signed it. A retired key ends before its tokens may."""
    claims, current = _decoded(keys, token, now)
    if claims.get("type") != kind:
        raise InvalidToken
    # A token of another project on this server may carry the same secret, when the operator copied a file.
    if claims.get("key") != keys.public_key or claims.get("project") != keys.project:
        raise InvalidToken
    expires = claims.get("exp")
    if isinstance(expires, bool) or not isinstance(expires, (int, float)) or not abs(expires) < FOREVER:
        raise InvalidToken
    if expires <= now:
        raise ExpiredToken
    return claims, current


def is_foreign(keys: TokenKeys, token: str, *, now: float) -> bool:
    """Whether a token that was refused is a well signed one for another project or public key."""
    try:
        claims, _ = _decoded(keys, token, now)
    except InvalidToken:
        return False
    return claims.get("key") != keys.public_key or claims.get("project") != keys.project


def _decoded(keys: TokenKeys, token: str, now: float) -> tuple[dict[str, Any], bool]:
    """The claims of a token that one of the keys has signed, and whether it was the present one."""
    from joserfc import jwt
    from joserfc.errors import JoseError

    if len(token) > LONGEST:
        raise InvalidToken
    for secret in keys.secrets(now):
        try:
            return jwt.decode(token, _key(secret), algorithms=[ALGORITHM]).claims, secret == keys.secret
        except (JoseError, ValueError, TypeError, RecursionError):
            continue
    raise InvalidToken


def peek_project(token: str) -> str | None:
    """The project that a JWT names, unverified: it only says where to look (spec 01 §1.1)."""
    if not is_jwt(token):
        return None
    try:
        claims = json.loads(_decode(token.split(".")[1]))
    except (ValueError, RecursionError):
        return None
    project = claims.get("project") if isinstance(claims, dict) else None
    return project if isinstance(project, str) else None


def fingerprint(token: str) -> str:
    """What is stored of a token: its SHA-256 as hex. Tokens are long and random, so no salt is needed."""
    return hashlib.sha256(token.encode()).hexdigest()


@lru_cache(maxsize=64)
def _key(secret: bytes) -> OctKey:
    from joserfc.errors import SecurityWarning
    from joserfc.jwk import OctKey

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SecurityWarning)
        return OctKey.import_key(secret)


def _decode(part: str) -> bytes:
    import base64

    if not part.isascii():
        raise ValueError("not base64")
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
