"""In charge of turning what a call brings beside its result into response headers. It decides none of it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from core.context import SessionCookie
from core.session import Session
from rest_adapter import cookies

Headers = list[tuple[bytes, bytes]]

CHALLENGE = (b"www-authenticate", b'Bearer error="invalid_token"')


def headers(session: Session | None, effects: Iterable[Any] = ()) -> Headers:
    """The challenge, when a credential was refused and the request went on as the public one (spec 02 §4.2), and

    what becomes of the session cookie: what the operation says of it counts before what the request was met with.
    """
    if session is None:
        return []
    found: Headers = [CHALLENGE] if session.context.credential_rejected else []
    cookie = session.context.cookie
    for effect in effects:
        if isinstance(effect, SessionCookie):
            cookie = effect
    if cookie is not None:
        found.append((b"set-cookie", cookies.header(cookie, session.project.config)))
    return found
