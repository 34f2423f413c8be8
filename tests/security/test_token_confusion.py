"""In charge of tokens of the wrong kind at every door: over REST and GraphQL, in header, query, body and cookie.

None of them is anybody, and none of them changes anything.
"""

from __future__ import annotations

import base64
import hmac
import json
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from core.auth import tokens
from core.auth.tokens import TokenKeys
from tests.api.newsroom import Newsroom, newsroom
from tests.backends import fresh_database


@pytest.fixture(scope="module")
async def server(dialect: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Newsroom]:
    folder = tmp_path_factory.mktemp("confusion")
    with fresh_database(dialect, folder) as url:
        async with newsroom(url, folder / "data") as found:
            yield found


@pytest.fixture
async def api(server: Newsroom) -> Newsroom:
    await server.refill()
    return server


def part(value: Any) -> str:
    data = value if isinstance(value, bytes) else json.dumps(value, separators=(",", ":")).encode()
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


class Forge:
    """Makes tokens for the admin, right but for what a case changes."""

    def __init__(self, api: Newsroom) -> None:
        self.keys = api.projects.get("main").keys
        self.now = int(datetime.now(UTC).timestamp())

    def claims(self, **more: Any) -> dict[str, Any]:
        found = {
            "id": 1, "exp": self.now + 600, "ttl": 20, "type": "auth", "key": self.keys.public_key,
            "project": "main", **more,
        }  # fmt: skip
        return {name: value for name, value in found.items() if value is not ...}

    def token(self, *, secret: bytes | None = None, header: Any = None, digest: str = "sha256", **more: Any) -> str:
        signed = f"{part(header or {'typ': 'JWT', 'alg': 'HS256'})}.{part(self.claims(**more))}"
        mark = hmac.new(self.keys.secret if secret is None else secret, signed.encode(), digest).digest()
        return f"{signed}.{part(mark)}"

    def unsigned(self, alg: str) -> str:
        return f"{part({'typ': 'JWT', 'alg': alg})}.{part(self.claims())}."

    def of_project(self, project: str) -> str:
        keys = TokenKeys(project, self.keys.public_key, self.keys.secret)
        return tokens.sign(keys, "auth", {"id": 1}, expires=self.now + 600, ttl=20)


CASES: dict[str, Callable[[Forge], str]] = {
    "none": lambda forge: forge.unsigned("none"),
    "None": lambda forge: forge.unsigned("None"),
    "HS256 unsigned": lambda forge: forge.unsigned("HS256"),
    "other key": lambda forge: forge.token(secret=b"another secret"),
    "empty key": lambda forge: forge.token(secret=b"\0"),
    "public key": lambda forge: forge.token(secret=forge.keys.public_key.encode()),
    "HS512": lambda forge: forge.token(header={"typ": "JWT", "alg": "HS512"}, digest="sha512"),
    "RS256": lambda forge: forge.token(header={"typ": "JWT", "alg": "RS256"}),
    "kid": lambda forge: forge.token(header={"typ": "JWT", "alg": "HS256", "kid": "/dev/null"}, secret=b"\0"),
    "jwk": lambda forge: forge.token(
        header={"typ": "JWT", "alg": "HS256", "jwk": {"kty": "oct", "k": part(b"mine")}}, secret=b"mine"
    ),
    "jku": lambda forge: forge.token(
        header={"typ": "JWT", "alg": "HS256", "jku": "http://127.0.0.1:9/"}, secret=b"mine"
    ),
    "crit": lambda forge: forge.token(header={"typ": "JWT", "alg": "HS256", "crit": ["exp"]}),
    "other project": lambda forge: forge.of_project("other"),
    "project of another case": lambda forge: forge.of_project("MAIN"),
    "other public key": lambda forge: forge.token(key="another"),
    "expired": lambda forge: forge.token(exp=forge.now - 1),
    "endless": lambda forge: forge.token(exp=...),
    "infinite": lambda forge: forge.token(exp=float("inf")),
    "no number": lambda forge: forge.token(exp=float("nan")),
    "an end that is text": lambda forge: forge.token(exp="2999"),
    "an end that is true": lambda forge: forge.token(exp=True),
    "reset": lambda forge: forge.token(type="reset_password", email="admin@example.com"),
    "invitation": lambda forge: forge.token(type="invitation", email="admin@example.com"),
    "request": lambda forge: forge.token(type="request_token", url=""),
    "kind in another case": lambda forge: forge.token(type="Auth"),
    "kinds": lambda forge: forge.token(type=["auth"]),
    "no kind": lambda forge: forge.token(type=...),
    "nobody": lambda forge: forge.token(id=...),
    "user 0": lambda forge: forge.token(id=0),
    "user -1": lambda forge: forge.token(id=-1),
    "user as text": lambda forge: forge.token(id="1"),
    "user as true": lambda forge: forge.token(id=True),
    "user as a fraction": lambda forge: forge.token(id=1.0),
    "users": lambda forge: forge.token(id=[1]),
    "a condition": lambda forge: forge.token(id={"_gt": 0}),
    "beyond": lambda forge: forge.token(id=2**31),
    "far beyond": lambda forge: forge.token(id=10**40),
    "a user who is not there": lambda forge: forge.token(id=999),
    "huge": lambda forge: forge.token(x="y" * 5000),
    "deep": lambda forge: f"{part({'typ': 'JWT', 'alg': 'HS256'})}.{part(b'[' * 2000)}.AAAA",
    "cut": lambda forge: forge.token()[:-3],
    "padded": lambda forge: forge.token() + "=",
    "four parts": lambda forge: forge.token() + ".x",
    "twice": lambda forge: f"{forge.token(secret=b'x')} {forge.token(secret=b'x')}",
    "static, in another case": lambda forge: "ADMIN-TOKEN",
    "static, with a blank": lambda forge: "admin-token\u00a0",
    "static, with an accent": lambda forge: "\u00e1dmin-token",
    "static, wide": lambda forge: "\uff41dmin-token",
    "static, any": lambda forge: "%",
    "static, of all": lambda forge: "' OR '1'='1",
    "null": lambda forge: "null",
    "a digest of a session": lambda forge: tokens.fingerprint("x"),
}


