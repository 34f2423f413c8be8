"""In charge of reading project files of Directus 8: PHP that returns a literal array (spec 01 §13). It runs nothing.

A small reader of its own takes texts, numbers, true, false, null and arrays of them. Whatever PHP would have to
compute (variables, calls, constants, texts with variables in them) is refused with its line; what stands there is not
told, because such files hold secrets. A class constant is taken as the key of an entry only, as PDO options are.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from core.settings.tree import TREE, Branch, ConfigurationError, Leaf, Open, plain

LARGEST = 1_000_000
DEEPEST = 40

_TOKEN = re.compile(
    r"""(?P<space>\s+|\#[^\n]*?(?=\?>|\n|\Z)|//[^\n]*?(?=\?>|\n|\Z)|/\*.*?\*/)
    |(?P<open><\?php(?=\s|\Z))
    |(?P<close>\?>)
    |(?P<single>'(?:[^'\\]|\\.)*')
    |(?P<double>"(?:[^"\\]|\\.)*")
    |(?P<number>0[xX][0-9a-fA-F_]+|0[bB][01_]+|(?:\d[\d_]*)?\.\d[\d_]*(?:[eE][+-]?\d+)?|\d[\d_]*\.?(?:[eE][+-]?\d+)?)
    |(?P<name>\\?[A-Za-z_][A-Za-z0-9_]*(?:\\[A-Za-z_][A-Za-z0-9_]*)*)
    |(?P<mark>=>|::|[\[\](),;=+-])""",
    re.VERBOSE | re.DOTALL,
)
_ESCAPE = re.compile(r"\\(?:([nrtvef\\$\"])|([0-7]{1,3})|x([0-9A-Fa-f]{1,2})|u\{([0-9A-Fa-f]{1,6})\})")
_ESCAPED = {"n": "\n", "r": "\r", "t": "\t", "v": "\v", "e": "\x1b", "f": "\f", "\\": "\\", "$": "$", '"': '"'}
_VARIABLE = re.compile(r"(?<!\\)(?:\\\\)*(?:\$[A-Za-z_{]|\{\$)")
_WHOLE = re.compile(r"-?(?:0|[1-9]\d*)")
_WORDS: Mapping[str, Any] = {"true": True, "false": False, "null": None}

# What the options of PDO are called here.
PDO = {
    "PDO::MYSQL_ATTR_SSL_CA": "ssl_ca",
    "PDO::MYSQL_ATTR_SSL_CAPATH": "ssl_capath",
    "PDO::MYSQL_ATTR_SSL_CERT": "ssl_cert",
    "PDO::MYSQL_ATTR_SSL_KEY": "ssl_key",
    "PDO::MYSQL_ATTR_SSL_CIPHER": "ssl_cipher",
    "PDO::MYSQL_ATTR_SSL_VERIFY_SERVER_CERT": "ssl_verify_server_cert",
}


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    line: int


def parse(text: str) -> Any:
    """The value that a PHP file returns: lists, and mappings with text keys. Raises ConfigurationError with a line."""
    if len(text) > LARGEST:
        raise ConfigurationError("the file is too large for a configuration")
    return _Reader([*_tokens(text.removeprefix("\ufeff")), _Token("end", "", text.count("\n") + 1)]).file()


def import_config(text: str) -> tuple[dict[str, Any], tuple[str, ...]]:
    """A project's configuration in our names, and the paths of what no key of ours takes.

    Only what the file gives is in it: defaults stay defaults. Raises ConfigurationError.
    """
    given = parse(text)
    if not isinstance(given, dict):
        raise ConfigurationError("the file does not return an array of named settings")
    dropped: list[str] = []
    return _renamed(given, TREE, "", dropped), tuple(dropped)


def _renamed(given: Mapping[str, Any], branch: Branch, path: str, dropped: list[str]) -> dict[str, Any]:
    names = {plain(name): name for name in branch}
    result: dict[str, Any] = {}
    for key, value in given.items():
        name = names.get(plain(key))
        if name is None:
            dropped.append(f"{path}{key}")
            continue
        node = branch[name]
        if isinstance(node, Leaf | Open) or not isinstance(value, dict):
            result[name] = {} if value == [] and not isinstance(node, Leaf) else value
        else:
            result[name] = _renamed(value, node, f"{path}{name}.", dropped)
        if name == "driver_options" and isinstance(value, dict):
            result[name] = {PDO.get(option.lstrip("\\"), option): setting for option, setting in value.items()}
    return result


def _tokens(text: str) -> Iterator[_Token]:
    at, line = 0, 1
    while at < len(text):
        found = _TOKEN.match(text, at)
        if found is None:
            raise _refused(line, "it is not a literal")
        kind = str(found.lastgroup)
        if kind != "space":
            yield _Token(kind, found[0], line)
        line += found[0].count("\n")
        at = found.end()


def _refused(line: int, why: str) -> ConfigurationError:
    return ConfigurationError(f"line {line}: {why}; only literal arrays are read")


class _Reader:
    """Goes through the tokens once."""

    def __init__(self, tokens: list[_Token]) -> None:
        self._tokens = tokens
        self._at = 0

    def file(self) -> Any:
        if self._next().kind != "open":
            raise ConfigurationError("the file does not begin with <?php")
        if self._is_name("declare"):
            while self._next().text not in (";", ""):
                pass
        if not self._is_name("return"):
            raise _refused(self._peek().line, "this is not `return`")
        self._next()
        value = self._value(0)
        if self._peek().text == ";":
            self._next()
        if self._peek().kind == "close":
            self._next()
        if self._peek().kind != "end":
            raise _refused(self._peek().line, "something follows the array")
        return value

    def _peek(self) -> _Token:
        return self._tokens[self._at]

    def _next(self) -> _Token:
        token = self._tokens[self._at]
        self._at = min(self._at + 1, len(self._tokens) - 1)
        return token

    def _is_name(self, name: str) -> bool:
        token = self._peek()
        return token.kind == "name" and token.text.lower() == name

    def _value(self, depth: int) -> Any:
        if depth > DEEPEST:
            raise _refused(self._peek().line, "arrays are nested too deeply")
        token = self._next()
        match token.kind:
            case "single":
                return re.sub(r"\\([\\'])", r"\1", token.text[1:-1])
            case "double":
                return _double(token)
            case "number":
                return _number(token, 1)
            case "mark" if token.text in "+-":
                number = self._next()
                if number.kind == "number":
                    return _number(number, -1 if token.text == "-" else 1)
            case "mark" if token.text == "[":
                return self._array("]", depth)
            case "name":
                word = token.text.lower().lstrip("\\")
                if word == "array" and self._peek().text == "(":
                    self._next()
                    return self._array(")", depth)
                if word in _WORDS and self._peek().text not in ("(", "::"):
                    return _WORDS[word]
        raise _refused(token.line, "the value is not a literal")

    def _array(self, end: str, depth: int) -> Any:
        found: dict[int | str, Any] = {}
        following = 0
        while self._peek().text != end:
            constant = self._constant()
            value: Any = constant if constant is not None else self._value(depth + 1)
            key: int | str
            if self._peek().text == "=>":
                line = self._next().line
                key, value = _key(value, line), self._value(depth + 1)
            elif constant is not None:
                raise _refused(self._peek().line, "the value is not a literal")
            else:
                key = following
            if isinstance(key, int):
                following = max(following, key + 1)
            found[key] = value
            if self._peek().text == ",":
                self._next()
            elif self._peek().text != end:
                raise _refused(self._peek().line, "the value is not a literal")
        self._next()
        if list(found) == list(range(len(found))):
            return list(found.values())
        return {str(key): value for key, value in found.items()}

    def _constant(self) -> str | None:
        """A class constant such as PDO::ATTR_TIMEOUT, as text."""
        names = self._tokens[self._at : self._at + 3]
        if [one.kind for one in names] == ["name", "mark", "name"] and names[1].text == "::":
            self._at += 3
            return "".join(one.text for one in names)
        return None


def _double(token: _Token) -> str:
    text = token.text[1:-1]
    if _VARIABLE.search(text):
        raise _refused(token.line, "the text holds a variable")

    def meant(found: re.Match[str]) -> str:
        letter, octal, hexadecimal, point = found.groups()
        if letter:
            return _ESCAPED[letter]
        code = int(octal, 8) & 0xFF if octal else int(hexadecimal or point, 16)
        if code > 0x10FFFF or 0xD800 <= code <= 0xDFFF:
            raise _refused(token.line, "the text names a character that there is not")
        return chr(code)

    return _ESCAPE.sub(meant, text)


def _number(token: _Token, sign: int) -> int | float:
    text = token.text.replace("_", "").lower()
    if text.startswith(("0x", "0b")):
        return sign * int(text, 0)
    if any(letter in text for letter in ".e"):
        return sign * float(text)
    try:
        return sign * int(text, 8 if text.startswith("0") and text != "0" else 10)
    except ValueError:
        raise _refused(token.line, "this is no number") from None


def _key(value: Any, line: int) -> int | str:
    """A key as PHP makes it: whole numbers are numbers, also as text."""
    if isinstance(value, list | dict):
        raise _refused(line, "an array cannot be a key")
    if value is None:
        return ""
    if isinstance(value, str):
        return int(value) if _WHOLE.fullmatch(value) and value != "-0" else value
    return int(value)
