"""Eight that write and eight that read at once, over both doors of a real server, on each database (issue 4).

No update is lost, no read shows half of a transaction, and nobody is refused but for one reason: a row that he names
was deleted since he looked (203).

TABULARIUM_AT_ONCE: seconds on each database (4).
"""

from __future__ import annotations

import asyncio
import os
import random
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests import journal
from tests.projects import ADMIN_TOKEN, body, projects
from tests.servers import served

SECONDS = float(os.environ.get("TABULARIUM_AT_ONCE") or 4)
HEADERS = {"Authorization": f"Bearer {ADMIN_TOKEN}"}
WRITERS = READERS = 8
CONTESTED = 3
"""Articles that all writers change."""
GONE = 203
PATHS = journal.SELECTION.split(",")
CREATE = (
    "mutation($payload: JSON, $paths: [String!])"
    " { it: create_articles_item(payload: $payload) { _row(fields: $paths) } }"
)
UPDATE = (
    "mutation($id: ID!, $payload: JSON, $paths: [String!])"
    " { it: update_articles_item(id: $id, payload: $payload) { _row(fields: $paths) } }"
)
COUNT = "mutation($payload: JSON) { it: update_counters_items(ids: [1, 2], payload: $payload) { _row } }"
LIST = """{ it: articles(sort: ["-id"], limit: 15) {
  data { id title author { name } comments { text } tags { tag { label } } texts { title } } meta { total_count } } }"""
ONE = "query($id: ID!, $paths: [String!]) { it: articles_by_id(id: $id) { _row(fields: $paths) } }"


class Gone(Exception):
    """A row that a write names is not there any more."""


@dataclass(slots=True)
class Door:
    """One client of the server, by REST or by GraphQL."""

    client: httpx2.AsyncClient
    graphql: bool

    async def run(self, document: str, **variables: Any) -> Any:
        answer = await self.client.post("/main/gql", json={"query": document, "variables": variables})
        assert answer.status_code == 200, answer.text
        errors = answer.json().get("errors")
        if errors and errors[0]["extensions"]["code"] == GONE:
            raise Gone
        assert not errors, answer.text
        return answer.json()["data"]["it"]

    async def ask(self, method: str, path: str, payload: Any = None) -> Any:
        answer = await self.client.request(method, f"/main/items/{path}", json=payload)
        if answer.status_code == 404 and answer.json()["error"]["code"] == GONE:
            raise Gone
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def create(self, payload: Any) -> Any:
        if self.graphql:
            return (await self.run(CREATE, payload=payload, paths=PATHS))["_row"]
        return (await self.ask("POST", f"articles?fields={journal.SELECTION}", payload))["data"]

    async def update(self, key: int, payload: Any) -> Any:
        if self.graphql:
            return (await self.run(UPDATE, id=key, payload=payload, paths=PATHS))["_row"]
        return (await self.ask("PATCH", f"articles/{key}?fields={journal.SELECTION}", payload))["data"]

    async def count(self, column: str, value: int) -> list[Any]:
        """Both rows of counters, one column of which gets another value."""
        if self.graphql:
            return [row["_row"] for row in await self.run(COUNT, payload={column: value})]
        found: list[Any] = (await self.ask("PATCH", "counters/1,2", {column: value}))["data"]
        return found

    async def one(self, key: int) -> Any:
        if self.graphql:
            return (await self.run(ONE, id=key, paths=PATHS))["_row"]
        return (await self.ask("GET", f"articles/{key}?fields={journal.SELECTION}"))["data"]

    async def newest(self) -> tuple[list[Any], int]:
        """Some articles, and how many there are."""
        if self.graphql:
            found = await self.run(LIST)
            return found["data"], found["meta"]["total_count"]
        path = f"articles?fields={journal.SELECTION}&sort=-id&limit=15&meta=total_count"
        found = await self.ask("GET", path)
        return found["data"], found["meta"]["total_count"]


