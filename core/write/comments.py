"""In charge of comments on items: rows of directus_activity that only this module writes by request (spec 03 §12.3).

Rights come from the row of permissions of the commented item and its status (spec 02 §12.10); none on
directus_activity is needed, so the answer is read back whatever the caller may read of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from core.access.authorize import Caller, readable, soft_deleted
from core.access.history import ACTIVITY
from core.access.policy import FULL, Grant
from core.catalog.model import Collection
from core.db.unit_of_work import UnitOfWork, in_transaction
from core.errors import (
    CollectionNotFound,
    CommentCreateDenied,
    CommentDeleteDenied,
    CommentDenied,
    CommentNotFound,
    CommentUpdateDenied,
    CreateDenied,
    ItemNotFound,
    Problem,
    ValidationFailed,
)
from core.events.collect import Event
from core.query.change import WriteResult
from core.query.selection import ReadRequest, Selection
from core.session import Session
from core.types.write import BLANK, INVALID, Refused, accept
from core.write import history, hooked, run
from core.write.change import Stored
from core.write.forms import event_form
from core.write.guard import access_row, number
from core.write.load import Asking, by_keys
from core.write.normalize import key_of
from core.write.readback import Reading
from core.write.statements import Statements
from core.write.telling import tell, watched
from core.write.validate import failure, unknown

ATTEMPTS = 3
CREATE, UPDATE, ANY = 1, 2, 3
"""Levels of the permission column `comment`, as `core.access.policy.COMMENT_LEVELS` has them."""
EDITED, DELETED = "edited_on", "comment_deleted_on"


async def create(
    session: Session,
    payload: Mapping[str, Any],
    reading: Reading,
    selection: Selection,
    meta: frozenset[str] = frozenset(),
) -> WriteResult:
    """Comment on an item. `payload`: `collection`, `item`, `comment`; other columns count for nothing.

    Raises CreateDenied (public callers), Unprocessable (unknown fields), ValidationFailed, CollectionNotFound,
    ItemNotFound, CommentCreateDenied; DatabaseUnavailable, QueryFailed.
    """
    if session.actor.public:
        raise CreateDenied(ACTIVITY, level=True, public=True)
    values = _accepted(session, payload, ("collection", "item", "comment"))
    collection = session.snapshot.collections.get(values["collection"])
    if collection is None or collection.primary_key is None:
        raise CollectionNotFound(values["collection"])

    async def work(unit: UnitOfWork) -> WriteResult:
        scene = _Scene(session, unit)
        key = key_of(collection, values["item"])
        item = await scene.item(collection, key)
        if item is None:
            raise ItemNotFound.with_id(values["item"])
        scene.require(collection, item, CREATE, CommentCreateDenied)
        stored = item.values[collection.primary_key or ""]
        about = {"collection": collection.name, "item": str(run.plain_key(stored))[: history.ITEM]}
        text = await scene.heard("create", {**about, "comment": values["comment"]})
        row = {**history.signature(session.context), "action": "comment", **about, **text}
        columns = tuple(name for name in history.ACTIVITY if name in scene.activity.fields)
        [made] = await run.insert(unit.connection, scene.statements, scene.activity, columns, [row], gives=run.KEY)
        await scene.tell("create", made.values[scene.key])
        return await scene.answer(made.values[scene.key], reading, selection, meta)

    return await in_transaction(await session.project.store(), work, attempts=ATTEMPTS)


async def update(
    session: Session,
    key: str,
    payload: Mapping[str, Any],
    reading: Reading,
    selection: Selection,
    meta: frozenset[str] = frozenset(),
) -> WriteResult:
    """Change the text of a comment. `key`: id of the activity, as it stands in a path.

    Raises Unprocessable, ValidationFailed, CommentNotFound, ItemNotFound, CommentUpdateDenied.
    """
    values = _accepted(session, payload, ("comment",))

    async def work(unit: UnitOfWork) -> WriteResult:
        scene = _Scene(session, unit)
        comment = await scene.comment(key, CommentUpdateDenied)
        text = await scene.heard("update", {scene.key: comment, **values}, comment)
        await scene.change(comment, {**text, EDITED: _moment(session)})
        return await scene.answer(comment, reading, selection, meta)

    return await in_transaction(await session.project.store(), work, attempts=ATTEMPTS)


async def delete(session: Session, key: str) -> None:
    """Mark a comment as deleted; its row stays. Raises CommentNotFound, ItemNotFound, CommentDeleteDenied."""

    async def work(unit: UnitOfWork) -> None:
        scene = _Scene(session, unit)
        comment = await scene.comment(key, CommentDeleteDenied)
        await scene.heard("update", {scene.key: comment, DELETED: _moment(session)}, comment)
        await scene.change(comment, {DELETED: _moment(session)})

    await in_transaction(await session.project.store(), work, attempts=ATTEMPTS)


def _accepted(session: Session, payload: Mapping[str, Any], wanted: tuple[str, ...]) -> dict[str, Any]:
    """The wanted members as text. Raises Unprocessable for names that are no columns, ValidationFailed."""
    activity = session.snapshot.collections[ACTIVITY]
    strange = failure(activity, unknown(activity, payload, ()))
    if strange is not None:
        raise strange
    problems: list[Problem] = []
    found: dict[str, Any] = {}
    for name in wanted:
        value = payload.get(name)
        if value is None or value in ("", []):
            problems.append(Problem((name,), BLANK))
            continue
        if isinstance(value, int) and not isinstance(value, bool) and name == "item":
            value = str(value)
        if not isinstance(value, str):
            problems.append(Problem((name,), INVALID))
            continue
        try:
            found[name] = accept(activity.fields[name], value, dialect=session.snapshot.dialect, system=True)
        except Refused as refused:
            problems.append(Problem((name,), refused.message))
    if problems:
        raise ValidationFailed.of(problems)
    return found


def _moment(session: Session) -> datetime:
    return session.context.now.astimezone(UTC).replace(tzinfo=None, microsecond=0)


@dataclass(frozen=True, slots=True)
class _Scene:
    """One request on comments, in its transaction."""

    session: Session
    unit: UnitOfWork

    @property
    def statements(self) -> Statements:
        return Statements(self.session.snapshot, self.session.project.plans)

    @property
    def activity(self) -> Collection:
        return self.session.snapshot.collections[ACTIVITY]

    @property
    def key(self) -> str:
        return self.activity.primary_key or "id"

    async def item(self, collection: Collection, key: Any) -> Stored | None:
        """The commented item, None when it is not there for the caller."""
        if key is None:
            return None
        asking = Asking.of(self.session)
        for stored in await by_keys(self.unit.connection, self.statements, collection, [key], asking=asking):
            row = access_row(collection, stored)
            if row is None or soft_deleted(collection, row.status):
                return None
            caller = Caller(self.session.policy, self.session.actor)
            return stored if readable(caller, collection, row) else None
        return None

    def require(self, collection: Collection, item: Stored, level: int, denied: type[CommentDenied]) -> None:
        """Raises `denied` unless the caller has the level on the item."""
        row = access_row(collection, item)
        if self.session.policy.grant(collection.name, row.status if row else None).comment < level:
            raise denied(collection.name, public=self.session.actor.public)

    async def comment(self, sent: str, denied: type[CommentDenied]) -> Any:
        """The key of a comment that the caller may change. Raises CommentNotFound, ItemNotFound, `denied`."""
        key = key_of(self.activity, sent)
        keys = [] if key is None else [key]
        found = await by_keys(self.unit.connection, self.statements, self.activity, keys, lock=True)
        if not found or found[0].values["action"] != "comment" or found[0].values[DELETED] is not None:
            raise CommentNotFound.with_id(sent)
        values = found[0].values
        collection = self.session.snapshot.collections.get(values["collection"])
        item = None
        if collection is not None and collection.primary_key is not None:
            item = await self.item(collection, key_of(collection, values["item"]))
        if collection is None or item is None:
            raise ItemNotFound()
        actor = self.session.actor
        if actor.public:
            raise denied(collection.name, public=True)
        own = number(values["action_by"]) == actor.user
        self.require(collection, item, UPDATE if own else ANY, denied)
        return key

    async def change(self, key: Any, values: Mapping[str, Any]) -> None:
        columns = tuple(name for name in self.activity.fields if name in values)
        statement = self.statements.update_all(self.activity, columns, one=True)
        text, arguments = statement.bind([*(values[name] for name in columns), key], {})
        await run.run(self.unit.connection, text, arguments)
        await self.tell("update", key, columns)

    async def heard(self, verb: str, row: Mapping[str, Any], key: Any = None) -> dict[str, Any]:
        """The text of a comment as hooks leave it; nothing else of a comment is theirs to change.

        Raises what a hook raises, HookFailed, ValidationFailed.
        """
        keys = () if key is None else (key,)
        found = await hooked.row_before(self.session, self.unit.connection, verb, ACTIVITY, row, keys)
        if "comment" not in row:
            return {}
        if found is row:
            return {"comment": row["comment"]}
        return _accepted(self.session, {"comment": found["comment"]} if "comment" in found else {}, ("comment",))

    async def tell(self, verb: str, key: Any, columns: tuple[str, ...] = ()) -> None:
        """Tell of what was written. `columns`: of an update, those that were set."""
        if not watched(self.session, (ACTIVITY,)):
            return
        [row] = await by_keys(self.unit.connection, self.statements, self.activity, [key])
        form = event_form(self.activity, self.session.snapshot.dialect)
        payload = form.row(row.values, columns or None)
        if verb == "update":
            payload[self.key] = str(key)
        event = Event(verb, ACTIVITY, run.plain_key(key), payload, after=row.values)
        await tell(self.session, self.unit, [event])

    async def answer(self, key: Any, reading: Reading, selection: Selection, meta: frozenset[str]) -> WriteResult:
        """The comment as its writer sees it: what hangs on it is restricted as ever, the row itself is his."""
        policy = self.session.policy
        if not policy.admin:
            hidden = policy.grant(ACTIVITY, None).read_blacklist
            own = {**policy.general, ACTIVITY: Grant(read=FULL, read_blacklist=hidden)}
            workflow = {name: rows for name, rows in policy.workflow.items() if name != ACTIVITY}
            mark = f"{policy.fingerprint}+comment"
            policy = replace(policy, general=own, workflow=workflow, fingerprint=mark)
        session = replace(self.session, policy=policy)
        request = ReadRequest(ACTIVITY, selection, id=str(key), meta=meta)
        result = await reading.read(session, request, self.unit.connection)
        return WriteResult([key], list(result.items), result.meta, result.warnings, (ACTIVITY,))
