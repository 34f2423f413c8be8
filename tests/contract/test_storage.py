"""What every storage does alike: on a folder, in memory, on a server that speaks S3."""

from __future__ import annotations

import asyncio
import io
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from core.errors import StorageFailed
from core.files.places import azure_config, check
from core.files.storage import BadName, NameTaken, NotStored, Storage, fits
from core.settings import ConfigurationError, ProjectConfig
from tests.storage import bucket, s3_server

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with s3_server() as url:
        yield url


def configured(**storage: Any) -> ProjectConfig:
    return ProjectConfig.of("x", {"auth": {"secret_key": "a long secret of this test"}, "storage": storage})


@pytest.fixture(params=["local", "memory", "s3"])
async def storage(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Storage]:
    given: dict[str, Any] = {"adapter": request.param}
    if request.param == "s3":
        given = bucket(request.getfixturevalue("server"))
    found = Storage(configured(root="up/originals", thumb_root="up/generated", **given), tmp_path)
    yield found
    await found.close()


def files_below(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


async def names(storage: Storage, folder: str = "") -> list[str]:
    return sorted([stat.name async for stat in storage.generated.list(folder)])


async def test_what_was_put_is_there_whole_and_in_parts(storage: Storage) -> None:
    stored = await storage.originals.put("a b.txt", b"0123456789", "text/plain")
    assert (stored.name, stored.size) == ("a b.txt", 10)
    assert datetime.now(UTC) - stored.modified < timedelta(minutes=1)
    assert stored.etag
    assert await storage.originals.head("a b.txt") == stored
    assert await storage.originals.read("a b.txt") == b"0123456789"
    assert await storage.originals.read("a b.txt", 4) == b"0123"
    assert await storage.originals.read("a b.txt", 40) == b"0123456789"
    for start, end, expected in [(0, 10, b"0123456789"), (3, 5, b"34"), (9, None, b"9"), (10, None, b""), (4, 4, b"")]:
        async with storage.originals.open("a b.txt", start, end) as found:
            assert found.stat == stored
            assert b"".join([chunk async for chunk in found.chunks]) == expected
    for start, end in [(0, 11), (11, None), (-1, 3), (5, 4)]:
        with pytest.raises(ValueError):
            async with storage.originals.open("a b.txt", start, end):
                pass


async def test_files_larger_than_a_part_are_read_in_pieces(storage: Storage) -> None:
    block = os.urandom(1024 * 1024)
    source = io.BytesIO(block * 17)
    source.seek(100)
    stored = await storage.originals.put("large.bin", source)
    assert stored.size == 17 * len(block)
    async with storage.originals.open("large.bin", len(block)) as found:
        seen = 0
        async for chunk in found.chunks:
            place = seen % len(block)
            assert chunk[:64] == (block[place:] + block)[: min(64, len(chunk))]
            assert len(chunk) < 8 * len(block) or storage.adapter == "memory"
            seen += len(chunk)
    assert seen == 16 * len(block)


async def test_putting_again_replaces(storage: Storage) -> None:
    before = await storage.originals.put("a.txt", b"one")
    after = await storage.originals.put("a.txt", b"three")
    assert after.size == 5
    assert after.etag != before.etag
    assert await storage.originals.read("a.txt") == b"three"


async def test_an_empty_object_is_an_object(storage: Storage) -> None:
    assert (await storage.originals.put("none", io.BytesIO())).size == 0
    assert await storage.originals.read("none") == b""


async def test_one_of_many_gets_a_name(storage: Storage) -> None:
    got = await asyncio.gather(*(storage.originals.reserve("a.txt") for _ in range(8)))
    assert sorted(got) == [False] * 7 + [True]
    with pytest.raises(NameTaken):
        await storage.originals.put("a.txt", b"x", fresh=True)
    assert (await storage.originals.head("a.txt")).size == 0


async def test_renaming_and_copying(storage: Storage) -> None:
    await storage.originals.put("a.txt", b"a")
    await storage.originals.put("b.txt", b"b")
    with pytest.raises(NameTaken):
        await storage.originals.rename("a.txt", "b.txt")
    with pytest.raises(NotStored):
        await storage.originals.rename("gone.txt", "c.txt")
    assert not await storage.originals.exists("c.txt")
    await storage.originals.rename("a.txt", "c.txt")
    assert not await storage.originals.exists("a.txt")
    await storage.originals.copy("b.txt", "c.txt")
    assert await storage.originals.read("c.txt") == b"b"
    with pytest.raises(NotStored):
        await storage.originals.copy("gone.txt", "c.txt")


async def test_deleting_and_what_is_not_there(storage: Storage) -> None:
    await storage.originals.put("a.txt", b"a")
    await storage.originals.delete("gone.txt", "a.txt")
    for look in (storage.originals.head, storage.originals.read):
        with pytest.raises(NotStored):
            await look("a.txt")
    with pytest.raises(NotStored):
        async with storage.originals.open("a.txt"):
            pass
    assert await storage.originals.exists("a.txt") is False


async def test_lists_know_folders_and_the_areas_apart(storage: Storage) -> None:
    assert await names(storage) == []
    await storage.originals.put("a.txt", b"a")
    await storage.generated.put("w1,h1,fcrop,q80/a.txt", b"1")
    await storage.generated.put("w2,h2,fcrop,q80/a.txt", b"22")
    assert await names(storage) == ["w1,h1,fcrop,q80/a.txt", "w2,h2,fcrop,q80/a.txt"]
    assert await names(storage, "w2,h2,fcrop,q80") == ["w2,h2,fcrop,q80/a.txt"]
    assert await names(storage, "w3,h3,fcrop,q80") == []
    assert [(stat.name, stat.size) async for stat in storage.originals.list()] == [("a.txt", 1)]


BAD = [
    "", ".", "..", "../a", "a/b", "/a", "a/", "a\\b", "..\\a", ".hidden", "a\0", "a\nb", "a\x7f", "a#1", "x" * 256,
    "ü" * 128, "\ud800",
]  # fmt: skip


@pytest.mark.parametrize("name", BAD)
async def test_names_that_no_store_is_asked_for(storage: Storage, name: str, tmp_path: Path) -> None:
    area = storage.originals
    for call in (area.head(name), area.read(name), area.put(name, b"x"), area.delete(name), area.copy("a", name)):
        with pytest.raises(BadName):
            await call
    with pytest.raises(BadName):
        await area.rename(name, "a")
    with pytest.raises(BadName):
        async with area.open(name):
            pass
    assert files_below(tmp_path) == []


def test_what_fits() -> None:
    assert all(fits(name) for name in ["a", "ü" * 127, "a b", "a..b", "a#", "#1x", "%2e%2e", "a:b", "a*?"])
    assert fits("w1/a", 2)
    assert not any((fits("a", 2), fits("a/../b", 3), fits("../a", 2)))


async def test_links_do_not_lead_out_of_the_folder(tmp_path: Path) -> None:
    storage = Storage(configured(root="up"), tmp_path)
    await storage.originals.put("real", b"mine")
    (tmp_path / "secret").write_text("secret")
    (tmp_path / "up" / "out").symlink_to(tmp_path / "secret")
    (tmp_path / "up" / "in").symlink_to(tmp_path / "up" / "real")
    (tmp_path / "up" / "folder").mkdir()
    assert await storage.originals.read("in") == b"mine"
    for name in ("out", "folder"):
        with pytest.raises(NotStored):
            await storage.originals.read(name)
    await storage.close()


async def test_a_failed_read_of_the_source_leaves_nothing(storage: Storage, tmp_path: Path) -> None:
    class Torn(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            raise OSError("torn")

    with pytest.raises(StorageFailed):
        await storage.originals.put("a.txt", Torn(b"x" * 100))
    assert not await storage.originals.exists("a.txt")
    assert files_below(tmp_path) == []


async def test_a_store_that_cannot_be_reached_is_no_missing_object(tmp_path: Path) -> None:
    given = {"adapter": "s3", "bucket": "b", "endpoint": "http://127.0.0.1:9", "key": "k", "secret": "s"}
    storage = Storage(configured(**given), tmp_path)
    with pytest.raises(StorageFailed) as caught:
        await storage.originals.exists("a.txt")
    assert caught.value.message == "The storage of files cannot be used now."
    await storage.close()


async def test_types_and_cache_rules_are_kept_where_a_store_keeps_them(server: str, tmp_path: Path) -> None:
    given = configured(root="/o/", options={"CacheControl": "max-age=5"}, **bucket(server))
    storage = Storage(given, tmp_path)
    await storage.originals.put("a.png", b"x", "image/png")
    await storage.originals.put("b.png", io.BytesIO(b"x" * 20_000_000), "image/png")
    store = (await storage.place(0)).store
    for name in ("a.png", "b.png"):
        attributes = dict(store.get(name).attributes)
        assert attributes == {"Content-Type": "image/png", "Cache-Control": "max-age=5"}
    await storage.close()


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"adapter": "aliyun-oss"}, "storage.adapter must be one of azure, gcs, local, memory, s3, not aliyun-oss"),
        ({"adapter": "s3"}, "storage.bucket is missing: the adapter s3 needs it"),
        ({"adapter": "gcs"}, "storage.bucket is missing: the adapter gcs needs it"),
        ({"adapter": "azure"}, "storage.azure_connection_string is missing: the adapter azure needs it"),
    ],
)
def test_configurations_that_lead_nowhere_are_refused(given: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        check(configured(**given))
    assert str(caught.value) == message


def test_connection_strings_of_azure() -> None:
    text = "DefaultEndpointsProtocol=https;AccountName=me;AccountKey=a2V5==;EndpointSuffix=core.windows.net"
    assert azure_config(text) == {
        "account_name": "me",
        "account_key": "a2V5==",
        "endpoint": "https://me.blob.core.windows.net",
    }
    with pytest.raises(ConfigurationError):
        azure_config("BlobEndpoint=https://x")


def test_other_clouds_open_without_asking_anybody(tmp_path: Path) -> None:
    from core.files.places import open_places

    azure = configured(adapter="azure", azure_connection_string="AccountName=me;AccountKey=a2V5", azure_container="c")
    originals, generated = open_places(azure, tmp_path)
    assert (originals.store.prefix, generated.store.prefix) == (None, "public/uploads/_/generated")
    gcs = configured(adapter="gcs", bucket="b", root="o")
    assert open_places(gcs, tmp_path)[0].store.prefix == "o"


def test_a_process_may_end_just_behind_a_call(tmp_path: Path) -> None:
    code = """
import asyncio, sys
from pathlib import Path
from core.files.storage import Storage
from core.settings import ProjectConfig
async def main():
    config = ProjectConfig.of("x", {"auth": {"secret_key": "a long secret of this test"}})
    storage = Storage(config, Path(sys.argv[1]))
    await storage.originals.put("a", b"x")
    async with storage.originals.open("a") as found:
        async for _ in found.chunks: pass
asyncio.run(main())
"""
    for _ in range(3):
        subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=True)


async def test_folders_are_named(storage: Storage) -> None:
    for name in ("w2,h1/b.jpg", "w1,h1/a.jpg", "w1,h1/c.jpg"):
        await storage.generated.put(name, b"x")
    assert await storage.generated.folders() == ("w1,h1", "w2,h1")
    await storage.originals.put("a.jpg", b"x")
    assert await storage.originals.folders() == ()
