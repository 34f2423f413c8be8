"""In charge of asking, for every node, whether the caller may: levels first, then the rules of system collections.

Pure: stored rows come in. The order of the answers is the spec's (03 §6): 10, 305, 301 on create; 10, 305, 404, 303/302
on update; 10, 303, 404 on delete.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from core.access import authorize
from core.access.authorize import Caller, Row, Wish
from core.access.owners import ROLE_SCOPED, owner_column
from core.catalog.model import Collection
from core.errors import (
    CreateDenied,
    DeleteDenied,
    FileDeleteDenied,
    FileEditDenied,
    FileUploadDenied,
    Problem,
    SystemCollectionAccess,
    TabulariumError,
    Unprocessable,
    UpdateDenied,
)
from core.types.cast import Uncastable, cast
from core.write import rules
from core.write.change import Node, Rows, Stored

# Written by operations of their own (schema changes, comments, sessions), never as items.
REFUSED = frozenset(
    {
        "directus_activity",
        "directus_collections",
        "directus_fields",
        "directus_migrations",
        "directus_revisions",
        "directus_user_sessions",
    }
)


def admit(nodes: tuple[Node, ...]) -> None:
    """Before anything is read: raises SystemCollectionAccess, or Unprocessable for collections without a single key."""
    for collection in {node.collection.name: node.collection for node in nodes}.values():
        writable(collection)


def writable(collection: Collection) -> None:
    """Raises what `admit` does for one collection."""
    if collection.name in REFUSED:
        raise SystemCollectionAccess()
    if not collection.writable:
        raise Unprocessable(f'Items of "{collection.name}" cannot be written: there is no single primary key.')


def guard(
    caller: Caller,
    nodes: tuple[Node, ...],
    rows: Rows,
    *,
    address: str = "",
    dialect: str = "sqlite",
    of: tuple[Node, ...] | None = None,
) -> None:
    """Raises the first refusal, in the order of the nodes. `address`: of the caller, for the whitelist of admins.

    `of`: only these are asked for.
    """
    for node in nodes if of is None else of:
        try:
            _guard(caller, nodes, node, rows, address, dialect)
        except TabulariumError as error:
            if node.path and not error.problems:  # which of many it is
                error.problems, error.count = (Problem(node.path, error.message),), 1
            raise


def _guard(caller: Caller, nodes: tuple[Node, ...], node: Node, rows: Rows, address: str, dialect: str) -> None:
    stored = None if node.gone or node.fresh else rows.get(node.collection, node.key)
    row = born(caller, node.collection) if node.fresh else access_row(node.collection, stored)
    scene = rules.Scene(caller, nodes, node, stored, address, dialect)
    rules.before(scene)
    try:
        _ask(caller, node, row)
    except (CreateDenied, UpdateDenied, DeleteDenied) as error:
        raise _of_file(error) if node.collection.name == "directus_files" else error from None
    rules.after(scene)


def _ask(caller: Caller, node: Node, row: Row | None) -> None:
    match node.verb:
        case "create":
            authorize.create(caller, node.collection, wish_of(node))
        case "delete":
            if not node.keyless:
                authorize.delete(caller, node.collection, row)
        case _:
            authorize.update(caller, node.collection, row, wish_of(node), node.sent_key)


def _of_file(error: CreateDenied | UpdateDenied | DeleteDenied) -> TabulariumError:
    """The same refusal as v8 words it of files."""
    kinds: dict[type[TabulariumError], type[CreateDenied | UpdateDenied | DeleteDenied]] = {
        CreateDenied: FileUploadDenied,
        UpdateDenied: FileEditDenied,
        DeleteDenied: FileDeleteDenied,
    }
    return kinds[type(error)](error.collection, level=error.level, public=error.public)


def wish_of(node: Node) -> Wish:
    """What a node wants, in the words of `core.access.authorize`."""
    names = node.named if node.link is None or node.link in node.named else (*node.named, node.link)
    field = node.collection.status_field
    if field is None:
        return Wish(names)
    if field in node.payload and node.payload[field] is not None:
        return Wish(names, True, status_value(node.collection, node.payload[field]))
    if node.verb == "create":
        column = node.collection.fields[field].column
        return Wish(names, False, column.default if column is not None else None)
    return Wish(names)


def status_value(collection: Collection, sent: Any) -> Any:
    """A submitted status as the column stores it; as sent, when it cannot (validation will say so)."""
    try:
        return cast(collection.fields[collection.status_field or ""], sent, system=collection.is_system)
    except Uncastable:
        return sent


def access_row(collection: Collection, stored: Stored | None) -> Row | None:
    """What rights depend on in a stored row."""
    if stored is None:
        return None
    values, fails = stored.values, stored.fails
    status = values[collection.status_field] if collection.status_field else None
    if collection.name in ROLE_SCOPED:
        return Row(status, None, number(values[ROLE_SCOPED[collection.name]]), fails)
    owner = owner_column(collection)
    if owner is None:
        return Row(status, fails=fails)
    if collection.name in ("directus_users", "directus_collection_presets"):
        return Row(status, number(values[owner]), number(values["role"]), fails)
    return Row(status, number(values[owner]), number(stored.owner_role), fails)


def born(caller: Caller, collection: Collection) -> Row:
    """A row that this request has created: its owner is the caller."""
    field = collection.fields[collection.status_field] if collection.status_field else None
    status = field.column.default if field is not None and field.column is not None else None
    return Row(status, caller.actor.user, caller.actor.role)


def deciding_status(caller: Caller, node: Node, stored: Mapping[str, Any] | None) -> Any:
    """The status by which the rights to a write are found. `stored`: the row as it was before."""
    if node.verb == "create":
        return wish_of(node).status
    if node.fresh:
        return born(caller, node.collection).status
    field = node.collection.status_field
    return stored[field] if stored is not None and field is not None else None


def denied(caller: Caller, node: Node) -> TabulariumError:
    """The refusal of a node that is written."""
    kind = CreateDenied if node.verb == "create" else UpdateDenied
    refusal = kind(node.collection.name, level=True, public=caller.actor.public)
    error = _of_file(refusal) if node.collection.name == "directus_files" else refusal
    if node.path:  # which of many it is
        error.problems, error.count = (Problem(node.path, error.message),), 1
    return error


def number(value: Any) -> int | None:
    """A key of directus_users or directus_roles, whatever type its column has."""
    try:
        return None if value is None else int(value)
    except (TypeError, ValueError):
        return None
