"""In charge of the outbox as the database holds it: claims, what came of attempts, the log. It sends nothing.

Times go in and come out as seconds since 1970 of whoever calls; the database has no say in them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from core.db.errors import QueryRejected
from core.db.gateway import Connection, Store
from core.db.reflect import table_names
from core.db.unit_of_work import UnitOfWork, in_transaction
from core.sql import deliveries as sql
from core.sql.deliveries import DELIVERED, FAILED, PENDING

EXCERPT = 1000
"""Characters of an answer that the log keeps."""


@dataclass(frozen=True, slots=True)
class Claim:
    """A delivery that nobody else tries until the lease ends. `attempt`: the number of this try, from 1."""

    token: str
    id: int
    webhook: int
    event: str
    collection: str
    method: str
    url: str
    body: str | None = field(repr=False)
    attempt: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of an attempt. `again`: when to try again, None for never. `duration`: milliseconds."""

    delivered: bool
    at: float
    again: float | None = None
    status: int | None = None
    duration: int | None = None
    error: str | None = None
    response: str | None = None


async def claim(store: Store, *, now: float, until: float, most: int, busy: Sequence[int] = ()) -> list[Claim]:
    """Take deliveries that are due, those of `busy` webhooks aside, for the time until `until`. Raises DatabaseError.

    Of several that claim at once each gets others: rows that are being claimed are skipped.
    """
    token = uuid4().hex

    async def work(unit: UnitOfWork) -> Sequence[Sequence[Any]]:
        statements = sql.claim(store.dialect, busy)
        if store.dialect == "mysql":
            return await _claim_mysql(unit.connection, statements, (token, _ms(until)), (_ms(now), most))
        return await unit.connection.rows(statements[0], (token, _ms(until), _ms(now), most))

    try:
        rows = await in_transaction(store, work)
    except QueryRejected:
        if store.dialect != "mysql":
            raise

        async def waiting(unit: UnitOfWork) -> Sequence[Sequence[Any]]:
            # Older servers do not know SKIP LOCKED: there the second waits for the first, and finds its rows not due.
            statements = sql.claim(store.dialect, busy, skip=False)
            return await _claim_mysql(unit.connection, statements, (token, _ms(until)), (_ms(now), most))

        rows = await in_transaction(store, waiting)
    found = [Claim(token, *row) for row in rows]
    return sorted(found, key=lambda one: one.id)


async def _claim_mysql(
    connection: Connection, statements: Sequence[str], taking: Sequence[Any], due: Sequence[Any]
) -> Sequence[Sequence[Any]]:
    ids = ", ".join(str(int(key)) for (key,) in await connection.rows(statements[0], due))
    if not ids:
        return ()
    await connection.execute(statements[1].format(ids=ids), taking)
    return await connection.rows(statements[2].format(ids=ids))


async def next_due(store: Store) -> float | None:
    """When the next pending delivery is due, or a lease ends; None when there is none. Raises DatabaseError."""
    async with store.read() as connection:
        found = await connection.value(sql.due(store.dialect))
    return None if found is None else found / 1000


async def waiting(store: Store) -> bool:
    """Whether anything is pending, in a database that need not have an outbox. Raises DatabaseError."""
    async with store.read() as connection:
        present = sql.TABLE in await table_names(connection)
    return present and await next_due(store) is not None


async def note(store: Store, claimed: Claim, outcome: Outcome) -> bool:
    """Write down what came of an attempt; False when the claim is not ours any more. Raises DatabaseError."""
    again = outcome.again
    state = DELIVERED if outcome.delivered else FAILED if again is None else PENDING
    ended = None if state == PENDING else _ms(outcome.at)
    response = None if outcome.response is None else outcome.response[:EXCERPT]
    values = (
        state, _ms(outcome.at if again is None else again), ended, outcome.status, outcome.duration, outcome.error,
        response, claimed.id, claimed.token,
    )  # fmt: skip

    async def work(unit: UnitOfWork) -> int:
        return (await unit.connection.execute(sql.note(store.dialect), values)).rowcount

    return await in_transaction(store, work) == 1


async def release(store: Store, token: str, *, now: float) -> None:
    """Give back what of a claim was not tried to its end; it is due at once. Raises DatabaseError."""
    async with store.write() as connection:
        await connection.execute(sql.release(store.dialect), (_ms(now), token))


async def forget(store: Store, *, before: float, most: int = 1000) -> int:
    """Delete from the log what ended before a moment, at most so many; how many it were. Raises DatabaseError."""
    async with store.write() as connection:
        return (await connection.execute(sql.forget(store.dialect), (_ms(before), most))).rowcount


async def listed(
    store: Store, *, webhook: int | None = None, states: Sequence[str] = (), limit: int = 100, offset: int = 0
) -> list[dict[str, Any]]:
    """Rows of the log by column name, the latest first. Raises DatabaseError."""
    text = sql.listed(store.dialect, webhook=webhook is not None, states=len(states))
    given = (*(() if webhook is None else (webhook,)), *states, limit, offset)
    async with store.read() as connection:
        return [_named(row) for row in await connection.rows(text, given)]


async def repeat(store: Store, delivery: int, *, now: float) -> dict[str, Any] | None:
    """Put a delivery into the outbox once more: the new row, None when there is none of this id.

    It goes where its webhook leads now. Raises DatabaseError.
    """
    dialect = store.dialect

    async def work(unit: UnitOfWork) -> dict[str, Any] | None:
        connection, values = unit.connection, (_ms(now), _ms(now), delivery)
        if dialect == "postgres":
            made = await connection.value(sql.repeat(dialect), values)
        else:
            result = await connection.execute(sql.repeat(dialect), values)
            made = result.key if result.rowcount else None
        if made is None:
            return None
        row = await connection.row(sql.listed(dialect, webhook=False, states=0, one=True), (made,))
        return None if row is None else _named(row)

    return await in_transaction(store, work)


def _named(row: Sequence[Any]) -> dict[str, Any]:
    return dict(zip(sql.NAMES, row, strict=True))


def _ms(seconds: float) -> int:
    return int(seconds * 1000)
