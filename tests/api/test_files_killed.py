"""Kill −9 while files come in: a row always has its bytes, and bytes without a row are found and removed."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import httpx2
import pytest

from core.doctor import examine, repair
from core.files.names import former, read_former
from tests.projects import ADMIN_TOKEN, body, projects
from tests.servers import served

HEADERS = {"Authorization": f"Bearer {ADMIN_TOKEN}"}
SIZE = 3_000_000


async def upload(client: httpx2.AsyncClient, sent: list[int]) -> None:
    while True:
        sent[0] += 1
        content = os.urandom(64) * (SIZE // 64)
        answer = await client.post("/main/files", files={"data": ("a.bin", content)})
        assert answer.status_code == 200, answer.text
        key = answer.json()["data"]["id"]
        answer = await client.patch(f"/main/files/{key}", files={"data": ("b.bin", content[:-1])})
        assert answer.status_code == 200, answer.text
        sent[1] += 1


@pytest.mark.slow
async def test_a_killed_server_leaves_no_row_without_bytes(tmp_path: Path) -> None:
    data = tmp_path / "data"
    async with projects(data) as found:
        await found.create(body(f"sqlite:///{tmp_path}/main.db"), trusted=True)
    sent = [0, 0]
    for pause in (0.05, 0.15):
        done = sent[1]
        with served(data) as server:
            async with httpx2.AsyncClient(base_url=server.address, headers=HEADERS, timeout=60) as client:
                await client.get("/main/files")
                work = [asyncio.ensure_future(upload(client, sent)) for _ in range(3)]
                while sent[1] < done + 3:
                    await asyncio.wait(work, timeout=0.02, return_when=asyncio.FIRST_EXCEPTION)
                    assert not any(task.done() for task in work), [task for task in work if task.done()]
                await asyncio.sleep(pause)
                server.kill()
                ended = await asyncio.gather(*work, return_exceptions=True)
                assert all(isinstance(one, httpx2.TransportError) for one in ended), ended
    async with projects(data) as found:
        project = found.get("main")
        store = await project.store()
        originals = await project.storage.originals.folder()
        assert originals is not None
        stored = {path.name for path in originals.iterdir()}
        rows = await store.run_sync(
            lambda connection: [
                tuple(row)
                for row in connection.exec_driver_sql("SELECT filename_disk, filesize, checksum FROM directus_files")
            ]
        )
        named = {row[0] for row in rows}
        assert named <= stored
        seen = {one.name: one for one in await examine(store, project.config, data)}
        orphans = stored - named
        assert (seen["files.without_row"].count if orphans else 0) == len(orphans)
        assert "files.missing_on_disk" not in seen
        for name in orphans:
            os.utime(originals / name, (0, 0))
            if of := read_former(name):  # which tells its own time
                (originals / name).rename(originals / former(of[0], 1, name[-32:]))
        await repair(store, await examine(store, project.config, data))
        assert {path.name for path in originals.iterdir()} == named
        assert not [one.name for one in await examine(store, project.config, data) if one.name.startswith("files.")]
        for name, size, checksum in rows:
            assert await project.storage.originals.head(name) is not None
            content = await project.storage.originals.read(name)
            assert (len(content), md5(content)) == (size, checksum)


def md5(content: bytes) -> str:
    import hashlib

    return hashlib.md5(content).hexdigest()
