"""Bad input at both doors: the spec's refusal, nothing changed, nothing told (spec 03 §16, 04 §2).

Hostile text goes into every position that takes a name or a value. What is asserted of every answer: a status that the
spec knows and no internal error, no text of ours or of a driver, no header of the client's making; and that all rows
of all tables are what they were. What may reach a database is tried on all three, what cannot on SQLite alone.
"""

from __future__ import annotations

import base64
import json
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import quote

import httpx2
import pytest

import app
from tests.api.newsroom import FIELDS, Newsroom, newsroom
from tests.backends import fresh_database

HOSTILE = (
    "'", '"', "`", "\\", "%", "_", "--", "/*", ";", "'; DROP TABLE people; --", '" OR 1=1 --', "` OR 1=1 -- ",
    "1) OR (1=1", "1;SELECT pg_sleep(9)", "' UNION SELECT password FROM directus_users --", "\x00", "a\x00b", "\n",
    "\r\nX-Injected: 1", "$1", "?", "%s", "%(x)s", ":id", "{0}", "NULL", "1e999", "9" * 400, "9223372036854775808",
    "NaN", "Infinity", "0x10", "١", "[]", '{"a":1}', "__class__", "owner.password", "*.*.*", "a." * 60 + "b", "." * 50,
    "-", ",,,", "x" * 5000, "2020-13-45", "0000-00-00", "99999-01-01", "\ufeff", "İ", "🙂", "\u202e", " ", "-1", "1,2",
)  # fmt: skip
OPERATORS = (
    "eq", "neq", "lt", "lte", "gt", "gte", "in", "nin", "between", "nbetween", "null", "nnull", "empty", "nempty",
    "contains", "ncontains", "rlike", "nrlike",
)  # fmt: skip
KNOWN = frozenset({200, 204, 400, 401, 403, 404, 405, 409, 413, 422})
LEAKS = (
    "Traceback", "sqlalchemy", "asyncpg", "aiosqlite", "asyncmy", "sqlite3", " AS c0", 'FROM "', "FROM `", ".py",
    "$argon2", "syntax error at", 'near "', "MariaDB", "PostgreSQL", "Errno", "object at 0x", "NoneType",
)  # fmt: skip


@pytest.fixture(scope="module")
async def server(dialect: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Newsroom]:
    async with served(dialect, tmp_path_factory) as found:
        yield found


@pytest.fixture(scope="module")
async def alone(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Newsroom]:
    async with served("sqlite", tmp_path_factory) as found:
        yield found


@asynccontextmanager
async def served(dialect: str, folders: pytest.TempPathFactory) -> AsyncIterator[Newsroom]:
    folder = folders.mktemp("hostile")
    with fresh_database(dialect, folder) as url:
        async with newsroom(url, folder / "data") as found:
            found.app = app.compose(found.projects)
            yield found


@pytest.fixture
async def api(server: Newsroom) -> AsyncIterator[Newsroom]:
    """The newsroom on each database; after the test every row is what it was."""
    async with unchanged(server):
        yield server


@pytest.fixture
async def one(alone: Newsroom) -> AsyncIterator[Newsroom]:
    """The newsroom on SQLite alone; after the test every row is what it was."""
    async with unchanged(alone):
        yield alone


@asynccontextmanager
async def unchanged(room: Newsroom) -> AsyncIterator[None]:
    await room.refill()
    before = await room.everything()
    yield
    assert await room.everything() == before


def harmless(answer: httpx2.Response, sent: str) -> httpx2.Response:
    """The answer, which is one that the spec knows and tells nothing."""
    text = answer.text
    assert answer.status_code in KNOWN, (sent[:200], answer.status_code, text[:300])
    assert "x-injected" not in answer.headers, sent[:200]
    told = [leak for leak in LEAKS if leak in text and leak not in sent]
    assert not told, (sent[:200], told, text[:300])
    if text and answer.headers["content-type"] == "application/json":
        body = answer.json()
        if isinstance(body, dict) and "errors" in body:
            for error in body["errors"]:
                assert error["extensions"]["category"] == "graphql", (sent[:200], error)
                assert error["extensions"].get("code") != 9, (sent[:200], error)
        elif answer.status_code >= 400:
            assert list(body) == ["error"], text[:300]
            assert isinstance(body["error"]["code"], int), text[:300]
    return answer


def escaped(text: str) -> str:
    return quote(text, safe="")


async def gql(api: Newsroom, query: str, token: str | None = "admin-token", **variables: Any) -> httpx2.Response:
    return await api.ask("POST", "/gql", token, json={"query": query, "variables": variables})


def refusals(answer: httpx2.Response) -> tuple[Any, ...]:
    """Codes of a GraphQL answer that is refused whole."""
    body = answer.json()
    assert not any((body.get("data") or {}).values()), body
    return tuple(error["extensions"].get("code") for error in body["errors"])


# Both doors say the same

