"""@directus/sdk-js 6.3.0 against a live server: every public method, as an admin and as a limited role, with tokens and

with cookies (clients spec 1). The expected answers are what the spec says that callers read. Three databases.
"""

from __future__ import annotations

from base64 import b64decode
from collections.abc import AsyncIterator
from dataclasses import dataclass
from io import BytesIO

import pytest
from PIL import Image

from tests.api.app_calls import PICTURE
from tests.api.newsroom import Newsroom, newsroom
from tests.backends import fresh_database
from tests.nodes import Refused, Sdk, modules, sdk
from tests.projects import ADMIN_EMAIL, ADMIN_PASSWORD
from tests.sockets import served

PASSWORD = "a member's pass-phrase"
MEMBER = "member@example.org"
NOT_FOUND, NOT_READ = (404, 203), (403, 300)


@dataclass(slots=True)
class Room:
    """A live server, the id of the member, and which methods of the SDK were called by whom."""

    news: Newsroom
    address: str
    member: int
    role: int
    called: dict[str, set[str]]
    methods: set[str]


@pytest.fixture(scope="module")
async def room(dialect: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Room]:
    modules("@directus/sdk-js")
    folder = tmp_path_factory.mktemp("sdk")
    with fresh_database(dialect, folder) as url:
        async with newsroom(url, folder / "data") as found, served(found.app) as address:
            member = await found.hire()
            [(role,)] = await found.rows(f"SELECT role FROM directus_users WHERE id = {member}")
            body = {"password": PASSWORD}
            assert (await found.ask("PATCH", f"/users/{member}", json=body)).status_code == 200
            rights = {"create": "full", "read": "full", "update": "mine", "delete": "mine", "comment": "update"}
            rows = [{"role": role, "collection": name, **rights} for name in ("articles", "people")]
            assert (await found.ask("POST", "/permissions", json=rows)).status_code == 200
            yield Room(found, address, member, role, {"admin": set(), "member": set()}, set())


@pytest.fixture(params=["jwt", "cookie"])
async def admin(request: pytest.FixtureRequest, room: Room) -> AsyncIterator[Sdk]:
    """An admin who is signed in, on fresh rows."""
    await room.news.refill()
    async with sdk(room.address, mode=request.param) as found:
        room.methods |= set(await found.ask("own", "methods"))
        told = await found.login({"email": ADMIN_EMAIL, "password": ADMIN_PASSWORD})
        assert told["data"]["user"]["id"] == "1"
        yield found
        room.called["admin"] |= found.called
    room.news.dirty = True


@pytest.fixture(params=["jwt", "cookie"])
async def member(request: pytest.FixtureRequest, room: Room) -> AsyncIterator[Sdk]:
    """A member of a role like a new one, with some rights on articles and people, on fresh rows."""
    await room.news.refill()
    async with sdk(room.address, mode=request.param) as found:
        await found.login({"email": MEMBER, "password": PASSWORD})
        yield found
        room.called["member"] |= found.called
    room.news.dirty = True


# --- signing in and out -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["jwt", "cookie"])
async def test_signing_in_and_out(room: Room, mode: str) -> None:
    async with sdk(room.address, mode=mode) as client:
        assert await client.isLoggedIn() is False
        assert await client.refused("login", {"email": MEMBER, "password": "wrong"}) == (404, 100)
        assert await client.isLoggedIn() is False
        told = await client.login({"email": MEMBER, "password": PASSWORD})
        assert told["data"]["user"]["email"] == MEMBER
        token, cookies = await client.ask("own", "token"), await client.ask("own", "cookies")
        if mode == "jwt":
            assert (token, cookies) == (told["data"]["token"], {})
        else:
            assert (token, list(cookies)) == (None, ["directus-main-session"])
        assert await client.isLoggedIn() is True
        assert (await client.getMe({"fields": "id"}))["data"] == {"id": room.member}
        await client.logout()
        assert await client.ask("own", "token") is None
        assert await client.isLoggedIn() is False
        assert await client.refused("getMe") == (401, 3)
        await client.logout()  # answers 2xx without a session as well, or the client would keep its token
        room.called["member"] |= client.called


