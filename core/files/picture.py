"""In charge of making one small picture of a large one, in a process of its own. It imports nothing of this house.

The server starts this file as a program: what decodes strangers' pictures holds no secrets, may use so much memory and
no more, gives way to requests, and can be killed. It is asked over a socket (its only argument is the descriptor): one
message of JSON with two files, the picture and an empty one for the result, and one message of JSON back.
"""

from __future__ import annotations

import io
import json
import os
import socket
import sys
import time
import warnings
from collections.abc import Mapping
from typing import Any, BinaryIO

from PIL import (
    AvifImagePlugin,
    BmpImagePlugin,
    GifImagePlugin,
    Image,
    ImageCms,
    JpegImagePlugin,
    PngImagePlugin,
    PsdImagePlugin,
    TiffImagePlugin,
    UnidentifiedImageError,
    WebPImagePlugin,
)

PLUGINS = (
    AvifImagePlugin, BmpImagePlugin, GifImagePlugin, JpegImagePlugin, PngImagePlugin, PsdImagePlugin, TiffImagePlugin,
    WebPImagePlugin,
)  # fmt: skip
FORMATS = ("JPEG", "PNG", "GIF", "WEBP", "TIFF", "BMP", "PSD")
"""What is looked at, whatever a file is called. No vectors, no formats that call other programs."""
MOST_PIXELS = 100_000_000
MEMORY = 1280 * 1024 * 1024
"""Bytes of address space: the largest picture with transparency, once more for its conversion, and the program."""
SECONDS = 20
"""Of a processor, for one picture; the system ends the program that takes more."""
NICE = 5
"""A third of what a process of the same wish gets: requests come first, and pictures are made on a busy machine too."""
REQUEST = 4096
GAP = 2.0
"""How many times larger than the result a picture is before the last, good, scaling."""

TURNS: Mapping[int, Image.Transpose] = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""What undoes an orientation of EXIF; from 5 on width and height change places."""
ORIENTATION = 0x0112
SIDEWAYS = 5


class Refused(Exception):
    """No picture can be made; the text is for the log."""


def make(source: BinaryIO, target: BinaryIO, width: int, height: int, fit: str, quality: int, form: str) -> list[int]:
    """Write the picture in a format (JPEG, PNG, GIF, WEBP, AVIF) and give its width and height.

    `fit`: "contain" keeps everything within width and height, anything else covers them and cuts the rest away evenly.
    `quality`: 1 to 100, 0 as the encoder likes. The first frame counts, metadata is left behind, colours are sRGB.
    Raises Refused, and whatever Pillow does with what is broken.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # odd but harmless metadata
        with Image.open(source, formats=FORMATS) as image:
            if image.width * image.height > MOST_PIXELS:
                raise Refused("too many pixels")
            made = _scaled(image, width, height, fit)
            made = _standard(made, image.info.get("icc_profile"))
    made.info = {}
    _save(made, target, form, quality)
    return [made.width, made.height]


def _scaled(image: Image.Image, width: int, height: int, fit: str) -> Image.Image:
    orientation = _orientation(image)
    if orientation >= SIDEWAYS:
        width, height = height, width
    if fit == "contain":
        width, height = contained(image.width, image.height, width, height)
        whole = (width, height)
    else:
        whole = covering(image.width, image.height, width, height)
    if image.format in ("JPEG", "MPO"):
        # The decoder leaves out what would be thrown away: an eighth of the memory, a quarter of the time.
        image.draft(None, (int(whole[0] * GAP), int(whole[1] * GAP)))
    box = _middle(image.width, image.height, width, height) if fit != "contain" else None
    made = _plain(image).resize((width, height), Image.Resampling.LANCZOS, box=box, reducing_gap=GAP)
    return made.transpose(TURNS[orientation]) if orientation in TURNS else made


