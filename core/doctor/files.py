"""In charge of looking at rows of files and at their bytes, and of removing bytes that no row has. It changes no file
of a row but to put back what a crash has left half replaced."""

from __future__ import annotations

import asyncio
import hashlib
import re
import secrets
import string
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from core.db.gateway import Connection
from core.doctor.finding import SAMPLES, Check, Finding, Look, marks, rows_where, updating
from core.errors import StorageFailed
from core.files.names import KEPT, STAGED, read_former
from core.files.storage import Area, NotStored, Storage, fits

FILES = "directus_files"
LETTERS = string.digits + string.ascii_lowercase
HASH_LENGTH = 16
SETTLED = timedelta(hours=1)
"""Bytes that are younger may belong to a request that is under way."""
OURS = re.compile(
    rf"(?:{re.escape(STAGED)}|{re.escape(KEPT)}).*"
    r"|[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}(?:\..*)?|.*#[0-9]+"
)
"""Names that uploads have and people do not give: what else is in the folder may be somebody's."""


async def no_private_hash(look: Look) -> Finding | None:
    """Files that no asset URL leads to (spec 04 §3.1)."""
    if not look.has(FILES, "id", "private_hash"):
        return None
    condition = "private_hash IS NULL OR private_hash = ''"
    count, samples = await rows_where(look, FILES, ["id"], condition)
    if not count:
        return None

    async def give(connection: Connection) -> int:
        keys = [row[0] for row in await connection.rows(f"SELECT id FROM {FILES} WHERE {condition}")]  # noqa: S608
        taken = {row[0] for row in await connection.rows(f"SELECT private_hash FROM {FILES}")}  # noqa: S608
        given: list[tuple[str, object]] = []
        for key in keys:
            while (made := "".join(secrets.choice(LETTERS) for _ in range(HASH_LENGTH))) in taken:
                pass
            taken.add(made)
            given.append((made, key))
        one, other = marks(connection.dialect, 2)
        await connection.execute_many(f"UPDATE {FILES} SET private_hash = {one} WHERE id = {other}", given)  # noqa: S608
        return len(given)

    told = "files without a private hash, which no asset URL leads to"
    return Finding("files.no_private_hash", told, count, samples, "gives each a random one", give)


async def no_download_name(look: Look) -> Finding | None:
    if not look.has(FILES, "id", "filename_download", "filename_disk"):
        return None
    condition = "(filename_download IS NULL OR filename_download = '') AND filename_disk <> ''"
    count, samples = await rows_where(look, FILES, ["id"], condition)
    if not count:
        return None
    return Finding(
        "files.no_download_name",
        "files without a name to download them by",
        count,
        samples,
        "takes the name on the disk",
        updating(f"UPDATE {FILES} SET filename_download = filename_disk WHERE {condition}"),  # noqa: S608
    )


async def missing_on_disk(look: Look) -> Finding | None:
    if not look.has(FILES, "id", "storage", "type", "filename_disk"):
        return None
    names = await _stored(look)
    if names is None:
        return None
    local = f" AND {look.q('storage')} = 'local'" if _adapter(look) == "local" else ""
    gone: list[str] = []
    async for rows in look.connection.stream(
        f"SELECT id, filename_disk, type FROM {FILES} WHERE filename_disk <> ''{local} ORDER BY id"  # noqa: S608
    ):
        # A film of another server has a preview, if any.
        gone += [str(key) for key, name, kind in rows if name not in names and not str(kind or "").startswith("embed/")]
    if not gone:
        return None
    return Finding("files.missing_on_disk", "files whose bytes are not in the store", len(gone), tuple(gone[:SAMPLES]))


async def unreachable(look: Look) -> Finding | None:
    """A storage that does not answer: nothing can be said of its bytes."""
    try:
        await _listed(look)
    except StorageFailed:
        return Finding("files.unreachable", "the storage of files cannot be read", 1, (_adapter(look),))
    return None


async def replaced(look: Look) -> Finding | None:
    """Files whose bytes were replaced by a transaction that was never stored; the former ones are still there."""
    wrong = await _half_replaced(look)
    if not wrong:
        return None

    async def put_back(connection: Connection) -> int:
        done = 0
        lock = "" if connection.dialect == "sqlite" else " FOR UPDATE"
        (mark,) = marks(connection.dialect, 1)
        async with _storage(look) as storage:
            for key, former in wrong.items():
                # Looked at again, and nobody replaces it meanwhile: it may have been stored since.
                rows = await connection.rows(
                    f"SELECT filename_disk, checksum FROM {FILES} WHERE id = {mark}{lock}",  # noqa: S608
                    [key],
                )
                for disk, checksum in rows:
                    if await _differs(storage.originals, str(disk), checksum):
                        await storage.originals.copy(former[0], str(disk))
                        await storage.originals.delete(*former)
                        done += 1
        return done

    told = "files whose bytes are those of a change that was never stored"
    samples = tuple(str(key) for key in sorted(wrong)[:SAMPLES])
    return Finding("files.replaced", told, len(wrong), samples, "puts the former bytes back", put_back)


