"""In charge of attacks through URLs that others name: nothing private is reached, nothing waited for without end."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import httpcore2
import pytest

from core.events.addresses import Allowed
from core.events.fetch import Fetcher, FetchFailed, Limits, Resolve
from tests.receiver import Received, answer, listening, receiver

HERE = Allowed.of(["127.0.0.1"])


@asynccontextmanager
async def fetcher(allowed: Allowed = HERE, resolve: Resolve | None = None) -> AsyncIterator[Fetcher]:
    found = Fetcher(allowed, resolve=resolve)
    try:
        yield found
    finally:
        await found.close()


def names(**hosts: str | Sequence[str]) -> Resolve:
    """A resolver that knows some names; a list is what a name leads to each time it is asked, one after the other."""
    turns = {name: iter([one] if isinstance(one, str) else one) for name, one in hosts.items()}

    async def resolve(host: str, port: int) -> list[str]:
        return next(turns[host.replace("-", "_").removesuffix(".example")]).split(",")

    return resolve


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1", "localhost", "LOCALHOST", "localhost.", "[::1]", "0.0.0.0", "[::]", "2130706433", "0x7f000001",
        "0x7f.1", "0177.0.0.1", "127.1", "127.0.1", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[64:ff9b::7f00:1]",
        "169.254.169.254", "[::ffff:169.254.169.254]", "10.0.0.1", "172.16.0.1", "192.168.1.1", "100.64.0.1",
        "[fe80::1]", "[fc00::1]", "224.0.0.1",
    ],
)  # fmt: skip
async def test_private_places_in_any_spelling(host: str) -> None:
    async with receiver() as server, fetcher(Allowed()) as client:
        with pytest.raises(FetchFailed) as failed:
            await client.fetch("GET", f"http://{host}:{server.port}/")
        assert failed.value.kind in ("Refused", "InvalidUrl", "Unresolved")
        assert server.connections == 0


@pytest.mark.parametrize("host", ["127.0.0.1", "[::1]", "localhost", "2130706433", "[::ffff:127.0.0.1]"])
async def test_the_usual_spellings_are_refused_and_not_merely_misunderstood(host: str) -> None:
    async with fetcher(Allowed()) as client:
        with pytest.raises(FetchFailed) as failed:
            await client.fetch("GET", f"http://{host}:9/")
        assert (failed.value.kind, failed.value.lasting) == ("Refused", True)


async def test_a_name_with_one_private_address_is_refused() -> None:
    async with receiver() as server, fetcher(Allowed(), names(both="8.8.8.8,127.0.0.1")) as client:
        with pytest.raises(FetchFailed, match="Refused"):
            await client.fetch("GET", f"http://both.example:{server.port}/")
        assert server.connections == 0


async def test_rebinding_the_name() -> None:
    """What was looked at is what is connected to: the name is asked once for a connection."""
    asked: list[str] = []
    turns = iter([["127.0.0.2"], ["127.0.0.1"]])

    async def resolve(host: str, port: int) -> list[str]:
        asked.append(host)
        return next(turns)

    # The first address stands for a public one, behind which nobody listens here.
    async with receiver() as server, fetcher(Allowed.of(["127.0.0.2"]), resolve) as client:
        url = f"http://rebound.example:{server.port}/"
        with pytest.raises(FetchFailed, match="Unreachable"):
            await client.fetch("GET", url)
        assert asked == ["rebound.example"]
        with pytest.raises(FetchFailed, match="Refused"):
            await client.fetch("GET", url)
        assert server.connections == 0


async def test_redirects_are_followed_only_as_far_as_allowed() -> None:
    async def onwards(request: Received) -> bytes:
        number = int(request.path[1:])
        return answer(200, b"end") if number == 3 else answer(302, Location=f"/{number + 1}")

    async with receiver(onwards) as server, fetcher() as client:
        url = server.url
        found = await client.fetch("GET", f"{url}/0", limits=Limits(redirects=3))
        assert (found.status, found.content, found.url) == (200, b"end", f"{url}/3")
        with pytest.raises(FetchFailed, match="TooManyRedirects"):
            await client.fetch("GET", f"{url}/0", limits=Limits(redirects=2))
        assert (await client.fetch("GET", f"{url}/0")).status == 302


@pytest.mark.parametrize(
    "target", ["http://private.example:{}/", "http://[::1]:{}/", "file:///etc/passwd", "gopher://a/"]
)
async def test_redirects_to_private_places(target: str) -> None:
    async with receiver() as inner:

        async def onwards(request: Received) -> bytes:
            return answer(302, Location=target.format(inner.port))

        # The first name is allowed; where it sends us is not.
        resolve = names(public="127.0.0.1", private="127.0.0.1")

        async def either(host: str, port: int) -> list[str]:
            return await resolve(host, port) if host.endswith(".example") else [host]

        async with receiver(onwards) as outer, fetcher(Allowed.of(["public.example"]), either) as client:
            with pytest.raises(FetchFailed) as failed:
                await client.fetch("GET", f"http://public.example:{outer.port}/", limits=Limits(redirects=3))
            assert failed.value.kind in ("Refused", "InvalidUrl", "Broken")
            assert (outer.connections, inner.connections) == (1, 0)


async def test_an_answer_that_is_too_large() -> None:
    async def endless(request: Received) -> bytes:
        return b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + b"x" * 5_000_000

    async with receiver(endless) as server, fetcher() as client:
        with pytest.raises(FetchFailed, match="TooLarge"):
            await client.fetch("GET", server.url, limits=Limits(most_bytes=1000))
        found = await client.fetch("GET", server.url, limits=Limits(most_bytes=1000), beginning=True)
        assert found.content == b"x" * 1000


async def test_nothing_is_unpacked() -> None:
    async def packed(request: Received) -> bytes:
        assert request.headers["accept-encoding"] == "identity"
        return answer(200, b"\x1f\x8b no gzip at all", Content_Encoding="gzip")

    async with receiver(packed) as server, fetcher() as client:
        assert (await client.fetch("GET", server.url)).content == b"\x1f\x8b no gzip at all"


async def test_a_slow_answer() -> None:
    release = asyncio.Event()

    async def drip(request: Received) -> bytes | None:
        await release.wait()
        return None

    async with receiver(drip) as server, fetcher() as client:
        began = time.monotonic()
        with pytest.raises(FetchFailed) as failed:
            await client.fetch("GET", server.url, limits=Limits(total=0.2))
        assert (failed.value.kind, failed.value.lasting) == ("Timeout", False)
        assert time.monotonic() - began < 5
        release.set()


async def test_a_body_that_comes_byte_by_byte() -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
        while not writer.is_closing():
            writer.write(b"x")
            await asyncio.sleep(0.02)

    async with listening(serve) as port, fetcher() as client:
        with pytest.raises(FetchFailed, match="Timeout"):
            await client.fetch("GET", f"http://127.0.0.1:{port}/", limits=Limits(total=0.3))


async def test_a_name_server_that_does_not_answer() -> None:
    async def silent(host: str, port: int) -> list[str]:
        await asyncio.sleep(60)
        return []

    async with fetcher(resolve=silent) as client:
        with pytest.raises(FetchFailed, match="Timeout"):
            await client.fetch("GET", "http://slow.example/", limits=Limits(connect=0.1, total=5))


@pytest.mark.parametrize(
    ("content", "kind"),
    [(None, "Broken"), (b"no HTTP\r\n\r\n", "Broken"), (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nx", "Broken")],
)
async def test_what_is_no_answer(content: bytes | None, kind: str) -> None:
    async def odd(request: Received) -> bytes | None:
        return content

    async with receiver(odd) as server, fetcher() as client:
        with pytest.raises(FetchFailed) as failed:
            await client.fetch("GET", server.url)
        assert (failed.value.kind, failed.value.lasting) == (kind, False)


async def test_nobody_there_and_no_such_name() -> None:
    async def unknown(host: str, port: int) -> list[str]:
        raise OSError("no such name")

    async with receiver() as server:
        url = server.url
    async with fetcher() as client:
        with pytest.raises(FetchFailed, match="Unreachable"):
            await client.fetch("GET", url)
    async with fetcher(resolve=unknown) as client:
        with pytest.raises(FetchFailed, match="Unresolved"):
            await client.fetch("GET", "http://nowhere.example/")


async def test_the_next_address_is_tried() -> None:
    async with receiver() as server, fetcher(Allowed.of(["127.0.0.0/8"]), names(two="127.0.0.2,127.0.0.1")) as client:
        assert (await client.fetch("GET", f"http://two.example:{server.port}/")).status == 200
        assert server.received[0].headers["host"] == f"two.example:{server.port}"


@pytest.mark.parametrize("url", ["", "/", "ftp://a/", "http:///x", "http://a b/", "http://a:0/", "file:///etc/passwd"])
async def test_what_is_no_url(url: str) -> None:
    async with fetcher() as client:
        with pytest.raises(FetchFailed) as failed:
            await client.fetch("GET", url)
        assert (failed.value.kind, failed.value.lasting) == ("InvalidUrl", True)


async def test_no_cookies_no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    async def baking(request: Received) -> bytes:
        return answer(200, Set_Cookie="a=b; Path=/")

    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9/")
    async with receiver(baking) as server, fetcher() as client:
        for _ in range(2):
            assert (await client.fetch("GET", server.url)).status == 200
        assert ["cookie" in request.headers for request in server.received] == [False, False]
        assert server.received[0].headers["user-agent"] == "Tabularium"


async def test_what_the_caller_raises_is_his_own() -> None:
    async with receiver() as server, fetcher() as client:
        with pytest.raises(ValueError, match="mine"):
            async with client.open("GET", server.url):
                raise ValueError("mine")
        with pytest.raises(TimeoutError):
            async with client.open("GET", server.url):
                raise TimeoutError


async def test_the_guard_is_where_connections_are_opened() -> None:
    """httpx2 has no public place for it: a change of its insides must not go unnoticed."""
    async with fetcher(Allowed()) as client:
        transport = client._client._transport
        pool = transport._pool  # type: ignore[attr-defined]
        assert isinstance(pool, httpcore2.AsyncConnectionPool)
        assert type(pool._network_backend).__name__ == "_Guard"
        assert client._client._mounts == {}
