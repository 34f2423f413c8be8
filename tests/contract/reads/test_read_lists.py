"""In charge of showing the order of lists, and how they are cut, grouped, counted and addressed (items §1, 4, 5)."""

from __future__ import annotations

from typing import Any

import pytest

from core.errors import ItemNotFound, Unprocessable
from core.query.selection import Condition
from tests.contract.reads.plain import Base

# sort, ids with NULL last, ids without the setting
SORTS = (
    ("whole", [4, 1, 2, 3, 5], [5, 4, 1, 2, 3]),
    ("-whole", [3, 2, 1, 4, 5], [3, 2, 1, 4, 5]),
    ("big", [3, 4, 1, 2, 5], [5, 3, 4, 1, 2]),
    ("money", [3, 4, 1, 2, 5], [5, 3, 4, 1, 2]),
    ("-twofold", [2, 1, 4, 3, 5], [2, 1, 4, 3, 5]),
    ("truth", [2, 4, 1, 3, 5], [5, 2, 4, 1, 3]),
    ("-truth", [1, 3, 2, 4, 5], [1, 3, 2, 4, 5]),
    ("day", [4, 1, 2, 3, 5], [5, 4, 1, 2, 3]),
    ("-moment", [3, 2, 1, 4, 5], [3, 2, 1, 4, 5]),
    ("placed", [4, 1, 2, 3, 5], [5, 4, 1, 2, 3]),
    ("clock", [4, 3, 1, 2, 5], [5, 4, 3, 1, 2]),
    ("flags", [4, 1, 2, 3, 5], [5, 4, 1, 2, 3]),
    ("folded", [4, 1, 2, 3, 5], [5, 4, 1, 2, 3]),
    ("-folded", [3, 1, 2, 4, 5], [3, 1, 2, 4, 5]),
    ("prose", [4, 1, 3, 2, 5], [5, 4, 1, 3, 2]),
    ("ident", [2, 1, 3, 4, 5], [3, 4, 5, 2, 1]),
    ("order", [4, 3, 1, 2, 5], [5, 4, 3, 1, 2]),
    ("order,-whole", [4, 3, 2, 1, 5], [5, 4, 3, 2, 1]),
    ("-order, odd name", [1, 2, 3, 4, 5], [1, 2, 3, 4, 5]),
    ("-id", [5, 4, 3, 2, 1], [5, 4, 3, 2, 1]),
    ("", [1, 2, 3, 4, 5], [1, 2, 3, 4, 5]),
)


@pytest.mark.parametrize(("sort", "last", "natural"), SORTS)
async def test_order(base: Base, sort: str, last: list[int], natural: list[int]) -> None:
    assert await base.keys("things", sort=(sort,)) == last
    assert await base.keys("things", sort=tuple(sort.split(","))) == last
    assert await base.keys("things", sort=(sort,), settings={"sort_null_last": "0"}) == natural
    assert await base.keys("things", sort=(sort,), limit=3, offset=1) == last[1:4]


async def test_case_does_not_count_but_on_binary_columns_of_mysql(base: Base) -> None:
    assert await base.keys("things", sort=("words",)) == (
        [4, 1, 3, 2, 5] if base.dialect == "mysql" else [4, 3, 1, 2, 5]
    )


async def test_the_sort_field_is_the_default_and_the_key_the_last_criterion(base: Base) -> None:
    assert await base.keys("posts") == [2, 5, 3, 6, 1, 4]
    assert await base.keys("posts", settings={"sort_null_last": "0"}) == [4, 2, 5, 3, 6, 1]
    assert await base.keys("posts", sort=("author",)) == [1, 6, 2, 3, 5, 4]
    assert (await base.rows("people", "posts.id", id="1")) == [{"posts": [{"id": 6}, {"id": 1}]}]


async def test_random_order(base: Base) -> None:
    found = [await base.keys("things", sort=("?",)) for _ in range(20)]
    assert all(sorted(keys) == [1, 2, 3, 4, 5] for keys in found)
    assert len({tuple(keys) for keys in found}) > 1
    found = [await base.keys("things", sort=("order,?",)) for _ in range(20)]
    assert {tuple(keys) for keys in found} == {(4, 3, 1, 2, 5), (4, 3, 2, 1, 5)}


async def test_tables_without_a_single_key_have_a_stable_order(base: Base) -> None:
    assert await base.rows("pairs") == [{"a": 1, "b": 1, "c": 6}, {"a": 1, "b": 2, "c": 5}, {"a": 2, "b": 1, "c": None}]
    assert [(row["a"], row["b"]) for row in await base.rows("loose")] == [(1, "a"), (1, "c"), (2, "b"), (None, None)]
    assert await base.rows("seen", "title", sort=("-id",)) == [{"title": "three"}, {"title": "two"}, {"title": "one"}]


