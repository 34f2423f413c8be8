"""In charge of values that hold others inside text or bytes: JSON, CSV, base64. Pure; names no field."""

from __future__ import annotations

import binascii
import json
import re
from base64 import b64decode, b64encode
from decimal import Decimal
from typing import Any

import orjson

from core.types.numbers import text_of

ESCAPED_NUL = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")


def json_text(value: Any) -> str | None:
    """JSON text of a decoded value, compact; None when it holds what JSON or UTF-8 cannot."""
    try:
        return orjson.dumps(value).decode()
    except orjson.JSONEncodeError:
        pass
    try:  # orjson refuses integers beyond 64 bit and deep nesting, which both are JSON
        text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False, default=_plain)
        text.encode()
    except (TypeError, ValueError, RecursionError):
        return None
    return text


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return float(value)
    raise TypeError(type(value).__name__)


def json_value(text: str | bytes) -> Any:
    """The decoded value of JSON text; None when it is empty or invalid (spec 03 §8.2)."""
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return None


def has_nul(text: str) -> bool:
    """Whether JSON text escapes U+0000, which PostgreSQL's jsonb refuses."""
    return "\\u0000" in text and ESCAPED_NUL.search(text) is not None


def csv_text(values: list[Any]) -> str | None:
    """Elements joined by commas, as `array` fields are stored; None when one is no scalar or holds a comma."""
    parts: list[str] = []
    for value in values:
        if isinstance(value, (list, tuple, dict)):
            return None
        part = scalar_text(value)
        if "," in part:
            return None
        parts.append(part)
    return ",".join(parts)


def scalar_text(value: Any) -> str:
    """A scalar as text: numbers as PHP prints them, null as nothing."""
    if value is None:
        return ""
    return value if isinstance(value, str) else text_of(value)


def base64_bytes(text: str) -> bytes | None:
    """The bytes of base64 text; None when it is none."""
    try:
        return b64decode(text.encode("ascii"), validate=True)
    except (binascii.Error, UnicodeEncodeError):
        return None


def base64_text(value: bytes | str) -> str:
    """Bytes as base64; text counts as its UTF-8 bytes (SQLite keeps either in a BLOB column)."""
    return b64encode(value.encode() if isinstance(value, str) else value).decode("ascii")


def storable(text: str) -> bool:
    """Whether a database can hold the text: no U+0000, no lone surrogate."""
    if "\x00" in text:
        return False
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def same_json(one: Any, other: Any) -> bool:
    """Whether two JSON values are the same: true is not 1, but 1 is 1.0."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, dict):
        return isinstance(other, dict) and one.keys() == other.keys() and all(same_json(one[k], other[k]) for k in one)
    if isinstance(one, (list, tuple)):
        return (
            isinstance(other, (list, tuple))
            and len(one) == len(other)
            and all(same_json(a, b) for a, b in zip(one, other, strict=True))
        )
    return not isinstance(other, (dict, list, tuple)) and bool(one == other)


def deeper_than(most: int, value: Any) -> bool:
    """Whether lists and objects of a decoded value are nested in more than so many levels."""
    level = [value] if isinstance(value, dict | list) else []
    for _ in range(most):
        level = [
            child
            for one in level
            for child in (one.values() if isinstance(one, dict) else one)
            if isinstance(child, dict | list)
        ]
        if not level:
            return False
    return True