@dataclass(slots=True)
class World:
    """What is going on. `marks`: article → its last mark that was answered, of those that only one writer changes."""

    end: float
    contested: list[int]
    marks: dict[int, str] = field(default_factory=dict)
    counted: dict[str, int] = field(default_factory=dict)
    done: Counter[str] = field(default_factory=Counter)


async def write(door: Door, number: int, world: World) -> None:
    rng, own, column = random.Random(number), list[Any](), f"c{number}"
    while time.monotonic() < world.end:
        mark, choice = f"w{number}-{world.done['writes']}", rng.random()
        if choice < 0.3:
            value = world.counted.get(column, 0) + 1
            for row in await door.count(column, value):
                assert row[column] == value
            world.counted[column] = value
        elif choice < 0.5:
            key = rng.choice(world.contested)
            try:
                item = await door.update(key, journal.changed(await door.one(key), mark))
            except Gone:  # its first comment: somebody else was faster
                world.done["conflicts"] += 1
                continue
            assert journal.mark_of(item) == mark
        elif choice < 0.75 and own:
            item = own.pop(rng.randrange(len(own)))
            item = await door.update(item["id"], journal.changed(item, mark))
            assert journal.mark_of(item) == mark
            world.marks[item["id"]] = mark
            own.append(item)
        else:
            item = await door.create(journal.fresh(mark))
            assert journal.mark_of(item) == mark
            world.marks[item["id"]] = mark
            own.append(item)
        world.done["writes"] += 1


async def read(door: Door, number: int, world: World) -> None:
    rng, most = random.Random(number), 0
    while time.monotonic() < world.end:
        choice = rng.random()
        if choice < 0.4:
            items, total = await door.newest()
            for item in items:
                journal.mark_of(item)
            # Keys are given in order and nothing is deleted here, though not every key is used.
            assert most <= total <= max(int(item["id"]) for item in items)
            assert len(items) == min(total, 15)
            most = total
        elif choice < 0.6:
            found = await door.ask(
                "GET", "articles?limit=-1&fields=id,title&meta=total_count,filter_count,result_count"
            )
            assert set(found["meta"].values()) == {len(found["data"])}
        elif choice < 0.8:
            journal.mark_of(await door.one(rng.choice(world.contested)))
        else:
            first, second = (await door.ask("GET", "counters?sort=id"))["data"]
            assert {**first, "id": 0} == {**second, "id": 0}
        world.done["reads"] += 1


@pytest.mark.slow
@pytest.mark.timeout(0)
async def test_eight_write_and_eight_read(database_url: str, tmp_path: Path) -> None:
    data = tmp_path / "data"
    async with projects(data) as found:
        await journal.build(await found.create(body(database_url), trusted=True))
    with served(data) as server:
        async with httpx2.AsyncClient(base_url=server.address, headers=HEADERS, timeout=60) as client:
            doors = [Door(client, graphql=bool(number % 2)) for number in range(WRITERS)]
            contested = [(await doors[0].create(journal.fresh("first")))["id"] for _ in range(CONTESTED)]
            world = World(time.monotonic() + SECONDS, contested)
            async with asyncio.TaskGroup() as group:
                for number, door in enumerate(doors):
                    group.create_task(write(door, number, world))
                    group.create_task(read(door, number, world))
            counters = (await doors[0].ask("GET", "counters?sort=id"))["data"]
    async with projects(data) as found:
        marks = await journal.judge(await found.get("main").store())
    for row in counters:
        assert row == {"id": row["id"], **{f"c{number}": 0 for number in range(WRITERS)}, **world.counted}
    assert {key: mark for key, mark in marks.items() if key not in contested} == world.marks
    assert world.done["writes"] >= WRITERS
    assert world.done["reads"] >= READERS
    print(f"{SECONDS:g} s: {dict(world.done)}, {len(marks)} articles")
