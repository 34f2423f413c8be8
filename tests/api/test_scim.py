"""SCIM 2.0 as identity providers use it, on the whole stack and three databases (access spec 14)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from urllib.parse import quote

import pytest

from tests.api.newsroom import Newsroom
from tests.api.provisioning import (
    ADMIN,
    ADMINISTRATORS,
    ENTERPRISE,
    PUBLIC,
    ask,
    emptied,
    everything,
    found,
    make,
    patch,
    provisioned,
    refusal,
    refused,
    row,
    unchanged,
)  # fmt: skip

LIST = "urn:ietf:params:scim:api:messages:2.0:ListResponse"


@pytest.fixture(scope="module")
async def server(dialect: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Newsroom]:
    async with provisioned(dialect, tmp_path_factory.mktemp("scim")) as found:
        yield found


@pytest.fixture
async def api(server: Newsroom) -> Newsroom:
    return await emptied(server)


# --- what providers do ------------------------------------------------------------------------------------------------


async def test_okta_provisions_a_user(api: Newsroom) -> None:
    asked = quote('userName eq "ada@example.org"')
    assert (await ask(api, "GET", f"/Users?filter={asked}&startIndex=1&count=100")) == {
        "schemas": [LIST], "startIndex": 1, "itemsPerPage": 0, "totalResults": 0, "Resources": [],
    }  # fmt: skip
    made = await ask(
        api,
        "POST",
        "/Users",
        {
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
            "userName": "ada@example.org",
            "name": {"givenName": "Ada", "familyName": "L"},
            "emails": [{"primary": True, "value": "ada@example.org", "type": "work"}],
            "displayName": "Ada L",
            "locale": "en-US",
            "externalId": "00ujl29u0le5T6Aj10h7",
            "groups": [],
            "password": "1mz050nq",
            "active": True,
        },
    )
    assert made["id"] == made["externalId"] == "00ujl29u0le5T6Aj10h7"
    assert made["meta"]["location"] == "http://api.example.com/main/scim/v2/Users/00ujl29u0le5T6Aj10h7"
    assert made["meta"]["created"] == made["meta"]["lastModified"]
    expected = {
        "userName": "ada@example.org", "name": {"familyName": "L", "givenName": "Ada"}, "displayName": "Ada L",
        "locale": "en-US", "preferredLanguage": "en-US", "timezone": "UTC", "active": True,
        "emails": [{"value": "ada@example.org", "type": "work", "primary": True}],
    }  # fmt: skip
    assert {name: made[name] for name in expected} == expected
    assert made.keys() == expected.keys() | {"schemas", "id", "externalId", "meta"}
    assert (
        await api.ask("POST", "/auth/authenticate", None, json={"email": "ada@example.org", "password": "1mz050nq"})
    ).is_success

    replaced = {**made, "name": {"givenName": "Ada", "familyName": "Lovelace"}, "title": "Countess"}
    changed = await ask(api, "PUT", f"/Users/{made['id']}", replaced)
    assert (changed["name"]["familyName"], changed["title"]) == ("Lovelace", "Countess")
    closed = await ask(api, "PATCH", f"/Users/{made['id']}", patch({"op": "replace", "value": {"active": False}}))
    assert closed["active"] is False
    assert await row(api, "status, title", made["id"]) == ("suspended", "Countess")
    assert await api.rows("SELECT id FROM directus_user_sessions") == []
    opened = await ask(api, "PATCH", f"/Users/{made['id']}", patch({"op": "replace", "value": {"active": True}}))
    assert opened["active"] is True
    assert [action for (action,) in await api.rows("SELECT action FROM directus_activity ORDER BY id")] == [
        "create", "authenticate", "update", "update", "status-update", "update", "status-update",
    ]  # fmt: skip


async def test_entra_provisions_users_and_groups(api: Newsroom) -> None:
    made = await ask(
        api,
        "POST",
        "/Users",
        {
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User", ENTERPRISE],
            "externalId": "58342554-38d6-4ec8-948c-50044d0a33fd",
            "userName": "bob@example.org",
            "active": True,
            "displayName": "Bob B",
            "emails": [{"primary": True, "type": "work", "value": "bob@example.org"}],
            "meta": {"resourceType": "User"},
            "name": {"formatted": "Bob B", "familyName": "B", "givenName": "Bob"},
            "phoneNumbers": [{"type": "work", "value": "1"}],
            ENTERPRISE: {"organization": "ACME", "department": "left out"},
        },
    )
    own = made["id"]
    assert made[ENTERPRISE] == {"organization": "ACME"}
    changed = await ask(
        api,
        "PATCH",
        f"/Users/{own}",
        patch(
            {"op": "Replace", "path": 'emails[type eq "work"].value', "value": "robert@example.org"},
            {"op": "Replace", "path": "name.familyName", "value": "Builder"},
            {"op": "Add", "path": f"{ENTERPRISE}:manager", "value": "26118915"},
            {"op": "Add", "path": "displayName", "value": "left out"},
            {"op": "Replace", "path": "externalId", "value": "left-out"},
            {"op": "Replace", "value": {"name.givenName": "Robert", f"{ENTERPRISE}:organization": "Fix It"}},
            {"op": "Replace", "path": "active", "value": "False"},
        ),
    )
    assert (changed["id"], changed["userName"], changed["displayName"]) == (own, "robert@example.org", "Robert Builder")
    assert (changed["active"], changed[ENTERPRISE]) == (False, {"organization": "Fix It"})
    assert await row(api, "email, company, status, external_id", own) == (
        "robert@example.org", "Fix It", "suspended", own,
    )  # fmt: skip

    group = await ask(api, "POST", "/Groups", {"displayName": "Builders", "externalId": "8aa1a0c0"})
    assert (group["id"], group["members"]) == ("8aa1a0c0", [])
    assert await found(api, 'displayName eq "builders"', "Groups") == ["Builders"]
    added = await ask(
        api, "PATCH", "/Groups/8aa1a0c0", patch({"op": "Add", "path": "members", "value": [{"value": own}]})
    )
    assert added["members"] == [
        {
            "value": own,
            "$ref": f"http://api.example.com/main/scim/v2/Users/{own}",
            "display": "Robert Builder",
            "type": "User",
        }
    ]
    user = await ask(api, "GET", f"/Users/{own}")
    assert user["groups"] == [
        {
            "value": "8aa1a0c0",
            "$ref": "http://api.example.com/main/scim/v2/Groups/8aa1a0c0",
            "display": "Builders",
            "type": "direct",
        }
    ]
    assert user["roles"] == [{"value": "Builders", "primary": True}]
    for operation in (
        {"op": "remove", "path": f'members[value eq "{own}"]'},
        {"op": "Remove", "path": "members", "value": [{"value": own}]},
        {"op": "remove", "path": "members"},
    ):
        await ask(api, "PATCH", "/Groups/8aa1a0c0", patch({"op": "add", "path": "members", "value": [{"value": own}]}))
        gone = await ask(api, "PATCH", "/Groups/8aa1a0c0", patch(operation))
        assert gone["members"] == []
        assert await row(api, "role", own) == (None,)
    renamed = await ask(api, "PATCH", "/Groups/8aa1a0c0", patch({"op": "Replace", "value": {"displayName": "Masons"}}))
    assert renamed["displayName"] == "Masons"
    assert await ask(api, "DELETE", "/Groups/8aa1a0c0") is None
    assert await refused(api, "GET", "/Groups/8aa1a0c0") == (404, None)


async def test_a_member_has_one_group(api: Newsroom) -> None:
    for name in ("ada", "bob", "eve"):
        await make(api, name)
    first = await ask(api, "POST", "/Groups", {"displayName": "One", "id": "one", "members": [{"value": "ada"}]})
    assert [one["value"] for one in first["members"]] == ["ada"]
    members = [{"value": "ada"}, {"value": "bob"}, {"value": "bob"}]
    second = await ask(api, "POST", "/Groups", {"displayName": "Two", "externalId": "two", "members": members})
    assert [one["value"] for one in second["members"]] == ["ada", "bob"]
    assert (await ask(api, "GET", "/Groups/one"))["members"] == []
    kept = await ask(api, "PUT", "/Groups/two", {"displayName": "Two!"})
    assert (kept["displayName"], len(kept["members"])) == ("Two!", 2)
    replaced = await ask(api, "PUT", "/Groups/two", {"displayName": "Two", "members": [{"value": "eve"}]})
    assert [one["value"] for one in replaced["members"]] == ["eve"]
    assert await row(api, "role", "ada") == (None,)
    cleared = await ask(api, "PATCH", "/Groups/two", patch({"op": "replace", "path": "members", "value": []}))
    assert cleared["members"] == []
    unknown = {"op": "add", "path": "members", "value": [{"value": "ada"}, {"value": "nobody"}]}
    assert await refused(api, "PATCH", "/Groups/two", patch(unknown)) == (400, "invalidValue")
    nested = {"op": "add", "path": "members", "value": [{"value": "one", "type": "Group"}]}
    assert await refused(api, "PATCH", "/Groups/two", patch(nested)) == (400, "invalidValue")
    named = {"op": "replace", "path": 'members[value eq "ada"].display', "value": "x"}
    assert (await refused(api, "PATCH", "/Groups/two", patch(named)))[0] == 400
    assert await refused(api, "POST", "/Groups", {"displayName": "Two"}) == (409, "uniqueness")


async def test_directus_8_clients_merge(api: Newsroom) -> None:
    made = await ask(api, "POST", "/Users", {"userName": "ada@example.org", "externalId": "ada"})
    assert made["active"] is False
    assert await row(api, "status, role, password", "ada") == ("draft", None, None)
    await ask(api, "PATCH", "/Users/ada", {"name": {"givenName": "Ada"}, "title": "Dr"})
    changed = await ask(api, "PATCH", "/Users/ada", {"name": {"familyName": "L"}, "active": False, "id": "x"})
    assert (changed["id"], changed["name"], changed["title"]) == ("ada", {"familyName": "L", "givenName": None}, "Dr")
    assert await row(api, "status", "ada") == ("draft",)
    group = await ask(api, "PATCH", f"/Groups/{PUBLIC}", {"displayName": "Everybody"})
    assert group["displayName"] == "Everybody"
    await ask(api, "PATCH", f"/Groups/{PUBLIC}", {"displayName": "Public"})


async def test_replacing_clears_but_what_nobody_may_lose(api: Newsroom) -> None:
    await make(
        api, name={"givenName": "Ada"}, title="Dr", locale="de-DE", timezone="Europe/Berlin", active=True,
        password="secret", **{ENTERPRISE: {"organization": "ACME"}},
    )  # fmt: skip
    await ask(api, "POST", "/Groups", {"displayName": "One", "externalId": "one", "members": [{"value": "ada"}]})
    before = await row(api, "password, role, status", "ada")
    cleared = await ask(api, "PUT", "/Users/ada", {"userName": "ada@example.org"})
    assert cleared.keys() == {
        "schemas", "id", "externalId", "userName", "timezone", "active", "emails", "groups", "roles", "locale", "meta",
    }  # fmt: skip
    assert (cleared["timezone"], cleared["locale"]) == ("UTC", None)
    assert await row(api, "password, role, status", "ada") == before
    assert before[2] == "active"
    assert await refused(api, "PUT", "/Users/ada", {"title": "Dr"}) == (400, "invalidValue")
    several = [{"value": "a@example.org"}, {"value": "b@example.org", "primary": True}, {"value": "c@example.org"}]
    assert (await ask(api, "PUT", "/Users/ada", {"userName": "x@example.org", "emails": several}))["userName"] == (
        "b@example.org"
    )
    last = [{"value": "a@example.org"}, {"value": "c@example.org"}]
    assert (await ask(api, "PATCH", "/Users/ada", {"emails": last}))["userName"] == "c@example.org"


async def test_a_deleted_user_comes_back_with_nothing_that_opens_doors(api: Newsroom) -> None:
    await make(api, name={"givenName": "Ada"}, active=True, password="secret")
    await ask(api, "POST", "/Groups", {"displayName": "One", "externalId": "one", "members": [{"value": "ada"}]})
    await api.ask("POST", "/auth/authenticate", None, json={"email": "ada@example.org", "password": "secret"})
    assert len(await api.rows("SELECT id FROM directus_user_sessions")) == 1
    [(key,)] = await api.rows("SELECT id FROM directus_users WHERE external_id = 'ada'")
    await api.ask("PATCH", f"/users/{key}", json={"token": "ada-token"})
    assert await ask(api, "DELETE", "/Users/ada") is None
    assert await row(api, "status, token", "ada") == ("deleted", None)
    assert await api.rows("SELECT id FROM directus_user_sessions") == []
    async with unchanged(api):
        for method in ("GET", "DELETE"):
            assert await refusal(api, method, "/Users/ada") == (404, None)
    assert await refused(api, "PATCH", "/Users/ada", patch({"op": "replace", "path": "active", "value": True})) == (
        404,
        None,
    )
    assert await found(api, 'userName sw "ada"') == []
    assert (await ask(api, "GET", "/Groups/one"))["members"] == []
    back = await ask(api, "POST", "/Users", {"userName": "ADA@example.org", "active": True})
    assert (back["id"], back["userName"], back["active"]) == ("ada", "ADA@example.org", True)
    assert await row(api, "id, role, password, first_name", "ada") == (key, None, None, None)
    await ask(api, "DELETE", "/Users/ada")
    back = await ask(api, "POST", "/Users", {"userName": "other@example.org", "externalId": "ada"})
    assert (back["id"], back["active"]) == ("ada", False)


# --- reading ----------------------------------------------------------------------------------------------------------


FILTERS = {
    'userName eq "ADA@example.org"': ["ada"],
    'USERNAME Eq "ada@example.org"': ["ada"],
    'urn:ietf:params:scim:schemas:core:2.0:User:userName eq "ada@example.org"': ["ada"],
    'userName ne "ada@example.org" and externalId pr': ["bob", "e_e"],
    'userName sw "e_" and externalId pr': ["e_e"],
    'userName co "%" or userName ew "!"': [],
    'emails eq "bob@example.org"': ["bob"],
    'emails.value co "OB@"': ["bob"],
    'emails[type eq "work" and value co "ada"]': ["ada"],
    'emails[type eq "home" and value co "ada"]': [],
    'emails[type eq "work"].value eq "bob@example.org"': ["bob"],
    "emails[primary eq false]": [],
    'name.givenName eq "ada"': ["ada"],
    'name.familyName eq "King Noel"': ["ada"],
    'displayName eq "Ada King Noel"': ["ada"],
    'displayName co "a King"': ["ada"],
    'displayName sw "ada k"': ["ada"],
    'displayName ew "g Noel"': ["ada"],
    'name.formatted eq "bob"': ["bob"],
    'displayName eq "Ada"': [],
    'externalId pr and not (title pr) and not (title eq "Dr")': ["bob", "e_e"],
    'externalId pr and title ne "Dr"': ["bob", "e_e"],
    'title eq "dr"': ["ada"],
    "externalId pr and title eq null": ["bob", "e_e"],
    'externalId pr and (title eq "Dr" or name.givenName eq "Bob")': ["ada", "bob"],
    'externalId pr and title eq "Dr" or name.givenName eq "Bob"': ["ada", "bob"],
    'title ge "Dr" and title le "Dr"': ["ada"],
    "externalId pr and active eq true": ["ada"],
    "externalId pr and active ne true": ["bob", "e_e"],
    'externalId pr and active eq "False"': ["bob", "e_e"],
    'locale eq "de-DE" or preferredLanguage eq "fr-FR"': ["ada"],
    'timezone eq "Europe/Berlin"': ["ada"],
    f'{ENTERPRISE}:organization eq "acme"': ["ada"],
    'id eq "ada"': ["ada"],
    'id eq "ADA_"': [],
    f'id eq "{ADMIN}"': ["admin"],
    f'id eq "{ADMINISTRATORS}"': [],
    'externalId eq "bob"': ["bob"],
    'externalId sw "bo"': ["bob"],
    "id eq 1": ["admin"],
    'id eq "2"': ["editor"],
    'groups.value eq "one"': ["bob"],
    'groups[display eq "ONE"]': ["bob"],
    'roles.value eq "one"': ["bob"],
    'externalId pr and not (groups.value eq "one")': ["ada", "e_e"],
    'meta.resourceType eq "user" and externalId pr': ["ada", "bob", "e_e"],
    'meta.resourceType eq "Group"': [],
    'meta.location ew "x" or meta.location eq "http://api.example.com/main/scim/v2/Users/bob"': None,
    'meta.location eq "http://api.example.com/main/scim/v2/Users/bob"': ["bob"],
    'meta.created gt "2020-01-01T00:00:00Z"': ["ada", "bob", "e_e"],
    'meta.lastModified ge "2020-01-01T00:00:00+02:00" and title pr': ["ada"],
    'meta.lastModified lt "2020-01-01T00:00:00Z"': [],
    'not (meta.created gt "2020-01-01T00:00:00Z") and userName sw "admin"': ["admin"],
}  # fmt: skip


async def test_filters(api: Newsroom) -> None:
    await make(
        api, name={"givenName": "Ada", "familyName": "King Noel"}, title="Dr", locale="de-DE", timezone="Europe/Berlin",
        active=True, **{ENTERPRISE: {"organization": "ACME"}},
    )  # fmt: skip
    await make(api, "bob", name={"givenName": "Bob"})
    await make(api, "e_e")
    await ask(api, "POST", "/Groups", {"displayName": "One", "externalId": "one", "members": [{"value": "bob"}]})
    wrong = {}
    async with unchanged(api):
        for text, expected in FILTERS.items():
            if expected is None:
                assert await refusal(api, "GET", f"/Users?filter={quote(text)}") == (400, "invalidFilter")
            elif (names := await found(api, text)) != expected:
                wrong[text] = names
    assert wrong == {}
    assert await found(api, 'members.value eq "bob"', "Groups") == ["One"]
    assert await found(api, 'members[value eq "bob" and display sw "b"]', "Groups") == ["One"]
    assert await found(api, 'members eq "nobody"', "Groups") == []
    assert await found(api, f'id eq "{PUBLIC}"', "Groups") == ["Public"]


async def test_ids_that_are_numbers_come_before_numbers(api: Newsroom) -> None:
    made = await ask(api, "POST", "/Users", {"userName": "one@example.org", "externalId": "1"})
    assert made["id"] == "1"
    assert await found(api, 'id eq "1"') == ["one"]
    assert (await ask(api, "GET", "/Users/1"))["userName"] == "one@example.org"
    assert await refused(api, "GET", "/Users/2") == (404, None)


HOSTILE = (
    "userName", "userName eq", "eq", 'userName xx "a"', 'userName eq "a', "userName eq a b", "(" * 500, ")", "not",
    'nope eq "x"', 'urn:x:y:userName eq "x"', 'password eq "x"', "password pr", 'status eq "active"', 'email eq "x"',
    'role eq 1', 'token sw "a"', 'directus_users.id eq "1"', 'userName eq "a\\u0000b"', 'userName eq "\\ud800"',
    "userName eq true", "userName gt null", "active gt true", "active co true", 'active eq "x"', 'groups.x eq "a"',
    'meta.lastModified gt "yesterday"', "meta.lastModified gt 5", 'meta.version eq "x"', 'displayName gt "a"',
    'emails[nope eq "x"]', 'title[value eq "x"]', 'members.value eq "x"', 'emails[value[type eq "x"]]',
    " or ".join(["title pr"] * 201), "not (" * 40 + "title pr" + ")" * 40, 'title eq "' + "x" * 9000 + '"',
    "userName eq 1e999", 'displayName eq "' + "a " * 20 + '"', "title pr; DROP TABLE directus_users",
)  # fmt: skip


async def test_filters_that_mean_nothing(api: Newsroom) -> None:
    before = await everything(api)
    answers = {text: await api.ask("GET", f"/scim/v2/Users?filter={quote(text)}") for text in HOSTILE}
    told = {text: (one.status_code, one.json().get("scimType")) for text, one in answers.items()}
    assert told == dict.fromkeys(HOSTILE, (400, "invalidFilter"))
    assert await everything(api) == before


async def test_filters_as_deep_as_can_be(api: Newsroom) -> None:
    deep = "not (" * 31 + 'groups.display eq "x" or groups.value eq "y"' + ")" * 31
    assert len(await found(api, deep)) == 5
    wide = " or ".join([f'groups.value eq "{number}"' for number in range(200)])
    assert await found(api, wide) == []
    quoted = 'userName eq "\'; DROP TABLE directus_users; --"'
    assert await found(api, quoted) == []


async def test_pages(api: Newsroom) -> None:
    for name in ("ada", "bob", "eve"):
        await make(api, name)
    one = "/Users?sortBy=userName&filter=externalId%20pr"
    for query, start, names in (
        ("count=2", 1, ["ada", "bob"]),
        ("count=2&startIndex=3", 3, ["eve"]),
        ("startIndex=0&count=1", 1, ["ada"]),
        ("startIndex=-7&count=1", 1, ["ada"]),
        ("startIndex=9", 9, []),
        ("count=0", 1, []),
        ("count=-1", 1, []),
        ("count=99999999999999999999", 1, ["ada", "bob", "eve"]),
        ("startIndex=99999999999999999999", 2147483647, []),
        ("sortOrder=descending&count=1", 1, ["eve"]),
    ):
        answer = await ask(api, "GET", f"{one}&{query}")
        shown = [entry["userName"].partition("@")[0] for entry in answer["Resources"]]
        assert (answer["startIndex"], answer["itemsPerPage"], shown) == (start, len(names), names), query
        assert answer["totalResults"] == 3
    async with unchanged(api):
        for query in ("count=x", "startIndex=1.5", "count=", "count[]=1", "sortBy=nope", "sortBy=password"):
            status, _ = await refusal(api, "GET", f"/Users?{query}")
            assert status == 400, query
    assert await refused(api, "GET", "/Users?sortBy=userName&sortOrder=up") == (400, "invalidFilter")


async def test_what_is_shown(api: Newsroom) -> None:
    await make(api, name={"givenName": "Ada", "familyName": "L"}, title="Dr")
    shown = await ask(api, "GET", "/Users/ada?attributes=name.givenName,TITLE,nope")
    assert shown == {
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "id": "ada", "name": {"givenName": "Ada"},
        "title": "Dr",
    }  # fmt: skip
    shown = await ask(api, "GET", "/Users/ada?attributes=name.formatted,emails.value,password")
    assert shown.keys() == {"schemas", "id", "name", "emails"}
    assert (shown["name"], shown["emails"]) == ({"formatted": "Ada L"}, [{"value": "ada@example.org"}])
    shown = await ask(api, "GET", "/Users/ada?excludedAttributes=name.familyName,emails,meta,id,schemas,title")
    assert shown["name"] == {"givenName": "Ada"}
    assert {"id", "schemas"} <= shown.keys()
    assert not {"emails", "meta", "title"} & shown.keys()
    made = await ask(api, "POST", "/Users?attributes=userName", {"userName": "b@example.org", "externalId": "b"})
    assert made.keys() == {"schemas", "id", "userName"}
    answer = await api.ask("GET", f"/scim/v2/Groups/{ADMINISTRATORS}?excludedAttributes=members")
    assert "members" not in answer.json()
    assert "etag" not in answer.headers
    assert "version" not in answer.json()["meta"]


async def test_searching_everywhere(api: Newsroom) -> None:
    await make(api)
    search = {"filter": 'externalId eq "ada" or displayName eq "Editor"', "attributes": ["userName", "displayName"]}
    answer = await ask(api, "POST", "/.search", search)
    assert [(one.get("userName"), one.get("displayName")) for one in answer["Resources"]] == [
        ("ada@example.org", None), (None, "Editor"),
    ]  # fmt: skip
    second = await ask(api, "POST", "/.search", {**search, "startIndex": 2, "count": 1})
    assert (second["totalResults"], [one.get("displayName") for one in second["Resources"]]) == (2, ["Editor"])
    assert len((await ask(api, "POST", "/Users/.search", {"filter": "userName pr"}))["Resources"]) == 6
    assert len((await ask(api, "POST", "/Groups/.search", {"count": 1}))["Resources"]) == 1
    async with unchanged(api):
        for wrong in ({"filter": 'nope eq "x"'}, {"filter": 5}, {"count": "x"}, {"attributes": 5}, {"sortBy": ["x"]}):
            assert (await refusal(api, "POST", "/.search", wrong))[0] == 400
    assert await refused(api, "POST", "/.search", [wrong]) == (400, "invalidValue")
