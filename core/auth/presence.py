"""In charge of the sessions of who is signed in: which there are, whether one lives, how they end (spec 02 §5.3–5.5).

The routes of `/auth` are open to everybody, so what a caller presents is looked at here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from core.auth import sessions, tokens
from core.auth.credentials import COOKIE
from core.auth.login import Gate
from core.auth.resolve import resolve
from core.context import Actor
from core.db.gateway import Connection
from core.errors import CredentialsError, Unauthorized
from core.session import ME
from core.sql import accounts


@dataclass(frozen=True, slots=True)
class Presence:
    """Who presented a credential, and the id of the session it belongs to; None when there is none (any more)."""

    actor: Actor
    session: int | None


async def present(gate: Gate) -> Presence:
    """Whose credential was presented. Raises DatabaseUnavailable."""
    async with gate.store.read() as connection:
        return await _present(gate, connection)


async def _present(gate: Gate, connection: Connection) -> Presence:
    found = await resolve(gate.keys, connection, gate.presented, gate.now, moments=gate.moments, enrolling=True)
    actor, token = found.actor, gate.presented.token
    if actor.public or token is None:
        return Presence(actor, None)
    if gate.presented.kind == COOKIE:
        return Presence(actor, actor.session)
    if not tokens.is_jwt(token):
        return Presence(actor, None)  # a static token has no session
    row = await sessions.find(
        connection, gate.moments, user=actor.user, now=gate.now, session=actor.session, token=token
    )
    return Presence(actor, row)


async def listed(gate: Gate) -> list[dict[str, Any]]:
    """The caller's own live sessions as the API shows them, never with a token; none without a session."""
    async with gate.store.read() as connection:
        here = await _present(gate, connection)
        if here.session is None:
            return []
        statement = accounts.sessions_of(connection.dialect)
        bound = statement.bind({"user": here.actor.user, "now": gate.moments.session(gate.now)})
        rows = await connection.rows(statement.text, bound)
    return [
        {
            "id": row[0],
            "user": row[1],
            "token_type": row[2],
            "token": None,
            "ip_address": row[3],
            "user_agent": row[4],
            "created_on": str(row[5])[:19],
            "token_expired_at": str(row[6])[:19],
            "current": row[0] == here.session,
        }
        for row in rows
    ]


async def end(gate: Gate, user: str | None = None, session: str | None = None) -> bool:
    """Sign out: the session of the credential, or with `user` (an id, or `me`) all of that user, or one of them.

    Whether the caller's own session is among them. Raises Unauthorized: only the user and admins end sessions by name.
    """
    if user is None:
        return await _end_own(gate)
    here = await present(gate)
    actor = here.actor
    whose = actor.user if user == ME else _number(user)
    if actor.public or (whose != actor.user and not actor.admin):
        raise Unauthorized
    which = None if session is None else _number(session)
    if whose is None or (session is not None and which is None):
        return False
    async with gate.store.write() as connection:
        if which is None:
            await sessions.end_all(connection, whose)
        else:
            await sessions.end_one(connection, whose, which)
    return whose == actor.user and which in (None, here.session)


async def _end_own(gate: Gate) -> bool:
    token = gate.presented.token
    if token is None:
        return False
    if gate.presented.kind != COOKIE and tokens.is_jwt(token):
        try:  # also of a token that has expired: its session has not
            claims = tokens.verify(gate.keys, token, "auth", now=0)
        except CredentialsError:
            return False
        user, named = _whole(claims.get("id")), _whole(claims.get("sid"))
        if user is None:
            return False
        async with gate.store.write() as connection:
            row = await sessions.find(connection, gate.moments, user=user, now=gate.now, session=named, token=token)
            if row is not None:
                await sessions.end_one(connection, user, row)
        return row is not None
    here = await present(gate)
    if here.session is None:
        return False
    async with gate.store.write() as connection:
        await sessions.end_one(connection, here.actor.user, here.session)
    return True


def _number(text: str) -> int | None:
    return _whole(int(text)) if text.isascii() and text.isdecimal() and len(text) <= 10 else None


def _whole(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 < value < 2**31 else None
