"""GraphQL over HTTP: the audits of the specification (graphql-http 1.23, 61 of 61), v8's oddities, the explorer."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest

import app
from schema import endpoint
from tests.api.newsroom import Newsroom, newsroom

NEW, OLD = "application/graphql-response+json", "application/json"
PING = "{ __typename }"
NAMED = "query Query { __typename }"
TYPED = "query Type($name: String!) { __type(name: $name) { name } }"
COERCE = "query CoerceFailure($id: ID!) { __typename }"
UNKNOWN = "{ a8f31403dfe404bccbb0e835f2629c6a7 }"
NO_OBJECT = ("string", 0, False, ["array"])
NO_STRING = ({"obj": "ect"}, 0, False, ["array"])


@pytest.fixture(scope="module")
async def api(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Newsroom]:
    folder = tmp_path_factory.mktemp("http")
    async with newsroom(f"sqlite:///{folder}/x.db", folder / "data") as found:
        found.app = app.compose(found.projects)
        yield found


def accepts(media: str | None, **more: str) -> dict[str, str]:
    return {"accept": media or "*/*", **more}


async def post(api: Newsroom, body: Any, media: str | None = None, **more: Any) -> httpx2.Response:
    return await api.ask("POST", "/gql", json=body, headers=accepts(media), **more)


# The audits, one line each: what is posted, what is accepted, the status, and whether there may be errors and data

OK = (200, False)
WRONG = (400, True)
AUDITS: list[tuple[str, Any, str | None, tuple[int, bool]]] = [
    ("22EB", {"query": PING}, NEW, OK),
    ("4655", {"query": PING}, OLD, OK),
    ("47DE", {"query": PING}, "*/*", OK),
    ("80D8", {"query": PING}, None, OK),
    ("BF61", {"query": '{ __type(name: "Run🏃Swim🏊") { name } }'}, None, OK),
    ("423L", {"notquery": PING}, NEW, WRONG),
    *((f"LKJ{n}", {"query": one}, None, WRONG) for n, one in enumerate(NO_STRING)),
    ("34A2", {"query": PING}, NEW, OK),
    ("13EE", {"query": PING}, OLD, OK),
    *((f"6C0{n}", {"operationName": one, "query": PING}, None, WRONG) for n, one in enumerate(NO_STRING)),
    ("8161", {"operationName": "Query", "query": NAMED}, NEW, OK),
    ("B8B3", {"operationName": "Query", "query": NAMED}, OLD, OK),
    *(
        (f"{code}{n}", {"query": PING, name: None}, media, OK)
        for n, name in enumerate(("variables", "operationName", "extensions"))
        for code, media in (("94B", NEW), ("022", OLD))
    ),
    *((f"476{n}", {"query": PING, "variables": one}, None, WRONG) for n, one in enumerate(NO_OBJECT)),
    ("2EA1", {"query": TYPED, "variables": {"name": "sometype"}}, NEW, OK),
    ("28B9", {"query": TYPED, "variables": {"name": "sometype"}}, OLD, OK),
    *((f"58B{n}", {"query": PING, "extensions": one}, None, WRONG) for n, one in enumerate(NO_OBJECT)),
    ("428F", {"query": PING, "extensions": {"some": "value"}}, NEW, OK),
    ("1B7A", {"query": PING, "extensions": {"some": "value"}}, OLD, OK),
    ("8764", {"qeury": PING}, None, WRONG),
    ("572B", {"query": "{"}, OLD, (200, True)),
    ("FDE2", {"query": UNKNOWN}, OLD, (200, True)),
    ("7B9B", {"query": COERCE, "variables": {"id": None}}, OLD, (200, True)),
    ("556A", {"query": "{"}, NEW, WRONG),
    ("74FF", {"query": UNKNOWN}, NEW, WRONG),
    ("86EE", {"query": COERCE, "variables": {"id": None}}, NEW, WRONG),
]


@pytest.mark.parametrize(("code", "body", "media", "wanted"), AUDITS, ids=[one[0] for one in AUDITS])
@pytest.mark.parametrize("path", ["/gql", "//gql"])
async def test_an_audit(api: Newsroom, path: str, code: str, body: Any, media: str | None, wanted: Any) -> None:
    headers = {} if media is None else {"accept": media}
    answer = await api.ask("POST", path, json=body, headers=headers)
    assert answer.status_code == wanted[0]
    assert ("errors" in answer.json()) is wanted[1]
    assert ("data" in answer.json()) is not wanted[1]
    expected = NEW if media == NEW and code != "423L" else OLD
    assert answer.headers["content-type"] == expected
    answer.content.decode("utf-8")


async def test_audits_of_bodies_and_methods(api: Newsroom) -> None:
    plain = await api.ask(
        "POST", "/gql", content=b'{"query": "{ __typename }"}', headers={"content-type": "text/plain"}
    )
    assert plain.status_code == 415  # 9ABE
    for body in (b"", b'{ "not a JSON'):
        for media in (OLD, NEW):
            answer = await api.ask("POST", "/gql", content=body, headers=accepts(media, **{"content-type": OLD}))
            assert answer.status_code == 400  # A5BF, BCF8, B7N8
            assert "data" not in answer.json()
    answer = await api.ask("GET", "/gql?query=%7B__typename%7D")
    assert answer.json() == {"data": {"__typename": "Query"}}  # 5A70
    for media in (OLD, NEW):
        params = {"query": TYPED, "variables": '{"name": "ArticlesItem"}'}
        answer = await api.ask("GET", "/gql", params=params, headers=accepts(media))
        assert answer.json() == {"data": {"__type": {"name": "ArticlesItem"}}}  # D6D5, 6A70
        answer = await api.ask("GET", "/gql", params={"query": "mutation { __typename }"}, headers=accepts(media))
        assert (answer.status_code, answer.headers["allow"]) == (405, "POST")  # 9C48
        assert list(answer.json()) == ["errors"]


async def test_a_mutation_by_get_changes_nothing(api: Newsroom) -> None:
    before = await api.everything()
    answer = await api.ask("GET", "/gql", params={"query": 'mutation { delete_comments_item(id: "1") }'})
    assert answer.status_code == 405
    two = 'query A { __typename } mutation B { delete_comments_item(id: "1") }'
    answer = await api.ask("GET", "/gql", params={"query": two, "operationName": "B"})
    assert answer.status_code == 405
    answer = await api.ask("GET", "/gql", params={"query": two, "operationName": "A"})
    assert answer.json() == {"data": {"__typename": "Query"}}
    assert await api.everything() == before


# v8


SYNTAX_ERROR = {
    "errors": [
        {
            "message": "Syntax Error: Unexpected <EOF>",
            "extensions": {"category": "graphql"},
            "locations": [{"line": 1, "column": 1}],
        }
    ]
}


@pytest.mark.parametrize(
    ("content", "type_"),
    [
        (b"{}", OLD),
        (b'{"query": ""}', OLD),
        (b'{"query": null}', OLD),
        (b'{"variables": {"a": 1}}', OLD),
        (b'"text"', OLD),
        (b"not JSON", "application/x-www-form-urlencoded"),
        (b"", "application/x-www-form-urlencoded"),
        (b"not JSON", None),
    ],
)
async def test_a_body_without_query_is_a_syntax_error_with_200(
    api: Newsroom, content: bytes, type_: str | None
) -> None:
    headers = {} if type_ is None else {"content-type": type_}
    answer = await api.ask("POST", "/gql", content=content, headers=headers)
    assert (answer.status_code, answer.json()) == (200, SYNTAX_ERROR)


@pytest.mark.parametrize(
    "type_", [None, "application/x-www-form-urlencoded", "application/xml", "application/graphql+json"]
)
async def test_the_content_type_is_not_looked_at(api: Newsroom, type_: str | None) -> None:
    headers = {} if type_ is None else {"content-type": type_}
    answer = await api.ask("POST", "/gql", content=b'{"query": "{ __typename }", "variables": []}', headers=headers)
    assert (answer.status_code, answer.json()) == (200, {"data": {"__typename": "Query"}})


async def test_every_token_transport_works(api: Newsroom) -> None:
    query = {"query": "{ users_me { id } }"}
    answer = await api.ask("POST", "/gql?access_token=admin-token", None, json=query)
    assert answer.json() == {"data": {"users_me": {"id": "1"}}}
    answer = await api.ask("POST", "/gql", None, json=query, auth=("admin-token", ""))
    assert answer.json() == {"data": {"users_me": {"id": "1"}}}


@pytest.mark.parametrize(
    ("method", "path"),
    [("PUT", "/gql"), ("DELETE", "/gql"), ("PATCH", "/gql"), ("GET", "/gql"), ("GET", "//gql"), ("DELETE", "//gql")],
)
async def test_other_methods_are_not_allowed(api: Newsroom, method: str, path: str) -> None:
    answer = await api.ask(method, path)
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, POST, OPTIONS")
    assert answer.json() == {"error": {"code": 6, "message": "Method Not Allowed"}}


async def test_an_unknown_project_is_unauthorized(api: Newsroom) -> None:
    answer = await api.ask("POST", "//nope/gql", json={"query": PING})
    assert (answer.status_code, answer.json()) == (401, {"error": {"code": 3, "message": "Unauthorized request"}})


# Additions


async def test_the_operation_is_named(api: Newsroom) -> None:
    two = "query A { a: __typename } query B { b: __typename }"
    assert (await post(api, {"query": two, "operationName": "B"})).json() == {"data": {"b": "Query"}}
    for name, message in ((None, "Must provide operation name"), ("C", "Unknown operation named 'C'")):
        answer = (await post(api, {"query": two, "operationName": name})).json()
        assert answer["errors"][0]["message"].startswith(message)
        assert "data" not in answer


async def test_a_batch_is_answered_in_order_and_bounded(api: Newsroom) -> None:
    answer = await post(api, [{"query": PING}, {"query": "{"}, {}, {"query": "{ people(limit: 1) { data { name } } }"}])
    assert answer.status_code == 200
    assert [list(one) for one in answer.json()] == [["data"], ["errors"], ["errors"], ["data"]]
    for body in ([], [{"query": PING}] * 21):
        assert (await post(api, body)).status_code == 400


async def test_what_is_too_large_is_refused(api: Newsroom, monkeypatch: pytest.MonkeyPatch) -> None:
    answer = await post(api, {"query": "{ " + "a " * 200_000 + "}"})
    assert answer.json()["errors"][0]["message"] == "The query is too long: at most 200000 characters are allowed."
    monkeypatch.setattr(endpoint, "MAX_BODY", 100)
    answer = await post(api, {"query": PING, "variables": {"a": "x" * 200}})
    assert (answer.status_code, answer.json()["error"]["code"]) == (413, 601)
    answer = await api.ask("POST", "/gql", content=b"[" * 5000, headers={"content-type": OLD})
    assert answer.status_code in (400, 413)


async def test_the_schema_is_asked_for_by_itself(api: Newsroom) -> None:
    answer = (await post(api, {"query": "{ __schema { types { name } } people { data { id } } }"})).json()
    assert answer == {
        "errors": [
            {
                "message": "The schema must be asked for by itself, without data.",
                "extensions": {"category": "graphql"},
                "locations": [{"line": 1, "column": 1}],
            }
        ]
    }


async def test_subscriptions_and_experimental_directives_are_unknown(api: Newsroom) -> None:
    answer = (await post(api, {"query": "subscription { people { data { id } } }"})).json()
    assert list(answer) == ["errors"]
    answer = (await post(api, {"query": "{ people @stream { data { id } } }"})).json()
    assert list(answer) == ["errors"]


# The explorer


async def test_a_browser_sees_the_explorer_from_our_own_files(api: Newsroom) -> None:
    for path, shown in (("/gql", "/main/gql"), ("//gql", "/gql")):
        answer = await api.ask("GET", path, None, headers={"accept": "text/html,application/xhtml+xml,*/*;q=0.8"})
        assert answer.status_code == 200
        assert answer.headers["content-type"] == "text/html; charset=utf-8"
        assert "script-src 'self'" in answer.headers["content-security-policy"]
        assert f'data-endpoint="{shown}"' in answer.text
        files = re.findall(r'(?:src|href)="([^"]+)"', answer.text)
        assert len(files) == 7
        for file in files:
            assert file.startswith(("/gql/assets/", "data:,"))
            if file.startswith("/"):
                assert (await api.ask("GET", "/" + file, None)).status_code == 200, file


async def test_no_other_file_is_served(api: Newsroom) -> None:
    for path in (
        "//gql/assets/nope.js",
        "//gql/assets/%2e%2e/README.md",
        "//gql/assets/..%2f..%2fendpoint.py",
        "//gql/assets/",
    ):
        answer = await api.ask("GET", path, None)
        assert (answer.status_code, answer.json()) == (404, {"error": {"code": 1, "message": "Not Found"}})


async def test_a_browser_with_a_query_gets_the_answer(api: Newsroom) -> None:
    answer = await api.ask("GET", "/gql", params={"query": PING}, headers={"accept": "text/html"})
    assert answer.json() == {"data": {"__typename": "Query"}}


# The server's schema


async def test_what_needs_no_project(api: Newsroom) -> None:
    answer = await api.ask("POST", "//gql", None, json={"query": "{ server_ping server_projects }"})
    assert answer.json() == {"data": {"server_ping": "pong", "server_projects": ["main"]}}
    answer = await api.ask("POST", "//gql", None, json={"query": "{ articles { data { id } } }"})
    assert answer.json()["errors"][0]["message"] == "Cannot query field 'articles' on type 'Query'."


async def test_the_server_tells_of_itself_to_the_super_admin(api: Newsroom, monkeypatch: pytest.MonkeyPatch) -> None:
    async def ask(token: str | None) -> Any:
        query = "query($t: String) { server_info(super_admin_token: $t) { version json } }"
        answer = await api.ask("POST", "//gql", None, json={"query": query, "variables": {"t": token}})
        return answer.json()

    monkeypatch.setattr(type(api.projects), "_super_admin_token", lambda self: "super")
    assert [(await ask(token))["errors"][0]["extensions"]["code"] for token in (None, "wrong")] == [4, 3]
    found = (await ask("super"))["data"]["server_info"]
    assert found["version"] == found["json"]["directus"] == "8.8.1"
    assert list(found["json"]) == ["directus", "server", "php", "permissions", "python"]
    assert set(found["json"]["php"]["extensions"].values()) == {True}


async def test_projects_are_made_and_dropped_by_the_super_admin_only(api: Newsroom) -> None:
    body = {
        "project": "second",
        "db_type": "sqlite",
        "db_name": "second.sqlite",
        "user_email": "a@example.com",
        "user_password": "secret",
    }
    create = "mutation($p: JSON) { create_project(payload: $p) }"
    delete = 'mutation($t: String) { delete_project(name: "second", super_admin_token: $t) }'

    async def ask(query: str, **variables: Any) -> Any:
        return (await api.ask("POST", "//gql", None, json={"query": query, "variables": variables})).json()

    (error,) = (await ask(create, p=body))["errors"]
    assert error["extensions"]["code"] == 4
    (error,) = (await ask(create))["errors"]
    assert error["extensions"]["code"] == 13
    (error,) = (await ask(create, p={**body, "super_admin_token": "guess"}))["errors"]
    assert error["extensions"]["code"] == 3
    assert api.projects.keys() == ["main"]
    (api.projects.settings.data / "config").mkdir(exist_ok=True)
    (api.projects.settings.data / "config" / "__api.json").write_text('{"super_admin_token": "super"}')
    assert await ask(create, p={**body, "super_admin_token": "super"}) == {"data": {"create_project": "second"}}
    assert api.projects.keys() == ["main", "second"]
    answer = await api.ask("POST", "//second/gql", None, json={"query": "{ project_info { name } }"})
    assert answer.json() == {"data": {"project_info": {"name": "Directus"}}}
    (error,) = (await ask(delete, t="wrong"))["errors"]
    assert error["extensions"]["code"] == 3
    assert await ask(delete, t="super") == {"data": {"delete_project": "second"}}
    assert api.projects.keys() == ["main"]
