"""In charge of GraphQL names: what is invalid, reserved or wanted twice, and the way back."""

from __future__ import annotations

import pytest
from graphql import GraphQLError
from graphql.type import assert_name

from core.catalog.model import Snapshot, ToOne
from schema.build import names_for
from schema.names import Names, pascal, sanitise
from tests.shop import collection, field, key, shop


def names(*others: object, **more: object) -> Names:
    return names_for(shop(*others, **more))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("movies", "movies"),
        ("my-table", "my_table"),
        ("my table", "my_table"),
        ("2fa_secret", "_2fa_secret"),
        ("größe", "gr__e"),
        ("__x", "_x"),
        ("____", "_"),
        ("", "_"),
        ("a__b", "a__b"),
        ("日本", "_"),
        ("Имя", "_"),
        ("-", "_"),
    ],
)
def test_a_name_becomes_the_nearest_valid_one(name: str, wanted: str) -> None:
    assert sanitise(name) == wanted
    assert_name(sanitise(name))
    assert not sanitise(name).startswith("__")


@pytest.mark.parametrize(
    ("table", "wanted"),
    [
        ("blog_posts", "BlogPosts"),
        ("myTable", "MyTable"),
        ("movies", "Movies"),
        ("directus_users", "DirectusUsers"),
        ("_private", "Private"),
        ("my-table", "MyTable"),
        ("1st", "_1st"),
        ("___", "_"),
    ],
)
def test_types_are_named_as_v8_names_them(table: str, wanted: str) -> None:
    assert pascal(table) == wanted


def test_operations_are_called_as_documented() -> None:
    found = names()
    assert found.read("articles") == "articles"
    assert found.by_id("articles") == "articles_by_id"
    assert found.aggregate("articles") == "articles_aggregate"
    assert found.create_item("articles") == "create_articles_item"
    assert found.create_items("articles") == "create_articles_items"
    assert found.update_item("articles") == "update_articles_item"
    assert found.update_items("articles") == "update_articles_items"
    assert found.update_batch("articles") == "update_articles_batch"
    assert found.upsert_items("articles") == "upsert_articles_items"
    assert found.delete_item("articles") == "delete_articles_item"
    assert found.delete_items("articles") == "delete_articles_items"
    assert found.row("articles") == "_row"
    assert found.fixed("users_me") == "users_me"
    assert found.collection_of("articles") == "articles"


def test_system_types_are_singular_and_have_a_plural_for_relation_rows() -> None:
    users = names().collections["directus_users"]
    assert (users.wrapper, users.item, users.plural) == ("DirectusUser", "DirectusUserItem", "DirectusUsersItem")
    assert (users.filter, users.input) == ("DirectusUsersFilter", "DirectusUsersInput")


def test_files_are_created_and_activity_is_not_written() -> None:
    found = names(collection("directus_activity", [key("directus_activity")], is_system=True))
    assert found.create_item("directus_files") == "create_directus_files_item"
    assert found.update_item("directus_files") == "update_directus_files_item"
    with pytest.raises(KeyError):
        found.delete_item("directus_activity")
    own = found.collections["directus_activity"]
    assert (own.item, own.plural) == ("DirectusActivityItem", "DirectusActivityItem")


def test_views_and_tables_without_a_single_key_are_read_only() -> None:
    found = names(
        collection("totals", [field("totals", "sum")], primary_key=None, key_columns=(), is_view=True),
        collection("pairs", [field("pairs", "a"), field("pairs", "b")], primary_key=None, key_columns=("a", "b")),
    )
    for name in ("totals", "pairs"):
        operations = found.collections[name].operations
        assert (operations.read, operations.aggregate) == (name, f"{name}_aggregate")
        assert operations.by_id is None
        assert operations.create_item is None
        assert operations.delete_items is None


