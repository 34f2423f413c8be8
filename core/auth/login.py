"""In charge of signing in with e-mail and password, and of renewing tokens (spec 02 §5.1, §5.2). Grants nothing."""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from core.auth import attempts, hashing, limits, otp, sessions, tokens
from core.auth.cookies import known_by
from core.auth.sessions import Moments, Visitor
from core.auth.throttle import Turns
from core.catalog.model import Snapshot
from core.context import ADMIN_ROLE, COOKIE, NONE, Credentials, SessionCookie
from core.db.errors import DatabaseError
from core.db.gateway import Connection, Store
from core.errors import (
    CredentialsError,
    InvalidCredentials,
    InvalidLogin,
    InvalidOtp,
    InvalidToken,
    MissingOtp,
    Problem,
    UserInactive,
    UserNotFound,
    UserSuspended,
    ValidationFailed,
)
from core.hooks.live import Happening
from core.hooks.names import WITHIN
from core.hooks.payload import Payload
from core.session import Session
from core.settings import ProjectConfig
from core.sql import accounts

EMAIL = re.compile(r"[^@\s\x00-\x1f\"(),:;<>\[\\\]\ud800-\udfff]+@[^@\s\x00-\x1f\"(),:;<>\[\\\]\ud800-\udfff]+")
BLANK = "This value should not be blank."
NO_EMAIL = "This value is not a valid email address."
USERS = "directus_users"
MASK = "**********"
HIDDEN = frozenset({"password", "token", "email_notifications", "last_access_on", "last_page"})
OTP_MEMORY = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Gate:
    """What signing in at a project needs: its database, its picture, its keys, and who comes from where, when.

    `now`: aware UTC. `turns` lives as long as the project: guesses at one account are taken one by one.
    """

    store: Store
    snapshot: Snapshot
    config: ProjectConfig
    keys: tokens.TokenKeys
    turns: Turns
    visitor: Visitor
    now: datetime
    presented: Credentials = NONE
    session: Session | None = None

    @property
    def cost(self) -> hashing.Cost:
        """What a password hash costs here."""
        return limits.hashing_cost(self.config)

    @property
    def moments(self) -> Moments:
        """How moments are bound here."""
        return Moments(self.snapshot, self.store.dialect)


@dataclass(frozen=True, slots=True)
class LoginResult:
    """A session that was begun. Exactly one of `token` (a JWT) and `cookie` (the secret of the cookie) is set.

    `user`: the row as the login answer shows it, numbers as text. `expires`: aware UTC. `tfa_pending`: the role wants
    a second factor that the user has not set up (code 113).
    """

    user: Mapping[str, Any]
    token: str | None = field(repr=False)
    cookie: str | None = field(repr=False)
    session: int
    expires: datetime
    tfa_pending: bool

    @property
    def effect(self) -> SessionCookie | None:
        """The cookie that begins, in cookie mode."""
        return None if self.cookie is None else SessionCookie(self.cookie, self.expires)


async def gate_of(session: Session) -> Gate:
    """The gate of the project that a session is on, for who knocks with it. Raises DatabaseUnavailable."""
    project, context = session.project, session.context
    return Gate(
        store=await project.store(),
        snapshot=session.snapshot,
        config=project.config,
        keys=project.keys,
        turns=project.turns,
        visitor=Visitor(context.address, context.user_agent),
        now=context.now,
        presented=context.presented,
        session=session,
    )


async def authenticate(gate: Gate, *, email: Any, password: Any, one_time: Any = None, mode: Any = None) -> LoginResult:
    """Sign in. `one_time`: the OTP; `mode`: "cookie", anything else means a JWT.

    Raises InvalidLogin, InvalidCredentials, UserInactive, UserSuspended, MissingOtp, InvalidOtp, TooManyRequests.
    The password is checked first, so that nothing is told about an account to who does not have it.
    """
    _check_form(email, password)
    try:
        async with gate.turns.take(email.lower()):
            account, result = await _signed_in(gate, email, password, one_time, mode)
    except CredentialsError as error:
        await tell(gate, "auth.fail", error)
        raise
    await tell(gate, "auth.success", Payload(result.user, USERS))
    await _upgrade(gate, account, password)
    return result


async def tell(gate: Gate, event: str, payload: Any) -> None:
    """Tell the hooks of the project, afterwards."""
    if gate.session is not None and (hooks := gate.session.project.hooks) is not None:
        await hooks.tell(gate.session, [Happening(event, payload=payload, named=USERS)], WITHIN)


async def ask(gate: Gate, account: Account) -> None:
    """Ask the hooks of the project about somebody whose credentials are right. Raises what a hook raises."""
    if gate.session is not None and (hooks := gate.session.project.hooks) is not None:
        user = Payload(public_user(account), USERS)
        await hooks.act(gate.session, Happening("auth.request:credentials", payload=user, named=USERS), WITHIN)


