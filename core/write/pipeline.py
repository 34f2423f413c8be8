"""In charge of the story of a write (spec 03 §6–9), in one page; every step is a function of its own elsewhere.

    publish ∘ commit ∘ read ∘ record ∘ check ∘ run ∘ compile ∘ order ∘ validate ∘ cast ∘ authorize ∘ preset ∘ load
        ∘ normalize

One request is one transaction. Nothing is told to anybody before it is stored, and nothing is stored when it fails.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, closing
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from core.access.authorize import Caller
from core.auth.limits import hashing_cost
from core.cache.freshness import outdated
from core.db.errors import ConnectionLost, DatabaseError, ForeignKeyViolation, UniqueViolation
from core.db.gateway import Connection
from core.db.unit_of_work import UnitOfWork, in_transaction
from core.errors import (
    BadRequest,
    CollectionNotFound,
    DuplicateItem,
    Problem,
    SystemCollectionAccess,
    Unprocessable,
    ValidationFailed,
)
from core.events.spool import Spool
from core.query.change import WriteRequest, WriteResult
from core.query.selection import ReadRequest, ReadResult
from core.session import Session
from core.types.structured import storable
from core.types.write import INVALID
from core.write import checks, contents, effects, folders, guard, hooked, outbox, readback, refusals, revert, rules
from core.write.change import Node, Rows
from core.write.clash import clashing
from core.write.echo import echo
from core.write.hashes import Hashes, hashes
from core.write.load import Asking, by_keys, load, setting_types
from core.write.matching import match
from core.write.normalize import normalize
from core.write.order import Group, order
from core.write.outcome import events, record
from core.write.presets import preset
from core.write.readback import ReadBack, Reading
from core.write.resolve import resolve
from core.write.run import Run
from core.write.statements import Statements
from core.write.telling import tell, watched
from core.write.values import conditions, values

T = TypeVar("T")

ATTEMPTS = 3
ECHOED = ("create", "update", "upsert")
ACTIONS = ("create", "update", "upsert", "delete", "revert")


async def write(session: Session, request: WriteRequest, reading: Reading) -> WriteResult:
    """Create, update, delete items, or revert one. `reading`: how items are read back.

    Raises CollectionNotFound, SystemCollectionAccess; Forbidden, FieldWriteDenied, ItemNotFound, CreateDenied,
    UpdateDenied, DeleteDenied, LastAdmin; Unprocessable, ArrayForScalar, ValidationFailed, UnknownHasher;
    RevisionNotFound, RevisionUnusable; DuplicateItem; what a wrong selection raises; DatabaseUnavailable, QueryFailed.
    """
    change = await _prepare(session, request, reading)
    change = replace(change, contents=await contents.receive(session, request, change.nodes))
    try:
        return await _attempts(change)
    except ConnectionLost:
        change.contents.unsure = True  # whether it was stored before the connection went, only the database knows
        raise
    finally:
        await change.contents.undo()  # does nothing where it was stored


async def _attempts(change: _Change) -> WriteResult:
    session, request = change.session, change.request
    try:
        return await _transaction(session, request.collection, change.run)
    except DuplicateItem:
        if request.action != "upsert":
            raise
        # Somebody else may have created it since we looked: then it is there to be changed now
        return await _transaction(session, request.collection, change.run)


async def together(session: Session, collection: str, reading: Reading, work: Callable[[Together], Awaitable[T]]) -> T:
    """Several writes on a collection in one transaction, as `work` asks for them; all or nothing, but for savepoints.

    `work` may be called again from the beginning when its transaction has lost to another one, so it must have no
    effects outside. Events leave after the commit, however many there are. Raises what `write` does.
    """

    async def run(unit: UnitOfWork) -> T:
        return await work(Together(session, reading, unit, spool))

    with closing(Spool()) as spool:
        return await _transaction(session, collection, run)


@dataclass(frozen=True, slots=True)
class Together:
    """A transaction that holds several writes. Lives as long as the call of `work`."""

    session: Session
    reading: Reading
    unit: UnitOfWork
    spool: Spool

    async def write(self, request: WriteRequest) -> WriteResult:
        """One of the writes: as `pipeline.write`, stored with the others."""
        change = await _prepare(self.session, request, self.reading)
        if contents.concerned(change.nodes):
            raise SystemCollectionAccess  # bytes that a savepoint leaves behind would be nobody's
        return await change.run(self.unit, self.spool)

    async def read(self, request: ReadRequest) -> ReadResult:
        """A read that sees what was written. Raises as `core.engine.read`."""
        return await self.reading.read(self.session, request, self.unit.connection)

    async def lock(self, collection: str, key: Any) -> None:
        """Nobody else changes the item from here to the end; what is read of it now is so at the commit."""
        session = self.session
        statements = Statements(session.snapshot, session.project.plans)
        await by_keys(self.unit.connection, statements, session.snapshot.collections[collection], [key], lock=True)

    def savepoint(self) -> AbstractAsyncContextManager[None]:
        """A part that is undone alone when its block raises."""
        return self.unit.savepoint()


async def _prepare(session: Session, request: WriteRequest, reading: Reading) -> _Change:
    """What can be done before the transaction."""
    admit(session, request)
    if request.keys is not None:
        request = replace(request, keys=session.keys(request.collection, request.keys))
    nodes = normalize(session.snapshot, request)
    guard.admit(nodes)
    cost = hashing_cost(session.project.config)
    made = await hashes(session.policy, nodes, session.snapshot.dialect, cost)
    return _Change(session, request, reading, nodes, made, contents.Contents(session))


async def _transaction(session: Session, collection: str, work: Callable[[UnitOfWork], Awaitable[T]]) -> T:
    store = await session.project.store()

    async def run(unit: UnitOfWork) -> T:
        done = await work(unit)
        if session.project.answers is not None and unit.written:
            # At the end: from here to the commit others that write the same collections wait.
            await outdated(unit.connection, unit.written)
        return done

    try:
        return await in_transaction(store, run, attempts=ATTEMPTS)
    except ForeignKeyViolation:  # a deferred one speaks at COMMIT only
        raise Unprocessable(f'An item of "{collection}" refers to one that does not exist.') from None


def admit(session: Session, request: WriteRequest) -> None:
    """What can be said of the request alone."""
    collection = session.snapshot.collections.get(request.collection)
    if collection is None:
        raise CollectionNotFound(request.collection)
    guard.writable(collection)
    if request.action not in ACTIONS:
        raise BadRequest
    if request.comment is not None and not storable(request.comment):
        raise ValidationFailed.of([Problem(("comment",), INVALID)])
    several = request.action == "update" and request.keys is not None and len(request.keys) > 1
    if several and collection.name == "directus_settings":
        raise ValidationFailed("batch update expect an array of items")
    if request.action == "revert" and (request.keys is None or len(request.keys) != 1):
        raise BadRequest


@dataclass(frozen=True, slots=True)
class _Written:
    """What is left of a change that is stored: keys of its roots, how they are read back, how many are new.

    `echoes`: of settings, whose answer shows what was sent.
    """

    plan: ReadBack
    keys: list[Any]
    tags: tuple[str, ...]
    created: int
    echoes: tuple[Run, Mapping[str, str]] | None
    files: Run | None = None
    """Of a change that concerns files, whose bytes take their places at the end."""


@dataclass(frozen=True, slots=True)
class _Change:
    """One request on its way through the transaction; it may be run again from the beginning."""

    session: Session
    request: WriteRequest
    reading: Reading
    nodes: tuple[Node, ...]
    hashes: Hashes
    contents: contents.Contents

    async def run(self, unit: UnitOfWork, spool: Spool | None = None) -> WriteResult:
        """Store it, then read it back: by then all that led to the rows is let go of."""
        session, request, connection = self.session, self.request, unit.connection
        written = await self._store(unit, spool)
        result = await readback.read_back(self.reading, session, written.plan, written.keys, connection)
        items: list[Any] = list(result.items)
        if written.echoes is not None:
            await echo(self.reading, session, request, *written.echoes, items)
        if written.files is not None:
            await self.contents.settle(written.files)
            unit.after_commit(self.contents.finish)
        tags = tuple(dict.fromkeys((*written.tags, *result.tags)))
        return WriteResult(written.keys, items, result.meta, result.warnings, tags, written.created)

    async def _store(self, unit: UnitOfWork, spool: Spool | None) -> _Written:
        session, request, connection = self.session, self.request, unit.connection
        statements = Statements(session.snapshot, session.project.plans)

        nodes = await match(connection, statements, session.policy, request, self.nodes)
        rows = await load(connection, statements, Asking.of(session), nodes)
        found = await self._found(connection, statements, nodes, rows)
        nodes = resolve(nodes if found is None else (found.node,), rows)
        nodes = preset(self._caller(), nodes, rows, session.context.now)
        await self._authorize(unit, nodes, rows)
        if found is not None and found.error is not None:
            raise found.error
        plan = readback.prepare(self.reading, session, request)
        nodes = await self.contents.merged(connection, statements, nodes, rows)
        nodes, made = await self._heard(unit, statements, nodes, rows)
        kinds = await setting_types(connection, statements, nodes, rows)
        stored = self._values(nodes, rows, kinds, made)
        await folders.check(connection, nodes, stored)

        run = Run(connection, statements, nodes, stored, rows, whole=self._watched())
        for group in order(nodes, stored):
            try:
                await run.group(group)
            except refusals.REFUSED as error:
                raise await self._told(error, run, group) from error
        await run.settle()
        await checks.hold(self._caller(), session.bound, run)
        await effects.keep_required_children(run)
        await effects.entail(run)
        await outbox.withdraw(session.context, run)
        if self._recorded():
            await record(session, request, run)

        if await effects.log_changes(run):
            unit.after_commit(session.project.notice)
        await self._tell(unit, run, spool)
        if session.project.answers is not None:
            unit.written |= effects.outdates(run)
        touched = (node.collection.name for node in nodes if not node.empty)
        echoed = request.collection == "directus_settings" and not request.batch and request.action in ECHOED
        return _Written(
            plan,
            [run.keys[node.index] for node in nodes if node.root],
            tuple(dict.fromkeys((request.collection, *touched))),
            sum(node.root and node.verb == "create" for node in nodes),
            (run, kinds) if echoed else None,
            run if any(node.collection.name == "directus_files" for node in nodes) else None,
        )

    async def _found(
        self, connection: Connection, statements: Statements, nodes: tuple[Node, ...], rows: Rows
    ) -> revert.Found | None:
        if self.request.action != "revert":
            return None
        return await revert.find(connection, statements, self.session.policy, self.request, nodes[0], rows)

    async def _heard(
        self, unit: UnitOfWork, statements: Statements, nodes: tuple[Node, ...], rows: Rows
    ) -> tuple[tuple[Node, ...], Hashes]:
        """The nodes as hooks leave them, with the hashes of what these put in; what they ask for must be allowed."""
        session = self.session
        heard = await hooked.before(session, unit.connection, nodes, rows)
        if heard is nodes:
            return nodes, self.hashes
        heard = await self.contents.merged(unit.connection, statements, heard, rows)
        await self._authorize(unit, heard, rows)
        cost = hashing_cost(session.project.config)
        return heard, await hashes(session.policy, heard, session.snapshot.dialect, cost, known=self.hashes)

    def _values(
        self, nodes: tuple[Node, ...], rows: Rows, kinds: Mapping[str, str], made: Hashes
    ) -> list[dict[str, Any]]:
        """Column → canonical value to store, of each node."""
        session = self.session
        if self.request.action != "revert":
            return values(conditions(session, self.request, made, kinds), nodes, rows)
        [node] = nodes
        before, user, now = rows.get(node.collection, node.key), session.actor.user, session.context.now
        return [revert.values(node, before, dialect=session.snapshot.dialect, user=user, now=now)]

    def _caller(self) -> Caller:
        request = self.request
        return Caller(self.session.policy, self.session.actor, comment=bool(request.comment), revives=request.revives)

    async def _authorize(self, unit: UnitOfWork, nodes: tuple[Node, ...], rows: Rows) -> None:
        session, caller = self.session, self._caller()
        address, dialect = session.context.address, session.snapshot.dialect
        guard.guard(caller, nodes, rows, address=address, dialect=dialect)
        users = [node for node in nodes if node.collection.name == "directus_users" and node.verb != "create"]
        scenes = [rules.Scene(caller, nodes, node, rows.get(node.collection, node.key), address) for node in users]
        await effects.keep_an_admin(unit.connection, scenes)

    def _recorded(self) -> bool:
        """`activity_skip` is for admins: others cannot write without a trace. Nobody reverts without one."""
        return not (self.request.activity_skip and self.session.policy.admin) or self.request.action == "revert"

    async def _tell(self, unit: UnitOfWork, run: Run, spool: Spool | None) -> None:
        if self._watched_by_others():
            told = events(run)
            await tell(self.session, unit, told, spool.keep(told) if spool is not None else None)

    def _watched(self) -> bool:
        return self._recorded() or self._watched_by_others()

    def _watched_by_others(self) -> bool:
        return watched(self.session, (node.collection.name for node in self.nodes))

    async def _told(self, error: DatabaseError, run: Run, group: Group) -> Exception:
        written = [run.row(target) for target in group.targets] if group.verb != "delete" else []
        place: int | None = 0 if len(group.targets) == 1 else None
        if isinstance(error, UniqueViolation) and written:
            place = await clashing(run.connection, run.statements, group.collection, written, error)
        if place is None or not written:
            return refusals.refusal(error, group.collection, written)
        path = self.nodes[group.targets[place].nodes[-1]].path
        return refusals.refusal(error, group.collection, [written[place]], path)
