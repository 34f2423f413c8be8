"""How many statements every write of items takes at both doors (spec 03 §6, 9, 11.3, 12.3).

By its shape, the same for one row and for thirty. PostgreSQL and SQLite need the same. MySQL gives no rows back: it is
asked for the distance of keys after each INSERT of several rows, and for what was written, once a collection, where
history tells of it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from tests.budget.doors import Doors, doors, fill

MANY = 30


@pytest.fixture(scope="module")
async def made(dialect: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Doors]:
    async with doors(dialect, tmp_path_factory.mktemp("budget")) as found:
        yield found


@pytest.fixture
async def server(made: Doors) -> Doors:
    await fill(made, MANY + 1)
    return made


Nested = Callable[[int], dict[str, Any]]
"""The payload of an article with so many of something, which the article with the key 1 can be given as well."""


def each(count: int, make: Callable[[int], Any]) -> list[Any]:
    return [make(number) for number in range(1, count + 1)]


# What is nested in an article; the statements of its creation on SQLite and PostgreSQL, and on MySQL: who calls, rows
# that are named by keys, the groups of rows, activity, revisions, the answer. An update locks the article as well.
NESTED: dict[str, tuple[Nested, int, int]] = {
    "nothing": (lambda n: {"title": "t"}, 5, 6),
    "a key": (lambda n: {"author": 1}, 5, 6),
    "an object with its key alone": (lambda n: {"author": {"id": 1}}, 5, 6),
    "a to-one item changed": (lambda n: {"author": {"id": 1, "name": "x"}}, 7, 10),
    "a to-one item created": (lambda n: {"author": {"name": "x"}}, 6, 9),
    "a to-one item deleted": (lambda n: {"author": {"id": 1, "$delete": True}}, 7, 9),
    "children created": (lambda n: {"comments": each(n, lambda i: {"text": f"t{i}"})}, 6, 10),
    "children changed": (lambda n: {"comments": each(n, lambda i: {"id": i, "text": f"new {i}"})}, 7, 10),
    "children linked": (lambda n: {"comments": each(n, lambda i: {"id": i})}, 7, 10),
    "children by their keys": (lambda n: {"comments": each(n, lambda i: i)}, 7, 10),
    "children unlinked": (lambda n: {"comments": each(n, lambda i: {"id": i, "article": None})}, 7, 10),
    "children deleted": (lambda n: {"comments": each(n, lambda i: {"id": i, "$delete": True})}, 7, 9),
    "grandchildren created": (
        lambda n: {"comments": each(n, lambda i: {"text": f"t{i}", "marks": [{"mark": f"m{i}"}]})}, 7, 13,
    ),
    "parents of children created": (
        lambda n: {"comments": each(n, lambda i: {"text": f"t{i}", "writer": {"name": f"w{i}"}})}, 7, 13,
    ),
    "junctions by keys": (lambda n: {"tags": each(n, lambda i: {"tag": f"c{i + n}"})}, 6, 10),
    "junctions with new items": (
        lambda n: {"tags": each(n, lambda i: {"tag": {"code": f"new{i}", "label": "x"}})}, 8, 13,
    ),
    "junctions with changed items": (
        lambda n: {"tags": each(n, lambda i: {"tag": {"code": f"c{i + n}", "label": f"x{i}"}})}, 8, 13,
    ),
    "junctions deleted": (lambda n: {"tags": each(n, lambda i: {"id": i, "$delete": True})}, 7, 9),
    "translations created": (lambda n: {"words": each(n, lambda i: {"lang": f"l{i}", "title": f"t{i}"})}, 6, 10),
    "translations changed": (lambda n: {"words": each(n, lambda i: {"id": i, "title": f"t{i}"})}, 7, 10),
    "all forms at once": (
        lambda n: {
            "author": {"name": "x"},
            "comments": [
                *each(n, lambda i: {"text": f"t{i}", "marks": [{"mark": f"m{i}"}]}),
                *each(n, lambda i: {"id": i, "text": f"new {i}"}),
                *each(n, lambda i: {"id": n + i, "$delete": True}),
            ],
            "tags": each(n, lambda i: {"tag": {"code": f"new{i}", "label": "x"}}),
            "words": each(n, lambda i: {"lang": f"l{i}"}),
        }, 15, 27,
    ),
}  # fmt: skip


def figure(server: Doors, plain: int, mysql: int) -> int:
    return mysql if server.house.dialect == "mysql" else plain


CREATE = "mutation($payload: JSON) { create_articles_item(payload: $payload) { id } }"
UPDATE = "mutation($payload: JSON) { update_articles_item(id: 1, payload: $payload) { id } }"


@pytest.mark.parametrize("shape", NESTED)
async def test_nested_writes(server: Doors, shape: str) -> None:
    payload, *wanted = NESTED[shape]
    for count in (2, MANY):
        for more, sent in enumerate(({"title": "t"} | payload(count), payload(count))):
            found = []
            for door in ("rest", "graphql"):
                await fill(server, MANY + 1)
                if door == "graphql":
                    await server.graphql(UPDATE if more else CREATE, payload=sent)
                elif more:
                    await server.rest("PATCH", "/items/articles/1", sent)
                else:
                    await server.rest("POST", "/items/articles", sent)
                found.append(server.statements)
            assert found == [figure(server, *wanted) + more] * 2


def items(count: int, make: Callable[[int], dict[str, Any]]) -> dict[str, Any]:
    return {"sent": each(count, make)}


def keys(count: int) -> list[str]:
    return [str(number) for number in range(1, count + 1)]


MANY_CREATED = "mutation($sent: JSON) { create_articles_items(payload: $sent) { id } }"
MANY_UPDATED = "mutation($sent: JSON) { update_articles_batch(payload: $sent) { id } }"

# Method, path, body, the same in GraphQL with its variables, for so many rows; statements, and those of MySQL
Flat = Callable[[int], tuple[str, str, Any, str, dict[str, Any]]]
FLAT: dict[str, tuple[Flat, int, int]] = {
    "a batch of new items": (
        lambda n: ("POST", "/items/articles", each(n, lambda i: {"title": f"t{i}"}), MANY_CREATED,
                   items(n, lambda i: {"title": f"t{i}"})), 5, 8,
    ),
    "a batch with a nested item each": (
        lambda n: ("POST", "/items/articles", each(n, lambda i: {"title": "t", "author": {"name": f"x{i}"}}),
                   MANY_CREATED, items(n, lambda i: {"title": "t", "author": {"name": f"x{i}"}})), 6, 11,
    ),
    "a batch of changes": (
        lambda n: ("PATCH", "/items/articles", each(n, lambda i: {"id": i, "title": f"t{i}"}), MANY_UPDATED,
                   items(n, lambda i: {"id": i, "title": f"t{i}"})), 6, 8,
    ),
    "one change of several items": (
        lambda n: ("PATCH", f"/items/articles/{','.join(keys(n))}", {"title": "t"},
                   "mutation($ids: [ID!]!) { update_articles_items(ids: $ids, data: {title: \"t\"}) { id } }",
                   {"ids": keys(n)}), 6, 8,
    ),
    "a soft deletion": (
        lambda n: ("PATCH", f"/items/articles/{','.join(keys(n))}", {"status": "deleted"},
                   "mutation($ids: [ID!]!) { update_articles_items(ids: $ids, data: {status: \"deleted\"}) { id } }",
                   {"ids": keys(n)}), 6, 8,
    ),
    "a deletion": (
        lambda n: ("DELETE", f"/items/articles/{','.join(keys(n))}", None,
                   "mutation($ids: [ID!]!) { delete_articles_items(ids: $ids) }", {"ids": keys(n)}), 4, 4,
    ),
    "a change without history": (
        lambda n: ("PATCH", f"/items/articles/{','.join(keys(n))}?activity_skip=1", {"title": "t"},
                   "mutation($ids: [ID!]!) { update_articles_items(ids: $ids, data: {title: \"t\"},"
                   " activity_skip: true) { id } }", {"ids": keys(n)}), 4, 4,
    ),
    "an answer with relations": (
        lambda n: ("PATCH", f"/items/articles/{','.join(keys(n))}?fields=id,author.name,comments.marks.mark",
                   {"title": "t"},
                   "mutation($ids: [ID!]!) { update_articles_items(ids: $ids, data: {title: \"t\"})"
                   " { id author { name } comments { marks { mark } } } }", {"ids": keys(n)}), 9, 11,
    ),
    "nothing to change": (
        lambda n: ("PATCH", f"/items/articles/{','.join(keys(n))}", {},
                   "mutation($ids: [ID!]!) { update_articles_items(ids: $ids, data: {}) { id } }",
                   {"ids": keys(n)}), 3, 3,
    ),
}  # fmt: skip


@pytest.mark.parametrize("shape", FLAT)
async def test_flat_writes(server: Doors, shape: str) -> None:
    make, *wanted = FLAT[shape]
    for count in (2, MANY):
        method, path, sent, document, variables = make(count)
        await server.rest(method, path, sent)
        rest = server.statements
        await fill(server, MANY + 1)
        await server.graphql(document, **variables)
        assert [rest, server.statements] == [figure(server, *wanted)] * 2
        await fill(server, MANY + 1)


UPSERT = "mutation($sent: JSON) { upsert_articles_items(payload: $sent) { id } }"


async def test_items_that_may_be_there(server: Doors) -> None:
    for count in (2, MANY):
        await server.graphql(UPSERT, sent=each(count, lambda i: {"id": i, "title": f"t{i}"}))
        assert server.statements == figure(server, 6, 8)
        new = each(count, lambda i: {"id": 500 + i, "title": f"t{i}"})
        await server.graphql(UPSERT, sent=[{"id": 1, "title": "x"}, *new, *each(count, lambda i: {"title": f"t{i}"})])
        # PostgreSQL is told of the keys that were sent, so that none of them is generated later
        assert server.statements == {"sqlite": 8, "postgres": 9, "mysql": 11}[server.house.dialect]
        await fill(server, MANY + 1)


REVERT = "mutation($id: ID!) { revert_articles_item(id: 1, revision: $id) { id } }"


async def test_reverts(server: Doors) -> None:
    for count in (1, MANY):
        for number in range(count):
            await server.rest("PATCH", "/items/articles/1", {"title": f"t{number}"})
        oldest = await server.rest("GET", "/items/articles/1/revisions/0")
        await server.rest("PATCH", f"/items/articles/1/revert/{oldest['data']['id']}")
        rest = server.statements
        await server.graphql(REVERT, id=oldest["data"]["id"])
        assert [rest, server.statements] == [figure(server, 7, 8)] * 2


CREATE_COMMENT = 'mutation { create_comment(collection: "articles", item: "1", comment: "c") { id } }'
UPDATE_COMMENT = 'mutation($id: ID!) { update_comment(id: $id, comment: "d") { id } }'
DELETE_COMMENT = "mutation($id: ID!) { delete_comment(id: $id) }"


async def test_comments(server: Doors) -> None:
    for _ in range(MANY):
        made = await server.rest("POST", "/activity/comment", {"collection": "articles", "item": 1, "comment": "c"})
        found = [server.statements]
    key = made["data"]["id"]
    await server.rest("PATCH", f"/activity/comment/{key}", {"comment": "d"})
    found.append(server.statements)
    await server.rest("DELETE", f"/activity/comment/{key}")
    found.append(server.statements)
    made = await server.graphql(CREATE_COMMENT)
    again = [server.statements]
    for document in (UPDATE_COMMENT, DELETE_COMMENT):
        await server.graphql(document, id=made["create_comment"]["id"])
        again.append(server.statements)
    assert found == again == [4, 5, 4]