async def _signed_in(gate: Gate, email: str, password: Any, one_time: Any, mode: Any) -> tuple[Account, LoginResult]:
    """The account of right credentials, and its new session. The caller holds the account's turn."""
    account = await account_of(gate, email)
    if account is not None:
        await attempts.admit(gate, account.id, admin=account.role == ADMIN_ROLE)
    stored = account.password if account is not None else None
    # An unknown e-mail costs the same time as a wrong password.
    right = await hashing.verify(password, stored, gate.cost)
    if account is None:
        raise InvalidCredentials
    if not right:
        raise await attempts.failed(gate, account.id, InvalidCredentials())
    check_status(account.status)
    step = await _check_otp(gate, account, one_time)
    await ask(gate, account)
    once = None if step is None else Once(otp.once(account.id, step), gate.now + OTP_MEMORY, InvalidOtp)
    return account, await begin(gate, account, cookie=new_cookie(mode), once=once)


def new_cookie(mode: Any) -> str | None:
    """The secret of a new session's cookie; None in jwt mode, which is every mode but "cookie"."""
    return secrets.token_urlsafe(32) if mode == "cookie" else None


async def refresh(gate: Gate, token: Any) -> str:
    """A new JWT for one that is still valid and whose session lives (spec 02 §3.4).

    Raises ValidationFailed (no token), InvalidToken, ExpiredToken, UserInactive, UserSuspended, UserNotFound.
    """
    if not isinstance(token, str) or not token:
        raise ValidationFailed.of([Problem(("token",), BLANK)])
    claims = tokens.verify(gate.keys, token, "auth", now=gate.now.timestamp())
    user, named = _integer(claims.get("id")), _integer(claims.get("sid"))
    if user is None or ("sid" in claims and named is None):
        raise InvalidToken
    async with gate.store.write() as connection:
        account = await account_by_id(gate, connection, user)
        if account is None:
            raise UserNotFound
        check_status(account.status)
        row = await _renew(gate, connection, user, named, token)
    pending = account.enforced and not account.secret
    kept = {name: value for name, value in claims.items() if name not in ("exp", "ttl", "type", "key", "project")}
    return _token(gate, {**kept, "sid": row, "needs2FA": pending})


async def _renew(gate: Gate, connection: Connection, user: int, named: int | None, token: str) -> int:
    """The id of the session row that a refresh belongs to, its end moved. A v8 token without one gets one."""
    expires = gate.now + limits.session_time(gate.snapshot)
    row = await sessions.find(connection, gate.moments, user=user, now=gate.now, session=named, token=token)
    if row is not None:
        await sessions.extend(connection, gate.moments, row, expires)
        return row
    if named is not None:
        raise InvalidToken  # signed out, or the password was changed
    row = await sessions.start(
        connection, gate.moments, user=user, kind="jwt", visitor=gate.visitor, now=gate.now, expires=expires
    )
    await sessions.name(connection, row, token)
    return row


@dataclass(frozen=True, slots=True)
class Account:
    """A row of directus_users as it is stored, and whether its role enforces a second factor."""

    row: Mapping[str, Any] = field(repr=False)
    enforced: bool

    @property
    def id(self) -> int:
        return int(self.row["id"])

    @property
    def role(self) -> int | None:
        return None if self.row["role"] is None else int(self.row["role"])

    @property
    def status(self) -> str:
        return str(self.row["status"])

    @property
    def password(self) -> str | None:
        value: str | None = self.row["password"]
        return value

    @property
    def secret(self) -> str | None:
        return self.row["2fa_secret"] or None


def _columns(snapshot: Snapshot) -> tuple[str, ...]:
    return tuple(field.name for field in snapshot.collections["directus_users"].columns)


async def account_of(gate: Gate, email: str) -> Account | None:
    """The user of an e-mail address, whatever its case. Raises DatabaseError."""
    columns = _columns(gate.snapshot)
    statement = accounts.account(gate.store.dialect, columns, "email")
    async with gate.store.read() as connection:
        row = await connection.row(statement.text, statement.bind({"email": email, "lower": email.lower()}))
    return None if row is None else Account(dict(zip(columns, row, strict=False)), bool(row[-1]))


async def account_by_id(gate: Gate, connection: Connection, user: int) -> Account | None:
    """The user of an id. Raises DatabaseError."""
    columns = _columns(gate.snapshot)
    statement = accounts.account(connection.dialect, columns, "id")
    row = await connection.row(statement.text, statement.bind({"id": user}))
    return None if row is None else Account(dict(zip(columns, row, strict=False)), bool(row[-1]))


