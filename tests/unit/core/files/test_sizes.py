"""Which variant a request means: presets, whitelists as people write them, formats, and what a header says."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from core.catalog.model import Snapshot
from core.errors import Unprocessable
from core.files.sizes import Size, Variant, Wanted, presets, variant

SYSTEM = [{"key": "s", "width": 64, "height": 64, "fit": "crop", "quality": 80}]
OWN = [{"key": "own", "width": "200", "height": 100.0, "fit": "contain", "quality": "70"}]


def snapshot(own: Any = OWN, system: Any = SYSTEM) -> Snapshot:
    def text(value: Any) -> str | None:
        return value if value is None or isinstance(value, str) else orjson.dumps(value).decode()

    settings = {"asset_whitelist_system": text(system), "asset_whitelist": text(own)}
    return Snapshot(1, "sqlite", {}, settings)


def meant(name: str = "a.png", own: Any = OWN, **wanted: Any) -> Variant | None:
    return variant(Wanted(**wanted), snapshot(own), name)


def refusal(name: str = "a.png", own: Any = OWN, **wanted: Any) -> str:
    with pytest.raises(Unprocessable) as caught:
        meant(name, own, **wanted)
    return caught.value.message


FOUR = {"w": "200", "h": "100", "f": "contain", "q": "70"}


def test_without_a_size_it_is_the_original() -> None:
    for wanted in ({}, {"format": "jpg"}, {"key": ""}, {"key": None, "w": "", "accept": "image/webp"}):
        assert meant(**wanted) is None
        assert meant("a.svg", **wanted) is None


def test_a_key_is_a_size() -> None:
    assert meant(key="s") == Variant(Size(64, 64, "crop", 80), "png")
    assert meant(key="own", w="9", q="x") == Variant(Size(200, 100, "contain", 70), "png")
    assert refusal(key="S") == "Key doesn't exist."
    assert refusal(key="other") == "Key doesn't exist."


def test_four_values_are_compared_as_numbers() -> None:
    size = Size(200, 100, "contain", 70)
    assert meant(**FOUR) == Variant(size, "png")
    assert meant(w=200, h=100.0, f="contain", q=" 7e1 ") == Variant(size, "png")
    for name, value in (("w", "201"), ("h", "100.1"), ("f", "crop"), ("f", "Contain"), ("q", "0")):
        assert refusal(**{**FOUR, name: value}) == "The params don't match the asset whitelist."
    for name in ("w", "h", "q"):
        for value in (True, "1a", [200], {}, "0x10", "1 0"):
            assert refusal(**{**FOUR, name: value}) == f"{name}: This value should be of type numeric."
    for value in (None, "", 7, ["crop"], {}):
        assert refusal(**{**FOUR, "f": value}) == "f: This value should not be blank."


@pytest.mark.parametrize("own", [None, "", "[]", "null", "{}", "no json", '"text"', "1"])
def test_without_a_whitelist_every_size_may_be(own: str | None) -> None:
    assert meant(own=own, w="7", h="8", f="x", q="9") == Variant(Size(7, 8, "crop", 9), "png", listed=False)
    assert meant(own=own, w="64", h="64", f="crop", q="80") == Variant(Size(64, 64, "crop", 80), "png")
    assert meant(own=own, key="s") == Variant(Size(64, 64, "crop", 80), "png")


def test_entries_that_are_no_sizes_allow_nothing_and_restrict() -> None:
    own = [1, None, {}, {"key": "a"}, {"key": "b", "width": "x", "height": 1, "fit": "crop", "quality": 1}, *OWN]
    assert [key for key, _ in presets(snapshot(own))] == ["s", "own"]
    assert refusal(own=[1], w="7", h="8", f="crop", q="9") == "The params don't match the asset whitelist."
    assert refusal(own=own, key="b") == "Key doesn't exist."
    huge = [{"key": "huge", "width": 10**18, "height": 0, "fit": "crop", "quality": 1000}]
    bad = "This value is not valid."
    assert refusal(own=huge, key="huge") == f"w: {bad} h: {bad} q: {bad}"


@pytest.mark.parametrize(
    ("name", "form", "converted"),
    [
        ("a.jpg", "jpg", False), ("a.JPEG", "jpeg", False), ("a.b.gif", "gif", False), ("a.webp", "webp", False),
        ("a.tif", "jpg", True), ("a.tiff", "jpg", True), ("a.bmp", "jpg", True), ("a.psd", "jpg", True),
    ],
)  # fmt: skip
def test_the_format_is_that_of_the_original_where_browsers_show_it(name: str, form: str, converted: bool) -> None:
    found = meant(name, key="s")
    assert found is not None
    assert (found.format, found.converted) == (form, converted)


@pytest.mark.parametrize("name", ["a.svg", "a.pdf", "a.txt", "a.php", "a", "", "png", "a.png.", "a.heic", "a.avif"])
def test_nothing_is_drawn_of_other_files(name: str) -> None:
    assert refusal(name, key="s") == "Invalid file extension."


def test_formats_that_are_asked_for() -> None:
    def of(name: str, form: Any) -> tuple[str, bool]:
        found = meant(name, key="s", format=form)
        assert found is not None
        return found.format, found.converted

    assert of("a.png", "webp") == ("webp", True)
    assert of("a.png", "AVIF") == ("avif", True)
    assert of("a.jpg", "jpeg") == of("a.jpg", "jpg") == ("jpg", False)
    assert of("a.jpeg", "jpg") == ("jpeg", False)
    assert of("a.tif", "jpeg") == ("jpeg", True)
    for form in ("bmp", "svg", "tiff", "pdf", "../png", "png ", ["png"], 1):
        assert refusal(key="s", format=form) == "Invalid file format."


def test_what_the_client_can_show() -> None:
    def of(accept: str, name: str = "a.png", key: str = "s", formats: Any = ("avif", "webp")) -> tuple[str, bool]:
        found = meant(name, key=key, accept=accept, formats=formats)
        assert found is not None
        return found.format, found.negotiable

    assert of("image/avif,image/webp,*/*") == ("avif", True)
    assert of("text/html, IMAGE/WEBP ; q=0.1") == ("webp", True)
    assert of("image/avif;q=0.0,image/webp;q=0") == ("png", True)
    assert of("image/avif;q=x") == ("avif", True)
    assert of("*/*") == of("") == of(",;,") == ("png", True)
    assert of("image/avif", formats=()) == ("png", False)
    assert of("image/avif,image/webp", formats=("webp",)) == ("webp", True)
    assert of("image/avif", formats=("bmp", "x")) == ("png", True)
    assert of("image/avif,image/webp", "a.webp", formats=("webp", "avif")) == ("webp", True)
    large = [{"key": "large", "width": 3000, "height": 2000, "fit": "crop", "quality": 80}]
    found = variant(
        Wanted(key="large", accept="image/avif,image/webp", formats=("avif", "webp")), snapshot(large), "a.png"
    )
    assert found is not None
    assert found.format == "webp"  # AVIF of that size takes too long to be made unasked


def test_where_variants_lie() -> None:
    size = Size(64, 48, "crop", 0)
    assert Variant(size, "png").place("a.png") == "w64,h48,fcrop,q0/a.png"
    assert Variant(size, "jpg", converted=True).place("a.png") == "w64,h48,fcrop,q0,jpg/a.png.jpg"
    long = Variant(size, "webp", converted=True).place("x" * 251 + ".png")
    assert long.startswith("w64,h48,fcrop,q0,webp/")
    assert len(long.partition("/")[2]) == 37
    assert long != Variant(size, "webp", converted=True).place("y" * 251 + ".png")
