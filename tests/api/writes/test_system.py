"""In charge of writes of system collections: their own rules, and what follows from them (spec 02 §9–12, 01 §8–10)."""

from __future__ import annotations

from typing import Any

import pytest

from core import engine
from core.auth.hashing import verify
from core.errors import (
    ArrayForScalar,
    CreateDenied,
    DeleteDenied,
    DuplicateItem,
    FieldWriteDenied,
    Forbidden,
    ItemNotFound,
    LastAdmin,
    SystemCollectionAccess,
    TabulariumError,
    Unauthorized,
    UnknownHasher,
    Unprocessable,
    UpdateDenied,
    ValidationFailed,
)
from core.query.change import WriteRequest
from tests.api.writes.world import AT, House, select

USERS, ROLES, PERMISSIONS = "directus_users", "directus_roles", "directus_permissions"
PRESETS, RELATIONS, SETTINGS = "directus_collection_presets", "directus_relations", "directus_settings"


async def refused(house: House, error: type[TabulariumError], *arguments: Any, **more: Any) -> Any:
    before = await house.everything()
    with pytest.raises(error) as caught:
        await house.write(*arguments, **more)
    assert await house.everything() == before
    return caught.value


# --- users --------------------------------------------------------------------------------------------------------


async def test_create_user(house: House) -> None:
    shown = await house.create(USERS, {"email": "ed@example.org", "password": "open sesame"})
    assert (shown["status"], shown["role"], shown["theme"], shown["timezone"]) == ("draft", None, "auto", "UTC")
    assert "password" not in shown
    assert len(shown["external_id"]) == 36
    [(_, stored)] = await house.rows(USERS, "id", "password", where=f'"id" = {shown["id"]}')
    assert stored.startswith("$argon2id$")
    assert await verify("open sesame", stored)
    [revision] = await house.revisions()
    assert revision["delta"] == {"email": "ed@example.org"}
    assert "password" not in revision["data"]
    error = await refused(house, DuplicateItem, "create", USERS, {"email": "ed@example.org"})
    assert error.message == 'Duplicate key "ed@example.org" for collection "directus_users"'


async def test_secrets_are_in_no_history(house: House) -> None:
    await house.update(USERS, 2, {"password": "hidden-1", "token": "hidden-2", "2fa_secret": "hidden-3"})
    [revision] = await house.revisions()
    assert revision["delta"] == {"token": None, "2fa_secret": None}
    assert (revision["data"]["token"], revision["data"]["2fa_secret"]) == (None, None)
    for table, columns in (("directus_revisions", ("id", "data", "delta")), ("directus_activity", ("id", "comment"))):
        assert "hidden" not in str(await house.rows(table, *columns))


async def test_masked_secrets_stay(house: House) -> None:
    """What is shown in their place can be sent back; others' second factor is the admins' affair."""
    await house.grant(USERS, status="active", update="full", read="full")
    await house.set(USERS, "2fa_secret", 2, "JBSWY3DPEHPK3PXP")
    await house.set(USERS, "password_reset_token", 2, "reset")
    shown = await house.update(USERS, 2, {"first_name": "A"}, user=2)
    assert (shown["2fa_secret"], shown["password_reset_token"]) == ("**********", None)
    shown.pop("avatar")
    await house.update(USERS, 2, shown, user=2)
    stored = ("id", "2fa_secret", "password_reset_token", "token", "status", "role")
    assert await house.one(USERS, *stored, where='"id" = 2') == (2, "JBSWY3DPEHPK3PXP", "reset", "writer", "active", 3)
    await refused(house, FieldWriteDenied, "update", USERS, {"2fa_secret": None}, keys=("2",), user=3)
    await refused(house, FieldWriteDenied, "update", USERS, {"2fa_secret": "X"}, keys=("3",), user=2)
    assert (await house.update(USERS, 2, {"2fa_secret": None}, user=2))["2fa_secret"] is None
    assert await house.one(USERS, "id", "2fa_secret", where='"id" = 2') == (2, None)
    await house.set(USERS, "password_reset_token", 2, None)


async def test_passwords(house: House) -> None:
    await refused(house, ValidationFailed, "update", USERS, {"password": ""}, keys=("2",))
    await house.update(USERS, 2, {"password": "abc"})
    [(_, stored)] = await house.rows(USERS, "id", "password", where='"id" = 2')
    await house.update(USERS, 2, {"password": stored})
    assert await house.one(USERS, "id", "password", where='"id" = 2') == (2, stored)
    await house.update(USERS, 2, {"password": None})
    assert await house.one(USERS, "id", "password", where='"id" = 2') == (2, None)


