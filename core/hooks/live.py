"""In charge of the hooks of one open project: filters and actions are called in their order, late ones are queued.

Nothing is called here that nobody has registered, and a project without hooks has no `LiveHooks` at all.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from copy import deepcopy
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

import structlog

from core.errors import HookFailed, TabulariumError
from core.hooks.call import Threads, call
from core.hooks.context import Context, Items
from core.hooks.names import AFTER, WITHIN, names
from core.hooks.payload import Payload
from core.hooks.queue import ActionQueue
from core.hooks.registry import Hook, Registered

if TYPE_CHECKING:
    from core.db.gateway import Connection
    from core.session import Session

DEEPEST = 5
"""How often actions may cause actions."""


class Doors(Protocol):
    """Makes the doors to items that an extension holds. `connection`: of the transaction that it is called in.

    `writes`: False within a request that may hold a transaction.
    """

    def __call__(
        self, session: Session, connection: Connection | None, *, trusted: bool, writes: bool = True
    ) -> Items: ...


@dataclass(frozen=True, slots=True)
class Limits:
    """Seconds that a function may take within a request and after it, and how many actions may wait."""

    within: float = 5
    after: float = 30
    queue: int = 1000


@dataclass(frozen=True, slots=True)
class Happening:
    """Something to tell. `event`: such as "item.create"; the names under which it is told follow from `collection`."""

    event: str
    collection: str | None = None
    payload: Any = None
    keys: tuple[Any, ...] = ()
    field: str | None = None
    request: Mapping[str, Any] | None = None
    named: str | None = None
    """The collection of a payload, where the event itself has no variant for it."""


class LiveHooks:
    """The hooks of a project from its opening to its end."""

    def __init__(self, project: str, registered: Registered, doors: Doors, limits: Limits) -> None:
        self.registered = registered
        self.limits = limits
        self.threads = Threads()
        self.queue = ActionQueue(project, limits.queue)
        self._project = project
        self._doors = doors
        told = [name for name in registered.actions if not name.endswith(":before")]
        self.hears_items = any(name.startswith(("item.", "file.")) for name in told)
        """Somebody wants rows after they were written."""
        self.filters_reads = any(name.startswith("item.read") for name in registered.filters)
        self.filters_answers = any(name.startswith("response") for name in registered.filters)
        self.hears_answers = "response" in registered.actions

    def wanted(self, event: str, collection: str | None, when: str) -> bool:
        """Whether anybody is called for this happening."""
        actions, filters = self.registered.actions, self.registered.filters
        return any(name in actions or name in filters for name in names(event, collection, when))

    # Within a request

    async def filter(
        self, session: Session, happening: Happening, when: str, connection: Connection | None = None
    ) -> Any:
        """The payload as the filters leave it, each given what the one before it made.

        `happening.payload`: a Payload, or a list of them; it belongs to the filters. Raises what a filter raises, and
        HookFailed for one that fails or answers something else than a payload.
        """
        value = happening.payload
        for name in names(happening.event, happening.collection, when):
            for hook in self.registered.filters.get(name, ()):
                found = await self._call(hook, value, session, happening, connection)
                if found is not None:
                    value = _taken(hook, found, value, happening)
        return value

    async def answered(self, session: Session, members: dict[str, Any], request: Mapping[str, Any]) -> dict[str, Any]:
        """The members of an answer as filters leave them. `request`: method and path. Raises as `filter`."""
        payload: Any = Payload(members)
        for event in ("response", f"response.{request.get('method')}"):
            payload = await self.filter(session, Happening(event, payload=payload, request=request), WITHIN)
        return dict(payload)

    async def act(
        self, session: Session, happening: Happening, when: str, connection: Connection | None = None
    ) -> None:
        """Call the actions of something that can still be refused. Raises what an action raises, and HookFailed."""
        for name in names(happening.event, happening.collection, when):
            for hook in self.registered.actions.get(name, ()):
                mine = deepcopy(happening.payload)
                await self._call(hook, mine, session, happening, connection)

    # Afterwards

    async def tell(self, session: Session, happenings: Iterable[Happening], when: str = AFTER) -> None:
        """Queue the actions of what has happened. Raises nothing; waits only while the queue is full."""
        found = [
            partial(self._late, hook, session, happening)
            for happening in happenings
            for name in names(happening.event, happening.collection, when)
            for hook in self.registered.actions.get(name, ())
        ]
        if found and session.context.depth >= DEEPEST:
            structlog.get_logger().error(
                "actions dropped: hooks cause each other", project=self._project, count=len(found)
            )
            return
        await self.queue.put(found, patient=session.context.depth == 0)

    async def heard(self, session: Session, answer: Mapping[str, Any], data: Any) -> None:
        """Tell what was answered. `answer`: path, query, method, status, size; `data`: members of the body."""
        await self.tell(session, [Happening("response", payload=data, request=answer)], WITHIN)

    async def failed(self, session: Session, error: BaseException) -> None:
        """Tell of an error that nobody expected."""
        await self.tell(session, [Happening("application.error", payload=error)], WITHIN)

    async def _late(self, hook: Hook, session: Session, happening: Happening) -> None:
        mine = replace(happening, payload=_copied(happening.payload))
        try:
            await self._call(hook, mine.payload, session, mine, None, late=True)
        except HookFailed:
            return  # logged already
        except TabulariumError as error:
            log = structlog.get_logger()
            log.error("an action was refused", project=self._project, hook=hook.source, event_name=hook.event,
                      error=f"{error.kind}: {error.message}")  # fmt: skip

    async def close(self) -> None:
        """Let queued actions run for a while, then stop."""
        await self.queue.close()

    async def _call(
        self,
        hook: Hook,
        payload: Any,
        session: Session,
        happening: Happening,
        connection: Connection | None,
        *,
        late: bool = False,
    ) -> Any:
        context, actor = session.context, session.actor
        deeper = replace(session, context=replace(context, depth=context.depth + 1))
        doors = partial(self._doors, deeper, connection, writes=late)
        told = Context(
            event=hook.event,
            project=self._project,
            user=actor.user,
            role=actor.role,
            now=context.now,
            items=doors(trusted=False),
            system=doors(trusted=True),
            collection=happening.collection or happening.named,
            field=happening.field,
            keys=happening.keys,
            address=context.address,
            request=happening.request or {},
        )
        return await call(
            hook.call,
            payload,
            told,
            is_async=hook.is_async,
            seconds=self.limits.after if late else self.limits.within,
            threads=self.threads,
            project=self._project,
            hook=hook.source,
            event_name=hook.event,
        )


def _copied(payload: Any) -> Any:
    """A payload of its own for each action; errors and other objects are what they are."""
    return deepcopy(payload) if isinstance(payload, dict | list) else payload


def _taken(hook: Hook, found: Any, given: Any, happening: Happening) -> Any:
    """What a filter has answered, as a payload. Raises HookFailed when it is none."""
    if found is given:
        return given
    if isinstance(given, list):
        if isinstance(found, list | tuple) and all(isinstance(row, Mapping) for row in found):
            return list(found)
    elif isinstance(found, Mapping) and all(isinstance(name, str) for name in found):
        collection = happening.collection or happening.named
        return found if isinstance(found, Payload) else Payload(found, collection)
    structlog.get_logger().error(
        "a filter has not returned a payload", hook=hook.source, event_name=hook.event, returned=type(found).__name__
    )
    raise HookFailed
