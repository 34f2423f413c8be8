"""In charge of the presets of permissions: values that a write gets where the client sends none. Pure; grants nothing.

Blacklists do not concern them, for the client does not write them; everything else that holds of a payload holds of
them too. What a preset names must be there: else nothing is written, because it may be what keeps items apart.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from core.access import rules
from core.access.authorize import Caller, deciding
from core.access.rules import Misunderstood
from core.write.autofill import stamped
from core.write.change import Node, Rows
from core.write.guard import deciding_status, denied


def preset(caller: Caller, nodes: tuple[Node, ...], rows: Rows, now: datetime) -> tuple[Node, ...]:
    """The nodes with the presets of the permissions that decide on them; the same tuple when there are none.

    Reverts take what the revision holds. Raises CreateDenied, UpdateDenied for presets that mean nothing.
    """
    names = {node.collection.name for node in nodes}
    if not any(grant.extras.presets for name in names for grant in caller.policy.grants(name)):
        return nodes
    return tuple(_filled(caller, node, rows, now) for node in nodes)


def _filled(caller: Caller, node: Node, rows: Rows, now: datetime) -> Node:
    if node.verb not in ("create", "update") or node.empty or node.gone or node.reverts:
        return node
    values = _values(caller, node, rows, now)
    taken = {
        *node.payload,
        *node.named,
        *node.refers,
        *node.to_many,
        *node.removes,
        *stamped(node.verb, node.collection),
    }
    if node.parent is not None:
        taken.add(node.parent.relation.target_field)
    own = {name: value for name, value in values.items() if name not in taken}
    if not own:
        return node
    return replace(node, payload={**node.payload, **own}, preset=frozenset(own))


def _values(caller: Caller, node: Node, rows: Rows, now: datetime) -> Mapping[str, Any]:
    """The values of the one row that decides; of several, for a new item of unknown status, none decides alone."""
    row = rows.get(node.collection, node.key)
    stored = row.values if row is not None else None
    grants = deciding(caller.policy, node.collection, node.verb, deciding_status(caller, node, stored))
    if len(grants) != 1 or node.verb not in grants[0].extras.presets:
        return {}
    [grant] = grants
    status = grant.status if caller.policy.has_workflow(node.collection.name) else None
    try:
        return rules.preset(node.collection, grant.extras.presets[node.verb], status, caller.actor, now)
    except Misunderstood:
        raise denied(caller, node) from None
