"""In charge of cookies as HTTP has them: their names, values in a request, attributes (spec 02 §3.3, 7.3)."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import format_datetime
from urllib.parse import quote, unquote

from core.context import SessionCookie, SignInCookie
from core.settings import ProjectConfig

FORGOTTEN = datetime(1970, 1, 1, tzinfo=UTC)


def name(project: str) -> str:
    """The name of a project's session cookie."""
    return f"directus-{project}-session"


def sign_in(project: str) -> str:
    """The name of the cookie that remembers a sign-in elsewhere."""
    return f"directus-{project}-sso"


def value(header: str, wanted: str) -> str | None:
    """The value of a cookie in a `Cookie` header, decoded; None when it is not there."""
    for part in header.split(";"):
        found, equals, text = part.strip().partition("=")
        if equals and found == wanted:
            return unquote(text.strip('"')) or None
    return None


def header(cookie: SessionCookie, config: ProjectConfig) -> bytes:
    """The value of `Set-Cookie` for the session. A cookie that is to be forgotten has ended long ago."""
    return _header(name(config.key), cookie, config.get("cookie.same_site"), config)


def sign_in_header(cookie: SignInCookie, config: ProjectConfig) -> bytes:
    """The same for a sign-in elsewhere: Lax, because the browser comes back from another site."""
    return _header(sign_in(config.key), cookie, "Lax", config)


def _header(named: str, cookie: SessionCookie | SignInCookie, same_site: str, config: ProjectConfig) -> bytes:
    ends = cookie.expires if cookie.value is not None and cookie.expires is not None else FORGOTTEN
    parts = [
        f"{named}={quote(cookie.value or '', safe='-_.~')}",
        "path=/",
        f"expires={format_datetime(ends.astimezone(UTC), usegmt=True)}",
        "HttpOnly",
        f"SameSite={same_site}",
    ]
    if config.get("cookie.secure"):
        parts.append("Secure")
    return "; ".join(parts).encode("latin-1")
