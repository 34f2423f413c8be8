"""In charge of bytes under names: put, read, look at, rename, delete and list, in whatever store a project has.

It knows nothing of rows, of rights and of HTTP. A name that is put is there whole or not at all. Calls of the library
run in a few threads of this room: its own asynchronous ones abort a process that ends just behind one of them.

    storage = project.storage                                  # opened at the first call of an area
    stored = await storage.originals.put("a.jpg", file)        # bytes, or a file that is read from its beginning
    async with storage.originals.open("a.jpg", 0, 99) as found:   # found.stat, found.chunks
        async for chunk in found.chunks: …
    await storage.generated.put("w200,h200,fcontain,q80/a.jpg", made)
    async for stat in storage.generated.list(): …
"""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

import structlog

from core.errors import StorageFailed
from core.files.places import Place, open_places
from core.settings import ConfigurationError, ProjectConfig

T = TypeVar("T")

THREADS = 16
"""Calls of a store that run at a time, for each project."""
CHUNK = 256 * 1024
PART = 8 * 1024 * 1024
"""Bytes of an object that are sent at a time to a store of objects; two parts are on their way at most."""
PARTS = 2
LONGEST_NAME = 255

# `#1` at the end is what the library calls a local file that is being written.
_PART = re.compile(r"[^/\\\x00-\x1f\x7f]+")
_STAGED = re.compile(r"#[0-9]+\Z")


class BadName(ValueError):
    """A name that no store is asked for: empty, too long, of the wrong number of segments, hidden, or no plain text."""


class NotStored(Exception):
    """Nothing has this name."""


class NameTaken(Exception):
    """Something has this name already."""


@dataclass(frozen=True, slots=True)
class Stat:
    """What a store says of an object. `etag`: as the store says it, quoted; `modified`: aware."""

    name: str
    size: int
    modified: datetime
    etag: str = ""


@dataclass(frozen=True, slots=True)
class Found:
    """An object that is being read. `chunks`: the bytes asked for, to be read once; they raise StorageFailed."""

    stat: Stat
    chunks: AsyncIterator[bytes]


class Storage:
    """The bytes of one project: `originals` and the `generated` variants of them. Belongs to one event loop."""

    def __init__(self, config: ProjectConfig, data: Path) -> None:
        self.adapter = str(config.get("storage.adapter") or "local")
        self._config, self._data = config, data
        self._pool: ThreadPoolExecutor | None = None
        self._places: tuple[Place, Place] | None = None
        self._opening = asyncio.Lock()
        self.originals = Area(self, 0, 1)
        self.generated = Area(self, 1, 2)

    async def close(self) -> None:
        """End its threads, when what they do is done."""
        pool, self._pool = self._pool, None
        if pool is not None:
            await asyncio.to_thread(pool.shutdown)

    async def place(self, index: int) -> Place:
        """Where an area lies. Raises StorageFailed."""
        if self._places is None:
            async with self._opening:
                if self._places is None:
                    self._places = await self.run(open_places, self._config, self._data)
        return self._places[index]

    async def run(self, work: Callable[..., T], *given: Any) -> T:
        """Work of a store, in a thread. Raises NotStored, NameTaken, StorageFailed."""
        if self._pool is None:
            self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="storage")
        try:
            return await asyncio.get_running_loop().run_in_executor(self._pool, work, *given)
        except (NotStored, NameTaken, StorageFailed):
            raise
        except (ConfigurationError, Exception) as error:
            raise _told(error) from error


