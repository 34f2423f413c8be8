"""In charge of the variants of a project's pictures: found in the storage, or made once and stored there (spec 04 §5).

It decides no right and knows no row: an original is a name. What is not in the storage can always be made again.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, BinaryIO

import structlog

from core.errors import ItemNotFound, StorageFailed, Unprocessable
from core.files.images import Images, NoPicture
from core.files.sizes import MEDIA, Variant, converted
from core.files.storage import Area, BadName, NotStored, Stat, Storage, fits

MOST_FOLDERS = 500
"""Sizes of which variants are stored although no whitelist names them; variants of more are made each time."""
REPEATS = 2
"""How often a variant is made of an original that is replaced meanwhile."""
UNMADE = "No picture can be made of this file."
TOO_LARGE = "The file is too large for a picture to be made of it."


@dataclass(frozen=True, slots=True)
class Piece:
    """An object that is read from memory, in one chunk."""

    stat: Stat
    chunks: AsyncIterator[bytes]


@dataclass(frozen=True, slots=True)
class Passing:
    """A variant that is not stored. As `Area`, as far as files are read from it."""

    content: bytes

    @asynccontextmanager
    async def open(self, name: str, start: int = 0, end: int | None = None) -> AsyncIterator[Piece]:
        """Its bytes from `start` up to, not including, `end`."""

        async def chunks() -> AsyncIterator[bytes]:
            yield self.content[start:end]

        yield Piece(Stat(name, len(self.content), datetime.now(UTC)), chunks())


Found = tuple[Area | Passing, Stat]


class Variants:
    """The variants of one project's pictures. Belongs to one event loop."""

    def __init__(self, storage: Storage, largest: int) -> None:
        self.images: Images | None = None
        """Who makes them; only a server has one."""
        self._storage = storage
        self._largest = largest
        self._flights: dict[str, asyncio.Task[Found]] = {}
        self._folders: set[str] | None = None

    async def ready(self, original: str, variant: Variant) -> Found:
        """A variant of an original, where it lies and what the storage says of it; made first where it is not there.

        However many ask at the same time, it is made once. Raises ItemNotFound without an original, Unprocessable
        for what no picture can be made of, TooManyRequests, StorageFailed.
        """
        name = variant.place(original)
        generated = self._storage.generated
        try:
            return generated, await generated.head(name)
        except BadName:
            raise ItemNotFound from None
        except NotStored:
            return await self._once(name, lambda: self._made(original, variant, name))

    async def _once(self, name: str, work: Callable[[], Coroutine[Any, Any, Found]]) -> Found:
        flight = self._flights.get(name)
        if flight is None:
            flight = self._flights[name] = asyncio.get_running_loop().create_task(work(), name=f"variant {name}")
            flight.add_done_callback(lambda done: self._landed(name, done))
        try:
            return await asyncio.shield(flight)  # one who gives up does not stop it for the others
        except asyncio.CancelledError:
            if flight.cancelled():  # the project was closed meanwhile
                raise StorageFailed from None
            raise

    def _landed(self, name: str, flight: asyncio.Task[Found]) -> None:
        del self._flights[name]
        if not flight.cancelled():
            flight.exception()  # told to whoever waits; nobody may be waiting

    async def _made(self, original: str, variant: Variant, name: str) -> Found:
        for _ in range(REPEATS):
            before = await self._original(original)
            found = await self._make(original, variant, name)
            if await self._is_still(original, before):
                return found
            # It was replaced while this was made, and its variants were forgotten perhaps before this one was there.
            await self._storage.generated.delete(name)
        raise ItemNotFound

    async def _make(self, original: str, variant: Variant, name: str) -> Found:
        assert self.images is not None
        async with self.images.turn():
            with await self._source(original) as source, tempfile.TemporaryFile() as target:
                try:
                    await self.images.make(source, target, variant.order())
                except NoPicture as error:
                    structlog.get_logger().info("no picture", file=original, reason=str(error))
                    raise Unprocessable(UNMADE) from None
                if await self._may_store(variant):
                    generated = self._storage.generated
                    return generated, await generated.put(name, target, variant.media)
                content = await asyncio.to_thread(_content, target)
        return Passing(content), Stat(name, len(content), datetime.now(UTC))

    async def _is_still(self, original: str, before: Stat) -> bool:
        try:
            return await self._storage.originals.head(original) == before
        except NotStored:
            return False

    async def _original(self, name: str) -> Stat:
        try:
            found = await self._storage.originals.head(name)
        except (BadName, NotStored):
            raise ItemNotFound from None
        if found.size > self._largest:
            raise Unprocessable(TOO_LARGE)
        return found

    async def _source(self, original: str) -> BinaryIO:
        """The original as a file: itself where it is one, else a copy. `head` has looked where its name leads."""
        folder = await self._storage.originals.folder()
        try:
            if folder is not None:
                return await asyncio.to_thread((folder / original).open, "rb")
            async with self._storage.originals.open(original) as found:
                return await _copied(found.chunks)
        except (NotStored, FileNotFoundError):
            raise ItemNotFound from None

    async def _may_store(self, variant: Variant) -> bool:
        """Who may ask for any size must not fill the storage."""
        if variant.listed:
            return True
        if self._folders is None:
            self._folders = set(await self._storage.generated.folders())
        if variant.size.folder not in self._folders and len(self._folders) >= MOST_FOLDERS:
            return False
        self._folders.add(variant.size.folder)
        return True

    async def forget(self, *originals: str) -> None:
        """Delete all variants of originals that were replaced, renamed or deleted; to be called after that.

        Raises StorageFailed.
        """
        generated = self._storage.generated
        folders = await generated.folders()
        names = [_variant_in(folder, original) for original in originals for folder in folders]
        await generated.delete(*(name for name in names if fits(name, 2)))

    async def close(self) -> None:
        """End what is being made."""
        flights = list(self._flights.values())
        for flight in flights:
            flight.cancel()
        await asyncio.gather(*flights, return_exceptions=True)


def _variant_in(folder: str, original: str) -> str:
    """The name that a variant of an original has in a folder."""
    form = folder.rpartition(",")[2]
    return f"{folder}/{converted(original, form) if form in MEDIA else original}"


async def _copied(chunks: AsyncIterator[bytes]) -> BinaryIO:
    file: Any = tempfile.TemporaryFile()  # noqa: SIM115 - handed on
    try:
        async for chunk in chunks:
            await asyncio.to_thread(file.write, chunk)
        file.flush()
        file.seek(0)
    except BaseException:
        file.close()
        raise
    return file  # type: ignore[no-any-return]


def _content(file: BinaryIO) -> bytes:
    file.seek(0)
    return file.read()
