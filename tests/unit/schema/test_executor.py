"""In charge of root fields whose arguments are variables: they are called as graphql-core would call them."""

from __future__ import annotations

from typing import Any

import pytest
from graphql import ExecutionResult, GraphQLError, GraphQLField, GraphQLSchema, build_schema, parse

from schema.documents import Document
from schema.executor import SplicingExecutor

SCHEMA = build_schema("""
type Query {
  list(id: ID, limit: Int, tags: [String]): String
  one(id: ID!): String
  page(limit: Int = 20): String
  now: String
  never(id: ID): String!
}
type Mutation { write(id: ID!): String }
""")
LIST = "query($id: ID, $limit: Int, $tags: [String]) { list(id: $id, limit: $limit, tags: $tags) }"


def bare(text: str) -> tuple[tuple[str, str], ...] | None:
    return Document(SCHEMA, parse(text)).operation(None).arguments


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (LIST, (("id", "id"), ("limit", "limit"), ("tags", "tags"))),
        ("query($a: ID) { x: list(id: $a) }", (("id", "a"),)),
        ("{ list }", ()),
        ("query($a: ID!) { one(id: $a) }", (("id", "a"),)),
        ("mutation($a: ID!) { write(id: $a) }", (("id", "a"),)),
        ('query($a: ID = "1") { one(id: $a) }', None),
        ('{ one(id: "1") }', None),
        ('query($a: Int) { list(id: "1", limit: $a) }', None),
        ("query($a: String) { list(tags: [$a]) }", None),
        ("query($a: Int) { page(limit: $a) }", None),
        ("{ page }", None),
        ("query($a: ID) { list(id: $a) now }", None),
        ("{ __typename }", None),
        ("{ ...Some } fragment Some on Query { list }", None),
    ],
)
def test_which_operations_have_bare_arguments(text: str, expected: Any) -> None:
    assert bare(text) == expected


def told(resolve: Any) -> GraphQLSchema:
    schema = build_schema("type Query { list(id: ID, limit: Int, tags: [String]): String!, other: String }")
    assert schema.query_type is not None
    field: GraphQLField = schema.query_type.fields["list"]
    field.resolve = resolve
    return schema


async def run(schema: GraphQLSchema, variables: dict[str, Any], *, fast: bool) -> ExecutionResult:
    document = Document(schema, parse(LIST))
    operation = document.operation(None)
    values = operation.variables.coerce(variables)
    assert not isinstance(values, list)
    executor = SplicingExecutor.build(schema, document.node, raw_variable_values={})
    assert isinstance(executor, SplicingExecutor)
    executor.variable_values = values
    executor.bare_arguments = operation.arguments if fast else None
    result = executor.execute_operation()
    found = result if isinstance(result, ExecutionResult) else await result
    assert isinstance(found, ExecutionResult)
    return found


async def later(source: Any, info: Any, **arguments: Any) -> str:
    return f"{info.field_name} {info.path.as_list()} {sorted(arguments.items())}"


def at_once(source: Any, info: Any, **arguments: Any) -> str:
    return f"{info.field_name} {info.path.as_list()} {sorted(arguments.items())}"


async def failing_later(source: Any, info: Any, **arguments: Any) -> str:
    raise GraphQLError("no", extensions={"code": 7})


def failing_at_once(source: Any, info: Any, **arguments: Any) -> str:
    raise ValueError("no")


async def nothing(source: Any, info: Any, **arguments: Any) -> None:
    return None


@pytest.mark.parametrize("resolve", [later, at_once, failing_later, failing_at_once, nothing])
@pytest.mark.parametrize("variables", [{}, {"id": 1}, {"id": None, "limit": "5"}, {"tags": ["a", None], "limit": 2}])
async def test_they_are_called_as_ever(resolve: Any, variables: dict[str, Any]) -> None:
    schema = told(resolve)
    fast, slow = await run(schema, variables, fast=True), await run(schema, variables, fast=False)
    assert fast.data == slow.data
    assert [error.formatted for error in fast.errors or ()] == [error.formatted for error in slow.errors or ()]
    assert (fast.data is None) == (resolve not in (later, at_once))
