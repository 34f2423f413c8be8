"""Signing in elsewhere over REST and GraphQL, on three databases, at a provider that runs here (spec 02 §7)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import parse_qs, urlencode

import pytest

from tests import provider as idp
from tests.api.elsewhere import (
    EMAIL,
    FORGOTTEN,
    NOBODY,
    OWN,
    SESSION,
    SIGNED_IN,
    STATE,
    Browser,
    change,
    exchanged,
    forgotten,
    query_of,
    refusal,
    serving,
    traces,
    whose,
)
from tests.api.newsroom import Newsroom
from tests.provider import Provider


@pytest.fixture(scope="module")
async def at() -> AsyncIterator[Provider]:
    async with idp.provider() as found:
        yield found


@pytest.fixture(scope="module")
async def server(dialect: str, at: Provider, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Newsroom]:
    async with serving(dialect, tmp_path_factory.mktemp("sso"), at) as found:
        yield found


@pytest.fixture
async def api(server: Newsroom, at: Provider) -> Newsroom:
    return await forgotten(server, at)


@pytest.fixture
def browser(api: Newsroom) -> Browser:
    return Browser(api)


# --- the good ways ------------------------------------------------------------------------------------------------


async def test_the_list_of_providers(api: Newsroom) -> None:
    icon = "/extensions/core/auth/{}/icon.svg"
    listed = [
        {"name": "acme", "icon": "/acme.svg"},
        {"name": "plain", "icon": None},
        {"name": "github", "icon": icon.format("github")},
        {"name": "google", "icon": icon.format("google")},
        {"name": "google2", "icon": None},
        {"name": "facebook", "icon": icon.format("facebook")},
        {"name": "okta", "icon": icon.format("okta")},
        {"name": "twitter", "icon": icon.format("twitter")},
    ]
    assert await api.get("/auth/sso", None) == {"data": listed, "public": True}
    found = await api.graphql("{ auth_sso_providers { name icon } }", None)
    assert found == {"data": {"auth_sso_providers": listed}}


async def test_a_browser_signs_in_with_tokens(api: Newsroom, at: Provider, browser: Browser) -> None:
    found = await browser.ask("GET", "/auth/sso/acme?redirect_url=/admin/%23/")
    assert found.status_code == 302
    assert found.headers["cache-control"] == "private, no-store"
    ends = STATE.fullmatch(found.headers["set-cookie"])
    assert ends is not None, found.headers["set-cookie"]
    assert timedelta(minutes=9) < parsedate_to_datetime(ends[1]) - datetime.now(UTC) <= timedelta(minutes=10)
    location = found.headers["location"]
    assert found.json() == {
        "data": {"authorization_url": location, "state": parse_qs(location)["state"][0]},
        "public": True,
    }
    handed = at.authorize(location)
    asked = dict(at.last)
    assert {name: len(asked.pop(name)) for name in ("state", "nonce", "code_challenge")} == {
        "state": 43,
        "nonce": 43,
        "code_challenge": 43,
    }
    assert asked == {
        "response_type": "code",
        "client_id": idp.CLIENT,
        "redirect_uri": f"{OWN}/main/auth/sso/acme/callback",
        "scope": "openid email",
        "code_challenge_method": "S256",
    }

    found = await browser.back("acme", handed)
    assert (found.status_code, found.headers.get_list("set-cookie")) == (302, [FORGOTTEN])
    assert found.json() == {"public": True}
    assert browser.cookies == {}
    target, _, query = found.headers["location"].partition("?")
    assert target == "/admin/#/"
    assert list(query_of(query)) == ["request_token"]
    assert await traces(api) == ([], SIGNED_IN)

    request_token = query_of(query)["request_token"]
    found = await exchanged(api, request_token)
    assert (found.status_code, list(found.json()), list(found.json()["data"])) == (200, ["data", "public"], ["token"])
    assert await whose(api, found.json()["data"]["token"]) is True
    assert await traces(api) == ([(3, "jwt")], SIGNED_IN)
    renewed = await api.ask("POST", "/auth/refresh", None, json={"token": found.json()["data"]["token"]})
    assert renewed.status_code == 200

    found = await exchanged(api, request_token)
    assert (found.status_code, found.json()["error"]["code"]) == (401, 110)
    assert await traces(api) == ([(3, "jwt")], SIGNED_IN)


async def test_a_browser_signs_in_with_a_cookie(api: Newsroom, at: Provider, browser: Browser) -> None:
    found = await browser.sign_in(at, mode="cookie", redirect_url=f"{OWN}/admin/#/")
    assert (found.status_code, found.headers["location"]) == (302, f"{OWN}/admin/#/")
    session, forgotten = found.headers.get_list("set-cookie")
    assert SESSION.fullmatch(session)
    assert forgotten == FORGOTTEN
    assert await traces(api) == ([(3, "cookie")], SIGNED_IN)
    assert (await browser.ask("GET", "/auth/check")).json()["data"] == {"authenticated": True}
    # Who shares the browser does not go on as the one before.
    at.user["email"] = "editor@example.com"
    await browser.sign_in(at, mode="cookie", redirect_url="/admin/")
    assert (await traces(api))[0] == [(2, "cookie")]


async def test_without_a_target_the_answer_is_that_of_a_login(api: Newsroom, at: Provider, browser: Browser) -> None:
    found = await browser.ask("GET", "/auth/sso/acme")
    assert found.status_code == 200
    found = await browser.back("acme", at.authorize(found.json()["data"]["authorization_url"]))
    assert (found.status_code, list(found.json()), list(found.json()["data"])) == (
        200,
        ["data", "public"],
        ["token", "user"],
    )
    user = found.json()["data"]["user"]
    assert (user["id"], user["role"], user["email"], user["2fa_secret"]) == ("3", "4", EMAIL, None)
    assert (await exchanged(api, found.json()["data"]["token"])).status_code == 200
    found = await browser.ask("GET", "/auth/sso/acme?mode=cookie")
    found = await browser.back("acme", at.authorize(found.json()["data"]["authorization_url"]))
    assert (found.status_code, list(found.json()["data"])) == (200, ["user"])
    assert SESSION.fullmatch(found.headers.get_list("set-cookie")[0])


async def test_the_same_over_graphql(api: Newsroom, at: Provider, browser: Browser) -> None:
    async def run(text: str, **variables: str) -> Any:
        found = await browser.ask("POST", "/gql", json={"query": text, "variables": variables})
        return found.json()

    text = (
        "mutation($to: String, $mode: String)"
        '{ auth_sso_start(provider: "acme", mode: $mode, redirect_url: $to) { authorization_url state } }'
    )
    back = (
        'mutation($code: String, $state: String) { auth_sso_finish(provider: "acme", code: $code, state: $state)'
        "{ location token user code message } }"
    )
    begun = (await run(text))["data"]["auth_sso_start"]
    handed = at.authorize(begun["authorization_url"])
    assert handed["state"] == begun["state"]
    done = (await run(back, **handed))["data"]["auth_sso_finish"]
    assert (done["location"], done["code"], done["user"]["email"]) == (None, None, EMAIL)
    token = "mutation($t: String) { auth_sso_token(request_token: $t) { token } }"
    found = await run(token, t=done["token"])
    assert await whose(api, found["data"]["auth_sso_token"]["token"]) is True
    found = await run(token, t=done["token"])
    assert found["errors"][0]["extensions"] == {"category": "graphql", "code": 110, "kind": "ExpiredRequestToken"}
    found = await run(back, **handed)
    assert found["errors"][0]["extensions"]["kind"] == "UnknownSignIn"

    begun = (await run(text, to="/admin/", mode="cookie"))["data"]["auth_sso_start"]
    done = (await run(back, **at.authorize(begun["authorization_url"])))["data"]["auth_sso_finish"]
    assert (done["location"], done["token"], done["user"]["id"]) == ("/admin/", None, "3")
    assert (await browser.ask("GET", "/auth/check")).json()["data"] == {"authenticated": True}

    at.user["email"] = "nobody-here@example.com"
    begun = (await run(text, to="/admin/"))["data"]["auth_sso_start"]
    done = (await run(back, **at.authorize(begun["authorization_url"])))["data"]["auth_sso_finish"]
    assert done == {
        "location": "/admin/?code=107&error=1&attributes%5Bemail%5D=nobody-here%40example.com",
        "token": None,
        "user": None,
        "code": 107,
        "message": 'User with email "nobody-here@example.com" not found',
    }


@pytest.mark.parametrize("name", ["acme", "plain", "google", "google2", "facebook", "okta", "github", "twitter"])
async def test_every_kind_of_provider(name: str, api: Newsroom, at: Provider, browser: Browser) -> None:
    at.in_token = name != "plain"
    at.user["hd"] = "example.com"
    at.emails = [{"email": EMAIL, "primary": True, "verified": True, "visibility": "private"}]
    found = await browser.sign_in(at, name, mode="cookie", redirect_url="/admin/")
    assert (found.status_code, found.headers["location"]) == (302, "/admin/")
    assert await traces(api) == ([(3, "cookie")], SIGNED_IN)
    scope = {"plain": "openid profile", "google2": "email", "facebook": "email", "github": "user:email"}
    assert at.last.get("scope") == (None if name == "twitter" else scope.get(name, "openid email"))
    if name in ("google", "google2"):
        assert at.last.get("hd") == ("example.com" if name == "google" else None)


# --- attacks ------------------------------------------------------------------------------------------------------


async def test_another_browser(api: Newsroom, at: Provider, browser: Browser) -> None:
    """A link to the callback, with which somebody would sign another in as himself."""
    handed = at.authorize(await browser.start(redirect_url="/admin/"))
    assert await refusal(await Browser(api).back("acme", handed)) == (401, 101)
    other = Browser(api)
    await other.start(redirect_url="/admin/")
    assert await refusal(await other.back("acme", handed)) == (401, 101)
    assert await traces(api) == NOBODY


async def test_nothing_is_good_twice(api: Newsroom, at: Provider, browser: Browser) -> None:
    url = await browser.start(mode="cookie", redirect_url="/")
    cookies, handed = dict(browser.cookies), at.authorize(url)
    assert (await browser.back("acme", handed)).headers["location"] == "/"
    left = await traces(api)
    # The same code again, by who has kept the cookie.
    browser.cookies = dict(cookies)
    assert (await browser.back("acme", handed)).headers["location"] == "/?code=-1&error=1"
    # The same sign-in with another code of the same provider.
    browser.cookies = dict(cookies)
    found = await browser.back("acme", at.authorize(url))
    assert found.headers["location"] == "/?code=101&error=1"
    assert found.headers.get_list("set-cookie") == [FORGOTTEN]
    assert await traces(api) == left


async def test_a_code_of_somebody_elses_sign_in(api: Newsroom, at: Provider, browser: Browser) -> None:
    """PKCE: a code that was stolen on its way does not fit."""
    stolen = at.authorize(await browser.start(redirect_url="/"))["code"]
    thief = Browser(api)
    handed = at.authorize(await thief.start(redirect_url="/"))
    assert (await thief.back("acme", {**handed, "code": stolen})).headers["location"] == "/?code=-1&error=1"
    assert await traces(api) == NOBODY


@pytest.mark.parametrize(
    ("sql", "email", "code", "status"),
    [
        ("UPDATE directus_users SET status = 'suspended' WHERE id = 3", EMAIL, 103, 404),
        ("UPDATE directus_users SET status = 'invited' WHERE id = 3", EMAIL, 103, 401),
        ("UPDATE directus_users SET status = 'draft' WHERE id = 3", EMAIL, 103, 401),
        ("UPDATE directus_users SET status = 'deleted' WHERE id = 3", EMAIL, 103, 401),
        ("", "stranger@example.com", 107, 404),
        ("", "wr\u00edter@example.com", 107, 404),
        ("", "writer@example.\u017fom", 107, 404),
        ("", "\u212aate@example.com", 107, 404),
    ],
)
async def test_who_has_no_account_that_may_sign_in(
    sql: str, email: str, code: int, status: int, api: Newsroom, at: Provider, browser: Browser
) -> None:
    if sql:
        await change(api, sql)
    at.user["email"] = email
    found = await browser.sign_in(at, mode="cookie", redirect_url="/")
    expected = {"code": str(code), "error": "1", **({"attributes[email]": email} if code == 107 else {})}
    assert query_of(found.headers["location"]) == expected
    assert found.headers.get_list("set-cookie") == [FORGOTTEN]
    begun = await browser.ask("GET", "/auth/sso/acme")
    found = await browser.back("acme", at.authorize(begun.json()["data"]["authorization_url"]))
    assert await refusal(found) == (status, code)
    assert await traces(api) == NOBODY
    assert await api.rows("SELECT count(*) FROM directus_users") == [(4,)]


async def test_letters_that_a_database_takes_for_others(api: Newsroom, at: Provider, browser: Browser) -> None:
    """A provider may have verified an address that some collation equals with an admin's."""
    for email in (
        "\u00e1dmin@example.com",
        "admin@ex\u00e4mple.com",
        "adm\u0131n@example.com",
        "ADM\u0130N@example.com",
    ):
        at.user["email"] = email
        found = await browser.sign_in(at, mode="cookie", redirect_url="/")
        assert query_of(found.headers["location"])["code"] == "107"
    assert await traces(api) == NOBODY


