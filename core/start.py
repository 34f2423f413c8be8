"""In charge of the first start: a server without projects gets one, with an admin and a demo. It serves nothing.

Every way of starting comes through here, several workers at once too: a lock in the data folder lets one do the work,
and the others find it done.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from core import demo
from core.auth import hashing, limits
from core.db.gateway import Store
from core.migrate.install import ensure, install, is_installed
from core.projects import Project, Projects
from core.projects.project import connect
from core.settings import Settings, files

Report = Callable[[str, int, int], None]
"""Told what was just done, how many steps are done, and of how many."""

FIRST_DATABASE = "{}.db"


@dataclass(frozen=True, slots=True)
class FirstStart:
    """What was made. `password` and `super_admin_token` only when they were generated here: to be shown once."""

    project: str
    email: str
    demo: bool
    password: str | None = field(default=None, repr=False)
    super_admin_token: str | None = field(default=None, repr=False)


async def prepare(settings: Settings, report: Report | None = None) -> FirstStart | None:
    """Make the first project if there is none; None when nothing had to be done.

    Raises ConfigurationError, DatabaseUnavailable, ValidationFailed (the admin's e-mail address is none).
    """
    if settings.default_project is None:
        return None
    settings.data.mkdir(parents=True, exist_ok=True, mode=0o700)
    async with _alone(settings.data / ".first-start"):
        projects = await Projects.open(settings)
        try:
            if settings.use_environment:
                return await _install(settings, projects.get(settings.default_project), report)
            return None if len(projects) else await _create(settings, projects, settings.default_project, report)
        finally:
            await projects.close()


async def _create(settings: Settings, projects: Projects, key: str, report: Report | None) -> FirstStart:
    password = settings.admin_password or secrets.token_urlsafe(12)
    unclaimed = settings.super_admin_token is None and files.read_token(settings.data) is None
    token = secrets.token_urlsafe(24) if unclaimed else None
    body = {
        "project": key,
        "super_admin_token": token,
        "db_type": "sqlite",
        "db_name": FIRST_DATABASE.format(key),
        "user_email": settings.admin_email,
        "user_password": password,
        "user_token": settings.admin_token,
        "project_name": "The Lantern" if settings.demo else "Tabularium",
    }
    project = await projects.create(body, trusted=True)
    if settings.demo:
        try:
            await demo.load(await project.store(), report)
        except BaseException:
            await projects.delete(key, None, trusted=True)
            raise
    generated = None if settings.admin_password else password
    return FirstStart(key, settings.admin_email, settings.demo, generated, token)


async def _install(settings: Settings, project: Project, report: Report | None) -> FirstStart | None:
    """System tables in the database that the environment names, if it has none; no demo among somebody's tables."""
    store: Store = await connect(project.config, settings.data, pool_size=2)
    try:
        if await is_installed(store):
            await ensure(store)
            return None
        password = settings.admin_password or secrets.token_urlsafe(12)
        await install(
            store,
            admin_email=settings.admin_email,
            admin_password_hash=await hashing.hash_password(password, limits.hashing_cost(project.config)),
            admin_token=settings.admin_token,
            project_name="Tabularium",
        )
    finally:
        await store.close()
    return FirstStart(project.key, settings.admin_email, False, None if settings.admin_password else password)


@asynccontextmanager
async def _alone(path: Path) -> AsyncIterator[None]:
    """One process at a time, as far as the system has file locks; a process that dies gives it up."""
    try:
        import fcntl
    except ImportError:  # Windows: one worker
        yield
        return
    with path.open("w") as file:
        await asyncio.to_thread(fcntl.flock, file, fcntl.LOCK_EX)
        yield
