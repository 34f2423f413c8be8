"""In charge of which providers a project has and where their endpoints are; from configuration alone. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from core.settings import ProjectConfig

NAME = re.compile(r"[\w.-]{1,64}", re.ASCII)
ICON = "/extensions/core/auth/{}/icon.svg"
ANY_DOMAIN = "*"


@dataclass(frozen=True, slots=True)
class Endpoints:
    """URLs of a provider. `user`: tells the e-mail address. `request`: of OAuth 1.0a only, for request tokens.

    `basic`: the client names itself in a header, not in the body.
    """

    authorize: str
    token: str
    user: str | None = None
    request: str | None = None
    basic: bool = False


@dataclass(frozen=True, slots=True)
class Provider:
    """Where users sign in instead of here.

    `kind`: github, google, facebook, okta, twitter, oidc. `issuer`: of OpenID Connect, whose endpoints are discovered;
    the others have `endpoints`. `hosted_domain`: the one domain of Google whose users may sign in.
    """

    name: str
    kind: str
    client_id: str
    client_secret: str = field(repr=False)
    scopes: tuple[str, ...] = ()
    issuer: str | None = None
    endpoints: Endpoints | None = None
    callback_url: str | None = None
    hosted_domain: str | None = None
    icon: str | None = None

    @property
    def of_oauth1(self) -> bool:
        """It speaks OAuth 1.0a."""
        return self.endpoints is not None and self.endpoints.request is not None


Given = Mapping[str, Any]


def providers(config: ProjectConfig) -> dict[str, Provider]:
    """The providers that can be used, by name and in their order; what is off, no map or incomplete is left out."""
    found: dict[str, Provider] = {}
    given = config.get("auth.social_providers")
    for name, one in given.items() if isinstance(given, Mapping) else ():
        if isinstance(one, Mapping) and one.get("enabled") and NAME.fullmatch(name):
            provider = _provider(name, one)
            if provider is not None:
                found[name] = provider
    return found


def incomplete(config: ProjectConfig) -> list[str]:
    """Names of providers that are meant to be used and lack something, for the log."""
    given = config.get("auth.social_providers")
    known = providers(config)
    if not isinstance(given, Mapping):
        return []
    return [
        name for name, one in given.items() if isinstance(one, Mapping) and one.get("enabled") and name not in known
    ]


def _provider(name: str, given: Given) -> Provider | None:
    kind = (given.get("type") or name).lower()
    make = KINDS.get(kind)
    identifier = "identifier" if kind == "twitter" else "client_id"
    secret = given.get("secret" if kind == "twitter" else "client_secret")
    if make is None or not given.get(identifier) or (not secret and kind != "oidc"):
        return None
    found = make(given)
    if found is None:
        return None
    return Provider(
        name=name,
        kind=kind,
        client_id=given[identifier],
        client_secret=secret or "",
        callback_url=given.get("callback_url"),
        icon=given.get("icon") or (ICON.format(name) if kind == name != "oidc" else None),
        **found,
    )


def _base(given: Given, usual: str) -> str:
    return (given.get("base_url") or usual).rstrip("/")


def _github(given: Given) -> dict[str, Any]:
    """`base_url`: of GitHub Enterprise, whose API lies below it."""
    site = _base(given, "https://github.com")
    api = f"{site}/api/v3" if given.get("base_url") else "https://api.github.com"
    endpoints = Endpoints(f"{site}/login/oauth/authorize", f"{site}/login/oauth/access_token", f"{api}/user/emails")
    return {"endpoints": endpoints, "scopes": given.get("scopes") or ("user:email",)}


def _google(given: Given) -> dict[str, Any]:
    domain = given.get("hosted_domain")
    found: dict[str, Any] = {"hosted_domain": domain if domain and domain != ANY_DOMAIN else None}
    if given.get("use_oidc_mode"):
        issuer = given.get("issuer") or "https://accounts.google.com"
        return {**found, "issuer": issuer, "scopes": given.get("scopes") or ("openid", "email")}
    own = given.get("base_url")
    endpoints = Endpoints(
        f"{_base(given, 'https://accounts.google.com')}/o/oauth2/v2/auth",
        f"{own.rstrip('/') if own else 'https://oauth2.googleapis.com'}/token",
        f"{own.rstrip('/') if own else 'https://openidconnect.googleapis.com'}/v1/userinfo",
    )
    return {**found, "endpoints": endpoints, "scopes": given.get("scopes") or ("email",)}


def _facebook(given: Given) -> dict[str, Any]:
    version = given.get("graph_api_version")
    site, graph = _base(given, "https://www.facebook.com"), _base(given, "https://graph.facebook.com")
    endpoints = Endpoints(
        f"{site}/{version}/dialog/oauth",
        f"{graph}/{version}/oauth/access_token",
        f"{graph}/{version}/me?fields=email",
    )
    return {"endpoints": endpoints, "scopes": given.get("scopes") or ("email",)}


def _okta(given: Given) -> dict[str, Any] | None:
    if not given.get("base_url"):
        return None
    base = _base(given, "")
    endpoints = Endpoints(f"{base}/v1/authorize", f"{base}/v1/token", f"{base}/v1/userinfo")
    return {"endpoints": endpoints, "scopes": given.get("scopes") or ("openid", "email")}


def _twitter(given: Given) -> dict[str, Any]:
    base = _base(given, "https://api.twitter.com")
    endpoints = Endpoints(
        authorize=f"{base}/oauth/authenticate",
        token=f"{base}/oauth/access_token",
        user=f"{base}/1.1/account/verify_credentials.json?include_email=true&skip_status=true",
        request=f"{base}/oauth/request_token",
    )
    return {"endpoints": endpoints}


def _oidc(given: Given) -> dict[str, Any] | None:
    issuer = given.get("issuer") or given.get("base_url")
    return {"issuer": issuer, "scopes": given.get("scopes") or ("openid", "email")} if issuer else None


KINDS: Mapping[str, Callable[[Given], dict[str, Any] | None]] = {
    "github": _github,
    "google": _google,
    "facebook": _facebook,
    "okta": _okta,
    "twitter": _twitter,
    "oidc": _oidc,
}
