"""In charge of the frozen model of a project's data: columns, fields, relations, collections. No I/O, no SQL.

Names are plain `str`. A `Collection` is any table or view of the database, with the metadata of directus_* rows where
there are some and derived from the database where there are none (spec 01 §4, §7, §8).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from core.catalog.webhooks import Webhooks
from core.frozen import EMPTY

# How a column stores its values. Decides casts, binding and SQL types; the Directus type decides the form in answers.
FAMILIES = (
    "integer",  # up to 32 bit
    "bigint",
    "decimal",  # exact
    "float",
    "boolean",  # a real boolean (PostgreSQL), or TINYINT(1)/BOOLEAN declared with a field of type boolean
    "text",
    "binary",
    "bit",
    "date",
    "time",
    "datetime",  # without zone
    "datetimetz",  # with zone: timestamptz, MySQL TIMESTAMP; read and written as UTC
    "json",  # native JSON column
    "uuid",  # native uuid column
    "other",  # read and written in the database's text form, through a cast to `Column.native`
)

ALIAS_TYPES = frozenset({"alias", "group", "o2m", "translation"})
TO_MANY_TYPES = frozenset({"o2m", "translation"})
USER_TYPES = frozenset({"user", "owner", "user_updated"})

SYSTEM_PREFIX = "directus_"
SYSTEM_COLLECTIONS = (
    "directus_activity",
    "directus_collection_presets",
    "directus_collections",
    "directus_fields",
    "directus_files",
    "directus_folders",
    "directus_migrations",
    "directus_permissions",
    "directus_relations",
    "directus_revisions",
    "directus_roles",
    "directus_settings",
    "directus_user_sessions",
    "directus_users",
    "directus_webhooks",
)


@dataclass(frozen=True, slots=True)
class Column:
    """A column as the database reports it, translated into the vocabulary of spec 01 §4.3."""

    name: str
    datatype: str
    """MySQL type name in upper case, as answers give it."""
    family: str
    """One of FAMILIES."""
    native: str
    """The type as the database itself names it, for casts of family "other"."""
    length: str | None = None
    """As answered: "255", "10", "10,2" or None."""
    precision: int | None = None
    scale: int | None = None
    characters: int | None = None
    """Most characters a text column takes; None = not limited."""
    nullable: bool = True
    default: str | None = None
    """Text of the default as answered (quotes removed); None = none or NULL."""
    has_default: bool = False
    """A default other than NULL, or a generated value."""
    default_is_expression: bool = False
    """`default` is SQL to be evaluated (current_timestamp(), …), not a value."""
    primary_key: bool = False
    unique: bool = False
    auto_increment: bool = False
    generated: bool = False
    """Computed by the database (GENERATED ALWAYS AS …): never written."""
    indexed: bool = False
    """First column of an index, so that ordered reads of few rows need no sort (asked of PostgreSQL only)."""
    signed: bool = True
    comment: str = ""
    nocase: bool = False
    """Equality and order ignore case by the column's collation."""


@dataclass(frozen=True, slots=True)
class Field:
    """A field of a collection: a column, an alias, or a column without a row in directus_fields (`id` None)."""

    collection: str
    name: str
    type: str
    """Directus type in lower case (27 of them, spec 01 §4); derived when there is no row."""
    column: Column | None = None
    id: int | None = None
    stored_type: str | None = None
    interface: str | None = None
    options: Mapping[str, Any] | None = None
    locked: bool = False
    validation: str | None = None
    required: bool = False
    """The stored flag; for columns the database decides what is required (`Column.nullable`, `has_default`)."""
    readonly: bool = False
    hidden_detail: bool = False
    hidden_browse: bool = False
    sort: int | None = None
    width: str | None = None
    group: int | None = None
    note: str | None = None
    translation: Any = None

    @property
    def is_alias(self) -> bool:
        """True when there is no column behind it."""
        return self.column is None


@dataclass(frozen=True, slots=True)
class ToOne:
    """`field` of `collection` holds the key of `target` (M2O, file, user, owner …). `target_key`: its key column."""

    collection: str
    field: str
    target: str
    target_key: str
    inverse: str | None = None
    """The alias field of `target` that shows the rows of `collection`, if any."""
    relation: int | None = None
    """Id of the row of directus_relations; None for built-in relations and foreign keys of the database."""


@dataclass(frozen=True, slots=True)
class ToMany:
    """Alias `field` of `collection`: rows of `target` whose `target_field` is this item's key (O2M, translations)."""

    collection: str
    field: str
    target: str
    target_field: str
    junction_field: str | None = None
    """When `target` is a junction: its other foreign key (M2M)."""
    language_field: str | None = None
    """For type translation: the field of type lang in `target`."""
    relation: int | None = None


Relation = ToOne | ToMany


@dataclass(frozen=True, slots=True)
class StatusMapping:
    """Meaning of the values of a status field (spec 01 §4.4). Values are stored values (text, or numbers)."""

    values: tuple[str | int, ...] = ()
    soft_deleted: frozenset[str | int] = frozenset()
    required: frozenset[str | int] = frozenset()
    """Statuses with `required_fields`; when any, the others skip required-ness (spec 03 §7)."""

    @property
    def visible(self) -> tuple[str | int, ...]:
        """The values that lists show by default, in mapping order."""
        return tuple(value for value in self.values if value not in self.soft_deleted)


@dataclass(frozen=True, slots=True)
class Collection:
    """A table or view. `fields`: columns in table order, then aliases by name."""

    name: str
    fields: Mapping[str, Field]
    relations: Mapping[str, Relation] = field(default_factory=lambda: EMPTY)
    """By field name; only relations whose collections exist."""
    primary_key: str | None = None
    """The single key column, else None (views, no key, composite key)."""
    key_columns: tuple[str, ...] = ()
    """All columns of the primary key; for tables without one a stable order is made of all comparable columns."""
    is_view: bool = False
    is_system: bool = False
    managed: bool = False
    has_row: bool = False
    """There is a row in directus_collections (then 404/203 does not apply to it)."""
    hidden: bool = False
    single: bool = False
    icon: str | None = None
    note: str | None = None
    translation: Any = None
    status_field: str | None = None
    owner_field: str | None = None
    sort_field: str | None = None
    language_field: str | None = None
    user_updated_field: str | None = None
    created_field: str | None = None
    updated_field: str | None = None
    statuses: StatusMapping | None = None
    """None when there is no status field or no mapping: then nothing is soft-deleted."""

    @property
    def writable(self) -> bool:
        """Items can be addressed one by one and written."""
        return self.primary_key is not None and not self.is_view

    @property
    def columns(self) -> list[Field]:
        """The fields that have a column, in table order."""
        return [item for item in self.fields.values() if item.column is not None]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One frozen picture of a project. Swapped whole; a request keeps the one it began with.

    `version`: head of the change log when it was read. `settings`: key → stored text or None. `blacklisted`:
    (collection, field) pairs that the read blacklist of some role names; GraphQL promises no value for them.
    `webhooks`: the active ones, by the collection whose changes they tell.
    """

    version: int
    dialect: str
    collections: Mapping[str, Collection]
    settings: Mapping[str, str | None] = field(default_factory=lambda: EMPTY)
    blacklisted: frozenset[tuple[str, str]] = frozenset()
    webhooks: Webhooks = field(default_factory=lambda: EMPTY)

    def setting(self, key: str, default: str | None = None) -> str | None:
        """The stored text of a setting, `default` when its row is missing."""
        return self.settings.get(key, default)
