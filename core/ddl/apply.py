"""In charge of the story of an alteration: announce ∘ swap ∘ commit ∘ run ∘ render ∘ diff. It decides none of them.

Where DDL is part of the transaction (SQLite, PostgreSQL) all of it is one. MySQL commits every DDL statement: there the
steps that can be taken back run first, then the rows of metadata in a transaction, then what destroys values; a failure
takes back what was before it, and an operation that was cut off can simply be sent again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from core.catalog.change import DropColumn, DropTable, TableSpec, TableStep, destroys
from core.catalog.changes import log_change
from core.catalog.diff import FIELDS, ranked, table_steps
from core.catalog.load import head
from core.catalog.model import Snapshot
from core.db.errors import (
    DatabaseError,
    DataRejected,
    NotNullViolation,
    Retryable,
    Unavailable,
    UniqueViolation,
)
from core.db.gateway import Connection
from core.db.gateway.connection import finish
from core.db.reflect import reflect
from core.ddl import rows
from core.ddl.present import Present, read
from core.ddl.removal import removal
from core.ddl.rows import Change, Clear, Erase, ForRoles, Grouped, Prepared, Set
from core.ddl.run import run, undo
from core.errors import FieldRequired, Unprocessable
from core.events.collect import SchemaEvent, Told
from core.frozen import EMPTY
from core.query.change import WriteRequest
from core.session import Session
from core.write import hooked, outbox

ATTEMPTS = 3


@dataclass(frozen=True, slots=True)
class Plan:
    """What a door wants. `tables`: the tables that change, as they shall be, None for one that goes.

    `changes`: rows of metadata, in order. `logs`: (kind, collection) for the change log.
    """

    tables: Mapping[str, TableSpec | None] = field(default_factory=lambda: EMPTY)
    forced: tuple[TableStep, ...] = ()
    """Steps that no comparison finds: the values of ENUM are not reported everywhere."""
    changes: tuple[Change, ...] = ()
    logs: tuple[tuple[str, str | None], ...] = ()
    events: tuple[SchemaEvent, ...] = ()
    """Told after the rows' own."""
    last: tuple[Change, ...] = ()
    """Rows that go when nothing is left to fail: what tells that a table is still to be dropped, say."""


Planning = Callable[[Present], Awaitable[Plan]]


async def alter(session: Session, planning: Planning) -> Snapshot:
    """Carry out what `planning` makes of the present state; the snapshot that holds it comes back.

    One alteration at a time, in all processes; it goes on to its end when the request is cancelled. Raises what
    `planning` raises; FieldRequired and Unprocessable for what the database refuses; DatabaseUnavailable.
    """
    return await finish(_alter(session, planning))


async def _alter(session: Session, planning: Planning) -> Snapshot:
    project = session.project
    store = await project.store()
    for attempt in range(1, ATTEMPTS + 1):
        try:
            async with store.alter() as connection:
                present = await read(session, connection)
                plan = await planning(present)
                await hooked.schema_before(session, connection, plan.events)
                told, version = await _carry_out(present, plan)
            break
        except Retryable:
            if attempt == ATTEMPTS:
                raise
            await asyncio.sleep(0.05 * attempt)
    await project.refresh(version)
    snapshot = await project.settled()
    await project.deliver()
    if project.events and told:
        await project.events.publish(told)
    await hooked.publish_schema(session, told)
    return snapshot


async def _carry_out(present: Present, plan: Plan) -> tuple[list[Told], int]:
    """Run a plan; the events to tell and the head of the change log come back."""
    steps = steps_of(present, plan)
    checked = [await _checked(present, change) for change in plan.changes]
    last = [await _checked(present, change) for change in plan.last]
    if present.dialect == "mysql":
        outcome = await _in_pieces(present, plan, steps, checked, last)
    else:
        await _run(present, steps)
        outcome = await _record(present, plan, [*checked, *last])
    # The last statement: on MySQL nothing after it can fail and undo what webhooks are told.
    await outbox.put(present.snapshot, present.session.context, present.connection, outcome[0])
    return outcome


def steps_of(present: Present, plan: Plan) -> tuple[TableStep, ...]:
    """The steps from the present tables to those of the plan."""
    before = {name: present.spec(name) for name in plan.tables if name in present.tables}
    after = {name: spec for name, spec in plan.tables.items() if spec is not None}
    steps = ranked((*table_steps(before, after, present.dialect), *plan.forced))
    drops = [step for step in steps if isinstance(step, DropTable)]
    return (*(step for step in steps if not isinstance(step, DropTable)), *_in_turn(present, drops))


