"""In charge of the change log: the statement that appends to it, and the one that asks for its head. Pure.

Every process of the server compares the head with the version of the snapshot it holds. That is right only if heads
become visible in the order of their numbers, so an entry holds a lock until its transaction ends: without it a change
that got the lower number and was committed later would never be noticed.
"""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from typing import Any, Protocol

TABLE = "directus_changes"
KINDS = ("schema", "policy", "settings", "webhooks")

# Only has to differ from the advisory locks that others take in the same database.
LOCK = 7164020041

HEAD = "SELECT COALESCE(MAX(id), 0) FROM directus_changes"

_APPEND = {
    # SQLite has one writer at a time.
    "sqlite": "INSERT INTO directus_changes (kind, collection, created_on) VALUES (?, ?, CURRENT_TIMESTAMP)",
    "postgres": """
        WITH alone AS MATERIALIZED (SELECT pg_advisory_xact_lock(7164020041))
        INSERT INTO directus_changes (kind, collection, created_on)
        SELECT $1, $2, timezone('UTC', now())::timestamp(0) FROM alone""",
    # Row 1 is written by the installation and never changes: it is the lock.
    "mysql": """
        INSERT INTO directus_changes (kind, collection, created_on)
        SELECT %s, %s, UTC_TIMESTAMP() FROM directus_changes WHERE id = 1 FOR UPDATE""",
}  # fmt: skip


class Writing(Protocol):
    """A connection in a transaction."""

    @property
    def dialect(self) -> str: ...

    def execute(self, sql: str, args: Sequence[Any] = ()) -> Awaitable[Any]: ...


def log_change(connection: Writing, kind: str, collection: str | None = None) -> Awaitable[Any]:
    """Note in the transaction at hand that something changed: `kind` is one of KINDS. To be awaited.

    Late in the transaction, please: until it ends, others that log a change wait.
    """
    if kind not in KINDS:
        raise ValueError(f"a change is one of {', '.join(KINDS)}, not {kind}")
    return connection.execute(_APPEND[connection.dialect], (kind, collection))
