"""In charge of a database that refuses a statement in the middle of a change: all of it is taken back, on MySQL too."""

from __future__ import annotations

from typing import Any

import pytest

from core import errors
from core.db.errors import Deadlock, QueryRejected
from core.db.gateway.connection import Connection
from core.ddl.collections import create_collection, delete_collection
from core.ddl.fields import create_field
from tests.contract.ddl.killing import OPERATIONS, operate
from tests.contract.ddl.world import ID, TITLE, World

MOST_STATEMENTS = 40


class Refusing:
    """`Connection.execute`, but the statement of a number is refused; what is run to take things back is not."""

    def __init__(self, number: int, kind: type[errors.QueryFailed] = QueryRejected) -> None:
        self.left, self.kind = number, kind
        self.execute = Connection.execute

    def bound(self) -> Any:
        async def execute(connection: Connection, sql: str, args: Any = ()) -> Any:
            self.left -= 1
            if self.left == 0:
                raise self.kind
            return await self.execute(connection, sql, args)

        return execute


async def prepared(world: World) -> None:
    for name in ("made", "stored"):
        if name in world.project.snapshot.collections:
            await delete_collection(world.admin(), name)
    await create_collection(
        world.admin(),
        {"collection": "stored", "fields": [ID, TITLE, {**TITLE, "field": "code", "note": "Before", "required": True}]},
    )
    await world.run(
        "INSERT INTO \"stored\" (title, code) VALUES ('a', '1'), ('b', '2')",
        "DELETE FROM directus_permissions WHERE role = 9",
        "INSERT INTO directus_permissions (collection, role, \"read\") VALUES ('stored', 9, 'full')",
    )


@pytest.mark.parametrize("operation", OPERATIONS)
async def test_what_is_refused_in_the_middle_leaves_all_as_it_was(
    world: World, operation: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await prepared(world)
    before = await world.state()
    permissions = await world.rows("SELECT id, collection, role FROM directus_permissions")
    content = await world.rows('SELECT title, code FROM "stored" ORDER BY id')
    for number in range(1, MOST_STATEMENTS):
        refusing = Refusing(number)
        with monkeypatch.context() as patch:
            patch.setattr(Connection, "execute", refusing.bound())
            try:
                await operate(world, operation)
            except errors.TabulariumError:
                pass
            else:
                assert number > 2
                return
        await world.project.follow()
        assert await world.state() == before, number
        assert await world.rows("SELECT id, collection, role FROM directus_permissions") == permissions
        assert await world.rows('SELECT title, code FROM "stored" ORDER BY id') == content
    raise AssertionError("an operation of so many statements was not meant")


async def test_a_change_that_lost_to_another_transaction_is_made_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await prepared(world)
    with monkeypatch.context() as patch:
        patch.setattr(Connection, "execute", Refusing(2, Deadlock).bound())
        answer = await create_field(world.admin(), "stored", {**TITLE, "field": "late", "unique": True})
    assert (answer["field"], answer["unique"]) == ("late", True)
    assert [row[0] for row in await world.fields("stored")] == ["id", "title", "code", "late"]
