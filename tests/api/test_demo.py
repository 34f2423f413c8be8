"""In charge of the demo: the same on every database, and good for the first queries that the README shows."""

from __future__ import annotations

from pathlib import Path

from core import demo, engine
from core.auth.credentials import Credentials
from core.catalog.model import ToMany, ToOne
from core.demo import rows as content
from core.enter import enter
from core.query.selection import ReadRequest, Row, Selection
from tests.projects import ADMIN_TOKEN, project

ADMIN = Credentials("bearer", ADMIN_TOKEN)


def row(*fields: str) -> Selection:
    return Selection((Row("row", fields),))


async def test_the_demo_on_every_database(database_url: str, tmp_path: Path) -> None:
    async with project(database_url, tmp_path) as made:
        steps: list[tuple[str, int, int]] = []
        await demo.load(await made.store(), lambda *step: steps.append(step))
        assert steps[0] == ("metadata", 1, 10)
        assert steps[-1] == ("comments", 10, 10)
        await enter(made)
        snapshot = await made.settled()
        articles = snapshot.collections["articles"]
        assert (articles.status_field, articles.owner_field, articles.user_updated_field) == (
            "status",
            "owner",
            "edited_by",
        )
        assert articles.statuses is not None
        assert (articles.statuses.visible, articles.statuses.soft_deleted) == (
            ("published", "draft"),
            frozenset({"deleted"}),
        )
        assert {name: type(one) for name, one in articles.relations.items()} == {
            "section": ToOne, "author": ToOne, "issue": ToOne, "cover": ToOne, "owner": ToOne, "edited_by": ToOne,
            "tags": ToMany, "comments": ToMany, "translations": ToMany,
        }  # fmt: skip
        for name, rows in content.rows().items():
            session = await enter(made, ADMIN)
            result = await engine.read(session, ReadRequest(name, row("*"), limit=-1, status=("*",)))
            assert (name, len(result.items)) == (name, len(rows))


async def test_what_the_public_sees_of_the_demo(database_url: str, tmp_path: Path) -> None:
    async with project(database_url, tmp_path) as made:
        await demo.load(await made.store())
        session = await enter(made)
        snapshot = await made.settled()
        session = await enter(made)
        assert session.snapshot is snapshot
        fields = ("id", "title", "author.name", "author.email", "section.name", "section.parent.name", "tags.tag.name")
        result = await engine.read(session, ReadRequest("articles", row(*fields), limit=2, sort=("id",)))
        assert [item["row"] for item in result.items] == [
            {
                "id": 1,
                "title": "The harbour at dawn",
                "author": {"name": "Ada Brandt"},
                "section": {"name": "Culture", "parent": None},
                "tags": [{"tag": {"name": "water"}}, {"tag": {"name": "garden"}}],
            },
            {
                "id": 2,
                "title": "The library at dawn",
                "author": {"name": "Hana Suzuki"},
                "section": {"name": "Music", "parent": {"name": "Culture"}},
                "tags": [{"tag": {"name": "history"}}, {"tag": {"name": "sea"}}, {"tag": {"name": "weather"}}],
            },
        ]
        count = ReadRequest("articles", row("id"), limit=1, meta=frozenset({"total_count"}))
        assert (await engine.read(session, count)).meta == {"total_count": 102}


async def test_keys_go_on_after_those_of_the_demo(database_url: str, tmp_path: Path) -> None:
    async with project(database_url, tmp_path) as made:
        store = await made.store()
        await demo.load(store)
        async with store.write() as connection:
            await connection.execute("INSERT INTO comments (article, name, text) VALUES (1, 'Ann', 'Hello')")
        async with store.read() as connection:
            assert await connection.value("SELECT MAX(id) FROM comments") == 151


def test_the_rows_are_the_same_every_time() -> None:
    first, second = content.rows(), content.rows()
    assert first == second
    assert {name: len(rows) for name, rows in first.items()} == {
        "languages": 3, "sections": 9, "authors": 12, "issues": 12, "tags": 16, "articles": 120, "articles_tags": 300,
        "articles_translations": 200, "comments": 150,
    }  # fmt: skip
    slugs = [article["slug"] for article in first["articles"]]
    assert len(set(slugs)) == 120
    statuses = [article["status"] for article in first["articles"]]
    assert {status: statuses.count(status) for status in statuses} == {"published": 102, "draft": 12, "deleted": 6}
