"""In charge of reading what was written, in the same transaction, in the order in which it was asked for.

An item that the caller may not read is None and no error (spec 03 §6.1, 10). Reading itself is the engine's, which is
handed in: it lies above this room.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from core.catalog.model import Collection
from core.db.gateway import Connection
from core.errors import ItemNotFound, ReadDenied
from core.query.change import WriteRequest
from core.query.selection import Leaf, ReadRequest, ReadResult, Row, Selection
from core.session import Session

# A response key that no client can ask for.
KEY = "\x00key"


class Reading(Protocol):
    """The engine's reads."""

    def check(self, session: Session, request: ReadRequest) -> None: ...

    async def read(
        self, session: Session, request: ReadRequest, connection: Connection | None = None
    ) -> ReadResult: ...


@dataclass(frozen=True, slots=True)
class ReadBack:
    """What to read, made before the first row is written. `wanted` False: the caller reads nothing of it."""

    collection: Collection
    request: ReadRequest
    single: bool
    wanted: bool


def prepare(reading: Reading, session: Session, request: WriteRequest) -> ReadBack:
    """Plan it. Raises what a wrong selection raises, so that nothing is changed then."""
    collection = session.snapshot.collections[request.collection]
    single = not request.batch and (request.keys is None or len(request.keys) == 1)
    meta = frozenset() if request.batch else request.meta
    entries = request.selection.entries if request.selection is not None else ()
    selection = Selection((Leaf(KEY, collection.primary_key or "", "id"), *entries))
    read = ReadRequest(collection.name, selection, ids=(), limit=-1, lang=request.lang, meta=meta)
    if request.action == "delete" or request.selection is None:
        return ReadBack(collection, read, single, False)
    try:
        reading.check(session, read)
    except ReadDenied:
        return ReadBack(collection, read, single, False)
    return ReadBack(collection, read, single, True)


async def read_back(
    reading: Reading, session: Session, plan: ReadBack, keys: Sequence[Any], connection: Connection
) -> ReadResult:
    """The items of the keys in their order, None where the caller may not read one."""
    if not plan.wanted or not keys:
        return ReadResult([None] * len(keys), {})  # type: ignore[list-item]
    texts = [key_text(key) for key in keys]
    request = plan.request
    if plan.single:
        return await _one(reading, session, request, texts[0], connection)
    if (plan.collection.primary_key or "") in _hidden(session, plan.collection):
        found = [await _one(reading, session, request, text, connection) for text in texts]
        return ReadResult([one.items[0] for one in found], found[0].meta, found[0].warnings, found[0].tags)
    wanted = ReadRequest(
        request.collection, request.selection, ids=tuple(dict.fromkeys(texts)), limit=-1,
        lang=request.lang, meta=request.meta,
    )  # fmt: skip
    result = await reading.read(session, wanted, connection)
    by_key = {item.pop(KEY): item for item in result.items}
    return ReadResult([by_key.get(text) for text in texts], result.meta, result.warnings, result.tags)  # type: ignore[misc]


async def _one(
    reading: Reading, session: Session, request: ReadRequest, text: str, connection: Connection
) -> ReadResult:
    wanted = ReadRequest(request.collection, request.selection, id=text, lang=request.lang, meta=request.meta)
    try:
        result = await reading.read(session, wanted, connection)
    except ItemNotFound:
        return ReadResult([None], {})  # type: ignore[list-item]
    for item in result.items:
        item.pop(KEY, None)
    return result


def _hidden(session: Session, collection: Collection) -> frozenset[str]:
    """Fields that the caller does not see in every item: without its key an item cannot be told from its neighbours."""
    policy = session.policy
    return policy.hidden_always(collection.name).union(*policy.hidden_sometimes(collection.name).values())


def key_text(key: Any) -> str:
    """A key as it stands in a path."""
    return b64encode(key).decode() if isinstance(key, bytes) else str(key)


def echo(items: list[dict[str, Any] | None], selection: Selection, sent: Sequence[Any]) -> None:
    """Settings: the answer shows the value as it was sent (spec 01 §10.2)."""
    for item, value in zip(items, sent, strict=True):
        for entry in selection:
            row = item.get(entry.key) if item is not None and isinstance(entry, Row) else None
            if isinstance(row, dict) and "value" in row:
                row["value"] = value
