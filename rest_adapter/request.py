"""In charge of the facts of one HTTP request as the adapter needs them, read off the scope. It decides nothing."""

from __future__ import annotations

from typing import Any, Protocol
from urllib.parse import unquote

from core.catalog.model import Snapshot
from core.context import Allowance
from core.settings import ProjectConfig
from rest_adapter import params

Scope = Any
"""The ASGI scope: a mapping that middleware may have copied."""


class Rates(Protocol):
    """How often one address may ask."""

    async def of_address(self, address: str) -> Allowance: ...


class Project(Protocol):
    """What the adapter needs to know of a project."""

    config: ProjectConfig

    @property
    def rates(self) -> Rates | None: ...

    @property
    def opened(self) -> bool: ...

    @property
    def snapshot(self) -> Snapshot: ...

    async def store(self) -> Any: ...


class Request:
    """One request while it is being answered.

    `called`: decoded segments without the mount path; `path`: those without the project as well. `headers`: by
    lower-case name, the last of several. `query`: the query string as sent. `is_global`: the path names no project.
    `project`: as the path, or a hint beside it, names it.
    """

    __slots__ = ("_params", "called", "headers", "is_global", "method", "path", "project", "query", "receive", "scope")

    def __init__(self, scope: Scope, receive: Any = None) -> None:
        self.scope = scope
        self.receive = receive
        self.method: str = scope.get("method", "GET")  # a WebSocket begins as one
        self.headers: dict[bytes, bytes] = dict(scope["headers"])
        self.query: str = scope.get("query_string", b"").decode("utf-8", "replace")
        self.called: tuple[str, ...] = segments(scope)
        self.path = self.called
        self.is_global = False
        self.project: Project | None = None
        self._params: dict[str, Any] | None = None

    @property
    def params(self) -> dict[str, Any]:
        """The parameters of the URL. Raises BadRequest when there are too many."""
        if self._params is None:
            self._params = params.parse(self.query)
        return self._params

    @property
    def config(self) -> ProjectConfig | None:
        """The configuration of the project."""
        return None if self.project is None else self.project.config

    def header(self, name: bytes) -> str | None:
        """A header as text; None when it is absent."""
        value = self.headers.get(name)
        return None if value is None else value.decode("latin-1")

    def every(self, name: bytes) -> list[str]:
        """All headers of a name, in the order of sending."""
        return [value.decode("latin-1") for key, value in self.scope["headers"] if key == name]


def segments(scope: Scope) -> tuple[str, ...]:
    """The decoded segments of the path below the mount path. One trailing slash makes no difference (spec 04 §1.2).

    A slash that was sent encoded belongs to its segment: keys may contain one.
    """
    root = scope.get("root_path", "")
    raw = scope.get("raw_path") or b""
    if b"%2f" in raw or b"%2F" in raw:
        parts = [unquote(part, errors="replace") for part in raw.decode("latin-1").split("/")]
        parts = parts[root.count("/") + 1 :] if root else parts
    else:
        path: str = scope["path"]
        if root and path.startswith(root):
            path = path[len(root) :]
        parts = path.split("/")
    if parts and not parts[0]:
        del parts[0]
    if parts and not parts[-1]:
        parts.pop()
    return tuple(parts)
