"""Sessions over REST and GraphQL: cookies, signing out, the list of one's own, on three databases."""

from __future__ import annotations

import base64
import hashlib
import os
import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import httpx2
import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from tests.api.newsroom import Newsroom, newsroom
from tests.backends import fresh_database
from tests.projects import ADMIN_EMAIL, ADMIN_PASSWORD

LOGIN = {"email": ADMIN_EMAIL, "password": ADMIN_PASSWORD}
COOKIE = re.compile(
    r"directus-main-session=(?P<value>[\w-]{43}); path=/; expires=(?P<expires>[^;]+ GMT); HttpOnly; SameSite=Lax"
)
FORGET = "directus-main-session=; path=/; expires=Thu, 01 Jan 1970 00:00:00 GMT; HttpOnly; SameSite=Lax"
OWN, FOREIGN = "http://api.example.com", "https://evil.example"


@pytest.fixture(scope="module")
async def server(dialect: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Newsroom]:
    folder = tmp_path_factory.mktemp("sessions")
    with fresh_database(dialect, folder) as url:
        async with newsroom(url, folder / "data") as found:
            yield found


@pytest.fixture
async def api(server: Newsroom) -> Newsroom:
    await server.rows_away("directus_user_sessions", "1 = 1")
    return server


async def rows(api: Newsroom, columns: str = "token_type, token") -> list[tuple[Any, ...]]:
    return await api.rows(f"SELECT {columns} FROM directus_user_sessions ORDER BY id")


async def cookie(api: Newsroom, **headers: str) -> str:
    """The value of the cookie of a new session."""
    answer = await api.ask("POST", "/auth/authenticate", None, json={**LOGIN, "mode": "cookie"}, headers=headers)
    assert answer.status_code == 200, answer.text
    found = COOKIE.fullmatch(answer.headers["set-cookie"])
    assert found is not None, answer.headers["set-cookie"]
    return found["value"]


def carrying(value: str, **more: str) -> dict[str, str]:
    return {"cookie": f"a=b; directus-main-session={value}; c=d", **more}


async def who(api: Newsroom, value: str, **headers: str) -> tuple[bool, httpx2.Response]:
    """Whether a request with the cookie is the admin's."""
    answer = await api.ask("GET", "/", None, headers=carrying(value, **headers))
    assert answer.status_code == 200
    return "public" not in answer.json(), answer


async def token(api: Newsroom) -> str:
    answer = await api.ask("POST", "/auth/authenticate", None, json=LOGIN)
    found: str = answer.json()["data"]["token"]
    return found


# --- cookies ------------------------------------------------------------------------------------------------------


async def test_a_cookie_is_a_secret_whose_digest_is_stored(api: Newsroom) -> None:
    answer = await api.ask("POST", "/auth/authenticate", None, json={**LOGIN, "mode": "cookie"})
    found = COOKIE.fullmatch(answer.headers["set-cookie"])
    assert found is not None
    assert list(answer.json()) == ["data", "public"]
    assert list(answer.json()["data"]) == ["user"]
    assert await rows(api) == [("cookie", hashlib.sha256(found["value"].encode()).hexdigest())]
    left = parsedate_to_datetime(found["expires"]) - datetime.now(UTC)
    assert timedelta(days=6, hours=23) < left <= timedelta(days=7)
    assert await api.rows("SELECT token FROM directus_users WHERE id = 1") == [("admin-token",)]
    signed_in, answer = await who(api, found["value"])
    assert signed_in
    assert "set-cookie" not in answer.headers


