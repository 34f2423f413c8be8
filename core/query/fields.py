"""In charge of field paths (spec 03 §5.1): `*`, `a`, `a.b`, `*.*`, `-a` become a tree. Pure; knows no collections."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from core.errors import Unprocessable

MAX_DEPTH = 10


@dataclass(slots=True)
class Branch:
    """What is asked for at one level.

    `star`: all columns. `names`: fields named. `excluded`: fields taken out. `children`: subtree by field name.
    `rest`: subtree for every relation (`*.…`), None when there is no such token.
    """

    star: bool = False
    names: dict[str, None] = field(default_factory=dict)
    excluded: set[str] = field(default_factory=set)
    children: dict[str, Branch] = field(default_factory=dict)
    rest: Branch | None = None


def tokens(paths: Iterable[str]) -> tuple[str, ...]:
    """The paths of a `fields` argument: CSV inside an element is split and trimmed, falsy names dropped, default `*`."""
    found = [part.strip() for path in paths for part in path.split(",")]
    return tuple(part for part in found if part and part != "0") or ("*",)


def parse(paths: Iterable[str]) -> Branch:
    """The tree of the paths. Raises Unprocessable (422/12) beyond 10 levels."""
    root = Branch()
    for path in paths:
        segments = path.split(".")
        if len(segments) > MAX_DEPTH:
            raise Unprocessable(f"Fields may be nested {MAX_DEPTH} levels at most.")
        _add(root, segments)
    _complete(root)
    return root


def _complete(branch: Branch) -> None:
    """A level with nothing but exclusions means everything without them."""
    if not branch.star and not branch.names:
        branch.star = True
    for child in (*branch.children.values(), *((branch.rest,) if branch.rest else ())):
        _complete(child)


def _add(branch: Branch, segments: list[str]) -> None:
    head, *tail = segments
    if not tail:
        if head == "*":
            branch.star = True
        elif head.startswith("-") and len(head) > 1:
            branch.excluded.add(head[1:])
        else:
            branch.names[head] = None
        return
    if head == "*":
        branch.star = True
        branch.rest = branch.rest or Branch()
        _add(branch.rest, tail)
        return
    branch.names[head] = None
    _add(branch.children.setdefault(head, Branch()), tail)
