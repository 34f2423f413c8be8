"""In charge of `send_mail` (spec 04 §8.1)."""

from __future__ import annotations

from typing import Any

from ariadne import MutationType

from core import mailing
from resolvers.context import Info
from resolvers.system.utilities import given


async def send(_source: Any, info: Info, *, payload: Any = None, **arguments: Any) -> bool:
    """`send_mail`: true once the transport has taken it."""
    await mailing.send(info.context.visitor, given(payload, arguments))
    return True


def bindables() -> list[MutationType]:
    """The root fields of this module."""
    mutation = MutationType()
    mutation.set_field("send_mail", send)
    return [mutation]
