"""In charge of giving a project its extensions when it is opened: hooks and endpoints (spec 03 §14, 15; 04 §8.3).

An extension that cannot be loaded is logged and listed; it never keeps a project from opening.
"""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import structlog

from core.access.policy import NO_POLICY
from core.context import PUBLIC, Context
from core.endpoints.live import LiveEndpoints
from core.extend.items import doors
from core.extend.load import Extensions, extensions_of
from core.hooks.live import Happening, Limits, LiveHooks
from core.hooks.names import WITHIN
from core.hooks.payload import Payload
from core.hooks.registry import Registered
from core.session import Session

if TYPE_CHECKING:
    from core.projects.project import Project

__all__ = ["Extensions", "extend"]


async def extend(project: Project) -> None:
    """Load the extensions of a project whose database is open. Raises nothing."""
    found = await asyncio.to_thread(extensions_of, project.data, project.key)
    project.extensions = found
    _log(project, found)
    config = project.config
    if found.endpoints:
        seconds = max(1, config.get("hooks.endpoint_timeout", 60))
        project.endpoints = LiveEndpoints(project.key, found.endpoints, doors, seconds)
    registered = Registered.of(found.hooks)
    if not registered:
        return
    limits = Limits(
        within=max(1, config.get("hooks.timeout", 5)),
        after=max(1, config.get("hooks.action_timeout", 30)),
        queue=max(1, config.get("hooks.queue", 1000)),
    )
    project.hooks = LiveHooks(project.key, registered, doors, limits)
    nobody = Session(project, project.snapshot, NO_POLICY, Context(PUBLIC, datetime.now(UTC)))
    boot = Happening("application.boot", payload=Payload({"project": project.key}))
    await project.hooks.tell(nobody, [boot], WITHIN)


def _log(project: Project, found: Extensions) -> None:
    log = structlog.get_logger()
    for one in found.listed:
        if one.error is not None:
            log.error("extension not loaded", project=project.key, extension=one.place, error=one.error)
    if found.foreign:
        log.warning("PHP extensions are not run", project=project.key, files=list(found.foreign))
