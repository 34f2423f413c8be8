"""In charge of a collection as it will be: fields added, changed and dropped one by one, until a plan comes of it.

Every rule that needs to know what is there is asked here (spec 01 §6.3, 7.3–7.5), stored values included; nothing is
changed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from core.catalog.change import AlterColumn, ColumnSpec, TableSpec, TableStep
from core.catalog.diff import COLLECTIONS, FIELDS
from core.catalog.model import ALIAS_TYPES, Collection, Field
from core.catalog.settle import same_type, settled
from core.ddl import payload as payloads
from core.ddl import survive
from core.ddl.columns import ALTERING, changed
from core.ddl.payload import Payload
from core.ddl.present import Present, is_core
from core.ddl.rows import Change, Erase, creation, update
from core.errors import FieldExists, FieldRequired, Unprocessable
from core.sql.ddl import quote

ALWAYS: Mapping[str, Any] = {"interface": None, "options": None, "sort": 0, "note": None}
"""What the row of a new field is always said to have."""


@dataclass(frozen=True, slots=True)
class Wish:
    """A field as a payload asks for it, checked by itself."""

    name: str
    kind: str
    column: ColumnSpec | None
    payload: Payload

    @classmethod
    def of(cls, payload: Payload) -> Wish:
        """Raises ValidationFailed, Unprocessable, UnknownType, LengthMissing, LengthNotSupported."""
        payloads.admit(payload, creating=True)
        kind = payloads.known_type(payload)
        column = None if payloads.is_alias(kind) else payloads.new_column(payload, kind)
        payloads.check_statuses(payload, column)
        return cls(payloads.field_name(payload["field"]), kind, column, payload)


@dataclass(slots=True)
class Draft:
    """The collection `name`, on its way. `collection`: as it is; None while it is new."""

    present: Present
    name: str
    collection: Collection | None
    comment: str | None
    columns: list[ColumnSpec] = field(default_factory=list)
    uniques: tuple[tuple[str, ...], ...] = ()
    changes: list[Change] = field(default_factory=list)
    created: list[dict[str, Any]] = field(default_factory=list)
    forced: list[TableStep] = field(default_factory=list)

    @classmethod
    def of(cls, present: Present, collection: Collection, comment: str | None) -> Draft:
        """A collection that is there, unchanged so far."""
        spec = present.spec(collection.name)
        return cls(present, collection.name, collection, comment, list(spec.columns), spec.uniques)

    @property
    def table(self) -> TableSpec:
        """The table as it will be."""
        return TableSpec(self.name, tuple(self.columns), self.uniques)

    @property
    def altered(self) -> bool:
        """Whether the columns are others than before."""
        if self.collection is None or self.forced:
            return True
        return tuple(self.columns) != self.present.spec(self.name).columns

    def rows(self) -> tuple[Change, ...]:
        """The rows of directus_fields that go, change and come."""
        made = (self._creation(),) if self.created else ()
        return (*self.changes, *made)

    def _creation(self) -> Change:
        first = creation(FIELDS, self.created[0], self.comment)
        return replace(first, payloads=tuple(self.created))

    # Adding

    async def add(self, wish: Wish) -> None:
        """A field that is not there. Raises FieldExists, FieldRequired."""
        self._check_name(wish.name)
        if self.name == "directus_settings" and any(self.present.field_rows(self.name, wish.name)):
            raise FieldExists(f'Field "{wish.name}" already exists')  # a setting of that name
        self._forget(wish.name)
        if wish.column is not None:
            await self.check_room(wish.column)
            self.columns.append(wish.column)
        self._create_row(wish.name, wish.payload)

    def _check_name(self, name: str) -> None:
        known = self.collection.fields if self.collection is not None else {}
        if name in known and known[name].id is not None:
            raise FieldExists(f'Field "{name}" already exists')
        if any(one.lower() == name.lower() for one in (*known, *(column.name for column in self.columns))):
            raise FieldExists(f'Field "{name}" already exists')

    def _forget(self, name: str) -> None:
        """Rows that an older field of that name has left behind."""
        stale = tuple(row["id"] for row in self.present.field_rows(self.name, name))
        if stale:
            self.changes.append(Erase(FIELDS, "id", stale))

    async def check_room(self, column: ColumnSpec) -> None:
        """Raises FieldRequired for a new column that the rows need a value of.

        MySQL fills in a zero of its own; the others have nothing to fill in.
        """
        needs = not column.nullable and column.default is None and self.present.dialect != "mysql"
        if needs and self.collection is not None:
            count = await survive.filled(self.present.connection, self.name)
            if count:
                message = f'Field "{column.name}" needs a default value: {count} rows have none of their own.'
                raise FieldRequired(message, rows=count)

    def _create_row(self, name: str, payload: Payload, **more: Any) -> None:
        row = {"collection": self.name, "field": name, **ALWAYS, **more, **payloads.row(payload)}
        self.created.append(row)

    # Changing

    async def change(self, found: Field, payload: Payload) -> None:
        """A field that is there, merged with a payload (spec 01 §7.4).

        Raises UnknownType, Unprocessable, LengthMissing, LengthNotSupported, FieldRequired.
        """
        payloads.admit(payload, creating=False)
        kind = payloads.known_type(payload) if "type" in payload else found.type
        payloads.check_statuses(payload, None)
        column = await self._column(found, payload, kind)
        payloads.check_statuses(payload, column)
        if found.id is None:
            self._forget(found.name)
            self._create_row(found.name, payload, type=payload.get("type", found.type))
        elif row := payloads.row(payload):
            self.changes.append(update(FIELDS, found.id, row, self.comment))

    async def _column(self, found: Field, payload: Payload, kind: str) -> ColumnSpec | None:
        """The column that the field will have, put in its place."""
        present = next((one for one in self.columns if one.name == found.name), None)
        if kind in ALIAS_TYPES:
            if present is not None:
                self._to_alias(found, present)
            return None
        if present is None:
            return await self._from_alias(found, payload, kind)
        wanted = changed(found, present, payload, kind, self.present.dialect)
        if is_core(found):
            self._refuse_core(found, present, wanted)
            return present
        if present.unique and not wanted.unique:
            self.check_references(found.name)
        await self.check_values(present, wanted)
        self.columns[self.columns.index(present)] = wanted
        return wanted

    def _to_alias(self, found: Field, present: ColumnSpec) -> None:
        if present.primary_key or is_core(found):
            raise Unprocessable(f'Field "{found.name}" needs its column')
        self.drop_column(found.name)

    async def _from_alias(self, found: Field, payload: Payload, kind: str) -> ColumnSpec | None:
        if "type" not in payload:
            return None
        if is_core(found):
            raise Unprocessable(f'Field "{found.name}" is locked')
        column = payloads.new_column({**payload, "field": found.name}, kind)
        if column.primary_key:
            raise Unprocessable("The primary key of a collection cannot be moved")
        await self.check_room(column)
        self.columns.append(column)
        return column

    def _refuse_core(self, found: Field, present: ColumnSpec, wanted: ColumnSpec) -> None:
        """Of the system's own fields only what describes them may change (spec 01 §7.4)."""
        one, other = settled(present, self.present.dialect), settled(wanted, self.present.dialect)
        keys = [(each.unique, each.auto_increment) for each in (one, other)]
        if not same_type(one, other) or keys[0] != keys[1]:
            raise Unprocessable(f'Field "{found.name}" is locked')

    async def check_values(self, present: ColumnSpec, wanted: ColumnSpec) -> None:
        """Raises FieldRequired when stored values would be lost or altered, or break a new rule."""
        dialect, connection = self.present.dialect, self.present.connection
        old, new = settled(present, dialect), settled(wanted, dialect)
        listed = wanted.datatype.strip().upper() == "ENUM" and dialect != "mysql" and wanted != present
        judge = survive.survivor(old, new, wanted, dialect) if listed or not same_type(old, new) else None
        if listed and same_type(old, new):
            self.forced.append(AlterColumn(self.name, present, wanted))
        required, unique = old.nullable and not new.nullable, new.unique and not old.unique
        if judge is None and not required and not unique:
            return
        if dialect == "postgres":  # no row may come in between; MySQL looks at all of them again
            await connection.execute(f"LOCK TABLE {quote(self.name, dialect)} IN ACCESS EXCLUSIVE MODE")
        if required and (count := await survive.nulls(connection, self.name, present.name)):
            raise FieldRequired(f"Can't make this field required. {count} rows have no value.", rows=count)
        if judge is not None and (count := await survive.lost(connection, self.name, present.name, old, judge)):
            message = f'This change would lose or alter the values of "{present.name}" in {count} rows.'
            raise FieldRequired(message, rows=count)
        if unique and (count := await survive.duplicates(connection, self.name, present.name)):
            message = f'The values of "{present.name}" are not unique: {count} rows share theirs.'
            raise FieldRequired(message, rows=count)

    # Dropping

    def drop(self, found: Field) -> None:
        """A field that goes, with its row. Raises Unprocessable."""
        column = next((one for one in self.columns if one.name == found.name), None)
        if is_core(found) or (column is not None and column.primary_key):
            raise Unprocessable(f'Field "{found.name}" cannot be deleted')
        if column is not None:
            if len(self.columns) == 1:
                raise Unprocessable("Cannot delete the last field")
            self.drop_column(found.name)
        self._forget(found.name)

    def check_references(self, name: str) -> None:
        """SQLite lets go of what foreign keys of other tables refer to, and refuses every write of these afterwards."""
        if referring := self.present.referring(self.name, name):
            raise Unprocessable(f'Foreign keys of {", ".join(referring)} refer to "{name}"')

    def drop_column(self, name: str) -> None:
        """A column that goes. Raises Unprocessable."""
        self.check_references(name)
        self.columns = [one for one in self.columns if one.name != name]
        self.uniques = tuple(key for key in self.uniques if name not in key)


def alters(payload: Payload) -> bool:
    """Whether a payload may change a column at all."""
    return bool(ALTERING & payload.keys())


__all__ = ["COLLECTIONS", "FIELDS", "Draft", "Wish", "alters"]