@pytest.mark.parametrize("how", ["own", "role"])
async def test_a_second_factor_is_not_passed_by(how: str, api: Newsroom, at: Provider, browser: Browser) -> None:
    quoted = "`2fa_secret`" if api.store.dialect == "mysql" else '"2fa_secret"'
    if how == "own":
        changes = (f"UPDATE directus_users SET {quoted} = 'JBSWY3DPEHPK3PXP' WHERE id = 3",)
        back = (f"UPDATE directus_users SET {quoted} = NULL WHERE id = 3",)
    else:
        value = "true" if api.store.dialect == "postgres" else "1"
        changes = (f"UPDATE directus_roles SET enforce_2fa = {value} WHERE id = 4",)
        back = ("UPDATE directus_roles SET enforce_2fa = NULL WHERE id = 4",)
    waiting = query_of((await browser.sign_in(at, redirect_url="/")).headers["location"])["request_token"]
    left = await traces(api)
    try:
        for sql in changes:
            await change(api, sql)
        found = await browser.sign_in(at, mode="cookie", redirect_url="/")
        assert found.headers["location"] == "/?code=115&error=1"
        assert await refusal(await exchanged(api, waiting)) == (401, 115)
        assert await traces(api) == left
    finally:
        for sql in back:
            await change(api, sql)
    assert (await exchanged(api, waiting)).status_code == 200


