"""Any request for a file is answered with a file or with an error that clients know; nothing of it reaches a log."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.api.newsroom import newsroom
from tests.api.test_assets import RED_BLUE, Shelf

WORDS = st.one_of(
    st.sampled_from(
        ["", "0", "1", "64", "200", "-1", "1e3", "crop", "contain", "80", "png", "webp", "thumbnail", "*/*"]
    ),
    st.text(max_size=12),
    st.integers(-(10**20), 10**20).map(str),
    st.floats().map(str),
)
NAMES = st.sampled_from(
    ["key", "w", "h", "f", "q", "format", "download", "w[]", "f[a]", "access_token", "lang", "fields"]
)
QUERIES = st.lists(st.tuples(NAMES, WORDS), max_size=6)
TEXT = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=40)
HEADERS = st.dictionaries(
    st.sampled_from(["Accept", "Range", "If-Range", "If-None-Match", "If-Modified-Since", "Authorization", "Cookie"]),
    st.one_of(TEXT, st.sampled_from(["bytes=0-9", "bytes=-5", "bytes=9-", "*", "image/webp", "Bearer x", "bytes=,"])),
    max_size=3,
)
ALIASES = st.one_of(st.sampled_from(["hash000000000001", "hash000000000001/x", "a.b" * 20]), st.text(max_size=60))
STATUSES = {200, 206, 304, 401, 404, 416, 422}


@pytest.fixture(scope="module")
async def shelf(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Shelf]:
    folder: Path = tmp_path_factory.mktemp("fuzz")
    async with newsroom(f"sqlite:///{folder}/x.db", folder / "data") as found:
        await found.projects.get("main").store()
        shelf = Shelf(found)
        assert await shelf.put("fuzz.png", RED_BLUE) == "hash000000000001"
        yield shelf


async def test_every_request_has_an_answer(shelf: Shelf) -> None:
    loop = asyncio.get_running_loop()
    seen: set[int] = set()

    @settings(max_examples=150, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
    @given(alias=ALIASES, query=QUERIES, headers=HEADERS, method=st.sampled_from(["GET", "GET", "HEAD"]))
    def fuzz(alias: str, query: list[tuple[str, str]], headers: dict[str, str], method: str) -> None:
        path = "/".join(quote(part, safe="", errors="replace") for part in alias.split("/"))
        url = f"/assets/{path}?{urlencode(query, errors='replace')}"
        future = asyncio.run_coroutine_threadsafe(asked(shelf, method, url, headers), loop)
        seen.add(future.result(30))

    await asyncio.to_thread(fuzz)
    assert {200, 404, 422} <= seen


async def asked(shelf: Shelf, method: str, url: str, headers: dict[str, str]) -> int:
    answer: Any = await shelf.server.ask(method, url, None, headers=headers)
    assert answer.status_code in STATUSES, (method, url, headers, answer.text)
    assert answer.headers.get("x-content-type-options") == "nosniff" or answer.status_code not in (200, 206)
    if answer.status_code >= 400 and method == "GET":
        assert list(answer.json()) == ["error"]
        assert list(answer.json()["error"])[:2] == ["code", "message"]
        assert "Traceback" not in answer.text
    return int(answer.status_code)
