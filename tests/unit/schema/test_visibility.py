"""In charge of introspection: what a role is shown, under which names, and what is kept of the answers."""

from __future__ import annotations

import asyncio
from typing import Any

import orjson
import pytest
from graphql import build_client_schema, get_introspection_query, print_type

from core.access.policy import ADMIN_POLICY, NO_POLICY, Grant, Policy
from schema import visibility
from schema.registry import make
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
    "auth_check", "auth_sessions", "export_items", "asset", "signed_asset", "stored_file",
    "project_info", "server_types",
    "server_interfaces", "server_layouts", "server_modules", "users_tfa_secret", "scim_resource_types", "scim_schemas",
    "scim_service_provider_config",
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
        *FOR_EVERYBODY,
    }  # fmt: skip
    assert set(mutation.fields) == {
        "auth_authenticate", "auth_logout", "auth_password_request", "auth_password_reset", "auth_refresh",
        "import_items", "send_mail", "update_project", "utils_hash", "utils_hash_match",
        "utils_random_string", "create_comments_item", "create_comments_items", "upsert_comments_items",
        "delete_comments_item", "delete_comments_items",
    }  # fmt: skip
    assert schema.get_type("AuthorsItem") is None
    item = print_type(schema.get_type("ArticlesItem"))  # type: ignore[arg-type]
    assert "price" not in item
    assert "author" not in item
    assert "comments(" in item


async def test_who_has_no_right_is_shown_the_fixed_part() -> None:
    schema = build_client_schema(await shown(NO_POLICY))
    assert set(schema.query_type.fields) == FOR_EVERYBODY  # type: ignore[union-attr]


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
