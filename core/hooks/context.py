"""In charge of what a hook is told beside the payload, and of the door to items that it holds. Data and interfaces."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from core.frozen import EMPTY


class Items(Protocol):
    """Items of the project, as one caller may see and change them. Every method raises what the API would answer."""

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
        """Items in their REST form. `fields`: paths such as "author.name". `where`: field → value or {operator: value}.

        `sort`: fields, descending with "-" before them. `limit`: -1 is all.
        """
        ...

    async def get(self, collection: str, key: Any, *, fields: Sequence[str] = ("*",)) -> dict[str, Any] | None:
        """One item, None where there is none to be seen."""
        ...

    async def create(self, collection: str, payload: Mapping[str, Any]) -> Any:
        """Make an item; its key. A transaction of its own."""
        ...

    async def update(self, collection: str, key: Any, payload: Mapping[str, Any]) -> None:
        """Change an item. A transaction of its own."""
        ...

    async def delete(self, collection: str, *keys: Any) -> None:
        """Delete items. A transaction of its own."""
        ...


@dataclass(frozen=True, slots=True)
class Context:
    """What surrounds an event.

    `event`: its name. `project`: key. `user`: id of the caller, 0 the public; `role`: id of his role, or None. `now`:
    aware UTC, when the request began. `collection`, `field`: which the event is about. `keys`: of the items, as far as
    they have any yet. `request`: method, path and query, for events of answers.

    `items` may do what the caller may, `system` everything; what either writes is signed by the caller. Before the
    commit both read in the transaction of the request, and write nothing.
    """

    event: str
    project: str
    user: int
    role: int | None
    now: datetime
    items: Items
    system: Items
    collection: str | None = None
    field: str | None = None
    keys: tuple[Any, ...] = ()
    address: str = ""
    request: Mapping[str, Any] = dataclasses.field(default_factory=lambda: EMPTY)
