"""In charge of what single conditions mean (items §5.2), on Python values. Knows no rights and no relations.

A tree is ("and", parts), ("or", parts), ("rel", field, tree) or ("cond", field, operator, value).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from core.query.selection import Condition

Tree = tuple[Any, ...]
ALL: Tree = ("and", ())
NAMES = {"=": "eq", "!=": "neq", "<>": "neq", "<": "lt", "<=": "lte", ">": "gt", ">=": "gte"}
NAMES |= {"like": "contains", "nlike": "ncontains"}
TEXTUAL = ("contains", "ncontains", "rlike", "nrlike")


def from_list(where: Sequence[Condition]) -> Tree:
    """REST's flat list: AND binds tighter than OR, dots are hops; a LIKE of nothing is no condition."""
    groups: list[list[Tree]] = [[]]
    for number, item in enumerate(where):
        op = NAMES.get(item.op, item.op)
        if op in TEXTUAL and item.value in ("", None):
            continue
        if item.either and number and groups[-1]:
            groups.append([])
        *hops, field = item.field.split(".")
        tree: Tree = ("cond", field, op, item.value)
        for hop in reversed(hops):
            tree = ("rel", hop, tree)
        groups[-1].append(tree)
    return ("or", tuple(("and", tuple(group)) for group in groups))


def from_typed(tree: Sequence[Any]) -> Tree:
    """GraphQL's filter, as core gets it; conditions that are none are taken out."""
    return _pruned(tuple(tree)) or ALL if tree else ALL


def _pruned(tree: Tree) -> Tree | None:
    match tree:
        case ("and" | "or" as word, parts):
            kept = tuple(part for part in (_pruned(part) for part in parts) if part is not None)
            return (word, kept) if kept else None
        case ("rel", field, inner):
            return ("rel", field, _pruned(inner) or ALL)
        case ("cond", field, op, value):
            op = NAMES.get(op, op)
            return None if op in TEXTUAL and value in ("", None) else ("cond", field, op, value)
    raise AssertionError(tree)


def fields(tree: Tree) -> set[str]:
    """The fields that a tree uses of the item itself."""
    if tree[0] in ("and", "or"):
        return set().union(*(fields(part) for part in tree[1]))
    return {tree[1]}


def elements(value: Any) -> list[Any]:
    if isinstance(value, (list, tuple)):
        return list(value)
    return value.split(",") if isinstance(value, str) else [value]


def canonical(kind: str, value: Any, now: datetime) -> Any:
    """A request's value as a value of the column."""
    if kind == "text" or value is None:
        return value
    if kind in ("date", "datetime"):
        text = now.strftime("%Y-%m-%d %H:%M:%S") if value == "now" else str(value)
        moment = datetime.fromisoformat(text)
        return moment.date() if kind == "date" else moment
    if kind == "bool":
        return str(value).lower() in ("1", "true")
    return Decimal(str(value).strip())


def shown(kind: str, value: Any) -> str:
    """A stored value as text of its answer."""
    if isinstance(value, (float, Decimal)):
        return str(int(value) if value == int(value) else float(value))
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M:%S")
    return value.isoformat() if isinstance(value, date) else str(value)


def contains(kind: str, value: Any, text: str) -> bool:
    return value is not None and text.lower() in shown(kind, value).lower()


def like(text: str, pattern: str) -> bool:
    """SQL's LIKE without case, backslash escapes."""
    parts = re.findall(r"\\.|.", pattern, re.DOTALL)
    signs = {"%": ".*", "_": "."}
    expression = "".join(signs.get(part) or re.escape(part[-1]) for part in parts)
    return re.fullmatch(expression, text, re.IGNORECASE | re.DOTALL) is not None


def compare(kind: str, stored: Any, op: str, value: Any, now: datetime, fold: Callable[[Any], Any]) -> bool | None:
    """One condition on one stored value, in three-valued logic."""
    if op in ("null", "nnull"):
        return (stored is None) == (op == "null")
    if op in ("empty", "nempty"):
        empty = stored is None or (kind not in ("date", "datetime") and stored in ("", 0, False))
        return empty == (op == "empty")
    if op in ("eq", "neq") and value is None:
        return (stored is None) == (op == "eq")
    if stored is None:
        return None
    if op in ("contains", "ncontains"):
        return contains(kind, stored, str(value)) == (op == "contains")
    if op in ("rlike", "nrlike"):
        return like(shown(kind, stored), str(value)) == (op == "rlike")
    if isinstance(stored, float):
        stored = Decimal(stored)

    def fit(item: Any) -> Any:
        return fold(canonical(kind, item, now))

    stored = fold(stored)
    if op in ("in", "nin"):
        return (stored in [fit(item) for item in elements(value)]) == (op == "in")
    if op in ("between", "nbetween"):
        low, *_, high = (fit(item) for item in elements(value))
        return (low <= stored <= high) == (op == "between")
    found = fit(value)
    match op:
        case "eq":
            return bool(stored == found)
        case "neq":
            return bool(stored != found)
        case "lt":
            return bool(stored < found)
        case "lte":
            return bool(stored <= found)
        case "gt":
            return bool(stored > found)
        case "gte":
            return bool(stored >= found)
    raise AssertionError(op)
