"""In charge of the GraphQL name of everything: collections, fields, types, operations. Pure; builds no types.

Names are reversible and, for one snapshot, always the same. Precedence where two things want one name: v8's (tables as
they are spelled, their types), then generated operations, then the fixed part of the schema; the loser gets `_2`, `_3`
… and is listed in `Names.renamed` (spec 01 §15.2, 15.3).
"""

from __future__ import annotations

import re
from collections.abc import Collection as Items
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from core.catalog.model import Collection, Snapshot, ToOne
from core.pace import Pause, paced, unpaced
from schema.system import REVERTIBLE, SYSTEM, WRITABLE

BUILT_IN_TYPES = ("Int", "Float", "String", "Boolean", "ID", "Query", "Mutation", "Subscription")
V8_TYPES = ("Metadata", "Node", "Datetime", "Date", "Time", "JSON", "DirectusFileThumbnailItem")

UNTOLD = frozenset(
    {"directus_activity", "directus_revisions", "directus_collections", "directus_fields", "directus_relations"}
)
"""Collections that follow writes of others, or that are the schema: nobody subscribes to them."""

_INVALID = re.compile(r"[^_0-9A-Za-z]")


@dataclass(frozen=True, slots=True)
class Renamed:
    """A name that could not be kept: `what` is the thing as it is spelled in the database or in the fixed schema."""

    what: str
    wanted: str
    given: str


@dataclass(frozen=True, slots=True)
class Operations:
    """Names of the root fields of one collection; None where there is no such operation."""

    read: str
    by_id: str | None = None
    aggregate: str | None = None
    create_item: str | None = None
    create_items: str | None = None
    update_item: str | None = None
    update_items: str | None = None
    update_batch: str | None = None
    upsert_items: str | None = None
    delete_item: str | None = None
    delete_items: str | None = None
    revert_item: str | None = None
    mutated: str | None = None
    live: str | None = None


@dataclass(frozen=True, slots=True)
class CollectionNames:
    """Every name of one collection. `fields`: field → GraphQL name; `columns`: the way back; `keys`: `author__key`.

    `plural`: of a system collection, the item type made for relation rows (`DirectusUsersItem`), else the item itself.
    `output` and `input` are the names of `_row` and `_delete` beside the fields.
    """

    operations: Operations
    wrapper: str
    item: str
    plural: str
    filter: str
    input: str
    mutated: str
    fields: Mapping[str, str]
    columns: Mapping[str, str]
    keys: Mapping[str, str]
    row: str = "_row"
    delete: str = "_delete"


@dataclass(frozen=True, slots=True)
class Names:
    """The names of a snapshot. Methods raise KeyError for what does not exist."""

    collections: Mapping[str, CollectionNames]
    roots: Mapping[str, str]
    """Root field that reads a collection → the collection."""
    fixed_fields: Mapping[str, str]
    """Operation of the fixed part → its name here."""
    fixed_types: Mapping[str, str]
    renamed: tuple[Renamed, ...] = field(default=())

    def read(self, collection: str) -> str:
        """Root field `C`."""
        return self.collections[collection].operations.read

    def by_id(self, collection: str) -> str:
        """Root field `C_by_id`."""
        return _present(self.collections[collection].operations.by_id, collection)

    def aggregate(self, collection: str) -> str:
        """Root field `C_aggregate`."""
        return _present(self.collections[collection].operations.aggregate, collection)

    def create_item(self, collection: str) -> str:
        """Mutation `create_C_item`."""
        return _present(self.collections[collection].operations.create_item, collection)

    def create_items(self, collection: str) -> str:
        """Mutation `create_C_items`."""
        return _present(self.collections[collection].operations.create_items, collection)

    def update_item(self, collection: str) -> str:
        """Mutation `update_C_item`."""
        return _present(self.collections[collection].operations.update_item, collection)

    def update_items(self, collection: str) -> str:
        """Mutation `update_C_items`: one change for several ids."""
        return _present(self.collections[collection].operations.update_items, collection)

    def update_batch(self, collection: str) -> str:
        """Mutation `update_C_batch`: a list of changes that carry their keys."""
        return _present(self.collections[collection].operations.update_batch, collection)

    def upsert_items(self, collection: str) -> str:
        """Mutation `upsert_C_items`."""
        return _present(self.collections[collection].operations.upsert_items, collection)

    def delete_item(self, collection: str) -> str:
        """Mutation `delete_C_item`."""
        return _present(self.collections[collection].operations.delete_item, collection)

    def delete_items(self, collection: str) -> str:
        """Mutation `delete_C_items`."""
        return _present(self.collections[collection].operations.delete_items, collection)

    def revert_item(self, collection: str) -> str:
        """Mutation `revert_C_item`."""
        return _present(self.collections[collection].operations.revert_item, collection)

    def row(self, collection: str) -> str:
        """The field of an item that gives its REST form: `_row`, or `_row_2` where a column has that name."""
        return self.collections[collection].row

    def graphql_field(self, collection: str, name: str) -> str:
        """The GraphQL name of a field."""
        return self.collections[collection].fields[name]

    def field_of(self, collection: str, name: str) -> str:
        """The field behind a GraphQL name."""
        return self.collections[collection].columns[name]

    def collection_of(self, root: str) -> str:
        """The collection that a root field reads."""
        return self.roots[root]

    def fixed(self, operation: str) -> str:
        """The root field of a named operation: `users_me`, or `users_me_2` where a table has that name."""
        return self.fixed_fields[operation]


