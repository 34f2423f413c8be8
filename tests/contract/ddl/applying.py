"""In charge of two documents that differ in everything, and of a process that is killed between one and the other."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

from core.db.gateway.connection import Connection
from core.ddl import code
from tests.contract.ddl.world import World
from tests.projects import projects

ID = {"type": "integer", "column": {"datatype": "INT", "nullable": False, "primary_key": True, "auto_increment": True}}


def text(length: int = 100, **more: Any) -> dict[str, Any]:
    return {"type": "string", "column": {"datatype": "VARCHAR", "length": length, **more}}


def link() -> dict[str, Any]:
    return {"type": "m2o", "column": {"datatype": "INT"}}


def documents(empty: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Two documents. `empty`: of a fresh project."""
    before = {
        **empty,
        "collections": {
            "stays": {"note": "One", "fields": {"id": ID, "title": text(50), "code": text(), "link": link()}},
            "goes": {"fields": {"id": ID, "title": text()}},
            "goes too": {"fields": {"id": ID}},
        },
        "relations": {"stays": {"link": {"collection_one": "goes"}}},
        "roles": {**empty["roles"], "Old": {}, "Kept": {"description": "One"}},
        "permissions": {"Old": {"goes": [{"read": "full"}]}, "Kept": {"stays": [{"read": "mine"}]}},
        "settings": {**empty["settings"], "default_limit": "1"},
        "presets": [{"collection": "goes", "role": "Old"}, {"collection": "stays", "role": "Kept", "title": "x"}],
    }
    after = {
        **empty,
        "collections": {
            "stays": {
                "note": "Two",
                "fields": {
                    "id": ID,
                    "title": {**text(100, unique=True), "group": "group"},
                    "group": {"type": "group"},
                    "link": link(),
                    "added": text(),
                },
                "uniques": [["title", "added"]],
            },
            "comes": {"fields": {"id": ID, "items": {"type": "o2m"}}},
        },
        "relations": {"stays": {"link": {"collection_one": "comes", "field_one": "items"}}},
        "roles": {**empty["roles"], "New": {"description": "New"}, "Kept": {"description": "Two"}},
        "permissions": {"New": {"comes": [{"read": "full"}]}, "Kept": {"stays": [{"read": "full"}]}},
        "settings": {**empty["settings"], "default_limit": "0", "another": ""},
        "presets": [{"collection": "comes", "role": "New"}, {"collection": "stays", "role": "Kept", "title": "y"}],
    }
    return before, after


async def apply(world: World, document: Any) -> None:
    """Look at the plan and carry it out, as `tabularium schema apply --yes --allow-destructive` does."""
    shown = await code.diff(world.admin(), document)
    await code.apply(world.admin(), document, shown.plan, allow_destructive=True)


async def taken(world: World) -> dict[str, Any]:
    """What the project is now."""
    return await code.snapshot(world.admin())


class Counted:
    """Every statement that may write, and what happens at the one of a number."""

    def __init__(self, number: int, happens: Callable[[], None]) -> None:
        self.left, self.happens, self.guarded = number, happens, Connection._guarded

    def bound(self) -> Any:
        async def guarded(connection: Connection, work: Any, sql: str, *args: Any) -> Any:
            if not sql.lstrip().upper().startswith(("SELECT", "PRAGMA", "SHOW")):
                self.left -= 1
                if self.left == 0:
                    self.happens()
            return await self.guarded(connection, work, sql, *args)

        return guarded


def die_at(data: str, dialect: str, number: int) -> None:
    """Apply the document in `after.json`, and be killed before the statement of that number."""
    asyncio.run(_die_at(Path(data), dialect, number))


async def _die_at(data: Path, dialect: str, number: int) -> None:
    async with projects(data) as found:
        project = found.get("main")
        await project.store()
        document = json.loads((data / "after.json").read_text("utf-8"))
        Connection._guarded = Counted(number, lambda: os.kill(os.getpid(), signal.SIGKILL)).bound()  # type: ignore[method-assign]
        await apply(World(project, dialect), document)
