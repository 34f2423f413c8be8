"""In charge of the paths of endpoints: patterns of v8 → expressions, maps → entries, and finding one. Pure.

Patterns (spec 03 §15): `{id}` is one segment, `{id:[0-9]+}` what the expression takes, `[/{more}]` may be left out.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

SECONDS = 0.05
"""Longest match of a path: an expression that backtracks without end fits nothing, and holds nobody up."""
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
Handler = Callable[..., Any]


@dataclass(frozen=True, slots=True)
class Entry:
    """One path of an extension. `source`: for logs and lists."""

    methods: tuple[str, ...]
    path: str
    pattern: Any
    """Compiled by `regex`, whose matching can be stopped."""
    handler: Handler
    source: str

    @property
    def is_async(self) -> bool:
        """Whether it is awaited; other functions run in a thread."""
        return inspect.iscoroutinefunction(self.handler)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """The entries of one extension below its mount point, such as ("custom", "name")."""

    mount: tuple[str, str]
    entries: tuple[Entry, ...]

    def find(self, path: str) -> Iterator[tuple[Entry, dict[str, str]]]:
        """The entries that a path fits, in their order, with what the placeholders matched."""
        for entry in self.entries:
            try:
                match = entry.pattern.fullmatch(path, timeout=SECONDS)
            except TimeoutError:
                continue
            if match is not None:
                yield entry, {name: value for name, value in match.groupdict().items() if value is not None}


def endpoint(mount: tuple[str, str], given: Any, source: str) -> Endpoint:
    """The entries of a map. Raises ValueError, TypeError for what is none."""
    return Endpoint(mount, tuple(_entries(given, "", source)))


def _entries(given: Any, above: str, source: str) -> Iterator[Entry]:
    if not isinstance(given, Mapping):
        raise TypeError("`endpoints` must be a mapping of paths")
    for path, what in given.items():
        if not isinstance(path, str) or (path and not path.startswith(("/", "["))):
            raise ValueError(f"{path!r} is no path: it must be empty or begin with a slash")
        whole = above + path
        if isinstance(what, Mapping) and what.get("group"):
            yield from _entries(what.get("endpoints"), whole, source)
            continue
        handler = what.get("handler") if isinstance(what, Mapping) else what
        methods = _methods(what.get("method", "GET") if isinstance(what, Mapping) else "GET")
        if not callable(handler):
            raise TypeError(f"{whole!r} has no handler")
        try:
            inspect.signature(handler).bind(None, None)
        except TypeError:
            raise TypeError(f"the handler of {whole!r} must take (request, context)") from None
        name = getattr(handler, "__qualname__", type(handler).__name__)
        yield Entry(methods, whole, expression(whole), handler, f"{source}: {name}")


def _methods(given: Any) -> tuple[str, ...]:
    found = (given,) if isinstance(given, str) else given
    if not isinstance(found, Iterable):
        raise TypeError(f"{given!r} is no method")
    methods = tuple(str(one).upper() for one in found)
    if not methods or any(one not in METHODS for one in methods):
        raise ValueError(f"{given!r} is no method: {', '.join(METHODS)} are")
    return methods


def expression(path: str) -> Any:
    """The expression for a pattern, slash at the end or not. Raises ValueError."""
    import regex  # slow to import, and most projects have no endpoints

    found: list[str] = []
    names: set[str] = set()
    depth, place = 0, 0
    while place < len(path):
        sign = path[place]
        if sign == "{":
            end = _closing(path, place)
            name, _, inner = path[place + 1 : end].partition(":")
            if not name.strip().isidentifier():
                raise ValueError(f"{path!r}: {name.strip()!r} is no name")
            if name.strip() in names:
                raise ValueError(f"{path!r}: {name.strip()!r} is there twice")
            names.add(name.strip())
            found.append(f"(?P<{name.strip()}>{inner.strip() or '[^/]+'})")
            place = end
        elif sign == "[":
            depth += 1
            found.append("(?:")
        elif sign == "]":
            depth -= 1
            if depth < 0 or path[place + 1 :].strip("]"):
                raise ValueError(f"{path!r}: only the end may be left out")
            found.append(")?")
        else:
            found.append(regex.escape(sign))
        place += 1
    if depth:
        raise ValueError(f"{path!r}: a bracket is not closed")
    try:
        return regex.compile("".join(found).removesuffix("/") + "/?", regex.VERSION0)
    except regex.error as error:
        raise ValueError(f"{path!r}: {error}") from None


def _closing(path: str, start: int) -> int:
    """Where the brace that opens at `start` closes: expressions have braces of their own."""
    depth = 0
    for place in range(start, len(path)):
        depth += {"{": 1, "}": -1}.get(path[place], 0)
        if depth == 0:
            return place
    raise ValueError(f"{path!r}: a brace is not closed")
