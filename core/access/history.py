"""In charge of rights on history: activity and revisions are read by whoever reads the items they tell of. Pure.

What items those are is `core.access.restrict`'s to say; it hands its answer in.
"""

from __future__ import annotations

from collections.abc import Callable

from core.access.policy import FULL, Policy
from core.catalog.model import Collection, Snapshot
from core.errors import ReadDenied
from core.query.plan import Redaction
from core.query.predicate import NOTHING, And, Compare, Names, Predicate, any_of
from core.query.revisions import CONTENTS, PARENTS, REVISIONS

ACTIVITY = "directus_activity"
HISTORY = frozenset({REVISIONS, ACTIVITY})

ItemScope = Callable[[Collection], Predicate]
"""The items of a collection that the role may read; raises ReadDenied."""


def admit_revisions(policy: Policy) -> None:
    """Revisions have no owner: they are read with `full` or not at all. Raises ReadDenied."""
    if policy.any_level(REVISIONS, "read") < FULL:
        raise ReadDenied(REVISIONS, level=True)


def history_scope(snapshot: Snapshot, items: ItemScope, of: str | None = None) -> Predicate:
    """The rows whose item the role may read (spec 03 §11.2, 12.2); `of`: only rows of this collection are asked for.

    Items that are gone, for good or by their status, are history of whoever reads all of the collection.
    """
    parts: list[Predicate] = []
    for name in snapshot.collections if of is None else (of,):
        collection = snapshot.collections.get(name)
        if collection is None or collection.primary_key is None or name in HISTORY:
            continue
        try:
            scope = items(collection)
        except ReadDenied:
            continue
        if scope != NOTHING:
            parts.append(Names(name, scope))
    return any_of(parts)


def collection_of(where: Predicate) -> str | None:
    """The collection that a condition on history pins."""
    for part in where.parts if isinstance(where, And) else (where,):
        if isinstance(part, Compare) and (part.field, part.op) == ("collection", "eq") and isinstance(part.value, str):
            return part.value
    return None


def redaction(snapshot: Snapshot, policy: Policy, own_only: frozenset[str], of: str | None = None) -> Redaction:
    """What the contents of revisions do not show: fields hidden in any status that the role reads."""
    if policy.admin:
        return Redaction()
    hidden = []
    for name in snapshot.collections if of is None else (of,):
        names = policy.hidden_always(name).union(*policy.hidden_sometimes(name).values())
        if names and name in snapshot.collections:
            hidden.append((name, names))
    return Redaction(tuple(hidden), own_only)


def hidden_in_conditions(policy: Policy) -> frozenset[str]:
    """Columns of revisions that no filter may touch: a condition on what is redacted would tell it."""
    if policy.admin:
        return frozenset()
    return CONTENTS | (PARENTS if policy.blacklists else frozenset())