BOTH = [
    pytest.param("filter[nope]=1", 'where: [{field: "nope", value: 1}]', (422, 202), id="unknown field in a filter"),
    pytest.param("filter[author.nope]=1", 'where: [{field: "author.nope"}]', (404, 202), id="unknown field in a path"),
    pytest.param("filter[nope.name]=1", 'where: [{field: "nope.name"}]', (404, 202), id="unknown relation"),
    pytest.param("filter[title.name]=1", 'where: [{field: "title.name"}]', (404, 202), id="no relation"),
    pytest.param("filter[title][is]=1", 'where: [{field: "title", op: "is"}]', (422, 214), id="unknown operator"),
    pytest.param("filter[title][EQ]=1", 'where: [{field: "title", op: "EQ"}]', (422, 214), id="operator in capitals"),
    pytest.param("filter[title][has]=1", 'where: [{field: "title", op: "has"}]', (422, 12), id="has of a column"),
    pytest.param("filter[comments][lt]=1", 'where: [{field: "comments", op: "lt"}]', (422, 12), id="lt of a list"),
    pytest.param("sort=nope", 'sort: ["nope"]', (422, 202), id="unknown field to sort by"),
    pytest.param("sort=author.name", 'sort: ["author.name"]', (422, 202), id="a path to sort by"),
    pytest.param("sort=comments", 'sort: ["comments"]', (422, 12), id="a list to sort by"),
    pytest.param("groups=nope", 'groups: ["nope"]', (422, 202), id="unknown field to group by"),
    pytest.param("filter[" + "author." * 20 + "name]=1", f'where: [{{field: "{"author." * 20}name"}}]', (422, 12),
                 id="a long path"),
]  # fmt: skip


@pytest.mark.parametrize(("query", "arguments", "refusal"), BOTH)
async def test_what_cannot_be_asked(api: Newsroom, query: str, arguments: str, refusal: tuple[int, int]) -> None:
    answer = harmless(await api.ask("GET", f"/items/articles?{query}"), query)
    assert (answer.status_code, answer.json()["error"]["code"]) == refusal
    typed = harmless(await gql(api, f"{{ articles({arguments}) {{ data {{ id }} }} }}"), arguments)
    assert refusals(typed) == (refusal[1],)


@pytest.mark.parametrize(
    ("fields", "refusal"),
    [
        (["nope"], (422, 202)),
        (["author.nope"], (422, 202)),
        (["nope.*"], (422, 202)),
        (["*." * 11 + "*"], (422, 12)),
        (["author." * 11 + "name"], (422, 12)),
    ],
)
async def test_fields_that_are_not_there(api: Newsroom, fields: list[str], refusal: tuple[int, int]) -> None:
    answer = harmless(await api.ask("GET", f"/items/articles?fields={','.join(fields)}"), str(fields))
    assert (answer.status_code, answer.json()["error"]["code"]) == refusal
    typed = await gql(api, "query($f: [String!]) { articles { data { _row(fields: $f) } } }", f=fields)
    assert refusals(harmless(typed, str(fields))) == (refusal[1],)


async def test_what_is_unknown(one: Newsroom) -> None:
    for method in ("GET", "POST", "PATCH", "DELETE"):
        for project in ("nope", "MAIN", "main%00", "..", "%2e%2e", "main'"):
            answer = harmless(await one.ask(method, f"//{project}/items/articles", json={"title": "x"}), project)
            assert (answer.status_code, answer.json()["error"]["code"]) == (401, 3), project
    for token in ("admin-token", None):
        for collection in ("nope", "Articles", "articles%00", "articles%20", "art*", "articles;--", '"articles"'):
            answer = harmless(await one.ask("GET", f"/items/{collection}", token), collection)
            assert (answer.status_code, answer.json()["error"]["code"]) == (404, 200), collection
        for collection in ("directus_users", "directus_settings", "directus_user_sessions"):
            answer = harmless(await one.ask("GET", f"/items/{collection}", token), collection)
            assert (answer.status_code, answer.json()["error"]["code"]) == (401, 201), collection
    for path in ("/nope", "/items", "/items/articles/1/2/3", "/items/%2e%2e/users", "/%2e%2e/main/items/articles"):
        answer = harmless(await one.ask("GET", path), path)
        assert (answer.status_code, answer.json()["error"]["code"]) in ((404, 1), (404, 200), (401, 3)), path
    for name in ("nope", "Articles", "directus_webhooks_", "__proto__"):
        answer = harmless(await gql(one, f"{{ {name} {{ data {{ id }} }} }}"), name)
        assert answer.json()["errors"][0]["message"].startswith("Cannot query field"), name


async def test_wrong_methods(one: Newsroom) -> None:
    for method, path in (
        ("PUT", "/items/articles/1"), ("DELETE", "/items/articles"), ("SEARCH", "/items/articles"),
        ("POST", "/items/articles/1"), ("PATCH", "/auth/authenticate"), ("PUT", "/users/me"), ("TRACE", "/"),
        ("PUT", "/gql"), ("DELETE", "/gql"), ("PATCH", "/gql"), ("GET", "/auth/authenticate"),
        ("X" * 300, "/items/articles"), ("G\x00T", "/items/articles"),
    ):  # fmt: skip
        answer = harmless(await one.ask(method, path), method)
        assert (answer.status_code, answer.json()["error"]["code"]) == (405, 6), (method, path)
        assert answer.headers["allow"]
    for override in ("GET", "PUT", "TRACE", "nonsense", "'", "PATCH,DELETE"):
        answer = await one.ask("POST", "/items/articles/1", json={"x": 1}, headers={"X-HTTP-Method-Override": override})
        assert (answer.status_code, answer.json()["error"]["code"]) == (405, 6), override


