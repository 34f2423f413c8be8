"""In charge of which variant of a picture a request means: presets, whitelists, formats (spec 04 §5). Pure.

It reads no picture and no storage; names of variants are those under which Directus 8 stored them, as far as it did.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from core.catalog.model import Snapshot
from core.errors import Problem, Unprocessable
from core.types.numbers import number
from core.types.write import BLANK, INVALID

NO_NUMBER = "This value should be of type numeric."
MOST_PIXELS = 6000
"""Of the width and of the height of a variant."""
BEST = 100
MOST_OF_AVIF = 4_000_000
"""Pixels of the largest picture for which AVIF is chosen unasked: making it takes long."""
CONTAIN = "contain"
LONGEST_NAME = 255
"""Bytes of a name in a folder."""

MEDIA: Mapping[str, str] = {
    "jpg": "image/jpeg",
    "jpeg": "image/jpeg",
    "png": "image/png",
    "gif": "image/gif",
    "webp": "image/webp",
    "avif": "image/avif",
}
"""Formats that a variant may have."""
ENCODERS: Mapping[str, str] = {
    "jpg": "JPEG", "jpeg": "JPEG", "png": "PNG", "gif": "GIF", "webp": "WEBP", "avif": "AVIF",
}  # fmt: skip
SOURCES: Mapping[str, str] = {
    "jpg": "jpg", "jpeg": "jpeg", "gif": "gif", "png": "png", "webp": "webp",
    "tif": "jpg", "tiff": "jpg", "bmp": "jpg", "psd": "jpg",
}  # fmt: skip
"""Extension of an original → the format that its variants have unasked."""


@dataclass(frozen=True, slots=True)
class Size:
    """An entry of a whitelist, as numbers; `quality` 0 is the encoder's own."""

    width: int
    height: int
    fit: str
    quality: int

    @property
    def folder(self) -> str:
        """The folder of its variants in the storage."""
        return f"w{self.width},h{self.height},f{self.fit},q{self.quality}"


@dataclass(frozen=True, slots=True)
class Variant:
    """A size in a format. `converted`: not that of the original. `negotiable`: another `Accept` may have chosen another
    format. `listed`: the size stands in a whitelist."""

    size: Size
    format: str
    converted: bool = False
    negotiable: bool = False
    listed: bool = True

    @property
    def media(self) -> str:
        return MEDIA[self.format]

    def place(self, original: str) -> str:
        """The name in the storage. Converted ones have a folder of their own: `a.png` and `a.jpg` may both exist."""
        folder = self.size.folder
        if not self.converted:
            return f"{folder}/{original}"
        return f"{folder},{self.format}/{converted(original, self.format)}"

    def order(self) -> dict[str, Any]:
        """The arguments of `picture.make`."""
        size = self.size
        return {
            "width": size.width,
            "height": size.height,
            "fit": size.fit,
            "quality": size.quality,
            "form": ENCODERS[self.format],
        }


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a request says, as it says it. `accept`: the header; `formats`: those that it may choose, best first."""

    key: Any = None
    w: Any = None
    h: Any = None
    f: Any = None
    q: Any = None
    format: Any = None
    accept: str = ""
    formats: Sequence[str] = ()

    @property
    def original(self) -> bool:
        """The bytes as they are: a format alone changes nothing."""
        return not self.key and all(value in (None, "") for value in (self.w, self.h, self.f, self.q))


def converted(original: str, form: str) -> str:
    """The name of a variant that has another format than its original would have unasked."""
    name = f"{original}.{form}"
    if len(name.encode(errors="replace")) <= LONGEST_NAME:
        return name
    return f"{hashlib.blake2b(original.encode(errors='replace'), digest_size=16).hexdigest()}.{form}"


def variant(wanted: Wanted, snapshot: Snapshot, original: str) -> Variant | None:
    """The variant of an original of this name on the disk; None: the original itself. Raises Unprocessable."""
    if wanted.original:
        return None
    size, listed = _size(wanted, snapshot)
    extension = original.rpartition(".")[2].lower() if "." in original else ""
    own = SOURCES.get(extension)
    if own is None:
        raise Unprocessable("Invalid file extension.")
    if wanted.format in (None, ""):
        better = _better(wanted, own, size)
        return Variant(size, better or own, (better or own) != extension, bool(wanted.formats), listed)
    asked = wanted.format.lower() if isinstance(wanted.format, str) else ""
    if asked not in MEDIA:
        raise Unprocessable("Invalid file format.")
    if ENCODERS[asked] == ENCODERS.get(extension):
        asked = extension
    return Variant(size, asked, asked != extension, listed=listed)


def _size(wanted: Wanted, snapshot: Snapshot) -> tuple[Size, bool]:
    if wanted.key:
        found = next((size for key, size in presets(snapshot) if key == wanted.key), None)
        if found is None:
            raise Unprocessable("Key doesn't exist.")
        _check(found)
        return found, True
    values = _numbers(wanted)
    fit = str(wanted.f)
    listed = any((size.width, size.height, size.quality) == values and size.fit == fit for _, size in presets(snapshot))
    if not listed and _parsed(snapshot, "asset_whitelist"):
        raise Unprocessable("The params don't match the asset whitelist.")
    width, height, quality = (int(value) for value in values)
    size = Size(width, height, _fit(fit), quality)
    _check(size)
    return size, listed


def _numbers(wanted: Wanted) -> tuple[Any, Any, Any]:
    """Width, height and quality. Raises Unprocessable with all that is missing or wrong, in v8's order and words."""
    problems: list[Problem] = []
    found: dict[str, Any] = {}
    for name, value in (("w", wanted.w), ("h", wanted.h), ("q", wanted.q)):
        if value in (None, ""):
            problems += [Problem((name,), BLANK), Problem((name,), NO_NUMBER)]
            continue
        found[name] = None if isinstance(value, bool) else number(value)
        if found[name] is None:
            problems.append(Problem((name,), NO_NUMBER))
    if not isinstance(wanted.f, str) or not wanted.f:
        problems.append(Problem(("f",), BLANK))
    if problems:
        raise _refused(problems)
    return found["w"], found["h"], found["q"]


