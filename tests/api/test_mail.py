"""Forgotten passwords and invitations; their mails arrive at an SMTP server. Three databases."""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections.abc import AsyncIterator
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from aiosmtpd.smtp import SMTP

from core import passwords
from core.auth.throttle import Quota
from core.auth.tokens import sign
from tests.api.newsroom import Newsroom, newsroom
from tests.backends import fresh_database

PASSWORD = "a new word 1"


class Sink:
    """Keeps what it receives; refuses everything while `broken`."""

    def __init__(self) -> None:
        self.messages: list[EmailMessage] = []
        self.broken = False
        self.port = 0

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:
        if self.broken:
            return "554 no"
        self.messages.append(message_from_bytes(envelope.content, policy=policy.default))  # type: ignore[arg-type]
        return "250 ok"


@pytest.fixture(scope="module")
async def sink(dialect: str) -> AsyncIterator[Sink]:
    found = Sink()
    listening = await asyncio.get_running_loop().create_server(lambda: SMTP(found), "127.0.0.1", 0)
    found.port = listening.sockets[0].getsockname()[1]
    yield found
    listening.close()


@pytest.fixture(scope="module")
async def server(dialect: str, sink: Any, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Newsroom]:
    folder = tmp_path_factory.mktemp("mail")
    with fresh_database(dialect, folder) as url:
        async with newsroom(url, folder / "data") as found:
            configure(found, host="127.0.0.1", port=sink.port, transport="smtp")
            yield found


def configure(api: Newsroom, **mail: Any) -> None:
    """Change the configuration of the project, as its file would."""
    project = api.projects.get("main")
    tree = dict(project.config.tree)
    tree["mail"] = {"default": {**tree["mail"]["default"], **mail}}
    object.__setattr__(project.config, "tree", tree)


@pytest.fixture
async def api(server: Newsroom, sink: Sink) -> AsyncIterator[Newsroom]:
    project = server.projects.get("main")
    await project.settle_tasks()
    project.listens = None
    sink.messages.clear()
    sink.broken = False
    project.mails = Quota()
    await server.rows_away("directus_users", "id > 4")
    await server.rows_away("directus_user_sessions", "1 = 1")
    yield server
    project.listens = None


async def member(api: Newsroom, **more: Any) -> int:
    body = {"email": "ada@example.org", "first_name": "Ada", "last_name": "L", "status": "active", "role": 3, **more}
    made = await api.ask("POST", "/users", json={"password": "the first word", **body})
    key: int = made.json()["data"]["id"]
    return key


async def forget(api: Newsroom, email: str = "ada@example.org", **more: Any) -> None:
    answer = await api.ask("POST", "/auth/password/request", None, json={"email": email, **more})
    assert (answer.status_code, answer.json()) == (200, {"public": True}), answer.text
    await api.projects.get("main").settle_tasks()


def link(message: EmailMessage) -> str:
    body = message.get_body(("html",))
    assert body is not None
    found = re.search(r'href="([^"]+)"', body.get_content())
    assert found is not None
    return found[1].replace("&amp;", "&")


def token_of(url: str) -> str:
    return parse_qs(urlsplit(url.replace("#", "")).query)["token"][0]


async def stored(api: Newsroom, user: int) -> str | None:
    [(value,)] = await api.rows(f"SELECT password_reset_token FROM directus_users WHERE id = {user}")
    found: str | None = value
    return found


async def login(api: Newsroom, password: str, email: str = "ada@example.org") -> int:
    answer = await api.ask("POST", "/auth/authenticate", None, json={"email": email, "password": password})
    return answer.status_code


# --- a forgotten password -----------------------------------------------------------------------------------------


