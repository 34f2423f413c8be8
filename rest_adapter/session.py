"""In charge of who calls, from where and for which project, as far as HTTP tells it. It verifies no credential."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Protocol

from core.auth.credentials import Credentials, choose
from core.auth.tokens import peek_project
from core.errors import UnknownProject
from rest_adapter import cookies
from rest_adapter.request import Project, Request

STORED = ("uploads", "downloads")
"""First segments of paths whose second one is the project."""
GLOBAL = frozenset({"server", "interfaces", "modules", "layouts", "types", "projects", *STORED})
"""First segments that are no project (spec 01 §1.1); the empty path is global as well."""

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})

Network = IPv4Network | IPv6Network


class Projects(Protocol):
    """Where projects are found by key; raises UnknownProject."""

    def get(self, key: str) -> Project: ...


def locate(request: Request, projects: Projects) -> None:
    """Set the project of a request and take its key off the path (spec 01 §1.1). None: no project, or unknown."""
    path = request.path
    if path and path[0] not in GLOBAL:
        request.project = _known(projects, path[0])
        request.path = path[1:]
        return
    request.is_global = True
    if path[:1] and path[0] in STORED:
        request.project = _known(projects, path[1]) if len(path) > 1 else None
        return
    for key in (_claimed(request), _scalar(request, "project"), request.header(b"x-directus-project")):
        if key:
            request.project = _known(projects, key)
            return


async def credentials(request: Request, body_token: str | None = None) -> Credentials:
    """What the caller presents (spec 02 §4.1). `body_token`: `access_token` of a POST body, used as the last resort.

    A cookie that a foreign page may have sent is none. Raises DatabaseUnavailable.
    """
    token = _scalar(request, "access_token") if "access_token" in request.query else None
    cookie = await own_cookie(request) if b"cookie" in request.headers else None
    found = choose(access_token=token, authorization=request.header(b"authorization"), cookie=cookie)
    if found.token is None and body_token and b"authorization" not in request.headers:
        return choose(access_token=body_token)
    return found


async def remembered(request: Request) -> str | None:
    """What the browser keeps of a sign-in elsewhere, as `own_cookie` has the session (spec 02 §7.3)."""
    if b"cookie" not in request.headers or request.project is None:
        return None
    return await own_cookie(request, cookies.sign_in(request.project.config.key))


async def own_cookie(request: Request, name: str | None = None) -> str | None:
    """The session cookie, or another of ours, unless another site may have made the browser send it (spec 04 §9)."""
    if request.project is None:
        return None
    config = request.project.config
    value = cookies.value("; ".join(request.every(b"cookie")), name or cookies.name(config.key))
    if value is None:
        return None
    origin = request.header(b"origin")
    if origin is None:
        # Browsers name the origin of whatever may change something; what is old or no browser names none.
        site = (request.header(b"sec-fetch-site") or "").lower()
        foreign = site in ("cross-site", "same-site") and request.method not in SAFE
        return None if foreign else value
    own = _origin(await base_url(request))
    listed = {_origin(one) for one in config.cors.origin if one != "*"}
    return value if _origin(origin) in {own, *listed} else None


def _origin(url: str) -> str:
    """Scheme, host and port of a URL in one form, the usual ports left out."""
    scheme, _, rest = url.strip().lower().partition("://")
    host = rest.partition("/")[0]
    return f"{scheme}://{host.removesuffix({'http': ':80', 'https': ':443'}.get(scheme, ''))}"


async def address(request: Request) -> str:
    """The caller's address: the peer, or behind trusted proxies the right-most address that is none (spec 04 §11).

    Raises DatabaseUnavailable when the setting that names them cannot be read.
    """
    peer = _peer(request)
    if b"x-forwarded-for" not in request.headers or request.project is None:
        return peer
    trusted = await _trusted(request.project)
    if not trusted or not _within(peer, trusted):
        return peer
    hops = [hop.strip() for line in request.every(b"x-forwarded-for") for hop in line.split(",") if hop.strip()]
    for hop in reversed(hops):
        bare = _bare(hop)
        if not _within(bare, trusted):
            return bare
    return _bare(hops[0]) if hops else peer


async def base_url(request: Request) -> str:
    """Scheme, host and mount path that the caller used, without trailing slash (spec 04 §11).

    Forwarded headers count when the peer is a trusted proxy, or, while none is named, a private one.
    """
    project, scope, headers = request.project, request.scope, request.headers
    if project is not None and (public := project.config.tree.get("public_url")):
        return str(public).rstrip("/")
    scheme: str = scope.get("scheme", "http").replace("ws", "http", 1)
    host = (request.header(b"host") or "").strip()
    if b"x-forwarded-host" in headers or b"x-forwarded-proto" in headers or b"x-forwarded-port" in headers:
        trusted = await _trusted(project) if project is not None else ()
        if _within(_peer(request), trusted) if trusted else _private(_peer(request)):
            scheme, host = _forwarded(request, scheme, host)
    if not host:
        server = scope.get("server") or ("localhost", None)
        host = server[0] if server[1] in (None, 80, 443) else f"{server[0]}:{server[1]}"
    return f"{scheme}://{host}{scope.get('root_path', '').rstrip('/')}"


def _known(projects: Projects, key: str) -> Project | None:
    try:
        return projects.get(key)
    except UnknownProject:
        return None


def _claimed(request: Request) -> str | None:
    """The project that a bearer JWT names; a bearer that is no JWT names none."""
    scheme, _, token = (request.header(b"authorization") or "").strip().partition(" ")
    return peek_project(token.strip()) if scheme.lower() == "bearer" else None


def _scalar(request: Request, name: str) -> str | None:
    value = request.params.get(name)
    return value if isinstance(value, str) else None


def _peer(request: Request) -> str:
    client = request.scope.get("client")
    return client[0] if client else ""


async def _trusted(project: Project) -> tuple[Network, ...]:
    if not project.opened:
        await project.store()
    return _networks(project.snapshot.setting("trusted_proxies") or "")


@lru_cache(maxsize=256)
def _networks(text: str) -> tuple[Network, ...]:
    """The networks of a CSV of addresses and networks; what is neither trusts nobody."""
    found: list[Network] = []
    for part in text.split(","):
        try:
            found.append(ip_network(part.strip(), strict=False))
        except ValueError:
            continue
    return tuple(found)


def _within(text: str, networks: Sequence[Network]) -> bool:
    try:
        where = ip_address(text)
    except ValueError:
        return False
    mapped = getattr(where, "ipv4_mapped", None)
    where = mapped or where
    return any(where.version == network.version and where in network for network in networks)


def _private(text: str) -> bool:
    try:
        where = ip_address(text)
    except ValueError:
        return False
    where = getattr(where, "ipv4_mapped", None) or where
    return where.is_loopback or where.is_private


def _bare(hop: str) -> str:
    """An address without port and brackets, as proxies may write it."""
    if hop.startswith("["):
        return hop[1:].partition("]")[0]
    return hop.partition(":")[0] if hop.count(":") == 1 else hop


def _forwarded(request: Request, scheme: str, host: str) -> tuple[str, str]:
    """Scheme and host as the first proxy saw them: the first value of each header."""
    proto = (request.header(b"x-forwarded-proto") or "").partition(",")[0].strip().lower()
    if proto in ("http", "https"):
        scheme = proto
    forwarded = (request.header(b"x-forwarded-host") or "").partition(",")[0].strip()
    if forwarded:
        host = forwarded
    port = (request.header(b"x-forwarded-port") or "").partition(",")[0].strip()
    if port.isascii() and port.isdecimal():
        name = host if host.endswith("]") else host.rpartition(":")[0] if ":" in host else host
        host = name if port == {"http": "80", "https": "443"}[scheme] else f"{name}:{port}"
    return scheme, host
