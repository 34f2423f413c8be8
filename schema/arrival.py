"""In charge of what the doors know of a request before it is let in, as data. Reads nothing."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Arrival:
    """What HTTP tells of a request: for which Project of core (None: unknown), with which credentials, from where.

    `server`: the request is for the schema that needs no project. `present`: a token that is shown later becomes
    credentials.
    """

    project: Any
    server: bool
    credentials: Any
    address: str = ""
    user_agent: str = ""
    base_url: str = ""
    remembered: str | None = None
    """What the browser keeps of a sign-in elsewhere."""
    present: Callable[[str], Any] | None = None


Arrive = Callable[[Any], Awaitable[Arrival]]
"""Takes an ASGI scope."""
