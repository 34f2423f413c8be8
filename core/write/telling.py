"""In charge of telling of what a change has stored: hooks, the outbox of webhooks, who listens. It makes no events."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from core.db.unit_of_work import UnitOfWork
from core.events.collect import Told
from core.session import Session
from core.write import hooked, outbox


def watched(session: Session, collections: Iterable[str]) -> bool:
    """Whether anybody wants to know of writes to these collections."""
    project = session.project
    if project.events or (project.hooks is not None and project.hooks.hears_items):
        return True
    return outbox.hooked(session.snapshot, collections)


async def tell(
    session: Session, unit: UnitOfWork, told: Sequence[Told], kept: Callable[[], Sequence[Told]] | None = None
) -> None:
    """Hooks may still refuse; webhooks are told by rows of the outbox, stored with the change; others later.

    `kept`: gives the events again after the commit, where they are not held until then. Raises what a hook raises.
    """
    project, again = session.project, kept or (lambda: told)
    await hooked.stored(session, unit.connection, told)
    if await outbox.put(session.snapshot, session.context, unit.connection, told):
        unit.after_commit(project.deliver)
    if project.events:
        unit.after_commit(lambda: project.events.publish(again()))
    if project.hooks is not None:
        unit.after_commit(lambda: hooked.publish(session, again()))
