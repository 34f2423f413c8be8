"""In charge of bodies of parts: texts and files, spooled to disk as they come, within limits. What they mean is not
known here.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from dataclasses import dataclass, field
from email.message import Message
from typing import Any, BinaryIO, cast

from python_multipart.exceptions import FormParserError
from starlette.datastructures import Headers, UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser

from core.errors import BadRequest, BatchUpload, InvalidPayload, UploadCutOff
from core.files.upload import Upload
from rest_adapter import body, params
from rest_adapter.request import Request

OVERHEAD = 1024 * 1024
"""Bytes that a body may have beside the file."""
MOST_TEXT = 10 * 1024 * 1024
LONGEST_BOUNDARY = 200


@dataclass(frozen=True, slots=True)
class Parts:
    """What a body holds, in its order. Whoever asked for it closes it."""

    texts: list[tuple[str, str]] = field(default_factory=list)
    files: list[tuple[str, Upload]] = field(default_factory=list)

    def close(self) -> None:
        """Let go of the files."""
        for _, file in self.files:
            file.close()


def is_multipart(request: Request) -> bool:
    """Whether the body says that it has parts."""
    return (request.header(b"content-type") or "").lower().lstrip().startswith("multipart/form-data")


async def read(request: Request, limit: int, *, most_files: int = 1) -> Parts:
    """The parts of a body. `limit`: bytes of all of it.

    Raises PayloadTooLarge, BatchUpload (more files than allowed), BadRequest (too many parts), InvalidPayload (no parts
    can be read), UploadCutOff (its end is missing), ClientDisconnect.
    """
    chunks = body.chunks(request, limit)
    boundary = _declared(request.header(b"content-type") or "")
    first = b""
    if not boundary:  # some clients name none (spec 04 §3.4)
        first, boundary = await _found(chunks)
    whole = _Watched(first, chunks, b"--" + boundary + b"--")
    named = Headers({"content-type": f'multipart/form-data; boundary="{boundary.decode("latin-1")}"'})
    parser = MultiPartParser(
        named, whole.chunks(), max_files=most_files, max_fields=params.MOST_PARAMETERS, max_part_size=MOST_TEXT
    )
    found = Parts()
    # The parser itself closes them after errors of its own kind alone.
    begun: Sequence[BinaryIO] = cast(Any, parser)._files_to_close_on_error
    try:
        form = await parser.parse()
        if not whole.ended:
            raise UploadCutOff if begun else InvalidPayload
    except BaseException as error:
        for file in begun:
            file.close()
        if isinstance(error, MultiPartException):
            raise _refused(error) from None
        if isinstance(error, FormParserError | UnicodeError | LookupError):
            raise InvalidPayload from None
        raise
    for name, value in form.multi_items():
        if isinstance(value, UploadFile):
            found.files.append((name, Upload(value.file, value.filename or "", value.size or 0)))
        else:
            found.texts.append((name, value))
    return found


class _Watched:
    """A body that goes by, and whether its end has been seen."""

    def __init__(self, first: bytes, chunks: AsyncIterator[bytes], end: bytes) -> None:
        self._first, self._chunks, self._end = first, chunks, end
        self.ended = False

    async def chunks(self) -> AsyncGenerator[bytes, None]:
        before = b""
        if self._first:
            before = self._look(b"", self._first)
            yield self._first
        async for chunk in self._chunks:
            before = self._look(before, chunk)
            yield chunk

    def _look(self, before: bytes, chunk: bytes) -> bytes:
        seen = before + chunk
        self.ended = self.ended or self._end in seen
        return seen[-len(self._end) :]


def _declared(content_type: str) -> bytes:
    message = Message()
    message["content-type"] = content_type.replace("\r", " ").replace("\n", " ")
    found = message.get_param("boundary")
    try:
        return found.strip('" ').encode("latin-1") if isinstance(found, str) else b""
    except UnicodeEncodeError:
        raise InvalidPayload from None


async def _found(chunks: AsyncIterator[bytes]) -> tuple[bytes, bytes]:
    """The beginning of a body, and the boundary that its first line is. Raises InvalidPayload."""
    begun = b""
    async for chunk in chunks:
        begun += chunk
        if b"\n" in begun or len(begun) > LONGEST_BOUNDARY + 4:
            break
    line = begun.partition(b"\n")[0].rstrip(b"\r")
    if not line.startswith(b"--") or not 2 < len(line) <= LONGEST_BOUNDARY or b'"' in line:
        raise InvalidPayload
    return begun, line[2:]


def _refused(error: MultiPartException) -> Exception:
    if "Too many files" in error.message:
        return BatchUpload()
    if "Too many" in error.message:
        return BadRequest(f"More than {params.MOST_PARAMETERS} parameters")
    return InvalidPayload()