class Area:
    """Objects of one kind, by name. `depth`: segments that a name may have: 1 of an original, 2 of a variant."""

    def __init__(self, storage: Storage, index: int, depth: int) -> None:
        self._storage, self._index, self._depth = storage, index, depth

    async def put(self, name: str, source: bytes | BinaryIO, media: str = "", *, fresh: bool = False) -> Stat:
        """Store the bytes of a file or of memory; a file is read from its beginning, in pieces.

        Either all is there afterwards, in the place of what had the name before, or nothing has changed. `media`: its
        type, for stores that keep one. `fresh`: only if nothing has the name yet; only for what is in memory.
        Raises BadName, NameTaken (with `fresh`), StorageFailed.
        """
        checked(name, self._depth)
        assert isinstance(source, bytes) or not fresh
        place = await self._storage.place(self._index)
        await self._storage.run(_put, place, name, source, media, fresh)
        return await self.head(name)

    async def reserve(self, name: str) -> bool:
        """Take a name that nothing has, by an object without bytes; False when it is taken.

        Of two who ask at the same time one gets it, as far as the store can tell. Raises BadName, StorageFailed.
        """
        try:
            await self.put(name, b"", fresh=True)
        except NameTaken:
            return False
        return True

    @asynccontextmanager
    async def open(self, name: str, start: int = 0, end: int | None = None) -> AsyncIterator[Found]:
        """An object to be read in chunks: all of it, or from byte `start` up to, not including, byte `end`.

        `stat.size` is that of the whole object. Raises BadName, NotStored (also for a symbolic link that leads out of
        the folder), ValueError for a range that does not lie within it, StorageFailed.
        """
        checked(name, self._depth)
        place, storage = await self._storage.place(self._index), self._storage
        stat, pieces, first = await storage.run(_begin, place, name, start, end)

        async def chunks() -> AsyncIterator[bytes]:
            # Each call of the store waits for a thread: what is small needs one, and no one to hear that it was all.
            piece, left = first, (stat.size if end is None else end) - start
            while piece is not None:
                left -= len(piece)
                yield bytes(piece)
                piece = await storage.run(next, pieces, None) if left > 0 else None

        yield Found(stat, chunks())

    async def read(self, name: str, most: int | None = None) -> bytes:
        """The bytes of an object, or its first `most`. Raises BadName, NotStored, StorageFailed."""
        if most is not None:
            most = min(most, (await self.head(name)).size)
        async with self.open(name, 0, most) as found:
            return b"".join([chunk async for chunk in found.chunks])

    async def head(self, name: str) -> Stat:
        """What the store says of an object. Raises BadName, NotStored, StorageFailed."""
        checked(name, self._depth)
        place = await self._storage.place(self._index)
        return await self._storage.run(_head, place, name)

    async def exists(self, name: str) -> bool:
        """Whether something has this name. Raises BadName, StorageFailed."""
        try:
            await self.head(name)
        except NotStored:
            return False
        return True

    async def rename(self, old: str, new: str) -> None:
        """Give an object another name. Raises BadName, NotStored, NameTaken, StorageFailed."""
        checked(old, self._depth)
        if not await self.exists(old):
            raise NotStored(old)
        if not await self.reserve(new):
            raise NameTaken(new)
        await self.copy(old, new)
        await self.delete(old)

    async def copy(self, name: str, other: str) -> None:
        """Store the same bytes under another name, in the place of what has it. Raises BadName, NotStored,
        StorageFailed."""
        checked(name, self._depth)
        checked(other, self._depth)
        place = await self._storage.place(self._index)
        await self._storage.run(_copy, place, name, other)

    async def delete(self, *names: str) -> None:
        """Remove objects; one that is not there is no error. Raises BadName, StorageFailed."""
        for name in names:
            checked(name, self._depth)
        if names:
            place = await self._storage.place(self._index)
            await self._storage.run(_delete, place, names)

    async def list(self, folder: str = "") -> AsyncIterator[Stat]:
        """The objects of the area or of a folder in it, in no certain order; of an unknown folder none.

        What hides (a name that begins with a dot) is left out. Raises StorageFailed.
        """
        import obstore

        place, storage = await self._storage.place(self._index), self._storage
        pages = iter(await storage.run(lambda: obstore.list(place.store, folder or None, chunk_size=1000)))
        while (page := await storage.run(next, pages, None)) is not None:
            for meta in page:
                if fits(meta["path"], self._depth):
                    yield _stat(meta)

    async def folders(self) -> tuple[str, ...]:
        """The folders in the area, by name. Raises StorageFailed."""
        import obstore

        place = await self._storage.place(self._index)
        found = await self._storage.run(lambda: obstore.list_with_delimiter(place.store))
        return tuple(sorted(name for prefix in found["common_prefixes"] if fits(name := prefix.rstrip("/"))))

    async def folder(self) -> Path | None:
        """The folder of this machine that it lies in, if it does. Raises StorageFailed."""
        return (await self._storage.place(self._index)).folder


