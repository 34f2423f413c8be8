"""Lists as files, on three databases: the same items under the same rights, and cells that no spreadsheet runs."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from app import compose
from core import stream
from tests.api.newsroom import Newsroom, newsroom
from tests.backends import fresh_database


@pytest.fixture(scope="module")
async def server(dialect: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Newsroom]:
    folder = tmp_path_factory.mktemp("export")
    with fresh_database(dialect, folder) as url:
        async with newsroom(url, folder / "data") as found:
            found.app = compose(found.projects)
            yield found


@pytest.fixture(params=(2, 1000), ids=("small chunks", "one chunk"))
async def api(server: Newsroom, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Newsroom:
    monkeypatch.setattr(stream, "CHUNK", request.param)
    monkeypatch.setattr(stream, "CHUNK_OF_MANY", request.param)
    await server.refill()
    return server


def _rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text, newline=""), strict=True))


async def test_csv_has_columns_in_order_and_values_as_rest_shows_them(api: Newsroom) -> None:
    answer = await api.ask("GET", "/items/articles?export=csv&sort=id&limit=2")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert (
        answer.headers["content-disposition"] == "attachment; filename=\"articles.csv\"; filename*=UTF-8''articles.csv"
    )
    assert answer.headers["cache-control"] == "private, no-store"
    assert "etag" not in answer.headers
    assert answer.text == (
        "id,status,title,slug,body,views,rating,featured,author,tags,extra,secret,owner,created_on\r\n"
        '1,published,One,a1,,10,4.5,true,1,"[""x"",""y""]","{""k"":[1]}",,1,2020-01-01T10:00:00+00:00\r\n'
        "2,published,Two,a2,,20,,false,2,[],,,3,2020-01-02T10:00:00+00:00\r\n"
    )


async def test_related_items_are_dotted_columns_and_lists_json(api: Newsroom) -> None:
    fields = "id,author.id,author.name,comments.text,categories.category.name"
    answer = await api.ask("GET", f"/items/articles?export=csv&sort=id&fields={fields}")
    first, _, third, _ = _rows(answer.text)
    assert list(first) == ["id", "author.id", "author.name", "categories", "comments"]  # lists by name, as in REST
    assert first == {
        "id": "1",
        "author.id": "1",
        "author.name": "Ada",
        "comments": '[{"text":"first"},{"text":"second"}]',
        "categories": '[{"category":{"name":"News"}},{"category":{"name":"Tech"}}]',
    }
    assert third == {"id": "3", "author.id": "", "author.name": "", "comments": "[]", "categories": "[]"}


@pytest.mark.parametrize("token", ["admin-token", "editor-token", "writer-token"])
@pytest.mark.parametrize(
    "query", ["", "&fields=*.*&sort=-id", "&filter[views][gt]=5&status=*", "&q=o&offset=1&limit=1"]
)
async def test_json_and_ndjson_are_the_items_of_the_list(api: Newsroom, query: str, token: str) -> None:
    limit = "" if "limit" in query else "&limit=-1"
    expected = (await api.get(f"/items/articles?x=1{query}{limit}", token))["data"]
    whole = await api.ask("GET", f"/items/articles?export=json{query}", token)
    assert whole.headers["content-type"] == "application/json"
    assert whole.json() == expected
    lines = await api.ask("GET", f"/items/articles?export=ndjson{query}", token)
    assert lines.headers["content-type"] == "application/x-ndjson"
    assert [json.loads(line) for line in lines.text.splitlines()] == expected
    table = await api.ask("GET", f"/items/articles?export=csv{query}", token)
    assert [row["id"] for row in _rows(table.text)] == [str(item["id"]) for item in expected]
    assert ("secret" in table.text.partition("\r\n")[0].split(",")) == (token != "editor-token")


async def test_nothing_is_a_file_as_well(api: Newsroom) -> None:
    path = "/items/tokens?filter[code]=none&export="
    assert (await api.ask("GET", path + "csv")).text == "code,label\r\n"
    assert (await api.ask("GET", path + "json")).text == "[]\n"
    assert (await api.ask("GET", path + "ndjson")).text == ""


async def test_formulas_are_text_and_numbers_numbers(api: Newsroom) -> None:
    titles = ["=1+1", "+1", "-1", "@x", "\tx", "'=1", "'plain", "a,b", 'say "x"']
    for number, title in enumerate(titles):
        payload = {"title": title, "status": "draft", "slug": f"f{number}", "views": -number, "rating": -1.5}
        assert (await api.ask("POST", "/items/articles", json=payload)).status_code == 200
    answer = await api.ask(
        "GET", "/items/articles?export=csv&fields=title,views,rating&sort=id&filter[slug][contains]=f"
    )
    rows = _rows(answer.text)
    assert [row["title"] for row in rows] == [
        "'=1+1", "'+1", "'-1", "'@x", "'\tx", "''=1", "'plain", "a,b", 'say "x"',
    ]  # fmt: skip
    assert [row["views"] for row in rows] == [str(-number) for number in range(9)]
    assert {row["rating"] for row in rows} == {"-1.5"}


async def test_what_was_exported_can_be_imported(api: Newsroom) -> None:
    payload = {"title": "=x", "slug": "'=y", "body": "", "tags": ["a", "=b"], "extra": {"a": [1, "=z"]}, "views": -7}
    assert (await api.ask("PATCH", "/items/articles/1", json=payload)).status_code == 200
    before = await api.get("/items/articles?limit=-1&sort=id")
    fields = "fields=*,-secret,-owner,-created_on"
    for form, media in (("csv", "text/csv"), ("json", "application/json"), ("ndjson", "application/x-ndjson")):
        file = await api.ask("GET", f"/items/articles?export={form}&{fields}")
        for item in before["data"]:
            await api.ask("PATCH", f"/items/articles/{item['id']}", json={"title": "?", "views": 1})
        answer = await api.ask(
            "POST", "/items/articles/import?key=id", content=file.content, headers={"content-type": media}
        )
        assert answer.status_code == 200, answer.text
        assert answer.json()["data"] == {"created": 0, "updated": 4, "failed": 0, "errors": []}
        assert await api.get("/items/articles?limit=-1&sort=id") == before


async def test_what_may_not_be_listed_may_not_be_exported(api: Newsroom) -> None:
    assert await api.refusal("GET", "/items/articles?export=xml") == (422, 12)
    assert await api.refusal("GET", "/items/articles?export=") == (422, 12)
    assert await api.refusal("GET", "/items/articles?export=csv&fields=nope") == (422, 202)
    assert await api.refusal("GET", "/items/articles?export=csv&where=x") == (422, 12)
    assert await api.refusal("GET", '/items/articles?export=csv&where=[{"op":"eq"}]') == (422, 12)
    assert await api.refusal("GET", "/items/articles?export=csv&filter[secret]=x", "editor-token") == (403, 215)
    assert await api.refusal("GET", "/items/articles?export=csv", "nobody-token") == (403, 300)
    assert await api.refusal("GET", "/items/articles?export=csv", None) == (401, 3)
    assert await api.refusal("GET", "/items/nowhere?export=csv") == (404, 200)
    assert await api.refusal("GET", "/items/directus_users?export=csv") == (401, 201)
    mine = _rows((await api.ask("GET", "/items/articles?export=csv&status=*", "writer-token")).text)
    assert [row["id"] for row in mine] == ["2", "3"]


async def test_graphql_hands_out_the_address_of_the_file(api: Newsroom) -> None:
    query = """query($where: [Condition!]) {
      export_items(
        collection: "articles", format: "ndjson", fields: ["id", "title"], where: $where, sort: ["-id"], limit: 3
      ) {
        url filename type
      }
    }"""
    where = [{"field": "views", "op": "gte", "value": 20}, {"field": "title", "value": "One & only", "or": True}]
    found = (await api.graphql(query, where=where))["data"]["export_items"]
    assert (found["filename"], found["type"]) == ("articles.ndjson", "application/x-ndjson")
    prefix = "http://api.example.com/main"
    assert found["url"].startswith(prefix + "/items/articles?export=ndjson&")
    file = await api.ask("GET", found["url"].removeprefix(prefix))
    assert [json.loads(line) for line in file.text.splitlines()] == [
        {"id": 3, "title": "50% off"},
        {"id": 2, "title": "Two"},
    ]
    mine = await api.ask("GET", found["url"].removeprefix(prefix), "writer-token")
    assert [json.loads(line)["id"] for line in mine.text.splitlines()] == [3, 2]
    assert await _refused(api, '{ export_items(collection: "articles", format: "xml") { url } }') == 12
    assert await _refused(api, '{ export_items(collection: "directus_users") { url } }') == 201
    assert await _refused(api, '{ export_items(collection: "nowhere") { url } }') == 200
    assert await _refused(api, '{ export_items(collection: "articles") { url } }', "nobody-token") == 300


async def _refused(api: Newsroom, query: str, token: str = "admin-token") -> Any:
    found = await api.graphql(query, token)
    assert found["data"] is None
    (error,) = found["errors"]
    return error["extensions"]["code"]
