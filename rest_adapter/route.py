"""In charge of what a row of the route table says, and of finding the rows of a path by dictionary look-ups."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from core.errors import TabulariumError
from rest_adapter import errors
from rest_adapter.errors import Denied

if TYPE_CHECKING:
    from rest_adapter.call import Call
    from rest_adapter.reply import Reply

OBJECT, ARRAY, FILE = "object", "array", "file"
EXPORT = "export"
"""In the place of the form of a body: the parameter of that name is there, and chooses the row."""
"""Forms of a body; a route with none ignores what is sent. A file is spooled once its caller was let in."""

PROJECTS = ("projects",)
"""A path that is there only while no project is found (spec 01 §11.2)."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What of the result is selected, and how it becomes members of the envelope.

    `selection`: GraphQL text in which `$row` stands for the REST form of an item and `$meta` for the counts; "" for a
    leaf. `wrap`: (call, result) → members, none when there is nothing to say, or the text of an answer that is no JSON.
    `counts`: what `meta` may ask for → members that the operation counts for it. `first`: with the parameter `single`
    the list is one of at most one item. `streams`: a long list may be sent while it is read. `sent`: how a file that is
    stored becomes an answer.
    """

    selection: str
    wrap: Callable[[Call, Any], dict[str, Any] | str]
    counts: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    first: bool = False
    streams: bool = False
    sent: Callable[[Call, Any], Awaitable[Any]] | None = None
    reply: Callable[[Call, Any, dict[str, Any]], Reply] | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Route:
    """One row: a request of this method, path and body form runs this operation.

    `path`: below `/:project`, or global when it begins with a reserved name. A placeholder is named like the argument
    that it becomes; `:ids` is a CSV. `operation`: as in the list of operations, `C` being the collection; "" where the
    form is refused. `answer`: what is selected and how it is wrapped. `takes`: parameters of the query string.
    `denied`: how the route looks to a caller without any level. `body`: form of the body. `of`: the collection whose
    operation it is, when the path does not say so. `anonymous`: no credential is looked at. `arguments`: how the body
    becomes arguments, other than by being the payload. `refuse`: the error of a form that is not known. `lenient`: a
    missing or unreadable body counts as an empty object. `digits`: ids that are no numbers make an unknown path.
    `given`: arguments that are always the same. `limit`: bytes of a body, 0 is as all.
    `wrapped`: all that the operation refuses looks the same (`errors.wrapped`).
    """

    method: str
    path: str
    operation: str
    answer: Answer | None = None
    takes: frozenset[str] = frozenset()
    denied: Denied = errors.AS_IS
    body: str | None = None
    of: str | None = None
    anonymous: bool = False
    arguments: Callable[[Call], dict[str, Any]] | None = None
    refuse: Callable[[], TabulariumError] | None = None
    lenient: bool = False
    digits: bool = False
    wrapped: bool = False
    given: Mapping[str, Any] = field(default_factory=dict)
    limit: int = 0
    steps: tuple[str, ...] = field(init=False)
    placeholders: tuple[str, ...] = field(init=False)
    of_path: bool = field(init=False)
    """The path says whose operation it is."""

    def __post_init__(self) -> None:
        steps = tuple(step for step in self.path.split("/") if step)
        names = tuple(step[1:] for step in steps if step.startswith(":"))
        object.__setattr__(self, "steps", steps)
        object.__setattr__(self, "placeholders", names)
        object.__setattr__(self, "of_path", self.of is None and "collection" in names)

    @property
    def of_server(self) -> bool:
        """The operation needs no project."""
        return without_project(self.steps)

    @property
    def several(self) -> bool:
        """The path names items by a CSV."""
        return self.placeholders[-1:] in (("ids",), ("_ids",))


def without_project(path: Sequence[str]) -> bool:
    """Whether a path is answered without a project: `/server/…` and `/projects` (spec 01 §1.1)."""
    return path[:1] == ("server",) or path == PROJECTS


@dataclass(frozen=True, slots=True)
class Variants:
    """The rows of one method and path: by (ids are a CSV, form of the body).

    `named`: the last segment names items, so a comma in it matters. `some`: one of the rows, for what they share.
    """

    rows: Mapping[tuple[bool, str | None], Route]
    named: bool
    with_body: bool
    """The body decides between rows."""
    with_export: bool
    """A parameter decides between rows."""
    some: Route


@dataclass(slots=True)
class _Node:
    children: dict[str, _Node] = field(default_factory=dict)
    other: _Node | None = None
    methods: dict[str, Variants] = field(default_factory=dict)


class Router:
    """Finds rows. A literal segment wins over a placeholder, where the rest of the path goes on from it."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self._root = _Node()
        found: dict[tuple[str, tuple[str, ...]], list[Route]] = {}
        for route in routes:
            shape = tuple(":" if step.startswith(":") else step for step in route.steps)
            found.setdefault((route.method, shape), []).append(route)
        for (method, shape), rows in found.items():
            self._node(shape).methods[method] = Variants(
                rows={(row.several, row.body): row for row in rows},
                named=any(row.several for row in rows),
                with_body=any(row.body in (OBJECT, ARRAY) for row in rows),
                with_export=any(row.body == EXPORT for row in rows),
                some=rows[0],
            )

    def _node(self, shape: tuple[str, ...]) -> _Node:
        node = self._root
        for step in shape:
            if step == ":":
                if node.other is None:
                    node.other = _Node()
                node = node.other
            else:
                node = node.children.setdefault(step, _Node())
        return node

    def find(self, path: tuple[str, ...]) -> tuple[Mapping[str, Variants], list[str]]:
        """The variants of a path by method, none when it is unknown, and the values of its placeholders."""
        values: list[str] = []
        node = _reached(self._root, path, values)
        return ({} if node is None else node.methods), values

    def find_for(self, path: tuple[str, ...], method: str) -> tuple[Mapping[str, Variants], list[str]]:
        """The same for one method: a word that it does not know may be the id of something."""
        values: list[str] = []
        node = _reached(self._root, path, values, method)
        return ({} if node is None else node.methods), values


def _reached(node: _Node, path: tuple[str, ...], values: list[str], method: str | None = None) -> _Node | None:
    """The node of a path that has rows, and the values on the way; None, and no values, where there is none."""
    if not path:
        return node if (method in node.methods if method else node.methods) else None
    step, rest = path[0], path[1:]
    below = node.children.get(step)
    if below is not None and (found := _reached(below, rest, values, method)) is not None:
        return found
    if node.other is None:
        return None
    values.append(step)
    found = _reached(node.other, rest, values, method)
    if found is None:
        values.pop()
    return found
