"""In charge of signing in elsewhere over GraphQL (spec 02 §7): where to go, what to remember, and why not."""

from __future__ import annotations

from typing import Any

from ariadne import MutationType, QueryType

from core.auth.sso import flow
from core.context import SignInCookie
from resolvers.context import Info, Spliced


async def providers(_source: Any, info: Info) -> list[dict[str, Any]]:
    """`auth_sso_providers`."""
    return flow.listed(info.context.visitor)


async def start(
    _source: Any,
    info: Info,
    *,
    provider: str,
    mode: str | None = None,
    redirect_url: str | None = None,
    referer: str | None = None,
) -> dict[str, Any]:
    """`auth_sso_start`."""
    begun = await flow.start(info.context.visitor, provider, mode=mode, redirect_url=redirect_url, referer=referer)
    info.context.effects.append(begun.cookie)
    return {"authorization_url": begun.url, "state": begun.state}


async def finish(_source: Any, info: Info, *, provider: str, **handed: str | None) -> dict[str, Any]:
    """`auth_sso_finish`. The browser forgets what it kept for this, however it ends; another's attempt leaves it."""
    call = info.context
    begun = flow.begun(call.visitor, provider, flow.Handed(**handed))
    call.effects.append(SignInCookie())
    done = await flow.finish(call.visitor, begun)
    if done.session is not None:
        call.effects.append(done.session)
    return {
        "location": done.location,
        "token": done.token,
        "user": None if done.user is None else Spliced(dict(done.user)),
        "code": None if done.error is None else done.error.code,
        "message": None if done.error is None else done.error.message,
    }


async def exchange(_source: Any, info: Info, *, provider: str, code: str | None = None) -> dict[str, Any]:
    """`auth_sso_exchange`."""
    return {"token": await flow.exchange(info.context.visitor, provider, code)}


async def token(_source: Any, info: Info, *, request_token: str | None = None) -> dict[str, Any]:
    """`auth_sso_token`."""
    return {"token": await flow.token(info.context.visitor, request_token)}


def bindables() -> list[QueryType | MutationType]:
    """The root fields of this module."""
    query, mutation = QueryType(), MutationType()
    query.set_field("auth_sso_providers", providers)
    mutation.set_field("auth_sso_start", start)
    mutation.set_field("auth_sso_finish", finish)
    mutation.set_field("auth_sso_exchange", exchange)
    mutation.set_field("auth_sso_token", token)
    return [query, mutation]
