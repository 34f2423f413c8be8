"""In charge of field paths (spec 03 §5.1): `*`, `a`, `a.b`, `*.*`, `-a` become a tree. Pure; knows no collections."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from core.errors import Unprocessable

MAX_DEPTH = 10


@dataclass(frozen=True, slots=True)
class Branch:
    """What is asked for at one level.

    `star`: all columns. `names`: fields named. `excluded`: fields taken out. `children`: subtree by field name.
    `rest`: subtree for every relation (`*.…`), None when there is no such token.
    """

    star: bool
    names: tuple[str, ...]
    excluded: frozenset[str]
    children: Mapping[str, Branch]
    rest: Branch | None


def tokens(paths: Iterable[str]) -> tuple[str, ...]:
    """The paths of a `fields` argument: CSV in an element is split and trimmed, falsy names dropped, default `*`."""
    found = [part.strip() for path in paths for part in path.split(",")]
    return tuple(part for part in found if part and part != "0") or ("*",)


def parse(paths: Iterable[str]) -> Branch:
    """The tree of the paths. Raises Unprocessable (422/12) beyond 10 levels."""
    split = [path.split(".") for path in paths]
    if any(len(segments) > MAX_DEPTH for segments in split):
        raise Unprocessable(f"Fields may be nested {MAX_DEPTH} levels at most.")
    return _branch(split)


def _branch(split: Sequence[Sequence[str]]) -> Branch:
    star = False
    names: dict[str, None] = {}
    excluded: set[str] = set()
    below: dict[str, list[Sequence[str]]] = {}
    for head, *tail in split:
        if not tail and head.startswith("-"):
            if len(head) > 1:  # a lone `-`, with which the admin app counts, takes nothing out
                excluded.add(head[1:])
        elif head == "*":
            star = True
        else:
            names[head] = None
        if tail:
            below.setdefault(head, []).append(tail)
    rest = below.pop("*", None)
    return Branch(
        star=star or not names,  # a level with nothing but exclusions means everything without them
        names=tuple(names),
        excluded=frozenset(excluded),
        children={name: _branch(tails) for name, tails in below.items()},
        rest=_branch(rest) if rest is not None else None,
    )
