"""In charge of where links in mails lead, and of who may be sent there (spec 04 §11, 02 §5.6). Pure.

Nothing that a request says of itself counts: its Host header would choose where secrets are sent.
"""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import quote, unquote, urlsplit

from core.catalog.model import Snapshot
from core.settings import ProjectConfig

PORTS = {"http": 80, "https": 443}


def base(config: ProjectConfig, snapshot: Snapshot, listens: str | None) -> str | None:
    """The base of links, without trailing slash; None when nothing names it.

    `listens`: the server's own address, when only this machine can reach it.
    """
    for found in (config.get("public_url"), snapshot.setting("app_url")):
        if found and origin(str(found)):
            return str(found).rstrip("/")
    return origin(snapshot.setting("project_url") or "") or listens


def origin(url: str) -> str | None:
    """Scheme, host and port of an http(s) URL in one form; None for anything else."""
    try:
        parts = urlsplit(url.strip())
        host, port = parts.hostname, parts.port
    except ValueError:
        return None
    if parts.scheme not in PORTS or not host or parts.username is not None or parts.password is not None:
        return None
    host = f"[{host}]" if ":" in host else host
    return f"{parts.scheme}://{host}" + ("" if port in (None, PORTS[parts.scheme]) else f":{port}")


def allowed(url: str, config: ProjectConfig, snapshot: Snapshot, listens: str | None, listed: Iterable[str]) -> bool:
    """Whether a link may lead to this URL: to our own places, origins that may use us, and what is `listed`.

    `listed`: origins, or URLs with which it must begin. Control characters and back slashes, which browsers read in
    their own ways, are never taken.
    """
    if any(character <= " " or character in "\\\x7f" for character in url):
        return False
    if not {".", ".."}.isdisjoint(unquote(urlsplit(url).path).split("/")):
        return False  # a browser takes the way up, out of what is listed
    found = origin(url)
    if found is None:
        return False
    own = (base(config, snapshot, listens), snapshot.setting("app_url"), snapshot.setting("project_url"))
    if found in {origin(one) for one in (*own, *config.cors.origin) if one}:
        return True
    return any(_begins(url, found, one) for one in listed)


def _begins(url: str, found: str, prefix: str) -> bool:
    if origin(prefix) != found:
        return False
    rest = urlsplit(prefix.strip())
    path = rest.path if not rest.query and not rest.fragment else None
    if path in ("", "/"):
        return True
    stem = prefix.strip()
    return url == stem or url.startswith(stem if stem.endswith(("/", "=", "?", "#")) else stem + "/")


def with_token(url: str, token: str, name: str = "token") -> str:
    """The URL with a parameter more: in the query, or inside a fragment that is a route of an app (`#/…`)."""
    head, mark, fragment = url.partition("#")
    if mark and fragment.startswith("/"):
        return f"{head}#{_joined(fragment, name, token)}"
    return _joined(head, name, token) + mark + fragment


def _joined(text: str, name: str, token: str) -> str:
    return f"{text}{'&' if '?' in text else '?'}{name}={quote(token, safe='')}"
