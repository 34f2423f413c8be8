"""In charge of filters written as maps, as in query strings: `{"title": {"contains": "a", "logical": "or"}}` (spec 03
§5.2). Pure; it judges neither fields nor operators.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from core.query.selection import Condition


def tests(field: str, value: Any) -> Iterator[Condition]:
    """The conditions on one field, in their order: a value, a map of operators, or several such maps by number."""
    if isinstance(value, list):
        value = {str(index): one for index, one in enumerate(value)}
    if not isinstance(value, dict):
        yield Condition(field, value=value)
        return
    connector = value.get("logical")
    either = isinstance(connector, str) and connector.strip().lower() == "or"
    for operator, operand in value.items():
        if operator == "logical":
            continue
        if isinstance(operand, dict) and operator.isdecimal():
            yield from tests(field, operand)
            continue
        yield Condition(field, operator, _listed(operand), either)


def _listed(value: Any) -> Any:
    """`in[3]=x&in[7]=y` is a list as well."""
    if isinstance(value, dict) and all(key.isdecimal() for key in value):
        return list(value.values())
    return value