async def test_a_token_is_renewed_and_outlives_the_client(room: Room) -> None:
    options = {"mode": "jwt", "persist": True}
    async with sdk(room.address, **options) as client:
        told = await client.login({"email": MEMBER, "password": PASSWORD, "persist": True})
        first = told["data"]["token"]
        payload = await client.ask("api", "getPayload", first)
        assert {"id": payload["id"], "type": payload["type"], "project": payload["project"]} == {
            "id": room.member, "type": "auth", "project": "main",
        }  # fmt: skip
        assert payload["exp"].endswith("Z")  # a Date of the SDK's: the claim is a number
        await client.ask("own", "requested", "/auth/refresh")  # by its timer
        renewed = await client.refresh(await client.ask("own", "token"))
        assert (await client.ask("api", "getPayload", renewed["data"]["token"]))["id"] == room.member
        await client.ask("own", "requests")
        await client.refreshIfNeeded()
        assert "POST /auth/refresh" in " ".join(await client.ask("own", "requests"))
        kept = (await client.ask("own", "kept"))["directus-sdk-js"]
        assert (kept["project"], kept["mode"], kept["token"]) == ("main", "jwt", await client.ask("own", "token"))
        await client.ask("own", "again")
        assert await client.isLoggedIn() is True
        assert (await client.getMe({"fields": "id"}))["data"] == {"id": room.member}
        await client.reset()  # which does not wait for the end of its own logout
        await client.logout()
        assert "token" not in (await client.ask("own", "kept"))["directus-sdk-js"]
        assert await client.isLoggedIn() is False
        assert await client.refused("refresh", "no token") == (401, 101)
        for called in room.called.values():
            called |= client.called


async def test_a_forgotten_password(room: Room) -> None:
    async with sdk(room.address, mode="jwt") as client:
        assert await client.requestPasswordReset("nobody@example.org") == {"public": True}
        assert await client.refused("requestPasswordReset", "no address") == (422, 4)
        assert await client.refused("resetPassword", "a new word", "no token") == (401, 104)
        for called in room.called.values():
            called |= client.called


async def test_server_and_project(room: Room, admin: Sdk) -> None:
    assert await admin.ping() == "pong"
    info = (await admin.projectInfo())["data"]
    assert info["api"]["project_name"] == "Directus"
    assert isinstance(info["server"]["max_upload_size"], int)
    assert await admin.refused("serverInfo") == (404, -1)  # it asks for `/`, which leads to the app; fails on v8 too
    assert await admin.updateDatabase() == ""
    for name in ("getInterfaces", "getLayouts", "getModules"):
        assert (await getattr(admin, name)())["data"] == []
    asset = await admin.getAssetUrl("a-hash", {"key": "thumb"})
    assert asset == f"http://{room.address}/main/assets/a-hash?key=thumb"


# --- items --------------------------------------------------------------------------------------------------------


async def test_items(admin: Sdk) -> None:
    query = {
        "fields": ["id", "author.name"],
        "filter": {"id": {"in": [1, 2]}, "views": 20},
        "sort": ["-id"],
        "meta": "*",
    }
    found = await admin.getItems("articles", query)
    assert found["data"] == [{"id": 2, "author": {"name": "Bob"}}]
    assert {name: found["meta"][name] for name in ("result_count", "filter_count", "total_count")} == {
        "result_count": 1, "filter_count": 1, "total_count": 4,
    }  # fmt: skip
    assert (await admin.getItem("articles", 1, {"fields": "id,title"}))["data"] == {"id": 1, "title": "One"}
    assert (await admin.getItem("articles", "1,2", {"fields": ["id"]}))["data"] == [{"id": 1}, {"id": 2}]
    assert await admin.refused("getItem", "articles", 99) == NOT_FOUND
    assert await admin.refused("getItems", "nosuch") == (404, 200)
    made = (await admin.createItem("people", {"name": "Cy"}))["data"]
    assert made == {"id": made["id"], "name": "Cy", "email": None}
    several = (await admin.createItems("people", [{"name": "Di"}, {"name": "Ed"}]))["data"]
    assert [one["name"] for one in several] == ["Di", "Ed"]
    assert await admin.refused("createItem", "people", {"nosuch": 1}) == (422, 12)
    changed = await admin.updateItem("people", made["id"], {"name": "Cyn"}, {"fields": "name"})
    assert changed["data"] == {"name": "Cyn"}
    batch = [{"id": one["id"], "name": one["name"] + "a"} for one in several]
    assert [one["name"] for one in (await admin.updateItems("people", batch))["data"]] == ["Dia", "Eda"]
    ids = [one["id"] for one in several]
    assert await admin.deleteItems("people", ids) == ""
    assert await admin.deleteItem("people", made["id"]) == ""
    assert await admin.refused("deleteItem", "people", made["id"]) == NOT_FOUND
    assert [one["name"] for one in (await admin.getItems("people", {"sort": "id"}))["data"]] == ["Ada", "Bob"]


