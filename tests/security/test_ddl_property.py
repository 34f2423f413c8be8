"""In charge of the proof that a diff does what it says: applied to one model it gives the other, on every database.

TABULARIUM_DDL_EXAMPLES: pairs of models per database (60).
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from core.catalog.change import Model, TableSpec
from core.catalog.diff import table_steps
from core.catalog.settle import settled_table, spec_of_table
from core.db.gateway import Store
from core.db.reflect import reflect
from core.ddl.run import run
from tests import backends
from tests.security.models import models

EXAMPLES = int(os.environ.get("TABULARIUM_DDL_EXAMPLES") or 60)

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
