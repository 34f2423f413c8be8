"""Files over REST: every form in which a content comes, what becomes of it, and of who may not; on three databases."""

from __future__ import annotations

import hashlib
import json
from base64 import b64encode
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest

from tests.api.newsroom import Newsroom, newsroom
from tests.backends import fresh_database
from tests.pictures import encoded, halves

PNG = encoded(halves(40, 30), "PNG")
OTHER = encoded(halves(16, 8), "PNG")
JPEG = encoded(halves(10, 20), "JPEG")
KEYS = [
    "id", "storage", "private_hash", "filename_disk", "filename_download", "title", "type", "uploaded_by",
    "uploaded_on", "charset", "filesize", "width", "height", "duration", "embed", "folder", "description", "location",
    "tags", "checksum", "metadata", "data",
]  # fmt: skip
UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"


def text(content: bytes) -> str:
    return b64encode(content).decode()


def md5(content: bytes) -> str:
    return hashlib.md5(content).hexdigest()


class Shelf:
    """A server, and what lies in its storage."""

    def __init__(self, server: Newsroom) -> None:
        self.server = server
        self.project = server.projects.get("main")

    async def send(self, method: str, path: str, token: str | None = "admin-token", **body: Any) -> Any:
        return await self.server.ask(method, path, token, **body)

    async def plain(self, url: str, **headers: str) -> Any:
        """A request for a path of the server, without a credential."""
        transport = httpx2.ASGITransport(self.server.app)
        async with httpx2.AsyncClient(transport=transport, base_url="http://api.example.com") as client:
            return await client.get(url, headers={name.replace("_", "-"): value for name, value in headers.items()})

    async def upload(self, name: str = "red.png", content: bytes = PNG, **attributes: Any) -> dict[str, Any]:
        answer = await self.send("POST", "/files", files={"data": (name, content)}, data=attributes)
        assert answer.status_code == 200, answer.text
        data: dict[str, Any] = answer.json()["data"]
        return data

    async def stored(self) -> dict[str, int]:
        """Name → size of all originals."""
        return {stat.name: stat.size async for stat in self.project.storage.originals.list()}

    async def variants(self) -> list[str]:
        return sorted([stat.name async for stat in self.project.storage.generated.list()])

    async def bytes_of(self, row: dict[str, Any]) -> bytes:
        return await self.project.storage.originals.read(row["filename_disk"])

    async def rows(self) -> list[Any]:
        found: list[Any] = (await self.server.get("/files?limit=-1&sort=id"))["data"]
        return found

    async def state(self) -> tuple[Any, ...]:
        """What a refused request must leave as it is."""
        count = (await self.server.get("/activity?limit=0&meta=total_count"))["meta"]["total_count"]
        revisions = (await self.server.get("/revisions?limit=0&meta=total_count"))["meta"]["total_count"]
        return await self.rows(), await self.stored(), await self.variants(), count, revisions

    async def refused(self, method: str, path: str, *, token: str | None = "admin-token", **body: Any) -> Any:
        """Status, code and message of a request that must change nothing."""
        before = await self.state()
        answer = await self.send(method, path, token, **body)
        assert list(answer.json()) == ["error"], answer.text
        assert await self.state() == before
        error = answer.json()["error"]
        return answer.status_code, error["code"], error["message"]

    async def set(self, key: str, value: str | None) -> None:
        """Change a setting, as an admin."""
        column = "`key`" if self.server.store.dialect == "mysql" else '"key"'
        await self.server.rows_away("directus_settings", f"{column} = '{key}'")
        if value is not None:
            answer = await self.send("POST", "/settings", json={"key": key, "value": value})
            assert answer.status_code == 200, answer.text


@pytest.fixture(scope="module")
async def server(dialect: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Newsroom]:
    folder = tmp_path_factory.mktemp("files")
    with fresh_database(dialect, folder) as url:
        async with newsroom(url, folder / "data") as found:
            await found.projects.get("main").store()
            yield found


@pytest.fixture(scope="module")
async def shelf(server: Newsroom) -> Shelf:
    return Shelf(server)