async def test_password_policy(house: House) -> None:
    where = "\"key\" = 'password_policy'"
    await house.run(f"UPDATE directus_settings SET value = '/^.{{8,}}$/' WHERE {where}")
    await house.log("settings")
    try:
        error = await refused(house, ValidationFailed, "create", USERS, {"email": "a@b.org", "password": "short"})
        assert error.message == "password: This value is not valid."
        assert (await house.create(USERS, {"email": "a@b.org", "password": "long enough"}))["email"] == "a@b.org"
    finally:
        await house.run(f"UPDATE directus_settings SET value = '' WHERE {where}")
        await house.log("settings")


async def test_status_of_a_user_is_told_apart(house: House) -> None:
    await house.update(USERS, 2, {"status": "suspended"})
    await house.update(USERS, 2, {"first_name": "A"})
    assert await house.activity() == [
        ("update", 1, USERS, "2", None), ("status-update", 2, USERS, "2", None), ("update", 1, USERS, "2", None)
    ]  # fmt: skip
    assert len(await house.revisions()) == 2


async def test_own_record(house: House) -> None:
    await house.grant(USERS, status="active", update="mine", read="full")
    assert (await house.update(USERS, 2, {"first_name": "Me", "role": 3, "status": "active"}, user=2))[
        "first_name"
    ] == "Me"
    for name, value in (
        ("role", 1), ("role", "1"), ("role", 2), ("role", None), ("status", "draft"), ("token", "x"),
        ("external_id", "x"), ("password_reset_token", "x"), ("last_access_on", AT), ("role", {"id": 1}),
        ("role", {"name": "Mine"}),
    ):  # fmt: skip
        error = await refused(house, TabulariumError, "update", USERS, {name: value}, keys=("2",), user=2)
        assert isinstance(error, FieldWriteDenied | CreateDenied), (name, value)
    await refused(house, UpdateDenied, "update", USERS, {"first_name": "You"}, keys=("3",), user=2)


async def test_managers_of_users(house: House) -> None:
    await house.grant(USERS, status="active", create="full", update="full", delete="full", read="full")
    await house.grant(USERS, status="draft", create="full", update="full", read="full")
    await house.grant(ROLES, update="full", read="full")
    assert (await house.update(USERS, 3, {"role": 2, "status": "draft"}, user=2))["role"] == 2
    await house.update(USERS, 3, {"status": "active", "role": 3}, user=2)
    for payload in ({"role": 1}, {"role": {"id": 1}}, {"token": "x"}):
        await refused(house, FieldWriteDenied, "update", USERS, payload, keys=("3",), user=2)
    await refused(house, FieldWriteDenied, "update", USERS, {"role": 2}, keys=("2",), user=2)
    await refused(house, UpdateDenied, "update", USERS, {"email": "x@example.org"}, keys=("1",), user=2)
    await refused(house, DeleteDenied, "delete", USERS, keys=("1",), user=2)
    await refused(house, UpdateDenied, "update", ROLES, {"users": [{"id": 3}]}, keys=("1",), user=2)
    for payload in ({"role": 1}, {"role": "1"}, {"token": "x"}, {"role": {"id": 1}}):
        await refused(house, FieldWriteDenied, "create", USERS, {"email": "n@example.org", **payload}, user=2)
    assert (await house.create(USERS, {"email": "n@example.org", "role": 3}, user=2))["role"] == 3
    await house.delete(USERS, 3, user=2)


async def test_users_are_never_raised_from_below(house: House) -> None:
    """Through a to-many field of the role, through a to-one field, in a batch."""
    await house.grant(USERS, status="active", update="full", read="full")
    await house.grant(ROLES, update="mine", read="full")
    await refused(house, UpdateDenied, "update", ROLES, {"users": [3]}, keys=("1",), user=2)
    payloads = ({"id": 3, "first_name": "x"}, {"id": 2, "role": 1})
    await refused(house, FieldWriteDenied, "update", USERS, *payloads, batch=True, user=2)
    await house.grant("comments", create="full", read="full")
    nested = {"avatar": None, "role": {"id": 3, "users": [{"id": 1, "first_name": "taken"}]}}
    await refused(house, UpdateDenied, "update", USERS, nested, keys=("3",), user=2)


async def test_last_admin(house: House) -> None:
    for payload in ({"status": "suspended"}, {"status": "deleted"}, {"role": 3}, {"role": None}):
        await refused(house, LastAdmin, "update", USERS, payload, keys=("1",))
    await refused(house, LastAdmin, "delete", USERS, keys=("1",))
    await refused(house, LastAdmin, "update", ROLES, {"users": [{"id": 1, "role": 3}]}, keys=("3",))
    await house.update(USERS, 2, {"role": 1})
    await refused(house, LastAdmin, "delete", USERS, keys=("1", "2"))
    assert (await house.update(USERS, 1, {"role": 3}))["role"] == 3
    await refused(house, LastAdmin, "update", USERS, {"status": "draft"}, keys=("2",), user=2)


