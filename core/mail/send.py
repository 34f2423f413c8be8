"""In charge of a mail from a template of the project: rendered with what every template gets, and sent."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from typing import Any

from core.errors import MailFailed
from core.mail import templates
from core.mail.message import Mail, Mailbox, mailbox
from core.mail.transports import deliver
from core.session import Session


async def send_template(
    session: Session, name: str, *, to: Mailbox, subject: str, link_base: str, variables: Mapping[str, Any]
) -> None:
    """Render and send. `link_base`: told to templates as `settings.project_url` where none is set.

    Raises MailFailed.
    """
    project = session.project
    places = templates.folders(project.data, project.key)
    body = await asyncio.to_thread(templates.render, places, name, {**common(session, link_base), **variables})
    await deliver(project.config, project.data, made(session, to=(to,), subject=subject, body=body))


def common(session: Session, link_base: str) -> dict[str, Any]:
    """What every template gets: settings that are not empty, and the name of the project."""
    settings = {key: value for key, value in session.snapshot.settings.items() if value}
    settings.setdefault("project_url", link_base)
    return {"settings": settings, "api": {"project": session.project.key}}


def made(session: Session, *, sender: Mailbox | None = None, name: str = "", **parts: Any) -> Mail:
    """A message of the project: from its own sender if there is no other, with the copies it always makes.

    `name`: of the own sender, if not the project's. Raises MailFailed.
    """
    config = session.project.config
    if sender is None:
        name = name or session.snapshot.setting("project_name") or ""
        sender = mailbox(str(config.get("mail.default.from") or ""), name)
    if sender is None:
        raise MailFailed("The configured sender is no address.")
    copies = {kind: tuple(_boxes(config.get(f"mail.default.{kind}"))) for kind in ("cc", "bcc")}
    return Mail(sender, **{**copies, **parts})


def _boxes(addresses: Iterable[str]) -> Iterable[Mailbox]:
    for address in addresses or ():
        found = mailbox(address)
        if found is None:
            raise MailFailed("A configured copy is no address.")
        yield found
