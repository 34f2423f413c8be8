"""In charge of a file that comes in as a body: spooled to disk under the size limit and handed on unread."""

from __future__ import annotations

import asyncio
from tempfile import SpooledTemporaryFile
from typing import Any, BinaryIO, cast

from starlette.datastructures import Headers, UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser

from core.errors import InvalidPayload, Problem, ValidationFailed
from core.files.upload import Upload
from core.transfer.source import Source
from rest_adapter import body, multipart, params
from rest_adapter.call import Call
from rest_adapter.request import Request

IN_MEMORY = 1024 * 1024
"""Bytes of a file that are kept in memory; more go to disk."""


async def received(request: Request, limit: int) -> Source:
    """The file of a request: its body, or the one file among the parts of a form. Whoever asks closes it.

    Raises InvalidPayload for an empty or unreadable body, ValidationFailed for none or several files, PayloadTooLarge,
    ClientDisconnect.
    """
    media = request.header(b"content-type") or ""
    if media.lower().startswith("multipart/"):
        return await _part(request, limit)
    file = cast(BinaryIO, SpooledTemporaryFile(IN_MEMORY))  # noqa: SIM115 - handed on
    try:
        size = 0
        async for chunk in body.chunks(request, limit):
            size += len(chunk)
            if size > IN_MEMORY:
                await asyncio.to_thread(file.write, chunk)
            else:
                file.write(chunk)
        if not size:
            raise InvalidPayload
    except BaseException:
        file.close()
        raise
    return Source(file, media=media)


async def _part(request: Request, limit: int) -> Source:
    parser = MultiPartParser(Headers(raw=request.scope["headers"]), body.chunks(request, limit), max_files=1)
    try:
        form = await parser.parse()
    except MultiPartException as error:
        if "Too many files" in error.message:
            raise _one_file() from None
        raise InvalidPayload from None
    files = [value for _, value in form.multi_items() if isinstance(value, UploadFile)]
    if len(files) != 1:
        await form.close()
        raise _one_file()
    return Source(files[0].file, media=files[0].content_type or "", name=files[0].filename or "")


def _one_file() -> ValidationFailed:
    return ValidationFailed.of([Problem(("data",), "One file should be sent.")])


async def file_of(request: Request, limit: int) -> tuple[dict[str, Any], Upload | None]:
    """The attributes and the file of a form, at most one. `limit`: bytes of the file.

    Raises what `multipart.read` does.
    """
    parts = await multipart.read(request, limit + multipart.OVERHEAD)
    try:
        attributes = params.assemble(parts.texts)
    except BaseException:
        parts.close()
        raise
    return attributes, parts.files[0][1] if parts.files else None


def content(call: Call) -> dict[str, Any]:
    """The payload of a file that came as a form: the file itself counts before a text of its name (spec 04 §3.4)."""
    attributes = dict(call.attributes)
    return {"payload": {**attributes, "data": call.upload} if call.upload is not None else attributes}


def text_limit(limit: int) -> int:
    """Bytes of a body of JSON that holds a file of `limit` bytes as base64."""
    return limit // 3 * 4 + multipart.OVERHEAD


def is_large(request: Request) -> bool:
    """Whether a body may be longer than bodies without files are."""
    declared = request.header(b"content-length")
    return declared is None or not declared.isdecimal() or int(declared[:20]) > body.LIMIT


def importing(call: Call) -> dict[str, Any]:
    """The arguments of `import_items` that are no parameters."""
    return {"collection": call.collection, "data": call.upload}
