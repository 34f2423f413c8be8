"""Files of items come in over REST and GraphQL, whole or row by row, on the whole stack and three databases."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from core.projects import Project
from tests.api.newsroom import Newsroom, newsroom
from tests.backends import fresh_database

CSV = {"content-type": "text/csv"}
IMPORT = """
    mutation($collection: String!, $data: JSON!, $format: String, $atomic: Boolean, $key: String) {
      import_items(collection: $collection, data: $data, format: $format, atomic: $atomic, key: $key) {
        created updated failed errors { row code message problems }
      }
    }
"""


@pytest.fixture(scope="module")
async def server(dialect: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Newsroom]:
    folder = tmp_path_factory.mktemp("import")
    with fresh_database(dialect, folder) as url:
        async with newsroom(url, folder / "data") as found:
            yield found


@pytest.fixture
async def api(server: Newsroom) -> Newsroom:
    await server.refill()
    return server


async def send(api: Newsroom, collection: str, text: str | bytes, query: str = "", **more: Any) -> Any:
    """The report of an import over REST."""
    headers = more.pop("headers", CSV)
    raw = text if isinstance(text, bytes) else text.encode()
    answer = await api.ask("POST", f"/items/{collection}/import?{query}", headers=headers, content=raw, **more)
    assert answer.status_code == 200, answer.text
    return answer.json()["data"]


async def run(api: Newsroom, collection: str, data: Any, token: str = "admin-token", **more: Any) -> Any:
    """The report, or the extensions of the error, of an import over GraphQL."""
    found = await api.graphql(IMPORT, token, collection=collection, data=data, **more)
    return found["errors"][0]["extensions"] if "errors" in found else found["data"]["import_items"]


def report(created: int = 0, updated: int = 0, failed: int = 0, errors: Any = ()) -> dict[str, Any]:
    return {"created": created, "updated": updated, "failed": failed, "errors": list(errors)}


# Forms


ARTICLES = (
    "title,status,views,rating,featured,author,tags,extra,created_on\r\n"
    '\'=Sum,draft,12,1.5,true,1,"a,b","{""k"": [1]}",\r\n'
    '"two\r\nlines",draft,,,,,,,\r\n'
)
EXPECTED = [("=Sum", 12, 1.5, True, 1, ["a", "b"], {"k": [1]}), ("two\r\nlines", None, None, None, None, [], None)]


async def test_cells_mean_what_their_fields_are(api: Newsroom) -> None:
    assert await send(api, "articles", ARTICLES) == report(created=2)
    rows = (await api.get("/items/articles?sort=-id&limit=2&status=draft"))["data"][::-1]
    names = ("title", "views", "rating", "featured", "author", "tags", "extra")
    assert [tuple(row[name] for name in names) for row in rows] == EXPECTED
    history = await api.rows("SELECT action, collection FROM directus_activity")
    assert history == [("create", "articles")] * 2
    assert len(await api.rows("SELECT id FROM directus_revisions")) == 2


PEOPLE = [{"name": "Zoe", "email": "z@example.org"}, {"name": "Yan", "email": None}]


@pytest.mark.parametrize(
    ("text", "headers", "query"),
    [
        ("name,email\nZoe,z@example.org\nYan,\n", CSV, ""),
        ("name;email\nZoe;z@example.org\nYan;\n", CSV, "delimiter=;"),
        (
            "\ufeffname,email\r\nZoe,z@example.org\r\nYan,\r\n",
            {"content-type": "application/octet-stream"},
            "format=csv",
        ),
        (json.dumps(PEOPLE), {"content-type": "application/json"}, ""),
        ("\n".join(json.dumps(one) for one in PEOPLE), {"content-type": "application/x-ndjson"}, ""),
        (json.dumps(PEOPLE), {}, "format=JSON"),
    ],
)
async def test_a_file_in_every_form(api: Newsroom, text: str, headers: dict[str, str], query: str) -> None:
    assert await send(api, "people", text, query, headers=headers) == report(created=2)
    assert await api.rows("SELECT name, email FROM people WHERE name IN ('Zoe', 'Yan') ORDER BY id") == [
        ("Zoe", "z@example.org"),
        ("Yan", None),
    ]


@pytest.mark.parametrize(
    ("data", "more"),
    [
        ("name,email\nZoe,z@example.org\nYan,\n", {"format": "csv"}),
        (json.dumps(PEOPLE), {"format": "json"}),
        ("\n".join(json.dumps(one) for one in PEOPLE), {"format": "ndjson"}),
        (PEOPLE, {}),
    ],
)
async def test_text_and_lists_by_graphql(api: Newsroom, data: Any, more: dict[str, str]) -> None:
    assert await run(api, "people", data, **more) == report(created=2)
    assert len(await api.rows("SELECT id FROM people WHERE name IN ('Zoe', 'Yan')")) == 2


async def test_a_form_with_one_file(api: Newsroom) -> None:
    answer = await api.ask(
        "POST",
        "/items/people/import",
        files={"upload": ("people.csv", b"name\nZoe\n", "application/octet-stream")},
        data={"note": "ignored"},
    )
    assert answer.json() == {"data": report(created=1)}
    for files in (
        [("a", ("a.csv", b"name\nA\n")), ("b", ("b.csv", b"name\nB\n"))],
        [("a", (None, b"name\nA\n"))],
    ):
        assert await api.refusal("POST", "/items/people/import", files=files) == (422, 4)


async def test_nested_items_come_in_as_json(api: Newsroom) -> None:
    rows = [{"title": "with comments", "status": "draft", "comments": [{"text": "one"}, {"text": "two"}]}]
    assert await run(api, "articles", rows) == report(created=1)
    assert await api.rows("SELECT text FROM comments WHERE text IN ('one', 'two') ORDER BY id") == [("one",), ("two",)]


async def test_an_item_may_be_called_import(api: Newsroom) -> None:
    await api.ask("POST", "/items/tokens", json={"code": "import", "label": "x"})
    assert await api.get("/items/tokens/import") == {"data": {"code": "import", "label": "x"}}
    assert (await api.ask("PATCH", "/items/tokens/import", json={"label": "y"})).status_code == 200
    assert (await api.ask("DELETE", "/items/tokens/import")).status_code == 204


@pytest.mark.parametrize(
    ("form", "media"), [("csv", "text/csv"), ("json", "application/json"), ("ndjson", "application/x-ndjson")]
)
async def test_what_was_exported_comes_in_as_it_was(api: Newsroom, form: str, media: str) -> None:
    item = {"title": "=1+1", "body": 'a,"b"\r\nc', "tags": ["a", "b c"], "extra": {"x": [1, None]}, "status": "draft"}
    assert (await api.ask("POST", "/items/articles", json=item)).status_code == 200
    names = ("id", "status", "title", "slug", "body", "views", "rating", "featured", "author", "tags", "extra")
    shown = f"/items/articles?limit=-1&status=*&sort=id&fields={','.join(names)}"
    before = await api.get(shown)
    exported = await api.ask("GET", f"{shown}&export={form}")
    await api.rows_away("articles", "1 = 1")
    assert await send(api, "articles", exported.content, headers={"content-type": media}) == report(created=6)
    assert await api.get(shown) == before


# Whole or in parts


BAD = "name,email\nZoe,z@example.org\n,nobody@example.org\nYan,y@example.org\n" + f"Xi,{'x' * 60}\n"
BLANK, LONG = "This value should not be blank.", "email"


async def test_whole_is_all_or_nothing_and_names_the_rows(api: Newsroom) -> None:
    before = await api.everything()
    answer = await api.ask("POST", "/items/people/import", headers=CSV, content=BAD.encode())
    error = answer.json()["error"]
    assert (answer.status_code, error["code"], error["problem_count"]) == (422, 12, 2)
    assert [one["path"] for one in error["problems"]] == [[1, "name"], [3, "email"]]
    found = await run(api, "people", BAD, format="csv")
    assert [one["path"] for one in found["problems"]] == [[1, "name"], [3, "email"]]
    assert await api.everything() == before


async def test_whole_takes_back_earlier_portions(api: Newsroom) -> None:
    before = await api.everything()
    rows = [{"name": f"person {number}"} for number in range(1200)] + [{"name": None}]
    error = await run(api, "people", rows)
    assert [one["path"] for one in error["problems"]] == [[1200, "name"]]
    assert await api.everything() == before


async def test_in_parts_refuses_rows_by_themselves(api: Newsroom) -> None:
    found = await send(api, "people", BAD, "atomic=0")
    assert (found["created"], found["updated"], found["failed"]) == (2, 0, 2)
    assert [(one["row"], one["code"]) for one in found["errors"]] == [(1, 4), (3, 12)]
    assert found["errors"][0] == {
        "row": 1, "code": 4, "message": f"name: {BLANK}", "problems": [{"path": [1, "name"], "message": BLANK}],
    }  # fmt: skip
    assert [name for (name,) in await api.rows("SELECT name FROM people ORDER BY id DESC LIMIT 2")] == ["Yan", "Zoe"]
    assert len(await api.rows("SELECT id FROM directus_activity")) == 2


async def test_in_parts_duplicates_are_found_wherever_they_are(api: Newsroom) -> None:
    rows = [{"name": f"category {number}"} for number in range(40)]
    rows[7] = rows[3]
    rows[30] = rows[29]
    found = await run(api, "categories", rows, atomic=False)
    assert (found["created"], found["failed"]) == (38, 2)
    assert [(one["row"], one["code"]) for one in found["errors"]] == [(7, 204), (30, 204)]
    assert all("category" in one["message"] for one in found["errors"])


async def test_in_parts_a_thousand_wrong_rows_are_told_in_a_hundred_errors(api: Newsroom) -> None:
    found = await run(api, "people", [{"name": None}] * 1100 + [{"name": "last"}], atomic=False)
    assert (found["created"], found["failed"], len(found["errors"])) == (1, 1100, 100)
    assert [one["row"] for one in found["errors"]] == list(range(100))


# By a key


async def test_rows_are_found_by_a_key_and_changed_or_created(api: Newsroom) -> None:
    await send(api, "categories", "name\nred\nblue\n")
    first = dict(await api.rows("SELECT name, id FROM categories WHERE name IN ('red', 'blue')"))
    text = f"name,parent\nred,{first['blue']}\ngreen,{first['red']}\n"
    assert await send(api, "categories", text, "key=name") == report(created=1, updated=1)
    assert await api.rows("SELECT id, parent FROM categories WHERE name = 'red'") == [(first["red"], first["blue"])]
    assert await api.rows("SELECT parent FROM categories WHERE name = 'green'") == [(first["red"],)]
    assert await run(api, "tokens", "code,label\nabc-1,New\nnew,One\n", format="csv", key="code") == report(1, 1)
    assert await api.rows("SELECT label FROM tokens WHERE code = 'abc-1'") == [("New",)]


# Rights


async def test_rights_hold_for_every_row(api: Newsroom) -> None:
    before = await api.everything()
    row = "title,status\nA,draft\n"
    assert await api.refusal("POST", "/items/people/import", "editor-token", headers=CSV, content=b"name\nA\n") == (
        403,
        301,
    )
    assert await api.refusal("POST", "/items/people/import", None, headers=CSV, content=b"nothing\nA\n") == (403, 301)
    refused = await api.refusal(
        "POST", "/items/articles/import", "editor-token", headers=CSV, content=b"title,views\nA,1\n"
    )
    assert refused == (403, 305)
    assert (await run(api, "people", [{"name": "A"}], "editor-token"))["code"] == 301
    assert await api.everything() == before
    assert await send(api, "articles", row, token="editor-token") == report(created=1)
    found = await run(api, "articles", [{"title": "B", "views": 1}, {"title": "C"}], "editor-token", atomic=False)
    assert (found["created"], found["failed"], found["errors"][0]["code"]) == (1, 1, 305)


async def test_an_import_is_not_told_before_it_is_stored(api: Newsroom) -> None:
    project: Project = api.projects.get("main")
    told: list[Any] = []
    remove = project.events.add(told.append)
    try:
        rows = [{"name": f"person {number}"} for number in range(3000)]
        await run(api, "people", [*rows, {"name": None}])
        assert told == []
        assert await run(api, "people", rows) == report(created=3000)
    finally:
        remove()
    names = [event.payload["name"] for events in told for event in events]
    assert names == [row["name"] for row in rows]


# What is refused


@pytest.mark.parametrize(
    ("content", "headers", "query", "answer"),
    [
        (b"", CSV, "", (400, 13)),
        (b"name\nA\n", {"content-type": "image/png"}, "", (422, 4)),
        (b"name\nA\n", {"content-type": "text/csv; charset=utf-16"}, "", (422, 4)),
        (b"name\nA\n", CSV, "format=xml", (422, 4)),
        (b"name\nA\n", CSV, "delimiter=ab", (422, 4)),
        (b"name,nothing\nA,1\n", CSV, "", (422, 12)),
        (b"name,name\nA,1\n", CSV, "", (400, 13)),
        (b"name,email\nA\n", CSV, "", (400, 13)),
        (b'name\n"A\n', CSV, "", (400, 13)),
        (b"name\n\xff\n", CSV, "", (400, 13)),
        (b"name\nA\x00B\n", CSV, "", (422, 4)),
        (b"na\x00me\nA\n", CSV, "", (422, 12)),
        ("name\nA\n".encode("utf-16"), CSV, "", (400, 13)),
        (b'[{"name": "A"},', {"content-type": "application/json"}, "", (400, 13)),
        (b'{"name": "A"}', {"content-type": "application/json"}, "", (400, 13)),
        (b'[{"name": "A"}, 7]', {"content-type": "application/json"}, "", (400, 13)),
        (b'[{"name": "A", "nothing": 1}]', {"content-type": "application/json"}, "", (422, 12)),
        (b'[{"name": ' + b"[" * 200 + b"]" * 200 + b"}]", {"content-type": "application/json"}, "", (400, 13)),
        (b"name\nA\n", CSV, "key=nothing", (422, 202)),
        (b"email\nA\n", CSV, "key=name", (422, 12)),
        (b"--x\r\nbroken", {"content-type": "multipart/form-data; boundary=y"}, "", (400, 13)),
        (b"--x", {"content-type": "multipart/form-data"}, "", (400, 13)),
    ],
)
async def test_a_bad_file_changes_nothing(
    api: Newsroom, content: bytes, headers: dict[str, str], query: str, answer: tuple[int, int]
) -> None:
    path = f"/items/people/import?{query}"
    assert await api.refusal("POST", path, headers=headers, content=content) == answer
    if answer[0] == 400 and content:  # a file that cannot be read is refused in parts as well
        assert await api.refusal("POST", f"{path}&atomic=0", headers=headers, content=b"".join([content])) == answer


async def test_in_parts_a_file_that_breaks_off_at_its_end_is_refused_whole(api: Newsroom) -> None:
    content = b"name\n" + b"".join(b"person %d\n" % number for number in range(2000)) + b'"open\n'
    for query in ("", "atomic=0"):
        refused = await api.refusal("POST", f"/items/people/import?{query}", headers=CSV, content=content)
        assert refused == (400, 13)


async def test_where_nothing_can_be_imported(api: Newsroom) -> None:
    assert await api.refusal("POST", "/items/nothing/import", headers=CSV, content=b"name\nA\n") == (404, 200)
    assert await api.refusal("POST", "/items/directus_users/import", headers=CSV, content=b"name\nA\n") == (401, 201)
    assert await api.refusal("POST", "/items/keyless/import", headers=CSV, content=b"name\nA\n") == (422, 12)
    assert (await api.ask("GET", "/items/keyless/import")).status_code == 422
    assert (await run(api, "directus_activity", [{"comment": "x"}]))["code"] == 201
    assert (await run(api, "people", 7))["code"] == 4


async def test_a_file_beyond_the_limit_is_refused(api: Newsroom, monkeypatch: pytest.MonkeyPatch) -> None:
    project: Project = api.projects.get("main")
    tree = {**project.config.tree, "imports": {"max_size": 2_000_000}}
    monkeypatch.setattr(project, "config", replace(project.config, tree=tree))
    content = b"name\n" + b"A\n" * 1_000_001
    assert await api.refusal("POST", "/items/people/import", headers=CSV, content=content) == (413, 601)
    files = [("a", ("a.csv", content))]
    assert await api.refusal("POST", "/items/people/import", files=files) == (413, 601)
