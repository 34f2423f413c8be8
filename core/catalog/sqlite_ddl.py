"""In charge of the CREATE TABLE text that SQLite keeps: reading what its pragmas do not tell, and editing it. Pure.

What is not understood stays as it stands: a table is rebuilt from its own text, so that checks, collations, foreign
keys and comments outlive a change of one column.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

_TOKEN = re.compile(
    r"""\s+ | --[^\n]* | /\*.*?\*/
      | '(?:[^']|'')*' | "(?:[^"]|"")*" | `(?:[^`]|``)*` | \[[^\]]*\]
      | [^\s'"`\[(),;/-]+ | .""",
    re.VERBOSE | re.DOTALL,
)
_CONSTRAINTS = frozenset({"CONSTRAINT", "PRIMARY", "UNIQUE", "CHECK", "FOREIGN"})
# The words that begin a constraint of a column; what stands before the first of them is its type.
_CLAUSES = frozenset(
    {"CONSTRAINT", "PRIMARY", "NOT", "NULL", "UNIQUE", "CHECK", "DEFAULT", "COLLATE", "REFERENCES", "GENERATED", "AS"}
)


@dataclass(frozen=True, slots=True)
class Clause:
    """A constraint of a column: what it is (NOT, DEFAULT, CHECK, …) and its words; `name` is CONSTRAINT and a name."""

    kind: str
    words: tuple[str, ...]
    name: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        return joined((*self.name, *self.words))


@dataclass(frozen=True, slots=True)
class Definition:
    """One part of the parentheses of CREATE TABLE. `column`: its name, None for a constraint of the table."""

    column: str | None
    words: tuple[str, ...]

    @property
    def text(self) -> str:
        return joined(self.words)

    @property
    def type(self) -> tuple[str, ...]:
        """The words of a column's type."""
        found: list[str] = []
        depth = 0
        for word in self.words[1:]:
            if depth == 0 and _bare(word).upper() in _CLAUSES:
                break
            depth += {"(": 1, ")": -1}.get(_bare(word), 0)
            found.append(word)
        return tuple(found)

    @property
    def clauses(self) -> tuple[Clause, ...]:
        """The constraints of a column, in their order."""
        return tuple(_clauses(self.words[1 + len(self.type) :]))

    @property
    def kind(self) -> str:
        """Of a constraint of the table: PRIMARY, UNIQUE, CHECK or FOREIGN."""
        words = self.words[2:] if _bare(self.words[0]).upper() == "CONSTRAINT" else self.words
        return _bare(words[0]).upper()

    @property
    def columns(self) -> tuple[str, ...]:
        """Of a key of the table: its columns."""
        words = [_bare(word) for word in self.words]
        start = words.index("(") + 1 if "(" in words else len(words)
        found: list[str] = []
        fresh = True
        for word in words[start:]:
            if word == ")":
                break
            if fresh:
                found.append(_plain(word))
            fresh = word == ","
        return tuple(found)

    def mentions(self, name: str) -> bool:
        """Whether the name stands in it anywhere."""
        return any(_plain(word).lower() == name.lower() for word in self.words)


@dataclass(frozen=True, slots=True)
class Statement:
    """A CREATE TABLE statement taken apart. `tail`: what follows the parentheses (WITHOUT ROWID, STRICT)."""

    definitions: tuple[Definition, ...]
    tail: str

    def text(self, name: str) -> str:
        """The statement under another name, which comes quoted."""
        inside = ",\n  ".join(definition.text for definition in self.definitions)
        return f"CREATE TABLE {name} (\n  {inside}\n){self.tail}"

    def column(self, name: str) -> Definition | None:
        """The definition of a column, whatever case its name is written in."""
        return next((one for one in self.definitions if one.column and one.column.lower() == name.lower()), None)

    def replaced(self, old: Definition, new: Definition | None) -> Statement:
        """With another definition in its place, or without it."""
        kept = [new if one is old else one for one in self.definitions]
        return replace(self, definitions=tuple(one for one in kept if one is not None))

    def added(self, column: Definition) -> Statement:
        """With one more column behind the others."""
        columns = [one for one in self.definitions if one.column is not None]
        others = [one for one in self.definitions if one.column is None]
        return replace(self, definitions=(*columns, column, *others))