# Hostile text in REST

Where = Callable[[str], str]
NAMES: dict[str, Where] = {
    "project": lambda h: f"//{h or 'x'}/items/articles",
    "collection": lambda h: f"/items/{h}",
    "collection of an item": lambda h: f"/items/{h}/1",
    "table without key": lambda h: f"/items/keyless/{h}",
    "path": lambda h: f"/{h}",
    "more path": lambda h: f"/items/articles/1/{h}",
    "sort": lambda h: f"/items/articles?sort={h}",
    "sort as a list": lambda h: f"/items/articles?sort[]={h}&sort[]=-id",
    "sort as a map": lambda h: f"/items/articles?sort[{h}]=id",
    "fields": lambda h: f"/items/articles?fields={h}",
    "fields below": lambda h: f"/items/articles?fields=author.{h},comments.{h}",
    "fields above": lambda h: f"/items/articles?fields={h}.*",
    "filter": lambda h: f"/items/articles?filter={h}",
    "filter field": lambda h: f"/items/articles?filter[{h}][eq]=1",
    "filter path": lambda h: f"/items/articles?filter[author.{h}][eq]=1",
    "filter relation": lambda h: f"/items/articles?filter[{h}.name][eq]=1",
    "filter operator": lambda h: f"/items/articles?filter[title][{h}]=1",
    "filter connector": lambda h: f"/items/articles?filter[id]=1&filter[title][eq]=x&filter[title][logical]={h}",
    "filter index": lambda h: f"/items/articles?filter[title][{h}][eq]={h}",
    "groups": lambda h: f"/items/articles?groups={h}",
    "meta": lambda h: f"/items/articles?meta={h}",
    "single": lambda h: f"/items/articles?single={h}",
    "a name of a parameter": lambda h: f"/items/articles?{h}={h}&{h}[{h}]={h}",
    "fields of": lambda h: f"/fields/{h}",
    "field": lambda h: f"/fields/articles/{h}",
    "collection's record": lambda h: f"/collections/{h}",
    "own record": lambda h: f"/users/me?fields={h}",
}
VALUES: dict[str, Where] = {
    "id": lambda h: f"/items/articles/{h}",
    "ids": lambda h: f"/items/articles/1,{h}",
    "text id": lambda h: f"/items/tokens/{h}",
    "filter value nested": lambda h: f"/items/articles?filter[title][eq][{h}]={h}",
    "has": lambda h: f"/items/articles?filter[comments][all]={h}&filter[categories][in]={h}",
    "q": lambda h: f"/items/articles?q={h}&meta=*",
    "status": lambda h: f"/items/articles?status={h}&meta=*",
    "lang": lambda h: f"/items/articles?lang={h}&fields=*.*",
    "limit": lambda h: f"/items/articles?limit={h}",
    "offset": lambda h: f"/items/articles?limit=2&offset={h}",
    "page": lambda h: f"/items/articles?limit=2&page={h}&meta=*",
    "collections": lambda h: f"/collections?filter[collection]={h}&q={h}",
    "relation": lambda h: f"/relations/{h}?fields={h}",
}


@pytest.mark.parametrize("position", NAMES)
async def test_hostile_names_in_a_url(one: Newsroom, position: str) -> None:
    for text in HOSTILE:
        harmless(await one.ask("GET", NAMES[position](escaped(text))), text)


@pytest.mark.parametrize("position", VALUES)
async def test_hostile_values_in_a_url(api: Newsroom, position: str) -> None:
    for text in HOSTILE:
        harmless(await api.ask("GET", VALUES[position](escaped(text))), text)


async def test_what_is_no_utf_8(one: Newsroom) -> None:
    for where in (*NAMES.values(), *VALUES.values()):
        for text in ("%ff", "%ed%a0%80", "%c0%80", "%f5%80%80%80", "%", "%zz", "%u0041"):
            harmless(await one.ask("GET", where(text)), text)


@pytest.mark.parametrize("field", [name for name in FIELDS["articles"] if name not in ("comments", "categories")])
async def test_hostile_values_with_every_operator(api: Newsroom, field: str) -> None:
    for text in (*HOSTILE, "x" * 500):
        value = escaped(text)
        if len(value) > 2000:
            continue  # eighteen times in one URL
        conditions = "&".join(f"filter[{field}][{at}][{operator}]={value}" for at, operator in enumerate(OPERATORS))
        harmless(await api.ask("GET", f"/items/articles?fields=id&filter[{field}][logical]=or&{conditions}"), text)


async def test_hostile_values_are_no_conditions(api: Newsroom) -> None:
    for text in ("' OR '1'='1", '" OR ""="', "1 OR 1=1", "x') OR 1=1 --", "%", "_", "\\", "%%", "A_a", "Ad%"):
        value = escaped(text)
        for operator in ("eq", "in", "contains", "between"):
            answer = await api.ask("GET", f"/items/people?fields=id&filter[name][{operator}]={value}")
            assert answer.json() == {"data": []}, (text, operator)
        for operator in ("neq", "nin", "ncontains"):
            answer = await api.ask("GET", f"/items/people?fields=id&filter[name][{operator}]={value}")
            assert answer.json() == {"data": [{"id": 1}, {"id": 2}]}, (text, operator)
        assert (await api.ask("GET", f"/items/people?q={value}")).json() == {"data": []}, text
        assert (await api.ask("GET", f"/items/tokens/{value}")).status_code == 404, text


