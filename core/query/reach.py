"""In charge of what a restricted plan looks at: collections, the caller, chance. Pure; it asks nothing of anybody.

Answers are kept and told to others by this: a body depends on exactly these collections, and may be shared by the
users of a role only when the caller's own id and role decide about nothing in it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from core.catalog.model import Collection, Snapshot
from core.query.plan import EdgeOut, Node, Output, RowOut
from core.query.predicate import And, Between, Bound, Compare, Names, Not, Or, Predicate, Related, RelatedCount
from core.query.variables import is_time


@dataclass(frozen=True, slots=True)
class Reach:
    """`collections`: all whose rows decide about the answer, the root first. `shown`: those without the ones that only
    an owner rule of the server asks (whose role a user has). `personal`: the caller's id or role decides about rows
    or values. `random`: the order is a matter of chance. `timed`: a rule looks at the clock.
    """

    collections: tuple[str, ...]
    shown: tuple[str, ...]
    personal: bool = False
    random: bool = False
    timed: bool = False


def reach(snapshot: Snapshot, *nodes: Node) -> Reach:
    """What plans look at, after restriction."""
    seen = [part for node in nodes for part in _node(snapshot, node)]
    collections = tuple(dict.fromkeys(part.removeprefix(_RULE) for part in seen if part not in (_CALLER, _CHANCE)))
    shown = tuple(dict.fromkeys(part for part in seen if not part.startswith(("\0",))))
    return Reach(collections, shown, personal=_CALLER in seen, random=_CHANCE in seen, timed=_CLOCK in seen)


# No collection is called like this.
_CALLER, _CHANCE, _CLOCK, _RULE = "\0caller", "\0chance", "\0clock", "\0rule:"


def _node(snapshot: Snapshot, node: Node) -> Iterator[str]:
    yield node.collection
    yield from _predicate(snapshot, snapshot.collections[node.collection], node.where)
    if node.own_only or (node.redaction is not None and node.redaction.own_only):
        yield _CALLER
    if any(one.field is None for one in node.order):
        yield _CHANCE
    yield from _outputs(snapshot, node.outputs)


def _outputs(snapshot: Snapshot, outputs: tuple[Output, ...]) -> Iterator[str]:
    for output in outputs:
        if isinstance(output, RowOut):
            yield from _outputs(snapshot, output.outputs)
        elif isinstance(output, EdgeOut):
            yield from _node(snapshot, output.edge.node)


def _predicate(snapshot: Snapshot, collection: Collection, part: Predicate, rule: str = "") -> Iterator[str]:
    match part:
        case And(parts) | Or(parts):
            for one in parts:
                yield from _predicate(snapshot, collection, one, rule)
        case Not(inner):
            yield from _predicate(snapshot, collection, inner, rule)
        case Related(field, inner, trusted):
            rule = _RULE if trusted else rule
            target = snapshot.collections[collection.relations[field].target]
            yield rule + target.name
            yield from _predicate(snapshot, target, inner, rule)
        case RelatedCount(field, inner, _):
            target = snapshot.collections[collection.relations[field].target]
            yield rule + target.name
            yield from _predicate(snapshot, target, inner, rule)
        case Names(name, inner):
            yield rule + name
            yield from _predicate(snapshot, snapshot.collections[name], inner, rule)
        case Compare(_, _, value):
            yield from _bound(value)
        case Between(_, low, high):
            yield from _bound(low)
            yield from _bound(high)


def _bound(value: object) -> Iterator[str]:
    if isinstance(value, Bound):
        yield _CLOCK if is_time(value.name) else _CALLER
