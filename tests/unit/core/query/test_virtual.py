"""In charge of showing the computed `data` of a file (files spec §4)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from core.query.virtual import COMPUTED, Scene, file_data
from tests.shop import shop

SIZES = '[{"key": "small", "width": 200, "height": "150", "fit": "crop"}, 7]'
SETTINGS = {"asset_whitelist_system": SIZES, "asset_whitelist": '[{"key": "b i", "width": 900, "height": 600}]'}
SCENE = Scene(1, "main", "http://host/base", "/base", "/uploads/main/originals/", replace(shop(), settings=SETTINGS))
ROW: dict[str, Any] = {
    "id": 7, "type": "image/jpeg", "private_hash": "abc", "filename_disk": "a b.jpg", "filename_download": "pic.jpg",
    "embed": None, "width": 800, "height": 600,
}  # fmt: skip


def test_an_image() -> None:
    small = "/main/assets/abc?key=small"
    assert file_data(ROW, SCENE) == {
        "full_url": "http://host/base/uploads/main/originals/a%20b.jpg",
        "url": "/uploads/main/originals/a%20b.jpg",
        "asset_url": "/base/main/assets/abc",
        "thumbnails": [
            {
                "key": "small", "url": f"http://host/base{small}", "relative_url": f"/base{small}",
                "dimension": "200x150", "width": 200, "height": 150,
            },
            {
                "key": "b i", "url": "http://host/base/main/assets/abc?key=b%20i",
                "relative_url": "/base/main/assets/abc?key=b%20i", "dimension": "900x600", "width": 900, "height": 600,
            },
        ],
        "embed": None,
    }  # fmt: skip


@pytest.mark.parametrize("kind", ("text/plain", "image/svg+xml", None, ""))
def test_what_has_no_thumbnails(kind: str | None) -> None:
    assert file_data({**ROW, "type": kind}, SCENE)["thumbnails"] is None


def test_an_image_that_cannot_be_transformed_shows_the_original() -> None:
    (found,) = file_data({**ROW, "type": "image/bmp"}, SCENE)["thumbnails"]
    assert (found["key"], found["url"]) == ("small", "http://host/base/main/assets/abc")


def test_names_and_places_by_settings() -> None:
    named = replace(SCENE.snapshot, settings={"asset_url_naming": "filename_download"})
    found = file_data(ROW, replace(SCENE, snapshot=named, root_url="https://cdn.example.org/x"))
    assert found["asset_url"] == "/base/main/assets/pic.jpg"
    assert found["full_url"] == found["url"] == "https://cdn.example.org/x/a%20b.jpg"
    assert found["thumbnails"] == []
    broken = replace(SCENE.snapshot, settings={"asset_whitelist": "{", "asset_whitelist_system": '"x"'})
    assert file_data(ROW, replace(SCENE, snapshot=broken))["thumbnails"] == []


def test_embeds_escape_what_they_hold() -> None:
    row = {**ROW, "type": "embed/youtube", "embed": '"><script>', "width": None, "height": "x"}
    found = file_data(row, SCENE)["embed"]
    assert found["html"] == (
        '<iframe width="0" height="0" src="https://www.youtube.com/embed/&quot;&gt;&lt;script&gt;" frameborder="0"'
        " allowfullscreen></iframe>"
    )
    vimeo = file_data({**ROW, "type": "embed/vimeo", "embed": "123"}, SCENE)["embed"]
    assert vimeo["url"] == "https://vimeo.com/123"
    assert file_data({**ROW, "type": "embed/vimeo", "embed": ""}, SCENE)["embed"] is None


def test_the_names_of_computations() -> None:
    assert {"file_data": file_data} == COMPUTED
