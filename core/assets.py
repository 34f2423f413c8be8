"""In charge of the door to files by their URLs: which file is meant, who may have it, original or variant (spec 04 §5).

The hash of a file is the right to have it, as in Directus 8; where the project says that files are private, it is not,
and a right to read the file or a link that ends is needed. Nothing is sent here: the answer is a handle.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote, urlencode

from core import engine
from core.enter import enter
from core.errors import FieldReadDenied, ItemNotFound, Problem, ReadDenied, ValidationFailed
from core.files import links
from core.files.handle import Stored, media_of, tag
from core.files.sizes import Variant, Wanted, variant
from core.files.storage import BadName, NotStored
from core.query.selection import KEY_ONLY, ReadRequest, Row, Selection
from core.session import Session
from core.sql import assets as statements
from core.types.structured import storable
from core.types.write import INVALID

FILES = "directus_files"
LONGEST_ALIAS = 1024
EMPTY_DIGEST = "d41d8cd98f00b204e9800998ecf8427e"
"""What Directus 8 writes as the checksum of a file whose row was changed: it says nothing about the bytes."""
REVALIDATED, OWN = "no-cache", "private, no-cache"


@dataclass(frozen=True, slots=True)
class File:
    """The columns of a file that its URL needs."""

    id: int
    private_hash: str | None
    filename_disk: str
    filename_download: str
    type: str | None
    checksum: str | None
    filesize: int | None


@dataclass(frozen=True, slots=True)
class Asset:
    """What is behind the URL of a file. `url`: absolute."""

    url: str
    stored: Stored


@dataclass(frozen=True, slots=True)
class Signed:
    """A link that ends. `expires_on`: aware UTC."""

    url: str
    expires_on: datetime


async def asset(
    session: Session, alias: str, given: Mapping[str, Any], *, accept: str = "", download: bool = False
) -> Asset:
    """The original or the variant that a URL means; a variant is made when it is not there.

    `alias`: the hash, the name to download by where the project's URLs have that, or a link of `signed`. `given`: key,
    w, h, f, q, format as they came. `accept`: what the client can show. Raises ItemNotFound, ExpiredToken,
    Unprocessable, TooManyRequests, StorageFailed, and what the database does.
    """
    config = session.project.config
    link = links.link_of(config, alias, session.context.now.timestamp())
    if link is not None:
        file = await _by_id(session, link.file)
        if links.pin_of(config, file.private_hash) != link.pin:
            raise ItemNotFound
        given = link.wanted
    else:
        file = await _by_alias(session, alias)
        if config.get("assets.private"):
            await _check_right(session, file)
    found = _variant(session, file, given, accept)
    own = link is not None or bool(config.get("assets.private"))
    stored = await _stored(session, file, found, own=own, download=download)
    return Asset(_url(session, alias, {} if link is not None else given), stored)


async def signed(session: Session, file: str, given: Mapping[str, Any], expires: int | None = None) -> Signed:
    """A link to a file, or a variant of it, for who has no right of his own; for callers who may read it.

    `file`: the id. `given`: as of `asset`. `expires`: seconds, an hour without it. Raises ItemNotFound, ReadDenied,
    FieldReadDenied, ValidationFailed, Unprocessable.
    """
    seconds = links.USUAL if expires is None else expires
    if not 1 <= seconds <= links.LONGEST:
        raise ValidationFailed.of([Problem(("expires",), INVALID)])
    shown = Selection((Row("file", ("id", "data")),))
    result = await engine.read(session, ReadRequest(FILES, shown, id=file))
    if not result.items:
        raise ItemNotFound.with_id(file)
    row = result.items[0]["file"] or {}
    if "id" not in row or "data" not in row:  # who may not see the URL gets no other one
        raise FieldReadDenied("data", FILES)
    known = await _by_id(session, int(row["id"]))
    _variant(session, known, given, "")
    config = session.project.config
    ends = int(session.context.now.timestamp()) + seconds
    link = links.Link(known.id, links.pin_of(config, known.private_hash), links.shown(given), ends)
    return Signed(_url(session, links.token_of(config, link), {}), datetime.fromtimestamp(ends, UTC))


async def _by_alias(session: Session, alias: str) -> File:
    """The file of a hash; where URLs have names, the first one of that name, if it is nobody's hash."""
    if not alias or len(alias) > LONGEST_ALIAS or not storable(alias):
        raise ItemNotFound
    named = session.snapshot.setting("asset_url_naming") == "filename_download"
    files = await _files(session, alias, "private_hash", *(("filename_download",) if named else ()))
    found = [file for file in files if file.private_hash == alias]
    if named and not found:  # a name that somebody chose must not take the place of a hash
        found = [file for file in files if file.filename_download == alias]
    if not found:
        raise ItemNotFound
    return found[0]


