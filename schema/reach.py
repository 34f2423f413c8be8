"""In charge of putting the types that root types lead to into a GraphQLSchema. It makes no types.

graphql-core does it by recursion, one call deeper for each relation that is followed: a thousand collections in a row
are too many. It also makes the fields of every type at once; filters are spared that until somebody uses them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from graphql import (
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLScalarType,
    GraphQLSchema,
    GraphQLUnionType,
    get_named_type,
)
from graphql.type.schema import InterfaceImplementations

from core.pace import Pause, unpaced
from schema.filters import FilterType


class ReachedSchema(GraphQLSchema):
    """A schema that is known to be valid."""

    def __init__(
        self,
        query: GraphQLObjectType,
        mutation: GraphQLObjectType,
        subscription: GraphQLObjectType | None = None,
        *,
        shared: Iterable[GraphQLNamedType] = (),
        pause: Pause = unpaced,
    ) -> None:
        """`shared`: types that belong to other schemas as well. Raises TypeError for two types of one name."""
        super().__init__(assume_valid=True)  # finds what introspection and directives need
        self.shared = frozenset(id(type_) for type_ in shared)
        always = dict(self.type_map)
        self.query_type, self.mutation_type, self.subscription_type = query, mutation, subscription
        self.type_map.clear()
        for type_ in reached((query, mutation, *([subscription] if subscription else ())), pause):
            if self.type_map.setdefault(type_.name, type_) is not type_:
                raise TypeError(f"Two types are named {type_.name}.")
            self._implement(type_)
        for name, built_in in always.items():
            self.type_map.setdefault(name, built_in)

    def _implement(self, type_: GraphQLNamedType) -> None:
        if isinstance(type_, GraphQLObjectType | GraphQLInterfaceType):
            for interface in type_.interfaces:
                known = self._implementations_map.setdefault(interface.name, InterfaceImplementations([], []))
                if isinstance(type_, GraphQLObjectType):
                    known.objects.append(type_)
                else:
                    known.interfaces.append(type_)


def own_types(schema: GraphQLSchema) -> list[GraphQLNamedType]:
    """The types that were made for this schema alone."""
    if not isinstance(schema, ReachedSchema):
        return []
    return [
        type_
        for name, type_ in schema.type_map.items()
        if not (name.startswith("__") or isinstance(type_, GraphQLScalarType) or id(type_) in schema.shared)
    ]


def take_apart(types: Iterable[GraphQLNamedType], pause: Pause = unpaced) -> None:
    """Let go of all that types hold, each other first: nobody needs them, and the garbage collector is spared them."""
    for type_ in types:
        vars(type_).clear()
        pause()


def reached(roots: Iterable[GraphQLNamedType], pause: Pause = unpaced) -> Iterator[GraphQLNamedType]:
    """The roots and all that they lead to, each once and before what it leads to."""
    seen: set[int] = set()
    below: list[Iterator[Any]] = [iter(roots)]
    while below:
        type_ = next(below[-1], None)
        if type_ is None:
            below.pop()
            continue
        named = get_named_type(type_)
        if id(named) in seen:
            continue
        seen.add(id(named))
        below.append(_references(named))
        yield named
        pause()


def _references(type_: GraphQLNamedType) -> Iterator[Any]:
    if isinstance(type_, FilterType):
        yield from type_.references()
    elif isinstance(type_, GraphQLUnionType):
        yield from type_.types
    elif isinstance(type_, GraphQLObjectType | GraphQLInterfaceType):
        yield from type_.interfaces
        for field in type_.fields.values():
            yield field.type
            for argument in field.args.values():
                yield argument.type
    elif isinstance(type_, GraphQLInputObjectType):
        for field in type_.fields.values():
            yield field.type
