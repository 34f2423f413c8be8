"""In charge of `permissions_me` and `permissions_me_by_collection`: what the caller's role may do (spec 02 §11)."""

from __future__ import annotations

from typing import Any

from ariadne import QueryType

from core import permissions
from resolvers.context import Info, Spliced
from resolvers.selection import item_shape


async def mine(_source: Any, info: Info) -> Spliced:
    """`permissions_me`: all rows of the caller's role."""
    return Spliced(await permissions.mine(info.context.visitor, item_shape(info).selection))


async def of_collection(_source: Any, info: Info, *, collection: str) -> Spliced:
    """`permissions_me_by_collection`: the row that decides on a collection, or those of its statuses."""
    shape = item_shape(info)
    return Spliced(await permissions.of_collection(info.context.visitor, shape.selection, collection))


def bindables() -> list[QueryType]:
    """The root fields of this module."""
    query = QueryType()
    query.set_field("permissions_me", mine)
    query.set_field("permissions_me_by_collection", of_collection)
    return [query]
