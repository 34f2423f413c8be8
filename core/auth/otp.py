"""In charge of one-time passwords (RFC 6238; spec 02 §6). It stores nothing."""

from __future__ import annotations

import base64
import binascii
import hmac
import re

import pyotp

STEP = 30
LONGEST = 100
SECRET = re.compile(r"[A-Za-z2-7]+={0,6}")
WINDOW = 2
"""Steps before and after the present one that are accepted."""


class _Totp(pyotp.TOTP):
    """pyotp's, for secrets as they are in databases of Directus 8: 80 bits, which pyotp refuses (ADR 0006)."""

    def byte_secret(self) -> bytes:
        bare = self.secret.strip().replace(" ", "").upper().rstrip("=")
        try:
            return base64.b32decode(bare + "=" * (-len(bare) % 8))
        except binascii.Error as error:
            raise ValueError("not base32") from error


def new_secret() -> str:
    """A random secret of 160 bits, as base32."""
    return pyotp.random_base32(32)


def is_secret(text: str) -> bool:
    """Whether a text is base32 of at least 80 bits that the column holds."""
    return 16 <= len(text) <= LONGEST and SECRET.fullmatch(text) is not None


def once(user: int, step: int) -> str:
    """What is remembered of a one-time password that was used."""
    return f"otp {user} {step}"


def password_at(secret: str, step: int) -> str:
    """The password of a step (unix time // 30) for a base32 secret. Raises ValueError when it is none."""
    return _Totp(secret).generate_otp(step)


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
