"""In charge of running compiled plans: one statement a node, all parents of an edge at once. Builds no SQL."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from core.db.gateway import Connection
from core.query.shape import Item
from core.query.virtual import Scene
from core.sql.compile import Prepared
from core.sql.read import Branch, Fetch

Rows = Sequence[Sequence[Any]]

# Parents of one edge statement on databases where every key is a parameter of its own.
MAX_KEYS = 20_000


async def run(
    connection: Connection, fetch: Fetch, values: Sequence[Any], bound: Mapping[str, Any], scene: Scene
) -> list[Item]:
    """Items of a compiled root node, with everything below them."""
    return await assemble(
        connection, fetch, await fetch_rows(connection, fetch.statement, values, bound), values, bound, scene
    )


async def fetch_rows(
    connection: Connection, statement: Prepared, values: Sequence[Any], bound: Mapping[str, Any]
) -> Rows:
    """Rows of a prepared statement."""
    text, arguments = statement.bind(values, bound)
    return await connection.rows(text, arguments)


async def assemble(
    connection: Connection,
    fetch: Fetch,
    rows: Rows,
    values: Sequence[Any],
    bound: Mapping[str, Any],
    scene: Scene,
) -> list[Item]:
    """Items of rows of a node, all of them or a chunk, with everything below them."""
    if not fetch.branches or not rows:
        items = fetch.shape(rows, [{}] * len(fetch.branches), scene)
    else:
        lookups = [await _lookup(connection, branch, rows, values, bound, scene) for branch in fetch.branches]
        items = fetch.shape(rows, lookups, scene)
    if scene.seen is not None and items:
        await scene.seen(fetch.shown, items)
    return items


async def _lookup(
    connection: Connection,
    branch: Branch,
    parents: Rows,
    values: Sequence[Any],
    bound: Mapping[str, Any],
    scene: Scene,
) -> dict[Any, Any]:
    """Related items by their linking key: one item each (to-one) or a list (to-many)."""
    keys = {row[branch.parent] for row in parents}
    keys.discard(None)
    if branch.convert is not None:
        keys = {branch.convert(key) for key in keys}
        keys.discard(None)
    if not keys:
        return {}
    found: dict[Any, Any] = {}
    wanted = list(keys)
    for start in range(0, len(wanted), MAX_KEYS):
        chunk = {**bound, "keys": wanted[start : start + MAX_KEYS]}
        text, arguments = branch.fetch.statement.bind(values, chunk)
        rows = await connection.rows(text, arguments)
        items = await assemble(connection, branch.fetch, rows, values, bound, scene)
        _collect(found, branch, rows, items)
    return found


def _collect(found: dict[Any, Any], branch: Branch, rows: Rows, items: Sequence[Item]) -> None:
    link, normalise = branch.link, branch.normalise
    for row, item in zip(rows, items, strict=True):
        key = row[link] if normalise is None else normalise(row[link])
        if not branch.many:
            found[key] = item
        elif item:  # a child without any key left is no child (spec 03 §5.1)
            found.setdefault(key, []).append(item)