async def test_delete_user(house: House) -> None:
    await house.put("directus_user_sessions", {"user": 3, "token": "x"}, {"user": 2, "token": "y"})
    await house.grant(USERS, status="active", read="full", update="full", delete="role")
    await refused(house, DeleteDenied, "delete", USERS, keys=("2",), user=2)
    await house.delete(USERS, 3)
    assert await house.rows("directus_user_sessions", "user", "token") == [(2, "y")]
    assert await house.one("articles", "id", "owner", where='"id" = 2') == (2, 3)
    assert await house.activity() == [("delete", 1, USERS, "3", None)]
    assert await house.revisions() == []


# --- roles, permissions -------------------------------------------------------------------------------------------


async def test_new_role(house: House) -> None:
    shown = await house.create(ROLES, {"name": "Editors", "ip_whitelist": ["10.0.0.1"]}, selection=select("*", "users"))
    assert (shown["name"], shown["ip_whitelist"], shown["enforce_2fa"]) == ("Editors", ["10.0.0.1"], False)
    assert len(shown["external_id"]) == 36
    found = await house.rows(PERMISSIONS, "id", "collection", "role", "status", "create", "read")
    assert len(found) == 16
    assert {row[2] for row in found} == {shown["id"]}
    assert found[0][1:] == ("directus_activity", shown["id"], None, "full", "mine")
    assert [row[3] for row in found[-5:]] == ["active", "deleted", "draft", "invited", "suspended"]
    assert [row[:3] for row in await house.activity()] == [("create", 1, ROLES)]
    await refused(house, DuplicateItem, "create", ROLES, {"name": "Editors"})
    error = await refused(house, ValidationFailed, "create", ROLES, {"name": ""})
    assert error.message == "name: This value should not be blank."


async def test_delete_role(house: House) -> None:
    await house.put(ROLES, {"id": 9, "name": "Nine"})
    await house.put(USERS, {"id": 9, "email": "u9@example.org", "role": 9})
    await house.put(PRESETS, {"collection": "articles", "role": 9}, {"collection": "articles", "role": 3})
    await house.grant("articles", role=9, read="full")
    await house.delete(ROLES, 9)
    assert await house.rows(PERMISSIONS, "id") == []
    assert await house.rows(PRESETS, "role") == [(3,)]
    assert await house.one(USERS, "id", "role", where='"id" = 9') == (9, None)


async def test_fixed_roles_stay(house: House) -> None:
    for key in ("1", "2"):
        error = await refused(house, Unauthorized, "delete", ROLES, keys=(key,))
        assert error.message == f"You are not allowed to delete group [{key}]"
    await refused(house, DeleteDenied, "delete", ROLES, keys=("1",), user=2)
    await house.grant(ROLES, read="mine", delete="full", update="full")
    await refused(house, ItemNotFound, "delete", ROLES, keys=("1",), user=2)
    await refused(house, ItemNotFound, "update", ROLES, {"name": "x"}, keys=("1",), user=2)


async def test_admins_do_not_lock_themselves_out(house: House) -> None:
    error = await refused(house, ValidationFailed, "update", ROLES, {"ip_whitelist": ["10.0.0.1"]}, keys=("1",))
    assert error.message == "ip_whitelist: This value is not valid."
    assert (await house.update(ROLES, 1, {"ip_whitelist": ["127.0.0.0/8"]}))["ip_whitelist"] == ["127.0.0.0/8"]
    assert (await house.update(ROLES, 1, {"ip_whitelist": []}))["ip_whitelist"] == []


async def test_permissions(house: House) -> None:
    shown = await house.create(
        PERMISSIONS,
        {"collection": "articles", "role": 3, "create": "role", "read": "mine", "read_field_blacklist": ["a", "b"]},
    )
    assert (shown["create"], shown["read"], shown["update"]) == ("full", "mine", "none")
    assert (shown["read_field_blacklist"], shown["write_field_blacklist"]) == (["a", "b"], [])
    for payload in ({"read": "all"}, {"create": "yes"}, {"comment": "mine"}, {"explain": "full"}, {"delete": 1}):
        sent = {"collection": "articles", "role": 3, **payload}
        error = await refused(house, ValidationFailed, "create", PERMISSIONS, sent)
        assert error.message == f"{next(iter(payload))}: This value is not valid."
    error = await refused(house, ValidationFailed, "create", PERMISSIONS, {})
    assert error.message == "collection: This value should not be blank. role: This value should not be blank."


