"""In charge of taking contents in: text or bytes → checked, looked at, stored under a name that no row has yet.

Who may do it has been asked before; the row comes afterwards. What is stored here is removed again by whoever asked, if
no row comes to name it.
"""

from __future__ import annotations

import asyncio
import secrets
import string
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from core.errors import Path, Problem, ValidationFailed
from core.files import content, kinds, names, probe, remote
from core.files.probe import Facts
from core.files.remote import Film, NotImportable, OpenWeb, Web
from core.files.storage import Storage
from core.files.upload import Upload
from core.settings import ProjectConfig
from core.types.write import BLANK, INVALID

PROBES = 2
"""Files that are looked at, or decoded, at a time."""
LETTERS = string.digits + string.ascii_lowercase
HASH_LENGTH = 16
"""How names begin of bytes that wait for a commit, and of those that a commit makes superfluous."""
MOST_NUMBERS = 10_000
NOT_IMPORTABLE = "The URL does not point to an importable file."
EMPTY = "An empty file is not allowed."
BLOCKED = "Files with this extension are not allowed."
FROM_PART, FROM_TEXT, FROM_WEB = "part", "text", "web"

Setting = Callable[[str], str | None]


@dataclass(frozen=True, slots=True)
class Wish:
    """A content, and what is said of it.

    `disk`, `download`: names that the client has sent. `replaces`: the name on the disk of the file whose bytes these
    shall become; None: of a new file. `path`: where in the input it stands. `setting`: the project's settings.
    """

    content: Upload | str
    setting: Setting
    disk: Any = None
    download: Any = None
    replaces: str | None = None
    path: Path = ()

    def refused(self, message: str, name: str = "data") -> ValidationFailed:
        """An error of the content as a whole: v8 does not name the field in the message."""
        return ValidationFailed(message, problems=[Problem((*self.path, name), message)])

    def problem(self, name: str, message: str) -> ValidationFailed:
        return ValidationFailed.of([Problem((*self.path, name), message)])


@dataclass(frozen=True, slots=True)
class Taken:
    """A content that is stored under `name`; "" when there is none to store.

    `columns`: of the row, as the server decides them. `defaults`: of the row, where the client says nothing.
    """

    name: str
    columns: Mapping[str, Any]
    defaults: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Source:
    upload: Upload
    origin: str
    film: Film | None = None


