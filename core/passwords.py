"""In charge of a forgotten password: the mail with a link, and the new password for it (spec 02 §5.6, 5.7)."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import structlog

from core import engine
from core.access.policy import ADMIN_POLICY
from core.auth import hashing, limits, tokens
from core.auth.login import EMAIL, NO_EMAIL, Gate, gate_of
from core.context import Actor
from core.errors import (
    ExpiredReset,
    ExpiredToken,
    InvalidReset,
    InvalidToken,
    MailFailed,
    Problem,
    TabulariumError,
    Unprocessable,
    UserNotFound,
    ValidationFailed,
)
from core.events.addresses import network
from core.mail import links
from core.mail.message import mailbox
from core.mail.send import send_template
from core.query.change import WriteRequest
from core.query.selection import KEY_ONLY
from core.session import Session
from core.sql import accounts
from core.types.pattern import BadPattern, accepts
from core.types.write import BLANK, INVALID

KIND = "reset_password"
PER_ADDRESS, PER_CALLER = 5, 20
"""Mails an hour that one account may get, and that one address on the network may ask for."""
HOUR = 3600.0


async def request_reset(session: Session, email: Any, reset_url: Any = None) -> None:
    """Send a link to who has this e-mail address. Whether anybody has is told to nobody, not even by the time it takes.

    `reset_url`: the page that takes the token, if not the admin app's. Raises ValidationFailed; MailFailed only where
    the project reveals it (config `auth.reveal_reset_errors`).
    """
    project = session.project
    email = checked_email(email)
    if reset_url is not None and reset_url != "":
        check_url(session, "reset_url", reset_url)
    gate = await gate_of(session)
    # Who asks first: beyond their own they must not use up those of others.
    if not project.mails.admit(f"reset by {network(session.context.address)}", PER_CALLER, HOUR):
        return
    if not project.mails.admit(f"reset {email.lower()}", PER_ADDRESS, HOUR):
        return
    work = _send_link(session, gate, email, reset_url or None)
    if project.config.get("auth.reveal_reset_errors"):
        await work
    else:
        project.spawn(_quietly(work, project.key))


async def _quietly(work: Any, project: str) -> None:
    try:
        await work
    except TabulariumError as error:
        structlog.get_logger().error("no link for a new password was sent", project=project, error=error.kind)


async def _send_link(session: Session, gate: Gate, email: str, reset_url: str | None) -> None:
    project = session.project
    user = await user_of(gate, "email", email)
    to = mailbox(str(user["email"])) if user is not None else None
    if user is None or user["status"] != "active" or to is None:
        return
    base = links.base(project.config, session.snapshot, project.listens)
    if base is None:
        raise MailFailed("Nothing says where links of mails lead: set public_url or the setting project_url.")
    ttl = limits.token_minutes(session.snapshot, project.config)
    claims = {"id": user["id"], "email": user["email"]}
    token = tokens.sign(gate.keys, KIND, claims, expires=int(gate.now.timestamp()) + ttl * 60, ttl=ttl)
    statement = accounts.set_reset(gate.store.dialect)
    async with gate.store.write() as connection:
        values = {"user": user["id"], "token": tokens.fingerprint(token)}
        await connection.execute(statement.text, statement.bind(values))
    link = links.with_token(reset_url or f"{base}/admin/#/reset-password", token)
    if reset_url is None:
        link += f"&project={project.key}"
    name = " ".join(part for part in (user["first_name"], user["last_name"]) if part)
    await send_template(
        session,
        "reset-password",
        to=to,
        subject=f"Password Reset Request: {session.snapshot.setting('project_name') or ''}",
        link_base=base,
        variables={"reset_url": link, "user_full_name": name},
    )


async def reset(session: Session, token: Any, password: Any) -> None:
    """Set a new password for the token of a mail, which is good for one use. Ends all sessions of the user.

    Raises InvalidReset, ExpiredReset, InvalidToken (of another project), UserNotFound, ValidationFailed.
    """
    gate = await gate_of(session)
    claims = _claims(gate, token)
    user = await user_of(gate, "id", claims.get("id"))
    if user is None:
        raise UserNotFound
    if str(claims.get("email")).lower() != str(user["email"]).lower():
        raise InvalidReset
    stored = str(user["password_reset_token"] or "")
    known = (tokens.fingerprint(token), token)  # rows of Directus 8 hold the token itself
    if not any(hmac.compare_digest(stored.encode(), one.encode()) for one in known):
        raise ExpiredReset
    if not isinstance(password, str) or not password:
        raise ValidationFailed.of([Problem(("password",), BLANK)])
    check_password(session, password)
    statement = accounts.use_reset(gate.store.dialect)
    async with gate.store.write() as connection:
        done = await connection.execute(statement.text, statement.bind({"user": user["id"], "token": stored}))
    if done.rowcount != 1:
        raise ExpiredReset  # somebody else was faster with the same link
    await write_as(session, user["id"], {"password": password})


def check_password(session: Session, password: str) -> None:
    """Raises ValidationFailed for a password that the project's policy refuses, Unprocessable for no policy at all."""
    try:
        fits = len(password.encode()) <= hashing.LONGEST and accepts(
            session.snapshot.setting("password_policy"), password
        )
    except UnicodeEncodeError:
        fits = False
    except BadPattern:
        raise Unprocessable("The password policy is not a valid regular expression.") from None
    if not fits:
        raise ValidationFailed.of([Problem(("password",), INVALID)])


