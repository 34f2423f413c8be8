"""Long lists over both doors, on three databases: the bytes of the whole list, sent while it is read."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import replace
from typing import Any

import pytest
from structlog.testing import capture_logs

from app import compose
from core import stream
from core.db.errors import ConnectionLost
from core.db.gateway import Connection
from rest_adapter import streams
from rest_adapter.streams import Cut
from schema.registry import edition
from tests.api.newsroom import Newsroom, newsroom
from tests.backends import fresh_database


@pytest.fixture(scope="module")
async def server(dialect: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Newsroom]:
    folder = tmp_path_factory.mktemp("streams")
    with fresh_database(dialect, folder) as url:
        async with newsroom(url, folder / "data") as found:
            found.app = compose(found.projects)
            yield found


@pytest.fixture
async def api(server: Newsroom) -> Newsroom:
    await server.refill()
    return server


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lists are long from three items on, and come two by two."""
    monkeypatch.setattr(stream, "LONG", 2)
    monkeypatch.setattr(stream, "CHUNK", 2)
    monkeypatch.setattr(stream, "CHUNK_OF_MANY", 1)


async def whole_and_streamed(
    api: Newsroom,
    monkeypatch: pytest.MonkeyPatch,
    method: str,
    path: str,
    token: str | None = "admin-token",
    **more: Any,
) -> tuple[Any, Any]:
    """The answers to the same request, as a whole and as a stream."""
    whole = await api.ask(method, path, token, **more)
    with monkeypatch.context() as patch:
        patch.setattr(stream, "LONG", 2)
        patch.setattr(stream, "CHUNK", 2)
        patch.setattr(stream, "CHUNK_OF_MANY", 1)
        return whole, await api.ask(method, path, token, **more)


LISTS = [
    "limit=-1",
    "limit=-1&status=*",
    "limit=4&offset=1&status=*",
    "limit=3&page=2&status=*&meta=*",
    "limit=-1&meta=*&status=*",
    "limit=-1&meta=page&offset=1",
    "limit=-1&meta=result_count,type&q=o",
    "limit=-1&meta=*&groups=status&status=*",
    "limit=-1&sort=-views,title",
    "limit=-1&fields=id,author.*,categories.category.name,comments.text&sort=-id",
    "limit=-1&fields=*.*.*&meta=total_count,filter_count",
    "limit=-1&fields=id&filter[views][gte]=0&filter[author.name][contains]=a",
    "limit=-1&fields=title,author.name,nothing.*",
]


@pytest.mark.parametrize("token", ["admin-token", "editor-token", "writer-token", None])
@pytest.mark.parametrize("query", LISTS)
async def test_a_long_list_has_the_bytes_of_the_whole_one(
    api: Newsroom, monkeypatch: pytest.MonkeyPatch, query: str, token: str | None
) -> None:
    whole, long = await whole_and_streamed(api, monkeypatch, "GET", f"/items/articles?{query}", token)
    assert (long.status_code, long.content) == (whole.status_code, whole.content)
    if whole.status_code == 200 and len(whole.json()["data"]) > 2:
        assert "etag" in whole.headers
        assert "etag" not in long.headers
        assert "content-length" not in long.headers
        assert long.headers["cache-control"] == "private, no-store"
        assert long.headers["content-type"] == "application/json"
    else:
        assert long.headers.get("etag") == whole.headers.get("etag")


DOCUMENTS = [
    "{ articles(limit: -1) { data { id title views author { name } } } }",
    '{ a: articles(limit: -1, status: ["*"]) { meta { result_count total_count page } x: data { id _row } } }',
    "{ articles(limit: 4) { data { categories { category { name } } comments(limit: 1) { text } } __typename } }",
    '{ directus_users(limit: -1, sort: ["id"]) { data { id email token } } }',
]


@pytest.mark.parametrize("token", ["admin-token", "editor-token"])
@pytest.mark.parametrize("document", DOCUMENTS)
async def test_a_document_of_one_list_is_streamed_alike(
    api: Newsroom, monkeypatch: pytest.MonkeyPatch, document: str, token: str
) -> None:
    whole, long = await whole_and_streamed(api, monkeypatch, "POST", "/gql", token, json={"query": document})
    assert (long.status_code, long.content) == (whole.status_code, whole.content)
    assert token != "admin-token" or "content-length" not in long.headers, whole.text