async def test_a_link_sets_a_new_password_once(api: Newsroom, sink: Sink) -> None:
    api.projects.get("main").listens = "http://127.0.0.1:8055"
    user = await member(api)
    assert await login(api, "the first word") == 200
    await forget(api, "ADA@example.org")
    [message] = sink.messages
    assert (message["To"], message["From"]) == ("ada@example.org", "Directus <admin@example.com>")
    assert message["Subject"] == "Password Reset Request: Directus"
    assert "Hello Ada L," in message.get_body(("html",)).get_content()  # type: ignore[union-attr]
    url = link(message)
    assert url.startswith("http://127.0.0.1:8055/admin/#/reset-password?token=")
    assert url.endswith("&project=main")
    token = token_of(url)
    assert await stored(api, user) == hashlib.sha256(token.encode()).hexdigest()
    body = {"token": token, "password": PASSWORD}
    answer = await api.ask("POST", "/auth/password/reset", None, json=body)
    assert (answer.status_code, answer.json()) == (200, {"public": True})
    assert await stored(api, user) is None
    assert await api.rows("SELECT count(*) FROM directus_user_sessions") == [(0,)]
    assert (await login(api, "the first word"), await login(api, PASSWORD)) == (404, 200)
    assert await api.refusal("POST", "/auth/password/reset", None, json={**body, "password": "x"}) == (401, 105)
    rows = await api.rows(
        f"SELECT action, action_by FROM directus_activity WHERE collection = 'directus_users' AND item = '{user}' "
        "AND action = 'update'"
    )
    assert rows == [("update", user)]
    texts = await api.rows("SELECT data, delta FROM directus_revisions WHERE collection = 'directus_users'")
    assert PASSWORD not in str(texts)


async def test_graphql_resets_as_well(api: Newsroom, sink: Sink) -> None:
    api.projects.get("main").listens = "http://127.0.0.1:8055"
    await member(api)
    told = await api.graphql('mutation { auth_password_request(email: "ada@example.org") }', None)
    assert told == {"data": {"auth_password_request": True}}
    await api.projects.get("main").settle_tasks()
    token = token_of(link(sink.messages[0]))
    text = "mutation($t: JSON, $p: JSON) { auth_password_reset(token: $t, password: $p) }"
    assert await api.graphql(text, None, t=token, p=PASSWORD) == {"data": {"auth_password_reset": True}}
    assert await login(api, PASSWORD) == 200


@pytest.mark.parametrize("email", ["nobody@example.org", "gone@example.org", "writer@example.com.evil.example"])
async def test_nobody_learns_who_is_there(api: Newsroom, sink: Sink, email: str) -> None:
    api.projects.get("main").listens = "http://127.0.0.1:8055"
    await member(api, email="gone@example.org", status="suspended")
    await forget(api, email)
    assert sink.messages == []


async def test_a_mail_that_fails_is_told_where_the_project_says_so(api: Newsroom, sink: Sink) -> None:
    api.projects.get("main").listens = "http://127.0.0.1:8055"
    await member(api)
    sink.broken = True
    await forget(api)
    project = api.projects.get("main")
    tree = dict(project.config.tree)
    object.__setattr__(project.config, "tree", {**tree, "auth": {**tree["auth"], "reveal_reset_errors": True}})
    try:
        answer = await api.ask("POST", "/auth/password/request", None, json={"email": "ada@example.org"})
        assert (answer.status_code, answer.json()["error"]["code"]) == (500, 503)
        assert "127.0.0.1" not in answer.text
    finally:
        object.__setattr__(project.config, "tree", tree)


async def test_links_do_not_follow_the_host_header(api: Newsroom, sink: Sink) -> None:
    await member(api)
    headers = {"host": "evil.example", "x-forwarded-host": "evil.example"}
    answer = await api.ask("POST", "/auth/password/request", None, json={"email": "ada@example.org"}, headers=headers)
    assert answer.status_code == 200
    await api.projects.get("main").settle_tasks()
    assert sink.messages == []  # nothing says where the link leads


