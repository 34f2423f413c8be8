"""Users, roles and permissions over REST and GraphQL, on the whole stack and three databases (access spec 9 to 12)."""

from __future__ import annotations

import re
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest

from core.auth.otp import password_at
from tests.api.newsroom import Newsroom, newsroom
from tests.backends import fresh_database

USER = [
    "id", "status", "role", "first_name", "last_name", "email", "token", "external_id", "theme", "2fa_secret",
    "password_reset_token", "timezone", "locale", "locale_options", "avatar", "company", "title",
    "email_notifications", "last_access_on", "last_page",
]  # fmt: skip
HIDDEN = ("token", "2fa_secret", "email_notifications", "last_access_on", "last_page")
FIRST, LAST_SEEDED = 1, 4
"""Users 1 to 4 and roles 1 to 5 are the newsroom's."""


@pytest.fixture(scope="module")
async def server(dialect: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Newsroom]:
    folder = tmp_path_factory.mktemp("users")
    with fresh_database(dialect, folder) as url:
        async with newsroom(url, folder / "data") as found:
            yield found


@pytest.fixture(scope="module")
async def member(server: Newsroom) -> int:
    """A user with the permissions that every new role gets; the token is `member-token`."""
    return await server.hire()


@pytest.fixture
async def api(server: Newsroom, member: int) -> Newsroom:
    await server.rows_away("directus_users", f"id > {member}")
    await server.rows_away("directus_roles", "id > 6")
    await server.rows_away("directus_permissions", "role > 6")
    return server


async def accounts(api: Newsroom) -> Any:
    """All that routes of this file write."""
    names = ("directus_users", "directus_roles", "directus_permissions")
    return [await api.rows(f"SELECT * FROM {name} ORDER BY id") for name in names]


async def refused(api: Newsroom, method: str, path: str, token: str | None, **more: Any) -> tuple[int, int]:
    """Status and code of a refusal that changed no account."""
    before = await accounts(api)
    status, code = await api.refusal(method, path, token, **more)
    assert await accounts(api) == before
    return status, code


async def make(api: Newsroom, **user: Any) -> dict[str, Any]:
    answer = await api.ask("POST", "/users", json={"email": "new@example.org", **user})
    assert answer.status_code == 200, answer.text
    data: dict[str, Any] = answer.json()["data"]
    return data


# --- users --------------------------------------------------------------------------------------------------------


async def test_an_address_is_enough_for_a_user(api: Newsroom) -> None:
    made = await make(api)
    assert sorted(made) == sorted(USER)
    expected = {"status": "draft", "role": None, "theme": "auto", "email_notifications": True, "token": None}
    assert {name: made[name] for name in expected} == expected
    assert len(made["external_id"]) == 36
    assert (await api.get(f"/users/{made['id']}"))["data"] == made


async def test_users_are_listed_without_the_deleted_ones(api: Newsroom, member: int) -> None:
    gone = await make(api)
    assert (await api.ask("PATCH", f"/users/{gone['id']}", json={"status": "deleted"})).status_code == 204
    assert (await api.get("/users?fields=id&sort=id"))["data"] == [{"id": key} for key in (1, 2, 3, 4, member)]
    found = await api.get("/users?fields=id&status=*&sort=-id&limit=1&meta=status_count,total_count")
    assert found["data"] == [{"id": gone["id"]}]
    # As v8 the total leaves out soft-deleted users; the count by status does not.
    assert found["meta"]["status_count"]["active"] == 5
    assert found["meta"]["status_count"]["deleted"] == 1


async def test_me_is_an_id_alone_and_in_a_list(api: Newsroom, member: int) -> None:
    assert (await api.get("/users/me?fields=id,email", "member-token"))["data"] == {
        "id": member, "email": "member@example.org",
    }  # fmt: skip
    assert (await api.get("/users/me,2?fields=id", "member-token"))["data"] == [{"id": 2}, {"id": member}]
    answer = await api.ask("PATCH", "/users/me", "member-token", json={"title": "Editor", "theme": "dark"})
    assert answer.status_code == 200, answer.text
    assert {name: answer.json()["data"][name] for name in ("id", "title", "theme")} == {
        "id": member, "title": "Editor", "theme": "dark",
    }  # fmt: skip
    told = await api.graphql('mutation { update_users_me(payload: {title: "Author"}) { id title } }', "member-token")
    assert told == {"data": {"update_users_me": {"id": str(member), "title": "Author"}}}
    assert await api.rows(f"SELECT title, theme FROM directus_users WHERE id = {member}") == [("Author", "dark")]


