"""In charge of how files are read into records, and of what is said about files that cannot be."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import InvalidPayload
from core.transfer import csv, records
from core.transfer.records import csv_records, json_records, ndjson_records


def read(reader: Any, text: str | bytes, *more: str) -> list[dict[str, Any]]:
    raw = text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass")
    return [dict(row) for row, _ in reader(io.BytesIO(raw), *more)]


def refused(reader: Any, text: str | bytes, *more: str) -> tuple[str, list[Any]]:
    with pytest.raises(InvalidPayload) as caught:
        read(reader, text, *more)
    return caught.value.message, [one.path for one in caught.value.problems]


def test_csv_tells_nothing_from_the_empty_text() -> None:
    assert read(csv_records, 'a,b,c\r\n1,,""\r\n') == [{"a": "1", "b": None, "c": ""}]


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("\ufeffa,b\n1,2\n", [{"a": "1", "b": "2"}]),
        ("a,b\n1,2", [{"a": "1", "b": "2"}]),
        ("a,b\n\n1,2\n\r\n", [{"a": "1", "b": "2"}]),
        ('"a","b"\n"x ""y""","1,\r\n2"\n', [{"a": 'x "y"', "b": "1,\r\n2"}]),
        ("a\n", []),
        ('a,b\n"",\n', [{"a": "", "b": None}]),
        ("a,b\n ä ,\u2028\n", [{"a": " ä ", "b": "\u2028"}]),
    ],
)
def test_csv_forms(text: str, rows: list[dict[str, Any]]) -> None:
    assert read(csv_records, text) == rows


def test_csv_with_another_delimiter() -> None:
    assert read(csv_records, 'a;b\n"1;2";3,4\n', ";") == [{"a": "1;2", "b": "3,4"}]
    assert read(csv_records, "a\tb\n1\t\n", "\t") == [{"a": "1", "b": None}]


@pytest.mark.parametrize(
    ("text", "message", "paths"),
    [
        (b"", "The file has no header.", []),
        (b"\n\n", "The file has no header.", []),
        (b"a,b\n1,2\n1\n", "Line 3 has 1 cells, the header has 2.", [(1,)]),
        (b"a,b\n1,2,3\n", "Line 2 has 3 cells, the header has 2.", [(0,)]),
        (b"a,b,a\n", 'The header has the column "a" twice.', []),
        (b"a,,c\n", "Column 2 of the header has no name.", []),
        (b'a,b\n1,"2\n3,4\n', "Line 2: a quote is not closed.", []),
        (b'a,b\n1,"2"3\n', "Line 2: a quote is out of place.", []),
        (b'a,b\n1,2"3"\n', "Line 2: a quote is out of place.", []),
        (b"a,b\r1,2\r", "Line 1 has a carriage return that ends no line.", []),
        (b"a,b\n1,\xff\n", "Line 2 is not UTF-8 text.", []),
        ("a,b\n1,2\n".encode("utf-16"), "Line 1 is not UTF-8 text.", []),
    ],
)
def test_csv_that_cannot_be_read(text: bytes, message: str, paths: list[Any]) -> None:
    assert refused(csv_records, text) == (message, paths)


@given(
    st.lists(
        st.lists(st.none() | st.text(st.characters(exclude_categories=["Cs"])), min_size=2, max_size=2), max_size=5
    )
)
def test_csv_that_was_written_here_is_read_as_it_was(rows: list[list[str | None]]) -> None:
    text = csv.header(["a", "b"]) + "".join(csv.record(csv.cell(one) for one in row) for row in rows)
    found = read(csv_records, text)
    assert [[None if cell is None else csv.undefuse(cell) for cell in row.values()] for row in found] == rows


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("[]", []),
        (" \n[ ] \n", []),
        ('\ufeff[{"a": 1}, {"a": [2, {"b": null}]}]', [{"a": 1}, {"a": [2, {"b": None}]}]),
        ('[{"a": "\\ud800"}]', [{"a": "\ud800"}]),
    ],
)
def test_json_forms(text: str, rows: list[dict[str, Any]]) -> None:
    assert read(json_records, text) == rows


