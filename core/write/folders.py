"""In charge of the tree of folders (spec 04 §6): a folder lies in one that is there, never in itself, and what lies in
one that goes is moved up.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from core.catalog.model import Collection
from core.db.gateway import Connection
from core.errors import Problem, ValidationFailed
from core.sql import folders as statements
from core.types.write import INVALID
from core.write import run as running
from core.write.change import Node
from core.write.load import chunks
from core.write.run import Run

FOLDERS, PARENT = "directus_folders", "parent_folder"
HOLDERS = ((FOLDERS, PARENT), ("directus_files", "folder"))
"""What lies in folders: collection and the column that says in which."""


async def check(connection: Connection, nodes: Sequence[Node], values: Sequence[Mapping[str, Any]]) -> None:
    """Refuse folders in folders that are not there, or that lie in themselves. Raises ValidationFailed.

    All folders are locked as far as the database locks rows: two moves at a time could make a circle of two.
    """
    moved = [node for node in nodes if node.collection.name == FOLDERS and values[node.index].get(PARENT) is not None]
    if not moved:
        return
    found = statements.tree(connection.dialect)
    parents = {row[0]: row[1] for row in await connection.rows(found.text, found.bind({}))}
    for node in moved:
        if node.verb == "update" and node.key is not None:
            parents[node.key] = values[node.index][PARENT]
    for node in moved:
        place, seen = values[node.index][PARENT], {node.key} if node.key is not None else set()
        while place is not None:
            if place in seen or place not in parents:
                raise ValidationFailed.of([Problem((*node.path, PARENT), INVALID)])
            seen.add(place)
            place = parents[place]
            if place not in parents:
                break  # a folder that was left behind by Directus 8 lies nowhere


async def lift(run: Run) -> None:
    """What lay in folders that were deleted lies in the nearest one above that is left."""
    gone = {
        run.keys[node.index]: (run.before.get(node.index) or {}).get(PARENT)
        for node in run.nodes
        if node.collection.name == FOLDERS and node.verb == "delete" and node.index in run.before
    }
    if not gone:
        return
    for name, column in HOLDERS:
        collection = run.statements.snapshot.collections.get(name)
        if collection is not None and column in collection.fields:
            await _lift(run, collection, column, gone)


async def _lift(run: Run, collection: Collection, column: str, gone: Mapping[Any, Any]) -> None:
    key = collection.primary_key or "id"
    inside = run.statements.select_where(collection, (key, column), column, lock=True)
    moved: list[tuple[Any, Any]] = []
    for chunk in chunks(list(gone), run.connection.dialect):
        for one, place in await run.connection.rows(*inside.bind([chunk], {})):
            moved.append((one, _above(place, gone)))
    if moved:
        many = run.statements.update_each(collection, (column,))
        for text, arguments, _ in many.runs(moved):
            await running.run(run.connection, text, arguments)


def _above(place: Any, gone: Mapping[Any, Any]) -> Any:
    seen = set()
    while place in gone and place not in seen:
        seen.add(place)
        place = gone[place]
    return None if place in gone else place
