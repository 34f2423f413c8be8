"""In charge of the one door through which documents run, for GraphQL clients and for the REST adapter alike.

`enter` finds out who calls and takes an edition, `run` runs one operation of one document. No HTTP: what an answer is
beside its data (errors, warnings, effects, a stream) is returned as values.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from inspect import isawaitable
from typing import Any

import structlog
from graphql import (
    DocumentNode,
    ExecutionResult,
    GraphQLError,
    default_field_resolver,
    default_type_resolver,
)

from core.answers import Turn, find
from core.enter import enter as begin
from core.errors import (
    CollectionNotFound,
    DatabaseUnavailable,
    FieldNotFound,
    InvalidField,
    QueryFailed,
    TabulariumError,
)
from core.projects import Project, Projects
from core.query.selection import Warning
from core.session import Session
from core.subscriptions import Ended, Entrance, Subscriber, Told, Wish, hub
from core.subscriptions.hub import Put, Renew
from resolvers.context import Call
from resolvers.errors import formatted, is_internal, original_of
from schema.documents import Document, Operation
from schema.executor import SplicingExecutor
from schema.registry import Edition, edition, server_edition

__all__ = [
    "REPEATS", "Ended", "Entrance", "Failure", "Outcome", "Subscriber", "Told", "Visit", "Wish", "again", "answered",
    "enter", "entrance", "failed", "heard", "kept", "looked_at", "may_upload", "renewed", "reported", "run",
    "run_document", "server_visit", "still_valid", "subscribe", "unsubscribe",
]  # fmt: skip

REPEATS = 3
"""How often an operation is repeated: changes of the schema may follow each other faster than a slow request."""
STALE = (CollectionNotFound, FieldNotFound, InvalidField, QueryFailed)
"""What may be wrong only because the schema has just changed."""


@dataclass(frozen=True, slots=True)
class Visit:
    """A request that was let in. In the server schema there is no session, elsewhere there are no projects."""

    edition: Edition
    session: Session | None = None
    projects: Projects | None = None
    address: str = ""

    @property
    def admin(self) -> bool:
        """The caller may be told everything that the schema holds."""
        return self.session is None or self.session.actor.admin


@dataclass(frozen=True, slots=True)
class Failure:
    """One error: the original, core's or graphql-core's, where it happened, and how GraphQL shows it."""

    error: Exception
    path: tuple[str | int, ...]
    located: GraphQLError

    def formatted(self) -> dict[str, Any]:
        """The entry of `errors`."""
        return formatted(self.located)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What running an operation came to.

    `data`: None when the request itself was wrong (`executed` False) or an error took everything. `effects`: values
    that the door turns into headers. `stream`: a list that is sent while it is read (`resolvers.context.Streamed`, its
    mark stands in the data), or the bytes of a file.
    """

    data: dict[str, Any] | None
    errors: tuple[Failure, ...] = ()
    warnings: tuple[Warning, ...] = ()
    effects: tuple[Any, ...] = ()
    stream: Any = None
    tags: tuple[str, ...] = ()
    executed: bool = True
    lasting: bool = False
    """It stays right until something with one of the tags is written."""
    wish: Wish | None = None
    """Of a subscription that may begin: what to tell."""


async def enter(
    project: Project,
    credentials: Any,
    *,
    address: str = "",
    user_agent: str = "",
    base_url: str = "",
    collection: str | None = None,
    counted: bool = True,
    **options: Any,
) -> Visit:
    """Let a request in: who calls, under which policy, on which edition.

    `collection`: the one that the request is about, if that is known: when its schema is just changing, the request
    waits for the new one. `counted`: it counts against the limit of
    its user. Other options go to `core.enter.enter`, which says what is raised.
    """
    facts = {"address": address, "user_agent": user_agent, "base_url": base_url, "counted": counted, **options}
    session = await begin(project, credentials, **facts)
    if collection is not None and project.changing(collection):
        return await renewed(await visit_of(session))
    return await visit_of(session)


async def visit_of(session: Session) -> Visit:
    """The visit of a session on the edition of its snapshot."""
    found = await edition(session.project, session.snapshot)
    return Visit(found, session, address=session.context.address)


