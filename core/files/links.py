"""In charge of links to single files that end: what such a link is bound to, and whether it still counts.

A link stands in the place of the file's hash and does not tell it. It is bound to the project, the file, its present
hash, and what was asked for; with a new hash all links to a file end.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from core.errors import ExpiredToken
from core.settings import ProjectConfig

if TYPE_CHECKING:
    from itsdangerous import URLSafeSerializer

USUAL, LONGEST = 3600, 7 * 24 * 3600
"""Seconds that a link counts: usually, and at most."""
SHORTEST_TOKEN = 40
NAMES = ("key", "w", "h", "f", "q", "format")
PIN = 16


@dataclass(frozen=True, slots=True)
class Link:
    """What a link says: the id of a file, a digest of its hash, what of it is meant, and until when (unix time)."""

    file: int
    pin: str
    wanted: Mapping[str, str]
    ends: int


def pin_of(config: ProjectConfig, private_hash: str | None) -> str:
    """A digest of the hash of a file that only this server can make."""
    return hmac.new(_key(config), (private_hash or "").encode(errors="replace"), "sha256").hexdigest()[:PIN]


def token_of(config: ProjectConfig, link: Link) -> str:
    """The text that stands for the link in a URL."""
    return str(_serializer(config).dumps([link.file, link.pin, link.ends, dict(link.wanted)]))


def link_of(config: ProjectConfig, text: str, now: float) -> Link | None:
    """The link that a text stands for; None for any other text. Raises ExpiredToken."""
    if len(text) < SHORTEST_TOKEN or "." not in text or not text.isascii():
        return None
    from itsdangerous import BadData

    try:
        file, pin, ends, wanted = _serializer(config).loads(text)
    except BadData:
        return None
    if ends <= now:
        raise ExpiredToken
    return Link(file, pin, wanted, ends)


def _serializer(config: ProjectConfig) -> URLSafeSerializer:
    from itsdangerous import URLSafeSerializer

    return URLSafeSerializer(
        _key(config), salt=b"asset", signer_kwargs={"key_derivation": "hmac", "digest_method": hashlib.sha256}
    )


def _key(config: ProjectConfig) -> bytes:
    """A key of its own: what signs links signs nothing else, and no other project's."""
    return hmac.new(config.secret_key.encode(), f"assets of {config.key}".encode(), "sha256").digest()


def shown(wanted: Mapping[str, Any]) -> dict[str, str]:
    """What a link says of a variant: the parameters that count, as text."""
    names = ("key", "format") if wanted.get("key") else NAMES
    return {name: str(wanted[name]) for name in names if wanted.get(name) not in (None, "")}
