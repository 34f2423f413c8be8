"""In charge of documents whose application is refused in the middle, or killed: nothing is left, or it is completed.

TABULARIUM_KILL_STEP: how many statements lie between two places where it is killed (6); 1 is every place.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
from pathlib import Path
from typing import Any

import pytest

from core import errors
from core.db.errors import Deadlock, QueryRejected
from core.db.gateway.connection import Connection
from core.db.reflect import reflect
from tests import backends
from tests.contract.ddl.applying import Counted, apply, die_at, documents, taken
from tests.contract.ddl.world import World
from tests.projects import project, projects

MOST_STATEMENTS = 150
STEP = int(os.environ.get("TABULARIUM_KILL_STEP") or 6)
CHILDREN = multiprocessing.get_context("forkserver")
CHILDREN.set_forkserver_preload(["tests.contract.ddl.applying"])


async def complete(world: World, document: Any) -> None:
    """All that the document says has come about; values of what stays are there."""
    found = await taken(world)
    await apply(world, document)
    assert await taken(world) == found
    assert {name: found[name] for name in ("permissions", "settings", "presets", "relations")} == {
        "permissions": document["permissions"],
        "settings": document["settings"],
        "presets": document["presets"],
        "relations": document["relations"],
    }
    assert list(found["collections"]) == ["comes", "stays"]
    assert list(found["collections"]["stays"]["fields"]) == ["id", "added", "group", "link", "title"]
    assert found["collections"]["stays"]["fields"]["title"]["group"] == "group"
    assert list(found["roles"]) == ["$admin", "$public", "Kept", "New"]
    assert await world.rows('SELECT id, title FROM "stays" ORDER BY id') == [(1, "a"), (2, "b")]
    store = await world.project.store()
    async with store.read() as connection:
        names = {row[0] for row in await connection.rows("SELECT collection FROM directus_fields")}
    assert not {"goes", "goes too"} & names


async def begin(world: World, before: Any) -> None:
    await apply(world, before)
    await world.run("INSERT INTO \"stays\" (title, code) VALUES ('a', '1'), ('b', '2')")


async def whole(world: World) -> bool:
    """Whether nothing that the second document destroys is gone."""
    store = await world.project.store()
    async with store.read() as connection:
        tables = await reflect(connection)
    return {"goes", "goes too"} <= tables.keys() and tables["stays"].column("code") is not None


async def test_what_is_refused_in_the_middle_leaves_all_as_it_was(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, after = documents(await taken(world))
    await begin(world, before)
    first = await taken(world)
    refused = 0
    for number in range(1, MOST_STATEMENTS):

        def happens() -> None:
            raise QueryRejected

        with monkeypatch.context() as patch:
            patch.setattr(Connection, "_guarded", Counted(number, happens).bound())
            try:
                await apply(world, after)
            except errors.TabulariumError:
                refused += 1
            else:
                break
        await world.project.follow()
        now = await taken(world)
        if world.dialect != "mysql" or await whole(world):
            assert now == first, number
            assert await world.rows('SELECT title, code FROM "stays" ORDER BY id') == [("a", "1"), ("b", "2")]
        else:  # what is destroyed stays so; the same once more completes it
            await complete_again(world, after)
            await apply(world, before)
            await world.run('UPDATE "stays" SET code = id')
    assert refused > 20
    await complete(world, after)


async def complete_again(world: World, after: Any) -> None:
    await apply(world, after)
    await complete(world, after)


async def test_what_lost_to_another_transaction_is_made_again(
    dialect: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with backends.fresh_database(dialect, tmp_path) as url:
        async with project(url, tmp_path / "data") as found:
            await found.store()
            world = World(found, dialect)
            before, after = documents(await taken(world))
            await begin(world, before)

            def happens() -> None:
                raise Deadlock

            with monkeypatch.context() as patch:
                patch.setattr(Connection, "_guarded", Counted(4, happens).bound())
                await apply(world, after)
            await complete(world, after)


async def test_what_was_killed_is_completed_by_applying_it_again(dialect: str, tmp_path: Path) -> None:
    number = 1
    while number < MOST_STATEMENTS:
        folder = tmp_path / str(number)
        folder.mkdir()
        with backends.fresh_database(dialect, folder) as url:
            async with project(url, folder / "data") as found:
                await found.store()
                world = World(found, dialect)
                before, after = documents(await taken(world))
                await begin(world, before)
                first = await taken(world)
            (folder / "data" / "after.json").write_text(json.dumps(after), "utf-8")
            child = CHILDREN.Process(target=die_at, args=(str(folder / "data"), dialect, number))
            child.start()
            child.join(120)
            async with projects(folder / "data") as opened:
                again = opened.get("main")
                await again.store()
                world = World(again, dialect)
                if child.exitcode == 0:
                    await complete(world, after)
                    assert number > STEP
                    return
                assert child.exitcode == -signal.SIGKILL
                if dialect != "mysql":
                    assert await taken(world) == first
                await complete_again(world, after)
        number += STEP
    raise AssertionError("so many statements were not meant")
