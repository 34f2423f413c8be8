"""In charge of the proof that no root field gives or does anything without the right to it, whoever calls (access §12).

Every root field of the schema is called by the public and by callers without permission, of the row, field and status
level: nothing marked is told, no row of any table changes. That the calls are real shows an admin, for whom they work.
A root field that the matrix does not know how to call is a failure.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from core.auth.credentials import NONE
from schema import execute
from schema.registry import Edition
from tests.api.newsroom import Newsroom, newsroom
from tests.backends import fresh_database
from tests.security.matrix import DENIED, MARK, NUMBER, TARGETS, TOKENS, Call, build, calls, shown_of
from tests.sockets import Client, client, served

HISTORY = frozenset({"directus_activity", "directus_revisions"})
Everything = dict[str, list[tuple[Any, ...]]]
QUIET = frozenset({"directus_freshness", "directus_changes", "sqlite_sequence"})
"""Tables that note that something may have changed."""


@pytest.fixture(scope="module")
async def world(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Newsroom]:
    folder = tmp_path_factory.mktemp("matrix")
    with fresh_database("sqlite", folder) as url:
        async with newsroom(url, folder / "data") as found:
            await found.refill()
            await build(found)
            yield found


@pytest.fixture
async def edition(world: Newsroom) -> Edition:
    return (await execute.enter(world.projects.get("main"), NONE)).edition


class Rows:
    """All rows of all tables, looked at beside the product; only when somebody has stored something since."""

    def __init__(self, path: str) -> None:
        self.connection = sqlite3.connect(path, isolation_level=None)
        self.connection.execute("PRAGMA foreign_keys = OFF")
        self.seen: int | None = None
        self.rows: Everything = {}

    def everything(self) -> Everything:
        version = self.connection.execute("PRAGMA data_version").fetchone()[0]
        if version != self.seen:
            names = self.connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
            self.rows = {
                name: sorted(self.connection.execute(f'SELECT * FROM "{name}"').fetchall(), key=repr)
                for (name,) in names
                if name not in QUIET
            }
            self.seen = version
        return self.rows

    def restore(self, before: Everything) -> None:
        """The rows as they were, of tables where they differ."""
        for name, rows in before.items():
            if self.rows.get(name) != rows:
                self.connection.execute("BEGIN")
                self.connection.execute(f'DELETE FROM "{name}"')
                if rows:
                    marks = ", ".join("?" * len(rows[0]))
                    self.connection.executemany(f'INSERT INTO "{name}" VALUES ({marks})', rows)
                self.connection.execute("COMMIT")
        self.seen, self.rows = None, {}


@pytest.fixture
def rows(world: Newsroom) -> Iterator[Rows]:
    found = Rows(str(world.store.url).removeprefix("sqlite:///").partition("?")[0])
    yield found
    found.connection.close()


def forget(world: Newsroom) -> None:
    """What was put back beside the product."""
    world.projects.get("main")._policies.clear()


async def ask(world: Newsroom, call: Call, token: str | None) -> str:
    body = {"query": call.document, "variables": dict(call.variables)}
    answer = await world.ask("POST", "/gql", token, json=body)
    found = answer.json()
    # What a caller has sent himself may come back in an error, and what everybody knows of himself is no secret
    return json.dumps(found.get("data"))


def marked(text: str) -> bool:
    return MARK in text or str(NUMBER) in text


def invalid(call: Call, text: str) -> str:
    return f"{call.field}: {text[:300]}"


@pytest.mark.parametrize("caller", DENIED)
async def test_nothing_is_told_and_nothing_changes(world: Newsroom, edition: Edition, rows: Rows, caller: str) -> None:
    before = rows.everything()
    wrong: list[str] = []
    for kind in ("query", "mutation"):
        for call in calls(edition, kind):
            if marked(text := await ask(world, call, TOKENS[caller])):
                wrong.append(invalid(call, text))
            if kind == "mutation" and (after := rows.everything()) != before:
                changed = {name for name in before if before[name] != after.get(name)}
                # A revert writes what the caller may write, which is nothing here, and notes it
                if not (caller == "field level" and call.field.startswith("revert_") and changed <= HISTORY):
                    wrong.append(f"{call.field} changed {sorted(changed)}")
                rows.restore(before)
                forget(world)
    assert wrong == [], "\n".join(map(str, wrong))


async def test_the_calls_work_for_an_admin(world: Newsroom, edition: Edition, rows: Rows) -> None:
    before = rows.everything()
    wrong: list[str] = []
    for kind in ("query", "mutation"):
        for call in calls(edition, kind):
            if call.proof is None:
                continue
            text = await ask(world, call, TOKENS["admin"])
            worked = marked(text) if call.proof == "mark" else rows.everything() != before
            if not worked:
                body = {"query": call.document, "variables": dict(call.variables)}
                found = await world.ask("POST", "/gql", TOKENS["admin"], json=body)
                wrong.append(invalid(call, found.text))
            if call.proof == "change":
                rows.restore(before)
                forget(world)
    assert wrong == [], "\n".join(map(str, wrong))


async def test_every_document_is_valid(world: Newsroom, edition: Edition) -> None:
    """Else a refusal would be one of the document."""
    wrong = []
    for kind in ("query", "mutation"):
        for call in calls(edition, kind):
            found = await edition.documents.find(call.document)
            if isinstance(found, list):
                wrong.append((call.field, found))
    assert wrong == [], "\n".join(map(str, wrong))


async def test_an_unknown_root_field_is_a_failure(edition: Edition, monkeypatch: pytest.MonkeyPatch) -> None:
    assert edition.schema.query_type is not None
    fields = {**edition.schema.query_type.fields, "articles_secrets": edition.schema.query_type.fields["articles"]}
    monkeypatch.setattr(edition.schema.query_type, "fields", fields)
    with pytest.raises(LookupError, match="articles_secrets"):
        list(calls(edition, "query"))


async def test_nothing_is_told_to_subscribers(world: Newsroom, edition: Edition, rows: Rows) -> None:
    """All subscribe to everything; an admin changes each marked row, and only he hears of it."""
    assert edition.schema.subscription_type is not None
    documents = {name: _subscription(edition, name) for name in edition.schema.subscription_type.fields}
    before = rows.everything()
    async with served(world.app) as address:
        heard: dict[str, set[str]] = {}
        for start in range(0, len(documents), MOST):
            some = dict(list(documents.items())[start : start + MOST])
            heard |= await _round(world, edition, address, some)
    rows.restore(before)
    forget(world)
    deaf = {name for name in documents if name not in heard and name.endswith("_mutated")}
    assert deaf == set()


MOST = 8
"""Operations of one connection at a time."""


def _subscription(edition: Edition, field: str) -> str:
    """The whole items of a collection, as they change (`…_mutated`) or as a list (`…_live`)."""
    assert edition.names is not None
    for name, names in edition.names.collections.items():
        shown = shown_of(edition, name) if name in TARGETS else names.row
        if field == names.operations.mutated:
            return f"subscription {{ {field} {{ key data {{ {shown} }} }} }}"
        if field == names.operations.live:
            return f"subscription {{ {field} {{ data {{ {shown} }} }} }}"
    raise LookupError(f"The matrix does not know how to call subscription {field}")


async def _round(world: Newsroom, edition: Edition, address: str, documents: dict[str, str]) -> dict[str, set[str]]:
    """What an admin heard, by root field, after his changes; asserts that nobody else heard anything marked."""
    assert edition.names is not None
    updates = {
        names.operations.mutated: call
        for name, names in edition.names.collections.items()
        for call in calls(edition, "mutation")
        if names.operations.mutated in documents and call.field == names.operations.update_item
    }
    async with (
        client(address, TOKENS["admin"]) as admin,
        client(address, TOKENS["public"]) as public,
        client(address, TOKENS["no permission"]) as nobody,
        client(address, TOKENS["row level"]) as rows,
        client(address, TOKENS["field level"]) as fields,
        client(address, TOKENS["status level"]) as statuses,
    ):
        others = (public, nobody, rows, fields, statuses)
        ids = {}
        for one in (*others, admin):
            for name, document in documents.items():
                found = await one.subscribe(document)
                if one is admin:
                    ids[found] = name
        told = [await one.settled() for one in others]
        heard = _sorted(await admin.settled(), ids)
        for call in updates.values():
            await ask(world, call, TOKENS["admin"])
        wanted = {name for name in updates if name is not None}
        while not wanted <= heard.keys():
            heard |= _sorted([await admin.hear()], ids)
        await _tick(world, admin)
        told += [await one.settled() for one in others]
    assert not marked(json.dumps(told))
    return heard


async def _tick(world: Newsroom, admin: Client) -> None:
    """Wait for one more round: rounds follow each other, so that everybody has been told of the one before."""
    id_ = await admin.subscribe("subscription { tokens_mutated { key } }")
    await admin.settled()
    for label in ("tick", "tock"):
        await world.ask("PATCH", "/items/tokens/007", json={"label": label})
        while (await admin.hear())["id"] != id_:
            pass


def _sorted(messages: list[dict[str, Any]], ids: dict[str, str]) -> dict[str, set[str]]:
    return {ids[one["id"]]: {json.dumps(one)} for one in messages if one["type"] == "next" and one["id"] in ids}
