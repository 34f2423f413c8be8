"""In charge of reading users and roles for SCIM: one by its id, lists by filter, and when they were made and changed.

Everything is an ordinary read of the caller. How rows look is `core.scim.rows`' business.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from core import engine
from core.errors import FieldAccessDenied, ItemNotFound, ReadDenied
from core.query.aggregate import AggregateRequest, Measure
from core.query.predicate import Compare, In, Predicate
from core.query.selection import Condition, ReadRequest, ReadResult, Selection
from core.scim import filters, rows
from core.scim.filters import Found, Moment, Wanted
from core.scim.refusals import TooMany
from core.scim.rows import OF_GROUP, OF_GROUP_ALONE, OF_USER, USER, Kind
from core.scim.shape import WHOLE, Shape
from core.session import Session
from core.write.pipeline import Together

ACTIVITY = "directus_activity"
CHANGES = ("create", "update", "soft-delete", "revert")
MOST_KEYS = 10_000
"""Rows that a comparison with a time may find."""
MOST_IN_ONE = 1000
DEFAULT_COUNT = 100

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Desk:
    """Where requests are answered: a session, and the transaction they belong to if there is one."""

    session: Session
    together: Together | None = None

    async def read(self, request: ReadRequest) -> ReadResult:
        """Raises as `core.engine.read`."""
        if self.together is None:
            return await engine.read(self.session, request)
        return await self.together.read(request)

    @property
    def base(self) -> str:
        """The address of all SCIM routes."""
        return f"{self.session.context.base_url}/{self.session.project.key}/scim/v2"

    @property
    def numbers(self) -> bool:
        """`externalId` of answers is the key, as in Directus 8 (spec 02 §14.6)."""
        return bool(self.session.project.config.get("scim.external_id") == "v8")

    def shown(self, kind: Kind, row: Row) -> dict[str, Any]:
        """The representation without `meta`."""
        show = rows.user if kind is USER else rows.group
        return show(row, self.base, numbers=self.numbers)


@dataclass(frozen=True, slots=True)
class Search:
    """What a list is asked for (RFC 7644 §3.4.2)."""

    filter: str | None = None
    sort_by: str | None = None
    sort_order: str | None = None
    start_index: int | None = None
    count: int | None = None
    shape: Shape = WHOLE

    @property
    def start(self) -> int:
        return max(self.start_index or 1, 1)

    @property
    def most(self) -> int:
        return DEFAULT_COUNT if self.count is None else min(max(self.count, 0), MOST_IN_ONE)


# --- one ------------------------------------------------------------------------------------------------------------


async def find(desk: Desk, kind: Kind, own: str | None, *, whole: bool = True) -> Row:
    """The row with an id; None: the caller's own. Raises ItemNotFound, ReadDenied."""
    part: Predicate = (
        Compare("id", "eq", desk.session.actor.user) if own is None else rows.identified(kind.collection, own)
    )
    found = await desk.read(ReadRequest(kind.collection, _selection(kind, whole), part=part, limit=1))
    if not found.items:
        raise ItemNotFound.with_id(own or rows.USERS)
    return found.items[0]


async def by_key(desk: Desk, kind: Kind, key: Any, *, whole: bool = True) -> Row | None:
    """The row with a key; None where the caller may not read it."""
    try:
        found = await desk.read(ReadRequest(kind.collection, _selection(kind, whole), id=str(key)))
    except (ItemNotFound, ReadDenied):
        return None
    return found.items[0]


def _selection(kind: Kind, whole: bool) -> Selection:
    return OF_USER if kind is USER else OF_GROUP if whole else OF_GROUP_ALONE


# --- lists ----------------------------------------------------------------------------------------------------------


async def find_all(desk: Desk, kind: Kind, search: Search, *, lenient: bool = False) -> tuple[Sequence[Row], int]:
    """The rows of a list, and how many there are in all. `lenient`: attributes of other kinds are absent.

    Raises InvalidFilter, InvalidPath, TooMany; ReadDenied, FieldAccessDenied.
    """
    part = await matching(desk, kind, search.filter, lenient=lenient)
    order = filters.order(kind, search.sort_by, search.sort_order, lenient=lenient)
    request = ReadRequest(
        kind.collection,
        _selection(kind, search.shape.shows("members")),
        part=part,
        sort=order,
        limit=search.most,
        offset=search.start - 1,
        meta=frozenset({"filter_count"}),
    )
    found = await desk.read(request)
    return found.items, found.meta["filter_count"]


