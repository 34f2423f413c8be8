"""In charge of how a message leaves the house: SMTP, sendmail, a file, the log, or not at all (spec 04 §8.1)."""

from __future__ import annotations

import asyncio
import shlex
import shutil
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import format_datetime, make_msgid
from pathlib import Path
from uuid import uuid4

import structlog

from core.errors import MailFailed, MailTransportUnknown
from core.mail.message import Mail, compose
from core.settings import ProjectConfig

WITHIN = 20.0
"""Seconds that a transport may take."""
PROGRAM = "/usr/sbin/sendmail"


async def deliver(config: ProjectConfig, data: Path, mail: Mail) -> None:
    """Send a message by the transport of the project. Raises MailFailed; the log has the reason, never the text."""
    wanted = str(config.get("mail.default.transport") or "sendmail").lower()
    transport = TRANSPORTS.get(wanted)
    if transport is None:
        raise MailTransportUnknown(wanted)
    try:
        async with asyncio.timeout(WITHIN):
            await transport(config, data, mail)
    except MailFailed:
        raise
    except Exception as error:
        structlog.get_logger().error("mail not sent", project=config.key, transport=wanted, error=type(error).__name__)
        raise MailFailed from error


def _stamped(mail: Mail) -> EmailMessage:
    message = compose(mail)
    message["Date"] = format_datetime(datetime.now(UTC))
    message["Message-ID"] = make_msgid(domain=mail.sender.address.partition("@")[2])
    return message


async def _smtp(config: ProjectConfig, _data: Path, mail: Mail) -> None:
    import aiosmtplib

    encryption = str(config.get("mail.default.encryption") or "").lower()
    port = config.get("mail.default.port") or {"ssl": 465, "tls": 587}.get(encryption, 25)
    await aiosmtplib.send(
        _stamped(mail),
        sender=mail.sender.address,
        recipients=list(mail.recipients),
        hostname=config.get("mail.default.host") or "localhost",
        port=port,
        username=config.get("mail.default.username") or None,
        password=config.get("mail.default.password") or None,
        use_tls=encryption == "ssl",
        # Without a word, TLS is used where the server offers it.
        start_tls=True if encryption == "tls" else False if encryption == "ssl" else None,
        timeout=WITHIN,
    )


async def _sendmail(config: ProjectConfig, data: Path, mail: Mail) -> None:
    command = shlex.split(config.get("mail.default.sendmail") or "")
    if not command:
        if not shutil.which(PROGRAM):
            await _log(config, data, mail)  # nothing was set up, and there is nothing to try
            return
        command = [PROGRAM, "-i"]
    # `-bs` of Swift Mailer's example speaks SMTP over the pipe; with recipients as arguments both are done.
    arguments = [word for word in command[1:] if word not in ("-bs", "-t")]
    process = await asyncio.create_subprocess_exec(
        command[0],
        *arguments,
        "-f",
        mail.sender.address,
        "--",
        *mail.recipients,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        await process.communicate(bytes(_stamped(mail)))
    except BaseException:
        process.kill()
        raise
    if process.returncode:
        raise MailFailed


async def _file(config: ProjectConfig, data: Path, mail: Mail) -> None:
    folder = data / (config.get("mail.default.path") or Path("mail", config.key))
    text = bytes(_stamped(mail))

    def write() -> None:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        name = f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{uuid4().hex[:8]}.eml"
        (folder / name).write_bytes(text)

    await asyncio.to_thread(write)


async def _log(config: ProjectConfig, _data: Path, mail: Mail) -> None:
    # Links of mails are secrets: who reads the log may know that there was one, not what it says.
    structlog.get_logger().warning(
        "no mail transport: nothing was sent", project=config.key, to=list(mail.recipients), subject=mail.subject
    )


async def _null(_config: ProjectConfig, _data: Path, _mail: Mail) -> None:
    """Nothing is sent, and nothing is said."""


TRANSPORTS: Mapping[str, Callable[[ProjectConfig, Path, Mail], Awaitable[None]]] = {
    "smtp": _smtp,
    "sendmail": _sendmail,
    "file": _file,
    "log": _log,
    "null": _null,
}
