"""In charge of what the JSON of a row rule, preset or check says, in words of the judge: trees, values of variables.

Part of the judge: it must not import core.access, nor share a line with it.
"""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

from tests.security.conditions import NAMES, Tree
from tests.security.rights import KIND, LINKS, Many, One
from tests.security.world import NOW

OPERATORS = {
    "eq", "neq", "lt", "lte", "gt", "gte", "in", "nin", "between", "nbetween", "null", "nnull", "empty", "nempty",
    "contains", "ncontains", "rlike", "nrlike", "has", "nhas", "all",
}  # fmt: skip


def read(text: str, action: str, user: int, role: int | None) -> Tree | None:
    """The rule of an action as a tree; ALL when there is none, None when it is no filter."""
    rule = json.loads(text).get(action)
    if rule is None:
        return ("and", ())
    found: list[list[Tree]] = [[]]
    for number, (path, op, value, either) in enumerate(_listed(rule)):
        *hops, field = path.split(".")
        tree: Tree = ("cond", field, NAMES.get(op, op), _settled(value, user, role))
        for hop in reversed(hops):
            tree = ("rel", hop, tree)
        if either and number:
            found.append([])
        found[-1].append(tree)
    return ("or", tuple(("and", tuple(group)) for group in found)) if found[0] else None


def _listed(rule: Any) -> list[tuple[str, str, Any, bool]]:
    if isinstance(rule, list):
        return [(one["field"], one["op"], one["value"], one["or"]) for one in rule]
    if not isinstance(rule, dict):
        return []
    found = []
    for field, test in rule.items():
        tests = dict(test) if isinstance(test, dict) else {"eq": test}
        either = tests.pop("logical", "and") == "or"
        found += [(field, op, value, either) for op, value in tests.items()]
    return found


def _settled(value: Any, user: int, role: int | None) -> Any:
    if isinstance(value, list):
        return [_settled(one, user, role) for one in value]
    if not isinstance(value, str):
        return value
    return ",".join(_word(word, user, role) for word in value.split(","))


def _word(word: str, user: int, role: int | None) -> str:
    shifts = {
        "$NOW": timedelta(), "$NOW(-1 day)": timedelta(days=-1), "$NOW(+1 second)": timedelta(seconds=1),
        "$NOW(-2 months)": NOW.replace(month=1) - NOW,
    }  # fmt: skip
    if word in shifts:
        return (NOW + shifts[word]).strftime("%Y-%m-%d %H:%M:%S")
    return {"$CURRENT_USER": str(user), "$CURRENT_ROLE": str(role)}.get(word, word)


def understood(name: str, tree: Tree) -> bool:
    """Whether a rule means something: names that there are, none of them secret, operators, values of their kind."""
    match tree:
        case ("and" | "or", parts):
            return all(understood(name, part) for part in parts)
        case ("rel", field, inner):
            link = LINKS.get((name, field))
            return link is not None and understood(link.target, inner)
    _, field, op, value = tree
    link = LINKS.get((name, field))
    if op not in OPERATORS or field == "password":
        return False
    if isinstance(link, Many):
        return True
    if isinstance(link, One) and op in ("contains", "ncontains"):
        return True
    if (name, field) not in KIND:
        return False
    return not (KIND[name, field] == "int" and value == "x")
