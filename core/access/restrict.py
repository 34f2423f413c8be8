"""In charge of rewriting plans by a policy, so that the answer shows nothing the role may not read (spec 02 §12, 13).

Row rules are ANDed into every node and into every semi-join of a filter, a count or a search; hidden fields are taken
out of wildcards, refused in filters (403/215), ignored in sorts, left out when named. Pure. The SQL room sees only
the result, so it cannot forget a rule.
"""

from __future__ import annotations

from collections.abc import Iterable, Set
from dataclasses import dataclass, replace
from functools import partial

from core.access.hidden import OWN_ONLY, hidden_in_filters, hidden_somewhere
from core.access.history import (
    ACTIVITY,
    HISTORY,
    admit_revisions,
    collection_of,
    history_scope,
    redaction,
)
from core.access.owners import ME, MY_ROLE, ROLE_SCOPED, owner_column, owner_scope
from core.access.policy import ADMIN_POLICY, FULL, MINE, NONE, ROLE, Grant, Policy
from core.access.rules import Misunderstood, Rule, meaning
from core.access.statuses import status_scope
from core.catalog.model import Collection, Snapshot, ToMany, ToOne
from core.errors import FieldAccessDenied, ReadDenied, TabulariumError
from core.query.plan import (
    ColumnOut,
    ConstantOut,
    Edge,
    EdgeOut,
    KeyOut,
    Node,
    Order,
    Output,
    RowOut,
    VirtualOut,
)
from core.query.predicate import (
    EVERYTHING,
    NOTHING,
    And,
    Between,
    Compare,
    In,
    IsEmpty,
    IsNull,
    Like,
    Not,
    Or,
    Predicate,
    Related,
    RelatedCount,
    Search,
    all_of,
    any_of,
    negate,
)
from core.query.revisions import REVISIONS
from core.query.selection import Warning

# --- rows ---------------------------------------------------------------------------------------------------------


def may_read(snapshot: Snapshot, policy: Policy, name: str) -> bool:
    """The role reads at least some rows of the collection, as far as the rules alone can tell."""
    try:
        read_scope(snapshot, policy, name)
    except ReadDenied:
        return False
    return True


def admit(snapshot: Snapshot, policy: Policy, name: str, *, public: bool) -> None:
    """403 comes before any name is looked at: raises ReadDenied when the role has no level that counts here."""
    if policy.admin:
        return
    if policy.any_level(name, "read") == NONE:
        raise ReadDenied(name, public=public)
    if name == REVISIONS:
        admit_revisions(policy)
    elif name not in HISTORY:
        read_scope(snapshot, policy, name)


def read_scope(snapshot: Snapshot, policy: Policy, name: str, of: str | None = None) -> Predicate:
    """The rows of a collection that the role may read (spec 02 §12.6). Raises ReadDenied.

    `of`: of history, only rows of this collection are asked for, which spares the conditions on all others.
    """
    if policy.admin:
        return EVERYTHING
    collection = snapshot.collections[name]
    if policy.any_level(name, "read") < MINE:
        raise ReadDenied(name)
    own = _system_scope(snapshot, policy, collection, of)
    levels = _level_scope(snapshot, policy, collection) if own is None else own
    return all_of((levels, rule_scope(snapshot, policy, collection, "read")))


def _level_scope(snapshot: Snapshot, policy: Policy, collection: Collection) -> Predicate:
    """The rows that levels and statuses reach."""
    name = collection.name
    rows = policy.workflow.get(name)
    if rows:
        return _workflow_scope(snapshot, collection, {status: grant.read for status, grant in rows.items()})
    level = policy.general[name].read
    if level == FULL:
        return EVERYTHING
    if owner_column(collection) is None:
        if collection.status_field:
            return NOTHING
        raise ReadDenied(name, level=True)
    return owner_scope(snapshot, collection, level)


def _workflow_scope(snapshot: Snapshot, collection: Collection, levels: dict[str, int]) -> Predicate:
    if collection.status_field is None:
        raise ReadDenied(collection.name, level=True)
    return any_of(
        all_of((Compare(collection.status_field, "eq", status), owner_scope(snapshot, collection, level)))
        for status, level in _castable(collection, levels)
        if level > NONE
    )


