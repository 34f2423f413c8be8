"""In charge of the operations that need no project (spec 01 §11.2, §11.3). They belong to the schema at /gql."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from typing import Any

from ariadne import MutationType, QueryType

from core.errors import InvalidPayload, NotInstalled
from resolvers.context import Info
from resolvers.system.project_info import DEFAULT_UPLOAD, VERSION

PHP = "7.4.0"
"""The installer compares it with its minimum, 7.1."""
EXTENSIONS = ("pdo", "mysqli", "curl", "gd", "fileinfo", "mbstring", "json")


def ping(_source: Any, _info: Info) -> str:
    """`server_ping`."""
    return "pong"


def projects(_source: Any, info: Info) -> list[str]:
    """`server_projects`: keys of projects that are not private. Raises NotInstalled (14) when there is none at all."""
    assert info.context.projects is not None
    if len(info.context.projects) == 0:
        raise NotInstalled
    return info.context.projects.keys()


def server_info(_source: Any, info: Info, *, super_admin_token: str | None = None) -> dict[str, Any]:
    """`server_info` (spec 01 §11.2): every key that the installer reads, with values it is content with.

    Raises ValidationFailed and Unauthorized for a missing or wrong token, once there is a project.
    """
    projects = info.context.projects
    assert projects is not None
    if len(projects) > 0:
        projects.check_super_admin(super_admin_token, address=info.context.address)
    python, system, release = platform.python_version(), platform.system(), platform.version()
    document = {
        "directus": VERSION,
        "server": {"type": "uvicorn", "rewrites": None, "os": system, "os_version": release},
        "php": {"version": PHP, "max_upload_size": DEFAULT_UPLOAD, "extensions": dict.fromkeys(EXTENSIONS, True)},
        "permissions": {"public": "0755", "logs": "0755", "uploads": "0755"},
        "python": {"version": python},
    }
    return {"version": VERSION, "python": python, "os": system, "json": document}


async def create(_source: Any, info: Info, *, data: Any = None, payload: Any = None) -> str:
    """`create_project`. The body carries its authority, the super admin token. Raises what `Projects.create` does."""
    assert info.context.projects is not None
    body = payload if data is None else {name: value for name, value in data.items() if value is not None}
    if not isinstance(body, Mapping) or not body:
        raise InvalidPayload
    project = await info.context.projects.create(body, address=info.context.address)
    return project.key


async def delete(_source: Any, info: Info, *, name: str, super_admin_token: str | None = None) -> str:
    """`delete_project`. Raises what `Projects.delete` does."""
    assert info.context.projects is not None
    await info.context.projects.delete(name, super_admin_token, address=info.context.address)
    return name


def bindables() -> list[QueryType | MutationType]:
    """The root fields of this module."""
    query, mutation = QueryType(), MutationType()
    query.set_field("server_ping", ping)
    query.set_field("server_projects", projects)
    query.set_field("server_info", server_info)
    mutation.set_field("create_project", create)
    mutation.set_field("delete_project", delete)
    return [query, mutation]
