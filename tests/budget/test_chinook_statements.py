"""How many statements a request runs on Chinook: by its shape, the same for one row and for all, on both doors.

The first statement of every request is the one that tells the caller and the head of the change log.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.api.chinook import Chinook, chinook

pytestmark = pytest.mark.shared


@pytest.fixture(scope="module")
async def music(dialect: str, shared: Path, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Chinook]:
    async with chinook(dialect, shared, tmp_path_factory.mktemp("chinook")) as found:
        yield found
        assert await found.checksums() == found.untouched["rows"]


# REST fields, the same as a GraphQL selection, statements: the caller's, the list's, one for each relation.
SHAPES = [
    pytest.param("Artist", "*", "ArtistId Name", 2, id="columns"),
    pytest.param("Track", "*,AlbumId.*", "TrackId AlbumId { AlbumId Title }", 3, id="one M2O"),
    pytest.param(
        "Track",
        "Name,AlbumId.Title,GenreId.Name,MediaTypeId.Name",
        "Name AlbumId { Title } GenreId { Name } MediaTypeId { Name }",
        5,
        id="three M2O",
    ),
    pytest.param("Artist", "Name,Album.Title", "Name Album { Title }", 3, id="one O2M"),
    pytest.param(
        "Playlist", "Name,PlaylistTrack.TrackId.Name", "Name PlaylistTrack { TrackId { Name } }", 4, id="one M2M"
    ),
    pytest.param(
        "Artist",
        "Name,Album.Title,Album.Track.Name,Album.Track.InvoiceLine.Quantity",
        "Name Album { Title Track { Name InvoiceLine { Quantity } } }",
        5,
        id="four levels down",
    ),
    pytest.param(
        "InvoiceLine",
        "TrackId.AlbumId.ArtistId.Name,InvoiceId.CustomerId.SupportRepId.ReportsTo.LastName",
        "TrackId { AlbumId { ArtistId { Name } } }"
        " InvoiceId { CustomerId { SupportRepId { ReportsTo { LastName } } } }",
        9,
        id="seven M2O on two paths",
    ),
    pytest.param(
        "Employee",
        "LastName,ReportsTo.LastName,Employee.LastName,Employee.Customer.LastName",
        "LastName ReportsTo { LastName } Employee { LastName Customer { LastName } }",
        5,
        id="the self relation both ways",
    ),
]


@pytest.mark.parametrize(("table", "fields", "selection", "statements"), SHAPES)
async def test_reads(music: Chinook, table: str, fields: str, selection: str, statements: int) -> None:
    # One row that needs every level: the second employee has a superior and subordinates, the second playlist is empty.
    first = 0 if table == "Playlist" else 1
    for window in (f"limit=1&offset={first}", "limit=-1"):
        assert await music.statements(lambda w=window: music.get(f"/items/{table}?{w}&fields={fields}")) == statements  # type: ignore[misc]
    for arguments in (f"limit: 1, offset: {first}", "limit: -1"):
        document = f"{{ rows: {table}({arguments}) {{ data {{ {selection} }} }} }}"
        assert await music.statements(lambda d=document: music.data(d)) == statements  # type: ignore[misc]


SALES = '{Album: {Track: {InvoiceLine: {InvoiceId: {BillingCountry_eq: "Norway"}}}}}'
OTHERS = [
    ("Track/1?fields=*", '{ Track_by_id(id: "1") { Name } }', 2),
    ("Track/1?fields=AlbumId.ArtistId.Name", "{ Track(id: 1) { data { AlbumId { ArtistId { Name } } } } }", 4),
    ("Track/1,2,3?fields=*", '{ Track(ids: ["1", "2", "3"]) { data { Name } } }', 2),
    (
        "Artist?filter[Album.Track.InvoiceLine.InvoiceId.BillingCountry]=Norway",
        f"{{ Artist(filter: {SALES}) {{ data {{ Name }} }} }}",
        2,
    ),
    ("Artist?q=led&sort=-Name&limit=5&page=2", '{ Artist(q: "led", sort: ["-Name"]) { data { Name } } }', 2),
    ("Artist?meta=result_count,type", "{ Artist { data { Name } meta { result_count type } } }", 2),
    ("Artist?meta=total_count", "{ Artist { data { Name } meta { total_count } } }", 2),
    (
        "Artist?meta=*&filter[Name][contains]=a&limit=3",
        '{ Artist(filter: {Name_contains: "a"}, limit: 3) { data { Name } meta { total_count filter_count page } } }',
        2,
    ),
    ("Artist?limit=0", "{ Artist(limit: 0) { data { Name } } }", 2),
    ("Artist?filter[Name]=no&fields=Album.*", '{ Artist(filter: {Name_eq: "no"}) { data { Album { Title } } } }', 2),
]


@pytest.mark.parametrize(("path", "document", "statements"), OTHERS)
async def test_other_reads(music: Chinook, path: str, document: str, statements: int) -> None:
    found = (
        await music.statements(lambda: music.get(f"/items/{path}")),
        await music.statements(lambda: music.data(document)),
    )
    assert found == (statements, statements)


async def test_aggregates_and_several_root_fields(music: Chinook) -> None:
    document = (
        '{ a: Invoice_aggregate(group_by: ["BillingCountry"], sort: ["-s"]) { group s: sum(field: "Total") count } }'
    )
    assert await music.statements(lambda: music.data(document)) == 2
    document = (
        "{ a: Artist { data { Name } } b: Artist { data { Name } meta { total_count } } c: Genre_aggregate { count } }"
    )
    assert await music.statements(lambda: music.data(document)) == 4


async def test_metadata_and_refusals_need_no_statement_beyond_the_caller(music: Chinook) -> None:
    async def refused(path: str) -> Any:
        return await music.refusal("GET", path)

    for path in ("/items/Artist?filter[nope]=1", "/items/Artist?sort=nope", "/items/Artist?fields=nope"):
        assert await music.statements(lambda p=path: refused(p)) == 1  # type: ignore[misc]
    assert await music.statements(lambda: music.graphql("{ nope }")) == 1
    assert await music.statements(lambda: music.get("/fields/Artist")) == 1
    assert await music.statements(lambda: music.data("{ __schema { queryType { name } } }")) == 1


async def test_a_request_of_the_public_is_told_by_one_statement(music: Chinook) -> None:
    async def anonymous() -> None:
        assert (await music.ask("GET", music.name("/items/Artist"), None)).status_code == 401

    assert await music.statements(anonymous) == 1


# Statements of a write by dialect: MySQL has no RETURNING, and tells the keys of several rows by one more question.
# The caller's; the stored rows, where there are some; the write; activity; revisions; the item as read back.
WRITES = {"sqlite": (5, 6, 4), "postgres": (5, 6, 4), "mysql": (6, 7, 4)}
BATCHES = {"sqlite": (5, 6, 4), "postgres": (5, 6, 4), "mysql": (8, 8, 4)}
NESTED = {"sqlite": 8, "postgres": 8, "mysql": 14}


async def test_writes_of_one_item(music: Chinook) -> None:
    async def work() -> tuple[int, int, int]:
        async with music.counting() as create:
            made = await music.rest("POST", "/items/Genre", {"Name": "x"})
        key = made["data"]["GenreId"]
        async with music.counting() as update:
            await music.rest("PATCH", f"/items/Genre/{key}", {"Name": "y"})
        async with music.counting() as delete:
            await music.rest("DELETE", f"/items/Genre/{key}")
        return create[0], update[0], delete[0]

    async def graphql() -> tuple[int, int, int]:
        async with music.counting() as create:
            made = await music.data('mutation { it: create_Genre_item(data: {Name: "x"}) { GenreId } }')
        key = made["it"]["GenreId"]
        async with music.counting() as update:
            await music.data(f'mutation {{ it: update_Genre_item(id: {key}, data: {{Name: "y"}}) {{ Name }} }}')
        async with music.counting() as delete:
            await music.data(f"mutation {{ it: delete_Genre_item(id: {key}) }}")
        return create[0], update[0], delete[0]

    for door in (work, graphql):
        await door()
        assert await door() == WRITES[music.dialect]


@pytest.mark.parametrize("count", [2, 60])
async def test_writes_of_several_items(music: Chinook, count: int) -> None:
    async def work() -> tuple[int, int, int]:
        async with music.counting() as create:
            made = await music.rest("POST", "/items/Genre", [{"Name": f"n{one}"} for one in range(count)])
        keys = [one["GenreId"] for one in made["data"]]
        async with music.counting() as update:
            await music.rest("PATCH", "/items/Genre", [{"GenreId": key, "Name": f"m{key}"} for key in keys])
        async with music.counting() as delete:
            await music.rest("DELETE", f"/items/Genre/{','.join(map(str, keys))}")
        return create[0], update[0], delete[0]

    await work()
    assert await work() == BATCHES[music.dialect]


@pytest.mark.parametrize("count", [2, 8])
async def test_nested_writes(music: Chinook, count: int) -> None:
    track = {"MediaTypeId": 1, "Milliseconds": 1, "UnitPrice": 1}

    async def work() -> int:
        albums = [
            {"Title": f"a{one}", "Track": [{"Name": f"t{other}", **track} for other in range(count)]}
            for one in range(count)
        ]
        async with music.counting() as create:
            made = await music.rest("POST", "/items/Artist?fields=*,Album.*", {"Name": "x", "Album": albums})
        artist = made["data"]["ArtistId"]
        keys = [one["AlbumId"] for one in made["data"]["Album"]]
        tracks = await music.get(f"/items/Track?fields=TrackId&filter[AlbumId][in]={','.join(map(str, keys))}")
        await music.rest("DELETE", f"/items/Track/{','.join(str(one['TrackId']) for one in tracks)}")
        await music.rest("DELETE", f"/items/Album/{','.join(map(str, keys))}")
        await music.rest("DELETE", f"/items/Artist/{artist}")
        return create[0]

    await work()
    assert await work() == NESTED[music.dialect]