async def test_nobody_is_me_without_an_identity(api: Newsroom) -> None:
    assert await refused(api, "GET", "/users/me", None) == (401, 3)
    assert await refused(api, "PATCH", "/users/me", None, json={"title": "x"}) == (403, 300)
    # A role without any permission row cannot read even its own record.
    assert await refused(api, "GET", "/users/me", "nobody-token") == (401, 3)


async def test_others_see_less_of_a_user(api: Newsroom) -> None:
    await api.ask("PATCH", "/users/2", json={"last_page": "/main/collections"})
    seen = (await api.get("/users/2", "member-token"))["data"]
    assert sorted(seen) == sorted(set(USER) - set(HIDDEN))
    assert (await api.get("/users/2"))["data"]["last_page"] == "/main/collections"


async def test_users_are_changed_one_by_one_together_and_in_a_batch(api: Newsroom) -> None:
    one, two = await make(api), await make(api, email="other@example.org")
    answer = await api.ask("PATCH", f"/users/{one['id']},{two['id']}", json={"company": "ACME"})
    assert [row["company"] for row in answer.json()["data"]] == ["ACME", "ACME"]
    batch = [{"id": one["id"], "title": "A"}, {"id": two["id"], "title": "B"}]
    answer = await api.ask("PATCH", "/users/999", json=batch)  # the id in the path says nothing
    assert [row["title"] for row in answer.json()["data"]] == ["A", "B"]
    answer = await api.ask("POST", "/users", json=[{"email": "a@example.org"}, {"email": "b@example.org"}])
    assert [row["email"] for row in answer.json()["data"]] == ["a@example.org", "b@example.org"]


async def test_users_are_deleted_with_their_sessions(api: Newsroom) -> None:
    made = await make(api, status="active", role=1, password="secret-word-1")
    login = {"email": "new@example.org", "password": "secret-word-1"}
    assert (await api.ask("POST", "/auth/authenticate", None, json=login)).status_code == 200
    sessions = f"SELECT count(*) FROM directus_user_sessions WHERE {quoted(api, 'user')} = {made['id']}"
    assert await api.rows(sessions) == [(1,)]
    other = await make(api, email="other@example.org")
    assert (await api.ask("DELETE", f"/users/{made['id']},{other['id']}")).status_code == 204
    assert await api.rows(sessions) == [(0,)]
    assert await refused(api, "GET", f"/users/{made['id']}", "admin-token") == (404, 203)
    assert await refused(api, "DELETE", f"/users/{made['id']}", "admin-token") == (404, 203)


def quoted(api: Newsroom, name: str) -> str:
    return f"`{name}`" if api.store.dialect == "mysql" else f'"{name}"'


async def test_the_last_admin_stays(api: Newsroom) -> None:
    assert await refused(api, "DELETE", "/users/1", "admin-token") == (403, 216)
    assert await refused(api, "PATCH", "/users/1", "admin-token", json={"status": "suspended"}) == (403, 216)
    assert await refused(api, "PATCH", "/users/1", "admin-token", json={"role": 3}) == (403, 216)


@pytest.mark.parametrize(
    ("method", "path", "body", "public", "user"),
    [
        ("GET", "/users", None, (401, 3), (403, 300)),
        ("GET", "/users/1", None, (404, 203), (404, 203)),
        ("GET", "/users/1,2", None, (403, 300), (403, 300)),
        ("POST", "/users", {"email": "x@example.org"}, (403, 301), (403, 301)),
        ("PATCH", "/users/1", {"title": "x"}, (403, 300), (403, 300)),
        ("PATCH", "/users/1,2", {"title": "x"}, (403, 300), (403, 300)),
        ("DELETE", "/users/2", None, (403, 303), (403, 303)),
        ("GET", "/roles", None, (401, 3), (403, 300)),
        ("GET", "/roles/1", None, (401, 3), (404, 203)),
        ("POST", "/roles", {"name": "x"}, (403, 301), (403, 301)),
        ("PATCH", "/roles/3", {"name": "x"}, (403, 302), (403, 302)),
        ("DELETE", "/roles/3", None, (401, 3), (404, 203)),
        ("GET", "/permissions", None, (401, 3), (403, 300)),
        ("GET", "/permissions/1", None, (401, 3), (404, 203)),
        ("GET", "/permissions/1,2", None, (401, 3), (403, 300)),
        ("POST", "/permissions", {"collection": "x", "role": 3}, (403, 301), (403, 301)),
        ("PATCH", "/permissions/1", {"read": "full"}, (403, 302), (403, 302)),
        ("PATCH", "/permissions", [{"id": 1, "read": "full"}], (403, 302), (403, 302)),
        ("DELETE", "/permissions/1", None, (401, 3), (403, 300)),
    ],
)
async def test_who_has_no_level_is_told_so(
    api: Newsroom, method: str, path: str, body: Any, public: tuple[int, int], user: tuple[int, int]
) -> None:
    more = {} if body is None else {"json": body}
    assert await refused(api, method, path, None, **more) == public
    assert await refused(api, method, path, "nobody-token", **more) == user


