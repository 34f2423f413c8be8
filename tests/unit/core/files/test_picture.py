"""Pictures made of pictures: sizes to the pixel, colours, transparency, orientation, and what is left behind."""

from __future__ import annotations

import io
from typing import Any

import pytest
from PIL import Image, ImageCms

from core.files import picture
from core.files.picture import contained, covering
from tests.pictures import BLUE, GREEN, RED, WHITE, decoded, encoded, halves


def made(content: bytes, width: int, height: int, fit: str = "crop", quality: int = 90, form: str = "PNG") -> Any:
    target = io.BytesIO()
    size = picture.make(io.BytesIO(content), target, width, height, fit, quality, form)
    found = decoded(target.getvalue())
    assert [*found.size] == size
    return found


def near(found: Any, expected: tuple[int, ...], by: int = 3) -> bool:
    return all(abs(one - other) <= by for one, other in zip(found, expected, strict=True))


@pytest.mark.parametrize(
    ("size", "bounds", "expected"),
    [
        ((400, 300), (200, 200), (200, 150)),
        ((300, 400), (200, 200), (150, 200)),
        ((10, 10), (200, 100), (100, 100)),
        ((3, 2), (5, 5), (5, 3)),  # 3.33
        ((8, 3), (4, 4), (4, 2)),  # 1.5 is rounded up
        ((3, 8), (4, 4), (2, 4)),
        ((1000, 1), (64, 64), (64, 1)),
        ((1, 1000), (64, 64), (1, 64)),
        ((6000, 4000), (800, 600), (800, 533)),
        ((1, 1), (6000, 6000), (6000, 6000)),
    ],
)
def test_what_is_contained_keeps_its_proportions(
    size: tuple[int, int], bounds: tuple[int, int], expected: tuple[int, int]
) -> None:
    assert contained(*size, *bounds) == expected
    content = encoded(Image.new("L", size), "PNG")
    if max(expected) < 1000:
        assert made(content, *bounds, "contain").size == expected


def test_what_covers_is_never_smaller_than_what_it_covers() -> None:
    for size in ((400, 300), (3, 7), (7, 3), (1, 1), (6000, 1)):
        for bounds in ((64, 64), (10, 3), (1, 1), (800, 600)):
            wide, tall = covering(*size, *bounds)
            assert wide >= bounds[0]
            assert tall >= bounds[1]
            assert wide == bounds[0] or tall == bounds[1]


def test_crops_come_from_the_middle() -> None:
    image = Image.new("RGB", (300, 100), RED)
    image.paste(GREEN, (100, 0, 200, 100))
    found = made(encoded(image, "PNG"), 50, 50)
    assert {found.getpixel((x, y)) for x in (1, 25, 48) for y in (1, 25, 48)} == {GREEN}
    found = made(encoded(image.transpose(Image.Transpose.ROTATE_90), "PNG"), 50, 50)
    assert {found.getpixel((x, y)) for x in (1, 25, 48) for y in (1, 25, 48)} == {GREEN}


@pytest.mark.parametrize("form", ["JPEG", "PNG", "GIF", "WEBP", "AVIF"])
@pytest.mark.parametrize("source", ["JPEG", "PNG", "GIF", "WEBP", "TIFF", "BMP"])
def test_every_format_of_every_other(source: str, form: str) -> None:
    found = made(encoded(halves(64, 48), source), 32, 24, form=form)
    assert found.format == form
    colours = found.convert("RGB")
    assert near(colours.getpixel((6, 12)), RED, 12)
    assert near(colours.getpixel((26, 12)), BLUE, 12)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_camera_was_held_as_its_metadata_says(orientation: int) -> None:
    upright = Image.new("RGB", (40, 20), WHITE)
    upright.paste(RED, (0, 0, 20, 10))
    upright.paste(BLUE, (20, 10, 40, 20))
    back = {6: Image.Transpose.ROTATE_90, 8: Image.Transpose.ROTATE_270}
    turned = upright.transpose(back.get(orientation) or picture.TURNS[orientation]) if orientation > 1 else upright
    exif = Image.Exif()
    exif[picture.ORIENTATION] = orientation
    for form in ("JPEG", "PNG", "WEBP"):
        options = {"quality": 100} if form == "JPEG" else {"lossless": True} if form == "WEBP" else {}
        found = made(encoded(turned, form, exif=exif, **options), 40, 40, "contain")
        assert found.size == (40, 20)
        assert near(found.getpixel((5, 3)), RED, 40)
        assert near(found.getpixel((35, 17)), BLUE, 40)
        assert near(found.getpixel((35, 3)), WHITE, 40)
        assert made(encoded(turned, form, exif=exif, **options), 30, 10).size == (30, 10)


