"""In charge of the requests of OAuth 2 and OAuth 1.0a: where the user is sent, and what a code is worth.

Authlib makes and signs them, `elsewhere` sends them. It knows no accounts.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, quote_plus, urlencode

from core.auth.sso.elsewhere import Elsewhere, failed, refused
from core.auth.sso.identity import address_in
from core.auth.sso.providers import Endpoints, Provider

FORM = "application/x-www-form-urlencoded"
LONGEST_CODE = 4096


async def endpoints_of(elsewhere: Elsewhere, provider: Provider) -> Endpoints:
    """Where a provider of OAuth 2 is asked. Raises ProviderFailed."""
    if provider.endpoints is not None:
        return provider.endpoints
    return (await elsewhere.described(provider)).endpoints


def authorization_url(
    provider: Provider, endpoints: Endpoints, *, callback: str, state: str, nonce: str, verifier: str
) -> str:
    """Where the user is sent to sign in by OAuth 2, with PKCE."""
    from authlib.oauth2.rfc6749.parameters import prepare_grant_uri
    from authlib.oauth2.rfc7636 import create_s256_code_challenge

    more = {"code_challenge": create_s256_code_challenge(verifier), "code_challenge_method": "S256"}
    if provider.issuer is not None:
        more["nonce"] = nonce
    if provider.hosted_domain is not None:
        more["hd"] = provider.hosted_domain
    url: str = prepare_grant_uri(
        endpoints.authorize, provider.client_id, "code", callback, list(provider.scopes), state, **more
    )
    return url


async def redeem(
    elsewhere: Elsewhere, provider: Provider, code: Any, *, callback: str, verifier: str | None
) -> Mapping[str, Any]:
    """The tokens that a code is worth, once. Raises ProviderRefused, ProviderFailed."""
    from authlib.oauth2.rfc6749.parameters import prepare_token_request

    if not isinstance(code, str) or not code or len(code) > LONGEST_CODE:
        raise refused(provider, "it gave no code")
    endpoints = await endpoints_of(elsewhere, provider)
    body: dict[str, str] = {"code": code}
    headers = {"Content-Type": FORM}
    if verifier is not None:
        body["code_verifier"] = verifier
    if endpoints.basic and provider.client_secret:
        login = f"{quote_plus(provider.client_id)}:{quote_plus(provider.client_secret)}"
        headers["Authorization"] = "Basic " + base64.b64encode(login.encode()).decode()
    else:
        body |= {"client_id": provider.client_id, "client_secret": provider.client_secret}
    text: str = prepare_token_request("authorization_code", redirect_uri=callback, **body)
    found = await elsewhere.ask(provider, "POST", endpoints.token, headers=headers, body=text.encode())
    if not isinstance(found, dict):
        raise failed(provider, "its tokens are none")
    if "error" in found:  # GitHub says so with 200
        raise refused(provider, "it does not take the code")
    return found


async def request_token(elsewhere: Elsewhere, provider: Provider, callback: str) -> tuple[str, str]:
    """A request token of OAuth 1.0a and its secret. Raises ProviderFailed, ProviderRefused."""
    assert provider.endpoints is not None
    assert provider.endpoints.request is not None
    found = await _signed(elsewhere, provider, "POST", provider.endpoints.request, redirect_uri=callback)
    return _token(provider, found)


def authorization_url_1(provider: Provider, token: str) -> str:
    """Where the user is sent to sign in by OAuth 1.0a."""
    assert provider.endpoints is not None
    return f"{provider.endpoints.authorize}?{urlencode({'oauth_token': token})}"


async def user_of_verifier(elsewhere: Elsewhere, provider: Provider, token: str, secret: str, verifier: Any) -> str:
    """The e-mail address of who has signed in by OAuth 1.0a. Raises ProviderRefused, ProviderFailed."""
    if not isinstance(verifier, str) or not verifier or len(verifier) > LONGEST_CODE:
        raise refused(provider, "it gave no verifier")
    endpoints = provider.endpoints
    assert endpoints is not None
    assert endpoints.user is not None
    found = await _signed(
        elsewhere, provider, "POST", endpoints.token, token=token, token_secret=secret, verifier=verifier
    )
    token, secret = _token(provider, found)
    user = await _signed(elsewhere, provider, "GET", endpoints.user, token=token, token_secret=secret)
    import orjson

    try:
        return address_in(provider, orjson.loads(user))
    except orjson.JSONDecodeError:
        raise failed(provider, "its answer is no JSON") from None


async def _signed(elsewhere: Elsewhere, provider: Provider, method: str, url: str, **of: Any) -> bytes:
    """The body of the answer to a request that is signed as OAuth 1.0a wants it."""
    from authlib.oauth1.rfc5849 import ClientAuth

    auth = ClientAuth(provider.client_id, client_secret=provider.client_secret, **of)
    url, headers, _ = auth.sign(method, url, {}, b"")
    return (await elsewhere.fetch(provider, method, url, headers=headers, body=None)).content


def _token(provider: Provider, content: bytes) -> tuple[str, str]:
    try:
        found = dict(parse_qsl(content.decode("ascii"), max_num_fields=20))
    except ValueError:
        found = {}
    token, secret = found.get("oauth_token"), found.get("oauth_token_secret")
    if not token or not secret or len(token) + len(secret) > 1000:
        raise failed(provider, "its token is none")
    return token, secret
