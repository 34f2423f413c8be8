"""In charge of the door to the data: read, aggregate and write items under a session. No GraphQL, no HTTP, no SQL text.

    read = shape ∘ run ∘ compile ∘ restrict ∘ plan ∘ admit

Everything between `admit` and `run` is a pure function of (snapshot, policy, shape of the request) and is kept by that
key; the values of a request are bound to it when it runs.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, TypeVar

from core.access.hidden import hidden_in_totals, hidden_somewhere
from core.access.history import HISTORY
from core.access.policy import Policy
from core.access.restrict import admit, read_scope, restrict, restrict_predicate
from core.access.statuses import status_scope
from core.catalog.model import Collection, Snapshot
from core.db.errors import DatabaseError, Retryable, Unavailable
from core.db.gateway import Connection
from core.db.run import fetch_rows
from core.enter import renewed
from core.errors import CollectionNotFound, InvalidField, TabulariumError, Unprocessable
from core.query import aggregate as aggregates
from core.query.aggregate import AggregateRequest
from core.query.change import WriteRequest, WriteResult
from core.query.filters import from_conditions, from_tree, searching
from core.query.plan import Node, Output
from core.query.planner import Planning, hoist, outputs_of
from core.query.predicate import (
    EVERYTHING,
    NOTHING,
    In,
    Param,
    Predicate,
    all_of,
    parametrise,
)
from core.query.reach import Reach
from core.query.reach import reach as reach_of
from core.query.selection import ReadRequest, ReadResult, Selection, Warning
from core.query.window import Slice, order_of, slice_of, split
from core.reading import bound_of, run
from core.session import Session
from core.sql.aggregate import compile_aggregate
from core.sql.compile import Prepared
from core.sql.read import Fetch, compile_counts, compile_node, compile_status_counts
from core.types.cast import Uncastable, cast, key
from core.write import pipeline
from core.write.pipeline import Together

T = TypeVar("T")

META = ("collection", "type", "result_count", "total_count", "status_count", "filter_count")


@dataclass(frozen=True, slots=True)
class _Shape:
    """What a cached plan depends on besides snapshot and policy: a request without its values."""

    collection: str
    selection: Selection
    where: Predicate
    sort: tuple[str, ...] | None
    limited: bool
    status: tuple[Any, ...] | None
    lang: tuple[str, ...] | None
    groups: tuple[str, ...]
    counts: tuple[str, ...]
    everything: bool
    """No status rule at all (an id read that finds soft-deleted items too)."""
    digest: int = field(init=False, compare=False)

    def __post_init__(self) -> None:
        """Work out the hash: the cache asks for it several times, and the fields are deep."""
        object.__setattr__(self, "digest", hash((self.collection, self.selection, self.where, self.sort, self.counts)))

    def __hash__(self) -> int:
        return self.digest


@dataclass(frozen=True, slots=True)
class Planned:
    """A compiled read. `outputs`: what an item shows, in order. `uneven`: an item may hide what others show."""

    fetch: Fetch
    outputs: tuple[Output, ...]
    uneven: bool
    counts: Prepared | None
    """The counts alone, where no row of the list tells them."""
    counted: tuple[str, ...]
    """What each of the last columns of a row is: "total" and "matching", as far as they are needed and differ."""
    status_counts: Prepared | None
    single: bool
    """One statement tells all, if it tells anything."""
    warnings: tuple[Warning, ...]
    reach: Reach


@dataclass(slots=True)
class Ready:
    """A request made ready: its plan and its values."""

    planned: Planned
    cut: Slice
    values: list[Any] = field(default_factory=list)


async def read(session: Session, request: ReadRequest, connection: Connection | None = None) -> ReadResult:
    """Items of one collection (spec 03 §4, 5), on `connection` if given (a unit of work reads its own writes).

    Raises CollectionNotFound, ReadDenied, InvalidField, FieldNotFound, FieldAccessDenied, UnknownOperator,
    Unprocessable; with `id`: ItemNotFound.
    """
    if connection is not None:
        result = await _read(session, request, connection)
    else:
        result = await at_present(session, lambda one: _read(one, request, None))
    assert result is not None
    return result


async def read_within(session: Session, request: ReadRequest, most: int) -> ReadResult | None:
    """As `read`; None when there are more than `most` items, of which only one too many is fetched then."""
    return await at_present(session, lambda one: _read(one, request, None, most))


async def _read(
    session: Session, request: ReadRequest, connection: Connection | None, most: int | None = None
) -> ReadResult | None:
    return await run(session, request, prepare(session, request, most), connection, most)


def check(session: Session, request: ReadRequest) -> None:
    """Plans a read without running it: raises what `read` would, before a write begins."""
    prepare(session, request)


def reach(session: Session, request: ReadRequest) -> Reach:
    """What the answer to a read depends on. Raises as `read` does, without running anything."""
    return prepare(session, request).planned.reach


def scope(session: Session, request: ReadRequest) -> Predicate:
    """The rows that a list request is about: its filter and what the caller may read of the collection.

    For rows that are gone, which no statement finds any more. Raises as `read`.
    """
    snapshot, policy = session.snapshot, session.policy
    collection = _collection(session, request.collection)
    admit(snapshot, policy, collection.name, public=session.actor.public)
    return all_of(
        (
            restrict_predicate(snapshot, policy, collection, _where(session, collection, request)),
            status_scope(policy, collection, None),
            read_scope(snapshot, policy, collection.name),
        )
    )


async def write(session: Session, request: WriteRequest) -> WriteResult:
    """Creates, updates or deletes items: one transaction (spec 03 §6–9). A new relation is seen by the next request."""
    result = await at_present(session, lambda one: pipeline.write(one, request, READING))
    if request.collection == "directus_relations":
        with suppress(TabulariumError):  # it is stored; the next request takes notice by itself
            await session.project.follow()
    return result


async def together(session: Session, collection: str, work: Callable[[Together], Awaitable[T]]) -> T:
    """Several writes on a collection in one transaction (`core.write.pipeline.together`).

    `work` may be called more than once, on a newer schema even, and must have no effects outside. Raises as `write`.
    """
    return await at_present(session, lambda one: pipeline.together(one, collection, READING, work))


class _Reading:
    """How the pipeline reads back what it wrote: it lies below this module and cannot import it."""

    read = staticmethod(read)
    check = staticmethod(check)


READING = _Reading()


async def aggregate(session: Session, request: AggregateRequest) -> list[dict[str, Any]]:
    """Groups with counts and sums. Raises as `read`; FieldAccessDenied for a hidden field anywhere in the request."""
    return await at_present(session, lambda one: _aggregate(one, request))


async def _aggregate(session: Session, request: AggregateRequest) -> list[dict[str, Any]]:
    snapshot, policy = session.snapshot, session.policy
    collection = _collection(session, request.collection)
    admit(snapshot, policy, collection.name, public=session.actor.public)
    aggregates.check(collection, request, hidden_in_totals(policy, collection))
    values: list[Any] = []
    where = parametrise(_where(session, collection, request), values, partial(_decides, snapshot, collection))
    cut = slice_of(snapshot, request.limit, None, None)
    values.append(cut.limit if cut.limit is not None else 0)
    shape = (snapshot.version, policy.fingerprint, "aggregate", replace(request, where=(), filter=(), q=None), where)
    cached = session.project.plans.get((*shape, cut.limit is None))
    if cached is None:
        restricted = all_of(
            (
                restrict_predicate(snapshot, policy, collection, where),
                status_scope(policy, collection, None),
                read_scope(snapshot, policy, collection.name),
            )
        )
        limit = Param(len(values) - 1) if cut.limit is not None else None
        cached = compile_aggregate(snapshot, collection, request, restricted, limit)
        session.project.plans[(*shape, cut.limit is None)] = cached
    store = await session.project.store()
    async with store.read() as held:
        rows = await fetch_rows(held, cached, values, bound_of(session))
    return aggregates.shape(snapshot, collection, request, rows)


async def at_present(session: Session, work: Callable[[Session], Awaitable[T]]) -> T:
    """What `work` gives; once more on the present schema when a statement fails because the schema has changed."""
    try:
        return await work(session)
    except (Unavailable, Retryable):
        raise
    except DatabaseError:
        # A table or column that is gone, or one that is of another type now: its transaction was rolled back.
        present = await renewed(session)
        if present is None:
            raise
    return await work(present)


# --- plan ---------------------------------------------------------------------------------------------------------


def _collection(session: Session, name: str) -> Collection:
    collection = session.snapshot.collections.get(name)
    if collection is None:
        raise CollectionNotFound(name)
    return collection


def prepare(session: Session, request: ReadRequest, most: int | None = None) -> Ready:
    """admit, then plan, restrict and compile by shape, or take them from the cache.

    `most`: of a list no more than this many items and one are fetched, whatever its limit.
    """
    snapshot, policy = session.snapshot, session.policy
    collection = _collection(session, request.collection)
    admit(snapshot, policy, collection.name, public=session.actor.public)
    by_id = request.id is not None or request.ids is not None
    cut = slice_of(snapshot, request.limit, request.offset, request.page)
    if request.id is not None:
        cut = Slice(1, 0, None, None)
    values: list[Any] = []
    where = parametrise(
        _keys(session, collection, request) if by_id else _where(session, collection, request),
        values,
        partial(_decides, snapshot, collection),
    )
    limit = cut.limit
    if most is not None and (limit is None or limit > most):
        limit = most + 1
    if limit is not None:
        values += (limit, cut.offset)
    count = len(values)
    shape = _Shape(
        collection.name,
        hoist(snapshot, collection, request.selection, values, session.context.now),
        where,
        request.sort,
        limit is not None,
        None if by_id else _status(policy, collection, request.status),
        request.lang,
        tuple(split(request.groups or ())) if not by_id else (),
        tuple(sorted(request.meta & {"total_count", "filter_count", "status_count", "page"})),
        request.include_deleted,
    )
    cache_key = (snapshot.version, policy.fingerprint, shape)
    planned = session.project.plans.get(cache_key)
    if planned is None:
        planned = _plan(session, collection, shape, count)
        session.project.plans[cache_key] = planned
    return Ready(planned, cut, values)


def _decides(snapshot: Snapshot, collection: Collection, field: str, value: Any) -> bool:
    """Whether rights depend on a value that is compared with: of history, on the collection it is about."""
    return field == "collection" and collection.name in HISTORY and value in snapshot.collections


def _plan(session: Session, collection: Collection, shape: _Shape, count: int) -> Planned:
    """One plan: names looked up, rights applied, SQL compiled. `count`: values of the root, limit and offset last."""
    snapshot, policy = session.snapshot, session.policy
    for name in shape.groups:
        if name not in collection.fields or collection.fields[name].is_alias:
            raise InvalidField(name, collection.name)
    order = order_of(collection, shape.sort)
    read_scope(snapshot, policy, collection.name)
    planning = Planning(snapshot, shape.lang)
    node = Node(
        collection.name,
        outputs_of(planning, collection, shape.selection),
        where=shape.where,
        order=order,
        status=("*",) if shape.everything else shape.status,
        limit=Param(count - 2) if shape.limited else None,
        offset=Param(count - 1) if shape.limited else None,
        groups=_readable_groups(session, collection, shape.groups),
    )
    restricted, warnings = restrict(snapshot, policy, node)
    counted: dict[str, Predicate] = {}
    status_counts = None
    if shape.counts:
        readable = read_scope(snapshot, policy, collection.name)
        total = all_of((status_scope(policy, collection, None), readable))
        if "total_count" in shape.counts:
            counted["total"] = total
        if not {"filter_count", "page"}.isdisjoint(shape.counts):
            counted["total" if restricted.where == total else "matching"] = restricted.where
        if "status_count" in shape.counts and _shows_status(policy, collection):
            status_counts = compile_status_counts(snapshot, collection, readable)
    numbers = tuple(counted.values())
    fetch = compile_node(snapshot, restricted, counted=numbers)
    return Planned(
        fetch,
        restricted.outputs,
        bool(restricted.own_only or restricted.hidden_by_status),
        compile_counts(snapshot, collection, numbers) if counted else None,
        tuple(counted),
        status_counts,
        not fetch.branches and status_counts is None,
        warnings,
        reach_of(snapshot, restricted),
    )


def _readable_groups(session: Session, collection: Collection, groups: tuple[str, ...]) -> tuple[str, ...]:
    aggregates.deny_hidden(groups, hidden_in_totals(session.policy, collection))
    return groups


def _where(session: Session, collection: Collection, request: ReadRequest | AggregateRequest) -> Predicate:
    """The client's own conditions: filter, typed filter and q, ANDed."""
    now, snapshot = session.context.now, session.snapshot
    search = searching(request.q)
    of, part = (request.of, request.part) if isinstance(request, ReadRequest) else ((), EVERYTHING)
    parts = [from_conditions(snapshot, collection, one, now) for one in (of, request.where) if one]
    if request.filter:
        parts.append(from_tree(snapshot, collection, request.filter, now))
    return all_of((part, *parts, search))


