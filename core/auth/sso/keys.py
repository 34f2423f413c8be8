"""In charge of the public keys of an issuer, and of whether one of them has signed a token. It fetches nothing."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from typing import Any

ASYMMETRIC = frozenset({"RSA", "EC", "OKP"})
SMALLEST_RSA = 2048
PRIVATE = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth"})


def public_keys(document: Any, most: int) -> list[Any]:
    """The keys of a JWKS that may sign, at most so many; shared secrets and short keys are left out."""
    from joserfc.errors import JoseError, SecurityWarning
    from joserfc.jwk import JWKRegistry

    given = document.get("keys") if isinstance(document, dict) else None
    found = []
    for one in given[:most] if isinstance(given, list) else ():
        kind = one.get("kty") if isinstance(one, dict) and one.get("use", "sig") == "sig" else None
        if not isinstance(kind, str) or kind not in ASYMMETRIC:
            continue
        public = {name: value for name, value in one.items() if name not in PRIVATE}
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", SecurityWarning)
                key = JWKRegistry.import_key(public)
            size = getattr(key.public_key, "key_size", SMALLEST_RSA)
        except (JoseError, ValueError, TypeError, KeyError, AttributeError):
            continue
        if kind != "RSA" or size >= SMALLEST_RSA:
            found.append(key)
    return found


def signed_by(token: str, keys: Iterable[Any], algorithms: Iterable[str]) -> dict[str, Any] | None:
    """The claims, if one of the keys has signed them."""
    from joserfc import jwt
    from joserfc.errors import JoseError

    for key in keys:
        try:
            return jwt.decode(token, key, algorithms=list(algorithms)).claims
        except (JoseError, ValueError, TypeError, KeyError, RecursionError):
            continue
    return None
