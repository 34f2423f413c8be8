"""In charge of the statements about deliveries of webhooks: the outbox, its claims, its log. Pure; runs nothing.

A row is pending until it was delivered or given up. Whoever claims it moves `due_at` to the end of its lease, so that
what a killed process had claimed becomes due again by itself. Times are milliseconds since 1970: every database
compares them alike.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

from core.catalog.change import ColumnSpec
from core.catalog.webhooks import TABLE as WEBHOOKS
from core.sql.ddl import create_table
from core.sql.transfer import index
from core.sql.write import MOST_BYTES, Many, Piece

TABLE = "directus_deliveries"
PENDING, DELIVERED, FAILED = "pending", "delivered", "failed"
STATES = (PENDING, DELIVERED, FAILED)

COLUMNS = (
    ColumnSpec("id", "BIGINT", "20", nullable=False, primary_key=True, auto_increment=True),
    ColumnSpec("webhook", "INT", "11", nullable=False),
    ColumnSpec("event", "VARCHAR", "32", nullable=False),
    ColumnSpec("collection", "VARCHAR", "255", nullable=False),
    ColumnSpec("item", "VARCHAR", "255", nullable=False),
    ColumnSpec("method", "VARCHAR", "8", nullable=False),
    ColumnSpec("url", "VARCHAR", "510", nullable=False),
    ColumnSpec("body", "LONGTEXT"),
    ColumnSpec("state", "VARCHAR", "16", nullable=False, default=PENDING),
    ColumnSpec("attempts", "INT", "11", nullable=False, default="0"),
    ColumnSpec("claim", "VARCHAR", "32"),
    ColumnSpec("created_at", "BIGINT", "20", nullable=False),
    ColumnSpec("due_at", "BIGINT", "20", nullable=False),
    ColumnSpec("ended_at", "BIGINT", "20"),
    ColumnSpec("response_status", "INT", "11"),
    ColumnSpec("duration", "INT", "11"),
    ColumnSpec("error", "VARCHAR", "64"),
    ColumnSpec("response", "TEXT"),
    ColumnSpec("repeats", "BIGINT", "20"),
)
NAMES = tuple(column.name for column in COLUMNS)

# What one row of the outbox is made of, in the order in which `put` takes it.
PUT = ("webhook", "event", "collection", "item", "method", "url", "body", "created_at", "due_at")
PUT_TYPES = ("integer", "text", "text", "text", "text", "text", "text", "bigint", "bigint")
CLAIMED = ("id", "webhook", "event", "collection", "method", "url", "body", "attempts")

# Below the parameters that a statement of SQLite takes.
MOST_ROWS = 3000


def make(dialect: str) -> list[str]:
    """The statements that make the table and what it is looked up by."""
    made = create_table(TABLE, COLUMNS, dialect)
    return [*made, index(TABLE, ("state", "due_at"), dialect), index(TABLE, ("webhook", "id"), dialect)]


@cache
def put(dialect: str) -> Many:
    """INSERT of rows of the values of PUT."""
    names = ", ".join(PUT)
    if dialect == "postgres":
        arrays = ", ".join(f"${number}::{kind}[]" for number, kind in enumerate(PUT_TYPES, 1))
        text = f"INSERT INTO {TABLE} ({names}) SELECT * FROM unnest({arrays})"  # noqa: S608
        return Many((None,) * len(PUT), (), text, 0)
    marks = ", ".join([_mark(1, dialect)] * len(PUT))
    before = f"INSERT INTO {TABLE} ({names}) VALUES "  # noqa: S608
    piece = Piece(before, f"({marks})", ", ", tuple(range(len(PUT))))
    return Many((None,) * len(PUT), (piece,), "", MOST_ROWS, MOST_BYTES)


def claim(dialect: str, busy: Sequence[int] = (), *, skip: bool = True) -> tuple[str, ...]:
    """The statements of one claim, for one transaction.

    On SQLite and PostgreSQL one, which takes (claim, end of the lease, now, most rows) and gives CLAIMED. On MySQL
    three: (now, most rows) gives ids, which are locked; `{ids}` of the others is their list: the second takes (claim,
    end of the lease), the third gives CLAIMED. `busy`: webhooks to pass over. `skip`: the server knows SKIP LOCKED.
    """
    others = f" AND webhook NOT IN ({', '.join(str(int(one)) for one in busy)})" if busy else ""
    names = ", ".join(CLAIMED)
    due = f"state = '{PENDING}' AND due_at <= {{now}}{others} ORDER BY due_at, id LIMIT {{most}}"
    if dialect == "mysql":
        locking = " FOR UPDATE SKIP LOCKED" if skip else " FOR UPDATE"
        return (
            f"SELECT id FROM {TABLE} WHERE {due.format(now='%s', most='%s')}{locking}",  # noqa: S608
            f"UPDATE {TABLE} SET claim = %s, due_at = %s, attempts = attempts + 1 WHERE id IN ({{ids}})",  # noqa: S608
            f"SELECT {names} FROM {TABLE} WHERE id IN ({{ids}}) ORDER BY id",  # noqa: S608
        )
    one, two, three, four = (_mark(number, dialect) for number in range(1, 5))
    locking = " FOR UPDATE SKIP LOCKED" if dialect == "postgres" else ""
    found = f"SELECT id FROM {TABLE} WHERE {due.format(now=three, most=four)}{locking}"  # noqa: S608
    if dialect == "postgres":
        # Else the planner might run the subquery more than once, and claim more than it shows.
        found = f"WITH due AS MATERIALIZED ({found}) "
        return (
            f"{found}UPDATE {TABLE} SET claim = {one}, due_at = {two}, attempts = attempts + 1"  # noqa: S608
            f" WHERE id IN (SELECT id FROM due) RETURNING {names}",
        )
    return (
        f"UPDATE {TABLE} SET claim = {one}, due_at = {two}, attempts = attempts + 1"  # noqa: S608
        f" WHERE id IN ({found}) RETURNING {names}",
    )


@cache
def due(dialect: str) -> str:
    """When the next delivery is due; one row, NULL when none is pending."""
    return f"SELECT MIN(due_at) FROM {TABLE} WHERE state = '{PENDING}'"  # noqa: S608


@cache
def note(dialect: str) -> str:
    """What came of an attempt. Takes state, due_at, ended_at, response_status, duration, error, response, id, claim.

    It touches nothing when the lease has ended and somebody else has claimed the row.
    """
    names = ("state", "due_at", "ended_at", "response_status", "duration", "error", "response")
    parts = ", ".join(f"{name} = {_mark(number, dialect)}" for number, name in enumerate(names, 1))
    one, two = _mark(len(names) + 1, dialect), _mark(len(names) + 2, dialect)
    return f"UPDATE {TABLE} SET claim = NULL, {parts} WHERE id = {one} AND claim = {two}"  # noqa: S608


@cache
def release(dialect: str) -> str:
    """Give back what was claimed and not tried. Takes due_at and the claim."""
    one, two = _mark(1, dialect), _mark(2, dialect)
    return f"UPDATE {TABLE} SET claim = NULL, attempts = attempts - 1, due_at = {one} WHERE claim = {two}"  # noqa: S608


def listed(dialect: str, *, webhook: bool, states: int, one: bool = False) -> str:
    """Rows of the log, the latest first. Takes the id (`one`) or [webhook], the states, most rows and an offset."""
    wanted: list[str] = []
    count = 0

    def mark() -> str:
        nonlocal count
        count += 1
        return _mark(count, dialect)

    if one:
        wanted.append(f"id = {mark()}")
    if webhook:
        wanted.append(f"webhook = {mark()}")
    if states:
        wanted.append(f"state IN ({', '.join(mark() for _ in range(states))})")
    where = f" WHERE {' AND '.join(wanted)}" if wanted else ""
    window = "" if one else f" ORDER BY id DESC LIMIT {mark()} OFFSET {mark()}"
    return f"SELECT {', '.join(NAMES)} FROM {TABLE}{where}{window}"  # noqa: S608


@cache
def repeat(dialect: str) -> str:
    """Put a delivery into the outbox once more. Takes the moment, twice, and the id; PostgreSQL gives the new one."""
    copied = "webhook, event, collection, item, method, body"
    # A URL that was wrong may have been put right.
    present = f"(SELECT w.url FROM {WEBHOOKS} w WHERE w.id = {TABLE}.webhook)"  # noqa: S608
    one, two, three = (_mark(number, dialect) for number in range(1, 4))
    if dialect == "postgres":
        one, two = f"{one}::bigint", f"{two}::bigint"
    text = (
        f"INSERT INTO {TABLE} ({copied}, url, created_at, due_at, repeats)"  # noqa: S608
        f" SELECT {copied}, COALESCE({present}, url), {one}, {two}, id FROM {TABLE} WHERE id = {three}"
    )
    return f"{text} RETURNING id" if dialect == "postgres" else text


@cache
def withdraw(dialect: str, count: int) -> str:
    """Give up what is pending of some webhooks. Takes the moment and their ids."""
    ids = ", ".join(_mark(number + 2, dialect) for number in range(count))
    return (
        f"UPDATE {TABLE} SET state = '{FAILED}', claim = NULL, error = 'Withdrawn', ended_at = {_mark(1, dialect)}"  # noqa: S608
        f" WHERE state = '{PENDING}' AND webhook IN ({ids})"
    )


@cache
def forget(dialect: str) -> str:
    """Delete what ended before a moment, some rows at a time. Takes the moment and most rows."""
    one, two = _mark(1, dialect), _mark(2, dialect)
    ended = f"state IN ('{DELIVERED}', '{FAILED}') AND ended_at < {one}"
    if dialect == "mysql":
        return f"DELETE FROM {TABLE} WHERE {ended} LIMIT {two}"  # noqa: S608
    return f"DELETE FROM {TABLE} WHERE id IN (SELECT id FROM {TABLE} WHERE {ended} LIMIT {two})"  # noqa: S608


def _mark(number: int, dialect: str) -> str:
    return {"sqlite": "?", "postgres": f"${number}", "mysql": "%s"}[dialect]
