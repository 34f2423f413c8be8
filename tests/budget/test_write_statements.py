"""In charge of what large writes may cost: statements follow from the shape of a request, memory is bounded.

Both doors are asked, on every database. Only the limits of a database (parameters, bytes of a packet) cut a statement.
"""

from __future__ import annotations

import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest

from app import compose
from core.catalog.changes import log_change
from tests import backends
from tests.api.writes.world import House, build, reset
from tests.projects import ADMIN_TOKEN, body, projects

MANY = 10_000
MOST_MEGABYTES = 90
"""What the process may grow by; a batch of MANY items takes about 60. Twice the bodies of all items, as they once were
held, would be more than 200."""


@dataclass
class Server:
    """The doors of a server, and what its project's database is asked."""

    app: Any
    house: House
    statements: int = 0

    async def ask(self, path: str, json: Any, method: str = "POST") -> Any:
        before = self.house.store.statements_total
        transport = httpx2.ASGITransport(app=self.app)
        async with httpx2.AsyncClient(transport=transport, base_url="http://test", timeout=None) as client:
            headers = {"Authorization": f"Bearer {ADMIN_TOKEN}"}
            answer = await client.request(method, f"/main{path}", json=json, headers=headers)
        self.statements = self.house.store.statements_total - before
        return answer.json()

    async def send(self, path: str, content: bytes, media: str) -> Any:
        transport = httpx2.ASGITransport(app=self.app)
        async with httpx2.AsyncClient(transport=transport, base_url="http://test", timeout=None) as client:
            headers = {"Authorization": f"Bearer {ADMIN_TOKEN}", "Content-Type": media}
            return (await client.post(f"/main{path}", content=content, headers=headers)).json()

    async def create(self, door: str, payload: Any) -> Any:
        """The answer to a creation by REST or GraphQL: `data`, or the error with its problems."""
        if door == "rest":
            found = await self.ask("/items/articles", payload)
            return found.get("data", found.get("error"))
        name, kind = ("create_articles_items", "[ArticlesInput!]") if isinstance(payload, list) else (
            "create_articles_item", "ArticlesInput",
        )  # fmt: skip
        query = f"mutation($data: {kind}) {{ {name}(data: $data) {{ id title }} }}"
        found = await self.ask("/gql", {"query": query, "variables": {"data": payload}})
        if "errors" in found:
            return found["errors"][0]["extensions"] | {"message": found["errors"][0]["message"]}
        return found["data"][name]

    async def count(self, *tables: str) -> list[int]:
        return [len(await self.house.rows(table, "id")) for table in tables]


@pytest.fixture(scope="module")
async def made(dialect: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Server]:
    folder: Path = tmp_path_factory.mktemp("budget")
    with backends.fresh_database(dialect, folder) as url:
        async with projects(folder / "data") as found:
            project = await found.create(body(url), trusted=True)
            store = await project.store()
            await build(store)
            async with store.write() as connection:
                await log_change(connection, "schema")
            house = House(project, store)
            await house.session()
            await project.settled()
            yield Server(compose(found), house)


@pytest.fixture
async def server(made: Server) -> Server:
    await reset(made.house)
    return made


def family(children: int) -> dict[str, Any]:
    """An article with that many comments, each of which has a mark."""
    return {
        "title": "parent",
        "comments": [{"text": f"child {n}", "marks": [{"mark": f"grandchild {n}"}]} for n in range(children)],
    }


# Who calls, the article, its comments, their marks, activity, revisions, the article as it is answered; MySQL is asked
# for the distance of generated keys after three of them, and for the rows of three collections for their revisions.
FAMILY = {"sqlite": 7, "postgres": 7, "mysql": 13}


@pytest.mark.parametrize("door", ["rest", "graphql"])
async def test_children_and_grandchildren_take_as_many_statements_however_many_they_are(
    server: Server, door: str
) -> None:
    for children in (2, 1_000):
        await reset(server.house)
        before = await server.count("articles", "comments", "marks")
        made = await server.create(door, family(children))
        assert made["title"] == "parent"
        assert server.statements == FAMILY[server.house.dialect]
        after = await server.count("articles", "comments", "marks", "directus_activity", "directus_revisions")
        assert [now - then for now, then in zip(after[:3], before, strict=True)] == [1, children, children]
        assert after[3:] == [1 + 2 * children] * 2
        marks = await server.house.rows("marks", "comment", "mark")
        comments = {int(key): text for key, text in await server.house.rows("comments", "id", "text")}
        assert all(comments[comment] == mark.replace("grandchild", "child") for comment, mark in marks)


@pytest.mark.parametrize("door", ["rest", "graphql"])
async def test_changing_children_and_grandchildren_takes_as_many_statements_however_many_they_are(
    server: Server, door: str
) -> None:
    counts: set[int] = set()
    for children in (2, 1_000):
        await reset(server.house)
        made = await server.create(door, family(children))
        comments = [key for (key,) in await server.house.rows("comments", "id")][2:]
        marks = [key for (key,) in await server.house.rows("marks", "id")]
        payload = {
            "comments": [
                {"id": comment, "text": f"new {comment}", "marks": [{"id": mark, "mark": f"new {mark}"}]}
                for comment, mark in zip(comments, marks, strict=True)
            ]
        }
        if door == "rest":
            answer = await server.ask(f"/items/articles/{made['id']}", payload, method="PATCH")
        else:
            mutation = "mutation($id: ID!, $data: ArticlesInput) { update_articles_item(id: $id, data: $data) { id } }"
            answer = await server.ask("/gql", {"query": mutation, "variables": {"id": made["id"], "data": payload}})
        assert "data" in answer
        counts.add(server.statements)
        assert {text for key, text in await server.house.rows("comments", "id", "text") if key in set(comments)} == {
            f"new {comment}" for comment in comments
        }
    # Who calls, three levels of rows to lock and to change, history, the answer. MySQL: also the distance of keys, the
    # changed rows of three collections, and a CASE over 1,000 rows, which it would evaluate 1,000 times, cut in two.
    assert counts == {"sqlite": {10}, "postgres": {10}, "mysql": {14, 16}}[server.house.dialect]


