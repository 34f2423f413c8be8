"""In charge of a mail message as data, built from parts that cannot break out of their headers. Pure but for its id."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from email.headerregistry import Address
from email.message import EmailMessage

ADDRESS = re.compile(
    r"(?P<local>[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*)"
    r"@(?P<domain>[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)*)"
)
LONGEST_ADDRESS = 254
LONGEST_TEXT = 998
"""Characters of a subject or name, as of a line of a message."""


@dataclass(frozen=True, slots=True)
class Mailbox:
    """An address that is known to be one, and the name before it."""

    address: str
    name: str = ""


@dataclass(frozen=True, slots=True)
class Mail:
    """One message; `body` is HTML, or text where `plain` says so. `reply_to`: who is answered, if not the sender."""

    sender: Mailbox
    to: tuple[Mailbox, ...]
    subject: str
    body: str
    cc: tuple[Mailbox, ...] = ()
    bcc: tuple[Mailbox, ...] = ()
    reply_to: Mailbox | None = None
    plain: bool = False

    @property
    def recipients(self) -> tuple[str, ...]:
        """The addresses it goes to, each once."""
        return tuple(dict.fromkeys(box.address for box in (*self.to, *self.cc, *self.bcc)))


def mailbox(address: str, name: str = "") -> Mailbox | None:
    """A mailbox; None when the address is none."""
    found = address.strip()
    if len(found) > LONGEST_ADDRESS or not ADDRESS.fullmatch(found):
        return None
    return Mailbox(found, one_line(name))


_LINES = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")


def one_line(text: str) -> str:
    """A text that stays in its header: line ends and control characters become blanks."""
    return _LINES.sub(" ", text)[:LONGEST_TEXT].strip()


def compose(mail: Mail) -> EmailMessage:
    """The message as it is sent, without the blind copies."""
    message = EmailMessage()
    message["From"] = _header(mail.sender)
    message["To"] = _headers(mail.to)
    if mail.reply_to is not None:
        message["Reply-To"] = _header(mail.reply_to)
    if mail.cc:
        message["Cc"] = _headers(mail.cc)
    message["Subject"] = one_line(mail.subject)
    text = mail.body.encode("utf-8", "replace").decode()
    message.set_content(text, subtype="plain" if mail.plain else "html", charset="utf-8")
    return message


def _header(box: Mailbox) -> Address:
    return Address(display_name=box.name, addr_spec=box.address)


def _headers(boxes: Sequence[Mailbox]) -> tuple[Address, ...]:
    return tuple(_header(box) for box in boxes)
