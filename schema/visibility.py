"""In charge of what introspection shows, and to whom. It decides nothing else: what runs is decided by core.

Admins see the whole schema; others what their role can read or write, under the same names. Answers are made off the
event loop (two seconds for 200 collections), and kept as bytes, bounded, until the schema changes.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Container, Mapping
from dataclasses import replace
from threading import Lock
from typing import Any

import orjson
from graphql import ExecutionResult, GraphQLError, GraphQLSchema, execute_sync

from core.access.policy import NONE, Policy
from core.catalog.model import Collection, Snapshot
from core.context import PUBLIC_ROLE
from schema.build import build_schema
from schema.documents import Document
from schema.names import Names
from schema.usable import ACTIONS, Caller

MAX_ANSWERS = 32
MAX_BYTES = 64 * 1024 * 1024
MAX_SCHEMAS = 8
"""Roles whose schema is kept: whoever asks many different things makes it once."""

Answer = tuple[dict[str, Any] | None, tuple[GraphQLError, ...]]
"""Data (root key → ready JSON) and errors."""


class Introspection:
    """The answers about one schema. Belongs to the event loop that uses it."""

    def __init__(self, snapshot: Snapshot, names: Names, schema: GraphQLSchema) -> None:
        self._snapshot, self._names, self._schema = snapshot, names, schema
        self._answers: OrderedDict[tuple[Any, ...], tuple[Answer, int]] = OrderedDict()
        self._flights: dict[tuple[Any, ...], asyncio.Task[tuple[Answer, int]]] = {}
        self._bytes = 0
        self._schemas: OrderedDict[str, GraphQLSchema] = OrderedDict()
        self._making = Lock()

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
        result = execute_sync(
            self._schema if policy.admin else self._shown_to(policy),
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

    def _shown_to(self, policy: Policy) -> GraphQLSchema:
        """The schema as a role sees it, made once. Called in threads."""
        with self._making:
            found = self._schemas.get(policy.fingerprint)
            if found is None:
                found = self._schemas[policy.fingerprint] = schema_for(self._snapshot, self._names, policy)
                if len(self._schemas) > MAX_SCHEMAS:
                    self._schemas.popitem(last=False)
            self._schemas.move_to_end(policy.fingerprint)
            return found


def schema_for(snapshot: Snapshot, names: Names, policy: Policy) -> GraphQLSchema:
    """The schema as a role sees it. It is shown only, nothing runs on it."""
    return build_schema(
        visible(snapshot, policy), names, caller=caller_of(snapshot, policy), written=written(snapshot, policy)
    )


def caller_of(snapshot: Snapshot, policy: Policy) -> Caller:
    """What root fields ask of a role."""

    def may(collection: str, action: str) -> bool:
        return policy.any_level(collection, action) > NONE

    own = [name for name, item in snapshot.collections.items() if not item.is_system]
    return Caller(
        may,
        lambda action: any(may(name, action) for name in own),
        comments=max((grant.comment for name in snapshot.collections for grant in policy.grants(name)), default=0),
        signed_in=policy.role != PUBLIC_ROLE,
        admin=policy.admin,
    )


def visible(snapshot: Snapshot, policy: Policy) -> Snapshot:
    """The part of a snapshot that a role can use: collections with a level, of them the fields that it ever reads.

    Of a collection that it only writes there is the key, which names what was written.
    """
    shown = {
        name: item
        for name, item in snapshot.collections.items()
        if any(policy.any_level(name, action) > NONE for action in ACTIONS)
    }
    read = {name for name in shown if policy.any_level(name, "read") > NONE}

    def part(name: str, item: Collection) -> Collection:
        hidden = policy.hidden_always(name) if name in read else item.fields.keys()
        return _part(item, frozenset(hidden), read)

    return replace(snapshot, collections={name: part(name, item) for name, item in shown.items()})


def written(snapshot: Snapshot, policy: Policy) -> dict[str, Collection]:
    """The collections that a role creates or updates, without the fields that it never writes."""
    found: dict[str, frozenset[str]] = {}
    for name in snapshot.collections:
        lists = [grant.write_blacklist for grant in policy.grants(name) if max(grant.create, grant.update) > NONE]
        if lists:
            found[name] = frozenset.intersection(*lists)
    return {name: _part(snapshot.collections[name], hidden, snapshot.collections) for name, hidden in found.items()}


def _part(collection: Collection, hidden: frozenset[str], targets: Container[str]) -> Collection:
    """Without hidden fields, and without relations to what is not among the targets. The key stays, items have it."""
    return replace(
        collection,
        fields={
            name: one for name, one in collection.fields.items() if name not in hidden or name == collection.primary_key
        },
        relations={
            name: one for name, one in collection.relations.items() if name not in hidden and one.target in targets
        },
    )