# Hostile text in bodies

BODIES: tuple[Any, ...] = (
    None, True, 0, -1, 1.5, 1e308, 2**63, -(2**63) - 1, [], {}, [1], {"a": 1}, [[1]], [{"a": [{}]}], [None],
    {"id": 1}, {"id": None}, {"id": [1]}, {"id": {"id": 1}}, {"$delete": True}, [{"$delete": True}],
    [{"id": 1, "$delete": "x"}], [{"id": 1, "$delete": True}, {"id": 1}], "a" * 70_000, [{"id": "x"}],
    {"id": "x", "name": "y"}, {"name": {"a": 1}}, [{"category": {"id": 99}}], [{"category": [1]}],
)  # fmt: skip


@pytest.mark.parametrize("field", [*FIELDS["articles"], "nope"])
async def test_hostile_values_in_a_payload(server: Newsroom, field: str) -> None:
    await server.refill()
    for value in (*BODIES, *HOSTILE[::3]):
        harmless(await server.ask("POST", "/items/articles", json={"title": "t", field: value}), str(value))
        harmless(await server.ask("PATCH", "/items/articles/1", json={field: value}), str(value))
    await server.refill()


@pytest.mark.parametrize("field", [*FIELDS["articles"], "nope"])
async def test_a_payload_that_is_refused_changes_nothing(alone: Newsroom, field: str) -> None:
    await alone.refill()
    (file,) = {row[2] for row in await alone.rows("PRAGMA database_list")}
    beside = sqlite3.connect(file)
    try:
        for value in (*BODIES, *HOSTILE):
            for method, path, body in (
                ("POST", "/items/articles", [{"title": "fine"}, {"title": "t", field: value}]),
                ("PATCH", "/items/articles", [{"id": 2, field: value}, {"id": 99, "title": "t"}]),
                ("PATCH", "/items/articles/1,2", {"title": "fine", field: value}),
            ):
                before = beside.execute("PRAGMA data_version").fetchone()
                answer = harmless(await alone.ask(method, path, json=body), str(value))
                if answer.status_code >= 400:
                    assert beside.execute("PRAGMA data_version").fetchone() == before, (method, path, value)
    finally:
        beside.close()


async def test_hostile_names_in_a_payload(one: Newsroom) -> None:
    for text in HOSTILE:
        for method, path, body in (
            ("POST", "/items/articles", {"title": "t", text: 1}),
            ("POST", "/items/articles", {"title": "t", "author": {"name": "x", text: 1}}),
            ("POST", "/items/articles", {"title": "t", "comments": [{"text": "x", text: 1}]}),
            ("PATCH", "/items/articles/1", {text: text}),
            ("PATCH", f"/items/nope{escaped(text)}/1", {"title": "x"}),
            ("POST", f"/items/nope{escaped(text)}", {"title": "x"}),
            ("POST", f"/items/articles?fields=nope{escaped(text)}", {"title": "x"}),
        ):
            answer = harmless(await one.ask(method, path, json=body), text)
            assert answer.status_code in (404, 422), (method, path, text[:60], answer.text[:200])


async def test_hostile_ids_change_nothing(api: Newsroom) -> None:
    for text in HOSTILE:
        if text in ("1,2",):
            continue
        for table in ("articles", "tokens"):
            for method, body in (("PATCH", {"json": {"title": "x", "label": "x"}}), ("DELETE", {})):
                answer = harmless(await api.ask(method, f"/items/{table}/{escaped(text)}", **body), text)
                assert answer.status_code in (404, 405, 422), (text, answer.text)


async def test_hostile_text_is_stored_as_it_is(server: Newsroom) -> None:
    await server.refill()
    for text in HOSTILE:
        answer = harmless(await server.ask("POST", "/items/articles", json={"title": "x", "body": text}), text)
        if "\x00" in text:  # no database but SQLite has it; the same on all
            assert (answer.status_code, answer.json()["error"]["code"]) == (422, 4), text
            continue
        assert (answer.status_code, answer.json()["data"]["body"]) == (200, text), text
    assert [row[0] for row in await server.rows("SELECT name FROM people ORDER BY id")] == ["Ada", "Bob"]


# Bodies that are none

BROKEN = (
    b"", b" ", b"{", b"[", b'{"title"', b"{'title': 1}", b'{"title": 1,}', b"nope", b"1", b'"x"', b"null", b"true",
    b"NaN", b'{"title": NaN}', b'{"title": Infinity}', b'{"title": "\xff"}', b'{"title": "\xed\xa0\x80"}',
    b"\xef\xbb\xbf{}",
    b'{"title": "\x01"}', b"<title/>", b"title=x", b"\x00" * 100, b"[" * 100_000, b'{"a":' * 100_000,
)  # fmt: skip


@pytest.mark.parametrize("type_", ["application/json", "application/vnd.api+json", "text/plain", "", "x/y; charset=z"])
async def test_bodies_that_are_none(one: Newsroom, type_: str) -> None:
    for body in BROKEN:
        for method, path in (("POST", "/items/articles"), ("PATCH", "/items/articles/1"), ("PATCH", "/items/articles")):
            answer = await one.ask(method, path, content=body, headers={"Content-Type": type_} if type_ else {})
            harmless(answer, body[:100].decode("latin-1"))
            assert (answer.status_code, answer.json()["error"]["code"]) == (400, 13), (method, path, body[:50])


