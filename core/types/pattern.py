"""In charge of PHP's delimited regular expressions: validation of fields (spec 03 §7), password policy (02 §8.3). Pure.

Expressions come from the schema, the text from clients, so matching has a time limit: an expression that backtracks
without end costs its owner's users a refusal, and the server nothing more.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

FLAGS = {"i": "IGNORECASE", "m": "MULTILINE", "s": "DOTALL", "x": "VERBOSE", "u": "UNICODE"}
BRACKETS = {"(": ")", "[": "]", "{": "}", "<": ">"}
SECONDS = 0.1
"""Longest match; a sane expression takes microseconds."""
LONGEST = 10_000
"""Characters of an expression; the column holds 500."""


class BadPattern(ValueError):
    """An expression that is none, or has flags other than i, m, s, u, x (422/12)."""


@lru_cache(maxsize=512)
def compiled(expression: str) -> Callable[[str], bool]:
    """The test for a delimited expression such as `/^a/i`: whether it is found in a text. Raises BadPattern."""
    import regex  # slow to import, and most projects have no expressions

    body, flags = _parts(expression)
    options = regex.VERSION0
    for flag in flags:
        if flag not in FLAGS:
            raise BadPattern(f"flag {flag}")
        options |= regex.RegexFlag[FLAGS[flag]]
    if "u" not in flags:
        options |= regex.ASCII  # PCRE knows letters beyond ASCII in \w and \d with /u only
    try:
        found: regex.Pattern[str] = regex.compile(_translated(body), options)
    except (regex.error, RecursionError, OverflowError, ValueError) as error:
        raise BadPattern("the expression does not compile") from error

    def matches(text: str) -> bool:
        try:
            return found.search(text, timeout=SECONDS) is not None
        except TimeoutError:
            return False

    return matches


def accepts(expression: str | None, text: str) -> bool:
    """Whether a text passes an expression; the empty one lets everything pass. Raises BadPattern."""
    return not expression or compiled(expression)(text)


def _parts(expression: str) -> tuple[str, str]:
    """Body and flags: the first character is the delimiter, its last occurrence (or closing bracket) ends the body."""
    text = expression.lstrip()
    if not text or len(text) > LONGEST or text[0].isalnum() or text[0] in "\\\0":
        raise BadPattern("no delimiter")
    end = text.rfind(BRACKETS.get(text[0], text[0]))
    if end < 1:
        raise BadPattern("no closing delimiter")
    return text[1:end], text[end + 1 :].strip("\r\n ")


# What PCRE spells otherwise than the matcher.
ESCAPES = {
    "z": r"\Z", "Z": r"(?=\n?\Z)", "e": r"\x1b", "h": r"[\t\p{Zs}]", "H": r"[^\t\p{Zs}]", "G": r"\A",
}  # fmt: skip
ESCAPES_IN_CLASS = {"e": r"\x1b", "h": r"\t\p{Zs}", "b": r"\x08"}


def _translated(body: str) -> str:
    out: list[str] = []
    at, inside, first = 0, False, 0
    while at < len(body):
        char = body[at]
        if char == "\\":
            piece, at = _escape(body, at, inside)
            out.append(piece)
            continue
        if inside:
            if char == "]" and at > first:
                inside = False
            elif char == "[" and body.startswith(("[:", "[.", "[="), at):
                end = body.find(body[at + 1] + "]", at + 2)
                if end > 0:
                    out.append(body[at : end + 2])
                    at = end + 2
                    continue
                char = r"\["
            elif char == "[" or (char in "&|~-" and body.startswith(char, at + 1)):
                char = "\\" + char  # no sets within sets in PCRE
        elif char == "[":
            inside = True
            first = at + 2 if body.startswith("^", at + 1) else at + 1
        elif char == "{" and body.startswith(",", at + 1):
            char = r"\{"  # {,3} is literal in PCRE
        out.append(char)
        at += 1
    return "".join(out)


def _escape(body: str, at: int, inside: bool) -> tuple[str, int]:
    """One escape sequence at `at`, translated, and where it ends."""
    if at + 1 >= len(body):
        raise BadPattern("ends with a backslash")
    char = body[at + 1]
    if char == "Q":
        end = body.find(r"\E", at + 2)
        literal = body[at + 2 : end if end >= 0 else len(body)]
        return _literal(literal), end + 2 if end >= 0 else len(body)
    if char == "E":
        return "", at + 2
    if char == "x" and body.startswith("{", at + 2):
        end = body.find("}", at)
        try:
            return _literal(chr(int(body[at + 3 : end], 16))), end + 1
        except (ValueError, OverflowError):
            raise BadPattern("no character") from None
    if char == "k" and body[at + 2 : at + 3] in ("<", "{", "'"):
        end = body.find({"<": ">", "{": "}", "'": "'"}[body[at + 2]], at + 3)
        if end > 0:
            return f"(?P={body[at + 3 : end]})", end + 1
    known = ESCAPES_IN_CLASS if inside else ESCAPES
    if char in known:
        return known[char], at + 2
    return "\\" + char, at + 2


def _literal(text: str) -> str:
    import regex

    return regex.escape(text, special_only=False)