def _keys(session: Session, collection: Collection, request: ReadRequest) -> Predicate:
    """The items of `id` or `ids`; keys that cannot be keys of the collection match nothing (spec 03 §1)."""
    if collection.primary_key is None:
        raise Unprocessable(f'Items of "{collection.name}" cannot be addressed: there is no single primary key.')
    model = collection.fields[collection.primary_key]
    found: list[Any] = []
    for text in session.keys(collection.name, (request.id,) if request.id is not None else request.ids or ()):
        try:
            found.append(key(model, text))
        except Uncastable:
            continue
    return In(collection.primary_key, tuple(dict.fromkeys(found))) if found else NOTHING


def _shows_status(policy: Policy, collection: Collection) -> bool:
    """There is a status field, and no item hides it: else neither a choice nor a count may tell statuses apart."""
    return collection.status_field is not None and collection.status_field not in hidden_somewhere(policy, collection)


def _status(policy: Policy, collection: Collection, status: tuple[str, ...] | None) -> tuple[Any, ...] | None:
    """The `status` argument as values of the status column; ("*",) is all (spec 03 §5.5). Ignored if hidden."""
    if status is None or collection.status_field is None or not _shows_status(policy, collection):
        return None
    wanted = split(status)
    if not wanted:
        return None
    if "*" in wanted:
        return ("*",)
    model = collection.fields[collection.status_field]
    found = []
    for text in wanted:
        try:
            found.append(cast(model, text, system=collection.is_system))
        except Uncastable:
            continue
    return tuple(found)
