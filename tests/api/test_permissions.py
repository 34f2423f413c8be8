"""In charge of rules, presets, checks and explanations of permissions at both doors, by the example of the document."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.api.newsroom import Newsroom, newsroom
from tests.backends import fresh_database

DOCUMENT = Path(__file__).parents[2] / "docs" / "permissions.md"
EXAMPLE, EXPLAINED = (
    json.loads(text) for text in re.findall(r"```json\n(.*?)```", DOCUMENT.read_text("utf-8"), re.DOTALL)
)
WRITER = "writer-token"


@pytest.fixture(scope="module")
async def server(dialect: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Newsroom]:
    folder = tmp_path_factory.mktemp("permissions")
    with fresh_database(dialect, folder) as url:
        async with newsroom(url, folder / "data") as found:
            yield found


@pytest.fixture
async def api(server: Newsroom) -> Newsroom:
    await server.refill()
    return server


@pytest.fixture
async def ruled(api: Newsroom) -> int:
    """The example in the place of what writers have; the id of the row."""
    [(key,)] = await api.rows("SELECT id FROM directus_permissions WHERE role = 4 AND collection = 'articles'")
    whole = {**EXAMPLE, "delete": "none", "read_field_blacklist": []}
    answer = await api.ask("PATCH", f"/permissions/{key}", json=whole)
    assert answer.status_code == 200, answer.text
    return int(key)


async def test_the_example_is_shown_as_it_was_sent(api: Newsroom, ruled: int) -> None:
    for path in (f"/permissions/{ruled}", "/permissions/me/articles"):
        token = "admin-token" if path.endswith(str(ruled)) else WRITER
        found = (await api.get(path, token))["data"]
        assert {name: found[name] for name in ("rules", "presets", "checks")} == {
            name: EXAMPLE[name] for name in ("rules", "presets", "checks")
        }
    told = await api.graphql(
        "query($id: ID!) { directus_permissions_by_id(id: $id) { rules presets checks } }", id=str(ruled)
    )
    found = told["data"]["directus_permissions_by_id"]
    assert [json.loads(found[name]) if isinstance(found[name], str) else found[name] for name in found] == [
        EXAMPLE[name] for name in ("rules", "presets", "checks")
    ]


async def test_what_writers_see(api: Newsroom, ruled: int) -> None:
    """Articles 1, 2 and 4 are published, 2 and 3 are the writer's own."""
    found = await api.get("/items/articles?fields=id&sort=id&meta=total_count,filter_count", WRITER)
    assert [item["id"] for item in found["data"]] == [1, 2, 3, 4]
    assert found["meta"] == {"total_count": 4, "filter_count": 4}
    await api.ask("PATCH", "/items/articles/4", json={"status": "draft"})
    assert [item["id"] for item in (await api.get("/items/articles?fields=id&sort=id", WRITER))["data"]] == [1, 2, 3]
    assert await api.refusal("GET", "/items/articles/4", WRITER) == (404, 203)
    told = await api.graphql(
        '{ articles(filter: {id_in: "3,4"}) { data { id } } articles_aggregate { count } }', WRITER
    )
    assert told["data"] == {"articles": {"data": [{"id": "3"}]}, "articles_aggregate": [{"count": 3}]}


async def test_what_writers_write(api: Newsroom, ruled: int) -> None:
    await api.ask(
        "PATCH",
        "/permissions/" + str(ruled),
        json={"rules": {**EXAMPLE["rules"], "update": {"owner": "$CURRENT_USER"}}},
    )
    body = {"title": "New", "author": 1}
    made = (await api.ask("POST", "/items/articles", WRITER, json=body)).json()["data"]
    assert (made["views"], made["slug"], made["status"]) == (0, "3", "draft")
    assert await api.refusal("POST", "/items/articles", WRITER, json={**body, "slug": "x", "status": "published"}) == (
        403,
        301,
    )
    assert await api.refusal("POST", "/items/articles", WRITER, json={"title": "x", "slug": "y"}) == (403, 301)
    changed = (await api.ask("PATCH", f"/items/articles/{made['id']}", WRITER, json={"title": "Newer"})).json()["data"]
    assert (changed["title"], changed["featured"], changed["slug"]) == ("Newer", False, "3")
    assert await api.refusal("PATCH", f"/items/articles/{made['id']}", WRITER, json={"status": "published"}) == (
        403,
        302,
    )
    assert await api.refusal("PATCH", "/items/articles/2", WRITER, json={"title": "x"}) == (403, 302)
    assert await api.refusal("PATCH", "/items/articles/4", WRITER, json={"title": "x"}) == (403, 302)


