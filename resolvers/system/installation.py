"""In charge of what a signed-in user may ask of the installation behind a project: types, extensions, its upgrade.

Unlike those of `resolvers.system.server`, these operations need a project (spec 01 §11.4, 12).
"""

from __future__ import annotations

from typing import Any

from ariadne import MutationType, QueryType

from core import extensions
from core.catalog.derive import FIELD_TYPES
from core.errors import NotAuthenticated, Unauthorized
from core.session import Session
from resolvers.context import Info, Spliced

ADMIN_ONLY = "Permission denied: Admin Only"


def types(_source: Any, info: Info) -> list[dict[str, str]]:
    """`server_types`. Raises NotAuthenticated."""
    _user(info)
    return [{"name": name} for name in FIELD_TYPES]


async def interfaces(_source: Any, info: Info) -> list[dict[str, Any]]:
    """`server_interfaces`. Raises NotAuthenticated."""
    return await _extensions(info, "interfaces")


async def layouts(_source: Any, info: Info) -> list[dict[str, Any]]:
    """`server_layouts`. Raises NotAuthenticated."""
    return await _extensions(info, "layouts")


async def modules(_source: Any, info: Info) -> list[dict[str, Any]]:
    """`server_modules`. Raises NotAuthenticated."""
    return await _extensions(info, "modules")


async def _extensions(info: Info, kind: str) -> list[dict[str, Any]]:
    found = await extensions.listed(_user(info).project.data, kind)
    return [{"id": one["id"], "path": one["path"], "name": _text(one), "json": Spliced(dict(one))} for one in found]


def _text(one: dict[str, Any]) -> str | None:
    name = one.get("name")
    return name if isinstance(name, str) else None


async def upgrade(_source: Any, info: Info) -> bool:
    """`update_project`: the steps of an upgrade that are still to be run. Raises Unauthorized for all but admins."""
    session = info.context.visitor
    if not session.actor.admin:
        raise Unauthorized(ADMIN_ONLY)
    return bool(await session.project.upgrade())


def _user(info: Info) -> Session:
    session = info.context.visitor
    if session.actor.public:
        raise NotAuthenticated
    return session


def bindables() -> list[QueryType | MutationType]:
    """The root fields of this module."""
    query, mutation = QueryType(), MutationType()
    query.set_field("server_types", types)
    query.set_field("server_interfaces", interfaces)
    query.set_field("server_layouts", layouts)
    query.set_field("server_modules", modules)
    mutation.set_field("update_project", upgrade)
    return [query, mutation]