def _present(name: str | None, collection: str) -> str:
    if name is None:
        raise KeyError(collection)
    return name


def sanitise(name: str) -> str:
    """The nearest valid GraphQL name: other characters become `_`, a leading digit gets one; never `__` in front."""
    name = _INVALID.sub("_", name)
    if not name or name[0].isdigit():
        name = "_" + name
    return "_" + name.lstrip("_") if name.startswith("__") else name


def pascal(name: str) -> str:
    """Type name of a table (spec 01 §15.3): `blog_posts` → `BlogPosts`, `myTable` → `MyTable`."""
    words = "".join(word[:1].upper() + word[1:] for word in _INVALID.sub("_", name).split("_"))
    return sanitise(words)


class _Space:
    """Names of one namespace, given in the order of asking."""

    def __init__(self, taken: Iterable[str] = ()) -> None:
        self.taken = set(taken)
        self.renamed: list[Renamed] = []

    def give(self, wanted: str, what: str) -> str:
        given, number = wanted, 1
        while given in self.taken:
            number += 1
            given = f"{wanted}_{number}"
        self.taken.add(given)
        if given != what:
            self.renamed.append(Renamed(what, wanted, given))
        return given

    def family(self, base: str, suffixes: Iterable[str], what: str) -> dict[str, str]:
        """Several names that share one number, so that `BlogPosts_2` goes with `BlogPosts_2Item`."""
        suffixes = tuple(suffixes)
        given, number = base, 1
        while any(given + suffix in self.taken for suffix in suffixes):
            number += 1
            given = f"{base}_{number}"
        self.taken.update(given + suffix for suffix in suffixes)
        if given != base:
            self.renamed.append(Renamed(what, base, given))
        return {suffix: given + suffix for suffix in suffixes}


def names_of(
    snapshot: Snapshot, fixed_fields: Items[str] = (), fixed_types: Items[str] = (), pause: Pause = unpaced
) -> Names:
    """The names of a snapshot. `fixed_fields`, `fixed_types`: what the fixed part of the schema is usually called.

    `pause` is called between small steps.
    """
    exposed = sorted(
        (item for item in snapshot.collections.values() if not item.is_system or item.name in SYSTEM),
        key=lambda item: (not item.is_system, sanitise(item.name) != item.name, item.name),
    )
    fields = _Space()
    reads = {item.name: fields.give(sanitise(item.name), item.name) for item in exposed}
    operations = {item.name: _operations(fields, reads[item.name], item) for item in paced(exposed, pause)}
    fixed = {name: fields.give(name, name) for name in fixed_fields}

    types = _Space(BUILT_IN_TYPES)
    types.taken.update(V8_TYPES)
    collections = {
        item.name: CollectionNames(operations=operations[item.name], **_types(types, item), **_fields(snapshot, item))
        for item in paced(exposed, pause)
    }
    given_types = {name: types.give(name, name) for name in fixed_types}
    renamed = [one for one in fields.renamed + types.renamed if one.given != one.what]
    for name, item_names in collections.items():
        renamed += [
            Renamed(f"{name}.{column}", column, given) for column, given in item_names.fields.items() if given != column
        ]
    return Names(
        collections=collections,
        roots={root: name for name, root in reads.items()},
        fixed_fields=fixed,
        fixed_types=given_types,
        renamed=tuple(renamed),
    )


