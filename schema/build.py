"""In charge of putting an executable schema together: fixed part, types, root fields of a snapshot. Reads nothing."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from graphql import GraphQLField, GraphQLList, GraphQLObjectType, GraphQLSchema, get_named_type

from core.catalog.model import Collection, Snapshot
from core.pace import Pause, paced, unpaced
from schema import roots
from schema.collections import Types
from schema.names import Names, names_of
from schema.reach import ReachedSchema
from schema.static import Fixed, fixed_part, wishes
from schema.system import SYSTEM
from schema.usable import EVERYTHING, Caller, usable, writable

FOLLOWING = ("directus_users", "directus_permissions", "directus_activity")
"""Collections whose item types the fixed part names without knowing their fields."""

ABOUT: Mapping[str, str] = {
    "directus_collections": "directus_collections",
    "directus_collections_by_id": "directus_collections",
    "directus_fields": "directus_fields",
    "directus_fields_by_id": "directus_fields",
    "settings_fields": "directus_fields",
    "webhook_deliveries": "directus_webhooks",
    "webhook_secret": "directus_webhooks",
    "webhook_redeliver": "directus_webhooks",
    "delete_comment": "directus_activity",
    **dict.fromkeys(
        ("scim_users", "scim_user", "scim_create_user", "scim_replace_user", "scim_patch_user", "scim_delete_user"),
        "directus_users",
    ),
    **dict.fromkeys(
        (
            "scim_groups",
            "scim_group",
            "scim_create_group",
            "scim_replace_group",
            "scim_patch_group",
            "scim_delete_group",
        ),
        "directus_roles",
    ),
}
"""Root fields of the fixed part → the collection without which a schema does not show them."""


def names_for(snapshot: Snapshot, pause: Pause = unpaced) -> Names:
    """The names of a snapshot beside those of the fixed part."""
    fields, types = wishes()
    return names_of(snapshot, fields, types, pause)


def build_schema(
    snapshot: Snapshot,
    names: Names,
    *,
    caller: Caller = EVERYTHING,
    written: Mapping[str, Collection] | None = None,
    pause: Pause = unpaced,
) -> GraphQLSchema:
    """The executable schema of a snapshot. Not validated at run time; the tests do that.

    `names` may be those of a larger snapshot: a schema that shows less calls everything the same. `caller`: who it is
    shown to. `written`: the collections as they can be written, where that is not as they are read. `pause` is called
    between small steps.
    """
    renamed = frozenset((usual, name) for usual, name in names.fixed_types.items() if usual != name)
    fixed = fixed_part(renamed)
    types = Types(snapshot, names, fixed, written)
    shown, changing = (
        {name: field for name, field in fields.items() if usable(name, caller)}
        for fields in (fixed.queries, fixed.mutations)
    )
    query = {**_named(types, fixed, shown), **dict(paced(roots.queries(types, caller.may), pause))}
    changes = roots.mutations(types, partial(writable, caller=caller))
    mutation = {**_named(types, fixed, changing), **dict(paced(changes, pause))}
    subscription = dict(paced(roots.subscriptions(types, caller.may), pause))
    return ReachedSchema(
        GraphQLObjectType("Query", query),
        GraphQLObjectType("Mutation", mutation),
        GraphQLObjectType("Subscription", subscription) if subscription else None,
        shared=fixed.types.values(),
        pause=pause,
    )


def _named(types: Types, fixed: Fixed, fields: Mapping[str, GraphQLField]) -> dict[str, GraphQLField]:
    """Root fields of the fixed part under their names here; types that follow a table become those made from it."""
    found: dict[str, GraphQLField] = {}
    made = {fixed.types[SYSTEM[name].wrapper + "Item"]: name for name in FOLLOWING}
    for usual, field in fields.items():
        name = types.names.fixed_fields.get(usual, usual)
        collection = made.get(get_named_type(field.type))
        if collection is not None:
            if types.knows(collection):
                found[name] = _with_type(field, types.item(collection))
        elif (about := ABOUT.get(usual)) is None or types.knows(about):
            found[name] = field
    return found


def _with_type(field: GraphQLField, item: GraphQLObjectType) -> GraphQLField:
    listed = isinstance(field.type, GraphQLList)
    return GraphQLField(**{**field.to_kwargs(), "type_": GraphQLList(item) if listed else item})  # type: ignore[arg-type]