async def test_lists_beside_others_are_bounded_together(api: Newsroom, monkeypatch: pytest.MonkeyPatch) -> None:
    project = api.projects.get("main")
    await project.store()
    documents = (await edition(project, project.snapshot)).documents
    assert documents.limits.rows == 10_000
    monkeypatch.setattr(documents, "limits", replace(documents.limits, rows=5))
    two = "{ a: people(limit: -1) { data { id } } b: comments(limit: -1) { data { id } } }"
    assert "errors" not in await api.graphql(two)
    three = "{ a: people(limit: -1) { data { id } } b: articles(limit: -1) { data { id } } }"
    found = await api.graphql(three)
    assert [error["extensions"]["code"] for error in found["errors"]] == [12]
    (refused,) = found["errors"][0]["path"]  # whichever is read last
    assert found["data"][refused] is None
    assert len(found["data"]["a" if refused == "b" else "b"]["data"]) == (2 if refused == "b" else 4)
    answer = await api.ask("POST", "/gql", json=[{"query": '{ articles(limit: -1, status: "*") { data { id } } }'}])
    assert len(answer.json()[0]["data"]["articles"]["data"]) == 5
    monkeypatch.setattr(documents, "limits", replace(documents.limits, rows=4))
    answer = await api.ask("POST", "/gql", json=[{"query": '{ articles(limit: -1, status: "*") { data { id } } }'}])
    assert answer.json()[0]["errors"][0]["extensions"]["code"] == 12
    assert (
        len((await api.graphql('{ articles(limit: -1, status: "*") { data { id } } }'))["data"]["articles"]["data"])
        == 5
    )


async def test_items_that_hide_everything_are_neither_shown_nor_counted(
    api: Newsroom, monkeypatch: pytest.MonkeyPatch
) -> None:
    await api.hire("reader")
    make = "mutation($row: JSON) { create_directus_permissions_item(payload: $row) { id } }"
    role = (await api.rows("SELECT role FROM directus_users WHERE email = 'reader@example.org'"))[0][0]
    for status, hidden in (("published", None), ("draft", ["views"]), ("deleted", None)):
        row = {"role": role, "collection": "articles", "status": status, "read": "full", "read_field_blacklist": hidden}
        assert "errors" not in await api.graphql(make, row=row)
    path = "/items/articles?fields=views&status=*&limit=-1&meta=result_count,filter_count"
    whole, long = await whole_and_streamed(api, monkeypatch, "GET", path, "reader-token")
    assert whole.json() == {
        "meta": {"result_count": 4, "filter_count": 5},
        "data": [{"views": 10}, {"views": 20}, {"views": 0}, {"views": 50}],
    }
    assert long.content == whole.content
    assert "etag" not in long.headers


@pytest.mark.usefixtures("small")
async def test_statements_grow_by_chunk_only(api: Newsroom) -> None:
    async def statements(path: str) -> int:
        store = await api.projects.get("main").store()
        await api.get(path)
        before = store.statements_total
        await api.get(path)
        return store.statements_total - before

    caller, probe, cursor = 1, 1, 1
    assert await statements("/items/articles?fields=id&limit=2&status=*") == caller + 1
    assert await statements("/items/articles?fields=id&limit=-1&status=*") == caller + probe + cursor
    assert await statements("/items/articles?fields=id&limit=-1&meta=total_count") == caller + probe + cursor + 1
    # five articles in chunks of two; the third has no author, but its neighbour has
    assert await statements("/items/articles?fields=id,author.name&limit=-1&status=*") == caller + probe + cursor + 3
    # five in chunks of one, of which two have comments: the statement is run for all
    assert await statements("/items/articles?fields=id,comments.text&limit=-1&status=*") == caller + probe + cursor + 5


@pytest.mark.usefixtures("small")
async def test_head_reads_no_more_than_the_first_chunk(api: Newsroom) -> None:
    answer = await api.ask("HEAD", "/items/articles?limit=-1")
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["content-type"] == "application/json"


@pytest.mark.usefixtures("small")
async def test_refusals_come_before_the_first_byte(api: Newsroom) -> None:
    assert await api.refusal("GET", "/items/articles?limit=-1&fields=nope") == (422, 202)
    assert await api.refusal("GET", "/items/articles?limit=-1&sort=nope") == (422, 202)
    assert await api.refusal("GET", "/items/articles?limit=-1", "nobody-token") == (403, 300)
    assert await api.refusal("GET", "/items/articles?limit=-1", None) == (401, 3)
    hidden = "/items/articles?limit=-1&filter[secret]=x"
    assert await api.refusal("GET", hidden, "editor-token") == (403, 215)