async def test_graphql_sets_the_cookie_as_well(api: Newsroom) -> None:
    text = 'mutation($e: String, $p: String) { auth_authenticate(email: $e, password: $p, mode: "cookie") { token } }'
    query = {"query": text, "variables": {"e": ADMIN_EMAIL, "p": ADMIN_PASSWORD}}
    answer = await api.ask("POST", "/gql", None, json=query)
    assert answer.json() == {"data": {"auth_authenticate": {"token": None}}}
    found = COOKIE.fullmatch(answer.headers["set-cookie"])
    assert found is not None
    query = {"query": "{ users_me { email } auth_check { authenticated } auth_sessions { token_type current } }"}
    answer = await api.ask("POST", "/gql", None, json=query, headers=carrying(found["value"]))
    assert answer.json()["data"] == {
        "users_me": {"email": ADMIN_EMAIL},
        "auth_check": {"authenticated": True},
        "auth_sessions": [{"token_type": "cookie", "current": True}],
    }
    query = {"query": "mutation { auth_logout }"}
    answer = await api.ask("POST", "/gql", None, json=query, headers=carrying(found["value"]))
    assert (answer.json(), answer.headers["set-cookie"]) == ({"data": {"auth_logout": True}}, FORGET)
    assert await rows(api) == []


@pytest.mark.parametrize(
    ("method", "headers", "counts"),
    [
        ("GET", {}, True),
        ("GET", {"origin": OWN}, True),
        ("GET", {"origin": FOREIGN}, False),
        ("GET", {"sec-fetch-site": "cross-site"}, True),
        ("PATCH", {}, True),
        ("PATCH", {"origin": OWN}, True),
        ("PATCH", {"origin": "HTTP://API.example.com:80"}, True),
        ("PATCH", {"origin": FOREIGN}, False),
        ("PATCH", {"origin": "https://api.example.com"}, False),
        ("PATCH", {"origin": "http://api.example.com.evil.example"}, False),
        ("PATCH", {"origin": "null"}, False),
        ("PATCH", {"sec-fetch-site": "same-origin"}, True),
        ("PATCH", {"sec-fetch-site": "cross-site"}, False),
        ("PATCH", {"sec-fetch-site": "same-site"}, False),
    ],
)
async def test_other_sites_do_not_act_as_the_user(
    api: Newsroom, method: str, headers: dict[str, str], counts: bool
) -> None:
    value = await cookie(api)
    await api.refill()
    body = {"json": {"title": "Taken"}} if method == "PATCH" else {}
    answer = await api.ask(method, "/items/articles/1", None, headers=carrying(value, **headers), **body)
    assert answer.status_code == (200 if counts else 404), answer.text
    expected = "Taken" if counts and method == "PATCH" else "One"
    assert await api.rows("SELECT title FROM articles WHERE id = 1") == [(expected,)]


async def test_a_foreign_form_does_not_use_graphql(api: Newsroom) -> None:
    value = await cookie(api)
    query = {"query": "{ users_me { id } }"}
    answer = await api.ask("POST", "/gql", None, json=query, headers=carrying(value, origin=FOREIGN))
    assert answer.json()["data"] == {"users_me": None}


async def test_a_token_counts_before_the_cookie(api: Newsroom) -> None:
    value = await cookie(api)
    headers = {"authorization": "Bearer editor-token"}
    found = await api.ask("GET", "/users/me?fields=id", None, headers=carrying(value, **headers))
    assert found.status_code == 401  # the editor's role reads no users; the cookie is the admin's
    answer = await api.ask(
        "POST", "/items/tokens", None, json={"access_token": "editor-token", "code": "x"}, headers=carrying(value)
    )
    assert answer.json()["error"]["code"] == 12  # beside a cookie it is data, of a field that does not exist


async def test_a_session_lasts_longer_while_it_is_used(api: Newsroom) -> None:
    value = await cookie(api)
    [(end,)] = await rows(api, "token_expired_at")
    assert (await who(api, value))[1].headers.get("set-cookie") is None  # once a minute is enough
    moment = (datetime.now(UTC) + timedelta(minutes=5)).strftime("%Y-%m-%d %H:%M:%S")
    await api.store.run_sync(
        lambda connection: connection.exec_driver_sql(
            f"UPDATE directus_user_sessions SET token_expired_at = '{moment}'"
        )
    )
    signed_in, answer = await who(api, value)
    found = COOKIE.fullmatch(answer.headers["set-cookie"])
    assert signed_in
    assert found is not None
    assert found["value"] == value
    [(later,)] = await rows(api, "token_expired_at")
    assert abs(as_moment(later) - as_moment(end)) < timedelta(minutes=1)


