"""In charge of the doors of schema as code: a project as a document, its difference, applying it.

All of it is for admins, as every change of the schema is (spec 02 §12.9). The work is `core.ddl.document`'s.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from core.auth.whitelist import listed
from core.db.gateway import Connection
from core.ddl.apply import Plan, alter
from core.ddl.document import stored
from core.ddl.document.admit import admit
from core.ddl.document.carry import carry
from core.ddl.document.describe import Described, Stored, describe
from core.ddl.document.model import ADMIN, Document
from core.ddl.document.render import rendered
from core.ddl.document.steps import Step, difference, fingerprint
from core.ddl.present import Present, read
from core.errors import Problem, Unauthorized, Unprocessable, ValidationFailed
from core.session import Session
from core.types.write import BLANK, INVALID

ADMIN_ONLY = "Permission denied: Admin Only"
CHANGED = "The plan is not the one that was shown: the project or the document has changed since."


@dataclass(frozen=True, slots=True)
class Shown:
    """A plan as it is shown. `plan`: what identifies it; `steps`: plain data (`core.ddl.document.steps.Step.told`)."""

    plan: str
    destructive: bool
    steps: tuple[dict[str, Any], ...]

    @classmethod
    def of(cls, steps: tuple[Step, ...]) -> Shown:
        return cls(fingerprint(steps), any(step.destroys for step in steps), tuple(step.told() for step in steps))


async def snapshot(session: Session) -> dict[str, Any]:
    """The project as plain data: the same project gives the same data, in the same order.

    Raises Unauthorized for all but admins; Unprocessable when a role has a name that a document cannot tell.
    """
    _admit(session)
    store = await session.project.store()
    async with store.read() as connection:
        present, rows = await _read(session, connection)
    return rendered(describe(present, rows).document)


async def diff(session: Session, data: Any) -> Shown:
    """What would have to be done so that the project becomes what the document says.

    Raises Unauthorized; ValidationFailed for what is no document or cannot be applied, with the paths.
    """
    _admit(session)
    document = admit(data)
    store = await session.project.store()
    async with store.read() as connection:
        present, rows = await _read(session, connection)
    return Shown.of(_steps(present, rows, document)[1])


async def apply(
    session: Session, data: Any, plan: str | None, *, allow_destructive: bool = False, comment: str | None = None
) -> Shown:
    """Make the project what the document says: all of it or nothing (on MySQL see `core.ddl.apply`).

    `plan`: of the `diff` that was looked at; the steps are found anew when nobody else can alter the schema, and must
    be the same. What was done comes back. Raises Unauthorized; ValidationFailed; Unprocessable when the plan is another
    one, destroys without `allow_destructive`, or the database refuses it; FieldRequired when stored values would be
    lost or altered, or break a new rule.
    """
    _admit(session)
    if not plan:
        raise ValidationFailed.of([Problem(("plan",), BLANK)])
    document = admit(data)
    done: list[Shown] = []

    async def planning(present: Present) -> Plan:
        rows = await stored.read(present)
        there, steps = _steps(present, rows, document)
        shown = Shown.of(steps)
        if shown.plan != plan:
            raise Unprocessable(CHANGED)
        if shown.destructive and not allow_destructive:
            lost = ", ".join(f"{step.kind} {step.name}" for step in steps if step.destroys)
            raise Unprocessable(f"The plan destroys what is stored, which has to be allowed: {lost}")
        _check_whitelist(session, steps)
        done[:] = [shown]
        return await carry(present, there, rows, document, steps, comment)

    await alter(session, planning)
    return done[0]


async def _read(session: Session, connection: Connection) -> tuple[Present, Stored]:
    present = await read(session, connection)
    return present, await stored.read(present)


def _steps(present: Present, rows: Stored, document: Document) -> tuple[Described, tuple[Step, ...]]:
    there = describe(present, rows, besides=[name for (name,) in document.collections])
    return there, difference(present, there, document)


def _admit(session: Session) -> None:
    if not session.policy.admin:
        raise Unauthorized(ADMIN_ONLY)


def _check_whitelist(session: Session, steps: tuple[Step, ...]) -> None:
    """Nobody locks himself out (spec 02 §10). The operator at the command line has no address."""
    address = session.context.address
    if not address:
        return
    for step in steps:
        admins = step.kind == "role" and step.key == (ADMIN,) and "ip_whitelist" in step.changes
        if admins and not listed(address, ",".join(step.changes["ip_whitelist"][1])):
            raise ValidationFailed.of([Problem(("roles", ADMIN, "ip_whitelist"), INVALID)])
