"""The words that name a kept answer: the same for requests that mean the same, and never for others."""

from __future__ import annotations

import pytest

from rest_adapter.kept import refreshes, words
from rest_adapter.request import Request


def asked(query: str) -> Request:
    request = Request({"path": "/main/items/articles", "headers": [], "query_string": query.encode()})
    request.path = request.called[1:]
    return request


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("a=1&b=2", "b=2&a=1", True),
        ("a=1&a=2", "a=2&a=1", False),
        ("filter[a]=1&filter[b]=2", "filter[b]=2&filter[a]=1", False),
        ("filter%5Ba%5D=1&sort=x", "sort=x&filter%5Ba%5D=1", True),
        ("filter[a]=1&sort=x&filter[b]=2", "sort=x&filter[a]=1&filter[b]=2", True),
        ("a=1&refresh_cache=1", "a=1", True),
        ("meta=*&limit=1", "limit=1&meta=*", False),
        ("access_token=x", "access_token=y", False),
        ("a=1&b=2", "a=1%26b=2", False),
    ],
)
def test_words(one: str, other: str, same: bool) -> None:
    assert (words(asked(one)) == words(asked(other))) is same


def test_what_refreshes() -> None:
    assert refreshes(asked("refresh_cache=1"))
    assert refreshes(asked("a=b&refresh_cache=yes"))
    assert not any(refreshes(asked(query)) for query in ("", "refresh_cache", "refresh_cache=", "refresh_cache=0"))
