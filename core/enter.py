"""In charge of the door of a request: who calls, on which snapshot, under which policy. It runs nothing for anybody."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from core.auth.credentials import COOKIE, NONE, Credentials
from core.auth.limits import session_time
from core.auth.resolve import Resolved, resolve
from core.auth.sessions import EXTEND_EVERY, Moments, extend
from core.auth.whitelist import listed
from core.context import Context, SessionCookie
from core.errors import LocationNotAllowed
from core.session import Session

if TYPE_CHECKING:
    from core.projects import Project


async def enter(
    project: Project,
    credentials: Credentials = NONE,
    *,
    address: str = "",
    user_agent: str = "",
    base_url: str = "",
    now: datetime | None = None,
    check_address: bool = True,
    enrolling: bool = False,
    presented: Credentials | None = None,
    stamped: bool = False,
    counted: bool = False,
    remembered: str | None = None,
) -> Session:
    """Begin a request on a project (spec 02 §4).

    `presented`: what the caller brought, where `credentials` leaves it out. `check_address`: False for the routes of
    `/auth`, which no IP whitelist covers. `enrolling`: the request sets up the second factor. `now`: aware UTC.
    `remembered`: what the browser keeps of a sign-in elsewhere.
    `stamped`: the answer may be one that is kept, or be kept (`core.answers`).
    `counted`: it is one of the requests that a user may make within a while (spec 04 §10).
    Raises DatabaseUnavailable, NotInstalled, LocationNotAllowed, TooManyRequests.
    """
    now = now or datetime.now(UTC)
    store = await project.store()
    moments = Moments(project.snapshot, store.dialect)
    async with store.read() as connection:
        found = await resolve(
            project.keys,
            connection,
            credentials,
            now,
            moments=moments,
            enrolling=enrolling,
            verified=project.verified,
            stamped=stamped and project.answers is not None,
        )
    if found.head != project.head or found.head != project.snapshot.version:
        await project.refresh(found.head)
    if check_address and found.whitelist and not listed(address, found.whitelist):
        raise LocationNotAllowed
    limited = counted and project.rates is not None and not found.actor.public
    snapshot = project.snapshot
    return Session(
        project=project,
        snapshot=snapshot,
        stamp=found.stamp if snapshot.version == found.head else None,
        policy=await project.policy(found.actor.role),
        context=Context(
            actor=found.actor,
            now=now,
            address=address,
            user_agent=user_agent,
            base_url=base_url,
            mount=_path_of(base_url),
            credential_rejected=found.rejected,
            presented=presented or credentials,
            allowance=await project.rates.of_user(found.actor.user) if limited and project.rates else None,
            remembered=remembered,
            cookie=await _cookie(project, moments, credentials, found, now) if credentials.kind == COOKIE else None,
        ),
    )


async def _cookie(
    project: Project, moments: Moments, credentials: Credentials, found: Resolved, now: datetime
) -> SessionCookie | None:
    """What becomes of the cookie that was presented: one that is refused is forgotten, one in use lasts longer."""
    if found.ends is None or found.actor.session is None:
        return SessionCookie()
    expires = now + session_time(project.snapshot)
    if found.ends > expires - EXTEND_EVERY:
        return None
    async with (await project.store()).write() as connection:
        await extend(connection, moments, found.actor.session, expires)
    return SessionCookie(credentials.token, expires)


def _path_of(base_url: str) -> str:
    """The mount path of a base URL: "" or "/api"."""
    _, slash, path = base_url.partition("://")[2].partition("/")
    return slash + path


async def renewed(session: Session) -> Session | None:
    """The same request on the present snapshot and policy; None when the ones it has are the present ones.

    For a request whose statement was refused: the schema may have changed since it came in. Raises DatabaseUnavailable.
    """
    snapshot = await session.project.follow()
    if snapshot.collections is session.snapshot.collections:
        return None
    return replace(session, snapshot=snapshot, policy=await session.project.policy(session.actor.role))
