"""In charge of which items a list shows by their status (spec 03 §5.5), and who may ask for soft-deleted ones. Pure."""

from __future__ import annotations

from core.access.policy import NONE, Policy
from core.catalog.model import Collection
from core.query.predicate import EVERYTHING, NOTHING, In, IsNull, Predicate, any_of, negate


def status_scope(policy: Policy, collection: Collection, status: tuple[object, ...] | None) -> Predicate:
    """Rows by status (spec 03 §5.5): default set, these, or all; soft-deleted ones need a row that grants read."""
    field_name, mapping = collection.status_field, collection.statuses
    if field_name is None or (mapping is None and status is None):
        return EVERYTHING
    if status is None:
        return In(field_name, mapping.visible) if mapping else EVERYTHING
    forbidden = _soft_deleted_unreadable(policy, collection)
    if "*" in status:
        if not forbidden:
            return EVERYTHING
        return any_of((IsNull(field_name), negate(In(field_name, forbidden))))
    allowed = tuple(value for value in status if value not in forbidden)
    return In(field_name, allowed) if allowed else NOTHING


def _soft_deleted_unreadable(policy: Policy, collection: Collection) -> tuple[object, ...]:
    if policy.admin or collection.statuses is None:
        return ()
    rows = policy.workflow.get(collection.name) or {}
    return tuple(
        value
        for value in collection.statuses.values
        if value in collection.statuses.soft_deleted and (str(value) not in rows or rows[str(value)].read == NONE)
    )
