"""In charge of measuring what thumbnails cost: memory of the server's processes, time, and p95 of reads meanwhile.

`python -m bench.assets` starts a server on a fresh database, puts photos of 24 megapixels into its storage, and asks
for a thumbnail of each at the same time, while a process of its own sends reads.
"""

from __future__ import annotations

import argparse
import asyncio
import http.client
import io
import os
import random
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path

from PIL import Image

from bench import rebuild
from bench.rebuild import Sample
from core.db.gateway import Store
from tests import backends
from tests.projects import body, projects

SIZE = (6000, 4000)
MOST_MEMORY = 512
RATIO = 2.0
QUIET = 5.0
"""Seconds of reads before and after."""
EVERY = 0.02
"""Seconds between two looks at the memory."""
COLLECTIONS = 50
SERVE = ("-m", "core.cli", "serve")


def main(arguments: Sequence[str], serve: Sequence[str] = SERVE) -> None:
    """Measures and prints what came of it. `serve`: how the server is started, for experiments."""
    options = _options(arguments)
    found = backends.backend(options.database)
    if not found.available:
        sys.exit(f"{options.database} is not there: {found.reason}")
    with tempfile.TemporaryDirectory(prefix="tabularium-bench-") as folder:
        with backends.fresh_database(options.database, Path(folder)) as url:
            asyncio.run(_measured(url, Path(folder) / "data", options, serve))


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.assets", description=__doc__)
    parser.add_argument("--database", default="sqlite", choices=backends.DIALECTS)
    parser.add_argument("--photos", type=int, default=100)
    parser.add_argument("--format", default="JPEG", choices=("JPEG", "PNG", "WEBP"), help="of the photos")
    parser.add_argument("--query", default="key=directus-large-crop")
    parser.add_argument("--accept", default="*/*", help="image/avif or image/webp for pictures of that format")
    parser.add_argument("--readers", type=int, default=1)
    return parser.parse_args(arguments)


async def _measured(url: str, data: Path, options: argparse.Namespace, serve: Sequence[str]) -> None:
    from bench.__main__ import _free_port, _running

    async with projects(data) as found:
        made = await found.create(body(url), trusted=True)
        store = await made.store()
        await rebuild.fill(store, COLLECTIONS)
        await _put(store, data / made.config.get("storage.root"), options)
    port = _free_port()
    environment = {**os.environ, "TABULARIUM_DATA": str(data), "TABULARIUM_DEFAULT_PROJECT": ""}
    command = [sys.executable, *serve, "--port", str(port)]
    with _running(command, environment, port) as process, ProcessPoolExecutor(1) as apart:
        rebuild.ask(port, "/items/t000")
        loop = asyncio.get_running_loop()
        reading = loop.run_in_executor(apart, rebuild.reads, port, str(data / "end"), options.readers, 0.0)
        looked = Watch(process.pid)
        try:
            await asyncio.sleep(QUIET)
            before, began = looked.most, time.monotonic()
            took = await asyncio.to_thread(_thumbnails, port, options)
            ended = time.monotonic()
            await asyncio.sleep(QUIET)
        finally:
            looked.end()
            (data / "end").touch()
        samples = await reading
    _report(samples, (began, ended), took, (before, looked.most), options)


