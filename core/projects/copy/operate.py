"""In charge of copying a project of this server: which databases are meant, and the file of a project made of it."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from core.db.gateway import Store
from core.errors import DatabaseUnavailable, InvalidDatabaseConnection, ProjectExists, UnknownProject
from core.projects.copy import Copied, Report, copy
from core.projects.creation import NewProject
from core.projects.project import Project, connect
from core.projects.registry import Projects
from core.settings import ProjectConfig, files


async def copy_project(
    projects: Projects,
    key: str,
    to: Mapping[str, Any] | str,
    *,
    new_key: str | None = None,
    force: bool = False,
    report: Report | None = None,
) -> Copied:
    """Carry the database of a project into another.

    `to`: the key of another project, whose database is meant, or the database attributes of a creation body (spec 01
    §11.3). `new_key`: make a project of this key on it, configured like the first one, so that tokens stay valid.
    Raises UnknownProject, ProjectExists, ValidationFailed, InvalidDatabaseConnection, and what `copy` raises.
    """
    source = projects.get(key)
    data = projects.settings.data
    if new_key is not None and any(one.key == new_key for one in projects.all()):
        raise ProjectExists(f'A project named "{new_key}" already exists.')
    config, tree = _target(projects, source, to, new_key)
    reading = await connect(source.config, data, pool_size=4)
    try:
        writing = await _opened(config, data)
        try:
            copied = await copy(reading, writing, force=force, report=report)
        finally:
            await writing.close()
    finally:
        await reading.close()
    if new_key is not None:
        await asyncio.to_thread(files.write, data, new_key, tree, private=source.config.private)
    return copied


def _target(
    projects: Projects, source: Project, to: Mapping[str, Any] | str, new_key: str | None
) -> tuple[ProjectConfig, Mapping[str, Any]]:
    """The configuration that names the target database, and its tree as a file holds it."""
    if isinstance(to, str):
        found = projects.get(to)
        return found.config, {}
    wanted = NewProject.of(
        {**to, "project": new_key or source.key, "existing": True}, projects.settings.data, trusted=True
    )
    given = next((files.read(one.path) for one in files.find(projects.settings.data) if one.key == source.key), None)
    if given is None and new_key is not None:
        raise UnknownProject("A project of the environment has no file to begin with")
    tree = {**(given or wanted.tree), "database": wanted.tree["database"]}
    for name in [one for one in tree if one != "database" and one.lower() == "database"]:
        del tree[name]
    return ProjectConfig.of(new_key or source.key, tree), tree


async def _opened(config: ProjectConfig, data: Path) -> Store:
    if config.database.dialect == "sqlite":
        await asyncio.to_thread(_make_private, data / config.database.name)
    try:
        return await connect(config, data, pool_size=4)
    except DatabaseUnavailable:
        raise InvalidDatabaseConnection from None


def _make_private(path: Path) -> None:
    """An empty file that only its owner reads, unless there is one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with suppress(FileExistsError):
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
