"""In charge of contents that a URL leads to (spec 04 §3.5): pictures and PDFs are fetched, films of others embedded.

Every request goes through `core.events.fetch`, which reaches public addresses only; nothing is sent but the request.
"""

from __future__ import annotations

import asyncio
import re
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import parse_qs, quote, unquote, urlsplit

import orjson

from core.events.addresses import Allowed
from core.files.content import TooLarge, spooled
from core.files.kinds import EXTENSIONS, extension
from core.files.names import plain
from core.files.upload import Upload

if TYPE_CHECKING:
    from core.events.fetch import Fetcher

REDIRECTS = 3
CONNECT, TOTAL, OF_PROVIDER = 5.0, 30.0, 10.0
MOST_OF_ANSWER = 1_000_000
MOST_OF_PREVIEW = 10_000_000
VIDEO_ID = re.compile(r"[A-Za-z0-9_-]{1,100}")
VIMEO_PATH = re.compile(r"/(?:video/)?([0-9]{1,20})(?:/|\Z)")
DURATION = re.compile(r"P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?")
TITLE, TEXT, TAGS = 255, 10_000, 255


class NotImportable(Exception):
    """A URL that leads to nothing that may be imported."""


@dataclass(frozen=True, slots=True)
class Film:
    """A film of another server. `provider`: youtube or vimeo. What the provider was not asked for is empty."""

    provider: str
    id: str
    title: str = ""
    description: str = ""
    tags: tuple[str, ...] = ()
    duration: int = 0
    width: int = 560
    height: int = 340
    preview: str = ""
    """URL of a picture."""

    @property
    def kind(self) -> str:
        return f"embed/{self.provider}"

    @property
    def name(self) -> str:
        return f"{self.provider}_{self.id}.jpg"


@dataclass(frozen=True, slots=True)
class Places:
    """Where providers answer; others in tests."""

    youtube: str = "https://www.googleapis.com/youtube/v3/videos"
    youtube_preview: str = "https://img.youtube.com/vi/{}/0.jpg"
    vimeo: str = "https://vimeo.com/api/v2/video/{}.json"


class Web(Protocol):
    """Who fetches."""

    async def file(self, url: str, most: int) -> Upload: ...

    async def film(self, film: Film, key: str | None) -> tuple[Film, Upload | None]: ...


def whole(url: str) -> str:
    """A URL with its scheme, which may be left out."""
    return f"https:{url}" if url.startswith("//") else url


def film_of(url: str) -> Film | None:
    """The film that a URL names, if it does."""
    try:
        parts = urlsplit(whole(url))
    except ValueError:
        return None
    host = (parts.hostname or "").lower().removeprefix("www.").removeprefix("m.")
    if host == "youtube.com":
        found = parse_qs(parts.query).get("v", [""])[0]
    elif host == "youtu.be":
        found = parts.path.strip("/").partition("/")[0]
    elif host in ("vimeo.com", "player.vimeo.com"):
        number = VIMEO_PATH.match(parts.path)
        return Film("vimeo", number[1], height=540) if number is not None else None
    else:
        return None
    return Film("youtube", found) if VIDEO_ID.fullmatch(found) else None