async def test_items_of_a_limited_role(room: Room, member: Sdk) -> None:
    made = (await member.createItem("articles", {"title": "Mine", "status": "draft"}))["data"]
    assert made["owner"] == room.member
    key = made["id"]
    assert (await member.updateItem("articles", key, {"title": "Still mine"}))["data"]["title"] == "Still mine"
    assert await member.refused("updateItem", "articles", 1, {"title": "x"}) == (403, 302)
    assert await member.refused("updateItems", "articles", [{"id": key, "title": "x"}, {"id": 1, "title": "x"}]) == (
        403,
        302,
    )
    assert await member.refused("deleteItem", "articles", 1) == (403, 303)
    assert await member.refused("deleteItems", "articles", [1, key]) == (403, 303)
    assert (await member.getItem("articles", key, {"fields": "title"}))["data"] == {"title": "Still mine"}
    assert (await member.getItem("articles", 1, {"fields": "title"}))["data"] == {"title": "One"}
    assert await member.refused("getItems", "tokens") == NOT_READ
    assert await member.refused("getItem", "tokens", "007") == NOT_FOUND
    assert await member.refused("createItem", "tokens", {"code": "x"}) == (403, 301)
    assert await member.refused("createItems", "tokens", [{"code": "x"}]) == (403, 301)
    assert await member.deleteItem("articles", key) == ""
    assert await room.news.rows("SELECT title FROM articles WHERE id = 1") == [("One",)]


async def test_history(room: Room, admin: Sdk) -> None:
    await admin.updateItem("people", 1, {"name": "Ada B"})
    await admin.updateItem("people", 1, {"name": "Ada C"})
    found = (await admin.getItemRevisions("people", 1, {"sort": "id"}))["data"]
    assert [(one["item"], one["delta"]) for one in found] == [("1", {"name": "Ada B"}), ("1", {"name": "Ada C"})]
    assert (await admin.revert("people", 1, found[0]["id"]))["data"]["name"] == "Ada B"
    rows = (await admin.getActivity({"filter": {"collection": "people"}, "sort": "id", "fields": "action,item"}))[
        "data"
    ]
    assert [(row["action"], row["item"]) for row in rows] == [("update", "1"), ("update", "1"), ("revert", "1")]
    user = (await admin.updateUser(room.member, {"title": "One"}))["data"]
    await admin.updateUser(room.member, {"title": "Two"})
    first, _ = (await admin.getItemRevisions("directus_users", user["id"], {"sort": "-id", "limit": 2}))["data"][::-1]
    assert (await admin.revert("directus_users", user["id"], first["id"]))["data"]["title"] == "One"


async def test_history_of_a_limited_role(room: Room, member: Sdk) -> None:
    made = (await member.createItem("articles", {"title": "Mine"}))["data"]
    await member.updateItem("articles", made["id"], {"title": "Mine too"})
    found = (await member.getItemRevisions("articles", made["id"], {"sort": "id"}))["data"]
    assert [one["delta"]["title"] for one in found] == ["Mine", "Mine too"]
    assert (await member.revert("articles", made["id"], found[0]["id"]))["data"]["title"] == "Mine"
    rows = (await member.getActivity({"filter": {"collection": "articles"}, "fields": "item"}))["data"]
    assert {row["item"] for row in rows} == {str(made["id"])}
    assert await member.refused("revert", "articles", 1, 99999) in {(404, 207), (403, 302)}


# --- files --------------------------------------------------------------------------------------------------------


