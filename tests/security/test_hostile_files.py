"""Files that want to do harm, asked for by everybody: each has its exact answer, and the server goes on as before."""

from __future__ import annotations

import io
import zlib
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path

import pytest
from PIL import Image

from core.files import images as room
from tests.api.newsroom import newsroom
from tests.api.test_assets import RED_BLUE, Shelf
from tests.pictures import (
    SCRIPT,
    SVG,
    decoded,
    encoded,
    gif_header,
    halves,
    png_bomb,
    png_chunk,
    png_header,
    tiff_header,
)

JPEG = encoded(halves(400, 300), "JPEG")
GIF = encoded(halves(40, 30), "GIF")
UNMADE = (422, 12, "No picture can be made of this file.")
NOT_FOUND = (404, 203, "Item not found")


def jpeg_of(width: int, height: int) -> bytes:
    """A JPEG file whose header claims another size than it has."""
    place = JPEG.index(b"\xff\xc0") + 5
    return JPEG[:place] + height.to_bytes(2, "big") + width.to_bytes(2, "big") + JPEG[place + 4 :]


def many_frames() -> bytes:
    frames = [Image.new("P", (300, 300), number) for number in range(2)] * 300
    buffer = io.BytesIO()
    frames[0].save(buffer, "GIF", save_all=True, append_images=frames[1:])
    return buffer.getvalue()


def text_bomb() -> bytes:
    """A PNG file with a comment of a hundred megabytes, and a profile of as much."""
    packed = zlib.compress(b"\0" * 100_000_000, 9)
    whole = encoded(halves(40, 30), "PNG")
    chunks = png_chunk(b"zTXt", b"Comment\0\0" + packed) + png_chunk(b"iCCP", b"p\0\0" + packed)
    return whole[:33] + chunks + whole[33:]


