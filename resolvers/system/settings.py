"""In charge of `settings_fields`: what describes the keys of settings, over GraphQL (spec 01 §10.3)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ariadne import QueryType

from core import configuration
from core.query.selection import Condition, ReadRequest, Row, Selection
from resolvers.context import Info
from resolvers.selection import PAGE, asked

WHOLE = Selection((Row("field"),))
COUNTED = frozenset({"result_count", "total_count", "filter_count", "page"})


async def fields(
    _source: Any,
    info: Info,
    *,
    where: Sequence[Condition] | None = None,
    q: str | None = None,
    sort: Sequence[str] | None = None,
    limit: int | None = None,
    offset: int | None = None,
    page: int | None = None,
) -> dict[str, Any]:
    """`settings_fields`: rows of directus_fields, whose database keys are null."""
    members = asked(info, "meta")
    request = ReadRequest(
        configuration.FIELDS,
        WHOLE,
        where=tuple(where or ()),
        q=q,
        sort=None if sort is None else tuple(sort),
        limit=limit,
        offset=offset,
        page=page,
        meta=frozenset(PAGE.get(name, name) for name in members) & COUNTED,
    )
    result = await configuration.fields(info.context.visitor, request)
    meta = {"collection": configuration.FIELDS, "type": "collection", **result.meta}
    return {"data": [item["field"] for item in result.items], "meta": meta}


def bindables() -> list[QueryType]:
    """The root fields of this module."""
    query = QueryType()
    query.set_field("settings_fields", fields)
    return [query]