def _operations(space: _Space, base: str, collection: Collection) -> Operations:
    given: dict[str, str] = {}

    def add(slot: str, wanted: str) -> None:
        name = space.give(wanted, wanted)
        given[slot] = name

    keyed = collection.primary_key is not None and not collection.is_view
    if keyed:
        add("by_id", f"{base}_by_id")
    if collection.name not in ("directus_collections", "directus_fields"):
        add("aggregate", f"{base}_aggregate")
    if keyed and (not collection.is_system or "create" in WRITABLE.get(collection.name, ())):
        add("create_item", f"create_{base}_item")
        add("create_items", f"create_{base}_items")
        add("upsert_items", f"upsert_{base}_items")
    if keyed and (not collection.is_system or "update" in WRITABLE.get(collection.name, ())):
        add("update_item", f"update_{base}_item")
        add("update_items", f"update_{base}_items")
        add("update_batch", f"update_{base}_batch")
    if keyed and (not collection.is_system or "delete" in WRITABLE.get(collection.name, ())):
        add("delete_item", f"delete_{base}_item")
        add("delete_items", f"delete_{base}_items")
    if keyed and (not collection.is_system or collection.name in REVERTIBLE):
        add("revert_item", f"revert_{base}_item")
    if keyed and collection.name not in UNTOLD:  # a namespace of their own: nothing else is there
        given |= {"mutated": f"{base}_mutated", "live": f"{base}_live"}
    return Operations(read=base, **given)


def _types(space: _Space, collection: Collection) -> dict[str, Any]:
    base = pascal(collection.name)
    system = SYSTEM.get(collection.name)
    if system is None:
        names = space.family(base, ("", "Item", "Filter", "Input", "Mutated"), collection.name)
        return {
            "wrapper": names[""],
            "item": names["Item"],
            "plural": names["Item"],
            "filter": names["Filter"],
            "input": names["Input"],
            "mutated": names["Mutated"],
        }
    own = space.family(system.wrapper, ("", "Item"), collection.name)
    plural = base != system.wrapper  # `DirectusActivity` is its own plural
    made = ("Filter", "Input", "Mutated")
    table = space.family(base, ("Item", *made) if plural else made, collection.name)
    return {
        "wrapper": own[""],
        "item": own["Item"],
        "plural": table["Item"] if plural else own["Item"],
        "filter": table["Filter"],
        "input": table["Input"],
        "mutated": table["Mutated"],
    }


def _fields(snapshot: Snapshot, collection: Collection) -> dict[str, Any]:
    system = SYSTEM.get(collection.name)
    virtual = [name for name in system.fields if name not in collection.fields or name == "roles"] if system else []
    space = _Space(virtual)
    order = sorted(collection.fields, key=lambda name: (sanitise(name) != name, name))
    given = {name: space.give(sanitise(name), name) for name in order}
    keys = {
        name: space.give(f"{given[name]}__key", f"{given[name]}__key")
        for name, relation in collection.relations.items()
        if isinstance(relation, ToOne) and name in given
    }
    return {
        "fields": {name: given[name] for name in collection.fields},
        "columns": {name: field for field, name in given.items()},
        "keys": keys,
        "row": space.give("_row", "_row"),
        "delete": _Space(given.values()).give("_delete", "_delete"),
    }
