"""In charge of how an error looks in GraphQL: core's tree as v8 clients know it, everything else without a word.

v8's categories (spec 01 §15.1): `graphql` for what the request did wrong, `internal` for what went wrong here.
"""

from __future__ import annotations

from typing import Any

from graphql import GraphQLError

from core.errors import TabulariumError

INTERNAL = "Internal server error"


def original_of(error: BaseException) -> BaseException:
    """The error that a GraphQLError was made of, itself when there is none."""
    while isinstance(error, GraphQLError) and error.original_error is not None:
        error = error.original_error
    return error


def formatted(error: GraphQLError) -> dict[str, Any]:
    """An entry of `errors`: message, extensions, locations, path, in v8's order. Never the text of an exception."""
    cause = original_of(error)
    entry: dict[str, Any] = {}
    if isinstance(cause, TabulariumError):
        entry["message"] = cause.message
        entry["extensions"] = extensions_of(cause)
    elif isinstance(cause, GraphQLError):
        entry["message"] = cause.message
        entry["extensions"] = {"category": "graphql", **(cause.extensions or {})}
    else:
        entry["message"] = INTERNAL
        entry["extensions"] = {"category": "internal"}
    if error.locations:
        entry["locations"] = [{"line": one.line, "column": one.column} for one in error.locations]
    if error.path is not None:
        entry["path"] = error.path
    return entry


def extensions_of(error: TabulariumError) -> dict[str, Any]:
    """Category, numeric code, stable kind; problems only where there are some, their number where not all are told."""
    found: dict[str, Any] = {"category": "graphql", "code": error.code, "kind": error.kind}
    if error.problems:
        found["problems"] = [{"path": list(one.path), "message": one.message} for one in error.problems]
    if error.count > len(error.problems):
        found["problem_count"] = error.count
    return found


def is_internal(error: BaseException) -> bool:
    """Not the client's doing: to be logged, and shown without its text."""
    return not isinstance(original_of(error), (TabulariumError, GraphQLError))
