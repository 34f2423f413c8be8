"""In charge of the door of a request: who calls, on which snapshot, under which policy. It runs nothing for anybody."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from core.auth.credentials import NONE, Credentials
from core.auth.resolve import resolve
from core.auth.whitelist import listed
from core.context import Context
from core.errors import LocationNotAllowed
from core.projects import Project
from core.session import Session


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
) -> Session:
    """Begin a request on a project (spec 02 §4).

    `check_address`: False for the routes of `/auth`, which no IP whitelist covers. `enrolling`: the request sets up
    the second factor. `now`: aware UTC. Raises DatabaseUnavailable, NotInstalled, LocationNotAllowed.
    """
    now = now or datetime.now(UTC)
    store = await project.store()
    async with store.read() as connection:
        found = await resolve(
            project.keys, connection, credentials, now, enrolling=enrolling, verified=project.verified
        )
    if found.head != project.head:
        await project.refresh(found.head)
    if check_address and found.whitelist and not listed(address, found.whitelist):
        raise LocationNotAllowed
    return Session(
        project=project,
        snapshot=project.snapshot,
        policy=await project.policy(found.actor.role),
        context=Context(
            actor=found.actor,
            now=now,
            address=address,
            user_agent=user_agent,
            base_url=base_url,
            mount=_path_of(base_url),
            credential_rejected=found.rejected,
        ),
    )


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
