"""The calls of the admin app of Directus 8.8.1, and every property that it reads of their answers (clients spec 2).

As an admin and as a role like a new one that may work on articles; signed in with a cookie. Three databases.
"""

from __future__ import annotations

import asyncio
import re
from base64 import b64decode
from collections import defaultdict
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx2
import pytest
import sqlalchemy as sa

from tests.api.app_calls import ADMIN, CALLS, MEMBER, PICTURE, UPLOAD, WORKS, Call
from tests.api.newsroom import Newsroom, newsroom, tables
from tests.backends import fresh_database
from tests.projects import ADMIN_EMAIL, ADMIN_PASSWORD

PASSWORD = "a member's pass-phrase"
MEMBER_EMAIL = "member@example.org"
DATATYPES = frozenset({
    "CHAR", "VARCHAR", "TINYTEXT", "TEXT", "MEDIUMTEXT", "LONGTEXT", "TINYINT", "SMALLINT", "MEDIUMINT", "INT",
    "BIGINT", "DECIMAL", "FLOAT", "DOUBLE", "DATE", "DATETIME", "TIME", "TIMESTAMP", "YEAR",
})  # fmt: skip
"""The types of columns that the app has a table of."""
KEYS = {f"directus-{size}-{fit}" for size in ("small", "medium", "large") for fit in ("crop", "contain")}
SYSTEM = frozenset({
    "directus_activity", "directus_collection_presets", "directus_collections", "directus_fields", "directus_files",
    "directus_folders", "directus_permissions", "directus_relations", "directus_revisions", "directus_roles",
    "directus_settings", "directus_users", "directus_webhooks",
})  # fmt: skip
DATE = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d")
NUMBER = re.compile(r"-?\d+")
Answers = dict[tuple[str, str], httpx2.Response]


@pytest.fixture(scope="module")
def answers(dialect: str, tmp_path_factory: pytest.TempPathFactory) -> Answers:
    """All answers of both, by role and name of the call."""
    folder = tmp_path_factory.mktemp("app")
    with fresh_database(dialect, folder) as url:
        return asyncio.run(_answers(url, folder / "data"))


async def _answers(url: str, data: Path) -> Answers:
    async with newsroom(url, data) as found:
        await found.refill()
        await _prepared(found)
        return {
            **await _played(found, ADMIN, {"email": ADMIN_EMAIL, "password": ADMIN_PASSWORD}),
            **await _played(found, MEMBER, {"email": MEMBER_EMAIL, "password": PASSWORD}),
        }


async def _prepared(api: Newsroom) -> None:
    """A member that may work on articles; a picture, which is everybody's portrait and the project's logo."""
    member = await api.hire()
    [(role,)] = await api.rows(f"SELECT role FROM directus_users WHERE id = {member}")
    rights = {"create": "full", "read": "full", "update": "full", "delete": "full", "comment": "update"}
    names = ("articles", "comments", "people", "categories", "articles_categories")
    rows = [{"role": role, "collection": name, **rights} for name in names]
    assert (await api.ask("POST", "/permissions", json=rows)).status_code == 200

    def picture(connection: sa.Connection) -> None:
        row = {
            "id": 1, "storage": "local", "private_hash": "abcdef0123456789", "filename_disk": "a.png", "title": "A",
            "filename_download": "a.png", "type": "image/png", "uploaded_by": 1, "filesize": 10, "width": 10,
            "height": 10, "uploaded_on": datetime(2020, 1, 1),  # noqa: DTZ001
        }  # fmt: skip
        connection.execute(sa.table("directus_files", *map(sa.column, row)).insert().values(**row))
        if connection.dialect.name == "postgresql":  # an id that was given must not be generated again
            connection.execute(sa.text("SELECT setval(pg_get_serial_sequence('directus_files', 'id'), 1)"))

    await api.store.run_sync(picture)
    for user, more in ((1, {}), (member, {"password": PASSWORD})):
        assert (await api.ask("PATCH", f"/users/{user}", json={"avatar": 1, **more})).status_code == 200
    logo = {one["key"]: one["id"] for one in (await api.get("/settings?limit=-1"))["data"]}["project_logo"]
    assert (await api.ask("PATCH", f"/settings/{logo}", json={"value": "1"})).status_code == 200


async def _played(api: Newsroom, who: str, login: Mapping[str, str]) -> Answers:
    """Send all calls of a role as a browser does: cookies kept, the origin named where something may change."""
    known: dict[str, Any] = defaultdict(lambda: "missing")  # a call that fails is told by its own test
    known["login"] = {**login, "mode": "cookie"}
    found: Answers = {}
    rows = await api.rows("SELECT id FROM directus_settings WHERE " + _quoted(api, "key") + " = 'default_limit'")
    known["default_limit"] = rows[0][0]
    transport = httpx2.ASGITransport(app=api.app)
    async with httpx2.AsyncClient(transport=transport, base_url="http://api.example.com") as client:
        for call in CALLS:
            if who not in call.who:
                continue
            headers = {} if call.plain else {"X-Directus-Project": "main"}
            if call.method != "GET":
                headers["Origin"] = "http://api.example.com"
            answer = await client.request(
                call.method, call.path.format_map(known), headers=headers, **_content(call.body, known)
            )
            found[who, call.name] = answer
            for name, path in call.keeps.items():
                if answer.status_code < 300:
                    known[name] = _at(answer.json(), path)
    return found


