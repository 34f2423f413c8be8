"""In charge of importing items: a source's records in portions, each a write of the one pipeline; what became of them.

Whole (`atomic`): one transaction over all portions, all or nothing. In parts: each portion is a transaction, and a row
that is refused is left out of it and told. A file that cannot be read is refused before the first row is stored.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from core import engine
from core.access import authorize
from core.access.authorize import Caller, Wish
from core.catalog.model import Collection
from core.db.errors import MissingObject, Retryable, StatementTimeout
from core.errors import (
    MOST_PROBLEMS,
    CollectionNotFound,
    DatabaseUnavailable,
    DuplicateItem,
    Problem,
    TabulariumError,
    Unavailable,
    Unprocessable,
    ValidationFailed,
)
from core.query.change import WriteRequest
from core.session import Session
from core.transfer import cells
from core.transfer.records import Record, csv_records, json_records, ndjson_records
from core.transfer.source import Form, Source
from core.write.guard import writable
from core.write.pipeline import Together

ROWS = 500
CHARACTERS = 4_000_000
"""Of one portion, whichever is reached first."""

Payload = Mapping[str, Any]
Portion = Sequence[Payload]


@dataclass(frozen=True, slots=True)
class ImportRequest:
    """What to import. `format`: csv, json or ndjson, when the source does not tell. `key`: rows are found by this field
    and changed, else created. `seen`: told how many rows are dealt with, and where in the file that is."""

    collection: str
    source: Source
    format: str | None = None
    atomic: bool = True
    key: str | None = None
    delimiter: str = ","
    comment: str | None = None
    activity_skip: bool = False
    seen: Callable[[int, int], None] | None = None


@dataclass(frozen=True, slots=True)
class RowError:
    """Why a row was not stored. `row`: its index, from 0."""

    row: int
    code: int | None
    message: str
    problems: tuple[Problem, ...]


@dataclass(slots=True)
class ImportResult:
    """What became of the rows. `errors`: the first of those that failed."""

    created: int = 0
    updated: int = 0
    failed: int = 0
    errors: list[RowError] = field(default_factory=list)

    def add(self, other: ImportResult) -> None:
        """Take in what became of a portion, which comes after all others."""
        self.created, self.updated = self.created + other.created, self.updated + other.updated
        self.failed += other.failed
        later = sorted(other.errors, key=lambda error: error.row)
        self.errors += later[: MOST_PROBLEMS - len(self.errors)]

    def stored(self, rows: int, created: int) -> None:
        self.created, self.updated = self.created + created, self.updated + rows - created

    def refused(self, row: int, error: TabulariumError) -> None:
        """Note a row; its problems are told by their place in the row's item."""
        self.failed += 1
        problems = tuple(Problem((row, *one.path[1:]), one.message) for one in error.problems)
        self.errors.append(RowError(row, error.code, error.message, problems))


async def import_items(session: Session, request: ImportRequest) -> ImportResult:
    """Import the rows of a source into a collection.

    Raises CollectionNotFound, SystemCollectionAccess, CreateDenied, Forbidden; ValidationFailed (format, delimiter),
    InvalidPayload (the file cannot be read), Unprocessable (a column is no field); atomic: what a write raises, with
    the index of the row.
    """
    form = request.source.form(request.format)
    if len(request.delimiter) != 1 or request.delimiter in '"\r\n':
        raise ValidationFailed.of([Problem(("delimiter",), "This value should be one character.")])
    collection = _admit(session, request)
    if request.atomic:
        try:
            return await engine.together(session, request.collection, lambda one: _whole(one, request, form))
        except DuplicateItem:
            if request.key is None:
                raise
            # Somebody else may have created it since we looked: then it is there to be changed now
            return await engine.together(session, request.collection, lambda one: _whole(one, request, form))
    async for _, portion, _ in _portions(request, form):
        _known(collection, form, portion)  # a file that breaks off at its end shall not have been stored half
    found = ImportResult()
    async for first, portion, place in _portions(request, form):
        await _apart(session, request, form, first, portion, found)
        _tell(request, first + len(portion), place)
    return found


def _admit(session: Session, request: ImportRequest) -> Collection:
    """Who may create nothing at all is refused before the file is looked at."""
    collection = session.snapshot.collections.get(request.collection)
    if collection is None:
        raise CollectionNotFound(request.collection)
    writable(collection)
    caller = Caller(session.policy, session.actor, comment=bool(request.comment))
    if request.key is None or session.policy.any_level(collection.name, "update") == 0:
        authorize.create(caller, collection, Wish())
    return collection


async def _whole(together: Together, request: ImportRequest, form: Form) -> ImportResult:
    found = ImportResult()
    async for first, portion, place in _portions(request, form):
        _known(together.session.snapshot.collections[request.collection], form, portion)
        items = _items(together.session, request, form, portion)
        result = await together.write(_write(request, items, first))
        found.stored(len(items), result.created)
        _tell(request, first + len(items), place)
    return found


