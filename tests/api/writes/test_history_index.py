"""Revisions of an item are found by an index, however many others there are: what each database says of its plan."""

from __future__ import annotations

from typing import Any

import pytest

from core import history, reading
from core.query.revisions import REVISIONS
from core.query.selection import ReadRequest
from tests.api.writes.world import House, insert, select

MANY = 4000
EXPLAIN = {"sqlite": "EXPLAIN QUERY PLAN ", "postgres": "EXPLAIN ", "mysql": "EXPLAIN "}


@pytest.mark.parametrize("user", [1, 2])
async def test_no_scan_for_revisions_of_an_item(house: House, monkeypatch: pytest.MonkeyPatch, user: int) -> None:
    await house.grant("articles", read="mine")
    await house.grant(REVISIONS, read="full")
    rows = [{"activity": n, "collection": "articles", "item": str(n), "data": "{}", "delta": "[]"} for n in range(MANY)]
    async with house.store.write() as connection:
        await insert(connection, REVISIONS, rows)
        await connection.execute(f"ANALYZE {'TABLE ' if house.dialect == 'mysql' else ''}{REVISIONS}")
    ran: list[tuple[str, Any]] = []
    fetch_rows = reading.fetch_rows

    async def watched(held: Any, statement: Any, values: Any, bound: Any) -> Any:
        ran.append(statement.bind(values, bound))
        return await fetch_rows(held, statement, values, bound)

    monkeypatch.setattr(reading, "fetch_rows", watched)
    request = ReadRequest(REVISIONS, select("id", "item"))
    found = await history.revisions(await house.session(user), "articles", "1", request)
    assert [item["_row"]["item"] for item in found.items] == ["1"]
    [(text, arguments)] = ran
    async with house.store.read() as connection:
        plan = await connection.rows(EXPLAIN[house.dialect] + text, arguments)
    told = " ".join(str(part) for row in plan for part in row)
    assert "directus_revisions_collection_item_index" in told, told
