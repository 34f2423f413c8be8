"""In charge of showing which of several credentials counts, and what a Basic header must look like (spec 02 §4.1)."""

from __future__ import annotations

import base64

import pytest

from core.auth.credentials import NONE, Credentials, choose


def basic(text: str) -> str:
    return "Basic " + base64.b64encode(text.encode()).decode()


def test_nothing_presented() -> None:
    assert choose() == NONE == Credentials("none", None)
    assert choose(access_token="", authorization="", cookie="") == NONE


def test_the_first_source_wins() -> None:
    everything = {"access_token": "q", "authorization": "Bearer b", "cookie": "c"}
    assert choose(**everything) == Credentials("query", "q")
    assert choose(authorization="Bearer b", cookie="c") == Credentials("bearer", "b")
    assert choose(cookie="c") == Credentials("cookie", "c")


@pytest.mark.parametrize("header", ["Bearer tok", "bearer tok", "BEARER  tok ", " Bearer tok"])
def test_the_bearer_scheme_in_any_case(header: str) -> None:
    assert choose(authorization=header) == Credentials("bearer", "tok")


@pytest.mark.parametrize("header", ["Digest x", "Bearer", "Bearer ", "tok", "Token tok"])
def test_headers_of_another_form_fall_through_to_the_cookie(header: str) -> None:
    assert choose(authorization=header, cookie="c") == Credentials("cookie", "c")
    assert choose(authorization=header) == NONE


@pytest.mark.parametrize("text", ["tok:", "tok:tok", "tok"])
def test_basic_carries_a_token_as_user(text: str) -> None:
    assert choose(authorization=basic(text)) == Credentials("basic", "tok")


@pytest.mark.parametrize("header", [basic("tok:other"), basic(":"), basic(":tok"), "Basic ???", "Basic", "Basic /w=="])
def test_basic_of_another_form_is_public_without_fallback(header: str) -> None:
    assert choose(authorization=header, cookie="c") == NONE


def test_the_token_is_not_shown() -> None:
    assert "tok" not in repr(Credentials("bearer", "tok"))
