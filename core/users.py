"""In charge of what is done to users beside their items: the page they are on, the second factor (spec 02 §6, 9.8)."""

from __future__ import annotations

from typing import Any

from core import engine
from core.auth import otp, sessions
from core.auth.login import OTP_MEMORY, gate_of
from core.enter import enter
from core.errors import InvalidOtp, ItemNotFound, Problem, ReadDenied, UpdateDenied, ValidationFailed
from core.query.change import WriteRequest, WriteResult
from core.query.selection import ReadRequest, ReadResult, Selection
from core.session import ME, Session
from core.sql import accounts
from core.types.cast import Uncastable, key
from core.types.structured import storable
from core.types.write import BLANK, INVALID, STRING

USERS = "directus_users"
LONGEST_PAGE = 192
"""Characters of the column."""


async def track_page(session: Session, user: str, page: Any, selection: Selection) -> ReadResult:
    """Note the page that a user is on, without a trace in the history. Answers the user; no item if it is not readable.

    `user`: an id, or `me`. Raises UpdateDenied (only the user and admins), ValidationFailed, ItemNotFound.
    """
    actor = session.actor
    found = _key(session, user)
    if actor.public or (found != actor.user and not actor.admin):
        raise UpdateDenied(USERS)
    _check_texts({"last_page": page})
    if found is None:
        raise ItemNotFound.with_id(user)
    gate = await gate_of(session)
    statement = accounts.track(gate.store.dialect)
    values = {
        "user": found,
        "page": page[:LONGEST_PAGE],
        "now": gate.moments.bind(USERS, "last_access_on", session.context.now),
    }
    async with gate.store.write() as connection:
        done = await connection.execute(statement.text, statement.bind(values))
    # MySQL counts only rows that became different: that is no proof that there is none.
    if not done.rowcount and gate.store.dialect != "mysql":
        raise ItemNotFound.with_id(user)
    return await _read(session, user, selection)


async def _read(session: Session, user: str, selection: Selection) -> ReadResult:
    try:
        return await engine.read(session, ReadRequest(USERS, selection, id=user))
    except ReadDenied:
        return ReadResult([], {})


def new_secret() -> str:
    """A secret for a second factor that nobody uses yet (base32, 160 bits)."""
    return otp.new_secret()


async def enable_tfa(session: Session, user: str, secret: Any, one_time: Any, selection: Selection) -> WriteResult:
    """Set the second factor of a user who can tell a one-time password of it (spec 02 §6).

    Who must set it up and has not is let in here, for the own record. Raises ValidationFailed, InvalidOtp; and as an
    update of the user does.
    """
    session = await _enrolling(session, user)
    secret, one_time = _text(secret), _text(one_time)
    _check_texts({"2fa_secret": secret, "otp": one_time})
    if not otp.is_secret(secret):
        raise ValidationFailed.of([Problem(("2fa_secret",), INVALID)])
    step = otp.matching_step(secret, one_time, session.context.now.timestamp())
    if step is None:
        raise InvalidOtp
    result = await _set_secret(session, user, secret, selection)
    gate = await gate_of(session)
    async with gate.store.write() as connection:  # what proved the secret does not sign anybody in
        await sessions.use_once(
            connection,
            gate.moments,
            user=int(result.keys[0]),
            secret=otp.once(int(result.keys[0]), step),
            now=gate.now,
            until=gate.now + OTP_MEMORY,
        )
    return result


async def disable_tfa(session: Session, user: str, selection: Selection) -> WriteResult:
    """Take the second factor away: from the own account, as an admin from any. Raises as an update of the user does."""
    return await _set_secret(session, user, None, selection)


async def _set_secret(session: Session, user: str, secret: str | None, selection: Selection) -> WriteResult:
    request = WriteRequest(USERS, "update", ({"2fa_secret": secret},), (user,), selection=selection)
    return await engine.write(session, request)


async def _enrolling(session: Session, user: str) -> Session:
    """The session of who presents a credential that counts only once a second factor is there; else the same."""
    context = session.context
    if not session.actor.public or context.presented.token is None:
        return session
    found = await enter(
        session.project,
        context.presented,
        address=context.address,
        user_agent=context.user_agent,
        base_url=context.base_url,
        now=context.now,
        enrolling=True,
    )
    return found if _key(found, user) == found.actor.user else session


def _key(session: Session, user: str) -> int | None:
    """The id of a user as it stands in a path; None when it can be nobody's."""
    if user == ME:
        return session.actor.user
    try:
        return int(key(session.snapshot.collections[USERS].fields["id"], user))
    except (Uncastable, ValueError):
        return None


def _text(value: Any) -> Any:
    """A number as its digits: forms and careless clients send one-time passwords as numbers."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _check_texts(values: dict[str, Any]) -> None:
    problems = []
    for name, value in values.items():
        if value is None or value == "":
            problems.append(Problem((name,), BLANK))
        elif not isinstance(value, str) or not storable(value):
            problems.append(Problem((name,), STRING))
    if problems:
        raise ValidationFailed.of(problems)
