"""In charge of editions: snapshot, names, executable schema of a project, made off the request path, swapped at once.

A project calls `prepare` with a new snapshot before it takes the place of the old one, so requests find their edition
ready; the first request of all waits for it. Requests keep the edition they began with.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any
from weakref import WeakSet, finalize, ref

import structlog
from graphql import GraphQLNamedType, GraphQLSchema

from core.catalog.model import SYSTEM_PREFIX, Snapshot
from core.pace import Pace, Pause, search_everything, unpaced
from core.projects import Project
from schema.build import build_schema, names_for
from schema.documents import Documents
from schema.limits import DEFAULT, Limits
from schema.names import Names
from schema.reach import own_types, take_apart
from schema.static import server_schema
from schema.visibility import Introspection

FORGOTTEN = 5
"""Schemas that may be there beside those: requests that failed refer to them in circles, or are still under way."""
KEPT = 3
"""Editions that a project holds on to: the present one, and those that requests under way may ask for."""


@dataclass(frozen=True, slots=True)
class Edition:
    """What a request takes at the door and keeps.

    `adapter`: what the REST adapter makes of this edition, its own business. The server's edition has no snapshot and
    no names: it calls everything as it is called.
    """

    schema: GraphQLSchema
    documents: Documents
    snapshot: Snapshot | None = None
    names: Names | None = None
    introspection: Introspection | None = None
    adapter: dict[Any, Any] = field(default_factory=dict, compare=False, repr=False)


class Editions:
    """The editions of one project: hangs at `Project.editions`."""

    def __init__(self) -> None:
        self.ready: OrderedDict[int, Edition] = OrderedDict()
        self.flights: dict[int, asyncio.Task[Edition]] = {}
        self.gone: list[list[GraphQLNamedType]] = []
        """Types of editions that nobody holds any more, to be taken apart."""
        self.schemas: WeakSet[GraphQLSchema] = WeakSet()
        """Those that are still there."""

    @property
    def latest(self) -> Edition | None:
        """The edition made last."""
        return next(reversed(self.ready.values()), None)

    def keep(self, edition: Edition) -> Edition:
        """Remember an edition; the oldest goes."""
        assert edition.snapshot is not None
        self.ready[edition.snapshot.version] = edition
        while len(self.ready) > KEPT:
            self.ready.popitem(last=False)
        return edition


async def edition(project: Project, snapshot: Snapshot, pause: Pause = unpaced) -> Edition:
    """The edition of a snapshot, made when it is not there yet; made once however many ask.

    `pause` is called between small steps, in a thread.
    """
    editions = editions_of(project)
    ready = editions.ready.get(snapshot.version)
    if ready is not None and ready.snapshot is snapshot:
        return ready
    latest = editions.latest
    if latest is not None and latest.snapshot is not None and same_schema(latest.snapshot, snapshot):
        return editions.keep(replace(latest, snapshot=snapshot))
    flight = editions.flights.get(id(snapshot))
    if flight is None:
        made = _build(project, snapshot, pause)
        flight = asyncio.get_running_loop().create_task(made, name=f"{project.key}: edition")
        editions.flights[id(snapshot)] = flight
        flight.add_done_callback(lambda _: editions.flights.pop(id(snapshot), None))
    return editions.keep(await asyncio.shield(flight))


async def prepare(project: Project, snapshot: Snapshot) -> None:
    """Make the edition of a snapshot that is about to become the present one, beside the requests."""
    await edition(project, snapshot, Pace())


def editions_of(project: Project) -> Editions:
    """The editions of a project, which from now on prepares them itself."""
    found: Editions | None = project.editions
    if found is None:
        found = project.editions = Editions()
        project.prepare = prepare
    return found


def same_schema(one: Snapshot, other: Snapshot) -> bool:
    """Whether two snapshots give the same names and types: settings and policies may differ."""
    return one.collections is other.collections and one.blacklisted == other.blacklisted


async def _build(project: Project, snapshot: Snapshot, pause: Pause) -> Edition:
    made = await asyncio.to_thread(_make, editions_of(project), snapshot, Limits.of(project.config), pause)
    for one in made.names.renamed if made.names else ():
        if one.what.startswith(SYSTEM_PREFIX):
            continue  # the same in every project
        structlog.get_logger().info(
            "renamed in GraphQL", project=project.key, what=one.what, wanted=one.wanted, given=one.given
        )
    return made


def _make(editions: Editions, snapshot: Snapshot, limits: Limits, pause: Pause) -> Edition:
    while editions.gone:
        take_apart(editions.gone.pop(), pause)
    if len(editions.schemas) > KEPT + FORGOTTEN:
        search_everything()
    made = make(snapshot, limits, pause)
    editions.schemas.add(made.schema)
    finalize(made.schema, _bury, ref(editions), own_types(made.schema)).atexit = False
    return made


def _bury(editions: ref[Editions], types: list[GraphQLNamedType]) -> None:
    """Nobody holds a schema any more: its types are left to the thread that makes the next one."""
    found = editions()
    if found is None:
        take_apart(types)
    else:
        found.gone.append(types)


def make(snapshot: Snapshot, limits: Limits = DEFAULT, pause: Pause = unpaced) -> Edition:
    """Names, types and schema of a snapshot. Takes half a millisecond per collection."""
    names = names_for(snapshot, pause)
    schema = build_schema(snapshot, names, pause=pause)
    return Edition(schema, Documents(schema, limits), snapshot, names, Introspection(snapshot, names, schema))


@lru_cache(maxsize=1)
def server_edition() -> Edition:
    """The edition of /gql, which never changes."""
    schema = server_schema()
    return Edition(schema, Documents(schema))
