"""In charge of what the answer to a write of one setting shows as its value: what was sent (spec 01 §10.2)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from core.access.policy import ADMIN_POLICY
from core.query.change import WriteRequest
from core.query.selection import ReadRequest, Row, Selection
from core.session import Session
from core.write import readback
from core.write.readback import Reading
from core.write.run import Run

FILE = Selection((Row("file"),))


async def echo(
    reading: Reading,
    session: Session,
    request: WriteRequest,
    run: Run,
    kinds: Mapping[str, str],
    items: list[dict[str, Any] | None],
) -> None:
    """Put the value into the item in the type in which it was sent; a setting of a file shows the file.

    `kinds`: type by key. Files of settings are read without regard to permissions: they are public anyway.
    """
    roots = [node for node in run.nodes if node.root]
    if len(roots) != 1 or "value" not in roots[0].payload or request.selection is None:
        return
    node = roots[0]
    value = node.payload["value"]
    row = run.rows.get(node.collection, run.keys[node.index])
    key = node.payload.get("key") or (row.values["key"] if row is not None else "")
    if kinds.get(str(key)) == "file":
        kept = row.values["value"] if row is not None else None
        value = await _file(reading, session, run, run.values[node.index].get("value", kept))
    readback.echo(items, request.selection, [value])


async def _file(reading: Reading, session: Session, run: Run, stored: Any) -> Any:
    """The file that a stored value names; None when it names none."""
    if stored is None or not str(stored).isdecimal():
        return None
    trusted = replace(session, policy=ADMIN_POLICY)
    request = ReadRequest("directus_files", FILE, ids=(str(stored),), limit=1)
    found = await reading.read(trusted, request, run.connection)
    return found.items[0]["file"] if found.items else None