def contained(width: int, height: int, most_width: int, most_height: int) -> tuple[int, int]:
    """The largest size of these proportions within the bounds, halves rounded up, no side less than 1."""
    if width * most_height >= height * most_width:
        return most_width, max(1, (2 * height * most_width + width) // (2 * width))
    return max(1, (2 * width * most_height + height) // (2 * height)), most_height


def covering(width: int, height: int, least_width: int, least_height: int) -> tuple[int, int]:
    """The smallest size of these proportions that covers the bounds."""
    if width * least_height >= height * least_width:
        return -(-width * least_height // height), least_height
    return least_width, -(-height * least_width // width)


def _middle(width: int, height: int, wide: int, tall: int) -> tuple[float, float, float, float]:
    """The largest part of these proportions in the middle."""
    if width * tall >= height * wide:
        cut = (width - height * wide / tall) / 2
        return (cut, 0, width - cut, height)
    cut = (height - width * tall / wide) / 2
    return (0, cut, width, height - cut)


def _orientation(image: Image.Image) -> int:
    try:
        found = image.getexif().get(ORIENTATION, 1)
    except Exception:
        return 1  # metadata may be broken where the picture is not
    return found if isinstance(found, int) else 1


def _plain(image: Image.Image) -> Image.Image:
    """The picture in a mode that can be scaled well: grey or colours, with or without transparency, or CMYK."""
    image.load()
    mode = image.mode
    if mode in ("L", "LA", "RGB", "RGBA", "CMYK"):
        transparent = "transparency" in image.info and mode in ("L", "RGB")
        return image.convert("RGBA") if transparent else image
    if mode.startswith(("I", "F")):
        low, high = (0, 65535) if mode.startswith("I;16") else image.getextrema()
        scale = 255 / ((high - low) or 1)  # type: ignore[operator]
        return image.point(lambda value: (value - low) * scale).convert("L")
    if mode == "LAB":
        return _through(image, ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")))
    return image.convert("RGBA" if image.has_transparency_data else "L" if mode == "1" else "RGB")


def _standard(image: Image.Image, profile: Any) -> Image.Image:
    """The same in sRGB. A profile that cannot be read is passed over: most pictures look right without theirs."""
    if profile:
        alpha = image.getchannel("A") if image.mode in ("LA", "RGBA") else None
        base = image.convert(image.mode[:-1]) if alpha is not None else image
        try:
            image = _through(base, ImageCms.ImageCmsProfile(io.BytesIO(profile)))
        except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
            pass
        else:
            if alpha is not None:
                image.putalpha(alpha)
    return image.convert("RGB") if image.mode == "CMYK" else image


def _through(image: Image.Image, profile: ImageCms.ImageCmsProfile) -> Image.Image:
    found = ImageCms.profileToProfile(image, profile, ImageCms.createProfile("sRGB"), outputMode="RGB")
    assert found is not None
    return found


def _save(image: Image.Image, target: BinaryIO, form: str, quality: int) -> None:
    options: dict[str, Any] = {"quality": quality} if quality else {}
    if form == "JPEG":
        image = _on_white(image)
        options["optimize"] = True
    elif form == "AVIF":
        # Its scale is steeper than that of the others: 60 of it looks like their 80.
        options = {"quality": max(1, quality * 3 // 4)} if quality else {}
        options |= {"speed": 8, "max_threads": 1}
    elif form in ("PNG", "GIF"):
        options = {}
    image.save(target, form, **options)


def _on_white(image: Image.Image) -> Image.Image:
    if image.mode not in ("LA", "RGBA"):
        return image
    found = Image.new("RGB", image.size, "white")
    found.paste(image, mask=image.getchannel("A"))
    return found


def answer(order: Mapping[str, Any], source: BinaryIO, target: BinaryIO) -> dict[str, Any]:
    """What is answered to one message: the size of the picture that was made, or why there is none."""
    try:
        return {"size": make(source, target, **order)}
    except MemoryError:
        return {"refused": "memory"}
    except UnidentifiedImageError:
        return {"refused": "no picture of a known format"}
    except Exception as error:
        # Decoders raise all kinds of errors of what is broken. Their text may quote the file.
        return {"refused": f"{type(error).__name__}: {error}"[:200]}


def serve(number: int) -> None:
    """Answer messages until the other end is closed."""
    with socket.socket(fileno=number) as asked:
        while True:
            message, descriptors, _, _ = socket.recv_fds(asked, REQUEST, 2)
            if not message:
                return
            with open(descriptors[0], "rb") as source, open(descriptors[1], "wb") as target:
                _limit(SECONDS)
                found = answer(json.loads(message), source, target)
            asked.sendall(json.dumps(found).encode() + b"\n")


def _limit(seconds: int) -> None:
    """Let the system end this process when it has computed for so long from now on."""
    import resource

    resource.setrlimit(resource.RLIMIT_CPU, (int(time.process_time()) + 1 + seconds, resource.RLIM_INFINITY))


def bounded() -> None:
    """Take no more than this program needs: a picture may be made to make it want everything."""
    import resource

    os.nice(NICE)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    Image.MAX_IMAGE_PIXELS = None  # `make` looks itself, and refuses where Pillow would only warn


if __name__ == "__main__":
    bounded()
    serve(int(sys.argv[1]))
