"""In charge of what a change leaves besides its rows: history in the transaction, events for afterwards."""

from __future__ import annotations

from functools import partial

from core.access.authorize import soft_deleted
from core.events.collect import Event
from core.query.change import WriteRequest
from core.query.virtual import Scene, file_data
from core.session import Session
from core.write import history
from core.write.change import Node
from core.write.forms import Form, event_form, revision_form
from core.write.history import Entry, Facts
from core.write.order import columns_of
from core.write.run import KEY, NOTHING, Made, Run, insert


async def record(session: Session, request: WriteRequest, run: Run) -> None:
    """Write activity and revisions: two statements, however many rows."""
    facts = Facts(
        signed=history.signature(session.context),
        comment=request.comment or None,
        keys=run.keys,
        after=run.after,
        form=lambda name: _form(run, name, "revision"),
        shown=partial(file_data, scene=_scene(session)),
    )
    entries = history.entries(run.nodes, facts)
    if entries:
        await _store(run, entries, facts)


def _scene(session: Session) -> Scene:
    context, project = session.context, session.project
    return Scene(session.actor.user, project.key, context.base_url, context.mount, project.root_url, session.snapshot)


async def _store(run: Run, entries: list[Entry], facts: Facts) -> None:
    """Insert entries; a revision refers to its activity by the key that this got."""
    collections = run.statements.snapshot.collections
    activity, revisions = collections["directus_activity"], collections["directus_revisions"]
    revised = any(entry.revised for entry in entries)
    rows = Made(entries, lambda entry: history.activity(entry, facts))
    made = await insert(
        run.connection, run.statements, activity, history.ACTIVITY, rows, gives=KEY if revised else NOTHING
    )
    if not revised:
        return
    key = activity.primary_key or "id"
    linked = [(entry, row.values[key]) for entry, row in zip(entries, made, strict=True) if entry.revised]
    rows = Made(linked, lambda pair: history.revision(pair[0], facts, pair[1]))
    await insert(run.connection, run.statements, revisions, history.REVISION, rows, gives=NOTHING)


def events(run: Run) -> list[Event]:
    """What is told after the commit, in the order of the nodes."""
    return [_event(run, node) for node in run.nodes if not node.empty]


def _event(run: Run, node: Node) -> Event:
    before, after = run.before.get(node.index), run.after.get(node.index)
    name, key = node.collection.name, run.keys[node.index]
    if node.verb == "delete":
        payload = _form(run, name, "event text").row(before or {})
        return Event("delete", name, key, payload, before=before)
    form = _form(run, name, "event")
    if node.verb == "create":
        return Event("create", name, key, form.row(after or {}), after=after)
    written = columns_of(node, run.values[node.index])
    payload = {**form.row(after or {}, written), node.collection.primary_key or "": str(key)}
    gone = soft_deleted(node.collection, (after or {}).get(node.collection.status_field or ""))
    return Event("update", name, key, payload, before=before, after=after, soft_deleted=gone)


def _form(run: Run, name: str, kind: str) -> Form:
    collection = run.statements.snapshot.collections[name]
    dialect = run.statements.dialect
    make = {
        "revision": lambda: revision_form(collection, dialect),
        "event": lambda: event_form(collection, dialect),
        "event text": lambda: event_form(collection, dialect, text=True),
    }[kind]
    return run.statements.kept(("form", name, kind), make)
