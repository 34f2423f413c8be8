"""In charge of composing the server: settings → projects → GraphQL endpoint and REST routes. No behaviour of its own.

`app` is the ASGI application; it is put together when the server starts it, from the environment. `python app.py` is
`tabularium serve`.
"""

from __future__ import annotations

import asyncio
import gc
import os
import sys
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import core.telemetry.lean  # noqa: F401 - first, before anything imports structlog
import rest_adapter
from core.auth.credentials import choose
from core.errors import TabulariumError
from core.extensions import FOLDER
from core.projects import Projects, maintenance
from core.settings import ConfigurationError, Settings
from core.start import prepare
from core.telemetry.log import configure, logger
from rest_adapter import effects, errors, multipart, session
from rest_adapter.admin import AdminFiles
from rest_adapter.middleware import App
from rest_adapter.streams import begun_list
from schema import execute, operation
from schema.arrival import Arrival
from schema.endpoint import Endpoint
from schema.registry import edition

SWITCH_INTERVAL = 0.0005
"""Seconds after which a thread that computes lets another one go on."""


def compose(projects: Projects) -> App:
    """Both doors to these projects, as one ASGI application."""
    endpoint = Endpoint(projects, arrive, errors.answer, effects.headers, begun_list, take)
    settings = projects.settings
    return rest_adapter.app(
        projects,
        execute,
        endpoint,
        maintenance.is_paused,
        settings.data / FOLDER,
        operation.answer,
        AdminFiles(settings.admin_path, settings.admin_policy),
    )


async def arrive(scope: Any) -> Arrival:
    """What the adapter knows of a request, in the words of the GraphQL endpoint."""
    request = scope["tabularium.request"]
    return Arrival(
        project=request.project,
        server=len(request.called) == 1,
        credentials=await session.credentials(request),
        address=await session.address(request),
        user_agent=request.header(b"user-agent") or "",
        base_url=await session.base_url(request),
        remembered=await session.remembered(request),
        present=lambda token: choose(access_token=token),
    )


async def take(scope: Any, receive: Any, limit: int, most_files: int) -> multipart.Parts:
    """The parts of a body for the GraphQL endpoint, as the adapter takes them in."""
    request = scope["tabularium.request"]
    request.receive = receive
    return await multipart.read(request, limit + multipart.OVERHEAD, most_files=most_files)


class Application:
    """The server between start and stop. An ASGI server's lifespan starts and stops it; tests may do so themselves."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ
        self._projects: Projects | None = None
        self._doors: App | None = None
        self._warming: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Open the projects and compose the doors. Raises ConfigurationError and what a first start raises."""
        settings = Settings.read(self._environ)
        made = await prepare(settings)
        if made is not None and made.password is not None:
            # Started without the command line: whoever reads the log is the operator.
            logger().warning("first start", project=made.project, admin=made.email, password=made.password)
        self._projects = await Projects.open(settings, deliver=True)
        self._doors = compose(self._projects)
        self._warming = asyncio.get_running_loop().create_task(_warm(self._projects, settings.default_project))

    async def stop(self) -> None:
        """Close the projects."""
        if self._warming is not None:
            self._warming.cancel()
            with suppress(asyncio.CancelledError):
                await self._warming
        if self._projects is not None:
            await self._projects.close()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer a request, or the server's call to start and stop."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
            return
        assert self._doors is not None, "the application was not started: its server must support lifespan"
        await self._doors(scope, receive, send)

    async def _live(self, receive: Any, send: Any) -> None:
        await receive()
        configure()
        try:
            await self.start()
        except (ConfigurationError, TabulariumError) as error:
            await send({"type": "lifespan.startup.failed", "message": str(error)})
            return
        # What is there now stays for good: the garbage collector need not look at it again.
        gc.collect()
        gc.freeze()
        # Threads make new snapshots and schemas: requests shall not wait 5 ms for each turn meanwhile.
        sys.setswitchinterval(SWITCH_INTERVAL)
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await self.stop()
        await send({"type": "lifespan.shutdown.complete"})


async def _warm(projects: Projects, key: str | None) -> None:
    """Open the default project, so that its first request does not wait, and those that have something left to send.

    What fails will fail again for who asks.
    """
    if key is not None:
        with suppress(TabulariumError):
            project = projects.get(key)
            await project.store()
            await edition(project, project.snapshot)
    await projects.resume()


app = Application(os.environ)

if __name__ == "__main__":
    from core.cli import main

    main(["serve", *sys.argv[1:]])
