"""In charge of what separates what is there from a document: a list of steps, told in the document's words. Pure.

It reads no stored value and changes nothing; that every step can be carried out as far as names and definitions go is
found out here, with the path of what cannot.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from core.catalog.change import ColumnSpec
from core.catalog.settle import LISTS, same_type, settled
from core.ddl import survive
from core.ddl.document import model
from core.ddl.document.columns import altered, described, wanted
from core.ddl.document.describe import Described
from core.ddl.document.model import (
    COLLECTION,
    COLUMN,
    FIELD,
    FIXED_ROLES,
    PERMISSION,
    PRESET,
    RELATION,
    ROLE,
    Attribute,
    Attributes,
    Document,
    Entries,
    Key,
    named_order,
)
from core.ddl.payload import check_statuses, collection_name, field_name, one_each
from core.ddl.present import Present
from core.errors import Problem, TabulariumError, Unprocessable, ValidationFailed
from core.frozen import EMPTY

CREATE, UPDATE, DELETE = "create", "update", "delete"
Changes = Mapping[str, tuple[Any, Any]]


@dataclass(frozen=True, slots=True)
class Step:
    """`kind`: collection, field, unique, relation, role, permission, setting or preset. `key`: in its section.

    `changes`: attribute → (before, after); of a column as `column.…`. `destroys`: why values may be lost, or "".
    `column`: of a field, the column that it gets; None when it has none or keeps the one it has.
    """

    action: str
    kind: str
    key: Key
    changes: Changes = field(default_factory=lambda: EMPTY)
    destroys: str = ""
    column: ColumnSpec | None = None

    @property
    def name(self) -> str:
        """The name for people."""
        if self.kind == "unique":
            return f"{self.key[0]} ({', '.join(self.key[1:])})"
        if self.kind in ("permission", "preset"):
            return " / ".join(str(part) for part in self.key if part is not None)
        return ".".join(self.key)

    def told(self) -> dict[str, Any]:
        """The step as plain data."""
        changes = {name: {"before": _plain(old), "after": _plain(new)} for name, (old, new) in self.changes.items()}
        return {
            "action": self.action,
            "kind": self.kind,
            "name": self.name,
            "destructive": bool(self.destroys),
            "reason": self.destroys or None,
            "changes": changes,
        }


def fingerprint(steps: Iterable[Step]) -> str:
    """What identifies a plan: equal steps from an equal beginning."""
    told = [[*map(str, step.key), step.told()] for step in steps]
    return hashlib.sha256(json.dumps(told, ensure_ascii=False, sort_keys=True).encode()).hexdigest()[:32]


def _plain(value: Any) -> Any:
    return [_plain(one) for one in value] if isinstance(value, tuple) else value


def difference(present: Present, there: Described, document: Document) -> tuple[Step, ...]:
    """The steps from what is there to what the document says, in the order in which they are told.

    `there`: with the tables that the document names, whether they have a row or not. Raises ValidationFailed with the
    paths of all that cannot be done.
    """
    found = _Difference(present, there.document, document)
    found.roles()
    if model.COLLECTIONS in document.sections:
        found.collections()
    found.entries("relation", model.RELATIONS, RELATION)
    found.check_relations()
    found.entries("permission", model.PERMISSIONS, PERMISSION)
    found.entries("setting", model.SETTINGS, (Attribute("value", "text"),))
    found.entries("preset", model.PRESETS, PRESET)
    found.check_roles()
    if found.problems:
        shown = "; ".join(f"{'.'.join(map(str, one.path))}: {one.message}" for one in found.problems[:5])
        raise ValidationFailed(f"The document cannot be applied: {shown}", problems=tuple(found.problems))
    order = ("collection", "field", "unique", "relation", "role", "permission", "setting", "preset")
    return tuple(sorted(found.steps, key=lambda step: (order.index(step.kind), named_order(step.key))))


def shown(attributes: Attributes, wanted: Iterable[Attribute], prefix: str = "") -> dict[str, Any]:
    """What is said of something beside its defaults."""
    return {prefix + one.name: attributes[one.name] for one in wanted if attributes[one.name] != one.default}


def _made(attributes: Attributes, wanted: Iterable[Attribute], prefix: str = "") -> dict[str, tuple[Any, Any]]:
    return {name: (None, value) for name, value in shown(attributes, wanted, prefix).items()}


def _changed(old: Attributes, new: Attributes) -> dict[str, tuple[Any, Any]]:
    return {name: (old[name], value) for name, value in new.items() if old[name] != value}


class _Difference:
    """A comparison under way."""

    def __init__(self, present: Present, there: Document, document: Document) -> None:
        self.present, self.there, self.document = present, there, document
        self.steps: list[Step] = []
        self.problems: list[Problem] = []
        self.gone: frozenset[str] = frozenset()

    def wrong(self, path: tuple[str | int, ...], error: str | TabulariumError) -> None:
        self.problems.append(Problem(path, error if isinstance(error, str) else error.message))

    # Sections that are compared entry by entry

    def entries(self, kind: str, section: str, wanted: Iterable[Attribute]) -> None:
        if section not in self.document.sections:
            return
        before: Entries = getattr(self.there, section)
        after: Entries = getattr(self.document, section)
        for key in before.keys() - after.keys():
            self.steps.append(Step(DELETE, kind, key))
        for key, attributes in after.items():
            if key not in before:
                self.steps.append(Step(CREATE, kind, key, _made(attributes, wanted)))
            elif changes := _changed(before[key], attributes):
                self.steps.append(Step(UPDATE, kind, key, changes))

    def check_roles(self) -> None:
        """Who is named without a section of roles is there already."""
        known = self.there.roles if model.ROLES not in self.document.sections else self.document.roles
        for section, place in ((model.PERMISSIONS, 0), (model.PRESETS, 1)):
            named = {key[place] for key in getattr(self.document, section)} - {None}
            for role in sorted(named):
                if (role,) not in known and role not in FIXED_ROLES:
                    self.wrong((section, role), "is no role of the project")

    # Roles

    def roles(self) -> None:
        """Roles go by name, whatever its case: no database has two that differ in nothing else."""
        if model.ROLES not in self.document.sections:
            return
        before, after = self.there.roles, self.document.roles
        spelled = {key.lower(): key for (key,) in before}
        renamed = {spelled[key.lower()]: key for (key,) in after if key.lower() in spelled}
        for (key,) in before:
            if key not in renamed and key not in FIXED_ROLES:
                self.steps.append(Step(DELETE, "role", (key,), destroys="its users lose their role"))
        for (key,), attributes in after.items():
            old = spelled.get(key.lower())
            if old is None:
                self.steps.append(Step(CREATE, "role", (key,), _made(attributes, ROLE)))
                continue
            changes = _changed(before[(old,)], attributes)
            if old != key:
                changes["name"] = (old, key)
            if changes:
                self.steps.append(Step(UPDATE, "role", (key,), changes))
        self._rename(renamed)

    def _rename(self, renamed: Mapping[str, str]) -> None:
        """From here on what is there speaks of roles as the document does."""

        def name(role: str | None) -> str | None:
            return renamed.get(role, role) if role is not None else None

        there = self.there
        self.there = replace(
            there,
            permissions={(name(role), *rest): one for (role, *rest), one in there.permissions.items()},
            presets={(place, name(role), title): one for (place, role, title), one in there.presets.items()},
        )

    # Collections

    def collections(self) -> None:
        before, after = self.there.collections, self.document.collections
        self.gone = frozenset(name for (name,) in before if (name,) not in after)
        for name in sorted(self.gone):
            if referring := set(self.present.referring(name)) - self.gone:
                self.wrong(("collections",), f'Foreign keys of {", ".join(sorted(referring))} refer to "{name}"')
            self.steps.append(Step(DELETE, "collection", (name,), destroys="its items are lost"))
        for (name,), attributes in after.items():
            if (name,) in before:
                if changes := _changed(before[(name,)], attributes):
                    self.steps.append(Step(UPDATE, "collection", (name,), changes))
            elif not self._new_collection(name, attributes):
                continue
            self._uniques(name)
            self._fields(name)
        for name in sorted({owner for owner, _ in (*self._owners(), *self.document.columns, *self.document.fields)}):
            if model.is_system(name):
                self._fields(name)

    def _owners(self) -> Iterable[Key]:
        return (*self.there.columns, *self.there.fields)

    def _new_collection(self, name: str, attributes: Attributes) -> bool:
        """Whether it may be made, or taken over."""
        path = ("collections", name)
        there = self.present.snapshot.collections.get(name)
        if there is not None:
            if there.is_view:
                self.wrong(path, "is a view")
                return False
        elif name in self.present.tables or self.present.spelling(name) is not None:
            self.wrong(path, "is a table that differs in its case, or is hidden")
            return False
        else:
            if not self._new_table(name):
                return False
        self.steps.append(Step(CREATE, "collection", (name,), _made(attributes, COLLECTION)))
        return True

    def _new_table(self, name: str) -> bool:
        path = ("collections", name)
        columns = {field: told for (owner, field), told in self.document.columns.items() if owner == name}
        keys = [field for field, told in columns.items() if told["primary_key"]]
        names = [field.lower() for field in self.document.fields_of(name)]
        known = len(self.problems)
        if len(keys) != 1:
            self.wrong(path, "needs one field that is its primary key")
        if len(set(names)) < len(names):
            self.wrong(path, "has fields whose names differ in their case only")
        kinds = [told["type"] for (owner, _), told in self.document.fields.items() if owner == name]
        for check in (lambda: collection_name(name), lambda: one_each(kinds)):
            try:
                check()
            except TabulariumError as error:
                self.wrong(path, error)
        return len(self.problems) == known

    def _uniques(self, name: str) -> None:
        before = self.there.uniques.get((name,), EMPTY).get("keys", ())
        after = self.document.uniques.get((name,), EMPTY).get("keys", ())
        self.steps += [Step(DELETE, "unique", (name, *key)) for key in before if key not in after]
        self.steps += [Step(CREATE, "unique", (name, *key)) for key in after if key not in before]

    # Fields

    def _fields(self, name: str) -> None:
        there = self.present.snapshot.collections.get(name)
        specs = {one.name: one for one in self.present.spec(name).columns} if there is not None else {}
        wished = self.document.fields_of(name)
        had = self.there.fields_of(name)
        # What foreign keys offer gives way to what is told.
        own = there.fields.values() if there is not None else ()
        taken = {each.name.lower(): each.name for each in own if each.id is not None or each.column is not None}
        for one in had:
            if one not in wished:
                self._drop(name, one, specs)
        for one in wished:
            try:
                if one not in had:
                    self._add(name, one, taken, new_table=there is None)
                else:
                    self._change(name, one, specs.get(one))
            except TabulariumError as error:
                self.wrong(("collections", name, "fields", one), error)

    def _drop(self, name: str, field: str, specs: Mapping[str, ColumnSpec]) -> None:
        path = ("collections", name, "fields", field)
        spec = specs.get(field)
        if spec is not None and spec.primary_key:
            self.wrong(path, "is the primary key, which stays")
        if spec is not None and (referring := set(self.present.referring(name, field)) - self.gone):
            self.wrong(path, f"Foreign keys of {', '.join(sorted(referring))} refer to it")
        lost = "its values are lost" if spec is not None else "the field is lost"
        self.steps.append(Step(DELETE, "field", (name, field), destroys=lost))

    def _add(self, name: str, field: str, taken: Mapping[str, str], *, new_table: bool) -> None:
        key = (name, field)
        row, column = self.document.fields.get(key), self.document.columns.get(key)
        field_name(field)
        if field.lower() in taken:
            raise Unprocessable(f'"{taken[field.lower()]}" has that name already')
        if name == "directus_settings" and any(self.present.field_rows(name, field)):
            raise Unprocessable("There is a setting of that name")
        spec = None
        changes = _made(row, FIELD) if row is not None else {}
        if column is not None:
            spec = wanted(field, column, row["type"] if row else "", row["note"] if row else None, None)
            if spec.primary_key and not new_table:
                raise Unprocessable("The primary key of a collection cannot be moved")
            changes |= _made(column, COLUMN, "column.")
        self._check(key, row, spec)
        self.steps.append(Step(CREATE, "field", key, changes, column=spec))

    def _change(self, name: str, field: str, present: ColumnSpec | None) -> None:
        key = (name, field)
        before, row = self.there.fields.get(key), self.document.fields.get(key)
        column = self.document.columns.get(key)
        changes: dict[str, tuple[Any, Any]] = {}
        if before is not None and row is not None:
            changes |= _changed(before, row)
        elif row is not None:
            changes |= _made(row, FIELD)
        elif before is not None:
            changes["type"] = (before["type"], None)
        spec, destroys = None, ""
        if column is None and present is not None:
            if present.primary_key:
                raise Unprocessable("The primary key of a collection cannot lose its column")
            if referring := set(self.present.referring(name, field)) - self.gone:
                raise Unprocessable(f"Foreign keys of {', '.join(sorted(referring))} refer to it")
            changes["column"] = (present.datatype, None)
            destroys = "its values are lost"
        elif column is not None:
            spec = self._column(name, field, present, column, row)
            if spec is not None and present is not None:
                dialect = self.present.dialect
                changes |= {f"column.{name}": one for name, one in altered(present, spec, dialect).items()}
                if narrows(present, spec, dialect):
                    destroys = "its type takes less"
            elif spec is not None:
                changes |= _made(column, COLUMN, "column.")
        if changes:
            self._check(key, row if "options" in changes or spec is not None else None, spec or present)
            self.steps.append(Step(UPDATE, "field", key, changes, destroys, spec))

    def _column(
        self, name: str, field: str, present: ColumnSpec | None, column: Attributes, row: Attributes | None
    ) -> ColumnSpec | None:
        """The column that a field gets; None when it keeps the one it has."""
        kind, note = (row["type"], row["note"]) if row is not None else ("", None)
        if present is not None and described(present, kind, note) == column:
            return None
        spec = wanted(field, column, kind, note, present)
        if present is None:
            if spec.primary_key:
                raise Unprocessable("The primary key of a collection cannot be moved")
            return spec
        if spec.primary_key != present.primary_key:
            raise Unprocessable("The primary key of a collection cannot be moved")
        if not altered(present, spec, self.present.dialect):
            return None
        there = self.present.snapshot.collections[name].fields[field].column
        if there is not None and there.generated and not present.auto_increment:
            raise Unprocessable("The column is computed by the database and cannot be changed")
        return spec

    def _check(self, key: Key, row: Attributes | None, spec: ColumnSpec | None) -> None:
        if row is not None:
            check_statuses(row, spec)
            group = row["group"]
            if group is not None and (self.document.fields.get((key[0], group)) or EMPTY).get("type") != "group":
                raise Unprocessable(f'"{group}" is no group of the collection')

    # Relations

    def check_relations(self) -> None:
        """Both ends are there afterwards."""
        for (many, name), told in self.document.relations.items():
            path = ("relations", many, name)
            if not self._is_there(many) or name not in self._fields_after(many):
                self.wrong(path, f'There is no field "{name}" of "{many}"')
            elif not self._is_there(told["collection_one"]):
                self.wrong(path, f'There is no collection "{told["collection_one"]}"')

    def _is_there(self, name: str) -> bool:
        return name not in self.gone and (
            name in self.present.snapshot.collections or (name,) in self.document.collections
        )

    def _fields_after(self, name: str) -> frozenset[str]:
        there = self.present.snapshot.collections.get(name)
        now = frozenset(there.fields) if there is not None else frozenset()
        told = (name,) in self.document.collections or model.is_system(name)
        if model.COLLECTIONS not in self.document.sections or not told:
            return now
        wished = frozenset(self.document.fields_of(name))
        return wished | (now - frozenset(self.there.fields_of(name)) if model.is_system(name) else frozenset())


def narrows(old: ColumnSpec, new: ColumnSpec, dialect: str) -> bool:
    """Whether the type of a column takes less than before, so that a value may be lost.

    SQLite keeps whatever it is given; there the types count as PostgreSQL would have them.
    """
    one, other = settled(old, dialect), settled(new, dialect)
    if same_type(one, other):
        return False
    listed = new.datatype.strip().upper() in LISTS and dialect != "mysql"
    judge = "postgres" if dialect == "sqlite" else dialect
    return listed or not survive.widens(survive.kind_of(one, dialect), survive.kind_of(other, dialect), judge)