class OpenWeb:
    """The web as it is. Belongs to the event loop that uses it."""

    def __init__(self, allow: Iterable[str], places: Places | None = None) -> None:
        self._allowed = Allowed.of(allow)
        self._places = places or Places()
        self._fetcher: Fetcher | None = None

    async def close(self) -> None:
        """End what is open."""
        fetcher, self._fetcher = self._fetcher, None
        if fetcher is not None:
            await fetcher.close()

    async def file(self, url: str, most: int) -> Upload:
        """The picture or PDF that a URL leads to, under the name that it gets. Raises NotImportable, TooLarge."""
        upload, media, address = await self._take(url, most, TOTAL)
        stem = plain(unquote(urlsplit(address).path))
        stem = stem.rpartition(".")[0] if "." in stem else stem
        end = EXTENSIONS.get(media) or extension(plain(urlsplit(address).path))
        name = stem or secrets.token_hex(16)
        return Upload(upload.file, f"{name}.{end}" if end else name, upload.size)

    async def _take(self, url: str, most: int, seconds: float) -> tuple[Upload, str, str]:
        from core.events.fetch import FetchFailed, Limits

        limits = Limits(CONNECT, seconds, most, REDIRECTS)
        file, size = spooled(), 0
        try:
            async with self._fetch().open("GET", whole(url), limits=limits) as (answer, chunks):
                media = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
                if not 200 <= answer.status < 300 or not (media.startswith("image/") or "pdf" in media):
                    raise NotImportable
                async for chunk in chunks:
                    size += len(chunk)
                    if size > most:
                        raise TooLarge
                    await asyncio.to_thread(file.write, chunk)
        except FetchFailed:
            file.close()
            raise NotImportable from None
        except BaseException:
            file.close()
            raise
        return Upload(file, "", size), media, answer.url or url

    async def film(self, film: Film, key: str | None) -> tuple[Film, Upload | None]:
        """What the provider tells of a film, and its preview; what it does not tell stays as it is."""
        told = await (self._youtube(film, key) if film.provider == "youtube" else self._vimeo(film))
        if not told.preview:
            return told, None
        try:
            upload, _, _ = await self._take(told.preview, MOST_OF_PREVIEW, OF_PROVIDER)
        except (NotImportable, TooLarge):
            return told, None
        return told, upload

    async def _youtube(self, film: Film, key: str | None) -> Film:
        preview = self._places.youtube_preview.format(film.id)
        told: Any = None
        if key:
            query = f"?part=snippet,contentDetails&id={film.id}&key={quote(key, safe='')}"
            told = _first(_member(await self._json(self._places.youtube + query), "items"))
        snippet = _member(told, "snippet")
        length = DURATION.fullmatch(str(_member(_member(told, "contentDetails"), "duration") or ""))
        days, hours, minutes, seconds = (int(part or 0) for part in length.groups()) if length else (0, 0, 0, 0)
        return Film(
            film.provider,
            film.id,
            title=_text(_member(snippet, "title"), TITLE),
            description=_text(_member(snippet, "description"), TEXT),
            tags=_tags(_member(snippet, "tags")),
            duration=((days * 24 + hours) * 60 + minutes) * 60 + seconds,
            preview=preview,
        )

    async def _vimeo(self, film: Film) -> Film:
        told = _first(await self._json(self._places.vimeo.format(film.id)))
        tags = _member(told, "tags")
        return Film(
            film.provider,
            film.id,
            title=_text(_member(told, "title"), TITLE),
            description=_text(_member(told, "description"), TEXT),
            tags=_tags(tags.split(",") if isinstance(tags, str) else tags),
            duration=_number(_member(told, "duration"), 0),
            width=_number(_member(told, "width"), film.width),
            height=_number(_member(told, "height"), film.height),
            preview=_text(_member(told, "thumbnail_large"), 1000),
        )

    async def _json(self, url: str) -> Any:
        from core.events.fetch import FetchFailed, Limits

        try:
            answer = await self._fetch().fetch(
                "GET", url, limits=Limits(CONNECT, OF_PROVIDER, MOST_OF_ANSWER, REDIRECTS)
            )
            return orjson.loads(answer.content) if answer.status == 200 else None
        except (FetchFailed, orjson.JSONDecodeError):
            return None

    def _fetch(self) -> Fetcher:
        if self._fetcher is None:
            from core.events.fetch import Fetcher

            self._fetcher = Fetcher(self._allowed)
        return self._fetcher


def _member(value: Any, name: str) -> Any:
    return value.get(name) if isinstance(value, dict) else None


def _first(value: Any) -> Any:
    return value[0] if isinstance(value, list) and value else None


def _text(value: Any, most: int) -> str:
    return "".join(one for one in value if one.isprintable() or one == "\n")[:most] if isinstance(value, str) else ""


def _tags(value: Any) -> tuple[str, ...]:
    found: list[str] = []
    for one in value if isinstance(value, list) else []:
        tag = _text(one, 100).replace(",", " ").strip()
        if tag and len(",".join([*found, tag])) <= TAGS:
            found.append(tag)
    return tuple(found)


def _number(value: Any, otherwise: int) -> int:
    found = isinstance(value, int) and not isinstance(value, bool) and 0 < value < 2**31
    return value if found else otherwise
