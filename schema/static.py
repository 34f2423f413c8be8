"""In charge of the fixed part of the schema: SDL and its resolvers, built by Ariadne once per process and set of names.

The objects are merged into every edition, so that `Metadata` or `JSON` is one type however many collections use it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from ariadne import InputType, load_schema_from_path, make_executable_schema
from graphql import (
    DocumentNode,
    GraphQLField,
    GraphQLNamedType,
    GraphQLSchema,
    ObjectTypeDefinitionNode,
    TypeDefinitionNode,
    parse,
)

from core.query.selection import Condition
from resolvers.system import (
    alteration,
    assets,
    auth,
    history,
    installation,
    mail,
    metadata,
    permissions,
    project_info,
    schema_code,
    scim,
    server,
    settings,
    sso,
    transfer,
    users,
    utilities,
    webhooks,
)
from schema.names import V8_TYPES
from schema.scalars import json_scalar, scalars
from schema.system import SYSTEM

SDL = Path(__file__).parent / "sdl"
KEPT = frozenset({"Query", "Mutation", *V8_TYPES})
"""Types that never give way: v8's, and those that GraphQL itself asks for."""


@dataclass(frozen=True, slots=True)
class Fixed:
    """Root fields by their usual names, and types by theirs, whatever they are called in this edition."""

    queries: Mapping[str, GraphQLField]
    mutations: Mapping[str, GraphQLField]
    types: Mapping[str, GraphQLNamedType]


@lru_cache(maxsize=1)
def sdl() -> str:
    """The text of the fixed part of a project's schema."""
    return "\n".join(load_schema_from_path(str(SDL / name)) for name in ("shared.graphql", "project.graphql"))


@lru_cache(maxsize=1)
def wishes() -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Names that the fixed part would like to have: root fields, and types that may give way to a table's."""
    document: DocumentNode = parse(sdl())
    fields: list[str] = []
    types: list[str] = []
    v8 = {name for system in SYSTEM.values() for name in (system.wrapper, system.wrapper + "Item")}
    for node in document.definitions:
        if isinstance(node, ObjectTypeDefinitionNode) and node.name.value in ("Query", "Mutation"):
            fields += [one.name.value for one in node.fields or () if not one.name.value.startswith("directus_")]
        elif isinstance(node, TypeDefinitionNode) and node.name.value not in KEPT | v8:
            types.append(node.name.value)
    return tuple(fields), tuple(types)


def _condition(values: dict[str, object]) -> Condition:
    value = values.get("value")
    return Condition(
        field=str(values["field"]),
        op=str(values["op"]),
        value=tuple(value) if isinstance(value, list) else value,
        either=bool(values["either"]),
    )


@lru_cache(maxsize=32)
def fixed_part(renamed: frozenset[tuple[str, str]] = frozenset()) -> Fixed:
    """The fixed part with some types under other names. `renamed`: pairs of usual name and name here."""
    schema = make_executable_schema(
        sdl(),
        *scalars(),
        InputType("Condition", _condition, {"or": "either"}),
        *auth.bindables(),
        *sso.bindables(),
        *users.bindables(),
        *project_info.bindables(),
        *metadata.bindables(),
        *settings.bindables(),
        *permissions.bindables(),
        *installation.bindables(),
        *alteration.bindables(),
        *history.bindables(),
        *schema_code.bindables(),
        *scim.bindables(),
        *transfer.bindables(),
        *mail.bindables(),
        *utilities.bindables(),
        *webhooks.bindables(),
        *assets.bindables(),
    )
    types = {name: type_ for name, type_ in schema.type_map.items() if not name.startswith("__")}
    for usual, name in renamed:
        types[usual].name = name
    assert schema.query_type is not None
    assert schema.mutation_type is not None
    return Fixed(schema.query_type.fields, schema.mutation_type.fields, types)


@lru_cache(maxsize=1)
def server_schema() -> GraphQLSchema:
    """The schema at /gql, which needs no project."""
    return make_executable_schema(
        load_schema_from_path(str(SDL / "server.graphql")), json_scalar(), *server.bindables()
    )
