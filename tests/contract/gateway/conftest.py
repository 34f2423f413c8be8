"""In charge of the store that the tests of the gateway use."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from core.db.gateway import Store
from tests.contract.gateway.support import POOL, create


@pytest.fixture
async def store(database_url: str) -> AsyncIterator[Store]:
    """A store with a table t (id, name unique, n) of two rows, and r, whose rows refer to t when they are committed."""
    opened = await Store.open(database_url, pool_size=POOL, options={"readers": POOL, "lock_timeout": 20})
    try:
        await opened.run_sync(create)
        yield opened
    finally:
        await opened.close()
