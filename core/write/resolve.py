"""In charge of what each node does, once the stored rows are known: create or update, and whether it does anything.

Pure. Nodes are followed in the order in which `order` lets them run, so a row that the change itself creates or deletes
counts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from core.query.virtual import MASKS
from core.write.autofill import stamped
from core.write.change import Node, Rows, same
from core.write.normalize import key_of


def resolve(nodes: tuple[Node, ...], rows: Rows) -> tuple[Node, ...]:
    """The nodes with every `save` decided. Nothing is refused here: rows that are not there are marked `gone`."""
    state: dict[tuple[str, Any], str] = {}
    found = list(nodes)
    for node in sorted(nodes, key=lambda node: (node.place, node.index)):
        found[node.index] = _resolved(node, rows, state)
    return tuple(found)


def _resolved(node: Node, rows: Rows, state: dict[tuple[str, Any], str]) -> Node:
    collection = node.collection
    if node.verb == "create":
        sent = node.payload.get(collection.primary_key or "")
        if sent is not None and (key := key_of(collection, sent)) is not None:
            state[collection.name, same(collection, key)] = "created"
        return node
    place = (collection.name, same(collection, node.key))
    now = state.get(place) or ("stored" if rows.get(collection, node.key) else "absent")
    if node.verb == "delete":
        if now in ("stored", "created"):
            state[place] = "deleted"
        return replace(node, gone=now in ("absent", "deleted"), fresh=now == "created")
    if node.verb == "save" and now in ("absent", "deleted") and not node.strict:
        state[place] = "created"
        sent = {collection.primary_key or "": node.sent_key, **_without(node.payload, stamped("create", collection))}
        return replace(node, verb="create", payload=sent, key=None)
    payload = _unmasked(node, rows, _without(node.payload, stamped("update", collection)))
    says = payload or node.refers or node.removes or node.to_many or node.unknown or node.malformed or node.link
    brings = node.content is not None
    return replace(
        node,
        verb="update",
        payload=payload,
        gone=now in ("absent", "deleted"),
        fresh=now == "created",
        empty=not says and not brings and not node.reverts,
    )


def _unmasked(node: Node, rows: Rows, payload: Mapping[str, Any]) -> Mapping[str, Any]:
    """Without masked secrets that come back as they were shown: they stay as they are (spec 02 §6.5)."""
    masks = {name: mask for (collection, name), mask in MASKS.items() if collection == node.collection.name}
    stored = rows.get(node.collection, node.key) if masks else None
    if stored is None:
        return payload
    shown = {name: mask(stored.values.get(name)) for name, mask in masks.items()}
    return {name: value for name, value in payload.items() if name not in shown or value != shown[name]}


def _without(payload: Mapping[str, Any], names: frozenset[str]) -> Mapping[str, Any]:
    return {name: value for name, value in payload.items() if name not in names} if names else payload
