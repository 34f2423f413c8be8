"""The response cache: what it answers is what would be read, for everybody, at any time, in every process."""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest

from core.cache import store
from core.catalog.changes import log_change
from core.projects import Project
from tests import backends
from tests.api.newsroom import Newsroom, newsroom, second
from tests.conftest import RedisSpace

TOKENS = ("admin-token", "editor-token", "writer-token", "nobody-token", None)
ON = {"enabled": True, "pool": {"adapter": "array"}}


@dataclass(slots=True)
class Cached:
    """Two servers that keep answers, and one that keeps none and must not write: it has another configuration."""

    one: Newsroom
    two: Newsroom
    plain: Newsroom

    @property
    def project(self) -> Project:
        return self.one.projects.get("main")

    async def spent(self, path: str, token: str | None = "admin-token", **more: Any) -> tuple[int, httpx2.Response]:
        """Statements of one request to the first server, and the answer."""
        database = await self.project.store()
        before = database.statements_total
        answer = await self.one.ask("GET", path, token, **more)
        return database.statements_total - before, answer


def configured(data: Path, there: Path, **keys: Any) -> Path:
    """A copy of a data folder whose project has other keys."""
    (there / "config").mkdir(parents=True)
    [path] = (data / "config").glob("main*.json")
    (there / "config" / path.name).write_text(json.dumps({**json.loads(path.read_text()), **keys}))
    return there


@asynccontextmanager
async def cached(url: str, folder: Path, cache: dict[str, Any]) -> AsyncIterator[Cached]:
    async with newsroom(url, folder / "data") as made, AsyncExitStack() as stack:
        there = configured(folder / "data", folder / "cached", cache=cache)
        one, two = [await stack.enter_async_context(second(made, there)) for _ in range(2)]
        yield Cached(one, two, made)


@pytest.fixture(scope="module", params=["memory", "redis"])
async def shop(
    request: pytest.FixtureRequest, dialect: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Cached]:
    folder = tmp_path_factory.mktemp("cache")
    pool = {"adapter": "array"}
    if request.param == "redis":
        if not (found := backends.backend("redis")).available:
            pytest.skip(f"redis: {found.reason}")
        pool = {"adapter": "redis", "url": found.url}
    # A busy machine shall not look like a Redis that does not answer.
    with backends.fresh_database(dialect, folder) as url, pytest.MonkeyPatch.context() as patch:
        patch.setattr(store, "WITHIN", 20.0)
        async with cached(url, folder, {"enabled": True, "pool": pool}) as made:
            yield made


@pytest.fixture
async def cache(shop: Cached) -> Cached:
    shop.plain.dirty = True
    await shop.plain.refill()
    # Rows were changed beside the product: an operator clears the cache then.
    database = await shop.project.store()
    async with database.write() as connection:
        await log_change(connection, "settings")
    return shop


async def test_a_kept_answer_costs_one_statement(cache: Cached) -> None:
    path = "/items/articles?fields=id,title,author.name&filter[author.name][eq]=Ada&sort=id"
    await cache.spent(path)
    cost, first = await cache.spent(path)
    assert cost == 1
    assert first.json() == (await cache.plain.ask("GET", path)).json()
    # Of the parameters, the names may come in another order.
    cost, again = await cache.spent("/items/articles?sort=id&filter[author.name][eq]=Ada&fields=id,title,author.name")
    assert (cost, again.content) == (1, first.content)
    cost, _ = await cache.spent("/items/articles/1?fields=title")
    assert cost >= 2
    cost, single = await cache.spent("/items/articles/1?fields=title")
    assert (cost, single.json()) == (1, {"data": {"title": "One"}})


async def test_tags_heads_and_conditions_are_those_of_the_body(cache: Cached) -> None:
    path = "/items/people?sort=id"
    first = await cache.one.ask("GET", path)
    cost, again = await cache.spent(path)
    assert (cost, again.headers["etag"], again.content) == (1, first.headers["etag"], first.content)
    assert again.headers["cache-control"] == "private, no-cache"
    assert again.headers["content-type"] == "application/json"
    cost, same = await cache.spent(path, headers={"if-none-match": first.headers["etag"]})
    assert (cost, same.status_code, same.content) == (1, 304, b"")
    head = await cache.one.ask("HEAD", path)
    assert (head.status_code, head.content, head.headers["content-length"]) == (200, b"", str(len(first.content)))


