"""In charge of what a project keeps of its providers: connections, what they say of themselves, their keys.

All of it is bounded: in time, in bytes, in requests under way, and in how often a provider is asked again. The URLs
come from configuration and from what a provider says of itself, so none leads into a private network that is not named.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import orjson
import structlog

from core.auth.sso.keys import public_keys
from core.auth.sso.providers import Endpoints, Provider, incomplete, providers
from core.auth.throttle import Quota
from core.errors import NotFound, ProviderFailed, ProviderRefused, TooManyRequests
from core.events.addresses import Allowed, network
from core.frozen import EMPTY
from core.settings import ProjectConfig

if TYPE_CHECKING:
    from core.events.fetch import Answer, Fetcher

MOST_BYTES = 262_144
SECONDS, CONNECT = 10.0, 5.0
UNDER_WAY = 32
"""Requests to providers at once; a slow one shall not pile up what waits for it."""
PER_CALLER = 60
"""Sign-ins a minute that one address on the network may begin or finish."""
FRESH = 3600.0
"""Seconds that a description and keys are taken as they are."""
KEYS_AGAIN, FAILED_AGAIN = 60.0, 5.0
"""Seconds in which keys are not asked for again because of an unknown one, and a failing provider not at all."""
MOST_KEYS = 100


@dataclass(frozen=True, slots=True)
class Described:
    """What an issuer says of itself. `algorithms`: of signatures, empty when it does not say."""

    issuer: str
    endpoints: Endpoints
    jwks: str
    algorithms: frozenset[str]
    names_itself: bool
    """Its answers carry `iss` (RFC 9207)."""


@dataclass(slots=True)
class _Kept:
    """One thing that was fetched. `value` None: never yet."""

    value: Any = None
    at: float = float("-inf")
    failed_at: float = float("-inf")
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


class Elsewhere:
    """The providers of one project. Belongs to the event loop that uses it."""

    def __init__(self, config: ProjectConfig) -> None:
        self.providers = providers(config)
        self._allowed = Allowed.of(config.get("auth.sso_allow_hosts"))
        self._fetcher: Fetcher | None = None
        self._callers = Quota()
        self._kept: dict[tuple[str, str], _Kept] = {}
        self._under_way = 0
        for name in incomplete(config):
            structlog.get_logger().warning("provider cannot be used as configured", project=config.key, provider=name)

    async def close(self) -> None:
        """Close connections."""
        if self._fetcher is not None:
            await self._fetcher.close()

    def provider(self, name: str | None) -> Provider:
        """The provider of a name. Raises NotFound."""
        found = self.providers.get(name or "")
        if found is None:
            raise NotFound(f'Auth provider "{name}" does not exist')
        return found

    def admit(self, address: str) -> None:
        """Raises TooManyRequests when an address on the network signs in too often."""
        if not self._callers.admit(network(address), PER_CALLER, 60.0):
            raise TooManyRequests

    async def ask(
        self,
        provider: Provider,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] = EMPTY,
        body: bytes | None = None,
    ) -> Any:
        """What a provider answers, as JSON. Raises ProviderRefused (4xx), ProviderFailed."""
        answer = await self.fetch(provider, method, url, headers={"Accept": "application/json", **headers}, body=body)
        try:
            return orjson.loads(answer.content)
        except orjson.JSONDecodeError:
            raise failed(provider, "its answer is no JSON") from None

    async def fetch(
        self,
        provider: Provider,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] = EMPTY,
        body: bytes | None = None,
    ) -> Answer:
        """One request and its answer of 2xx. Raises ProviderRefused (4xx), ProviderFailed."""
        from core.events.fetch import Fetcher, FetchFailed, Limits

        if self._fetcher is None:
            self._fetcher = Fetcher(self._allowed)
        if self._under_way >= UNDER_WAY:
            raise failed(provider, "too many requests are under way")
        limits = Limits(CONNECT, SECONDS, MOST_BYTES)
        self._under_way += 1
        try:
            answer = await self._fetcher.fetch(method, url, headers=headers, content=body, limits=limits)
        except FetchFailed as error:
            raise failed(provider, error.kind) from None
        finally:
            self._under_way -= 1
        if 400 <= answer.status < 500:
            raise refused(provider, f"status {answer.status}")
        if not 200 <= answer.status < 300:
            raise failed(provider, f"status {answer.status}")
        return answer

    async def described(self, provider: Provider) -> Described:
        """What an issuer says of itself, by OpenID Connect Discovery. Raises ProviderFailed."""
        kept = self._kept.setdefault((provider.name, "description"), _Kept())
        async with kept.lock:
            if kept.value is None or kept.at + FRESH < time.monotonic():
                await self._renew(provider, kept, self._describe)
        found: Described = kept.value
        return found

    async def keys(self, provider: Provider, kid: str | None) -> list[Any]:
        """The public keys of an issuer that may have signed under this id. Raises ProviderFailed.

        An id that is not known makes them be asked for again, but not twice a minute: anybody can invent one.
        """
        described = await self.described(provider)
        kept = self._kept.setdefault((provider.name, described.jwks), _Kept())
        async with kept.lock:
            now = time.monotonic()
            unknown = kept.value is not None and kid is not None and all(key.kid != kid for key in kept.value)
            if kept.value is None or kept.at + FRESH < now or (unknown and kept.at + KEYS_AGAIN < now):
                await self._renew(provider, kept, self._read_keys)
        return [key for key in kept.value if kid is None or key.kid is None or key.kid == kid]

    async def _renew(self, provider: Provider, kept: _Kept, work: Any) -> None:
        """Fetch something anew; while that fails, what was known before is still taken."""
        if kept.failed_at + FAILED_AGAIN > time.monotonic():
            if kept.value is None:
                raise ProviderFailed
            return
        try:
            kept.value = await work(provider)
            kept.at = time.monotonic()
        except (ProviderFailed, ProviderRefused):
            kept.failed_at = time.monotonic()
            if kept.value is None:
                raise ProviderFailed from None

    async def _describe(self, provider: Provider) -> Described:
        assert provider.issuer is not None
        issuer = provider.issuer.rstrip("/")
        found = await self.ask(provider, "GET", f"{issuer}/.well-known/openid-configuration")
        if not isinstance(found, dict) or str(found.get("issuer")).rstrip("/") != issuer:
            raise failed(provider, "it describes another issuer")
        authorize, token, jwks = (
            _place(provider, issuer, found.get(name))
            for name in ("authorization_endpoint", "token_endpoint", "jwks_uri")
        )
        user = found.get("userinfo_endpoint")
        methods = found.get("token_endpoint_auth_methods_supported")
        algorithms = found.get("id_token_signing_alg_values_supported")
        return Described(
            issuer=found["issuer"],
            endpoints=Endpoints(
                authorize,
                token,
                None if user is None else _place(provider, issuer, user),
                basic=not _has(methods, "client_secret_post"),
            ),
            jwks=jwks,
            algorithms=frozenset(one for one in algorithms if isinstance(one, str))
            if isinstance(algorithms, list)
            else frozenset(),
            names_itself=found.get("authorization_response_iss_parameter_supported") is True,
        )

    async def _read_keys(self, provider: Provider) -> list[Any]:
        found = await self.ask(provider, "GET", (await self.described(provider)).jwks)
        keys = public_keys(found, MOST_KEYS)
        if not keys:
            raise failed(provider, "it has no key that can be used")
        return keys


def _place(provider: Provider, issuer: str, url: Any) -> str:
    """A URL that an issuer names. What the operator trusts over TLS does not lead out of it. Raises ProviderFailed."""
    if isinstance(url, str) and url.startswith(
        ("https://",) if issuer.startswith("https://") else ("https://", "http://")
    ):
        return url
    raise failed(provider, "it describes endpoints that cannot be used")


def _has(values: Any, wanted: str) -> bool:
    return isinstance(values, list) and wanted in values


def failed(provider: Provider, why: str) -> ProviderFailed:
    """The error to raise when a provider cannot be asked; the log says why, the client is not told."""
    structlog.get_logger().warning("provider failed", provider=provider.name, why=why)
    return ProviderFailed()


def refused(provider: Provider, why: str) -> ProviderRefused:
    """The error to raise when a provider does not sign somebody in. `why` holds nothing secret."""
    structlog.get_logger().info("provider refused", provider=provider.name, why=why)
    return ProviderRefused()
