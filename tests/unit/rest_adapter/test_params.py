"""PHP-style parameters: the table of the specification, its limits, and round trips of random structures."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import BadRequest, Unprocessable
from rest_adapter import params


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", {}),
        ("filter[a][eq]=1", {"filter": {"a": {"eq": "1"}}}),
        ("filter%5Ba%5D%5Beq%5D=1", {"filter": {"a": {"eq": "1"}}}),
        ("filter[a.b][in]=1,2", {"filter": {"a.b": {"in": "1,2"}}}),
        ("a.b=1", {"a_b": "1"}),
        ("a b=1", {"a_b": "1"}),
        ("a+b=1+2", {"a_b": "1 2"}),
        ("a.b[c.d]=1", {"a_b": {"c.d": "1"}}),
        ("fields[]=x&fields[]=y", {"fields": ["x", "y"]}),
        ("fields[0]=x&fields[1]=y", {"fields": ["x", "y"]}),
        ("fields[1]=x&fields[0]=y", {"fields": {"1": "x", "0": "y"}}),
        ("fields[3]=x&fields[]=y", {"fields": {"3": "x", "4": "y"}}),
        ("x[a]=1&x[]=2&x[5]=3&x[]=4&x[01]=5", {"x": {"a": "1", "0": "2", "5": "3", "6": "4", "01": "5"}}),
        ("filter[a][0][gte]=1&filter[a][1][lte]=5", {"filter": {"a": [{"gte": "1"}, {"lte": "5"}]}}),
        ("x=1&x=2", {"x": "2"}),
        ("x=1&y=2&x[y]=3", {"x": {"y": "3"}, "y": "2"}),
        ("x[y]=1&x=2", {"x": "2"}),
        ("x[y]=1&x[y][z]=2", {"x": {"y": {"z": "2"}}}),
        ("x", {"x": ""}),
        ("x=", {"x": ""}),
        ("x=a=b", {"x": "a=b"}),
        ("filter[a", {"filter_a": ""}),
        ("filter[a=1", {"filter_a": "1"}),
        ("a[b][c=1", {"a": {"b": "1"}}),
        ("a[b]c=1", {"a": {"b": "1"}}),
        ("a[b[c]]=1", {"a": {"b[c": "1"}}),
        ("[a]=1&=2&&b=3&", {"b": "3"}),
        ("filter[x][%3E%3D]=1&filter[x][%3D]=2", {"filter": {"x": {">=": "1", "=": "2"}}}),
        ("q=%C3%A4%20%2B+%zz%", {"q": "ä + %zz%"}),
        ("q=%ff%ED%A0%80", {"q": "\ufffd\ufffd\ufffd\ufffd"}),
        ("a[]=1;b=2", {"a": ["1;b=2"]}),
    ],
)
def test_reads_the_query_string_as_php_does(text: str, found: dict[str, Any]) -> None:
    assert params.parse(text) == found


def test_a_thousand_parameters_are_read_and_one_more_is_not() -> None:
    text = "&".join(f"a[]={number}" for number in range(1000))
    assert params.parse(text) == {"a": [str(number) for number in range(1000)]}
    assert params.parse("&" * 5000 + text)["a"][999] == "999"
    with pytest.raises(BadRequest):
        params.parse(text + "&b=1")


def test_sixty_four_levels_are_read_and_one_more_is_not() -> None:
    assert params.parse("a" + "[x]" * 64 + "=1")["a"]["x"]
    with pytest.raises(BadRequest):
        params.parse("a" + "[x]" * 65 + "=1")


NAMES = st.text(st.characters(codec="utf-8", exclude_characters="[]. \x00"), min_size=1, max_size=6).filter(
    lambda name: not name.isdecimal()
)
TEXTS = st.text(st.characters(codec="utf-8"), max_size=8)
STRUCTURES = st.recursive(
    TEXTS,
    lambda below: st.lists(below, min_size=1, max_size=3) | st.dictionaries(NAMES, below, min_size=1, max_size=3),
    max_leaves=12,
)


def _write(name: str, value: Any, key: Any, encode: Any, pieces: list[str]) -> None:
    if isinstance(value, dict):
        for inner, below in value.items():
            _write(f"{name}[{key(inner)}]", below, key, encode, pieces)
    elif isinstance(value, list):
        for index, below in enumerate(value):
            _write(f"{name}[{index}]", below, key, encode, pieces)
    else:
        pieces.append(f"{name}={encode(value)}")


@given(st.dictionaries(NAMES, STRUCTURES, max_size=4))
def test_what_the_sdk_writes_is_read_back(structure: dict[str, Any]) -> None:
    for encode in (quote, quote_plus):
        pieces: list[str] = []
        for name, value in structure.items():
            _write(encode(name), value, encode, encode, pieces)
        assert params.parse("&".join(pieces)) == structure


def test_parameters_are_flattened_in_their_order() -> None:
    text = "fields=id,title&filter[a.b][in]=x y&filter[c][0][gte]=1&list[]=u&list[]=v&page=2"
    assert list(params.flatten(params.parse(text))) == [
        "fields=id,title",
        "filter[a.b][in]=x y",
        "filter[c][0][gte]=1",
        "list[0]=u",
        "list[1]=v",
        "page=2",
    ]


@given(st.text(st.sampled_from("a1[]=&.+% é"), max_size=40))
def test_no_text_is_too_odd_to_be_read(text: str) -> None:
    for name, value in params.parse(text).items():
        assert name
        assert isinstance(value, (str, list, dict))


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("25", 25),
        ("1abc", 1),
        ("abc", 0),
        ("", 0),
        ("-1", -1),
        ("+7", 7),
        ("  12", 12),
        ("1.9", 1),
        ("1e3", 1),
        ("99999999999999999999999", 2**31 - 1),
        ("-99999999999999999999999", -(2**31)),
        ("0000000000000000000000000000005", 5),
        ("9" * 5000, 2**31 - 1),
        ("٣", 0),
    ],
)
def test_integers_are_read_as_far_as_they_go(text: str, number: int) -> None:
    assert params.integer(text) == number


def test_a_list_is_no_integer() -> None:
    assert params.integer(["1"]) is None


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ("id, title ,author.*", ["id", "title", "author.*"]),
        (["id", "title,author.*"], ["id", "title", "author.*"]),
        ({"3": "id", "7": "title"}, ["id", "title"]),
        ("", None),
        (",, ", None),
        ([["x"]], None),
    ],
)
def test_names_come_as_csv_or_list(value: Any, found: list[str] | None) -> None:
    assert params.names(value) == found


def test_the_falsy_name_is_no_path() -> None:
    assert params.paths("id,0,title") == ["id", "title"]
    assert params.paths("0") is None


def _conditions(text: str) -> list[dict[str, Any]]:
    return params.conditions(params.parse(text)["filter"])


def test_conditions_keep_the_order_of_the_request() -> None:
    assert _conditions("filter[b][gte]=1&filter[a]=x&filter[b][lte]=9&filter[a.c][in]=1,2") == [
        {"field": "b", "op": "gte", "value": "1"},
        {"field": "b", "op": "lte", "value": "9"},
        {"field": "a", "value": "x"},
        {"field": "a.c", "op": "in", "value": "1,2"},
    ]


def test_logical_connects_a_field_to_the_one_before_it() -> None:
    assert _conditions("filter[a][eq]=1&filter[b][eq]=2&filter[b][logical]=or") == [
        {"field": "a", "value": "1"},
        {"field": "b", "value": "2", "or": True},
    ]


def test_logical_connects_the_operators_of_one_field() -> None:
    assert _conditions("filter[a][eq]=x&filter[a][logical]=or&filter[a][like]=y") == [
        {"field": "a", "value": "x", "or": True},
        {"field": "a", "op": "like", "value": "y", "or": True},
    ]
    assert _conditions("filter[a][eq]=x&filter[a][logical]=and&filter[a][like]=y") == [
        {"field": "a", "value": "x"},
        {"field": "a", "op": "like", "value": "y"},
    ]


def test_the_list_form_has_a_connector_for_each_entry() -> None:
    assert _conditions("filter[a][0][gte]=1&filter[a][1][lte]=5&filter[a][1][logical]=or") == [
        {"field": "a", "op": "gte", "value": "1"},
        {"field": "a", "op": "lte", "value": "5", "or": True},
    ]
    assert _conditions("filter[a][2][gte]=1&filter[a][4][lte]=5") == [
        {"field": "a", "op": "gte", "value": "1"},
        {"field": "a", "op": "lte", "value": "5"},
    ]


def test_values_may_be_lists() -> None:
    assert _conditions("filter[a][in][]=1&filter[a][in][]=2&filter[b][in][3]=x&filter[b][in][9]=y") == [
        {"field": "a", "op": "in", "value": ["1", "2"]},
        {"field": "b", "op": "in", "value": ["x", "y"]},
    ]


def test_what_is_no_operator_is_left_to_core() -> None:
    assert _conditions("filter[author][name][eq]=x") == [{"field": "author", "op": "name", "value": {"eq": "x"}}]
    assert _conditions("filter[a][]=x") == [{"field": "a", "op": "0", "value": "x"}]
    assert _conditions("filter[a][logical]=or") == []


def test_a_filter_may_be_json_text() -> None:
    assert params.conditions('{"title": {"eq": "x"}, "views": {"gte": 1, "lte": 5, "logical": "or"}, "a": null}') == [
        {"field": "title", "value": "x"},
        {"field": "views", "op": "gte", "value": 1, "or": True},
        {"field": "views", "op": "lte", "value": 5, "or": True},
        {"field": "a", "value": None},
    ]


@pytest.mark.parametrize("value", ["", "x", "null", "5", "[]", '["a"]', "{", ["a"]])
def test_anything_else_is_no_filter(value: Any) -> None:
    with pytest.raises(Unprocessable):
        params.conditions(value)


def test_a_filter_has_bounds() -> None:
    with pytest.raises(BadRequest):
        params.conditions('{"a":' * 65 + "1" + "}" * 65)
    with pytest.raises(BadRequest):
        params.conditions('{"a": [' + ",".join(['{"eq": 1}'] * 1001) + "]}")


@given(st.integers(min_value=0, max_value=80))
def test_depth_is_counted_exactly(levels: int) -> None:
    value: Any = 1
    for number in range(levels):
        value = [value] if number % 2 else {"a": value}
    assert params.too_deep(value) == (levels > 64)
