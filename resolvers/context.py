"""In charge of what a resolver finds in `info.context`: the session, and where it leaves what belongs to the answer."""

from __future__ import annotations

from collections.abc import Hashable
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


@dataclass(slots=True)
class Call:
    """One run of one document.

    `session`: None in the server schema. `projects`: None in a project's schema. Warnings, effects (cookies,
    challenges) and tags are collected here; the door turns them into members and headers.
    """

    shapes: Shapes
    session: Session | None = None
    projects: Projects | None = None
    address: str = ""
    warnings: list[Warning] = field(default_factory=list)
    effects: list[Any] = field(default_factory=list)
    tags: list[str] = field(default_factory=list)
    wish: Any = None
    """What a subscription's root field wants to be told (`core.subscriptions.Wish`)."""
    memo: dict[str, Any] = field(default_factory=dict)
    """What resolvers of one run share."""

    @property
    def visitor(self) -> Session:
        """The session, where there must be one."""
        assert self.session is not None
        return self.session


Info: TypeAlias = GraphQLResolveInfo[Call]
