"""In charge of the number of statements of a read: it follows from the shape of the request, never from the data."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from core import engine
from core.query.aggregate import AggregateRequest, Measure
from core.query.selection import Condition, Leaf, Nested, ReadRequest, Row, Selection, Window
from tests import backends
from tests.security.world import TABLES, Rows, World, policy_of

MANY = 200
RULES = [
    {
        "collection": name,
        "status": None,
        "read": "role" if name == "articles" else "full",
        "read_field_blacklist": "price",
    }
    for name in TABLES
]
CALLERS = ((1, 1), (2, 3))


def rows(articles: int) -> Rows:
    """Articles of three users, each with everything that can be related to it."""
    found: Rows = {name: [] for name in TABLES}

    def add(table: str, **values: Any) -> None:
        found[table].append(dict.fromkeys(column.name for column in TABLES[table]) | values)

    add("directus_roles", id=3, name="writers")
    for user in (1, 2, 3):
        add("directus_users", id=user, status="active", role=3, first_name="a", password="p")
    for tag in ("a", "b1"):
        add("tags", id=tag, status="on", label=tag)
    for key in range(1, articles + 1):
        add("authors", id=key, owner=2, name=f"author {key}", active=True)
        add(
            "articles", id=key, status="published", owner=key % 3 + 1, title=f"a{key}", words=key, author=key,
            editor=articles + 1 - key, parent=key,
        )  # fmt: skip
        add("articles_words", id=key, owner=2, article=key, lang="en", title="a")
        for number, tag in enumerate(("a", "b1")):
            add("articles_tags", id=2 * key + number, article=key, tag=tag, weight=1)
            add("comments", id=2 * key + number, status=1, owner=2, article=key, text="a", rank=1)
    return found


@pytest.fixture(scope="module", params=(1, MANY), ids=("one", "many"))
async def world(
    request: pytest.FixtureRequest, dialect: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[World]:
    with backends.fresh_database(dialect, tmp_path_factory.mktemp("budget")) as url:
        world = await World.create(url)
        await world.fill(rows(request.param))
        yield world
        await world.store.close()


def row(*paths: str) -> Selection:
    return Selection((Row("_row", paths),))


ID = Selection((Leaf("id", "id", "id"),))
TYPED = Selection(
    (
        Leaf("id", "id", "id"),
        Nested("author", "author", Selection((Leaf("name", "name", "string"), Nested("owner", "owner", ID)))),
        Nested("comments", "comments", ID, Window(limit=1, sort=("-id",), where=(Condition("text", "contains", "a"),))),
        Nested("all", "comments", ID),
        Nested("tags", "tags", Selection((Nested("tag", "tag", ID),)), Window(limit=1)),
    )
)
COUNTS = frozenset(("result_count", "total_count", "filter_count"))
HARD = (
    Condition("author.owner.role.name", "eq", "writers"),
    Condition("tags.tag.label", "eq", "a"),
    Condition("comments", "has", "2"),
    Condition("title", "contains", "a"),
)

# What is asked for, more than the collection → statements
SHAPES: dict[str, tuple[Selection, dict[str, Any], int]] = {
    "plain columns": (row("id", "title"), {}, 1),
    "everything of the level": (row("*"), {}, 1),
    "typed columns": (ID, {}, 1),
    "one item": (row("*"), {"id": "1"}, 1),
    "several ids": (row("*"), {"ids": ("1", "2", "3")}, 1),
    "filters over three hops, search, sort": (row("*"), {"where": HARD, "q": "a", "sort": ("-title", "words")}, 1),
    "groups": (row("*"), {"groups": ("owner",)}, 1),
    "random order": (row("*"), {"sort": ("?",)}, 1),
    "m2o": (row("*", "author.*"), {}, 2),
    "m2o of one item": (row("*", "author.*"), {"id": "1"}, 2),
    "two m2o": (row("*", "author.*", "editor.*"), {}, 3),
    "three m2o in a row": (row("author.owner.role.*"), {}, 4),
    "o2m": (row("*", "comments.*"), {}, 2),
    "o2m by its keys": (row("id", "comments", "author.id"), {}, 3),
    "m2m, junction only": (row("*", "tags.*"), {}, 2),
    "m2m with its target": (row("*", "tags.tag.*"), {}, 3),
    "m2o, o2m, m2m": (row("*", "author.*", "comments.*", "tags.tag.*"), {}, 5),
    "o2m and back": (row("comments.article.comments.id"), {}, 4),
    "every relation": (row("*.*"), {}, 9),
    "typed, with windows": (TYPED, {}, 7),
    "counts": (row("*"), {"meta": COUNTS}, 1),
    "counts of a filter": (row("*"), {"meta": COUNTS, "where": HARD, "q": "a"}, 1),
    "counts and relations": (row("*", "author.*", "comments.*"), {"meta": COUNTS}, 3),
    "counts by status": (row("*"), {"meta": COUNTS | {"status_count", "page"}}, 2),
    "the number of rows in hand": (row("*"), {"meta": frozenset(("result_count", "collection", "type"))}, 1),
}


@pytest.mark.parametrize("shape", SHAPES)
async def test_statements_of_a_read(world: World, shape: str) -> None:
    selection, more, statements = SHAPES[shape]
    for user, role in CALLERS:
        session = world.session(user, role, policy_of(role, RULES))
        for _ in range(2):  # compiled, then from the cache
            before = world.store.statements_total
            found = await engine.read(session, ReadRequest("articles", selection, limit=-1, **more))
            assert world.store.statements_total - before == statements
        every = len(world.rows["articles"])
        wanted = {"one item": 1, "m2o of one item": 1, "several ids": min(every, 3), "groups": min(every, 3)}
        assert len(found.items) == wanted.get(shape, every)


async def test_nothing_found_asks_for_nothing_more(world: World) -> None:
    session = world.session(1, 1, policy_of(1, []))
    before = world.store.statements_total
    nobody = (Condition("title", "eq", "nobody"),)
    assert (await engine.read(session, ReadRequest("articles", row("*.*.*"), where=nobody))).items == []
    assert world.store.statements_total - before == 1


async def test_statements_of_an_aggregate(world: World) -> None:
    measures = (Measure("n", "count"), Measure("a", "avg", "words"), Measure("s", "sum", "words", True))
    for group_by in ((), ("owner",), ("owner", "status", "words")):
        for user, role in CALLERS:
            session = world.session(user, role, policy_of(role, RULES))
            before = world.store.statements_total
            request = AggregateRequest("articles", measures, group_by, ("g",) if group_by else (), where=HARD, q="a")
            assert await engine.aggregate(session, request)
            assert world.store.statements_total - before == 1


async def test_a_refused_read_asks_nothing(world: World) -> None:
    session = world.session(2, 3, policy_of(3, [rule for rule in RULES if rule["collection"] != "comments"]))
    before = world.store.statements_total
    for request in (
        ReadRequest("comments", row("*")),
        ReadRequest("articles", row("*"), where=(Condition("comments.text", "eq", "a"),)),
        ReadRequest("articles", row("*"), where=(Condition("price", "gt", "1"),)),
    ):
        with pytest.raises(Exception, match=r"denied|Unable to access"):
            await engine.read(session, request)
    assert world.store.statements_total == before
