"""In charge of changes of users by SCIM: which columns a User becomes (spec 02 §14.2, 14.7). Runs in a transaction.

The writes are those of the users API, so rights, validation, history, hooks and the last admin's guard are its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from core.errors import DuplicateItem, FieldAccessDenied, ItemNotFound, ReadDenied
from core.query.change import WriteRequest
from core.query.predicate import Compare, Like, Predicate, all_of, any_of
from core.query.selection import ReadRequest, Selection
from core.scim import resources, rows
from core.scim.reading import Desk, Row, by_key
from core.scim.refusals import NotMutable, VersionMismatch
from core.scim.resources import Account, Enterprise
from core.scim.rows import ACTIVE, OF_USER, USER, USERS
from core.write.pipeline import Together

DRAFT, SUSPENDED, DELETED = "draft", "suspended", "deleted"
UTC = "UTC"


async def create(tx: Together, body: Any) -> Any:
    """Store a new user, or take back a deleted one with this address or id; the key. Raises as a write of users."""
    sent = resources.read(Account, body)
    columns = _columns(sent)
    columns["status"] = ACTIVE if sent.active else DRAFT
    external = sent.external_id or None
    gone = await _gone(Desk(tx.session, tx), columns["email"], external)
    if gone is not None:
        # Who had the address before is not who has it now: nothing that opens doors is handed on.
        closed = {"password": None, "role": None, "token": None, "2fa_secret": None}
        payload = {**closed, **columns, **({"external_id": external} if external else {})}
        await _update(tx, gone, payload, revives=True)
        return gone
    if external:
        columns["external_id"] = external
    result = await tx.write(WriteRequest(USERS, "create", (columns,), selection=None))
    return result.keys[0]


async def replace(tx: Together, key: Any, body: Any, if_match: str | None) -> Any:
    """Store a user as the body says; what it leaves out is cleared, but for password, role and status."""
    sent = resources.read(Account, body)
    row = await _locked(tx, key, if_match)
    columns = _columns(sent)
    if (status := _status(sent.active, row)) is not None:
        columns["status"] = status
    return await _store(tx, key, row, columns)


async def patch(tx: Together, key: Any, body: Any, if_match: str | None) -> Any:
    """Change a user by operations, or by the members of the body. The whole or nothing."""
    if not resources.has_operations(body):
        part = resources.read_part(Account, body)
        row = await _locked(tx, key, if_match)
        before = resources.loaded(Account, Desk(tx.session, tx).shown(USER, row))
        after = before.model_copy(update={name: getattr(part, name) for name in part.model_fields_set})
        columns = _differences(before, after, row, emails_win=bool(part.emails))
    else:
        operations = resources.operations(Account, body)
        row = await _locked(tx, key, if_match)
        before = resources.loaded(Account, Desk(tx.session, tx).shown(USER, row))
        after = resources.apply(before, operations)
        columns = _differences(before, after, row, emails_win=False)
    return await _store(tx, key, row, columns)


async def delete(tx: Together, key: Any, if_match: str | None) -> None:
    """Delete a user softly: the row stays, without its token; its sessions end."""
    await _locked(tx, key, if_match)
    payload: dict[str, Any] = {"status": DELETED}
    if tx.session.policy.admin:  # others may not touch tokens, and nobody gets in with a deleted user's one
        payload["token"] = None
    await _update(tx, key, payload)


async def _locked(tx: Together, key: Any, if_match: str | None) -> Row:
    await tx.lock(USERS, key)
    desk = Desk(tx.session, tx)
    row = await by_key(desk, USER, key)
    if row is None or row["status"] == DELETED:
        raise ItemNotFound.with_id(key)
    matched(desk.shown(USER, row), if_match)
    return row


def matched(shown: Mapping[str, Any], if_match: str | None) -> None:
    """Raises VersionMismatch where the client names versions, and not this one. Weak tags count (RFC 7644 §3.14)."""
    if if_match is None or not if_match.strip():
        return
    tags = [one.strip().removeprefix("W/") for one in if_match.split(",")]
    if "*" not in tags and rows.version(shown).removeprefix("W/") not in tags:
        raise VersionMismatch


async def _store(tx: Together, key: Any, row: Row, columns: Mapping[str, Any]) -> Any:
    payload = _changed(row, columns)
    if "email" in payload:
        await _free(Desk(tx.session, tx), payload["email"], but=key)
    await _update(tx, key, payload)
    return key


async def _update(tx: Together, key: Any, payload: Mapping[str, Any], *, revives: bool = False) -> None:
    if payload:
        await tx.write(WriteRequest(USERS, "update", (payload,), (str(key),), selection=None, revives=revives))


async def _gone(desk: Desk, email: str, external: str | None) -> Any:
    """The key of a deleted user with this address or id. Raises DuplicateItem where somebody else has the address."""
    try:
        await _free(desk, email)
    except (ReadDenied, FieldAccessDenied):
        return None  # who may create users and see none creates new ones; the database keeps addresses apart
    same = [_addressed(email)]
    if external:
        same.append(Compare("external_id", "eq", external))
    part = all_of((Compare("status", "eq", DELETED), any_of(same)))
    found = await desk.read(ReadRequest(USERS, OF_USER, part=part, status=("*",), sort=("id",), limit=1))
    return found.items[0]["id"] if found.items else None


async def _free(desk: Desk, email: str, *, but: Any = None) -> None:
    """Raises DuplicateItem where another user has an address, in whatever case (spec 02 §1.1)."""
    part = _addressed(email) if but is None else all_of((_addressed(email), Compare("id", "neq", but)))
    found = await desk.read(ReadRequest(USERS, Selection(rows.leaves("id")), part=part, limit=1))
    if found.items:
        raise DuplicateItem(email, USERS)


def _addressed(email: str) -> Predicate:
    return Like("email", email.replace("!", "!!").replace("%", "!%").replace("_", "!_"))


# --- columns ----------------------------------------------------------------------------------------------------------


def _columns(sent: Any) -> dict[str, Any]:
    """The columns of a whole User, without its status; a password only where there is one."""
    name, more = sent.name, sent[Enterprise]
    found: dict[str, Any] = {
        "email": _address(sent.emails) or sent.user_name,
        "first_name": name.given_name if name is not None else None,
        "last_name": name.family_name if name is not None else None,
        "title": sent.title,
        "locale": _plain(sent.locale) or _plain(sent.preferred_language),
        "timezone": _plain(sent.timezone) or UTC,
        "company": more.organization if more is not None else None,
    }
    if sent.password is not None:
        found["password"] = sent.password
    return found


def _differences(before: Any, after: Any, row: Row, *, emails_win: bool) -> dict[str, Any]:
    """The columns that a patch changes: of two attributes that are one column, the one that the patch has changed."""
    found = _columns(after)
    addresses = [one.value for one in after.emails or ()]
    if not addresses and before.emails:
        raise NotMutable("The e-mail address is the user name and cannot be removed.")
    if not emails_win and addresses == [one.value for one in before.emails or ()]:
        found["email"] = after.user_name
    if _plain(after.locale) == _plain(before.locale):
        found["locale"] = _plain(after.preferred_language)
    if after.active != before.active and (status := _status(after.active, row)) is not None:
        found["status"] = status
    return found


def _status(active: bool | None, row: Row) -> str | None:
    """The status that `active` asks for; None: as it is (spec 02 §14.7)."""
    if active is None:
        return None
    if active:
        return ACTIVE if row["status"] != ACTIVE else None
    return SUSPENDED if row["status"] == ACTIVE else None


def _changed(row: Row, columns: Mapping[str, Any]) -> dict[str, Any]:
    """Without what is stored already: nobody needs a right, or a line of history, to leave things as they are."""
    return {name: value for name, value in columns.items() if name not in row or row[name] != value}


def _address(emails: Any) -> str | None:
    """The primary address, else the last."""
    given = [one for one in emails or () if one.value]
    primary = [one for one in given if one.primary]
    chosen = (primary or given)[-1:]
    return chosen[0].value if chosen else None


def _plain(value: Any) -> str | None:
    return None if value is None else str(getattr(value, "value", value))
