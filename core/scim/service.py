"""In charge of the door of SCIM: each request is one call (spec 02 §14), answered with a body and its version.

To be imported by what answers such requests only: the models take most of a second.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from core import engine
from core.errors import Unauthorized
from core.scim import bulk as many
from core.scim import discovery, filters, groups, rows, users
from core.scim.reading import Desk, Row, Search, by_key, find, find_all, presented
from core.scim.refusals import InvalidSyntax, InvalidValue
from core.scim.rows import KINDS, USER, Kind
from core.scim.shape import Shape, shape
from core.session import Session
from core.write.pipeline import Together

LIST = discovery.LIST


@dataclass(frozen=True, slots=True)
class Answer:
    """`json`: the body, None when there is none. `location`, `version`: of the one resource that it is about."""

    json: dict[str, Any] | None = None
    location: str | None = None
    version: str | None = None


# --- reading ----------------------------------------------------------------------------------------------------------


async def one(session: Session, kind: Kind, own: str | None, form: Shape) -> Answer:
    """A resource by its id; None: the caller. Raises Unauthorized (nobody calls), ItemNotFound, ReadDenied."""
    if own is None and session.actor.public:
        raise Unauthorized
    whole = kind is USER or form.shows("members")
    row = await find(Desk(session), kind, own, whole=whole)
    return await _answered(session, kind, row, form, whole)


async def listed(session: Session, kind: Kind, search: Search) -> Answer:
    """The resources that a filter finds. Raises InvalidFilter, InvalidPath, TooMany; ReadDenied, FieldAccessDenied."""
    found, total = await find_all(Desk(session), kind, search)
    shown = await presented(session, kind, found, search.shape, versions=_whole(kind, search))
    return _list(shown, total, search)


async def everywhere(session: Session, search: Search) -> Answer:
    """Users, then groups. An attribute that one of them does not have is absent there. Raises as `listed`."""
    filters.declared(filters.parsed(search.filter))
    shown: list[dict[str, Any]] = []
    total = 0
    for kind in KINDS.values():
        start, left = max(search.start - total, 1), search.most - len(shown)
        here = Search(search.filter, search.sort_by, search.sort_order, start, left, search.shape)
        found, count = await find_all(Desk(session), kind, here, lenient=True)
        shown += await presented(session, kind, found, search.shape, versions=_whole(kind, search))
        total += count
    return _list(shown, total, search)


def searched(body: Any, kind: Kind | None) -> Search:
    """The body of `.search`. Raises InvalidSyntax, InvalidValue."""
    if not isinstance(body, Mapping):
        raise InvalidSyntax("The body must be an object.")
    given = {str(name).lower(): value for name, value in body.items() if value is not None}
    return Search(
        _member(given, "filter", str),
        _member(given, "sortBy", str),
        _member(given, "sortOrder", str),
        _member(given, "startIndex", int),
        _member(given, "count", int),
        shape(kind, _names(given, "attributes"), _names(given, "excludedAttributes")),
    )


def _member(given: Mapping[str, Any], name: str, kind: type) -> Any:
    value = given.get(name.lower())
    if value is not None and (not isinstance(value, kind) or isinstance(value, bool)):
        raise InvalidValue(f"{name} must be {'text' if kind is str else 'a whole number'}.")
    return max(min(value, 2**31 - 1), -(2**31)) if isinstance(value, int) else value


def _names(given: Mapping[str, Any], name: str) -> list[str]:
    value = given.get(name.lower(), [])
    listed = [value] if isinstance(value, str) else value
    if not isinstance(listed, list | tuple) or not all(isinstance(one, str) for one in listed):
        raise InvalidValue(f"{name} must be a list of names.")
    return list(listed)


def _whole(kind: Kind, search: Search) -> bool:
    return kind is USER or search.shape.shows("members")


def _list(shown: list[dict[str, Any]], total: int, search: Search) -> Answer:
    page = {"startIndex": search.start, "itemsPerPage": len(shown), "totalResults": total}
    return Answer({"schemas": [LIST], **page, "Resources": shown})


# --- writing ----------------------------------------------------------------------------------------------------------


async def create(session: Session, kind: Kind, body: Any, form: Shape) -> Answer:
    """Create a resource. Raises InvalidSyntax, InvalidValue; DuplicateItem, and what a write of its row raises."""
    module = users if kind is USER else groups

    async def work(tx: Together) -> tuple[Row | None, bool]:
        return await _back(tx, kind, await module.create(tx, body), form)

    return await _written(session, kind, await engine.together(session, kind.collection, work), form)


async def replace(
    session: Session, kind: Kind, own: str | None, body: Any, if_match: str | None, form: Shape
) -> Answer:
    """Store a resource as the body says. Raises VersionMismatch, ItemNotFound, and as `create`."""
    module = users if kind is USER else groups
    key = await _key(session, kind, own)

    async def work(tx: Together) -> tuple[Row | None, bool]:
        return await _back(tx, kind, await module.replace(tx, key, body, if_match), form)

    return await _written(session, kind, await engine.together(session, kind.collection, work), form)


async def patch(session: Session, kind: Kind, own: str | None, body: Any, if_match: str | None, form: Shape) -> Answer:
    """Change parts of a resource. Raises InvalidPath, NoTarget, NotMutable, VersionMismatch, and as `create`."""
    module = users if kind is USER else groups
    key = await _key(session, kind, own)

    async def work(tx: Together) -> tuple[Row | None, bool]:
        return await _back(tx, kind, await module.patch(tx, key, body, if_match), form)

    return await _written(session, kind, await engine.together(session, kind.collection, work), form)


async def delete(session: Session, kind: Kind, own: str | None, if_match: str | None) -> Answer:
    """Delete a resource. Raises VersionMismatch, ItemNotFound, LastAdmin, and what a write of its row raises."""
    module = users if kind is USER else groups
    key = await _key(session, kind, own)
    await engine.together(session, kind.collection, lambda tx: module.delete(tx, key, if_match))
    return Answer()


async def bulk(session: Session, body: Any) -> Answer:
    """Many requests in one. Raises InvalidSyntax, InvalidValue, TooMany."""
    return Answer(await many.run(session, body))


async def _key(session: Session, kind: Kind, own: str | None) -> Any:
    """The key behind an id, before the transaction: what is read in it must come after the lock."""
    if own is None and session.actor.public:
        raise Unauthorized
    return (await find(Desk(session), kind, own, whole=False))["id"]


async def _back(tx: Together, kind: Kind, key: Any, form: Shape) -> tuple[Row | None, bool]:
    whole = kind is USER or form.shows("members")
    return await by_key(Desk(tx.session, tx), kind, key, whole=whole), whole


async def _written(session: Session, kind: Kind, back: tuple[Row | None, bool], form: Shape) -> Answer:
    row, whole = back
    return Answer() if row is None else await _answered(session, kind, row, form, whole)


async def _answered(session: Session, kind: Kind, row: Row, form: Shape, whole: bool) -> Answer:
    [shown] = await presented(session, kind, [row], form, versions=whole)
    desk = Desk(session)
    full = desk.shown(kind, row)
    location = rows.location(desk.base, kind, full["id"]) if "id" in full else None
    return Answer(shown, location, rows.version(full) if whole else None)


# --- what the server is -----------------------------------------------------------------------------------------------


def provider_config(session: Session) -> Answer:
    """`/ServiceProviderConfig`."""
    return _described(discovery.provider_config(Desk(session).base))


def resource_types(session: Session, name: str | None) -> Answer:
    """`/ResourceTypes`, or one by its name. Raises ItemNotFound."""
    return _described(discovery.resource_types(Desk(session).base, name))


def schemas(session: Session, urn: str | None) -> Answer:
    """`/Schemas`, or one by its URN. Raises ItemNotFound."""
    return _described(discovery.schemas(Desk(session).base, urn))


def _described(found: dict[str, Any]) -> Answer:
    return Answer(found, found.get("meta", {}).get("location"))
