"""In charge of slugs: their letters, their length, and when a field gets one."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.write.slug import slugify, slugs
from tests.unit.core.types.fields import collection, field


@pytest.mark.parametrize(
    "text, slug",
    [
        ("Hello World", "hello-world"),
        ("Draft post (edited)", "draft-post-edited"),
        ("  --a  b--  ", "a-b"),
        ("Ärger über Öl, Straße", "aerger-ueber-oel-strasse"),
        ("A\u0308", "ae"),
        ("Éléphant à l'école", "elephant-a-l-ecole"),
        ("Ångström Łódź Ðjup Œuvre", "angstroem-lodz-djup-oeuvre"),
        ("Привет, мир", "privet-mir"),
        ("Αθήνα", "athina"),
        ("½ ﬁ №5", "1-2-fi-no5"),
        ("日本", ""),
        ("", ""),
        ("42", "42"),
    ],
)
def test_transliteration(text: str, slug: str) -> None:
    assert slugify(text) == slug


def test_case_and_length() -> None:
    assert slugify("Hello World", lowercase=False) == "Hello-World"
    assert slugify("Ärger", lowercase=False) == "Aerger"
    assert slugify("Hello World", limit=8) == "hello-wo"
    assert slugify("Hello World", limit=6) == "hello"


@given(st.text(max_size=60), st.integers(min_value=1, max_value=20))
def test_a_slug_is_made_of_words_and_hyphens(text: str, limit: int) -> None:
    slug = slugify(text, limit=limit)
    assert slug.isascii()
    assert len(slug) <= limit
    assert slug == slug.strip("-")
    assert "--" not in slug
    assert slugify(slug, limit=limit) == slug


def of(**options: Any) -> Any:
    return collection(
        field("text", name="title"),
        field("integer", name="number"),
        field("text", "slug", name="slug", characters=10, options={"mirroredField": "title", **options}),
    )


def test_when_a_field_gets_one() -> None:
    assert slugs(of(), {"title": "Hello World"}) == {"slug": "hello-worl"}
    assert slugs(of(), {"title": "Hello", "slug": "mine"}) == {}
    assert slugs(of(), {"title": "Hello", "slug": None}) == {}
    assert slugs(of(), {"number": 5}) == {}
    assert slugs(of(mirroredField="number"), {"number": 5}) == {}
    assert slugs(of(mirroredField="missing"), {"missing": "x"}) == {}
    assert slugs(of(mirroredField=None), {"title": "x"}) == {}
    assert slugs(of(), {"title": None}) == {"slug": ""}
    assert slugs(of(), {"title": ["x"]}) == {}
    assert slugs(of(onlyOnCreate=True), {"title": "Hello"}) == {"slug": "hello"}
    for value in (False, "0", 0):
        assert slugs(of(forceLowercase=value), {"title": "Hello"}) == {"slug": "Hello"}
