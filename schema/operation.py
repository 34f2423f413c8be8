"""In charge of one operation as a client sent it, whatever carried it: its parts, its document, running it, its answer.

HTTP and sockets bring the same members (`query`, `variables`, `operationName`) and get the same answers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from graphql import GraphQLError, OperationType, Source

from core.session import Session
from resolvers.errors import formatted
from schema.documents import Document
from schema.execute import (
    REPEATS,
    Ended,
    Entrance,
    Outcome,
    Subscriber,
    Told,
    Visit,
    Wish,
    again,
    refused,
    renewed,
    run_document,
    subscribe,
    visit_of,
)

MEMBERS = frozenset({"query", "variables", "operationName", "extensions", "id"})
EMPTY_DOCUMENT = GraphQLError("Syntax Error: Unexpected <EOF>", source=Source(""), positions=[0])


@dataclass(frozen=True, slots=True)
class Asked:
    """One operation as a client sent it."""

    query: str
    variables: Mapping[str, Any]
    operation_name: str | None = None


class Malformed(Exception):
    """The request is no GraphQL request: 400 whatever is accepted, 415 for a media type that is not taken."""

    def __init__(self, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.message, self.status = message, status


class NoDocument(Exception):
    """There is nothing to parse, which v8 answers as a syntax error."""


def from_body(body: Any) -> Asked:
    """The operation of a JSON body. Raises Malformed, NoDocument."""
    if not isinstance(body, dict):
        raise NoDocument
    query = body.get("query")
    if query is None and body and not body.keys() & MEMBERS:
        raise Malformed("The body has no `query`.")
    return asked_of(query, body.get("variables"), body.get("operationName"), body.get("extensions"))


def asked_of(query: Any, variables: Any, operation_name: Any, extensions: Any) -> Asked:
    """An operation of its members. Raises Malformed, NoDocument."""
    if query is not None and not isinstance(query, str):
        raise Malformed("`query` must be a string.")
    if operation_name is not None and not isinstance(operation_name, str):
        raise Malformed("`operationName` must be a string.")
    if variables == []:  # what PHP makes of an empty map
        variables = None
    if variables is not None and not isinstance(variables, dict):
        raise Malformed("`variables` must be an object.")
    if extensions is not None and not isinstance(extensions, dict):
        raise Malformed("`extensions` must be an object.")
    if not query or not query.strip():
        raise NoDocument
    return Asked(query, variables or {}, operation_name or None)


async def document_of(visit: Visit, asked: Asked) -> tuple[Visit, Document | list[GraphQLError]]:
    """The document on the visit's edition; when a name is missing while the schema changes, on the next one."""
    hide = not visit.admin
    found = await visit.edition.documents.find(asked.query, hide_suggestions=hide)
    session = visit.session
    if session is None or not _touches_change(visit, found, asked):
        return visit, found
    fresh = await renewed(visit)
    if fresh is visit:
        return visit, found
    return fresh, await fresh.edition.documents.find(asked.query, hide_suggestions=hide)


def _touches_change(visit: Visit, found: Document | list[GraphQLError], asked: Asked) -> bool:
    session, names = visit.session, visit.edition.names
    if session is None or names is None:
        return False
    if not isinstance(found, Document):
        return True  # waits only while something changes
    try:
        roots = found.operation(asked.operation_name).roots
    except GraphQLError:
        return False
    return any(session.project.changing(names.roots[root]) for root in roots if root in names.roots)


async def run_asked(visit: Visit, document: Document, asked: Asked, *, streams: bool = False) -> tuple[Visit, Outcome]:
    """Run it, again on the next edition when the schema has changed under it (never what was written before).

    `streams`: as of `schema.execute.run`.
    """
    outcome = await run_document(visit, document, asked.variables, asked.operation_name, streams=streams)
    for _ in range(REPEATS):
        if not outcome.errors or not _repeatable(document, asked, outcome):
            break
        fresh = await again(visit, outcome)
        if fresh is visit:
            break
        visit, found = fresh, await fresh.edition.documents.find(asked.query, hide_suggestions=not fresh.admin)
        if not isinstance(found, Document):
            return visit, refused(found)
        document = found
        outcome = await run_document(visit, document, asked.variables, asked.operation_name, streams=streams)
    return visit, outcome


async def answer(visit: Visit, query: str, variables: Mapping[str, Any]) -> dict[str, Any]:
    """The members of the answer to a query or mutation, for extensions that ask on behalf of a visit."""
    asked = Asked(query, variables)
    visit, found = await document_of(visit, asked)
    if not isinstance(found, Document):
        return members(refused(found))
    if kind_of(found, asked) is OperationType.SUBSCRIPTION:
        return members(refused([GraphQLError("A subscription needs a socket.")]))
    _, outcome = await run_asked(visit, found, asked)
    return members(outcome)


def _repeatable(document: Document, asked: Asked, outcome: Outcome) -> bool:
    """Whether nothing was written by it: a query, or a mutation whose one field failed."""
    if kind_of(document, asked) is OperationType.QUERY:
        return True
    return outcome.data is not None and len(outcome.data) == 1


def kind_of(document: Document, asked: Asked) -> OperationType:
    """Query, mutation or subscription; a query where there is no such operation."""
    try:
        return document.operation(asked.operation_name).kind
    except GraphQLError:
        return OperationType.QUERY  # running it will say what is wrong


async def begin(
    visit: Visit, document: Document, asked: Asked, way: Entrance, put: Callable[[dict[str, Any] | Ended], None]
) -> Outcome | Subscriber:
    """Begin a subscription; its outcome where it cannot begin. `put` takes answers (`data`), and at last an Ended."""
    visit, outcome = await run_asked(visit, document, asked)
    if outcome.wish is None or not outcome.data:
        return outcome
    [key] = outcome.data

    def tell(told: Told | Ended) -> None:
        put(told if isinstance(told, Ended) else {"data": {key: told.value}})

    async def renew(session: Session) -> Wish | Ended:
        fresh = await visit_of(session)
        found = await fresh.edition.documents.find(asked.query, hide_suggestions=not fresh.admin)
        if not isinstance(found, Document):
            return Ended(tuple(found))
        made = await run_document(fresh, found, asked.variables, asked.operation_name)
        return made.wish or Ended(tuple(one.located for one in made.errors))

    return subscribe(visit, way, outcome.wish, renew, tell)


def errors_of(ended: Ended) -> list[dict[str, Any]]:
    """Why a subscription has ended, as entries of `errors`."""
    return [
        formatted(one if isinstance(one, GraphQLError) else GraphQLError(str(one), original_error=one))
        for one in ended.errors
    ]


def members(outcome: Outcome) -> dict[str, Any]:
    """The answer's members, `errors` first as in v8."""
    found: dict[str, Any] = {}
    if outcome.errors:
        found["errors"] = [error.formatted() for error in outcome.errors]
    if outcome.executed:
        found["data"] = outcome.data
    if outcome.warnings:
        found["extensions"] = {
            "warnings": [
                {"code": one.code, "message": one.message, "collection": one.collection, "fields": list(one.fields)}
                for one in dict.fromkeys(outcome.warnings)
            ]
        }
    return found
