"""In charge of looking at users, and for their secrets in the history (spec 02 §8.4)."""

from __future__ import annotations

import json
from typing import Any
from uuid import uuid4

from core.db.gateway import Connection
from core.doctor.finding import SAMPLES, Check, Finding, Look, marks, rows_where, updating
from core.sql.ddl import quote

USERS, REVISIONS = "directus_users", "directus_revisions"
SECRETS = frozenset({"password", "token", "2fa_secret", "password_reset_token"})
BATCH = 200


async def dangling_roles(look: Look) -> Finding | None:
    if not look.has(USERS, "id", "role") or not look.has("directus_roles", "id"):
        return None
    role = look.q("role")
    condition = f"{role} IS NOT NULL AND {role} NOT IN (SELECT id FROM directus_roles)"  # noqa: S608
    count, samples = await rows_where(look, USERS, ["id"], condition)
    if not count:
        return None
    return Finding(
        "users.dangling_role",
        "users of a role that is gone, who may do nothing",
        count,
        samples,
        "leaves them without a role",
        updating(f"UPDATE {USERS} SET {role} = NULL WHERE {condition}"),  # noqa: S608
    )


async def no_external_id(look: Look) -> Finding | None:
    """Users that no SCIM client can name; the first administrator is made without one."""
    if not look.has(USERS, "id", "external_id"):
        return None
    condition = "(external_id IS NULL OR external_id = '') AND id <> 1"
    count, samples = await rows_where(look, USERS, ["id"], condition)
    if not count:
        return None

    async def give(connection: Connection) -> int:
        keys = [row[0] for row in await connection.rows(f"SELECT id FROM {USERS} WHERE {condition}")]  # noqa: S608
        one, other = marks(connection.dialect, 2)
        statement = f"UPDATE {USERS} SET external_id = {one} WHERE id = {other}"  # noqa: S608
        await connection.execute_many(statement, [(str(uuid4()), key) for key in keys])
        return len(keys)

    return Finding(
        "users.no_external_id", "users without an external id", count, samples, "gives each a random one", give
    )


async def stored_secrets(look: Look) -> Finding | None:
    if not look.has(REVISIONS, "id", "collection", "data", "delta"):
        return None
    keys: list[int] = []
    sql = f"SELECT id, {look.q('data')}, delta FROM {REVISIONS} WHERE collection = 'directus_users' ORDER BY id"  # noqa: S608
    async for rows in look.connection.stream(sql, size=BATCH):
        keys += [int(row[0]) for row in rows if any(_clean(text) is not None for text in row[1:])]
    if not keys:
        return None
    return Finding(
        "revisions.secrets",
        "revisions of users that hold a password, a token or the secret of a second factor",
        len(keys),
        tuple(str(key) for key in keys[:SAMPLES]),
        "takes them out",
        _Cleaning(tuple(keys)),
    )


class _Cleaning:
    """The repair of some revisions, in portions."""

    def __init__(self, keys: tuple[int, ...]) -> None:
        self._keys = keys

    async def __call__(self, connection: Connection) -> int:
        data = quote("data", connection.dialect)
        one, other, key = marks(connection.dialect, 3)
        statement = f"UPDATE {REVISIONS} SET {data} = {one}, delta = {other} WHERE id = {key}"  # noqa: S608
        for start in range(0, len(self._keys), BATCH):
            listed = ", ".join(str(key) for key in self._keys[start : start + BATCH])
            rows = await connection.rows(f"SELECT id, {data}, delta FROM {REVISIONS} WHERE id IN ({listed})")  # noqa: S608
            changed = [(_cleaned(whole), _cleaned(part), key) for key, whole, part in rows]
            await connection.execute_many(statement, changed)
        return len(self._keys)


def _cleaned(text: Any) -> Any:
    clean = _clean(text)
    return text if clean is None else clean


def _clean(text: Any) -> str | None:
    """A stored revision without secrets; None when there are none in it."""
    try:
        value = json.loads(text)
    except (TypeError, ValueError):
        return None
    if not isinstance(value, dict) or not any(value.get(name) for name in SECRETS):
        return None
    kept = {name: one for name, one in value.items() if name not in SECRETS}
    return json.dumps(kept, ensure_ascii=False, separators=(",", ":"))


CHECKS: tuple[Check, ...] = (dangling_roles, no_external_id, stored_secrets)
