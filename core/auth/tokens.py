"""In charge of the JWTs that this server signs and accepts (spec 02 §3.1). It looks nobody up."""

from __future__ import annotations

import hashlib
import json
import warnings
from collections.abc import Mapping
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


@dataclass(frozen=True, slots=True)
class TokenKeys:
    """What ties tokens to a project: the key that signs, and the two claims that every token must repeat."""

    project: str
    public_key: str
    secret: bytes = field(repr=False)

    @classmethod
    def of(cls, project: str, public_key: str, secret_key: str) -> TokenKeys:
        """Keys from a project's configuration; any length of secret is taken, as v8 does."""
        return cls(project, public_key, secret_key.encode())


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
    parts = token.split(".")
    if len(parts) != 3 or len(token) > LONGEST:
        return False
    try:
        header = json.loads(_decode(parts[0]))
    except ValueError:
        return False
    return isinstance(header, dict) and header.get("typ") == "JWT"


def verify(keys: TokenKeys, token: str, kind: str, *, now: float) -> dict[str, Any]:
    """The claims of a token of this kind.

    Raises InvalidToken (form, signature, algorithm, kind, key, project) or ExpiredToken. `now`: unix time.
    """
    from joserfc import jwt
    from joserfc.errors import JoseError

    if len(token) > LONGEST:
        raise InvalidToken
    try:
        decoded = jwt.decode(token, _key(keys.secret), algorithms=[ALGORITHM])
    except (JoseError, ValueError, TypeError, RecursionError):
        raise InvalidToken from None
    claims = decoded.claims
    if claims.get("type") != kind:
        raise InvalidToken
    # A token of another project on this server may carry the same secret, when the operator copied a file.
    if claims.get("key") != keys.public_key or claims.get("project") != keys.project:
        raise InvalidToken
    expires = claims.get("exp")
    if isinstance(expires, bool) or not isinstance(expires, (int, float)):
        raise InvalidToken
    if expires <= now:
        raise ExpiredToken
    return claims


def is_foreign(keys: TokenKeys, token: str) -> bool:
    """Whether a token that was refused is a well signed one for another project or public key."""
    from joserfc import jwt
    from joserfc.errors import JoseError

    try:
        claims = jwt.decode(token, _key(keys.secret), algorithms=[ALGORITHM]).claims
    except (JoseError, ValueError, TypeError, RecursionError):
        return False
    return claims.get("key") != keys.public_key or claims.get("project") != keys.project


def peek_project(token: str) -> str | None:
    """The project that a JWT names, unverified: it only says where to look (spec 01 §1.1)."""
    if not is_jwt(token):
        return None
    try:
        claims = json.loads(_decode(token.split(".")[1]))
    except ValueError:
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