async def _half_replaced(look: Look) -> dict[int, list[str]]:
    """The names of former bytes, the oldest first, by the key of the file, where its bytes are not those of its row.

    A replacement that was stored has written the checksum of its bytes, whatever stood there before. Where there are
    several, the oldest are what was there before all changes that were not stored.
    """
    names = await _stored(look)
    former = [(found[1], found[0], name) for name in names or () if (found := read_former(name))]
    if not former or not look.has(FILES, "id", "filename_disk", "checksum"):
        return {}
    rows = await look.connection.rows(f"SELECT id, filename_disk, checksum FROM {FILES}")  # noqa: S608
    known = {int(row[0]): (str(row[1]), row[2]) for row in rows}
    of_rows = {disk for disk, _ in known.values()}
    wrong: dict[int, list[str]] = {}
    before = (datetime.now(UTC) - SETTLED).timestamp()
    async with _storage(look) as storage:
        for seconds, key, name in sorted(former):
            disk, checksum = known.get(key, ("", None))
            if not disk or seconds >= before or name in of_rows:
                continue
            if key in wrong or await _differs(storage.originals, disk, checksum):
                wrong.setdefault(key, []).append(name)
    return wrong


async def _differs(area: Area, disk: str, checksum: object) -> bool:
    return await _checksum(area, disk) != checksum


async def without_row(look: Look) -> Finding | None:
    if not look.has(FILES, "filename_disk"):
        return None
    stored = await _stored(look)
    if stored is None:
        return None
    names = dict(stored)
    async for rows in look.connection.stream(f"SELECT filename_disk FROM {FILES}"):  # noqa: S608
        for row in rows:
            names.pop(row[0], None)
    if not names:
        return None
    told, samples = "files in the store that no row names", tuple(sorted(names)[:SAMPLES])
    before = datetime.now(UTC) - SETTLED
    needed = {name for former in (await _half_replaced(look)).values() for name in former}
    old = [name for name, stored in names.items() if _since(name, stored) < before and OURS.fullmatch(name)]
    old = [name for name in old if name not in needed]
    if not old:
        return Finding("files.without_row", told, len(names), samples)

    async def remove(connection: Connection) -> int:
        async with _storage(look) as storage:
            await storage.originals.delete(*(name for name in old if fits(name)))
        root = _root(look)
        for name in old:
            if root is not None and not fits(name):  # a part of an upload that was cut off
                await asyncio.to_thread((root / name).unlink, missing_ok=True)
        return len(old)

    remedy = "removes those that are older than an hour and have a name that only uploads have"
    return Finding("files.without_row", told, len(names), samples, remedy, remove)


def _since(name: str, modified: datetime) -> datetime:
    """Since when bytes have their name: those that are being replaced may have the date of what they were."""
    found = read_former(name)
    return modified if found is None else datetime.fromtimestamp(found[1], UTC)


async def _stored(look: Look) -> dict[str, datetime] | None:
    """The names in the store and when each was stored; None where that cannot be said."""
    try:
        return await _listed(look)
    except StorageFailed:
        return None


async def _listed(look: Look) -> dict[str, datetime] | None:
    if _adapter(look) == "memory":
        return None
    root = _root(look)
    if root is not None:
        return await asyncio.to_thread(_names, root)
    async with _storage(look) as storage:
        return {stat.name: stat.modified async for stat in storage.originals.list()}


@asynccontextmanager
async def _storage(look: Look) -> AsyncIterator[Storage]:
    storage = Storage(look.config, look.data)
    try:
        yield storage
    finally:
        await storage.close()


async def _checksum(area: Area, name: str) -> str | None:
    digest = hashlib.md5(usedforsecurity=False)
    try:
        async with area.open(name) as found:
            async for chunk in found.chunks:
                digest.update(chunk)
    except (NotStored, ValueError):
        return None
    return digest.hexdigest()


def _adapter(look: Look) -> str:
    return str(look.config.get("storage.adapter") or "local")


def _root(look: Look) -> Path | None:
    """The folder of a local store; None for other stores."""
    return look.data / str(look.config.get("storage.root")) if _adapter(look) == "local" else None


def _names(root: Path) -> dict[str, datetime]:
    """The files in a folder, those left out that a web server or a system puts there."""
    if not root.is_dir():
        return {}
    return {
        one.name: datetime.fromtimestamp(one.stat().st_mtime, UTC)
        for one in root.iterdir()
        if one.is_file() and not one.name.startswith(".") and one.name != "index.html"
    }


CHECKS: tuple[Check, ...] = (no_private_hash, no_download_name, unreachable, missing_on_disk, replaced, without_row)