@pytest.mark.parametrize(
    ("url", "sent"),
    [
        ("http://127.0.0.1:8055/mine?x=1", "http://127.0.0.1:8055/mine?x=1&token="),
        ("http://127.0.0.1:8055/app/#/reset", "http://127.0.0.1:8055/app/#/reset?token="),
        ("http://127.0.0.1:8055/app#part", "http://127.0.0.1:8055/app?token="),
        ("https://shop.example/reset", "https://shop.example/reset?token="),
        ("https://shop.example/reset/deep", "https://shop.example/reset/deep?token="),
        ("https://shop.example/resetting", None),
        ("https://shop.example/reset/../evil", None),
        ("https://shop.example/reset/.%2E/evil", None),
        ("https://shop.example.evil.example/reset", None),
        ("https://shop.example@evil.example/reset", None),
        ("https://evil.example/reset", None),
        ("http://127.0.0.1:8055\\@evil.example/", None),
        ("//evil.example", None),
        ("javascript:alert(1)", None),
        ("http://127.0.0.1:8055/\r\nBcc: x@example.org", None),
        (["http://127.0.0.1:8055/"], None),
    ],
)
async def test_a_link_leads_to_known_places_only(api: Newsroom, sink: Sink, url: Any, sent: str | None) -> None:
    project = api.projects.get("main")
    project.listens = "http://127.0.0.1:8055"
    tree = dict(project.config.tree)
    auth = {**tree["auth"], "reset_url_allow_list": ("https://shop.example/reset",)}
    object.__setattr__(project.config, "tree", {**tree, "auth": auth})
    try:
        user = await member(api)
        body = {"email": "ada@example.org", "reset_url": url}
        if sent is None:
            assert await api.refusal("POST", "/auth/password/request", None, json=body) == (422, 4)
            assert await stored(api, user) is None
        else:
            await forget(api, reset_url=url)
            assert link(sink.messages[0]).startswith(sent)
    finally:
        object.__setattr__(project.config, "tree", tree)


async def test_an_account_gets_five_mails_an_hour(api: Newsroom, sink: Sink) -> None:
    api.projects.get("main").listens = "http://127.0.0.1:8055"
    await member(api)
    for _ in range(7):
        await forget(api)
    assert len(sink.messages) == 5


async def test_who_asks_too_often_uses_up_nobody_elses(
    api: Newsroom, sink: Sink, monkeypatch: pytest.MonkeyPatch
) -> None:
    api.projects.get("main").listens = "http://127.0.0.1:8055"
    await member(api)
    monkeypatch.setattr(passwords, "PER_CALLER", 0)
    for _ in range(6):
        await forget(api)
    assert sink.messages == []
    monkeypatch.undo()
    await forget(api)
    assert len(sink.messages) == 1


async def test_an_address_of_half_a_character_is_none(api: Newsroom, sink: Sink) -> None:
    headers, address = {"Content-Type": "application/json"}, b'"\\ud800@example.org"'
    body = b'{"email": ' + address + b', "password": "x"}'
    assert await api.refusal("POST", "/auth/authenticate", None, content=body, headers=headers) == (422, 114)
    body = b'{"email": ' + address + b"}"
    assert await api.refusal("POST", "/auth/password/request", None, content=body, headers=headers) == (422, 4)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (None, (400, 13)),
        ({}, (422, 4)),
        ({"email": ""}, (422, 4)),
        ({"email": "no address"}, (422, 4)),
        ({"email": ["ada@example.org"]}, (422, 4)),
    ],
)
async def test_odd_requests_are_refused(api: Newsroom, body: Any, expected: tuple[int, int]) -> None:
    more = {} if body is None else {"json": body}
    assert await api.refusal("POST", "/auth/password/request", None, **more) == expected


async def test_tokens_that_do_not_count(api: Newsroom, sink: Sink) -> None:
    project = api.projects.get("main")
    project.listens = "http://127.0.0.1:8055"
    user = await member(api)
    await forget(api)
    token = token_of(link(sink.messages[0]))
    before = await stored(api, user)
    keys, exp = project.keys, 4_000_000_000
    claims = {"id": user, "email": "ada@example.org"}
    other = type(keys)("other", keys.public_key, keys.secret)
    forged = type(keys)(keys.project, keys.public_key, b"another secret that is not ours")
    for one, expected in (
        ("abc", (401, 104)),
        (token[:-2] + "AA", (401, 104)),
        (sign(forged, "reset_password", claims, expires=exp), (401, 104)),
        (sign(keys, "auth", claims, expires=exp), (401, 104)),
        (sign(keys, "invitation", claims, expires=exp), (401, 104)),
        (sign(keys, "reset_password", claims, expires=1), (401, 105)),
        (sign(other, "reset_password", claims, expires=exp), (401, 101)),
        (sign(keys, "reset_password", {**claims, "id": 999}, expires=exp), (404, 106)),
        (sign(keys, "reset_password", {**claims, "email": "x@example.org"}, expires=exp), (401, 104)),
        (sign(keys, "reset_password", claims, expires=exp), (401, 105)),  # well signed, but not the one that was sent
    ):
        body = {"token": one, "password": PASSWORD}
        assert await api.refusal("POST", "/auth/password/reset", None, json=body) == expected
    for body in ({}, {"token": token}, {"token": token, "password": ""}, {"token": token, "password": "x" * 4097}):
        assert await api.refusal("POST", "/auth/password/reset", None, json=body) == (422, 4)
    assert await stored(api, user) == before
    assert await login(api, "the first word") == 200
    # A reset token is no access token.
    assert (await api.ask("GET", "/", token)).json().get("public") is True


