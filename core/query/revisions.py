"""In charge of what the contents of revisions (`data`, `delta`) show: what of an item is hidden is hidden there. Pure.

What nobody sees: secrets of users, and plaintexts of hash fields that Directus 8 left in `delta` (spec 02 §8.4,
03 §8.6).
What a role does not see comes with the plan, as a `Redaction`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson

from core.catalog.model import Snapshot, ToOne
from core.query.plan import Redaction

REVISIONS = "directus_revisions"
CONTENTS = frozenset({"data", "delta"})
PARENTS = frozenset({"parent_collection", "parent_item", "parent_changed"})
NEEDS = ("collection", "item", "parent_collection")
"""The columns of its row that the contents of a revision are judged by."""

# What of a user no revision and no event shows.
DROPPED = {"directus_users": frozenset({"password"})}
BLANKED = {"directus_users": frozenset({"token", "2fa_secret", "password_reset_token"})}
NONE: frozenset[str] = frozenset()
PLAIN = Redaction()

Redact = Callable[[Any, str, Any, Any, int], Any]
"""(stored value, collection, item, parent collection, id of the caller) → the value to show, as stored."""


def redacted(collection: str, field: str) -> bool:
    """Whether a column is shown through `redactor` only."""
    return collection == REVISIONS and (field in CONTENTS or field in PARENTS)


def redactor(snapshot: Snapshot, redaction: Redaction, field: str) -> Redact:
    """What a column of revisions shows, row by row."""
    return _parents(snapshot, redaction) if field in PARENTS else _contents(snapshot, redaction, field)


def _contents(snapshot: Snapshot, redaction: Redaction, field: str) -> Redact:
    hidden = dict(redaction.hidden)
    known: dict[str, frozenset[str]] = {}

    def names(collection: str) -> frozenset[str]:
        """The members that are taken out of revisions of a collection."""
        if collection not in known:
            found = hidden.get(collection, NONE) | DROPPED.get(collection, NONE)
            model = snapshot.collections.get(collection)
            if field == "delta" and model is not None:
                found |= {one.name for one in model.columns if one.type == "hash"}
            known[collection] = found
        return known[collection]

    def redact(value: Any, collection: str, item: Any, parent: Any, user: int) -> Any:
        if value is None:
            return None
        drop, blank = names(collection), BLANKED.get(collection, NONE)
        if collection == "directus_users" and redaction.own_only and str(item) != str(user):
            drop |= redaction.own_only
        return without(value, drop, blank) if drop or blank else value

    return redact


def without(value: str | bytes, drop: frozenset[str], blank: frozenset[str]) -> Any:
    """JSON text without the members `drop` and with null in those of `blank`; None when it cannot be looked into."""
    try:
        found = orjson.loads(value)
    except (orjson.JSONDecodeError, TypeError):
        return None
    if not isinstance(found, dict):
        return value if found == [] else None
    if drop.isdisjoint(found) and all(found.get(name) is None for name in blank):
        return value
    kept = {name: None if name in blank else inner for name, inner in found.items() if name not in drop}
    return orjson.dumps(kept).decode()


def _parents(snapshot: Snapshot, redaction: Redaction) -> Redact:
    """Which parent a row was written through is told by its foreign key as well: hidden with it."""
    hidden = {
        name: frozenset(
            relation.target
            for relation in snapshot.collections[name].relations.values()
            if isinstance(relation, ToOne) and relation.field in fields
        )
        for name, fields in redaction.hidden
    }

    def redact(value: Any, collection: str, item: Any, parent: Any, user: int) -> Any:
        return None if parent in hidden.get(collection, NONE) else value

    return redact
