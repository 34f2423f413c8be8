"""In charge of `permissions_me…` and `permission_explain`: what roles may do, and why (spec 02 §11)."""

from __future__ import annotations

from typing import Any

from ariadne import ObjectType, QueryType

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


async def explain(_source: Any, info: Info, *, collection: str, **asked: str | None) -> dict[str, Any]:
    """`permission_explain`: why somebody may do something, or may not."""
    given = {name: value for name, value in asked.items() if value is not None}
    return await permissions.explain(info.context.visitor, collection, **given)


def bindables() -> list[ObjectType]:
    """The root fields of this module, and the form of an explanation as a whole."""
    query, explanation = QueryType(), ObjectType("PermissionExplanation")
    query.set_field("permission_explain", explain)
    explanation.set_field("json", lambda source, _info: source)
    query.set_field("permissions_me", mine)
    query.set_field("permissions_me_by_collection", of_collection)
    return [query, explanation]
