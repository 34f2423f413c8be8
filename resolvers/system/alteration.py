"""In charge of the mutations that change the schema: collections and fields, as core.ddl does it (spec 01 §6, 7).

What follows in the same document sees the schema as it is then, in the names of the edition that it began with.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from ariadne import MutationType

from core import metadata
from core.ddl import collections, fields
from core.errors import Unprocessable, ValidationFailed
from core.session import Session
from resolvers.context import Info
from resolvers.system.metadata import ROW, Item

NO_LIST = "batch update expect an array of items"


async def create_collection(
    _source: Any, info: Info, *, data: Any = None, payload: Any = None, comment: str | None = None
) -> Item:
    """`create_directus_collections_item`. Raises what `core.ddl.collections.create_collection` does."""
    body = _object(data, payload, metadata.COLLECTIONS)
    return _collection(info, await collections.create_collection(info.context.visitor, body, comment=comment))


async def update_collection(
    _source: Any, info: Info, *, collection: str, data: Any = None, payload: Any = None, comment: str | None = None
) -> Item:
    """`update_directus_collections_item`. Raises what `core.ddl.collections.update_collection` does."""
    body = _object(data, payload, metadata.COLLECTIONS)
    made = await collections.update_collection(info.context.visitor, collection, body, comment=comment)
    return _collection(info, made)


async def delete_collection(_source: Any, info: Info, *, collection: str, comment: str | None = None) -> str:
    """`delete_directus_collections_item`: the name."""
    await collections.delete_collection(info.context.visitor, collection, comment=comment)
    renew(info)
    return collection


async def create_field(
    _source: Any, info: Info, *, collection: str, data: Any = None, payload: Any = None, **history: Any
) -> Item:
    """`create_directus_fields_item`. Raises what `core.ddl.fields.create_field` does."""
    body = _object(data, payload, metadata.FIELDS)
    found = await fields.create_field(info.context.visitor, collection, body, **history)
    renew(info)
    return found


async def update_field(
    _source: Any, info: Info, *, collection: str, field: str, data: Any = None, payload: Any = None, **history: Any
) -> Item:
    """`update_directus_fields_item`. Raises what `core.ddl.fields.update_field` does."""
    body = _object(data, payload, metadata.FIELDS)
    found = await fields.update_field(info.context.visitor, collection, field, body, **history)
    renew(info)
    return found


async def update_fields(
    _source: Any,
    info: Info,
    *,
    collection: str,
    ids: Sequence[str],
    data: Any = None,
    payload: Any = None,
    **history: Any,
) -> Sequence[Item]:
    """`update_directus_fields_items`: the same change for several fields, in one transaction."""
    body = _object(data, payload, metadata.FIELDS)
    wanted = [{**body, "field": name} for name in dict.fromkeys(ids)]
    return await _several(info, collection, wanted, history)


async def update_batch(
    _source: Any, info: Info, *, collection: str, data: Any = None, payload: Any = None, **history: Any
) -> Sequence[Item]:
    """`update_directus_fields_batch`: changes that name their field, in one transaction."""
    sent = _sent(data, payload)
    if not isinstance(sent, list | tuple):
        raise ValidationFailed(NO_LIST)
    return await _several(info, collection, [_mapping(one, metadata.FIELDS) for one in sent], history)


async def _several(info: Info, collection: str, wanted: list[Any], history: Mapping[str, Any]) -> Sequence[Item]:
    found = await fields.update_fields(info.context.visitor, collection, wanted, **history)
    renew(info)
    return found


async def delete_field(
    _source: Any,
    info: Info,
    *,
    collection: str,
    field: str,
    delete_junction: bool = False,
    comment: str | None = None,
) -> str:
    """`delete_directus_fields_item`: the name of the field."""
    await fields.delete_field(info.context.visitor, collection, field, delete_junction=delete_junction, comment=comment)
    renew(info)
    return field


def _collection(info: Info, made: Mapping[str, Any]) -> Item:
    """The collection as reads show it; its REST form is the row alone (spec 01 §6.3)."""
    session = renew(info)
    found = metadata.described(session, made["collection"])
    return {**found, ROW: made}


def renew(info: Info) -> Session:
    """From here on the call goes by the present schema."""
    session = info.context.visitor
    fresh = replace(session, snapshot=session.project.snapshot)
    info.context.session = fresh
    info.context.memo.clear()
    return fresh


# Arguments


def _object(data: Any, payload: Any, collection: str) -> Mapping[str, Any]:
    return _mapping(_sent(data, payload), collection)


def _sent(data: Any, payload: Any) -> Any:
    if (data is None) == (payload is None):
        raise Unprocessable("A mutation needs either `data` or `payload`.")
    return payload if data is None else data


def _mapping(sent: Any, collection: str) -> Mapping[str, Any]:
    if not isinstance(sent, Mapping):  # v8 takes a list for an object whose keys are numbers
        raise Unprocessable(f'Payload fields: "0" does not exist in "{collection}" collection.')
    return sent


def bindables() -> list[MutationType]:
    """The root fields of this module."""
    mutation = MutationType()
    mutation.set_field("create_directus_collections_item", create_collection)
    mutation.set_field("update_directus_collections_item", update_collection)
    mutation.set_field("delete_directus_collections_item", delete_collection)
    mutation.set_field("create_directus_fields_item", create_field)
    mutation.set_field("update_directus_fields_item", update_field)
    mutation.set_field("update_directus_fields_items", update_fields)
    mutation.set_field("update_directus_fields_batch", update_batch)
    mutation.set_field("delete_directus_fields_item", delete_field)
    return [mutation]