async def test_what_is_asked_for_with_a_condition_is_kept_whole(cache: Cached) -> None:
    path = "/items/people?sort=name"
    tag = (await cache.plain.ask("GET", path)).headers["etag"]
    _, first = await cache.spent(path, headers={"if-none-match": tag})
    assert first.status_code == 304
    cost, whole = await cache.spent(path)
    assert (cost, whole.status_code, whole.headers["etag"]) == (1, 200, tag)


async def test_a_write_is_seen_by_the_next_request_to_every_process(cache: Cached) -> None:
    paths = ("/items/articles/1?fields=title,author.name", "/items/people?fields=name&sort=id")
    writes: tuple[tuple[str, str, Any], ...] = (
        ("PATCH", "/items/people/1", {"name": "Ida"}),
        ("PATCH", "/items/articles/1", {"title": "Uno", "author": {"id": 2, "name": "Rob"}}),
        ("POST", "/items/people", {"name": "Cy"}),
        ("DELETE", "/items/people/2", None),
    )
    for number, (method, path, payload) in enumerate(writes):
        for server in (cache.one, cache.two):
            for one in paths:
                await server.get(one)
        await (cache.one, cache.two)[number % 2].ask(method, path, json=payload)
        for one in paths:
            wanted = await cache.plain.get(one)
            assert await cache.one.get(one) == wanted
            assert await cache.two.get(one) == wanted


async def test_what_is_not_stored_outdates_nothing(cache: Cached) -> None:
    path = "/items/articles?fields=title&sort=id"
    await cache.spent(path)
    batch = [{"title": "Good"}, {"title": "Bad", "slug": "a1"}]
    assert (await cache.one.ask("POST", "/items/articles", json=batch)).status_code == 409
    assert (await cache.spent(path))[0] == 1
    # Nor does what is written elsewhere.
    await cache.one.ask("POST", "/items/comments", json={"text": "x"})
    assert (await cache.spent(path))[0] == 2  # the versions are read once
    assert (await cache.spent(path))[0] == 1


async def test_nobody_is_served_what_another_may_see(cache: Cached) -> None:
    paths = ("/items/articles?sort=id", "/items/articles/1", "/items/comments?fields=*.*&sort=id", "/items/people")
    for _ in range(2):
        for path in paths:
            for token in TOKENS:
                found, wanted = await cache.one.ask("GET", path, token), await cache.plain.ask("GET", path, token)
                assert (found.status_code, found.content) == (wanted.status_code, wanted.content), (path, token)


async def test_rights_settings_and_schema_outdate_at_once(cache: Cached) -> None:
    path = "/items/articles?sort=id"
    user = await cache.one.hire("reader")
    role = (await cache.one.rows(f"SELECT role FROM directus_users WHERE id = {user}"))[0][0]
    assert (await cache.one.ask("GET", path, "reader-token")).status_code == 403
    create = "mutation($row: JSON) { create_directus_permissions_item(payload: $row) { id } }"
    row = (await cache.two.graphql(create, row={"collection": "articles", "role": role, "read": "full"}))["data"]
    key = row["create_directus_permissions_item"]["id"]
    for _ in range(2):
        assert "title" in (await cache.one.ask("GET", path, "reader-token")).json()["data"][0]
    change = "mutation($id: ID!, $row: JSON) { update_directus_permissions_item(id: $id, payload: $row) { id } }"
    await cache.two.graphql(change, id=key, row={"read_field_blacklist": ["title"]})
    assert "title" not in (await cache.one.ask("GET", path, "reader-token")).json()["data"][0]
    await cache.two.graphql(change, id=key, row={"read": "none"})
    assert (await cache.one.ask("GET", path, "reader-token")).status_code == 403
    # A setting that decides how many items a list has.
    assert len((await cache.one.get("/items/articles?fields=id"))["data"]) == 4
    settings = (await cache.one.get("/settings?filter[key][eq]=default_limit&fields=id"))["data"]
    changed = await cache.two.ask("PATCH", f"/settings/{settings[0]['id']}", json={"value": "2"})
    assert changed.status_code == 200
    assert len((await cache.one.get("/items/articles?fields=id"))["data"]) == 2
    await cache.two.ask("PATCH", f"/settings/{settings[0]['id']}", json={"value": "200"})
    # The schema.
    await cache.one.get("/items/people/1")
    field = {"field": "shoe", "type": "integer", "datatype": "INT", "default_value": 40}
    assert (await cache.two.ask("POST", "/fields/people", json=field)).status_code == 200
    assert (await cache.one.get("/items/people/1"))["data"]["shoe"] == 40
    assert (await cache.two.ask("DELETE", "/fields/people/shoe")).status_code == 204
    assert "shoe" not in (await cache.one.get("/items/people/1"))["data"]


