"""In charge of what the value of a session cookie is: ours, or one that Directus 8 encrypted (spec 02 §3.3). No I/O."""

from __future__ import annotations

import base64
import binascii
import hashlib

from core.auth.tokens import TokenKeys, fingerprint

LONGEST = 1024
"""Characters of a cookie that are looked at; more is refused unseen."""
MARK = "::"
BLOCK = 16


def known_by(keys: TokenKeys, value: str, *, now: float) -> str | None:
    """What the row of the session holds of this cookie: the digest of ours, the text inside of one of v8.

    None when it can be neither. `now`: unix time; cookies of v8 need a key that has not ended.
    """
    if not value or len(value) > LONGEST:
        return None
    if MARK not in value:
        return fingerprint(value)
    # What another key makes of it is noise, and hardly ever text.
    found = (_decrypted(secret, value) for secret in keys.secrets(now))
    return next((text for text in found if text is not None), None)


def _decrypted(secret: bytes, value: str) -> str | None:
    """AES-128-CTR, base64, then `::` and the initial vector as hex. Nothing of v8 proves that it is untouched:

    what comes out counts only when a row holds it.
    """
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

    text, _, vector = value.partition(MARK)
    try:
        body, start = base64.b64decode(text, validate=True), bytes.fromhex(vector)
    except (binascii.Error, ValueError):
        return None
    if len(start) != BLOCK or not body:
        return None
    key = hashlib.sha256(secret).digest()[:BLOCK]
    decryptor = Cipher(algorithms.AES(key), modes.CTR(start)).decryptor()
    plain = decryptor.update(body) + decryptor.finalize()
    return plain.decode("ascii") if plain.isascii() and b"\0" not in plain else None
