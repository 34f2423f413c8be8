"""In charge of the operations on the caller's own record (spec 02 §9.2, 9.4)."""

from __future__ import annotations

from typing import Any

from ariadne import MutationType, QueryType

from core.errors import ReadDenied, Unauthorized
from core.session import ME
from resolvers import items
from resolvers.binding import Root
from resolvers.context import Info, Spliced

USERS = Root("directus_users", "id")


async def me(_source: Any, info: Info) -> Spliced:
    """`users_me`. Raises Unauthorized for callers without an identity or without read level."""
    if info.context.visitor.actor.public:
        raise Unauthorized
    try:
        return await items.by_id(USERS, info, {"id": ME})
    except ReadDenied as error:
        raise Unauthorized from error


async def update_me(_source: Any, info: Info, **arguments: Any) -> Spliced:
    """`update_users_me`, as any update of the record with the caller's id."""
    return await items.update_item(USERS, info, {**arguments, "id": ME})


def bindables() -> list[QueryType | MutationType]:
    """The root fields of this module."""
    query, mutation = QueryType(), MutationType()
    query.set_field("users_me", me)
    mutation.set_field("update_users_me", update_me)
    return [query, mutation]
