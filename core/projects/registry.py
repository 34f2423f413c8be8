"""In charge of which projects this server has: finding, making and deleting them. What one does is its own business.

Project files may appear and go while the server runs (another worker, the command line): the folder is looked at again
when its time stamp has changed.
"""

from __future__ import annotations

import asyncio
import hmac
import os
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import structlog

from core.auth import hashing, limits
from core.auth.login import BLANK
from core.auth.throttle import Throttle
from core.errors import (
    DatabaseUnavailable,
    Forbidden,
    InvalidDatabaseConnection,
    Problem,
    ProjectExists,
    TabulariumError,
    Unauthorized,
    UnknownProject,
    ValidationFailed,
)
from core.events import deliveries
from core.events.deliver import Courier
from core.files import places
from core.files.images import Images
from core.migrate.install import drop_system_tables, install, is_installed
from core.projects.creation import NewProject
from core.projects.project import Project, connect
from core.settings import ConfigurationError, ProjectConfig, Settings, files

LOOK_EVERY = 1.0
"""Seconds between two looks at the folder for projects that are known; unknown ones are looked for at once."""
SUPER_ADMIN_ONLY = "Permission denied: Superadmin Only"
MOST_FAILURES = 10
FAILURE_WINDOW = 600.0


class Projects:
    """The projects of one server process. Belongs to the event loop that uses it."""

    def __init__(self, settings: Settings, *, deliver: bool = False) -> None:
        self.settings = settings
        self._deliver = deliver
        self._images = Images(settings.image_workers)
        self._projects: dict[str, Project] = {}
        self._files: dict[str, files.ProjectFile] = {}
        self._stamp = -1
        self._look_again = 0.0
        self._changing = asyncio.Lock()
        self._failures = Throttle(MOST_FAILURES, FAILURE_WINDOW)
        self._retired: set[asyncio.Task[None]] = set()

    @classmethod
    async def open(cls, settings: Settings, *, deliver: bool = False) -> Projects:
        """Read the configuration of all projects; no database is opened yet. Raises ConfigurationError.

        `deliver`: what webhooks are told is sent from here, as long as a project is open.
        """
        projects = cls(settings, deliver=deliver)
        if settings.use_environment:
            config = ProjectConfig.of_environment(settings.project_variables)
            places.check(config)
            projects._projects["_"] = projects._made(config)
        else:
            projects._look(strict=True)
        for project in projects._projects.values():
            if project.config.has_short_secret:
                structlog.get_logger().warning("auth.secret_key is short and may be guessed", project=project.key)
        return projects

    async def close(self) -> None:
        """Close all projects."""
        await asyncio.gather(*(project.close() for project in self._projects.values()), *self._retired)
        await self._images.close()
        self._projects.clear()

    async def resume(self) -> None:
        """Open the projects that have deliveries left; the others are opened by their first request."""
        for project in self.all():
            with suppress(TabulariumError):
                if not project.opened and await _has_deliveries(project.config, self.settings.data):
                    await project.store()

    # Finding

    def get(self, key: str) -> Project:
        """The project of this key, in exactly this spelling. Raises UnknownProject."""
        project = self._projects.get(key)
        now = time.monotonic()
        if project is None or now >= self._look_again:
            self._look_again = now + LOOK_EVERY
            self._look()
            project = self._projects.get(key)
        if project is None:
            raise UnknownProject(f"Unknown Project: {key}")
        return project

    def keys(self) -> list[str]:
        """The keys that everybody may see, in order: all but those of private projects."""
        self._look()
        return sorted(key for key, project in self._projects.items() if not project.config.private)

    def all(self) -> list[Project]:
        """All projects, private ones as well, in order of their keys."""
        self._look()
        return [self._projects[key] for key in sorted(self._projects)]

    def __len__(self) -> int:
        self._look()
        return len(self._projects)

    def _look(self, *, strict: bool = False) -> None:
        """Bring the projects in line with the folder. A broken file is an error at the start and passed over later."""
        if self.settings.use_environment:
            return
        stamp = files.stamp(self.settings.data)
        if stamp == self._stamp:
            return
        try:
            found = {file.key: file for file in files.find(self.settings.data)}
        except ConfigurationError as error:
            if strict:
                raise
            structlog.get_logger().error("project files not read", error=str(error))
            return
        for key in self._projects.keys() - found.keys():
            self._retire(key)
        for key, file in found.items():
            if file != self._files.get(key):
                self._take(file, strict=strict)
        self._files, self._stamp = found, stamp

    def _take(self, file: files.ProjectFile, *, strict: bool) -> None:
        try:
            config = ProjectConfig.of(file.key, files.read(file.path), private=file.private)
            places.check(config)
        except ConfigurationError as error:
            if strict:
                raise ConfigurationError(f"{file.path.name}: {error}") from None
            structlog.get_logger().error("project not configured", project=file.key, error=str(error))
            return
        self._retire(file.key)
        self._projects[file.key] = self._made(config)

    def _made(self, config: ProjectConfig) -> Project:
        project = Project(config, self.settings.data)
        project.listens = self.settings.own_url
        project.variants.images = self._images
        if self._deliver:
            project.courier = Courier(config)
        return project

    def _retire(self, key: str) -> None:
        """Take a project off the list and close it; requests that hold it end first."""
        project = self._projects.pop(key, None)
        if project is not None:
            task = asyncio.get_running_loop().create_task(project.close(), name=f"{key}: close")
            self._retired.add(task)
            task.add_done_callback(self._retired.discard)

    # Making and deleting

    async def create(self, body: Mapping[str, Any], *, address: str = "", trusted: bool = False) -> Project:
        """Make a project (spec 01 §11.3): system tables, first user, configuration; user tables are left alone.

        `trusted`: asked for by the operator, who needs no token and may name any file. Raises Forbidden,
        ValidationFailed, Unauthorized, TooManyRequests, ProjectExists, InvalidDatabaseConnection.
        """
        return (await self.make(body, address=address, trusted=trusted))[0]

    async def make(self, body: Mapping[str, Any], *, address: str = "", trusted: bool = False) -> tuple[Project, bool]:
        """As `create`, and whether system tables with a first user were made: not where they were there already."""
        self._check_open_for_changes()
        wanted = NewProject.of(body, self.settings.data, trusted=trusted)
        async with self._changing:
            if not trusted:
                self._check_token(wanted.super_admin_token, address, first=len(self) == 0)
            if self._exists(wanted.key) and not wanted.force:
                raise ProjectExists(f'A project named "{wanted.key}" already exists.')
            config = ProjectConfig.of(wanted.key, wanted.tree, private=wanted.private)
            try:
                places.check(config)
            except ConfigurationError as error:
                raise ValidationFailed.of([Problem(("storage",), str(error))]) from None
            installed = await self._install(wanted, config)
            if wanted.super_admin_token and self._super_admin_token() is None:
                files.write_token(self.settings.data, wanted.super_admin_token)
            self._forget_file(
                wanted.key, keep=files.write(self.settings.data, wanted.key, wanted.tree, private=wanted.private)
            )
            self._stamp = -1
            return self.get(wanted.key), installed

    async def _install(self, wanted: NewProject, config: ProjectConfig) -> bool:
        if config.database.dialect == "sqlite":
            _make_private(self.settings.data / config.database.name)
        try:
            store = await connect(config, self.settings.data, pool_size=2)
        except DatabaseUnavailable:
            raise InvalidDatabaseConnection from None
        try:
            installed = await is_installed(store)
            if installed and not wanted.force and not wanted.existing:
                raise ProjectExists("The database already contains system tables.")
            if installed and wanted.existing:
                return False
            if not wanted.user_email:
                raise ValidationFailed.of([Problem((name,), BLANK) for name in ("user_email", "user_password")])
            if installed:
                await drop_system_tables(store)
            await install(
                store,
                admin_email=wanted.user_email,
                admin_password_hash=await hashing.hash_password(wanted.user_password, limits.hashing_cost(config)),
                admin_token=wanted.user_token,
                project_name=wanted.project_name,
                app_url=wanted.app_url,
                timezone=wanted.timezone,
                locale=wanted.locale,
            )
        finally:
            await store.close()
        return True

    async def delete(self, key: str, token: str | None, *, address: str = "", trusted: bool = False) -> None:
        """Drop a project's system tables and its configuration; user tables and files stay (spec 01 §11.3).

        Raises Forbidden, ValidationFailed, Unauthorized, TooManyRequests, UnknownProject, DatabaseUnavailable.
        """
        self._check_open_for_changes()
        if not trusted:
            if not token:
                raise ValidationFailed.of([Problem(("super_admin_token",), BLANK)])
            self._check_token(token, address, first=False)
        async with self._changing:
            project = self.get(key)
            store = await connect(project.config, self.settings.data, pool_size=2)
            try:
                if await is_installed(store):
                    await drop_system_tables(store)
            finally:
                await store.close()
            self._forget_file(key)
            self._stamp = -1
            self._look()

    def check_super_admin(self, token: str | None, *, address: str = "") -> None:
        """Raises ValidationFailed without a token, Unauthorized for a wrong one, TooManyRequests after many."""
        if not token:
            raise ValidationFailed.of([Problem(("super_admin_token",), BLANK)])
        self._check_token(token, address, first=False)

    def _super_admin_token(self) -> str | None:
        return self.settings.super_admin_token or files.read_token(self.settings.data)

    def _check_token(self, token: str, address: str, *, first: bool) -> None:
        stored = self._super_admin_token()
        if stored is None and first:
            return  # the first caller of an unclaimed server names its token
        now = time.monotonic()
        self._failures.check(address, now)
        if stored is None or not hmac.compare_digest(stored.encode(), token.encode()):
            self._failures.fail(address, now)
            raise Unauthorized(SUPER_ADMIN_ONLY)

    def _check_open_for_changes(self) -> None:
        if self.settings.use_environment or (self.settings.data / ".lock").exists():
            raise Forbidden

    def _exists(self, key: str) -> bool:
        self._look()
        return key in self._projects or key in self._files

    def _forget_file(self, key: str, keep: Any = None) -> None:
        file = self._files.get(key)
        if file is not None and file.path != keep:
            files.remove(file)


def _make_private(path: Path) -> None:
    """Make an empty file that only its owner reads, unless there is one: a database of users is going to be in it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with suppress(FileExistsError):
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))


async def _has_deliveries(config: ProjectConfig, data: Path) -> bool:
    """Whether something waits in the outbox of a project that is not open. Raises as `connect`, DatabaseError."""
    database = config.database
    if database.dialect == "sqlite" and not (data / database.name).exists():
        return False  # looking would make it
    store = await connect(config, data, pool_size=1)
    try:
        return await deliveries.waiting(store)
    finally:
        await store.close()
