"""In charge of which answers stay right until something is written: neither chance nor the clock decides. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from core.catalog.model import SYSTEM_PREFIX
from core.query.reach import Reach
from core.query.selection import Condition, Nested, ReadRequest, Selection

WRITTEN_AS_ITEMS = frozenset({"directus_files", "directus_folders", "directus_roles"})
"""Tables of the system whose rows change by writes of items only; others change by the way (sign-in, history)."""


def lasting(reach: Reach, request: ReadRequest) -> bool:
    """Whether an answer may be kept until one of the collections that it depends on is written."""
    if (
        reach.random
        or reach.timed
        or any(name.startswith(SYSTEM_PREFIX) and name not in WRITTEN_AS_ITEMS for name in reach.shown)
    ):
        return False
    return not any(value.lower() == "now" for value in _texts(request))


def _texts(request: ReadRequest) -> Iterator[str]:
    """All texts that a condition may compare with."""
    yield from _inside(request.where)
    yield from _inside(request.filter)
    yield from _selected(request.selection)


def _selected(selection: Selection) -> Iterator[str]:
    if not selection.windowed:
        return
    for entry in selection:
        if isinstance(entry, Nested):
            if entry.window is not None:
                yield from _inside(entry.window.where)
                yield from _inside(entry.window.filter)
            yield from _selected(entry.selection)


def _inside(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield from value.split(",")
    elif isinstance(value, Condition):
        yield from _inside(value.value)
    elif isinstance(value, dict):
        for one in value.values():
            yield from _inside(one)
    elif isinstance(value, (list, tuple)):
        for one in value:
            yield from _inside(one)