def test_two_tables_that_come_to_one_name_get_a_number_and_the_valid_one_wins() -> None:
    found = names(
        collection("my-table", [key("my-table")]),
        collection("my table", [key("my table")]),
        collection("my_table", [key("my_table")]),
    )
    assert [found.read(one) for one in ("my_table", "my table", "my-table")] == ["my_table", "my_table_2", "my_table_3"]
    assert found.collection_of("my_table_2") == "my table"
    assert found.collections["my-table"].item == "MyTable_3Item"
    assert {(one.what, one.given) for one in found.renamed if one.what.startswith("my")} == {
        ("my table", "my_table_2"),
        ("my-table", "my_table_3"),
        ("my table", "MyTable_2"),
        ("my-table", "MyTable_3"),
    }


def test_two_tables_of_one_pascal_name_keep_their_fields_and_share_no_type() -> None:
    found = names(
        collection("blog_posts", [key("blog_posts")]),
        collection("blogPosts", [key("blogPosts")]),
    )
    assert found.read("blog_posts") == "blog_posts"
    assert found.read("blogPosts") == "blogPosts"
    assert found.collections["blogPosts"].wrapper == "BlogPosts"
    assert found.collections["blog_posts"].wrapper == "BlogPosts_2"
    assert found.collections["blog_posts"].filter == "BlogPosts_2Filter"


def test_a_table_goes_before_generated_and_fixed_operations() -> None:
    found = names(
        collection("articles_by_id", [key("articles_by_id")]),
        collection("users_me", [key("users_me")]),
        collection("create_articles_item", [key("create_articles_item")]),
    )
    assert found.read("articles_by_id") == "articles_by_id"
    assert found.by_id("articles") == "articles_by_id_2"
    assert found.read("users_me") == "users_me"
    assert found.fixed("users_me") == "users_me_2"
    assert found.create_item("articles") == "create_articles_item_2"


def test_a_table_goes_before_types_of_ours_but_not_before_those_of_graphql() -> None:
    found = names(
        collection("aggregate", [key("aggregate")]),
        collection("query", [key("query")]),
        collection("string", [key("string")]),
        collection("metadata", [key("metadata")]),
    )
    assert found.collections["aggregate"].wrapper == "Aggregate"
    assert found.fixed_types["Aggregate"] == "Aggregate_2"
    assert found.collections["query"].wrapper == "Query_2"
    assert found.collections["string"].wrapper == "String_2"
    assert found.collections["metadata"].wrapper == "Metadata_2"
    assert found.read("query") == "query"


def test_columns_go_before_what_we_add_to_an_item() -> None:
    odd = collection(
        "odd",
        [
            key("odd"),
            field("odd", "_row"),
            field("odd", "_delete"),
            field("odd", "author", "m2o"),
            field("odd", "author__key"),
            field("odd", "my field"),
            field("odd", "my_field"),
            field("odd", "2fa_secret"),
        ],
    )
    found = names(odd).collections["odd"]
    assert found.row == "_row_2"
    assert found.delete == "_delete_2"
    assert found.fields["my field"] == "my_field_2"
    assert found.columns["my_field_2"] == "my field"
    assert found.columns["_2fa_secret"] == "2fa_secret"


def test_a_key_companion_gives_way_to_a_column() -> None:
    odd = collection(
        "odd",
        [key("odd"), field("odd", "author", "m2o"), field("odd", "author__key")],
        (ToOne("odd", "author", "authors", "id"),),
    )
    assert names(odd).collections["odd"].keys == {"author": "author__key_2"}


def test_every_name_finds_its_way_back_and_is_valid() -> None:
    odd = collection("--", [key("--"), field("--", "a b"), field("--", "a-b"), field("--", "__typename")])
    found = names(odd)
    for name, own in found.collections.items():
        assert found.collection_of(own.operations.read) == name
        for column, given in own.fields.items():
            assert own.columns[given] == column
            try:
                assert_name(given)
            except GraphQLError:
                pytest.fail(given)
            assert not given.startswith("__")


def test_the_same_snapshot_gives_the_same_names_in_any_order() -> None:
    one = shop(collection("a-b", [key("a-b")]), collection("a b", [key("a b")]))
    other = Snapshot(2, "sqlite", dict(reversed(one.collections.items())))
    assert names_for(one).roots == names_for(other).roots
    assert {name: own.wrapper for name, own in names_for(one).collections.items()} == {
        name: own.wrapper for name, own in names_for(other).collections.items()
    }
