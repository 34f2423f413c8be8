"""In charge of what a caller's permission rows give him, item by item (access §12): levels, owners, statuses, fields.

Part of the judge: it must not import core.access, nor share a line with it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from tests.security.world import RELATIONS, TABLES, Rows

Record = dict[str, Any]
LEVELS = {None: 0, "none": 0, "mine": 1, "role": 2, "full": 3}
NEVER_SHOWN = {"password"}
ONLY_OWN = {"token", "last_page"}


@dataclass(frozen=True, slots=True)
class One:
    target: str


@dataclass(frozen=True, slots=True)
class Many:
    target: str
    link: str
    far: str | None


def _relations() -> dict[tuple[str, str], One | Many]:
    found: dict[tuple[str, str], One | Many] = {}
    for many, field, one, alias, junction in RELATIONS:
        found[many, field] = One(one)
        if alias:
            found[one, alias] = Many(many, field, junction)
    for name, columns in TABLES.items():
        found.update({(name, column.name): One("directus_users") for column in columns if column.type == "owner"})
    return found


LINKS = _relations()
KIND = {(name, column.name): column.kind for name, columns in TABLES.items() for column in columns}
TYPE = {(name, column.name): column.type for name, columns in TABLES.items() for column in columns}
KEY = {name: columns[0].name for name, columns in TABLES.items()}


def special(collection: str, kind: str) -> str | None:
    """The column of type status, owner or sort; the owner of a user is the user himself."""
    if kind == "owner" and collection == "directus_users":
        return "id"
    return next((column.name for column in TABLES[collection] if column.type == kind), None)


class Rights:
    """What the rows of directus_permissions give one caller."""

    def __init__(self, rows: Rows, permissions: Sequence[Record], user: int, role: int | None) -> None:
        self.rows, self.user, self.role = rows, user, role
        self.admin = role == 1 and user != 0
        self.fulfils: Callable[[str, Record, str], bool] = lambda *_: False
        """Whether an item fulfils a rule; who can tell sets it."""
        self.rules: dict[str, dict[str | None, Record]] = {name: {} for name in TABLES}
        for row in permissions if role is not None else ():
            status = row["status"]
            if not (status or "").startswith("$"):
                self.rules[row["collection"]].setdefault(status, row)
        for found in self.rules.values():
            if len(found) > 1:
                found.pop(None, None)

    def level(self, collection: str) -> int:
        return max((LEVELS[row["read"]] for row in self.rules[collection].values()), default=0)

    def workflow(self, collection: str) -> bool:
        return any(status is not None for status in self.rules[collection])

    def may_read(self, collection: str) -> bool:
        """Whether the collection may be read at all (12.6, steps 2 to 4)."""
        if self.admin:
            return True
        if self.level(collection) == 0:
            return False
        if collection == "directus_roles" and self.level(collection) < 3:
            return True
        if self.workflow(collection):
            return special(collection, "status") is not None
        bounded = special(collection, "owner") or special(collection, "status")
        return self.level(collection) == 3 or bounded is not None

    def rule(self, collection: str, row: Record) -> Record | None:
        """The permission row that is in force for an item."""
        if not self.workflow(collection):
            return self.rules[collection].get(None)
        field = special(collection, "status")
        value = row[field] if field else None
        return None if value is None else self.rules[collection].get(str(value))

    def sees(self, collection: str, row: Record) -> bool:
        """Whether the caller may see an item: levels, owners, and the row rule of its status."""
        if self.admin:
            return True
        return self.reached(collection, row) and self.ruled(collection, row)

    def ruled(self, collection: str, row: Record) -> bool:
        """Whether an item fulfils the row rule of the permission row that is in force for it."""
        if not any(one.get("rules") for one in self.rules[collection].values()):
            return True
        rule = self.rule(collection, row)
        if rule is None:
            return False
        return not rule.get("rules") or self.fulfils(collection, row, rule["rules"])

    def reached(self, collection: str, row: Record) -> bool:
        """Whether the caller may see an item, as far as levels and owners go."""
        if not self.may_read(collection):
            return False
        if collection == "directus_roles" and self.level(collection) < 3:
            return bool(row["id"] == self.role)
        rule = self.rule(collection, row)
        level = LEVELS[rule["read"]] if rule else 0
        if level in (0, 3):
            return level == 3
        field = special(collection, "owner")
        owner = row[field] if field else None
        if owner is None:
            return False
        if owner == self.user:
            return True
        return level == 2 and any(
            user["id"] == owner and user["role"] == self.role for user in self.rows["directus_users"]
        )

    def hidden(self, collection: str, row: Record) -> set[str]:
        """The fields of an item that are not shown to the caller."""
        found = set(NEVER_SHOWN) if collection == "directus_users" else set()
        if self.admin:
            return found
        if collection == "directus_users" and row["id"] != self.user:
            found |= ONLY_OWN
        return found | self.ruled_out(collection, row)

    def ruled_out(self, collection: str, row: Record) -> set[str]:
        """The read blacklist in force for an item."""
        return set() if self.admin else _csv(self.rule(collection, row))

    def blacklists(self, collection: str) -> list[set[str]]:
        """The read blacklists of all statuses that can be read."""
        if self.admin:
            return []
        return [_csv(row) for row in self.rules[collection].values() if LEVELS[row["read"]] > 0]

    def unknown(self, collection: str) -> set[str]:
        """Fields hidden in every item: a filter may not name them."""
        lists = self.blacklists(collection)
        found = set.intersection(*lists) if lists else set()
        found -= {KEY[collection]}
        if collection == "directus_users":
            found |= {"password"} | (set() if self.admin else {"token"})
        return found

    def doubtful(self, collection: str) -> set[str]:
        """Fields hidden in some item: no aggregate and no group may use them, for they show values."""
        return self.unknown(collection).union(*self.blacklists(collection))

    def passed_over(self, collection: str) -> set[str]:
        """Fields that sort, search and status argument pass over."""
        found = self.doubtful(collection) - {KEY[collection]}
        return found | ({"password", "token"} if collection == "directus_users" else set())


def _csv(row: Record | None) -> set[str]:
    return set(((row or {}).get("read_field_blacklist") or "").split(",")) - {""}
