"""In charge of the collections that reads are tried out on: one column of every family, few rows, every relation.

Text compares alike on the three databases unless a column is there to show the difference.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time
from decimal import Decimal
from functools import partial
from types import SimpleNamespace
from typing import Any

import asyncpg

from core import engine
from core.access.policy import ADMIN_POLICY
from core.catalog.build import Metadata, build
from core.catalog.model import Snapshot
from core.context import Actor, Context
from core.db.gateway import Store
from core.db.reflect import reflect
from core.query.aggregate import AggregateRequest
from core.query.selection import Condition, ReadRequest, ReadResult, Row, Selection
from core.session import Session

NOW = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)
ADMIN = Actor(user=1, role=1, public=False)
UNIQUE = "6f9619ff-8b86-d011-b42d-00c04fc964ff"
OTHER = "11111111-2222-3333-4444-555555555555"

# column: (Directus type, type in SQLite, PostgreSQL, MySQL)
BIN = "VARCHAR(100) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin"
C = 'VARCHAR(100) COLLATE "C"'
KINDS = {
    "whole": ("integer", "INT", "INTEGER", "INT"),
    "big": ("integer", "BIGINT", "BIGINT", "BIGINT"),
    "money": ("decimal", "DECIMAL(10,2)", "NUMERIC(10,2)", "DECIMAL(10,2)"),
    "twofold": ("decimal", "DOUBLE", "DOUBLE PRECISION", "DOUBLE"),
    "truth": ("boolean", "TINYINT(1)", "BOOLEAN", "TINYINT(1)"),
    "words": ("string", "VARCHAR(100)", C, BIN),
    "folded": ("string", "VARCHAR(100) COLLATE NOCASE", C, "VARCHAR(100) COLLATE utf8mb4_general_ci"),
    "prose": ("string", "TEXT", "TEXT", "TEXT"),
    "raw": ("binary", "BLOB", "BYTEA", "BLOB"),
    "flags": ("integer", "BIT(4)", "BIT(4)", "BIT(4)"),
    "day": ("date", "DATE", "DATE", "DATE"),
    "clock": ("time", "TIME", "TIME(0)", "TIME"),
    "moment": ("datetime", "DATETIME", "TIMESTAMP(0)", "DATETIME"),
    "placed": ("datetime", "TIMESTAMP", "TIMESTAMPTZ(0)", "TIMESTAMP NULL"),
    "document": ("json", "JSON", "JSONB", "JSON"),
    "ident": ("uuid", "CHAR(36)", "UUID", "CHAR(36)"),
    "list": ("array", "VARCHAR(100)", C, BIN),
    "odd name": ("integer", "INT", "INTEGER", "INT"),
    "order": ("integer", "INT", "INTEGER", "INT"),
}
COLUMNS = tuple(KINDS)

at = partial(datetime, tzinfo=None)

# Three rows with values, one with what counts as empty, one with NULL everywhere.
THINGS: tuple[tuple[Any, ...], ...] = (
    (
        1, 1, 1, Decimal("1.50"), 1.5, True, "Ant", "Ant", "a%b", b"\x01", 1, date(2020, 1, 1), time(10),
        at(2020, 1, 1), at(2020, 1, 1), '{"a": 1}', UNIQUE, "a,b", 1, 3,
    ),
    (
        2, 2, 9007199254740993, Decimal("10.00"), 4.0, False, "ant", "ant", "a_b", b"\x02\x03", 5, date(2020, 1, 2),
        time(23, 59, 59), at(2020, 1, 1, 12), at(2020, 1, 1, 12), '{"a": 2}', OTHER, "b", 2, 3,
    ),
    (
        3, 10, -7, Decimal("-3.25"), -0.25, True, "a!b\\c", "b", "axb", b"\xff", 8, date(2026, 3, 1), time(9, 30),
        at(2026, 3, 1, 9, 30), at(2026, 3, 1, 9, 30), "[1]", None, "c", 10, 2,
    ),
    (
        4, 0, 0, Decimal("0.00"), 0.0, False, "", "", "", b"", 0, date(1999, 12, 31), time(0),
        at(1999, 12, 31), at(1999, 12, 31), None, None, "", 0, 1,
    ),
    (5, *(None for _ in COLUMNS)),
)  # fmt: skip

# The other collections: keys that are text, self, M2O with dangling keys, O2M, M2M, soft deletion.
SCRIPTS = {
    "directus_users": "(id INT PRIMARY KEY, status VARCHAR(20), role INT, first_name VARCHAR(50))",
    "people": "(id INT PRIMARY KEY, status {text}, name {text}, boss INT)",
    "posts": "(id INT PRIMARY KEY, title {text}, author INT, editor INT, place INT)",
    "labels": "(code {text} NOT NULL PRIMARY KEY, title {text})",
    "posts_labels": "(id INT PRIMARY KEY, post INT, label {text})",
    "boxes": "(id INT PRIMARY KEY, title {text})",
    "cards": "(id INT PRIMARY KEY, box {text}, label INT)",
    "loose": "(a INT, b {text})",
    "pairs": "(a INT NOT NULL, b INT NOT NULL, c INT, PRIMARY KEY (a, b))",
}
ROWS: dict[str, tuple[tuple[Any, ...], ...]] = {
    "directus_users": ((1, "active", 1, "Admin"),),
    "people": (
        (1, "in", "Ada", None), (2, "in", "Bob", 1), (3, "out", "Cyd", 1), (4, "in", "ada", 4), (5, None, "Eve", 3),
    ),
    "posts": (
        (1, "one", 1, 2, 3), (2, "two", 2, None, 1), (3, "three", 3, 1, 2), (4, "four", None, 9, None),
        (5, "five", 99, 1, 1), (6, "six", 1, 4, 2),
    ),
    "labels": (("007", "seven"), ("7", "lucky"), ("a b", "blank"), ("x%", "percent")),
    "posts_labels": (
        (1, 1, "7"), (2, 1, "007"), (3, 2, "7"), (4, 3, "x%"), (5, 5, "gone"), (6, 6, "7"), (7, 6, "x%"),
        (8, None, "7"),
    ),
    "boxes": ((0, "zero"), (1, "one"), (2, "two")),
    "cards": ((1, "1", 7), (2, "02", 7), (3, "x", None), (4, None, 8), (5, "1abc", 7), (6, "2", None), (7, " 1", 0)),
    "loose": ((2, "b"), (1, "a"), (1, "c"), (None, None)),
    "pairs": ((1, 2, 5), (1, 1, 6), (2, 1, None)),
}  # fmt: skip
FIELDS = (
    (
        "people",
        "status",
        "status",
        '{"status_mapping": {"in": {"name": "in"}, "out": {"name": "o", "soft_delete": true}}}',
    ),
    ("people", "boss", "m2o", None),
    ("people", "team", "o2m", None),
    ("people", "posts", "o2m", None),
    ("posts", "author", "m2o", None),
    ("posts", "editor", "integer", None),
    ("posts", "place", "sort", None),
    ("posts", "labels", "o2m", None),
    ("posts", "note", "alias", None),
    ("posts_labels", "post", "m2o", None),
    ("posts_labels", "label", "m2o", None),
    ("labels", "posts", "o2m", None),
    ("boxes", "cards", "o2m", None),
    ("cards", "box", "m2o", None),
    ("cards", "label", "m2o", None),
)
RELATIONS = (
    ("people", "boss", "people", "team", None),
    ("posts", "author", "people", "posts", None),
    ("posts", "editor", "people", None, None),
    ("posts_labels", "post", "posts", "labels", "label"),
    ("posts_labels", "label", "labels", "posts", "post"),
    ("cards", "box", "boxes", "cards", None),
    ("cards", "label", "labels", None, None),
)


def metadata(settings: dict[str, str | None]) -> Metadata:
    fields = [{"collection": "things", "field": name, "type": kind[0]} for name, kind in KINDS.items()]
    fields += [{"collection": c, "field": f, "type": t, "options": options} for c, f, t, options in FIELDS]
    names = ("collection_many", "field_many", "collection_one", "field_one", "junction_field")
    relations = [{"id": number, **dict(zip(names, row, strict=True))} for number, row in enumerate(RELATIONS, 1)]
    return Metadata(fields=tuple(fields), relations=tuple(relations), settings=settings)


@dataclass
class Base:
    """A filled database, and the reads of its administrator."""

    store: Store
    snapshot: Snapshot
    project: Any

    @property
    def dialect(self) -> str:
        return self.store.dialect

    def session(self, **settings: str | None) -> Session:
        """An administrator's request. `settings` replace those of the project, for this request."""
        snapshot = self.snapshot
        if settings:
            snapshot = replace(snapshot, version=hash(tuple(sorted(settings.items()))), settings=settings)
        return Session(self.project, snapshot, ADMIN_POLICY, Context(ADMIN, NOW, base_url="http://test"))

    async def read(self, collection: str, paths: str = "*", **arguments: Any) -> ReadResult:
        settings = arguments.pop("settings", {})
        request = ReadRequest(collection, Selection((Row("_row", (paths,)),)), **arguments)
        return await engine.read(self.session(**settings), request)

    async def rows(self, collection: str, paths: str = "*", **arguments: Any) -> list[Any]:
        """The items in their REST form, None for one without keys."""
        return [item["_row"] for item in (await self.read(collection, paths, **arguments)).items]

    async def keys(self, collection: str, key: str = "id", **arguments: Any) -> list[Any]:
        """The keys of the items, in order."""
        return [row[key] for row in await self.rows(collection, key, **arguments)]

    async def find(self, collection: str, *conditions: tuple[Any, ...], key: str = "id") -> list[Any]:
        """The sorted keys that conditions (field, operator, value[, either]) find, alike in both forms of a filter."""
        where = tuple(Condition(*condition) for condition in conditions)
        found = sorted(await self.keys(collection, key, where=where, limit=-1))
        if not any(item.either for item in where):
            tree = ("and", tuple(_tree(item.field.split("."), item) for item in where))
            assert sorted(await self.keys(collection, key, filter=tree, limit=-1)) == found
        return found

    async def aggregate(self, request: AggregateRequest, **settings: str | None) -> list[dict[str, Any]]:
        return await engine.aggregate(self.session(**settings), request)


