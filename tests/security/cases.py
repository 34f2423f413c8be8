"""In charge of random rules and random requests, from a seed: the same seed is the same case on every machine."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from random import Random
from typing import Any, ClassVar

from core.query.aggregate import AggregateRequest, Measure
from core.query.selection import Condition, Leaf, Nested, ReadRequest, Row, Selection, Window
from tests.security.conditions import TEXTUAL
from tests.security.rights import KIND, LINKS, Many, Record, special
from tests.security.world import KEYS, STATUSES, TABLES

CALLERS = ((0, 2), (0, 2), (2, 3), (3, 3), (6, 3), (2, 3), (4, 4), (5, None), (1, 1))
COLLECTIONS = (*("articles",) * 5, *("authors", "comments") * 2, *TABLES)
STATUS_VALUES = {"tags": ("on", "off"), "articles": (*STATUSES["articles"], "odd"), "comments": (1, 2, 3, 7)}
TYPED = {"int": "int", "decimal": "float", "float": "float", "bool": "boolean", "text": "string"}
VALUES: dict[str, tuple[Any, ...]] = {
    "int": ("0", "1", "2", "3", "5", "14", 2, 99),
    "decimal": ("0", "4.5", "4.25", "-1", 10, "4"),
    "float": ("0", "0.25", "4", 4.5, "-1.5"),
    "bool": ("1", "0", "true", "FALSE"),
    "text": (
        "a",
        "B",
        "ab",
        "%",
        "_",
        "50%",
        "!",
        "\\",
        "1",
        "4.5",
        "draft",
        "published",
        "zz",
        "u3@example.org",
        "t1",
    ),
    "date": ("2026-03-01", "2025-12-31", "now"),
    "datetime": ("2026-03-01", "2026-03-01 12:00:00", "2025-12-31 23:59:59", "now"),
}
PATTERNS = ("%", "_", "a%", "%b", "_b", "a\\%", "\\\\", "!%", "%.%", "1", "A_%")
SEARCHES = ("a", "b", "1", "4.5", "%", "_", "\\", "role", "/a", "h")
TIMES = ("$NOW", "now", "$NOW(-1 day)", "$NOW(-2 months)", "$NOW(+1 second)")
COMPARING = ("eq", "eq", "neq", "lt", "lte", "gt", "gte", "in", "nin", "between", "nbetween", "null", "nnull")
NAMES = {"eq": "=", "lt": "<", "gte": ">=", "contains": "like"}


@dataclass(frozen=True, slots=True)
class Case:
    """A caller, the permission rows of his role, and what he asks for."""

    seed: int
    user: int
    role: int | None
    permissions: tuple[Record, ...]
    request: ReadRequest | AggregateRequest
    nulls_last: bool

    def __str__(self) -> str:
        rules = "\n".join(
            f"  {row['collection']}: status={row['status']} read={row['read']} hides={row['read_field_blacklist']}"
            f" rules={row['rules']}"
            for row in self.permissions
        )
        return f"seed {self.seed}: user {self.user}, role {self.role}\n{rules}\n  {self.request}"


def cases(seed: int) -> list[Case]:
    """The cases of a seed: one request, made by a caller, by another user of his role, and under other rules.

    Compiled plans are shared between them, so that one caller might get what was made for another; the last request
    has other values in the same places.
    """
    random = Random(seed)
    user, role = random.choice(CALLERS)
    generator = Generator(random)
    permissions = tuple(generator.permissions(role))
    generator.readable = {row["collection"] for row in permissions if row["read"] not in (None, "none")}
    request = generator.aggregate() if random.random() < 0.15 else generator.read()
    nulls_last = random.random() < 0.7
    peer = random.choice([one for one, of in CALLERS if of == role])
    stranger, other = random.choice(CALLERS)
    return [
        Case(seed, user, role, permissions, request, nulls_last),
        Case(seed, peer, role, permissions, generator.varied(request), nulls_last),
        Case(seed, stranger, other, tuple(generator.permissions(other)), request, nulls_last),
    ]


class Generator:
    kinds: ClassVar[Mapping[str, str]] = {
        name: kind for (_, name), kind in KIND.items() if len({KIND[one] for one in KIND if one[1] == name}) == 1
    }
    """Of the columns whose name means the same everywhere."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.choice = random.choice
        self.readable: set[str] = set()

    def chance(self, share: float) -> bool:
        return self.random.random() < share

    # Rules

    def permissions(self, role: int | None) -> list[Record]:
        """Rows of one role, by id: general ones, workflow rows, and some that must not count."""
        found: list[Record] = []
        for name in TABLES:
            kind = self.choice(("none", "general", "general", "workflow", "workflow"))
            if kind == "workflow" and special(name, "status") is None and not self.chance(0.1):
                kind = "general"
            if kind == "none" and self.chance(0.5):
                continue
            if kind == "workflow":
                statuses = STATUS_VALUES.get(name) or tuple(STATUSES.get(name, ("on",)))
                found += [self.grant(name, role, str(status)) for status in statuses if self.chance(0.7)]
            if kind != "workflow" or self.chance(0.3):
                found.append(self.grant(name, role, None, level="none" if kind == "none" else None))
            if self.chance(0.1):
                found.append(self.grant(name, role, "$create", level="full"))
            if found and self.chance(0.1):  # a second row for the same thing is out of force
                found.append(self.grant(name, role, found[-1]["status"], level="full"))
        self.random.shuffle(found)
        return found

    def grant(self, name: str, role: int | None, status: str | None, *, level: str | None = None) -> Record:
        fields = [column.name for column in TABLES[name]] + [alias for table, alias in LINKS if table == name]
        hidden = self.random.sample(sorted(set(fields)), self.choice((0, 0, 0, 1, 1, 2, 3)))
        return {
            "collection": name,
            "role": role,
            "status": status,
            "read": level
            or self.choice(("none", None, "mine", "mine", "role", "role", "full", "full", "full", "full")),
            "read_field_blacklist": ",".join(hidden) or self.choice((None, "")),
            "rules": json.dumps({"read": self.rule(name)}) if self.chance(0.25) else None,
        }

    def rule(self, name: str) -> Any:
        """A row rule in one of its forms; now and then one that means nothing."""
        if self.chance(0.03):
            return self.choice(({"nope": 1}, {"id": {"near": 1}}, {"id": "x"}, 5))
        found = self.where(name)
        while any(item.op in (*TEXTUAL, "like") and item.value in ("", None) for item in found):
            found = self.where(name)
        found = tuple(replace(item, value=self.variable(item)) for item in found)
        if self.chance(0.5) and len({item.field for item in found}) == len(found):
            return {
                item.field: {item.op: item.value, **({"logical": "or"} if item.either else {})}
                if item.op != "eq" or item.either or self.chance(0.5)
                else item.value
                for item in found
            }
        return [{"field": item.field, "op": item.op, "value": item.value, "or": item.either} for item in found]

    def variable(self, item: Condition) -> Any:
        """The value of a condition, or a variable in its place or within it."""
        kind = self.kinds.get(item.field.rpartition(".")[2], "")
        if item.op in ("eq", "neq", "lt", "lte", "gt", "gte") and self.chance(0.7):
            words = {"int": ("$CURRENT_USER", "$CURRENT_ROLE"), "date": TIMES, "datetime": TIMES}.get(kind)
            return self.choice(words) if words else item.value
        if item.op == "in" and kind == "int" and self.chance(0.3):
            return self.choice(("$CURRENT_USER,3", ["$CURRENT_USER", "2"], "$CURRENT_ROLE"))
        return item.value

    # Requests

    def root(self) -> str:
        """Mostly a collection that may be read: a refusal proves little."""
        found: str = self.choice(COLLECTIONS)
        while found not in self.readable and self.readable and self.chance(0.9):
            found = self.choice(COLLECTIONS)
        return found

    def read(self) -> ReadRequest:
        name = self.root()
        keys: dict[str, Any] = {}
        how = self.random.random()
        if how < 0.08:
            keys["id"] = self.key(name)
            keys["include_deleted"] = self.chance(0.3)
        elif how < 0.18:
            keys["ids"] = tuple(self.key(name) for _ in range(self.choice((1, 3, 6))))
        return ReadRequest(
            name,
            self.selection(name, 0),
            **keys,
            where=self.where(name) if self.chance(0.6) else (),
            filter=self.tree(name, 0) if self.chance(0.3) else (),
            q=self.choice(SEARCHES) if self.chance(0.25) else None,
            sort=self.sort(name) if self.chance(0.5) else None,
            limit=self.choice((-1, 0, 1, 3, 5)) if self.chance(0.4) else None,
            offset=self.choice((-1, 0, 1, 4)) if self.chance(0.3) else None,
            status=self.status(name) if self.chance(0.3) else None,
            lang=("en",) if self.chance(0.2) else None,
            groups=(self.column(name),) if self.chance(0.05) else None,
            meta=frozenset(("result_count", "total_count", "filter_count", "status_count"))
            if self.chance(0.4)
            else frozenset(),
        )

    def aggregate(self) -> AggregateRequest:
        name = self.root()
        numbers = [column.name for column in TABLES[name] if column.kind in ("int", "decimal", "float")]
        ordered = [column.name for column in TABLES[name] if column.kind not in ("bool", "text")]
        measures = [Measure("n", "count")]
        for number in range(self.choice((0, 1, 2))):
            fields = self.choice((numbers, ordered, [self.column(name)])) or [self.column(name)]
            field = self.choice(fields)
            functions = ["count"] + ["sum", "avg"] * (field in numbers) + ["min", "max"] * (field in ordered)
            function = self.choice(functions)
            measures.append(Measure(f"m{number}", function, field, function != "min" and self.chance(0.3)))
        groups = tuple(dict.fromkeys(self.column(name) for _ in range(self.choice((0, 1, 1, 2)))))
        having = (Condition("n", self.choice(("eq", ">", "lte", "neq")), self.choice((1, "2", 3))),) if groups else ()
        return AggregateRequest(
            name,
            tuple(measures),
            group_by=groups,
            group_keys=("group",) if groups else (),
            where=self.where(name) if self.chance(0.5) else (),
            filter=self.tree(name, 0) if self.chance(0.2) else (),
            q=self.choice(("a", "1")) if self.chance(0.2) else None,
            sort=self.choice(((), ("-n",), tuple(f"-{group}" for group in groups[:1]))),
            limit=self.choice((None, None, 2)),
            having=having if self.chance(0.3) else (),
        )

    def key(self, name: str) -> str:
        if name == "tags":
            return self.choice((*KEYS, "A", "nothing"))
        return self.choice(("1", "2", "3", "4", "5", "6", "8", "02", " 3", "99", "x"))

    def column(self, name: str) -> str:
        return self.choice(TABLES[name]).name

    def links(self, name: str, *, many: bool | None = None) -> list[str]:
        return [
            field
            for (table, field), link in LINKS.items()
            if table == name and (many is None or isinstance(link, Many) == many)
        ]

    def sort(self, name: str) -> tuple[str, ...]:
        return tuple(self.choice(("", "-")) + self.column(name) for _ in range(self.choice((1, 1, 2, 3))))

    def status(self, name: str) -> tuple[str, ...]:
        values = [str(value) for value in (*STATUSES.get(name, ("on",)), "odd", "7")]
        return self.choice(
            (("*",), (self.choice(values),), (f"{self.choice(values)}, {self.choice(values)}",), ("", "*"))
        )

    def varied(self, request: Any) -> Any:
        """The same request with other values."""
        where = tuple(replace(item, value=self.other(item.op, item.value)) for item in request.where)
        found = replace(request, where=where, q=request.q and self.choice(SEARCHES))
        if request.limit is not None and request.limit >= 0:
            found = replace(found, limit=self.choice((0, 1, 2, 4)))
        return found

    def other(self, op: str, value: Any) -> Any:
        """A value of the same kind."""
        kinds = [set(found) for found in VALUES.values() if value in found] if not isinstance(value, list) else []
        values = sorted(set.intersection(*kinds), key=str) if kinds else []
        return value if not values or op in (*TEXTUAL, "like") else self.choice(values)

    # Filters

    def where(self, name: str) -> tuple[Condition, ...]:
        found = []
        for _ in range(self.choice((1, 1, 1, 2, 3))):
            hops, at = [], name
            while self.chance(0.35) and len(hops) < 3 and self.links(at):
                hops.append(self.choice(self.links(at)))
                at = LINKS[at, hops[-1]].target
            field, op, value = self.condition(at)
            found.append(Condition(".".join([*hops, field]), op, value, self.chance(0.3)))
        return tuple(found)

    def tree(self, name: str, depth: int) -> tuple[Any, ...]:
        kind = self.choice(("cond", "cond", "and", "or", "rel", "rel"))
        if kind == "rel" and self.links(name) and depth < 3:
            field = self.choice(self.links(name))
            while (inner := self.tree(LINKS[name, field].target, depth + 1)) and _vanishes(inner):
                pass
            return ("rel", field, inner)
        if kind in ("and", "or") and depth < 3:
            return (kind, tuple(self.tree(name, depth + 1) for _ in range(self.choice((1, 2, 2, 3)))))
        return ("cond", *self.condition(name))

    def condition(self, name: str) -> tuple[str, str, Any]:
        """Field, operator, value: all of them valid, so that nothing but rights is in question."""
        many = self.links(name, many=True)
        if many and self.chance(0.2):
            op = self.choice(("has", "has", "nhas", "all", "empty", "nempty", "eq", "in"))
            value = self.choice(("0", "1", "2", 3)) if op in ("has", "nhas") else self.choice(("1", "1,2", "3", "7"))
            return self.choice(many), op, value.split(",")[0] if op == "eq" and isinstance(value, str) else value
        field = self.column(name)
        kind = KIND[name, field]
        op = self.choice(COMPARING)
        if self.chance(0.25) and kind != "bool":
            op = self.choice(TEXTUAL)
        if self.chance(0.1):
            op = self.choice(("empty", "nempty"))
        if kind == "bool" and op not in ("null", "nnull", "empty", "nempty"):
            op = self.choice(("eq", "neq"))
        return field, NAMES.get(op, op) if self.chance(0.2) else op, self.value(op, kind)

    def value(self, op: str, kind: str) -> Any:
        if op in ("rlike", "nrlike"):
            return self.choice(PATTERNS)
        if op in TEXTUAL and kind in ("decimal", "float") and self.chance(0.6):
            return self.choice((".", "00", "4.", "4.50", "4.5", "-1"))
        if op in TEXTUAL:
            return self.choice(("", "a", "1", "4.5", "50%", "_", "\\", "!", "2026", "example", "-0", ".", "00"))
        values = VALUES[kind]
        if op in ("in", "nin", "between", "nbetween"):
            found = [self.choice(values) for _ in range(self.choice((2, 2, 3)))]
            return found if self.chance(0.4) else ",".join(map(str, found))
        return None if op in ("eq", "neq") and self.chance(0.05) else self.choice(values)

    # Selections

    def selection(self, name: str, depth: int) -> Selection:
        if self.chance(0.5):
            return Selection((Row("_row", self.paths(name, depth)),))
        entries: list[Any] = [Leaf(f"f{number}", *self.leaf(name)) for number in range(self.choice((1, 2, 4)))]
        links = self.links(name)
        for number in range(self.choice((0, 1, 1, 2)) if depth < 2 and links else 0):
            field = self.choice(links)
            link = LINKS[name, field]
            window = self.window(link.target) if isinstance(link, Many) else None
            entries.append(Nested(f"r{number}", field, self.selection(link.target, depth + 1), window))
        if self.chance(0.15):
            entries.append(Row("_row", self.paths(name, depth)))
        return Selection(tuple(entries))

    def leaf(self, name: str) -> tuple[str, str]:
        column = self.choice(TABLES[name])
        encoder = "id" if column.name == "id" else TYPED.get(column.kind, column.kind)
        return column.name, "row" if self.chance(0.2) else encoder

    def window(self, name: str) -> Window | None:
        if self.chance(0.4):
            return None
        return Window(
            where=self.where(name) if self.chance(0.4) else (),
            filter=self.tree(name, 2) if self.chance(0.2) else (),
            sort=self.sort(name) if self.chance(0.5) else (),
            limit=self.choice((-1, 0, 1, 2)) if self.chance(0.5) else None,
            offset=self.choice((0, 0, 1)),
        )

    def paths(self, name: str, depth: int) -> tuple[str, ...]:
        if self.chance(0.2):
            return ("*",)
        return tuple(self.path(name, depth) for _ in range(self.choice((1, 2, 3))))

    def path(self, name: str, depth: int) -> str:
        kind = self.choice(("*", "*.*", "-", "field", "field", "alias", "rel", "rel", "rel"))
        links = self.links(name)
        if kind == "*.*" and depth < 2:
            return self.choice(("*.*", "*.*", "*.id"))
        if kind == "-":
            return f"-{self.column(name)}"
        if kind == "alias" and links:
            return self.choice(links)
        if kind == "rel" and links and depth < 3:
            field = self.choice(links)
            return f"{field}.{self.path(LINKS[name, field].target, depth + 1)}"
        if kind == "*":
            return "*"
        return self.choice((self.column(name), f"{self.column(name)}.*"))


def _vanishes(tree: tuple[Any, ...]) -> bool:
    """Whether every condition of a tree is a LIKE of nothing."""
    match tree:
        case ("cond", _, op, value):
            return op in (*TEXTUAL, "like") and value == ""
        case ("rel", _, inner):
            return _vanishes(inner)
        case (_, parts):
            return any(_vanishes(part) for part in parts)
    return False
