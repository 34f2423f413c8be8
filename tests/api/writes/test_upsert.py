"""Items that are found by a key and changed, or else created: by the primary key or another field, row by row."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from typing import Any

import pytest

from core import engine
from core.errors import (
    CreateDenied,
    DuplicateItem,
    FieldAccessDenied,
    InvalidField,
    ItemNotFound,
    TabulariumError,
    Unprocessable,
    UpdateDenied,
)
from core.query.change import WriteRequest
from core.query.selection import ROW
from tests.api.writes.world import House


async def upsert(house: House, collection: str, *payloads: Any, key: str | None = None, user: int = 1) -> list[Any]:
    """The keys."""
    result = await house.write("upsert", collection, *payloads, match=key, batch=True, user=user)
    return result.keys


async def refused(
    house: House, kind: type[TabulariumError], collection: str, *payloads: Any, **more: Any
) -> TabulariumError:
    """The error of an upsert that must leave everything as it was."""
    before = await house.everything()
    with pytest.raises(kind) as caught:
        await upsert(house, collection, *payloads, **more)
    assert await house.everything() == before
    return caught.value


async def pages(house: House) -> list[tuple[Any, ...]]:
    return await house.rows("pages", "id", "path")


def page(path: str, *lines: str, **more: Any) -> dict[str, Any]:
    return {"path": path, "lines": [{"text": text} for text in lines], **more}


async def test_by_a_unique_field(house: House) -> None:
    keys = await upsert(house, "pages", page("/new", "x"), page("/", "y"), key="path")
    assert keys == [2, 1]
    assert await pages(house) == [(1, "/"), (2, "/new")]
    assert sorted(await house.rows("lines", "page", "text")) == [(1, "a"), (1, "b"), (1, "y"), (2, "x")]
    assert [entry[0] for entry in await house.rows("directus_activity", "action", "id")] == [
        "create", "create", "create", "update",
    ]  # fmt: skip
    keys = await upsert(house, "authors", {"name": "Bob", "age": 5}, {"name": "Cy", "age": 6}, key="name")
    assert keys == [2, 3]
    assert await house.rows("authors", "id", "name", "age") == [(1, "Ada", 36), (2, "Bob", 5), (3, "Cy", 6)]


async def test_by_a_number_and_a_decimal(house: House) -> None:
    assert await upsert(house, "authors", {"age": "36", "name": "Lovelace"}, key="age") == [1]
    await house.set("articles", "rating", 2, "1.5" if house.dialect != "postgres" else Decimal("1.5"))
    assert await upsert(house, "articles", {"rating": 1.50, "title": "Found"}, key="rating") == [2]
    assert await house.one("articles", "title", where='"id" = 2') == ("Found",)


async def test_a_key_beside_the_field_names_no_other_row(house: House) -> None:
    assert await upsert(house, "authors", {"id": 2, "name": "Ada", "age": 1}, key="name") == [1]
    assert await house.rows("authors", "id", "name", "age") == [(1, "Ada", 1), (2, "Bob", None)]
    await refused(house, DuplicateItem, "authors", {"id": 2, "name": "Cy"}, key="name")
    assert await upsert(house, "authors", {"id": 40, "name": "Cy"}, key="name") == [40]


async def test_case_counts_where_it_does_for_the_database(house: House) -> None:
    found = await upsert(house, "authors", {"name": "ADA", "age": 1}, key="name")
    assert found == ([3] if house.dialect == "postgres" else [1])


async def test_statements_do_not_depend_on_the_rows(house: House) -> None:
    counts = set()
    for many in (2, 300):
        rows = [{"name": f"author {number}", "age": number} for number in range(2 * many)]
        await upsert(house, "authors", *({**row, "age": -1} for row in rows[:many]))
        await upsert(house, "authors", *rows, key="name")
        counts.add(house.statements)
        await house.run('DELETE FROM authors WHERE "id" > 2')
    # Found, loaded, created, changed, activity, revisions, answer. MySQL: the distance of keys twice, rows read again.
    assert counts == {"sqlite": {7}, "postgres": {7}, "mysql": {10}}[house.dialect]


@pytest.mark.parametrize(
    ("payloads", "key", "kind"),
    [
        (({"name": "x"},), "nothing", InvalidField),
        (({"name": "x"},), "articles", InvalidField),
        (({"age": 1},), "name", Unprocessable),
        (({"name": None},), "name", Unprocessable),
        (({"age": "many"},), "age", Unprocessable),
        (({"name": "Cy"}, {"name": "Cy"}), "name", Unprocessable),
    ],
)
async def test_what_names_nothing(house: House, payloads: Any, key: str, kind: type[TabulariumError]) -> None:
    error = await refused(house, kind, "authors", *payloads, key=key)
    if kind is Unprocessable:
        assert [problem.path for problem in error.problems] == [(len(payloads) - 1,)]


async def test_a_value_of_several_rows(house: House) -> None:
    await house.put("authors", {"id": 90, "name": "Bob"})
    error = await refused(house, Unprocessable, "authors", {"name": "Ada"}, {"name": "Bob"}, key="name")
    assert [problem.path for problem in error.problems] == [(1,)]


# --- rights -------------------------------------------------------------------------------------------------------


async def test_each_row_needs_the_right_for_what_becomes_of_it(house: House) -> None:
    new, known = {"name": "Cy"}, {"name": "Bob", "age": 1}
    await refused(house, CreateDenied, "authors", new, key="name", user=2)
    await house.grant("authors", create="full", read="full")
    assert await upsert(house, "authors", new, key="name", user=2) == [3]
    error = await refused(house, UpdateDenied, "authors", {"name": "Di"}, known, key="name", user=2)
    assert [problem.path for problem in error.problems] == [(1,)]
    await house.run("DELETE FROM directus_permissions")
    await house.grant("authors", read="full", update="full")
    assert await upsert(house, "authors", known, key="name", user=2) == [2]
    error = await refused(house, CreateDenied, "authors", known, {"name": "Di"}, key="name", user=2)
    assert [problem.path for problem in error.problems] == [(1,)]


async def test_rows_that_are_not_seen_tell_nothing_of_themselves(house: House) -> None:
    await house.grant("articles", create="full", read="mine", update="mine")
    assert await upsert(house, "articles", {"title": "One", "slug": "mine"}, key="title", user=2) == [1]
    error = await refused(house, ItemNotFound, "articles", {"title": "Two", "slug": "x"}, key="title", user=2)
    assert error.message == 'Item with id "Two" not found'
    await house.run("DELETE FROM directus_permissions")
    await house.grant("articles", create="full", read="full", update="full", read_field_blacklist="slug")
    await refused(house, FieldAccessDenied, "articles", {"slug": "one", "title": "x"}, key="slug", user=2)


async def test_secrets_of_users_are_not_guessed(house: House) -> None:
    await house.grant("directus_users", create="full", read="full", update="full")
    for name in ("token", "password"):
        await refused(house, FieldAccessDenied, "directus_users", {name: "writer", "title": "x"}, key=name, user=2)


# --- races --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("key", ["path", None])
async def test_two_at_once_create_one_and_change_it(house: House, key: str | None) -> None:
    session = await house.session()

    def request(number: int, line: str) -> WriteRequest:
        payload = page(f"/page {number}", line, id=100 + number) if key is None else page(f"/page {number}", line)
        return WriteRequest("pages", "upsert", (payload,), batch=True, match=key, selection=ROW)

    for number in range(8):
        await asyncio.gather(*(engine.write(session, request(number, f"{number} {one}")) for one in range(4)))
    made = {path: found for found, path in await pages(house)}
    assert len(made) == 9
    lines = await house.rows("lines", "page", "text")
    assert sorted(lines[2:]) == sorted(
        (made[f"/page {number}"], f"{number} {one}") for number in range(8) for one in range(4)
    )
