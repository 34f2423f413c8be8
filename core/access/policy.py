"""In charge of what a role may do, as frozen data and pure questions (spec 02 §12, §13). Loads nothing.

A `Policy` belongs to a role, not to a user: rules that depend on the caller name him by `Bound("user")`, so plans made
under a policy are shared by all users of the role.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from core.access.rules import PLAIN, Extras, Rule
from core.context import ADMIN_ROLE
from core.frozen import EMPTY
from core.query.variables import Variable

LEVELS = {"none": 0, "mine": 1, "role": 2, "full": 3}
NONE, MINE, ROLE, FULL = 0, 1, 2, 3
COMMENT_LEVELS = {"none": 0, "read": 0, "create": 1, "update": 2, "full": 3}


@dataclass(frozen=True, slots=True)
class Grant:
    """One row of directus_permissions, parsed. Levels are NONE, MINE, ROLE, FULL; `comment` by COMMENT_LEVELS.

    `id`: of the row; `status`: as it is stored. `extras`: what it says beyond Directus 8.
    """

    create: int = NONE
    read: int = NONE
    update: int = NONE
    delete: int = NONE
    comment: int = 0
    explain: str = "none"
    read_blacklist: frozenset[str] = frozenset()
    write_blacklist: frozenset[str] = frozenset()
    status_blacklist: frozenset[str] = frozenset()
    id: int | None = None
    status: str | None = None
    extras: Extras = PLAIN

    def rule(self, action: str) -> Rule | None:
        """What rows must be like before "read", "update" or "delete"; None: the level alone decides."""
        return self.extras.rules.get(action)

    def check(self, action: str) -> Rule | None:
        """What a row must be like after "create" or "update"."""
        return self.extras.checks.get(action)

    def level(self, action: str) -> int:
        """Level of "create", "read", "update" or "delete"."""
        value: int = getattr(self, action)
        return value


RULED = ("read", "update", "delete")

NO_GRANT = Grant()
FULL_GRANT = Grant(create=FULL, read=FULL, update=FULL, delete=FULL, comment=3)


@dataclass(frozen=True, slots=True)
class Policy:
    """The rules of one role. `fingerprint` identifies equal rules across reloads.

    `general`: collection → row without status, only where no workflow row exists. `workflow`: collection → status →
    row. `creation`: collection → `$create` row.
    """

    role: int | None
    admin: bool
    general: Mapping[str, Grant] = field(default_factory=lambda: EMPTY)
    workflow: Mapping[str, Mapping[str, Grant]] = field(default_factory=lambda: EMPTY)
    creation: Mapping[str, Grant] = field(default_factory=lambda: EMPTY)
    fingerprint: str = ""
    moments: tuple[Variable, ...] = ()
    """The variables of time in rules: what statements need of the clock."""

    def grants(self, collection: str) -> Iterable[Grant]:
        """Every grant that counts for access to a collection (workflow rows, else the general one)."""
        if self.admin:
            return (FULL_GRANT,)
        rows = self.workflow.get(collection)
        if rows:
            return rows.values()
        grant = self.general.get(collection)
        return (grant,) if grant else ()

    def grant(self, collection: str, status: object | None) -> Grant:
        """The grant for an item of this status; a status without row grants nothing (spec 02 §12.7)."""
        if self.admin:
            return FULL_GRANT
        rows = self.workflow.get(collection)
        if rows:
            return rows.get(str(status), NO_GRANT) if status is not None else NO_GRANT
        return self.general.get(collection, NO_GRANT)

    def any_level(self, collection: str, action: str) -> int:
        """The best level of an action over all statuses: the question `admit` asks first."""
        return max((grant.level(action) for grant in self.grants(collection)), default=NONE)

    def ruled(self, collection: str) -> tuple[str, ...]:
        """The actions (read, update, delete) that some row rule limits in a collection."""
        rules = [grant.extras.rules for grant in self.grants(collection)]
        return tuple(action for action in RULED if any(action in one for one in rules))

    @property
    def blacklists(self) -> bool:
        """The role has some field that it may not read, in whatever collection."""
        rows = (*self.general.values(), *(grant for one in self.workflow.values() for grant in one.values()))
        return any(grant.read_blacklist for grant in rows)

    def has_workflow(self, collection: str) -> bool:
        """Rights depend on the status of the item."""
        return not self.admin and bool(self.workflow.get(collection))

    def hidden_always(self, collection: str) -> frozenset[str]:
        """Fields on the read blacklist of every readable status: unknown to this role."""
        lists = [grant.read_blacklist for grant in self.grants(collection) if grant.read > NONE]
        return frozenset.intersection(*lists) if lists else frozenset()

    def hidden_sometimes(self, collection: str) -> Mapping[str, frozenset[str]]:
        """Status → fields hidden in that status, without those hidden in all; empty without workflow rows."""
        if self.admin:
            return EMPTY
        always = self.hidden_always(collection)
        return {
            status: grant.read_blacklist - always
            for status, grant in self.workflow.get(collection, EMPTY).items()
            if grant.read > NONE and grant.read_blacklist - always
        }


ADMIN_POLICY = Policy(role=ADMIN_ROLE, admin=True, fingerprint="admin")
NO_POLICY = Policy(role=None, admin=False, fingerprint="none")
