"""Any body sent to the routes of files is taken or refused as clients know it; what is refused leaves nothing."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.api.newsroom import newsroom
from tests.api.test_assets import RED_BLUE, Shelf
from tests.pictures import SVG

STATUSES = {200, 204, 400, 403, 404, 409, 413, 422}
CONTENTS = st.one_of(st.sampled_from([RED_BLUE, SVG, b"", b"GIF89a", b"%PDF-"]), st.binary(max_size=64))
FILENAMES = st.one_of(
    st.sampled_from(
        ["a.png", "../a.png", "a.php", ".htaccess", "", "a\\b.jpg", "a/b.gif", "a.png\0.php", "CON", "x" * 300]
    ),
    st.text(max_size=20),
)
TEXTS = st.one_of(
    st.text(max_size=20),
    st.sampled_from(["{}", "[1", "a,b", "-1", "1e999", "null", "true", "\0", "\ud800", "2020-01-01"]),
)
FIELDS = st.sampled_from(
    ["title", "tags", "tags[]", "metadata", "folder", "filename_disk", "filename_download", "private_hash", "id",
     "type", "storage", "uploaded_by", "description", "nope", "data", "checksum", "metadata[a][b]", "preview", "", "[]"]
)  # fmt: skip
PLAIN = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-(2**70), 2**70), st.text(max_size=10), st.floats()),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=5), inner, max_size=3)),
    max_leaves=5,
)
DATA = st.one_of(
    PLAIN, FILENAMES, CONTENTS.map(lambda content: base64.b64encode(content).decode()),
    CONTENTS.map(lambda content: "data:image/png;base64," + base64.b64encode(content).decode()),
    st.sampled_from(["data:,x", "data:text/html;base64,PGI+", "data:image/png;base64,%%%", "//", "http://", "AAAA=A"]),
)  # fmt: skip
BODIES = st.one_of(st.dictionaries(FIELDS, PLAIN, max_size=4), st.lists(PLAIN, max_size=2), PLAIN)


@pytest.fixture(scope="module")
async def shelf(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Shelf]:
    folder: Path = tmp_path_factory.mktemp("uploads")
    async with newsroom(f"sqlite:///{folder}/x.db", folder / "data") as found:
        await found.projects.get("main").store()
        yield Shelf(found)


@st.composite
def requests(draw: st.DrawFn) -> tuple[str, str, dict[str, Any]]:
    method = draw(st.sampled_from(["POST", "POST", "PATCH"]))
    path = "/files" if method == "POST" else draw(st.sampled_from(["/files/1", "/files/1,2", "/files", "/files/x"]))
    form = draw(st.sampled_from(["parts", "json", "raw"]))
    if form == "parts":
        files = draw(st.lists(st.tuples(FIELDS, st.tuples(FILENAMES, CONTENTS)), min_size=1, max_size=2))
        return method, path, {"files": files, "data": draw(st.dictionaries(FIELDS, TEXTS, max_size=3))}
    if form == "json":
        body = draw(BODIES)
        if isinstance(body, dict) and draw(st.booleans()):
            body = {**body, "data": draw(DATA), "filename_disk": draw(FILENAMES), "filename_download": draw(FILENAMES)}
        return method, path, {"json": body}
    media = draw(
        st.sampled_from(["multipart/form-data", "multipart/form-data; boundary=x", "application/json", "", "a/b"])
    )
    lead = draw(
        st.sampled_from([b"", b"--x\r\n", b'--x\r\nContent-Disposition: form-data; name="data"; filename="a"\r\n\r\n'])
    )
    return method, path, {"content": lead + draw(CONTENTS), "headers": {"content-type": media}}


async def test_every_body_has_an_answer(shelf: Shelf) -> None:
    loop = asyncio.get_running_loop()
    seen: set[int] = set()

    @settings(max_examples=150, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
    @given(request=requests())
    def fuzz(request: tuple[str, str, dict[str, Any]]) -> None:
        method, path, more = request
        try:
            future = asyncio.run_coroutine_threadsafe(asked(shelf, method, path, more), loop)
            seen.add(future.result(30))
        except (UnicodeEncodeError, ValueError) as error:
            if "JSON" not in str(error) and "surrogates" not in str(error):  # the client cannot send it
                raise

    await asyncio.to_thread(fuzz)
    assert {200, 400, 422} <= seen
    await whole(shelf)


async def asked(shelf: Shelf, method: str, path: str, more: dict[str, Any]) -> int:
    answer = await shelf.server.ask(method, path, **more)
    assert answer.status_code in STATUSES, (method, path, more, answer.text)
    if answer.status_code >= 400:
        assert list(answer.json()) == ["error"]
        assert "Traceback" not in answer.text
    return int(answer.status_code)


async def whole(shelf: Shelf) -> None:
    """Each row has its bytes, and nothing else is in the storage."""
    rows = await shelf.server.rows("SELECT filename_disk FROM directus_files WHERE embed IS NULL OR embed = ''")
    stored = {stat.name async for stat in shelf.project.storage.originals.list()}
    assert stored == {name for (name,) in rows}
