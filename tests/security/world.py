"""In charge of the small world that permissions are tried out in: its tables, what metadata say of them, random rows.

It must know nothing of rights: who may see what is decided by `naive` and, as the thing under test, by core.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from decimal import Decimal
from random import Random
from types import SimpleNamespace
from typing import Any

import sqlalchemy as sa

from core.access.load import COLUMNS, parse_rows
from core.access.policy import Policy
from core.catalog.build import Metadata, build
from core.catalog.model import Snapshot
from core.context import Actor, Context
from core.db.gateway import Store
from core.db.reflect import reflect
from core.session import Session

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
Rows = dict[str, list[dict[str, Any]]]


@dataclass(frozen=True, slots=True)
class Column:
    """`kind` is how it is stored: int, decimal, float, bool, text, date or datetime; `type` is the Directus type."""

    name: str
    kind: str
    type: str


def _columns(text: str) -> tuple[Column, ...]:
    return tuple(Column(*part.split(":")) for part in text.split())


# Every first column is the primary key.
TABLES: Mapping[str, tuple[Column, ...]] = {
    "directus_roles": _columns("id:int:integer name:text:string"),
    "directus_users": _columns(
        "id:int:integer status:text:status role:int:m2o first_name:text:string email:text:string"
        " password:text:hash token:text:string last_page:text:string"
    ),
    "articles": _columns(
        "id:int:integer status:text:status owner:int:owner title:text:string words:int:integer price:decimal:decimal"
        " score:float:decimal featured:bool:boolean published:datetime:datetime day:date:date"
        " author:int:m2o editor:int:integer parent:int:m2o"
    ),
    "authors": _columns("id:int:integer owner:int:owner name:text:string rating:decimal:decimal active:bool:boolean"),
    "comments": _columns(
        "id:int:integer status:int:status owner:int:owner article:int:m2o text:text:string rank:int:integer"
        " position:int:sort"
    ),
    "tags": _columns("id:text:string status:text:status label:text:string"),
    "articles_tags": _columns("id:int:integer article:int:m2o tag:text:m2o weight:int:integer"),
    "articles_words": _columns("id:int:integer owner:int:owner article:int:m2o lang:text:lang title:text:string"),
}

# collection_many, field_many, collection_one, field_one (its alias, if any), junction_field
RELATIONS: tuple[tuple[str, str, str, str | None, str | None], ...] = (
    ("directus_users", "role", "directus_roles", "users", None),
    ("articles", "author", "authors", "articles", None),
    ("articles", "editor", "authors", "edited", None),
    ("articles", "parent", "articles", "children", None),
    ("comments", "article", "articles", "comments", None),
    ("articles_tags", "article", "articles", "tags", "tag"),
    ("articles_tags", "tag", "tags", "articles", "article"),
    ("articles_words", "article", "articles", "words_of", None),
)
ALIAS_TYPES = {("articles", "words_of"): "translation"}

# collection → status → soft-deleted; `tags` has a status field without mapping.
STATUSES: Mapping[str, Mapping[str | int, bool]] = {
    "articles": {"draft": False, "review": False, "published": False, "deleted": True},
    "comments": {1: False, 2: False, 3: True},
    "directus_users": {"draft": False, "invited": False, "active": False, "suspended": False, "deleted": True},
}

TEXTS = ("a", "b", "ab", "B", "Ab", "a%", "50%", "a_b", "_", "!", "x!y", "\\", "a\\b", "1", "4.5", "", None)
DATES = (None, date(2026, 3, 1), date(2025, 12, 31), date(2026, 1, 2))
MOMENTS = (None, datetime(2026, 3, 1), datetime(2026, 3, 1, 12, 0), datetime(2025, 12, 31, 23, 59, 59))  # noqa: DTZ001
PRICES = (None, *map(Decimal, ("0.00", "4.50", "4.25", "-1.00", "10.00")))
SCORES = (None, 0.0, 0.25, 4.0, 4.5, -1.5)
WORDS = (None, 0, 1, 2, 5, 14)
USERS = (1, 2, 3, 4, 5, 6)
OWNERS = (None, 0, *USERS, 99)
ROLE_OF = {1: 1, 2: 3, 3: 3, 4: 4, 5: None, 6: 3}
KEYS = ("a", "b1", "c_d", "50%")


def random_rows(random: Random) -> Rows:
    """The content of all tables: few rows, many coincidences, dangling and missing keys."""
    choice = random.choice
    authors, articles = range(1, 6), range(1, 11)
    loose_author, loose_article = (None, *authors, 77), (None, *articles, 77)
    rows: Rows = {
        "directus_roles": [{"id": number, "name": f"role {number}"} for number in (1, 2, 3, 4)],
        "directus_users": [
            {
                "id": user, "status": choice(("active", "active", "draft", "deleted", None)), "role": ROLE_OF[user],
                "first_name": choice(TEXTS), "email": f"u{user}@example.org", "password": choice(("h1", "h2")),
                "token": choice((None, "t1", "a")), "last_page": choice((None, "/a", "/b")),
            }
            for user in USERS
        ],
        "authors": [
            {
                "id": key, "owner": choice(OWNERS), "name": choice(TEXTS), "rating": choice(PRICES),
                "active": choice((True, False, None)),
            }
            for key in authors
        ],
        "articles": [
            {
                "id": key, "status": choice(("draft", "review", "published", "published", "deleted", "odd", None)),
                "owner": choice(OWNERS), "title": choice(TEXTS), "words": choice(WORDS), "price": choice(PRICES),
                "score": choice(SCORES), "featured": choice((True, False, None)), "published": choice(MOMENTS),
                "day": choice(DATES), "author": choice(loose_author), "editor": choice(loose_author),
                "parent": choice(loose_article),
            }
            for key in articles
        ],
        "comments": [
            {
                "id": key, "status": choice((1, 1, 2, 3, 7, None)), "owner": choice(OWNERS),
                "article": choice(loose_article), "text": choice(TEXTS), "rank": choice(WORDS),
                "position": choice((None, 1, 2, 3)),
            }
            for key in range(1, 16)
        ],
        "tags": [{"id": key, "status": choice(("on", "off", None)), "label": choice(TEXTS)} for key in KEYS],
        "articles_tags": [
            {
                "id": key, "article": choice(loose_article), "tag": choice((*KEYS, "A", "zz", None)),
                "weight": choice(WORDS),
            }
            for key in range(1, 13)
        ],
        "articles_words": [
            {
                "id": key, "owner": choice(OWNERS), "article": choice(loose_article),
                "lang": choice(("en", "de", None)), "title": choice(TEXTS),
            }
            for key in range(1, 11)
        ],
    }  # fmt: skip
    return rows


# --- database -----------------------------------------------------------------------------------------------------


def _tables(dialect: str) -> sa.MetaData:
    """The tables, with text that compares alike on all servers but for case (as MySQL and MariaDB do by default)."""
    collation = {"postgres": "C", "mysql": "utf8mb4_general_ci"}.get(dialect)
    kinds: dict[str, Any] = {
        "int": sa.Integer(),
        "decimal": sa.Numeric(8, 2),
        "float": sa.Double(),
        "bool": sa.Boolean(create_constraint=False),
        "text": sa.String(100, collation=collation),
        "date": sa.Date(),
        "datetime": sa.DateTime(),
    }
    found = sa.MetaData()
    for name, columns in TABLES.items():
        sa.Table(
            name,
            found,
            *(
                sa.Column(column.name, kinds[column.kind], primary_key=number == 0, autoincrement=False)
                for number, column in enumerate(columns)
            ),
        )
    return found


def metadata() -> Metadata:
    """What rows of directus_fields and directus_relations would say."""
    fields: list[dict[str, Any]] = []
    for collection, columns in TABLES.items():
        for column in columns:
            options = None
            if column.type == "status" and collection in STATUSES:
                mapping = {
                    str(value): {"name": str(value), "soft_delete": deleted}
                    for value, deleted in STATUSES[collection].items()
                }
                options = _json({"status_mapping": mapping})
            fields.append({"collection": collection, "field": column.name, "type": column.type, "options": options})
    for _, _, one, alias, _ in RELATIONS:
        if alias:
            fields.append({"collection": one, "field": alias, "type": ALIAS_TYPES.get((one, alias), "o2m")})
    names = ("collection_many", "field_many", "collection_one", "field_one", "junction_field")
    relations = [{"id": number, **dict(zip(names, row, strict=True))} for number, row in enumerate(RELATIONS, 1)]
    return Metadata(fields=tuple(fields), relations=tuple(relations), settings={"default_limit": "50"})


def _json(value: Any) -> str:
    import orjson

    return orjson.dumps(value).decode()


class World:
    """One database of a dialect, created once and refilled; it makes sessions for any caller and rules."""

    def __init__(self, store: Store, snapshot: Snapshot) -> None:
        self.store = store
        self.snapshot = snapshot
        self.rows: Rows = {}
        self.project: Any = SimpleNamespace(
            key="world", plans={}, root_url="/uploads/world/", store=self._store, hooks=None, answers=None
        )

    @property
    def dialect(self) -> str:
        return self.store.dialect

    async def _store(self) -> Store:
        return self.store

    @classmethod
    async def create(cls, url: str) -> World:
        """The tables in an empty database, and the snapshot that its reflection and the metadata make."""
        store = await Store.open(url, pool_size=2)
        await store.run_sync(_tables(store.dialect).create_all)
        async with store.read() as connection:
            tables = await reflect(connection)
        return cls(store, build(tables, metadata(), dialect=store.dialect, version=1))

    async def fill(self, rows: Rows) -> None:
        """Replaces the content of all tables. Compiled plans stay: they must not depend on it."""
        self.rows = rows
        async with self.store.write() as connection:
            for name, columns in TABLES.items():
                await connection.execute(f"DELETE FROM {name}")
                names = ", ".join(_quoted(column.name, self.dialect) for column in columns)
                marks = ", ".join(_mark(self.dialect, number) for number in range(1, len(columns) + 1))
                await connection.execute_many(
                    f"INSERT INTO {name} ({names}) VALUES ({marks})",
                    [tuple(_stored(row[column.name], self.dialect) for column in columns) for row in rows[name]],
                )

    def session(self, user: int, role: int | None, policy: Policy, *, nulls_last: bool = True) -> Session:
        """A request of `user` (0 is the public one). `nulls_last`: the setting `sort_null_last`."""
        actor = Actor(user=user, role=role, public=user == 0)
        snapshot = self.snapshot
        if not nulls_last:
            snapshot = replace(snapshot, version=2, settings={**snapshot.settings, "sort_null_last": "0"})
        return Session(self.project, snapshot, policy, Context(actor, NOW, base_url="http://test"))


def policy_of(role: int | None, rows: list[dict[str, Any]]) -> Policy:
    """The policy that core makes of rows of directus_permissions."""
    return parse_rows(role, [tuple(row.get(name) for name in COLUMNS) for row in rows])


def _quoted(name: str, dialect: str) -> str:
    return f"`{name}`" if dialect == "mysql" else f'"{name}"'


def _mark(dialect: str, number: int) -> str:
    return {"sqlite": "?", "mysql": "%s"}.get(dialect, f"${number}")


def _stored(value: Any, dialect: str) -> Any:
    """A value as the bare driver takes it."""
    if dialect == "postgres" or value is None:
        return value
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M:%S")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, bool):
        return int(value)
    return float(value) if dialect == "sqlite" and isinstance(value, Decimal) else value
