"""In charge of the questions of the write side, asked of rows at hand (spec 02 §12.5–12.11)."""

from __future__ import annotations

from typing import Any

import pytest

from core.access import authorize
from core.access.authorize import Caller, Row, Wish
from core.access.policy import ADMIN_POLICY, FULL, MINE, NONE, ROLE, Grant, Policy
from core.catalog.model import Collection, Field, StatusMapping
from core.context import Actor
from core.errors import (
    CreateDenied,
    DeleteDenied,
    FieldWriteDenied,
    Forbidden,
    ItemNotFound,
    TabulariumError,
    UpdateDenied,
)

ME, COLLEAGUE, STRANGER = 7, 8, 9
MY_ROLE = 3
MINE_ROW, ROLE_ROW, OTHER_ROW = Row("draft", ME, MY_ROLE), Row("draft", COLLEAGUE, MY_ROLE), Row("draft", STRANGER, 4)
NOBODYS = Row("draft")


def collection(name: str = "articles", **more: Any) -> Collection:
    statuses = StatusMapping(("draft", "published", "deleted"), frozenset({"deleted"}))
    arguments = {"primary_key": "id", "owner_field": "owner", "status_field": "status", "statuses": statuses, **more}
    return Collection(name, {"id": Field(name, "id", "integer")}, **arguments)


ARTICLES = collection()
PLAIN = collection("plain", owner_field=None, status_field=None, statuses=None)


def caller(general: Grant | None = None, *, name: str = "articles", comment: bool = False, **workflow: Grant) -> Caller:
    policy = Policy(
        role=MY_ROLE,
        admin=False,
        general={name: general} if general else {},
        workflow={name: workflow} if workflow else {},
    )
    return Caller(policy, Actor(user=ME, role=MY_ROLE, public=False), comment)


def outcome(question: Any, *arguments: Any) -> type[TabulariumError] | None:
    try:
        question(*arguments)
    except TabulariumError as error:
        return type(error)
    return None


@pytest.mark.parametrize(
    "level, reached",
    [
        (NONE, []),
        (MINE, [MINE_ROW]),
        (ROLE, [MINE_ROW, ROLE_ROW]),
        (FULL, [MINE_ROW, ROLE_ROW, OTHER_ROW, NOBODYS]),
    ],
)
def test_levels_reach_rows_by_owner(level: int, reached: list[Row]) -> None:
    for row in (MINE_ROW, ROLE_ROW, OTHER_ROW, NOBODYS):
        found = outcome(authorize.update, caller(Grant(read=FULL, update=level)), ARTICLES, row, Wish(("title",)), "1")
        assert found is (None if row in reached else UpdateDenied)
        found = outcome(authorize.delete, caller(Grant(delete=level)), ARTICLES, row)
        assert found is (None if row in reached else DeleteDenied)


def test_without_owner_column_only_full_reaches() -> None:
    for level in (MINE, ROLE):
        asker = caller(Grant(read=FULL, update=level, delete=level), name="plain")
        assert outcome(authorize.update, asker, PLAIN, Row(), Wish(("a",)), "1") is UpdateDenied
        assert outcome(authorize.delete, asker, PLAIN, Row()) is DeleteDenied


def test_read_comes_before_update() -> None:
    asker = caller(Grant(read=MINE, update=FULL))
    assert outcome(authorize.update, asker, ARTICLES, ROLE_ROW, Wish(("a",)), "1") is ItemNotFound
    assert outcome(authorize.update, asker, ARTICLES, None, Wish(("a",)), "1") is ItemNotFound
    assert outcome(authorize.update, asker, ARTICLES, MINE_ROW, Wish(("a",)), "1") is None


def test_order_of_refusals() -> None:
    grant = Grant(read=FULL, explain="always", write_blacklist=frozenset({"title"}))
    wish = Wish(("title",))
    assert outcome(authorize.create, caller(grant), ARTICLES, wish) is Forbidden
    assert outcome(authorize.create, caller(grant, comment=True), ARTICLES, wish) is FieldWriteDenied
    assert outcome(authorize.create, caller(grant, comment=True), ARTICLES, Wish()) is CreateDenied
    assert outcome(authorize.update, caller(grant), ARTICLES, None, wish, "1") is Forbidden
    assert outcome(authorize.update, caller(grant, comment=True), ARTICLES, None, wish, "1") is FieldWriteDenied
    assert outcome(authorize.update, caller(grant, comment=True), ARTICLES, None, Wish(), "1") is ItemNotFound
    assert outcome(authorize.update, caller(grant, comment=True), ARTICLES, MINE_ROW, Wish(), "1") is UpdateDenied
    assert outcome(authorize.delete, caller(grant), ARTICLES, MINE_ROW) is Forbidden
    assert outcome(authorize.delete, caller(grant, comment=True), ARTICLES, None) is DeleteDenied


