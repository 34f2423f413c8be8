"""In charge of what a document consists of: its sections, and the attributes of what stands in them. Data only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from core.catalog.model import SYSTEM_COLLECTIONS
from core.frozen import EMPTY

VERSION = 1
VERSION_KEY = "tabularium"

COLLECTIONS, RELATIONS, ROLES, PERMISSIONS, SETTINGS, PRESETS = SECTIONS = (
    "collections", "relations", "roles", "permissions", "settings", "presets",
)  # fmt: skip

ADMIN, PUBLIC = "$admin", "$public"
FIXED_ROLES: Mapping[str, tuple[int, str]] = {ADMIN: (1, "Administrator"), PUBLIC: (2, "Public")}
"""The two roles that are told by their ids, whatever they are called: key in a document → id, usual name."""

Attributes = Mapping[str, Any]
Key = tuple[Any, ...]
Entries = Mapping[Key, Attributes]


@dataclass(frozen=True, slots=True)
class Attribute:
    """`kind`: text, flag, integer (from 0), object, json (object or list), texts (of a list), name. `most`: characters.

    An attribute that has its default is left out of a document. `null`: it may be null besides.
    """

    name: str
    kind: str
    default: Any = None
    most: int | None = None
    choices: tuple[str, ...] = ()
    null: bool = True


def _flag(name: str, default: bool = False) -> Attribute:
    return Attribute(name, "flag", default, null=False)


def _level(name: str, choices: tuple[str, ...], default: str = "none") -> Attribute:
    return Attribute(name, "text", default, choices=choices, null=False)


_LEVELS = ("none", "mine", "role", "full")

COLLECTION = (
    _flag("managed", True), _flag("hidden"), _flag("single"), Attribute("icon", "text", most=30),
    Attribute("note", "text", most=255), Attribute("translation", "json"),
)  # fmt: skip
FIELD = (
    Attribute("type", "text", most=64), Attribute("interface", "text", most=64), Attribute("options", "object"),
    _flag("locked"), Attribute("validation", "text", most=500), _flag("required"), _flag("readonly"),
    _flag("hidden_detail"), _flag("hidden_browse"), Attribute("sort", "integer"),
    Attribute("width", "text", "full", most=50, null=False), Attribute("group", "name", most=64),
    Attribute("note", "text", most=1024), Attribute("translation", "json"),
)  # fmt: skip
"""`type` None: the column has no row in directus_fields, and nothing else is said of the field. `group`: its name."""
COLUMN = (
    Attribute("datatype", "text", most=64), Attribute("length", "text"), _flag("unsigned"), _flag("boolean"),
    _flag("nullable", True), Attribute("default", "text"), Attribute("default_expression", "text"),
    _flag("primary_key"), _flag("auto_increment"), _flag("unique"), Attribute("comment", "text", most=1024),
    Attribute("native", "text"),
)  # fmt: skip
"""`boolean`: a real boolean without a field of that type. `native` and `default_expression`: in the database's own
words; they are kept where they are, and never made. `comment` None: the note of the field."""
RELATION = (
    Attribute("collection_one", "name", most=64), Attribute("field_one", "name", most=64),
    Attribute("junction_field", "name", most=64),
)  # fmt: skip
ROLE = (
    Attribute("name", "text", most=100), Attribute("description", "text", most=500),
    Attribute("ip_whitelist", "texts", (), null=False), Attribute("module_listing", "json"),
    Attribute("collection_listing", "json"), _flag("enforce_2fa"),
)  # fmt: skip
"""`name`: of the two fixed roles only, where it is not the usual one."""
PERMISSION = (
    _level("create", _LEVELS), _level("read", _LEVELS), _level("update", _LEVELS), _level("delete", _LEVELS),
    _level("comment", ("none", "read", "create", "update", "full")),
    _level("explain", ("none", "create", "update", "always")),
    Attribute("read_field_blacklist", "texts", (), 1000, null=False),
    Attribute("write_field_blacklist", "texts", (), 1000, null=False),
    Attribute("status_blacklist", "texts", (), 1000, null=False),
    Attribute("rules", "json"), Attribute("presets", "json"), Attribute("checks", "json"),
)  # fmt: skip
PRESET = (
    Attribute("search_query", "text", most=100), Attribute("filters", "json"),
    Attribute("view_type", "text", "tabular", most=100, null=False), Attribute("view_query", "json"),
    Attribute("view_options", "json"), Attribute("translation", "json"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Document:
    """What a project is, as far as a document tells it; every entry has all its attributes.

    `sections`: those that are there. A section that is not there says nothing, one that is there is complete.
    `collections` (collection,) without system collections; `fields` and `columns` (collection, field), of system
    collections only what was added; `uniques` (collection,) → {"keys": names of columns}, of keys over several;
    `relations` (collection_many, field_many); `roles` (key,); `permissions` (role, collection, status or None);
    `settings` (key,) → {"value": stored text}; `presets` (collection, role or None, title or None).
    """

    sections: frozenset[str] = frozenset(SECTIONS)
    collections: Entries = field(default_factory=lambda: EMPTY)
    fields: Entries = field(default_factory=lambda: EMPTY)
    columns: Entries = field(default_factory=lambda: EMPTY)
    uniques: Entries = field(default_factory=lambda: EMPTY)
    relations: Entries = field(default_factory=lambda: EMPTY)
    roles: Entries = field(default_factory=lambda: EMPTY)
    permissions: Entries = field(default_factory=lambda: EMPTY)
    settings: Entries = field(default_factory=lambda: EMPTY)
    presets: Entries = field(default_factory=lambda: EMPTY)

    def fields_of(self, collection: str) -> list[str]:
        """The names of the fields of a collection, those with a column first."""
        names = [name for owner, name in self.columns if owner == collection]
        return names + [
            name for owner, name in self.fields if owner == collection and (owner, name) not in self.columns
        ]


def named_order(key: Key) -> tuple[Any, ...]:
    """An order of keys that no database has a say in; None comes first."""
    return tuple((part is not None, part or "") for part in key)


def is_system(collection: str) -> bool:
    """Whether only added fields of the collection are part of a document."""
    return collection in SYSTEM_COLLECTIONS


# --- settings that stay where they are ----------------------------------------------------------------------------

_OF_THE_INSTALLATION = frozenset({"app_url", "project_url", "trusted_proxies"})
_FILES = frozenset({"project_logo", "project_foreground", "project_background"})
_SECRET_ENDS = ("_key", "_secret", "_token", "_password")


def is_left_out(setting: str) -> bool:
    """Whether a setting is no part of a document: addresses of one installation, ids of files, secrets."""
    return setting in _OF_THE_INSTALLATION | _FILES or setting.lower().endswith(_SECRET_ENDS)
