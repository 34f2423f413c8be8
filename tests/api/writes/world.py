"""In charge of the small world that writes are tried out in: tables on every database, short ways to look at them.

A test begins with the rows of `ROWS` and empty history; role 3 (Writers) has the rights that the test gives it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from core import engine
from core.auth.credentials import Credentials
from core.catalog.changes import log_change
from core.db.gateway import Connection, Store
from core.enter import enter
from core.projects import Project
from core.query.change import WriteRequest, WriteResult
from core.query.selection import ROW, Row, Selection
from core.session import Session
from core.sql.ddl import ColumnSpec, UniqueKey, create_table, quote
from tests.projects import ADMIN_TOKEN

NOW = datetime(2026, 3, 1, 12, 30, 45, 678, tzinfo=UTC)
AT = "2026-03-01 12:30:45"

STATUS_MAPPING = {
    "published": {"name": "Published", "soft_delete": False, "required_fields": True},
    "draft": {"name": "Draft", "soft_delete": False},
    "deleted": {"name": "Deleted", "soft_delete": True},
}


def _key() -> ColumnSpec:
    return ColumnSpec("id", "INT", "11", signed=False, nullable=False, primary_key=True, auto_increment=True)


def _text(name: str, **more: Any) -> ColumnSpec:
    return ColumnSpec(name, "VARCHAR", "100", **more)


def _int(name: str, **more: Any) -> ColumnSpec:
    return ColumnSpec(name, "INT", "11", **more)


TABLES: Mapping[str, Sequence[ColumnSpec]] = {
    "authors": (_key(), _text("name"), _int("age")),
    "articles": (
        _key(),
        ColumnSpec("status", "VARCHAR", "16", nullable=False, default="draft"),
        _text("title", nullable=False),
        _text("slug"),
        ColumnSpec("rating", "DECIMAL", "5,2"),
        ColumnSpec("featured", "TINYINT", "1", type="boolean"),
        ColumnSpec("meta", "TEXT"),
        ColumnSpec("tags_list", "VARCHAR", "100"),
        _int("author"),
        _int("owner"),
        _int("editor"),
        ColumnSpec("created", "DATETIME"),
        ColumnSpec("modified", "DATETIME"),
        _text("secret"),
    ),
    "comments": (_key(), _int("article"), _text("text"), _int("writer")),
    "marks": (_key(), _int("comment"), _text("mark")),
    "tags": (ColumnSpec("code", "VARCHAR", "20", nullable=False, primary_key=True), _text("label")),
    "articles_tags": (_key(), _int("article"), ColumnSpec("tag", "VARCHAR", "20"), _int("sort")),
    "codes": (ColumnSpec("id", "VARCHAR", "36", nullable=False, primary_key=True), _text("name")),
    "pages": (_key(), _text("path", nullable=False)),
    "lines": (_key(), _int("page", nullable=False), _text("text")),
}
UNIQUES: Mapping[str, Sequence[UniqueKey]] = {
    "pages": (UniqueKey("pages_path", ("path",)),),
    "articles_tags": (UniqueKey("article_tag", ("article", "tag")),),
}
TYPES: Mapping[str, str] = {
    "articles.status": "status", "articles.slug": "slug", "articles.featured": "boolean", "articles.meta": "json",
    "articles.tags_list": "array", "articles.author": "m2o", "articles.owner": "owner",
    "articles.editor": "user_updated", "articles.created": "datetime_created", "articles.modified": "datetime_updated",
    "articles.secret": "hash", "articles.comments": "o2m", "articles.tags": "o2m", "authors.articles": "o2m",
    "comments.article": "m2o", "comments.marks": "o2m", "marks.comment": "m2o", "articles_tags.article": "m2o",
    "articles_tags.tag": "m2o", "codes.id": "uuid", "pages.lines": "o2m", "lines.page": "m2o",
    "comments.writer": "m2o", "articles.title": "string",
}  # fmt: skip
OPTIONS: Mapping[str, Any] = {
    "articles.status": {"status_mapping": STATUS_MAPPING},
    "articles.slug": {"mirroredField": "title"},
    "articles.secret": {"hasher": "sha1"},
}
REQUIRED = frozenset({"pages.lines"})
RELATIONS: Sequence[tuple[str, str, str, str | None, str | None]] = (
    ("articles", "author", "authors", "articles", None),
    ("comments", "article", "articles", "comments", None),
    ("comments", "writer", "authors", None, None),
    ("marks", "comment", "comments", "marks", None),
    ("articles_tags", "article", "articles", "tags", "tag"),
    ("articles_tags", "tag", "tags", None, "article"),
    ("lines", "page", "pages", "lines", None),
)
ROWS: Mapping[str, Sequence[Mapping[str, Any]]] = {
    "authors": ({"id": 1, "name": "Ada", "age": 36}, {"id": 2, "name": "Bob", "age": None}),
    "articles": (
        {"id": 1, "title": "One", "status": "published", "author": 1, "owner": 2},
        {"id": 2, "title": "Two", "status": "draft", "author": None, "owner": 3},
        {"id": 3, "title": "Gone", "status": "deleted", "author": 2, "owner": 2},
    ),
    "comments": ({"id": 1, "article": 1, "text": "first"}, {"id": 2, "article": 1, "text": "second"}),
    "tags": ({"code": "red", "label": "Red"}, {"code": "blue", "label": "Blue"}),
    "articles_tags": ({"id": 1, "article": 1, "tag": "red", "sort": None},),
    "pages": ({"id": 1, "path": "/"},),
    "lines": ({"id": 1, "page": 1, "text": "a"}, {"id": 2, "page": 1, "text": "b"}),
}
SYSTEM_CHANGED = (
    "directus_activity", "directus_revisions", "directus_permissions", "directus_collection_presets",
    "directus_folders", "directus_user_sessions",
)  # fmt: skip
TOKENS = {1: ADMIN_TOKEN, 2: "writer", 3: "colleague"}

Everything = Selection((Row("_row", ("*",)),))


def select(*paths: str) -> Selection:
    """The REST form by field paths."""
    return Selection((Row("_row", paths),))


@dataclass
class House:
    """A project with the tables, as a test holds it."""

    project: Project
    store: Store
    statements: int = 0
    told: list[Any] = field(default_factory=list)

    @property
    def dialect(self) -> str:
        return self.store.dialect

    # Looking

    async def rows(self, table: str, *columns: str, where: str = "1 = 1") -> list[tuple[Any, ...]]:
        """Rows of a table in the order of the first column; dates as text, decimals and booleans alike everywhere."""
        names = ", ".join(quote(name, self.dialect) for name in columns)
        key = quote(columns[0], self.dialect)
        sql = f"SELECT {names} FROM {quote(table, self.dialect)} WHERE {self.text(where)} ORDER BY {key}"
        async with self.store.read() as connection:
            return [tuple(_plain(value) for value in row) for row in await connection.rows(sql)]

    async def one(self, table: str, *columns: str, where: str = "1 = 1") -> tuple[Any, ...]:
        found = await self.rows(table, *columns, where=where)
        assert len(found) == 1, found
        return found[0]

    async def activity(self) -> list[tuple[Any, ...]]:
        """(action, action_by, collection, item, comment) of each row, in order."""
        return [row[1:] for row in await self.rows(
            "directus_activity", "id", "action", "action_by", "collection", "item", "comment"
        )]  # fmt: skip

    async def revisions(self) -> list[dict[str, Any]]:
        """The rows of revisions in order, JSON decoded."""
        names = ("id", "collection", "item", "data", "delta", "parent_collection", "parent_item", "parent_changed")
        found = []
        for row in await self.rows("directus_revisions", *names):
            one = dict(zip(names[1:], row[1:], strict=True))
            found.append({**one, "data": json.loads(one["data"]), "delta": json.loads(one["delta"])})
        return found

    async def everything(self) -> dict[str, list[tuple[Any, ...]]]:
        """All rows of all tables: what a refused request must leave as it was."""
        found = {name: await self.rows(name, *(column.name for column in columns)) for name, columns in TABLES.items()}
        for name in ("directus_activity", "directus_revisions", "directus_collection_presets", "directus_settings"):
            found[name] = await self.rows(name, "id")
        found["directus_users"] = await self.rows(
            "directus_users", "id", "status", "role", "email", "token", "password"
        )
        found["directus_roles"] = await self.rows("directus_roles", "id", "name")
        found["directus_changes"] = await self.rows("directus_changes", "id")
        return found

    # Preparing

    def text(self, sql: str) -> str:
        return sql.replace('"', "`") if self.dialect == "mysql" else sql

    async def run(self, sql: str) -> None:
        async with self.store.write() as connection:
            await connection.execute(self.text(sql))

    async def log(self, kind: str) -> None:
        """Let the project take notice of a change that was made behind its back."""
        async with self.store.write() as connection:
            await log_change(connection, kind)
        await self.session()
        await self.project.settled()

    async def set(self, table: str, column: str, key: int, value: Any) -> None:
        """One value of one row."""
        marks = {"sqlite": ("?", "?"), "postgres": ("$1", "$2"), "mysql": ("%s", "%s")}[self.dialect]
        sql = f'UPDATE "{table}" SET "{column}" = {marks[0]} WHERE "id" = {marks[1]}'
        async with self.store.write() as connection:
            await connection.execute(self.text(sql), [value, key])

    async def put(self, table: str, *rows: Mapping[str, Any]) -> None:
        async with self.store.write() as connection:
            await insert(connection, table, rows)

    async def grant(self, collection: str, *, status: str | None = None, role: int = 3, **levels: Any) -> None:
        """A row of directus_permissions; takes effect with the next session."""
        await self.put("directus_permissions", {"collection": collection, "role": role, "status": status, **levels})
        self.project._policies.clear()

    async def session(self, user: int | None = 1, **more: Any) -> Session:
        credentials = Credentials("bearer", TOKENS[user]) if user else Credentials("none", None)
        arguments = {"now": NOW, "address": "127.0.0.1", "user_agent": "tests", **more}
        return await enter(self.project, credentials, **arguments)

    # Writing

    async def write(
        self, action: Any, collection: str, *payloads: Any, user: int | None = 1, **more: Any
    ) -> WriteResult:
        """A write; `self.statements` says afterwards how many statements it took."""
        session = await self.session(user)
        request = WriteRequest(collection, action, tuple(payloads), **{"selection": ROW, **more})
        before = self.store.statements_total
        result = await engine.write(session, request)
        self.statements = self.store.statements_total - before
        return result

    async def create(self, collection: str, payload: Any, **more: Any) -> Any:
        """The item in its REST form."""
        result = await self.write("create", collection, payload, **more)
        return result.items[0]["_row"] if result.items[0] else None

    async def update(self, collection: str, key: Any, payload: Any, **more: Any) -> Any:
        result = await self.write("update", collection, payload, keys=(str(key),), **more)
        return result.items[0]["_row"] if result.items[0] else None

    async def delete(self, collection: str, *keys: Any, **more: Any) -> None:
        await self.write("delete", collection, keys=tuple(map(str, keys)), **more)


async def build(store: Store) -> None:
    """Make the tables and tell the project of their fields and relations."""
    async with store.write() as connection:
        for name, columns in TABLES.items():
            for statement in create_table(name, list(columns), store.dialect, uniques=UNIQUES.get(name, ())):
                await connection.execute(statement)
        fields = [
            {
                "collection": name.partition(".")[0], "field": name.partition(".")[2], "type": kind,
                "interface": None, "options": json.dumps(OPTIONS[name]) if name in OPTIONS else None,
                "required": _flag(store.dialect, name in REQUIRED),
            }
            for name, kind in TYPES.items()
        ]  # fmt: skip
        await insert(connection, "directus_fields", fields)
        relations = [
            dict(
                zip(
                    ("collection_many", "field_many", "collection_one", "field_one", "junction_field"), one, strict=True
                )
            )
            for one in RELATIONS
        ]
        await insert(connection, "directus_relations", relations)
        await insert(connection, "directus_roles", [{"id": 3, "name": "Writers"}])
        if store.dialect == "postgres":  # a key that was sent does not move the sequence
            await _restart(connection, "directus_roles", 4)


async def reset(house: House) -> None:
    """The rows of the beginning."""
    async with house.store.write() as connection:
        for table in (*TABLES, *SYSTEM_CHANGED):
            await connection.execute(f"DELETE FROM {quote(table, house.dialect)}")
        for sql in (
            'DELETE FROM directus_users WHERE "id" > 1',
            'DELETE FROM directus_roles WHERE "id" > 3',
            "UPDATE directus_users SET status = 'active', role = 1, external_id = NULL",
        ):
            await connection.execute(house.text(sql))
        users = [
            {"id": user, "status": "active", "role": 3, "email": f"u{user}@example.org", "token": TOKENS[user]}
            for user in (2, 3)
        ]
        await insert(connection, "directus_users", users)
        await _restart(connection, "directus_users", 4)
        for table, rows in ROWS.items():
            await insert(connection, table, rows)
            if "id" in rows[0]:
                await _restart(connection, table, len(rows) + 1)
    house.project._policies.clear()


async def insert(connection: Connection, table: str, rows: Sequence[Mapping[str, Any]]) -> None:
    """Rows, beside the product."""
    names = list(rows[0])
    marks = {
        "sqlite": ["?"] * len(names),
        "postgres": [f"${n + 1}" for n in range(len(names))],
        "mysql": ["%s"] * len(names),
    }
    columns = ", ".join(quote(name, connection.dialect) for name in names)
    sql = f"INSERT INTO {quote(table, connection.dialect)} ({columns}) VALUES ({', '.join(marks[connection.dialect])})"
    await connection.execute_many(sql, [[row[name] for name in names] for row in rows])


async def _restart(connection: Connection, table: str, at: int) -> None:
    """The next generated key, so that tests can name it."""
    sql = {
        "sqlite": f"UPDATE sqlite_sequence SET seq = {at - 1} WHERE name = '{table}'",
        "postgres": f'ALTER TABLE "{table}" ALTER COLUMN id RESTART WITH {at}',
        "mysql": f"ALTER TABLE `{table}` AUTO_INCREMENT = {at}",
    }
    await connection.execute(sql[connection.dialect])


def _flag(dialect: str, value: bool) -> Any:
    return value if dialect == "postgres" else int(value)


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat(" ")
    if value is None or isinstance(value, int | str):
        return int(value) if isinstance(value, bool) else value
    return float(value)