async def renewed(visit: Visit) -> Visit:
    """The same visit on the edition after the changes that are known of; itself when there are none."""
    session = visit.session
    if session is None:
        return visit
    snapshot = await session.project.settled()
    if snapshot is session.snapshot:
        return visit
    policy = await session.project.policy(session.actor.role)
    return await visit_of(replace(session, snapshot=snapshot, policy=policy))


async def again(visit: Visit, outcome: Outcome) -> Visit:
    """The visit to repeat an operation on, when a schema that has changed meanwhile may be why it failed; else itself.

    Nothing was written: the transaction was rolled back. Whether others of the same document were is for who asks.
    """
    error = outcome.errors[0].error if outcome.errors else None
    if visit.session is None or not isinstance(error, STALE) or isinstance(error, DatabaseUnavailable):
        return visit  # who lost the database does not know what it has stored
    try:
        if isinstance(error, QueryFailed):
            await visit.session.project.follow()  # the database knows already what we have not been told
            if error.lacking:
                visit.session.project.reread(visit.session.snapshot)
        return await renewed(visit)
    except TabulariumError:
        return visit


async def kept(visit: Visit, words: Iterable[str], *, refresh: bool = False) -> bytes | Turn | None:
    """The kept body of a request, the turn to make one, or None (`core.answers.find`).

    What filters of extensions have to look at is made each time: nobody knows what it depends on.
    """
    hooks = visit.session.project.hooks if visit.session is not None else None
    if hooks is not None and (hooks.filters_reads or hooks.filters_answers):
        return None
    return await find(visit.session, words, refresh=refresh) if visit.session is not None else None


def entrance(visit: Visit, credentials: Any) -> Entrance:
    """How the caller of a visit comes in again for each thing that he is told."""
    assert visit.session is not None
    context = visit.session.context
    return Entrance(credentials, context.address, context.user_agent, context.base_url)


def subscribe(visit: Visit, way: Entrance, wish: Wish, renew: Renew, put: Put) -> Subscriber:
    """Begin to tell what a subscription's outcome wishes (`core.subscriptions`). Raises what reading would."""
    assert visit.session is not None
    return hub(visit.session.project).add(way, visit.session, wish, renew, put)


def unsubscribe(subscriber: Subscriber) -> None:
    """Tell no more."""
    hub(subscriber.session.project).remove(subscriber)


async def still_valid(subscriber: Subscriber) -> None:
    """End a subscriber who would not be let in any more, or whose document the schema does not allow any more."""
    await hub(subscriber.session.project).check(subscriber)


def server_visit(projects: Projects, *, address: str = "") -> Visit:
    """Let a request in to /gql. Operations that need authority carry it in their arguments."""
    return Visit(server_edition(), projects=projects, address=address)


async def run(
    visit: Visit,
    document: DocumentNode,
    variables: Mapping[str, Any],
    operation_name: str | None = None,
    *,
    streams: bool = False,
) -> Outcome:
    """Run an operation of a document that is known to be valid; errors of core arrive as they were raised.

    `streams`: a long list may be left to the caller in `Outcome.stream`.
    """
    return await run_document(visit, visit.edition.documents.of(document), variables, operation_name, streams=streams)


