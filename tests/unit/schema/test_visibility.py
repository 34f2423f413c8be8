"""In charge of introspection: what a role is shown, under which names, and what is kept of the answers."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import orjson
import pytest
from graphql import build_client_schema, get_introspection_query, print_type

from core.access.policy import ADMIN_POLICY, NO_POLICY, Grant, Policy
from schema import visibility
from schema.registry import make
from schema.static import fixed_part
from schema.usable import USES
from schema.visibility import schema_for, visible
from tests.shop import collection, field, key, shop

READER = Policy(
    role=3,
    admin=False,
    general={
        "articles": Grant(read=3, read_blacklist=frozenset({"price", "id"})),
        "comments": Grant(read=1, create=3, delete=3),
    },
    fingerprint="reader",
)

FOR_EVERYBODY = {
    "auth_check", "auth_sessions", "auth_sso_providers", "asset", "stored_file", "project_info", "users_tfa_secret",
    "scim_resource_types", "scim_schemas", "scim_service_provider_config",
}  # fmt: skip
SIGNED_IN = {"server_types", "server_interfaces", "server_layouts", "server_modules"}
CHANGES_OF_EVERYBODY = {
    "auth_authenticate", "auth_logout", "auth_password_request", "auth_password_reset", "auth_refresh", "utils_hash",
    "auth_sso_start", "auth_sso_finish", "auth_sso_exchange", "auth_sso_token",
    "utils_hash_match", "utils_random_string",
}  # fmt: skip


async def shown(policy: Policy, text: str = "", **variables: Any) -> Any:
    edition = make(shop())
    document = await edition.documents.find(text or get_introspection_query())
    assert not isinstance(document, list)
    assert edition.introspection is not None
    data, errors = await edition.introspection.answer(policy, document, None, variables)
    assert errors == ()
    return orjson.loads(orjson.dumps(data))


def test_collections_and_fields_without_any_right_are_left_out() -> None:
    part = visible(shop(), READER)
    assert set(part.collections) == {"articles", "comments"}
    articles = part.collections["articles"]
    assert "price" not in articles.fields
    assert "id" in articles.fields  # the key is needed to name items by
    assert set(articles.relations) == {"comments"}


async def test_an_admin_is_shown_everything() -> None:
    schema = build_client_schema(await shown(ADMIN_POLICY))
    assert {"articles", "authors", "directus_users", "users_me"} <= set(schema.query_type.fields)  # type: ignore[union-attr]
    assert "price: Float" in print_type(schema.get_type("ArticlesItem"))  # type: ignore[arg-type]


async def test_a_role_is_shown_what_it_can_do() -> None:
    schema = build_client_schema(await shown(READER))
    query, mutation = schema.query_type, schema.mutation_type
    assert query is not None
    assert mutation is not None
    assert set(query.fields) == {
        "articles", "articles_by_id", "articles_aggregate", "comments", "comments_by_id", "comments_aggregate",
        *FOR_EVERYBODY, *SIGNED_IN, "export_items",
    }  # fmt: skip
    assert set(mutation.fields) == {
        *CHANGES_OF_EVERYBODY, "import_items", "send_mail", "create_comments_item", "create_comments_items",
        "upsert_comments_items", "delete_comments_item", "delete_comments_items",
    }  # fmt: skip
    assert schema.get_type("AuthorsItem") is None
    item = print_type(schema.get_type("ArticlesItem"))  # type: ignore[arg-type]
    assert "price" not in item
    assert "author" not in item
    assert "comments(" in item


async def test_who_has_no_right_is_shown_the_fixed_part() -> None:
    schema = build_client_schema(await shown(NO_POLICY))
    assert set(schema.query_type.fields) == FOR_EVERYBODY | SIGNED_IN  # type: ignore[union-attr]
    assert set(schema.mutation_type.fields) == CHANGES_OF_EVERYBODY | {"send_mail"}  # type: ignore[union-attr]
    assert schema.subscription_type is None


async def test_the_public_role_is_not_shown_what_needs_a_user() -> None:
    public = replace(READER, role=2, fingerprint="public")
    schema = build_client_schema(await shown(public))
    reads = {"articles", "articles_by_id", "articles_aggregate", "comments", "comments_by_id", "comments_aggregate"}
    assert set(schema.query_type.fields) == FOR_EVERYBODY | reads | {"export_items"}  # type: ignore[union-attr]
    assert "send_mail" not in schema.mutation_type.fields  # type: ignore[union-attr]


async def test_subscriptions_are_those_of_what_is_read() -> None:
    schema = build_client_schema(await shown(READER))
    assert schema.subscription_type is not None
    assert set(schema.subscription_type.fields) == {
        "articles_mutated", "articles_live", "comments_mutated", "comments_live"
    }  # fmt: skip


async def test_what_is_only_written_shows_its_key() -> None:
    writer = Policy(
        role=4, admin=False, fingerprint="writer",
        general={
            "articles": Grant(create=3, write_blacklist=frozenset({"price", "comments"})),
            "directus_relations": Grant(create=3, update=3, delete=3),
        },
    )  # fmt: skip
    schema = build_client_schema(await shown(writer))
    assert "articles" not in schema.query_type.fields  # type: ignore[union-attr]
    assert set(schema.mutation_type.fields) == {  # type: ignore[union-attr]
        *CHANGES_OF_EVERYBODY, "send_mail", "import_items", "create_articles_item", "create_articles_items",
        "upsert_articles_items",
    }  # fmt: skip
    assert set(schema.get_type("ArticlesItem").fields) == {"id", "_row"}  # type: ignore[union-attr]
    written = set(schema.get_type("ArticlesInput").fields)  # type: ignore[union-attr]
    assert {"id", "title", "slug", "author", "_delete"} <= written
    assert not {"price", "comments"} & written
    assert print_type(schema.get_type("ArticlesInput")).count("author: ID") == 1  # type: ignore[arg-type]
    assert schema.get_type("ArticlesFilter") is None
    assert schema.get_type("AuthorsInput") is None


async def test_fields_that_are_read_are_not_those_that_are_written() -> None:
    grant = Grant(read=3, update=3, read_blacklist=frozenset({"price"}), write_blacklist=frozenset({"title"}))
    both = Policy(role=4, admin=False, general={"articles": grant}, fingerprint="both")
    schema = build_client_schema(await shown(both))
    items, inputs, filters = (
        set(schema.get_type(name).fields)  # type: ignore[union-attr]
        for name in ("ArticlesItem", "ArticlesInput", "ArticlesFilter")
    )
    assert ("price" in items, "title" in items) == (False, True)
    assert ("price" in inputs, "title" in inputs) == (True, False)
    assert not any(name.startswith("price") for name in filters)
    assert any(name.startswith("title") for name in filters)


@pytest.mark.parametrize(
    ("policy", "shown_to"),
    [
        (Policy(role=3, admin=False, fingerprint="a"), set()),
        (Policy(role=3, admin=False, general={"directus_users": Grant(read=1)}, fingerprint="b"),
         {"users_me", "users_track_page", "users_tfa_enable", "users_tfa_disable", "users_invite_accept", "scim_user",
          "scim_users", "scim_search"}),
        (Policy(role=3, admin=False, general={"directus_users": Grant(update=1)}, fingerprint="c"),
         {"update_users_me", "users_track_page", "users_tfa_enable", "users_tfa_disable", "users_invite_accept",
          "scim_replace_user", "scim_patch_user", "scim_bulk"}),
        (Policy(role=3, admin=False, general={"directus_roles": Grant(create=3, delete=3)}, fingerprint="d"),
         {"scim_create_group", "scim_delete_group", "scim_bulk"}),
        (Policy(role=2, admin=False, general={"directus_files": Grant(read=3)}, fingerprint="e"), {"signed_asset"}),
    ],
)  # fmt: skip
async def test_named_operations_follow_the_rights_that_they_need(policy: Policy, shown_to: set[str]) -> None:
    schema = build_client_schema(await shown(policy))
    names = {*schema.query_type.fields, *schema.mutation_type.fields}  # type: ignore[union-attr]
    generated = {name for name in names if "directus_" in name}
    signed_in = {*SIGNED_IN, "send_mail"} if policy.role != 2 else set()
    assert names - generated == FOR_EVERYBODY | CHANGES_OF_EVERYBODY | signed_in | shown_to


def test_every_named_use_is_of_a_root_field() -> None:
    known = {*fixed_part().queries, *fixed_part().mutations}
    assert set(USES) <= known


async def test_the_schema_of_a_role_is_made_once(monkeypatch: pytest.MonkeyPatch) -> None:
    edition = make(shop())
    made: list[str] = []
    real = visibility.schema_for
    monkeypatch.setattr(
        visibility, "schema_for", lambda *args: made.append(args[2].fingerprint) or real(*args)  # type: ignore[func-returns-value]
    )  # fmt: skip
    introspection = edition.introspection
    assert introspection is not None
    for policy in (READER, NO_POLICY, ADMIN_POLICY):
        for name in ("ArticlesItem", "Query", "Nothing"):
            document = await edition.documents.find(f'{{ __type(name: "{name}") {{ name }} }}')
            assert not isinstance(document, list)
            await introspection.answer(policy, document, None, {})
    assert made == ["reader", "none"]
    for number in range(20):
        document = await edition.documents.find("{ __typename __schema { queryType { name } } }")
        assert not isinstance(document, list)
        await introspection.answer(replace(READER, fingerprint=str(number)), document, None, {})
    assert len(introspection._schemas) == visibility.MAX_SCHEMAS


def test_what_is_shown_is_called_as_it_runs() -> None:
    odd = (
        collection("my_table", [key("my_table")]),
        collection("my-table", [key("my-table"), field("my-table", "a b")]),
    )
    snapshot = shop(*odd)
    policy = Policy(role=3, admin=False, general={"my-table": Grant(read=3)}, fingerprint="odd")
    names = make(snapshot).names
    assert names is not None
    schema = schema_for(snapshot, names, policy)
    assert "my_table_2" in schema.query_type.fields  # type: ignore[union-attr]
    assert "my_table" not in schema.query_type.fields  # type: ignore[union-attr]


async def test_an_answer_is_made_once_per_policy_document_and_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    edition = make(shop())
    made: list[str] = []
    real = visibility.execute_sync
    monkeypatch.setattr(visibility, "execute_sync", lambda *args, **more: made.append("") or real(*args, **more))  # type: ignore[func-returns-value]
    document = await edition.documents.find("query($n: String!) { __type(name: $n) { name } }")
    assert not isinstance(document, list)
    introspection = edition.introspection
    assert introspection is not None

    async def ask(policy: Policy, name: str) -> Any:
        data, _ = await introspection.answer(policy, document, None, {"n": name})
        return orjson.loads(orjson.dumps(data))

    assert (
        await asyncio.gather(*(ask(ADMIN_POLICY, "AuthorsItem") for _ in range(3)))
        == [{"__type": {"name": "AuthorsItem"}}] * 3
    )
    assert len(made) == 1
    assert await ask(READER, "AuthorsItem") == {"__type": None}
    assert await ask(READER, "ArticlesItem") == {"__type": {"name": "ArticlesItem"}}
    assert await ask(ADMIN_POLICY, "AuthorsItem") == {"__type": {"name": "AuthorsItem"}}
    assert len(made) == 3


async def test_answers_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(visibility, "MAX_ANSWERS", 2)
    edition = make(shop())
    introspection = edition.introspection
    assert introspection is not None
    document = await edition.documents.find("query($n: String!) { __type(name: $n) { name } }")
    assert not isinstance(document, list)
    for name in "abcd":
        await introspection.answer(ADMIN_POLICY, document, None, {"n": name})
    assert len(introspection._answers) == 2
    assert introspection._bytes == 8