def _check_form(email: Any, password: Any) -> None:
    problems = []
    if not isinstance(email, str) or not email.strip():
        problems.append(Problem(("email",), BLANK))
    elif not EMAIL.fullmatch(email):
        problems.append(Problem(("email",), NO_EMAIL))
    if not isinstance(password, str) or not password:
        problems.append(Problem(("password",), BLANK))
    if problems:
        raise InvalidLogin(ValidationFailed.of(problems).message, problems=problems)


def check_status(status: str) -> None:
    """Only active users sign in. Raises UserSuspended, UserInactive."""
    if status == "suspended":
        raise UserSuspended
    if status != "active":
        raise UserInactive


async def _check_otp(gate: Gate, account: Account, given: Any) -> int | None:
    """The step of the one-time password, None when the user has no second factor."""
    if account.secret is None:
        return None
    if given is None or given == "":
        raise MissingOtp
    step = otp.matching_step(account.secret, str(given), gate.now.timestamp())
    if step is None:
        raise await attempts.failed(gate, account.id, InvalidOtp())
    return step


@dataclass(frozen=True, slots=True)
class Once:
    """A secret that is good for one use, remembered until it ends anyway; `refused`: what a second use raises."""

    secret: str = field(repr=False)
    until: datetime
    refused: type[CredentialsError]


async def use(gate: Gate, connection: Connection, user: int, once: Once) -> None:
    """Use up a secret, in the transaction that it is used for. Raises what `once` says when it was used before."""
    first = await sessions.use_once(
        connection, gate.moments, user=user, secret=once.secret, now=gate.now, until=once.until
    )
    if not first:
        raise once.refused


async def note(gate: Gate, account: Account, once: Once) -> None:
    """The activity row of a sign-in whose session begins later. Raises what `once` says."""
    async with gate.store.write() as connection:
        await use(gate, connection, account.id, once)
        await attempts.record(gate, connection, account.id, "authenticate")


async def begin(
    gate: Gate, account: Account, *, cookie: str | None, once: Once | None = None, recorded: bool = True
) -> LoginResult:
    """The session row, the activity row and the credential, in one transaction.

    `cookie`: the secret of the cookie, None for a JWT. `recorded`: the sign-in gets its activity row here.
    """
    expires = gate.now + limits.session_time(gate.snapshot)
    kind = "jwt" if cookie is None else "cookie"
    async with gate.store.write() as connection:
        if once is not None:
            await use(gate, connection, account.id, once)
        if recorded:
            await attempts.record(gate, connection, account.id, "authenticate")
        if gate.presented.kind == COOKIE:
            # A new session each time: whoever shares the browser must not go on as the one before.
            await sessions.end_cookie(
                connection, known_by(gate.keys, gate.presented.token or "", now=gate.now.timestamp())
            )
        session = await sessions.start(
            connection,
            gate.moments,
            user=account.id,
            kind=kind,
            visitor=gate.visitor,
            now=gate.now,
            expires=expires,
        )
        token = None if cookie is not None else _token(gate, {"id": account.id, "sid": session})
        await sessions.name(connection, session, cookie or token or "")
    return LoginResult(
        user=public_user(account),
        token=token,
        cookie=cookie,
        session=session,
        expires=expires,
        tfa_pending=account.enforced and not account.secret,
    )


def _token(gate: Gate, claims: Mapping[str, Any]) -> str:
    ttl = limits.token_minutes(gate.snapshot, gate.config)
    return tokens.sign(gate.keys, "auth", claims, expires=int(gate.now.timestamp()) + ttl * 60, ttl=ttl)


async def _upgrade(gate: Gate, account: Account, password: str) -> None:
    """Replace an old hash by one of today's kind; that it fails must not fail the login (spec 02 §8.2)."""
    if account.password is None or not hashing.needs_rehash(account.password, gate.cost):
        return
    new = await hashing.hash_password(password, gate.cost)
    statement = accounts.replace_password(gate.store.dialect)
    values = {"user": account.id, "old": account.password, "new": new}
    try:
        async with gate.store.write() as connection:
            await connection.execute(statement.text, statement.bind(values))
    except DatabaseError:
        return


def public_user(account: Account) -> dict[str, Any]:
    """The user of the login answer: the raw row, numbers as decimal text, secrets masked."""
    user = {name: _as_text(value) for name, value in account.row.items() if name not in HIDDEN}
    user["2fa_secret"] = MASK if account.secret else None
    user["password_reset_token"] = None
    return user


def _as_text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "1" if value else "0"
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M:%S")
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return str(value)


def _integer(value: Any) -> int | None:
    # Beyond 32 bit there is no such key, and PostgreSQL would refuse the parameter.
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 < value < 2**31 else None
