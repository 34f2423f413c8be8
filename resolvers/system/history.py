"""In charge of the operations on history: revisions of one item, comments (spec 03 §11, 12).

Lists of activity and revisions are generated reads; going back to a revision is a generated mutation.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from ariadne import MutationType

from core import history
from core.errors import Unprocessable
from core.query.selection import ReadRequest, ReadResult
from core.session import Session
from resolvers import items
from resolvers.binding import Root
from resolvers.context import Info, Spliced
from resolvers.selection import item_shape


async def revisions(root: Root, info: Info, arguments: Mapping[str, Any]) -> Spliced:
    """`directus_revisions`: a list as of any collection; with `collection` and `item` the revisions of that item."""
    collection, item = arguments.get("collection"), arguments.get("item")
    if collection is None and item is None:
        return await items.read(root, info, arguments)
    if collection is None or item is None:
        raise Unprocessable("Revisions of an item need both `collection` and `item`.")
    if arguments.get("id") is not None or arguments.get("ids") is not None:
        raise Unprocessable("Revisions are named either by their ids or by `collection` and `item`.")
    return await items.read(root, info, arguments, partial(_of_item, collection, str(item)))


async def _of_item(collection: str, item: str, session: Session, request: ReadRequest) -> ReadResult:
    return await history.revisions(session, collection, item, request)


async def create_comment(_source: Any, info: Info, *, payload: Any = None, **members: Any) -> Spliced:
    """`create_comment`: the row of activity."""
    shape = item_shape(info)
    body = _body(payload, members)
    result = await history.create_comment(info.context.visitor, body, selection=shape.selection)
    return Spliced(items.written(info.context, shape, result)[0])


async def update_comment(_source: Any, info: Info, *, id: str, payload: Any = None, **members: Any) -> Spliced:
    """`update_comment`."""
    shape = item_shape(info)
    body = _body(payload, members)
    result = await history.update_comment(info.context.visitor, id, body, selection=shape.selection)
    return Spliced(items.written(info.context, shape, result)[0])


async def delete_comment(_source: Any, info: Info, *, id: str) -> str:
    """`delete_comment`: the id."""
    await history.delete_comment(info.context.visitor, id)
    return id


def _body(payload: Any, members: Mapping[str, Any]) -> Mapping[str, Any]:
    """The members, or the body of the REST route in their place."""
    if payload is None:
        return members
    if members or not isinstance(payload, Mapping):
        raise Unprocessable("`payload` is an object that takes the place of the other arguments.")
    return payload


def bindables() -> list[MutationType]:
    """The root fields of this module."""
    mutation = MutationType()
    mutation.set_field("create_comment", create_comment)
    mutation.set_field("update_comment", update_comment)
    mutation.set_field("delete_comment", delete_comment)
    return [mutation]
