"""In charge of a project as the tests of schema changes see it: sessions of all kinds, and a bare view of its rows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from core.access.policy import ADMIN_POLICY, NO_POLICY
from core.catalog.load import catalogue
from core.context import PUBLIC, Actor, Context
from core.projects import Project
from core.session import Session
from core.sql.ddl import quote

ID = {"field": "id", "type": "integer", "datatype": "INT", "length": 11, "primary_key": True, "auto_increment": True,
      "interface": "primary-key"}  # fmt: skip
TITLE = {"field": "title", "type": "string", "datatype": "VARCHAR", "length": 255, "interface": "text-input"}
NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class World:
    """A project and its dialect."""

    project: Project
    dialect: str

    def admin(self) -> Session:
        return self.session(Actor(user=1, role=1, public=False))

    def session(self, actor: Actor) -> Session:
        policy = ADMIN_POLICY if actor.admin else NO_POLICY
        context = Context(actor, NOW, address="127.0.0.1", user_agent="tests")
        return Session(self.project, self.project.snapshot, policy, context)

    def user(self) -> Session:
        return self.session(Actor(user=7, role=9, public=False))

    def public(self) -> Session:
        return self.session(PUBLIC)

    async def rows(self, sql: str, args: Any = ()) -> list[tuple[Any, ...]]:
        store = await self.project.store()
        async with store.read() as connection:
            return [tuple(row) for row in await connection.rows(self.q(sql), args)]

    async def run(self, *statements: str) -> None:
        store = await self.project.store()
        async with store.write() as connection:
            for sql in statements:
                await connection.execute(self.q(sql))

    def q(self, sql: str) -> str:
        """Names in double quotes → in the dialect's."""
        return sql.replace('"', "`") if self.dialect == "mysql" else sql

    def quote(self, name: str) -> str:
        return quote(name, self.dialect)

    async def fields(self, collection: str) -> list[tuple[Any, ...]]:
        return await self.rows(
            'SELECT field, type, "interface", sort FROM directus_fields'
            f" WHERE collection = '{collection}' ORDER BY id"
        )

    async def state(self) -> Any:
        """Everything that an operation could have changed: tables with columns, and rows of metadata."""
        store = await self.project.store()
        async with store.read() as connection:
            tables, metadata = await catalogue(connection)
        activity = await self.rows("SELECT COUNT(*) FROM directus_activity")
        return tables, metadata.collections, metadata.fields, metadata.relations, activity
