"""Activity, comments, revisions and the way back to one, at both doors and on three databases (spec 03 §11, 12)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.api.newsroom import Newsroom, newsroom
from tests.backends import fresh_database

ACTIVITY = [
    "id", "action", "action_by", "action_on", "ip", "user_agent", "collection", "item", "edited_on", "comment",
    "comment_deleted_on",
]  # fmt: skip
REVISION = [
    "id", "activity", "collection", "item", "data", "delta", "parent_collection", "parent_item", "parent_changed",
]  # fmt: skip


@pytest.fixture(scope="module")
async def server(dialect: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Newsroom]:
    folder = tmp_path_factory.mktemp("history")
    with fresh_database(dialect, folder) as url:
        async with newsroom(url, folder / "data") as found:
            await found.hire()
            yield found


@pytest.fixture
async def api(server: Newsroom) -> Newsroom:
    await server.refill()
    return server


async def titled(api: Newsroom, *titles: str, path: str = "/items/articles/1") -> list[int]:
    """The ids of the revisions of updates with these titles."""
    for title in titles:
        assert (await api.ask("PATCH", path, json={"title": title})).status_code == 200
    return [row[0] for row in await api.rows("SELECT id FROM directus_revisions ORDER BY id")]


# Revisions of one item


async def test_revisions_of_an_item(api: Newsroom, dialect: str) -> None:
    await titled(api, "First", "Second")
    await titled(api, "Other", path="/items/articles/2")
    found = (await api.get("/items/articles/1/revisions"))["data"]
    assert [list(row) for row in found] == [REVISION, REVISION]
    assert [row["delta"] for row in found] == [{"title": "First"}, {"title": "Second"}]
    first = found[0]
    assert (first["collection"], first["item"], first["parent_changed"]) == ("articles", "1", False)
    # Numbers are text, as the database form has them; arrays, JSON and booleans are decoded.
    rating = "4.5" if dialect == "sqlite" else "4.50"
    for name, value in {"id": "1", "views": "10", "rating": rating, "author": "1", "tags": ["x", "y"]}.items():
        assert first["data"][name] == value, name
    assert first["data"]["featured"] is True
    assert first["data"]["extra"] == {"k": [1]}


async def test_parameters_of_the_list(api: Newsroom) -> None:
    await titled(api, "First", "Second", "Third")
    await titled(api, "Other", path="/items/articles/2")
    path = "/items/articles/1/revisions?fields=delta,activity.action&sort=-id&limit=1&meta=*&filter[item][eq]=2"
    assert await api.get(path) == {
        "meta": {
            "collection": "directus_revisions",
            "type": "collection",
            "result_count": 1,
            "total_count": 4,
            "filter_count": 3,
            "limit": 1,
            "offset": 0,
            "page": 1,
            "page_count": 3,
            "links": {
                "self": "http://api.example.com/main/items/articles/1/revisions",
                "current": f"http://api.example.com/main{path}&page=1",
                "next": f"http://api.example.com/main{path}&offset=1&page=2",
                "previous": None,
                "first": f"http://api.example.com/main{path}&offset=0&page=1",
                "last": f"http://api.example.com/main{path}&offset=2&page=3",
            },
        },
        "data": [{"activity": {"action": "update"}, "delta": {"title": "Third"}}],
    }
    assert await api.get("/items/articles/1/revisions?single=1&fields=item") == {"data": {"item": "1"}}
    assert len((await api.get("/items/articles/01/revisions"))["data"]) == 3


@pytest.mark.parametrize("item", ["99", "1,2", "x", "1abc"])
async def test_of_an_unknown_item_there_are_none(api: Newsroom, item: str) -> None:
    await titled(api, "First")
    assert await api.get(f"/items/articles/{item}/revisions") == {"data": []}
    assert await api.refusal("GET", f"/items/articles/{item}/revisions/0") == (404, 203)


async def test_one_revision_by_its_place(api: Newsroom) -> None:
    await titled(api, "First", "Second")
    path = "/items/articles/1/revisions"
    overridden = "fields=delta&sort=-id&limit=7&page=3&filter[item][eq]=2&q=zzz&single=0"
    for offset, title in {"0": "First", "1": "Second", "%201%20": "Second", "0.9": "First", "1e0": "Second"}.items():
        assert await api.get(f"{path}/{offset}?{overridden}") == {"data": {"delta": {"title": title}}}
    assert await api.get(f"{path}/0?fields=item&meta=*") == {
        "meta": {"collection": "directus_revisions", "type": "item"},
        "data": {"item": "1"},
    }
    for beyond in ("2", "99999999999", "-1", "1e20"):
        answer = await api.ask("GET", f"{path}/{beyond}")
        assert (answer.status_code, answer.json()) == (404, {"error": {"code": 203, "message": "Item not found"}})
    for bad in ("abc", "1x", "%C2%BD", "nan", "inf", "1e999"):
        answer = await api.ask("GET", f"{path}/{bad}")
        error = {"code": 4, "message": "offset: This value should be of type numeric."}
        assert (answer.status_code, answer.json()) == (422, {"error": error})


async def test_revisions_of_system_collections(api: Newsroom) -> None:
    user = (await api.rows("SELECT id FROM directus_users WHERE email = 'member@example.org'"))[0][0]
    change = (
        "mutation($id: ID!, $name: String) { update_directus_users_item(id: $id, data: {first_name: $name}) { id } }"
    )
    for name in ("Ann", "Bea"):
        assert "errors" not in await api.graphql(change, id=user, name=name)
    expected = [{"delta": {"first_name": "Ann"}}, {"delta": {"first_name": "Bea"}}]
    for path in (f"/users/{user}", f"/items/directus_users/{user}"):
        assert await api.get(f"{path}/revisions?fields=delta") == {"data": expected}
        assert await api.get(f"{path}/revisions/1?fields=delta") == {"data": expected[1]}
    assert await api.get("/users/me/revisions?fields=delta", "member-token") == {"data": expected}
    assert await api.get("/users/me/revisions", "admin-token") == {"data": []}
    held = (await api.get(f"/users/{user}/revisions/0"))["data"]["data"]
    assert (held["token"], "password" in held) == (None, False)
    for path in ("/roles/1", "/files/1", "/webhooks/1"):
        assert await api.get(f"{path}/revisions") == {"data": []}
        assert await api.refusal("GET", f"{path}/revisions/0") == (404, 203)


async def test_who_may_read_revisions(api: Newsroom) -> None:
    await api.ask("PATCH", "/items/articles/1", json={"title": "First", "secret": "s3cret"})
    path = "/items/articles/1/revisions"
    assert await api.refusal("GET", path, None) == (401, 3)
    assert await api.refusal("GET", f"{path}/0", None) == (401, 3)
    assert await api.refusal("GET", path, "nobody-token") == (403, 300)
    assert await api.refusal("GET", f"{path}/0", "nobody-token") == (403, 300)
    assert await api.refusal("GET", path, "member-token") == (403, 300)  # revisions, but no article
    assert await api.refusal("GET", path, "editor-token") == (403, 300)  # articles, but no revision
    for token in ("admin-token", None):
        assert await api.refusal("GET", "/items/nowhere/1/revisions", token) == (404, 200)
        assert await api.refusal("GET", "/items/nowhere/1/revisions/0", token) == (404, 200)


# Going back


async def test_back_to_a_revision(api: Newsroom) -> None:
    before = (await api.get("/items/articles/1"))["data"]
    first, _ = await titled(api, "First", "Second")
    answer = await api.ask("PATCH", f"/items/articles/1/revert/{first}?fields=id,title,author.name&meta=*")
    assert answer.json() == {
        "meta": {"collection": "articles", "type": "item"},
        "data": {"id": 1, "title": "First", "author": {"name": "Ada"}},
    }
    assert (await api.get("/items/articles/1"))["data"] == {**before, "title": "First"}
    last = (await api.get("/items/articles/1/revisions/2?fields=activity.action,delta,data"))["data"]
    assert last["activity"] == {"action": "revert"}
    assert last["delta"] == {name: value for name, value in last["data"].items() if name != "secret"}
    # What is sent along counts for nothing, be it JSON or not.
    for body in ({"json": {"title": "x"}}, {"content": b"{"}, {"json": []}):
        assert (await api.ask("PATCH", f"/items/articles/1/revert/{first}", **body)).json()["data"]["title"] == "First"


async def test_what_cannot_be_gone_back_to(api: Newsroom) -> None:
    first, other = [*await titled(api, "First"), (await titled(api, "Other", path="/items/articles/2"))[-1]]
    for bad in (other, 99999, "abc"):
        answer = await api.ask("PATCH", f"/items/articles/1/revert/{bad}")
        message = f'Revision with Id "{bad}" not found'
        assert (answer.status_code, answer.json()) == (404, {"error": {"code": 207, "message": message}})
    assert await api.refusal("PATCH", f"/items/articles/99/revert/{first}") == (404, 203)
    assert await api.refusal("PATCH", f"/items/articles/5/revert/{first}") == (404, 203)  # deleted by its status
    assert await api.refusal("PATCH", f"/items/nowhere/1/revert/{first}") == (404, 200)
    assert await api.refusal("PATCH", f"/items/directus_users/1/revert/{first}") == (401, 201)
    assert await api.refusal("POST", f"/items/articles/1/revert/{first}") == (405, 6)
    assert await api.refusal("PATCH", f"/items/articles/1/revert/{first}", None) == (404, 203)
    assert await api.refusal("PATCH", f"/items/articles/1/revert/{first}", "nobody-token") == (404, 203)
    without_level = {
        "/users/1": ((403, 300), (403, 300)),
        "/roles/1": ((403, 302), (403, 302)),
        "/webhooks/1": ((403, 302), (403, 302)),
        "/files/1": ((401, 3), (404, 203)),
    }
    for path, (public, user) in without_level.items():
        assert await api.refusal("PATCH", f"{path}/revert/{first}", None) == public
        assert await api.refusal("PATCH", f"{path}/revert/{first}", "nobody-token") == user
        code = 207 if path in ("/users/1", "/roles/1") else 203  # those are there
        assert await api.refusal("PATCH", f"{path}/revert/{first}") == (404, code)


async def test_back_to_a_deleted_status_answers_nothing(api: Newsroom) -> None:
    await api.ask("PATCH", "/items/articles/1", json={"status": "deleted"})
    [(gone,)] = await api.rows("SELECT id FROM directus_revisions")
    await api.store.run_sync(
        lambda connection: connection.exec_driver_sql("UPDATE articles SET status = 'draft' WHERE id = 1")
    )
    answer = await api.ask("PATCH", f"/items/articles/1/revert/{gone}")
    assert (answer.status_code, answer.content) == (204, b"")
    assert await api.rows("SELECT status FROM articles WHERE id = 1") == [("deleted",)]


async def test_a_user_is_brought_back_without_secrets(api: Newsroom) -> None:
    user = (await api.rows("SELECT id FROM directus_users WHERE email = 'member@example.org'"))[0][0]
    change = "mutation($id: ID!, $data: JSON) { update_directus_users_item(id: $id, payload: $data) { id } }"
    for company in ("Old", "New"):
        assert "errors" not in await api.graphql(change, id=user, data={"company": company})
    [(first,), _] = await api.rows("SELECT id FROM directus_revisions ORDER BY id")
    answer = await api.ask("PATCH", f"/users/{user}/revert/{first}?fields=company,token")
    assert answer.json() == {"data": {"token": "member-token", "company": "Old"}}


# Over GraphQL


async def test_the_same_over_graphql(api: Newsroom) -> None:
    first, second = await titled(api, "First", "Second")
    query = """query($item: ID, $offset: Int) {
      directus_revisions(collection: "articles", item: $item, offset: $offset, limit: 1) {
        data { id delta activity { action } } meta { filter_count } } }"""
    found = (await api.graphql(query, item="1"))["data"]["directus_revisions"]
    assert found == {
        "data": [{"id": str(first), "delta": {"title": "First"}, "activity": {"action": "update"}}],
        "meta": {"filter_count": 2},
    }
    found = (await api.graphql(query, item=1, offset=1))["data"]["directus_revisions"]
    assert [row["id"] for row in found["data"]] == [str(second)]
    found = (await api.graphql(query, item=1, offset=2))["data"]["directus_revisions"]
    assert found == {"data": [], "meta": {"filter_count": 2}}
    narrowed = """{ directus_revisions(collection: "articles", item: 1, where: [
        {field: "id", op: "eq", value: %d}, {field: "id", op: "gt", value: 0, or: true}]) { data { id } } }"""
    await titled(api, "Other", path="/items/articles/2")
    found = (await api.graphql(narrowed % second))["data"]["directus_revisions"]["data"]
    assert found == [{"id": str(first)}, {"id": str(second)}]
    back = "mutation($to: ID!) { revert_articles_item(id: 1, revision: $to) { id title } }"
    assert await api.graphql(back, to=first) == {"data": {"revert_articles_item": {"id": "1", "title": "First"}}}
    answer = await api.graphql(back, to=99999)
    assert (answer["data"], answer["errors"][0]["extensions"]["code"]) == ({"revert_articles_item": None}, 207)


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ('collection: "articles"', 12),
        ("item: 1", 12),
        ('collection: "articles", item: 1, id: 1', 12),
        ('collection: "articles", item: 1, ids: [1]', 12),
        ('collection: "nowhere", item: 1', 200),
    ],
)
async def test_incomplete_questions(api: Newsroom, arguments: str, code: int) -> None:
    answer = await api.graphql(f"{{ directus_revisions({arguments}) {{ data {{ id }} }} }}")
    assert answer["errors"][0]["extensions"]["code"] == code


# Lists of activity and revisions


async def test_lists(api: Newsroom) -> None:
    ids = await titled(api, "First", "Second")
    rows = await api.get("/revisions?fields=id&filter[collection][eq]=articles&sort=-id&meta=result_count")
    assert rows == {"meta": {"result_count": 2}, "data": [{"id": one} for one in reversed(ids)]}
    one = await api.get(f"/revisions/{ids[0]}?fields=id,activity.action_by.email&meta=type")
    assert one["data"] == {"id": ids[0], "activity": {"action_by": {"email": "admin@example.com"}}}
    assert one["meta"] == {"type": "item"}
    assert await api.get(f"/revisions/{ids[1]},{ids[0]}?fields=id") == {"data": [{"id": one} for one in ids]}
    activity = (await api.get("/activity?sort=-id"))["data"]
    assert [list(row) for row in activity] == [ACTIVITY, ACTIVITY]
    keys = [row["id"] for row in activity]
    path = f"/activity/{keys[0]}?fields=id,action&meta=collection"
    assert await api.get(path) == {
        "meta": {"collection": "directus_activity"},
        "data": {"id": keys[0], "action": "update"},
    }
    assert await api.get(f"/activity/{keys[0]},{keys[1]}?fields=id&sort=-id") == {
        "data": [{"id": keys[1]}, {"id": keys[0]}]
    }
    for path in ("/activity/99999", "/revisions/99999", "/activity/abc"):
        assert await api.refusal("GET", path) == (404, 203)
    for method, path in (("POST", "/activity"), ("PATCH", "/activity/1"), ("DELETE", "/revisions/1")):
        assert await api.refusal(method, path, json={"action": "x"}) == (405, 6)


@pytest.mark.parametrize("token", [None, "nobody-token"])
async def test_lists_without_a_level(api: Newsroom, token: str | None) -> None:
    await titled(api, "First")
    assert await api.refusal("GET", "/activity", token) == ((401, 3) if token is None else (403, 300))
    assert await api.refusal("GET", "/activity/1", token) == (404, 203)
    assert await api.refusal("GET", "/activity/1,2", token) == (403, 300)
    assert await api.refusal("GET", "/revisions", token) == ((401, 3) if token is None else (403, 300))
    assert await api.refusal("GET", "/revisions/1", token) == ((401, 3) if token is None else (404, 203))
    assert await api.refusal("GET", "/revisions/1,2", token) == ((401, 3) if token is None else (403, 300))


# Comments


async def test_a_comment_and_its_life(api: Newsroom) -> None:
    sent = {"collection": "articles", "item": 1, "comment": "Looks good"}
    answer = await api.ask("POST", "/activity/comment?meta=*&fields=id", json=sent, headers={"User-Agent": "tests"})
    body = answer.json()
    key = body["data"]["id"]
    assert answer.status_code == 200
    assert body["meta"] == {"collection": "directus_activity", "type": "item"}
    assert list(body["data"]) == ACTIVITY
    assert {name: value for name, value in body["data"].items() if name not in ("id", "action_on")} == {
        "action": "comment", "action_by": 1, "ip": "localhost", "user_agent": "tests", "collection": "articles",
        "item": "1", "edited_on": None, "comment": "Looks good", "comment_deleted_on": None,
    }  # fmt: skip
    changed = (await api.ask("PATCH", f"/activity/comment/{key}", json={"comment": "Looks better"})).json()["data"]
    assert (changed["comment"], changed["edited_on"] is not None) == ("Looks better", True)
    gone = await api.ask("DELETE", f"/activity/comment/{key}")
    assert (gone.status_code, gone.content) == (204, b"")
    assert (await api.get(f"/activity/{key}"))["data"]["comment_deleted_on"] is not None
    assert await api.rows("SELECT count(*) FROM directus_activity") == [(1,)]
    assert await api.rows("SELECT count(*) FROM directus_revisions") == [(0,)]


@pytest.mark.parametrize(
    ("sent", "answer"),
    [
        ({"comment": "x"}, (422, 4)),
        ({"collection": "articles", "item": 1}, (422, 4)),
        ({"collection": "articles", "item": 1, "comment": ""}, (422, 4)),
        ({"collection": "articles", "item": 1, "comment": {"a": 1}}, (422, 4)),
        ({"collection": "articles", "id": 1, "comment": "x"}, (422, 4)),
        ({"collection": "articles", "item": 1, "comment": "x", "nothing": 1}, (422, 12)),
        ({"collection": "nowhere", "item": 1, "comment": "x"}, (404, 200)),
        ({"collection": "articles", "item": 99, "comment": "x"}, (404, 203)),
        ({"collection": "articles", "item": 5, "comment": "x"}, (404, 203)),
        ([{"collection": "articles", "item": 1, "comment": "x"}], (422, 12)),
    ],
)
async def test_comments_that_are_refused(api: Newsroom, sent: Any, answer: tuple[int, int]) -> None:
    assert await api.refusal("POST", "/activity/comment", json=sent) == answer


async def test_who_may_comment(api: Newsroom) -> None:
    sent = {"collection": "articles", "item": 1, "comment": "x"}
    key = (await api.ask("POST", "/activity/comment", json=sent)).json()["data"]["id"]
    path = f"/activity/comment/{key}"
    assert await api.refusal("POST", "/activity/comment", None, json=sent) == (403, 301)
    assert await api.refusal("POST", "/activity/comment") == (400, 13)
    assert await api.refusal("PATCH", path) == (400, 13)
    assert await api.refusal("PATCH", path, json={"comment": ""}) == (422, 4)
    # Nobody reads articles; to the writer articles of others are not there.
    for token in ("nobody-token", "writer-token"):
        assert await api.refusal("POST", "/activity/comment", token, json=sent) == (404, 203)
        assert await api.refusal("PATCH", path, token, json={"comment": "y"}) == (404, 203)
        assert await api.refusal("DELETE", path, token) == (404, 203)
    # The editor has no level `comment` stored, which counts as `update`: his own comments, no new ones.
    for method, more in (("PATCH", {"json": {"comment": "y"}}), ("DELETE", {})):
        code = 211 if method == "PATCH" else 212
        assert await api.refusal(method, path, "editor-token", **more) == (403, code)
    for unknown in ("99999", "abc"):
        answer = await api.ask("PATCH", f"/activity/comment/{unknown}", json={"comment": "x"})
        message = f'Comment "{unknown}" not found'
        assert (answer.status_code, answer.json()) == (404, {"error": {"code": 203, "message": message}})


async def test_comments_over_graphql(api: Newsroom) -> None:
    made = """mutation { create_comment(collection: "articles", item: 1, comment: "Hm.") {
      id action comment action_by { email } } }"""
    row = (await api.graphql(made))["data"]["create_comment"]
    assert row == {
        "id": row["id"], "action": "comment", "comment": "Hm.", "action_by": {"email": "admin@example.com"}
    }  # fmt: skip
    change = 'mutation($id: ID!) { update_comment(id: $id, comment: "Ah.") { comment } }'
    assert await api.graphql(change, id=row["id"]) == {"data": {"update_comment": {"comment": "Ah."}}}
    gone = "mutation($id: ID!) { delete_comment(id: $id) }"
    assert await api.graphql(gone, id=row["id"]) == {"data": {"delete_comment": row["id"]}}
    again = await api.graphql(gone, id=row["id"])
    assert (again["data"], again["errors"][0]["extensions"]["code"]) == ({"delete_comment": None}, 203)
    both = 'mutation { create_comment(item: 1, payload: {comment: "x"}) { id } }'
    assert (await api.graphql(both))["errors"][0]["extensions"]["code"] == 12


async def test_a_member_sees_what_happens_to_what_he_reads(api: Newsroom) -> None:
    """New roles read `mine` of activity: their own rows, and comments on items that they read (spec 03 §12.2)."""
    await titled(api, "First")
    sent = {"collection": "articles", "item": 1, "comment": "x"}
    await api.ask("POST", "/activity/comment", json=sent)
    assert await api.get("/activity", "member-token") == {"data": []}
    assert await api.get("/revisions", "member-token") == {"data": []}
