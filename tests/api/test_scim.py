"""SCIM 2.0 as identity providers use it and as attackers do, at both doors, on three databases (access spec 14)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from functools import partial
from typing import Any
from urllib.parse import quote

import pytest
import sqlalchemy as sa

from core.settings.tree import lookup
from tests.api.newsroom import Newsroom, newsroom
from tests.backends import fresh_database

ERROR = "urn:ietf:params:scim:api:messages:2.0:Error"
LIST = "urn:ietf:params:scim:api:messages:2.0:ListResponse"
PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
ADMIN = "7ab0a001-0000-8000-8000-000000000001"
"""The id of user 1, who has no `external_id`."""
ADMINISTRATORS, PUBLIC = "7ab0a002-0000-8000-8000-000000000001", "7ab0a002-0000-8000-8000-000000000002"
TABLES = ("directus_users", "directus_roles", "directus_activity", "directus_revisions", "directus_permissions")
SEEDED = 4
"""Users 1 to 4 and roles 1 to 5 are the newsroom's; the member of `member-token` and his role come on top."""


@pytest.fixture(scope="module")
async def server(dialect: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Newsroom]:
    folder = tmp_path_factory.mktemp("scim")
    with fresh_database(dialect, folder) as url:
        async with newsroom(url, folder / "data") as found:
            await found.hire()
            for name in ("directus_users", "directus_roles"):
                await found.store.run_sync(partial(_forget_ids, name))
            yield found


def _forget_ids(name: str, connection: sa.Connection) -> None:
    """As Directus 8 and SQL leave rows."""
    connection.execute(sa.text(f"UPDATE {name} SET external_id = NULL"))


@pytest.fixture
async def api(server: Newsroom) -> Newsroom:
    await server.rows_away("directus_users", "id > 5")
    await server.rows_away("directus_roles", "id > 6")
    await server.rows_away("directus_permissions", "role > 6")
    await server.rows_away("directus_revisions", "id > 0")
    await server.rows_away("directus_activity", "id > 0")
    return server


async def ask(api: Newsroom, method: str, path: str, body: Any = None, **more: Any) -> Any:
    """The body of an answer that is a success, None of one without a body."""
    answer = await api.ask(method, f"/scim/v2{path}", **({} if body is None else {"json": body}), **more)
    assert answer.status_code < 300, answer.text
    if not answer.content:
        return None
    assert answer.headers["content-type"] == "application/scim+json;charset=utf-8"
    return answer.json()


async def refused(api: Newsroom, method: str, path: str, body: Any = None, **more: Any) -> tuple[int, str | None]:
    """Status and keyword of a refusal that has changed nothing."""
    before = await everything(api)
    answer = await api.ask(method, f"/scim/v2{path}", **({} if body is None else {"json": body}), **more)
    assert await everything(api) == before
    assert answer.headers["content-type"] == "application/scim+json", answer.text
    found = answer.json()
    assert found["schemas"] == [ERROR]
    assert found["status"] == str(answer.status_code)
    assert found["detail"]
    return answer.status_code, found.get("scimType")


async def everything(api: Newsroom) -> Any:
    return [await api.rows(f"SELECT * FROM {name} ORDER BY id") for name in TABLES]


async def make(api: Newsroom, own: str = "ada", /, **more: Any) -> Any:
    """A new user with this id."""
    return await ask(api, "POST", "/Users", {"userName": f"{own}@example.org", "externalId": own, **more})


async def row(api: Newsroom, columns: str, own: str) -> Any:
    [found] = await api.rows(f"SELECT {columns} FROM directus_users WHERE external_id = '{own}'")
    return tuple(found)


async def found(api: Newsroom, text: str, kind: str = "Users", **more: Any) -> list[str]:
    """The names of what a filter finds."""
    answer = await ask(api, "GET", f"/{kind}?filter={quote(text)}", **more)
    assert answer["totalResults"] == len(answer["Resources"])
    return [one["userName" if kind == "Users" else "displayName"].partition("@")[0] for one in answer["Resources"]]


def patch(*operations: Any) -> Any:
    return {"schemas": [PATCH], "Operations": list(operations)}


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
    for method in ("GET", "DELETE"):
        assert await refused(api, method, "/Users/ada") == (404, None)
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
    for text, expected in FILTERS.items():
        if expected is None:
            assert await refused(api, "GET", f"/Users?filter={quote(text)}") == (400, "invalidFilter")
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
    for query in ("count=x", "startIndex=1.5", "count=", "count[]=1", "sortBy=nope", "sortBy=password"):
        status, _ = await refused(api, "GET", f"/Users?{query}")
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
    for wrong in ({"filter": 'nope eq "x"'}, {"filter": 5}, {"count": "x"}, {"attributes": 5}, {"sortBy": ["x"]}):
        assert (await refused(api, "POST", "/.search", wrong))[0] == 400
    assert await refused(api, "POST", "/.search", [wrong]) == (400, "invalidValue")


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
    for condition in ('W/"x"', '"x", "y"', "x"):
        for method, body in (("PATCH", change), ("PUT", {"userName": "b@example.org"}), ("DELETE", None)):
            headers = {"If-Match": condition}
            assert await refused(api, method, "/Users/ada", body, headers=headers) == (412, None)
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
    before = await everything(api)
    answer = await ask(api, "POST", "/Bulk", {"Operations": circle})
    assert [one["status"] for one in answer["Operations"]] == ["400", "400"]
    assert await everything(api) == before
    one = {"method": "DELETE", "path": "/Users/nobody"}
    for body, refusal in (
        ({}, (400, "invalidSyntax")),
        ({"Operations": 5}, (400, "invalidSyntax")),
        ({"Operations": [one] * 1001}, (400, "tooMany")),
        ({"Operations": [one], "failOnErrors": "x"}, (400, "invalidValue")),
        ({"Operations": [], "x": "x" * 1_048_576}, (413, None)),
    ):
        assert await refused(api, "POST", "/Bulk", body) == refusal


