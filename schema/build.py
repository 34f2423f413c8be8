"""In charge of putting an executable schema together: fixed part, types, root fields of a snapshot. Reads nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from graphql import (
    GraphQLField,
    GraphQLList,
    GraphQLNamedType,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLSchema,
)

from core.catalog.model import Snapshot
from schema import roots
from schema.collections import Types
from schema.names import Names, names_of
from schema.static import Fixed, fixed_part, wishes

Allowed = Callable[[str, str], bool]
"""Whether root fields of a collection and action (read, create, update, delete) shall be there."""


def everything(collection: str, action: str) -> bool:
    """Of the schema that runs documents: all root fields, whoever calls."""
    return True


def names_for(snapshot: Snapshot) -> Names:
    """The names of a snapshot beside those of the fixed part."""
    fields, types = wishes()
    return names_of(snapshot, fields, types)


def build_schema(snapshot: Snapshot, names: Names, *, allowed: Allowed = everything) -> GraphQLSchema:
    """The executable schema of a snapshot. Not validated at run time; the tests do that.

    `names` may be those of a larger snapshot: a schema that shows less calls everything the same.
    """
    renamed = frozenset((usual, name) for usual, name in names.fixed_types.items() if usual != name)
    fixed = fixed_part(renamed)
    types = Types(snapshot, names, fixed)
    query = {**_named(types, fixed, fixed.queries), **dict(roots.queries(types, allowed))}
    mutation = {**_named(types, fixed, fixed.mutations), **dict(roots.mutations(types, allowed))}
    return GraphQLSchema(GraphQLObjectType("Query", query), GraphQLObjectType("Mutation", mutation), assume_valid=True)


def _named(types: Types, fixed: Fixed, fields: Mapping[str, GraphQLField]) -> dict[str, GraphQLField]:
    """Root fields of the fixed part under their names here; `DirectusUserItem` becomes the type made from the table."""
    found: dict[str, GraphQLField] = {}
    users = types.item("directus_users") if types.knows("directus_users") else None
    for usual, field in fields.items():
        name = types.names.fixed_fields.get(usual, usual)
        if field.type is fixed.types["DirectusUserItem"]:
            if users is not None:
                found[name] = _with_type(field, users)
        elif not usual.startswith("directus_") or types.knows(usual.removesuffix("_by_id")):
            found[name] = field
    return found


def _with_type(field: GraphQLField, type_: GraphQLNamedType | GraphQLList | GraphQLNonNull) -> GraphQLField:  # type: ignore[type-arg]
    return GraphQLField(**{**field.to_kwargs(), "type_": type_})  # type: ignore[arg-type]
