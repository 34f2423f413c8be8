"""Items over REST, on the whole stack and three databases: the acceptance list of the items spec (section 19)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from core.catalog.changes import log_change
from tests.api.newsroom import Newsroom, newsroom
from tests.backends import fresh_database


@pytest.fixture(scope="module")
async def server(dialect: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Newsroom]:
    folder = tmp_path_factory.mktemp("newsroom")
    with fresh_database(dialect, folder) as url:
        async with newsroom(url, folder / "data") as found:
            yield found


@pytest.fixture
async def api(server: Newsroom) -> Newsroom:
    await server.refill()
    return server


def _ids(body: Any) -> list[Any]:
    return [item["id"] for item in body["data"]]


# Reading


async def test_a_list_shows_every_column_in_table_order(api: Newsroom) -> None:
    found = await api.get("/items/articles?limit=1")
    assert list(found) == ["data"]
    assert list(found["data"][0].items()) == [
        ("id", 1),
        ("status", "published"),
        ("title", "One"),
        ("slug", "a1"),
        ("body", None),
        ("views", 10),
        ("rating", 4.5),
        ("featured", True),
        ("author", 1),
        ("tags", ["x", "y"]),
        ("extra", {"k": [1]}),
        ("secret", None),
        ("owner", 1),
        ("created_on", "2020-01-01T10:00:00+00:00"),
    ]


async def test_soft_deleted_items_are_hidden_unless_their_status_is_asked_for(api: Newsroom) -> None:
    assert _ids(await api.get("/items/articles?fields=id")) == [1, 2, 3, 4]
    assert _ids(await api.get("/items/articles?fields=id&status=*")) == [1, 2, 3, 4, 5]
    assert _ids(await api.get("/items/articles?fields=id&status=deleted, draft")) == [3, 5]
    assert await api.refusal("GET", "/items/articles/5") == (404, 203)
    assert await api.refusal("GET", "/items/articles/5?status=*") == (404, 203)


async def test_one_and_several_ids(api: Newsroom) -> None:
    assert await api.get("/items/articles/1?fields=id,title") == {"data": {"id": 1, "title": "One"}}
    assert _ids(await api.get("/items/articles/2,1,999,2?fields=id")) == [1, 2]
    assert await api.get("/items/articles/998,999") == {"data": []}
    assert _ids(await api.get("/items/articles/1,?fields=id")) == [1]
    assert _ids(await api.get("/items/articles/1,2?fields=id&sort=-id&filter[id][eq]=1&status=draft")) == [2, 1]
    answer = await api.ask("GET", "/items/articles/999")
    assert (answer.status_code, answer.json()) == (
        404,
        {"error": {"code": 203, "message": 'Item with id "999" not found'}},
    )


@pytest.mark.parametrize("key", ["02", "2.0", "%202", "+2"])
async def test_numeric_text_finds_a_number(api: Newsroom, key: str) -> None:
    assert await api.get(f"/items/articles/{key}?fields=id") == {"data": {"id": 2}}


@pytest.mark.parametrize("key", ["1abc", "abc", "99999999999999999999", "1e0x", "'", '"', "%00"])
async def test_other_text_finds_nothing(api: Newsroom, key: str) -> None:
    assert await api.refusal("GET", f"/items/articles/{key}") == (404, 203)


async def test_text_keys_are_compared_as_text(api: Newsroom) -> None:
    assert await api.get("/items/tokens/abc-1") == {"data": {"code": "abc-1", "label": "One"}}
    assert await api.get("/items/tokens/a%2Fb?fields=label") == {"data": {"label": "Slash"}}
    assert await api.refusal("GET", "/items/tokens/7") == (404, 203)
    assert await api.get("/items/tokens/007,abc-1?fields=code") == {"data": [{"code": "007"}, {"code": "abc-1"}]}


@pytest.mark.parametrize(
    ("query", "ids"),
    [
        ("limit=2", [1, 2]),
        ("limit=2&offset=1", [2, 3]),
        ("limit=-1&offset=5", [1, 2, 3, 4]),
        ("page=2", [1, 2, 3, 4]),
        ("limit=3&page=2", [4]),
        ("limit=3&page=0", [1, 2, 3]),
        ("limit=3&page=9", []),
        ("limit=2&page=2&offset=1", [2, 3]),
        ("offset=2", [3, 4]),
        ("limit=0", []),
        ("limit=abc", []),
        ("limit=", []),
        ("limit=1abc", [1]),
        ("limit=2&offset=abc", [1, 2]),
        ("limit=99999999999999999999", [1, 2, 3, 4]),
        ("sort=-id", [4, 3, 2, 1]),
        ("sort=-views,title", [3, 2, 1, 4]),
        ("sort[]=author&sort[]=-id", [4, 1, 2, 3]),
        ("sort=", [1, 2, 3, 4]),
        ("sort=rating", [3, 4, 1, 2]),
        ("sort=-rating", [1, 4, 3, 2]),
        ("q=off", [3]),
        ("q=%25", [3]),
        ("q=", [1, 2, 3, 4]),
        ("search=nothing&nonsense=1", [1, 2, 3, 4]),
    ],
)
async def test_window_and_order(api: Newsroom, query: str, ids: list[int]) -> None:
    assert _ids(await api.get(f"/items/articles?fields=id&{query}")) == ids


async def test_random_order_has_all_rows(api: Newsroom) -> None:
    assert sorted(_ids(await api.get("/items/articles?fields=id&sort=?"))) == [1, 2, 3, 4]


@pytest.mark.parametrize(
    ("query", "ids"),
    [
        ("filter[views]=10", [1]),
        ("filter[views][eq]=10", [1]),
        ("filter[views][%3E]=10", [2, 3]),
        ("filter[views][%3C%3D]=10", [1, 4]),
        ("filter[views][!%3D]=10", [2, 3, 4]),
        ("filter[views][gte]=10&filter[views][lt]=30", [1, 2]),
        ("filter[views][0][gte]=10&filter[views][1][lt]=30", [1, 2]),
        ("filter[id][in]=1,3,9", [1, 3]),
        ("filter[id][in][]=1&filter[id][in][]=3", [1, 3]),
        ("filter[id][nin]=1,3", [2, 4]),
        ("filter[views][between]=10,20", [1, 2]),
        ("filter[views][between]=10", []),
        ("filter[rating][null]=0", [2]),
        ("filter[rating][nnull]=0", [1, 3, 4]),
        ("filter[views][empty]", [4]),
        ("filter[title][contains]=50%25", [3]),
        ("filter[title][contains]=5_%25", []),
        ("filter[title][like]=ON", [1]),
        ("filter[title][ncontains]=w", [1, 3, 4]),
        ("filter[title][rlike]=T%25", [2]),
        ("filter[title][contains]=", [1, 2, 3, 4]),
        ("filter[featured][eq]=TRUE", [1]),
        ("filter[featured]=0", [2, 3, 4]),
        ("filter[views][eq]=abc", []),
        ("filter[views][eq][a]=1", []),
        ("filter[views][neq]=abc", [1, 2, 3, 4]),
        ("filter[author.name][eq]=Ada", [1, 4]),
        ("filter[author.name][0][eq]=Ada", [1, 4]),
        ("filter[comments.text][contains]=ir", [1, 2]),
        ("filter[categories.category.parent.name]=News", [1, 2]),
        ("filter[comments][has]=2", [1]),
        ("filter[comments][has]=0", [3, 4]),
        ("filter[comments][nhas]=2", [2, 3, 4]),
        ("filter[comments][all]=1,2", [1]),
        ("filter[categories][all]=1,2", [1]),
        ("filter[comments][nempty]", [1, 2]),
        ("filter[tags][contains]=x", [1]),
        ("filter[created_on][lte]=now", [1, 2, 3, 4]),
        ("filter[created_on][gt]=2020-01-02", [2, 3, 4]),
        ("filter[views][eq]=10&filter[title][eq]=Two&filter[title][logical]=or", [1, 2]),
        ("filter[views][eq]=10&filter[views][logical]=or&filter[views][gt]=20", [1, 3]),
        ("filter=%7B%22views%22%3A%7B%22gte%22%3A10,%22lt%22%3A30%7D%7D", [1, 2]),
        ("filter[title][eq]='; DROP TABLE articles; --", []),
        ("filter[title][contains]=\\", []),
    ],
)
async def test_filters(api: Newsroom, query: str, ids: list[int]) -> None:
    assert _ids(await api.get(f"/items/articles?fields=id&{query}")) == ids


@pytest.mark.parametrize(
    ("query", "refusal"),
    [
        ("filter[nope][eq]=1", (422, 202)),
        ("filter[views][nope]=1", (422, 214)),
        ("filter[author][name][eq]=Ada", (422, 214)),
        ("filter[views][]=1", (422, 214)),
        ("filter[author.nope][eq]=1", (404, 202)),
        ("filter[title.nope][eq]=1", (404, 202)),
        ("filter[views][has]=1", (422, 12)),
        ("filter=x", (422, 12)),
        ("filter[]=x", (422, 12)),
        ("sort=nope", (422, 202)),
        ("sort=author.name", (422, 202)),
        ("sort=comments", (422, 12)),
        ("fields=nope", (422, 202)),
        ("fields=author.nope", (422, 202)),
        ("fields=" + ".".join(["author"] * 12), (422, 12)),
        ("fields=" + ".".join(["*"] * 12), (422, 12)),
        ("groups=nope", (422, 202)),
        ("x=1&" * 1001, (400, 2)),
        ("filter" + "[a]" * 65 + "=1", (400, 2)),
    ],
)
async def test_what_cannot_be_asked(api: Newsroom, query: str, refusal: tuple[int, int]) -> None:
    assert await api.refusal("GET", f"/items/articles?{query}") == refusal


async def test_fields(api: Newsroom) -> None:
    every = list((await api.get("/items/articles/1"))["data"])
    assert "comments" not in every
    assert list((await api.get("/items/articles/1?fields=*,-body,-views"))["data"]) == [
        name for name in every if name not in ("body", "views")
    ]
    expanded = (await api.get("/items/articles/1?fields=*.*"))["data"]
    assert list(expanded) == [*every, "categories", "comments"]
    assert expanded["author"] == {"id": 1, "name": "Ada", "email": "ada@example.com"}
    assert expanded["comments"] == [
        {"id": 1, "article": 1, "text": "first"},
        {"id": 2, "article": 1, "text": "second"},
    ]
    assert await api.get("/items/articles/1?fields=title.*,author.name,comments.text,categories.category.name") == {
        "data": {
            "title": "One",
            "author": {"name": "Ada"},
            "categories": [{"category": {"name": "News"}}, {"category": {"name": "Tech"}}],
            "comments": [{"text": "first"}, {"text": "second"}],
        }
    }
    assert (await api.get("/items/articles/1?fields[]=id&fields[]=title"))["data"] == {"id": 1, "title": "One"}
    assert (await api.get("/items/articles/3?fields=author.*"))["data"] == {"author": None}
    assert list((await api.get("/items/articles/1?fields="))["data"]) == every


async def test_single(api: Newsroom) -> None:
    assert await api.get("/items/articles?fields=id&single=1&sort=-id") == {"data": {"id": 4}}
    assert await api.get("/items/articles?fields=id&single=true&offset=1&meta=*") == {
        "meta": {"collection": "articles", "type": "item"},
        "data": {"id": 2},
    }
    assert _ids(await api.get("/items/articles?fields=id&single=0&limit=2")) == [1, 2]
    for single in ("1", "true", "0", "false"):
        assert await api.refusal("GET", f"/items/articles?single={single}&filter[id]=999") == (404, 203)


async def test_meta(api: Newsroom) -> None:
    found = await api.get("/items/articles?fields=id&limit=2&filter[views][gt]=0&meta=*")
    links = "http://api.example.com/main/items/articles"
    query = "?fields=id&limit=2&filter[views][gt]=0&meta=*"
    assert list(found) == ["meta", "data"]
    assert list(found["meta"].items()) == [
        ("collection", "articles"),
        ("type", "collection"),
        ("result_count", 2),
        ("total_count", 4),
        ("status_count", {"deleted": 1, "draft": 1, "published": 3}),
        ("filter_count", 3),
        ("limit", 2),
        ("offset", 0),
        ("page", 1),
        ("page_count", 2),
        (
            "links",
            {
                "self": links,
                "current": f"{links}{query}&page=1",
                "next": f"{links}{query}&offset=2&page=2",
                "previous": None,
                "first": f"{links}{query}&offset=0&page=1",
                "last": f"{links}{query}&offset=2&page=2",
            },
        ),
    ]
    assert (await api.get("/items/articles?meta=status"))["meta"] == {
        "status_count": {"deleted": 1, "draft": 1, "published": 3}
    }
    assert (await api.get("/items/articles?meta=filter_count,total_count"))["meta"] == {
        "total_count": 4,
        "filter_count": 4,
    }
    assert (await api.get("/items/articles?meta=foo"))["meta"] == []
    assert "meta" not in await api.get("/items/articles?meta=0")
    assert "status_count" not in (await api.get("/items/people?meta=*"))["meta"]
    beyond = (await api.get("/items/articles?limit=3&page=9&meta=page"))["meta"]
    assert (beyond["page"], beyond["page_count"], beyond["offset"]) == (2, 2, 3)
    assert (await api.get("/items/articles/1?fields=id&meta=*"))["meta"] == {"collection": "articles", "type": "item"}


# Who may


async def test_public_says_so_and_users_do_not(api: Newsroom) -> None:
    assert await api.get("/items/categories/1", None) == {
        "data": {"id": 1, "name": "News", "parent": None},
        "public": True,
    }
    assert "public" not in await api.get("/items/articles", "editor-token")
    assert await api.refusal("GET", "/items/articles", None) == (401, 3)


async def test_codes_without_any_level(api: Newsroom) -> None:
    for method, path, body, public, user in (
        ("GET", "/items/articles", None, (401, 3), (403, 300)),
        ("GET", "/items/articles?filter[nope]=1", None, (401, 3), (403, 300)),
        ("GET", "/items/articles?single=1", None, (401, 3), (404, 203)),
        ("GET", "/items/articles/1", None, (404, 203), (404, 203)),
        ("GET", "/items/articles/1,2", None, (403, 300), (403, 300)),
        ("POST", "/items/articles", {"title": "x"}, (403, 301), (403, 301)),
        ("POST", "/items/articles", [{"title": "x"}], (403, 301), (403, 301)),
        ("PATCH", "/items/articles/1", {"title": "x"}, (404, 203), (404, 203)),
        ("PATCH", "/items/articles/1,2", {"title": "x"}, (404, 203), (404, 203)),
        ("PATCH", "/items/articles", [{"id": 1, "title": "x"}], (404, 203), (404, 203)),
        ("DELETE", "/items/articles/1", None, (403, 303), (403, 303)),
        ("DELETE", "/items/articles/1,2", None, (403, 303), (403, 303)),
    ):
        assert await api.refusal(method, path, None, json=body) == public, (method, path)
        assert await api.refusal(method, path, "nobody-token", json=body) == user, (method, path)


async def test_readable_but_not_writable(api: Newsroom) -> None:
    assert await api.refusal("PATCH", "/items/tokens/007", "editor-token", json={"label": "x"}) == (403, 302)
    assert await api.refusal("PATCH", "/items/articles/1", "editor-token", json={"views": 1}) == (403, 305)


async def test_row_rules_survive_a_trailing_or(api: Newsroom) -> None:
    mine = _ids(await api.get("/items/articles?fields=id", "writer-token"))
    assert mine == [2, 3]
    query = "filter[id][eq]=1&filter[views][gte]=0&filter[views][logical]=or"
    assert _ids(await api.get(f"/items/articles?fields=id&{query}", "writer-token")) == [2, 3]
    assert await api.refusal("GET", "/items/articles/1", "writer-token") == (404, 203)
    assert _ids(await api.get("/items/articles/1,2?fields=id", "writer-token")) == [2]
    assert (await api.get("/items/articles?meta=total_count,filter_count", "writer-token"))["meta"] == {
        "total_count": 2,
        "filter_count": 2,
    }
    assert await api.refusal("PATCH", "/items/articles/1", "writer-token", json={"title": "x"}) == (404, 203)


async def test_fields_that_may_not_be_read(api: Newsroom) -> None:
    found = await api.get("/items/articles/1?fields=id,secret", "editor-token")
    assert found == {"data": {"id": 1}}
    assert await api.get("/items/articles?fields=secret", "editor-token") == {"data": []}
    assert await api.get("/items/articles/1?fields=secret", "editor-token") == {"data": []}
    assert await api.refusal("GET", "/items/articles?filter[secret][eq]=x", "editor-token") == (403, 215)
    assert await api.refusal("GET", "/items/articles?filter[author.name]=Ada", "editor-token") == (403, 215)


async def test_relations_that_may_not_be_read(api: Newsroom) -> None:
    found = await api.get("/items/articles/1?fields=id,author.*,comments.text", "editor-token")
    assert found == {
        "data": {"id": 1, "author": {"id": 1}, "comments": [{"text": "first"}, {"text": "second"}]},
        "messages": [
            {
                "type": "warning",
                "message": "Can't read `people`: read access to `people` collection denied",
                "code": 18,
                "fields": ["author"],
            }
        ],
    }


async def test_tokens_in_every_place(api: Newsroom) -> None:
    login = await api.ask(
        "POST", "/auth/authenticate", None, json={"email": "admin@example.com", "password": "an Admin's pass-phrase"}
    )
    assert login.status_code == 200, login.text
    assert list(login.json()) == ["data", "public"]
    token = login.json()["data"]["token"]
    assert login.json()["data"]["user"]["id"] == "1"
    assert _ids(await api.get("/items/articles?fields=id&limit=1", token)) == [1]
    for query in (f"access_token={token}", "access_token=admin-token"):
        assert _ids(await api.get(f"/items/articles?fields=id&limit=1&{query}", None)) == [1]
    answer = await api.ask("GET", "/items/articles?fields=id&limit=1", None, auth=("admin-token", ""))
    assert answer.json() == {"data": [{"id": 1}]}
    answer = await api.ask("POST", "/items/people?fields=name", None, json={"name": "Eve", "access_token": token})
    assert answer.json() == {"data": {"name": "Eve"}}
    refreshed = await api.ask("POST", "/auth/refresh", None, json={"token": token})
    assert list(refreshed.json()) == ["data", "public"]
    assert _ids(await api.get("/items/articles?fields=id&limit=1", refreshed.json()["data"]["token"])) == [1]


async def test_login_that_fails(api: Newsroom) -> None:
    for body, refusal in (
        (None, (400, 13)),
        ({}, (422, 114)),
        ({"email": "nope", "password": "x"}, (422, 114)),
        ({"email": ["admin@example.com"], "password": "x"}, (422, 114)),
        ({"email": "nobody@else.com", "password": "x"}, (404, 100)),
    ):
        assert await api.refusal("POST", "/auth/authenticate", None, json=body) == refusal, body
    assert await api.refusal("POST", "/auth/refresh", None, json={}) == (422, 4)
    assert await api.refusal("POST", "/auth/refresh", None, json={"token": "x"}) == (401, 101)


async def test_a_refused_token_makes_a_public_request(api: Newsroom) -> None:
    for token in ("nonsense", "a.b.c", "admin-token2", "x" * 10_000):
        answer = await api.ask("GET", "/items/categories/1?fields=id", token)
        assert (answer.status_code, answer.json()) == (200, {"data": {"id": 1}, "public": True})
        assert answer.headers["www-authenticate"] == 'Bearer error="invalid_token"'
        assert await api.refusal("GET", "/items/articles", token) == (401, 3)


# Writing


async def test_create_one(api: Newsroom) -> None:
    answer = await api.ask(
        "POST", "/items/articles?fields=title,status,author.name", json={"title": "New", "author": 1}
    )
    assert answer.status_code == 200
    assert answer.json() == {"data": {"status": "draft", "title": "New", "author": {"name": "Ada"}}}
    answer = await api.ask("POST", "/items/people?fields=name&meta=*", json={"name": "Eve"})
    assert answer.json() == {"meta": {"collection": "people", "type": "item"}, "data": {"name": "Eve"}}
    answer = await api.ask("POST", "/items/comments", json={})
    assert answer.json()["data"] | {"id": 0} == {"id": 0, "article": None, "text": None}


async def test_create_several(api: Newsroom) -> None:
    answer = await api.ask("POST", "/items/people?fields=name&meta=*", json=[{"name": "A"}, {"name": "B"}])
    assert answer.json() == {"data": [{"name": "A"}, {"name": "B"}]}
    wrong = [{"name": "C"}, {"email": "x"}]
    assert await api.refusal("POST", "/items/people", json=wrong) == (422, 4)


@pytest.mark.parametrize(
    ("path", "body", "refusal"),
    [
        ("/items/articles", {"body": "x"}, (422, 4)),
        ("/items/articles", {"title": ""}, (422, 4)),
        ("/items/articles", {"title": "x", "nope": 1}, (422, 12)),
        ("/items/articles", {"title": "x" * 21}, (422, 12)),
        ("/items/articles", {"title": ["x"]}, (422, 213)),
        ("/items/articles", {"title": "x", "views": "abc"}, (422, 4)),
        ("/items/articles", {"title": "x", "views": 2**70}, (422, 12)),
        ("/items/articles", {"title": "x", "tags": "a"}, (422, 4)),
        ("/items/articles", {"title": "x", "comments": [{"nope": 1}]}, (422, 12)),
        ("/items/articles", {"title": "x", "slug": "a1"}, (409, 204)),
        ("/items/articles", {"id": 1, "title": "x"}, (409, 204)),
        ("/items/articles", {"title": "\x00"}, (422, 4)),
        ("/items/tokens", {"label": "x"}, (422, 4)),
        ("/items/articles?fields=nope", {"title": "x"}, (422, 202)),
        ("/items/articles", ["x"], (422, 12)),
        ("/items/keyless", {"name": "x"}, (422, 12)),
        ("/items/nosuch", {"name": "x"}, (404, 200)),
        ("/items/directus_users", {"email": "x@y.z"}, (401, 201)),
    ],
)
async def test_what_cannot_be_created(api: Newsroom, path: str, body: Any, refusal: tuple[int, int]) -> None:
    assert await api.refusal("POST", path, json=body) == refusal


async def test_a_lone_surrogate_is_no_text(api: Newsroom) -> None:
    json = {"Content-Type": "application/json"}
    refusal = await api.refusal("POST", "/items/articles", content=b'{"title": "\\ud800"}', headers=json)
    assert refusal == (422, 4)


async def test_update_one(api: Newsroom) -> None:
    answer = await api.ask("PATCH", "/items/articles/1?fields=id,title,views", json={"id": 99, "title": "First"})
    assert answer.json() == {"data": {"id": 1, "title": "First", "views": 10}}
    answer = await api.ask("PATCH", "/items/articles/%2002?fields=id", json={"title": "Second"})
    assert answer.json() == {"data": {"id": 2}}
    assert await api.rows("SELECT id, title FROM articles WHERE id < 3 ORDER BY id") == [(1, "First"), (2, "Second")]
    before = await api.everything()
    answer = await api.ask("PATCH", "/items/articles/1?fields=id", json={})
    assert (answer.status_code, answer.json()) == (200, {"data": {"id": 1}})
    assert await api.everything() == before


async def test_update_several(api: Newsroom) -> None:
    answer = await api.ask("PATCH", "/items/articles/2,3?fields=id,featured", json={"featured": True})
    assert answer.json() == {"data": [{"id": 2, "featured": True}, {"id": 3, "featured": True}]}
    answer = await api.ask(
        "PATCH", "/items/articles?fields=id,views&meta=*", json=[{"id": 3, "views": 1}, {"id": 1, "views": 2}]
    )
    assert answer.json() == {"data": [{"id": 3, "views": 1}, {"id": 1, "views": 2}]}


@pytest.mark.parametrize(
    ("path", "body", "refusal"),
    [
        ("/items/articles/999", {"views": 1}, (404, 203)),
        ("/items/articles/5", {"views": 1}, (404, 203)),
        ("/items/articles/5", {"status": "draft"}, (404, 203)),
        ("/items/articles/3,999", {"views": 1}, (404, 203)),
        ("/items/articles/1", {"nope": 1}, (422, 12)),
        ("/items/articles/1", {"title": None}, (422, 4)),
        ("/items/articles/1", {"slug": "a2"}, (409, 204)),
        ("/items/articles/1", [{"views": 1}], (422, 12)),
        ("/items/articles/1,2", [{"views": 1}], (422, 12)),
        ("/items/articles", {"views": 1}, (404, 203)),
        ("/items/articles", [{"views": 1}], (422, 12)),
        ("/items/articles", [{"id": 1, "views": 1}, {"id": 999, "views": 1}], (404, 203)),
        ("/items/articles/1?fields=nope", {"views": 1}, (422, 202)),
        ("/items/nosuch/1", {"views": 1}, (404, 200)),
        ("/items/directus_users/1", {"email": "x@y.z"}, (401, 201)),
    ],
)
async def test_what_cannot_be_updated(api: Newsroom, path: str, body: Any, refusal: tuple[int, int]) -> None:
    assert await api.refusal("PATCH", path, json=body) == refusal


async def test_a_body_is_required(api: Newsroom) -> None:
    for method, path in (("POST", "/items/articles"), ("PATCH", "/items/articles/1"), ("PATCH", "/items/articles")):
        assert await api.refusal(method, path) == (400, 13)
        json = {"Content-Type": "application/json"}
        assert await api.refusal(method, path, content=b'{"title":', headers=json) == (400, 13)


async def test_forms_are_bodies(api: Newsroom) -> None:
    answer = await api.ask("POST", "/items/comments?fields=text,article.title", data={"text": "a form", "article": "2"})
    assert answer.json() == {"data": {"article": {"title": "Two"}, "text": "a form"}}
    answer = await api.ask("POST", "/items/comments?fields=text", files={"text": (None, "parts")})
    assert answer.json() == {"data": {"text": "parts"}}


async def test_soft_delete_and_delete(api: Newsroom) -> None:
    answer = await api.ask("PATCH", "/items/articles/4", json={"status": "deleted"})
    assert (answer.status_code, answer.content) == (204, b"")
    assert await api.rows("SELECT action FROM directus_activity") == [("soft-delete",)]
    assert _ids(await api.get("/items/articles?fields=id")) == [1, 2, 3]
    assert await api.refusal("GET", "/items/articles/4") == (404, 203)
    assert await api.refusal("PATCH", "/items/articles/4", json={"status": "draft"}) == (404, 203)
    assert _ids(await api.get("/items/articles?fields=id&status=*")) == [1, 2, 3, 4, 5]
    answer = await api.ask("DELETE", "/items/articles/4")
    assert (answer.status_code, answer.content) == (204, b"")
    assert _ids(await api.get("/items/articles?fields=id&status=*")) == [1, 2, 3, 5]
    assert await api.refusal("DELETE", "/items/articles/4") == (404, 203)


async def test_delete_is_hard_and_leaves_no_revision(api: Newsroom) -> None:
    answer = await api.ask("DELETE", "/items/articles/1,2")
    assert (answer.status_code, answer.content) == (204, b"")
    assert await api.rows("SELECT action, item FROM directus_activity ORDER BY item") == [
        ("delete", "1"),
        ("delete", "2"),
    ]
    assert await api.rows("SELECT * FROM directus_revisions") == []
    assert await api.rows("SELECT id, article FROM comments ORDER BY id") == [(1, 1), (2, 1), (3, 2)]
    assert await api.refusal("DELETE", "/items/articles/3,999") == (404, 203)


async def test_public_writes_say_so(api: Newsroom) -> None:
    answer = await api.ask("DELETE", "/items/categories/3", None)
    assert (answer.status_code, answer.json()) == (200, {"public": True})
    answer = await api.ask("POST", "/items/categories?fields=name", None, json={"name": "Own"})
    assert answer.json() == {"data": {"name": "Own"}, "public": True}


async def test_lists_of_children_are_patches(api: Newsroom) -> None:
    path = "/items/articles/1?fields=comments.id,comments.text"
    change = {"comments": [{"id": 1, "text": "changed"}, {"id": 2, "$delete": True}, {"id": 3}, {"text": "new"}]}
    found = (await api.ask("PATCH", path, json=change)).json()["data"]["comments"]
    assert [(one["id"], one["text"]) for one in found[:2]] == [(1, "changed"), (3, "third")]
    assert found[2]["text"] == "new"
    assert (await api.ask("PATCH", path, json={"comments": []})).json()["data"]["comments"] == found
    unlinked = await api.ask("PATCH", path, json={"comments": [{"id": 3, "article": None}]})
    assert [one["id"] for one in unlinked.json()["data"]["comments"]] == [1, found[2]["id"]]
    assert await api.rows("SELECT article FROM comments WHERE id = 3") == [(None,)]


async def test_far_keys_are_scalars_or_objects(api: Newsroom) -> None:
    change = {
        "categories": [
            {"id": 1, "$delete": True},
            {"category": 3},
            {"category": {"name": "Fresh"}},
            {"id": 2, "category": {"id": 2, "name": "Technology"}},
        ]
    }
    answer = await api.ask("PATCH", "/items/articles/1?fields=categories.category.name", json=change)
    names = [one["category"]["name"] for one in answer.json()["data"]["categories"]]
    assert names == ["Technology", "Sport", "Fresh"]


async def test_history(api: Newsroom) -> None:
    await api.ask("PATCH", "/items/articles/1?activity_skip=1", json={"views": 1})
    assert await api.rows("SELECT id FROM directus_activity") == []
    await api.ask("PATCH", "/items/articles/1?activity_skip=true&comment=why", json={"views": 2})
    rows = await api.rows("SELECT action, action_by, collection, item, comment FROM directus_activity")
    assert rows == [("update", 1, "articles", "1", "why")]
    assert await api.rows("SELECT collection, item FROM directus_revisions") == [("articles", "1")]


# Metadata and the rest of the table


async def test_a_table_without_a_key_can_be_listed(api: Newsroom) -> None:
    assert await api.get("/items/keyless") == {"data": [{"name": "x"}]}
    assert await api.refusal("GET", "/items/keyless/1") == (422, 12)
    assert await api.refusal("DELETE", "/items/keyless/1") == (422, 12)


async def test_collections(api: Newsroom) -> None:
    found = await api.get("/collections?meta=*")
    names = [one["collection"] for one in found["data"]]
    assert names[:6] == sorted(["articles", "articles_categories", "categories", "comments", "people", "tokens"])
    links = found["meta"].pop("links")
    assert found["meta"] == {
        "collection": "directus_collections", "type": "collection", "result_count": 6, "total_count": 6,
        "filter_count": 6, "limit": 6, "offset": 0, "page": 1, "page_count": 1,
    }  # fmt: skip
    assert (links["self"], links["next"]) == ("http://api.example.com/main/collections", None)
    part = await api.get("/collections?limit=2&offset=4&meta=result_count,page")
    assert [one["collection"] for one in part["data"]] == names[4:6]
    assert [part["meta"][name] for name in ("result_count", "limit", "offset", "page", "page_count")] == [2, 2, 4, 3, 3]
    assert list(found["data"][0]["fields"])[:3] == ["id", "status", "title"]
    one = await api.get("/collections/articles")
    assert set(one["data"]) == {
        "collection", "note", "hidden", "single", "managed", "fields", "translation", "icon",
    }  # fmt: skip
    assert await api.refusal("GET", "/collections/nosuch") == (404, 203)
    assert await api.refusal("GET", "/collections/directus_users") == (404, 203)
    several = await api.get("/collections/people,articles")
    assert [one["collection"] for one in several["data"]] == ["articles", "people"]
    assert await api.refusal("GET", "/collections", None) == (401, 3)


async def test_fields_of_collections(api: Newsroom) -> None:
    found = await api.get("/fields/articles")
    assert [one["field"] for one in found["data"]][:3] == ["id", "status", "title"]
    assert len(found["data"][0]) == 24
    one = await api.get("/fields/articles/title")
    assert (one["data"]["field"], one["data"]["type"]) == ("title", "string")
    several = await api.get("/fields/articles/title,nosuch,id")
    assert sorted(one["field"] for one in several["data"]) == ["id", "title"]
    assert await api.refusal("GET", "/fields/nosuch") == (404, 200)
    assert await api.refusal("GET", "/fields/nosuch/x") == (404, 200)
    assert await api.refusal("GET", "/fields/articles/nosuch") == (404, 202)
    assert await api.refusal("GET", "/fields", None) == (401, 3)
    assert await api.refusal("GET", "/fields/articles", None) == (401, 3)
    assert len((await api.get("/fields?limit=3"))["data"]) == 3


async def test_relations(api: Newsroom) -> None:
    found = await api.get("/relations?filter[collection_many]=comments")
    ((relation),) = found["data"]
    assert list(relation) == ["id", "collection_many", "field_many", "collection_one", "field_one", "junction_field"]
    assert await api.get(f"/relations/{relation['id']}?fields=field_many") == {"data": {"field_many": "article"}}
    assert await api.refusal("GET", "/relations/99999") == (404, 203)
    assert await api.refusal("GET", "/relations", None) == (401, 3)
    assert await api.refusal("GET", f"/relations/{relation['id']}", None) == (404, 203)


async def test_metadata_without_any_level(api: Newsroom) -> None:
    for path, public, user in (
        ("/collections", (401, 3), (403, 300)),
        ("/collections?single=1", (401, 3), (404, 203)),
        ("/collections/articles", (401, 3), (404, 203)),
        ("/collections/articles,people", (401, 3), (403, 300)),
        ("/fields", (401, 3), (403, 300)),
        ("/fields/articles", (401, 3), (403, 300)),
        ("/fields/articles/title", (401, 3), (403, 300)),
        ("/relations", (401, 3), (403, 300)),
        ("/relations/1", (404, 203), (404, 203)),
        ("/relations/1,2", (403, 300), (403, 300)),
        ("/users/me", (401, 3), (401, 3)),
    ):
        assert await api.refusal("GET", path, None) == public, path
        assert await api.refusal("GET", path, "nobody-token") == user, path


async def test_own_record(api: Newsroom) -> None:
    assert await api.get("/users/me?fields=id,email") == {"data": {"id": 1, "email": "admin@example.com"}}
    assert (await api.get("/users/me"))["data"].get("password") is None
    assert await api.refusal("GET", "/users/me", None) == (401, 3)


async def test_project_and_server(api: Newsroom) -> None:
    public = await api.get("/", None)
    assert public["public"] is True
    assert "version" not in public["data"]["api"]
    signed_in = await api.get("/")
    assert "public" not in signed_in
    assert next(iter(signed_in["data"]["api"])) == "version"
    assert (await api.get("/", "nonsense"))["public"] is True
    assert (await api.ask("GET", "//server/ping", None)).text == "pong"
    assert await api.get("//server/projects", None) == {"data": ["main"], "public": True}
    assert await api.refusal("DELETE", "//server/projects/main", None) == (422, 4)
    assert await api.refusal("DELETE", "//server/projects/main?super_admin_token=wrong", None) == (401, 3)
    assert await api.refusal("POST", "//server/projects", None) == (400, 13)
    assert await api.refusal("POST", "//server/projects", None, json={"project": "x"}) == (422, 4)


async def test_what_is_not_there(api: Newsroom) -> None:
    assert await api.refusal("GET", "//nosuch/items/articles") == (401, 3)
    assert await api.refusal("GET", "//MAIN/items/articles") == (401, 3)
    assert await api.refusal("GET", "/nosuch") == (404, 1)
    assert await api.refusal("PUT", "/items/articles/1") == (405, 6)
    assert await api.refusal("GET", "/items/nosuch", None) == (404, 200)
    assert await api.refusal("GET", "/items/directus_users") == (401, 201)
    assert await api.refusal("GET", "/items/directus_changes") == (401, 201)
    assert await api.refusal("GET", "/items/Articles") == (404, 200)


async def test_unchanged_lists_are_not_sent_again(api: Newsroom) -> None:
    first = await api.ask("GET", "/items/articles")
    again = await api.ask("GET", "/items/articles", headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    await api.ask("PATCH", "/items/articles/1", json={"views": 11})
    again = await api.ask("GET", "/items/articles", headers={"If-None-Match": first.headers["etag"]})
    assert again.status_code == 200


async def test_a_column_is_there_for_the_next_request(api: Newsroom) -> None:
    assert await api.refusal("GET", "/items/keyless?fields=more") == (422, 202)
    async with api.store.write() as connection:
        await connection.execute("ALTER TABLE keyless ADD COLUMN more INTEGER")
        await log_change(connection, "schema", "keyless")
    assert await api.get("/items/keyless?fields=name,more") == {"data": [{"name": "x", "more": None}]}
    async with api.store.write() as connection:
        await connection.execute("CREATE TABLE fresh (id INTEGER PRIMARY KEY)")
        await log_change(connection, "schema", "fresh")
    assert await api.get("/items/fresh") == {"data": []}
    async with api.store.write() as connection:
        await connection.execute("DROP TABLE fresh")
        await log_change(connection, "schema", "fresh")
    assert await api.refusal("GET", "/items/fresh") == (404, 200)
