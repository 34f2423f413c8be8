"""In charge of selections made of GraphQL documents: fragments, aliases, directives, arguments, what is remembered."""

from __future__ import annotations

from typing import Any

import pytest
from graphql import GraphQLResolveInfo, execute_sync, parse

from core.query.selection import Condition, Constant, Leaf, Nested, Row, Selection, Window
from resolvers import selection
from resolvers.context import Call
from resolvers.selection import Caller, ItemShape, ListShape, item_shape, list_shape, measures
from schema.build import build_schema, names_for
from schema.coerce import Variables
from schema.documents import Bounded, Document
from schema.executor import SplicingExecutor
from tests.shop import shop

SNAPSHOT = shop()
SCHEMA = build_schema(SNAPSHOT, names_for(SNAPSHOT))


def look(text: str, variables: dict[str, Any] | None = None, *, shapes: Bounded | None = None, read: Any = None) -> Any:
    """What the reader says of the first root field of a document."""
    document = Document(SCHEMA, parse(text))
    return look_again(document, variables, shapes=shapes, read=read)


def look_again(document: Document, variables: dict[str, Any] | None, *, shapes: Bounded | None, read: Any) -> Any:
    found: list[Any] = []
    by_id = any(name.endswith("_by_id") for name in document.operation(None).roots)
    reader = read or (item_shape if by_id else list_shape)

    def resolve(_source: Any, info: GraphQLResolveInfo, **_: Any) -> None:
        found.append(reader(info))

    class Watching(SplicingExecutor):
        def build_resolve_info(self, *args: Any) -> GraphQLResolveInfo:
            info = super().build_resolve_info(*args)
            if info.path.prev is None:
                resolve(None, info)
            return info

    operation = document.operation(None)
    values = operation.variables.coerce(variables or {})
    assert not isinstance(values, list)
    call = Call(shapes or document.shapes)
    Watching(
        SCHEMA, document.fragments, document.details, None, call, operation.node, values,
        lambda *_: None, lambda *_: None, lambda *_: None,
    ).execute_operation()  # fmt: skip
    return found[0]


@pytest.fixture(autouse=True)
def _unresolved(monkeypatch: pytest.MonkeyPatch) -> None:
    """Resolvers of root fields do nothing here."""
    from resolvers import items

    for name in ("read", "by_id", "aggregate"):
        monkeypatch.setattr(items, name, lambda *_: None)
    for type_ in (SCHEMA.query_type, SCHEMA.mutation_type):
        for field in type_.fields.values():  # type: ignore[union-attr]
            monkeypatch.setattr(field, "resolve", lambda *_, **__: None)


def test_leaves_have_the_columns_and_encoders_of_the_types() -> None:
    found: ItemShape = look(
        '{ articles_by_id(id: "1") { id n: title price active created day at data tags author__key } }'
    )
    assert found == ItemShape(
        Selection(
            (
                Leaf("id", "id", "id"),
                Leaf("n", "title", "string"),
                Leaf("price", "price", "float"),
                Leaf("active", "active", "boolean"),
                Leaf("created", "created", "datetime"),
                Leaf("day", "day", "date"),
                Leaf("at", "at", "time"),
                Leaf("data", "data", "json"),
                Leaf("tags", "tags", "list"),
                Leaf("author__key", "author", "id"),
            )
        )
    )


def test_a_wrapper_has_items_counts_and_its_name() -> None:
    found: ListShape = look(
        """{ articles {
          __typename d: data { id } meta { __typename t: total_count page_count } more: meta { status_count }
        } }"""
    )
    assert [(one.key, one.value) for one in found.entries] == [
        ("__typename", "Articles"),
        ("d", None),
        ("meta", None),
        ("more", None),
    ]
    assert found.entries[1].items == ItemShape(Selection((Leaf("id", "id", "id"),)))
    assert found.entries[2].meta == (
        ("__typename", None, "Metadata"),
        ("t", "total_count", None),
        ("page_count",) * 2 + (None,),
    )
    assert found.meta == {"total_count", "page", "status_count"}


def test_relations_nest_with_their_arguments() -> None:
    found: ListShape = look(
        """query($n: Int, $w: [Condition!]) { articles { data {
          author { name }
          comments(limit: $n, where: $w, sort: ["-text"], filter: {text_contains: "a"}, offset: -3) {
            text article { id }
          }
          translations(lang: "en,de") { lang }
        } } }""",
        {"n": 2, "w": [{"field": "text", "value": ["a"]}]},
    )
    assert found.entries[0].items == ItemShape(
        Selection(
            (
                Nested("author", "author", Selection((Leaf("name", "name", "string"),))),
                Nested(
                    "comments",
                    "comments",
                    Selection(
                        (
                            Leaf("text", "text", "string"),
                            Nested("article", "article", Selection((Leaf("id", "id", "id"),))),
                        )
                    ),
                    Window(
                        where=(Condition("text", "eq", ("a",)),),
                        filter=("cond", "text", "contains", "a"),
                        sort=("-text",),
                        limit=2,
                        offset=0,
                    ),
                ),
                Nested(
                    "translations",
                    "translations",
                    Selection((Leaf("lang", "lang", "string"),)),
                    Window(filter=("cond", "lang", "in", "en,de")),
                ),
            )
        )
    )


