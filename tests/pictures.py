"""In charge of pictures for tests: with known colours, large, broken and hostile ones. No product code."""

from __future__ import annotations

import io
import struct
import zlib
from typing import Any

from PIL import Image

RED, GREEN, BLUE, WHITE = (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255)


def encoded(image: Image.Image, form: str, **options: Any) -> bytes:
    """The bytes of a picture in a format."""
    buffer = io.BytesIO()
    image.save(buffer, form, **options)
    return buffer.getvalue()


def halves(width: int, height: int, left: Any = RED, right: Any = BLUE, mode: str = "RGB") -> Image.Image:
    """A picture whose left half has another colour than its right half."""
    image = Image.new(mode, (width, height), right)
    image.paste(left, (0, 0, width // 2, height))
    return image


def decoded(content: bytes) -> Image.Image:
    """The picture that bytes are, completely read."""
    image = Image.open(io.BytesIO(content))
    image.load()
    return image


def png_chunk(kind: bytes, content: bytes) -> bytes:
    """A chunk of a PNG file."""
    checksum = zlib.crc32(kind + content)
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", checksum)


def png_header(width: int, height: int) -> bytes:
    """A PNG file that claims a size and has hardly any data: what it says is all that it costs."""
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    data = zlib.compress(b"\0" * 1024)
    return b"\x89PNG\r\n\x1a\n" + png_chunk(b"IHDR", head) + png_chunk(b"IDAT", data) + png_chunk(b"IEND", b"")


def png_bomb(width: int, height: int, bits: int = 1) -> bytes:
    """A PNG file with all its pixels, of one bit or of 32 (with transparency) each: little that becomes very much."""
    depth, kind = (1, 0) if bits == 1 else (8, 6)
    head = struct.pack(">IIBBBBB", width, height, depth, kind, 0, 0, 0)
    packer = zlib.compressobj(1)
    row = b"\0" * (1 + (width * bits + 7) // 8)
    rows = b"".join(packer.compress(row) for _ in range(height)) + packer.flush()
    return b"\x89PNG\r\n\x1a\n" + png_chunk(b"IHDR", head) + png_chunk(b"IDAT", rows) + png_chunk(b"IEND", b"")


def gif_header(width: int, height: int) -> bytes:
    """A GIF file that claims a size."""
    head = struct.pack("<6sHHBBB", b"GIF89a", width, height, 0x80, 0, 0) + b"\0\0\0\xff\xff\xff"
    frame = struct.pack("<BHHHHB", 0x2C, 0, 0, width, height, 0) + b"\x02\x02\x44\x01\x00;"
    return head + frame


def tiff_header(width: int, height: int) -> bytes:
    """A TIFF file that claims a size, in one strip that is not there."""
    entries = [(256, 4, width), (257, 4, height), (258, 3, 8), (259, 3, 1), (262, 3, 1), (273, 4, 8), (278, 4, height)]
    entries += [(279, 4, width * height % 2**32)]
    body = struct.pack("<H", len(entries))
    body += b"".join(struct.pack("<HHII", name, kind, 1, value) for name, kind, value in entries)
    return b"II*\0" + struct.pack("<I", 8) + body + b"\0\0\0\0"


SCRIPT = b"<script>alert(document.domain)</script>"
SVG = b'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9" onload="alert(1)">' + SCRIPT + b"</svg>"
