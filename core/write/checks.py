"""In charge of the checks of permissions after a write: each row as it is stored now must fulfil them, or nothing is.

One statement for each collection with checks, in the transaction of the write; it sees what triggers have done as well.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from core.access.authorize import Caller, deciding, only_retires
from core.access.policy import Grant
from core.access.restrict import check_scope
from core.catalog.model import Collection
from core.query.predicate import Predicate
from core.write.change import Node, same
from core.write.guard import deciding_status, denied, wish_of
from core.write.load import chunks
from core.write.run import Run
from core.write.statements import Asks


@dataclass(slots=True)
class _Pending:
    """The checks on the rows of one collection: any of a node's `asked` must hold."""

    collection: Collection
    nodes: list[tuple[Node, tuple[int, ...]]] = field(default_factory=list)
    asked: list[tuple[Grant, str]] = field(default_factory=list)

    def place(self, grant: Grant, verb: str) -> int:
        """Where the verdict on a check comes."""
        for place, (other, action) in enumerate(self.asked):
            if other is grant and action == verb:
                return place
        self.asked.append((grant, verb))
        return len(self.asked) - 1


async def hold(caller: Caller, bound: Mapping[str, Any], run: Run) -> None:
    """Raises CreateDenied or UpdateDenied for the first row that does not fulfil its check."""
    pending = _pending(caller, run)
    failed: list[Node] = []
    for one in pending.values():
        verdicts = await _verdicts(caller, bound, run, one)
        for node, places in one.nodes:
            found = verdicts.get(same(node.collection, run.keys[node.index]))
            if found is None or not any(found[place] for place in places):
                failed.append(node)
    if failed:
        raise denied(caller, min(failed, key=lambda node: node.index))


def _pending(caller: Caller, run: Run) -> dict[str, _Pending]:
    """By collection, in the order of the nodes; rows that the same change deletes in the end are of no concern."""
    if not any(
        grant.extras.checks
        for name in {node.collection.name for node in run.nodes}
        for grant in caller.policy.grants(name)
    ):
        return {}
    found: dict[str, _Pending] = {}
    last = {(node.collection.name, _key(run, node)): node.verb for node in run.nodes if not node.gone}
    for node in run.nodes:
        if (
            node.verb not in ("create", "update")
            or node.empty
            or last[node.collection.name, _key(run, node)] == "delete"
        ):
            continue
        if node.verb == "update" and only_retires(node.collection, wish_of(node)):
            continue  # a deletion, which asks for the right to delete
        status = deciding_status(caller, node, run.before.get(node.index))
        grants = deciding(caller.policy, node.collection, node.verb, status)
        if any(grant.check(node.verb) for grant in grants):
            one = found.setdefault(node.collection.name, _Pending(node.collection))
            one.nodes.append((node, tuple(one.place(grant, node.verb) for grant in grants)))
    return found


def _key(run: Run, node: Node) -> Any:
    return same(node.collection, run.keys[node.index])


async def _verdicts(caller: Caller, bound: Mapping[str, Any], run: Run, pending: _Pending) -> dict[Any, Sequence[Any]]:
    """Key → whether each of the asked checks holds."""
    snapshot, collection = run.statements.snapshot, pending.collection

    def parts() -> list[Predicate]:
        return [check_scope(snapshot, collection, grant, verb) for grant, verb in pending.asked]

    named = ", ".join(f"{grant.id}:{verb}" for grant, verb in pending.asked)
    statement = run.statements.verdicts(collection, Asks(f"checks {named} of {caller.policy.fingerprint}", parts))
    keys = {_key(run, node): run.keys[node.index] for node, _ in pending.nodes}
    found: dict[Any, Sequence[Any]] = {}
    for chunk in chunks(list(keys.values()), run.statements.dialect):
        text, arguments = statement.bind([chunk], bound)
        for key, *verdicts in await run.connection.rows(text, arguments):
            found[same(collection, key)] = verdicts
    return found
