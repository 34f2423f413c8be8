"""In charge of the root fields of collections: their arguments, and which resolver answers them. Makes no types."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from graphql import (
    GraphQLArgument,
    GraphQLBoolean,
    GraphQLField,
    GraphQLID,
    GraphQLInt,
    GraphQLList,
    GraphQLNonNull,
    GraphQLString,
)

from core.catalog.model import Collection
from core.query.revisions import REVISIONS
from resolvers import items
from resolvers import subscriptions as telling
from resolvers.binding import KEY, Root
from resolvers.system import history
from schema.collections import Types
from schema.names import Operations
from schema.system import FROM_METADATA

# Shared by all root fields: objects that are there for every field cost memory and time wherever schemas are made.
TEXT, WHOLE, YES = GraphQLArgument(GraphQLString), GraphQLArgument(GraphQLInt), GraphQLArgument(GraphQLBoolean)
STRINGS = GraphQLArgument(GraphQLList(GraphQLNonNull(GraphQLString)))
KEYS = GraphQLList(GraphQLNonNull(GraphQLID))
ONE_KEY, SOME_KEYS = GraphQLArgument(GraphQLNonNull(GraphQLID)), GraphQLArgument(KEYS)
ALL_KEYS = GraphQLArgument(GraphQLNonNull(KEYS))
KEY_OF_USERS, KEY_OF_SYSTEM = WHOLE, GraphQLArgument(GraphQLID)

Allowed = Callable[[str, str], bool]
Fields = Iterator[tuple[str, GraphQLField]]
OF_ITEM = {"collection": GraphQLString, "item": GraphQLID}
"""Arguments of the list of revisions beside those of every list: of which item."""


def queries(types: Types, allowed: Allowed) -> Fields:
    """Root fields of the query type: `C`, `C_by_id`, `C_aggregate` of every collection that has a name."""
    for name, names in types.names.collections.items():
        if name not in FROM_METADATA and types.knows(name) and allowed(name, "read"):
            yield from _reads(types, types.snapshot.collections[name], names.operations)


def mutations(types: Types, allowed: Allowed) -> Fields:
    """Root fields of the mutation type, for collections whose items can be written."""
    for name, names in types.names.collections.items():
        if types.knows(name):
            yield from _writes(types, types.snapshot.collections[name], names.operations, allowed)


def _reads(types: Types, collection: Collection, operations: Operations) -> Fields:
    root = Root(collection.name, collection.primary_key)
    bound = {KEY: root}
    narrowing = types.list_arguments(collection.name)
    of_item: dict[str, GraphQLArgument] = {}
    resolver: Callable[..., Any] = items.read
    if collection.name == REVISIONS:
        of_item, resolver = {name: GraphQLArgument(type_) for name, type_ in OF_ITEM.items()}, history.revisions
    keys: dict[str, GraphQLArgument] = {}
    if collection.primary_key is not None:
        keys = {
            "id": _key(collection),
            "ids": SOME_KEYS,
        }
    yield (
        operations.read,
        GraphQLField(
            types.wrapper(collection.name),
            {
                **keys,
                **of_item,
                **narrowing,
                "q": TEXT,
                "page": WHOLE,
                "status": STRINGS,
                "groups": STRINGS,
            },
            resolve=partial(_call, resolver, root),
            description=collection.note or None,
            extensions=bound,
        ),
    )
    if operations.by_id is not None:
        yield (
            operations.by_id,
            GraphQLField(
                types.item(collection.name),
                {"id": ONE_KEY, "lang": TEXT},
                resolve=partial(_call, items.by_id, root),
                extensions=bound,
            ),
        )
    if operations.aggregate is not None:
        aggregate = types.fixed.types["Aggregate"]
        yield (
            operations.aggregate,
            GraphQLField(
                GraphQLList(aggregate),
                {
                    "group_by": STRINGS,
                    "filter": narrowing["filter"],
                    "where": narrowing["where"],
                    "q": TEXT,
                    "sort": STRINGS,
                    "limit": WHOLE,
                    "having": narrowing["where"],
                },
                resolve=partial(_call, items.aggregate, root),
                extensions=bound,
            ),
        )


def subscriptions(types: Types, allowed: Allowed) -> Fields:
    """Root fields of the subscription type: `C_mutated`, `C_live` of every collection whose items are written."""
    for name, names in types.names.collections.items():
        if names.operations.mutated is not None and types.knows(name) and allowed(name, "read"):
            yield from _told(types, types.snapshot.collections[name], names.operations)


def _told(types: Types, collection: Collection, operations: Operations) -> Fields:
    root = Root(collection.name, collection.primary_key)
    narrowing = types.list_arguments(collection.name)
    strings = GraphQLArgument(GraphQLList(GraphQLNonNull(GraphQLString)))
    assert operations.mutated is not None
    assert operations.live is not None
    yield (
        operations.mutated,
        GraphQLField(
            types.mutated(collection.name),
            {
                "event": GraphQLArgument(types.fixed.types["MutationEvent"]),  # type: ignore[arg-type]
                "filter": narrowing["filter"],
                "where": narrowing["where"],
                "lang": narrowing["lang"],
            },
            resolve=partial(_call, telling.mutated, root),
            description="Items as they are created, updated or deleted.",
            extensions={KEY: root},
        ),
    )
    yield (
        operations.live,
        GraphQLField(
            types.wrapper(collection.name),
            {**narrowing, "q": GraphQLArgument(GraphQLString), "page": GraphQLArgument(GraphQLInt), "status": strings},
            resolve=partial(_call, telling.live, root),
            description="The list, now and again after every change of what is in it.",
            extensions={KEY: root},
        ),
    )


def _key(collection: Collection) -> GraphQLArgument:
    """v8 declares `id: Int` for tables of users and `ID` for its own; text keys need `ID` (spec 01 §15.2, 15.5)."""
    if collection.is_system and collection.name != "directus_activity":
        return KEY_OF_SYSTEM
    column = collection.fields[collection.primary_key or ""].column
    return KEY_OF_USERS if column is not None and column.family in ("integer", "bigint") else KEY_OF_SYSTEM


def _writes(types: Types, collection: Collection, operations: Operations, allowed: Allowed) -> Fields:
    input_ = types.input(collection.name)
    if input_ is None:
        return
    root = Root(collection.name, collection.primary_key)
    bound = {KEY: root}
    one, many = GraphQLArgument(input_), GraphQLArgument(GraphQLList(GraphQLNonNull(input_)))
    key, keys = {"id": ONE_KEY}, {"ids": ALL_KEYS}
    item = types.item(collection.name)
    lang = {"lang": TEXT}
    history = {"comment": TEXT, "activity_skip": YES}

    def made(
        action: str,
        name: str | None,
        type_: Any,
        resolver: Any,
        arguments: dict[str, GraphQLArgument],
        data: GraphQLArgument | None = None,
    ) -> Fields:
        if name is not None and allowed(collection.name, action):
            content = {"data": data, "payload": types.payload, **lang} if data is not None else {}
            yield (
                name,
                GraphQLField(
                    type_,
                    {**arguments, **content, **history},
                    resolve=partial(_call, resolver, root),
                    extensions=bound,
                ),
            )

    listed = GraphQLList(item)
    yield from made("create", operations.create_item, item, items.create_item, {}, one)
    yield from made("create", operations.create_items, listed, items.create_items, {}, many)
    yield from made("update", operations.update_item, item, items.update_item, key, one)
    yield from made("update", operations.update_items, listed, items.update_items, keys, one)
    yield from made("update", operations.update_batch, listed, items.update_batch, {}, many)
    match_on = {"key": TEXT}
    yield from made("create", operations.upsert_items, listed, items.upsert_items, match_on, many)
    back = {**key, "revision": GraphQLArgument(GraphQLNonNull(GraphQLID)), "lang": GraphQLArgument(GraphQLString)}
    yield from made("update", operations.revert_item, item, items.revert_item, back)
    yield from made("delete", operations.delete_item, GraphQLID, items.delete_item, key)
    yield from made("delete", operations.delete_items, GraphQLList(GraphQLID), items.delete_items, keys)


def _call(resolver: Any, root: Root, source: Any, info: Any, **arguments: Any) -> Any:
    """Hands the collection to a resolver; arguments travel as one mapping, since `id` and `filter` are Python's too."""
    return resolver(root, info, arguments)
