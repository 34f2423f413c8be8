"""In charge of reading a file into records, one after the other: CSV, a JSON array, or one JSON object a line.

Only the record at hand is held. What cannot be read is refused with the line or the item at which it happened; what
the values mean is not known here. Blocking: it is run beside the event loop.
"""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO

from core.errors import InvalidPayload, Problem
from core.types.structured import deeper_than

MOST_BYTES = 10 * 1024 * 1024
"""Of one record: as large as a request that carries one item may be."""
MOST_LEVELS = 64
PART = 1 << 20

Record = tuple[Mapping[str, Any], int]
"""Name → value, and how many characters it took. In CSV a value is text, or None where there is nothing at all."""


def csv_records(file: BinaryIO, delimiter: str = ",") -> Iterator[Record]:
    """The rows below the header (RFC 4180), by its names. Raises InvalidPayload."""
    lines = _csv_lines(file, delimiter)
    try:
        _, first, _ = next(lines)
    except StopIteration:
        raise InvalidPayload("The file has no header.") from None
    names = _names(first)
    for row, (line, cells, size) in enumerate(lines):
        if len(cells) != len(names):
            message = f"Line {line} has {len(cells)} cells, the header has {len(names)}."
            raise InvalidPayload(message, problems=[Problem((row,), message)])
        yield dict(zip(names, cells, strict=True)), size


def _names(cells: list[str | None]) -> list[str]:
    names = [name or "" for name in cells]
    if "" in names:
        raise InvalidPayload(f"Column {names.index('') + 1} of the header has no name.")
    twice = next((name for place, name in enumerate(names) if name in names[:place]), None)
    if twice is not None:
        raise InvalidPayload(f'The header has the column "{twice}" twice.')
    return names


def _csv_lines(file: BinaryIO, delimiter: str) -> Iterator[tuple[int, list[str | None], int]]:
    """Number of the line, cells, size; blank lines are left out."""
    mark = re.escape(delimiter)
    cell = re.compile(rf'(?:"([^"]*(?:""[^"]*)*)"|([^"{mark}\r\n]*))(?:({mark})|\Z)')
    number = 0
    while raw := _line(file, number + 1):
        number = start = number + 1
        text = _text(raw, start)
        if start == 1:
            text = text.removeprefix("\ufeff")
        if '"' in text:
            parts, quotes, size = [text], text.count('"'), len(text)
            while quotes % 2:  # a line break within quotes
                if size > MOST_BYTES or not (raw := _line(file, number + 1)):
                    raise InvalidPayload(f"Line {start}: a quote is not closed.")
                number += 1
                parts.append(_text(raw, number))
                quotes, size = quotes + parts[-1].count('"'), size + len(parts[-1])
            text = "".join(parts)
        body = text.removesuffix("\n").removesuffix("\r")
        if not body:
            continue
        cells: list[str | None]
        if '"' in body or "\r" in body:
            cells = _cells(cell, body, start)
        else:
            cells = [one or None for one in body.split(delimiter)]
        yield start, cells, len(text)


def _cells(pattern: re.Pattern[str], text: str, line: int) -> list[str | None]:
    found: list[str | None] = []
    place = 0
    while True:
        match = pattern.match(text, place)
        if match is None:
            if "\r" in text and '"' not in text:
                raise InvalidPayload(f"Line {line} has a carriage return that ends no line.")
            raise InvalidPayload(f"Line {line}: a quote is out of place.")
        quoted, plain, more = match.groups()
        found.append(quoted.replace('""', '"') if quoted is not None else plain or None)
        if more is None:
            return found
        place = match.end()


def _line(file: BinaryIO, number: int) -> bytes:
    found = file.readline(MOST_BYTES + 1)
    if len(found) > MOST_BYTES:
        raise InvalidPayload(f"Line {number} is longer than {MOST_BYTES} bytes.")
    return found


def _text(raw: bytes, line: int) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError:
        raise InvalidPayload(f"Line {line} is not UTF-8 text.") from None


# --- JSON -----------------------------------------------------------------------------------------------------------


def ndjson_records(file: BinaryIO) -> Iterator[Record]:
    """One object a line; blank lines are left out. Raises InvalidPayload."""
    number, row = 0, 0
    while raw := _line(file, number + 1):
        number += 1
        text = _text(raw, number)
        text = (text.removeprefix("\ufeff") if number == 1 else text).strip()
        if not text:
            continue
        try:
            value = DECODER.decode(text)
        except (ValueError, RecursionError):
            message = f"Line {number} is not valid JSON."
            raise InvalidPayload(message, problems=[Problem((row,), message)]) from None
        yield _object(value, text, row, f"Line {number}"), len(text)
        row += 1


def json_records(file: BinaryIO) -> Iterator[Record]:
    """The elements of an array, read in portions. Raises InvalidPayload."""
    window = _Window(file)
    if window.next() != "[":
        raise InvalidPayload("The file is no JSON array.")
    window.place += 1
    row = 0
    if window.next() == "]":
        window.place += 1
    else:
        while True:
            value, text = window.value(row)
            yield _object(value, text, row, f"Item {row}"), len(text)
            row += 1
            end = window.next()
            window.place += 1
            if end == "]":
                break
            if end != ",":
                raise InvalidPayload(f"The file is not valid JSON after item {row - 1}.")
    if window.next():
        raise InvalidPayload("The file is not valid JSON: something follows the array.")


def _refused(name: str) -> Any:
    raise ValueError(name)


DECODER = json.JSONDecoder(parse_constant=_refused)


def _object(value: Any, text: str, row: int, what: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        message = f"{what} is no object."
        raise InvalidPayload(message, problems=[Problem((row,), message)])
    if text.count("[") + text.count("{") > MOST_LEVELS and deeper_than(MOST_LEVELS, value):
        message = f"{what} has more than {MOST_LEVELS} levels."
        raise InvalidPayload(message, problems=[Problem((row,), message)])
    return value


class _Window:
    """The part of a text file that is being looked at, from `place` on."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._decoder = codecs.getincrementaldecoder("utf-8")()
        self._ended = False
        self.text = ""
        self.place = 0
        self._more(PART)
        self.place = len(self.text) - len(self.text.removeprefix("\ufeff"))

    def next(self) -> str:
        """The next character that is no white space; "" at the end."""
        while True:
            while self.place < len(self.text):
                if self.text[self.place] not in " \t\r\n":
                    return self.text[self.place]
                self.place += 1
            if self._ended:
                return ""
            self._more(PART)

    def value(self, row: int) -> tuple[Any, str]:
        """The object that begins here, and its text."""
        message = f"Item {row} is not valid JSON."
        if self.next() != "{":  # a number or a word could go on beyond the window
            message = f"Item {row} is no object." if self.next() else "The file ends within the array."
            raise InvalidPayload(message, problems=[Problem((row,), message)])
        while True:
            try:
                value, end = DECODER.raw_decode(self.text, self.place)
            except (ValueError, RecursionError):
                held = len(self.text) - self.place
                if self._ended or held > MOST_BYTES:
                    raise InvalidPayload(message, problems=[Problem((row,), message)]) from None
                self._more(max(PART, held))
                continue
            text = self.text[self.place : end]
            self.place = end
            return value, text

    def _more(self, size: int) -> None:
        raw = self._file.read(size)
        self._ended = not raw
        try:
            found = self._decoder.decode(raw, final=self._ended)
        except UnicodeDecodeError:
            raise InvalidPayload("The file is not UTF-8 text.") from None
        self.text, self.place = self.text[self.place :] + found, 0