async def test_changed_rights_count_at_once(house: House) -> None:
    await refused(house, CreateDenied, "create", "articles", {"title": "x"}, user=2)
    made = await house.create(PERMISSIONS, {"collection": "articles", "role": 3, "create": "full"})
    await house.write("create", "articles", {"title": "x"}, user=2)
    await house.delete(PERMISSIONS, made["id"])
    await refused(house, CreateDenied, "create", "articles", {"title": "x"}, user=2)


async def test_mine_of_permissions_is_the_own_role(house: House) -> None:
    await house.grant(PERMISSIONS, read="full", update="mine")
    await house.grant("articles", role=2, read="full")
    rows = await house.rows(PERMISSIONS, "id", "role")
    own, other = (next(key for key, role in rows if role == wanted) for wanted in (3, 2))
    assert (await house.update(PERMISSIONS, own, {"delete": "full"}, user=2))["delete"] == "full"
    await refused(house, UpdateDenied, "update", PERMISSIONS, {"read": "none"}, keys=(str(other),), user=2)


# --- presets ------------------------------------------------------------------------------------------------------


async def test_presets(house: House) -> None:
    await house.grant(PRESETS, create="full", read="full", update="mine", delete="mine")
    shown = await house.create(PRESETS, {"collection": "articles", "user": 2, "filters": [{"field": "a"}]}, user=2)
    assert (shown["filters"], shown["view_type"], shown["title"]) == ([{"field": "a"}], "tabular", None)
    assert (await house.activity(), await house.revisions()) == ([], [])
    for payload in ({}, {"user": 3}, {"user": None}, {"user": 2, "role": 3}):
        await refused(house, CreateDenied, "create", PRESETS, {"collection": "articles", **payload}, user=2)
    key = str(shown["id"])
    assert (await house.update(PRESETS, key, {"search_query": "q"}, user=2))["search_query"] == "q"
    for payload in ({"user": 3}, {"role": 3}, {"user": None}):
        await refused(house, UpdateDenied, "update", PRESETS, payload, keys=(key,), user=2)
    await refused(house, UpdateDenied, "update", PRESETS, {"search_query": "x"}, keys=(key,), user=3)
    await refused(house, DeleteDenied, "delete", PRESETS, keys=(key,), user=3)
    await house.delete(PRESETS, key, user=2)
    error = await refused(house, ValidationFailed, "create", PRESETS, {})
    assert error.message == "collection: This value should not be blank."


async def test_presets_of_a_role(house: House) -> None:
    await house.grant(PRESETS, create="full", read="full", update="full", delete="full")
    made = await house.create(PRESETS, {"collection": "articles", "user": 2, "role": 3})
    await refused(house, Forbidden, "delete", PRESETS, keys=(str(made["id"]),), user=2)
    await refused(house, UpdateDenied, "update", PRESETS, {"title": "x"}, keys=(str(made["id"]),), user=2)
    await house.delete(PRESETS, made["id"])


# --- relations, settings, the rest --------------------------------------------------------------------------------


async def test_relations(house: House) -> None:
    await house.grant(RELATIONS, create="full", read="full", update="full", delete="full")
    sent = {"collection_many": "comments", "field_many": "text", "collection_one": "tags", "field_one": None}
    await refused(house, CreateDenied, "create", RELATIONS, sent, user=2)
    await refused(house, UpdateDenied, "update", RELATIONS, {"field_one": "x"}, keys=("1",), user=2)
    await refused(house, DeleteDenied, "delete", RELATIONS, keys=("1",), user=2)
    forbidden = {**sent, "collection_one": "directus_fields"}
    await refused(house, SystemCollectionAccess, "create", RELATIONS, forbidden)
    await refused(house, SystemCollectionAccess, "create", RELATIONS, sent, forbidden, batch=True)
    error = await refused(house, ValidationFailed, "create", RELATIONS, {})
    assert (
        error.message == "collection_many: This value should not be blank. field_many: This value should not be blank."
    )
    made = await house.create(RELATIONS, sent)
    noted = await house.rows("directus_changes", "id", "kind", "collection")
    assert {row[1:] for row in noted[-2:]} == {("schema", "comments"), ("schema", "tags")}
    await house.delete(RELATIONS, made["id"])
    await house.session()
    await house.project.settled()


