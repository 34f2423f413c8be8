"""In charge of signing in elsewhere as its five operations (spec 02 §7): providers, start, finish, exchange, token.

What becomes of the browser (a cookie, a redirect) is returned as frozen values; the doors do it. No user is made here:
who signs in must have an account of that e-mail address, be active, and need no second factor.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote, urlencode

from core.auth import limits, login, tokens
from core.auth.login import Account, Gate, Once
from core.auth.sso import identity, pending, protocol
from core.auth.sso.elsewhere import refused
from core.auth.sso.pending import Pending
from core.auth.sso.providers import Provider
from core.context import COOKIE, SessionCookie, SignInCookie
from core.errors import (
    CredentialsError,
    ExpiredRequestToken,
    ExpiredToken,
    Forbidden,
    InvalidRequestToken,
    InvalidToken,
    Problem,
    ProviderFailed,
    SsoNotAllowed,
    TabulariumError,
    TooManyRequests,
    UnknownEmail,
    UnknownSignIn,
    UserNotFound,
    ValidationFailed,
    Veto,
)
from core.hooks.payload import Payload
from core.mail import links
from core.session import Session

KIND = "request_token"
LONGEST_TARGET = 1000
TOLD = (CredentialsError, ProviderFailed, TooManyRequests, Veto)
"""What is told to the page that a browser is sent back to."""


@dataclass(frozen=True, slots=True)
class Started:
    """Where the user signs in. `state`: of OAuth 2, what the provider hands back. `cookie`: what the browser keeps."""

    url: str
    state: str | None
    cookie: SignInCookie


@dataclass(frozen=True, slots=True)
class Finished:
    """How it ended. `location`: where the browser goes, told all of it; None where no target was named.

    `token`: the request token (jwt mode). `error`: why not; raised instead where there is no location.
    """

    location: str | None = None
    token: str | None = field(default=None, repr=False)
    user: Mapping[str, Any] | None = None
    error: TabulariumError | None = None
    session: SessionCookie | None = None


def listed(session: Session) -> list[dict[str, Any]]:
    """Name and icon of each provider (spec 02 §7.2)."""
    return [{"name": one.name, "icon": one.icon} for one in session.project.elsewhere.providers.values()]


async def start(session: Session, name: str | None, *, mode: Any, redirect_url: Any, referer: Any = None) -> Started:
    """Begin to sign in at a provider (spec 02 §7.3).

    `redirect_url`: where the browser goes in the end; `referer` if that is not given, where it is allowed.
    Raises NotFound, ValidationFailed, TooManyRequests, ProviderFailed, ProviderRefused.
    """
    elsewhere = session.project.elsewhere
    provider = elsewhere.provider(name)
    target = _target(session, redirect_url, referer)
    elsewhere.admit(session.context.address)
    callback = _callback(session, provider)
    state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
    if provider.of_oauth1:
        state, verifier = await protocol.request_token(elsewhere, provider, callback)
        url = protocol.authorization_url_1(provider, state)
    else:
        endpoints = await protocol.endpoints_of(elsewhere, provider)
        url = protocol.authorization_url(
            provider, endpoints, callback=callback, state=state, nonce=nonce, verifier=verifier
        )
    now = session.context.now
    kept = Pending(
        provider=provider.name,
        state=state,
        mode=COOKIE if mode == COOKIE else "jwt",
        target=target,
        callback=callback,
        nonce=nonce,
        verifier=verifier,
        expires=int(now.timestamp()) + pending.LIFE,
    )
    value = pending.seal(session.project.keys, kept, now)
    cookie = SignInCookie(value, now + timedelta(seconds=pending.LIFE))
    return Started(url, None if provider.of_oauth1 else state, cookie)


@dataclass(frozen=True, slots=True)
class Handed:
    """What a provider hands back through the browser, as it came."""

    code: Any = None
    state: Any = None
    oauth_token: Any = None
    oauth_verifier: Any = None
    error: Any = None
    iss: Any = None


@dataclass(frozen=True, slots=True)
class Begun:
    """A sign-in that this browser has begun, and what came back for it."""

    provider: Provider
    kept: Pending
    handed: Handed


def begun(session: Session, name: str | None, handed: Handed) -> Begun:
    """The sign-in that somebody comes back for. Raises NotFound, UnknownSignIn."""
    provider = session.project.elsewhere.provider(name)
    kept = pending.opened(session.project.keys, session.context.remembered, session.context.now)
    state = handed.oauth_token if provider.of_oauth1 else handed.state
    if kept is None or not pending.matches(kept, provider.name, state):
        raise UnknownSignIn
    return Begun(provider, kept, handed)


async def finish(session: Session, begun: Begun) -> Finished:
    """Sign in who comes back from a provider (spec 02 §7.4), once, in the browser that began.

    Raises where no target was named: ProviderRefused, ProviderFailed, UnknownEmail, UserInactive, UserSuspended,
    SsoNotAllowed, UnknownSignIn (a second time), TooManyRequests, and what a hook raises.
    """
    try:
        session.project.elsewhere.admit(session.context.address)
        email = await _email(session, begun)
        return await _finished(session, begun.kept, email)
    except TOLD as error:
        await login.tell(await login.gate_of(session), "auth.fail", error)
        if begun.kept.target is None:
            raise
        return Finished(location=_told(begun.kept.target, _failure(error)), error=error)


async def _email(session: Session, begun: Begun) -> str:
    """The e-mail address of who comes back. Raises ProviderRefused, ProviderFailed."""
    elsewhere, provider, kept, handed = session.project.elsewhere, begun.provider, begun.kept, begun.handed
    if provider.of_oauth1:
        return await protocol.user_of_verifier(elsewhere, provider, kept.state, kept.verifier, handed.oauth_verifier)
    if handed.error:
        raise refused(provider, "it says that it does not sign the user in")
    if provider.issuer is not None:
        described = await elsewhere.described(provider)
        # An answer that another issuer's page has made the browser carry here (RFC 9207).
        if handed.iss != described.issuer and (handed.iss is not None or described.names_itself):
            raise refused(provider, "the answer is of another issuer")
    found = await protocol.redeem(elsewhere, provider, handed.code, callback=kept.callback, verifier=kept.verifier)
    return await identity.of_tokens(elsewhere, provider, found, kept.nonce, session.context.now)


async def _finished(session: Session, kept: Pending, email: str) -> Finished:
    gate = await login.gate_of(session)
    account = await _admitted(gate, email)
    once = Once(f"sso {kept.state}", _moment(kept.expires), UnknownSignIn)
    if kept.mode == COOKIE:
        result = await login.begin(gate, account, cookie=login.new_cookie(COOKIE), once=once)
        await login.tell(gate, "auth.success", Payload(result.user, login.USERS))
        return Finished(location=kept.target, user=result.user, session=result.effect)
    await login.note(gate, account, once)
    user = login.public_user(account)
    await login.tell(gate, "auth.success", Payload(user, login.USERS))
    token = _request_token(session, gate, account)
    location = None if kept.target is None else _told(kept.target, {KIND: token})
    return Finished(location=location, token=token, user=user)


async def exchange(session: Session, name: str | None, code: Any) -> str:
    """A token for a code that the client has got from a provider itself (spec 02 §7.6): without state and PKCE, so only

    where the project allows it. Raises NotFound, Forbidden, ProviderRefused, ProviderFailed, TooManyRequests,
    UnknownEmail, UserInactive, UserSuspended, SsoNotAllowed.
    """
    elsewhere = session.project.elsewhere
    provider = elsewhere.provider(name)
    if not session.project.config.get("auth.sso_code_exchange") or provider.of_oauth1:
        raise Forbidden("Codes are not exchanged here")
    elsewhere.admit(session.context.address)
    gate = await login.gate_of(session)
    try:
        found = await protocol.redeem(elsewhere, provider, code, callback=_callback(session, provider), verifier=None)
        email = await identity.of_tokens(elsewhere, provider, found, None, session.context.now)
        account = await _admitted(gate, email)
        result = await login.begin(gate, account, cookie=None)
    except TOLD as error:
        await login.tell(gate, "auth.fail", error)
        raise
    await login.tell(gate, "auth.success", Payload(result.user, login.USERS))
    return result.token or ""


async def token(session: Session, request_token: Any) -> str:
    """The JWT of a session for a request token, which is good for one use (spec 02 §7.5).

    Raises InvalidRequestToken, ExpiredRequestToken, InvalidToken (of another project), UserNotFound, UserInactive,
    UserSuspended, SsoNotAllowed.
    """
    gate = await login.gate_of(session)
    claims = _claims(gate, request_token)
    user = claims.get("id")
    if not isinstance(user, int) or isinstance(user, bool) or not 0 < user < 2**31:
        raise InvalidRequestToken
    async with gate.store.read() as connection:
        account = await login.account_by_id(gate, connection, user)
    if account is None:
        raise UserNotFound
    _check(account)
    once = Once(request_token, _moment(claims["exp"]), ExpiredRequestToken)
    result = await login.begin(gate, account, cookie=None, once=once, recorded=False)
    return result.token or ""


async def _admitted(gate: Gate, email: str) -> Account:
    """The account of an address, if it may sign in this way."""
    account = await login.account_of(gate, email)
    # Databases take letters for the same that a mail server does not: only the case of ASCII is of no matter.
    if account is None or str(account.row["email"]).encode().lower() != email.encode().lower():
        raise UnknownEmail(email)
    _check(account)
    await login.ask(gate, account)
    return account


def _check(account: Account) -> None:
    login.check_status(account.status)
    if account.secret is not None or account.enforced:
        raise SsoNotAllowed


def _request_token(session: Session, gate: Gate, account: Account) -> str:
    ttl = limits.token_minutes(gate.snapshot, gate.config)
    # Two of one second are two all the same: each is good for one use.
    claims = {"id": account.id, "url": session.context.base_url, "jti": secrets.token_urlsafe(12)}
    return tokens.sign(gate.keys, KIND, claims, expires=int(gate.now.timestamp()) + ttl * 60, ttl=ttl)


def _claims(gate: Gate, request_token: Any) -> dict[str, Any]:
    if not isinstance(request_token, str) or not request_token:
        raise InvalidRequestToken
    try:
        return tokens.verify(gate.keys, request_token, KIND, now=gate.now.timestamp())
    except ExpiredToken:
        raise ExpiredRequestToken from None
    except InvalidToken:
        if tokens.is_foreign(gate.keys, request_token, now=gate.now.timestamp()):
            raise
        raise InvalidRequestToken from None


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def _callback(session: Session, provider: Provider) -> str:
    """The URL that the provider sends the user back to."""
    own = f"{session.context.base_url}/{session.project.key}/auth/sso/{quote(provider.name)}/callback"
    return provider.callback_url or own


def _target(session: Session, redirect_url: Any, referer: Any) -> str | None:
    """Where the browser goes in the end. Raises ValidationFailed for a URL that it must not be sent to."""
    if redirect_url is None or redirect_url == "":
        return referer if _allowed(session, referer) else None
    if not _allowed(session, redirect_url):
        raise ValidationFailed.of([Problem(("redirect_url",), "This value is not valid.")])
    return str(redirect_url)


def _allowed(session: Session, url: Any) -> bool:
    """Own paths and origins, those of the project and of CORS, and listed ones: who gets the request token is in."""
    if not isinstance(url, str) or not url or len(url) > LONGEST_TARGET:
        return False
    if any(character <= " " or character in "\\\x7f" or "\ud800" <= character <= "\udfff" for character in url):
        return False
    if url.startswith("/"):
        return not url.startswith("//")
    config, listens = session.project.config, session.project.listens
    if links.origin(url) is not None and links.origin(url) == links.origin(session.context.base_url):
        return True
    return links.allowed(url, config, session.snapshot, listens, config.get("auth.sso_redirect_allow_list"))


def _failure(error: TabulariumError) -> dict[str, str]:
    found = {"code": str(error.code if error.code is not None else -1), "error": "1"}
    return {**found, "attributes[email]": error.details["email"]} if isinstance(error, UnknownEmail) else found


def _told(target: str, members: Mapping[str, str]) -> str:
    """A URL with parameters at its very end, inside a fragment as well: the app reads them from its route."""
    mark = "&" if "?" in target.rpartition("#")[2] else "?"
    return target + mark + urlencode(members)
