"""How many statements a file takes at the doors: who calls, which file. What is made of it takes none."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator

import pytest

from tests.api.test_assets import RED_BLUE
from tests.budget.doors import Doors, doors


@pytest.fixture(scope="module")
async def server(dialect: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Doors]:
    async with doors(dialect, tmp_path_factory.mktemp("assets")) as made:
        yield made


async def test_two_statements_for_a_file_and_three_for_a_link(server: Doors) -> None:
    for _ in range(3):
        sent = {"data": base64.b64encode(RED_BLUE).decode(), "filename_disk": "a.png", "filename_download": "a.png"}
        file = (await server.rest("POST", "/files", sent))["data"]
    path = f"/main/assets/{file['private_hash']}"
    assert await taken(server, path) == 3  # the rules of the public role, once
    assert await taken(server, path) == 2
    for _ in ("made", "found"):
        assert await taken(server, f"{path}?key=directus-small-crop") == 2
    query = f'{{ asset(hash: "{file["private_hash"]}", key: "thumbnail") {{ size }} }}'
    await server.graphql(query)
    assert server.statements == 2
    url = (await server.rest("GET", f"/files/{file['id']}/signed?key=thumbnail"))["data"]["url"]
    assert server.statements == 3
    assert await taken(server, url.removeprefix("http://test")) == 2


async def taken(server: Doors, path: str) -> int:
    before = server.house.store.statements_total
    answer = await server.client.get(path)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "image/png")
    return server.house.store.statements_total - before
