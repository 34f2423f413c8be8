"""In charge of the CSV form of values (RFC 4180) and of cells that no spreadsheet runs as a formula. Pure.

A spreadsheet runs a cell that begins with `=`, `+`, `-`, `@`, tab or carriage return. Such text gets an apostrophe in
front, and so does text that already has apostrophes before such a character: what `undefuse` takes off is always what
`defuse` put there. Numbers stay numbers.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any, Literal

import orjson

Kind = Literal["text", "number", "json"]
"""What a column holds: "json" is always JSON text, so that a text in it is not taken for anything else."""

END = "\r\n"

_FORMULA = re.compile(r"'*[=+\-@\t\r]")
_DEFUSED = re.compile(r"'+[=+\-@\t\r]")
_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?")
_SUSPECT = "'=+-@\t\r"


def defuse(text: str) -> str:
    """The text as a cell that is only text."""
    return "'" + text if text and text[0] in _SUSPECT and _FORMULA.match(text) else text


def undefuse(text: str) -> str:
    """The text that `defuse` was given; text that it would not have made stays as it is."""
    return text[1:] if _DEFUSED.match(text) else text


def cell(value: Any, kind: Kind = "text") -> str | None:
    """The text of a value in REST form; None for null. Lists and maps are JSON text, truth is `true` or `false`."""
    if value is None:
        return None
    if kind == "json":
        return json_text(value)
    if type(value) is int:
        return str(value)
    if isinstance(value, str):
        if kind == "number" and _NUMBER.fullmatch(value):  # 64 bit and decimals travel as text
            return value
        return defuse(value)
    return json_text(value)


def json_text(value: Any) -> str:
    """Compact JSON; it begins with no character that makes a formula, but for the sign of a number."""
    return orjson.dumps(value).decode()


def record(cells: Iterable[str | None]) -> str:
    """One line with its end. Null is nothing at all, the empty text is `""`; readers that do not look at quotes see
    both as empty."""
    return ",".join(["" if text is None else text if _is_plain(text) else _quoted(text) for text in cells]) + END


def header(names: Sequence[str]) -> str:
    """The first line."""
    return record(defuse(name) for name in names)


def _is_plain(text: str) -> bool:
    """The cell needs no quotes. Cheaper than an expression, and asked for every cell of a large file."""
    return not (
        not text
        or "," in text
        or '"' in text
        or "\n" in text
        or "\r" in text
        or text[0].isspace()
        or text[-1].isspace()
    )


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'
