"""How many statements every read of items, activity and revisions takes at both doors (spec 03 §4, 5, 11, 12).

By its shape, the same for one article and for forty. The first statement tells who calls and what has changed.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.budget.doors import Doors, doors, fill

MANY = 40


@pytest.fixture(scope="module", params=(1, MANY), ids=("one", "many"))
async def server(
    request: pytest.FixtureRequest, dialect: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Doors]:
    async with doors(dialect, tmp_path_factory.mktemp("budget")) as made:
        await fill(made, request.param)
        await made.rest("PATCH", "/items/articles/1", {"title": "title 1", "comments": [{"id": 1, "text": "changed"}]})
        await made.rest("POST", "/activity/comment", {"collection": "articles", "item": 1, "comment": "said"})
        await made.rest("POST", "/webhooks", {"collection": "articles", "directus_action": "item.create:after"})
        await made.rest("GET", "/items/articles")  # webhooks are part of the snapshot, which is read anew
        yield made


def rows(fields: str) -> str:
    return f'{{ articles(limit: -1) {{ data {{ _row(fields: ["{fields}"]) }} }} }}'


# Path, the same in GraphQL, statements
READS = {
    "columns": ("/items/articles?limit=-1", "{ articles(limit: -1) { data { id title rating } } }", 2),
    "one level of everything": ("/items/articles?limit=-1&fields=*.*", rows("*.*"), 8),
    "two levels of everything": ("/items/articles?limit=-1&fields=*.*.*", rows("*.*.*"), 17),
    "three levels of everything": ("/items/articles?limit=-1&fields=*.*.*.*", rows("*.*.*.*"), 45),
    "a wildcard below one relation": ("/items/articles?limit=-1&fields=id,comments.*.*", rows("id,comments.*.*"), 6),
    "excluded relations": ("/items/articles?limit=-1&fields=*.*,-author,-comments", rows("*.*,-author,-comments"), 6),
    "to-one": ("/items/articles?limit=-1&fields=author.name", "{ articles { data { author { name } } } }", 3),
    "to-one by its key": ("/items/articles?limit=-1&fields=author", "{ articles { data { author__key } } }", 2),
    "two to-one": (
        "/items/articles?fields=author.name,owner.email",
        "{ articles { data { author { name } owner { email } } } }",
        4,
    ),
    "to-many": ("/items/articles?fields=comments.text", "{ articles { data { comments { text } } } }", 3),
    "to-many by its keys": ("/items/articles?fields=comments,author.id", rows("comments,author.id"), 4),
    "to-many of to-many": (
        "/items/articles?fields=comments.marks.mark",
        "{ articles { data { comments { marks { mark } } } } }",
        4,
    ),
    "to-many and back": (
        "/items/articles?fields=comments.article.title",
        "{ articles { data { comments { article { title } } } } }",
        4,
    ),
    "M2M": ("/items/articles?fields=tags.tag.label", "{ articles { data { tags { tag { label } } } } }", 4),
    "translations": ("/items/articles?fields=words.*", "{ articles { data { words { title } } } }", 3),
    "translations of a language": (
        "/items/articles?fields=words.*&lang=en",
        '{ articles(lang: "en") { data { words { title } } } }',
        3,
    ),
    "limits for each parent": (
        "/items/articles?fields=comments.text,tags.tag.label",
        '{ articles { data { comments(limit: 1, sort: ["-id"]) { text }'
        " tags(limit: 1, offset: 1) { tag { label } } } } }",
        5,
    ),
    "the same relation in several windows": (
        "/items/articles?fields=comments.*",
        "{ articles { data { a: comments(limit: 1) { text } b: comments(offset: 1, limit: 1) { text } } } }",
        (3, 4),
    ),
    "a search across relations": ("/items/articles?q=label", '{ articles(q: "label") { data { id } } }', 2),
    "a filter across relations": (
        "/items/articles?filter[comments.marks.mark][like]=m&filter[tags.tag.label][contains]=l",
        '{ articles(filter: {comments: {marks: {mark_contains: "m"}}, tags: {tag: {label_contains: "l"}}})'
        " { data { id } } }",
        2,
    ),
    "filters of numbers of related items": (
        "/items/articles?filter[comments][has]=2&filter[tags][all]=c1,c2&filter[words][nempty]=",
        '{ articles(where: [{field: "comments", op: "has", value: 2}, {field: "tags", op: "all", value: "c1,c2"},'
        ' {field: "words", op: "nempty"}]) { data { id } } }',
        2,
    ),
    "sorted, paged": (
        "/items/articles?sort=-title,?&limit=2&page=2",
        '{ articles(sort: ["-title", "?"], limit: 2, page: 2) { data { id } } }',
        2,
    ),
    "every status": ("/items/articles?status=*", '{ articles(status: ["*"]) { data { id } } }', 2),
    "groups": ("/items/articles?groups=owner,status", '{ articles(groups: ["owner", "status"]) { data { id } } }', 2),
    "single": ("/items/articles?single=1", "{ articles(limit: 1) { data { id } } }", 2),
    "one id": ("/items/articles/1", '{ articles_by_id(id: "1") { id } }', 2),
    "one id with relations": (
        "/items/articles/1?fields=*.*",
        '{ articles_by_id(id: "1") { _row(fields: ["*.*"]) } }',
        8,
    ),
    "several ids": ("/items/articles/1,2,3", '{ articles(ids: ["1", "2", "3"]) { data { id } } }', 2),
    "ids of texts": ("/items/tags/c1,c2", '{ tags(ids: ["c1", "c2"]) { data { code } } }', 2),
    "meta of what is in hand": (
        "/items/articles?meta=collection,type,result_count",
        "{ articles { data { id } meta { collection type result_count } } }",
        2,
    ),
    "meta: a total": ("/items/articles?meta=total_count", "{ articles { data { id } meta { total_count } } }", 2),
    "meta: totals and pages": (
        "/items/articles?meta=total_count,filter_count,page&filter[title][contains]=t",
        '{ articles(filter: {title_contains: "t"}) { data { id } meta { total_count filter_count page page_count } } }',
        2,
    ),
    "meta: counts by status": ("/items/articles?meta=status", "{ articles { data { id } meta { status_count } } }", 3),
    "meta: everything": (
        "/items/articles?meta=*&limit=1",
        "{ articles(limit: 1) { data { id } meta { collection type result_count total_count status_count filter_count"
        " limit offset page page_count } } }",
        3,
    ),
    "everything at once": (
        "/items/articles?meta=*&fields=*,author.*,comments.marks.*&q=t&filter[title][contains]=t&sort=-id&limit=2&page=1",
        '{ articles(q: "t", filter: {title_contains: "t"}, sort: ["-id"], limit: 2, page: 1) { data { id'
        " author { name } comments { marks { mark } } } meta { total_count status_count filter_count page } } }",
        6,
    ),
    "revisions": (
        "/items/articles/1/revisions?limit=-1",
        '{ directus_revisions(collection: "articles", item: "1") { data { id data } } }',
        2,
    ),
    "a revision by its place": (
        "/items/articles/1/revisions/0",
        '{ directus_revisions(collection: "articles", item: "1", offset: 0, limit: 1) { data { id } } }',
        2,
    ),
    "all revisions": ("/revisions?limit=-1", "{ directus_revisions(limit: -1) { data { id } } }", 2),
    "revisions with their activity": (
        "/revisions?fields=*,activity.*",
        "{ directus_revisions { data { id activity { action } } } }",
        3,
    ),
    "activity": ("/activity?sort=-action_on", '{ directus_activity(sort: ["-action_on"]) { data { id } } }', 2),
    "activity with who did it": (
        "/activity?fields=*,action_by.email&meta=*",
        "{ directus_activity { data { id action_by { email } } meta { total_count filter_count } } }",
        3,
    ),
    "activity of an item": (
        "/activity?filter[collection][eq]=articles&filter[item][eq]=1",
        '{ directus_activity(filter: {collection_eq: "articles", item_eq: "1"}) { data { id comment } } }',
        2,
    ),
    "webhooks": ("/webhooks", "{ directus_webhooks { data { id } } }", 2),
    "users with their role": (
        "/users?fields=id,role.name",
        "{ directus_users { data { id role { name } } } }",
        3,
    ),
}


@pytest.mark.parametrize("shape", READS)
async def test_statements_of_a_read(server: Doors, shape: str) -> None:
    path, document, wanted = READS[shape]
    await server.rest("GET", path)
    rest = server.statements
    await server.graphql(document)
    assert (rest, server.statements) == (wanted if isinstance(wanted, tuple) else (wanted, wanted))


async def test_a_list_of_nothing_asks_nothing_of_its_relations(server: Doors) -> None:
    await server.rest("GET", "/items/articles?filter[title][eq]=nothing&fields=*.*.*")
    assert server.statements == 2
