"""The reading of query strings against a second reading of the rules (spec 03 §2.1), and bytes that nobody expects.

The second reading is slow and plain on purpose: it collects what each name says before it builds anything.
"""

from __future__ import annotations

import json
import re
from contextlib import suppress
from typing import Any
from urllib.parse import quote, unquote_plus

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from core.errors import BadRequest, Unprocessable
from rest_adapter import params
from rest_adapter.request import Request

NAME = re.compile(r" *([^\[]+)((?:\[[^\]]*\])*)(.*)", re.DOTALL)
INDEX = re.compile(r"0|[1-9][0-9]*")


def as_php(text: str) -> dict[str, Any]:
    """What PHP makes of a query string: maps in the order of their keys, lists where these are 0, 1, 2 …"""
    found: dict[str, Any] = {}
    for piece in text.split("&"):
        name, _, value = piece.partition("=")
        read = NAME.fullmatch(unquote_plus(name))
        if read is None:
            continue  # nothing is left of the name, or it begins with a bracket
        head, brackets, rest = re.sub(r"[. ]", "_", read[1]), re.findall(r"\[([^\]]*)\]", read[2]), read[3]
        if not brackets and rest.startswith("["):
            head += "_" + rest[1:]  # never closed
        place, key = found, head
        for inner in brackets:
            if not isinstance(place.get(key), dict):
                place[key] = {}
            place = place[key]
            taken = [int(known) for known in place if INDEX.fullmatch(known)]
            key = inner if inner.strip(" ") else str(max(taken, default=-1) + 1)
        place[key] = unquote_plus(value)
    return {name: lists(value) for name, value in found.items()}


def lists(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    below = {key: lists(one) for key, one in value.items()}
    return list(below.values()) if list(below) == [str(number) for number in range(len(below))] else below


KEYS = st.sampled_from(["a", "b", "a.b", "a b", "0", "1", "2", "01", "9", "é", "", " "])
VALUES = st.text(st.characters(codec="utf-8"), max_size=4)
PIECES = st.builds(
    lambda head, inner, close, value: head + "".join(f"[{key}]" for key in inner) + close + value,
    st.sampled_from(["a", "b", " a", "a.b", "x y", "%61", ""]),
    st.lists(KEYS, max_size=3),
    st.sampled_from(["", "[", "[c", "]", "c"]),
    st.one_of(st.just(""), VALUES.map(lambda text: "=" + quote(text))),
)


@given(st.lists(PIECES, max_size=8).map("&".join))
@example("a[]=1&a[b]=2&a[]=3&a=4&a[5]=6&a[]=7")
@example("x=1&x[y]=2")
@example("filter[a")
@example("&&=&[]=1&&")
def test_every_query_string_is_read_as_php_reads_it(text: str) -> None:
    found = params.parse(text)
    assert found == as_php(text)
    assert json.dumps(found) == json.dumps(as_php(text))  # in the same order


# What clients build: nested lists and maps, whose keys never look like the keys of a list

WORDS = st.text(st.characters(codec="utf-8", exclude_characters="[]"), min_size=1, max_size=6).filter(
    lambda key: key.strip(" ") and not INDEX.fullmatch(key)
)
TREES = st.recursive(
    VALUES,
    lambda below: st.lists(below, min_size=1, max_size=3) | st.dictionaries(WORDS, below, min_size=1, max_size=3),
    max_leaves=10,
)


def pieces(name: str, value: Any, push: bool) -> list[str]:
    """`push`: lists are written with empty brackets where that says the same."""
    if isinstance(value, dict):
        return [one for key, below in value.items() for one in pieces(f"{name}[{quote(key)}]", below, push)]
    if isinstance(value, list):
        plain = push and all(isinstance(one, str) for one in value)
        return [
            one
            for number, below in enumerate(value)
            for one in pieces(f"{name}[{'' if plain else number}]", below, push)
        ]
    return [f"{name}={quote(value)}"]


@given(st.dictionaries(st.sampled_from(["filter", "fields", "q", "sort"]), TREES), st.booleans())
def test_what_was_written_is_read_back(tree: dict[str, Any], push: bool) -> None:
    text = "&".join(one for name, value in tree.items() for one in pieces(name, value, push))
    found = params.parse(text)
    assert found == tree
    assert params.parse(quote(text, safe="&=%")) == tree  # brackets may be encoded
    written = "&".join(quote(one, safe="[]=") for one in params.flatten(found))
    if not any(mark in repr(tree) for mark in ("=", "[", "]", "+")):  # links are not encoded, so these say more
        assert params.parse(written) == tree


# Bytes that nobody expects

READERS = (params.scalar, params.integer, params.names, params.paths, params.csv, params.conditions, params.listed)


@given(st.one_of(st.binary(max_size=60), st.text(st.sampled_from('a0[]=&.+%{}":, é\x00'), max_size=60).map(str.encode)))
@example(b"filter[a][0]=x&filter[a][b]=y&filter[a][0][logical][]=or")
@example(b"%ff[%fe]=%fd&%")
@example(b'filter={"a":{"logical":["or"],"in":{"0":[null]}}}')
def test_no_bytes_raise_more_than_a_refusal(query: bytes) -> None:
    request = Request({"path": "/", "headers": [], "query_string": query})
    for name, value in request.params.items():
        assert name
        for read in READERS:
            with suppress(BadRequest, Unprocessable):  # 400/2 and 422/12
                read(value)


@given(st.integers(0, 40), st.integers(0, 80))
def test_the_bounds_hold_whatever_the_shape(count: int, depth: int) -> None:
    text = "&".join(["b=1"] * count + ["a" + "[x]" * depth + "=1"])
    if depth > params.DEEPEST:
        with pytest.raises(BadRequest):
            params.parse(text)
    else:
        found = params.parse(text)["a"]
        for _ in range(depth):
            found = found["x"]
        assert found == "1"