async def run_document(
    visit: Visit,
    document: Document,
    variables: Mapping[str, Any],
    operation_name: str | None = None,
    *,
    streams: bool = False,
) -> Outcome:
    """Run an operation of a document that was made ready. `streams`: as of `run`, if it has one root field only."""
    try:
        operation = document.operation(operation_name)
    except GraphQLError as error:
        return refused([error])
    asks = operation.introspective or operation.mixed
    if asks and visit.session is not None and not visit.session.project.config.get("graphql.introspection"):
        return refused([GraphQLError("Introspection is switched off on this server.", operation.node)])
    if operation.introspective and visit.session is not None and visit.edition.introspection is not None:
        data, errors = await visit.edition.introspection.answer(
            visit.session.policy, document, operation_name, variables
        )
        return Outcome(data, _failures(errors), executed=data is not None)
    if operation.mixed:
        return refused([GraphQLError("The schema must be asked for by itself, without data.", operation.node)])
    values = operation.variables.coerce(variables)
    if isinstance(values, list):
        return refused(values)
    if document.constants:
        values.coerced.update(document.constants)
    call = Call(
        document.shapes,
        visit.session,
        visit.projects,
        visit.address,
        streams=streams and operation.alone and not _filtered(visit),
        rows=visit.edition.documents.limits.rows,
    )
    result = _executor(visit, document, operation, values, call).execute_operation()
    if isawaitable(result):
        result = await result
    assert isinstance(result, ExecutionResult)
    failures = _failures(result.errors) if result.errors else ()
    for failure in failures:
        if is_internal(failure.located):
            await reported(visit, failure.error)
    return Outcome(
        result.data,
        failures,
        tuple(call.warnings),
        tuple(call.effects),
        call.stream,
        tuple(call.tags),
        lasting=bool(call.lasting),
        wish=call.wish if not result.errors else None,
    )


def may_upload(visit: Visit) -> bool:
    """Whether the caller has a level on files at which he might bring bytes: others need not be listened to long."""
    if visit.session is None:
        return False
    return any(visit.session.policy.any_level("directus_files", action) for action in ("create", "update"))


def looked_at(visit: Visit) -> bool:
    """Whether hooks of the project filter answers or are told of them. Mostly not: then nothing is made for them."""
    hooks = visit.session.project.hooks if visit.session is not None else None
    return hooks is not None and (hooks.filters_answers or hooks.hears_answers)


def _filtered(visit: Visit) -> bool:
    """Answers go through filters, which look at them as a whole."""
    hooks = visit.session.project.hooks if visit.session is not None else None
    return hooks is not None and hooks.filters_answers


async def reported(visit: Visit | None, error: BaseException) -> None:
    """Tell the hooks of the project of an error that nobody expected."""
    if visit is not None and visit.session is not None and (hooks := visit.session.project.hooks) is not None:
        await hooks.failed(visit.session, error)


async def answered(visit: Visit, members: dict[str, Any], request: Mapping[str, Any]) -> dict[str, Any]:
    """The members of an answer as the hooks of the project leave them. `request`: method and path.

    Raises what a hook raises.
    """
    session = visit.session
    if session is None or (hooks := session.project.hooks) is None or not hooks.filters_answers:
        return members
    return await hooks.answered(session, members, request)


async def heard(visit: Visit | None, answer: Mapping[str, Any], data: Any) -> None:
    """Tell the hooks of the project what was answered: path, query, method, status and size, and the body's members."""
    if visit is None or visit.session is None or (hooks := visit.session.project.hooks) is None:
        return
    if hooks.hears_answers:
        await hooks.heard(visit.session, answer, data)


def _executor(visit: Visit, document: Document, operation: Operation, values: Any, call: Call) -> SplicingExecutor:
    """graphql-core's executor, made directly: `execute` would look for the operation and coerce variables again."""
    made = SplicingExecutor(
        visit.edition.schema,
        document.fragments,
        document.details,
        None,
        call,
        operation.node,
        values,
        default_field_resolver,
        default_type_resolver,
        default_field_resolver,
        hide_suggestions=not visit.admin,
    )
    made.bare_arguments = operation.arguments
    return made


def failed(outcome: Outcome, error: Exception) -> Outcome:
    """The outcome when its stream could not begin: the one root field fails, as if its resolver had raised."""
    data = dict.fromkeys(outcome.data or ())
    located = GraphQLError(str(error), path=list(data), original_error=error)
    return replace(outcome, data=data, errors=_failures([located]), stream=None)


def refused(errors: Sequence[GraphQLError]) -> Outcome:
    """The outcome of a request that was not run."""
    return Outcome(None, _failures(errors), executed=False)


def _failures(errors: Sequence[GraphQLError]) -> tuple[Failure, ...]:
    found = []
    for error in errors:
        cause = original_of(error)
        if is_internal(error):
            structlog.get_logger().error("error in a resolver", exc_info=cause, path=error.path)
        assert isinstance(cause, Exception)
        found.append(Failure(cause, tuple(error.path or ()), error))
    return tuple(found)