def test_json_is_read_over_the_edges_of_portions(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [{"number": number, "text": "ä" * (number % 7), "more": [number]} for number in range(50)]
    for part in (1, 2, 3, 7, 64):
        monkeypatch.setattr(records, "PART", part)
        assert read(json_records, json.dumps(rows, ensure_ascii=False)) == rows


@pytest.mark.parametrize(
    ("text", "message", "paths"),
    [
        (b"", "The file is no JSON array.", []),
        (b'{"a": 1}', "The file is no JSON array.", []),
        (b"[1]", "Item 0 is no object.", [(0,)]),
        (b'[{"a": 1}, [2]]', "Item 1 is no object.", [(1,)]),
        (b'[{"a": 1}, {"a": }]', "Item 1 is not valid JSON.", [(1,)]),
        (b'[{"a": 1},', "The file ends within the array.", [(1,)]),
        (b'[{"a": 1}', "The file is not valid JSON after item 0.", []),
        (b'[{"a": 1} {"a": 2}]', "The file is not valid JSON after item 0.", []),
        (b'[{"a": 1}] x', "The file is not valid JSON: something follows the array.", []),
        (b'[{"a": NaN}]', "Item 0 is not valid JSON.", [(0,)]),
        (b'[{"a": "\xff"}]', "The file is not UTF-8 text.", []),
        (b'[{"a": ' + b"[" * 100 + b"]" * 100 + b"}]", "Item 0 has more than 64 levels.", [(0,)]),
        (b'[{"a": ' + b"[" * 100_000 + b"]" * 100_000 + b"}]", "Item 0 is not valid JSON.", [(0,)]),
        (b'[{"a": ' + b"9" * 5000 + b"}]", "Item 0 is not valid JSON.", [(0,)]),
    ],
)
def test_json_that_cannot_be_read(text: bytes, message: str, paths: list[Any]) -> None:
    assert refused(json_records, text) == (message, paths)


def test_one_object_a_line() -> None:
    assert read(ndjson_records, '\ufeff{"a": 1}\r\n\n{"a": [2]}') == [{"a": 1}, {"a": [2]}]
    assert refused(ndjson_records, '{"a": 1}\n\n{"a": }\n') == ("Line 3 is not valid JSON.", [(1,)])
    assert refused(ndjson_records, '{"a": 1}\n[2]\n') == ("Line 2 is no object.", [(1,)])
    assert refused(ndjson_records, b"\xff\n") == ("Line 1 is not UTF-8 text.", [])


class Endless(io.RawIOBase):
    """A file whose one line has no end."""

    def __init__(self, head: bytes, byte: bytes = b"x") -> None:
        self.head, self.byte, self.taken = head, byte, 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        found = (self.head + self.byte * len(buffer))[: len(buffer)]
        self.head = self.head[len(buffer) :]
        buffer[: len(found)] = found
        self.taken += len(found)
        return len(found)


@pytest.mark.parametrize(
    ("reader", "head", "byte", "message"),
    [
        (csv_records, b"a,b\n1,", b"x", "Line 2 is longer than 10485760 bytes."),
        (csv_records, b'a,b\n1,"', b"x\n", "Line 2: a quote is not closed."),
        (ndjson_records, b'{"a": "', b"x", "Line 1 is longer than 10485760 bytes."),
        (json_records, b'[{"a": "', b"x", "Item 0 is not valid JSON."),
    ],
)
def test_a_record_without_end_is_not_waited_for(reader: Any, head: bytes, byte: bytes, message: str) -> None:
    file = Endless(head, byte)
    with pytest.raises(InvalidPayload) as caught:
        list(reader(io.BufferedReader(file)))
    assert caught.value.message == message
    assert file.taken < 4 * records.MOST_BYTES
