"""In charge of the agreement of both sides of access: a row that a write finds is one that a read shows, and no other.

Reads rewrite plans (`restrict`), writes ask of rows at hand (`authorize`); every policy of a small world is tried.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import product
from typing import Any

import pytest

from core.access import authorize
from core.access.authorize import Caller
from core.access.policy import FULL, MINE, NONE, ROLE, Grant, Policy
from core.access.restrict import read_scope
from core.catalog.model import Collection, Column, Field, Snapshot, ToOne
from core.context import Actor
from core.errors import ReadDenied
from core.query.predicate import And, Bound, Compare, Everything, IsNull, Nothing, Or, Related
from core.write.change import Stored
from core.write.guard import access_row

ME, MY_ROLE = 2, 3
ROLES = {1: 1, 2: 3, 3: 3, 4: 4}
LEVELS = (NONE, MINE, ROLE, FULL)


def table(name: str, *columns: str, owner: str | None = None, status: str | None = None) -> Collection:
    fields = {
        column: Field(name, column, "string", Column(column, "TEXT", "text" if column == "status" else "integer", "x"))
        for column in ("id", *columns)
    }
    relations = {
        column: ToOne(name, column, "directus_users", "id") for column in ("owner", "user") if column in columns
    }
    return Collection(name, fields, relations, primary_key="id", owner_field=owner, status_field=status)


TABLES = (
    table("articles", "owner", "status", owner="owner", status="status"),
    table("notes", "owner", owner="owner"),
    table("states", "status", status="status"),
    table("plain"),
    table("directus_users", "role", "status", status="status"),
    table("directus_roles"),
    table("directus_permissions", "role"),
    table("directus_collection_presets", "user", "role"),
)
SNAPSHOT = Snapshot(1, "sqlite", {item.name: item for item in TABLES})


def rows_of(collection: Collection) -> Iterator[dict[str, Any]]:
    choices = {
        "id": (2, 3, 4), "owner": (None, 1, 2, 3, 4, 99), "user": (None, 2, 3), "role": (None, 1, 3, 4),
        "status": (None, "a", "b", "c"),
    }  # fmt: skip
    for values in product(*(choices[name] for name in collection.fields)):
        yield dict(zip(collection.fields, values, strict=True))


def policies(collection: Collection) -> Iterator[Policy]:
    name = collection.name
    blank = Policy(role=MY_ROLE, admin=False)
    yield blank
    for level in LEVELS:
        yield replace(blank, general={name: Grant(read=level)})
    for one, other in product(LEVELS, LEVELS):
        yield replace(blank, workflow={name: {"a": Grant(read=one), "b": Grant(read=other)}})


def matches(part: Any, row: Mapping[str, Any]) -> bool:
    """A scope, evaluated on a row; NULL equals nothing."""
    match part:
        case Everything():
            return True
        case Nothing():
            return False
        case And(parts):
            return all(matches(one, row) for one in parts)
        case Or(parts):
            return any(matches(one, row) for one in parts)
        case IsNull(name):
            return row[name] is None
        case Compare(name, "eq", value):
            wanted = {"user": ME, "role": MY_ROLE}[value.name] if isinstance(value, Bound) else value
            return row[name] is not None and row[name] == wanted
        case Related(name, Compare("role", "eq", _)):
            return ROLES.get(row[name]) == MY_ROLE
    raise AssertionError(part)


@pytest.mark.parametrize("collection", TABLES, ids=lambda item: item.name)
def test_reads_and_writes_see_the_same_rows(collection: Collection) -> None:
    tried = 0
    for policy in policies(collection):
        caller = Caller(policy, Actor(user=ME, role=MY_ROLE, public=False))
        try:
            scope: Any = read_scope(SNAPSHOT, policy, collection.name)
        except ReadDenied:
            scope = Nothing()
        for row in rows_of(collection):
            owner = row.get("owner")
            stored = Stored(row, ROLES.get(owner) if owner is not None else None)
            found = access_row(collection, stored)
            assert found is not None
            assert authorize.readable(caller, collection, found) == matches(scope, row), (policy, row)
            tried += 1
    assert tried >= 21 * 3
