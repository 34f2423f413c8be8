"""In charge of one project per test module and dialect."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests import backends
from tests.contract.ddl.world import World
from tests.projects import project


@pytest.fixture(scope="module")
async def world(dialect: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    folder: Path = tmp_path_factory.mktemp("ddl")
    with backends.fresh_database(dialect, folder) as url:
        async with project(url, folder / "data") as found:
            await found.store()
            yield World(found, dialect)
