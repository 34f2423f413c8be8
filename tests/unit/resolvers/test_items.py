"""In charge of the generated resolvers against an engine that only remembers what it was asked."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from structlog.testing import capture_logs

from core import engine
from core.access.policy import ADMIN_POLICY
from core.context import Actor, Context
from core.errors import Problem, ReadDenied, ValidationFailed
from core.query.aggregate import AggregateRequest, Measure
from core.query.change import WriteRequest, WriteResult
from core.query.selection import Condition, Leaf, ReadRequest, ReadResult, Row, Selection, Warning
from core.session import Session
from schema.execute import Outcome, Visit, run_document
from schema.registry import make
from tests.shop import shop

SNAPSHOT = shop()
EDITION = make(SNAPSHOT)
PROJECT: Any = SimpleNamespace(hooks=None)
SESSION = Session(PROJECT, SNAPSHOT, ADMIN_POLICY, Context(Actor(1, 1, False), datetime(2026, 3, 1, tzinfo=UTC)))
ID = Selection((Leaf("id", "id", "id"),))


@dataclass
class Engine:
    """Stands in for core.engine."""

    asked: list[Any] = field(default_factory=list)
    items: list[Any] = field(default_factory=lambda: [{"id": "1"}])
    meta: dict[str, Any] = field(default_factory=dict)
    warnings: tuple[Warning, ...] = ()
    error: Exception | None = None

    async def read(self, session: Session, request: ReadRequest, connection: Any = None) -> ReadResult:
        self.asked.append(request)
        if self.error:
            raise self.error
        return ReadResult(list(self.items), dict(self.meta), self.warnings, (request.collection,))

    async def aggregate(self, session: Session, request: AggregateRequest) -> list[dict[str, Any]]:
        self.asked.append(request)
        return self.items

    async def write(self, session: Session, request: WriteRequest) -> WriteResult:
        self.asked.append(request)
        if self.error:
            raise self.error
        keys = list(request.keys or range(1, len(request.payloads) + 1))
        return WriteResult(keys, list(self.items), {}, self.warnings, (request.collection,))


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> Engine:
    found = Engine()
    for name in ("read", "aggregate", "write"):
        monkeypatch.setattr(engine, name, getattr(found, name))
    return found


async def run(text: str, **variables: Any) -> Outcome:
    document = await EDITION.documents.find(text)
    assert not isinstance(document, list), document
    return await run_document(Visit(EDITION, SESSION), document, variables)


async def data(text: str, **variables: Any) -> Any:
    outcome = await run(text, **variables)
    assert outcome.errors == ()
    return outcome.data


async def test_a_list_carries_every_argument(fake: Engine) -> None:
    found = await data(
        """query($where: [Condition!], $filter: ArticlesFilter) { articles(
          ids: ["1", 2], where: $where, filter: $filter, q: "x", sort: ["-id", "title"], limit: 5, offset: 6, page: 7,
          status: ["draft"], lang: "en, de", groups: ["title"]
        ) { data { id } } }""",
        where=[{"field": "a.b", "op": "in", "value": [1, 2], "or": True}],
        filter={"title_eq": "x"},
    )
    assert found == {"articles": {"data": [{"id": "1"}]}}
    assert fake.asked == [
        ReadRequest(
            "articles",
            ID,
            ids=("1", "2"),
            where=(Condition("a.b", "in", (1, 2), True),),
            filter=("cond", "title", "eq", "x"),
            q="x",
            sort=("-id", "title"),
            limit=5,
            offset=6,
            page=7,
            status=("draft",),
            lang=("en", "de"),
            groups=("title",),
        )
    ]


async def test_arguments_that_are_absent_stay_absent(fake: Engine) -> None:
    await data("query($l: Int, $s: [String!]) { articles(limit: $l, sort: $s) { data { id } } }")
    await data("{ articles(limit: null, where: null) { data { id } } }")
    assert fake.asked == [ReadRequest("articles", ID)] * 2


async def test_counts_are_asked_for_only_when_selected(fake: Engine) -> None:
    fake.meta = {"total_count": 9, "limit": 5, "page": 1, "page_count": 2}
    found = await data("{ articles { data { id } meta { n: total_count page_count __typename } } }")
    assert found["articles"]["meta"] == {"n": 9, "page_count": 2, "__typename": "Metadata"}
    assert fake.asked == [ReadRequest("articles", ID, meta=frozenset({"total_count", "page"}))]


async def test_counts_alone_select_no_column(fake: Engine) -> None:
    fake.meta = {"filter_count": 3}
    assert await data("{ articles { meta { filter_count } } }") == {"articles": {"meta": {"filter_count": 3}}}
    assert fake.asked == [ReadRequest("articles", Selection(), meta=frozenset({"filter_count"}))]


async def test_a_name_alone_asks_nothing(fake: Engine) -> None:
    assert await data("{ articles { __typename } }") == {"articles": {"__typename": "Articles"}}
    assert fake.asked == []


async def test_the_same_list_under_two_keys_is_read_for_each(fake: Engine) -> None:
    found = await data("{ articles(limit: 1) { a: data { id } b: data { title } meta { total_count } } }")
    assert list(found["articles"]) == ["a", "b", "meta"]
    assert fake.asked == [
        ReadRequest("articles", ID, limit=1, meta=frozenset({"total_count"})),
        ReadRequest("articles", Selection((Leaf("title", "title", "string"),)), limit=1),
    ]


async def test_an_id_is_one_element_without_counts(fake: Engine) -> None:
    found = await data("{ articles(id: 7, limit: 3, filter: {id_eq: 1}) { data { id } meta { total_count } } }")
    assert found == {"articles": {"data": [{"id": "1"}], "meta": None}}
    assert fake.asked == [ReadRequest("articles", ID, id="7", include_deleted=True)]


async def test_by_id_is_one_item_or_null_with_code_203(fake: Engine) -> None:
    assert await data('{ articles_by_id(id: "02", lang: "en") { id } }') == {"articles_by_id": {"id": "1"}}
    assert fake.asked == [ReadRequest("articles", ID, id="02", lang=("en",))]
    fake.items = []
    outcome = await run('{ articles_by_id(id: "9") { id } }')
    assert outcome.data == {"articles_by_id": None}
    assert [one.formatted() for one in outcome.errors] == [
        {
            "message": 'Item with id "9" not found',
            "extensions": {"category": "graphql", "code": 203, "kind": "ItemNotFound"},
            "locations": [{"line": 1, "column": 3}],
            "path": ["articles_by_id"],
        }
    ]


async def test_an_aggregate_is_measured_and_shown_in_the_order_of_the_query(fake: Engine) -> None:
    fake.items = [{"group": {"status": "a"}, "count": 2, "total": 3.5}]
    found = await data(
        """{ articles_aggregate(group_by: ["status"], sort: ["-total"], limit: 3, having: [{field: "count", op: "gt", value: 1}]) {
          total: sum(field: "price") __typename count group
        } }"""  # noqa: E501
    )
    assert list(found["articles_aggregate"][0].items()) == [
        ("total", 3.5),
        ("__typename", "Aggregate"),
        ("count", 2),
        ("group", {"status": "a"}),
    ]
    assert fake.asked == [
        AggregateRequest(
            "articles",
            measures=(Measure("total", "sum", "price"), Measure("count", "count")),
            group_by=("status",),
            group_keys=("group",),
            sort=("-total",),
            limit=3,
            having=(Condition("count", "gt", 1),),
        )
    ]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        (
            """create_articles_item(
              data: {title: "x", author: {id: 3}, comments: [{code: "a", _delete: true}]}, comment: "why"
            ) { id }""",
            WriteRequest(
                "articles",
                "create",
                ({"title": "x", "author": {"id": "3"}, "comments": [{"code": "a", "$delete": True}]},),
                selection=ID,
                comment="why",
            ),
        ),
        (
            'create_articles_items(payload: [{title: "x"}, {title: 1}], activity_skip: true) { id }',
            WriteRequest(
                "articles", "create", ({"title": "x"}, {"title": 1}), batch=True, selection=ID, activity_skip=True
            ),
        ),
        (
            'update_articles_item(id: "02", payload: {author: {name: "n"}}, lang: "en") { id }',
            WriteRequest("articles", "update", ({"author": {"name": "n"}},), ("02",), selection=ID, lang=("en",)),
        ),
        (
            'update_articles_items(ids: ["1", 2], data: {title: null}) { id }',
            WriteRequest("articles", "update", ({"title": None},), ("1", "2"), batch=True, selection=ID),
        ),
        (
            'update_articles_batch(data: [{id: 1, title: "a"}]) { id }',
            WriteRequest("articles", "update", ({"id": "1", "title": "a"},), batch=True, selection=ID),
        ),
        (
            'upsert_articles_items(key: "title", data: [{title: "a"}]) { id }',
            WriteRequest("articles", "upsert", ({"title": "a"},), batch=True, match="title", selection=ID),
        ),
        ('delete_articles_item(id: "5")', WriteRequest("articles", "delete", keys=("5",))),
        ('delete_articles_items(ids: ["5", "6"])', WriteRequest("articles", "delete", keys=("5", "6"), batch=True)),
    ],
)  # fmt: skip
async def test_a_mutation_is_one_write(fake: Engine, text: str, wanted: WriteRequest) -> None:
    found = await data("mutation { " + text + " }")
    assert fake.asked == [wanted]
    name = next(iter(found))
    expected: Any = {"id": "1"} if name.endswith("_item") else [{"id": "1"}]
    if name.startswith("delete"):
        expected = "5" if name.endswith("_item") else ["5", "6"]
    assert found == {name: expected}


async def test_what_was_written_and_may_not_be_read_is_null_without_error(fake: Engine) -> None:
    fake.items = [None]
    assert await data('mutation { create_articles_item(payload: {title: "x"}) { id } }') == {
        "create_articles_item": None
    }
    fake.items = [None, {"id": "2"}]
    assert await data("mutation { create_articles_items(payload: [{}, {}]) { id } }") == {
        "create_articles_items": [None, {"id": "2"}]
    }


@pytest.mark.parametrize("content", ["", "(data: {}, payload: {})"])
async def test_a_write_needs_exactly_one_content(fake: Engine, content: str) -> None:
    outcome = await run("mutation { create_articles_item" + content + " { id } }")
    assert outcome.data == {"create_articles_item": None}
    assert [one.formatted()["extensions"] for one in outcome.errors] == [
        {"category": "graphql", "code": 12, "kind": "Unprocessable"}
    ]
    assert fake.asked == []


async def test_a_batch_is_a_list(fake: Engine) -> None:
    outcome = await run('mutation { create_articles_items(payload: {title: "x"}) { id } }')
    assert [one.error.kind for one in outcome.errors] == ["Unprocessable"]  # type: ignore[attr-defined]
    assert fake.asked == []


async def test_an_error_takes_its_field_and_leaves_the_others(fake: Engine) -> None:
    fake.error = ReadDenied("articles", public=True)
    outcome = await run("{ a: articles { data { id } } t: __typename b: articles_by_id(id: 1) { id } }")
    assert outcome.data == {"a": None, "t": "Query", "b": None}
    assert sorted(one.path for one in outcome.errors) == [("a",), ("b",)]
    assert {one.error for one in outcome.errors} == {fake.error}
    assert outcome.executed


async def test_problems_are_told_with_their_places(fake: Engine) -> None:
    fake.error = ValidationFailed.of([Problem((0, "title"), "This value should not be blank.")])
    outcome = await run("mutation { create_articles_items(payload: [{}]) { id } }")
    assert outcome.errors[0].formatted()["extensions"] == {
        "category": "graphql",
        "code": 4,
        "kind": "ValidationFailed",
        "problems": [{"path": [0, "title"], "message": "This value should not be blank."}],
    }


async def test_the_text_of_an_exception_is_never_shown(fake: Engine) -> None:
    fake.error = RuntimeError("secret: select * from users")
    with capture_logs() as logged:
        outcome = await run("{ articles { data { id } } }")
    assert [(one["log_level"], one["exc_info"], one["path"]) for one in logged] == [("error", fake.error, ["articles"])]
    assert outcome.errors[0].formatted() == {
        "message": "Internal server error",
        "extensions": {"category": "internal"},
        "locations": [{"line": 1, "column": 3}],
        "path": ["articles"],
    }


async def test_warnings_and_tags_are_collected(fake: Engine) -> None:
    fake.warnings = (Warning("authors", ("author",)),)
    outcome = await run("{ a: articles { data { id } } b: articles { data { id } } }")
    assert outcome.warnings == (Warning("authors", ("author",)),) * 2
    assert outcome.tags == ("articles", "articles")


async def test_mutations_run_one_after_the_other(fake: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    import asyncio

    order: list[str] = []

    async def slow(session: Session, request: WriteRequest) -> WriteResult:
        order.append(f"begin {request.comment}")
        await asyncio.sleep(0)
        order.append(f"end {request.comment}")
        return WriteResult([1], [{"id": "1"}], {})

    monkeypatch.setattr(engine, "write", slow)
    await data(
        """mutation { a: create_articles_item(payload: {}, comment: "a") { id }
        b: create_articles_item(payload: {}, comment: "b") { id } }"""
    )
    assert order == ["begin a", "end a", "begin b", "end b"]


async def test_rest_forms_and_typed_fields_are_one_request(fake: Engine) -> None:
    await data("query($f: [String!]) { articles { data { id _row(fields: $f) } } }", f=["*", "author.*"])
    assert fake.asked == [ReadRequest("articles", Selection((Leaf("id", "id", "id"), Row("_row", ("*", "author.*")))))]


async def test_variables_of_any_size_arrive(fake: Engine) -> None:
    await data("query($id: Int) { articles(id: $id) { data { id } } }", id=9007199254740993)
    await data("{ articles(filter: {id_gt: 9007199254740993}) { data { id } } }")
    assert fake.asked[0].id == "9007199254740993"
    assert fake.asked[1].filter == ("cond", "id", "gt", 9007199254740993)


async def test_variables_inside_literals_are_resolved(fake: Engine) -> None:
    await data(
        """mutation($t: String, $n: Int, $i: ID!, $w: JSON) {
          create_articles_item(payload: {title: $t, list: [$n, {deep: $w}]}) { id }
          update_articles_items(ids: [$i, "2"], data: {title: $t, author: {id: $i}}) { id }
        }""",
        t="x",
        n="5",
        i=7,
        w={"a": [1]},
    )
    assert fake.asked[0].payloads == ({"title": "x", "list": [5, {"deep": {"a": [1]}}]},)
    assert fake.asked[1].keys == ("7", "2")
    assert fake.asked[1].payloads == ({"title": "x", "author": {"id": "7"}},)
    await data(
        """query($a: Int, $w: JSON) {
          articles(filter: {id_eq: $a}, where: [{field: "id", value: $w}]) { data { id } }
        }""",
        w=3,
    )
    assert fake.asked[2].filter == ()
    assert fake.asked[2].where == (Condition("id", "eq", 3),)
