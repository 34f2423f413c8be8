"""In charge of documents: bounds, measures, what is kept, numbers that GraphQL cannot write."""

from __future__ import annotations

from dataclasses import replace

import pytest
from graphql import GraphQLError, build_schema, get_introspection_query, parse

from schema import documents
from schema.documents import Document, Documents
from schema.limits import Limits, check

SCHEMA = build_schema("""
type Item { id: ID one: Item many(limit: Int): [Item] }
input Filter { id_eq: Int name_eq: String }
type Query { item(id: Int, ids: [Int], filter: Filter, name: String): Item }
type Mutation { write(id: Int): Item }
""")


async def errors(text: str, limits: Limits = Limits(), **more: bool) -> list[str]:
    found = await Documents(SCHEMA, limits).find(text, **more)
    return [] if isinstance(found, Document) else [error.message for error in found]


async def test_a_valid_document_is_made_once() -> None:
    kept = Documents(SCHEMA)
    one = await kept.find("{ item { id } }")
    assert isinstance(one, Document)
    assert await kept.find("{ item { id } }") is one
    assert await kept.find("{ item { id  } }") is not one


async def test_wrong_documents_are_told_and_not_kept() -> None:
    kept = Documents(SCHEMA)
    for _ in range(2):
        found = await kept.find("{ item { idd } }")
        assert isinstance(found, list)
        assert [one.message for one in found] == ["Cannot query field 'idd' on type 'Item'. Did you mean 'id'?"]
    assert await errors("{") == ["Syntax Error: Expected Name, found <EOF>."]


async def test_names_are_proposed_only_to_who_may_know_them() -> None:
    assert await errors("{ item { idd } }", hide_suggestions=True) == ["Cannot query field 'idd' on type 'Item'."]


async def test_what_is_kept_is_bounded_by_count_and_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(documents, "MAX_DOCUMENTS", 3)
    kept = Documents(SCHEMA)
    first = await kept.find("{ item { id } }")
    for number in range(3):
        await kept.find(f"{{ a{number}: item {{ id }} }}")
    assert len(kept._clients) == 3
    assert await kept.find("{ item { id } }") is not first
    monkeypatch.setattr(documents, "MAX_BYTES", 60)
    await kept.find("{ item { id } } # " + "x" * 50)
    assert len(kept._clients) == 1
    assert kept._bytes == 68


async def test_adapter_documents_are_known_by_identity() -> None:
    kept = Documents(SCHEMA)
    node = parse("{ item { id } }")
    assert kept.of(node) is kept.of(node)
    assert kept.of(parse("{ item { id } }")) is not kept.of(node)


async def test_a_long_document_is_made_in_a_thread_and_is_the_same() -> None:
    found = await Documents(SCHEMA).find("{ item { id } }" + " " * documents.LONG)
    assert isinstance(found, Document)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("{" + "item{one{" * 60 + "id" + "}}" * 60 + "}", "deep"),
        ("query { " + " ".join(f"a{n}: item {{ id }}" for n in range(101)) + " }", "wide at its root"),
        ("{ item { " + " ".join(f"a{n}: id" for n in range(501)) + " } }", "rich in aliases"),
        (
            "{ item { ...f0 } } "
            + " ".join(f"fragment f{n} on Item {{ one {{ ...f{n + 1} }} many {{ ...f{n + 1} }} }}" for n in range(9))
            + " fragment f9 on Item { one { " + "id " * 20 + "} }",
            "large",
        ),
    ],
)  # fmt: skip
async def test_a_document_beyond_a_limit_is_refused(text: str, wanted: str) -> None:
    assert [one.split(": ")[0] for one in await errors(text)] == [f"The query is too {wanted}"]


async def test_text_and_tokens_are_bounded() -> None:
    assert await errors("{ item { id } }", replace(Limits(), length=10)) == [
        "The query is too long: at most 10 characters are allowed."
    ]
    (message,) = await errors("{ item { id } }", replace(Limits(), tokens=5))
    assert "more than 5" in message


async def test_nesting_that_would_break_the_interpreter_is_an_error() -> None:
    (message,) = await errors("{ item(filter: " + "[" * 6000 + "]" * 6000 + ") { id } }")
    assert "deep" in message


async def test_fragments_that_contain_themselves_are_left_to_validation() -> None:
    found = await errors("{ item { ...a } } fragment a on Item { one { ...b } } fragment b on Item { one { ...a } }")
    assert found == ["Cannot spread fragment 'a' within itself via 'b'."]


def test_ten_levels_of_relations_are_allowed_and_eleven_are_not() -> None:
    def nested(levels: int) -> str:
        return "{ list { data " + "{ one " * levels + "{ id }" + " }" * levels + " } }"

    assert check(parse(nested(10)), Limits()) == []
    assert [one.message for one in check(parse(nested(11)), Limits())] == [
        "The query is too deep: at most 13 is allowed."
    ]


async def test_the_usual_introspection_query_is_within_the_limits() -> None:
    assert await errors(get_introspection_query()) == []


async def test_wide_numbers_are_taken_as_literals() -> None:
    text = '{ item(id: 9007199254740993, ids: [5, 3000000000], filter: {id_eq: "9007199254740993", name_eq: "9007199254740993"}) { id } }'  # noqa: E501
    found = await Documents(SCHEMA).find(text)
    assert isinstance(found, Document)
    assert sorted(found.constants.values()) == [3000000000, 9007199254740993, 9007199254740993]
    assert await errors('{ item(id: "5") { id } }') == ['Int cannot represent non-integer value: "5"']
    (message,) = await errors("{ item(id: " + "9" * 30 + ") { id } }")
    assert message.startswith("Int cannot represent non 32-bit signed integer value")


def test_the_operation_to_run_is_found_by_name() -> None:
    node = parse("query A { item { id } } query B { item { id } } mutation C { write { id } }")
    document = Document(SCHEMA, node)
    assert document.operation("B").node.name.value == "B"  # type: ignore[union-attr]
    assert document.operation("C").kind.value == "mutation"
    assert document.operation("C").roots == {"write"}
    for name, wanted in ((None, "Must provide operation name"), ("D", "Unknown operation named 'D'")):
        with pytest.raises(GraphQLError, match=wanted):
            document.operation(name)
    with pytest.raises(GraphQLError, match="Must provide an operation"):
        Document(SCHEMA, parse("fragment f on Item { id }")).operation(None)


def test_what_asks_for_the_schema_is_told_apart() -> None:
    def operation(text: str) -> documents.Operation:
        return Document(SCHEMA, parse(text)).operation(None)

    assert operation("{ __schema { types { name } } __typename }").introspective
    assert operation('{ ...f } fragment f on Query { a: __type(name: "x") { name } }').introspective
    assert not operation("{ __typename }").introspective
    assert operation("{ __schema { types { name } } item { id } }").mixed
    assert not operation("{ item { id } }").mixed
