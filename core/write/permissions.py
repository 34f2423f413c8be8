"""In charge of the levels in rows of directus_permissions: what is a level, and what is stored (spec 02 §11). Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from core.errors import Problem
from core.types.write import INVALID
from core.write.change import Node
from core.write.validate import Finding

LEVELS: Mapping[str, tuple[str, ...]] = {
    # `mine` and `role` come from old data: on a row that does not exist yet they mean full
    "create": ("none", "full", "mine", "role"),
    "read": ("none", "mine", "role", "full"),
    "update": ("none", "mine", "role", "full"),
    "delete": ("none", "mine", "role", "full"),
    "comment": ("none", "read", "create", "update", "full"),
    "explain": ("none", "create", "update", "always"),
}


def level_findings(node: Node) -> Iterator[Finding]:
    """Values that are no levels; null means none everywhere."""
    if node.collection.name != "directus_permissions":
        return
    for name, allowed in LEVELS.items():
        value = node.payload.get(name)
        if value is not None and value not in allowed:
            yield Finding("invalid", Problem((*node.path, name), INVALID))


def level_stored(name: str, value: object) -> object:
    """The level as it is kept."""
    return "full" if name == "create" and value in ("mine", "role") else value
