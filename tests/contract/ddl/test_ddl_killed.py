"""In charge of kill −9 in the middle of a change of the schema: the project opens, and the same operation completes.

TABULARIUM_KILL_STEP: how many statements lie between two places where it is killed (6); 1 is every place.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
from pathlib import Path

import pytest

from core import errors
from core.ddl.collections import create_collection
from tests import backends
from tests.contract.ddl.killing import OPERATIONS, die_at, operate
from tests.contract.ddl.world import ID, TITLE, World
from tests.projects import project, projects

MOST_STATEMENTS = 40
STEP = int(os.environ.get("TABULARIUM_KILL_STEP") or 6)
CHILDREN = multiprocessing.get_context("forkserver")
CHILDREN.set_forkserver_preload(["tests.contract.ddl.killing"])


async def prepare(world: World, dialect: str) -> None:
    await create_collection(
        world.admin(), {"collection": "stored", "fields": [ID, TITLE, {**TITLE, "field": "code", "note": "Before"}]}
    )
    await world.run("INSERT INTO \"stored\" (title, code) VALUES ('a', '1'), ('b', '2')")


async def complete(world: World, operation: str) -> None:
    """What the operation is for has come about, and nothing else."""
    collections = world.project.snapshot.collections
    match operation:
        case "create":
            assert collections["made"].managed
            assert [row[:2] for row in await world.fields("made")] == [
                ("id", "integer"),
                ("title", "string"),
                ("more", "string"),
            ]
        case "add":
            assert collections["stored"].fields["added"].column.unique  # type: ignore[union-attr]
        case "change":
            column = collections["stored"].fields["code"].column
            assert column is not None
            assert (column.datatype, column.unique) == ("INT", True)
            assert collections["stored"].fields["code"].type == "integer"
            assert await world.rows('SELECT code FROM "stored" ORDER BY id') == [(1,), (2,)]
        case "drop":
            assert list(collections["stored"].fields) == ["id", "title"]
        case "delete":
            assert "stored" not in collections
            assert await world.fields("stored") == []
    if operation not in ("create", "delete"):
        wanted = {"add": 4, "change": 3, "drop": 2}[operation]
        assert len(await world.fields("stored")) == wanted
        assert [row[0] for row in await world.rows('SELECT title FROM "stored" ORDER BY id')] == ["a", "b"]


@pytest.mark.parametrize("operation", OPERATIONS)
async def test_what_was_killed_is_done_by_doing_it_again(dialect: str, tmp_path: Path, operation: str) -> None:
    # Each operation begins elsewhere: together they meet all kinds of statements.
    number = 1 + OPERATIONS.index(operation) % STEP
    while number < MOST_STATEMENTS:
        folder = tmp_path / str(number)
        folder.mkdir()
        with backends.fresh_database(dialect, folder) as url:
            async with project(url, folder / "data") as found:
                await found.store()
                await prepare(World(found, dialect), dialect)
                before = await World(found, dialect).state()
            child = CHILDREN.Process(target=die_at, args=(str(folder / "data"), dialect, operation, number))
            child.start()
            child.join(60)
            async with projects(folder / "data") as opened:
                again = opened.get("main")
                await again.store()
                world = World(again, dialect)
                if child.exitcode == 0:
                    await complete(world, operation)
                    return
                assert child.exitcode == -signal.SIGKILL
                if dialect != "mysql":
                    assert await world.state() == before
                try:
                    await operate(world, operation)
                except errors.Missing:
                    assert operation in ("drop", "delete")
                await complete(world, operation)
        number += STEP
    raise AssertionError("an operation of so many statements was not meant")
