"""In charge of taking a document in: plain data → Document, every value checked by itself. Pure.

What is there already is not known here. All that is wrong is told at once, each with its path.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from math import isfinite
from typing import Any

from core.catalog import derive
from core.catalog.model import ALIAS_TYPES, SYSTEM_COLLECTIONS, SYSTEM_PREFIX
from core.ddl.document import model
from core.ddl.document.core_fields import core_fields
from core.ddl.document.model import (
    COLLECTION,
    COLUMN,
    FIELD,
    FIXED_ROLES,
    PERMISSION,
    PRESET,
    RELATION,
    ROLE,
    SECTIONS,
    VERSION,
    VERSION_KEY,
    Attribute,
    Document,
    Key,
)
from core.ddl.document.text import is_too_deep
from core.errors import Problem, ValidationFailed
from core.types.structured import has_nul, json_text, storable
from core.write.rules import NO_RELATION_TO

MOST_NAME = 64
MOST_PROBLEMS = 100
HIGHEST = 2**31 - 1

Path = tuple[str | int, ...]


class _Admission:
    """A document on its way in, and what was wrong with it."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []
        self.entries: dict[str, dict[Key, dict[str, Any]]] = {
            name: {} for name in ("fields", "columns", "uniques", *SECTIONS)
        }

    def wrong(self, path: Path, message: str) -> None:
        if len(self.problems) < MOST_PROBLEMS:
            self.problems.append(Problem(path, message))

    # Values

    def named(self, data: Any, path: Path) -> Iterator[tuple[str, Any]]:
        """The members of a mapping of names."""
        if not isinstance(data, Mapping):
            self.wrong(path, "is a mapping of names")
            return
        for name, value in data.items():
            if not isinstance(name, str):
                self.wrong((*path, str(name)), "A name is a text; quote it")
            elif not _is_name(name):
                self.wrong((*path, name), "is no name")
            else:
                yield name, value

    def attributes(self, data: Any, wanted: Sequence[Attribute], path: Path, *others: str) -> dict[str, Any] | None:
        """All attributes, those that are not sent with their defaults; None for what is no mapping."""
        if not isinstance(data, Mapping):
            self.wrong(path, "is a mapping of attributes")
            return None
        known = {one.name for one in wanted}
        for name in data:
            if name not in known and name not in others:
                self.wrong((*path, str(name)), "is no attribute here")
        return {
            one.name: self.value(data[one.name], one, (*path, one.name)) if one.name in data else one.default
            for one in wanted
        }

    def value(self, sent: Any, wanted: Attribute, path: Path) -> Any:
        if sent is None:
            if not wanted.null:
                self.wrong(path, "cannot be null")
            return None
        found, good = getattr(self, f"_{wanted.kind}")(sent, wanted)
        if not good:
            self.wrong(path, _EXPECTED[wanted.kind].format(most=wanted.most, choices=", ".join(wanted.choices)))
        elif wanted.choices and found not in wanted.choices:
            self.wrong(path, f"is one of {', '.join(wanted.choices)}")
        return found

    def _text(self, sent: Any, wanted: Attribute) -> tuple[Any, bool]:
        if isinstance(sent, int | float) and not isinstance(sent, bool):
            sent = str(sent)  # 200 in YAML, where "200" is meant
        good = isinstance(sent, str) and storable(sent) and (wanted.most is None or len(sent) <= wanted.most)
        return sent, good

    def _name(self, sent: Any, _: Attribute) -> tuple[Any, bool]:
        return sent, isinstance(sent, str) and _is_name(sent)

    def _flag(self, sent: Any, _: Attribute) -> tuple[Any, bool]:
        return sent, isinstance(sent, bool)

    def _integer(self, sent: Any, _: Attribute) -> tuple[Any, bool]:
        return sent, isinstance(sent, int) and not isinstance(sent, bool) and 0 <= sent <= HIGHEST

    def _object(self, sent: Any, wanted: Attribute) -> tuple[Any, bool]:
        found, good = self._json(sent, wanted)
        return found, good and isinstance(sent, Mapping)

    def _json(self, sent: Any, _: Attribute) -> tuple[Any, bool]:
        plain = derive.thawed(sent)
        text = json_text(plain) if isinstance(plain, dict | list) and _is_json(plain) else None
        return plain or None, text is not None and not has_nul(text)

    def _texts(self, sent: Any, wanted: Attribute) -> tuple[Any, bool]:
        if not isinstance(sent, list | tuple):
            return sent, False
        good = all(isinstance(one, str) and one and "," not in one and storable(one) for one in sent)
        return tuple(sent), good and (wanted.most is None or len(",".join(sent)) <= wanted.most)


_EXPECTED: Mapping[str, str] = {
    "text": "is a text of at most {most} characters",
    "name": "is a name",
    "flag": "is true or false",
    "integer": "is a whole number from 0 to 2147483647",
    "object": "is an object",
    "json": "is an object or a list",
    "texts": "is a list of texts without commas",
}


