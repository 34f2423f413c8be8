"""In charge of what a caller presents, and which of several wins (spec 02 §4.1). It verifies nothing."""

from __future__ import annotations

import base64
import binascii

from core.context import COOKIE, NONE, Credentials

__all__ = ["COOKIE", "NONE", "Credentials", "choose"]

SCHEME_BASIC = "basic"
SCHEME_BEARER = "bearer"


def choose(
    *, access_token: str | None = None, authorization: str | None = None, cookie: str | None = None
) -> Credentials:
    """The credentials of a request: the first source that has something wins.

    `access_token`: from query or body, `authorization`: the header as sent, `cookie`: value of the session cookie.
    """
    if access_token:
        return Credentials("query", access_token)
    scheme, _, rest = (authorization or "").strip().partition(" ")
    rest = rest.strip()
    if scheme.lower() == SCHEME_BASIC:
        token = _basic(rest)
        return Credentials("basic", token) if token else NONE  # Basic of another form is public, without fallback
    if scheme.lower() == SCHEME_BEARER and rest:
        return Credentials("bearer", rest)
    if cookie:
        return Credentials(COOKIE, cookie)
    return NONE


def _basic(encoded: str) -> str | None:
    """The token of a Basic header: the user name, when the password is empty or the same."""
    try:
        text = base64.b64decode(encoded, validate=True).decode("utf-8")
    except (binascii.Error, ValueError):
        return None
    user, _, password = text.partition(":")
    return user if user and password in ("", user) else None
