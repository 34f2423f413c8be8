"""The REST door on a fake schema: which operation a request becomes, and what its result looks like over HTTP."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from graphql import GraphQLError
from structlog.testing import capture_logs

from core.context import Actor
from core.errors import (
    CreateDenied,
    DatabaseUnavailable,
    InvalidField,
    ItemNotFound,
    LocationNotAllowed,
    QueryFailed,
    ReadDenied,
    UpdateDenied,
)
from core.query.selection import Warning
from tests.unit.rest_adapter.conftest import SCHEMA, Names

USER = Actor(user=7, role=3, public=False)

pytestmark = pytest.mark.anyio


# Reading


async def test_a_list_is_one_operation_that_declares_what_the_request_carries(door: Any, page: Any) -> None:
    door.results["articles"] = page({"id": 1}, {"id": 2})
    answer = await door.ask(
        "GET", "/main/items/articles?fields=id,author.name&filter[a.b][gte]=1&sort=-id&limit=2&q=&x=1&lang=de, en"
    )
    assert door.ran == [
        (
            "query ($where: [Condition!], $sort: [String!], $limit: Int, $lang: String, $fields: [String!])"
            " { articles(where: $where, sort: $sort, limit: $limit, lang: $lang) { data { _row(fields: $fields) } } }",
            {
                "fields": ["id", "author.name"],
                "where": [{"field": "a.b", "op": "gte", "value": "1"}],
                "sort": ["-id"],
                "limit": 2,
                "lang": "de,en",
            },
        )
    ]
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    assert answer.text == '{"data":[{"id":1},{"id":2}],"public":true}'


async def test_without_parameters_nothing_is_declared(door: Any, page: Any) -> None:
    door.results["articles"] = page()
    answer = await door.ask("GET", "/main/items/articles")
    assert door.ran == [("{ articles { data { _row } } }", {})]
    assert answer.json() == {"data": [], "public": True}


async def test_one_id(door: Any) -> None:
    door.actor = USER
    door.results["articles_by_id"] = {"_row": {"id": 5}}
    answer = await door.ask("GET", "/main/items/articles/5?fields=*&filter[x]=1&status=*&q=a&meta=*")
    assert door.ran == [
        (
            "query ($id: ID!, $fields: [String!]) { articles_by_id(id: $id) { _row(fields: $fields) } }",
            {"id": "5", "fields": ["*"]},
        )
    ]
    assert answer.text == '{"meta":{"collection":"articles","type":"item"},"data":{"id":5}}'


@pytest.mark.parametrize(
    ("path", "ids"), [("1,2,3", ["1", "2", "3"]), ("1,", ["1", ""]), ("a%20b,c%2Fd", ["a b", "c/d"])]
)
async def test_several_ids_drop_the_filter_and_keep_the_window(door: Any, page: Any, path: str, ids: list[str]) -> None:
    door.results["articles"] = page({"id": 1})
    await door.ask("GET", f"/main/items/articles/{path}?filter[x]=1&status=*&q=a&limit=1&sort=id")
    ((text, variables),) = door.ran
    assert text.startswith("query ($ids: [ID!], $limit: Int, $sort: [String!]) { articles(ids: $ids")
    assert variables == {"ids": ids, "limit": 1, "sort": ["id"]}


async def test_an_encoded_slash_belongs_to_the_key(door: Any) -> None:
    door.results["articles_by_id"] = {"_row": {"id": "a/b"}}
    await door.ask("GET", "/main/items/articles/a%2Fb%20%C3%A4")
    assert door.ran[0][1] == {"id": "a/b ä"}


async def test_single_takes_the_first_of_a_list_of_one(door: Any, page: Any) -> None:
    door.results["articles"] = page({"id": 9})
    answer = await door.ask("GET", "/main/items/articles?single=TRUE&limit=5&sort=-id&meta=*")
    assert door.ran[0][1] == {"limit": 1, "sort": ["-id"]}
    assert "meta" not in door.ran[0][0]
    assert answer.json() == {"meta": {"collection": "articles", "type": "item"}, "data": {"id": 9}, "public": True}


@pytest.mark.parametrize("single", ["1", "true", "0", "false"])
async def test_single_of_nothing_is_not_found(door: Any, page: Any, single: str) -> None:
    door.results["articles"] = page()
    answer = await door.ask("GET", f"/main/items/articles?single={single}")
    assert (answer.status_code, answer.json()) == (404, {"error": {"code": 203, "message": "Item not found"}})


async def test_single_that_says_no_leaves_a_list(door: Any, page: Any) -> None:
    door.results["articles"] = page({"id": 1}, {"id": 2})
    answer = await door.ask("GET", "/main/items/articles?single=0")
    assert answer.json()["data"] == [{"id": 1}, {"id": 2}]


async def test_rows_without_keys_are_left_out(door: Any, page: Any) -> None:
    door.results["articles"] = page({"id": 1}, None, total_count=2)
    answer = await door.ask("GET", "/main/items/articles?meta=total_count,result_count")
    assert answer.json()["data"] == [{"id": 1}]
    assert answer.json()["meta"] == {"result_count": 1, "total_count": 2}


@pytest.mark.parametrize("path", ["/main/items/articles/1", "/main/items/articles?single=1"])
async def test_a_single_read_without_keys_is_an_empty_list(door: Any, page: Any, path: str) -> None:
    door.results["articles_by_id"] = {"_row": None}
    door.results["articles"] = page(None)
    assert (await door.ask("GET", path)).json() == {"data": [], "public": True}


async def test_relations_that_cannot_be_read_are_told(door: Any, page: Any) -> None:
    door.results["articles"] = page({"id": 1})
    door.warnings = (Warning("people", ("author",)),)
    answer = await door.ask("GET", "/main/items/articles?fields=*.*")
    assert answer.text == (
        '{"data":[{"id":1}],"messages":[{"type":"warning","message":"Can\'t read `people`: read access to `people`'
        ' collection denied","code":18,"fields":["author"]}],"public":true}'
    )


async def test_a_renamed_row_field_is_found(door: Any) -> None:
    door.results["odd"] = {"data": [{"_row": {"_row": 1}}]}
    answer = await door.ask("GET", "/main/items/odd?fields=_row")
    assert door.ran[0][0] == "query ($fields: [String!]) { odd { data { _row: _row_2(fields: $fields) } } }"
    assert answer.json()["data"] == [{"_row": 1}]


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/main/items/odd/1", None),
        ("GET", "/main/items/odd/1,2", None),
        ("POST", "/main/items/odd", {"a": 1}),
        ("PATCH", "/main/items/odd/1", {"a": 1}),
        ("DELETE", "/main/items/odd/1", None),
    ],
)
async def test_items_without_a_key_cannot_be_named(door: Any, method: str, path: str, body: Any) -> None:
    answer = await door.ask(method, path, json=body)
    assert (answer.status_code, answer.json()["error"]["code"]) == (422, 12)
    assert door.ran == []


# Counts and links


async def test_only_the_counts_that_are_asked_for_run(door: Any, page: Any) -> None:
    door.results["articles"] = page({"id": 1}, filter_count=5, status_count=None)
    answer = await door.ask("GET", "/main/items/articles?meta=filter_count,status,type,nonsense")
    assert door.ran[0][0] == "{ articles { data { _row } meta { status_count filter_count } } }"
    assert answer.text == '{"meta":{"type":"collection","filter_count":5},"data":[{"id":1}],"public":true}'


@pytest.mark.parametrize("meta", ["", "0"])
async def test_a_falsy_meta_is_none(door: Any, page: Any, meta: str) -> None:
    door.results["articles"] = page()
    assert (await door.ask("GET", f"/main/items/articles?meta={meta}")).json() == {"data": [], "public": True}


async def test_unknown_counts_leave_an_empty_list(door: Any, page: Any) -> None:
    door.results["articles"] = page()
    assert (await door.ask("GET", "/main/items/articles?meta=links")).json()["meta"] == []
    door.results["articles_by_id"] = {"_row": {"id": 1}}
    assert (await door.ask("GET", "/main/items/articles/1?meta=total_count")).json()["meta"] == []


async def test_meta_in_the_order_of_the_specification_with_links(door: Any, page: Any) -> None:
    counts = {"total_count": 36, "status_count": {"draft": 1}, "filter_count": 36}
    door.results["articles"] = page({"id": 1}, **counts, limit=5, offset=5, page=2, page_count=8)
    answer = await door.ask("GET", "/main/items/articles?fields=id&limit=5&page=2&meta=*&access_token=abc")
    self = "http://api.example.com/main/items/articles"
    assert list(answer.json()["meta"].items()) == [
        ("collection", "articles"),
        ("type", "collection"),
        ("result_count", 1),
        ("total_count", 36),
        ("status_count", {"draft": 1}),
        ("filter_count", 36),
        ("limit", 5),
        ("offset", 5),
        ("page", 2),
        ("page_count", 8),
        (
            "links",
            {
                "self": self,
                "current": f"{self}?fields=id&limit=5&page=2&meta=*&access_token=abc",
                "next": f"{self}?fields=id&limit=5&page=3&meta=*&access_token=abc&offset=10",
                "previous": f"{self}?fields=id&limit=5&page=1&meta=*&access_token=abc&offset=0",
                "first": f"{self}?fields=id&limit=5&page=1&meta=*&access_token=abc&offset=0",
                "last": f"{self}?fields=id&limit=5&page=8&meta=*&access_token=abc&offset=35",
            },
        ),
    ]


async def test_links_of_a_first_page_and_of_an_only_page(door: Any, page: Any) -> None:
    self = "http://api.example.com/main/items/articles"
    query = "?filter[featured][eq]=1&limit=2&meta=page"
    door.results["articles"] = page({"id": 1}, limit=2, offset=0, page=1, page_count=6)
    assert (await door.ask("GET", f"/main/items/articles{query}")).json()["meta"]["links"] == {
        "self": self,
        "current": f"{self}{query}&page=1",
        "next": f"{self}{query}&offset=2&page=2",
        "previous": None,
        "first": f"{self}{query}&offset=0&page=1",
        "last": f"{self}{query}&offset=10&page=6",
    }
    door.results["articles"] = page(limit=0, offset=0, page=1, page_count=1)
    assert (await door.ask("GET", "/main/items/articles?meta=page")).json()["meta"]["links"] == {
        "self": self,
        "current": f"{self}?meta=page&page=1",
        "next": None,
        "previous": None,
        "first": None,
        "last": None,
    }


async def test_links_beyond_the_end_name_the_last_page(door: Any, page: Any) -> None:
    door.results["articles"] = page(limit=5, offset=35, page=8, page_count=8)
    links = (await door.ask("GET", "/main/items/articles?limit=5&page=99&meta=page")).json()["meta"]["links"]
    assert links["current"].endswith("?limit=5&page=8&meta=page")
    assert links["next"] is None
    assert links["previous"].endswith("?limit=5&page=7&meta=page&offset=30")


# Writing


@pytest.mark.parametrize(
    ("method", "path", "body", "root", "variables"),
    [
        ("POST", "", {"a": 1}, "create_articles_item", {"payload": {"a": 1}}),
        ("POST", "", {}, "create_articles_item", {"payload": {}}),
        ("POST", "", [], "create_articles_item", {"payload": {}}),
        ("POST", "", [{"a": 1}, []], "create_articles_items", {"payload": [{"a": 1}, {}]}),
        ("PATCH", "/5", {"a": 1}, "update_articles_item", {"id": "5", "payload": {"a": 1}}),
        ("PATCH", "/5,6", {"a": 1}, "update_articles_items", {"ids": ["5", "6"], "payload": {"a": 1}}),
        ("PATCH", "", [{"id": 5}], "update_articles_batch", {"payload": [{"id": 5}]}),
        ("DELETE", "/5", None, "delete_articles_item", {"id": "5"}),
        ("DELETE", "/5,6", None, "delete_articles_items", {"ids": ["5", "6"]}),
    ],
)
async def test_ids_and_body_choose_the_mutation(
    door: Any, method: str, path: str, body: Any, root: str, variables: dict[str, Any]
) -> None:
    several = root.endswith(("items", "batch"))
    door.actor = USER
    door.results[root] = [{"_row": {"id": 5}}, None] if several else {"_row": {"id": 5}}
    answer = await door.ask(method, f"/main/items/articles{path}?comment=x&activity_skip=1", json=body)
    ((text, carried),) = door.ran
    assert text.startswith("mutation (")
    assert f"{{ {root}(" in text
    assert carried == {**variables, "comment": "x", "activity_skip": True}
    if method == "DELETE":
        assert (answer.status_code, answer.content, "content-type" in answer.headers) == (204, b"", False)
    else:
        assert (answer.status_code, answer.json()) == (200, {"data": [{"id": 5}] if several else {"id": 5}})


async def test_activity_is_skipped_by_exactly_one(door: Any) -> None:
    door.results["delete_articles_item"] = "5"
    await door.ask("DELETE", "/main/items/articles/5?activity_skip=true")
    assert door.ran[0][1] == {"id": "5"}


async def test_what_cannot_be_read_back_is_no_content(door: Any) -> None:
    door.results["create_articles_item"] = None
    answer = await door.ask("POST", "/main/items/articles", json={"a": 1})
    assert (answer.status_code, answer.text) == (200, '{"public":true}')
    door.actor = USER
    answer = await door.ask("POST", "/main/items/articles", json={"a": 1})
    assert (answer.status_code, answer.content) == (204, b"")


async def test_a_public_delete_says_so(door: Any) -> None:
    door.results["delete_articles_item"] = "5"
    answer = await door.ask("DELETE", "/main/items/articles/5")
    assert (answer.status_code, answer.text) == (200, '{"public":true}')


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "code"),
    [
        ("PATCH", "/main/items/articles", {"a": 1}, 404, 203),
        ("PATCH", "/main/items/articles/1", [{"a": 1}], 422, 12),
        ("PATCH", "/main/items/articles/1,2", [{"a": 1}], 422, 12),
        ("POST", "/main/items/articles", ["a"], 422, 12),
        ("POST", "/main/items/articles", [{"a": 1}, 5], 422, 12),
        ("POST", "/main/items/nosuch", {"a": 1}, 404, 200),
        ("POST", "/main/items/directus_users", {"a": 1}, 401, 201),
        ("GET", "/main/items/directus_users", None, 401, 201),
        ("GET", "/main/items/nosuch", None, 404, 200),
        ("GET", "/main/items/nosuch/1?filter=x", None, 404, 200),
        ("GET", "/main/items/articles?filter=x", None, 422, 12),
        ("POST", "/main/items/articles", None, 400, 13),
        ("POST", "/main/items/nosuch", None, 400, 13),
        ("PATCH", "/main/items/articles/1", None, 400, 13),
        ("GET", "/nosuch/items/articles", None, 401, 3),
        ("GET", "/MAIN/items/articles", None, 401, 3),
        ("GET", "/types", None, 401, 3),
        ("GET", "/main/nosuch", None, 404, 1),
        ("GET", "/main/items", None, 404, 1),
        ("GET", "/main/server/ping", None, 404, 1),
        ("GET", "/server/nosuch", None, 404, 1),
        ("GET", "/main/items/articles?" + "a=1&" * 1001, None, 400, 2),
        ("GET", "/server/ping?" + "a=1&" * 1001, None, 400, 2),
    ],
)
async def test_refusals_run_nothing(door: Any, method: str, path: str, body: Any, status: int, code: int) -> None:
    answer = await door.ask(method, path, json=body)
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
    assert answer.headers["content-type"] == "application/json"
    assert door.ran == []


# Bodies


@pytest.mark.parametrize(
    ("headers", "content"),
    [
        ({"content-type": "application/json;charset=utf-8"}, b'{"a":{"b":1}}'),
        ({"content-type": "application/vnd.api+json"}, b'{"a":{"b":1}}'),
        ({}, b'{"a":{"b":1}}'),
        ({"content-type": "application/x-www-form-urlencoded"}, b"a[b]=1"),
        (
            {"content-type": "multipart/form-data; boundary=x"},
            b'--x\r\nContent-Disposition: form-data; name="a[b]"\r\n\r\n1\r\n'
            b'--x\r\nContent-Disposition: form-data; name="f"; filename="f"\r\n\r\n1\r\n--x--\r\n',
        ),
    ],
)
async def test_bodies_that_are_read(door: Any, headers: dict[str, str], content: bytes) -> None:
    door.results["create_articles_item"] = {"_row": {"id": 5}}
    answer = await door.ask("POST", "/main/items/articles", headers=headers, content=content)
    assert answer.status_code == 200
    number: Any = 1 if b"{" in content else "1"
    assert door.ran[0][1] == {"payload": {"a": {"b": number}}}


@pytest.mark.parametrize(
    ("headers", "content"),
    [
        ({"content-type": "application/json"}, b""),
        ({"content-type": "application/json"}, b"{"),
        ({"content-type": "application/json"}, b"5"),
        ({"content-type": "application/json"}, b'"text"'),
        ({"content-type": "application/json"}, b"null"),
        ({"content-type": "application/json"}, b'{"a": NaN}'),
        ({"content-type": "application/json"}, b'{"a": NaN, "b": "\\ud800"}'),
        ({"content-type": "application/json"}, b'{"a": "\xff"}'),
        ({"content-type": "application/xml"}, b"<a/>"),
        ({"content-type": "text/plain"}, b'{"a":1}'),
        ({"content-type": "application/x-www-form-urlencoded"}, b""),
        ({"content-type": "multipart/form-data"}, b"x"),
        ({"content-type": "multipart/form-data; boundary=x"}, b"nonsense"),
        ({}, b""),
        ({}, b"a=1"),
    ],
)
async def test_bodies_that_are_none(door: Any, headers: dict[str, str], content: bytes) -> None:
    answer = await door.ask("POST", "/main/items/articles", headers=headers, content=content)
    assert (answer.status_code, answer.json()) == (400, {"error": {"code": 13, "message": "Invalid or Empty Payload"}})
    assert door.ran == []


async def test_a_lone_surrogate_is_core_s_to_refuse(door: Any) -> None:
    door.results["create_articles_item"] = {"_row": {"id": 5}}
    json = {"content-type": "application/json"}
    await door.ask("POST", "/main/items/articles", headers=json, content=b'{"a": "\\ud800"}')
    assert door.ran[0][1] == {"payload": {"a": "\ud800"}}


async def test_a_list_in_a_form_is_a_batch(door: Any) -> None:
    door.results["create_articles_items"] = [{"_row": {"id": 5}}]
    form = {"content-type": "application/x-www-form-urlencoded"}
    await door.ask("POST", "/main/items/articles", headers=form, content=b"0[a]=1&1[a]=2")
    assert door.ran[0][1] == {"payload": [{"a": "1"}, {"a": "2"}]}


async def test_bodies_have_a_size_and_a_depth(door: Any) -> None:
    json = {"content-type": "application/json"}
    large = b'{"a":"' + b"x" * (10 * 1024 * 1024) + b'"}'
    answer = await door.ask("POST", "/main/items/articles", headers=json, content=large)
    assert (answer.status_code, answer.json()["error"]["code"]) == (413, 601)

    async def chunks() -> Any:
        for start in range(0, len(large), 1 << 20):
            yield large[start : start + (1 << 20)]

    answer = await door.ask("POST", "/main/items/articles", headers=json, content=chunks())
    assert (answer.status_code, answer.json()["error"]["code"]) == (413, 601)
    deep = b'{"a":' * 65 + b"1" + b"}" * 65
    answer = await door.ask("POST", "/main/items/articles", headers=json, content=deep)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, 2)
    assert door.ran == []
    door.results["create_articles_item"] = None
    fits = b'{"a":' * 64 + b"1" + b"}" * 64
    assert (await door.ask("POST", "/main/items/articles", headers=json, content=fits)).status_code == 200


# Errors of the operation


@pytest.mark.parametrize(
    ("path", "error", "public", "user"),
    [
        ("/main/items/articles", ReadDenied("articles"), (401, 3), (403, 300)),
        ("/main/items/articles?single=1", ReadDenied("articles"), (401, 3), (404, 203)),
        ("/main/items/articles/1", ReadDenied("articles"), (404, 203), (404, 203)),
        ("/main/items/articles/1,2", ReadDenied("articles"), (403, 300), (403, 300)),
        ("/main/items/articles/1", ItemNotFound.with_id(1), (404, 203), (404, 203)),
    ],
)
async def test_denied_reads(
    door: Any, path: str, error: Exception, public: tuple[int, int], user: tuple[int, int]
) -> None:
    door.results["articles"] = door.results["articles_by_id"] = error
    answer = await door.ask("GET", path)
    assert (answer.status_code, answer.json()["error"]["code"]) == public
    assert list(answer.json()) == ["error"]
    door.actor = USER
    answer = await door.ask("GET", path)
    assert (answer.status_code, answer.json()["error"]["code"]) == user


async def test_denied_writes(door: Any) -> None:
    door.results["create_articles_item"] = CreateDenied("articles")
    door.results["update_articles_item"] = UpdateDenied("articles")
    answer = await door.ask("POST", "/main/items/articles", json={})
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, 301)
    answer = await door.ask("PATCH", "/main/items/articles/1", json={})
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, 203)
    door.results["update_articles_item"] = UpdateDenied("articles", level=True)
    answer = await door.ask("PATCH", "/main/items/articles/1", json={})
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, 302)


async def test_internal_errors_say_nothing(door: Any) -> None:
    door.results["articles"] = RuntimeError("select secret from users")
    with capture_logs() as logs:
        answer = await door.ask("GET", "/main/items/articles")
    assert (answer.status_code, answer.json()) == (500, {"error": {"code": None, "message": "Internal Server Error"}})
    assert logs == []  # who ran the operation has logged it


async def test_errors_of_the_adapter_itself_are_logged(door: Any) -> None:
    for found in ({"data": 5}, GraphQLError("no such variable")):
        door.results["articles"] = found
        with capture_logs() as logs:
            answer = await door.ask("GET", "/main/items/articles")
        assert (answer.status_code, answer.json()["error"]["code"]) == (500, None)
        assert [(log["event"], log["route"]) for log in logs] == [("error in the REST adapter", "/items/:collection")]


async def test_a_name_that_is_missed_is_looked_for_on_the_next_edition(door: Any, page: Any) -> None:
    old = door.edition
    run = door.run

    async def again(visit: Any, outcome: Any) -> Any:
        assert isinstance(outcome.errors[0].error, InvalidField)
        door.edition = door._edition(SCHEMA, Names())
        door.results["articles"] = page({"id": 1})
        return await door.enter(None, None)

    async def once(visit: Any, document: Any, variables: Any, **more: Any) -> Any:
        assert (visit.edition is old) == (door.ran == [])
        return await run(visit, document, variables, **more)

    door.again, door.run = again, once
    door.results["articles"] = InvalidField("new", "articles")
    answer = await door.ask("GET", "/main/items/articles?fields=new")
    assert answer.json() == {"data": [{"id": 1}], "public": True}
    assert len(door.ran) == 2


async def test_refused_statements_are_logged(door: Any) -> None:
    door.results["articles"] = QueryFailed()
    with capture_logs() as logs:
        answer = await door.ask("GET", "/main/items/articles")
    assert answer.json() == {"error": {"code": 9, "message": "Failed generating the SQL query."}}
    assert [(log["event"], log["route"]) for log in logs] == [
        ("statement refused by the database", "/items/:collection")
    ]


async def test_errors_of_the_door(door: Any) -> None:
    for error, status, code in ((DatabaseUnavailable(), 500, 11), (LocationNotAllowed(), 401, 19)):
        door.refusal = error
        answer = await door.ask("GET", "/main/items/articles")
        assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)


async def test_a_message_with_half_a_character_can_be_sent(door: Any) -> None:
    door.results["articles"] = ItemNotFound("\ud800")
    assert (await door.ask("GET", "/main/items/articles")).json() == {"error": {"code": 203, "message": "?"}}


# Credentials


@pytest.mark.parametrize(
    ("headers", "query", "kind", "token"),
    [
        ({}, "", "none", None),
        ({"authorization": "bearer abc"}, "", "bearer", "abc"),
        ({"authorization": "Bearer abc"}, "?access_token=xyz", "query", "xyz"),
        ({"authorization": "Bearer abc"}, "?access_token=", "bearer", "abc"),
        ({"authorization": "Basic " + base64.b64encode(b"tok:").decode()}, "", "basic", "tok"),
        ({"authorization": "Basic " + base64.b64encode(b"tok:tok").decode()}, "", "basic", "tok"),
        ({"authorization": "Basic " + base64.b64encode(b"tok:other").decode()}, "", "none", None),
        ({}, "?access_token[]=x", "none", None),
    ],
)
async def test_where_the_token_is_taken_from(
    door: Any, page: Any, headers: dict[str, str], query: str, kind: str, token: str | None
) -> None:
    door.results["articles"] = page()
    await door.ask("GET", f"/main/items/articles{query}", headers=headers)
    ((found),) = [entered["credentials"] for entered in door.entered]
    assert (found.kind, found.token) == (kind, token)


async def test_a_token_in_the_body_of_a_post_is_the_last_resort(door: Any) -> None:
    door.results["create_articles_item"] = None
    door.results["update_articles_item"] = None
    body = {"a": 1, "access_token": "abc"}
    await door.ask("POST", "/main/items/articles", json=body)
    await door.ask("POST", "/main/items/articles", json=body, headers={"authorization": "Bearer xyz"})
    await door.ask("POST", "/main/items/articles?access_token=q", json=body)
    await door.ask("PATCH", "/main/items/articles/1", json=body)
    assert [entered["credentials"].token for entered in door.entered] == ["abc", "xyz", "q", None]
    assert [variables["payload"] for _, variables in door.ran] == [{"a": 1}, body, body, body]


async def test_a_refused_credential_is_challenged_and_the_request_goes_on(door: Any, page: Any) -> None:
    door.results["articles"] = page()
    door.rejected = True
    answer = await door.ask("GET", "/main/items/articles", headers={"authorization": "Bearer abc"})
    assert (answer.status_code, answer.json()) == (200, {"data": [], "public": True})
    assert answer.headers["www-authenticate"] == 'Bearer error="invalid_token"'
    door.results["articles"] = ReadDenied("articles")
    answer = await door.ask("GET", "/main/items/articles", headers={"authorization": "Bearer abc"})
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == 'Bearer error="invalid_token"'


async def test_login_looks_at_no_credential(door: Any) -> None:
    door.results["auth_authenticate"] = {"token": "t", "user": {"id": "7"}, "tfa_pending": False}
    body = {"email": "a@b.c", "password": 5, "otp": ["x"], "access_token": "abc", "mode": "jwt"}
    answer = await door.ask("POST", "/main/auth/authenticate", json=body, headers={"authorization": "Bearer abc"})
    assert answer.text == '{"data":{"token":"t","user":{"id":"7"}},"public":true}'
    assert door.ran[0][1] == {"email": "a@b.c", "password": "5", "mode": "jwt"}
    assert door.entered[0]["credentials"].kind == "none"
    assert door.entered[0]["check_address"] is False


async def test_login_with_a_second_factor_to_be_set_up(door: Any) -> None:
    door.results["auth_authenticate"] = {"token": None, "user": {"id": "7"}, "tfa_pending": True}
    answer = await door.ask("POST", "/main/auth/authenticate?mode=cookie", json={"email": "a@b.c"})
    assert answer.status_code == 200
    assert answer.json() == {
        "data": {"user": {"id": "7"}},
        "error": {"code": 113, "message": "2FA enforced but not activated for user"},
        "public": True,
    }
    assert door.ran[0][1] == {"email": "a@b.c", "mode": "cookie"}


# The rest of the table


async def test_project_info_with_and_without_a_slash(door: Any) -> None:
    door.results["project_info"] = {"json": {"api": {}}}
    for path in ("/main", "/main/"):
        assert (await door.ask("GET", path)).json() == {"data": {"api": {}}, "public": True}


async def test_a_record_of_one_s_own(door: Any) -> None:
    door.results["users_me"] = {"_row": {"id": 7}}
    door.actor = USER
    answer = await door.ask("GET", "/main/users/me?fields=id&meta=*")
    assert answer.json() == {"meta": {"collection": "directus_users", "type": "item"}, "data": {"id": 7}}


async def test_the_server_s_own_routes(door: Any) -> None:
    door.results |= {"server_ping": "pong", "server_projects": ["a", "b"], "create_project": "x", "delete_project": "x"}
    answer = await door.ask("GET", "/server/ping")
    assert (answer.text, answer.headers["content-type"]) == ("pong", "text/html; charset=UTF-8")
    assert (await door.ask("GET", "/server/projects")).json() == {"data": ["a", "b"], "public": True}
    assert (await door.ask("POST", "/server/projects", json={"project": "x"})).json() == {"public": True}
    assert (await door.ask("DELETE", "/server/projects/x?super_admin_token=t")).json() == {"public": True}
    assert [variables for _, variables in door.ran] == [
        {},
        {},
        {"payload": {"project": "x"}},
        {"name": "x", "super_admin_token": "t"},
    ]
    assert door.entered == []


# HTTP


async def test_unknown_methods_are_told_the_known_ones(door: Any) -> None:
    answer = await door.ask("PUT", "/main/items/articles/1")
    assert (answer.status_code, answer.json()) == (405, {"error": {"code": 6, "message": "Method Not Allowed"}})
    assert answer.headers["allow"] == "DELETE, GET, PATCH, HEAD, OPTIONS"
    assert (await door.ask("DELETE", "/main/items/articles")).headers["allow"] == "GET, PATCH, POST, HEAD, OPTIONS"


async def test_one_trailing_slash_makes_no_difference(door: Any, page: Any) -> None:
    door.results["articles"] = page({"id": 1})
    assert (await door.ask("GET", "/main/items/articles/")).json() == {"data": [{"id": 1}], "public": True}
    assert (await door.ask("GET", "/main/items//articles")).status_code == 404


async def test_head_is_get_without_the_body(door: Any, page: Any) -> None:
    door.results["articles"] = page({"id": 1})
    answer = await door.ask("HEAD", "/main/items/articles")
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["content-length"] == str(len('{"data":[{"id":1}],"public":true}'))


async def test_post_may_stand_for_another_method(door: Any) -> None:
    door.results["update_articles_item"] = {"_row": {"id": 1}}
    override = {"X-HTTP-Method-Override": "patch"}
    assert (await door.ask("POST", "/main/items/articles/1", json={"a": 1}, headers=override)).status_code == 200
    assert door.ran[0][1] == {"id": "1", "payload": {"a": 1}}
    assert (await door.ask("GET", "/main/items/articles/1", headers={"X-HTTP-Method-Override": "DELETE"})).status_code
    assert len(door.ran) == 2
    assert door.ran[1][0].startswith("query")
    answer = await door.ask("POST", "/main/items/articles/1", headers={"X-HTTP-Method-Override": "PUT"})
    assert answer.status_code == 405


async def test_what_the_client_has_is_not_sent_again(door: Any, page: Any) -> None:
    door.results["articles"] = page({"id": 1})
    tag = (await door.ask("GET", "/main/items/articles")).headers["etag"]
    assert len(tag) == 34
    for known in (tag, f'"x", W/{tag}', "*"):
        answer = await door.ask("GET", "/main/items/articles", headers={"if-none-match": known})
        assert (answer.status_code, answer.content, answer.headers["etag"]) == (304, b"", tag)
    door.results["articles"] = page({"id": 2})
    answer = await door.ask("GET", "/main/items/articles", headers={"if-none-match": tag})
    assert answer.status_code == 200
    assert answer.headers["etag"] != tag


async def test_the_steps_are_timed(door: Any, page: Any) -> None:
    door.results["articles"] = page()
    timing = (await door.ask("GET", "/main/items/articles")).headers["server-timing"]
    assert [step.split(";")[0] for step in timing.split(", ")] == ["enter", "run", "json"]


async def test_graphql_is_another_application_s(door: Any) -> None:
    for path in ("/gql", "/main/gql", "/main/gql/"):
        answer = await door.ask("POST", path, headers={"origin": "https://app.example.com"})
        assert (answer.status_code, answer.text) == (200, "{}")
        assert answer.headers["access-control-allow-origin"] == "https://app.example.com"
    assert (await door.ask("GET", "/main/items/gql")).status_code == 404


async def test_the_root_leads_to_the_app(door: Any) -> None:
    answer = await door.ask("GET", "/")
    assert (answer.status_code, answer.headers["location"], answer.json()) == (302, "./admin/", {"public": True})


async def test_maintenance_stops_what_names_the_project(door: Any, page: Any) -> None:
    door.paused = True
    door.results["server_ping"] = "pong"
    answer = await door.ask("GET", "/main/items/articles")
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, 21)
    assert answer.headers["access-control-allow-origin"] == "*"
    assert (await door.ask("GET", "/server/ping", headers={"X-Directus-Project": "main"})).status_code == 503
    assert (await door.ask("GET", "/server/ping")).text == "pong"
    assert (await door.ask("OPTIONS", "/main/items/articles")).status_code == 200
    assert door.entered == []
