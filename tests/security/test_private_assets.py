"""Links to files that end, and projects in which the hash alone is no right: nothing else leads to a byte."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from itsdangerous import URLSafeSerializer

from core.files import links
from tests.api.newsroom import Newsroom, newsroom
from tests.api.test_assets import RED_BLUE, Shelf
from tests.backends import fresh_database
from tests.pictures import decoded
from tests.projects import configure

BASE = "http://api.example.com/main"
NOT_FOUND = (404, 203, "Item not found")


@pytest.fixture(scope="module")
async def server(dialect: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Newsroom]:
    folder = tmp_path_factory.mktemp("private")
    with fresh_database(dialect, folder) as url:
        async with newsroom(url, folder / "data") as found:
            await found.projects.get("main").store()
            permissions = {"role": 3, "collection": "directus_files", "read": "full"}
            assert (await found.ask("POST", "/permissions", json=permissions)).status_code == 200
            blind = {"role": 4, "collection": "directus_files", "read": "full", "read_field_blacklist": ["data"]}
            assert (await found.ask("POST", "/permissions", json=blind)).status_code == 200
            yield found


@pytest.fixture
async def shelf(server: Newsroom) -> Shelf:
    found = Shelf(server)
    await server.rows_away("directus_files", "id > 0")
    configuration: Path = server.projects.settings.data / "config" / "main.json"
    configure(configuration, assets={"private": False})
    return found


async def link(shelf: Shelf, query: str = "", token: str | None = "editor-token") -> str:
    """The path of a link to the one file."""
    [(key,)] = await shelf.server.rows("SELECT id FROM directus_files")
    answer = await shelf.server.ask("GET", f"/files/{key}/signed?{query}", token)
    assert answer.status_code == 200, answer.text
    assert list(answer.json()) == ["data"]
    url: str = answer.json()["data"]["url"]
    assert url.startswith(f"{BASE}/assets/")
    return url.removeprefix(BASE)


async def test_a_link_leads_to_what_it_is_bound_to(shelf: Shelf) -> None:
    found = await shelf.put("signed.png", RED_BLUE)
    path = await link(shelf)
    assert found not in path
    answer = await shelf.get(path)
    assert (answer.status_code, answer.content) == (200, RED_BLUE)
    assert answer.headers["cache-control"] == "private, no-cache"
    assert (await shelf.get(path + "?key=thumbnail&w=1&format=gif")).content == RED_BLUE
    small = await shelf.get(await link(shelf, "key=directus-small-crop&format=webp&expires=60") + "?key=thumbnail")
    assert (small.headers["content-type"], decoded(small.content).size) == ("image/webp", (64, 64))
    assert small.headers["cache-control"] == "private, no-cache"


async def test_a_link_ends(shelf: Shelf) -> None:
    await shelf.put("ending.png", RED_BLUE)
    path = await link(shelf, "expires=60")
    real = time.time

    class Later:
        @staticmethod
        def now(zone: Any) -> Any:
            from datetime import datetime

            return datetime.fromtimestamp(real() + shift, zone)

    with patch("core.enter.datetime", Later):
        shift = 58.0
        assert (await shelf.get(path)).status_code == 200
        shift = 61.0
        assert await shelf.refused(path) == (401, 102, "Expired token")


async def test_a_new_hash_ends_all_links(shelf: Shelf) -> None:
    await shelf.put("rotated.png", RED_BLUE)
    path = await link(shelf)
    await shelf.server.store.run_sync(
        lambda connection: connection.exec_driver_sql("UPDATE directus_files SET private_hash = 'new'")
    )
    assert await shelf.refused(path) == NOT_FOUND
    assert (await shelf.get("/assets/new")).status_code == 200


async def test_links_of_others_and_changed_ones_lead_nowhere(shelf: Shelf) -> None:
    await shelf.put("forged.png", RED_BLUE)
    path = await link(shelf)
    payload, dot, signature = path.removeprefix("/assets/").rpartition(".")
    other = URLSafeSerializer(b"other", salt=b"asset", signer_kwargs={"key_derivation": "hmac"})
    config = shelf.project.config
    plain = URLSafeSerializer(config.secret_key, salt=b"asset")
    [(key,)] = await shelf.server.rows("SELECT id FROM directus_files")
    said = [key, links.pin_of(config, None), int(time.time()) + 600, {}]
    for forged in (
        payload + dot + signature[:-1], payload + dot, dot + signature, payload[:-2] + dot + signature,
        payload + dot + signature + "a", other.dumps(said), plain.dumps(said), "." * 60, "a." + "b" * 60,
    ):  # fmt: skip
        assert await shelf.refused(f"/assets/{forged}") == NOT_FOUND, forged


async def test_who_may_not_read_the_file_gets_no_link(shelf: Shelf) -> None:
    await shelf.put("denied.png", RED_BLUE)
    [(key,)] = await shelf.server.rows("SELECT id FROM directus_files")
    ask = shelf.server.refusal
    assert await ask("GET", f"/files/{key}/signed", "nobody-token") == (404, 203)
    assert await ask("GET", f"/files/{key}/signed", None) == (404, 203)
    assert await ask("GET", f"/files/{key}/signed", "writer-token") == (403, 304)
    assert await ask("GET", f"/files/{key + 999}/signed") == (404, 203)
    assert await ask("GET", "/files/x/signed") == (404, 203)
    for expires in ("0", "-1", "604801", "99999999999"):
        assert await ask("GET", f"/files/{key}/signed?expires={expires}") == (422, 4)
    assert await ask("GET", f"/files/{key}/signed?key=nope") == (422, 12)
    assert await ask("GET", f"/files/{key}/signed?w=9&h=9&f=crop&q=9") == (422, 12)
    found = await shelf.server.graphql(f'{{ signed_asset(file: {key}, key: "thumbnail") {{ url expires_on }} }}')
    assert found["data"]["signed_asset"]["url"].startswith(f"{BASE}/assets/")
    assert found["data"]["signed_asset"]["expires_on"].endswith("Z")
    found = await shelf.server.graphql(f"{{ signed_asset(file: {key}) {{ url }} }}", "nobody-token")
    assert (found["data"], found["errors"][0]["extensions"]["code"]) == ({"signed_asset": None}, 300)


async def test_where_files_are_private_the_hash_is_no_right(shelf: Shelf) -> None:
    found = await shelf.put("private.png", RED_BLUE)
    path = await link(shelf, "key=thumbnail")
    configure(shelf.server.projects.settings.data / "config" / "main.json", assets={"private": True})
    shelf.server.projects.keys()  # looks at the files at once
    shelf.project = shelf.server.projects.get("main")
    assert shelf.project.config.get("assets.private")
    for query in ("", "?key=thumbnail"):
        assert await shelf.refused(f"/assets/{found}{query}") == NOT_FOUND
        for token in ("nobody-token", "wrong-token"):
            assert (await shelf.server.ask("GET", f"/assets/{found}{query}", token)).status_code == 404
        for token in ("editor-token", "admin-token"):
            answer = await shelf.server.ask("GET", f"/assets/{found}{query}", token)
            assert (answer.status_code, answer.headers["cache-control"]) == (200, "private, no-cache")
    assert (await shelf.get(f"/assets/{found}?access_token=editor-token")).status_code == 200
    assert decoded((await shelf.get(path)).content).size == (200, 150)
    hidden = await shelf.server.graphql(f'{{ asset(hash: "{found}") {{ size }} }}', None)
    assert (hidden["data"], hidden["errors"][0]["extensions"]["code"]) == ({"asset": None}, 203)
    seen = await shelf.server.graphql(f'{{ asset(hash: "{found}") {{ size }} }}', "editor-token")
    assert seen["data"]["asset"]["size"] == len(RED_BLUE)
