"""In charge of requests to URLs that others have named: bounded in time and size, and never into a private network.

The network backend below resolves a name itself, judges every address, and connects to one that it has judged; so a
name that resolves differently the next time (DNS rebinding), a redirect and an odd spelling all end at the same guard.
No proxy, cookie or credential of the environment is used. Whoever needs it imports it late: it takes a while.
"""

from __future__ import annotations

import asyncio
import http.cookiejar
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import Any

import httpcore2
import httpx2

from core.catalog.webhooks import is_address
from core.events.addresses import Allowed
from core.frozen import EMPTY

MOST_ADDRESSES = 8
"""Addresses of one name that are tried."""
KEPT = 8
"""Connections kept open for the next request to the same place."""

Resolve = Callable[[str, int], Awaitable[list[str]]]
"""The addresses of a host, as text. Raises OSError."""


class FetchFailed(Exception):
    """A request that came to nothing.

    `kind`: Refused (the address is not allowed), InvalidUrl, Unresolved, Unreachable, Untrusted (TLS), Timeout,
    TooLarge, TooManyRedirects or Broken (what came was no HTTP). `lasting`: trying again will not help.
    """

    def __init__(self, kind: str, *, lasting: bool = False) -> None:
        super().__init__(kind)
        self.kind = kind
        self.lasting = lasting