async def files(client: Sdk, room: Room, user: int) -> None:
    part = ["data", PICTURE, "red.png", "image/png"]
    made = (await client.ask("own", "upload", [["title", "Red"], part]))["data"]
    assert (made["title"], made["type"], made["uploaded_by"]) == ("Red", "image/png", user)
    assert {made["id"]} <= {one["id"] for one in (await client.getFiles({"limit": -1}))["data"]}
    assert (await client.getFile(str(made["id"]), {"fields": "title"}))["data"] == {"title": "Red"}
    other = (await client.ask("own", "upload", [part]))["data"]
    several = (await client.getFile([made["id"], other["id"]], {"fields": "id"}))["data"]
    assert sorted(one["id"] for one in several) == sorted([made["id"], other["id"]])
    found = await client.getAsset(made["private_hash"])
    assert found == {"base64": PICTURE}
    small = await client.getAsset(made["private_hash"], {"key": "directus-small-crop"})
    assert Image.open(BytesIO(b64decode(small["base64"]))).size == (64, 64)
    # It takes an error for bytes as well, and does not find the code in them.
    assert await client.refused("getAsset", made["private_hash"], {"w": 12345, "h": 1}) == (422, -1)
    url = await client.getAssetUrl(made["private_hash"], {"key": "thumb"})
    assert url == f"http://{room.address}/main/assets/{made['private_hash']}?key=thumb"
    for one in (made, other):
        assert await client.deleteItem("directus_files", one["id"]) == ""
    assert await client.refused("getFile", str(made["id"])) == NOT_FOUND
    client.called.add("uploadFiles")


async def test_files(room: Room, admin: Sdk) -> None:
    await files(admin, room, 1)
    with pytest.raises(Refused) as refused:  # an error of axios: the app reads the answer's own words
        await admin.ask("own", "upload", [["title", "nothing"]])
    assert refused.value.status == 422


async def test_files_of_a_limited_role(room: Room, member: Sdk) -> None:
    await files(member, room, room.member)


# --- system collections -------------------------------------------------------------------------------------------


async def test_collections_fields_and_relations(admin: Sdk) -> None:
    key = {"field": "id", "type": "integer", "datatype": "INT", "length": 10, "primary_key": True,
           "auto_increment": True, "interface": "primary-key"}  # fmt: skip
    made = (await admin.createCollection({"collection": "sdk_rooms", "fields": [key]}))["data"]
    assert made["collection"] == "sdk_rooms"
    assert "sdk_rooms" in {one["collection"] for one in (await admin.getCollections({"limit": -1}))["data"]}
    assert (await admin.updateCollection("sdk_rooms", {"note": "for tests"}))["data"]["note"] == "for tests"
    found = (await admin.getCollection("sdk_rooms"))["data"]
    assert (found["note"], list(found["fields"])) == ("for tests", ["id"])
    for name in ("one", "two"):
        body = {"field": name, "type": "string", "datatype": "VARCHAR", "length": 50, "interface": "text-input"}
        assert (await admin.createField("sdk_rooms", body))["data"]["field"] == name
    assert (await admin.updateField("sdk_rooms", "one", {"note": "first"}))["data"]["note"] == "first"
    assert (await admin.getField("sdk_rooms", "one"))["data"]["note"] == "first"
    several = (await admin.updateFields("sdk_rooms", ["one", "two"], {"hidden_browse": True}))["data"]
    assert [(one["field"], one["hidden_browse"]) for one in several] == [("one", True), ("two", True)]
    batch = [{"field": "one", "sort": 2}, {"field": "two", "sort": 1}]
    assert {(one["field"], one["sort"]) for one in (await admin.updateFields("sdk_rooms", batch))["data"]} >= {
        ("one", 2), ("two", 1),
    }  # fmt: skip
    assert {one["field"] for one in (await admin.getFields("sdk_rooms"))["data"]} == {"id", "one", "two"}
    assert {one["field"] for one in (await admin.getAllFields())["data"] if one["collection"] == "sdk_rooms"} == {
        "id", "one", "two",
    }  # fmt: skip
    body = {"field": "person", "type": "m2o", "datatype": "INT", "length": 10, "interface": "many-to-one"}
    await admin.createField("sdk_rooms", body)
    related = {"collection_many": "sdk_rooms", "field_many": "person", "collection_one": "people"}
    relation = (await admin.createRelation(related))["data"]
    assert {name: relation[name] for name in related} == related
    await admin.updateRelation(relation["id"], {"field_one": None})
    many, one = await admin.getCollectionRelations("sdk_rooms")
    assert ([row["id"] for row in many["data"]], one["data"]) == ([relation["id"]], [])
    assert relation["id"] in {row["id"] for row in (await admin.getRelations({"limit": -1}))["data"]}
    assert await admin.deleteField("sdk_rooms", "two") == ""
    assert await admin.deleteCollection("sdk_rooms") == ""
    assert await admin.refused("getCollection", "sdk_rooms") == NOT_FOUND


