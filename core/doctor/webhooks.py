"""In charge of looking at webhooks: those that can never be sent, and deliveries that nobody sends."""

from __future__ import annotations

import time

from core.catalog.webhooks import COLUMNS, TABLE, webhooks
from core.doctor.finding import SAMPLES, Check, Finding, Look
from core.sql.deliveries import PENDING
from core.sql.deliveries import TABLE as DELIVERIES

OVERDUE = 900
"""Seconds after which a delivery that is due is stuck: a server that runs looks every few."""


async def unusable(look: Look) -> Finding | None:
    if not all(look.has(TABLE, name) for name in COLUMNS):
        return None
    names = ", ".join(look.q(name) for name in COLUMNS)
    rows = await look.connection.rows(f"SELECT {names} FROM {TABLE} WHERE status = 'active' ORDER BY id")  # noqa: S608
    given = [dict(zip(COLUMNS, row, strict=True)) for row in rows]
    lame = [str(row["id"]) for row in given if not webhooks([row]) or row["collection"] not in look.tables]
    if not lame:
        return None
    told = "active webhooks that are never told: of no collection, or without a usable URL, method or action"
    return Finding("webhooks.unusable", told, len(lame), tuple(lame[:SAMPLES]))


async def stuck(look: Look) -> Finding | None:
    if DELIVERIES not in look.tables:
        return None
    since = int((time.time() - OVERDUE) * 1000)
    waiting = f"FROM {DELIVERIES} WHERE state = '{PENDING}' AND due_at < {since}"
    count = int(await look.connection.value(f"SELECT COUNT(*) {waiting}"))
    if not count:
        return None
    samples = await look.connection.rows(f"SELECT id {waiting} ORDER BY id LIMIT {SAMPLES}")
    told = "deliveries of webhooks that are due and are not sent: no server has this project open"
    return Finding("webhooks.stuck", told, count, tuple(str(key) for (key,) in samples), "start a server")


CHECKS: tuple[Check, ...] = (unusable, stuck)