def test_metadata_is_left_behind() -> None:
    exif = Image.Exif()
    exif[0x010E] = "somewhere secret"
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    content = encoded(halves(64, 48), "JPEG", exif=exif, comment=b"secret", icc_profile=profile)
    assert b"secret" in content
    for form in ("JPEG", "PNG", "WEBP", "GIF", "AVIF"):
        target = io.BytesIO()
        picture.make(io.BytesIO(content), target, 32, 24, "crop", 80, form)
        assert b"secret" not in target.getvalue()
        found = decoded(target.getvalue())
        assert not found.getexif()
        assert "icc_profile" not in found.info
        assert "comment" not in found.info


def test_transparency_is_kept_or_white() -> None:
    clear = encoded(halves(64, 48, (255, 0, 0, 255), (0, 0, 255, 0), "RGBA"), "PNG")
    palette = encoded(halves(64, 48, (255, 0, 0, 255), (0, 0, 255, 0), "RGBA"), "GIF")
    keyed = encoded(halves(64, 48), "PNG", transparency=BLUE)
    for content in (clear, palette, keyed):
        for form in ("PNG", "WEBP", "GIF", "AVIF"):
            found = made(content, 32, 24, form=form).convert("RGBA")
            assert found.getpixel((26, 12))[3] < 8
            assert found.getpixel((6, 12))[3] > 247
        flat = made(content, 32, 24, form="JPEG")
        assert flat.mode == "RGB"
        assert near(flat.getpixel((26, 12)), WHITE, 8)
        assert near(flat.getpixel((6, 12)), RED, 12)


def test_edges_of_what_is_transparent_have_no_halo() -> None:
    found = made(encoded(halves(90, 90, (255, 0, 0, 255), (0, 0, 255, 0), "RGBA"), "PNG"), 7, 7)
    assert {pixel[2] for pixel in found.get_flattened_data() if pixel[3] > 16} <= {0, 1}


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "I;16", "I", "F", "YCbCr", "LAB"])
def test_every_mode(mode: str) -> None:
    base = halves(64, 48, 0, 255, "L") if mode not in ("I;16", "I", "F") else None
    if mode == "I;16":
        image = Image.new("I;16", (64, 48), 65535)
        image.paste(0, (0, 0, 32, 48))
    elif base is None:
        image = Image.new(mode, (64, 48), 100000)
        image.paste(-5, (0, 0, 32, 48))
    elif mode in ("CMYK", "YCbCr"):
        image = base.convert("RGB").convert(mode)
    elif mode == "LAB":
        lab = ImageCms.createProfile("LAB")
        changed = ImageCms.profileToProfile(base.convert("RGB"), ImageCms.createProfile("sRGB"), lab, outputMode="LAB")
        assert changed is not None
        image = changed
    else:
        image = base.convert(mode)
    found = made(encoded(image, "TIFF"), 32, 24, form="JPEG").convert("L")
    assert found.getpixel((6, 12)) < 8
    assert found.getpixel((26, 12)) > 247


def test_colours_are_those_of_srgb() -> None:
    """A profile that swaps red and blue tells whether it was looked at."""
    swapped = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    red, blue = swapped.find(b"rXYZ"), swapped.find(b"bXYZ")
    swapped[red : red + 4], swapped[blue : blue + 4] = b"bXYZ", b"rXYZ"
    content = encoded(Image.new("RGB", (64, 48), RED), "PNG", icc_profile=bytes(swapped))
    assert near(made(content, 32, 24).getpixel((3, 3)), BLUE, 4)
    clear = encoded(Image.new("RGBA", (64, 48), (*RED, 128)), "PNG", icc_profile=bytes(swapped))
    assert near(made(clear, 32, 24).getpixel((3, 3)), (*BLUE, 128), 4)
    broken = encoded(Image.new("RGB", (64, 48), RED), "PNG", icc_profile=b"no profile")
    assert made(broken, 32, 24).getpixel((3, 3)) == RED


def test_the_first_frame_is_the_picture() -> None:
    frames = [Image.new("RGB", (64, 48), colour) for colour in (RED, GREEN, BLUE)]
    for form in ("GIF", "WEBP", "TIFF", "PNG"):
        content = encoded(frames[0], form, save_all=True, append_images=frames[1:])
        assert near(made(content, 32, 24).convert("RGB").getpixel((3, 3)), RED, 6)


def test_quality_makes_files_small() -> None:
    content = encoded(Image.effect_noise((400, 300), 80).convert("RGB"), "PNG")

    def length(form: str, quality: int) -> int:
        target = io.BytesIO()
        picture.make(io.BytesIO(content), target, 200, 150, "crop", quality, form)
        return len(target.getvalue())

    for form in ("JPEG", "WEBP", "AVIF"):
        assert length(form, 10) < length(form, 50) < length(form, 95)
        assert length(form, 10) < length(form, 0) <= length(form, 100)
    for form in ("PNG", "GIF"):
        assert length(form, 10) == length(form, 95)
