"""In charge of what a resolver finds in `info.context`: the session, and where it leaves what belongs to the answer."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Hashable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

from graphql import GraphQLResolveInfo

from core.query.selection import Warning

if TYPE_CHECKING:
    from core.projects import Projects
    from core.session import Session


class Shapes(Protocol):
    """A bounded cache that lives as long as the document: what was made of a selection set."""

    def get(self, key: Hashable) -> Any | None: ...

    def put(self, key: Hashable, value: Any) -> None: ...


@dataclass(frozen=True, slots=True)
class Spliced:
    """A part of the answer that is complete as it is: the executor puts it in its place without looking inside."""

    value: Any


@dataclass(frozen=True, slots=True)
class Streamed:
    """A list that is sent while it is read. `mark`: the text that stands in its place in the data.

    `list`: of core. `repair`: what is done to the items of a chunk before anybody sees them.
    """

    mark: str
    list: Any
    repair: Callable[[list[dict[str, Any]]], None] | None = None

    @property
    def uneven(self) -> bool:
        """Items may hide what others show, so that some are nothing at all."""
        found: bool = self.list.uneven
        return found

    async def count(self) -> int:
        """How many items there are."""
        found: int = await self.list.count()
        return found

    @asynccontextmanager
    async def open(self) -> AsyncIterator[AsyncIterator[list[dict[str, Any]]]]:
        """The items in chunks; whatever can be refused is refused before this returns."""
        async with self.list.open() as chunks:
            yield chunks if self.repair is None else self._repaired(chunks, self.repair)

    async def _repaired(
        self, chunks: AsyncIterator[list[dict[str, Any]]], repair: Callable[[list[dict[str, Any]]], None]
    ) -> AsyncIterator[list[dict[str, Any]]]:
        async for chunk in chunks:
            repair(chunk)
            yield chunk


@dataclass(slots=True)
class Call:
    """One run of one document.

    `session`: None in the server schema. `projects`: None in a project's schema. Warnings, effects (cookies,
    challenges) and tags are collected here; the door turns them into members and headers. `streams`: the door can send
    a list while it is read; `stream` is then where a resolver leaves it. `rows`: items that the lists of the document
    may still have, None without end.
    """

    shapes: Shapes
    session: Session | None = None
    projects: Projects | None = None
    address: str = ""
    warnings: list[Warning] = field(default_factory=list)
    effects: list[Any] = field(default_factory=list)
    tags: list[str] = field(default_factory=list)
    lasting: bool | None = None
    """Whether all that was read stays right until a collection of the tags is written; None while nothing was read."""
    wish: Any = None
    """What a subscription's root field wants to be told (`core.subscriptions.Wish`)."""
    streams: bool = False
    stream: Any = None
    rows: int | None = None
    memo: dict[str, Any] = field(default_factory=dict)
    """What resolvers of one run share."""

    @property
    def visitor(self) -> Session:
        """The session, where there must be one."""
        assert self.session is not None
        return self.session


Info: TypeAlias = GraphQLResolveInfo[Call]