def checked(name: str, depth: int = 1) -> str:
    """The name, if a store may be asked for it. Raises BadName."""
    if not fits(name, depth):
        raise BadName(name)
    return name


def fits(name: str, depth: int = 1) -> bool:
    """Whether a name has that number of plain segments: none hides, climbs, or is longer than a folder can hold."""
    parts = name.split("/")
    return len(parts) == depth and all(_is_plain(part) for part in parts)


def _is_plain(part: str) -> bool:
    if part.startswith(".") or not _PART.fullmatch(part) or _STAGED.search(part):
        return False
    try:
        return len(part.encode()) <= LONGEST_NAME
    except UnicodeEncodeError:
        return False


# What follows runs in threads.


def _put(place: Place, name: str, source: bytes | BinaryIO, media: str, fresh: bool) -> None:
    import obstore
    from obstore.exceptions import AlreadyExistsError

    attributes: dict[str, str] | None = None
    if place.attributes is not None:
        attributes = {**place.attributes, **({"Content-Type": media} if media else {})}
    if not isinstance(source, bytes):
        source.seek(0)
    try:
        obstore.put(
            place.store,
            name,
            source,
            attributes=attributes,
            mode="create" if fresh else None,
            chunk_size=PART,
            max_concurrency=PARTS,
        )
    except AlreadyExistsError:
        raise NameTaken(name) from None
    except NotImplementedError:
        # A store that cannot promise it: then somebody else may take the name at the same moment.
        if not fresh:
            raise
        if _there(place, name):
            raise NameTaken(name) from None
        obstore.put(place.store, name, source, attributes=attributes)
    if place.folder is not None:
        _settle(place.folder / name)


def _settle(path: Path) -> None:
    """Write through to the disk: the row that names it will be."""
    for one in (path, path.parent):
        number = os.open(one, os.O_RDONLY)
        try:
            os.fsync(number)
        finally:
            os.close(number)


def _begin(place: Place, name: str, start: int, end: int | None) -> tuple[Stat, Iterator[Any], Any]:
    """What the store says of an object, its pieces, and the first of them; None where there is none."""
    result, stat = _get(place, name, start, end)
    pieces: Iterator[Any] = iter(result.stream(min_chunk_size=CHUNK)) if result is not None else iter(())
    return stat, pieces, next(pieces, None)


def _get(place: Place, name: str, start: int, end: int | None) -> tuple[Any, Stat]:
    import obstore

    stat = _head(place, name)
    last = stat.size if end is None else end
    if not 0 <= start <= last <= stat.size:
        raise ValueError(name)
    if start == last:
        return None, stat
    result = obstore.get(place.store, name, options={"range": (start, last)})
    return result, stat


def _head(place: Place, name: str) -> Stat:
    import obstore

    if place.folder is not None:
        _within(place.folder, name)
    try:
        return _stat(obstore.head(place.store, name))
    except FileNotFoundError:
        raise NotStored(name) from None


def _within(folder: Path, name: str) -> None:
    """Raise NotStored for what is no file, or a symbolic link that leads out of the folder."""
    path = folder / name
    try:
        inside = path.resolve(strict=True).is_relative_to(folder.resolve()) and path.is_file()
    except (OSError, RuntimeError):
        inside = False
    if not inside:
        raise NotStored(name)


def _there(place: Place, name: str) -> bool:
    try:
        _head(place, name)
    except NotStored:
        return False
    return True


def _copy(place: Place, name: str, other: str) -> None:
    import obstore

    _head(place, name)
    obstore.copy(place.store, name, other)
    if place.folder is not None:
        _settle(place.folder / other)


def _delete(place: Place, names: tuple[str, ...]) -> None:
    import obstore

    for name in names:
        try:
            obstore.delete(place.store, name)
        except FileNotFoundError:
            continue


def _stat(meta: Mapping[str, Any]) -> Stat:
    return Stat(str(meta["path"]), int(meta["size"]), meta["last_modified"], str(meta["e_tag"] or ""))


def _told(error: BaseException) -> BaseException:
    """What is said of an error of a store; the log says more."""
    if isinstance(error, ValueError):
        return error
    structlog.get_logger().error("the storage fails", exc_info=error)
    return StorageFailed()
