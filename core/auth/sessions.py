"""In charge of the rows of directus_user_sessions (spec 02 §3.4) and of secrets for one use. No tokens here."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from core.auth.tokens import fingerprint
from core.catalog.model import Snapshot
from core.db.gateway import Connection
from core.sql import accounts
from core.types.bind import binder

ONCE = "once"
"""`token_type` of rows that remember a used secret until it would have expired anyway."""
EXTEND_EVERY = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Moments:
    """Turns moments into what the columns of system tables want. Times are stored in UTC, whole seconds."""

    snapshot: Snapshot
    dialect: str

    def bind(self, collection: str, column: str, moment: datetime) -> Any:
        """`moment`: aware UTC."""
        found = self.snapshot.collections[collection].fields[column].column
        value = moment.replace(tzinfo=None, microsecond=0)
        convert = binder(found, self.dialect) if found is not None else None
        return convert(value) if convert else value

    def session(self, moment: datetime) -> Any:
        """For the times of a session row."""
        return self.bind("directus_user_sessions", "token_expired_at", moment)


@dataclass(frozen=True, slots=True)
class Visitor:
    """Where a sign-in comes from, as it is stored."""

    address: str
    user_agent: str


async def start(
    connection: Connection,
    moments: Moments,
    *,
    user: int,
    kind: str,
    visitor: Visitor,
    now: datetime,
    expires: datetime,
) -> int:
    """A new session row; `kind` jwt or cookie. Expired rows of everybody go. Gives its id; `name` it afterwards."""
    purge = accounts.end_sessions(connection.dialect, "expired")
    await connection.execute(purge.text, purge.bind({"now": moments.session(now)}))
    return await _add(connection, moments, user, kind, "", visitor, now, expires)


async def name(connection: Connection, session: int, secret: str) -> None:
    """Store what the session's token or cookie is known by: a digest, so a copy of the table opens nothing."""
    statement = accounts.name_session(connection.dialect)
    await connection.execute(statement.text, statement.bind({"session": session, "token": fingerprint(secret)}))


async def find(
    connection: Connection, moments: Moments, *, user: int, now: datetime, session: int | None, token: str
) -> int | None:
    """The id of the user's live session: the one named, or without a name the one of this token."""
    values = {"user": user, "now": moments.session(now)}
    if session is not None:
        statement = accounts.live_session(connection.dialect, "id")
        values["session"] = session
    else:
        statement = accounts.live_session(connection.dialect, "token")
        values |= {"token": token, "digest": fingerprint(token)}
    found = await connection.value(statement.text, statement.bind(values))
    return None if found is None else int(found)


async def extend(connection: Connection, moments: Moments, session: int, expires: datetime) -> None:
    """Move the end of a session, at most once a minute."""
    statement = accounts.extend_session(connection.dialect)
    values = {
        "session": session,
        "before": moments.session(expires - EXTEND_EVERY),
        "expires": moments.session(expires),
    }
    await connection.execute(statement.text, statement.bind(values))


async def end_all(connection: Connection, user: int) -> None:
    """End every session of a user."""
    statement = accounts.end_sessions(connection.dialect, "user")
    await connection.execute(statement.text, statement.bind({"user": user}))


async def end_one(connection: Connection, user: int, session: int) -> None:
    """End one session of a user; of nobody else's."""
    statement = accounts.end_sessions(connection.dialect, "one")
    await connection.execute(statement.text, statement.bind({"user": user, "session": session}))


async def end_cookie(connection: Connection, known_by: str | None) -> None:
    """End the session of a cookie, by what its row holds."""
    if known_by is not None:
        statement = accounts.end_sessions(connection.dialect, "cookie")
        await connection.execute(statement.text, statement.bind({"token": known_by}))


async def use_once(
    connection: Connection, moments: Moments, *, user: int, secret: str, now: datetime, until: datetime
) -> bool:
    """Whether this secret of a user is used for the first time; in the transaction that the use belongs to.

    All processes see it: the user's row is locked first, so two cannot ask at once.
    """
    lock = accounts.lock_user(connection.dialect)
    await connection.rows(lock.text, lock.bind({"user": user}))
    if await find(connection, moments, user=user, now=now, session=None, token=secret) is not None:
        return False
    await _add(connection, moments, user, ONCE, fingerprint(secret), Visitor("", ""), now, until)
    return True


async def _add(
    connection: Connection,
    moments: Moments,
    user: int,
    kind: str,
    token: str,
    visitor: Visitor,
    now: datetime,
    expires: datetime,
) -> int:
    statement = accounts.add_session(connection.dialect)
    values = {
        "user": user,
        "kind": kind,
        "token": token,
        "ip": visitor.address[:255],
        "agent": visitor.user_agent,
        "on": moments.session(now),
        "expires": moments.session(expires),
    }
    if connection.dialect == "postgres":
        return int(await connection.value(statement.text, statement.bind(values)))
    done = await connection.execute(statement.text, statement.bind(values))
    assert done.key is not None
    return done.key
