"""In charge of signing in and out, renewing tokens and sessions over GraphQL (spec 02 §5)."""

from __future__ import annotations

from typing import Any

from ariadne import MutationType, QueryType

from core import passwords
from core.auth import login, presence
from core.context import COOKIE, SessionCookie
from resolvers.context import Info, Spliced


async def authenticate(
    _source: Any,
    info: Info,
    *,
    email: str | None = None,
    password: str | None = None,
    otp: str | None = None,
    mode: str | None = None,
) -> dict[str, Any]:
    """`auth_authenticate`. The session that was begun is an effect as well, so that both doors can set a cookie."""
    gate = await login.gate_of(info.context.visitor)
    result = await login.authenticate(gate, email=email, password=password, one_time=otp, mode=mode)
    if result.effect is not None:
        info.context.effects.append(result.effect)
    return {"token": result.token, "user": Spliced(dict(result.user)), "tfa_pending": result.tfa_pending}


async def refresh(_source: Any, info: Info, *, token: str | None = None) -> dict[str, Any]:
    """`auth_refresh`: a new token for one that is still valid."""
    return {"token": await login.refresh(await login.gate_of(info.context.visitor), token)}


async def logout(_source: Any, info: Info, *, user: str | None = None, session: str | None = None) -> bool:
    """`auth_logout`: whether the caller's own session has ended; then its cookie is to be forgotten."""
    call = info.context
    ended = await presence.end(await login.gate_of(call.visitor), user, session)
    if call.visitor.context.presented.kind == COOKIE and (ended or user is None):
        call.effects.append(SessionCookie())
    return ended


async def request_reset(_source: Any, info: Info, *, email: Any = None, reset_url: Any = None) -> bool:
    """`auth_password_request`: true, whoever that is."""
    await passwords.request_reset(info.context.visitor, email, reset_url)
    return True


async def reset(_source: Any, info: Info, *, token: Any = None, password: Any = None) -> bool:
    """`auth_password_reset`."""
    await passwords.reset(info.context.visitor, token, password)
    return True


async def check(_source: Any, info: Info) -> dict[str, Any]:
    """`auth_check`: whether the credential belongs to a session that lives."""
    here = await presence.present(await login.gate_of(info.context.visitor))
    return {"authenticated": here.session is not None}


async def sessions(_source: Any, info: Info) -> list[dict[str, Any]]:
    """`auth_sessions`: the caller's own."""
    return await presence.listed(await login.gate_of(info.context.visitor))


def bindables() -> list[QueryType | MutationType]:
    """The root fields of this module."""
    query, mutation = QueryType(), MutationType()
    query.set_field("auth_check", check)
    query.set_field("auth_sessions", sessions)
    mutation.set_field("auth_logout", logout)
    mutation.set_field("auth_password_request", request_reset)
    mutation.set_field("auth_password_reset", reset)
    mutation.set_field("auth_authenticate", authenticate)
    mutation.set_field("auth_refresh", refresh)
    return [query, mutation]
