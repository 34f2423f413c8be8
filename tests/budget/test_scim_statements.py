"""How many statements requests of SCIM take: by their shape, the same for one user and for forty (access spec 14).

The first statement tells who calls and what has changed, the last of a read when things were changed.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.budget.doors import Doors, doors

MANY = 40
READS = {
    "/Users?count=1000": 4,
    "/Users?count=1000&attributes=userName": 3,
    "/Users?filter=userName%20sw%20%22u%22&sortBy=userName&startIndex=1": 4,
    "/Users?filter=groups.display%20eq%20%22Crew%22%20or%20id%20eq%20%22x%22": 4,
    "/Users?filter=id%20eq%20%221%22": 5,
    "/Users?filter=meta.created%20gt%20%222020-01-01T00:00:00Z%22": 5,
    "/Users/u0": 4,
    "/Users/nobody": 2,
    "/Me": 4,
    "/Groups": 4,
    "/Groups?excludedAttributes=members,meta": 2,
    "/Groups/crew": 4,
    "/Schemas": 1,
}


@pytest.fixture(scope="module", params=(1, MANY), ids=("one", "many"))
async def server(
    request: pytest.FixtureRequest, dialect: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[tuple[Doors, list[str]]]:
    async with doors(dialect, tmp_path_factory.mktemp("budget")) as made:
        role = (await made.rest("POST", "/roles", {"name": "Crew", "external_id": "crew"}))["data"]["id"]
        names = [f"u{number}" for number in range(request.param)]
        users = [{"email": f"{own}@example.org", "external_id": own, "role": role} for own in names]
        await made.rest("POST", "/users", users)
        await made.rest("GET", "/items/articles")
        yield made, names


@pytest.mark.parametrize("path", READS)
async def test_statements_of_a_read(server: tuple[Doors, list[str]], path: str) -> None:
    made, _ = server
    for _ in range(2):
        await made.client.get(f"/main/scim/v2{path}")  # plans are made
    before = made.house.store.statements_total
    await made.client.get(f"/main/scim/v2{path}", headers={"Authorization": "Bearer admin-token"})
    assert made.house.store.statements_total - before == READS[path]


async def test_statements_of_changes_of_members(server: tuple[Doors, list[str]], dialect: str) -> None:
    made, names = server
    taken: list[int] = []

    async def change(value: Any) -> None:
        body = {"Operations": [{"op": "replace", "path": "members", "value": [{"value": own} for own in value]}]}
        found = await made.rest("PATCH", "/scim/v2/Groups/crew", body)
        assert len(found["members"]) == len(value)
        taken.append(made.statements)

    for value in ([], names, names):
        await change(value)
    # MySQL has no RETURNING: the keys of rows of history take statements of their own.
    more = 0 if dialect != "mysql" else 1 if len(names) == 1 else 2
    assert taken == [12 + more, 13 + more, 9]
