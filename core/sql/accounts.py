"""In charge of the statements about callers: who has this credential, login, sessions, attempts. Runs nothing.

Each is compiled once per dialect; what differs between calls is bound by the names in its docstring.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import sqlalchemy as sa

from core.context import ADMIN_ROLE, PUBLIC_ROLE
from core.sql import freshness
from core.sql.compile import Compiled, compile_statement

ZERO: sa.ColumnClause[int] = sa.literal_column("0")
ONE: sa.ColumnClause[int] = sa.literal_column("1")

CHANGES = sa.table("directus_changes", *map(sa.column, ("id", "kind", "collection")))
FRESHNESS = sa.table(freshness.TABLE, sa.column("version"))
ROLES = sa.table("directus_roles", *map(sa.column, ("id", "enforce_2fa", "ip_whitelist")))
USERS = sa.table(
    "directus_users",
    *map(sa.column, ("id", "status", "role", "email", "first_name", "last_name", "token", "password", "2fa_secret")),
    *map(sa.column, ("last_page", "last_access_on", "password_reset_token")),
)
SESSIONS = sa.table(
    "directus_user_sessions",
    *map(sa.column, ("id", "user", "token_type", "token", "ip_address", "user_agent")),
    *map(sa.column, ("created_on", "token_expired_at")),
)
ACTIVITY = sa.table(
    "directus_activity",
    *map(sa.column, ("id", "action", "action_by", "action_on", "ip", "user_agent", "collection", "item")),
)
KINDS = ("jwt", "cookie")
"""`token_type` of sessions; rows of other kinds remember something else."""


@cache
def caller(dialect: str, credential: str, *, stamped: bool = False) -> Compiled:
    """One row about the caller, whether or not there is one, with the head of the change log.

    `credential`: "public" (binds nothing), "token" or "id" (bind `credential`), "cookie" (bind `credential`, what its
    row holds, and `now`). Columns: head, whitelist of the public role, then of the user: id, status, role, email, first
    name, last name, token, has a second factor, whether the role enforces one, whitelist of the role; of a cookie also
    id and end of the session. `stamped`: the last column is how fresh all collections are (`core.sql.freshness`).
    """
    head = sa.select(sa.func.coalesce(sa.func.max(CHANGES.c.id), ZERO).label("head")).subquery("h")
    public = ROLES.alias("p")
    source = head.outerjoin(public, public.c.id == sa.literal_column(str(PUBLIC_ROLE)))
    columns: list[sa.ColumnElement[Any]] = [head.c.head, public.c.ip_whitelist]
    if credential != "public":
        user, role = USERS.alias("u"), ROLES.alias("r")
        given = sa.bindparam("credential", type_=sa.Integer() if credential == "id" else sa.String())
        session = SESSIONS.alias("s")
        if credential == "cookie":
            lives = sa.and_(
                session.c.token == given,
                session.c.token_type == _text("cookie"),
                session.c.token_expired_at > sa.bindparam("now"),
            )
            source = source.outerjoin(session, lives).outerjoin(user, user.c.id == session.c.user)
        else:
            source = source.outerjoin(user, user.c[credential] == given)
        source = source.outerjoin(role, role.c.id == user.c.role)
        has_secret = sa.and_(user.c["2fa_secret"].is_not(None), user.c["2fa_secret"] != sa.literal_column("''"))
        columns += [
            user.c.id, user.c.status, user.c.role, user.c.email, user.c.first_name, user.c.last_name, user.c.token,
            sa.case((has_secret, ONE), else_=ZERO),
            role.c.enforce_2fa, role.c.ip_whitelist,
        ]  # fmt: skip
        if credential == "cookie":
            columns += [session.c.id, session.c.token_expired_at]
    if stamped:
        columns.append(sa.select(sa.func.coalesce(sa.func.sum(FRESHNESS.c.version), ZERO)).scalar_subquery())
    labelled = [column.label(f"c{number}") for number, column in enumerate(columns)]
    return compile_statement(sa.select(*labelled).select_from(source), dialect)


@cache
def account(dialect: str, columns: tuple[str, ...], by: str) -> Compiled:
    """One user: the named columns, then whether the role enforces a second factor.

    `by`: "email" (bind `email` as given and `lower`, its lower case; the exact match comes first where the database
    tells them apart) or "id" (bind `id`).
    """
    user = sa.table("directus_users", *map(sa.column, dict.fromkeys((*columns, "id", "email", "role"))))
    role = ROLES.alias("r")
    wanted = [user.c[name].label(f"c{number}") for number, name in enumerate(columns)]
    statement = sa.select(*wanted, role.c.enforce_2fa.label(f"c{len(columns)}")).select_from(
        user.outerjoin(role, role.c.id == user.c.role)
    )
    if by == "id":
        return compile_statement(statement.where(user.c.id == sa.bindparam("id", type_=sa.Integer())), dialect)
    exact = sa.case((user.c.email == sa.bindparam("email", type_=sa.String()), ZERO), else_=ONE)
    statement = statement.where(sa.func.lower(user.c.email) == sa.bindparam("lower", type_=sa.String()))
    return compile_statement(statement.order_by(exact, user.c.id).limit(1), dialect)


@cache
def failures(dialect: str) -> Compiled:
    """How many wrong logins of a user (bind `user`) since the last good one or change of status."""
    earlier = ACTIVITY.alias("e")
    last = (
        sa.select(sa.func.coalesce(sa.func.max(earlier.c.id), ZERO))
        .where(earlier.c.action_by == sa.bindparam("user", type_=sa.Integer()))
        .where(earlier.c.action.in_(_texts("authenticate", "status-update")))
        .where(earlier.c.collection == _text("directus_users"))
        .scalar_subquery()
    )
    statement = (
        sa.select(sa.func.count().label("c0"))
        .select_from(ACTIVITY)
        .where(ACTIVITY.c.action_by == sa.bindparam("user", type_=sa.Integer()))
        .where(ACTIVITY.c.action == _text("invalid-credentials"))
        .where(ACTIVITY.c.collection == _text("directus_users"))
        .where(ACTIVITY.c.id > last)
    )
    return compile_statement(statement, dialect)


@cache
def failed_since(dialect: str) -> Compiled:
    """A row when a wrong login of a user (bind `user`) was recorded after a moment (bind `since`)."""
    statement = (
        sa.select(ACTIVITY.c.id.label("c0"))
        .where(ACTIVITY.c.action_by == sa.bindparam("user", type_=sa.Integer()))
        .where(ACTIVITY.c.action == _text("invalid-credentials"))
        .where(ACTIVITY.c.collection == _text("directus_users"))
        .where(ACTIVITY.c.action_on > sa.bindparam("since"))
        .limit(1)
    )
    return compile_statement(statement, dialect)


@cache
def active_admins(dialect: str) -> Compiled:
    """The ids of all active admins, locked until the transaction ends, where the database locks rows."""
    statement = (
        sa.select(USERS.c.id.label("c0"))
        .where(USERS.c.role == sa.literal_column(str(ADMIN_ROLE)))
        .where(USERS.c.status == _text("active"))
        .order_by(USERS.c.id)
        .with_for_update()
    )
    return compile_statement(statement, dialect)


@cache
def suspend(dialect: str) -> Compiled:
    """Suspend an active user (bind `user`)."""
    statement = (
        sa.update(USERS)
        .where(USERS.c.id == sa.bindparam("user", type_=sa.Integer()))
        .where(USERS.c.status == _text("active"))
        .values({USERS.c.status: _text("suspended")})
    )
    return compile_statement(statement, dialect)


@cache
def lock_user(dialect: str) -> Compiled:
    """The row of a user (bind `user`), locked: what is checked next cannot happen twice at once."""
    statement = sa.select(USERS.c.id.label("c0")).where(USERS.c.id == sa.bindparam("user", type_=sa.Integer()))
    return compile_statement(statement.with_for_update(), dialect)


@cache
def set_reset(dialect: str) -> Compiled:
    """Remember what a link for a new password is known by (bind `token`), in the place of an earlier one's."""
    statement = (
        sa.update(USERS)
        .where(USERS.c.id == sa.bindparam("user", type_=sa.Integer()))
        .values({USERS.c.password_reset_token: sa.bindparam("token", type_=sa.String())})
    )
    return compile_statement(statement, dialect)


