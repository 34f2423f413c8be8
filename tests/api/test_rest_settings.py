"""Settings over REST and GraphQL, on the whole stack and three databases (schema spec 10)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
import sqlalchemy as sa

from tests.api.newsroom import Newsroom, newsroom
from tests.backends import fresh_database


@pytest.fixture(scope="module")
async def server(dialect: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Newsroom]:
    folder = tmp_path_factory.mktemp("settings")
    with fresh_database(dialect, folder) as url:
        async with newsroom(url, folder / "data") as found:
            await found.hire()
            await found.store.run_sync(_file)
            yield found


def _file(connection: sa.Connection) -> None:
    columns = ("id", "filename_disk", "filename_download", "storage", "uploaded_by", "uploaded_on", "title")
    values = (7, "a1.png", "logo.png", "local", 1, "2020-01-02 03:04:05", "Logo")
    row = dict(zip(columns, values, strict=True))
    if connection.dialect.name == "postgresql":
        from datetime import datetime

        row["uploaded_on"] = datetime(2020, 1, 2, 3, 4, 5)  # noqa: DTZ001
    connection.execute(sa.table("directus_files", *map(sa.column, columns)).insert().values(**row))


@pytest.fixture
async def api(server: Newsroom) -> AsyncIterator[Newsroom]:
    """Settings as a new installation has them."""
    before = await server.rows("SELECT id, value FROM directus_settings ORDER BY id")
    await server.refill()
    yield server
    await server.rows_away("directus_settings", "id > 23")

    def restore(connection: sa.Connection) -> None:
        statement = sa.text("UPDATE directus_settings SET value = :value WHERE id = :id")
        for key, value in before:
            connection.execute(statement, {"id": key, "value": value})

    await server.store.run_sync(restore)
    await server.ask("PATCH", "/settings/9", json={"value": 200})


async def stored(api: Newsroom, key: int) -> Any:
    return (await api.rows(f"SELECT value FROM directus_settings WHERE id = {key}"))[0][0]


async def patched(api: Newsroom, key: int, value: Any) -> Any:
    """What the answer to a change of a setting shows as its value."""
    answer = await api.ask("PATCH", f"/settings/{key}", json={"value": value})
    assert answer.status_code == 200, answer.text
    assert list(answer.json()) == ["data"]
    assert list(answer.json()["data"]) == ["id", "key", "value"]
    return answer.json()["data"]["value"]


async def listed(api: Newsroom, key: str) -> Any:
    """The value that the list shows."""
    (row,) = (await api.get(f"/settings?filter[key][eq]={key}&limit=-1"))["data"]
    return row["value"]


async def test_a_list_types_its_values(api: Newsroom) -> None:
    found = (await api.get("/settings?limit=-1"))["data"]
    assert [list(row) for row in found] == [["id", "key", "value"]] * 23
    values = {row["key"]: row["value"] for row in found}
    whitelist = values.pop("asset_whitelist"), values.pop("asset_whitelist_system")
    assert all(isinstance(text, str) and text.startswith("[") for text in whitelist)  # JSON stays text
    assert values == {
        "project_url": "", "project_logo": None, "project_color": "#263238", "project_foreground": None,
        "project_background": None, "project_public_note": "", "default_locale": None, "telemetry": True,
        "default_limit": 200, "sort_null_last": True, "password_policy": "", "auto_sign_out": 10080,
        "login_attempts_allowed": 25, "trusted_proxies": "", "file_naming": "uuid", "asset_url_naming": "private_hash",
        "file_mimetype_whitelist": "", "youtube_api_key": "", "auth_token_ttl": 20,
        "project_name": "Directus", "app_url": "",
    }  # fmt: skip


async def test_a_single_read_shows_what_is_stored(api: Newsroom) -> None:
    assert await api.get("/settings/9") == {"data": {"id": 9, "key": "default_limit", "value": "200"}}
    assert await api.get("/settings/9?fields=value&meta=*") == {
        "meta": {"collection": "directus_settings", "type": "item"},
        "data": {"value": "200"},
    }
    assert await api.get("/settings/7") == {"data": {"id": 7, "key": "default_locale", "value": None}}
    found = await api.get("/settings/8,9?fields=id,value")
    assert found == {"data": [{"id": 8, "value": "1"}, {"id": 9, "value": "200"}]}
    missing = await api.ask("GET", "/settings/999")
    assert (missing.status_code, missing.json()) == (
        404,
        {"error": {"code": 203, "message": 'Item with id "999" not found'}},
    )
    for path in ("abc", "9,x", "9,", "1.0", "-1"):
        assert await api.refusal("GET", f"/settings/{path}") == (404, 1)


async def test_parameters_of_a_list(api: Newsroom) -> None:
    assert await api.get("/settings?filter[key][eq]=default_limit&single=1") == {
        "data": {"id": 9, "key": "default_limit", "value": 200}
    }
    assert await api.get("/settings?filter[key][eq]=telemetry&fields=value") == {"data": [{"value": True}]}
    found = await api.get("/settings?limit=2&sort=-id&meta=total_count,filter_count,result_count&fields=id")
    assert found == {
        "meta": {"result_count": 2, "total_count": 23, "filter_count": 23},
        "data": [{"id": 23}, {"id": 22}],
    }


@pytest.mark.parametrize(
    ("key", "name", "sent", "kept", "shown"),
    [
        (9, "default_limit", 50, "50", 50),
        (9, "default_limit", "50", "50", 50),
        (9, "default_limit", "abc", "abc", 0),
        (9, "default_limit", 0, None, 0),
        (9, "default_limit", "", None, 0),
        (8, "telemetry", True, "1", True),
        (8, "telemetry", False, None, False),
        (8, "telemetry", None, None, False),
        (3, "project_color", "#00aa66", "#00aa66", "#00aa66"),
        (3, "project_color", 7, "7", "7"),
        (16, "file_mimetype_whitelist", ["image/png", "image/gif"], "image/png,image/gif", "image/png,image/gif"),
        (16, "file_mimetype_whitelist", "image/png", "image/png", "image/png"),
        (16, "file_mimetype_whitelist", [], None, None),
        (20, "asset_whitelist", [{"key": "x"}], '[{"key":"x"}]', '[{"key":"x"}]'),
        (20, "asset_whitelist", '[{"key": "x"}]', '[{"key": "x"}]', '[{"key": "x"}]'),
        (20, "asset_whitelist", "not json", '"not json"', '"not json"'),
    ],
)
async def test_what_a_change_stores_and_shows(
    api: Newsroom, key: int, name: str, sent: Any, kept: Any, shown: Any
) -> None:
    assert (await api.get(f"/settings/{key}?fields=key")) == {"data": {"key": name}}
    echoed = await patched(api, key, sent)
    assert (echoed, type(echoed)) == (sent, type(sent))
    assert await stored(api, key) == kept
    assert await listed(api, name) == shown


async def test_a_file(api: Newsroom) -> None:
    for sent in (7, "7", {"id": 7, "title": "ignored", "data": {"url": "x"}}):
        await patched(api, 2, None)
        file = await patched(api, 2, sent)
        assert (file["id"], file["title"], file["filename_disk"]) == (7, "Logo", "a1.png")
        assert {"full_url", "url", "asset_url", "thumbnails"} <= set(file["data"])
        assert await stored(api, 2) == "7"
        # The list shows it to everybody who may read settings, whatever he may read of files.
        assert await listed(api, "project_logo") == file
        assert (await api.get("/settings/2"))["data"]["value"] == "7"
    shown = await api.get("/settings?filter[key][eq]=project_logo&fields=value", "member-token")
    assert shown["data"][0]["value"]["id"] == 7
    assert await patched(api, 2, 7) == file  # unchanged
    assert await patched(api, 2, 99) is None
    assert await stored(api, 2) == "99"
    assert await listed(api, "project_logo") is None
    assert await patched(api, 2, None) is None


async def test_a_change_takes_effect_at_once(api: Newsroom) -> None:
    assert len((await api.get("/items/articles?status=*"))["data"]) == 5
    await patched(api, 9, 3)
    assert len((await api.get("/items/articles?status=*"))["data"]) == 3
    await patched(api, 22, "Other")
    assert (await api.get("/", None))["data"]["api"]["project_name"] == "Other"


async def test_a_change_without_value_leaves_it(api: Newsroom) -> None:
    for more in ({"json": {}}, {}, {"content": b"not json", "headers": {"Content-Type": "application/json"}}):
        answer = await api.ask("PATCH", "/settings/9", **more)
        assert (answer.status_code, answer.json()) == (
            200,
            {"data": {"id": 9, "key": "default_limit", "value": "200"}},
        )
    answer = await api.ask("PATCH", "/settings/9", json={"key": "default_limit", "value": 10})
    assert answer.json() == {"data": {"id": 9, "key": "default_limit", "value": 10}}


async def test_a_new_setting(api: Newsroom) -> None:
    answer = await api.ask("POST", "/settings", json={"key": "custom_thing", "value": "abc"})
    data = answer.json()["data"]
    key = data.pop("id")
    assert (answer.status_code, data, key > 23) == (200, {"key": "custom_thing", "value": "abc"}, True)
    again = await api.ask("POST", "/settings", json={"key": "custom_thing", "value": "abc"})
    assert (again.status_code, again.json()) == (
        409,
        {"error": {"code": 204, "message": 'Duplicate key "custom_thing" for collection "directus_settings"'}},
    )
    assert await listed(api, "custom_thing") == "abc"
    assert await api.refusal("POST", "/settings", json={"value": "x"}) == (422, 4)
    assert await api.refusal("POST", "/settings", json={}) == (422, 4)
    assert await api.refusal("POST", "/settings") == (400, 13)
    assert await api.refusal("POST", "/settings", json={"key": "a", "colour": 1}) == (422, 12)
    assert await api.refusal("POST", "/settings", json={"key": "a", "value": ["x"]}) == (422, 213)
    activity = await api.rows(
        f"SELECT action FROM directus_activity WHERE collection = 'directus_settings' AND item = '{key}'"
    )
    assert activity == [("create",)]
    gone = await api.ask("DELETE", f"/settings/{key}")
    assert (gone.status_code, gone.content) == (204, b"")
    assert await api.refusal("DELETE", f"/settings/{key}") == (404, 203)


async def test_several_at_once(api: Newsroom) -> None:
    answer = await api.ask("POST", "/settings", json=[{"key": "a", "value": 1}, {"key": "b", "value": True}])
    first, second = answer.json()["data"]
    assert answer.status_code == 200
    assert [first["value"], second["value"]] == ["1", "1"]
    path = f"/settings/{first['id']},{second['id']}"

    changed = await api.ask("PATCH", "/settings", json=[{"id": 9, "value": 200}, {"id": 8, "value": False}])
    assert changed.json() == {
        "data": [{"id": 9, "key": "default_limit", "value": "200"}, {"id": 8, "key": "telemetry", "value": ""}]
    }
    changed = await api.ask("PATCH", path, json=[{"id": first["id"], "value": "x"}])
    assert changed.json() == {"data": [{"id": first["id"], "key": "a", "value": "x"}]}
    for value in ([1], {"a": 1}):
        assert await api.refusal("PATCH", "/settings", json=[{"id": 9, "value": value}]) == (422, 213)
    keyless = await api.ask("PATCH", "/settings", json=[{"value": 1}])
    assert (keyless.status_code, keyless.json()["error"]["code"]) == (422, 12)
    assert keyless.json()["error"]["message"].startswith("Payload must include the primary key")
    for path_, more in ((path, {"json": {"value": 1}}), ("/settings", {"json": {"value": 1}}), ("/settings", {})):
        refused = await api.ask("PATCH", path_, **more)
        assert (refused.status_code, refused.json()) == (
            422,
            {"error": {"code": 4, "message": "batch update expect an array of items"}},
        )
    assert (await api.ask("DELETE", path)).status_code == 204
    assert await api.rows("SELECT count(*) FROM directus_settings") == [(23,)]


async def test_fields(api: Newsroom) -> None:
    found = (await api.get("/settings/fields"))["data"]
    assert len(found) == 24
    assert list(found[0]) == [
        "id", "collection", "field", "type", "interface", "options", "locked", "validation", "required", "readonly",
        "hidden_detail", "hidden_browse", "sort", "width", "group", "note", "translation",
    ]  # fmt: skip
    assert [row["field"] for row in found][:2] == ["project_name", "project_url"]
    assert [row["id"] for row in found] == sorted(row["id"] for row in found)
    assert {row["collection"] for row in found} == {"directus_settings"}
    assert all(isinstance(row["locked"], bool) and row["type"] == row["type"].lower() for row in found)
    assert await api.get("/settings/fields?fields=field,type&filter[field][eq]=default_limit") == {
        "data": [{"field": "default_limit", "type": "integer"}]
    }
    # An OR of the client does not lead out of the settings.
    either = "filter[field][eq]=default_limit&filter[collection][eq]=directus_users&filter[collection][logical]=or"
    assert len((await api.get(f"/settings/fields?{either}&limit=-1"))["data"]) == 1
    paged = await api.get("/settings/fields?limit=1&offset=1&sort=-id&fields=field&meta=result_count,total_count")
    total = (await api.rows("SELECT count(*) FROM directus_fields"))[0][0]
    assert paged["meta"] == {"result_count": 1, "total_count": total}
    single = await api.get("/settings/fields?single=1&fields=field")
    assert single == {"data": {"field": "project_name"}}
    assert len((await api.get("/settings/fields", "member-token"))["data"]) == 24


@pytest.mark.parametrize("token", [None, "nobody-token"])
async def test_callers_without_a_level(api: Newsroom, token: str | None) -> None:
    listed = (401, 3) if token is None else (403, 300)
    assert await api.refusal("GET", "/settings", token) == listed
    assert await api.refusal("GET", "/settings/fields", token) == listed
    assert await api.refusal("GET", "/settings/9", token) == (404, 203)
    assert await api.refusal("GET", "/settings/8,9", token) == (403, 300)
    assert await api.refusal("POST", "/settings", token, json={"key": "x"}) == listed
    assert await api.refusal("PATCH", "/settings/9", token, json={"value": 1}) == (404, 203)
    assert await api.refusal("PATCH", "/settings", token, json=[{"id": 9, "value": 1}]) == (404, 203)
    assert await api.refusal("DELETE", "/settings/9", token) == (403, 303)


async def test_a_user_reads_and_does_not_write(api: Newsroom) -> None:
    token = "member-token"
    assert len((await api.get("/settings", token))["data"]) == 23
    assert await api.refusal("POST", "/settings", token, json={"key": "x"}) == (403, 301)
    assert await api.refusal("PATCH", "/settings/9", token, json={"value": 1}) == (403, 302)
    assert await api.refusal("PATCH", "/settings", token, json=[{"id": 9, "value": 1}]) == (403, 302)
    assert await api.refusal("DELETE", "/settings/9", token) == (403, 303)


async def test_the_same_over_graphql(api: Newsroom) -> None:
    query = """{
      directus_settings(filter: {key_in: "default_limit,telemetry"}) { data { id key value _row(fields: ["value"]) } }
      settings_fields(sort: ["id"], limit: 1) { data { field type locked datatype _row(fields: "id") }
        meta { filter_count result_count } }
    }"""
    found = await api.graphql(query)
    assert found["data"]["directus_settings"]["data"] == [
        {"id": "8", "key": "telemetry", "value": "1", "_row": {"value": True}},
        {"id": "9", "key": "default_limit", "value": "200", "_row": {"value": 200}},
    ]
    fields = found["data"]["settings_fields"]
    assert fields["meta"] == {"filter_count": 24, "result_count": 1}
    assert {key: value for key, value in fields["data"][0].items() if key != "_row"} == {
        "field": "project_name",
        "type": "string",
        "locked": True,
        "datatype": None,
    }
    changed = await api.graphql(
        'mutation { update_directus_settings_item(id: "9", data: {value: "12"}) { key value } }'
    )
    assert changed == {"data": {"update_directus_settings_item": {"key": "default_limit", "value": "12"}}}
    denied = await api.graphql("{ directus_settings { data { id } } settings_fields { data { id } } }", "nobody-token")
    assert [error["extensions"]["code"] for error in denied["errors"]] == [300, 300]
