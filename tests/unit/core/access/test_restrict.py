"""In charge of showing the rewriting of plans by a policy, rule by rule; tests/security shows that none is missing."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from core.access.hidden import hidden_in_filters, hidden_in_totals, hidden_somewhere
from core.access.load import COLUMNS, parse_rows
from core.access.owners import owner_scope
from core.access.policy import ADMIN_POLICY, FULL, MINE, NO_POLICY, ROLE, Policy
from core.access.restrict import admit, may_read, read_scope, restrict, restrict_predicate
from core.access.statuses import status_scope
from core.catalog.model import Snapshot, StatusMapping, ToMany
from core.errors import FieldAccessDenied, ReadDenied
from core.query.plan import ColumnOut, ConstantOut, Edge, EdgeOut, KeyOut, Node, Order, RowOut
from core.query.predicate import (
    EVERYTHING,
    NOTHING,
    And,
    Bound,
    Compare,
    In,
    IsNull,
    Like,
    Not,
    Or,
    Predicate,
    Related,
    RelatedCount,
    Search,
    all_of,
)
from core.query.selection import Warning
from tests.shop import shop

ME, MY_ROLE = Compare("maker", "eq", Bound("user")), Compare("role", "eq", Bound("role"))
OF_MY_ROLE = Or((ME, Related("maker", MY_ROLE, trusted=True)))


def _shop() -> Snapshot:
    """The shop with an owner and statuses on its articles: `gone` is soft-deleted."""
    found = shop()
    statuses = StatusMapping(("draft", "public", "gone"), frozenset(("gone",)))
    articles = replace(found.collections["articles"], owner_field="maker", statuses=statuses)
    users = replace(found.collections["directus_users"])
    return replace(found, collections={**found.collections, "articles": articles, "directus_users": users})


SHOP = _shop()
ARTICLES, COMMENTS, USERS = (SHOP.collections[name] for name in ("articles", "comments", "directus_users"))
VISIBLE = In("status", ("draft", "public"))


def policy(*rows: tuple[Any, ...], role: int = 3) -> Policy:
    """Rules as (collection, status, read level, read blacklist)."""
    named = [dict(zip(("collection", "status", "read", "read_field_blacklist"), row, strict=False)) for row in rows]
    return parse_rows(role, [tuple(row.get(name) for name in COLUMNS) for row in named])


def articles(*rows: tuple[Any, ...]) -> Policy:
    return policy(*(("articles", *row) for row in rows))


# Rows


@pytest.mark.parametrize(
    ("rules", "scope"),
    (
        (articles((None, "full")), EVERYTHING),
        (articles((None, "mine")), ME),
        (articles((None, "role")), OF_MY_ROLE),
        (articles(("public", "full")), Compare("status", "eq", "public")),
        (articles(("public", "mine")), And((Compare("status", "eq", "public"), ME))),
        (articles(("draft", "role"), ("public", "full"), ("gone", "none")), Or((
            And((Compare("status", "eq", "draft"), OF_MY_ROLE)), Compare("status", "eq", "public"),
        ))),
        # any workflow row puts the general one out of force; the first row of a status counts
        (articles((None, "full"), ("public", "mine"),
        ("public", "full")), And((Compare("status", "eq", "public"), ME))),
        (articles((None, "full"), ("$create", "none")), EVERYTHING),
    ),
)  # fmt: skip
def test_read_scopes(rules: Policy, scope: Predicate) -> None:
    assert read_scope(SHOP, rules, "articles") == scope
    admit(SHOP, rules, "articles", public=False)
    assert may_read(SHOP, rules, "articles")


@pytest.mark.parametrize(
    ("rules", "name"),
    (
        (NO_POLICY, "articles"),
        (policy(), "articles"),
        (articles((None, "none")), "articles"),
        (articles((None, None)), "articles"),
        (articles(("public", "none"), (None, "full")), "articles"),
        (articles(("$create", "full")), "articles"),
        (policy(("comments", None, "mine")), "comments"),  # neither owner nor status: full or nothing
        (policy(("comments", None, "role")), "comments"),
        (policy(("comments", "public", "full")), "comments"),  # workflow rows, but no status field
    ),
)
def test_refused_collections(rules: Policy, name: str) -> None:
    for question in (lambda: read_scope(SHOP, rules, name), lambda: admit(SHOP, rules, name, public=True)):
        with pytest.raises(ReadDenied) as caught:
            question()
        assert (caught.value.code, caught.value.collection) == (300, name)
    assert not may_read(SHOP, rules, name)


def test_a_level_by_owner_without_owner_field_finds_nothing() -> None:
    ownerless = replace(SHOP, collections={**SHOP.collections, "articles": replace(ARTICLES, owner_field=None)})
    assert read_scope(ownerless, articles((None, "mine")), "articles") == NOTHING
    rules = articles(("draft", "mine"), ("public", "full"))
    assert read_scope(ownerless, rules, "articles") == Compare("status", "eq", "public")


def test_the_administrator_is_not_asked() -> None:
    assert read_scope(SHOP, ADMIN_POLICY, "articles") == EVERYTHING
    assert policy(("articles", None, "none"), role=1) == ADMIN_POLICY


def test_numeric_statuses_compare_as_numbers() -> None:
    column = replace(ARTICLES.fields["status"].column, family="integer")  # type: ignore[type-var]
    fields = {**ARTICLES.fields, "status": replace(ARTICLES.fields["status"], column=column)}
    numbered = replace(SHOP, collections={**SHOP.collections, "articles": replace(ARTICLES, fields=fields)})
    rules = articles(("1", "full"), ("-2", "full"), ("draft", "full"))
    assert read_scope(numbered, rules, "articles") == Or((Compare("status", "eq", 1), Compare("status", "eq", -2)))


def test_owners_of_users_are_the_users_themselves() -> None:
    assert owner_scope(SHOP, USERS, MINE) == Compare("id", "eq", Bound("user"))
    assert owner_scope(SHOP, USERS, ROLE) == Or((Compare("id", "eq", Bound("user")), MY_ROLE))
    assert owner_scope(SHOP, USERS, FULL) == EVERYTHING
    assert read_scope(SHOP, policy(("directus_roles", None, "mine")), "directus_roles") == Compare(
        "id", "eq", Bound("role")
    )
    assert read_scope(SHOP, policy(("directus_roles", None, "full")), "directus_roles") == EVERYTHING


# Statuses


@pytest.mark.parametrize(
    ("rules", "status", "scope"),
    (
        (ADMIN_POLICY, None, VISIBLE),
        (ADMIN_POLICY, ("*",), EVERYTHING),
        (ADMIN_POLICY, ("gone",), In("status", ("gone",))),
        (articles((None, "full")), None, VISIBLE),
        (articles((None, "full")), ("*",), Or((IsNull("status"), Not(In("status", ("gone",)))))),
        (articles((None, "full")), ("gone",), NOTHING),
        (articles((None, "full")), ("gone", "odd"), In("status", ("odd",))),
        (articles(("gone", "mine")), ("*",), EVERYTHING),
        (articles(("gone", "mine")), ("gone",), In("status", ("gone",))),
        (articles(("gone", "none"), ("public", "full")), ("gone",), NOTHING),
    ),
)
def test_statuses(rules: Policy, status: tuple[str, ...] | None, scope: Predicate) -> None:
    assert status_scope(rules, ARTICLES, status) == scope


def test_collections_without_statuses() -> None:
    assert status_scope(ADMIN_POLICY, COMMENTS, ("public",)) == EVERYTHING
    unmapped = replace(ARTICLES, statuses=None)
    assert status_scope(ADMIN_POLICY, unmapped, None) == EVERYTHING
    assert status_scope(ADMIN_POLICY, unmapped, ("x",)) == In("status", ("x",))


# Conditions

HIDES = articles((None, "full", "price,comments,id"))
SOMETIMES = articles(("draft", "full", "price,title,id"), ("public", "full", "title"))


def test_hidden_names() -> None:
    assert hidden_in_filters(HIDES, ARTICLES) == {"price", "comments"}
    assert hidden_in_filters(SOMETIMES, ARTICLES) == {"title"}
    assert hidden_somewhere(SOMETIMES, ARTICLES) == {"title", "price"}
    assert hidden_in_totals(SOMETIMES, ARTICLES) == {"title", "price", "id"}
    assert hidden_in_totals(HIDES, ARTICLES) == {"price", "comments", "id"}
    unread = articles(("draft", "none", ""), ("public", "full", "title"))
    assert hidden_in_filters(unread, ARTICLES) == {"title"}  # statuses that cannot be read do not count
    secret = {"password", "password_reset_token"}
    everybody = policy(("directus_users", None, "full"))
    assert hidden_in_filters(everybody, USERS) == secret | {"token", "2fa_secret"}
    assert hidden_in_filters(ADMIN_POLICY, USERS) == secret
    assert hidden_somewhere(ADMIN_POLICY, USERS) == secret | {"token", "2fa_secret"}
    assert hidden_in_filters(ADMIN_POLICY, ARTICLES) == frozenset()


@pytest.mark.parametrize(
    "part",
    (
        Compare("price", "eq", 1),
        In("price", ()),
        Not(IsNull("price")),
        Or((Compare("id", "eq", 1), And((Compare("id", "eq", 2), Like("price", "%1%"))))),
        Related("comments", EVERYTHING),
        RelatedCount("comments", EVERYTHING, 2),
        Not(Related("comments", EVERYTHING)),
    ),
)
def test_hidden_fields_are_refused(part: Predicate) -> None:
    with pytest.raises(FieldAccessDenied) as caught:
        restrict_predicate(SHOP, HIDES, ARTICLES, part)
    assert caught.value.code == 215


def test_the_key_may_always_be_asked_for() -> None:
    for rules in (HIDES, SOMETIMES):
        part = Compare("id", "eq", 1)
        assert restrict_predicate(SHOP, rules, ARTICLES, part) == part


def test_a_field_hidden_in_some_status_leaves_those_items_out() -> None:
    part = Or((Compare("price", "gt", 1), Compare("id", "eq", 2)))
    assert restrict_predicate(SHOP, SOMETIMES, ARTICLES, part) == And((part, Not(In("status", ("draft",)))))
    assert restrict_predicate(SHOP, SOMETIMES, ARTICLES, Compare("place", "eq", 1)) == Compare("place", "eq", 1)


def test_relations_are_gone_through_by_the_rules_of_their_target() -> None:
    rules = policy(("comments", None, "full"), ("articles", None, "mine", "price"))
    part = Related("article", Compare("title", "eq", "x"))
    inside = And((Compare("title", "eq", "x"), ME, VISIBLE))
    assert restrict_predicate(SHOP, rules, COMMENTS, part) == Related("article", inside)
    with pytest.raises(FieldAccessDenied):
        restrict_predicate(SHOP, rules, COMMENTS, Related("article", Compare("price", "eq", 1)))
    count = RelatedCount("comments", EVERYTHING, 2)
    assert restrict_predicate(SHOP, rules, ARTICLES, Not(count)) == Not(count)  # comments may all be read
    trusted = Related("maker", MY_ROLE, trusted=True)
    assert restrict_predicate(SHOP, rules, ARTICLES, trusted) == trusted
    with pytest.raises(FieldAccessDenied) as caught:  # nothing may be read there
        restrict_predicate(SHOP, rules, ARTICLES, Related("maker", EVERYTHING))
    assert caught.value.message == 'Unable to access "maker" related data'


def test_a_hidden_link_is_no_link() -> None:
    rules = policy(("articles", None, "full"), ("comments", None, "full", "article"))
    for part in (Related("comments", EVERYTHING), RelatedCount("comments", EVERYTHING, 2)):
        with pytest.raises(FieldAccessDenied):
            restrict_predicate(SHOP, rules, ARTICLES, part)
    by_status = policy(
        ("authors", None, "full"), ("articles", "draft", "full", "author"), ("articles", "public", "full")
    )
    found = restrict_predicate(SHOP, by_status, SHOP.collections["authors"], Related("articles", EVERYTHING))
    assert isinstance(found, Related)
    assert isinstance(found.part, And)
    assert Not(In("status", ("draft",))) in found.part.parts


def test_search_is_expanded_to_what_may_be_read() -> None:
    rules = policy(
        ("articles", None, "full", "price"), ("comments", None, "full", "code"), ("directus_users", None, "none")
    )
    search = Search("%x%", deep=True, otherwise=True)
    # title and the key; not the hidden price; the editor cannot be read; comments by their text, the key they have
    assert restrict_predicate(SHOP, rules, ARTICLES, search) == Or((
        Like("id", "%x%"), Like("title", "%x%"),
        Related("comments", Or((Like("code", "%x%"), Like("text", "%x%")))),
    ))  # fmt: skip
    shallow = restrict_predicate(SHOP, rules, ARTICLES, Search("%x%"))
    assert shallow == Or((Like("id", "%x%"), Like("title", "%x%")))
    some = articles(("draft", "full", "title,id"), ("public", "full", "price"))
    assert restrict_predicate(SHOP, some, ARTICLES, Search("%x%")) == Like("id", "%x%")
    nothing = replace(
        SHOP.collections["articles_texts"], fields={"lang": SHOP.collections["articles_texts"].fields["lang"]}
    )
    assert restrict_predicate(SHOP, ADMIN_POLICY, nothing, Search("%x%")) == NOTHING
    assert restrict_predicate(SHOP, ADMIN_POLICY, nothing, Search("%x%", otherwise=True)) == EVERYTHING


# Plans


def node(*outputs: Any, collection: str = "articles", **more: Any) -> Node:
    return Node(collection, outputs, **more)


def test_a_node_gets_rows_and_statuses() -> None:
    found, warnings = restrict(SHOP, articles((None, "mine")), node(where=Compare("place", "eq", 1)))
    assert found.where == And((Compare("place", "eq", 1), VISIBLE, ME))
    assert warnings == ()
    found, _ = restrict(SHOP, ADMIN_POLICY, node(status=("*",)))
    assert found.where == EVERYTHING
    with pytest.raises(ReadDenied):
        restrict(SHOP, NO_POLICY, node())


def test_hidden_columns() -> None:
    rules = articles((None, "full", "price"))
    inner = (ColumnOut("id", "id", "row", True), ColumnOut("price", "price", "row", True))
    found, _ = restrict(SHOP, rules, node(ColumnOut("p", "price", "float"), RowOut("_row", inner), ConstantOut("t", 1)))
    assert found.outputs == (ConstantOut("p", None), RowOut("_row", inner[:1]), ConstantOut("t", 1))
    found, _ = restrict(SHOP, SOMETIMES, node(ColumnOut("p", "price", "float"), ColumnOut("t", "title", "string")))
    assert found.outputs == (ColumnOut("p", "price", "float"), ConstantOut("t", None))
    assert found.hidden_by_status == (("draft", frozenset(("price", "id"))),)


def test_passwords_are_never_fetched() -> None:
    outputs = (ColumnOut("password", "password", "string"), ColumnOut("password", "password", "row", True))
    for rules in (ADMIN_POLICY, policy(("directus_users", None, "full"))):
        found, _ = restrict(SHOP, rules, node(*outputs, collection="directus_users"))
        assert found.outputs == (ConstantOut("password", None),)
        assert ("token" in found.own_only) == (not rules.admin)


def test_sort_criteria() -> None:
    order = (Order("title"), Order("price"), Order(None), Order("place", True), Order("id"))
    found, _ = restrict(SHOP, SOMETIMES, node(order=order))
    assert found.order == (Order(None), Order("place", True), Order("id"))


def edge(field: str, *outputs: Any, row: bool = False, collection: str = "articles") -> EdgeOut:
    relation = SHOP.collections[collection].relations[field]
    return EdgeOut(field, Edge(relation, Node(relation.target, outputs)), row)


def test_relations_into_what_cannot_be_read() -> None:
    rules = articles((None, "full"))
    rest = (edge("author", row=True), edge("comments", row=True))
    found, warnings = restrict(SHOP, rules, node(edge("author"), edge("comments"), RowOut("_row", rest)))
    assert found.outputs == (
        ConstantOut("author", None),
        ConstantOut("comments", None),
        RowOut("_row", (KeyOut("author", "author", "authors", "id"),)),
    )
    assert set(warnings) == {Warning("authors", ("author",)), Warning("comments", ("comments",))}
    assert warnings[0].message == "Can't read `authors`: read access to `authors` collection denied"


def test_hidden_relations_are_not_spoken_of() -> None:
    rules = articles((None, "full", "author,comments"))
    found, warnings = restrict(SHOP, rules, node(edge("author"), edge("comments"), edge("author", row=True)))
    assert found.outputs == (ConstantOut("author", None), ConstantOut("comments", None))
    assert warnings == ()


def test_related_nodes_follow_their_own_rules_and_warn_of_nothing() -> None:
    rules = policy(("comments", None, "full"), ("articles", None, "mine", "price"))
    inner = edge("article", ColumnOut("p", "price", "float"), edge("author"), collection="comments")
    found, warnings = restrict(SHOP, rules, node(inner, collection="comments"))
    (output,) = found.outputs
    assert isinstance(output, EdgeOut)
    assert output.edge.node.where == And((VISIBLE, ME))
    assert output.edge.node.outputs == (ConstantOut("p", None), ConstantOut("author", None))
    assert warnings == ()


def test_children_that_hide_their_link_are_left_out() -> None:
    authors = SHOP.collections["authors"]
    relation = authors.relations["articles"]
    assert isinstance(relation, ToMany)
    child = EdgeOut("articles", Edge(relation, Node("articles", (ColumnOut("id", "id", "id"),))))
    hidden = policy(("authors", None, "full"), ("articles", None, "full", "author"))
    found, warnings = restrict(SHOP, hidden, node(child, collection="authors"))
    assert found.outputs == (ConstantOut("articles", None),)
    assert warnings == (Warning("articles", ("articles",)),)
    by_status = policy(
        ("authors", None, "full"), ("articles", "draft", "full", "author"), ("articles", "public", "full")
    )
    found, warnings = restrict(SHOP, by_status, node(child, collection="authors"))
    (output,) = found.outputs
    assert isinstance(output, EdgeOut)
    assert output.edge.node.where == all_of((
        VISIBLE, Or((Compare("status", "eq", "draft"), Compare("status", "eq", "public"))),
        Not(In("status", ("draft",))),
    ))  # fmt: skip
    assert warnings == ()
