"""In charge of looking at rows of files, and at the folder of a local store. It never deletes or moves a file."""

from __future__ import annotations

import asyncio
import secrets
import string
from pathlib import Path

from core.db.gateway import Connection
from core.doctor.finding import SAMPLES, Check, Finding, Look, marks, rows_where, updating

FILES = "directus_files"
LETTERS = string.digits + string.ascii_lowercase
HASH_LENGTH = 16


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
    root = _root(look)
    if root is None or not look.has(FILES, "id", "storage", "filename_disk"):
        return None
    names = await asyncio.to_thread(_names, root)
    gone: list[str] = []
    async for rows in look.connection.stream(
        f"SELECT id, filename_disk FROM {FILES} WHERE {look.q('storage')} = 'local' AND filename_disk <> '' ORDER BY id"  # noqa: S608
    ):
        gone += [str(key) for key, name in rows if name not in names]
    if not gone:
        return None
    return Finding("files.missing_on_disk", "files whose bytes are not in the store", len(gone), tuple(gone[:SAMPLES]))


async def without_row(look: Look) -> Finding | None:
    root = _root(look)
    if root is None or not look.has(FILES, "filename_disk"):
        return None
    names = set(await asyncio.to_thread(_names, root))
    async for rows in look.connection.stream(f"SELECT filename_disk FROM {FILES}"):  # noqa: S608
        names.difference_update(row[0] for row in rows)
    if not names:
        return None
    samples = tuple(sorted(names)[:SAMPLES])
    return Finding("files.without_row", "files in the store that no row names", len(names), samples)


def _root(look: Look) -> Path | None:
    """The folder of a local store; None for other stores."""
    if look.config.get("storage.adapter") != "local":
        return None
    return look.data / str(look.config.get("storage.root"))


def _names(root: Path) -> frozenset[str]:
    """The files in a folder, those left out that a web server or a system puts there."""
    if not root.is_dir():
        return frozenset()
    return frozenset(
        one.name
        for one in root.iterdir()
        if one.is_file() and not one.name.startswith(".") and one.name != "index.html"
    )


CHECKS: tuple[Check, ...] = (no_private_hash, no_download_name, missing_on_disk, without_row)