async def test_a_request_token_of_who_was_suspended_meanwhile(api: Newsroom, at: Provider, browser: Browser) -> None:
    token = query_of((await browser.sign_in(at, redirect_url="/")).headers["location"])["request_token"]
    await change(api, "UPDATE directus_users SET status = 'suspended' WHERE id = 3")
    assert await refusal(await exchanged(api, token)) == (404, 103)
    assert (await traces(api))[0] == []


async def test_oauth1_is_bound_to_its_request_token(api: Newsroom, at: Provider, browser: Browser) -> None:
    handed = at.authorize(await browser.start("twitter", redirect_url="/"))
    other = at.authorize(await Browser(api).start("twitter", redirect_url="/"))
    assert await refusal(await browser.back("twitter", other)) == (401, 101)
    assert await refusal(await Browser(api).back("twitter", handed)) == (401, 101)
    for wrong in ({"oauth_verifier": "x"}, {"oauth_verifier": ""}):
        cookies = dict(browser.cookies)
        found = await browser.back("twitter", {**handed, **wrong})
        assert found.headers["location"] == "/?code=-1&error=1"
        browser.cookies = cookies
    assert await traces(api) == NOBODY
    assert "request_token" in query_of((await browser.back("twitter", handed)).headers["location"])


# --- codes that clients have got themselves -------------------------------------------------------------------------


