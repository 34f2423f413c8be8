"""In charge of a project for tests of the two doors: a small newsroom with every kind of relation, users of some roles.

Tables are made once per dialect and refilled before each test. It asserts nothing.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx2
import sqlalchemy as sa

from app import compose
from core.db.gateway import Store
from core.projects import Projects
from tests import projects as make

STATUSES = {
    "draft": {"name": "Draft", "soft_delete": False},
    "published": {"name": "Published", "soft_delete": False, "required_fields": True},
    "deleted": {"name": "Deleted", "soft_delete": True},
}

# collection → field → Directus type, or (type, more columns of directus_fields)
FIELDS: Mapping[str, Mapping[str, Any]] = {
    "articles": {
        "id": ("integer", {"interface": "primary-key"}),
        "status": ("status", {"options": json.dumps({"status_mapping": STATUSES})}),
        "title": "string",
        "slug": "string",
        "body": "string",
        "views": "integer",
        "rating": "decimal",
        "featured": "boolean",
        "author": "m2o",
        "tags": "array",
        "extra": "json",
        "secret": ("hash", {"options": json.dumps({"hasher": "sha256"})}),
        "owner": "owner",
        "created_on": "datetime_created",
        "comments": "o2m",
        "categories": "o2m",
    },
    "people": {"id": ("integer", {"interface": "primary-key"}), "name": "string", "email": "string"},
    "comments": {"id": ("integer", {"interface": "primary-key"}), "article": "m2o", "text": "string"},
    "categories": {"id": ("integer", {"interface": "primary-key"}), "name": "string", "parent": "m2o"},
    "articles_categories": {
        "id": ("integer", {"interface": "primary-key"}),
        "article": "m2o",
        "category": "m2o",
    },
    "tokens": {"code": "string", "label": "string"},
}
RELATIONS: tuple[tuple[str, str, str, str | None, str | None], ...] = (
    ("articles", "author", "people", None, None),
    ("comments", "article", "articles", "comments", None),
    ("categories", "parent", "categories", None, None),
    ("articles_categories", "article", "articles", "categories", "category"),
    ("articles_categories", "category", "categories", None, "article"),
)
SYSTEM = (
    "directus_activity", "directus_collection_presets", "directus_collections", "directus_fields",
    "directus_permissions", "directus_relations", "directus_revisions", "directus_settings",
)  # fmt: skip
"""System tables that a refused write must leave as they are."""
ROLES = {3: "Editor", 4: "Writer", 5: "Nobody"}
USERS = {2: ("editor", 3), 3: ("writer", 4), 4: ("nobody", 5)}
FULL = {"create": "full", "read": "full", "update": "full", "delete": "full"}
MINE = {"create": "full", "read": "mine", "update": "mine", "delete": "mine"}
PERMISSIONS: tuple[Mapping[str, Any], ...] = (
    {"role": 3, "collection": "articles", **FULL, "read_field_blacklist": "secret", "write_field_blacklist": "views"},
    {"role": 3, "collection": "comments", **FULL},
    {"role": 3, "collection": "tokens", "read": "full"},
    {"role": 4, "collection": "articles", **MINE},
    {"role": 2, "collection": "categories", **FULL},
)

ROWS: Mapping[str, Sequence[Mapping[str, Any]]] = {
    "people": [
        {"id": 1, "name": "Ada", "email": "ada@example.com"},
        {"id": 2, "name": "Bob", "email": None},
    ],
    "categories": [
        {"id": 1, "name": "News", "parent": None},
        {"id": 2, "name": "Tech", "parent": 1},
        {"id": 3, "name": "Sport", "parent": 1},
    ],
    "articles": [
        {
            "id": number,
            "status": ("published", "published", "draft", "published", "deleted")[number - 1],
            "title": ("One", "Two", "50% off", "Four", "Gone")[number - 1],
            "slug": f"a{number}",
            "body": None,
            "views": (10, 20, 30, 0, 50)[number - 1],
            "rating": (Decimal("4.50"), None, Decimal("0.10"), Decimal("2.00"), None)[number - 1],
            "featured": number == 1,
            "author": (1, 2, None, 1, 1)[number - 1],
            "tags": "x,y" if number == 1 else None,
            "extra": '{"k":[1]}' if number == 1 else None,
            "secret": None,
            "owner": (1, 3, 3, 2, 1)[number - 1],
            "created_on": datetime(2020, 1, number, 10, 0, 0),  # noqa: DTZ001
        }
        for number in (1, 2, 3, 4, 5)
    ],
    "comments": [
        {"id": 1, "article": 1, "text": "first"},
        {"id": 2, "article": 1, "text": "second"},
        {"id": 3, "article": 2, "text": "third"},
    ],
    "articles_categories": [
        {"id": 1, "article": 1, "category": 1},
        {"id": 2, "article": 1, "category": 2},
        {"id": 3, "article": 2, "category": 2},
    ],
    "tokens": [{"code": "abc-1", "label": "One"}, {"code": "007", "label": "Bond"}, {"code": "a/b", "label": "Slash"}],
    "keyless": [{"name": "x"}],
}


def tables() -> sa.MetaData:
    """The tables of the newsroom."""
    found = sa.MetaData()

    def table(name: str, *columns: sa.Column[Any], key: bool = True) -> None:
        own = [sa.Column("id", sa.Integer, primary_key=True)] if key else []
        sa.Table(name, found, *own, *columns)

    def column(name: str, kind: Any, **more: Any) -> sa.Column[Any]:
        return sa.Column(name, kind, **more)

    table(
        "articles",
        column("status", sa.String(20), server_default="draft"),
        column("title", sa.String(20), nullable=False),
        column("slug", sa.String(50), unique=True),
        column("body", sa.Text),
        column("views", sa.Integer, server_default="0"),
        column("rating", sa.Numeric(5, 2)),
        column("featured", sa.Boolean),
        column("author", sa.Integer),
        column("tags", sa.Text),
        column("extra", sa.Text),
        column("secret", sa.String(100)),
        column("owner", sa.Integer),
        column("created_on", sa.DateTime),
    )
    table("people", column("name", sa.String(50), nullable=False), column("email", sa.String(50)))
    table("comments", column("article", sa.Integer), column("text", sa.String(100)))
    table("categories", column("name", sa.String(50), unique=True), column("parent", sa.Integer))
    table("articles_categories", column("article", sa.Integer), column("category", sa.Integer))
    table("tokens", column("code", sa.String(20), primary_key=True), column("label", sa.String(20)), key=False)
    table("keyless", column("name", sa.String(20)), key=False)
    return found


def _insert(connection: sa.Connection, table: str, rows: Sequence[Mapping[str, Any]]) -> None:
    for row in rows:  # one by one: rows of metadata have different columns
        connection.execute(sa.table(table, *map(sa.column, row)).insert().values(**row))


def _describe(connection: sa.Connection) -> None:
    """The rows of the system tables that say what the tables mean, and the users."""
    _insert(connection, "directus_collections", [{"collection": name, "managed": True} for name in FIELDS])
    rows: list[dict[str, Any]] = []
    for collection, fields in FIELDS.items():
        for number, (name, said) in enumerate(fields.items()):
            kind, more = (said, {}) if isinstance(said, str) else said
            rows.append({"collection": collection, "field": name, "type": kind, "sort": number, **more})
    _insert(connection, "directus_fields", rows)
    names = ("collection_many", "field_many", "collection_one", "field_one", "junction_field")
    _insert(connection, "directus_relations", [dict(zip(names, row, strict=True)) for row in RELATIONS])
    _insert(connection, "directus_roles", [{"id": role, "name": name} for role, name in ROLES.items()])
    users = [
        {"id": user, "email": f"{name}@example.com", "status": "active", "role": role, "token": f"{name}-token"}
        for user, (name, role) in USERS.items()
    ]
    _insert(connection, "directus_users", users)
    _insert(connection, "directus_permissions", PERMISSIONS)
    if connection.dialect.name == "postgresql":  # ids that were given must not be generated again
        for name in ("directus_roles", "directus_users"):
            last = f"(SELECT max(id) FROM {name})"
            connection.execute(sa.text(f"SELECT setval(pg_get_serial_sequence('{name}', 'id'), {last})"))


def _refill(connection: sa.Connection) -> None:
    known = tables()
    for name in ("directus_activity", "directus_revisions"):
        connection.execute(sa.text(f"DELETE FROM {name}"))
    for name, table in known.tables.items():
        connection.execute(table.delete())
        connection.execute(table.insert(), [dict(row) for row in ROWS[name]])
        if connection.dialect.name == "postgresql" and "id" in table.columns:
            last = max(row["id"] for row in ROWS[name])
            connection.execute(sa.text(f"SELECT setval(pg_get_serial_sequence('{name}', 'id'), {last})"))


@dataclass(slots=True)
class Newsroom:
    """The doors of one server with one project, and its tables."""

    projects: Projects
    store: Store
    app: Any
    dirty: bool = True
    """Something may have been written since the last refill."""

    async def ask(self, method: str, path: str, token: str | None = "admin-token", **more: Any) -> httpx2.Response:
        """Ask the server; `path` is below /main unless it begins with `//`. `token`: None for nobody."""
        self.dirty = self.dirty or method != "GET"
        headers = dict(more.pop("headers", {}))
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        url = path[1:] if path.startswith("//") else f"/main{path}"
        transport = httpx2.ASGITransport(app=self.app)
        async with httpx2.AsyncClient(transport=transport, base_url="http://api.example.com") as client:
            return await client.request(method, url, headers=headers, **more)

    async def get(self, path: str, token: str | None = "admin-token") -> Any:
        """The body of a successful GET."""
        answer = await self.ask("GET", path, token)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def refusal(self, method: str, path: str, token: str | None = "admin-token", **more: Any) -> tuple[int, Any]:
        """Status and code of a request that is refused; a write must have left every row and the history as it was."""
        before = await self.everything() if method != "GET" else None
        answer = await self.ask(method, path, token, **more)
        assert before is None or await self.everything() == before
        assert list(answer.json()) == ["error"], answer.text
        return answer.status_code, answer.json()["error"]["code"]

    async def graphql(self, query: str, token: str | None = "admin-token", **variables: Any) -> Any:
        """The answer of the GraphQL door: `data` and `errors` as they come."""
        answer = await self.ask("POST", "/gql", token, json={"query": query, "variables": variables})
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def hire(self, name: str = "member") -> int:
        """A new role with the rows that every new role gets, and an active user of it; the user's id.

        The user's token is `<name>-token`.
        """
        role = (await self.graphql(f'mutation {{ create_directus_roles_item(data: {{name: "{name}"}}) {{ id }} }}'))[
            "data"
        ]["create_directus_roles_item"]["id"]
        user = {"email": f"{name}@example.org", "status": "active", "role": int(role), "token": f"{name}-token"}
        made = await self.graphql(
            "mutation($user: JSON) { create_directus_users_item(payload: $user) { id } }", user=user
        )
        return int(made["data"]["create_directus_users_item"]["id"])

    async def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """Rows of a statement, beside the product."""
        return await self.store.run_sync(
            lambda connection: [tuple(row) for row in connection.execute(sa.text(sql))], write=False
        )

    async def rows_away(self, table: str, where: str) -> None:
        """Delete rows beside the product."""
        await self.store.run_sync(lambda connection: connection.execute(sa.text(f"DELETE FROM {table} WHERE {where}")))

    async def everything(self) -> dict[str, list[tuple[Any, ...]]]:
        """All rows of all tables, to see that nothing changed."""
        names = [*tables().tables, *SYSTEM]

        def read(connection: sa.Connection) -> dict[str, list[tuple[Any, ...]]]:
            selects = {name: connection.execute(sa.text(f"SELECT * FROM {name}")) for name in names}
            return {name: sorted([tuple(row) for row in rows], key=repr) for name, rows in selects.items()}

        return await self.store.run_sync(read, write=False)

    async def refill(self) -> None:
        """The rows as they are at the beginning."""
        if self.dirty:
            await self.store.run_sync(_refill)
            self.dirty = False


@asynccontextmanager
async def newsroom(url: str, data: Path, **more: Any) -> AsyncIterator[Newsroom]:
    """A server with a project named main on the database of this URL, which gets the tables. `more`: configuration."""
    store = await Store.open(url, pool_size=2)
    try:
        await store.run_sync(tables().create_all)
        async with make.project(url, data, **more):
            pass
        await store.run_sync(_describe)
        async with make.projects(data) as found:
            yield Newsroom(found, store, compose(found))
    finally:
        await store.close()


@asynccontextmanager
async def second(one: Newsroom, data: Path) -> AsyncIterator[Newsroom]:
    """Another server with the same project, as a second process would be."""
    async with make.projects(data) as found:
        yield Newsroom(found, one.store, compose(found), dirty=False)
