"""In charge of whose an item is: owner columns, and which rows a level reaches by them (spec 02 §12.4). Pure."""

from __future__ import annotations

from core.access.policy import FULL, NONE, ROLE
from core.catalog.model import Collection, Snapshot, ToOne
from core.query.predicate import EVERYTHING, NOTHING, Bound, Compare, Predicate, Related, any_of

ME = Bound("user")
MY_ROLE = Bound("role")

# Owner columns that the system fixes, whatever fields of type owner there are (spec 02 §12.4).
FIXED_OWNERS = {
    "directus_users": "id",
    "directus_collection_presets": "user",
    "directus_activity": "action_by",
}
ROLE_SCOPED = {"directus_roles": "id", "directus_permissions": "role"}


def owner_column(collection: Collection) -> str | None:
    """The column that names the owner of an item."""
    return FIXED_OWNERS.get(collection.name) or collection.owner_field


def owner_scope(snapshot: Snapshot, collection: Collection, level: int) -> Predicate:
    """Rows that a level reaches by their owner; without owner column only `full` reaches any."""
    if level >= FULL:
        return EVERYTHING
    column = owner_column(collection)
    if column is None or level == NONE:
        return NOTHING
    mine = Compare(column, "eq", ME)
    if level < ROLE:
        return mine
    if collection.name == "directus_users":
        return any_of((mine, Compare("role", "eq", MY_ROLE)))
    relation = collection.relations.get(column)
    if not isinstance(relation, ToOne) or relation.target != "directus_users":
        return mine
    return any_of((mine, Related(column, Compare("role", "eq", MY_ROLE), trusted=True)))
