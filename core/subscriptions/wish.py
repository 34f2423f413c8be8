"""In charge of what a subscriber wants to be told, and of what he is told, as data. Reads nothing."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from core.auth.credentials import NONE, Credentials
from core.query.selection import ReadRequest
from core.session import Session

Items = Mapping[str, Any]
"""Key as text → the item as the subscriber sees it."""


@dataclass(frozen=True, slots=True)
class Entrance:
    """How a subscriber comes in, every time anew: what he presents and from where."""

    credentials: Credentials = NONE
    address: str = ""
    user_agent: str = ""
    base_url: str = ""


@dataclass(frozen=True, slots=True)
class Wish:
    """What to tell.

    `request`: the items it is about; of a live list, the list. `actions`: create, update, delete; none for a live
    list, which is read again as a whole after every change. `items`: reads the items of some keys that the session
    may see; `whole`: reads the list. `render`: (action, key, item) as an answer. `shape`: wishes of one request and
    one shape are read once for all. `own`: what is read is repaired for its reader alone.
    """

    request: ReadRequest
    shape: Hashable
    actions: frozenset[str] = frozenset()
    items: Callable[[Session, Sequence[str]], Awaitable[Items]] | None = None
    whole: Callable[[Session], Awaitable[Any]] | None = None
    render: Callable[[str, Any, Any], Any] = lambda action, key, item: item
    own: bool = False

    @property
    def live(self) -> bool:
        """The list as a whole is wanted."""
        return self.whole is not None


def hides_key(session: Session, collection: str) -> bool:
    """Whether the role may not read the key of a collection, in whatever status: then items cannot be told apart."""
    found = session.snapshot.collections.get(collection)
    return found is not None and found.primary_key in session.policy.hidden_always(collection)


@dataclass(frozen=True, slots=True)
class Told:
    """One answer to a wish."""

    value: Any


@dataclass(frozen=True, slots=True)
class Ended:
    """Nothing more will be told. `errors`: why. `entrance`: what was presented does not let anybody in any more."""

    errors: tuple[Exception, ...] = field(default=())
    entrance: bool = False
