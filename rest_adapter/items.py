"""In charge of what is special about the routes of items: which collections they may name, and what a body must be."""

from __future__ import annotations

from typing import Any

from core.catalog.model import Snapshot
from core.errors import CollectionNotFound, SystemCollectionAccess, Unprocessable
from rest_adapter.route import ARRAY, OBJECT

SYSTEM_PREFIX = "directus_"


def form(payload: Any, collection: str | None) -> tuple[str, Any]:
    """Whether a body is one item or a batch (spec 03 §2.3), and what it is then: an empty list counts as `{}`.

    Raises Unprocessable for a list of anything but objects.
    """
    if isinstance(payload, dict):
        return OBJECT, payload
    if not payload:
        return OBJECT, {}
    for index, one in enumerate(payload):
        if not isinstance(one, dict | list) or (isinstance(one, list) and one):
            raise Unprocessable(f'Payload fields: "{index}" does not exist in "{collection}" collection.')
    return ARRAY, [one or {} for one in payload]


def refuse_system(collection: str) -> None:
    """Raise SystemCollectionAccess for a system collection: it has routes of its own (spec 03 §1)."""
    if collection.startswith(SYSTEM_PREFIX):
        raise SystemCollectionAccess


def require(collection: str, snapshot: Snapshot) -> None:
    """Raise CollectionNotFound for what is no table or view of the project, whatever the caller may see."""
    if collection not in snapshot.collections:
        raise CollectionNotFound(collection)
