"""Variants: made once however many ask, stored where they belong, never of an original that is gone meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

from core.errors import ItemNotFound, StorageFailed, TooManyRequests, Unprocessable
from core.files import images as images_room
from core.files import variants as room
from core.files.images import Images
from core.files.sizes import Size, Variant
from core.files.storage import Storage
from core.files.variants import Variants
from core.settings import ProjectConfig
from tests.pictures import BLUE, GREEN, RED, decoded, encoded, halves

SMALL = Variant(Size(20, 10, "crop", 80), "png")
LARGEST = 1_000_000


class Bench:
    """The variants of a project, and how often pictures were made."""

    def __init__(self, folder: Path, adapter: str) -> None:
        given = {"auth": {"secret_key": "a long secret of this test"}, "storage": {"adapter": adapter}}
        config = ProjectConfig.of("main", given)
        self.storage = Storage(config, folder)
        self.variants = Variants(self.storage, LARGEST)
        self.images = self.variants.images = Images(1)
        self.made = 0
        self.meanwhile: Callable[[], Coroutine[Any, Any, Any]] | None = None
        make = self.images.make

        async def counted(*given: Any) -> tuple[int, int]:
            self.made += 1
            found = await make(*given)
            if self.meanwhile is not None:
                await self.meanwhile()
            return found

        self.images.make = counted  # type: ignore[method-assign]

    async def picture(self, name: str = "a.png", variant: Variant = SMALL) -> Any:
        area, stat = await self.variants.ready(name, variant)
        async with area.open(stat.name, 0, stat.size) as found:
            return decoded(b"".join([chunk async for chunk in found.chunks]))

    async def stored(self) -> list[str]:
        return sorted([stat.name async for stat in self.storage.generated.list()])


@pytest.fixture(params=("local", "memory"))
async def bench(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[Bench]:
    found = Bench(tmp_path, request.param)
    await found.storage.originals.put("a.png", encoded(halves(40, 30), "PNG"))
    yield found
    await found.variants.close()
    await found.storage.close()
    await found.images.close()


async def test_it_is_made_once_however_many_ask(bench: Bench) -> None:
    found = await asyncio.gather(*(bench.variants.ready("a.png", SMALL) for _ in range(50)))
    assert bench.made == 1
    assert {stat for _, stat in found} == {found[0][1]}
    assert await bench.stored() == ["w20,h10,fcrop,q80/a.png"]
    assert (await bench.picture()).size == (20, 10)
    assert bench.made == 1


async def test_one_who_gives_up_does_not_stop_it_for_the_others(bench: Bench) -> None:
    first, second = (asyncio.ensure_future(bench.variants.ready("a.png", SMALL)) for _ in range(2))
    await asyncio.sleep(0.01)
    first.cancel()
    assert (await second)[1].name == "w20,h10,fcrop,q80/a.png"
    assert bench.made == 1


async def test_variants_of_directus_8_are_taken_as_they_are(bench: Bench) -> None:
    await bench.storage.generated.put("w20,h10,fcrop,q80/a.png", encoded(halves(20, 10, GREEN, GREEN), "PNG"))
    assert (await bench.picture()).getpixel((1, 1)) == GREEN
    assert bench.made == 0


async def test_what_was_replaced_meanwhile_is_not_stored(bench: Bench) -> None:
    async def replaced() -> None:
        await bench.storage.originals.put("a.png", encoded(halves(40, 30, BLUE, RED), "PNG"))
        await bench.variants.forget("a.png")

    bench.meanwhile = replaced
    with pytest.raises(ItemNotFound):
        await bench.picture()
    assert await bench.stored() == []
    await bench.storage.originals.put("a.png", encoded(halves(40, 30), "PNG"))
    bench.made = 0

    async def once() -> None:
        bench.meanwhile = None
        await replaced()

    bench.meanwhile = once
    assert (await bench.picture()).getpixel((1, 1)) == BLUE
    assert bench.made == 2


async def test_what_was_deleted_meanwhile_is_not_stored(bench: Bench) -> None:
    bench.meanwhile = lambda: bench.storage.originals.delete("a.png")
    with pytest.raises(ItemNotFound):
        await bench.picture()
    assert await bench.stored() == []


async def test_sizes_that_no_whitelist_names_do_not_fill_the_storage(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(room, "MOST_FOLDERS", 2)
    await bench.storage.generated.put("w9,h9,fcrop,q80/other.png", b"x")
    free = [Variant(Size(width, 10, "crop", 80), "png", listed=False) for width in (1, 2, 3)]
    for width, variant in enumerate(free, 1):
        assert (await bench.picture(variant=variant)).size == (width, 10)
    assert (await bench.picture(variant=free[2])).size == (3, 10)
    assert bench.made == 4
    assert (await bench.picture()).size == (20, 10)
    assert await bench.stored() == [
        "w1,h10,fcrop,q80/a.png", "w20,h10,fcrop,q80/a.png", "w9,h9,fcrop,q80/other.png",
    ]  # fmt: skip


async def test_a_part_of_what_is_not_stored(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "MOST_FOLDERS", 0)
    area, stat = await bench.variants.ready("a.png", Variant(Size(5, 5, "crop", 80), "png", listed=False))
    async with area.open(stat.name, 1, 4) as found:
        assert [chunk async for chunk in found.chunks] == [b"PNG"]
        assert found.stat.size == stat.size


async def test_what_is_forgotten_is_what_was_made_of_it(bench: Bench) -> None:
    await bench.storage.originals.put("a.png.jpg", encoded(halves(40, 30), "JPEG"))
    long = "ä" * 124 + ".png"
    await bench.storage.originals.put(long, encoded(halves(40, 30), "PNG"))
    converted = Variant(SMALL.size, "jpg", converted=True)
    for name in ("a.png", "a.png.jpg", long):
        await bench.picture(name, Variant(SMALL.size, name.rpartition(".")[2]))
    for name in ("a.png", long):
        assert (await bench.picture(name, converted)).format == "JPEG"
    assert len(await bench.stored()) == 5
    await bench.variants.forget("a.png")
    assert len(await bench.stored()) == 3
    await bench.variants.forget(long, "never", "../a", "")
    assert await bench.stored() == ["w20,h10,fcrop,q80/a.png.jpg"]


async def test_what_fails_is_told_to_all_who_wait(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    await bench.storage.originals.put("b.png", b"no picture")
    await bench.storage.originals.put("c.png", bytes(LARGEST + 1))
    for name, error in (("b.png", Unprocessable), ("c.png", Unprocessable), ("d.png", ItemNotFound)):
        found = await asyncio.gather(*(bench.picture(name) for _ in range(3)), return_exceptions=True)
        assert [type(one) for one in found] == [error] * 3
    assert bench.made == 1
    monkeypatch.setattr(images_room, "MOST_WAITING", 0)
    with pytest.raises(TooManyRequests):
        await bench.picture()
    assert await bench.stored() == []


async def test_closing_ends_what_is_being_made(bench: Bench) -> None:
    async with bench.images.turn():
        asked = asyncio.ensure_future(bench.picture())
        await asyncio.sleep(0.05)
        await bench.variants.close()
        with pytest.raises(StorageFailed):
            await asked


async def test_two_processes_make_the_same(bench: Bench) -> None:
    other = Variants(bench.storage, LARGEST)
    other.images = bench.images
    first, second = await asyncio.gather(bench.variants.ready("a.png", SMALL), other.ready("a.png", SMALL))
    assert bench.made == 2
    assert first[1].size == second[1].size
    assert (await bench.picture()).size == (20, 10)
    assert await bench.stored() == ["w20,h10,fcrop,q80/a.png"]
    folder = await bench.storage.generated.folder()
    if folder is not None:  # nothing half written is left beside it
        assert [path.name for path in (folder / SMALL.size.folder).iterdir()] == ["a.png"]
