"""In charge of keeping compiled statements by shape, in the cache of plans of the project. Builds none itself."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from core.catalog.model import Collection, Snapshot
from core.query.predicate import Predicate
from core.sql import write as sql
from core.sql.compile import Prepared
from core.sql.write import Many

T = TypeVar("T")


class Cache(Protocol):
    """A bounded mapping."""

    def get(self, key: Any) -> Any: ...

    def __setitem__(self, key: Any, value: Any) -> None: ...


@dataclass(frozen=True, slots=True)
class Asks:
    """Conditions that rows are asked about. `name`: what tells them from others; `parts` makes them when needed."""

    name: str
    parts: Callable[[], Sequence[Predicate]]


@dataclass(frozen=True, slots=True)
class Statements:
    """The statements of one snapshot."""

    snapshot: Snapshot
    cache: Cache

    @property
    def dialect(self) -> str:
        return self.snapshot.dialect

    def kept(self, shape: tuple[Any, ...], make: Callable[[], T]) -> T:
        """What `make` gives, made once per shape and snapshot."""
        key = (self.snapshot.version, "write", *shape)
        found: T | None = self.cache.get(key)
        if found is None:
            found = make()
            self.cache[key] = found
        return found

    def insert(self, collection: Collection, columns: tuple[str, ...], *, many: bool, gives: str) -> Many:
        return self.kept(
            ("insert", collection.name, columns, many, gives),
            lambda: sql.insert(collection, columns, self.dialect, many=many, gives=gives),
        )

    def update_each(self, collection: Collection, columns: tuple[str, ...]) -> Many:
        return self.kept(
            ("update each", collection.name, columns), lambda: sql.update_each(collection, columns, self.dialect)
        )

    def update_all(self, collection: Collection, columns: tuple[str, ...], *, one: bool) -> Prepared:
        return self.kept(
            ("update all", collection.name, columns, one),
            lambda: sql.update_all(collection, columns, self.dialect, one=one),
        )

    def advance(self, collection: Collection) -> Prepared | None:
        return self.kept(("advance", collection.name), lambda: sql.advance(collection, self.dialect))

    def delete(self, collection: Collection, *, one: bool) -> Prepared:
        return self.kept(("delete", collection.name, one), lambda: sql.delete(collection, self.dialect, one=one))

    def select(
        self, collection: Collection, *, one: bool, lock: bool, owner: str | None = None, asks: Asks | None = None
    ) -> Prepared:
        def make() -> Prepared:
            parts = asks.parts() if asks is not None else ()
            return sql.select(self.snapshot, collection, one=one, lock=lock, owner=owner, asks=parts)

        return self.kept(("select", collection.name, one, lock, owner, asks.name if asks is not None else ""), make)

    def verdicts(self, collection: Collection, asks: Asks) -> Prepared:
        """Of the rows of a list of keys: key, and whether each condition is true of it."""
        return self.kept(
            ("verdicts", collection.name, asks.name), lambda: sql.verdicts(self.snapshot, collection, asks.parts())
        )

    def select_where(
        self, collection: Collection, columns: tuple[str, ...], by: str, *, lock: bool = False
    ) -> Prepared:
        return self.kept(
            ("select where", collection.name, columns, by, lock),
            lambda: sql.select_where(collection, columns, by, self.dialect, lock=lock),
        )

    def delete_where(self, collection: Collection, by: str) -> Prepared:
        return self.kept(("delete where", collection.name, by), lambda: sql.delete_where(collection, by, self.dialect))

    def clear_where(self, collection: Collection, by: str) -> Prepared:
        return self.kept(("clear where", collection.name, by), lambda: sql.clear_where(collection, by, self.dialect))