@pytest.mark.parametrize("body", [{"role": 1}, {"status": "suspended"}, {"token": "mine"}, {"external_id": "x"}])
async def test_nobody_raises_himself(api: Newsroom, member: int, body: dict[str, Any]) -> None:
    assert await refused(api, "PATCH", "/users/me", "member-token", json=body) == (403, 305)
    assert await refused(api, "PATCH", f"/users/{member}", "member-token", json=body) == (403, 305)
    nested = {"role": {"id": 6, "users": [{"id": member, **body}]}}
    status, _ = await refused(api, "PATCH", "/users/me", "member-token", json=nested)
    assert status == 403


async def test_the_page_somebody_is_on_is_noted_without_a_trace(api: Newsroom, member: int) -> None:
    history = await api.rows("SELECT count(*) FROM directus_activity")
    answer = await api.ask("PATCH", f"/users/{member}/tracking/page", "member-token", json={"last_page": "/x" * 150})
    assert answer.status_code == 200, answer.text
    data = answer.json()["data"]
    assert (data["id"], data["last_page"]) == (member, "/x" * 96)
    assert data["last_access_on"] is not None
    answer = await api.ask("PATCH", "/users/me/tracking/page", "member-token", json={"last_page": "/y"})
    assert answer.json()["data"]["last_page"] == "/y"
    told = await api.graphql('mutation { users_track_page(id: "me", last_page: "/z") { id } }', "member-token")
    assert told == {"data": {"users_track_page": {"id": str(member)}}}
    assert await api.rows(f"SELECT last_page FROM directus_users WHERE id = {member}") == [("/z",)]
    assert await api.rows("SELECT count(*) FROM directus_activity") == history
    answer = await api.ask("PATCH", f"/users/{member}/tracking/page", json={"last_page": "/of an admin"})
    assert answer.status_code == 200
    # Who may not read users may still say where he is.
    assert (
        await api.ask("PATCH", "/users/me/tracking/page", "nobody-token", json={"last_page": "/"})
    ).status_code == 204


@pytest.mark.parametrize(
    ("token", "path", "body", "expected"),
    [
        (None, "/users/1/tracking/page", {"last_page": "/"}, (403, 302)),
        (None, "/users/me/tracking/page", {"last_page": "/"}, (403, 302)),
        ("member-token", "/users/1/tracking/page", {"last_page": "/"}, (403, 302)),
        ("member-token", "/users/abc/tracking/page", {"last_page": "/"}, (403, 302)),
        ("admin-token", "/users/999/tracking/page", {"last_page": "/"}, (404, 203)),
        ("admin-token", "/users/1/tracking/page", {}, (422, 4)),
        ("admin-token", "/users/1/tracking/page", {"last_page": 5}, (422, 4)),
        ("admin-token", "/users/1/tracking/page", {"last_page": "a\u0000b"}, (422, 4)),
    ],
)
async def test_nobody_notes_the_page_of_others(
    api: Newsroom, token: str | None, path: str, body: Any, expected: tuple[int, int]
) -> None:
    assert await refused(api, "PATCH", path, token, json=body) == expected


