"""In charge of reading the CREATE TABLE text that SQLite keeps, for what its pragmas do not tell: collations. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator

_TOKEN = re.compile(
    r"""\s+ | --[^\n]* | /\*.*?\*/
      | '(?:[^']|'')*' | "(?:[^"]|"")*" | `(?:[^`]|``)*` | \[[^\]]*\]
      | [^\s'"`\[(),;/-]+ | .""",
    re.VERBOSE | re.DOTALL,
)
_CONSTRAINTS = frozenset({"CONSTRAINT", "PRIMARY", "UNIQUE", "CHECK", "FOREIGN"})


def collations(sql: str) -> dict[str, str]:
    """Column name → collation in upper case, for the columns of a CREATE TABLE statement that name one."""
    found: dict[str, str] = {}
    for definition in _definitions(sql):
        if definition[0].upper() in _CONSTRAINTS:
            continue
        depth = 0
        for number, word in enumerate(definition):
            depth += {"(": 1, ")": -1}.get(word, 0)
            if depth == 0 and number and word.upper() == "COLLATE" and number + 1 < len(definition):
                found[_plain(definition[0])] = _plain(definition[number + 1]).upper()
    return found


def _definitions(sql: str) -> Iterator[list[str]]:
    """The tokens of each part of the outermost parentheses, split at its commas."""
    depth = 0
    part: list[str] = []
    for match in _TOKEN.finditer(sql):
        word = match[0]
        if word.isspace() or word.startswith(("--", "/*")):
            continue
        if word == ")":
            depth -= 1
            if depth == 0:
                break
        if depth == 1 and word == ",":
            if part:
                yield part
            part = []
        elif depth >= 1:
            part.append(word)
        if word == "(":
            depth += 1
    if part:
        yield part


def _plain(word: str) -> str:
    if word[0] in "'\"`":
        return word[1:-1].replace(word[0] * 2, word[0])
    return word[1:-1] if word[0] == "[" else word