async def test_schema_of_a_limited_role(member: Sdk) -> None:
    names = {one["collection"] for one in (await member.getCollections())["data"]}
    assert {"articles", "directus_users", "directus_settings"} <= names
    assert (await member.getCollection("articles"))["data"]["collection"] == "articles"
    assert "title" in {one["field"] for one in (await member.getFields("articles"))["data"]}
    assert (await member.getField("articles", "title"))["data"]["type"] == "string"
    assert {one["collection"] for one in (await member.getAllFields())["data"]} >= {"articles", "directus_users"}
    assert (await member.getRelations())["data"] != []
    assert [len(one["data"]) for one in await member.getCollectionRelations("comments")] == [1, 0]
    for name, *arguments in (
        ("createCollection", {"collection": "mine", "fields": []}),
        ("updateCollection", "articles", {"note": "x"}),
        ("deleteCollection", "articles"),
        ("createField", "articles", {"field": "x", "type": "string", "datatype": "VARCHAR", "length": 5}),
        ("updateField", "articles", "title", {"note": "x"}),
        ("updateFields", "articles", ["title"], {"note": "x"}),
        ("deleteField", "articles", "title"),
        ("createRelation", {"collection_many": "comments", "field_many": "article", "collection_one": "people"}),
        ("updateRelation", 1, {"field_one": "x"}),
        ("createPermissions", [{"role": 1, "collection": "people"}]),
        ("updatePermissions", [{"id": 1, "read": "full"}]),
        ("createRole", {"name": "x"}),
        ("updateRole", 1, {"name": "x"}),
        ("deleteRole", 3),
        ("createUser", {"email": "x@example.org"}),
        ("updateUser", 1, {"title": "x"}),
        ("updateDatabase",),
    ):
        status, _ = await member.refused(name, *arguments)
        assert status in (401, 403, 404, 422), name


async def test_users_roles_and_permissions(room: Room, admin: Sdk) -> None:
    role = (await admin.createRole({"name": "Guests", "description": "made by a test"}))["data"]
    assert (await admin.updateRole(role["id"], {"name": "Visitors"}))["data"]["name"] == "Visitors"
    assert (await admin.getRole(role["id"], {"fields": "name"}))["data"] == {"name": "Visitors"}
    assert role["id"] in {one["id"] for one in (await admin.getRoles({"limit": -1}))["data"]}
    rows = (await admin.createPermissions([{"role": role["id"], "collection": "people", "read": "full"}]))["data"]
    assert [(one["collection"], one["read"], one["update"]) for one in rows] == [("people", "full", "none")]
    changed = (await admin.updatePermissions([{"id": rows[0]["id"], "update": "mine"}]))["data"]
    assert [(one["read"], one["update"]) for one in changed] == [("full", "mine")]
    found = (await admin.getPermissions({"filter": {"role": role["id"], "collection": "people"}}))["data"]
    assert [one["id"] for one in found] == [rows[0]["id"]]
    assert len((await admin.getMyPermissions())["data"]) == 1
    user = (await admin.createUser({"email": f"{role['id']}@example.org", "password": PASSWORD, "role": role["id"]}))[
        "data"
    ]
    assert (await admin.getUser(user["id"], {"fields": "role.name"}))["data"] == {"role": {"name": "Visitors"}}
    changed = (await admin.updateUser(user["id"], {"first_name": "Gus", "status": "active"}))["data"]
    assert changed["first_name"] == "Gus"
    assert {1, room.member, user["id"]} <= {one["id"] for one in (await admin.getUsers({"limit": -1}))["data"]}
    assert (await admin.getMe({"fields": "id,role.id"}))["data"] == {"id": 1, "role": {"id": 1}}
    await admin.deleteItem("directus_users", user["id"])
    assert await admin.deleteRole(role["id"]) == ""
    assert await admin.refused("getRole", role["id"]) == NOT_FOUND


