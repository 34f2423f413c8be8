"""Replacing the key that signs: what is written, and what it means."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from core.auth.tokens import TokenKeys, sign, verify, verify_with
from core.errors import ExpiredToken, InvalidToken
from core.settings import ConfigurationError, ProjectConfig
from core.settings.rotation import rotated

NOW = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)
DAY = timedelta(days=1)
GIVEN: dict[str, Any] = {
    "database": {"type": "sqlite", "name": "x.db"},
    "Auth": {"secretKey": "the first secret", "public_key": "p", "ttl": 5},
}


def keys(tree: dict[str, Any]) -> TokenKeys:
    config = ProjectConfig.of("main", tree)
    return TokenKeys.of("main", config.public_key, config.secret_key, config.retired_keys)


def turned(tree: dict[str, Any], secret: str, now: datetime = NOW, grace: timedelta = DAY) -> dict[str, Any]:
    return rotated(tree, ProjectConfig.of("main", tree), secret=secret, now=now, grace=grace)


def token(tree: dict[str, Any], minutes: int = 60 * 24 * 30) -> str:
    return sign(keys(tree), "auth", {"id": 7}, expires=int(NOW.timestamp()) + minutes * 60)


def taken(tree: dict[str, Any], one: str, now: datetime) -> bool:
    try:
        return verify(keys(tree), one, "auth", now=now.timestamp())["id"] == 7
    except InvalidToken:
        return False


def test_the_new_key_signs_and_the_old_one_is_taken_for_a_while() -> None:
    new = turned(GIVEN, "the second secret")
    assert GIVEN["Auth"] == {"secretKey": "the first secret", "public_key": "p", "ttl": 5}
    end = "2026-03-02T12:00:00.000000+00:00"
    assert new == {
        "database": {"type": "sqlite", "name": "x.db"},
        "Auth": {
            "secretKey": "the second secret",
            "public_key": "p",
            "ttl": 5,
            "retired_keys": {end: {"secret_key": "the first secret", "until": end}},
        },
        "webhooks": {"secret": "the first secret"},
    }
    old = token(GIVEN)
    assert verify_with(keys(new), old, "auth", now=NOW.timestamp())[1] is False
    assert verify_with(keys(new), token(new), "auth", now=NOW.timestamp())[1] is True
    assert taken(new, old, NOW + DAY - timedelta(seconds=1))
    assert not taken(new, old, NOW + DAY)
    assert taken(new, token(new), NOW + DAY)
    assert not taken(GIVEN, token(new), NOW)


def test_several_turns_and_the_end_of_each() -> None:
    second = turned(GIVEN, "the second secret")
    third = turned(second, "the third secret", NOW + timedelta(hours=6))
    fourth = turned(third, "the fourth secret", NOW + timedelta(hours=25))
    assert [one[0] for one in ProjectConfig.of("main", third).retired_keys] == ["the first secret", "the second secret"]
    assert [one[0] for one in ProjectConfig.of("main", fourth).retired_keys] == [
        "the second secret",
        "the third secret",
    ]
    assert third["webhooks"] == second["webhooks"] == fourth["webhooks"]
    assert taken(third, token(GIVEN), NOW + timedelta(hours=7))
    assert taken(third, token(second), NOW + timedelta(hours=29))
    assert not taken(third, token(GIVEN), NOW + timedelta(hours=25))
    assert not taken(fourth, token(GIVEN), NOW + timedelta(hours=7))


def test_a_key_that_somebody_knows_is_worth_nothing() -> None:
    second = turned(GIVEN, "the second secret")
    third = turned(second, "the third secret", grace=timedelta())
    assert third["Auth"]["retired_keys"] == {}
    for one in (GIVEN, second):
        assert not taken(third, token(one), NOW)


def test_a_retired_key_does_not_prolong_a_token() -> None:
    new = turned(GIVEN, "the second secret")
    with pytest.raises(ExpiredToken):
        verify(keys(new), token(GIVEN, 1), "auth", now=(NOW + timedelta(hours=1)).timestamp())


@pytest.mark.parametrize("entry", [
    "text", {}, {"secret_key": "x"}, {"until": "2026-01-01"}, {"secret_key": "x", "until": "tomorrow"},
    {"secret_key": "", "until": "2026-01-01"},
])  # fmt: skip
def test_a_retired_key_has_an_end(entry: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"auth\.retired_keys\.a"):
        ProjectConfig.of("main", {**GIVEN, "Auth": {**GIVEN["Auth"], "retired_keys": {"a": entry}}})


def test_secrets_are_not_shown() -> None:
    new = ProjectConfig.of("main", turned(GIVEN, "the second secret"))
    assert "secret" not in repr(new).replace("secret_key", "")
    assert "the first" not in repr(TokenKeys.of("main", "p", "s", new.retired_keys))
