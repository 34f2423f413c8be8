"""In charge of reads while somebody commits between any two of their statements: they show one state, whole.

Every write takes all that it touches from one generation to the next and adds a post, so a read that mixes two
generations is told by its values and by its counts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from core import engine, stream
from core.db.gateway import Connection
from core.query.selection import Condition, ReadRequest, Row, Selection
from tests import backends
from tests.contract.gateway.support import run
from tests.contract.reads.plain import ROWS, Base, create

POSTS = len(ROWS["posts"])


@dataclass
class Busy:
    """A database, and a writer who commits after the read's statement of a number."""

    base: Base
    generation: int = 0
    after: int = 0
    seen: int = 0
    writing: bool = False

    async def write(self) -> None:
        """Everything to the next generation, and one post more."""
        self.generation += 1
        name, key = f"g{self.generation}", POSTS + self.generation
        self.writing = True
        async with self.base.store.write() as connection:
            await run(connection, "UPDATE people SET name = ?, status = 'in'", (name,))
            await run(connection, "UPDATE people SET status = ? WHERE id = 5", (name,))
            await run(connection, "UPDATE posts SET title = ?", (name,))
            await run(connection, "UPDATE labels SET title = ?", (name,))
            await run(connection, "INSERT INTO posts VALUES (?, ?, 1, 1, 1)", (key, name))
            await run(connection, "INSERT INTO posts_labels VALUES (?, ?, ?)", (key + 100, key, "7"))
        self.writing = False

    async def reads(self, request: ReadRequest) -> Any:
        """The answer with a write after each of its statements in turn; as many as there are."""
        before, answers = self.base.store.statements_total, []
        await engine.read(self.base.session(), request)
        statements = self.base.store.statements_total - before
        for number in range(1, statements + 1):
            self.seen, self.after = 0, number
            answers.append(await engine.read(self.base.session(), request))
            assert self.seen >= number
        self.after = 0
        return answers


@pytest.fixture
async def busy(dialect: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    with backends.fresh_database(dialect, tmp_path) as url:
        made = Busy(await create(url))
        await made.write()
        usual = Connection.rows

        async def rows(self: Connection, sql: str, args: Sequence[Any] = ()) -> Any:
            found = await usual(self, sql, args)
            if not made.writing:
                made.seen += 1
                if made.seen == made.after:
                    await made.write()
            return found

        monkeypatch.setattr(Connection, "rows", rows)
        yield made
        await made.base.store.close()


def row(*paths: str) -> Selection:
    return Selection((Row("_row", paths),))


def generations(value: Any) -> set[str]:
    """Of everything that has one, on any level."""
    if isinstance(value, dict):
        named = {value[key] for key in ("name", "title") if key in value}
        return named.union(*(generations(one) for one in value.values()))
    return set().union(*(generations(one) for one in value)) if isinstance(value, list) else set()


async def test_no_level_is_of_another_state(busy: Busy) -> None:
    paths = ("id", "title", "author.name", "author.boss.name", "labels.label.title")
    answers = await busy.reads(ReadRequest("posts", row(*paths), limit=-1))
    assert len(answers) == 5
    for answer in answers:
        (name,) = generations(answer.items)
        assert len(answer.items) == POSTS + int(name[1:])


async def test_one_item_is_of_one_state(busy: Busy) -> None:
    for answer in await busy.reads(ReadRequest("posts", row("title", "labels.label.title", "author.*"), id="1")):
        assert len(generations(answer.items)) == 1


COUNTS = frozenset(("result_count", "total_count", "filter_count", "page"))


@pytest.mark.parametrize("paths", [("title",), ("title", "author.name")], ids=["plain", "with a relation"])
async def test_counts_are_of_the_state_of_the_list(busy: Busy, paths: tuple[str, ...]) -> None:
    where = (Condition("title", "contains", "g"),)
    for answer in await busy.reads(ReadRequest("posts", row(*paths), where=where, limit=3, meta=COUNTS)):
        (name,) = generations(answer.items)
        count = POSTS + int(name[1:])
        assert (answer.meta["total_count"], answer.meta["filter_count"]) == (count, count)
        assert answer.meta["page_count"] == -(-count // 3)


async def test_statuses_are_counted_in_the_state_of_the_list(busy: Busy) -> None:
    request = ReadRequest("people", row("name"), status=("*",), limit=-1, meta=frozenset(("status_count",)))
    for answer in await busy.reads(request):
        (name,) = generations(answer.items)
        assert answer.meta["status_count"] == {name: 1, "in": 4, "out": 0}


async def test_an_empty_page_and_its_counts_are_of_one_state(busy: Busy) -> None:
    """What is looked for appears while the list is being read."""
    for number in (1, 2, 3, 4):
        name = f"g{busy.generation + 1}"
        request = ReadRequest("posts", row("title"), where=(Condition("title", "eq", name),), limit=-1, meta=COUNTS)
        busy.seen, busy.after = 0, number
        answer = await engine.read(busy.base.session(), request)
        assert answer.meta["filter_count"] == answer.meta["result_count"] == len(answer.items)
        if len(answer.items):
            assert (number, len(answer.items)) == (1, POSTS + busy.generation)
        else:
            assert answer.meta["total_count"] == POSTS + busy.generation - (number <= busy.seen)


async def test_long_lists_are_of_one_state_where_nested_levels_can_be(busy: Busy) -> None:
    request = ReadRequest("posts", row("title", "author.name", "labels.label.title"), limit=-1)
    busy.seen, busy.after = 0, 1
    async with (await stream.longer(busy.base.session(), request)).open() as chunks:
        items = [item async for chunk in chunks for item in chunk]
    assert busy.generation == 2
    assert generations([{"title": item["_row"]["title"]} for item in items]) == {"g1"}
    if busy.base.dialect != "mysql":  # which reads them on a second connection
        assert generations(items) == {"g1"}