@pytest.mark.usefixtures("small")
async def test_a_database_that_refuses_the_cursor_is_an_ordinary_error(
    api: Newsroom, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuse(*_: Any) -> None:
        raise ConnectionLost

    for kind in Connection.__subclasses__():
        monkeypatch.setattr(kind, "_open_stream", refuse)
    assert await api.refusal("GET", "/items/articles?limit=-1") == (500, 11)
    found = await api.graphql("{ articles(limit: -1) { data { id } } }")
    assert found["data"] == {"articles": None}
    assert [(error["path"], error["extensions"]["code"]) for error in found["errors"]] == [(["articles"], 11)]


# What happens after the first byte


class Client:
    """A client on the bare ASGI interface: it may stop reading, go away, or see the answer cut."""

    def __init__(self, api: Newsroom, path: str) -> None:
        self._api = api
        path, _, query = path.partition("?")
        self.scope = {
            "type": "http", "method": "GET", "path": f"/main{path}", "raw_path": f"/main{path}".encode(),
            "query_string": query.encode(), "root_path": "", "scheme": "http", "server": ("test", 80),
            "client": ("127.0.0.1", 1), "headers": [(b"authorization", b"Bearer admin-token")],
        }  # fmt: skip
        self.pieces: list[bytes] = []
        self.ended = False
        self.begun = asyncio.Event()
        self.gone = asyncio.Event()
        self.reading = asyncio.Event()
        self.reading.set()
        self._asked = False

    async def receive(self) -> Any:
        if not self._asked:
            self._asked = True
            return {"type": "http.request", "body": b"", "more_body": False}
        await self.gone.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Any) -> None:
        if message["type"] == "http.response.body":
            self.pieces.append(message.get("body", b""))
            self.begun.set()
            self.ended = not message.get("more_body", False)
            await self.reading.wait()

    async def run(self) -> None:
        await self._api.app(self.scope, self.receive, self.send)


async def nobody_holds_anything(api: Newsroom) -> None:
    """Every view of the store can be taken, and every connection."""
    store = await api.projects.get("main").store()
    async with asyncio.timeout(5), AsyncExitStack() as stack:
        for _ in range(store.options.readers // 2):
            await stack.enter_async_context(store.view())


@pytest.mark.usefixtures("small")
async def test_a_client_that_goes_away_frees_its_connection(api: Newsroom) -> None:
    for _ in range(6):  # more often than there are views
        client = Client(api, "/items/articles?limit=-1&status=*&fields=id,author.*")
        client.reading.clear()
        running = asyncio.ensure_future(client.run())
        async with asyncio.timeout(5):
            await client.begun.wait()
            assert not running.done()
            client.gone.set()
            await running
        assert len(client.pieces) == 1
        assert not client.ended
    await nobody_holds_anything(api)


@pytest.mark.usefixtures("small")
async def test_a_server_that_stops_frees_the_connection(api: Newsroom) -> None:
    client = Client(api, "/items/articles?limit=-1&status=*")
    client.reading.clear()
    running = asyncio.ensure_future(client.run())
    await client.begun.wait()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    await nobody_holds_anything(api)


@pytest.mark.usefixtures("small")
async def test_a_client_that_does_not_read_is_cut_off(api: Newsroom, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "PATIENCE", 0.05)
    client = Client(api, "/items/articles?limit=-1&status=*")
    client.reading.clear()
    with capture_logs() as logs, pytest.raises(Cut):
        await client.run()
    assert [line["event"] for line in logs] == ["an answer was cut off"]
    assert not client.ended
    await nobody_holds_anything(api)


@pytest.mark.usefixtures("small")
async def test_a_fault_in_the_middle_cuts_the_answer(api: Newsroom, monkeypatch: pytest.MonkeyPatch) -> None:
    fetched = 0

    async def fetch(self: Connection, size: int) -> Any:
        nonlocal fetched
        fetched += 1
        if fetched > 1:
            raise ConnectionLost
        return await before(self, size)

    before = Connection._next_chunk
    monkeypatch.setattr(Connection, "_next_chunk", fetch)
    client = Client(api, "/items/articles?limit=-1&status=*&fields=id")
    with capture_logs() as logs, pytest.raises(Cut):
        await client.run()
    assert [line["event"] for line in logs] == ["an answer was cut off"]
    assert b"".join(client.pieces) == b'{"data":[{"id":1},{"id":2}'
    assert not client.ended
    monkeypatch.undo()
    await nobody_holds_anything(api)


@pytest.mark.usefixtures("small")
async def test_what_is_written_meanwhile_is_not_in_the_list(api: Newsroom) -> None:
    client = Client(api, "/items/articles?limit=-1&status=*&fields=id,title")
    client.reading.clear()
    running = asyncio.ensure_future(client.run())
    await client.begun.wait()
    changed = await api.ask("PATCH", "/items/articles/4?fields=id", json={"title": "Changed"})
    client.reading.set()
    await running
    assert changed.status_code == 200
    body = json.loads(b"".join(client.pieces))
    assert [item["title"] for item in body["data"]] == ["One", "Two", "50% off", "Four", "Gone"]
    assert client.ended
