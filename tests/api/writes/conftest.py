"""In charge of one project per database for all tests of writes; each test begins with the same rows."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest

from core.catalog.changes import log_change
from core.projects import Project
from tests import backends
from tests.api.writes.world import House, build, reset
from tests.projects import project


@pytest.fixture(scope="session")
def writes_url(dialect: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with backends.fresh_database(dialect, tmp_path_factory.mktemp("writes")) as url:
        yield url


@pytest.fixture(scope="session")
async def writes_project(writes_url: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Project]:
    async with project(writes_url, tmp_path_factory.mktemp("writes_data")) as found:
        store = await found.store()
        await build(store)
        async with store.write() as connection:
            await log_change(connection, "schema")
        yield found


@pytest.fixture
async def house(writes_project: Project) -> House:
    found = House(writes_project, await writes_project.store())
    await reset(found)
    await found.session()
    await writes_project.settled()
    return found
