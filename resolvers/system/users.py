"""In charge of the operations on users that are not those of all items (spec 02 §6, 9)."""

from __future__ import annotations

from typing import Any

from ariadne import MutationType, QueryType

from core import invitations, users
from core.errors import ReadDenied, Unauthorized
from core.session import ME
from resolvers import items
from resolvers.binding import Root
from resolvers.context import Info, Spliced
from resolvers.selection import item_shape

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


async def track_page(_source: Any, info: Info, *, id: str, last_page: Any = None) -> Spliced:
    """`users_track_page`: the user; null where the caller may not read it."""
    shape = item_shape(info)
    result = await users.track_page(info.context.visitor, id, last_page, shape.selection)
    return Spliced(result.items[0] if result.items else None)


async def enable_tfa(_source: Any, info: Info, *, id: str, secret: Any = None, otp: Any = None) -> Spliced:
    """`users_tfa_enable`."""
    result = await users.enable_tfa(info.context.visitor, id, secret, otp, item_shape(info).selection)
    return Spliced(result.items[0])


async def disable_tfa(_source: Any, info: Info, *, id: str) -> Spliced:
    """`users_tfa_disable`."""
    return Spliced((await users.disable_tfa(info.context.visitor, id, item_shape(info).selection)).items[0])


def tfa_secret(_source: Any, _info: Info) -> str:
    """`users_tfa_secret`: a new one, stored nowhere."""
    return users.new_secret()


async def invite(_source: Any, info: Info, *, email: Any = None, invite_url: Any = None) -> Spliced:
    """`users_invite`: the users of these addresses."""
    result = await invitations.invite(info.context.visitor, email, invite_url, item_shape(info).selection)
    return Spliced(result.items)


async def accept(_source: Any, info: Info, *, token: Any = None, password: Any = None) -> Spliced:
    """`users_invite_accept`: the user as it was."""
    return Spliced(await invitations.accept(info.context.visitor, token, password, item_shape(info).selection))


def bindables() -> list[QueryType | MutationType]:
    """The root fields of this module."""
    query, mutation = QueryType(), MutationType()
    query.set_field("users_me", me)
    query.set_field("users_tfa_secret", tfa_secret)
    mutation.set_field("update_users_me", update_me)
    mutation.set_field("users_track_page", track_page)
    mutation.set_field("users_invite", invite)
    mutation.set_field("users_invite_accept", accept)
    mutation.set_field("users_tfa_enable", enable_tfa)
    mutation.set_field("users_tfa_disable", disable_tfa)
    return [query, mutation]
