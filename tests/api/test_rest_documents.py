"""Every document that the route table can make is valid on a real edition, whatever parameters a request carries."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from graphql import OperationDefinitionNode, validate

from core.auth.credentials import NONE
from core.errors import Unprocessable
from core.transfer.source import Source
from rest_adapter import ROUTES
from rest_adapter.call import READERS, Call
from rest_adapter.operation import operation
from rest_adapter.params import parse
from rest_adapter.request import Request
from rest_adapter.route import FILE, Route
from schema import execute
from schema.execute import Visit
from tests.api.newsroom import newsroom

VALUES = {
    "plan": "abc",
    "action": "read",
    "role": "3",
    "user": "2",
    "item": "1",
    "field": "id",
    "allow_destructive": "1",
    "fields": "id,*.*",
    "filter[a.b][in]": "1",
    "q": "x",
    "sort": "-id",
    "limit": "-1",
    "offset": "5",
    "page": "2",
    "status": "a,b",
    "lang": "de,en",
    "groups": "a",
    "comment": "x",
    "activity_skip": "1",
    "super_admin_token": "x",
    "delete_junction": "1",
    "format": "csv",
    "atomic": "0",
    "key": "id",
    "delimiter": ";",
    "w": "200",
    "h": "100",
    "f": "crop",
    "download": "",
    "expires": "60",
    "export": "csv",
    "where": '[{"field":"id","op":"in","value":[1],"or":true}]',
    "meta": "*",
    "single": "1",
}
ROWS = [route for route in ROUTES if route.operation]


@pytest.fixture(scope="module")
async def visits(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[tuple[Visit, Visit]]:
    """Visits to a project and to the server."""
    folder: Path = tmp_path_factory.mktemp("documents")
    async with newsroom(f"sqlite:///{folder}/x.db", folder / "data") as found:
        yield (
            await execute.enter(found.projects.get("main"), NONE),
            execute.server_visit(found.projects),
        )


def _calls(route: Route, collection: str | None) -> Iterator[Call]:
    """The calls of a row: without parameters, with each that it takes, with all."""
    taken = {key: value for key, value in VALUES.items() if key.split("[")[0] in route.takes}
    for given in ({}, *({key: value} for key, value in taken.items()), taken):
        query = "&".join(f"{key}={value}" for key, value in given.items())
        scope = {"method": route.method, "path": "/", "headers": [], "query_string": query.encode()}
        names = [name for name in route.placeholders if not name.startswith("_")]
        values: dict[str, Any] = {name: ["1"] if name == "ids" else "1" for name in names}
        if route.of_path:
            del values["collection"]
        call = Call(route, Request(scope), values, payload={"email": "x", "token": "x"}, collection=collection)
        call.upload = Source(items=[]) if route.body == FILE else None
        call.read_parameters()
        yield call


@pytest.mark.parametrize("route", ROWS, ids=lambda route: f"{route.method} {route.path} {route.operation}")
async def test_every_document_is_valid(visits: tuple[Visit, Visit], route: Route) -> None:
    visit = visits[1] if route.of_server else visits[0]
    edition = visit.edition
    names = edition.names
    collections = [name for name in names.collections if not name.startswith("directus_")] if names else []
    made = 0
    for collection in collections if route.of_path else [route.of]:
        for call in _calls(route, collection):
            arguments = call.arguments()
            try:
                ready = operation(edition.schema, names, route, collection, tuple(arguments), call.counts)
            except Unprocessable:
                assert collection == "keyless"
                continue
            assert validate(edition.schema, ready.document) == []
            (definition,) = ready.document.definitions
            assert isinstance(definition, OperationDefinitionNode)
            assert len(definition.selection_set.selections) == 1
            coerced = edition.documents.of(ready.document).operation(None).variables.coerce(arguments)
            assert not isinstance(coerced, list), (ready, coerced)
            made += 1
    assert made > 0


async def test_every_parameter_that_a_row_takes_is_known() -> None:
    assert {name for route in ROUTES for name in route.takes} == {*READERS, "meta", "single"}
    assert parse("&".join(f"{key}={value}" for key, value in VALUES.items())).keys() == {*READERS, "meta", "single"}


async def test_rows_are_distinct() -> None:
    keys = [(route.method, route.path, route.body) for route in ROUTES]
    assert len(set(keys)) == len(keys)
