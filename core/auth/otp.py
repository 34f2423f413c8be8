"""In charge of one-time passwords (RFC 6238; spec 02 §6). It stores nothing.

Computed here: pyotp refuses the 80-bit secrets that every user of the reference product has.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac

STEP = 30
DIGITS = 6
WINDOW = 2
"""Steps before and after the present one that are accepted."""


def password_at(secret: str, step: int) -> str:
    """The password of a step (unix time // 30) for a base32 secret. Raises ValueError when it is none."""
    bare = secret.strip().replace(" ", "").upper().rstrip("=")
    try:
        key = base64.b32decode(bare + "=" * (-len(bare) % 8))
    except binascii.Error as error:
        raise ValueError("not base32") from error
    digest = hmac.new(key, step.to_bytes(8, "big"), hashlib.sha1).digest()
    offset = digest[-1] & 15
    number = int.from_bytes(digest[offset : offset + 4], "big") & 0x7FFFFFFF
    return f"{number % 10**DIGITS:0{DIGITS}}"


def matching_step(secret: str, otp: str, now: float) -> int | None:
    """The step whose password this is, or None. `now`: unix time. A secret that is no base32 matches nothing."""
    given = otp.strip().replace(" ", "")
    if not (given.isascii() and given.isdecimal()):
        return None
    present = int(now) // STEP
    try:
        for step in range(present - WINDOW, present + WINDOW + 1):
            if hmac.compare_digest(password_at(secret, step), given):
                return step
    except ValueError:
        return None
    return None