async def test_a_user_who_goes_is_served_nothing(cache: Cached) -> None:
    user = await cache.one.hire("gone")
    role = (await cache.one.rows(f"SELECT role FROM directus_users WHERE id = {user}"))[0][0]
    create = "mutation($row: JSON) { create_directus_permissions_item(payload: $row) { id } }"
    await cache.one.graphql(create, row={"collection": "people", "role": role, "read": "full"})
    for _ in range(2):
        assert (await cache.one.ask("GET", "/items/people", "gone-token")).status_code == 200
    query = 'mutation($id: ID!) { update_directus_users_item(id: $id, payload: {status: "suspended"}) { id } }'
    await cache.two.graphql(query, id=str(user))
    assert (await cache.one.ask("GET", "/items/people", "gone-token")).status_code == 401


async def test_what_may_change_by_itself_is_not_kept(cache: Cached) -> None:
    for path in (
        "/items/articles?sort=?&fields=id",
        "/items/articles?filter[created_on][lt]=now&fields=id",
        "/items/articles?filter[created_on][between]=2001-01-01 00:00:00,Now&fields=id",
        "/items/articles?fields=id,owner.first_name",
        "/items/articles?filter[owner.email][contains]=admin&fields=id",
        "/users?fields=id",
        "/settings?fields=key",
        "/activity?fields=id",
        "/revisions?fields=id",
        "/users/me",
        "/collections",
        "/permissions/me",
    ):
        await cache.spent(path)
        cost, answer = await cache.spent(path)
        assert answer.status_code == 200, path
        assert cost > 1 or path in ("/collections", "/permissions/me"), path
        wanted = await cache.plain.ask("GET", path)
        if "?&" not in path and path != "/users/me" and not path.startswith("/users"):
            assert answer.content == wanted.content, path


async def test_refresh_cache_makes_the_answer_anew(cache: Cached) -> None:
    path = "/items/people?fields=name&sort=id"
    await cache.spent(path)
    await cache.one.store.run_sync(
        lambda connection: connection.exec_driver_sql("UPDATE people SET name = 'By hand' WHERE id = 1")
    )
    assert (await cache.spent(path))[1].json()["data"][0] == {"name": "Ada"}  # nobody can know
    assert (await cache.spent(path + "&refresh_cache=0"))[1].json()["data"][0] == {"name": "Ada"}
    cost, fresh = await cache.spent(path + "&refresh_cache=1")
    assert (cost, fresh.json()["data"][0]) == (2, {"name": "By hand"})
    cost, kept = await cache.spent(path)
    assert (cost, kept.json()["data"][0]) == (1, {"name": "By hand"})


async def test_links_are_those_of_the_request(cache: Cached) -> None:
    for query in (
        "meta=*&limit=1&fields=name", "limit=1&meta=*&fields=name", "meta=*&limit=1&fields=name&refresh_cache=1",
        "meta=*&limit=1&fields=name", "fields=name&meta=links,page&limit=1&access_token=admin-token",
    ):  # fmt: skip
        for _ in range(2):
            assert await cache.one.get(f"/items/people?{query}") == await cache.plain.get(f"/items/people?{query}")


async def test_many_at_once_are_one_read(cache: Cached) -> None:
    database = await cache.project.store()
    path = "/items/articles?fields=*,comments.*,author.*&sort=-id"
    await cache.spent(path)
    await cache.one.ask("PATCH", "/items/comments/1", json={"text": "new"})
    alone = (await cache.spent(path))[0] - 2  # who, and the versions
    assert alone >= 2
    await cache.one.ask("PATCH", "/items/comments/1", json={"text": "newer"})
    before = database.statements_total
    answers = await asyncio.gather(*(cache.one.ask("GET", path) for _ in range(20)))
    assert len({one.content for one in answers}) == 1
    assert answers[0].json() == (await cache.plain.ask("GET", path)).json()
    spent = database.statements_total - before
    assert 20 + alone < spent <= 20 + alone + 20  # the versions may be asked for by several, the items by one


