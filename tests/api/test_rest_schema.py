"""Collections and fields made, changed and dropped over both doors, on three databases (schema spec 6.3-6.5, 7.3-7.5).

The rules themselves are tested at core.ddl; here is what a client sends and sees.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.api.newsroom import Newsroom, newsroom
from tests.backends import fresh_database

ID = {
    "field": "id", "type": "integer", "datatype": "INT", "length": 11, "primary_key": True, "auto_increment": True,
    "interface": "primary-key", "required": True, "hidden_detail": True, "hidden_browse": True,
}  # fmt: skip
NAME = {"field": "name", "type": "string", "datatype": "VARCHAR", "length": 100, "interface": "text-input"}
MOVIES = {"collection": "movies", "note": "Films", "icon": "movie", "fields": [ID, {**NAME, "field": "title"}]}
FIELD_KEYS = [
    "collection", "field", "datatype", "unique", "primary_key", "auto_increment", "default_value", "note", "signed",
    "id", "type", "sort", "interface", "hidden_detail", "hidden_browse", "required", "options", "locked", "translation",
    "readonly", "width", "validation", "group", "length",
]  # fmt: skip
RATING = {
    "field": "rating",
    "type": "decimal",
    "datatype": "DECIMAL",
    "length": "3,1",
    "interface": "numeric",
    "note": "0-10",
}


@pytest.fixture(scope="module")
async def server(dialect: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Newsroom]:
    folder = tmp_path_factory.mktemp("schema")
    with fresh_database(dialect, folder) as url:
        async with newsroom(url, folder / "data") as found:
            await found.hire()
            yield found


@pytest.fixture
async def api(server: Newsroom) -> AsyncIterator[Newsroom]:
    """A project with a collection of its own, `movies`, with one row."""
    await server.refill()
    made = await server.ask("POST", "/collections", json=MOVIES)
    assert made.status_code == 200, made.text
    await server.ask("POST", "/items/movies", json={"title": "Tide"})
    yield server
    found = (await server.get("/collections?fields=collection"))["data"]
    for name in [one["collection"] for one in found if one["managed"]]:
        if name in ("movies", "people_movies", "plain", "bad name"):
            await server.ask("DELETE", f"/collections/{name}")
    await server.rows_away(
        "directus_fields", "collection IN ('directus_users', 'people') AND field IN ('phone', 'films')"
    )


async def wrong(api: Newsroom, method: str, path: str, token: str | None = "admin-token", **more: Any) -> Any:
    """Status, code and message of a refusal, after which everything is as before."""
    before = await api.everything(), await api.get("/collections")
    answer = await api.ask(method, path, token, **more)
    assert (await api.everything(), await api.get("/collections")) == before
    error = answer.json()["error"]
    return answer.status_code, error["code"], error["message"]


# Collections


async def test_a_collection_is_there_with_the_answer(api: Newsroom) -> None:
    body = {
        "collection": "plain",
        "hidden": 0,
        "fields": [ID, NAME],
        "translation": [{"locale": "de-DE", "translation": "Schlicht"}],
    }
    answer = await api.ask("POST", "/collections?fields=*.*", json=body)
    row = {
        "collection": "plain",
        "managed": True,
        "hidden": False,
        "single": False,
        "icon": None,
        "note": None,
        "translation": [{"locale": "de-DE", "translation": "Schlicht"}],
    }
    assert (answer.status_code, answer.json()) == (200, {"data": row})
    assert list(answer.json()["data"]) == list(row)
    found = (await api.get("/collections/plain"))["data"]
    fields = found.pop("fields")
    assert (found, list(fields)) == (row, ["id", "name"])
    assert (await api.ask("POST", "/items/plain", json={"name": "x"})).json() == {"data": {"id": 1, "name": "x"}}
    query = "{ plain { data { id name } } }"
    assert await api.graphql(query) == {"data": {"plain": {"data": [{"id": "1", "name": "x"}]}}}


async def test_a_collection_is_changed(api: Newsroom) -> None:
    change = {"note": "Updated", "hidden": True, "collection": "ignored"}
    answer = await api.ask("PATCH", "/collections/movies", json=change)
    row = {**MOVIES, "note": "Updated", "hidden": True, "managed": True, "single": False, "translation": None}
    del row["fields"]
    assert (answer.status_code, answer.json()) == (200, {"data": row})
    fields = [{**RATING}, {"field": "title", "note": "Original"}]
    assert (await api.ask("PATCH", "/collections/movies", json={"fields": fields})).status_code == 200
    found = (await api.get("/collections/movies"))["data"]["fields"]
    assert (list(found), found["title"]["note"]) == (["id", "title", "rating"], "Original")
    assert (await api.get("/items/movies?fields=title,rating"))["data"] == [{"title": "Tide", "rating": None}]


@pytest.mark.parametrize("fields, icon", [("*.*", "movie"), ("collection,icon", "movie"), ("collection", None)])
async def test_named_fields_do_not_reduce_collections(api: Newsroom, fields: str, icon: str | None) -> None:
    found = {one["collection"]: one for one in (await api.get(f"/collections?fields={fields}"))["data"]}
    assert (len(found["movies"]), found["movies"]["note"], found["movies"]["icon"]) == (8, "Films", icon)


async def test_managing_an_unmanaged_table(api: Newsroom) -> None:
    assert await wrong(api, "PATCH", "/collections/keyless", json={"note": "x"}) == (
        404,
        205,
        'Collection "keyless" is not being managed by Directus',
    )
    assert await api.refusal("GET", "/collections/keyless") == (404, 203)
    answer = await api.ask("PATCH", "/collections/keyless", json={"managed": True, "note": "x"})
    assert (answer.status_code, answer.json()["data"]["managed"]) == (200, True)
    fields = (await api.get("/collections/keyless"))["data"]["fields"]
    assert fields["name"]["id"] is None
    answer = await api.ask("PATCH", "/collections/keyless", json={"managed": False})
    assert answer.json()["data"]["managed"] is False
    listed = {one["collection"]: one["managed"] for one in (await api.get("/collections"))["data"]}
    assert listed["keyless"] is False
    await api.rows_away("directus_collections", "collection = 'keyless'")


async def test_a_collection_is_dropped(api: Newsroom) -> None:
    answer = await api.ask("DELETE", "/collections/movies")
    assert (answer.status_code, answer.content) == (204, b"")
    assert await api.refusal("GET", "/items/movies") == (404, 200)
    assert await api.refusal("GET", "/collections/movies") == (404, 203)
    assert await api.refusal("GET", "/fields/movies") == (404, 200)
    assert "errors" in await api.graphql("{ movies { data { id } } }")
    assert await wrong(api, "DELETE", "/collections/movies") == (404, 200, "Unable to find collection: movies")
    assert await api.rows("SELECT count(*) FROM directus_fields WHERE collection = 'movies'") == [(0,)]


BLANK = "This value should not be blank."


REFUSED: tuple[tuple[Any, tuple[int, int, str]], ...] = (
    ({}, (422, 4, "Invalid collection name")),
    ({"collection": "***", "fields": [ID]}, (422, 4, "Invalid collection name")),
    ({"collection": "directus_x", "fields": [ID]}, (422, 4, "Invalid collection name")),
    ({"collection": "a.b", "fields": [ID]}, (422, 4, "Invalid collection name")),
    ({"collection": "nofields"}, (422, 4, f"fields: {BLANK}")),
    ({"collection": "nofields", "fields": []}, (422, 4, f"fields: {BLANK}")),
    ({"collection": "nokey", "fields": [NAME]}, (422, 12, "Collection does not have a primary key field.")),
    (
        {"collection": "x", "fields": [ID, {**ID, "field": "id2"}]},
        (422, 12, "Collection must only have one primary key field."),
    ),
    ({"collection": "x", "fields": [ID, NAME, NAME]}, (422, 12, "Collection fields name must be unique.")),
    ({**MOVIES, "x": 1}, (422, 12, 'Payload fields: "x" does not exist in "directus_collections" collection.')),
    (MOVIES, (422, 307, 'Collection "movies" already exists')),
    ({**MOVIES, "collection": "Movies"}, (422, 307, 'Collection "Movies" already exists')),
    ({"collection": "x", "fields": [ID, {**NAME, "type": "wat"}]}, (422, 401, "Unknown type: wat")),
    ({"collection": "x", "fields": [ID, {**NAME, "length": None}]}, (422, 402, "Missing length for: name")),
    (
        {"collection": "x", "fields": [ID, {**NAME, "datatype": "TEXT"}]},
        (422, 403, 'field "name" does not support length'),
    ),
    ({"collection": "x", "fields": [ID, {**NAME, "datatype": None}]}, (422, 12, "datatype is required")),
    (
        [MOVIES],
        (422, 12, 'Payload fields: "0" does not exist in "directus_collections" collection.'),
    ),
)


async def test_what_a_new_collection_must_be(api: Newsroom) -> None:
    before = await api.everything(), await api.get("/collections")
    for body, answer in REFUSED:
        found = await api.ask("POST", "/collections", json=body)
        error = found.json()["error"]
        assert (found.status_code, error["code"], error["message"]) == answer
    assert (await api.everything(), await api.get("/collections")) == before


async def test_odd_requests_of_collections(api: Newsroom) -> None:
    assert await api.refusal("POST", "/collections") == (400, 13)
    assert await api.refusal("PATCH", "/collections/movies") == (400, 13)
    assert await api.refusal("PATCH", "/collections/nosuch", json={"note": "x"}) == (404, 200)
    assert await api.refusal("PATCH", "/collections/directus_users", json={"note": "x"}) == (422, 4)
    assert await api.refusal("DELETE", "/collections/directus_users") == (422, 4)
    assert await api.refusal("PATCH", "/collections", json=[]) == (405, 6)
    # Blanks are allowed in names.
    made = await api.ask("POST", "/collections", json={"collection": "bad name", "fields": [ID]})
    assert made.status_code == 200
    assert (await api.get("/items/bad%20name")) == {"data": []}


# Fields


async def test_the_life_of_a_field(api: Newsroom) -> None:
    answer = await api.ask("POST", "/fields/movies?fields=*.*", json=RATING)
    made = answer.json()["data"]
    assert (answer.status_code, list(made)) == (200, FIELD_KEYS)
    expected = {
        "collection": "movies", "field": "rating", "datatype": "DECIMAL", "unique": False, "primary_key": False,
        "auto_increment": False, "default_value": None, "note": "0-10", "signed": True, "id": made["id"],
        "type": "decimal", "sort": 0, "interface": "numeric", "hidden_detail": False, "hidden_browse": False,
        "required": False, "options": None, "locked": False, "translation": None, "readonly": False, "width": "full",
        "validation": None, "group": None, "length": "3,1",
    }  # fmt: skip
    assert made == expected
    assert await api.get("/fields/movies/rating") == {"data": expected}
    query = "{ movies { data { title rating } } }"
    assert await api.graphql(query) == {"data": {"movies": {"data": [{"title": "Tide", "rating": None}]}}}

    change = {"note": "Stars", "length": "4,2", "field": "ignored", "sort": 5}
    answer = await api.ask("PATCH", "/fields/movies/rating", json=change)
    assert (answer.status_code, answer.json()) == (
        200,
        {"data": {**expected, "note": "Stars", "length": "4,2", "sort": 5}},
    )
    where = f"collection = 'directus_fields' AND item = '{made['id']}'"
    actions = f"SELECT action FROM directus_activity WHERE {where} ORDER BY id"
    assert await api.rows(actions) == [("create",), ("update",)]
    gone = await api.ask("DELETE", "/fields/movies/rating")
    assert (gone.status_code, gone.content) == (204, b"")
    assert await api.refusal("GET", "/fields/movies/rating") == (404, 202)
    assert list((await api.get("/items/movies"))["data"][0]) == ["id", "title"]


async def test_several_fields(api: Newsroom) -> None:
    await api.ask("POST", "/fields/movies", json=RATING)
    order = [{"field": "title", "sort": 2}, {"field": "rating", "sort": 1}]
    count = "SELECT count(*) FROM directus_activity WHERE collection = 'directus_fields'"
    before = await api.rows(count)
    answer = await api.ask("PATCH", "/fields/movies?activity_skip=1", json=order)
    assert answer.status_code == 200
    assert [(one["field"], one["sort"], list(one)) for one in answer.json()["data"]] == [
        ("title", 2, FIELD_KEYS),
        ("rating", 1, FIELD_KEYS),
    ]
    assert await api.rows(count) == before
    answer = await api.ask("PATCH", "/fields/movies/title,rating", json={"readonly": True})
    assert [one["readonly"] for one in answer.json()["data"]] == [True, True]
    assert (await api.rows(count))[0][0] == before[0][0] + 2


async def test_single_forms_wrap_what_they_refuse(api: Newsroom) -> None:
    path = "/fields/movies"
    for body, message in (
        ({}, f"field: {BLANK} type: {BLANK}"),
        ({**RATING, "length": None}, "Missing length for: rating"),
        ({**RATING, "datatype": None}, "datatype is required"),
        ({**RATING, "type": "wat"}, "Unknown type: wat"),
        ({**RATING, "datatype": "WATCHAR"}, 'field "rating" does not support length'),
        ({**RATING, "field": "title"}, 'Field "title" already exists'),
        ({**RATING, "nullable": True}, 'Payload fields: "nullable" does not exist in "directus_fields" collection.'),
        ([RATING], 'Payload fields: "0" does not exist in "directus_fields" collection.'),
    ):
        assert await wrong(api, "POST", path, json=body) == (422, 404, message)
    denied = 'Creating item to "directus_fields" collection was denied'
    for token in (None, "member-token", "nobody-token"):
        assert await wrong(api, "POST", path, token, json=RATING) == (422, 404, denied)
    assert await wrong(api, "POST", "/fields/nosuch", json=RATING) == (422, 404, "Unable to find collection: nosuch")
    assert await api.refusal("POST", path) == (400, 13)

    assert await wrong(api, "PATCH", f"{path}/zzz", json={"note": "x"}) == (422, 404, 'Unable to find field "zzz"')
    assert await wrong(api, "PATCH", f"{path}/title", json={"type": "wat"}) == (422, 404, "Unknown type: wat")
    denied = 'Updating item from "directus_fields" collection was denied'
    assert await wrong(api, "PATCH", f"{path}/title", "member-token", json={"note": "x"}) == (422, 404, denied)
    assert await api.refusal("PATCH", f"{path}/title") == (400, 13)
    await api.ask("POST", "/items/movies", json={"title": None})
    required = {"required": True, "type": "string", "datatype": "VARCHAR", "length": 100}
    status, code, message = await wrong(api, "PATCH", f"{path}/title", json=required)
    assert (status, code) == (422, 404)
    assert message.startswith("Can't make this field required.")


async def test_batch_forms_and_deletions_do_not(api: Newsroom) -> None:
    path = "/fields/movies"
    assert await api.refusal("PATCH", path, json=[{"sort": 1}]) == (422, 4)
    assert await api.refusal("PATCH", path, json={"sort": 1}) == (422, 4)
    assert await api.refusal("PATCH", path, json=[{"field": "zzz", "sort": 1}]) == (404, 202)
    assert await api.refusal("PATCH", path, json=[{"field": "title", "sort": 1}, {"field": "zzz"}]) == (404, 202)
    assert await api.refusal("PATCH", f"{path}/title,zzz", json={"sort": 1}) == (404, 202)
    assert await api.refusal("PATCH", f"{path}/title,id", json=[{"sort": 1}]) == (422, 12)
    assert await api.refusal("PATCH", "/fields/nosuch", json=[{"field": "a"}]) == (404, 200)
    assert await api.refusal("PATCH", "/fields/directus_users", json=[{"field": "email", "sort": 1}]) == (401, 201)
    assert await api.refusal("PATCH", "/fields/directus_users/email,id", json={"sort": 1}) == (401, 201)
    assert await api.refusal("PATCH", path) == (400, 13)

    assert await api.refusal("DELETE", f"{path}/zzz") == (404, 202)
    assert await api.refusal("DELETE", "/fields/nosuch/zzz") == (404, 200)
    assert await api.refusal("DELETE", f"{path}/id") == (422, 12)
    assert await api.refusal("DELETE", "/fields/directus_users/email") == (422, 12)
    assert await api.refusal("POST", f"{path}/title", json={}) == (405, 6)


async def test_only_admins_change_the_schema(api: Newsroom) -> None:
    before = await api.everything(), await api.get("/collections")
    for token in (None, "member-token", "nobody-token"):
        await _denied(api, token)
    assert (await api.everything(), await api.get("/collections")) == before


async def _denied(api: Newsroom, token: str | None) -> None:
    async def wrong(method: str, path: str, **more: Any) -> tuple[int, int, str]:
        answer = await api.ask(method, path, token, **more)
        error = answer.json()["error"]
        return answer.status_code, error["code"], error["message"]

    assert await wrong("POST", "/collections", json={**MOVIES, "collection": "plain"}) == (
        401,
        3,
        "Unauthorized to create collections",
    )
    assert await wrong("POST", "/collections", json={}) == (401, 3, "Unauthorized to create collections")
    assert await wrong("PATCH", "/collections/movies", json={"note": "x"}) == (401, 3, "Permission denied")
    assert (await wrong("DELETE", "/collections/movies"))[:2] == (403, 306)
    assert (await wrong("DELETE", "/collections/directus_users"))[:2] == (403, 306)
    assert (await wrong("PATCH", "/fields/movies", json=[{"field": "title", "sort": 1}]))[:2] == (403, 302)
    assert (await wrong("PATCH", "/fields/movies/id,title", json={"sort": 1}))[:2] == (403, 302)
    assert (await wrong("DELETE", "/fields/movies/title"))[:2] == (403, 303)
    mutation = 'mutation { delete_directus_collections_item(collection: "movies") }'
    refused = await api.graphql(mutation, token)
    assert refused["data"] == {"delete_directus_collections_item": None}
    assert refused["errors"][0]["extensions"]["code"] == 306


async def test_a_column_of_a_system_table(api: Newsroom) -> None:
    phone = {"field": "phone", "type": "string", "datatype": "VARCHAR", "length": 30, "interface": "text-input"}
    assert (await api.ask("POST", "/fields/directus_users", json=phone)).status_code == 200
    assert (await api.get("/users/me?fields=phone")) == {"data": {"phone": None}}
    assert (await api.ask("DELETE", "/fields/directus_users/phone")).status_code == 204
    locked = await wrong(api, "PATCH", "/fields/directus_users/email", json={"type": "integer", "datatype": "INT"})
    assert locked == (422, 404, 'Field "email" is locked')
    note = await api.ask("PATCH", "/fields/directus_users/email", json={"note": "Where to write to"})
    assert note.json()["data"]["note"] == "Where to write to"


async def test_what_an_app_does_for_a_many_to_many_field(api: Newsroom) -> None:
    junction = {
        "collection": "people_movies",
        "hidden": True,
        "note": "Junction",
        "fields": [
            {**ID, "datatype": "int", "length": None},
            {"field": "people", "type": "integer", "datatype": "INT", "interface": None},
            {"field": "movie", "type": "integer", "datatype": "INT", "interface": None},
        ],
    }
    assert (await api.ask("POST", "/collections", json=junction)).status_code == 200
    films = {
        "id": None, "sort": None, "translation": {}, "field": "films", "type": "o2m", "datatype": None,
        "interface": "many-to-many", "options": {}, "default_value": None, "length": None,
    }  # fmt: skip
    made = await api.ask("POST", "/fields/people", json=films)
    assert (made.status_code, made.json()["data"]["type"], made.json()["data"]["sort"]) == (200, "o2m", None)
    one = {
        "collection_many": "people_movies",
        "field_many": "people",
        "collection_one": "people",
        "field_one": "films",
        "junction_field": "movie",
        "id": None,
    }
    other = {
        "collection_many": "people_movies",
        "field_many": "movie",
        "collection_one": "movies",
        "field_one": "nosuch",
        "junction_field": "people",
        "id": None,
    }
    for relation in (one, other):
        assert (await api.ask("POST", "/relations", json=relation)).status_code == 200
    movie = (await api.get("/items/movies?fields=id"))["data"][0]["id"]
    body = {"name": "Ann", "films": [{"movie": {"id": movie}}]}
    written = await api.ask("POST", "/items/people?fields=name,films.movie.title", json=body)
    assert written.json() == {"data": {"name": "Ann", "films": [{"movie": {"title": "Tide"}}]}}
    query = '{ people(filter: {name_eq: "Ann"}) { data { films { movie { title } } } } }'
    assert (await api.graphql(query))["data"]["people"]["data"] == [{"films": [{"movie": {"title": "Tide"}}]}]

    assert (await api.ask("DELETE", "/fields/people/films?delete_junction=1")).status_code == 204
    assert await api.refusal("GET", "/items/people_movies") == (404, 200)
    count = "SELECT count(*) FROM directus_relations WHERE collection_many = 'people_movies'"
    assert await api.rows(count) == [(0,)]
    assert await api.refusal("GET", "/items/people?fields=films") == (422, 202)


async def test_a_junction_stays_unless_it_is_named(api: Newsroom) -> None:
    junction = {"collection": "people_movies", "fields": [ID, {**NAME, "field": "people"}, {**NAME, "field": "movie"}]}
    await api.ask("POST", "/collections", json=junction)
    await api.ask("POST", "/fields/people", json={"field": "films", "type": "o2m"})
    names = ("collection_many", "field_many", "collection_one", "field_one", "junction_field")
    rows = [
        ("people_movies", "people", "people", "films", "movie"),
        ("people_movies", "movie", "movies", None, "people"),
    ]
    await api.ask("POST", "/relations", json=[dict(zip(names, row, strict=True)) for row in rows])
    assert (await api.ask("DELETE", "/fields/people/films?delete_junction=false")).status_code == 204
    assert await api.get("/items/people_movies") == {"data": []}


# GraphQL


async def test_the_same_over_graphql(api: Newsroom) -> None:
    create = """mutation($data: CollectionInput!, $field: FieldInput!) {
      create_directus_collections_item(data: $data) { collection managed note _row fields { field type datatype } }
      create_directus_fields_item(collection: "plain", data: $field) { field length collection { collection note } }
    }"""
    fields = [ID, NAME]
    data = {"collection": "plain", "note": "Made", "fields": fields}
    found = await api.graphql(create, data=data, field=RATING)
    row = {
        "collection": "plain",
        "managed": True,
        "hidden": False,
        "single": False,
        "icon": None,
        "note": "Made",
        "translation": None,
    }
    assert found == {
        "data": {
            "create_directus_collections_item": {
                "collection": "plain",
                "managed": True,
                "note": "Made",
                "_row": row,
                "fields": [
                    {"field": "id", "type": "integer", "datatype": "INT"},
                    {"field": "name", "type": "string", "datatype": "VARCHAR"},
                ],
            },
            "create_directus_fields_item": {
                "field": "rating",
                "length": "3,1",
                "collection": {"collection": "plain", "note": "Made"},
            },
        }
    }
    change = """mutation {
      update_directus_collections_item(collection: "plain", data: {icon: "x"}) { icon }
      one: update_directus_fields_item(collection: "plain", field: "name", data: {note: "N"}) { note type }
      many: update_directus_fields_items(collection: "plain", ids: ["name", "rating"], data: {sort: 3}) { field sort }
      batch: update_directus_fields_batch(collection: "plain", data: [{field: "rating", width: "half"}]) { width_name }
      delete_directus_fields_item(collection: "plain", field: "rating")
      delete_directus_collections_item(collection: "plain")
    }"""
    assert await api.graphql(change) == {
        "data": {
            "update_directus_collections_item": {"icon": "x"},
            "one": {"note": "N", "type": "string"},
            "many": [{"field": "name", "sort": 3}, {"field": "rating", "sort": 3}],
            "batch": [{"width_name": "half"}],
            "delete_directus_fields_item": "rating",
            "delete_directus_collections_item": "plain",
        }
    }
    bad = await api.graphql('mutation { create_directus_collections_item(data: {collection: "***"}) { collection } }')
    assert bad["errors"][0]["extensions"] == {"category": "graphql", "code": 4, "kind": "ValidationFailed"}
    both = await api.graphql("mutation { create_directus_collections_item(data: {}, payload: {}) { collection } }")
    assert both["errors"][0]["extensions"]["code"] == 12
