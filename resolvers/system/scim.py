"""In charge of the operations whose names begin with `scim_`: users and roles as SCIM 2.0 shows them (spec 02 §14)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any

from ariadne import MutationType, QueryType

from core.errors import Unprocessable, ValidationFailed
from core.scim.rows import GROUP, KINDS, USER, Kind
from core.scim.shape import shape
from resolvers.context import Info, Spliced

if TYPE_CHECKING:
    from core.scim import service

Names = Sequence[str] | None
Resolver = Callable[..., Awaitable[dict[str, Any]]]


async def _door() -> Any:
    """The door, imported by its first caller, and beside the event loop: it takes most of a second."""
    return await asyncio.to_thread(import_module, "core.scim.service")


def _listed(info: Info, answer: service.Answer) -> dict[str, Any]:
    """A list, within what the document may have. Raises Unprocessable."""
    call, size = info.context, len((answer.json or {})["Resources"])
    if call.rows is not None:
        if size > call.rows:
            raise Unprocessable("The lists of this document are too long. Limit them, or ask for one list alone.")
        call.rows -= size
    return _shown(answer)


def _shown(answer: service.Answer) -> dict[str, Any]:
    return {"json": Spliced(answer.json), "location": answer.location, "version": answer.version}


def _named(id: str | None, me: bool) -> str | None:
    """The id of a request; None is the caller."""
    if (id is None) != me:
        raise ValidationFailed("Either id or me names the user.")
    return id


def lists(kind: Kind) -> Resolver:
    """`scim_users`, `scim_groups`."""

    async def resolve(
        _source: Any,
        info: Info,
        *,
        filter: str | None = None,
        sort_by: str | None = None,
        sort_order: str | None = None,
        start_index: int | None = None,
        count: int | None = None,
        attributes: Names = None,
        excluded_attributes: Names = None,
    ) -> dict[str, Any]:
        door = await _door()
        form = shape(kind, attributes, excluded_attributes)
        search = door.Search(filter, sort_by, sort_order, start_index, count, form)
        return _listed(info, await door.listed(info.context.visitor, kind, search))

    return resolve


def reads(kind: Kind) -> Resolver:
    """`scim_user`, `scim_group`."""

    async def resolve(
        _source: Any,
        info: Info,
        *,
        id: str | None = None,
        me: bool = False,
        attributes: Names = None,
        excluded_attributes: Names = None,
    ) -> dict[str, Any]:
        door = await _door()
        form = shape(kind, attributes, excluded_attributes)
        return _shown(await door.one(info.context.visitor, kind, _named(id, me), form))

    return resolve


def creates(kind: Kind) -> Resolver:
    """`scim_create_user`, `scim_create_group`."""

    async def resolve(
        _source: Any, info: Info, *, resource: Any, attributes: Names = None, excluded_attributes: Names = None
    ) -> dict[str, Any]:
        door = await _door()
        form = shape(kind, attributes, excluded_attributes)
        return _shown(await door.create(info.context.visitor, kind, resource, form))

    return resolve


def changes(kind: Kind, verb: str) -> Resolver:
    """`scim_replace_user`, `scim_patch_user`, and of groups. `verb`: of the door."""

    async def resolve(
        _source: Any,
        info: Info,
        *,
        resource: Any,
        id: str | None = None,
        me: bool = False,
        if_match: str | None = None,
        attributes: Names = None,
        excluded_attributes: Names = None,
    ) -> dict[str, Any]:
        change = getattr(await _door(), verb)
        form = shape(kind, attributes, excluded_attributes)
        return _shown(await change(info.context.visitor, kind, _named(id, me), resource, if_match, form))

    return resolve


def deletes(kind: Kind) -> Resolver:
    """`scim_delete_user`, `scim_delete_group`."""

    async def resolve(
        _source: Any, info: Info, *, id: str | None = None, me: bool = False, if_match: str | None = None
    ) -> dict[str, Any]:
        door = await _door()
        return _shown(await door.delete(info.context.visitor, kind, _named(id, me), if_match))

    return resolve


async def search(_source: Any, info: Info, *, resource: Any, endpoint: str | None = None) -> dict[str, Any]:
    """`scim_search`: of one kind, or of all."""
    door = await _door()
    kind = KINDS.get(endpoint) if endpoint is not None else None
    if endpoint is not None and kind is None:
        raise ValidationFailed("endpoint must be Users or Groups.")
    wanted = door.searched(resource, kind)
    visitor = info.context.visitor
    found = await (door.everywhere(visitor, wanted) if kind is None else door.listed(visitor, kind, wanted))
    return _listed(info, found)


async def bulk(_source: Any, info: Info, *, resource: Any) -> dict[str, Any]:
    """`scim_bulk`."""
    return _shown(await (await _door()).bulk(info.context.visitor, resource))


async def provider_config(_source: Any, info: Info) -> dict[str, Any]:
    """`scim_service_provider_config`."""
    return _shown((await _door()).provider_config(info.context.visitor))


async def resource_types(_source: Any, info: Info, *, id: str | None = None) -> dict[str, Any]:
    """`scim_resource_types`."""
    return _shown((await _door()).resource_types(info.context.visitor, id))


async def schemas(_source: Any, info: Info, *, id: str | None = None) -> dict[str, Any]:
    """`scim_schemas`."""
    return _shown((await _door()).schemas(info.context.visitor, id))


def bindables() -> list[QueryType | MutationType]:
    """The root fields of this module."""
    query, mutation = QueryType(), MutationType()
    for name, kind in (("user", USER), ("group", GROUP)):
        query.set_field(f"scim_{name}s", lists(kind))
        query.set_field(f"scim_{name}", reads(kind))
        mutation.set_field(f"scim_create_{name}", creates(kind))
        mutation.set_field(f"scim_replace_{name}", changes(kind, "replace"))
        mutation.set_field(f"scim_patch_{name}", changes(kind, "patch"))
        mutation.set_field(f"scim_delete_{name}", deletes(kind))
    query.set_field("scim_search", search)
    query.set_field("scim_service_provider_config", provider_config)
    query.set_field("scim_resource_types", resource_types)
    query.set_field("scim_schemas", schemas)
    mutation.set_field("scim_bulk", bulk)
    return [query, mutation]
