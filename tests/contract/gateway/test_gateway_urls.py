"""In charge of URLs and their options."""

from __future__ import annotations

from typing import Any

import pytest

from core.db.gateway import Store
from core.errors import InvalidDatabaseConnection
from tests.contract.gateway.support import count, run


async def test_options_in_the_url_are_options(database_url: str, dialect: str) -> None:
    url = f"{database_url}?pool_size=2&lock_timeout=1.5&statement_timeout=9"
    store = await Store.open(url)
    try:
        assert (store.options.pool_size, store.options.lock_timeout) == (2, 1.5)
        assert store.url == url
        async with store.write() as connection:
            await run(connection, "CREATE TABLE x (id INTEGER)")
    finally:
        await store.close()
    # The same database, whatever the query said.
    store = await Store.open(database_url)
    try:
        assert await count(store, "x") == 0
    finally:
        await store.close()


@pytest.mark.parametrize(
    "url, options",
    [
        ("oracle://x/y", {}),
        ("sqlite://", {}),
        ("sqlite:///:memory:", {}),
        ("sqlite:///x.db?nonsense=1", {}),
        ("sqlite:///x.db?lock_timeout=soon", {}),
        ("sqlite:///x.db", {"nonsense": 1}),
        ("sqlite:///x.db?synchronous=OFF;DROP", {}),
        ("postgresql://root@127.0.0.1/x?pool_size=0", {}),
    ],
)
async def test_a_wrong_url_is_refused(url: str, options: dict[str, Any]) -> None:
    with pytest.raises(InvalidDatabaseConnection):
        await Store.open(url, options=options)