async def test_an_import_is_checked(api: Newsroom, ruled: int) -> None:
    rows = [{"title": "a", "slug": "a", "author": 1}, {"title": "b", "slug": "b", "status": "published", "author": 1}]
    headers = {"Content-Type": "application/x-ndjson"}
    content = "\n".join(json.dumps(row) for row in rows).encode()
    assert await api.refusal("POST", "/items/articles/import", WRITER, content=content, headers=headers) == (403, 301)
    answer = await api.ask("POST", "/items/articles/import?atomic=0", WRITER, content=content, headers=headers)
    report = answer.json()["data"]
    assert (report["created"], report["failed"]) == (1, 1)
    assert await api.rows("SELECT title, views FROM articles WHERE id > 5") == [("a", 0)]


async def test_a_change_counts_at_once(api: Newsroom, ruled: int) -> None:
    rules: Any
    for rules, found in (
        (None, [1, 2, 3, 4]),
        ({"read": {"id": 2}}, [2]),
        ({"read": [{"field": "id", "op": "gt", "value": 3}]}, [4]),
    ):
        await api.ask("PATCH", f"/permissions/{ruled}", json={"rules": rules})
        assert [item["id"] for item in (await api.get("/items/articles?fields=id&sort=id", WRITER))["data"]] == found


async def test_what_means_nothing_is_refused(api: Newsroom, ruled: int) -> None:
    wrong = {"rules": {"read": {"nope": 1}}, "checks": {"create": {"title": {"near": 1}}}}
    answer = await api.ask("PATCH", f"/permissions/{ruled}", json=wrong)
    assert (answer.status_code, answer.json()["error"]["code"]) == (422, 4)
    assert await api.refusal("PATCH", f"/permissions/{ruled}", json=wrong) == (422, 4)


@pytest.mark.parametrize("nothing", [{}, [], {"logical": "or"}, {"0": {}, "1": {"eq": "x"}}])
async def test_a_condition_that_asks_nothing_is_refused(api: Newsroom, ruled: int, nothing: Any) -> None:
    before = await api.rows("SELECT rules, checks FROM directus_permissions ORDER BY id")
    for member in ("rules", "checks"):
        action = "read" if member == "rules" else "create"
        wrong = {member: {action: {"owner": "$CURRENT_USER", "status": nothing}}}
        assert await api.refusal("PATCH", f"/permissions/{ruled}", json=wrong) == (422, 4)
    assert await api.rows("SELECT rules, checks FROM directus_permissions ORDER BY id") == before


async def test_what_a_rule_hides_is_not_there_to_be_deleted(api: Newsroom, ruled: int) -> None:
    rows = "SELECT id FROM articles ORDER BY id"
    before = await api.rows(rows)
    for rules in ({"read": {"id": 2}}, {"read": {"id": 2}, "delete": {"id": 3}}):
        change = {"delete": "full", "rules": rules, "checks": None, "presets": None}
        assert (await api.ask("PATCH", f"/permissions/{ruled}", json=change)).status_code == 200
        for key in (1, 3, 999):
            assert await api.refusal("DELETE", f"/items/articles/{key}", WRITER) == (404, 203)
        told = await api.graphql("mutation { delete_articles_item(id: 1) }", token=WRITER)
        assert told["errors"][0]["extensions"]["code"] == 203
    assert await api.rows(rows) == before


# Explanations


