"""In charge of the GraphQL document of a call: (route, collection, names carried, counts) → AST with one root field.

Values travel in variables only; names come from the edition, never from the request.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from graphql import DocumentNode, GraphQLObjectType, GraphQLSchema, parse

from core.errors import Unprocessable
from rest_adapter.route import Route
from schema.names import Names

GENERATED: Mapping[str, str] = {
    "C": "read",
    "C_by_id": "by_id",
    "create_C_item": "create_item",
    "create_C_items": "create_items",
    "update_C_item": "update_item",
    "update_C_items": "update_items",
    "update_C_batch": "update_batch",
    "delete_C_item": "delete_item",
    "delete_C_items": "delete_items",
    "revert_C_item": "revert_item",
}
"""Operation of a route → the slot of `schema.names.Operations`."""

OF_SCHEMA = frozenset({"directus_collections", "directus_fields"})
"""Collections whose mutations are of the generated names, but belong to the fixed part: they change the schema."""
FIELDS = "fields"
"""The argument that belongs to the REST form of an item, unless the root field has it."""


class Edition(Protocol):
    """What of an edition the adapter needs."""

    @property
    def schema(self) -> GraphQLSchema: ...

    @property
    def names(self) -> Names: ...


@dataclass(frozen=True, slots=True)
class Operation:
    """A document that is ready to run, and the key of its result."""

    document: DocumentNode
    root: str


def operation(
    schema: GraphQLSchema,
    names: Names | None,
    route: Route,
    collection: str | None,
    carried: Sequence[str],
    counts: Sequence[str] = (),
) -> Operation:
    """The operation of a route on a collection, declaring the variables carried and selecting the counts asked for.

    `names` is None in the server schema, where every name is the usual one. Raises Unprocessable where the collection
    has no such operation: a view, or a table without a single key.
    """
    root, row = _names(names, route, collection)
    kind, parent = (
        ("query", schema.query_type) if _is_field(schema.query_type, root) else ("mutation", schema.mutation_type)
    )
    assert parent is not None
    field = parent.fields[root]
    arguments = [name for name in carried if name != FIELDS or FIELDS in field.args]
    if "ids" in arguments and "ids" not in field.args:
        raise _without_key(collection)
    variables = [f"${name}: {field.args[name].type}" for name in arguments]
    row_text = row if row == "_row" else f"_row: {row}"
    if FIELDS in carried and FIELDS not in field.args:
        variables.append(f"${FIELDS}: [String!]")
        row_text += f"({FIELDS}: ${FIELDS})"
    members = " ".join(counts)
    assert route.answer is not None
    text = "{} {} {{ {}{} {} }}".format(
        kind,
        f"({', '.join(variables)})" if variables else "",
        root,
        f"({', '.join(f'{name}: ${name}' for name in arguments)})" if arguments else "",
        route.answer.selection.replace("$row", row_text).replace("$meta", f"meta {{ {members} }}" if members else ""),
    )
    return Operation(parse(text, no_location=True), root)


def _names(names: Names | None, route: Route, collection: str | None) -> tuple[str, str]:
    """The root field, and the field of an item that is its REST form."""
    if names is None:
        return route.operation, "_row"
    own = names.collections.get(collection) if collection is not None else None
    slot = GENERATED.get(route.operation)
    if slot is None:
        return names.fixed(route.operation), own.row if own is not None else "_row"
    root = getattr(own.operations, slot) if own is not None else None
    if root is None and collection in OF_SCHEMA:
        root = names.fixed(route.operation.replace("_C_", f"_{collection}_"))
    if own is None or root is None:
        raise _without_key(collection)
    return root, own.row


def _without_key(collection: str | None) -> Unprocessable:
    return Unprocessable(f'Items of "{collection}" have no key to be named by')


def _is_field(parent: GraphQLObjectType | None, name: str) -> bool:
    return parent is not None and name in parent.fields