def rule_scope(snapshot: Snapshot, policy: Policy, collection: Collection, action: str) -> Predicate:
    """The rows that fulfil the row rules of an action (read, update, delete), each that of its own status.

    Relations in rules are looked at as an admin sees them: a rule says what is, not what the caller may know. So rules
    of other collections do not count inside, and rules cannot go round in circles.
    """
    grants = tuple(policy.grants(collection.name))
    if not any(grant.rule(action) for grant in grants):
        return EVERYTHING
    if not policy.has_workflow(collection.name):
        return all_of(_asked(snapshot, collection, grant.rule(action)) for grant in grants)
    if collection.status_field is None:
        return NOTHING
    places = {status: number for number, status in enumerate(policy.workflow[collection.name])}
    return any_of(
        all_of(
            (Compare(collection.status_field, "eq", value), _asked(snapshot, collection, grants[place].rule(action)))
        )
        for value, place in _castable(collection, places)
    )


def rule_meaning(snapshot: Snapshot, collection: Collection, rule: Rule) -> Predicate:
    """What a rule asks of a row, as statements can. Raises Misunderstood."""
    try:
        return restrict_predicate(snapshot, ADMIN_POLICY, collection, meaning(snapshot, collection, rule))
    except TabulariumError as error:
        raise Misunderstood(error.message) from None


def _asked(snapshot: Snapshot, collection: Collection, rule: Rule | None) -> Predicate:
    """What a rule asks of a row; nothing fulfils one that cannot be understood (any more)."""
    try:
        return EVERYTHING if rule is None else rule_meaning(snapshot, collection, rule)
    except Misunderstood:
        return NOTHING


def check_scope(snapshot: Snapshot, collection: Collection, grant: Grant, action: str) -> Predicate:
    """The rows that fulfil the check after a write ("create", "update") under a grant."""
    return _asked(snapshot, collection, grant.check(action))


def _castable(collection: Collection, levels: dict[str, int]) -> Iterable[tuple[object, int]]:
    """Statuses as values of the column: rows for text in a numeric status column match nothing."""
    column = collection.fields[collection.status_field or ""].column
    numeric = column is not None and column.family in ("integer", "bigint", "decimal", "float")
    for status, level in levels.items():
        if not numeric:
            yield status, level
        elif status.lstrip("-").isdigit():
            yield int(status), level


def _system_scope(snapshot: Snapshot, policy: Policy, collection: Collection, of: str | None) -> Predicate | None:
    """Rules of single system collections (spec 02 §12.4, §12.6; 03 §11.2, 12.2); None: the general ones."""
    name = collection.name
    level, items = policy.any_level(name, "read"), partial(_item_scope, snapshot, policy)
    if name in ROLE_SCOPED and level < FULL:
        return Compare(ROLE_SCOPED[name], "eq", MY_ROLE)
    if name == "directus_collection_presets" and level < FULL:
        mine = Compare("user", "eq", ME)
        return any_of((mine, Compare("role", "eq", MY_ROLE))) if level == ROLE else mine
    if name == ACTIVITY:
        shown = IsNull("comment_deleted_on") if "comment_deleted_on" in collection.fields else EVERYTHING
        rows = owner_scope(snapshot, collection, level)
        if level < FULL:
            comments = all_of((Compare("action", "eq", "comment"), history_scope(snapshot, items, of)))
            rows = any_of((rows, comments))
        return all_of((rows, shown))
    if name == REVISIONS:
        admit_revisions(policy)
        return history_scope(snapshot, items, of)
    if name == "directus_user_sessions":
        return NOTHING  # sessions are never items
    return None


def _item_scope(snapshot: Snapshot, policy: Policy, collection: Collection) -> Predicate:
    """The items whose history the role reads: Everything also for those that are gone."""
    scope = read_scope(snapshot, policy, collection.name)
    return scope if scope == EVERYTHING else all_of((scope, status_scope(policy, collection, ("*",))))


# --- predicates ---------------------------------------------------------------------------------------------------