async def explained(api: Newsroom, query: str) -> tuple[Any, Any, Any, Any]:
    found = (await api.get(f"/permissions/explain/articles?{query}"))["data"]
    decided = found["decided_by"]
    return found["allowed"], decided["step"], decided["permission"], decided["member"]


async def test_the_example_is_explained(api: Newsroom, ruled: int) -> None:
    found = (await api.get("/permissions/explain/articles?action=update&user=3&item=4"))["data"]
    assert [one["step"] for one in found.pop("reasons")] == ["role", "level", "rule", "level", "rule", "check"]
    wanted = {**EXPLAINED, "decided_by": {**EXPLAINED["decided_by"], "permission": ruled}}
    del wanted["reasons"]
    assert found == wanted


async def test_explanations(api: Newsroom, ruled: int) -> None:
    await api.ask("PATCH", f"/permissions/{ruled}", json={"read_field_blacklist": ["secret"]})
    assert await explained(api, "user=3") == (None, "rule", ruled, "rules.read")
    assert await explained(api, "user=3&item=3") == (True, "rule", ruled, "rules.read")
    assert await explained(api, "user=3&item=5") == (False, "rule", ruled, "rules.read")
    assert await explained(api, "user=3&item=3&field=secret") == (False, "field", ruled, "read_field_blacklist")
    assert await explained(api, "role=4&action=delete") == (False, "level", ruled, "delete")
    assert await explained(api, "role=4&action=create") == (None, "check", ruled, "checks.create")
    assert await explained(api, "role=5") == (False, "permission", None, None)
    assert await explained(api, "role=99") == (False, "permission", None, None)
    assert await explained(api, "") == (False, "permission", None, None)
    assert await explained(api, "user=1&item=5") == (False, "shown", None, None)
    assert await explained(api, "user=1&item=5&action=delete") == (True, "role", None, None)
    editors = await api.rows("SELECT id FROM directus_permissions WHERE role = 3 AND collection = 'articles'")
    await api.ask("PATCH", f"/permissions/{editors[0][0]}", json={"update": "mine"})
    assert await explained(api, "user=2&item=1&action=update") == (False, "owner", editors[0][0], "update")
    assert (await explained(api, "user=2&item=4&action=update"))[0] is True
    await api.ask("PATCH", "/users/2", json={"status": "suspended"})
    assert await explained(api, "user=2&item=4&action=update") == (False, "permission", None, None)
    await api.ask("PATCH", "/users/2", json={"status": "active"})


async def test_an_explanation_over_graphql(api: Newsroom, ruled: int) -> None:
    query = """query($item: ID) { permission_explain(collection: "articles", user: 3, item: $item) {
        allowed decided_by { step told } reasons { step passed permission member } } }"""
    found = (await api.graphql(query, item="1"))["data"]["permission_explain"]
    assert found == {
        "allowed": True,
        "decided_by": {"step": "rule", "told": "The row rule of read has to be fulfilled."},
        "reasons": [
            {"step": "role", "passed": True, "permission": None, "member": None},
            {"step": "level", "passed": True, "permission": str(ruled), "member": "read"},
            {"step": "rule", "passed": True, "permission": str(ruled), "member": "rules.read"},
        ],
    }


async def test_explanations_are_for_admins(api: Newsroom, ruled: int) -> None:
    for token in (WRITER, None):
        assert await api.refusal("GET", "/permissions/explain/articles?user=1", token) == (401, 3)
    assert await api.refusal("GET", "/permissions/explain/nowhere") == (404, 200)
    assert await api.refusal("GET", "/permissions/explain/articles?action=fly") == (422, 4)
    assert await api.refusal("GET", "/permissions/explain/articles?role=x") == (422, 4)
    assert await api.refusal("GET", "/permissions/explain/articles?field=nope") == (422, 202)
    assert await api.refusal("GET", "/permissions/explain/articles?item=99") == (404, 203)
    assert await api.refusal("GET", "/permissions/explain/articles?user=99") == (404, 203)
    assert await api.refusal("GET", "/permissions/explain/keyless?item=1") == (404, 203)
