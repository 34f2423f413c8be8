"""In charge of what can be read from the bytes of a file: checksum, type, size of a picture, captions (spec 04 §3).

It reads headers and decodes no picture. Everything here runs in a thread.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO

import structlog

from core.files.kinds import HEAD, is_text, sniffed

BLOCK = 1024 * 1024
ICON = "image/x-icon"
LONGEST_TAGS, LONGEST_LOCATION, LONGEST_DESCRIPTION = 255, 200, 10_000
FORMATS: Mapping[str, str] = {
    "image/jpeg": "JPEG", "image/png": "PNG", "image/gif": "GIF", "image/webp": "WEBP", "image/tiff": "TIFF",
    "image/bmp": "BMP", "image/avif": "AVIF", "image/vnd.adobe.photoshop": "PSD",
}  # fmt: skip
"""Type by the first bytes → the one decoder whose header reader is asked."""

CAPTION, KEYWORDS, CITY, STATE, COUNTRY = (2, 120), (2, 25), (2, 90), (2, 95), (2, 101)


@dataclass(frozen=True, slots=True)
class Facts:
    """What a content is. `kind`: its type by its first bytes. The captions of IPTC are texts, "" without one."""

    size: int
    checksum: str
    kind: str
    text: bool
    width: int | None = None
    height: int | None = None
    description: str = ""
    location: str = ""
    tags: tuple[str, ...] = ()


def facts(file: BinaryIO, by_name: str) -> Facts:
    """Look at a file from its beginning. `by_name`: the type that its name says. Raises OSError."""
    file.seek(0)
    head = file.read(HEAD)
    kind = sniffed(head, by_name)
    digest, size = hashlib.md5(head, usedforsecurity=False), len(head)
    while block := file.read(BLOCK):
        digest.update(block)
        size += len(block)
    found = _icon(head) if kind == ICON else _picture(file, kind) if kind in FORMATS else {}
    return Facts(size, digest.hexdigest(), kind, is_text(head), **found)


def _icon(head: bytes) -> dict[str, Any]:
    """Width and height of the largest picture of an icon, from its directory: the decoder reads whole pictures."""
    count = int.from_bytes(head[4:6], "little")
    entries = [head[at : at + 2] for at in range(6, 6 + 16 * count, 16) if at + 16 <= len(head)]
    sizes = [(entry[0] or 256, entry[1] or 256) for entry in entries]
    if not sizes:
        return {}
    width, height = max(sizes, key=lambda size: size[0] * size[1])
    return {"width": width, "height": height}


def _picture(file: BinaryIO, kind: str) -> dict[str, Any]:
    """Width, height and captions of a picture; nothing of one whose header cannot be read or promises too much."""
    from PIL import Image, IptcImagePlugin

    file.seek(0)
    try:
        with Image.open(file, formats=(FORMATS[kind],)) as picture:
            width, height = picture.size
            captions: Mapping[Any, Any] = {}
            with contextlib.suppress(Exception):  # of many broken kinds; a file without captions is a file
                captions = IptcImagePlugin.getiptcinfo(picture) or {}
    except Exception as error:
        # Whatever a decoder makes of hostile bytes, the file is kept: it is not our business to show it.
        structlog.get_logger().info("no size of a picture", error=type(error).__name__)
        return {}
    return {"width": width, "height": height, **_captions(captions)}


def _captions(found: Mapping[Any, Any]) -> dict[str, Any]:
    place = ", ".join(text for key in (CITY, STATE, COUNTRY) if (text := _text(found.get(key))))
    words = found.get(KEYWORDS) or []
    tags = tuple(text for one in (words if isinstance(words, list) else [words]) if (text := _word(one)))
    while len(",".join(tags)) > LONGEST_TAGS:
        tags = tags[:-1]
    return {
        "description": _text(found.get(CAPTION))[:LONGEST_DESCRIPTION],
        "location": place[:LONGEST_LOCATION],
        "tags": tags,
    }


def _word(value: Any) -> str:
    return _text(value).replace(",", " ").strip()


def _text(value: Any) -> str:
    if isinstance(value, list):
        value = value[0] if value else b""
    if isinstance(value, bytes):
        try:
            value = value.decode()
        except UnicodeDecodeError:
            value = value.decode("latin-1")
    return "".join(one for one in str(value or "") if one.isprintable() or one == "\n").strip()
