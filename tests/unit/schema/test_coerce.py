"""In charge of variables: what each type takes, as loosely as v8 did, and what is said of the rest."""

from __future__ import annotations

from typing import Any

import pytest
from graphql import GraphQLError, OperationDefinitionNode, build_schema, parse

from schema.coerce import Variables

SCHEMA = build_schema("""
scalar Anything
enum Colour { RED GREEN }
input Point { x: Int! y: Int = 7 name: String points: [Point!] }
type Query { f(i: Int, l: [Int!], p: Point, n: Float, k: ID, a: Anything): Int }
""")


def coerce(declared: str, given: dict[str, Any]) -> Any:
    node = parse(f"query({declared}) {{ f }}").definitions[0]
    assert isinstance(node, OperationDefinitionNode)
    found = Variables(SCHEMA, node.variable_definitions or ()).coerce(given)
    return [error.message for error in found] if isinstance(found, list) else found.coerced


@pytest.mark.parametrize(
    ("type_", "value", "wanted"),
    [
        ("Int", 5, 5),
        ("Int", "5", 5),
        ("Int", " -5 ", -5),
        ("Int", True, 1),
        ("Int", 5.0, 5),
        ("Int", 9007199254740993, 9007199254740993),
        ("Int", "9007199254740993", 9007199254740993),
        ("Int", None, None),
        ("Float", "1.5", 1.5),
        ("Float", "-.5e3", -500.0),
        ("Float", 2, 2),
        ("Float", True, 1),
        ("String", 1, "1"),
        ("String", 1.5, "1.5"),
        ("String", True, "true"),
        ("String", False, "false"),
        ("ID", 7, "7"),
        ("ID", "02", "02"),
        ("ID", 7.0, "7"),
        ("Boolean", True, True),
        ("Boolean", 1, True),
        ("Boolean", 0, False),
        ("Anything", {"a": [1]}, {"a": [1]}),
        ("Colour", "RED", "RED"),
        ("[Int]", 5, [5]),
        ("[Int]", ["1", None, 2], [1, None, 2]),
        ("[[String]]", "a", [["a"]]),
        ("Point", {"x": "1"}, {"x": 1, "y": 7}),
        ("Point", {"x": 1, "y": None, "points": {"x": 2}}, {"x": 1, "y": None, "points": [{"x": 2, "y": 7}]}),
    ],
)
def test_a_value_is_taken(type_: str, value: Any, wanted: Any) -> None:
    found = coerce(f"$v: {type_}", {"v": value})
    assert found == {"v": wanted}
    assert type(found["v"]) is type(wanted)


@pytest.mark.parametrize(
    ("type_", "value", "wanted"),
    [
        ("Int", "5.5", "Int cannot represent non-integer value: '5.5'"),
        ("Int", "1abc", "Int cannot represent non-integer value: '1abc'"),
        ("Int", 1.5, "Int cannot represent non-integer value: 1.5"),
        ("Int", [], "Int cannot represent non-integer value: []"),
        ("Int", "9" * 40, "Int cannot represent non-integer value: '" + "9" * 40 + "'"),
        ("Float", "x", "Float cannot represent non numeric value: 'x'"),
        ("Float", float("inf"), "Float cannot represent non numeric value: inf"),
        ("String", {}, "String cannot represent a non string value: {}"),
        ("ID", True, "ID cannot represent value: true"),
        ("Boolean", "true", "Boolean cannot represent a non boolean value: 'true'"),
        ("Boolean", 2, "Boolean cannot represent a non boolean value: 2"),
        ("Int!", None, "Expected value of non-null type 'Int!' not to be null."),
        ("Point", "x", "Expected value of type 'Point' to be an object, found: 'x'."),
        ("Point", {"z": 1}, "Expected value of type 'Point' not to include unknown field 'z'."),
        ("Point", {}, "Expected value of type 'Point' to include required field 'x'."),
    ],
)
def test_a_value_is_refused(type_: str, value: Any, wanted: str) -> None:
    assert coerce(f"$v: {type_}", {"v": value}) == [f"Variable '$v' has invalid value: {wanted}"]


def test_the_place_of_an_error_is_told() -> None:
    assert coerce("$v: [Point]", {"v": [{"x": 1}, {"x": 1, "points": [{"x": "a"}]}]}) == [
        "Variable '$v' has invalid value at [1].points[0].x: Int cannot represent non-integer value: 'a'"
    ]


def test_absent_variables_are_absent_and_defaults_apply() -> None:
    assert coerce("$a: Int, $b: Int = 3, $c: Int = 4", {"c": None}) == {"b": 3, "c": None}
    assert coerce("$a: Int!", {}) == ["Variable '$a' has invalid value: Expected a value of non-null type 'Int!'."]


def test_all_wrong_variables_are_told_at_once() -> None:
    assert len(coerce("$a: Int, $b: Int, $c: Int", {"a": "x", "b": "y", "c": 1})) == 2


def test_deep_values_are_refused_before_they_hurt() -> None:
    value: Any = {"x": 1}
    for _ in range(500):
        value = {"x": 1, "points": [value]}
    (message,) = coerce("$v: Point", {"v": value})
    assert message.endswith("Variable values are nested too deeply.")


def test_a_type_that_is_no_input_is_an_error_of_the_document() -> None:
    with pytest.raises(GraphQLError, match="cannot be used as an input type"):
        coerce("$v: Query", {"v": 1})
