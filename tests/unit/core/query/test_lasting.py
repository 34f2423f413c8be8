"""An answer lasts when neither chance nor the clock decides about it, and all it shows is written as items."""

from __future__ import annotations

import pytest

from core.query.lasting import lasting
from core.query.reach import Reach
from core.query.selection import Condition, Leaf, Nested, ReadRequest, Selection, Window

PLAIN = Reach(("articles",), ("articles",))
NOW = Selection(
    (Nested("c", "c", Selection((Leaf("id", "id", "id"),)), Window(where=(Condition("on", "lt", "NOW"),))),)
)
TREE = ("and", (("cond", "id", "in", [1, 2]), ("rel", "author", ("cond", "born", "lt", "now"))))


@pytest.mark.parametrize(
    ("reach", "more", "wanted"),
    [
        (PLAIN, {}, True),
        (PLAIN, {"where": (Condition("title", "eq", "knowing"),)}, True),
        (PLAIN, {"where": (Condition("on", "lt", "now"),)}, False),
        (PLAIN, {"where": (Condition("on", "between", "2020-01-01,Now"),)}, False),
        (PLAIN, {"where": (Condition("on", "in", ("a", ["now"])),)}, False),
        (PLAIN, {"where": (Condition("on", "eq", {"0": "now"}),)}, False),
        (PLAIN, {"filter": TREE}, False),
        (PLAIN, {"selection": Selection((Nested("a", "a", NOW),))}, False),
        (Reach(("articles",), ("articles",), random=True), {}, False),
        (Reach(("articles", "directus_users"), ("articles", "directus_users")), {}, False),
        (Reach(("articles", "directus_users"), ("articles",), personal=True), {}, True),
        (Reach(("directus_files",), ("directus_files",)), {}, True),
        (Reach(("directus_activity",), ("directus_activity",)), {}, False),
    ],
)
def test_what_lasts(reach: Reach, more: dict[str, object], wanted: bool) -> None:
    request = ReadRequest("articles", **{"selection": Selection(), **more})  # type: ignore[arg-type]
    assert lasting(reach, request) is wanted