def _check(size: Size) -> None:
    sides = [(name, value) for name, value in (("w", size.width), ("h", size.height)) if not 1 <= value <= MOST_PIXELS]
    problems = [Problem((name,), INVALID) for name, _ in sides]
    if not 0 <= size.quality <= BEST:
        problems.append(Problem(("q",), INVALID))
    if problems:
        raise _refused(problems)


def _refused(problems: Sequence[Problem]) -> Unprocessable:
    texts: dict[str, list[str]] = {}
    for problem in problems:
        texts.setdefault(str(problem.path[0]), []).append(problem.message)
    return Unprocessable(" ".join(f"{name}: {' '.join(lines)}" for name, lines in texts.items()), problems=problems)


def presets(snapshot: Snapshot) -> Iterator[tuple[str, Size]]:
    """The sizes that may be asked for, by key, those of the system first. What is no size is left out."""
    for setting in ("asset_whitelist_system", "asset_whitelist"):
        for entry in _entries(snapshot, setting):
            values = [number(entry.get(name)) for name in ("width", "height", "quality")]
            if None not in values and isinstance(entry.get("fit"), str):
                width, height, quality = (int(value) for value in values if value is not None)
                yield str(entry.get("key", "")), Size(width, height, _fit(entry["fit"]), quality)


def _fit(text: str) -> str:
    return CONTAIN if text == CONTAIN else "crop"


def _entries(snapshot: Snapshot, setting: str) -> Iterator[Mapping[str, Any]]:
    yield from (entry for entry in _parsed(snapshot, setting) if isinstance(entry, dict))


def _parsed(snapshot: Snapshot, setting: str) -> list[Any]:
    try:
        found = orjson.loads(snapshot.setting(setting) or "[]")
    except orjson.JSONDecodeError:
        return []
    return found if isinstance(found, list) else []


def _better(wanted: Wanted, own: str, size: Size) -> str | None:
    """The first of the formats that the client names itself; `*/*` and `image/*` say nothing of what it can show."""
    accepted = _accepted(wanted.accept)
    for form in wanted.formats:
        if form == own:
            return None
        if MEDIA.get(form) in accepted and (form != "avif" or size.width * size.height <= MOST_OF_AVIF):
            return form
    return None


def _accepted(header: str) -> frozenset[str]:
    found = set()
    for part in header.lower().split(","):
        media, *parameters = (piece.strip() for piece in part.split(";"))
        weights = [number(one[2:]) for one in parameters if one.startswith("q=")]
        if all(weight is None or weight > 0 for weight in weights):
            found.add(media)
    return frozenset(found)