def test_a_hidden_row_does_not_tell_its_status() -> None:
    """Whatever the status of a row that the caller cannot see: the same answer."""
    strict = Grant(read=MINE, update=FULL, explain="always", write_blacklist=frozenset({"title"}))
    asker = caller(draft=strict, published=Grant(read=FULL))
    for row in (OTHER_ROW, None):
        assert outcome(authorize.update, asker, ARTICLES, row, Wish(("title",)), "1") is ItemNotFound


def test_soft_deleted_rows_are_gone_for_everybody() -> None:
    gone = Row("deleted", ME, MY_ROLE)
    admin = Caller(ADMIN_POLICY, Actor(user=1, role=1, public=False))
    assert outcome(authorize.update, admin, ARTICLES, gone, Wish(("a",)), "1") is ItemNotFound
    assert outcome(authorize.update, caller(Grant(read=FULL, update=FULL)), ARTICLES, gone, Wish(), "1") is ItemNotFound
    assert outcome(authorize.delete, admin, ARTICLES, gone) is None


@pytest.mark.parametrize(
    "status, found",
    [("draft", None), ("published", CreateDenied), ("odd", CreateDenied), (None, None)],
)
def test_creation_by_status(status: str | None, found: type[TabulariumError] | None) -> None:
    asker = caller(draft=Grant(create=FULL), published=Grant(read=FULL))
    assert outcome(authorize.create, asker, ARTICLES, Wish(("status",), status is not None, status)) is found


def test_transitions() -> None:
    asker = caller(
        draft=Grant(read=FULL, update=MINE, status_blacklist=frozenset({"published"})),
        review=Grant(read=FULL),
    )
    for status, found in (
        ("published", FieldWriteDenied),
        ("review", None),
        ("draft", None),
        ("deleted", DeleteDenied),
    ):
        wish = Wish(("status",), True, status)
        assert outcome(authorize.update, asker, ARTICLES, MINE_ROW, wish, "1") is found
    review = Row("review", ME, MY_ROLE)
    assert outcome(authorize.update, asker, ARTICLES, review, Wish(("status",), True, "draft"), "1") is UpdateDenied


def test_soft_deletion() -> None:
    wish, more = Wish(("status",), True, "deleted"), Wish(("status", "title"), True, "deleted")
    asker = caller(Grant(read=FULL, delete=MINE))
    assert outcome(authorize.update, asker, ARTICLES, MINE_ROW, wish, "1") is None
    assert outcome(authorize.update, asker, ARTICLES, MINE_ROW, more, "1") is UpdateDenied
    assert outcome(authorize.update, asker, ARTICLES, ROLE_ROW, wish, "1") is DeleteDenied


def test_fixed_owners() -> None:
    users, roles = collection("directus_users"), collection("directus_roles", status_field=None, statuses=None)
    levels = Grant(read=FULL, update=ROLE, delete=ROLE)
    asker = caller(levels, name="directus_users")
    assert outcome(authorize.update, asker, users, ROLE_ROW, Wish(("a",)), "8") is None
    assert outcome(authorize.delete, asker, users, MINE_ROW) is DeleteDenied
    asker = caller(Grant(read=FULL, update=MINE), name="directus_roles")
    assert outcome(authorize.update, asker, roles, Row(owner_role=MY_ROLE), Wish(("a",)), "3") is None
    assert outcome(authorize.update, asker, roles, Row(owner_role=4), Wish(("a",)), "4") is UpdateDenied
    presets = collection("directus_collection_presets", status_field=None, statuses=None)
    asker = caller(Grant(read=ROLE, update=ROLE), name="directus_collection_presets")
    assert outcome(authorize.update, asker, presets, Row(None, ME, None), Wish(("a",)), "1") is None
    assert outcome(authorize.update, asker, presets, Row(None, COLLEAGUE, MY_ROLE), Wish(("a",)), "1") is UpdateDenied
    assert outcome(authorize.update, asker, presets, Row(None, COLLEAGUE, None), Wish(("a",)), "1") is ItemNotFound


def test_whether_roles_of_owners_count() -> None:
    assert authorize.owner_role_counts(caller(Grant(read=ROLE)).policy, ARTICLES)
    assert not authorize.owner_role_counts(caller(Grant(read=FULL, update=MINE)).policy, ARTICLES)
    assert not authorize.owner_role_counts(
        caller(Grant(read=ROLE), name="directus_users").policy, collection("directus_users")
    )
    assert not authorize.owner_role_counts(ADMIN_POLICY, ARTICLES)
