"""In charge of bytes: request bodies from what was recorded of them, and what is to be known of the bytes of an answer.

It must not know which values of the recording have to be replaced.
"""

from __future__ import annotations

import hashlib
import io
import json
import re
import zlib
from typing import Any

from PIL import Image, UnidentifiedImageError

PREFIX = "multipart/form-data: "
PART = re.compile(r"(\w+(?:\[\])?)=(.*?)(?:, (?=\w+(?:\[\])?=)|$)")
IMAGE = re.compile(r"(\S+) \(PNG (\d+)x(\d+)\)")
TEXT_FILE = re.compile(r'(\S+) "(.*)"')
RECORDED_PNG = 1065
"""How long the recorded image was; ours is made as long, so that sizes agree."""


def encode(body: Any, content_type: str | None) -> bytes | None:
    """The bytes of a recorded body. `content_type`: as it was recorded, with the boundary of its parts."""
    if body is None:
        return None
    if not isinstance(body, str):
        return json.dumps(body).encode()
    if not body.startswith(PREFIX):
        return body.encode()
    boundary = (content_type or "").partition("boundary=")[2]
    parts = [_part(name, value) for name, value in PART.findall(body.removeprefix(PREFIX))]
    return b"".join(f"--{boundary}\r\n".encode() + part for part in parts) + f"--{boundary}--\r\n".encode()


def _part(name: str, value: str) -> bytes:
    image, text = IMAGE.fullmatch(value), TEXT_FILE.fullmatch(value)
    disposition = f'Content-Disposition: form-data; name="{name}"'
    if image:
        head = f'{disposition}; filename="{image[1]}"\r\nContent-Type: image/png'
        return _framed(head, png(int(image[2]), int(image[3])))
    if text:
        return _framed(f'{disposition}; filename="{text[1]}"\r\nContent-Type: text/plain', text[2].encode())
    return _framed(disposition, value.encode())


def _framed(head: str, content: bytes) -> bytes:
    return head.encode() + b"\r\n\r\n" + content + b"\r\n"


def png(width: int, height: int, length: int = RECORDED_PNG) -> bytes:
    """An image of one colour and of that many bytes: a private chunk, which readers skip, fills it up."""
    buffer = io.BytesIO()
    Image.new("P", (width, height)).save(buffer, "PNG", optimize=True)
    image = buffer.getvalue()
    filling = bytes(length - len(image) - 12)
    checksum = zlib.crc32(b"tEsT" + filling).to_bytes(4, "big")
    chunk = len(filling).to_bytes(4, "big") + b"tEsT" + filling + checksum
    return image[:-12] + chunk + image[-12:]


def decode(content: bytes, content_type: str) -> Any:
    """What an answer says: None for nothing, a JSON value, text, or the description of an image or other data."""
    kind = content_type.partition(";")[0]
    if not content:
        return None
    if kind.endswith("json"):
        return json.loads(content)
    if kind.startswith("text/"):
        return content.decode()
    return {"binary_length": len(content), "sha256": hashlib.sha256(content).hexdigest(), "image": _image(content)}


def _image(content: bytes) -> list[Any] | None:
    try:
        with Image.open(io.BytesIO(content)) as image:
            return [(image.format or "").lower(), *image.size]
    except UnidentifiedImageError:
        return None
