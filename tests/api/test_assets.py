"""Files by their URLs, at the doors: originals and variants, conditions and ranges, on three databases."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import AsyncIterator
from typing import Any
from unittest.mock import patch

import pytest
import sqlalchemy as sa

from tests.api.newsroom import Newsroom, newsroom
from tests.backends import fresh_database
from tests.pictures import GREEN, SVG, WHITE, decoded, encoded, halves

RED_BLUE = encoded(halves(400, 300), "PNG")


class Shelf:
    """A server with files in its storage and rows of them, as if they had been uploaded."""

    def __init__(self, server: Newsroom) -> None:
        self.server = server
        self.project = server.projects.get("main")
        self.taken = 0

    async def put(self, name: str, content: bytes | None, **more: Any) -> str:
        """Store a file of this name on the disk and its row; the hash."""
        self.taken += 1
        row = {
            "storage": "local", "private_hash": f"hash{self.taken:012}", "filename_disk": name,
            "filename_download": name, "type": "image/png", "uploaded_by": 1, "uploaded_on": "2020-01-14 17:14:22",
            "filesize": len(content or b""), "checksum": hashlib.md5(content or b"").hexdigest(), **more,
        }  # fmt: skip
        if self.server.store.dialect == "postgres":
            row["uploaded_on"] = sa.func.to_timestamp("2020-01-14", "YYYY-MM-DD")
        table = sa.table("directus_files", *map(sa.column, row))
        await self.server.store.run_sync(lambda connection: connection.execute(table.insert().values(**row)))
        if content is not None:
            await self.project.storage.originals.put(name, content)
        return str(row["private_hash"])

    async def get(self, path: str, **headers: str) -> Any:
        return await self.server.ask("GET", path, None, headers={k.replace("_", "-"): v for k, v in headers.items()})

    async def picture(self, path: str) -> tuple[str, tuple[int, int]]:
        answer = await self.get(path)
        assert answer.status_code == 200, answer.text
        image = decoded(answer.content)
        assert answer.headers["content-type"] == f"image/{(image.format or '').lower()}"
        return image.format or "", image.size

    async def refused(self, path: str) -> tuple[int, Any, str]:
        answer = await self.get(path)
        assert list(answer.json()) == ["error"]
        return answer.status_code, answer.json()["error"]["code"], answer.json()["error"]["message"]

    async def variants(self) -> list[str]:
        return sorted([stat.name async for stat in self.project.storage.generated.list()])

    async def set(self, key: str, value: str | None) -> None:
        """Change a setting, as an admin."""
        await self.server.rows_away("directus_settings", f"{self._key()} = '{key}'")
        if value is not None:
            answer = await self.server.ask("POST", "/settings", json={"key": key, "value": value})
            assert answer.status_code == 200, answer.text

    def _key(self) -> str:
        return "`key`" if self.server.store.dialect == "mysql" else '"key"'


@pytest.fixture(scope="module")
async def server(dialect: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Newsroom]:
    folder = tmp_path_factory.mktemp("assets")
    with fresh_database(dialect, folder) as url:
        async with newsroom(url, folder / "data") as found:
            await found.projects.get("main").store()
            yield found


@pytest.fixture(scope="module")
async def shelf(server: Newsroom) -> Shelf:
    return Shelf(server)


async def test_an_original_comes_with_what_http_wants_to_know(shelf: Shelf) -> None:
    found = await shelf.put("first.png", RED_BLUE, filename_download='Rot "und" blau.png')
    answer = await shelf.get(f"/assets/{found}")
    assert (answer.status_code, answer.content) == (200, RED_BLUE)
    assert answer.headers["content-type"] == "image/png"
    assert answer.headers["content-disposition"] == (
        "inline; filename=\"Rot _und_ blau.png\"; filename*=UTF-8''Rot%20%22und%22%20blau.png"
    )
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"] == "no-cache"
    assert answer.headers["accept-ranges"] == "bytes"
    assert answer.headers["content-length"] == str(len(RED_BLUE))
    assert answer.headers["last-modified"].endswith(" GMT")
    assert answer.headers["etag"].startswith('"')
    assert "content-security-policy" not in answer.headers
    assert (await shelf.get(f"/assets/{found}/any name.png")).content == RED_BLUE
    saved = await shelf.get(f"/assets/{found}?download")
    assert saved.headers["content-disposition"].startswith("attachment; ")


async def test_the_system_sizes_and_the_users(shelf: Shelf) -> None:
    found = await shelf.put("sizes.png", RED_BLUE)
    assert await shelf.picture(f"/assets/{found}?key=directus-small-crop") == ("PNG", (64, 64))
    assert await shelf.picture(f"/assets/{found}?key=directus-small-contain") == ("PNG", (64, 48))
    assert await shelf.picture(f"/assets/{found}?key=directus-large-crop") == ("PNG", (800, 600))
    assert await shelf.picture(f"/assets/{found}?key=directus-medium-contain&w=10") == ("PNG", (300, 225))
    assert await shelf.picture(f"/assets/{found}?key=thumbnail") == ("PNG", (200, 150))
    assert await shelf.picture(f"/assets/{found}?w=200&h=200.0&f=contain&q=80") == ("PNG", (200, 150))
    assert await shelf.picture(f"/assets/{found}?key=thumbnail&format=jpg") == ("JPEG", (200, 150))
    assert [name for name in await shelf.variants() if "sizes" in name] == [
        "w200,h200,fcontain,q80,jpg/sizes.png.jpg",
        "w200,h200,fcontain,q80/sizes.png",
        "w300,h300,fcontain,q80/sizes.png",
        "w64,h64,fcontain,q80/sizes.png",
        "w64,h64,fcrop,q80/sizes.png",
        "w800,h600,fcrop,q80/sizes.png",
    ]
    assert (await shelf.get(f"/assets/{found}?format=jpg")).content == RED_BLUE
    assert (await shelf.get(f"/assets/{found}?key=")).content == RED_BLUE


async def test_what_is_asked_wrongly_is_told_in_the_old_words(shelf: Shelf) -> None:
    found = await shelf.put("asked.png", RED_BLUE)
    before = await shelf.variants()
    path = f"/assets/{found}"
    no_number = "This value should not be blank. This value should be of type numeric."
    assert await shelf.refused(f"{path}?key=zzz") == (422, 12, "Key doesn't exist.")
    assert await shelf.refused(f"{path}?w=100") == (
        422, 12, f"h: {no_number} q: {no_number} f: This value should not be blank.",
    )  # fmt: skip
    assert await shelf.refused(f"{path}?w=a&h=1&q=&f[]=crop") == (
        422, 12, f"w: This value should be of type numeric. q: {no_number} f: This value should not be blank.",
    )  # fmt: skip
    not_listed = (422, 12, "The params don't match the asset whitelist.")
    assert await shelf.refused(f"{path}?w=100&h=100&f=crop&q=80") == not_listed
    assert await shelf.refused(f"{path}?w=200&h=200&f=crop&q=80") == not_listed
    assert await shelf.refused(f"{path}?w=200&h=200&f=contain&q=81") == not_listed
    assert await shelf.refused(f"{path}?w=200.5&h=200&f=contain&q=80") == not_listed
    assert await shelf.refused(f"{path}?key=thumbnail&format=bmp") == (422, 12, "Invalid file format.")
    assert await shelf.variants() == before


async def test_unknown_hashes_and_lost_bytes_are_not_found(shelf: Shelf) -> None:
    lost = await shelf.put("lost.png", None)
    climbing = await shelf.put("../../config/main.json", None)
    hidden = await shelf.put(".env", None)
    await shelf.put("null.png", RED_BLUE, private_hash=None)
    await shelf.put("empty.png", RED_BLUE, private_hash="")
    missing = (404, 203, "Item not found")
    for alias in ("zzzzzz", "1", "null", "null.png", "%00", "%ff", "a%2f..%2fb", "x" * 2000, lost, climbing, hidden):
        assert await shelf.refused(f"/assets/{alias}") == missing
    assert await shelf.refused(f"/assets/{lost}?key=thumbnail") == missing
    assert await shelf.refused(f"/assets/{climbing}?key=thumbnail") == (422, 12, "Invalid file extension.")
    assert await shelf.refused("/assets/") == (404, 1, "Not Found")
    assert await shelf.refused("/assets/a/b/c") == (404, 1, "Not Found")
    answer = await shelf.server.ask("POST", "/assets/zzzzzz", None)
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD, OPTIONS")


async def test_the_case_of_a_hash_counts(shelf: Shelf) -> None:
    await shelf.put("upper.png", RED_BLUE, private_hash="ABC-def_1")
    assert (await shelf.get("/assets/ABC-def_1")).status_code == 200
    assert await shelf.refused("/assets/abc-def_1") == (404, 203, "Item not found")


async def test_what_a_browser_might_run_is_kept_from_running(shelf: Shelf) -> None:
    policy = "default-src 'none'; style-src 'unsafe-inline'; sandbox"
    kinds = {
        "image/svg+xml": "inline", "text/html": "attachment", "application/xhtml+xml": "attachment",
        "text/xml": "attachment", "application/xml": "attachment", "text/javascript": "attachment",
        "application/rss+xml": "attachment",
    }  # fmt: skip
    for number, (media, kind) in enumerate(kinds.items()):
        answer = await shelf.get(f"/assets/{await shelf.put(f'active{number}.svg', SVG, type=media)}")
        assert (answer.status_code, answer.content) == (200, SVG)
        assert answer.headers["content-type"] == media
        assert answer.headers["content-security-policy"] == policy
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["content-disposition"].startswith(kind)
    svg = await shelf.put("active.svg", SVG, type="image/svg+xml")
    assert await shelf.refused(f"/assets/{svg}?key=thumbnail") == (422, 12, "Invalid file extension.")
    for media in ("a\r\nx: y", "text", None, "", "text/html\0" if shelf.server.store.dialect != "postgres" else "/"):
        other = await shelf.get(f"/assets/{await shelf.put(f'odd{shelf.taken}', SVG, type=media)}")
        assert other.headers["content-type"] == "application/octet-stream"
        assert other.headers["x-content-type-options"] == "nosniff"
    embed = await shelf.get(f"/assets/{await shelf.put('embed.jpg', RED_BLUE, type='embed/youtube')}")
    assert embed.headers["content-type"] == "image/jpeg"
    named = await shelf.put("named.png", RED_BLUE, filename_download='a"\r\nSet-Cookie: x=y; \\ü\u202e.png')
    header = (await shelf.get(f"/assets/{named}")).headers["content-disposition"]
    assert header == (
        'inline; filename="a___Set-Cookie: x=y; ___.png"; '
        "filename*=UTF-8''a%22%0D%0ASet-Cookie%3A%20x%3Dy%3B%20%5C%C3%BC%E2%80%AE.png"
    )


async def test_conditions_and_ranges(shelf: Shelf) -> None:
    path = f"/assets/{await shelf.put('ranges.png', RED_BLUE)}"
    whole = await shelf.get(path)
    tag, date = whole.headers["etag"], whole.headers["last-modified"]
    for known in (tag, f'"x", W/{tag}', "*"):
        answer = await shelf.get(path, if_none_match=known)
        assert (answer.status_code, answer.content, answer.headers["etag"]) == (304, b"", tag)
        assert "content-type" not in answer.headers
    assert (await shelf.get(path, if_modified_since=date)).status_code == 304
    assert (await shelf.get(path, if_modified_since=date, if_none_match='"x"')).status_code == 200
    assert (await shelf.get(path, if_modified_since="Sun, 06 Nov 1994 08:49:37 GMT")).status_code == 200
    assert (await shelf.get(path, if_modified_since="soon")).status_code == 200

    size = len(RED_BLUE)
    for asked, start, end in (
        ("bytes=0-0", 0, 1), ("bytes=5-", 5, size), ("bytes=-4", size - 4, size), ("bytes=2-99999", 2, size),
        ("bytes=-99999", 0, size),
    ):  # fmt: skip
        answer = await shelf.get(path, range=asked)
        assert (answer.status_code, answer.content) == (206, RED_BLUE[start:end])
        assert answer.headers["content-range"] == f"bytes {start}-{end - 1}/{size}"
        assert answer.headers["content-length"] == str(end - start)
        assert answer.headers["etag"] == tag
    for asked in (f"bytes={size}-", "bytes=99999-", "bytes=-0"):
        answer = await shelf.get(path, range=asked)
        assert (answer.status_code, answer.headers["content-range"]) == (416, f"bytes */{size}")
        assert answer.json() == {"error": {"code": 2, "message": "Range Not Satisfiable"}}
    for asked in ("bytes=0-1,3-4", "bytes=5-2", "lines=0-1", "bytes=a-b", "bytes=-", "bytes=" + "9" * 40 + "-"):
        assert (await shelf.get(path, range=asked)).status_code == 200
    assert (await shelf.get(path, range="bytes=0-0", if_range=tag)).status_code == 206
    assert (await shelf.get(path, range="bytes=0-0", if_range=date)).status_code == 206
    for other in ('"x"', f"W/{tag}", "Sun, 06 Nov 1994 08:49:37 GMT", "soon"):
        assert (await shelf.get(path, range="bytes=0-0", if_range=other)).status_code == 200


async def test_head_says_what_get_would_say(shelf: Shelf) -> None:
    path = f"/assets/{await shelf.put('head.png', RED_BLUE)}"
    for query in ("", "?key=thumbnail"):
        get, head = await shelf.get(path + query), await shelf.server.ask("HEAD", path + query, None)
        assert (head.status_code, head.content) == (200, b"")
        ignored = {"server-timing", "date"}
        assert {k: v for k, v in head.headers.items() if k not in ignored} == {
            k: v for k, v in get.headers.items() if k not in ignored
        }


async def test_a_large_file_is_sent_while_it_is_read(shelf: Shelf) -> None:
    content = bytes(range(256)) * 8192
    path = f"/assets/{await shelf.put('large.bin', content, type='application/x-thing')}"
    answer = await shelf.get(path)
    assert (answer.status_code, answer.headers["content-length"]) == (200, str(len(content)))
    assert answer.content == content
    part = await shelf.get(path, range="bytes=1000000-1999999")
    assert (part.status_code, part.content) == (206, content[1_000_000:2_000_000])
    assert part.headers["content-length"] == "1000000"


async def test_how_long_variants_may_be_kept(shelf: Shelf) -> None:
    path = f"/assets/{await shelf.put('cached.png', RED_BLUE)}"
    assert (await shelf.get(path + "?key=thumbnail")).headers["cache-control"] == "no-cache"
    await shelf.set("thumbnail_cache_ttl", "86400")
    try:
        assert (await shelf.get(path + "?key=thumbnail")).headers["cache-control"] == "max-age=86400, public"
        assert (await shelf.get(path)).headers["cache-control"] == "no-cache"  # the app's editor replaces it
    finally:
        await shelf.set("thumbnail_cache_ttl", None)


async def test_other_formats_for_who_can_show_them(shelf: Shelf) -> None:
    path = f"/assets/{await shelf.put('accept.png', RED_BLUE)}?key=thumbnail"
    browser = "image/avif,image/webp,image/apng,image/svg+xml,image/*,*/*;q=0.8"
    for accept, media in (
        (browser, "image/avif"), ("image/webp,*/*", "image/webp"), ("image/avif;q=0, image/webp;q=0.5", "image/webp"),
        ("*/*", "image/png"), ("image/*", "image/png"), ("", "image/png"), (";;q=,,", "image/png"),
    ):  # fmt: skip
        answer = await shelf.get(path, accept=accept)
        assert (answer.status_code, answer.headers["content-type"]) == (200, media)
        assert "Accept" in answer.headers["vary"]
        assert decoded(answer.content).size == (200, 150)
    assert (
        (await shelf.get(path, accept=browser))
        .headers["content-disposition"]
        .startswith('inline; filename="accept.avif"')
    )
    given = await shelf.get(path + "&format=jpeg", accept=browser)
    assert given.headers["content-type"] == "image/jpeg"
    assert "Accept" not in given.headers.get("vary", "")
    original = await shelf.get(path.partition("?")[0], accept=browser)
    assert original.headers["content-type"] == "image/png"


async def test_names_in_urls_where_the_project_has_them(shelf: Shelf) -> None:
    one = await shelf.put("by-name-1.png", RED_BLUE, filename_download="hello world.png")
    await shelf.put("by-name-2.png", encoded(halves(10, 10), "PNG"), filename_download="hello world.png")
    assert (await shelf.get("/assets/hello%20world.png")).status_code == 404
    two = await shelf.put("by-name-3.png", encoded(halves(20, 10), "PNG"), private_hash="hello")
    await shelf.set("asset_url_naming", "filename_download")
    try:
        assert (await shelf.get("/assets/hello%20world.png")).content == RED_BLUE
        assert (await shelf.get(f"/assets/{one}")).content == RED_BLUE
        assert await shelf.picture("/assets/hello%20world.png?key=thumbnail") == ("PNG", (200, 150))
        await shelf.server.store.run_sync(
            lambda connection: connection.exec_driver_sql(
                f"UPDATE directus_files SET filename_download = '{two}' WHERE private_hash = '{one}'"
            )
        )
        assert decoded((await shelf.get("/assets/hello")).content).size == (20, 10)
    finally:
        await shelf.set("asset_url_naming", "private_hash")


async def test_without_a_whitelist_any_size_within_bounds(shelf: Shelf) -> None:
    path = f"/assets/{await shelf.put('free.png', RED_BLUE)}"
    await shelf.set("asset_whitelist", None)
    try:
        assert await shelf.picture(f"{path}?w=17&h=900&f=contain&q=0") == ("PNG", (17, 13))
        assert await shelf.picture(f"{path}?w=17&h=9&f=anything&q=50") == ("PNG", (17, 9))
        assert await shelf.picture(f"{path}?w=1&h=1&f=crop&q=100&format=webp") == ("WEBP", (1, 1))
        bad = "This value is not valid."
        for query, message in (
            ("w=0&h=9&f=crop&q=80", f"w: {bad}"), ("w=6001&h=-1&f=crop&q=80", f"w: {bad} h: {bad}"),
            ("w=9&h=9&f=crop&q=101", f"q: {bad}"), ("w=9&h=9&f=crop&q=-1", f"q: {bad}"),
            ("w=1e300&h=9&f=crop&q=1", f"w: {bad}"),
        ):  # fmt: skip
            assert await shelf.refused(f"{path}?{query}") == (422, 12, message)
    finally:
        thumbnail = '[{"key":"thumbnail","width":200,"height":200,"fit":"contain","quality":80}]'
        await shelf.set("asset_whitelist", thumbnail)


async def test_variants_go_with_their_original(shelf: Shelf) -> None:
    path = f"/assets/{await shelf.put('replaced.png', RED_BLUE)}?key=directus-small-crop"
    other = await shelf.put("replaced.png.jpg", encoded(halves(40, 30), "JPEG"))
    await shelf.get(path)
    await shelf.get(path + "&format=jpg")
    await shelf.get(f"/assets/{other}?key=directus-small-crop")
    await shelf.project.storage.originals.put("replaced.png", encoded(halves(400, 300, GREEN, WHITE), "PNG"))
    await shelf.project.variants.forget("replaced.png", "../x", "never.png")
    assert [name for name in await shelf.variants() if "replaced" in name] == ["w64,h64,fcrop,q80/replaced.png.jpg"]
    assert decoded((await shelf.get(path)).content).convert("RGB").getpixel((5, 5)) == GREEN


async def test_graphql_hands_out_the_facts_and_the_address(shelf: Shelf) -> None:
    found = await shelf.put("graph.png", RED_BLUE)
    query = """query($hash: String!) {
      a: asset(hash: $hash) { url type size filename disposition }
      b: asset(hash: $hash, w: 200, h: "200", f: "contain", q: 80, download: true) {
        url type size modified disposition
      }
    }"""
    answer = await shelf.server.graphql(query, None, hash=found)
    assert answer["data"]["a"] == {
        "url": f"http://api.example.com/main/assets/{found}", "type": "image/png", "size": len(RED_BLUE),
        "filename": "graph.png", "disposition": "inline; filename=\"graph.png\"; filename*=UTF-8''graph.png",
    }  # fmt: skip
    made = answer["data"]["b"]
    assert made["url"] == f"http://api.example.com/main/assets/{found}?w=200&h=200&f=contain&q=80"
    file = await shelf.get(made["url"].removeprefix("http://api.example.com/main"))
    assert (len(file.content), file.headers["content-type"]) == (made["size"], made["type"])
    assert made["disposition"].startswith("attachment")
    assert made["modified"].endswith("Z")
    refused = await shelf.server.graphql('{ asset(hash: "nope") { url } }', None)
    assert (refused["data"], refused["errors"][0]["extensions"]["code"]) == ({"asset": None}, 203)
    refused = await shelf.server.graphql(f'{{ asset(hash: "{found}", key: "nope") {{ url }} }}', None)
    assert refused["errors"][0]["extensions"]["code"] == 12


async def test_what_is_uploaded_replaced_and_deleted(shelf: Shelf) -> None:
    ask = shelf.server.ask
    made = await ask("POST", "/files", files={"data": ("Rot blau.png", RED_BLUE, "image/png")})
    assert made.status_code == 200, made.text
    file = made.json()["data"]
    thumbnail = next(one for one in file["data"]["thumbnails"] if one["key"] == "directus-small-crop")
    path = thumbnail["relative_url"].removeprefix("/main")
    assert path == f"/assets/{file['private_hash']}?key=directus-small-crop"
    first = await shelf.get(path)
    assert decoded(first.content).convert("RGB").getpixel((5, 5)) == (255, 0, 0)
    data = base64.b64encode(encoded(halves(400, 300, GREEN, WHITE), "PNG")).decode()
    changed = await ask("PATCH", f"/files/{file['id']}", json={"data": f"data:image/png;base64,{data}"})
    assert changed.status_code == 200, changed.text
    second = await shelf.get(path, if_none_match=first.headers["etag"])
    assert second.status_code == 200
    assert decoded(second.content).convert("RGB").getpixel((5, 5)) == GREEN
    renamed = await ask("PATCH", f"/files/{file['id']}", json={"filename_disk": "renamed-here.png"})
    assert renamed.status_code == 200, renamed.text
    assert file["filename_disk"] not in " ".join(await shelf.variants())
    assert (await shelf.get(path)).status_code == 200
    assert "w64,h64,fcrop,q80/renamed-here.png" in await shelf.variants()
    assert (await ask("DELETE", f"/files/{file['id']}")).status_code == 204
    assert await shelf.refused(path) == (404, 203, "Item not found")
    assert "renamed-here.png" not in " ".join(await shelf.variants())


async def test_a_new_hash_ends_the_old_one(shelf: Shelf) -> None:
    old = await shelf.put("rotated.png", RED_BLUE)
    [(key,)] = await shelf.server.rows("SELECT id FROM directus_files WHERE filename_disk = 'rotated.png'")
    assert (await shelf.get(f"/assets/{old}?key=thumbnail")).status_code == 200
    answer = await shelf.server.ask("PATCH", f"/files/{key}", json={"private_hash": "a-new_One1"})
    assert answer.status_code == 200, answer.text
    assert await shelf.refused(f"/assets/{old}?key=thumbnail") == (404, 203, "Item not found")
    assert await shelf.picture("/assets/a-new_One1?key=thumbnail") == ("PNG", (200, 150))


async def test_variants_of_what_was_not_stored_after_all_are_forgotten(shelf: Shelf) -> None:
    old = await shelf.put("undone.png", RED_BLUE)
    [(key,)] = await shelf.server.rows("SELECT id FROM directus_files WHERE filename_disk = 'undone.png'")
    path = f"/assets/{old}?key=directus-small-crop"
    copy = shelf.project.storage.originals.copy

    async def copied(name: str, other: str) -> None:
        await copy(name, other)
        if other == "undone.png" and not seen:
            seen.append(decoded((await shelf.get(path)).content).convert("RGB").getpixel((5, 5)))
            raise RuntimeError("in the middle")

    seen: list[Any] = []
    data = base64.b64encode(encoded(halves(400, 300, GREEN, WHITE), "PNG")).decode()
    with patch.object(shelf.project.storage.originals, "copy", copied):
        answer = await shelf.server.ask("PATCH", f"/files/{key}", json={"data": data})
    assert (answer.status_code, seen) == (500, [GREEN])
    assert (await shelf.get(path.partition("?")[0])).content == RED_BLUE
    assert decoded((await shelf.get(path)).content).convert("RGB").getpixel((5, 5)) == (255, 0, 0)
