"""In charge of what a browser remembers while its user signs in elsewhere: a signed text, for one use. Pure.

It is bound to the project and to this purpose by the key that signs it, to the browser by being its cookie, and to one
round trip by the state (of OAuth 1.0a the request token) that the provider hands back.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import asdict, dataclass, field, fields
from datetime import datetime
from typing import TYPE_CHECKING, Any

from core.auth.tokens import TokenKeys

if TYPE_CHECKING:
    from itsdangerous import URLSafeSerializer

LIFE = 600
"""Seconds that a sign-in elsewhere may take."""
LONGEST = 3800
"""Characters of a cookie that are looked at; browsers keep no longer ones."""


@dataclass(frozen=True, slots=True)
class Pending:
    """A sign-in that was begun. `mode`: jwt or cookie. `target`: where the browser goes in the end, if anywhere.

    `callback`: the URL that the provider was told. `verifier`: of PKCE; of OAuth 1.0a the secret of the request token.
    `expires`: unix time.
    """

    provider: str
    state: str = field(repr=False)
    mode: str
    target: str | None
    callback: str
    nonce: str = field(repr=False)
    verifier: str = field(repr=False)
    expires: int


def seal(keys: TokenKeys, pending: Pending, now: datetime) -> str:
    """The value of the cookie."""
    return str(_serializer(keys, now).dumps(asdict(pending)))


def opened(keys: TokenKeys, value: str | None, now: datetime) -> Pending | None:
    """What a cookie holds; None for one that is not ours, of another project or purpose, or too old."""
    from itsdangerous import BadData

    if not value or len(value) > LONGEST:
        return None
    try:
        found: Any = _serializer(keys, now).loads(value)
        pending = Pending(**{one.name: found[one.name] for one in fields(Pending)})
    except (BadData, KeyError, TypeError, ValueError, RecursionError):
        return None
    return pending if pending.expires > now.timestamp() else None


def matches(pending: Pending, provider: str, state: str | None) -> bool:
    """Whether what a provider hands back belongs to this sign-in."""
    return pending.provider == provider and hmac.compare_digest(
        pending.state.encode(), (state or "").encode("utf-8", "replace")
    )


def _serializer(keys: TokenKeys, now: datetime) -> URLSafeSerializer:
    from itsdangerous import URLSafeSerializer

    return URLSafeSerializer(
        list(reversed(keys.secrets(now.timestamp()))),  # the last one signs
        salt=f"tabularium sso state\n{keys.project}\n{keys.public_key}",
        signer_kwargs={"key_derivation": "hmac", "digest_method": hashlib.sha256},
    )