def _is_name(name: str) -> bool:
    return bool(name) and len(name) <= MOST_NAME and storable(name)


def _is_json(value: Any) -> bool:
    """Whether it is JSON: YAML knows other keys and values."""
    if isinstance(value, dict):
        return all(isinstance(key, str) and _is_json(inner) for key, inner in value.items())
    if isinstance(value, list):
        return all(_is_json(inner) for inner in value)
    return value is None or isinstance(value, str | int) or (isinstance(value, float) and isfinite(value))


def admit(data: Any) -> Document:
    """The document of plain data. Raises ValidationFailed with all problems (the first 100)."""
    found = _Admission()
    if not isinstance(data, Mapping):
        raise ValidationFailed("The document is a mapping")
    if is_too_deep(data):
        raise ValidationFailed("The document is nested too deeply")
    if data.get(VERSION_KEY) != VERSION or isinstance(data.get(VERSION_KEY), bool):
        found.wrong((VERSION_KEY,), f"is the version of the document, {VERSION}")
    for name in data:
        if name != VERSION_KEY and name not in SECTIONS:
            found.wrong((str(name),), "is no section of a document")
    for name, read in _READERS.items():
        if name in data:
            read(found, data[name])
    sections = frozenset(name for name in SECTIONS if name in data)
    _check_roles(found, sections)
    if found.problems:
        shown = "; ".join(f"{'.'.join(map(str, one.path))}: {one.message}" for one in found.problems[:5])
        raise ValidationFailed(f"The document cannot be read: {shown}", problems=tuple(found.problems))
    return Document(sections=sections, **found.entries)


# --- sections -----------------------------------------------------------------------------------------------------


def _collections(found: _Admission, data: Any) -> None:
    for name, one in found.named(data, ("collections",)):
        path: Path = ("collections", name)
        if name.lower().startswith(SYSTEM_PREFIX):
            if name not in SYSTEM_COLLECTIONS:
                found.wrong(path, "is no system collection")
                continue
            if found.attributes(one, (), path, "fields") is None:
                continue
        else:
            attributes = found.attributes(one, COLLECTION, path, "fields", "uniques")
            if attributes is None:
                continue
            found.entries["collections"][(name,)] = attributes
            _uniques(found, name, one.get("uniques", ()))
        for field, told in found.named(one.get("fields", {}), (*path, "fields")):
            if (name, field) in core_fields():
                found.wrong((*path, "fields", field), "is a field of the system, which is no part of a document")
            else:
                _field(found, name, field, told)
        keys = found.entries["uniques"].get((name,), {}).get("keys", ())
        for column in sorted({column for key in keys for column in key}):
            if (name, column) not in found.entries["columns"]:
                found.wrong((*path, "uniques"), f'names "{column}", which has no column')


def _uniques(found: _Admission, name: str, data: Any) -> None:
    keys = data if isinstance(data, list | tuple) else None
    if keys is None or not all(
        isinstance(key, list | tuple) and len(key) > 1 and all(isinstance(one, str) for one in key) for key in keys
    ):
        found.wrong(("collections", name, "uniques"), "is a list of lists of at least two fields")
        return
    found.entries["uniques"][(name,)] = {"keys": tuple(sorted({tuple(key) for key in keys}))}


def _field(found: _Admission, collection: str, name: str, data: Any) -> None:
    path: Path = ("collections", collection, "fields", name)
    attributes = found.attributes(data, FIELD, path, "column")
    if attributes is None:
        return
    kind = attributes["type"]
    if isinstance(kind, str):
        known = derive.known_type(kind)
        if known is None:
            found.wrong((*path, "type"), "is no type of a field")
        attributes["type"] = known
    elif kind is None and any(one.name in data for one in FIELD):
        found.wrong((*path, "type"), "is needed where more is said of a field than its column")
    if attributes["locked"] and collection.startswith(SYSTEM_PREFIX):
        found.wrong((*path, "locked"), "is for fields of the system, which are no part of a document")
    column = data.get("column")
    if (attributes["type"] in ALIAS_TYPES) != (column is None):
        found.wrong((*path, "column"), "is what all fields have but alias, group, o2m and translation")
        return
    if column is not None:
        if isinstance(column, Mapping) and isinstance(column.get("length"), list | tuple):
            column = {**column, "length": ",".join(str(one) for one in column["length"])}
        told = found.attributes(column, COLUMN, (*path, "column"))
        if told is None:
            return
        told["datatype"] = told["datatype"].strip().upper() if isinstance(told["datatype"], str) else told["datatype"]
        if told["datatype"] is None:
            found.wrong((*path, "column", "datatype"), "is needed")
        if told["default"] is not None and told["default_expression"] is not None:
            found.wrong((*path, "column", "default_expression"), "stands in the place of a default")
        found.entries["columns"][(collection, name)] = told
    if attributes["type"] is not None:
        found.entries["fields"][(collection, name)] = attributes