def restrict_predicate(snapshot: Snapshot, policy: Policy, collection: Collection, part: Predicate) -> Predicate:
    """Rewrites a client's predicate. Raises FieldAccessDenied (403/215) at a hidden field or unreadable relation."""
    used: dict[str, None] = {}
    rewritten = _Rewriter(snapshot, policy).visit(collection, part, used)
    return all_of((rewritten, _showing(policy, collection, used.keys())))


def _showing(policy: Policy, collection: Collection, used: Set[str]) -> Predicate:
    """Items in whose status none of the fields `used` is hidden."""
    excluded = [
        value
        for status, names in policy.hidden_sometimes(collection.name).items()
        if names & used
        for value, _ in _castable(collection, {status: 1})
    ]
    if not excluded or collection.status_field is None:
        return EVERYTHING
    return negate(In(collection.status_field, tuple(excluded)))


@dataclass(frozen=True, slots=True)
class _Rewriter:
    snapshot: Snapshot
    policy: Policy

    def visit(self, collection: Collection, part: Predicate, used: dict[str, None]) -> Predicate:
        match part:
            case Compare(name) | In(name) | Between(name) | IsNull(name) | IsEmpty(name) | Like(name):
                self._touch(collection, name, used)
                return part
            case And(parts):
                return all_of([self.visit(collection, item, used) for item in parts])
            case Or(parts):
                return any_of([self.visit(collection, item, used) for item in parts])
            case Not(inner):
                return negate(self.visit(collection, inner, used))
            case Related(name, inner, trusted):
                if trusted:
                    return part
                self._touch(collection, name, used)
                return Related(name, self._inside(collection, name, inner))
            case RelatedCount(name, inner, count):
                self._touch(collection, name, used)
                return RelatedCount(name, self._inside(collection, name, inner), count)
            case Search():
                return self._search(collection, part)
        return part

    def _touch(self, collection: Collection, name: str, used: dict[str, None]) -> None:
        if name in hidden_in_filters(self.policy, collection):
            raise FieldAccessDenied(name)
        if name != collection.primary_key:  # no blacklist hides the key from queries (spec 02 §12.8)
            used[name] = None

    def _inside(self, collection: Collection, name: str, inner: Predicate) -> Predicate:
        """The related rows that may count: readable, not soft-deleted, matching the (rewritten) condition."""
        relation = collection.relations[name]
        target = self.snapshot.collections[relation.target]
        try:
            scope = read_scope(self.snapshot, self.policy, target.name)
        except ReadDenied:
            raise FieldAccessDenied(name) from None
        if isinstance(relation, ToMany):  # the key that links the rows back is read as well
            self._touch(target, relation.target_field, {})
        part = restrict_predicate(self.snapshot, self.policy, target, inner)
        return all_of((part, scope, _linked(self.policy, target, relation), status_scope(self.policy, target, None)))

    def _search(self, collection: Collection, search: Search) -> Predicate:
        hidden = hidden_somewhere(self.policy, collection)  # no oracle for a field that some rows hide
        parts: list[Predicate] = []
        for item in collection.fields.values():
            if item.name in hidden:
                continue
            relation = collection.relations.get(item.name)
            if search.deep and relation is not None and (isinstance(relation, ToMany) or item.type in SEARCHED):
                parts.extend(self._search_related(item.name, relation, search))
            elif item.column is not None and item.type in SEARCHED and relation is None:
                parts.append(Like(item.name, search.pattern))
        if not parts:
            return EVERYTHING if search.otherwise else NOTHING
        return any_of(parts)

    def _search_related(self, name: str, relation: ToOne | ToMany, search: Search) -> Iterable[Predicate]:
        if not may_read(self.snapshot, self.policy, relation.target):
            return
        target = self.snapshot.collections[relation.target]
        if isinstance(relation, ToMany) and relation.target_field in hidden_in_filters(self.policy, target):
            return
        inner = self._search(target, Search(search.pattern))
        if inner == NOTHING:
            return
        scope = read_scope(self.snapshot, self.policy, target.name)
        shown = (_linked(self.policy, target, relation), status_scope(self.policy, target, None))
        yield Related(name, all_of((inner, scope, *shown)))


def _linked(policy: Policy, target: Collection, relation: ToOne | ToMany) -> Predicate:
    """The rows of a to-many relation that do not hide, by their status, whose rows they are."""
    return _showing(policy, target, {relation.target_field}) if isinstance(relation, ToMany) else EVERYTHING