@cache
def use_reset(dialect: str) -> Compiled:
    """Forget it (bind `user`, `token`): of two who use it at once, one changes a row."""
    statement = (
        sa.update(USERS)
        .where(USERS.c.id == sa.bindparam("user", type_=sa.Integer()))
        .where(USERS.c.password_reset_token == sa.bindparam("token", type_=sa.String()))
        .values({USERS.c.password_reset_token: sa.null()})
    )
    return compile_statement(statement, dialect)


@cache
def track(dialect: str) -> Compiled:
    """Note page (bind `page`) and moment (bind `now`) of a user (bind `user`)."""
    statement = (
        sa.update(USERS)
        .where(USERS.c.id == sa.bindparam("user", type_=sa.Integer()))
        .values(
            {USERS.c.last_page: sa.bindparam("page", type_=sa.String()), USERS.c.last_access_on: sa.bindparam("now")}
        )
    )
    return compile_statement(statement, dialect)


@cache
def replace_password(dialect: str) -> Compiled:
    """Put a new hash (bind `new`) in the place of the old one (bind `old`) of a user (bind `user`)."""
    statement = (
        sa.update(USERS)
        .where(USERS.c.id == sa.bindparam("user", type_=sa.Integer()))
        .where(USERS.c.password == sa.bindparam("old", type_=sa.String()))
        .values({USERS.c.password: sa.bindparam("new", type_=sa.String())})
    )
    return compile_statement(statement, dialect)


