"""In charge of `schema_snapshot`, `schema_diff` and `schema_apply`: the schema of a project as one document."""

from __future__ import annotations

from typing import Any

from ariadne import QueryType

from core.ddl import code
from resolvers.context import Info, Spliced


async def snapshot(_source: Any, info: Info) -> Spliced:
    """`schema_snapshot`. Raises Unauthorized for all but admins."""
    return Spliced(await code.snapshot(info.context.visitor))


def bindables() -> list[QueryType]:
    """The root fields of this module."""
    query = QueryType()
    query.set_field("schema_snapshot", snapshot)
    return [query]
