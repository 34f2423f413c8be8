"""Documents that differ in values only share one validation, and run with their own values."""

from __future__ import annotations

import pytest
from graphql import (
    Executor,
    GraphQLError,
    build_schema,
    default_field_resolver,
    default_type_resolver,
    execute_sync,
    parse,
)
from graphql.execution.values import VariableValues
from hypothesis import given
from hypothesis import strategies as st

from schema import documents as room
from schema.documents import Document, Documents
from schema.literals import Literal, skeleton

SCHEMA = build_schema(
    """
    scalar JSON
    input Filter { views_gte: Int, rating_lt: Float, name_in: [String], data: JSON }
    type Query {
      item(id: ID, number: Int, ratio: Float, text: String, any: JSON, list: [Int], filter: Filter): String
    }
    """
)


def echo(_: object, _info: object, **arguments: object) -> str:
    return repr(sorted(arguments.items(), key=lambda pair: pair[0]))


SCHEMA.query_type.fields["item"].resolve = echo  # type: ignore[union-attr]


async def run(documents: Documents, text: str) -> object:
    """What the resolver got: through `Documents`, with lifted values as run_document gives them."""
    found = await documents.find(text)
    if not isinstance(found, Document):
        return [error.message for error in found]
    operation = found.operation(None)
    values = operation.variables.coerce({})
    assert isinstance(values, VariableValues)
    values.coerced.update(found.constants)
    fields = (default_field_resolver, default_type_resolver, default_field_resolver)
    executor = Executor(SCHEMA, found.fragments, found.details, None, None, operation.node, values, *fields)
    result = executor.execute_operation()
    assert result.errors is None  # type: ignore[union-attr]
    return result.data["item"]  # type: ignore[union-attr,index]


TEXTS = [
    '{ item(id: %d, number: %d, text: "%s") }',
    '{ item(id: "%s", number: %d, filter: {views_gte: %d}) }',
    "{ item(ratio: %d, list: [%d, 3], filter: {rating_lt: %f}) }",
    '{ item(filter: {name_in: ["%s", "b"], data: {a: %d}}) }',
    '{ item(list: %d, filter: {name_in: "%s"}) }',
    '# 7 "x"\n{ item(any: "%s", number: %d) }',
]


def _text(template: str, number: int, word: str) -> str:
    for mark, value in (("%d", str(number)), ("%s", word), ("%f", f"{number}.5")):
        template = template.replace(mark, value)
    return template


@given(
    st.sampled_from(TEXTS),
    st.lists(
        st.tuples(st.integers(-(2**31), 2**31 - 1), st.from_regex(r"[ -!#-\[\]-~ä☃]{0,8}", fullmatch=True)), max_size=4
    ),
)
async def test_lifted_values_arrive_as_if_they_had_been_parsed(template: str, values: list[tuple[int, str]]) -> None:
    shared = Documents(SCHEMA)
    for number, word in values:
        text = _text(template, number, word)
        assert await run(shared, text) == await run(Documents(SCHEMA), text)


async def test_the_second_text_of_a_skeleton_is_not_validated(monkeypatch: pytest.MonkeyPatch) -> None:
    documents = Documents(SCHEMA)
    assert await run(documents, '{ item(id: 1, text: "a") }') == "[('id', '1'), ('text', 'a')]"
    monkeypatch.setattr(room, "validate", None)
    assert await run(documents, '{ item(id: 2, text: "b c") }') == "[('id', '2'), ('text', 'b c')]"


@pytest.mark.parametrize(
    "first, second, message",
    [
        ("{ item(number: 1) }", "{ item(number: 2147483648) }", None),
        ("{ item(number: 1) }", '{ item(number: "1") }', "Int cannot represent non-integer value"),
        ("{ item(number: 1) }", "{ item(number: 1.5) }", "Int cannot represent non-integer value"),
        ('{ item(text: "a") }', "{ item(text: 1) }", "String cannot represent a non string value"),
    ],
)
async def test_what_is_refused_stays_refused(first: str, second: str, message: str | None) -> None:
    documents = Documents(SCHEMA)
    await run(documents, first)
    alone, after = await run(Documents(SCHEMA), second), await run(documents, second)
    assert after == alone
    if message is not None:
        assert message in str(alone)


@pytest.mark.parametrize(
    "text, marked, literals",
    [
        ("{ a1(x: 12) }", "{ a1(x: 0) }", (Literal("int", "12"),)),
        ('{ a(x: "b", y: -1.5e3) }', '{ a(x: "", y: 0.0) }', (Literal("text", "b"), Literal("float", "-1.5e3"))),
        ('{ a(x: "\\"q\\" 1", y: 2) }', '{ a(x: "\\"q\\" 1", y: 0) }', (Literal("int", "2"),)),
        ('{ a(x: """7 "8" """, y: 9) } # 1', '{ a(x: """7 "8" """, y: 0) } # 1', (Literal("int", "9"),)),
    ],
)
def test_skeleton(text: str, marked: str, literals: tuple[Literal, ...]) -> None:
    assert skeleton(text) == (marked, literals)


def test_a_text_without_values_has_no_skeleton() -> None:
    assert skeleton("query Q($a: Int) { a1 b_2 # 3\n }") is None


def test_variables_of_lifted_values_cannot_be_written() -> None:
    with pytest.raises(GraphQLError, match="Syntax Error"):
        parse("{ item(number: $0l0) }")


async def test_texts_that_ask_for_the_schema_keep_their_values() -> None:
    documents = Documents(SCHEMA)
    for name, kind in (("Query", "OBJECT"), ("Filter", "INPUT_OBJECT"), ("Int", "SCALAR")):
        asked = f'{{ __type(name: "{name}") {{ kind }} }}'
        for text in (asked, f"{{ ...a }} fragment a on Query {asked}"):
            found = await documents.find(text)
            assert isinstance(found, Document)
            assert execute_sync(SCHEMA, found.node).data == {"__type": {"kind": kind}}