def _photo(form: str) -> bytes:
    """A photo as cameras make them, as far as its size and its noise go."""
    small = Image.effect_noise((SIZE[0] // 8, SIZE[1] // 8), 90).resize(SIZE, Image.Resampling.BICUBIC)
    grain = Image.effect_noise(SIZE, 24)
    image = Image.merge("RGB", (small, Image.blend(small, grain, 0.4), grain))
    buffer = io.BytesIO()
    image.save(buffer, form, **({"quality": 90} if form != "PNG" else {"compress_level": 1}))
    return buffer.getvalue()


async def _put(store: Store, folder: Path, options: argparse.Namespace) -> None:
    """The photos and their rows, without an upload: one photo, with an end of its own for each."""
    suffix = options.format.lower().replace("jpeg", "jpg")
    names = [f"photo{number:03}.{suffix}" for number in range(options.photos)]
    await asyncio.to_thread(_write, folder, names, options.format)
    moment = "timestamp '2020-01-01'" if store.dialect == "postgres" else "'2020-01-01 00:00:00'"
    rows = [f"('local', '{name[:8]}', '{name}', '{name}', 'image/{suffix}', 1, {moment})" for name in names]
    columns = "storage, private_hash, filename_disk, filename_download, type, uploaded_by, uploaded_on"
    async with store.write() as connection:
        await connection.execute(f"INSERT INTO directus_files ({columns}) VALUES {', '.join(rows)}")


def _write(folder: Path, names: Sequence[str], form: str) -> None:
    content = _photo(form)
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        (folder / name).write_bytes(content + random.randbytes(8))
    print(f"{len(names)} photos of {SIZE[0]} × {SIZE[1]}, {form}, {len(content) / 1e6:.1f} MB each")


def _thumbnails(port: int, options: argparse.Namespace) -> list[float]:
    """Ask for all at the same time; seconds until each was there."""
    ready = threading.Barrier(options.photos)

    def ask(number: int) -> float:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=300)
        connection.connect()
        ready.wait()
        began = time.monotonic()
        connection.request("GET", f"/main/assets/photo{number:03}?{options.query}", headers={"Accept": options.accept})
        answer = connection.getresponse()
        content = answer.read()
        connection.close()
        if answer.status != 200:
            raise RuntimeError(f"a thumbnail was answered {answer.status}: {content[:200]!r}")
        return time.monotonic() - began

    with ThreadPoolExecutor(options.photos) as pool:
        return sorted(pool.map(ask, range(options.photos)))


class Watch:
    """Looks at the memory of a process and its children until it is ended."""

    def __init__(self, process: int) -> None:
        self.most = 0.0
        """The most that was seen, in MB."""
        self._process, self._ended = process, threading.Event()
        self._thread = threading.Thread(target=self._look)
        self._thread.start()

    def _look(self) -> None:
        while not self._ended.wait(EVERY):
            self.most = max(self.most, memory(self._process))

    def end(self) -> None:
        """Look no more."""
        self._ended.set()
        self._thread.join()


def memory(process: int) -> float:
    """MB that a process and its children hold (RSS: what they share counts for each)."""
    total = 0
    for one in (process, *_children(process)):
        try:
            lines = Path(f"/proc/{one}/status").read_text().splitlines()
        except OSError:
            continue  # it has just ended
        total += sum(int(line.split()[1]) for line in lines if line.startswith("VmRSS:"))
    return total / 1024


def _children(process: int) -> Iterator[int]:
    for task in Path(f"/proc/{process}/task").glob("*/children"):
        try:
            found = task.read_text().split()
        except OSError:
            continue
        for one in map(int, found):
            yield one
            yield from _children(one)


def _report(
    samples: list[Sample],
    window: tuple[float, float],
    took: list[float],
    held: tuple[float, float],
    options: argparse.Namespace,
) -> None:
    began, ended = window
    meanwhile = sorted(one[2] * 1000 for one in samples if began <= one[1] and one[1] + one[2] <= ended)
    alone = sorted(one[2] * 1000 for one in samples if one[1] + one[2] < began or one[1] > ended)
    share, seconds = rebuild.share, ended - began
    ratio = share(meanwhile, 0.95) / share(alone, 0.95)
    print(
        f"thumbnails ({options.query}, {options.accept}): all after {seconds:.1f} s, {len(took) / seconds:.1f} a second"
    )
    print(f"memory: {held[0]:.0f} MB before, {held[1]:.0f} MB at most (limit {MOST_MEMORY})")
    print(
        f"reads alone: p50 {share(alone, 0.5):.2f} ms, p95 {share(alone, 0.95):.2f};"
        f" meanwhile: p50 {share(meanwhile, 0.5):.2f}, p95 {share(meanwhile, 0.95):.2f};"
        f" {ratio:.2f} × (limit {RATIO}), {len(meanwhile)} reads"
    )
    if ratio > RATIO or held[1] > MOST_MEMORY:
        print("A limit was missed.")


if __name__ == "__main__":
    main(sys.argv[1:])
