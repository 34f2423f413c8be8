"""In charge of what a client is told when the database refuses a write: errors of core for the database's. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from core.catalog.model import Collection, ToOne
from core.db.errors import (
    CheckViolation,
    ConstraintViolation,
    DatabaseError,
    DataRejected,
    ForeignKeyViolation,
    NotNullViolation,
    UniqueViolation,
)
from core.errors import DuplicateItem, Path, Problem, TabulariumError, Unprocessable, ValidationFailed
from core.types.write import BLANK, INVALID

REFUSED = (ConstraintViolation, DataRejected)


def refusal(
    error: DatabaseError,
    collection: Collection,
    rows: Sequence[Mapping[str, Any]],
    path: Path = (),
) -> TabulariumError:
    """The error for a client. `rows`: values of the statement; `path`: of the row, when there is only one."""
    match error:
        case UniqueViolation():
            found = DuplicateItem(_duplicate(error, rows), collection.name)
            if path:  # which of many it is
                found.problems, found.count = (Problem(path, found.message),), 1
            return found
        case NotNullViolation(column=str(column)) if column in collection.fields:
            return ValidationFailed.of([Problem((*path, column), BLANK)])
        case ForeignKeyViolation():
            return _dangling(collection, rows, path)
        case DataRejected(column=str(column)) if column in collection.fields:
            message = f'The value submitted for "{column}" is not valid.'
            return Unprocessable(message, problems=[Problem((*path, column), message)])
        case CheckViolation() | DataRejected() | NotNullViolation():
            return Unprocessable(f'The database refuses a value for collection "{collection.name}".')
    return error


def _duplicate(error: UniqueViolation, rows: Sequence[Mapping[str, Any]]) -> object:
    """The value that is there already, as far as anybody knows it."""
    if error.value is not None:
        return error.value
    known = [row[name] for row in rows for name in error.columns if name in row] if len(rows) == 1 else []
    return ", ".join(map(str, known))


def _dangling(collection: Collection, rows: Sequence[Mapping[str, Any]], path: Path) -> TabulariumError:
    """A key that refers to nothing, or (no values at all) a row that others still refer to."""
    sent = {name for row in rows for name, value in row.items() if value is not None}
    fields = [name for name in collection.fields if name in sent and isinstance(collection.relations.get(name), ToOne)]
    if not rows:
        return Unprocessable(f'An item of "{collection.name}" cannot be deleted: others refer to it.')
    if len(fields) == 1:
        return ValidationFailed.of([Problem((*path, fields[0]), INVALID)])
    return Unprocessable(f'An item of "{collection.name}" refers to one that does not exist.')
