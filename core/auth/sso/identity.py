"""In charge of who it is that a provider has signed in: an e-mail address, verified. It knows no accounts.

Of OpenID Connect the id_token counts: signed by a key of the issuer under an algorithm of the list, for this client and
this sign-in. Other providers are asked with the access token that they have just given.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from core.auth.login import EMAIL
from core.auth.sso.elsewhere import Elsewhere, failed, refused
from core.auth.sso.keys import signed_by
from core.auth.sso.providers import Provider
from core.auth.tokens import header_of

ALGORITHMS = frozenset(
    {"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "Ed25519", "EdDSA"}
)
"""Of id_tokens. None with a shared secret: what signs must not be what everybody can read."""
LEEWAY = 60
"""Seconds that clocks may differ."""
LONGEST = 16_384
"""Characters of an id_token that are looked at."""


async def of_tokens(
    elsewhere: Elsewhere, provider: Provider, tokens: Mapping[str, Any], nonce: str | None, now: datetime
) -> str:
    """The e-mail address of who has just signed in by OAuth 2. `nonce`: None where none was sent.

    Raises ProviderRefused, ProviderFailed.
    """
    access = tokens.get("access_token")
    if not isinstance(access, str) or not access:
        raise failed(provider, "it gave no access token")
    if provider.issuer is not None:
        return await _of_issuer(elsewhere, provider, tokens, access, nonce, now)
    assert provider.endpoints is not None
    assert provider.endpoints.user is not None
    found = await elsewhere.ask(
        provider, "GET", _proved(provider, provider.endpoints.user, access), headers=_bearer(access)
    )
    return address_in(provider, _of_list(found) if provider.kind == "github" else found)


async def _of_issuer(
    elsewhere: Elsewhere, provider: Provider, tokens: Mapping[str, Any], access: str, nonce: str | None, now: datetime
) -> str:
    described = await elsewhere.described(provider)
    claims = await id_token(elsewhere, provider, tokens.get("id_token"), access, nonce, now)
    if "email" in claims or described.endpoints.user is None:
        return address_in(provider, claims)
    found = await elsewhere.ask(provider, "GET", described.endpoints.user, headers=_bearer(access))
    if not isinstance(found, dict) or found.get("sub") != claims["sub"]:
        raise failed(provider, "its userinfo is of somebody else")
    return address_in(provider, {**found, **{name: claims[name] for name in ("hd",) if name in claims}})


async def id_token(
    elsewhere: Elsewhere, provider: Provider, token: Any, access: str, nonce: str | None, now: datetime
) -> Mapping[str, Any]:
    """The claims of an id_token. Raises ProviderRefused for any that must not be taken, ProviderFailed."""
    from authlib.oidc.core import CodeIDToken
    from joserfc.errors import JoseError

    described = await elsewhere.described(provider)
    header = _header(token)
    if header is None:
        raise refused(provider, "its id_token is none")
    algorithms = ALGORITHMS & described.algorithms if described.algorithms else ALGORITHMS
    if header.get("alg") not in algorithms:
        raise refused(provider, "its id_token is signed in a way that is not taken")
    kid = header.get("kid")
    keys = await elsewhere.keys(provider, kid if isinstance(kid, str) else None)
    claims = signed_by(token, keys, algorithms)
    if claims is None:
        raise refused(provider, "its id_token is not signed by it")
    wanted = {"nonce": nonce, "client_id": provider.client_id, "access_token": access}
    options: Any = {
        "iss": {"essential": True, "value": described.issuer},
        "aud": {"essential": True, "value": provider.client_id},
    }
    try:
        CodeIDToken(claims, header, options, wanted).validate(now=int(now.timestamp()), leeway=LEEWAY)
    except (JoseError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise refused(provider, f"claim of its id_token: {getattr(error, 'claim', type(error).__name__)}") from None
    if not _has_types(claims):
        raise refused(provider, "its id_token has claims of wrong types")
    return claims


def _has_types(claims: Mapping[str, Any]) -> bool:
    """What the library takes loosely: moments are numbers, the subject is text, one nonce is one text."""
    moments = (claims.get(name) for name in ("exp", "iat", "nbf") if name in claims)
    return (
        all(isinstance(one, int | float) and not isinstance(one, bool) and abs(one) < 2**53 for one in moments)
        and isinstance(claims["sub"], str)
        and claims["sub"] != ""
        and isinstance(claims.get("nonce", ""), str)
    )


def _header(token: Any) -> dict[str, Any] | None:
    return header_of(token) if isinstance(token, str) and len(token) <= LONGEST else None


def address_in(provider: Provider, found: Any) -> str:
    """The e-mail address of what a provider says of a user. Raises ProviderRefused, ProviderFailed."""
    if not isinstance(found, dict):
        raise failed(provider, "it says nothing of the user")
    email, verified = found.get("email"), found.get("email_verified", True)
    if not isinstance(email, str) or len(email) > 254 or not EMAIL.fullmatch(email):
        raise refused(provider, "it tells no e-mail address")
    if verified is not True and verified != "true":  # some issuers write text
        raise refused(provider, "the e-mail address is not verified")
    if provider.hosted_domain is not None and found.get("hd") != provider.hosted_domain:
        raise refused(provider, "the user is of another domain")
    return email


def _of_list(found: Any) -> Any:
    """Of the addresses of a GitHub user, verified ones: the primary if public, else a public, else the primary, else

    the first (spec 02 §7.1)."""
    rows = (
        [one for one in found if isinstance(one, dict) and one.get("verified") is True]
        if isinstance(found, list)
        else []
    )

    def rank(one: Mapping[str, Any]) -> tuple[bool, bool]:
        return one.get("visibility") != "public", one.get("primary") is not True

    best = min(rows, key=rank, default=None)
    return {"email": best.get("email")} if best is not None else {}


def _bearer(access: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {access}"} if access.isascii() and access.isprintable() else {}


def _proved(provider: Provider, url: str, access: str) -> str:
    """Facebook wants to see that who uses a token knows the app's secret; harmless where it does not."""
    if provider.kind != "facebook":
        return url
    proof = hmac.new(provider.client_secret.encode(), access.encode(), "sha256").hexdigest()
    return f"{url}&appsecret_proof={proof}"
