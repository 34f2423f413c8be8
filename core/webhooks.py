"""In charge of the door to deliveries of webhooks, for admins: their log, sending again, the secret of a signature.

Webhooks themselves are items of `directus_webhooks` (core.engine).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from core import engine
from core.catalog.webhooks import TABLE
from core.db.gateway import Store
from core.errors import ItemNotFound, Problem, ReadDenied, UpdateDenied, ValidationFailed
from core.events import deliveries as outbox
from core.events.signing import secret_of
from core.query.selection import KEY_ONLY, ReadRequest
from core.session import Session
from core.sql.deliveries import STATES

MOST, USUAL = 1000, 100
INVALID = "This value is not valid."
MOMENTS = {"created_at": "created_on", "due_at": "due_on", "ended_at": "ended_on"}
HIGHEST = 2**63 - 1


async def deliveries(
    session: Session,
    *,
    webhook: str | None = None,
    status: Sequence[str] = (),
    limit: int | None = None,
    offset: int | None = None,
) -> list[dict[str, Any]]:
    """The log, the latest first: of all webhooks or one, in all states or some (pending, delivered, failed).

    `limit`: 100 where none is given, at most 1000. Raises ReadDenied, ValidationFailed (an unknown state), what
    the database does.
    """
    if not session.policy.admin:
        raise ReadDenied(TABLE, public=session.actor.public)
    if not set(status) <= set(STATES):
        raise ValidationFailed.of([Problem(("status",), INVALID)])
    key = None if webhook is None else number(webhook)
    most = USUAL if limit is None else MOST if limit < 0 else min(limit, MOST)
    if (webhook is not None and key is None) or most == 0:
        return []
    store = await _store(session)
    rows = await outbox.listed(store, webhook=key, states=tuple(status), limit=most, offset=max(offset or 0, 0))
    return [shown(row) for row in rows]


async def redeliver(session: Session, delivery: str) -> dict[str, Any]:
    """Send a delivery once more, to where its webhook leads now, whatever came of it: a new delivery.

    Raises UpdateDenied, ItemNotFound.
    """
    if not session.policy.admin:
        raise UpdateDenied(TABLE, public=session.actor.public)
    key = number(delivery)
    row = None
    if key is not None:
        row = await outbox.repeat(await _store(session), key, now=session.context.now.timestamp())
    if row is None:
        raise ItemNotFound.with_id(delivery)
    await session.project.deliver()
    return shown(row)


async def secret(session: Session, webhook: str) -> str:
    """What the signatures of a webhook are made with. Raises ReadDenied, ItemNotFound."""
    if not session.policy.admin:
        raise ReadDenied(TABLE, public=session.actor.public)
    await engine.read(session, ReadRequest(TABLE, KEY_ONLY, id=webhook))
    key = number(webhook)
    if key is None:
        raise ItemNotFound.with_id(webhook)
    return secret_of(session.project.config, key)


def shown(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row of the log as admins see it: moments in ISO 8601, nothing of claims."""
    return {
        MOMENTS.get(name, name): _moment(value) if name in MOMENTS else value
        for name, value in row.items()
        if name != "claim"
    }


def _moment(milliseconds: int | None) -> str | None:
    if milliseconds is None:
        return None
    found = datetime.fromtimestamp(milliseconds / 1000, UTC)
    return found.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def number(text: str) -> int | None:
    """A key; None for what is none."""
    if not (text.isascii() and text.isdecimal()) or len(text) > 19:
        return None
    found = int(text)
    return found if found <= HIGHEST else None


async def _store(session: Session) -> Store:
    return await session.project.store()