async def _apart(
    session: Session, request: ImportRequest, form: Form, first: int, portion: Portion, found: ImportResult
) -> None:
    """One portion in a transaction of its own; in halves, when the database refuses it at the end (deferred keys)."""
    try:
        found.add(await engine.together(session, request.collection, _part(request, form, first, portion)))
    except DatabaseUnavailable:
        raise
    except TabulariumError as error:
        if len(portion) == 1 or isinstance(error, Unavailable):  # nobody repeats what is stored half
            lost = ImportResult(failed=len(portion) - 1)
            lost.refused(first, error)
            found.add(lost)
            return
        middle = len(portion) // 2
        await _apart(session, request, form, first, portion[:middle], found)
        await _apart(session, request, form, first + middle, portion[middle:], found)


def _part(request: ImportRequest, form: Form, first: int, portion: Portion) -> Callable[[Together], Any]:
    async def work(together: Together) -> ImportResult:
        found = ImportResult()
        items = _items(together.session, request, form, portion)
        await _some(together, request, list(enumerate(items, first)), found)
        return found

    return work


async def _some(
    together: Together,
    request: ImportRequest,
    rows: Sequence[tuple[int, Payload]],
    found: ImportResult,
    *,
    again: bool = False,
) -> None:
    """Store as many of the rows as can be: together, else without those that are named as wrong, else in halves."""
    try:
        async with together.savepoint():
            result = await together.write(_write(request, [item for _, item in rows], 0))
    except (Retryable, DatabaseUnavailable, MissingObject, StatementTimeout):
        raise  # no row's fault
    except TabulariumError as error:
        refused = error
    else:
        found.stored(len(rows), result.created)
        return
    if len(rows) == 1:
        if isinstance(refused, DuplicateItem) and request.key is not None and not again:
            await _some(together, request, rows, found, again=True)  # created by somebody else since we looked
        else:
            found.refused(rows[0][0], refused)
        return
    wrong = {one.path[0] for one in refused.problems if one.path}
    if len(wrong) > 1:
        rest = [row for place, row in enumerate(rows) if place not in wrong]
        if rest:
            await _some(together, request, rest, found)
        for place in sorted(wrong):
            await _some(together, request, [rows[int(place)]], found)
        return
    middle = len(rows) // 2
    await _some(together, request, rows[:middle], found)
    await _some(together, request, rows[middle:], found)


def _write(request: ImportRequest, items: Portion, first: int) -> WriteRequest:
    return WriteRequest(
        request.collection,
        "create" if request.key is None else "upsert",
        tuple(items),
        batch=True,
        match=request.key,
        selection=None,
        first=first,
        comment=request.comment,
        activity_skip=request.activity_skip,
    )


def _items(session: Session, request: ImportRequest, form: Form, portion: Portion) -> Portion:
    """The records as payloads."""
    if form != "csv":
        return portion
    collection = session.snapshot.collections[request.collection]
    return [cells.payload(collection, row) for row in portion]


def _known(collection: Collection, form: Form, portion: Portion) -> None:
    """Raises Unprocessable for columns that are no fields."""
    unknown = [name for name in portion[0] if name not in collection.fields] if form == "csv" and portion else []
    if unknown:
        names = ", ".join(f'"{name}"' for name in unknown[:MOST_PROBLEMS])
        raise Unprocessable(f'Payload fields: {names} does not exist in "{collection.name}" collection.')


def _tell(request: ImportRequest, rows: int, place: int) -> None:
    if request.seen is not None:
        request.seen(rows, place)


# --- portions -------------------------------------------------------------------------------------------------------


async def _portions(request: ImportRequest, form: Form) -> AsyncIterator[tuple[int, Portion, int]]:
    """The records in portions: index of the first, the records, how much of the file is read. Read from its beginning
    each time, beside the event loop."""
    source = request.source
    if source.items is not None:
        for start in range(0, len(source.items), ROWS):
            yield start, source.items[start : start + ROWS], 0
        return
    assert source.file is not None
    source.file.seek(0)
    records = {
        "csv": lambda file: _named(csv_records(file, request.delimiter)),
        "json": json_records,
        "ndjson": ndjson_records,
    }[form](source.file)
    first = 0
    while portion := await asyncio.to_thread(_next, records):
        yield first, portion, source.file.tell()
        first += len(portion)


def _named(records: Iterator[Record]) -> Iterator[Record]:
    for row, size in records:
        yield {cells.header(name): value for name, value in row.items()}, size


def _next(records: Iterator[Record]) -> list[Payload]:
    found: list[Payload] = []
    taken = 0
    with suppress(StopIteration):
        while len(found) < ROWS and taken < CHARACTERS:
            record, size = next(records)
            found.append(record)
            taken += size
    return found
