"""In charge of the operations on the caller's own record (spec 02 §9.2)."""

from __future__ import annotations

from typing import Any

from ariadne import QueryType

from core.errors import ReadDenied, Unauthorized
from resolvers import items
from resolvers.binding import Root
from resolvers.context import Info, Spliced

USERS = Root("directus_users", "id")


async def me(_source: Any, info: Info) -> Spliced:
    """`users_me`. Raises Unauthorized for callers without an identity or without read level."""
    if info.context.visitor.actor.public:
        raise Unauthorized
    try:
        return await items.by_id(USERS, info, {"id": str(info.context.visitor.actor.user)})
    except ReadDenied as error:
        raise Unauthorized from error


def bindables() -> list[QueryType]:
    """The root fields of this module."""
    query = QueryType()
    query.set_field("users_me", me)
    return [query]
