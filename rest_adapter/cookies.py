"""In charge of the session cookie as HTTP has it: its name, its value in a request, its attributes (spec 02 §3.3)."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import format_datetime
from urllib.parse import quote, unquote

from core.context import SessionCookie
from core.settings import ProjectConfig

FORGOTTEN = datetime(1970, 1, 1, tzinfo=UTC)


def name(project: str) -> str:
    """The name of a project's session cookie."""
    return f"directus-{project}-session"


def value(header: str, project: str) -> str | None:
    """The value of a project's session cookie in a `Cookie` header, decoded; None when it is not there."""
    wanted = name(project)
    for part in header.split(";"):
        found, equals, text = part.strip().partition("=")
        if equals and found == wanted:
            return unquote(text.strip('"')) or None
    return None


def header(cookie: SessionCookie, config: ProjectConfig) -> bytes:
    """The value of `Set-Cookie`. A cookie that is to be forgotten has ended long ago."""
    ends = cookie.expires if cookie.value is not None and cookie.expires is not None else FORGOTTEN
    parts = [
        f"{name(config.key)}={quote(cookie.value or '', safe='-_.~')}",
        "path=/",
        f"expires={format_datetime(ends.astimezone(UTC), usegmt=True)}",
        "HttpOnly",
        f"SameSite={config.get('cookie.same_site')}",
    ]
    if config.get("cookie.secure"):
        parts.append("Secure")
    return "; ".join(parts).encode("latin-1")
