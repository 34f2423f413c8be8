"""In charge of the names of events (spec 03 §14): which there are, and by which names one happening goes. Pure."""

from __future__ import annotations

import re

_FILTERS = re.compile(
    r"item\.(create|update)(\.[^:]+)?:before"
    r"|item\.read(\.[^:]+)?(:before)?"
    r"|response(\.(GET|POST|PUT|PATCH|DELETE))?"
)
_ACTIONS = re.compile(
    r"item\.(create|update|delete)(\.[^:]+)?(:before|:after)?"
    r"|collection\.(create|update|delete)(:before|:after)?"
    r"|field\.(create|update|delete)(\.[^:]+)?(:before|:after)?"
    r"|file\.(save|update|delete)(:after)?"
    r"|auth\.(request:credentials|success|fail)"
    r"|application\.(boot|error)"
    r"|response"
)

BEFORE, WITHIN, AFTER = ":before", "", ":after"
"""When: before anything is written; written, but not stored; after the commit."""

FILES = {"create": "file.save", "update": "file.update", "delete": "file.delete"}
"""How writes of rows of directus_files are called beside their names as items."""


def is_filter(name: str) -> bool:
    """Whether there is a filter of this name."""
    return _FILTERS.fullmatch(name) is not None


def is_action(name: str) -> bool:
    """Whether there is an action of this name."""
    return _ACTIONS.fullmatch(name) is not None


def names(event: str, collection: str | None, when: str) -> tuple[str, ...]:
    """The names of one happening, the general one first. `event`: such as "item.create"; `when`: BEFORE and so on."""
    if collection is None:
        return (event + when,)
    return event + when, f"{event}.{collection}{when}"