async def test_no_request_sees_less_than_was_stored_when_it_came(cache: Cached) -> None:
    """One writes a counter, others read it through both processes: never less than what was answered before."""
    stored, reads = 0, 0

    async def write() -> None:
        nonlocal stored
        for number in range(1, 41):
            server = (cache.one, cache.two)[number % 2]
            answer = await server.ask("PATCH", "/items/articles/1?fields=id", json={"views": number})
            assert answer.status_code == 200
            stored = number

    async def read(server: Newsroom, path: str, value: Callable[[Any], int]) -> None:
        nonlocal reads
        while stored < 40:
            least = stored
            assert value((await server.get(path))["data"]) >= least
            reads += 1
            await asyncio.sleep(0.001)  # a hit waits for nothing, and others shall have their turn

    await asyncio.gather(
        write(),
        *(
            read(server, path, value)
            for server in (cache.one, cache.two)
            for path, value in (
                ("/items/articles/1?fields=views", lambda data: int(data["views"])),
                ("/items/articles?fields=views&filter[id][eq]=1", lambda data: int(data[0]["views"])),
                ("/items/comments/1?fields=article.views", lambda data: int(data["article"]["views"])),
            )
        ),
    )
    assert reads > 40


PATHS = (
    "/items/articles?sort=id",
    "/items/articles/1",
    "/items/articles/2?fields=*.*",
    "/items/comments?fields=*,article.title",
    "/items/articles?filter[comments.text][contains]=e&fields=id,comments.text&sort=-id",
    "/items/people?meta=*&sort=id",
    "/items/articles?fields=id,categories.category.name&status=draft,published&sort=id",
    "/items/categories?sort=name",
    "/items/articles?q=first&fields=id",
    "/items/tokens/007",
    "/items/articles?filter[author.name][eq]=Ada&fields=title",
)


@pytest.mark.parametrize("seed", [1, 2])
async def test_any_order_of_writes_and_reads_shows_what_is_stored(cache: Cached, seed: int) -> None:
    chance = random.Random(seed)
    hits = 0
    for number in range(120):
        server = chance.choice((cache.one, cache.two))
        if chance.random() < 0.3:
            await change(chance, server, number)
            continue
        path, token = chance.choice(PATHS), chance.choice(TOKENS)
        database = await server.projects.get("main").store()
        wanted = await cache.plain.ask("GET", path, token)
        for _ in range(2):
            before = database.statements_total
            found = await server.ask("GET", path, token)
            assert (found.status_code, found.content) == (wanted.status_code, wanted.content), (number, path, token)
        hits += database.statements_total - before == 1 and found.status_code == 200
    assert hits > 20


async def change(chance: random.Random, server: Newsroom, number: int) -> None:
    """Some write; whether it is allowed or finds its item is all the same."""
    key, text = chance.randint(1, 6), f"text {number}"
    method, path, payload = chance.choice(
        (
            ("PATCH", f"/items/articles/{key}", {"title": text}),
            ("PATCH", f"/items/articles/{key}", {"status": chance.choice(("draft", "published", "deleted"))}),
            ("PATCH", f"/items/articles/{key}", {"owner": chance.randint(1, 3)}),
            ("PATCH", f"/items/articles/{key}", {"comments": [{"text": text}]}),
            ("POST", "/items/articles", {"title": text, "author": {"name": text}}),
            ("PATCH", f"/items/people/{key}", {"name": text}),
            ("POST", "/items/comments", {"text": text, "article": key}),
            ("DELETE", f"/items/comments/{key}", None),
            ("PATCH", "/items/comments/1,2", {"text": text}),
            ("PATCH", f"/items/categories/{key}", {"name": text}),
            ("PATCH", "/items/tokens/007", {"label": text}),
            ("DELETE", f"/items/articles/{key}", None),
        )
    )
    token = chance.choice(("admin-token", "editor-token", "writer-token"))
    await server.ask(method, path, token, json=payload)


# On one database


async def test_rows_that_the_database_takes_along_are_not_kept(tmp_path: Path) -> None:
    async with newsroom(f"sqlite:///{tmp_path}/x.db", tmp_path / "data") as made:
        await made.refill()
        await made.store.run_sync(_children)
        there = configured(tmp_path / "data", tmp_path / "cached", cache=ON)
        async with second(made, there) as news:
            for _ in range(2):
                assert await news.get("/items/leaves?fields=id") == {"data": [{"id": 1}]}
            assert (await news.ask("DELETE", "/items/people/1")).status_code == 204
            assert await news.get("/items/leaves?fields=id") == {"data": []}