def _relations(found: _Admission, data: Any) -> None:
    for collection, fields in found.named(data, ("relations",)):
        for field, one in found.named(fields, ("relations", collection)):
            path: Path = ("relations", collection, field)
            attributes = found.attributes(one, RELATION, path)
            if attributes is None:
                continue
            if attributes["collection_one"] is None:
                found.wrong((*path, "collection_one"), "is needed")
            elif attributes["collection_one"] in NO_RELATION_TO:
                found.wrong((*path, "collection_one"), "is a collection that nothing may refer to")
            if len(field) > 45:
                found.wrong(path, "is too long a name for a relation")
            found.entries["relations"][(collection, field)] = attributes


def _roles(found: _Admission, data: Any) -> None:
    names: dict[str, str] = {}
    if not isinstance(data, Mapping):
        found.wrong(("roles",), "is a mapping of names")
        return
    for key, one in data.items():
        path: Path = ("roles", str(key))
        if not isinstance(key, str) or not key.strip() or len(key) > 100 or not storable(key):
            found.wrong(path, "is no name of a role")
            continue
        if key.startswith("$") and key not in FIXED_ROLES:
            found.wrong(path, f"is neither {' nor '.join(FIXED_ROLES)}")
            continue
        attributes = found.attributes({} if one is None else one, ROLE, path)
        if attributes is None:
            continue
        if key not in FIXED_ROLES and attributes["name"] is not None:
            found.wrong((*path, "name"), "stands before the colon")
        if attributes["name"] == "":
            found.wrong((*path, "name"), "cannot be empty")
        called = str(attributes["name"] or (FIXED_ROLES[key][1] if key in FIXED_ROLES else key)).lower()
        if called in names:
            found.wrong(path, f'has the name of "{names[called]}"')
        names[called] = key
        found.entries["roles"][(key,)] = attributes


def _permissions(found: _Admission, data: Any) -> None:
    if not isinstance(data, Mapping):
        found.wrong(("permissions",), "is a mapping of roles")
        return
    for role, collections in data.items():
        if not isinstance(role, str):
            found.wrong(("permissions", str(role)), "A name is a text; quote it")
            continue
        for collection, rows in found.named(collections, ("permissions", role)):
            for number, one in enumerate(rows if isinstance(rows, list | tuple) else [rows]):
                path: Path = ("permissions", role, collection, number)
                attributes = found.attributes(one, PERMISSION, path, "status")
                if attributes is None:
                    continue
                status = found.value(one.get("status"), Attribute("status", "text", most=64), (*path, "status")) or None
                if attributes["create"] != "none":
                    attributes["create"] = "full"  # there is nothing between
                if (role, collection, status) in found.entries["permissions"]:
                    found.wrong(path, "is there twice")
                found.entries["permissions"][(role, collection, status)] = attributes


def _settings(found: _Admission, data: Any) -> None:
    for key, value in found.named(data, ("settings",)):
        if model.is_left_out(key):
            found.wrong(("settings", key), "is no part of a document")
        text = found.value(value, Attribute("value", "text", most=65_535), ("settings", key))
        found.entries["settings"][(key,)] = {"value": text}


def _presets(found: _Admission, data: Any) -> None:
    if not isinstance(data, list | tuple):
        found.wrong(("presets",), "is a list")
        return
    identity = (
        Attribute("collection", "name"),
        Attribute("role", "text", most=100),
        Attribute("title", "text", most=255),
    )
    for number, one in enumerate(data):
        path: Path = ("presets", number)
        attributes = found.attributes(one, (*identity, *PRESET), path)
        if attributes is None:
            continue
        key = tuple(attributes.pop(part.name) for part in identity)
        if key[0] is None:
            found.wrong((*path, "collection"), "is needed")
        if key in found.entries["presets"]:
            found.wrong(path, "is there twice")
        found.entries["presets"][key] = attributes


_READERS = {
    "collections": _collections,
    "relations": _relations,
    "roles": _roles,
    "permissions": _permissions,
    "settings": _settings,
    "presets": _presets,
}


def _check_roles(found: _Admission, sections: frozenset[str]) -> None:
    """Who is named is there, where the document tells of roles at all."""
    if "roles" not in sections:
        return
    known = {key for (key,) in found.entries["roles"]} | FIXED_ROLES.keys()
    for role in dict.fromkeys(role for role, _, _ in found.entries["permissions"]):
        if role not in known:
            found.wrong(("permissions", role), "is no role of the document")
    for _, role, _ in found.entries["presets"]:
        if role is not None and role not in known:
            found.wrong(("presets", role), "is no role of the document")
