"""In charge of reading a role's permission rows into a Policy: one statement, off the request path."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from core.access import rules
from core.access.policy import (
    ADMIN_POLICY,
    COMMENT_LEVELS,
    FULL,
    LEVELS,
    MINE,
    NO_POLICY,
    NONE,
    Grant,
    Policy,
)
from core.context import ADMIN_ROLE
from core.query.variables import Variable

COLUMNS = (
    "collection",
    "status",
    "create",
    "read",
    "update",
    "delete",
    "comment",
    "explain",
    "read_field_blacklist",
    "write_field_blacklist",
    "status_blacklist",
    "id",
    "rules",
    "presets",
    "checks",
)


def parse_rows(role: int | None, rows: Sequence[Sequence[Any]]) -> Policy:
    """The policy of a role from its rows, ordered by id, columns as COLUMNS (spec 02 §12.1, 12.2, 13).

    The first row of a (collection, status) wins; workflow rows put the general row of their collection out of force.
    """
    if role is None:
        return NO_POLICY
    if role == ADMIN_ROLE:
        return ADMIN_POLICY
    general: dict[str, Grant] = {}
    workflow: dict[str, dict[str, Grant]] = {}
    creation: dict[str, Grant] = {}
    moments: list[Variable] = []
    digest = hashlib.sha256()
    for row in rows:
        values = dict(zip(COLUMNS, row, strict=True))
        digest.update(repr(tuple(row)).encode())
        collection, status, grant = values["collection"], values["status"], _grant(values)
        moments += rules.moments(grant.extras)
        if status is None or status == "":
            general.setdefault(collection, grant)
        elif status.startswith("$"):
            if status == "$create":
                creation.setdefault(collection, grant)
        else:
            workflow.setdefault(collection, {}).setdefault(status, grant)
    return Policy(
        role=role,
        admin=False,
        general=MappingProxyType({name: grant for name, grant in general.items() if name not in workflow}),
        workflow=MappingProxyType({name: MappingProxyType(found) for name, found in workflow.items()}),
        creation=MappingProxyType(creation),
        fingerprint=f"{role}:{digest.hexdigest()[:16]}",
        moments=tuple(dict.fromkeys(moments)),
    )


def _grant(values: Mapping[str, Any]) -> Grant:
    extras = rules.stored(*(values[name] for name in rules.MEMBERS))
    if extras != rules.PLAIN and values["collection"] in rules.WITHOUT:
        return Grant(id=values["id"], status=values["status"])  # what cannot be limited by rows is not read at all
    return Grant(
        create=FULL if LEVELS.get(values["create"] or "none", NONE) >= MINE else NONE,
        read=LEVELS.get(values["read"] or "none", NONE),
        update=LEVELS.get(values["update"] or "none", NONE),
        delete=LEVELS.get(values["delete"] or "none", NONE),
        comment=COMMENT_LEVELS.get(values["comment"] or "update", 0),
        explain=values["explain"] or "none",
        read_blacklist=_csv(values["read_field_blacklist"]),
        write_blacklist=_csv(values["write_field_blacklist"]),
        status_blacklist=_csv(values["status_blacklist"]),
        id=values["id"],
        status=values["status"],
        extras=extras,
    )


def _csv(text: str | None) -> frozenset[str]:
    return frozenset(part for part in (text or "").split(",") if part)
