"""In charge of turning what a call brings beside its result into response headers. It decides none of it."""

from __future__ import annotations

from core.context import Context

Headers = list[tuple[bytes, bytes]]

CHALLENGE = (b"www-authenticate", b'Bearer error="invalid_token"')


def headers(context: Context) -> Headers:
    """The challenge, when a credential was refused and the request went on as the public one (spec 02 §4.2)."""
    return [CHALLENGE] if context.credential_rejected else []