async def test_bodies_of_too_many_levels(one: Newsroom) -> None:
    for levels in (65, 900):
        for body in (
            b'{"title": "x", "extra": ' + b"[" * levels + b"]" * levels + b"}",
            b'{"author": ' * levels + b"1" + b"}" * levels,
        ):
            answer = await one.ask(
                "POST", "/items/articles", content=body, headers={"Content-Type": "application/json"}
            )
            assert (answer.status_code, answer.json()["error"]["code"]) == (400, 2), levels


async def test_a_lone_surrogate_is_no_text(api: Newsroom) -> None:
    for field in ("title", "body", "slug", "tags", "extra", "secret"):
        content = b'{"title": "x", "%s": "\\ud800"}' % field.encode()
        answer = await api.ask("POST", "/items/articles", content=content, headers={"Content-Type": "application/json"})
        assert harmless(answer, field).status_code in (400, 422), (field, answer.text)
    query = b'{"query": "{ articles(q: \\"\\\\ud800\\") { data { id } } }"}'
    harmless(await api.ask("POST", "/gql", content=query), "")
    variables = b'{"query": "query($q: String) { articles(q: $q) { data { id } } }", "variables": {"q": "\\ud800"}}'
    harmless(await api.ask("POST", "/gql", content=variables), "")


