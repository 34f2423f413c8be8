"""In charge of one call of one route as data, and of the arguments that it carries. Pure; it runs nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from core.files.upload import Upload
from core.frozen import EMPTY
from core.transfer.source import Source
from rest_adapter import params
from rest_adapter.body import Payload
from rest_adapter.request import Request
from rest_adapter.route import Route

READERS: Mapping[str, tuple[str, Callable[[Any], Any]]] = {
    "fields": ("fields", params.paths),
    "filter": ("where", params.conditions),
    "q": ("q", lambda value: params.scalar(value) or None),
    "sort": ("sort", params.names),
    "limit": ("limit", params.integer),
    "offset": ("offset", params.integer),
    "page": ("page", params.integer),
    "status": ("status", params.names),
    "lang": ("lang", params.csv),
    "groups": ("groups", params.names),
    "comment": ("comment", params.scalar),
    "activity_skip": ("activity_skip", lambda value: value == "1" or None),
    "format": ("format", params.scalar),
    "atomic": ("atomic", lambda value: False if value in ("0", "false") else None),
    "key": ("key", lambda value: params.scalar(value) or None),
    "delimiter": ("delimiter", params.scalar),
    "w": ("w", params.scalar),
    "h": ("h", params.scalar),
    "f": ("f", params.scalar),
    "download": ("download", lambda value: value not in ("0", "false") or None),
    "expires": ("expires", params.integer),
    "super_admin_token": ("super_admin_token", params.scalar),
    "plan": ("plan", params.scalar),
    "allow_destructive": ("allow_destructive", lambda value: value in ("1", "true") or None),
    "export": ("format", lambda value: params.scalar(value) or ""),
    "where": ("where", params.listed),
    "action": ("action", params.scalar),
    "role": ("role", lambda value: params.scalar(value) or None),
    "user": ("user", lambda value: params.scalar(value) or None),
    "item": ("item", lambda value: params.scalar(value) or None),
    "field": ("field", lambda value: params.scalar(value) or None),
    "delete_junction": ("delete_junction", lambda value: value not in ("0", "false") or None),
}
"""Parameter of the query string → argument of the operation, and how it is read; None is an absent argument."""

META: Mapping[str, str] = {
    "collection": "collection",
    "type": "type",
    "result_count": "result_count",
    "total_count": "total_count",
    "status": "status_count",
    "status_count": "status_count",
    "filter_count": "filter_count",
    "page": "page",
}
"""Token of the parameter `meta` → what it asks for."""


@dataclass(slots=True)
class Call:
    """`values`: of the placeholders that are arguments. `payload`: the body. `collection`: whose items these are.

    `single`: the parameter, None when it is absent (spec 03 §5.4). `meta`: what of it is asked for, None when the
    parameter is absent or falsy (spec 03 §5.7). `base_url`: only where the answer needs it. `results`: how many items a
    list has that is sent while it is read, where the answer needs it.
    """

    route: Route
    request: Request
    values: dict[str, Any] = field(default_factory=dict)
    payload: Payload | None = None
    upload: Source | Upload | None = None
    """The body, or the part of it that is a file."""
    attributes: Mapping[str, Any] = field(default_factory=lambda: EMPTY)
    """What else a body with a file says."""
    collection: str | None = None
    single: bool | None = None
    meta: frozenset[str] | None = None
    base_url: str = ""
    results: int = 0
    visit: Any = None
    """Of who was let in."""
    members: dict[str, Any] | None = None
    """What the body has, once it is known."""

    @property
    def path(self) -> str:
        """The path below the project."""
        return "/" + "/".join(self.request.path)

    def read_parameters(self) -> None:
        """Find `single` and `meta`. Raises BadRequest (too many parameters)."""
        takes = self.route.takes
        if not takes or not self.request.query:
            return
        given = self.request.params
        if "single" in given and "single" in takes:
            self.single = _single(given["single"])
        if "meta" in given and "meta" in takes:
            self.meta = _meta(given["meta"])

    @property
    def counts(self) -> tuple[str, ...]:
        """The members of the operation's `meta` that the answer needs."""
        answer = self.route.answer
        if not self.meta or answer is None or (self.single and answer.first):
            return ()
        return tuple(member for name, members in answer.counts.items() if name in self.meta for member in members)

    def arguments(self) -> dict[str, Any]:
        """The arguments that the request carries, by name. Raises Unprocessable, BadRequest (a wrong filter)."""
        route = self.route
        found = {**self.values, **route.given}
        if route.takes and self.request.query:
            for name, value in self.request.params.items():
                if name in route.takes and name in READERS:
                    argument, read = READERS[name]
                    if (argument_value := read(value)) is not None:
                        found[argument] = argument_value
            if self.single and route.answer is not None and route.answer.first:
                found["limit"] = 1
        if route.arguments is not None:
            found |= route.arguments(self)
        elif route.body is not None:
            found["payload"] = self.payload
        return found


def _single(value: Any) -> bool | None:
    return {"1": True, "true": True, "0": False, "false": False}.get(value.lower()) if isinstance(value, str) else None


def _meta(value: Any) -> frozenset[str] | None:
    if not value or value == "0":
        return None
    tokens = params.names(value) or []
    if "*" in tokens:
        return frozenset(META.values())
    return frozenset(META[token] for token in tokens if token in META)


def exporting(call: Call) -> dict[str, Any]:
    """The arguments of `export_items` that parameters do not say each by itself: both forms of conditions count."""
    found: dict[str, Any] = {"collection": call.collection}
    given = call.request.params
    if "filter" in given and "where" in given:
        found["where"] = [*params.conditions(given["filter"]), *params.listed(given["where"])]
    return found


def document(call: Call) -> dict[str, Any]:
    """The body as an argument of that name."""
    return {"document": call.payload}