def _in_turn(present: Present, drops: list[DropTable]) -> list[DropTable]:
    """Tables that refer to others go before these; where they refer to each other, no order helps."""
    found: list[DropTable] = []
    while drops:
        names = {step.table for step in drops}
        free = [step for step in drops if not names.intersection(present.referring(step.table))] or drops
        found += free
        drops = [step for step in drops if step not in free]
    return found


async def _in_pieces(
    present: Present,
    plan: Plan,
    steps: Sequence[TableStep],
    checked: Sequence[Prepared | Change],
    last: Sequence[Prepared | Change],
) -> tuple[list[Told], int]:
    connection, charset = present.connection, _charset(present)
    kept = [step for step in steps if not destroys(step)]
    lost = [step for step in steps if destroys(step)]
    saved = await rows.save(present.snapshot, connection, plan.changes) if lost else []
    await _run(present, kept)
    try:
        await connection.execute("START TRANSACTION")  # the DDL has ended the one that was
        outcome = await _record(present, plan, checked if lost else [*checked, *last])
        if lost:
            await connection.execute("COMMIT")
    except BaseException:
        await _roll_back(connection)
        await undo(connection, kept, charset=charset)
        raise
    try:
        await _run(present, lost)
    except BaseException:
        await connection.execute("START TRANSACTION")
        await rows.unmake(present.snapshot, connection, outcome[0])
        await rows.restore(connection, saved)
        await _forget(present, lost)
        await _log(present, plan)
        await connection.execute("COMMIT")
        await undo(connection, kept, charset=charset)
        raise
    if not lost:
        return outcome
    try:
        told, version = await _end(present, plan, last)
    except DatabaseError:  # nothing brings back what is gone, so the end is tried once more
        await _roll_back(connection)
        told, version = await _end(present, plan, last)
    return [*outcome[0], *told], version


async def _end(present: Present, plan: Plan, last: Sequence[Prepared | Change]) -> tuple[list[Told], int]:
    """What comes behind what destroys.

    Logged once more: who has noticed the entry that was stored before has looked at what is gone only now.
    """
    await present.connection.execute("START TRANSACTION")
    return await _record(present, replace(plan, events=()), last)


async def _forget(present: Present, lost: Sequence[TableStep]) -> None:
    """Rows of what is gone for good, though the others of its kind were saved."""
    tables = await reflect(present.connection)
    changes: list[Change] = []
    for step in lost:
        table = tables.get(step.table)
        if isinstance(step, DropTable) and table is None:
            changes.extend(removal(present, step.table).changes)
        elif isinstance(step, DropColumn) and table is not None and table.column(step.column.name) is None:
            ids = tuple(row["id"] for row in present.field_rows(step.table, step.column.name))
            changes.append(Erase(FIELDS, "id", ids))
    for change in changes:
        if isinstance(change, Erase):
            await rows.erase(present.snapshot, present.connection, change)


async def _roll_back(connection: Connection) -> None:
    try:
        await connection.execute("ROLLBACK")
    except DatabaseError:
        return  # the server has done it, or is gone


async def _run(present: Present, steps: Sequence[TableStep]) -> None:
    try:
        await run(present.connection, steps, charset=_charset(present))
    except (Retryable, Unavailable):
        raise
    except (NotNullViolation, UniqueViolation, DataRejected) as error:
        # The rows were looked at before; these came in between, or only this database minds them.
        raise FieldRequired("Some stored values would not survive this change.") from error
    except DatabaseError as error:
        raise Unprocessable("The database refuses this change of the schema.") from error


async def _checked(present: Present, change: Change) -> Prepared | Change:
    if isinstance(change, WriteRequest):
        return await rows.prepare(present.session, present.connection, change)
    return change


async def _record(present: Present, plan: Plan, checked: Sequence[Prepared | Change]) -> tuple[list[Told], int]:
    connection = present.connection
    told: list[Told] = []
    for change in checked:
        match change:
            case Prepared():
                told.extend(await rows.write(present.session, connection, change))
            case Erase():
                await rows.erase(present.snapshot, connection, change)
            case Set():
                await rows.set_column(present.snapshot, connection, change)
            case Clear():
                await rows.clear(present.snapshot, connection, change)
            case Grouped():
                await rows.group(present.snapshot, connection, change)
            case ForRoles():
                made = await rows.prepare(
                    present.session, connection, await rows.for_roles(present.snapshot, connection, change)
                )
                told.extend(await rows.write(present.session, connection, made))
    await _log(present, plan)
    return [*told, *plan.events], await head(connection)


async def _log(present: Present, plan: Plan) -> None:
    for kind, collection in plan.logs:
        await log_change(present.connection, kind, collection)


def _charset(present: Present) -> str:
    return str(present.session.project.config.get("database.charset", None) or "utf8mb4")
