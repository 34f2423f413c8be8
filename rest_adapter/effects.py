"""In charge of turning what a call brings beside its result into response headers. It decides none of it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from core.context import Allowance, SessionCookie, SignInCookie
from core.errors import TabulariumError
from core.session import Session
from rest_adapter import cookies

Headers = list[tuple[bytes, bytes]]

LIMIT = b"x-ratelimit-limit"
CHALLENGE = (b"www-authenticate", b'Bearer error="invalid_token"')


def headers(session: Session | None, effects: Iterable[Any] = ()) -> Headers:
    """The challenge, when a credential was refused and the request went on as the public one (spec 02 §4.2), what

    becomes of cookies, and how often the caller may still ask: what the operation says counts before what the request
    was met with. `session`: None where nobody was let in.
    """
    found: Headers = []
    cookie = session.context.cookie if session is not None else None
    allowance = session.context.allowance if session is not None else None
    sign_in = None
    for effect in effects:
        if isinstance(effect, SessionCookie):
            cookie = effect
        elif isinstance(effect, SignInCookie):
            sign_in = effect
        elif isinstance(effect, Allowance):
            allowance = effect
    if session is not None and session.context.credential_rejected:
        found.append(CHALLENGE)
    if session is not None and cookie is not None:
        found.append((b"set-cookie", cookies.header(cookie, session.project.config)))
    if session is not None and sign_in is not None:
        found.append((b"set-cookie", cookies.sign_in_header(sign_in, session.project.config)))
    if allowance is not None:
        found += of_allowance(allowance)
    return found


def of_error(error: Exception) -> Headers:
    """What a refusal brings beside its body: when to ask again (spec 04 §10)."""
    return headers(None, error.details.get("effects", ())) if isinstance(error, TabulariumError) else []


def of_allowance(allowance: Allowance) -> Headers:
    """The headers of a limited answer."""
    found = [
        (LIMIT, b"%d" % allowance.limit),
        (b"x-ratelimit-remaining", b"%d" % allowance.remaining),
        (b"x-ratelimit-reset", b"%d" % allowance.reset),
    ]
    return [*found, (b"retry-after", b"%d" % allowance.left)] if allowance.exceeded else found