async def test_a_part_of_a_form(shelf: Shelf) -> None:
    answer = await shelf.send(
        "POST",
        "/files?fields=id",
        files={"whatever": ("My_photo-1.PNG", PNG, "text/evil")},
        data={"description": "A red image", "tags[]": ["x", "y"], "uploaded_by": "99", "checksum": "0", "id": "77"},
    )
    made = answer.json()["data"]
    assert (answer.status_code, list(made)) == (200, KEYS)
    assert made["filename_disk"][-4:] == ".png"
    assert {name: made[name] for name in KEYS[7:8] + KEYS[9:21]} == {
        "uploaded_by": 1, "charset": "", "filesize": len(PNG), "width": 40, "height": 30, "duration": 0, "embed": None,
        "folder": None, "description": "A red image", "location": "", "tags": ["x", "y"], "checksum": md5(PNG),
        "metadata": None,
    }  # fmt: skip
    assert (made["filename_download"], made["title"], made["type"]) == ("My_photo-1.PNG", "My Photo 1", "image/png")
    assert made["storage"] == "local"
    assert len(made["private_hash"]) == 16
    assert await shelf.bytes_of(made) == PNG
    assert made["data"]["url"] == f"/uploads/main/originals/{made['filename_disk']}"
    assert [one["key"] for one in made["data"]["thumbnails"]][:2] == ["directus-small-crop", "directus-small-contain"]
    assert (await shelf.server.get(f"/files/{made['id']}"))["data"] == made
    got = await shelf.send("GET", f"/assets/{made['private_hash']}", None)
    assert got.content == PNG
    [activity] = (await shelf.server.get(f"/activity?filter[collection]=directus_files&filter[item]={made['id']}"))[
        "data"
    ]
    assert activity["action"] == "upload"
    [revision] = (await shelf.server.get(f"/files/{made['id']}/revisions"))["data"]
    assert revision["data"]["data"]["url"] == made["data"]["url"]
    assert revision["data"]["filesize"] == str(len(PNG))
    assert revision["delta"]["checksum"] == md5(PNG)
    assert "data" not in revision["delta"]


async def test_base64_and_data_uris(shelf: Shelf) -> None:
    names = {"filename_disk": "dot.png", "filename_download": "dot.png"}
    for sent in (
        text(OTHER),
        "data:image/jpeg;base64," + text(OTHER),
        text(OTHER).rstrip("="),
        text(OTHER)[:20] + "\n" + text(OTHER)[20:],
    ):
        answer = await shelf.send("POST", "/files", json={**names, "data": sent, "title": "Dot", "tags": "a, b"})
        made = answer.json()["data"]
        assert answer.status_code == 200
        assert (made["width"], made["height"], made["charset"], made["title"]) == (16, 8, "binary", "Dot")
        assert (made["tags"], made["type"]) == (["a", "b"], "image/png")
        assert await shelf.bytes_of(made) == OTHER
    answer = await shelf.send(
        "POST", "/files", json={"filename_disk": "n.txt", "filename_download": "note.txt", "data": "aGk="}
    )
    made = answer.json()["data"]
    assert (made["title"], made["type"], made["charset"], made["width"]) == ("Note", "text/plain", "", None)
    assert made["data"]["thumbnails"] is None
    assert made["metadata"] is None


BLANK, INVALID = "This value should not be blank.", "This value is not valid."


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({}, (422, 4, f"data: {BLANK} filename_disk: {BLANK} filename_download: {BLANK}")),
        ({"filename_download": "x.png"}, (422, 4, f"data: {BLANK} filename_disk: {BLANK}")),
        ({"data": text(PNG)}, (422, 4, f"filename_disk: {BLANK} filename_download: {BLANK}")),
        ([{"data": text(PNG)}], (400, 15, "Batch upload is not allowed")),
        ({"data": "ä", "filename_disk": "a", "filename_download": "a"}, (422, 4, "data: This value is not valid.")),
        ({"data": [1], "filename_disk": "a", "filename_download": "a"}, (422, 4, "data: This value is not valid.")),
        ({"data": "aGk=aGk=", "filename_disk": "a", "filename_download": "b"}, (422, 4, f"data: {INVALID}")),
        (
            {"data": text(PNG), "filename_disk": "a.png", "filename_download": "a.png", "nope": 1},
            (422, 12, 'Payload fields: "nope" does not exist in "directus_files" collection.'),
        ),
        (
            {"data": text(PNG), "filename_disk": "a.png", "filename_download": "a.png", "tags": '["x"]'},
            (422, 4, "tags: This value should be of type array."),
        ),
        (
            {"data": text(b"<?php"), "filename_disk": "a.php", "filename_download": "a.txt"},
            (422, 4, "filename_disk: Files with this extension are not allowed."),
        ),
        ({"data": "", "filename_disk": "a.txt", "filename_download": "a.txt"}, (422, 4, f"data: {BLANK}")),
        (
            {"data": "data:text/plain;base64,", "filename_disk": "a.txt", "filename_download": "a.txt"},
            (422, 4, "An empty file is not allowed."),
        ),
        ({"data": text(PNG), "filename_disk": "a.png", "filename_download": "a" * 256}, None),
    ],
)  # fmt: skip
async def test_contents_that_are_refused(shelf: Shelf, body: Any, expected: Any) -> None:
    found = await shelf.refused("POST", "/files", json=body)
    assert found == expected or (expected is None and found[:2] == (422, 12))