async def matching(desk: Desk, kind: Kind, text: str | None, *, lenient: bool = False) -> Predicate:
    """The rows that a filter finds, after a look at what it depends on. Raises as `find_all`."""
    tree = filters.parsed(text)
    if tree is None:
        return filters.predicate(kind, None, Found())
    return filters.predicate(kind, tree, await _looked_up(desk, kind, filters.wanted(kind, tree)), lenient=lenient)


async def _looked_up(desk: Desk, kind: Kind, wanted: Wanted) -> Found:
    ids: Iterable[str] = ()
    if wanted.ids:
        request = ReadRequest(
            kind.collection,
            Selection(rows.leaves("external_id")),
            part=In("external_id", tuple(sorted(wanted.ids))),
            limit=-1,
        )
        ids = [row["external_id"] for row in (await desk.read(request)).items]
    keys = {moment: await _changed(desk, kind, moment) for moment in sorted(wanted.moments, key=repr)}
    return Found(frozenset(ids), keys)


async def _changed(desk: Desk, kind: Kind, moment: Moment) -> tuple[Any, ...]:
    """The keys of rows that were made or changed then."""
    actions = ("create",) if moment.attribute == "meta.created" else CHANGES
    where = (
        *_about(kind, actions),
        Condition("action_on", moment.op, moment.value.strftime("%Y-%m-%d %H:%M:%S")),
    )
    request = AggregateRequest(ACTIVITY, group_by=("item",), group_keys=("of",), where=where, limit=MOST_KEYS + 1)
    found = await engine.aggregate(desk.session, request)
    if len(found) > MOST_KEYS:
        raise TooMany("The time that the filter names is followed or preceded by too many changes.")
    return tuple(int(one["of"]["item"]) for one in found if str(one["of"]["item"]).isdecimal())


# --- times ----------------------------------------------------------------------------------------------------------


async def times(session: Session, kind: Kind, found: Sequence[Row]) -> dict[Any, dict[str, str]]:
    """`created` and `lastModified` of rows, by key, where the history tells and the caller may read it."""
    keys = tuple(str(row["id"]) for row in found if row["id"] is not None)
    if not keys:
        return {}
    request = AggregateRequest(
        ACTIVITY,
        measures=(Measure("first", "min", "action_on"), Measure("last", "max", "action_on")),
        group_by=("item", "action"),
        group_keys=("of",),
        where=(*_about(kind, CHANGES), Condition("item", "in", list(keys))),
        limit=-1,
    )
    try:
        history = await engine.aggregate(session, request)
    except (ReadDenied, FieldAccessDenied):
        return {}
    told: dict[Any, dict[str, str]] = {}
    for one in history:
        entry = told.setdefault(one["of"]["item"], {})
        if one["of"]["action"] == "create":
            entry["created"] = _moment(one["first"])
        entry["lastModified"] = max(entry.get("lastModified", ""), _moment(one["last"]))
    return told


def _about(kind: Kind, actions: Sequence[str]) -> tuple[Condition, ...]:
    return (Condition("collection", "eq", kind.collection), Condition("action", "in", list(actions)))


def _moment(text: Any) -> str:
    return str(text).replace(" ", "T")[:19] + "Z"


async def presented(
    session: Session, kind: Kind, found: Sequence[Row], shape: Shape, *, versions: bool = True
) -> list[dict[str, Any]]:
    """The representations of rows. `versions`: False where the rows were not read as a whole."""
    desk = Desk(session)
    told = await times(session, kind, found) if shape.shows("meta") else {}
    answer = []
    for row in found:
        shown = desk.shown(kind, row)
        meta: dict[str, Any] = {"resourceType": kind.name, **told.get(str(row["id"]), {})}
        if "id" in shown:
            meta["location"] = rows.location(desk.base, kind, shown["id"])
        if versions:
            meta["version"] = rows.version(shown)
        answer.append(shape.of({**shown, "meta": meta}))
    return answer
