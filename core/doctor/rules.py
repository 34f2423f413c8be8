"""In charge of looking at permission rows that mean nothing, or twice the same."""

from __future__ import annotations

from datetime import UTC, datetime

from core.access.restrict import rule_meaning
from core.access.rules import MEMBERS, misunderstood
from core.catalog.build import build
from core.catalog.load import catalogue
from core.context import PUBLIC
from core.db.gateway import Connection
from core.doctor.finding import SAMPLES, Check, Finding, Look

ACTIONS = ("none", "mine", "role", "full")
LEVELS = {
    "create": ACTIONS,
    "read": ACTIONS,
    "update": ACTIONS,
    "delete": ACTIONS,
    "comment": ("none", "create", "update", "full"),
    "explain": ("none", "create", "update", "always"),
}
TABLE = "directus_permissions"


async def duplicates(look: Look) -> Finding | None:
    """The first row of a (collection, role, status) is in force; the others are not (spec 02 §12.2)."""
    if not look.has(TABLE, "id", "collection", "role", "status"):
        return None
    rows = await look.connection.rows(
        f"SELECT id, collection, {look.q('role')}, status FROM {TABLE} ORDER BY id"  # noqa: S608
    )
    seen: set[tuple[object, ...]] = set()
    extra: list[int] = []
    for key, collection, role, status in rows:
        named = (collection, role, status or "")
        if named in seen:
            extra.append(int(key))
        seen.add(named)
    if not extra:
        return None

    async def delete(connection: Connection) -> int:
        for start in range(0, len(extra), 500):
            listed = ", ".join(str(key) for key in extra[start : start + 500])
            await connection.execute(f"DELETE FROM {TABLE} WHERE id IN ({listed})")  # noqa: S608
        return len(extra)

    samples = tuple(str(key) for key in extra[:SAMPLES])
    told = "permissions that an earlier row of the same collection, role and status puts out of force"
    return Finding("permissions.duplicates", told, len(extra), samples, "deletes them", delete)


async def levels(look: Look) -> Finding | None:
    present = [name for name in LEVELS if look.has(TABLE, name)]
    if not present:
        return None
    listed = ", ".join(look.q(name) for name in present)
    rows = await look.connection.rows(f"SELECT id, {listed} FROM {TABLE} ORDER BY id")  # noqa: S608
    wrong: dict[str, list[int]] = {}
    for row in rows:
        for name, level in zip(present, row[1:], strict=True):
            if level not in (None, "") and level not in LEVELS[name]:
                wrong.setdefault(name, []).append(int(row[0]))
    if not wrong:
        return None

    odd = sorted({key for found in wrong.values() for key in found})

    async def reset(connection: Connection) -> int:
        for name, keys in wrong.items():
            for start in range(0, len(keys), 500):
                listed = ", ".join(str(key) for key in keys[start : start + 500])
                statement = f"UPDATE {TABLE} SET {look.q(name)} = 'none' WHERE id IN ({listed})"  # noqa: S608
                await connection.execute(statement)
        return len(odd)

    return Finding(
        "permissions.unknown_levels",
        "permissions with a level that there is not, which grants nothing",
        len(odd),
        tuple(str(key) for key in odd[:SAMPLES]),
        "writes `none` instead",
        reset,
    )


async def meaningless(look: Look) -> Finding | None:
    """Rules, presets and checks that cannot be understood, say because their field is gone: nothing passes them."""
    names = tuple(MEMBERS)
    if not look.has(TABLE, "id", "collection", "status", *names):
        return None
    told = " OR ".join(f"{look.q(name)} IS NOT NULL" for name in names)
    listed = ", ".join(look.q(name) for name in names)
    rows = await look.connection.rows(
        f"SELECT id, collection, status, {listed} FROM {TABLE} WHERE {told} ORDER BY id"  # noqa: S608
    )
    if not rows:
        return None
    snapshot = build(*await catalogue(look.connection), dialect=look.dialect)
    now = datetime.now(UTC)
    found: list[str] = []
    for key, collection, status, *values in rows:
        sent = dict(zip(names, values, strict=True))
        wrong = misunderstood(snapshot, collection, status or None, sent, rule_meaning, PUBLIC, now)
        found += [f"{key} {'.'.join(where)}: {message}" for where, message in wrong]
    if not found:
        return None
    return Finding(
        "permissions.meaningless_rules",
        "rules, presets and checks of permissions that mean nothing, so that they let nothing through",
        len(found),
        tuple(found[:SAMPLES]),
    )


CHECKS: tuple[Check, ...] = (duplicates, levels, meaningless)
