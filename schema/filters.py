"""In charge of the filter inputs (spec 01 §15.6): names and value types of operators, and the tuple tree they become.

The tree is what `core.query.filters.from_tree` reads: ("and", parts), ("or", parts), ("cond", field, operator, value),
("rel", field, subtree). It is made while a value is coerced, so resolvers never see GraphQL names.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cached_property, partial
from typing import Any

from graphql import GraphQLInputField, GraphQLInputObjectType, GraphQLInputType, GraphQLList

from core.catalog.model import TO_MANY_TYPES, Collection, Field, ToMany, ToOne
from schema.names import CollectionNames

ORDERING = ("lt", "lte", "gt", "gte")
_NUMBER = {
    "eq": "",
    "neq": "",
    "lt": "",
    "lte": "",
    "gt": "",
    "gte": "",
    **dict.fromkeys(("in", "nin", "between", "nbetween"), "String"),
}
_DATETIME = {
    **dict.fromkeys(("eq", "neq", *ORDERING, "in", "nin"), "Datetime"),
    "between": "String",
    "nbetween": "String",
}
_LIKES = dict.fromkeys(("contains", "ncontains", "rlike", "nrlike"), "String")

# Operators that v8 has, with its types of value.
V8: Mapping[str, Mapping[str, str]] = {
    "boolean": {"eq": "Boolean"},
    "datetime": _DATETIME,
    "datetime_created": _DATETIME,
    "datetime_updated": _DATETIME,
    "integer": {operator: kind or "Int" for operator, kind in _NUMBER.items()},
    "decimal": {operator: kind or "Float" for operator, kind in _NUMBER.items()},
    "time": dict.fromkeys(_NUMBER, "String"),
    "status": dict.fromkeys(("eq", "neq", "in", "nin"), "String"),
    "string": {
        **dict.fromkeys(("eq", "neq"), "String"),
        **_LIKES,
        **dict.fromkeys(("empty", "nempty", "null", "nnull"), "String"),
    },
    "owner": {**dict.fromkeys(("eq", "neq"), "Int"), **dict.fromkeys(("in", "nin"), "String")},
    "m2o": {**dict.fromkeys(("eq", "neq"), "Int"), **dict.fromkeys(("in", "nin"), "String"), **_LIKES},
}
OTHERS = {"all": "String", "has": "String"}
TO_MANY = {**OTHERS, "nhas": "String", "empty": "String", "nempty": "String"}
# What one value of a type that v8 could not filter looks like.
VALUE: Mapping[str, str] = {
    "date": "Date",
    "sort": "Int",
    "boolean": "Boolean",
    "file": "Int",
    "user": "Int",
    "user_updated": "Int",
}


def operators(field: Field, relation: ToOne | ToMany | None) -> dict[str, str]:
    """Operator → name of the scalar of its value, v8's first, then what this server adds."""
    if field.is_alias:
        if isinstance(relation, ToMany):
            return dict(TO_MANY)
        # v8 has these for dividers as well; whoever uses them is told that the field is none to filter by.
        return {} if field.type in TO_MANY_TYPES else dict(OTHERS)
    found = dict(V8.get(field.type, OTHERS))
    value = VALUE.get(field.type, "String")
    if field.type in ("m2o", "owner", "file", "user", "user_updated") and not _numeric(field):
        value = "ID"
        found.update({operator: "ID" for operator in ("eq", "neq") if operator in found})
    additions = {"eq": value, "neq": value, "in": "String", "nin": "String", "null": "String", "nnull": "String"}
    if field.type in ("date", "sort"):
        additions |= {**dict.fromkeys(ORDERING, value), "between": "String", "nbetween": "String"}
    for operator, kind in additions.items():
        found.setdefault(operator, kind)
    return found


def _numeric(field: Field) -> bool:
    return field.column is None or field.column.family in ("integer", "bigint", "decimal", "float")


class FilterType(GraphQLInputObjectType):
    """An input with hundreds of fields whose names are valid by construction: they are not checked one by one again.

    graphql-core's check of names is half of the time that building the schema of 200 collections takes.
    """

    def __init__(
        self,
        name: str,
        make: Callable[[], dict[str, GraphQLInputField]],
        references: Callable[[], Iterable[GraphQLInputObjectType]],
        out_type: Callable[[dict[str, Any]], Any],
    ) -> None:
        super().__init__(name, {}, out_type=out_type)
        self._make = make
        self.references = references
        """The types that its fields will have, scalars left out: all of them are in the fixed part."""

    @cached_property
    def fields(self) -> dict[str, GraphQLInputField]:
        """The input fields, made when somebody uses them."""
        return self._make()


def filter_type(
    collection: Collection,
    names: CollectionNames,
    secret: frozenset[str],
    scalar: Callable[[str], GraphQLInputField],
    target: Callable[[str], GraphQLInputObjectType | None],
) -> GraphQLInputObjectType:
    """`TFilter`. `scalar`: the shared input field of a scalar; `target`: the filter type of another collection."""
    terms: dict[str, tuple[str, ...]] = {"and": ("and",), "or": ("or",)}

    def fields() -> dict[str, GraphQLInputField]:
        found = {"and": _list(own), "or": _list(own)}
        for name, column, operator, kind in _conditions(collection, names, secret):
            found[name] = scalar(kind)
            terms[name] = ("cond", column, operator)
        for field, other in related():
            name = _free(names.fields[field], found)
            found[name] = GraphQLInputField(other)
            terms[name] = ("rel", field)
        return found

    def related() -> Iterator[tuple[str, GraphQLInputObjectType]]:
        for field, relation in collection.relations.items():
            other = target(relation.target)
            if field in names.fields and field not in secret and other is not None:
                yield field, other

    def references() -> Iterator[GraphQLInputObjectType]:
        for _, other in related():
            yield other

    own = FilterType(names.filter, fields, references, partial(tree, terms))
    return own


def _conditions(
    collection: Collection, names: CollectionNames, secret: frozenset[str]
) -> Iterator[tuple[str, str, str, str]]:
    for column, field in collection.fields.items():
        if column not in secret:
            for operator, kind in operators(field, collection.relations.get(column)).items():
                yield f"{names.fields[column]}_{operator}", column, operator, kind


def _list(type_: GraphQLInputType) -> GraphQLInputField:
    return GraphQLInputField(GraphQLList(type_))


def _free(wanted: str, taken: Mapping[str, Any]) -> str:
    name, number = wanted, 1
    while name in taken:
        number += 1
        name = f"{wanted}_{number}"
    return name


def tree(terms: Mapping[str, tuple[str, ...]], values: Mapping[str, Any]) -> tuple[Any, ...]:
    """The tuple tree of one filter object: its keys are ANDed, empty parts say nothing. `{}` is `()`."""
    parts: list[tuple[Any, ...]] = []
    for name, value in values.items():
        term = terms[name]
        match term[0]:
            case "cond":
                parts.append((*term, value))
            case "rel":
                if value is not None:
                    parts.append((*term, value))
            case joined:
                inner = tuple(part for part in value or () if part)
                if inner:
                    parts.append((joined, inner))
    return parts[0] if len(parts) == 1 else ("and", tuple(parts)) if parts else ()