@dataclass(frozen=True, slots=True)
class Limits:
    """What a request may take: seconds to connect and in all, bytes of the answer's body, redirects to follow."""

    connect: float = 5.0
    total: float = 30.0
    most_bytes: int = 1_000_000
    redirects: int = 0


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back. `headers`: names in lower case. `content`: empty where it is read from `chunks`."""

    status: int
    headers: Mapping[str, str] = field(default_factory=lambda: EMPTY)
    content: bytes = b""
    url: str = ""
    """Where it came from, after redirects."""


class Fetcher:
    """Requests under one set of rules. It keeps connections and belongs to the event loop that uses it."""

    def __init__(self, allowed: Allowed, *, agent: str = "Tabularium", resolve: Resolve | None = None) -> None:
        guard = _Guard(allowed, resolve or _resolve)
        # Whoever is called shall get no cookie back that another has set.
        nobody = http.cookiejar.CookieJar(http.cookiejar.DefaultCookiePolicy(allowed_domains=[]))
        self._client = httpx2.AsyncClient(
            transport=_transport(guard),
            trust_env=False,
            follow_redirects=False,
            cookies=nobody,
            # What is counted is what comes: nothing is unpacked, so nothing small becomes large.
            headers={"User-Agent": agent, "Accept": "*/*", "Accept-Encoding": "identity"},
        )

    async def close(self) -> None:
        """Close what is open."""
        await self._client.aclose()

    async def fetch(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] = EMPTY,
        content: bytes | None = None,
        limits: Limits = Limits(),  # frozen
        beginning: bool = False,
    ) -> Answer:
        """One request and its whole answer; of a longer one `beginning` takes the first `limits.most_bytes`.

        Raises FetchFailed.
        """
        async with self.open(method, url, headers=headers, content=content, limits=limits) as (answer, chunks):
            found = bytearray()
            async for chunk in chunks:
                found += chunk
                if len(found) > limits.most_bytes:
                    if not beginning:
                        raise FetchFailed("TooLarge", lasting=True)
                    break
            body = bytes(found[: limits.most_bytes])
            return Answer(answer.status, answer.headers, body, answer.url)

    @asynccontextmanager
    async def open(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] = EMPTY,
        content: bytes | None = None,
        limits: Limits = Limits(),
    ) -> AsyncIterator[tuple[Answer, AsyncIterator[bytes]]]:
        """A request whose answer is read in chunks as it comes; the caller counts them. `limits.total` covers both.

        Raises FetchFailed, also from the chunks.
        """
        if not is_address(url):
            raise FetchFailed("InvalidUrl", lasting=True)
        bound = asyncio.timeout(limits.total)
        try:
            async with bound:
                with _translated():
                    response = await self._send(method, url, headers, content, limits)
                try:
                    named = {name.lower(): value for name, value in response.headers.items()}
                    yield Answer(response.status_code, named, b"", str(response.url)), _chunks(response)
                finally:
                    await response.aclose()
        except TimeoutError:
            if not bound.expired():  # it is the caller's own
                raise
            raise FetchFailed("Timeout") from None

    async def _send(
        self, method: str, url: str, headers: Mapping[str, str], content: bytes | None, limits: Limits
    ) -> httpx2.Response:
        timeout = httpx2.Timeout(limits.total, connect=limits.connect)
        request = self._client.build_request(method, url, headers=dict(headers), content=content, timeout=timeout)
        for _ in range(limits.redirects + 1):
            response = await self._client.send(request, stream=True)
            following = response.next_request
            if following is None or limits.redirects == 0:
                return response
            await response.aclose()
            if not is_address(str(following.url)):
                raise FetchFailed("InvalidUrl", lasting=True)
            request = following
        raise FetchFailed("TooManyRedirects", lasting=True)


class _Guard(httpcore2.AsyncNetworkBackend):
    """Opens connections to allowed addresses only. A name that has a single address that is not is refused."""

    def __init__(self, allowed: Allowed, resolve: Resolve) -> None:
        self._allowed = allowed
        self._resolve = resolve
        self._network = httpcore2.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        """A connection to the first address of the host that takes one, within `timeout` seconds for all of it."""
        try:
            async with asyncio.timeout(timeout):
                try:
                    addresses = (await self._resolve(host, port))[:MOST_ADDRESSES]
                except (OSError, UnicodeError) as error:
                    raise FetchFailed("Unresolved") from error
                if not addresses or not all(self._allowed.permits(host, one) for one in addresses):
                    raise FetchFailed("Refused", lasting=True)
                return await self._first(addresses, port, timeout, socket_options)
        except TimeoutError as error:
            raise httpcore2.ConnectTimeout from error

    async def _first(
        self, addresses: list[str], port: int, timeout: float | None, options: Iterable[Any] | None
    ) -> httpcore2.AsyncNetworkStream:
        for number, address in enumerate(addresses, 1):
            try:
                return await self._network.connect_tcp(address, port, timeout, None, options)
            except httpcore2.ConnectError:
                if number == len(addresses):
                    raise
        raise AssertionError("there is an address")

    async def connect_unix_socket(
        self, path: str, timeout: float | None = None, socket_options: Iterable[Any] | None = None
    ) -> httpcore2.AsyncNetworkStream:
        """Never."""
        raise FetchFailed("Refused", lasting=True)

    async def sleep(self, seconds: float) -> None:
        """Wait between two tries of a connection."""
        await asyncio.sleep(seconds)


def _transport(guard: _Guard) -> httpx2.AsyncHTTPTransport:
    """A transport whose connections the guard opens. httpx2 offers no other way than its private attribute."""
    transport = httpx2.AsyncHTTPTransport(trust_env=False)
    pool = httpcore2.AsyncConnectionPool(
        ssl_context=httpx2.create_ssl_context(trust_env=False),
        max_connections=100,
        max_keepalive_connections=KEPT,
        keepalive_expiry=5.0,
        network_backend=guard,
    )
    assert isinstance(transport._pool, httpcore2.AsyncConnectionPool)
    transport._pool = pool
    return transport


async def _resolve(host: str, port: int) -> list[str]:
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP)
    return list(dict.fromkeys(str(place[0]) for *_, place in found))


async def _chunks(response: httpx2.Response) -> AsyncIterator[bytes]:
    with _translated():
        async for chunk in response.aiter_raw():
            yield chunk


@contextmanager
def _translated() -> Iterator[None]:
    """What the client raises, as FetchFailed."""
    try:
        yield
    except Exception as error:
        failure = _failure(error)
        if failure is None:
            raise
        raise failure from error


def _failure(error: BaseException) -> FetchFailed | None:
    """What an exception of the client means; None for one that is no failure of a request."""
    if isinstance(error, httpx2.TimeoutException):
        return FetchFailed("Timeout")
    if isinstance(error, httpx2.InvalidURL | httpx2.UnsupportedProtocol):
        return FetchFailed("InvalidUrl", lasting=True)
    if isinstance(error, httpx2.ConnectError):
        return FetchFailed("Untrusted" if _is_tls(error) else "Unreachable")
    if isinstance(error, httpx2.HTTPError | httpx2.StreamError | ssl.SSLError | OSError | ValueError):
        return FetchFailed("Broken")
    return None


def _is_tls(error: BaseException) -> bool:
    """Whether TLS is somewhere behind an error."""
    seen: BaseException | None = error
    for _ in range(8):
        if seen is None:
            return False
        if isinstance(seen, ssl.SSLError):
            return True
        seen = seen.__cause__ or seen.__context__
    return False
