"""In charge of the operations that need no project (spec 01 §11.2, §11.3). They belong to the schema at /gql."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ariadne import MutationType, QueryType

from core.errors import InvalidPayload, NotInstalled
from resolvers.context import Info


def ping(_source: Any, _info: Info) -> str:
    """`server_ping`."""
    return "pong"


def projects(_source: Any, info: Info) -> list[str]:
    """`server_projects`: keys of projects that are not private. Raises NotInstalled (14) when there is none at all."""
    assert info.context.projects is not None
    if len(info.context.projects) == 0:
        raise NotInstalled
    return info.context.projects.keys()


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
    mutation.set_field("create_project", create)
    mutation.set_field("delete_project", delete)
    return [query, mutation]