async def test_forms_that_are_refused(shelf: Shelf) -> None:
    two = [("a", ("a.txt", b"aaa")), ("b", ("b.txt", b"bbb"))]
    assert await shelf.refused("POST", "/files", files=two) == (400, 15, "Batch upload is not allowed")
    empty = await shelf.refused("POST", "/files", files={"data": ("a.txt", b"")})
    assert empty == (422, 4, "An empty file is not allowed.")
    odd = await shelf.refused("POST", "/files", files={"data": ("a.txt", b"x")}, data={"tags": '["x","y"]'})
    assert odd == (422, 4, "tags: This value should be of type array.")
    cut = b'--b\r\nContent-Disposition: form-data; name="data"; filename="a.txt"\r\n\r\nhello'
    media = {"content-type": "multipart/form-data; boundary=b"}
    found = await shelf.refused("POST", "/files", content=cut, headers=media)
    assert found == (400, 603, "The uploaded file was only partially uploaded.")


async def test_a_form_without_a_boundary(shelf: Shelf) -> None:
    body = b'--b-7\r\nContent-Disposition: form-data; name="data"; filename="a.txt"\r\n\r\nhello\r\n--b-7--\r\n'
    answer = await shelf.send("POST", "/files", content=body, headers={"content-type": "multipart/form-data"})
    assert answer.status_code == 200, answer.text
    assert await shelf.bytes_of(answer.json()["data"]) == b"hello"


async def test_whitelists_look_at_bytes_and_names(shelf: Shelf) -> None:
    await shelf.set("file_mimetype_whitelist", "image/png , text/*")
    try:
        assert (await shelf.upload("a.png", PNG))["type"] == "image/png"
        assert (await shelf.upload("a.csv", b"a,b\n1,2\n"))["type"] == "text/csv"
        message = "The mime type of the file is invalid.Allowed mime types are image/png,text/*."
        for name, content in [
            ("a.png", JPEG),
            ("a.jpg", PNG),
            ("a.png", b"\x00\x01\x02"),
            ("a", PNG),
            ("a.svg", b"<svg/>"),
        ]:
            found = await shelf.refused("POST", "/files", files={"data": (name, content, "image/png")})
            assert found == (422, 4, message), name
        [row] = [one for one in await shelf.rows() if one["filename_download"] == "a.csv"]
        assert await shelf.refused("PATCH", f"/files/{row['id']}", json={"filename_disk": "x.exe"}) == (422, 4, message)
    finally:
        await shelf.set("file_mimetype_whitelist", "")


async def test_names_that_are_kept_are_numbered_and_made_plain(shelf: Shelf) -> None:
    await shelf.set("file_naming", "file_name")
    try:
        expected = {
            "Häus & Hof.PNG": "hus-hof.png", "haus-hof.png": "haus-hof.png", "h-us-hof.png": "h-us-hof.png",
            "../../etc/passwd": "passwd", "C:\\x\\y.png": "y.png", ".png": "file.png", "日本": "file", "a#1": "a-1",
            "-x-.png": "x-.png",
        }  # fmt: skip
        assert {name: (await shelf.upload(name))["filename_disk"] for name in expected} == expected
        assert (await shelf.upload("Y.png"))["filename_disk"] == "y-1.png"
        assert (await shelf.upload("y.png"))["filename_disk"] == "y-2.png"
    finally:
        await shelf.set("file_naming", "uuid")


