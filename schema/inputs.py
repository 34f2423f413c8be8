"""In charge of the write inputs: `TInput` of each writable collection, which becomes v8's free form when it is coerced.

Nothing is required here and nothing is checked beyond types: what is missing or wrong is core's answer, collected.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from graphql import GraphQLInputField, GraphQLInputObjectType, GraphQLList

from core.catalog.model import Collection, Field, ToMany
from schema.names import CollectionNames

SCALARS: Mapping[str, str] = {
    "integer": "Int",
    "sort": "Int",
    "decimal": "Float",
    "boolean": "Boolean",
    "datetime": "Datetime",
    "datetime_created": "Datetime",
    "datetime_updated": "Datetime",
    "date": "Date",
    "time": "Time",
    "json": "JSON",
    "array": "List",
}


def input_type(
    collection: Collection,
    names: CollectionNames,
    scalar: Callable[[str], GraphQLInputField],
    target: Callable[[str], GraphQLInputObjectType | None],
) -> GraphQLInputObjectType:
    """`TInput`. A relation takes the target's input; a target that cannot be written takes its key."""
    columns: dict[str, str] = {names.delete: "$delete"}

    def fields() -> dict[str, GraphQLInputField]:
        found: dict[str, GraphQLInputField] = {}
        for name, field in collection.fields.items():
            one = _field(collection, field, scalar, target)
            if one is not None:
                found[names.fields[name]] = one
                columns[names.fields[name]] = name
        found[names.delete] = scalar("Boolean")
        return found

    return GraphQLInputObjectType(names.input, fields, out_type=partial(free_form, columns))


def _field(
    collection: Collection,
    field: Field,
    scalar: Callable[[str], GraphQLInputField],
    target: Callable[[str], GraphQLInputObjectType | None],
) -> GraphQLInputField | None:
    relation = collection.relations.get(field.name)
    if relation is not None:
        other = target(relation.target)
        if isinstance(relation, ToMany):
            return GraphQLInputField(GraphQLList(other)) if other is not None else None
        return GraphQLInputField(other) if other is not None else scalar("ID")
    if (collection.name, field.name) == ("directus_files", "data"):
        return scalar("Upload")
    if field.is_alias or (field.column is not None and field.column.generated):
        return None
    if field.type == "integer" and field.interface == "primary-key":
        return scalar("ID")
    return scalar(SCALARS.get(field.type, "String"))


def free_form(columns: Mapping[str, str], values: Mapping[str, Any]) -> dict[str, Any]:
    """Names of GraphQL become those of the table, `_delete: true` becomes `$delete: true`."""
    found = {columns[name]: value for name, value in values.items() if columns[name] != "$delete"}
    if any(value for name, value in values.items() if columns[name] == "$delete"):
        found["$delete"] = True
    return found
