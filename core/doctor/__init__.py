"""In charge of examining a project's database and of repairing what is odd in it. It never serves and opens nothing.

Examining changes nothing, not even what opening a project would. Repairs run in one transaction; only those that
change tables have one of their own behind it, because MySQL ends a transaction at every such statement. Tables of an
engine without transactions (MyISAM) keep what was done until a failure.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from core.catalog.changes import KINDS, TABLE, log_change
from core.db.gateway import Connection, Store
from core.db.reflect import reflect, table_names
from core.doctor import extensions, files, orphans, rules, schema, users, values, webhooks
from core.doctor.finding import Check, Finding, Look
from core.settings import ProjectConfig

__all__ = ["CHECKS", "Finding", "Report", "examine", "repair"]

CHECKS: tuple[Check, ...] = (
    *schema.CHECKS,
    *orphans.CHECKS,
    *rules.CHECKS,
    *users.CHECKS,
    *values.CHECKS,
    *files.CHECKS,
    *extensions.CHECKS,
    *webhooks.CHECKS,
)


@dataclass(frozen=True, slots=True)
class Report:
    """What a repair did: findings with the number of rows changed, and those that it left."""

    repaired: tuple[tuple[Finding, int], ...]
    left: tuple[Finding, ...]


async def examine(store: Store, config: ProjectConfig, data: Path) -> tuple[Finding, ...]:
    """What is odd in a project, in the order of CHECKS. Raises DatabaseError."""
    async with store.read() as connection:
        look = Look(connection, await reflect(connection), config, data)
        found = [await check(look) for check in CHECKS]
    return tuple(finding for finding in found if finding is not None)


async def repair(store: Store, findings: Sequence[Finding]) -> Report:
    """Repair what can be repaired without a person. Raises DatabaseError; then nothing of the transaction is stored."""
    done: list[tuple[Finding, int]] = []
    plain = [one for one in findings if one.repair is not None and not one.alters]
    if plain:
        async with store.write() as connection:
            done += [(one, await _run(one, connection)) for one in plain]
            await _announce(connection)
    for one in findings:
        if one.repair is not None and one.alters:
            async with store.alter() as connection:
                done.append((one, await _run(one, connection)))
                await _announce(connection)
    return Report(tuple(done), tuple(one for one in findings if one.repair is None))


async def _run(finding: Finding, connection: Connection) -> int:
    assert finding.repair is not None
    return await finding.repair(connection)


async def _announce(connection: Connection) -> None:
    """Running servers read everything anew."""
    if TABLE in await table_names(connection):
        for kind in KINDS:
            await log_change(connection, kind)
