"""Splicing changes nothing: documents shaped at once and completed by graphql-core leaf by leaf are equal."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import orjson
import pytest
from ariadne import graphql
from graphql import Executor, GraphQLResolveInfo

from core.auth.credentials import Credentials
from resolvers.context import Call, Spliced
from schema import execute
from schema.documents import Document
from schema.execute import Visit
from schema.executor import SplicingExecutor
from tests.api.newsroom import Newsroom, newsroom

DOCUMENTS = [
    "{ articles { data { id title views rating featured tags extra created_on body author__key status } } }",
    """{ a: articles(limit: 2) { __typename d: data { __typename n: title author { __typename name } } d2: data { id } }
         b: articles(limit: 1, sort: ["-id"]) { data { id comments { text article { id title } } } meta { total_count __typename } } }""",  # noqa: E501
    """{ articles { ...w } } fragment w on Articles { data { ...i ... on Node { id } } }
       fragment i on ArticlesItem { title categories(limit: 1) { category { name parent { name } } } }""",
    """query($yes: Boolean = true, $f: [String!] = ["id", "author.*"]) { articles { data {
         id @include(if: $yes) title @skip(if: $yes) _row(fields: $f) author @include(if: $yes) { id name email }
       } } }""",
    '{ one: articles_by_id(id: 1) { title comments { id text } } none: articles_by_id(id: 77) { title } }',
    '{ articles(sort: ["nope"]) { data { id } } people { data { id name } } __typename }',
    '{ directus_users { data { id email token roles { id name users { id } } role { name } high_contrast_mode } } }',
    '{ articles_aggregate(group_by: ["status"], sort: ["status"]) { group count n: count(field: "author") max(field: "title") } }',  # noqa: E501
    '{ articles(id: 1) { data { id } meta { total_count } } articles_by_id(id: "2") { author { name } } users_me { id } }',  # noqa: E501
    "{ articles(limit: 0) { data { id } meta { result_count filter_count status_count page page_count } } }",
    """{ directus_fields(collection: "people") { data { field type collection { collection } _row } }
         project_info { json } }""",
]  # fmt: skip
MUTATION = """mutation {
  a: create_people_item(data: {name: "x"}) { name }
  b: update_people_item(id: 1, data: {name: "y"}) { id name }
  c: update_people_item(id: 77, data: {name: "y"}) { id }
  d: delete_people_items(ids: ["2"])
}"""


class Unspliced(Executor[Any]):
    """graphql-core as it is: shaped parts are taken apart again and completed field by field."""

    def complete_value(self, *args: Any) -> Any:
        values = list(args)
        if type(values[4]) is Spliced:
            values[4] = values[4].value
        return super().complete_value(*values)


def by_response_key(source: Any, info: GraphQLResolveInfo, **_: Any) -> Any:
    """A shaped item knows its values by response key; metadata and named operations by name."""
    return source[info.path.key] if info.path.key in source else source.get(info.field_name)


@pytest.fixture(scope="module")
async def room(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Newsroom]:
    folder = tmp_path_factory.mktemp("splice")
    async with newsroom(f"sqlite:///{folder}/x.db", folder / "data") as found:
        yield found


@pytest.fixture
async def visit(room: Newsroom) -> Visit:
    room.dirty = True
    await room.refill()
    return await execute.enter(room.projects.get("main"), Credentials("bearer", "admin-token"))


async def completed(visit: Visit, text: str, executor: type[Executor[Any]]) -> bytes:
    """The answer through Ariadne, which passes the executor on as its execution context."""
    document = await visit.edition.documents.find(text)
    assert isinstance(document, Document), [one.message for one in document]
    _, result = await graphql(
        visit.edition.schema,
        {"query": text, "variables": {}},
        context_value=Call(document.shapes, visit.session),
        query_document=document.node,
        execution_context_class=executor,
        error_formatter=lambda error, debug: {"message": error.message, "path": error.path},
        field_resolver=by_response_key,
        logger="test.quiet",
    )
    return orjson.dumps(_plain(result))


def _plain(value: Any) -> Any:
    """Whole numbers are written without a fraction where they are spliced; 2 and 2.0 are one number."""
    if isinstance(value, dict):
        return {key: _plain(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_plain(one) for one in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


@pytest.mark.parametrize("text", DOCUMENTS)
async def test_a_query_is_the_same_spliced_and_completed(visit: Visit, text: str) -> None:
    spliced = await completed(visit, text, SplicingExecutor)
    assert spliced == await completed(visit, text, Unspliced)
    document = await visit.edition.documents.find(text)
    assert isinstance(document, Document)
    outcome = await execute.run_document(visit, document, {})
    assert orjson.dumps(outcome.data) == orjson.dumps(orjson.loads(spliced)["data"])


async def test_mutations_are_the_same_and_in_order(room: Newsroom, visit: Visit) -> None:
    spliced = orjson.loads(await completed(visit, MUTATION, SplicingExecutor))
    assert spliced["data"]["a"] == {"name": "x"}
    assert list(spliced["data"]) == ["a", "b", "c", "d"]
    room.dirty = True
    await room.refill()
    assert spliced == orjson.loads(await completed(visit, MUTATION, Unspliced))


async def test_the_schema_is_told_the_same(visit: Visit) -> None:
    text = "{ __schema { types { name fields { name type { name kind ofType { name } } } } } __typename }"
    assert await completed(visit, text, SplicingExecutor) == await completed(visit, text, Unspliced)


def test_the_methods_that_are_overridden_are_those_that_are_called() -> None:
    import inspect

    for name in ("complete_value", "execute_field"):
        ours, theirs = getattr(SplicingExecutor, name), getattr(Executor, name)
        assert list(inspect.signature(ours).parameters) == list(inspect.signature(theirs).parameters)