def test_fragments_aliases_and_directives_are_resolved() -> None:
    found: ListShape = look(
        """query($yes: Boolean!, $no: Boolean!) {
          articles { ...wrapper ... on Articles { data { price } } }
        }
        fragment wrapper on Articles {
          data { ...item @include(if: $yes) ...other @skip(if: $yes) id @include(if: $no) }
        }
        fragment item on ArticlesItem { __typename ... on Node { key: id } ... on AuthorsItem { name } title }
        fragment other on ArticlesItem { slug }""",
        {"yes": True, "no": False},
    )
    assert found.entries[0].items == ItemShape(
        Selection(
            (
                Constant("__typename", "ArticlesItem"),
                Leaf("key", "id", "id"),
                Leaf("title", "title", "string"),
                Leaf("price", "price", "float"),
            )
        )
    )


def test_the_same_key_twice_is_one_entry_with_both_selections() -> None:
    found: ItemShape = look('{ articles_by_id(id: "1") { author { name } author { id name } } }')
    assert found.selection == Selection(
        (Nested("author", "author", Selection((Leaf("name", "name", "string"), Leaf("id", "id", "id")))),)
    )


def test_the_rest_form_takes_paths() -> None:
    found: ItemShape = look(
        """query($f: [String!]) { articles_by_id(id: "1") {
          _row a: _row(fields: ["id"]) b: _row(fields: $f) c: _row(fields: [])
        } }""",
        {"f": ["*", "author.*"]},
    )
    assert found.selection == Selection((Row("_row"), Row("a", ("id",)), Row("b", ("*", "author.*")), Row("c", ())))


def test_an_aggregate_has_functions_in_order() -> None:
    found = look(
        """{ articles_aggregate {
          __typename total: sum(field: "price") count n: count(field: "id", distinct: true) group
        } }""",
        read=measures,
    )
    assert [(one.key, one.function, one.field, one.distinct) for one in found] == [
        ("__typename", None, None, False),
        ("total", "sum", "price", False),
        ("count", "count", None, False),
        ("n", "count", "id", True),
        ("group", "group", None, False),
    ]


def test_a_shape_is_made_once_for_the_same_values(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[int] = []
    real = selection._list_shape
    monkeypatch.setattr(selection, "_list_shape", lambda info: made.append(1) or real(info))  # type: ignore[func-returns-value]
    document = Document(
        SCHEMA, parse("query($w: [Condition!], $f: [String!]) { articles(where: $w) { data { _row(fields: $f) } } }")
    )

    def again(**variables: Any) -> ListShape:
        found: ListShape = look_again(document, variables, shapes=None, read=list_shape)
        return found

    one = again(f=["id"], w=[{"field": "id", "value": 1}])
    assert again(f=["id"], w=[{"field": "id", "value": 2}]) is one  # a value of the root field is not of the shape
    assert again(f=["id"]) is one
    assert len(made) == 1
    assert again(f=["title"]) is not one
    assert again() is not one
    assert len(made) == 3


def test_numbers_and_booleans_are_different_values() -> None:
    frozen = selection.frozen
    assert len({frozen(1), frozen(1.0), frozen(True), frozen("1")}) == 4
    assert frozen([1, {"a": [2]}]) == (("int", 1), ("map", (("a", (("int", 2),)),)))
    assert frozen(Condition("a", "eq", [1])) == frozen(Condition("a", "eq", (1,)))
    with pytest.raises(TypeError):
        frozen(object())


def test_leftovers_files_and_tokens_are_repaired_once_per_item() -> None:
    found: ItemShape = look(
        """{ directus_users_by_id(id: "1") {
          high_contrast_mode token roles { name users { token } }
        } }"""
    )
    assert found.selection.entries[0] == Constant("high_contrast_mode", None)
    role: dict[str, Any] = {
        "name": "Admin",
        "users": [{"token": "a", selection.OWNER: 1}, {"token": "b", selection.OWNER: 2}],
    }
    items = [
        {"high_contrast_mode": None, "token": t, "roles": role, selection.OWNER: n} for n, t in ((1, "a"), (2, "b"))
    ]
    assert found.repair is not None
    caller = Caller(2, set())
    for item in items:
        found.repair(item, caller)
    assert [item["token"] for item in items] == [None, "b"]
    assert items[0]["roles"] == [{"name": "Admin", "users": [{"token": None}, {"token": "b"}]}]
    assert items[1]["roles"][0] is items[0]["roles"][0]
    assert all(selection.OWNER not in item for item in items)


def test_members_of_a_file_come_from_its_data() -> None:
    found: ItemShape = look(
        '{ directus_files_by_id(id: "1") { u: url thumbnails { __typename w: width url } full_url } }'
    )
    assert found.selection.entries[0] == Row("u", ("data",))
    data = {"url": "/a.png", "thumbnails": [{"url": "/t", "width": 5, "height": 6}]}
    item = {"u": {"data": data}, "thumbnails": {"data": data}, "full_url": None}
    assert found.repair is not None
    found.repair(item, Caller(1, set()))
    assert item == {
        "u": "/a.png",
        "thumbnails": [{"__typename": "DirectusFileThumbnailItem", "w": 5, "url": "/t"}],
        "full_url": None,
    }


def test_the_schema_itself_is_not_touched_by_looking() -> None:
    result: Any = execute_sync(SCHEMA, parse("{ __typename }"))
    assert result.data == {"__typename": "Query"}
    assert isinstance(Variables(SCHEMA, ()).coerce({}), tuple)
