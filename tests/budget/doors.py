"""In charge of a server whose statements are counted at its doors, with few or many rows behind. Asserts nothing."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2

from app import compose
from core.catalog.changes import log_change
from core.sql.ddl import ColumnSpec, create_table
from tests import backends
from tests.api.writes.world import House, build, insert
from tests.projects import ADMIN_TOKEN, body, projects


@dataclass
class Doors:
    """The doors of a server, and what its project's database is asked. `statements`: of the last request."""

    app: Any
    house: House
    statements: int = 0
    client: httpx2.AsyncClient = field(init=False)

    def __post_init__(self) -> None:
        transport = httpx2.ASGITransport(app=self.app)
        self.client = httpx2.AsyncClient(transport=transport, base_url="http://test", timeout=None)

    async def rest(self, method: str, path: str, json: Any = None) -> Any:
        """The body of an answer that is no error; None when there is none."""
        answer = await self._ask(method, path, json)
        assert answer.status_code in (200, 204), answer.text
        return answer.json() if answer.content else None

    async def graphql(self, query: str, **variables: Any) -> Any:
        """The data of an answer without errors."""
        answer = (await self._ask("POST", "/gql", {"query": query, "variables": variables})).json()
        assert "errors" not in answer, answer
        return answer["data"]

    async def _ask(self, method: str, path: str, json: Any) -> httpx2.Response:
        before = self.house.store.statements_total
        headers = {"Authorization": f"Bearer {ADMIN_TOKEN}"}
        answer = await self.client.request(method, f"/main{path}", json=json, headers=headers)
        self.statements = self.house.store.statements_total - before
        return answer


@asynccontextmanager
async def doors(dialect: str, folder: Path) -> AsyncIterator[Doors]:
    """A server with the world of the tests of writes, whose articles have translations as well."""
    with backends.fresh_database(dialect, folder) as url:
        async with projects(folder / "data") as found:
            project = await found.create(body(url), trusted=True)
            store = await project.store()
            await build(store)
            async with store.write() as connection:
                await _translated(connection)
                await log_change(connection, "schema")
            house = House(project, store)
            await house.session()
            await project.settled()
            made = Doors(compose(found), house)
            try:
                yield made
            finally:
                await made.client.aclose()


async def _translated(connection: Any) -> None:
    """A collection `words` with a language, which articles have as their field `words`."""
    columns = [
        ColumnSpec("id", "INT", "11", signed=False, nullable=False, primary_key=True, auto_increment=True),
        ColumnSpec("article", "INT", "11"), ColumnSpec("lang", "VARCHAR", "5"), ColumnSpec("title", "VARCHAR", "50"),
    ]  # fmt: skip
    for statement in create_table("words", columns, connection.dialect):
        await connection.execute(statement)
    kinds = {("articles", "words"): "translation", ("words", "article"): "m2o", ("words", "lang"): "lang"}
    rows = [{"collection": name, "field": one, "type": kind} for (name, one), kind in kinds.items()]
    await insert(connection, "directus_fields", rows)
    relation = {"collection_many": "words", "field_many": "article", "collection_one": "articles", "field_one": "words"}
    await insert(connection, "directus_relations", [relation])


async def fill(doors: Doors, articles: int) -> None:
    """So many articles, each with an author, comments with marks, tags and words of its own; nothing else."""
    house = doors.house
    for table in ("articles", "authors", "comments", "marks", "tags", "articles_tags", "words", "directus_activity",
                  "directus_revisions", "directus_webhooks"):  # fmt: skip
        await house.run(f'DELETE FROM "{table}"')
    numbers = range(1, articles + 1)
    await house.put("authors", *({"id": n, "name": f"author {n}", "age": n} for n in numbers))
    await house.put(
        "articles",
        *({"id": n, "status": "published", "title": f"title {n}", "author": n, "owner": 1, "editor": 1}
          for n in numbers),
    )  # fmt: skip
    children = range(1, 2 * articles + 1)
    await house.put("comments", *({"id": n, "article": (n + 1) // 2, "text": f"t{n}", "writer": 1} for n in children))
    await house.put("marks", *({"id": n, "comment": n, "mark": f"m{n}"} for n in children))
    await house.put("tags", *({"code": f"c{n}", "label": f"label {n}"} for n in children))
    await house.put("articles_tags", *({"id": n, "article": (n + 1) // 2, "tag": f"c{n}"} for n in children))
    await house.put("words", *({"id": n, "article": (n + 1) // 2, "lang": ("en", "de")[n % 2]} for n in children))
    if house.dialect == "postgres":
        for table in ("authors", "articles", "comments", "marks", "articles_tags", "words"):
            await house.run(f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), 1000)")
