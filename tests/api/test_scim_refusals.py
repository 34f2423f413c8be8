"""What SCIM 2.0 refuses and to whom; versions, bulk, GraphQL; on the whole stack, three databases (access spec 14)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from core.settings.tree import lookup
from tests.api.newsroom import Newsroom
from tests.api.provisioning import (
    ADMIN,
    ADMINISTRATORS,
    ENTERPRISE,
    PATCH,
    PUBLIC,
    ask,
    emptied,
    make,
    patch,
    provisioned,
    refusal,
    refused,
    row,
    unchanged,
)  # fmt: skip


@pytest.fixture(scope="module")
async def server(dialect: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Newsroom]:
    async with provisioned(dialect, tmp_path_factory.mktemp("scim")) as found:
        yield found


@pytest.fixture
async def api(server: Newsroom) -> Newsroom:
    return await emptied(server)


# --- versions ---------------------------------------------------------------------------------------------------------


async def test_versions(api: Newsroom) -> None:
    made = await api.ask("POST", "/scim/v2/Users", json={"userName": "ada@example.org", "externalId": "ada"})
    tag = made.headers["etag"]
    assert tag == made.json()["meta"]["version"]
    assert tag.startswith('W/"')
    assert made.headers["location"] == "http://api.example.com/main/scim/v2/Users/ada"
    same = await api.ask("GET", "/scim/v2/Users/ada", headers={"If-None-Match": tag})
    assert (same.status_code, same.content, same.headers["etag"]) == (304, b"", tag)
    assert (await api.ask("GET", "/scim/v2/Users/ada", headers={"If-None-Match": 'W/"x"'})).status_code == 200
    change = {"title": "Dr"}
    async with unchanged(api):
        for condition in ('W/"x"', '"x", "y"', "x"):
            for method, body in (("PATCH", change), ("PUT", {"userName": "b@example.org"}), ("DELETE", None)):
                headers = {"If-Match": condition}
                assert await refusal(api, method, "/Users/ada", body, headers=headers) == (412, None)
    await ask(api, "PATCH", "/Users/ada", change, headers={"If-Match": f'"x", {tag}'})
    assert await refused(api, "PATCH", "/Users/ada", {"title": "Prof"}, headers={"If-Match": tag}) == (412, None)
    await ask(api, "PATCH", "/Users/ada", {"title": "Prof"}, headers={"If-Match": "*"})
    group = await api.ask("POST", "/scim/v2/Groups", json={"displayName": "One", "externalId": "one"})
    await ask(api, "PATCH", "/Groups/one", patch({"op": "add", "path": "members", "value": [{"value": "ada"}]}))
    headers = {"If-Match": group.headers["etag"]}
    assert await refused(api, "DELETE", "/Groups/one", headers=headers) == (412, None)


async def test_of_two_who_saw_the_same_version_one_wins(api: Newsroom) -> None:
    for turn in range(5):
        name = f"ada{turn}"
        tag = (await make(api, name))["meta"]["version"]
        answers = await asyncio.gather(
            *(
                api.ask("PATCH", f"/scim/v2/Users/{name}", json={"title": title}, headers={"If-Match": tag})
                for title in ("Dr", "Prof", "Sir")
            )
        )
        assert sorted(answer.status_code for answer in answers) == [200, 412, 412]
        [winner] = [answer.json()["title"] for answer in answers if answer.status_code == 200]
        assert await row(api, "title", name) == (winner,)


# --- bulk -------------------------------------------------------------------------------------------------------------


async def test_bulk(api: Newsroom) -> None:
    await make(api, "old")
    tag = (await ask(api, "GET", "/Users/old"))["meta"]["version"]
    answer = await ask(
        api,
        "POST",
        "/Bulk",
        {
            "Operations": [
                {
                    "method": "POST", "path": "/Groups", "bulkId": "g",
                    "data": {"displayName": "One", "externalId": "one", "members": [{"value": "bulkId:u"}]},
                },
                {
                    "method": "POST", "path": "/Users", "bulkId": "u",
                    "data": {"userName": "new@example.org", "externalId": "new"},
                },
                {"method": "post", "path": "/Users", "bulkId": "twice", "data": {"userName": "NEW@example.org"}},
                {"method": "PATCH", "path": "/Users/old", "version": 'W/"x"', "data": {"title": "x"}},
                {"method": "PATCH", "path": "/Users/old", "version": tag, "data": {"title": "Dr"}},
                {"method": "PUT", "path": "/Users/bulkId:u", "data": {"userName": "newer@example.org"}},
                {"method": "DELETE", "path": "/Users/nobody"},
                {"method": "DELETE", "path": "/Users/old"},
                {"method": "PATCH", "path": "/Groups/one", "data": patch({"op": "remove", "path": "id"})},
                {"method": "PATCH", "path": "/Nope/one", "data": {}},
                {"method": "GET", "path": "/Users"},
                5,
            ]
        },
    )  # fmt: skip
    assert answer["schemas"] == ["urn:ietf:params:scim:api:messages:2.0:BulkResponse"]
    operations = answer["Operations"]
    assert [one["status"] for one in operations] == [
        "201", "201", "409", "412", "200", "200", "404", "204", "400", "400", "400", "400",
    ]  # fmt: skip
    assert [one["response"].get("scimType") for one in operations if "response" in one] == [
        "uniqueness", None, None, "mutability", "invalidPath", "invalidValue", "invalidSyntax",
    ]  # fmt: skip
    assert [one.get("bulkId") for one in operations[:4]] == ["g", "u", "twice", None]
    assert operations[1]["location"] == "http://api.example.com/main/scim/v2/Users/new"
    assert operations[1]["version"].startswith("W/")
    assert [one["value"] for one in (await ask(api, "GET", "/Groups/one"))["members"]] == ["new"]
    assert await row(api, "email, title", "new") == ("newer@example.org", None)
    assert await row(api, "status, title", "old") == ("deleted", "Dr")


async def test_bulk_stops_after_errors(api: Newsroom) -> None:
    gone = {"method": "DELETE", "path": "/Users/nobody"}
    body = {
        "failOnErrors": 2,
        "Operations": [
            gone,
            {"method": "POST", "path": "/Users", "bulkId": "a", "data": {"userName": "a@example.org"}},
            gone,
            {"method": "POST", "path": "/Users", "bulkId": "b", "data": {"userName": "b@example.org"}},
        ],
    }
    answer = await ask(api, "POST", "/Bulk", body)
    assert [one["status"] for one in answer["Operations"]] == ["404", "201", "404"]
    assert await api.rows("SELECT email FROM directus_users WHERE id > 5") == [("a@example.org",)]


async def test_bulk_that_means_nothing(api: Newsroom) -> None:
    circle = [
        {
            "method": "POST",
            "path": "/Groups",
            "bulkId": one,
            "data": {"displayName": one, "externalId": f"bulkId:{two}"},
        }
        for one, two in (("a", "b"), ("b", "a"))
    ]
    async with unchanged(api):
        answer = await ask(api, "POST", "/Bulk", {"Operations": circle})
        assert [one["status"] for one in answer["Operations"]] == ["400", "400"]
    one = {"method": "DELETE", "path": "/Users/nobody"}
    async with unchanged(api):
        for body, expected in (
            ({}, (400, "invalidSyntax")),
            ({"Operations": 5}, (400, "invalidSyntax")),
            ({"Operations": [one] * 1001}, (400, "tooMany")),
            ({"Operations": [one], "failOnErrors": "x"}, (400, "invalidValue")),
            ({"Operations": [], "x": "x" * 1_048_576}, (413, None)),
        ):
            assert await refusal(api, "POST", "/Bulk", body) == expected


async def test_a_long_chain_of_references(api: Newsroom) -> None:
    chain = [
        {"method": "POST", "path": "/Users", "bulkId": f"b{number}", "data": {"userName": f"bulkId:b{number + 1}"}}
        for number in range(299)
    ]
    last = {"method": "POST", "path": "/Users", "bulkId": "b299", "data": {"userName": "nobody"}}
    answer = await ask(api, "POST", "/Bulk", {"Operations": [*chain, last]})
    assert {one["status"] for one in answer["Operations"]} == {"400"}
    assert len(answer["Operations"]) == 300


# --- rights -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("token", "status"), [(None, 401), ("nobody-token", 403)])
async def test_who_may_nothing_does_nothing(api: Newsroom, token: str | None, status: int) -> None:
    await make(api)
    await ask(api, "POST", "/Groups", {"displayName": "One", "externalId": "one"})
    added = patch({"op": "add", "path": "members", "value": [{"value": "ada"}]})
    async with unchanged(api):
        for method, path, body in (
            ("GET", "/Users", None),
            ("GET", "/Users/ada", None),
            ("GET", "/Users/nobody", None),
            ("GET", "/Groups", None),
            ("GET", "/Groups/one", None),
            ("POST", "/Users", {"userName": "new@example.org"}),
            ("POST", "/Groups", {"displayName": "New"}),
            ("PUT", "/Users/ada", {"userName": "new@example.org"}),
            ("PATCH", "/Users/ada", patch({"op": "replace", "path": "active", "value": True})),
            ("PATCH", "/Groups/one", added),
            ("DELETE", "/Users/ada", None),
            ("DELETE", "/Groups/one", None),
            ("POST", "/.search", {}),
            ("POST", "/Users/.search", {}),
        ):
            assert await refusal(api, method, path, body, token=token) == (status, None), (method, path)
    async with unchanged(api):
        for path in ("/Me",):
            assert (await refusal(api, "GET", path, token=token))[0] == status
    bulk = {"Operations": [{"method": "DELETE", "path": "/Users/ada"}, {"method": "DELETE", "path": "/Groups/one"}]}
    async with unchanged(api):
        if token is None:
            assert await refusal(api, "POST", "/Bulk", bulk, token=None) == (401, None)
        else:
            answer = await ask(api, "POST", "/Bulk", bulk, token=token)
            assert [one["status"] for one in answer["Operations"]] == ["403", "403"]
    for path in ("/ServiceProviderConfig", "/ResourceTypes", "/ResourceTypes/Group", "/Schemas"):
        assert "public" not in await ask(api, "GET", path, token=token)


async def test_a_member_reads_what_members_read(api: Newsroom) -> None:
    await make(api, "draft")
    await make(api, "ada", active=True)
    listed = await ask(api, "GET", "/Users", token="member-token")
    assert {one["userName"].partition("@")[0] for one in listed["Resources"]} == {
        "admin", "editor", "writer", "nobody", "member", "ada",
    }  # fmt: skip
    assert listed["totalResults"] == 6
    assert await refused(api, "GET", "/Users/draft", token="member-token") == (404, None)
    me = await ask(api, "GET", "/Me", token="member-token")
    assert me["userName"] == "member@example.org"
    assert [one["display"] for one in me["groups"]] == ["member"]
    async with unchanged(api):
        for method, path, body in (
            ("POST", "/Users", {"userName": "new@example.org"}),
            ("PATCH", "/Users/ada", {"title": "x"}),
            ("DELETE", "/Users/ada", None),
            ("DELETE", "/Me", None),
            ("PATCH", "/Me", {"active": False}),
            ("POST", "/Groups", {"displayName": "New"}),
        ):
            status, _ = await refusal(api, method, path, body, token="member-token")
            assert status == 403, (method, path)
    assert (await ask(api, "PATCH", "/Me", {"title": "Dr"}, token="member-token"))["title"] == "Dr"
    await ask(api, "PATCH", "/Me", {"title": None}, token="member-token")


async def test_a_manager_of_users_makes_no_admins(api: Newsroom) -> None:
    full = {"create": "full", "read": "full", "update": "full", "delete": "full"}
    for collection in ("directus_users", "directus_roles"):
        await api.ask("POST", "/permissions", json={"role": 5, "collection": collection, **full})
    made = await ask(api, "POST", "/Users", {"userName": "new@example.org", "active": True}, token="nobody-token")
    await make(api)
    group = f"/Groups/{ADMINISTRATORS}"
    async with unchanged(api):
        for method, path, body in (
            ("POST", "/Users", {"userName": "x@example.org", "externalId": "chosen"}),
            ("PATCH", group, patch({"op": "add", "path": "members", "value": [{"value": made["id"]}]})),
            ("PUT", group, {"displayName": "Administrator", "members": [{"value": made["id"]}]}),
            ("PATCH", group, {"members": [{"value": "ada"}]}),
            ("PATCH", group, patch({"op": "remove", "path": "members"})),
            ("PATCH", group, {"displayName": "Fools"}),
            ("PATCH", f"/Users/{ADMIN}", {"password": "known"}),
            ("PATCH", f"/Users/{ADMIN}", {"userName": "mine@example.org"}),
            ("DELETE", f"/Users/{ADMIN}", None),
        ):
            assert await refusal(api, method, path, body, token="nobody-token") == (403, None), (method, path)
    moved = patch({"op": "add", "path": "members", "value": [{"value": made["id"]}]})
    one = await ask(api, "POST", "/Groups", {"displayName": "One"}, token="nobody-token")
    await ask(api, "PATCH", f"/Groups/{one['id']}", moved, token="nobody-token")
    await api.rows_away("directus_permissions", "role = 5")


async def test_the_last_admin_stays(api: Newsroom) -> None:
    async with unchanged(api):
        for method, path, body in (
            ("DELETE", f"/Users/{ADMIN}", None),
            ("PATCH", f"/Users/{ADMIN}", patch({"op": "replace", "path": "active", "value": False})),
            ("PATCH", f"/Groups/{ADMINISTRATORS}", patch({"op": "remove", "path": "members"})),
            ("PUT", f"/Groups/{ADMINISTRATORS}", {"displayName": "Administrator", "members": []}),
        ):
            assert await refusal(api, method, path, body) == (403, None), (method, path)
    async with unchanged(api):
        for role in (ADMINISTRATORS, PUBLIC):
            assert await refusal(api, "DELETE", f"/Groups/{role}") == (401, None)
    assert (await ask(api, "GET", "/Me"))["id"] == ADMIN


# --- input that cannot be ---------------------------------------------------------------------------------------------


async def test_values_that_cannot_be(api: Newsroom) -> None:
    await make(api)
    await make(api, "bob")
    async with unchanged(api):
        for body, expected in (
            ({}, (400, "invalidValue")),
            ({"userName": "no address"}, (400, "invalidValue")),
            ({"userName": 5}, (400, "invalidValue")),
            ({"userName": "x@example.org", "locale": "much too long"}, (400, "invalidValue")),
            ({"userName": "x@example.org", "active": "perhaps"}, (400, "invalidValue")),
            ({"userName": "x@example.org", "emails": "x"}, (400, "invalidValue")),
            ({"userName": "x@example.org", "name": []}, (400, "invalidValue")),
            ({"userName": "x@example.org", "title": "a\x00b"}, (400, "invalidValue")),
            ({"userName": "x@example.org", "externalId": "bob"}, (409, "uniqueness")),
            ({"userName": "ADA@example.org"}, (409, "uniqueness")),
            ([{"userName": "x@example.org"}], (400, "invalidValue")),
        ):
            assert await refusal(api, "POST", "/Users", body) == expected, body
    assert await refused(api, "PUT", "/Users/bob", {"userName": "ADA@example.org"}) == (409, "uniqueness")
    assert await refused(api, "POST", "/Users", content=b"{", headers={"Content-Type": "application/scim+json"}) == (
        400,
        "invalidSyntax",
    )
    async with unchanged(api):
        for operation, expected in (
            ({"op": "replace", "path": "userName", "value": "ADA@example.org"}, (409, "uniqueness")),
            ({"op": "remove", "path": "userName"}, (400, "mutability")),
            ({"op": "remove", "path": "emails"}, (400, "mutability")),
            ({"op": "replace", "path": "id", "value": "x"}, (400, "mutability")),
            ({"op": "replace", "path": "groups", "value": [{"value": ADMINISTRATORS}]}, (400, "mutability")),
            ({"op": "add", "path": "roles", "value": [{"value": "Administrator"}]}, (400, "mutability")),
            ({"op": "add", "path": "nope", "value": 1}, (400, "invalidPath")),
            ({"op": "add", "path": "name[", "value": 1}, (400, "invalidPath")),
            ({"op": "remove"}, (400, "noTarget")),
            ({"op": "move", "path": "title"}, (400, "invalidValue")),
            ({"op": "add", "path": "title"}, (400, "invalidValue")),
            ({"op": "replace", "path": "title", "value": {"a": 1}}, (400, "invalidValue")),
            ("x", (400, "invalidValue")),
        ):
            first = {"op": "replace", "path": "title", "value": "Dr"}
            assert await refusal(api, "PATCH", "/Users/bob", patch(first, operation)) == expected, operation
    async with unchanged(api):
        for operations in ([], "x", None, 5):
            status, _ = await refusal(api, "PATCH", "/Users/bob", {"schemas": [PATCH], "Operations": operations})
            assert status == 400
    async with unchanged(api):
        for path in (
            "/Users/a%2Fb",
            "/Users/%00",
            "/Users/%ff",
            "/Users/..",
            f"/Users/{'x' * 4000}",
            "/nope",
            "/Users/a/b",
        ):
            assert (await refusal(api, "GET", path))[0] == 404, path
    async with unchanged(api):
        for method, path in (("POST", "/Users/bob"), ("DELETE", "/Users"), ("PUT", "/Schemas"), ("GET", "/Bulk")):
            assert await refusal(api, method, path) == (405, None)


async def test_bodies_that_would_take_long(api: Newsroom) -> None:
    await make(api)
    many = [{"value": f"m{number}"} for number in range(1001)]
    title = {"op": "replace", "path": "title", "value": "Dr"}
    async with unchanged(api):
        for path, body in (
            ("/Users/ada", patch(*[title] * 101)),
            ("/Users/ada", patch({"op": "add", "path": "emails", "value": many})),
            (f"/Groups/{PUBLIC}", patch({"op": "remove", "path": "members", "value": many})),
            (f"/Groups/{PUBLIC}", patch(*[{"op": "remove", "path": "members", "value": many[:11]}] * 100)),
            (f"/Groups/{PUBLIC}", patch({"op": "add", "path": "members", "value": many * 25})),
        ):
            assert await refusal(api, "PATCH", path, body) == (400, "invalidValue")
        user = {"userName": "x@example.org", "emails": many}
        assert await refusal(api, "POST", "/Users", user) == (400, "invalidValue")


async def test_who_may_only_create_creates(api: Newsroom) -> None:
    await make(api)
    rights = {"role": 5, "collection": "directus_users", "create": "full", "read": "none"}
    await api.ask("POST", "/permissions", json=rights)
    answer = await api.ask("POST", "/scim/v2/Users", "nobody-token", json={"userName": "new@example.org"})
    assert (answer.status_code, answer.content) == (201, b"")
    assert await api.rows("SELECT email, status, role FROM directus_users WHERE id > 5 ORDER BY id") == [
        ("ada@example.org", "draft", None), ("new@example.org", "draft", None),
    ]  # fmt: skip
    assert await refused(api, "POST", "/Users", {"userName": "ada@example.org"}, token="nobody-token") == (
        409,
        "uniqueness",
    )
    await api.rows_away("directus_permissions", "role = 5")


async def test_the_policy_of_passwords_counts(api: Newsroom) -> None:
    [(key,)] = await api.rows(f"SELECT id FROM directus_settings WHERE {_key(api)} = 'password_policy'")
    await api.ask("PATCH", f"/settings/{key}", json={"value": "/^.{8,}$/"})
    try:
        assert await refused(api, "POST", "/Users", {"userName": "x@example.org", "password": "short"}) == (
            400,
            "invalidValue",
        )
        made = await ask(api, "POST", "/Users", {"userName": "x@example.org", "password": "long enough"})
        assert "password" not in made
    finally:
        await api.ask("PATCH", f"/settings/{key}", json={"value": ""})


def _key(api: Newsroom) -> str:
    return "`key`" if api.store.dialect == "mysql" else '"key"'


# --- GraphQL, configuration -------------------------------------------------------------------------------------------


async def test_the_same_in_graphql(api: Newsroom) -> None:
    created = await api.graphql(
        "mutation($user: JSON!) { scim_create_user(resource: $user) { json location version } }",
        user={"userName": "ada@example.org", "externalId": "ada"},
    )
    made = created["data"]["scim_create_user"]
    assert made["json"] == await ask(api, "GET", "/Users/ada")
    assert (made["location"], made["version"]) == (made["json"]["meta"]["location"], made["json"]["meta"]["version"])
    found = await api.graphql(
        """query($group: ID!, $schema: ID) {
             one: scim_user(id: "ada", attributes: ["userName"]) { json }
             me: scim_user(me: true) { location }
             many: scim_users(filter: "userName sw \\"ada\\"", count: 1) { json version }
             groups: scim_groups(sort_by: "displayName", count: 0) { json }
             group: scim_group(id: $group) { version }
             schemas: scim_schemas(id: $schema) { json } }""",
        group=PUBLIC,
        schema=ENTERPRISE,
    )
    data = found["data"]
    assert data["one"]["json"]["userName"] == "ada@example.org"
    assert data["me"]["location"].endswith(ADMIN)
    assert (data["many"]["json"]["totalResults"], data["many"]["version"]) == (1, None)
    assert data["groups"]["json"]["totalResults"] == 6
    assert data["schemas"]["json"]["id"] == ENTERPRISE
    stale = await api.graphql(
        'mutation { scim_patch_user(id: "ada", resource: {title: "Dr"}, if_match: "W/\\"x\\"") { json } }'
    )
    assert stale["data"] == {"scim_patch_user": None}
    assert stale["errors"][0]["extensions"]["kind"] == "VersionMismatch"
    wrong = await api.graphql('{ scim_users(filter: "nope pr") { json } }')
    assert wrong["errors"][0]["extensions"]["kind"] == "InvalidFilter"
    neither = await api.graphql("mutation { scim_delete_user { json } }")
    assert neither["errors"][0]["extensions"]["code"] == 4
    gone = await api.graphql('mutation { scim_delete_user(id: "ada") { json location version } }')
    assert gone["data"]["scim_delete_user"] == {"json": None, "location": None, "version": None}


async def test_the_forms_of_directus_8(api: Newsroom, monkeypatch: pytest.MonkeyPatch) -> None:
    config = api.projects.get("main").config
    tree = {**config.tree, "scim": {"compat": "v8", "external_id": "v8"}}
    with monkeypatch.context() as changed:
        changed.setattr(type(config), "get", lambda self, path, default=None: lookup(tree, path, default))
        made = await ask(api, "POST", "/Users", {"userName": "ada@example.org", "externalId": "ada"})
        assert made["id"] == "ada"
        assert [(made["externalId"],)] == await api.rows("SELECT id FROM directus_users WHERE external_id = 'ada'")
        for path, status in (("/Users?filter=nope", 422), ("/Users/nobody", 404), ("/nope", 404)):
            answer = await api.ask("GET", f"/scim/v2{path}")
            assert (answer.status_code, answer.json()["status"]) == (status, status)
            assert answer.json().keys() == {"schemas", "status", "detail"}
        answer = await api.ask("POST", "/scim/v2/Users", json={})
        assert (answer.status_code, answer.json()["status"]) == (422, 422)
