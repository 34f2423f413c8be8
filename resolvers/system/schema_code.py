"""In charge of `schema_snapshot`, `schema_diff` and `schema_apply`: the schema of a project as one document."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from ariadne import MutationType, QueryType

from core.ddl import code
from resolvers.context import Info, Spliced
from resolvers.system.alteration import renew


async def snapshot(_source: Any, info: Info) -> Spliced:
    """`schema_snapshot`. Raises Unauthorized for all but admins."""
    return Spliced(await code.snapshot(info.context.visitor))


async def diff(_source: Any, info: Info, *, document: Any = None) -> dict[str, Any]:
    """`schema_diff`. Raises what `core.ddl.code.diff` does."""
    return _shown(await code.diff(info.context.visitor, document))


async def apply(
    _source: Any,
    info: Info,
    *,
    document: Any = None,
    plan: str | None = None,
    allow_destructive: bool = False,
    comment: str | None = None,
) -> dict[str, Any]:
    """`schema_apply`: what was done. Raises what `core.ddl.code.apply` does."""
    done = await code.apply(info.context.visitor, document, plan, allow_destructive=allow_destructive, comment=comment)
    renew(info)
    return _shown(done)


def _shown(found: code.Shown) -> dict[str, Any]:
    whole = asdict(found)
    steps = [{**step, "changes": Spliced(step["changes"])} for step in found.steps]
    return {**whole, "steps": steps, "json": Spliced(whole)}


def bindables() -> list[QueryType | MutationType]:
    """The root fields of this module."""
    query, mutation = QueryType(), MutationType()
    query.set_field("schema_snapshot", snapshot)
    query.set_field("schema_diff", diff)
    mutation.set_field("schema_apply", apply)
    return [query, mutation]
