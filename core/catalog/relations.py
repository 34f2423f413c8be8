"""In charge of finding the relations of a project: rows of directus_relations, types, foreign keys (spec 01 §8). Pure.

In this order: what a type says of itself (file, user, owner, user_updated), then rows, then foreign keys of the
database for columns that have no relation yet. A relation on a primary key, or to what is not there, is none.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from core.catalog.model import (
    SYSTEM_PREFIX,
    TO_MANY_TYPES,
    USER_TYPES,
    Field,
    Relation,
    ToMany,
    ToOne,
)
from core.catalog.tables import Table

Fields = Mapping[str, Mapping[str, Field]]
Relations = dict[str, dict[str, Relation]]


@dataclass(frozen=True, slots=True)
class RelationRow:
    """A row of directus_relations."""

    id: int
    collection_many: str
    field_many: str
    collection_one: str | None = None
    field_one: str | None = None
    junction_field: str | None = None


@dataclass(frozen=True, slots=True)
class Related:
    """What was found: collection → field → relation, and collection → the alias fields made for foreign keys."""

    relations: Relations
    aliases: dict[str, dict[str, Field]]


def relate(tables: Mapping[str, Table], fields: Fields, rows: Iterable[RelationRow]) -> Related:
    """All relations between `tables`, whose `fields` are made already.

    Of several rows for one field the lowest id counts, among those whose collections exist.
    """
    found: Relations = {name: {} for name in tables}
    _built_in(found, tables, fields)
    _from_rows(found, tables, fields, sorted(rows, key=lambda row: row.id))
    return Related(found, _from_foreign_keys(found, tables, fields))


def _single_key(tables: Mapping[str, Table], name: str | None) -> str | None:
    """The key column of a collection that relations can point to."""
    table = tables.get(name or "")
    return table.primary_key[0] if table and len(table.primary_key) == 1 else None


def _is_reference(tables: Mapping[str, Table], collection: str, column: str) -> bool:
    """Whether a column may refer to another item: it exists and is not the item's own key."""
    table = tables.get(collection)
    return table is not None and table.column(column) is not None and table.primary_key != (column,)


def _built_in(found: Relations, tables: Mapping[str, Table], fields: Fields) -> None:
    for collection, own in fields.items():
        for name, item in own.items():
            if item.type == "file":
                target = "directus_files"
            elif item.type in USER_TYPES:
                target = "directus_users"
            else:
                continue
            key = _single_key(tables, target)
            if key is not None and _is_reference(tables, collection, name):
                found[collection][name] = ToOne(collection, name, target, key)


def _from_rows(found: Relations, tables: Mapping[str, Table], fields: Fields, rows: Iterable[RelationRow]) -> None:
    valid = [
        row
        for row in rows
        if _is_reference(tables, row.collection_many, row.field_many) and _single_key(tables, row.collection_one)
    ]
    junctions = {(row.collection_many, row.field_many, row.junction_field) for row in valid}
    for row in valid:
        target, key = row.collection_one or "", _single_key(tables, row.collection_one) or ""
        present = found[row.collection_many].get(row.field_many)
        if present is None:
            found[row.collection_many][row.field_many] = ToOne(
                row.collection_many, row.field_many, target, key, relation=row.id
            )
        elif isinstance(present, ToOne) and present.relation is None and present.target == target:
            found[row.collection_many][row.field_many] = replace(present, relation=row.id)
        alias = fields[target].get(row.field_one or "")
        if alias is None or not alias.is_alias or alias.type not in TO_MANY_TYPES or alias.name in found[target]:
            continue
        far = row.junction_field
        both = far is not None and (row.collection_many, far, row.field_many) in junctions
        found[target][alias.name] = ToMany(
            collection=target,
            field=alias.name,
            target=row.collection_many,
            target_field=row.field_many,
            junction_field=far if both else None,
            language_field=_language_field(fields[row.collection_many]) if alias.type == "translation" else None,
            relation=row.id,
        )
        _set_inverse(found, row.collection_many, row.field_many, target, alias.name)


def _set_inverse(found: Relations, collection: str, field: str, target: str, inverse: str) -> None:
    relation = found[collection].get(field)
    if isinstance(relation, ToOne) and relation.target == target and relation.inverse is None:
        found[collection][field] = replace(relation, inverse=inverse)


def _language_field(fields: Mapping[str, Field]) -> str | None:
    return next((name for name, item in fields.items() if item.type == "lang" and item.column is not None), None)


def _from_foreign_keys(found: Relations, tables: Mapping[str, Table], fields: Fields) -> dict[str, dict[str, Field]]:
    """Offer the database's own foreign keys: a ToOne on the child, and on the target a field for the way back."""
    aliases: defaultdict[str, dict[str, Field]] = defaultdict(dict)
    for child, table in tables.items():
        offered: list[ToOne] = []
        for key in table.foreign_keys:
            column, target = key.columns[0], key.target
            target_key = _single_key(tables, target)
            if len(key.columns) != 1 or target_key is None or key.target_columns != (target_key,):
                continue
            if column in found[child] or not _is_reference(tables, child, column):
                continue
            relation = ToOne(child, column, target, target_key)
            found[child][column] = relation
            offered.append(relation)
        both = _junction(table, offered)
        several = Counter(relation.target for relation in offered)
        for relation in offered:
            target = relation.target
            # Answers about system collections stay those that clients know.
            if target.startswith(SYSTEM_PREFIX):
                continue
            taken = fields[target].keys() | aliases[target].keys()
            name = _alias_name(child, relation.field, taken, several=several[target] > 1)
            aliases[target][name] = Field(target, name, "o2m", interface="one-to-many")
            found[target][name] = ToMany(target, name, child, relation.field, junction_field=both.get(relation.field))
            found[child][relation.field] = replace(relation, inverse=name)
    return dict(aliases)


def _junction(table: Table, offered: list[ToOne]) -> dict[str, str]:
    """Each foreign key of a junction table → the other one; empty for a table that is none.

    A junction has two foreign keys, and nothing else but its key.
    """
    if len(offered) != 2 or len(table.foreign_keys) != 2 or table.is_view:
        return {}
    one, other = offered[0].field, offered[1].field
    rest = {column.name for column in table.columns} - {one, other}
    keys = set(table.primary_key)
    if keys == {one, other} or (keys and rest == keys):
        return {one: other, other: one}
    return {}


def _alias_name(child: str, column: str, taken: Iterable[str], *, several: bool) -> str:
    used = set(taken)
    if not several and child not in used:
        return child
    name = base = f"{child}_{column}"
    number = 2
    while name in used:
        name = f"{base}_{number}"
        number += 1
    return name
