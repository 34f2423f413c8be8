"""In charge of the two forms of a whole row outside of answers: in revisions, and in events (spec 03 §11.1, 13). Pure.

Revisions: numbers as text, JSON, lists and booleans decoded, dates plain, NULL as reads show it. Events: as a webhook
sends them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from core.catalog.model import Collection, Field
from core.frozen import EMPTY
from core.query.revisions import BLANKED, DROPPED
from core.types.encode import encoder
from core.types.structured import scalar_text

Convert = Callable[[Any], Any]

DECODED = frozenset({"json", "array", "boolean"})
NUMBERS = frozenset({"integer", "bigint", "decimal", "bit"})


@dataclass(frozen=True, slots=True)
class Form:
    """Column → how its stored value is shown. `nulls`: what NULL is shown as, where that is not null."""

    converts: Mapping[str, Convert | None]
    nulls: Mapping[str, Any] = field(default_factory=lambda: EMPTY)

    def row(self, values: Mapping[str, Any], names: Iterable[str] | None = None) -> dict[str, Any]:
        """The row, or of it the columns `names`, in column order."""
        wanted = None if names is None else frozenset(names)
        found: dict[str, Any] = {}
        for name, convert in self.converts.items():
            if name not in values or (wanted is not None and name not in wanted):
                continue
            value = values[name]
            if value is None:
                value = self.nulls.get(name)
            elif convert is not None:
                value = convert(value)
            found[name] = value
        return found


def revision_form(collection: Collection, dialect: str) -> Form:
    """The form of `data` in revisions."""
    nulls = {one.name: encoder("row", one, dialect, system=collection.is_system)[1] for one in collection.columns}
    return Form(
        _without_secrets(collection, {one.name: _kept(one, dialect) for one in collection.columns}),
        {name: value for name, value in nulls.items() if value is not None},
    )


def event_form(collection: Collection, dialect: str, *, text: bool = False) -> Form:
    """The form of rows in events; `text`: numbers as text, as deletions tell them. Hashes are left out."""
    return Form(
        _without_secrets(
            collection,
            {field.name: _told(field, dialect, text) for field in collection.columns if field.type != "hash"},
        )
    )


def _without_secrets(collection: Collection, converts: dict[str, Convert | None]) -> dict[str, Convert | None]:
    dropped = DROPPED.get(collection.name, frozenset())
    blanked = BLANKED.get(collection.name, frozenset())
    return {
        name: (_nothing if name in blanked else convert) for name, convert in converts.items() if name not in dropped
    }


def _nothing(value: Any) -> None:
    return None


def _kept(field: Field, dialect: str) -> Convert | None:
    if _is_number(field):
        return encoder("number_text", field, dialect, system=True)[0]
    if field.column is not None and field.column.family == "text" and field.type not in DECODED:
        return None  # also where the type says number: what is stored is the form of the database
    # With `system` dates have no ISO form: this is the database's own
    convert = encoder("row", field, dialect, system=True)[0]
    if field.type in DECODED:
        return convert
    return _as_text if convert is None else lambda value: _as_text(convert(value))


def _told(field: Field, dialect: str, text: bool) -> Convert | None:
    if field.type in ("json", "array"):
        return None if dialect == "sqlite" else _stored_text
    if field.type == "boolean":
        return encoder("int01", field, dialect, system=True)[0]
    if text and _is_number(field):
        return encoder("number_text", field, dialect, system=True)[0]
    return encoder("row", field, dialect, system=True)[0]


def _is_number(field: Field) -> bool:
    return (
        field.column is not None and field.column.family in NUMBERS and field.type not in ("boolean", "json", "array")
    )


def _as_text(value: Any) -> Any:
    return scalar_text(value) if isinstance(value, int | float) and not isinstance(value, bool) else value


def _stored_text(value: Any) -> Any:
    return value.decode(errors="replace") if isinstance(value, bytes) else value
