"""Webhooks and the log of their deliveries over REST and GraphQL, on the whole stack and three databases (§13)."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from core.events.deliver import Courier
from core.events.signing import secret_of
from core.settings import ProjectConfig
from tests.api.newsroom import Newsroom, newsroom
from tests.backends import fresh_database
from tests.receiver import Received, answer, receiver

KEYS = ["id", "status", "http_action", "url", "collection", "directus_action"]
HOOK = {
    "status": "active", "http_action": "post", "url": "http://hooks.example/a", "collection": "people",
    "directus_action": "item.create:after",
}  # fmt: skip
LOGGED = [
    "id", "webhook", "event", "collection", "item", "method", "url", "body", "state", "attempts", "created_on",
    "due_on", "ended_on", "response_status", "duration", "error", "response", "repeats",
]  # fmt: skip


@pytest.fixture(scope="module")
async def server(dialect: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Newsroom]:
    folder = tmp_path_factory.mktemp("webhooks")
    with fresh_database(dialect, folder) as url:
        async with newsroom(url, folder / "data") as found:
            yield found


@pytest.fixture
async def api(server: Newsroom) -> Newsroom:
    for key in [row["id"] for row in (await server.get("/webhooks?limit=-1"))["data"]]:
        assert (await server.ask("DELETE", f"/webhooks/{key}")).status_code == 204
    await server.rows_away("directus_deliveries", "1 = 1")
    await server.refill()
    return server


@pytest.fixture
async def courier(api: Newsroom) -> AsyncIterator[Courier]:
    """A courier that sends when it is told to; it may reach this machine."""
    project = api.projects.get("main")
    tree = {**project.config.tree, "webhooks": {"allow_hosts": ["127.0.0.1"], "attempts": 2}}
    found = Courier(ProjectConfig.of("main", tree))
    found._store = await project.store()
    yield found
    await found.stop()


async def make(api: Newsroom, **more: Any) -> int:
    made = await api.ask("POST", "/webhooks", json={**HOOK, **more})
    assert made.status_code == 200, made.text
    key: int = made.json()["data"]["id"]
    return key


async def send(one: Courier) -> None:
    await one.round()
    await one.settled()


async def test_the_life_of_a_webhook(api: Newsroom) -> None:
    made = (await api.ask("POST", "/webhooks", json=HOOK)).json()["data"]
    key = made["id"]
    assert (list(made), made) == (KEYS, {"id": key, **HOOK})
    assert await api.get(f"/webhooks/{key}") == {"data": {"id": key, **HOOK}}
    other = (await api.ask("POST", "/webhooks", json={"status": "active"})).json()["data"]
    assert other == {**dict.fromkeys(KEYS), "id": other["id"], "status": "active"}
    assert await api.get("/webhooks?fields=id&meta=total_count,result_count&sort=-id&limit=1") == {
        "meta": {"result_count": 1, "total_count": 2},
        "data": [{"id": other["id"]}],
    }
    assert (await api.get(f"/webhooks/{key},{other['id']}?fields=url"))["data"] == [
        {"url": HOOK["url"]}, {"url": None}
    ]  # fmt: skip
    answer = await api.ask("PATCH", f"/webhooks/{key}?fields=status", json={"status": "inactive"})
    assert (answer.status_code, answer.json()) == (200, {"data": {"status": "inactive"}})
    batch = [{"id": key, "http_action": "get"}, {"id": other["id"], "http_action": "get"}]
    answer = await api.ask("PATCH", "/webhooks?fields=http_action", json=batch)
    assert (answer.status_code, answer.json()) == (200, {"data": [{"http_action": "get"}] * 2})
    answer = await api.ask("PATCH", f"/webhooks/{key},{other['id']}?fields=collection", json={"collection": "tokens"})
    assert (answer.status_code, answer.json()) == (200, {"data": [{"collection": "tokens"}] * 2})
    several = await api.ask("POST", "/webhooks?fields=collection", json=[HOOK, HOOK])
    assert (several.status_code, several.json()) == (200, {"data": [{"collection": "people"}] * 2})
    assert (await api.get(f"/webhooks/{key}/revisions?fields=delta"))["data"][1] == {"delta": {"status": "inactive"}}
    gone = await api.ask("DELETE", f"/webhooks/{key},{other['id']}")
    assert (gone.status_code, gone.content) == (204, b"")
    assert await api.refusal("GET", f"/webhooks/{key}") == (404, 203)
    assert await api.refusal("PATCH", f"/webhooks/{key}", json={"status": "active"}) == (404, 203)
    assert await api.refusal("DELETE", f"/webhooks/{key}") == (404, 203)


async def test_over_graphql(api: Newsroom) -> None:
    text = "mutation($row: JSON) { create_directus_webhooks_item(payload: $row) { id url } }"
    made = (await api.graphql(text, row=HOOK))["data"]["create_directus_webhooks_item"]
    assert made["url"] == HOOK["url"]
    eve = (await api.ask("POST", "/items/people", json={"name": "Eve"})).json()["data"]["id"]
    found = await api.graphql(
        'query($id: ID) { webhook_deliveries(webhook: $id, status: ["pending"]) { webhook item body state repeats } }',
        id=made["id"],
    )
    [delivery] = found["data"]["webhook_deliveries"]
    assert json.loads(delivery.pop("body"))["name"] == "Eve"
    assert delivery == {"webhook": made["id"], "item": str(eve), "state": "pending", "repeats": None}
    assert (await api.graphql("{ directus_webhooks { data { id http_action } meta { total_count } } }"))["data"] == {
        "directus_webhooks": {"data": [{"id": made["id"], "http_action": "post"}], "meta": {"total_count": 1}}
    }
    refused = await api.graphql('{ webhook_deliveries(status: ["lost"]) { id } }')
    assert refused["errors"][0]["extensions"]["code"] == 4


async def test_what_the_log_shows(api: Newsroom, courier: Courier) -> None:
    async def respond(request: Received) -> bytes:
        return answer(200, b"thanks") if request.path == "/fine" else answer(503, b"busy")

    async with receiver(respond) as server:
        fine, busy = await make(api, url=f"{server.url}/fine"), await make(api, url=f"{server.url}/busy")
        eve = (await api.ask("POST", "/items/people", json={"name": "Eve"})).json()["data"]["id"]
        await send(courier)
        failed, delivered = (await api.get("/webhooks/deliveries"))["data"]
        assert [request.body for request in server.received] == [
            f'{{"id":{eve},"name":"Eve","email":null}}'.encode()
        ] * 2
    assert list(delivered) == LOGGED
    assert (delivered["webhook"], delivered["state"], delivered["response_status"]) == (fine, "delivered", 200)
    assert (delivered["response"], delivered["error"], delivered["attempts"]) == ("thanks", None, 1)
    assert delivered["ended_on"].endswith("Z")
    assert (failed["webhook"], failed["state"], failed["response_status"]) == (busy, "pending", 503)
    assert (failed["response"], failed["error"], failed["ended_on"]) == ("busy", "Status", None)
    assert (await api.get(f"/webhooks/{busy}/deliveries"))["data"] == [failed]
    assert (await api.get("/webhooks/deliveries?status=delivered,failed"))["data"] == [delivered]
    assert (await api.get("/webhooks/deliveries?limit=1&offset=1"))["data"] == [delivered]
    for path in ("/webhooks/deliveries?limit=0", "/webhooks/999/deliveries", "/webhooks/1abc/deliveries"):
        assert await api.get(path) == {"data": []}
    assert await api.refusal("GET", "/webhooks/deliveries?status=lost") == (422, 4)


async def test_sending_again(api: Newsroom, courier: Courier) -> None:
    async with receiver() as server:
        key = await make(api, url=f"{server.url}/wrong")
        await api.ask("POST", "/items/people", json={"name": "Eve"})
        await send(courier)
        [first] = (await api.get("/webhooks/deliveries"))["data"]
        await api.ask("PATCH", f"/webhooks/{key}", json={"url": f"{server.url}/right"})
        again = await api.ask("POST", f"/webhooks/deliveries/{first['id']}/redeliver")
        assert again.status_code == 200
        made = again.json()["data"]
        assert {name: made[name] for name in ("state", "attempts", "url", "body", "repeats")} == {
            "state": "pending", "attempts": 0, "url": f"{server.url}/right", "body": first["body"],
            "repeats": first["id"],
        }  # fmt: skip
        await send(courier)
        assert [(one.path, one.headers["x-tabularium-delivery"]) for one in server.received] == [
            ("/wrong", str(first["id"])), ("/right", str(made["id"]))
        ]  # fmt: skip
        assert server.received[0].body == server.received[1].body
        text = f"mutation {{ webhook_redeliver(delivery: {made['id']}) {{ repeats state json }} }}"
        third = (await api.graphql(text))["data"]["webhook_redeliver"]
        assert (third["repeats"], third["state"], third["json"]["attempts"]) == (str(made["id"]), "pending", 0)
    for unknown in ("0", "x", "9" * 30, str(10**18)):
        assert await api.refusal("POST", f"/webhooks/deliveries/{unknown}/redeliver") == (404, 203)


async def test_a_webhook_that_ends_takes_back_what_is_pending(api: Newsroom, courier: Courier) -> None:
    keys = [await make(api, url="http://127.0.0.1:9/") for _ in range(3)]
    await api.ask("POST", "/items/people", json=[{"name": "Eve"}, {"name": "Dan"}])
    await api.ask("PATCH", f"/webhooks/{keys[0]}?activity_skip=1", json={"status": "inactive"})
    await api.ask("PATCH", f"/webhooks/{keys[1]}", json={"url": "http://127.0.0.1:10/"})
    await api.ask("DELETE", f"/webhooks/{keys[2]}")
    found = (await api.get("/webhooks/deliveries"))["data"]
    assert sorted((row["webhook"], row["state"], row["error"]) for row in found) == [
        (keys[0], "failed", "Withdrawn"), (keys[0], "failed", "Withdrawn"),
        (keys[1], "pending", None), (keys[1], "pending", None),
        (keys[2], "failed", "Withdrawn"), (keys[2], "failed", "Withdrawn"),
    ]  # fmt: skip


async def test_a_private_address_is_refused_unless_allowed(api: Newsroom) -> None:
    project = api.projects.get("main")
    strict = Courier(project.config)
    strict._store = await project.store()
    async with receiver() as server:
        for host in ("127.0.0.1", "localhost", "[::1]", "2130706433"):
            await make(api, url=f"http://{host}:{server.port}/")
        await make(api, url="http://169.254.169.254/latest/meta-data/")
        await api.ask("POST", "/items/people", json={"name": "Eve"})
        await send(strict)
        while any(row["state"] == "pending" for row in (await api.get("/webhooks/deliveries"))["data"]):
            await send(strict)
        assert server.connections == 0
    await strict.stop()
    found = (await api.get("/webhooks/deliveries"))["data"]
    assert [(row["state"], row["error"], row["attempts"]) for row in found] == [("failed", "Refused", 1)] * 5


async def test_get_and_the_signature(api: Newsroom, courier: Courier) -> None:
    async with receiver() as server:
        key = await make(api, url=f"{server.url}/hook?a=b", http_action="get")
        await api.ask("POST", "/items/people", json={"name": "Eve"})
        await send(courier)
        [request] = server.received
    assert (request.method, request.path, request.body) == ("GET", "/hook?a=b", b"")
    assert "content-type" not in request.headers
    assert request.headers["user-agent"] == "Tabularium"
    secret = await api.get(f"/webhooks/{key}/secret")
    assert secret == {"data": {"secret": secret_of(api.projects.get("main").config, key)}}
    assert (await api.graphql(f"{{ webhook_secret(webhook: {key}) }}"))["data"] == {
        "webhook_secret": secret["data"]["secret"]
    }
    assert await api.refusal("GET", f"/webhooks/{key + 1000}/secret") == (404, 203)


@pytest.mark.parametrize(("token", "codes"), [(None, (401, 3)), ("editor-token", (403, 300))])
async def test_lists_are_for_those_who_may(api: Newsroom, token: str | None, codes: tuple[int, int]) -> None:
    await make(api)
    assert await api.refusal("GET", "/webhooks", token) == codes
    assert await api.refusal("GET", "/webhooks/deliveries", token) == codes
    assert await api.refusal("GET", "/webhooks/1/deliveries", token) == codes


@pytest.mark.parametrize("token", [None, "editor-token"])
async def test_what_strangers_are_told(api: Newsroom, token: str | None) -> None:
    key = await make(api)
    await api.ask("POST", "/items/people", json={"name": "Eve"})
    [row] = (await api.get("/webhooks/deliveries"))["data"]
    assert await api.refusal("GET", f"/webhooks/{key}", token) == (404, 203)
    assert await api.refusal("GET", f"/webhooks/{key}/secret", token) == (404, 203)
    assert await api.refusal("GET", f"/webhooks/{key},1", token) == (403, 300)
    assert await api.refusal("POST", "/webhooks", token, json=HOOK) == (403, 301)
    assert await api.refusal("PATCH", f"/webhooks/{key}", token, json={"status": "active"}) == (403, 302)
    assert await api.refusal("DELETE", f"/webhooks/{key}", token) == (403, 303)
    assert await api.refusal("POST", f"/webhooks/deliveries/{row['id']}/redeliver", token) == (403, 302)
    assert (await api.get("/webhooks/deliveries"))["data"] == [row]


async def test_a_reader_of_webhooks_sees_neither_log_nor_secret(api: Newsroom) -> None:
    """Permission on the collection is for its rows; deliveries hold rows of any collection."""
    rule = {"collection": "directus_webhooks", "role": 3, "read": "full", "create": "full"}
    given = await api.graphql(
        "mutation($row: JSON) { create_directus_permissions_item(payload: $row) { id } }", row=rule
    )
    try:
        key = await make(api)
        assert (await api.get("/webhooks?fields=id", "editor-token"))["data"] == [{"id": key}]
        assert await api.refusal("GET", "/webhooks/deliveries", "editor-token") == (403, 300)
        assert await api.refusal("GET", f"/webhooks/{key}/secret", "editor-token") == (404, 203)
        assert (await api.ask("POST", "/webhooks", "editor-token", json=HOOK)).status_code == 200
    finally:
        key = given["data"]["create_directus_permissions_item"]["id"]
        await api.graphql("mutation($id: ID!) { delete_directus_permissions_item(id: $id) }", id=key)


@pytest.mark.parametrize("field", ["url", "http_action", "directus_action"])
async def test_what_is_no_webhook(api: Newsroom, field: str) -> None:
    answer = await api.ask("POST", "/webhooks", json=[HOOK, {**HOOK, field: "nonsense"}])
    assert (answer.status_code, answer.json()["error"]["code"]) == (422, 4)
    assert f"{field}: This value is not valid." in answer.json()["error"]["message"]
    assert (await api.get("/webhooks"))["data"] == []
    for odd in (1, [], {"a": 1}, True):
        assert (await api.refusal("POST", "/webhooks", json={**HOOK, field: odd}))[0] == 422
