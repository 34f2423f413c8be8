"""In charge of the doors to items that extensions hold: as the caller or with all rights. The engine does the work.

Within a transaction they read on its connection, so that they see what it has written; writing there would wait for
the transaction that waits for it, so it is refused.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from core import engine
from core.access.policy import ADMIN_POLICY
from core.context import ADMIN_ROLE
from core.db.gateway import Connection
from core.errors import ItemNotFound
from core.frozen import EMPTY
from core.hooks.context import Items
from core.query.change import Action, WriteRequest
from core.query.selection import KEY_ONLY, Condition, ReadRequest, Row, Selection
from core.session import Session

KEY = "item"


class NotHere(RuntimeError):
    """A write by a hook that runs within a transaction."""


def doors(session: Session, connection: Connection | None, *, trusted: bool, writes: bool = True) -> Items:
    """The items of a session's project. `trusted`: with the rights of an admin, signed by the caller all the same.

    `connection`: of a transaction, on which they read. `writes`: False where a transaction may be under way.
    """
    return SessionItems(session, connection, trusted, writes and connection is None)


@dataclass(frozen=True, slots=True)
class SessionItems:
    """Items as one session sees them."""

    session: Session
    connection: Connection | None
    trusted: bool
    writes: bool

    async def read(
        self,
        collection: str,
        *,
        fields: Sequence[str] = ("*",),
        where: Mapping[str, Any] = EMPTY,
        sort: Sequence[str] = (),
        limit: int = -1,
        offset: int = 0,
    ) -> list[dict[str, Any]]:
        request = ReadRequest(
            collection,
            _selection(fields),
            where=tuple(_conditions(where)),
            sort=tuple(sort) or None,
            limit=limit,
            offset=offset or None,
        )
        result = await engine.read(await self._session(), request, self.connection)
        return [item[KEY] for item in result.items if item[KEY] is not None]

    async def get(self, collection: str, key: Any, *, fields: Sequence[str] = ("*",)) -> dict[str, Any] | None:
        request = ReadRequest(collection, _selection(fields), id=str(key))
        try:
            result = await engine.read(await self._session(), request, self.connection)
        except ItemNotFound:
            return None
        found: dict[str, Any] | None = result.items[0][KEY]
        return found

    async def create(self, collection: str, payload: Mapping[str, Any]) -> Any:
        return (await self._write(collection, "create", payloads=(dict(payload),)))[0]

    async def update(self, collection: str, key: Any, payload: Mapping[str, Any]) -> None:
        await self._write(collection, "update", payloads=(dict(payload),), keys=(str(key),))

    async def delete(self, collection: str, *keys: Any) -> None:
        await self._write(collection, "delete", keys=tuple(map(str, keys)))

    async def _write(self, collection: str, action: Action, **more: Any) -> list[Any]:
        if not self.writes:
            raise NotHere("a hook that runs before the commit can read items, not write them: use an :after action")
        request = WriteRequest(collection, action, selection=KEY_ONLY, **more)
        return (await engine.write(await self._session(), request)).keys

    async def _session(self) -> Session:
        """The session with the rights of this door; after the commit on the present schema, with present rights."""
        session = self.session
        if self.connection is None:
            project = session.project
            context = replace(session.context, now=datetime.now(UTC))
            policy = await project.policy(session.actor.role)
            session = replace(session, snapshot=project.snapshot, policy=policy, context=context)
        if not self.trusted:
            return session
        actor = replace(session.actor, role=ADMIN_ROLE, public=False)
        return replace(session, policy=ADMIN_POLICY, context=replace(session.context, actor=actor))


def _selection(fields: Sequence[str]) -> Selection:
    return Selection((Row(KEY, tuple(fields)),))


def _conditions(where: Mapping[str, Any]) -> list[Condition]:
    found = []
    for name, value in where.items():
        if isinstance(value, Mapping):
            found += [Condition(name, operator, operand) for operator, operand in value.items()]
        else:
            found.append(Condition(name, "null") if value is None else Condition(name, "eq", value))
    return found
