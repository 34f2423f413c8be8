"""In charge of the steps of an installation one by one, as the command line of Directus 8 has them (spec 01 §14).

`Projects.create` does all of them at once. Whoever calls is the operator.
"""

from __future__ import annotations

import hmac
import secrets
import string
from collections.abc import Mapping
from typing import Any

from core.catalog.changes import log_change
from core.catalog.system import seed_rows
from core.errors import Forbidden, ProjectExists, Unauthorized
from core.files import places
from core.migrate.install import drop_system_tables, ensure, insert_into, install, is_installed
from core.projects.creation import NewProject
from core.projects.project import Project, connect
from core.projects.registry import SUPER_ADMIN_ONLY, Projects
from core.settings import ProjectConfig, files
from core.sql.ddl import quote

TOKEN_LENGTH = 16
TOKEN_LETTERS = string.ascii_letters + string.digits


def configure(projects: Projects, body: Mapping[str, Any], *, token: str | None, force: bool) -> str | None:
    """Write a project's file from the attributes of a creation body (spec 01 §11.3); no database is opened.

    The first project takes `token` as the super admin token, or a generated one, which is returned to be shown once;
    later ones must name it. Raises Forbidden, ValidationFailed, ProjectExists, Unauthorized, ConfigurationError.
    """
    data = projects.settings.data
    if projects.settings.use_environment or (data / ".lock").exists():
        raise Forbidden
    wanted = NewProject.of({**body, "existing": True}, data, trusted=True)
    present = [one for one in files.find(data) if one.key == wanted.key]
    if present and not force:
        raise ProjectExists(f'A project named "{wanted.key}" already exists.')
    stored = projects.settings.super_admin_token or files.read_token(data)
    generated = None
    if stored is None:
        if token is None:
            token = generated = "".join(secrets.choice(TOKEN_LETTERS) for _ in range(TOKEN_LENGTH))
    elif not hmac.compare_digest(stored.encode(), (token or "").encode()):
        raise Unauthorized(SUPER_ADMIN_ONLY)
    places.check(ProjectConfig.of(wanted.key, wanted.tree))
    path = files.write(data, wanted.key, wanted.tree, private=False)
    for one in present:
        if one.path != path:
            files.remove(one)
    if stored is None and token is not None:
        files.write_token(data, token)
    return generated


async def make_tables(project: Project, *, force: bool) -> None:
    """Make the system tables with their first rows, without a user; `force` drops those that are there.

    Raises ProjectExists (nothing is changed then), DatabaseUnavailable, DatabaseError.
    """
    store = await connect(project.config, project.data, pool_size=2)
    try:
        if force:
            await drop_system_tables(store)
        await install(store)
    finally:
        await store.close()


async def first_rows(project: Project, user: Mapping[str, Any], settings: Mapping[str, str]) -> None:
    """Write settings, and the admin: a new one for an unknown e-mail address, else user 1 and its password.

    `user`: email, password, token, timezone, locale. Tables without settings get the usual ones first. Raises
    NotInstalled, DatabaseUnavailable, and what a write of a user raises.
    """
    from core import accounts

    store = await connect(project.config, project.data, pool_size=2)
    try:
        if await is_installed(store):
            await ensure(store)
            await _write_settings(store, settings)
    finally:
        await store.close()
    await accounts.install_admin(project, user)


async def _write_settings(store: Any, settings: Mapping[str, str]) -> None:
    dialect = store.dialect
    key = quote("key", dialect)
    new = insert_into("directus_settings", ("key", "value"), dialect)
    one, other = {"sqlite": ("?", "?"), "postgres": ("$1", "$2"), "mysql": ("%s", "%s")}[dialect]
    async with store.write() as connection:
        present = {row[0] for row in await connection.rows(f"SELECT {key} FROM directus_settings")}  # noqa: S608
        if not present:
            rows = [(row["key"], row["value"]) for row in seed_rows("directus_settings") if row["key"] not in settings]
            await connection.execute_many(new, rows)
        for name, value in settings.items():
            if name in present:
                update = f"UPDATE directus_settings SET value = {one} WHERE {key} = {other}"  # noqa: S608
                await connection.execute(update, (value, name))
            else:
                await connection.execute(new, (name, value))
        await log_change(connection, "settings")