def parse(sql: str) -> Statement:
    """Take a CREATE TABLE statement apart. Comments are lost."""
    definitions: list[Definition] = []
    end = 0
    for words, place in _parts(sql):
        column = None if _bare(words[0]).upper() in _CONSTRAINTS else _plain(words[0])
        definitions.append(Definition(column, tuple(words)))
        end = place
    return Statement(tuple(definitions), sql[end:].rstrip().rstrip(";"))


def definition(text: str) -> Definition:
    """One column definition from its text."""
    words = tuple(word for word, _ in _words(text))
    return Definition(_plain(words[0]), words)


def collations(sql: str) -> dict[str, str]:
    """Column name → collation in upper case, for the columns of a CREATE TABLE statement that name one."""
    found: dict[str, str] = {}
    for one in parse(sql).definitions:
        if one.column is None:
            continue
        for clause in one.clauses:
            if clause.kind == "COLLATE" and len(clause.words) > 1:
                found[one.column] = _plain(clause.words[1]).upper()
    return found


def joined(words: Iterable[str]) -> str:
    """Words as text again."""
    return "".join(words).strip()


def _words(text: str) -> Iterator[tuple[str, int]]:
    """The words of a text and where each ends; one that had room before it begins with a space."""
    gap = ""
    for match in _TOKEN.finditer(text):
        if match[0].isspace() or match[0].startswith(("--", "/*")):
            gap = " "
        else:
            yield gap + match[0], match.end()
            gap = ""


def _bare(word: str) -> str:
    return word.removeprefix(" ")


def _parts(sql: str) -> Iterator[tuple[list[str], int]]:
    """The words of each part of the outermost parentheses, split at its commas, and where these end."""
    depth = 0
    part: list[str] = []
    found: list[list[str]] = []
    end = len(sql)
    for word, place in _words(sql):
        bare = _bare(word)
        if bare == ")":
            depth -= 1
            if depth == 0:
                end = place
                break
        if depth == 1 and bare == ",":
            if part:
                found.append(part)
            part = []
        elif depth >= 1:
            part.append(word)
        if bare == "(":
            depth += 1
    if part:
        found.append(part)
    for one in found:
        yield one, end


def _clauses(words: Sequence[str]) -> Iterator[Clause]:
    """Split what follows the type. A clause ends where the next one begins, which words of REFERENCES only seem to."""
    name: tuple[str, ...] = ()
    start = 0
    while start < len(words):
        kind = _bare(words[start]).upper()
        if kind == "CONSTRAINT":
            name = tuple(words[start : start + 2])
            start += 2
            continue
        end = start + 1
        if kind in ("NOT", "PRIMARY"):
            end += 1  # NULL, KEY
        elif kind == "GENERATED":
            end += 2  # ALWAYS AS
        elif kind == "DEFAULT":
            end = _value(words, end)
        depth = 0
        while end < len(words):
            word = _bare(words[end]).upper()
            depth += {"(": 1, ")": -1}.get(word, 0)
            if depth == 0 and word in _CLAUSES and not _continues(kind, words, end):
                break
            end += 1
        yield Clause(kind, tuple(words[start:end]), name)
        name, start = (), end


def _value(words: Sequence[str], place: int) -> int:
    """Where the value of a DEFAULT ends: a parenthesis, a literal, a signed number, a word."""
    if place < len(words) and _bare(words[place]) == "(":
        depth = 0
        while place < len(words):
            depth += {"(": 1, ")": -1}.get(_bare(words[place]), 0)
            place += 1
            if depth == 0:
                break
        return place
    return place + (2 if place < len(words) and _bare(words[place]) in "+-" else 1)


def _continues(kind: str, words: Sequence[str], place: int) -> bool:
    """Whether a word that could begin a clause belongs to the one before: ON DELETE SET NULL, NOT DEFERRABLE."""
    if kind != "REFERENCES":
        return False
    before = _bare(words[place - 1]).upper()
    after = _bare(words[place + 1]).upper() if place + 1 < len(words) else ""
    return before == "SET" or (_bare(words[place]).upper() == "NOT" and after == "DEFERRABLE")


def _plain(word: str) -> str:
    word = _bare(word)
    if word[0] in "'\"`":
        return word[1:-1].replace(word[0] * 2, word[0])
    return word[1:-1] if word[0] == "[" else word
