"""Subscriptions over a real WebSocket, on every database: who is told what, when, and by which rights."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from tests import backends
from tests.api.newsroom import Newsroom, newsroom
from tests.sockets import Client, client, served

ARTICLES = "subscription { articles_mutated { event key data { id title status owner__key } } }"


@pytest.fixture(scope="module")
async def room(dialect: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[tuple[Newsroom, str]]:
    folder = tmp_path_factory.mktemp("subscriptions")
    with backends.fresh_database(dialect, folder) as url:
        async with newsroom(url, folder / "data") as found, served(found.app) as address:
            yield found, address


@pytest.fixture
async def news(room: tuple[Newsroom, str]) -> Newsroom:
    await room[0].refill()
    return room[0]


@pytest.fixture
def address(room: tuple[Newsroom, str], news: Newsroom) -> str:
    return room[1]


@asynccontextmanager
async def listening(
    address: str, query: str, token: str | None = "admin-token", **variables: Any
) -> AsyncIterator[Any]:
    async with client(address, token) as found:
        await found.subscribe(query, **variables)
        assert await found.settled() == []
        yield found


async def quiet(*clients: Client, news: Newsroom) -> None:
    """Nothing was told: the round of a later write to something else is over, and no message lies in between."""
    marks = []
    for one in clients:
        marks.append((one, await one.subscribe("subscription { people_mutated { key } }")))
        assert await one.settled() == []
    for one, mark in marks:
        await news.ask("PATCH", "/items/people/1", json={"name": "Mark"})
        message = await one.hear()
        assert message["id"] == mark, message
        await one.tell(type="complete", id=mark)
        await one.settled()


async def test_items_are_told_of_as_they_are_written(news: Newsroom, address: str) -> None:
    async with listening(address, ARTICLES) as admin:
        await news.ask("POST", "/items/articles", json={"title": "New", "status": "draft"})
        told = (await admin.next())["articles_mutated"]
        key = told["key"]
        assert told == {
            "event": "create",
            "key": key,
            "data": {"id": key, "title": "New", "status": "draft", "owner__key": "1"},
        }
        await news.ask("PATCH", f"/items/articles/{key}", json={"title": "Newer"})
        assert (await admin.next())["articles_mutated"]["data"]["title"] == "Newer"
        await news.ask("DELETE", f"/items/articles/{key}")
        assert await admin.next() == {"articles_mutated": {"event": "delete", "key": key, "data": None}}
        # A soft-deleted item is gone for whoever reads lists.
        await news.ask("PATCH", "/items/articles/1", json={"status": "deleted"})
        assert await admin.next() == {"articles_mutated": {"event": "delete", "key": "1", "data": None}}
        await quiet(admin, news=news)


async def test_everybody_is_told_what_he_may_read(news: Newsroom, address: str) -> None:
    async with (
        listening(address, ARTICLES, "editor-token") as editor,
        listening(address, ARTICLES, "writer-token") as writer,
        listening(address, "subscription { articles_mutated { data { id secret } } }", "editor-token") as curious,
    ):
        await news.ask("PATCH", "/items/articles/1", json={"title": "Admin's"})
        assert (await editor.next())["articles_mutated"]["data"]["title"] == "Admin's"
        assert await curious.next() == {"articles_mutated": {"data": {"id": "1", "secret": None}}}
        await news.ask("PATCH", "/items/articles/2", json={"title": "Writer's"})
        assert (await writer.next())["articles_mutated"]["key"] == "2"
        assert (await editor.next())["articles_mutated"]["key"] == "2"
        # An update that takes a row out of somebody's sight says nothing to him, nor does what follows.
        await news.ask("PATCH", "/items/articles/2", json={"owner": 1})
        await news.ask("DELETE", "/items/articles/2")
        assert [(await editor.next())["articles_mutated"]["event"] for _ in range(2)] == ["update", "delete"]
        # Who saw it before it went is told that it is gone, and not what it was.
        await news.ask("DELETE", "/items/articles/3")
        assert await writer.next() == {"articles_mutated": {"event": "delete", "key": "3", "data": None}}
        assert (await editor.next())["articles_mutated"]["key"] == "3"


@pytest.mark.parametrize("token", ["nobody-token", None])
@pytest.mark.parametrize("field", ["articles_mutated { key }", "articles_live { data { id } }"])
async def test_who_may_not_read_may_not_listen(address: str, token: str | None, field: str) -> None:
    async with client(address, token) as found:
        await found.subscribe(f"subscription {{ {field} }}")
        message = await found.hear()
        assert message["type"] == "error"
        assert message["payload"][0]["extensions"]["kind"] == "ReadDenied"
        assert await found.settled() == []


async def test_a_role_that_changes_changes_what_is_told(news: Newsroom, address: str) -> None:
    user = await news.hire("teller")
    role = (await news.rows(f"SELECT role FROM directus_users WHERE id = {user}"))[0][0]
    granted = {"collection": "articles", "role": role, "read": "full"}
    made = (await news.ask("POST", "/gql", json=permission(granted))).json()["data"]["create_directus_permissions_item"]
    async with listening(address, ARTICLES, "teller-token") as found:
        await news.ask("PATCH", "/items/articles/1", json={"title": "Seen"})
        assert (await found.next())["articles_mutated"]["data"]["title"] == "Seen"
        # Only his own from now on, and he has none.
        change = "mutation($id: ID!, $row: JSON) { update_directus_permissions_item(id: $id, payload: $row) { id } }"
        await news.graphql(change, id=made["id"], row={"read": "mine"})
        await news.ask("PATCH", "/items/articles/1", json={"title": "Not seen"})
        await news.ask("PATCH", "/items/articles/1", json={"owner": user})
        assert (await found.next())["articles_mutated"]["data"]["owner__key"] == str(user)
        # Nothing at all: he is told so, and the socket stays.
        await news.graphql(change, id=made["id"], row={"read": "none"})
        await news.ask("PATCH", "/items/articles/1", json={"title": "Still not seen"})
        message = await found.hear()
        assert (message["type"], message["payload"][0]["extensions"]["kind"]) == ("error", "ReadDenied")
        assert await found.settled() == []


def permission(row: dict[str, Any]) -> dict[str, Any]:
    query = "mutation($row: JSON) { create_directus_permissions_item(payload: $row) { id } }"
    return {"query": query, "variables": {"row": row}}


@pytest.mark.parametrize("change", [{"status": "suspended"}, {"token": "another-token"}])
async def test_who_is_not_let_in_any_more_is_sent_away(news: Newsroom, address: str, change: dict[str, Any]) -> None:
    user = await news.hire("leaver" + next(iter(change)))
    role = (await news.rows(f"SELECT role FROM directus_users WHERE id = {user}"))[0][0]
    await news.ask("POST", "/gql", json=permission({"collection": "articles", "role": role, "read": "full"}))
    async with listening(address, ARTICLES, f"leaver{next(iter(change))}-token") as found:
        query = "mutation($id: ID!, $row: JSON) { update_directus_users_item(id: $id, payload: $row) { id } }"
        await news.graphql(query, id=str(user), row=change)
        await news.ask("PATCH", "/items/articles/1", json={"title": "Not for him"})
        assert await found.closed() == (4403, "Forbidden")


async def test_what_is_not_stored_is_not_told(news: Newsroom, address: str) -> None:
    async with listening(address, ARTICLES) as found:
        batch = [{"title": "Good", "slug": "fresh"}, {"title": "Bad", "slug": "a1"}]
        assert (await news.ask("POST", "/items/articles", json=batch)).status_code == 409
        assert (await news.ask("PATCH", "/items/articles/1", json={"title": None})).status_code == 422
        assert (await news.ask("DELETE", "/items/articles/999")).status_code == 404
        await quiet(found, news=news)


async def test_what_is_written_along_is_told_too(news: Newsroom, address: str) -> None:
    async with (
        listening(address, "subscription { comments_mutated { event data { text article { title } } } }") as comments,
        listening(address, "subscription { people_mutated(event: create) { data { name } } }") as people,
    ):
        tree = {"title": "Tree", "author": {"name": "Cy"}, "comments": [{"text": "a"}, {"text": "b"}]}
        assert (await news.ask("POST", "/items/articles", json=tree)).status_code == 200
        assert await people.next() == {"people_mutated": {"data": {"name": "Cy"}}}
        told = [(await comments.next())["comments_mutated"] for _ in range(2)]
        assert told == [{"event": "create", "data": {"text": text, "article": {"title": "Tree"}}} for text in "ab"]
        await news.ask(
            "PATCH", "/items/articles/1", json={"comments": [{"id": 1, "$delete": True}, {"id": 2, "text": "x"}]}
        )
        told = [(await comments.next())["comments_mutated"] for _ in range(2)]
        assert sorted(one["event"] for one in told) == ["delete", "update"]


async def test_a_filter_narrows_what_is_told(news: Newsroom, address: str) -> None:
    query = "subscription($least: Int) { articles_mutated(filter: {views_gte: $least}) { event key data { views } } }"
    async with (
        listening(address, query, least=25) as found,
        listening(address, "subscription { articles_mutated(event: delete, filter: {views_lt: 25}) { key } }") as gone,
    ):
        await news.ask("PATCH", "/items/articles/1,2", json={"views": 24})
        await news.ask("PATCH", "/items/articles/3", json={"views": 25})
        assert await found.next() == {"articles_mutated": {"event": "update", "key": "3", "data": {"views": 25}}}
        await news.ask("DELETE", "/items/articles/3")
        assert await found.next() == {"articles_mutated": {"event": "delete", "key": "3", "data": None}}
        await news.ask("DELETE", "/items/articles/1")
        assert await gone.next() == {"articles_mutated": {"key": "1"}}
        await quiet(found, gone, news=news)


async def test_answers_have_the_form_that_was_asked_for(news: Newsroom, address: str) -> None:
    query = """subscription Named { told: articles_mutated(event: update) {
        what: event __typename
        data { __typename _row(fields: ["id", "comments.text"]) comments(limit: 1) { id } } } }"""
    async with listening(address, query) as found:
        await news.ask("PATCH", "/items/articles/1", json={"views": 3})
        assert await found.next() == {
            "told": {
                "what": "update",
                "__typename": "ArticlesMutated",
                "data": {
                    "__typename": "ArticlesItem",
                    "_row": {"id": 1, "comments": [{"text": "first"}, {"text": "second"}]},
                    "comments": [{"id": "1"}],
                },
            }
        }


async def test_many_items_and_many_listeners_are_read_at_once(news: Newsroom, address: str) -> None:
    store = await news.projects.get("main").store()
    spent = []
    async with (
        listening(address, ARTICLES, "editor-token") as one,
        listening(address, ARTICLES, "editor-token") as two,
        listening(address, ARTICLES, "editor-token") as three,
    ):
        for count in (2, 2, 40):
            before = store.statements_total
            batch = [{"title": f"Many {number}"} for number in range(count)]
            assert (await news.ask("POST", "/items/articles?fields=id", json=batch)).status_code == 200
            for found in (one, two, three):
                titles = [(await found.next())["articles_mutated"]["data"]["title"] for _ in range(count)]
                assert titles == [one["title"] for one in batch]
            spent.append(store.statements_total - before)
    # Writing two items has as many statements as writing forty; telling three listeners has two: who, and what.
    assert spent[1] == spent[2]
    before = store.statements_total
    await news.ask("POST", "/items/articles?fields=id", json=[{"title": "Un"}, {"title": "heard"}])
    assert spent[1] - (store.statements_total - before) == 2


async def test_a_live_list_comes_again_when_something_in_it_changes(news: Newsroom, address: str) -> None:
    query = """subscription { articles_live(sort: ["id"], filter: {author: {name_eq: "Ada"}}) {
        data { title author { name } } meta { filter_count } } }"""
    async with client(address, "admin-token") as found:
        await found.subscribe(query)
        first = (await found.next())["articles_live"]
        assert [one["title"] for one in first["data"]] == ["One", "Four"]
        assert first["meta"] == {"filter_count": 2}
        await news.ask("PATCH", "/items/articles/4", json={"title": "Vier"})
        assert [one["title"] for one in (await found.next())["articles_live"]["data"]] == ["One", "Vier"]
        # Through the filter's relation.
        await news.ask("PATCH", "/items/people/2", json={"name": "Ada"})
        assert [one["title"] for one in (await found.next())["articles_live"]["data"]] == ["One", "Two", "Vier"]
        # What makes no difference is not told: of what is written in one round the list would come first.
        mark = await found.subscribe("subscription { categories_mutated { key } }")
        assert await found.settled() == []
        await news.ask("PATCH", "/items/articles/3", json={"title": "Else"})
        await news.ask("PATCH", "/items/categories/1", json={"name": "Mark"})
        assert (await found.hear())["id"] == mark
        await news.ask("DELETE", "/items/articles/1")
        assert [one["title"] for one in (await found.next())["articles_live"]["data"]] == ["Two", "Vier"]


async def test_a_live_list_follows_the_rights(news: Newsroom, address: str) -> None:
    user = await news.hire("watcher")
    role = (await news.rows(f"SELECT role FROM directus_users WHERE id = {user}"))[0][0]
    made = (
        await news.ask("POST", "/gql", json=permission({"collection": "people", "role": role, "read": "full"}))
    ).json()
    row = made["data"]["create_directus_permissions_item"]["id"]
    async with client(address, "watcher-token") as found:
        await found.subscribe('subscription { people_live(sort: ["id"]) { data { name email } } }')
        assert (await found.next())["people_live"]["data"][0] == {"name": "Ada", "email": "ada@example.com"}
        change = "mutation($id: ID!, $row: JSON) { update_directus_permissions_item(id: $id, payload: $row) { id } }"
        await news.graphql(change, id=row, row={"read_field_blacklist": ["email"]})
        assert (await found.next())["people_live"]["data"][0] == {"name": "Ada", "email": None}


async def test_queries_and_mutations_run_over_the_socket(news: Newsroom, address: str) -> None:
    async with client(address, "editor-token") as found:
        id_ = await found.subscribe("query($id: ID!) { articles_by_id(id: $id) { title } }", id="1")
        assert await found.next(id_) == {"articles_by_id": {"title": "One"}}
        assert await found.hear() == {"type": "complete", "id": id_}
        id_ = await found.subscribe('mutation { update_articles_item(id: "1", data: {title: "By socket"}) { title } }')
        assert await found.next(id_) == {"update_articles_item": {"title": "By socket"}}
        assert await found.hear() == {"type": "complete", "id": id_}
        assert await news.rows("SELECT title FROM articles WHERE id = 1") == [("By socket",)]
        before = await news.everything()
        id_ = await found.subscribe('mutation { update_articles_item(id: "1", data: {views: 3}) { title } }')
        message = await found.hear()
        assert (message["type"], message["payload"]["data"]) == ("next", {"update_articles_item": None})
        assert message["payload"]["errors"][0]["extensions"]["kind"] == "FieldWriteDenied"
        assert await found.hear() == {"type": "complete", "id": id_}
        assert await news.everything() == before
        id_ = await found.subscribe("{ nothing }")
        message = await found.hear()
        assert (message["type"], message["id"]) == ("error", id_)
        assert "nothing" in message["payload"][0]["message"]


async def test_a_changed_schema_ends_what_it_makes_invalid(news: Newsroom, address: str) -> None:
    fields = [
        {"field": "id", "type": "integer", "datatype": "INT", "primary_key": True, "auto_increment": True},
        {"field": "text", "type": "string", "datatype": "VARCHAR", "length": 100},
    ]
    assert (await news.ask("POST", "/collections", json={"collection": "notes", "fields": fields})).status_code == 200
    async with (
        listening(address, "subscription { notes_mutated { data { text } } }") as text,
        listening(address, "subscription { notes_mutated { data { id _row } } }") as row,
    ):
        field = {"field": "stars", "type": "integer", "datatype": "INT", "default_value": 3}
        assert (await news.ask("POST", "/fields/notes", json=field)).status_code == 200
        assert (await news.ask("POST", "/items/notes", json={"text": "x"})).status_code == 200
        assert await text.next() == {"notes_mutated": {"data": {"text": "x"}}}
        assert (await row.next())["notes_mutated"]["data"]["_row"] == {"id": 1, "text": "x", "stars": 3}
        assert (await news.ask("DELETE", "/fields/notes/text")).status_code == 204
        message = await text.hear()
        assert (message["type"], message["payload"][0]["message"]) == (
            "error",
            "Cannot query field 'text' on type 'NotesItem'.",
        )
        assert await text.settled() == []
        assert (await news.ask("PATCH", "/items/notes/1", json={"stars": 5})).status_code == 200
        assert (await row.next())["notes_mutated"]["data"]["_row"] == {"id": 1, "stars": 5}
    await news.ask("DELETE", "/collections/notes")
