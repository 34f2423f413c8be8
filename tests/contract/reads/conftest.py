"""In charge of one filled database per dialect for all tests of reads; nothing writes to it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests import backends
from tests.contract.reads.plain import Base, create


@pytest.fixture(scope="package")
async def base(dialect: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Base]:
    with backends.fresh_database(dialect, tmp_path_factory.mktemp("reads")) as url:
        base = await create(url)
        yield base
        await base.store.close()
