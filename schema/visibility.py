"""In charge of what introspection shows, and to whom. It decides nothing else: what runs is decided by core.

Admins see the whole schema; others what their role can read or write, under the same names. Answers are made off the
event loop (two seconds for 200 collections), and kept as bytes, bounded, until the schema changes.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import orjson
from graphql import ExecutionResult, GraphQLError, GraphQLSchema, execute_sync

from core.access.policy import NONE, Policy
from core.catalog.model import Collection, Snapshot
from schema.build import build_schema
from schema.documents import Document
from schema.names import Names

MAX_ANSWERS = 32
MAX_BYTES = 64 * 1024 * 1024
ACTIONS = ("read", "create", "update", "delete")

Answer = tuple[dict[str, Any] | None, tuple[GraphQLError, ...]]
"""Data (root key → ready JSON) and errors."""


class Introspection:
    """The answers about one schema. Belongs to the event loop that uses it."""

    def __init__(self, snapshot: Snapshot, names: Names, schema: GraphQLSchema) -> None:
        self._snapshot, self._names, self._schema = snapshot, names, schema
        self._answers: OrderedDict[tuple[Any, ...], tuple[Answer, int]] = OrderedDict()
        self._flights: dict[tuple[Any, ...], asyncio.Task[tuple[Answer, int]]] = {}
        self._bytes = 0

    async def answer(
        self, policy: Policy, document: Document, operation_name: str | None, variables: Mapping[str, Any]
    ) -> Answer:
        """What the caller may see of the schema, in the form that the document asks for."""
        key = (
            "" if policy.admin else policy.fingerprint,
            document.digest or id(document),
            operation_name,
            orjson.dumps(dict(variables), option=orjson.OPT_SORT_KEYS, default=str),
        )
        known = self._answers.get(key)
        if known is not None:
            self._answers.move_to_end(key)
            return known[0]
        flight = self._flights.get(key)
        if flight is None:
            work = asyncio.to_thread(self._make, policy, document, operation_name, dict(variables))
            flight = self._flights[key] = asyncio.get_running_loop().create_task(work)
            flight.add_done_callback(lambda done: self._landed(key, done))
        answer, _ = await asyncio.shield(flight)
        return answer

    def _landed(self, key: tuple[Any, ...], flight: asyncio.Task[tuple[Answer, int]]) -> None:
        self._flights.pop(key, None)
        if flight.cancelled() or flight.exception() is not None:
            return
        self._answers[key] = flight.result()
        self._bytes += flight.result()[1]
        while len(self._answers) > MAX_ANSWERS or (self._bytes > MAX_BYTES and len(self._answers) > 1):
            _, (_, size) = self._answers.popitem(last=False)
            self._bytes -= size

    def _make(
        self, policy: Policy, document: Document, operation_name: str | None, variables: dict[str, Any]
    ) -> tuple[Answer, int]:
        schema = self._schema if policy.admin else schema_for(self._snapshot, self._names, policy)
        result = execute_sync(
            schema,
            document.node,
            variable_values=variables,
            operation_name=operation_name,
            hide_suggestions=not policy.admin,
        )
        assert isinstance(result, ExecutionResult)
        data, size = None, 0
        if result.data is not None:
            data = {}
            for key, value in result.data.items():
                text = orjson.dumps(value)
                size += len(text)
                data[key] = orjson.Fragment(text)
        return (data, tuple(result.errors or ())), size


def schema_for(snapshot: Snapshot, names: Names, policy: Policy) -> GraphQLSchema:
    """The schema as a role sees it. It is shown only, nothing runs on it."""

    def allowed(collection: str, action: str) -> bool:
        return policy.any_level(collection, action) > NONE

    return build_schema(visible(snapshot, policy), names, allowed=allowed)


def visible(snapshot: Snapshot, policy: Policy) -> Snapshot:
    """The part of a snapshot that a role can read or write: collections with a level, fields not always hidden."""
    shown = {
        name: item
        for name, item in snapshot.collections.items()
        if any(policy.any_level(name, action) > NONE for action in ACTIONS)
    }
    return replace(
        snapshot,
        collections={name: _part(item, policy.hidden_always(name), shown) for name, item in shown.items()},
    )


def _part(collection: Collection, hidden: frozenset[str], shown: Mapping[str, Collection]) -> Collection:
    return replace(
        collection,
        fields={
            name: one for name, one in collection.fields.items() if name not in hidden or name == collection.primary_key
        },
        relations={
            name: one for name, one in collection.relations.items() if name not in hidden and one.target in shown
        },
    )
