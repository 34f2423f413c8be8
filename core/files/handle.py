"""In charge of a stored file on its way out: what is said of it beside its bytes, as frozen data. It sends nothing."""

from __future__ import annotations

import hashlib
import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import quote

from core.errors import ItemNotFound
from core.files.storage import NotStored, Stat

OCTETS = "application/octet-stream"
SVG = "image/svg+xml"
SCRIPTS = frozenset(
    f"{kind}/{name}" for kind in ("text", "application") for name in ("javascript", "x-javascript", "ecmascript")
)
_MEDIA = re.compile(r"[A-Za-z0-9][\w.+-]*/[A-Za-z0-9][\w.+-]*(?:; *charset=[\w-]+)?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Stored:
    """A file that may be sent. `area`: where it lies, an `Area` of the storage or what opens like one.

    `tag`: of its bytes, unquoted. `cache`: the header `Cache-Control`; `vary`: the header, "" for none. `saved`: it is
    to be saved, whatever it is.

    `mark`: nothing but the file is the answer, so it stands in no place of it.
    """

    area: Any
    stat: Stat
    media: str
    filename: str
    tag: str
    cache: str = "no-cache"
    vary: str = ""
    saved: bool = False
    mark: None = None

    @property
    def size(self) -> int:
        """In bytes."""
        return self.stat.size

    @property
    def modified(self) -> datetime:
        """When its bytes were stored, in whole seconds, as HTTP tells it."""
        return self.stat.modified.replace(microsecond=0)

    @property
    def active(self) -> bool:
        """A browser that shows it as a page may run scripts that stand in it."""
        return _is_active(self.media)

    @property
    def disposition(self) -> str:
        """The header `Content-Disposition`. What runs scripts is saved; SVG may be shown, without its scripts."""
        saved = self.saved or (self.active and _plain(self.media) != SVG)
        return disposition(self.filename, saved=saved)

    @asynccontextmanager
    async def open(self, start: int, end: int) -> AsyncIterator[AsyncIterator[bytes]]:
        """Its bytes from `start` up to, not including, `end`, in chunks. Raises ItemNotFound, StorageFailed."""
        async with AsyncExitStack() as stack:
            try:
                found = await stack.enter_async_context(self.area.open(self.stat.name, start, end))
            except (NotStored, ValueError):
                raise ItemNotFound from None
            if found.stat != self.stat:
                raise ItemNotFound  # it is just being replaced: other bytes would go under the tag of the former
            yield found.chunks


def disposition(filename: str, *, saved: bool) -> str:
    """`Content-Disposition` (RFC 6266): a plain name for old clients, the real one beside it."""
    filename = filename.encode("utf-8", "replace").decode()
    plain = "".join(one if one.isascii() and one.isprintable() and one not in '"\\%' else "_" for one in filename)
    kind = "attachment" if saved else "inline"
    return f"{kind}; filename=\"{plain}\"; filename*=UTF-8''{quote(filename, safe='')}"


def media_of(stored: str | None) -> str:
    """The media type that is sent for the column `type`; what is none is bytes of no certain kind."""
    if stored and stored.startswith("embed/"):
        return "image/jpeg"
    return stored if stored and _MEDIA.fullmatch(stored) else OCTETS


def tag(*parts: object) -> str:
    """A tag of all that makes bytes what they are."""
    return hashlib.blake2b("\0".join(map(str, parts)).encode(errors="replace"), digest_size=12).hexdigest()


def _plain(media: str) -> str:
    return media.partition(";")[0].strip().lower()


def _is_active(media: str) -> bool:
    plain = _plain(media)
    return plain in SCRIPTS or plain in ("text/html", "application/xhtml+xml") or plain.endswith(("/xml", "+xml"))
