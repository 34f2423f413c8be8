"""Bodies of parts as attackers write them: broken, endless, thousandfold. None is a failure of the server, none leaves
anything behind.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.api.newsroom import Newsroom, newsroom


@pytest.fixture(scope="module")
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Newsroom]:
    folder: Path = tmp_path_factory.mktemp("uploads")
    async with newsroom(f"sqlite:///{folder}/main.db", folder / "data") as found:
        await found.projects.get("main").store()
        yield found


NAME = b'Content-Disposition: form-data; name="data"; filename="a.txt"'
PIECES = st.sampled_from([
    b"--b", b"--b--", b"--", b"b", b"\r\n", b"\n", b"\r", b"\r\n\r\n", NAME, b"hello", b"\x00", b"\xff\xfe", b":", b";",
    b'Content-Disposition: form-data; name="title"', b'Content-Disposition: form-data; name="tags[]"',
    b"Content-Disposition: form-data", b'Content-Disposition: attachment; filename="x"', b"Content-Disposition:",
    b'Content-Disposition: form-data; name="a[b][c][]"', b"Content-Type: text/plain; charset=nope",
    b"Content-Disposition: form-data; name*=utf-8''%ff; filename*=utf-8''..%2f..%2fetc%2fpasswd",
    b"Content-Transfer-Encoding: base64", b'filename="', b"X-A: " + b"y" * 5000, b"x" * 70_000,
])  # fmt: skip
KINDS = st.sampled_from([
    "multipart/form-data; boundary=b", 'multipart/form-data; boundary="b"', "multipart/form-data",
    "multipart/form-data; boundary=", "multipart/form-data; boundary=" + "b" * 300, "multipart/form-data; boundary=ü",
    "multipart/form-data; charset=nope; boundary=b", 'multipart/form-data; boundary="',
    "multipart/form-data; boundary=b\tc",
])  # fmt: skip


async def send(server: Newsroom, body: bytes, kind: str, path: str = "/files", method: str = "POST") -> Any:
    return await server.ask(method, path, content=body, headers={"content-type": kind.encode("latin-1")})


async def stored(server: Newsroom) -> set[str]:
    return {stat.name async for stat in server.projects.get("main").storage.originals.list()}


async def rows(server: Newsroom) -> set[str]:
    return {row["filename_disk"] for row in (await server.get("/files?limit=-1&fields=filename_disk"))["data"]}


@settings(max_examples=120, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(pieces=st.lists(PIECES, max_size=25), kind=KINDS, place=st.sampled_from(["/files", "/gql", "/files/1"]))
async def test_any_body_is_an_answer(server: Newsroom, pieces: list[bytes], kind: str, place: str) -> None:
    method = "PATCH" if place.endswith("1") else "POST"
    answer = await send(server, b"".join(pieces), kind, place, method)
    assert answer.status_code in (200, 400, 404, 413, 422), answer.text
    assert "Traceback" not in answer.text
    assert await stored(server) == await rows(server)


def parts(*heads: bytes, content: bytes = b"hello") -> bytes:
    return b"".join(b"--b\r\n" + head + b"\r\n\r\n" + content + b"\r\n" for head in heads) + b"--b--\r\n"


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (parts(*[b'Content-Disposition: form-data; name="t"'] * 5000), (400, 2)),
        (parts(*[NAME] * 3000), (400, 15)),
        (parts(NAME + b"\r\n" + b"\r\n".join(b"X-%d: y" % number for number in range(1000))), (400, 13)),
        (parts(NAME + b"\r\nX-A: " + b"y" * 1_000_000), (400, 13)),
        (parts(b'Content-Disposition: form-data; filename="a.txt"'), (400, 13)),
        (parts(b'Content-Disposition: form-data; name="data"; filename=""'), None),
        (parts(b'Content-Disposition: form-data; name="a' + b"[a]" * 100 + b'"', NAME), (400, 2)),
        (b"", (400, 13)),
        (b"--b--", (422, 4)),
    ],
)
async def test_bodies_that_are_too_much(server: Newsroom, body: bytes, expected: tuple[int, int] | None) -> None:
    before = await stored(server)
    answer = await send(server, body, "multipart/form-data; boundary=b")
    if expected is None:
        assert answer.status_code == 200
        return
    assert (answer.status_code, answer.json()["error"]["code"]) == expected
    assert await stored(server) == before


@pytest.mark.parametrize(
    "name",
    ["../../../etc/passwd", "..\\..\\x", "/etc/passwd", "%2e%2e%2fx", "a\\0b", ". .", "x" * 900 + ".txt", "~"],
)
@pytest.mark.parametrize("naming", ["uuid", "file_name"])
async def test_names_that_climb_stay_in_the_folder(server: Newsroom, name: str, naming: str) -> None:
    await server.rows_away("directus_settings", "key = 'file_naming'")
    await server.ask("POST", "/settings", json={"key": "file_naming", "value": naming})
    folder = await server.projects.get("main").storage.originals.folder()
    assert folder is not None
    around = sorted(path.name for path in folder.parent.iterdir())
    answer = await server.ask("POST", "/files", files={"data": (name, b"x")}, data={"filename_download": "x"})
    assert answer.status_code == 200, answer.text
    made = answer.json()["data"]["filename_disk"]
    assert (folder / made).read_bytes() == b"x"
    assert (folder / made).resolve().parent == folder.resolve()
    assert sorted(path.name for path in folder.parent.iterdir()) == around
