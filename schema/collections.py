"""In charge of the types of collections: Snapshot → graphql-core type objects (spec 01 §15.3 to 15.7). Reads nothing.

Objects, not SDL: 17 times faster. Fields are made when the schema asks for them, so types may refer to each other in
circles. Every field carries its binding (`resolvers.binding`), a field's note is its description.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from graphql import (
    GraphQLArgument,
    GraphQLBoolean,
    GraphQLDefaultInput,
    GraphQLEnumType,
    GraphQLField,
    GraphQLFloat,
    GraphQLID,
    GraphQLInputField,
    GraphQLInputObjectType,
    GraphQLInt,
    GraphQLInterfaceType,
    GraphQLList,
    GraphQLNamedType,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLString,
)

from core.catalog.model import USER_TYPES, Collection, Field, Snapshot, ToMany, ToOne
from resolvers.binding import KEY, Data, FileData, Fixed, Meta, Own, Related, RowForm, Scalar
from schema import filters, inputs
from schema.names import CollectionNames, Names
from schema.static import Fixed as FixedPart
from schema.system import FROM_METADATA, HIDDEN_WITHOUT_OWNER, MASKED, SECRET, SYSTEM

# Directus type → scalar and encoder of the typed form (spec 01 §15.5); everything else is text.
OUTPUT: Mapping[str, tuple[str, str]] = {
    "integer": ("Int", "int"),
    "sort": ("Int", "int"),
    "decimal": ("Float", "float"),
    "boolean": ("Boolean", "boolean"),
    "datetime": ("Datetime", "datetime"),
    "datetime_created": ("Datetime", "datetime"),
    "datetime_updated": ("Datetime", "datetime"),
    "date": ("Date", "date"),
    "time": ("Time", "time"),
    "json": ("JSON", "json"),
    "array": ("List", "list"),
}
TEXT = ("String", "string")
# Scalar or form of a system field → scalar and encoder.
SYSTEM_OUTPUT: Mapping[str, tuple[str, str]] = {
    "ID": ("ID", "id"),
    "String": TEXT,
    "Int": ("Int", "int"),
    "Boolean": ("Boolean", "boolean"),
    "Datetime": ("Datetime", "datetime"),
    "JSON": ("JSON", "json"),
    "List": ("List", "list"),
    "text:json": ("String", "json_text"),
    "text:csv": ("String", "csv_text"),
    "text:number": ("String", "number_text"),
}
NEVER_REQUIRED = frozenset({"Datetime", "Date", "Time", "JSON"})
"""Their broken stored values read as null, so no `!` is promised."""

NOTHING: frozenset[str] = frozenset()


@dataclass(slots=True)
class Types:
    """The types of one edition, made as they are asked for. Lives as long as the building takes."""

    snapshot: Snapshot
    names: Names
    fixed: FixedPart
    written: Mapping[str, Collection] | None = None
    """The collections as they can be written, where that is not as they are read."""
    _items: dict[str, GraphQLObjectType] = field(default_factory=dict)
    _wrappers: dict[str, GraphQLObjectType] = field(default_factory=dict)
    _filters: dict[str, GraphQLInputObjectType] = field(default_factory=dict)
    _inputs: dict[str, GraphQLInputObjectType] = field(default_factory=dict)
    _scalars: dict[str, Any] = field(default_factory=dict)
    _scalar_inputs: dict[str, GraphQLInputField] = field(default_factory=dict)
    _narrowing: dict[str, dict[str, GraphQLArgument]] = field(default_factory=dict)
    _shared: dict[str, GraphQLArgument] = field(init=False)
    payload: GraphQLArgument = field(init=False)
    """An item in its free form."""
    _row: GraphQLField = field(init=False)

    def __post_init__(self) -> None:
        self._scalars = {
            "ID": GraphQLID,
            "Int": GraphQLInt,
            "Float": GraphQLFloat,
            "Boolean": GraphQLBoolean,
            "String": GraphQLString,
            "List": GraphQLList(GraphQLString),
        }
        for name in ("Datetime", "Date", "Time", "JSON", "Upload"):
            self._scalars[name] = self.fixed.types[name]
        condition = _input(self.fixed.types["Condition"])
        self._shared = {
            "where": GraphQLArgument(GraphQLList(GraphQLNonNull(condition))),
            "sort": GraphQLArgument(GraphQLList(GraphQLNonNull(GraphQLString))),
            "limit": GraphQLArgument(GraphQLInt),
            "offset": GraphQLArgument(GraphQLInt),
            "lang": GraphQLArgument(GraphQLString),
        }
        self.payload = GraphQLArgument(self._scalars["JSON"])
        self._row = _row(self._scalars["JSON"])
        self._scalar_inputs = {name: GraphQLInputField(type_) for name, type_ in self._scalars.items()}

    def knows(self, collection: str) -> bool:
        """Whether a collection has types in this schema."""
        return collection in self.names.collections and collection in self.snapshot.collections

    def scalar(self, name: str) -> Any:
        """A scalar by name; "List" is `[String]`."""
        return self._scalars[name]

    def item(self, collection: str, *, plural: bool = False) -> GraphQLObjectType:
        """`TItem`. `plural`: of a system collection, the type made for relation rows (`DirectusUsersItem`)."""
        names = self.names.collections[collection]
        name = names.plural if plural else names.item
        if name not in self._items:
            if collection in FROM_METADATA and not plural:
                self._items[name] = _object(self.fixed.types[name])
            else:
                self._items[name] = self._new_item(self.snapshot.collections[collection], names, name)
        return self._items[name]

    def wrapper(self, collection: str) -> GraphQLObjectType:
        """`T {data: [TItem], meta: Metadata}` (spec 01 §15.4)."""
        if collection not in self._wrappers:
            self._wrappers[collection] = GraphQLObjectType(
                self.names.collections[collection].wrapper,
                {
                    "data": GraphQLField(GraphQLList(self.item(collection)), extensions={KEY: Data()}),
                    "meta": GraphQLField(self.fixed.types["Metadata"], extensions={KEY: Meta()}),  # type: ignore[arg-type]
                },
            )
        return self._wrappers[collection]

    def mutated(self, collection: str) -> GraphQLObjectType:
        """`TMutated {event, key, data}`: what a subscriber is told of one item."""
        return GraphQLObjectType(
            self.names.collections[collection].mutated,
            {
                "event": GraphQLField(GraphQLNonNull(_output(self.fixed.types["MutationEvent"]))),
                "key": GraphQLField(GraphQLNonNull(GraphQLID)),
                "data": GraphQLField(
                    self.item(collection), description="The item as it is now; null of one that is gone."
                ),
            },
        )

    def filter(self, collection: str) -> GraphQLInputObjectType | None:
        """`TFilter`; None for collections that this schema does not know."""
        if not self.knows(collection):
            return None
        if collection not in self._filters:
            self._filters[collection] = filters.filter_type(
                self.snapshot.collections[collection],
                self.names.collections[collection],
                SECRET.get(collection, NOTHING),
                self._scalar_inputs.__getitem__,
                self.filter,
            )
        return self._filters[collection]

    def input(self, collection: str) -> GraphQLInputObjectType | None:
        """`TInput`; None where items cannot be written one by one."""
        if not self.knows(collection):
            return None
        found = (self.snapshot.collections if self.written is None else self.written).get(collection)
        if found is None or not found.writable:
            return None
        if collection not in self._inputs:
            self._inputs[collection] = inputs.input_type(
                found, self.names.collections[collection], self._scalar_inputs.__getitem__, self.input
            )
        return self._inputs[collection]

    def list_arguments(self, collection: str) -> dict[str, GraphQLArgument]:
        """Arguments that narrow and order a list."""
        if collection not in self._narrowing:
            filter_ = self.filter(collection)
            assert filter_ is not None
            self._narrowing[collection] = {"filter": GraphQLArgument(filter_), **self._shared}
        return self._narrowing[collection]

    # Items

    def _new_item(self, collection: Collection, names: CollectionNames, name: str) -> GraphQLObjectType:
        singular = collection.is_system and name == names.item
        node = self.fixed.types["Node"]
        assert isinstance(node, GraphQLInterfaceType)

        def fields() -> dict[str, GraphQLField]:
            if singular:
                return dict(self._system_fields(collection, names))
            return dict(self._fields(collection, names))

        def interfaces() -> list[GraphQLInterfaceType]:
            own = type_.fields.get("id")
            named = own.type.of_type if own and isinstance(own.type, GraphQLNonNull) else own.type if own else None
            return [node] if named is GraphQLID else []

        type_ = GraphQLObjectType(name, fields, interfaces, description=collection.note or None)
        return type_

    def _fields(self, collection: Collection, names: CollectionNames) -> Iterator[tuple[str, GraphQLField]]:
        """Fields of a user collection, and of a system collection as relation rows see it (spec 01 §15.5)."""
        hidden = SECRET.get(collection.name, NOTHING) | HIDDEN_WITHOUT_OWNER.get(collection.name, NOTHING)
        for one in collection.fields.values():
            if one.name in hidden:
                continue
            made = self._field(collection, one)
            if made is not None:
                yield names.fields[one.name], made
        yield from self._companions(collection, names, hidden)

    def _companions(
        self, collection: Collection, names: CollectionNames, hidden: frozenset[str]
    ) -> Iterator[tuple[str, GraphQLField]]:
        for name, key in names.keys.items():
            if name not in hidden and name in collection.relations:
                yield key, GraphQLField(GraphQLID, extensions={KEY: Scalar(name, "id")})
        yield names.row, self._row

    def _field(self, collection: Collection, one: Field) -> GraphQLField | None:
        relation = collection.relations.get(one.name)
        if relation is not None:
            return self._relation(collection, one, relation)
        if one.type in ("o2m", "translation", "m2o", "file") or one.type in USER_TYPES:
            return None  # the collection on the other side is not there
        if one.is_alias:
            return GraphQLField(GraphQLString, description=one.note or None, extensions={KEY: Fixed(None)})
        scalar, encoder = OUTPUT.get(one.type, TEXT)
        if one.type == "integer" and one.interface == "primary-key":
            scalar, encoder = "ID", "id"
        type_: Any = self._scalars[scalar]
        if self._required(collection, one) and scalar not in NEVER_REQUIRED:
            type_ = GraphQLNonNull(type_)
        return GraphQLField(type_, description=one.note or None, extensions={KEY: Scalar(one.name, encoder)})

    def _required(self, collection: Collection, one: Field) -> bool:
        column = one.column
        return (
            column is not None
            and not collection.is_view
            and (not column.nullable or column.primary_key)
            and (collection.name, one.name) not in self.snapshot.blacklisted
            and one.name not in MASKED.get(collection.name, NOTHING)
        )

    def _relation(
        self, collection: Collection, one: Field, relation: ToOne | ToMany, *, single: bool = False
    ) -> GraphQLField | None:
        if not self.knows(relation.target):
            return None
        target = self.item(relation.target, plural=self._plural(collection, one))
        note = one.note or None
        if isinstance(relation, ToMany):
            return GraphQLField(
                GraphQLList(target),
                self.list_arguments(relation.target),
                description=note,
                extensions={KEY: Related(relation.field, many=True, language=relation.language_field)},
            )
        type_: GraphQLOutputType = GraphQLList(target) if single else target
        return GraphQLField(type_, description=note, extensions={KEY: Related(relation.field, single=single)})

    @staticmethod
    def _plural(collection: Collection, one: Field) -> bool:
        """A relation made by a relation row uses the generated type of a system table; built-in ones v8's own."""
        return not collection.is_system and one.type != "file" and one.type not in USER_TYPES

    # System items (spec 01 §15.7)

    def _system_fields(self, collection: Collection, names: CollectionNames) -> Iterator[tuple[str, GraphQLField]]:
        system = SYSTEM[collection.name]
        for name, form in system.fields.items():
            yield name, self._system_field(collection, name, form)
        secret = SECRET.get(collection.name, NOTHING)
        for one in collection.fields.values():
            if (one.name in system.fields and system.fields[one.name] != "one") or one.name in secret or one.is_alias:
                continue
            made = self._field(collection, one)
            if made is not None:
                type_ = made.type.of_type if isinstance(made.type, GraphQLNonNull) else made.type
                yield (
                    names.fields[one.name],
                    GraphQLField(type_, description=made.description, extensions=made.extensions),
                )
        yield from self._companions(collection, names, secret)

    def _system_field(self, collection: Collection, name: str, form: str) -> GraphQLField:
        kind, _, detail = form.partition(":")
        if kind == "null":
            return GraphQLField(self._scalars[detail], extensions={KEY: Fixed(None)})
        if kind == "file":
            type_ = self._scalars.get(detail) or GraphQLList(self.fixed.types["DirectusFileThumbnailItem"])
            return GraphQLField(type_, extensions={KEY: FileData(name)})
        source = "role" if form == "one" else name
        one = collection.fields.get(source)
        if form in ("Relation", "one"):
            relation = collection.relations.get(source)
            made = self._relation(collection, one, relation, single=form == "one") if one and relation else None
            return made or GraphQLField(GraphQLString, extensions={KEY: Fixed(None)})
        scalar, encoder = SYSTEM_OUTPUT["String" if form == "own" else form]
        if one is None or one.is_alias:  # a table of an older version lacks the column
            return GraphQLField(self._scalars[scalar], extensions={KEY: Fixed(None)})
        if form == "own":
            return GraphQLField(GraphQLString, extensions={KEY: Own(name, encoder, collection.primary_key or "id")})
        return GraphQLField(
            self._scalars[scalar], description=one.note or None, extensions={KEY: Scalar(name, encoder)}
        )


def _row(json: Any) -> GraphQLField:
    paths = GraphQLArgument(GraphQLList(GraphQLNonNull(GraphQLString)), default=GraphQLDefaultInput(value=["*"]))
    return GraphQLField(
        json,
        {"fields": paths},
        description="The item in its REST form, by field paths with wildcards.",
        extensions={KEY: RowForm()},
    )


def _object(type_: GraphQLNamedType) -> GraphQLObjectType:
    assert isinstance(type_, GraphQLObjectType)
    return type_


def _input(type_: GraphQLNamedType) -> GraphQLInputObjectType:
    assert isinstance(type_, GraphQLInputObjectType)
    return type_


def _output(type_: GraphQLNamedType) -> GraphQLEnumType:
    assert isinstance(type_, GraphQLEnumType)
    return type_