# --- invitations --------------------------------------------------------------------------------------------------


async def test_an_invitation_is_accepted_once(api: Newsroom, sink: Sink) -> None:
    api.projects.get("main").listens = "http://127.0.0.1:8055"
    answer = await api.ask(
        "POST", "/users/invite", json={"email": ["new@example.org", "Writer@example.com"], "role": 1}
    )
    found = answer.json()["data"]
    assert [(row["email"], row["status"], row["role"]) for row in found] == [
        ("writer@example.com", "active", 4), ("new@example.org", "invited", None),
    ]  # fmt: skip
    [message] = sink.messages
    assert (message["To"], message["Subject"]) == ("new@example.org", "Invitation to Instance: Directus")
    url = link(message)
    assert url.startswith("http://127.0.0.1:8055/admin/#/accept-invite?token=")
    token = token_of(url)
    assert await api.refusal("POST", f"/users/invite/{token}", None, json={"password": ""}) == (422, 4)
    answer = await api.ask("POST", f"/users/invite/{token}", None, json={"password": PASSWORD})
    body = answer.json()
    assert (answer.status_code, body["public"], body["data"]["status"]) == (200, True, "invited")
    assert "token" not in body["data"]
    assert "last_page" not in body["data"]
    key = body["data"]["id"]
    assert await login(api, PASSWORD, "new@example.org") == 200
    rows = await api.rows(
        f"SELECT action, action_by FROM directus_activity WHERE item = '{key}' AND collection = 'directus_users' "
        "AND action IN ('create', 'update') ORDER BY id"
    )
    assert rows == [("create", 1), ("update", key)]
    assert await api.refusal("GET", f"/users/invite/{token}", None) == (404, 106)
    assert await api.refusal("POST", f"/users/invite/{token}", None) == (404, 106)


async def test_a_link_in_a_mail_is_a_get_and_graphql_invites_as_well(api: Newsroom, sink: Sink) -> None:
    api.projects.get("main").listens = "http://127.0.0.1:8055"
    text = 'mutation { users_invite(email: "new@example.org") { email status } }'
    told = await api.graphql(text)
    assert told == {"data": {"users_invite": [{"email": "new@example.org", "status": "invited"}]}}
    await api.graphql(text)  # again: the same user, another mail
    assert len(sink.messages) == 2
    first, second = (token_of(link(message)) for message in sink.messages)
    answer = await api.ask("GET", f"/users/invite/{first}", None)
    assert (answer.status_code, answer.json()["data"]["status"]) == (200, "invited")
    assert await api.rows("SELECT status FROM directus_users WHERE email = 'new@example.org'") == [("active",)]
    text = "mutation($t: String) { users_invite_accept(token: $t) { id } }"
    told = await api.graphql(text, None, t=second)
    assert told["errors"][0]["extensions"]["code"] == 106


async def test_only_admins_invite(api: Newsroom, sink: Sink) -> None:
    for credential in (None, "editor-token"):
        body = {"email": "new@example.org"}
        assert await api.refusal("POST", "/users/invite", credential, json=body) == (403, 10)
    assert sink.messages == []
    assert await api.rows("SELECT count(*) FROM directus_users") == [(4,)]


