"""In charge of what rows of directus_permissions may say: levels (spec 02 §11), rules, presets and checks. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from core.access.restrict import rule_meaning
from core.access.rules import MEMBERS, misunderstood
from core.catalog.model import Snapshot
from core.context import Actor
from core.errors import Problem
from core.types.write import INVALID
from core.write.change import Node
from core.write.validate import Finding

TABLE = "directus_permissions"
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
    if node.collection.name != TABLE:
        return
    for name, allowed in LEVELS.items():
        value = node.payload.get(name)
        if value is not None and value not in allowed:
            yield Finding("invalid", Problem((*node.path, name), INVALID))


def rule_findings(
    snapshot: Snapshot, node: Node, stored: Mapping[str, Any] | None, actor: Actor, now: datetime
) -> Iterator[Finding]:
    """Rules, presets and checks that mean nothing for the collection and the status that the row will have.

    Those that are stored already are judged again when the row is to be about something else.
    """
    sent = node.payload
    if node.collection.name != TABLE or node.verb == "delete":
        return
    moved = any(name in sent for name in ("collection", "status"))
    asked = {
        name: sent[name] if name in sent else (stored or {}).get(name) for name in MEMBERS if moved or name in sent
    }
    if not any(asked.values()):
        return
    collection, status = (sent[name] if name in sent else (stored or {}).get(name) for name in ("collection", "status"))
    about = None if status in (None, "") else str(status)
    for where, message in misunderstood(snapshot, str(collection), about, asked, rule_meaning, actor, now):
        yield Finding("invalid", Problem((*node.path, *where), message))


def level_stored(name: str, value: object) -> object:
    """The level as it is kept."""
    return "full" if name == "create" and value in ("mine", "role") else value