async def test_changes_of_a_row_leave_its_bytes(shelf: Shelf) -> None:
    made = await shelf.upload(title="Before")
    body = {"title": "After", "location": "Here", "metadata": {"a": 1}, "tags": ["n"]}
    answer = await shelf.send("PATCH", f"/files/{made['id']}", json=body)
    assert (answer.status_code, len(answer.json()["data"])) == (200, 1)
    assert answer.json()["data"][0] == {**made, **body}
    answer = await shelf.send("PATCH", f"/files/{made['id']}?fields=id,title", json={})
    assert answer.json() == {"data": [{"id": made["id"], "title": "After"}]}
    answer = await shelf.send("PATCH", f"/files/{made['id']}", json={**made, "title": "Again", "data": made["data"]})
    assert answer.json()["data"][0]["title"] == "Again"
    wrong = await shelf.refused("PATCH", f"/files/{made['id']}", json={"checksum": "0" * 32})
    assert wrong[:2] == (403, 305)
    assert await shelf.refused("PATCH", "/files/9999", json={"title": "x"}) == (
        404,
        203,
        'Item with id "9999" not found',
    )
    assert await shelf.refused("PATCH", f"/files/{made['id']}", json={"nope": 1}) == (
        422, 12, 'Payload fields: "nope" does not exist in "directus_files" collection.',
    )  # fmt: skip


async def test_new_bytes_take_the_place_of_the_old_ones(shelf: Shelf) -> None:
    made = await shelf.upload("red.png")
    await shelf.send("GET", f"/assets/{made['private_hash']}?key=directus-small-crop", None)
    assert [name for name in await shelf.variants() if name.endswith(made["filename_disk"])] != []
    answer = await shelf.send("PATCH", f"/files/{made['id']}", json={"data": "data:image/png;base64," + text(OTHER)})
    [changed] = answer.json()["data"]
    assert changed == {
        **made, "filesize": len(OTHER), "checksum": md5(OTHER), "width": 16, "height": 8, "charset": "binary",
    }  # fmt: skip
    assert await shelf.bytes_of(made) == OTHER
    assert [name for name in await shelf.variants() if name.endswith(made["filename_disk"])] == []
    assert [name for name in await shelf.stored() if name.startswith("tabularium")] == []
    answer = await shelf.send("PATCH", f"/files/{made['id']}", files={"x": ("other.txt", JPEG)}, data={"title": "T"})
    [changed] = answer.json()["data"]
    assert (changed["title"], changed["filename_download"], changed["type"]) == ("T", "red.png", "image/png")
    assert (await shelf.bytes_of(made), changed["width"]) == (JPEG, 10)
    for nothing in (None, ""):
        answer = await shelf.send("PATCH", f"/files/{made['id']}", json={"data": nothing})
        assert answer.json()["data"] == [changed]


async def test_renaming_moves_the_bytes(shelf: Shelf) -> None:
    made, other = await shelf.upload(), await shelf.upload("b.txt", b"text")
    path = f"/files/{made['id']}"
    answer = await shelf.send("PATCH", path, json={"filename_disk": "moved.jpg"})
    [changed] = answer.json()["data"]
    assert (changed["filename_disk"], changed["type"]) == ("moved.jpg", "image/jpeg")
    stored = await shelf.stored()
    assert stored["moved.jpg"] == len(PNG)
    assert made["filename_disk"] not in stored
    for name, message in [
        (other["filename_disk"], "already in use."),
        *((name, INVALID) for name in ("a/b", "..", ".x", "a\\b", "a\n", "x" * 256)),
        ("", BLANK), (None, BLANK), ("shell.phtml", "Files with this extension are not allowed."),
        ("shell.php.jpg", "Files with this extension are not allowed."),
    ]:  # fmt: skip
        assert await shelf.refused("PATCH", path, json={"filename_disk": name}) == (422, 4, f"filename_disk: {message}")
    answer = await shelf.send("PATCH", path, json={"filename_disk": "again.png", "data": text(OTHER)})
    assert answer.status_code == 200
    assert (await shelf.bytes_of(answer.json()["data"][0]), "moved.jpg" in await shelf.stored()) == (OTHER, False)
    await shelf.project.storage.originals.delete("again.png")
    found = await shelf.refused("PATCH", path, json={"filename_disk": "gone.png"})
    assert found == (422, 4, "filename_disk: source file not found.")