def code(secret: str, ahead: int = 0) -> str:
    return password_at(secret, int(time.time()) // 30 + ahead)


async def test_the_second_factor_is_set_by_who_has_it(api: Newsroom) -> None:
    secret = (await api.get("/utils/2fa_secret", None))["data"]["2fa_secret"]
    assert re.fullmatch("[A-Z2-7]{32}", secret)
    user = await make(api, status="active", role=6, token="factor-token", password="secret-word-1")
    path = f"/users/{user['id']}/activate_2fa"
    for body, expected in (
        ({"2fa_secret": secret}, (422, 4)),
        ({"otp": "123456"}, (422, 4)),
        ({"2fa_secret": "no base 32!", "otp": "123456"}, (422, 4)),
        ({"2fa_secret": secret, "otp": "abc"}, (404, 112)),
        ({"2fa_secret": secret, "otp": code(secret, 20)}, (404, 112)),
    ):
        assert await refused(api, "POST", path, "factor-token", json=body) == expected
    proof = {"2fa_secret": secret, "otp": code(secret)}
    assert await refused(api, "POST", path, None, json=proof) == (403, 300)
    assert await refused(api, "POST", path, "member-token", json=proof) == (403, 302)
    assert await refused(api, "POST", path, "nobody-token", json=proof) == (403, 300)
    answer = await api.ask("POST", path, "factor-token", json=proof)
    assert (answer.status_code, answer.json()["data"]["2fa_secret"]) == (200, "**********")
    stored = f"SELECT {quoted(api, '2fa_secret')} FROM directus_users WHERE id = {user['id']}"
    assert await api.rows(stored) == [(secret,)]
    login = {"email": "new@example.org", "password": "secret-word-1"}
    assert (await api.refusal("POST", "/auth/authenticate", None, json=login))[1] == 111
    used = {**login, "otp": proof["otp"]}
    assert (await api.ask("POST", "/auth/authenticate", None, json=used)).json()["error"]["code"] == 112
    fresh = {**login, "otp": code(secret, 1)}
    assert (await api.ask("POST", "/auth/authenticate", None, json=fresh)).status_code == 200
    told = await api.graphql('mutation { users_tfa_disable(id: "me") { id } }', "factor-token")
    assert told == {"data": {"users_tfa_disable": {"id": str(user["id"])}}}
    assert await api.rows(stored) == [(None,)]


@pytest.mark.parametrize("door", ["rest", "graphql"])
async def test_who_must_have_a_second_factor_may_only_set_it_up(api: Newsroom, door: str) -> None:
    role = (await api.ask("POST", "/roles", json={"name": "Guards", "enforce_2fa": True})).json()["data"]["id"]
    user = await make(api, status="active", role=role, token="guard-token")
    other = await make(api, status="active", role=role, email="other@example.org")
    secret = "JBSWY3DPEHPK3PXP"
    proof = {"2fa_secret": secret, "otp": code(secret)}
    assert await refused(api, "GET", "/users/me", "guard-token") == (401, 3)
    assert await refused(api, "PATCH", "/users/me", "guard-token", json={"2fa_secret": secret}) == (403, 300)
    assert await refused(api, "POST", f"/users/{other['id']}/activate_2fa", "guard-token", json=proof) == (403, 300)
    if door == "rest":
        answer = await api.ask("POST", "/users/me/activate_2fa?x=y", "guard-token", json=proof)
        assert answer.status_code == 200, answer.text
    else:
        text = 'mutation($o: JSON) { users_tfa_enable(id: "me", secret: "JBSWY3DPEHPK3PXP", otp: $o) { id } }'
        told = await api.graphql(text, "guard-token", o=proof["otp"])
        assert told == {"data": {"users_tfa_enable": {"id": str(user["id"])}}}
    assert (await api.get("/users/me?fields=id", "guard-token"))["data"] == {"id": user["id"]}


# --- roles --------------------------------------------------------------------------------------------------------


async def test_a_role_comes_with_its_permissions_and_takes_them_along(api: Newsroom) -> None:
    answer = await api.ask("POST", "/roles", json={"name": "Writers", "ip_whitelist": ["10.0.0.0/8"]})
    made = answer.json()["data"]
    assert list(made) == [
        "id", "name", "description", "ip_whitelist", "external_id", "module_listing", "collection_listing",
        "enforce_2fa",
    ]  # fmt: skip
    assert (made["name"], made["ip_whitelist"], made["enforce_2fa"]) == ("Writers", ["10.0.0.0/8"], False)
    rows = f"SELECT count(*) FROM directus_permissions WHERE role = {made['id']}"
    assert await api.rows(rows) == [(16,)]
    user = await make(api, role=made["id"])
    found = await api.get(f"/roles/{made['id']}?fields=id,users.id")
    assert found["data"] == {"id": made["id"], "users": [{"id": user["id"]}]}
    changed = await api.ask("PATCH", f"/roles/{made['id']}", json={"description": "They write"})
    assert changed.json()["data"] == {**made, "description": "They write"}
    assert (await api.ask("DELETE", f"/roles/{made['id']}")).status_code == 204
    assert await api.rows(rows) == [(0,)]
    assert (await api.get(f"/users/{user['id']}?fields=role"))["data"] == {"role": None}


async def test_names_of_roles_are_needed_and_unique(api: Newsroom) -> None:
    assert await refused(api, "POST", "/roles", "admin-token", json={"name": "Editor"}) == (409, 204)
    assert await refused(api, "POST", "/roles", "admin-token", json={"name": ""}) == (422, 4)
    assert await refused(api, "POST", "/roles", "admin-token", json={"description": "x"}) == (422, 4)
    assert (await refused(api, "POST", "/roles", "admin-token", json=[{"name": "x"}]))[0] == 422


@pytest.mark.parametrize("role", [1, 2])
async def test_two_roles_stay(api: Newsroom, role: int) -> None:
    assert await refused(api, "DELETE", f"/roles/{role}", "admin-token") == (401, 3)


async def test_an_admin_does_not_lock_himself_out(api: Newsroom) -> None:
    body = {"ip_whitelist": ["192.0.2.1"]}
    assert await refused(api, "PATCH", "/roles/1", "admin-token", json=body) == (422, 4)


async def test_a_member_reads_the_own_role_only(api: Newsroom) -> None:
    assert [row["name"] for row in (await api.get("/roles", "member-token"))["data"]] == ["member"]
    assert await refused(api, "GET", "/roles/1", "member-token") == (404, 203)


# --- permissions --------------------------------------------------------------------------------------------------


async def test_the_life_of_a_permission(api: Newsroom) -> None:
    answer = await api.ask("POST", "/permissions", json={"collection": "articles", "role": 7, "read": "mine"})
    made = answer.json()["data"]
    key = made.pop("id")
    assert made == {
        "collection": "articles", "role": 7, "status": None, "create": "none", "read": "mine", "update": "none",
        "delete": "none", "comment": "none", "explain": "none", "read_field_blacklist": [],
        "write_field_blacklist": [], "status_blacklist": [], "rules": None, "presets": None, "checks": None,
    }  # fmt: skip
    changed = await api.ask("PATCH", "/permissions", json=[{"id": key, "read_field_blacklist": ["secret", "extra"]}])
    assert changed.json()["data"][0]["read_field_blacklist"] == ["secret", "extra"]
    rows = await api.get("/permissions?filter[role][eq]=7&limit=-1&fields=id")
    assert rows["data"] == [{"id": key}]
    both = await api.ask("POST", "/permissions", json=[{"collection": "a", "role": 7}, {"collection": "b", "role": 7}])
    keys = ",".join(str(row["id"]) for row in both.json()["data"])
    answer = await api.ask("PATCH", f"/permissions/{keys}", json={"explain": "always"})
    assert [row["explain"] for row in answer.json()["data"]] == ["always", "always"]
    assert (await api.ask("DELETE", f"/permissions/{keys},{key}")).status_code == 204
    assert await api.rows("SELECT count(*) FROM directus_permissions WHERE role = 7") == [(0,)]


@pytest.mark.parametrize(
    ("method", "path", "body", "expected"),
    [
        ("POST", "/permissions", {"collection": "articles"}, (422, 4)),
        ("POST", "/permissions", {"role": 3}, (422, 4)),
        ("POST", "/permissions", {"collection": "articles", "role": 3, "read": "everything"}, (422, 4)),
        ("POST", "/permissions", {"collection": "articles", "role": 3, "comment": "mine"}, (422, 4)),
        ("POST", "/permissions", {"collection": "articles", "role": 3, "explain": "full"}, (422, 4)),
        ("POST", "/permissions", {"collection": "articles", "role": 3, "who": "me"}, (422, 12)),
        ("PATCH", "/permissions", {"id": 1, "read": "full"}, (404, 203)),
        ("PATCH", "/permissions/99999", {"read": "full"}, (404, 203)),
        ("DELETE", "/permissions/99999", None, (404, 203)),
        ("GET", "/permissions/99999", None, (404, 203)),
        ("GET", "/permissions/abc", None, (404, 1)),
    ],
)
async def test_wrong_permissions_are_refused(
    api: Newsroom, method: str, path: str, body: Any, expected: tuple[int, int]
) -> None:
    assert await refused(api, method, path, "admin-token", **({} if body is None else {"json": body})) == expected


async def test_a_permission_counts_at_once(api: Newsroom) -> None:
    assert await refused(api, "GET", "/items/articles", "member-token") == (403, 300)
    made = await api.ask("POST", "/permissions", json={"collection": "articles", "role": 6, "read": "full"})
    key = made.json()["data"]["id"]
    try:
        assert (await api.ask("GET", "/items/articles", "member-token")).status_code == 200
    finally:
        assert (await api.ask("DELETE", f"/permissions/{key}")).status_code == 204
    assert await refused(api, "GET", "/items/articles", "member-token") == (403, 300)