def _quoted(api: Newsroom, name: str) -> str:
    return f"`{name}`" if api.store.dialect == "mysql" else f'"{name}"'


def _content(body: Any, known: Mapping[str, Any]) -> dict[str, Any]:
    if body == UPLOAD:
        return {"files": {"data": ("red.png", b64decode(PICTURE), "image/png")}}
    return {} if body is None else {"json": _filled(body, known)}


def _filled(body: Any, known: Mapping[str, Any]) -> Any:
    if isinstance(body, dict):
        return {name: _filled(value, known) for name, value in body.items()}
    if isinstance(body, list):
        return [_filled(value, known) for value in body]
    if isinstance(body, str) and (whole := re.fullmatch(r"\{(\w+)\}", body)):
        return known[whole[1]]
    return body.format_map(known) if isinstance(body, str) else body


def _at(value: Any, path: str) -> Any:
    for step in path.split("."):
        value = value[int(step)] if step.isdecimal() else value[step]
    return value


MISSING = object()


def values(value: Any, path: str) -> Iterator[Any]:
    """Everything that stands at a path; MISSING where a step leads nowhere."""
    steps = re.findall(r"\[\]|\{\}|\?|[^.\[\]{}?]+", path)
    yield from _values(value, steps)


def _values(value: Any, steps: list[str]) -> Iterator[Any]:
    if not steps:
        yield value
        return
    step, rest = steps[0], steps[1:]
    if step == "?":
        if value is not None:
            yield from _values(value, rest)
    elif step == "[]":
        for one in value if isinstance(value, list) and value else [MISSING]:
            yield from _values(one, rest) if one is not MISSING else [MISSING]
    elif step == "{}":
        for one in value.values() if isinstance(value, dict) and value else [MISSING]:
            yield from _values(one, rest) if one is not MISSING else [MISSING]
    elif isinstance(value, dict) and step in value:
        yield from _values(value[step], rest)
    else:
        yield MISSING


def _is(kind: str, value: Any) -> bool:
    if kind.startswith("="):
        wanted = kind[1:]
        number = isinstance(value, int) and not isinstance(value, bool)
        return value == (int(wanted) if NUMBER.fullmatch(wanted) and number else wanted)
    plain: dict[str, Any] = {
        "any": value is not MISSING,
        "absent": value is MISSING,
        "null": value is None,
        "true": value is True,
        "bool": isinstance(value, bool),
        "int": isinstance(value, int) and not isinstance(value, bool),
        "text": isinstance(value, str),
        "list": isinstance(value, list),
        "object": isinstance(value, dict),
        "empty": value == [],
        "date": isinstance(value, str) and DATE.fullmatch(value) is not None,
        "datatype": isinstance(value, str) and value in DATATYPES,
        "level": value in ("none", "mine", "role", "full"),
    }
    if kind in plain:
        return bool(plain[kind])
    if kind == "all six sizes":
        return {one["key"] for one in value} >= KEYS
    if kind == "all system collections":
        return {one["collection"] for one in value} >= SYSTEM
    if kind == "collections that exist":
        return {one["collection"] for one in value} <= {*SYSTEM, *tables().tables}
    assert kind == "has a field note"
    return "note" in {one["field"] for one in value}


PROPERTIES = [
    pytest.param(call, who, path, kind, id=f"{who}-{call.name}-{path or WORKS}")
    for who in (ADMIN, MEMBER)
    for call in CALLS
    if who in call.who
    for path, kind in {"": WORKS, **call.reads}.items()
]


@pytest.mark.parametrize(("call", "who", "path", "kind"), PROPERTIES)
def test_the_app_finds_what_it_reads(answers: Answers, call: Call, who: str, path: str, kind: str) -> None:
    answer = answers[who, call.name]
    if kind == WORKS:
        assert answer.status_code == call.status if call.status else answer.status_code in (200, 204), answer.text
        return
    found = list(values(answer.json(), path.partition("#")[0]))
    wrong = [one for one in found if not any(_is(part, one) for part in kind.split("|"))]
    assert wrong == [], wrong[:3]


def test_the_page_leaves_no_trace(answers: Answers) -> None:
    rows = answers[ADMIN, "list of activity"].json()["data"]
    assert {row["collection"] for row in rows} >= {"directus_users"}
    assert not [row for row in rows if row["comment"] == "/main/collections"]
