"""In charge of the cross-origin headers of one project's configuration (spec 04 §9). Pure; it lets nobody in."""

from __future__ import annotations

from core.settings import CorsConfig

Headers = list[tuple[bytes, bytes]]

ALLOWED = ("X-Directus-Project", "Content-Type", "Authorization")
VARY = (b"vary", b"Origin")


def actual(config: CorsConfig, origin: str | None, *, known: bool = True) -> Headers:
    """Headers of an answer. `known`: a project is there; else only the origin is allowed."""
    found = _origin(config, origin)
    if not found or not known:
        return found
    if config.credentials:
        found.append((b"access-control-allow-credentials", b"true"))
    if config.exposed_headers:
        found.append((b"access-control-expose-headers", _csv(config.exposed_headers)))
    return found


def preflight(config: CorsConfig, origin: str | None) -> Headers:
    """Headers of the answer to OPTIONS."""
    found = actual(config, origin)
    if not config.enabled:
        return found
    found.append((b"access-control-allow-methods", _csv(config.methods)))
    found.append((b"access-control-allow-headers", ", ".join([*ALLOWED, *config.headers]).encode("latin-1")))
    if config.max_age is not None:
        found.append((b"access-control-max-age", str(config.max_age).encode()))
    return found


def _origin(config: CorsConfig, origin: str | None) -> Headers:
    if not config.enabled:
        return []
    if origin is not None and (origin in config.origin or "*" in config.origin):
        return [(b"access-control-allow-origin", origin.encode("latin-1")), VARY]
    if origin is None and "*" in config.origin:
        return [(b"access-control-allow-origin", b"*"), VARY]
    return [VARY]


def _csv(names: tuple[str, ...]) -> bytes:
    return ",".join(names).encode("latin-1")
