"""The schema as a document at both doors and at the command line, on three databases; for admins only."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.api.newsroom import Newsroom, newsroom, second
from tests.backends import fresh_database

FORBIDDEN = (401, 3, "Permission denied: Admin Only")


@pytest.fixture(scope="module")
async def server(dialect: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Newsroom]:
    folder = tmp_path_factory.mktemp("schema")
    with fresh_database(dialect, folder) as url:
        async with newsroom(url, folder / "data") as found:
            await found.hire()
            yield found


@pytest.fixture
def data(server: Newsroom) -> Path:
    """The data folder of the server."""
    return server.projects.settings.data


@pytest.fixture
async def api(server: Newsroom) -> Newsroom:
    await server.refill()
    return server


async def refused(api: Newsroom, method: str, path: str, token: str | None, **more: Any) -> tuple[int, int, str]:
    answer = await api.ask(method, path, token, **more)
    error = answer.json()["error"]
    return answer.status_code, error["code"], error["message"]


async def test_the_snapshot_at_both_doors(api: Newsroom) -> None:
    answer = await api.ask("GET", "/schema/snapshot")
    assert answer.status_code == 200
    document = answer.json()["data"]
    assert list(document) == [
        "tabularium", "collections", "relations", "roles", "permissions", "settings", "presets",
    ]  # fmt: skip
    assert document["tabularium"] == 1
    assert document["relations"]["articles_categories"] == {
        "article": {"collection_one": "articles", "field_one": "categories", "junction_field": "category"},
        "category": {"collection_one": "categories", "junction_field": "article"},
    }
    assert document["permissions"]["Writer"]["articles"] == [
        {"create": "full", "read": "mine", "update": "mine", "delete": "mine"}
    ]
    assert document["roles"]["Writer"] == {}
    assert "youtube_api_key" not in document["settings"]
    assert document["settings"]["default_limit"] == "200"
    again = await api.graphql("{ schema_snapshot }")
    assert again["data"] == {"schema_snapshot": document}
    assert (await api.ask("GET", "/schema/snapshot")).content == answer.content


@pytest.mark.parametrize("token", ["editor-token", "nobody-token", None])
async def test_it_is_for_admins(api: Newsroom, token: str | None) -> None:
    before = await api.everything()
    assert await refused(api, "GET", "/schema/snapshot", token) == FORBIDDEN
    assert await api.everything() == before


# Difference and application

NOTE = {"type": "string", "sort": 9, "column": {"datatype": "VARCHAR", "length": 100}}


async def taken(api: Newsroom) -> Any:
    return (await api.get("/schema/snapshot"))["data"]


async def test_what_was_just_taken_does_not_differ(api: Newsroom) -> None:
    document = await taken(api)
    answer = await api.ask("POST", "/schema/diff", json=document)
    assert answer.status_code == 200
    plan = answer.json()["data"]
    assert (plan["destructive"], plan["steps"]) == (False, [])
    before = await api.everything()
    done = await api.ask("POST", f"/schema/apply?plan={plan['plan']}", json=document)
    assert (done.status_code, done.json()["data"]) == (200, plan)
    assert await api.everything() == before


async def test_a_document_is_compared_applied_and_taken_back(api: Newsroom) -> None:
    first = await taken(api)
    wanted = {**first, "collections": {**first["collections"]}}
    wanted["collections"]["people"] = {
        **first["collections"]["people"],
        "note": "Who writes",
        "fields": {**first["collections"]["people"]["fields"], "remark": NOTE},
    }
    wanted["roles"] = {**first["roles"], "Guests": {"description": "Visitors", "ip_whitelist": ["10.0.0.0/8"]}}
    ruled = {"read": "full", "rules": {"read": {"remark": {"nnull": ""}}}, "checks": {"update": {"name": "Cy"}}}
    wanted["permissions"] = {**first["permissions"], "Guests": {"people": [ruled]}}
    wanted["settings"] = {**first["settings"], "default_limit": "0", "sort_null_last": ""}
    plan = (await api.ask("POST", "/schema/diff", json=wanted)).json()["data"]
    assert [(one["action"], one["kind"], one["name"]) for one in plan["steps"]] == [
        ("update", "collection", "people"),
        ("create", "field", "people.remark"),
        ("create", "role", "Guests"),
        ("create", "permission", "Guests / people"),
        ("update", "setting", "default_limit"),
        ("update", "setting", "sort_null_last"),
    ]
    assert plan["steps"][0]["changes"] == {"note": {"before": None, "after": "Who writes"}}
    assert plan["steps"][4]["changes"] == {"value": {"before": "200", "after": "0"}}
    assert not plan["destructive"]
    done = await api.ask("POST", f"/schema/apply?plan={plan['plan']}&comment=Why", json=wanted)
    assert (done.status_code, done.json()["data"]) == (200, plan)

    # The next request sees all of it.
    assert await taken(api) == wanted
    made = await api.ask("POST", "/items/people", json={"name": "Cy", "remark": "new"})
    assert (made.status_code, made.json()["data"]["remark"]) == (200, "new")
    role = await api.rows("SELECT id, external_id FROM directus_roles WHERE name = 'Guests'")
    assert len(role[0][1]) == 36
    assert await api.rows(f"SELECT collection FROM directus_permissions WHERE role = {role[0][0]}") == [("people",)]
    comments = "SELECT action, collection FROM directus_activity WHERE comment = 'Why' ORDER BY collection, action"
    assert await api.rows(comments) == [
        ("update", "directus_collections"),
        ("create", "directus_fields"),
        ("create", "directus_permissions"),
        ("create", "directus_roles"),
        ("update", "directus_settings"),
        ("update", "directus_settings"),
    ]

    # Back again: a role and a field go, so that has to be allowed.
    back = (await api.ask("POST", "/schema/diff", json=first)).json()["data"]
    assert [(one["name"], one["reason"]) for one in back["steps"] if one["destructive"]] == [
        ("people.remark", "its values are lost"),
        ("Guests", "its users lose their role"),
    ]
    before = await api.everything()
    answer = await api.ask("POST", f"/schema/apply?plan={back['plan']}", json=first)
    assert answer.status_code == 422
    assert answer.json()["error"]["code"] == 12
    assert "field people.remark, role Guests" in answer.json()["error"]["message"]
    assert await api.everything() == before
    user = {"email": "guest@example.org", "status": "active", "role": role[0][0]}
    hired = await api.graphql("mutation($u: JSON) { create_directus_users_item(payload: $u) { id } }", u=user)
    guest = hired["data"]["create_directus_users_item"]["id"]
    query = "mutation($d: JSON, $p: String) { schema_apply(document: $d, plan: $p, allow_destructive: true)"
    query += " { plan destructive steps { kind name } } }"
    found = await api.graphql(query, d=first, p=back["plan"])
    assert "errors" not in found, found
    assert found["data"]["schema_apply"]["steps"][1] == {"kind": "field", "name": "people.remark"}
    assert await taken(api) == first
    assert await api.rows(f"SELECT role FROM directus_users WHERE id = {guest}") == [(None,)]
    assert await api.rows(f"SELECT id FROM directus_permissions WHERE role = {role[0][0]}") == []
    await api.rows_away("directus_users", f"id = {guest}")
    await api.ask("DELETE", f"/items/people/{made.json()['data']['id']}")


async def test_a_plan_that_is_not_the_one_shown_is_refused(api: Newsroom) -> None:
    document = await taken(api)
    document["settings"]["project_name"] = "Other"
    plan = (await api.ask("POST", "/schema/diff", json=document)).json()["data"]["plan"]
    before = await api.everything()
    told = "The plan is not the one that was shown: the project or the document has changed since."
    for body in ({**document, "settings": {**document["settings"], "project_name": "Third"}}, document):
        if body is document:
            await api.ask("PATCH", "/settings/22", json={"value": "Meanwhile"})
            before = await api.everything()
        assert await refused(api, "POST", f"/schema/apply?plan={plan}", "admin-token", json=body) == (422, 12, told)
        assert await api.everything() == before
    blank = (422, 4, "plan: This value should not be blank.")
    assert await refused(api, "POST", "/schema/apply", "admin-token", json=document) == blank
    assert await api.everything() == before


async def test_what_cannot_be_done_is_told_with_its_path(api: Newsroom) -> None:
    document = await taken(api)
    people = document["collections"]["people"]["fields"]
    people["NAME"] = {**NOTE}
    people["data"] = {"type": "json", "column": {"datatype": "JSON", "native": "jsonb; DROP TABLE people"}}
    people["now"] = {**NOTE, "column": {"datatype": "VARCHAR", "length": 9, "default_expression": "version()"}}
    people["long"] = {**NOTE, "column": {"datatype": "VARCHAR"}}
    people["odd"] = {**NOTE, "column": {"datatype": "HSTORE"}}
    people["a.b"] = {**NOTE}
    people["id"]["column"]["primary_key"] = False
    document["collections"]["unkeyed"] = {"fields": {"title": NOTE}}
    document["collections"]["Articles"] = {"fields": {"id": people["id"]}}
    document["relations"]["people"] = {"nothing": {"collection_one": "articles"}}
    document["permissions"]["Nobody at all"] = {"people": [{"read": "full"}]}
    before = await api.everything()
    answer = await api.ask("POST", "/schema/diff", json=document)
    assert (answer.status_code, answer.json()["error"]["code"]) == (422, 4)
    del document["permissions"]["Nobody at all"]
    found = await api.graphql("query($d: JSON) { schema_diff(document: $d) { plan } }", d=document)
    [error] = found["errors"]
    paths = {".".join(map(str, one["path"])) for one in error["extensions"]["problems"]}
    assert paths == {
        "collections.people.fields.NAME", "collections.people.fields.data", "collections.people.fields.now",
        "collections.people.fields.long", "collections.people.fields.odd", "collections.people.fields.a.b",
        "collections.people.fields.id", "collections.unkeyed", "collections.Articles", "relations.people.nothing",
    }  # fmt: skip
    assert await api.everything() == before


async def test_stored_values_are_never_lost_by_a_change(api: Newsroom) -> None:
    document = await taken(api)
    document["collections"]["articles"]["fields"]["title"]["column"] = {"datatype": "VARCHAR", "length": 2}
    plan = (await api.ask("POST", "/schema/diff", json=document)).json()["data"]
    assert [(one["name"], one["reason"]) for one in plan["steps"]] == [("articles.title", "its type takes less")]
    before = await api.everything()
    where = f"/schema/apply?plan={plan['plan']}&allow_destructive=1"
    status, code, message = await refused(api, "POST", where, "admin-token", json=document)
    assert (status, code) == (422, 404)
    assert "would lose or alter" in message
    assert await api.everything() == before


@pytest.mark.parametrize("token", ["editor-token", "nobody-token", None])
async def test_nobody_else_compares_or_applies(api: Newsroom, token: str | None) -> None:
    document = await taken(api)
    document["settings"]["project_name"] = "Mine"
    plan = (await api.ask("POST", "/schema/diff", json=document)).json()["data"]["plan"]
    before = await api.everything()
    assert await refused(api, "POST", "/schema/diff", token, json=document) == FORBIDDEN
    assert await refused(api, "POST", f"/schema/apply?plan={plan}", token, json=document) == FORBIDDEN
    assert await api.everything() == before


async def test_an_admin_does_not_lock_himself_out(api: Newsroom) -> None:
    document = await taken(api)
    document["roles"]["$admin"]["ip_whitelist"] = ["203.0.113.7"]
    plan = (await api.ask("POST", "/schema/diff", json=document)).json()["data"]["plan"]
    before = await api.everything()
    answer = await refused(api, "POST", f"/schema/apply?plan={plan}", "admin-token", json=document)
    assert answer == (422, 4, "ip_whitelist: This value is not valid.")
    assert await api.everything() == before


@pytest.mark.parametrize("body", ["[]", "[1]", "{}", '{"tabularium": 2}', '"x"', "", "{"])
async def test_what_is_no_document_is_refused(api: Newsroom, body: str) -> None:
    for path in ("/schema/diff", "/schema/apply?plan=x"):
        answer = await api.ask("POST", path, content=body, headers={"Content-Type": "application/json"})
        assert answer.status_code in (400, 422), answer.text


async def test_another_process_sees_it_with_its_next_request(api: Newsroom, data: Path) -> None:
    first = await taken(api)
    document = {"tabularium": 1, "collections": {**first["collections"]}, "permissions": {**first["permissions"]}}
    document["collections"]["fresh"] = {
        "fields": {
            "id": {"type": "integer", "column": {"datatype": "INT", "primary_key": True, "auto_increment": True}},
            "name": NOTE,
        }
    }
    document["permissions"]["Editor"] = {
        **first["permissions"]["Editor"],
        "fresh": [{"read": "full", "create": "full"}],
    }
    async with second(api, data) as other:
        assert (await other.ask("GET", "/items/fresh", "editor-token")).status_code == 404
        plan = (await api.ask("POST", "/schema/diff", json=document)).json()["data"]
        assert (await api.ask("POST", f"/schema/apply?plan={plan['plan']}", json=document)).status_code == 200
        made = await other.ask("POST", "/items/fresh", "editor-token", json={"name": "x"})
        assert (made.status_code, made.json()["data"]["name"]) == (200, "x")
        back = (await other.ask("POST", "/schema/diff", json=first)).json()["data"]
        gone = await other.ask("POST", f"/schema/apply?plan={back['plan']}&allow_destructive=true", json=first)
        assert gone.status_code == 200
        assert (await api.ask("GET", "/items/fresh", "editor-token")).status_code == 404
    assert await taken(api) == first
