"""Files that come from the web, and files that lie on a server of objects."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest

from app import compose
from core.files import remote
from tests import receiver
from tests.pictures import encoded, halves
from tests.projects import ADMIN_TOKEN, body, configure, projects
from tests.receiver import Received, Receiver
from tests.storage import bucket, s3_server

PNG = encoded(halves(40, 30), "PNG")
NOT_IMPORTABLE = "data: The URL does not point to an importable file."


class Site:
    """A server's door, and its project."""

    def __init__(self, app: Any, project: Any) -> None:
        self.app, self.project = app, project

    async def ask(self, method: str, path: str, **more: Any) -> Any:
        transport = httpx2.ASGITransport(self.app)
        headers = {"Authorization": f"Bearer {ADMIN_TOKEN}"}
        async with httpx2.AsyncClient(
            transport=transport, base_url="http://api.example.com", headers=headers
        ) as client:
            return await client.request(method, path, **more)

    async def take(self, url: str) -> Any:
        return (await self.ask("POST", "/main/files", json={"data": url})).json()

    async def refused(self, url: str, message: str = NOT_IMPORTABLE) -> None:
        answer = await self.ask("POST", "/main/files", json={"data": url})
        assert (answer.status_code, answer.json()) == (422, {"error": {"code": 4, "message": message}}), url
        assert [stat async for stat in self.project.storage.originals.list()] == []


@asynccontextmanager
async def site(folder: Path, **branches: Any) -> AsyncIterator[Site]:
    data = folder / "data"
    async with projects(data) as found:
        await found.create(body(f"sqlite:///{folder}/main.db"), trusted=True)
    configure(data / "config" / "main.json", **branches)
    async with projects(data) as found:
        yield Site(compose(found), found.get("main"))


@pytest.fixture
async def web() -> AsyncIterator[Receiver]:
    async with receiver.receiver() as found:
        yield found


def serving(**places: tuple[int, bytes, dict[str, str]]) -> Any:
    async def respond(request: Received) -> bytes:
        status, content, headers = places.get(
            request.path.partition("?")[0].strip("/").replace(".", "_"), (404, b"", {})
        )
        return receiver.answer(status, content, **headers)

    return respond


async def test_pictures_and_pdfs_are_fetched(tmp_path: Path, web: Receiver) -> None:
    image = {"Content_Type": "image/png"}
    web.respond = serving(
        My_photo_png=(200, PNG, image),
        page_png=(200, b"<html><script>", image),
        text=(200, b"hello", {"Content_Type": "text/plain"}),
        moved=(302, b"", {"Location": "/My_photo.png"}),
        out=(302, b"", {"Location": "http://localhost:1/x.png"}),
        away=(302, b"", {"Location": "http://169.254.169.254/latest.png"}),
        file=(302, b"", {"Location": "file:///etc/passwd"}),
        loop=(302, b"", {"Location": "/loop"}),
        pdf=(200, b"%PDF-1.4 x", {"Content_Type": "application/pdf"}),
        large=(200, b"x" * 5000, image),
    )
    async with site(tmp_path, files={"remote_import_allow_hosts": ["127.0.0.1/32"]}) as here:
        for path in ("page.png", "text", "gone", "out", "away", "file", "loop", "large"):
            await here.refused(f"{web.url}/{path}")
        for url in ("http://localhost:1/a.png", "ftp://127.0.0.1/a.png", "http://[::1]:1/a.png", "//10.0.0.1/a.png"):
            await here.refused(url)
        made = (await here.take(f"{web.url}/My_photo.png"))["data"]
        assert (made["filename_download"], made["title"], made["type"]) == ("My_photo.png", "My Photo", "image/png")
        assert (made["width"], made["charset"]) == (40, "binary")
        assert (await here.take(f"{web.url}/moved"))["data"]["filename_download"] == "My_photo.png"
        assert (await here.take(f"{web.url}/pdf"))["data"]["filename_download"] == "pdf.pdf"
        answer = await here.ask("PATCH", f"/main/files/{made['id']}", json={"data": f"{web.url}/pdf"})
        [changed] = answer.json()["data"]
        assert (changed["filename_disk"], changed["filename_download"]) == (made["filename_disk"], "My_photo.png")
        assert all("authorization" not in one.headers and "cookie" not in one.headers for one in web.received)


