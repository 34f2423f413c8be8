"""In charge of `webhook_deliveries`, `webhook_secret`, `webhook_redeliver`: webhooks for admins (spec 03 §13)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ariadne import MutationType, ObjectType, QueryType

from core import webhooks
from resolvers.context import Info


async def deliveries(
    _source: Any,
    info: Info,
    *,
    webhook: str | None = None,
    status: Sequence[str] | None = None,
    limit: int | None = None,
    offset: int | None = None,
) -> list[dict[str, Any]]:
    """`webhook_deliveries`: the log, the latest first."""
    return await webhooks.deliveries(
        info.context.visitor, webhook=webhook, status=tuple(status or ()), limit=limit, offset=offset
    )


async def secret(_source: Any, info: Info, *, webhook: str) -> str:
    """`webhook_secret`."""
    return await webhooks.secret(info.context.visitor, webhook)


async def redeliver(_source: Any, info: Info, *, delivery: str) -> dict[str, Any]:
    """`webhook_redeliver`: the new delivery."""
    return await webhooks.redeliver(info.context.visitor, delivery)


def bindables() -> list[ObjectType]:
    """The root fields of this module, and the form of a delivery as a whole."""
    query, mutation, delivery = QueryType(), MutationType(), ObjectType("WebhookDelivery")
    query.set_field("webhook_deliveries", deliveries)
    query.set_field("webhook_secret", secret)
    mutation.set_field("webhook_redeliver", redeliver)
    delivery.set_field("json", lambda source, _info: source)
    return [query, mutation, delivery]