def plain(token: str) -> bool:
    return token.isascii() and token.isprintable()


@pytest.mark.parametrize("case", CASES)
async def test_a_token_of_the_wrong_kind_is_nobodys(case: str, api: Newsroom) -> None:
    token = CASES[case](Forge(api))
    before = await api.everything()
    ways: list[dict[str, Any]] = [{"path": f"?access_token={token}"}] if plain(token) else []
    for name, value in (
        ("authorization", f"Bearer {token}"),
        ("authorization", "Basic " + base64.b64encode(f"{token}:".encode()).decode()),
        ("cookie", f"directus-main-session={token}"),
    ):
        ways.append({"headers": {name: value.encode()}})
    write = {"query": 'mutation { create_articles_item(data: {title: "Taken"}) { id } }'}
    for way in ways:
        path, more = way.pop("path", ""), way
        query = path if "%" not in token and " " not in token else ""
        found = await api.ask("GET", f"/users/me{query}", None, **more)
        assert (found.status_code, found.json()["error"]["code"]) == (401, 3), found.text
        found = await api.ask("PATCH", f"/items/articles/1{query}", None, json={"title": "Taken"}, **more)
        assert found.status_code == 404, found.text
        found = await api.ask("POST", f"/gql{query}", None, json=write, **more)
        assert found.json()["errors"][0]["extensions"]["kind"] == "CreateDenied", found.text
        found = await api.ask("GET", f"/auth/check{query}", None, **more)
        assert found.json() == {"data": {"authenticated": False}, "public": True}
    found = await api.ask("POST", "/items/articles", None, json={"access_token": token, "title": "Taken"})
    assert (found.status_code, found.json()["error"]["code"]) == (403, 301), found.text
    for body in ({"token": token}, {"token": token, "password": "A new pass-phrase 1"}):
        for path in ("/auth/refresh", "/auth/password/reset"):
            if case == "reset" and path.endswith("reset"):
                continue  # the next test
            found = await api.ask("POST", path, None, json=body)
            assert found.status_code in (401, 404), (path, found.text)
            assert token not in found.text or len(token) < 10
    if case != "request":
        found = await api.ask("POST", "/auth/sso/access_token", None, json={"request_token": token})
        assert (found.status_code, found.json()["error"]["code"]) in ((401, 101), (401, 109)), found.text
    assert await api.everything() == before


async def test_signed_links_that_were_never_sent(api: Newsroom) -> None:
    """Right in every part, but nobody was sent them: stored, or invited, or begun."""
    forge, before = Forge(api), await api.everything()
    reset = forge.token(type="reset_password", email="admin@example.com")
    found = await api.ask("POST", "/auth/password/reset", None, json={"token": reset, "password": "A new pass-phrase"})
    assert (found.status_code, found.json()["error"]["code"]) == (401, 105)
    invitation = forge.token(type="invitation", email="admin@example.com")
    found = await api.ask("POST", f"/users/invite/{invitation}", None, json={"password": "A new pass-phrase"})
    assert (found.status_code, found.json()["error"]["code"]) == (404, 106)
    assert await api.everything() == before


async def test_a_token_ends_with_its_user(api: Newsroom) -> None:
    forge = Forge(api)
    token = forge.token(id=3)
    assert (await api.ask("GET", "/items/articles", token)).status_code == 200
    for status in ("suspended", "deleted", "draft", "invited"):
        await change(api, f"UPDATE directus_users SET status = '{status}' WHERE id = 3")
        found = await api.ask("GET", "/items/articles", token)
        assert (found.status_code, found.headers["www-authenticate"]) == (401, 'Bearer error="invalid_token"')
        refreshed = await api.ask("POST", "/auth/refresh", None, json={"token": token})
        assert refreshed.json()["error"]["code"] == 103
    await change(api, "UPDATE directus_users SET status = 'active' WHERE id = 3")


async def change(api: Newsroom, sql: str) -> None:
    await api.store.run_sync(lambda connection: connection.exec_driver_sql(sql))
