"""In charge of showing who gets which collections and fields, in which order, and what the others are told."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, cast

import pytest

from core import metadata
from core.access.policy import ADMIN_POLICY, FULL, MINE, NO_POLICY, Grant, Policy
from core.context import Actor, Context
from core.errors import (
    CollectionNotFound,
    FieldAccessDenied,
    FieldNotFound,
    InvalidField,
    ItemNotFound,
    ReadDenied,
)
from core.session import Session
from tests.unit.core.catalog.making import row, snapshot, table

READ = Grant(read=FULL)
FIELD_COLUMNS = "id INT; collection TEXT; field TEXT; sort INT; note TEXT; options TEXT"
SNAPSHOT = snapshot(
    table("b_first", "id INT; Title TEXT"),
    table("bfirst", "id INT; secret TEXT; status TEXT"),
    table("Apple", "id INT"),
    table("directus_fields", FIELD_COLUMNS),
    table("directus_collections", "collection TEXT", primary=("collection",)),
    table("a_view", "id INT", primary=(), is_view=True),
    collections=[
        {"collection": "bfirst", "managed": 1},
        {"collection": "b_first", "managed": 0},
        {"collection": "gone"},
    ],
    fields=[
        row("bfirst", "zline", "alias"),
        row("bfirst", "aline", "alias"),
        row("bfirst", "secret", "string", sort=2, note="b"),
        row("bfirst", "id", "integer", sort=1, note="B"),
        row("b_first", "Title", "string", note="a", options='{"a":1}'),
        row("directus_collections", "fields", "o2m"),
    ],
)


def session(policy: Policy, *, public: bool = False) -> Session:
    actor = Actor() if public else Actor(user=1, role=policy.role, public=False)
    return Session(cast(Any, None), SNAPSHOT, policy, Context(actor, datetime(2026, 1, 1, tzinfo=UTC)))


ADMIN = session(ADMIN_POLICY)


def policy(**general: Grant) -> Policy:
    return Policy(role=3, admin=False, general=general)


EDITOR = session(
    policy(
        directus_collections=READ,
        directus_fields=READ,
        bfirst=Grant(read=MINE, read_blacklist=frozenset({"secret", "id"})),
    )
)


def names(objects: list[dict[str, Any]]) -> list[str]:
    return [one["collection"] for one in objects]


# Collections


def test_collections_with_a_row_come_first_then_the_other_tables_by_name() -> None:
    assert names(metadata.collections(ADMIN)) == [
        "bfirst", "b_first", "Apple", "directus_collections", "directus_fields",
    ]  # fmt: skip


def test_offset_and_limit_work_only_together() -> None:
    assert names(metadata.collections(ADMIN, offset=1, limit=2)) == ["b_first", "Apple"]
    assert names(metadata.collections(ADMIN, offset=3, limit=-1)) == ["directus_collections", "directus_fields"]
    assert names(metadata.collections(ADMIN, offset=0, limit=0)) == []
    assert len(metadata.collections(ADMIN, offset=1)) == len(metadata.collections(ADMIN, limit=1)) == 5
    assert names(metadata.collections(ADMIN, single=True)) == ["bfirst"]


def test_counts_are_of_rows() -> None:
    whole = {
        "result_count": 2,
        "total_count": 2,
        "filter_count": 2,
        "limit": 2,
        "offset": 0,
        "page": 1,
        "page_count": 1,
    }
    assert metadata.counts(ADMIN) == metadata.counts(ADMIN, limit=1) == metadata.counts(ADMIN, offset=1) == whole
    part = {"result_count": 3, "limit": 3, "offset": 1, "page": 1, "page_count": 1}
    assert metadata.counts(ADMIN, offset=1, limit=3) == {**whole, **part}


def test_a_signed_in_role_sees_the_whole_schema() -> None:
    assert metadata.collections(EDITOR) == metadata.collections(ADMIN)


def test_the_public_role_sees_what_it_can_read() -> None:
    public = session(
        policy(
            directus_collections=READ,
            bfirst=Grant(read=FULL, read_blacklist=frozenset({"secret"})),
            b_first=Grant(create=FULL),
        ),
        public=True,
    )
    found = metadata.collections(public)
    assert names(found) == ["bfirst", "directus_collections"]
    assert list(found[0]["fields"]) == ["id", "status", "aline", "zline"]
    assert names(metadata.collection(public, ["bfirst"])) == ["bfirst"]
    with pytest.raises(ItemNotFound):
        metadata.collection(public, ["b_first"])


@pytest.mark.parametrize("level, expected", [(0, False), (MINE, True)])
@pytest.mark.parametrize("public", [True, False])
def test_without_level_full_nothing_is_shown(level: int, expected: bool, public: bool) -> None:
    denied = session(policy(directus_collections=Grant(read=level), bfirst=READ), public=public)
    for ask in (
        lambda: metadata.collections(denied),
        lambda: metadata.counts(denied),
        lambda: metadata.collection(denied, ["bfirst"]),
        lambda: metadata.collection(denied, ["nosuch"]),
    ):
        with pytest.raises(ReadDenied) as caught:
            ask()
        assert (caught.value.collection, caught.value.level, caught.value.public) == (
            "directus_collections", expected, public,
        )  # fmt: skip


def test_no_role_has_no_access() -> None:
    with pytest.raises(ReadDenied):
        metadata.collections(session(NO_POLICY))


def test_one_collection_and_several() -> None:
    assert names(metadata.collection(ADMIN, ["bfirst"])) == ["bfirst"]
    assert names(metadata.collection(ADMIN, ["b_first", "nosuch", "bfirst", "Apple"])) == ["bfirst", "b_first"]


@pytest.mark.parametrize("name", ["Apple", "directus_fields", "nosuch", "gone", "a_view"])
def test_a_table_without_a_row_is_not_found(name: str) -> None:
    with pytest.raises(ItemNotFound) as caught:
        metadata.collection(ADMIN, [name])
    assert caught.value.message == f'Item with id "{name}" not found'


# Fields


def paths(objects: list[dict[str, Any]]) -> list[str]:
    return [f"{one['collection']}.{one['field']}" for one in objects]


def test_all_fields_by_collection_columns_first_then_aliases_by_id() -> None:
    assert paths(metadata.fields(ADMIN)) == [
        "Apple.id", "bfirst.id", "bfirst.secret", "bfirst.status", "bfirst.zline", "bfirst.aline", "b_first.id",
        "b_first.Title", "directus_collections.collection", "directus_collections.fields", "directus_fields.id",
        "directus_fields.collection", "directus_fields.field", "directus_fields.sort", "directus_fields.note",
        "directus_fields.options",
    ]  # fmt: skip


def test_sort_is_by_plain_names_and_stable() -> None:
    assert paths(metadata.fields(ADMIN, sort=["sort"]))[:3] == ["bfirst.id", "bfirst.secret", "Apple.id"]
    assert paths(metadata.fields(ADMIN, sort=["options"]))[:2] == ["b_first.Title", "Apple.id"]
    assert paths(metadata.fields(ADMIN, sort=["note", "sort"]))[-6:-3] == [
        "b_first.Title",
        "bfirst.id",
        "bfirst.secret",
    ]
    assert paths(metadata.fields(ADMIN, sort=["collection,field"]))[:2] == ["Apple.id", "bfirst.aline"]


@pytest.mark.parametrize("sort", ["-sort", "nope", "datatype", "sort,nope", "?", "collection.note"])
def test_other_sorts_are_refused(sort: str) -> None:
    with pytest.raises(InvalidField) as caught:
        metadata.fields(ADMIN, sort=[sort])
    assert caught.value.code == 202


def test_limits() -> None:
    assert paths(metadata.fields(ADMIN, limit=2)) == ["Apple.id", "bfirst.id"]
    assert metadata.fields(ADMIN, limit=0) == []
    assert len(metadata.fields(ADMIN, limit=-1)) == 16


def test_a_role_gets_the_fields_that_it_can_read() -> None:
    found = paths(metadata.fields(EDITOR))
    assert [path for path in found if not path.startswith("directus_")] == [
        "bfirst.status", "bfirst.zline", "bfirst.aline",
    ]  # fmt: skip
    assert paths(metadata.fields_of(EDITOR, "bfirst")) == ["bfirst.status", "bfirst.aline", "bfirst.zline"]


def test_a_field_hidden_in_some_statuses_only_is_shown() -> None:
    workflow = {
        "bfirst": {
            "draft": Grant(read=FULL, read_blacklist=frozenset({"secret", "status"})),
            "published": Grant(read=FULL, read_blacklist=frozenset({"secret"})),
            "deleted": Grant(),
        }
    }
    some = session(Policy(role=3, admin=False, general={"directus_fields": READ}, workflow=workflow))
    assert paths(metadata.fields_of(some, "bfirst")) == ["bfirst.id", "bfirst.status", "bfirst.aline", "bfirst.zline"]


def test_fields_of_a_collection_have_aliases_by_name() -> None:
    assert paths(metadata.fields_of(ADMIN, "bfirst")) == [
        "bfirst.id", "bfirst.secret", "bfirst.status", "bfirst.aline", "bfirst.zline",
    ]  # fmt: skip
    assert metadata.fields_of(ADMIN, "bfirst")[3]["type"] == "ALIAS"
    assert paths(metadata.fields_of(ADMIN, "a_view")) == ["a_view.id"]


def test_single_fields_and_several() -> None:
    (found,) = metadata.field(ADMIN, "bfirst", ["aline"])
    assert (found["field"], found["type"]) == ("aline", "alias")
    assert paths(metadata.field(ADMIN, "bfirst", ["zline", "nope", "id", "id"])) == ["bfirst.zline", "bfirst.id"]
    assert paths(metadata.field(EDITOR, "bfirst", ["secret", "status"])) == ["bfirst.status"]


def test_what_is_not_there_or_hidden() -> None:
    with pytest.raises(CollectionNotFound):
        metadata.fields_of(ADMIN, "nosuch")
    with pytest.raises(CollectionNotFound):
        metadata.field(EDITOR, "nosuch", ["id"])
    with pytest.raises(FieldNotFound) as missing:
        metadata.field(ADMIN, "bfirst", ["nope"])
    assert missing.value.message == 'Unable to find field "nope"'
    with pytest.raises(FieldAccessDenied):
        metadata.field(EDITOR, "bfirst", ["secret"])


@pytest.mark.parametrize("public", [True, False])
def test_fields_need_level_full_and_some_level_on_the_collection(public: bool) -> None:
    unreadable = session(policy(directus_fields=READ, b_first=Grant(create=FULL)), public=public)
    with pytest.raises(ReadDenied) as caught:
        metadata.fields_of(unreadable, "b_first")
    assert (caught.value.collection, caught.value.public) == ("b_first", public)
    with pytest.raises(ReadDenied):
        metadata.field(unreadable, "b_first", ["nope"])
    without = session(policy(directus_fields=Grant(read=MINE), b_first=READ), public=public)
    for ask in (
        lambda: metadata.fields(without),
        lambda: metadata.fields_of(without, "nosuch"),
        lambda: metadata.field(without, "b_first", ["id"]),
    ):
        with pytest.raises(ReadDenied) as caught:
            ask()
        assert (caught.value.collection, caught.value.level) == ("directus_fields", True)
