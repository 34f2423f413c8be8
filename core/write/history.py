"""In charge of the rows of activity and revisions that a change leaves (spec 03 §11.1, 12.1). Pure: it inserts nothing.

Both are written as one multi-row INSERT each, in the transaction of the change. No secret may enter here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC
from typing import Any

from core.access.authorize import soft_deleted
from core.context import Context
from core.query.revisions import BLANKED
from core.types.structured import json_text
from core.write.autofill import stamped
from core.write.change import Node
from core.write.forms import Form
from core.write.guard import status_value
from core.write.normalize import FILES

# Written without a trace (spec 03 §12.1).
UNRECORDED = frozenset({"directus_activity", "directus_collection_presets"})

ACTIVITY = ("action", "action_by", "action_on", "ip", "user_agent", "collection", "item", "comment")
REVISION = (
    "activity", "collection", "item", "data", "delta", "parent_collection", "parent_item", "parent_changed",
)  # fmt: skip


BORN = frozenset({"create", "upload"})
"""Actions in whose delta the key stands."""

# Characters of the column that holds keys as text.
ITEM = 255


@dataclass(frozen=True, slots=True)
class Entry:
    """What a row of activity is about, and whether a revision belongs to it. `by`: who acted, if not the caller.

    The rows themselves are made when they are written: a batch of many items does not hold them all.
    """

    node: Node
    action: str
    revised: bool
    by: Any = None


@dataclass(frozen=True, slots=True)
class Facts:
    """What became of a change: keys and rows by node, the forms of collections, who asked for it and why.

    `signed`: what all rows of activity have in common.
    """

    signed: Mapping[str, Any]
    comment: str | None
    keys: list[Any]
    after: Mapping[int, Mapping[str, Any]]
    form: Callable[[str], Form]
    shown: Callable[[Mapping[str, Any]], Any]
    """Row of a file → its virtual field `data`."""


def entries(nodes: tuple[Node, ...], facts: Facts) -> list[Entry]:
    """The rows to write, in the order of their ids."""
    found: list[Entry] = []
    for node in nodes:
        if node.empty or node.collection.name in UNRECORDED:
            continue
        action = action_of(node)
        found.append(Entry(node, action, node.verb != "delete"))
        if (
            node.collection.name == "directus_users"
            and node.verb == "update"
            and node.payload.get("status") is not None
        ):
            # The counter of wrong logins begins anew here (spec 02 §9.4)
            found.append(Entry(node, "status-update", False, facts.keys[node.index]))
    return found


def action_of(node: Node) -> str:
    """The word in `action`."""
    if node.reverts:
        return "revert"
    if node.verb == "update":
        field = node.collection.status_field
        sent = node.payload.get(field) if field else None
        if sent is not None and soft_deleted(node.collection, status_value(node.collection, sent)):
            return "soft-delete"
    if node.verb == "create" and node.collection.name == "directus_files":
        return "upload"
    if node.verb == "create" and node.collection.name == "directus_collections":
        return "update"  # spec 03 §12.1
    return node.verb


def signature(context: Context) -> dict[str, Any]:
    """Who did it, when, from where: the same in every row of activity."""
    address = context.address
    return {
        "action_by": context.actor.user,
        "action_on": context.now.astimezone(UTC).replace(tzinfo=None, microsecond=0),
        "ip": "localhost" if address in ("127.0.0.1", "::1") else address[:50],
        "user_agent": context.user_agent.replace("\x00", "")[:255],
    }


def activity(entry: Entry, facts: Facts) -> dict[str, Any]:
    """The row of directus_activity."""
    node = entry.node
    found = {
        **facts.signed,
        "action": entry.action,
        "collection": node.collection.name,
        "item": str(facts.keys[node.index])[:ITEM],
        "comment": facts.comment,
    }
    return found if entry.by is None else {**found, "action_by": entry.by}


def revision(entry: Entry, facts: Facts, key: Any) -> dict[str, Any]:
    """The row of directus_revisions. `key`: of the row of activity."""
    node = entry.node
    row = facts.after.get(node.index, {})
    delta = delta_of(node, facts, entry.action)
    data = facts.form(node.collection.name).row(row)
    if node.collection.name == FILES:
        data["data"] = facts.shown(row)
    parent = node.parent
    return {
        "activity": key,
        "collection": node.collection.name,
        "item": str(facts.keys[node.index])[:ITEM],
        "data": json_text(data) or "{}",
        "delta": json_text(delta) if delta else "[]",
        "parent_collection": parent.relation.collection if parent else None,
        "parent_item": str(facts.keys[parent.index])[:ITEM] if parent else None,
        "parent_changed": (node.verb == "create" or node.own_data) if parent else None,
    }


def delta_of(node: Node, facts: Facts, action: str) -> dict[str, Any]:
    """The submitted values: no aliases, no hashes, nothing that the server set but the link to the parent.

    Of a revert, all that was written in the form of `data`, the key included.
    """
    collection = node.collection
    key = collection.primary_key or ""
    if node.reverts:
        written = {key, *node.payload, *stamped("update", collection)}
        shown = [field.name for field in collection.columns if field.name in written and field.type != "hash"]
        return facts.form(collection.name).row(facts.after.get(node.index, {}), shown)
    blanked = BLANKED.get(collection.name, frozenset())
    found: dict[str, Any] = {}
    # Of a file that was given bytes, all that was written: most of it follows from them (spec 04 §3.4)
    for name in node.named if node.content is None else dict.fromkeys((*node.payload, *node.named)):
        field = collection.fields.get(name)
        if field is None or field.column is None or field.type == "hash" or (name == key and action not in BORN):
            continue
        if name in node.payload:
            found[name] = None if name in blanked else node.payload[name]
        elif name in node.refers:
            found[name] = facts.keys[node.refers[name]]
    if node.link is not None and node.parent is not None:
        found[node.link] = str(facts.keys[node.parent.index])
    if action == "soft-delete":
        found[key] = str(facts.keys[node.index])
    return found
