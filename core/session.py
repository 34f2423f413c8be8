"""In charge of what a request holds on to from door to answer: project, snapshot, policy, context. Data only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from core.access.policy import Policy
from core.catalog.model import Snapshot
from core.context import Actor, Context

if TYPE_CHECKING:
    from core.projects import Project


@dataclass(frozen=True, slots=True)
class Session:
    """Made by `core.engine.enter`. A request keeps one snapshot and one policy, so nothing changes under its feet."""

    project: Project
    snapshot: Snapshot
    policy: Policy
    context: Context

    @property
    def actor(self) -> Actor:
        return self.context.actor