@pytest.mark.parametrize(
    "key, sent, stored",
    [
        ("default_limit", 50, "50"), ("default_limit", 0, None), ("telemetry", False, None), ("telemetry", True, "1"),
        ("project_name", "My", "My"), ("project_name", "", None), ("project_logo", {"id": 7, "title": "x"}, "7"),
        ("file_mimetype_whitelist", ["a", "b"], "a,b"), ("file_mimetype_whitelist", "a,b", "a,b"),
        ("asset_whitelist", [{"key": "x"}], '[{"key":"x"}]'), ("asset_whitelist", '[{"key":"x"}]', '[{"key":"x"}]'),
        ("asset_whitelist", "text", '"text"'), ("youtube_api_key", None, None),
    ],
)  # fmt: skip
async def test_settings(house: House, key: str, sent: Any, stored: str | None) -> None:
    before = await house.rows(SETTINGS, "id", "key", "value")
    [(number, *_)] = [row for row in before if row[1] == key]
    shown = await house.update(SETTINGS, number, {"value": sent})
    try:
        # A setting of a file shows the file, and there is none here.
        assert shown == {"id": number, "key": key, "value": None if key == "project_logo" else sent}
        assert await house.one(SETTINGS, "id", "value", where=f'"id" = {number}') == (number, stored)
        noted = await house.rows("directus_changes", "id", "kind", "collection")
        assert noted[-1][1:] == ("settings", SETTINGS)
        assert [row[:3] for row in await house.activity()] == [("update", 1, SETTINGS)]
    finally:
        await house.set(SETTINGS, "value", number, {row[0]: row[2] for row in before}[number])
        await house.log("settings")


async def test_settings_in_other_forms(house: House) -> None:
    await refused(house, ArrayForScalar, "update", SETTINGS, {"value": ["x"]}, keys=("6",))
    await refused(house, ValidationFailed, "update", SETTINGS, {"value": "x"}, keys=("6", "7"))
    await refused(house, ArrayForScalar, "update", SETTINGS, {"id": 17, "value": ["x"]}, batch=True)
    await refused(house, DuplicateItem, "create", SETTINGS, {"key": "project_name", "value": "x"})
    await refused(house, ValidationFailed, "create", SETTINGS, {"value": "x"})
    result = await house.write(
        "create", SETTINGS, {"key": "own_one", "value": 200}, {"key": "own_two", "value": True}, batch=True
    )
    assert [item["_row"]["value"] for item in result.items if item] == ["200", "1"]
    made = await house.update(SETTINGS, result.keys[0], {"key": "own_three"})
    assert made["value"] == "200"
    await house.delete(SETTINGS, *result.keys)


async def test_written_by_other_operations_only(house: House) -> None:
    for name in (
        "directus_activity", "directus_collections", "directus_fields", "directus_migrations", "directus_revisions",
        "directus_user_sessions",
    ):  # fmt: skip
        await refused(house, SystemCollectionAccess, "create", name, {})
        await refused(house, SystemCollectionAccess, "delete", name, keys=("1",))
    await refused(house, ValidationFailed, "create", "directus_files", {"title": "x"})
    nested = {"avatar": {"id": 5, "$delete": True}}
    await refused(house, ItemNotFound, "update", USERS, nested, keys=("2",))
    assert (await house.update(USERS, 2, {"avatar": {"id": 5, "title": "x"}}))["avatar"] == 5
    assert (await house.update(USERS, 2, {"avatar": {"title": "x"}}))["avatar"] == 5


async def test_folders(house: House) -> None:
    made = await house.create("directus_folders", {"name": "a"})
    inner = await house.create("directus_folders", {"name": "b", "parent_folder": made["id"]})
    await refused(house, DuplicateItem, "create", "directus_folders", {"name": "b", "parent_folder": made["id"]})
    await house.delete("directus_folders", inner["id"])


async def test_unknown_hasher(house: House) -> None:
    session = await house.session(1)
    number = session.snapshot.collections["articles"].fields["secret"].id
    assert number is not None
    await house.set("directus_fields", "options", number, '{"hasher": "rot13"}')
    await house.log("schema")
    try:
        error = await refused(house, UnknownHasher, "create", "articles", {"title": "x", "secret": "y"})
        assert error.message == 'Hasher "rot13" not found'
    finally:
        await house.set("directus_fields", "options", number, '{"hasher": "sha1"}')
        await house.log("schema")


async def test_views_and_tables_without_key(house: House) -> None:
    await house.run('CREATE TABLE keyless ("a" INT)')
    await house.log("schema")
    try:
        session = await house.session(1)
        with pytest.raises(Unprocessable):
            await engine.write(session, WriteRequest("keyless", "create", ({"a": 1},)))
    finally:
        await house.run("DROP TABLE keyless")
        await house.log("schema")
