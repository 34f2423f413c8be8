"""In charge of showing how sort, limit, offset and page are read, and what follows for meta (items §5.3, 5.4, 5.7)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from core.errors import InvalidField, TabulariumError, Unprocessable
from core.query.plan import Order
from core.query.window import Slice, default_limit, order_of, page_meta, slice_of, split
from tests.shop import shop

SHOP = shop()
ARTICLES, COMMENTS = SHOP.collections["articles"], SHOP.collections["comments"]
KEY = Order("id")


@pytest.mark.parametrize(
    ("sort", "order"),
    (
        (None, (KEY,)),
        ((), (KEY,)),
        (("", " "), (KEY,)),
        (("title",), (Order("title"), KEY)),
        (("-title, price",), (Order("title", True), Order("price"), KEY)),
        (("-title", "price"), (Order("title", True), Order("price"), KEY)),
        (("+title",), (Order("title"), KEY)),
        (("-id",), (Order("id", True),)),
        (("?",), (Order(None), KEY)),
        (("title,?",), (Order("title"), Order(None), KEY)),
        (("author",), (Order("author"), KEY)),
    ),
)
def test_order(sort: tuple[str, ...] | None, order: tuple[Order, ...]) -> None:
    assert order_of(ARTICLES, sort) == order


def test_default_order() -> None:
    assert order_of(replace(ARTICLES, sort_field="place"), None) == (Order("place"), KEY)
    assert order_of(replace(ARTICLES, sort_field="place"), ("title",)) == (Order("title"), KEY)
    assert order_of(COMMENTS, None) == (Order("code"),)
    keyless = replace(ARTICLES, primary_key=None, key_columns=("title", "price"))
    assert order_of(keyless, ("price",)) == (Order("price"), Order("title"))


@pytest.mark.parametrize(
    ("sort", "error"),
    (
        ("nothing", InvalidField), ("-nothing", InvalidField), ("author.name", InvalidField), ("--title", InvalidField),
        ("comments", Unprocessable), ("-line", Unprocessable),
    ),
)  # fmt: skip
def test_what_cannot_be_sorted_by(sort: str, error: type[TabulariumError]) -> None:
    with pytest.raises(error) as caught:
        order_of(ARTICLES, (sort,))
    assert sort.lstrip("-") in caught.value.message


def test_split() -> None:
    assert split(("a, b", "", " c ", ",")) == ["a", "b", "c"]


@pytest.mark.parametrize(
    ("asked", "found"),
    (
        ((None, None, None), Slice(20, 0, None, None)),
        ((5, None, None), Slice(5, 0, 5, None)),
        ((0, 3, None), Slice(0, 3, 0, None)),
        ((-1, 3, None), Slice(None, 0, -1, None)),
        ((5, -3, None), Slice(5, 0, 5, None)),
        ((5, None, 3), Slice(5, 10, 5, 3)),
        ((5, None, 0), Slice(5, 0, 5, 0)),
        ((5, 2, 3), Slice(5, 2, 5, 3)),
        ((None, None, 3), Slice(20, 0, None, 3)),
        ((2**40, 2**40, None), Slice(2**31 - 1, 2**31 - 1, 2**40, None)),
        ((2**31 - 1, None, 2**31 - 1), Slice(2**31 - 1, 2**31 - 1, 2**31 - 1, 2**31 - 1)),
    ),
)
def test_slices(asked: tuple[Any, ...], found: Slice) -> None:
    assert slice_of(SHOP, *asked) == found


@pytest.mark.parametrize(("text", "limit"), ((None, 20), ("", 20), ("7", 7), ("-1", -1), ("x", 0), ("0", 0)))
def test_default_limit(text: str | None, limit: int) -> None:
    assert default_limit(replace(SHOP, settings={"default_limit": text})) == limit


@pytest.mark.parametrize(
    ("cut", "offset", "results", "matches", "meta"),
    (
        (Slice(20, 0, None, None), None, 3, 3, (3, 0, 1, 1)),
        (Slice(20, 0, None, None), None, 20, 45, (20, 0, 1, 3)),
        (Slice(2, 0, 2, None), None, 2, 42, (2, 0, 1, 21)),
        (Slice(2, 4, 2, 3), None, 2, 5, (2, 4, 3, 3)),
        (Slice(2, 5, 2, None), 5, 2, 42, (2, 5, 3, 21)),
        (Slice(2, 0, 2, 0), None, 2, 5, (2, 0, 0, 3)),
        (Slice(2, 16, 2, 9), None, 0, 5, (2, 4, 3, 3)),
        (Slice(0, 0, 0, None), None, 0, 5, (0, 0, 1, 1)),
        (Slice(None, 0, -1, None), None, 5, 5, (5, 0, 1, 1)),
        (Slice(2, 0, 2, None), None, 0, 0, (2, 0, 1, 1)),
    ),
)
def test_pages(cut: Slice, offset: int | None, results: int, matches: int, meta: tuple[int, ...]) -> None:
    assert page_meta(cut, offset, results, matches) == dict(
        zip(("limit", "offset", "page", "page_count"), meta, strict=True)
    )
