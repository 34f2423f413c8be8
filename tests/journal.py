"""In charge of items that tell at a glance whether a write is whole, and of judging them and their history.

Every write puts one mark into all rows of an article: its title, its author's name (to-one), its comments (to-many),
the labels of its tags (many-to-many), its texts (translations). Rows are read beside the product.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import Any

from core.catalog.changes import log_change
from core.db.gateway import Connection, Store
from core.projects import Project
from core.sql.ddl import ColumnSpec, create_table, quote

COMMENTS, TAGS, LANGUAGES = 3, 2, ("de", "en")
WRITERS = 8


def _columns(*names: str) -> tuple[ColumnSpec, ...]:
    key = ColumnSpec("id", "INT", "11", signed=False, nullable=False, primary_key=True, auto_increment=True)
    return (key, *(ColumnSpec(*name.split(":")) for name in names))


TABLES = {
    "authors": _columns("name:VARCHAR:50"),
    "articles": _columns("title:VARCHAR:50", "author:INT:11"),
    "comments": _columns("article:INT:11", "text:VARCHAR:50"),
    "tags": _columns("label:VARCHAR:50"),
    "articles_tags": _columns("article:INT:11", "tag:INT:11"),
    "texts": _columns("article:INT:11", "lang:VARCHAR:5", "title:VARCHAR:50"),
    "counters": _columns(*(f"c{number}:INT:11" for number in range(WRITERS))),
}
FIELDS = {
    "articles.author": "m2o", "articles.comments": "o2m", "articles.tags": "o2m", "articles.texts": "translation",
    "comments.article": "m2o", "articles_tags.article": "m2o", "articles_tags.tag": "m2o", "texts.article": "m2o",
    "texts.lang": "lang",
}  # fmt: skip
RELATIONS = (
    ("articles", "author", "authors", None, None),
    ("comments", "article", "articles", "comments", None),
    ("articles_tags", "article", "articles", "tags", "tag"),
    ("articles_tags", "tag", "tags", None, "article"),
    ("texts", "article", "articles", "texts", None),
)
SELECTION = "*,author.*,comments.*,tags.*,tags.tag.*,texts.*"


async def build(project: Project) -> None:
    """The collections, empty; two rows of counters."""
    store = await project.store()
    async with store.write() as connection:
        for name, columns in TABLES.items():
            for statement in create_table(name, list(columns), store.dialect):
                await connection.execute(statement)
        for name, kind in FIELDS.items():
            collection, field = name.split(".")
            await connection.execute(
                f"INSERT INTO directus_fields (collection, field, type) VALUES ('{collection}', '{field}', '{kind}')"
            )
        for row in RELATIONS:
            values = ", ".join("NULL" if value is None else f"'{value}'" for value in row)
            await connection.execute(
                "INSERT INTO directus_relations (collection_many, field_many, collection_one, field_one,"
                f" junction_field) VALUES ({values})"
            )
        zeros = ", ".join("0" for _ in range(WRITERS))
        names = ", ".join(f"c{number}" for number in range(WRITERS))
        await connection.execute(f"INSERT INTO counters ({names}) VALUES ({zeros}), ({zeros})")
        await log_change(connection, "schema")


def fresh(mark: str) -> dict[str, Any]:
    """The payload of a new article."""
    return {
        "title": mark,
        "author": {"name": mark},
        "comments": [{"text": mark} for _ in range(COMMENTS)],
        "tags": [{"tag": {"label": mark}} for _ in range(TAGS)],
        "texts": [{"lang": lang, "title": mark} for lang in LANGUAGES],
    }


def changed(item: dict[str, Any], mark: str) -> dict[str, Any]:
    """The payload that puts another mark on an article: one comment goes, another one comes."""
    first, *others = item["comments"]
    return {
        "title": mark,
        "author": {"id": item["author"]["id"], "name": mark},
        "comments": [
            {"id": first["id"], "$delete": True},
            *({"id": one["id"], "text": mark} for one in others),
            {"text": mark},
        ],
        "tags": [{"id": one["id"], "tag": {"id": one["tag"]["id"], "label": mark}} for one in item["tags"]],
        "texts": [{"id": one["id"], "title": mark} for one in item["texts"]],
    }


def mark_of(item: dict[str, Any]) -> str:
    """The one mark of an article as the API shows it, read with SELECTION; fails when there are several."""
    marks = Counter(
        [item["title"], item["author"]["name"]]
        + [one["text"] for one in item["comments"]]
        + [one["tag"]["label"] for one in item["tags"]]
        + [one["title"] for one in item["texts"]]
    )
    assert len(marks) == 1, f"half of a transaction: {dict(marks)}"
    assert sum(marks.values()) == 2 + COMMENTS + TAGS + len(LANGUAGES), item
    return next(iter(marks))


async def judge(store: Store) -> dict[int, str]:
    """The mark of each article, after everything was found whole and its history told of it."""
    async with store.view() as connection:
        rows = {name: await _rows(connection, name, [one.name for one in TABLES[name]]) for name in TABLES}
        activity = await _rows(connection, "directus_activity", ["id", "action", "collection", "item"])
        revisions = await _rows(
            connection, "directus_revisions", ["id", "activity", "collection", "item", "data", "delta"]
        )
    marks = _whole(rows)
    _told(rows, activity, revisions)
    return marks


Rows = dict[int, dict[str, Any]]


async def _rows(connection: Connection, table: str, columns: Sequence[str]) -> Rows:
    names = ", ".join(quote(name, connection.dialect) for name in columns)
    found = await connection.rows(f"SELECT {names} FROM {table} ORDER BY id")
    return {row[0]: dict(zip(columns, row, strict=True)) for row in found}


def _whole(rows: dict[str, Rows]) -> dict[int, str]:
    """No row without its article, no article without its rows, one mark in all of them."""
    children: defaultdict[int, list[str]] = defaultdict(list)
    for comment in rows["comments"].values():
        children[comment["article"]].append(comment["text"])
    for link in rows["articles_tags"].values():
        children[link["article"]].append(rows["tags"][link["tag"]]["label"])
    for text in rows["texts"].values():
        assert text["lang"] in LANGUAGES
        children[text["article"]].append(text["title"])
    marks = {}
    assert children.keys() <= rows["articles"].keys()
    for key, article in rows["articles"].items():
        found = [article["title"], rows["authors"][article["author"]]["name"], *children[key]]
        assert found == [article["title"]] * (2 + COMMENTS + TAGS + len(LANGUAGES)), (key, found)
        marks[key] = article["title"]
    number = len(marks)
    assert len(rows["authors"]) == number
    assert len(rows["tags"]) == len(rows["articles_tags"]) == number * TAGS
    return marks


def _told(rows: dict[str, Rows], activity: Rows, revisions: Rows) -> None:
    """Every revision has its activity and every write its revision; the last revision of a row is the row itself."""
    told = {key: one for key, one in activity.items() if one["collection"] in TABLES}
    for one in revisions.values():
        if one["collection"] in TABLES:
            cause = told[one["activity"]]
            assert (cause["collection"], cause["item"]) == (one["collection"], one["item"])
            assert cause["action"] in ("create", "update")
    causes = Counter(one["activity"] for one in revisions.values())
    for key, one in told.items():
        assert causes[key] == (0 if one["action"] == "delete" else 1), one
    last = {(one["collection"], one["item"]): json.loads(one["data"]) for one in revisions.values()}
    for name, found in rows.items():
        gone = {one["item"] for one in told.values() if one["collection"] == name and one["action"] == "delete"}
        made = {one["item"] for one in told.values() if one["collection"] == name and one["action"] == "create"}
        if name == "counters":
            made = {str(key) for key in found}
        assert {str(key) for key in found} == made - gone, name
        for key, row in found.items():
            if (data := last.get((name, str(key)))) is not None:
                assert {column: _text(data[column]) for column in row} == {
                    column: _text(value) for column, value in row.items()
                }, name


def _text(value: Any) -> str | None:
    return None if value is None else str(value)
