"""In charge of the small pure parts of sign-in: lifetimes, whitelists, one-time passwords, throttles."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from core.auth.limits import attempts_allowed, session_time, token_minutes
from core.auth.otp import matching_step, password_at
from core.auth.throttle import Throttle, Turns
from core.auth.whitelist import listed
from core.catalog.model import Snapshot
from core.errors import TooManyRequests
from core.settings import ProjectConfig

TEN_YEARS = timedelta(days=3652)


def snapshot(**settings: str | None) -> Snapshot:
    return Snapshot(version=1, dialect="sqlite", collections={}, settings=settings)


def config(**auth: object) -> ProjectConfig:
    return ProjectConfig.of("p", {"auth": {"secret_key": "a-long-enough-secret", **auth}})


@pytest.mark.parametrize("stored, minutes", [
    ("5", 5), ("5.9", 5), (" 7 ", 7), (None, 30), ("", 30), ("abc", 30), ("0", 30), ("-3", 30), ("1e99", 5_256_000),
    ("inf", 30), ("nan", 30),
])  # fmt: skip
def test_minutes_of_a_token(stored: str | None, minutes: int) -> None:
    assert token_minutes(snapshot(auth_token_ttl=stored), config(ttl=30)) == minutes


def test_minutes_of_a_token_without_setting_or_configuration() -> None:
    assert token_minutes(snapshot(), config()) == 20
    assert token_minutes(snapshot(), config(ttl=0)) == 20


@pytest.mark.parametrize("stored, time", [
    ("10", timedelta(minutes=10)), ("", TEN_YEARS), (None, TEN_YEARS), ("0", TEN_YEARS), ("-1", TEN_YEARS),
    ("abc", TEN_YEARS),
])  # fmt: skip
def test_time_of_a_session(stored: str | None, time: timedelta) -> None:
    assert session_time(snapshot(auto_sign_out=stored)) == time


def test_time_of_a_session_and_attempts_without_rows() -> None:
    assert session_time(snapshot()) == timedelta(minutes=10080)
    assert attempts_allowed(snapshot()) == 25


@pytest.mark.parametrize("stored, allowed", [("3", 3), ("", 0), (None, 0), ("0", 0), ("-2", 0), ("many", 0)])
def test_attempts_allowed(stored: str | None, allowed: int) -> None:
    assert attempts_allowed(snapshot(login_attempts_allowed=stored)) == allowed


@pytest.mark.parametrize("address, whitelist, answer", [
    ("10.0.0.9", None, True),
    ("10.0.0.9", "", True),
    ("10.0.0.9", " , ", True),
    ("10.0.0.9", "10.0.0.9", True),
    ("10.0.0.9", "10.0.0.90, 10.0.0.9", True),
    ("10.0.0.9", "10.0.0.90", False),
    ("10.0.0.9", "10.0.0.0/24", True),
    ("10.0.1.9", "10.0.0.0/24", False),
    ("10.0.0.9", "10.0.0.1/24", True),
    ("::ffff:10.0.0.9", "10.0.0.9", True),
    ("2001:db8::1", "2001:db8::/32", True),
    ("2001:0db8:0:0::1", "2001:db8::1", True),
    ("2001:db9::1", "2001:db8::/32", False),
    ("10.0.0.9", "2001:db8::/32", False),
    ("", "10.0.0.9", False),
    ("unix", "10.0.0.9", False),
    ("10.0.0.9", "nonsense", False),
    ("10.0.0.9", "0.0.0.0/0", True),
])  # fmt: skip
def test_addresses_on_a_list(address: str, whitelist: str | None, answer: bool) -> None:
    assert listed(address, whitelist) is answer


def test_one_time_passwords_within_two_steps() -> None:
    secret = "JBSWY3DPEHPK3PXP"
    now = 1_700_000_010.0
    present = int(now) // 30
    found = {step: matching_step(secret, password_at(secret, present + step), now) for step in range(-3, 4)}
    assert found == {-3: None, -2: present - 2, -1: present - 1, 0: present, 1: present + 1, 2: present + 2, 3: None}


@pytest.mark.parametrize("moment, otp", [
    (59, "287082"), (1111111109, "081804"), (1111111111, "050471"), (1234567890, "005924"), (2000000000, "279037"),
    (20000000000, "353130"),
])  # fmt: skip
def test_passwords_of_the_rfc(moment: int, otp: str) -> None:
    assert password_at("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ", moment // 30) == otp
    assert password_at("gezd gnbv gy3t qojq gezd gnbv gy3t qojq", moment // 30) == otp


@pytest.mark.parametrize("secret, otp", [("JBSWY3DPEHPK3PXP", "12345"), ("JBSWY3DPEHPK3PXP", "abcdef"),
                                         ("JBSWY3DPEHPK3PXP", "١٢٣٤٥٦"), ("not base32!", "123456")])  # fmt: skip
def test_what_is_no_one_time_password(secret: str, otp: str) -> None:
    assert matching_step(secret, otp, 1_700_000_010.0) is None


def test_failures_are_counted_per_key_and_forgotten_in_time() -> None:
    throttle = Throttle(2, 10)
    for moment in (0, 1):
        throttle.check("a", moment)
        throttle.fail("a", moment)
    with pytest.raises(TooManyRequests):
        throttle.check("a", 2)
    throttle.check("b", 2)
    throttle.check("a", 10.5)  # the first failure is over


async def test_turns_are_taken_one_by_one_and_few_may_wait() -> None:
    turns, order = Turns(waiting=1), []
    release = asyncio.Event()

    async def take(name: str) -> None:
        async with turns.take("x"):
            order.append(name)
            await release.wait()

    first, second = asyncio.create_task(take("first")), asyncio.create_task(take("second"))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert order == ["first"]
    with pytest.raises(TooManyRequests):
        await take("third")
    async with turns.take("y"):
        pass
    release.set()
    await asyncio.gather(first, second)
    assert order == ["first", "second"]
    async with turns.take("x"):
        pass


async def test_a_turn_that_is_given_up_is_given_back() -> None:
    turns = Turns()
    async with turns.take("x"):
        waiting = asyncio.create_task(turns.take("x").__aenter__())
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
    async with turns.take("x"):
        pass