async def test_a_code_is_exchanged(server: Newsroom, api: Newsroom, at: Provider) -> None:
    project = api.projects.get("main")
    before = project.config
    tree = {**before.tree, "auth": {**before.tree["auth"], "sso_code_exchange": True}}
    project.config = replace(before, tree=tree)
    try:

        def code() -> str:
            query = {"response_type": "code", "client_id": idp.CLIENT, "scope": "openid email", "state": "of-client"}
            query["redirect_uri"] = f"{OWN}/main/auth/sso/acme/callback"
            return at.authorize(f"{at.url}/authorize?{urlencode(query)}")["code"]

        first = code()
        found = await api.ask("POST", "/auth/sso/acme", None, json={"code": first})
        assert (found.status_code, list(found.json()), list(found.json()["data"])) == (
            200,
            ["data", "public"],
            ["token"],
        )
        assert await whose(api, found.json()["data"]["token"]) is True
        assert await traces(api) == ([(3, "jwt")], SIGNED_IN)
        left = await traces(api)
        for body in ({"code": first}, {"code": "x"}, {}, {"code": ["x"]}, {"code": None}):
            assert await refusal(await api.ask("POST", "/auth/sso/acme", None, json=body)) == (401, -1)
        assert await refusal(await api.ask("POST", "/auth/sso/twitter", None, json={"code": "x"})) == (403, 10)
        await change(api, "UPDATE directus_users SET status = 'suspended' WHERE id = 3")
        assert await refusal(await api.ask("POST", "/auth/sso/acme", None, json={"code": code()})) == (404, 103)
        query = 'mutation($c: String) { auth_sso_exchange(provider: "acme", code: $c) { token } }'
        answered = await api.graphql(query, None, c=code())
        assert answered["errors"][0]["extensions"]["kind"] == "UserSuspended"
        assert await traces(api) == left
    finally:
        project.config = before
