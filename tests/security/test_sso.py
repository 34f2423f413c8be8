"""In charge of attacks on signing in elsewhere that no database is about: by providers, callbacks, targets, cookies."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import pytest

from core.auth.sso import elsewhere as kept
from tests import provider as idp
from tests.api.elsewhere import (
    EMAIL,
    FORGOTTEN,
    NOBODY,
    OWN,
    SIGNED_IN,
    Browser,
    forgotten,
    query_of,
    refusal,
    serving,
    traces,
)
from tests.api.newsroom import Newsroom
from tests.provider import Provider
from tests.receiver import answer


@pytest.fixture(scope="module")
async def at() -> AsyncIterator[Provider]:
    async with idp.provider() as found:
        yield found


@pytest.fixture(scope="module")
async def server(at: Provider, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Newsroom]:
    async with serving("sqlite", tmp_path_factory.mktemp("sso"), at) as found:
        yield found


@pytest.fixture
async def api(server: Newsroom, at: Provider) -> Newsroom:
    return await forgotten(server, at)


@pytest.fixture
def browser(api: Newsroom) -> Browser:
    return Browser(api)


@pytest.mark.parametrize(
    ("emails", "chosen"),
    [
        (["other !vp", "a v", f"{EMAIL} vpP"], True),
        (["a v", f"{EMAIL} vP", "b vp"], True),
        (["a v", f"{EMAIL} vp"], True),
        ([f"{EMAIL} v", "a v"], True),
        ([f"{EMAIL} pP", "a v"], False),
        ([f"{EMAIL}"], False),
        ([], False),
    ],
)
async def test_which_address_of_github_counts(
    emails: list[str], chosen: bool, api: Newsroom, at: Provider, browser: Browser
) -> None:
    """v: verified, p: primary, P: public."""
    at.emails = [
        {
            "email": one.split(" ")[0],
            "verified": "v" in one.partition(" ")[2] and "!v" not in one,
            "primary": "p" in one.partition(" ")[2],
            "visibility": "public" if "P" in one.partition(" ")[2] else None,
        }
        for one in emails
    ]
    found = await browser.sign_in(at, "github", redirect_url="/")
    assert ("request_token" in query_of(found.headers["location"])) is chosen
    assert (await traces(api))[1] == (SIGNED_IN if chosen else [])


@pytest.mark.parametrize("sign", [
    lambda claims: idp.with_rsa(claims),
    lambda claims: idp.jwt.encode({"alg": "RS256"}, claims, idp.RSA),
    lambda claims: idp.jwt.encode({"alg": "ES256", "kid": "ec-1"}, claims, idp.EC),
    lambda claims: idp.with_rsa({**claims, "aud": [idp.CLIENT]}),
    lambda claims: idp.with_rsa({**claims, "aud": [idp.CLIENT, "else"], "azp": idp.CLIENT}),
    lambda claims: idp.with_rsa({**claims, "email": "WRITER@Example.com"}),
    lambda claims: idp.with_rsa({**claims, "email_verified": "true"}),
    lambda claims: idp.with_rsa({name: value for name, value in claims.items() if name != "email_verified"}),
])  # fmt: skip
async def test_tokens_that_are_taken(sign: Any, api: Newsroom, at: Provider, browser: Browser) -> None:
    at.sign = sign
    found = await browser.sign_in(at, redirect_url="/")
    assert "request_token" in query_of(found.headers["location"])
    assert (await traces(api))[1] == SIGNED_IN


async def test_keys_that_are_new_are_asked_for_but_not_all_the_time(
    api: Newsroom, at: Provider, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def code() -> str | None:
        return query_of((await browser.sign_in(at, redirect_url="/")).headers["location"]).get("code")

    assert await code() is None
    new = idp.RSAKey.generate_key(2048, {"kid": "rsa-2"})
    at.keys = [new]
    at.sign = lambda claims: idp.with_rsa(claims, new, kid="rsa-2")
    assert await code() == "-1"
    assert at.asked.count("/jwks") == 1
    monkeypatch.setattr(kept, "KEYS_AGAIN", 0)
    assert await code() is None
    assert at.asked.count("/jwks") == 2
    assert at.asked.count("/.well-known/openid-configuration") == 1


WRONG_CLAIMS: Mapping[str, Mapping[str, Any]] = {
    "nonce": {"nonce": "another"},
    "no nonce": {"nonce": None},
    "nonces": {"nonce": ["a", "b"]},
    "issuer": {"iss": "https://evil.example"},
    "issuer with a slash": {"iss": "/"},
    "no issuer": {"iss": None},
    "audience": {"aud": "another-client"},
    "audiences": {"aud": ["another-client", "yet-another"]},
    "no audience": {"aud": None},
    "audience of several, for another": {"aud": [idp.CLIENT, "another"], "azp": "another"},
    "audience of several, for nobody": {"aud": [idp.CLIENT, "another"]},
    "authorized party": {"azp": "another"},
    "expired": {"exp": 1},
    "no end": {"exp": None},
    "an end that is text": {"exp": "2999-01-01"},
    "an end that is true": {"exp": True},
    "an end beyond all": {"exp": 10**300},
    "not yet valid": {"nbf": 4_000_000_000},
    "issued in the future": {"iat": 4_000_000_000},
    "no moment": {"iat": None},
    "no subject": {"sub": None},
    "subject of another type": {"sub": 7},
    "empty subject": {"sub": ""},
    "hash of another access token": {"at_hash": "AAAAAAAAAAAAAAAAAAAAAA"},
    "unverified": {"email_verified": False},
    "unverified in words": {"email_verified": "false"},
    "unverified by number": {"email_verified": 0},
    "verified, says a list": {"email_verified": [True]},
    "an address of another type": {"email": [EMAIL]},
    "two addresses": {"email": f"{EMAIL},evil@example.com"},
    "an address with a line": {"email": f"{EMAIL}\nevil"},
    "an address with a name": {"email": f"Writer <{EMAIL}>"},
    "an endless address": {"email": "a" * 300 + "@example.com"},
}


@pytest.mark.parametrize("wrong", WRONG_CLAIMS)
async def test_claims_that_are_not_taken(wrong: str, api: Newsroom, at: Provider, browser: Browser) -> None:
    at.claims = dict(WRONG_CLAIMS[wrong])
    if at.claims.get("iss") == "/":
        at.claims["iss"] = f"{at.url}/"
    found = await browser.sign_in(at, mode="cookie", redirect_url="/admin/")
    assert (found.status_code, found.headers["location"]) == (302, "/admin/?code=-1&error=1")
    assert found.headers.get_list("set-cookie") == [FORGOTTEN]
    assert await traces(api) == NOBODY


@pytest.mark.parametrize("sign", [
    idp.unsigned,
    lambda claims: idp.unsigned(claims, "None"),
    lambda claims: idp.unsigned(claims, "RS256"),
    lambda claims: idp.unsigned(claims, ""),
    idp.with_secret,
    lambda claims: idp.with_secret(claims, idp.RSA.as_pem(private=False)),
    lambda claims: idp.with_rsa(claims, idp.OTHER),
    lambda claims: idp.with_rsa(claims, kid="../../dev/null"),
    lambda claims: idp.with_rsa(claims, kid="ec-1"),
    lambda claims: idp.with_rsa(claims, idp.OTHER, jwk=idp.OTHER.as_dict(private=False)),
    lambda claims: idp.with_rsa(claims)[:-4] + "AAAA",
    lambda claims: idp.with_rsa(claims).rpartition(".")[0] + ".",
    lambda claims: "a.b.c",
    lambda claims: ".." ,
    lambda claims: "é.é.é",
    lambda claims: "",
    lambda claims: "x" * 20_000,
])  # fmt: skip
async def test_id_tokens_that_nobody_has_signed(sign: Any, api: Newsroom, at: Provider, browser: Browser) -> None:
    at.sign = sign
    found = await browser.sign_in(at, redirect_url="/admin/")
    assert found.headers["location"] == "/admin/?code=-1&error=1"
    assert await traces(api) == NOBODY


async def test_algorithms_that_the_issuer_does_not_name(api: Newsroom, at: Provider, browser: Browser) -> None:
    at.description = {"id_token_signing_alg_values_supported": ["ES256"]}
    found = await browser.sign_in(at, redirect_url="/")
    assert found.headers["location"] == "/?code=-1&error=1"


async def test_shared_secrets_and_short_keys_are_no_keys(api: Newsroom, at: Provider, browser: Browser) -> None:
    small = {"kty": "RSA", "n": "AQAB" * 30, "e": "AQAB", "kid": "rsa-1"}
    keys = [{"kty": "oct", "k": "eHh4" * 12, "kid": "rsa-1"}, small, "text", {"kty": ["RSA"]}, {}]
    at.lies["/jwks"] = idp.said({"keys": keys})
    found = await browser.sign_in(at, redirect_url="/")
    assert found.headers["location"] == "/?code=-1&error=1"
    assert await traces(api) == NOBODY


@pytest.mark.parametrize("with_cookie", [True, False])
@pytest.mark.parametrize("wrong", [
    {"state": "another"}, {"state": ""}, {"state": None}, {"state": "é"}, {"state": "A" * 5000},
])  # fmt: skip
async def test_a_wrong_state(
    wrong: Mapping[str, Any], with_cookie: bool, api: Newsroom, at: Provider, browser: Browser
) -> None:
    handed = at.authorize(await browser.start(redirect_url="/admin/"))
    cookies = dict(browser.cookies)
    if not with_cookie:
        browser.cookies.clear()
    spoilt = {name: value for name, value in {**handed, **wrong}.items() if value is not None}
    assert await refusal(await browser.back("acme", spoilt)) == (401, 101)
    assert "/token" not in at.asked
    assert await traces(api) == NOBODY
    # Whoever makes a browser come back wrongly does not end the sign-in that it is about.
    browser.cookies = cookies
    assert "request_token" in query_of((await browser.back("acme", handed)).headers["location"])


async def test_a_callback_of_another_provider(api: Newsroom, at: Provider, browser: Browser) -> None:
    handed = at.authorize(await browser.start(redirect_url="/admin/"))
    assert await refusal(await browser.back("okta", handed)) == (401, 101)
    assert await refusal(await browser.back("nothing", handed)) == (404, 1)


async def test_an_answer_that_names_another_issuer(api: Newsroom, at: Provider, browser: Browser) -> None:
    handed = at.authorize(await browser.start(redirect_url="/"), iss="https://evil.example")
    assert (await browser.back("acme", handed)).headers["location"] == "/?code=-1&error=1"
    handed = at.authorize(await browser.start(redirect_url="/"), iss=at.url)
    assert "request_token" in query_of((await browser.back("acme", handed)).headers["location"])


async def test_an_issuer_that_always_names_itself_does_not_forget_to(
    api: Newsroom, at: Provider, browser: Browser
) -> None:
    at.description = {"authorization_response_iss_parameter_supported": True}
    found = await browser.sign_in(at, redirect_url="/")
    assert found.headers["location"] == "/?code=-1&error=1"
    assert "/token" not in at.asked


def sealed(api: Newsroom, now: datetime, **more: Any) -> str:
    """A cookie as the project would have made it at another time, or for something else."""
    from core.auth.sso.pending import Pending, seal
    from core.auth.tokens import TokenKeys

    keys = api.projects.get("main").keys
    keys = TokenKeys(
        more.pop("project", keys.project), more.pop("key", keys.public_key), more.pop("secret", keys.secret)
    )
    facts = {
        "provider": "acme", "state": "s", "mode": "cookie", "target": "/", "callback": f"{OWN}/main/x",
        "nonce": "n", "verifier": "v" * 43, "expires": int(now.timestamp()) + 600, **more,
    }  # fmt: skip
    return seal(keys, Pending(**facts), now)


@pytest.mark.parametrize("how", ["late", "project", "key", "secret", "cut", "text", "longer", "session", "null"])
async def test_cookies_that_are_not_ours(how: str, api: Newsroom, at: Provider, browser: Browser) -> None:
    now = datetime.now(UTC)
    good = sealed(api, now)
    value = {
        "late": lambda: sealed(api, now - timedelta(seconds=601)),
        "project": lambda: sealed(api, now, project="other"),
        "key": lambda: sealed(api, now, key="other"),
        "secret": lambda: sealed(api, now, secret=b"another secret"),
        "cut": lambda: good[:-3],
        "text": lambda: "text",
        "longer": lambda: good + "A" * 4000,
        "session": lambda: "e30.c2ln",
        "null": lambda: "bnVsbA.c2ln",
    }[how]()
    browser.cookies = {"directus-main-sso": value}
    assert await refusal(await browser.back("acme", {"code": "x", "state": "s"})) == (401, 101)
    assert at.asked == []
    browser.cookies = {"directus-main-sso": good}
    assert (await browser.back("acme", {"code": "x", "state": "s"})).headers["location"] == "/?code=-1&error=1"


@pytest.mark.parametrize("url", [
    "https://evil.example/", "//evil.example/", "/\\evil.example", "\\\\evil.example", "https:evil.example",
    "https://api.example.com.evil.example/", "http://api.example.com@evil.example/", "javascript:alert(1)",
    "data:text/html,x", "http://api.example.com:81/", "https://api.example.com/", "/\t/evil.example", " /admin/",
    "https://app.example/other", "https://app.example/in.evil",
    "https://app.example/in/../evil", "https://app.example/in/%2e%2E/evil", "https://app.example/in/\\..",
    "admin/", "?x", "#x",
    "/" + "a" * 1000, "http://api.example.com\\@evil.example/", "HTTP://evil.example", "/\u0000",
])  # fmt: skip
async def test_targets_that_nobody_is_sent_to(url: str, api: Newsroom, browser: Browser) -> None:
    found = await browser.ask("GET", f"/auth/sso/acme?{urlencode({'redirect_url': url})}")
    assert await refusal(found) == (422, 4)
    assert found.json()["error"]["message"] == "redirect_url: This value is not valid."
    assert "set-cookie" not in found.headers
    query = 'mutation($u: String) { auth_sso_start(provider: "acme", redirect_url: $u) { state } }'
    answered = await api.graphql(query, None, u=url)
    assert answered["errors"][0]["extensions"]["kind"] == "ValidationFailed"


@pytest.mark.parametrize("url", [
    "/", "/admin/#/", f"{OWN}/admin/#/", "http://API.example.com:80/x?y=1", "https://app.example/in",
    "https://app.example/in/here?a=b",
])  # fmt: skip
async def test_targets_that_are_allowed(url: str, api: Newsroom, at: Provider, browser: Browser) -> None:
    found = await browser.sign_in(at, mode="cookie", redirect_url=url)
    assert found.headers["location"] == url
    at.claims = {"nonce": "wrong"}
    found = await browser.sign_in(at, mode="cookie", redirect_url=url)
    assert found.headers["location"] == url + ("&" if "?" in url else "?") + "code=-1&error=1"


@pytest.mark.parametrize(
    ("referer", "target"), [(f"{OWN}/admin/", f"{OWN}/admin/"), ("https://evil.example/", None), ("nothing", None)]
)
async def test_the_page_that_one_comes_from(
    referer: str, target: str | None, api: Newsroom, at: Provider, browser: Browser
) -> None:
    found = await browser.ask("GET", "/auth/sso/acme", headers={"referer": referer})
    assert found.status_code == 200
    at.claims = {"nonce": "wrong"}
    found = await browser.back("acme", at.authorize(found.json()["data"]["authorization_url"]))
    if target is None:
        assert await refusal(found) == (401, -1)
        assert found.headers.get_list("set-cookie") == [FORGOTTEN]
    else:
        assert found.headers["location"] == f"{target}?code=-1&error=1"


DOWN: Mapping[str, Mapping[str, bytes]] = {
    "discovery is not there": {"/.well-known/openid-configuration": answer(404)},
    "discovery fails": {"/.well-known/openid-configuration": answer(500)},
    "discovery is no JSON": {"/.well-known/openid-configuration": answer(200, b"<html>")},
    "discovery is a list": {"/.well-known/openid-configuration": idp.said([])},
    "discovery of another issuer": {"/.well-known/openid-configuration": idp.said({"issuer": "https://evil.example"})},
    "discovery is huge": {"/.well-known/openid-configuration": answer(200, b" " * 400_000)},
    "discovery is deep": {"/.well-known/openid-configuration": answer(200, b"[" * 100_000)},
    "discovery leads elsewhere": {"/.well-known/openid-configuration": answer(302, Location="http://127.0.0.1:9/")},
    "discovery hangs up": {"/.well-known/openid-configuration": b"nothing\r\n\r\n"},
}
LATER_DOWN: Mapping[str, Mapping[str, bytes]] = {
    "keys fail": {"/jwks": answer(503)},
    "keys are none": {"/jwks": idp.said({"keys": []})},
    "keys are no list": {"/jwks": idp.said({"keys": {"kty": "RSA"}})},
    "keys are huge": {"/jwks": answer(200, b" " * 400_000)},
    "the token fails": {"/token": answer(500)},
    "the token is refused": {"/token": idp.said({"error": "access_denied"}, 403)},
    "the token is a list": {"/token": idp.said([1])},
    "the token is text": {"/token": answer(200, b"access_token=x&token_type=bearer")},
    "the token is a number": {"/token": idp.said({"access_token": 7, "id_token": 8})},
    "there is no id_token": {"/token": idp.said({"access_token": "an-access-token", "token_type": "Bearer"})},
    "the token leads elsewhere": {"/token": answer(307, Location="http://127.0.0.1:9/")},
    "an error with 200": {"/token": idp.said({"error": "bad_verification_code"})},
}


@pytest.mark.parametrize("how", DOWN)
async def test_a_provider_that_cannot_be_asked(how: str, api: Newsroom, at: Provider, browser: Browser) -> None:
    at.lies.update(DOWN[how])
    for _ in range(2):
        found = await browser.ask("GET", "/auth/sso/acme?redirect_url=/")
        assert await refusal(found) == (503, -1)
        assert found.json()["error"]["message"] == "The provider cannot be asked now"
        assert "set-cookie" not in found.headers
    assert len(at.asked) == 1  # what has just failed is not asked again
    # Others are not affected.
    assert (await browser.ask("GET", "/auth/sso/okta?redirect_url=/")).status_code == 302


@pytest.mark.parametrize("how", LATER_DOWN)
async def test_a_provider_that_fails_in_the_middle(how: str, api: Newsroom, at: Provider, browser: Browser) -> None:
    at.lies.update(LATER_DOWN[how])
    found = await browser.sign_in(at, mode="cookie", redirect_url="/")
    assert found.headers["location"] == "/?code=-1&error=1"
    assert await traces(api) == NOBODY
    at.lies.clear()
    assert (await browser.ask("GET", "/auth/check")).json()["data"] == {"authenticated": False}


@pytest.mark.parametrize("path", ["/token", "/jwks", "/userinfo"])
async def test_a_provider_that_is_slow(
    path: str, api: Newsroom, at: Provider, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    at.in_token = False
    handed = at.authorize(await browser.start(redirect_url="/"))
    monkeypatch.setattr(kept, "SECONDS", 0.2)
    at.slow = {path}
    assert (await browser.back("acme", handed)).headers["location"] == "/?code=-1&error=1"
    assert await traces(api) == NOBODY


async def test_userinfo_of_somebody_else(api: Newsroom, at: Provider, browser: Browser) -> None:
    at.in_token = False
    at.lies["/userinfo"] = idp.said({"sub": "another", "email": EMAIL, "email_verified": True})
    found = await browser.sign_in(at, redirect_url="/")
    assert found.headers["location"] == "/?code=-1&error=1"
    assert await traces(api) == NOBODY


async def test_a_domain_of_google_that_is_not_the_one(api: Newsroom, at: Provider, browser: Browser) -> None:
    for domain in (None, "evil.example", ["example.com"]):
        at.user["hd"] = domain
        found = await browser.sign_in(at, "google", redirect_url="/")
        assert found.headers["location"] == "/?code=-1&error=1"
    assert await traces(api) == NOBODY


async def test_no_provider_leads_into_a_private_network(api: Newsroom, at: Provider, browser: Browser) -> None:
    """What a description names is fetched like what strangers name."""
    here = api.projects.get("main").elsewhere
    at.description = {
        "jwks_uri": f"http://localhost:{at.receiver.port}/jwks",
        "token_endpoint": "http://10.0.0.1/token",
    }
    found = await browser.sign_in(at, redirect_url="/")
    assert found.headers["location"] == "/?code=-1&error=1"
    at.description = {"jwks_uri": f"http://[::1]:{at.receiver.port}/jwks"}
    here._kept.clear()
    found = await browser.sign_in(at, redirect_url="/")
    assert found.headers["location"] == "/?code=-1&error=1"
    assert "/jwks" not in at.asked
    at.description = {"jwks_uri": "file:///etc/passwd"}
    here._kept.clear()
    assert (await browser.ask("GET", "/auth/sso/acme")).status_code == 503


@pytest.mark.parametrize("handed", [{"error": "access_denied"}, {"code": ""}, {}, {"code": "x" * 5000}])
async def test_who_says_no_there(handed: dict[str, str], api: Newsroom, at: Provider, browser: Browser) -> None:
    state = at.authorize(await browser.start(redirect_url="/"))["state"]
    found = await browser.back("acme", {"state": state, **handed})
    assert found.headers["location"] == "/?code=-1&error=1"
    assert "/token" not in at.asked
    assert await traces(api) == NOBODY


@pytest.mark.parametrize("name", ["nothing", "off", "empty", "nowhere", "odd", "what", "ACME", "../acme", "acme%00"])
async def test_providers_that_are_not_there(name: str, api: Newsroom, at: Provider, browser: Browser) -> None:
    path = name if "%" in name else name.replace("/", "%2F")
    assert await refusal(await browser.ask("GET", f"/auth/sso/{path}?redirect_url=/")) == (404, 1)
    assert await refusal(await browser.ask("GET", f"/auth/sso/{path}/callback?code=x&state=y")) == (404, 1)
    assert await refusal(await browser.ask("POST", f"/auth/sso/{path}", json={"code": "x"})) == (404, 1)
    assert at.asked == []


async def test_an_address_signs_in_so_often(
    api: Newsroom, at: Provider, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept, "PER_CALLER", 2)
    handed = at.authorize(await browser.start(redirect_url="/"))
    await browser.back("acme", handed)
    assert await refusal(await browser.ask("GET", "/auth/sso/acme?redirect_url=/")) == (429, 7)


async def test_many_at_once_do_not_wait_for_a_slow_provider(
    api: Newsroom, at: Provider, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept, "UNDER_WAY", 0)
    assert await refusal(await browser.ask("GET", "/auth/sso/acme?redirect_url=/")) == (503, -1)
    assert at.asked == []


async def test_codes_are_not_exchanged_unless_the_project_says_so(api: Newsroom, at: Provider) -> None:
    found = await api.ask("POST", "/auth/sso/acme", None, json={"code": "x"})
    assert await refusal(found) == (403, 10)
    assert at.asked == []