SEARCHED = frozenset({"string", "integer", "decimal"})


# --- plans --------------------------------------------------------------------------------------------------------


def restrict(snapshot: Snapshot, policy: Policy, node: Node) -> tuple[Node, tuple[Warning, ...]]:
    """The plan as the role may run it, and the relations of its top level that could not be expanded.

    Raises ReadDenied for the root, FieldAccessDenied for filters.
    """
    warnings: list[Warning] = []
    restricted = _restrict_node(snapshot, policy, node, warnings)
    return restricted, tuple(warnings)


def _restrict_node(snapshot: Snapshot, policy: Policy, node: Node, warnings: list[Warning] | None) -> Node:
    collection = snapshot.collections[node.collection]
    of = collection_of(node.where) if collection.name in HISTORY else None
    scope = read_scope(snapshot, policy, collection.name, of)
    where = all_of(
        (
            restrict_predicate(snapshot, policy, collection, node.where),
            status_scope(policy, collection, node.status),
            scope,
        )
    )
    hidden = policy.hidden_always(collection.name)
    outputs = _restrict_outputs(snapshot, policy, collection, node.outputs, hidden, warnings)
    return replace(
        node,
        outputs=outputs,
        where=where,
        order=_restrict_order(policy, collection, node.order),
        own_only=_own_only(policy, collection),
        hidden_by_status=tuple(sorted(policy.hidden_sometimes(collection.name).items())),
        redaction=redaction(snapshot, policy, OWN_ONLY, of) if collection.name == REVISIONS else None,
    )


def _own_only(policy: Policy, collection: Collection) -> frozenset[str]:
    return OWN_ONLY if collection.name == "directus_users" and not policy.admin else frozenset()


def _restrict_order(policy: Policy, collection: Collection, order: tuple[Order, ...]) -> tuple[Order, ...]:
    """Sorting by a field that is hidden (in any status) would tell its order: such criteria are ignored."""
    hidden = hidden_somewhere(policy, collection)
    return tuple(item for item in order if item.field not in hidden)


def _restrict_outputs(
    snapshot: Snapshot,
    policy: Policy,
    collection: Collection,
    outputs: tuple[Output, ...],
    hidden: frozenset[str],
    warnings: list[Warning] | None,
) -> tuple[Output, ...]:
    kept: list[Output] = []
    for output in outputs:
        match output:
            case RowOut(key, inner):
                kept.append(RowOut(key, _restrict_outputs(snapshot, policy, collection, inner, hidden, warnings)))
            case ColumnOut(key, name, _, row):
                if collection.name == "directus_users" and name == "password":
                    if not row:
                        kept.append(ConstantOut(key, None))
                elif name not in hidden:
                    kept.append(output)
                elif not row:
                    kept.append(ConstantOut(key, None))
            case VirtualOut(key, name):
                if name not in hidden:
                    kept.append(output)
                elif not output.row:
                    kept.append(ConstantOut(key, None))
            case EdgeOut():
                kept.extend(_restrict_edge(snapshot, policy, output, hidden, warnings))
            case _:
                kept.append(output)
    return tuple(kept)


def _restrict_edge(
    snapshot: Snapshot, policy: Policy, output: EdgeOut, hidden: frozenset[str], warnings: list[Warning] | None
) -> Iterable[Output]:
    relation = output.edge.relation
    if relation.field in hidden:
        if not output.row:
            yield ConstantOut(output.key, None)
        return
    target = snapshot.collections[relation.target]
    blocked = isinstance(relation, ToMany) and relation.target_field in hidden_in_filters(policy, target)
    if blocked or not may_read(snapshot, policy, relation.target):
        if warnings is not None:
            warnings.append(Warning(relation.target, (relation.field,)))
        if not output.row:
            yield ConstantOut(output.key, None)
        elif isinstance(relation, ToOne):
            yield KeyOut(output.key, relation.field, relation.target, relation.target_key)
        return
    node = _restrict_node(snapshot, policy, output.edge.node, None)
    node = replace(node, where=all_of((node.where, _linked(policy, target, relation))))
    yield replace(output, edge=Edge(relation, node))