async def write_as(session: Session, user: int, payload: Mapping[str, Any]) -> None:
    """Change a user's own record in his name, by the same pipeline as all writes but without asking for his rights."""
    context = replace(session.context, actor=Actor(user=user, role=None, public=False))
    own = replace(session, policy=ADMIN_POLICY, context=context)
    await engine.write(own, WriteRequest("directus_users", "update", (payload,), (str(user),), selection=KEY_ONLY))


def checked_email(email: Any) -> str:
    """An e-mail address as it was sent. Raises ValidationFailed."""
    if email is None or email == "":
        raise ValidationFailed.of([Problem(("email",), BLANK)])
    if not isinstance(email, str) or not EMAIL.fullmatch(email):
        raise ValidationFailed.of([Problem(("email",), NO_EMAIL)])
    return email


def check_url(session: Session, name: str, url: Any) -> None:
    """Raises ValidationFailed for a URL that a mail must not lead to: a phishing page would get the token."""
    project = session.project
    listed = project.config.get("auth.reset_url_allow_list")
    if not isinstance(url, str) or not links.allowed(url, project.config, session.snapshot, project.listens, listed):
        raise ValidationFailed.of([Problem((name,), INVALID)])


def _claims(gate: Gate, token: Any) -> dict[str, Any]:
    if not isinstance(token, str) or not token:
        raise ValidationFailed.of([Problem(("token",), BLANK)])
    try:
        return tokens.verify(gate.keys, token, KIND, now=gate.now.timestamp())
    except ExpiredToken:
        raise ExpiredReset from None
    except InvalidToken:
        if tokens.is_foreign(gate.keys, token, now=gate.now.timestamp()):
            raise
        raise InvalidReset from None


async def user_of(gate: Gate, by: str, value: Any) -> Mapping[str, Any] | None:
    """The row of a user by `email`, whatever its case, or `id`: what mails and their links need of it."""
    columns = ("id", "status", "email", "first_name", "last_name", "password_reset_token")
    statement = accounts.account(gate.store.dialect, columns, by)
    if by == "email":
        bound = statement.bind({"email": value, "lower": str(value).lower()})
    elif isinstance(value, int) and not isinstance(value, bool) and 0 < value < 2**31:
        bound = statement.bind({"id": value})
    else:
        return None
    async with gate.store.read() as connection:
        row = await connection.row(statement.text, bound)
    return None if row is None else dict(zip(columns, row, strict=False))
