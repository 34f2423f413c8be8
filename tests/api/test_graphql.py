"""Items over GraphQL, on the whole stack and three databases (spec 01 §15): one document, one exact answer."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

import app
from core.settings.tree import normalize
from tests.api.newsroom import Newsroom, newsroom
from tests.backends import fresh_database
from tests.projects import ADMIN_EMAIL, ADMIN_PASSWORD


@pytest.fixture(scope="module")
async def server(dialect: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Newsroom]:
    folder = tmp_path_factory.mktemp("graphql")
    with fresh_database(dialect, folder) as url:
        async with newsroom(url, folder / "data") as found:
            found.app = app.compose(found.projects)
            yield found


@pytest.fixture
async def api(server: Newsroom) -> Newsroom:
    await server.refill()
    return server


async def ask(api: Newsroom, query: str, token: str | None = "admin-token", **variables: Any) -> Any:
    """The body of an answer, which is 200 whatever it says."""
    answer = await api.ask("POST", "/gql", token, json={"query": query, "variables": variables})
    assert answer.status_code == 200, answer.text
    return answer.json()


async def data(api: Newsroom, query: str, token: str | None = "admin-token", **variables: Any) -> Any:
    """The data of an answer without errors."""
    found = await ask(api, query, token, **variables)
    assert list(found) == ["data"], found
    return found["data"]


async def refused(api: Newsroom, query: str, token: str | None = "admin-token", **variables: Any) -> Any:
    """Codes by path of an answer that is refused; nothing may have changed."""
    before = await api.everything()
    found = await ask(api, query, token, **variables)
    assert await api.everything() == before
    return [(one["path"], one["extensions"].get("code")) for one in found["errors"]]


# Reading


async def test_a_document_of_v8_is_answered_as_v8_answers_it(api: Newsroom) -> None:
    found = await data(
        api,
        """query { articles(limit: 2, filter: {views_gte: 10}) {
          data { id title author { name } categories { category { name } } } meta { result_count total_count }
        } }""",
    )
    assert found == {
        "articles": {
            "data": [
                {
                    "id": "1",
                    "title": "One",
                    "author": {"name": "Ada"},
                    "categories": [{"category": {"name": "News"}}, {"category": {"name": "Tech"}}],
                },
                {"id": "2", "title": "Two", "author": {"name": "Bob"}, "categories": [{"category": {"name": "Tech"}}]},
            ],
            "meta": {"result_count": 2, "total_count": 4},
        }
    }


async def test_typed_values_and_the_rest_form_of_one_item(api: Newsroom) -> None:
    found = await data(
        api,
        """{ articles_by_id(id: "01") {
          id views rating featured tags extra created_on body author__key author { id } _row(fields: ["id", "author.*"])
        } }""",
    )
    assert list(found["articles_by_id"].items()) == [
        ("id", "1"),
        ("views", 10),
        ("rating", 4.5),
        ("featured", True),
        ("tags", ["x", "y"]),
        ("extra", {"k": [1]}),
        ("created_on", "2020-01-01T10:00:00+00:00"),
        ("body", None),
        ("author__key", "1"),
        ("author", {"id": "1"}),
        ("_row", {"id": 1, "author": {"id": 1, "name": "Ada", "email": "ada@example.com"}}),
    ]


async def test_an_id_finds_what_is_soft_deleted_and_by_id_does_not(api: Newsroom) -> None:
    found = await data(api, "{ articles(id: 5) { data { title status } meta { total_count } } }")
    assert found == {"articles": {"data": [{"title": "Gone", "status": "deleted"}], "meta": None}}
    assert await refused(api, '{ articles_by_id(id: "5") { title } }') == [(["articles_by_id"], 203)]
    assert await refused(api, "{ articles(id: 77) { data { title } } }") == [(["articles"], 203)]


async def test_filters_are_trees_and_reach_over_relations(api: Newsroom) -> None:
    async def ids(filter_: str) -> list[str]:
        found = await data(api, "{ articles(filter: " + filter_ + ") { data { id } } }")
        return [item["id"] for item in found["articles"]["data"]]

    assert await ids('{title_contains: "o"}') == ["1", "2", "3", "4"]
    assert await ids('{title_contains: "%"}') == ["3"]
    assert await ids("{or: [{id_eq: 1}, {and: [{views_lt: 25}, {featured_eq: false}]}]}") == ["1", "2", "4"]
    assert await ids('{author: {name_eq: "Ada"}, id_neq: 1}') == ["4"]
    assert await ids('{categories: {category: {name_eq: "Tech"}}}') == ["1", "2"]
    assert await ids('{author_null: ""}') == ["3"]
    assert await ids('{id_in: "4,2,x", views_gte: 20}') == ["2"]
    assert await ids('{created_on_gt: "2020-01-02"}') == ["2", "3", "4"]
    assert await ids('{created_on_between: "2020-01-01,2020-01-02"}') == ["1"]
    assert await ids('{comments_has: "2"}') == ["1"]
    assert await ids("{}") == ["1", "2", "3", "4"]


async def test_variables_are_taken_loosely(api: Newsroom) -> None:
    found = await data(
        api,
        """query($id: Int, $n: Float, $t: String) {
          articles(filter: {id_eq: $id, rating_gt: $n, title_neq: $t}) { data { id } }
        }""",
        id="1",
        n="4.4",
        t=5,
    )
    assert found == {"articles": {"data": [{"id": "1"}]}}


async def test_lists_are_ordered_searched_and_cut(api: Newsroom) -> None:
    found = await data(
        api,
        """{
          a: articles(sort: ["-views"], limit: 2, page: 2) { data { id } meta { page page_count filter_count } }
          b: articles(q: "two") { data { id } }
          c: articles(status: ["*"], limit: -1) { data { id } }
          d: articles(ids: ["4", "1", "99"]) { data { id } }
          e: articles(where: [{field: "author.name", value: "Bob"}, {field: "id", op: "eq", value: 4, or: true}]) {
            data { id }
          }
        }""",
    )
    assert found == {
        "a": {"data": [{"id": "1"}, {"id": "4"}], "meta": {"page": 2, "page_count": 2, "filter_count": 4}},
        "b": {"data": [{"id": "2"}]},
        "c": {"data": [{"id": one} for one in "12345"]},
        "d": {"data": [{"id": "1"}, {"id": "4"}]},
        "e": {"data": [{"id": "2"}, {"id": "4"}]},
    }


async def test_related_lists_have_arguments_of_their_own(api: Newsroom) -> None:
    found = await data(
        api,
        """query($n: Int) { articles(ids: ["1", "2", "4"]) { data {
          last: comments(sort: ["-id"], limit: $n) { text }
          some: comments(filter: {text_contains: "s"}) { id }
        } } }""",
        n=1,
    )
    assert found["articles"]["data"] == [
        {"last": [{"text": "second"}], "some": [{"id": "1"}, {"id": "2"}]},
        {"last": [{"text": "third"}], "some": []},
        {"last": [], "some": []},
    ]


async def test_groups_are_measured(api: Newsroom) -> None:
    found = await data(
        api,
        """{ articles_aggregate(group_by: ["status"], sort: ["-count"]) {
          group count n: count(field: "author", distinct: true) sum(field: "views") top: max(field: "rating")
        } }""",
    )
    assert found["articles_aggregate"] == [
        {"group": {"status": "published"}, "count": 3, "n": 2, "sum": 30, "top": 4.5},
        {"group": {"status": "draft"}, "count": 1, "n": 0, "sum": 30, "top": 0.1},
    ]


async def test_one_root_field_fails_and_the_others_are_answered(api: Newsroom) -> None:
    found = await ask(api, '{ a: articles(sort: ["nope"]) { data { id } } b: people { data { name } } }')
    assert list(found) == ["errors", "data"]
    assert found["data"] == {"a": None, "b": {"data": [{"name": "Ada"}, {"name": "Bob"}]}}
    assert found["errors"] == [
        {
            "message": 'Invalid field "nope" in "articles"',
            "extensions": {"category": "graphql", "code": 202, "kind": "InvalidField"},
            "locations": [{"line": 1, "column": 3}],
            "path": ["a"],
        }
    ]


async def test_a_table_without_key_is_read_only_in_the_schema(api: Newsroom) -> None:
    assert await data(api, "{ keyless { data { name } } }") == {"keyless": {"data": [{"name": "x"}]}}
    found = await ask(api, "{ keyless_by_id(id: 1) { name } }")
    assert found["errors"][0]["message"].startswith("Cannot query field 'keyless_by_id' on type 'Query'.")
    assert "data" not in found


# Rights


async def test_a_role_gets_what_it_may_read(api: Newsroom) -> None:
    found = await data(api, '{ articles(ids: ["1"]) { data { id secret title } } }', "editor-token")
    assert found == {"articles": {"data": [{"id": "1", "secret": None, "title": "One"}]}}
    assert await refused(api, '{ articles(filter: {secret_eq: "x"}) { data { id } } }', "editor-token") == [
        (["articles"], 215)
    ]
    assert await refused(api, "{ people { data { id } } }", "editor-token") == [(["people"], 300)]
    found = await data(api, "{ articles { data { id } } }", "writer-token")
    assert found == {"articles": {"data": [{"id": "2"}, {"id": "3"}]}}
    assert await refused(api, "{ articles { data { id } } }", None) == [(["articles"], 300)]


async def test_a_relation_into_what_may_not_be_read_is_null_with_a_warning(api: Newsroom) -> None:
    found = await ask(
        api,
        '{ articles(ids: ["1"]) { data { author { name } author__key _row(fields: ["author.*"]) } } }',
        "editor-token",
    )
    assert found["data"]["articles"]["data"] == [{"author": None, "author__key": "1", "_row": {"author": {"id": 1}}}]
    assert found["extensions"] == {
        "warnings": [
            {
                "code": 18,
                "message": "Can't read `people`: read access to `people` collection denied",
                "collection": "people",
                "fields": ["author"],
            }
        ]
    }


async def test_introspection_is_trimmed_and_names_are_not_proposed(api: Newsroom) -> None:
    query = "{ __schema { queryType { fields { name } } mutationType { fields { name } } } }"
    found = await data(api, query, "nobody-token")
    assert [one["name"] for one in found["__schema"]["queryType"]["fields"]] == [
        "auth_check", "auth_sessions", "auth_sso_providers", "users_tfa_secret", "project_info", "asset", "stored_file",
        "server_types", "server_interfaces", "server_layouts", "server_modules", "scim_service_provider_config",
        "scim_resource_types", "scim_schemas",
    ]  # fmt: skip
    assert [one["name"] for one in found["__schema"]["mutationType"]["fields"]] == [
        "auth_logout", "auth_password_request", "auth_password_reset", "auth_authenticate", "auth_refresh",
        "auth_sso_start", "auth_sso_finish", "auth_sso_exchange", "auth_sso_token",
        "send_mail", "utils_hash", "utils_hash_match", "utils_random_string",
    ]  # fmt: skip
    found = await data(api, query, "editor-token")
    names = {one["name"] for one in found["__schema"]["queryType"]["fields"]}
    assert {"articles", "comments", "tokens"} <= names
    assert not {"people", "categories", "directus_users"} & names
    found = await ask(api, "{ peopl { data { id } } }", "editor-token")
    assert found["errors"][0]["message"] == "Cannot query field 'peopl' on type 'Query'."
    found = await ask(api, "{ peopl { data { id } } }")
    assert "Did you mean" in found["errors"][0]["message"]


@pytest.mark.parametrize(
    ("query", "variables"),
    [
        ("{ peopl { data { id } } }", {}),
        ("{ articles { data { titel } } }", {}),
        ("{ articles(filtr: {}) { data { id } } }", {}),
        ('{ articles(filter: {titel_eq: "x"}) { data { id } } }', {}),
        ("query($f: ArticleFilter) { articles(filter: $f) { data { id } } }", {}),
        ("query($f: ArticlesFilter) { articles(filter: $f) { data { id } } }", {"f": {"titel_eq": "x"}}),
        ("fragment f on ArticlesIte { id } { articles { data { ...f } } }", {}),
        ("{ articles { data { ... on PeopleIte { id } } } }", {}),
        ('mutation { create_articles_item(data: {titel: "x"}) { id } }', {}),
        ("mutation($d: ArticlesInput) { create_articles_item(data: $d) { id } }", {"d": {"titel": "x"}}),
        ("mutation { create_peopl_item { id } }", {}),
        ("subscription { peopl_mutated { key } }", {}),
        ("{ articles @skp(if: true) { data { id } } }", {}),
        ("{ __schema { typs { name } } }", {}),
        ('{ __type(nam: "PeopleItem") { name } }', {}),
    ],
)
async def test_no_error_proposes_names(api: Newsroom, query: str, variables: dict[str, Any]) -> None:
    before = await api.everything()
    for token in ("editor-token", None):
        answer = await api.graphql(query, token, **variables)
        assert answer["errors"]
        told = json.dumps(answer).lower()
        assert "did you mean" not in told
        assert "people" not in told.replace("peopleite", "")
    assert await api.everything() == before


async def test_introspection_can_be_switched_off(api: Newsroom, monkeypatch: pytest.MonkeyPatch) -> None:
    project = api.projects.get("main")
    tree = normalize({"graphql": {"introspection": False}})
    monkeypatch.setattr(
        project, "config", replace(project.config, tree={**project.config.tree, "graphql": tree["graphql"]})
    )
    for token in ("admin-token", "editor-token", None):
        for query in (
            "{ __schema { types { name } } }",
            '{ __type(name: "ArticlesItem") { name } }',
            "{ ...f } fragment f on Query { s: __schema { types { name } } }",
            "{ articles { data { id } } __schema { types { name } } }",
        ):
            answer = await api.graphql(query, token)
            assert [error["message"] for error in answer["errors"]] == ["Introspection is switched off on this server."]
            assert not answer.get("data")
    answer = await api.graphql("{ __typename articles(limit: 1) { __typename data { __typename id } } }")
    assert answer["data"]["articles"] == {
        "__typename": "Articles", "data": [{"__typename": "ArticlesItem", "id": "1"}]
    }  # fmt: skip


async def test_a_refused_token_is_told_and_the_request_goes_on_as_public(api: Newsroom) -> None:
    answer = await api.ask("POST", "/gql", "wrong", json={"query": "{ categories { data { name } } }"})
    assert answer.json() == {"data": {"categories": {"data": [{"name": "News"}, {"name": "Tech"}, {"name": "Sport"}]}}}
    assert answer.headers["www-authenticate"] == 'Bearer error="invalid_token"'


# Writing


async def test_an_item_is_created_with_all_that_hangs_on_it(api: Newsroom) -> None:
    found = await data(
        api,
        """mutation($in: ArticlesInput) { create_articles_item(data: $in, comment: "why") {
          title author { id name } comments { text } categories { category { name } } tags extra
        } }""",
        **{
            "in": {
                "title": "New",
                "author": {"name": "Cy"},
                "comments": [{"text": "a"}, {"text": "b"}],
                "categories": [{"category": {"id": "3"}}, {"category": {"name": "Fresh"}}],
                "tags": ["x"],
                "extra": {"deep": [1, {"a": None}]},
            }
        },
    )
    assert found["create_articles_item"] == {
        "title": "New",
        "author": {"id": "3", "name": "Cy"},
        "comments": [{"text": "a"}, {"text": "b"}],
        "categories": [{"category": {"name": "Sport"}}, {"category": {"name": "Fresh"}}],
        "tags": ["x"],
        "extra": {"deep": [1, {"a": None}]},
    }
    assert await api.rows("SELECT name FROM people ORDER BY id") == [("Ada",), ("Bob",), ("Cy",)]


async def test_items_are_updated_one_many_and_each_in_its_own_way(api: Newsroom) -> None:
    found = await data(
        api,
        """mutation {
          a: update_articles_item(
            id: 1, data: {title: "One!", comments: [{id: 1, _delete: true}, {id: 2, text: "2"}]}
          ) {
            title comments { id text }
          }
          b: update_people_items(ids: ["1", "2"], payload: {email: "x@example.com"}) { id email }
          c: update_people_batch(data: [{id: 2, name: "B"}, {id: 1, name: "A"}]) { id name }
          d: upsert_tokens_items(data: [{code: "007", label: "James"}, {code: "new", label: "New"}]) { code label }
        }""",
    )
    assert found == {
        "a": {"title": "One!", "comments": [{"id": "2", "text": "2"}]},
        "b": [{"id": "1", "email": "x@example.com"}, {"id": "2", "email": "x@example.com"}],
        "c": [{"id": "2", "name": "B"}, {"id": "1", "name": "A"}],
        "d": [{"code": "007", "label": "James"}, {"code": "new", "label": "New"}],
    }
    assert await api.rows("SELECT code, label FROM tokens ORDER BY code") == [
        ("007", "James"), ("a/b", "Slash"), ("abc-1", "One"), ("new", "New"),
    ]  # fmt: skip


async def test_items_are_deleted(api: Newsroom) -> None:
    found = await data(api, 'mutation { delete_comments_item(id: "1") delete_tokens_items(ids: ["007", "a/b"]) }')
    assert found == {"delete_comments_item": "1", "delete_tokens_items": ["007", "a/b"]}
    assert await api.rows("SELECT id FROM comments ORDER BY id") == [(2,), (3,)]
    assert await api.rows("SELECT code FROM tokens") == [("abc-1",)]


async def test_what_may_not_be_written_is_not_written(api: Newsroom) -> None:
    assert await refused(api, 'mutation { create_people_item(data: {name: "x"}) { id } }', "editor-token") == [
        (["create_people_item"], 301)
    ]
    assert await refused(api, "mutation { update_articles_item(id: 1, data: {views: 1}) { id } }", "editor-token") == [
        (["update_articles_item"], 305)
    ]
    assert await refused(api, 'mutation { delete_articles_item(id: "1") }', "writer-token") == [
        (["delete_articles_item"], 303)
    ]
    assert await refused(api, 'mutation { create_articles_item(data: {title: "x"}) { id } }', None) == [
        (["create_articles_item"], 301)
    ]


async def test_all_that_is_wrong_is_told_and_nothing_of_it_written(api: Newsroom) -> None:
    before = await api.everything()
    found = await ask(
        api,
        """mutation { create_articles_items(
          payload: [{title: "ok"}, {title: "", created_on: "x", views: "many"}]
        ) { id } }""",
    )
    assert await api.everything() == before
    assert found["data"] == {"create_articles_items": None}
    extensions = found["errors"][0]["extensions"]
    assert (extensions["code"], extensions["kind"]) == (4, "ValidationFailed")
    assert {tuple(one["path"]) for one in extensions["problems"]} >= {(1, "title"), (1, "views")}
    assert await refused(api, "mutation { create_articles_item(payload: {nope: 1}) { id } }") == [
        (["create_articles_item"], 12)
    ]


async def test_a_mutation_that_fails_leaves_those_before_it(api: Newsroom) -> None:
    found = await ask(
        api,
        """mutation {
          a: delete_comments_item(id: "1") b: delete_comments_item(id: "99") c: delete_comments_item(id: "2")
        }""",
    )
    assert found["data"] == {"a": "1", "b": None, "c": "2"}
    assert [(one["path"], one["extensions"]["code"]) for one in found["errors"]] == [(["b"], 203)]
    assert await api.rows("SELECT id FROM comments") == [(3,)]


# Named operations and system collections


async def test_signing_in_and_renewing(api: Newsroom) -> None:
    query = (
        'mutation($p: String) { auth_authenticate(email: "'
        + ADMIN_EMAIL
        + '", password: $p) { token user tfa_pending } }'
    )
    found = (await data(api, query, None, p=ADMIN_PASSWORD))["auth_authenticate"]
    assert (found["user"]["id"], found["user"]["email"], found["tfa_pending"]) == ("1", ADMIN_EMAIL, False)
    assert "password" not in found["user"]
    me = '{ users_me { id email token roles { name } _row(fields: ["id", "role.name"]) } }'
    assert await data(api, me, found["token"]) == {
        "users_me": {
            "id": "1",
            "email": ADMIN_EMAIL,
            "token": "admin-token",
            "roles": [{"name": "Administrator"}],
            "_row": {"id": 1, "role": {"name": "Administrator"}},
        }
    }
    renewed = await data(api, "mutation($t: String) { auth_refresh(token: $t) { token } }", None, t=found["token"])
    assert (await data(api, "{ users_me { id } }", renewed["auth_refresh"]["token"]))["users_me"] == {"id": "1"}
    for password, code in (("wrong", 100), (None, 114)):
        answer = await ask(api, query, None, p=password)
        assert answer["data"] == {"auth_authenticate": None}
        assert answer["errors"][0]["extensions"]["code"] == code
    assert await refused(api, "{ users_me { id } }", None) == [(["users_me"], 3)]


async def test_tokens_are_shown_to_their_owner_only(api: Newsroom) -> None:
    found = await data(
        api, '{ directus_users(limit: 2, sort: ["id"]) { data { id token role { users { id token } } } } }'
    )
    assert [(one["id"], one["token"]) for one in found["directus_users"]["data"]] == [("1", "admin-token"), ("2", None)]
    assert found["directus_users"]["data"][0]["role"]["users"] == [{"id": "1", "token": "admin-token"}]


async def test_a_project_tells_more_to_who_is_signed_in(api: Newsroom) -> None:
    query = "{ project_info { name color telemetry requires_tfa version json } }"
    found = (await data(api, query, None))["project_info"]
    assert (found["name"], found["color"], found["telemetry"], found["version"]) == ("Directus", "#263238", True, None)
    assert list(found["json"]) == ["api"]
    assert next(iter(found["json"]["api"])) == "requires2FA"
    found = (await data(api, query))["project_info"]
    assert found["version"] == "8.8.1"
    assert list(found["json"]["api"])[:5] == ["version", "server_version", "requires2FA", "database", "database_vendor"]
    assert found["json"]["api"]["database"] == "mysql"
    assert list(found["json"]["server"]["general"]) == ["php_version", "php_api"]


async def test_collections_and_fields_are_read_from_metadata(api: Newsroom) -> None:
    found = await data(
        api,
        """{
          directus_collections(name: "people") { data { collection managed translation fields { field type sort } } }
          directus_collections_by_id(collection: "tokens") { collection fields { field collection { collection } } }
          some: directus_fields(collection: "articles", field: "author") {
            data { field type required width storage options }
          }
          one: directus_fields_by_id(collection: "articles", field: "status") {
            field options _row(fields: ["field", "type"])
          }
        }""",
    )
    assert found["directus_collections"]["data"] == [
        {
            "collection": "people",
            "managed": True,
            "translation": None,
            "fields": [
                {"field": "id", "type": "integer", "sort": 0},
                {"field": "name", "type": "string", "sort": 1},
                {"field": "email", "type": "string", "sort": 2},
            ],
        }
    ]
    assert found["directus_collections_by_id"] == {
        "collection": "tokens",
        "fields": [
            {"field": "code", "collection": {"collection": "tokens"}},
            {"field": "label", "collection": {"collection": "tokens"}},
        ],
    }
    assert found["some"]["data"] == [
        {"field": "author", "type": "m2o", "required": False, "width": None, "storage": None, "options": None}
    ]
    assert list(found["one"]["options"]["status_mapping"]) == ["draft", "published", "deleted"]
    assert found["one"]["_row"] == {"field": "status", "type": "status"}
    assert await refused(api, "{ directus_collections { data { collection } } }", "editor-token") == [
        (["directus_collections"], 300)
    ]
    assert await refused(api, '{ directus_fields_by_id(collection: "articles", field: "nope") { field } }') == [
        (["directus_fields_by_id"], 202)
    ]


async def test_listings_of_collections_can_be_narrowed(api: Newsroom) -> None:
    found = await data(
        api,
        """{
          a: directus_collections(where: [{field: "collection", op: "contains", value: "art"}], sort: ["-collection"]) {
            data { collection } meta { result_count }
          }
          b: directus_collections(ids: ["people", "articles"]) { data { collection } }
          c: directus_collections(limit: 2, offset: 1) { data { collection } }
        }""",
    )
    assert found["a"] == {
        "data": [{"collection": "articles_categories"}, {"collection": "articles"}],
        "meta": {"result_count": 2},
    }
    assert [one["collection"] for one in found["b"]["data"]] == ["articles", "people"]
    assert [one["collection"] for one in found["c"]["data"]] == ["articles_categories", "categories"]


async def test_system_collections_are_written_by_the_same_operations(api: Newsroom) -> None:
    found = await data(
        api,
        """mutation {
          create_directus_folders_item(data: {name: "a"}) { id name parent_folder }
          create_directus_roles_item(data: {id: 6, name: "Fresh", ip_whitelist: ["10.0.0.1", "10.0.0.2"]}) {
            id name ip_whitelist
          }
        }""",
    )
    assert found["create_directus_folders_item"] == {"id": "1", "name": "a", "parent_folder": None}
    assert found["create_directus_roles_item"] == {"id": "6", "name": "Fresh", "ip_whitelist": "10.0.0.1,10.0.0.2"}
    await data(api, 'mutation { delete_directus_folders_item(id: "1") delete_directus_roles_item(id: "6") }')
    schema = await data(api, "{ __schema { mutationType { fields { name } } } }")
    names = {one["name"] for one in schema["__schema"]["mutationType"]["fields"]}
    assert not {name for name in names if "directus_activity" in name or "directus_revisions" in name}
    # Collections and fields are no rows that one could upsert: writing them changes the schema.
    assert {name for name in names if "directus_collections" in name or "directus_fields" in name} == {
        "create_directus_collections_item", "update_directus_collections_item", "delete_directus_collections_item",
        "create_directus_fields_item", "update_directus_fields_item", "update_directus_fields_items",
        "update_directus_fields_batch", "delete_directus_fields_item",
    }  # fmt: skip


# The schema changes


async def test_a_changed_table_is_a_changed_schema_for_the_next_request(api: Newsroom) -> None:
    from core.catalog.changes import log_change

    assert "errors" in await ask(api, "{ tokens { data { extra } } }")
    async with api.store.write() as connection:
        await connection.execute("ALTER TABLE tokens ADD COLUMN extra VARCHAR(20)")
        await log_change(connection, "schema", "tokens")
    try:
        found = await data(api, "{ tokens(limit: 1) { data { extra } } }")
        assert found == {"tokens": {"data": [{"extra": None}]}}
    finally:
        async with api.store.write() as connection:
            await connection.execute("ALTER TABLE tokens DROP COLUMN extra")
            await log_change(connection, "schema", "tokens")
    found = await ask(api, "{ tokens(limit: 1) { data { extra } } }")
    assert found["errors"][0]["message"].startswith("Cannot query field 'extra' on type 'TokensItem'.")


async def test_a_blacklisted_field_promises_no_value_any_more(api: Newsroom) -> None:
    query = '{ __type(name: "ArticlesItem") { fields { name type { kind } } } }'

    async def kind() -> str:
        found = await data(api, query)
        (one,) = [field["type"]["kind"] for field in found["__type"]["fields"] if field["name"] == "title"]
        return str(one)

    assert await kind() == "NON_NULL"
    made = await data(
        api,
        """mutation { create_directus_permissions_item(
          data: {collection: "articles", role: "5", read: "full", read_field_blacklist: ["title"]}
        ) { id role read_field_blacklist } }""",
    )
    one = made["create_directus_permissions_item"]
    assert (one["role"], one["read_field_blacklist"]) == (5, ["title"])
    try:
        assert await kind() == "SCALAR"
        found = await data(api, '{ articles(ids: ["1"]) { data { id title } } }', "nobody-token")
        assert found == {"articles": {"data": [{"id": "1", "title": None}]}}
    finally:
        await data(api, 'mutation { delete_directus_permissions_item(id: "' + one["id"] + '") }')
    assert await kind() == "NON_NULL"
