"""The protocol graphql-transport-ws: its codes and limits, who may open a socket, what the npm client makes of it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus

from schema import socket
from tests.api.newsroom import Newsroom, newsroom, second
from tests.conftest import RedisSpace
from tests.nodes import output
from tests.projects import ADMIN_EMAIL, ADMIN_PASSWORD
from tests.sockets import Client, client, opened, served

LISTEN = "subscription { people_mutated { event key data { name } } }"


@pytest.fixture(scope="module")
async def room(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[tuple[Newsroom, str]]:
    folder = tmp_path_factory.mktemp("sockets")
    async with newsroom(f"sqlite:///{folder}/x.db", folder / "data") as found, served(found.app) as address:
        yield found, address


@pytest.fixture
async def news(room: tuple[Newsroom, str]) -> Newsroom:
    await room[0].refill()
    return room[0]


@pytest.fixture
def address(room: tuple[Newsroom, str], news: Newsroom) -> str:
    return room[1]


async def test_a_socket_is_opened_where_there_is_a_schema(news: Newsroom, address: str) -> None:
    for path in ("/main/items/articles", "/gql", "/nowhere/gql", "/"):
        with pytest.raises(InvalidStatus) as refused:
            async with opened(address, path):
                raise AssertionError
        assert refused.value.response.status_code == 403
    async with opened(address, protocol="graphql-ws") as found:
        assert await found.closed() == (4406, "Subprotocol not acceptable")


async def test_the_first_word_is_an_introduction(address: str) -> None:
    async with opened(address) as found:
        await found.tell(type="ping")
        assert await found.hear() == {"type": "pong"}
        await found.subscribe("{ __typename }")
        assert await found.closed() == (4401, "Unauthorized")
    async with opened(address) as found:
        await found.tell(type="connection_init", payload={"access_token": "nobody knows it"})
        assert await found.closed() == (4403, "Forbidden")
    async with client(address) as found:
        await found.tell(type="connection_init")
        assert await found.closed() == (4429, "Too many initialisation requests")


async def test_who_does_not_introduce_himself_is_sent_away(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "INIT_WITHIN", 0.05)
    async with opened(address) as found:
        assert await found.closed() == (4408, "Connection initialisation timeout")


async def test_who_asks_nothing_is_sent_away(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("INIT_WITHIN", 0.01), ("CHECK_EVERY", 0.02), ("IDLE", 0.04)):
        monkeypatch.setattr(socket, name, value)
    async with client(address) as found, client(address) as busy:
        await busy.subscribe(LISTEN)
        assert await found.closed() == (1001, "Idle")
        assert await busy.settled() == []


async def test_who_loses_his_rights_is_sent_away_without_any_event(
    news: Newsroom, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in (("INIT_WITHIN", 0.01), ("CHECK_EVERY", 0.02)):
        monkeypatch.setattr(socket, name, value)
    user = await news.hire("goer")
    async with client(address, "goer-token") as found:
        await found.subscribe("subscription { directus_users_mutated { key } }")
        await news.rows_away("directus_users", f"id = {user}")
        assert (await found.closed())[0] == 4403


@pytest.mark.parametrize(
    "text",
    ["nonsense", "[]", "{}", '{"type": 1}', '{"type": "stop"}', '{"type": "connection_init", "payload": 1}',
     '{"type": "connection_init", "payload": {"access_token": 7}}'],
)  # fmt: skip
async def test_what_is_no_message_closes_the_socket(address: str, text: str) -> None:
    async with opened(address) as found:
        await found.socket.send(text)
        assert await found.closed() == (4400, "Invalid message received")


@pytest.mark.parametrize("message", [{}, {"id": 1, "payload": {}}, {"id": "", "payload": {}}, {"id": "1"}])
async def test_what_is_no_operation_closes_the_socket(address: str, message: dict[str, Any]) -> None:
    async with client(address) as found:
        await found.tell(type="subscribe", **message)
        assert await found.closed() == (4400, "Invalid message received")


async def test_bytes_and_long_messages_close_the_socket(address: str) -> None:
    async with opened(address) as found:
        await found.socket.send(b"{}")
        assert await found.closed() == (4400, "Messages are text")
    async with client(address) as found:
        await found.tell(type="ping", payload="x" * socket.MOST_BYTES)
        assert (await found.closed())[0] == 1009


async def test_operations_have_names_of_their_own(news: Newsroom, address: str) -> None:
    async with client(address) as found:
        await found.tell(id="a", type="subscribe", payload={"query": LISTEN})
        await found.tell(id="b", type="subscribe", payload={"query": LISTEN})
        assert await found.settled() == []
        await found.tell(id="a", type="complete")
        await found.tell(id="unknown", type="complete")
        await found.tell(id="a", type="subscribe", payload={"query": LISTEN})
        assert await found.settled() == []
        await news.ask("PATCH", "/items/people/1", json={"name": "A"})
        assert sorted([(await found.hear())["id"], (await found.hear())["id"]]) == ["a", "b"]
        await found.tell(id="a", type="subscribe", payload={"query": LISTEN})
        assert await found.closed() == (4409, "Subscriber for a already exists")


@pytest.mark.parametrize(
    ("payload", "message"),
    [
        ({}, "There is no `query`."),
        ({"query": 7}, "`query` must be a string."),
        ({"query": LISTEN, "variables": 7}, "`variables` must be an object."),
        ({"query": LISTEN + LISTEN.replace("subscription", "subscription B")}, None),
        ({"query": "subscription { people_mutated { key } articles_mutated { key } }"}, None),
        ({"query": "subscription { people_mutated { data { id } b: data { id } } }"}, "A subscription has `data` once."),  # noqa: E501
        ({"query": 'subscription { people_live(sort: "?") { data { id } } }'}, "A live list is not sorted at random."),
        ({"query": "subscription { directus_activity_mutated { key } }"}, None),
    ],
)  # fmt: skip
async def test_a_wrong_operation_ends_alone(address: str, payload: dict[str, Any], message: str | None) -> None:
    async with client(address) as found:
        await found.tell(id="x", type="subscribe", payload=payload)
        answer = await found.hear()
        assert (answer["type"], answer["id"]) == ("error", "x")
        assert message is None or answer["payload"][0]["message"] == message
        assert await found.settled() == []


async def test_a_socket_runs_so_many_operations_at_once(tmp_path: Path) -> None:
    async with newsroom(f"sqlite:///{tmp_path}/y.db", tmp_path / "data") as news:
        set_key(tmp_path / "data", "graphql", {"max_operations": 2, "max_sockets": 2})
        async with second(news, tmp_path / "data") as other, served(other.app) as address:
            async with client(address) as found, client(address):
                for _ in range(2):
                    await found.subscribe(LISTEN)
                assert await found.settled() == []
                await found.subscribe(LISTEN)
                answer = await found.hear()
                assert answer["payload"][0]["message"] == "A connection runs 2 operations at most."
                with pytest.raises(InvalidStatus):
                    async with client(address):
                        raise AssertionError
            async with client(address):
                pass  # there is room again


def set_key(data: Path, name: str, value: Any) -> None:
    """Change a key of the project file."""
    [path] = (data / "config").glob("*.json")
    content = json.loads(path.read_text())
    path.write_text(json.dumps({**content, name: value}))


async def test_who_does_not_read_is_not_waited_for(
    news: Newsroom, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(socket, "MOST_UNSENT", 20)
    monkeypatch.setattr(socket, "GIVE_UP", 0.2)
    wide = "subscription { articles_mutated { key data { " + " ".join(f"b{n}: body" for n in range(50)) + " } } }"
    async with client(address, max_queue=1, compression=None) as slow, client(address) as quick:
        await slow.subscribe(wide)
        assert await slow.settled() == []
        await quick.subscribe("subscription { articles_mutated { key } }")
        assert await quick.settled() == []
        slow.socket.transport.pause_reading()
        body = "x" * 20_000
        told = 0
        hub = news.projects.get("main").subscriptions
        while len(hub) > 1:
            assert told < 500, "it is waited for"
            await news.ask("PATCH", "/items/articles/1?fields=id", json={"body": f"{told}{body}"})
            assert (await quick.next())["articles_mutated"] == {"key": "1"}
            told += 1
        assert told > 20
        slow.socket.transport.resume_reading()
        with pytest.raises(ConnectionClosed):
            await _to_the_end(slow)


async def _to_the_end(found: Client) -> None:
    while True:
        await found.hear()


async def test_a_cookie_speaks_for_pages_of_the_server_only(news: Newsroom, address: str) -> None:
    login = {"email": ADMIN_EMAIL, "password": ADMIN_PASSWORD, "mode": "cookie"}
    answer = await news.ask("POST", "/auth/authenticate", None, json=login)
    cookie = answer.headers["set-cookie"].partition(";")[0]
    pages = {None: True, f"http://{address}": True, "https://elsewhere.example": False, "null": False}
    for origin, known in pages.items():
        headers = {"cookie": cookie, **({"origin": origin} if origin else {})}
        async with client(address, None, additional_headers=headers) as found:
            id_ = await found.subscribe(LISTEN)
            assert [one["type"] for one in await found.settled() if one["id"] == id_] == ([] if known else ["error"])
    # A token that is shown counts, whoever opened the socket.
    headers = {"cookie": cookie, "origin": "https://elsewhere.example"}
    async with client(address, "admin-token", additional_headers=headers) as found:
        await found.subscribe(LISTEN)
        assert await found.settled() == []


async def test_a_session_that_is_over_ends_the_socket(news: Newsroom, address: str) -> None:
    login = {"email": ADMIN_EMAIL, "password": ADMIN_PASSWORD, "mode": "cookie"}
    answer = await news.ask("POST", "/auth/authenticate", None, json=login)
    headers = {"cookie": answer.headers["set-cookie"].partition(";")[0]}
    async with client(address, None, additional_headers=headers) as found:
        await found.subscribe(LISTEN)
        assert await found.settled() == []
        await news.rows_away("directus_user_sessions", "1 = 1")
        await news.ask("PATCH", "/items/people/1", json={"name": "Not for him"})
        assert await found.closed() == (4403, "Forbidden")


async def test_subscriptions_over_http_are_told_where_to_go(news: Newsroom) -> None:
    answer = await news.graphql(LISTEN)
    assert answer["errors"][0]["message"].startswith("Subscriptions are served over a WebSocket")
    assert "data" not in answer


# Several processes


async def test_what_another_process_writes_is_told_over_the_broker(redis_space: RedisSpace, tmp_path: Path) -> None:
    async with newsroom(f"sqlite:///{tmp_path}/z.db", tmp_path / "data") as news:
        await news.refill()
        set_key(tmp_path / "data", "events", {"url": redis_space.url})
        async with (
            second(news, tmp_path / "data") as here,
            second(news, tmp_path / "data") as there,
            served(here.app) as address,
        ):
            await here.get("/items/people")
            await there.get("/items/people")
            async with client(address) as admin, client(address, "writer-token") as writer:
                await admin.subscribe("subscription { articles_mutated { event key data { title } } }")
                await writer.subscribe("subscription { articles_mutated { event key data { title } } }")
                assert await admin.settled() == await writer.settled() == []
                await listened(here)
                await there.ask("PATCH", "/items/articles/1", json={"title": "There"})
                assert await admin.next() == {
                    "articles_mutated": {"event": "update", "key": "1", "data": {"title": "There"}}
                }
                await here.ask("PATCH", "/items/articles/1", json={"title": "Here"})
                assert (await admin.next())["articles_mutated"]["data"]["title"] == "Here"
                await there.ask("DELETE", "/items/articles/1")
                await there.ask("DELETE", "/items/articles/2")
                for key in "12":
                    assert await admin.next() == {"articles_mutated": {"event": "delete", "key": key, "data": None}}
                assert await writer.next() == {"articles_mutated": {"event": "delete", "key": "2", "data": None}}
                # What others say on the channel is no order: nobody sees more by it.
                broker = there.projects.get("main").broker
                for said in (
                    b"nonsense",
                    b"[1]",
                    b'[["update", "articles", 4, {}]]',
                    b'[["update", "nowhere", "4", {}]]',
                ):
                    broker.tell(said)
                broker.tell(b'[["update", "articles", "4", {}]]')
                assert (await admin.next())["articles_mutated"]["data"] == {"title": "Four"}
                assert await writer.settled() == []


async def listened(news: Newsroom) -> None:
    """Until the server listens to its broker."""
    from redis.asyncio import from_url

    from core.events.broker import channel_of, redis_url

    config = news.projects.get("main").config
    channel = f"{channel_of(config)}:items"
    probe = from_url(redis_url(config) or "")
    async with asyncio.timeout(10):
        while dict(await probe.pubsub_numsub(channel))[channel.encode()] < 2:  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    await probe.aclose()


# The npm client


async def test_the_npm_client_graphql_ws(news: Newsroom, address: str) -> None:
    told = await output("subscriptions.cjs", f"ws://{address}/main/gql", packages=("graphql-ws", "ws", "graphql"))
    people = [{"name": "Ada"}, {"name": "Bob"}]
    assert told == {
        "query": {"data": {"people": {"data": people}}},
        "live": [{"data": {"people_live": {"data": [*people, *more]}}} for more in ([], [{"name": "Cy"}])],
        "mutation": {"data": {"create_people_item": {"name": "Cy"}}},
        "events": [
            {"data": {"people_mutated": {"event": event, "data": {"name": name}}}}
            for event, name in (("create", "Cy"), ("update", "Eve"))
        ],
        "wrong": ["Cannot query field 'nothing' on type 'Subscription'."],
        "closed": [4403, "Forbidden"],
    }
