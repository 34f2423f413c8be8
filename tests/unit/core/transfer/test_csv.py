"""In charge of the CSV form of values: RFC 4180, formulas made harmless and themselves again, numbers untouched."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.transfer.csv import Kind, cell, defuse, header, record, undefuse

FORMULAS = ["=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\rx", "=", "-", '=HYPERLINK("http://x")']


@pytest.mark.parametrize("text", FORMULAS)
def test_a_formula_gets_an_apostrophe_and_loses_it_again(text: str) -> None:
    assert defuse(text) == "'" + text
    assert undefuse("'" + text) == text


@pytest.mark.parametrize("text", ["", "a", "a=b", "1-1", " =1", "'quoted'", "'", "''", "\n=1"])
def test_other_text_stays_as_it_is_both_ways(text: str) -> None:
    assert defuse(text) == text
    assert undefuse(text) == text


def test_an_apostrophe_of_the_text_itself_is_not_lost() -> None:
    assert defuse("'=1") == "''=1"
    assert undefuse("''=1") == "'=1"


@given(st.text() | st.from_regex(r"'*[=+\-@\t\r].*", fullmatch=True))
def test_every_text_comes_back(text: str) -> None:
    assert undefuse(defuse(text)) == text
    assert not defuse(text).startswith(("=", "+", "-", "@", "\t", "\r"))


@pytest.mark.parametrize(
    ("value", "kind", "text"),
    [
        (None, "text", None),
        (None, "json", None),
        ("", "text", ""),
        (-5, "number", "-5"),
        (-5, "text", "-5"),
        (-0.5, "number", "-0.5"),
        ("-9223372036854775808", "number", "-9223372036854775808"),
        ("-12.50", "number", "-12.50"),
        ("-12.50", "text", "'-12.50"),
        ("-1+1", "number", "'-1+1"),
        (True, "text", "true"),
        (False, "number", "false"),
        (["=a", "b"], "text", '["=a","b"]'),
        ({"k": [1]}, "json", '{"k":[1]}'),
        ("=x", "json", '"=x"'),
        ("ü,\n", "text", "ü,\n"),
    ],
)
def test_a_value_as_a_cell(value: Any, kind: Kind, text: str | None) -> None:
    assert cell(value, kind) == text


def test_a_record_is_what_rfc_4180_says() -> None:
    assert record(["a", 'b"c', "d,e", "f\r\ng", " h ", "", None]) == 'a,"b""c","d,e","f\r\ng"," h ","",\r\n'
    assert header(["id", "=x", "author.name"]) == "id,'=x,author.name\r\n"


@given(
    st.lists(
        st.lists(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00")), min_size=2, max_size=2)
    )
)
def test_another_reader_reads_what_was_written(rows: list[list[str]]) -> None:
    text = "".join(record(row) for row in rows)
    assert list(csv.reader(io.StringIO(text, newline=""), strict=True)) == rows