BROKEN: Mapping[str, Callable[[], bytes]] = {
    "empty.png": lambda: b"",
    "one-byte.jpg": lambda: b"\xff",
    "text.png": lambda: b"not a picture",
    "html.jpg": lambda: b"<html>" + SCRIPT,
    "svg.png": lambda: SVG,
    "svg.gz.png": lambda: b"\x1f\x8b" + SVG,
    "postscript.jpg": lambda: b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n(/etc/passwd) (r) file\n",
    "pdf.png": lambda: b"%PDF-1.7\n1 0 obj\n<</OpenAction<</S/JavaScript/JS(app.alert(1))>>>>\nendobj\n",
    "half.png": lambda: RED_BLUE[: len(RED_BLUE) // 2],
    "half.jpg": lambda: JPEG[: len(JPEG) // 2],
    "half.gif": lambda: GIF[: len(GIF) // 2],
    "head.png": lambda: png_header(400, 300),
    "200-megapixels.png": lambda: png_header(20_000, 10_000),
    "200-megapixels-whole.png": lambda: png_bomb(20_000, 10_000),
    "largest.png": lambda: png_header(2**31 - 1, 2**31 - 1),
    "nothing.png": lambda: png_header(0, 0),
    "largest.gif": lambda: gif_header(65_535, 65_535),
    "largest.tif": lambda: tiff_header(2**32 - 1, 2**32 - 1),
    "strip.tif": lambda: tiff_header(9_000, 9_000),
    "loop.tif": lambda: b"II*\0\x08\0\0\0\0\0\x08\0\0\0",
    "largest.jpg": lambda: jpeg_of(65_500, 65_500),
    "largest.webp": lambda: b"RIFF\x16\0\0\0WEBPVP8X\x0a\0\0\0\0\0\0\0" + b"\xff" * 6,
    "largest.bmp": lambda: b"BM" + b"\0" * 12 + b"\x28\0\0\0" + b"\xff\xff\xff\x7f" * 2 + b"\1\0\x18\0" + b"\0" * 24,
    "largest.psd": lambda: b"8BPS\0\1" + b"\0" * 6 + b"\0\3" + b"\0\4\x93\xe0" * 2 + b"\0\x08\0\3" + b"\0" * 12,
    "text-bomb.png": text_bomb,
    "mvg.png": lambda: b"push graphic-context\nimage over 0,0 0,0 'https://127.0.0.1/?`id`'\npop graphic-context",
}  # fmt: skip
"""Files of which no picture can be made."""

DECODED: Mapping[str, Callable[[], bytes]] = {
    "script-behind.png": lambda: RED_BLUE + SCRIPT,
    "script-behind.jpg": lambda: JPEG + SVG,
    "script-in-comment.gif": lambda: encoded(halves(40, 30), "GIF", comment=SCRIPT),
    "zip-behind.png": lambda: RED_BLUE + b"PK\x05\x06" + b"\0" * 18,
    "gif-called.png": lambda: GIF,
    "png-called.jpg": lambda: RED_BLUE,
    "jpeg-called.webp": lambda: JPEG,
    "frames.gif": many_frames,
    "taller-than-it-is.jpg": lambda: jpeg_of(400, 9_000),
}
"""Files of which a picture can be made, and nothing else comes with it."""


@pytest.fixture(scope="module")
async def shelf(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Shelf]:
    folder: Path = tmp_path_factory.mktemp("hostile")
    async with newsroom(f"sqlite:///{folder}/x.db", folder / "data") as found:
        await found.projects.get("main").store()
        yield Shelf(found)


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """None of these files keeps anybody busy; one that did would be noticed."""
    monkeypatch.setattr(room, "TIME_LIMIT", 20.0)


@pytest.mark.parametrize("name", BROKEN)
async def test_no_picture_is_made_of_what_is_none(shelf: Shelf, name: str) -> None:
    content = BROKEN[name]()
    path = f"/assets/{await shelf.put(name, content)}"
    before = await shelf.variants()
    for query in ("?key=directus-small-crop", "?key=thumbnail&format=webp"):
        assert await shelf.refused(path + query) == UNMADE
    assert await shelf.variants() == before
    whole = await shelf.get(path)
    assert (whole.status_code, whole.content) == (200, content)
    assert whole.headers["x-content-type-options"] == "nosniff"
    await goes_on(shelf)


@pytest.mark.parametrize("name", DECODED)
async def test_only_pixels_come_through(shelf: Shelf, name: str) -> None:
    path = f"/assets/{await shelf.put(name, DECODED[name]())}"
    for query, form in (("", name.rpartition(".")[2].replace("jpg", "jpeg")), ("&format=webp", "webp")):
        answer = await shelf.get(f"{path}?key=directus-small-crop{query}")
        assert (answer.status_code, answer.headers["content-type"]) == (200, f"image/{form}")
        assert b"script" not in answer.content
        assert b"PK" not in answer.content[-64:]
        assert decoded(answer.content).size == (64, 64)
        assert getattr(decoded(answer.content), "n_frames", 1) == 1
    await goes_on(shelf)


async def test_names_on_the_disk_lead_nowhere_else(shelf: Shelf) -> None:
    data = shelf.server.projects.settings.data
    secret = data / "config" / "main.json"
    outside = data / "public" / "uploads" / "outside.png"
    originals = await shelf.project.storage.originals.folder()
    assert originals is not None
    outside.write_bytes(RED_BLUE)
    (originals / "link.png").symlink_to(outside)
    (originals / "folder.png").mkdir()
    names = (
        "../outside.png", "..\\outside.png", "../../../config/main.json", str(secret), f"{secret}.png", "./x.png",
        "link.png", "folder.png", ".hidden.png", "a/b.png", "a\0.png", "nul\n.png", "x.png/", "..", ".", "", "~/x.png",
        "%2e%2e/outside.png", "x.png#1",
    )  # fmt: skip
    for name in names:
        found = await shelf.put(name, None)
        assert await shelf.refused(f"/assets/{found}") == NOT_FOUND, name
        answer = await shelf.refused(f"/assets/{found}?key=thumbnail")
        assert answer in (NOT_FOUND, (422, 12, "Invalid file extension.")), name
    assert not [name for name in await shelf.variants() if "outside" in name or "link" in name]


async def test_what_is_larger_than_an_upload_may_be_is_not_read(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    found = await shelf.put("long.png", RED_BLUE)
    monkeypatch.setattr(shelf.project.variants, "_largest", len(RED_BLUE) - 1)
    assert await shelf.refused(f"/assets/{found}?key=thumbnail") == (
        422, 12, "The file is too large for a picture to be made of it.",
    )  # fmt: skip
    monkeypatch.setattr(shelf.project.variants, "_largest", len(RED_BLUE))
    assert await shelf.picture(f"/assets/{found}?key=thumbnail") == ("PNG", (200, 150))


async def goes_on(shelf: Shelf) -> None:
    """The server still makes pictures, and reads."""
    good = await shelf.put(f"good{shelf.taken}.png", RED_BLUE)
    assert await shelf.picture(f"/assets/{good}?key=directus-small-crop") == ("PNG", (64, 64))
    assert (await shelf.server.ask("GET", "/items/articles")).status_code == 200
