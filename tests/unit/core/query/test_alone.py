"""Whether a predicate holds is told from a row alone only where every database would say the same."""

from __future__ import annotations

from typing import Any

import pytest

from core.query.alone import holds
from core.query.predicate import (
    EVERYTHING,
    NOTHING,
    And,
    Between,
    Bound,
    Compare,
    In,
    IsEmpty,
    IsNull,
    Like,
    Not,
    Or,
    Predicate,
    Related,
)

ROW: dict[str, Any] = {"id": 3, "owner": 7, "status": "draft", "title": "Öl", "empty": "", "none": None, "on": True}
BOUND = {"user": 7, "role": 4}
UNKNOWN = Related("author", EVERYTHING)


@pytest.mark.parametrize(
    ("part", "wanted"),
    [
        (EVERYTHING, True),
        (NOTHING, False),
        (Compare("owner", "eq", Bound("user")), True),
        (Compare("owner", "eq", Bound("role")), False),
        (Compare("status", "eq", "draft"), True),
        (Compare("status", "eq", "published"), False),
        (Compare("status", "eq", "Draft"), None),
        (Not(Compare("status", "eq", "DRAFT ")), None),
        (Compare("title", "eq", "Ol"), None),
        (Compare("title", "neq", "Ol"), None),
        (Compare("title", "eq", "Öl"), True),
        (Compare("status", "lt", "e"), None),
        (Compare("id", "lt", 4), True),
        (Compare("id", "gte", 4), False),
        (Compare("id", "neq", 3), False),
        (Compare("id", "eq", "3"), None),
        (Compare("on", "eq", 1), True),
        (Compare("none", "eq", 1), None),
        (Compare("none", "neq", 1), None),
        (Compare("absent", "eq", 1), None),
        (Between("id", 3, 5), True),
        (Between("id", 4, 5), False),
        (In("status", ("published", "draft")), True),
        (In("status", ("published",)), False),
        (In("status", ()), False),
        (Not(In("status", ("Draft",))), None),
        (IsNull("none"), True),
        (IsNull("id"), False),
        (IsNull("absent"), None),
        (IsEmpty("empty"), True),
        (IsEmpty("none"), True),
        (IsEmpty("id"), False),
        (Like("title", "%"), None),
        (UNKNOWN, None),
        (Not(UNKNOWN), None),
        (And((UNKNOWN, NOTHING)), False),
        (And((UNKNOWN, EVERYTHING)), None),
        (Or((UNKNOWN, EVERYTHING)), True),
        (Or((UNKNOWN, NOTHING)), None),
        (Not(EVERYTHING), False),
    ],
)
def test_a_predicate_and_a_row(part: Predicate, wanted: bool | None) -> None:
    assert holds(part, ROW, BOUND) is wanted
