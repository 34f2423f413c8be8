"""In charge of the active webhooks of a project as data: who is told of what (spec 03 §13). Pure; it sends nothing."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any
from urllib.parse import urlsplit

TABLE = "directus_webhooks"
COLUMNS = ("id", "status", "http_action", "url", "collection", "directus_action")

ACTIONS: Mapping[str, str] = {
    "item.create:after": "create",
    "item.update:after": "update",
    "item.delete:after": "delete",
}
"""What `directus_action` may hold → the action of an event."""
METHODS = ("get", "post")

UNPRINTABLE = re.compile(r"[\x00-\x20\x7f]")


@dataclass(frozen=True, slots=True)
class Webhook:
    """An active row. `method`: GET or POST; `action`: create, update or delete."""

    id: int
    collection: str
    action: str
    method: str
    url: str


Webhooks = Mapping[str, tuple[Webhook, ...]]
"""Collection → its webhooks in the order of their ids."""


def webhooks(rows: Iterable[Mapping[str, Any]]) -> Webhooks:
    """The webhooks of rows of the table; left out are inactive ones and those that lack what sending needs."""
    found: dict[str, list[Webhook]] = {}
    for row in rows:
        one = _webhook(row)
        if one is not None:
            found.setdefault(one.collection, []).append(one)
    ordered = {name: tuple(sorted(some, key=lambda one: one.id)) for name, some in found.items()}
    return MappingProxyType(ordered)


def _webhook(row: Mapping[str, Any]) -> Webhook | None:
    action = ACTIONS.get(str(row.get("directus_action")))
    method, url, collection = str(row.get("http_action")).lower(), row.get("url"), row.get("collection")
    if row.get("status") != "active" or action is None or method not in METHODS or not collection:
        return None
    if not is_address(url):
        return None
    return Webhook(int(row["id"]), str(collection), action, method.upper(), str(url))


def is_address(url: object) -> bool:
    """Whether something is a URL that may be sent to: http or https, with a host. Where it leads is not looked at."""
    if not isinstance(url, str) or UNPRINTABLE.search(url) or "\\" in url:
        return False
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname) and port != 0
