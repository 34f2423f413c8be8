"""In charge of a process that alters a schema and is killed before its n-th statement that writes. Run as a child."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path
from typing import Any

from core.db.gateway.connection import Connection
from core.ddl.collections import create_collection, delete_collection
from core.ddl.fields import create_field, delete_field, update_field
from tests.contract.ddl.world import ID, TITLE, World
from tests.projects import projects

OPERATIONS = ("create", "add", "change", "drop", "delete")


async def operate(world: World, name: str) -> None:
    """One of the operations, on the collections `made` and `stored`."""
    admin = world.admin()
    match name:
        case "create":
            await create_collection(admin, {"collection": "made", "fields": [ID, TITLE, {**TITLE, "field": "more"}]})
        case "add":
            await create_field(admin, "stored", {**TITLE, "field": "added", "unique": True})
        case "change":
            change = {"type": "integer", "datatype": "INT", "signed": True, "unique": True, "note": "Changed"}
            await update_field(admin, "stored", "code", change)
        case "drop":
            await delete_field(admin, "stored", "code")
        case "delete":
            await delete_collection(admin, "stored")


def die_at(data: str, dialect: str, operation: str, number: int) -> None:
    """Do it, and be killed before the statement of that number; without enough statements it ends well."""
    asyncio.run(_die_at(Path(data), dialect, operation, number))


async def _die_at(data: Path, dialect: str, operation: str, number: int) -> None:
    left = number
    execute = Connection.execute

    async def counted(self: Connection, sql: str, args: Any = ()) -> Any:
        nonlocal left
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return await execute(self, sql, args)

    async with projects(data) as found:
        project = found.get("main")
        await project.store()
        Connection.execute = counted  # type: ignore[method-assign]
        await operate(World(project, dialect), operation)
