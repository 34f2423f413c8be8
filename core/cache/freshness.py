"""In charge of what this process knows of how fresh collections are. The database says what is true.

A request learns the sum of all versions with its caller. When that is the sum this process has seen last, it knows
every single version; else it asks once.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from core.sql.freshness import VERSIONS, key, outdate

if TYPE_CHECKING:
    from core.db.gateway import Connection, Store

Versions = Mapping[str, int]


class Freshness:
    """The versions of one project's collections, as this process has seen them last."""

    def __init__(self) -> None:
        self._stamp = -1
        self._versions: Versions = {}

    async def at(self, store: Store, stamp: int) -> Versions:
        """The versions at the moment of a stamp, or later ones. Raises DatabaseError."""
        if stamp == self._stamp:
            return self._versions
        async with store.read() as connection:
            found = {str(name): int(version) for name, version in await connection.rows(VERSIONS)}
        self._versions, self._stamp = found, sum(found.values())
        return found


async def outdated(connection: Connection, collections: Iterable[str]) -> None:
    """Note in the transaction at hand that items of some collections are written. Its last statement, please."""
    await connection.execute(*outdate(collections, connection.dialect))


def seen(versions: Versions, collections: tuple[str, ...]) -> tuple[tuple[str, int], ...]:
    """The versions of some collections, as they are kept with what was read of them."""
    return tuple((name, versions.get(name, 0)) for name in map(key, collections))


def still(versions: Versions, kept: tuple[tuple[str, int], ...]) -> bool:
    """Whether nothing has been written since."""
    return all(versions.get(name, 0) == version for name, version in kept)
