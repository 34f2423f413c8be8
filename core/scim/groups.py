"""In charge of changes of roles by SCIM: their names, and who has them (spec 02 §14.3, 14.7). Runs in a transaction.

A member is a user whose `role` is the group's, so members are changed by writes of users: one for those who come, one
for those who go, however many they are.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from scim2_models import PatchOperation
from scim2_models.path import AttrPath, ValuePath

from core.errors import ItemNotFound
from core.query.change import WriteRequest
from core.query.predicate import EVERYTHING, Compare, In, IsNull, Predicate, all_of, any_of
from core.query.selection import ReadRequest, Selection
from core.scim import filters, resources, rows
from core.scim.reading import Desk, Row, by_key
from core.scim.refusals import InvalidValue, NotMutable
from core.scim.resources import Group
from core.scim.rows import GROUP, ROLES, USERS
from core.scim.users import matched
from core.write.pipeline import Together

MOST_MEMBERS = 10_000
"""Members that one operation may name."""
NAME = "displayname"
MEMBERS = "members"


async def create(tx: Together, body: Any) -> Any:
    """Store a new role with its members; the key. Raises as a write of roles."""
    sent = resources.read(Group, body)
    payload: dict[str, Any] = {"name": sent.display_name}
    # Directus 8 took the id from `id`, its manual from `externalId` (spec 02 §14.3).
    external = sent.external_id or body.get("id")
    if external:
        payload["external_id"] = str(external)
    result = await tx.write(WriteRequest(ROLES, "create", (payload,), selection=None))
    key = result.keys[0]
    await _add(tx, key, _ids(sent.members))
    return key


async def replace(tx: Together, key: Any, body: Any, if_match: str | None) -> Any:
    """Store a role as the body says. Members stay as they are where the body does not speak of them."""
    sent = resources.read(Group, body)
    row = await _locked(tx, key, if_match)
    await _rename(tx, key, row, sent.display_name)
    if "members" in sent.model_fields_set and sent.members is not None:
        await _set(tx, key, _ids(sent.members))
    return key


async def patch(tx: Together, key: Any, body: Any, if_match: str | None) -> Any:
    """Change a role by operations, or by the members of the body. The whole or nothing."""
    if not resources.has_operations(body):
        part = resources.read_part(Group, body)
        row = await _locked(tx, key, if_match)
        if "display_name" in part.model_fields_set:
            await _rename(tx, key, row, part.display_name)
        if part.members is not None:
            await _set(tx, key, _ids(part.members))
        return key
    operations = resources.operations(Group, body)
    row = await _locked(tx, key, if_match)
    name = row["name"]
    for one in operations:
        for path, value in _targets(one):
            if isinstance(path, AttrPath) and path.attr.lower() == NAME:
                name = _name(one.op, value)
            elif path.attr.lower() == MEMBERS if isinstance(path, AttrPath) else _of_members(path):
                await _change(tx, key, one.op, path, value)
    await _rename(tx, key, row, name)
    return key


async def delete(tx: Together, key: Any, if_match: str | None) -> None:
    """Delete a role; its users have none then."""
    await _locked(tx, key, if_match)
    await tx.write(WriteRequest(ROLES, "delete", keys=(str(key),), selection=None))


async def _locked(tx: Together, key: Any, if_match: str | None) -> Row:
    await tx.lock(ROLES, key)
    desk = Desk(tx.session, tx)
    row = await by_key(desk, GROUP, key, whole=if_match is not None)
    if row is None:
        raise ItemNotFound.with_id(key)
    matched(desk.shown(GROUP, row), if_match)
    return row


async def _rename(tx: Together, key: Any, row: Row, name: Any) -> None:
    if name != row["name"]:
        await tx.write(WriteRequest(ROLES, "update", ({"name": name},), (str(key),), selection=None))


# --- operations -------------------------------------------------------------------------------------------------------


def _targets(one: PatchOperation[Any]) -> Iterable[tuple[Any, Any]]:
    """What an operation is about: its path, or the members of its value."""
    if one.path:
        return [(one.path.ast, one.value)]
    if not isinstance(one.value, Mapping):
        raise InvalidValue("An operation without a path needs an object as its value.")
    names = [(str(name).rpartition(":")[2], value) for name, value in one.value.items()]
    return [(AttrPath(name), value) for name, value in names if name.lower() in (NAME, MEMBERS)]


def _of_members(path: Any) -> bool:
    return isinstance(path, ValuePath) and path.attr_path.attr.lower() == MEMBERS


def _name(op: Any, value: Any) -> Any:
    if op == PatchOperation.Op.remove or not isinstance(value, str):
        raise InvalidValue("displayName must be text.")
    return value


async def _change(tx: Together, key: Any, op: Any, path: Any, value: Any) -> None:
    """One operation on `members`."""
    if path.sub_attr is not None or (isinstance(path, ValuePath) and op != PatchOperation.Op.remove):
        raise NotMutable("Members are added and removed; nothing of them can be changed here.")
    if op == PatchOperation.Op.remove:
        part: Predicate = EVERYTHING
        if isinstance(path, ValuePath):
            part = filters.of_members(path)
        elif value is not None:  # as Entra ID says it
            part = _any(_ids(value))
        await _move(tx, await _keys(tx, all_of((_of(key), part))), None)
    elif op == PatchOperation.Op.add:
        await _add(tx, key, _ids(value))
    else:
        await _set(tx, key, _ids(value))


# --- members ----------------------------------------------------------------------------------------------------------


def _ids(members: Any) -> list[str]:
    """The ids of users that a value names. Raises InvalidValue."""
    listed = members if isinstance(members, list | tuple) else [] if members is None else [members]
    if len(listed) > MOST_MEMBERS:
        raise InvalidValue(f"One operation may name {MOST_MEMBERS} members at most.")
    found = []
    for one in listed:
        own = (one.get("value") if isinstance(one, Mapping) else getattr(one, "value", one)) or None
        kind = one.get("type") if isinstance(one, Mapping) else getattr(one, "type", None)
        if not isinstance(own, str):
            raise InvalidValue("A member is named by the id of a user, as value.")
        if isinstance(kind, str) and kind.lower() == "group":
            raise InvalidValue("Members of a group are users.")
        found.append(own)
    return list(dict.fromkeys(found))


def _of(key: Any) -> Predicate:
    return Compare("role", "eq", key)


def _any(ids: list[str]) -> Predicate:
    """The users with some of these ids."""
    made = (rows.key_in(USERS, own) for own in ids)
    keys = tuple(key for key in made if key is not None)
    parts: list[Predicate] = [In("external_id", tuple(ids))]
    if keys:
        parts.append(all_of((IsNull("external_id"), In("id", keys))))
    return any_of(parts)


async def _keys(tx: Together, part: Predicate) -> list[str]:
    """The keys of users, deleted ones left out."""
    found = await tx.read(ReadRequest(USERS, Selection(rows.leaves("id")), part=part, sort=("id",), limit=-1))
    return [str(row["id"]) for row in found.items]


async def _named(tx: Together, ids: list[str]) -> dict[str, Row]:
    """The users with these ids. Raises InvalidValue for one who is not there."""
    if not ids:
        return {}
    part = _any(ids)
    wanted = Selection(rows.leaves("id", "external_id", "role"))
    found = await tx.read(ReadRequest(USERS, wanted, part=part, sort=("id",), limit=-1))
    named: dict[str, Row] = {str(rows.id_of(USERS, row)): row for row in found.items}
    missing = [own for own in ids if own not in named]
    if missing:
        raise InvalidValue(f'There is no user with the id "{missing[0]}".')
    return named


async def _add(tx: Together, key: Any, ids: list[str]) -> None:
    named = await _named(tx, ids)
    await _move(tx, [str(row["id"]) for row in named.values() if row["role"] != key], key)


async def _set(tx: Together, key: Any, ids: list[str]) -> None:
    named = await _named(tx, ids)
    stay = {str(row["id"]) for row in named.values()}
    await _move(tx, [one for one in await _keys(tx, _of(key)) if one not in stay], None)
    await _move(tx, [str(row["id"]) for row in named.values() if row["role"] != key], key)


async def _move(tx: Together, keys: list[str], role: Any) -> None:
    if keys:
        await tx.write(WriteRequest(USERS, "update", ({"role": role},), tuple(keys), selection=None))
