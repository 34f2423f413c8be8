"""In charge of turning credentials into the caller, in one statement (spec 02 §4). Grants nothing and writes nothing.

Whatever is wrong with credentials, the request goes on as the public one; only that they were refused is remembered.
"""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from core.auth.cookies import known_by
from core.auth.credentials import COOKIE, Credentials
from core.auth.sessions import Moments
from core.auth.tokens import TokenKeys, is_jwt, verify_with
from core.cache.lru import Lru
from core.context import PUBLIC, Actor
from core.db.gateway import Connection
from core.errors import CredentialsError
from core.sql.accounts import caller

ACTIVE = "active"
LARGEST_ID = 2**31 - 1
LONGEST_STATIC = 255
"""Length of directus_users.token."""


@dataclass(frozen=True, slots=True)
class Resolved:
    """Who calls. `rejected`: something was presented and refused. `head`: newest entry of the change log.

    `whitelist`: addresses of the caller's role as stored (CSV), None or "" when any may call. `ends`: when the session
    of a cookie ends, aware UTC. `stamp`: how fresh all collections are, if that was asked.
    """

    actor: Actor
    rejected: bool
    head: int
    whitelist: str | None
    ends: datetime | None = None
    stamp: int | None = None


Verified = Lru[str, dict[str, Any]]


async def resolve(
    keys: TokenKeys,
    connection: Connection,
    credentials: Credentials,
    now: datetime,
    *,
    moments: Moments,
    enrolling: bool = False,
    verified: Verified | None = None,
    stamped: bool = False,
) -> Resolved:
    """The caller, with one statement on `connection`. `now`: aware UTC.

    `moments`: how cookies are compared with the clock. `verified`: claims of tokens that were verified with these keys
    before, kept by the project.
    `enrolling`: the request sets up the second factor, so its absence does not make the caller public (spec 02 §6).
    `stamped`: how fresh all collections are is asked for along.
    Raises DatabaseError's subclasses.
    """
    presented = credentials.token
    kind, value, claims = "public", None, None
    if presented is not None and credentials.kind == COOKIE:
        value = known_by(keys, presented, now=now.timestamp())
        kind = "public" if value is None else COOKIE
    elif presented is not None:
        kind, value, claims = _identify(keys, presented, now, verified)
    statement = caller(connection.dialect, kind, stamped=stamped)
    bound: Sequence[Any] = () if kind == "public" else (value,)
    if kind == COOKIE:
        bound = statement.bind({"credential": value, "now": moments.session(now)})
    row = await connection.row(statement.text, bound)
    assert row is not None  # the statement begins at an aggregate
    actor = None if kind == "public" else _actor(row, presented or "", kind, claims, enrolling)
    stamp = int(row[-1]) if stamped else None
    if actor is None:
        return Resolved(PUBLIC, presented is not None, row[0], row[1], stamp=stamp)
    return Resolved(actor, False, row[0], row[11], _moment(row[13]) if kind == COOKIE else None, stamp)


def _moment(stored: Any) -> datetime:
    """A moment of a session row: SQLite keeps text."""
    found = datetime.fromisoformat(stored) if isinstance(stored, str) else stored
    assert isinstance(found, datetime)
    return found.replace(tzinfo=UTC)


def _identify(
    keys: TokenKeys, token: str, now: datetime, verified: Verified | None
) -> tuple[str, Any, dict[str, Any] | None]:
    """How to look for the owner of a token: by id (a valid JWT), by token, or not at all."""
    claims = verified.get(token) if verified is not None else None
    if claims is not None and claims["exp"] > now.timestamp():
        return "id", claims["id"], claims
    if not is_jwt(token):
        # NUL cannot be compared on PostgreSQL, and what is longer than the column can be nobody's.
        storable = len(token) <= LONGEST_STATIC and "\0" not in token
        return ("token", token, None) if storable else ("public", None, None)
    try:
        claims, current = verify_with(keys, token, "auth", now=now.timestamp())
    except CredentialsError:
        return "public", None, None
    user = claims.get("id")
    if isinstance(user, bool) or not isinstance(user, int) or not 0 < user <= LARGEST_ID:
        return "public", None, None
    if verified is not None and current:  # a key that was replaced ends before its tokens may
        verified[token] = claims
    return "id", user, claims


def _actor(
    row: Sequence[Any], presented: str, kind: str, claims: dict[str, Any] | None, enrolling: bool
) -> Actor | None:
    _, _, user, status, role, email, first_name, last_name, token, has_secret, enforced, _ = row[:12]
    if user is None or status != ACTIVE:
        return None
    # The index may ignore case or accents; the token may not.
    if kind == "token" and not hmac.compare_digest(str(token).encode(), presented.encode()):
        return None
    if enforced and not has_secret and not enrolling:
        return None
    session = row[12] if kind == COOKIE else claims.get("sid") if claims else None
    return Actor(
        user=user,
        role=role,
        public=False,
        email=email,
        first_name=first_name,
        last_name=last_name,
        session=session if isinstance(session, int) and not isinstance(session, bool) else None,
        requires_tfa=bool(enforced),
    )