class Intake:
    """Where the contents of one project come in. Belongs to one event loop."""

    def __init__(self, config: ProjectConfig, storage: Storage, web: Web | None = None) -> None:
        self._storage = storage
        self._config = config
        self._most: int = config.get("storage.max_upload_size")
        self._blocked: tuple[str, ...] = config.get("storage.blocked_extensions", ())
        self._turn = asyncio.Semaphore(PROBES)
        self._own = OpenWeb(config.get("files.remote_import_allow_hosts", ()))
        self.web: Web = web or self._own

    async def close(self) -> None:
        """End what is open."""
        await self._own.close()

    async def take(self, wish: Wish) -> Taken:
        """Take a content in. Raises ValidationFailed, StorageFailed; then nothing of it is left."""
        _require(wish)
        source = await self._source(wish)
        try:
            if source.film is not None:
                return await self._film(wish, source.film, source.upload if source.upload.size else None)
            return await self._stored(wish, source)
        finally:
            if source.origin != FROM_PART:  # a part belongs to who brought it
                source.upload.close()

    # Where it comes from

    async def _source(self, wish: Wish) -> _Source:
        given = wish.content
        if isinstance(given, Upload):
            return _Source(given, FROM_PART)
        if not content.is_url(given):
            try:
                async with self._turn:
                    return _Source(await asyncio.to_thread(content.decoded, given, self._most), FROM_TEXT)
            except content.NotBase64:
                raise wish.problem("data", INVALID) from None
            except content.TooLarge:
                raise self._too_large(wish) from None
        film = remote.film_of(given)
        if film is not None and wish.replaces is None:
            return await self._asked(wish, film)
        if not self._config.get("files.remote_import"):
            raise wish.problem("data", NOT_IMPORTABLE)
        try:
            return _Source(await self.web.file(given, self._most), FROM_WEB)
        except NotImportable:
            raise wish.problem("data", NOT_IMPORTABLE) from None
        except content.TooLarge:
            raise self._too_large(wish) from None

    async def _asked(self, wish: Wish, film: Film) -> _Source:
        preview: Upload | None = None
        if self._config.get("files.embeds"):
            film, preview = await self.web.film(film, wish.setting("youtube_api_key"))
        return _Source(preview or Upload(content.spooled(), "", 0), FROM_WEB, film)

    # A file

    async def _stored(self, wish: Wish, source: _Source) -> Taken:
        upload = source.upload
        if not upload.size:
            raise wish.refused(EMPTY)
        if upload.size > self._most:
            raise self._too_large(wish)
        given, download = _names(wish, source)
        target = self._target(wish, given)
        kind = kinds.type_of(target)
        async with self._turn:
            found = await asyncio.to_thread(probe.facts, upload.file, kind)
        imported = found.kind.startswith("image/") or found.kind == "application/pdf"
        if source.origin == FROM_WEB and not imported:
            raise wish.problem("data", NOT_IMPORTABLE)
        self._check_type(wish, found.kind, kind)
        columns = {**_content_columns(found, source, wish), "storage": self._storage.adapter, "type": kind}
        if wish.replaces is not None:
            name = names.STAGED + secrets.token_hex(16)
            await self._storage.originals.put(name, upload.file, kind)
            return Taken(name, columns)
        name = await self._put(target, upload, kind, random=self._random(wish))
        columns |= {"filename_disk": name, "private_hash": new_hash(), "embed": None}
        if source.origin == FROM_WEB:
            columns["filename_download"] = download
        return Taken(name, columns, _defaults(found, download, given))

    def _target(self, wish: Wish, given: str) -> str:
        """The name that the file gets on the disk, if it is free. Raises ValidationFailed for a blocked extension."""
        if wish.replaces is not None:
            target = wish.disk if names.is_disk_name(wish.disk) else wish.replaces
        else:
            target = names.by_id(given, uuid4()) if self._random(wish) else names.sanitised(given)
        self.check_name(wish, target, given)
        return target

    def check_name(self, wish: Wish, *given: str) -> None:
        """Raise ValidationFailed for names whose extension is blocked."""
        if names.is_blocked(given[0], self._blocked) or any(kinds.extension(one) in self._blocked for one in given):
            raise wish.problem("filename_disk", BLOCKED)

    def check_kind(self, wish: Wish, name: str) -> None:
        """Raise ValidationFailed for a name that says a type that is not allowed."""
        self._check_type(wish, kinds.type_of(name))

    def _check_type(self, wish: Wish, *found: str) -> None:
        whitelist = wish.setting("file_mimetype_whitelist")
        if not kinds.allowed(whitelist, *found):
            entries = ",".join(one.strip() for one in (whitelist or "").split(",") if one.strip())
            raise wish.refused(f"The mime type of the file is invalid.Allowed mime types are {entries}.")

    def _random(self, wish: Wish) -> bool:
        return (wish.setting("file_naming") or "uuid") == "uuid"

    async def _put(self, target: str, upload: Upload, kind: str, *, random: bool) -> str:
        """Store bytes under a free name like `target`, which is returned."""
        originals, name = self._storage.originals, target
        if not random:
            for number in range(MOST_NUMBERS):
                name = names.numbered(target, number) if number else target
                if await originals.reserve(name):
                    break
            else:
                name = f"{uuid4().hex}-{target}"[-names.LONGEST :]
        try:
            await originals.put(name, upload.file, kind)
        except BaseException:
            if not random:
                await asyncio.shield(originals.delete(name))
            raise
        return name

    def _too_large(self, wish: Wish) -> ValidationFailed:
        return wish.refused(f"The file is too large. Allowed maximum size is {self._most}.")

    # A film

    async def _film(self, wish: Wish, film: Film, preview: Upload | None) -> Taken:
        self._check_type(wish, film.kind)
        target = self._target(wish, film.name)
        name = ""
        if preview is None:
            target = names.by_id(film.name, uuid4())  # nothing is stored there, so only chance keeps it apart
        else:
            name = target = await self._put(target, preview, "image/jpeg", random=self._random(wish))
        columns: dict[str, Any] = {
            "storage": self._storage.adapter,
            "filename_disk": target,
            "filename_download": film.name,
            "type": film.kind,
            "charset": "",
            "filesize": 0,
            "width": film.width,
            "height": film.height,
            "duration": film.duration,
            "embed": film.id,
            "checksum": None,
            "private_hash": new_hash(),
        }
        known = {"youtube": "YouTube", "vimeo": "Vimeo"}[film.provider]
        defaults = {
            "title": film.title or f"{known} - {film.id}",
            "description": film.description,
            "location": "",
            "tags": list(film.tags),
        }
        return Taken(name, columns, defaults)


def new_hash() -> str:
    """A private hash: what the URL of an asset is made of."""
    return "".join(secrets.choice(LETTERS) for _ in range(HASH_LENGTH))


def _require(wish: Wish) -> None:
    """Names that a content in text does not bring along. Raises ValidationFailed."""
    if wish.replaces is not None or isinstance(wish.content, Upload) or content.is_url(wish.content):
        return
    missing = [
        Problem((*wish.path, name), BLANK)
        for name, value in (("filename_disk", wish.disk), ("filename_download", wish.download))
        if value in (None, "")
    ]
    if missing:
        raise ValidationFailed.of(missing)


def _names(wish: Wish, source: _Source) -> tuple[str, str]:
    """The names that a file would have by what was sent: on the disk, and for downloads."""
    own = names.plain(source.upload.name)
    if source.origin == FROM_WEB:
        return own, own
    disk = wish.disk if isinstance(wish.disk, str) and wish.disk else own
    download = wish.download if isinstance(wish.download, str) and wish.download else own or names.plain(disk)
    return disk or download or names.NAMELESS, download or names.NAMELESS


def _content_columns(found: Facts, source: _Source, wish: Wish) -> dict[str, Any]:
    binary = (source.origin != FROM_PART or wish.replaces is not None) and not found.text
    return {
        "filesize": found.size,
        "checksum": found.checksum,
        "width": found.width,
        "height": found.height,
        "duration": 0,
        "charset": "binary" if binary else "",
    }


def _defaults(found: Facts, download: str, given: str) -> dict[str, Any]:
    return {
        "filename_download": download,
        "title": names.title_of(download or given),
        "description": found.description,
        "location": found.location,
        "tags": list(found.tags),
    }