async def test_hashes_are_changed_and_tell_files_apart(shelf: Shelf) -> None:
    made, other = await shelf.upload(), await shelf.upload()
    path = f"/files/{made['id']}"
    answer = await shelf.send("PATCH", path, json={"private_hash": "My_hash-1"})
    assert answer.json()["data"][0]["private_hash"] == "My_hash-1"
    assert (await shelf.send("GET", f"/assets/{made['private_hash']}", None)).status_code == 404
    assert (await shelf.send("GET", "/assets/My_hash-1", None)).content == PNG
    for value in ("a b", "x" * 17, "", "ä", 7.5):
        assert (await shelf.refused("PATCH", path, json={"private_hash": value}))[:2] == (422, 4)
    found = await shelf.refused("PATCH", path, json={"private_hash": other["private_hash"]})
    assert found == (422, 4, "private_hash: already in use.")
    await shelf.send("PATCH", path, json={"private_hash": made["private_hash"]})


async def test_several_at_once(shelf: Shelf) -> None:
    one, two = await shelf.upload(), await shelf.upload()
    path = f"/files/{one['id']},{two['id']}"
    answer = await shelf.send("PATCH", f"{path}?fields=id", json={"title": "Both"})
    assert [[row["title"] for row in rows] for rows in answer.json()["data"]] == [["Both"], ["Both"]]
    assert list(answer.json()["data"][0][0]) == KEYS
    batch = [{"id": one["id"], "title": "1"}, {"id": two["id"], "title": "2"}]
    answer = await shelf.send("PATCH", "/files", json=batch)
    assert [[row["title"] for row in rows] for rows in answer.json()["data"]] == [["1"], ["2"]]
    upload = (400, 15, "Batch upload is not allowed")
    assert await shelf.refused("PATCH", path, json={"data": text(PNG)}) == upload
    assert await shelf.refused("PATCH", path, files={"data": ("a.png", PNG)}) == upload
    assert await shelf.refused("PATCH", "/files", json=[{**batch[0], "data": text(PNG)}]) == upload
    assert (await shelf.refused("PATCH", "/files", json=[{"title": "x"}]))[:2] == (422, 12)
    found = await shelf.refused("PATCH", "/files", json=[*batch, {"id": 9999, "title": "x"}])
    assert found[:2] == (404, 203)
    assert [row["id"] for row in (await shelf.server.get(path))["data"]] == [one["id"], two["id"]]
    assert (await shelf.send("DELETE", path)).status_code == 204
    left = await shelf.stored()
    assert not {one["filename_disk"], two["filename_disk"]} & set(left)


async def test_deleting_takes_bytes_and_variants_along(shelf: Shelf) -> None:
    made, twin = await shelf.upload(), await shelf.upload()
    await shelf.send("GET", f"/assets/{made['private_hash']}?key=directus-small-crop", None)
    assert (await shelf.send("DELETE", f"/files/{made['id']}")).status_code == 204
    assert made["filename_disk"] not in await shelf.stored()
    assert [name for name in await shelf.variants() if made["filename_disk"] in name] == []
    assert (await shelf.refused("DELETE", f"/files/{made['id']}"))[:2] == (404, 203)
    # Bytes that another row has as well stay.
    columns = "storage, filename_disk, filename_download, uploaded_by, uploaded_on, filesize"
    await shelf.server.store.run_sync(
        lambda connection: connection.exec_driver_sql(
            f"INSERT INTO directus_files ({columns}) SELECT {columns} FROM directus_files WHERE id = {twin['id']}"
        )
    )
    assert (await shelf.send("DELETE", f"/files/{twin['id']}")).status_code == 204
    assert twin["filename_disk"] in await shelf.stored()


