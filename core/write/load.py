"""In charge of the stored rows that a change touches: read and locked, one statement a collection. Judges nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from core.access.authorize import owner_role_counts
from core.access.owners import owner_column
from core.access.policy import Policy
from core.access.restrict import rule_scope
from core.catalog.model import Collection, Snapshot
from core.db.gateway import Connection
from core.query.predicate import Predicate
from core.session import Session
from core.sql.dialect import dialect
from core.sql.write import columns_of
from core.write.change import Node, Rows, Stored, same
from core.write.statements import Asks, Statements


@dataclass(frozen=True, slots=True)
class Asking:
    """For whom rows are loaded: what the rights of a role need to know of a row comes along with it."""

    policy: Policy
    bound: Mapping[str, Any]

    @staticmethod
    def of(session: Session) -> Asking:
        """The caller of a request."""
        return Asking(session.policy, session.bound)

    def owner(self, collection: Collection) -> str | None:
        """The column whose user's role counts."""
        return owner_column(collection) if owner_role_counts(self.policy, collection) else None

    def asks(self, snapshot: Snapshot, collection: Collection) -> tuple[tuple[str, ...], Asks | None]:
        """The actions that row rules limit, and the rules as one condition an action."""
        actions = self.policy.ruled(collection.name)
        if not actions:
            return (), None

        def parts() -> list[Predicate]:
            return [rule_scope(snapshot, self.policy, collection, action) for action in actions]

        return actions, Asks(f"rules of {self.policy.fingerprint}", parts)


async def load(connection: Connection, statements: Statements, asking: Asking, nodes: tuple[Node, ...]) -> Rows:
    """The rows of all keys that nodes name, locked until the transaction ends (SQLite's writer is alone anyway)."""
    wanted: dict[str, tuple[Collection, dict[Any, Any]]] = {}
    for node in nodes:
        if node.key is not None:
            keys = wanted.setdefault(node.collection.name, (node.collection, {}))[1]
            keys[same(node.collection, node.key)] = node.key
    rows = Rows()
    for _, (collection, keys) in sorted(wanted.items()):
        for row in await by_keys(connection, statements, collection, list(keys.values()), lock=True, asking=asking):
            rows.put(collection, row)
    return rows


async def by_keys(
    connection: Connection,
    statements: Statements,
    collection: Collection,
    keys: Sequence[Any],
    *,
    lock: bool = False,
    asking: Asking | None = None,
) -> list[Stored]:
    """The rows of some keys, in no particular order. The driver's values, whole rows."""
    one = len(keys) == 1
    owner = asking.owner(collection) if asking is not None else None
    actions, asks = asking.asks(statements.snapshot, collection) if asking is not None else ((), None)
    bound = asking.bound if asking is not None else {}
    statement = statements.select(collection, one=one, lock=lock, owner=owner, asks=asks)
    names = [column.name for column in columns_of(collection)]
    found: list[Stored] = []
    for chunk in chunks(keys, statements.dialect):
        text, arguments = statement.bind([chunk[0] if one else chunk], bound)
        for row in await connection.rows(text, arguments):
            values = dict(zip(names, row, strict=False))
            verdicts = row[len(row) - len(actions) :]
            fails = frozenset(action for action, holds in zip(actions, verdicts, strict=True) if not holds)
            found.append(Stored(values, row[len(names)] if owner is not None else None, fails))
    return found


def chunks(keys: Sequence[Any], name: str) -> list[Sequence[Any]]:
    """Keys cut at the limit of parameters, where each is one."""
    limit = dialect(name).max_parameters if dialect(name).arrays == "expand" else len(keys) or 1
    return [keys[start : start + limit] for start in range(0, len(keys), limit)]


async def setting_types(
    connection: Connection, statements: Statements, nodes: tuple[Node, ...], rows: Rows
) -> dict[str, str]:
    """The types of the settings that nodes write, by key; keys without a row in directus_fields are left out."""
    keys: set[str] = set()
    for node in nodes:
        if node.collection.name == "directus_settings" and "value" in node.payload:
            stored = rows.get(node.collection, node.key)
            keys.add(str(node.payload.get("key") or (stored.values["key"] if stored else "")))
    fields = statements.snapshot.collections.get("directus_fields")
    if not keys or fields is None:
        return {}
    text, arguments = statements.select_where(fields, ("collection", "field", "type"), "field").bind([sorted(keys)], {})
    found = await connection.rows(text, arguments)
    return {field: str(kind).lower() for collection, field, kind in found if collection == "directus_settings"}
