"""In charge of signing in and renewing tokens over GraphQL (spec 02 §5.1, §5.2)."""

from __future__ import annotations

from typing import Any

from ariadne import MutationType

from core.auth import login
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
    info.context.effects.append(result)
    return {"token": result.token, "user": Spliced(dict(result.user)), "tfa_pending": result.tfa_pending}


async def refresh(_source: Any, info: Info, *, token: str | None = None) -> dict[str, Any]:
    """`auth_refresh`: a new token for one that is still valid."""
    return {"token": await login.refresh(await login.gate_of(info.context.visitor), token)}


def bindables() -> list[MutationType]:
    """The root fields of this module."""
    mutation = MutationType()
    mutation.set_field("auth_authenticate", authenticate)
    mutation.set_field("auth_refresh", refresh)
    return [mutation]
