"""In charge of holding both doors against numbers, lists and texts larger than any database takes."""

from __future__ import annotations

import pytest

import app
from tests.api.chinook import chinook
from tests.api.newsroom import newsroom
from tests.backends import fresh_database


@pytest.fixture
async def api(dialect, tmp_path):
    with fresh_database(dialect, tmp_path) as url:
        async with newsroom(url, tmp_path / "data") as found:
            found.app = app.compose(found.projects)
            await found.refill()
            yield found


async def codes(api, query, **v):
    body = (await api.ask("POST", "/gql", json={"query": query, "variables": v})).json()
    return [(e["extensions"]["category"], e["extensions"].get("code")) for e in body.get("errors", ())]


@pytest.mark.parametrize("value", ["9223372036854775808", "9" * 400, "-" + "9" * 30])
async def test_has_of_a_number_beyond_64_bit(api, value):
    for op in ("has", "nhas"):
        a = await api.ask("GET", f"/items/articles?filter[comments][{op}]={value}")
        assert a.status_code in (200, 422), (op, a.text)


async def test_all_of_many_ids(api):
    a = await api.ask("GET", "/items/articles?fields=id&filter[comments][all]=" + ",".join(map(str, range(3000))))
    assert a.status_code in (200, 422), a.text


@pytest.mark.parametrize("value", [2**63, 10**25, 2**31])
async def test_limit_of_children_beyond_64_bit(api, value):
    found = await codes(
        api, "query($h:Int) { articles { data { comments(limit:$h, offset:$h) { id } } } }", h=str(value)
    )
    assert not [e for e in found if e[0] != "graphql" or e[1] == 9], found


@pytest.mark.parametrize("value", [{}, {"a": 1}, [1], [[1]], "1e999", "-1e999", "NaN", "Infinity"])
async def test_having_of_odd_values(api, value):
    found = await codes(
        api,
        'query($h:JSON) { articles_aggregate(group_by:["author"], having:[{field:"count", op:"gt", value:$h}]) '
        "{ count } }",
        h=value,
    )
    assert not [e for e in found if e[0] != "graphql" or e[1] == 9], found


async def test_many_having(api):
    h = [{"field": "count", "op": "gt", "value": 1}] * 5000
    found = await codes(
        api, 'query($h:[Condition!]) { articles_aggregate(group_by:["author"], having:$h) { count } }', h=h
    )
    assert found == [("graphql", 12)], found


async def test_many_sort_criteria(api):
    a = await api.ask("GET", "/items/articles?fields=id&sort=" + ",".join(["id"] * 10000))
    assert a.status_code in (200, 422), a.text


async def test_long_search_text(api):
    for query in ("q=" + "x" * 60000, "filter[title][contains]=" + "x" * 60000, "filter[title][rlike]=" + "x" * 60000):
        a = await api.ask("GET", "/items/articles?fields=id&" + query)
        assert a.status_code in (200, 422), (query[:30], a.text)


async def test_or_of_many_conditions(api):
    f = {"or": [{"title_contains": f"x{i}"} for i in range(5000)]}
    found = await codes(api, "query($f: ArticlesFilter){ articles(filter: $f) { data { id } } }", f=f)
    assert found == [("graphql", 12)], found


async def test_sorting_groups_by_sums_of_decimals(dialect, shared, tmp_path):
    """SQLite adds decimals as floats: 37.62 and 37.620000000000005 are one sum to sort and having."""
    async with chinook(dialect, shared, tmp_path) as c:
        found = await c.data(
            '{ r: Invoice_aggregate(group_by:["BillingCountry"] sort:["-s"] having:[{field:"s" op:"eq" value:37.62}]) '
            '{ group s: sum(field:"Total") } }'
        )
        assert [one["group"]["BillingCountry"] for one in found["r"]] == [
            "Argentina",
            "Australia",
            "Belgium",
            "Denmark",
            "Italy",
            "Poland",
            "Spain",
        ]


async def test_a_keyless_junction_in_a_nested_write(dialect, shared, tmp_path):
    async with chinook(dialect, shared, tmp_path) as c:
        for method, path, body in (
            ("PATCH", "/items/Playlist/18", {"PlaylistTrack": [{"TrackId": 1}]}),
            ("POST", "/items/Playlist", {"Name": "x", "PlaylistTrack": [{"TrackId": 1}]}),
            ("PATCH", "/items/Track/1", {"PlaylistTrack": [{"PlaylistId": {"Name": "x"}}]}),
            ("PATCH", "/items/Playlist/18", {"PlaylistTrack": [1]}),
        ):
            assert await c.refusal(method, path, body) == (422, 12), (method, body)
