"""In charge of the door to the history of items: revisions of one item, comments. What a write records is core.write's.

Lists of activity and revisions are ordinary reads of `directus_activity` and `directus_revisions` (core.engine).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from core import engine
from core.access.restrict import admit
from core.db.gateway import Connection
from core.errors import CollectionNotFound
from core.query.change import WriteResult
from core.query.revisions import REVISIONS
from core.query.selection import ROW, Condition, ReadRequest, ReadResult, Selection
from core.session import Session
from core.types.cast import Uncastable, key
from core.write import comments


async def revisions(
    session: Session, collection: str, item: str, request: ReadRequest, *, connection: Connection | None = None
) -> ReadResult:
    """The revisions of one item, oldest first (spec 03 §11.2). `request`: what to read of them, and further conditions.

    `item`: the key as it stands in a path; `me` is the caller among users. Of an unknown item there are none.
    Raises CollectionNotFound, ReadDenied (of the collection or of revisions), and as `core.engine.read`.
    """
    model = session.snapshot.collections.get(collection)
    if model is None:
        raise CollectionNotFound(collection)
    admit(session.snapshot, session.policy, collection, public=session.actor.public)
    if collection == "directus_users" and item == "me":
        item = str(session.actor.user)
    if model.primary_key is not None:
        try:
            item = str(key(model.fields[model.primary_key], item))
        except Uncastable:
            item = ""
    of = (Condition("collection", "eq", collection), Condition("item", "eq", item))
    return await engine.read(session, replace(request, collection=REVISIONS, of=of), connection)


async def create_comment(
    session: Session, payload: Mapping[str, Any], *, selection: Selection = ROW, meta: frozenset[str] = frozenset()
) -> WriteResult:
    """Comment on an item (spec 03 §12.3); `items` holds the row of activity. Raises as `core.write.comments.create`."""
    return await comments.create(session, payload, engine.READING, selection, meta)


async def update_comment(
    session: Session,
    comment: str,
    payload: Mapping[str, Any],
    *,
    selection: Selection = ROW,
    meta: frozenset[str] = frozenset(),
) -> WriteResult:
    """Change the text of a comment. Raises as `core.write.comments.update`."""
    return await comments.update(session, comment, payload, engine.READING, selection, meta)


async def delete_comment(session: Session, comment: str) -> None:
    """Mark a comment as deleted. Raises as `core.write.comments.delete`."""
    await comments.delete(session, comment)
