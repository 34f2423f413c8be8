"""In charge of requests that are under way while the schema changes: none of them fails because of it."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from core import engine, errors
from core.ddl.collections import create_collection, delete_collection
from core.ddl.fields import create_field, delete_field, update_field
from core.query.aggregate import AggregateRequest, Measure
from core.query.change import WriteRequest
from core.query.selection import ROW, Condition, ReadRequest
from core.session import Session
from tests.contract.ddl.world import ID, TITLE, World

CODE = {**TITLE, "field": "code", "length": 20}


async def items(session: Session, name: str, **more: Any) -> list[dict[str, Any]]:
    return [one["_row"] for one in (await engine.read(session, ReadRequest(name, ROW, **more))).items]


async def test_a_request_that_began_before_a_change_answers_after_it(world: World) -> None:
    await create_collection(world.admin(), {"collection": "things", "fields": [ID, TITLE, CODE]})
    await world.run("INSERT INTO \"things\" (title, code) VALUES ('a', '1'), ('b', '2')")
    old = world.admin()
    assert await items(old, "things") == [
        {"id": 1, "title": "a", "code": "1"},
        {"id": 2, "title": "b", "code": "2"},
    ]
    await update_field(world.admin(), "things", "code", {"type": "integer", "datatype": "INT"})
    found = await items(old, "things", where=(Condition("code", "gt", "1"),))
    assert [(one["id"], str(one["code"])) for one in found] == [(2, "2")]
    await delete_field(world.admin(), "things", "code")
    assert await items(old, "things") == [{"id": 1, "title": "a"}, {"id": 2, "title": "b"}]
    request = WriteRequest("things", "create", ({"title": "c"},))
    written = (await engine.write(old, request)).items[0]
    # MySQL does not give out again the key of the first try.
    assert written == {"_row": {"id": 4 if world.dialect == "mysql" else 3, "title": "c"}}
    counted = AggregateRequest("things", measures=(Measure("all", "count"),))
    assert await engine.aggregate(old, counted) == [{"all": 3}]
    # What names the field that is gone is told so, as the next request would be.
    with pytest.raises(errors.InvalidField):
        await items(old, "things", where=(Condition("code", "eq", "1"),))
    with pytest.raises(errors.Unprocessable):
        await engine.write(old, WriteRequest("things", "create", ({"title": "d", "code": 1},)))
    await delete_collection(world.admin(), "things")
    with pytest.raises(errors.CollectionNotFound):
        await items(old, "things")


async def test_reads_and_writes_go_on_while_fields_come_and_go(world: World) -> None:
    await create_collection(world.admin(), {"collection": "busy", "fields": [ID, TITLE]})
    stop = asyncio.Event()
    done = {"reads": 0, "writes": 0}

    async def reads() -> None:
        while not stop.is_set():
            found = await items(world.admin(), "busy", limit=5)
            assert all({"id", "title"} <= one.keys() for one in found)
            done["reads"] += 1
            await asyncio.sleep(0)

    async def writes() -> None:
        while not stop.is_set():
            await engine.write(world.admin(), WriteRequest("busy", "create", ({"title": "x"},)))
            done["writes"] += 1
            await asyncio.sleep(0.001)

    async def alters() -> None:
        for number in range(4):
            await create_field(world.admin(), "busy", {**CODE, "field": f"f{number}", "default_value": "x"})
            await update_field(world.admin(), "busy", f"f{number}", {"length": 30})
            await delete_field(world.admin(), "busy", f"f{number}")
        stop.set()

    await asyncio.gather(reads(), reads(), writes(), alters())
    assert done["reads"] > 0
    assert await world.rows('SELECT COUNT(*) FROM "busy"') == [(done["writes"],)]


async def test_alterations_at_once_come_one_after_the_other(world: World) -> None:
    await create_collection(world.admin(), {"collection": "queue", "fields": [ID]})
    names = [f"f{number}" for number in range(6)]
    same = {**CODE, "field": "same"}
    outcomes = await asyncio.gather(
        *(create_field(world.admin(), "queue", {**CODE, "field": name}) for name in names),
        create_field(world.admin(), "queue", same),
        create_field(world.admin(), "queue", same),
        return_exceptions=True,
    )
    failures = [one for one in outcomes if isinstance(one, BaseException)]
    assert [type(one) for one in failures] == [errors.FieldExists]
    fields = world.project.snapshot.collections["queue"].fields
    assert set(fields) == {"id", "same", *names}
    assert [row[0] for row in await world.rows("SELECT COUNT(*) FROM directus_fields WHERE collection = 'queue'")] == [
        8
    ]


async def test_an_alteration_goes_on_when_its_request_is_cancelled(world: World) -> None:
    await create_collection(world.admin(), {"collection": "gone_away", "fields": [ID]})
    task = asyncio.create_task(create_field(world.admin(), "gone_away", CODE))
    await asyncio.sleep(0.002)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    snapshot = await world.project.follow()
    assert list(snapshot.collections["gone_away"].fields) == ["id", "code"]
    assert [row[0] for row in await world.fields("gone_away")] == ["id", "code"]


async def test_a_relation_is_seen_by_the_next_request(world: World) -> None:
    await create_collection(world.admin(), {"collection": "left", "fields": [ID, {"field": "r", "type": "o2m"}]})
    await create_collection(
        world.admin(), {"collection": "right", "fields": [ID, {"field": "l", "type": "m2o", "datatype": "INT"}]}
    )
    payload = {"collection_many": "right", "field_many": "l", "collection_one": "left", "field_one": "r"}
    result = await engine.write(world.admin(), WriteRequest("directus_relations", "create", (payload,)))
    assert "r" in world.project.snapshot.collections["left"].relations
    assert "l" in world.project.snapshot.collections["right"].relations
    key = str(result.keys[0])
    await engine.write(world.admin(), WriteRequest("directus_relations", "delete", keys=(key,)))
    assert "r" not in world.project.snapshot.collections["left"].relations


async def test_what_happened_is_told_once_it_is_stored_in_its_order(world: World) -> None:
    told: list[tuple[str, ...]] = []
    remove = world.project.events.add(lambda events: told.extend(event.names for event in events))
    try:
        await create_collection(world.admin(), {"collection": "told", "fields": [ID]})
        await create_field(world.admin(), "told", CODE)
        await update_field(world.admin(), "told", "code", {"sort": 3})
        with pytest.raises(errors.FieldExists):
            await create_field(world.admin(), "told", CODE)
        await delete_field(world.admin(), "told", "code")
        await delete_collection(world.admin(), "told")
    finally:
        remove()
    row = {verb: (f"item.{verb}:after", f"item.{verb}.directus_fields:after") for verb in ("create", "update")}
    field = {verb: (f"field.{verb}:after", f"field.{verb}.told:after") for verb in ("create", "update", "delete")}
    assert told == [
        row["create"],
        ("item.create:after", "item.create.directus_collections:after"),
        ("collection.create:after",),
        row["create"],
        ("collection.update:after",),
        field["create"],
        row["update"],
        field["update"],
        ("collection.update:after",),
        field["delete"],
        ("collection.delete:after",),
    ]


async def test_webhooks_are_told_of_rows_of_metadata_with_the_change_itself(world: World) -> None:
    hook = {
        "status": "active", "http_action": "post", "url": "https://hooks.example/", "collection": "directus_fields",
        "directus_action": "item.create:after",
    }  # fmt: skip
    made = await engine.write(world.admin(), WriteRequest("directus_webhooks", "create", (hook,)))
    await world.project.follow()
    try:
        await create_collection(world.admin(), {"collection": "hooked", "fields": [ID]})
        await create_field(world.admin(), "hooked", CODE)
        with pytest.raises(errors.FieldExists):
            await create_field(world.admin(), "hooked", CODE)
        told = await world.rows("SELECT collection, event, body FROM directus_deliveries ORDER BY id")
    finally:
        await engine.write(world.admin(), WriteRequest("directus_webhooks", "delete", keys=(str(made.keys[0]),)))
        await world.run("DELETE FROM directus_deliveries")
        await world.project.follow()
        await delete_collection(world.admin(), "hooked")
    assert [row[:2] for row in told] == [("directus_fields", "item.create:after")] * 2
    rows = [json.loads(row[2]) for row in told]
    assert [(row["collection"], row["field"]) for row in rows] == [("hooked", "id"), ("hooked", "code")]
    assert await world.rows("SELECT id FROM directus_deliveries") == []