async def test_people_of_a_limited_role(room: Room, member: Sdk) -> None:
    me = (await member.getMe({"fields": ["id", "email", "role.*", "last_page", "avatar.*"]}))["data"]
    assert (me["id"], me["email"], me["role"]["id"], me["avatar"]) == (room.member, MEMBER, room.role, None)
    assert {one["id"] for one in (await member.getUsers({"fields": "id"}))["data"]} >= {1, room.member}
    assert (await member.getUser(room.member, {"fields": "id"}))["data"] == {"id": room.member}
    assert room.role in {one["id"] for one in (await member.getRoles())["data"]}
    assert (await member.getRole(room.role, {"fields": "id"}))["data"] == {"id": room.role}
    rows = {one["collection"]: one for one in (await member.getMyPermissions())["data"]}
    assert {name: rows["articles"][name] for name in ("create", "read", "update", "status")} == {
        "create": "full", "read": "full", "update": "mine", "status": None,
    }  # fmt: skip
    assert {one["role"] for one in (await member.getPermissions({"limit": -1}))["data"]} == {room.role}


async def test_settings(admin: Sdk, room: Room) -> None:
    found = {one["key"]: one["value"] for one in (await admin.getSettings())["data"]}
    assert (await admin.getThirdPartyAuthProviders())["data"] == []
    assert (found["project_name"], found["default_limit"]) == ("Directus", 200)
    assert "project_name" in {one["field"] for one in (await admin.getSettingsFields())["data"]}


async def test_settings_of_a_limited_role(member: Sdk) -> None:
    found = {one["key"]: one["value"] for one in (await member.getSettings())["data"]}
    assert found["default_limit"] == 200
    assert (await member.getThirdPartyAuthProviders())["data"] == []
    assert "project_name" in {one["field"] for one in (await member.getSettingsFields())["data"]}
    assert await member.ping() == "pong"
    assert (await member.projectInfo())["data"]["api"]["version"] == "8.8.1"
    assert await member.refused("serverInfo") == (404, -1)
    for name in ("getInterfaces", "getLayouts", "getModules"):
        assert (await getattr(member, name)())["data"] == []
    assert (await member.getAssetUrl("x")).endswith("/main/assets/x")


async def presets(client: Sdk, user: int) -> None:
    bookmark = {"title": "Mine", "collection": "articles", "user": user, "view_query": {"tabular": {"sort": "-id"}}}
    made = (await client.createCollectionPreset(bookmark))["data"]
    assert (made["user"], made["view_type"], made["view_query"]) == (user, "tabular", {"tabular": {"sort": "-id"}})
    assert made["id"] in {one["id"] for one in await client.getMyBookmarks()}
    assert made["id"] in {one["id"] for one in await client.getCollectionPresets()}
    assert await client.getMyListingPreferences("articles") == {}
    own = (await client.createCollectionPreset({"search_query": "x", "collection": "articles", "user": user}))["data"]
    assert (await client.getMyListingPreferences("articles"))["search_query"] == "x"
    changed = (await client.updateCollectionPreset(own["id"], {"search_query": "y"}))["data"]
    assert (changed["search_query"], changed["title"]) == ("y", None)
    for one in (made, own):
        assert await client.deleteCollectionPreset(one["id"]) == ""


async def test_presets(admin: Sdk) -> None:
    await presets(admin, 1)


async def test_presets_of_a_limited_role(room: Room, member: Sdk) -> None:
    await presets(member, room.member)


async def test_every_method_was_called_by_both(room: Room) -> None:
    for called in room.called.values():
        called |= {"login", "logout"}
    assert len(room.methods) == 70
    missing = {who: room.methods - called for who, called in room.called.items()}
    assert missing == {"admin": set(), "member": set()}
