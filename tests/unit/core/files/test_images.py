"""The processes that make pictures: how many, how they end, and what happens when one is killed or never answers."""

from __future__ import annotations

import asyncio
import os
import signal
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from core.errors import TooManyRequests
from core.files import images as room
from core.files.images import Images, NoPicture, usual_workers
from tests.pictures import decoded, encoded, halves, png_bomb, png_header

ORDER = {"width": 20, "height": 10, "fit": "crop", "quality": 80, "form": "PNG"}
PICTURE = encoded(halves(40, 30), "PNG")


@pytest.fixture
async def images() -> AsyncIterator[Images]:
    found = Images(2)
    yield found
    await found.close()


async def made(images: Images, content: bytes = PICTURE, **order: Any) -> bytes:
    with tempfile.TemporaryFile() as source, tempfile.TemporaryFile() as target:
        source.write(content)
        source.flush()
        async with images.turn():
            size = await images.make(source, target, {**ORDER, **order})
        target.seek(0)
        found = target.read()
    assert decoded(found).size == size
    return found


def processes(images: Images) -> list[int]:
    return [worker._process.pid for worker in images._idle]


def told(number: int, name: str) -> bytes:
    """What the system says of a process; nothing when there is none."""
    place = Path(f"/proc/{number}/{name}")
    return place.read_bytes() if place.exists() else b""


def opened(number: int) -> set[str]:
    return {os.readlink(one) for one in Path(f"/proc/{number}/fd").iterdir()}


async def test_a_process_makes_one_picture_after_another(images: Images) -> None:
    await made(images)
    [first] = processes(images)
    assert decoded(await made(images, width=7, form="JPEG")).size == (7, 10)
    assert processes(images) == [first]
    await images.close()
    assert processes(images) == []
    assert told(first, "limits") == b""


async def test_it_knows_no_secrets_and_gives_way(images: Images, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TABULARIUM_SUPER_ADMIN_TOKEN", "very secret")
    await made(images)
    [number] = processes(images)
    assert b"very secret" not in told(number, "environ")
    assert os.getpriority(os.PRIO_PROCESS, number) == 5
    assert {name for name in opened(number) if not name.startswith("socket:")} == {"/dev/null"}


async def test_no_more_are_made_at_a_time_than_there_are_processes(
    images: Images, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[Any] = []
    now, most = 0, 0
    ask = room.Worker.ask
    original = room.Worker.__init__

    def counted(worker: Any, *given: Any) -> Any:
        nonlocal now, most
        now += 1
        most = max(most, now)
        try:
            return ask(worker, *given)
        finally:
            now -= 1

    def noted(worker: Any) -> None:
        started.append(worker)
        original(worker)

    monkeypatch.setattr(room.Worker, "ask", counted)
    monkeypatch.setattr(room.Worker, "__init__", noted)
    found = await asyncio.gather(*(made(images, width=number) for number in range(1, 31)))
    assert [decoded(one).width for one in found] == list(range(1, 31))
    assert most == 2
    assert len(started) == 2


async def test_only_so_many_may_wait(images: Images, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "MOST_WAITING", 3)
    async with images.turn(), images.turn():
        waiting = [asyncio.ensure_future(made(images)) for _ in range(3)]
        await asyncio.sleep(0)
        with pytest.raises(TooManyRequests):
            await made(images)
    assert all(await asyncio.gather(*waiting))
    assert await made(images)


async def test_one_that_takes_too_long_is_killed(images: Images, monkeypatch: pytest.MonkeyPatch) -> None:
    await made(images)
    [number] = processes(images)
    monkeypatch.setattr(room, "TIME_LIMIT", 0.05)
    os.kill(number, signal.SIGSTOP)
    with pytest.raises(NoPicture):
        await made(images)
    assert told(number, "limits") == b""
    monkeypatch.undo()
    assert await made(images)


async def test_one_that_computes_too_long_is_ended_by_the_system(images: Images) -> None:
    await made(images)
    [number] = processes(images)
    [limit] = [line for line in told(number, "limits").splitlines() if b"cpu time" in line]
    assert 20 < int(limit.split()[3]) < 30
    os.kill(number, signal.SIGXCPU)  # what the system does then
    with pytest.raises(NoPicture, match=r"^given up$"):
        await made(images)
    assert await made(images)


async def test_one_that_dies_takes_one_picture_along(images: Images) -> None:
    await made(images)
    [number] = processes(images)
    os.kill(number, signal.SIGKILL)
    with pytest.raises(NoPicture):
        await made(images)
    assert await made(images)
    assert processes(images) != [number]


async def test_they_end_when_nothing_is_to_be_made(images: Images, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "IDLE", 0.0)
    await made(images)
    for _ in range(1000):
        if not processes(images):
            break
        await asyncio.sleep(0.01)
    assert processes(images) == []
    assert await made(images)


async def test_what_is_too_large_is_refused_unseen_and_what_is_just_not_is_made(images: Images) -> None:
    for content in (png_header(20_000, 10_001), png_header(2**31 - 1, 2**31 - 1), png_bomb(20_000, 10_000)):
        with pytest.raises(NoPicture, match=r"^Refused: too many pixels$"):
            await made(images, content)
    assert len(png_bomb(10_000, 10_000)) < 200_000
    assert decoded(await made(images, png_bomb(10_000, 10_000))).size == (20, 10)


async def test_memory_is_bounded(images: Images) -> None:
    """The largest picture with transparency is made; the process keeps none of it."""
    assert decoded(await made(images, png_bomb(10_000, 10_000, bits=32))).size == (20, 10)
    [number] = processes(images)
    [limit] = [line for line in told(number, "limits").splitlines() if b"address space" in line]
    assert limit.split()[3] == b"%d" % (1280 * 1024 * 1024)


def test_one_processor_is_left_to_requests(monkeypatch: pytest.MonkeyPatch) -> None:
    for processors, expected in ((None, 1), (1, 1), (2, 1), (3, 2), (64, 2)):
        monkeypatch.setattr(os, "cpu_count", lambda: processors)  # noqa: B023 - called at once
        assert usual_workers() == expected
