"""In charge of the rows of metadata that a change of the schema writes: through the steps of `core.write`, history too.

No rights are asked here: who may alter has been decided. Validation happens in `prepare`, before any DDL runs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from core.catalog.diff import FIELDS
from core.catalog.model import Collection, Snapshot
from core.db.errors import UniqueViolation
from core.db.gateway import Connection
from core.errors import FieldExists
from core.events.collect import Event, Told
from core.query.change import WriteRequest
from core.session import Session
from core.sql.ddl import quote
from core.types.cast import key
from core.write.change import Node, Rows
from core.write.load import Asking, load
from core.write.normalize import normalize
from core.write.order import order
from core.write.outcome import events, record
from core.write.resolve import resolve
from core.write.run import Run
from core.write.statements import Statements
from core.write.values import conditions, values

PLAIN: Mapping[str, Mapping[str, Any]] = {
    "directus_fields": {
        "interface": None, "options": None, "locked": False, "validation": None, "required": False, "readonly": False,
        "hidden_detail": False, "hidden_browse": False, "sort": 0, "width": "full", "group": None, "note": None,
        "translation": None,
    },
    "directus_collections": {"hidden": False, "single": False, "icon": None, "note": None, "translation": None},
}  # fmt: skip
"""What the columns of a new row hold that a request says nothing of: as all rows name the same columns, one statement
makes them."""


@dataclass(frozen=True, slots=True)
class Erase:
    """Rows of a system collection that go without a trace: those whose column `by` is one of `values`."""

    collection: str
    by: str
    values: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Set:
    """One column of some rows of a system collection, set without a trace. `keys`: primary keys."""

    collection: str
    keys: tuple[Any, ...]
    column: str
    value: Any


@dataclass(frozen=True, slots=True)
class Clear:
    """Rows of a system collection whose column `by` is one of `values` lose it, without a trace."""

    collection: str
    by: str
    values: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Grouped:
    """Fields that get another group, without a trace: (collection, field, name of the group or None)."""

    fields: tuple[tuple[str, str, str | None], ...]


@dataclass(frozen=True, slots=True)
class ForRoles:
    """New rows whose `role` is a name: its id is known when the roles before it are written."""

    request: WriteRequest


Change = WriteRequest | Erase | Set | Clear | Grouped | ForRoles


@dataclass(frozen=True, slots=True)
class Saved:
    """Rows as they were before, whole: what a database needs that cannot undo what follows."""

    collection: Collection
    rows: tuple[Sequence[Any], ...]
    keys: tuple[Any, ...]


@dataclass(slots=True)
class Prepared:
    """A write that has been checked and only has to run."""

    request: WriteRequest
    nodes: tuple[Node, ...]
    found: list[dict[str, Any]]
    rows: Rows


async def prepare(session: Session, connection: Connection, request: WriteRequest) -> Prepared:
    """Check a write of metadata. `session`: with the present snapshot.

    Raises Unprocessable, ArrayForScalar, ValidationFailed.
    """
    statements = Statements(session.snapshot, {})
    nodes = normalize(session.snapshot, request)
    rows = await load(connection, statements, Asking.of(session), nodes)
    nodes = tuple(_whole(node) for node in resolve(nodes, rows))
    # A document may bring what its rules speak of, which is not there yet; what means nothing then is closed
    terms = replace(conditions(session, request, {}), judges=False)
    return Prepared(request, nodes, values(terms, nodes, rows), rows)


def _whole(node: Node) -> Node:
    """A new row of metadata with what nobody has sent; that is not told in its history."""
    plain = PLAIN.get(node.collection.name)
    return node if plain is None or node.verb != "create" else replace(node, payload={**plain, **node.payload})


async def write(session: Session, connection: Connection, prepared: Prepared) -> list[Event]:
    """Run it and leave activity and revisions; what there is to tell after the commit comes back."""
    run = Run(connection, Statements(session.snapshot, {}), prepared.nodes, prepared.found, prepared.rows, whole=True)
    try:
        for group in order(prepared.nodes, prepared.found):
            await run.group(group)
    except UniqueViolation as error:
        raise FieldExists() from error
    await run.settle()
    if not prepared.request.activity_skip:
        await record(session, prepared.request, run)
    return events(run)


async def erase(snapshot: Snapshot, connection: Connection, change: Erase) -> None:
    """Delete rows of a system collection; one that the database does not have is passed over."""
    collection = snapshot.collections.get(change.collection)
    if collection is None or change.by not in collection.fields or not change.values:
        return
    statement = Statements(snapshot, {}).delete_where(collection, change.by)
    await connection.execute(*statement.bind([list(change.values)], {}))


async def set_column(snapshot: Snapshot, connection: Connection, change: Set) -> None:
    """Set one column of some rows of a system collection."""
    collection = snapshot.collections.get(change.collection)
    if collection is None or not change.keys:
        return
    statement = Statements(snapshot, {}).update_all(collection, (change.column,), one=False)
    text, arguments = statement.bind([change.value, list(change.keys)], {})
    await (connection.rows(text, arguments) if connection.dialect != "mysql" else connection.execute(text, arguments))


async def clear(snapshot: Snapshot, connection: Connection, change: Clear) -> None:
    """Clear a column of some rows of a system collection."""
    collection = snapshot.collections.get(change.collection)
    if collection is None or not change.values:
        return
    statement = Statements(snapshot, {}).clear_where(collection, change.by)
    await connection.execute(*statement.bind([list(change.values)], {}))


async def group(snapshot: Snapshot, connection: Connection, change: Grouped) -> None:
    """Set the groups of fields: a statement for each group."""
    owners = sorted({collection for collection, _, _ in change.fields})
    statement = Statements(snapshot, {}).select_where(
        snapshot.collections[FIELDS], ("id", "collection", "field"), "collection"
    )
    rows = await connection.rows(*statement.bind([owners], {}))
    ids = {(collection, name): number for number, collection, name in rows}
    wanted: dict[int | None, list[int]] = {}
    for collection, name, belongs in change.fields:
        wanted.setdefault(ids[collection, belongs] if belongs is not None else None, []).append(ids[collection, name])
    for number, keys in wanted.items():
        await set_column(snapshot, connection, Set(FIELDS, tuple(keys), "group", number))


async def for_roles(snapshot: Snapshot, connection: Connection, change: ForRoles) -> WriteRequest:
    """The request with the ids of the roles, which are there now. Raises KeyError for one that is not."""
    names = sorted({one["role"] for one in change.request.payloads if isinstance(one["role"], str)})
    statement = Statements(snapshot, {}).select_where(snapshot.collections["directus_roles"], ("id", "name"), "name")
    ids = {name: number for number, name in (await connection.rows(*statement.bind([names], {})) if names else ())}
    payloads = tuple(
        {**one, "role": ids[one["role"]] if isinstance(one["role"], str) else one["role"]}
        for one in change.request.payloads
    )
    return replace(change.request, payloads=payloads)


async def unmake(snapshot: Snapshot, connection: Connection, made: Sequence[Told]) -> None:
    """Delete the rows whose creation is told."""
    for one in made:
        if isinstance(one, Event) and one.action == "create":
            await erase(snapshot, connection, Erase(one.collection, _key(snapshot, one.collection), (one.key,)))


# --- the way back, where DDL has committed what was written before it (MySQL) -------------------------------------


async def save(snapshot: Snapshot, connection: Connection, changes: Sequence[Change]) -> list[Saved]:
    """The rows that changes will erase, set or update, as they are."""
    found: list[Saved] = []
    for change in changes:
        match change:
            case Erase(name, by, keys):
                saved = await _saved(snapshot, connection, name, by, keys)
            case Set(name, keys, _, _):
                saved = await _saved(snapshot, connection, name, _key(snapshot, name), keys)
            case WriteRequest(collection=name, keys=texts) if texts:
                saved = await _saved(snapshot, connection, name, _key(snapshot, name), _cast(snapshot, name, texts))
            case WriteRequest(collection=name, action="update", payloads=payloads):
                named = [str(one[_key(snapshot, name)]) for one in payloads]
                saved = await _saved(snapshot, connection, name, _key(snapshot, name), _cast(snapshot, name, named))
            case Grouped(fields):
                saved = await _saved(snapshot, connection, FIELDS, "collection", tuple({one for one, _, _ in fields}))
            case _:
                saved = None
        if saved is not None:
            found.append(saved)
    return found


async def restore(connection: Connection, saved: Sequence[Saved]) -> None:
    """Put saved rows back in the place of what became of them."""
    for one in saved:
        by = quote(one.collection.primary_key or "", "mysql")
        table = quote(one.collection.name, "mysql")
        place = [field.name for field in one.collection.columns].index(one.collection.primary_key or "")
        names = ", ".join(quote(field.name, "mysql") for field in one.collection.columns)
        marks = ", ".join(["%s"] * len(one.collection.columns))
        for row in one.rows:
            await connection.execute(f"DELETE FROM {table} WHERE {by} = %s", (row[place],))  # noqa: S608
            await connection.execute(f"INSERT INTO {table} ({names}) VALUES ({marks})", row)  # noqa: S608


def _key(snapshot: Snapshot, name: str) -> str:
    collection = snapshot.collections.get(name)
    return (collection.primary_key if collection is not None else None) or "id"


def _cast(snapshot: Snapshot, name: str, texts: Sequence[str]) -> tuple[Any, ...]:
    collection = snapshot.collections[name]
    return tuple(key(collection.fields[_key(snapshot, name)], text) for text in texts)


async def _saved(snapshot: Snapshot, connection: Connection, name: str, by: str, keys: tuple[Any, ...]) -> Saved | None:
    collection = snapshot.collections.get(name)
    if collection is None or by not in collection.fields or not keys:
        return None
    columns = tuple(field.name for field in collection.columns)
    statement = Statements(snapshot, {}).select_where(collection, columns, by)
    rows = await connection.rows(*statement.bind([list(keys)], {}))
    return Saved(collection, tuple(rows), keys)


def creation(collection: str, payload: Mapping[str, Any], comment: str | None) -> WriteRequest:
    """A row that is new."""
    return WriteRequest(collection, "create", (payload,), comment=comment)


def update(collection: str, key: Any, payload: Mapping[str, Any], comment: str | None) -> WriteRequest:
    """A row that changes."""
    return WriteRequest(collection, "update", (payload,), keys=(str(key),), comment=comment)
