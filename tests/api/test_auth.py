"""In charge of sign-in at the core's door: login, refresh, who a credential is, on every database (spec 02 §4, §5)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import bcrypt
import pytest

from core.auth import hashing
from core.auth.credentials import NONE, Credentials
from core.auth.login import Gate, LoginResult, authenticate, gate_of, refresh
from core.auth.otp import password_at
from core.auth.tokens import fingerprint, sign, verify
from core.db.gateway import Store
from core.enter import enter
from core.errors import (
    CredentialsError,
    ExpiredToken,
    InvalidCredentials,
    InvalidLogin,
    InvalidOtp,
    InvalidToken,
    LocationNotAllowed,
    MissingOtp,
    TooManyRequests,
    UserInactive,
    UserNotFound,
    UserSuspended,
    ValidationFailed,
)
from core.projects import Project
from tests import backends
from tests.projects import ADMIN_EMAIL, ADMIN_PASSWORD, ADMIN_TOKEN, project

NOW = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)
PASSWORD = "correct horse"
SECRET = "JBSWY3DPEHPK3PXP"  # 80 bits, as the reference product makes them
STATUSES = ("draft", "invited", "active", "suspended", "deleted")


@dataclass
class House:
    """A project, with short ways to look into its tables."""

    project: Project
    store: Store

    async def run(self, sql: str) -> list[tuple[Any, ...]]:
        """A statement with standard quotes; rows of a SELECT."""
        if self.store.dialect == "mysql":
            sql = sql.replace('"', "`")
        if sql.startswith("SELECT"):
            async with self.store.read() as connection:
                return [tuple(row) for row in await connection.rows(sql)]
        async with self.store.write() as connection:
            await connection.execute(sql)
        return []

    async def visitor(self, now: datetime = NOW) -> Gate:
        return await gate_of(await enter(self.project, NONE, now=now, address="10.0.0.9", user_agent="browser"))

    async def login(self, email: str = "ada@example.org", password: str = PASSWORD, **more: Any) -> LoginResult:
        now = more.pop("now", NOW)
        return await authenticate(await self.visitor(now), email=email, password=password, **more)

    async def whoami(self, token: str | None, now: datetime = NOW, **more: Any) -> tuple[int, int | None, bool]:
        """User, role, and whether the credential was refused."""
        credentials = Credentials("bearer", token) if token is not None else NONE
        session = await enter(self.project, credentials, now=now, **more)
        return session.actor.user, session.actor.role, session.context.credential_rejected


@pytest.fixture(scope="module")
def hashes() -> dict[str, str]:
    cheap = asyncio.run(hashing.hash_password(PASSWORD, hashing.Cost(1, 64, 1)))
    return {"argon2": cheap, "bcrypt": "$2y$" + bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(4)).decode()[4:]}


@pytest.fixture(scope="module")
def module_url(dialect: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with backends.fresh_database(dialect, tmp_path_factory.mktemp("auth")) as url:
        yield url


@pytest.fixture(scope="module")
async def made(module_url: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Project]:
    async with project(module_url, tmp_path_factory.mktemp("data")) as found:
        await found.store()
        yield found


@pytest.fixture
async def house(made: Project, hashes: dict[str, str]) -> House:
    """The project with users 2 to 6 of every status (4 is active), role 3, and nothing else that a test has left."""
    found = House(made, await made.store())
    for table in ("directus_user_sessions", "directus_activity"):
        await found.run(f"DELETE FROM {table}")
    await found.run('DELETE FROM directus_users WHERE "id" > 1')
    await found.run('DELETE FROM directus_roles WHERE "id" > 2')
    await found.run("UPDATE directus_users SET status = 'active', role = 1")
    await found.run("UPDATE directus_roles SET ip_whitelist = NULL")
    off = "false" if found.store.dialect == "postgres" else "0"
    await found.run(f"INSERT INTO directus_roles (id, name, enforce_2fa) VALUES (3, 'Writers', {off})")
    for number, status in enumerate(STATUSES, 2):
        email = "ada@example.org" if status == "active" else f"{status}@example.org"
        await found.run(
            "INSERT INTO directus_users (id, status, role, email, first_name, password, token) VALUES "
            f"({number}, '{status}', 3, '{email}', 'Ada', '{hashes['argon2']}', 'token-{status}')"
        )
    return found


async def enforce_tfa(house: House) -> None:
    on = "true" if house.store.dialect == "postgres" else "1"
    await house.run(f"UPDATE directus_roles SET enforce_2fa = {on} WHERE id = 3")


async def changed(house: House, **settings: str) -> None:
    from core.catalog.changes import log_change

    for key, value in settings.items():
        await house.run(f"UPDATE directus_settings SET value = '{value}' WHERE \"key\" = '{key}'")
    async with house.store.write() as connection:
        await log_change(connection, "settings")


@pytest.fixture
async def few_attempts(house: House) -> AsyncIterator[None]:
    await changed(house, login_attempts_allowed="2")
    yield
    await changed(house, login_attempts_allowed="25")


ROWS = "SELECT action, action_by, collection, item, ip, user_agent FROM directus_activity ORDER BY id"
SESSIONS = 'SELECT "id", "user", token_type, token, ip_address, user_agent FROM directus_user_sessions ORDER BY id'


# Signing in


async def test_a_login_gives_a_token_a_session_and_an_activity_row(house: House) -> None:
    result = await house.login()
    assert result.token is not None
    claims = verify(house.project.keys, result.token, "auth", now=NOW.timestamp())
    assert claims == {
        "id": 4, "exp": int(NOW.timestamp()) + 1200, "ttl": 20, "type": "auth",
        "key": house.project.config.public_key, "project": "main", "sid": result.session,
    }  # fmt: skip
    assert (result.cookie, result.tfa_pending, result.expires) == (None, False, NOW + timedelta(minutes=10080))
    assert await house.run(ROWS) == [("authenticate", 4, "directus_users", "4", "10.0.0.9", "browser")]
    assert await house.run(SESSIONS) == [
        (result.session, 4, "jwt", fingerprint(result.token), "10.0.0.9", "browser")
    ]  # fmt: skip
    moments = await house.run("SELECT created_on, token_expired_at FROM directus_user_sessions")
    assert [str(moment) for moment in moments[0]] == ["2026-03-01 12:00:00", "2026-03-08 12:00:00"]
    assert await house.whoami(result.token) == (4, 3, False)


async def test_the_user_of_a_login_has_numbers_as_text_and_no_secrets(house: House) -> None:
    await house.run("UPDATE directus_users SET avatar = 5, password_reset_token = 'reset' WHERE id = 4")
    user = (await house.login()).user
    assert list(user) == [
        "id", "status", "role", "first_name", "last_name", "email", "timezone", "locale", "locale_options", "avatar",
        "company", "title", "external_id", "theme", "2fa_secret", "password_reset_token",
    ] or set(user) == {
        "id", "status", "role", "first_name", "last_name", "email", "timezone", "locale", "locale_options", "avatar",
        "company", "title", "external_id", "theme", "2fa_secret", "password_reset_token",
    }  # fmt: skip
    assert (user["id"], user["role"], user["avatar"], user["status"]) == ("4", "3", "5", "active")
    assert (user["2fa_secret"], user["password_reset_token"], user["last_name"]) == (None, None, None)


async def test_in_cookie_mode_the_credential_is_the_cookie_alone(house: House) -> None:
    result = await house.login(mode="cookie")
    assert result.token is None
    assert result.cookie is not None
    assert len(result.cookie) == 43
    assert [row[2:4] for row in await house.run(SESSIONS)] == [("cookie", fingerprint(result.cookie))]
    assert (await house.run("SELECT token FROM directus_users WHERE id = 4"))[0][0] == "token-active"


@pytest.mark.parametrize("mode", ["session", "", None, 7])
async def test_unknown_modes_mean_jwt(house: House, mode: Any) -> None:
    assert (await house.login(mode=mode)).token is not None


@pytest.mark.parametrize("email", ["Ada@Example.ORG", "ADA@EXAMPLE.ORG"])
async def test_the_case_of_an_email_does_not_matter(house: House, email: str) -> None:
    assert (await house.login(email)).user["id"] == "4"


async def test_loopback_is_written_as_localhost_in_the_activity_only(house: House) -> None:
    session = await enter(house.project, NONE, now=NOW, address="127.0.0.1")
    await authenticate(await gate_of(session), email="ada@example.org", password=PASSWORD)
    assert [row[4] for row in await house.run(ROWS)] == ["localhost"]
    assert [row[4] for row in await house.run(SESSIONS)] == ["127.0.0.1"]


@pytest.mark.parametrize("email, password, message", [
    (None, None, "email: This value should not be blank. password: This value should not be blank."),
    ("", "", "email: This value should not be blank. password: This value should not be blank."),
    ("ada", "x", "email: This value is not a valid email address."),
    (7, "x", "email: This value should not be blank."),
    ("ada@example.org", ["x"], "password: This value should not be blank."),
    ("ada@example.org\0", "x", "email: This value is not a valid email address."),
])  # fmt: skip
async def test_a_login_of_another_form_is_refused(house: House, email: Any, password: Any, message: str) -> None:
    with pytest.raises(InvalidLogin) as caught:
        await house.login(email, password)
    assert (caught.value.code, caught.value.message) == (114, message)
    assert (await house.run(ROWS), await house.run(SESSIONS)) == ([], [])


@pytest.mark.parametrize("email, password, error", [
    ("nobody@example.org", PASSWORD, InvalidCredentials),
    ("ada@example.org", "wrong", InvalidCredentials),
    ("ada@example.org", PASSWORD + " ", InvalidCredentials),
    ("ada@example.org", "x" * 5000, InvalidCredentials),
    ("ada@example.org'--", PASSWORD, InvalidCredentials),
    ("%@example.org", PASSWORD, InvalidCredentials),
    ("draft@example.org", PASSWORD, UserInactive),
    ("invited@example.org", PASSWORD, UserInactive),
    ("deleted@example.org", PASSWORD, UserInactive),
    ("suspended@example.org", PASSWORD, UserSuspended),
    ("draft@example.org", "wrong", InvalidCredentials),
    ("suspended@example.org", "wrong", InvalidCredentials),
])  # fmt: skip
async def test_refused_logins(house: House, email: str, password: str, error: type[CredentialsError]) -> None:
    with pytest.raises(error):
        await house.login(email, password)
    assert await house.run(SESSIONS) == []
    assert [row[0] for row in await house.run(ROWS) if row[0] != "invalid-credentials"] == []


async def test_a_user_without_password_cannot_sign_in(house: House) -> None:
    await house.run("UPDATE directus_users SET password = NULL WHERE id = 4")
    for password in ("None", "null", "x"):
        with pytest.raises(InvalidCredentials):
            await house.login(password=password)


async def test_an_old_hash_is_replaced_at_login(house: House, hashes: dict[str, str]) -> None:
    await house.run(f"UPDATE directus_users SET password = '{hashes['bcrypt']}' WHERE id = 4")
    await house.login()
    stored = (await house.run("SELECT password FROM directus_users WHERE id = 4"))[0][0]
    assert stored.startswith("$argon2id$v=19$m=64,t=1,p=1$")
    assert [row[0] for row in await house.run(ROWS)] == ["authenticate"]
    await house.login()
    assert (await house.run("SELECT password FROM directus_users WHERE id = 4"))[0][0] == stored


async def test_expired_sessions_go_at_the_next_login(house: House) -> None:
    first = await house.login()
    second = await house.login(now=NOW + timedelta(minutes=10080))
    assert [row[0] for row in await house.run(SESSIONS)] == [second.session]
    assert first.session != second.session


# Attempts


@pytest.mark.usefixtures("few_attempts")
async def test_too_many_wrong_passwords_suspend(house: House) -> None:
    held = await house.login()
    for _ in range(2):
        with pytest.raises(InvalidCredentials):
            await house.login(password="wrong")
    assert await house.run("SELECT status FROM directus_users WHERE id = 4") == [("active",)]
    with pytest.raises(UserSuspended) as caught:
        await house.login(password="wrong")
    assert (caught.value.code, caught.value.message[:25]) == (103, "Your account is suspended")
    assert await house.run("SELECT status FROM directus_users WHERE id = 4") == [("suspended",)]
    assert [row[0] for row in await house.run(ROWS)] == ["authenticate", *["invalid-credentials"] * 3]
    assert await house.run(SESSIONS) == []
    assert held.token is not None
    assert await house.whoami(held.token) == (0, 2, True)
    with pytest.raises(UserSuspended):
        await house.login()


@pytest.mark.usefixtures("few_attempts")
@pytest.mark.parametrize("action", ["authenticate", "status-update"])
async def test_a_login_or_a_change_of_status_starts_the_count_anew(house: House, action: str) -> None:
    for _ in range(2):
        for _ in range(2):
            with pytest.raises(InvalidCredentials):
                await house.login(password="wrong")
        await house.run(
            "INSERT INTO directus_activity (action, action_by, action_on, ip, user_agent, collection, item) VALUES "
            f"('{action}', 4, '2026-03-01 12:00:00', '', '', 'directus_users', '4')"
        )
    assert await house.run("SELECT status FROM directus_users WHERE id = 4") == [("active",)]


@pytest.mark.usefixtures("few_attempts")
async def test_a_burst_of_guesses_is_counted_one_by_one(house: House) -> None:
    visitor = await house.visitor()
    passwords = [*["wrong"] * 8, PASSWORD]
    logins = [authenticate(visitor, email="ada@example.org", password=password) for password in passwords]
    outcomes = await asyncio.gather(*logins, return_exceptions=True)
    kinds = sorted(type(outcome).__name__ for outcome in outcomes)
    assert kinds == ["InvalidCredentials"] * 7 + ["UserSuspended"] * 2


@pytest.mark.usefixtures("few_attempts")
async def test_the_last_admin_is_slowed_down_but_not_locked_out(house: House) -> None:
    async def attempt(password: str, seconds: int) -> LoginResult:
        return await house.login(ADMIN_EMAIL, password, now=NOW + timedelta(seconds=seconds))

    for second in range(3):
        with pytest.raises(InvalidCredentials):
            await attempt("wrong", second)
    assert await house.run("SELECT status FROM directus_users WHERE id = 1") == [("active",)]
    with pytest.raises(TooManyRequests):
        await attempt(ADMIN_PASSWORD, 10)
    assert (await attempt(ADMIN_PASSWORD, 33)).user["id"] == "1"


@pytest.mark.usefixtures("few_attempts")
async def test_an_admin_who_is_not_the_last_is_suspended(house: House) -> None:
    await house.run("UPDATE directus_users SET role = 1 WHERE id = 4")
    outcomes = []
    for _ in range(3):
        try:
            await house.login(ADMIN_EMAIL, "wrong")
        except CredentialsError as error:
            outcomes.append(type(error))
    assert outcomes == [InvalidCredentials, InvalidCredentials, UserSuspended]
    assert await house.run("SELECT id FROM directus_users WHERE role = 1 AND status = 'active'") == [(4,)]


# The second factor


async def test_a_one_time_password_is_needed_and_good_for_one_use(house: House) -> None:
    await house.run(f"UPDATE directus_users SET \"2fa_secret\" = '{SECRET}' WHERE id = 4")
    step = int(NOW.timestamp()) // 30
    with pytest.raises(MissingOtp):
        await house.login()
    with pytest.raises(InvalidOtp):
        await house.login(one_time=password_at(SECRET, step + 5))
    assert [row[0] for row in await house.run(ROWS)] == ["invalid-credentials"]
    assert (await house.login(one_time=password_at(SECRET, step))).user["2fa_secret"] == "**********"
    with pytest.raises(InvalidOtp):
        await house.login(one_time=password_at(SECRET, step))
    assert (await house.login(one_time=password_at(SECRET, step + 1))).token is not None
    with pytest.raises(InvalidCredentials):
        await house.login(password="wrong", one_time=password_at(SECRET, step - 1))


async def test_a_wrong_one_time_password_leaves_no_session(house: House) -> None:
    await house.run(f"UPDATE directus_users SET \"2fa_secret\" = '{SECRET}' WHERE id = 4")
    for given in ("000000", "abc", "", None, [1]):
        with pytest.raises((InvalidOtp, MissingOtp)):
            await house.login(one_time=given)
    assert await house.run(SESSIONS) == []


async def test_an_enforced_second_factor_that_is_missing(house: House) -> None:
    await enforce_tfa(house)
    result = await house.login()
    assert result.tfa_pending is True
    assert await house.whoami(result.token) == (0, 2, True)
    assert await house.whoami("token-active") == (0, 2, True)
    assert await house.whoami(result.token, enrolling=True) == (4, 3, False)
    assert result.token is not None
    renewed = await refresh(await house.visitor(), result.token)
    assert verify(house.project.keys, renewed, "auth", now=NOW.timestamp())["needs2FA"] is True
    await house.run(f"UPDATE directus_users SET \"2fa_secret\" = '{SECRET}' WHERE id = 4")
    assert await house.whoami(result.token) == (4, 3, False)
    session = await enter(house.project, Credentials("bearer", result.token), now=NOW)
    assert session.actor.requires_tfa is True


# Renewing


async def test_a_token_is_renewed_while_its_session_lives(house: House) -> None:
    first = await house.login()
    assert first.token is not None
    later = NOW + timedelta(minutes=19)
    renewed = await refresh(await house.visitor(later), first.token)
    assert verify(house.project.keys, renewed, "auth", now=later.timestamp()) == {
        "id": 4, "exp": int(later.timestamp()) + 1200, "ttl": 20, "type": "auth",
        "key": house.project.config.public_key, "project": "main", "sid": first.session, "needs2FA": False,
    }  # fmt: skip
    assert [row[0] for row in await house.run(SESSIONS)] == [first.session]
    moments = await house.run("SELECT token_expired_at FROM directus_user_sessions")
    assert str(moments[0][0]) == "2026-03-08 12:19:00"
    assert (await house.whoami(renewed, later))[0] == 4
    again = await refresh(await house.visitor(later), first.token)  # another tab
    assert (await house.whoami(again, later))[0] == 4


async def test_a_session_is_written_at_most_once_a_minute(house: House) -> None:
    first = await house.login()
    assert first.token is not None
    await refresh(await house.visitor(NOW + timedelta(seconds=59)), first.token)
    moments = await house.run("SELECT token_expired_at FROM directus_user_sessions")
    assert str(moments[0][0]) == "2026-03-08 12:00:00"


async def test_without_its_session_a_token_is_not_renewed(house: House) -> None:
    first = await house.login()
    assert first.token is not None
    await house.run("DELETE FROM directus_user_sessions")
    with pytest.raises(InvalidToken):
        await refresh(await house.visitor(), first.token)
    assert await house.run(SESSIONS) == []
    assert (await house.whoami(first.token))[0] == 4  # it still works until it ends


async def test_the_session_of_somebody_else_does_not_help(house: House) -> None:
    other = await house.login(ADMIN_EMAIL, ADMIN_PASSWORD)
    expires = int(NOW.timestamp()) + 60
    forged = sign(house.project.keys, "auth", {"id": 4, "sid": other.session}, expires=expires, ttl=1)
    with pytest.raises(InvalidToken):
        await refresh(await house.visitor(), forged)


async def test_a_token_of_the_reference_product_gets_a_session(house: House) -> None:
    old = sign(house.project.keys, "auth", {"id": 4}, expires=int(NOW.timestamp()) + 60, ttl=20)
    assert await house.whoami(old) == (4, 3, False)
    first = await refresh(await house.visitor(), old)
    second = await refresh(await house.visitor(), old)
    rows = await house.run(SESSIONS)
    assert [row[:4] for row in rows] == [(rows[0][0], 4, "jwt", fingerprint(old))]
    for token in (first, second):
        assert verify(house.project.keys, token, "auth", now=NOW.timestamp())["sid"] == rows[0][0]


async def test_tokens_that_are_not_renewed(house: House) -> None:
    keys, soon = house.project.keys, int(NOW.timestamp()) + 60
    visitor = await house.visitor()
    for token, error in [
        (None, ValidationFailed),
        ("", ValidationFailed),
        (7, ValidationFailed),
        ("token-active", InvalidToken),
        (ADMIN_TOKEN, InvalidToken),
        (sign(keys, "auth", {"id": 4}, expires=soon - 61, ttl=20), ExpiredToken),
        (sign(keys, "reset_password", {"id": 4}, expires=soon), InvalidToken),
        (sign(keys, "auth", {"id": "4"}, expires=soon, ttl=20), InvalidToken),
        (sign(keys, "auth", {"id": 2**40}, expires=soon, ttl=20), InvalidToken),
        (sign(keys, "auth", {"id": 4, "sid": "1"}, expires=soon, ttl=20), InvalidToken),
        (sign(keys, "auth", {"id": 99}, expires=soon, ttl=20), UserNotFound),
        (sign(keys, "auth", {"id": 2}, expires=soon, ttl=20), UserInactive),
        (sign(keys, "auth", {"id": 5}, expires=soon, ttl=20), UserSuspended),
    ]:  # fmt: skip
        with pytest.raises(error):
            await refresh(visitor, token)
    assert await house.run(SESSIONS) == []


# Who a credential is


async def test_static_tokens(house: House) -> None:
    assert await house.whoami(ADMIN_TOKEN) == (1, 1, False)
    assert await house.whoami("token-active") == (4, 3, False)
    session = await enter(
        house.project, Credentials("query", ADMIN_TOKEN), now=NOW, address="10.0.0.9", base_url="http://x/api"
    )
    actor = session.actor
    assert (actor.admin, actor.public, actor.email, actor.first_name, actor.session) == (
        True, False, ADMIN_EMAIL, "Admin", None,
    )  # fmt: skip
    assert session.policy.admin is True
    assert (session.context.address, session.context.mount, session.context.now) == ("10.0.0.9", "/api", NOW)


@pytest.mark.parametrize("token", [
    "token-draft", "token-invited", "token-suspended", "token-deleted", "Token-Active", "TOKEN-ACTIVE", "token-active ",
    "tökén-active", "", "' OR 1=1 --", "x" * 300, "a\0b", "%", "a.b.c", "é.é.é",
])  # fmt: skip
async def test_tokens_of_nobody_are_public_and_said_to_be_refused(house: House, token: str) -> None:
    assert await house.whoami(token) == (0, 2, True)


async def test_jwts_of_nobody_are_public(house: House) -> None:
    keys, soon = house.project.keys, int(NOW.timestamp()) + 60
    good = sign(keys, "auth", {"id": 4}, expires=soon, ttl=1)
    assert await house.whoami(good) == (4, 3, False)
    for token in (
        good[:-3] + "abc",
        sign(keys, "auth", {"id": 4}, expires=soon - 60, ttl=1),
        sign(keys, "request_token", {"id": 4}, expires=soon),
        sign(keys, "auth", {"id": 2}, expires=soon, ttl=1),
        sign(keys, "auth", {"id": 99}, expires=soon, ttl=1),
        sign(keys, "auth", {"id": 0}, expires=soon, ttl=1),
        sign(keys, "auth", {"id": True}, expires=soon, ttl=1),
        sign(keys, "auth", {"id": "4"}, expires=soon, ttl=1),
        sign(keys, "auth", {"id": 2**31}, expires=soon, ttl=1),
        sign(keys, "auth", {"id": 2**70}, expires=soon, ttl=1),
        sign(keys, "auth", {}, expires=soon, ttl=1),
    ):
        assert await house.whoami(token) == (0, 2, True)


async def test_a_change_of_the_user_counts_at_once(house: House) -> None:
    assert await house.whoami("token-active") == (4, 3, False)
    await house.run("UPDATE directus_users SET role = 1 WHERE id = 4")
    assert await house.whoami("token-active") == (4, 1, False)
    await house.run("UPDATE directus_users SET role = NULL WHERE id = 4")
    assert await house.whoami("token-active") == (4, None, False)
    await house.run("UPDATE directus_users SET status = 'suspended' WHERE id = 4")
    assert await house.whoami("token-active") == (0, 2, True)


async def test_a_token_that_was_good_once_is_looked_at_again(house: House) -> None:
    token = (await house.login()).token
    assert await house.whoami(token) == (4, 3, False)
    assert await house.whoami(token, NOW + timedelta(minutes=20)) == (0, 2, True)
    assert await house.whoami(token) == (4, 3, False)
    await house.run("DELETE FROM directus_users WHERE id = 4")
    assert await house.whoami(token) == (0, 2, True)


async def test_without_credentials_nothing_is_refused(house: House) -> None:
    assert await house.whoami(None) == (0, 2, False)


async def test_a_caller_costs_one_statement(house: House) -> None:
    await house.whoami("token-active")
    login = await house.login()
    for token in (None, "token-active", login.token, "wrong"):
        before = house.store.statements_total
        await house.whoami(token)
        assert house.store.statements_total - before == 1


async def test_the_whitelist_of_the_role(house: House) -> None:
    await house.run("UPDATE directus_roles SET ip_whitelist = '10.0.0.0/24,::1' WHERE id = 3")
    assert await house.whoami("token-active", address="10.0.0.9") == (4, 3, False)
    for address in ("10.0.1.9", "", "unknown"):
        with pytest.raises(LocationNotAllowed) as caught:
            await house.whoami("token-active", address=address)
        assert caught.value.code == 19
    assert await house.whoami(None, address="10.0.1.9") == (0, 2, False)
    assert await house.whoami("token-active", address="10.0.1.9", check_address=False) == (4, 3, False)


async def test_the_whitelist_of_the_public_role_holds_for_refused_tokens_as_well(house: House) -> None:
    await house.run("UPDATE directus_roles SET ip_whitelist = '10.0.0.9' WHERE id = 2")
    assert await house.whoami(None, address="10.0.0.9") == (0, 2, False)
    for token in (None, "wrong"):
        with pytest.raises(LocationNotAllowed):
            await house.whoami(token, address="10.0.0.8")
    assert await house.whoami("token-active", address="10.0.0.8") == (4, 3, False)
