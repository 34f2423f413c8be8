"""In charge of reading collections and fields as API objects, with the access rules of spec 01 §6.1, 6.2, 7.2.

All of it is answered from the snapshot and the policy of the session: no statement runs.
"""

from __future__ import annotations

from collections.abc import Collection as Names
from collections.abc import Sequence
from typing import Any

import orjson

from core.access.policy import FULL, NONE
from core.catalog.describe import LIST, SINGLE, all_fields, collection_object, field_object, listed
from core.catalog.model import Collection, Field
from core.errors import (
    CollectionNotFound,
    FieldAccessDenied,
    FieldNotFound,
    InvalidField,
    ItemNotFound,
    ReadDenied,
)
from core.query.window import Slice, page_meta
from core.session import Session

COLLECTIONS, FIELDS = "directus_collections", "directus_fields"

Objects = list[dict[str, Any]]


def collections(
    session: Session, *, offset: int | None = None, limit: int | None = None, single: bool = False
) -> Objects:
    """All tables, those with a row in directus_collections first (spec 01 §6.1).

    `offset` and `limit` work only together. `single`: the first one alone (a list of at most one). For the public role
    the collections it cannot read are left out. Raises ReadDenied without level full on directus_collections.
    """
    found = _window(_visible(session), offset, limit)
    return [_object(session, collection) for collection in (found[:1] if single else found)]


def counts(session: Session, *, offset: int | None = None, limit: int | None = None) -> dict[str, Any]:
    """What `meta` of the listing counts: rows of directus_collections, not the tables shown (spec 01 §6.1)."""
    shown = _visible(session)
    rows = sum(collection.has_row for collection in shown)
    return counted(rows, len(_window(shown, offset, limit)), offset=offset, limit=limit)


def counted(rows: int, shown: int, *, offset: int | None, limit: int | None) -> dict[str, Any]:
    """The counts and the page of a listing of which `rows` are counted. Only with a window is `shown` its result."""
    windowed = offset is not None and limit is not None
    results = shown if windowed else rows
    cut = Slice(None, 0, limit if windowed else None, None)
    page = page_meta(cut, offset if windowed else None, results, rows)
    return {"result_count": results, "total_count": rows, "filter_count": rows, **page}


def collection(session: Session, names: Sequence[str]) -> Objects:
    """The named collections, by name (spec 01 §6.2); of several, those that have a row in directus_collections.

    Raises ItemNotFound when there is none of them, ReadDenied as `collections`.
    """
    wanted = set(names)
    found = [one for one in _visible(session) if one.name in wanted and one.has_row]
    if not found:
        raise ItemNotFound.with_id(",".join(names))
    return [_object(session, one) for one in found]


def described(session: Session, name: str) -> dict[str, Any]:
    """One table as an API object, asked for by who has just changed it: no right is looked at.

    Raises CollectionNotFound.
    """
    found = session.snapshot.collections.get(name)
    if found is None:
        raise CollectionNotFound(name)
    return _object(session, found)


def fields(session: Session, *, sort: Sequence[str] | None = None, limit: int | None = None) -> Objects:
    """The fields of all tables, system ones included (spec 01 §7.2), without what the caller cannot read anywhere.

    `sort`: plain names of columns of directus_fields; a negative `limit` is none. Raises ReadDenied, InvalidField.
    """
    _admit(session, FIELDS)
    readable = [one for one in session.snapshot.collections.values() if _level(session, one.name)]
    hidden = {one.name: session.policy.hidden_always(one.name) for one in readable}
    found = [field_object(field, LIST) for field in all_fields(readable) if field.name not in hidden[field.collection]]
    # Sorting is stable: by the last key first.
    for name in reversed(_sort_keys(session, sort or ())):
        found.sort(key=lambda item: _order(item[name]))
    return found if limit is None or limit < 0 else found[:limit]


def fields_of(session: Session, name: str) -> Objects:
    """The fields of one collection in list form: columns in table order, then aliases by name (spec 01 §7.2).

    Raises ReadDenied, CollectionNotFound.
    """
    hidden = session.policy.hidden_always(name)
    return [
        field_object(field, LIST) for field in _collection(session, name).fields.values() if field.name not in hidden
    ]


def field(session: Session, name: str, names: Sequence[str]) -> Objects:
    """The named fields of a collection in single form; of several, those that are there and not hidden.

    Raises, for one name, FieldAccessDenied and FieldNotFound; ReadDenied and CollectionNotFound.
    """
    owner = _collection(session, name)
    hidden = session.policy.hidden_always(name)
    if len(names) == 1 and names[0] in hidden:
        raise FieldAccessDenied(names[0])
    if len(names) == 1 and names[0] not in owner.fields:
        raise FieldNotFound(names[0])
    return [field_object(one, SINGLE) for one in _named(owner, names, hidden)]


def _named(owner: Collection, names: Sequence[str], hidden: Names[str]) -> list[Field]:
    return [owner.fields[name] for name in dict.fromkeys(names) if name in owner.fields and name not in hidden]


def _admit(session: Session, name: str) -> None:
    """Without an owner, a table of metadata is readable at level full only (spec 02 §12.6)."""
    level = session.policy.any_level(name, "read")
    if level < FULL:
        raise ReadDenied(name, level=level > NONE, public=session.actor.public)


def _level(session: Session, name: str) -> bool:
    return session.policy.any_level(name, "read") > NONE


def _visible(session: Session) -> list[Collection]:
    _admit(session, COLLECTIONS)
    found = listed(session.snapshot.collections.values())
    return [one for one in found if not session.actor.public or _level(session, one.name)]


def _object(session: Session, one: Collection) -> dict[str, Any]:
    """Signed-in clients need the whole schema to show related items; strangers do not."""
    hidden = session.policy.hidden_always(one.name) if session.actor.public else frozenset()
    return collection_object(one, hidden_fields=hidden)


def _window(found: list[Collection], offset: int | None, limit: int | None) -> list[Collection]:
    if offset is None or limit is None:
        return found
    start = max(offset, 0)
    return found[start:] if limit < 0 else found[start : start + limit]


def _collection(session: Session, name: str) -> Collection:
    _admit(session, FIELDS)
    found = session.snapshot.collections.get(name)
    if found is None:
        raise CollectionNotFound(name)
    if not _level(session, name):
        raise ReadDenied(name, level=False, public=session.actor.public)
    return found


def _sort_keys(session: Session, sort: Sequence[str]) -> list[str]:
    keys = [part.strip() for text in sort for part in text.split(",") if part.strip()]
    table = session.snapshot.collections.get(FIELDS)
    for key in keys:
        if table is None or key not in table.fields or table.fields[key].is_alias:
            raise InvalidField(key, FIELDS)
    return keys


def _order(value: Any) -> tuple[bool, Any]:
    """Nothing last, texts whatever their case, structures by their JSON text; values of one key are of one kind."""
    if isinstance(value, dict | list):
        value = orjson.dumps(value).decode()
    return value is None, value.upper() if isinstance(value, str) else (value or 0)