async def test_who_may_not(shelf: Shelf) -> None:
    made = await shelf.upload()
    path, body = f"/files/{made['id']}", {"data": text(PNG), "filename_disk": "a.png", "filename_download": "a.png"}
    upload = (403, 10, "You are not allowed to upload files")
    for token in (None, "nobody-token"):
        hidden = (401, 3) if token is None else (404, 203)
        assert await shelf.refused("POST", "/files", token=token, json=body) == upload
        assert await shelf.refused("POST", "/files", token=token, files={"data": ("a.png", PNG)}) == upload
        assert (await shelf.refused("PATCH", path, token=token, json={"title": "x"}))[:2] == hidden
        assert (await shelf.refused("PATCH", path, token=token, json=body))[:2] == hidden
        assert (await shelf.refused("DELETE", path, token=token))[:2] == hidden
        assert (await shelf.send("GET", path, token)).json()["error"]["code"] == hidden[1]
        assert (await shelf.send("GET", f"{path},2", token)).status_code == (401 if token is None else 403)
    permission = {
        "role": 5,
        "collection": "directus_files",
        "create": "none",
        "read": "full",
        "update": "none",
        "delete": "none",
    }
    answer = await shelf.send("POST", "/permissions", json=permission)
    key = answer.json()["data"]["id"]
    try:
        assert await shelf.refused("POST", "/files", token="nobody-token", json=body) == upload
        assert await shelf.refused("PATCH", path, token="nobody-token", json=body) == (
            403, 10, "You are not allowed to edit files",
        )  # fmt: skip
        assert await shelf.refused("DELETE", path, token="nobody-token") == (
            403,
            10,
            "You are not allowed to delete files",
        )
        await shelf.send(
            "PATCH",
            f"/permissions/{key}",
            json={"create": "full", "update": "mine", "delete": "mine", "explain": "always"},
        )
        assert await shelf.refused("POST", "/files", token="nobody-token", json=body) == (
            403, 10, "Activity comment required for collection: directus_files",
        )  # fmt: skip
        answer = await shelf.send("POST", "/files?comment=why", "nobody-token", json=body)
        own = answer.json()["data"]
        assert (answer.status_code, own["uploaded_by"]) == (200, 4)
        assert (await shelf.refused("PATCH", f"{path}?comment=why", token="nobody-token", json=body))[:2] == (403, 10)
        assert (await shelf.send("DELETE", f"/files/{own['id']}?comment=why", "nobody-token")).status_code == 204
        await shelf.send("PATCH", f"/permissions/{key}", json={"explain": "none", "read_field_blacklist": ["data"]})
        assert "data" not in (await shelf.send("GET", path, "nobody-token")).json()["data"]
    finally:
        await shelf.send("DELETE", f"/permissions/{key}")


async def test_too_large(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shelf.project.intake, "_most", 1000)
    message = "The file is too large. Allowed maximum size is 1000."
    large = b"x" * 1001
    assert await shelf.refused("POST", "/files", files={"data": ("a.txt", large)}) == (422, 4, message)
    body = {"data": text(large), "filename_disk": "a.txt", "filename_download": "a.txt"}
    assert await shelf.refused("POST", "/files", json=body) == (422, 4, message)
    assert (await shelf.upload("a.txt", large[:1000]))["filesize"] == 1000


async def test_longer_than_any_body_may_be(shelf: Shelf) -> None:
    most = 100 * 1024 * 1024
    for headers in ({"content-type": "application/json"}, {"content-type": "multipart/form-data; boundary=x"}):
        headers |= {"content-length": str(most * 2)}
        found = await shelf.refused("POST", "/files", content=b"--x", headers=headers)
        assert found == (413, 601, "The request is larger than the server allows.")
    headers = {"content-type": "multipart/form-data; boundary=x", "content-length": str(12 * 1024 * 1024)}
    found = await shelf.refused("POST", "/files", token=None, content=b"--x", headers=headers)
    assert found[:2] == (413, 601)


async def test_lists_and_counts(shelf: Shelf) -> None:
    listed = await shelf.server.get("/files?limit=2&meta=*&fields=id,data.*,uploaded_by.email&sort=id")
    assert listed["meta"]["result_count"] == 2
    assert list(listed["data"][0]) == ["id", "uploaded_by", "data"]
    assert listed["data"][0]["uploaded_by"] == {"email": "admin@example.com"}
    found = await shelf.server.get("/files?fields=id,type&filter[type][like]=image/jp&limit=-1")
    assert {row["type"] for row in found["data"]} <= {"image/jpeg"}
    answer = await shelf.send("GET", "/files/abc")
    assert answer.json()["error"] == {"code": 203, "message": 'Item with id "abc" not found'}


# GraphQL, direct URLs, folders


MAKE = "mutation($data: DirectusFilesInput) { create_directus_files_item(data: $data) { id filename_download width } }"


async def ask(shelf: Shelf, operations: Any, places: Any, files: Any, token: str | None = "admin-token") -> Any:
    data = {"operations": json.dumps(operations), "map": json.dumps(places)}
    return await shelf.send("POST", "/gql", token, data=data, files=files)


