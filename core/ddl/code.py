"""In charge of the doors of schema as code: what a project is as a document, what separates it from another one.

All of it is for admins (house rule: schema changes are, spec 02 §12.9). The work is `core.ddl.document`'s.
"""

from __future__ import annotations

from typing import Any

from core.ddl.document import stored
from core.ddl.document.describe import describe
from core.ddl.document.render import rendered
from core.ddl.present import read
from core.errors import Unauthorized
from core.session import Session

ADMIN_ONLY = "Permission denied: Admin Only"


async def snapshot(session: Session) -> dict[str, Any]:
    """The project as plain data: the same project gives the same data, in the same order.

    Raises Unauthorized for all but admins; Unprocessable when a role has a name that a document cannot tell.
    """
    _admit(session)
    store = await session.project.store()
    async with store.read() as connection:
        present = await read(session, connection)
        rows = await stored.read(present)
    return rendered(describe(present, rows).document)


def _admit(session: Session) -> None:
    if not session.policy.admin:
        raise Unauthorized(ADMIN_ONLY)
