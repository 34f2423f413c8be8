"""In charge of the payload that hooks are given: a dict with the few methods of v8's (spec 03 §14). Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_MISSING = object()


class Payload(dict[str, Any]):
    """Field → value. `get` and `has` follow dots into nested values; all else is a dict."""

    __slots__ = ("collection_name",)

    def __init__(self, values: Mapping[str, Any] | None = None, collection_name: str | None = None) -> None:
        super().__init__(values or {})
        self.collection_name = collection_name

    def get(self, name: str, default: Any = None) -> Any:
        """The value under a name, or under a path such as "author.name"."""
        found = self._find(name)
        return default if found is _MISSING else found

    def has(self, name: str) -> bool:
        """Whether there is a value, null included, under a name or path."""
        return self._find(name) is not _MISSING

    def set(self, name: str, value: Any) -> None:
        """Put a value under a name."""
        self[name] = value

    def remove(self, *given: str) -> None:
        """Take values out; names that are not there are passed over."""
        for name in given:
            self.pop(name, None)

    def replace(self, values: Mapping[str, Any]) -> None:
        """Put other values in the place of all."""
        self.clear()
        self.update(values)

    def _find(self, name: str) -> Any:
        if name in self:
            return self[name]
        found: Any = self
        for part in name.split("."):
            if not isinstance(found, Mapping) or part not in found:
                return _MISSING
            found = dict.__getitem__(found, part) if isinstance(found, dict) else found[part]
        return found
