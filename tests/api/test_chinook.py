"""Chinook, a database that others made, over both doors: exact rows, and the same answers on three databases.

What must come out is computed from the SQLite file as it came, without Tabularium (tests/api/chinook.py).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.api.chinook import COUNTS, TABLES, Chinook, chinook, definitions

pytestmark = pytest.mark.shared


@pytest.fixture(scope="module")
async def music(dialect: str, shared: Path, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Chinook]:
    async with chinook(dialect, shared, tmp_path_factory.mktemp("chinook")) as found:
        yield found
        # Whatever the tests of this module did, they have put back what was there.
        assert await found.checksums() == found.untouched["rows"]
        assert await found.beside.run_sync(definitions, write=False) == found.untouched["tables"]


def by(rows: list[dict[str, Any]], key: str) -> dict[Any, list[dict[str, Any]]]:
    """Rows by the value of a column, which is taken out."""
    found: dict[Any, list[dict[str, Any]]] = defaultdict(list)
    for row in rows:
        found[row.pop(key)].append(row)
    return found


# The tables


async def test_a_project_is_made_and_the_tables_stay_as_they_are(music: Chinook) -> None:
    assert music.said == "Project music serves 11 tables and 0 views of its database. Admin: admin@example.com"
    rows = music.untouched["rows"]
    assert {table: count for table, (count, _) in rows.items()} == COUNTS
    assert await music.checksums() == rows
    assert await music.beside.run_sync(definitions, write=False) == music.untouched["tables"]
    assert len(music.untouched["tables"]) == 11


async def test_every_table_is_served_whole_by_both_doors(music: Chinook) -> None:
    for table, columns in TABLES.items():
        keys = ", ".join(columns[:2] if table == "PlaylistTrack" else columns[:1])
        expected = music.items(f'SELECT * FROM "{table}" ORDER BY {keys}')
        assert len(expected) == COUNTS[table]
        assert await music.get(f"/items/{table}?limit=-1") == expected
        found = await music.data(f"{{ rows: {table}(limit: -1) {{ data {{ _row }} meta {{ total_count }} }} }}")
        assert [one["_row"] for one in found["rows"]["data"]] == expected
        assert found["rows"]["meta"] == {"total_count": COUNTS[table]}


async def test_typed_fields_have_the_same_values(music: Chinook) -> None:
    relations = {"ArtistId", "SupportRepId", "ReportsTo", "CustomerId", "InvoiceId", "TrackId", "AlbumId", "GenreId"}
    relations |= {"MediaTypeId", "PlaylistId"}
    for table, columns in TABLES.items():
        linked = [one for one in columns if one in relations and (one != columns[0] or table == "PlaylistTrack")]
        fields = " ".join(f"{one}: {one}__key" if one in linked else one for one in columns)
        found = await music.data(f"{{ rows: {table}(limit: 300) {{ data {{ {fields} }} }} }}")
        keys = ", ".join(columns[:2] if table == "PlaylistTrack" else columns[:1])
        expected = music.items(f'SELECT * FROM "{table}" ORDER BY {keys} LIMIT 300')
        for row in expected:
            row.update({one: str(row[one]) for one in linked if row[one] is not None})
        assert found["rows"]["data"] == expected


async def test_the_catalogue_tells_tables_and_fields(music: Chinook) -> None:
    listed = {one["collection"]: one for one in await music.get("/collections")}
    own = sorted(name for name in listed if not name.startswith("directus_"))
    assert own == sorted(TABLES)
    assert not any(listed[name]["managed"] for name in own)
    invoice = listed["Invoice"]["fields"]
    assert [name for name in invoice if name in TABLES["Invoice"]] == list(TABLES["Invoice"])
    assert [(name, one["type"]) for name, one in invoice.items()][:5] == [
        ("InvoiceId", "integer"), ("CustomerId", "integer"), ("InvoiceDate", "datetime"), ("BillingAddress", "string"),
        ("BillingCity", "string"),
    ]  # fmt: skip
    assert (invoice["Total"]["type"], invoice["Total"]["length"]) == ("decimal", "10,2")
    assert [name for name, one in invoice.items() if one["primary_key"]] == ["InvoiceId"]
    assert [name for name, one in invoice.items() if one["required"]] == [
        "InvoiceId", "CustomerId", "InvoiceDate", "Total",
    ]  # fmt: skip


async def test_nothing_is_public(music: Chinook) -> None:
    for method, path, refusal in (
        ("GET", "/items/Artist", (401, 3)),
        ("GET", "/items/Artist/1", (404, 203)),
        ("POST", "/items/Artist", (403, 301)),
        ("PATCH", "/items/Artist/1", (404, 203)),
        ("DELETE", "/items/Artist/1", (403, 303)),
        ("GET", "/items/Nothing", (404, 200)),
        ("GET", "/collections", (401, 3)),
    ):
        body = {"json": music.out({"Name": "x"})} if method in ("POST", "PATCH") else {}
        answer = await music.ask(method, music.name(path), None, **body)
        assert (answer.status_code, answer.json()["error"]["code"]) == refusal, path


# Relations


async def test_four_levels_from_artists_to_invoice_lines(music: Chinook) -> None:
    lines = by(music.items("SELECT TrackId, Quantity, UnitPrice FROM InvoiceLine ORDER BY InvoiceLineId"), "TrackId")
    tracks = music.items("SELECT AlbumId, TrackId, Name FROM Track ORDER BY TrackId")
    for track in tracks:
        track["InvoiceLine"] = lines.get(track.pop("TrackId"), [])
    of_album = by(tracks, "AlbumId")
    albums = music.items("SELECT ArtistId, AlbumId, Title FROM Album ORDER BY AlbumId")
    for album in albums:
        album["Track"] = of_album.get(album.pop("AlbumId"), [])
    of_artist = by(albums, "ArtistId")
    artists = music.items("SELECT ArtistId, Name FROM Artist ORDER BY ArtistId")
    for artist in artists:
        artist["Album"] = of_artist.get(artist.pop("ArtistId"), [])
    leaves = [line for artist in artists for album in artist["Album"] for track in album["Track"]
              for line in track["InvoiceLine"]]  # fmt: skip
    assert (len(artists), len(leaves)) == (275, 2240)

    fields = ("Name", "Album.Title", "Album.Track.Name", "Album.Track.InvoiceLine.Quantity",
              "Album.Track.InvoiceLine.UnitPrice")  # fmt: skip
    assert await music.get(f"/items/Artist?limit=-1&fields={','.join(fields)}") == artists
    found = await music.data(
        """{ Artist(limit: -1) {
          data { Name Album { Title Track { Name InvoiceLine { Quantity UnitPrice } } } }
        } }"""
    )
    assert found["Artist"]["data"] == artists
    assert artists[0]["Album"][1] == {
        "Title": "Let There Be Rock",
        "Track": [
            {"Name": "Go Down", "InvoiceLine": [{"Quantity": 1, "UnitPrice": 0.99}]},
            {"Name": "Dog Eat Dog", "InvoiceLine": [{"Quantity": 1, "UnitPrice": 0.99}]},
            {"Name": "Let There Be Rock", "InvoiceLine": []},
            {"Name": "Bad Boy Boogie", "InvoiceLine": []},
            {"Name": "Problem Child", "InvoiceLine": [{"Quantity": 1, "UnitPrice": 0.99}]},
            {"Name": "Overdose", "InvoiceLine": [{"Quantity": 1, "UnitPrice": 0.99}] * 2},
            {"Name": "Hell Ain't A Bad Place To Be", "InvoiceLine": [{"Quantity": 1, "UnitPrice": 0.99}]},
            {"Name": "Whole Lotta Rosie", "InvoiceLine": []},
        ],
    }


async def test_four_levels_back_from_an_invoice_line_to_its_artist(music: Chinook) -> None:
    expected = {
        "InvoiceLineId": 579,
        "InvoiceId": {"CustomerId": {"SupportRepId": {"ReportsTo": {"LastName": "Edwards"}}}},
        "TrackId": {"Name": "For Those About To Rock (We Salute You)", "AlbumId": {"ArtistId": {"Name": "AC/DC"}}},
    }
    fields = "InvoiceLineId,TrackId.Name,TrackId.AlbumId.ArtistId.Name"
    fields += ",InvoiceId.CustomerId.SupportRepId.ReportsTo.LastName"
    assert music.expected(
        """SELECT t.Name, a.Name, m.LastName FROM InvoiceLine l JOIN Track t USING (TrackId) JOIN Album USING (AlbumId)
           JOIN Artist a USING (ArtistId) JOIN Invoice i ON i.InvoiceId = l.InvoiceId JOIN Customer c USING (CustomerId)
           JOIN Employee e ON e.EmployeeId = c.SupportRepId JOIN Employee m ON m.EmployeeId = e.ReportsTo
           WHERE InvoiceLineId = 579"""
    ) == [("For Those About To Rock (We Salute You)", "AC/DC", "Edwards")]  # fmt: skip
    assert await music.get(f"/items/InvoiceLine/579?fields={fields}") == expected
    found = await music.data(
        """{ line: InvoiceLine_by_id(id: 579) {
          InvoiceLineId InvoiceId { CustomerId { SupportRepId { ReportsTo { LastName } } } }
          TrackId { Name AlbumId { ArtistId { Name } } }
        } }"""
    )
    assert found["line"] == expected


async def test_playlists_and_tracks_through_the_junction(music: Chinook) -> None:
    rows = music.items(
        "SELECT PlaylistId, t.Name FROM PlaylistTrack JOIN Track t USING (TrackId) ORDER BY PlaylistId, TrackId"
    )
    tracks = by([{"PlaylistId": row["PlaylistId"], "TrackId": {"Name": row["Name"]}} for row in rows], "PlaylistId")
    playlists = music.items("SELECT PlaylistId, Name FROM Playlist ORDER BY PlaylistId")
    for playlist in playlists:
        playlist["PlaylistTrack"] = tracks.get(playlist["PlaylistId"], [])
    assert [len(one["PlaylistTrack"]) for one in playlists] == [
        3290, 0, 213, 0, 1477, 0, 0, 3290, 1, 213, 39, 75, 25, 25, 25, 15, 26, 1,
    ]  # fmt: skip
    assert await music.get("/items/Playlist?fields=*,PlaylistTrack.TrackId.Name") == playlists
    found = await music.data("{ Playlist { data { PlaylistId Name PlaylistTrack { TrackId { Name } } } } }")
    assert found["Playlist"]["data"] == playlists

    there = [{"PlaylistId": {"Name": name}} for name in ("Music", "90’s Music", "Music", "Grunge")]
    assert await music.get("/items/Track/52?fields=Name,PlaylistTrack.PlaylistId.Name") == {
        "Name": "Man In The Box", "PlaylistTrack": there,
    }  # fmt: skip
    found = await music.data("{ it: Track_by_id(id: 52) { Name PlaylistTrack { PlaylistId { Name } } } }")
    assert found["it"] == {"Name": "Man In The Box", "PlaylistTrack": there}


async def test_employees_and_their_superiors(music: Chinook) -> None:
    top: dict[str, Any] = {"LastName": "Adams", "ReportsTo": None}
    sales, machines = ({"LastName": name, "ReportsTo": {"LastName": "Adams"}} for name in ("Edwards", "Mitchell"))
    expected = [
        {"LastName": name, "ReportsTo": above, "Employee": [{"LastName": one} for one in below.split()]}
        for name, above, below in (
            ("Adams", None, "Edwards Mitchell"),
            ("Edwards", top, "Peacock Park Johnson"),
            ("Peacock", sales, ""),
            ("Park", sales, ""),
            ("Johnson", sales, ""),
            ("Mitchell", top, "King Callahan"),
            ("King", machines, ""),
            ("Callahan", machines, ""),
        )
    ]
    fields = "LastName,ReportsTo.LastName,ReportsTo.ReportsTo.LastName,Employee.LastName"
    assert await music.get(f"/items/Employee?fields={fields}") == expected
    found = await music.data(
        "{ Employee { data { LastName ReportsTo { LastName ReportsTo { LastName } } Employee { LastName } } } }"
    )
    assert found["Employee"]["data"] == expected


async def test_related_items_are_ordered_narrowed_and_cut_for_each_parent(music: Chinook) -> None:
    expected = []
    for artist, name in music.expected("SELECT ArtistId, Name FROM Artist ORDER BY ArtistId LIMIT 25"):
        albums = []
        for album, title in music.expected(
            "SELECT AlbumId, Title FROM Album WHERE ArtistId = ? ORDER BY AlbumId DESC LIMIT 2", artist
        ):
            tracks = music.items(
                """SELECT Name, Milliseconds FROM Track WHERE AlbumId = ? AND UnitPrice < 1
                   ORDER BY Milliseconds DESC, TrackId LIMIT 2 OFFSET 1""",
                album,
            )
            albums.append({"Title": title, "Track": tracks})
        expected.append({"Name": name, "Album": albums})
    found = await music.data(
        """{ Artist(limit: 25) { data { Name Album(limit: 2, sort: ["-AlbumId"]) {
          Title
          Track(limit: 2, offset: 1, sort: ["-Milliseconds"], filter: {UnitPrice_lt: 1}) { Name Milliseconds }
        } } } }"""
    )
    assert found["Artist"]["data"] == expected


# Filters


async def answers(music: Chinook, table: str, query: str, filter_: str) -> list[int]:
    """The keys that a REST query finds; the GraphQL filter finds the same."""
    key = TABLES[table][0]
    found = [one[key] for one in await music.get(f"/items/{table}?limit=-1&fields={key}&{query}")]
    typed = await music.data(f"{{ rows: {table}(limit: -1, filter: {filter_}) {{ data {{ {key} }} }} }}")
    assert [one[key] for one in typed["rows"]["data"]] == found
    return found


@pytest.mark.parametrize(
    ("table", "query", "filter_", "sql", "count"),
    [
        pytest.param(
            "Track", "filter[AlbumId.ArtistId.Name]=AC/DC", '{AlbumId: {ArtistId: {Name_eq: "AC/DC"}}}',
            "AlbumId IN (SELECT AlbumId FROM Album JOIN Artist a USING (ArtistId) WHERE a.Name = 'AC/DC')", 18,
            id="tracks of an artist",
        ),
        pytest.param(
            "Customer", "filter[Invoice.InvoiceLine.TrackId.GenreId.Name]=Jazz",
            '{Invoice: {InvoiceLine: {TrackId: {GenreId: {Name_eq: "Jazz"}}}}}',
            """CustomerId IN (SELECT CustomerId FROM Invoice JOIN InvoiceLine USING (InvoiceId)
               JOIN Track USING (TrackId) WHERE GenreId = 2)""", 32,
            id="customers who bought jazz",
        ),
        pytest.param(
            "Playlist", "filter[PlaylistTrack.TrackId.AlbumId.ArtistId.Name][contains]=nirvana",
            '{PlaylistTrack: {TrackId: {AlbumId: {ArtistId: {Name_contains: "nirvana"}}}}}',
            """PlaylistId IN (SELECT PlaylistId FROM PlaylistTrack JOIN Track USING (TrackId) JOIN Album USING (AlbumId)
               JOIN Artist a USING (ArtistId) WHERE a.Name = 'Nirvana')""", 4,
            id="playlists with an artist",
        ),
        pytest.param(
            "Artist", "filter[Album.Track.InvoiceLine.InvoiceId.BillingCountry][in]=Norway,Chile",
            '{Album: {Track: {InvoiceLine: {InvoiceId: {BillingCountry_in: "Norway,Chile"}}}}}',
            """ArtistId IN (SELECT ArtistId FROM Album JOIN Track USING (AlbumId) JOIN InvoiceLine USING (TrackId)
               JOIN Invoice USING (InvoiceId) WHERE BillingCountry IN ('Norway', 'Chile'))""", 29,
            id="artists sold to two countries",
        ),
        pytest.param(
            "Employee", "filter[ReportsTo.ReportsTo.LastName]=Adams&filter[Customer][has]=20",
            '{ReportsTo: {ReportsTo: {LastName_eq: "Adams"}}, Customer_has: "20"}',
            "EmployeeId IN (SELECT SupportRepId FROM Customer GROUP BY SupportRepId HAVING COUNT(*) >= 20)", 2,
            id="the self relation, and a count",
        ),
        pytest.param(
            "Artist", "filter[Album][has]=10", '{Album_has: "10"}',
            "ArtistId IN (SELECT ArtistId FROM Album GROUP BY ArtistId HAVING COUNT(*) >= 10)", 5,
            id="at least ten albums",
        ),
        pytest.param(
            "Artist", "filter[Album][has]=0", '{Album_has: "0"}',
            "ArtistId NOT IN (SELECT ArtistId FROM Album)", 71,
            id="no album",
        ),
        pytest.param(
            "Invoice", "filter[Total][gte]=13.86&filter[InvoiceDate][between]=2022-01-01,2023-01-01",
            '{Total_gte: 13.86, InvoiceDate_between: "2022-01-01,2023-01-01"}',
            "Total >= 13.86 AND InvoiceDate BETWEEN '2022-01-01 00:00:00' AND '2023-01-01 00:00:00'", 13,
            id="decimals and dates",
        ),
        pytest.param(
            "Customer", "filter[Company][null]&filter[Country][eq]=Brazil&filter[Country][logical]=or",
            '{or: [{Company_null: ""}, {Country_eq: "Brazil"}]}',
            "Company IS NULL OR Country = 'Brazil'", 53,
            id="either",
        ),
        pytest.param(
            "Track", "filter[Composer][contains]=100%25", '{Composer_contains: "100%"}',
            "Composer LIKE '%100\\%%' ESCAPE '\\'", 0,
            id="a percent sign is a percent sign",
        ),
        pytest.param(
            "Track", "filter[UnitPrice][neq]=0.99&filter[GenreId.Name][neq]=TV Shows",
            '{UnitPrice_neq: 0.99, GenreId: {Name_neq: "TV Shows"}}',
            "UnitPrice <> 0.99 AND GenreId <> 19", 120,
            id="negations",
        ),
    ],
)  # fmt: skip
async def test_filters(music: Chinook, table: str, query: str, filter_: str, sql: str, count: int) -> None:
    key = TABLES[table][0]
    expected = [row[0] for row in music.expected(f"SELECT {key} FROM {table} WHERE {sql} ORDER BY {key}")]
    assert await answers(music, table, query, filter_) == expected
    assert len(expected) == count


async def test_who_bought_jazz(music: Chinook) -> None:
    query = "filter[Invoice.InvoiceLine.TrackId.GenreId.Name]=Jazz&filter[Country]=Germany&fields=FirstName,LastName"
    assert await music.get(f"/items/Customer?{query}") == [
        {"FirstName": "Fynn", "LastName": "Zimmermann"},
        {"FirstName": "Niklas", "LastName": "Schröder"},
    ]


async def test_conditions_and_the_typed_filter_are_joined(music: Chinook) -> None:
    found = await music.data(
        """query($where: [Condition!]) { rows: Track(
          where: $where, filter: {Milliseconds_gt: 300000}, sort: ["-Milliseconds"], limit: 2
        ) { data { Name } meta { filter_count total_count } } }""",
        where=[
            {"field": "AlbumId.ArtistId.Name", "op": "eq", "value": "AC/DC"},
            {"field": "AlbumId.ArtistId.Name", "op": "eq", "value": "Accept", "or": True},
        ],
    )
    assert found["rows"] == {
        "data": [{"Name": "Princess of the Dawn"}, {"Name": "Overdose"}],
        "meta": {"filter_count": 8, "total_count": 3503},
    }


# Aggregates


async def test_revenue_per_country(music: Chinook) -> None:
    expected = [
        {"group": {"BillingCountry": country}, "revenue": float(cents) / 100, "invoices": count}
        for country, cents, count in music.expected(
            """SELECT BillingCountry, CAST(ROUND(SUM(Total) * 100) AS INTEGER), COUNT(*) FROM Invoice
               GROUP BY BillingCountry HAVING COUNT(*) > 7 ORDER BY 2 DESC"""
        )
    ]
    found = await music.data(
        """{ rows: Invoice_aggregate(
          group_by: ["BillingCountry"], having: [{field: "invoices", op: "gt", value: 7}], sort: ["-revenue"]
        ) { group revenue: sum(field: "Total") invoices: count } }"""
    )
    assert found["rows"] == expected
    assert [(one["group"]["BillingCountry"], one["revenue"], one["invoices"]) for one in expected][:4] == [
        ("USA", 523.06, 91), ("Canada", 303.96, 56), ("France", 195.1, 35), ("Brazil", 190.1, 35),
    ]  # fmt: skip
    assert len(expected) == 9


async def test_tracks_per_genre(music: Chinook) -> None:
    found = await music.data(
        """{ rows: Track_aggregate(
          group_by: ["GenreId"], having: [{field: "tracks", op: "gte", value: 100}], sort: ["-tracks"], limit: 4
        ) { group tracks: count longest: max(field: "Milliseconds") } }"""
    )
    assert found["rows"] == [
        {"group": {"GenreId": genre}, "tracks": tracks, "longest": longest}
        for genre, tracks, longest in music.expected(
            """SELECT GenreId, COUNT(*), MAX(Milliseconds) FROM Track GROUP BY GenreId HAVING COUNT(*) >= 100
               ORDER BY 2 DESC LIMIT 4"""
        )
    ]
    assert [one["tracks"] for one in found["rows"]] == [1297, 579, 374, 332]


async def test_one_group_and_filters_over_relations(music: Chinook) -> None:
    found = await music.data(
        """{
          all: Track_aggregate {
            count composed: count(field: "Composer") kinds: count(field: "MediaTypeId", distinct: true)
            avg(field: "Milliseconds") cheapest: min(field: "UnitPrice") dearest: max(field: "UnitPrice")
            sum(field: "Bytes")
          }
          jazz: InvoiceLine_aggregate(filter: {TrackId: {GenreId: {Name_eq: "Jazz"}}}) {
            lines: count sum(field: "UnitPrice")
          }
          last: Invoice_aggregate(where: [{field: "CustomerId.Country", op: "eq", value: "Norway"}]) {
            max(field: "InvoiceDate") group
          }
          none: Invoice_aggregate(filter: {Total_gt: 1000}) { count sum(field: "Total") avg(field: "Total") }
        }"""
    )
    assert found == {
        "all": [
            {
                "count": 3503,
                "composed": 2526,
                "kinds": 5,
                "avg": 393599.2121039109,
                "cheapest": 0.99,
                "dearest": 1.99,
                "sum": 117386255350,
            }
        ],
        "jazz": [{"lines": 80, "sum": 79.2}],
        "last": [{"max": music.expected(
            "SELECT MAX(InvoiceDate) FROM Invoice JOIN Customer USING (CustomerId) WHERE Country = 'Norway'"
        )[0][0], "group": {}}],
        "none": [{"count": 0, "sum": None, "avg": None}],
    }  # fmt: skip


# Counts, order, windows, search


async def test_counts_and_pages(music: Chinook) -> None:
    query = "filter[AlbumId.ArtistId.Name]=Iron Maiden&limit=100&page=2&sort=-Milliseconds"
    found = await music.rest("GET", f"/items/Track?{query}&fields=TrackId&meta=*")
    meta = dict(found["meta"])
    links = meta.pop("links")
    assert meta == {
        "collection": "Track",
        "type": "collection",
        "result_count": 100,
        "total_count": 3503,
        "filter_count": 213,
        "limit": 100,
        "offset": 100,
        "page": 2,
        "page_count": 3,
    }
    assert links["next"].endswith("&offset=200&page=3") or "offset=200" in links["next"]
    assert found["data"] == music.items(
        """SELECT TrackId FROM Track JOIN Album USING (AlbumId) WHERE ArtistId = 90
           ORDER BY Milliseconds DESC, TrackId LIMIT 100 OFFSET 100"""
    )
    typed = await music.data(
        """{ rows: Track(
          filter: {AlbumId: {ArtistId: {Name_eq: "Iron Maiden"}}}, limit: 100, page: 2, sort: ["-Milliseconds"]
        ) {
          data { TrackId }
          meta { type result_count total_count filter_count limit offset page page_count }
        } }"""
    )
    assert typed["rows"] == {
        "data": found["data"], "meta": {key: value for key, value in meta.items() if key != "collection"},
    }  # fmt: skip


@pytest.mark.parametrize(
    ("table", "sort", "order"),
    [
        ("Genre", "Name", "UPPER(Name), GenreId"),
        ("Genre", "-Name", "UPPER(Name) DESC, GenreId"),
        ("Customer", "State,-PostalCode", "State IS NULL, UPPER(State), PostalCode IS NULL, UPPER(PostalCode) DESC, 1"),
        ("Employee", "-ReportsTo,BirthDate", "ReportsTo IS NULL, ReportsTo DESC, BirthDate, 1"),
        ("Invoice", "-Total,CustomerId", "Total DESC, CustomerId, 1"),
    ],
)
async def test_order(music: Chinook, table: str, sort: str, order: str) -> None:
    key = TABLES[table][0]
    expected = music.items(f"SELECT {key} FROM {table} ORDER BY {order}")
    assert await music.get(f"/items/{table}?fields={key}&sort={sort}&limit=-1") == expected
    criteria = ", ".join(f'"{one}"' for one in sort.split(","))
    typed = await music.data(f"{{ rows: {table}(sort: [{criteria}], limit: -1) {{ data {{ {key} }} }} }}")
    assert typed["rows"]["data"] == expected


async def test_windows(music: Chinook) -> None:
    async def ids(query: str) -> list[int]:
        return [one["GenreId"] for one in await music.get(f"/items/Genre?fields=GenreId&{query}")]

    assert await ids("limit=3") == [1, 2, 3]
    assert await ids("limit=3&offset=20") == [21, 22, 23]
    assert await ids("limit=10&page=3") == [21, 22, 23, 24, 25]
    assert await ids("limit=0") == []
    assert await ids("limit=-1&offset=5") == list(range(1, 26))
    assert len(await music.get("/items/Track")) == 200  # the setting default_limit
    found = await music.data("{ rows: Track { data { TrackId } meta { result_count } } }")
    assert found["rows"]["meta"] == {"result_count": 200}


async def test_search(music: Chinook) -> None:
    assert await music.get("/items/Artist?q=ZEPPELIN&fields=Name&meta=filter_count") == [
        {"Name": "Led Zeppelin"}, {"Name": "Dread Zeppelin"},
    ]  # fmt: skip
    found = await music.data('{ rows: Artist(q: "zeppelin") { data { Name } meta { filter_count } } }')
    assert found["rows"] == {
        "data": [{"Name": "Led Zeppelin"}, {"Name": "Dread Zeppelin"}], "meta": {"filter_count": 2},
    }  # fmt: skip
    assert await music.get("/items/Playlist?q=’&fields=PlaylistId") == [{"PlaylistId": 5}]


async def test_one_and_several_items(music: Chinook) -> None:
    expected = {"AlbumId": 1, "Title": "For Those About To Rock We Salute You", "ArtistId": {"Name": "AC/DC"}}
    assert await music.get("/items/Album/1?fields=*,ArtistId.Name") == expected
    assert await music.get("/items/Album/01?fields=*,ArtistId.Name") == expected
    assert await music.refusal("GET", "/items/Album/999") == (404, 203)
    some = await music.get("/items/Album/3,1,999?fields=AlbumId&sort=-AlbumId")
    assert some == [{"AlbumId": 3}, {"AlbumId": 1}]
    found = await music.data(
        """{ one: Album(id: 1) { data { Title } } some: Album(ids: ["3", "1"], sort: ["-AlbumId"]) { data { AlbumId } }
          it: Album_by_id(id: 1) { ArtistId { Name } } }"""
    )
    assert found == {"one": {"data": [{"Title": expected["Title"]}]}, "some": {"data": some},
                     "it": {"ArtistId": {"Name": "AC/DC"}}}  # fmt: skip
    body = await music.graphql("{ it: Album_by_id(id: 999) { Title } }")
    assert (body["data"], body["errors"][0]["extensions"]["code"]) == ({"it": None}, 203)


# Writes


async def test_an_artist_is_written_with_albums_and_tracks(music: Chinook) -> None:
    activities, revisions = await music.history()
    track = {"MediaTypeId": 1, "GenreId": {"GenreId": 2}, "Milliseconds": 1, "UnitPrice": "0.99"}
    albums = [
        {"Title": "First", "Track": [{"Name": "One", **track}, {"Name": "Two", **track, "UnitPrice": 1.49}]},
        {"Title": "Second"},
    ]
    fields = "Name,Album.Title,Album.Track.Name,Album.Track.UnitPrice,Album.Track.GenreId.Name"
    made = await music.rest("POST", f"/items/Artist?fields=ArtistId,{fields}", {"Name": "Fresh", "Album": albums})
    key = made["data"].pop("ArtistId")
    assert key > 275
    expected = {
        "Name": "Fresh",
        "Album": [
            {
                "Title": "First",
                "Track": [
                    {"Name": "One", "GenreId": {"Name": "Jazz"}, "UnitPrice": 0.99},
                    {"Name": "Two", "GenreId": {"Name": "Jazz"}, "UnitPrice": 1.49},
                ],
            },
            {"Title": "Second", "Track": []},
        ],
    }
    assert made["data"] == expected
    assert await music.rows(f'SELECT "Title" FROM "Album" WHERE "ArtistId" = {key} ORDER BY "AlbumId"') == [
        ("First",), ("Second",),
    ]  # fmt: skip
    assert await music.history() == (activities + 5, revisions + 5)

    def counts(items: dict[str, tuple[int, str]]) -> dict[str, int]:
        return {table: count for table, (count, _) in items.items()}

    assert counts(await music.checksums()) == {**COUNTS, "Artist": 276, "Album": 349, "Track": 3505}

    first, second = [one["AlbumId"] for one in await music.get(f"/items/Album?filter[ArtistId]={key}")]
    one, two = [row["TrackId"] for row in await music.get(f"/items/Track?filter[AlbumId]={first}")]
    changed = await music.rest(
        "PATCH",
        f"/items/Artist/{key}?fields={fields}",
        {
            "Name": "Freshest",
            "Album": [
                {"AlbumId": second, "$delete": True},
                {"AlbumId": first, "Track": [{"TrackId": one, "Name": "1"}, {"TrackId": two, "$delete": True}]},
            ],
        },
    )
    assert changed["data"] == {
        "Name": "Freshest",
        "Album": [{"Title": "First", "Track": [{"Name": "1", "GenreId": {"Name": "Jazz"}, "UnitPrice": 0.99}]}],
    }
    assert await music.history() == (activities + 10, revisions + 8)  # three changes, two deletions

    activity = await music.rows(
        f"SELECT action, collection, item FROM directus_activity WHERE id > {activities} ORDER BY id"
    )
    spelled = {table: music.name(table) for table in TABLES}
    assert sorted(activity[5:]) == sorted(
        [
            ("update", spelled["Artist"], str(key)), ("update", spelled["Album"], str(first)),
            ("update", spelled["Track"], str(one)), ("delete", spelled["Album"], str(second)),
            ("delete", spelled["Track"], str(two)),
        ]
    )  # fmt: skip

    assert await music.refusal("DELETE", f"/items/Artist/{key}") == (422, 12)  # an album refers to it
    for path in (f"Track/{one}", f"Album/{first}", f"Artist/{key}"):
        assert await music.rest("DELETE", f"/items/{path}") is None
    assert await music.checksums() == music.untouched["rows"]


async def test_the_same_over_graphql(music: Chinook) -> None:
    activities, revisions = await music.history()
    track = "MediaTypeId: {MediaTypeId: 1}, Milliseconds: 1, UnitPrice: 0.99"
    found = await music.data(
        f"""mutation {{ made: create_Artist_item(data: {{Name: "Fresh", Album: [
          {{Title: "First", Track: [{{Name: "One", {track}}}, {{Name: "Two", {track}}}]}}, {{Title: "Second"}}
        ]}}, comment: "why") {{
          ArtistId Name Album {{ AlbumId Title Track {{ TrackId Name MediaTypeId {{ Name }} }} }} }}
        }}"""
    )
    key = found["made"]["ArtistId"]
    (first, second) = found["made"]["Album"]
    assert (found["made"]["Name"], first["Title"], second["Title"], second["Track"]) == ("Fresh", "First", "Second", [])
    assert [(one["Name"], one["MediaTypeId"]["Name"]) for one in first["Track"]] == [
        ("One", "MPEG audio file"), ("Two", "MPEG audio file"),
    ]  # fmt: skip
    assert await music.history() == (activities + 5, revisions + 5)
    said = await music.rows(f"SELECT item, comment FROM directus_activity WHERE id > {activities} ORDER BY id LIMIT 1")
    assert said == [(str(key), "why")]

    changed = await music.data(
        """mutation($id: ID!, $in: ArtistInput) { changed: update_Artist_item(id: $id, data: $in) {
          Name Album { Title Track { Name } }
        } }""",
        id=key,
        **{
            "in": {
                "Album": [
                    {"AlbumId": second["AlbumId"], "_delete": True},
                    {
                        "AlbumId": first["AlbumId"],
                        "Track": [{"TrackId": first["Track"][1]["TrackId"], "_delete": True}],
                    },
                ]
            }
        },
    )
    assert changed["changed"] == {"Name": "Fresh", "Album": [{"Title": "First", "Track": [{"Name": "One"}]}]}
    gone = await music.data(
        f"""mutation {{
          a: delete_Track_items(ids: ["{first["Track"][0]["TrackId"]}"])
          b: delete_Album_item(id: "{first["AlbumId"]}")
          c: delete_Artist_item(id: "{key}")
        }}"""
    )
    assert gone == {"a": [str(first["Track"][0]["TrackId"])], "b": str(first["AlbumId"]), "c": str(key)}
    assert await music.checksums() == music.untouched["rows"]


async def test_batches_are_one_transaction(music: Chinook) -> None:
    made = await music.rest("POST", "/items/Genre?fields=Name", [{"Name": "A"}, {"Name": "B"}, {"Name": "C"}])
    assert made == {"data": [{"Name": "A"}, {"Name": "B"}, {"Name": "C"}]}
    keys = [str(row[0]) for row in await music.rows('SELECT "GenreId" FROM "Genre" WHERE "GenreId" > 25 ORDER BY 1')]
    assert len(keys) == 3
    changed = await music.rest("PATCH", f"/items/Genre/{','.join(keys)}?fields=Name", {"Name": "D"})
    assert changed == {"data": [{"Name": "D"}] * 3}
    each = [{"GenreId": key, "Name": name} for key, name in zip(keys, "EFG", strict=True)]
    changed = await music.rest("PATCH", "/items/Genre?fields=Name", each)
    assert changed == {"data": [{"Name": "E"}, {"Name": "F"}, {"Name": "G"}]}
    assert await music.refusal("PATCH", "/items/Genre", [each[0], {"GenreId": 999, "Name": "H"}]) == (404, 203)
    assert await music.refusal("DELETE", f"/items/Genre/{keys[0]},1") == (422, 12)  # 1 has tracks
    assert await music.rest("DELETE", f"/items/Genre/{','.join(keys)}") is None
    assert await music.checksums() == music.untouched["rows"]


@pytest.mark.parametrize(
    ("method", "path", "body", "refusal"),
    [
        ("DELETE", "/items/Artist/1", None, (422, 12)),  # albums refer to it
        ("POST", "/items/Album", {"Title": "x"}, (422, 4)),  # NOT NULL
        ("POST", "/items/Album", {"Title": "x", "ArtistId": 999}, (422, 4)),  # no such artist
        ("POST", "/items/Album", {"Title": "x" * 161, "ArtistId": 1}, (422, 12)),
        ("POST", "/items/Album", {"Title": "x", "ArtistId": "one"}, (422, 4)),
        ("POST", "/items/Album", {"Title": "x", "ArtistId": 1, "nope": 1}, (422, 12)),
        ("POST", "/items/Album", {"Title": "x", "ArtistId": 1, "Track": [{"Name": "no media type"}]}, (422, 4)),
        ("POST", "/items/Genre", {"GenreId": 1, "Name": "x"}, (409, 204)),
        ("PATCH", "/items/Track/1", {"AlbumId": 999}, (422, 4)),
        ("PATCH", "/items/Track/1", {"Name": None}, (422, 4)),
        ("PATCH", "/items/Invoice/1", {"InvoiceDate": "soon"}, (422, 4)),
        ("PATCH", "/items/Invoice/1", {"Total": "much"}, (422, 4)),
        ("PATCH", "/items/Employee/1", {"ReportsTo": {"EmployeeId": 2, "LastName": None}}, (422, 4)),
        ("DELETE", "/items/Artist/999", None, (404, 203)),
    ],
)
async def test_what_the_tables_do_not_allow(
    music: Chinook, method: str, path: str, body: Any, refusal: tuple[int, int]
) -> None:
    history = await music.history()
    assert await music.refusal(method, path, body) == refusal
    assert await music.history() == history


async def test_a_table_without_one_key_is_read_only_and_says_so(music: Chinook) -> None:
    for method, path, body in (
        ("POST", "/items/PlaylistTrack", {"PlaylistId": 18, "TrackId": 1}),
        ("POST", "/items/PlaylistTrack", [{"PlaylistId": 18, "TrackId": 1}]),
        ("PATCH", "/items/PlaylistTrack/18", {"TrackId": 1}),
        ("PATCH", "/items/PlaylistTrack/18,17", {"TrackId": 1}),
        ("PATCH", "/items/PlaylistTrack", [{"PlaylistId": 18, "TrackId": 1}]),
        ("DELETE", "/items/PlaylistTrack/18", None),
        ("DELETE", "/items/PlaylistTrack/18,17", None),
        ("GET", "/items/PlaylistTrack/18", None),
        ("GET", "/items/PlaylistTrack/18,17", None),
    ):
        assert await music.refusal(method, path, body) == (422, 12)
    answer = await music.ask("DELETE", music.name("/items/PlaylistTrack/18"))
    said = f'Items of "{music.name("PlaylistTrack")}" have no key to be named by'
    assert answer.json() == {"error": {"code": 12, "message": said}}

    document = "{ __schema { queryType { fields { name } } mutationType { fields { name } } } }"
    schema = (await music.ask("POST", "/gql", json={"query": document})).json()["data"]
    table = music.name("PlaylistTrack")
    assert [one["name"] for one in schema["__schema"]["queryType"]["fields"] if table in one["name"]] == [
        table, f"{table}_aggregate",
    ]  # fmt: skip
    assert not [one for one in schema["__schema"]["mutationType"]["fields"] if table in one["name"]]
    found = await music.data("{ rows: PlaylistTrack_aggregate(filter: {PlaylistId_eq: 1}) { count } }")
    assert found == {"rows": [{"count": 3290}]}
    rows = await music.get("/items/PlaylistTrack?filter[TrackId]=52&sort=-PlaylistId&limit=2")
    assert rows == [{"PlaylistId": 16, "TrackId": 52}, {"PlaylistId": 8, "TrackId": 52}]