@cache
def add_activity(dialect: str) -> Compiled:
    """A row about a user (binds `action`, `user`, `item`, `on`, `ip`, `agent`)."""
    statement = sa.insert(ACTIVITY).values(
        {
            "action": sa.bindparam("action", type_=sa.String()),
            "action_by": sa.bindparam("user", type_=sa.Integer()),
            "action_on": sa.bindparam("on"),
            "ip": sa.bindparam("ip", type_=sa.String()),
            "user_agent": sa.bindparam("agent", type_=sa.String()),
            "collection": _text("directus_users"),
            "item": sa.bindparam("item", type_=sa.String()),
        }
    )
    return compile_statement(statement, dialect)


@cache
def add_session(dialect: str) -> Compiled:
    """A session row (binds `user`, `kind`, `token`, `ip`, `agent`, `on`, `expires`)."""
    statement = sa.insert(SESSIONS).values(
        {
            "user": sa.bindparam("user", type_=sa.Integer()),
            "token_type": sa.bindparam("kind", type_=sa.String()),
            "token": sa.bindparam("token", type_=sa.String()),
            "ip_address": sa.bindparam("ip", type_=sa.String()),
            "user_agent": sa.bindparam("agent", type_=sa.String()),
            "created_on": sa.bindparam("on"),
            "token_expired_at": sa.bindparam("expires"),
        }
    )
    if dialect == "postgres":
        statement = statement.returning(SESSIONS.c.id.label("c0"))
    return compile_statement(statement, dialect)


@cache
def name_session(dialect: str) -> Compiled:
    """Store what identifies a session (bind `token`) in its row (bind `session`)."""
    statement = (
        sa.update(SESSIONS)
        .where(SESSIONS.c.id == sa.bindparam("session", type_=sa.Integer()))
        .values({SESSIONS.c.token: sa.bindparam("token", type_=sa.String())})
    )
    return compile_statement(statement, dialect)


