"""In charge of what of a representation is shown: `attributes` and `excludedAttributes` (RFC 7644 §3.9). Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from core.scim.rows import ENTERPRISE_SCHEMA, Kind

ALWAYS = ("schemas", "id")
ON_REQUEST = frozenset({("name", "formatted")})
"""Shown to who names it only: Directus 8 has no such member, and clients compare what they sent with what they get."""
MOST = 100


@dataclass(frozen=True, slots=True)
class Shape:
    """The attributes asked for (none: all) and those left out, each as parts of its path in lower case."""

    only: tuple[tuple[str, ...], ...] = ()
    without: tuple[tuple[str, ...], ...] = ()

    def shows(self, name: str) -> bool:
        """Whether anything of an attribute is shown."""
        path = (name.lower(),)
        if self.only and not any(one[:1] == path for one in self.only):
            return False
        return path not in self.without

    def of(self, shown: Mapping[str, Any]) -> dict[str, Any]:
        """The part of a representation that is asked for."""
        found: dict[str, Any] = {}
        for name, value in shown.items():
            if name in ALWAYS:
                found[name] = value
            elif self.shows(name):
                part = self._part((name.lower(),), value)
                if part or part is False or part == value:
                    found[name] = part
        return found

    def _part(self, path: tuple[str, ...], value: Any) -> Any:
        if isinstance(value, list):
            return [self._part(path, one) for one in value]
        if not isinstance(value, Mapping):
            return value
        return {name: one for name, one in value.items() if self._names((*path, name.lower()))}

    def _names(self, path: tuple[str, ...]) -> bool:
        if path in self.only:
            return True
        whole = not self.only or path[:1] in self.only
        return whole and path not in self.without and path not in ON_REQUEST


WHOLE = Shape()


def shape(kind: Kind | None, only: Sequence[str] | None, without: Sequence[str] | None) -> Shape:
    """The shape of an answer; names that there are not show nothing. `kind`: of what it is, None of any."""
    return Shape(_paths(kind, only), _paths(kind, without))


def _paths(kind: Kind | None, names: Sequence[str] | None) -> tuple[tuple[str, ...], ...]:
    split = [one.strip().lower() for name in names or () for one in str(name).split(",")]
    return tuple(_path(kind, one) for one in split[:MOST] if one)


def _path(kind: Kind | None, name: str) -> tuple[str, ...]:
    enterprise = ENTERPRISE_SCHEMA.lower()
    if name == enterprise:
        return (name,)
    if name.startswith(f"{enterprise}:"):
        return (enterprise, name.removeprefix(f"{enterprise}:"))
    if name.startswith("urn:") and (kind is None or name.startswith(f"{kind.schema.lower()}:")):
        name = name.rpartition(":")[2]
    return tuple(name.split("."))
