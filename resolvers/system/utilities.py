"""In charge of `utils_hash`, `utils_hash_match` and `utils_random_string` (spec 04 §8.2)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ariadne import MutationType

from core import utilities
from core.errors import Unprocessable
from resolvers.context import Info


async def hashed(_source: Any, info: Info, *, payload: Any = None, **arguments: Any) -> str:
    """`utils_hash`."""
    return await utilities.hashed(info.context.visitor, given(payload, arguments))


async def matched(_source: Any, info: Info, *, payload: Any = None, **arguments: Any) -> bool:
    """`utils_hash_match`."""
    return await utilities.matched(info.context.visitor, given(payload, arguments))


def random_string(_source: Any, _info: Info, *, payload: Any = None, **arguments: Any) -> str:
    """`utils_random_string`."""
    return utilities.random_string(given(payload, arguments))


def given(payload: Any, arguments: dict[str, Any]) -> dict[str, Any]:
    """The arguments, or the body of the REST route in their place."""
    if payload is None:
        return arguments
    if arguments or not isinstance(payload, Mapping):
        raise Unprocessable("`payload` is an object that takes the place of the other arguments.")
    return dict(payload)


def bindables() -> list[MutationType]:
    """The root fields of this module."""
    mutation = MutationType()
    mutation.set_field("utils_hash", hashed)
    mutation.set_field("utils_hash_match", matched)
    mutation.set_field("utils_random_string", random_string)
    return [mutation]
