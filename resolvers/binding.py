"""In charge of what a GraphQL type says about the data behind it, as frozen data. Resolvers read it, schema writes it.

Every field that this house generates carries one of these under `extensions[KEY]`, so that no resolver needs names: a
GraphQL name may differ from the column's.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

KEY = "tabularium"


@dataclass(frozen=True, slots=True)
class Scalar:
    """A column and the encoder that shows it (`core.types.encode`)."""

    field: str
    encoder: str


@dataclass(frozen=True, slots=True)
class Related:
    """A relation. `single`: the one related item in a list (`roles`). `language`: the field that `lang` restricts."""

    field: str
    many: bool = False
    single: bool = False
    language: str | None = None


@dataclass(frozen=True, slots=True)
class RowForm:
    """The item in its REST form, by field paths."""


@dataclass(frozen=True, slots=True)
class Fixed:
    """The same value for every item."""

    value: Any = None


@dataclass(frozen=True, slots=True)
class FileData:
    """A member of the `data` object of a file."""

    member: str


@dataclass(frozen=True, slots=True)
class Own:
    """A column that is shown to the user whose record it is, and null to everybody else."""

    field: str
    encoder: str
    key: str


@dataclass(frozen=True, slots=True)
class Data:
    """The items of a wrapper."""


@dataclass(frozen=True, slots=True)
class Meta:
    """The counts of a wrapper."""


@dataclass(frozen=True, slots=True)
class Root:
    """The collection that a root field reads or writes. `key_field`: its primary key."""

    collection: str
    key_field: str | None = None