async def test_a_long_chain_of_references(api: Newsroom) -> None:
    chain = [
        {"method": "POST", "path": "/Users", "bulkId": f"b{number}", "data": {"userName": f"bulkId:b{number + 1}"}}
        for number in range(999)
    ]
    last = {"method": "POST", "path": "/Users", "bulkId": "b999", "data": {"userName": "nobody"}}
    answer = await ask(api, "POST", "/Bulk", {"Operations": [*chain, last]})
    assert {one["status"] for one in answer["Operations"]} == {"400"}
    assert len(answer["Operations"]) == 1000


# --- rights -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("token", "status"), [(None, 401), ("nobody-token", 403)])
async def test_who_may_nothing_does_nothing(api: Newsroom, token: str | None, status: int) -> None:
    await make(api)
    await ask(api, "POST", "/Groups", {"displayName": "One", "externalId": "one"})
    added = patch({"op": "add", "path": "members", "value": [{"value": "ada"}]})
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
        assert await refused(api, method, path, body, token=token) == (status, None), (method, path)
    for path in ("/Me",):
        assert (await refused(api, "GET", path, token=token))[0] == status
    before = await everything(api)
    bulk = {"Operations": [{"method": "DELETE", "path": "/Users/ada"}, {"method": "DELETE", "path": "/Groups/one"}]}
    answer = await ask(api, "POST", "/Bulk", bulk, token=token)
    assert {one["status"] for one in answer["Operations"]} == {str(status)}
    assert await everything(api) == before
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
    for method, path, body in (
        ("POST", "/Users", {"userName": "new@example.org"}),
        ("PATCH", "/Users/ada", {"title": "x"}),
        ("DELETE", "/Users/ada", None),
        ("DELETE", "/Me", None),
        ("PATCH", "/Me", {"active": False}),
        ("POST", "/Groups", {"displayName": "New"}),
    ):
        status, _ = await refused(api, method, path, body, token="member-token")
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
        assert await refused(api, method, path, body, token="nobody-token") == (403, None), (method, path)
    moved = patch({"op": "add", "path": "members", "value": [{"value": made["id"]}]})
    one = await ask(api, "POST", "/Groups", {"displayName": "One"}, token="nobody-token")
    await ask(api, "PATCH", f"/Groups/{one['id']}", moved, token="nobody-token")
    await api.rows_away("directus_permissions", "role = 5")
    await api.ask("POST", "/permissions", json={"role": 5, "collection": "tokens"})


async def test_the_last_admin_stays(api: Newsroom) -> None:
    for method, path, body in (
        ("DELETE", f"/Users/{ADMIN}", None),
        ("PATCH", f"/Users/{ADMIN}", patch({"op": "replace", "path": "active", "value": False})),
        ("PATCH", f"/Groups/{ADMINISTRATORS}", patch({"op": "remove", "path": "members"})),
        ("PUT", f"/Groups/{ADMINISTRATORS}", {"displayName": "Administrator", "members": []}),
    ):
        assert await refused(api, method, path, body) == (403, None), (method, path)
    for role in (ADMINISTRATORS, PUBLIC):
        assert await refused(api, "DELETE", f"/Groups/{role}") == (401, None)
    assert (await ask(api, "GET", "/Me"))["id"] == ADMIN


# --- input that cannot be ---------------------------------------------------------------------------------------------


async def test_values_that_cannot_be(api: Newsroom) -> None:
    await make(api)
    await make(api, "bob")
    for body, refusal in (
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
        assert await refused(api, "POST", "/Users", body) == refusal, body
    assert await refused(api, "PUT", "/Users/bob", {"userName": "ADA@example.org"}) == (409, "uniqueness")
    assert await refused(api, "POST", "/Users", content=b"{", headers={"Content-Type": "application/scim+json"}) == (
        400,
        "invalidSyntax",
    )
    for operation, refusal in (
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
        assert await refused(api, "PATCH", "/Users/bob", patch(first, operation)) == refusal, operation
    for operations in ([], "x", None, 5):
        status, _ = await refused(api, "PATCH", "/Users/bob", {"schemas": [PATCH], "Operations": operations})
        assert status == 400
    for path in (
        "/Users/a%2Fb",
        "/Users/%00",
        "/Users/%ff",
        "/Users/..",
        f"/Users/{'x' * 4000}",
        "/nope",
        "/Users/a/b",
    ):
        assert (await refused(api, "GET", path))[0] == 404, path
    for method, path in (("POST", "/Users/bob"), ("DELETE", "/Users"), ("PUT", "/Schemas"), ("GET", "/Bulk")):
        assert await refused(api, method, path) == (405, None)


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
