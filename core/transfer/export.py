"""In charge of lists that leave as files: CSV, JSON or one JSON object a line, made while the list is read.

It is the list that the same request would answer, without a limit of its own: same fields, same rights. Only a chunk of
it is held.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

import orjson

from core import engine
from core.catalog.model import Field, Snapshot, ToOne
from core.errors import Unprocessable
from core.query.plan import ColumnOut, EdgeOut, KeyOut, Output, RowOut
from core.query.selection import ReadRequest, Row, Selection, Warning
from core.session import Session
from core.stream import LongList, longer
from core.transfer.csv import Kind, cell, header, record

MEDIA = {"csv": "text/csv; charset=utf-8", "json": "application/json", "ndjson": "application/x-ndjson"}
"""Format → media type."""
PIECE = 200
"""Items that are put into text at once: others wait as long as that takes."""
ROW = "\x00row"
NUMBERS = frozenset({"integer", "bigint", "decimal", "float"})

Chunks = AsyncIterator[list[dict[str, Any]]]


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a CSV file: where its value lies in an item, and what it holds."""

    path: tuple[str, ...]
    kind: Kind

    @property
    def name(self) -> str:
        return ".".join(self.path)

    def value(self, item: Any) -> Any:
        """The value in an item; None where something on the way is missing or hidden."""
        if len(self.path) == 1:
            return item.get(self.path[0])
        for key in self.path:
            if not isinstance(item, dict):
                return None
            item = item.get(key)
        return item


@dataclass(frozen=True, slots=True)
class Export:
    """A file that has not been begun."""

    list: LongList
    format: str
    columns: tuple[Column, ...]
    mark: None = None
    """Nothing but the file is the answer, so it stands in no place of it."""

    @property
    def media(self) -> str:
        return MEDIA[self.format]

    @property
    def filename(self) -> str:
        return f"{self.list.request.collection}.{self.format}"

    @property
    def warnings(self) -> tuple[Warning, ...]:
        """Relations that could not be expanded."""
        return self.list.warnings

    async def count(self) -> int:
        """How many items there are, for who shows how far it is."""
        return await self.list.count()

    @asynccontextmanager
    async def open(self, told: Callable[[int], None] | None = None) -> AsyncIterator[AsyncIterator[bytes]]:
        """The bytes of the file in pieces; whatever can be refused is refused before this returns.

        `told`: told of the items of each piece. Raises what `core.stream.LongList.open` does.
        """
        async with self.list.open() as chunks:
            yield self._pieces(chunks, told)

    async def _pieces(self, chunks: Chunks, told: Callable[[int], None] | None) -> AsyncIterator[bytes]:
        first = True
        if self.format == "csv":
            yield header([column.name for column in self.columns]).encode()
        async for chunk in chunks:
            items = [item for one in chunk if (item := one[ROW]) is not None]  # without any key left it is no item
            for start in range(0, len(items), PIECE):
                yield self._piece(items[start : start + PIECE], first=first)
                first = False
            if told is not None:
                told(len(chunk))
        if self.format == "json":
            yield b"[]\n" if first else b"\n]\n"

    def _piece(self, items: Sequence[dict[str, Any]], *, first: bool) -> bytes:
        if self.format == "ndjson":
            return b"".join([orjson.dumps(item, option=orjson.OPT_APPEND_NEWLINE) for item in items])
        if self.format == "json":
            return (b"[\n" if first else b",\n") + b",\n".join([orjson.dumps(item) for item in items])
        columns = self.columns
        lines = [record([cell(column.value(item), column.kind) for column in columns]) for item in items]
        return "".join(lines).encode()


async def export_items(
    session: Session, request: ReadRequest, format: str, fields: Sequence[str] | None = None
) -> Export:
    """A list as a file. `request`: of the list, its selection is not looked at; without a limit it is all.

    `fields`: paths as in REST. Raises Unprocessable for an unknown format, and what `engine.read` raises.
    """
    if format not in MEDIA:
        raise Unprocessable(f"A list is exported as {', '.join(sorted(MEDIA))}.")
    paths = tuple(fields) if fields else ("*",)
    wanted = replace(
        request,
        selection=Selection((Row(ROW, paths),)),
        limit=-1 if request.limit is None else request.limit,
        meta=frozenset(),
    )
    found = await longer(session, wanted)
    (whole,) = engine.prepare(session, wanted).planned.outputs
    assert isinstance(whole, RowOut)
    return Export(found, format, tuple(columns_of(session.snapshot, wanted.collection, whole.outputs)))


def columns_of(
    snapshot: Snapshot, collection: str, outputs: Sequence[Output], path: tuple[str, ...] = ()
) -> Iterator[Column]:
    """The columns of a CSV file: a related item becomes columns with dotted names, a list of such JSON text."""
    known = snapshot.collections[collection].fields
    for output in outputs:
        here = (*path, output.key)
        match output:
            case EdgeOut(edge=edge) if isinstance(edge.relation, ToOne) and edge.node.outputs:
                yield from columns_of(snapshot, edge.relation.target, edge.node.outputs, here)
            case EdgeOut():
                yield Column(here, "json")
            case KeyOut(target=target, target_key=key):
                yield Column((*here, key), _kind(snapshot.collections[target].fields[key]))
            case ColumnOut(field=field):
                yield Column(here, _kind(known[field]))
            case _:
                yield Column(here, "text")


def _kind(field: Field) -> Kind:
    if field.type == "json":
        return "json"
    return "number" if field.column is not None and field.column.family in NUMBERS else "text"
