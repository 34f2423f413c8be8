"""In charge of inviting users by mail, and of what becomes of an invitation (spec 02 §9.6, 9.7)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from core import engine
from core.access.policy import FULL, Grant, Policy
from core.auth import sessions, tokens
from core.auth.login import gate_of
from core.context import PUBLIC
from core.errors import Forbidden, InvalidToken, MailFailed, Problem, UserNotFound, ValidationFailed
from core.mail import links
from core.mail.message import mailbox
from core.mail.send import send_template
from core.passwords import check_password, check_url, checked_email, user_of, write_as
from core.query.change import WriteRequest
from core.query.selection import KEY_ONLY, Condition, Leaf, ReadRequest, ReadResult, Selection
from core.session import Session
from core.types.structured import storable
from core.types.write import BLANK, INVALID

KIND = "invitation"
LIFE = 30 * 24 * 3600
"""Seconds that an invitation is good for."""
MOST = 100
USERS = "directus_users"
STRANGER = Policy(role=None, admin=False, general={USERS: Grant(read=FULL)}, fingerprint="stranger")
"""Sees users as others do: without what only they themselves see."""


async def invite(session: Session, email: Any, invite_url: Any, selection: Selection) -> ReadResult:
    """Make a user of each e-mail address that has none and send the link; answers the users of all addresses.

    Who is invited still gets the mail again. `invite_url`: the page that takes the token, if not the admin app's.
    Raises Forbidden (admins only), ValidationFailed; MailFailed after the rows were stored: inviting again sends again.
    """
    if not session.actor.admin:
        raise Forbidden("Inviting user was denied")
    addresses = _addresses(email)
    if invite_url is not None and invite_url != "":
        check_url(session, "invite_url", invite_url)
    known = {address: status for _, address, status in await _known(session, addresses)}
    new = [address for address in addresses if address.lower() not in known]
    if new:
        rows = tuple({"email": address, "status": "invited"} for address in new)
        await engine.write(session, WriteRequest(USERS, "create", rows, batch=True, selection=KEY_ONLY))
    for address in addresses:
        if known.get(address.lower(), "invited") == "invited":
            await _send(session, address, invite_url or None)
    keys = tuple(str(key) for key, _, _ in await _known(session, addresses))
    return await engine.read(session, ReadRequest(USERS, selection, ids=keys, sort=("id",), limit=-1))


async def accept(session: Session, token: Any, password: Any, selection: Selection) -> dict[str, Any]:
    """Make an invited user active; answers the user as it was, as strangers see users.

    `password`: a first one, which the project's policy must take. Raises InvalidToken, ExpiredToken, UserNotFound
    (nobody of that address is invited, or not any more), ValidationFailed.
    """
    gate = await gate_of(session)
    if not isinstance(token, str) or not token:
        raise InvalidToken
    claims = tokens.verify(gate.keys, token, KIND, now=gate.now.timestamp())
    address = claims.get("email")
    if not isinstance(address, str) or not storable(address):
        raise InvalidToken
    payload: dict[str, Any] = {"status": "active"}
    if password is not None:
        if not isinstance(password, str) or not password:
            raise ValidationFailed.of([Problem(("password",), BLANK if password == "" else INVALID)])
        check_password(session, password)
        payload["password"] = password
    user = await user_of(gate, "email", address)
    if user is None or user["status"] != "invited":
        raise UserNotFound
    stranger = replace(session, policy=STRANGER, context=replace(session.context, actor=PUBLIC))
    shown = await engine.read(stranger, ReadRequest(USERS, selection, id=str(user["id"])))
    until = datetime.fromtimestamp(claims["exp"], UTC)
    async with gate.store.write() as connection:
        first = await sessions.use_once(
            connection, gate.moments, user=user["id"], secret=token, now=gate.now, until=until
        )
    if not first:
        raise UserNotFound  # somebody else was faster with the same link
    await write_as(session, user["id"], payload)
    found: dict[str, Any] = shown.items[0]
    return found


def _addresses(email: Any) -> list[str]:
    """One address or several, each once, all of them checked before anything is done."""
    sent = email if isinstance(email, list | tuple) else [email]
    if not sent or len(sent) > MOST:
        raise ValidationFailed.of([Problem(("email",), INVALID if sent else BLANK)])
    found = {address.lower(): address for address in map(checked_email, sent)}
    for address in found.values():
        if mailbox(address) is None:
            raise ValidationFailed.of([Problem(("email",), INVALID)])
    return list(found.values())


async def _known(session: Session, addresses: Sequence[str]) -> list[tuple[int, str, str]]:
    """Id, lower-case address and status of who has one of the addresses, whatever its case; one statement."""
    # `eq` tells cases apart on some databases, `contains` on none.
    where = tuple(Condition("email", "contains", address, either=True) for address in addresses)
    wanted = Selection(tuple(Leaf(name, name, "row") for name in ("id", "email", "status")))
    rows = await engine.read(session, ReadRequest(USERS, wanted, where=where, limit=-1, status=("*",), sort=("id",)))
    found = [(row["id"], row["email"].lower(), row["status"]) for row in rows.items]
    return [one for one in found if one[1] in {address.lower() for address in addresses}]


async def _send(session: Session, address: str, invite_url: str | None) -> None:
    project = session.project
    gate = await gate_of(session)
    base = links.base(project.config, session.snapshot, project.listens)
    to = mailbox(address)
    if base is None or to is None:
        raise MailFailed("Nothing says where links of mails lead: set public_url or the setting project_url.")
    claims = {"date": f"{gate.now:%Y-%m-%d %H:%M:%S}", "email": address, "sender": session.actor.user}
    token = tokens.sign(gate.keys, KIND, claims, expires=int(gate.now.timestamp()) + LIFE)
    link = links.with_token(invite_url or f"{base}/admin/#/accept-invite", token)
    await send_template(
        session,
        "user-invitation",
        to=to,
        subject=f"Invitation to Instance: {session.snapshot.setting('project_name') or ''}",
        link_base=base,
        variables={"token": token, "invite_url": link},
    )