def _tree(path: Sequence[str], item: Condition) -> tuple[Any, ...]:
    head, *rest = path
    return ("rel", head, _tree(rest, item)) if rest else ("cond", head, item.op, item.value)


async def create(url: str) -> Base:
    """Fills an empty database and reads its catalogue."""
    store = await Store.open(url, pool_size=3)
    number = ("sqlite", "postgres", "mysql").index(store.dialect)
    text = {"sqlite": "VARCHAR(100)", "postgres": C, "mysql": BIN}[store.dialect]
    quoted = {name: f"`{name}`" if number == 2 else f'"{name}"' for name in KINDS}
    columns = ", ".join(f"{quoted[name]} {kinds[number + 1]}" for name, kinds in KINDS.items())
    scripts = [f"CREATE TABLE things (id INT PRIMARY KEY, {columns})"]
    scripts += [f"CREATE TABLE {name} {script.format(text=text)}" for name, script in SCRIPTS.items()]
    scripts.append("CREATE VIEW seen AS SELECT id, title FROM posts WHERE id < 4")
    await store.run_sync(lambda connection: [connection.exec_driver_sql(script) for script in scripts])
    async with store.write() as connection:
        for name, rows in {"things": THINGS, **ROWS}.items():
            marks = ", ".join(_mark(store.dialect, place) for place in range(1, len(rows[0]) + 1))
            await connection.execute_many(
                f"INSERT INTO {name} VALUES ({marks})",
                [[_stored(value, store.dialect, place, name) for place, value in enumerate(row)] for row in rows],
            )
    async with store.read() as connection:
        tables = await reflect(connection)
    snapshot = build(tables, metadata({}), dialect=store.dialect, version=1)

    async def opened() -> Store:
        return store

    return Base(
        store, snapshot, SimpleNamespace(key="plain", plans={}, root_url="/uploads/plain/", store=opened, hooks=None)
    )


def _mark(dialect: str, place: int) -> str:
    return {"sqlite": "?", "mysql": "%s"}.get(dialect, f"${place}")


def _stored(value: Any, dialect: str, place: int, table: str) -> Any:
    """A value as the bare driver takes it."""
    name = COLUMNS[place - 1] if table == "things" and place else ""
    if value is None:
        return None
    if dialect == "postgres":
        if name == "flags":
            return asyncpg.BitString(format(value, "04b"))
        return value.replace(tzinfo=UTC) if name == "placed" else value
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, datetime):
        return value.isoformat(" ")
    if isinstance(value, (date, time)):
        return value.isoformat()
    return float(value) if dialect == "sqlite" and isinstance(value, Decimal) else value
