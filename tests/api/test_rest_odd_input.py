"""Whatever is sent, the answer is one of the specification: no internal error, nothing changed, nothing leaked."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.api.newsroom import Newsroom, newsroom
from tests.backends import fresh_database

ODD = (
    "", "0", "-1", "'", '"', "`", "\\", "%", "_", ";", "--", "/*", "*", "?", "$1", ":x", "{", "[", "]", "=", "&", "#",
    "\x00", "\n", "null", "undefined", "true", "now", "ä", "😀", "\ud7ff", "1e309", "nan", "9" * 30, "x" * 300,
    "1' OR '1'='1", '"; DROP TABLE articles; --', "id", "title", "author", "comments", "author.name", "*.*",
    "categories.category.parent", "-id", "1,2", "2020-01-01", "directus_users", "password", "owner.password",
)  # fmt: skip
NAMES = ("fields", "filter", "sort", "limit", "offset", "page", "q", "status", "meta", "single", "groups", "lang")
FIELDS = (
    "id",
    "title",
    "views",
    "rating",
    "featured",
    "tags",
    "extra",
    "created_on",
    "author",
    "author.name",
    "comments",
)
OPERATORS = (
    "eq", "neq", "lt", "gte", "in", "nin", "between", "nbetween", "null", "empty", "nempty", "like", "ncontains",
    "rlike", "has", "nhas", "all", "logical", "=", "<>", "0", "1", "",
)  # fmt: skip

texts = st.sampled_from(ODD) | st.text(st.characters(codec="utf-8"), max_size=12)
fields = st.sampled_from(FIELDS) | texts
brackets = st.lists(texts | st.sampled_from(OPERATORS), max_size=3)
parameters = st.one_of(
    st.tuples(st.sampled_from(NAMES), st.just(()), texts),
    st.tuples(st.sampled_from(NAMES), brackets, texts),
    st.tuples(st.just("filter"), st.tuples(fields, st.sampled_from(OPERATORS)), texts),
    st.tuples(st.just("filter"), st.tuples(fields, st.just("0"), st.sampled_from(OPERATORS)), texts),
)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | texts,
    lambda below: st.lists(below, max_size=3) | st.dictionaries(fields, below, max_size=3),
    max_leaves=8,
)
KNOWN = frozenset({200, 204, 400, 401, 403, 404, 405, 409, 413, 422})


@pytest.fixture(scope="module")
async def server(dialect: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Newsroom]:
    folder = tmp_path_factory.mktemp("odd")
    with fresh_database(dialect, folder) as url:
        async with newsroom(url, folder / "data") as found:
            await found.refill()
            yield found


def _query(given_: list[tuple[str, Any, str]]) -> str:
    return "&".join(
        quote(name) + "".join(f"[{quote(key, safe='')}]" for key in keys) + "=" + quote(value, safe="")
        for name, keys, value in given_
    )


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(st.lists(parameters, min_size=1, max_size=4), st.sampled_from(["", "/1", "/1,2"]))
async def test_parameters(server: Newsroom, given_: list[tuple[str, Any, str]], ids: str) -> None:
    answer = await server.ask("GET", f"/items/articles{ids}?{_query(given_)}")
    assert answer.status_code in KNOWN, answer.text
    if answer.status_code != 200:
        assert list(answer.json()) == ["error"]


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(st.sampled_from(["articles", "people", "comments", "tokens"]) | texts, texts | st.just("1"))
async def test_paths(server: Newsroom, collection: str, key: str) -> None:
    path = f"/items/{quote(collection, safe='')}/{quote(key, safe='')}"
    answer = await server.ask("GET", path)
    assert answer.status_code in KNOWN, (path, answer.text)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(st.dictionaries(fields, values, min_size=1, max_size=3) | values)
async def test_bodies(server: Newsroom, body: Any) -> None:
    before = await server.everything()
    answer = await server.ask("POST", "/items/articles?activity_skip=1", json=body)
    assert answer.status_code in KNOWN, (body, answer.text)
    if answer.status_code >= 400:
        assert await server.everything() == before