async def _by_id(session: Session, key: int) -> File:
    found = await _files(session, key, "id")
    if not found:
        raise ItemNotFound
    return found[0]


async def _files(session: Session, alias: str | int, *columns: str) -> list[File]:
    store = await session.project.store()
    statement = statements.file_by(store.dialect, *columns)
    async with store.read() as connection:
        rows = await connection.rows(statement.text, statement.bind({"alias": alias}))
    return [File(*row) for row in rows]


async def _check_right(session: Session, file: File) -> None:
    """Raise ItemNotFound unless the caller may read the file's row. The route itself looks at no credential."""
    context = session.context
    if session.actor.public and context.presented.token is not None:
        session = await enter(
            session.project,
            context.presented,
            address=context.address,
            user_agent=context.user_agent,
            base_url=context.base_url,
            now=context.now,
        )
    try:
        result = await engine.read(session, ReadRequest(FILES, KEY_ONLY, id=str(file.id)))
    except ReadDenied:
        raise ItemNotFound from None
    if not result.items:
        raise ItemNotFound


def _variant(session: Session, file: File, given: Mapping[str, Any], accept: str) -> Variant | None:
    formats = session.project.config.get("assets.formats") or ()
    wanted = Wanted(**{name: given.get(name) for name in links.NAMES}, accept=accept, formats=formats)
    return variant(wanted, session.snapshot, file.filename_disk)


async def _stored(session: Session, file: File, found: Variant | None, *, own: bool, download: bool) -> Stored:
    project = session.project
    area: Any = project.storage.originals
    if found is None:
        try:
            stat = await project.storage.originals.head(file.filename_disk)
        except (BadName, NotStored):
            raise ItemNotFound from None
        name, media, cache = file.filename_download, media_of(file.type), REVALIDATED
    else:
        area, stat = await project.variants.ready(file.filename_disk, found)
        name, media, cache = _named(file.filename_download, found), found.media, _cached(session)
    known = file.checksum if file.checksum and file.checksum != EMPTY_DIGEST else stat.modified.timestamp()
    return Stored(
        area,
        stat,
        media,
        name or file.filename_disk,
        tag(known, stat.size, "" if found is None else found.place("")),
        cache=OWN if own else cache,
        vary="Accept" if found is not None and found.negotiable else "",
        saved=download,
    )


def _cached(session: Session) -> str:
    text = (session.snapshot.setting("thumbnail_cache_ttl") or "").strip()
    seconds = int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else 0
    return f"max-age={seconds}, public" if seconds else REVALIDATED


def _named(filename: str, found: Variant) -> str:
    """The name to save a variant by: with another extension where it has another format."""
    if not found.converted or not filename:
        return filename
    stem, dot, _ = filename.rpartition(".")
    return f"{stem if dot and stem else filename}.{found.format}"


def _url(session: Session, alias: str, given: Mapping[str, Any]) -> str:
    query = urlencode(links.shown(given))
    place = f"{session.context.base_url}/{quote(session.project.key, safe='')}/assets/{quote(alias, safe='')}"
    return f"{place}?{query}" if query else place