def as_moment(stored: Any) -> datetime:
    return datetime.fromisoformat(stored) if isinstance(stored, str) else stored


async def test_an_expired_session_is_over_at_once(api: Newsroom) -> None:
    value = await cookie(api)
    await api.store.run_sync(
        lambda connection: connection.exec_driver_sql(
            "UPDATE directus_user_sessions SET token_expired_at = '2020-01-01 00:00:00'"
        )
    )
    signed_in, answer = await who(api, value)
    assert not signed_in
    assert answer.headers["set-cookie"] == FORGET
    assert answer.headers["www-authenticate"] == 'Bearer error="invalid_token"'


@pytest.mark.parametrize(
    "value", ["x", "a" * 43, "%00", "abc::def", "::", "%C3%A9", "%ED%A0%80", "a" * 5000, "YWJj::" + "0" * 32]
)
async def test_what_is_no_cookie_of_ours_signs_nobody_in(api: Newsroom, value: str) -> None:
    signed_in, answer = await who(api, value)
    assert not signed_in
    assert answer.headers["set-cookie"] == FORGET


async def test_a_cookie_of_directus_8_goes_on(api: Newsroom) -> None:
    config = api.projects.get("main").config
    secret = "NwyAOWqKvSR4Nv5jHvyP0m3X-12"  # a static token and the id of a row, as v8 stores it
    start = os.urandom(16)
    key = hashlib.sha256(config.secret_key.encode()).digest()[:16]
    encryptor = Cipher(algorithms.AES(key), modes.CTR(start)).encryptor()
    value = base64.b64encode(encryptor.update(secret.encode()) + encryptor.finalize()).decode() + "::" + start.hex()
    end = (datetime.now(UTC) + timedelta(days=1)).strftime("%Y-%m-%d %H:%M:%S")
    user = "`user`" if api.store.dialect == "mysql" else '"user"'
    await api.store.run_sync(
        lambda connection: connection.exec_driver_sql(
            f"INSERT INTO directus_user_sessions ({user}, token_type, token, created_on, token_expired_at) "
            f"VALUES (1, 'cookie', '{secret}', '2021-01-01 00:00:00', '{end}')"
        )
    )
    assert (await who(api, value))[0]
    assert (await who(api, value.replace("+", "%2B").replace("/", "%2F").replace("=", "%3D").replace(":", "%3A")))[0]
    # The text itself, a digest of nothing, opens nothing.
    assert not (await who(api, secret))[0]


async def test_signing_in_again_ends_the_session_of_the_browser(api: Newsroom) -> None:
    old = await cookie(api)
    new = await cookie(api, **carrying(old))
    assert old != new
    assert [kind for kind, _ in await rows(api)] == ["cookie"]
    assert not (await who(api, old))[0]
    assert (await who(api, new))[0]


# --- signing out --------------------------------------------------------------------------------------------------


async def test_signing_out_ends_the_session(api: Newsroom) -> None:
    value = await cookie(api)
    answer = await api.ask("POST", "/auth/logout", None, json={}, headers=carrying(value, origin=OWN))
    assert (answer.status_code, answer.json(), answer.headers["set-cookie"]) == (200, {"public": True}, FORGET)
    assert await rows(api) == []
    assert not (await who(api, value))[0]


async def test_a_token_that_was_signed_out_is_not_renewed(api: Newsroom) -> None:
    found = await token(api)
    assert (await api.get("/auth/check", found)) == {"data": {"authenticated": True}, "public": True}
    answer = await api.ask("POST", "/auth/logout", found)
    assert (answer.status_code, answer.json()) == (200, {"public": True})
    assert "set-cookie" not in answer.headers
    assert await rows(api) == []
    assert (await api.get("/auth/check", found)) == {"data": {"authenticated": False}, "public": True}
    assert await api.refusal("POST", "/auth/refresh", None, json={"token": found}) == (401, 101)
    assert (await api.get("/users/me?fields=id", found))["data"] == {"id": 1}  # until it ends