async def test_forms_that_are_none(one: Newsroom) -> None:
    for type_, body in (
        ("multipart/form-data", b"--x\r\n"),
        ("multipart/form-data; boundary=", b"--\r\n"),
        ("multipart/form-data; boundary=x", b"--x\r\n"),
        ("multipart/form-data; boundary=x", b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n1'),
        ("multipart/form-data; boundary=" + "x" * 5000, b"x"),
        ("application/x-www-form-urlencoded", b""),
        ("application/x-www-form-urlencoded", b"a" + b"[b]" * 1000 + b"=1"),
        ("application/x-www-form-urlencoded", b"&".join(b"a%d=1" % number for number in range(1001))),
        ("application/xml", b"<a/>"),
    ):
        answer = await one.ask("POST", "/items/articles", content=body, headers={"Content-Type": type_})
        assert harmless(answer, type_).status_code == 400, (type_, answer.text)
        assert answer.json()["error"]["code"] in (2, 13)


async def test_bodies_that_are_too_large(one: Newsroom) -> None:
    body = b'{"title": "' + b"x" * 11_000_000 + b'"}'
    answer = await one.ask("POST", "/items/articles", content=body, headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (413, 601)
    assert harmless(await one.ask("POST", "/gql", content=body), "").status_code == 413


# GraphQL

VARIABLES: dict[str, tuple[str, bool]] = {
    # position: (document, whether the variable is a list)
    "sort": ("query($h: [String!]) { articles(sort: $h) { data { id } } }", True),
    "q": ("query($h: String) { articles(q: $h) { data { id } meta { filter_count } } }", False),
    "status": ("query($h: [String!]) { articles(status: $h) { data { id } } }", True),
    "groups": ("query($h: [String!]) { articles(groups: $h) { data { id } } }", True),
    "lang": ("query($h: String) { articles(lang: $h) { data { id title } } }", False),
    "id": ("query($h: Int) { articles(id: $h) { data { id } } }", False),
    "text id": ("query($h: ID) { tokens(id: $h) { data { code } } }", False),
    "ids": ("query($h: [ID!]) { articles(ids: $h) { data { id } } tokens(ids: $h) { data { code } } }", True),
    "by id": ("query($h: ID!) { articles_by_id(id: $h) { id } }", False),
    "limit": ("query($h: Int) { articles(limit: $h) { data { id } } }", False),
    "where field": ("query($h: String!) { articles(where: [{field: $h, value: 1}]) { data { id } } }", False),
    "where op": ("query($h: String!) { articles(where: [{field: \"title\", op: $h}]) { data { id } } }", False),
    "where value": (
        """query($h: JSON) { articles(where: [
          {field: "title", value: $h}, {field: "id", op: "in", value: $h}, {field: "created_on", op: "gt", value: $h},
          {field: "rating", op: "between", value: $h}, {field: "featured", value: $h},
          {field: "author.name", op: "contains", value: $h}
        ]) { data { id } } }""",
        False,
    ),
    "filter": (
        """query($h: String) { articles(filter: {title_eq: $h, id_in: $h, created_on_between: $h, rating_in: $h,
          author: {name_contains: $h}, comments_all: $h}) { data { id } } }""",
        False,
    ),
    "filter of numbers": ("query($h: Int) { articles(filter: {views_gt: $h}) { data { id } } }", False),
    "filter of decimals": ("query($h: Float) { articles(filter: {rating_gt: $h}) { data { id } } }", False),
    "filter of dates": ("query($h: Datetime) { articles(filter: {created_on_gt: $h}) { data { id } } }", False),
    "filter of booleans": ("query($h: Boolean) { articles(filter: {featured_eq: $h}) { data { id } } }", False),
    "row": ("query($h: [String!]) { articles { data { _row(fields: $h) } } }", True),
    "group by": ("query($h: [String!]) { articles_aggregate(group_by: $h) { group count } }", True),
    "measure": (
        "query($h: String!) { articles_aggregate { sum(field: $h) min(field: $h) count(field: $h) } }", False,
    ),
    "sort of groups": ("query($h: [String!]) { articles_aggregate(group_by: \"author\", sort: $h) { count } }", True),
    "having": ("query($h: String!) { articles_aggregate(having: [{field: $h, op: $h, value: 1}]) { count } }", False),
    "sort below": ("query($h: [String!]) { articles { data { comments(sort: $h) { id } } } }", True),
    "where below": (
        """query($h: JSON) { articles { data {
          comments(where: [{field: "text", op: "contains", value: $h}]) { id }
        } } }""",
        False,
    ),
    "collection": ("query($h: String) { directus_collections(name: $h, q: $h) { data { collection } } }", False),
    "collection by id": ("query($h: ID!) { directus_collections_by_id(collection: $h) { collection } }", False),
    "field": ("query($h: ID!) { directus_fields_by_id(collection: $h, field: $h) { field } }", False),
    "users": ("query($h: String!) { directus_users(where: [{field: $h, value: 1}]) { data { id } } }", False),
    "token": ("mutation($h: String) { auth_refresh(token: $h) { token } }", False),
    "update id": ("mutation($h: ID!) { update_people_item(id: $h, data: {nope: 1}) { id } }", False),
}  # fmt: skip
OTHERS: tuple[Any, ...] = (
    None, True, 0, 1, -1, 2**31, 10**25, 1.5, 1e308, [], {}, [1], [[1]], {"a": 1}, [None], ["id", None], [{"a": 1}],
)  # fmt: skip


@pytest.mark.parametrize("position", VARIABLES)
async def test_hostile_variables(api: Newsroom, position: str) -> None:
    document, listed = VARIABLES[position]
    for value in (*HOSTILE, *OTHERS):
        sent = [value] if listed and isinstance(value, str) else value
        answer = harmless(await gql(api, document, h=sent), str(value))
        assert answer.status_code == 200, (value, answer.text)


async def test_what_is_never_shown_is_no_condition(api: Newsroom) -> None:
    """It would tell a password bit by bit (spec 02 §9.1): no condition, no search, no order, no group."""

    async def users(arguments: str, token: str = "admin-token") -> httpx2.Response:
        return harmless(await gql(api, f"{{ directus_users{arguments} {{ data {{ id }} }} }}", token), arguments)

    whole = (await users("")).json()["data"]
    assert len(whole["directus_users"]["data"]) == 4
    for field in ("password", "password_reset_token"):
        for operator in ("contains", "null", "eq", "gt", "in"):
            condition = f'(where: [{{field: "{field}", op: "{operator}", value: "a"}}])'
            assert refusals(await users(condition)) == (215,), condition
        assert (await users(f'(sort: ["-{field}"])')).json()["data"] == whole
        assert refusals(await users(f'(groups: ["{field}"])')) == (215,)
    stored = await api.rows("SELECT password FROM directus_users WHERE id = 1")
    for text in (stored[0][0][:12], "argon", "editor-token"):
        assert (await users(f'(q: "{text}")')).json()["data"] == {"directus_users": {"data": []}}, text
    for field in ("password", "token", "2fa_secret", "email"):
        answer = await api.ask("GET", f"/items/articles?filter[owner.{field}][contains]=a", "editor-token")
        assert (answer.status_code, answer.json()["error"]["code"]) == (403, 215), field


DOCUMENTS: dict[str, Callable[[str], Any]] = {
    "name": lambda h: {"query": f"{{ {h} {{ data {{ id }} }} }}"},
    "argument": lambda h: {"query": f"{{ articles({h}: 1) {{ data {{ id }} }} }}"},
    "alias": lambda h: {"query": f"{{ {h}: articles {{ data {{ id }} }} }}"},
    "string": lambda h: {"query": f'{{ articles(q: "{h}") {{ data {{ id }} }} }}'},
    "block string": lambda h: {"query": f'{{ articles(q: """{h}""") {{ data {{ id }} }} }}'},
    "number": lambda h: {"query": f"{{ articles(limit: {h}) {{ data {{ id }} }} }}"},
    "literal": lambda h: {"query": f'{{ articles(where: [{{field: "views", value: {h}}}]) {{ data {{ id }} }} }}'},
    "directive": lambda h: {"query": f"{{ articles @{h} {{ data {{ id }} }} }}"},
    "operation": lambda h: {"query": "query a { users_me { id } }", "operationName": h},
    "variables": lambda h: {"query": "{ users_me { id } }", "variables": h},
    "name of a variable": lambda h: {"query": "{ users_me { id } }", "variables": {h: h}},
    "extensions": lambda h: {"query": "{ users_me { id } }", "extensions": h},
    "document": lambda h: {"query": h},
    "query as a list": lambda h: {"query": [h]},
    "member": lambda h: {"query": "{ users_me { id } }", h: h},
    "batch": lambda h: [h],
}


@pytest.mark.parametrize("position", DOCUMENTS)
async def test_hostile_documents(one: Newsroom, position: str) -> None:
    for text in HOSTILE:
        harmless(await one.ask("POST", "/gql", json=DOCUMENTS[position](text)), text)


async def test_bodies_that_are_no_documents(one: Newsroom) -> None:
    for body in BROKEN:
        harmless(await one.ask("POST", "/gql", content=body), body[:100].decode("latin-1"))
    for text in HOSTILE:
        harmless(await one.ask("GET", f"/gql?query={escaped(text)}"), text)
        harmless(await one.ask("GET", f"/gql?query=%7Busers_me%7Bid%7D%7D&variables={escaped(text)}"), text)


def nested(levels: int) -> str:
    return "{ categories { data " + "{ parent " * levels + "{ id }" + "}" * levels + " } }"


@pytest.mark.parametrize(
    ("document", "said"),
    [
        pytest.param(nested(12), "too deep", id="relations"),
        pytest.param(nested(2000), "nested too deeply", id="more relations"),
        pytest.param("{" * 100_000, "Syntax Error", id="brackets"),
        pytest.param("{ articles(ids: " + "[" * 3000 + "]" * 3000 + ") { data { id } } }", "too deeply", id="lists"),
        pytest.param("{ articles(filter: " + "{and: [" * 300 + "{}" + "]}" * 300 + ") { data { id } } }", "too deeply",
                     id="filters"),
        pytest.param("{ " + " ".join(f"a{n}: articles {{ meta {{ type }} }}" for n in range(101)) + " }", "wide",
                     id="root fields"),
        pytest.param("{ articles { data { " + " ".join(f"a{n}: title" for n in range(501)) + " } } }", "aliases",
                     id="aliases"),
        pytest.param("{ articles { data { " + "id " * 2001 + " } } }", "too large", id="fields"),
        pytest.param("{ articles { data { " + "id " * 10_000 + " } } }", "8000 tokens", id="tokens"),
        pytest.param("{ articles { data { id } } } #" + "x" * 200_000, "too long", id="length"),
        pytest.param("{ articles { data { ...f0 } } } " + " ".join(
            f"fragment f{n} on ArticlesItem {{ ...f{n + 1} ...f{n + 1} }}" for n in range(40)
        ) + " fragment f40 on ArticlesItem { id }", "too large", id="doubling fragments"),
        pytest.param("{ articles { data { ...a } } } fragment a on ArticlesItem { ...a }", "within itself",
                     id="a fragment in itself"),
        pytest.param("{ __schema { types { fields { type { fields { type { fields { type { name } } } } } } } } }",
                     "introspection depth", id="introspection"),
    ],
)  # fmt: skip
async def test_documents_that_are_too_much(one: Newsroom, document: str, said: str) -> None:
    body = harmless(await gql(one, document), document).json()
    assert list(body) == ["errors"], body
    assert said in body["errors"][0]["message"], body["errors"][0]["message"][:200]
    assert len(body["errors"]) <= 3


async def test_filters_that_are_too_much(api: Newsroom) -> None:
    many = "&".join(f"filter[title][{number}][eq]=x" for number in range(501))
    assert await api.refusal("GET", f"/items/articles?{many}") == (422, 12)
    most = "&".join(f"filter[title][{number}][neq]=x" for number in range(500))
    assert (await api.ask("GET", f"/items/articles?fields=id&{most}")).status_code == 200
    where = [{"field": "title", "value": "x"}] * 501
    document = "query($w: [Condition!]) { articles(where: $w) { data { id } } }"
    assert refusals(harmless(await gql(api, document, w=where), "")) == (12,)
    tree: Any = {"id_eq": 1}
    for _ in range(11):
        tree = {"and": [tree]}
    document = "query($f: ArticlesFilter) { articles(filter: $f) { data { id } } }"
    assert refusals(harmless(await gql(api, document, f=tree), "")) == (12,)
    for _ in range(20):  # the body may have 64 levels
        tree = {"or": [tree]}
    harmless(await gql(api, document, f=tree), "")
    wide = {"or": [{"title_contains": f"x{number}"} for number in range(501)]}
    assert refusals(harmless(await gql(api, document, f=wide), "")) == (12,)


async def test_long_lists_of_values_are_one_statement(api: Newsroom) -> None:
    store = await api.projects.get("main").store()
    numbers = ",".join(map(str, range(9000)))
    for query in (
        f"filter[id][in]={numbers}",
        f"filter[views][nin]=-{numbers.replace(',', ',-')}",
        f"filter[title][nin]={numbers}",
    ):
        before = store.statements_total
        answer = harmless(await api.ask("GET", f"/items/articles?fields=id&{query}"), query)
        assert answer.json() == {
            "data": [{"id": 1}, {"id": 2}, {"id": 3}, {"id": 4}][: 4 if "views" not in query else 3]
        }, query[:30]
        assert store.statements_total - before == 2
    answer = await api.ask("GET", f"/items/articles/{numbers}?fields=id")
    assert [one["id"] for one in answer.json()["data"]] == [1, 2, 3, 4]  # 5 is soft-deleted
    for method in ("PATCH", "DELETE"):
        body = {"json": {"title": "x"}} if method == "PATCH" else {}
        answer = await api.ask(method, f"/items/articles/{numbers}", **body)
        assert answer.status_code == 404, answer.text  # 0 is none


# Credentials


def jwt(header: Any, claims: Any, signature: bytes = b"x") -> str:
    def part(value: Any) -> str:
        raw = value if isinstance(value, bytes) else json.dumps(value).encode()
        return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()

    return f"{part(header)}.{part(claims)}.{part(signature)}"


CLAIMS = {"id": 1, "role": 1, "type": "auth", "project": "main", "exp": 4_000_000_000, "key": "x", "ttl": 20}
TOKENS = (
    "x", " ", "ADMIN-TOKEN", "ádmin-token", "admin-token\x00", "admin-token,admin-token",
    "a.b.c", "..", "a" * 50_000, "null", "undefined", "0", "1", "true", "%00",
    jwt({"alg": "none", "typ": "JWT"}, CLAIMS, b""), jwt({"alg": "none"}, CLAIMS), jwt({"alg": "HS256"}, CLAIMS, b""),
    jwt({"alg": "HS256"}, CLAIMS), jwt({"alg": "RS256"}, CLAIMS), jwt({"alg": "HS256", "kid": "../../x"}, CLAIMS),
    jwt({"alg": ["HS256"]}, CLAIMS), jwt([], CLAIMS), jwt(b"\xff", CLAIMS), jwt({"alg": "HS256"}, []),
    jwt({"alg": "HS256"}, b"{"), jwt({"alg": "HS256"}, {**CLAIMS, "exp": "never"}), jwt({"alg": "HS256"}, {}),
    jwt({"alg": "HS256", "b64": False, "crit": ["b64"]}, CLAIMS), "' OR 1=1 --", "é", "\u202e",
)  # fmt: skip


async def test_tokens_that_are_none(api: Newsroom) -> None:
    for token in TOKENS:
        ways: list[dict[str, Any]] = [
            {"headers": {"Authorization": f"Bearer {token}".encode()}},
            {"headers": {"Authorization": b"Basic " + base64.b64encode(f"{token}:".encode())}},
            {"headers": {"Cookie": f"directus-main-session={quote(token)}".encode()}},
        ]
        if len(token) < 10_000:
            ways.append({"params": {"access_token": token}})
        for way in ways:
            answer = harmless(await api.ask("GET", "/items/articles", None, **way), token)
            assert (answer.status_code, answer.json()["error"]["code"]) == (401, 3), (token[:60], way)
            public = await api.ask("GET", "/items/categories", None, **way)
            assert (public.status_code, public.json()["public"]) == (200, True), (token[:60], way)
        answer = await api.ask("POST", "/gql", None, json={"query": "{ articles { data { id } } }"}, **ways[0])
        assert refusals(harmless(answer, token)) == (300,), token[:60]
        body = {"access_token": token, "name": "x"}
        answer = harmless(await api.ask("POST", "/items/people", None, json=body), token)
        assert (answer.status_code, answer.json()["error"]["code"]) == (403, 301), token[:60]


async def test_headers_that_are_none(one: Newsroom) -> None:
    for value in (
        b"Bearer", b"Bearer ", b"Basic", b"Basic !!!", b"Basic Og==", b"Digest x", b"\xff\xfe", b"", b"Bearer a b",
        b"Basic " + base64.b64encode(b"\xff:\xff"), b"Basic " + base64.b64encode(b"admin-token:other"),
    ):  # fmt: skip
        answer = harmless(await one.ask("GET", "/items/articles", None, headers={"Authorization": value}), "")
        assert (answer.status_code, answer.json()["error"]["code"]) == (401, 3), value
    for name in (
        "X-Forwarded-For",
        "X-Forwarded-Host",
        "Host",
        "Origin",
        "User-Agent",
        "Accept",
        "If-None-Match",
        "Cookie",
    ):
        for value in (b"'", b"\xff", b"x" * 5000, b"a,b,c", b"::::", b"<script>", b"http://evil.example/\\"):
            answer = await one.ask("GET", "/items/people?fields=id&meta=*", headers={name: value})
            assert harmless(answer, value.decode("latin-1")).status_code == 200, (name, value)


async def test_logins_that_are_none(server: Newsroom) -> None:
    await server.refill()
    api, email = server, "admin@example.com"
    for text in HOSTILE[::4]:
        answer = await api.ask("POST", "/auth/authenticate", None, json={"email": text, "password": "x"})
        assert harmless(answer, text).status_code in (404, 422), text
        body = {"email": f"{text}@example.com", "password": text, "otp": text, "mode": text}
        assert harmless(await api.ask("POST", "/auth/authenticate", None, json=body), text).status_code in (404, 422)
        answer = await api.ask("POST", "/auth/refresh", None, json={"token": text})
        assert harmless(answer, text).status_code in (401, 422), text
    for value in BODIES:
        for body in ({"email": value, "password": "x"}, {"email": "a@b.c", "password": value}, {"token": value}):
            path = "/auth/refresh" if "token" in body else "/auth/authenticate"
            answer = harmless(await api.ask("POST", path, None, json=body), str(value))
            assert answer.status_code in (401, 404, 422), (body, answer.text)
    for mode in ("nope", "'", ["jwt"], 1):
        answer = await api.ask("POST", "/auth/authenticate", None, json={"email": email, "password": "x", "mode": mode})
        assert harmless(answer, str(mode)).status_code in (404, 422), mode
    attempts = await server.rows("SELECT action, item FROM directus_activity")
    assert set(attempts) <= {("invalid-credentials", "1")}
