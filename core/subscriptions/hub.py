"""In charge of the subscribers of one project, and of the rounds in which they are told. It decides no right.

A round takes everything that has happened since the last one. Each subscriber comes in anew, so what he is told is
what he may see now; what is the same for several is asked once. While a round runs, the next one gathers: under load
the rounds grow and not the number of statements.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import structlog

from core import engine
from core.enter import enter
from core.errors import Missed, TabulariumError, Unauthorized
from core.events.collect import Told as Happened
from core.events.notes import SCHEMA, Note, notes_of
from core.projects import Project
from core.query.alone import holds
from core.session import Session
from core.subscriptions.wish import Ended, Entrance, Items, Told, Wish

MOST_WAITING = 20_000
"""Notes that wait for a round. Who cannot be told in time is told that he has missed something."""
CHUNK = 200
"""Items that one statement reads."""
RIGHTS = frozenset({"directus_permissions", "directus_roles", "directus_users", "directus_settings"})
"""What is written there may change what anybody sees of anything."""

Renew = Callable[[Session], Awaitable[Wish | Ended]]
Put = Callable[[Told | Ended], None]


@dataclass(eq=False, slots=True)
class Subscriber:
    """One subscription. `renew` makes the wish again when the schema has changed; `put` takes what is told, at once.

    `since`: the number of the last note before it began. `touched`: collections whose changes concern it.
    """

    entrance: Entrance
    session: Session
    wish: Wish
    renew: Renew
    put: Put
    since: int = 0
    touched: frozenset[str] = frozenset()
    ended: bool = False
    last: Any = field(default=None)

    def end(self, ended: Ended) -> None:
        """Tell that nothing more comes; once."""
        if not self.ended:
            self.ended = True
            self.put(ended)


@dataclass(slots=True)
class _Group:
    """Subscribers for whom the same is read."""

    session: Session
    wish: Wish
    members: list[Subscriber] = field(default_factory=list)


def hub(project: Project) -> Hub:
    """The hub of a project, made when somebody first subscribes."""
    found: Hub | None = project.subscriptions
    if found is None:
        found = project.subscriptions = Hub(project)
    return found


class Hub:
    """Hangs at `Project.subscriptions`. It listens to events only while somebody is subscribed."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self._subscribers: dict[Subscriber, None] = {}
        self._notes: list[tuple[int, Note]] = []
        self._fresh: list[Subscriber] = []
        self._numbers = count(1)
        self._last = 0
        self._round: asyncio.Task[None] | None = None
        self._remove: Callable[[], None] | None = None

    def __len__(self) -> int:
        return len(self._subscribers)

    def add(self, entrance: Entrance, session: Session, wish: Wish, renew: Renew, put: Put) -> Subscriber:
        """Subscribe a caller who has come in. What happens from now on is told; of a live list, first what it holds.

        Raises what reading would.
        """
        made = Subscriber(entrance, session, wish, renew, put, since=self._last, touched=_touched(session, wish))
        if self._remove is None:
            self._remove = self._project.events.add(self._happened)
        self._subscribers[made] = None
        if wish.live:
            self._fresh.append(made)
            self._begin()
        return made

    def remove(self, subscriber: Subscriber) -> None:
        """Forget a subscriber, who is told nothing more."""
        subscriber.ended = True
        self._subscribers.pop(subscriber, None)
        if not self._subscribers and self._remove is not None:
            self._remove()
            self._remove = None

    def hear(self, notes: Iterable[Note]) -> None:
        """Something has happened: it will be told soon."""
        if not self._subscribers:
            return
        for note in notes:
            self._last = next(self._numbers)
            self._notes.append((self._last, note))
        if len(self._notes) > MOST_WAITING:
            self._notes.clear()
            for one in list(self._subscribers):
                self._end(one, Ended((Missed(),)))
        self._begin()

    async def check(self, subscriber: Subscriber) -> None:
        """Whether a subscriber may still come in and his document is still valid: ends him otherwise."""
        session = await self._enter(subscriber, {})
        if session is not None:
            await self._renewed(subscriber, session)

    async def close(self) -> None:
        """Tell nobody anything any more."""
        for one in list(self._subscribers):
            self._end(one, Ended())
        if self._round is not None:
            self._round.cancel()
            await asyncio.gather(self._round, return_exceptions=True)

    # Rounds

    def _happened(self, happened: Sequence[Happened]) -> None:
        self.hear(notes_of(self._project.snapshot, happened))

    def _begin(self) -> None:
        if self._round is None or self._round.done():
            self._round = asyncio.get_running_loop().create_task(self._rounds(), name=f"{self._project.key}: telling")

    async def _rounds(self) -> None:
        while self._notes or self._fresh:
            notes, self._notes = self._notes, []
            fresh, self._fresh = self._fresh, []
            try:
                await self._tell(notes, fresh)
            except Exception as error:
                structlog.get_logger().error("subscribers could not be told", exc_info=error, project=self._project.key)
                for one in list(self._subscribers):
                    self._end(one, Ended((error,)))

    async def _tell(self, notes: list[tuple[int, Note]], fresh: list[Subscriber]) -> None:
        about = {note.collection for _, note in notes}
        if any(note.action == SCHEMA for _, note in notes):
            with suppress(TabulariumError):  # whoever cannot come in is told so below
                await self._project.follow()
        rights = not RIGHTS.isdisjoint(about)
        concerned = [
            one
            for one in self._subscribers
            if one in fresh or not one.touched.isdisjoint(about) or (rights and one.wish.live)
        ]
        sessions: dict[Hashable, Session | TabulariumError] = {}
        groups: dict[Hashable, _Group] = {}
        for one in concerned:
            session = await self._enter(one, sessions)
            if session is None or not await self._renewed(one, session):
                continue
            try:
                key = _same(session, one.wish)
            except TabulariumError as error:
                self._end(one, Ended((error,)))
                continue
            groups.setdefault(key, _Group(session, one.wish)).members.append(one)
        for group in groups.values():
            try:
                await self._tell_group(group, notes)
            except TabulariumError as error:
                for one in group.members:
                    self._end(one, Ended((error,)))

    async def _tell_group(self, group: _Group, notes: list[tuple[int, Note]]) -> None:
        if group.wish.whole is not None:
            value = await group.wish.whole(group.session)
            for one in group.members:
                if not one.ended and (one.last is None or one.last != value):
                    one.last = value
                    one.put(Told(value))
            return
        wish, name = group.wish, group.wish.request.collection
        mine = [(number, note) for number, note in notes if note.collection == name and note.action in wish.actions]
        found = await self._items(group, [note.key for _, note in mine if note.action != "delete"])
        scope = engine.scope(group.session, wish.request) if any(note.action == "delete" for _, note in mine) else None
        bound = group.session.bound
        for number, note in mine:
            if note.action == "delete":
                if scope is None or holds(scope, note.facts, bound) is not True:
                    continue
                value = wish.render(note.action, note.key, None)
            elif note.key in found:
                value = wish.render(note.action, note.key, found[note.key])
            else:
                continue
            for one in group.members:
                if number > one.since and not one.ended:
                    one.put(Told(value))

    @staticmethod
    async def _items(group: _Group, keys: list[str]) -> Items:
        assert group.wish.items is not None
        wanted = list(dict.fromkeys(keys))
        found: dict[str, Any] = {}
        for start in range(0, len(wanted), CHUNK):
            found.update(await group.wish.items(group.session, wanted[start : start + CHUNK]))
        return found

    # Subscribers

    async def _enter(self, one: Subscriber, known: dict[Hashable, Session | TabulariumError]) -> Session | None:
        """The subscriber's present session; None when he is not let in any more."""
        way = one.entrance
        found = known.get(way)
        if found is None:
            try:
                found = await enter(
                    self._project,
                    way.credentials,
                    address=way.address,
                    user_agent=way.user_agent,
                    base_url=way.base_url,
                )
            except TabulariumError as error:
                found = error
            known[way] = found
        if isinstance(found, TabulariumError):
            self._end(one, Ended((found,), entrance=isinstance(found, Unauthorized)))
            return None
        if found.context.credential_rejected or found.actor.user != one.session.actor.user:
            self._end(one, Ended((Unauthorized(),), entrance=True))
            return None
        return found

    async def _renewed(self, one: Subscriber, session: Session) -> bool:
        """Whether the subscriber's wish stands on the session's schema; made again where that has changed."""
        if session.snapshot.collections is not one.session.snapshot.collections:
            made = await one.renew(session)
            if isinstance(made, Ended):
                self._end(one, made)
                return False
            one.wish = made
        one.session = session
        try:
            one.touched = _touched(session, one.wish)
        except TabulariumError as error:
            self._end(one, Ended((error,)))
            return False
        return not one.ended

    def _end(self, one: Subscriber, ended: Ended) -> None:
        one.end(ended)
        self.remove(one)


def _touched(session: Session, wish: Wish) -> frozenset[str]:
    """The collections whose changes concern a wish. Raises what reading would."""
    reach = engine.reach(session, wish.request)
    return frozenset(reach.collections) if wish.live else frozenset({wish.request.collection})


def _same(session: Session, wish: Wish) -> Hashable:
    """What must be equal so that the same is read for two subscribers."""
    personal = wish.own or engine.reach(session, wish.request).personal
    who = (session.actor.user, session.actor.role) if personal else None
    key = (who, session.policy.fingerprint, session.snapshot.version, session.context.base_url, wish.actions, wish.live)
    try:
        made = (*key, wish.request, wish.shape)
        hash(made)
    except TypeError:  # a filter with a value that cannot be compared
        return (*key, id(wish))
    return made
