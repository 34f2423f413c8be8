"""In charge of the values to store: what the server sets is added, all is validated, the findings come together. Pure.

`core.write.validate` knows the rules of one payload; here is what surrounds it: nodes, system collections, hashes.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from typing import Any
from uuid import UUID

from core.catalog.model import Collection, Snapshot
from core.context import Actor
from core.errors import MOST_PROBLEMS, Problem, TabulariumError
from core.frozen import EMPTY
from core.query.change import WriteRequest
from core.session import Session
from core.types.write import ARRAY
from core.write.autofill import derived, identities, stamps
from core.write.change import Node, Rows
from core.write.hashes import Hashes
from core.write.permissions import level_findings, level_stored, rule_findings
from core.write.settings import stored_value
from core.write.validate import Finding, Terms, failure, unknown, validate


@dataclass(frozen=True, slots=True)
class Conditions:
    """What values depend on besides the payload. `hashes`: made before the transaction. `batch`: the list form.

    `setting_types`: type by key of settings. `judges`: rules of permissions must mean something on this snapshot.
    """

    snapshot: Snapshot
    actor: Actor
    now: datetime
    new_id: Callable[[], UUID]
    hashes: Hashes
    setting_types: Mapping[str, str]
    zone: tzinfo = UTC
    batch: bool = False
    judges: bool = True


def conditions(
    session: Session, request: WriteRequest, made: Hashes, setting_types: Mapping[str, str] = EMPTY
) -> Conditions:
    """The conditions of a request."""
    return Conditions(
        snapshot=session.snapshot,
        actor=session.actor,
        now=session.context.now,
        new_id=session.context.new_id,
        hashes=made,
        setting_types=setting_types,
        batch=request.batch,
    )


def values(conditions: Conditions, nodes: tuple[Node, ...], rows: Rows) -> list[dict[str, Any]]:
    """For each node: column → canonical value to store, keys of rows not yet created aside.

    Raises the error of all findings: Unprocessable, ArrayForScalar, ValidationFailed (spec 03 §7, 9.5).
    """
    found: list[dict[str, Any]] = []
    findings = Findings()
    for node in nodes:
        if node.verb == "delete" or node.empty:
            found.append({})
            if node.keyless:
                findings.add(node.collection, [_keyless(node)])
            continue
        stored = rows.get(node.collection, node.key) if node.verb == "update" else None
        payload = _payload(conditions, node, stored.values if stored else None)
        checked = validate(
            node.collection,
            payload,
            Terms(
                dialect=conditions.snapshot.dialect,
                update=node.verb == "update",
                stored=stored.values if stored else None,
                pending=frozenset((*node.refers, *node.to_many, *((node.link,) if node.link else ()))),
                zone=conditions.zone,
                password_policy=conditions.snapshot.settings.get("password_policy"),
                path=node.path,
            ),
        )
        mine = [*_shape_findings(node), *checked.findings, *level_findings(node)]
        if conditions.judges:
            before = stored.values if stored else None
            mine += rule_findings(conditions.snapshot, node, before, conditions.actor, conditions.now)
        if mine:
            findings.add(node.collection, mine)
        # Nobody hashes what is refused anyway, and nobody stores it
        refused = bool(findings.first)
        found.append(
            {} if refused else _hashed(conditions, node, dict(checked.values), stored.values if stored else {})
        )
    error = findings.refusal()
    if error is not None:
        raise error
    return found


@dataclass(slots=True)
class Findings:
    """The first findings of a change, and how many there are: a large batch that is all wrong is told in few words."""

    first: dict[Finding, Collection] = dataclasses.field(default_factory=dict)
    count: int = 0

    def add(self, collection: Collection, findings: list[Finding]) -> None:
        for finding in findings:
            if finding in self.first:  # the same payload for several keys
                continue
            self.count += 1
            if len(self.first) < MOST_PROBLEMS:
                self.first[finding] = collection

    def refusal(self) -> TabulariumError | None:
        """The one error of all findings, in whatever collections."""
        if not self.first:
            return None
        lists = [collection for finding, collection in self.first.items() if finding.reason == "array"]
        error = failure(lists[0] if lists else next(iter(self.first.values())), self.first)
        if error is not None:
            error.count = self.count
        return error


def _payload(conditions: Conditions, node: Node, stored: Mapping[str, Any] | None) -> dict[str, Any]:
    payload = dict(node.payload)
    if node.collection.name == "directus_settings" and "value" in payload:
        key = payload.get("key") if "key" in payload else (stored or {}).get("key")
        field_type = None if conditions.batch else conditions.setting_types.get(str(key), "")
        payload["value"] = stored_value(payload["value"], field_type)
    if node.collection.name == "directus_permissions" and "create" in payload:
        payload["create"] = level_stored("create", payload["create"])
    payload.update(derived(node))
    if node.verb == "create":
        payload.update(identities(node, conditions.new_id))
    payload.update(stamps(node, conditions.actor.user, conditions.now))
    return payload


def _shape_findings(node: Node) -> Iterator[Finding]:
    """What `normalize` has noted."""
    yield from unknown(node.collection, node.unknown, node.path)
    for name in node.malformed:
        yield Finding("invalid", Problem((*node.path, name), ARRAY))


def _keyless(node: Node) -> Finding:
    message = f"Payload must include the primary key: {node.collection.primary_key}"
    return Finding("unprocessable", Problem(node.path, message))


def _hashed(conditions: Conditions, node: Node, accepted: dict[str, Any], stored: Mapping[str, Any]) -> dict[str, Any]:
    """Plaintexts of hash fields replaced; a value that is the stored hash leaves the column as it is (spec 03 §8.6)."""
    for field in node.collection.columns:
        if field.type != "hash" or accepted.get(field.name) is None:
            continue
        text = accepted[field.name]
        if text == stored.get(field.name):
            del accepted[field.name]
        else:
            accepted[field.name] = conditions.hashes[field.collection, field.name, text]
    return accepted
