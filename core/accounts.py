"""In charge of what the operator does to users at the command line. Writes go through the engine like everybody's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from core import engine
from core.access.policy import ADMIN_POLICY
from core.context import ADMIN_ROLE, PUBLIC_ROLE, Actor
from core.enter import enter
from core.errors import UserNotFound
from core.projects import Project
from core.query.change import WriteRequest
from core.query.selection import KEY_ONLY, Leaf, ReadRequest, Selection
from core.session import Session
from core.sql import accounts

USERS = "directus_users"
ADMIN = {"status": "active", "role": ADMIN_ROLE, "first_name": "Admin", "last_name": "User"}
OPERATOR = Actor(role=ADMIN_ROLE, public=False)
"""Nobody's account, and everything is allowed: who reads the project's files could change the database anyway."""


async def as_operator(project: Project) -> Session:
    """A session of the operator. Raises DatabaseUnavailable, NotInstalled."""
    session = await enter(project, check_address=False)
    return replace(session, policy=ADMIN_POLICY, context=replace(session.context, actor=OPERATOR))


async def as_user(project: Project, email: str) -> Session:
    """A session with the rights of an active user. Raises UserNotFound, and as `as_operator`."""
    operator = await as_operator(project)
    fields = tuple(Leaf(name, name, "string") for name in ("id", "role"))
    known = ("cond", "email", "eq", email)
    request = ReadRequest(USERS, Selection(fields), filter=("and", (known, ("cond", "status", "eq", "active"))))
    found = (await engine.read(operator, request)).items
    if not found:
        raise UserNotFound
    role = None if found[0]["role"] is None else int(found[0]["role"])
    return await _acting(operator, Actor(user=int(found[0]["id"]), role=role, public=False, email=email))


async def as_role(project: Project, role: int) -> Session:
    """A session with the rights of a role, as nobody's account. Raises ItemNotFound, and as `as_operator`."""
    operator = await as_operator(project)
    await engine.read(operator, ReadRequest("directus_roles", KEY_ONLY, id=str(role)))
    return await _acting(operator, Actor(role=role, public=role == PUBLIC_ROLE))


async def _acting(session: Session, actor: Actor) -> Session:
    policy = await session.project.policy(actor.role)
    return replace(session, policy=policy, context=replace(session.context, actor=actor))


async def create_user(project: Project, facts: Mapping[str, Any]) -> str:
    """Make a user from fields of directus_users, None left out; gives the id. Raises what a write raises."""
    payload = {name: value for name, value in facts.items() if value is not None}
    session = await as_operator(project)
    result = await engine.write(session, WriteRequest(USERS, "create", (payload,)))
    return str(result.keys[0])


async def install_admin(project: Project, facts: Mapping[str, Any]) -> None:
    """Make an administrator of an unknown e-mail address, or give the user of a known one this password and token.

    Raises what a write raises.
    """
    payload = {name: value for name, value in facts.items() if value is not None}
    session = await as_operator(project)
    known = await _user_of(project, str(facts["email"]))
    if known is None:
        await engine.write(session, WriteRequest(USERS, "create", ({**ADMIN, **payload},)))
    else:
        changed: dict[str, Any] = {name: payload[name] for name in ("password", "token") if name in payload}
        await engine.write(session, WriteRequest(USERS, "update", (changed,), keys=(str(known),)))


async def set_password(project: Project, email: str, password: str) -> None:
    """Set the password of the user with this e-mail address; the sessions end.

    Raises UserNotFound, ValidationFailed (the project's password policy).
    """
    session = await as_operator(project)
    known = await _user_of(project, email)
    if known is None:
        raise UserNotFound
    await engine.write(session, WriteRequest(USERS, "update", ({"password": password},), keys=(str(known),)))


async def _user_of(project: Project, email: str) -> int | None:
    """The id of the user with an e-mail address."""
    store = await project.store()
    statement = accounts.account(store.dialect, ("id",), "email")
    async with store.read() as connection:
        row = await connection.row(statement.text, statement.bind({"email": email, "lower": email.lower()}))
    return None if row is None else int(row[0])
