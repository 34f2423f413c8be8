"""In charge of the ceiling: a bare ASGI server on asyncpg and orjson with fixed SQL, no rights, no history.

It answers the same eight workloads under the same addresses as the server under test, so that both are measured in one
run. W6 and W7 write one row without any history.
"""

from __future__ import annotations

import os
import re
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl

import asyncpg
import orjson

COLUMNS = ("id", "title", "slug", "body", "status", "published_on", "rating", "views")
LIST = f"SELECT {', '.join('a.' + name for name in COLUMNS)}"
TAIL = "ORDER BY a.published_on DESC, a.id LIMIT $1"
ITEM = re.compile(r"^/\w+/items/articles/(\d+)$")
JSON_HEADERS = [(b"content-type", b"application/json")]


class Reference:
    """The ASGI application; its pool opens at the first request."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.pool: asyncpg.Pool | None = None

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return
        if self.pool is None:
            self.pool = await asyncpg.create_pool(self.url, min_size=10, max_size=10)
        body = b""
        while scope["method"] in ("POST", "PATCH"):
            message = await receive()
            body += message.get("body", b"")
            if not message.get("more_body"):
                break
        answer = orjson.dumps(await self.answer(scope, body), default=_text)
        await send({"type": "http.response.start", "status": 200, "headers": JSON_HEADERS})
        await send({"type": "http.response.body", "body": answer})

    async def answer(self, scope: dict[str, Any], body: bytes) -> dict[str, Any]:
        """The envelope of one workload, told apart by path and parameters."""
        assert self.pool is not None
        found = ITEM.match(scope["path"])
        async with self.pool.acquire() as connection:
            if scope["method"] == "POST":
                return {"data": {"id": await _create(connection, orjson.loads(body))}}
            if scope["method"] == "PATCH" and found:
                title = orjson.loads(body)["title"]
                await connection.execute("UPDATE articles SET title = $1 WHERE id = $2", title, int(found[1]))
                return {"data": {"id": int(found[1])}}
            if found:
                row = await connection.fetchrow(f"{LIST} FROM articles a WHERE a.id = $1", int(found[1]))
                return {"data": dict(row) if row else None}
            return await _list(connection, dict(parse_qsl(scope["query_string"].decode())))


def _text(value: Any) -> str:
    return value.isoformat(sep=" ") if isinstance(value, datetime) else str(value)


async def _create(connection: Any, item: dict[str, Any]) -> int:
    item["published_on"] = datetime.fromisoformat(item["published_on"])
    names = list(item)
    places = ", ".join(f"${number}" for number in range(1, len(names) + 1))
    text = f"INSERT INTO articles ({', '.join(names)}) VALUES ({places}) RETURNING id"
    key: int = await connection.fetchval(text, *item.values())
    return key


async def _list(connection: Any, query: dict[str, str]) -> dict[str, Any]:
    fields, limit = query.get("fields", ""), int(query.get("limit", "25"))
    if "filter[status][eq]" in query:
        condition = "WHERE a.status = 'published' AND a.rating >= 4"
        rows = await connection.fetch(f"{LIST} FROM articles a {condition} {TAIL}", limit)
        count = await connection.fetchval(f"SELECT count(*) FROM articles a {condition}")
        return {"meta": {"filter_count": count}, "data": [dict(row) for row in rows]}
    if "author_id.name" in fields:
        joins = "JOIN authors u ON u.id = a.author_id JOIN categories c ON c.id = a.category_id"
        rows = await connection.fetch(f"{LIST}, u.name, c.name AS category FROM articles a {joins} {TAIL}", limit)
        items = [dict(row) for row in rows]
        for item in items:
            item["author_id"], item["category_id"] = {"name": item.pop("name")}, {"name": item.pop("category")}
        return {"data": items}
    rows = await connection.fetch(f"{LIST} FROM articles a {TAIL}", limit)
    items = [dict(row) for row in rows]
    if "comments" in fields:
        await _children(connection, items)
    return {"data": items}


async def _children(connection: Any, items: list[dict[str, Any]]) -> None:
    by_id = {item["id"]: item for item in items}
    for item in items:
        item["tags"], item["comments"] = [], []
    tags = "SELECT j.articles_id, t.name FROM articles_tags j JOIN tags t ON t.id = j.tags_id"
    for row in await connection.fetch(f"{tags} WHERE j.articles_id = ANY($1) ORDER BY j.id", list(by_id)):
        by_id[row[0]]["tags"].append({"tags_id": {"name": row[1]}})
    comments = "SELECT article_id, id, author_name, body, created_on FROM comments WHERE article_id = ANY($1)"
    for row in await connection.fetch(f"{comments} ORDER BY id", list(by_id)):
        by_id[row[0]]["comments"].append(dict(list(row.items())[1:]))


def app() -> Reference:
    """The application of the database in REFERENCE_URL (uvicorn --factory)."""
    return Reference(os.environ["REFERENCE_URL"])
