"""In charge of mails that users send: who may, to whom, what of a text is sent (spec 04 §8.1). It knows no transport.

    send = deliver ∘ render ∘ clean ∘ fill ∘ find ∘ check

Recipients named by id are found with the rights of the sender, so that a mail tells no address that he may not read.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from core import engine
from core.errors import FieldReadDenied, NotAuthenticated, Problem, ReadDenied, Unprocessable, ValidationFailed
from core.mail import content, links, templates
from core.mail.message import Mailbox, mailbox, one_line
from core.mail.send import common, made
from core.mail.transports import deliver
from core.query.selection import Condition, Leaf, ReadRequest, Selection
from core.session import Session
from core.types.write import ARRAY, BLANK, BOOL, INVALID, STRING

USERS = "directus_users"
MOST = 50
"""Recipients of one mail."""
WANTED = Selection(tuple(Leaf(name, name, "row") for name in ("id", "email", "first_name", "last_name")))
NOT_FOUND = "Unable to find some users"
NO_ADDRESS = "Invalid email"
INCOMPLETE = "`name` and `email` are both required"


@dataclass(frozen=True, slots=True)
class Order:
    """What a sender wants, of the right kinds. `to`: ids of users, and mailboxes, in the order of sending."""

    to: tuple[int | Mailbox, ...]
    body: str
    subject: str = ""
    plain: bool = False
    data: Mapping[str, Any] | Sequence[Any] = ()
    from_default: bool = False


async def send(session: Session, arguments: Mapping[str, Any]) -> None:
    """Send one mail to all recipients, as the route's body describes it.

    Raises NotAuthenticated, ValidationFailed, Unprocessable (recipients that are none, or not found), MailFailed.
    """
    if session.actor.public:
        raise NotAuthenticated
    order = _order(arguments)
    to = await _mailboxes(session, order.to)
    body = await asyncio.to_thread(_body, session, order)
    mail = made(session, to=to, subject=order.subject, body=body, plain=order.plain, **_sender(session, order))
    await deliver(session.project.config, session.project.data, mail)


def _order(arguments: Mapping[str, Any]) -> Order:
    """The arguments, checked one by one, all that is wrong reported together."""
    problems: list[Problem] = []

    def text(name: str, *, required: bool = False) -> str:
        value = arguments.get(name)
        if required and value in (None, "", [], {}):
            problems.append(Problem((name,), BLANK))
        elif value is not None and not isinstance(value, str):
            problems.append(Problem((name,), STRING))
        return value if isinstance(value, str) else ""

    body, subject, kind = text("body", required=True), text("subject"), text("type")
    if one_line(subject) != subject.strip():
        problems.append(Problem(("subject",), INVALID))
    to, data, default = (arguments.get(name) for name in ("to", "data", "use_default_email"))
    if to in (None, "", [], {}):
        problems.append(Problem(("to",), BLANK))
    if data is not None and not isinstance(data, Mapping | list):
        problems.append(Problem(("data",), ARRAY))
    if default is not None and not isinstance(default, bool):
        problems.append(Problem(("use_default_email",), BOOL))
    if problems:
        order = ("body", "subject", "type", "to", "data", "use_default_email")
        raise ValidationFailed.of(sorted(problems, key=lambda one: order.index(str(one.path[0]))))
    recipients = to if isinstance(to, list) else [to]
    if len(recipients) > MOST:
        raise Unprocessable(f"A mail has at most {MOST} recipients")
    return Order(
        tuple(_recipient(one) for one in recipients), body, subject, kind == "plain", data or {}, bool(default)
    )


def _recipient(sent: Any) -> int | Mailbox:
    """The id of a user, or a mailbox. Raises Unprocessable."""
    if isinstance(sent, Mapping):
        name, email = sent.get("name"), sent.get("email")
        if not (isinstance(name, str) and name and isinstance(email, str) and email):
            raise Unprocessable(INCOMPLETE)
        found = mailbox(email, name)
        if found is None or one_line(name) != name.strip():
            raise Unprocessable(NO_ADDRESS)
        return found
    if isinstance(sent, int) and not isinstance(sent, bool):
        return sent
    if isinstance(sent, str):
        if sent.isascii() and sent.isdecimal():
            return int(sent[:20])
        found = mailbox(sent)
        if found is not None:
            return found
    raise Unprocessable(NO_ADDRESS)


async def _mailboxes(session: Session, recipients: Sequence[int | Mailbox]) -> tuple[Mailbox, ...]:
    """Everybody's mailbox; users in one statement. Raises Unprocessable when one is not there, active and readable."""
    ids = tuple(dict.fromkeys(str(one) for one in recipients if isinstance(one, int)))
    known: dict[str, Mailbox] = {}
    if ids:
        asked = (Condition("id", "in", ids), Condition("status", "eq", "active"))
        try:
            found = await engine.read(session, ReadRequest(USERS, WANTED, of=asked, limit=-1))
        except (ReadDenied, FieldReadDenied):
            raise Unprocessable(NOT_FOUND) from None
        for user in found.items:
            name = " ".join(part for part in (user["first_name"], user["last_name"]) if part)
            box = mailbox(str(user["email"]), name)
            if box is not None:
                known[str(user["id"])] = box
        if len(known) < len(ids):
            raise Unprocessable(NOT_FOUND)
    boxes = (known[str(one)] if isinstance(one, int) else one for one in recipients)
    return tuple({box.address.lower(): box for box in boxes}.values())


def _body(session: Session, order: Order) -> str:
    """The text of the mail in its layout. Raises MailFailed when a template of the project is wrong."""
    project = session.project
    filled = content.filled(order.body, order.data, html=not order.plain)
    base = links.base(project.config, session.snapshot, project.listens) or ""
    return templates.render(
        templates.folders(project.data, project.key),
        "plain" if order.plain else "base",
        {**common(session, base), "body": filled if order.plain else content.clean(filled)},
        escape=not order.plain,
    )


def _sender(session: Session, order: Order) -> dict[str, Any]:
    """Who the mail is from, and who is answered: the caller, by the name and, where the project lets him, address."""
    actor = session.actor
    name = " ".join(part for part in (actor.first_name, actor.last_name) if part)
    if order.from_default and actor.admin:
        return {"name": name}
    own = mailbox(actor.email or "", name)
    if own is None:
        return {"name": name}
    if session.project.config.get("mail.default.force_from"):
        return {"name": name, "reply_to": own}
    return {"sender": own}
