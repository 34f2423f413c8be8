"""In charge of events as data, and of handing them to who subscribed. It never decides whether something happened.

Events are published after COMMIT was answered, never before; what a subscriber does with them is its own affair, and
its failure changes nothing for the others.
"""

from __future__ import annotations

import asyncio
import dataclasses
import inspect
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from core.frozen import EMPTY


@dataclass(frozen=True, slots=True)
class Event:
    """An item was created, updated or deleted.

    `action`: create, update or delete. `payload`: what spec 03 §13 tells: the new row; the columns set with the key;
    the deleted row. `before`, `after`: the row as the driver gave it. `soft_deleted`: the update sets such a status.
    """

    action: str
    collection: str
    key: Any
    payload: Mapping[str, Any] = dataclasses.field(default_factory=lambda: EMPTY)
    before: Mapping[str, Any] | None = None
    after: Mapping[str, Any] | None = None
    soft_deleted: bool = False

    @property
    def name(self) -> str:
        """The name of the hook that is told first (spec 03 §14)."""
        return f"item.{self.action}:after"

    @property
    def names(self) -> tuple[str, str]:
        """The names of the hooks, in their order."""
        return self.name, f"item.{self.action}.{self.collection}:after"


@dataclass(frozen=True, slots=True)
class SchemaEvent:
    """A collection or a field was created, updated or deleted (spec 03 §14). `data`: as sent, of update and create."""

    subject: str
    action: str
    collection: str
    field: str | None = None
    data: Mapping[str, Any] = dataclasses.field(default_factory=lambda: EMPTY)

    @property
    def name(self) -> str:
        """The name of the hook that is told after the change."""
        return f"{self.subject}.{self.action}:after"

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the hooks, in their order."""
        if self.subject == "collection":
            return (self.name,)
        return self.name, f"field.{self.action}.{self.collection}:after"


Told = Event | SchemaEvent
Subscriber = Callable[[Sequence[Told]], Awaitable[None] | None]


class Subscribers:
    """Who wants to know of a project's events. They are told in the order in which they came."""

    def __init__(self) -> None:
        self._all: list[Subscriber] = []

    def __bool__(self) -> bool:
        return bool(self._all)

    def add(self, subscriber: Subscriber) -> Callable[[], None]:
        """Subscribe; what comes back ends the subscription."""
        self._all.append(subscriber)

        def remove() -> None:
            if subscriber in self._all:
                self._all.remove(subscriber)

        return remove

    async def publish(self, events: Sequence[Told]) -> None:
        """Tell everybody of the events of one transaction, in their order."""
        for subscriber in list(self._all):
            try:
                told = subscriber(events)
                if inspect.isawaitable(told):
                    await told
            except Exception as error:
                # What is stored is stored: one listener's fault is no reason to keep it from the others.
                report = {"message": "A subscriber to events failed", "exception": error}
                asyncio.get_running_loop().call_exception_handler(report)
