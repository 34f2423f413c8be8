"""Hashes and random strings for clients (files spec 8.2)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from hashlib import sha1
from typing import Any

import bcrypt
import pytest

from core.auth.hashing import Cost, hash_password
from core.utilities import POOL
from tests.api.newsroom import Newsroom, newsroom


@pytest.fixture(scope="module")
async def api(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Newsroom]:
    folder = tmp_path_factory.mktemp("utils")
    async with newsroom(f"sqlite:///{folder}/x.db", folder / "data") as found:
        yield found


async def post(api: Newsroom, path: str, body: Any, token: str | None = "admin-token") -> Any:
    answer = await api.ask("POST", f"/utils/{path}", token, json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def wrong(api: Newsroom, path: str, body: Any) -> tuple[int, int, str]:
    answer = await api.ask("POST", f"/utils/{path}", json=body)
    error = answer.json()["error"]
    return answer.status_code, error["code"], error["message"]


async def test_hash(api: Newsroom) -> None:
    for body in ({"string": "secret"}, {"string": "secret", "hasher": "bcrypt"}):
        found = (await post(api, "hash", body))["data"]["hash"]
        assert found.startswith("$2y$10$")
        assert bcrypt.checkpw(b"secret", found.encode())
    digests = {
        "md5": "5ebe2294ecd0e0f08eab7690d2a6ee69",
        "sha1": "e5e9fa1ba31ecd1ae84f75caaa474f3a663f05f4",
        "sha256": "2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b",
    }
    for hasher, digest in digests.items():
        assert await post(api, "hash", {"string": "secret", "hasher": hasher}) == {"data": {"hash": digest}}
    anonymous = await post(api, "hash", {"string": "x", "hasher": "md5"}, None)
    assert anonymous == {"data": {"hash": "9dd4e461268c8034f5c8564e155c67a6"}, "public": True}
    assert await wrong(api, "hash", {"string": "x", "hasher": "zzz"}) == (422, 1000, 'Hasher "zzz" not found')
    blank = (422, 4, "string: This value should not be blank.")
    assert await wrong(api, "hash", {}) == blank
    assert await wrong(api, "hash", {"string": ""}) == blank
    assert await wrong(api, "hash", {"string": 5}) == (422, 4, "string: This value should be of type string.")
    assert await wrong(api, "hash", {"string": "é" * 2049}) == (422, 4, "string: This value is not valid.")
    assert await api.refusal("POST", "/utils/hash") == (400, 13)
    assert await api.refusal("GET", "/utils/hash") == (405, 6)


@pytest.mark.parametrize(
    ("cost", "token", "made"),
    [
        (4, "admin-token", "04"),
        (2, "admin-token", "04"),
        ("5", "admin-token", "05"),
        ("x", None, "10"),
        (31, None, "10"),
    ],
)
async def test_the_cost_of_a_hash_is_bounded(api: Newsroom, cost: Any, token: str | None, made: str) -> None:
    found = await post(api, "hash", {"string": "x", "options": {"cost": cost}}, token)
    assert found["data"]["hash"][:7] == f"$2y${made}$"


async def test_match(api: Newsroom) -> None:
    hashes = {
        bcrypt.hashpw(b"secret", bcrypt.gensalt(4)).decode(): None,
        bcrypt.hashpw(b"secret", bcrypt.gensalt(4)).decode().replace("$2b$", "$2y$"): "bcrypt",
        await hash_password("secret", Cost(1, 64, 1)): "core",
        sha1(b"secret").hexdigest(): "sha1",
    }
    for stored, hasher in hashes.items():
        body = {"hash": stored} if hasher is None else {"hash": stored, "hasher": hasher}
        assert await post(api, "hash/match", {"string": "secret", **body}) == {"data": {"valid": True}}
        assert await post(api, "hash/match", {"string": "nope", **body}) == {"data": {"valid": False}}
    assert await wrong(api, "hash/match", {}) == (
        422,
        4,
        "string: This value should not be blank. hash: This value should not be blank.",
    )
    assert await wrong(api, "hash/match", {"string": "x", "hash": "y", "hasher": "zzz"}) == (
        422,
        1000,
        'Hasher "zzz" not found',
    )


async def test_hashes_that_cost_too_much_are_not_verified(api: Newsroom) -> None:
    salt = "a" * 53
    for stored in (
        f"$2y$31${salt}",
        f"$2y$15${salt}",
        f"$2y$xx${salt}",
        "$argon2id$v=19$m=4294967295,t=3,p=4$YWFhYWFhYWE$YWFhYWFhYWE",
        "$argon2id$v=19$m=65536,t=1000000,p=4$YWFhYWFhYWE$YWFhYWFhYWE",
        "$argon2id$nonsense",
        "plain",
    ):
        assert await post(api, "hash/match", {"string": "x", "hash": stored}) == {"data": {"valid": False}}
    dear = bcrypt.hashpw(b"x", bcrypt.gensalt(11)).decode()
    assert (await post(api, "hash/match", {"string": "x", "hash": dear}))["data"] == {"valid": True}
    assert (await post(api, "hash/match", {"string": "x", "hash": dear}, None))["data"] == {"valid": False}


async def test_random_strings(api: Newsroom) -> None:
    for body, length in (({}, 32), ({"length": 10}, 10), ({"length": "7"}, 7), ({"length": 1024, "options": {}}, 1024)):
        found = (await post(api, "random/string", body))["data"]["random"]
        assert len(found) == length
        assert set(found) <= set(POOL)
    one, other = [(await post(api, "random/string", {}, None))["data"]["random"] for _ in range(2)]
    assert one != other
    for length in ("abc", [1], True):
        assert await wrong(api, "random/string", {"length": length}) == (
            422,
            4,
            "length: This value should be of type numeric.",
        )
    for length in (0, -1, 1025, 10**30):
        assert await wrong(api, "random/string", {"length": length}) == (422, 4, "length: This value is not valid.")
    assert await api.refusal("POST", "/utils/random/string") == (400, 13)


async def test_the_same_over_graphql(api: Newsroom) -> None:
    found = await api.graphql(
        """mutation { utils_hash(string: "secret", hasher: "md5")
          utils_hash_match(string: "secret", hash: "5ebe2294ecd0e0f08eab7690d2a6ee69", hasher: "md5")
          utils_random_string(length: 5) }"""
    )
    assert found["data"]["utils_hash"] == "5ebe2294ecd0e0f08eab7690d2a6ee69"
    assert found["data"]["utils_hash_match"] is True
    assert len(found["data"]["utils_random_string"]) == 5
