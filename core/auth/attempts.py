"""In charge of counting wrong logins and of what follows from too many (spec 02 §5.1). It verifies nothing itself."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Protocol

from core.auth import limits, sessions
from core.auth.sessions import Moments, Visitor
from core.catalog.model import Snapshot
from core.db.gateway import Connection, Store
from core.errors import CredentialsError, TooManyRequests, UserSuspended
from core.sql import accounts

PAUSE = timedelta(seconds=30)
"""How long the last admin waits after each further wrong password: a suspension would lock the project for good."""


class Place(Protocol):
    """What is needed of the gate of a login."""

    @property
    def store(self) -> Store: ...
    @property
    def snapshot(self) -> Snapshot: ...
    @property
    def visitor(self) -> Visitor: ...
    @property
    def now(self) -> datetime: ...
    @property
    def moments(self) -> Moments: ...


async def admit(place: Place, user: int, *, admin: bool) -> None:
    """Before a password is checked. Only admins can have failed too often without being suspended.

    Raises TooManyRequests while the pause after the last wrong password of the last admin lasts.
    """
    allowed = limits.attempts_allowed(place.snapshot)
    if not admin or not allowed:
        return
    dialect = place.store.dialect
    async with place.store.read() as connection:
        if await _count(connection, user) <= allowed:
            return
        statement = accounts.failed_since(dialect)
        since = place.moments.bind("directus_activity", "action_on", place.now - PAUSE)
        if await connection.value(statement.text, statement.bind({"user": user, "since": since})) is not None:
            raise TooManyRequests


async def failed(place: Place, user: int, error: CredentialsError) -> CredentialsError:
    """Record a wrong password or OTP; suspends the user when there were too many. Gives the error to raise."""
    allowed = limits.attempts_allowed(place.snapshot)
    async with place.store.write() as connection:
        await record(place, connection, user, "invalid-credentials")
        if not allowed or await _count(connection, user) <= allowed:
            return error
        admins = accounts.active_admins(connection.dialect)
        active = [row[0] for row in await connection.rows(admins.text, admins.bind({}))]
        if active == [user]:
            return error
        statement = accounts.suspend(connection.dialect)
        done = await connection.execute(statement.text, statement.bind({"user": user}))
        if not done.rowcount:
            return error  # not active anyway: nothing is told about it
        await sessions.end_all(connection, user)
    return UserSuspended()


async def record(place: Place, connection: Connection, user: int, action: str) -> None:
    """An activity row of a user about himself."""
    statement = accounts.add_activity(connection.dialect)
    address = place.visitor.address
    values = {
        "action": action,
        "user": user,
        "item": str(user),
        "on": place.moments.bind("directus_activity", "action_on", place.now),
        "ip": "localhost" if address in ("127.0.0.1", "::1") else address[:50],
        "agent": place.visitor.user_agent[:255],
    }
    await connection.execute(statement.text, statement.bind(values))


async def _count(connection: Connection, user: int) -> int:
    statement = accounts.failures(connection.dialect)
    return int(await connection.value(statement.text, statement.bind({"user": user})))
