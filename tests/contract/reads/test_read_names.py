"""In charge of showing that a table or column may be called anything: no name reaches a statement unquoted."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
import sqlalchemy as sa

from core.catalog.build import Metadata, build
from core.db.gateway import Store
from core.db.reflect import reflect
from core.query.aggregate import AggregateRequest, Measure
from core.query.selection import Condition
from tests import backends
from tests.contract.reads.plain import Base

TABLE = 'odd "t" `x` %s :y ? $1'
TARGET = "select"
COLUMNS = (
    "2fa_secret", "a b", "a-b", "order", 'a"b', "a`b", "a'b", "a%b", "100%s", ":a", "a:b", "?", "$1", "(x)", "{y}",
    "ünï", "GROUP", "c0", "n", "a\\b", "--", "/*", "[z]", "j_p0", "value", "%(a)s",
)  # fmt: skip


@pytest.fixture(scope="module")
async def odd(dialect: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Base]:
    with backends.fresh_database(dialect, tmp_path_factory.mktemp("names")) as url:
        store = await Store.open(url, pool_size=2)
        tables = sa.MetaData()
        text = sa.String(50)
        target = sa.Table(TARGET, tables, sa.Column("from", sa.Integer, primary_key=True), sa.Column("where", text))
        table = sa.Table(
            TABLE,
            tables,
            sa.Column("key key", sa.Integer, primary_key=True),
            sa.Column("to one", sa.Integer),
            *(sa.Column(name, text) for name in COLUMNS),
        )

        def fill(connection: sa.Connection) -> None:
            tables.create_all(connection)
            connection.execute(sa.insert(target).values([{"from": 1, "where": "x"}, {"from": 2, "where": "y"}]))
            for key in (1, 2):
                columns = [sa.literal(key), sa.literal(key), *(sa.literal(f"{name}{key}") for name in COLUMNS)]
                connection.execute(sa.insert(table).from_select(["key key", "to one", *COLUMNS], sa.select(*columns)))

        await store.run_sync(fill)
        async with store.read() as connection:
            found = await reflect(connection)
        relations = (
            {"id": 1, "collection_many": TABLE, "field_many": "to one", "collection_one": TARGET, "field_one": "a-l"},
        )
        fields = ({"collection": TARGET, "field": "a-l", "type": "o2m"},)
        snapshot = build(found, Metadata(fields=fields, relations=relations), dialect=dialect, version=1)

        async def opened() -> Store:
            return store

        yield Base(
            store, replace(snapshot), SimpleNamespace(key="odd", plans={}, root_url="/", store=opened, hooks=None)
        )
        await store.close()


def expected(key: int) -> dict[str, Any]:
    return {"key key": key, "to one": key, **{name: f"{name}{key}" for name in COLUMNS}}


async def test_whole_items(odd: Base) -> None:
    assert await odd.rows(TABLE) == [expected(1), expected(2)]
    assert await odd.rows(TABLE, id="2") == [expected(2)]


@pytest.mark.parametrize("name", COLUMNS)
async def test_every_place_a_name_can_stand(odd: Base, name: str) -> None:
    async def keys(**arguments: Any) -> list[int]:
        return await odd.keys(TABLE, "key key", **arguments)

    assert await keys(where=(Condition(name, "eq", f"{name}2"),)) == [2]
    assert await keys(where=(Condition(name, "in", [f"{name}1", "x"]),)) == [1]
    assert await keys(where=(Condition(name, "contains", name + "1"),)) == [1]
    assert await keys(where=(Condition(name, "nempty"), Condition("to one.where", "eq", "y"))) == [2]
    if name != "?":  # which means random
        assert await keys(sort=(f"-{name}",)) == [2, 1]
    assert await keys(groups=(name,), meta=frozenset(("filter_count",))) == [1, 2]
    request = AggregateRequest(
        TABLE, (Measure("how many", "count"), Measure("m", "max", name)), (name,), ("g",), sort=(f"-{name}",)
    )
    assert await odd.aggregate(request) == [
        {"g": {name: f"{name}2"}, "how many": 1, "m": f"{name}2"},
        {"g": {name: f"{name}1"}, "how many": 1, "m": f"{name}1"},
    ]


async def test_relations_between_odd_names(odd: Base) -> None:
    assert await odd.rows(TABLE, "to one.where") == [{"to one": {"where": "x"}}, {"to one": {"where": "y"}}]
    assert await odd.find(TARGET, ("a-l", "has", "1"), key="from") == [1, 2]
    assert await odd.keys(TABLE, "key key", q="2fa_secret2") == [2]
