"""In charge of many SCIM requests in one (RFC 7644 §3.7): one transaction, in which each that fails is undone alone."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from core import engine
from core.db.errors import MissingObject, Retryable, StatementTimeout
from core.errors import DatabaseUnavailable, TabulariumError, Unauthorized
from core.scim import groups, rows, users
from core.scim.reading import Desk, by_key, find
from core.scim.refusals import InvalidPath, InvalidSyntax, InvalidValue, TooMany, told
from core.scim.rows import KINDS, USER, Kind
from core.session import Session
from core.write.pipeline import Together

MOST_OPERATIONS = 1000
REQUEST = "urn:ietf:params:scim:api:messages:2.0:BulkRequest"
RESPONSE = "urn:ietf:params:scim:api:messages:2.0:BulkResponse"
REFERENCE = re.compile(r"bulkId:(.+)", re.DOTALL)
METHODS = ("POST", "PUT", "PATCH", "DELETE")


@dataclass(frozen=True, slots=True)
class Operation:
    """One request of many. `own`: the id in its path; none in a POST. `refers`: the bulk ids that it needs."""

    method: str
    kind: Kind
    own: str | None
    data: Any
    bulk_id: str | None
    version: str | None
    refers: frozenset[str]


@dataclass(slots=True)
class Done:
    """What became of an operation: its place, and its part of the answer."""

    answers: dict[int, dict[str, Any]] = field(default_factory=dict)
    made: dict[str, str] = field(default_factory=dict)
    """Ids of what was created, by bulk id."""
    failed: int = 0


async def run(session: Session, body: Any) -> dict[str, Any]:
    """The answer to a bulk request.

    Raises Unauthorized (nobody calls), InvalidSyntax, InvalidValue, TooMany; what is no operation's fault.
    """
    if session.actor.public:
        raise Unauthorized
    operations, most_errors = _read(body)
    found = await engine.together(session, rows.USERS, lambda tx: _run(tx, operations, most_errors))
    return {"schemas": [RESPONSE], "Operations": found}


async def _run(tx: Together, operations: Sequence[Any], most_errors: int | None) -> list[dict[str, Any]]:
    """Do them in their order; what needs something that is made later is done right after that."""
    done = Done()
    posts = [one for one in operations if isinstance(one, Operation) and one.method == "POST"]
    unmade = {one.bulk_id for one in posts if one.bulk_id is not None}
    next_ones = deque(enumerate(operations))
    waiting: dict[str, list[tuple[int, Any]]] = {}  # by one of those that they need
    while next_ones:
        place, one = next_ones.popleft()
        if most_errors is not None and done.failed >= most_errors:
            break
        needed = one.refers & unmade - {one.bulk_id} if isinstance(one, Operation) else None
        if needed:
            waiting.setdefault(min(needed), []).append((place, one))
        else:
            await _one(tx, place, one, done)
            if isinstance(one, Operation) and one.bulk_id in unmade:
                unmade.discard(one.bulk_id)
                next_ones.extendleft(reversed(waiting.pop(one.bulk_id, [])))
        if not next_ones and waiting:  # those that are left wait for each other
            unmade.clear()
            next_ones.extend(one for ones in waiting.values() for one in ones)
            waiting.clear()
    return [done.answers[place] for place in sorted(done.answers)]


async def _one(tx: Together, place: int, one: Any, done: Done) -> None:
    if not isinstance(one, Operation):
        done.failed += 1
        done.answers[place] = one
        return
    answer: dict[str, Any] = {"method": one.method}
    if one.bulk_id is not None:
        answer["bulkId"] = one.bulk_id
    base = Desk(tx.session, tx).base
    own = _resolved(one.own, done.made) if one.own is not None else None
    if own is not None:
        answer["location"] = rows.location(base, one.kind, own)
    try:
        async with tx.savepoint():
            key = await _perform(tx, one, own, done.made)
            row = await by_key(Desk(tx.session, tx), one.kind, key) if key is not None else None
    except (Retryable, DatabaseUnavailable, MissingObject, StatementTimeout):
        raise  # no operation's fault
    except TabulariumError as error:
        done.failed += 1
        done.answers[place] = {**answer, **_failed(error)}
        return
    if row is not None:
        shown = Desk(tx.session, tx).shown(one.kind, row)
        answer |= {"location": rows.location(base, one.kind, shown["id"]), "version": rows.version(shown)}
        if one.method == "POST" and one.bulk_id is not None:
            done.made[one.bulk_id] = shown["id"]
    status = {"POST": "201", "DELETE": "204"}.get(one.method, "200")
    done.answers[place] = {**answer, "status": status}


async def _perform(tx: Together, one: Operation, own: str | None, made: Mapping[str, str]) -> Any:
    """Do it; the key of what is there afterwards."""
    module = users if one.kind is USER else groups
    data = _resolved(one.data, made)
    if one.method == "POST":
        return await module.create(tx, data)
    assert own is not None
    key = (await find(Desk(tx.session, tx), one.kind, own, whole=False))["id"]
    if one.method == "DELETE":
        await module.delete(tx, key, one.version)
        return None
    change: Callable[..., Awaitable[Any]] = module.replace if one.method == "PUT" else module.patch
    return await change(tx, key, data, one.version)


# --- reading ----------------------------------------------------------------------------------------------------------


def _read(body: Any) -> tuple[list[Any], int | None]:
    """The operations, those that mean nothing as their answers, and after how many errors to stop."""
    members = {str(name).lower(): value for name, value in body.items()} if isinstance(body, Mapping) else {}
    sent = members.get("operations")
    most = members.get("failonerrors")
    if not isinstance(sent, list | tuple):
        raise InvalidSyntax("A bulk request has a list of Operations.")
    if len(sent) > MOST_OPERATIONS:
        raise TooMany(f"A bulk request may have {MOST_OPERATIONS} operations at most.")
    if most is not None and (not isinstance(most, int) or isinstance(most, bool) or most < 0):
        raise InvalidValue("failOnErrors must be a whole number.")
    found: list[Any] = []
    ids: set[str] = set()
    for one in sent:
        try:
            operation = _operation(one)
            if operation.bulk_id is not None and operation.bulk_id in ids:
                raise InvalidValue(f'The bulkId "{operation.bulk_id}" is used twice.')
            ids.add(operation.bulk_id or "")
            found.append(operation)
        except TabulariumError as error:
            method = one.get("method") if isinstance(one, Mapping) else None
            kept = {"method": method} if isinstance(method, str) else {}
            if isinstance(one, Mapping) and isinstance(one.get("bulkId"), str):
                kept["bulkId"] = one["bulkId"]
            found.append({**kept, **_failed(error)})
    return found, most or None


def _operation(one: Any) -> Operation:
    if not isinstance(one, Mapping):
        raise InvalidSyntax("An operation is an object.")
    method = str(one.get("method", "")).upper()
    bulk_id, version, data = one.get("bulkId"), one.get("version"), one.get("data")
    if method not in METHODS:
        raise InvalidValue("method must be POST, PUT, PATCH or DELETE.")
    if bulk_id is not None and not isinstance(bulk_id, str):
        raise InvalidValue("bulkId must be text.")
    if version is not None and not isinstance(version, str):
        raise InvalidValue("version must be text.")
    endpoint, _, own = str(one.get("path", "")).strip("/").partition("/")
    kind = KINDS.get(endpoint)
    if kind is None or (method == "POST") != (not own) or "/" in own:
        raise InvalidPath("path must be /Users or /Groups, followed by an id unless something is created.")
    if method == "POST" and not bulk_id:
        raise InvalidValue("A POST needs a bulkId.")
    if method != "DELETE" and not isinstance(data, Mapping):
        raise InvalidValue("data must be an object.")
    own_id = unquote(own) or None
    return Operation(method, kind, own_id, data, bulk_id, version, frozenset(_references((own_id, data))))


def _failed(error: TabulariumError) -> dict[str, Any]:
    response = told(error, public=False)
    return {"status": response["status"], "response": response}


def _references(value: Any) -> list[str]:
    if isinstance(value, str):
        found = REFERENCE.fullmatch(value)
        return [found[1]] if found else []
    if isinstance(value, Mapping):
        return [name for one in value.values() for name in _references(one)]
    return [name for one in value for name in _references(one)] if isinstance(value, list | tuple) else []


def _resolved(value: Any, made: Mapping[str, str]) -> Any:
    """With ids in the place of references. Raises InvalidValue for one to what was not made."""
    if isinstance(value, str):
        found = REFERENCE.fullmatch(value)
        if found is None:
            return value
        if found[1] not in made:
            raise InvalidValue(f'Nothing was created under the bulkId "{found[1]}".')
        return made[found[1]]
    if isinstance(value, Mapping):
        return {name: _resolved(one, made) for name, one in value.items()}
    return [_resolved(one, made) for one in value] if isinstance(value, list | tuple) else value
