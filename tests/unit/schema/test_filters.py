"""In charge of filter inputs: operators per field type, and the tree that a filter becomes."""

from __future__ import annotations

from typing import Any

import pytest
from graphql import GraphQLInputObjectType
from graphql.language import parse_value
from graphql.utilities import value_from_ast

from core.catalog.model import ToOne
from schema.build import build_schema, names_for
from schema.coerce import coercer
from schema.filters import operators
from tests.shop import collection, field, key, shop

EQUAL = ["eq", "neq"]
ORDER = ["lt", "lte", "gt", "gte"]
LISTS = ["in", "nin"]
RANGES = ["between", "nbetween"]
NULLS = ["null", "nnull"]
LIKES = ["contains", "ncontains", "rlike", "nrlike"]
EMPTY = ["empty", "nempty"]


def kinds(*groups: tuple[list[str], str]) -> dict[str, str]:
    return {operator: kind for names, kind in groups for operator in names}


@pytest.mark.parametrize(
    ("type_", "wanted"),
    [
        ("boolean", kinds((["eq", "neq"], "Boolean"), (LISTS + NULLS, "String"))),
        ("datetime", kinds((EQUAL + ORDER + LISTS, "Datetime"), (RANGES + NULLS, "String"))),
        ("datetime_created", kinds((EQUAL + ORDER + LISTS, "Datetime"), (RANGES + NULLS, "String"))),
        ("integer", kinds((EQUAL + ORDER, "Int"), (LISTS + RANGES + NULLS, "String"))),
        ("decimal", kinds((EQUAL + ORDER, "Float"), (LISTS + RANGES + NULLS, "String"))),
        ("time", kinds((EQUAL + ORDER + LISTS + RANGES + NULLS, "String"))),
        ("status", kinds((EQUAL + LISTS + NULLS, "String"))),
        ("string", kinds((EQUAL + LIKES + EMPTY + NULLS + LISTS, "String"))),
        ("owner", kinds((EQUAL, "Int"), (LISTS + NULLS, "String"))),
        ("m2o", kinds((EQUAL, "Int"), (LISTS + LIKES + NULLS, "String"))),
        ("date", kinds((EQUAL + ORDER, "Date"), (["all", "has", *LISTS, *RANGES, *NULLS], "String"))),
        ("sort", kinds((EQUAL + ORDER, "Int"), (["all", "has", *LISTS, *RANGES, *NULLS], "String"))),
        ("file", kinds((EQUAL, "Int"), (["all", "has", *LISTS, *NULLS], "String"))),
        ("slug", kinds((["all", "has", *EQUAL, *LISTS, *NULLS], "String"))),
        ("json", kinds((["all", "has", *EQUAL, *LISTS, *NULLS], "String"))),
    ],
)
def test_a_field_has_v8s_operators_and_the_additions(type_: str, wanted: dict[str, str]) -> None:
    assert operators(field("a", "b", type_), None) == wanted


def test_a_reference_to_text_keys_takes_text() -> None:
    found = operators(field("a", "b", "m2o", family="text"), ToOne("a", "b", "c", "code"))
    assert (found["eq"], found["neq"], found["in"]) == ("ID", "ID", "String")


def test_a_field_without_a_column_has_what_v8_gave_it() -> None:
    assert operators(field("a", "b", "alias"), None) == {"all": "String", "has": "String"}
    assert operators(field("a", "b", "o2m"), None) == {}


def filter_of(*others: Any) -> GraphQLInputObjectType:
    snapshot = shop(*others)
    type_ = build_schema(snapshot, names_for(snapshot)).get_type("ArticlesFilter")
    assert isinstance(type_, GraphQLInputObjectType)
    return type_


def test_a_filter_becomes_a_tree_of_columns() -> None:
    type_ = filter_of()
    wanted = (
        "and",
        (
            ("cond", "title", "contains", "x"),
            ("cond", "price", "gte", 1.5),
            ("rel", "author", ("cond", "name", "eq", "Ada")),
            ("or", (("cond", "id", "eq", 1), ("and", (("cond", "id", "gt", 5), ("cond", "active", "eq", True))))),
        ),
    )
    literal = (
        '{title_contains: "x", price_gte: 1.5, author: {name_eq: "Ada"}, or: [{id_eq: 1}, {id_gt: 5, active_eq: true}]}'
    )
    variable = {
        "title_contains": "x",
        "price_gte": "1.5",
        "author": {"name_eq": "Ada"},
        "or": [{"id_eq": "1"}, {"id_gt": 5, "active_eq": True}],
    }
    assert coercer(type_)(variable, 0) == wanted  # in the order of the client
    written = value_from_ast(parse_value(literal), type_)  # in the order of the type
    assert (written[0], set(written[1])) == ("and", set(wanted[1]))


def test_what_says_nothing_is_nothing() -> None:
    convert = coercer(filter_of())
    assert convert({}, 0) == ()
    assert convert({"and": [], "or": [{}]}, 0) == ()
    assert convert({"author": None}, 0) == ()
    assert convert({"author": {}}, 0) == ("rel", "author", ())
    assert convert({"title_eq": None}, 0) == ("cond", "title", "eq", None)
    assert convert({"and": [{"id_eq": 1}]}, 0) == ("and", (("cond", "id", "eq", 1),))


def test_a_relation_gives_way_to_an_operator_of_the_same_name() -> None:
    odd = collection(
        "odd",
        [key("odd"), field("odd", "a"), field("odd", "a_eq", "m2o"), field("odd", "and", "m2o")],
        (ToOne("odd", "a_eq", "authors", "id"), ToOne("odd", "and", "authors", "id")),
    )
    snapshot = shop(odd)
    type_ = build_schema(snapshot, names_for(snapshot)).get_type("OddFilter")
    assert isinstance(type_, GraphQLInputObjectType)
    convert = coercer(type_)
    assert convert({"a_eq": "x"}, 0) == ("cond", "a", "eq", "x")
    assert convert({"a_eq_2": {"name_eq": "x"}}, 0) == ("rel", "a_eq", ("cond", "name", "eq", "x"))
    assert convert({"and_2": {"id_eq": 1}}, 0) == ("rel", "and", ("cond", "id", "eq", 1))
    assert convert({"a_eq_eq": 5}, 0) == ("cond", "a_eq", "eq", 5)


def test_odd_names_reach_their_columns() -> None:
    odd = collection("odd", [key("odd"), field("odd", "my field", "integer"), field("odd", "2fa_secret")])
    snapshot = shop(odd)
    type_ = build_schema(snapshot, names_for(snapshot)).get_type("OddFilter")
    assert coercer(type_)({"my_field_in": "1,2", "_2fa_secret_null": ""}, 0) == (
        "and",
        (("cond", "my field", "in", "1,2"), ("cond", "2fa_secret", "null", "")),
    )