async def test_nothing_is_fetched_where_it_is_forbidden(tmp_path: Path, web: Receiver) -> None:
    async with site(tmp_path, files={"remote_import": False, "embeds": False}) as here:
        await here.refused(f"{web.url}/a.png")
        made = (await here.take("https://www.youtube.com/watch?v=abc_DEF-123"))["data"]
        assert (made["embed"], made["title"]) == ("abc_DEF-123", "YouTube - abc_DEF-123")
    assert web.received == []
    other = tmp_path / "other"
    other.mkdir()
    async with site(other) as here:
        await here.refused(f"{web.url}/a.png")  # a private address
    assert web.connections == 0


async def test_films_of_others(tmp_path: Path, web: Receiver) -> None:
    told = (
        b'[{"title": "A film", "duration": 61, "width": 640, "height": 360, "tags": "a, b", "thumbnail_large": "%s"}]'
    )
    web.respond = serving(
        vimeo=(200, told % f"{web.url}/preview".encode(), {"Content_Type": "application/json"}),
        preview=(200, PNG, {"Content_Type": "image/jpeg"}),
    )
    places = remote.Places(f"{web.url}/youtube", web.url + "/gone/{}", web.url + "/vimeo?{}")
    async with site(tmp_path) as here:
        here.project.intake.web = remote.OpenWeb(["127.0.0.1/32"], places)
        made = (await here.take("https://vimeo.com/12345"))["data"]
        assert (made["type"], made["embed"], made["title"], made["duration"]) == ("embed/vimeo", "12345", "A film", 61)
        assert (made["width"], made["tags"], made["filesize"], made["checksum"]) == (640, ["a", "b"], 0, None)
        assert (made["filename_download"], made["data"]["thumbnails"]) == ("vimeo_12345.jpg", None)
        assert made["data"]["embed"]["url"] == "https://vimeo.com/12345"
        assert await here.project.storage.originals.read(made["filename_disk"]) == PNG
        made = (await here.take("//youtu.be/xyz"))["data"]
        assert (made["embed"], made["title"], made["width"], made["height"]) == ("xyz", "YouTube - xyz", 560, 340)
        assert not await here.project.storage.originals.exists(made["filename_disk"])
        assert (await here.ask("DELETE", f"/main/files/{made['id']}")).status_code == 204
        await here.project.intake.web.close()


@pytest.fixture(scope="module")
def objects() -> Iterator[str]:
    with s3_server() as url:
        yield url


async def test_the_life_of_a_file_on_a_server_of_objects(tmp_path: Path, objects: str) -> None:
    async with site(tmp_path, storage=await asyncio.to_thread(bucket, objects)) as here:
        originals = here.project.storage.originals
        answer = await here.ask("POST", "/main/files", files={"data": ("a.png", PNG)})
        made = answer.json()["data"]
        assert (made["storage"], await originals.read(made["filename_disk"])) == ("s3", PNG)
        answer = await here.ask("PATCH", f"/main/files/{made['id']}", files={"data": ("b.txt", b"x" * 9_000_000)})
        assert answer.json()["data"][0]["filesize"] == 9_000_000
        assert [(stat.name, stat.size) async for stat in originals.list()] == [(made["filename_disk"], 9_000_000)]
        answer = await here.ask("PATCH", f"/main/files/{made['id']}", json={"filename_disk": "c.png"})
        assert [stat.name async for stat in originals.list()] == ["c.png"]
        refused = await here.ask("PATCH", f"/main/files/{made['id']}", json={"title": "x" * 300, "data": "eA=="})
        assert refused.status_code == 422
        assert [(stat.name, stat.size) async for stat in originals.list()] == [("c.png", 9_000_000)]
        assert (await here.ask("DELETE", f"/main/files/{made['id']}")).status_code == 204
        assert [stat async for stat in originals.list()] == []


async def test_a_storage_that_fails_leaves_no_row(tmp_path: Path) -> None:
    storage = {"adapter": "s3", "bucket": "b", "endpoint": "http://127.0.0.1:9", "key": "k", "secret": "s"}
    async with site(tmp_path, storage=storage) as here:
        answer = await here.ask("POST", "/main/files", files={"data": ("a.png", PNG)})
        assert answer.status_code == 500
        assert answer.json()["error"] == {"code": 0, "message": "The storage of files cannot be used now."}
        assert (await here.ask("GET", "/main/files")).json()["data"] == []