async def test_files_by_graphql(shelf: Shelf) -> None:
    operations = {"query": MAKE, "variables": {"data": {"title": "T", "data": None}}}
    answer = await ask(shelf, operations, {"0": ["variables.data.data"]}, {"0": ("red.png", PNG)})
    made = answer.json()["data"]["create_directus_files_item"]
    assert (made["filename_download"], made["width"]) == ("red.png", 40)
    row = (await shelf.server.get(f"/files/{made['id']}"))["data"]
    assert (await shelf.bytes_of(row), row["title"]) == (PNG, "T")

    free = "mutation($p: JSON) { create_directus_files_items(payload: $p) { id filename_download } }"
    operations = {"query": free, "variables": {"p": [{"data": None}, {"data": None}]}}
    places = {"a": ["variables.p.0.data"], "b": ["variables.p.1.data"]}
    answer = await ask(shelf, operations, places, {"a": ("a.txt", b"a"), "b": ("b.txt", b"b")})
    found = answer.json()["data"]["create_directus_files_items"]
    assert [one["filename_download"] for one in found] == ["a.txt", "b.txt"]

    change = (
        f"mutation($d: DirectusFilesInput) {{ update_directus_files_item(id: {made['id']}, data: $d) {{ width }} }}"
    )
    operations = [{"query": change, "variables": {"d": {"data": None}}}, {"query": "{ __typename }"}]
    answer = await ask(shelf, operations, {"0": ["0.variables.d.data"]}, {"0": ("x", OTHER)})
    assert answer.json() == [{"data": {"update_directus_files_item": {"width": 16}}}, {"data": {"__typename": "Query"}}]
    assert await shelf.bytes_of(row) == OTHER

    literal = f'mutation {{ create_directus_files_item(data: {{filename_disk: "a.png", filename_download: "a.png", data: "{text(PNG)}"}}) {{ width }} }}'  # noqa: E501
    answer = await shelf.server.graphql(literal)
    assert answer["data"]["create_directus_files_item"] == {"width": 40}


@pytest.mark.parametrize(
    ("operations", "places", "message"),
    [
        ("no", {}, "`operations` must be an operation or a list of them, and `map` an object."),
        ({"query": "{a}"}, {"9": ["variables.x"]}, "There is no file '9' in the request."),
        ({"query": "{a}"}, {"0": ["variables.x"]}, "`map` names a place that is not there."),
        ({"query": "{a}", "variables": {"x": 1}}, {"0": ["variables.x"]}, "A file takes the place of a null."),
        ({"query": "{a}", "variables": {"x": None}}, {"0": ["query"]}, "A file stands in the variables."),
        ({"query": "{a}", "variables": {"x": []}}, {"0": ["variables.x.-1"]}, "`map` names a place that is not there."),
        ({"query": "{a}"}, {"0": 5}, "`map` must name the places of each file as a list of paths."),
    ],
)
async def test_requests_with_files_that_make_no_sense(shelf: Shelf, operations: Any, places: Any, message: str) -> None:
    answer = await ask(shelf, operations, places, {"0": ("a", b"a")})
    assert answer.status_code == 400
    assert [error["message"] for error in answer.json()["errors"]] == [message]


async def test_graphql_refuses_as_rest_does(shelf: Shelf) -> None:
    before = await shelf.state()
    operations = {"query": MAKE, "variables": {"data": {"data": None}}}
    for token in (None, "nobody-token"):
        answer = await ask(shelf, operations, {"0": ["variables.data.data"]}, {"0": ("red.png", PNG)}, token)
        [error] = answer.json()["errors"]
        assert (error["extensions"]["code"], error["message"]) == (10, "You are not allowed to upload files")
    answer = await shelf.server.graphql(MAKE, data={"title": "x"})
    assert answer["errors"][0]["extensions"]["code"] == 4
    assert await shelf.state() == before