@pytest.mark.parametrize(
    "body", [{}, {"email": []}, {"email": "x"}, {"email": ["new@example.org", "x"]}, {"email": {"a": 1}}]
)
async def test_all_addresses_are_checked_first(api: Newsroom, sink: Sink, body: Any) -> None:
    assert await api.refusal("POST", "/users/invite", json=body) == (422, 4)
    assert await api.rows("SELECT count(*) FROM directus_users") == [(4,)]
    assert sink.messages == []


async def test_an_invitation_whose_mail_failed_can_be_repeated(api: Newsroom, sink: Sink) -> None:
    api.projects.get("main").listens = "http://127.0.0.1:8055"
    sink.broken = True
    body = {"email": "new@example.org"}
    answer = await api.ask("POST", "/users/invite", json=body)
    assert (answer.status_code, answer.json()["error"]["code"]) == (500, 503)
    sink.broken = False
    assert (await api.ask("POST", "/users/invite", json=body)).status_code == 200
    assert len(sink.messages) == 1


@pytest.mark.parametrize("kind", ["auth", "reset_password", "forged", "expired", "text"])
async def test_invitations_are_verified(api: Newsroom, kind: str) -> None:
    made = await api.ask("POST", "/users", json={"email": "new@example.org", "status": "invited"})
    keys = api.projects.get("main").keys
    claims = {"email": "new@example.org", "sender": 1}
    forged = type(keys)(keys.project, keys.public_key, b"another secret that is not ours")
    token = {
        "auth": sign(keys, "auth", {**claims, "id": made.json()["data"]["id"]}, expires=4_000_000_000),
        "reset_password": sign(keys, "reset_password", claims, expires=4_000_000_000),
        "forged": sign(forged, "invitation", claims, expires=4_000_000_000),
        "expired": sign(keys, "invitation", claims, expires=1),
        "text": "abc",
    }[kind]
    code = 102 if kind == "expired" else 101
    assert await api.refusal("GET", f"/users/invite/{token}", None) == (401, code)
    assert await api.rows("SELECT status FROM directus_users WHERE email = 'new@example.org'") == [("invited",)]


# --- templates and transports -------------------------------------------------------------------------------------


async def test_a_template_of_the_project_is_used(api: Newsroom, sink: Sink) -> None:
    project = api.projects.get("main")
    project.listens = "http://127.0.0.1:8055"
    folder = project.data / "extensions" / "custom" / "mail"
    folder.mkdir(parents=True)
    text = (
        '{% extends "base.twig" %}{% block content %}<b>{{ user_full_name }}</b> <a href="{{ reset_url }}">x</a> '
        "{{ settings.project_name|upper }} {{ settings.project_url }}{% endblock %}"
    )
    (folder / "reset-password.twig").write_text(text)
    try:
        await member(api, first_name="<i>", last_name=None)
        await forget(api)
        body = sink.messages[0].get_body(("html",)).get_content()  # type: ignore[union-attr]
        assert "<b>&lt;i&gt;</b>" in body
        assert "DIRECTUS http://127.0.0.1:8055" in body
        (folder / "reset-password.twig").write_text("{{ ''.__class__.__mro__ }}")
        await forget(api)
        assert len(sink.messages) == 1  # the sandbox lets nothing of Python be seen
    finally:
        (folder / "reset-password.twig").unlink()
        folder.rmdir()


async def test_a_file_and_the_log_take_mails(api: Newsroom, sink: Any, capfd: pytest.CaptureFixture[str]) -> None:
    project = api.projects.get("main")
    project.listens = "http://127.0.0.1:8055"
    await member(api)
    try:
        configure(api, transport="file")
        await forget(api)
        [path] = (project.data / "mail" / "main").iterdir()
        message = message_from_bytes(path.read_bytes(), policy=policy.default)
        token = token_of(link(message))  # type: ignore[arg-type]
        configure(api, transport="log")
        await forget(api)
        assert token not in "".join(capfd.readouterr())
        configure(api, transport="pigeon")
        await forget(api)
    finally:
        configure(api, host="127.0.0.1", port=sink.port, transport="smtp")
    assert sink.messages == []