@cache
def live_session(dialect: str, by: str) -> Compiled:
    """The id of a session of a user (bind `user`) that has not expired (bind `now`).

    `by`: "id" (bind `session`) or "token" (bind `token` and `digest`: rows of the reference product hold the token
    itself).
    """
    statement = (
        sa.select(SESSIONS.c.id.label("c0"))
        .where(SESSIONS.c.user == sa.bindparam("user", type_=sa.Integer()))
        .where(SESSIONS.c.token_expired_at > sa.bindparam("now"))
    )
    if by == "id":
        statement = statement.where(SESSIONS.c.id == sa.bindparam("session", type_=sa.Integer()))
    else:
        token, digest = sa.bindparam("token", type_=sa.String()), sa.bindparam("digest", type_=sa.String())
        statement = statement.where(sa.or_(SESSIONS.c.token == token, SESSIONS.c.token == digest))
    return compile_statement(statement.order_by(SESSIONS.c.id).limit(1), dialect)


@cache
def extend_session(dialect: str) -> Compiled:
    """Move the end of a session (bind `session`) to `expires`, unless it was moved lately: it is before `before`."""
    statement = (
        sa.update(SESSIONS)
        .where(SESSIONS.c.id == sa.bindparam("session", type_=sa.Integer()))
        .where(SESSIONS.c.token_expired_at < sa.bindparam("before"))
        .values({SESSIONS.c.token_expired_at: sa.bindparam("expires")})
    )
    return compile_statement(statement, dialect)


@cache
def end_sessions(dialect: str, which: str) -> Compiled:
    """Delete session rows. `which`: "expired" (bind `now`), "user" (bind `user`), "one" (bind `user`, `session`),
    "cookie" (bind `token`).

    Secrets that were used once stay remembered when a user's sessions end.
    """
    condition: sa.ColumnElement[bool]
    if which == "expired":
        condition = SESSIONS.c.token_expired_at <= sa.bindparam("now")
    elif which == "cookie":
        known = SESSIONS.c.token == sa.bindparam("token", type_=sa.String())
        condition = sa.and_(known, SESSIONS.c.token_type == _text("cookie"))
    else:
        condition = sa.and_(
            SESSIONS.c.user == sa.bindparam("user", type_=sa.Integer()), SESSIONS.c.token_type.in_(_texts(*KINDS))
        )
        if which == "one":
            condition = sa.and_(condition, SESSIONS.c.id == sa.bindparam("session", type_=sa.Integer()))
    return compile_statement(sa.delete(SESSIONS).where(condition), dialect)


@cache
def sessions_of(dialect: str) -> Compiled:
    """The live sessions (bind `now`) of a user (bind `user`), oldest first.

    Columns: id, user, kind, address, user agent, begin, end.
    """
    names = ("id", "user", "token_type", "ip_address", "user_agent", "created_on", "token_expired_at")
    statement = (
        sa.select(*(SESSIONS.c[name].label(f"c{number}") for number, name in enumerate(names)))
        .where(SESSIONS.c.user == sa.bindparam("user", type_=sa.Integer()))
        .where(SESSIONS.c.token_type.in_(_texts(*KINDS)))
        .where(SESSIONS.c.token_expired_at > sa.bindparam("now"))
        .order_by(SESSIONS.c.id)
    )
    return compile_statement(statement, dialect)


@cache
def changes_since(dialect: str) -> Compiled:
    """Kind and collection of the entries of the change log after one (bind `known`)."""
    statement = sa.select(CHANGES.c.kind.label("c0"), CHANGES.c.collection.label("c1"))
    known = sa.bindparam("known", type_=sa.Integer())
    return compile_statement(statement.where(CHANGES.c.id > known).order_by(CHANGES.c.id), dialect)


def _text(value: str) -> sa.ColumnElement[str]:
    """A constant of ours as a literal: fixed text needs no parameter."""
    return sa.literal_column(f"'{value}'")


def _texts(*values: str) -> list[sa.ColumnElement[str]]:
    return [_text(value) for value in values]