async def test_files_by_their_names(shelf: Shelf) -> None:
    made = await shelf.upload()
    url = made["data"]["full_url"]
    answer = await shelf.plain(url)
    assert (answer.status_code, answer.content) == (200, PNG)
    assert answer.headers["content-type"] == "image/png"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"] == "no-cache"
    again = await shelf.plain(url, if_none_match=answer.headers["etag"])
    assert again.status_code == 304
    part = await shelf.plain(url, range="bytes=1-3")
    assert (part.status_code, part.content) == (206, PNG[1:4])
    await shelf.send("GET", f"/assets/{made['private_hash']}?key=directus-small-crop", None)
    [variant] = [name for name in await shelf.variants() if name.endswith(made["filename_disk"])]
    assert (await shelf.plain(f"/uploads/main/generated/{variant}")).status_code == 200
    base = "/uploads/main/originals/"
    for path in (base + "gone.png", base + "..%2f..%2f..%2fconfig%2fmain.json", base + "%2e%2e", base + ".x", base,
                 f"/downloads/main/{made['filename_disk']}", "/uploads/main/generated/..%2foriginals/x"):  # fmt: skip
        answer = await shelf.plain(path)
        assert (answer.status_code, answer.json()["error"]["code"]) == (404, 1), path
    svg = await shelf.upload("a.svg", b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>")
    answer = await shelf.plain(svg["data"]["full_url"])
    assert "sandbox" in answer.headers["content-security-policy"]


async def test_the_tree_of_folders(shelf: Shelf) -> None:
    async def make(name: str, parent: Any = None) -> int:
        answer = await shelf.send("POST", "/folders", json={"name": name, "parent_folder": parent})
        assert answer.status_code == 200, answer.text
        return int(answer.json()["data"]["id"])

    a = await make("a")
    b = await make("b", a)
    c = await make("c", b)
    made = await shelf.upload(folder=str(b))
    assert made["folder"] == b
    assert (await shelf.server.get(f"/folders/{b}"))["data"] == {"id": b, "name": "b", "parent_folder": a}
    wrong = (422, 4, f"parent_folder: {INVALID}")
    for parent in (c, a, 9999):
        assert await shelf.refused("PATCH", f"/folders/{a}", json={"parent_folder": parent}) == wrong
    assert await shelf.refused("POST", "/folders", json={"name": "x", "parent_folder": 9999}) == wrong
    assert await shelf.refused("POST", "/folders", json={"parent_folder": a}) == (422, 4, f"name: {BLANK}")
    assert await shelf.refused("PATCH", f"/folders/{a}", json={"name": ""}) == (422, 4, f"name: {BLANK}")
    assert (await shelf.refused("POST", "/folders", json={"name": "b", "parent_folder": a}))[:2] == (409, 204)
    assert (await shelf.send("GET", "/folders/1,2")).json()["error"]["code"] == 1
    assert (await shelf.send("GET", "/folders/x")).json()["error"]["code"] == 1
    assert (await shelf.refused("DELETE", "/folders/9999"))[:2] == (404, 203)
    assert (await shelf.send("DELETE", f"/folders/{b}")).status_code == 204
    assert (await shelf.server.get(f"/folders/{c}"))["data"]["parent_folder"] == a
    assert (await shelf.server.get(f"/files/{made['id']}"))["data"]["folder"] == a
    gone = await shelf.server.graphql(f"mutation {{ delete_directus_folders_items(ids: [{a}, {c}]) }}")
    assert gone["data"]["delete_directus_folders_items"] == [str(a), str(c)]
    assert (await shelf.server.get(f"/files/{made['id']}"))["data"]["folder"] is None
    for token, read, write in ((None, 401, 401), ("nobody-token", 403, 403)):
        assert (await shelf.send("GET", "/folders", token)).status_code == read
        assert (await shelf.refused("DELETE", "/folders/1", token=token))[0] == write


# Others may bring bytes along


async def test_files_below_other_items(shelf: Shelf) -> None:
    made = await shelf.upload()
    answer = await shelf.send("PATCH", "/users/2", json={"avatar": {"id": made["id"], "$delete": True}})
    assert (answer.status_code, answer.json()["data"]["avatar"]) == (200, None)
    assert made["filename_disk"] not in await shelf.stored()
    assert (await shelf.send("GET", f"/files/{made['id']}")).status_code == 404
    kept = await shelf.upload()
    answer = await shelf.send("PATCH", "/users/2", json={"avatar": {**kept, "title": "no"}})
    assert answer.json()["data"]["avatar"] == kept["id"]
    assert (await shelf.server.get(f"/files/{kept['id']}"))["data"]["title"] == "Red"
    await shelf.send("PATCH", "/users/2", json={"avatar": None})
    shown = await shelf.refused(
        "PATCH", "/users/2", json={"avatar": {"id": kept["id"], "$delete": True}, "email": "no"}
    )
    assert shown[:2] == (422, 4)


async def test_imports_bring_no_files(shelf: Shelf) -> None:
    query = 'mutation($i: JSON) { import_items(collection: "directus_files", data: $i) { created } }'
    before = await shelf.state()
    item = {"data": text(PNG), "filename_disk": "a.png", "filename_download": "a.png"}
    answer = await shelf.server.graphql(query, i=[item])
    assert answer["errors"] != []
    assert await shelf.state() == before
