"""Mails that users send: `POST /mail`, `send_mail`; they arrive at an SMTP server (files spec 8.1). Three databases."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.api.newsroom import Newsroom, newsroom
from tests.api.test_mail import Sink, configure, sink
from tests.backends import fresh_database

__all__ = ["sink"]

TO_ADA = {"name": "Ada", "email": "ada@example.org"}


@pytest.fixture(scope="module")
async def server(dialect: str, sink: Sink, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Newsroom]:
    folder = tmp_path_factory.mktemp("letters")
    with fresh_database(dialect, folder) as url:
        async with newsroom(url, folder / "data") as found:
            made = {"role": 4, "collection": "directus_users", "read": "full"}
            assert (await found.ask("POST", "/permissions", json=made)).status_code == 200
            name = {"first_name": "Wri", "last_name": "Ter"}
            assert (await found.ask("PATCH", "/users/3", json=name)).status_code == 200
            yield found


@pytest.fixture
async def api(server: Newsroom, sink: Sink) -> Newsroom:
    configure(server, host="127.0.0.1", port=sink.port, transport="smtp", force_from=True, cc=(), bcc=())
    sink.messages.clear()
    sink.broken = False
    return server


async def post(api: Newsroom, body: Any, token: str | None = "writer-token") -> None:
    answer = await api.ask("POST", "/mail", token, json=body)
    assert (answer.status_code, answer.content) == (204, b""), answer.text


async def refused(api: Newsroom, body: Any, token: str | None = "writer-token") -> tuple[int, int, str]:
    answer = await api.ask("POST", "/mail", token, json=body)
    error = answer.json()["error"]
    return answer.status_code, error["code"], error["message"]


def text_of(sink: Sink) -> str:
    [message] = sink.messages
    found: str = message.get_content().replace("\r\n", "\n")
    return found


async def test_one_message_goes_to_everybody(api: Newsroom, sink: Sink) -> None:
    to = ["a@example.org", {"name": "B, C", "email": "b@example.org"}, 2, "3", "A@example.org"]
    await post(api, {"to": to, "subject": "Hello – you", "body": "<p>Hi <b>all</b></p>"})
    [message] = sink.messages
    assert [(box.display_name, box.addr_spec) for box in message["To"].addresses] == [
        ("", "A@example.org"), ("B, C", "b@example.org"), ("", "editor@example.com"), ("Wri Ter", "writer@example.com"),
    ]  # fmt: skip
    assert message["Subject"] == "Hello – you"
    assert message["From"] == "Wri Ter <admin@example.com>"
    assert message["Reply-To"] == "Wri Ter <writer@example.com>"
    assert message.get_content_type() == "text/html"
    assert "<p>Hi <b>all</b></p>" in text_of(sink)
    assert "Sent by Directus" in text_of(sink)


async def test_who_it_is_from(api: Newsroom, sink: Sink) -> None:
    body = {"to": "a@example.org", "body": "x"}
    configure(api, force_from=False)
    await post(api, body)
    await post(api, {**body, "use_default_email": True})  # for admins only
    await post(api, body, "editor-token")
    await post(api, {**body, "use_default_email": True}, "admin-token")
    found = [(str(message["From"]), message["Reply-To"]) for message in sink.messages]
    assert found == [
        ("Wri Ter <writer@example.com>", None),
        ("Wri Ter <writer@example.com>", None),
        ("editor@example.com", None),
        ("Admin User <admin@example.com>", None),
    ]


async def test_copies_go_with_it(api: Newsroom, sink: Sink) -> None:
    configure(api, cc=("boss@example.org",), bcc=("log@example.org",))
    await post(api, {"to": TO_ADA, "body": "x"})
    [message] = sink.messages
    assert (str(message["To"]), str(message["Cc"]), message["Bcc"]) == (
        "Ada <ada@example.org>", "boss@example.org", None,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("body", "data", "shown"),
    [
        ("Hello {{name}}", {"name": "<b>Joe</b> & Co"}, "Hello &lt;b&gt;Joe&lt;/b&gt; &amp; Co"),
        ("{{ a.b }}, {{a.c.0}}!", {"a": {"b": 1, "c": ["x"]}}, "1, x!"),
        ("{{nobody}} {{a}}", {"a": {"b": 1}}, "{{nobody}} {{a}}"),
        ("{{a}}", {"a": "{{b}}", "b": "x"}, "{{b}}"),
        ("{% if 1 %}{{ 7*7 }}", {}, "{% if 1 %}{{ 7*7 }}"),
        ('<a href="{{url}}">x</a>', {"url": "javascript:alert(1)"}, "<a>x</a>"),
        ('<a href="{{url}}">x</a>', {"url": 'http://x"onclick="y'}, '<a href="http://x&quot;onclick=&quot;y">x</a>'),
        ('<p onclick="x" class="y">a</p>', {}, '<p class="y">a</p>'),
        ("<script>alert(1)</script><div>a<img src=x onerror=y></div>", {}, "a"),
        ('<p style="color:red;position:fixed;background:url(http://x)">a</p>', {}, '<p style="color:red">a</p>'),
        ('<table border="1"><tr><td colspan="2">a</td></tr></table>', {},
         '<table border="1"><tbody><tr><td colspan="2">a</td></tr></tbody></table>'),
        ('<h1>a</h1><h6>b</h6><br><hr>', {}, "<h1>a</h1>b<br><hr>"),
        ('<a href="HTTPS://x/?a=1&amp;b">x</a><iframe src="x"></iframe><style>p {}</style>', {},
         '<a href="HTTPS://x/?a=1&amp;b">x</a>'),
    ],
)  # fmt: skip
async def test_what_of_html_is_sent(api: Newsroom, sink: Sink, body: str, data: Any, shown: str) -> None:
    await post(api, {"to": TO_ADA, "body": f"[{body}]", "data": data, "type": "html"})
    assert f"[{shown}]" in text_of(sink)


async def test_plain_text_is_sent_as_it_is(api: Newsroom, sink: Sink) -> None:
    body = "1 < 2 & {{name}} <b>\n.\nend"
    await post(api, {"to": TO_ADA, "body": body, "type": "plain", "data": {"name": "<Joe>"}})
    assert sink.messages[0].get_content_type() == "text/plain"
    assert text_of(sink) == "1 < 2 & <Joe> <b>\n.\nend\n\n-- \nSent by Directus\n"


async def test_a_project_has_layouts_of_its_own(api: Newsroom, sink: Sink) -> None:
    folder = api.projects.settings.data / "extensions" / "custom" / "mail"
    folder.mkdir(parents=True)
    (folder / "plain.twig").write_text("{{ api.project }}: {{body|raw}}{% block footer %}{% endblock %}")
    try:
        await post(api, {"to": TO_ADA, "body": "a & b", "type": "plain"})
        assert text_of(sink) == "main: a & b\n"
    finally:
        (folder / "plain.twig").unlink()


BLANK = "This value should not be blank."
WRONG: list[tuple[Any, tuple[int, int, str]]] = [
    ({"subject": "x"}, (422, 4, f"body: {BLANK} to: {BLANK}")),
    ({"to": [], "body": ""}, (422, 4, f"body: {BLANK} to: {BLANK}")),
    ({"to": TO_ADA, "body": 5}, (422, 4, "body: This value should be of type string.")),
    (
        {"to": TO_ADA, "body": "x", "subject": [1], "type": {}, "data": "y", "use_default_email": "1"},
        (
            422,
            4,
            "subject: This value should be of type string. type: This value should be of type string. "
            "data: This value should be of type array. use_default_email: This value should be of type bool.",
        ),
    ),
    ({"to": TO_ADA, "body": "x", "subject": "a\r\nBcc: b@example.org"}, (422, 4, "subject: This value is not valid.")),
    ({"to": {"name": "a\nBcc: x@y", "email": "b@example.org"}, "body": "x"}, (422, 12, "Invalid email")),
    ({"to": {"name": "a", "email": "b@example.org\nBcc: c@d"}, "body": "x"}, (422, 12, "Invalid email")),
    ({"to": "nobody", "body": "x"}, (422, 12, "Invalid email")),
    ({"to": "a@b.c, d@e.f", "body": "x"}, (422, 12, "Invalid email")),
    ({"to": [True], "body": "x"}, (422, 12, "Invalid email")),
    ({"to": [["a@b.c"]], "body": "x"}, (422, 12, "Invalid email")),
    ({"to": [1.5], "body": "x"}, (422, 12, "Invalid email")),
    ({"to": {"email": "a@b.c"}, "body": "x"}, (422, 12, "`name` and `email` are both required")),
    ({"to": {"name": "A", "email": None}, "body": "x"}, (422, 12, "`name` and `email` are both required")),
    ({"to": [1, 99], "body": "x"}, (422, 12, "Unable to find some users")),
    ({"to": [-1], "body": "x"}, (422, 12, "Unable to find some users")),
    ({"to": 10**30, "body": "x"}, (422, 12, "Invalid email")),
    ({"to": "9" * 400, "body": "x"}, (422, 12, "Unable to find some users")),
    ({"to": [f"a{number}@b.c" for number in range(51)], "body": "x"}, (422, 12, "A mail has at most 50 recipients")),
]


@pytest.mark.parametrize(("body", "told"), WRONG)
async def test_what_is_wrong_is_told_and_nothing_is_sent(
    api: Newsroom, sink: Sink, body: Any, told: tuple[int, int, str]
) -> None:
    assert await refused(api, body) == told
    assert sink.messages == []


async def test_fifty_recipients_are_taken(api: Newsroom, sink: Sink) -> None:
    await post(api, {"to": [f"a{number}@b.c" for number in range(50)], "body": "x"})
    assert len(sink.messages[0]["To"].addresses) == 50


async def test_bodies_that_are_none(api: Newsroom, sink: Sink) -> None:
    assert await api.refusal("POST", "/mail", json={}) == (422, 4)
    assert await api.refusal("POST", "/mail", content=b"") == (400, 13)
    assert await api.refusal("POST", "/mail", json=[{"to": TO_ADA, "body": "x"}]) == (422, 12)
    assert await api.refusal("GET", "/mail") == (405, 6)
    assert sink.messages == []


async def test_strangers_send_nothing(api: Newsroom, sink: Sink) -> None:
    assert await refused(api, {"to": TO_ADA, "body": "x"}, None) == (401, 108, "User not authenticated")
    assert await refused(api, {"to": TO_ADA, "body": "x"}, "nobody knows it") == (401, 108, "User not authenticated")
    assert sink.messages == []


async def test_a_mail_tells_no_address_that_its_sender_may_not_read(api: Newsroom, sink: Sink) -> None:
    told = (422, 12, "Unable to find some users")
    for token in ("editor-token", "nobody-token"):  # may not read users
        assert await refused(api, {"to": [1, "spy@example.org"], "body": "x"}, token) == told
    assert (await api.ask("PATCH", "/users/4", json={"status": "suspended"})).status_code == 200
    try:
        assert await refused(api, {"to": [4], "body": "x"}, "admin-token") == told
    finally:
        assert (await api.ask("PATCH", "/users/4", json={"status": "active"})).status_code == 200
    assert sink.messages == []
    await post(api, {"to": "spy@example.org", "body": "x"}, "nobody-token")


async def test_a_transport_that_fails(api: Newsroom, sink: Sink) -> None:
    sink.broken = True
    assert await refused(api, {"to": TO_ADA, "body": "x"}) == (500, 503, "The mail could not be sent")
    configure(api, transport="pigeon")
    assert await refused(api, {"to": TO_ADA, "body": "x"}) == (500, 500, 'Mailer Transport "pigeon" not found')


async def test_the_same_over_graphql(api: Newsroom, sink: Sink) -> None:
    text = 'mutation($to: JSON) { send_mail(to: $to, subject: "S", body: "Hi {{n}}", data: {n: "Joe"}) }'
    assert await api.graphql(text, "writer-token", to=[2]) == {"data": {"send_mail": True}}
    assert "Hi Joe" in text_of(sink)
    assert str(sink.messages[0]["To"]) == "editor@example.com"
    refused = await api.graphql(text, None, to=[2])
    assert [error["extensions"]["code"] for error in refused["errors"]] == [108]
    assert len(sink.messages) == 1
