"""In charge of showing what field paths ask for at every level (items spec §5.1)."""

from __future__ import annotations

from typing import Any

import pytest

from core.errors import Unprocessable
from core.query.fields import Branch, parse, tokens


def branch(
    *names: str, star: bool = False, excluded: tuple[str, ...] = (), rest: Branch | None = None, **children: Branch
) -> Branch:
    return Branch(star, names, frozenset(excluded), children, rest)


ALL = branch(star=True)


@pytest.mark.parametrize(
    ("paths", "found"),
    (
        ((), ("*",)),
        (("",), ("*",)),
        (("0",), ("*",)),
        (("a,b",), ("a", "b")),
        ((" a , b ", "c"), ("a", "b", "c")),
        (("a,,0,b",), ("a", "b")),
    ),
)
def test_tokens(paths: tuple[str, ...], found: tuple[str, ...]) -> None:
    assert tokens(paths) == found


@pytest.mark.parametrize(
    ("paths", "found"),
    (
        (("*",), ALL),
        (("a", "b", "a"), branch("a", "b")),
        (("*", "-a"), branch(star=True, excluded=("a",))),
        (("-a",), branch(star=True, excluded=("a",))),
        (("a", "-b"), branch("a", excluded=("b",))),
        (("-",), ALL),
        (("a", "-"), branch("a")),
        (("a.*",), branch("a", a=ALL)),
        (("a.b", "a.c"), branch("a", a=branch("b", "c"))),
        (("a.b.c",), branch("a", a=branch("b", b=branch("c")))),
        (("*.*",), branch(star=True, rest=ALL)),
        (("*.*.*",), branch(star=True, rest=branch(star=True, rest=ALL))),
        (("*.id",), branch(star=True, rest=branch("id"))),
        (("*.*", "a.b"), branch("a", star=True, rest=ALL, a=branch("b"))),
        (("a.-b",), branch("a", a=branch(star=True, excluded=("b",)))),
        (("a.*", "a.-b"), branch("a", a=branch(star=True, excluded=("b",)))),
    ),
)
def test_paths(paths: tuple[str, ...], found: Any) -> None:
    assert parse(paths) == found


def test_depth() -> None:
    assert parse((".".join("a" * 10),)).names == ("a",)
    with pytest.raises(Unprocessable) as caught:
        parse((".".join("a" * 11),))
    assert caught.value.code == 12