@pytest.mark.parametrize(
    ("arguments", "ids"),
    (
        ({"limit": 2}, [1, 2]),
        ({"limit": 2, "offset": 1}, [2, 3]),
        ({"limit": 2, "offset": 4}, [5]),
        ({"limit": 2, "offset": 9}, []),
        ({"limit": 0}, []),
        ({"limit": -1, "offset": 3}, [1, 2, 3, 4, 5]),
        ({"limit": -7}, [1, 2, 3, 4, 5]),
        ({"limit": 2, "offset": -3}, [1, 2]),
        ({"limit": 2, "page": 2}, [3, 4]),
        ({"limit": 2, "page": 3}, [5]),
        ({"limit": 2, "page": 0}, [1, 2]),
        ({"limit": 2, "page": -1}, [1, 2]),
        ({"limit": 2, "page": 9}, []),
        ({"limit": 2, "page": 2, "offset": 0}, [1, 2]),
        ({"page": 2}, [1, 2, 3, 4, 5]),
        ({"offset": 3}, [4, 5]),
        ({"limit": 2**31, "offset": 2**31}, []),
        ({"settings": {"default_limit": "3"}}, [1, 2, 3]),
        ({"settings": {"default_limit": ""}}, [1, 2, 3, 4, 5]),
        ({"settings": {"default_limit": "many"}}, []),
        ({"settings": {"default_limit": "-1"}, "offset": 2}, [1, 2, 3, 4, 5]),
        ({"groups": ("order",)}, [1, 3, 4, 5]),
        ({"groups": ("truth",)}, [1, 2, 5]),
        ({"groups": ("truth,order",)}, [1, 2, 3, 4, 5]),
        ({"groups": ("truth",), "sort": ("-id",), "limit": 2}, [5, 2]),
        ({"groups": ("truth",), "where": (Condition("whole", "gt", "1"),)}, [2, 3]),
        ({"groups": ("",)}, [1, 2, 3, 4, 5]),
    ),
)
async def test_slices_and_groups(base: Base, arguments: dict[str, Any], ids: list[int]) -> None:
    assert await base.keys("things", **arguments) == ids


@pytest.mark.parametrize(
    ("status", "ids"),
    (
        (None, [1, 2, 4]),
        (("in",), [1, 2, 4]),
        (("out",), [3]),
        (("in, out",), [1, 2, 3, 4]),
        (("*",), [1, 2, 3, 4, 5]),
        (("in", "*"), [1, 2, 3, 4, 5]),
        (("odd",), []),
        (("",), [1, 2, 4]),
        (("*\x00",), []),
    ),
)
async def test_statuses(base: Base, status: tuple[str, ...] | None, ids: list[int]) -> None:
    assert await base.keys("people", status=status) == ids
    assert await base.keys("posts", status=status, sort=("id",)) == [1, 2, 3, 4, 5, 6]


async def test_counts(base: Base) -> None:
    every = frozenset(("collection", "type", "result_count", "total_count", "status_count", "filter_count", "page"))
    found = await base.read("people", meta=every, where=(Condition("name", "contains", "a"),), limit=1, offset=1)
    assert found.meta == {
        "collection": "people", "type": "collection", "result_count": 1, "total_count": 3,
        "status_count": {"": 1, "in": 3, "out": 1}, "filter_count": 2,
        "limit": 1, "offset": 1, "page": 2, "page_count": 2,
    }  # fmt: skip
    assert list(found.meta)[:6] == ["collection", "type", "result_count", "total_count", "status_count", "filter_count"]
    assert (await base.read("people", meta=frozenset(("filter_count",)), status=("*",))).meta == {"filter_count": 5}
    assert (await base.read("people", meta=every, id="1")).meta == {"collection": "people", "type": "item"}
    found = await base.read("people", meta=frozenset(("filter_count", "total_count")), ids=("1", "3", "9"))
    assert found.meta == {"total_count": 3, "filter_count": 1}
    assert (await base.read("loose", meta=frozenset(("total_count", "status_count")))).meta == {"total_count": 4}


@pytest.mark.parametrize(
    ("key", "found"),
    (
        ("2", 2), ("02", 2), (" 2", 2), ("2.0", 2), ("2 ", 2), ("+2", 2), ("2e0", 2), ("1abc", None), ("", None),
        ("2.5", None), ("0x2", None), ("99", None), ("99999999999999999999", None), ("-1", None), ("1,2", None),
        ("NaN", None), ("\x00", None), ("2; DROP TABLE things", None), ("\ud800", None),
    ),
)  # fmt: skip
async def test_number_keys(base: Base, key: str, found: int | None) -> None:
    if found is None:
        with pytest.raises(ItemNotFound) as caught:
            await base.keys("things", id=key)
        assert (caught.value.code, caught.value.message) == (203, f'Item with id "{key}" not found')
    else:
        assert await base.keys("things", id=key) == [found]
    assert await base.keys("things", ids=(key, "4", "4")) == ([found, 4] if found else [4])


@pytest.mark.parametrize(
    ("key", "found"),
    (("7", "7"), ("007", "007"), ("07", None), ("7.0", None), ("a b", "a b"), ("x%", "x%"), ("X%", None)),
)
async def test_text_keys(base: Base, key: str, found: str | None) -> None:
    assert await base.keys("labels", "code", ids=(key,)) == ([found] if found else [])


async def test_several_ids(base: Base) -> None:
    assert await base.keys("things", ids=("3", "1", "99", "3", "x", "")) == [1, 3]
    assert await base.keys("things", ids=("3", "1"), sort=("-id",)) == [3, 1]
    assert await base.keys("things", ids=("3", "1", "2"), limit=1, offset=1) == [2]
    assert await base.keys("things", ids=()) == []
    # filter, q and status do not apply
    other = {"where": (Condition("whole", "eq", "77"),), "q": "nothing", "status": ("odd",)}
    assert await base.keys("things", ids=("1",), **other) == [1]
    assert await base.keys("people", ids=("1", "3"), status=("*",)) == [1]


async def test_soft_deleted_items_have_no_address(base: Base) -> None:
    for arguments in ({}, {"status": ("*",)}):
        with pytest.raises(ItemNotFound):
            await base.keys("people", id="3", **arguments)
    assert await base.keys("people", id="3", include_deleted=True) == [3]


@pytest.mark.parametrize("collection", ("pairs", "loose", "seen"))
async def test_without_a_single_key_there_is_no_address(base: Base, collection: str) -> None:
    with pytest.raises(Unprocessable):
        await base.rows(collection, id="1")
