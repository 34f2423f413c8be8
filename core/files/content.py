"""In charge of contents that come as text (spec 04 §3.4): base64 and data URIs become files, URLs are recognised."""

from __future__ import annotations

import binascii
import re
from base64 import b64decode
from tempfile import SpooledTemporaryFile
from typing import BinaryIO, cast

from core.files.upload import Upload

IN_MEMORY = 1024 * 1024
"""Bytes of a file that are kept in memory; more go to disk."""
STEP = 4 * 256 * 1024
"""Characters of base64 that are decoded at a time."""

_URL = re.compile(r"(?:\w+:)?//[^\s.]+\.\S{2,}")
_URI = re.compile(r"data:[^,;]{0,200}(?:;[^,;]{0,200}){0,10};base64,", re.IGNORECASE)
_BLANKS = re.compile(r"\s+")


class NotBase64(ValueError):
    """A text that is no content."""


class TooLarge(Exception):
    """A content of more bytes than are allowed."""


def is_url(text: str) -> bool:
    """Whether text names a place in the web instead of being a content itself."""
    return _URL.match(text) is not None


def spooled() -> BinaryIO:
    """A file that has no name and is gone with the process, on disk once it is large."""
    return cast(BinaryIO, SpooledTemporaryFile(IN_MEMORY))  # handed on


def decoded(text: str, most: int) -> Upload:
    """The bytes of base64 or of a data URI, without a name; to be called in a thread.

    Raises NotBase64, TooLarge (more than `most` bytes).
    """
    uri = _URI.match(text)
    start = uri.end() if uri is not None else 0
    if (len(text) - start) // 4 * 3 > most + IN_MEMORY:
        raise TooLarge
    file, size, rest = spooled(), 0, ""
    try:
        for place in range(start, len(text), STEP):
            piece = rest + _BLANKS.sub("", text[place : place + STEP])
            cut = len(piece) - len(piece) % 4
            rest = piece[cut:]
            if "=" in piece[: cut - 4]:
                raise NotBase64  # the end came before the end
            size += file.write(_bytes(piece[:cut]))
            if size > most:
                raise TooLarge
        if rest:
            size += file.write(_bytes(rest + "=" * (-len(rest) % 4)))
        if size > most:
            raise TooLarge
    except BaseException:
        file.close()
        raise
    return Upload(file, "", size)


def _bytes(text: str) -> bytes:
    try:
        return b64decode(text.encode("ascii"), validate=True)
    except (binascii.Error, UnicodeEncodeError):
        raise NotBase64 from None