def _children(connection: Any) -> None:
    for sql in (
        "CREATE TABLE branches (id INTEGER PRIMARY KEY, person INTEGER REFERENCES people(id) ON DELETE CASCADE)",
        "CREATE TABLE leaves (id INTEGER PRIMARY KEY, branch INTEGER REFERENCES branches(id) ON DELETE CASCADE)",
        "INSERT INTO branches VALUES (1, 1)",
        "INSERT INTO leaves VALUES (1, 1)",
    ):
        connection.exec_driver_sql(sql)


async def test_answers_go_by_time_and_by_room(tmp_path: Path) -> None:
    keys = {**ON, "response_ttl": 1, "max_bytes": 20_000}
    async with cached(f"sqlite:///{tmp_path}/x.db", tmp_path, keys) as cache:
        await cache.plain.refill()
        await cache.spent("/items/people")
        assert (await cache.spent("/items/people"))[0] == 1
        await asyncio.sleep(1.1)
        assert (await cache.spent("/items/people"))[0] == 2
        for number in range(100):
            await cache.spent(f"/items/people?limit={number + 1}")
        assert cache.project.answers is not None
        assert 0 < cache.project.answers.store.bytes <= 20_000  # type: ignore[attr-defined]
        # A body that would fill the room is not kept.
        await cache.one.ask("PATCH", "/items/articles/1", json={"body": "x" * 5000})
        for _ in range(2):
            assert (await cache.spent("/items/articles/1?fields=body"))[0] >= 2


@pytest.mark.parametrize(
    ("keys", "answer"),
    [
        ({"enabled": True, "pool": {"adapter": "nonsense"}}, (503, 22)),
        ({"enabled": True, "pool": {"adapter": "redis", "url": "http://nowhere"}}, (503, 23)),
    ],
)
async def test_a_cache_that_cannot_be_is_told(tmp_path: Path, keys: dict[str, Any], answer: tuple[int, int]) -> None:
    async with cached(f"sqlite:///{tmp_path}/x.db", tmp_path, keys) as cache:
        for _ in range(2):
            found = await cache.one.ask("GET", "/items/people")
            assert (found.status_code, found.json()["error"]["code"]) == answer


@pytest.mark.parametrize("keys", [{"enabled": False}, {"enabled": True, "pool": {"adapter": "void"}}])
async def test_off_means_off(tmp_path: Path, keys: dict[str, Any]) -> None:
    async with cached(f"sqlite:///{tmp_path}/x.db", tmp_path, keys) as cache:
        await cache.plain.refill()
        for _ in range(3):
            assert (await cache.spent("/items/people"))[0] == 2
        await cache.one.ask("PATCH", "/items/people/1", json={"name": "x"})
        assert await cache.one.rows("SELECT * FROM directus_freshness") == []


async def test_a_redis_that_is_down_slows_nobody(tmp_path: Path) -> None:
    keys = {"enabled": True, "pool": {"adapter": "redis", "url": "redis://127.0.0.1:1"}}
    async with cached(f"sqlite:///{tmp_path}/x.db", tmp_path, keys) as cache:
        await cache.plain.refill()
        began = time.monotonic()
        for _ in range(20):
            assert (await cache.one.get("/items/people?fields=name&sort=id"))["data"][0] == {"name": "Ada"}
        assert time.monotonic() - began < 10


async def test_another_process_finds_what_one_has_kept_on_redis(redis_space: RedisSpace, tmp_path: Path) -> None:
    keys = {"enabled": True, "pool": {"adapter": "redis", "url": redis_space.url}}
    async with cached(f"sqlite:///{tmp_path}/x.db", tmp_path, keys) as cache:
        await cache.plain.refill()
        await cache.two.get("/items/people")  # both are open now
        await cache.one.get("/items/people")
        await cache.two.get("/items/people?sort=id")
        assert (await cache.spent("/items/people?sort=id"))[0] == 1
        await cache.one.get("/items/people?sort=name")
        database = await cache.two.projects.get("main").store()
        await cache.two.get("/items/people")
        before = database.statements_total
        assert (await cache.two.get("/items/people?sort=name"))["data"][0]["name"] == "Ada"
        assert database.statements_total - before == 1