@pytest.mark.parametrize("credential", [None, "admin-token", "nobody-knows-this"])
async def test_signing_out_without_a_session_is_no_error(api: Newsroom, credential: str | None) -> None:
    await cookie(api)
    answer = await api.ask("POST", "/auth/logout", credential, json={})
    assert (answer.status_code, answer.json()) == (200, {"public": True})
    assert len(await rows(api)) == 1


async def test_sessions_of_others_are_ended_by_admins_only(api: Newsroom) -> None:
    value = await cookie(api)
    [(key,)] = await rows(api, "id")
    for path in ("/auth/logout/1", f"/auth/logout/1/{key}"):
        assert await api.refusal("POST", path, None) == (401, 3)
        assert await api.refusal("POST", path, "editor-token") == (401, 3)
    assert len(await rows(api)) == 1
    assert (await api.ask("POST", f"/auth/logout/1/{key + 1}", "admin-token")).status_code == 200
    assert (await api.ask("POST", "/auth/logout/2", "admin-token")).status_code == 200
    assert (await api.ask("POST", "/auth/logout/one", "admin-token", json={})).status_code == 200
    assert len(await rows(api)) == 1
    answer = await api.ask("POST", "/auth/logout/me", None, headers=carrying(value))
    assert (answer.json(), answer.headers["set-cookie"]) == ({"public": True}, FORGET)
    assert await rows(api) == []


async def test_a_new_password_and_a_retirement_end_all_sessions(api: Newsroom) -> None:
    made = await api.ask(
        "POST",
        "/users",
        json={"email": "leaving@example.org", "status": "active", "role": 3, "password": "first-word-1"},
    )
    user = made.json()["data"]["id"]
    for change in ({"password": "second-word-2"}, {"status": "suspended"}):
        word = "first-word-1" if "password" in change else "second-word-2"
        login = {"email": "leaving@example.org", "password": word}
        assert (await api.ask("POST", "/auth/authenticate", None, json=login)).status_code == 200
        assert len(await rows(api)) == 1
        assert (await api.ask("PATCH", f"/users/{user}", json={"title": "Guest"})).status_code == 200
        assert len(await rows(api)) == 1
        assert (await api.ask("PATCH", f"/users/{user}", json=change)).status_code == 200
        assert await rows(api) == []
    assert (await api.ask("DELETE", f"/users/{user}")).status_code == 204


# --- the list -----------------------------------------------------------------------------------------------------


async def test_sessions_are_listed_to_their_owner_without_secrets(api: Newsroom) -> None:
    value = await cookie(api, **{"user-agent": "Mozilla/5.0"})
    found = await token(api)
    answer = await api.ask("GET", "/auth/sessions", None, headers=carrying(value))
    body = answer.json()
    assert list(body) == ["data", "public"]
    first, second = body["data"]
    assert list(first) == [
        "id", "user", "token_type", "token", "ip_address", "user_agent", "created_on", "token_expired_at", "current",
    ]  # fmt: skip
    assert (first["user"], first["token_type"], first["token"]) == (1, "cookie", None)
    assert (first["user_agent"], first["current"]) == ("Mozilla/5.0", True)
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", first["created_on"])
    assert (second["token_type"], second["token"], second["current"]) == ("jwt", None, False)
    seen = (await api.get("/auth/sessions", found))["data"]
    assert [one["current"] for one in seen] == [False, True]
    for credential in (None, "admin-token", "editor-token"):
        assert await api.get("/auth/sessions", credential) == {"public": True}
    for credential in (None, "admin-token"):
        assert (await api.get("/auth/check", credential))["data"] == {"authenticated": False}
