"""In charge of the values that the server sets, whatever the client says (spec 03 §8.4, 8.5). Pure.

Time and ids come in. Hashes are no part of it: they take time and are made before the transaction.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from core.catalog.model import Collection
from core.write.change import Node, Verb
from core.write.slug import slugs

ON_CREATE = frozenset({"datetime_created", "datetime_updated", "owner", "user_updated"})
ON_UPDATE = frozenset({"datetime_updated", "user_updated"})

# These get an id of their own when none was sent (spec 03 §8.4).
IDENTIFIED = ("directus_users", "directus_roles")


def fields_set(collection: Collection) -> dict[str, str]:
    """Field → kind, of the fields that the server sets in this collection; users are exempt from those with users."""
    found = {
        collection.created_field: "datetime_created",
        collection.updated_field: "datetime_updated",
        collection.owner_field: "owner",
        collection.user_updated_field: "user_updated",
    }
    exempt = ("owner", "user_updated") if collection.name == "directus_users" else ()
    return {name: kind for name, kind in found.items() if name and kind not in exempt}


def stamped(verb: Verb, collection: Collection) -> frozenset[str]:
    """The fields whose value the server sets for this verb, so that what was sent counts for nothing."""
    kinds = ON_CREATE if verb == "create" else ON_UPDATE if verb == "update" else frozenset()
    return frozenset(name for name, kind in fields_set(collection).items() if kind in kinds)


def stamps(node: Node, user: int, now: datetime) -> dict[str, Any]:
    """The values of `stamped`. `now`: aware; stored in whole seconds."""
    kinds = ON_CREATE if node.verb == "create" else ON_UPDATE
    moment = now.replace(microsecond=0)
    return {
        name: moment if kind.startswith("datetime") else user
        for name, kind in fields_set(node.collection).items()
        if kind in kinds and name not in node.fixed
    }


def derived(node: Node) -> Mapping[str, Any]:
    """Slugs that follow their source."""
    return slugs(node.collection, node.payload)


def identities(node: Node, new_id: Callable[[], UUID]) -> dict[str, Any]:
    """Ids made by the server for a new row: a uuid key that was not sent, `external_id` of users and roles."""
    collection = node.collection
    key = collection.fields[collection.primary_key or ""]
    found: dict[str, Any] = {}
    blank = node.payload.get(key.name) in (None, "")
    if blank and key.column is not None and (key.type == "uuid" or key.column.family == "uuid"):
        found[key.name] = str(new_id())
    if collection.name in IDENTIFIED and "external_id" in collection.fields and not node.payload.get("external_id"):
        found["external_id"] = str(new_id())
    return found
