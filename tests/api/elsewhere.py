"""In charge of what tests of signing in elsewhere share: a server with every kind of provider, and a browser.

It asserts what no test is about.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http.cookies import SimpleCookie
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode

import httpx2

from tests import provider as idp
from tests.api.newsroom import Newsroom, newsroom
from tests.backends import fresh_database
from tests.provider import Provider

OWN = "http://api.example.com"
STATE = re.compile(r"directus-main-sso=[\w.~-]{100,}; path=/; expires=([^;]+ GMT); HttpOnly; SameSite=Lax")
FORGOTTEN = "directus-main-sso=; path=/; expires=Thu, 01 Jan 1970 00:00:00 GMT; HttpOnly; SameSite=Lax"
SESSION = re.compile(r"directus-main-session=[\w-]{43}; path=/; expires=[^;]+ GMT; HttpOnly; SameSite=Lax")
EMAIL = "writer@example.com"


def configured(at: str) -> dict[str, Any]:
    """Every kind of provider, all of them at the one that runs here."""
    client = {"client_id": idp.CLIENT, "client_secret": idp.SECRET}
    return {
        "sso_allow_hosts": ["127.0.0.1"],
        "sso_redirect_allow_list": ["https://app.example/in"],
        "social_providers": {
            "acme": {"type": "oidc", "issuer": at, "icon": "/acme.svg", **client},
            "plain": {"type": "oidc", "issuer": at, "scopes": "openid profile", **client},
            "github": {"base_url": at, **client},
            "google": {"issuer": at, "hosted_domain": "example.com", **client},
            "google2": {"type": "google", "use_oidc_mode": False, "base_url": at, **client},
            "facebook": {"base_url": at, **client},
            "okta": {"base_url": at, **client},
            "twitter": {"identifier": idp.CLIENT, "secret": idp.SECRET, "base_url": at},
            "off": {"type": "oidc", "issuer": at, "enabled": False, **client},
            "empty": {"type": "oidc", "issuer": at},
            "nowhere": {"type": "oidc", **client},
            "odd": "text",
            "what": {**client},
        },
    }


async def change(api: Newsroom, sql: str) -> None:
    """Something that an operator does to the database."""
    await api.store.run_sync(lambda connection: connection.exec_driver_sql(sql))


class Browser:
    """Keeps cookies as browsers do, and follows nothing by itself."""

    def __init__(self, api: Newsroom) -> None:
        self.api = api
        self.cookies: dict[str, str] = {}

    async def ask(self, method: str, path: str, **more: Any) -> httpx2.Response:
        headers = {**more.pop("headers", {})}
        if self.cookies:
            headers["cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        found = await self.api.ask(method, path, None, headers=headers, **more)
        for line in found.headers.get_list("set-cookie"):
            for name, morsel in SimpleCookie(line).items():
                self.cookies.pop(name, None)
                if parsedate_to_datetime(morsel["expires"]) > datetime.now(UTC):
                    self.cookies[name] = morsel.value
        return found

    async def start(self, name: str = "acme", **query: str) -> str:
        """The URL of the provider that the browser is sent to."""
        found = await self.ask("GET", f"/auth/sso/{name}?{urlencode(query)}", headers={"accept": "text/html"})
        assert found.status_code == 302, found.text
        return str(found.headers["location"])

    async def back(self, name: str, handed: Mapping[str, str]) -> httpx2.Response:
        return await self.ask("GET", f"/auth/sso/{name}/callback?{urlencode(handed)}")

    async def sign_in(self, at: Provider, name: str = "acme", **query: str) -> httpx2.Response:
        """All of it."""
        return await self.back(name, at.authorize(await self.start(name, **query)))


async def traces(api: Newsroom) -> tuple[list[tuple[Any, ...]], list[tuple[Any, ...]]]:
    """Sessions and activity: what a sign-in leaves behind."""
    sessions = "SELECT user_id, token_type FROM (SELECT {} AS user_id, token_type, id FROM directus_user_sessions) s"
    quoted = "`user`" if api.store.dialect == "mysql" else '"user"'
    return (
        await api.rows(sessions.format(quoted) + " WHERE token_type <> 'once' ORDER BY id"),
        await api.rows("SELECT action, action_by, collection, item FROM directus_activity ORDER BY id"),
    )


NOBODY: tuple[list[Any], list[Any]] = ([], [])
SIGNED_IN = [("authenticate", 3, "directus_users", "3")]


async def exchanged(api: Newsroom, request_token: str) -> httpx2.Response:
    """A request token in exchange for a session's."""
    return await api.ask("POST", "/auth/sso/access_token", None, json={"request_token": request_token})


async def whose(api: Newsroom, token: str) -> Any:
    """The e-mail address of a token's owner; None when it is nobody's."""
    found = (await api.graphql("{ auth_check { authenticated } project_info { json } }", token))["data"]
    return found["auth_check"]["authenticated"]


def query_of(location: str) -> dict[str, str]:
    """The parameters at the end of a URL, also inside its fragment."""
    return dict(parse_qsl(location.rpartition("?")[2]))


async def refusal(found: httpx2.Response) -> tuple[int, Any]:
    """Status and code of an error."""
    assert list(found.json()) == ["error"], found.text
    return found.status_code, found.json()["error"]["code"]


@asynccontextmanager
async def serving(dialect: str, folder: Path, at: Provider) -> AsyncIterator[Newsroom]:
    """A server whose users may sign in at `at`."""
    with fresh_database(dialect, folder) as url:
        async with newsroom(url, folder / "data", auth=configured(at.url)) as found:
            yield found


async def forgotten(server: Newsroom, at: Provider) -> Newsroom:
    """The server, which has heard nothing of the provider yet; the provider tells the truth about the writer."""
    at.reset(EMAIL)
    await server.rows_away("directus_user_sessions", "1 = 1")
    await server.rows_away("directus_activity", "1 = 1")
    here = server.projects.get("main").elsewhere
    here._kept.clear()
    here._callers._times.clear()
    await change(server, "UPDATE directus_users SET status = 'active', role = 4 WHERE id = 3")
    return server
