"""In charge of what a request holds on to from door to answer: project, snapshot, policy, context. Data only."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from core.access.policy import Policy
from core.catalog.model import Snapshot
from core.context import Actor, Context
from core.query.variables import moments

if TYPE_CHECKING:
    from core.projects import Project

ME = "me"


@dataclass(frozen=True, slots=True)
class Session:
    """Made by `core.engine.enter`. A request keeps one snapshot and one policy, so nothing changes under its feet."""

    project: Project
    snapshot: Snapshot
    policy: Policy
    context: Context
    stamp: int | None = None
    """How fresh all collections are; None where nobody asked, or where what this holds is behind the change log."""

    @property
    def actor(self) -> Actor:
        return self.context.actor

    @property
    def bound(self) -> dict[str, Any]:
        """The values of `Bound`s: who calls, and the times that the rules of the role speak of."""
        found: dict[str, Any] = {"user": self.actor.user, "role": self.actor.role}
        return found | moments(self.policy.moments, self.context.now) if self.policy.moments else found

    def keys(self, collection: str, sent: Iterable[str]) -> tuple[str, ...]:
        """Keys as they stand in paths, in which `me` is the caller among users (spec 02 §9)."""
        if collection != "directus_users":
            return tuple(sent)
        return tuple(str(self.actor.user) if key == ME else key for key in sent)
