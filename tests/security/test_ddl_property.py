"""In charge of the proof that a diff does what it says: applied to one model it gives the other, on every database.

TABULARIUM_DDL_EXAMPLES: examples of each proof per database (30).
"""

from __future__ import annotations

import asyncio
import itertools
import os
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import replace
from datetime import date, datetime, time
from decimal import Decimal, InvalidOperation
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.catalog.change import ColumnSpec, Model, TableSpec
from core.catalog.diff import table_steps
from core.catalog.settle import NUMERIC, settled, settled_table, spec_of_table
from core.db.gateway import Store
from core.db.reflect import reflect
from core.ddl.run import run
from core.ddl.survive import lost, survivor
from core.sql.ddl import literal, quote
from tests import backends
from tests.security.models import TYPES, columns, models

EXAMPLES = int(os.environ.get("TABULARIUM_DDL_EXAMPLES") or 30)

Do = Callable[[Coroutine[Any, Any, Any]], Any]


class Ground:
    """A database, and a loop that outlives the examples."""

    def __init__(self, url: str, dialect: str) -> None:
        self.dialect = dialect
        self.runner = asyncio.Runner()
        self.store: Store = self.do(Store.open(url))

    def do(self, work: Coroutine[Any, Any, Any]) -> Any:
        return self.runner.run(work)

    def close(self) -> None:
        self.do(self.store.close())
        self.runner.close()

    async def become(self, wanted: Model) -> None:
        """Diff what is there with what is wanted, and apply."""
        async with self.store.alter() as connection:
            steps = table_steps(await self._present(connection), wanted.tables, self.dialect)
            await run(connection, steps)

    async def present(self) -> dict[str, TableSpec]:
        async with self.store.read() as connection:
            return await self._present(connection)

    async def _present(self, connection: Any) -> dict[str, TableSpec]:
        return {name: spec_of_table(table, self.dialect) for name, table in (await reflect(connection)).items()}


@pytest.fixture(scope="module")
def ground(dialect: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ground]:
    with backends.fresh_database(dialect, tmp_path_factory.mktemp("ddl")) as url:
        found = Ground(url, dialect)
        yield found
        found.close()


def comparable(table: TableSpec) -> TableSpec:
    """Without the order of columns and keys, which says nothing."""
    columns = tuple(sorted(table.columns, key=lambda column: column.name))
    return replace(table, columns=columns, uniques=tuple(sorted(table.uniques)))


@settings(max_examples=EXAMPLES, suppress_health_check=list(HealthCheck))
@given(old=models(), new=models())
def test_what_a_diff_makes_of_one_model_is_the_other(ground: Ground, old: Model, new: Model) -> None:
    ground.do(ground.become(Model()))
    assert ground.do(ground.present()) == {}
    for wanted in (old, new):
        ground.do(ground.become(wanted))
        found = ground.do(ground.present())
        assert {name: comparable(table) for name, table in found.items()} == {
            name: comparable(settled_table(table, ground.dialect)) for name, table in wanted.tables.items()
        }
        assert table_steps(found, wanted.tables, ground.dialect) == ()


# --- values -------------------------------------------------------------------------------------------------------

# Inside a transaction PostgreSQL refuses the plan of a text that it knows from before a change.
TEXTS = itertools.count()
WORDS = st.one_of(
    st.sampled_from(
        ["0", "1", "-1", "7", "007", "1.5", "1.50", "255", "256", "70000", " 1", "1e3", "-0", "", "a", "é"]
    ),
    st.sampled_from(["2020-02-03", "2020-02-30", "2020-02-03 04:05:06", "04:05:06", "24:00:00", "true", "12345678901"]),
    st.text(alphabet="ab1. ", max_size=12),
)
DAYS = (datetime.fromisoformat("1971-01-01"), datetime.fromisoformat("2030-01-01"))
VALUES = {
    "TINYINT": st.integers(0, 127),
    "SMALLINT": st.integers(0, 32767),
    "INT": st.integers(0, 2**31 - 1),
    "BIGINT": st.integers(0, 2**53),
    "DECIMAL": st.decimals(-999, 999, places=2),
    "DOUBLE": st.sampled_from([0.0, 1.0, 1.5, 2.25, -3.0, 70000.0]),
    "VARCHAR": WORDS,
    "TEXT": WORDS,
    "DATE": st.dates(date(1971, 1, 1), date(2030, 1, 1)),
    "TIME": st.times().map(lambda one: one.replace(microsecond=0)),
    "DATETIME": st.datetimes(*DAYS).map(lambda one: one.replace(microsecond=0)),
}


@st.composite
def conversions(draw: st.DrawFn) -> tuple[ColumnSpec, ColumnSpec, list[str]]:
    """A column, what it shall become, and values of it as SQL text."""
    old = draw(columns("value", tuple(VALUES)))
    new = draw(columns("value", tuple(name for name in TYPES if name not in ("BIT", "YEAR"))))
    plain = {"nullable": True, "default": None, "unique": False, "comment": "", "type": None}
    values = draw(st.lists(VALUES[old.datatype.upper()], min_size=1, max_size=6))
    length = {"VARCHAR": "255", "DECIMAL": "10,2"}.get(old.datatype.upper(), old.length)
    return replace(old, **plain, length=length), replace(new, **plain), [str(value) for value in values]


def comparable_value(value: Any) -> Any:
    """A value whatever its type: numbers by what they are, days with and without their hours, texts."""
    if isinstance(value, bytes):
        value = value.decode()
    if isinstance(value, datetime | date | time):
        value = value.isoformat(*([" "] if isinstance(value, datetime) else []))
    try:
        return Decimal(str(value))
    except InvalidOperation:
        return str(value).removesuffix(" 00:00:00")


@settings(max_examples=EXAMPLES, suppress_health_check=list(HealthCheck))
@given(case=conversions())
def test_values_that_are_said_to_outlive_a_change_of_type_do(
    ground: Ground, case: tuple[ColumnSpec, ColumnSpec, list[str]]
) -> None:
    old, new, texts = case
    ground.do(_convert(ground, old, new, texts))


async def _convert(ground: Ground, old: ColumnSpec, new: ColumnSpec, texts: list[str]) -> None:
    await ground.become(Model())
    key = ColumnSpec("id", "INT", nullable=False, primary_key=True)
    before, after = TableSpec("converted", (key, old)), TableSpec("converted", (key, new))
    await ground.become(Model({"converted": before}))
    dialect, value = ground.dialect, quote("value", ground.dialect)
    one, other = settled(old, dialect), settled(new, dialect)
    async with ground.store.alter() as connection:
        for number, text in enumerate(texts):
            written = text if old.datatype.upper() in NUMERIC else literal(text, dialect)
            await connection.execute(f"INSERT INTO converted (id, {value}) VALUES ({number}, {written})")
        rows = await connection.rows(f"SELECT id, {value} AS v{next(TEXTS)} FROM converted ORDER BY id")
        judge = survivor(one, other, new, dialect) or (lambda _: True)
        lost_keys = [str(row[0]) for row in rows if not judge(row[1])]
        assert await lost(connection, "converted", "value", one, judge) == len(lost_keys)
        if lost_keys:
            await connection.execute(f"DELETE FROM converted WHERE id IN ({', '.join(lost_keys)})")
        kept = [(row[0], comparable_value(row[1])) for row in rows if judge(row[1])]
        steps = table_steps({"converted": before}, {"converted": after}, dialect)
        await run(connection, steps)
        found = await connection.rows(f"SELECT id, {value} AS v{next(TEXTS)} FROM converted ORDER BY id")
        assert [(row[0], comparable_value(row[1])) for row in found] == kept
