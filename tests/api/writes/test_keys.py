"""In charge of statement counts and generated keys: both depend on the shape of a payload alone."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from core import engine
from core.query.change import WriteRequest
from core.query.selection import KEY_ONLY
from tests.api.writes.world import House


def tree(children: int, grandchildren: int) -> dict[str, Any]:
    """An article with comments that say their number, and marks that say the number of their comment."""
    comments = [
        {"text": str(number), "marks": [{"mark": str(number)} for _ in range(grandchildren)]}
        for number in range(children)
    ]
    return {"title": "tree", "comments": comments}


async def pairs(house: House) -> list[tuple[Any, ...]]:
    """(text of the comment, mark) of every mark."""
    sql = 'SELECT c."text", m."mark" FROM marks m JOIN comments c ON c."id" = m."comment" ORDER BY m."id"'
    async with house.store.read() as connection:
        return [tuple(row) for row in await connection.rows(house.text(sql))]


@pytest.mark.parametrize("shape", [(2, 2), (1000, 1)])
async def test_children_and_grandchildren(house: House, shape: tuple[int, int]) -> None:
    await house.write("create", "articles", tree(*shape))
    # insert × 3, activity, revisions, answer; MySQL reads three collections and asks three times for the step of keys
    assert house.statements == (12 if house.dialect == "mysql" else 6)
    found = await pairs(house)
    assert len(found) == shape[0] * shape[1]
    assert all(text == mark for text, mark in found)
    total = 1 + shape[0] + shape[0] * shape[1]
    assert len(await house.rows("directus_activity", "id")) == total
    revisions = await house.revisions()
    assert len(revisions) == total
    assert all(
        one["delta"]["text"] == one["data"]["text"] and one["item"] == one["data"]["id"]
        for one in revisions
        if one["collection"] == "comments"
    )
    joined = 'directus_revisions r JOIN directus_activity a ON a."id" = r."activity" AND a."item" = r."item"'
    linked = f"SELECT COUNT(*) FROM {joined}"
    async with house.store.read() as connection:
        assert await connection.value(house.text(linked)) == total


async def test_a_batch_of_updates(house: House) -> None:
    await house.write("create", "authors", *({"name": f"n{n}"} for n in range(100)), batch=True)
    keys = [row[0] for row in await house.rows("authors", "id")]
    payloads = [{"id": key, "name": f"new {key}", "age": key} for key in keys]
    await house.write("update", "authors", *payloads[:2], batch=True)
    two = house.statements
    await house.write("update", "authors", *payloads, batch=True)
    # load, update, activity, revisions, answer; MySQL reads once more and asks for the step of keys
    assert house.statements == two == (7 if house.dialect == "mysql" else 5)
    assert await house.rows("authors", "id", "name", "age") == [(key, f"new {key}", key) for key in keys]


async def test_the_same_value_for_many_keys(house: House) -> None:
    await house.write("create", "authors", *({} for n in range(100)), batch=True)
    keys = tuple(str(row[0]) for row in await house.rows("authors", "id"))
    await house.write("update", "authors", {"age": 1}, keys=keys)
    assert house.statements == (7 if house.dialect == "mysql" else 5)
    assert {row[1] for row in await house.rows("authors", "id", "age")} == {1}
    await house.delete("authors", *keys)
    assert house.statements == 3
    assert await house.rows("authors", "id") == []
    assert len(await house.rows("directus_activity", "id", where="\"action\" = 'delete'")) == len(keys)


async def test_more_rows_than_a_statement_takes(house: House) -> None:
    """SQLite takes 32 000 parameters, MySQL 500 cases: the pieces fit together."""
    names = [f"name {number}" for number in range(17_000)]
    session = await house.session(1)

    async def write(action: Any, payloads: list[Any]) -> None:
        request = WriteRequest("authors", action, tuple(payloads), batch=True, selection=KEY_ONLY, activity_skip=True)
        await engine.write(session, request)

    await house.run("DELETE FROM authors")
    await write("create", [{"name": name, "age": number} for number, name in enumerate(names)])
    found = await house.rows("authors", "id", "name", "age")
    assert [row[1:] for row in found] == [(name, number) for number, name in enumerate(names)]
    await write("update", [{"id": row[0], "name": f"{row[1]}!", "age": -row[2]} for row in found[:1300]])
    changed = (await house.rows("authors", "id", "name", "age"))[:1301]
    expected = [(row[0], f"{row[1]}!", -row[2]) for row in found[:1300]]
    assert changed == [*expected, found[1300]]


async def test_concurrent_writers(house: House) -> None:
    """Each writer's children belong to his own parents, whoever inserts meanwhile."""
    session = await house.session(1)

    async def writer(name: str) -> None:
        comments = [{"text": f"{name}.{n}", "marks": [{"mark": f"{name}.{n}"}] * 3} for n in range(60)]
        payloads = ({"title": f"{name} {n}", "comments": comments} for n in range(3))
        await engine.write(session, WriteRequest("articles", "create", tuple(payloads), batch=True, selection=KEY_ONLY))

    await asyncio.gather(*(writer(f"w{number}") for number in range(8)))
    found = await pairs(house)
    assert len(found) == 8 * 3 * 60 * 3
    assert all(text == mark for text, mark in found)
    sql = 'SELECT a."title", c."text" FROM comments c JOIN articles a ON a."id" = c."article" WHERE a."id" > 3'
    async with house.store.read() as connection:
        rows = await connection.rows(house.text(sql))
    assert len(rows) == 8 * 3 * 60
    assert all(title.split()[0] == text.split(".")[0] for title, text in rows)


async def test_concurrent_updates_of_one_row(house: House) -> None:
    """Opposite orders of locking: nobody fails, nothing is half done."""
    session = await house.session(1)

    async def writer(number: int) -> None:
        rows = [{"id": key, "name": str(number)} for key in ((1, 2) if number % 2 else (2, 1))]
        payload = {"rating": number, "author": rows[0], "comments": [{"id": 1, "text": str(number), "writer": rows[1]}]}
        keys = ("1",) if number % 3 else ("2",)
        await engine.write(session, WriteRequest("articles", "update", (payload,), keys=keys, selection=KEY_ONLY))

    await asyncio.gather(*(writer(number) for number in range(20)))
    names = await house.rows("authors", "id", "name")
    assert names[0][1] == names[1][1]
    assert len(await house.rows("directus_activity", "id")) == 20 * 4