def item(number: int) -> dict[str, Any]:
    """An article of ten columns."""
    return {
        "title": f"Title of item {number}", "slug": f"slug-{number}", "rating": number % 100 + 0.5,
        "featured": number % 2 == 1, "meta": {"number": number}, "tags_list": ["x", "y"], "author": {"id": 1},
        "status": "draft", "editor": None, "secret": None,
    }  # fmt: skip


# Who calls, the rows, activity, revisions, the answer. SQLite takes 32,000 parameters a statement, MySQL 60,000; MySQL
# reads the rows back for the revisions, in pieces of as many keys, and tells the distance of keys after each INSERT.
BATCH = {"sqlite": 13, "postgres": 5, "mysql": 15}


@pytest.mark.parametrize("door", ["rest", "graphql"])
async def test_a_batch_of_ten_thousand_items_is_stored_in_bounded_memory(server: Server, door: str) -> None:
    payload = [item(number) for number in range(MANY)]
    await server.create(door, payload[:3])  # what is kept for good is made by now
    with growth() as grown:
        made = await server.create(door, payload)
    assert [one["title"] for one in made] == [one["title"] for one in payload]
    assert server.statements == BATCH[server.house.dialect]
    assert await server.count("articles", "directus_activity", "directus_revisions") == [MANY + 6, MANY + 3, MANY + 3]
    assert grown() < MOST_MEGABYTES


@pytest.mark.parametrize("door", ["rest", "graphql"])
async def test_a_batch_of_ten_thousand_wrong_items_is_told_in_few_words(server: Server, door: str) -> None:
    before = await server.house.everything()
    payload = [item(number) | {"status": None, "title": None} for number in range(MANY)]
    payload[0] = item(0)
    with growth() as grown:
        error = await server.create(door, payload)
    assert error["code"] == 4
    assert len(error["message"]) < 200
    assert error["problem_count"] == 2 * (MANY - 1)
    assert [one["path"] for one in error["problems"]] == [
        [number, name] for number in range(1, 51) for name in ("status", "title")
    ]
    assert {one["message"] for one in error["problems"]} == {
        "This value should not be blank.",
        "This value should not be null.",
    }
    assert grown() < MOST_MEGABYTES
    assert await server.house.everything() == before


@pytest.mark.parametrize("door", ["rest", "graphql"])
@pytest.mark.parametrize(
    ("payload", "code", "path"),
    [
        ({"id": 3, "title": "x"}, 204, [4]),
        ({"title": "x", "nothing": 1}, 12, [4]),
        ({"title": "x", "comments": [{"id": 999, "text": "a"}]}, 203, [4, "comments", 0]),
    ],
)
async def test_a_batch_says_which_of_its_items_is_refused(
    server: Server, door: str, payload: dict[str, Any], code: int, path: list[Any]
) -> None:
    if door == "graphql" and "nothing" in payload:
        pytest.skip("the type of the input has no such field")
    before = await server.house.everything()
    batch = [{"title": f"item {number}", "id": 100 + number} for number in range(4)]
    error = await server.create(door, [*batch, payload, {"title": "last", "id": 200}])
    assert (error["code"], [one["path"] for one in error["problems"]]) == (code, [path])
    assert await server.house.everything() == before


@pytest.mark.parametrize("atomic", ["1", "0"])
async def test_a_file_of_many_rows_is_never_held_whole(server: Server, atomic: str) -> None:
    rows = 2 * MANY
    head = "title,slug,rating,featured,tags_list,author,status,meta,secret,editor\n"
    content = head + "".join(
        f'Title of item {number},slug-{number},{number % 100}.5,true,"x,y",1,draft,,,\n' for number in range(rows)
    )
    told: list[int] = []
    remove = server.house.project.events.add(lambda events: told.append(len(events)))
    try:
        with growth() as grown:
            answer = await server.send(f"/items/articles/import?atomic={atomic}", content.encode(), "text/csv")
    finally:
        remove()
    assert answer == {"data": {"created": rows, "updated": 0, "failed": 0, "errors": []}}
    assert await server.count("articles", "directus_activity", "directus_revisions") == [rows + 3, rows, rows]
    assert told == [500] * (rows // 500)
    assert grown() < 40  # a portion takes less than 10, the file 2


@contextmanager
def growth() -> Iterator[Any]:
    """How many megabytes the process has grown by at most while the block ran."""
    start = peak = resident()
    stopped = threading.Event()

    def watch() -> None:
        nonlocal peak
        while not stopped.is_set():
            peak = max(peak, resident())
            time.sleep(0.002)

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield lambda: peak - start
    finally:
        stopped.set()
        thread.join()


def resident() -> float:
    status = Path("/proc/self/statm")
    if not status.exists():
        pytest.skip("the size of a process is read from /proc")
    return int(status.read_text().split()[1]) * 4096 / 1e6
